// The record of everything proves itself: whoever edits the file of a stopped daemon is found out, erasure and retention are
// not taken for it, and what a crash cut off is on record.
import test from 'node:test';
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import path from 'node:path';
import { ModelServer } from '../servers/model.mjs';
import { Daemon, until } from './harness.mjs';

const sql = (daemon, text) => execFileSync('sqlite3', ['-cmd', '.timeout 20000', path.join(daemon.dir, 'usher.db'), text], { encoding: 'utf8' }).trim();
const rows = (daemon, where) => Number(sql(daemon, `SELECT count(*) FROM ai_agent_interactions WHERE ${where}`));

async function talked(t, messages, settings = {}) {
  const daemon = await new Daemon(settings).start();
  t.after(() => daemon.finish());
  const key = await daemon.addUser('ann');
  for (let n = 0; n < messages; n++) assert.equal((await daemon.chat(key, `message number ${n} of ann`)).status, 200);
  return { daemon, key };
}

async function edited(daemon, text) {
  await daemon.stop();
  sql(daemon, text);
  await daemon.start();
}

async function findings(daemon, ...more) {
  const { status, stdout, stderr } = await daemon.cli('audit', 'verify', '--json', ...more);
  assert.equal(stderr, '');
  const all = JSON.parse(stdout).flatMap((org) => org.findings);
  assert.equal(status, all.length ? 1 : 0, stdout);
  return all.map((f) => `${f.seq}: ${f.what}`);
}

test('a record nobody touched is proved, over restarts and crashes', async (t) => {
  const { daemon, key } = await talked(t, 3);
  assert.deepEqual(await findings(daemon), []);
  await daemon.kill();
  await daemon.start();
  await daemon.chat(key, 'add a task to paint the fence');
  assert.deepEqual(await findings(daemon), []);
  const said = await daemon.cli('audit', 'verify');
  assert.match(said.stdout, /the chain holds/);
  const [head] = await daemon.json('audit', 'head');
  assert.match(head.hash, /^[0-9a-f]{64}$/);
  assert.deepEqual(await findings(daemon, '--org', 'default', '--head', `${head.seq}:${head.hash}`), []);
  assert.equal((await daemon.cli('audit', 'verify', '--head', 'x')).status, 2);
  assert.equal((await daemon.cli('audit', 'verify', '--org', 'nobody')).status, 1);
});

const edits = {
  'changed input': ["UPDATE ai_agent_interactions SET input = 'x' WHERE seq = 3", /^3: changed: input or output/],
  'changed cost': ["UPDATE ai_agent_interactions SET cost_usd = '9.00' WHERE seq = 3", /^3: .*does not follow/],
  'removed from the middle': ['DELETE FROM ai_agent_interactions WHERE seq = 3', /^3: removed: rows 3 to 3/],
  'removed from the end': ['DELETE FROM ai_agent_interactions WHERE seq > 4', /^5: removed: rows 5 to \d+ at the end/],
  'inserted outside the chain': ["INSERT INTO ai_agent_interactions (org_id, agent_name, interaction_type) SELECT org_id, 'x', 'chat' FROM audit_heads LIMIT 1", /^0: inserted/],
  'inserted into it': [`UPDATE ai_agent_interactions SET seq = seq + 101 WHERE seq > 2; UPDATE ai_agent_interactions SET seq = seq - 100 WHERE seq > 100;
    INSERT INTO ai_agent_interactions (org_id, agent_name, interaction_type, seq, hash, content_hash) SELECT org_id, 'x', 'chat', 3, hash, content_hash FROM ai_agent_interactions WHERE seq = 2;
    UPDATE audit_heads SET seq = seq + 1 WHERE seq > 0`, /^4: inserted: 1 row/],
  swapped: ['UPDATE ai_agent_interactions SET seq = 99 WHERE seq = 2; UPDATE ai_agent_interactions SET seq = 2 WHERE seq = 5; UPDATE ai_agent_interactions SET seq = 5 WHERE seq = 99', /^2: swapped: it belongs at place 5/],
};
for (const [what, [edit, expected]] of Object.entries(edits))
  test(`a row ${what} is found and named`, async (t) => {
    const { daemon } = await talked(t, 6);
    await edited(daemon, edit);
    const found = await findings(daemon);
    assert.ok(found.some((f) => expected.test(f)), found.join('\n') || 'nothing found');
    const said = await daemon.cli('audit', 'verify');
    assert.equal(said.status, 1);
    assert.match(said.stdout, /not what was written/);
  });

test('a cut that moved the mark of the end too is found by a head kept elsewhere', async (t) => {
  const { daemon } = await talked(t, 5);
  const [head] = await daemon.json('audit', 'head');
  await edited(daemon, `DELETE FROM ai_agent_interactions WHERE seq > 3;
    UPDATE audit_heads SET seq = 3, hash = (SELECT hash FROM ai_agent_interactions WHERE seq = 3) WHERE seq > 0`);
  assert.deepEqual(await findings(daemon), []);
  assert.match((await findings(daemon, '--org', 'default', '--head', `${head.seq}:${head.hash}`))[0], /when its head was kept elsewhere/);
  await until('the log to say where the record ends', () => daemon.lines.some((line) => line.includes('the record of default ends with row 3:')));
});

test('the record holds each request of a storm, with kill -9 in it', async (t) => {
  const model = await new ModelServer().start();
  const daemon = await new Daemon({ models: [{ name: 'main', provider: 'openai', base_url: model.base, model: 'slow-200', api_key: model.key }] }).start();
  t.after(async () => { await daemon.finish(); await model.stop(); });
  const key = await daemon.addUser('ann');
  const say = (n) => daemon.chat(key, `storm ${n}`, {}, { 'idempotency-key': `storm-${n}` }).catch(() => null);
  for (let round = 0; round < 4; round++) {
    const before = model.requests.length, asked = Array.from({ length: 10 }, (_, n) => say(`${round}-${n}`));
    await until('the model to be busy', () => model.requests.length > before + 2);
    await daemon.kill();
    await Promise.all(asked);
    await daemon.start();
    await until('the rest to be answered', async () => { const { stored } = await daemon.json('status'); return stored.messages_accepted + stored.messages_claimed === 0; });
  }
  const attempts = model.requests.length, whole = rows(daemon, "interaction_type = 'chat'"), cut = rows(daemon, "interaction_type = 'interrupted'");
  assert.ok(cut > 0 && whole <= attempts && attempts <= whole + cut, `${attempts} requests, ${whole} rows, ${cut} cut off`);
  assert.deepEqual(await findings(daemon), []);
  const calm = model.requests.length;
  for (let n = 0; n < 10; n++) await say(`calm-${n}`);
  assert.equal(rows(daemon, "interaction_type = 'chat'") - whole, model.requests.length - calm, 'without a crash each request is a row');
});

test('erasure empties a person\'s words and keeps the chain', async (t) => {
  const { daemon, key } = await talked(t, 4);
  const bob = await daemon.addUser('bob');
  await daemon.chat(bob, 'message of bob that stays');
  assert.equal((await daemon.cli('audit', 'erase', '--user', 'ann')).status, 2, 'a reason is asked for');
  assert.equal((await daemon.cli('audit', 'erase', '--user', 'nobody', '--why', 'x')).status, 1);
  const done = await daemon.json('audit', 'erase', '--user', 'ann', '--why', 'asked for on paper');
  assert.equal(done.turns, 4);
  await daemon.stop();
  const dump = execFileSync('sqlite3', [path.join(daemon.dir, 'usher.db'), '.dump'], { encoding: 'utf8', maxBuffer: 1 << 26 });
  assert.ok(!dump.includes('of ann'), 'her words are nowhere');
  assert.ok(dump.includes('message of bob that stays'));
  await daemon.start();
  assert.deepEqual(await findings(daemon), []);
  const note = JSON.parse(sql(daemon, "SELECT metadata FROM ai_agent_interactions WHERE interaction_type = 'erasure'"));
  assert.equal(note.why, 'asked for on paper');
  assert.equal(note.rows, rows(daemon, 'erased_by IS NOT NULL'));
  assert.equal((await daemon.chat(key, 'and ann goes on')).status, 200);
});

test('one conversation is erased, the others stay', async (t) => {
  const { daemon, key } = await talked(t, 0);
  const one = await daemon.chat(key, 'the first conversation'), other = await daemon.chat(key, 'the second conversation');
  await daemon.json('audit', 'erase', '--conversation', String(one.body.conversation_id), '--why', 'x');
  const show = async (id) => (await daemon.json('conversation', 'show', String(id))).map((m) => m.content);
  assert.ok((await show(one.body.conversation_id)).includes('(erased)'));
  assert.notEqual(other.body.conversation_id, one.body.conversation_id);
  assert.ok((await show(other.body.conversation_id)).includes('the second conversation'));
  assert.deepEqual(await findings(daemon), []);
});

test('the export holds every row, as JSON and as CSV', async (t) => {
  const { daemon } = await talked(t, 3);
  const lines = (await daemon.cli('audit', 'export', '--org', 'default')).stdout.trim().split('\n').map((l) => JSON.parse(l));
  assert.equal(lines.length, rows(daemon, 'true'));
  assert.ok(lines.every((row) => row.hash && row.org_id && row.created_at));
  const csv = (await daemon.cli('audit', 'export', '--org', 'default', '--csv')).stdout.trim().split('\r\n');
  assert.equal(csv.length, lines.length + 1);
  assert.match(csv[0], /^id,org_id,user_id,agent_name,interaction_type,input,output,/);
  const fields = (line) => [...line.matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"|([^",]*))/g)].map(([, quoted, bare]) => quoted?.replaceAll('""', '"') ?? bare);
  const names = fields(csv[0]);
  for (const [n, line] of csv.slice(1).entries()) {
    assert.equal(fields(line).length, names.length, line);
    assert.deepEqual(JSON.parse(fields(line)[names.indexOf('metadata')]), lines[n].metadata);
  }
  assert.equal((await daemon.cli('audit', 'export', '--org', 'default', '--from', '2999-01-01')).stdout, '');
  assert.equal((await daemon.cli('audit', 'export', '--org', 'default', '--from', 'yesterday')).status, 2);
  assert.equal((await daemon.cli('audit', 'export')).status, 2);
});

test('retention empties contents and drops rows, and the rest is proved', async (t) => {
  const { daemon, key } = await talked(t, 4);
  await daemon.stop();
  sql(daemon, "UPDATE ai_agent_interactions SET created_at = '2020-01-01T00:00:00.000Z' WHERE seq <= 2");
  daemon.configure({ audit: { keep_days: 30, content_days: 7 } });
  await daemon.start();
  await until('the old rows to go', () => rows(daemon, 'seq <= 2') === 0);
  assert.deepEqual(await findings(daemon), []);
  await daemon.chat(key, 'a later message');
  assert.deepEqual(await findings(daemon), []);
  assert.match((await daemon.cli('audit', 'verify')).stdout, /up to 2 were dropped by retention/);
});

test('explain tells the way of a message with its tool calls', async (t) => {
  const { daemon, key } = await talked(t, 0);
  const said = await daemon.chat(key, 'add a task to paint the fence');
  const { stdout } = await daemon.cli('explain', said.body.message_id);
  for (const part of [/^said: add a task to paint the fence$/m, /tool add_task \(keyed\) answered after \d+ ms/, /arguments: \{.*paint the fence/, /result: \{.*created/, /model local\/.* answered/, /^Total: \d+ requests to models, 1 tool calls/m])
    assert.match(stdout, part);
  const story = stdout.indexOf('accepted'), tool = stdout.indexOf('tool add_task'), end = stdout.indexOf('Total:');
  assert.ok(story < tool && tool < end, stdout);
});
