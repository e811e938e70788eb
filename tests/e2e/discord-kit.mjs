// A stand-in Discord with an application, people and a guild, and usher connected to it by the gateway, with interactions over the gateway or over HTTP.
//
//   const s = await stage(t, model, { http: true, own: { preview: false } });
//   s.discord (tests/servers/discord.mjs), s.people (what people do: people.mjs), s.app, s.ann, s.bob, s.guild, s.channel (#general), s.forum
//   const m = s.people.mention(s.ann, s.channel, s.app, 'hi [#1]');  s.people.tell(s.ann, s.app, 'a direct message');
//   await s.answer(m)            the first final answer after m, in its channel or in the thread made from it
//   await s.answered(i)          of an interaction made by s.people.command / menu / press: {answer, texts, whispered, failed}
//   await s.settled()            nothing is under way, and nothing was done that a well-behaved bot does not do; returns the tally
//   s.daemon.kill(), s.up()      a crash and what comes after; s.up() waits until the gateway has READY or RESUMED
//   s.discord.fault({route: 'POST /channels/:channel/messages', kind: 'lose', times: 1}); s.discord.gateway.fault({at: 'resume', kind: 'invalid', times: 1});
//   s.discord.gateway.cut(s.app) | close(s.app, 4009) | reconnect(s.app) | invalid(s.app) | forget(s.app) | down(), up()
//   s.discord.gateway.identifies, .resumes; s.discord.creates, .edits, .follows, .puts, .counts, .rest.of('GET /channels/:channel/messages')
import assert from 'node:assert/strict';
import { Discord } from '../servers/discord.mjs';
import { spareTheTried } from '../campaign/scenarios.mjs';
import { Daemon, until, wait } from './harness.mjs';

export const publicUrl = 'https://usher.test';

// What stands for an answer that is not there yet, or still grows.
export const isPreview = (m) => /(^|\s)…$/.test(m.words) || (m.words.trim() === '' && !m.attachments?.length) || (m.flags & 128) !== 0;

export class Stage {
  // discord: options of the stand-in; app: of the application (intents, shards); own: settings of the bot; rest: other settings. http: interactions come
  // to /discord/NAME/interactions; events: webhook events to /discord/NAME/events. permissions: of the bot in its guild.
  constructor(t, model, { modelName = 'echo', discord: options = {}, app = {}, own = {}, rest = {}, name = 'bot', http = false, events = false, permissions } = {}) {
    Object.assign(this, { t, model, name, modelName, http, events });
    this.discord = new Discord({ ...options, limits: { secondMs: 50, perBot: 500, ...options.limits }, knobs: { identifyMs: 100, ...options.knobs } });
    this.discord.tally.isPreview = isPreview;
    this.make = { own, rest, app, permissions };
    this.from = model.requests.length; // of those before we know nothing
  }

  get people() {
    return this.discord.people;
  }

  async build({ start = true } = {}) {
    await this.discord.start();
    this.t?.after(() => this.discord.stop());
    const { world } = this.discord;
    this.app = this.discord.addApp('usher', this.make.app);
    this.ann = world.addUser('ann');
    this.bob = world.addUser('bob');
    this.guild = world.addGuild('Acme', { members: [this.ann, this.bob] });
    this.channel = world.addChannel(this.guild, 'general');
    this.forum = world.addChannel(this.guild, 'questions', { type: 15 });
    this.people.addApp(this.ann, this.guild, this.app, { permissions: this.make.permissions });
    this.daemon = new Daemon(this.settings());
    this.daemon.secrets.add(this.app.token).add(this.app.token.split('.')[2]);
    this.t?.after(() => this.daemon.finish());
    if (start) await this.up();
    return this;
  }

  settings(own = this.make.own) {
    const { app, discord, model } = this, { rest } = this.make;
    return {
      models: [{ name: 'main', provider: 'openai', base_url: model.base, model: this.modelName, api_key: model.key }],
      users: { strangers: 'allow' }, ...rest,
      listen: { address: '127.0.0.1', port: 0, ...((this.http || this.events) && { public_url: publicUrl }), ...rest.listen },
      platforms: { discord: [{ name: this.name, bot_token: app.token, api_base: discord.api, file_base: discord.base, ...((this.http || this.events) && { public_key: app.key.hex }), ...own }] },
    };
  }

  // Starts the daemon and waits until it is connected and knows it; also after a kill, when its port is another one.
  async up() {
    const before = this.connections, from = this.daemon.lines.length;
    const knows = (line) => line.includes(`"where":"discord/${this.name}"`) && line.includes('"message":"link up"');
    await this.daemon.start();
    this.discord.resolve.set(publicUrl, this.daemon.url);
    if (this.http) this.app.interactionsUrl = `${publicUrl}/discord/${this.name}/interactions`;
    if (this.events) this.app.eventsUrl = `${publicUrl}/discord/${this.name}/events`;
    await until('the gateway', () => this.connections > before && this.live.length > 0 && this.daemon.lines.slice(from).some(knows));
    return this;
  }

  // How many connections got READY or RESUMED.
  get connections() {
    return this.discord.counts.ready + this.discord.counts.resumed;
  }

  get live() {
    return this.discord.sessions.of(this.app).filter((s) => s.connection);
  }

  // The direct messages with somebody.
  dm(user = this.ann) {
    return this.discord.world.dm(this.app.user, user);
  }

  // What it said in the end in a channel or thread, oldest first.
  answers(channel) {
    return channel.list.filter((m) => m.app === this.app && !isPreview(m));
  }

  // The count-th final answer to a message: said after it in its channel, or in the thread made from it.
  answer(message, count = 1, seconds = 15) {
    const later = () => [...this.answers(message.channel).filter((m) => BigInt(m.id) > BigInt(message.id)), ...(message.thread ? this.answers(message.thread) : [])];
    return until(`answer ${count} to "${message.words}"`, () => later()[count - 1], seconds);
  }

  // An interaction whose answer is there.
  async answered(interaction, seconds = 15) {
    await until('the answer to an interaction', () => interaction.answer !== null || interaction.failed, seconds);
    assert.equal(interaction.failed, null);
    return interaction;
  }

  // Nothing is under way any more, and nothing was done that no well-behaved bot does. killed: a daemon that was killed has forgotten how long it was told to wait.
  async settled({ strays = 0, killed = false } = {}) {
    await until('all answers to be there', async () => {
      const { status, raw } = await this.daemon.request('GET', '/metrics');
      return status === 200 && !/^usher_turns_running [^0]/m.test(raw);
    });
    const { discord } = this, { counts } = discord;
    assert.deepEqual([...discord.oddities], [], 'arguments that Discord does not know');
    assert.equal(counts.parallel, 0, 'two calls at once write to the same channel');
    assert.equal(counts.bareMentions, 0, 'a message without allowed_mentions');
    assert.equal(counts.badAgents, 0, 'a call without the User-Agent that is asked for');
    assert.equal(counts.tokensToCdn, 0, 'the token was given to the file host');
    assert.equal(counts.prefixedTokens, 0, 'the gateway wants the bare token');
    assert.equal(counts.tokenResets, 0, 'too many IDENTIFYs');
    assert.equal(counts.reusedNonces, 0, 'one nonce for two messages');
    if (!killed) assert.equal(discord.limits.impatient, 0, 'a bucket was asked before its time');
    assert.deepEqual(discord.creates.filter((c) => c.app === this.app && (c.nonce === null || !c.enforced)), [], 'a create without a nonce');
    const wrong = Object.keys(counts.errors).filter((code) => /^(400|401|404|405|411|413) (?!160004|10008|10062|40060|50027)/.test(code) && !((killed || this.http) && code === '404 10015')); // one that was killed had not acknowledged it; the answer may overtake an acknowledgement over HTTP
    assert.deepEqual(wrong, [], 'refused calls');
    const found = discord.tally.report();
    assert.ok(found.strays.length <= strays, `left behind: ${found.strays.map((m) => JSON.stringify(m.words))}`);
    return found;
  }

  asked(words) {
    return this.model.requests.slice(this.from).filter((r) => JSON.stringify(r.messages.at(-1)).includes(words));
  }
}

// The three seconds for the first response to an interaction are soon over where much is tested at once.
export const stage = (t, model, { discord = {}, ...options } = {}) =>
  new Stage(t, model, { ...options, discord: { ...discord, knobs: { interactionMs: 15_000, ...discord.knobs } } }).build(options);

// The account of a run is in order; returns how many placeholders were left behind.
export function clean(report) {
  for (const name of ['lost', 'twice', 'misplaced', 'disorder', 'copies']) assert.deepEqual(report[name], [], name);
  return report.strays.length;
}

// Who says what, and where: direct messages, a guild's channel, threads and forum posts in turn. Half wait for the answer before they say more.
async function write(s, { number, user, kind, place }, lines, name, seconds) {
  const { discord, people, app } = s;
  let channel = place;
  for (let i = 0; i < lines; i++) {
    const id = `${name}.${number}.${i}`, text = `${kind === 'dm' ? '' : `<@${app.user.id}> `}line [#${id}]${(number * lines + i) % 40 === 7 ? ' [slowly]' : ''}`;
    if (!channel) {
      channel = people.post(user, s.forum, `post ${number}`, text, { wants: id });
    } else people.say(user, channel, text, { wants: id });
    if (discord.random() < 0.5) await until(`the answer to ${id}`, () => discord.tally.answersTo(id).length > 0, seconds);
    if (discord.random() < 0.6) await wait(discord.random() * 100);
  }
}

// Somebody who talks later. Direct messages are opened now: of the first one in a new channel nobody could know who had no session.
async function talker(s, number, name) {
  const { people, app } = s, { world } = s.discord, user = world.addUser(`${name}_${number}`), kind = ['dm', 'channel', 'thread', 'post'][number % 4];
  const place = kind === 'dm' ? world.dm(app.user, user) : kind === 'channel' ? s.channel : kind === 'thread' ? people.thread(user, s.channel, `thread ${number}`) : null;
  if (kind === 'dm') await s.answer(people.say(user, place, `hello [#${name}.${number}.hello]`), 1, 60);
  return { number, user, kind, place };
}

// A long day: talkers with lines each; the daemon is killed and the gateway troubled again and again meanwhile. daemon: {kill, start}.
// trouble: whether connections are cut, sessions invalidated and reconnects asked for. Returns {report, killed, troubles}.
export async function longDay(s, { talkers = 20, lines = 10, kills = 10, pauseMs = 3000, seconds = 300, trouble = true, troubleMs = 700, daemon = { kill: () => s.daemon.kill(), start: () => s.up() },
  note = (text) => { throw new Error(text); } } = {}) {
  const { discord } = s, { gateway, tally } = discord, total = talkers * lines, answered = () => tally.expected.size - tally.open.length;
  const people = await Promise.all(Array.from({ length: talkers }, (_, n) => talker(s, n, 'talker'))), writers = people.map((who) => write(s, who, lines, 'talker', seconds));
  let killed = 0, troubles = 0, over = false;
  const killing = (async () => {
    for (; killed < kills && !over; killed++) {
      await until('some progress', () => over || answered() >= (total * (killed + 0.5)) / (kills + 1), seconds).catch(() => {});
      await wait(pauseMs * (1 + discord.random() / 3));
      await spareTheTried(s.daemon.dir, seconds);
      await daemon.kill();
      await daemon.start();
    }
  })();
  const kinds = [() => gateway.cut(s.app), () => gateway.reconnect(s.app), () => gateway.invalid(s.app), () => gateway.close(s.app, 4000), () => gateway.close(s.app, 4009), () => gateway.invalid(s.app, true)];
  const troubling = (async () => {
    for (; trouble && !over; troubles++) {
      await wait(troubleMs * (0.5 + discord.random()));
      kinds[Math.floor(discord.random() * kinds.length)]();
    }
  })();
  await Promise.all([...writers, killing]).catch((error) => note(error.message));
  over = true;
  await troubling;
  await killing.catch(() => {}); // was told
  await until('all answers', () => tally.open.length === 0, seconds).catch((error) => note(`${error.message}: ${tally.open.slice(0, 20)}`));
  return { report: tally.report(), killed, troubles };
}
