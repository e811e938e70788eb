// A long day of a bot in a guild: direct messages, a channel, threads and forum posts, while connections are cut and moved, sessions
// end, answers are lost, limits met, and the daemon killed. The stand-in counts. Then ten minutes in which it was down.
//   node campaign/discord.mjs [TALKERS LINES KILLS]            (USHER: the binary)
import { ModelServer } from '../servers/model.mjs';
import { until } from '../e2e/harness.mjs';
import { longDay, Stage } from '../e2e/discord-kit.mjs';
import { progress } from './lives.mjs';
import { sql } from './scenarios.mjs';

const minute = 60_000;

function judge(s, report, note) {
  for (const [what, list] of Object.entries({ lost: report.lost, 'answered twice': report.twice, 'answered elsewhere': report.misplaced, 'out of order': report.disorder, 'sent twice': report.copies }))
    for (const each of list.slice(0, 20)) note(`discord: ${what}: ${each}`);
}

// It stops in good order, and what it leaves behind is right.
async function close(s, model, note, check) {
  await s.settled({ strays: Infinity, killed: true }).catch((error) => note(`discord: ${error.message}`));
  const end = await s.daemon.stop();
  if (end.code !== 0) note(`discord: the last life ended with ${JSON.stringify(end)}`);
  check(s.daemon.dir, 'discord', model.attempts);
  s.daemon.checkLog();
  await s.daemon.finish();
  await s.discord.stop();
  await model.stop();
}

// Each kill and each trouble may cost one IDENTIFY at most, and each of them is counted in the database before it goes out.
function stormless(s, most, note) {
  const { identifies, tokenResets } = s.discord.counts, { count } = JSON.parse(sql(s.daemon.dir, "SELECT text FROM plugin_texts WHERE platform = 'discord' AND name = 'identifies'"));
  if (identifies > most) note(`discord: ${identifies} IDENTIFYs, at most ${most} had a reason`);
  if (count < identifies) note(`discord: ${identifies} IDENTIFYs, and ${count} are counted`);
  if (tokenResets) note('discord: the token was reset');
}

// 50 messages in 5 channels were said in ten minutes without a session. The clock can't be turned: what is remembered is set back.
async function downForTenMinutes({ note, check, seed }) {
  const model = await new ModelServer({ keep: false }).start();
  const s = await new Stage(null, model, { modelName: 'ids', discord: { seed } }).build(), { people, ann, app, discord, daemon } = s, now = Date.now();
  const channels = Array.from({ length: 5 }, (_, i) => discord.world.addChannel(s.guild, `room-${i}`));
  await s.answer(people.tell(ann, app, 'a word before the night'));
  await until('how far it came', () => sql(daemon.dir, "SELECT count(*) FROM plugin_texts WHERE name = 'shard/0' AND text LIKE '%session%'") === '1');
  await daemon.kill();
  discord.gateway.forget(app);
  s.guild.joined.set(app.id, new Date(now - 24 * 60 * minute).toISOString());
  sql(daemon.dir, `UPDATE plugin_texts SET text = json_set(text, '$.seen', '${BigInt(now - 10 * minute - 1_420_070_400_000) << 22n}') WHERE platform = 'discord' AND name = 'shard/0'`);
  for (let i = 0; i < 50; i++) people.mention(ann, channels[i % 5], app, `line [#m${i}]`, { wants: `m${i}`, at: now - 10 * minute + (i + 1) * 10_000 });
  await s.up();
  await until('half of the answers', () => discord.tally.open.length <= 25, 40).catch(() => {});
  await daemon.kill(); // in the middle of it
  await s.up();
  await until('all answers', () => discord.tally.open.length === 0, 60).catch(() => {});
  const report = discord.tally.report();
  judge(s, report, note);
  if (discord.counts.identifies > 3) note(`discord: ${discord.counts.identifies} IDENTIFYs of three lives`);
  await close(s, model, note, check);
  return report;
}

// Returns {report, missed, counts, kills, troubles, seconds}; note is told what is wrong.
export async function discordEndurance({ talkers = 50, lines = 20, kills = 20, missed = true, note, check = () => {}, seed = 5, seconds = 900, troubleMs = 3000 }) {
  const begun = Date.now();
  const missing = missed ? downForTenMinutes({ note, check, seed }) : null; // a test of its own, too: e2e/discord-faults
  const model = await new ModelServer({ keep: false }).start();
  const s = await new Stage(null, model, { modelName: 'ids-20', discord: { seed, keep: false, limits: { secondMs: 200 }, chaos: { lose: 0.01, limited: 0.01, status: 0.003, cut: 0.003 } } }).build();
  const stop = progress(console.log, () => `discord: ${s.discord.tally.expected.size - s.discord.tally.open.length} of ${talkers * lines} answered`);
  const { report, killed, troubles } = await longDay(s, { talkers, lines, kills, pauseMs: 3000, troubleMs, seconds, note: (text) => note(`discord: ${text}`) });
  stop();
  judge(s, report, note);
  stormless(s, 1 + killed + troubles, note);
  await close(s, model, note, check);
  return { report, missed: await missing, counts: s.discord.counts, kills: killed + (missed ? 2 : 0), troubles, seconds: Math.round((Date.now() - begun) / 1000) };
}

export function printDiscord({ report, missed, counts, kills, troubles, seconds }) {
  console.log(`Discord: messages said:              ${report.expected}
answered:                            ${report.answered}
lost, twice, out of order:           ${report.lost.length}, ${report.twice.length}, ${report.disorder.length}
placeholders left behind:            ${report.strays.length}
${missed ? `missed in ten minutes, answered:     ${missed.expected}, ${missed.answered}\n` : ''}kill -9:                             ${kills}
gateway: troubles, resumed, begun:   ${troubles}, ${counts.resumed}, ${counts.identifies} (${counts.hasty} too early)
nonces that found their message:     ${counts.repeated}
answers of Discord lost:             ${counts.lost}
429:                                 ${counts.limited}
refusals:                            ${JSON.stringify(counts.errors)}
seconds:                             ${seconds}`);
}

if (process.argv[1] === new URL(import.meta.url).pathname) {
  const wrong = [];
  const [talkers = 50, lines = 20, kills = 20] = process.argv.slice(2).map(Number);
  const result = await discordEndurance({ talkers, lines, kills, note: (text) => { wrong.push(text); console.log(`BROKEN: ${text}`); } });
  printDiscord(result);
  process.exit(wrong.length ? 1 : 0);
}
