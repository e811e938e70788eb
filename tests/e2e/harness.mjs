// Starts the real daemon on a folder of its own, asks it things as its users do, and reads its log for what must not be there.
import assert from 'node:assert/strict';
import { spawn, execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Webhook } from 'standardwebhooks';

export const binary = process.env.USHER ?? path.resolve('../build/usher');
const under = (process.env.USHER_UNDER ?? '').split(' ').filter(Boolean);
const patience = under.length ? 20 : 4; // machines are loaded, and under valgrind everything takes longer: a bound only ends what will never come

export const hookSecret = 'whsec_' + Buffer.from('a secret of the tests, not used').toString('base64');

// JavaScript values as libconfig writes them.
export function settingsText(value, depth = 0) {
  if (Array.isArray(value)) return `( ${value.map((v) => settingsText(v, depth + 1)).join(', ')} )`;
  if (typeof value === 'object') {
    const inside = Object.entries(value).map(([k, v]) => `${k} = ${settingsText(v, depth + 1)};`).join('\n');
    return depth === 0 ? inside : `{ ${inside} }`;
  }
  return JSON.stringify(value);
}

export const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

// Asks until the answer is truthy; fails with the last answer when the time is over.
export async function until(what, ask, seconds = 15) {
  const end = performance.now() + seconds * 1000 * patience;
  for (;;) {
    const answer = await ask();
    if (answer) return answer;
    if (performance.now() > end) throw new Error(`waited ${seconds * patience} s in vain for ${what}`);
    await wait(25);
  }
}

// A port that nobody listens on, for who must know it before. Not one of those that the system gives away to whoever asks for any.
export async function freePort() {
  for (;;) {
    const port = 10_240 + Math.floor(Math.random() * 20_000), probe = net.createServer();
    if (await new Promise((resolve) => probe.once('error', () => resolve(false)).listen(port, '127.0.0.1', () => resolve(true))))
      return new Promise((resolve) => probe.close(() => resolve(port)));
  }
}

// Budgets begin anew at 00:00 UTC: who counts against one does not begin shortly before.
export async function sameDay(seconds = 120) {
  const left = 86_400_000 - (Date.now() % 86_400_000);
  if (left < seconds * 1000) await wait(left + 1000);
}

// Every text that a setting of this name holds is a secret.
const secretNames = ['secret', 'secret_previous', 'reply_secret', 'api_key', 'bot_token', 'app_token', 'signing_secret', 'client_secret', 'key', 'key_previous'];
const wordsNames = ['message', 'text', 'content', 'response'];
const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const leastWords = 12; // shorter ones may stand in a log line by chance

function textsOf(value, names, found = []) {
  if (typeof value !== 'object' || value === null) return found;
  for (const [name, inside] of Object.entries(value)) {
    if (name === 'error') continue; // its message is ours, and the log may say the same
    if (typeof inside === 'string' && names.includes(name)) uuid.test(inside) || found.push(inside); // an import's "message" is its id
    else textsOf(inside, names, found);
  }
  return found;
}

export class Daemon {
  constructor(settings = {}, { dir, env = {} } = {}) {
    this.own = !dir;
    this.secrets = new Set(); // these and what people say must never be in the log
    this.words = new Set();
    this.traces = new Set(); // answered messages: their lines must be found by these
    this.dir = dir ?? mkdtempSync(path.join(tmpdir(), 'usher-test-'));
    this.env = { ...process.env, USHER_CONFIG: '', ...env };
    this.lines = [];
    this.configure(settings);
  }

  configure(settings) {
    this.settings = {
      listen: { address: '127.0.0.1', port: 0 },
      ...settings,
      store: { url: `sqlite:${this.dir}/usher.db`, ...settings.store },
    };
    textsOf(this.settings, secretNames).forEach((secret) => this.secrets.add(secret));
    this.config = path.join(this.dir, 'usher.conf');
    writeFileSync(this.config, settingsText(this.settings) + '\n');
  }

  // Starts and waits until it is ready. Rejects with what it printed when it ends before.
  async start(options = []) {
    const [program, ...before] = [...under, binary];
    this.exited = null;
    this.child = spawn(program, [...before, 'run', '--config', this.config, ...options], { env: this.env, cwd: this.dir, stdio: ['ignore', 'pipe', 'pipe'] });
    this.over = new Promise((resolve) => this.child.on('exit', (code, signal) => resolve((this.exited = { code, signal }))));
    this.child.on('error', (error) => (this.exited = { code: null, signal: null, error: error.message })); // it could not be begun
    this.stdout = '';
    this.child.stdout.setEncoding('utf8');
    this.child.stdout.on('data', (text) => (this.stdout += text));
    let rest = '';
    const from = this.lines.length;
    this.child.stderr.setEncoding('utf8');
    this.child.stderr.on('data', (text) => {
      const parts = (rest + text).split('\n');
      rest = parts.pop();
      this.lines.push(...parts);
    });
    const line = await until('the daemon to be ready', () => {
      if (this.exited) throw new Error(`the daemon ended (${JSON.stringify(this.exited)}): ${this.lines.slice(from).join('\n')}${rest}`);
      return this.lines.slice(from).find((l) => l.includes('ready after'));
    });
    this.port = Number(line.match(/:(\d+), control/)[1]);
    this.url = `http://127.0.0.1:${this.port}`;
    return this;
  }

  kill() {
    this.child.kill('SIGKILL');
    return this.over;
  }

  async stop() {
    if (this.exited === null) this.child.kill('SIGTERM');
    return this.over;
  }

  // The end of a test: an orderly stop is part of what is tested.
  async finish() {
    const ran = this.child && this.exited === null;
    const end = this.child ? await this.stop() : { code: 0 };
    if (this.own) rmSync(this.dir, { recursive: true, force: true });
    this.checkLog();
    if (ran) assert.equal(end.code, 0, `an orderly stop, not ${JSON.stringify(end)}`);
    return end;
  }

  // Remembers what was said, by either side, so that the log can be searched for it.
  heard(value) {
    for (const text of textsOf(value, wordsNames))
      if (text.trim().length >= leastWords) this.words.add(JSON.stringify(text.trim().slice(0, 60)).slice(1, -1));
    textsOf(value, ['poll_token', 'key']).forEach((secret) => this.secrets.add(secret));
  }

  // Every line is JSON, none shows a secret or what somebody said, and an answered message is found by its trace.
  checkLog() {
    const traces = new Set();
    for (const [i, line] of this.lines.entries()) {
      if (line.startsWith('usher: ')) continue; // why it could not start
      assert.match(line, /^\{.*\}$/, `not a line of the log (a sanitizer's finding?): ${this.lines.slice(i, i + 80).join('\n')}`);
      const entry = JSON.parse(line);
      assert.deepEqual(Object.keys(entry).filter((name) => !['time', 'level', 'where', 'trace', 'message'].includes(name)), [], line);
      assert.ok(entry.time && entry.level && entry.message, line);
      for (const secret of this.secrets) assert.ok(!line.includes(secret), `a secret in the log: ${line}`);
      if (entry.level === 'debug') continue;
      for (const words of this.words) assert.ok(!line.includes(words), `what somebody said in the log: ${line}`);
      traces.add(entry.trace);
    }
    if ((this.settings.log?.level ?? 'info') === 'info')
      for (const trace of this.traces) assert.ok(traces.has(trace), `no line of the log tells of message ${trace}`);
  }

  cli(...words) {
    return this.type('', ...words);
  }

  // The same with something typed into it.
  type(input, ...words) {
    return new Promise((resolve) => {
      const child = execFile(binary, [...words, '--config', this.config], { env: this.env, maxBuffer: 1 << 26 }, (error, stdout, stderr) =>
        resolve({ status: error ? error.code ?? error.signal : 0, stdout, stderr }));
      child.stdin.on('error', () => {}); // it may end without reading
      child.stdin.end(input);
    });
  }

  async json(...words) {
    const { status, stdout, stderr } = await this.cli(...words, '--json');
    if (status !== 0) throw new Error(`usher ${words.join(' ')}: ${status} ${stderr}`);
    return JSON.parse(stdout);
  }

  async addUser(name, role = 'member') {
    await this.json('user', 'add', name, '--email', `${name}@example.org`, '--role', role);
    const made = await this.json('key', 'add', name, 'test');
    this.heard(made);
    return made.key;
  }

  async request(method, where, { key, body, headers = {}, signal } = {}) {
    const text = body === undefined || typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body);
    const answer = await fetch(this.url + where, {
      method, body: text, signal,
      headers: { ...(text !== undefined && { 'content-type': 'application/json' }), ...(key && { authorization: `Bearer ${key}` }), ...headers },
    });
    const raw = await answer.text();
    let value = null;
    try { value = JSON.parse(raw); } catch { /* not JSON: raw tells */ }
    this.heard(value);
    try { this.heard(JSON.parse(text ?? 'null')); } catch { /* a broken body on purpose */ }
    if (method === 'POST' && answer.status === 200 && value?.message_id) this.traces.add(value.message_id);
    return { status: answer.status, headers: answer.headers, raw, body: value };
  }

  chat(key, message, extra = {}, headers = {}) {
    return this.request('POST', '/api/me/chat', { key, body: { message, ...extra }, headers });
  }

  // A signed webhook as a well-behaved sender makes it.
  hook(name, value, { id = `msg_${Math.random().toString(36).slice(2)}`, secret = hookSecret, query = '', at = new Date(), headers = {} } = {}) {
    const text = typeof value === 'string' ? value : JSON.stringify(value);
    return this.request('POST', `/webhook/${name}${query}`, {
      body: text,
      headers: { 'webhook-id': id, 'webhook-timestamp': String(Math.floor(at / 1000)), 'webhook-signature': new Webhook(secret).sign(id, at, text), ...headers },
    });
  }
}

// Reads a server-sent event stream: [{event, id, data}].
export async function events(url, { key, headers = {}, method = 'GET', body, stopAfter = Infinity } = {}) {
  const abort = new AbortController();
  const answer = await fetch(url, {
    method, signal: abort.signal, body: body && JSON.stringify(body),
    headers: { accept: 'text/event-stream', ...(body && { 'content-type': 'application/json' }), ...(key && { authorization: `Bearer ${key}` }), ...headers },
  });
  if (answer.status !== 200) return { status: answer.status, list: [], raw: await answer.text() };
  const list = [];
  let rest = '';
  const decoder = new TextDecoder();
  for await (const bytes of answer.body) {
    const blocks = (rest + decoder.decode(bytes, { stream: true })).split('\n\n');
    rest = blocks.pop();
    for (const block of blocks) {
      const entry = {};
      for (const line of block.split('\n')) {
        const [, name, value] = line.match(/^(\w+): (.*)$/) ?? [];
        if (name) entry[name] = name === 'data' ? JSON.parse(value) : value;
      }
      if (entry.event) list.push(entry);
    }
    if (list.length >= stopAfter) {
      abort.abort();
      break;
    }
  }
  return { status: 200, list };
}
