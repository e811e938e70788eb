// What is on its way when the daemon is killed: how it is sent, when it is through, and what must hold afterwards.
// send returns whether everything was accepted; done whether everything has reached its end, asked by both.
import { execFileSync } from 'node:child_process';
import { statSync } from 'node:fs';
import { until } from '../e2e/harness.mjs';

const ask = (dir, query, options) => execFileSync('sqlite3', ['-cmd', '.timeout 20000', ...options, `${dir}/usher.db`, query], { encoding: 'utf8', maxBuffer: 1 << 28 }).trim();

// When the files of a database were written last; the log of a commit is one of them.
function writtenAt(dir) {
  const files = ['usher.db', 'usher.db-wal'].map((name) => statSync(`${dir}/${name}`, { throwIfNoEntry: false }));
  return { mark: files.map((file) => (file ? `${file.ino} ${file.size} ${file.mtimeMs}` : '-')).join(), ms: Math.max(...files.map((file) => file?.mtimeMs ?? 0)) };
}

const answers = new Map(); // dir and query -> { mark, answer }

// Whoever waits asks again and again, and each question is a process for which everything in this one stands still, the stand-ins that the
// daemon talks to as well: what was asked since the last commit is not asked again.
export function sql(dir, query, ...options) {
  if (!query.startsWith('SELECT') || options.length) return ask(dir, query, options);
  const written = writtenAt(dir), key = `${dir} ${query}`, known = answers.get(key);
  if (known?.mark === written.mark) return known.answer;
  const answer = ask(dir, query, options);
  if (answers.size > 500) answers.clear();
  if (Date.now() - written.ms > 100) answers.set(key, { mark: written.mark, answer }); // else a commit of this moment might not be seen in the time
  return answer;
}

// For who kills a daemon again and again: three crashes at the same message set it aside, as they should.
export const spareTheTried = (dir, seconds) => until('what two kills interrupted to be answered', () =>
  sql(dir, "SELECT 1 FROM inbox WHERE state = 'claimed' AND attempts > 2 OR state = 'accepted' AND attempts > 1 LIMIT 1") === '', seconds);

// Rows that must not be there when everything is through.
const rowsOf = (ends) => ({
  'messages without an end': "SELECT 1 FROM inbox WHERE state IN ('accepted', 'claimed')",
  'turns without an end': 'SELECT 1 FROM "LLMConversationMessage" WHERE "answeredAt" IS NULL',
  'runs without an end': 'SELECT 1 FROM "LLMTask" WHERE status = \'running\'',
  'replies without an end': `SELECT 1 FROM outbox WHERE state NOT IN (${ends.map((end) => `'${end}'`)})`,
  'answers that nobody was sent': `SELECT 1 FROM inbox i WHERE i.reply_to IS NOT NULL AND i.state = 'answered'
    AND NOT EXISTS (SELECT 1 FROM outbox o WHERE o.turn_id = i.turn_id)`,
  'messages that belong to nobody': "SELECT 1 FROM inbox WHERE state = 'answered' AND (profile_id IS NULL OR \"llmConversationId\" IS NULL)",
  'tool calls without a result': `SELECT 1 FROM "LLMTaskStep" s WHERE s.kind = 'intent' AND NOT EXISTS
    (SELECT 1 FROM "LLMTaskStep" r WHERE r."llmTaskId" = s."llmTaskId" AND r.kind = 'result' AND r."callId" = s."callId")
    AND NOT EXISTS (SELECT 1 FROM "LLMConversationMessage" m JOIN inbox i ON i.turn_id = m.id WHERE m."llmTaskId" = s."llmTaskId" AND i.state = 'quarantined')
    AND NOT EXISTS (SELECT 1 FROM "LLMTask" t WHERE t.id = s."llmTaskId" AND t."errorMessage" = 'quarantined')`,
  'messages whose time does not rise': `SELECT 1 FROM (SELECT "timestamp" AS at, lag("timestamp") OVER (PARTITION BY conversation_id ORDER BY id) AS before
    FROM message) WHERE before >= at`,
  'turns with two finished tasks': `SELECT 1 FROM "LLMConversationMessage" m JOIN "LLMTask" t ON t.id = m."llmTaskId"
    WHERE t.status = 'succeeded' GROUP BY m.id HAVING count(*) > 1`,
  'turns with two replies': 'SELECT 1 FROM outbox WHERE turn_id IS NOT NULL GROUP BY turn_id, ord HAVING count(*) > 1',
});

// What does not hold of the files of a daemon that has stopped, whatever happened to it. ends: of replies, beside being sent.
export function wrongRows(dir, ends = []) {
  const wrong = ['integrity_check', 'foreign_key_check'].map((pragma) => [pragma, sql(dir, `PRAGMA ${pragma}`)])
    .filter(([, said]) => said !== 'ok' && said !== '').map(([pragma, said]) => `${pragma} says ${said}`);
  for (const [what, query] of Object.entries(rowsOf(['sent', ...ends]))) {
    const found = sql(dir, `SELECT count(*) FROM (${query})`);
    if (found !== '0') wrong.push(`${found} ${what}`);
  }
  return wrong;
}

// Each request to a model has its row; one that a crash cut off may have been heard by nobody, or never have left.
export function wrongAttempts(dir, attempts) {
  const [rows, cut] = ["NOT IN ('tool', 'interrupted', 'skipped', 'erasure', 'prune', 'import')", "= 'interrupted'"].map((type) =>
    Number(sql(dir, `SELECT count(*) FROM ai_agent_interactions WHERE interaction_type ${type}`)));
  return rows > attempts || attempts > rows + cut ? [`${attempts} requests to the model, ${rows} rows and ${cut} of interruptions`] : [];
}

// As every sender does: a killed daemon does not answer. Returns the accepted id, or null.
export async function deliver(daemon, body, id, headers) {
  try {
    const answer = await daemon.hook('crm', body, { id, headers });
    return answer.status === 202 ? answer.body.id : null;
  } catch {
    return null;
  }
}

const answersOf = (receiver, id) => receiver.received.filter((r) => r.body.data.in_reply_to.includes(id));
const answered = (receiver, id) => answersOf(receiver, id).some((r) => r.status === 200);
const armed = (arm) => (arm ? { 'x-test': 'kill-arm' } : {});

// One answer under one id, with these words in it.
function oneAnswer(receiver, id, status, words, note) {
  const answers = answersOf(receiver, id);
  const ids = new Set(answers.map((r) => r.id));
  if (ids.size !== 1) note(`${id} was answered under ${ids.size} ids`);
  for (const r of answers)
    if (r.body.data.status !== status || !r.body.data.text.includes(words)) note(`wrong answer ${JSON.stringify(r.body)}`);
}

function rows(dir, table, count, note) {
  const found = sql(dir, `SELECT count(*) FROM ${table}`);
  if (found !== String(count)) note(`${table} has ${found} rows, not ${count}`);
}

const burst = (id) => [1, 2, 3].map((n) => `${id}-${n}`);

export const scenarios = {
  webhook: {
    model: 'echo',
    async send(daemon, id, arm) {
      return (await deliver(daemon, { text: `hello ${id}`, sender: 'ann', conversation: 'room' }, id, armed(arm))) !== null;
    },
    done: (daemon, receiver, id) => answered(receiver, id),
    check(dir, receiver, id, note) {
      oneAnswer(receiver, id, 'answered', id, note);
      rows(dir, 'inbox', 1, note);
    },
  },
  chat: {
    model: 'tool-add_task',
    user: true,
    async send(daemon, id, arm) {
      try {
        daemon.last = await daemon.chat(daemon.key, `groceries ${id}`, {}, { 'idempotency-key': id, ...armed(arm) });
        return daemon.last.status === 200;
      } catch {
        return false;
      }
    },
    done: (daemon) => daemon.last?.status === 200,
    check(dir, receiver, id, note, daemon) {
      if (!daemon.last.body.response.startsWith('done: ')) note(`wrong answer ${daemon.last.raw}`);
      rows(dir, 'tasks', 1, note);
      rows(dir, 'inbox', 1, note);
    },
  },
  // A tool is called while the receiver of the answer breaks the first connection off.
  tool: {
    model: 'tool-add_task',
    reply: '/cut-times-1',
    async send(daemon, id, arm) {
      return (await deliver(daemon, { text: `groceries ${id}`, sender: 'ann', conversation: 'room' }, id, armed(arm))) !== null;
    },
    done: (daemon, receiver, id) => answered(receiver, id),
    check(dir, receiver, id, note) {
      oneAnswer(receiver, id, 'answered', 'done: ', note);
      rows(dir, 'tasks', 1, note);
      rows(dir, 'inbox', 1, note);
    },
  },
  // Three at once of one person: the first begins, the others wait and are answered together.
  burst: {
    model: 'slow-40',
    merge: true,
    async send(daemon, id, arm) {
      const all = await Promise.all(burst(id).map((each) =>
        deliver(daemon, { text: `say ${each}`, sender: 'ann', conversation: 'room' }, each, armed(arm))));
      return all.every((one) => one !== null);
    },
    done: (daemon, receiver, id) => burst(id).every((each) => answered(receiver, each)),
    check(dir, receiver, id, note) {
      for (const each of burst(id)) oneAnswer(receiver, each, 'answered', 'say', note);
      rows(dir, 'inbox', 3, note);
      const repeated = sql(dir, 'SELECT count(*) FROM (SELECT 1 FROM inbox GROUP BY turn_id HAVING count(DISTINCT state) > 1)');
      if (repeated !== '0') note(`${repeated} turns have messages in several states`);
    },
  },
  // Somebody we do not know is told a code, once.
  stranger: {
    model: 'echo',
    strangers: 'pair',
    async send(daemon, id, arm) {
      return (await deliver(daemon, { text: `hello ${id}`, sender: 'eve', conversation: 'room' }, id, armed(arm))) !== null;
    },
    done: (daemon, receiver, id) => answered(receiver, id),
    check(dir, receiver, id, note) {
      oneAnswer(receiver, id, 'refused', sql(dir, 'SELECT code FROM pairing_codes'), note);
      rows(dir, 'pairing_codes', 1, note);
      rows(dir, "platform_identities WHERE external_user_id = 'eve'", 0, note);
    },
  },
  // The very first start, while the schema is made.
  fresh: {
    model: 'echo',
    first: true,
    async send(daemon, id) {
      return (await deliver(daemon, { text: `hello ${id}`, sender: 'ann', conversation: 'room' }, id, {})) !== null;
    },
    done: (daemon, receiver, id) => answered(receiver, id),
    check(dir, receiver, id, note) {
      oneAnswer(receiver, id, 'answered', id, note);
      rows(dir, 'organizations', 1, note);
    },
  },
};
