// The REST API's door (sheet 12, 13): headers, tokens, bodies, the error body, limits and faults. What the calls do is in routes-*.mjs.
import { multipart } from '../telegram/multipart.mjs';
import { permission } from './compose.mjs';
import { interactionRoutes } from './routes-interactions.mjs';
import { commandRoutes } from './routes-commands.mjs';
import { messageRoutes } from './routes-messages.mjs';
import { placeRoutes } from './routes-places.mjs';
import { badForm, noAccess, Refusal, refuse, unknown } from './refusal.mjs';

const mostBody = 25 << 20;
const prefix = '/api/v10';

const routes = [...messageRoutes, ...placeRoutes, ...interactionRoutes, ...commandRoutes].map(([method, path, run, options = {}]) => {
  const names = [...path.matchAll(/:(\w+)/g)].map((m) => m[1]), major = names.find((n) => ['channel', 'guild', 'webhook'].includes(n) && path.split('/')[2] === `:${n}`);
  return { method, path, name: `${method} ${path}`, run, names, pattern: new RegExp(`^${path.replace(/:\w+/g, '([^/]+)')}$`), major, ...options };
});

function decode(request, body) {
  const whole = request.headers['content-type'] ?? '', type = whole.split(';')[0].trim().toLowerCase(), files = new Map();
  if (body.length === 0) return { body: {}, files };
  let json = body.toString('utf8');
  if (type === 'multipart/form-data') {
    const parts = multipart(body, whole) ?? refuse(400, 50109, 'The request body contains invalid JSON.');
    for (const { name, filename, type: mime, bytes } of parts) {
      const [, index] = /^files\[(\d+)\]$/.exec(name) ?? [];
      if (index !== undefined) files.set(index, { name: filename ?? 'file', type: mime ?? 'application/octet-stream', bytes: Buffer.from(bytes) });
    }
    json = parts.find((p) => p.name === 'payload_json')?.bytes.toString('utf8') ?? '{}';
  } else if (type !== 'application/json') badForm('', 'CONTENT_TYPE_INVALID', 'Expected "Content-Type" header to be one of {\'application/json\'}.');
  let value;
  try { value = JSON.parse(json); } catch { refuse(400, 50109, 'The request body contains invalid JSON.'); }
  if (typeof value !== 'object' || value === null) badForm('', 'MODEL_TYPE_CONVERT', 'Only dictionaries may be used in a ModelType');
  return { body: value, files };
}

export class Rest {
  constructor(discord) {
    Object.assign(this, { discord, calls: [], counted: new Map(), flying: new Map() }); // calls: {app, route, path, method, body, status, answer, at}
  }

  // route: 'POST /channels/:channel/messages', or a RegExp.
  count(route) {
    return [...this.counted].filter(([name]) => (route instanceof RegExp ? route.test(name) : name === route)).reduce((sum, [, n]) => sum + n, 0);
  }

  of(route, app = null) {
    return this.calls.filter((c) => (route instanceof RegExp ? route.test(c.route) : c.route === route) && (!app || c.app === app));
  }

  async serve(request, response, body) {
    const { discord } = this, { counts } = discord, url = new URL(request.url, 'http://x'), path = url.pathname;
    const call = { app: null, route: `${request.method} ${path}`, path, method: request.method, query: url.search, body: null, files: new Map(), status: 200, answer: undefined, at: Date.now(), auth: request.headers.authorization ?? null, headers: {} };
    let fault = null;
    try {
      const { route, params } = this.#find(request, path);
      call.route = route.name;
      this.counted.set(route.name, (this.counted.get(route.name) ?? 0) + 1);
      if (discord.keep) this.calls.push(call);
      this.#headers(request, body);
      call.app = route.noAuth ? null : this.#appOf(request);
      fault = discord.faultFor(route.name, call);
      const key = `${discord.limits.hash(route)} ${params[route.major] ?? ''}`;
      if (fault && (await this.#before(fault, call, request, response, key))) return undefined;
      this.#limit(call, route, key);
      Object.assign(call, decode(request, body));
      await this.#run(call, route, params, url, request, fault);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      Object.assign(call, { status: error.status, answer: error.body, refused: error });
      if (fault?.kind !== 'error') counts.errors[`${error.status} ${error.code}`] = (counts.errors[`${error.status} ${error.code}`] ?? 0) + 1;
    }
    if (fault && call.status < 300 && /lose|-after$/.test(fault.kind)) counts.lost++;
    if (fault?.kind === 'lose') return void request.socket.destroy(); // it happened, and nobody is told
    if (fault?.kind === 'status-after') return void response.writeHead(fault.status ?? 502).end();
    if (fault?.kind === 'html-after') return this.html(response, fault.status ?? 502);
    if (fault?.kind === 'half-after') return void response.writeHead(200, { 'content-type': 'application/json', 'content-length': 5000 }).write('{"id":"1', () => request.socket.destroy());
    return this.#answer(response, call);
  }

  #find(request, path) {
    if (this.discord.limits.bannedUntil > Date.now()) throw new Refusal(429, 'cloudflare', 'banned');
    if (!path.startsWith(`${prefix}/`)) refuse(404, 0, '404: Not Found');
    const rest = path.slice(prefix.length).replaceAll('%40', '@'), matching = routes.filter((r) => r.pattern.test(rest));
    if (matching.length === 0) refuse(404, 0, '404: Not Found');
    const route = matching.find((r) => r.method === request.method) ?? refuse(405, 0, '405: Method Not Allowed');
    const values = route.pattern.exec(rest).slice(1);
    return { route, params: Object.fromEntries(route.names.map((name, i) => [name, values[i]])) };
  }

  #headers(request, body) {
    const agent = request.headers['user-agent'] ?? '';
    if (!/^DiscordBot \(\S+, [^)]+\)/.test(agent)) this.discord.counts.badAgents++;
    if (agent === '' || /^(lib)?curl/i.test(agent)) refuse(403, 40333, 'internal network error');
    if (['POST', 'PUT', 'PATCH'].includes(request.method) && request.headers['content-length'] === undefined && !request.headers['transfer-encoding']) refuse(411, 0, '411: Length Required');
    if (body.length > mostBody) refuse(413, 40005, 'Request entity too large');
  }

  #appOf(request) {
    const [, token] = /^Bot (\S+)$/.exec(request.headers.authorization ?? '') ?? [], app = [...this.discord.apps.values()].find((a) => a.token === token);
    return app ?? refuse(401, 0, '401: Unauthorized');
  }

  #limit(call, route, key) {
    const { waitMs, global, headers } = this.discord.limits.take(call.app, route, key);
    call.headers = headers;
    if (waitMs) this.#tooMany(call, waitMs, { global });
  }

  #tooMany(call, waitMs, { global = false, scope = global ? 'global' : 'user', code } = {}) {
    const seconds = Math.max(0.001, Math.ceil(waitMs) / 1000);
    this.discord.counts.limited++;
    Object.assign(call.headers, { 'retry-after': String(Math.ceil(seconds)), 'x-ratelimit-scope': scope, ...(global && { 'x-ratelimit-global': 'true' }), via: '1.1 google' });
    if (scope === 'shared') call.headers['x-ratelimit-reset-after'] = '0.001'; // is not the time to wait (sheet 13)
    call.scope = scope;
    throw new Refusal(429, code ?? 0, 'You are being rate limited.', { retry_after: seconds, global });
  }

  async #run(call, route, params, url, request, fault) {
    const { discord } = this, key = route.writes ? `${route.name} ${params[route.major]}` : null;
    if (key && this.flying.get(key)) discord.counts.parallel++;
    if (key) this.flying.set(key, (this.flying.get(key) ?? 0) + 1);
    try {
      if (discord.knobs.answerDelayMs) await discord.pause(discord.random() * discord.knobs.answerDelayMs);
      const { app, body, files } = call, ctx = {
        discord, app, body, files, params, route, query: url.searchParams, request, fault,
        may: (name, channel) => (app.permissions(channel) & permission(name)) !== 0n,
        channel: (id) => this.#channel(app, id),
      };
      const made = await route.run(ctx);
      if (made === undefined) call.status = 204;
      else if (Number.isInteger(made?.status) && 'body' in made) Object.assign(call, { status: made.status, answer: made.body });
      else call.answer = made;
    } finally {
      if (key) this.flying.set(key, this.flying.get(key) - 1);
    }
  }

  #channel(app, id) {
    const channel = this.discord.world.channels.get(id);
    if (!/^\d{1,20}$/.test(id)) badForm('channel_id', 'NUMBER_TYPE_COERCE', `Value "${id}" is not snowflake.`);
    if (!channel) unknown.channel();
    if (channel.guild ? !channel.guild.has(app.user) || !(app.permissions(channel) & permission('VIEW_CHANNEL')) : !channel.recipients.includes(app.user)) noAccess();
    return channel;
  }

  // True when the fault is the whole answer.
  async #before(fault, call, request, response, key) {
    const { discord } = this;
    if (fault.kind === 'delay') await discord.pause(fault.ms ?? 100);
    else if (fault.kind === 'cut') request.socket.destroy();
    else if (fault.kind === 'html') this.html(response, fault.status ?? 502);
    else if (fault.kind === 'empty') response.writeHead(fault.status ?? 200, { 'content-type': 'application/json' }).end();
    else if (fault.kind === 'status') response.writeHead(fault.status ?? 500, { 'content-type': 'application/json' }).end(JSON.stringify({ message: '500: Internal Server Error', code: 0 }));
    else if (fault.kind === 'error') throw new Refusal(fault.status ?? 400, fault.code, fault.message ?? 'on demand', fault.more);
    else if (fault.kind === 'cloudflare') throw new Refusal(fault.status ?? 429, 'cloudflare', String(fault.seconds ?? 1));
    else if (fault.kind === 'limited') {
      const ms = (fault.seconds ?? 0.2) * 1000;
      if (fault.scope !== 'shared') discord.limits.block(fault.global ? `${call.app?.id} global` : `${call.app?.id ?? ''} ${key}`, ms);
      this.#tooMany(call, ms, fault);
    } else return false;
    return fault.kind !== 'delay';
  }

  html(response, status, headers = {}) {
    response.writeHead(status, { 'content-type': 'text/html; charset=UTF-8', ...headers }).end('<!DOCTYPE html>\n<html><head><title>discord.com | 502: Bad gateway</title></head><body>cloudflare</body></html>\n');
  }

  #answer(response, { status, answer, headers, refused, scope }) {
    const { limits } = this.discord;
    this.discord.counts.statuses[status] = (this.discord.counts.statuses[status] ?? 0) + 1;
    if (status === 401 || status === 403 || (status === 429 && scope !== 'shared')) limits.countInvalid();
    if (refused?.code === 'cloudflare') return this.html(response, status, { 'retry-after': refused.message === 'banned' ? Math.ceil((limits.bannedUntil - Date.now()) / 1000) : refused.message });
    if (status === 204) return void response.writeHead(204, headers).end();
    return void response.writeHead(status, { 'content-type': 'application/json', via: '1.1 google', ...headers }).end(JSON.stringify(answer));
  }
}
