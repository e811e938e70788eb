// The daemon killed with tens of tool calls under way, again and again: none that must not run twice runs twice, everybody is told
// what became of theirs, and the record holds every request to the model.
//   node campaign/tools.mjs [CALLS]           (how many calls must have been interrupted; USHER: the binary)
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { CountingServer, Counting, readCounts } from '../servers/mcp/counting.mjs';
import { ModelServer } from '../servers/model.mjs';
import { Receiver } from '../servers/receiver.mjs';
import { Daemon, hookSecret, until, wait } from '../e2e/harness.mjs';
import { progress } from './lives.mjs';
import { deliver, sql } from './scenarios.mjs';

const program = path.join(path.dirname(fileURLToPath(import.meta.url)), '../servers/mcp/counting.mjs');
const atOnce = 64; // messages of one life, each in a conversation of its own
const people = 24;
const kinds = ['far__once', 'far__once', 'far__once', 'near__once', 'near__once', 'far__keyed', 'near__keyed', 'far__read', 'near__read',
  'far__confirm', 'far__confirm', 'near__confirm', 'add_task'];
// Calls that were begun lately: the message that they are for, and whether they have a result.
const latest = `SELECT coalesce(json_extract(s.payload, '$.id'), json_extract(s.payload, '$.title')), EXISTS (SELECT 1 FROM "LLMTaskStep" r
  WHERE r."llmTaskId" = s."llmTaskId" AND r.kind = 'result' AND r."callId" = s."callId") FROM "LLMTaskStep" s WHERE s.kind = 'intent' ORDER BY s.id DESC LIMIT 1000`;
const stages = ['before the intent', 'before the request', 'in the request', 'ran, not answered', 'answered, not recorded'];
const rank = { got: 2, ran: 3, said: 4 };
const classOf = (name) => name.split('__')[1] ?? 'keyed';
const some = (list) => list[Math.floor(Math.random() * list.length)];

// All that is known of one message and of its call, from outside.
class Talk {
  constructor(id, name) {
    Object.assign(this, { id, name, sender: `user-${id.split('-')[1] % people}`, answers: new Map(), words: [], seen: -1, attempts: 0, hits: 0, kills: 0 });
    this.text = name === 'add_task' ? `${name} ${JSON.stringify({ title: id })}` : `${name} ${JSON.stringify({ id })}`;
    this.wish = classOf(name) === 'confirm' ? some(['approve', 'approve', 'approve', 'deny']) : null;
  }
}

class Campaign {
  constructor(note) {
    this.note = note;
    this.talks = new Map();
    this.counts = { lives: 0, interrupted: 0, attempts: 0, stages: stages.map(() => 0), most: 0, least: Infinity };
    this.wishes = [];
    this.heard = 0; // callbacks looked at
    this.fileLines = 0;
    this.watch = null; // { what, left, fire }: the next kill
    this.folder = mkdtempSync(path.join(tmpdir(), 'usher-tools-'));
    this.file = path.join(this.folder, 'near');
  }

  async start() {
    this.model = await new ModelServer({ keep: false }).start();
    this.model.asked = (body, response) => this.#asked(body, response);
    this.receiver = await new Receiver(hookSecret).start();
    this.far = await new CountingServer((...words) => this.#noted(...words)).start();
    this.near = new Counting((...words) => this.#noted(...words));
    this.daemon = new Daemon({
      models: [{ name: 'main', provider: 'openai', base_url: this.model.base, model: 'call', api_key: this.model.key, first_byte_s: 10 }],
      users: { strangers: 'allow', messages_per_minute: 0, messages_per_day: 0 },
      platforms: { webhook: [{ name: 'crm', secret: hookSecret, reply_url: `${this.receiver.url}/ok`, reply_loopback: true, merge: false }] },
      tools: {
        policy: [{ tool: '*', do: 'allow' }],
        mcp: [{ name: 'far', url: this.far.url }, { name: 'near', command: [process.execPath, program, this.file] }].map((server) =>
          ({ ...server, trusted: true, classes: ['keyed=keyed', 'once=once', 'confirm=confirm'] })),
      },
    });
    await this.daemon.start();
    await until('the servers of tools', async () => (await this.daemon.json('status')).mcp.every((one) => one.state === 'ready'), 30);
  }

  // ---- what the others see -----------------------------------------------------------------------------------

  #asked(body, response) {
    const last = body.messages.findLastIndex((m) => m.role === 'user');
    const talk = this.talks.get(JSON.stringify(body.messages.slice(last)).match(/\\?"(?:id|title)\\*":\s*\\*"(t-[\w-]+)/)?.[1]);
    this.counts.attempts++;
    if (!talk) return this.note(`tools: a request to the model belongs to nobody: ${JSON.stringify(body.messages.at(-1)).slice(0, 200)}`);
    talk.attempts++;
    if (body.messages.at(-1).role === 'tool') return undefined;
    return response.on('finish', () => {
      talk.asked = talk.wish === null;
      this.#happened('asked');
    });
  }

  #noted(what, tool, id) {
    const talk = this.talks.get(id);
    if (!talk) return this.note(`tools: ${tool} was called with ${id}, which nobody asked for`);
    talk.seen = Math.max(talk.seen, rank[what]);
    return this.#happened(what);
  }

  #happened(what) {
    if (this.watch?.what === what && --this.watch.left === 0) this.watch.fire();
  }

  // What came to the receiver since; approvals are answered. True once there is nothing more to hear.
  #hear() {
    for (; this.heard < this.receiver.received.length; this.heard++) {
      const { id, status, body: { data } } = this.receiver.received[this.heard];
      for (const message of data.in_reply_to) {
        const [, of, part] = message.match(/^(t-[\d-]+)(?:\.(\w+))?$/), talk = this.talks.get(of);
        const answers = talk.answers.get(part ?? '') ?? new Map();
        talk.answers.set(part ?? '', answers.set(id, data));
        if (status !== 200) this.note(`tools: the receiver answered ${status}`);
        if (!part && talk.wish) this.#approve(talk, data);
        if (part === 'yes' && talk.id.endsWith('0') && !talk.words.includes('more')) this.send(talk, `approve ${talk.code}`, 'more'); // in vain
      }
    }
  }

  #approve(talk, data) {
    const code = data.text.match(/approve ([\w-]+)\*\*/)?.[1];
    if (talk.code || !code) return;
    talk.code = code;
    this.wishes.push(talk); // said in the next wave, so that these calls are interrupted, too
  }

  // As often as it takes, always under the same id.
  send(talk, text, part) {
    talk.words.push(part ?? '');
    this.sending ??= new Set();
    const sending = (async () => {
      const id = part ? `${talk.id}.${part}` : talk.id;
      while ((await deliver(this.daemon, { text, sender: talk.sender, conversation: talk.id }, id)) === null) await wait(20);
    })();
    this.sending.add(sending);
    sending.then(() => this.sending.delete(sending));
  }

  // ---- lives ---------------------------------------------------------------------------------------------------

  wave() {
    for (let i = 0; i < atOnce; i++) {
      const talk = new Talk(`t-${this.talks.size}`, some(kinds));
      this.talks.set(talk.id, talk);
      this.send(talk, talk.text);
    }
    this.sayWishes();
  }

  sayWishes() {
    for (const talk of this.wishes.splice(0)) this.send(talk, `${talk.wish} ${talk.code}`, 'yes');
  }

  // Until something has happened so many times (near it: calls in every stage), or some time has gone by.
  moment() {
    const what = some(['asked', 'asked', 'got', 'got', 'ran', 'said', null]);
    const late = new Promise((resolve) => { setTimeout(resolve, what ? 1500 : 20 + Math.random() * 250); });
    const due = new Promise((resolve) => { this.watch = { what, left: 8 + Math.floor(Math.random() * 32), fire: resolve }; });
    return Promise.race([due, late]);
  }

  // Calls that were asked for and have no result on disk, by how far they had come.
  #lookAtTheDead() {
    const begun = new Map(); // message -> whether its call has a result
    for (const line of sql(this.daemon.dir, latest, '-readonly').split('\n').filter(Boolean)) {
      const [id, ended] = line.split('|');
      begun.set(id, (begun.get(id) ?? true) && ended === '1');
    }
    let found = 0;
    for (const talk of this.#open()) {
      talk.kills++;
      if (begun.has(talk.id) ? !begun.get(talk.id) : talk.asked) {
        this.counts.stages[begun.has(talk.id) ? Math.max(1, talk.seen) : 0]++;
        talk.hits++;
        found++;
      }
      Object.assign(talk, { asked: false, seen: -1 });
    }
    this.counts.interrupted += found;
    this.counts.most = Math.max(this.counts.most, found);
    this.counts.least = Math.min(this.counts.least, found);
  }

  async life() {
    this.wave();
    await this.moment();
    this.watch = null;
    await this.daemon.kill();
    this.counts.lives++;
    this.fileLines = readCounts(this.file, this.near, this.fileLines);
    this.#hear();
    this.#retire();
    this.#lookAtTheDead();
    await this.daemon.start();
    if (Math.random() < 0.8) await this.rest(4); // else it is killed again while it picks up what it lost
  }

  #open() { return [...this.talks.values()].filter((talk) => !talk.over); }

  #retire() {
    for (const talk of this.#open())
      talk.over = talk.words.every((part) => talk.answers.has(part)) && (!talk.wish || talk.words.includes('yes') || this.#quarantined(talk, ''));
  }

  #quarantined(talk, part) {
    return [...(talk.answers.get(part) ?? new Map()).values()].some((data) => data.status === 'quarantined');
  }

  async finish() {
    for (const folder of [this.daemon.dir, this.folder]) rmSync(folder, { recursive: true, force: true });
    this.daemon.words = new Set([...this.daemon.words].slice(-100)); // each is looked for in each line
    this.daemon.checkLog();
    await this.far.stop();
    await this.model.stop();
    await this.receiver.stop();
  }

  // Until few messages are open.
  async rest(few, seconds = 30) {
    await until('the answers', () => {
      this.#hear();
      this.#retire();
      return this.#open().length - this.wishes.length <= few;
    }, seconds).catch(() => {}); // what is missing in the end is told then
  }
}

// ---- what must hold in the end ----------------------------------------------------------------------------------

const told = (data) =>
  data.status === 'quarantined' ? 'set aside' : / ran for |"status":"created"/.test(data.text) ? 'result'
    : /outcome unknown|is not known|may have been done/.test(data.text) ? 'unknown' : data.text.includes('too many calls') ? 'too many' : 'other';

// Each message has one answer, and the answer to the call is true.
function checkTalk(talk, far, near, ends, note) {
  const say = (text) => note(`tools: ${talk.id} (${talk.name}${talk.wish ? `, ${talk.wish}` : ''}, ${talk.hits} hits): ${text}`);
  for (const part of talk.words) {
    const answers = talk.answers.get(part);
    if (answers?.size !== 1) say(`message "${part}" has ${answers?.size ?? 0} answers`);
  }
  const part = talk.wish && talk.code ? 'yes' : '';
  const [data] = talk.answers.get(part)?.values() ?? [];
  if (!data) return;
  const server = talk.name.startsWith('far') ? far : near, call = `${classOf(talk.name)} ${talk.id}`;
  const runs = talk.name === 'add_task' ? ends.tasks.get(talk.id) ?? 0 : server.runs.get(call) ?? 0;
  const name = classOf(talk.name), forbidden = talk.wish === 'deny' || (talk.wish && !talk.code), kind = forbidden ? 'not run' : told(data);
  for (const [sums, one] of [[ends.told, [kind, 1]], [ends.calls, [name, 1]], [ends.runs, [name, runs]]]) sums[one[0]] = (sums[one[0]] ?? 0) + one[1];
  if (talk.hits) ends.hit[name] = (ends.hit[name] ?? 0) + 1;
  const repeatable = talk.name.endsWith('__read') || talk.name.endsWith('__keyed');
  if (!repeatable && runs > (forbidden ? 0 : 1)) {
    ends.twice.push(talk.id);
    say(`ran ${runs} times`);
  }
  if (talk.name.endsWith('__keyed') && server.effects.get(call) > 1) say(`had its effect ${server.effects.get(call)} times`);
  if (kind === 'set aside' && runs && !data.text.includes(`${talk.name} (`)) say(`ran, and the notice does not tell: ${data.text}`);
  if (kind === 'too many' && runs && !repeatable) say(`was told that it did not run, and ran ${runs} times`);
  if (talk.hits === 0 && (runs > 1 || kind === 'unknown')) say(`nobody interrupted it: ran ${runs} times, told: ${kind}`);
  if (talk.kills < 3 && kind === 'set aside') say(`set aside after ${talk.kills} kills`); // also while the model is asked
  if (kind === 'result' && runs === 0) say(`was told of a result, and nothing ran: ${data.text.slice(0, 200)}`);
  if (kind === 'other') say(`an answer that tells nothing: ${data.text.slice(0, 300)}`);
}

// Requests to the model have a row each; one that the crash cut off may have been heard by nobody.
function checkRows(campaign, note) {
  const rows = (type) => Number(sql(campaign.daemon.dir, `SELECT count(*) FROM ai_agent_interactions WHERE interaction_type = '${type}'`));
  const chat = rows('chat'), cut = rows('interrupted'), { attempts } = campaign.counts;
  if (chat > attempts || attempts > chat + cut) note(`tools: ${attempts} requests to the model, ${chat} rows and ${cut} of interruptions`);
  const each = sql(campaign.daemon.dir, `WITH rows AS (SELECT json_extract(metadata, '$.turn') AS turn, sum(interaction_type = 'chat') AS done,
    sum(interaction_type = 'interrupted') AS lost FROM ai_agent_interactions GROUP BY 1)
    SELECT i.delivery_key, r.done, r.lost FROM inbox i JOIN "LLMConversationMessage" m ON m.id = i.turn_id JOIN rows r ON r.turn = m.uuid`);
  const sums = new Map();
  for (const line of each.split('\n').filter(Boolean)) {
    const [, id, done, lost] = line.match(/(t-\d+)(?:\.\w+)?\|(\d+)\|(\d+)$/) ?? [];
    const sum = sums.get(id) ?? { done: 0, lost: 0 };
    sums.set(id, { done: sum.done + Number(done), lost: sum.lost + Number(lost) });
  }
  for (const talk of campaign.talks.values()) {
    const { done = 0, lost = 0 } = sums.get(talk.id) ?? {};
    if (done > talk.attempts || talk.attempts > done + lost) note(`tools: ${talk.id}: ${talk.attempts} requests to the model, ${done} rows and ${lost} of interruptions`);
  }
  const twice = sql(campaign.daemon.dir, `SELECT count(*) FROM (SELECT 1 FROM ai_agent_interactions WHERE interaction_type = 'tool'
    GROUP BY json_extract(metadata, '$.turn'), json_extract(metadata, '$.round'), json_extract(metadata, '$.call_id') HAVING count(*) > 1)`);
  if (twice !== '0') note(`tools: ${twice} calls are on record twice`);
  const without = sql(campaign.daemon.dir, `SELECT count(*) FROM "LLMTaskStep" s WHERE s.kind = 'intent' AND NOT EXISTS (SELECT 1 FROM ai_agent_interactions a
    WHERE a."llmTaskId" = s."llmTaskId" AND a.interaction_type = 'tool' AND json_extract(a.metadata, '$.call_id') = s."callId")`);
  if (without !== '0') note(`tools: ${without} calls are not on record`);
  return { chat, cut, tool: rows('tool') };
}

// Until so many calls were interrupted. Returns what printTools prints.
export async function toolEndurance({ calls = 10_000, note, check = () => {}, seconds = 1200 }) {
  const begun = Date.now(), campaign = new Campaign(note);
  await campaign.start();
  const stop = progress(console.log, () => `${campaign.counts.interrupted} of ${calls} calls interrupted`);
  while (campaign.counts.interrupted < calls && Date.now() - begun < seconds * 1000) await campaign.life();
  stop();
  await campaign.rest(0, 60);
  campaign.sayWishes();
  await campaign.rest(0, 60);
  await campaign.rest(0, 0.25); // what is said to one that is used up
  const ends = { told: {}, runs: {}, calls: {}, hit: {}, twice: [], tasks: new Map() };
  const verified = await campaign.daemon.cli('audit', 'verify');
  if (verified.status !== 0) note(`tools: audit verify: ${verified.stdout}${verified.stderr}`);
  const end = await campaign.daemon.stop();
  if (end.code !== 0) note(`tools: the last life ended with ${JSON.stringify(end)}`);
  await wait(300); // an old process of the server may still be at it
  readCounts(campaign.file, campaign.near, campaign.fileLines);
  for (const line of sql(campaign.daemon.dir, 'SELECT title, count(*) FROM tasks GROUP BY title').split('\n').filter(Boolean))
    ends.tasks.set(line.split('|')[0], Number(line.split('|')[1]));
  for (const talk of campaign.talks.values()) checkTalk(talk, campaign.far, campaign.near, ends, note);
  const rows = checkRows(campaign, note);
  check(campaign.daemon.dir, 'tools', campaign.counts.attempts);
  await campaign.finish();
  return { ...campaign.counts, wanted: calls, kills: campaign.counts.lives, ...ends, rows, verified: verified.stdout.trim(), messages: campaign.receiver.accepted.size, seconds: Math.round((Date.now() - begun) / 1000) };
}

export function printTools(r) {
  const list = (counts) => Object.entries(counts).map(([name, count]) => `${name} ${count}`).join(', ');
  console.log(`Tools: calls interrupted by kill -9:  ${r.interrupted} of ${r.wanted} in ${r.kills} kills (${r.least} to ${r.most} each)
calls hit, by class:                 ${list(r.hit)}
by stage:                            ${stages.map((stage, i) => `${stage} ${r.stages[i]}`).join(', ')}
calls asked for, by class:           ${list(r.calls)}
runs at the servers:                 ${list(r.runs)}
run twice that must not:             ${r.twice.length}
what people were told:               ${list(r.told)}
messages answered:                   ${r.messages}
requests to the model:               ${r.attempts}; rows ${r.rows.chat}, interruptions ${r.rows.cut}; rows of tool calls ${r.rows.tool}
audit verify:                        ${r.verified}
seconds:                             ${r.seconds}`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const wrong = [];
  const note = (text) => { wrong.push(text); if (wrong.length < 40) console.log(`BROKEN: ${text}`); };
  const { wrongRows } = await import('./scenarios.mjs');
  const result = await toolEndurance({ calls: Number(process.argv[2] ?? 10_000), note, check: (dir, what) => wrongRows(dir).forEach((text) => note(`${what}: ${text}`)) });
  printTools(result);
  console.log(`${wrong.length} rules broken`);
  process.exit(wrong.length ? 1 : 0);
}
