// Rows for Telegram: what it costs to take a private message, ask a model and answer it, by either transport. Telegram allows a bot
// some messages a second only, so there are many bots with many people each; what is measured is the daemon, not the pace.
import { Telegram } from '../servers/telegram.mjs';
import { Daemon, until } from '../e2e/harness.mjs';
import { isPreview, publicUrl } from '../e2e/telegram-kit.mjs';
import { measure } from './rows.mjs';

const bots = 40;

async function build(server, transport) {
  const telegram = await new Telegram({ keep: false, limits: { on: false } }).start();
  const made = Array.from({ length: bots }, (_, n) => telegram.addBot(`bench${n}_bot`));
  const daemon = await new Daemon({
    listen: { address: '127.0.0.1', port: 0, public_url: publicUrl },
    models: [{ name: 'main', provider: 'openai', base_url: server.base, model: 'echo', api_key: server.key }],
    assistant: { system_prompt: 'You answer questions about orders, briefly and truthfully.' }, users: { strangers: 'allow' },
    platforms: { telegram: made.map((bot, n) => ({ name: `bot${n}`, transport, api_base: telegram.base, bot_token: bot.token, preview: false })) },
  }).start();
  telegram.webhooks.resolve.set(publicUrl, daemon.url);
  await until('everybody to be linked', () => (transport === 'webhook' ? made.every((bot) => bot.webhook?.url) : telegram.api.count('getUpdates') >= bots), 60);
  return { telegram, made, daemon };
}

// ask(n): message n, of a person of its own, so that the pace of a chat does not matter; resolves to milliseconds until its answer.
function asker({ telegram, made }, question) {
  const waiting = new Map();
  const { changed } = telegram.world;
  telegram.world.changed = (kind, chat, message) => {
    changed(kind, chat, message);
    const done = message.bot && !isPreview(message) && waiting.get(chat);
    if (!done) return;
    waiting.delete(chat);
    done();
  };
  return (n) => new Promise((resolve) => {
    const bot = made[n % bots], person = telegram.world.addUser(`person${n}`), begun = performance.now();
    waiting.set(bot.privateWith(person), () => resolve(performance.now() - begun));
    telegram.people.tell(person, bot, question);
  });
}

// how: as in rows.mjs, with the question.
export async function telegramRows(server, transport, how) {
  const stage = await build(server, transport), { daemon, telegram } = stage;
  await measure(`Telegram, ${transport === 'poll' ? 'polling' : 'webhook'}:`, daemon.child.pid, asker(stage, how.question), bots, how, 'bots');
  await daemon.finish();
  await telegram.stop();
}
