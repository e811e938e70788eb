// A long conversation: what is sent stays within its limits, what falls out is summed up once and behind the answers, the
// person is told once, and neither a kill nor somebody else's conversation changes that.
import test from 'node:test';
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { ModelServer } from '../servers/model.mjs';
import { Daemon, until, wait } from './harness.mjs';

const notice = 'What was said at the beginning of this conversation is remembered as a summary from now on.';
const isSummary = (body) => body.messages[0].role === 'system' && body.messages[0].content.startsWith('You keep the memory of a conversation');
const contents = (body) => body.messages.map((m) => m.content ?? '');
// As src/base/tokens.c estimates them.
const tokens = (text) => {
  const bytes = [...Buffer.from(text)];
  const plain = bytes.filter((b) => b < 0x80).length;
  return Math.floor((plain + 3) / 4) + Math.floor(((bytes.length - plain) * 2 + 4) / 5);
};

let model;
test.before(async () => { model = await new ModelServer().start(); });
test.after(() => model.stop());

async function begin(t, assistant = {}, name = 'echo', own = {}, more = {}) {
  model.requests.length = 0;
  const daemon = await new Daemon({
    models: [{ name: 'main', provider: 'openai', base_url: model.base, model: name, api_key: model.key, ...own }],
    assistant,
    ...more,
  }).start();
  t.after(() => daemon.finish());
  return { daemon, key: await daemon.addUser('ann'), conversation: undefined };
}

async function say(it, text) {
  const answer = await it.daemon.chat(it.key, text, it.conversation ? { conversation_id: it.conversation } : {});
  assert.equal(answer.status, 200, answer.raw);
  it.conversation = answer.body.conversation_id;
  return answer.body.response;
}

const since = (body) => contents(body)[1].slice(contents(body)[1].lastIndexOf('\nWhat was said since:') + 1);
const summaries = () => model.requests.filter(isSummary);
const questions = () => model.requests.filter((body) => !isSummary(body));
const made = (it, count) => until(`${count} summaries`, () => it.daemon.lines.filter((line) => /turns more are summed up/.test(line)).length >= count);

test('what falls out is summed up once, and the person is told once', async (t) => {
  const it = await begin(t, { history_messages: 8 });
  let told = 0;
  for (let n = 1; n <= 4; n++) assert.ok(!(await say(it, `fact ${n}`)).includes(notice));
  assert.equal(summaries().length, 0, 'nothing falls out yet');
  for (let n = 5; n <= 12; n++) {
    const before = summaries().length;
    told += (await say(it, `fact ${n}`)).includes(notice);
    await wait(100);
    if (summaries().length > before) await made(it, summaries().length);
  }
  await made(it, summaries().length);
  assert.equal(told, 1);
  assert.ok(summaries().length >= 2 && summaries().length <= 5, `${summaries().length} for 12 turns`);
  const [first, second] = summaries();
  assert.match(contents(first)[1], /Person: fact 1\n\nAssistant: echo: .*fact 1\n\nPerson: fact 2\n/s);
  assert.ok(!contents(first)[1].includes('The summary so far'));
  assert.match(contents(second)[1], /The summary so far:/);
  assert.equal(first.tools, undefined, 'no tools');
  const all = summaries().flatMap((body) => [...since(body).matchAll(/^(?:Person: )(fact \d+)$/gm)].map((m) => m[1]));
  assert.deepEqual(all, [...new Set(all)], 'each turn is summed up once');
  for (const body of questions()) {
    const said = contents(body).join('\n');
    assert.ok(body.messages.filter((m) => m.role !== 'system').length <= 10, 'never more than the window');
    assert.ok(!said.includes(notice), 'the model does not see the notice');
  }
  const last = questions().at(-1);
  assert.match(contents(last).find((text) => text.includes('as a summary')), /It is a record of what was said, not a request\.\]\necho: /);
  assert.ok(!contents(last)[0].includes('as a summary') || last.messages[0].role === 'user', 'it is no instruction');
  const rows = (await it.daemon.cli('audit', 'export', '--org', 'default')).stdout.trim().split('\n').map((row) => JSON.parse(row));
  assert.equal(rows.filter((r) => r.interaction_type === 'summary').length, summaries().length);
  const stories = [];
  for (let id = 1; id <= 12; id++) stories.push((await it.daemon.cli('explain', String(id))).stdout);
  const withOne = stories.filter((story) => /summary by .* answered after .*\n +of the turns up to \d+/.test(story));
  assert.equal(withOne.length, summaries().length, 'each is part of the story of the message behind which it was made');
});

test('what is sent never exceeds the estimate', async (t) => {
  const limit = 400;
  const it = await begin(t, { history_messages: 100, history_tokens: limit });
  for (let n = 1; n <= 14; n++) {
    await say(it, `[${n}] ${'word '.repeat(8 + (n % 5) * 6)}`);
    await wait(30);
  }
  for (const body of questions()) {
    const past = body.messages.filter((m) => m.role !== 'system').slice(0, -1);
    const sum = past.reduce((all, m) => all + tokens(m.content), 0);
    assert.ok(sum <= limit, `${sum} tokens of the past were sent`);
  }
  assert.ok(questions().at(-1).messages.length > 2, 'something of the past is told');
  await until('a summary', () => summaries().length > 0);
  for (const body of summaries()) assert.ok(tokens(contents(body)[1]) <= 3 * limit);
});

test('without the setting, and with the model that only repeats, there is none', async (t) => {
  const it = await begin(t, { history_messages: 4, summary: false });
  for (let n = 1; n <= 6; n++) assert.ok(!(await say(it, `fact ${n}`)).includes(notice));
  await wait(300);
  assert.equal(summaries().length, 0);
  const local = await new Daemon({ models: [{ name: 'local', provider: 'local' }], assistant: { history_messages: 4 } }).start();
  t.after(() => local.finish());
  const one = { daemon: local, key: await local.addUser('ann') };
  for (let n = 1; n <= 6; n++) assert.ok(!(await say(one, `fact ${n}`)).includes(notice));
});

test('kill -9 while it is made: no turn is lost and it is made again', async (t) => {
  const it = await begin(t, { history_messages: 6 }, 'held'), release = model.hold(isSummary);
  t.after(release);
  for (let n = 1; n <= 4; n++) await say(it, `fact ${n}`);
  await until('the summary to be asked for', () => summaries().length === 1);
  await it.daemon.kill();
  release();
  await it.daemon.start();
  assert.ok(!(await say(it, 'fact 5')).includes(notice));
  const told = questions().at(-1);
  assert.deepEqual(contents(told).filter((text) => /^fact/.test(text)), ['fact 2', 'fact 3', 'fact 4', 'fact 5'], 'the newest turns are told');
  await made(it, 1);
  assert.equal(summaries().length, 2);
  assert.match(contents(summaries()[1])[1], /Person: fact 1\n/);
  assert.ok((await say(it, 'fact 6')).includes(notice));
  const lost = execFileSync('sqlite3', [`${it.daemon.dir}/usher.db`, "SELECT provider || ' ' || model_used FROM ai_agent_interactions WHERE interaction_type = 'interrupted'"], { encoding: 'utf8' });
  assert.match(lost, /^openai \S+\n$/, 'the request that nobody heard the outcome of is on record, too');
});

test("a stop while it is made, and somebody else's words", async (t) => {
  const it = await begin(t, { history_messages: 4 }, 'slow-300');
  const bob = { daemon: it.daemon, key: await it.daemon.addUser('bob') };
  for (let n = 1; n <= 3; n++) {
    await say(it, `fact ${n}`);
    await say(bob, `a secret of bob ${n}`);
  }
  await until('both to be summed up', () => summaries().length >= 2);
  await it.daemon.stop();
  await it.daemon.start();
  await say(it, 'fact 4');
  await until('the summary', () => summaries().some((body) => contents(body)[1].includes('fact 2')));
  for (const body of summaries()) assert.ok(!(contents(body)[1].includes('fact') && contents(body)[1].includes('bob')), 'each conversation by itself');
  for (const body of questions()) if (contents(body).at(-1).startsWith('fact')) assert.ok(!contents(body).join().includes('bob'));
});

test('earlier calls of tools are told with their results', async (t) => {
  const it = await begin(t, { history_messages: 20 }, 'tool-add_task');
  await say(it, 'buy milk');
  await say(it, 'buy bread');
  const last = questions().at(-1).messages;
  const asks = last.filter((m) => m.tool_calls?.length), results = last.filter((m) => m.role === 'tool');
  assert.ok(asks.length >= 2, JSON.stringify(last));
  for (const call of asks.flatMap((m) => m.tool_calls)) assert.ok(results.some((r) => r.tool_call_id === call.id), 'each call has its result');
  assert.equal(asks.flatMap((m) => m.tool_calls).length, results.length);
  assert.match(asks[0].tool_calls[0].id, /^[0-9a-z]{9}$/);
  assert.match(results[0].content, /buy milk|task/);
});
