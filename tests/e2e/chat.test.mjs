// The chat endpoint as its clients depend on it: whose data a key reaches, what a repeated or broken-off request gives, and
// what can be read again later.
import test from 'node:test';
import assert from 'node:assert/strict';
import http from 'node:http';
import { ModelServer } from '../servers/model.mjs';
import { Daemon, until } from './harness.mjs';

const authFailed = '{"error":{"code":"AUTH_FAILED","message":"Invalid or expired authentication token"}}';
const nobody = '01900000-0000-7000-8000-00000000dead';

let model, daemon, ann, bob;
const withModel = (name) => ({ models: [{ name: 'main', provider: 'openai', base_url: model.base, model: name, api_key: model.key }] });

test.before(async () => {
  model = await new ModelServer().start();
  daemon = await new Daemon(withModel('echo')).start();
  ann = await person('ann');
  bob = await person('bob');
});
test.after(async () => { await daemon.finish(); await model.stop(); });

async function person(name) {
  const key = await daemon.addUser(name);
  const row = (await daemon.json('user', 'list')).find((user) => user.username === name);
  const first = await daemon.chat(key, `the first words of ${name}`);
  assert.equal(first.status, 200, first.raw);
  return { name, key, number: String(row.account), profile: row.profile_id, conversation: first.body.conversation_id,
    uuid: first.body.conversation_uuid, message: first.body.message_id };
}

// Every route with its user, conversation and message filled in.
const routes = (user, conversation, message) => [
  ['POST', `/api/${user}/chat`, { message: 'let me in, please' }],
  ['GET', `/api/${user}/messages/${message}`],
  ['GET', `/api/${user}/messages/${message}/events`],
  ['GET', `/api/${user}/conversations`],
  ['GET', `/api/${user}/conversations/${conversation}`],
  ['GET', `/api/${user}/conversations/${conversation}/messages`],
  ['PATCH', `/api/${user}/conversations/${conversation}`, { title: 'taken over' }],
  ['POST', `/api/${user}/conversations/${conversation}/archive`],
];
const onMessage = (where) => where.includes('/messages/') && !where.endsWith('conversations');
const messagesOf = async (who, key = who.key) =>
  (await daemon.request('GET', `/api/me/conversations/${who.conversation}/messages`, { key })).body.messages;

test('a key opens its own user on every route, by number, profile or "me"', async () => {
  for (const user of ['me', ann.number, ann.profile, ann.profile.toUpperCase()])
    for (const [method, where, body] of routes(user, ann.uuid, ann.message).filter(([method, where]) => method === 'GET' || where.endsWith('/chat'))) {
      const answer = await daemon.request(method, where, { key: ann.key, body });
      assert.equal(answer.status, 200, `${method} ${where}: ${answer.raw}`);
    }
});

test('another user is not there on any route, and nothing of theirs changes', async () => {
  const before = await messagesOf(bob);
  const [kept] = (await daemon.request('GET', '/api/me/conversations', { key: bob.key })).body.conversations;
  for (const user of [bob.number, bob.profile, '999999', nobody, 'bob', '0', '-1', '%2e%2e', '..%2fme'])
    for (const [method, where, body] of routes(user, bob.conversation, bob.message)) {
      const answer = await daemon.request(method, where, { key: ann.key, body });
      assert.equal(answer.status, 404, `${method} ${where}: ${answer.raw}`);
      assert.equal(answer.body.error.code, 'NOT_FOUND', `${method} ${where}`);
    }
  assert.deepEqual(await messagesOf(bob), before);
  assert.deepEqual((await daemon.request('GET', '/api/me/conversations', { key: bob.key })).body.conversations, [kept]);
});

test('another user\'s conversation and message answer as if they had never been', async () => {
  const before = await messagesOf(bob);
  for (const id of [bob.conversation, bob.uuid]) {
    const none = typeof id === 'number' ? 987654 : nobody;
    for (const [i, [method, where, body]] of routes('me', id, bob.message).entries()) {
      if (!where.includes(String(id)) && !onMessage(where)) continue;
      const foreign = await daemon.request(method, where, { key: ann.key, body });
      const [, missing] = routes('me', none, nobody)[i];
      const never = await daemon.request(method, missing, { key: ann.key, body });
      assert.equal(foreign.status, 404, `${method} ${where}: ${foreign.raw}`);
      assert.deepEqual([foreign.status, foreign.raw], [never.status, never.raw], `${method} ${where} tells that it exists`);
    }
    const said = await daemon.chat(ann.key, 'into a foreign conversation', { conversation_id: id });
    const never = await daemon.chat(ann.key, 'into a foreign conversation', { conversation_id: none });
    assert.equal(said.status, 404);
    assert.equal(said.raw, never.raw);
    assert.equal(said.body.error.code, 'CONVERSATION_NOT_FOUND');
  }
  assert.deepEqual(await messagesOf(bob), before);
  const listed = (await daemon.request('GET', '/api/me/conversations?limit=100', { key: ann.key })).body.conversations;
  assert.ok(listed.every((c) => c.user_id === ann.profile));
});

test('a missing, malformed, unknown or doubled key is answered by one body on every route', async () => {
  const [head, tail] = [ann.key.slice(0, 20), ann.key.slice(21)];
  const altered = head + (ann.key[20] === 'A' ? 'B' : 'A') + tail;
  const wrong = [undefined, 'Bearer', 'Bearer ', `Basic ${ann.key}`, ann.key, 'Bearer usher_x', `Bearer ${altered}`, `Bearer ${ann.key}x`, `Bearer ${ann.key} ${ann.key}`];
  for (const authorization of wrong) {
    const answer = await daemon.request('POST', '/api/me/chat', { body: { message: 'who am I' }, headers: authorization === undefined ? {} : { authorization } });
    assert.equal(answer.status, 401, String(authorization));
    assert.equal(answer.raw, authFailed);
    assert.equal(answer.headers.get('www-authenticate'), 'Bearer');
    assert.equal(answer.headers.get('content-type'), 'application/json');
  }
  for (const [method, where, body] of routes('me', ann.conversation, ann.message)) {
    const answer = await daemon.request(method, where, { body });
    assert.deepEqual([answer.status, answer.raw], [401, authFailed], `${method} ${where}`);
  }
  const doubled = await new Promise((resolve, reject) => {
    const request = http.request(`${daemon.url}/api/me/conversations`, { headers: ['Host', 'x', 'Authorization', `Bearer ${ann.key}`, 'Authorization', `Bearer ${bob.key}`] });
    request.on('response', (response) => { response.resume(); resolve(response.statusCode); }).on('error', reject).end();
  });
  assert.ok([400, 401].includes(doubled), `two keys in one request: ${doubled}`);
});

test('a revoked key is refused from the next request on, and its other keys work', async () => {
  const { key, key_id } = await daemon.json('key', 'add', 'ann', 'spare');
  daemon.heard({ key });
  const state = async () => (await daemon.json('key', 'list')).find((row) => row.key_id === key_id);
  assert.equal((await state()).last_used_at, null, 'never used');
  const before = Date.now();
  assert.equal((await daemon.request('GET', '/api/me/conversations', { key })).status, 200);
  const used = await until('last_used_at', async () => (await state()).last_used_at);
  assert.ok(new Date(used) >= before - 1000 && new Date(used) <= Date.now() + 1000, used);
  await daemon.json('key', 'revoke', key_id);
  const after = await daemon.request('GET', '/api/me/conversations', { key });
  assert.deepEqual([after.status, after.raw], [401, authFailed]);
  assert.equal((await state()).active, false);
  assert.equal((await daemon.request('GET', '/api/me/conversations', { key: ann.key })).status, 200);
});

test('a disabled user is refused at once on every route, and back at once', async () => {
  const carl = await person('carl');
  await daemon.json('user', 'disable', 'carl');
  for (const [method, where, body] of routes('me', carl.conversation, carl.message)) {
    const answer = await daemon.request(method, where, { key: carl.key, body });
    assert.ok((answer.status === 403 && answer.body.error.code === 'PROFILE_DISABLED') || (answer.status === 401 && answer.raw === authFailed), `${method} ${where}: ${answer.raw}`);
  }
  await daemon.json('user', 'enable', 'carl');
  assert.equal((await daemon.chat(carl.key, 'back again')).status, 200);
});

// ---- the same request again --------------------------------------------------------------------------------

const asked = (prompt) => model.requests.filter((r) => r.messages.at(-1).content === prompt).length;

test('two requests with one Idempotency-Key at the same time are one turn', async () => {
  const answers = await Promise.all(Array.from({ length: 5 }, () => daemon.chat(ann.key, 'only once, please', {}, { 'idempotency-key': '"once"' })));
  assert.deepEqual(new Set(answers.map((a) => a.status)), new Set([200]), answers.map((a) => a.raw).join('\n'));
  assert.equal(new Set(answers.map((a) => a.raw)).size, 1, 'all get the one answer');
  assert.equal(asked('only once, please'), 1);
  const later = await daemon.chat(ann.key, 'only once, please', {}, { 'idempotency-key': 'once' });
  assert.equal(later.raw, answers[0].raw, 'with or without quotes, now or later');
  assert.equal(asked('only once, please'), 1);
});

test('an Idempotency-Key with another body is a conflict; of another key it is another request', async () => {
  const headers = { 'idempotency-key': 'k-2' };
  const first = await daemon.chat(ann.key, 'the right body', {}, headers);
  const other = await daemon.chat(ann.key, 'the wrong body', {}, headers);
  assert.deepEqual([other.status, other.body.error.code], [422, 'IDEMPOTENCY_CONFLICT']);
  assert.equal(asked('the wrong body'), 0);
  const theirs = await daemon.chat(bob.key, 'the right body', {}, headers);
  assert.equal(theirs.status, 200);
  assert.notEqual(theirs.body.message_id, first.body.message_id);
  for (const bad of ['', '""', '"a"b"', 'x'.repeat(256), '"' + 'x'.repeat(256) + '"']) {
    const refused = await daemon.chat(ann.key, 'a bad key', {}, { 'idempotency-key': bad });
    assert.deepEqual([refused.status, refused.body.error.code], [400, 'VALIDATION_FAILED'], bad);
  }
  assert.equal((await daemon.chat(ann.key, 'the longest key', {}, { 'idempotency-key': '"' + 'x'.repeat(255) + '"' })).status, 200);
});

test('an Idempotency-Key holds across kill -9 in the middle of the answer', async (t) => {
  const own = await new Daemon(withModel('held')).start(), release = model.hold();
  t.after(() => own.finish());
  t.after(release);
  const key = await own.addUser('ann');
  const headers = { 'idempotency-key': 'over-a-crash' };
  const broken = own.chat(key, 'survive this crash', {}, headers).catch(() => 'broken off');
  await until('the model to be asked', () => asked('survive this crash') > 0);
  await own.kill();
  assert.equal(await broken, 'broken off');
  release();
  await own.start();
  const again = await Promise.all([own.chat(key, 'survive this crash', {}, headers), own.chat(key, 'survive this crash', {}, headers)]);
  assert.deepEqual(again.map((a) => a.status), [200, 200], again[0].raw);
  assert.equal(again[0].raw, again[1].raw);
  const { conversations } = (await own.request('GET', '/api/me/conversations', { key })).body;
  assert.equal(conversations.length, 1, 'the request was taken once');
  const { messages } = (await own.request('GET', `/api/me/conversations/${conversations[0].conversation_id}/messages`, { key })).body;
  assert.deepEqual(messages.map((m) => [m.role, m.content]), [['user', 'survive this crash'], ['assistant', 'echo: survive this crash']]);
  assert.equal((await own.chat(key, 'another body', {}, headers)).status, 422, 'the conflict is remembered too');
});

// ---- a stream that breaks off ------------------------------------------------------------------------------

// What a client shows, kept up by the events; bytes after the last whole event are lost with the connection.
class Screen {
  constructor() { Object.assign(this, { text: '', id: null, done: null, error: null, events: [], resumed: 0 }); }

  take(block) {
    const fields = Object.fromEntries(block.split('\n').map((line) => line.match(/^(\w*): ?(.*)$/)?.slice(1)).filter(Boolean));
    if (fields.id) this.id = fields.id;
    if (!fields.event) return;
    const data = JSON.parse(fields.data);
    this.events.push(fields.event);
    if (fields.event === 'accepted') this.message = data.message_id;
    if (fields.event === 'delta') {
      assert.ok(!data.text.includes('\ufffd'), 'whole characters');
      this.text += data.text;
    }
    if (fields.event === 'reset') this.text = '';
    if (fields.event === 'done') this.done = data;
    if (fields.event === 'error') this.error = data.error;
  }

  // Reads until the end, or until so many bytes came, when the connection is cut.
  read(target, key, { cutAfter = Infinity, method = 'GET', body, headers = {} } = {}) {
    return new Promise((resolve, reject) => {
      let rest = '', count = 0;
      const request = http.request(target, { method, agent: false, headers: {
        accept: 'text/event-stream', authorization: `Bearer ${key}`, ...(body && { 'content-type': 'application/json' }),
        ...(this.id && { 'last-event-id': this.id }), ...headers } });
      request.on('error', () => resolve('broken'));
      request.on('response', (response) => {
        if (response.statusCode !== 200) return reject(new Error(`status ${response.statusCode}`));
        response.setEncoding('utf8');
        response.on('data', (text) => {
          const room = cutAfter - count;
          count += text.length;
          const blocks = (rest + text.slice(0, Math.max(room, 0))).split('\n\n');
          rest = blocks.pop();
          try { blocks.forEach((block) => this.take(block)); } catch (error) { reject(error); }
          if (count >= cutAfter) request.destroy();
        });
        response.on('error', () => {});
        response.on('close', () => resolve(response.complete ? 'ended' : 'broken'));
      });
      request.end(body && JSON.stringify(body));
    });
  }
}

const longText = Array.from({ length: 60 }, (_, i) => `${i} grüße ✓ 🎉 `).join('');

test('a stream cut at random places and resumed shows the final answer, by GET and by the same POST', async (t) => {
  const own = await new Daemon(withModel('drip-3')).start();
  t.after(() => own.finish());
  const key = await own.addUser('ann');
  let resumed = 0;
  await Promise.all(Array.from({ length: 12 }, async (_, n) => {
    const message = `${n} ${longText}`, screen = new Screen(), headers = { 'idempotency-key': `cut-${n}` };
    own.heard({ message });
    const say = (cutAfter) => screen.read(`${own.url}/api/me/chat`, key, { method: 'POST', body: { message }, headers, cutAfter });
    await say(150 + Math.floor(Math.random() * 900));
    for (let cuts = 0; !screen.done && cuts < 200; cuts++, screen.resumed++) {
      const cutAfter = cuts < 8 ? 120 + Math.floor(Math.random() * 1200) : Infinity;
      if (!screen.message || n % 2) await say(cutAfter);
      else await screen.read(`${own.url}/api/me/messages/${screen.message}/events`, key, { cutAfter });
    }
    resumed += screen.resumed;
    assert.equal(screen.done.response, `echo: ${message}`);
    assert.equal(screen.text, screen.done.response, 'the pieces make up the answer');
    assert.ok(!screen.events.includes('reset'), 'nothing was taken back: the answer did not change');
    const whole = new Screen();
    assert.equal(await whole.read(`${own.url}/api/me/messages/${screen.message}/events`, key), 'ended');
    assert.equal(whole.text, screen.text, 'from the start, after the end');
  }));
  assert.ok(resumed >= 12, `the streams were really cut: ${resumed} times`);
  assert.equal((await own.json('usage', '--by', 'user'))[0].requests, 12, 'each was asked of the model once');
});

test('a stream resumed after kill -9 shows the final answer', async (t) => {
  const own = await new Daemon(withModel('drip-3')).start(), release = model.hold();
  t.after(release);
  t.after(() => own.finish());
  const key = await own.addUser('ann');
  const screen = new Screen();
  own.heard({ message: longText });
  const reading = screen.read(`${own.url}/api/me/chat`, key, { method: 'POST', body: { message: longText } });
  await until('a part of the answer', () => screen.text.length > 100);
  await own.kill();
  assert.equal(await reading, 'broken');
  release();
  await own.start();
  assert.equal(await screen.read(`${own.url}/api/me/messages/${screen.message}/events`, key), 'ended');
  assert.equal(screen.done?.response, `echo: ${longText}`);
  assert.equal(screen.text, screen.done.response);
  const foreign = new Screen();
  foreign.id = `${nobody}.1.5.00000000`;
  await foreign.read(`${own.url}/api/me/messages/${screen.message}/events`, key);
  assert.equal(foreign.text, screen.text, 'an id of another message begins from the start');
});

test('an orderly restart ends a stream with a word, and the answer is there after it', async (t) => {
  const own = await new Daemon({ ...withModel('drip-3'), limits: { stop_seconds: 1 } }).start(), release = model.hold();
  t.after(() => own.finish());
  t.after(release);
  const key = await own.addUser('ann');
  const screen = new Screen();
  own.heard({ message: longText });
  const reading = screen.read(`${own.url}/api/me/chat`, key, { method: 'POST', body: { message: longText } });
  const held = own.chat(key, 'held while it stops, at length: ' + longText);
  await until('a part of the answer', () => screen.text.length > 50);
  await until('both to run', () => model.running === 2);
  await own.stop();
  assert.equal(await reading, 'ended');
  assert.equal(screen.error?.code, 'SHUTTING_DOWN', JSON.stringify(screen.events.at(-1)));
  const sent = await held;
  assert.equal(sent.status, 202, sent.raw);
  assert.match(sent.headers.get('location'), new RegExp(`/messages/${sent.body.message_id}$`));
  release();
  await own.start();
  await screen.read(`${own.url}/api/me/messages/${screen.message}/events`, key);
  assert.equal(screen.text, `echo: ${longText}`);
  const state = await until('the held one', async () => {
    const { body } = await own.request('GET', sent.headers.get('location'), { key });
    return body.status === 'answered' && body;
  });
  assert.equal(state.response, 'echo: held while it stops, at length: ' + longText);
});

// ---- reading again -----------------------------------------------------------------------------------------

test('messages are paged forwards and backwards, by role and by time, without gaps or repetitions', async () => {
  const { body: first } = await daemon.chat(ann.key, 'page 0');
  for (let i = 1; i < 8; i++) await daemon.chat(ann.key, `page ${i}`, { conversation_id: first.conversation_id });
  const get = async (query) => {
    const answer = await daemon.request('GET', `/api/me/conversations/${first.conversation_uuid}/messages?${query}`, { key: ann.key });
    assert.equal(answer.status, 200, answer.raw);
    return answer.body;
  };
  const all = (await get('')).messages;
  assert.equal(all.length, 16);
  assert.deepEqual(all.map((m) => m.content), Array.from({ length: 8 }, (_, i) => [`page ${i}`, `echo: page ${i}`]).flat());
  const times = all.map((m) => m.timestamp);
  assert.deepEqual(times, [...new Set(times)].sort(), 'time strictly rises');
  const forwards = [];
  for (let page = await get('limit=3'); ; page = await get(`limit=3&after=${page.next}`)) {
    assert.ok(page.messages.length <= 3);
    forwards.push(...page.messages);
    if (page.next === null) break;
  }
  assert.deepEqual(forwards, all);
  const backwards = [];
  for (let page = await get('limit=5&before=2999-01-01'); ; page = await get(`limit=5&before=${page.next}`)) {
    backwards.unshift(...page.messages);
    if (page.next === null) break;
  }
  assert.deepEqual(backwards, all);
  assert.deepEqual((await get('role=user')).messages, all.filter((m) => m.role === 'user'));
  assert.deepEqual((await get('role=assistant&limit=2')).messages, all.filter((m) => m.role === 'assistant').slice(0, 2));
  assert.deepEqual((await get('role=tool')).messages, []);
  assert.deepEqual((await get(`after=${times[3]}&before=${times[6]}`)).messages, all.slice(4, 6), 'both ends are exclusive');
  assert.deepEqual((await get(`after=${times[0].slice(0, 10)}`)).messages, all);
  for (const bad of ['role=system', 'limit=0', 'limit=101', 'limit=x', 'after=yesterday', 'before=2026-13', 'after=2026-01-01T00:00:00%2B02:00']) {
    const answer = await daemon.request('GET', `/api/me/conversations/${first.conversation_id}/messages?${bad}`, { key: ann.key });
    assert.deepEqual([answer.status, answer.body.error.code], [400, 'VALIDATION_FAILED'], bad);
  }
});

test('the tool messages of a turn can be read by role', async () => {
  const local = await new Daemon().start();
  try {
    const key = await local.addUser('ann');
    const { body } = await local.chat(key, 'add a task to water the plants');
    const { messages } = (await local.request('GET', `/api/me/conversations/${body.conversation_id}/messages?role=tool`, { key })).body;
    assert.equal(messages.length, 1);
    assert.equal(messages[0].role, 'tool');
    assert.match(JSON.stringify(messages[0]), /water the plants/);
  } finally { await local.finish(); }
});

test('conversations are listed newest first, paged, renamed and archived', async () => {
  const dora = await person('dora');
  const made = [dora.conversation];
  for (let i = 1; i < 5; i++) made.unshift((await daemon.chat(dora.key, `conversation ${i}`)).body.conversation_id);
  const get = async (query = '') => (await daemon.request('GET', `/api/me/conversations${query}`, { key: dora.key })).body;
  assert.deepEqual((await get()).conversations.map((c) => c.conversation_id), made);
  const one = await get('?limit=2'), two = await get(`?limit=2&before=${one.next}`), three = await get(`?limit=2&before=${two.next}`);
  assert.deepEqual([one, two, three].flatMap((p) => p.conversations).map((c) => c.conversation_id), made);
  assert.equal(three.next, null);

  const at = `/api/me/conversations/${made[0]}`;
  const patch = (body, headers) => daemon.request('PATCH', at, { key: dora.key, body, headers });
  const renamed = await patch({ title: 'Groß & "klein" 🎉' });
  assert.deepEqual([renamed.status, renamed.body.title], [200, 'Groß & "klein" 🎉'], renamed.raw);
  for (const bad of [{}, { title: '' }, { title: ' ' }, { title: 'x'.repeat(256) }, { title: 5 }, { state: 'active' }, { state: null }, [], 'x'])
    assert.deepEqual([(await patch(bad)).status], [400], JSON.stringify(bad));
  assert.equal((await patch({ title: 'x' }, { 'content-type': 'text/plain' })).status, 415);
  assert.equal((await daemon.request('GET', at, { key: dora.key })).body.title, 'Groß & "klein" 🎉', 'refused changes change nothing');

  const archived = await daemon.request('POST', `${at}/archive`, { key: dora.key });
  assert.deepEqual([archived.status, archived.body.state], [200, 'archived'], archived.raw);
  assert.equal((await daemon.request('POST', `${at}/archive`, { key: dora.key })).status, 200, 'twice is no error');
  assert.equal((await daemon.request('PATCH', `/api/me/conversations/${made[1]}`, { key: dora.key, body: { state: 'archived', title: 'both' } })).body.title, 'both');
  for (const conversation_id of [made[0], made[1]]) {
    const refused = await daemon.chat(dora.key, 'into the archive', { conversation_id });
    assert.deepEqual([refused.status, refused.body.error.code], [409, 'CONVERSATION_ARCHIVED']);
  }
  assert.equal((await daemon.request('GET', `${at}/messages`, { key: dora.key })).body.messages.length, 2, 'it can be read');
  assert.deepEqual((await get('?state=archived')).conversations.map((c) => c.conversation_id), made.slice(0, 2));
  assert.deepEqual((await get('?state=active')).conversations.map((c) => c.conversation_id), made.slice(2));
  const elsewhere = await daemon.chat(dora.key, 'somewhere else');
  assert.equal(elsewhere.status, 200);
  assert.ok(!made.includes(elsewhere.body.conversation_id), 'a new message opens a new conversation');
});

test('who guesses keys is told to wait, and nobody else', async () => {
  const own = await new Daemon().start();
  try {
    const key = await own.addUser('ann');
    const statuses = [];
    for (let i = 0; i < 62; i++) statuses.push((await own.request('GET', '/api/me/conversations', { key: 'usher_guessed' })).status);
    assert.deepEqual(statuses.slice(0, 60), Array(60).fill(401));
    assert.equal(statuses.at(-1), 429);
    const told = await own.request('GET', '/api/me/conversations', { key: 'usher_guessed' });
    assert.equal(told.body.error.code, 'RATE_LIMITED');
    assert.ok(Number(told.headers.get('retry-after')) >= 1);
    assert.equal((await own.request('GET', '/api/me/conversations', { key })).status, 200, 'a right key from the same address works');
  } finally { await own.finish(); }
});
