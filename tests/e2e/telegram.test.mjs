// usher as a Telegram bot, over both transports: what is said to it is answered once, in its place; what is not, is not.
import test from 'node:test';
import assert from 'node:assert/strict';
import { ModelServer } from '../servers/model.mjs';
import { sql } from '../campaign/scenarios.mjs';
import { telegramEndurance } from '../campaign/telegram.mjs';
import { stage } from './telegram-kit.mjs';
import { until, wait } from './harness.mjs';

let model;
test.before(async () => { model = await new ModelServer().start(); });
test.after(() => model.stop());

for (const transport of ['poll', 'webhook']) {
  test(`${transport}: private chats, groups and topics`, async (t) => {
    const s = await stage(t, model, { transport, bot: { privacy: false } });
    const { people, ann, bob, bot, group, telegram } = s;

    await t.test('a private message is answered; the next one belongs to the same conversation', async () => {
      const said = people.tell(ann, bot, `what is the weather like, ${transport}?`);
      assert.match((await s.answer(said)).words, /^echo: .*what is the weather like/s);
      await s.answer(people.tell(ann, bot, 'and what about tomorrow then?'));
      assert.ok(s.asked('tomorrow then')[0].messages.some((m) => m.role === 'assistant' && m.content.includes('weather like')), 'the same conversation');
    });

    await t.test('in a group: mentioned, replied to and commanded, and nothing else', async () => {
      people.say(bob, group, 'a remark to everybody');
      const said = people.mention(ann, group, bot, `👋 who are you, ${transport}?`);
      const answer = await s.answer(said);
      assert.equal(answer.replyTo, said);
      assert.doesNotMatch(answer.words, /@usher_bot/, 'the mention is not part of the question');
      const replied = people.reply(bob, answer, 'and who am I?');
      assert.equal((await s.answer(replied)).replyTo, replied);
      const command = people.command(ann, group, bot, 'help');
      assert.match((await s.answer(command)).words, /usage/);
      people.command(ann, group, { username: 'other_bot' }, 'help');
      people.say(bob, group, 'thanks @other_bot');
      await s.settled();
      await wait(200);
      assert.equal(s.answers(group).length, 3);
      assert.equal(s.asked('remark to everybody').length, 0);
    });

    await t.test('topics are conversations of their own; the general one has no number', async () => {
      const forum = telegram.world.addChat('Forum', { type: 'supergroup', forum: true, members: [ann, bob, bot] });
      const plans = people.topic(ann, forum, 'Plans');
      const asked = people.mention(ann, forum, bot, 'what do we plan?', { topic: plans });
      assert.equal((await s.answer(asked)).topic, plans);
      const general = people.mention(ann, forum, bot, 'and in general?');
      const answer = await s.answer(general);
      assert.equal(answer.topic?.id ?? 1, 1);
      assert.ok(!JSON.stringify(s.asked('and in general?')[0].messages).includes('what do we plan'), 'apart');
      const among = people.say(bob, forum, 'nobody asks the bot here', { topic: plans }); // it carries the implicit reply
      await s.settled();
      await wait(200);
      assert.equal(s.answers(forum, plans).filter((m) => m.id > among.id).length, 0);
    });

    await t.test('an edit of an answered message is no new question', async () => {
      const said = people.tell(bob, bot, 'tell me about trains');
      await s.answer(said);
      people.edit(said, 'tell me about aeroplanes');
      people.touch(said);
      await s.settled();
      await wait(200);
      assert.equal(s.asked('aeroplanes').length, 0);
      assert.equal(s.answers(s.chat(bob)).length, 1);
    });

    await t.test('what a model writes is shown as it is meant, and nothing breaks it', async () => {
      const said = people.tell(ann, bot, 'say **bold** & <b>not a tag</b> &nbsp; `a < b` @channel [x](https://example.org/?a=1&b=2)');
      const answer = await s.answer(said);
      assert.match(answer.words, /bold & <b>not a tag<\/b>/);
      assert.ok(answer.entities.some((e) => e.type === 'bold') && answer.entities.some((e) => e.type === 'code'), JSON.stringify(answer.entities));
    });
    await s.settled();
  });

  test(`${transport}: files, albums and voice`, async (t) => {
    const s = await stage(t, model, { transport });
    const { people, ann, bot } = s, chat = s.chat(ann);
    const told = (words) => JSON.stringify(s.asked(words)[0].messages.at(-1));

    const said = people.document(ann, chat, { name: 'report.txt', mime: 'text/plain', bytes: 'the figures are 42' }, { caption: 'please read this one' });
    await s.answer(said);
    assert.match(told('read this one'), /report\.txt/);
    const album = people.album(ann, chat, [1, 2, 3].map((n) => ({ bytes: `picture ${n}` })), { caption: 'three pictures at once' });
    await s.answer(album[2]);
    await s.settled();
    assert.equal(s.asked('three pictures at once').length, 1, 'one turn for the album');
    const pictures = () => s.asked('(file: photo.jpg, ').flatMap((r) => JSON.stringify(r.messages.at(-1)).match(/\(file: photo\.jpg, /g));
    await until('all three to be told', () => pictures().length === 3); // one that comes late, by a second answer
    await s.answer(people.voice(ann, chat, { bytes: 'OggS hello' }));
    const large = people.document(ann, chat, { name: 'film.mp4', mime: 'video/mp4', bytes: 'x', size: 30 << 20 }, { caption: 'and this long film' });
    await s.answer(large);
    assert.match(told('this long film'), /film\.mp4/);
    assert.match(told('this long film'), /20 ?MB|too (big|large)/i, told('this long film'));
    await s.settled();
  });
}

test('commands, buttons and the list of commands', async (t) => {
  const s = await stage(t, model);
  const { people, ann, bot } = s, chat = s.chat(ann);
  assert.match((await s.answer(people.start(ann, bot))).words, /answer/i);
  assert.match((await s.answer(people.command(ann, chat, null, 'help'))).words, /usage/);
  assert.match((await s.answer(people.command(ann, chat, null, 'usage'))).words, /oday/);
  assert.match((await s.answer(people.command(ann, chat, null, 'link'))).words, /[A-Z0-9]{4,}/);
  assert.match((await s.answer(people.command(ann, chat, null, 'language', 'de'))).words, /de/);
  await s.answer(people.tell(ann, bot, 'remember the word elephant'));
  await s.answer(people.command(ann, chat, null, 'new'));
  await s.answer(people.tell(ann, bot, 'which word was it?'));
  assert.ok(!JSON.stringify(s.asked('which word was it')[0].messages).includes('elephant'), 'a new conversation');
  const list = () => [...bot.commands.values()][0]?.map((c) => c.command).sort();
  assert.deepEqual(list(), ['help', 'language', 'link', 'new', 'usage']);
  const forged = people.forge(ann, s.answers(chat)[0], 'approve/everything');
  await until('the spinner to end', () => forged.answer);
  await s.settled();
  const before = s.telegram.api.count('setMyCommands');
  await s.daemon.stop();
  await s.up();
  await s.answer(people.tell(ann, bot, 'are you back again?'));
  assert.equal(s.telegram.api.count('setMyCommands'), before, 'set only when they changed');
});

test('a growing answer is shown, and the final text stands once', async (t) => {
  const s = await stage(t, model, { modelName: 'drip-120', bot: { privacy: false } });
  const { people, ann, bot, group } = s, words = 'word after word after word, '.repeat(14);
  const there = people.mention(ann, group, bot, words);
  const growing = await until('the preview', () => group.list.find((m) => m.bot === bot), 20);
  const answer = await s.answer(there, 1, 40);
  assert.equal(answer, growing, 'one message');
  const said = people.tell(ann, bot, words);
  await s.answer(said, 1, 40);
  assert.equal(s.answers(s.chat(ann)).length, 1);
  await s.settled();
});

test('a long answer comes whole and in order, a very long one as a file', async (t) => {
  const s = await stage(t, model, { modelName: 'long-300' }), chat = s.chat(s.ann);
  const said = s.people.tell(s.ann, s.bot, 'tell me everything');
  const whole = () => s.answers(chat).filter((m) => m.id > said.id).map((m) => m.words).join('\n');
  await until('the last line', () => /\b300\b/.test(whole()), 60);
  await s.settled();
  const numbers = [...whole().matchAll(/\bline (\d+) of a long list/g)].map((m) => Number(m[1]));
  assert.deepEqual(numbers, Array.from({ length: numbers.length }, (_, n) => n + 1), 'in order, nothing lost or doubled');
  assert.equal(numbers.length, 300);

  const short = await stage(t, model, { modelName: 'long-300', own: { document_parts: 1 } });
  const asked = short.people.tell(short.ann, short.bot, 'tell me everything again');
  const file = await until('the file', () => short.chat(short.ann).list.find((m) => m.bot && m.media?.document), 30);
  assert.ok(file.id > asked.id);
  assert.match(file.media.document.file_name, /\.(md|txt)$/);
  await short.settled();
});

test('polling: a rival is named, and its end noticed', async (t) => {
  const s = await stage(t, model);
  await s.answer(s.people.tell(s.ann, s.bot, 'who is here?'));
  const stop = s.telegram.rival(s.bot);
  await until('a conflict', () => s.bot.conflicts > 2, 30);
  stop();
  await s.answer(s.people.tell(s.ann, s.bot, 'and now, alone again?'), 1, 40);
  await s.settled();
});

test('429: the wait is kept in that chat, and others go on', async (t) => {
  const s = await stage(t, model);
  const { people, ann, bob, bot, telegram } = s;
  telegram.fault({ method: /^(sendMessage|editMessageText)$/, kind: 'limited', seconds: 1, times: 3, when: (args) => args.chat_id === ann.id });
  const slow = people.tell(ann, bot, 'are you limited here?'), quick = people.tell(bob, bot, 'and are you here?');
  await s.answer(quick);
  await s.answer(slow, 1, 30);
  await s.settled();
});

test('answers of Telegram that are lost leave a stray placeholder at most', async (t) => {
  const s = await stage(t, model);
  const { people, ann, bot, telegram } = s;
  telegram.fault({ method: /^(sendMessage|editMessageText)$/, kind: 'lose', times: 3 });
  await s.answer(people.tell(ann, bot, 'do you lose anything?'), 1, 40);
  await s.settled({ strays: 3 });
  assert.equal(s.answers(s.chat(ann)).length, 1);
});

test('blocked, gone and migrated chats', async (t) => {
  const s = await stage(t, model, { modelName: 'held', bot: { privacy: false } });
  const { people, ann, bob, bot, telegram } = s;
  let release = model.hold();
  t.after(() => release());
  const said = people.tell(ann, bot, 'I shall block you now');
  await until('it to be taken', () => said.taken);
  people.block(ann, bot);
  release();
  await until('the dead letter', async () => /block/.test(JSON.stringify(await s.daemon.json('dead-letters', 'list'))), 20);
  people.unblock(ann, bot);
  await s.answer(people.start(ann, bot));

  const small = telegram.world.addChat('Small', { type: 'group', members: [ann, bob] });
  people.addBot(ann, small, bot);
  await s.answer(people.mention(ann, small, bot, 'remember the word giraffe'));
  release = model.hold();
  const asked = people.mention(ann, small, bot, 'and answer this after the move');
  await until('it to be taken', () => asked.taken);
  const large = people.migrate(ann, small);
  release();
  const late = await until('the answer in the new group', () => s.answers(large)[0], 30);
  assert.match(late.words, /after the move/);
  await s.answer(people.mention(ann, large, bot, 'which word was it, here?'));
  assert.ok(JSON.stringify(s.asked('which word was it, here')[0].messages).includes('giraffe'), 'the same conversation');
});

test('groups are noted when they add it, and when they take it out', async (t) => {
  const s = await stage(t, model);
  const { people, ann, bot, telegram } = s;
  const club = telegram.world.addChat('Club', { type: 'supergroup', members: [ann] });
  people.addBot(ann, club, bot);
  const row = () => s.daemon.json('installation', 'list').then((rows) => rows.find((r) => r.name === `bot/${club.id}`));
  const noted = await until('the row', row);
  assert.equal(noted.title, 'Club');
  people.removeBot(ann, club, bot);
  await until('its end', async () => { const gone = await row(); return !gone || gone.removed_at; });
});

test('a link with a code makes its opener the owner', async (t) => {
  const s = await stage(t, model, { rest: { users: { strangers: 'pair' } } });
  const { people, ann, bob, bot } = s;
  await s.answer(people.tell(bob, bot, 'may I come in?'));
  assert.equal(s.asked('may I come in').length, 0);
  const invitation = await until('the link', async () => { const made = await s.daemon.json('pair', 'invite'); return made.links.length && made; });
  assert.match(invitation.links[0].link, /^https:\/\/t\.me\/usher_bot\?start=/);
  await s.answer(people.open(ann, invitation.links[0].link));
  await s.answer(people.tell(ann, bot, 'who am I to you?'));
  assert.equal(s.asked('who am I to you').length, 1);
  await s.answer(people.open(bob, invitation.links[0].link));
  await s.answer(people.tell(bob, bot, 'does it work twice?'));
  assert.equal(s.asked('does it work twice').length, 0, 'good once');
});

test('doctor: all is well', async (t) => {
  const s = await stage(t, model);
  const findings = async () => (await s.daemon.json('doctor')).filter((f) => f.message.startsWith('telegram/bot'));
  await until('the link to be up', async () => (await findings()).every((f) => f.result !== 'fault'));
  assert.ok((await findings()).some((f) => f.message.includes('https://t.me/usher_bot')));
});

test('a token that is revoked is not used any more, and named', async (t) => {
  const s = await stage(t, model);
  s.bot.revoke();
  s.people.tell(s.ann, s.bot, 'hello?');
  await until('the link to say so', async () => /BotFather/.test(JSON.stringify(await s.daemon.json('status'))), 60);
});

test('kills: nothing is lost, nothing is answered twice, and each chat keeps its order', async () => {
  const wrong = [];
  const { kills, report } = await telegramEndurance({ chats: 6, lines: 6, kills: 3, seed: 11, note: (text) => wrong.push(text) });
  assert.deepEqual(wrong, []);
  assert.equal(kills, 3);
  assert.equal(report.answered, 72);
});
