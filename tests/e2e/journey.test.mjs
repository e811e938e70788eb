// One message's whole way, as the people of the README walk it: curl, webhook, terminal, restart.
import test from 'node:test';
import assert from 'node:assert/strict';
import { ModelServer } from '../servers/model.mjs';
import { Receiver } from '../servers/receiver.mjs';
import { Daemon, events, hookSecret, until } from './harness.mjs';

test('a new installation answers through the chat endpoint without any model', async (t) => {
  const daemon = await new Daemon().start();
  t.after(() => daemon.finish());
  const key = await daemon.addUser('ann');

  const added = await daemon.chat(key, 'Add a task to buy groceries');
  assert.equal(added.status, 200, added.raw);
  assert.equal(added.body.response, "I've added the task 'buy groceries' to your list.");
  assert.equal(added.body.tool_calls[0].name, 'add_task');
  assert.deepEqual({ ...added.body.tool_calls[0].result, task_id: 0 }, { task_id: 0, status: 'created', title: 'buy groceries' });
  assert.ok(Number.isInteger(added.body.conversation_id));

  const listed = await daemon.chat(key, 'show my tasks', { conversation_id: added.body.conversation_id });
  assert.equal(listed.status, 200, listed.raw);
  assert.equal(listed.body.conversation_id, added.body.conversation_id);
  assert.match(listed.body.response, /buy groceries/);

  const other = await daemon.chat(key, 'What is the meaning of life?');
  assert.match(other.body.response, /not a language model/i, 'it must not pretend to be one');
});

test('a configured model gets the history and its answer comes back, streamed too', async (t) => {
  const model = await new ModelServer().start();
  const daemon = await new Daemon({
    models: [{ name: 'main', provider: 'openai', base_url: model.base, model: 'echo', api_key: model.key }],
    assistant: { system_prompt: 'Be brief.' },
  }).start();
  t.after(async () => { await daemon.finish(); await model.stop(); });
  const key = await daemon.addUser('ann');

  const first = await daemon.chat(key, 'one');
  assert.equal(first.body.response, 'echo: one', first.raw);
  const second = await daemon.chat(key, 'two', { conversation_id: first.body.conversation_uuid });
  assert.equal(second.body.conversation_id, first.body.conversation_id, 'the uuid names the same conversation');
  assert.deepEqual(model.requests.at(-1).messages.map((m) => [m.role, m.content]), [
    ['system', 'Be brief.'], ['user', 'one'], ['assistant', 'echo: one'], ['user', 'two']], 'nothing of files where there are none');

  const stream = await events(`${daemon.url}/api/me/chat`, { key, method: 'POST', body: { message: 'three'.repeat(20) } });
  assert.deepEqual([stream.list[0].event, stream.list.at(-1).event], ['accepted', 'done']);
  assert.equal(stream.list.filter((e) => e.event === 'delta').map((e) => e.data.text).join(''), 'echo: ' + 'three'.repeat(20));

  const usage = await daemon.json('usage', '--by', 'model');
  assert.equal(usage.length, 1);
});

test('a signed webhook is answered by a signed callback, and survives kill -9 while the model thinks', async (t) => {
  const model = await new ModelServer().start();
  const receiver = await new Receiver(hookSecret).start();
  const daemon = await new Daemon({
    models: [{ name: 'main', provider: 'openai', base_url: model.base, model: 'held', api_key: model.key }],
    users: { strangers: 'allow' },
    platforms: { webhook: [{ name: 'crm', secret: hookSecret, reply_url: `${receiver.url}/ok`, reply_loopback: true }] },
  }).start();
  t.after(async () => { await daemon.finish(); await model.stop(); await receiver.stop(); });

  const release = model.hold(), accepted = await daemon.hook('crm', { text: 'hello', sender: 'carl', conversation: 'ticket-1' }, { id: 'msg_1' });
  assert.equal(accepted.status, 202, accepted.raw);
  await until('the model to be asked', () => model.running === 1);
  await daemon.kill();
  release();
  await daemon.start();
  await until('the callback', () => receiver.received.length > 0);
  assert.equal(receiver.received[0].body.data.text, 'echo: hello');
  assert.deepEqual(receiver.received[0].body.data.in_reply_to, ['msg_1']);

  const again = await daemon.hook('crm', { text: 'hello', sender: 'carl', conversation: 'ticket-1' }, { id: 'msg_1' });
  assert.equal(again.body.id, accepted.body.id, 'a repeated delivery is the same message');
  const explained = await daemon.cli('explain', accepted.body.id);
  assert.equal(explained.status, 0, explained.stderr);
  assert.match(explained.stdout, /answered/);
  assert.equal(receiver.accepted.size, 1, 'nobody is answered twice');
});

test('a stranger is asked for a pairing code, and answered once the operator approved it', async (t) => {
  const daemon = await new Daemon({ platforms: { webhook: [{ name: 'crm', secret: hookSecret }] } }).start();
  t.after(() => daemon.finish());
  const say = (text) => daemon.hook('crm', { text, sender: 'carl', conversation: 'c' }, { query: '?wait=60' });

  const refused = await say('hello');
  assert.equal(refused.body.status, 'refused', refused.raw);
  const [pending] = await daemon.json('pair', 'list');
  assert.match(pending.code, /^[A-HJ-NP-Z2-9]{8}$/);
  assert.match(refused.body.reply.text, new RegExp(pending.code));
  await daemon.json('pair', 'approve', pending.code);
  assert.equal((await say('help')).body.status, 'answered');
});

test('the terminal answers too, and says so when no daemon runs', async (t) => {
  const daemon = await new Daemon().start();
  t.after(() => daemon.finish());
  const said = await daemon.cli('chat', 'add', 'a', 'task', 'to', 'call', 'Bob');
  assert.equal(said.status, 0, said.stderr);
  assert.match(said.stdout, /I've added the task 'call Bob' to your list/);
  assert.equal((await daemon.stop()).code, 0);
  const nobody = await daemon.cli('status');
  assert.equal(nobody.status, 3);
  assert.match(nobody.stderr, /usher run/);
});
