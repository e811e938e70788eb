// Kills the daemon at every step of a message's way, and at random under load, and counts what that broke.
// Usage: node campaign.mjs [--short]      (USHER: the binary; CC: the compiler for the preloaded killer)
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { ModelServer } from '../servers/model.mjs';
import { Receiver } from '../servers/receiver.mjs';
import { Daemon, hookSecret, until, wait } from '../e2e/harness.mjs';

const short = process.argv.includes('--short');
const here = path.dirname(new URL(import.meta.url).pathname);
const work = mkdtempSync(path.join(tmpdir(), 'usher-campaign-'));
const killer = path.join(work, 'killpoint.so');
const broken = [];
const counts = { points: 0, randomKills: 0, messages: 0, answered: 0, resent: 0, callbacks: 0, repeatedCallbacks: 0 };

const note = (what) => {
  broken.push(what);
  console.log(`BROKEN: ${what}`);
};

const sql = (dir, query) =>
  execFileSync('sqlite3', [`${dir}/usher.db`, query], { encoding: 'utf8' }).trim();

function settings(model, receiver, modelName) {
  return {
    models: [{ name: 'main', provider: 'openai', base_url: model.base, model: modelName, api_key: model.key, first_byte_s: 10 }],
    users: { strangers: 'allow' },
    platforms: { webhook: [{ name: 'crm', secret: hookSecret, reply_url: `${receiver.url}/ok`, reply_loopback: true, merge: modelName !== 'tool-add_task' }] },
  };
}

// What must hold of the files of a daemon that has stopped, whatever happened to it.
function checkDatabase(dir, what) {
  const integrity = sql(dir, 'PRAGMA integrity_check');
  if (integrity !== 'ok') note(`${what}: integrity_check says ${integrity}`);
  const foreign = sql(dir, 'PRAGMA foreign_key_check');
  if (foreign !== '') note(`${what}: foreign_key_check says ${foreign}`);
  const twice = sql(dir, `SELECT count(*) FROM (SELECT m.id FROM "LLMConversationMessage" m JOIN "LLMTask" t ON t.id = m."llmTaskId"
    WHERE t.status = 'succeeded' GROUP BY m.id HAVING count(*) > 1)`);
  if (twice !== '0') note(`${what}: ${twice} turns have two finished tasks`);
  const twoReplies = sql(dir, 'SELECT count(*) FROM (SELECT turn_id FROM outbox WHERE turn_id IS NOT NULL GROUP BY turn_id, ord HAVING count(*) > 1)');
  if (twoReplies !== '0') note(`${what}: ${twoReplies} turns have two replies`);
  const open = sql(dir, "SELECT count(*) FROM inbox WHERE state IN ('accepted', 'claimed')");
  if (open !== '0') note(`${what}: ${open} messages without an end`);
}

// Sends until it is accepted, as every sender does; a killed daemon does not answer. Returns the accepted id.
async function deliver(daemon, body, id, headers) {
  try {
    const answer = await daemon.hook('crm', body, { id, headers });
    return answer.status === 202 ? answer.body.id : null;
  } catch {
    return null;
  }
}

// ---- every step of the way -----------------------------------------------------------------------------------

const scenarios = {
  webhook: {
    model: 'echo',
    async send(daemon, id, arm) {
      return (await deliver(daemon, { text: `hello ${id}`, sender: 'ann', conversation: 'room' }, id, arm ? { 'x-test': 'kill-arm' } : {})) !== null;
    },
    async done(daemon, receiver, id) {
      return receiver.received.some((r) => r.status === 200 && r.body.data.in_reply_to.includes(id));
    },
    check(dir, receiver, id, what) {
      const ids = new Set(receiver.received.filter((r) => r.body.data.in_reply_to.includes(id)).map((r) => r.id));
      if (ids.size !== 1) note(`${what}: answered under ${ids.size} ids`);
      for (const r of receiver.received)
        if (r.body.data.status !== 'answered' || !r.body.data.text.includes(id)) note(`${what}: wrong answer ${JSON.stringify(r.body)}`);
      if (sql(dir, 'SELECT count(*) FROM inbox') !== '1') note(`${what}: stored ${sql(dir, 'SELECT count(*) FROM inbox')} times`);
    },
  },
  chat: {
    model: 'tool-add_task',
    async send(daemon, id, arm) {
      try {
        const answer = await daemon.chat(daemon.key, `groceries ${id}`, {}, { 'idempotency-key': id, ...(arm && { 'x-test': 'kill-arm' }) });
        daemon.last = answer;
        return answer.status === 200;
      } catch {
        return false;
      }
    },
    async done(daemon) {
      return daemon.last?.status === 200;
    },
    check(dir, receiver, id, what, daemon) {
      if (!daemon.last.body.response.startsWith('done: ')) note(`${what}: wrong answer ${daemon.last.raw}`);
      const tasks = sql(dir, 'SELECT count(*) FROM tasks');
      if (tasks !== '1') note(`${what}: the tool made ${tasks} tasks`);
      if (sql(dir, 'SELECT count(*) FROM inbox') !== '1') note(`${what}: stored ${sql(dir, 'SELECT count(*) FROM inbox')} times`);
    },
  },
};

// One life: killed at point k, started again, asked again as a sender would. Returns false when k lies behind the end.
async function killAt(name, k, after) {
  const scenario = scenarios[name];
  const what = `${name}, ${after ? 'after' : 'before'} call ${k}`;
  const model = await new ModelServer().start();
  const receiver = await new Receiver(hookSecret).start();
  const countFile = path.join(work, 'count');
  const daemon = new Daemon(settings(model, receiver, scenario.model));
  let killed;
  try {
    await daemon.start();
    daemon.key = name === 'chat' ? await daemon.addUser('ann') : null;
    await daemon.stop();
    rmSync(countFile, { force: true });
    Object.assign(daemon.env, { LD_PRELOAD: killer, KILL_AT: String(k), KILL_AFTER: after ? '1' : '', KILL_COUNT: countFile });
    await daemon.start();
    const accepted = await scenario.send(daemon, `m-${k}`, true);
    await Promise.race([daemon.over, until('the end of a run', () => daemon.exited || (accepted && scenario.done(daemon, receiver, `m-${k}`)), 10)]);
    if (!daemon.exited) await wait(80); // the delivery is recorded a moment after the answer left
    killed = daemon.exited !== null;
    for (const name of ['LD_PRELOAD', 'KILL_AT', 'KILL_AFTER', 'KILL_COUNT']) delete daemon.env[name]; // for the lives to come
    if (killed) {
      await daemon.start();
      if (!accepted) {
        counts.resent++;
        if (!(await scenario.send(daemon, `m-${k}`, false))) note(`${what}: not accepted after the restart`);
      }
      await until(`the answer (${what})`, () => scenario.done(daemon, receiver, `m-${k}`), 10);
    }
    let end = await daemon.stop();
    if (end.signal === 'SIGKILL' && !killed) { // the point lies in the orderly stop: one more life
      killed = true;
      await daemon.start();
      end = await daemon.stop();
    }
    if (end.code !== 0) note(`${what}: the last life ended with ${JSON.stringify(end)}`);
    scenario.check(daemon.dir, receiver, `m-${k}`, what, daemon);
    checkDatabase(daemon.dir, what);
  } catch (error) {
    note(`${what}: ${error.message}`);
    killed = true;
    await daemon.kill();
  } finally {
    rmSync(daemon.dir, { recursive: true, force: true });
    await model.stop();
    await receiver.stop();
  }
  return killed;
}

async function everyStep() {
  for (const name of Object.keys(scenarios)) {
    // A run that is not killed tells how many calls there are; a few more are tried, since their number varies.
    await killAt(name, 0, false);
    const total = readFileSync(path.join(work, 'count')).readUInt16LE(0);
    const step = short ? Math.max(1, Math.floor(total / 6)) : 1;
    console.log(`${name}: ${total} calls on the way`);
    for (let k = 1; k <= total; k += step)
      for (const after of short ? [k % 2 === 0] : [false, true]) if (await killAt(name, k, after)) counts.points++;
  }
}

// ---- at random, under load ------------------------------------------------------------------------------------

async function random(kills) {
  const model = await new ModelServer({ keep: false }).start();
  const receiver = await new Receiver(hookSecret).start();
  const daemon = new Daemon(settings(model, receiver, 'slow-60'));
  const places = 10;
  const sent = new Map(); // conversation -> ids in the order they were accepted
  let running = true, restarting = null;

  await daemon.start();
  const senders = Array.from({ length: places }, async (_, place) => {
    const conversation = `room-${place}`;
    sent.set(conversation, []);
    for (let n = 0; running; n++) {
      const id = `r${place}-${n}`;
      // At most once into the order, however often it has to be sent.
      while ((await deliver(daemon, { text: `say ${id}`, sender: `user-${place}`, conversation }, id)) === null) {
        counts.resent++;
        await wait(20);
      }
      sent.get(conversation).push(id);
      counts.messages++;
      await wait(1000 / (50 / places));
    }
  });
  for (let i = 0; i < kills; i++) {
    await wait(60 + Math.random() * 500);
    await daemon.kill();
    counts.randomKills++;
    restarting = daemon.start();
    await restarting;
  }
  running = false;
  await Promise.all(senders);
  const all = [...sent.values()].flat();
  const answeredIds = () => new Set(receiver.received.filter((r) => r.status === 200).flatMap((r) => r.body.data.in_reply_to));
  await until('all answers', () => answeredIds().size >= all.length, 60).catch(() => {});
  const answered = answeredIds();
  counts.answered = all.filter((id) => answered.has(id)).length;
  for (const id of all) if (!answered.has(id)) note(`random: ${id} was accepted and never answered`);

  const idOf = new Map(); // source message -> webhook-id
  const order = new Map(); // conversation -> ids in the order of the answers
  for (const r of receiver.received) {
    counts.callbacks++;
    const first = !idOf.has(r.body.data.in_reply_to[0]);
    if (!first) counts.repeatedCallbacks++;
    if (r.body.data.status !== 'answered') note(`random: ended as ${r.body.data.status} (${r.body.data.text})`);
    for (const id of r.body.data.in_reply_to) {
      if (idOf.has(id) && idOf.get(id) !== r.id) note(`random: ${id} was answered under two ids`);
      idOf.set(id, r.id);
    }
    const place = r.body.data.in_reply_to[0].match(/^r(\d+)-/)[1];
    if (first) order.set(`room-${place}`, [...(order.get(`room-${place}`) ?? []), ...r.body.data.in_reply_to]);
  }
  for (const [conversation, ids] of sent)
    if (JSON.stringify(order.get(conversation) ?? []) !== JSON.stringify(ids)) note(`random: order in ${conversation} was not kept`);
  const end = await daemon.stop();
  if (end.code !== 0) note(`random: the last life ended with ${JSON.stringify(end)}`);
  checkDatabase(daemon.dir, 'random');
  rmSync(daemon.dir, { recursive: true, force: true });
  await model.stop();
  await receiver.stop();
}

execFileSync(process.env.CC ?? 'gcc', ['-shared', '-fPIC', '-O1', '-D_GNU_SOURCE', '-o', killer, path.join(here, 'killpoint.c'), '-ldl']);
const begun = Date.now();
await everyStep();
await random(short ? 8 : 200);
rmSync(work, { recursive: true, force: true });
console.log(`\nkill points on the way of a message: ${counts.points}
random kills under load:             ${counts.randomKills}
messages accepted under load:        ${counts.messages}
answered:                            ${counts.answered}
deliveries repeated by the sender:   ${counts.resent}
callbacks received:                  ${counts.callbacks} (${counts.repeatedCallbacks} repeated under their own id)
rules broken:                        ${broken.length}
seconds:                             ${Math.round((Date.now() - begun) / 1000)}`);
console.log(`${counts.points + counts.randomKills} passed, ${broken.length} failed`);
process.exit(broken.length ? 1 : 0);
