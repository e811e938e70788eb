// What the stand-in Discord knows: people, guilds, channels, threads, messages, files, and how they look as JSON (sheet 9, 2.1).
// No protocol here: who changes something tells `changed`, which makes events of it for the applications that may see it.
import { seeded } from '../slack/world.mjs';
import { Snowflakes, later, msOf } from './snowflake.mjs';

export { seeded };

export const types = { text: 0, dm: 1, voice: 2, category: 4, announcement: 5, publicThread: 11, privateThread: 12, forum: 15 };
export const bits = { ADD_REACTIONS: 6, VIEW_CHANNEL: 10, SEND_MESSAGES: 11, MANAGE_MESSAGES: 13, EMBED_LINKS: 14, ATTACH_FILES: 15, READ_MESSAGE_HISTORY: 16, MENTION_EVERYONE: 17,
  MANAGE_THREADS: 34, CREATE_PUBLIC_THREADS: 35, SEND_MESSAGES_IN_THREADS: 38 };
export const flags = { suppressEmbeds: 4, ephemeral: 64, loading: 128, silent: 4096, voice: 8192, snapshot: 16384, components: 32768 };
export const asked = 309_237_763_136n; // the permissions that the sheet recommends

export class User {
  constructor(fields) {
    Object.assign(this, { bot: false, system: false, globalName: null, app: null, ...fields });
  }

  shown() {
    return {
      id: this.id, username: this.username, global_name: this.globalName, discriminator: this.bot ? '0000' : '0', avatar: null, public_flags: 0,
      ...(this.bot && { bot: true }), ...(this.system && { system: true }),
    };
  }
}

export class Guild {
  constructor(id, name, owner) {
    Object.assign(this, { id, name, owner, members: new Map(), channels: [], unavailable: false, joined: new Map(), roles: [{ id, name: '@everyone', permissions: 0n, managed: false, position: 0 }] });
  }

  get everyone() {
    return this.roles[0];
  }

  has(user) {
    return this.members.has(user.id);
  }

  memberShown(user, withUser = false) {
    const { nick, roles, joinedAt } = this.members.get(user.id) ?? { nick: null, roles: [], joinedAt: new Date(0).toISOString() };
    return { ...(withUser && { user: user.shown() }), nick, roles, joined_at: joinedAt, premium_since: null, deaf: false, mute: false, pending: false, flags: 0, avatar: null, banner: null,
      communication_disabled_until: null };
  }

  // Effective permissions of a member in a channel, or in the whole guild (sheet 2.1). Threads have those of their parent.
  permissions(user, channel = null) {
    const own = [this.id, ...(this.members.get(user.id)?.roles ?? [])], place = channel?.isThread ? channel.parent : channel;
    let may = this.roles.filter((r) => own.includes(r.id)).reduce((sum, r) => sum | r.permissions, 0n);
    if (this.owner === user) return ~0n & ((1n << 53n) - 1n);
    const apply = (overwrites) => {
      for (const { deny } of overwrites) may &= ~deny;
      for (const { allow } of overwrites) may |= allow;
    };
    const overwrites = place?.overwrites ?? [];
    apply(overwrites.filter((o) => o.id === this.id));
    apply(overwrites.filter((o) => o.type === 0 && o.id !== this.id && own.includes(o.id)));
    apply(overwrites.filter((o) => o.type === 1 && o.id === user.id));
    return may;
  }

  shown(app = null) {
    const plain = this.channels.filter((c) => !c.isThread), threads = this.channels.filter((c) => c.isThread && !c.archived && (c.type !== types.privateThread || c.joined.has(app?.user.id)));
    return {
      id: this.id, name: this.name, icon: null, splash: null, discovery_splash: null, banner: null, owner_id: this.owner.id, region: 'deprecated', afk_channel_id: null, afk_timeout: 300,
      system_channel_id: null, system_channel_flags: 0, rules_channel_id: null, public_updates_channel_id: null, safety_alerts_channel_id: null, widget_enabled: false, widget_channel_id: null,
      verification_level: 1, default_message_notifications: 0, explicit_content_filter: 0, mfa_level: 0, nsfw_level: 0, nsfw: false, premium_tier: 0, premium_subscription_count: 0,
      premium_progress_bar_enabled: false, preferred_locale: 'en-US', description: null, vanity_url_code: null, max_members: 500_000, max_video_channel_users: 25, max_stage_video_channel_users: 50,
      features: [], emojis: [], stickers: [], hub_type: null, incidents_data: null, application_id: null,
      roles: this.roles.map((r) => ({ id: r.id, name: r.name, permissions: String(r.permissions), position: r.position, managed: r.managed, color: 0, colors: { primary_color: 0, secondary_color: null, tertiary_color: null }, hoist: false, mentionable: false, icon: null, unicode_emoji: null, flags: 0,
        ...(r.tags && { tags: r.tags }) })),
      ...(app && {
        joined_at: this.joined.get(app.id) ?? new Date().toISOString(), large: this.members.size > 50, unavailable: false, member_count: this.members.size, voice_states: [], presences: [], stage_instances: [],
        guild_scheduled_events: [], soundboard_sounds: [], members: [...this.members.values()].filter((m) => m.user === app.user).map((m) => this.memberShown(m.user, true)),
        channels: plain.map((c) => c.shown(false)), threads: threads.map((c) => c.shown(false)),
      }),
    };
  }
}

export class Channel {
  constructor(id, type, fields) {
    Object.assign(this, { guild: null, name: null, parent: null, owner: null, topic: null, recipients: [], overwrites: [], messages: [], byId: new Map(), locked: false, archived: false,
      autoArchive: 4320, joined: new Set(), gone: false, position: 0, made: new Date().toISOString(), typed: [], slow: 0, ...fields, id, type });
  }

  get isThread() {
    return this.type >= 10 && this.type <= 12;
  }

  get isForum() {
    return this.type === 15 || this.type === 16;
  }

  get live() {
    return this.messages.filter((m) => !m.deleted);
  }

  // What anybody but the one who is whispered to can read, oldest first.
  get list() {
    return this.live.filter((m) => !m.ephemeral);
  }

  find(id) {
    const message = this.byId.get(id);
    return message && !message.deleted ? message : null;
  }

  // Nobody may do these things here (names of permissions), or with `user` that one.
  deny(names, user = null) {
    const deny = names.reduce((sum, name) => sum | (1n << BigInt(bits[name])), 0n);
    this.overwrites.push(user ? { id: user.id, type: 1, allow: 0n, deny } : { id: this.guild.id, type: 0, allow: 0n, deny });
    const role = this.guild.roles.filter((r) => r.managed);
    if (!user) for (const r of role) this.overwrites.push({ id: r.id, type: 0, allow: 0n, deny });
  }

  shown(withGuild = true) {
    const last = this.messages.at(-1)?.id ?? null;
    if (this.type === types.dm) return { id: this.id, type: 1, last_message_id: last, flags: 0, recipients: this.recipients.filter((u) => !u.bot).map((u) => u.shown()) };
    const base = { id: this.id, type: this.type, name: this.name, flags: 0, last_message_id: last, rate_limit_per_user: this.slow, ...(withGuild && { guild_id: this.guild.id }), parent_id: this.parent?.id ?? null };
    if (this.isThread)
      return { ...base, guild_id: this.guild.id, owner_id: this.owner.id, message_count: this.messages.length, total_message_sent: this.messages.length, member_count: this.joined.size, applied_tags: [],
        thread_metadata: { archived: this.archived, auto_archive_duration: this.autoArchive, archive_timestamp: this.made, locked: this.locked, create_timestamp: this.made,
          ...(this.type === types.privateThread && { invitable: true }) } };
    return { ...base, position: this.position, topic: this.topic, nsfw: false,
      permission_overwrites: this.overwrites.map((o) => ({ id: o.id, type: o.type, allow: String(o.allow), deny: String(o.deny) })),
      ...(this.type === types.voice && { bitrate: 64_000, user_limit: 0, rtc_region: null }), ...(this.isForum && { available_tags: [], default_reaction_emoji: null, default_sort_order: null, default_forum_layout: 0 }) };
  }
}

export class Message {
  constructor(channel, id, fields) {
    Object.assign(this, { channel, id, author: null, app: null, type: 0, content: '', embeds: [], attachments: [], components: [], mentions: [], mentionRoles: [], mentionEveryone: false, flags: 0,
      nonce: null, reference: null, snapshots: null, webhookId: null, interaction: null, editedAt: null, thread: null, pinned: false, body: null, ...fields });
    this.timestamp = new Date(msOf(id)).toISOString().replace('Z', '000+00:00');
    this.writes = [{ content: this.content, at: Date.now() }]; // every text it had
    this.reactions = new Map();
    this.deleted = false;
  }

  get words() {
    return this.content;
  }

  get ephemeral() {
    return (this.flags & flags.ephemeral) !== 0;
  }

  get guild() {
    return this.channel.guild;
  }

  // The content of a place in this channel's time: what a reader without the intent does not get (sheet 1).
  readableBy(app) {
    return !this.guild || this.author === app.user || this.app === app || this.mentions.includes(app.user);
  }

  // app: for whom; content: whether that one may read everything; nonce: it is echoed to those who listen.
  shown({ app = null, content = true, nonce = false, deep = true, cdn = (a) => a } = {}) {
    const open = content || !app || this.readableBy(app), { channel } = this;
    const { reference } = this, replied = reference?.type === 0 ? channel.byId.get(reference.message_id) : null;
    return {
      id: this.id, channel_id: channel.id, type: this.type,
      author: this.author.shown(),
      content: open ? this.content : '', embeds: open ? this.embeds : [], attachments: open ? this.attachments.map(cdn) : [], components: open ? this.components : [],
      timestamp: this.timestamp, edited_timestamp: this.editedAt, tts: false, pinned: this.pinned, flags: this.flags, mention_everyone: this.mentionEveryone,
      mentions: this.mentions.map((u) => u.shown()), mention_roles: this.mentionRoles,
      ...(nonce && this.nonce !== null && { nonce: this.nonce }),
      ...(this.webhookId && { webhook_id: this.webhookId }), ...(this.app && this.webhookId && { application_id: this.app.id }),
      ...(this.interaction && { interaction_metadata: { id: this.interaction.id, type: this.interaction.type, user: this.interaction.user.shown(), authorizing_integration_owners: this.interaction.owners } }),
      ...(reference && { message_reference: reference }), ...(this.snapshots && { message_snapshots: this.snapshots }),
      ...(deep && (this.type === 19 || this.type === 21) && { referenced_message: replied && !replied.deleted ? replied.shown({ app, content, deep: false, cdn }) : null }),
      ...(this.thread && { thread: this.thread.shown() }),
      ...(this.reactions.size && { reactions: [...this.reactions].map(([name, users]) => ({ emoji: { id: null, name }, count: users.size, count_details: { burst: 0, normal: users.size }, burst_colors: [], me_burst: false,
        burst_me: false, burst_count: 0, me: !!app && users.has(app.user.id) })) }),
    };
  }
}

const ids = (text, pattern) => [...new Set([...text.matchAll(pattern)].map((m) => m[1]))];

export class World {
  constructor({ random, changed }) {
    Object.assign(this, { random, changed, flakes: new Snowflakes(), users: new Map(), guilds: new Map(), channels: new Map(), files: new Map() });
  }

  addUser(username, fields = {}) {
    const user = new User({ id: this.flakes.next(), username, globalName: username[0].toUpperCase() + username.slice(1), ...fields });
    this.users.set(user.id, user);
    return user;
  }

  // shard, shards: to which shard it falls. Everybody may do what members usually may.
  addGuild(name, { owner = this.addUser(`owner of ${name}`), shard = null, shards = 1, members = [] } = {}) {
    const guild = new Guild(shard === null ? this.flakes.next() : this.flakes.forShard(shard, shards), name, owner);
    guild.everyone.permissions = asked | (1n << 31n);
    this.guilds.set(guild.id, guild);
    for (const user of [owner, ...members]) this.join(guild, user);
    return guild;
  }

  join(guild, user, fields = {}) {
    guild.members.set(user.id, { user, nick: null, roles: [], joinedAt: new Date().toISOString(), ...fields });
  }

  addChannel(guild, name, { type = types.text, ...fields } = {}) {
    const channel = new Channel(fields.id ?? this.flakes.next(), type, { guild, name, position: guild.channels.length, ...fields });
    this.channels.set(channel.id, channel);
    guild.channels.push(channel);
    this.changed(channel.isThread ? 'THREAD_CREATE' : 'CHANNEL_CREATE', channel);
    return channel;
  }

  // The direct messages of two; there is only one such channel.
  dm(a, b) {
    for (const channel of this.channels.values()) if (channel.type === types.dm && channel.recipients.includes(a) && channel.recipients.includes(b)) return channel;
    const channel = new Channel(this.flakes.next(), types.dm, { recipients: [a, b] });
    this.channels.set(channel.id, channel);
    return channel;
  }

  addThread(parent, name, owner, { from = null, type = types.publicThread, autoArchive = 4320 } = {}) {
    const thread = this.addChannel(parent.guild, name, { id: from?.id, type, parent, owner, autoArchive, joined: new Set([owner.id]) });
    if (!from) return thread;
    from.thread = thread;
    from.flags |= 32;
    this.post(thread, { author: owner, type: 21, reference: { type: 0, message_id: from.id, channel_id: parent.id, guild_id: parent.guild.id } });
    this.changed('MESSAGE_UPDATE', from);
    return thread;
  }

  // Who is mentioned in a text, as its readers see it. everyone: whether that is allowed.
  mentioned(guild, content, { everyone = true } = {}) {
    return {
      mentions: ids(content, /<@!?(\d+)>/g).map((id) => this.users.get(id)).filter(Boolean),
      mentionRoles: ids(content, /<@&(\d+)>/g).filter((id) => guild?.roles.some((r) => r.id === id)),
      mentionEveryone: everyone && /@(everyone|here)\b/.test(content),
    };
  }

  // at: milliseconds, of something that was said before. quiet: nobody is told.
  post(channel, fields, { at = null, quiet = false } = {}) {
    const message = new Message(channel, fields.id ?? this.flakes.next(at), fields);
    const list = channel.messages;
    let place = list.length;
    while (place > 0 && later(list[place - 1].id, message.id)) place--;
    list.splice(place, 0, message);
    channel.byId.set(message.id, message);
    if (channel.archived && !channel.locked) this.archive(channel, false);
    if (!quiet) this.changed('MESSAGE_CREATE', message);
    return message;
  }

  // edited: whether it counts as an edit; links that resolve do not.
  change(message, fields, { edited = true } = {}) {
    Object.assign(message, fields);
    if (edited) message.editedAt = new Date().toISOString().replace('Z', '000+00:00');
    if ('content' in fields) message.writes.push({ content: message.content, at: Date.now() });
    this.changed('MESSAGE_UPDATE', message);
    return message;
  }

  remove(message) {
    message.deleted = true;
    this.changed('MESSAGE_DELETE', message);
  }

  archive(thread, archived = true, locked = thread.locked) {
    Object.assign(thread, { archived, locked });
    this.changed('THREAD_UPDATE', thread);
  }

  // A file that was sent. bytes: text or Buffer.
  addFile(channel, { name = 'file.txt', type = 'text/plain', bytes = '' }) {
    const data = Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes), id = this.flakes.next();
    this.files.set(id, { data, type });
    const key = `/attachments/${channel.id}/${id}/${encodeURIComponent(name)}`;
    return { id, filename: name, size: data.length, content_type: type, url: key, proxy_url: key, ...(/^image\//.test(type) && { width: 1, height: 1 }) };
  }
}
