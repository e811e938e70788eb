// getFile's other half: /file/bot<token>/<path>.
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { bad } from './refusal.mjs';

export const mostDownload = 20 << 20;

export class Files {
  constructor(telegram) {
    this.telegram = telegram;
  }

  // The path under which a file may be fetched for an hour.
  offer(file) {
    const { local, localDir, secondMs } = this.telegram.knobs;
    if (!local && file.size > mostDownload) bad('file is too big');
    file.until = Date.now() + 3600 * secondMs;
    if (!local) return file.path;
    const where = path.join(localDir, file.path); // a server of one's own says where the file lies
    mkdirSync(path.dirname(where), { recursive: true });
    writeFileSync(where, file.bytes);
    return where;
  }

  serve(request, response) {
    const [, token, where] = /^\/file\/bot([^/]+)\/(.+)$/.exec(decodeURIComponent(new URL(request.url, 'http://x').pathname)) ?? [];
    const refuse = (status, description) => void response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify({ ok: false, error_code: status, description }));
    this.telegram.counts.downloads++;
    if (!token || !this.telegram.bots.has(token)) return refuse(401, 'Unauthorized');
    const file = [...this.telegram.world.files.values()].find((f) => f.path === where);
    if (!file || file.until < Date.now() || file.behaviour === 'gone') return refuse(404, 'Not Found');
    file.asked++;
    const fault = this.telegram.faultFor('file', { path: where }, this.telegram.bots.get(token));
    const behaviour = fault?.kind ?? file.behaviour;
    if (behaviour === 'broken' || behaviour === 'status') return refuse(fault?.status ?? 500, 'Internal Server Error');
    if (behaviour === 'limited') return void response.writeHead(429, { 'retry-after': '1', 'content-type': 'application/json' }).end('{"ok":false,"error_code":429,"description":"Too Many Requests: retry after 1","parameters":{"retry_after":1}}');
    if (behaviour === 'html') return void response.writeHead(502, { 'content-type': 'text/html' }).end('<html><body>502 Bad Gateway</body></html>');
    response.writeHead(200, { 'content-type': 'application/octet-stream', 'content-length': file.bytes.length });
    if (behaviour !== 'cut') return void response.end(file.bytes);
    response.write(file.bytes.subarray(0, Math.floor(file.bytes.length / 2)), () => request.socket.destroy());
  }
}
