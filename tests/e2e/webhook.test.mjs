// Webhooks as their senders and receivers depend on them: who is let in, what a body means, and how the answer comes back
// when the receiver is slow, broken, gone or not to be reached.
import test from 'node:test';
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import net from 'node:net';
import { hostname } from 'node:os';
import { ModelServer } from '../servers/model.mjs';
import { Receiver } from '../servers/receiver.mjs';
import { Daemon, freePort, hookSecret, until, wait } from './harness.mjs';

const oldSecret = 'whsec_' + Buffer.from('the secret before the one in force').toString('base64');
const plainSecret = 'a shared secret of the tests';
const plainKey = 'whsec_' + Buffer.from(plainSecret).toString('base64');

let model, receiver;
test.before(async () => {
  model = await new ModelServer().start();
  receiver = await new Receiver(hookSecret).start();
});
test.after(async () => { await model.stop(); await receiver.stop(); });

async function withHooks(t, hooks, { name = 'echo', ...settings } = {}) {
  const daemon = new Daemon({
    models: [{ name: 'main', provider: 'openai', base_url: model.base, model: name, api_key: model.key }],
    users: { strangers: 'allow' }, platforms: { webhook: hooks }, ...settings,
  });
  t.after(() => daemon.finish());
  return daemon.start();
}
const arrived = (path) => receiver.received.filter((r) => r.path === path);
const accepted = (path) => arrived(path).filter((r) => r.status === 200);
const sign = (text, secret = plainSecret) => 'sha256=' + createHmac('sha256', secret).update(text).digest('hex');

test('standard: the current and the previous secret open, svix names too; afterwards the old one does not', async (t) => {
  const hook = { name: 'crm', secret: hookSecret, secret_previous: oldSecret };
  const daemon = await withHooks(t, [hook]);
  const say = (options) => daemon.hook('crm', { text: 'hello with a secret', sender: 'carl' }, { query: '?wait=60', ...options });
  assert.equal((await say()).body.status, 'answered');
  assert.equal((await say({ secret: oldSecret })).body.status, 'answered');
  const { Webhook } = await import('standardwebhooks');
  const text = '{"text":"hello by the older names","sender":"carl"}', at = new Date(), id = 'msg_svix';
  const svix = await daemon.request('POST', '/webhook/crm?wait=60', { body: text, headers: {
    'svix-id': id, 'svix-timestamp': String(Math.floor(at / 1000)), 'svix-signature': `v1,AAAA ${new Webhook(hookSecret).sign(id, at, text)}` } });
  assert.equal(svix.body.status, 'answered', svix.raw);
  daemon.configure({ ...daemon.settings, platforms: { webhook: [{ name: 'crm', secret: hookSecret }] } });
  const ready = () => daemon.lines.filter((l) => l.includes('ready after')).length;
  const before = ready();
  daemon.child.kill('SIGHUP');
  await until('the new settings', () => ready() > before);
  daemon.url = daemon.lines.findLast((l) => l.includes('ready after')).match(/http:\/\/127[^,]+/)[0];
  assert.equal((await say({ secret: oldSecret })).status, 401);
  assert.equal((await say()).body.status, 'answered');
});

test('who calls while usher starts is told to come back, never that there is nothing', async (t) => {
  const daemon = await withHooks(t, [{ name: 'crm', secret: hookSecret }], { listen: { address: '127.0.0.1', port: await freePort() } });
  const heard = new Set();
  let over = false;
  const ask = async () => {
    while (!over) heard.add(await daemon.request('GET', '/webhook/crm').then((answer) => answer.status, () => 'nobody'));
  };
  const asking = [ask(), ask(), ask()];
  for (let i = 0; i < 3; i++) {
    await daemon.stop();
    await daemon.start();
  }
  over = true;
  await Promise.all(asking);
  assert.deepEqual([...heard].filter((status) => !['nobody', 405, 503].includes(status)), [], 'its own answer to GET, or: later');
});

test('github: the signature is over the bytes, a ping is no message, a redelivery is the same message', async (t) => {
  const daemon = await withHooks(t, [{ name: 'hub', auth: 'github', secret: plainSecret, reply_url: `${receiver.url}/ok-hub`, reply_secret: hookSecret, reply_loopback: true }]);
  const send = (text, headers) => daemon.request('POST', '/webhook/hub', { body: text, headers: { 'x-hub-signature-256': sign(text), 'x-github-event': 'issue_comment', ...headers } });
  const text = JSON.stringify({ action: 'created', comment: { body: 'please triage grüße' }, sender: { login: 'octo' }, issue: { url: 'https://example.org/issues/7' } });
  const first = await send(text, { 'x-github-delivery': 'd-1' });
  assert.equal(first.status, 202, first.raw);
  assert.equal((await send(text, { 'x-github-delivery': 'd-1' })).body.id, first.body.id);
  const [callback] = await until('the callback', () => accepted('/ok-hub').length && accepted('/ok-hub'));
  assert.equal(callback.body.data.text, 'echo: please triage grüße');
  assert.deepEqual(callback.body.data.in_reply_to, ['d-1']);
  const ping = await send('{"zen":"Keep it simple.","hook_id":1}', { 'x-github-delivery': 'd-2', 'x-github-event': 'ping' });
  assert.deepEqual([ping.status, ping.body.status], [200, 'ignored'], ping.raw);
  for (const signature of [sign(text, 'another secret of tests'), sign(text + ' '), sign(text).slice(0, -2), sign(text).replace('sha256', 'sha1'), 'sha256=', ''])
    assert.equal((await send(text, { 'x-github-delivery': 'd-3', 'x-hub-signature-256': signature })).status, 401, signature);
});

test('bearer and none: a shared key; and only programs on this machine', async (t) => {
  const daemon = await withHooks(t, [
    { name: 'key', auth: 'bearer', secret: plainSecret },
    { name: 'open', auth: 'none' }]);
  const body = { text: 'a message by its key', sender: 'dana', message_id: 5 };
  const ok = await daemon.request('POST', '/webhook/key?wait=60', { key: plainSecret, body });
  assert.equal(ok.body.status, 'answered', ok.raw);
  for (const headers of [{}, { authorization: `Bearer ${plainSecret}x` }, { authorization: plainSecret }, { authorization: 'Bearer ' }])
    assert.equal((await daemon.request('POST', '/webhook/key', { body, headers })).status, 401);
  assert.equal((await daemon.request('GET', ok.body.url ?? `/webhook/key/messages/${ok.body.id}`, { key: plainSecret })).body.status, 'answered', 'the key polls');

  const open = (headers) => daemon.request('POST', '/webhook/open?wait=60', { body: { text: 'from next door', sender: 'eve' }, headers });
  assert.equal((await open()).body.status, 'answered');
  for (const headers of [{ 'x-forwarded-for': '203.0.113.5' }, { forwarded: 'for=203.0.113.5' }, { 'x-real-ip': '203.0.113.5' }, { via: '1.1 proxy' }, { origin: 'https://example.org' }])
    assert.equal((await open(headers)).status, 401, JSON.stringify(headers));
});

test('a callback without reply_secret is signed by the text of the bearer key, as the guide says', async (t) => {
  const own = await new Receiver(plainKey).start();
  t.after(() => own.stop());
  const daemon = await withHooks(t, [{ name: 'key', auth: 'bearer', secret: plainSecret, reply_url: `${own.url}/ok`, reply_loopback: true }]);
  await daemon.request('POST', '/webhook/key', { key: plainSecret, body: { text: 'sign it for me', sender: 'dana' } });
  await until('the callback', () => own.received.length === 1);
  assert.equal(own.unsigned, 0);
});

test('a body is mapped by its pointers: nested, numbers, defaults, forms and plain text', async (t) => {
  const daemon = await withHooks(t, [
    { name: 'tickets', auth: 'none', text: ['/ticket/last~1comment', '/ticket/title'], sender: ['/ticket/customer/0/id'], sender_name: ['/ticket/customer/0/name'],
      conversation: ['/ticket/number'], id: ['/delivery'], files: ['/ticket/files'] },
    { name: 'plain', auth: 'none', default_sender: 'the-printer', default_conversation: 'floor-2' }]);
  const post = async (where, body, headers) => {
    const answer = await daemon.request('POST', `/webhook/${where}`, { body, headers });
    if (answer.status !== 202) return answer;
    return (await daemon.json('explain', answer.body.id)).message;
  };
  const first = await post('tickets', { delivery: 77, ticket: { 'last/comment': '  ', title: 'the title then', number: 42, customer: [{ id: 9, name: 'Ida' }],
    files: [{ url: 'http://127.0.0.1:9/a.pdf', name: 'a.pdf', mime: 'application/pdf', size: 5 }, 'http://127.0.0.1:9/b.png'] } });
  assert.deepEqual([first.text, first.sender, first.sender_name], ['the title then', '9', 'Ida']);
  assert.match(first.delivery_key, /77/);
  assert.deepEqual(first.files.map((f) => f.url), ['http://127.0.0.1:9/a.pdf', 'http://127.0.0.1:9/b.png']);
  const same = await post('tickets', { delivery: 78, ticket: { 'last/comment': 'the comment wins', title: 'not this', number: 42, customer: [{ id: '9' }] } });
  assert.equal(same.text, 'the comment wins');
  assert.equal(same.conversation_id, (await daemon.json('explain', first.uuid)).message.conversation_id, 'the same number is the same conversation');
  const other = await post('tickets', { delivery: 79, ticket: { title: 'another ticket', number: 43, customer: [{ id: '9' }] } });
  assert.notEqual(other.conversation_id, same.conversation_id);
  const conflict = await post('tickets', { delivery: 79, ticket: { title: 'the id used for more', number: 43, customer: [{ id: '9' }] } });
  assert.deepEqual([conflict.status, conflict.body.error.code], [422, 'CONFLICT']);
  const none = await post('tickets', { delivery: 80, ticket: { number: 43 } });
  assert.deepEqual([none.status, none.body.error.code], [422, 'UNPROCESSABLE'], none.raw);

  const plain = await post('plain', 'just words, no JSON', { 'content-type': 'text/plain; charset=utf-8' });
  assert.deepEqual([plain.text, plain.sender], ['just words, no JSON', 'the-printer']);
  const form = await post('plain', 'text=words+in+a+form%21&user_id=frank', { 'content-type': 'application/x-www-form-urlencoded' });
  assert.deepEqual([form.text, form.sender], ['words in a form!', 'frank']);
  const payload = await post('plain', 'payload=' + encodeURIComponent('{"text":"inside the payload","user":{"id":"gil"}}'), { 'content-type': 'application/x-www-form-urlencoded' });
  assert.deepEqual([payload.text, payload.sender], ['inside the payload', 'gil']);
  assert.equal((await post('plain', '--x--', { 'content-type': 'multipart/form-data; boundary=x' })).status, 415);
  assert.equal((await post('plain', Buffer.from('gr\xfc\xdfe', 'latin1'), { 'content-type': 'text/plain' })).status, 400);
});

test('an answer is held for, polled for, and never shown to who has no token', async (t) => {
  const daemon = await withHooks(t, [{ name: 'crm', secret: hookSecret, wait_max_s: 30 }], { name: 'held' });
  const release = model.hold();
  t.after(release);
  const short = await daemon.hook('crm', { text: 'held too short', sender: 'carl' }, { query: '?wait=1' });
  assert.equal(short.status, 202, short.raw);
  const poll = (key = short.body.poll_token, id = short.body.id) => daemon.request('GET', `/webhook/crm/messages/${id}`, { key });
  assert.ok(['accepted', 'claimed'].includes((await poll()).body.status));
  const held = daemon.hook('crm', { text: 'held long enough', sender: 'dave' }, { headers: { prefer: 'wait=99' } });
  await until('both to be asked', () => model.running === 2);
  release();
  assert.equal((await held).body.reply?.text, 'echo: held long enough');
  const done = await until('the answer', async () => { const { body } = await poll(); return body.status === 'answered' && body; });
  assert.equal(done.reply.text, 'echo: held too short');
  for (const key of [undefined, 'x', short.body.poll_token + 'x', short.body.poll_token.slice(0, -1), hookSecret]) {
    const refused = await poll(key ?? '');
    assert.ok([401, 404].includes(refused.status), `${refused.status} ${refused.raw}`);
    assert.ok(!refused.raw.includes('echo'));
  }
  const second = await daemon.hook('crm', { text: 'somebody else entirely', sender: 'erin' });
  assert.ok([401, 404].includes((await poll(short.body.poll_token, second.body.id)).status), 'a token is for its message only');
  assert.equal((await poll(short.body.poll_token, '01900000-0000-7000-8000-00000000dead')).status, 401, 'nor tells it what exists');
  for (const query of ['?wait=x', '?wait=-1']) assert.equal((await daemon.hook('crm', { text: 'a wait that is none', sender: 'carl' }, { query })).status, 400, query);
});

test('a receiver that fails, limits, breaks off or is slow gets the same bytes under the same id until it accepts', async (t) => {
  const paths = ['/status-500-times-2', '/status-404-times-1', '/cut-times-1', '/limited', '/slow-700', '/ok-plain'];
  const daemon = await withHooks(t, paths.map((p) => ({ name: p.slice(1), secret: hookSecret, reply_url: receiver.url + p, reply_loopback: true })));
  for (const p of paths) assert.equal((await daemon.hook(p.slice(1), { text: `the answer for ${p}`, sender: 'carl' }, { id: `id-${p.slice(1)}` })).status, 202);
  for (const p of paths) {
    await until(`${p} to accept`, () => p === '/slow-700' || p === '/ok-plain' ? arrived(p).length : accepted(p).length);
    const attempts = arrived(p);
    assert.equal(attempts.length, { '/status-500-times-2': 3, '/status-404-times-1': 2, '/cut-times-1': 2, '/limited': 2 }[p] ?? 1, p);
    assert.equal(new Set(attempts.map((a) => a.id)).size, 1, `${p}: one id`);
    assert.equal(new Set(attempts.map((a) => a.raw)).size, 1, `${p}: the same bytes`);
    assert.deepEqual([attempts[0].body.type, attempts[0].body.data.text, attempts[0].body.data.in_reply_to],
      ['message.created', `echo: the answer for ${p}`, [`id-${p.slice(1)}`]]);
    assert.equal(attempts[0].id, attempts[0].body.data.id, 'the header names what the body is');
  }
  const [limited, again] = arrived('/limited');
  assert.ok(again.at - limited.at >= 950, `Retry-After was kept: ${again.at - limited.at} ms`);
  assert.equal(receiver.unsigned, 0);
  await until('nothing to be on its way', async () => { const s = (await daemon.json('status')).stored; return s.replies_pending + s.replies_sending === 0; });
  assert.deepEqual(await daemon.json('dead-letters', 'list'), []);
  for (const [id, times] of receiver.accepted) assert.equal(times, 1, `${id} was accepted once`);
});

test('a callback is not lost, doubled or renamed by kill -9', async (t) => {
  const daemon = await withHooks(t, [{ name: 'crm', secret: hookSecret, reply_url: `${receiver.url}/slow-600-crash`, reply_loopback: true }]);
  await daemon.hook('crm', { text: 'answer over a crash', sender: 'carl' });
  await until('the callback to be on its way', () => arrived('/slow-600-crash').length);
  await daemon.kill();
  await daemon.start();
  await until('the callback to be repeated', () => arrived('/slow-600-crash').length > 1);
  assert.equal(new Set(arrived('/slow-600-crash').map((a) => a.id + a.raw)).size, 1);
  await until('it to be settled', async () => { const s = (await daemon.json('status')).stored; return s.replies_pending + s.replies_sending === 0; });
});

test('a redirect is not followed, 410 stops for good', async (t) => {
  const daemon = await withHooks(t, [
    { name: 'moved', secret: hookSecret, reply_url: `${receiver.url}/redirect`, reply_loopback: true },
    { name: 'gone', secret: hookSecret, reply_url: `${receiver.url}/status-410`, reply_loopback: true }]);
  const before = arrived('/ok').length;
  await daemon.hook('moved', { text: 'do not follow this', sender: 'carl' });
  await daemon.hook('gone', { text: 'the first that is gone', sender: 'carl' });
  const letter = await until('the dead letter', async () => (await daemon.json('dead-letters', 'list'))[0]);
  assert.equal(letter.state, 'rejected');
  assert.match(letter.reason, /410/);
  await daemon.hook('gone', { text: 'the second that is gone', sender: 'carl' });
  await until('both dead letters', async () => (await daemon.json('dead-letters', 'list')).length === 2);
  assert.equal(arrived('/status-410').length, 1, 'nothing more is sent there');
  await until('a second try of the redirect', () => arrived('/redirect').length >= 2);
  assert.equal(arrived('/ok').length, before);
  const link = (await daemon.json('status')).core.platforms.find((p) => p.name === 'gone');
  assert.equal(link.link, 'down');
});

test('callbacks reach no private address, however it is written', async (t) => {
  const { port } = new URL(receiver.url);
  const hosts = ['127.0.0.1', 'localhost', 'LOCALHOST.', '10.1.2.3', '192.168.0.1', '172.16.0.1', '169.254.169.254', '0.0.0.0', '100.64.0.1', '[::1]', '[::ffff:127.0.0.1]',
    '[fd00::1]', '[fe80::1]', '[::]', '127.1', '2130706433', '0x7f000001', '0177.0.0.1', hostname()];
  const daemon = await withHooks(t, [{ name: 'any', secret: hookSecret, reply_url_pointer: '/callback', reply_hosts: hosts }]);
  let stored = 0;
  for (const host of hosts) {
    const sent = await daemon.hook('any', { text: `call me at ${host}`, sender: 'carl', conversation: host, callback: `http://${host}:${port}/ok-private` });
    assert.ok([202, 422].includes(sent.status), `${host}: ${sent.raw}`);
    stored += sent.status === 202;
  }
  for (const callback of ['http://evil.example/x', 'ftp://127.0.0.1/x', 'http://127.0.0.1@evil.example/', 'http://evil.example#127.0.0.1', 'file:///etc/passwd', 'http://127.0.0.1.evil.example/', 'x'.repeat(5000)]) {
    const refused = await daemon.hook('any', { text: 'call me elsewhere', sender: 'carl', callback });
    assert.equal(refused.status, 422, `${callback}: ${refused.raw}`);
  }
  await until('the rest to be refused', async () => {
    const { stored: s } = await daemon.json('status');
    return s.replies_pending + s.replies_sending + s.messages_accepted + s.messages_claimed === 0;
  });
  const letters = await daemon.json('dead-letters', 'list');
  assert.deepEqual(letters.map((l) => l.state), Array(stored).fill('rejected'));
  assert.equal(arrived('/ok-private').length, 0, 'no connection was made');
  await assert.rejects(() => withHooks(t, [{ name: 'fixed', secret: hookSecret, reply_url: `${receiver.url}/x` }]), /reply_url: the host is not a public one/,
    'a fixed address that can never be reached stops the start');
});

test('dead letters are listed, retried under their old id, or dropped', async (t) => {
  const hook = (loopback) => ({ name: 'crm', secret: hookSecret, reply_url_pointer: '/callback', reply_hosts: ['127.0.0.1'], reply_loopback: loopback });
  const daemon = await withHooks(t, [hook(true)], { name: 'held' }), release = model.hold();
  t.after(release);
  for (const id of ['one', 'two'])
    await daemon.hook('crm', { text: `the answer is for ${id}`, sender: id, conversation: id, callback: `${receiver.url}/ok-later` }, { id });
  await daemon.kill();
  release();
  daemon.configure({ ...daemon.settings, platforms: { webhook: [hook(false)] } });
  await daemon.start();
  const letters = await until('both to be dead', async () => { const list = await daemon.json('dead-letters', 'list'); return list.length === 2 && list; });
  assert.deepEqual(letters.map((l) => [l.kind, l.state, l.platform, l.installation]), Array(2).fill(['reply', 'rejected', 'webhook', 'crm']));
  assert.equal(arrived('/ok-later').length, 0, 'the address was allowed when the message came, and is not any more');
  const [retried, dropped] = ['one', 'two'].map((id) => letters.find((l) => l.text.endsWith(id)));
  await daemon.json('dead-letters', 'drop', dropped.id);
  assert.deepEqual((await daemon.json('dead-letters', 'list')).map((l) => l.id), [retried.id]);
  for (const [verb, id] of [['retry', dropped.id], ['drop', dropped.id], ['retry', 'r999999'], ['retry', 'm1'], ['drop', 'nonsense']])
    assert.equal((await daemon.cli('dead-letters', verb, id)).status, 1, `${verb} ${id}`);
  await daemon.stop();
  daemon.configure({ ...daemon.settings, platforms: { webhook: [hook(true)] } });
  await daemon.start();
  await wait(100);
  assert.equal(arrived('/ok-later').length, 0, 'a dead letter does not wake by itself');
  await daemon.json('dead-letters', 'retry', retried.id);
  await until('the retried one', () => arrived('/ok-later').length === 1);
  assert.equal(arrived('/ok-later')[0].id, retried.uuid);
  assert.deepEqual(arrived('/ok-later')[0].body.data.in_reply_to, ['one']);
  assert.deepEqual(await daemon.json('dead-letters', 'list'), []);
});

test('a burst is answered together: every id, in order; merge = false and ?wait answer each by itself', async (t) => {
  const daemon = await withHooks(t, [
    { name: 'burst', secret: hookSecret, reply_url: `${receiver.url}/ok-burst`, reply_loopback: true },
    { name: 'single', secret: hookSecret, reply_url: `${receiver.url}/ok-single`, reply_loopback: true, merge: false }], { name: 'held' }), release = model.hold();
  t.after(release);
  const ids = Array.from({ length: 6 }, (_, i) => `b${i}`);
  for (const name of ['burst', 'single'])
    for (const id of ids) await daemon.hook(name, { text: `part ${id} of a burst`, sender: 'carl', conversation: 'c' }, { id: `${name}-${id}` });
  const asked = daemon.hook('burst', { text: 'this one waits by itself', sender: 'carl', conversation: 'c' }, { id: 'burst-held', query: '?wait=60' });
  await until('it to be taken', async () => { const { stored } = await daemon.json('status'); return stored.messages_accepted + stored.messages_claimed === 13; });
  release();
  const held = await asked;
  assert.equal(held.body.reply.text, 'echo: this one waits by itself', held.raw);
  await until('all single answers', () => accepted('/ok-single').length === 6);
  const bursts = accepted('/ok-burst').map((r) => r.body.data.in_reply_to);
  assert.deepEqual(bursts.flat().filter((id) => id !== 'burst-held'), ids.map((id) => `burst-${id}`), 'each id once, in the order they came');
  assert.ok(bursts.length < 5, `the burst was merged: ${JSON.stringify(bursts)}`);
  const merged = accepted('/ok-burst').find((r) => r.body.data.in_reply_to.length > 1).body.data;
  assert.equal(merged.message_ids.length, merged.in_reply_to.length);
  for (const id of merged.in_reply_to) assert.match(merged.text, new RegExp(`part ${id.slice(6)} of`), 'each message was part of the question');
  assert.deepEqual(accepted('/ok-single').map((r) => r.body.data.in_reply_to), ids.map((id) => [`single-${id}`]));
});

test('answers of one conversation arrive in order even when the first attempt fails', async (t) => {
  const path = '/status-500-times-1-order';
  const daemon = await withHooks(t, [{ name: 'crm', secret: hookSecret, merge: false, reply_url: receiver.url + path, reply_loopback: true }]);
  for (let i = 0; i < 4; i++) await daemon.hook('crm', { text: `number ${i} in the row`, sender: 'carl', conversation: 'row' }, { id: `o${i}` });
  await until('all four', () => accepted(path).length === 4, 20);
  assert.deepEqual(accepted(path).map((r) => r.body.data.in_reply_to[0]), ['o0', 'o1', 'o2', 'o3']);
});

test('two hooks that call each other do not talk for ever', async (t) => {
  const port = await freePort();
  const hook = (name, other) => ({ name, secret: hookSecret, reply_url: `http://127.0.0.1:${port}/webhook/${other}`, reply_loopback: true });
  const daemon = await withHooks(t, [hook('ping', 'pong'), hook('pong', 'ping')], { listen: { address: '127.0.0.1', port } });
  const sent = await daemon.hook('ping', { text: 'the ball is yours', sender: 'carl', conversation: 'table' });
  await until('its answer to be delivered', async () => (await daemon.json('explain', sent.body.id)).replies?.[0]?.sent_at);
  await wait(300);
  assert.equal(model.requests.filter((r) => JSON.stringify(r).includes('the ball is yours')).length, 1);
  const { raw } = await daemon.request('GET', '/metrics');
  assert.match(raw, /usher_messages_total\{platform="webhook",outcome="ignored"\} 1/);
});
