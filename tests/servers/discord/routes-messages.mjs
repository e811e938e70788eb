// Messages, reactions, typing, history (sheet 14, 17) and the nonce (sheet 19).
import { compose, findMessage, nonceOf, referred } from './compose.mjs';
import { badForm, noAccess, noPermission, refuse, unknown } from './refusal.mjs';
import { flags, types } from './world.mjs';
import { later, msOf } from './snowflake.mjs';

// Where the bot wants to write; refuses when it may not.
function writable(ctx, id) {
  const channel = ctx.channel(id), { app } = ctx;
  if (channel.isForum || channel.type === types.category) refuse(400, 50008, 'Cannot send messages in a non-text channel');
  if (!channel.guild) {
    const user = channel.recipients.find((u) => u !== app.user);
    if (app.blockedBy.has(user.id)) refuse(403, 50007, 'Cannot send messages to this user');
    return channel;
  }
  if (!ctx.may(channel.isThread ? 'SEND_MESSAGES_IN_THREADS' : 'SEND_MESSAGES', channel)) noPermission();
  if (channel.isThread && channel.locked && !ctx.may('MANAGE_THREADS', channel)) refuse(403, 160005, 'Thread is locked');
  return channel;
}

const shown = (ctx, message, nonce = false) => message.shown({ app: ctx.app, content: ctx.app.intents.content, nonce: nonce || ctx.discord.knobs.historyNonce, cdn: (a) => ctx.discord.cdn.signed(a) });

function create(ctx) {
  const { app, discord, body, files } = ctx, channel = writable(ctx, ctx.params.channel), nonce = nonceOf(body), now = Date.now();
  const record = { app, channel, nonce, enforced: body.enforce_nonce === true, at: now, message: null, existing: false, body };
  const used = nonce === null ? null : app.nonces.get(String(nonce));
  if (record.enforced && nonce === null) badForm('nonce', 'BASE_TYPE_REQUIRED', 'This field is required');
  if (record.enforced && used && now - used.at < discord.knobs.nonceMs && !used.message.deleted) {
    discord.counts.repeated++;
    discord.creates.push(Object.assign(record, { message: used.message, existing: true }));
    return shown(ctx, used.message, true);
  }
  const { type, reference, replied, snapshots = null } = referred(ctx, channel, body.message_reference), fields = snapshots ? { content: '', body } : compose(ctx, channel, body, files, { replied });
  if (app.nonces.has(String(nonce))) discord.counts.reusedNonces++;
  const message = discord.world.post(channel, { author: app.user, app, type, reference, snapshots, ...fields, nonce });
  if (nonce !== null) app.nonces.set(String(nonce), { message, at: now });
  discord.creates.push(Object.assign(record, { message }));
  channel.typed.push({ user: app.user, at: now, ended: true });
  return shown(ctx, message, true);
}

function edit(ctx) {
  const { app, discord, body, files } = ctx, channel = ctx.channel(ctx.params.channel), message = findMessage(channel, ctx.params.message);
  if (message.author !== app.user) refuse(403, 50005, 'Cannot edit a message authored by another user');
  if (channel.isThread && channel.locked) refuse(400, 50083, 'Thread is archived');
  if (Date.now() - msOf(message.id) > discord.knobs.oldEditMs) refuse(429, 30046, 'Maximum number of edits to messages older than 1 hour reached. Try again later.', { retry_after: 60, global: false });
  discord.edits.push({ app, message, content: body.content, at: Date.now(), body });
  const fields = compose(ctx, channel, body, files, { before: message, mayFlags: flags.suppressEmbeds | flags.components });
  discord.world.change(message, { ...fields, flags: fields.flags & ~flags.loading });
  return shown(ctx, message);
}

function history(ctx) {
  const { query } = ctx, channel = ctx.channel(ctx.params.channel), limit = query.has('limit') ? Number(query.get('limit')) : 50;
  if (!Number.isInteger(limit) || limit < 1 || limit > 100) badForm('limit', 'NUMBER_TYPE_RANGE', 'int value should be between 1 and 100.');
  const [before, after, around] = ['before', 'after', 'around'].map((name) => query.get(name));
  if ([before, after, around].filter(Boolean).length > 1) ctx.discord.oddities.add('history: more than one of before, after, around');
  for (const id of [before, after, around]) if (id !== null && !/^\d{1,20}$/.test(id)) badForm('after', 'NUMBER_TYPE_COERCE', `Value "${id}" is not snowflake.`);
  if (channel.guild && !ctx.may('READ_MESSAGE_HISTORY', channel)) return [];
  let list = channel.list;
  if (after !== null) list = list.filter((m) => later(m.id, after)).slice(0, limit);
  else if (before !== null) list = list.filter((m) => later(before, m.id)).slice(-limit);
  else if (around !== null) {
    const at = list.findIndex((m) => !later(around, m.id)), middle = at < 0 ? list.length : at, from = Math.max(0, middle - Math.floor(limit / 2));
    list = list.slice(from, from + limit);
  } else list = list.slice(-limit);
  return list.reverse().map((m) => shown(ctx, m));
}

function remove(ctx) {
  const channel = ctx.channel(ctx.params.channel), message = findMessage(channel, ctx.params.message);
  if (message.author !== ctx.app.user && !(channel.guild && ctx.may('MANAGE_MESSAGES', channel))) refuse(403, 50003, 'Cannot execute action on a DM channel');
  ctx.discord.world.remove(message);
}

function removeMany(ctx) {
  const channel = ctx.channel(ctx.params.channel), { messages = [] } = ctx.body;
  if (!channel.guild) refuse(403, 50003, 'Cannot execute action on a DM channel');
  if (!ctx.may('MANAGE_MESSAGES', channel)) noPermission();
  if (messages.length < 2 || messages.length > 100) refuse(400, 50016, 'Provided too few or too many messages to delete. Must provide at least 2 and fewer than 100 messages to delete.');
  for (const id of messages) if (channel.find(id)) channel.find(id).deleted = true;
  ctx.discord.world.changed('MESSAGE_DELETE_BULK', channel, messages);
}

function react(ctx, add) {
  const { app, discord, params } = ctx, channel = ctx.channel(params.channel), message = findMessage(channel, params.message), emoji = decodeURIComponent(params.emoji);
  if (!/^\p{Extended_Pictographic}/u.test(emoji) && !/^\w+:\d+$/.test(emoji)) unknown.emoji();
  if (channel.guild && add && (!ctx.may('ADD_REACTIONS', channel) || !ctx.may('READ_MESSAGE_HISTORY', channel))) noPermission();
  const users = message.reactions.get(emoji) ?? new Set();
  if (add && !message.reactions.has(emoji) && message.reactions.size >= 20) refuse(400, 30010, 'Maximum number of reactions reached (20)');
  if (add === users.has(app.user.id)) return;
  if (add) users.add(app.user.id);
  else users.delete(app.user.id);
  if (users.size) message.reactions.set(emoji, users);
  else message.reactions.delete(emoji);
  discord.world.changed(add ? 'MESSAGE_REACTION_ADD' : 'MESSAGE_REACTION_REMOVE', message, { user: app.user, emoji });
}

function typing(ctx) {
  const channel = writable(ctx, ctx.params.channel);
  channel.typed.push({ user: ctx.app.user, at: Date.now(), ended: false });
  ctx.discord.world.changed('TYPING_START', channel, ctx.app.user);
}

function one(ctx) {
  const channel = ctx.channel(ctx.params.channel);
  if (channel.guild && !ctx.may('READ_MESSAGE_HISTORY', channel)) noAccess();
  return shown(ctx, findMessage(channel, ctx.params.message));
}

const message = '/channels/:channel/messages/:message', own = `${message}/reactions/:emoji/@me`;

export const messageRoutes = [
  ['POST', '/channels/:channel/messages', create, { limit: [5, 5], writes: true }],
  ['GET', '/channels/:channel/messages', history, { limit: [5, 1] }],
  ['GET', message, one, { limit: [5, 1] }],
  ['PATCH', message, edit, { limit: [5, 5], writes: true }],
  ['DELETE', message, remove, { limit: [5, 1] }],
  ['POST', '/channels/:channel/messages/bulk-delete', removeMany, { limit: [1, 1] }],
  ['PUT', own, (ctx) => react(ctx, true), { bucket: 'reactions', limit: [1, 0.25] }],
  ['DELETE', own, (ctx) => react(ctx, false), { bucket: 'reactions', limit: [1, 0.25] }],
  ['POST', '/channels/:channel/typing', typing, { limit: [5, 5] }],
];
