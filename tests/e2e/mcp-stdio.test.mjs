// Tools of other people's servers over standard input and output: the official ones, and one that behaves oddly in every
// way that real ones do. A conversation always goes on.
import test from 'node:test';
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { ModelServer } from '../servers/model.mjs';
import { Daemon, until } from './harness.mjs';

const here = path.dirname(fileURLToPath(import.meta.url));
const odd = path.join(here, '../servers/mcp/odd.mjs');
const official = (name) => path.join(here, `../node_modules/@modelcontextprotocol/server-${name}/dist/index.js`);
const missing = ['everything', 'filesystem', 'memory'].some((name) => !existsSync(official(name))) && 'the official servers are not installed (npm ci)';

let model;
test.before(async () => { model = await new ModelServer().start(); });
test.after(() => model.stop());

const node = (name, ...command) => ({ name, command: [process.execPath, ...command], trusted: true });

async function withServers(t, servers, { env = {}, ready = true } = {}) {
  const folder = mkdtempSync(path.join(tmpdir(), 'usher-mcp-'));
  const daemon = await new Daemon({
    models: [{ name: 'main', provider: 'openai', base_url: model.base, model: 'call', api_key: model.key }],
    assistant: { attempts: 1, answer_seconds: 60 },
    tools: { mcp: servers(folder), policy: [{ do: 'allow' }] },
  }, { env }).start();
  t.after(async () => { await daemon.finish(); rmSync(folder, { recursive: true, force: true }); });
  const key = await daemon.addUser('ann');
  const state = async (name) => (await daemon.json('status')).mcp.find((server) => server.name === name);
  if (ready)
    for (const { name } of daemon.settings.tools.mcp)
      await until(`${name} to be ready`, async () => (await state(name)).state === 'ready', 30);
  // The model calls the tool and says what came back, which is an object.
  const call = async (name, args = {}) => {
    const answer = await daemon.chat(key, `${name} ${JSON.stringify(args)}`);
    assert.equal(answer.status, 200, answer.raw);
    return answer.body.response.replace(/^done: /, '');
  };
  return { daemon, key, state, call, folder };
}

const oddly = (t, mode, more = {}, options = {}) =>
  withServers(t, (folder) => [{ ...node('odd', odd, mode, path.join(folder, 'notes')), ...more }], options);
const notes = (folder) => (existsSync(path.join(folder, 'notes')) ? readFileSync(path.join(folder, 'notes'), 'utf8') : '');
const gone = (pid) => { try { process.kill(pid, 0); return false; } catch { return true; } };

test('server-everything: words, numbers, pictures, structures, progress, errors', { skip: missing }, async (t) => {
  const { call, state } = await withServers(t, () => [node('every', official('everything'))]);
  assert.match(await call('every__echo', { message: 'hi' }), /Echo: hi/);
  assert.match(await call('every__get-sum', { a: 2, b: 3 }), /The sum of 2 and 3 is 5\./);
  assert.match(await call('every__get-sum', { a: 'two', b: 3 }), /error.*-32602/s, 'the model is told what was wrong');
  const picture = await call('every__get-tiny-image');
  assert.match(picture, /\[image, image\/png, \d+ bytes\]/);
  assert.ok(picture.length < 1000, 'no base64 reaches the model');
  assert.match(await call('every__get-structured-content', { location: 'New York' }), /temperature/);
  assert.match(await call('every__get-resource-links', { count: 2 }), /\[link to /);
  assert.match(await call('every__get-resource-reference', { resourceType: 'Text', resourceId: 1 }), /\[resource /);
  assert.match(await call('every__trigger-long-running-operation', { duration: 1, steps: 4 }), /completed/i);
  const environment = await call('every__get-env');
  assert.ok(!environment.includes('USHER_CONFIG'), 'only what is named is handed on');
  const offered = model.requests.at(-1).tools.map((tool) => tool.function.name);
  assert.ok(!offered.includes('every__simulate-research-query'), 'what only runs as a task is left out');
  assert.ok(offered.includes('add_task'), 'our own tools stay');
  assert.equal((await state('every')).protocol, '2025-11-25');
});

test('server-everything keeps running when its input is closed: it ends all the same', { skip: missing }, async (t) => {
  const { daemon, call } = await withServers(t, () => [node('every', official('everything'))]);
  await call('every__toggle-simulated-logging');
  const { code } = await daemon.stop();
  assert.equal(code, 0);
});

test('server-filesystem: reads, writes, and stays in its folder', { skip: missing }, async (t) => {
  const { call, folder } = await withServers(t, (folder) => [node('files', official('filesystem'), folder)]);
  const file = path.join(folder, 'a.txt');
  assert.match(await call('files__write_file', { path: file, content: 'first' }), /Successfully wrote/);
  assert.match(await call('files__read_text_file', { path: file }), /first/);
  await call('files__edit_file', { path: file, edits: [{ oldText: 'first', newText: 'second' }], dryRun: true });
  assert.equal(readFileSync(file, 'utf8'), 'first');
  await call('files__edit_file', { path: file, edits: [{ oldText: 'first', newText: 'second' }] });
  assert.equal(readFileSync(file, 'utf8'), 'second');
  assert.match(await call('files__read_text_file', { path: '/etc/hostname' }), /error.*denied/is);
  symlinkSync('/etc/hostname', path.join(folder, 'link'));
  assert.match(await call('files__read_text_file', { path: path.join(folder, 'link') }), /error.*denied/is);
  assert.match(await call('files__read_text_file', { path: path.join(folder, 'none') }), /ENOENT/);
  writeFileSync(path.join(folder, 'long.txt'), 'z'.repeat(200_000));
  assert.match(await call('files__read_text_file', { path: path.join(folder, 'long.txt') }), /cut here: these are the first \d+ of 200000 bytes/);
});

test('server-memory: what was put in one turn is there in the next', { skip: missing }, async (t) => {
  const { call } = await withServers(t, (folder) => [{ ...node('memory', official('memory')), env: [`MEMORY_FILE_PATH=${folder}/memory.jsonl`] }]);
  await call('memory__create_entities', { entities: [{ name: 'Rose', entityType: 'person', observations: ['likes tea'] }] });
  assert.match(await call('memory__search_nodes', { query: 'Rose' }), /likes tea/);
});

for (const mode of ['fine', 'garbage', 'pieces', 'strings', 'loud'])
  test(`a server that is ${mode} works`, async (t) => {
    const { call } = await oddly(t, mode);
    assert.match(await call('odd__work'), /"text":\s*"worked"|worked/);
    assert.match(await call('odd__work', { say: 'Gr\u00fc\u00dfe, \u{1f600}\nagain' }), /Gr\u00fc\u00dfe, \u{1f600}/u);
  });

test('a result of 5 MiB is cut before the model sees it', async (t) => {
  const { call } = await oddly(t, 'huge');
  const answer = await call('odd__work');
  assert.match(answer, /cut here: these are the first 61440 of 5242880 bytes/);
  assert.ok(answer.length < 80_000);
});

test('every request of a server is answered while it works', async (t) => {
  const { call } = await oddly(t, 'asks');
  assert.match(await call('odd__work'), /ping=fine roots\/list=-32601 sampling\/createMessage=-32601 elicitation\/create=-32601 no\/such=-32601/);
});

test('answers in another order reach their own askers', async (t) => {
  const { daemon, call, folder } = await oddly(t, 'order');
  const bob = await daemon.addUser('bob');
  const first = call('odd__work');
  await until('the first call', () => /call 1/.test(notes(folder)));
  const second = daemon.chat(bob, 'odd__work {}');
  const both = [await first, (await second).body.response];
  assert.deepEqual(both.map((text) => text.match(/first|second/)?.[0]), ['first', 'second']);
});

test('a call without an answer ends, is cancelled, and the conversation goes on', async (t) => {
  const { call, folder } = await oddly(t, 'silent', { idle_s: 2 });
  assert.match(await call('odd__work'), /no answer in 2 s; whether the tool has run is not known/);
  await until('the cancelling', () => /cancelled \d+/.test(notes(folder)));
  assert.match(await call('odd__work'), /no answer/);
});

test('a server that ends in a call: the model is told, nothing runs twice, and it is started again', async (t) => {
  const { call, state, folder } = await oddly(t, 'exits');
  assert.match(await call('odd__work'), /exited with status 3; whether the tool has run is not known/);
  assert.equal(notes(folder).match(/call/g).length, 1);
  await until('it to be back', async () => (await state('odd')).state === 'ready');
  assert.equal(notes(folder).match(/pid/g).length, 2);
});

test('a server that can not be started or ends at once: the others work, and status and doctor say why', async (t) => {
  const { daemon, call, state } = await withServers(t, () => [node('dead', odd, 'crashes'), { name: 'none', command: ['/nonexistent/program'], trusted: true }, node('odd', odd, 'fine')],
    { ready: false });
  await until('odd to be ready', async () => (await state('odd')).state === 'ready');
  await until('dead to be dead', async () => (await state('dead')).why);
  assert.match((await state('none')).why, /can't be started/);
  assert.match(await call('odd__work'), /worked/);
  const { stdout, status } = await daemon.cli('doctor');
  assert.notEqual(status, 0);
  assert.match(stdout, /fault +tools +dead: /);
  assert.match(stdout, /ok +tools +odd: ready, 1 tools/);
});

test('pages of tools: all of three, and not endlessly many', async (t) => {
  const { state, call } = await withServers(t, () => [node('three', odd, 'pages'), node('endless', odd, 'endless')]);
  assert.equal((await state('three')).tools, 3);
  assert.equal((await state('endless')).tools, 100);
  assert.match(await call('three__work2'), /worked/);
});

test('a server gets the environment that is named, and nothing else of ours', async (t) => {
  const { call } = await oddly(t, 'env', { env: ['MODE=fast', 'HANDED_ON'] }, { env: { HANDED_ON: 'yes', BOT_TOKEN_OF_OURS: 'sixteen letters!' } });
  const names = (await call('odd__work')).match(/[A-Z_]{3,}/g);
  assert.ok(names.includes('MODE') && names.includes('HANDED_ON') && names.includes('PATH'), String(names));
  assert.ok(!names.includes('BOT_TOKEN_OF_OURS') && !names.includes('USHER_CONFIG'), String(names));
});

test('servers end with the daemon, gently or not', async (t) => {
  for (const how of ['stop', 'kill']) {
    const { daemon, folder } = await oddly(t, 'stays');
    const pid = Number(notes(folder).match(/pid (\d+)/)[1]);
    if (how === 'stop') {
      await daemon.stop();
      await until('the end also of one that ignores the end of its input and SIGTERM', () => gone(pid));
    } else {
      await daemon.kill();
      try { process.kill(pid, 'SIGKILL'); } catch { /* it has ended: nobody was left who could have ended it */ }
    }
  }
});

test('settings that make no sense are refused with the line', async () => {
  for (const [entry, why] of [
    [{ name: 'a' }, /either a command or a url/],
    [{ name: 'a b', command: ['x'] }, /name/],
    [{ name: 'a', command: ['x'], env: ['NOT_SET_ANYWHERE'] }, /not set/],
    [{ name: 'a', command: ['x'], classes: ['x=often'] }, /classes/],
  ]) {
    const daemon = new Daemon({ tools: { mcp: [entry] } });
    await assert.rejects(daemon.start(), why);
    await daemon.finish();
  }
});
