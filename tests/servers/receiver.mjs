// A receiver of signed callbacks. It checks every signature with the standard's own library, counts what it gets by
// webhook-id, and misbehaves by the path that is called:
//   /ok  /slow-MS  /status-CODE  /status-CODE-times-N (then ok)  /cut (reads, then breaks off)  /cut-times-N
//   /limited (429 with Retry-After once per id)  /redirect (to /ok)
import http from 'node:http';
import { Webhook } from 'standardwebhooks';

export class Receiver {
  constructor(secret) {
    this.webhook = secret ? new Webhook(secret) : null;
    this.received = []; // {id, path, raw, body, headers, status}
    this.accepted = new Map(); // webhook-id -> times answered with 2xx
    this.unsigned = 0;
    this.server = http.createServer((request, response) => this.#serve(request, response));
    this.server.keepAliveTimeout = 60_000;
  }

  async start() {
    await new Promise((resolve) => this.server.listen(0, '127.0.0.1', resolve));
    this.url = `http://127.0.0.1:${this.server.address().port}`;
    return this;
  }

  async stop() {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  #serve(request, response) {
    const parts = [];
    request.on('data', (part) => parts.push(part));
    request.on('end', () => {
      const text = Buffer.concat(parts).toString('utf8');
      const id = request.headers['webhook-id'];
      const times = this.received.filter((r) => r.id === id && r.path === request.url).length;
      try {
        this.webhook?.verify(text, request.headers);
      } catch {
        this.unsigned++;
        response.writeHead(401).end();
        return;
      }
      const entry = { id, path: request.url, raw: text, body: JSON.parse(text), headers: request.headers, status: 200, timestamp: request.headers['webhook-timestamp'], at: Date.now() };
      this.received.push(entry);
      this.#answer(request.url, times, entry, response);
    });
  }

  #answer(path, times, entry, response) {
    const [, kind, value, limit] = path.match(/^\/([a-z]+)(?:-(\d+))?(?:-times-(\d+))?/) ?? [];
    const spent = limit !== undefined && times >= Number(limit);
    const ok = () => {
      this.accepted.set(entry.id, (this.accepted.get(entry.id) ?? 0) + 1);
      response.writeHead(200).end();
    };
    const status = (code, headers) => {
      entry.status = code;
      response.writeHead(code, headers).end();
    };
    if (spent || kind === 'ok') return ok();
    if (kind === 'slow') return setTimeout(ok, Number(value));
    if (kind === 'status') return status(Number(value));
    if (kind === 'limited') return times === 0 ? status(429, { 'retry-after': '1' }) : ok();
    if (kind === 'redirect') return status(302, { location: '/ok' });
    if (kind === 'cut') {
      entry.status = 0;
      const once = path === '/cut' ? times >= 1 : spent;
      return once ? ok() : response.destroy();
    }
    ok();
  }
}
