// The stand-ins of Anthropic, Cohere, Ollama and OpenAI's responses are proved by the official clients before usher is tested against them.
import test from 'node:test';
import assert from 'node:assert/strict';
import Anthropic from '@anthropic-ai/sdk';
import { CohereClientV2, CohereError } from 'cohere-ai';
import { Ollama } from 'ollama';
import OpenAI from 'openai';
import { ModelStandIn } from '../servers/models/base.mjs';
import { anthropic } from '../servers/models/anthropic.mjs';
import { cohere } from '../servers/models/cohere.mjs';
import { ollama } from '../servers/models/ollama.mjs';
import { responses } from '../servers/models/responses.mjs';

const png = Buffer.from('89504e470d0a1a0a0000', 'hex').toString('base64');
const hello = { role: 'user', content: 'hello' };
const schema = { type: 'object', properties: { title: { type: 'string' } } };
const status = (code) => (error) => (error.status ?? error.statusCode ?? error.status_code) === code;

async function standIn(t, service) {
  const server = await new ModelStandIn(service).start();
  t.after(() => server.stop());
  return server;
}

async function collect(stream, take) {
  const list = [];
  for await (const part of stream) list.push(take(part));
  return list;
}

test('the official client of Anthropic', async (t) => {
  const server = await standIn(t, anthropic);
  const client = new Anthropic({ baseURL: server.base, apiKey: server.key, maxRetries: 2 });
  const once = new Anthropic({ baseURL: server.base, apiKey: server.key, maxRetries: 0 });
  const tools = [{ name: 'add_task', input_schema: schema }];
  const ask = (model, extra = {}, by = once) => by.messages.create({ model, max_tokens: 1000, messages: [hello], ...extra });
  const round = async (model, reply) => ask(model, { tools, messages: [hello, { role: 'assistant', content: reply.content },
    { role: 'user', content: reply.content.filter((b) => b.type === 'tool_use').map((b) => ({ type: 'tool_result', tool_use_id: b.id, content: `did ${b.input.title}` })) }] });

  await t.test('lists models', async () => assert.equal((await client.models.list()).data[0].id, 'echo'));
  await t.test('reads an answer in one piece', async () => {
    const reply = await ask('echo');
    assert.equal(reply.content[0].text, 'echo: hello');
    assert.equal(reply.stop_reason, 'end_turn');
    assert.ok(reply.usage.input_tokens > 0);
  });
  await t.test('puts a stream together', async () => {
    const reply = await once.messages.stream({ model: 'cached', max_tokens: 1000, messages: [hello] }).finalMessage();
    assert.equal(reply.content[0].text, 'echo: hello');
    assert.deepEqual([reply.usage.cache_read_input_tokens, reply.usage.cache_creation_input_tokens, reply.usage.output_tokens], [1000, 200, 10]);
  });
  await t.test('puts two calls together whose pieces are mixed, and gives their results', async () => {
    const reply = await once.messages.stream({ model: 'parallel-add_task', max_tokens: 1000, messages: [hello], tools }).finalMessage();
    assert.deepEqual(reply.content.map((b) => b.input), [{ title: 'first: hello' }, { title: 'second: hello' }]);
    assert.equal((await round('parallel-add_task', reply)).content[0].text, 'done: did first: hello | did second: hello');
  });
  await t.test('has the beginning of a prompt kept', async () => {
    const system = [{ type: 'text', text: `${'Be kind. '.repeat(400)}${Math.random()}`, cache_control: { type: 'ephemeral' } }];
    const first = (await ask('echo', { system, tools })).usage;
    const again = (await ask('echo', { system, tools, messages: [{ role: 'user', content: 'another' }] })).usage;
    assert.ok(first.cache_creation_input_tokens > 512 && first.cache_read_input_tokens === 0, JSON.stringify(first));
    assert.deepEqual([again.cache_read_input_tokens, again.cache_creation_input_tokens], [first.cache_creation_input_tokens, 0]);
    const mark = { type: 'text', text: 'x', cache_control: { type: 'ephemeral' } };
    await assert.rejects(() => ask('echo', { messages: [{ role: 'user', content: Array(5).fill(mark) }] }), Anthropic.BadRequestError);
    await assert.rejects(() => ask('echo', { system: [{ ...mark, cache_control: { type: 'for ever' } }] }), Anthropic.BadRequestError);
  });
  await t.test('sends thoughts back to the letter', async () => {
    const reply = await once.messages.stream({ model: 'think-add_task', max_tokens: 1000, messages: [hello], tools }).finalMessage();
    assert.deepEqual(reply.content.map((b) => b.type), ['thinking', 'tool_use']);
    assert.equal((await round('think-add_task', reply)).content[0].text, 'done: did hello');
    const changed = structuredClone(reply);
    changed.content[0].thinking += ' ';
    await assert.rejects(() => round('think-add_task', changed), Anthropic.BadRequestError);
    await assert.rejects(() => round('think-add_task', { content: reply.content.slice(1) }), Anthropic.BadRequestError);
  });
  await t.test('reads the ends: limit and refusal', async () => {
    assert.equal((await ask('long')).stop_reason, 'max_tokens');
    assert.equal((await ask('refusal')).stop_reason, 'refusal');
  });
  await t.test('shows a picture', async () =>
    assert.equal((await ask('sees', { messages: [{ role: 'user', content: [{ type: 'text', text: 'look' },
      { type: 'image', source: { type: 'base64', media_type: 'image/png', data: png } }] }] })).content[0].text, 'I see: png of 10 bytes'));
  await t.test('knows every error by its class', async () => {
    for (const [model, kind] of [['status-400', 'BadRequestError'], ['status-403', 'PermissionDeniedError'], ['status-404', 'NotFoundError'],
      ['status-429', 'RateLimitError'], ['status-500', 'InternalServerError'], ['status-529', 'InternalServerError'], ['overflow-0', 'BadRequestError']])
      await assert.rejects(() => ask(model), Anthropic[kind], model);
    await assert.rejects(() => new Anthropic({ baseURL: server.base, apiKey: 'wrong', maxRetries: 0 }).models.list(), Anthropic.AuthenticationError);
    await assert.rejects(() => ask('credit'), status(402));
    for (const model of ['overloaded', 'cut', 'cut-call-add_task'])
      await assert.rejects(() => once.messages.stream({ model, max_tokens: 1000, messages: [hello] }).finalMessage(), Anthropic.AnthropicError, model);
  });
  await t.test('asks again after 429', async () => assert.equal((await ask('limited-once', {}, client)).content[0].text, 'echo: hello'));
  await t.test('is refused what the service refuses', async () => {
    const use = (id) => ({ role: 'assistant', content: [{ type: 'tool_use', id, name: 'add_task', input: {} }] });
    const result = (id) => ({ role: 'user', content: [{ type: 'tool_result', tool_use_id: id, content: 'x' }] });
    const refused = {
      'no max_tokens': { max_tokens: undefined },
      'an unknown field': { max_completion_tokens: 5 },
      'a temperature (this version has none)': { temperature: 0.5 },
      'no messages': { messages: [] },
      'an empty text block': { messages: [{ role: 'user', content: [{ type: 'text', text: '' }] }] },
      'a blank text block': { messages: [{ role: 'user', content: [{ type: 'text', text: ' \n' }] }] },
      'an empty message': { messages: [hello, { role: 'assistant', content: [] }, hello] },
      'an assistant first': { messages: [{ role: 'assistant', content: 'x' }, hello] },
      'an assistant last': { messages: [hello, { role: 'assistant', content: 'x' }] },
      'a missing result': { messages: [hello, use('a'), hello], tools },
      'a result of nothing': { messages: [hello, use('a'), result('b')], tools },
      'calls without tools': { messages: [hello, use('a'), result('a')] },
      'text before the results': { messages: [hello, use('a'), { role: 'user', content: [{ type: 'text', text: 'x' }, ...result('a').content] }], tools },
      'arguments as text': { messages: [hello, { role: 'assistant', content: [{ type: 'tool_use', id: 'a', name: 'n', input: '{}' }] }, result('a')], tools },
      'a tool without schema': { tools: [{ name: 'n', input_schema: {} }] },
      'two tools of one name': { tools: [...tools, ...tools] },
      'a picture of another kind': { messages: [{ role: 'user', content: [{ type: 'image', source: { type: 'base64', media_type: 'image/gif', data: png } }] }] },
    };
    for (const [what, extra] of Object.entries(refused)) await assert.rejects(() => ask('echo', extra), Anthropic.BadRequestError, what);
    assert.equal((await ask('tools-add_task', { messages: [hello, use('a'), result('a')], tools, tool_choice: { type: 'none' } })).content[0].text, 'that is all');
  });
});

test('the official client of OpenAI, for responses', async (t) => {
  const server = await standIn(t, responses);
  const client = new OpenAI({ baseURL: server.base, apiKey: server.key, maxRetries: 2 });
  const once = new OpenAI({ baseURL: server.base, apiKey: server.key, maxRetries: 0 });
  const tools = [{ type: 'function', name: 'add_task', strict: false, parameters: schema }];
  const sealed = { include: ['reasoning.encrypted_content'] };
  const ask = (model, extra = {}, by = once) => by.responses.create({ model, input: [hello], store: false, ...extra });
  const streamed = (model, extra = {}) => once.responses.stream({ model, input: [hello], store: false, ...extra }).finalResponse();
  const round = (model, reply, items = reply.output) => ask(model, { tools, ...sealed, input: [hello, ...items, ...reply.output.filter((i) => i.type === 'function_call')
    .map((i) => ({ type: 'function_call_output', call_id: i.call_id, output: `did ${JSON.parse(i.arguments).title}` }))] });

  await t.test('lists models', async () => assert.equal((await client.models.list()).data[0].id, 'echo'));
  await t.test('reads an answer in one piece', async () => {
    const reply = await ask('echo', { input: 'hello', instructions: 'Be kind.' });
    assert.equal(reply.output_text, 'echo: hello');
    assert.equal(reply.status, 'completed');
  });
  await t.test('puts a stream together', async () => {
    const reply = await streamed('cached');
    assert.equal(reply.output_text, 'echo: hello');
    assert.deepEqual([reply.usage.input_tokens, reply.usage.input_tokens_details.cached_tokens, reply.usage.output_tokens], [1300, 1000, 10]);
  });
  await t.test('puts two calls together whose pieces are mixed, and gives their results', async () => {
    const reply = await streamed('parallel-add_task', { tools });
    assert.deepEqual(reply.output.map((i) => JSON.parse(i.arguments).title), ['first: hello', 'second: hello']);
    assert.equal((await round('parallel-add_task', reply, reply.output.map(({ parsed_arguments, ...item }) => item))).output_text, 'done: did first: hello | did second: hello');
  });
  await t.test('sends thoughts back, sealed as they came', async () => {
    const reply = await ask('think-add_task', { tools, ...sealed });
    assert.deepEqual(reply.output.map((i) => i.type), ['reasoning', 'function_call']);
    assert.equal(reply.usage.output_tokens_details.reasoning_tokens, 3);
    assert.equal((await round('think-add_task', reply)).output_text, 'done: did hello');
    await assert.rejects(() => round('think-add_task', reply, reply.output.slice(1)), OpenAI.BadRequestError);
    await assert.rejects(() => round('think-add_task', reply, [{ ...reply.output[0], encrypted_content: 'x' }, reply.output[1]]), OpenAI.BadRequestError);
  });
  await t.test('reads the ends: limit and refusal', async () => {
    const long = await streamed('long');
    assert.deepEqual([long.status, long.incomplete_details.reason], ['incomplete', 'max_output_tokens']);
    assert.equal((await streamed('refusal')).output[0].content[0].type, 'refusal');
  });
  await t.test('shows a picture', async () =>
    assert.equal((await ask('sees', { input: [{ role: 'user', content: [{ type: 'input_text', text: 'look' },
      { type: 'input_image', detail: 'auto', image_url: `data:image/png;base64,${png}` }] }] })).output_text, 'I see: png of 10 bytes'));
  await t.test('knows every error by its class', async () => {
    for (const [model, kind] of [['status-403', 'PermissionDeniedError'], ['status-404', 'NotFoundError'], ['status-500', 'InternalServerError'], ['overflow-0', 'BadRequestError']])
      await assert.rejects(() => ask(model), OpenAI[kind], model);
    for (const model of ['overloaded', 'cut', 'cut-call-add_task']) await assert.rejects(() => streamed(model, { tools }), model);
    await assert.rejects(() => once.chat.completions.create({ model: 'echo', messages: [hello] }), /use \/v1\/responses/);
  });
  await t.test('asks again after 429', async () => assert.equal((await ask('limited-once', {}, client)).output_text, 'echo: hello'));
  await t.test('is refused what the service refuses', async () => {
    const call = { type: 'function_call', call_id: 'a', name: 'add_task', arguments: '{}' }, result = { type: 'function_call_output', call_id: 'a', output: 'x' };
    const refused = {
      'an unknown field': { messages: [hello] },
      'no input': { input: [] },
      'a call without result': { input: [hello, call] },
      'a result of nothing': { input: [hello, result] },
      'arguments as an object': { input: [hello, { ...call, arguments: {} }, result] },
      'a tool in the other form': { tools: [{ type: 'function', function: { name: 'add_task' } }] },
      'a loose schema taken strictly': { tools: [{ type: 'function', name: 'add_task', parameters: schema }] },
      'the text of the model as input': { input: [{ role: 'assistant', content: [{ type: 'input_text', text: 'x' }] }, hello] },
    };
    for (const [what, extra] of Object.entries(refused)) await assert.rejects(() => ask('echo', extra), OpenAI.BadRequestError, what);
    await assert.rejects(() => ask('cool', { temperature: 0.5 }), OpenAI.BadRequestError);
    await assert.rejects(() => ask('plain', sealed), OpenAI.BadRequestError);
  });
});

test('the official client of Cohere', async (t) => {
  const server = await standIn(t, cohere);
  const client = new CohereClientV2({ environment: server.base, token: server.key, maxRetries: 2 });
  const tools = [{ type: 'function', function: { name: 'add_task', description: 'Adds.', parameters: schema } }];
  const once = { maxRetries: 0 };
  const ask = (model, extra = {}, options = once) => client.chat({ model, messages: [hello], ...extra }, options);
  const stream = async (model, extra = {}) => collect(await client.chatStream({ model, messages: [hello], ...extra }, once), (event) => event);

  await t.test('lists models', async () => assert.equal((await client.models.list()).models[0].name, 'echo'));
  await t.test('reads an answer in one piece, with counts that are reals', async () => {
    const reply = await ask('echo');
    assert.equal(reply.message.content[0].text, 'echo: hello');
    assert.equal(reply.finishReason, 'COMPLETE');
    assert.ok(reply.usage.tokens.inputTokens > reply.usage.billedUnits.inputTokens);
  });
  await t.test('reads a stream', async () => {
    const events = await stream('echo');
    assert.equal(events.filter((e) => e.type === 'content-delta').map((e) => e.delta.message.content.text).join(''), 'echo: hello');
    assert.equal(events.at(-1).type, 'message-end');
    assert.ok(events.at(-1).delta.usage.billedUnits.inputTokens > 0);
  });
  await t.test('reads two calls whose pieces are mixed, and gives their results', async () => {
    const events = await stream('parallel-add_task', { tools });
    const args = ['', ''], ids = [];
    for (const event of events) {
      if (event.type === 'tool-call-start') ids[event.index] = event.delta.message.toolCalls.id;
      if (event.type === 'tool-call-delta') args[event.index] += event.delta.message.toolCalls.function.arguments;
    }
    assert.deepEqual(args.map((text) => JSON.parse(text).title), ['first: hello', 'second: hello']);
    assert.equal(events.at(-1).delta.finishReason, 'TOOL_CALL');
    const reply = await ask('parallel-add_task', { tools });
    assert.deepEqual(reply.message.toolCalls.map((c) => JSON.parse(c.function.arguments).title), ['first: hello', 'second: hello']);
    const end = await ask('parallel-add_task', { tools, messages: [hello, { role: 'assistant', toolCalls: reply.message.toolCalls, toolPlan: reply.message.toolPlan },
      ...reply.message.toolCalls.map((c, i) => ({ role: 'tool', toolCallId: c.id, content: `did ${i}` }))] });
    assert.equal(end.message.content[0].text, 'done: did 0 | did 1');
  });
  await t.test('shows a picture', async () =>
    assert.equal((await ask('sees', { messages: [{ role: 'user', content: [{ type: 'text', text: 'look' },
      { type: 'image_url', imageUrl: { url: `data:image/png;base64,${png}` } }] }] })).message.content[0].text, 'I see: png of 10 bytes'));
  await t.test('reads the end at the limit', async () => assert.equal((await ask('long')).finishReason, 'MAX_TOKENS'));
  await t.test('knows errors by their status', async () => {
    for (const code of [400, 403, 404, 429, 498, 500, 503]) await assert.rejects(() => ask(`status-${code}`), status(code), String(code));
    await assert.rejects(() => ask('credit'), status(402));
    await assert.rejects(() => new CohereClientV2({ environment: server.base, token: 'wrong' }).models.list({}, once), status(401));
    assert.equal((await stream('overloaded')).at(-1).delta.finishReason, 'ERROR');
    await assert.rejects(() => stream('cut'));
  });
  await t.test('asks again after 429', async () => assert.equal((await ask('limited-once', {}, { maxRetries: 2 })).message.content[0].text, 'echo: hello'));
  await t.test('is refused what the service refuses', async () => {
    const call = { id: 'a', type: 'function', function: { name: 'add_task', arguments: '{}' } };
    const refused = {
      'no messages': { messages: [] },
      'an empty message': { messages: [{ role: 'user', content: '' }] },
      'no tool calls in their list': { messages: [hello, { role: 'assistant', toolCalls: [] }, hello], tools },
      'a missing result': { messages: [hello, { role: 'assistant', toolCalls: [call] }, hello], tools },
      'a result of nothing': { messages: [hello, { role: 'assistant', toolCalls: [call] }, { role: 'tool', toolCallId: 'b', content: 'x' }], tools },
      'an assistant last': { messages: [hello, { role: 'assistant', content: 'x' }] },
      'a choice without tools': { toolChoice: 'NONE' },
      'too warm': { temperature: 1.5 },
    };
    for (const [what, extra] of Object.entries(refused)) await assert.rejects(() => ask('echo', extra), CohereError, what);
    const raw = (body) => fetch(`${server.base}/v2/chat`, { method: 'POST', headers: { authorization: `Bearer ${server.key}` }, body: JSON.stringify({ model: 'echo', messages: [hello], ...body }) });
    assert.equal((await raw({ max_completion_tokens: 5 })).status, 422, 'an unknown field');
    assert.equal((await raw({ max_tokens: '5' })).status, 400, 'a number as text');
    assert.equal((await raw({ messages: [hello, { role: 'assistant', tool_calls: [{ ...call, function: { name: 'n', arguments: {} } }] }] })).status, 400, 'arguments as an object');
    assert.equal((await ask('tools-add_task', { tools, toolChoice: 'NONE' })).message.content[0].text, 'that is all');
  });
});

test('the official client of Ollama', async (t) => {
  const server = await standIn(t, ollama);
  const client = new Ollama({ host: server.base, headers: { authorization: `Bearer ${server.key}` } });
  const tools = [{ type: 'function', function: { name: 'add_task', description: 'Adds.', parameters: schema } }];
  const ask = (model, extra = {}) => client.chat({ model, messages: [hello], ...extra });
  const stream = async (model, extra = {}) => collect(await ask(model, { stream: true, ...extra }), (part) => part);

  await t.test('lists models', async () => assert.equal((await client.list()).models[0].name, 'echo'));
  await t.test('reads an answer in one piece', async () => {
    const reply = await ask('echo');
    assert.equal(reply.message.content, 'echo: hello');
    assert.deepEqual([reply.done, reply.done_reason], [true, 'stop']);
  });
  await t.test('reads a stream', async () => {
    const parts = await stream('echo');
    assert.equal(parts.map((part) => part.message.content).join(''), 'echo: hello');
    assert.ok(parts.at(-1).eval_count > 0);
  });
  await t.test('reads calls and gives their results', async () => {
    const calls = (await stream('parallel-add_task', { tools })).flatMap((part) => part.message.tool_calls ?? []);
    assert.deepEqual(calls.map((c) => c.function.arguments), [{ title: 'first: hello' }, { title: 'second: hello' }]);
    const end = await ask('parallel-add_task', { tools, messages: [hello, { role: 'assistant', content: '', tool_calls: calls },
      ...calls.map((c, i) => ({ role: 'tool', tool_name: c.function.name, content: `did ${i}` }))] });
    assert.equal(end.message.content, 'done: did 0 | did 1');
  });
  await t.test('reads thoughts', async () => assert.match((await stream('think-add_task', { tools })).map((part) => part.message.thinking ?? '').join(''), /Boxkämpfer/));
  await t.test('shows a picture', async () =>
    assert.equal((await ask('sees', { messages: [{ role: 'user', content: 'look', images: [png] }] })).message.content, 'I see: png of 10 bytes'));
  await t.test('knows errors by their status', async () => {
    for (const code of [400, 404, 429, 500, 502]) await assert.rejects(() => ask(`status-${code}`), status(code), String(code));
    await assert.rejects(() => ask('missing'), /model 'missing' not found/);
    await assert.rejects(() => stream('overloaded'), /overloaded/);
    await assert.rejects(() => stream('cut'));
    await assert.rejects(() => new Ollama({ host: server.base, headers: { authorization: 'Bearer wrong' } }).list(), status(401));
  });
  await t.test('is refused what the server refuses', async () => {
    const call = { function: { name: 'add_task', arguments: '{}' } };
    const refused = {
      'tools for a model without': ['toolless', { tools }],
      'arguments as text': ['echo', { messages: [hello, { role: 'assistant', content: '', tool_calls: [call] }] }],
      'content in parts': ['echo', { messages: [{ role: 'user', content: [{ type: 'text', text: 'x' }] }] }],
      'an unknown role': ['echo', { messages: [{ role: 'developer', content: 'x' }] }],
      'a window that is no number': ['echo', { options: { num_ctx: '8192' } }],
      'a wrong duration': ['echo', { keep_alive: 'for ever' }],
    };
    for (const [what, [model, extra]] of Object.entries(refused)) await assert.rejects(() => ask(model, extra), status(400), what);
    const raw = await fetch(`${server.base}/api/chat`, { method: 'POST', body: JSON.stringify({ model: 'echo', messages: [{ ...hello, images: [`data:image/png;base64,${png}`] }] }) });
    assert.equal(raw.status, 400, 'a picture with a prefix');
  });
});
