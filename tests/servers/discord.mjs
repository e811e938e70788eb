// A Discord that runs on this machine and is as strict as the real one, after the protocol sheet (its sections stand in brackets):
// the gateway (4 to 8) in discord/gateway.mjs and sessions.mjs, the REST API (12 to 17, 19) in rest.mjs and routes-*.mjs, limits
// (13), interactions and webhook events (3.1, 10), attachments (15). Several applications, guilds and people. How it misbehaves is
// in `knobs`, `fault` (REST) and `gateway.fault`. It counts and records everything.
import http from 'node:http';
import { App } from './discord/apps.mjs';
import { Cdn } from './discord/cdn.mjs';
import { Gateway } from './discord/gateway.mjs';
import { Interactions } from './discord/interactions.mjs';
import { Limits } from './discord/limits.mjs';
import { People } from './discord/people.mjs';
import { Rest } from './discord/rest.mjs';
import { Sessions } from './discord/sessions.mjs';
import { Tally } from './discord/tally.mjs';
import { seeded, World } from './discord/world.mjs';

const usual = {
  heartbeatMs: 41_250,
  beatsMissed: 2.5, // so many heartbeats without a word, and the connection has timed out
  helloMs: 0, // until HELLO
  identifyMs: 5000, // one IDENTIFY of a bucket in this time
  sessionMs: 300_000, // how long a session without a connection can be resumed
  replayMost: 100_000, // events kept of a session
  replayExtra: 0, // so many events that were seen already are replayed with a RESUME
  sendsPerWindow: 120, sendWindowMs: 60_000,
  noAck: false, // heartbeats are not acknowledged
  zlibSplit: 0, // bytes of a frame of the compressed stream; 0: whole messages
  fragment: 0, // bytes of a WebSocket frame, when messages come in several
  keepFrames: false, // everything that was received by the gateway, in gateway.frames
  nonceMs: 180_000, // "the past few minutes"
  historyNonce: false, // whether messages that are read later tell their nonce
  oldEditMs: 3_600_000, // older messages are not edited
  interactionMs: 3000, // for the first response
  tokenMs: 900_000, // life of an interaction's token
  eventRetryMs: 100, // between tries of a webhook event
  cdnMs: 86_400_000, cdnBase: null, // life and beginning of an attachment's address
  answerDelayMs: 0, // every call takes up to this long
};

export class Discord {
  // chaos: probabilities by kind of fault, for everything that writes messages: {lose, limited, status, html, cut, delay}.
  constructor({ seed = 1, keep = true, knobs = {}, limits = {}, chaos = {} } = {}) {
    this.random = seeded(seed);
    this.keep = keep;
    this.knobs = { ...usual, ...knobs };
    this.sessions = new Sessions(this);
    this.apps = new Map(); // id -> application
    this.world = new World({ random: this.random, changed: (...what) => this.sessions.changed(...what) });
    this.owner = this.world.addUser('olga');
    this.limits = new Limits(limits);
    this.oddities = new Set(); // arguments that the real one does not know
    this.faults = [];
    this.timers = new Set();
    this.resolve = new Map(); // the beginning of a public address -> where it is
    this.stopped = false;
    this.counts = { events: 0, connections: 0, upgrades: 0, identifies: 0, hasty: 0, ready: 0, resumes: 0, resumed: 0, staleResumes: 0, replayed: 0, beats: 0, missedBeats: 0, mostSends: 0, badTokens: 0, prefixedTokens: 0, tokenResets: 0, closes: {}, clientCloses: [],
      statuses: {}, errors: {}, limited: 0, lost: 0, parallel: 0, repeated: 0, reusedNonces: 0, bareMentions: 0, badAgents: 0, threads: 0, dmsOpened: 0, downloads: 0, expired: 0, tokensToCdn: 0, responses: {}, unanswered: 0 };
    this.creates = []; // {app, channel, nonce, enforced, at, message, existing, body}: every create that was done
    this.edits = []; // {app, message, content, at, body}
    this.follows = []; // follow-ups of interactions
    this.puts = []; // {app, guild, commands}: command lists that were set
    this.rest = new Rest(this);
    this.gateway = new Gateway(this);
    this.interactions = new Interactions(this);
    this.cdn = new Cdn(this);
    this.people = new People(this);
    this.tally = new Tally(this);
    for (const [kind, p] of Object.entries(chaos)) this.fault({ route: /^(POST|PATCH|PUT) .*(messages|threads|webhooks)/, kind, p });
    this.servers = [false, true].map((resume) => {
      const server = http.createServer((request, response) => this.#serve(request, response));
      server.on('upgrade', (request, socket, head) => this.gateway.upgrade(request, socket, head, resume));
      server.keepAliveTimeout = 60_000;
      return server;
    });
  }

  // The second server stands for the address that READY gives for RESUME.
  async start(port = 0) {
    for (const [i, server] of this.servers.entries()) await new Promise((resolve) => server.listen(i ? 0 : port, '127.0.0.1', resolve));
    [this.port, this.resumePort] = this.servers.map((server) => server.address().port);
    this.base = `http://127.0.0.1:${this.port}`;
    this.api = `${this.base}/api/v10`;
    this.gatewayUrl = `ws://127.0.0.1:${this.port}`;
    this.resumeUrl = `ws://127.0.0.1:${this.resumePort}`;
    return this;
  }

  async stop() {
    this.stopped = true;
    for (const timer of this.timers) clearTimeout(timer);
    this.gateway.stop();
    for (const server of this.servers) {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    }
  }

  after(ms, run) {
    const timer = setTimeout(() => {
      this.timers.delete(timer);
      if (!this.stopped) run();
    }, ms);
    timer.unref();
    this.timers.add(timer);
  }

  // Until run returns false.
  every(ms, run) {
    this.after(ms, () => run() && this.every(ms, run));
  }

  pause(ms) {
    return new Promise((resolve) => setTimeout(resolve, ms).unref());
  }

  addApp(name = 'usher', options = {}) {
    const app = new App(this, name, options);
    this.apps.set(app.id, app);
    return app;
  }

  resolved(url) {
    for (const [from, to] of this.resolve) if (url.startsWith(from)) return to + url.slice(from.length);
    return url;
  }

  // {route: name ('POST /channels/:channel/messages') or RegExp, kind, p: probability, times, when: (call) => bool}. Kinds, before anything is done:
  // cut, delay {ms}, html, empty, status {status}, error {status, code, message, more}, limited {seconds, global, scope: 'shared'}, cloudflare {status, seconds};
  // after it was done: lose (the answer), status-after, html-after, half-after. Returns how to end it.
  fault(fault) {
    const entry = { p: 1, times: Infinity, ...fault };
    this.faults.push(entry);
    return () => (this.faults = this.faults.filter((f) => f !== entry));
  }

  faultFor(name, call) {
    for (const fault of this.faults) {
      if (fault.times <= 0 || !(fault.route instanceof RegExp ? fault.route.test(name) : fault.route === name)) continue;
      if ((fault.when && !fault.when(call)) || this.random() >= fault.p) continue;
      fault.times--;
      return fault;
    }
    return null;
  }

  #serve(request, response) {
    const parts = [];
    let size = 0;
    request.on('data', (part) => (size += part.length) <= 26 << 20 && parts.push(part));
    request.on('error', () => {});
    request.on('end', () => {
      const path = new URL(request.url, this.base).pathname;
      const serving = path.startsWith('/attachments/') ? Promise.resolve(this.cdn.serve(request, response)) : this.rest.serve(request, response, Buffer.concat(parts));
      serving.catch((error) => {
        console.error('the stand-in broke:', error);
        response.writeHead(500).end();
      });
    });
  }
}
