// Servers of 2026-07-28, which has no handshake: their tools work over both transports, old servers are known for what they
// are, and what is sent twice is harmless twice.
import test from 'node:test';
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { ModernServer } from '../servers/mcp/modern.mjs';
import { ModelServer } from '../servers/model.mjs';
import { Daemon, freePort, until } from './harness.mjs';

const here = path.dirname(fileURLToPath(import.meta.url));
const program = (file, ...words) => ({ command: [process.execPath, path.join(here, file), ...words] });
const everything = '../node_modules/@modelcontextprotocol/server-everything/dist/index.js';

let model, modern;
test.before(async () => {
  model = await new ModelServer().start();
  modern = await new ModernServer().start();
});
test.after(async () => { await model.stop(); await modern.stop(); });

async function withServer(t, server) {
  const daemon = await new Daemon({
    models: [{ name: 'main', provider: 'openai', base_url: model.base, model: 'call', api_key: model.key }],
    tools: { mcp: [{ name: 's', trusted: true, ...server }], policy: [{ do: 'allow' }] },
  }).start();
  t.after(() => daemon.finish());
  daemon.key = await daemon.addUser('ann');
  daemon.state = async () => (await daemon.json('status')).mcp[0];
  daemon.call = async (tool, args = {}) => {
    const answer = await daemon.chat(daemon.key, `${tool} ${JSON.stringify(args)}`);
    assert.equal(answer.status, 200, answer.raw.slice(0, 500));
    return answer.body.response;
  };
  await until('the server to be ready', async () => (await daemon.state()).state === 'ready', 30);
  return daemon;
}

for (const protocol of ['auto', '2026-07-28'])
  for (const [way, server] of [['http', () => ({ url: modern.url })], ['stdio', () => program('../servers/mcp/modern.mjs')]])
    test(`${way}, ${protocol}: tools work without a handshake`, async (t) => {
      const daemon = await withServer(t, { ...server(), protocol });
      const state = await daemon.state();
      assert.deepEqual([state.protocol, state.server, state.hidden], ['2026-07-28', 'modern 1', way === 'http' ? 1 : 0]);
      assert.match(await daemon.call('s__where', { region: ' Zürich\n' }), /where ran \d+ {2}Zürich/);
      assert.match(await daemon.call('s__where', {}), /where ran/);
      assert.match(await daemon.call('s__ask'), /decline same state/);
      assert.match(await daemon.call('s__wants'), /not offered.*sampling/);
    });

test('by default such a server says what to set', async (t) => {
  const daemon = await new Daemon({
    models: [{ name: 'main', provider: 'openai', base_url: model.base, model: 'call', api_key: model.key }],
    tools: { mcp: [{ name: 's', url: modern.url }] },
  }).start();
  t.after(() => daemon.finish());
  await until('the reason', async () => /it refuses/.test((await daemon.json('status')).mcp[0].why ?? ''), 30);
});

test('an answer that breaks off: read and keyed are asked again, the effect is there once, others are unsure', async (t) => {
  const daemon = await withServer(t, { url: modern.url, protocol: 'auto', classes: ['count=keyed', 'where=once'] });
  const [read, count, where] = ['read', 'count', 'where'].map(modern.ran);
  for (const name of ['read', 'count', 'where']) modern.cut.add(name);
  assert.match(await daemon.call('s__read'), new RegExp(`read ran ${read + 2}`));
  assert.match(await daemon.call('s__count'), new RegExp(`count ran ${count + 1}`));
  assert.match(await daemon.call('s__where'), /whether the tool has run is not known/);
  assert.deepEqual(['read', 'count', 'where'].map(modern.ran), [read + 2, count + 1, where + 1]);
  const keys = modern.requests.filter((one) => one.params?.name === 'count').map((one) => one.params._meta.idempotencyKey);
  assert.ok(keys.at(-1) && keys.at(-1) === keys.at(-2));
  assert.match(await daemon.call('s__count'), new RegExp(`count ran ${count + 2}`), 'another call has another key');
});

test('a change of the list is heard, over both transports', async (t) => {
  const http = await withServer(t, { url: modern.url, protocol: 'auto' });
  const { tools } = await http.state();
  await until('it to listen', () => modern.listeners.size > 0);
  modern.change();
  await until('the new tool', async () => (await http.state()).tools === tools + 1);
  const stdio = await withServer(t, { ...program('../servers/mcp/modern.mjs'), protocol: 'auto' });
  const before = (await stdio.state()).tools;
  await stdio.call('s__read', { change: true });
  await until('the new tool', async () => (await stdio.state()).tools === before + 1);
});

test('old servers are asked what they speak and greeted in the old way', async (t) => {
  assert.ok(existsSync(path.join(here, everything)), 'server-everything is missing: npm ci in tests/');
  const port = await freePort();
  const child = spawn(process.execPath, [path.join(here, everything), 'streamableHttp'], { env: { ...process.env, PORT: String(port) }, stdio: 'ignore' });
  const over = new Promise((resolve) => child.on('exit', resolve));
  t.after(() => { child.kill('SIGKILL'); return over; });
  for (const server of [program(everything, 'stdio'), { ...program('../servers/mcp/odd.mjs', 'fine'), start_s: 5 }, { url: `http://127.0.0.1:${port}/mcp` }]) {
    const daemon = await withServer(t, { ...server, protocol: 'auto' });
    assert.match((await daemon.state()).protocol, /^2025-/);
    const odd = server.command?.[1].endsWith('odd.mjs');
    assert.match(await daemon.call(odd ? 's__work' : 's__echo', odd ? {} : { message: 'hi' }), odd ? /worked/ : /Echo: hi/);
  }
});

test('usher uses the tools of another usher', async (t) => {
  const other = await new Daemon({ models: [{ name: 'main', provider: 'openai', base_url: model.base, model: 'echo', api_key: model.key }] }).start();
  t.after(() => other.finish());
  const token = await other.addUser('bob');
  const daemon = await withServer(t, { url: `${other.url}/mcp`, token, protocol: 'auto', classes: ['add_task=keyed'] });
  assert.equal((await daemon.state()).protocol, '2026-07-28');
  assert.match(await daemon.call('s__add_task', { title: 'milk' }), /task_id/);
  assert.match(await daemon.call('s__list_tasks'), /milk/);
});
