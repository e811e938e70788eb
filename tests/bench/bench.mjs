// Measures the daemon from outside: stand-ins and load run in other processes, CPU time comes from the kernel.
// Usage: node bench.mjs [--quick]      (USHER: the binary)
import { spawn } from 'node:child_process';
import { readFileSync, statSync } from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import { Daemon, until, wait } from '../e2e/harness.mjs';
import { discordRows } from './discord.mjs';
import { importRows } from './imports.mjs';
import { slackRows } from './slack.mjs';
import { telegramRows } from './telegram.mjs';

const quick = process.argv.includes('--quick');
const here = path.dirname(new URL(import.meta.url).pathname);
const flight = 64, historyTurns = 10; // as many as the window holds; summaries, which are questions of their own, are left out
const question = 'What is the state of order 4711, and when will it arrive? Please answer in two sentences and keep to the facts. '.repeat(2);

// The model in a process of its own, so that its work is not on our account.
async function model() {
  const child = spawn('node', [path.join(here, '../servers/model.mjs')], { stdio: ['ignore', 'pipe', 'inherit'] });
  const line = await new Promise((resolve) => child.stdout.once('data', (text) => resolve(String(text))));
  return { ...JSON.parse(line), stop: () => child.kill() };
}

// Microseconds of user and system time of a process.
function cpu(pid) {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ');
  return (Number(fields[11]) + Number(fields[12])) * 10_000;
}

const resident = (pid) => Number(readFileSync(`/proc/${pid}/status`, 'utf8').match(/VmRSS:\s+(\d+)/)[1]) / 1024;
const percentile = (list, p) => list.sort((a, b) => a - b)[Math.min(list.length - 1, Math.floor(list.length * p))];
const print = (what, value, unit = '') => console.log(`${what.padEnd(58)} ${String(value).padStart(10)} ${unit}`);

const agent = new http.Agent({ keepAlive: true, maxSockets: Infinity });

// One POST; resolves to its status, body and milliseconds.
function post(url, headers, body) {
  return new Promise((resolve, reject) => {
    const begun = performance.now();
    const request = http.request(url, { method: 'POST', agent, headers: { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body), ...headers } }, (answer) => {
      let text = '';
      answer.setEncoding('utf8');
      answer.on('data', (part) => (text += part));
      answer.on('end', () => resolve({ status: answer.statusCode, text, ms: performance.now() - begun }));
    });
    request.on('error', reject);
    request.end(body);
  });
}

const settings = (server, name) => ({
  models: [{ name: 'main', provider: 'openai', base_url: server.base, model: name, api_key: server.key }],
  assistant: { system_prompt: 'You answer questions about orders, briefly and truthfully.', history_messages: 20, summary: false },
  users: { strangers: 'allow' },
  platforms: { webhook: [{ name: 'crm', auth: 'none' }] },
});

async function startUp() {
  const times = [];
  for (let i = 0; i < 5; i++) {
    const daemon = new Daemon();
    const begun = performance.now();
    daemon.start().catch(() => {});
    let socket = null;
    await until('the first accept', () => new Promise((resolve) => {
      const line = daemon.lines.find((l) => l.includes('ready after'));
      socket = line;
      resolve(line);
    }), 5);
    times.push(Number(socket.match(/ready after (\d+) ms/)[1]));
    void begun;
    await daemon.finish();
  }
  print('start to first accept (median of 5, by the daemon)', percentile(times, 0.5), 'ms');
}

async function throughput(server) {
  const daemon = await new Daemon(settings(server, 'echo')).start();
  await wait(300);
  print('memory idle', resident(daemon.child.pid).toFixed(1), 'MB');
  const key = await daemon.addUser('ann');
  const headers = { authorization: `Bearer ${key}` };
  const say = (conversation) => post(`${daemon.url}/api/me/chat`, headers, JSON.stringify({ message: question, ...(conversation && { conversation_id: conversation }) }));
  const conversations = await Promise.all(Array.from({ length: flight }, async () => {
    const id = JSON.parse((await say()).text).conversation_id;
    for (let i = 1; i < historyTurns; i++) await say(id);
    return id;
  }));

  const total = quick ? 2000 : 10000;
  let left = total, failed = 0;
  const before = cpu(daemon.child.pid), begun = performance.now();
  await Promise.all(conversations.map(async (id) => {
    while (left-- > 0) if ((await say(id)).status !== 200) failed++;
  }));
  const seconds = (performance.now() - begun) / 1000;
  print('messages a second, 64 in flight', Math.round(total / seconds));
  print('CPU a message', Math.round((cpu(daemon.child.pid) - before) / total), 'us');
  print('failed', failed);

  const latencies = [], direct = [], count = quick ? 300 : 1500;
  const directBody = JSON.stringify({ model: 'echo', stream: true, messages: [{ role: 'user', content: question }] });
  for (const [list, ask] of [[direct, () => post(`${server.base}/chat/completions`, { authorization: `Bearer ${server.key}` }, directBody)],
    [latencies, (i) => say(conversations[i % flight])]]) {
    const asked = [];
    for (let i = 0; i < count; i++) {
      asked.push(ask(i).then((a) => list.push(a.ms)));
      await wait(10);
    }
    await Promise.all(asked);
  }
  print('added latency at 100 messages a second, p50', (percentile(latencies, 0.5) - percentile(direct, 0.5)).toFixed(2), 'ms');
  print('added latency at 100 messages a second, p99', (percentile(latencies, 0.99) - percentile(direct, 0.5)).toFixed(2), 'ms');
  print('memory after that load', resident(daemon.child.pid).toFixed(1), 'MB');
  await daemon.finish();
}

async function waiting(server, turns) {
  const daemon = await new Daemon({ ...settings(server, 'hang'), limits: { turns: 20000, stop_seconds: 0 } }).start();
  const before = resident(daemon.child.pid);
  let next = 0;
  await Promise.all(Array.from({ length: 32 }, async () => {
    while (next < turns) {
      const n = next++;
      const answer = await post(`${daemon.url}/webhook/crm`, {}, JSON.stringify({ text: question, sender: `u${n}`, conversation: `c${n}`, id: `m${n}` }));
      if (answer.status !== 202) throw new Error(`not accepted: ${answer.status} ${answer.text}`);
    }
  }));
  await until('all turns to wait on the model', async () => {
    const text = await (await fetch(`${daemon.url}/metrics`)).text();
    return Number(text.match(/^usher_http_requests_running (\d+)/m)?.[1]) >= turns;
  }, 60);
  await wait(500);
  print(`memory with ${turns} turns waiting on a model`, resident(daemon.child.pid).toFixed(1), `MB (idle ${before.toFixed(1)})`);
  await daemon.finish();
}

// The middle of how long the model takes when it is asked without us.
async function modelAlone(server) {
  const body = JSON.stringify({ model: 'echo', stream: true, messages: [{ role: 'user', content: question }] }), times = [];
  for (let i = 0; i < 200; i++) times.push((await post(`${server.base}/chat/completions`, { authorization: `Bearer ${server.key}` }, body)).ms);
  return percentile(times, 0.5);
}

const server = await model();
try {
  print('binary size', (statSync(process.env.USHER).size / 1024).toFixed(0), 'KB (with debug information)');
  await startUp();
  await throughput(server);
  const direct = await modelAlone(server);
  const asked = { quick, question, direct, tools: { cpu, resident, percentile, print } };
  for (const transport of ['http', 'socket']) await slackRows(server, transport, asked);
  for (const transport of ['poll', 'webhook']) await telegramRows(server, transport, asked);
  await discordRows(server, asked);
  await importRows(server, asked);
  await waiting(server, 1000);
  if (!quick) await waiting(server, 10000);
} finally {
  server.stop();
}
process.exit(0);
