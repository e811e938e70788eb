// usher as a Discord bot: what is said to it is answered once, in its place; what is not, is not.
import test from 'node:test';
import assert from 'node:assert/strict';
import { ModelServer } from '../servers/model.mjs';
import { sql } from '../campaign/scenarios.mjs';
import { stage } from './discord-kit.mjs';
import { until, wait } from './harness.mjs';

let model;
test.before(async () => { model = await new ModelServer().start(); });
test.after(() => model.stop());

test('direct messages, channels, threads and forum posts', async (t) => {
  const s = await stage(t, model), { people, ann, bob, app, channel, forum } = s;

  await t.test('a direct message is answered; the next one belongs to the same conversation', async () => {
    const said = people.tell(ann, app, 'what is the weather like?');
    assert.match((await s.answer(said)).words, /^echo: .*what is the weather like/s);
    await s.answer(people.tell(ann, app, 'and what about tomorrow then?'));
    assert.ok(s.asked('tomorrow then')[0].messages.some((m) => m.role === 'assistant' && m.content.includes('weather like')), 'the same conversation');
  });

  await t.test('in a channel: mentioned and replied to, and nothing else', async () => {
    people.say(bob, channel, 'a remark to everybody');
    people.say(bob, channel, '@everyone a remark to really everybody');
    const said = people.mention(ann, channel, app, '👋 who are you?');
    const answer = await s.answer(said);
    assert.equal(answer.reference?.message_id, said.id, 'it stands as a reply');
    assert.doesNotMatch(answer.words, new RegExp(`<@${app.user.id}>`), 'the mention is not part of the question');
    const replied = people.reply(bob, answer, 'and who am I?');
    assert.equal((await s.answer(replied)).reference?.message_id, replied.id);
    const quiet = people.reply(bob, answer, 'once more, without a ping', { ping: false });
    await s.answer(quiet);
    await s.settled();
    await wait(200);
    assert.equal(s.answers(channel).length, 3);
    assert.equal(s.asked('remark to').length, 0);
  });

  await t.test('in a thread it takes part in no mention is needed, in others it is', async () => {
    const thread = people.thread(ann, channel, 'plans');
    people.say(bob, thread, 'nobody asks the bot here');
    await s.answer(people.mention(ann, thread, app, 'what do we plan?'));
    await s.answer(people.say(bob, thread, 'and after that, without your name?'));
    assert.ok(JSON.stringify(s.asked('without your name')[0].messages).includes('what do we plan'), 'one conversation');
    assert.ok(!JSON.stringify(s.asked('without your name')[0].messages).includes('who are you'), 'apart from the channel');
    const post = people.post(ann, forum, 'a question', `<@${app.user.id}> how does this work?`);
    await s.answer(post.list[0]);
    await s.answer(people.say(ann, post, 'and that other thing?'));
  });
  await s.settled();
});

test('a thread of its own for each conversation, by setting', async (t) => {
  const s = await stage(t, model, { own: { threads: true } }), { people, ann, bob, app, channel } = s;
  const said = people.mention(ann, channel, app, 'where do we talk about this?');
  const answer = await s.answer(said);
  assert.equal(answer.channel, said.thread);
  assert.equal(said.thread.id, said.id, 'made from the message');
  await s.answer(people.say(bob, said.thread, 'here, without a mention?'));
  assert.equal(s.answers(channel).length, 0);
  await s.settled();
});

test('a growing answer is shown, and the final text stands once', async (t) => {
  const s = await stage(t, model, { modelName: 'drip-120' }), { people, ann, app, channel } = s, words = 'word after word after word, '.repeat(14);
  const there = people.mention(ann, channel, app, words);
  const growing = await until('the preview', () => channel.list.find((m) => m.app === app), 20);
  assert.equal(await s.answer(there, 1, 40), growing, 'one message');
  await s.answer(people.tell(ann, app, words), 1, 40);
  assert.equal(s.answers(s.dm()).length, 1);
  await s.settled();
});

test('a place that is closed to us in the middle of an answer: who asked hears of it', async (t) => {
  const s = await stage(t, model, { modelName: 'drip-20' }), { people, ann, app, channel } = s, release = model.hold();
  t.after(release);
  people.mention(ann, channel, app, 'word after word after word, '.repeat(14));
  await until('the preview', () => channel.list.find((m) => m.app === app), 20);
  people.forbid(channel, 'VIEW_CHANNEL');
  release();
  await until('a direct message', () => s.dm()?.list.some((m) => m.app === app && m.words.includes(`may not write in <#${channel.id}> any more`)), 40);
  const [letter] = await until('its way to be told', async () => { const list = await s.daemon.json('dead-letters', 'list'); return list.length > 0 && list; });
  assert.match(JSON.stringify(letter), /View Channel/);
  await s.settled({ strays: 1 });
});

test('a long answer comes whole and in order, with its fences closed and opened again', async (t) => {
  const s = await stage(t, model, { modelName: 'long-300', own: { document_parts: 0 } });
  const said = s.people.tell(s.ann, s.app, 'tell me everything');
  await s.answer(said, 3, 30);
  const numbersOf = () => [...s.answers(s.dm()).map((m) => m.content).join('\n').matchAll(/line (\d+)/gi)].map((m) => Number(m[1]));
  await until('all lines', () => numbersOf().length >= 300, 30);
  await s.settled();
  const texts = s.answers(s.dm()).map((m) => m.content);
  for (const text of texts) {
    assert.ok([...text].length <= 2000);
    assert.equal((text.match(/^```/gm) ?? []).length % 2, 0, text);
  }
});

test('what is edited, deleted or only touched', async (t) => {
  const s = await stage(t, model, { modelName: 'held' }), { people, ann, app } = s, release = model.hold();
  t.after(release);
  const first = people.tell(ann, app, 'a question that takes a while');
  await until('the first turn', () => s.asked('takes a while').length > 0);
  const waits = people.tell(ann, app, 'tell me about trains'), gone = people.tell(ann, app, 'tell me about a secret');
  people.edit(waits, 'tell me about ships');
  people.remove(gone);
  await until('both changes', () => sql(s.daemon.dir, "SELECT (SELECT count(*) FROM inbox WHERE kind = 'said' AND body LIKE '%about ships%') + (SELECT count(*) FROM inbox WHERE kind = 'said' AND reason = 'deleted')") === '2');
  release();
  await s.answer(first, 2, 30);
  await s.settled();
  assert.equal(s.asked('about trains').length, 0);
  assert.ok(s.asked('about ships').length >= 1, 'answered as it was changed');
  assert.equal(s.asked('about a secret').length, 0);
  people.edit(first, 'a question that was changed afterwards');
  people.touch(waits);
  people.pin(waits);
  await wait(300);
  await s.settled();
  assert.equal(s.asked('changed afterwards').length, 0, 'what was answered stays answered');
});

test('attachments are fetched without the token, and told to the model', async (t) => {
  const s = await stage(t, model), { people, ann, app } = s;
  await s.answer(people.tell(ann, app, 'please read this one', { files: [{ name: 'report.txt', bytes: 'the figures are 42' }] }));
  assert.match(JSON.stringify(s.asked('read this one')[0].messages.at(-1)), /report\.txt/);
  await s.answer(people.tell(ann, app, '', { files: [{ name: 'alone.txt', bytes: 'no words at all' }] }));
  await s.settled();
  assert.ok(s.discord.counts.downloads >= 2);
});

test('servers come and go, have outages, and are switched off', async (t) => {
  const s = await stage(t, model), { people, ann, app, daemon } = s, { world } = s.discord;
  const names = async () => (await daemon.json('installation', 'list')).filter((r) => r.name.startsWith('bot/'));
  const other = world.addGuild('Beta', { members: [ann] }), lounge = world.addChannel(other, 'lounge');
  await until('the first guild', async () => (await names()).some((r) => r.name === `bot/${s.guild.id}`));
  people.addApp(ann, other, app);
  await until('the second guild', async () => (await names()).some((r) => r.name === `bot/${other.id}`));
  await s.answer(people.mention(ann, lounge, app, 'hello from Beta'));

  people.outage(other);
  await wait(200);
  people.back(other);
  await s.answer(people.mention(ann, lounge, app, 'hello after the outage'));
  assert.ok((await names()).some((r) => r.name === `bot/${other.id}`), 'an outage is no removal');

  const off = await daemon.cli('installation', 'disable', `bot/${other.id}`);
  assert.equal(off.status, 0, off.stderr);
  people.mention(ann, lounge, app, 'is anybody there?');
  await s.answer(people.mention(ann, s.channel, app, 'and here it goes on?'));
  await wait(300);
  assert.equal(s.asked('is anybody there').length, 0);
  assert.equal((await daemon.cli('installation', 'enable', `bot/${other.id}`)).status, 0);
  await s.answer(people.mention(ann, lounge, app, 'and now once more?'));

  people.kick(app, other);
  await until('its removal', async () => !(await names()).some((r) => r.name === `bot/${other.id}` && r.state !== 'removed' && !r.removed_at));
  await s.settled();
});

// A session that is resumed tells nothing of guilds.
test('the role that came with it is known after a restart, too', async (t) => {
  const s = await stage(t, model), { people, ann, app, channel, guild } = s;
  await s.answer(people.say(ann, channel, `<@&${people.roleOf(app, guild).id}> who are you?`));
  await s.daemon.stop();
  await s.up();
  assert.equal(s.discord.counts.resumed, 1);
  await s.answer(people.say(ann, channel, `<@&${people.roleOf(app, guild).id}> and who are you now?`));
  assert.match(JSON.stringify(s.asked('who are you now')[0].messages.at(-1).content), /^"and who/, 'the mention is not part of the question');
  await s.settled();
});

test('the whole bot is switched off and on again', async (t) => {
  const s = await stage(t, model), { people, ann, app, daemon } = s;
  assert.equal((await daemon.cli('installation', 'disable', 'bot')).status, 0);
  await until('the end of the connection', () => s.live.length === 0);
  assert.equal((await daemon.cli('installation', 'enable', 'bot')).status, 0);
  await until('the connection', () => s.live.length > 0);
  await s.answer(people.tell(ann, app, 'are you back again?'));
  await s.settled();
});

test('other bots and webhooks are not answered, and by setting only so often', async (t) => {
  const s = await stage(t, model, { own: { bots: true } }), { people, app, channel } = s, other = s.discord.world.addUser('other', { bot: true });
  s.discord.world.join(s.guild, other);
  for (let i = 0; i < 8; i++) {
    people.mention(other, channel, app, `bot to bot ${i}`);
    await wait(150);
  }
  await until('an answer', () => s.answers(channel).length >= 1);
  await s.settled();
  assert.ok(s.answers(channel).length >= 1 && s.answers(channel).length <= 5, `${s.answers(channel).length} answers`);
});

test('webhook events say who added it', async (t) => {
  const s = await stage(t, model, { events: true }), { people, ann, app, daemon } = s, other = s.discord.world.addGuild('Delta', { members: [ann] });
  people.addApp(ann, other, app);
  await until('who added it', async () => JSON.stringify((await daemon.json('installation', 'list')).find((r) => r.name === `bot/${other.id}`) ?? {}).includes(ann.id));
  await s.settled();
});
