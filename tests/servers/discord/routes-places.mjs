// Channels, threads, forum posts, direct messages, guilds, people, the application itself (sheet 2, 17) and the gateway's address (sheet 4).
import { compose, findMessage } from './compose.mjs';
import { badForm, noAccess, noPermission, refuse, unknown } from './refusal.mjs';
import { types } from './world.mjs';

function threadName({ name }) {
  if (typeof name !== 'string' || name.trim() === '' || [...name].length > 100) badForm('name', 'BASE_TYPE_BAD_LENGTH', 'Must be between 1 and 100 in length.');
  return name.trim();
}

function archiveAfter({ auto_archive_duration: asked }) {
  const minutes = asked ?? 4320;
  if (![60, 1440, 4320, 10080].includes(minutes)) badForm('auto_archive_duration', 'BASE_TYPE_CHOICES', 'Value must be one of (60, 1440, 4320, 10080).');
  return minutes;
}

function threadOfMessage(ctx) {
  const channel = ctx.channel(ctx.params.channel), message = findMessage(channel, ctx.params.message), name = threadName(ctx.body), autoArchive = archiveAfter(ctx.body);
  if (!channel.guild || channel.isThread || channel.isForum) refuse(400, 50024, 'Cannot execute action on this channel type');
  if (!ctx.may('CREATE_PUBLIC_THREADS', channel)) noPermission();
  ctx.discord.counts.threads++;
  if (message.thread || ctx.discord.world.channels.has(message.id)) refuse(400, 160004, 'A thread has already been created for this message');
  if (![0, 19, 20, 23].includes(message.type)) refuse(400, 50068, 'Invalid message type');
  return { status: 201, body: ctx.discord.world.addThread(channel, name, ctx.app.user, { from: message, autoArchive }).shown() };
}

function thread(ctx) {
  const parent = ctx.channel(ctx.params.channel), { body, discord, app, files } = ctx, name = threadName(body), autoArchive = archiveAfter(body);
  if (!parent.guild || parent.isThread) refuse(400, 50024, 'Cannot execute action on this channel type');
  if (!parent.isForum) return { status: 201, body: discord.world.addThread(parent, name, app.user, { type: body.type ?? types.privateThread, autoArchive }).shown() };
  if (!ctx.may('SEND_MESSAGES', parent)) noPermission();
  if (typeof body.message !== 'object' || body.message === null) badForm('message', 'BASE_TYPE_REQUIRED', 'This field is required');
  const fields = compose(ctx, parent, body.message, files), made = discord.world.addThread(parent, name, app.user, { autoArchive });
  const message = discord.world.post(made, { id: made.id, author: app.user, app, ...fields });
  return { status: 201, body: { ...made.shown(), message: message.shown({ app }) } };
}

function changeChannel(ctx) {
  const channel = ctx.channel(ctx.params.channel), { body } = ctx;
  if (!channel.isThread) refuse(403, 50013, 'Missing Permissions');
  if (channel.locked && !ctx.may('MANAGE_THREADS', channel)) noPermission();
  if (body.name !== undefined) channel.name = threadName(body);
  ctx.discord.world.archive(channel, body.archived ?? channel.archived, body.locked ?? channel.locked);
  return channel.shown();
}

function openDm(ctx) {
  const user = ctx.discord.world.users.get(String(ctx.body.recipient_id ?? '')) ?? badForm('recipient_id', 'NUMBER_TYPE_COERCE', 'Value is not snowflake.');
  if (user.bot) refuse(400, 50007, 'Cannot send messages to this user');
  ctx.discord.counts.dmsOpened++;
  return ctx.discord.world.dm(ctx.app.user, user).shown();
}

function guild(ctx) {
  const found = ctx.discord.world.guilds.get(ctx.params.guild) ?? unknown.guild();
  if (!found.has(ctx.app.user)) noAccess();
  return found;
}

function member(ctx) {
  const home = guild(ctx), user = ctx.discord.world.users.get(ctx.params.user) ?? unknown.user();
  if (!home.has(user)) unknown.member();
  return home.memberShown(user, true);
}

function leave(ctx) {
  const home = guild(ctx);
  ctx.discord.people.kick(ctx.app, home);
}

const ownGuilds = (ctx) => ctx.app.guilds.map((g) => ({ id: g.id, name: g.name, icon: null, banner: null, owner: false, permissions: String(g.permissions(ctx.app.user)), features: [] }));

function changeApp(ctx) {
  const { app, body } = ctx, names = { interactions_endpoint_url: 'interactionsUrl', event_webhooks_url: 'eventsUrl' };
  for (const [name, field] of Object.entries(names)) if (name in body) app[field] = body[name] || null;
  return app.shown();
}

export const placeRoutes = [
  ['GET', '/channels/:channel', (ctx) => ctx.channel(ctx.params.channel).shown()],
  ['PATCH', '/channels/:channel', changeChannel],
  ['POST', '/channels/:channel/messages/:message/threads', threadOfMessage, { limit: [50, 300] }],
  ['POST', '/channels/:channel/threads', thread, { limit: [50, 300] }],
  ['PUT', '/channels/:channel/thread-members/@me', (ctx) => void ctx.channel(ctx.params.channel).joined.add(ctx.app.user.id)],
  ['POST', '/users/@me/channels', openDm, { limit: [10, 60] }],
  ['GET', '/users/@me', (ctx) => ({ ...ctx.app.user.shown(), verified: true, mfa_enabled: false, email: null, flags: 0 })],
  ['GET', '/users/@me/guilds', ownGuilds, { limit: [1, 1] }],
  ['DELETE', '/users/@me/guilds/:guild', leave],
  ['GET', '/users/:user', (ctx) => (ctx.discord.world.users.get(ctx.params.user) ?? unknown.user()).shown()],
  ['GET', '/guilds/:guild', (ctx) => guild(ctx).shown()],
  ['GET', '/guilds/:guild/channels', (ctx) => guild(ctx).channels.filter((c) => !c.isThread).map((c) => c.shown())],
  ['GET', '/guilds/:guild/threads/active', (ctx) => ({ threads: guild(ctx).channels.filter((c) => c.isThread && !c.archived).map((c) => c.shown()), members: [] })],
  ['GET', '/guilds/:guild/members/:user', member],
  ['GET', '/applications/@me', (ctx) => ctx.app.shown()],
  ['PATCH', '/applications/@me', changeApp],
  ['GET', '/oauth2/applications/@me', (ctx) => ctx.app.shown()],
  ['GET', '/gateway', (ctx) => ({ url: ctx.discord.gatewayUrl }), { noAuth: true }],
  ['GET', '/gateway/bot', (ctx) => ({ url: ctx.discord.gatewayUrl, shards: ctx.app.shards, session_start_limit: ctx.app.sessionStart }), { limit: [2, 5] }],
];
