// A long day in two workspaces, one reached by a socket, the other over HTTP: connections moved all the time, deliveries
// repeated, answers lost, limits met, and the daemon killed. The stand-in counts.
import { Slack } from '../servers/slack.mjs';
import { appOf } from '../servers/slack/manifest.mjs';
import { ModelServer } from '../servers/model.mjs';
import { Daemon, freePort, until, wait } from '../e2e/harness.mjs';
import { progress } from './lives.mjs';
import { spareTheTried } from './scenarios.mjs';
import { isPreview, manifest } from '../e2e/slack-kit.mjs';

function settings(slack, model, sides, port) {
  return {
    listen: { address: '127.0.0.1', port },
    models: [{ name: 'main', provider: 'openai', base_url: model.base, model: 'ids-20', api_key: model.key }],
    platforms: {
      slack: sides.map(({ name, transport, app, bot }) => ({
        name, transport, api_base: slack.apiUrl, bot_token: bot.token, feedback: false,
        ...(transport === 'socket' ? { app_token: app.appToken } : { signing_secret: app.signingSecret }),
      })),
    },
  };
}

// Who says what: every thread has a writer, who waits for the receipt (not the answer) before the next line.
async function write(slack, side, thread, { lines, number, pauseMs }) {
  const { people } = slack;
  let root = null;
  for (let i = 0; i < lines; i++) {
    const id = `${side.name}.${number}.${i}`;
    const slow = (number * lines + i) % 40 === 7;
    const text = `${i === 0 && !thread.direct ? `<@${side.bot.bot.id}> ` : ''}line [#${id}]${slow ? ' [slowly]' : ''}`;
    const message = people.say(side.ann, thread.channel, text, { thread: root, wants: id });
    root ??= message;
    await until(`the receipt of ${id}`, () => message.deliveries.some((d) => d.state === 'acked') ||
      (message.deliveries.length > 0 && message.deliveries.every((d) => d.state === 'given up') && slack.tally.answered(id)), 420); // an attempt that failed often waits up to five minutes
    await wait(slack.random() * 2 * pauseMs);
  }
}

// Returns {report, counts, kills, seconds}; note is told what is wrong.
export async function slackEndurance({ messages = 1000, kills = 20, note, check = () => {}, seed = 3, seconds = 900 }) {
  const begun = Date.now();
  const model = await new ModelServer({ keep: false }).start();
  const slack = await new Slack({ seed, keep: false, knobs: { refreshMs: 3000, warningMs: 1500, phantoms: 0.05, retries: [30, 1000, 5000] } }).start();
  slack.tally.isPreview = isPreview;
  slack.fault({ method: /^chat\./, kind: 'lose', p: 0.01 });
  slack.fault({ method: /./, kind: 'limited', p: 0.01 });
  slack.fault({ method: /./, kind: 'status', p: 0.002 });
  const sides = ['socket', 'http'].map((transport) => {
    const team = slack.world.addTeam(transport), ann = slack.world.addUser(team, 'ann');
    const app = slack.addApp({ ...appOf(manifest()), socketMode: transport === 'socket' });
    return { name: transport, transport, team, ann, app, bot: app.install({ team }) };
  });
  const port = await freePort(); // the HTTP side has to be reached again after a kill at the same place
  const daemon = new Daemon(settings(slack, model, sides, port));
  sides[1].app.eventsUrl = `http://127.0.0.1:${port}/slack/http/events`;
  await daemon.start();
  await until('a connection', () => slack.sockets.of(sides[0].app).some((c) => c.greeted));

  const lines = 10, threads = Math.ceil(messages / lines / sides.length);
  const writers = sides.flatMap((side) => Array.from({ length: threads }, async (_, n) => {
    const direct = n % 10 === 9; // some in private, each of a person of their own
    const ann = direct ? slack.world.addUser(side.team, `person-${n}`) : side.ann;
    const channel = direct ? slack.world.direct(ann, side.bot.bot) : slack.world.addChannel(side.team, `room-${n}`, { members: [ann, side.bot.bot] });
    await write(slack, { ...side, ann }, { channel, direct }, { lines, number: n, pauseMs: Math.max(30, (kills * 3500) / lines) }); // so that there is work all the time
  }));
  const total = threads * lines * sides.length;
  let killed = 0, over = false;
  const stop = progress(console.log, () => `slack: ${slack.tally.expected.size - slack.tally.open.length} of ${total} answered, ${killed} kills`);
  const killing = (async () => {
    for (; killed < kills && !over; killed++) {
      await until('some progress', () => over || slack.tally.expected.size - slack.tally.open.length >= (total * (killed + 0.5)) / (kills + 1), seconds).catch(() => {});
      await wait(3000 + slack.random() * 1000);
      await spareTheTried(daemon.dir, seconds);
      await daemon.kill();
      await daemon.start();
    }
  })();
  await Promise.all([...writers, killing]).catch((error) => note(`slack: ${error.message}`));
  over = true;
  await killing.catch(() => {}); // was told
  await until('all answers', () => slack.tally.open.length === 0, 420).catch(() => {});
  await until('all deliveries', () => slack.deliveries.running === 0, 30).catch(() => note('slack: deliveries are still under way'));
  stop();
  await wait(500);
  const end = await daemon.stop();
  if (end.code !== 0) note(`slack: the last life ended with ${JSON.stringify(end)}`);
  const report = slack.tally.report();
  for (const [what, list] of Object.entries({ lost: report.lost, 'answered twice': report.twice, 'answered elsewhere': report.misplaced, 'out of order': report.disorder, 'sent twice': report.copies, 'badly behaved': slack.wrongs }))
    for (const each of list.slice(0, 20)) note(`slack: ${what}: ${each}`);
  if (slack.counts.splitByServer) note(`slack: ${slack.counts.splitByServer} texts were too long`);
  check(daemon.dir, 'slack', model.attempts);
  daemon.checkLog();
  await daemon.finish();
  await slack.stop();
  await model.stop();
  return { report, counts: slack.counts, deliveries: slack.deliveries.list, kills: killed, most: slack.sockets.most, seconds: Math.round((Date.now() - begun) / 1000) };
}

export function printEndurance({ report, counts, deliveries, kills, most, seconds }) {
  const givenUp = deliveries.filter((d) => d.state === 'given up').length;
  console.log(`Slack: messages said:                ${report.expected}
answered:                            ${report.answered}
lost, twice, out of order:           ${report.lost.length}, ${report.twice.length}, ${report.disorder.length}
previews left behind:                ${report.leftovers.length}
kill -9:                             ${kills}
connections, moved by Slack:         ${counts.connections}, ${counts.refreshes} (${most} at once at most)
deliveries repeated, duplicated:     ${counts.retries}, ${counts.phantoms}
deliveries given up, then caught up: ${givenUp}
answers of Slack lost:               ${counts.lost}
429:                                 ${counts.limited}
seconds:                             ${seconds}`);
}

if (process.argv[1] === new URL(import.meta.url).pathname) {
  const wrong = [];
  const [messages = 1000, kills = 20] = process.argv.slice(2).map(Number);
  const result = await slackEndurance({ messages, kills, note: (text) => { wrong.push(text); console.log(`BROKEN: ${text}`); } });
  printEndurance(result);
  process.exit(wrong.length ? 1 : 0);
}
