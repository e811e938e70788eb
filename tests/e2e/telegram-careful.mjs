// A bot as it should be, of a few lines: `memory` is what it has committed; everything else is gone when it is killed.
export class Careful {
  constructor(telegram, bot, memory) {
    Object.assign(this, { bot, memory, base: `${telegram.base}/bot${bot.token}`, abort: new AbortController(), busy: new Set() });
  }

  kill() {
    this.abort.abort();
  }

  get dead() {
    return this.abort.signal.aborted;
  }

  // Its result, an error text, or null when nobody knows.
  async call(method, args) {
    for (;;) {
      const answer = await fetch(`${this.base}/${method}`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(args), signal: this.abort.signal }).then((a) => a.json()).catch(() => null);
      if (this.dead) throw new Error('killed');
      if (answer?.error_code !== 429) return answer?.ok ? answer : answer && answer.error_code < 500 ? answer.description : null;
      await new Promise((resolve) => setTimeout(resolve, answer.parameters.retry_after * 1000));
      if (this.dead) throw new Error('killed');
    }
  }

  take(update) {
    if (this.memory.seen.has(update.update_id)) return;
    this.memory.seen.add(update.update_id);
    const { message } = update, id = message?.chat.id, row = this.memory.rows.get(id) ?? [];
    if (!message?.text) return; // being added, topics
    row.push({ text: message.text, thread: message.is_topic_message ? message.message_thread_id : undefined, placeholder: null });
    this.memory.rows.set(id, row);
    this.work(id);
  }

  // What was left undone by the life before.
  resume() {
    for (const id of this.memory.rows.keys()) this.work(id);
  }

  async poll() {
    while (!this.dead) {
      const answer = await this.call('getUpdates', { offset: this.memory.offset, timeout: 5, allowed_updates: ['message'] }).catch(() => null);
      for (const update of answer?.result ?? []) {
        if (this.dead) return;
        this.take(update);
        this.memory.offset = update.update_id + 1;
      }
    }
  }

  async work(id) {
    if (this.busy.has(id)) return;
    this.busy.add(id);
    try {
      for (const row = this.memory.rows.get(id); row.length; ) {
        const [entry] = row;
        while (!entry.placeholder) entry.placeholder = (await this.call('sendMessage', { chat_id: id, message_thread_id: entry.thread, text: '…' }))?.result?.message_id;
        for (let done = false; !done; ) {
          const answer = await this.call('editMessageText', { chat_id: id, message_id: entry.placeholder, text: `<b>${entry.text}</b>`, parse_mode: 'HTML' });
          done = answer?.ok || /not modified/.test(answer ?? '');
        }
        row.shift();
      }
    } catch { /* killed */ }
    this.busy.delete(id);
  }
}
