// Anthropic, Cohere, Ollama and OpenAI's responses through the daemon: the person gets the answer whole, tools run once and only when they were
// asked for to the end, and what it cost is on record. Each stand-in refuses what its service refuses.
import nodeTest from 'node:test';
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { ModelServer } from '../servers/model.mjs';
import { ModelStandIn } from '../servers/models/base.mjs';
import { anthropic } from '../servers/models/anthropic.mjs';
import { cohere } from '../servers/models/cohere.mjs';
import { ollama } from '../servers/models/ollama.mjs';
import { responses } from '../servers/models/responses.mjs';
import { Daemon, events } from './harness.mjs';
import { stage } from './telegram-kit.mjs';

// providers-N.test.mjs run a share each, beside each other: "?2/3" is the second of three.
const [mine, shares] = new URL(import.meta.url).search.slice(1).split('/').map(Number);
let count = 0;
const test = Object.assign((...words) => (count++ % shares === mine - 1 ? nodeTest(...words) : undefined), { before: nodeTest.before, after: nodeTest.after });

const services = { anthropic, cohere, ollama, responses };
const real = (name) => (name === 'responses' ? 'openai' : name); // one form of that provider
const servers = {};

test.before(async () => {
  for (const [name, service] of Object.entries(services)) servers[name] = await new ModelStandIn(service).start();
  servers.openai = await new ModelServer().start();
});
test.after(() => Promise.all(Object.values(servers).map((server) => server.stop())));

const model = (name, provider, id, more = {}) =>
  ({ name, provider: real(provider), ...(provider === 'responses' && { api: 'responses' }), base_url: servers[provider].base, model: id, api_key: servers[provider].key, ...(id === 'hang' && { first_byte_s: 1 }), ...more });

async function start(t, models, settings = {}) {
  for (const server of Object.values(servers)) {
    server.requests.length = 0;
    server.seen.clear();
    if (server.refused) server.refused.length = 0;
  }
  const daemon = await new Daemon({ models, ...settings, assistant: { attempts: 2, ...settings.assistant } }).start();
  t.after(() => daemon.finish());
  return { daemon, key: await daemon.addUser('ann') };
}

const sql = (daemon, text) => execFileSync('sqlite3', ['-cmd', '.timeout 20000', '-json', path.join(daemon.dir, 'usher.db'), text], { encoding: 'utf8' }).trim();
const rows = (daemon) => JSON.parse(sql(daemon, `SELECT provider, model_used, tokens_used, input_tokens, output_tokens, cached_tokens, cost_micros, cost_usd, success,
  error_message, output FROM ai_agent_interactions WHERE interaction_type = 'chat' ORDER BY created_at, rowid`) || '[]');
const tasks = (daemon) => JSON.parse(sql(daemon, 'SELECT title FROM tasks ORDER BY id') || '[]').map((row) => row.title);
const noRefusal = (provider) => assert.deepEqual(servers[provider].refused ?? [], [], `${provider} refused a request of ours`);

test('openai: two calls at once, their pieces mixed; a model that takes no temperature', async (t) => {
  const { daemon, key } = await start(t, [model('main', 'openai', 'parallel-add_task')]);
  assert.match((await daemon.chat(key, 'wash up')).body.response, /^done: .*first: wash up.* \| .*second: wash up/);
  assert.deepEqual(tasks(daemon).sort(), ['first: wash up', 'second: wash up']);
  const cool = await start(t, [model('main', 'openai', 'cool', { temperature: 0.7 })]);
  assert.equal((await cool.daemon.chat(cool.key, 'one')).body.response, 'echo: one');
  assert.deepEqual(rows(cool.daemon).map((row) => row.success), [0, 1], 'the refused request has its row');
});

for (const provider of Object.keys(services)) {
  test(`${provider}: a plain answer is streamed, and its record is whole`, async (t) => {
    const { daemon, key } = await start(t, [model('main', provider, 'echo', { temperature: 0.3, max_output_tokens: 500 })], { assistant: { system_prompt: 'Be kind.' } });
    const stream = await events(`${daemon.url}/api/me/chat`, { key, method: 'POST', body: { message: 'please say something that takes several pieces' } });
    const deltas = stream.list.filter((e) => e.event === 'delta');
    assert.ok(deltas.length > 1, 'it grows');
    assert.equal(deltas.map((e) => e.data.text).join(''), 'echo: please say something that takes several pieces');
    const second = await daemon.chat(key, 'and again', { conversation_id: stream.list.find((e) => e.data.conversation_id)?.data.conversation_id });
    assert.equal(second.body.response, 'echo: and again', second.raw);
    assert.match(JSON.stringify(servers[provider].requests[0]), /Be kind\./);
    const [row] = rows(daemon);
    assert.deepEqual([row.provider, row.model_used, row.success], [real(provider), 'echo', 1]);
    assert.ok(row.input_tokens > 0 && row.output_tokens > 0 && row.tokens_used === row.input_tokens + row.output_tokens, JSON.stringify(row));
    noRefusal(provider);
  });

  test(`${provider}: an answer that does not come as a stream`, async (t) => {
    const { daemon, key } = await start(t, [model('main', provider, 'tool-add_task', { stream: false })]);
    assert.match((await daemon.chat(key, 'buy milk')).body.response, /^done: .*"created"/);
    noRefusal(provider);
  });

  test(`${provider}: a tool is run and its result goes back`, async (t) => {
    const { daemon, key } = await start(t, [model('main', provider, 'tool-add_task')]);
    const answer = await daemon.chat(key, 'buy groceries');
    assert.match(answer.body.response, /^done: .*"created"/, answer.raw);
    assert.equal(answer.body.tool_calls[0].result.status, 'created');
    assert.deepEqual(tasks(daemon), ['buy groceries']);
    assert.equal(rows(daemon).length, 2, 'both requests are on record');
    noRefusal(provider);
  });

  test(`${provider}: two calls at once, their pieces mixed`, async (t) => {
    const { daemon, key } = await start(t, [model('main', provider, 'parallel-add_task')]);
    const answer = await daemon.chat(key, 'wash up');
    assert.match(answer.body.response, /^done: .*first: wash up.* \| .*second: wash up/, answer.raw);
    assert.deepEqual(tasks(daemon).sort(), ['first: wash up', 'second: wash up']);
    noRefusal(provider);
  });

  test(`${provider}: thoughts are not shown, and go back to the letter`, async (t) => {
    const { daemon, key } = await start(t, [model('main', provider, 'think-add_task')]);
    const answer = await daemon.chat(key, 'water the plants');
    assert.match(answer.body.response, /^done: .*"created"/, answer.raw);
    assert.ok(!answer.raw.includes('Boxk'), 'a thought is not part of the answer');
    noRefusal(provider);
  });

  test(`${provider}: no tool runs from a message that broke off`, async (t) => {
    const { daemon, key } = await start(t, [model('main', provider, 'cut-call-add_task')]);
    assert.equal((await daemon.chat(key, 'never do this')).status, 503);
    assert.deepEqual(tasks(daemon), []);
    assert.deepEqual(rows(daemon).map((row) => row.success), [0, 0]);
    noRefusal(provider);
  });

  test(`${provider}: a model that asks for tools without end answers at last`, async (t) => {
    const { daemon, key } = await start(t, [model('main', provider, 'tools-list_tasks')], { assistant: { tool_rounds: 3 } });
    assert.equal((await daemon.chat(key, 'look again and again')).body.response, 'that is all');
    noRefusal(provider);
  });

  for (const name of ['cut', 'status-500', 'status-503', 'error-in-200', 'overloaded', 'html', 'empty', 'garbage', 'hang'])
    test(`${provider} ${name}: a plain notice, and both attempts on record`, async (t) => {
      const { daemon, key } = await start(t, [model('main', provider, name)]);
      const answer = await daemon.chat(key, `hello ${name}`);
      assert.equal(answer.status, 503, answer.raw);
      assert.equal(answer.body.error.code, 'MODEL_UNAVAILABLE');
      assert.deepEqual(rows(daemon).map((row) => row.success), [0, 0]);
    });

  test(`${provider}: what breaks off, is limited or overloaded once is asked again`, async (t) => {
    for (const name of ['cut-once', 'limited-once', 'overloaded-once']) {
      const { daemon, key } = await start(t, [model('main', provider, name)]);
      assert.equal((await daemon.chat(key, `hello ${name}`)).body.response, `echo: hello ${name}`);
    }
  });

  test(`${provider}: characters split between two pieces, and an answer of one megabyte`, async (t) => {
    const { daemon, key } = await start(t, [model('main', provider, 'midchar')]);
    assert.equal((await daemon.chat(key, 'greet')).body.response, 'grüße ✓ 🎉');
    const other = await start(t, [model('main', provider, 'huge')]);
    assert.equal((await other.daemon.chat(other.key, 'tell me everything')).body.response.length, 1_000_000);
  });

  test(`${provider}: a conversation beyond the window loses its oldest turns`, async (t) => {
    const { daemon, key } = await start(t, [model('main', provider, 'overflow-4')]);
    let conversation_id;
    for (let i = 0; i < 4; i++) {
      const answer = await daemon.chat(key, `message ${i}`, conversation_id && { conversation_id });
      assert.equal(answer.body.response, `echo: message ${i}`, answer.raw);
      conversation_id = answer.body.conversation_id;
    }
  });

  test(`${provider}: a refused key and an empty purse are not asked again and again, and doctor tells`, async (t) => {
    const { daemon, key } = await start(t, [model('main', provider, 'echo', { api_key: 'a wrong key of the tests' })]);
    const answer = await daemon.chat(key, 'hello');
    assert.equal(answer.status, 503);
    assert.equal(rows(daemon).length, 1);
    const doctor = await daemon.cli('doctor');
    assert.equal(doctor.status, 1);
    assert.match(doctor.stdout, /fault +model/);
    const poor = await start(t, [model('main', provider, 'credit')]);
    assert.equal((await poor.daemon.chat(poor.key, 'hello')).status, 503);
    assert.deepEqual(rows(poor.daemon).map((row) => row.success), [0]);
    assert.match((await poor.daemon.cli('doctor')).stdout, /ok +model/);
  });

  test(`${provider}: killed in the middle of a tool round, the task is there once`, async (t) => {
    const { daemon, key } = await start(t, [model('main', provider, 'tool-add_task')], { assistant: { answer_seconds: 20 } });
    const asked = daemon.chat(key, 'only once please', {}, { 'idempotency-key': 'k-1' }).catch(() => null);
    const server = servers[provider];
    await new Promise((resolve) => { // the model has asked for the tool, or is about to
      const look = setInterval(() => { if (server.requests.length >= 1) { clearInterval(look); resolve(); } }, 1);
    });
    await daemon.kill();
    await asked;
    await daemon.start();
    const again = await daemon.chat(key, 'only once please', {}, { 'idempotency-key': 'k-1' });
    assert.match(again.body.response ?? '', /^done: /, again.raw);
    assert.deepEqual(tasks(daemon), ['only once please']);
    noRefusal(provider);
  });
}

test('anthropic: a model that takes no temperature is asked without, and answers', async (t) => {
  const { daemon, key } = await start(t, [model('main', 'anthropic', 'cool', { temperature: 0.7 })]);
  const words = ['one', 'two', 'three', 'four'];
  const answers = await Promise.all(words.map((text) => daemon.chat(key, text)));
  assert.deepEqual(answers.map((answer) => answer.body.response), words.map((text) => `echo: ${text}`), 'others were on their way when the first was refused');
  const refused = servers.anthropic.refused.length;
  assert.equal((await daemon.chat(key, 'five')).body.response, 'echo: five');
  assert.equal(servers.anthropic.refused.length, refused, 'and it is remembered');
  assert.equal(rows(daemon).length, refused + 5, 'each request has its row');
});

test('openai: a model that wants the other form gets it, thoughts and calls included, and that is remembered', async (t) => {
  const { daemon, key } = await start(t, [model('main', 'responses', 'think-add_task', { api: 'auto', temperature: 0.7 })]);
  assert.match((await daemon.chat(key, 'one')).body.response, /^done: .*"created"/);
  assert.match((await daemon.chat(key, 'two')).body.response, /^done: .*"created"/);
  assert.deepEqual(tasks(daemon), ['one', 'two']);
  const [demand, temperature, ...more] = servers.responses.refused;
  assert.match(demand, /use \/v1\/responses/);
  assert.match(temperature, /'temperature' is not supported/);
  assert.deepEqual(more, []);
  assert.deepEqual(rows(daemon).map((row) => row.success), [0, 0, 1, 1, 1, 1], 'what was refused is on record');
  const { include, store, input } = servers.responses.requests[1];
  assert.deepEqual([include, store], [['reasoning.encrypted_content'], false]);
  assert.deepEqual(input.map((item) => item.type).slice(-3), ['reasoning', 'function_call', 'function_call_output']);
});

test('openai: a model without sealed thoughts is asked without them', async (t) => {
  const { daemon, key } = await start(t, [model('main', 'responses', 'plain-1')]);
  for (const words of ['one', 'two']) assert.equal((await daemon.chat(key, words)).body.response, `echo: ${words}`);
  assert.equal(servers.responses.refused.length, 1);
});

test('ollama: a model that takes no tools is asked without, and answers', async (t) => {
  const { daemon, key } = await start(t, [model('main', 'ollama', 'toolless')]);
  assert.equal((await daemon.chat(key, 'one')).body.response, 'echo: one');
  assert.equal((await daemon.chat(key, 'two')).body.response, 'echo: two');
  assert.equal(servers.ollama.refused.length, 1, 'and it is remembered');
});

test('anthropic: what was read from the cache and written into it has its price', async (t) => {
  const { daemon, key } = await start(t, [model('main', 'anthropic', 'cached')]);
  await daemon.stop();
  const table = path.join(daemon.dir, 'prices.conf');
  writeFileSync(table, 'date = "2026-11-22"; prices = ( { provider = "anthropic"; model = "cached"; input = 10.0; cached = 1.0; written = 12.5; output = 50.0; } );\n');
  daemon.configure({ ...daemon.settings, prices: { file: table } });
  await daemon.start();
  assert.equal((await daemon.chat(key, 'count')).body.response, 'echo: count');
  const [row] = rows(daemon);
  assert.deepEqual([row.input_tokens, row.cached_tokens, row.output_tokens, row.tokens_used], [1300, 1000, 10, 1310]);
  assert.equal(row.cost_micros, 100 * 10 + 1000 * 1 + 200 * 12.5 + 10 * 50);
  assert.equal(Number(row.cost_usd), 0.005);
});

test('anthropic: what prompts begin with is kept by the service, and read for its price', async (t) => {
  const { daemon, key } = await start(t, [model('main', 'anthropic', 'tool-add_task')], { assistant: { system_prompt: `${'Be kind. '.repeat(300)}${Math.random()}` } });
  await daemon.stop();
  const table = path.join(daemon.dir, 'prices.conf');
  writeFileSync(table, 'date = "2026-11-22"; prices = ( { provider = "anthropic"; model = "*"; input = 10.0; cached = 1.0; written = 12.5; output = 0.0; } );\n');
  daemon.configure({ ...daemon.settings, prices: { file: table } });
  await daemon.start();
  const { body } = await daemon.chat(key, 'one');
  await daemon.chat(key, 'two', { conversation_id: body.conversation_id });
  const list = rows(daemon);
  assert.equal(list.length, 4);
  assert.equal(list[0].cached_tokens, 0);
  for (const row of list.slice(1)) assert.ok(row.cached_tokens > row.input_tokens / 2, JSON.stringify(row));
  assert.ok(list[0].cost_micros > list[0].input_tokens * 10 && list[1].cost_micros < list[1].input_tokens * 6, 'writing costs more, reading a tenth');
  assert.ok(!JSON.stringify(servers.anthropic.requests[0].messages).includes('cache_control'), 'a single question is not marked');
  noRefusal('anthropic');
  const off = await start(t, [model('main', 'anthropic', 'echo', { prompt_cache: false })], { assistant: { system_prompt: 'Be kind.' } });
  await off.daemon.chat(off.key, 'one');
  assert.ok(!JSON.stringify(servers.anthropic.requests).includes('cache_control'));
  const markless = await start(t, [model('main', 'anthropic', 'markless')], { assistant: { system_prompt: 'Be kind.' } });
  for (const words of ['one', 'two']) assert.equal((await markless.daemon.chat(markless.key, words)).body.response, `echo: ${words}`);
  assert.equal(servers.anthropic.refused.length, 1, 'who does not know it is asked without, and that is remembered');
});

test('cohere: what is billed is counted, not what the model saw', async (t) => {
  const { daemon, key } = await start(t, [model('main', 'cohere', 'echo', { max_output_tokens: 100 })]);
  await daemon.chat(key, 'count');
  const sent = servers.cohere.requests[0];
  assert.equal(rows(daemon)[0].input_tokens, Math.ceil(JSON.stringify(sent.messages).length / 4));
});

test('ollama: the window is asked for, so that nothing is forgotten without a word', async (t) => {
  const { daemon, key } = await start(t, [model('main', 'ollama', 'echo', { context_tokens: 9000, keep_alive: '-1' })]);
  await daemon.chat(key, 'count');
  assert.equal(servers.ollama.requests[0].options.num_ctx, 9000);
  assert.equal(servers.ollama.requests[0].keep_alive, -1);
  assert.equal(rows(daemon)[0].cost_micros, 0, 'free of charge');
});

// ---- pictures -------------------------------------------------------------------------------------------------------

// As far as their heads: sixteen pixels by sixteen.
const png = Buffer.concat([Buffer.from('89504e470d0a1a0a0000000d494844520000001000000010', 'hex'), Buffer.alloc(976, 7)]);
const jpeg = Buffer.concat([Buffer.from('ffd8ffe000104a46494600010100000100010000ffc0000b080010001001011100', 'hex'), Buffer.alloc(467, 7)]);

for (const provider of ['openai', ...Object.keys(services)])
  test(`${provider}: pictures that come with a message are shown to a model that sees, and to no other`, async (t) => {
    const stand = servers[provider];
    stand.requests.length = 0;
    if (stand.refused) stand.refused.length = 0;
    const s = await stage(t, stand, { rest: { models: [model('main', provider, 'sees', { vision: true }), model('blind', provider, 'sees')] } });
    const { people, ann } = s, chat = s.chat(ann);
    const said = people.document(ann, chat, { name: 'plan.txt', mime: 'text/plain', bytes: png }, { caption: 'what is this' });
    assert.equal((await s.answer(said)).words.split('\n')[0], 'I see: png of 1000 bytes', 'by its content, not its name');
    const note = people.document(ann, chat, { name: 'photo.png', mime: 'image/png', bytes: Buffer.from('only words') }, { caption: 'and this' });
    assert.match((await s.answer(note)).words, /^I see: nothing/);
    const album = people.album(ann, chat, Array.from({ length: 5 }, () => ({ bytes: jpeg })), { caption: 'all of these' });
    assert.match((await s.answer(album.at(-1))).words, /^I see: (jpeg of 500 bytes(, )?){4}\n/);
    assert.match((await s.answer(people.say(ann, chat, 'and now'))).words, /^I see: nothing/, 'only with the message they came with');
    await s.settled();
    await s.daemon.stop();
    s.daemon.configure({ ...s.daemon.settings, assistant: { model: 'blind' } });
    await s.up();
    const unseen = people.document(ann, chat, { name: 'cat.png', mime: 'image/png', bytes: png }, { caption: 'look at my cat' });
    assert.match((await s.answer(unseen)).words, /^I see: nothing/);
    assert.match(JSON.stringify(stand.requests.at(-1).messages ?? stand.requests.at(-1).input), /\(file: cat\.png, image\/png, 1\.0 kB: import/, 'it is told of the file');
    if (provider !== 'openai') noRefusal(provider);
  });

// ---- fall-back ------------------------------------------------------------------------------------------------------

for (const [name, why, attempts] of [['status-500', 'fails', 2], ['hang', 'is silent', 2], ['credit', 'has no credit', 1], ['overloaded', 'breaks off', 2]])
  test(`fall-back: when the first provider ${why}, the second answers in the same turn`, async (t) => {
    const { daemon, key } = await start(t, [model('main', 'anthropic', name), model('spare', 'cohere', 'echo')], { assistant: { model: 'main', fallback: ['spare'] } });
    const stream = await events(`${daemon.url}/api/me/chat`, { key, method: 'POST', body: { message: 'is anybody there' } });
    const kinds = stream.list.map((e) => e.event);
    const shown = stream.list.slice(kinds.lastIndexOf('reset') + 1).filter((e) => e.event === 'delta').map((e) => e.data.text).join('');
    assert.equal(shown, 'echo: is anybody there', 'nothing of the broken answer stays shown');
    assert.deepEqual(rows(daemon).map((row) => [row.provider, row.success]), [...Array(attempts).fill(['anthropic', 0]), ['cohere', 1]]);
    noRefusal('cohere');
  });

test('fall-back: a wrong key is tried once, then left in peace', async (t) => {
  const { daemon, key } = await start(t, [model('main', 'cohere', 'echo', { api_key: 'a wrong key of the tests' }), model('spare', 'ollama', 'echo')], { assistant: { model: 'main', fallback: ['spare'] } });
  for (const words of ['one', 'two', 'three']) assert.equal((await daemon.chat(key, words)).body.response, `echo: ${words}`);
  assert.deepEqual(rows(daemon).map((row) => row.provider), ['cohere', 'ollama', 'ollama', 'ollama']);
});

test('fall-back: what one provider\'s tools did is told to the next, and done once', async (t) => {
  for (const [first, second] of [['openai', 'anthropic'], ['anthropic', 'cohere'], ['cohere', 'ollama'], ['ollama', 'anthropic'], ['anthropic', 'openai']]) {
    const { daemon, key } = await start(t, [model('main', first, 'tool-add_task'), model('spare', second, 'tool-add_task')], { assistant: { model: 'main', fallback: ['spare'], attempts: 1 } });
    const server = servers[first], serve = server.server.listeners('request')[0];
    let asked = 0;
    server.server.removeAllListeners('request');
    server.server.on('request', (request, response) => {
      if (request.method === 'POST' && ++asked > 1) return response.writeHead(500).end();
      serve(request, response);
    });
    try {
      const answer = await daemon.chat(key, `from ${first} to ${second}`);
      assert.match(answer.body.response ?? '', /^done: .*"created"/, `${first} to ${second}: ${answer.raw}`);
      assert.deepEqual(tasks(daemon), [`from ${first} to ${second}`]);
    } finally {
      server.server.removeAllListeners('request');
      server.server.on('request', serve);
    }
    if (second !== 'openai') noRefusal(second);
  }
});

test('fall-back: nobody is left, and the person is told', async (t) => {
  const { daemon, key } = await start(t, [model('main', 'anthropic', 'status-503'), model('spare', 'cohere', 'status-503')], { assistant: { model: 'main', fallback: ['spare'] } });
  const answer = await daemon.chat(key, 'is anybody there');
  assert.deepEqual([answer.status, answer.body.error.code], [503, 'MODEL_UNAVAILABLE']);
  assert.equal(rows(daemon).length, 4);
});

// ---- seed 004 -------------------------------------------------------------------------------------------------------

async function seeded(t) {
  const started = await start(t, [model('main', 'cohere', 'seed')]);
  const user = (await started.daemon.json('user', 'list')).find((row) => row.username === 'ann');
  return { ...started, ask: (message, conversation_id) => started.daemon.request('POST', `/api/${user.account}/chat`, { key: started.key, body: { message, ...(conversation_id && { conversation_id }) } }) };
}

test('seed 004, word for word with Cohere: the task is added and the answer stored', async (t) => {
  const { daemon, key, ask } = await seeded(t);
  const answer = await ask('Add a task to buy groceries');
  assert.equal(answer.status, 200, answer.raw);
  assert.equal(answer.body.response, "I've added the task 'buy groceries' to your list.");
  assert.ok(Number.isInteger(answer.body.conversation_id));
  assert.deepEqual(answer.body.tool_calls.map((call) => [call.name, call.arguments]), [['add_task', { user_id: '123', title: 'buy groceries' }]]);
  const { task_id, ...rest } = answer.body.tool_calls[0].result;
  assert.ok(Number.isInteger(task_id));
  assert.deepEqual(rest, { status: 'created', title: 'buy groceries' });
  assert.deepEqual(tasks(daemon), ['buy groceries']);
  const next = await ask('Thank you', answer.body.conversation_id);
  assert.equal(next.body.conversation_id, answer.body.conversation_id);
  const sent = servers.cohere.requests.at(-1).messages.filter((m) => m.role !== 'system');
  const called = (m) => m.role === 'tool' || m.tool_calls;
  assert.deepEqual(sent.filter((m) => !called(m)), [
    { role: 'user', content: 'Add a task to buy groceries' },
    { role: 'assistant', content: "I've added the task 'buy groceries' to your list." },
    { role: 'user', content: 'Thank you' },
  ], 'history fetched from the database');
  const [call, result] = sent.filter(called); // what was done before is told, each call with its result
  assert.equal(call.tool_calls[0].function.name, 'add_task');
  assert.equal(result.tool_call_id, call.tool_calls[0].id);
  assert.deepEqual(JSON.parse(result.content), answer.body.tool_calls[0].result);
  noRefusal('cohere');
});

test('seed 004, word for word with Cohere: a tool that fails', async (t) => {
  const { daemon, key, ask } = await seeded(t);
  execFileSync('sqlite3', ['-cmd', '.timeout 20000', path.join(daemon.dir, 'usher.db'), "CREATE TRIGGER no_task BEFORE INSERT ON tasks BEGIN SELECT RAISE(ABORT, 'no more tasks'); END"]);
  const answer = await ask('Add a task to buy groceries');
  assert.equal(answer.status, 200, answer.raw);
  assert.equal(answer.body.response, 'I encountered an issue adding your task. Please try again.');
  assert.deepEqual(answer.body.tool_calls, [{ name: 'add_task', arguments: { user_id: '123', title: 'buy groceries' }, result: { error: 'Task creation failed' } }]);
  assert.deepEqual(tasks(daemon), []);
  noRefusal('cohere');
});

test('seed 004: without a valid key', async (t) => {
  const { daemon } = await seeded(t);
  const answer = await daemon.request('POST', '/api/123/chat', { key: 'usher_wrong', body: { message: 'Add a task to buy groceries' } });
  assert.deepEqual([answer.status, answer.body], [401, { error: { code: 'AUTH_FAILED', message: 'Invalid or expired authentication token' } }]);
});
