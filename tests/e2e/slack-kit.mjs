// A stand-in Slack with an app made from our own manifest, a workspace, and usher connected to it.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import yaml from 'yaml';
import { Slack } from '../servers/slack.mjs';
import { appOf, manifestFaults } from '../servers/slack/manifest.mjs';
import { Daemon, until } from './harness.mjs';

export const publicUrl = 'https://usher.test';
export const sealing = { store: { key: Buffer.from('a key of the tests, 32 bytes lon').toString('base64') } };

export function manifest() {
  const text = readFileSync(new URL('../../etc/slack-manifest.yaml', import.meta.url), 'utf8');
  const made = yaml.parse(text.split('\n').map((line) => line.replace(/\s+# (socket|own|prompts)$/, '')).join('\n'));
  assert.deepEqual(manifestFaults(made), []);
  return made;
}

// What people do with a button or a command does not come again when the daemon has not taken it in Slack's three seconds: they do it again.
export const taken = (press) => until('it to be taken', async () => {
  const given = await press();
  return given.ok && given;
});

// A growing answer that is edited is no answer yet.
export const isPreview = (m) => m.how === 'stream' || m.metadata?.event_type === 'usher_growing';

export class Stage {
  // transport: 'socket' or 'http'; slack: of the stand-in; own: settings of the installation; rest: other settings.
  constructor(t, model, { transport = 'socket', modelName = 'echo', slack: options = {}, app = {}, own = {}, rest = {}, root = true, name = 'acme' } = {}) {
    Object.assign(this, { t, model, transport, name, modelName });
    this.slack = new Slack({ ...options, knobs: { ackMs: 10_000, ...options.knobs } }); // Slack itself waits 3 s, a loaded machine may take longer
    this.slack.tally.isPreview = isPreview;
    this.people = this.slack.people;
    this.make = { app, own, rest, root };
    this.from = model.requests.length; // of those before we know nothing
  }

  async build({ start = true } = {}) {
    await this.slack.start();
    this.t?.after(() => this.slack.stop());
    const { world } = this.slack;
    this.team = world.addTeam('Acme');
    this.ann = world.addUser(this.team, 'ann');
    this.bob = world.addUser(this.team, 'bob');
    this.app = this.slack.addApp({ ...appOf(manifest()), socketMode: this.transport === 'socket', orgReady: true, ...this.make.app });
    if (this.make.root) {
      this.bot = this.app.install({ team: this.team });
      this.channel = world.addChannel(this.team, 'general', { members: [this.ann, this.bob, this.bot.bot] });
    }
    this.daemon = new Daemon(this.settings());
    for (const secret of [this.app.appToken, this.app.signingSecret, this.app.clientSecret]) this.daemon.secrets.add(secret);
    this.t?.after(() => this.daemon.finish());
    if (start) await this.up();
    return this;
  }

  settings(own = this.make.own) {
    const { app, bot, slack, model } = this;
    return {
      models: [{ name: 'main', provider: 'openai', base_url: model.base, model: this.modelName, api_key: model.key }],
      ...this.make.rest,
      platforms: {
        slack: [{
          name: this.name, transport: this.transport, api_base: slack.apiUrl, authorize_url: `${slack.base}/oauth/v2/authorize`, ...(bot && { bot_token: bot.token }),
          ...(this.transport === 'socket' ? { app_token: app.appToken } : { signing_secret: app.signingSecret }), ...own,
        }],
      },
    };
  }

  get eventsUrl() {
    return `${this.daemon.url}/slack/${this.name}/events`;
  }

  // Starts the daemon and waits until Slack reaches it.
  async up() {
    await this.daemon.start();
    return this.linked();
  }

  async linked() {
    if (this.transport === 'http') {
      this.app.eventsUrl = this.app.commandsUrl = this.app.interactivityUrl = this.eventsUrl;
      await until('the challenge to be answered', () => this.slack.deliveries.verifyUrl(this.app, this.eventsUrl));
    } else {
      await until('a connection', () => this.slack.sockets.of(this.app).some((c) => c.greeted && !c.warned));
    }
    if (this.bot) await until('the token to be checked', () => this.slack.api.count('auth.test') > 0);
    return this;
  }

  mention(text, more = '') {
    return `<@${this.bot.bot.id}> ${text}${more}`;
  }

  // What it said in the end in this thread (or, with null, at all in the channel), oldest first.
  answers(channel, root) {
    return channel.list.filter((m) => m.app === this.app && !isPreview(m) && (root === undefined || m.threadTs === root));
  }

  answer(message, count = 1, seconds = 15) {
    return until(`answer ${count} to "${message.text}"`, () => this.answers(message.channel, message.root)[count - 1], seconds);
  }

  // Nothing is under way any more, on either side, and nothing was done that no well-behaved app does.
  async settled({ seconds = 15 } = {}) { // more after a kill: Slack sends again what it has seen cut off
    await until('all deliveries to be taken', () => this.slack.deliveries.running === 0, seconds);
    await until('all answers to be there', async () => {
      const { status, raw } = await this.daemon.request('GET', '/metrics');
      return status === 200 && !/^usher_turns_running [^0]/m.test(raw);
    });
    assert.deepEqual(this.slack.wrongs, []);
    assert.deepEqual([...this.slack.oddities], [], 'arguments that Slack does not know');
    assert.equal(this.slack.counts.splitByServer, 0);
    for (const channel of this.slack.world.channels.values())
      for (const m of channel.list) if (m.app === this.app) assert.ok(!m.broadcast, `a broadcast: ${m.text}`);
  }

  asked(words) {
    return this.model.requests.slice(this.from).filter((r) => JSON.stringify(r.messages.at(-1)).includes(words));
  }
}

export const stage = (t, model, options) => new Stage(t, model, options).build(options);
