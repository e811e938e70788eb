// Kills the daemon at every step of a message's way, and at random under load, and counts what that broke.
// Usage: node campaign.mjs [--short | --all] [--minutes N]      (USHER: the binary; CC: the compiler for the preloaded killer)
// Each stage tells how far it is, and its figures when it ends. One that had to leave something out for want of time says how much.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { ModelServer } from '../servers/model.mjs';
import { Receiver } from '../servers/receiver.mjs';
import { Daemon, hookSecret, until, wait } from '../e2e/harness.mjs';
import { anyOf, buildKiller, killPoints, progress } from './lives.mjs';
import { discordWays } from './scenarios-discord.mjs';
import { importWays } from './scenarios-imports.mjs';
import { slackWays } from './scenarios-slack.mjs';
import { telegramWays } from './scenarios-telegram.mjs';
import { deliver, scenarios, sql, wrongAttempts, wrongRows } from './scenarios.mjs';
import { discordEndurance, printDiscord } from './discord.mjs';
import { importEndurance, printImports } from './imports.mjs';
import { printEndurance, slackEndurance } from './slack.mjs';
import { printTools, toolEndurance } from './tools.mjs';
import { printTelegram, telegramEndurance } from './telegram.mjs';

const short = process.argv.includes('--short');
const all = process.argv.includes('--all'); // every single call, before and after it: hours
const minutes = Number(process.argv[process.argv.indexOf('--minutes') + 1] || NaN) || (all ? 600 : 100);
const work = mkdtempSync(path.join(tmpdir(), 'usher-campaign-'));
const killer = buildKiller(work);
const broken = [];
const counts = { points: 0, leftOut: 0, randomKills: 0, messages: 0, answered: 0, resent: 0, callbacks: 0, repeatedCallbacks: 0 };

const note = (what) => {
  broken.push(what);
  console.log(`BROKEN: ${what}`);
};

function settings(model, receiver, { model: name, merge = false, reply = '/ok', strangers = 'allow' }) {
  return {
    models: [{ name: 'main', provider: 'openai', base_url: model.base, model: name, api_key: model.key, first_byte_s: 10 }],
    users: { strangers },
    platforms: { webhook: [{ name: 'crm', secret: hookSecret, reply_url: receiver.url + reply, reply_loopback: true, merge }] },
  };
}

const checkDatabase = (dir, what, attempts) => [...wrongRows(dir), ...wrongAttempts(dir, attempts)].forEach((wrong) => note(`${what}: ${wrong}`));

// ---- every step of the way -----------------------------------------------------------------------------------

const killerNames = ['LD_PRELOAD', 'KILL_AT', 'KILL_AFTER', 'KILL_COUNT', 'KILL_ARMED'];

// Sends to a daemon that will be killed; through the end of its life, or of the message's way. Returns whether it was accepted.
async function doomedLife(daemon, scenario, receiver, id) {
  let accepted = false;
  try {
    await daemon.start();
    accepted = await scenario.send(daemon, id, true);
  } catch (error) {
    if (!daemon.exited) throw error;
  }
  await Promise.race([daemon.over, until('the end of a run', () => daemon.exited || (accepted && scenario.done(daemon, receiver, id)), 10)]);
  if (!daemon.exited) await wait(80); // the delivery is recorded a moment after the answer left
  return accepted;
}

// One life: killed at point k, started again, asked again as a sender would. Returns false when k lies behind the end.
async function killAt(name, k, after, countFile) {
  const scenario = scenarios[name], id = `m-${k}`;
  const what = `${name}, ${after ? 'after' : 'before'} call ${k}`;
  const model = await new ModelServer().start();
  const receiver = await new Receiver(hookSecret).start();
  const daemon = new Daemon(settings(model, receiver, scenario));
  let killed;
  try {
    if (!scenario.first) {
      await daemon.start();
      daemon.key = scenario.user ? await daemon.addUser('ann') : null;
      await daemon.stop();
    }
    rmSync(countFile, { force: true });
    Object.assign(daemon.env, { LD_PRELOAD: killer, KILL_AT: String(k), KILL_AFTER: after ? '1' : '', KILL_COUNT: countFile, KILL_ARMED: scenario.first ? '1' : '' });
    const accepted = await doomedLife(daemon, scenario, receiver, id);
    killed = daemon.exited !== null;
    for (const each of killerNames) delete daemon.env[each]; // for the lives to come
    if (killed) {
      await daemon.start();
      if (!accepted) {
        counts.resent++;
        if (!(await scenario.send(daemon, id, false))) note(`${what}: not accepted after the restart`);
      }
      await until('the answer', () => {
        if (daemon.exited) throw new Error(`the daemon ended by itself: ${JSON.stringify(daemon.exited)}`);
        return scenario.done(daemon, receiver, id);
      }, 10);
      await wait(80);
    }
    let end = await daemon.stop();
    if (end.signal === 'SIGKILL' && !killed) { // the point lies in the orderly stop: one more life
      killed = true;
      await daemon.start();
      end = await daemon.stop();
    }
    if (end.code !== 0) note(`${what}: the last life ended with ${JSON.stringify(end)}`);
    scenario.check(daemon.dir, receiver, id, (text) => note(`${what}: ${text}`), daemon);
    checkDatabase(daemon.dir, what, model.attempts);
    if (receiver.unsigned) note(`${what}: ${receiver.unsigned} callbacks were not signed`);
    daemon.checkLog();
  } catch (error) {
    note(`${what}: ${error.message}\n  ${daemon.lines.slice(-12).join('\n  ')}`);
    killed = true;
    await daemon.kill();
  } finally {
    rmSync(daemon.dir, { recursive: true, force: true });
    await model.stop();
    await receiver.stop();
  }
  return killed;
}

// Every kind of message, at every call on its way.
async function everyStep(seconds) {
  const begun = Date.now();
  const jobs = [], countFile = (lane) => path.join(work, `count-${lane}`);
  const end = progress(console.log, () => `${counts.points} points, ${jobs.length} to come`);
  for (const name of Object.keys(scenarios)) {
    // A run that is not killed tells how many calls there are.
    await killAt(name, 0, false, countFile(0));
    const total = readFileSync(countFile(0)).readUInt16LE(0);
    const step = all ? 1 : Math.max(1, Math.floor(total / (short ? 2 : 80)));
    console.log(`${name}: ${total} calls on the way`);
    for (let k = 1; k <= total; k += step)
      for (const after of short ? [k % 2 === 0] : [false, true]) jobs.push([name, k, after]);
  }
  const run = async (lane) => {
    for (let job; (job = anyOf(jobs));)
      if (Date.now() - begun > seconds * 1000) counts.leftOut++;
      else if (await killAt(...job, countFile(lane))) counts.points++;
  };
  await Promise.all([0, 1, 2].map(run));
  end();
  return { points: counts.points, leftOut: counts.leftOut };
}

// ---- at random, under load ------------------------------------------------------------------------------------

// Returns how often it was killed.
async function random(kills, seconds) {
  const begun = Date.now(), stop = progress(console.log, () => `${counts.randomKills} kills, ${counts.messages} messages`);
  const model = await new ModelServer({ keep: false }).start();
  const receiver = await new Receiver(hookSecret).start();
  const daemon = new Daemon(settings(model, receiver, { model: 'slow-60', merge: true }));
  const places = 10;
  const sent = new Map(); // conversation -> ids in the order they were accepted
  const survived = new Map(); // id of what is not answered -> how many kills
  let running = true;

  await daemon.start();
  const senders = Array.from({ length: places }, async (_, place) => {
    const conversation = `room-${place}`;
    sent.set(conversation, []);
    for (let n = 0; running; n++) {
      const id = `r${place}-${n}`;
      survived.set(id, 0);
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
  const answeredIds = () => new Set(receiver.received.filter((r) => r.status === 200).flatMap((r) => r.body.data.in_reply_to));
  // Three crashes at the same message set it aside, as they should: what has lived through two is answered first.
  const spared = () => {
    for (const id of answeredIds()) survived.delete(id);
    return [...survived.values()].every((times) => times < 2);
  };
  try {
    for (let i = 0; i < kills && Date.now() - begun < seconds * 1000; i++) {
      await wait(60 + Math.random() * 500);
      await until('what was interrupted twice', spared, 60);
      await daemon.kill();
      counts.randomKills++;
      for (const [id, times] of survived) survived.set(id, times + 1);
      await daemon.start();
    }
  } finally {
    running = false;
    stop();
  }
  await Promise.all(senders);
  const all = [...sent.values()].flat();
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
  checkDatabase(daemon.dir, 'random', model.attempts);
  const stored = sql(daemon.dir, 'SELECT count(*) FROM inbox');
  if (stored !== String(all.length)) note(`random: ${all.length} messages were accepted, ${stored} are stored`);
  if (receiver.unsigned) note(`random: ${receiver.unsigned} callbacks were not signed`);
  daemon.checkLog();
  rmSync(daemon.dir, { recursive: true, force: true });
  await model.stop();
  await receiver.stop();
  return { kills: counts.randomKills };
}

// ---- all of it -------------------------------------------------------------------------------------------------

function printRandom() {
  console.log(`random kills under load:             ${counts.randomKills}
messages accepted under load:        ${counts.messages}
answered:                            ${counts.answered}
deliveries repeated by the sender:   ${counts.resent}
callbacks received:                  ${counts.callbacks} (${counts.repeatedCallbacks} repeated under their own id)`);
}

const points = (ways, [full, long, quick], only) => async (seconds) => {
  const found = await killPoints(ways, { points: all ? full : short ? quick : long, only: short ? only : null, killer, work, note, seconds });
  counts.points += found.kills;
  counts.leftOut += found.leftOut;
  return found;
};
const printPoints = ({ points: tried, kills = tried, leftOut }) => console.log(`points: ${tried}, killed: ${kills}, left out: ${leftOut}`);

// What is done, its share of the time, and how its figures are printed.
const stages = {
  'webhook and chat, step by step': [15, everyStep, printPoints],
  'slack, step by step': [8, points(slackWays, [2000, 390, 8]), printPoints],
  'telegram, step by step': [4, points(telegramWays, [1000, 150, 5]), printPoints],
  'discord, step by step': [12, points(discordWays, [2000, 400, 3], ['command', 'replayed', 'missed']), printPoints],
  'imports, step by step': [10, points(importWays, [2000, 300, 4], ['made', 'chat']), printPoints],
  'at random, under load': [5, (seconds) => random(short ? 3 : 200, seconds), printRandom],
  'slack, a long day': [12, (seconds) => slackEndurance({ messages: short ? 60 : 1000, kills: short ? 2 : 20, note, check: checkDatabase, seconds }), printEndurance],
  'telegram, a long day': [8, (seconds) => telegramEndurance({ chats: short ? 5 : 25, lines: short ? 6 : 20, kills: short ? 2 : 20, note, check: checkDatabase, seconds }), printTelegram],
  'discord, a long day': [8, (seconds) => discordEndurance({ talkers: short ? 6 : 50, lines: short ? 5 : 20, kills: short ? 1 : 20, missed: !short, note, check: checkDatabase, seconds }), printDiscord],
  'tool calls': [10, (seconds) => toolEndurance({ calls: short ? 120 : 10_000, note, check: checkDatabase, seconds }), printTools],
  'files': [8, (seconds) => importEndurance({ files: short ? 0 : 300, kills: 60, readers: short ? 4 : 80, note, seconds }), printImports],
};

const begun = Date.now(), passed = (from) => Math.round((Date.now() - from) / 1000);
let kills = 0, doing = '';
const overdue = setTimeout(() => {
  note(`not through after ${passed(begun)} s: ${doing}`);
  finish();
}, minutes * 1.5 * 60_000);

function finish() {
  clearTimeout(overdue);
  console.log(`
killed on the way of a message:      ${counts.points} (${counts.leftOut} points left out for want of time)
killed under load:                   ${kills}
rules broken:                        ${broken.length}
seconds:                             ${passed(begun)}
${counts.points + kills} passed, ${broken.length} failed`);
  process.exit(broken.length ? 1 : 0);
}

for (const [name, [share, run, print]] of Object.entries(stages)) {
  const at = Date.now(), before = broken.length, shares = Object.entries(stages).slice(Object.keys(stages).indexOf(name)).reduce((sum, [, [each]]) => sum + each, 0);
  doing = name;
  console.log(`== ${name}`);
  try {
    const found = await run(((minutes * 60 - passed(begun)) * share) / shares);
    print(found);
    if (found.points === undefined) kills += found.kills + (found.readers ?? 0);
  } catch (error) {
    note(`${name}: ${error.stack}`);
  }
  console.log(`-- ${name}: ${broken.length - before} broken, ${passed(at)} s`);
}
rmSync(work, { recursive: true, force: true });
finish();
