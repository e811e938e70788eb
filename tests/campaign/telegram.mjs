// A long day of two bots, one that polls, one with a webhook: private chats, groups and topics, updates that come again, answers
// lost, limits met, and the daemon killed. The stand-in counts.
//   node campaign/telegram.mjs [CHATS LINES KILLS]            (of each bot; USHER: the binary)
import { Telegram } from '../servers/telegram.mjs';
import { ModelServer } from '../servers/model.mjs';
import { Daemon, until } from '../e2e/harness.mjs';
import { isPreview, longDay, publicUrl } from '../e2e/telegram-kit.mjs';
import { progress } from './lives.mjs';

// Returns {report, counts, kills, strays, seconds}; note is told what is wrong.
export async function telegramEndurance({ chats = 25, lines = 20, kills = 20, note, check = () => {}, seed = 4, seconds = 900 }) {
  const begun = Date.now();
  const model = await new ModelServer({ keep: false }).start();
  const telegram = await new Telegram({ seed, keep: false, knobs: { secondMs: 200, phantoms: 0.05 }, limits: { secondMs: 200 }, chaos: { lose: 0.01, limited: 0.01, status: 0.003 } }).start();
  telegram.tally.isPreview = isPreview;
  for (const kind of ['lose', 'status', 'cut']) telegram.fault({ method: 'getUpdates', kind, p: 0.02 });
  const sides = ['poll', 'webhook'].map((transport) => ({ name: transport, transport, bot: telegram.addBot(`${transport}_bot`, { privacy: false }) }));
  const daemon = new Daemon({
    listen: { address: '127.0.0.1', port: 0, public_url: publicUrl },
    models: [{ name: 'main', provider: 'openai', base_url: model.base, model: 'ids-20', api_key: model.key }],
    users: { strangers: 'allow' },
    platforms: { telegram: sides.map(({ name, transport, bot }) => ({ name, transport, bot_token: bot.token, api_base: telegram.base })) },
  });
  const start = async () => {
    await daemon.start();
    telegram.webhooks.resolve.set(publicUrl, daemon.url);
  };
  await start();
  await until('both transports', () => telegram.api.count('getUpdates') > 0 && sides[1].bot.webhook?.url);

  const stop = progress(console.log, () => `telegram: ${telegram.tally.expected.size - telegram.tally.open.length} of ${chats * lines * sides.length} answered`);
  const { report, killed } = await longDay(telegram, sides, { kill: () => daemon.kill(), start, dir: daemon.dir }, { chats, lines, kills, seconds, note: (text) => note(`telegram: ${text}`) });
  stop();
  const end = await daemon.stop();
  if (end.code !== 0) note(`telegram: the last life ended with ${JSON.stringify(end)}`);
  for (const [what, list] of Object.entries({ lost: report.lost, 'answered twice': report.twice, 'answered elsewhere': report.misplaced, 'out of order': report.disorder, 'sent twice': report.copies, odd: [...telegram.oddities] }))
    for (const each of list.slice(0, 20)) note(`telegram: ${what}: ${each}`);
  if (telegram.counts.parallel) note(`telegram: ${telegram.counts.parallel} calls at once about one chat`);
  check(daemon.dir, 'telegram', model.attempts);
  daemon.checkLog();
  await daemon.finish();
  await telegram.stop();
  await model.stop();
  return { report, counts: telegram.counts, kills: killed, seconds: Math.round((Date.now() - begun) / 1000) };
}

export function printTelegram({ report, counts, kills, seconds }) {
  console.log(`Telegram: messages said:             ${report.expected}
answered:                            ${report.answered}
lost, twice, out of order:           ${report.lost.length}, ${report.twice.length}, ${report.disorder.length}
placeholders left behind:            ${report.strays.length}
kill -9:                             ${kills}
updates handed over again:           ${counts.redelivered}
deliveries repeated, duplicated:     ${counts.retries}, ${counts.phantoms}
answers of Telegram lost:            ${counts.lost}
429:                                 ${counts.limited}
refusals:                            ${JSON.stringify(counts.errors)}
seconds:                             ${seconds}`);
}

if (process.argv[1] === new URL(import.meta.url).pathname) {
  const wrong = [];
  const [chats = 25, lines = 20, kills = 20] = process.argv.slice(2).map(Number);
  const result = await telegramEndurance({ chats, lines, kills, note: (text) => { wrong.push(text); console.log(`BROKEN: ${text}`); } });
  printTelegram(result);
  process.exit(wrong.length ? 1 : 0);
}
