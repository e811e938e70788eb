// Ids as Discord makes them (sheet 9): milliseconds since 2015 above 22 bits, as text. They only rise.
export const epoch = 1_420_070_400_000n;

export const idAt = (ms) => String((BigInt(Math.floor(ms)) - epoch) << 22n);
export const msOf = (id) => Number((BigInt(id) >> 22n) + epoch);
export const shardOf = (guildId, shards) => Number((BigInt(guildId) >> 22n) % BigInt(shards));
export const later = (a, b) => BigInt(a) > BigInt(b);

export class Snowflakes {
  #last = 0n;
  #old = 0n;

  // ms: of something that is said to be older; those keep their own order.
  next(ms = null) {
    if (ms !== null) return String(BigInt(idAt(ms)) + (this.#old++ & 0x3fffffn));
    const id = BigInt(idAt(Date.now()));
    this.#last = id > this.#last ? id : this.#last + 1n;
    return String(this.#last);
  }

  // The id of a guild that falls to a shard.
  forShard(shard, shards) {
    for (let ms = Date.now() - 365 * 86_400_000; ; ms++) {
      const id = this.next(ms);
      if (shardOf(id, shards) === shard) return id;
    }
  }
}
