// The operator's doors: signals at bad moments, settings that only look right, what strangers wrote on a terminal.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { Daemon, hookSecret, until, wait } from './harness.mjs';
import { ModelServer } from '../servers/model.mjs';

const daemons = [];
const models = [];
async function daemon(settings, options) {
  const made = new Daemon(settings, options);
  daemons.push(made);
  return made.start();
}
async function model() {
  const made = await new ModelServer().start();
  models.push(made);
  return made;
}
after(async () => {
  for (const one of daemons) await one.finish();
  for (const one of models) await one.stop();
});

const starts = (one) => one.lines.filter((line) => line.includes('ready after')).length;

test('a stop that follows a reload is not lost, nor is one that a hang-up follows', async () => {
  for (const signals of [['SIGHUP', 'SIGTERM'], ['SIGTERM', 'SIGHUP']]) {
    const one = await daemon({});
    for (const signal of signals) one.child.kill(signal);
    const end = await one.over;
    assert.deepEqual(end, { code: 0, signal: null }, signals.join(' then '));
    assert.equal(starts(one), 1, signals.join(' then '));
  }
});

test('reloads in quick succession never end the daemon', async () => {
  const one = await daemon({});
  for (let i = 0; i < 60; i++) {
    one.child.kill('SIGHUP');
    await wait(5);
  }
  await until('an answer after the reloads', async () => (await one.cli('status')).status === 0);
  assert.equal(one.exited, null);
  await until('a start anew', () => starts(one) > 1);
});

// Between the end of the loop and the start anew nobody handles a hang-up: a thread that lets it through would end the daemon there.
test('no thread of the daemon lets a hang-up end it', { skip: process.env.USHER_UNDER && 'another program holds its signals' }, async () => {
  const one = await daemon({}), { pid } = one.child, tasks = () => readdirSync(`/proc/${pid}/task`);
  const before = tasks().length;
  assert.equal((await one.cli('import', one.config, '--as', 'summarise this')).status, 0);
  assert.ok(tasks().length > before, 'there are threads that were made while it ran');
  const masks = tasks().map((task) => readFileSync(`/proc/${pid}/task/${task}/status`, 'utf8').match(/^SigBlk:\t(\w+)$/m)[1]);
  assert.deepEqual(masks.filter((mask) => (BigInt(`0x${mask}`) & 1n) === 0n), []);
});

test('a reload is refused for whatever would stop a start, and doctor says it before', async () => {
  const good = { platforms: { webhook: [{ name: 'crm', secret: hookSecret }] } };
  const one = await daemon(good);
  const faults = [
    [{ platforms: { webhook: [{ name: 'crm', secret: 'short' }] } }, /whsec_/],
    [{ models: [{ name: 'main', provider: 'openai' }] }, /needs `model`/],
    [{ assistant: { model: 'nobody' } }, /no model is called "nobody"/],
    [{ prices: { file: '/nowhere/prices.conf' } }, /cannot read the price table \/nowhere\/prices.conf: No such file/],
    [{ listen: { address: '127.0.0.1', port: 0, cert_file: '/nowhere/cert.pem', key_file: '/nowhere/key.pem' } }, /cert/],
    [{ listen: { address: '127.0.0.1', port: 0, key_file: '/nowhere/key.pem' } }, /belong together/],
  ];
  for (const [settings, reason] of faults) {
    one.configure(settings);
    const doctor = await one.cli('doctor');
    assert.equal(doctor.status, 1);
    assert.match(doctor.stdout, reason);
    const from = one.lines.length;
    one.child.kill('SIGHUP');
    const line = await until('a refusal', () => one.lines.slice(from).find((l) => l.includes('settings not reloaded')));
    assert.match(JSON.parse(line).message, reason);
    assert.equal((await one.request('GET', '/readyz')).status, 200);
  }
  one.configure(good);
});

test('what a stranger wrote does not steer the terminal of who reads it', async () => {
  const one = await daemon({});
  const key = await one.addUser('ann');
  const said = await one.chat(key, 'add a task to \u001b]0;owned\u0007\u009b2J caf\u00e9');
  const id = String(said.body.conversation_id);
  for (const words of [['conversation', 'show', id], ['explain', said.body.message_id], ['chat', 'add a task to \u001b[2J']]) {
    const { status, stdout } = await one.cli(...words);
    assert.equal(status, 0, words.join(' '));
    // eslint-disable-next-line no-control-regex
    assert.doesNotMatch(stdout, /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/, words.join(' '));
    assert.match(stdout, /\\x1b/, words.join(' '));
  }
  await one.json('conversation', 'rename', id, 'Größe');
  assert.match((await one.cli('conversation', 'list')).stdout, /Größe/);
});

test('a key that reads "secret" does not hang the daemon, and a model may have any name', async () => {
  const server = await model();
  server.key = 'secret';
  const one = new Daemon({ models: [{ name: 'a b/c?d', provider: 'openai', base_url: server.base, model: 'status-401', api_key: 'secret' }] });
  one.secrets.clear(); // a word this common stands in our own sentences
  daemons.push(await one.start());
  const key = await one.addUser('ann');
  assert.equal((await one.chat(key, 'hello')).status, 503);
  const doctor = await one.cli('doctor');
  assert.equal(doctor.status, 0);
  assert.match(doctor.stdout, /model +a b\/c\?d: reachable/);
});

test('clients that come and go in crowds harm nobody', async () => {
  const server = await model();
  const one = await daemon({
    models: [{ name: 'main', provider: 'openai', base_url: server.base, model: 'drip-20', api_key: server.key }],
    users: { strangers: 'allow' },
    platforms: { webhook: [{ name: 'crm', secret: hookSecret }] },
  });
  const keys = [await one.addUser('ann'), await one.addUser('bob')];
  for (let round = 0; round < 4; round++) {
    const calls = [];
    for (let i = 0; i < 120; i++) {
      const abort = new AbortController();
      const headers = i % 3 ? { accept: 'text/event-stream' } : {};
      calls.push(one.request('POST', '/api/me/chat', { key: keys[i % 2], body: { message: `storm ${i}` }, headers, signal: abort.signal }).catch(() => {}));
      setTimeout(() => abort.abort(), Math.random() * 120);
      calls.push(one.hook('crm', { text: 'storm', sender: `s${i}` }, { query: '?wait=2' }).catch(() => {}));
    }
    await Promise.all(calls);
  }
  assert.equal(one.exited, null);
  assert.equal((await one.chat(keys[0], 'are you well?')).status, 200);
});

test('a second daemon with a database of its own does not take the first one\'s control socket', async () => {
  const one = await daemon({});
  const two = new Daemon({ store: { url: `sqlite:${one.dir}/other.db` } }, { dir: one.dir });
  await assert.rejects(two.start(), /another process listens on .*usher\.sock/);
  one.configure({});
  assert.equal((await one.json('status')).pid, one.child.pid);
});
