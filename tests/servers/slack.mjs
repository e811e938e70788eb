// A Slack that runs on this machine and is as strict as the real one: Web API, Events API, Socket Mode, commands, buttons,
// streams, files and OAuth, for several workspaces and an organisation. What it refuses and how often is in slack/*.mjs;
// how it misbehaves is in `knobs` and `fault`. It counts everything.
import http from 'node:http';
import { App } from './slack/apps.mjs';
import { Api } from './slack/api.mjs';
import { Deliveries } from './slack/deliver.mjs';
import { serveFile, takeUpload } from './slack/files.mjs';
import { Limits } from './slack/limits.mjs';
import { authorize, decide } from './slack/oauth.mjs';
import { People } from './slack/people.mjs';
import { Sockets } from './slack/sockets.mjs';
import { Tally } from './slack/tally.mjs';
import { seeded, World } from './slack/world.mjs';

const usual = {
  ackMs: 3000, // how long an app may take to acknowledge
  retries: [50, 60_000, 300_000], // pauses before a delivery is tried again
  phantoms: 0, // how probably a delivery that was acknowledged comes once more
  twins: 'random', // which of message and app_mention comes first: 'message', 'mention', 'random'
  twinMs: 0, // and how much later the other one
  helloMs: 5, noHello: false, pingMs: 5000, silent: false, deaf: false, neverPong: false, neverClose: false,
  refreshMs: 0, // a connection is asked to come over about this long after its hello; 0: never
  warningMs: 10_000, patient: false, // and closed this much later; patient: when it has come over
  ticketMs: 30_000, streamMs: 300_000, responseMs: 1_800_000, codeMs: 600_000, shareMs: 20,
  limits: true, declined: [], // scopes that a person does not grant
};

export class Slack {
  constructor({ seed = 1, keep = true, knobs = {}, limits = {} } = {}) {
    this.random = seeded(seed);
    this.keep = keep;
    this.knobs = { ...usual, ...knobs };
    this.limits = new Limits(limits);
    this.world = new World({ random: this.random, changed: (...what) => this.#changed(...what) });
    this.apps = [];
    this.tokens = new Map();
    this.codes = new Map();
    this.uploads = new Map();
    this.triggers = new Map();
    this.responseUrls = new Map();
    this.ephemerals = []; // shown to one person only
    this.prompts = [];
    this.sessions = new Map();
    this.oddities = new Set(); // arguments that Slack ignores
    this.wrongs = []; // what no well-behaved app does
    this.faults = [];
    this.timers = new Set();
    this.onSaid = null; // told of each new message of an app
    this.stopped = false;
    this.counts = { retries: 0, phantoms: 0, refreshes: 0, connections: 0, envelopes: 0, strayAcks: 0, badTickets: 0, tooMany: 0, lost: 0, limited: 0, operationTimeouts: 0,
      splitByServer: 0, exchanges: 0, refreshed: 0, authorizePages: 0, loginPages: 0, fileRequests: 0, statuses: {}, errors: {} };
    this.api = new Api(this);
    this.sockets = new Sockets(this);
    this.deliveries = new Deliveries(this);
    this.people = new People(this);
    this.tally = new Tally();
    this.server = http.createServer((request, response) => this.#serve(request, response));
    this.server.keepAliveTimeout = 60_000;
    this.server.on('upgrade', (request, socket, head) => this.sockets.upgrade(request, socket, head));
  }

  async start(port = 0) {
    await new Promise((resolve) => this.server.listen(port, '127.0.0.1', resolve));
    this.base = `http://127.0.0.1:${this.server.address().port}`;
    this.apiUrl = `${this.base}/api`;
    return this;
  }

  async stop() {
    this.stopped = true;
    for (const timer of this.timers) clearTimeout(timer);
    this.sockets.stop();
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

  every(ms, run) {
    this.after(ms(), () => run() && this.every(ms, run));
  }

  // Not ended by stop: whoever waits looks at `stopped` itself.
  pause(ms) {
    return new Promise((resolve) => setTimeout(resolve, ms).unref());
  }

  wrong(what, detail) {
    this.wrongs.push(`${what}: ${detail}`);
  }

  // ---- set-up -------------------------------------------------------------------------------------------------

  addApp(options) {
    const app = new App(this, options);
    this.apps.push(app);
    return app;
  }

  // Saves the request URL of an app for all it sends over HTTP; false when the app does not prove that it is there.
  async saveUrl(app, url) {
    app.socketMode = false;
    app.eventsUrl = url;
    return this.deliveries.verifyUrl(app, url);
  }

  uninstall(installation, { order = ['app_uninstalled', 'tokens_revoked'] } = {}) {
    const { app } = installation;
    const inner = {
      app_uninstalled: { type: 'app_uninstalled', event_ts: this.world.ts() },
      tokens_revoked: { type: 'tokens_revoked', tokens: { oauth: [], bot: [installation.bot.id] }, event_ts: this.world.ts() },
    };
    installation.revoke('account_inactive');
    const deliveries = order.filter((name) => app.events.includes(name)).map((name) => this.deliveries.event(app, app.envelope(installation, inner[name], null)));
    installation.active = false;
    return Promise.all(deliveries);
  }

  // ---- how it misbehaves ---------------------------------------------------------------------------------------

  // {method: name or RegExp, kind, p: probability, times, when: of the arguments, for kind error}. Kinds, before anything is done: cut, limited, html, status, error,
  // delay; after it was done: lose (the answer), status-after, error-after.
  fault(fault) {
    const entry = { p: 1, times: Infinity, ...fault };
    this.faults.push(entry);
    return () => (this.faults = this.faults.filter((f) => f !== entry));
  }

  faultFor(name) {
    for (const fault of this.faults) {
      if (fault.times <= 0 || !(fault.method instanceof RegExp ? fault.method.test(name) : fault.method === name) || this.random() >= fault.p) continue;
      if (!fault.when) fault.times--;
      return fault;
    }
    return null;
  }

  // ---- what happens ---------------------------------------------------------------------------------------------

  session(channel, threadTs) {
    return this.sessions.get(`${channel.id} ${threadTs}`);
  }

  setSession(channel, threadTs, status, { title, words, by } = {}) {
    const key = `${channel.id} ${threadTs}`;
    const session = this.sessions.get(key) ?? { status: 'active', title: title ?? null, titles: [], seen: [] };
    if (title && session.titles.length === 0) session.titles.push((session.title = title));
    if (status) {
      session.status = status;
      session.seen.push({ status, words, by });
    }
    this.sessions.set(key, session);
    return session;
  }

  #changed(inner, channel, message, mentioned) {
    const late = this.knobs.twinMs;
    if (message?.app && inner.type === 'message' && !inner.hidden) this.onSaid?.(message);
    for (const app of this.apps) {
      const installation = app.seenBy(inner, channel, mentioned);
      if (!installation) continue;
      const isMention = inner.type === 'app_mention', isNew = inner.type === 'message' && !inner.hidden;
      const first = this.knobs.twins === 'random' ? this.random() < 0.5 : this.knobs.twins === 'message';
      const wait = late > 0 && channel?.kind !== 'im' && ((isMention && first) || (isNew && !first)) ? late : 0;
      const envelope = app.envelope(installation, inner, channel);
      const send = () => this.deliveries.event(app, envelope, message ?? null);
      // Not in the same turn of the loop: with equal chances either twin is sent first.
      if (wait) this.after(wait, send);
      else if ((isMention && first) || (isNew && !first && this.knobs.twins !== 'message')) setTimeout(send, 1);
      else setImmediate(send);
    }
  }

  #serve(request, response) {
    const parts = [];
    request.on('data', (part) => parts.push(part));
    request.on('error', () => {});
    request.on('end', () => {
      this.#route(request, response, Buffer.concat(parts)).catch((error) => {
        console.error('the stand-in broke:', error);
        response.writeHead(500).end();
      });
    });
  }

  async #route(request, response, body) {
    const { pathname } = new URL(request.url, this.base);
    if (pathname.startsWith('/api/')) return this.api.serve(request, response, body);
    if (pathname === '/oauth/v2/authorize') return authorize(this, request, response);
    if (pathname === '/oauth/v2/decide') return decide(this, request, response);
    if (pathname.startsWith('/files-pri/') || pathname === '/login') return serveFile(this, request, response);
    if (pathname.startsWith('/upload/v1/')) return takeUpload(this, request, response, body);
    const [, kind, , key] = pathname.split('/');
    if (['commands', 'actions', 'app'].includes(kind) && request.method === 'POST') {
      let value = null;
      try { value = JSON.parse(body.toString('utf8')); } catch { /* answered below */ }
      if (!value || !/^application\/json/.test(request.headers['content-type'] ?? '')) return void response.writeHead(400).end('invalid_payload');
      const { status, text } = this.people.respond(key, value);
      return void response.writeHead(status, { 'content-type': 'text/html' }).end(text);
    }
    response.writeHead(404, { 'content-type': 'text/html' }).end('<!DOCTYPE html><html><body>no such page</body></html>');
  }
}
