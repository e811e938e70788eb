// Rows for Slack: what it costs to take a mention, ask a model and answer in the thread, by either transport. Slack allows a
// workspace some answers a second only, so there are many workspaces; what is measured is the daemon, not the pace.
import { Slack } from '../servers/slack.mjs';
import { appOf } from '../servers/slack/manifest.mjs';
import { Daemon, until } from '../e2e/harness.mjs';
import { manifest } from '../e2e/slack-kit.mjs';
import { measure } from './rows.mjs';

const workspaces = 40;

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

// how: as in rows.mjs, with the question.
export async function slackRows(server, transport, how) {
  const stage = await build(server, transport), { daemon, slack } = stage;
  await measure(`Slack, ${transport === 'socket' ? 'Socket Mode' : 'HTTP'}:`, daemon.child.pid, asker(stage, how.question), workspaces, how, 'workspaces');
  await daemon.finish();
  await slack.stop();
}
