// The Web API's door: bodies, tokens, scopes, limits and faults. What the methods do stands in methods-*.mjs.
import { agents } from './methods-agents.mjs';
import { chat } from './methods-chat.mjs';
import { conversations } from './methods-conversations.mjs';
import { people } from './methods-people.mjs';
import { Refusal } from './refusal.mjs';

const methods = { ...chat, ...conversations, ...people, ...agents };
const structured = ['blocks', 'metadata', 'attachments', 'files', 'prompts', 'chunks', 'loading_messages', 'view', 'unfurls'];

// A form's fields are all texts; numbers and truth values are read from them, structures are JSON in them.
function fromForm(entries) {
  const args = {};
  for (const [name, value] of entries) {
    args[name] = value;
    if (structured.includes(name) && typeof value === 'string') {
      try {
        args[name] = JSON.parse(value);
      } catch {
        throw new Refusal(name === 'blocks' ? 'invalid_blocks_format' : 'invalid_arguments', [`[ERROR] ${name} is not JSON`]);
      }
    }
  }
  return args;
}

async function decode(request, body, method) {
  const type = (request.headers['content-type'] ?? '').split(';')[0].trim().toLowerCase();
  const query = fromForm(new URL(request.url, 'http://x').searchParams);
  if (request.method === 'GET') return { args: query, form: true };
  if (request.method !== 'POST') throw new Refusal('invalid_post_type');
  if (type === 'application/x-www-form-urlencoded') return { args: { ...query, ...fromForm(new URLSearchParams(body.toString('utf8'))) }, form: true };
  if (type === 'multipart/form-data')
    return { args: { ...query, ...fromForm(await new Response(body, { headers: { 'content-type': request.headers['content-type'] } }).formData()) }, form: true };
  if (body.length === 0) return { args: query, form: true };
  if (type === '') throw new Refusal('missing_post_type');
  if (type !== 'application/json') throw new Refusal('invalid_post_type');
  let value;
  try {
    value = JSON.parse(body.toString('utf8'));
  } catch {
    throw new Refusal('invalid_json');
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new Refusal('json_not_object');
  const warning = /charset/i.test(request.headers['content-type']) ? undefined : 'missing_charset';
  // Methods that take forms only don't see what is in a JSON body.
  return { args: method?.form ? query : { ...query, ...value }, form: false, warning };
}

function tokenOf(request, args, form, headerOnly) {
  const header = /^Bearer (\S+)$/.exec(request.headers.authorization ?? '')?.[1];
  if (header) return header;
  return form && !headerOnly ? args.token : undefined;
}

export class Api {
  constructor(slack) {
    this.slack = slack;
    this.calls = []; // {method, args, installation, at, result}
    this.counts = new Map();
  }

  count(method) {
    return this.counts.get(method) ?? 0;
  }

  #authorized(request, method, args, form) {
    if (method.token === 'none') return { app: null, installation: null };
    const token = tokenOf(request, args, form, method.headerOnly);
    if (!token) throw new Refusal('not_authed');
    const found = this.slack.tokens.get(token);
    if (!found) throw new Refusal('invalid_auth');
    if (found.entry.revoked) throw new Refusal(found.entry.revoked);
    if (found.entry.expires <= Date.now()) throw new Refusal('token_expired');
    if ((method.token ?? 'bot') !== found.kind && method.token !== 'any') throw new Refusal('not_allowed_token_type');
    return found;
  }

  #mayCall(name, method, { app, installation }, args) {
    if (installation && method.scope) {
      const wanted = [method.scope].flat();
      if (!wanted.some((scope) => installation.scopes.includes(scope))) throw new Refusal('missing_scope', null, { needed: wanted[0], provided: installation.scopes.join(',') });
    }
    if (app && this.slack.knobs.limits) {
      const whose = `${app.id} ${installation?.key ?? ''}`;
      let wait = this.slack.limits.method(`${whose} ${name}`, app.distributed && /^conversations\.(history|replies)$/.test(name) ? 1 : method.tier);
      if (!wait && name === 'chat.postMessage') wait = this.slack.limits.channel(`${whose} ${args.channel}`);
      if (wait) throw new Refusal('ratelimited', null, { retryAfter: wait });
    }
    const missing = (method.needs ?? []).filter((arg) => args[arg] === undefined || args[arg] === null);
    if (missing.length) throw new Refusal('invalid_arguments', missing.map((arg) => `[ERROR] missing required field: ${arg}`));
    for (const arg of Object.keys(args)) if (!['token', 'team_id', ...(method.needs ?? []), ...(method.takes ?? [])].includes(arg)) this.slack.oddities.add(`${name}: ${arg}`);
  }

  async serve(request, response, body) {
    const name = new URL(request.url, 'http://x').pathname.slice('/api/'.length);
    const method = Object.hasOwn(methods, name) ? methods[name] : null;
    this.counts.set(name, this.count(name) + 1);
    const fault = this.slack.faultFor(name);
    if (fault?.kind === 'delay') await this.slack.pause(fault.ms);
    if (fault?.kind === 'cut') return request.socket.destroy();
    if (fault?.kind === 'limited') return this.#limited(response, fault.seconds ?? 1);
    if (fault?.kind === 'html') return void response.writeHead(fault.status ?? 200, { 'content-type': 'text/html' }).end('<!DOCTYPE html><html><body>Slack is having trouble</body></html>');
    if (fault?.kind === 'status') return void response.writeHead(fault.status ?? 503).end('upstream connect error');
    const call = { method: name, args: {}, at: Date.now(), installation: null, result: null, tokenUsed: /^Bearer (\S+)$/.exec(request.headers.authorization ?? '')?.[1] };
    if (this.slack.keep) this.calls.push(call);
    const headers = {};
    let result;
    try {
      if (!method) throw new Refusal('unknown_method', null, { req_method: name });
      const { args, form, warning } = await decode(request, body, method);
      call.args = args;
      const who = this.#authorized(request, method, args, form);
      call.installation = who.installation ?? null;
      if (who.installation) headers['x-oauth-scopes'] = who.installation.scopes.join(',');
      if (method.scope) headers['x-accepted-oauth-scopes'] = [method.scope].flat().join(',');
      this.#mayCall(name, method, who, args);
      if (fault?.kind === 'error' && (!fault.when || fault.when(args))) {
        if (fault.when) fault.times--;
        throw new Refusal(fault.error, fault.messages, fault.more);
      }
      result = { ok: true, ...(await method.run({ slack: this.slack, world: this.slack.world, request, args, ...who })) };
      if (warning) result = { ...result, warning, response_metadata: { ...result.response_metadata, warnings: [warning] } };
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      if (error.code === 'ratelimited') return this.#limited(response, error.more.retryAfter);
      result = { ok: false, error: error.code, ...error.more, ...(error.messages && { response_metadata: { messages: error.messages } }) };
    }
    call.result = result;
    if (fault && ['lose', 'status-after', 'error-after'].includes(fault.kind)) this.slack.counts.lost++;
    if (fault?.kind === 'lose') return request.socket.destroy(); // it happened, and nobody is told
    if (fault?.kind === 'status-after') return void response.writeHead(fault.status ?? 502).end('bad gateway');
    if (fault?.kind === 'error-after') result = { ok: false, error: fault.error ?? 'internal_error' };
    if (!result.ok) this.slack.counts.errors[result.error] = (this.slack.counts.errors[result.error] ?? 0) + 1;
    response.writeHead(200, { 'content-type': 'application/json; charset=utf-8', ...headers }).end(JSON.stringify(result));
  }

  #limited(response, seconds) {
    this.slack.counts.limited++;
    response.writeHead(429, { 'retry-after': String(seconds), 'content-type': 'application/json' }).end('{"ok":false,"error":"ratelimited"}');
  }
}
