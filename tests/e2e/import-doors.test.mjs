// The doors through which files come without a chat platform: uploads by curl, and what their senders may see and do.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createHash, createHmac } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import net from 'node:net';
import path from 'node:path';
import test from 'node:test';
import { fileURLToPath } from 'node:url';
import { Webhook } from 'standardwebhooks';
import { ModelServer } from '../servers/model.mjs';
import { Receiver } from '../servers/receiver.mjs';
import { Daemon, hookSecret, until } from './harness.mjs';

let model, daemon, ann, bob;
const table = 'name,amount\nEva Example,3\nBob Sample,40\n', more = `${table}Cay Third,5\n`;

test.before(async () => {
  model = await new ModelServer().start();
  daemon = await new Daemon({ models: [{ name: 'main', provider: 'openai', base_url: model.base, model: 'echo', api_key: model.key }], limits: { file_mb: 2 } }).start();
  ann = await daemon.addUser('ann');
  bob = await daemon.addUser('bob');
  writeFileSync(path.join(daemon.dir, 'people.csv'), table);
  writeFileSync(path.join(daemon.dir, 'more.csv'), more);
});
test.after(async () => { await daemon.finish(); await model.stop(); });

// curl as people use it.
function curl(key, where, ...words) {
  const { url } = typeof words.at(-1) === 'object' ? words.pop() : daemon;
  return new Promise((resolve, reject) => execFile('curl', ['-sS', '--max-time', '60', '-w', '\n%{http_code}', '-H', `Authorization: Bearer ${key}`, ...words, url + where],
    { cwd: daemon.dir }, (error, stdout, stderr) => {
      if (error) return reject(new Error(`${error.message} ${stderr}`));
      const at = stdout.lastIndexOf('\n');
      resolve({ status: Number(stdout.slice(at + 1)), body: JSON.parse(stdout.slice(0, at) || 'null') });
    }));
}
const lying = (of = daemon) => readdirSync(`${of.dir}/uploads`);
// Files of earlier tests are swept away meanwhile: only names tell what came.
const cameSince = (before, of) => lying(of).filter((name) => !before.includes(name));
const state = (key, id) => curl(key, `/api/me/imports/${id}`);

for (const [what, ...words] of [
  ['a form', '/api/me/imports', '-F', 'file=@people.csv', '-F', 'prompt=what is in it?'],
  ['a body', '/api/me/imports?name=people.csv&prompt=what%20is%20in%20it%3F', '--data-binary', '@people.csv', '-H', 'Content-Type: text/csv'],
  ['chunks', '/api/me/imports?name=people.csv&prompt=what%20is%20in%20it%3F', '--data-binary', '@people.csv', '-H', 'Content-Type: text/csv', '-H', 'Transfer-Encoding: chunked'],
  ['-T', '/api/me/imports/people.csv?prompt=what%20is%20in%20it%3F', '-T', 'people.csv'],
])
  test(`${what}: the file is read and the answer waited for`, async () => {
    const answer = await curl(ann, ...words);
    assert.equal(answer.status, 200, JSON.stringify(answer));
    assert.equal(answer.body.import_ids.length, 1);
    assert.deepEqual(answer.body.files, []);
    assert.match(answer.body.response, /people\.csv/);
    const { body } = await state(ann, answer.body.import_ids[0]);
    assert.equal(body.file, 'people.csv');
    assert.equal(body.kind, 'csv', JSON.stringify(body));
    assert.match(JSON.stringify(body.outline), /amount/);
    assert.deepEqual(body.outputs, []);
    assert.equal((await state(bob, answer.body.import_ids[0])).status, 404, 'not another person\'s');
  });

test('several files, answered 202 at once, are two imports of one message', async () => {
  const { status, body } = await curl(ann, '/api/me/imports', '-F', 'a=@people.csv', '-F', 'b=@more.csv', '-H', 'Prefer: respond-async');
  assert.equal(status, 202, JSON.stringify(body));
  assert.equal(body.import_ids.length, 2);
  await until('the answer', async () => (await daemon.request('GET', `/api/me/messages/${body.message_id}`, { key: ann })).body.status === 'answered');
  const list = (await curl(ann, '/api/me/imports?limit=1')).body;
  assert.equal(list.imports.length, 1);
  assert.equal(list.next, list.imports[0].import_id);
  assert.equal((await curl(bob, '/api/me/imports')).body.imports.length, 0);
});

test('the same Idempotency-Key again is the same import; with another file it is refused', async () => {
  const send = (file) => curl(ann, '/api/me/imports', '-F', `file=@${file}`, '-H', 'Idempotency-Key: one');
  const first = await send('people.csv'), before = lying();
  const again = await send('people.csv');
  assert.deepEqual(again.body.import_ids, first.body.import_ids);
  assert.equal((await send('more.csv')).body.error.code, 'IDEMPOTENCY_CONFLICT');
  await until('what is not needed to be gone', () => cameSince(before).length === 0);
});

test('an import is retried and deleted by its person alone', async () => {
  const { body } = await curl(ann, '/api/me/imports', '-F', 'file=@people.csv');
  const where = `/api/me/imports/${body.import_ids[0]}`;
  for (const [method, end] of [['POST', '/retry'], ['POST', '/cancel'], ['DELETE', '']])
    assert.equal((await daemon.request(method, where + end, { key: bob })).status, 404);
  assert.equal((await daemon.request('POST', `${where}/cancel`, { key: ann })).body.error.code, 'IMPORT_STATE');
  const again = await curl(ann, `${where}/retry`, '-X', 'POST');
  assert.equal(again.status, 200, JSON.stringify(again));
  await until('the second reading', async () => ['processed', 'delivered'].includes((await state(ann, again.body.import_id)).body.status));
  assert.equal((await daemon.request('DELETE', where, { key: ann })).status, 200);
  assert.equal((await state(ann, body.import_ids[0])).status, 404);
});

test('a stranger is refused before a byte of the file is read, and too much is refused by its announcement', async () => {
  const ask = (head) => new Promise((resolve, reject) => {
    const socket = net.connect(daemon.port, '127.0.0.1', () => socket.write(head));
    let text = '';
    socket.on('data', (data) => { text += data; if (text.includes('\r\n\r\n')) { socket.destroy(); resolve(text.slice(9, 12)); } });
    socket.on('error', reject);
  });
  const before = lying();
  const head = (more) => `POST /api/me/imports HTTP/1.1\r\nHost: a\r\nContent-Type: text/csv\r\n${more}\r\n\r\n`;
  assert.equal(await ask(head('Content-Length: 1000000')), '401');
  assert.equal(await ask(head(`Authorization: Bearer ${ann}\r\nContent-Length: 9000000`)), '413');
  assert.equal(await ask(head(`Authorization: Bearer ${ann}\r\nContent-Length: 0`)), '422');
  assert.equal(await ask(head(`Authorization: Bearer ${ann}\r\nTransfer-Encoding: chunked`) + '10000000\r\n'), '413');
  await until('nothing to be left', () => cameSince(before).length === 0);
});

test('a sender who goes away leaves nothing', async () => {
  const before = lying();
  const socket = net.connect(daemon.port, '127.0.0.1');
  socket.write(`POST /api/me/imports?name=a.csv HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${ann}\r\nContent-Length: 1000000\r\n\r\nname,amount\n`);
  await until('the file to be begun', () => cameSince(before).length === 1);
  socket.destroy();
  await until('the file to be gone', () => cameSince(before).length === 0);
});

test('killed behind the acknowledgement: the file is there and is read after the start', async () => {
  const { body } = await curl(ann, '/api/me/imports', '-F', 'file=@people.csv', '-F', 'prompt=after the fall', '-H', 'Prefer: respond-async');
  await daemon.kill();
  await daemon.start();
  await until('the answer', async () => (await daemon.request('GET', `/api/me/messages/${body.message_id}`, { key: ann })).body?.status === 'answered');
  assert.equal((await state(ann, body.import_ids[0])).body.kind, 'csv');
});

test('a finished import is posted to its target until it says yes, always under one id', async (t) => {
  const calls = [], secret = hookSecret, wrong = [503, 401, 403, 404, 302];
  const stand = createServer((request, response) => {
    let text = '';
    request.on('data', (data) => (text += data)).on('end', () => {
      calls.push({ id: request.headers['webhook-id'], body: new Webhook(secret).verify(text, request.headers) });
      if (calls.length <= wrong.length) response.writeHead(wrong[calls.length - 1], { 'retry-after': '0' }).end();
      else if (calls.length === wrong.length + 1) response.writeHead(422).end();
      else if (calls.at(-1).id === 'import-2') response.writeHead(200).end('x'.repeat(200000));
      else response.writeHead(201, { 'content-type': 'application/json' }).end('{"id":"erp-7"}');
    });
  });
  await new Promise((resolve) => stand.listen(0, '127.0.0.1', resolve));
  t.after(() => stand.close());
  const own = await new Daemon({ models: [{ name: 'main', provider: 'openai', base_url: model.base, model: 'echo', api_key: model.key }],
    imports: { target: { url: `http://127.0.0.1:${stand.address().port}/imports`, secret } } }).start();
  try {
    const key = await own.addUser('ann');
    writeFileSync(path.join(own.dir, 'people.csv'), table);
    const { body } = await curl(key, '/api/me/imports', '-F', `file=@${own.dir}/people.csv`, { url: own.url });
    const id = String(body.import_ids[0]);
    await until('the end of it', async () => JSON.parse((await own.cli('import', 'show', id, '--json')).stdout).target_state === 'failed');
    assert.match((await own.cli('import', 'show', id)).stdout, /the target answered 422/);
    assert.match((await own.cli('status')).stdout, /the target answered 422/);
    assert.match((await own.cli('doctor')).stdout, new RegExp(`import ${id} was not taken: the target answered 422; given up.*usher import post ${id}`));
    assert.equal((await own.cli('import', 'post', id)).status, 0);
    await until('its id', async () => (await curl(key, `/api/me/imports/${body.import_ids[0]}`, { url: own.url })).body.target_id === 'erp-7');
    assert.deepEqual(calls.map((call) => call.id), Array(wrong.length + 2).fill('import-1'));
    assert.equal((await own.cli('import', 'post', id)).status, 1);
    assert.doesNotMatch((await own.cli('doctor')).stdout, /was not taken/);
    const next = (await curl(key, '/api/me/imports', '-F', `file=@${own.dir}/people.csv`, { url: own.url })).body.import_ids[0];
    await until('the long answer to count', async () => JSON.parse((await own.cli('import', 'show', String(next), '--json')).stdout).target_state === 'done');
    assert.equal(calls[1].body.file, 'people.csv');
  } finally {
    await own.finish();
  }
});

test('usher import sends files as a person, and shows, retries and deletes imports', async () => {
  const file = path.join(daemon.dir, 'people.csv');
  const sent = await daemon.cli('import', file, '--as', 'what is in it?', '--user', 'bob');
  assert.equal(sent.status, 0, sent.stderr);
  const id = sent.stdout.match(/^import (\d+)\n/)[1];
  assert.match(sent.stdout, /people\.csv/);
  assert.equal((await curl(bob, `/api/me/imports/${id}`)).status, 200);
  assert.match((await daemon.cli('import', 'list')).stdout, new RegExp(`${id} +people\\.csv`));
  assert.match((await daemon.cli('import', 'show', id)).stdout, /amount/);
  const shown = await daemon.cli('import', 'retry', id, '--json');
  assert.equal(JSON.parse(shown.stdout).retry_of, Number(id));
  assert.equal((await daemon.cli('import', 'delete', id)).status, 0);
  assert.equal((await daemon.cli('import', 'show', id)).status, 1);
  assert.equal((await daemon.cli('import', `${file}.no`)).status, 1);
  assert.match((await daemon.cli('import', daemon.dir)).stderr, /is a folder/);
  assert.equal((await daemon.cli('import')).status, 2);
});

test('usher import says by its exit status that a file was not taken, also beside one that was', async () => {
  const empty = path.join(daemon.dir, 'empty.txt'), file = path.join(daemon.dir, 'people.csv');
  writeFileSync(empty, '');
  for (const files of [[empty], [empty, file]]) {
    const sent = await daemon.cli('import', ...files, '--user', 'bob');
    assert.equal(sent.status, 1);
    assert.match(sent.stderr, /^usher: empty\.txt was not taken: The file is empty\.$/m);
    assert.equal(sent.stdout.match(/^import /mg).length, files.length, 'and the answer is there');
  }
  const json = await daemon.cli('import', empty, '--json');
  assert.equal(json.status, 1);
  assert.equal(JSON.parse(json.stdout).import_ids.length, 1);
});

test('what was deleted is gone from the disk soon: the file, and its words from the index', async () => {
  const file = path.join(daemon.dir, 'rare.txt'), word = 'quetzalcoatl4711';
  const bytes = () => readdirSync(daemon.dir).filter((name) => name.includes('.db'))
    .some((name) => readFileSync(path.join(daemon.dir, name)).includes(word));
  writeFileSync(file, `${'A line that tells little.\n'.repeat(3000)}The ${word} is here, where no summary comes to.\n`);
  const id = (await daemon.cli('import', file, '--user', 'bob')).stdout.match(/^import (\d+)\n/)[1];
  await until('its words to be there', bytes); // what earlier tests deleted may just be leaving the log
  assert.equal((await daemon.cli('import', 'delete', id)).status, 0);
  await until('its words to be gone', () => !bytes());
});

test('a kept file that a kill left without a row goes at the next start, the others stay', async () => {
  const all = () => readdirSync(path.join(daemon.dir, 'blobs'), { recursive: true }).filter((name) => /[0-9a-f]{64}$/.test(name));
  const hash = 'ab'.repeat(32), folder = path.join(daemon.dir, 'blobs', all()[0].split('/')[0], 'ab');
  await daemon.stop();
  mkdirSync(folder, { recursive: true });
  writeFileSync(path.join(folder, hash), 'nobody names it');
  writeFileSync(path.join(folder, 'notes.txt'), 'not ours');
  await daemon.start();
  await until('it to be gone', () => !all().some((name) => name.endsWith(hash)));
  for (const text of [table, more]) assert.ok(all().some((name) => name.endsWith(createHash('sha256').update(text).digest('hex'))), text);
  assert.ok(readdirSync(folder).includes('notes.txt'));
});

test('usher doctor runs the reader once, and says when it is not there', async (t) => {
  assert.match((await daemon.cli('doctor')).stdout, /files.*usher-parse reads them, locked in/);
  const lame = new Daemon({ imports: { parser: '/nowhere/usher-parse' } }), broken = new Daemon({ imports: { parser: '/bin/false' } });
  t.after(() => Promise.all([lame.finish(), broken.finish()]));
  assert.match((await lame.cli('doctor')).stdout, /files.*\/nowhere\/usher-parse can't be run/);
  assert.match((await broken.cli('doctor')).stdout, /files.*\/bin\/false broke off \(status 1\)/);
});

test('usher import --out writes the files made, under safe names, and over nothing', async () => {
  const own = await new Daemon({}).start();
  try {
    const file = path.join(own.dir, 'people.csv'), out = path.join(own.dir, 'out');
    writeFileSync(file, 'name;betrag;datum\nEva Example;3,50;01.02.2026\nBob Sample;40,00;02.03.2026\n');
    const words = ['import', file, '--as', 'turn this into JSON with name, betrag, datum'];
    const linked = await own.cli(...words);
    assert.equal(linked.status, 0, linked.stderr);
    assert.match(linked.stdout, /^file: people\.json {2}\/files\//m);
    assert.match(linked.stderr, /^sending 1 file$/m, 'plain lines where there is no terminal');
    assert.equal(JSON.parse((await own.cli(...words, '--json')).stdout).files.length, 1);
    const first = await own.cli(...words, '--out', out);
    assert.equal(first.status, 0, first.stderr);
    assert.match(first.stdout, /^written: people\.json$/m);
    assert.deepEqual(readdirSync(out), ['people.json'], 'and nothing unfinished');
    const made = path.join(out, 'people.json');
    assert.equal(JSON.parse(readFileSync(made, 'utf8')).length, 2);
    writeFileSync(made, 'mine');
    const second = await own.cli(...words, '--out', out);
    assert.equal(second.status, 1);
    assert.match(second.stderr, /people\.json is not written: it is there already; --force/);
    assert.equal(readFileSync(made, 'utf8'), 'mine');
    assert.equal((await own.cli(...words, '--out', out, '--force')).status, 0);
    assert.equal(JSON.parse(readFileSync(made, 'utf8'))[0].name, 'Eva Example');
    assert.equal((await own.cli(...words, '--out', file)).status, 1, 'a file is no folder');
    const sheet = await own.cli('import', fileURLToPath(new URL('../corpus/openpyxl.xlsx', import.meta.url)), '--as', 'turn this into JSON', '--out', out);
    assert.match(sheet.stdout, /5 of 8 rows are in it, 3 are empty/, 'with a note beside the table, under no name');
    assert.deepEqual(JSON.parse(readFileSync(path.join(out, 'openpyxl.json'), 'utf8')).map((row) => row['column 8'])[0], '36:00:00');
    const other = path.join(own.dir, 'places.csv'), both = path.join(own.dir, 'both');
    writeFileSync(other, 'place,height\nBern,540\n');
    const two = await own.cli('import', file, other, '--as', 'turn this into JSON', '--out', both);
    assert.deepEqual([two.status, readdirSync(both).sort()], [0, ['people.json', 'places.json']], `each of the files of one message: ${two.stdout}${two.stderr}`);
    assert.deepEqual(JSON.parse(readFileSync(path.join(both, 'places.json'), 'utf8')), [{ place: 'Bern', height: 540 }]);
  } finally {
    await own.finish();
  }
});

test('webhook: a file named by a body is fetched, and the one made of it is posted by its link, the same in each attempt', async (t) => {
  const source = createServer((request, response) => response.writeHead(200, { 'content-type': 'text/csv' }).end(table));
  await new Promise((resolve) => source.listen(0, '127.0.0.1', resolve));
  const receiver = await new Receiver(hookSecret).start();
  const own = await new Daemon({ users: { strangers: 'allow' }, listen: { address: '127.0.0.1', port: 0, public_url: 'https://bot.example.org' },
    platforms: { webhook: [{ name: 'crm', secret: hookSecret, reply_url: `${receiver.url}/status-500-times-1`, reply_loopback: true }] } }).start();
  t.after(async () => { await own.finish(); source.close(); await receiver.stop(); });
  const told = await own.hook('crm', { text: 'turn this into JSON with name, amount', sender: 'carl', files: [{ url: `http://127.0.0.1:${source.address().port}/people.csv`, name: 'people.csv' }] });
  assert.equal(told.status, 202, told.raw);
  const posts = await until('both attempts at the file', () => {
    const found = receiver.received.filter((r) => r.raw.includes('"files":[{'));
    return found.length >= 2 && found;
  }, 30);
  assert.equal(posts[0].raw, posts[1].raw, 'the same to the byte');
  const [file] = posts[0].body.data.files;
  assert.deepEqual([file.name, file.mime, posts[0].body.data.text], ['people.json', 'application/json', null]);
  assert.match(file.link, /^https:\/\/bot\.example\.org\/files\//);
  const got = await own.request('GET', new URL(file.link).pathname);
  assert.equal(got.status, 200);
  assert.equal(JSON.parse(got.raw).length, 2);
});

test('webhook: a signed body that is no message is a file, and only its own signature lets it in', async (t) => {
  const own = await new Daemon({ users: { strangers: 'allow' }, limits: { file_mb: 1 }, platforms: { webhook: [{ name: 'crm', secret: hookSecret },
    { name: 'hub', auth: 'github', secret: 'a shared secret of the tests' }, { name: 'key', auth: 'bearer', secret: 'another secret of the tests' }] } }).start();
  t.after(() => own.finish());
  const send = (id, { body = table, signed = body, query = '?wait=60&text=turn%20this%20into%20JSON%20with%20name,%20amount&sender=carl', headers = {} } = {}) => {
    const at = new Date();
    return own.request('POST', `/webhook/crm${query}`, { body, headers: { 'content-type': 'text/csv', 'content-disposition': 'attachment; filename="people.csv"',
      'webhook-id': id, 'webhook-timestamp': String(Math.floor(at / 1000)), 'webhook-signature': new Webhook(hookSecret).sign(id, at, signed), ...headers } });
  };
  const first = await send('msg_1');
  assert.equal(first.status, 200, first.raw);
  assert.equal(first.body.status, 'answered');
  assert.equal(first.body.reply.files[0].name, 'people.json');
  const made = await own.request('GET', first.body.reply.files[0].link);
  assert.deepEqual(JSON.parse(made.raw).map((row) => row.name), ['Eva Example', 'Bob Sample']);
  const kept = lying(own);
  assert.equal((await send('msg_1')).body.id, first.body.id, 'the same delivery again');
  assert.equal((await send('msg_1', { body: table + 'Cay Third,5\n' })).status, 422, 'one id, another file');
  assert.equal((await send('msg_2', { signed: table + ' ' })).status, 401, 'bytes that were not signed');
  assert.equal((await send('msg_3', { headers: { 'webhook-timestamp': '1000' } })).status, 401);
  assert.equal((await send('msg_4', { body: '' })).status, 422);
  assert.equal((await send('msg_5', { body: 'x'.repeat(2 << 20) }).catch(() => ({ status: 413 }))).status, 413); // or it is cut off before it has read the answer
  assert.equal((await send('msg_6', { headers: { 'content-type': 'multipart/form-data; boundary=x', 'content-disposition': '' } })).status, 415);
  await until('nothing more to be left', () => cameSince(kept, own).length === 0);
  const plain = await send('msg_7', { headers: { 'content-type': 'text/plain', 'content-disposition': '' }, body: 'what is in it?', query: '?wait=60&sender=carl' });
  assert.equal(plain.body.status, 'answered', 'text is still what was said');
  assert.deepEqual(cameSince(kept, own), []);
  const hub = (query) => own.request('POST', `/webhook/hub${query}`, { body: table, headers: { 'content-type': 'text/csv',
    'x-hub-signature-256': 'sha256=' + createHmac('sha256', 'a shared secret of the tests').update(table).digest('hex') } });
  assert.equal((await hub('?text=who%20am%20I')).status, 422, 'nothing beside the body is signed there');
  assert.equal((await hub('?wait=60')).body.status, 'answered');
  const bearer = (key) => own.request('POST', '/webhook/key?wait=60', { body: table, headers: { 'content-type': 'application/octet-stream', authorization: `Bearer ${key}` } });
  assert.equal((await bearer('wrong')).status, 401);
  assert.equal((await bearer('another secret of the tests')).body.status, 'answered');
});

test('a target that is gone is given up; one that was cut off by a kill gets the same import under the same id', async (t) => {
  const calls = [];
  let answer = (response) => response.writeHead(410).end();
  const stand = createServer((request, response) => request.resume().on('end', () => { calls.push(request.headers['webhook-id']); answer(response); }));
  await new Promise((resolve) => stand.listen(0, '127.0.0.1', resolve));
  const own = await new Daemon({ imports: { target: { url: `http://127.0.0.1:${stand.address().port}/`, secret: hookSecret } } }).start();
  t.after(async () => { await own.finish(); stand.closeAllConnections(); stand.close(); });
  const file = path.join(own.dir, 'people.csv'), show = async (id) => JSON.parse((await own.cli('import', 'show', id, '--json')).stdout);
  writeFileSync(file, table);
  await own.cli('import', file);
  const gone = await until('it to be given up', async () => { const one = await show('1'); return one.target_error && one; });
  assert.match(gone.target_error, /answered 410/);
  assert.deepEqual([gone.status, gone.target_id], ['delivered', null], 'the import itself is done');
  answer = () => {}; // it has it, and its answer never comes
  await own.cli('import', file);
  await until('the second to be posted', () => calls.length === 2);
  await own.kill();
  answer = (response) => response.writeHead(200, { 'content-type': 'application/json' }).end('{"id":8}');
  await own.start();
  await until('its id', async () => (await show('2')).target_id === '8');
  assert.deepEqual(calls, ['import-1', 'import-2', 'import-2']);
});
