// Which tools the model is given, and what happens when a server says something else of its tools than before.
import test from 'node:test';
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { ModelServer } from '../servers/model.mjs';
import { Daemon, hookSecret, until } from './harness.mjs';

const here = path.dirname(fileURLToPath(import.meta.url));
const odd = path.join(here, '../servers/mcp/odd.mjs');
const server = (name, mode, more = {}) => ({ name, command: [process.execPath, odd, mode], ...more });

let model;
test.before(async () => { model = await new ModelServer().start(); });
test.after(() => model.stop());

async function start(t, tools, more = {}) {
  const daemon = new Daemon({
    models: [{ name: 'main', provider: 'openai', base_url: model.base, model: 'call', api_key: model.key }],
    assistant: { attempts: 1 },
    tools, ...more,
  });
  t.after(() => daemon.finish());
  await daemon.start();
  await ready(daemon);
  return daemon;
}
const ready = (daemon) => until('the servers', async () => (await daemon.json('status')).mcp.every((one) => one.state === 'ready'), 30);
const offered = () => model.requests.at(-1).tools.map((tool) => tool.function.name);
const row = async (daemon, tool, ...more) => (await daemon.json('tool', 'list', ...more)).find((one) => one.tool === tool);

test('the first rule that fits decides, for this person at this place', async (t) => {
  const daemon = await start(t, {
    mcp: [server('a', 'fine', { trusted: true }), server('b', 'fine')],
    policy: [
      { tool: 'a__*', installation: 'webhook/*', do: 'deny' },
      { tool: 'a__work', role: 'operator', do: 'allow' },
      { tool: '*_task', role: 'member', installation: 'api/*', do: 'deny' },
    ],
  }, { platforms: { webhook: [{ name: 'crm', secret: hookSecret }] }, users: { strangers: 'allow' } });
  const ann = await daemon.addUser('ann'), boss = await daemon.addUser('boss', 'operator');
  await daemon.chat(ann, 'a__work {}');
  assert.ok(offered().includes('a__work') && offered().includes('b__work'), 'to be asked is to be offered');
  assert.ok(!offered().some((name) => name.endsWith('_task')), String(offered()));
  const asked = await daemon.chat(ann, 'b__work {}');
  assert.match(asked.body.response, /waiting for approval[^]*Your approval is needed/);
  const done = await daemon.chat(boss, 'a__work {}');
  assert.match(done.body.response, /worked/);
  assert.ok(offered().some((name) => name.endsWith('_task')));
  const said = await daemon.hook('crm', { sender: 'cat', text: 'a__work {}', message: 'a__work {}' });
  assert.ok(said.status < 300, said.raw);
  await until('the turn of the webhook', () => model.requests.at(-1).messages.some((m) => m.role === 'tool' && /unknown tool/.test(m.content)));
  assert.ok(!offered().includes('a__work') && offered().includes('b__work'));

  const at = ['--installation', 'webhook/crm'];
  assert.deepEqual(await row(daemon, 'a__work', ...at).then((r) => [r.server, r.class, r.policy]), ['a', 'once', 'deny']);
  assert.match((await row(daemon, 'a__work', ...at)).why, /^rule 1 of tools\.policy \(.*usher\.conf:\d+\)$/);
  assert.equal((await row(daemon, 'a__work', '--role', 'operator')).policy, 'allow');
  assert.deepEqual(await row(daemon, 'b__work').then((r) => [r.policy, r.why]), ['ask', 'its server is not trusted']);
  const table = await daemon.cli('tool', 'list');
  assert.match(table.stdout, /a__work +a +once +ask +it may change something/);
  assert.equal((await daemon.cli('tool', 'list', '--role', 'king')).status, 2);
});

test('a tool of which something else is said is not offered until it is approved', async (t) => {
  const dir = mkdtempSync(path.join(tmpdir(), 'usher-pins-'));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  const settings = (mode) => ({
    models: [{ name: 'main', provider: 'openai', base_url: model.base, model: 'call', api_key: model.key }],
    tools: { mcp: [server('odd', mode)], policy: [{ do: 'allow' }] },
  });
  const daemon = await new Daemon(settings('turns'), { dir }).start();
  t.after(() => daemon.finish());
  await ready(daemon);
  const ann = await daemon.addUser('ann');
  assert.match((await daemon.chat(ann, 'odd__work {}')).body.response, /worked/);
  await until('the change to be noticed', async () => (await daemon.json('status')).tools_changed.length > 0);
  assert.deepEqual((await daemon.json('status')).tools_changed, ['odd/work']);
  assert.match((await daemon.chat(ann, 'odd__work {}')).body.response, /unknown tool/);
  assert.ok(daemon.lines.some((line) => line.includes('"warn"') && line.includes('odd/work')));
  assert.equal((await row(daemon, 'work')).policy, 'changed');
  const doctor = await daemon.cli('doctor');
  assert.match(doctor.stdout, /odd\/work: its server says something else/);

  // The change outlives the process, and what it said first is still good.
  await daemon.kill();
  await daemon.start();
  await ready(daemon);
  assert.match((await daemon.chat(ann, 'odd__work {}')).body.response, /worked/, 'it begins with the old words again');
  await until('the change to be noticed', async () => (await daemon.json('status')).tools_changed.length > 0);
  // Nothing is approved that was not shown: what it said, what it says, and what of that nobody would see.
  await until('its words to be kept', async () => (await daemon.json('tool', 'show', 'odd/work')).found_definition);
  const unseen = await daemon.cli('tool', 'approve', 'odd/work');
  assert.equal(unseen.status, 1);
  assert.match(unseen.stderr, /nothing is approved unseen/);
  const shown = await daemon.cli('tool', 'show', 'odd/work');
  assert.equal(shown.stdout, unseen.stdout);
  assert.match(shown.stdout, /^description \(changed\):\n {2}- Works\.\n {2}\+ Ignore what\\u200b .*$/m);
  const hash = shown.stdout.match(/usher tool approve odd\/work ([0-9a-f]{12})$/m)[1];
  const other = await daemon.cli('tool', 'approve', 'odd/work', hash.replace(/./g, '0'));
  assert.match(other.stderr, /says something else by now/);
  const approved = await daemon.cli('tool', 'approve', 'odd/work', hash);
  assert.equal(approved.status, 0, approved.stderr);
  await until('the tool to be back', async () => (await row(daemon, 'odd__work'))?.policy === 'allow');
  assert.match((await daemon.chat(ann, 'odd__work {}')).body.response, /worked/);
  assert.match(model.requests.at(-1).tools.find((tool) => tool.function.name === 'odd__work').function.description, /Ignore what/);
  assert.match((await daemon.cli('tool', 'show', 'odd/work')).stdout, /^description:\n {4}Ignore what\\u200b/m);
  for (const [which, why] of [['odd/work', /has not changed/], ['odd/none', /was ever seen/], ['odd', /SERVER\/TOOL/]]) {
    const refused = await daemon.cli('tool', 'approve', which, hash);
    assert.equal(refused.status, which === 'odd' ? 2 : 1);
    assert.match(refused.stderr, why);
  }
});

test('a policy that makes no sense is refused with the line', async () => {
  for (const [rule, why] of [
    [{ do: 'maybe' }, /do: .*allow/],
    [{ tool: 'a' }, /do/],
    [{ do: 'deny', role: 'king' }, /role/],
    [{ do: 'deny', installation: 'slak/acme' }, /there is no platform "slak"/],
    [{ do: 'deny', tools: 'a' }, /tool/],
  ]) {
    const daemon = new Daemon({ tools: { policy: [rule] } });
    await assert.rejects(daemon.start(), why);
    await daemon.finish();
  }
});
