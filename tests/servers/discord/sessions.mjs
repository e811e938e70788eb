// Sessions of the gateway: which events they get (shard and intents: sheet 1.1, 8), their numbers, and the replay of what was
// missed (sheet 6). A session outlives its connection.
import { randomBytes } from 'node:crypto';
import { shardOf } from './snowflake.mjs';
import { types } from './world.mjs';

export const intent = { guilds: 1, guildMessages: 512, guildReactions: 1024, guildTyping: 2048, dms: 4096, dmReactions: 8192, dmTyping: 16384, content: 32768 };

class Session {
  constructor(sessions, app, connection, { shard, intents }) {
    Object.assign(this, { sessions, app, connection, intents, id: randomBytes(16).toString('hex'), shard: shard ?? [0, 1], seq: 0, sent: [], lost: 0, goneAt: null, dead: false, began: Date.now() });
  }

  wants(bit) {
    return (this.intents & bit) !== 0;
  }

  // Whether events of this guild (null: direct messages) come to this shard.
  serves(guild) {
    return guild ? shardOf(guild.id, this.shard[1]) === this.shard[0] : this.shard[0] === 0;
  }

  get resumable() {
    const { knobs } = this.sessions.discord;
    return !this.dead && (this.goneAt === null || Date.now() - this.goneAt < knobs.sessionMs);
  }

  dispatch(t, d) {
    if (this.dead) return;
    const event = { s: ++this.seq, t, d: JSON.stringify(d) };
    this.sent.push(event);
    if (this.sent.length > this.sessions.discord.knobs.replayMost) this.lost = this.sent.shift().s;
    this.sessions.discord.counts.events++;
    this.connection?.event(event);
  }
}

export class Sessions {
  constructor(discord) {
    Object.assign(this, { discord, all: [], version: 0 });
  }

  of(app) {
    return this.all.filter((s) => s.app === app && !s.dead);
  }

  add(app, connection, asked) {
    const session = new Session(this, app, connection, asked);
    this.all = this.all.filter((s) => s.resumable);
    this.all.push(session);
    return session;
  }

  find(id) {
    return this.all.find((s) => s.id === id) ?? null;
  }

  // To every session of an application that serves the guild and asked for these events.
  tell(app, guild, bit, t, d) {
    for (const session of this.of(app)) {
      if (!session.serves(guild) || (bit && !session.wants(bit))) continue;
      session.dispatch(t, typeof d === 'function' ? d(session) : d);
    }
  }

  // Something happened in the world: who may know of it?
  changed(kind, thing, more) {
    this.version++;
    for (const app of this.discord.apps.values()) this.#tell(app, kind, thing, more);
  }

  #tell(app, kind, thing, more) {
    const channel = thing.channel ?? thing, { guild } = channel;
    if (guild ? !guild.has(app.user) || guild.unavailable || !(app.permissions(channel) & (1n << 10n)) : !channel.recipients?.includes(app.user)) return;
    if (channel.type === types.privateThread && !channel.joined.has(app.user.id)) return;
    const at = guild && { guild_id: guild.id };
    if (kind === 'MESSAGE_CREATE' || kind === 'MESSAGE_UPDATE') return this.#message(app, kind, thing, at);
    if (kind === 'MESSAGE_DELETE') {
      if (thing.ephemeral) return;
      return this.tell(app, guild, guild ? intent.guildMessages : intent.dms, kind, { id: thing.id, channel_id: channel.id, ...at });
    }
    if (kind === 'MESSAGE_DELETE_BULK') return this.tell(app, guild, guild ? intent.guildMessages : intent.dms, kind, { ids: more, channel_id: channel.id, ...at });
    if (/^MESSAGE_REACTION_/.test(kind)) {
      const { user, emoji } = more;
      return this.tell(app, guild, guild ? intent.guildReactions : intent.dmReactions, kind, { user_id: user.id, channel_id: channel.id, message_id: thing.id, ...at, emoji: { id: null, name: emoji }, burst: false, type: 0,
        ...(kind === 'MESSAGE_REACTION_ADD' && { message_author_id: thing.author?.id, ...(guild && { member: guild.memberShown(user, true) }) }) });
    }
    if (kind === 'TYPING_START') return this.tell(app, guild, guild ? intent.guildTyping : intent.dmTyping, kind, { channel_id: channel.id, user_id: more.id, timestamp: Math.floor(Date.now() / 1000), ...at });
    if (kind === 'THREAD_DELETE') return this.tell(app, guild, intent.guilds, kind, { id: channel.id, guild_id: guild.id, parent_id: channel.parent.id, type: channel.type });
    return this.tell(app, guild, intent.guilds, kind, { ...channel.shown(), ...(kind === 'THREAD_CREATE' && { newly_created: true }) }); // CHANNEL_*, THREAD_*
  }

  #message(app, kind, message, at) {
    const { channel, guild } = message;
    if (message.ephemeral && message.app !== app) return;
    this.tell(app, guild, guild ? intent.guildMessages : intent.dms, kind, (session) => ({
      ...message.shown({ app, content: session.wants(intent.content), nonce: true, cdn: (a) => this.discord.cdn.signed(a) }),
      ...(!message.ephemeral && at), channel_type: channel.type,
      ...(guild && !message.webhookId && guild.has(message.author) && { member: guild.memberShown(message.author) }),
    }));
  }
}
