// The command line: every command for people and for programs, its exit status, and what it says when it can't.
import test from 'node:test';
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import path from 'node:path';
import { ModelServer } from '../servers/model.mjs';
import { Daemon, hookSecret, until } from './harness.mjs';

const commands = ['run', 'init', 'status', 'doctor', 'chat', 'explain', 'user', 'pair', 'installation', 'key', 'conversation', 'import', 'model', 'usage', 'budget', 'mcp', 'tool', 'dead-letters', 'audit', 'settings', 'version'];
const verbs = {
  user: { list: '', add: 'zoe --email zoe@example.org', enable: 'ann', disable: 'ann', role: 'ann member' },
  pair: { list: '', approve: 'ABCDEFGH', drop: 'ABCDEFGH', invite: '' },
  installation: { list: '', show: 'crm', enable: 'crm', disable: 'crm', remove: 'crm' },
  key: { list: '', add: 'ann more', revoke: 'XXXXXXXX' },
  conversation: { list: '', show: '1', rename: '1 title', archive: '1' },
  'dead-letters': { list: '', retry: 'r1', drop: 'r1' },
  audit: { head: '', verify: '', export: '--org default', erase: '--user ann --why x' },
};
const leaves = [['status'], ['chat', 'hello'], ['explain', '1'], ['usage'],
  ...Object.entries(verbs).flatMap(([command, all]) => Object.entries(all).map(([verb, words]) => [command, verb, ...words.split(' ').filter(Boolean)]))];

let daemon, key, said;
test.before(async () => {
  daemon = await new Daemon({ platforms: { webhook: [{ name: 'crm', secret: hookSecret }, { name: 'other', secret: hookSecret }] } }).start();
  key = await daemon.addUser('ann');
  said = await daemon.chat(key, 'add a task to paint the fence');
});
test.after(() => daemon.finish());

const sql = (on, text) => execFileSync('sqlite3', ['-cmd', '.timeout 20000', path.join(on.dir, 'usher.db'), text], { encoding: 'utf8' }).trim();
async function run(expected, ...words) {
  const result = await daemon.cli(...words);
  assert.equal(result.status, expected, `usher ${words.join(' ')}: ${result.status} ${result.stdout}${result.stderr}`);
  return result;
}
// A command that can't do it says why in one line on stderr and nothing on stdout.
async function refuses(pattern, ...words) {
  const { stdout, stderr } = await run(1, ...words);
  assert.equal(stdout, '', words.join(' '));
  assert.match(stderr, /^usher: [^\n]+\n$/, words.join(' '));
  assert.match(stderr, pattern);
}
// A list as JSON and as a table: each row is a line, under a heading.
async function listed(words, column) {
  const rows = await daemon.json(...words);
  const { stdout } = await run(0, ...words);
  const [heading, ...lines] = stdout.trim().split('\n');
  assert.ok(heading.split(/\s+/).includes(column), `${words.join(' ')}: ${heading}`);
  assert.equal(lines.length, rows.length, stdout);
  for (const row of rows) assert.ok(lines.some((line) => line.includes(String(row[column] ?? '-'))), `${row[column]} in ${stdout}`);
  return rows;
}

test('help of all and of each command, names near to a mistyped one', async () => {
  for (const words of [['--help'], ['help']]) {
    const { stdout } = await run(0, ...words);
    for (const command of commands) assert.match(stdout, new RegExp(`^ +${command} `, 'm'));
  }
  for (const command of commands) {
    const { stdout } = await run(0, command, '--help');
    assert.match(stdout, new RegExp(`^Usage: usher ${command}`));
    for (const verb of Object.keys(verbs[command] ?? {})) assert.match(stdout, new RegExp(`usher ${command} ${verb}`));
    assert.equal((await run(0, 'help', command)).stdout, stdout, 'help COMMAND is COMMAND --help');
    assert.ok(stdout.split('\n').every((line) => line.length <= 120), `${command}: a line does not fit a terminal`);
  }
  for (const [wrong, right] of [['staus', 'status'], ['docter', 'doctor'], ['key ad', 'add'], ['user lst', 'list'], ['dead-leters', 'dead-letters']])
    assert.match((await run(2, ...wrong.split(' '))).stderr, new RegExp(`did you mean "${right}"`));
  assert.doesNotMatch((await run(2, 'xylophone')).stderr, /did you mean/);
});

test('the examples of each help are right uses', async (t) => {
  const none = new Daemon();
  t.after(() => none.finish());
  for (const command of commands) {
    const { stdout } = await run(0, command, '--help');
    const lines = stdout.split('\nExamples:\n')[1].trimEnd().split('\n');
    for (const line of lines) {
      assert.match(line, new RegExp(`^  usher ${command}\\b`));
      if (['run', 'chat', 'mcp'].includes(command) || line.includes('<')) continue;
      const words = line.replace(/ +# .*$/, '').match(/"[^"]*"|\S+/g).slice(1).map((word) => word.replace(/^"|"$/g, ''));
      const config = words.indexOf('--config');
      if (config >= 0) words.splice(config, 2);
      const { status, stderr } = await none.cli(...words);
      assert.notEqual(status, 2, `${line}: ${stderr}`);
    }
  }
});

test('wrong use is status 2 with the right use in a line', async () => {
  for (const words of [['status', 'now'], ['tool', 'approve', 'no-slash'], ['explain'], ['explain', '1', '2'], ['user', 'add'], ['user', 'role', 'ann'], ['key', 'add', 'ann'], ['key', 'revoke'], ['pair', 'approve'],
    ['conversation', 'rename', '1'], ['dead-letters', 'retry'], ['usage', 'x'], ['user', 'add', 'bob'], ['usage', '--days', '0'], ['usage', '--days', 'x'], ['user'], ['--bogus', 'status'], ['--bogus'], ['status', '--name', 'x'], ['import', 'show', '1', '--out', '.'], ['chat', '--json', 'hello'], ['help', 'staus'], []]) {
    const { stderr, stdout } = await run(2, ...words);
    assert.match(stderr, /usher/, words.join(' '));
    assert.equal(stdout, '', words.join(' '));
  }
  assert.match((await run(2, 'status', '--jsn')).stderr, /did you mean "--json"\? See: usher status --help/);
});

test('without a daemon each command says how to start one, status 3', async (t) => {
  const none = new Daemon();
  t.after(() => none.finish());
  for (const words of leaves) {
    const { status, stdout, stderr } = await none.cli(...words);
    assert.deepEqual([status, stdout], [3, ''], words.join(' '));
    assert.match(stderr, /usher run/);
    assert.ok(!stderr.trim().includes('\n'), 'one line');
  }
  const doctor = await none.json('doctor');
  assert.ok(doctor.some((f) => f.check === 'daemon' && f.result === 'warning'), 'doctor looks alone');
  assert.ok(doctor.some((f) => f.check === 'database' && f.result === 'ok'));
  assert.deepEqual(['usher.db', 'usher.db.lock'].filter((name) => existsSync(path.join(none.dir, name))), [], 'a daemon that starts meanwhile finds nothing taken');
  await none.start();
  await none.stop();
  rmSync(path.join(none.dir, 'usher.db.lock'));
  assert.match((await none.json('doctor')).find((f) => f.check === 'database').message, /: ok$/);
  assert.ok(!existsSync(path.join(none.dir, 'usher.db.lock')), 'neither does it take one that is there');
  const mute = createServer((socket) => socket.end()).listen(path.join(none.dir, 'usher.sock'));
  t.after(() => mute.close());
  const { status, stdout } = await none.cli('doctor');
  assert.equal(status, 1);
  assert.match(stdout, /^fault +daemon +it could not be asked: usher status says why$/m, 'a daemon that is there and does not answer is not called missing');
  writeFileSync(none.config, 'listen = { port = "x"; };');
  for (const words of [['status'], ['doctor']]) {
    const wrong = await none.cli(...words);
    assert.equal(wrong.status, 1);
    assert.match(wrong.stderr, /usher\.conf:1.*port/);
  }
  assert.equal((await none.cli('version')).status, 0, 'what needs no settings works with wrong ones');
  none.config = none.dir;
  assert.match((await none.cli('status')).stderr, /no plain file; check --config/);
});

test('version and settings need nothing', async () => {
  assert.match((await run(0, 'version')).stdout, /^usher \d+\.\d+/);
  assert.match((await daemon.json('version')).version, /^\d+\.\d+/);
  const { stdout } = await run(0, 'settings');
  for (const name of ['listen', 'store', 'models', 'assistant', 'users', 'platforms', 'limits']) assert.match(stdout, new RegExp(`^${name} `, 'm'));
  assert.deepEqual(stdout.split('\n').filter((line) => line.length > 110 && / \S+ \S+$/.test(line.slice(60))), [], 'lines are wrapped');
});

test('status tells what runs', async () => {
  const status = await daemon.json('status');
  assert.equal(status.pid, daemon.child.pid);
  assert.deepEqual([status.ready, status.stopping, status.port], [true, false, daemon.port]);
  assert.deepEqual(status.core.platforms.map((p) => `${p.platform}/${p.name} ${p.link}`).sort(), ['api/chat up', 'webhook/crm up', 'webhook/other up']);
  const { stdout } = await run(0, 'status');
  assert.match(stdout, new RegExp(`pid: ${daemon.child.pid}`));
  assert.match(stdout, /^  platforms:\n    - platform: \w+\n      name: \w+\n      link: up$/m, 'a line for each thing, no JSON');
});

test('users: added, listed, given a role, disabled, enabled, refused', async () => {
  await run(0, 'user', 'add', 'bob', '--email', 'bob@example.org', '--name', 'Bob Grün', '--role', 'operator');
  const bob = (await listed(['user', 'list'], 'username')).find((u) => u.username === 'bob');
  assert.deepEqual([bob.display_name, bob.email, bob.role, bob.status, bob.keys], ['Bob Grün', 'bob@example.org', 'operator', 'active', 0]);
  await refuses(/taken/, 'user', 'add', 'bob', '--email', 'bob2@example.org');
  await refuses(/taken/, 'user', 'add', 'bob2', '--email', 'bob@example.org');
  await refuses(/role|member/, 'user', 'add', 'carl', '--email', 'c@example.org', '--role', 'king');
  await refuses(/nobody/, 'user', 'disable', 'nobody');
  await refuses(/role|member/, 'user', 'role', 'bob', 'king');
  await run(0, 'user', 'role', 'bob', 'owner');
  await run(0, 'user', 'disable', 'bob');
  const state = async () => { const u = (await daemon.json('user', 'list')).find((row) => row.username === 'bob'); return [u.role, u.status]; };
  assert.deepEqual(await state(), ['owner', 'disabled']);
  assert.match((await run(0, 'user', 'enable', 'bob')).stdout, /Enabled/);
  assert.deepEqual(await state(), ['owner', 'active']);
});

test('installations: listed, shown, switched off and on, not removed while they are configured', async () => {
  const rows = await listed(['installation', 'list'], 'name');
  assert.deepEqual(rows.map((r) => `${r.platform}/${r.name} ${r.enabled} ${r.link}`), ['api/chat true up', 'webhook/crm true up', 'webhook/other true up']);
  assert.equal((await daemon.json('installation', 'show', 'webhook/other')).name, 'other');
  assert.match((await run(0, 'installation', 'show', 'other')).stdout, /^platform: webhook$/m);
  assert.match((await run(0, 'installation', 'list', '--csv')).stdout, /^"webhook","other",,"on","up","[^"]+",\r$/m, 'what is empty is empty');
  assert.match((await run(0, 'installation', 'disable', 'other')).stdout, /Switched off/);
  assert.equal((await daemon.json('installation', 'show', 'other')).enabled, false);
  assert.ok((await daemon.json('doctor')).some((f) => f.result === 'warning' && /webhook\/other: switched off/.test(f.message)));
  assert.match((await run(0, 'installation', 'enable', 'webhook/other')).stdout, /Switched on/);
  assert.equal((await daemon.json('installation', 'show', 'other')).enabled, true);
  await refuses(/configured/, 'installation', 'remove', 'other');
  for (const verb of ['show', 'enable', 'disable', 'remove']) await refuses(/no installation nowhere/, 'installation', verb, 'nowhere');
});

test('keys: shown once, listed without their secret, revoked', async () => {
  const made = await run(0, 'key', 'add', 'ann', 'second');
  const secret = made.stdout.trim();
  daemon.heard({ key: secret });
  assert.match(secret, /^usher_[A-Za-z0-9]{8}_[A-Za-z0-9]{40}$/);
  assert.match(made.stderr, /only time/);
  const rows = await listed(['key', 'list'], 'key_id');
  assert.ok(!JSON.stringify(rows).includes(secret.slice(15)), 'the list has no secret');
  const row = rows.find((k) => k.key_name === 'second');
  assert.ok(secret.includes(row.key_id) && made.stderr.includes(row.key_id));
  assert.deepEqual([row.username, row.active, row.last_used_at], ['ann', true, null]);
  await refuses(/second/, 'key', 'add', 'ann', 'second');
  await refuses(/nobody/, 'key', 'add', 'nobody', 'x');
  await refuses(/NoSuchId/, 'key', 'revoke', 'NoSuchId');
  await run(0, 'key', 'revoke', row.key_id);
  assert.equal((await daemon.json('key', 'list')).find((k) => k.key_id === row.key_id).active, false);
  assert.equal((await daemon.request('GET', '/api/me/conversations', { key: secret })).status, 401);
  const stored = ['usher.db-wal', 'usher.db'].map((file) => readFileSync(path.join(daemon.dir, file), 'latin1')).join('');
  assert.ok(stored.includes(row.key_id) && !stored.includes(secret.slice(15)), 'at rest there is only its hash');
});

test('conversations: listed, shown, renamed, archived, by number and uuid', async () => {
  const { conversation_id: id, conversation_uuid: uuid } = said.body;
  await listed(['conversation', 'list'], 'conversation_id');
  assert.ok(!(await run(0, 'conversation', 'list')).stdout.includes(uuid), 'what only programs need is in --json');
  for (const name of [String(id), uuid]) {
    assert.match((await run(0, 'conversation', 'show', name)).stdout, /user\nadd a task to paint the fence/);
    assert.deepEqual((await daemon.json('conversation', 'show', name)).map((m) => m.role).filter((r) => r !== 'tool'), ['user', 'assistant', 'assistant']);
  }
  await run(0, 'conversation', 'rename', String(id), 'Zäune & Farben');
  assert.equal((await daemon.json('conversation', 'list')).find((c) => c.conversation_id === id).title, 'Zäune & Farben');
  await refuses(/title/, 'conversation', 'rename', String(id), ' ');
  await run(0, 'conversation', 'archive', uuid);
  assert.equal((await daemon.json('conversation', 'list')).find((c) => c.conversation_id === id).state, 'archived');
  for (const verb of ['show', 'archive']) for (const none of ['4711', '01900000-0000-7000-8000-000000000000', 'x', '99999999999999999999'])
    await refuses(/conversation/, 'conversation', verb, none);
});

test('explain tells a message\'s whole way, by uuid and number; usage counts it', async () => {
  const byUuid = await daemon.json('explain', said.body.message_id);
  assert.equal(byUuid.message.state, 'answered');
  assert.deepEqual(await daemon.json('explain', String(byUuid.message.id)), byUuid);
  const whats = byUuid.timeline.map((t) => t.what);
  for (const part of ['accepted', 'turn', 'tool add_task called', 'tool add_task answered', 'answered']) assert.ok(whats.some((w) => w.includes(part)), `${part} in ${whats}`);
  assert.match((await run(0, 'explain', said.body.message_id)).stdout, /state: answered/);
  await refuses(/no message/, 'explain', '4711');
  for (const by of ['day', 'model', 'user', 'platform']) {
    const rows = await listed(['usage', '--by', by], by === 'user' ? 'username' : by);
    assert.ok(rows.reduce((sum, row) => sum + row.requests, 0) >= 2);
  }
  await refuses(/day, model, user or platform/, 'usage', '--by', 'moon');
  assert.match((await run(0, 'dead-letters', 'list')).stdout, /Nothing is stuck/);
});

test('chat answers words, and lines that are typed, in one conversation', async () => {
  const typed = await daemon.type('add a task to feed the cat\nlist my tasks\n\nnever read\n', 'chat');
  assert.equal(typed.status, 0, typed.stderr);
  assert.match(typed.stdout, /feed the cat[^]*feed the cat/);
  assert.doesNotMatch(typed.stdout, /never read/);
  const [newest] = await daemon.json('conversation', 'list');
  assert.equal((await daemon.json('conversation', 'show', String(newest.conversation_id))).filter((m) => m.role === 'user').length, 2);
  assert.equal((await daemon.type(Buffer.from('gr\xfc\xdfe\n', 'latin1'), 'chat')).status, 1, 'not UTF-8');
  assert.equal((await daemon.type('', 'chat')).status, 0);
});

test('chat says when the model fails', async (t) => {
  const model = await new ModelServer().start();
  const own = await new Daemon({ models: [{ name: 'main', provider: 'openai', base_url: model.base, model: 'status-500', api_key: model.key }], assistant: { attempts: 1 } }).start();
  t.after(async () => { await own.finish(); await model.stop(); });
  const answer = await own.cli('chat', 'are', 'you', 'there');
  assert.equal(answer.status, 1);
  assert.match(answer.stderr, /usher: .*language model/);
});

test('doctor: one line a check; faults are status 1', async (t) => {
  const findings = await daemon.json('doctor');
  // The table of prices grows old, which is a warning.
  for (const check of ['settings', 'listen', 'prices', 'daemon', 'database', 'disk', 'model']) assert.ok(findings.some((f) => f.check === check && (f.result === 'ok' || check === 'prices')), `${check}: ${JSON.stringify(findings)}`);
  assert.ok(findings.some((f) => f.check === 'secrets' && f.result === 'warning' && f.message.includes('env:NAME')));
  const { stdout } = await run(0, 'doctor');
  assert.equal(stdout.trim().split('\n').length, findings.length);
  assert.ok(!stdout.includes(hookSecret));
  const own = await new Daemon({ models: [{ name: 'main', provider: 'openai', base_url: 'http://127.0.0.1:9/v1', model: 'x' }] }).start();
  t.after(() => own.finish());
  const sick = await own.cli('doctor');
  assert.equal(sick.status, 1);
  assert.match(sick.stdout, /fault +model/);
});

test('strangers: three codes at most, none twice, dropped and expired ones do not work', async () => {
  const say = async (sender, hook = 'crm') => (await daemon.hook(hook, { text: 'let me talk to you', sender, conversation: `${hook}-${sender}` }, { query: '?wait=60' })).body;
  const codeOf = (answer) => answer.reply.text.match(/\b[A-HJ-NP-Z2-9]{8}\b/)?.[0];
  const first = [];
  for (let i = 0; i < 3; i++) first.push(codeOf(await say('sam')));
  assert.equal(new Set(first.filter(Boolean)).size, 3);
  const fourth = await say('sam');
  assert.deepEqual([fourth.status, codeOf(fourth)], ['refused', undefined], JSON.stringify(fourth));
  assert.deepEqual((await listed(['pair', 'list'], 'code')).map((p) => p.code), first);
  await run(0, 'pair', 'drop', first[0]);
  await refuses(/dropped/, 'pair', 'approve', first[0]);
  assert.ok(codeOf(await say('sam')), 'a dropped code makes room');

  const tom = codeOf(await say('tom'));
  const approved = await daemon.json('pair', 'approve', `${tom.slice(0, 4)}-${tom.slice(4)}`.toLowerCase());
  assert.equal(approved.sender, 'tom', 'as people type it');
  assert.equal((await say('tom')).status, 'answered');
  assert.equal((await say('tom', 'other')).status, 'refused', 'the same name at another hook is somebody else');
  await refuses(/approved before/, 'pair', 'approve', tom);
  await refuses(/nobody waits/, 'pair', 'approve', 'AAAAAAAA');

  const uma = codeOf(await say('uma'));
  await daemon.json('pair', 'approve', uma, 'ann');
  assert.equal((await say('uma')).status, 'answered');
  assert.match((await daemon.json('user', 'list')).find((u) => u.username === 'ann').identities, /webhook\/crm/);
  await refuses(/nobody/, 'pair', 'approve', first[1], 'nobody');

  await daemon.stop();
  sql(daemon, "UPDATE pairing_codes SET expires_at = '2020-01-01T00:00:00.000Z' WHERE state = 'pending'");
  await daemon.start();
  await refuses(/expired/, 'pair', 'approve', first[2]);
  assert.match((await run(0, 'pair', 'list')).stdout, /Nobody waits/);
  assert.ok(codeOf(await say('sam')), 'expired codes make room');
});

test('a code to be known elsewhere: of the owner or of somebody by name, its hash alone is kept, three at most', async () => {
  const { stdout, stderr } = await run(0, 'pair', 'invite');
  assert.match(stdout, /^[A-Z0-9]{8}\n$/, 'one line that can be copied; no platform here has links');
  assert.match(stderr, new RegExp(`link ${stdout.trim()}.*Operator`));
  assert.equal(sql(daemon, `SELECT count(*) FROM link_codes WHERE code_hash LIKE '%${stdout.trim().toLowerCase()}%'`), '0');
  const ann = await daemon.json('pair', 'invite', 'ann');
  assert.deepEqual([ann.profile_id, ann.links], [(await daemon.json('user', 'list')).find((u) => u.username === 'ann').profile_id, []]);
  assert.match(ann.code, /^[A-Z0-9]{8}$/);
  await refuses(/nobody/, 'pair', 'invite', 'nobody');
  await run(0, 'pair', 'invite', 'ann');
  await run(0, 'pair', 'invite', 'ann');
  await refuses(/wait ten minutes/, 'pair', 'invite', 'ann');
});

test('a disabled person gets a polite line, not an answer', async () => {
  const say = () => daemon.hook('crm', { text: 'am I still welcome', sender: 'uma', conversation: 'crm-uma' }, { query: '?wait=60' });
  await run(0, 'user', 'disable', 'ann');
  const refused = await say();
  assert.ok(refused.status === 403 ? /switched off/.test(refused.body.error.message) : refused.body.status === 'refused' && /switched off/.test(refused.body.reply.text), refused.raw);
  await run(0, 'user', 'enable', 'ann');
  assert.equal((await say()).body.status, 'answered');
});

test('strangers by rule: allow lets them in, deny refuses without a word', async (t) => {
  for (const [strangers, status] of [['allow', 'answered'], ['deny', 'refused']]) {
    const own = await new Daemon({ users: { strangers }, platforms: { webhook: [{ name: 'crm', secret: hookSecret }] } }).start();
    t.after(() => own.finish());
    const { body } = await own.hook('crm', { text: 'may I speak to you', sender: 'vera' }, { query: '?wait=60' });
    assert.equal(body.status, status, JSON.stringify(body));
    if (status === 'refused') assert.deepEqual([body.reason, body.reply?.text], ['stranger', undefined]);
    assert.deepEqual(await own.json('pair', 'list'), []);
  }
});

test('what strangers wrote can\'t drive the terminal', async () => {
  const evil = 'red \u001b[31m alert \u0007 \u009b2J \u202e backwards';
  const { body } = await daemon.chat(key, evil);
  for (const words of [['conversation', 'show', String(body.conversation_id)], ['conversation', 'list'], ['explain', body.message_id]]) {
    const { stdout } = await run(0, ...words);
    assert.doesNotMatch(stdout, /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/, words.join(' '));
  }
  assert.equal((await daemon.json('conversation', 'show', String(body.conversation_id)))[0].content, evil, 'programs get it unchanged');
});

test('run --try prints one curl line that works as pasted', async (t) => {
  const own = new Daemon();
  t.after(() => own.finish());
  await own.start(['--try']);
  const line = await until('the line', () => own.stdout.match(/^curl .*$/m)?.[0]);
  const answer = JSON.parse(execFileSync('sh', ['-c', line], { encoding: 'utf8' }));
  assert.match(answer.response, /buy groceries/);
  own.heard({ key: line.match(/usher_\w+/)[0] });
});
