// Starts the real daemon on a folder of its own, and asks it things as its users do.
import { spawn, execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Webhook } from 'standardwebhooks';

const binary = process.env.USHER ?? path.resolve('../build/usher');
const under = (process.env.USHER_UNDER ?? '').split(' ').filter(Boolean);
const patience = under.length ? 20 : 1; // under valgrind everything takes longer

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
  const end = Date.now() + seconds * 1000 * patience;
  for (;;) {
    const answer = await ask();
    if (answer) return answer;
    if (Date.now() > end) throw new Error(`waited ${seconds} s in vain for ${what}`);
    await wait(25);
  }
}

export class Daemon {
  constructor(settings = {}, { dir, env = {} } = {}) {
    this.own = !dir;
    this.dir = dir ?? mkdtempSync(path.join(tmpdir(), 'usher-test-'));
    this.env = { ...process.env, USHER_CONFIG: '', ...env };
    this.lines = [];
    this.configure(settings);
  }

  configure(settings) {
    this.settings = {
      listen: { address: '127.0.0.1', port: 0 },
      store: { url: `sqlite:${this.dir}/usher.db` },
      ...settings,
    };
    this.config = path.join(this.dir, 'usher.conf');
    writeFileSync(this.config, settingsText(this.settings) + '\n');
  }

  // Starts and waits until it is ready. Rejects with what it printed when it ends before.
  async start() {
    const [program, ...before] = [...under, binary];
    this.exited = null;
    this.child = spawn(program, [...before, 'run', '--config', this.config], { env: this.env, cwd: this.dir, stdio: ['ignore', 'pipe', 'pipe'] });
    this.over = new Promise((resolve) => this.child.on('exit', (code, signal) => resolve((this.exited = { code, signal }))));
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
    const end = this.child ? await this.stop() : { code: 0 };
    if (this.own) rmSync(this.dir, { recursive: true, force: true });
    return end;
  }

  cli(...words) {
    return new Promise((resolve) => {
      execFile(binary, [...words, '--config', this.config], { env: this.env, maxBuffer: 1 << 26 }, (error, stdout, stderr) =>
        resolve({ status: error ? error.code : 0, stdout, stderr }));
    });
  }

  async json(...words) {
    const { status, stdout, stderr } = await this.cli(...words, '--json');
    if (status !== 0) throw new Error(`usher ${words.join(' ')}: ${status} ${stderr}`);
    return JSON.parse(stdout);
  }

  async addUser(name, role = 'member') {
    await this.json('user', 'add', name, '--email', `${name}@example.org`, '--role', role);
    const { key } = await this.json('key', 'add', name, 'test');
    return key;
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
