// usher in a workspace, over both transports: what is said to it is answered once, in its place; what is not, is not.
import test from 'node:test';
import assert from 'node:assert/strict';
import { ModelServer } from '../servers/model.mjs';
import { sql } from '../campaign/scenarios.mjs';
import { stage, taken } from './slack-kit.mjs';
import { until, wait } from './harness.mjs';

let model;
test.before(async () => { model = await new ModelServer().start(); });
test.after(() => model.stop());

for (const transport of ['socket', 'http']) {
  test(`${transport}: direct messages, mentions and threads`, async (t) => {
    const s = await stage(t, model, { transport });
    const { people, ann, bob, bot, channel, slack } = s;

    await t.test('a direct message is answered in its thread, with a sign of life', async () => {
      const said = people.tell(ann, bot, `what is the weather like, ${transport}?`);
      const answer = await s.answer(said);
      assert.match(answer.text, /^echo: .*what is the weather like/s);
      assert.equal(answer.threadTs, said.ts);
      const session = await until('the sign to be taken away', () => (slack.session(said.channel, said.ts)?.status === 'active' ? slack.session(said.channel, said.ts) : null));
      assert.deepEqual(session.seen.map((e) => e.status).slice(0, 1), ['processing']);
      const more = people.say(ann, said.channel, 'and what about tomorrow then?', { thread: said });
      await s.answer(more, 2);
      const asked = s.asked('tomorrow then')[0];
      assert.ok(asked.messages.some((m) => m.role === 'assistant' && m.content.includes('weather like')), 'the same conversation');
    });

    await t.test('a mention is answered once, whichever of its twins comes first', async () => {
      for (const twins of ['message', 'mention']) {
        Object.assign(slack.knobs, { twins, twinMs: 60 });
        const said = people.say(ann, channel, s.mention(`who are you, ${transport} ${twins}?`));
        const answer = await s.answer(said);
        assert.doesNotMatch(answer.text, /<@/, 'the mention is not part of the question');
        await s.settled();
        assert.equal(s.answers(channel, said.ts).length, 1);
        assert.equal(s.asked(`${transport} ${twins}?`).length, 1);
      }
      Object.assign(slack.knobs, { twins: 'random', twinMs: 0 });
    });

    await t.test('a thread it takes part in is answered without a mention; nothing else in the channel is', async () => {
      const root = people.say(ann, channel, s.mention('please help with the printer'));
      await s.answer(root);
      const beside = people.say(bob, channel, 'a remark to everybody');
      const other = people.say(bob, channel, 'a reply in a thread of others', { thread: beside });
      const more = people.say(bob, channel, 'the printer makes noises', { thread: root });
      await s.answer(more, 2);
      await s.settled();
      assert.equal(s.answers(channel, beside.ts).length, 0);
      assert.equal(s.answers(channel, root.ts).length, 2);
      assert.equal(s.asked('remark to everybody').length, 0);
      const joined = people.say(ann, channel, s.mention('what do you say to that?'), { thread: other });
      await s.answer(joined);
      const asked = s.asked('what do you say to that')[0];
      assert.match(JSON.stringify(asked.messages), /a remark to everybody/, 'it is told what was said before it was called');
    });

    await t.test('an edit or a preview of an answered message is no new question; one of a waiting message counts', async () => {
      const root = people.say(ann, channel, s.mention('tell me about trains'));
      await s.answer(root);
      people.edit(root, s.mention('tell me about aeroplanes'));
      people.unfurl(root);
      await s.settled();
      await wait(200);
      assert.equal(s.answers(channel, root.ts).length, 1);
      assert.equal(s.asked('aeroplanes').length, 0);
    });

    await t.test('its own messages and those of other bots are not answered', async () => {
      const other = slack.addApp({ name: 'Other', events: [] }).install({ team: s.team });
      channel.members.add(other.bot.id);
      const root = people.say(ann, channel, s.mention('we are not alone here'));
      await s.answer(root);
      for (const thread of [root, null])
        slack.world.post(channel, { app: other.app, user: other.bot, botId: other.botId, text: s.mention('hello, fellow bot'), threadTs: thread?.ts ?? null });
      await s.settled();
      await wait(200);
      assert.equal(s.asked('fellow bot').length, 0);
      assert.equal(s.answers(channel, root.ts).length, 1);
    });

    await t.test('what a model writes calls nobody', async () => {
      const said = people.tell(ann, bot, 'say &lt;!channel&gt; and &lt;@U12345678&gt; and **bold** &amp; <https://example.org/a?b=1&amp;c=2|a link>');
      const answer = await s.answer(said);
      assert.doesNotMatch(answer.text, /<!channel|<@U12345678/);
      assert.match(answer.text, /\*bold\*/);
    });
    await s.settled();
  });

  test(`${transport}: commands, shortcut, feedback`, async (t) => {
    const s = await stage(t, model, { transport });
    const { people, ann, bob, bot, channel, slack } = s;
    const command = async (text, answer, where = channel) => {
      const given = await taken(() => people.command(ann, bot, where, '/usher', text));
      await until(`the answer to /usher ${text}`, () => [...given.entry.posts, ...slack.ephemerals].some((m) => answer.test(m.text)));
    };
    await t.test('/usher', async () => {
      await command('help', /new conversation, without/);
      await command('usage', /oday/);
      await command('link', /\*[A-Z0-9]{8}\*/);
      await command('new', /is a new conversation/, slack.world.direct(ann, bot.bot));
      assert.ok(!channel.list.some((m) => m.app === s.app), 'nobody else saw any of it');
    });
    await t.test('"Ask usher about this" is answered in the thread of the message', async () => {
      const said = people.say(bob, channel, 'the figures of the third quarter');
      await taken(() => people.shortcut(ann, bot, said, s.app.shortcuts[0]));
      const answer = await s.answer(said);
      assert.match(answer.text, /figures of the third quarter/);
    });
    await t.test('thumbs are recorded, the last one counts', async () => {
      const said = people.tell(ann, bot, 'was this a good answer?');
      const answer = await s.answer(said);
      const buttons = answer.blocks.flatMap((b) => b.elements ?? []).find((e) => e.type === 'feedback_buttons');
      for (const button of ['positive_button', 'negative_button'])
        await taken(() => people.click(ann, answer, { type: 'feedback_buttons', action_id: buttons.action_id, block_id: 'b', value: buttons[button].value }));
      await s.settled();
      assert.equal(sql(s.daemon.dir, 'SELECT value FROM feedback'), 'down');
    });
    await s.settled();
  });
}

test('a growing answer is shown as a stream, and replaced by the final text', async (t) => {
  const s = await stage(t, model, { modelName: 'drip-150' });
  const { people, ann, bot, channel, slack } = s;
  const words = 'word after word after word, '.repeat(14);
  await Promise.all([channel, slack.world.direct(ann, bot.bot)].map(async (where) => {
    const said = people.say(ann, where, where === channel ? s.mention(words) : words);
    const growing = await until('the stream', () => where.replies(said.ts).find((m) => m.stream));
    assert.equal(growing.stream.state, 'in_progress');
    const answer = await s.answer(said, 1, 30);
    assert.equal(answer, growing, 'one message');
    assert.deepEqual([...new Set(answer.writes.map((w) => w.how))], ['stream', 'update']);
    assert.ok(answer.writes.filter((w) => w.how === 'stream').length > 1, 'it grew');
    assert.ok(answer.text.includes(words.trim()), answer.text);
    assert.ok(answer.blocks?.some((b) => b.type === 'context_actions'), 'feedback below');
  }));
  await s.settled();
});

test('where streams do not exist, a message is edited now and then', async (t) => {
  const s = await stage(t, model, { modelName: 'drip-200', app: { agent: false } });
  const { people, ann, channel } = s;
  const said = people.say(ann, channel, s.mention('word after word after word, '.repeat(14)));
  const answer = await s.answer(said, 1, 40);
  assert.equal(channel.replies(said.ts).length, 1);
  assert.ok(answer.writes.some((w) => w.how === 'update'));
  await s.settled();
});

test('the Stop button ends the turn and the stream', async (t) => {
  const s = await stage(t, model, { modelName: 'drip-300' });
  const { people, ann, channel, slack } = s;
  const said = people.say(ann, channel, s.mention('a very long story about very many things, '.repeat(30)));
  const growing = await until('the stream', () => channel.replies(said.ts).find((m) => m.stream));
  people.stop(ann, growing);
  await until('the model to be left alone', () => model.running === 0);
  await s.settled();
  const { length } = growing.writes;
  await wait(1500);
  assert.ok(growing.writes.length <= length + 1, 'nothing more is added');
  assert.ok(channel.replies(said.ts).length <= 2, 'and no other stream begun');
  await until('the sign to be taken away', () => slack.session(channel, said.ts)?.status !== 'processing');
  people.say(ann, channel, 'something shorter', { thread: said });
  await until('the next one to be answered', () => channel.replies(said.ts).some((m) => m.app && m.text.includes('something shorter')), 20);
});

test('a long answer comes in several messages, in order, with nothing lost', async (t) => {
  const s = await stage(t, model, { modelName: 'long-400' });
  const { people, ann, bot } = s;
  const said = people.tell(ann, bot, 'a list of everything, please');
  const parts = await until('the last part', () => {
    const list = s.answers(said.channel, said.ts);
    return list.at(-1)?.text.includes('the end') && list;
  }, 30);
  assert.ok(parts.length > 2, `${parts.length} parts`);
  const lines = parts.flatMap((m) => m.text.match(/line \d+ of/g) ?? []);
  assert.deepEqual(lines, Array.from({ length: 400 }, (_, n) => `line ${n + 1} of`));
  for (const part of parts) {
    assert.ok([...part.text].length <= 4000);
    assert.equal((part.text.match(/```/g) ?? []).length % 2, 0, 'no block of code is broken');
  }
  assert.deepEqual(parts.map((m) => !!m.blocks?.some((b) => b.type === 'context_actions')), parts.map((_, i) => i === parts.length - 1), 'feedback below the last one');
  await s.settled();
});

test('what waits is answered as it was changed, and not when it was taken back', async (t) => {
  const s = await stage(t, model, { modelName: 'held' }), release = model.hold();
  t.after(release);
  const { people, ann, channel, slack: { deliveries } } = s;
  const root = people.say(ann, channel, s.mention('the first question'));
  await until('the first turn', () => model.running > 0);
  const changed = people.say(ann, channel, 'a question with a tpyo in it', { thread: root });
  const gone = people.say(ann, channel, 'a question that is taken back', { thread: root });
  await until('both to be taken', () => [changed, gone].every((m) => m.deliveries.some((d) => d.state === 'acked')));
  const before = deliveries.list.length;
  people.edit(changed, 'a question without a typo');
  people.remove(gone);
  await until('both changes to be taken', () => deliveries.list.length >= before + 2 && deliveries.list.slice(before).every((d) => d.state === 'acked'));
  release();
  await s.answer(root, 2, 20);
  await s.settled();
  assert.equal(s.asked('tpyo').length, 0);
  assert.equal(s.asked('without a typo').length, 1);
  assert.equal(s.asked('taken back').length, 0);
});

test('the pane: suggested prompts; one conversation when the settings say so', async (t) => {
  const s = await stage(t, model, { own: { prompts: ['What is new?', 'What is old?'], direct: 'channel' } });
  const { people, ann, bot, slack } = s;
  people.openPane(ann, bot, 'home');
  people.openPane(ann, bot);
  const set = await until('the prompts', () => slack.prompts[0]);
  assert.deepEqual(set.prompts.map((p) => p.message), ['What is new?', 'What is old?']);
  const first = people.tell(ann, bot, 'my favourite colour is green');
  await until('the answer', () => s.answers(first.channel).length === 1);
  const second = people.tell(ann, bot, 'which one was my favourite?');
  await until('the second', () => s.answers(second.channel).length === 2);
  assert.match(JSON.stringify(s.asked('which one was')[0].messages), /colour is green/);
  assert.ok(s.answers(first.channel).every((m) => m.threadTs === null), 'beside the question');
  await s.settled();
  assert.equal(slack.prompts.length, 1, 'not for the home tab');
});

test('other bots are answered when the settings say so, five times in a row at most', async (t) => {
  const s = await stage(t, model, { own: { bots: true, feedback: false } });
  const { people, ann, channel, slack } = s;
  const parrot = slack.addApp({ name: 'Parrot', events: [] }).install({ team: s.team });
  channel.members.add(parrot.bot.id);
  const root = people.say(ann, channel, s.mention('meet the parrot'));
  await s.answer(root);
  for (let i = 0; i < 8; i++) {
    const squawk = slack.world.post(channel, { app: parrot.app, user: parrot.bot, botId: parrot.botId, text: s.mention(`squawk number ${i}`), threadTs: root.ts });
    await until('it to be taken', () => squawk.deliveries.length > 0 && squawk.deliveries.every((d) => d.state === 'acked'));
    await s.settled();
    if (i < 5) await s.answer(root, i + 2);
  }
  await wait(200);
  assert.equal(s.answers(channel, root.ts).length, 6);
  const word = people.say(ann, channel, s.mention('enough of that'), { thread: root });
  await s.answer(word, 7);
  await s.settled();
});

test('files: fetched with the token and told to the model, with what became of each', async (t) => {
  const s = await stage(t, model);
  const { people, ann, bot } = s;
  let foreign = null;
  const elsewhere = (await import('node:http')).createServer((request, response) => {
    foreign = request.headers;
    response.end('gotcha');
  });
  await new Promise((resolve) => elsewhere.listen(0, '127.0.0.2', resolve));
  t.after(() => elsewhere.close());
  const to = `http://127.0.0.2:${elsewhere.address().port}/steal`;
  const files = [
    { name: 'notes.txt', bytes: 'the notes of the meeting' },
    { name: 'late.txt', bytes: 'the late notes', behaviour: 'later-1' },
    { name: 'picture.png', bytes: 'not shown', mimetype: 'image/png', behaviour: 'html' },
    { name: 'stub.txt', bytes: 'behind a stub', behaviour: 'stub' },
    { name: 'gone.txt', bytes: 'gone', behaviour: 'tombstone' },
    { name: 'short.txt', bytes: 'less than was said', behaviour: 'short' },
    { name: 'away.txt', bytes: 'redirected', behaviour: 'redirect', to },
    { name: 'evil.txt', bytes: 'elsewhere', url: to },
    { name: 'huge.bin', bytes: 'tiny', size: 50 * 1024 ** 3, mimetype: 'application/octet-stream' },
  ].map((file) => people.upload(ann, file));
  const said = people.tell(ann, bot, 'please look at these', { files });
  await s.answer(said, 1, 60);
  await s.settled();
  assert.equal(foreign, null, 'nothing was asked elsewhere, least of all with a token');
  const asked = JSON.stringify(s.asked('please look at these')[0].messages.at(-1));
  for (const name of ['notes.txt', 'late.txt', 'picture.png', 'short.txt', 'away.txt', 'evil.txt', 'huge.bin']) assert.ok(asked.includes(name), `${name} in ${asked}`);
  const rows = sql(s.daemon.dir, `SELECT "inputFileName", iif("errorCode" = 'not_read', '', coalesce("errorMessage", '')) FROM "LLMAgentImport" ORDER BY id`).split('\n');
  t.diagnostic(rows.join(' ; '));
  const row = (name) => rows.find((r) => r.startsWith(`${name}|`)) ?? assert.fail(`${name} is not in ${rows}`);
  for (const name of ['notes.txt', 'late.txt']) assert.match(row(name), /\|$/, row(name));
  for (const name of ['picture.png', 'short.txt', 'away.txt', 'evil.txt', 'huge.bin']) assert.doesNotMatch(row(name), /\|$/, row(name));
});
