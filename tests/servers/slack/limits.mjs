// How often a method may be called: counted by app, workspace and method in windows of a minute (or what stands for one),
// and messages by channel, one a second after a short burst.
const tiers = { 1: 1, 2: 20, 3: 50, 4: 100, test: 400, post: 400, oauth: 400 };

export class Limits {
  constructor({ minuteMs = 60_000, factor = 1, channelBurst = 4 } = {}) {
    Object.assign(this, { minuteMs, factor, channelBurst });
    this.windows = new Map();
    this.buckets = new Map();
  }

  // Seconds to wait, 0 when it is allowed (and counted).
  method(key, tier) {
    const now = Date.now();
    let window = this.windows.get(key);
    if (!window || now - window.begun >= this.minuteMs) this.windows.set(key, (window = { begun: now, count: 0 }));
    if (window.count >= tiers[tier] * this.factor) return Math.max(1, Math.ceil((window.begun + this.minuteMs - now) / 1000));
    window.count++;
    return 0;
  }

  channel(key) {
    const now = Date.now(), second = this.minuteMs / 60;
    const bucket = this.buckets.get(key) ?? { left: this.channelBurst, at: now };
    bucket.left = Math.min(this.channelBurst, bucket.left + (now - bucket.at) / second);
    bucket.at = now;
    this.buckets.set(key, bucket);
    if (bucket.left < 1) return 1;
    bucket.left--;
    return 0;
  }
}
