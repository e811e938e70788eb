// setWebhook and what is delivered there: in order within a chat, chats beside each other, again and again until it is taken.
import http from 'node:http';
import https from 'node:https';
import { usualKinds } from './bots.mjs';
import { allow, texts } from './updates.mjs';
import { bad, integer, textOf, tooMany, truth } from './refusal.mjs';

const ports = [443, 80, 88, 8443];

export class Webhooks {
  constructor(telegram) {
    this.telegram = telegram;
    this.resolve = new Map(); // origin of a public URL -> where it is on this machine
    this.flights = new Map(); // bot -> Map group -> update
    this.setAt = new Map();
    this.agent = new http.Agent({ keepAlive: true, maxSockets: 200 });
    this.log = []; // {bot, update, status, at, ms}
  }

  get knobs() {
    return this.telegram.knobs;
  }

  info(bot) {
    const w = bot.webhook;
    this.telegram.updates.expire(bot);
    return {
      url: w?.url ?? '', has_custom_certificate: !!w?.certificate, pending_update_count: bot.queue.length,
      ...(w?.lastErrorDate && { last_error_date: w.lastErrorDate, last_error_message: w.lastError }), ...(w && { max_connections: w.maxConnections, ip_address: w.ip || '149.154.167.220' }),
      ...(bot.allowed !== usualKinds && { allowed_updates: bot.allowed }),
    };
  }

  set(bot, args) {
    const url = textOf(args.url), secret = textOf(args.secret_token), now = Date.now();
    if (url === '') return this.delete(bot, args);
    if (now < (this.setAt.get(bot) ?? 0)) throw tooMany(1);
    this.setAt.set(bot, now + this.knobs.secondMs);
    const parsed = this.#check(url);
    if (secret.length > 256) bad('secret token is too long');
    if (!/^[A-Za-z0-9_-]*$/.test(secret)) bad('secret token contains unallowed characters');
    const made = { url, secret, maxConnections: integer(args.max_connections, 40, 1, this.knobs.local ? 100_000 : 100), ip: textOf(args.ip_address), certificate: !!args.certificate };
    if (!this.knobs.local) {
      if (parsed.protocol !== 'https:') bad('bad webhook: An HTTPS URL must be provided for webhook');
      if (!ports.includes(Number(parsed.port || 443))) bad('bad webhook: Webhook can be set up only on ports 80, 88, 443 or 8443');
      if (/^(localhost|127\.|10\.|192\.168\.|\[)/.test(parsed.hostname)) bad(`bad webhook: IP address ${parsed.hostname} is reserved`);
    }
    allow(bot, args.allowed_updates);
    if (truth(args.drop_pending_updates)) bot.dropUpdates();
    const w = bot.webhook;
    if (w && w.url === url && w.secret === secret && w.maxConnections === made.maxConnections && w.ip === made.ip && !made.certificate && !truth(args.drop_pending_updates))
      return { result: true, description: 'Webhook is already set' };
    this.telegram.updates.end(bot, texts.set);
    bot.webhook = made;
    for (const u of bot.queue) Object.assign(u, { wakeAt: 0, fails: 0, pause: 1 });
    this.wake(bot);
    return { result: true, description: 'Webhook was set' };
  }

  #check(url) {
    try {
      return new URL(url);
    } catch {
      return bad('invalid webhook URL specified');
    }
  }

  delete(bot, args) {
    const was = !!bot.webhook;
    if (truth(args.drop_pending_updates)) bot.dropUpdates();
    bot.webhook = null;
    return { result: true, description: was ? 'Webhook was deleted' : 'Webhook is already deleted' };
  }

  wake(bot) {
    if (!bot.webhook || bot.waking) return;
    bot.waking = true;
    setImmediate(() => {
      bot.waking = false;
      if (!this.telegram.stopped) this.#pump(bot);
    });
  }

  get running() {
    let count = 0;
    for (const bot of this.telegram.bots.values()) if (bot.webhook) count += bot.queue.length;
    return count;
  }

  #pump(bot) {
    if (!bot.webhook) return;
    if (!this.flights.has(bot)) this.flights.set(bot, new Map());
    const flights = this.flights.get(bot), seen = new Set(), now = Date.now();
    this.telegram.updates.expire(bot);
    for (const u of bot.queue) {
      if (flights.size >= bot.webhook.maxConnections) return;
      if (seen.has(u.group)) continue; // only the first of a chat
      seen.add(u.group);
      if (flights.has(u.group)) continue;
      if ((u.wakeAt ?? 0) > now) {
        this.telegram.after(u.wakeAt - now, () => this.wake(bot));
        continue;
      }
      flights.set(u.group, u);
      this.#deliver(bot, u).finally(() => {
        flights.delete(u.group);
        this.wake(bot);
      });
    }
  }

  async #deliver(bot, u) {
    const webhook = bot.webhook;
    if (u.handed++ > 0) this.telegram.counts.retries++;
    const answer = await this.#post(webhook, { update_id: u.id, ...u.json });
    if (this.telegram.stopped) return;
    if (this.telegram.keep) this.log.push({ bot, update: u.id, status: answer.status, at: Date.now(), tries: u.handed });
    this.telegram.counts.deliveries++;
    this.telegram.counts.statuses[answer.status] = (this.telegram.counts.statuses[answer.status] ?? 0) + 1;
    if (answer.status >= 200 && answer.status < 300) {
      if (this.telegram.random() < this.knobs.phantoms) {
        this.telegram.counts.phantoms++; // the answer did not arrive
        u.wakeAt = 0;
        return;
      }
      bot.take((each) => each === u);
      await this.#reply(bot, answer);
      return;
    }
    if (bot.webhook === webhook) Object.assign(webhook, { lastError: answer.status ? `Wrong response from the webhook: ${answer.status} ${http.STATUS_CODES[answer.status] ?? ''}` : answer.text, lastErrorDate: Math.floor(Date.now() / 1000) });
    const told = Math.min(3600, Math.max(0, integer(answer.headers?.['retry-after'], 0)));
    let wait = told;
    if (!told && u.fails > 0) wait = u.pause = Math.min((u.pause ?? 1) * 2, 60 + 60 * this.telegram.random());
    u.fails = (u.fails ?? 0) + 1;
    u.wakeAt = Date.now() + wait * this.knobs.secondMs;
  }

  // A call in the answer, its result seen by nobody.
  async #reply(bot, { text, headers }) {
    if (!/^application\/json/.test(headers['content-type'] ?? '') || text === '') return;
    let args;
    try { args = JSON.parse(text); } catch { return; }
    const { method, ...rest } = args ?? {};
    if (typeof method !== 'string' || /^(get|(delete|set)webhook$|close$|logout$)/i.test(method)) return;
    this.telegram.counts.replies++;
    await this.telegram.api.call(bot, method, rest, null).catch(() => {});
  }

  #post(webhook, body) {
    const url = new URL(webhook.url), here = this.resolve.get(url.origin);
    const target = here ? new URL(here.replace(/\/$/, '') + url.pathname + url.search) : url;
    const data = Buffer.from(JSON.stringify(body));
    return new Promise((resolve) => {
      const failed = (text) => resolve({ status: 0, text });
      const secure = target.protocol === 'https:';
      const request = (secure ? https : http).request(target, {
        method: 'POST', agent: secure ? undefined : this.agent, timeout: this.knobs.answerMs, rejectUnauthorized: false,
        headers: { host: url.host, 'content-type': 'application/json', 'content-length': data.length, 'accept-encoding': 'gzip, deflate', ...(webhook.secret && { 'x-telegram-bot-api-secret-token': webhook.secret }) },
      }, (response) => {
        const parts = [];
        response.on('data', (part) => parts.push(part));
        response.on('error', () => failed('Connection closed'));
        response.on('end', () => resolve({ status: response.statusCode, headers: response.headers, text: Buffer.concat(parts).toString('utf8') }));
      });
      request.on('timeout', () => request.destroy(new Error('Read timeout expired')));
      request.on('error', (error) => failed(error.code === 'ECONNREFUSED' ? 'Connection refused' : error.message));
      request.end(data);
    });
  }

  stop() {
    this.agent.destroy();
  }
}
