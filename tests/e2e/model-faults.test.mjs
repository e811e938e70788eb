// The model is down, slow, lying or cut off: the person gets an answer or a plain notice, never silence or half an answer,
// and every request to a model is on record, the failed ones too.
import test from 'node:test';
import assert from 'node:assert/strict';
import { ModelServer } from '../servers/model.mjs';
import { Daemon, events, until } from './harness.mjs';

let model, daemon;
test.before(async () => { model = await new ModelServer().start(); });
test.after(() => model.stop());

async function withModel(t, name, assistant = {}, own = {}) {
  daemon = await new Daemon({
    models: [{ name: 'main', provider: 'openai', base_url: model.base, model: name, api_key: model.key, ...(name === 'hang' && { first_byte_s: 1 }), ...own }],
    assistant: { attempts: 2, ...assistant },
  }).start();
  t.after(() => daemon.finish());
  return daemon.addUser('ann');
}

const interactions = () => daemon.json('usage', '--by', 'model');

for (const name of ['cut', 'cut-midchar', 'status-500', 'status-503', 'error-200', 'error-stream', 'html', 'empty', 'garbage', 'hang'])
  test(`model ${name}: a plain notice, and the failure on record`, async (t) => {
    const key = await withModel(t, name);
    const answer = await daemon.chat(key, `hello ${name}`);
    assert.equal(answer.status, 503, answer.raw);
    assert.equal(answer.body.error.code, 'MODEL_UNAVAILABLE');
    const [conversation] = (await daemon.request('GET', '/api/me/conversations', { key })).body.conversations;
    const messages = (await daemon.request('GET', `/api/me/conversations/${conversation.conversation_id}/messages`, { key })).body.messages;
    assert.deepEqual(messages.map((m) => m.role), ['user', 'assistant'], 'the person sees a notice, not silence');
    const [usage] = await interactions();
    assert.equal(usage.failures, 2, 'both attempts are on record as failed');
  });

test('a stream that breaks off once is asked again and answered whole', async (t) => {
  const key = await withModel(t, 'cut-once');
  const answer = await daemon.chat(key, 'please answer');
  assert.equal(answer.body.response, 'echo: please answer', answer.raw);
  const stream = await events(`${daemon.url}/api/me/chat`, { key, method: 'POST', body: { message: 'and again' } });
  const kinds = stream.list.map((e) => e.event);
  assert.ok(kinds.includes('reset'), 'what was shown of the broken answer is taken back');
  const shown = stream.list.slice(kinds.lastIndexOf('reset')).filter((e) => e.event === 'delta').map((e) => e.data.text).join('');
  assert.equal(shown, 'echo: and again');
});

test('a rate limit is waited for', async (t) => {
  const key = await withModel(t, 'limited-once');
  assert.equal((await daemon.chat(key, 'limit me')).body.response, 'echo: limit me');
});

test('killed between two requests: the first one is on record all the same', async (t) => {
  const key = await withModel(t, 'status-500', { attempts: 4 });
  const before = model.requests.length;
  daemon.request('POST', '/api/me/chat', { key, body: { message: 'who answers' } }).catch(() => null);
  await until('a third request', () => model.requests.length === before + 3);
  await daemon.kill();
  await daemon.start();
  await until('the end', async () => { const { stored } = await daemon.json('status'); return stored.messages_accepted + stored.messages_claimed === 0; }, 60);
  const { attempts, timeline } = await daemon.json('explain', '1');
  const lost = timeline.filter((line) => line.what.startsWith('interrupted: ')).length;
  assert.equal(lost, 1);
  assert.ok([0, 1].includes(model.requests.length - before - attempts.length), `${model.requests.length - before} requests, ${attempts.length} rows and one interruption`);
});

test('a character split between two pieces arrives whole', async (t) => {
  const key = await withModel(t, 'midchar');
  assert.equal((await daemon.chat(key, 'greet')).body.response, 'grüße ✓ 🎉');
});

test('an answer of one megabyte arrives whole', async (t) => {
  const key = await withModel(t, 'huge');
  const answer = await daemon.chat(key, 'tell me everything');
  assert.equal(answer.status, 200, answer.raw.slice(0, 300));
  assert.equal(answer.body.response.length, 1_000_000);
});

test('a refused key is not asked again and again', async (t) => {
  const key = await withModel(t, 'echo', {}, { api_key: 'a wrong key of the tests' });
  assert.equal((await daemon.chat(key, 'hello')).status, 503);
  const [usage] = await interactions();
  assert.equal(usage.failures, 1);
  const doctor = await daemon.cli('doctor');
  assert.equal(doctor.status, 1);
  assert.match(doctor.stdout, /fault +model/);
});

test('a conversation beyond the context window loses its oldest turns, not its answer', async (t) => {
  const key = await withModel(t, 'overflow-4');
  let conversation_id;
  for (let i = 0; i < 4; i++) {
    const answer = await daemon.chat(key, `message ${i}`, conversation_id && { conversation_id });
    assert.equal(answer.body.response, `echo: message ${i}`, answer.raw);
    conversation_id = answer.body.conversation_id;
  }
});

test('a tool is run for the person who spoke, whatever the model says', async (t) => {
  const key = await withModel(t, 'tool-add_task');
  const answer = await daemon.chat(key, 'buy groceries');
  assert.match(answer.body.response, /^done: /, answer.raw);
  assert.equal(answer.body.tool_calls[0].result.status, 'created');
  assert.equal(answer.body.tool_calls[0].arguments.user_id, 'somebody-else', 'what the model asked for is on record');
});

test('a model that is slow for one does not hold up another', async (t) => {
  const key = await withModel(t, 'echo');
  const models = daemon.settings.models;
  await daemon.stop();
  daemon.configure({ ...daemon.settings, models: [{ ...models[0], model: 'drip-30' }] });
  await daemon.start();
  const slow = daemon.chat(key, 'x'.repeat(600));
  await until('the slow one to run', () => model.running > 0);
  const health = await daemon.request('GET', '/healthz');
  assert.equal(health.status, 200);
  assert.equal((await slow).status, 200);
});

