// The stand-ins behave as the real thing: proved by the official clients before usher is tested against them.
import test from 'node:test';
import assert from 'node:assert/strict';
import OpenAI from 'openai';
import { Webhook } from 'standardwebhooks';
import { ModelServer } from '../servers/model.mjs';
import { Receiver } from '../servers/receiver.mjs';
import { hookSecret } from './harness.mjs';

test('the model server satisfies the official OpenAI client', async (t) => {
  const server = await new ModelServer().start();
  t.after(() => server.stop());
  const client = new OpenAI({ baseURL: server.base, apiKey: server.key, maxRetries: 2 });
  const ask = (model, extra = {}) => client.chat.completions.create({ model, messages: [{ role: 'user', content: 'hello' }], ...extra });

  await t.test('lists models', async () => assert.equal((await client.models.list()).data[0].id, 'echo'));
  await t.test('answers whole', async () => assert.equal((await ask('echo')).choices[0].message.content, 'echo: hello'));
  await t.test('answers in a stream with usage', async () => {
    let text = '', tokens = 0;
    for await (const part of await ask('echo', { stream: true, stream_options: { include_usage: true } })) {
      text += part.choices[0]?.delta.content ?? '';
      tokens = part.usage?.total_tokens ?? tokens;
    }
    assert.equal(text, 'echo: hello');
    assert.ok(tokens > 0);
  });
  await t.test('is asked again after 429', async () => assert.equal((await ask('limited-once')).choices[0].message.content, 'echo: hello'));
  await t.test('asks for tools in pieces', async () => {
    let args = '';
    for await (const part of await ask('tool-add_task', { stream: true, tools: [{ type: 'function', function: { name: 'add_task', parameters: { type: 'object' } } }] }))
      args += part.choices[0]?.delta.tool_calls?.[0]?.function?.arguments ?? '';
    assert.equal(JSON.parse(args).title, 'hello');
  });
  await t.test('refuses a wrong key with the class the client knows', async () => {
    const stranger = new OpenAI({ baseURL: server.base, apiKey: 'wrong', maxRetries: 0 });
    await assert.rejects(() => stranger.models.list(), OpenAI.AuthenticationError);
  });
  await t.test('refuses what the real server refuses', async () => {
    await assert.rejects(() => ask('echo', { stream_options: { include_usage: true } }), OpenAI.BadRequestError);
    await assert.rejects(() => ask('echo', { tools: [] }), OpenAI.BadRequestError);
  });
  await t.test('its error forms are errors for the client too', async () => {
    await assert.rejects(async () => {
      for await (const part of await ask('error-stream', { stream: true })) void part;
    });
    await assert.rejects(() => new OpenAI({ baseURL: server.base, apiKey: server.key, maxRetries: 0 }).chat.completions.create({ model: 'status-500', messages: [{ role: 'user', content: 'x' }] }), OpenAI.InternalServerError);
  });
});

test('the callback receiver accepts what the standard library signs, and nothing else', async (t) => {
  const receiver = await new Receiver(hookSecret).start();
  t.after(() => receiver.stop());
  const send = (secret) => {
    const body = '{"type":"test"}', at = new Date();
    return fetch(`${receiver.url}/ok`, { method: 'POST', body, headers: {
      'webhook-id': 'msg_1', 'webhook-timestamp': String(Math.floor(at / 1000)), 'webhook-signature': new Webhook(secret).sign('msg_1', at, body) } });
  };
  assert.equal((await send(hookSecret)).status, 200);
  assert.equal((await send('whsec_' + Buffer.from('another secret of 24 bytes').toString('base64'))).status, 401);
  assert.equal(receiver.accepted.get('msg_1'), 1);
});
