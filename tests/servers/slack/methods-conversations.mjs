// conversations.*: what a channel is and what was said in it.
import { channelOf, number, page, refuse, truth } from './refusal.mjs';

const scopeOf = { channel: 'channels', group: 'groups', im: 'im', mpim: 'mpim' };

// Which scope a channel asks for depends on its kind.
function allowed({ installation }, channel, right) {
  const needed = `${scopeOf[channel.kind]}:${right}`;
  if (!installation.scopes.includes(needed)) refuse('missing_scope', null, { needed, provided: installation.scopes.join(',') });
}

export function describe(channel, installation) {
  const { kind } = channel;
  return {
    id: channel.id, ...(kind === 'im' ? { user: channel.person.id } : { name: channel.name, name_normalized: channel.name }),
    is_channel: kind === 'channel' || kind === 'group', is_group: kind === 'group', is_im: kind === 'im', is_mpim: kind === 'mpim', is_private: channel.private, is_archived: channel.archived,
    is_ext_shared: channel.sharedWith.length > 0, is_org_shared: false, is_member: channel.members.has(installation.bot.id), context_team_id: channel.team.id,
    topic: { value: '', creator: '', last_set: 0 }, purpose: { value: '', creator: '', last_set: 0 }, created: 1700000000,
  };
}

const later = (ts, other) => ts.length > other.length || (ts.length === other.length && ts > other);

function between(list, { oldest, latest, inclusive }) {
  for (const bound of [oldest, latest]) if (bound !== undefined && !/^\d+(\.\d+)?$/.test(String(bound))) refuse('invalid_ts_oldest');
  const whole = (ts) => (String(ts).includes('.') ? String(ts) : `${ts}.000000`);
  return list.filter((m) => (oldest === undefined || later(m.ts, whole(oldest)) || (truth(inclusive) && m.ts === whole(oldest))) &&
    (latest === undefined || later(whole(latest), m.ts) || (truth(inclusive) && m.ts === whole(latest))));
}

function history(call) {
  const { args, app } = call;
  const channel = channelOf(call, { member: true });
  allowed(call, channel, 'history');
  const list = between(channel.list.filter((m) => !m.threadTs || m.subtype === 'thread_broadcast').reverse(), args);
  const shown = page(list, { ...args, ...(app.distributed && { limit: Math.min(15, number(args.limit, 15, 1, 999)) }) }, 100, 999);
  return { messages: shown.list.map((m) => m.shown({ metadata: truth(args.include_all_metadata) })), has_more: shown.more, response_metadata: shown.response_metadata };
}

function replies(call) {
  const { args, app } = call;
  const channel = channelOf(call, { member: true });
  allowed(call, channel, 'history');
  const named = channel.messages.get(args.ts);
  if (!named || (named.deleted && channel.replies(named.ts).length === 0)) refuse('thread_not_found');
  const root = channel.messages.get(named.root);
  const list = between(channel.replies(root.ts), args);
  const shown = page(list, { ...args, ...(app.distributed && { limit: Math.min(15, number(args.limit, 15, 1, 1000)) }) }, 1000, 1000);
  const first = root.deleted ? { type: 'message', subtype: 'tombstone', hidden: true, text: 'This message was deleted.', ts: root.ts, thread_ts: root.ts, user: 'USLACKBOT' } : null;
  const metadata = truth(args.include_all_metadata);
  return { messages: [first ?? root.shown({ metadata }), ...shown.list.map((m) => m.shown({ metadata }))], has_more: shown.more, response_metadata: shown.response_metadata };
}

function all(call, own) {
  const { world, args, installation } = call;
  const kinds = String(args.types ?? 'public_channel').split(',').map((t) => ({ public_channel: 'channel', private_channel: 'group', im: 'im', mpim: 'mpim' })[t.trim()] ?? refuse('invalid_types'));
  for (const kind of kinds) allowed(call, { kind }, 'read');
  if (installation.org && !args.team_id) refuse('missing_argument', ['[ERROR] missing required field: team_id']);
  const list = [...world.channels.values()].filter((c) => kinds.includes(c.kind) && installation.covers(c.team) && (!args.team_id || c.team.id === args.team_id) &&
    (c.members.has(installation.bot.id) || (!own && !c.private)) && !(truth(args.exclude_archived) && c.archived));
  const shown = page(list, args, 100, 1000);
  return { channels: shown.list.map((c) => describe(c, installation)), response_metadata: shown.response_metadata };
}

function open(call) {
  const { world, args, installation } = call;
  if (args.channel !== undefined) return { channel: describe(channelOf(call), installation) };
  const ids = String(args.users ?? '').split(',').filter(Boolean);
  if (ids.length === 0) refuse('users_list_not_supplied');
  if (ids.length > 8) refuse('too_many_users');
  const users = ids.map((id) => world.users.get(id) ?? refuse('user_not_found'));
  if (users.some((user) => user.deleted)) refuse('user_disabled');
  if (users.some((user) => !installation.covers(user.team))) refuse('user_not_visible');
  const channel = users.length === 1 ? world.direct(installation.bot, users[0])
    : world.addChannel(users[0].team, 'mpdm', { kind: 'mpim', members: [installation.bot, ...users] });
  return { channel: truth(args.return_im) ? describe(channel, installation) : { id: channel.id } };
}

const readScopes = Object.values(scopeOf).map((s) => `${s}:read`), historyScopes = Object.values(scopeOf).map((s) => `${s}:history`);
const span = ['limit', 'oldest', 'latest', 'inclusive', 'cursor', 'include_all_metadata'];
const list = ['types', 'cursor', 'limit', 'exclude_archived', 'user'];
export const conversations = {
  'conversations.info': {
    scope: readScopes, tier: 3, form: true, needs: ['channel'], takes: ['include_num_members', 'include_locale'],
    run(call) {
      const channel = channelOf(call);
      allowed(call, channel, 'read');
      return { channel: { ...describe(channel, call.installation), ...(truth(call.args.include_num_members) && { num_members: channel.members.size }) } };
    },
  },
  'conversations.history': { scope: historyScopes, tier: 3, needs: ['channel'], takes: span, run: history },
  'conversations.replies': { scope: historyScopes, tier: 3, form: true, needs: ['channel', 'ts'], takes: span, run: replies },
  'conversations.list': { scope: readScopes, tier: 2, takes: list, run: (call) => all(call, false) },
  'users.conversations': { scope: readScopes, tier: 3, takes: list, run: (call) => all(call, true) },
  'conversations.open': { scope: ['im:write', 'mpim:write'], tier: 3, takes: ['users', 'channel', 'return_im', 'prevent_creation'], run: open },
  'conversations.join': {
    scope: 'channels:join', tier: 3, needs: ['channel'],
    run(call) {
      const channel = channelOf(call);
      if (channel.kind !== 'channel') refuse('method_not_supported_for_channel_type');
      channel.invite(call.installation.bot);
      return { channel: describe(channel, call.installation) };
    },
  },
  'conversations.members': {
    scope: readScopes, tier: 4, form: true, needs: ['channel'], takes: ['cursor', 'limit'],
    run(call) {
      const shown = page([...channelOf(call).members], call.args, 100, 1000);
      return { members: shown.list, response_metadata: shown.response_metadata };
    },
  },
};
