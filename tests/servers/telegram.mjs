// A Telegram that runs on this machine and is as strict as the real one: the Bot API over long polling and webhooks, for several
// bots, with private chats, groups, supergroups, forums and channels. What it refuses and how often is in telegram/*.mjs, mostly
// after the source of the official server; how it misbehaves is in `knobs` and `fault`. It counts everything.
import http from 'node:http';
import { Api } from './telegram/api.mjs';
import { Bot } from './telegram/bots.mjs';
import { Files } from './telegram/files.mjs';
import { Limits } from './telegram/limits.mjs';
import { People } from './telegram/people.mjs';
import { tooMany } from './telegram/refusal.mjs';
import { Tally } from './telegram/tally.mjs';
import { Updates } from './telegram/updates.mjs';
import { Webhooks } from './telegram/webhooks.mjs';
import { seeded, World } from './telegram/world.mjs';

const usual = {
  secondMs: 1000, // how long a second of its own lasts: pauses between deliveries, conflicts, lives of drafts, files and updates
  mostPollMs: 50_000, // no poll lasts longer, whatever was asked for
  noticesHangUp: false, // a poll whose asker hung up ends at once; the real one goes on
  answerMs: 60_000, // how long a webhook may take
  answerDelayMs: 0, // every call takes up to this long
  phantoms: 0, // how probably a delivery that was taken comes once more
  callbackMs: 15_000, // how long a pressed button waits
  lengthUnit: 'utf16', // of the limits of texts; 'codepoints' as the server of today counts
  strictThreads: true, // message_thread_id in a group without topics is refused; the server of today ignores it
  privacyMentions: false, // whether a bare mention passes privacy mode
  previews: true, // count messages that show a preview of a link
  missing: [], // methods that this server does not have
  local: false, localDir: null, // a server of one's own: any URL and size, files by their path
};

export class Telegram {
  // chaos: probabilities by kind of fault, for everything that is sent: {lose, limited, status, html, cut, delay}.
  constructor({ seed = 1, keep = true, knobs = {}, limits = {}, chaos = {} } = {}) {
    this.random = seeded(seed);
    this.keep = keep;
    this.knobs = { ...usual, ...knobs };
    this.world = new World({ random: this.random, changed: (...what) => this.#changed(...what) });
    this.bots = new Map(); // token -> bot
    this.limits = new Limits({ secondMs: this.knobs.secondMs, ...limits });
    this.oddities = new Set(); // arguments that the real one ignores
    this.faults = [];
    this.timers = new Set();
    this.stopped = false;
    this.counts = { updates: 0, redelivered: 0, deliveries: 0, retries: 0, phantoms: 0, replies: 0, statuses: {}, errors: {}, limited: 0, lost: 0, parallel: 0, previews: 0, downloads: 0,
      answersByReply: 0, entitiesDropped: 0 };
    this.api = new Api(this);
    this.updates = new Updates(this);
    this.webhooks = new Webhooks(this);
    this.files = new Files(this);
    this.people = new People(this);
    this.tally = new Tally(this);
    for (const [kind, p] of Object.entries(chaos)) this.fault({ method: /^(send|edit|delete|answer|setMessage)/, kind, p });
    this.server = http.createServer((request, response) => this.#serve(request, response));
    this.server.keepAliveTimeout = 60_000;
  }

  async start(port = 0) {
    await new Promise((resolve) => this.server.listen(port, '127.0.0.1', resolve));
    this.port = this.server.address().port;
    this.base = `http://127.0.0.1:${this.port}`;
    return this;
  }

  async stop() {
    this.stopped = true;
    for (const timer of this.timers) clearTimeout(timer);
    this.updates.stop();
    this.webhooks.stop();
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  after(ms, run) {
    const timer = setTimeout(() => {
      this.timers.delete(timer);
      if (!this.stopped) run();
    }, ms);
    timer.unref();
    this.timers.add(timer);
  }

  pause(ms) {
    return new Promise((resolve) => setTimeout(resolve, ms).unref());
  }

  // privacy: whether privacy mode is on (it is, unless switched off).
  addBot(username = 'usher_bot', options = {}) {
    const bot = new Bot(this, 7_000_000_000 + this.bots.size + 1, username, options);
    this.bots.set(bot.token, bot);
    return bot;
  }

  // Somebody else polls the same bot, confirming nothing, until the returned function is called. seen: what they were handed.
  rival(bot, { everyMs = 100 } = {}) {
    let on = true;
    const seen = [];
    const stop = () => (on = false);
    (async () => {
      while (on && !this.stopped) {
        const batch = await this.updates.get(bot, { timeout: 50 }, null).catch(() => []);
        seen.push(...batch);
        await this.pause(everyMs);
      }
    })();
    return Object.assign(stop, { seen });
  }

  // ---- how it misbehaves ---------------------------------------------------------------------------------------

  // {method: name or RegExp ('file' for downloads), kind, p: probability, times, when: (args, bot) => bool}. Kinds, before anything is done:
  // cut, limited {seconds}, html, empty, status {status, description}, error {code, description, parameters}, delay {ms}; after it was done: lose
  // (the answer), status-after, html-after. Returns how to end it.
  fault(fault) {
    const entry = { p: 1, times: Infinity, ...fault };
    this.faults.push(entry);
    return () => (this.faults = this.faults.filter((f) => f !== entry));
  }

  faultFor(name, args, bot) {
    for (const fault of this.faults) {
      if (fault.times <= 0 || !(fault.method instanceof RegExp ? fault.method.test(name) : fault.method === name)) continue;
      if ((fault.when && !fault.when(args, bot)) || this.random() >= fault.p) continue;
      fault.times--;
      return fault;
    }
    return null;
  }

  limit(bot, chat, kind) {
    const seconds = this.limits.take(bot, chat, kind);
    if (seconds) throw tooMany(seconds);
  }

  // ---- what happens ---------------------------------------------------------------------------------------------

  #changed(kind, chat, message) {
    if (!kind || message.bot) return; // bots are not told of what bots wrote
    for (const bot of this.bots.values()) if (bot.sees(kind, chat, message)) bot.push(kind, message.shown(), `${chat.id}`, message);
  }

  // Nothing waits for any bot any more.
  get idle() {
    return [...this.bots.values()].every((bot) => bot.queue.length === 0);
  }

  #serve(request, response) {
    const parts = [];
    let size = 0;
    request.on('data', (part) => (size += part.length) <= 51 << 20 && parts.push(part));
    request.on('error', () => {});
    request.on('end', () => {
      const path = new URL(request.url, this.base).pathname;
      const serving = path.startsWith('/file/') ? Promise.resolve(this.files.serve(request, response)) : this.api.serve(request, response, Buffer.concat(parts));
      serving.catch((error) => {
        console.error('the stand-in broke:', error);
        response.writeHead(500).end();
      });
    });
  }
}
