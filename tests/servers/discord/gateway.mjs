// The gateway (sheet 4 to 8): HELLO, heartbeats, IDENTIFY and RESUME with what they cost, every close code, compression.
import { createDeflate, constants, deflateSync } from 'node:zlib';
import { WebSocketServer } from 'ws';
import { intent } from './sessions.mjs';
import { privileged } from './apps.mjs';

const knownIntents = 0x1ffff | (1 << 20) | (1 << 21) | (1 << 24) | (1 << 25);
const ends = new Set([1000, 1001, 4003, 4004, 4005, 4007, 4009, 4010, 4011, 4012, 4013, 4014]); // of these no session is left

class Connection {
  constructor(gateway, ws, { query, resumeUrl }) {
    Object.assign(this, { gateway, ws, resumeUrl, number: ++gateway.lastNumber, session: null, app: null, closed: false, beats: 0, lastBeat: Date.now(), sends: [], silent: false, deflate: null, wholes: false });
    this.turn = Promise.resolve(); // frames that are being compressed go out in order
    this.parts = [];
    if (query.get('compress') === 'zlib-stream') {
      this.deflate = createDeflate();
      this.deflate.on('data', (part) => this.parts.push(part));
    }
    ws.on('message', (data, binary) => this.#received(data, binary));
    ws.on('close', (code) => this.#gone(code));
    ws.on('error', () => ws.terminate());
  }

  get discord() {
    return this.gateway.discord;
  }

  send(op, d = null, s = null, t = null) {
    this.text(JSON.stringify({ op, d, s, t }));
  }

  event({ s, t, d }) {
    if (!this.silent) this.text(`{"op":0,"s":${s},"t":${JSON.stringify(t)},"d":${d}}`);
  }

  text(text) {
    if (this.wholes) return this.#frames(deflateSync(text));
    if (!this.deflate) return this.#frames(text);
    this.turn = this.turn.then(() => new Promise((resolve) => {
      this.deflate.write(text);
      this.deflate.flush(constants.Z_SYNC_FLUSH, () => {
        const whole = Buffer.concat(this.parts.splice(0)), { zlibSplit } = this.discord.knobs;
        const step = zlibSplit || whole.length;
        for (let at = 0; at < whole.length; at += step) this.#frames(whole.subarray(at, at + step));
        resolve();
      });
    }));
    return undefined;
  }

  // As one message, which may come in several frames of the WebSocket.
  #frames(data) {
    if (this.ws.readyState !== this.ws.OPEN) return;
    const { fragment } = this.discord.knobs, bytes = Buffer.from(data), binary = typeof data !== 'string';
    if (!fragment || bytes.length <= fragment) return void this.ws.send(data, { binary });
    for (let at = 0; at < bytes.length; at += fragment) this.ws.send(bytes.subarray(at, at + fragment), { binary, fin: at + fragment >= bytes.length });
  }

  hello() {
    if (this.closed) return;
    const fault = this.gateway.faultFor('hello', this);
    if (fault) return this.misbehave(fault);
    const { heartbeatMs, beatsMissed } = this.discord.knobs;
    this.send(10, { heartbeat_interval: heartbeatMs, _trace: ['["gateway-stand-in"]'] });
    this.discord.every(heartbeatMs, () => {
      if (this.closed) return false;
      const late = () => !this.closed && Date.now() - this.lastBeat > heartbeatMs * beatsMissed;
      // What came while this process had no turn is seen before that.
      if (late()) this.discord.after(heartbeatMs / 2, () => late() && (this.discord.counts.missedBeats++, this.close(4009, 'Session timed out')));
      return true;
    });
  }

  // keep: the session can be resumed though the code says it cannot.
  close(code, reason = '', { keep = false } = {}) {
    if (this.closed) return;
    if (ends.has(code) && !keep) this.#lose();
    this.discord.counts.closes[code] = (this.discord.counts.closes[code] ?? 0) + 1;
    this.turn.then(() => this.ws.close(code, reason));
    this.#leave();
    this.discord.after(500, () => this.ws.terminate());
  }

  // As a network that breaks.
  cut() {
    this.ws.terminate();
    this.#leave();
  }

  #lose() {
    if (this.session) this.session.dead = true;
  }

  #leave() {
    if (this.closed) return;
    this.closed = true;
    this.gateway.open.delete(this);
    if (this.session?.connection === this) Object.assign(this.session, { connection: null, goneAt: Date.now() });
  }

  #gone(code) {
    if (!this.closed) this.discord.counts.clientCloses.push(code);
    if (!this.closed && (code === 1000 || code === 1001)) this.#lose();
    this.#leave();
  }

  // One of the kinds of gateway.fault.
  misbehave({ kind, code = 4000, resumable = false }) {
    if (kind === 'cut') this.cut();
    else if (kind === 'close') this.close(code, 'on demand');
    else if (kind === 'invalid') this.invalid(resumable);
    else if (kind === 'reconnect') this.send(7);
    else if (kind === 'silent') this.silent = true; // nothing is answered any more, the connection stays
    else throw new Error(`no fault of the gateway: ${kind}`);
  }

  invalid(resumable = false) {
    if (!resumable) this.#lose();
    if (this.session?.connection === this) Object.assign(this.session, { connection: null, goneAt: Date.now() });
    this.session = null;
    this.send(9, resumable);
  }

  #received(data, binary) {
    const { knobs, counts } = this.discord, now = Date.now();
    if (this.closed) return undefined;
    this.sends = this.sends.filter((at) => at > now - knobs.sendWindowMs);
    this.sends.push(now);
    counts.mostSends = Math.max(counts.mostSends, this.sends.length);
    if (this.sends.length > knobs.sendsPerWindow) return this.close(4008, 'You are being rate limited.');
    if (binary || data.length > 4096) return this.close(4002, 'Error while decoding payload.');
    let frame;
    try {
      frame = JSON.parse(data.toString('utf8'));
    } catch {
      return this.close(4002, 'Error while decoding payload.');
    }
    if (typeof frame?.op !== 'number') return this.close(4002, 'Error while decoding payload.');
    if (knobs.keepFrames) this.gateway.frames.push({ connection: this.number, at: now, ...frame });
    if (this.silent) return undefined;
    return this.#act(frame);
  }

  #act({ op, d }) {
    if (op === 1) return this.#beat(d);
    if (op === 2) return this.#identify(d);
    if (op === 6) return this.#resume(d);
    if (![3, 4, 8, 31, 43].includes(op)) return this.close(4001, 'Unknown opcode.');
    if (!this.session) return this.close(4003, 'Not authenticated.');
    if (op === 8) this.session.dispatch('GUILD_MEMBERS_CHUNK', this.#members(d));
    return undefined;
  }

  #members({ guild_id: id, nonce }) {
    const guild = this.discord.world.guilds.get(id), members = [...(guild?.members.values() ?? [])].map((m) => guild.memberShown(m.user, true));
    return { guild_id: id, members, chunk_index: 0, chunk_count: 1, ...(nonce && { nonce }) };
  }

  #beat(d) {
    const { counts, knobs } = this.discord;
    counts.beats++;
    this.beats++;
    this.lastBeat = Date.now();
    if (d !== null && !Number.isInteger(d)) return this.close(4002, 'Error while decoding payload.');
    if (this.session && d > this.session.seq) return this.close(4007, 'Invalid seq.');
    this.seqSeen = d;
    if (!knobs.noAck) this.send(11);
    return undefined;
  }

  // "Bot " before it is tolerated (oceanic.js sends it), but the documented form is without, so it is counted.
  #appOf(token) {
    if (/^Bot /.test(token)) this.discord.counts.prefixedTokens++;
    return [...this.discord.apps.values()].find((a) => a.token === String(token).replace(/^Bot /, ''));
  }

  #identify(d) {
    const { discord, gateway } = this, { counts } = discord, app = this.#appOf(d?.token);
    gateway.identifies.push({ at: Date.now(), app, shard: d?.shard ?? null, intents: d?.intents, properties: d?.properties, presence: d?.presence, connection: this.number });
    counts.identifies++;
    if (this.session) return this.close(4005, 'Already authenticated.');
    if (!app) return (counts.badTokens++, this.close(4004, 'Authentication failed.'));
    this.app = app;
    if (this.#refuses(app, d)) return undefined;
    app.limit.used += app.sessionStart.remaining > 0 ? 1 : this.#over(app);
    if (this.closed) return undefined; // too many: the token was taken away
    const fault = gateway.faultFor('identify', this, d.shard?.[0] ?? 0), key = (d.shard?.[0] ?? 0) % app.maxConcurrency, now = Date.now();
    if (fault) return this.misbehave(fault);
    if (now - (app.lastIdentify.get(key) ?? 0) < discord.knobs.identifyMs) return (counts.hasty++, this.invalid(false));
    app.lastIdentify.set(key, now);
    this.wholes = d.compress === true && !this.deflate;
    this.session = discord.sessions.add(app, this, { shard: d.shard, intents: d.intents });
    gateway.begin(this.session, this.resumeUrl);
    return undefined;
  }

  #refuses(app, { intents, shard, properties }) {
    const pair = shard ?? [0, 1], { members, presences, content } = app.intents;
    const missing = (members ? 0 : privileged.members) | (presences ? 0 : privileged.presences) | (content ? 0 : privileged.content);
    if (!Array.isArray(pair) || pair.length !== 2 || !pair.every(Number.isInteger) || pair[0] < 0 || pair[0] >= pair[1]) this.close(4010, 'Invalid shard.');
    else if (pair[1] < app.leastShards) this.close(4011, 'Sharding required.');
    else if (!Number.isInteger(intents) || intents < 0 || (intents & ~knownIntents) !== 0) this.close(4013, 'Invalid intent(s).');
    else if (intents & missing) this.close(4014, 'Disallowed intent(s).');
    else if (typeof properties?.os !== 'string' || !properties.browser || !properties.device) this.close(4002, 'Error while decoding payload.');
    return this.closed;
  }

  // More IDENTIFYs than a day has: all sessions end and the token is reset (sheet 4).
  #over(app) {
    this.discord.counts.tokenResets++;
    app.renew();
    for (const connection of [...this.gateway.of(app), this]) connection.close(4004, 'Authentication failed.');
    for (const session of this.discord.sessions.of(app)) session.dead = true;
    return 1;
  }

  #resume(d) {
    const { discord, gateway } = this, { counts, knobs } = discord, session = discord.sessions.find(d?.session_id);
    gateway.resumes.push({ at: Date.now(), session: d?.session_id, seq: d?.seq, shard: session?.shard, connection: this.number, url: this.resumeUrl ? 'resume' : 'main' });
    counts.resumes++;
    if (this.session) return this.close(4005, 'Already authenticated.');
    const app = this.#appOf(d?.token);
    if (!app) return (counts.badTokens++, this.close(4004, 'Authentication failed.'));
    this.app = app;
    const fault = gateway.faultFor('resume', this, session?.shard[0] ?? 0);
    if (fault) {
      if (fault.kind === 'invalid' && !fault.resumable && session) session.dead = true;
      return this.misbehave(fault);
    }
    if (!session || session.app !== app || !session.resumable || !Number.isInteger(d.seq) || d.seq < session.lost) return (counts.staleResumes++, this.invalid(false));
    if (d.seq > session.seq) return (session.dead = true, this.close(4007, 'Invalid seq.'));
    session.connection?.cut();
    Object.assign(session, { connection: this, goneAt: null });
    this.session = session;
    const from = Math.max(session.lost, d.seq - knobs.replayExtra);
    for (const event of session.sent) if (event.s > from) (counts.replayed++, this.event(event));
    counts.resumed++;
    session.dispatch('RESUMED', { _trace: [] });
    return undefined;
  }
}

export class Gateway {
  constructor(discord) {
    Object.assign(this, { discord, open: new Set(), identifies: [], resumes: [], frames: [], faults: [], lastNumber: 0, refusing: false });
    this.server = new WebSocketServer({ noServer: true, perMessageDeflate: false, maxPayload: 1 << 20 });
  }

  of(app, shard = null) {
    return [...this.open].filter((c) => c.app === app && (shard === null || c.session?.shard[0] === shard));
  }

  // {at: 'upgrade' | 'hello' | 'identify' | 'resume', kind: cut | close {code} | invalid {resumable} | reconnect | silent, times, p, when: (connection, shard)}
  fault(fault) {
    const entry = { p: 1, times: Infinity, ...fault };
    this.faults.push(entry);
    return () => (this.faults = this.faults.filter((f) => f !== entry));
  }

  faultFor(at, connection, shard = null) {
    for (const fault of this.faults) {
      if (fault.at !== at || fault.times <= 0 || (fault.when && !fault.when(connection, shard)) || this.discord.random() >= fault.p) continue;
      fault.times--;
      return fault;
    }
    return null;
  }

  // resume: over the address that READY names.
  upgrade(request, socket, head, resume) {
    const url = new URL(request.url, 'http://x'), { counts, knobs } = this.discord;
    counts.upgrades++;
    socket.on('error', () => {});
    if (this.refusing || this.faultFor('upgrade', null)) return void socket.end('HTTP/1.1 503 Service Unavailable\r\nconnection: close\r\ncontent-length: 0\r\n\r\n');
    this.server.handleUpgrade(request, socket, head, (ws) => {
      const connection = new Connection(this, ws, { query: url.searchParams, resumeUrl: resume });
      this.open.add(connection);
      counts.connections++;
      const compress = url.searchParams.get('compress');
      if (url.searchParams.get('v') !== '10') return connection.close(4012, 'Invalid API version.');
      if (url.searchParams.get('encoding') !== 'json' || (compress && compress !== 'zlib-stream')) return connection.close(4002, 'Error while decoding payload.');
      return knobs.helloMs ? this.discord.after(knobs.helloMs, () => connection.hello()) : connection.hello();
    });
  }

  // READY, and then each guild of the shard (sheet 3, 4).
  begin(session) {
    this.discord.counts.ready++;
    const { app } = session, guilds = app.guilds.filter((g) => session.serves(g));
    session.dispatch('READY', {
      v: 10, user: { ...app.user.shown(), email: null, verified: true, mfa_enabled: false, flags: 0 }, user_settings: {}, session_type: 'normal', private_channels: [], presences: [], relationships: [], guild_join_requests: [],
      guilds: guilds.map((g) => ({ id: g.id, unavailable: true })), session_id: session.id, resume_gateway_url: this.discord.resumeUrl, shard: session.shard, application: { id: app.id, flags: app.flags },
      geo_ordered_rtc_regions: [], auth: {}, _trace: ['["gateway-stand-in"]'],
    });
    if (session.wants(intent.guilds)) for (const guild of guilds) if (!guild.unavailable) session.dispatch('GUILD_CREATE', guild.shown(app));
  }

  // ---- what may happen to connections, of one shard or (null) of all ---------------------------------------------

  close(app, code, { shard = null, keep = false } = {}) {
    for (const connection of this.of(app, shard)) connection.close(code, 'on demand', { keep });
  }

  cut(app, shard = null) {
    for (const connection of this.of(app, shard)) connection.cut();
  }

  reconnect(app, shard = null) {
    for (const connection of this.of(app, shard)) connection.send(7);
  }

  invalid(app, resumable = false, shard = null) {
    for (const connection of this.of(app, shard)) connection.invalid(resumable);
  }

  // Asks for a heartbeat (op 1).
  askBeat(app, shard = null) {
    for (const connection of this.of(app, shard)) connection.send(1);
  }

  // All sessions are forgotten: the next RESUME finds nothing.
  forget(app) {
    for (const session of this.discord.sessions.of(app)) session.dead = true;
    this.cut(app);
  }

  // Nobody gets in, and whoever was in is out; up() ends it.
  down() {
    this.refusing = true;
    for (const connection of this.open) connection.cut();
  }

  up() {
    this.refusing = false;
  }

  stop() {
    for (const connection of this.open) connection.cut();
    this.server.close();
  }
}
