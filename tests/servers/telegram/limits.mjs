// How often something may be sent: buckets by chat (one a second after a burst; in groups also twenty a minute) and for the whole bot (30 a
// second). Who is told to wait is not heard before that time is over. Edits and drafts have buckets of the same size of their own.
class Bucket {
  constructor(size, perMs) {
    Object.assign(this, { size, perMs, left: size, at: Date.now() });
  }

  // Milliseconds until there is room again; 0 when there is.
  wait(now) {
    this.left = Math.min(this.size, this.left + Math.max(0, now - this.at) * this.perMs); // a bucket may be made a millisecond after its now
    this.at = now;
    return this.left >= 1 ? 0 : (1 - this.left) / this.perMs;
  }
}

export class Limits {
  // secondMs: how long a second of the rules lasts here. What a client is told to wait are always whole real seconds.
  constructor({ on = true, secondMs = 1000, burst = 5, perChat = 1, perGroupMinute = 20, perBot = 30 } = {}) {
    Object.assign(this, { on, secondMs, burst, perChat, perGroupMinute, perBot });
    this.buckets = new Map();
    this.blocked = new Map(); // key -> until
    this.impatient = 0; // asked again before their time
  }

  #bucket(key, size, perSecond) {
    if (!this.buckets.has(key)) this.buckets.set(key, new Bucket(size, perSecond / this.secondMs));
    return this.buckets.get(key);
  }

  // A chat is told to wait by somebody else (a fault): the same holds for it.
  block(bot, chatId, seconds) {
    this.blocked.set(`${bot.id} ${chatId}`, { from: Date.now(), until: Date.now() + seconds * 1000 });
  }

  #blockedFor(key, now) {
    const block = this.blocked.get(key);
    if (!block || now >= block.until - 20) return 0;
    if (now > block.from + 500) this.impatient++; // what was under way already does not count
    return Math.max(1, Math.ceil((block.until - now) / 1000));
  }

  // Seconds to wait, 0 when it is allowed (and counted). kind: send, edit, draft, action.
  take(bot, chat, kind) {
    const now = Date.now(), key = `${bot.id} ${chat.id}`;
    const blocked = this.#blockedFor(key, now);
    if (blocked || !this.on) return blocked;
    const buckets = [this.#bucket(`${bot.id}`, this.perBot, this.perBot)];
    if (kind !== 'action') {
      buckets.push(this.#bucket(`${key} ${kind}`, this.burst, this.perChat));
      if (chat.type !== 'private') buckets.push(this.#bucket(`${key} ${kind} minute`, this.perGroupMinute, this.perGroupMinute / 60));
    }
    const wait = Math.max(...buckets.map((b) => b.wait(now)));
    if (wait > 0) {
      const seconds = Math.max(1, Math.ceil(wait / 1000));
      this.block(bot, chat.id, seconds);
      return seconds;
    }
    for (const bucket of buckets) bucket.left--;
    return 0;
  }
}
