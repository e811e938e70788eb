// Ways to answer that an installation or a conversation has of its own: model, prompt, temperature, limits and tools.
import test from 'node:test';
import assert from 'node:assert/strict';
import { ModelServer } from '../servers/model.mjs';
import { Daemon } from './harness.mjs';

let model;
test.before(async () => (model = await new ModelServer().start()));
test.after(() => model.stop());

const entry = (name, id) => ({ name, provider: 'openai', base_url: model.base, model: id, api_key: model.key });
const last = () => model.requests.at(-1);
const tools = (body) => (body.tools ?? []).map((tool) => tool.function.name).sort();

async function start(t) {
  model.requests.length = 0;
  const daemon = await new Daemon({ models: [entry('main', 'echo'), entry('other', 'slow-1')], assistant: { model: 'main', system_prompt: 'Be kind.', summary: false } }).start();
  t.after(() => daemon.finish());
  const run = async (...words) => {
    const done = await daemon.cli('model', ...words);
    assert.equal(done.status, 0, done.stderr);
    return done.stdout;
  };
  return { daemon, run, key: await daemon.addUser('ann') };
}

test('a conversation has its own way to be answered, others do not', async (t) => {
  const { daemon, run, key } = await start(t);
  const { body } = await daemon.chat(key, 'one');
  assert.equal(last().model, 'echo');
  const all = tools(last());
  assert.ok(all.length > 3, String(all));
  assert.match(await run('list'), /as the settings file says/);
  for (const [what, value] of [['model', 'other'], ['prompt', 'Be brief.'], ['temperature', '0.2'], ['max-output-tokens', '77'], ['history-messages', '2'], ['tools', 'add_*, list_tasks']])
    await run('set', 'brief', what, value);
  await run('use', 'brief', 'conversation', String(body.conversation_id));
  const again = (words) => daemon.chat(key, words, { conversation_id: body.conversation_id });
  for (const words of ['two', 'three']) assert.equal((await again(words)).status, 200);
  const sent = last();
  assert.deepEqual([sent.model, sent.temperature, sent.max_tokens ?? sent.max_completion_tokens], ['slow-1', 0.2, 77]);
  assert.match(sent.messages[0].content, /^Be brief\./);
  assert.deepEqual(sent.messages.filter((m) => m.role !== 'system').map((m) => m.content), ['two', 'echo: two', 'three'], 'two messages of history');
  assert.deepEqual(tools(sent), all.filter((name) => /^add_|^list_tasks$/.test(name)));
  await daemon.chat(key, 'elsewhere');
  assert.deepEqual([last().model, tools(last())], ['echo', all], 'another conversation is as before');
  const [row] = await daemon.json('model', 'list');
  assert.deepEqual([row.name, row.model, row.conversations, row.tools], ['brief', 'other', 1, ['add_*', 'list_tasks']]);
  const shown = (await daemon.json('conversation', 'list')).find((c) => c.conversation_id === body.conversation_id);
  assert.equal(shown.model_settings, 'brief');
  await run('set', 'brief', 'model');
  await again('four');
  assert.equal(last().model, 'echo', 'what is not set is as the settings file says');
  await run('remove', 'brief');
  await again('five');
  assert.match(last().messages[0].content, /^Be kind\./);
});

test('an installation has one, and its conversations may have another', async (t) => {
  const { daemon, run, key } = await start(t);
  await run('set', 'house', 'prompt', 'Be formal.');
  await run('set', 'own', 'prompt', 'Be merry.');
  const { body } = await daemon.chat(key, 'one');
  const where = (await daemon.json('installation', 'list'))[0];
  const name = `${where.platform}/${where.name}`;
  await run('use', 'house', 'installation', name);
  const again = (words) => daemon.chat(key, words, { conversation_id: body.conversation_id });
  await again('two');
  assert.match(last().messages[0].content, /^Be formal\./);
  assert.equal((await daemon.json('installation', 'show', name)).model_settings, 'house');
  await run('use', 'own', 'conversation', String(body.conversation_id));
  await again('three');
  assert.match(last().messages[0].content, /^Be merry\./);
  await run('use', 'default', 'conversation', String(body.conversation_id));
  await run('use', 'default', 'installation', name);
  await again('four');
  assert.match(last().messages[0].content, /^Be kind\./);
});

test('what makes no sense is refused', async (t) => {
  const { daemon, run } = await start(t);
  await run('set', 'x', 'temperature', '1');
  for (const wrong of [['set', 'x', 'model', 'nobody'], ['set', 'x', 'temperature', '3'], ['set', 'x', 'temperature', 'warm'], ['set', 'x', 'max-output-tokens', '0'], ['set', 'x', 'history-messages', '1.5'],
    ['set', 'x', 'tools', ','], ['set', 'x', 'colour', 'red'], ['use', 'x', 'conversation', '999'], ['use', 'x', 'installation', 'api/none'], ['use', 'nobody', 'installation', 'api/chat'], ['use', 'x', 'planet', 'earth'],
    ['show', 'nobody'], ['remove', 'nobody']]) {
    const { status, stderr } = await daemon.cli('model', ...wrong);
    assert.ok(status === 1 || status === 2, `${wrong.join(' ')}: ${status}`);
    assert.match(stderr, /\S/, wrong.join(' '));
  }
});
