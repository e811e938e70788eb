// Many at once: connections that say nothing, conversations in parallel, a stop under load; and what monitoring sees of it.
import test from 'node:test';
import assert from 'node:assert/strict';
import http from 'node:http';
import net from 'node:net';
import { readFileSync } from 'node:fs';
import { ModelServer } from '../servers/model.mjs';
import { Receiver } from '../servers/receiver.mjs';
import { Daemon, freePort, hookSecret, until, wait } from './harness.mjs';

let model;
test.before(async () => { model = await new ModelServer().start(); });
test.after(() => model.stop());

async function withModel(t, name, settings = {}) {
  const daemon = new Daemon({ models: [{ name: 'main', provider: 'openai', base_url: model.base, model: name, api_key: model.key }], users: { strangers: 'allow' }, ...settings });
  t.after(() => daemon.finish());
  return daemon.start();
}
const hardLimit = (pid) => Number(readFileSync(`/proc/${pid}/limits`, 'utf8').match(/Max open files\s+(\d+|unlimited)\s+(\d+|unlimited)/)[2].replace('unlimited', '1000000'));

test('10,000 connections that say nothing: a request is still answered within a second', async (t) => {
  const count = 10_000;
  if (hardLimit('self') < count + 500) return t.skip(`only ${hardLimit('self')} open files are allowed here`);
  const daemon = await withModel(t, 'echo');
  const key = await daemon.addUser('ann');
  const sockets = [];
  t.after(() => sockets.forEach((socket) => socket.destroy()));
  const connect = () => new Promise((resolve, reject) => {
    const socket = net.connect(daemon.port, '127.0.0.1', resolve).on('error', reject);
    sockets.push(socket);
  });
  while (sockets.length < count) await Promise.all(Array.from({ length: 200 }, connect));
  await until('all to be taken', async () => (await daemon.json('status')).connections >= count); // the system takes them first
  const took = [];
  while (took.length < 3 || (Math.min(...took) >= 1000 && took.length < 30)) { // a machine may have other things to do, too
    const before = performance.now();
    const answer = await daemon.chat(key, `the request of somebody else ${took.length}`);
    assert.equal(answer.status, 200, answer.raw);
    took.push(performance.now() - before);
  }
  assert.ok(Math.min(...took) < 1000, `${took.map(Math.round)} ms`);
  for (const socket of sockets) socket.destroy();
  await until('them to be gone', async () => (await daemon.json('status')).connections < 100);
});

test('200 conversations in parallel: each gets its own answers, in order', async (t) => {
  const daemon = await withModel(t, 'held'), release = model.hold();
  t.after(release);
  const keys = await Promise.all(['ann', 'bob', 'carl', 'dora'].map((name) => daemon.addUser(name)));
  const talks = Promise.all(Array.from({ length: 200 }, async (_, n) => {
    let conversation_id;
    for (const part of ['first', 'second', 'third']) {
      const answer = await daemon.chat(keys[n % 4], `${part} words of conversation ${n}`, conversation_id && { conversation_id });
      assert.equal(answer.body.response, `echo: ${part} words of conversation ${n}`, answer.raw);
      assert.equal(answer.body.conversation_id, conversation_id ?? answer.body.conversation_id);
      ({ conversation_id } = answer.body);
    }
  }));
  talks.catch(() => {}); // awaited below
  await until('many to run at the same time', () => model.running > 10);
  release();
  await talks;
  for (const request of model.requests.filter((r) => r.messages.at(-1).content.startsWith('third words'))) {
    const n = request.messages.at(-1).content.split(' ').at(-1);
    assert.deepEqual(request.messages.filter((m) => m.role === 'user').map((m) => m.content), ['first', 'second', 'third'].map((part) => `${part} words of conversation ${n}`));
  }
});

test('two messages at once in one conversation: one turn at a time, each sees the other', async (t) => {
  const daemon = await withModel(t, 'slow-150');
  const key = await daemon.addUser('ann');
  const { body: { conversation_id } } = await daemon.chat(key, 'the beginning of it');
  let most = 0;
  const watching = setInterval(() => (most = Math.max(most, model.running)), 5);
  const both = await Promise.all(['the left hand', 'the right hand'].map((words) => daemon.chat(key, words, { conversation_id })));
  clearInterval(watching);
  assert.deepEqual(both.map((a) => a.body.response), ['echo: the left hand', 'echo: the right hand']);
  assert.equal(most, 1, 'one turn at a time');
  const last = model.requests.at(-1).messages.filter((m) => m.role !== 'system').map((m) => m.content);
  assert.equal(last.length, 5);
  assert.equal(last[3], `echo: ${last[2]}`, 'the second turn knows the first and its answer');
});

test('SIGTERM under load: whatever was accepted is answered and delivered once after the restart', async (t) => {
  const receiver = await new Receiver(hookSecret).start();
  t.after(() => receiver.stop());
  const daemon = await withModel(t, 'held', { limits: { stop_seconds: 1 },
    platforms: { webhook: [{ name: 'crm', secret: hookSecret, reply_url: `${receiver.url}/ok`, reply_loopback: true }] } });
  const accepted = new Map();
  let going = true, sent = 0;
  const send = async (lane) => {
    while (going) {
      const id = `load-${lane}-${sent++}`;
      const answer = await daemon.hook('crm', { text: `load of ${id} to carry`, sender: `lane${lane}`, conversation: `lane${lane}` }, { id }).catch(() => null);
      if (answer?.status === 202) accepted.set(id, answer.body);
      else if (answer) assert.equal(answer.status, 503, answer.raw);
      else await wait(20); // it is gone: the sender will try again, with the same id, later
    }
  };
  const lanes = Array.from({ length: 12 }, (_, lane) => send(lane));
  for (let round = 0; round < 2; round++) {
    const before = accepted.size, release = model.hold((body) => JSON.stringify(body.messages.at(-1)).includes('load-0-')); // of one lane none ends in time
    t.after(release);
    await until('load', () => accepted.size > before + 100 && model.running > 0);
    assert.equal((await daemon.stop()).code, 0, 'an orderly end');
    release();
    await daemon.start();
  }
  going = false;
  await Promise.all(lanes);
  const answered = () => new Set(receiver.received.flatMap((r) => r.body.data.in_reply_to));
  await until('every answer', () => [...accepted.keys()].every((id) => answered().has(id)), 30);
  const owners = new Map();
  for (const { id, body } of receiver.received)
    for (const source of body.data.in_reply_to) {
      assert.equal(owners.get(source) ?? id, id, `${source} was answered under two ids`);
      owners.set(source, id);
    }
  for (let lane = 0; lane < 12; lane++) {
    const order = [...new Set(receiver.received.flatMap((r) => r.body.data.in_reply_to).filter((id) => id.startsWith(`load-${lane}-`)))].map((id) => Number(id.split('-')[2]));
    assert.deepEqual(order, order.toSorted?.((a, b) => a - b) ?? [...order].sort((a, b) => a - b), `lane ${lane} kept its order`);
  }
});

// ---- what monitoring sees ----------------------------------------------------------------------------------

// Prometheus' text format 0.0.4, strictly: [{name, labels, value}] by family.
function parseMetrics(text) {
  const families = new Map();
  let family = null;
  assert.ok(text.endsWith('\n'));
  for (const line of text.slice(0, -1).split('\n')) {
    const comment = line.match(/^# (HELP|TYPE) ([a-zA-Z_:][\w:]*) (.+)$/);
    if (comment) {
      const [, kind, name, rest] = comment;
      if (family?.name !== name) {
        assert.ok(!families.has(name), `${name} comes in two places`);
        families.set(name, (family = { name, samples: [] }));
      }
      assert.ok(family.samples.length === 0 && family[kind] === undefined, line);
      family[kind] = rest;
      continue;
    }
    const sample = line.match(/^([a-zA-Z_:][\w:]*)(?:\{((?:[a-zA-Z_]\w*="(?:[^"\\\n]|\\["\\n])*",?)*)\})? (\S+)$/);
    assert.ok(sample, `not a sample: ${line}`);
    const [, name, labels = '', value] = sample;
    assert.ok(family && (name === family.name || (family.TYPE === 'histogram' && name.replace(/_(bucket|sum|count)$/, '') === family.name)), `${line} stands under ${family?.name}`);
    assert.ok(['+Inf', '-Inf', 'NaN'].includes(value) || Number.isFinite(Number(value)), line);
    family.samples.push({ name, labels: Object.fromEntries([...labels.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)].map(([, k, v]) => [k, v])), value: Number(value) });
  }
  return families;
}

function checkFamily({ name, HELP, TYPE, samples }) {
  assert.ok(HELP && ['counter', 'gauge', 'histogram'].includes(TYPE), name);
  assert.ok(name.startsWith('usher_'), name);
  assert.ok(TYPE !== 'counter' || name.endsWith('_total'), `${name} is a counter`);
  assert.equal(new Set(samples.map((s) => s.name + JSON.stringify(s.labels))).size, samples.length, `${name}: a series comes twice`);
  if (TYPE !== 'histogram') return;
  const series = Map.groupBy?.(samples, keyOf) ?? samples.reduce((map, s) => map.set(keyOf(s), [...(map.get(keyOf(s)) ?? []), s]), new Map());
  for (const rows of series.values()) {
    const buckets = rows.filter((s) => s.name.endsWith('_bucket')).map((s) => s.value);
    assert.deepEqual(buckets, [...buckets].sort((a, b) => a - b), `${name}: buckets add up`);
    assert.equal(rows.find((s) => s.labels.le === '+Inf').value, rows.find((s) => s.name.endsWith('_count')).value);
    assert.ok(rows.some((s) => s.name.endsWith('_sum')));
  }
}
const keyOf = ({ labels: { le, ...rest } }) => JSON.stringify(rest);

test('/metrics is Prometheus text and counts messages by platform and outcome', async (t) => {
  const daemon = await withModel(t, 'gpt-4.1-mini', { platforms: { webhook: [{ name: 'crm', secret: hookSecret }] } }); // one with a price
  const key = await daemon.addUser('ann');
  for (let i = 0; i < 3; i++) await daemon.chat(key, `count me in, number ${i}`);
  await daemon.chat('no key at all', 'count me as a failure');
  for (let i = 0; i < 2; i++) await daemon.hook('crm', { text: `count this hook ${i}`, sender: 'carl' }, { query: '?wait=60' });
  const answer = await daemon.request('GET', '/metrics');
  assert.match(answer.headers.get('content-type'), /^text\/plain; version=0\.0\.4/);
  const families = parseMetrics(answer.raw);
  families.forEach(checkFamily);
  const value = (name, labels = {}) => families.get(name)?.samples.find((s) => Object.entries(labels).every(([k, v]) => s.labels[k] === v))?.value;
  assert.equal(value('usher_messages_total', { platform: 'api', outcome: 'answered' }), 3);
  assert.equal(value('usher_messages_total', { platform: 'api', outcome: 'accepted' }), 3);
  assert.equal(value('usher_messages_total', { platform: 'webhook', outcome: 'answered' }), 2);
  assert.equal(value('usher_api_auth_failures_total'), 1);
  assert.equal(value('usher_model_requests_total', { outcome: 'answered' }), 5);
  for (const name of ['usher_queue_oldest_seconds', 'usher_turn_step_seconds', 'usher_first_token_seconds', 'usher_loop_stall_seconds', 'usher_store_commit_seconds', 'usher_pressure_level', 'usher_resident_bytes'])
    assert.ok(families.has(name), `${name} is missing`);
  assert.ok(value('usher_tokens_total') > 0, 'tokens are counted');
  assert.ok(value('usher_cost_usd_total') > 0, 'cost is counted');
  for (const headers of [{ 'x-forwarded-for': '203.0.113.9' }, { forwarded: 'for=203.0.113.9' }])
    assert.equal((await daemon.request('GET', '/metrics', { headers })).status, 403, 'a proxy on this machine does not open them to the world');
});

test('health while it starts, runs and stops', async (t) => {
  const port = await freePort();
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
  const get = (where, own = agent) => new Promise((resolve) => {
    http.get({ port, host: '127.0.0.1', path: where, agent: own }, (response) => {
      let text = '';
      response.on('data', (data) => (text += data)).on('end', () => resolve({ status: response.statusCode, text }));
    }).on('error', () => resolve({ status: 0 }));
  });
  const seen = [];
  let watching = true;
  const watch = (async () => { while (watching) { seen.push((await get('/readyz', false)).status); await wait(2); } })();
  const daemon = await withModel(t, 'held', { listen: { address: '127.0.0.1', port }, limits: { stop_seconds: 30 } });
  const release = model.hold();
  t.after(release);
  const key = await daemon.addUser('ann');
  assert.deepEqual(await get('/healthz'), { status: 200, text: 'ok\n' });
  assert.deepEqual(await get('/readyz'), { status: 200, text: 'ready\n' });
  watching = false;
  await watch;
  assert.deepEqual(seen, [...seen].sort((a, b) => (a === 200) - (b === 200)), `ready once and for all: ${seen}`);
  assert.ok(seen.every((status) => [0, 200, 503].includes(status)));
  const asked = daemon.chat(key, 'an answer that takes a while');
  await until('the model to be asked', () => model.running > 0);
  daemon.child.kill('SIGTERM');
  await until('the stop to begin', () => daemon.lines.some((line) => line.includes('stopping')));
  const [ready, health] = [await get('/readyz'), await get('/healthz')];
  assert.equal(ready.status, 503);
  assert.match(ready.text, /stopping/);
  assert.equal(health.status, 200, 'alive: nobody must kill it now');
  release();
  agent.destroy();
  assert.equal((await asked).status, 202);
  assert.equal((await daemon.over).code, 0);
  assert.equal((await get('/readyz', false)).status, 0);
});
