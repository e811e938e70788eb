// chat.*: posting, changing, streaming.
import { badBlocks, badMetadata } from './blocks.mjs';
import { channelOf, messageOf, refuse } from './refusal.mjs';

const characters = (text) => [...text].length;
const look = ['icon_emoji', 'icon_url', 'username'];
const splitAt = 4000; // longer texts are cut into several messages by the server

function checkContent(args, { max }) {
  const { text, blocks, markdown_text: markdown } = args;
  if (text !== undefined && typeof text !== 'string') refuse('invalid_arguments', ['[ERROR] text must be a string']);
  if (markdown !== undefined && (text !== undefined || blocks !== undefined)) refuse('markdown_text_conflict');
  if (markdown !== undefined && characters(markdown) > 12_000) refuse('msg_too_long');
  if (text !== undefined && characters(text) > max) refuse('msg_too_long');
  if (!text && !markdown && !(blocks?.length) && !args.attachments?.length) refuse('no_text');
  if (blocks !== undefined) {
    const wrong = badBlocks(blocks);
    if (wrong) refuse('invalid_blocks', [`[ERROR] ${wrong}`]);
  }
  checkMetadata(args);
}

function checkMetadata({ metadata }) {
  if (metadata === undefined) return;
  const wrong = badMetadata(metadata);
  if (wrong) refuse(wrong);
}

const metadataOf = ({ metadata }) => (metadata && Object.keys(metadata).length ? metadata : null);

// Where an answer goes: the thread must be there, and it is named by its root.
function threadOf(channel, args) {
  if (!('thread_ts' in args)) return null;
  if (typeof args.thread_ts !== 'string' || !/^\d{10}\.\d{6}$/.test(args.thread_ts)) refuse('invalid_thread_ts');
  const root = channel.messages.get(args.thread_ts);
  if (!root) refuse('thread_not_found');
  if (root.threadTs) refuse('cannot_reply_to_message');
  if (root.deleted && channel.replies(root.ts).length === 0) refuse('thread_not_found');
  return root.ts;
}

function mayPost({ installation }, channel) {
  if (channel.archived) refuse('is_archived');
  if (channel.members.has(installation.bot.id)) return;
  if (channel.kind === 'channel' && installation.scopes.includes('chat:write.public')) return;
  refuse('not_in_channel');
}

const ours = ({ app, installation }, fields) => ({ app, user: installation.bot, botId: installation.botId, ...fields });

function post(call) {
  const { world, args, slack } = call;
  const channel = channelOf(call, { open: true });
  mayPost(call, channel);
  checkContent(args, { max: 40_000 });
  const threadTs = threadOf(channel, args);
  const text = args.text ?? args.markdown_text ?? '';
  const fields = { threadTs, blocks: args.blocks ?? null, metadata: metadataOf(args), args };
  const letters = [...text];
  if (letters.length > splitAt + 40) slack.counts.splitByServer++;
  const message = world.post(channel, ours(call, { ...fields, text: letters.slice(0, letters.length > splitAt + 40 ? splitAt : letters.length).join('') }));
  for (let at = splitAt; letters.length > splitAt + 40 && at < letters.length; at += splitAt)
    world.post(channel, ours(call, { threadTs, text: letters.slice(at, at + splitAt).join('') }));
  return { channel: channel.id, ts: message.ts, message: message.shown({ metadata: true }) };
}

function own(call, ts, code) {
  const channel = channelOf(call);
  const message = messageOf(channel, ts);
  if (message.app !== call.app) refuse(code);
  return message;
}

function update(call) {
  const { world, args, installation } = call;
  const message = own(call, args.ts, 'cant_update_message');
  if (streaming(call, message)) refuse('streaming_state_conflict');
  checkContent(args, { max: 4000 });
  const fields = { text: args.text ?? args.markdown_text ?? message.text };
  if (args.blocks !== undefined) fields.blocks = args.blocks.length ? args.blocks : null;
  if (args.metadata !== undefined) fields.metadata = metadataOf(args);
  world.change(message, fields, 'update', { editor: installation.bot });
  return { channel: message.channel.id, ts: message.ts, text: message.text, message: message.shown({ metadata: true }) };
}

function remove(call) {
  call.world.remove(own(call, call.args.ts, 'cant_delete_message'));
  return { channel: call.args.channel, ts: call.args.ts };
}

function ephemeral(call) {
  const { world, args, slack } = call;
  const channel = channelOf(call, { member: true });
  const user = world.users.get(args.user);
  if (!user || !channel.members.has(user.id)) refuse('user_not_in_channel');
  checkContent(args, { max: 40_000 });
  const threadTs = threadOf(channel, args);
  const shown = { channel, user, text: args.text ?? args.markdown_text ?? '', blocks: args.blocks ?? null, threadTs, ts: world.ts(), by: call.installation };
  slack.ephemerals.push(shown);
  return { message_ts: shown.ts };
}

// ---- streams ---------------------------------------------------------------------------------------------------

// Whether it still grows; the server ends a stream by itself after a while.
function streaming({ slack }, message) {
  const { stream } = message;
  if (stream?.state === 'in_progress' && Date.now() - stream.touched > slack.knobs.streamMs) stream.state = 'completed';
  return stream?.state === 'in_progress';
}

// The text in markdown_text or in chunks.
function piece({ args }) {
  if (args.markdown_text !== undefined && (typeof args.markdown_text !== 'string' || characters(args.markdown_text) > 12_000)) refuse('msg_too_long');
  if (args.chunks === undefined) return args.markdown_text ?? '';
  if (!Array.isArray(args.chunks)) refuse('invalid_chunks');
  let text = args.markdown_text ?? '';
  for (const chunk of args.chunks) {
    if (chunk?.type === 'markdown_text') {
      if (typeof chunk.text !== 'string') refuse('invalid_chunks');
      text += chunk.text;
    } else if (!['task_update', 'plan_update', 'blocks'].includes(chunk?.type)) refuse('invalid_chunks');
  }
  if (characters(text) > 12_000) refuse('msg_too_long');
  return text;
}

function startStream(call) {
  const { world, args, slack } = call;
  const channel = channelOf(call);
  mayPost(call, channel);
  if (!call.app.agent) refuse('feature_not_enabled');
  if (args.thread_ts === undefined) refuse('invalid_arguments', ['[ERROR] missing required field: thread_ts']);
  const threadTs = threadOf(channel, args);
  if (channel.kind !== 'im') {
    if (!args.recipient_user_id) refuse('missing_recipient_user_id');
    if (!args.recipient_team_id) refuse('missing_recipient_team_id');
  }
  const stream = { state: 'in_progress', touched: Date.now() };
  const message = world.post(channel, ours(call, { threadTs, text: piece(call), stream, args }), 'stream');
  slack.setSession(channel, threadTs, 'processing');
  return { channel: channel.id, ts: message.ts };
}

function growing(call) {
  const message = own(call, call.args.ts, 'message_not_owned_by_app');
  if (message.stream?.state === 'stopped') refuse('stopped_by_user');
  if (!streaming(call, message)) refuse('message_not_in_streaming_state');
  return message;
}

function appendStream(call) {
  const message = growing(call);
  if (call.args.markdown_text === undefined && call.args.chunks === undefined) refuse('invalid_arguments', ['[ERROR] missing required field: markdown_text']);
  const text = piece(call);
  message.stream.touched = Date.now();
  call.world.change(message, { text: message.text + text }, 'stream', { quiet: true });
  return { channel: message.channel.id, ts: message.ts };
}

function stopStream(call) {
  const { args, world, slack } = call;
  const message = growing(call);
  const text = piece(call);
  if (args.blocks !== undefined) {
    const wrong = badBlocks(args.blocks);
    if (wrong) refuse('invalid_blocks', [`[ERROR] ${wrong}`]);
  }
  checkMetadata(args);
  message.stream.state = 'completed';
  const fields = { text: message.text + text, ...(args.blocks && { blocks: args.blocks }), ...(args.metadata && { metadata: metadataOf(args) }) };
  world.change(message, fields, 'stream');
  slack.setSession(message.channel, message.threadTs, args.session_status ?? 'active');
  return { channel: message.channel.id, ts: message.ts, message: message.shown() };
}

const content = ['text', 'blocks', 'markdown_text', 'attachments', 'metadata', 'parse', 'link_names', ...look];
export const chat = {
  'chat.postMessage': { scope: 'chat:write', tier: 'post', needs: ['channel'], takes: [...content, 'thread_ts', 'reply_broadcast', 'mrkdwn', 'unfurl_links', 'unfurl_media'], run: post },
  'chat.update': { scope: 'chat:write', tier: 3, needs: ['channel', 'ts'], takes: [...content, 'reply_broadcast', 'file_ids'], run: update },
  'chat.delete': { scope: 'chat:write', tier: 3, needs: ['channel', 'ts'], run: remove },
  'chat.postEphemeral': { scope: 'chat:write', tier: 4, needs: ['channel', 'user'], takes: [...content, 'thread_ts'], run: ephemeral },
  'chat.startStream': { scope: 'chat:write', tier: 2, needs: ['channel'], takes: ['thread_ts', 'markdown_text', 'chunks', 'recipient_user_id', 'recipient_team_id', 'task_display_mode', ...look], run: startStream },
  'chat.appendStream': { scope: 'chat:write', tier: 4, needs: ['channel', 'ts'], takes: ['markdown_text', 'chunks'], run: appendStream },
  'chat.stopStream': { scope: 'chat:write', tier: 2, needs: ['channel', 'ts'], takes: ['markdown_text', 'chunks', 'blocks', 'metadata', 'session_status'], run: stopStream },
  'chat.getPermalink': {
    scope: null, tier: 'test', form: true, needs: ['channel', 'message_ts'],
    run(call) {
      const channel = channelOf(call);
      const message = messageOf(channel, call.args.message_ts);
      return { channel: channel.id, permalink: `https://${channel.team.domain}.slack.com/archives/${channel.id}/p${message.ts.replace('.', '')}` };
    },
  },
};
