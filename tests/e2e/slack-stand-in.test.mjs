// The stand-in Slack behaves as the real one: proved by the official packages before usher is tested against it.
import test from 'node:test';
import assert from 'node:assert/strict';
import http from 'node:http';
import bolt from '@slack/bolt';
import oauth from '@slack/oauth';
import socketMode from '@slack/socket-mode';
import webApi from '@slack/web-api';
import { Slack } from '../servers/slack.mjs';
import { signed } from '../servers/slack/deliver.mjs';
import { Browser } from '../servers/slack/browser.mjs';
import { until, wait } from './harness.mjs';

const { App, LogLevel, HTTPReceiver } = bolt;
const { WebClient } = webApi;
const { SocketModeClient } = socketMode;
const { InstallProvider } = oauth;
const quiet = { debug() {}, info() {}, warn() {}, error() {}, setLevel() {}, getLevel: () => LogLevel.ERROR, setName() {} };

// A workspace with a person, a channel and an app that is in it.
async function stage(t, { knobs, limits, app: options, seed } = {}) {
  const slack = await new Slack({ knobs, limits, seed }).start();
  t.after(() => slack.stop());
  const team = slack.world.addTeam('Acme');
  const ann = slack.world.addUser(team, 'ann'), bob = slack.world.addUser(team, 'bob');
  const app = slack.addApp(options);
  const bot = app.install({ team });
  const channel = slack.world.addChannel(team, 'general', { members: [ann, bob, bot.bot] });
  return { slack, team, ann, bob, app, bot, channel, people: slack.people };
}

const client = (slack, token, more = {}) => new WebClient(token, { slackApiUrl: `${slack.apiUrl}/`, logger: quiet, retryConfig: { retries: 0 }, ...more });
const refused = (code) => (error) => error.data?.error === code || assert.fail(`${error.data?.error ?? error.message} instead of ${code}`);

async function socketBolt(t, s, register) {
  const app = new App({ token: s.bot.token, appToken: s.app.appToken, socketMode: true, logger: quiet, clientOptions: { slackApiUrl: `${s.slack.apiUrl}/` } });
  register(app);
  await app.start();
  t.after(() => app.stop());
  await until('the greeting', () => s.slack.sockets.of(s.app).some((c) => c.greeted));
  return app;
}

async function httpBolt(t, s, register) {
  const app = new App({ token: s.bot.token, signingSecret: s.app.signingSecret, logger: quiet, clientOptions: { slackApiUrl: `${s.slack.apiUrl}/` } });
  register(app);
  const server = await app.start({ port: 0, host: '127.0.0.1' });
  t.after(() => app.stop());
  assert.ok(await s.slack.saveUrl(s.app, `http://127.0.0.1:${server.address().port}/slack/events`), 'the challenge is answered');
  return app;
}

for (const [transport, start] of [['Socket Mode', socketBolt], ['HTTP', httpBolt]]) {
  test(`bolt over ${transport}: messages, mentions, commands, buttons, shortcuts`, async (t) => {
    const s = await stage(t);
    const seen = [];
    await start(t, s, (app) => {
      app.event('app_mention', async ({ event, say, body }) => {
        seen.push(['mention', event.ts, body.event_id]);
        await say({ text: `yes, <@${event.user}>`, thread_ts: event.ts });
      });
      app.message(async ({ message, body }) => seen.push(['message', message.ts, body.event_id]));
      app.event('message', async ({ event }) => event.subtype && seen.push([event.subtype, event.message?.ts ?? event.deleted_ts]));
      app.event('app_home_opened', async ({ event }) => seen.push(['pane', event.channel]));
      app.command('/usher', async ({ command, ack, respond }) => {
        await ack({ text: `you said ${command.text}` });
        for (let i = 0; i < 6; i++) await respond({ text: `more ${i}`, response_type: i === 0 ? 'in_channel' : 'ephemeral' }).catch((e) => seen.push(['respond', e.response?.data]));
      });
      app.action('fb', async ({ ack, action, body }) => {
        await ack();
        seen.push(['click', action.value, body.message.ts]);
      });
      app.shortcut('ask', async ({ ack, shortcut, respond }) => {
        await ack();
        await respond({ text: 'looking', response_type: 'ephemeral' });
        seen.push(['shortcut', shortcut.message.text]);
      });
    });
    const { people, ann, channel, bot } = s;

    const said = people.say(ann, channel, `<@${bot.bot.id}> are you there?`);
    const answer = await until('the answer', () => channel.replies(said.ts)[0]);
    assert.equal(answer.text, `yes, <@${ann.id}>`);
    await until('both twins', () => seen.filter((e) => e[1] === said.ts).length === 2);
    assert.notEqual(...seen.filter((e) => e[1] === said.ts).map((e) => e[2]), 'each has an event id of its own');

    people.edit(said, 'never mind');
    await until('the edit', () => seen.some((e) => e[0] === 'message_changed' && e[1] === said.ts));
    people.remove(said);
    await until('the deletion', () => seen.some((e) => e[0] === 'message_deleted' && e[1] === said.ts));
    people.tell(ann, bot, 'in private');
    await until('the direct message', () => seen.some((e) => e[0] === 'message' && e[1] === s.slack.world.direct(ann, bot.bot).list[0].ts));
    const pane = people.openPane(ann, bot);
    await until('the pane', () => seen.some((e) => e[0] === 'pane' && e[1] === pane.id));

    const command = await people.command(ann, bot, channel, '/usher', 'help me');
    assert.ok(command.ok);
    assert.equal(command.shown.text, 'you said help me');
    await until('six answers', () => seen.some((e) => e[0] === 'respond'));
    assert.deepEqual(command.entry.posts.map((p) => p.text), ['you said help me', 'more 0', 'more 1', 'more 2', 'more 3', 'more 4']);
    assert.ok(channel.list.some((m) => m.text === 'more 0'), 'shown to all');

    const click = await people.click(ann, answer, { type: 'button', action_id: 'fb', block_id: 'b', value: 'up', text: { type: 'plain_text', text: 'Good' } });
    assert.ok(click.ok);
    assert.ok(seen.some((e) => e[0] === 'click' && e[1] === 'up' && e[2] === answer.ts));
    const other = people.say(s.bob, channel, 'what does this mean?');
    assert.ok((await people.shortcut(ann, bot, other, 'ask')).ok);
    await until('the shortcut', () => seen.some((e) => e[0] === 'shortcut' && e[1] === other.text));
    assert.equal(s.slack.ephemerals.at(-1).text, 'looking');
    await until('all taken', () => s.slack.deliveries.running === 0);
    assert.deepEqual(s.slack.deliveries.list.filter((d) => d.state !== 'acked'), []);
    assert.deepEqual(s.slack.wrongs, []);
  });
}

test('what is not acknowledged comes again, three times, and says why', async (t) => {
  for (const transport of ['socket', 'HTTP']) {
    const s = await stage(t, { knobs: { ackMs: 200, retries: [10, 30, 60] } });
    const seen = [];
    let takes = 3; // the fourth delivery is acknowledged
    const receive = (body, retry, ack) => {
      seen.push({ id: body.event_id, retry });
      if (seen.length % 4 !== 0 || takes <= 0) return;
      ack();
    };
    if (transport === 'socket') {
      const socket = new SocketModeClient({ appToken: s.app.appToken, logger: quiet, clientOptions: { slackApiUrl: `${s.slack.apiUrl}/` } });
      t.after(() => socket.disconnect());
      socket.on('slack_event', ({ body, ack, retry_num: n, retry_reason: why }) => receive(body, [n, why], ack));
      await socket.start();
    } else {
      const server = http.createServer((request, response) => {
        let text = '';
        request.on('data', (part) => (text += part));
        request.on('end', () => receive(JSON.parse(text), [Number(request.headers['x-slack-retry-num'] ?? 0), request.headers['x-slack-retry-reason'] ?? ''], () => response.end()));
      });
      await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
      t.after(() => { server.closeAllConnections(); server.close(); });
      Object.assign(s.app, { socketMode: false, eventsUrl: `http://127.0.0.1:${server.address().port}/` });
    }
    s.people.say(s.ann, s.channel, 'hello there');
    await until('the end of it', () => s.slack.deliveries.list[0]?.state === 'acked');
    const reason = transport === 'socket' ? 'timeout' : 'http_timeout';
    assert.deepEqual(seen.map((e) => e.retry), [[0, ''], [1, reason], [2, reason], [3, reason]]);
    assert.equal(new Set(seen.map((e) => e.id)).size, 1, 'the same event id in all of them');
    takes = 0;
    s.people.say(s.ann, s.channel, 'and nobody listens');
    await until('the end of that', () => s.slack.deliveries.list[1]?.state === 'given up');
    assert.equal(seen.length, 8);
  }
});

test('Socket Mode: refresh, tickets, the cap of ten, dead connections', async (t) => {
  const s = await stage(t, { knobs: { warningMs: 200, retries: [20, 200, ...Array(20).fill(2000)] } });
  const socket = new SocketModeClient({ appToken: s.app.appToken, logger: quiet, clientPingTimeout: 600, serverPingTimeout: 1200, clientOptions: { slackApiUrl: `${s.slack.apiUrl}/` } });
  t.after(() => socket.disconnect());
  s.slack.knobs.pingMs = 100;
  // The package answers on its current socket; what it could not acknowledge comes again.
  socket.on('slack_event', ({ ack }) => ack().catch(() => {}));
  await socket.start();
  const sockets = () => s.slack.sockets.of(s.app);
  const [first] = sockets();
  first.refresh('warning');
  const said = s.people.say(s.ann, s.channel, 'said while it moves');
  await until('another connection', () => sockets().length === 1 && sockets()[0] !== first && sockets()[0].greeted);
  await until('what was said meanwhile', () => said.deliveries.some((d) => d.state === 'acked'));

  await t.test('a connection that hears no pings is given up', async () => {
    const [old] = sockets();
    await until('its first ping', () => old.pongs > 0);
    s.slack.knobs.silent = true;
    await until('a new one', () => sockets().some((c) => c !== old && c.greeted));
    s.slack.knobs.silent = false;
  });
  await t.test('a connection whose pings are not answered is given up', async () => {
    s.slack.knobs.neverPong = true;
    const [old] = sockets();
    old.cut();
    await until('several connections', () => s.slack.sockets.lastNumber >= old.number + 3, 20);
    s.slack.knobs.neverPong = false;
  });
  await t.test('a ticket is used once', async () => {
    const { url } = await client(s.slack, undefined, { headers: { Authorization: `Bearer ${s.app.appToken}` } }).apps.connections.open();
    const open = () => new Promise((resolve) => {
      const ws = new WebSocket(url);
      ws.on('open', () => resolve(ws)).on('error', () => resolve(null));
    });
    const { WebSocket } = await import('ws');
    const ws = await open();
    assert.ok(ws);
    assert.equal(await open(), null);
    ws.terminate();
  });
  await t.test('an eleventh connection is sent away', async () => {
    const { WebSocket } = await import('ws');
    const list = [];
    for (let i = 0; i < 11; i++) {
      const ws = new WebSocket(s.slack.sockets.url(s.app));
      list.push(ws);
      ws.on('message', (text) => (ws.said = JSON.parse(text)));
      await new Promise((resolve) => ws.on('open', resolve));
    }
    const last = await until('the refusal', () => list.map((ws) => ws.said).find((said) => said?.type === 'disconnect'));
    assert.equal(last.reason, 'too_many_websockets');
    list.forEach((ws) => ws.terminate());
  });
});

test('the Web API: posting, threads, changing, reading, and what is refused', async (t) => {
  const s = await stage(t, { limits: { channelBurst: 100 } });
  const { slack, channel, bot, ann, people } = s;
  const api = client(slack, bot.token);
  const me = await api.auth.test();
  assert.equal(me.user_id, bot.bot.id);
  assert.equal(me.bot_id, bot.botId);
  assert.ok(me.response_metadata.scopes.includes('chat:write'));

  const root = people.say(ann, channel, 'a question');
  const sent = await api.chat.postMessage({ channel: channel.id, text: 'an answer', thread_ts: root.ts, metadata: { event_type: 'out', event_payload: { id: 'u-1' } } });
  assert.equal(sent.message.thread_ts, root.ts);
  const changed = await api.chat.update({ channel: channel.id, ts: sent.ts, text: 'a better answer', blocks: [{ type: 'section', text: { type: 'mrkdwn', text: 'a better answer' } }] });
  assert.equal(changed.text, 'a better answer');
  const plain = await api.conversations.replies({ channel: channel.id, ts: root.ts });
  assert.deepEqual(plain.messages.map((m) => [m.text, m.metadata]), [['a question', undefined], ['a better answer', undefined]]);
  const marked = await api.conversations.replies({ channel: channel.id, ts: root.ts, include_all_metadata: true });
  assert.equal(marked.messages[1].metadata.event_payload.id, 'u-1', 'a change keeps it');
  for (let i = 0; i < 25; i++) people.say(ann, channel, `line ${i}`);
  let lines = 0;
  for await (const page of api.paginate('conversations.history', { channel: channel.id, limit: 10 })) lines += page.messages.length;
  assert.equal(lines, 26, 'the roots, on three pages');
  const tail = await api.conversations.history({ channel: channel.id, oldest: channel.list.at(-3).ts });
  assert.deepEqual(tail.messages.map((m) => m.text), ['line 24', 'line 23']);
  assert.equal((await api.users.info({ user: ann.id })).user.profile.display_name, 'ann');
  assert.equal((await api.bots.info({ bot: bot.botId })).bot.user_id, bot.bot.id);
  assert.equal((await api.conversations.info({ channel: channel.id })).channel.is_member, true);
  const direct = await api.conversations.open({ users: ann.id });
  assert.equal(direct.channel.id, slack.world.direct(ann, bot.bot).id);
  await api.reactions.add({ channel: channel.id, timestamp: root.ts, name: 'eyes' });
  await assert.rejects(api.reactions.add({ channel: channel.id, timestamp: root.ts, name: 'eyes' }), refused('already_reacted'));
  await api.chat.postEphemeral({ channel: channel.id, user: ann.id, text: 'only you' });
  await api.chat.delete({ channel: channel.id, ts: sent.ts });
  await assert.rejects(api.chat.delete({ channel: channel.id, ts: sent.ts }), refused('message_not_found'));

  const secret = slack.world.addChannel(s.team, 'secret', { kind: 'group' }), open = slack.world.addChannel(s.team, 'open');
  const elsewhere = slack.world.addChannel(slack.world.addTeam('Other'), 'general');
  const blocks = [{ type: 'section', text: { type: 'mrkdwn', text: 'x'.repeat(3001) } }];
  const post = (args) => api.chat.postMessage({ channel: channel.id, text: 'x', ...args });
  await assert.rejects(post({ channel: secret.id }), refused('channel_not_found'));
  await assert.rejects(post({ channel: elsewhere.id }), refused('channel_not_found'));
  await assert.rejects(post({ channel: open.id }), refused('not_in_channel'));
  await assert.rejects(post({ thread_ts: '' }), refused('invalid_thread_ts'));
  await assert.rejects(post({ thread_ts: '1700000000.000001' }), refused('thread_not_found'));
  await assert.rejects(post({ text: '' }), refused('no_text'));
  await assert.rejects(post({ markdown_text: 'y' }), refused('markdown_text_conflict'));
  await assert.rejects(post({ blocks }), (e) => refused('invalid_blocks')(e) && assert.match(e.data.response_metadata.messages[0], /3001 characters/) === undefined);
  await assert.rejects(api.chat.update({ channel: channel.id, ts: root.ts, text: 'mine now' }), refused('cant_update_message'));
  const mine = await post({});
  await assert.rejects(api.chat.update({ channel: channel.id, ts: mine.ts, text: 'x'.repeat(4001) }), refused('msg_too_long'));
  await assert.rejects(client(slack, s.app.appToken).auth.revoke(), refused('not_allowed_token_type'));
  await assert.rejects(client(slack, bot.token).apps.connections.open(), refused('not_allowed_token_type'));
  await assert.rejects(client(slack).apiCall('apps.connections.open', { token: undefined }), refused('not_authed'));
  await assert.rejects(client(slack, 'xoxb-none').auth.test(), refused('invalid_auth'));
  bot.scopes = bot.scopes.filter((scope) => scope !== 'chat:write');
  await assert.rejects(post({}), (e) => refused('missing_scope')(e) && e.data.needed === 'chat:write');
  assert.deepEqual([...slack.oddities], []);
});

test('a long text is cut into several messages by the server', async (t) => {
  const s = await stage(t);
  const { ts } = await client(s.slack, s.bot.token).chat.postMessage({ channel: s.channel.id, text: 'x'.repeat(9000) });
  assert.equal(s.channel.list.length, 3);
  assert.equal(s.channel.list[0].ts, ts);
  assert.equal(s.slack.counts.splitByServer, 1);
});

test('JSON bodies: where they are taken, and where nothing is seen of them', async (t) => {
  const s = await stage(t);
  const call = async (method, body, headers = {}) => (await fetch(`${s.slack.apiUrl}/${method}`, { method: 'POST', body, headers: { authorization: `Bearer ${s.bot.token}`, ...headers } })).json();
  const json = { 'content-type': 'application/json; charset=utf-8' };
  assert.equal((await call('chat.postMessage', JSON.stringify({ channel: s.channel.id, text: 'hello' }), json)).ok, true);
  assert.equal((await call('users.info', JSON.stringify({ user: s.ann.id }), json)).error, 'invalid_arguments');
  assert.equal((await call('users.info', `user=${s.ann.id}`, { 'content-type': 'application/x-www-form-urlencoded' })).ok, true);
  assert.equal((await call('chat.postMessage', '{', json)).error, 'invalid_json');
  assert.equal((await call('chat.postMessage', 'x=1', { 'content-type': 'text/plain' })).error, 'invalid_post_type');
  assert.equal((await call('chat.postMessage', JSON.stringify({ token: s.bot.token, channel: s.channel.id, text: 'x' }), { ...json, authorization: '' })).error, 'not_authed');
  assert.equal((await call('chat.postMassage', '{}', json)).error, 'unknown_method');
});

test('429: the official client waits as long as it is told, and one message a second is the pace of a channel', async (t) => {
  const s = await stage(t, { limits: { channelBurst: 2 } });
  const limited = [];
  const api = client(s.slack, s.bot.token, { retryConfig: { retries: 3, minTimeout: 1, maxTimeout: 5 } });
  api.on('rate_limited', (seconds) => limited.push(seconds));
  const lines = [];
  while (limited.length === 0 && lines.length < 100) await api.chat.postMessage({ channel: s.channel.id, text: `line ${lines.push(`line ${lines.length}`) - 1}` }); // a third in the second, unless the machine is slow
  assert.deepEqual(s.channel.list.map((m) => m.text), lines);
  assert.ok(lines.length > 2 && limited.every((seconds) => seconds === 1), `${lines.length} lines, ${limited}`);
  const strict = client(s.slack, s.bot.token, { rejectRateLimitedCalls: true });
  let count = 0;
  await assert.rejects(async () => {
    for (; count < 100; count++) await strict.reactions.remove({ channel: s.channel.id, timestamp: s.channel.list[0].ts, name: 'eyes' }).catch((e) => { if (e.data?.error !== 'no_reaction') throw e; });
  }, (e) => e.code === webApi.ErrorCode.RateLimitedError && e.retryAfter > 1);
  assert.equal(count, 20, 'tier 2');
});

test('streams: the official helper streams into a thread, and the five minutes end', async (t) => {
  const s = await stage(t);
  const { slack, channel, ann, people, bot } = s;
  const api = client(slack, bot.token);
  const root = people.say(ann, channel, 'tell me everything');
  const streamer = api.chatStream({ channel: channel.id, thread_ts: root.ts, recipient_user_id: ann.id, recipient_team_id: s.team.id, buffer_size: 10 });
  for (let i = 0; i < 8; i++) await streamer.append({ markdown_text: `word${i} ` });
  const growing = channel.replies(root.ts)[0];
  assert.equal(growing.stream.state, 'in_progress');
  assert.equal(slack.session(channel, root.ts).status, 'processing');
  await assert.rejects(api.chat.update({ channel: channel.id, ts: growing.ts, text: 'done' }), refused('streaming_state_conflict'));
  await streamer.stop({ markdown_text: 'end', blocks: [{ type: 'context_actions', elements: [{ type: 'feedback_buttons', action_id: 'fb', positive_button: { text: { type: 'plain_text', text: 'Good' }, value: 'up' }, negative_button: { text: { type: 'plain_text', text: 'Bad' }, value: 'down' } }] }] });
  assert.equal(growing.text, 'word0 word1 word2 word3 word4 word5 word6 word7 end');
  assert.equal(slack.session(channel, root.ts).status, 'active');
  await assert.rejects(api.chat.appendStream({ channel: channel.id, ts: growing.ts, markdown_text: 'x' }), refused('message_not_in_streaming_state'));
  await api.chat.update({ channel: channel.id, ts: growing.ts, text: 'the end' });

  const start = (more) => api.chat.startStream({ channel: channel.id, thread_ts: root.ts, recipient_user_id: ann.id, recipient_team_id: s.team.id, ...more });
  await assert.rejects(start({ recipient_user_id: undefined }), refused('missing_recipient_user_id'));
  await assert.rejects(start({ recipient_team_id: undefined }), refused('missing_recipient_team_id'));
  await assert.rejects(start({ markdown_text: 'x'.repeat(12_001) }), refused('msg_too_long'));
  slack.knobs.streamMs = 30;
  const old = await start({ markdown_text: 'a' });
  await wait(40);
  await assert.rejects(api.chat.appendStream({ channel: channel.id, ts: old.ts, markdown_text: 'b' }), refused('message_not_in_streaming_state'));
  await assert.rejects(api.chat.stopStream({ channel: channel.id, ts: old.ts }), refused('message_not_in_streaming_state'));
  slack.knobs.streamMs = 300_000;
  const stopped = await start({});
  people.stop(ann, channel.messages.get(stopped.ts));
  await assert.rejects(api.chat.appendStream({ channel: channel.id, ts: stopped.ts, markdown_text: 'b' }), refused('stopped_by_user'));

  await api.assistant.threads.setStatus({ channel_id: channel.id, thread_ts: root.ts, status: 'is thinking' });
  await api.assistant.threads.setTitle({ channel_id: channel.id, thread_ts: root.ts, title: 'Everything' });
  await api.assistant.threads.setSuggestedPrompts({ channel_id: slack.world.direct(ann, bot.bot).id, prompts: [{ title: 'a', message: 'b' }] });
  await api.apiCall('agents.sessions.setStatus', { channel_id: channel.id, thread_ts: root.ts, status: 'active' });
  await api.apiCall('agents.sessions.rename', { channel_id: channel.id, thread_ts: root.ts, title: 'All of it' });
  assert.equal(slack.session(channel, root.ts).title, 'All of it');
  await assert.rejects(api.apiCall('agents.sessions.setStatus', { channel_id: channel.id, thread_ts: root.ts, status: 'busy' }), refused('invalid_status'));
});

test('files: upload in three steps, and download only with the token', async (t) => {
  const s = await stage(t);
  const { slack, channel, ann, people, bot } = s;
  const api = client(slack, bot.token);
  const root = people.say(ann, channel, 'send me the file');
  const { files: [{ files: [sent] }] } = await api.filesUploadV2({ channel_id: channel.id, thread_ts: root.ts, filename: 'a.bin', file: Buffer.from('some bytes'), initial_comment: 'here' });
  const message = await until('the message', () => channel.replies(root.ts)[0]);
  assert.equal(message.text, 'here');
  const { file } = await api.files.info({ file: sent.id });
  assert.equal(file.size, 10);
  assert.equal(file.shares.public[channel.id][0].ts, message.ts);
  const get = (token) => fetch(file.url_private_download, { headers: token ? { authorization: `Bearer ${token}` } : {} });
  assert.equal(await (await get(bot.token)).text(), 'some bytes');
  for (const token of [null, 'xoxb-wrong', s.app.appToken]) {
    const answer = await get(token);
    assert.equal(answer.status, 200, 'the login page, not a refusal');
    assert.match(answer.headers.get('content-type'), /html/);
    assert.match(await answer.text(), /^<!DOCTYPE html>/);
  }
  await assert.rejects(api.files.completeUploadExternal({ files: [{ id: sent.id }], channel_id: channel.id }), refused('file_not_found'));
});

test('an answer that is lost: it happened, and the client does not know', async (t) => {
  const s = await stage(t);
  s.slack.fault({ method: 'chat.postMessage', kind: 'lose', times: 1 });
  s.slack.fault({ method: 'chat.postMessage', kind: 'status', times: 1 });
  const api = client(s.slack, s.bot.token);
  const post = (text) => api.chat.postMessage({ channel: s.channel.id, text });
  await assert.rejects(post('lost'), (e) => e.code === webApi.ErrorCode.RequestError);
  await assert.rejects(post('refused'), (e) => e.code === webApi.ErrorCode.HTTPError);
  await post('heard');
  assert.deepEqual(s.channel.list.map((m) => m.text), ['lost', 'heard']);
});

test('signatures: the official receiver takes ours, and no other', async (t) => {
  const s = await stage(t);
  const secret = '8f742231b10e8888abcd99yyyzzz85a5';
  const body = 'token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c';
  assert.equal(signed(secret, body, 1531420618)['x-slack-signature'], 'v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503');
  const receiver = new HTTPReceiver({ signingSecret: 'another secret', logger: quiet });
  new App({ receiver, token: s.bot.token, logger: quiet, clientOptions: { slackApiUrl: `${s.slack.apiUrl}/` } });
  const server = await receiver.start(0);
  t.after(() => receiver.stop());
  assert.equal(await s.slack.saveUrl(s.app, `http://127.0.0.1:${server.address().port}/slack/events`), false);
});

// The pages of an app that can be added, served by the official package.
async function installing(t, s, options = {}) {
  const own = 'https://app.test';
  s.app.redirectUrls = [`${own}/slack/oauth_redirect`];
  const store = new Map();
  const key = (q) => (q.isEnterpriseInstall ? q.enterpriseId ?? q.enterprise?.id : q.teamId ?? q.team?.id);
  const provider = new InstallProvider({
    clientId: s.app.clientId, clientSecret: s.app.clientSecret, stateSecret: 'a secret of the test', logger: quiet,
    clientOptions: { slackApiUrl: `${s.slack.apiUrl}/`, retryConfig: { retries: 0 } }, authorizationUrl: `${s.slack.base}/oauth/v2/authorize`,
    installUrlOptions: { scopes: s.app.scopes, redirectUri: s.app.redirectUrls[0] },
    installationStore: { storeInstallation: async (i) => store.set(key(i), i), fetchInstallation: async (q) => store.get(key(q)), deleteInstallation: async (q) => store.delete(key(q)) },
    ...options,
  });
  const server = http.createServer((request, response) =>
    request.url.startsWith('/slack/install') ? provider.handleInstallPath(request, response) : provider.handleCallback(request, response));
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => { server.closeAllConnections(); server.close(); });
  const browser = new Browser({ [own]: `http://127.0.0.1:${server.address().port}` });
  const add = async (name) => {
    const page = await browser.go(browser.link(await browser.go(`${own}/slack/install`), /Slack|^\s*$/));
    return browser.go(browser.link(page, new RegExp(name)));
  };
  return { store, provider, browser, add, own };
}

test('OAuth: two workspaces, an organisation, cancelling, forged and reused codes', async (t) => {
  const s = await stage(t);
  const org = s.slack.world.addOrg('Globex'), east = s.slack.world.addTeam('East', { org });
  s.slack.world.addUser(east, 'eve');
  const other = s.slack.world.addTeam('Other');
  const { store, add, browser, own } = await installing(t, s);
  assert.equal((await add('Allow Other')).status, 200);
  const first = store.get(other.id);
  assert.equal((await client(s.slack, first.bot.token).auth.test()).team_id, other.id);
  assert.equal((await add('Allow Globex')).status, 200);
  const wide = store.get(org.id);
  assert.equal(wide.team, undefined);
  assert.equal(wide.isEnterpriseInstall, true);
  const me = await client(s.slack, wide.bot.token).auth.test();
  assert.deepEqual([me.is_enterprise_install, me.enterprise_id], [true, org.id]);
  const east1 = s.slack.world.addChannel(east, 'east', { members: [s.app.installations.at(-1).bot] });
  assert.ok((await client(s.slack, wide.bot.token).chat.postMessage({ channel: east1.id, text: 'hello' })).ok);
  await assert.rejects(client(s.slack, first.bot.token).chat.postMessage({ channel: east1.id, text: 'hello' }), refused('channel_not_found'));
  const envelope = s.app.envelope(s.app.installations.at(-1), { type: 'message' }, east1);
  assert.deepEqual(envelope.authorizations[0], { enterprise_id: org.id, team_id: east.id, user_id: wide.bot.userId, is_bot: true, is_enterprise_install: true });

  const size = store.size;
  const cancelled = await add('Cancel');
  assert.equal(cancelled.status, 500, 'told so by the official package');
  const used = browser.seen.find((url) => url.includes('code='));
  assert.equal((await new Browser(browser.map).go(used)).status, 400, 'another browser');
  assert.equal((await browser.go(`${own}/slack/oauth_redirect?code=${new URL(used).searchParams.get('code')}&state=x`)).status, 400);
  assert.equal(store.size, size);
  const exchange = (args) => client(s.slack).oauth.v2.access({ client_id: s.app.clientId, client_secret: s.app.clientSecret, ...args });
  await assert.rejects(exchange({ code: new URL(used).searchParams.get('code'), redirect_uri: s.app.redirectUrls[0] }), refused('invalid_code'));
  await assert.rejects(exchange({ client_secret: 'wrong', code: 'x' }), refused('bad_client_secret'));
  await assert.rejects(exchange({ grant_type: 'password' }), refused('invalid_grant_type'));
  const basic = Buffer.from(`${s.app.clientId}:${s.app.clientSecret}`).toString('base64');
  await assert.rejects(client(s.slack, undefined, { headers: { Authorization: `Basic ${basic}` } }).apiCall('oauth.v2.access', { code: 'x' }), refused('invalid_code'), 'as HTTP Basic too');
});

test('token rotation: refresh tokens are used once, two tokens live at most', async (t) => {
  const s = await stage(t, { app: { rotation: true, tokenSeconds: 3600 } });
  const other = s.slack.world.addTeam('Other');
  const { store, provider, add } = await installing(t, s);
  await add('Allow Other');
  const bot = { ...store.get(other.id).bot }; // the package changes the stored one in place
  assert.match(bot.token, /^xoxe\.xoxb-1-/);
  const fresh = await provider.authorize({ teamId: other.id, isEnterpriseInstall: false });
  assert.notEqual(fresh.botToken, bot.token, 'less than two hours are left: the package refreshes');
  assert.equal((await client(s.slack, fresh.botToken).auth.test()).team_id, other.id);
  assert.equal((await client(s.slack, bot.token).auth.test()).ok, true, 'the old one lives until the next');
  const refresh = (refresh_token) => client(s.slack).oauth.v2.access({ client_id: s.app.clientId, client_secret: s.app.clientSecret, grant_type: 'refresh_token', refresh_token });
  await assert.rejects(refresh(bot.refreshToken), refused('invalid_refresh_token'));
  await refresh(store.get(other.id).bot.refreshToken);
  await assert.rejects(client(s.slack, bot.token).auth.test(), refused('token_revoked'));
  s.slack.tokens.get(fresh.botToken).entry.expires = Date.now() - 1;
  await assert.rejects(client(s.slack, fresh.botToken).auth.test(), refused('token_expired'));
});

test('uninstalled: both events come, in either order, and the token is dead', async (t) => {
  for (const order of [['app_uninstalled', 'tokens_revoked'], ['tokens_revoked', 'app_uninstalled']]) {
    const s = await stage(t);
    const seen = [];
    await socketBolt(t, s, (app) => {
      app.event('app_uninstalled', async ({ body }) => seen.push(['app_uninstalled', body.team_id]));
      app.event('tokens_revoked', async ({ event, body }) => seen.push(['tokens_revoked', body.team_id, event.tokens.bot[0]]));
    });
    await s.slack.uninstall(s.bot, { order });
    await assert.rejects(client(s.slack, s.bot.token ?? s.bot.tokens[0].token).auth.test(), refused('account_inactive'));
  }
});
