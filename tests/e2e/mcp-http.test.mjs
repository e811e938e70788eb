// Servers of tools over HTTP: real ones from npm, and stand-ins that misbehave. Whatever happens on the way, a tool that
// changes something runs once, the person gets an answer, and nothing that is secret goes elsewhere.
import test from 'node:test';
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import net from 'node:net';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { SSEClientTransport } from '@modelcontextprotocol/sdk/client/sse.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { McpServer } from '../servers/mcp-http.mjs';
import { ModelServer } from '../servers/model.mjs';
import { Daemon, freePort, until } from './harness.mjs';

let model, fake;
test.before(async () => {
  model = await new ModelServer().start();
  fake = await new McpServer().start();
});
test.after(async () => {
  await model.stop();
  await fake.stop();
});

const status = async (daemon) => (await daemon.json('status')).mcp ?? [];

async function withServer(t, name, server) {
  const daemon = await new Daemon({
    models: [{ name: 'main', provider: 'openai', base_url: model.base, model: 'call', api_key: model.key }],
    tools: { mcp: [{ name: 's', trusted: true, ...server }], policy: [{ do: 'allow' }] },
  }).start();
  t.after(() => daemon.finish());
  daemon.key = await daemon.addUser('ann');
  daemon.state = async () => (await status(daemon)).find((one) => one.name === 's');
  daemon.ready = () => until('the server to be ready', async () => (await daemon.state())?.state === 'ready');
  daemon.call = async (tool, args = {}) => {
    const answer = await daemon.chat(daemon.key, `${tool} ${JSON.stringify(args)}`);
    assert.equal(answer.status, 200, answer.raw.slice(0, 500));
    return answer.body.response;
  };
  return daemon;
}

// ---- the stand-in is what it claims to be --------------------------------------------------------------------

for (const name of ['plain', 'events', 'chatty', 'resume', 'slow'])
  test(`the SDK's own client is served by /${name}`, async () => {
    const client = new Client({ name: 'proof', version: '1' });
    await client.connect(new StreamableHTTPClientTransport(new URL(fake.url(name))));
    assert.deepEqual((await client.listTools()).tools.map((tool) => tool.name), ['count', 'read']);
    const { content } = await client.callTool({ name: 'read', arguments: {} });
    assert.match(content[0].text, /^read ran 0 ünd wéll/);
    await client.close();
  });

test("the SDK's own client is served by /old", async () => {
  const client = new Client({ name: 'proof', version: '1' });
  await client.connect(new SSEClientTransport(new URL(fake.url('old'))));
  assert.match((await client.callTool({ name: 'read', arguments: {} })).content[0].text, /^read ran/);
  await client.close();
});

// ---- usher and the stand-in ----------------------------------------------------------------------------------

for (const name of ['plain', 'events', 'chatty', 'gone', 'gone-400', 'resume', 'slow', 'old'])
  test(`a tool of /${name} is called once and answers`, async (t) => {
    const before = fake.ran(name);
    const daemon = await withServer(t, name, { url: fake.url(name) });
    await daemon.ready();
    if (name.startsWith('gone')) assert.ok(fake.sessions.size);
    const said = await daemon.call('s__count', { n: 1 });
    assert.match(said, new RegExp(`^done: .*count ran ${before + 1} ünd wéll`));
    assert.equal(fake.ran(name), before + 1);
    if (name === 'chatty') assert.match(said, /roots: -32601/);
  });

test('after the handshake each request names version and session, and the session is ended', async (t) => {
  const daemon = await withServer(t, 'chatty', { url: fake.url('chatty'), headers: ['X-Team: red'] });
  await daemon.ready();
  await daemon.call('s__read');
  const own = () => fake.requests.filter((r) => r.name === 'chatty' && r.headers['x-team'] === 'red');
  await until('the answer to its ping', () => own().some((r) => r.message?.id === 'p-1' && r.message.result));
  await daemon.stop();
  const mine = own(), [first, ...rest] = mine;
  assert.equal(first.message.method, 'initialize');
  assert.equal(first.headers['mcp-session-id'], undefined);
  const session = rest[0].headers['mcp-session-id'];
  assert.ok(session);
  for (const one of rest) {
    assert.equal(one.headers['mcp-session-id'], session);
    assert.equal(one.headers['mcp-protocol-version'], '2025-11-25');
  }
  assert.equal(mine.at(-1).method, 'DELETE');
  assert.ok(daemon.lines.every((line) => !line.includes(session)), 'the session is a secret');
});

test('a stream cut before the answer: the tool is not run again, and the model is told that it may have run', async (t) => {
  const before = fake.ran('cut');
  const daemon = await withServer(t, 'cut', { url: fake.url('cut') });
  await daemon.ready();
  assert.match(await daemon.call('s__count'), /whether the tool has run is not known/);
  assert.equal(fake.ran('cut'), before + 1);
});

test('a result longer than anything sensible is an error, not the end', async (t) => {
  const daemon = await withServer(t, 'huge', { url: fake.url('huge') });
  await daemon.ready();
  assert.match(await daemon.call('s__read'), /its answer is longer than/);
  assert.equal((await daemon.state()).state, 'ready');
});

for (const [name, why] of [['moved', /redirects \(307\)/], ['token', /wants credentials \(401\)/], ['oauth', /OAuth/],
  ['overloaded', /overloaded \(503\): "too busy"/], ['old-elsewhere', /another address/]])
  test(`/${name}: told with its cure, and nothing secret goes elsewhere`, async (t) => {
    const server = { url: fake.url(name) };
    if (name === 'moved' || name === 'old-elsewhere') server.token = 'not-for-others-1';
    const daemon = await withServer(t, name, server);
    await until('the reason', async () => why.test((await daemon.state())?.why ?? ''));
    assert.equal(fake.trapped.length, 0);
  });

test('with its token, the server that wants one is used', async (t) => {
  const daemon = await withServer(t, 'token', { url: fake.url('token'), token: 'open-sesame' });
  await daemon.ready();
  assert.match(await daemon.call('s__read'), /read ran/);
  assert.ok(fake.seen('token', 'tools/call').every((r) => r.headers.authorization === 'Bearer open-sesame'));
});

// ---- the real server --------------------------------------------------------------------------------------------

const program = 'node_modules/.bin/mcp-server-everything';

async function everything(t, mode, port) {
  assert.ok(existsSync(program), `${program} is missing: npm ci in tests/`);
  port ??= await freePort();
  const child = spawn(program, [mode], { env: { ...process.env, PORT: String(port) }, stdio: 'ignore' });
  let ended = null;
  const over = new Promise((resolve) => child.on('exit', resolve).on('error', resolve)).then((why) => (ended = `server-everything ended: ${why}`));
  t.after(() => { child.kill('SIGKILL'); return over; });
  await until(`server-everything to listen (${mode})`, () => new Promise((resolve, reject) => {
    if (ended) return reject(new Error(ended));
    const probe = net.connect(port, '127.0.0.1', () => { probe.destroy(); resolve(true); }).on('error', () => resolve(false));
    return undefined;
  }));
  return { port, child, over };
}

for (const [mode, path] of [['streamableHttp', 'mcp'], ['sse', 'sse']])
  test(`server-everything over ${mode}: the table of what is known of it`, async (t) => {
    const { port } = await everything(t, mode);
    const daemon = await withServer(t, mode, { url: `http://127.0.0.1:${port}/${path}` });
    await daemon.ready();
    const state = await daemon.state();
    assert.ok(state.tools >= 10, JSON.stringify(state));
    assert.match(await daemon.call('s__echo', { message: 'hi' }), /Echo: hi/);
    assert.match(await daemon.call('s__get-sum', { a: 2, b: 3 }), /The sum of 2 and 3 is 5\./);
    assert.match(await daemon.call('s__get-sum', { a: 'two', b: 'three' }), /MCP error -32602/);
    assert.match(await daemon.call('s__get-structured-content', { location: 'Chicago' }), /temperature/);
    assert.match(await daemon.call('s__get-tiny-image'), /image\/png/);
    assert.match(await daemon.call('s__get-resource-links', { count: 2 }), /resource/i);
    assert.match(await daemon.call('s__trigger-long-running-operation', { duration: 1, steps: 4 }), /Long running operation completed/);
    assert.ok(!model.requests.at(-1).tools.some((tool) => tool.function.name === 's__simulate-research-query'), 'it needs tasks');
  });

test('server-everything begun again: its old session is dead, the next call works', async (t) => {
  const { port, child, over } = await everything(t, 'streamableHttp');
  const daemon = await withServer(t, 'again', { url: `http://127.0.0.1:${port}/mcp` });
  await daemon.ready();
  assert.match(await daemon.call('s__echo', { message: 'one' }), /Echo: one/);
  child.kill('SIGKILL');
  await over;
  await everything(t, 'streamableHttp', port);
  assert.match(await daemon.call('s__echo', { message: 'two' }), /Echo: two/);
});
