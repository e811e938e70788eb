// Spending never overruns a budget, whatever happens between a question and its price: a hundred at once, a kill -9, prices
// that nobody knows. The person is told in one line, the operator who and why.
import test from 'node:test';
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { ModelServer } from '../servers/model.mjs';
import { Daemon, sameDay, until, wait } from './harness.mjs';

const inputUsd = 1, outputUsd = 300, answerTokens = 64; // for a million tokens
const words = (n) => `[${n}] `.padEnd(230, 'word '); // echoed: some 60 tokens
let model, dir, prices;

test.before(async () => {
  model = await new ModelServer().start();
  dir = mkdtempSync(path.join(tmpdir(), 'usher-prices-'));
  prices = path.join(dir, 'prices.conf');
  writeFileSync(prices, `date = "2026-01-01"; source = "the tests"; prices = ( { provider = "priced"; model = "*"; input = ${inputUsd}.0; output = ${outputUsd}.0; }, { provider = "free"; model = "*"; input = 0.0; output = 0.0; } );\n`);
});
test.after(async () => {
  await model.stop();
  rmSync(dir, { recursive: true, force: true });
});

async function withBudget(t, budget, { name = 'echo', own = {}, ...settings } = {}) {
  await sameDay();
  model.requests.length = 0;
  const daemon = await new Daemon({
    models: [{ name: 'main', provider: 'openai', base_url: model.base, model: name, api_key: model.key, price_as: 'priced', max_output_tokens: answerTokens, ...own }],
    prices: { file: prices },
    budget,
    ...settings,
  }).start();
  t.after(() => daemon.finish());
  return daemon;
}

// As the stand-in counts tokens.
const tokens = (text) => Math.ceil(text.length / 4);
const cost = (body) => (tokens(JSON.stringify(body.messages)) * inputUsd + tokens(`echo: ${body.messages.findLast((m) => m.role === 'user').content}`) * outputUsd) / 1e6;
const billed = () => model.requests.reduce((sum, body) => sum + cost(body), 0);

// The most that one request can cost: every byte a token.
const most = () => Math.max(...model.requests.map((body) => ((Buffer.byteLength(JSON.stringify(body)) + 4096) * inputUsd + answerTokens * outputUsd) / 1e6));

const sum = async (daemon) => {
  const rows = await daemon.json('budget', 'spent');
  const row = rows.find((r) => r.scope === 'organization' && r.begins.length === 10);
  return { spent: Number(row?.spent_usd ?? 0), held: Number(row?.held_usd ?? 0) };
};

const idle = (daemon) => until('all messages to end', async () => {
  const { stored } = await daemon.json('status');
  return stored.messages_accepted + stored.messages_claimed === 0;
}, 60);

test('a hundred at once against one dollar, with a kill in between', async (t) => {
  const daemon = await withBudget(t, { per_day_usd: 1.0 }, { name: 'slow-60' });
  const keys = [];
  for (let i = 0; i < 10; i++) keys.push(await daemon.addUser(`user${i}`));
  const all = Array.from({ length: 100 }, (_, n) => daemon.chat(keys[n % 10], words(n)).catch(() => null)); // cut off by the kill
  await until('some to be with the model', () => model.requests.length >= 10);
  await daemon.kill();
  await Promise.all(all);
  await daemon.start();
  await idle(daemon);
  const rest = await Promise.all(Array.from({ length: 30 }, (_, n) => daemon.chat(keys[n % 10], words(100 + n))));
  await idle(daemon);
  do rest.push(await daemon.chat(keys[rest.length % 10], words(200 + rest.length))); // alone, so that nothing is held for others
  while (rest.at(-1).status === 200 && rest.length < 130);
  await idle(daemon);

  assert.ok(billed() <= 1 + most(), `the model counted ${billed()} USD`);
  const { spent, held } = await sum(daemon);
  assert.ok(spent <= 1, `spent ${spent}`);
  assert.equal(held, 0, 'nothing stays held');
  assert.ok(spent >= billed() - 1e-6, `what was asked is counted: ${spent} of ${billed()}`);
  assert.ok(spent > 1 - 2 * most(), `the budget can be used up: ${spent}`);
  const refused = rest.filter((answer) => answer.status === 429);
  assert.ok(refused.length > 0);
  assert.equal(refused[0].body.error.code, 'BUDGET_EXHAUSTED', refused[0].raw);
  const asked = model.requests.length;
  await wait(300);
  assert.equal(model.requests.length, asked, 'a refused turn does not ask again');
});

test('a refusal is one line for the person, and names who and why for the operator', async (t) => {
  const daemon = await withBudget(t, { per_user_day_usd: 0.05 });
  const ann = await daemon.addUser('ann'), bob = await daemon.addUser('bob');
  let answer, n = 0;
  do answer = await daemon.chat(ann, words(n++));
  while (answer.status === 200 && n < 10);
  assert.equal(answer.status, 429, answer.raw);
  assert.match((await daemon.cli('explain', String(n))).stdout, /model echo not asked: ann asked openai\/echo for at most/);
  assert.match(answer.body.error.message, /^Not enough is left of today's budget for your questions\. It begins anew at 00:00 UTC, in \d+ hours?\.$/);
  assert.equal((await daemon.chat(bob, words(99))).status, 200, 'everybody has an own budget');
  const { stored } = await daemon.json('status');
  assert.deepEqual(stored.budget_refusals.map((r) => [r.who, r.budget, r.times, r.why]), [['ann', 'profile ann', 1, 'used up']]);
  const [refusal] = await daemon.json('budget', 'refusals');
  assert.equal(refusal.who, 'ann');
  assert.ok(daemon.lines.some((line) => /budget: ann asked openai\/echo for at most 0\.\d{6} USD; budget of profile/.test(line)), 'the log says who and why');
});

test('budgets are set, listed and removed while it runs', async (t) => {
  const daemon = await withBudget(t, {});
  const ann = await daemon.addUser('ann');
  assert.match((await daemon.cli('budget', 'list')).stdout, /^No budgets/);
  assert.equal((await daemon.chat(ann, words(1))).status, 200);
  for (const [scope, ...rest] of [['organization', 'day', '0'], ['profile', 'ann', 'month', '0.000001'], ['installation', 'api/chat', 'day', '0.001'], ['model', 'openai/echo', 'day', '0']]) {
    const set = await daemon.cli('budget', 'set', scope, ...rest);
    assert.equal(set.status, 0, set.stderr);
    assert.equal((await daemon.chat(ann, words(2))).body.error?.code, 'BUDGET_EXHAUSTED', scope);
    const removed = await daemon.cli('budget', 'remove', scope, ...rest.slice(0, -1));
    assert.equal(removed.status, 0, removed.stderr);
    assert.equal((await daemon.chat(ann, words(3))).status, 200, scope);
  }
  await daemon.json('budget', 'set', 'profile', 'ann', 'day', '5');
  await daemon.json('budget', 'set', 'profile', 'ann', 'day', '7.25');
  const [row, ...others] = await daemon.json('budget', 'list');
  assert.deepEqual([row.scope, row.subject, row.period, row.limit_usd, others.length], ['profile', 'ann', 'day', '7.250000', 0]);
  assert.ok(Number(row.spent_usd) > 0, 'what was spent before the budget counts');
  for (const wrong of [['planet', 'x', 'day', '1'], ['organization', 'year', '1'], ['organization', 'day', 'much'], ['organization', 'day', '-1'], ['organization', 'day', '0.0000001'], ['profile', 'nobody', 'day', '1'], ['channel', 'webhook/crm', 'day', '1'], ['model', 'echo', 'day', '1']])
    assert.notEqual((await daemon.cli('budget', 'set', ...wrong)).status, 0, wrong.join(' '));
  assert.equal((await daemon.cli('budget', 'remove', 'organization', 'day')).status, 1, 'there is none');
});

test('a price that is not known is refused unless the model is named', async (t) => {
  const own = { price_as: 'nobody' };
  const daemon = await withBudget(t, { per_month_usd: 1000 }, { own });
  const ann = await daemon.addUser('ann');
  const answer = await daemon.chat(ann, 'a question without a price');
  assert.equal(answer.body.error?.code, 'BUDGET_EXHAUSTED', answer.raw);
  assert.match(answer.body.error.message, /costs is not known/);
  assert.equal(model.requests.length, 0);
  await daemon.stop();
  daemon.configure({ ...daemon.settings, budget: { per_month_usd: 1000, unpriced: ['main'] } });
  await daemon.start();
  assert.equal((await daemon.chat(ann, 'a question without a price')).status, 200);
  await daemon.stop();
  daemon.configure({ ...daemon.settings, budget: { unpriced: ['mian'] } });
  await assert.rejects(daemon.start(), /no model is called "mian"/);
});

test('what one model costs too much for, a cheaper one answers, and the record says why', async (t) => {
  const own = { base_url: model.base, api_key: model.key, provider: 'openai' };
  for (const price_as of ['priced', 'nobody']) {
    const daemon = await withBudget(t, { per_day_usd: 0.0001 }, { models: [{ ...own, name: 'main', model: 'dear', price_as }, { ...own, name: 'spare', model: 'echo', price_as: 'free' }],
      assistant: { model: 'main', fallback: ['spare'] } });
    const ann = await daemon.addUser('ann');
    const answer = await daemon.chat(ann, 'who is there');
    assert.equal(answer.body.response, 'echo: who is there', answer.raw);
    assert.deepEqual(model.requests.map((body) => body.model), ['echo']);
    const [row] = await daemon.json('usage', '--by', 'model');
    assert.deepEqual([row.model, row.requests], ['openai/echo', 1], 'what was not asked is no request');
    const told = JSON.stringify(await daemon.json('explain', answer.body.message_id));
    assert.match(told, price_as === 'priced' ? /model dear not asked: ann asked openai\/dear for at most/ : /model dear not asked: ann asked openai\/dear, whose price is not known/);
    await daemon.stop();
  }
});

test('an answer has a limit while a budget is in force', async (t) => {
  const own = { max_output_tokens: 0 };
  const daemon = await withBudget(t, { per_day_usd: 100 }, { own });
  const ann = await daemon.addUser('ann');
  assert.equal((await daemon.chat(ann, 'how much may you say?')).status, 200);
  const [body] = model.requests;
  assert.equal(body.max_tokens ?? body.max_completion_tokens, 4096);
});

test('usage for programs and for spreadsheets', async (t) => {
  const daemon = await withBudget(t, {});
  const ann = await daemon.addUser('ann');
  await daemon.chat(ann, words(1));
  for (const by of ['user', 'model', 'day', 'platform']) {
    const [row] = await daemon.json('usage', '--by', by);
    const csv = await daemon.cli('usage', '--by', by, '--csv');
    const [head, line, ...more] = csv.stdout.split('\r\n');
    assert.deepEqual(head.split(','), Object.keys(row));
    assert.equal(line.split(',')[1], String(row.requests), csv.stdout);
    assert.deepEqual(more, ['']);
  }
});

test('people may say so much in a minute', async (t) => {
  const daemon = await withBudget(t, {}, { users: { messages_per_minute: 3 } });
  const ann = await daemon.addUser('ann'), bob = await daemon.addUser('bob');
  const answers = [];
  for (let n = 0; n < 5; n++) answers.push(await daemon.chat(ann, words(n)));
  assert.deepEqual(answers.map((a) => a.status), [200, 200, 200, 429, 429]);
  assert.equal(answers[3].body.error.code, 'RATE_LIMITED');
  assert.match(answers[3].body.error.message, /more than 3 messages within a minute/);
  assert.equal(model.requests.length, 3);
  assert.equal((await daemon.chat(bob, words(9))).status, 200);
  await daemon.kill();
  await daemon.start();
  assert.equal((await daemon.chat(ann, words(5))).status, 429, 'a restart forgets nothing');
});
