// Files on their way when the daemon is killed: read, kept, told to the model, made into another, sent, told to the target.
//   node campaign/scenarios-imports.mjs POINTS [SCENARIO...]      (USHER: the binary; CC: the compiler; LANES: lives at a time)
import { readFileSync } from 'node:fs';
import http from 'node:http';
import { isPreview, Stage } from '../e2e/discord-kit.mjs';
import { Daemon, hookSecret, until } from '../e2e/harness.mjs';
import { Receiver } from '../servers/receiver.mjs';
import { checkImports, Target, told } from './imports-check.mjs';
import { arm, idle, insist, main, state } from './lives.mjs';
import { deliver } from './scenarios.mjs';

// Of many pieces, no two alike.
export const table = (rows, mark = 'x') => `Order no,Customer,Amount,Date\n${Array.from({ length: rows }, (_, n) => `${n + 1},Customer ${mark} ${n + 1},${n}.50,2026-01-10\n`).join('')}`;
const convert = (file) => `DO: convert_table {"file":"${file}","format":"json"}`;

export class Files {
  constructor(files) {
    this.server = http.createServer((request, response) => {
      const bytes = files[request.url.slice(1)] ?? null;
      return bytes === null ? response.writeHead(404).end() : response.writeHead(200, { 'content-type': 'application/octet-stream' }).end(bytes);
    });
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
}

const files = { 'orders.csv': table(600), 'list.md': '# List\n\nNordlicht pays within 14 days.\n', 'torn.pdf': '%PDF-1.7\n1 0 obj\n<< /Type /Catalog' };

// Callbacks that were taken, by message: id of the callback -> words.
export function callbacks(receiver, message) {
  const found = new Map();
  for (const { id, status, body: { data } } of receiver.received)
    if (status === 200 && data.in_reply_to.includes(message)) found.set(id, data.text ?? data.files?.[0]?.name ?? ''); // a file is posted by its link
  return found;
}

// What orders.csv became.
function whole(bytes, note) {
  const orders = JSON.parse(bytes);
  if (orders.length !== 600 || orders.some((order, n) => Number(order['Order no']) !== n + 1)) note(`a file made is not whole: ${orders.length} rows`);
}

const kept = (s) => state(s, 'SELECT org_id || \'/\' || substr(sha256, 1, 2) || \'/\' || sha256 FROM import_outputs').split('\n').filter(Boolean);

// Each file that was made, as it is kept.
function madeWhole(s, count, note) {
  const files = kept(s);
  if (files.length !== count) note(`${files.length} files were made, not ${count}`);
  for (const name of files) whole(readFileSync(`${s.daemon.dir}/blobs/${name}`), note);
}

// One answer, and behind it one callback for each file that was made.
function said(s, note, wanted, made = 0) {
  const texts = [...callbacks(s.receiver, 'm').values()];
  if (texts.length !== 1 + made) note(`${texts.length} callbacks: ${JSON.stringify(texts)}`);
  if (!wanted.test(texts[0] ?? '')) note(`wrong answer: ${texts[0]}`);
  madeWhole(s, made, note);
}

const hook = (names, text) => (s) => insist(s, () => deliver(s.daemon, { text, sender: 'ann', conversation: 'room', files: names.map((name) => ({ url: `${s.files.url}/${name}`, name })) }, 'm', { 'x-test': arm }));
const through = (s) => callbacks(s.receiver, 'm').size > 0 && idle(s) && told(s.daemon.dir);

export const importScenarios = {
  read: { act: hook(['orders.csv', 'list.md'], 'what is this?'), done: through, check: (s, note) => said(s, note, /^I obeyed/) },
  made: { act: hook(['orders.csv'], convert('orders.csv')), done: through, check: (s, note) => said(s, note, /"rows\\?_out":600/, 1) },
  // One of two can't be read, and the target has to be asked again.
  torn: {
    target: { fails: 1 }, act: hook(['torn.pdf', 'list.md', 'gone.csv'], 'what is this?'), done: through,
    check(s, note) {
      said(s, note, /^I obeyed/);
      const ends = state(s, 'SELECT group_concat("processingStatus" || coalesce(\' \' || "errorCode", \'\')) FROM (SELECT * FROM "LLMAgentImport" ORDER BY id)');
      if (ends !== 'failed damaged,delivered,failed fetch') note(`ended as ${ends}`);
    },
  },
  // A file that is sent with the request itself.
  upload: {
    prepare: async (s) => { s.key ??= await s.daemon.addUser('ann'); },
    async act(s) {
      s.taken = await insist(s, async () => {
        const answer = await s.daemon.request('POST', `/api/me/imports?name=orders.csv&prompt=${encodeURIComponent(convert('orders.csv'))}`, { key: s.key, body: files['orders.csv'], headers: { 'content-type': 'text/csv', 'idempotency-key': 'one', 'x-test': arm } });
        return answer.status === 200 && answer.body;
      });
    },
    done: (s) => s.taken && idle(s) && told(s.daemon.dir),
    check(s, note) {
      if (!/"rows\\?_out":600/.test(s.taken.response)) note(`wrong answer: ${s.taken.response}`);
      madeWhole(s, 1, note);
      if (s.taken.files.length !== 1) note(`${s.taken.files.length} files came with the answer`);
      for (const table of ['"LLMAgentImport"', 'inbox']) if (state(s, `SELECT count(*) FROM ${table}`) !== '1') note(`not one row in ${table}`);
    },
  },
  // In a chat, where what was made is sent as a file.
  chat: {
    chat: true, model: 'obey',
    async act(s) {
      s.said = s.people.tell(s.ann, s.app, `${convert('orders.csv')} ${arm}`, { files: [{ name: 'orders.csv', bytes: files['orders.csv'] }] });
    },
    done: (s) => s.said && s.answers(s.dm()).length > 0 && idle(s) && told(s.daemon.dir),
    check(s, note) {
      if (state(s, 'SELECT count(*) FROM "LLMAgentImport"') !== '1') note('not one import');
      const answers = s.dm().list.filter((m) => m.app === s.app && (m.attachments.length || !isPreview(m))), sent = // a file comes without words
        answers.filter((m) => m.attachments.length || m.words.startsWith('orders.json: '));
      for (const { attachments } of sent) if (attachments.length) whole(s.discord.world.files.get(attachments[0].id).data, note);
      if (sent.length !== 1) note(`${sent.length} files were sent: ${answers.map((m) => m.words.slice(0, 60))}`);
      if (answers.length - sent.length !== 1) note(`${answers.length - sent.length} answers: ${answers.map((m) => m.words.slice(0, 60))}`);
    },
  },
};

// ---- lives -----------------------------------------------------------------------------------------------------

async function build(scenario, model) {
  const target = await new Target(scenario.target).start(), imports = { target: target.settings };
  if (scenario.chat) {
    const s = new Stage(null, model, { modelName: 'obey', own: { compress: false, preview: false }, rest: { imports } });
    await s.build({ start: false });
    s.target = target;
    s.world = { stop: () => Promise.all([s.discord.stop(), target.stop()]) };
    const settled = s.settled.bind(s);
    s.settled = () => settled({ strays: Infinity, killed: true });
    return s;
  }
  const s = { target, receiver: await new Receiver(hookSecret).start(), files: await new Files(files).start() };
  s.world = { stop: () => Promise.all([s.receiver.stop(), s.files.stop(), target.stop()]) };
  s.daemon = new Daemon({
    models: [{ name: 'main', provider: 'openai', base_url: model.base, model: 'obey', api_key: model.key, first_byte_s: 10 }],
    users: { strangers: 'allow' }, imports,
    platforms: { webhook: [{ name: 'crm', secret: hookSecret, reply_url: `${s.receiver.url}/ok`, reply_loopback: true }] },
  });
  s.up = () => s.daemon.start();
  s.settled = () => until('what is told to others', () => idle(s) && told(s.daemon.dir));
  return s;
}

function leftBehind(s, say) {
  checkImports(s.daemon.dir, say, s.target);
}

export const importWays = { name: 'imports', scenarios: importScenarios, build, leftBehind };

if (process.argv[1] === new URL(import.meta.url).pathname) await main(importWays);
