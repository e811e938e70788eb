// The way from Slack to an app: events with retries, commands and buttons once, over HTTP (signed) or a socket.
import { createHmac, randomUUID } from 'node:crypto';

// The signed headers of a request, as the real thing makes them.
export function signed(secret, body, at = Math.floor(Date.now() / 1000)) {
  return { 'x-slack-request-timestamp': String(at), 'x-slack-signature': `v0=${createHmac('sha256', secret).update(`v0:${at}:${body}`).digest('hex')}` };
}

const form = (fields) => new URLSearchParams(Object.entries(fields).filter(([, v]) => v !== undefined && v !== null)).toString();

export class Deliveries {
  constructor(slack) {
    this.slack = slack;
    this.list = []; // {app, envelope, message, attempts: [{at, how, ok, reason}], state}
    this.running = 0;
  }

  get knobs() {
    return this.slack.knobs;
  }

  // One event for one app; resolves when it was taken or given up.
  async event(app, envelope, message = null) {
    const delivery = { app, envelope, message, attempts: [], state: 'pending' };
    this.list.push(delivery);
    message?.deliveries.push(delivery);
    this.running++;
    try {
      for (let attempt = 0; ; attempt++) {
        const result = await this.once(app, envelope, attempt, delivery.attempts.at(-1)?.reason);
        delivery.attempts.push(result);
        if (result.ok) {
          delivery.state = 'acked';
          delivery.ackedAt = Date.now();
          break;
        }
        if (result.noRetry || attempt >= this.knobs.retries.length) {
          delivery.state = 'given up';
          break;
        }
        await this.slack.pause(this.knobs.retries[attempt]);
        if (this.slack.stopped) return delivery;
      }
      if (delivery.state === 'acked' && this.slack.random() < this.knobs.phantoms) {
        this.slack.counts.phantoms++;
        await this.once(app, envelope, 0); // a duplicate that does not say it is one
      }
    } finally {
      this.running--;
    }
    return delivery;
  }

  async once(app, envelope, attempt, reason) {
    const at = Date.now();
    if (attempt > 0) this.slack.counts.retries++;
    const result = app.socketMode
      ? await this.slack.sockets.deliver(app, { type: 'events_api', payload: envelope, accepts_response_payload: false, retry_attempt: attempt, retry_reason: reason ?? '' })
      : await this.post(app, app.eventsUrl, JSON.stringify(envelope), 'application/json',
        attempt > 0 ? { 'x-slack-retry-num': String(attempt), 'x-slack-retry-reason': reason } : {});
    return { at, attempt, ...result };
  }

  async post(app, url, body, type, headers = {}) {
    if (!url) return { ok: false, reason: 'connection_failed' };
    const { ackMs } = this.knobs, late = new AbortController(), half = (then) => this.slack.after(ackMs / 2, then);
    half(() => half(() => late.abort(new DOMException('no answer in time', 'TimeoutError')))); // in halves, as in sockets.mjs
    try {
      const answer = await fetch(url, { method: 'POST', body, redirect: 'manual', signal: late.signal,
        headers: { 'content-type': type, 'user-agent': 'Slackbot 1.0 (+https://api.slack.com/robots)', ...signed(app.signingSecret, body), ...headers } });
      const text = await answer.text();
      this.slack.counts.statuses[answer.status] = (this.slack.counts.statuses[answer.status] ?? 0) + 1;
      if (answer.status >= 200 && answer.status < 300) return { ok: true, status: answer.status, text, type: answer.headers.get('content-type') ?? '' };
      return { ok: false, status: answer.status, text, reason: answer.status < 400 ? 'too_many_redirects' : 'http_error', noRetry: answer.headers.get('x-slack-no-retry') === '1' };
    } catch (error) {
      return { ok: false, reason: error.name === 'TimeoutError' ? 'http_timeout' : 'connection_failed' };
    }
  }

  // The check of a request URL when it is saved. Returns whether the app answered as it must.
  async verifyUrl(app, url) {
    const challenge = randomUUID();
    const result = await this.post(app, url, JSON.stringify({ token: 'deprecated', challenge, type: 'url_verification' }), 'application/json');
    if (!result.ok) return false;
    return result.text === challenge || (/json/.test(result.type) && JSON.parse(result.text).challenge === challenge);
  }

  // What was answered to a command or click: shown to the person at once.
  #answered(result, payload) {
    if (!result.ok) {
      this.slack.counts.operationTimeouts++;
      return null;
    }
    if (payload !== undefined) return payload && Object.keys(payload).length ? payload : null;
    if (!result.text) return null;
    return /json/.test(result.type) ? JSON.parse(result.text) : { text: result.text };
  }

  async command(app, fields) {
    const result = app.socketMode
      ? await this.slack.sockets.deliver(app, { type: 'slash_commands', payload: fields, accepts_response_payload: true })
      : await this.post(app, app.commandsUrl ?? app.eventsUrl, form(fields), 'application/x-www-form-urlencoded');
    return { ...result, shown: this.#answered(result, app.socketMode ? result.payload ?? null : undefined) };
  }

  async interaction(app, payload) {
    const accepts = ['view_submission', 'block_suggestion'].includes(payload.type);
    const result = app.socketMode
      ? await this.slack.sockets.deliver(app, { type: 'interactive', payload, accepts_response_payload: accepts })
      : await this.post(app, app.interactivityUrl ?? app.eventsUrl, form({ payload: JSON.stringify(payload) }), 'application/x-www-form-urlencoded');
    return { ...result, shown: this.#answered(result, app.socketMode ? result.payload ?? null : undefined) };
  }
}
