// Rows for Slack: what it costs to take a mention, ask a model and answer in the thread, by either transport. Slack allows a
// workspace some answers a second only, so there are many workspaces; what is measured is the daemon, not the pace.
import { Slack } from '../servers/slack.mjs';
import { appOf } from '../servers/slack/manifest.mjs';
import { Daemon, until, wait } from '../e2e/harness.mjs';
import { manifest } from '../e2e/slack-kit.mjs';

const workspaces = 40, flight = 64;

function settings(slack, server, sides, transport) {
  return {
    models: [{ name: 'main', provider: 'openai', base_url: server.base, model: 'echo', api_key: server.key }],
    assistant: { system_prompt: 'You answer questions about orders, briefly and truthfully.' },
    platforms: {
      slack: sides.map(({ name, app, bot }) => ({
        name, transport, api_base: slack.apiUrl, bot_token: bot.token,
        ...(transport === 'socket' ? { app_token: app.appToken } : { signing_secret: app.signingSecret }),
      })),
    },
  };
}

async function build(server, transport) {
  const slack = await new Slack({ keep: false, knobs: { limits: false, twins: 'message' } }).start();
  const made = appOf(manifest());
  const sides = Array.from({ length: workspaces }, (_, n) => {
    const team = slack.world.addTeam(`Team ${n}`), ann = slack.world.addUser(team, 'ann');
    const app = slack.addApp({ ...made, socketMode: transport === 'socket' });
    return { name: `team${n}`, team, ann, app, bot: app.install({ team }) };
  });
  const daemon = await new Daemon(settings(slack, server, sides, transport)).start();
  for (const { app, name } of sides) app.eventsUrl = `${daemon.url}/slack/${name}/events`;
  await until('everybody to be linked', () => slack.api.count('auth.test') >= workspaces &&
    (transport !== 'socket' || sides.every(({ app }) => slack.sockets.of(app).some((c) => c.greeted))), 60);
  return { slack, sides, daemon };
}

// ask(n): says message n somewhere where the pace of a channel does not matter; resolves to milliseconds until its answer.
function asker({ slack, sides }, question) {
  const waiting = new Map();
  slack.onSaid = (message) => {
    const done = waiting.get(message.threadTs);
    waiting.delete(message.threadTs);
    done?.();
  };
  return (n) => new Promise((resolve) => {
    const { team, ann, bot } = sides[n % workspaces];
    const channel = slack.world.addChannel(team, `room-${n}`, { members: [ann, bot.bot] });
    const begun = performance.now();
    const said = slack.people.say(ann, channel, `<@${bot.bot.id}> ${question}`);
    waiting.set(said.ts, () => resolve(performance.now() - begun));
  });
}

// tools: {cpu, resident, percentile, print} of bench.mjs; direct: the model's own milliseconds.
export async function slackRows(server, transport, { quick, question, direct, tools }) {
  const { cpu, resident, percentile, print } = tools;
  const stage = await build(server, transport);
  const { daemon, slack } = stage;
  const what = `Slack, ${transport === 'socket' ? 'Socket Mode' : 'HTTP'}:`;
  const ask = asker(stage, question);
  await Promise.all(Array.from({ length: workspaces }, (_, n) => ask(n))); // names are known from here on
  const idle = resident(daemon.child.pid);

  const total = quick ? 1000 : 3000;
  let next = workspaces;
  const before = cpu(daemon.child.pid), begun = performance.now();
  await Promise.all(Array.from({ length: flight }, async () => { while (next < workspaces + total) await ask(next++); }));
  const seconds = (performance.now() - begun) / 1000;
  print(`${what} messages a second, ${flight} in flight`, Math.round(total / seconds));
  print(`${what} CPU a message`, Math.round((cpu(daemon.child.pid) - before) / total), 'us');

  const latencies = [], asked = [];
  for (let i = 0; i < (quick ? 200 : 600); i++) {
    asked.push(ask(next++).then((ms) => latencies.push(ms)));
    await wait(20);
  }
  await Promise.all(asked);
  print(`${what} added latency at 50 messages a second, p50`, (percentile(latencies, 0.5) - direct).toFixed(2), 'ms');
  print(`${what} added latency at 50 messages a second, p99`, (percentile(latencies, 0.99) - direct).toFixed(2), 'ms');
  print(`${what} memory after that load`, resident(daemon.child.pid).toFixed(1), `MB (before ${idle.toFixed(1)}, ${workspaces} workspaces)`);
  await daemon.finish();
  await slack.stop();
}
