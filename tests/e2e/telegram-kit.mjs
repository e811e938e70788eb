// A stand-in Telegram with a bot, people and a group, and usher connected to it by polling or by webhook.
import assert from 'node:assert/strict';
import { Telegram } from '../servers/telegram.mjs';
import { spareTheTried } from '../campaign/scenarios.mjs';
import { Daemon, until, wait } from './harness.mjs';

export const publicUrl = 'https://usher.test';

// What stands for an answer that is not there yet, or still grows.
export const isPreview = (m) => /(^|\s)…$/.test(m.words) || m.words.trim() === '';

export class Stage {
  // transport: 'poll' or 'webhook'; telegram: options of the stand-in; bot: of the bot (privacy); own: settings of the bot; rest: other settings.
  constructor(t, model, { transport = 'poll', modelName = 'echo', telegram: options = {}, bot = {}, own = {}, rest = {}, name = 'bot' } = {}) {
    Object.assign(this, { t, model, transport, name, modelName });
    this.telegram = new Telegram({ limits: { secondMs: 50 }, ...options, knobs: { secondMs: 50, ...options.knobs } });
    this.telegram.tally.isPreview = isPreview;
    this.people = this.telegram.people;
    this.make = { own, rest, bot };
    this.from = model.requests.length; // of those before we know nothing
  }

  async build({ start = true } = {}) {
    await this.telegram.start();
    this.t?.after(() => this.telegram.stop());
    const { world } = this.telegram;
    this.bot = this.telegram.addBot('usher_bot', this.make.bot);
    this.ann = world.addUser('ann');
    this.bob = world.addUser('bob');
    this.group = world.addChat('Acme', { type: 'supergroup', members: [this.ann, this.bob, this.bot] });
    this.daemon = new Daemon(this.settings());
    this.daemon.secrets.add(this.bot.token).add(this.bot.token.split(':')[1]);
    this.t?.after(() => this.daemon.finish());
    if (start) await this.up();
    return this;
  }

  settings(own = this.make.own) {
    const { bot, telegram, model, transport } = this, { rest } = this.make;
    return {
      models: [{ name: 'main', provider: 'openai', base_url: model.base, model: this.modelName, api_key: model.key }],
      users: { strangers: 'allow' }, ...rest,
      listen: { address: '127.0.0.1', port: 0, ...(transport === 'webhook' && { public_url: publicUrl }), ...rest.listen },
      platforms: { telegram: [{ name: this.name, transport, api_base: telegram.base, bot_token: bot.token, ...own }] },
    };
  }

  get hookUrl() {
    return `${publicUrl}/telegram/${this.name}/update`;
  }

  // Starts the daemon and waits until Telegram reaches it; also after a kill, when its port is another one.
  async up() {
    const before = this.telegram.api.count('getUpdates');
    await this.daemon.start();
    this.telegram.webhooks.resolve.set(publicUrl, this.daemon.url);
    return this.linked(before);
  }

  async linked(before = 0) {
    if (this.transport === 'webhook') await until('the webhook to be set', () => this.bot.webhook?.url === this.hookUrl);
    else await until('a poll', () => this.telegram.api.count('getUpdates') > before);
    return this;
  }

  // The private chat of somebody.
  chat(user) {
    return this.bot.privateWith(user);
  }

  // What it said in the end in a chat (and topic, when one is given), oldest first.
  answers(chat, topic) {
    return chat.list.filter((m) => m.bot === this.bot && !isPreview(m) && (topic === undefined || m.topic === topic));
  }

  // The answer after a message: the count-th final one that came later than it in its chat and topic.
  answer(message, count = 1, seconds = 15) {
    const later = () => this.answers(message.chat.migratedTo ?? message.chat, message.topic ?? undefined).filter((m) => m.id > message.id);
    return until(`answer ${count} to "${message.words}"`, () => later()[count - 1], seconds);
  }

  // Nothing is under way any more, on either side, and nothing was done that no well-behaved bot does.
  // killed: a daemon that was killed has forgotten how long it was told to wait.
  async settled({ strays = 0, killed = false } = {}) {
    await until('all updates to be taken', () => this.telegram.idle);
    await until('all answers to be there', async () => {
      const { status, raw } = await this.daemon.request('GET', '/metrics');
      return status === 200 && !/^usher_turns_running [^0]/m.test(raw);
    });
    const { telegram } = this;
    assert.deepEqual([...telegram.oddities], [], 'arguments that Telegram does not know');
    assert.equal(telegram.counts.parallel, 0, 'two calls at once change the same chat');
    assert.equal(telegram.counts.previews, 0, 'a preview of a link');
    if (!killed) assert.equal(telegram.limits.impatient, 0, 'a chat was written to before its time');
    const entities = Object.keys(telegram.counts.errors).filter((word) => /parse entities|is too long|must be non-empty|BUTTON_DATA|thread not found/.test(word));
    assert.deepEqual(entities, []);
    const found = telegram.tally.report();
    assert.ok(found.strays.length <= strays, `left behind: ${found.strays.map((m) => JSON.stringify(m.words))}`);
    return found;
  }

  asked(words) {
    return this.model.requests.slice(this.from).filter((r) => JSON.stringify(r.messages.at(-1)).includes(words));
  }
}

export const stage = (t, model, options) => new Stage(t, model, options).build(options);

// The account of a run is in order; returns how many placeholders were left behind.
export function clean(report) {
  for (const name of ['lost', 'twice', 'misplaced', 'disorder', 'copies']) assert.deepEqual(report[name], [], name);
  return report.strays.length;
}

// Who says what, and where: private chats, groups and topics in turn. Nobody waits for an answer; half wait until the line before is taken in.
async function write(telegram, bot, number, lines, name) {
  const { world, people } = telegram, user = world.addUser(`${name}_${number}`);
  const kind = ['private', 'private', 'group', 'topic'][number % 4];
  const chat = kind === 'private' ? bot.privateWith(user) : world.addChat(`${kind} ${number}`, { type: kind === 'topic' || number % 8 === 2 ? 'supergroup' : 'group', forum: kind === 'topic', members: [user] });
  if (kind !== 'private') people.addBot(user, chat, bot);
  const topic = kind === 'topic' ? people.topic(user, chat, 'Plans') : null;
  for (let i = 0; i < lines; i++) {
    const id = `${name}.${number}.${i}`, text = `${kind === 'private' ? '' : `@${bot.username} `}line [#${id}]${(number * lines + i) % 40 === 7 ? ' [slowly]' : ''}`;
    const message = people.say(user, chat, text, { topic, wants: id });
    if (telegram.random() < 0.5) await until(`the receipt of ${id}`, () => message.taken, 240);
    if (telegram.random() < 0.6) await wait(telegram.random() * 100);
  }
}

// A long day of several bots: chats and lines of each; the daemon ({kill, start, and dir, if it has one}) is killed again and again meanwhile, pauseMs (and some more) after it
// began. sides: [{name, bot}] with privacy mode off. Returns {report, killed}; what did not come in time is told to note.
export async function longDay(telegram, sides, daemon, { chats = 25, lines = 20, kills = 20, pauseMs = 3000, seconds = 300, note = (text) => { throw new Error(text); } } = {}) {
  const total = chats * lines * sides.length, answered = () => telegram.tally.expected.size - telegram.tally.open.length;
  const writers = sides.flatMap(({ name, bot }) => Array.from({ length: chats }, (_, n) => write(telegram, bot, n, lines, name)));
  let killed = 0, over = false;
  const killing = (async () => {
    for (; killed < kills && !over; killed++) {
      await until('some progress', () => over || answered() >= (total * (killed + 0.5)) / (kills + 1), seconds).catch(() => {});
      await wait(pauseMs * (1 + telegram.random() / 3));
      if (daemon.dir) await spareTheTried(daemon.dir, seconds);
      await daemon.kill();
      await daemon.start();
    }
  })();
  await Promise.all([...writers, killing]).catch((error) => note(error.message));
  over = true;
  await killing.catch(() => {}); // was told
  await until('all answers', () => telegram.tally.open.length === 0, seconds).catch((error) => note(`${error.message}: ${telegram.tally.open.slice(0, 20)}`));
  await until('all updates', () => telegram.idle, 60).catch((error) => note(error.message));
  return { report: telegram.tally.report(), killed };
}
