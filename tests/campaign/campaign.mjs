// Kills the daemon at every step of a message's way, and at random under load, and counts what that broke.
// Usage: node campaign.mjs [--short | --all]      (USHER: the binary; CC: the compiler for the preloaded killer)
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { ModelServer } from '../servers/model.mjs';
import { Receiver } from '../servers/receiver.mjs';
import { Daemon, hookSecret, until, wait } from '../e2e/harness.mjs';
import { buildKiller, killPoints } from './lives.mjs';
import { discordWays } from './scenarios-discord.mjs';
import { importWays } from './scenarios-imports.mjs';
import { slackWays } from './scenarios-slack.mjs';
import { telegramWays } from './scenarios-telegram.mjs';
import { deliver, scenarios, wrongRows } from './scenarios.mjs';
import { discordEndurance, printDiscord } from './discord.mjs';
import { importEndurance, printImports } from './imports.mjs';
import { printEndurance, slackEndurance } from './slack.mjs';
import { printTools, toolEndurance } from './tools.mjs';
import { printTelegram, telegramEndurance } from './telegram.mjs';

const short = process.argv.includes('--short');
const all = process.argv.includes('--all'); // every single call, before and after it: half an hour
const work = mkdtempSync(path.join(tmpdir(), 'usher-campaign-'));
const killer = buildKiller(work);
const broken = [];
const counts = { points: 0, randomKills: 0, messages: 0, answered: 0, resent: 0, callbacks: 0, repeatedCallbacks: 0 };

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

const checkDatabase = (dir, what, ends) => wrongRows(dir, ends).forEach((wrong) => note(`${what}: ${wrong}`));

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
async function killAt(name, k, after) {
  const scenario = scenarios[name], id = `m-${k}`;
  const what = `${name}, ${after ? 'after' : 'before'} call ${k}`;
  const model = await new ModelServer().start();
  const receiver = await new Receiver(hookSecret).start();
  const countFile = path.join(work, 'count');
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
    checkDatabase(daemon.dir, what);
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
async function everyStep() {
  for (const name of Object.keys(scenarios)) {
    // A run that is not killed tells how many calls there are; a few more are tried, since their number varies.
    await killAt(name, 0, false);
    const total = readFileSync(path.join(work, 'count')).readUInt16LE(0);
    const step = all ? 1 : Math.max(1, Math.floor(total / (short ? 2 : 80)));
    console.log(`${name}: ${total} calls on the way`);
    for (let k = 1; k <= total; k += step)
      for (const after of short ? [k % 2 === 0] : [false, true]) if (await killAt(name, k, after)) counts.points++;
  }
}

// ---- at random, under load ------------------------------------------------------------------------------------

async function random(kills) {
  const model = await new ModelServer({ keep: false }).start();
  const receiver = await new Receiver(hookSecret).start();
  const daemon = new Daemon(settings(model, receiver, { model: 'slow-60', merge: true }));
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

const begun = Date.now();
await everyStep();
counts.points += (await killPoints(slackWays, { points: all ? 2000 : short ? 8 : 390, killer, work, note })).points;
counts.points += (await killPoints(telegramWays, { points: all ? 1000 : short ? 5 : 150, killer, work, note })).points;
counts.points += (await killPoints(discordWays, { points: all ? 2000 : short ? 3 : 400, only: short ? ['command', 'replayed', 'missed'] : null, killer, work, note })).points;
counts.points += (await killPoints(importWays, { points: all ? 2000 : short ? 4 : 300, only: short ? ['made', 'chat'] : null, killer, work, note })).points;
await random(short ? 3 : 200);
const slack = await slackEndurance({ messages: short ? 60 : 1000, kills: short ? 2 : 20, note, check: checkDatabase });
const telegram = await telegramEndurance({ chats: short ? 5 : 25, lines: short ? 6 : 20, kills: short ? 2 : 20, note, check: checkDatabase });
const discord = await discordEndurance({ talkers: short ? 6 : 50, lines: short ? 5 : 20, kills: short ? 1 : 20, missed: !short, note, check: checkDatabase });
const tools = await toolEndurance({ calls: short ? 120 : 10_000, note, check: checkDatabase });
const imports = await importEndurance({ files: short ? 0 : 300, kills: 60, readers: short ? 4 : 80, note });
rmSync(work, { recursive: true, force: true });
console.log(`\nkill points on the way of a message: ${counts.points}
random kills under load:             ${counts.randomKills}
messages accepted under load:        ${counts.messages}
answered:                            ${counts.answered}
deliveries repeated by the sender:   ${counts.resent}
callbacks received:                  ${counts.callbacks} (${counts.repeatedCallbacks} repeated under their own id)
`);
printEndurance(slack);
console.log('');
printTelegram(telegram);
console.log('');
printDiscord(discord);
console.log('');
printTools(tools);
console.log('');
printImports(imports);
console.log(`
rules broken:                        ${broken.length}
seconds:                             ${Math.round((Date.now() - begun) / 1000)}`);
console.log(`${counts.points + counts.randomKills + slack.kills + telegram.kills + discord.kills + tools.lives + imports.kills + imports.readers} passed, ${broken.length} failed`);
process.exit(broken.length ? 1 : 0);
