// What people do in their clients: say, reply, edit, delete, react, thread, command, press, invite and remove bots.
import { bits, flags, types } from './world.mjs';

export class People {
  constructor(discord) {
    this.discord = discord;
  }

  get world() {
    return this.discord.world;
  }

  // at: milliseconds, of old messages. wants: the id its answer must carry; counted by the tally. ping: whether a reply notifies.
  say(user, channel, content, { replyTo = null, ping = true, files = [], wants = null, at = null, quiet = false, ...more } = {}) {
    if (channel.guild && !user.bot && !channel.guild.has(user)) this.world.join(channel.guild, user);
    const found = this.world.mentioned(channel.guild, content);
    if (replyTo && ping && !found.mentions.includes(replyTo.author)) found.mentions.push(replyTo.author);
    const message = this.world.post(channel, {
      author: user, content, ...found, attachments: files.map((f) => this.world.addFile(channel, f)),
      ...(replyTo && { type: 19, reference: { type: 0, message_id: replyTo.id, channel_id: replyTo.channel.id, ...(channel.guild && { guild_id: channel.guild.id }) } }), ...more,
    }, { at, quiet });
    if (wants) this.discord.tally.expect(message, wants);
    return message;
  }

  // In direct messages.
  tell(user, app, content, options) {
    return this.say(user, this.world.dm(app.user, user), content, options);
  }

  mention(user, channel, app, content, options) {
    return this.say(user, channel, `<@${app.user.id}> ${content}`, options);
  }

  reply(user, message, content, options = {}) {
    return this.say(user, message.channel, content, { replyTo: message, ...options });
  }

  edit(message, content) {
    return this.world.change(message, { content, ...this.world.mentioned(message.guild, content) });
  }

  // MESSAGE_UPDATE that is no edit: the preview of a link came.
  touch(message) {
    return this.world.change(message, { embeds: [{ type: 'link', url: 'https://example.org' }] }, { edited: false });
  }

  pin(message) {
    return this.world.change(message, { pinned: true }, { edited: false });
  }

  remove(message) {
    this.world.remove(message);
  }

  forward(user, channel, message, options = {}) {
    const { content, timestamp, attachments } = message, at = { type: 1, message_id: message.id, channel_id: message.channel.id };
    return this.say(user, channel, '', { flags: flags.snapshot, reference: at, snapshots: [{ message: { content, timestamp, attachments, embeds: [], type: 0, edited_timestamp: null, flags: 0, mentions: [], mention_roles: [], components: [] } }], ...options });
  }

  // Pins, joins, boosts and the like (sheet 9.1).
  system(channel, type, user) {
    return this.world.post(channel, { author: user, type });
  }

  react(user, message, emoji) {
    message.reactions.set(emoji, (message.reactions.get(emoji) ?? new Set()).add(user.id));
    this.world.changed('MESSAGE_REACTION_ADD', message, { user, emoji });
  }

  type(user, channel) {
    this.world.changed('TYPING_START', channel, user);
  }

  // ---- threads ---------------------------------------------------------------------------------------------------

  threadFrom(user, message, name = 'a thread') {
    return this.world.addThread(message.channel, name, user, { from: message });
  }

  thread(user, channel, name, { secret = false } = {}) {
    return this.world.addThread(channel, name, user, { type: secret ? types.privateThread : types.publicThread });
  }

  // A post in a forum: the thread; its first message has the same id.
  post(user, forum, name, content, options = {}) {
    const thread = this.world.addThread(forum, name, user);
    this.say(user, thread, content, { id: thread.id, ...options });
    return thread;
  }

  archive(thread, { archived = true, locked = false } = {}) {
    this.world.archive(thread, archived, locked);
  }

  // ---- interactions ----------------------------------------------------------------------------------------------

  // A slash command. options: {name: text}. It must be registered, unless forced. Returns the interaction: .answer, .texts, .failed, .whispered.
  command(user, channel, app, name, options = {}, { installed = 'guild', forced = false } = {}) {
    const found = this.#registered(app, channel, name, 1) ?? (forced ? { id: this.world.flakes.next(), name, type: 1 } : null);
    if (!found) throw new Error(`no command /${name} is registered`);
    for (const o of found.options ?? []) if (o.required && options[o.name] === undefined) throw new Error(`/${name} needs ${o.name}`);
    const data = { id: found.id, name, type: 1, ...(found.guild_id && { guild_id: found.guild_id }), options: Object.entries(options).map(([key, value]) => ({ name: key, type: 3, value })) };
    return this.discord.interactions.make(app, 2, { user, channel, data, installed });
  }

  // A command of a message's menu.
  menu(user, message, app, name, { forced = false } = {}) {
    const found = this.#registered(app, message.channel, name, 3) ?? (forced ? { id: this.world.flakes.next() } : null);
    if (!found) throw new Error(`no message command "${name}" is registered`);
    const data = { id: found.id, name, type: 3, target_id: message.id, resolved: { messages: { [message.id]: message.shown() } } };
    return this.discord.interactions.make(app, 2, { user, channel: message.channel, data });
  }

  #registered(app, channel, name, type) {
    const lists = [...(app.commands.get(channel.guild?.id ?? 'none') ?? []), ...(app.commands.get('') ?? [])];
    return lists.find((c) => c.name === name && c.type === type);
  }

  // A button of a bot's message.
  press(user, message, customId) {
    const button = message.components.flatMap((row) => row.components ?? []).find((c) => c.custom_id === customId);
    if (!button) throw new Error(`the message has no button ${customId}`);
    return this.forge(user, message, customId);
  }

  // The same with a button that was never there.
  forge(user, message, customId) {
    return this.discord.interactions.make(message.app ?? message.author.app, 3, { user, channel: message.channel, message, data: { custom_id: customId, component_type: 2 } });
  }

  // ---- bots come and go (sheet 2, 3) -------------------------------------------------------------------------------

  // Follows an invite link; what it says counts.
  invite(user, link, guild) {
    const url = new URL(link), app = [...this.discord.apps.values()].find((a) => a.id === url.searchParams.get('client_id')), scopes = (url.searchParams.get('scope') ?? '').split(' ');
    if (!/^(www\.)?discord\.com$/.test(url.hostname) || !['/oauth2/authorize', '/api/oauth2/authorize'].includes(url.pathname) || !app) throw new Error(`${link} leads to no application`);
    if (!scopes.includes('bot')) throw new Error(`${link} brings no bot`);
    this.addApp(user, guild, app, { permissions: BigInt(url.searchParams.get('permissions') ?? '0') });
    return app;
  }

  // told: whether a webhook event says who did it.
  addApp(user, guild, app, { permissions, told = true } = {}) {
    const role = { id: this.world.flakes.next(), name: app.name, permissions: permissions ?? guild.everyone.permissions, managed: true, position: guild.roles.length, tags: { bot_id: app.user.id } };
    if (guild.has(app.user)) return;
    guild.roles.push(role);
    this.world.join(guild, app.user, { roles: [role.id] });
    guild.joined.set(app.id, new Date().toISOString());
    this.discord.sessions.tell(app, guild, 1, 'GUILD_CREATE', guild.shown(app));
    if (told) void this.discord.interactions.event(app, 'APPLICATION_AUTHORIZED', { integration_type: 0, user: user.shown(), scopes: ['bot', 'applications.commands'], guild: guild.shown() });
  }

  // The role that came with a bot; mentioned by <@&id>.
  roleOf(app, guild) {
    return guild.roles.find((r) => r.tags?.bot_id === app.user.id);
  }

  kick(app, guild) {
    guild.roles = guild.roles.filter((r) => r.tags?.bot_id !== app.user.id);
    guild.members.delete(app.user.id);
    app.commands.delete(guild.id);
    this.discord.sessions.tell(app, guild, 1, 'GUILD_DELETE', { id: guild.id });
  }

  // The guild is out of reach for everybody, and no bot was removed.
  outage(guild) {
    guild.unavailable = true;
    for (const app of this.discord.apps.values()) if (guild.has(app.user)) this.discord.sessions.tell(app, guild, 1, 'GUILD_DELETE', { id: guild.id, unavailable: true });
  }

  back(guild) {
    guild.unavailable = false;
    for (const app of this.discord.apps.values()) if (guild.has(app.user)) this.discord.sessions.tell(app, guild, 1, 'GUILD_CREATE', guild.shown(app));
  }

  deauthorize(user, app) {
    return this.discord.interactions.event(app, 'APPLICATION_DEAUTHORIZED', { user: user.shown() });
  }

  block(user, app) {
    app.blockedBy.add(user.id);
  }

  // Takes permissions from everybody in a channel, by name.
  forbid(channel, ...names) {
    for (const name of names) if (!(name in bits)) throw new Error(`no permission ${name}`);
    channel.deny(names);
    this.world.changed('CHANNEL_UPDATE', channel);
  }
}
