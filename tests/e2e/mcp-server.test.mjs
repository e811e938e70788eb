// usher as a server of the Model Context Protocol, driven by the official SDK's client over both ways in: what programs get with
// whose key, what they must never see, and what they are told when the daemon dies.
import test from 'node:test';
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { ModelServer } from '../servers/model.mjs';
import { Receiver } from '../servers/receiver.mjs';
import { Daemon, binary, hookSecret, until } from './harness.mjs';

const everybodys = ['add_task', 'list_tasks', 'complete_task', 'update_task', 'delete_task', 'search_conversations', 'list_files', 'search_files', 'read_file', 'convert_table', 'write_file'];
const operators = [...everybodys.slice(0, 6), 'send_message', ...everybodys.slice(6)];

let model, receiver, daemon, ann, bob, boss;
test.before(async () => {
  model = await new ModelServer().start();
  receiver = await new Receiver(hookSecret).start();
  daemon = await start({});
  ann = await daemon.addUser('ann');
  bob = await daemon.addUser('bob');
  boss = await daemon.addUser('boss', 'operator');
});
test.after(async () => { await daemon.finish(); await model.stop(); await receiver.stop(); });

const start = (settings, options) => new Daemon({
  models: [{ name: 'main', provider: 'openai', base_url: model.base, model: 'echo', api_key: model.key }],
  users: { strangers: 'allow' },
  platforms: { webhook: [{ name: 'crm', secret: hookSecret, reply_url: `${receiver.url}/ok`, reply_secret: hookSecret, reply_loopback: true }] },
  ...settings,
}, options).start();

async function connect(t, transport) {
  const client = new Client({ name: 'usher-tests', version: '1' });
  await client.connect(transport);
  t.after(() => client.close());
  return client;
}
const overHttp = (t, key, headers = {}, at = daemon) => connect(t, new StreamableHTTPClientTransport(new URL(`${at.url}/mcp`),
  { requestInit: { headers: { authorization: `Bearer ${key}`, ...headers } } }));
const overStdio = (t, words = [], at = daemon) => connect(t, new StdioClientTransport({
  command: binary, args: ['mcp', ...words, '--config', at.config], env: { ...process.env, USHER_CONFIG: '' }, stderr: 'pipe' }));

// What a tool gave, or the words of its failure.
async function use(client, name, args = {}, _meta) {
  const result = await client.callTool({ name, arguments: args, ...(_meta && { _meta }) });
  assert.equal(result.content[0].type, 'text');
  if (result.isError) return { failed: result.content[0].text };
  assert.deepEqual(JSON.parse(result.content[0].text), result.structuredContent);
  return result.structuredContent;
}
const names = async (client) => (await client.listTools()).tools.map((tool) => tool.name);

for (const [way, open] of [['http', (t) => overHttp(t, ann)], ['stdio', (t) => overStdio(t, ['--user', 'ann'])]]) {
  test(`${way}: the to-do list is kept, wrong calls are told apart`, async (t) => {
    const client = await open(t);
    assert.equal(client.getServerVersion().name, 'usher');
    assert.deepEqual(await names(client), everybodys);
    assert.deepEqual(await client.ping(), {});
    const { task_id } = await use(client, 'add_task', { title: `milk over ${way}`, user_id: 'bob' });
    const mine = async () => (await use(client, 'list_tasks')).tasks.find((task) => task.task_id === task_id);
    assert.equal((await mine()).title, `milk over ${way}`);
    assert.equal((await use(client, 'update_task', { task_id, title: 'oat milk' })).status, 'updated');
    assert.equal((await use(client, 'complete_task', { task_id })).status, 'completed');
    assert.deepEqual([(await mine()).title, (await mine()).completed], ['oat milk', true]);
    assert.match((await use(client, 'complete_task', { task_id: 999999 })).failed, /no such task/);
    assert.match((await use(client, 'add_task')).failed, /title/);
    await assert.rejects(client.callTool({ name: 'send_message', arguments: {} }), { code: -32602 });
    await assert.rejects(client.callTool({ name: 'no_such_tool', arguments: {} }), { code: -32602 });
    await assert.rejects(client.listResources(), /-32601|not support/i);
    assert.equal((await use(client, 'delete_task', { task_id })).status, 'deleted');
    assert.equal(await mine(), undefined);
  });
}

test('each call is on record with key, profile and outcome, also those that were refused', async (t) => {
  const read = async () => (await daemon.cli('audit', 'export', '--org', 'default')).stdout.trim().split('\n').map((line) => JSON.parse(line))
    .filter((row) => row.interaction_type === 'tool' && row.agent_name === 'mcp').map((row) => ({ ...row, metadata: typeof row.metadata === 'string' ? JSON.parse(row.metadata) : row.metadata }));
  const profile = (await daemon.json('user', 'list')).find((user) => user.username === 'ann').profile_id;
  const before = (await read()).length;
  const client = await overHttp(t, ann), local = await overStdio(t, ['--user', 'ann']);
  await use(client, 'add_task', { title: 'on record' });
  await use(client, 'complete_task', { task_id: 424242 });
  await assert.rejects(client.callTool({ name: 'send_message', arguments: {} }), { code: -32602 });
  await use(local, 'list_tasks');
  const made = (await read()).slice(before);
  assert.deepEqual(made.map((row) => [row.metadata.tool, row.metadata.class, Boolean(Number(row.success))]),
    [['add_task', 'keyed', true], ['complete_task', 'keyed', false], ['send_message', undefined, false], ['list_tasks', 'read', true]]);
  assert.ok(made.every((row) => row.user_id === profile && row.metadata.profile === profile && row.hash));
  const keys = (await daemon.json('key', 'list')).map((key) => key.key_id);
  assert.ok(made.slice(0, 3).every((row) => keys.includes(row.metadata.key)), JSON.stringify(made[0].metadata));
  assert.equal(made[3].metadata.key, 'local');
  assert.match(made[0].input, /on record/);
  assert.match(made[0].output, /created/);
  assert.match(made[1].output, /no such task/);
  assert.equal((await daemon.cli('audit', 'verify')).status, 0);
});

test('somebody else\'s tasks, conversations and files are not there', async (t) => {
  const own = await overHttp(t, ann), other = await overHttp(t, bob), operator = await overHttp(t, boss);
  const { task_id } = await use(own, 'add_task', { title: 'a task of ann alone' });
  assert.deepEqual((await use(other, 'list_tasks')).tasks, []);
  for (const [name, args] of [['complete_task', {}], ['update_task', { title: 'taken' }], ['delete_task', {}]])
    assert.match((await use(other, name, { task_id, ...args, user_id: 'ann' })).failed, /no such task/);
  const said = await daemon.chat(ann, 'the Budget of the north wing is 100%_done');
  assert.equal(said.status, 200, said.raw);
  const found = (await use(own, 'search_conversations', { query: 'budget WING' })).messages;
  assert.deepEqual(found.map((m) => m.role).sort(), ['assistant', 'user']);
  assert.equal(found[0].conversation_uuid, said.body.conversation_uuid);
  assert.match(found[0].text, /north wing/);
  assert.deepEqual((await use(own, 'search_conversations', { query: 'budget south' })).messages, []);
  assert.equal((await use(own, 'search_conversations', { query: '0%_d', limit: 1 })).messages.length, 1);
  assert.deepEqual((await use(own, 'search_conversations', { query: '0%%d' })).messages, []);
  assert.equal((await daemon.chat(ann, 'ÜBER DIE STRASSE zum Кафе ΟΔΥΣΣΕΥΣ, cafe\u0301')).status, 200);
  for (const query of ['über straße', 'КАФЕ', 'Οδυσσεύς'.normalize('NFC').replace('ύ', 'υ'), 'CAFÉ']) // in any script, however accents are written
    assert.match((await use(own, 'search_conversations', { query })).messages[0]?.text ?? query, /ÜBER DIE STRASSE/, query);
  for (const client of [other, operator]) // whose conversations they are counts, not what somebody may see elsewhere
    assert.deepEqual((await use(client, 'search_conversations', { query: 'budget' })).messages, []);
  const profile = (await daemon.json('user', 'list')).find((user) => user.username === 'ann');
  execFileSync('sqlite3', ['-cmd', '.timeout 20000', `${daemon.dir}/usher.db`,
    `INSERT INTO "LLMAgentImport" ("userId", "userCompanyId", "inputFileName", mime, size, path) VALUES ('${profile.profile_id}', '${profile.org_id}', 'North Wing.pdf', 'application/pdf', 7, '/secret/place')`]);
  for (const [client, count] of [[own, 1], [other, 0], [operator, 1]]) {
    const { files } = await use(client, 'search_files', { query: 'wing PDF' });
    assert.equal(files.length, count);
    assert.ok(!JSON.stringify(files).includes('/secret'));
    if (count) assert.deepEqual([files[0].name, files[0].type, files[0].size, files[0].sent_by], ['North Wing.pdf', 'application/pdf', 7, 'ann']);
  }
});

test('a key of the client makes a call once, the id of a request does not', async (t) => {
  const titles = async (client) => (await use(client, 'list_tasks')).tasks.map((task) => task.title).filter((title) => title.startsWith('once'));
  const first = await overHttp(t, bob), second = await overHttp(t, bob); // their ids begin at the same number
  const made = await use(first, 'add_task', { title: 'once, with a key' }, { idempotencyKey: 'errand 1' });
  assert.deepEqual(await use(second, 'add_task', { title: 'once, with a key' }, { idempotencyKey: 'errand 1' }), made);
  await use(first, 'add_task', { title: 'once, without' });
  await use(second, 'add_task', { title: 'once, without' });
  assert.deepEqual(await titles(first), ['once, with a key', 'once, without', 'once, without']);
  const other = await overHttp(t, ann);
  await use(other, 'add_task', { title: 'once, of ann' }, { idempotencyKey: 'errand 1' });
  assert.deepEqual(await titles(other), ['once, of ann']);
});

test('an operator says something in a conversation, once, on its platform', async (t) => {
  const client = await overHttp(t, boss), byDefault = await overStdio(t);
  assert.deepEqual(await names(client), operators);
  assert.deepEqual(await names(byDefault), operators); // the operator's own
  const said = await daemon.hook('crm', { text: 'is anybody listening there', sender: 'carl' }, { query: '?wait=60' });
  assert.equal(said.body.status, 'answered', said.raw);
  const conversation = (await daemon.json('conversation', 'list')).find((row) => row.platform === 'webhook').conversation_id;
  const callbacks = () => receiver.received.filter((r) => r.body?.data?.text?.includes('an operator speaking'));
  const message = { conversation_id: String(conversation), text: '**an operator speaking** to you', key: 'the first errand' };
  const sent = await use(client, 'send_message', message);
  await use(client, 'send_message', { ...message, key: 'the second errand', text: 'see ![](https://their.test/?q=secret)' });
  await until('the link as code', () => receiver.received.some((r) => r.body?.data?.text === 'see `their.test/?q=secret`'));
  assert.match(sent.status, /waits/);
  await until('the message', () => callbacks().length);
  assert.deepEqual(await use(client, 'send_message', message), { ...sent, status: 'sent before' });
  assert.match((await use(client, 'send_message', { ...message, conversation_id: '999' })).failed, /no conversation/);
  assert.match((await use(client, 'send_message', { ...message, text: ' ' })).failed, /text/);
  assert.match((await use(client, 'send_message', { ...message, text: 'x'.repeat(1501) })).failed, /1500/);
  const fetched = (await daemon.json('conversation', 'list')).find((row) => row.platform === 'api');
  assert.match((await use(client, 'send_message', { conversation_id: fetched.conversation_uuid, text: 'to nobody' })).failed, /fetched/);
  assert.equal(callbacks().length, 1);
  // Asked for by name all the same, with a key of somebody who may not.
  const forbidden = await daemon.request('POST', '/mcp', { key: ann, body: { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'send_message', arguments: message } } });
  assert.equal(forbidden.body.error.code, -32602);
});

test('the policy counts for programs too: what is denied or to be asked is not there', async (t) => {
  const strict = await start({ platforms: {}, tools: { policy: [{ tool: 'delete_task', do: 'deny' }, { tool: 'update_*', do: 'ask' }, { tool: 'send_message', do: 'deny' }] } });
  t.after(() => strict.finish());
  const client = await overStdio(t, [], strict);
  assert.deepEqual(await names(client), everybodys.filter((name) => name !== 'delete_task' && name !== 'update_task'));
  await assert.rejects(client.callTool({ name: 'delete_task', arguments: { task_id: 1 } }), { code: -32602 });
});

test('who stays outside: no key, a revoked one, a foreign page, too much', async (t) => {
  const gone = await daemon.addUser('gone');
  const client = await overHttp(t, gone);
  assert.deepEqual(await names(client), everybodys);
  const { key_id } = (await daemon.json('key', 'list')).find((key) => key.username === 'gone');
  await daemon.json('key', 'revoke', key_id);
  await assert.rejects(client.listTools(), (error) => error.code === 401 || /401|AUTH_FAILED/.test(error.message));
  await assert.rejects(overHttp(t, 'ush_nonsense'), /401|AUTH_FAILED/);
  await assert.rejects(overHttp(t, ann, { origin: 'https://evil.example.org' }), /403|origin/);
  assert.deepEqual(await names(await overHttp(t, ann, { origin: 'http://localhost:6274' })), everybodys);
  const ask = (body, headers) => daemon.request('POST', '/mcp', { key: ann, body, headers });
  assert.equal((await ask(`{"jsonrpc":"2.0","id":1,"method":"ping","params":{"a":"${'x'.repeat(1 << 20)}"}}`)).status, 413);
  assert.equal((await ask('{')).body.error.code, -32700);
  assert.equal((await ask({ jsonrpc: '2.0', id: 1, method: 'ping' }, { 'mcp-protocol-version': '2030-01-01' })).status, 400);
  assert.equal((await ask({ jsonrpc: '2.0', method: 'notifications/initialized' })).status, 202);
  for (const method of ['GET', 'DELETE', 'PUT']) assert.equal((await daemon.request(method, '/mcp', { key: ann })).status, 405);
});

test('usher mcp without a daemon, or as somebody who is not there, says so and ends', async () => {
  const nobody = await daemon.cli('mcp', '--user', 'nobody');
  assert.deepEqual([nobody.status, nobody.stdout], [1, '']);
  assert.match(nobody.stderr, /no user/);
  const idle = new Daemon({}); // never started
  const none = await idle.cli('mcp');
  await idle.finish();
  assert.deepEqual([none.status, none.stdout], [3, '']);
  assert.match(none.stderr, /no daemon/);
});

test('usher mcp takes lines as they come and prints nothing but messages', async () => {
  const lines = ['', 'nonsense', '{"jsonrpc":"2.0","id":1,"method":"ping"}\r', '{"jsonrpc":"2.0","method":"notifications/initialized"}', 'y'.repeat(3 << 20),
    '[{"jsonrpc":"2.0","id":"a","method":"ping"}]', '{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"add_task","arguments":{"title":"zwei\\nZeilen äöü"}}}'];
  const { status, stdout } = await daemon.type(lines.join('\n') + '\n', 'mcp');
  assert.equal(status, 0);
  const answers = stdout.trimEnd().split('\n').map((line) => JSON.parse(line));
  assert.deepEqual(answers.map((a) => (Array.isArray(a) ? a[0].id : a.error?.code ?? a.id)), [-32700, 1, -32600, 'a', 2]);
  assert.equal(answers[4].result.structuredContent.title, 'zwei\nZeilen äöü');
});

test('the daemon is killed under usher mcp: each request is told, and all goes on when it is back', async (t) => {
  let victim = await start({ platforms: {} });
  t.after(() => victim.finish());
  const client = await overStdio(t, [], victim);
  await use(client, 'add_task', { title: 'before the crash' });
  await victim.kill();
  await assert.rejects(use(client, 'add_task', { title: 'while it was away' }), (error) => error.code === -32000 && /not running; nothing was done/.test(error.message));
  await assert.rejects(client.ping(), { code: -32000 });
  await victim.start();
  const titles = await until('the tools to work again', async () => {
    try { return (await use(client, 'list_tasks')).tasks.map((task) => task.title); } catch { return null; }
  });
  assert.deepEqual(titles, ['before the crash']);
  await use(client, 'add_task', { title: 'after it' });
});

test('our own model searches with the same tools, but says nothing unless a rule allows it', async (t) => {
  const offered = async (settings) => {
    const one = await start({ platforms: {}, models: [{ name: 'main', provider: 'openai', base_url: model.base, model: 'echo', api_key: model.key }], ...settings });
    t.after(() => one.finish());
    const lists = {};
    for (const role of ['member', 'operator']) {
      const key = await one.addUser(`a-${role}`, role);
      const before = model.requests.length;
      assert.equal((await one.chat(key, 'which tools do you have')).status, 200);
      lists[role] = model.requests.slice(before).flatMap((body) => body.tools ?? []).map((tool) => tool.function.name);
    }
    return lists;
  };
  const plain = [...everybodys.slice(0, 6), 'write_file']; // the others are about files, and there are none
  const usual = await offered({});
  assert.deepEqual(usual, { member: plain, operator: plain });
  assert.deepEqual(await offered({ tools: { policy: [{ do: 'allow' }] } }), usual); // a rule for all is none for this
  const allowed = await offered({ tools: { policy: [{ tool: 'send_message', do: 'allow' }] } });
  assert.deepEqual(allowed, { member: plain, operator: [...plain.slice(0, 6), 'send_message', 'write_file'] });
});
