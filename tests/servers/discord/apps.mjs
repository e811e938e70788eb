// An application with its bot: what the portal would show, and what the platform keeps of it (sheet 1, 8, 10.2).
import { createPrivateKey, createPublicKey, randomBytes, sign } from 'node:crypto';

export const privileged = { members: 1 << 1, presences: 1 << 8, content: 1 << 15 };
const der = Buffer.from('302e020100300506032b657004220420', 'hex'); // before the 32 bytes of an Ed25519 key

// A key pair of a seed of 32 bytes.
export function keyOf(seed = randomBytes(32)) {
  const secret = createPrivateKey({ key: Buffer.concat([der, seed]), format: 'der', type: 'pkcs8' });
  return { secret, hex: createPublicKey(secret).export({ format: 'der', type: 'spki' }).subarray(-32).toString('hex') };
}

export class App {
  // members, presences, content: the switches of the privileged intents. shards: as recommended; leastShards: fewer are closed with 4011.
  constructor(discord, name, { members = false, presences = false, content = true, shards = 1, leastShards = 1, maxConcurrency = 1, identifies = 1000, seed, publicBot = true } = {}) {
    const { world } = discord;
    Object.assign(this, { discord, name, id: world.flakes.next(), intents: { members, presences, content }, shards, leastShards, maxConcurrency, publicBot, key: keyOf(seed) });
    this.user = world.addUser(name, { bot: true, app: this, globalName: null });
    this.renew();
    this.limit = { total: identifies, used: 0, resetAt: Date.now() + 86_400_000 };
    this.interactionsUrl = null;
    this.eventsUrl = null;
    this.commands = new Map(); // '' or a guild's id -> list
    this.nonces = new Map(); // nonce -> {message, at}
    this.lastIdentify = new Map(); // by shard % maxConcurrency
    this.blockedBy = new Set(); // ids of people who take no direct messages
    this.clientSecret = randomBytes(16).toString('hex');
    this.installed = new Set(); // users who have it for themselves
  }

  // A new token; the old one and all that was connected with it is void.
  renew() {
    this.token = `${Buffer.from(this.user.id).toString('base64url')}.${randomBytes(4).toString('base64url')}.${randomBytes(28).toString('base64url')}`;
  }

  get guilds() {
    return [...this.discord.world.guilds.values()].filter((g) => g.has(this.user));
  }

  // GATEWAY_PRESENCE_LIMITED, GATEWAY_GUILD_MEMBERS_LIMITED, GATEWAY_MESSAGE_CONTENT_LIMITED
  get flags() {
    const { members, presences, content } = this.intents;
    return (presences ? 1 << 13 : 0) | (members ? 1 << 15 : 0) | (content ? 1 << 19 : 0);
  }

  get sessionStart() {
    const { limit } = this, now = Date.now();
    if (now >= limit.resetAt) Object.assign(limit, { used: 0, resetAt: now + 86_400_000 });
    return { total: limit.total, remaining: Math.max(0, limit.total - limit.used), reset_after: limit.resetAt - now, max_concurrency: this.maxConcurrency };
  }

  permissions(channel) {
    return channel.guild ? channel.guild.permissions(this.user, channel) : ~0n & ((1n << 53n) - 1n);
  }

  // Headers of what Discord sends to us by HTTP; the body is signed as it is (sheet 10.2).
  signed(body, { at = Math.floor(Date.now() / 1000), wrong = false } = {}) {
    const bytes = sign(null, Buffer.concat([Buffer.from(String(at)), Buffer.from(body)]), this.key.secret);
    if (wrong) bytes[0] ^= 1;
    return { 'x-signature-ed25519': bytes.toString('hex'), 'x-signature-timestamp': String(at) };
  }

  shown() {
    return {
      id: this.id, name: this.name, icon: null, description: '', summary: '', bot_public: this.publicBot, bot_require_code_grant: false, verify_key: this.key.hex, flags: this.flags, hook: true, redirect_uris: [],
      tags: [], interactions_endpoint_url: this.interactionsUrl, role_connections_verification_url: null, event_webhooks_url: this.eventsUrl, event_webhooks_status: this.eventsUrl ? 2 : 1, event_webhooks_types: [],
      owner: this.discord.owner.shown(), team: null, bot: this.user.shown(), approximate_guild_count: this.guilds.length, approximate_user_install_count: this.installed.size,
      install_params: { scopes: ['bot', 'applications.commands'], permissions: '309237763136' }, integration_types_config: { 0: {}, 1: {} },
    };
  }
}
