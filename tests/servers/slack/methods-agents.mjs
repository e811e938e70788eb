// The assistant's pane, files, reactions and views.
import { randomUUID } from 'node:crypto';
import { channelOf, messageOf, number, refuse } from './refusal.mjs';
import { badBlocks } from './blocks.mjs';

const look = ['icon_emoji', 'icon_url', 'username'];

function rootOf(channel, ts, code = 'invalid_thread_ts') {
  const root = typeof ts === 'string' ? channel.messages.get(ts) : null;
  if (!root || root.threadTs) refuse(code);
  return root;
}

function setSession(call) {
  const { args, slack, world } = call;
  if (!call.app.agent) refuse('feature_disabled');
  const channel = channelOf(call, { name: 'channel_id', member: true });
  if (!['active', 'processing', 'suspended', 'closed'].includes(args.status)) refuse('invalid_status');
  if (args.thread_ts === undefined) refuse('thread_ts_required');
  rootOf(channel, args.thread_ts, 'thread_not_found');
  if (args.title !== undefined && (typeof args.title !== 'string' || [...args.title].length > 200)) refuse('invalid_name');
  if (args.initiator_user_id !== undefined && !channel.members.has(world.users.get(args.initiator_user_id)?.id)) refuse('user_not_found');
  const session = slack.setSession(channel, args.thread_ts, args.status, { title: args.title, by: 'agents.sessions.setStatus' });
  return { status: args.status, agent_status: args.status, title: session.title };
}

function rename({ args, slack, ...call }) {
  const channel = channelOf({ args, slack, ...call }, { name: 'channel_id', member: true });
  const session = slack.session(channel, args.thread_ts);
  if (!session) refuse('session_not_found');
  if (typeof args.title !== 'string' || args.title === '' || [...args.title].length > 200) refuse('invalid_name');
  session.title = args.title;
  session.titles.push(args.title);
  return {};
}

function setStatus(call) {
  const channel = channelOf(call, { name: 'channel_id', member: true });
  rootOf(channel, call.args.thread_ts);
  if (typeof call.args.status !== 'string') refuse('invalid_arguments');
  if (call.args.loading_messages !== undefined && (!Array.isArray(call.args.loading_messages) || call.args.loading_messages.length > 10)) refuse('invalid_arguments');
  call.slack.setSession(channel, call.args.thread_ts, call.args.status ? 'processing' : 'active', { words: call.args.status, by: 'assistant.threads.setStatus' });
  return {};
}

function setTitle(call) {
  const channel = channelOf(call, { name: 'channel_id', member: true });
  rootOf(channel, call.args.thread_ts);
  const session = call.slack.setSession(channel, call.args.thread_ts, null, { title: call.args.title });
  session.titles.push(call.args.title);
  return {};
}

function setPrompts(call) {
  const { args, slack, app } = call;
  if (!app.agent) refuse('not_agent_app');
  const channel = channelOf(call, { name: 'channel_id', member: true });
  if ('thread_ts' in args) rootOf(channel, args.thread_ts);
  if (!Array.isArray(args.prompts) || args.prompts.length === 0 || args.prompts.length > 4) refuse('invalid_arguments', ['[ERROR] prompts: 1 to 4']);
  for (const prompt of args.prompts) if (!prompt || typeof prompt.title !== 'string' || typeof prompt.message !== 'string' || !prompt.title || !prompt.message) refuse('invalid_arguments', ['[ERROR] prompts']);
  slack.prompts.push({ channel, threadTs: args.thread_ts ?? null, prompts: args.prompts, title: args.title ?? null });
  return {};
}

// ---- files -----------------------------------------------------------------------------------------------------

function uploadUrl({ args, slack, installation }) {
  const length = number(args.length, 0, 1, 1 << 30, 'invalid_arguments');
  if (!length) refuse('invalid_arguments', ['[ERROR] length']);
  const id = slack.world.id('F'), key = randomUUID();
  slack.uploads.set(key, { id, name: args.filename, length, bytes: null, installation });
  return { upload_url: `${slack.base}/upload/v1/${key}`, file_id: id };
}

function complete(call) {
  const { args, slack, world, app, installation } = call;
  if (!Array.isArray(args.files) || args.files.length === 0) refuse('invalid_arguments', ['[ERROR] files']);
  const channels = args.channel_id ? [args.channel_id] : String(args.channels ?? '').split(',').filter(Boolean);
  if (channels.length > 100) refuse('channels_limit_exceeded');
  if (args.thread_ts !== undefined && channels.length !== 1) refuse('invalid_arguments', ['[ERROR] thread_ts needs one channel']);
  const uploads = args.files.map(({ id }) => [...slack.uploads.entries()].find(([, u]) => u.id === id && u.installation === installation && u.bytes) ?? refuse('file_not_found'));
  const places = channels.map((id) => channelOf({ ...call, args: { channel: id } }, { member: true }));
  if (args.thread_ts !== undefined) rootOf(places[0], args.thread_ts);
  const files = uploads.map(([key, upload], i) => {
    slack.uploads.delete(key);
    const file = world.addFile(installation.bot, { id: upload.id, name: upload.name, bytes: upload.bytes, mimetype: 'application/octet-stream' }, slack.base);
    file.title = args.files[i].title ?? upload.name;
    return file;
  });
  slack.after(slack.knobs.shareMs, () => {
    for (const channel of places)
      world.post(channel, { app, user: installation.bot, botId: installation.botId, subtype: 'file_share', files, text: args.initial_comment ?? '', threadTs: args.thread_ts ?? null });
  });
  return { files: files.map((f) => ({ id: f.id, title: f.title })) };
}

function react(call, add) {
  const { args, world, installation } = call;
  const channel = channelOf(call, { member: true });
  const message = messageOf(channel, args.timestamp);
  if (!/^[a-z0-9_+'-]+(::skin-tone-[2-6])?$/.test(args.name)) refuse('invalid_name');
  const key = `${args.name} ${installation.bot.id}`;
  if (add === message.reactions.has(key)) refuse(add ? 'already_reacted' : 'no_reaction');
  if (add) message.reactions.set(key, true);
  else message.reactions.delete(key);
  world.changed({ type: add ? 'reaction_added' : 'reaction_removed', user: installation.bot.id, reaction: args.name, item: { type: 'message', channel: channel.id, ts: message.ts },
    item_user: message.user?.id, event_ts: world.ts() }, channel);
  return {};
}

function openView({ args, slack }) {
  const until = slack.triggers.get(args.trigger_id);
  slack.triggers.delete(args.trigger_id);
  if (until === undefined) refuse('invalid_trigger_id');
  if (until < Date.now()) refuse('trigger_expired');
  if (typeof args.view !== 'object' || !['modal', 'home'].includes(args.view?.type)) refuse('invalid_arguments');
  const wrong = badBlocks(args.view.blocks);
  if (wrong) refuse('invalid_arguments', [`[ERROR] ${wrong}`]);
  return { view: { id: slack.world.id('V'), ...args.view } };
}

const sessionArgs = ['thread_ts', 'title', 'initiator_user_id', ...look];
export const agents = {
  'agents.sessions.setStatus': { scope: 'chat:write', tier: 3, needs: ['channel_id', 'status'], takes: sessionArgs, run: setSession },
  'agents.sessions.rename': { scope: 'chat:write', tier: 3, needs: ['channel_id', 'title'], takes: ['thread_ts'], run: rename },
  'assistant.threads.setStatus': { scope: ['chat:write', 'assistant:write'], tier: 'post', needs: ['channel_id', 'thread_ts', 'status'], takes: ['loading_messages', ...look], run: setStatus },
  'assistant.threads.setTitle': { scope: 'assistant:write', tier: 4, needs: ['channel_id', 'thread_ts', 'title'], run: setTitle },
  'assistant.threads.setSuggestedPrompts': { scope: 'assistant:write', tier: 4, needs: ['channel_id', 'prompts'], takes: ['thread_ts', 'title'], run: setPrompts },
  'files.getUploadURLExternal': { scope: 'files:write', tier: 4, form: true, needs: ['filename', 'length'], takes: ['alt_txt', 'alt_text', 'snippet_type'], run: uploadUrl },
  'files.completeUploadExternal': { scope: 'files:write', tier: 4, needs: ['files'], takes: ['channel_id', 'channels', 'thread_ts', 'initial_comment', 'blocks'], run: complete },
  'files.info': {
    scope: 'files:read', tier: 4, form: true, needs: ['file'], takes: ['cursor', 'limit', 'count', 'page'],
    run({ world, args, installation }) {
      const file = world.files.get(args.file);
      if (!file || !installation.covers(file.team)) refuse('file_not_found');
      return { file: file.full(), comments: [] };
    },
  },
  'reactions.add': { scope: 'reactions:write', tier: 3, needs: ['channel', 'timestamp', 'name'], run: (call) => react(call, true) },
  'reactions.remove': { scope: 'reactions:write', tier: 2, needs: ['timestamp', 'name'], takes: ['channel'], run: (call) => react(call, false) },
  'views.open': { scope: null, tier: 4, needs: ['trigger_id', 'view'], run: openView },
};
