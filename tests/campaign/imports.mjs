// Many files at once through a webhook, each to be made into another, while the daemon is killed again and again, and while their readers are killed at each
// of their answers and at random moments. The receiver, the target and the database count.
//   node campaign/imports.mjs [FILES KILLS READERS]      (USHER: the binary)
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { binary, Daemon, hookSecret, until, wait } from '../e2e/harness.mjs';
import { ModelServer } from '../servers/model.mjs';
import { Receiver } from '../servers/receiver.mjs';
import { checkImports, Target, told } from './imports-check.mjs';
import { idle, progress } from './lives.mjs';
import { deliver, sql, wrongAttempts, wrongRows } from './scenarios.mjs';
import { callbacks, Files, table } from './scenarios-imports.mjs';

const rows = 400, content = new Proxy({}, { get: (_, name) => table(rows, name) });

// A reader that can be killed, its whole group at once, as often as the file `times` says: behind its n-th answer, or after some time.
function mortal() {
  const dir = mkdtempSync(path.join(tmpdir(), 'usher-mortal-')), parser = path.join(dir, 'parser'), real = `${path.dirname(binary)}/usher-parse`;
  writeFileSync(parser, `#!/bin/sh
n=$(cat ${dir}/runs); echo $((n + 1)) >${dir}/runs
if [ $n -ge $(cat ${dir}/times) ]; then exec ${real}; fi
read -r how much <${dir}/how
if [ $how = time ]; then
	( sleep $much; kill -9 0 ) </dev/null >/dev/null 2>&1 3<&- 4>&- &
	exec ${real}
fi
${real} | { while [ $much -gt 0 ] && IFS= read -r line; do printf '%s\\n' "$line"; much=$((much - 1)); done; kill -9 0; }
`);
  chmodSync(parser, 0o700);
  const set = (times, how, much) => Object.entries({ runs: 0, times, how: `${how} ${much}` }).forEach(([name, value]) => writeFileSync(path.join(dir, name), `${value}\n`));
  set(0, 'time', 0);
  return { parser, set, runs: () => Number(readFileSync(path.join(dir, 'runs'), 'utf8')), remove: () => rmSync(dir, { recursive: true, force: true }) };
}

async function build(imports) {
  const s = { model: await new ModelServer({ keep: false }).start(), receiver: await new Receiver(hookSecret).start(), files: await new Files(content).start(), target: await new Target().start() };
  s.daemon = new Daemon({
    models: [{ name: 'main', provider: 'openai', base_url: s.model.base, model: 'obey', api_key: s.model.key, first_byte_s: 10 }],
    users: { strangers: 'allow', messages_per_minute: 0, messages_per_day: 0 }, imports: { ...imports, target: s.target.settings },
    platforms: { webhook: [{ name: 'crm', secret: hookSecret, reply_url: `${s.receiver.url}/ok`, reply_loopback: true, merge: false }] },
  });
  s.send = async (id, conversation) => {
    const name = `${id}.csv`, body = { text: `DO: convert_table {"file":"${name}","format":"json"}`, sender: conversation, conversation, files: [{ url: `${s.files.url}/${name}`, name }] };
    while (!s.over && (await deliver(s.daemon, body, id)) === null) await wait(20);
  };
  s.rest = (seconds) => until('the ends of all', () => idle(s) && told(s.daemon.dir), seconds);
  await s.daemon.start();
  return s;
}

// It stops, and what must hold is looked at.
async function finish(s, note) {
  s.over = true;
  const verified = await s.daemon.cli('audit', 'verify');
  if (verified.status !== 0) note(`audit verify: ${verified.stdout}${verified.stderr}`);
  const end = await s.daemon.stop();
  if (end.code !== 0) note(`the last life ended with ${JSON.stringify(end)}`);
  checkImports(s.daemon.dir, note, s.target);
  [...wrongRows(s.daemon.dir), ...wrongAttempts(s.daemon.dir, s.model.attempts)].forEach(note);
  if (s.receiver.unsigned) note(`${s.receiver.unsigned} callbacks were not signed`);
  s.daemon.checkLog();
  rmSync(s.daemon.dir, { recursive: true, force: true });
  await Promise.all(['model', 'receiver', 'files', 'target'].map((name) => s[name].stop()));
}

// One answer with the rows counted, and one file; before them, when it was set aside after three crashes, one notice.
function checkAnswer(s, id, note) {
  const notices = new Set(s.receiver.received.filter((r) => r.body.data.in_reply_to.includes(id) && r.body.data.status === 'quarantined').map((r) => r.id));
  const texts = [...callbacks(s.receiver, id)].filter(([callback]) => !notices.has(callback)).map(([, text]) => text);
  if (notices.size > 1 || texts.length !== 2 || !new RegExp(`rows\\\\?_out":${rows}`).test(texts[0]) || !texts[1].replaceAll('\\', '').startsWith(`${id}.json`))
    note(`${id}: ${notices.size} notices, ${JSON.stringify(texts)}`);
  return notices.size;
}

// What was set aside waits, with its file, for the operator, who has it tried again.
async function retry(s) {
  for (const letter of await s.daemon.json('dead-letters', 'list')) {
    const { status, stderr } = await s.daemon.cli('dead-letters', 'retry', letter.id);
    if (status !== 0) throw new Error(`dead-letters retry ${JSON.stringify(letter)}: ${stderr}`);
  }
}

// Readers that are killed, one file after the other: once, and it is read all the same; twice, and it ends failed with a line.
async function readers(count, end, note, counts) {
  const reader = mortal(), s = await build({ parser: reader.parser });
  try {
    for (let n = 0; n < count && Date.now() < end; n++) {
      const id = `c${n}`, twice = n % 8 === 7, how = twice ? ['answers', 0] : n % 2 ? ['time', (Math.random() * 0.15).toFixed(3)] : ['answers', (n / 2) % 3];
      reader.set(twice ? 2 : 1, ...how);
      await s.send(id, `room-${n}`);
      await until(`the answer to ${id}`, () => callbacks(s.receiver, id).size > 0 && idle(s), 30);
      counts.read++;
      counts.readers += reader.runs() > 2 || twice;
      const [state, error] = sql(s.daemon.dir, `SELECT "processingStatus", "errorMessage" FROM "LLMAgentImport" WHERE "inputFileName" = '${id}.csv'`).split('|');
      if (!twice) checkAnswer(s, id, (text) => note(`a reader killed (${how}): ${text}`));
      else if (state !== 'failed' || !/its reader broke off/.test(error)) note(`a reader killed twice: ${id} is ${state} ${error}`);
    }
    await s.rest(20);
    if (counts.readers * 4 < counts.read) note(`${counts.readers} of ${counts.read} readers were killed`);
  } catch (error) {
    note(`readers: ${error.message}\n  ${s.daemon.lines.slice(-8).join('\n  ')}`);
  }
  await finish(s, (text) => note(`readers: ${text}`));
  reader.remove();
}

// The daemon killed at random while files come.
async function lives(files, kills, end, note, counts) {
  const s = await build({}), places = 6, ids = [];
  let next = 0;
  const senders = Promise.all(Array.from({ length: places }, async (_, place) => {
    while (next < files && Date.now() < end) {
      const id = `f${next++}`;
      await s.send(id, `room-${place}`);
      ids.push(id);
      counts.sent++;
      await until(`the answer to ${id}`, () => callbacks(s.receiver, id).size > 0, 90);
    }
  })).catch((error) => note(`lives: ${error.message}`));
  for (; counts.kills < kills && next < files && Date.now() < end; counts.kills++) {
    await wait(100 + Math.random() * 900);
    await s.daemon.kill();
    await s.daemon.start();
  }
  await senders;
  try {
    await s.rest(60);
    await retry(s);
    await s.rest(60);
  } catch (error) {
    note(`lives: ${error.message}`);
  }
  for (const id of ids) counts.aside += checkAnswer(s, id, (text) => note(`lives: ${text}`));
  counts.posts = s.target.numbers.size;
  counts.repeated = s.target.repeated;
  await finish(s, (text) => note(`lives: ${text}`));
}

// Returns what printImports prints.
export async function importEndurance({ files = 300, kills = 60, readers: count = 80, note, seconds = 900 }) {
  const begun = Date.now(), counts = { files: 0, read: 0, sent: 0, kills: 0, readers: 0, aside: 0, posts: 0, repeated: 0 }, say = (text) => note(`imports: ${text}`);
  const stop = progress(console.log, () => `files: ${counts.read} of ${count} with mortal readers, ${counts.sent} of ${files} with a mortal daemon, ${counts.kills} kills`);
  await readers(count, begun + seconds * 400, say, counts);
  if (files) await lives(files, kills, begun + seconds * 1000, say, counts);
  stop();
  return { ...counts, files, seconds: Math.round((Date.now() - begun) / 1000) };
}

export function printImports(r) {
  console.log(`Files: sent and made into others:    ${r.sent} of ${r.files}, ${r.read} with mortal readers
kill -9 of the daemon meanwhile:     ${r.kills}
readers killed, and read again:      ${r.readers}
set aside after three crashes:       ${r.aside}
told to the target:                  ${r.posts} (${r.repeated} repeated under their own id)
seconds:                             ${r.seconds}`);
}

if (process.argv[1] === new URL(import.meta.url).pathname) {
  const wrong = [], [files = 300, kills = 60, count = 80] = process.argv.slice(2).map(Number);
  const result = await importEndurance({ files, kills, readers: count, note: (text) => { wrong.push(text); console.log(`BROKEN: ${text}`); } });
  printImports(result);
  process.exit(wrong.length ? 1 : 0);
}
