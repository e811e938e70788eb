// Socket Mode: tickets, at most ten connections of an app, envelopes to one of them, acknowledged on the same one.
import { randomBytes, randomUUID } from 'node:crypto';
import { WebSocketServer } from 'ws';

const cap = 10;

class Connection {
  constructor(sockets, app, ws) {
    Object.assign(this, { sockets, app, ws, number: ++sockets.lastNumber, greeted: false, warned: false, closed: false, waiting: new Map(), began: Date.now(), pongs: 0 });
    ws.on('message', (data, binary) => this.#received(data, binary));
    ws.on('pong', () => this.pongs++);
    ws.on('close', () => this.#gone());
    ws.on('error', () => ws.terminate());
  }

  get knobs() {
    return this.sockets.slack.knobs;
  }

  send(value) {
    if (this.ws.readyState === this.ws.OPEN) this.ws.send(typeof value === 'string' ? value : JSON.stringify(value));
  }

  greet() {
    const { slack } = this.sockets;
    if (this.knobs.noHello || this.closed) return;
    this.greeted = true;
    this.send({ type: 'hello', num_connections: this.sockets.of(this.app).length, connection_info: { app_id: this.app.id },
      debug_info: { host: 'applink-1', build_number: 1, approximate_connection_time: 3600, started: new Date().toISOString() } });
    slack.every(() => this.knobs.pingMs, () => {
      if (!this.closed && !this.knobs.silent) this.ws.ping('Ping from applink-1');
      return !this.closed;
    });
    if (this.knobs.refreshMs > 0) slack.after(this.knobs.refreshMs * (0.75 + slack.random() / 2), () => this.refresh());
  }

  // Asks the app to come over to a new connection, and closes this one a while later.
  refresh(reason = this.sockets.slack.random() < 0.5 ? 'warning' : 'refresh_requested') {
    const { slack } = this.sockets;
    if (this.closed || this.warned) return;
    this.warned = true;
    slack.counts.refreshes++;
    this.send({ type: 'disconnect', reason, debug_info: { host: 'applink-1' } });
    const leave = () => { // patient: not before there is another one
      const last = this.knobs.patient && !this.closed && !this.sockets.of(this.app).some((c) => c !== this && c.greeted && !c.warned);
      if (last) slack.after(50, leave);
      else this.close();
    };
    slack.after(this.knobs.warningMs, leave);
  }

  close(code = 1000) {
    if (this.closed) return;
    this.ws.close(code);
    this.sockets.slack.after(500, () => this.ws.terminate());
  }

  // As a machine that loses its power: no close frame.
  cut() {
    this.ws.terminate();
  }

  deliver(envelope) {
    return new Promise((resolve) => {
      const { slack } = this.sockets;
      const end = (result) => {
        if (!this.waiting.delete(envelope.envelope_id)) return;
        resolve({ connection: this.number, ...result });
      };
      this.waiting.set(envelope.envelope_id, { end, accepts: envelope.accepts_response_payload });
      slack.after(this.knobs.ackMs / 2, () => slack.after(this.knobs.ackMs / 2, () => end({ ok: false, reason: 'timeout' }))); // in halves: what came while this process had no turn is seen first
      slack.counts.envelopes++;
      if (!this.knobs.deaf) this.send(envelope);
    });
  }

  #received(data, binary) {
    const { slack } = this.sockets;
    let value;
    try {
      value = JSON.parse(data.toString('utf8'));
    } catch {
      value = null;
    }
    if (binary || typeof value?.envelope_id !== 'string') return void slack.wrong('a frame that is no acknowledgement', String(data).slice(0, 200));
    const waiting = this.waiting.get(value.envelope_id);
    if (!waiting) {
      slack.counts.strayAcks++;
      if (this.sockets.owner.get(value.envelope_id) !== this.number) slack.wrong('an acknowledgement on another connection', value.envelope_id);
      return;
    }
    const payload = value.payload && Object.keys(value.payload).length ? value.payload : null;
    if (payload && !waiting.accepts) slack.wrong('a payload where none is accepted', JSON.stringify(payload).slice(0, 200));
    waiting.end({ ok: true, payload });
  }

  #gone() {
    if (this.closed) return;
    this.closed = true;
    for (const { end } of [...this.waiting.values()]) end({ ok: false, reason: 'connection_closed' });
    this.sockets.open.delete(this);
  }
}

export class Sockets {
  constructor(slack) {
    Object.assign(this, { slack, open: new Set(), tickets: new Map(), owner: new Map(), lastNumber: 0, most: 0 });
    this.server = new WebSocketServer({ noServer: true, autoPong: true, perMessageDeflate: false, maxPayload: 1 << 24 });
  }

  // Whoever never says goodbye is still counted: that is what the cap is about.
  of(app) {
    return [...this.open].filter((c) => c.app === app);
  }

  url(app) {
    const ticket = randomBytes(24).toString('hex');
    this.tickets.set(ticket, { app, until: Date.now() + this.slack.knobs.ticketMs });
    return `${this.slack.base.replace('http', 'ws')}/link/?ticket=${ticket}&app_id=${app.id}`;
  }

  upgrade(request, socket, head) {
    const ticket = new URL(request.url, this.slack.base).searchParams.get('ticket');
    const found = this.tickets.get(ticket);
    this.tickets.delete(ticket);
    if (!found || found.until < Date.now()) {
      this.slack.counts.badTickets++;
      return socket.end('HTTP/1.1 403 Forbidden\r\nconnection: close\r\ncontent-length: 0\r\n\r\n');
    }
    this.server.options.autoPong = !this.slack.knobs.neverPong;
    this.server.handleUpgrade(request, socket, head, (ws) => this.#opened(found.app, ws));
  }

  #opened(app, ws) {
    const connection = new Connection(this, app, ws);
    this.open.add(connection);
    this.most = Math.max(this.most, this.of(app).length);
    this.slack.counts.connections++;
    // The real thing often leaves the TCP side open after the closing handshake.
    if (this.slack.knobs.neverClose) ws._receiver?.removeAllListeners('conclude');
    if (this.of(app).length > cap) {
      this.slack.counts.tooMany++;
      connection.send({ type: 'disconnect', reason: 'too_many_websockets', debug_info: { host: 'applink-1' } });
      return connection.close();
    }
    this.slack.after(this.slack.knobs.helloMs, () => connection.greet());
  }

  async deliver(app, envelope) {
    const ready = this.of(app).filter((c) => c.greeted && c.ws.readyState === c.ws.OPEN);
    if (ready.length === 0) return { ok: false, reason: 'no_connection' };
    const chosen = ready[Math.floor(this.slack.random() * ready.length)];
    const id = randomUUID();
    this.owner.set(id, chosen.number);
    return chosen.deliver({ envelope_id: id, ...envelope });
  }

  stop() {
    for (const connection of this.open) connection.cut();
    this.server.close();
  }
}
