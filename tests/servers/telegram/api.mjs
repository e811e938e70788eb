// The Bot API's door: tokens in the path, bodies of four forms, the envelope, and faults. What the methods do stands in methods-*.mjs.
import { own } from './methods-bot.mjs';
import { messages } from './methods-messages.mjs';
import { multipart } from './multipart.mjs';
import { bad, Refusal, textOf } from './refusal.mjs';

const methods = new Map(Object.entries({ ...own, ...messages }).map(([name, method]) => [name.toLowerCase(), { name, takes: [], ...method }]));
const mostBody = 50 << 20;

function fromMultipart(body, type) {
  const parts = multipart(body, type) ?? bad("can't parse multipart form data"), args = {};
  for (const { name, filename, type: mime, bytes } of parts)
    args[name] = filename === undefined ? bytes.toString('utf8') : { bytes: Buffer.from(bytes), name: filename, mime: mime ?? 'application/octet-stream' };
  return args;
}

function decode(request, body) {
  const args = Object.fromEntries(new URL(request.url, 'http://x').searchParams);
  if (request.method === 'GET' || body.length === 0) return args;
  const whole = request.headers['content-type'] ?? '', type = whole.split(';')[0].trim().toLowerCase();
  if (type === 'application/x-www-form-urlencoded') return { ...args, ...Object.fromEntries(new URLSearchParams(body.toString('utf8'))) };
  if (type === 'multipart/form-data') return { ...args, ...fromMultipart(body, whole) };
  if (type !== 'application/json') return args; // nobody reads it
  let value;
  try { value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body)); } catch { bad("can't parse JSON object"); }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) bad("can't parse JSON object");
  return { ...args, ...value };
}

export class Api {
  constructor(telegram) {
    this.telegram = telegram;
    this.calls = []; // {bot, method, args, at, status, result, description}
    this.counts = new Map();
    this.flying = new Map(); // bot and chat -> how many messages are under way to it
  }

  count(method) {
    return this.counts.get(method) ?? 0;
  }

  of(method, bot = null) {
    return this.calls.filter((c) => c.method === method && (!bot || c.bot === bot));
  }

  // Runs a method; {result, description} or a refusal.
  async call(bot, name, args, request) {
    const method = methods.get(name.toLowerCase()), { knobs, oddities } = this.telegram;
    if (!method || knobs.missing.includes(method.name)) throw new Refusal(404, 'Not Found: method not found');
    for (const arg of Object.keys(args)) if (!method.takes.includes(arg) && !args[arg]?.bytes) oddities.add(`${method.name}: ${arg}`);
    const made = await method.run({ telegram: this.telegram, bot, args, request });
    return method.described ? made : { result: made };
  }

  async serve(request, response, body) {
    const path = decodeURIComponent(new URL(request.url, 'http://x').pathname), [, token, test, name] = /^\/bot([^/]*)\/(test\/)?([^/]*)$/.exec(path) ?? [];
    const call = { bot: null, method: methods.get(name?.toLowerCase())?.name ?? name, args: {}, at: Date.now(), status: 200, result: null };
    this.counts.set(call.method, this.count(call.method) + 1);
    if (this.telegram.keep) this.calls.push(call);
    let fault = null, key = null;
    try {
      if (token === undefined || name === '') throw new Refusal(404, 'Not Found');
      if (body.length > mostBody) throw new Refusal(413, 'Request Entity Too Large');
      call.bot = this.#botOf(token, test);
      call.args = decode(request, body);
      fault = this.telegram.faultFor(call.method, call.args, call.bot);
      if (fault && (await this.#before(fault, call, request, response))) return;
      key = methods.get(name.toLowerCase())?.writes ? `${call.bot.id} ${call.args.chat_id}` : null;
      if (key && this.flying.get(key)) this.telegram.counts.parallel++;
      if (key) this.flying.set(key, (this.flying.get(key) ?? 0) + 1);
      if (this.telegram.knobs.answerDelayMs) await this.telegram.pause(this.telegram.random() * this.telegram.knobs.answerDelayMs);
      Object.assign(call, await this.call(call.bot, name, call.args, request));
      if (key && ['lose', 'status-after', 'html-after'].includes(fault?.kind)) this.telegram.counts.lost++;
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      Object.assign(call, { status: error.code, description: error.description, parameters: error.parameters });
      const word = `${error.code} ${error.description.replace(/\d+/g, 'N').slice(0, 80)}`;
      this.telegram.counts.errors[word] = (this.telegram.counts.errors[word] ?? 0) + 1;
      if (error.code === 429) this.telegram.counts.limited++;
    } finally {
      if (key) this.flying.set(key, this.flying.get(key) - 1);
    }
    if (fault?.kind === 'lose') return request.socket.destroy(); // it happened, and nobody is told
    if (fault?.kind === 'status-after') return void response.writeHead(fault.status ?? 502).end('bad gateway');
    if (fault?.kind === 'html-after') return this.#html(response, fault.status ?? 502);
    this.#answer(response, call);
  }

  #botOf(token, test) {
    if (token[0] === '0' || token.length > 80 || !token.includes(':') || !/^\d+:/.test(token)) throw new Refusal(401, 'Unauthorized: invalid token specified');
    const bot = this.telegram.bots.get(token);
    if (!bot || test) throw new Refusal(401, 'Unauthorized');
    return bot;
  }

  // True when the fault is the whole answer.
  async #before(fault, call, request, response) {
    if (fault.kind === 'delay') await this.telegram.pause(fault.ms ?? 100);
    else if (fault.kind === 'cut') request.socket.destroy();
    else if (fault.kind === 'html') this.#html(response, fault.status ?? 502);
    else if (fault.kind === 'empty') response.writeHead(fault.status ?? 200, { 'content-type': 'application/json' }).end();
    else if (fault.kind === 'status') this.#answer(response, Object.assign(call, { status: fault.status ?? 500, description: fault.description ?? 'Internal Server Error: restart' }));
    else if (fault.kind === 'error') throw new Refusal(fault.code ?? 400, fault.description, fault.parameters);
    else if (fault.kind === 'limited') {
      const seconds = fault.seconds ?? 1;
      if (call.args.chat_id !== undefined) this.telegram.limits.block(call.bot, textOf(call.args.chat_id), seconds);
      throw new Refusal(429, `Too Many Requests: retry after ${seconds}`, { retry_after: seconds });
    } else return false;
    return fault.kind !== 'delay';
  }

  #html(response, status) {
    response.writeHead(status, { 'content-type': 'text/html' }).end('<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n<center><h1>502 Bad Gateway</h1></center>\r\n</body>\r\n</html>\r\n');
  }

  #answer(response, { status, result, description, parameters }) {
    const value = status === 200 ? { ok: true, result, ...(description && { description }) } : { ok: false, error_code: status, description, ...(parameters && { parameters }) };
    response.writeHead(status, { 'content-type': 'application/json', ...(parameters?.retry_after && { 'retry-after': String(parameters.retry_after) }) }).end(JSON.stringify(value));
  }
}
