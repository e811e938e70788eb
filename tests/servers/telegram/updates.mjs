// getUpdates: what an offset does, how long one waits, and who is sent away when two ask at once.
import { kinds, usualKinds } from './bots.mjs';
import { integer, Refusal, structure } from './refusal.mjs';

export const texts = {
  webhook: "Conflict: can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first",
  other: 'Conflict: terminated by other getUpdates request; make sure that only one bot instance is running',
  set: 'Conflict: terminated by setWebhook request',
};

// Left out, empty or not understood: as before. An empty array, or none that is known: the usual ones.
export function allow(bot, value) {
  let list;
  try { list = structure(value, 'allowed_updates'); } catch { return; }
  if (!Array.isArray(list) || list.some((kind) => typeof kind !== 'string')) return;
  const wanted = kinds.filter((kind) => list.includes(kind));
  bot.allowed = wanted.length && wanted.join() !== usualKinds.join() ? wanted : usualKinds;
}

export class Updates {
  constructor(telegram) {
    this.telegram = telegram;
    this.polls = new Map(); // bot -> {offset, limit, answer, timer}
    this.asked = new Map(); // bot -> {offset, at}
    this.conflictAt = new Map();
  }

  running(bot) {
    return this.polls.has(bot);
  }

  expire(bot) {
    const now = Date.now();
    bot.queue = bot.queue.filter((u) => u.until > now);
  }

  // Confirms what is below the offset and returns what is there from it on.
  #take(bot, offset, limit) {
    this.expire(bot);
    if (offset < 0) bot.queue = bot.queue.slice(offset);
    const head = bot.queue[0]?.id ?? bot.nextUpdate;
    const fits = offset > 0 && offset <= bot.nextUpdate + 10 && offset >= head - 100_000;
    if (fits) bot.take((u) => u.id < offset); // an offset that does not fit confirms nothing
    let room = 1 << 22;
    const batch = [];
    for (const u of bot.queue.slice(0, limit)) {
      room -= 50 + JSON.stringify(u.json).length;
      if (room <= 0) break;
      batch.push(u);
    }
    for (const u of batch) if (u.handed++ > 0) this.telegram.counts.redelivered++;
    return batch.map((u) => ({ update_id: u.id, ...u.json }));
  }

  async get(bot, args, request) {
    const { secondMs } = this.telegram.knobs;
    if (bot.webhook) return this.#conflict(bot, texts.webhook);
    const offset = integer(args.offset), now = Date.now(), before = this.asked.get(bot);
    let limit = integer(args.limit, 100, 1, 100), timeout = integer(args.timeout, 0, 0, 50) * 1000;
    allow(bot, args.allowed_updates);
    if (before && before.offset === offset && timeout < 3000 && now < before.at + 3 * secondMs) timeout = 3 * secondMs;
    if (before && before.offset === offset && now < before.at + 0.5 * secondMs) limit = 1;
    this.asked.set(bot, { offset, at: now });
    const batch = this.#take(bot, offset, limit);
    if (batch.length || timeout === 0) return batch;
    this.end(bot, texts.other);
    return new Promise((resolve, reject) => {
      const poll = { offset, limit };
      const finish = (how) => {
        if (this.polls.get(bot) !== poll) return;
        this.polls.delete(bot);
        clearTimeout(poll.timer);
        how();
      };
      poll.timer = setTimeout(() => finish(() => resolve(this.#take(bot, offset, limit))), Math.min(timeout, this.telegram.knobs.mostPollMs));
      poll.wake = () => finish(() => resolve(this.#take(bot, offset, limit)));
      poll.refuse = (text) => finish(() => this.#conflict(bot, text).catch(reject));
      // Who hangs up is only noticed like this when it is a knob: the real server holds the poll until its time is over.
      if (this.telegram.knobs.noticesHangUp) request?.socket.once('close', () => finish(() => resolve([])));
      this.polls.set(bot, poll);
    });
  }

  // The first conflict is told at once, the next ones within three seconds later.
  async #conflict(bot, text) {
    bot.conflicts++;
    const now = Date.now();
    if (now < (this.conflictAt.get(bot) ?? 0)) await this.telegram.pause(3 * this.telegram.knobs.secondMs);
    else this.conflictAt.set(bot, now + 3 * this.telegram.knobs.secondMs);
    throw new Refusal(409, text);
  }

  end(bot, text) {
    this.polls.get(bot)?.refuse(text);
  }

  wake(bot) {
    const poll = this.polls.get(bot);
    if (poll) setTimeout(() => poll.wake(), 1);
  }

  stop() {
    for (const poll of this.polls.values()) clearTimeout(poll.timer);
    this.polls.clear();
  }
}
