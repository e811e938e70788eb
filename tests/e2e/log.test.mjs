// The log of every end-to-end test is searched when its daemon ends (Daemon.checkLog); here the search itself is proved, and
// what a line carries.
import test from 'node:test';
import assert from 'node:assert/strict';
import { ModelServer } from '../servers/model.mjs';
import { Daemon, hookSecret, until } from './harness.mjs';

test('the search finds a secret, what was said, a line that is none, and a message without lines', async () => {
  const line = (message, more = {}) => JSON.stringify({ time: '2026-01-02T03:04:05.678Z', level: 'info', ...more, message });
  const plant = (prepare) => {
    const daemon = new Daemon({ platforms: { webhook: [{ name: 'crm', secret: hookSecret }] } });
    daemon.heard({ message: 'the words of\nsomebody', nested: [{ poll_token: 'poll-token-of-a-test' }] });
    daemon.lines.push(line('ready after 5 ms'));
    prepare(daemon);
    return daemon;
  };
  for (const [what, prepare] of [
    ['a secret', (d) => d.lines.push(line(`refused ${hookSecret}`))],
    ['a secret', (d) => d.lines.push(line('poll-token-of-a-test', { level: 'debug' }))],
    ['what somebody said', (d) => d.lines.push(line('model failed on: the words of\nsomebody here'))],
    ['not a line', (d) => d.lines.push('==123==ERROR: AddressSanitizer')],
    ['no line of the log', (d) => d.traces.add('01900000-0000-7000-8000-000000000001')]])
    await assert.rejects(() => plant(prepare).finish(), new RegExp(what));
  await plant((d) => d.lines.push(line('the words of\nsomebody here', { level: 'debug' }))).finish();
});

test('a failed message is found by its trace at warn, with the reason and without its words', async (t) => {
  const model = await new ModelServer().start();
  const daemon = await new Daemon({ models: [{ name: 'main', provider: 'openai', base_url: model.base, model: 'status-500', api_key: model.key }],
    assistant: { attempts: 1 }, users: { strangers: 'allow' }, platforms: { webhook: [{ name: 'crm', secret: hookSecret }] } }).start();
  t.after(async () => { await daemon.finish(); await model.stop(); });
  const { body } = await daemon.hook('crm', { text: 'words that nobody else may read', sender: 'carl' }, { query: '?wait=60' });
  assert.equal(body.status, 'failed');
  const lines = () => daemon.lines.map((text) => JSON.parse(text)).filter((entry) => entry.trace === body.id);
  await until('the reason', () => lines().some((entry) => ['warn', 'error'].includes(entry.level) && /model|500|unavailable/.test(entry.message)));
  assert.ok(lines().every((entry) => entry.where?.startsWith('webhook/crm')), 'each says where it comes from');
});

test('at debug level there is no secret either', async (t) => {
  const daemon = await new Daemon({ log: { level: 'debug', format: 'json' }, users: { strangers: 'allow' }, platforms: { webhook: [{ name: 'crm', secret: hookSecret }] } }).start();
  t.after(() => daemon.finish()); // which searches
  const key = await daemon.addUser('ann');
  assert.equal((await daemon.chat(key, 'add a task to read the log')).status, 200);
  assert.equal((await daemon.hook('crm', { text: 'and one by a webhook', sender: 'carl' }, { query: '?wait=60' })).body.status, 'answered');
  assert.ok(daemon.secrets.size >= 2);
});
