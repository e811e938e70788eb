// Bytes from strangers: each gets the right status, nothing is stored for it, and other people are served meanwhile.
import test from 'node:test';
import assert from 'node:assert/strict';
import net from 'node:net';
import { Webhook } from 'standardwebhooks';
import { Daemon, hookSecret, until, wait } from './harness.mjs';

let daemon, key;
test.before(async () => {
  daemon = await new Daemon({ users: { strangers: 'allow' }, platforms: { webhook: [{ name: 'crm', secret: hookSecret }] } }).start();
  key = await daemon.addUser('ann');
});
test.after(async () => assert.equal((await daemon.finish()).code, 0, 'the daemon lived through all of it'));

// Sends bytes, gives back all that came until the peer closed, or a while after so many answers.
function raw(bytes, { count = 1 } = {}) {
  return new Promise((resolve) => {
    const socket = net.connect(daemon.port, '127.0.0.1');
    let text = '';
    socket.setTimeout(20_000, () => socket.destroy());
    socket.on('data', (data) => {
      text += data;
      if (statuses(text).length >= count) socket.setTimeout(200);
    });
    socket.on('error', () => {});
    socket.on('close', () => resolve(text));
    socket.write(bytes);
  });
}
const statuses = (text) => [...text.matchAll(/HTTP\/1\.1 (\d{3})/g)].map((m) => Number(m[1]));
const stored = async () => (await daemon.json('status')).stored;

test('framing tricks are refused', async () => {
  const before = JSON.stringify(await stored());
  const head = 'POST /webhook/crm HTTP/1.1\r\nHost: x\r\n';
  for (const [what, bytes, expected] of [
    ['length and chunked', `${head}Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`, 400],
    ['two lengths', `${head}Content-Length: 4\r\nContent-Length: 5\r\n\r\nabcd`, 400],
    ['negative length', `${head}Content-Length: -1\r\n\r\n`, 400],
    ['length with a sign', `${head}Content-Length: +4\r\n\r\nabcd`, 400],
    ['length too large for a number', `${head}Content-Length: 99999999999999999999\r\n\r\n`, 400],
    ['100 MB announced', `${head}Content-Length: 104857600\r\n\r\n`, 413],
    ['bare line feeds', 'GET /healthz HTTP/1.1\nHost: x\n\n', 400],
    ['space before the colon', 'GET /healthz HTTP/1.1\r\nHost : x\r\n\r\n', 400],
    ['folded header', 'GET /healthz HTTP/1.1\r\nHost: x\r\nA: b\r\n c\r\n\r\n', 400],
    ['no host', 'GET /healthz HTTP/1.1\r\n\r\n', 400],
    ['unknown version', 'GET /healthz HTTP/3.0\r\nHost: x\r\n\r\n', 505],
    ['endless headers', `GET /healthz HTTP/1.1\r\nHost: x\r\nA: ${'a'.repeat(40000)}\r\n\r\n`, 431],
    ['garbage', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n', 400],
  ]) {
    const got = statuses(await raw(bytes))[0];
    assert.ok(got === expected || (expected === 400 && got === 501), `${what}: ${got} instead of ${expected}`);
  }
  assert.equal(JSON.stringify(await stored()), before, 'nothing was stored');
});

test('two requests in one packet are both answered, in order', async () => {
  const one = 'GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n', two = 'GET /nowhere HTTP/1.1\r\nHost: x\r\n\r\n';
  assert.deepEqual(statuses(await raw(one + two + one, { count: 3 })), [200, 404, 200]);
  const post = (n) => `POST /api/me/chat HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${key}\r\nContent-Type: application/json\r\nContent-Length: 18\r\n\r\n{"message":"hi ${n}"}`;
  assert.deepEqual(statuses(await raw(post(1) + post(2), { count: 2 })), [200, 200]);
});

test('hostile JSON is refused by one rule on every path', async () => {
  const before = JSON.stringify(await stored());
  const bodies = ['', '{', '{"message":"a","message":"b"}', '{"message":"a\\u0000b"}', '{"message":"\\ud800"}', `${'['.repeat(65)}${']'.repeat(65)}`,
    '{"message":"a","conversation_id":9223372036854775808}', '{"message":1e999}', Buffer.from('{"message":"\xff"}', 'latin1'), '{"message":42}', '[]', 'null'];
  for (const body of bodies) {
    const chat = await daemon.request('POST', '/api/me/chat', { key, body });
    assert.ok(chat.status === 400 || chat.status === 422, `${body}: ${chat.status} ${chat.raw}`);
    assert.ok(chat.body.error.code && chat.body.error.message);
    const id = 'msg_hostile', at = new Date();
    const hook = await daemon.request('POST', '/webhook/crm', { body, headers: {
      'webhook-id': id, 'webhook-timestamp': String(Math.floor(at / 1000)), 'webhook-signature': new Webhook(hookSecret).sign(id, at, body.toString('latin1')) } });
    assert.ok([400, 401, 422].includes(hook.status), `${body}: ${hook.status} ${hook.raw}`);
  }
  assert.equal(JSON.stringify(await stored()), before);
});

test('contents at the limits', async () => {
  const most = await daemon.chat(key, 'x'.repeat(65536));
  assert.equal(most.status, 200, most.raw.slice(0, 200));
  const more = await daemon.chat(key, 'x'.repeat(65537));
  assert.ok([413, 422].includes(more.status), String(more.status));
  for (const blank of ['', ' ', '\n\t', '\u3000']) assert.equal((await daemon.chat(key, blank)).body.error.code, 'CONTENT_EMPTY');
  const huge = await daemon.request('POST', '/api/me/chat', { key, body: 'x'.repeat(5_000_000) }).catch(() => ({ status: 413 }));
  assert.equal(huge.status, 413);
});

test('foreign, old, future and broken signatures', async () => {
  const ok = { text: 'hello', sender: 'carl', conversation: 'c' };
  assert.equal((await daemon.hook('crm', ok)).status, 202);
  const other = 'whsec_' + Buffer.from('another secret of 24 bytes').toString('base64');
  assert.equal((await daemon.hook('crm', ok, { secret: other })).status, 401);
  assert.equal((await daemon.hook('crm', ok, { at: new Date(Date.now() - 301_000) })).status, 401);
  assert.equal((await daemon.hook('crm', ok, { at: new Date(Date.now() + 360_000) })).status, 401);
  for (const header of ['webhook-id', 'webhook-timestamp', 'webhook-signature'])
    assert.equal((await daemon.hook('crm', ok, { headers: { [header]: '' } })).status, 401, header);
  assert.equal((await daemon.hook('crm', ok, { headers: { 'webhook-signature': 'v2,AAAA v1,####' } })).status, 401);
  assert.equal((await daemon.hook('nobody', ok)).status, 404);
  const first = await daemon.hook('crm', ok, { id: 'msg_replayed' });
  const replay = await daemon.hook('crm', ok, { id: 'msg_replayed' });
  assert.equal(replay.body.id, first.body.id, 'a replay is the same message');
});

test('slow, half-closed and idle peers hold nobody up', async () => {
  const idle = await Promise.all(Array.from({ length: 500 }, () => new Promise((resolve) => {
    const socket = net.connect(daemon.port, '127.0.0.1', () => resolve(socket));
    socket.on('error', () => {});
  })));
  for (const socket of idle.slice(0, 100)) socket.write('POST /webhook/crm HTTP/1.1\r\nHost: x\r\nContent-Le');
  for (const socket of idle.slice(100, 120)) socket.end('GET /healthz HTTP/1.1\r\nHost: x\r\n');
  assert.equal((await daemon.chat(key, 'help')).status, 200);
  const ticks = () => daemon.json('status').then((s) => s.connections);
  await until('the connections to be taken', async () => (await ticks()) >= 400);
  for (const socket of idle) socket.destroy();
  await until('the connections to be gone', async () => (await ticks()) < 50);
});

test('a client that goes away while its answer is made harms nobody', async () => {
  for (let i = 0; i < 20; i++) {
    const abort = new AbortController();
    const asked = daemon.request('POST', '/api/me/chat', { key, body: { message: `bye ${i}` }, signal: abort.signal }).catch(() => null);
    await wait(i % 5);
    abort.abort();
    await asked;
  }
  assert.equal((await daemon.chat(key, 'help')).status, 200);
  await until('every message to have ended', async () => {
    const { messages_accepted, messages_claimed } = await stored();
    return messages_accepted + messages_claimed === 0;
  });
});

test('two requests at once in one conversation are answered one after the other', async () => {
  const { body } = await daemon.chat(key, 'add a task to begin');
  const answers = await Promise.all(Array.from({ length: 8 }, (_, i) => daemon.chat(key, `add a task to do ${i}`, { conversation_id: body.conversation_id })));
  assert.deepEqual(answers.map((a) => a.status), Array(8).fill(200));
  assert.equal(new Set(answers.map((a) => a.body.response)).size, 8, 'each got its own answer');
  const { messages } = (await daemon.request('GET', `/api/me/conversations/${body.conversation_id}/messages?limit=100`, { key })).body;
  const times = messages.map((m) => m.timestamp);
  assert.deepEqual(times, [...new Set(times)].sort(), 'time strictly rises in a conversation');
});

test('the control socket serves the daemon\'s user only by its own words', async () => {
  const wrong = await daemon.cli('explain', '00000000-0000-0000-0000-000000000000');
  assert.equal(wrong.status, 1);
  assert.match(wrong.stderr, /there is no message/);
  assert.equal((await daemon.cli('conversation', 'show', '99999999999999999999')).status, 1);
  assert.equal((await daemon.cli('frobnicate')).status, 2);
  const near = await daemon.cli('staus');
  assert.match(near.stderr, /did you mean "status"/);
});
