// How often the REST API may be asked (sheet 13): buckets by route and major parameter, 50 a second for a bot, and 10,000
// invalid requests in ten minutes until the whole address is shut out.
import { createHash } from 'node:crypto';

// windowMs of "5 in 5 s" is five of its seconds.
class Bucket {
  constructor(size, windowMs) {
    Object.assign(this, { size, windowMs, left: size, resetAt: 0 });
  }

  // Milliseconds until there is room; 0: one was taken.
  take(now) {
    if (now >= this.resetAt) Object.assign(this, { left: this.size, resetAt: now + this.windowMs });
    if (this.left <= 0) return this.resetAt - now;
    this.left--;
    return 0;
  }
}

export class Limits {
  // secondMs: how long a second of the rules lasts here. What clients are told are real seconds.
  constructor({ on = true, secondMs = 1000, perBot = 50, invalidMost = 10_000, invalidMs = 600_000 } = {}) {
    Object.assign(this, { on, secondMs, perBot, invalidMost, invalidMs });
    this.buckets = new Map();
    this.blocked = new Map(); // key -> {from, until}
    this.invalid = []; // when
    this.impatient = 0; // asked again before their time
    this.bannedUntil = 0;
  }

  hash(route) {
    return createHash('sha256').update(route.bucket ?? route.name).digest('hex').slice(0, 32);
  }

  // Somebody (a fault) says to wait: it holds.
  block(key, ms) {
    this.blocked.set(key, { from: Date.now(), until: Date.now() + ms });
  }

  blockedFor(key) {
    const block = this.blocked.get(key), now = Date.now();
    if (!block || now >= block.until - 5) return 0;
    if (now > block.from + 250) this.impatient++; // what was under way already does not count
    return block.until - now;
  }

  // {waitMs, global, headers} for one request; waitMs 0: allowed and counted.
  take(app, route, key) {
    const now = Date.now(), [size, seconds] = route.limit ?? [50, 1], name = `${app?.id ?? ''} ${key}`;
    const held = Math.max(this.blockedFor(name), this.blockedFor(`${app?.id} global`));
    if (held) return { waitMs: held, global: this.blockedFor(`${app?.id} global`) > 0, headers: this.#headers(route, { size, left: 0, resetAt: now + held }, now) };
    if (!this.on) return { waitMs: 0, headers: this.#headers(route, { size, left: size - 1, resetAt: now + seconds * this.secondMs }, now) };
    if (app && !route.free) {
      const wait = this.#bucket(`${app.id} global bucket`, this.perBot, this.secondMs).take(now);
      if (wait) return { waitMs: wait, global: true, headers: {} };
    }
    const bucket = this.#bucket(name, size, seconds * this.secondMs), waitMs = bucket.take(now);
    if (waitMs) this.block(name, waitMs);
    return { waitMs, global: false, headers: this.#headers(route, bucket, now) };
  }

  #bucket(key, size, windowMs) {
    if (!this.buckets.has(key)) this.buckets.set(key, new Bucket(size, windowMs));
    return this.buckets.get(key);
  }

  #headers(route, { size, left, resetAt }, now) {
    return {
      'x-ratelimit-limit': String(size), 'x-ratelimit-remaining': String(left), 'x-ratelimit-reset': (resetAt / 1000).toFixed(3),
      'x-ratelimit-reset-after': (Math.max(0, resetAt - now) / 1000).toFixed(3), 'x-ratelimit-bucket': this.hash(route),
    };
  }

  // A 401, 403 or 429 was answered.
  countInvalid() {
    const now = Date.now();
    this.invalid = this.invalid.filter((at) => at > now - this.invalidMs);
    this.invalid.push(now);
    if (this.invalid.length >= this.invalidMost) this.bannedUntil = now + this.invalidMs;
  }
}
