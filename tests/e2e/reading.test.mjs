// Files that people send: kept and read before the model is asked, gone on with after a crash, ended and retried by the
// operator, erased.
import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { sql } from '../campaign/scenarios.mjs';
import { ModelServer } from '../servers/model.mjs';
import { binary, until } from './harness.mjs';
import { stage } from './slack-kit.mjs';

const model = new ModelServer();
before(() => model.start());
after(() => model.stop());

const people = { name: 'people.csv', mimetype: 'text/csv', bytes: 'name,amount\nEva Example,3\nBob Sample,40\n' };
const states = (s) => sql(s.daemon.dir, 'SELECT "processingStatus" || coalesce(\' \' || "errorCode", \'\') FROM "LLMAgentImport" ORDER BY id').split('\n');
const kept = (s) => readdirSync(`${s.daemon.dir}/blobs`, { recursive: true }).filter((name) => /\/[0-9a-f]{64}$/.test(name)).length;

// A reader that waits until it may begin.
function gate(t) {
  const dir = mkdtempSync(path.join(tmpdir(), 'usher-gate-')), parser = path.join(dir, 'parser');
  writeFileSync(parser, `#!/bin/sh\nwhile [ ! -e ${dir}/open ]; do /bin/sleep 0.05; done\nexec ${path.dirname(binary)}/usher-parse "$@"\n`);
  chmodSync(parser, 0o700);
  t.after(() => rmSync(dir, { recursive: true }));
  return { rest: { imports: { parser } }, open: () => writeFileSync(`${dir}/open`, '') };
}

// As `usher` asks the daemon over its control socket.
const act = (s, name, ...args) => new Promise((resolve, reject) => {
  const asked = request({ socketPath: `${s.daemon.dir}/usher.sock`, method: 'POST', path: `/admin/act/${name}`, headers: { 'content-type': 'application/json' } }, (answer) => {
    answer.resume().on('end', () => resolve(answer.statusCode));
  });
  asked.on('error', reject).end(JSON.stringify({ args }));
});

test('a table is kept, read, told to the model and searchable', async (t) => {
  const s = await stage(t, model), file = s.people.upload(s.ann, people);
  const answer = await s.answer(s.people.tell(s.ann, s.bot, 'what is in this table?', { files: [file] }));
  assert.match(answer.text, /people\.csv`?: import 1, 2 rows/);
  const asked = JSON.stringify(s.asked('what is in this table?')[0].messages.at(-1));
  assert.match(asked, /import 1/);
  assert.match(asked, /2 rows; columns: name \(text\), amount \((number|integer)\)/, asked);
  assert.match(asked, /> name: Eva Example; amount: 3/);
  await s.settled();
  await until('the delivery to be on record', () => states(s)[0] === 'delivered');
  assert.match(sql(s.daemon.dir, 'SELECT text FROM knowledge'), /Eva Example/);
  assert.equal(kept(s), 1);
});

test('killed while it reads: it goes on from what is kept, and answers once', async (t) => {
  const g = gate(t), s = await stage(t, model, { rest: g.rest }), file = s.people.upload(s.ann, people);
  const said = s.people.tell(s.ann, s.bot, 'and this one?', { files: [file] });
  await until('it to be kept', () => states(s)[0] === 'fetched');
  await s.daemon.kill();
  file.url = 'http://127.0.0.1:9/gone'; // at Slack it is gone
  g.open();
  await s.up();
  const answer = await s.answer(said, 1, 30);
  assert.match(answer.text, /import 1, 2 rows/);
  await s.settled();
  assert.equal(s.answers(said.channel, said.root).length, 1);
  assert.equal(sql(s.daemon.dir, "SELECT count(*) FROM knowledge WHERE text LIKE '%Eva Example%'"), '1');
});

test('the operator ends a reading, has it read again, and erases it', async (t) => {
  const g = gate(t), s = await stage(t, model, { rest: g.rest }), file = s.people.upload(s.ann, people);
  const said = s.people.tell(s.ann, s.bot, 'a slow one', { files: [file] });
  await until('it to be kept', () => states(s)[0] === 'fetched');
  assert.equal((await act(s, 'import_cancel', '1', null)), 200);
  assert.match((await s.answer(said)).text, /not taken: it was cancelled/);
  assert.deepEqual(states(s), ['failed cancelled']);
  g.open();
  assert.equal((await act(s, 'import_retry', '1', null)), 200);
  assert.match((await s.answer(said, 2)).text, /import 2, 2 rows/);
  await s.settled();
  for (const number of ['1', '2']) assert.equal((await act(s, 'import_delete', number, null)), 200);
  await until('the file to be gone', () => kept(s) === 0);
  assert.equal(sql(s.daemon.dir, 'SELECT count(*) FROM blobs'), '0');
});
