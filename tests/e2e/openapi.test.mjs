// docs/openapi.yaml against the running daemon: what the document promises is provoked, and every answer has the documented
// status, media type, headers and body. A status or field the document does not know fails as well.
import test from 'node:test';
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import net from 'node:net';
import { fileURLToPath } from 'node:url';
import Ajv from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { Validator } from '@seriousme/openapi-schema-validator';
import { parse } from 'yaml';
import { ModelServer } from '../servers/model.mjs';
import { Daemon, until } from './harness.mjs';

const file = fileURLToPath(new URL('../../docs/openapi.yaml', import.meta.url));
const document = parse(readFileSync(file, 'utf8'));
const resolve = (node) => (node?.$ref ? node.$ref.slice(2).split('/').reduce((at, name) => at[name], document) : node);

// The document's schemas say what must be there; here nothing else may be.
function closed(schema) {
  if (Array.isArray(schema)) return schema.map(closed);
  if (typeof schema !== 'object' || schema === null) return schema;
  const copy = Object.fromEntries(Object.entries(schema).map(([name, value]) => [name, name === 'examples' || name === 'enum' ? value : closed(value)]));
  if (copy.properties && copy.type === 'object') copy.additionalProperties ??= false;
  return copy;
}
const ajv = addFormats(new Ajv({ strict: false, allErrors: true }));
ajv.addSchema({ $id: 'document', ...closed({ components: document.components }) });
const checks = new Map();
function valid(schema, value, what) {
  const text = JSON.stringify(schema).replaceAll('"#/', '"document#/');
  if (!checks.has(text)) checks.set(text, ajv.compile(closed(JSON.parse(text))));
  const check = checks.get(text);
  assert.ok(check(value), `${what}: ${ajv.errorsText(check.errors)} in ${JSON.stringify(value).slice(0, 400)}`);
}

const operations = Object.entries(document.paths).flatMap(([path, item]) =>
  Object.entries(item).filter(([method]) => ['get', 'post', 'patch', 'put', 'delete'].includes(method)).map(([method, operation]) => ({ path, method: method.toUpperCase(), ...operation })));
const seen = new Set(); // "POST /api/{user_id}/chat 200"
const codes = new Set();

// Checks one answer against what the operation says of its status.
function conforms(operation, answer) {
  const what = `${operation.method} ${operation.path} ${answer.status}`;
  const response = resolve(operation.responses[String(answer.status)]);
  assert.ok(response, `${what} is not documented: ${answer.raw}`);
  const type = (answer.headers.get('content-type') ?? '').split(';')[0];
  const content = response.content?.[type];
  assert.ok(content, `${what}: ${type} is not documented`);
  if (type === 'application/json') valid(content.schema, answer.body, what);
  for (const [name, header] of Object.entries(response.headers ?? {}))
    if (answer.headers.has(name.toLowerCase()))
      valid(resolve(header).schema, resolve(header).schema.type === 'integer' ? Number(answer.headers.get(name.toLowerCase())) : answer.headers.get(name.toLowerCase()), `${what} ${name}`);
  const code = answer.body?.error?.code;
  if (code && answer.status >= 400) {
    codes.add(code);
    assert.ok(Object.keys(content.examples).includes(code), `${what}: the code ${code} is not documented for this status`);
  }
  seen.add(what);
  return answer;
}

let model, daemon, key, other, conversation, message, slow;
const withModel = (name, own = {}) => ({ name, provider: 'openai', base_url: model.base, model: name, api_key: model.key, first_byte_s: 60, ...own });

test.before(async () => {
  model = await new ModelServer().start();
  daemon = await new Daemon({ models: [withModel('tool-add_task')] }).start();
  key = await daemon.addUser('ann');
  other = await daemon.addUser('bob');
  ({ body: { conversation_id: conversation, message_id: message } } = await daemon.chat(key, 'the first message'));
  slow = Promise.all(operations.map(async (o) => conforms(o, await raw(`${o.method} ${fill(o.path)} HTTP/1.1\r\nHost: x\r\nAuthor`))));
  slow.catch(() => {}); // its test will tell
});
test.after(async () => { await daemon.finish(); await model.stop(); });

const operation = (method, path) => operations.find((o) => o.method === method && o.path === path);
const fill = (path, ids = {}) => path.replace('{user_id}', ids.user ?? 'me').replace('{message_id}', ids.message ?? message).replace('{conversation}', ids.conversation ?? conversation).replace('{import}', ids.import ?? '1');
async function provoke(method, path, { ids, query = '', status, code, on = daemon, ...options } = {}) {
  const answer = await on.request(method, fill(path, ids) + query, { key, ...options });
  conforms(operation(method, path), answer);
  if (status) assert.deepEqual([answer.status, answer.status < 400 ? undefined : answer.body.error.code], [status, code], `${method} ${path}: ${answer.raw}`);
  return answer;
}
const chat = '/api/{user_id}/chat', messages = '/api/{user_id}/messages/{message_id}', events = `${messages}/events`,
  conversations = '/api/{user_id}/conversations', one = `${conversations}/{conversation}`, archive = `${one}/archive`, said = `${one}/messages`,
  imports = '/api/{user_id}/imports', file1 = `${imports}/{import}`, uploads = [['POST', imports], ['PUT', file1]];
const bodyless = (method) => ['GET', 'DELETE'].includes(method);
const table = { body: 'name,amount\nEva Example,3\n', headers: { 'content-type': 'text/csv' } };

test('the document is valid OpenAPI 3.1, its examples fit its schemas, and each error code stands in the guide', async () => {
  const result = await new Validator().validate(structuredClone(document));
  assert.ok(result.valid, JSON.stringify(result.errors));
  assert.match(document.openapi, /^3\.1\./);
  for (const { path, method, requestBody, responses } of operations) {
    const parts = [['request', requestBody], ...Object.entries(responses)].map(([name, part]) => [name, resolve(part)]);
    for (const [name, part] of parts)
      for (const content of Object.values(part?.content ?? {}))
        for (const [example, { value }] of Object.entries(content.examples ?? {})) valid(content.schema, value, `${method} ${path} ${name} ${example}`);
  }
  const guide = readFileSync(new URL('../../docs/chat-endpoint.md', import.meta.url), 'utf8');
  const documented = new Set(Object.values(document.components.responses).flatMap((r) => Object.keys(r.content['application/json'].examples ?? {})));
  for (const code of documented) assert.ok(guide.includes(`\`${code}\``), `${code} is missing in docs/chat-endpoint.md`);
  for (const code of documented) assert.ok(document.components.schemas.ErrorBody.properties.code.enum.includes(code), `${code} is missing in ErrorBody`);
});

test('200 of every operation', async () => {
  const answer = await provoke('POST', chat, { body: { message: 'buy groceries', conversation_id: conversation }, status: 200 });
  assert.equal(answer.body.tool_calls.length, 1, 'with a tool call');
  await provoke('POST', chat, { body: { message: 'and a stream' }, headers: { accept: 'text/event-stream' }, status: 200 });
  await provoke('GET', messages, { status: 200 });
  await provoke('GET', events, { status: 200 });
  for (const query of ['', '?limit=1', '?state=active', '?state=archived', '?before=2']) await provoke('GET', conversations, { query, status: 200 });
  await provoke('GET', one, { status: 200 });
  for (const query of ['', '?limit=1', '?role=tool', '?role=user', '?role=assistant', '?after=2020-01-01', '?before=2999-01-01T00:00:00Z&limit=2']) await provoke('GET', said, { query, status: 200 });
  await provoke('PATCH', one, { body: { title: 'Groceries' }, status: 200 });
  for (const [method, path] of uploads) {
    const sent = await provoke(method, path, { ...table, ids: { import: 'people.csv' }, query: '?prompt=what+is+in+it', status: 200 });
    await provoke(method, path, { ...table, query: '?prompt=by+events', headers: { ...table.headers, accept: 'text/event-stream' }, status: 200 });
    await provoke(method, path, { ...table, headers: { ...table.headers, prefer: 'respond-async' }, status: 202 });
    const ids = { import: String(sent.body.import_ids[0]) };
    await provoke('GET', file1, { ids, status: 200 });
    await until('it to be delivered', async () => (await provoke('GET', file1, { ids })).body.status === 'delivered');
    await provoke('POST', `${file1}/cancel`, { ids, status: 409, code: 'IMPORT_STATE' });
    await provoke('POST', `${file1}/retry`, { ids, status: 200 });
    await provoke('DELETE', file1, { ids, status: 200 });
  }
  for (const query of ['', '?limit=1', '?state=failed', '?before=1']) await provoke('GET', imports, { query, status: 200 });
  const spare = (await daemon.chat(key, 'put me away')).body.conversation_id;
  await provoke('POST', archive, { ids: { conversation: spare }, status: 200 });
  await provoke('PATCH', one, { ids: { conversation: spare }, body: { state: 'archived' }, status: 200 });
  await provoke('POST', chat, { body: { message: 'into the archive', conversation_id: spare }, status: 409, code: 'CONVERSATION_ARCHIVED' });
  for (const [method, path] of uploads) await provoke(method, path, { ...table, query: `?conversation_id=${spare}`, status: 409, code: 'CONVERSATION_ARCHIVED' });
});

test('the events of a stream are as the guide says', async () => {
  const { raw } = await daemon.request('POST', '/api/me/chat', { key, body: { message: 'tell me by events' }, headers: { accept: 'text/event-stream' } });
  const kinds = [];
  for (const block of raw.split('\n\n').filter(Boolean)) {
    const fields = Object.fromEntries(block.split('\n').map((line) => line.match(/^(\w*): ?(.*)$/).slice(1)));
    if (!fields.event) continue;
    kinds.push(fields.event);
    const data = JSON.parse(fields.data);
    if (fields.event === 'accepted') assert.deepEqual(Object.keys(data), ['conversation_id', 'conversation_uuid', 'message_id']);
    if (fields.event === 'delta') assert.deepEqual(Object.keys(data), ['text']);
    if (fields.event === 'done') valid({ $ref: '#/components/schemas/ChatResponse' }, data, 'done');
    assert.ok(fields.id, 'each event can be resumed behind');
  }
  assert.deepEqual([kinds[0], kinds.at(-1)], ['accepted', 'done']);
});

test('401, 403 and 404 of every operation', async () => {
  await daemon.json('user', 'disable', 'bob');
  for (const { method, path } of operations) {
    const body = bodyless(method) ? undefined : { message: 'let me in', title: 'x' };
    await provoke(method, path, { key: undefined, body, status: 401, code: 'AUTH_FAILED' });
    await provoke(method, path, { key: other, body, status: 403, code: 'PROFILE_DISABLED' });
    await provoke(method, path, { ids: { user: '4711' }, body, status: 404, code: 'NOT_FOUND' });
    if (path.includes('{message_id}')) await provoke(method, path, { ids: { message: '01900000-0000-7000-8000-000000000000' }, status: 404, code: 'MESSAGE_NOT_FOUND' });
    if (path.includes('{import}') && method !== 'PUT') await provoke(method, path, { ids: { import: '999' }, status: 404, code: 'IMPORT_NOT_FOUND' });
    if (path.includes('{conversation}')) await provoke(method, path, { ids: { conversation: '999' }, ...(method === 'PATCH' && { body }), status: 404, code: 'CONVERSATION_NOT_FOUND' });
  }
  await provoke('POST', chat, { body: { message: 'into nowhere', conversation_id: 999 }, status: 404, code: 'CONVERSATION_NOT_FOUND' });
  await daemon.json('user', 'enable', 'bob');
});

test('400, 413, 415 and 422: what a client can do wrong', async () => {
  for (const body of ['{', '[]', '{}', '{"message":5}', '{"message":"a","conversation_id":0}', '{"message":"a","conversation_id":1.5}', '{"message":"a","conversation_id":"x"}'])
    await provoke('POST', chat, { body, status: 400, code: 'VALIDATION_FAILED' });
  await provoke('POST', chat, { body: { message: ' ' }, status: 422, code: 'CONTENT_EMPTY' });
  await provoke('POST', chat, { body: { message: 'x'.repeat(65537) }, status: 413, code: 'MESSAGE_TOO_LONG' });
  await provoke('POST', chat, { body: { message: 'x'.repeat(400000) }, status: 413, code: 'PAYLOAD_TOO_LARGE' });
  await provoke('POST', chat, { body: 'message=a', headers: { 'content-type': 'application/x-www-form-urlencoded' }, status: 415, code: 'UNSUPPORTED_MEDIA_TYPE' });
  await provoke('POST', chat, { body: { message: 'one body' }, headers: { 'idempotency-key': 'a' }, status: 200 });
  await provoke('POST', chat, { body: { message: 'other body' }, headers: { 'idempotency-key': 'a' }, status: 422, code: 'IDEMPOTENCY_CONFLICT' });
  await provoke('PATCH', one, { body: { title: '' }, status: 400, code: 'VALIDATION_FAILED' });
  await provoke('PATCH', one, { body: { title: 'x'.repeat(70000) }, status: 413, code: 'PAYLOAD_TOO_LARGE' });
  await provoke('PATCH', one, { body: 'x', headers: { 'content-type': 'text/plain' }, status: 415, code: 'UNSUPPORTED_MEDIA_TYPE' });
  for (const [method, path] of uploads) {
    await provoke(method, path, { ...table, body: '', status: 422, code: 'CONTENT_EMPTY' });
    const head = `${method} ${fill(path)} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${key}\r\nContent-Type: text/csv\r\nContent-Length: 99999999999\r\n\r\n`;
    assert.equal(conforms(operation(method, path), await raw(head)).status, 413);
  }
  for (const verb of ['retry', 'cancel']) await provoke('POST', `${file1}/${verb}`, { body: 'x'.repeat(70000), status: 413, code: 'PAYLOAD_TOO_LARGE' });
  await provoke('GET', imports, { query: '?state=x', status: 400, code: 'VALIDATION_FAILED' });
  await provoke('POST', archive, { body: 'x'.repeat(70000), status: 413, code: 'PAYLOAD_TOO_LARGE' });
  await provoke('GET', conversations, { query: '?limit=0', status: 400, code: 'VALIDATION_FAILED' });
  await provoke('GET', said, { query: '?role=x', status: 400, code: 'VALIDATION_FAILED' });
});

// What fetch would not send.
function raw(bytes, on = daemon, socket = net.connect(on.port, '127.0.0.1')) {
  return new Promise((resolve, reject) => {
    let text = '';
    socket.setTimeout(60_000, () => socket.destroy());
    socket.on('data', (data) => {
      text += data;
      if (/\r\n\r\n[\s\S]*}$/.test(text)) socket.destroy();
    }).on('error', reject).on('close', () => {
      const [head, body] = text.split('\r\n\r\n');
      const lines = head.split('\r\n').slice(1).map((line) => line.split(/: ?/, 2));
      resolve({ status: Number(head.slice(9, 12)), headers: new Headers(lines), raw: body ?? '', body: body && JSON.parse(body) });
    });
    socket.write(bytes);
  });
}

test('400, 414 and 431 of every operation: broken or too large requests', async () => {
  for (const { method, path, ...rest } of operations) {
    const head = (where = fill(path)) => `${method} ${where} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${key}\r\n`;
    for (const [bytes, status] of [
      [`${head()}Content-Length: 5\r\nContent-Length: 6\r\n\r\n`, 400],
      [`${head(fill(path) + '?x=' + 'x'.repeat(20000))}\r\n`, 414],
      [`${head()}X-Large: ${'x'.repeat(40000)}\r\n\r\n`, 431]]) {
      const answer = conforms({ method, path, ...rest }, await raw(bytes));
      assert.equal(answer.status, status, `${method} ${path}: ${answer.raw}`);
    }
  }
});

test('the ends of a message that no answer came to, as errors and as states', async (t) => {
  const ends = [['status-500', 503, 'MODEL_UNAVAILABLE'], ['hang', 503, 'MODEL_UNAVAILABLE'], ['status-400', 502, 'MODEL_REFUSED'],
    ['overflow-0', 422, 'CONTEXT_OVERFLOW'], ['tools-list_tasks', 502, 'TOO_MANY_ROUNDS'], ['hang-504', 504, 'MODEL_TIMEOUT']];
  await Promise.all(ends.map(async ([name, status, code]) => {
    const assistant = { attempts: name.startsWith('tools') ? 4 : 1, tool_rounds: 2, answer_seconds: status === 504 ? 5 : 60 };
    const own = await new Daemon({ models: [withModel(name, { first_byte_s: name === 'hang' ? 1 : 30 })], assistant }).start();
    t.after(() => own.finish());
    const mine = await own.addUser('ann');
    const answer = await provoke('POST', chat, { on: own, key: mine, body: { message: `an end by ${name}` }, status, code });
    assert.match(answer.headers.get('location'), /^\/api\/\d+\/messages\/[0-9a-f-]{36}$/, `${name}: the message is kept`);
    const at = answer.headers.get('location').split('/').at(-1);
    const state = await provoke('GET', messages, { on: own, key: mine, ids: { message: at }, status: 200 });
    assert.equal(state.body.status, 'failed');
    assert.equal(state.body.error.code, answer.body.error.code, 'the state tells the same');
    const stream = await provoke('GET', events, { on: own, key: mine, ids: { message: at }, status: 200 });
    if (status !== 504) await Promise.all(uploads.map(([method, path]) => provoke(method, path, { ...table, on: own, key: mine, query: '?prompt=an+end', status, code })));
    assert.match(stream.raw, new RegExp(`event: error\\n[^]*${answer.body.error.code}`));
  }));
});

test('202 when it is being restarted, 429 for who guesses keys', async (t) => {
  const own = await new Daemon({ models: [withModel('held', { first_byte_s: 120 })], limits: { stop_seconds: 0 } }).start(), release = model.hold();
  t.after(() => own.finish());
  t.after(release);
  const mine = await own.addUser('ann');
  for (let i = 0; i < 60; i++) await own.request('GET', '/api/me/conversations', { key: 'x' });
  for (const { method, path } of operations)
    await provoke(method, path, { on: own, key: 'x', ids: { message, conversation: '1' }, ...(!bodyless(method) && { body: { message: 'a guess' } }), status: 429, code: 'RATE_LIMITED' });
  const busy = await provoke('POST', imports, { ...table, on: own, key: mine, headers: { ...table.headers, prefer: 'respond-async' }, status: 202 });
  const ids = { import: String(busy.body.import_ids[0]) };
  for (const [method, end] of [['DELETE', ''], ['POST', '/retry']]) await provoke(method, file1 + end, { on: own, key: mine, ids, status: 409, code: 'IMPORT_STATE' });
  await provoke('POST', `${file1}/cancel`, { on: own, key: mine, ids, status: 200 });
  const held = provoke('POST', chat, { on: own, key: mine, body: { message: 'held at the end' }, status: 202 });
  await until('the model to be asked', () => model.requests.some((r) => r.messages.at(-1).content === 'held at the end'));
  own.child.kill('SIGTERM');
  const accepted = await held;
  assert.ok(['accepted', 'claimed'].includes(accepted.body.status));
  assert.ok(accepted.headers.get('location'));
});

test('503 while it stops: nothing was accepted', async (t) => {
  const own = await new Daemon({ models: [withModel('held', { first_byte_s: 120 })], limits: { stop_seconds: 60 } }).start(), release = model.hold();
  t.after(() => own.finish());
  t.after(release);
  const mine = await own.addUser('ann');
  own.chat(mine, 'something that takes a while').catch(() => null);
  await until('the model to be asked', () => model.running > 0);
  const sockets = await Promise.all(operations.map(() => new Promise((resolve) => {
    const socket = net.connect(own.port, '127.0.0.1');
    socket.write('GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n');
    socket.once('data', () => resolve(socket));
  })));
  own.child.kill('SIGTERM');
  await until('the stop to begin', () => own.lines.some((line) => line.includes('stopping')));
  await Promise.all(operations.map(async ({ method, path, ...rest }, i) => {
    const body = bodyless(method) ? '' : '{"message":"too late"}';
    const answer = conforms({ method, path, ...rest }, await raw(`${method} ${fill(path)} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${mine}\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`, own, sockets[i]));
    assert.deepEqual([answer.status, answer.body.error.code], [503, 'SHUTTING_DOWN'], `${method} ${path}: ${answer.raw}`);
    assert.ok(answer.headers.get('retry-after'));
  }));
});

test('408 of every operation: a request that comes too slowly', async () => {
  for (const answer of await slow) assert.equal(answer.status, 408);
});

// What needs a broken disk or a fault of ours is proved where it can be made: in storage.test.mjs and the unit tests.
const statusesElsewhere = ['500'];
const alike = uploads.map(([method, path]) => `${method} ${path} 504`); // as chat's, which is provoked: it takes its time
const codesElsewhere = ['ANSWER_FAILED', 'BUDGET_EXHAUSTED', 'INTERNAL', 'OVERLOADED', 'QUARANTINED', 'REFUSED', 'STORE_UNAVAILABLE'];

test('nothing documented was left out', () => {
  const missing = operations.flatMap(({ path, method, responses }) => Object.keys(responses)
    .filter((status) => !statusesElsewhere.includes(status)).map((status) => `${method} ${path} ${status}`).filter((what) => !seen.has(what) && !alike.includes(what)));
  assert.deepEqual(missing, []);
  const documented = Object.values(document.components.responses).flatMap((r) => Object.keys(r.content['application/json'].examples ?? {}));
  assert.deepEqual(documented.filter((code) => !codes.has(code) && !codesElsewhere.includes(code)), []);
});
