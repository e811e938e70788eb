// Files that are locked, newer, corrupt or full; ports that are taken; a second daemon: each says what is wrong and what to
// do, and touches nothing.
import test from 'node:test';
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { Daemon, hookSecret, until, wait } from './harness.mjs';

const sql = (daemon, text) => execFileSync('sqlite3', ['-cmd', '.timeout 20000', path.join(daemon.dir, 'usher.db'), text], { encoding: 'utf8' }).trim();

async function startFails(daemon, pattern, code = 1) {
  await assert.rejects(() => daemon.start(), pattern);
  assert.equal((await daemon.over).code, code);
}

test('files that were kept before there was a key are sealed by the next start with one', async (t) => {
  const daemon = await new Daemon().start(), file = path.join(daemon.dir, 'people.csv'), blobs = path.join(daemon.dir, 'blobs');
  t.after(() => daemon.finish());
  for (let i = 0; i < 4; i++) {
    writeFileSync(file, `name,amount\nEva Example,${i}\n`);
    await daemon.json('import', file, '--as', 'turn this into JSON');
  }
  const [made] = (await daemon.json('import', file, '--as', 'turn this into JSON')).files;
  const kept = () => readdirSync(blobs, { recursive: true }).map(String).filter((name) => /[0-9a-f]{64}(\.s)?$/.test(name)).sort(), before = kept();
  assert.ok(before.length >= 8 && !before.some((name) => name.endsWith('.s')));
  await daemon.stop();
  daemon.configure({ ...daemon.settings, store: { key: Buffer.alloc(32, 7).toString('base64') } });
  await daemon.start();
  await until('all to be sealed', () => kept().every((name) => name.endsWith('.s')));
  assert.deepEqual(kept(), before.map((name) => `${name}.s`));
  assert.deepEqual((await daemon.request('GET', made.link)).body, [{ name: 'Eva Example', amount: 3 }], 'what was given out leads there still');
});

test('a second daemon on the same files is refused and told who has them', async (t) => {
  const first = await new Daemon().start();
  t.after(() => first.finish());
  const second = new Daemon({ store: { url: `sqlite:${first.dir}/usher.db` } });
  t.after(() => second.finish());
  await startFails(second, new RegExp(String(first.child.pid)));
  const key = await first.addUser('ann');
  assert.equal((await first.chat(key, 'help')).status, 200, 'the first one is not disturbed');
});

test('a taken port is named', async (t) => {
  const server = net.createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const daemon = new Daemon({ listen: { address: '127.0.0.1', port: server.address().port } });
  t.after(() => { server.close(); return daemon.finish(); });
  await startFails(daemon, new RegExp(`${server.address().port}`));
});

test('a database of a newer version is refused with what to do', async (t) => {
  const daemon = await new Daemon().start();
  t.after(() => daemon.finish());
  await daemon.stop();
  sql(daemon, "INSERT INTO schema_version SELECT 9999, name, sha256, applied_at FROM schema_version LIMIT 1");
  await startFails(daemon, /newer/);
});

test('a changed migration is noticed', async (t) => {
  const daemon = await new Daemon().start();
  t.after(() => daemon.finish());
  await daemon.stop();
  sql(daemon, "UPDATE schema_version SET sha256 = replace(sha256, substr(sha256, 1, 1), 'f')");
  await startFails(daemon, /another build of schema step/);
});

test('a file that is not a database is left as it is', async (t) => {
  const daemon = new Daemon();
  t.after(() => daemon.finish());
  const file = path.join(daemon.dir, 'usher.db'), text = 'this is a shopping list, not a database\n'.repeat(200);
  writeFileSync(file, text);
  await startFails(daemon, /not a database/);
  assert.equal(readFileSync(file, 'utf8'), text);
});

test('a full disk accepts nothing, loses nothing, and recovers by itself', { skip: process.getuid() !== 0 && 'needs root for a small file system' }, async (t) => {
  const daemon = new Daemon({ limits: { disk_reserve_mb: 0 }, users: { strangers: 'allow' }, platforms: { webhook: [{ name: 'crm', secret: hookSecret }] } });
  const disk = path.join(daemon.dir, 'disk');
  mkdirSync(disk);
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=3m', 'tmpfs', disk], { stdio: 'ignore' });
  } catch {
    return t.skip('no small file system can be mounted here');
  }
  t.after(async () => { await daemon.finish(); });
  daemon.configure({ ...daemon.settings, store: { url: `sqlite:${disk}/usher.db` } });
  try {
    await daemon.start();
    const accepted = [];
    let refused = 0;
    const send = async (n) => {
      const answer = await daemon.hook('crm', { text: `note ${n} ` + 'x'.repeat(20000), sender: 'ann', conversation: `c${n}` }, { id: `m${n}` });
      if (answer.status === 202) accepted.push(answer.body);
      else {
        assert.equal(answer.status, 503, answer.raw);
        assert.ok(answer.headers.get('retry-after'));
        refused++;
      }
    };
    for (let n = 0; n < 400 && refused < 3; n++) await send(n);
    assert.ok(refused > 0, 'the disk got full');
    assert.equal(daemon.exited, null, 'a full disk is no reason to die');
    execFileSync('mount', ['-o', 'remount,size=32m', disk]);
    await until('messages to be accepted again', async () => { const before = accepted.length; await send(1000 + accepted.length); await wait(100); return accepted.length > before; });
    for (const { id, poll_token } of accepted)
      await until(`an end of ${id}`, async () => (await daemon.request('GET', `/webhook/crm/messages/${id}`, { key: poll_token })).body.status === 'answered');
  } finally {
    await daemon.stop();
    assert.equal(execFileSync('sqlite3', [`${disk}/usher.db`, 'PRAGMA integrity_check'], { encoding: 'utf8' }).trim(), 'ok');
    execFileSync('umount', [disk]);
  }
});

test('settings: a mistyped name stops the start with file, line and the nearest name; SIGHUP is all or nothing', async (t) => {
  const daemon = new Daemon();
  t.after(() => daemon.finish());
  const good = readFileSync(daemon.config, 'utf8');
  writeFileSync(daemon.config, 'listen = {\n  prot = 80;\n};\n');
  await startFails(daemon, /usher\.conf:2: unknown setting "prot" in listen; did you mean "port"/);
  writeFileSync(daemon.config, good);
  await daemon.start();
  const pid = daemon.child.pid;
  writeFileSync(daemon.config, 'listen = { prot = 80; };');
  daemon.child.kill('SIGHUP');
  await until('the refusal', () => daemon.lines.some((l) => l.includes('not reloaded')));
  assert.equal((await daemon.request('GET', '/healthz')).status, 200);
  writeFileSync(daemon.config, good + 'assistant = { system_prompt = "new"; };\n');
  const ready = daemon.lines.filter((l) => l.includes('ready after')).length;
  daemon.child.kill('SIGHUP');
  await until('the new start', () => daemon.lines.filter((l) => l.includes('ready after')).length > ready);
  assert.equal(daemon.child.pid, pid, 'the process stays the same for its supervisor');
});
