// Attacks on what was accepted: kills on a full disk, clocks that jump, a successor that does not wait, storms of orderly
// ends. Nothing may be lost, answered twice or left without an end.
import test from 'node:test';
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { ModelServer } from '../servers/model.mjs';
import { Receiver } from '../servers/receiver.mjs';
import { Daemon, binary as daemonBinary, hookSecret, until, wait } from './harness.mjs';

const sql = (file, text) => execFileSync('sqlite3', ['-cmd', '.timeout 20000', file, text], { encoding: 'utf8' }).trim();

function settings(model, receiver, name, extra = {}) {
  return {
    models: [{ name: 'main', provider: 'openai', base_url: model.base, model: name, api_key: model.key }],
    users: { strangers: 'allow' },
    platforms: { webhook: [{ name: 'crm', secret: hookSecret, reply_url: `${receiver.url}/ok`, reply_loopback: true, merge: false }] },
    ...extra,
  };
}

async function stage(t, name, extra) {
  const model = await new ModelServer().start();
  const receiver = await new Receiver(hookSecret).start();
  const daemon = new Daemon(settings(model, receiver, name, extra));
  t.after(async () => { await daemon.finish(); await model.stop(); await receiver.stop(); });
  return { model, receiver, daemon };
}

const say = (daemon, id, place = 'room', text = `hello ${id}`) =>
  daemon.hook('crm', { text, sender: 'ann', conversation: place }, { id }).catch(() => ({ status: 0 }));

const answers = (receiver, id) => receiver.received.filter((r) => r.body.data.in_reply_to.includes(id));

async function allAnswered(receiver, ids) {
  await until('all answers', () => ids.every((id) => answers(receiver, id).length > 0), 30);
  for (const id of ids) {
    assert.equal(new Set(answers(receiver, id).map((r) => r.id)).size, 1, `${id} was answered under one id`);
    for (const r of answers(receiver, id)) assert.equal(r.body.data.status, 'answered', JSON.stringify(r.body));
  }
}

test('orderly ends in the middle of answers, many in a row, set nothing aside', async (t) => {
  const { receiver, daemon } = await stage(t, 'slow-300');
  const ids = [];
  await daemon.start();
  for (let round = 0; round < 6; round++) {
    ids.push(`m${round}`);
    assert.equal((await say(daemon, `m${round}`)).status, 202);
    assert.equal((await daemon.stop()).code, 0);
    const starting = daemon.start().catch(() => {}); // and one that is told to end before it is ready
    await wait(round * 8);
    assert.ok([0, null].includes((await daemon.stop()).code));
    await starting;
    await daemon.start();
  }
  await allAnswered(receiver, ids);
  assert.deepEqual(receiver.received.map((r) => r.body.data.in_reply_to[0]), ids, 'in their order');
});

test('a successor that starts while the first one is killed takes over or says who is in the way', async (t) => {
  const { receiver, daemon } = await stage(t, 'slow-50');
  const next = new Daemon({ ...daemon.settings });
  t.after(() => next.finish());
  const ids = [];
  let [now, then] = [await daemon.start(), next];
  for (let round = 0; round < 8; round++) {
    const id = `m${round}`;
    ids.push(id);
    assert.equal((await say(now, id)).status, 202);
    const starting = then.start().catch((error) => error);
    if (round % 2) await wait(round * 3);
    await now.kill();
    const outcome = await starting;
    if (outcome instanceof Error) {
      assert.match(outcome.message, /in use by another usher/);
      await then.start();
    }
    [now, then] = [then, now];
    await allAnswered(receiver, ids); // three crashes in one answer would set it aside
  }
  await now.stop();
  assert.equal(sql(`${daemon.dir}/usher.db`, "SELECT count(*) FROM inbox WHERE state <> 'answered'"), '0');
});

test('kills while the disk is full lose nothing that was accepted', { skip: process.getuid() !== 0 && 'needs root for a small file system' }, async (t) => {
  const { receiver, daemon } = await stage(t, 'echo', { limits: { disk_reserve_mb: 0 } });
  const disk = path.join(daemon.dir, 'disk');
  mkdirSync(disk);
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=5m', 'tmpfs', disk], { stdio: 'ignore' });
  } catch {
    return t.skip('no small file system can be mounted here');
  }
  daemon.configure({ ...daemon.settings, store: { url: `sqlite:${disk}/usher.db` } });
  const ids = [];
  try {
    await daemon.start();
    for (let round = 0, n = 0; round < 4; round++) {
      for (let refused = 0; refused < 3 && n < 2000; n++) {
        const answer = await say(daemon, `m${n}`, `c${n % 7}`, `m${n} ${'x'.repeat(9000)}`);
        if (answer.status === 202) ids.push(`m${n}`);
        else refused++;
      }
      execFileSync('mount', ['-o', `remount,size=${6 + round}m`, disk]);
      await daemon.kill();
      await daemon.start();
    }
    execFileSync('mount', ['-o', 'remount,size=64m', disk]);
    assert.ok(ids.length > 20);
    await allAnswered(receiver, ids);
  } finally {
    await daemon.stop();
    assert.equal(sql(`${disk}/usher.db`, 'PRAGMA integrity_check'), 'ok');
    assert.equal(sql(`${disk}/usher.db`, "SELECT count(*) FROM inbox WHERE state IN ('accepted', 'claimed')"), '0');
    execFileSync('umount', [disk]);
  }
});

// The wall clock as the daemon sees it is that of the system plus the seconds in a file.
const clock = `
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
int clock_gettime(clockid_t which, struct timespec *out)
{
	static int (*real)(clockid_t, struct timespec *);
	if (!real) *(void **)&real = dlsym(RTLD_NEXT, "clock_gettime");
	int code = real(which, out);
	if (which == CLOCK_REALTIME) {
		FILE *file = fopen(getenv("CLOCK_FILE"), "re");
		long seconds = 0;
		if (file) { if (fscanf(file, "%ld", &seconds) != 1) seconds = 0; fclose(file); }
		out->tv_sec += seconds;
	}
	return code;
}`;

test('a clock that jumps back and forth keeps order, times that rise, and every answer', async (t) => {
  const { receiver, daemon } = await stage(t, 'echo');
  receiver.webhook = null; // signatures of such a clock are refused, and rightly
  const folder = mkdtempSync(path.join(tmpdir(), 'usher-clock-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const file = path.join(folder, 'clock'), shim = path.join(folder, 'clock.so');
  writeFileSync(`${shim}.c`, clock);
  execFileSync(process.env.CC ?? 'gcc', ['-shared', '-fPIC', '-D_GNU_SOURCE', '-o', shim, `${shim}.c`, '-ldl']);
  const set = (seconds) => writeFileSync(file, String(seconds));
  set(0);
  // A sanitizer's own library must come first; a release build names none.
  const first = execFileSync('ldd', [daemonBinary], { encoding: 'utf8' }).match(/=> (\S*libasan\S*)/)?.[1];
  Object.assign(daemon.env, { LD_PRELOAD: [first, shim].filter(Boolean).join(' '), CLOCK_FILE: file });
  await daemon.start();
  const ids = [];
  for (const seconds of [0, -7200, -100, 0, 86400 * 30, 0, -86400, 60]) {
    set(seconds);
    ids.push(`m${ids.length}`);
    const id = ids.at(-1), text = JSON.stringify({ text: `hello ${id}`, sender: 'ann', conversation: 'room' });
    const answer = await daemon.hook('crm', text, { id, at: new Date(Date.now() + seconds * 1000) });
    assert.equal(answer.status, 202, answer.raw);
    await until(`the answer to ${id}`, () => answers(receiver, id).length > 0, 10);
  }
  await daemon.stop();
  const db = `${daemon.dir}/usher.db`;
  assert.equal(sql(db, "SELECT count(*) FROM inbox WHERE state = 'answered'"), String(ids.length));
  assert.equal(sql(db, `SELECT count(*) FROM (SELECT "timestamp" AS at, lag("timestamp") OVER (ORDER BY id) AS before FROM message) WHERE before >= at`), '0');
});

test('what was set aside after three crashes begins at once when the operator says so', async (t) => {
  const model = await new ModelServer().start(), receiver = await new Receiver(hookSecret).start();
  const daemon = new Daemon(settings(model, receiver, 'hang'));
  t.after(async () => { await daemon.finish(); await model.stop(); await receiver.stop(); });
  await daemon.start();
  await daemon.hook('crm', { text: 'hello there', sender: 'ann', conversation: 'room' });
  for (let crash = 1; crash <= 3; crash++) {
    await until('it to be begun', () => model.requests.length === crash);
    await daemon.kill();
    if (crash === 3) daemon.configure(settings(model, receiver, 'echo'));
    await daemon.start();
  }
  await until('the notice', () => receiver.received.length === 1);
  const [letter] = await daemon.json('dead-letters', 'list');
  assert.equal((await daemon.cli('dead-letters', 'retry', letter.id)).status, 0);
  await until('the answer', () => receiver.received.length === 2);
  assert.deepEqual(receiver.received.map((r) => r.body.data.status), ['quarantined', 'answered']);
});
