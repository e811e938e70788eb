// What a tool does only after a person's yes: nothing before it, exactly what was shown, only by the person who was asked, once, in time, whatever happens.
import test from 'node:test';
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { ModelServer } from '../servers/model.mjs';
import { sql } from '../campaign/scenarios.mjs';
import { Daemon, hookSecret, until } from './harness.mjs';
import { stage as slackStage } from './slack-kit.mjs';
import { stage as telegramStage } from './telegram-kit.mjs';
import { stage as discordStage } from './discord-kit.mjs';

const effects = path.join(path.dirname(fileURLToPath(import.meta.url)), '../servers/mcp/effects.mjs');

let model;
test.before(async () => { model = await new ModelServer().start(); });
test.after(() => model.stop());

// A server whose tools leave traces, and what they left.
function traces(t) {
  const dir = mkdtempSync(path.join(tmpdir(), 'usher-approval-')), file = path.join(dir, 'notes');
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  return {
    settings: { tools: { mcp: [{ name: 'do', command: [process.execPath, effects, file], trusted: true }] }, assistant: { attempts: 1 } },
    calls: () => (existsSync(file) ? readFileSync(file, 'utf8').split('\n').slice(0, -1).map((line) => JSON.parse(line)) : []),
  };
}
const ready = (daemon) => until('the server', async () => (await daemon.json('status')).mcp.every((one) => one.state === 'ready'), 30);
const codeOf = (text) => text.match(/approve ([A-Z0-9]{8})/)[1];

const stages = {
  async slack(t, rest) {
    const s = await slackStage(t, model, { modelName: 'call', rest });
    const buttons = (m) => (m.blocks ?? []).filter((b) => b.type === 'actions').flatMap((b) => b.elements);
    return { s, daemon: s.daemon, up: () => s.up(),
      ask: async (text) => s.answer(s.people.say(s.ann, s.channel, s.mention(text))),
      labels: (m) => buttons(m).map((b) => b.text.text),
      words: (m) => m.text,
      say: (m, text) => s.people.say(s.ann, s.channel, s.mention(text), { thread: m.threadTs }),
      press: (user, m, i) => s.people.click(s[user], m, { type: 'button', action_id: buttons(m)[i].action_id, value: buttons(m)[i].value, block_id: 'b' }),
      next: (m, count = 1) => until(`answer ${count} behind the buttons`, () => s.answers(s.channel, m.threadTs).filter((a) => a.ts > m.ts)[count - 1], 20).then((a) => a.text),
      seen: 0, // of the refusals: only who pressed sees them
      refused: (m, n) => until('the refusal', () => s.slack.ephemerals[n - 1]?.text),
      over: (killed) => s.settled({ seconds: killed ? 120 : 15 }) };
  },
  async telegram(t, rest) {
    const s = await telegramStage(t, model, { modelName: 'call', bot: { privacy: false }, rest: { users: { strangers: 'allow' }, ...rest } });
    const buttons = (m) => m.markup?.inline_keyboard.flat() ?? [];
    return { s, daemon: s.daemon, up: () => s.up(),
      // Each in a group of its own: in one, no more than twenty things are said in a minute.
      ask: async (text) => s.answer(s.people.mention(s.ann, s.telegram.world.addChat('Room', { type: 'supergroup', members: [s.ann, s.bob, s.bot] }), s.bot, text)),
      labels: (m) => buttons(m).map((b) => b.text),
      words: (m) => m.words,
      say: (m, text) => s.people.mention(s.ann, m.chat, s.bot, text),
      press: (user, m, i) => s.people.press(s[user], m, buttons(m)[i].callback_data),
      next: (m, count = 1) => s.answer(m, count, 20).then((a) => a.words),
      seen: 0, // of the refusals: only who pressed sees them
      refused: (m, n) => until('the refusal', () => [...s.bot.callbacks.values()].filter((one) => one.answer?.alert)[n - 1]?.answer.text, 20),
      over: (killed) => s.settled({ killed }) };
  },
  async discord(t, rest) {
    const s = await discordStage(t, model, { modelName: 'call', rest });
    const buttons = (m) => m.components.flatMap((row) => row.components);
    return { s, daemon: s.daemon, up: () => s.up(),
      ask: async (text) => s.answer(s.people.mention(s.ann, s.channel, s.app, text)),
      labels: (m) => buttons(m).map((b) => b.label),
      words: (m) => m.words,
      say: (m, text) => s.people.mention(s.ann, s.channel, s.app, text),
      press: (user, m, i) => s.people.press(s[user], m, buttons(m)[i].custom_id),
      next: (m, count = 1) => s.answer(m, count, 20).then((a) => a.words),
      seen: 0, // of the refusals: only who pressed sees them
      refused: (m, n) => until('the refusal', () => s.channel.live.filter((one) => one.ephemeral)[n - 1]?.content, 20),
      over: (killed) => s.settled({ killed }) };
  },
};

for (const [name, make] of Object.entries(stages)) {
  const stageOf = async (t, settings) => {
    const p = await make(t, settings);
    for (const state of ['approved', 'denied']) p[state] = new RegExp(`${state}\\W* by (ann|U\\d+), \\d{4}-`, 'i'); // a name that a platform does not tell in time is an id
    // The message says so, and nothing can be pressed any more.
    p.ends = (m, how) => until(`${how} in "${p.words(m)}"`, () => how.test(p.words(m)) && p.labels(m).length === 0, 20);
    return p;
  };

  test(`${name}: buttons ask, the yes of who was asked runs exactly what was shown`, async (t) => {
    const { settings, calls } = traces(t), p = await stageOf(t, settings);
    await ready(p.daemon);
    const asked = await p.ask('do__work {"to":"bob","say":"done it"}');
    assert.deepEqual(p.labels(asked), ['Approve', 'Deny']);
    assert.deepEqual(calls(), [], 'nothing before the yes');
    await p.press('bob', asked, 0);
    assert.match(await p.refused(asked, 1), /nothing with this code/i);
    await p.press('bob', asked, 1);
    assert.match(await p.refused(asked, 2), /nothing with this code/i);
    assert.deepEqual(calls(), [], "a stranger's press does nothing, not even deny");
    await p.press('ann', asked, 0);
    assert.match(await p.next(asked, p.seen + 1), /done: .*done it/s);
    assert.deepEqual(calls(), [{ tool: 'work', arguments: { to: 'bob', say: 'done it' } }]);
    await p.ends(asked, p.approved);
    assert.match(p.words(asked), /approve [A-Z0-9]{8}/, 'what was asked still stands there');
    p.say(asked, `approve ${codeOf(p.words(asked))}`);
    assert.match(await p.next(asked, p.seen + 2), /approved already/);
    assert.equal(calls().length, 1, 'once');

    const other = await p.ask('do__work {"n":2}');
    await p.press('ann', other, 1);
    assert.match(await p.next(other), /is not done/);
    await p.ends(other, p.denied);
    assert.equal(calls().length, 1);
    const reads = await p.ask('do__read {}');
    assert.match(reads.text ?? reads.words, /read done/, 'what changes nothing is not asked');
    assert.deepEqual(p.labels(reads), []);
    await p.over();
  });

  test(`${name}: one that nobody decides says that it is over, also when usher was killed meanwhile`, async (t) => {
    const { settings, calls } = traces(t), p = await stageOf(t, settings);
    await ready(p.daemon);
    const asked = await p.ask('do__work {"n":1}');
    await p.daemon.kill();
    sql(p.daemon.dir, "UPDATE approvals SET expires_at = strftime('%Y-%m-%dT%H:%M:%fZ', 'now'), tell_at = strftime('%Y-%m-%dT%H:%M:%fZ', 'now')");
    await p.up();
    await p.ends(asked, /Expired\W*, \d{4}-/);
    assert.deepEqual(calls(), []);
    await p.over(true);
  });

  test(`${name}: killed between the yes and the result, it does not run twice`, async (t) => {
    const { settings, calls } = traces(t), p = await stageOf(t, settings);
    await ready(p.daemon);
    const asked = await p.ask('do__slow {"n":1}');
    await p.press('ann', asked, 0);
    await until('the call to have begun', () => calls().length === 1);
    await p.daemon.kill();
    await p.up();
    assert.match(await p.next(asked), /unknown/i);
    assert.equal(calls().length, 1);
    await p.ends(asked, p.approved);
    await p.over(true);
  });
}

test('typed on a webhook, and over the chat endpoint', async (t) => {
  const { settings, calls } = traces(t);
  const daemon = await new Daemon({
    models: [{ name: 'main', provider: 'openai', base_url: model.base, model: 'call', api_key: model.key }],
    users: { strangers: 'allow' }, platforms: { webhook: [{ name: 'crm', secret: hookSecret }] }, ...settings,
  }).start();
  t.after(() => daemon.finish());
  await ready(daemon);
  const key = await daemon.addUser('eve'), boss = await daemon.addUser('boss', 'operator');
  const say = async (sender, text) => (await daemon.hook('crm', { sender, message: text, text, conversation: 'room' }, { query: '?wait=60' })).body;
  const first = await say('ann', 'do__work {"n":1}');
  const code = codeOf(first.reply.text);
  assert.deepEqual(first.reply.choices, [{ label: 'Approve', command: `approve ${code}` }, { label: 'Deny', command: `deny ${code}` }]);
  assert.match((await say('bob', `approve ${code}`)).reply.text, /nothing with this code/i);
  assert.match((await daemon.chat(key, `approve ${code}`)).body.response, /nothing with this code/i);
  assert.deepEqual(calls(), []);
  assert.match((await say('ann', `Approve ${code.toLowerCase()}`)).reply.text, /work done/);
  assert.deepEqual(calls(), [{ tool: 'work', arguments: { n: 1 } }]);

  const second = await say('ann', 'do__work {"n":2}');
  sql(daemon.dir, "UPDATE approvals SET expires_at = '2020-01-01T00:00:00.000Z' WHERE state = 'pending'");
  assert.match((await say('ann', `approve ${codeOf(second.reply.text)}`)).reply.text, /has expired/);
  const third = await daemon.chat(key, 'do__work {"n":3}');
  assert.equal(third.body.choices.length, 2);
  const polled = await daemon.request('GET', `/api/me/chat/${third.body.message_id}`, { key });
  if (polled.status === 200) assert.deepEqual(polled.body.choices, third.body.choices);
  assert.match((await daemon.chat(boss, `approve ${codeOf(third.body.response)}`)).body.response, /work done/, 'an operator may, too');
  assert.deepEqual(calls().map((one) => one.arguments.n), [1, 3]);
  const code3 = codeOf(third.body.response), story = (await daemon.cli('explain', third.body.message_id)).stdout;
  assert.match(story, new RegExp(`asks eve to approve do__work \\(${code3}\\), now: approved\n +arguments: \\{"n":3\\}`), story);
  assert.match(story, new RegExp(`^\\d{4}-[^ ]+ +do__work \\(${code3}\\) approved by boss$`, 'm'), story);
  const [{ id: late }] = JSON.parse(sql(daemon.dir, "SELECT json_group_array(json_object('id', w.id)) FROM inbox w JOIN approvals a ON a.turn_id = w.turn_id WHERE a.arguments LIKE '%2%'"));
  assert.match((await daemon.cli('explain', String(late))).stdout, /, now: expired/);
});
