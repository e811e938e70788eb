// A message on its way through a chat platform, and the daemon killed at a given step of it: one life after the other until all is through.
// The killer counts from the words "kill-arm" on. Everything a person does that the daemon did not take is done again, as people and platforms do.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { ModelServer } from '../servers/model.mjs';
import { until, wait } from '../e2e/harness.mjs';
import { sql, wrongAttempts, wrongRows } from './scenarios.mjs';

export const arm = 'kill-arm';

// Asks again until it worked, as a person whose click showed an error. Bounded by the one who waits for the whole life.
export async function insist(s, ask) {
  for (let tries = 1; !s.over; tries++) {
    const answer = await ask(tries).catch(() => null);
    if (answer) return answer;
    await wait(50);
  }
  throw new Error('not taken before the end');
}

export const state = (s, query) => sql(s.daemon.dir, query);
// Nothing that is kept of what was said has these words any more: a change of it has arrived.
export const gone = (s, words) => state(s, `SELECT count(*) FROM inbox WHERE body LIKE '%${words}%'`) === '0';
export const idle = (s) => state(s, "SELECT (SELECT count(*) FROM inbox WHERE state IN ('accepted', 'claimed')) + (SELECT count(*) FROM outbox WHERE state IN ('pending', 'sending'))") === '0';

export function buildKiller(work) {
  const killer = path.join(work, 'killpoint.so'), here = path.dirname(new URL(import.meta.url).pathname);
  execFileSync(process.env.CC ?? 'gcc', ['-shared', '-fPIC', '-O1', '-D_GNU_SOURCE', '-o', killer, path.join(here, 'killpoint.c'), '-ldl']);
  return killer;
}

const killerNames = ['LD_PRELOAD', 'KILL_AT', 'KILL_AFTER', 'KILL_COUNT', 'KILL_ARMED'];

// People act once, however many lives it takes; what they insist on goes on over a restart.
function begin(s, scenario) {
  s.acting ??= scenario.act(s);
  s.acting.catch(() => {}); // whoever awaits it hears of it
  return s.acting;
}

// The first life: until it is killed, or everything is through.
async function doomedLife(s, scenario, kill) {
  if (!scenario.restarts) Object.assign(s.daemon.env, kill);
  await s.up();
  await scenario.prepare?.(s);
  if (scenario.restarts) Object.assign(s.daemon.env, kill);
  const life = (async () => {
    if (scenario.restarts) await s.up();
    await begin(s, scenario);
    await until('the end of a run', () => s.firstOver || scenario.done(s), 30);
    if (s.firstOver) return;
    await s.settled();
    await wait(300); // what is recorded a moment later
  })();
  const alive = life.catch(async (error) => { // perhaps because it was killed, which is told a moment later
    await wait(300);
    if (s.daemon.exited === null) throw error;
  });
  alive.catch(() => {});
  await Promise.race([s.daemon.over, alive]);
  s.firstOver = true;
}

// Killed at point k; started again; everything must be through and right in the end. False when k lies behind the end.
async function killAt({ name, scenario, build, leftBehind, k, after, killer, countFile, note, log, counts }) {
  const begun = Date.now();
  const what = `${name}, ${after ? 'after' : 'before'} call ${k}`;
  const say = (text) => note(`${what}: ${text}`);
  const model = await new ModelServer().start();
  let s, killed = false;
  rmSync(countFile, { force: true });
  try {
    s = await build(scenario, model);
    await doomedLife(s, scenario, { LD_PRELOAD: killer, KILL_AT: String(k), KILL_AFTER: after ? '1' : '', KILL_COUNT: countFile });
    for (const each of killerNames) delete s.daemon.env[each]; // for the lives to come
    killed = s.daemon.exited !== null;
    if (killed) {
      if (s.daemon.exited.signal !== 'SIGKILL') say(`ended by itself: ${JSON.stringify(s.daemon.exited)}`);
      await s.up();
      await begin(s, scenario);
      await until('the end', () => {
        if (s.daemon.exited) throw new Error(`the daemon ended by itself: ${JSON.stringify(s.daemon.exited)}`);
        return scenario.done(s);
      }, 40);
      await s.settled();
      await wait(300);
    }
    let end = await s.daemon.stop();
    if (end.signal === 'SIGKILL' && !killed) { // the point lies in the orderly stop: one more life
      killed = true;
      await s.up();
      end = await s.daemon.stop();
    }
    if (end.code !== 0) say(`the last life ended with ${JSON.stringify(end)}`);
    await scenario.check(s, say);
    leftBehind(s, say, counts);
    [...wrongRows(s.daemon.dir, scenario.held), ...wrongAttempts(s.daemon.dir, model.attempts)].forEach(say);
    s.daemon.checkLog();
  } catch (error) {
    say(`${error.message}\n  ${s?.daemon.lines.slice(-14).join('\n  ')}`);
    killed = true;
  } finally {
    const took = Math.round((Date.now() - begun) / 1000);
    if (took >= slow) log(`  ${what}: took ${took} s\n    ${s?.daemon.lines.slice(-14).join('\n    ')}`);
    if (s) {
      s.over = true;
      if (s.daemon.exited === null) await s.daemon.kill();
      rmSync(s.daemon.dir, { recursive: true, force: true });
      await s.world.stop();
    }
    await model.stop();
  }
  return killed;
}

const slow = 20; // seconds of one life that are worth some lines

// Takes one out of a list: one that comes first if there is, else any, so that time that is short is short for all alike.
export function anyOf(list, first = () => false) {
  const at = list.findIndex(first);
  return list.splice(at < 0 ? Math.floor(Math.random() * list.length) : at, 1)[0];
}

// Tells every half minute how far it came. Returns what stops it.
export function progress(log, line) {
  const begun = Date.now(), timer = setInterval(() => log(`  ${line()}, ${Math.round((Date.now() - begun) / 1000)} s`), 30_000);
  return () => clearInterval(timer);
}

// Every way, at points spread over all calls on it. points: all ways together. lanes: lives at a time. seconds: no life begins after them, and
// what was left out is counted. at: {k, after}, the only point.
// platform: {name, scenarios, build: makes a stage with `world`, the stand-in; leftBehind: tells and counts what was left of previews}.
export async function killPoints(platform, { points, killer, work, note, only = null, at = null, lanes = 3, seconds = Infinity, log = console.log }) {
  const counts = { points: 0, kills: 0, leftOut: 0, previews: 0, calls: {} }, { name: kind, scenarios, ...how } = platform, begun = Date.now();
  const names = Object.keys(scenarios).filter((name) => !only || only.includes(name));
  const each = Math.max(1, Math.ceil(points / names.length));
  const jobs = names.map((name) => ({ name, k: 0, after: false }));
  const run = async (lane) => {
    for (let job; (job = anyOf(jobs, (one) => one.k === 0));) {
      if (Date.now() - begun > seconds * 1000) {
        counts.leftOut += job.k > 0 ? 1 : each;
        continue;
      }
      const countFile = path.join(work, `count-${kind}-${lane}`);
      const killed = await killAt({ ...how, ...job, scenario: scenarios[job.name], killer, countFile, note, log, counts });
      counts.points += job.k > 0;
      counts.kills += job.k > 0 && killed;
      if (job.k > 0) continue;
      // A run that is not killed tells how many calls there are.
      if (!existsSync(countFile)) {
        if (!killed) note(`${kind} ${job.name}: the killer was never armed`); // else it was told what went wrong
        continue;
      }
      const total = readFileSync(countFile).readUInt16LE(0);
      counts.calls[job.name] = total;
      log(`${kind} ${job.name}: ${total} calls on the way`);
      for (let i = 0; i < each; i++) jobs.push(at ? { name: job.name, ...at } : { name: job.name, k: 1 + Math.floor((i * total) / each + (total / each) * Math.random()), after: i % 2 === 1 });
    }
  };
  const end = progress(log, () => `${kind}: ${counts.points} of ${each * names.length} points, ${counts.kills} kills`);
  await Promise.all(Array.from({ length: lanes }, (_, lane) => run(lane)));
  end();
  const least = counts.points < 10 ? Math.min(1, counts.points) : counts.points / 2; // a life may have fewer calls than the one that was counted: of three points two may be missed by chance
  if (counts.kills < least) note(`${kind}: killed at ${counts.kills} of ${counts.points} points only`); // else the most of it was not tried
  return counts;
}

// A file of scenarios as a program of its own:
//   node campaign/FILE POINTS [SCENARIO...]      (USHER: the binary; CC: the compiler; LANES: lives at a time; SECONDS: no life begins after them;
//   AT: such a call, "283" before it, "283+" after it, and each point is this one)
export async function main(platform) {
  const [points = 20, ...only] = process.argv.slice(2);
  const work = mkdtempSync(path.join(tmpdir(), `usher-${platform.name}-points-`));
  const killer = buildKiller(work), broken = [];
  const [, k, after] = process.env.AT?.match(/^(\d+)(\+?)$/) ?? [], at = k ? { k: Number(k), after: Boolean(after) } : null;
  const counts = await killPoints(platform, { at, points: Number(points), killer, work, only: only.length ? only : null, lanes: Number(process.env.LANES ?? 3), seconds: Number(process.env.SECONDS ?? Infinity),
    note: (text) => { broken.push(text); console.log(`BROKEN: ${text}`); } });
  rmSync(work, { recursive: true, force: true });
  console.log(JSON.stringify(counts), `${broken.length} broken`);
  process.exit(broken.length ? 1 : 0);
}
