// The stand-in Telegram behaves as the real one: proved by clients from npm and by the test vectors of TDLib before usher is
// tested against it.
import test from 'node:test';
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { webcrypto } from 'node:crypto';
import http from 'node:http';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Bot, GrammyError, InlineKeyboard, InputFile, webhookCallback } from 'grammy';
import * as ntba from 'node-telegram-bot-api/node';
import { Telegram } from '../servers/telegram.mjs';
import { parseHtml } from '../servers/telegram/html.mjs';
import { fixText } from '../servers/telegram/text.mjs';
import { until } from './harness.mjs';
import { Careful } from './telegram-careful.mjs';
import { clean, longDay } from './telegram-kit.mjs';

globalThis.crypto ??= webcrypto; // Node 18 has it under another name only

const quick = { secondMs: 20 };

// A bot with somebody who may talk to it, and a group.
async function stage(t, { knobs = quick, limits = { on: false }, bot: options, ...rest } = {}) {
  const telegram = await new Telegram({ knobs, limits, ...rest }).start();
  t.after(() => telegram.stop());
  const bot = telegram.addBot('usher_bot', options), ann = telegram.world.addUser('ann'), bob = telegram.world.addUser('bob');
  const chat = bot.privateWith(ann), group = telegram.world.addChat('Acme', { type: 'supergroup', members: [ann, bob, bot] });
  return { telegram, bot, ann, bob, chat, group, people: telegram.people, call: caller(telegram, bot) };
}

// One call without any SDK: {status, headers, body}.
const caller = (telegram, bot) => async (method, args = {}, { token = bot.token, ...init } = {}) => {
  const answer = await fetch(`${telegram.base}/bot${token}/${method}`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(args), ...init });
  return { status: answer.status, headers: answer.headers, body: JSON.parse(await answer.text()) };
};

const refused = (code, words) => (error) => {
  const got = error.error_code ?? error.errorCode;
  assert.equal(got, code, error.stack);
  assert.match(error.description, words);
  return true;
};

// The two clients behind one face: {api(method, args), onUpdate, poll(), stop(), handler(secret), file(bytes, name)}.
const clients = {
  grammy: (telegram, bot) => {
    const made = new Bot(bot.token, { client: { apiRoot: telegram.base } });
    const face = {
      seen: [], api: (method, args) => made.api.raw[method](...(args ? [args] : [])), file: (bytes, name) => new InputFile(bytes, name), answer: null, failed: null,
      poll: (options) => void made.start({ timeout: 1, ...options }).catch((error) => (face.failed = error)),
      stop: async () => made.stop(),
      handler: (secretToken) => webhookCallback(made, 'http', { secretToken }),
    };
    made.use((ctx) => (face.seen.push(ctx.update), face.answer?.(ctx.update)));
    return face;
  },
  'node-telegram-bot-api': (telegram, bot, { retries = 0 } = {}) => {
    const made = new ntba.Bot(bot.token, { apiRoot: telegram.base, maxRetries: retries });
    const face = {
      seen: [], api: (method, args) => made.api[method](...(args ? [args] : [])), file: (bytes, name) => new ntba.InputFile(new Blob([bytes]), { filename: name }), answer: null, failed: null,
      poll: (options = {}) => void made.startPolling(undefined, { timeout: 1, allowedUpdates: options.allowed_updates }).catch((error) => (face.failed = error)),
      stop: async () => made.stop(),
      handler: (secretToken) => (request, response) => ntba.createWebhookServer(made, { path: '/hook', secretToken }).emit('request', request, response),
    };
    made.catch((error) => { throw error; });
    made.use((ctx) => (face.seen.push(ctx.update), face.answer?.(ctx.update)));
    return face;
  },
};

async function serve(t, telegram, handler) {
  const server = http.createServer(handler);
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => (server.closeAllConnections(), server.close()));
  telegram.webhooks.resolve.set('https://bot.test', `http://127.0.0.1:${server.address().port}`);
}

const ofKind = (face, kind) => face.seen.filter((u) => u[kind]).map((u) => u[kind]);

test('HTML and entities are read as the tests of TDLib say', () => {
  const { html, fix } = JSON.parse(readFileSync(new URL('../fixtures/telegram/entities.json', import.meta.url), 'utf8'));
  const plain = (list) => list.map(({ date_time_format, ...e }) => e).sort((a, b) => a.offset - b.offset || b.length - a.length || (a.type < b.type ? -1 : 1));
  for (const c of html) {
    if (c.error) {
      assert.throws(() => parseHtml(c.html), (error) => error.description === `Bad Request: can't parse entities: ${c.error}`, c.html);
    } else {
      const { text, entities } = parseHtml(c.html);
      assert.equal(text, c.text);
      assert.deepEqual(plain(entities), plain(c.entities), c.html);
    }
  }
  for (const c of fix) {
    const got = () => fixText(c.text, c.entities, { trimmed: c.trim }) ?? { text: '', entities: [] };
    if (c.error) assert.equal(got().text, '', JSON.stringify(c));
    else assert.deepEqual(got(), { text: c.made, entities: c.fixed }, JSON.stringify(c));
  }
  assert.ok(html.length > 80 && fix.length > 40);
});

for (const [name, client] of Object.entries(clients)) {
  for (const transport of ['polling', 'webhook']) {
    test(`${name}, ${transport}: messages, edits, commands, buttons, albums, being added and blocked`, async (t) => {
      const s = await stage(t, { bot: { privacy: false } });
      const { telegram, bot, ann, group, people, chat } = s, face = client(telegram, bot);
      face.answer = async ({ message, callback_query: query }) => {
        if (query) return face.api('answerCallbackQuery', { callback_query_id: query.id, text: `you chose ${query.data}` });
        if (message?.text?.startsWith('ask')) await face.api('sendMessage', { chat_id: message.chat.id, text: `yes, <b>${message.from.first_name}</b>`, parse_mode: 'HTML', reply_parameters: { message_id: message.message_id } });
        if (message?.text === 'choose') await face.api('sendMessage', { chat_id: message.chat.id, text: 'which?', reply_markup: new InlineKeyboard().text('This', 'a').text('That', 'b') });
      };
      if (transport === 'polling') {
        face.poll();
        t.after(() => face.stop().catch(() => {})); // when it failed before
        await until('the first poll', () => telegram.updates.running(bot));
      } else {
        await serve(t, telegram, face.handler('s3cret'));
        assert.equal(await face.api('setWebhook', { url: 'https://bot.test/hook', secret_token: 's3cret' }), true);
      }

      people.start(ann, bot, 'pair-me');
      const asked = people.tell(ann, bot, 'ask something 👋 @usher_bot');
      const answer = await until('the answer', () => chat.list.find((m) => m.bot));
      assert.equal(answer.text, 'yes, Ann');
      assert.deepEqual(answer.entities, [{ type: 'bold', offset: 5, length: 3 }]);
      assert.equal(answer.replyTo, asked);
      const [start, question] = ofKind(face, 'message');
      assert.equal(start.text, '/start pair-me');
      assert.deepEqual(start.entities, [{ type: 'bot_command', offset: 0, length: 6 }]);
      assert.deepEqual(question.entities, [{ type: 'mention', offset: 17, length: 10 }], 'counted in UTF-16 units');
      assert.equal(question.chat.id, ann.id);
      assert.ok(question.chat.id > 2 ** 32, 'ids do not fit into 32 bits');

      people.edit(asked, 'never mind');
      await until('the edit', () => ofKind(face, 'edited_message').some((m) => m.text === 'never mind' && m.edit_date));
      people.tell(ann, bot, 'choose');
      const choice = await until('the buttons', () => chat.list.find((m) => m.text === 'which?'));
      const query = people.press(ann, choice, 'b');
      assert.deepEqual(await query.waiting, { text: 'you chose b', alert: false });
      people.album(ann, group, [{ bytes: 'one' }, { bytes: 'two' }], { caption: 'both' });
      const album = await until('the album', () => (ofKind(face, 'message').filter((m) => m.media_group_id).length === 2 ? ofKind(face, 'message').filter((m) => m.media_group_id) : null));
      assert.equal(album[0].media_group_id, album[1].media_group_id);
      assert.deepEqual(album.map((m) => m.caption), ['both', undefined]);
      people.command(ann, group, bot, 'new');
      people.voice(ann, group, { bytes: 'ogg' });
      people.removeBot(ann, group, bot);
      people.block(ann, bot);
      await until('being gone', () => ofKind(face, 'my_chat_member').length === 2);
      assert.deepEqual(ofKind(face, 'my_chat_member').map((m) => [m.chat.type, m.old_chat_member.status, m.new_chat_member.status]).sort(), [['private', 'member', 'kicked'], ['supergroup', 'member', 'kicked']]);
      await until('the rest', () => ofKind(face, 'message').some((m) => m.voice) && telegram.idle);
      assert.ok(ofKind(face, 'message').some((m) => m.text === '/new@usher_bot'));
      await assert.rejects(face.api('sendMessage', { chat_id: ann.id, text: 'hello?' }), refused(403, /bot was blocked by the user/));
      await assert.rejects(face.api('sendMessage', { chat_id: group.id, text: 'hello?' }), refused(403, /bot was kicked from the supergroup chat/));
      assert.deepEqual([...telegram.oddities], []);
      await face.stop();
      assert.equal(face.failed, null);
    });
  }

  test(`${name}: files, commands, drafts, actions, reactions, edits, deletions`, async (t) => {
    const { telegram, bot, ann, group, people, chat } = await stage(t), { api, file } = client(telegram, bot);
    const me = await api('getMe');
    assert.deepEqual([me.id, me.username, me.is_bot, me.can_read_all_group_messages], [bot.id, 'usher_bot', true, false]);

    const said = people.document(ann, chat, { bytes: Buffer.alloc(70_000, 'x'), name: 'rapport é.txt', mime: 'text/plain' }, { caption: 'read this' });
    const { file_path: path, file_size: size } = await api('getFile', { file_id: said.media.document.file_id });
    const got = await fetch(`${telegram.base}/file/bot${bot.token}/${path}`);
    assert.equal((await got.arrayBuffer()).byteLength, 70_000);
    assert.equal(size, 70_000);
    const big = people.document(ann, chat, { bytes: 'x', name: 'film.mp4', size: 21 << 20 });
    await assert.rejects(api('getFile', { file_id: big.media.document.file_id }), refused(400, /file is too big/));
    await assert.rejects(api('getFile', { file_id: 'nonsense' }), refused(400, /invalid file_id/));
    const sent = await api('sendDocument', { chat_id: ann.id, document: file(Buffer.alloc(100_000, 'y'), 'answer.md'), caption: '<i>long</i>', parse_mode: 'HTML', reply_markup: { inline_keyboard: [[{ text: 'x', callback_data: 'y' }]] } });
    assert.deepEqual([sent.document.file_name, sent.document.file_size, sent.caption, sent.caption_entities[0].type], ['answer.md', 100_000, 'long', 'italic']);
    assert.equal(chat.list.at(-1).file.bytes.length, 100_000);
    assert.equal((await api('sendDocument', { chat_id: ann.id, document: sent.document.file_id })).document.file_id, sent.document.file_id);

    assert.equal(await api('setMyCommands', { commands: [{ command: 'new', description: 'Begin again' }], scope: { type: 'all_private_chats' }, language_code: 'de' }), true);
    assert.deepEqual(await api('getMyCommands', { scope: { type: 'all_private_chats' }, language_code: 'de' }), [{ command: 'new', description: 'Begin again' }]);
    assert.deepEqual(await api('getMyCommands', {}), []);
    await assert.rejects(api('setMyCommands', { commands: [{ command: 'New', description: 'x' }] }), refused(400, /BOT_COMMAND_INVALID/));

    assert.equal(await api('sendMessageDraft', { chat_id: ann.id, draft_id: 7, text: 'so <b>far</b>', parse_mode: 'HTML' }), true);
    assert.deepEqual([chat.draft.text, chat.draft.entities.length], ['so far', 1]);
    await assert.rejects(api('sendMessageDraft', { chat_id: group.id, draft_id: 7, text: 'x' }), refused(400, /PEER_INVALID/));
    const message = await api('sendMessage', { chat_id: ann.id, text: 'so far so good' });
    assert.equal(chat.draft, null, 'a message ends the draft');

    assert.equal(await api('sendChatAction', { chat_id: ann.id, action: 'typing' }), true);
    assert.equal(chat.actions.length, 1);
    assert.equal(await api('setMessageReaction', { chat_id: ann.id, message_id: said.id, reaction: [{ type: 'emoji', emoji: '👀' }] }), true);
    await assert.rejects(api('setMessageReaction', { chat_id: ann.id, message_id: said.id, reaction: [{ type: 'emoji', emoji: '🦖' }] }), refused(400, /REACTION_INVALID/));
    const edit = (text, id = message.message_id) => api('editMessageText', { chat_id: ann.id, message_id: id, text });
    assert.equal((await edit('better')).text, 'better');
    await assert.rejects(edit('better'), refused(400, /message is not modified/));
    await assert.rejects(edit('x', said.id), refused(400, /message can't be edited/));
    await assert.rejects(edit('x', 99_999), refused(400, /message to edit not found/));
    assert.equal(await api('deleteMessage', { chat_id: ann.id, message_id: message.message_id }), true);
    await assert.rejects(api('deleteMessage', { chat_id: ann.id, message_id: message.message_id }), refused(400, /message to delete not found/));
    assert.deepEqual([...telegram.oddities], []);
  });

  test(`${name}: told to wait, and told that another one polls`, async (t) => {
    const { telegram, bot, ann, chat, people } = await stage(t, { limits: { on: true, burst: 2, secondMs: 60_000 }, knobs: { secondMs: 20 } });
    const { api } = client(telegram, bot, { retries: 0 }), send = (text) => api('sendMessage', { chat_id: ann.id, text });
    await send('one');
    await send('two');
    await assert.rejects(send('three'), (error) => refused(429, /^Too Many Requests: retry after \d+$/)(error) && error.parameters.retry_after > 30);
    assert.equal(chat.list.length, 2);
    assert.equal(telegram.counts.limited, 1);

    const first = client(telegram, bot), second = client(telegram, bot);
    first.poll();
    await until('the first poll', () => telegram.updates.running(bot));
    second.poll();
    await until('the first one to be sent away', () => first.failed);
    assert.ok(refused(409, /terminated by other getUpdates request; make sure that only one bot instance is running/)(first.failed));
    people.tell(ann, bot, 'hello');
    await until('the second one to hear', () => second.seen.length === 1);
    await until('the next poll', () => telegram.updates.running(bot));
    await api('setWebhook', { url: 'https://elsewhere.test/hook' });
    await until('the second one to be sent away too', () => second.failed);
    assert.ok(refused(409, /terminated by setWebhook request|can't use getUpdates method while webhook is active/)(second.failed));
    await assert.rejects(api('getUpdates', {}), refused(409, /can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first/));
    assert.equal((await api('getWebhookInfo')).url, 'https://elsewhere.test/hook');
    assert.equal(await api('deleteWebhook', {}), true);
    assert.deepEqual(await api('getUpdates', { timeout: 0, offset: 1 }), await api('getUpdates', { timeout: 0 }));
  });
}

test('node-telegram-bot-api waits as long as it is told and then succeeds; grammY says how long', async (t) => {
  const { telegram, bot, ann, chat, call } = await stage(t);
  telegram.fault({ method: 'sendMessage', kind: 'limited', seconds: 1, times: 1 });
  const { api } = clients['node-telegram-bot-api'](telegram, bot, { retries: 2 });
  await api('sendMessage', { chat_id: ann.id, text: 'patience' });
  assert.deepEqual(chat.list.map((m) => m.text), ['patience']);
  assert.equal(telegram.limits.impatient, 0);
  telegram.fault({ method: 'sendMessage', kind: 'limited', seconds: 30, times: 1 });
  const { status, headers, body } = await call('sendMessage', { chat_id: ann.id, text: 'x' });
  assert.deepEqual([status, headers.get('retry-after'), body.error_code, body.parameters], [429, '30', 429, { retry_after: 30 }]);
  assert.equal((await call('sendMessage', { chat_id: ann.id, text: 'x' })).status, 429, 'and the chat stays closed');
  await assert.rejects(clients.grammy(telegram, bot).api('sendMessage', { chat_id: ann.id, text: 'x' }), (error) => error instanceof GrammyError && error.parameters.retry_after > 20);
});

test('getUpdates: what an offset confirms, restarts of ids, allowed_updates that stay', async (t) => {
  const { telegram, bot, ann, people, call } = await stage(t);
  const get = async (args = {}) => (await call('getUpdates', args)).body.result.map((u) => u.message?.text ?? Object.keys(u)[1]);
  for (let i = 0; i < 5; i++) people.tell(ann, bot, `m${i}`);
  const base = bot.queue[0].id;
  assert.deepEqual(await get({ limit: 2 }), ['m0', 'm1']);
  assert.deepEqual(await get({ offset: base, limit: 100 }), ['m0', 'm1', 'm2', 'm3', 'm4'], 'nothing was confirmed');
  assert.deepEqual(await get({ offset: base + 2 }), ['m2', 'm3', 'm4']);
  assert.deepEqual(await get({ offset: 0, limit: 1 }), ['m2'], 'gone are gone');
  assert.deepEqual(await get({ offset: -1 }), ['m4']);
  assert.deepEqual(await get({ offset: base + 900 }), ['m4'], 'an offset that does not fit confirms nothing');
  assert.deepEqual(await get({ offset: base + 5 }), []);
  bot.restartIds(1000);
  people.tell(ann, bot, 'after a week');
  assert.deepEqual(await get({ offset: base + 5 }), ['after a week'], 'lower ids are handed out');
  assert.deepEqual(await get({ offset: 1001 }), []);

  assert.deepEqual(await get({ offset: 1001, allowed_updates: ['callback_query'] }), []);
  people.tell(ann, bot, 'unheard');
  assert.deepEqual(await get({ offset: 1001 }), []);
  assert.deepEqual((await call('getWebhookInfo')).body.result.allowed_updates, ['callback_query']);
  assert.deepEqual(await get({ offset: 1001, allowed_updates: [] }), []);
  people.tell(ann, bot, 'heard');
  assert.deepEqual(await get({ offset: 1001 }), ['heard']);

  const waiting = call('getUpdates', { offset: 1002, timeout: 50 });
  await until('the poll', () => telegram.updates.running(bot));
  people.unknown(bot);
  assert.deepEqual(Object.keys((await waiting).body.result[0]), ['update_id', 'widget_query']);
});

test('somebody else polls too: both are sent away in turn, and nothing is lost', async (t) => {
  const { telegram, bot, ann, people, call } = await stage(t), stop = telegram.rival(bot, { everyMs: 20 });
  await until('the other one', () => telegram.updates.running(bot));
  const answers = [];
  while (!answers.some((a) => a.status === 409) && answers.length < 50) answers.push(await call('getUpdates', { timeout: 5 }));
  assert.match(answers.at(-1).body.description, /terminated by other getUpdates request/);
  stop();
  people.tell(ann, bot, 'still here');
  const { body } = await call('getUpdates', { timeout: 5 });
  assert.equal(body.result[0].message.text, 'still here');
});

test('texts are read for programs, line by line', async () => {
  const child = spawn(process.execPath, [new URL('../servers/telegram/read-html.mjs', import.meta.url).pathname], { stdio: ['pipe', 'pipe', 'inherit'] });
  child.stdin.end(['<b>one</b>\n', '<b>two', 'x'.repeat(4097)].map((text) => `${JSON.stringify(text)}\n`).join(''));
  const out = await new Response(child.stdout).text();
  assert.deepEqual(out.trim().split('\n').map((line) => JSON.parse(line)), [
    { text: 'one', entities: [{ type: 'bold', offset: 0, length: 3 }], dropped: 0 },
    { error: 'Bad Request: can\'t parse entities: Can\'t find end tag corresponding to start tag "b"' }, { error: 'Bad Request: message is too long' },
  ]);
});

test('requests of four forms, tokens, paths', async (t) => {
  const { telegram, bot, ann, chat, call } = await stage(t), url = `${telegram.base}/bot${bot.token}`;
  const ask = async (path, init) => (await fetch(path, init)).json();
  const markup = JSON.stringify({ inline_keyboard: [[{ text: 'x', callback_data: 'y' }]] });
  await ask(`${url}/SENDmessage?chat_id=${ann.id}&text=query&reply_markup=${encodeURIComponent(markup)}`);
  await ask(`${url}/sendMessage`, { method: 'POST', body: new URLSearchParams({ chat_id: ann.id, text: 'form', reply_markup: markup }) });
  const form = new FormData();
  for (const [name, value] of Object.entries({ chat_id: ann.id, text: 'multipart', reply_markup: markup })) form.set(name, value);
  await ask(`${url}/sendMessage`, { method: 'POST', body: form });
  await call('sendMessage', { chat_id: String(ann.id), text: 'json', reply_markup: JSON.parse(markup) });
  assert.deepEqual(chat.list.map((m) => [m.text, m.markup?.inline_keyboard.length]), [['query', 1], ['form', 1], ['multipart', 1], ['json', 1]]);
  const attached = new FormData();
  attached.set('chat_id', String(ann.id));
  attached.set('document', 'attach://part1');
  attached.set('part1', new Blob(['bytes']), 'a.txt');
  assert.equal((await ask(`${url}/sendDocument`, { method: 'POST', body: attached })).result.document.file_name, 'a.txt');

  const codes = async (path, init) => { const a = await fetch(`${telegram.base}${path}`, init); return [a.status, (await a.json()).description]; };
  assert.deepEqual(await codes(`/bot${bot.id}:wrong/getMe`), [401, 'Unauthorized']);
  assert.deepEqual(await codes('/botnonsense/getMe'), [401, 'Unauthorized: invalid token specified']);
  assert.deepEqual(await codes('/other'), [404, 'Not Found']);
  assert.deepEqual(await codes(`/bot${bot.token}/sendNothing`), [404, 'Not Found: method not found']);
  assert.deepEqual(await codes(`/bot${bot.token}/sendMessage`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{' }), [400, "Bad Request: can't parse JSON object"]);
  assert.deepEqual(await codes(`/bot${bot.token}/sendDocument`, { method: 'POST', body: Buffer.alloc((50 << 20) + 1) }), [413, 'Request Entity Too Large']);
  const old = bot.token;
  bot.revoke();
  assert.deepEqual(await codes(`/bot${old}/getMe`), [401, 'Unauthorized']);
});

test('what sendMessage refuses, in its words', async (t) => {
  const { telegram, bot, ann, bob, chat, group, people, call } = await stage(t);
  const forum = telegram.world.addChat('Forum', { type: 'supergroup', forum: true, members: [ann, bot] }), topic = people.topic(ann, forum, 'Plans');
  const other = telegram.addBot('other_bot'), said = people.tell(ann, bot, 'quote me');
  const cases = [
    [{ chat_id: '' }, 'chat_id is empty'],
    [{ chat_id: 123 }, 'chat not found'],
    [{ chat_id: '@nobody' }, 'chat not found'],
    [{ chat_id: bob.id }, [403, "Forbidden: bot can't initiate conversation with a user"]],
    [{ chat_id: other.id }, 'chat not found'],
    [{ text: '' }, 'message text is empty'],
    [{ text: ' \n\u200b ' }, 'text must be non-empty'],
    [{ text: 'x'.repeat(4097) }, 'message is too long'],
    [{ text: '𝄞'.repeat(2049) }, 'message is too long'],
    [{ text: 'x'.repeat(32_769) }, 'text is too long'],
    [{ text: 'a <br> b', parse_mode: 'html' }, 'can\'t parse entities: Unsupported start tag "br" at byte offset 2'],
    [{ text: 'é <b>x', parse_mode: 'HTML' }, 'can\'t parse entities: Can\'t find end tag corresponding to start tag "b"'],
    [{ text: '<b>é</i>', parse_mode: 'HTML' }, 'can\'t parse entities: Unmatched end tag at byte offset 5, expected "</b>", found "</i>"'],
    [{ parse_mode: 'Sideways' }, 'unsupported parse_mode'],
    [{ text: '👋', entities: [{ type: 'bold', offset: 1, length: 1 }] }, 'entity begins in a middle of a UTF-16 symbol at byte offset 0'],
    [{ text: 'ab', entities: [{ type: 'bold', offset: 0, length: 3 }] }, 'entity beginning at UTF-16 offset 0 ends after the end of the text at UTF-16 offset 3'],
    [{ message_thread_id: 1 }, 'message thread not found'],
    [{ chat_id: group.id, message_thread_id: 77 }, 'message thread not found'],
    [{ chat_id: forum.id, message_thread_id: 1 }, 'message thread not found'],
    [{ chat_id: forum.id, message_thread_id: 4711 }, 'message thread not found'],
    [{ reply_parameters: { message_id: 4711 } }, 'message to be replied not found'],
    [{ reply_parameters: { message_id: said.id, quote: 'nowhere' } }, 'QUOTE_TEXT_INVALID'],
    [{ reply_markup: '{' }, "can't parse reply keyboard markup JSON object"],
    [{ reply_markup: { inline_keyboard: [[{ text: 'x' }]] } }, "can't parse inline keyboard button: Text buttons are unallowed in the inline keyboard"],
    [{ reply_markup: { inline_keyboard: [[{ text: 'x', callback_data: 'é'.repeat(33) }]] } }, 'BUTTON_DATA_INVALID'],
  ];
  for (const [args, expected] of cases) {
    const { status, body } = await call('sendMessage', { chat_id: ann.id, text: 'x', ...args });
    assert.deepEqual([status, body.description], Array.isArray(expected) ? expected : [400, `Bad Request: ${expected}`], JSON.stringify(args).slice(0, 100));
    assert.deepEqual([body.ok, body.error_code], [false, status]);
  }
  assert.deepEqual(chat.list, [said]);

  const fine = async (args) => {
    const { body } = await call('sendMessage', { chat_id: ann.id, text: 'x', ...args });
    return body.result ?? assert.fail(body.description);
  };
  assert.equal((await fine({ text: `<b>${'x'.repeat(4096)}</b>`, parse_mode: 'HTML' })).text.length, 4096, 'tags do not count');
  assert.equal((await fine({ text: '\n  a\tb\r\n  ' })).text, 'a b', 'trimmed, tabs are spaces');
  assert.equal((await fine({ reply_parameters: { message_id: 4711, allow_sending_without_reply: true } })).reply_to_message, undefined);
  assert.equal((await fine({ reply_parameters: { message_id: said.id, quote: 'me' } })).quote.text, 'me');
  const inTopic = await fine({ chat_id: forum.id, message_thread_id: topic.id });
  assert.deepEqual([inTopic.is_topic_message, inTopic.message_thread_id, inTopic.reply_to_message.forum_topic_created.name], [true, topic.id, 'Plans']);
  assert.equal((await fine({ chat_id: forum.id })).message_thread_id, undefined, 'the General topic has no number');
  assert.equal((await call('sendChatAction', { chat_id: forum.id, message_thread_id: 1, action: 'typing' })).status, 200);
  people.deleteTopic(topic);
  assert.match((await call('sendMessage', { chat_id: forum.id, message_thread_id: topic.id, text: 'x' })).body.description, /message thread not found/);
  assert.equal((await call('sendMessage', { chat_id: ann.id, text: 'x', nonsense: 1, disable_web_page_preview: true })).status, 200);
  assert.deepEqual([...telegram.oddities], ['sendMessage: nonsense', 'sendMessage: disable_web_page_preview']);
});

test('groups: privacy mode, topics, migration, channels, people who are gone', async (t) => {
  const { telegram, bot, ann, bob, people, call } = await stage(t);
  const heard = () => bot.queue.filter((u) => u.json.message).map((u) => u.json.message.text ?? Object.keys(u.json.message).at(-1));
  const group = telegram.world.addChat('Small', { members: [ann, bob] });
  people.say(ann, group, 'before');
  people.addBot(ann, group, bot, { payload: 'code' });
  const { result: mine } = (await call('sendMessage', { chat_id: group.id, text: 'hello all' })).body;
  people.say(ann, group, 'not for you');
  people.mention(ann, group, bot, 'nor this');
  people.command(ann, group, bot, 'new');
  people.command(ann, group, telegram.addBot('other_bot'), 'new');
  people.command(ann, group, null, 'bare');
  const reply = people.reply(bob, group.messages.get(mine.message_id), 'but this');
  assert.deepEqual(heard(), ['new_chat_members', '/start@usher_bot code', '/new@usher_bot', '/bare', 'but this']);
  assert.equal(bot.queue.at(-1).json.message.reply_to_message.from.id, bot.id);
  assert.equal(bot.queue.at(-1).json.message.message_thread_id, undefined, 'small groups have no threads');
  people.promote(ann, group, bot);
  people.say(ann, group, 'everything now');
  assert.equal(heard().at(-1), 'everything now');

  people.open(bob, 'https://t.me/usher_bot?start=c0de');
  assert.equal(heard().at(-1), '/start c0de');
  assert.throws(() => people.open(bob, 'https://t.me/nobody_bot?start=c0de'), /leads to no bot/);
  const grown = people.migrate(ann, group);
  const moved = await call('sendMessage', { chat_id: group.id, text: 'x' });
  assert.deepEqual([moved.status, moved.body.description, moved.body.parameters], [400, 'Bad Request: group chat was upgraded to a supergroup chat', { migrate_to_chat_id: grown.id }]);
  assert.equal((await call('sendMessage', { chat_id: grown.id, text: 'x' })).status, 200);
  const signs = bot.queue.map((u) => u.json.message).filter((m) => m?.migrate_to_chat_id || m?.migrate_from_chat_id);
  assert.equal(signs.length, 2);
  assert.ok(!grown.messages.has(reply.id));
  const first = people.say(ann, grown, 'begin'), next = people.reply(bob, first, 'go on');
  assert.deepEqual([next.shown().message_thread_id, next.shown().is_topic_message], [first.id, undefined], 'a row of replies is no topic');

  const channel = telegram.world.addChat('News', { type: 'channel', members: [ann] });
  people.addBot(ann, channel, bot);
  people.say(ann, channel, 'news');
  const post = bot.queue.at(-1).json.channel_post;
  assert.deepEqual([post.text, post.from, post.sender_chat.id], ['news', undefined, channel.id]);
  people.demote(ann, channel, bot);
  assert.match((await call('sendMessage', { chat_id: channel.id, text: 'x' })).body.description, /need administrator rights in the channel chat/);
  const hidden = people.say(ann, grown, 'who am I', { hidden: true }).shown();
  assert.deepEqual([hidden.from.username, hidden.sender_chat.id], ['GroupAnonymousBot', grown.id]);

  bot.privateWith(bob);
  people.deactivate(bob);
  assert.deepEqual((await call('sendMessage', { chat_id: bob.id, text: 'x' })).body.description, 'Forbidden: user is deactivated');
  people.removeBot(ann, grown, bot);
  assert.match((await call('sendMessage', { chat_id: grown.id, text: 'x' })).body.description, /Forbidden: bot was kicked from the supergroup chat/);
});

test('webhooks: in order within a chat, one chat does not hold up another, again until it is taken', async (t) => {
  const { telegram, bot, ann, bob, people, call } = await stage(t);
  const got = [], late = new Set(['a0']);
  let sick = 2;
  await serve(t, telegram, (request, response) => {
    const parts = [];
    request.on('data', (part) => parts.push(part)).on('end', () => {
      const update = JSON.parse(Buffer.concat(parts)), { text } = update.message;
      assert.equal(request.headers['x-telegram-bot-api-secret-token'], 'abc');
      if (text === 'b1' && sick-- > 0) return void response.writeHead(503, { 'retry-after': '3' }).end();
      got.push(text);
      setTimeout(() => response.writeHead(200, { 'content-type': 'application/json' }).end(text === 'b2' ? JSON.stringify({ method: 'sendMessage', chat_id: update.message.chat.id, text: 'in the answer' }) : ''), late.has(text) ? 300 : 0);
    });
  });
  for (const [args, words] of [[{ url: 'http://bot.test/hook' }, /An HTTPS URL must be provided/], [{ url: 'https://bot.test:3000/' }, /only on ports 80, 88, 443 or 8443/], [{ url: 'https://127.0.0.1/' }, /is reserved/],
    [{ url: 'https://bot.test/hook', secret_token: 'sp ace' }, /unallowed characters/], [{ url: 'not a url' }, /invalid webhook URL/]]) {
    const { status, body } = await until('room', async () => { const a = await call('setWebhook', args); return a.status !== 429 && a; });
    assert.deepEqual([status, words.test(body.description)], [400, true], body.description);
  }
  for (let i = 0; i < 3; i++) people.tell(ann, bot, `a${i}`), people.tell(bob, bot, `b${i}`);
  await until('room', async () => (await call('setWebhook', { url: 'https://bot.test/hook', secret_token: 'abc' })).status === 200);
  await until('all to be taken', () => telegram.idle);
  const of = (letter) => got.filter((text) => text.startsWith(letter));
  assert.deepEqual([of('a'), of('b')], [['a0', 'a1', 'a2'], ['b0', 'b1', 'b2']]);
  assert.ok(got.indexOf('b0') < got.indexOf('a1'), 'one slow chat is overtaken by another');
  assert.equal(telegram.counts.statuses[503], 2);
  assert.match((await call('getWebhookInfo')).body.result.last_error_message, /Wrong response from the webhook: 503/);
  assert.equal((await until('the call in the answer', () => bot.privateWith(bob).list.find((m) => m.bot))).text, 'in the answer');
  assert.equal((await call('deleteWebhook')).body.description, 'Webhook was deleted');
  people.tell(ann, bot, 'kept');
  assert.equal((await call('getUpdates')).body.result.length, 1);
});

test('a webhook that is told the wrong secret refuses, and the update waits', async (t) => {
  const { telegram, bot, ann, people, call } = await stage(t), face = clients.grammy(telegram, bot);
  await serve(t, telegram, face.handler('right'));
  await call('setWebhook', { url: 'https://bot.test/hook', secret_token: 'wrong' });
  people.tell(ann, bot, 'hello');
  await until('some tries', () => telegram.counts.statuses[401] >= 2);
  assert.deepEqual(face.seen, []);
  await until('room', async () => (await call('setWebhook', { url: 'https://bot.test/hook', secret_token: 'right' })).status === 200);
  await until('the update', () => face.seen.length === 1);
});

test('a server of one\'s own, and an older one', async (t) => {
  const dir = mkdtempSync(path.join(tmpdir(), 'telegram-'));
  t.after(() => rmSync(dir, { recursive: true }));
  const { ann, chat, people, call } = await stage(t, { knobs: { ...quick, local: true, localDir: dir, missing: ['sendMessageDraft'] } });
  const said = people.document(ann, chat, { bytes: 'hello', name: 'a.txt', size: 100 << 20 });
  const { body } = await call('getFile', { file_id: said.media.document.file_id });
  assert.ok(path.isAbsolute(body.result.file_path), 'a path on that machine');
  assert.equal(readFileSync(body.result.file_path, 'utf8'), 'hello');
  assert.equal((await call('setWebhook', { url: 'http://127.0.0.1:1/hook', max_connections: 1000 })).status, 200);
  assert.deepEqual((await call('sendMessageDraft', { chat_id: ann.id, draft_id: 1, text: 'x' })).body, { ok: false, error_code: 404, description: 'Not Found: method not found' });
});

test('the stop button of a draft, reactions, forged buttons, late answers to buttons', async (t) => {
  const { bot, ann, bob, chat, people, call } = await stage(t, { knobs: { secondMs: 200, callbackMs: 50 } });
  await call('getUpdates', { allowed_updates: ['message', 'callback_query', 'stopped_message_generation', 'message_reaction'] });
  assert.throws(() => people.stop(ann, bot), /nothing to stop/);
  await call('sendMessageDraft', { chat_id: ann.id, draft_id: 9, text: 'so far', can_stop: true });
  people.stop(ann, bot);
  const said = people.tell(ann, bot, 'hello');
  people.react(ann, said, '👍');
  await call('sendMessage', { chat_id: ann.id, text: 'sure?', reply_markup: { inline_keyboard: [[{ text: 'Yes', callback_data: 'yes' }]] } });
  assert.throws(() => people.press(ann, chat.list.at(-1), 'no'), /no button/);
  const forged = people.forge(bob, chat.list.at(-1), 'no');
  const kinds = bot.queue.map((u) => Object.keys(u.json)[0]);
  assert.deepEqual(kinds, ['stopped_message_generation', 'message', 'message_reaction', 'callback_query']);
  assert.deepEqual(bot.queue[0].json.stopped_message_generation, { chat: chat.shown(), draft_id: 9 });
  assert.deepEqual(bot.queue[2].json.message_reaction.new_reaction, [{ type: 'emoji', emoji: '👍' }]);
  await until('too late', async () => /query is too old/.test((await call('answerCallbackQuery', { callback_query_id: 'none' })).body.description) && forged.at + 50 < Date.now());
  assert.match((await call('answerCallbackQuery', { callback_query_id: forged.id })).body.description, /query is too old and response timeout expired or query ID is invalid/);
});

test('faults: lost answers happened, refused ones did not, and the same seed misbehaves in the same way', async (t) => {
  const outcome = async (seed) => {
    const { telegram, ann, chat, call } = await stage(t, { seed, chaos: { lose: 0.2, status: 0.1, html: 0.1, cut: 0.1 } });
    const told = [];
    for (let i = 0; i < 40; i++) told.push(await call('sendMessage', { chat_id: ann.id, text: `m${i}` }).then(({ status }) => status, () => 'nothing'));
    const there = chat.list.map((m) => m.text);
    for (const [i, what] of told.entries()) if (typeof what === 'number') assert.equal(there.includes(`m${i}`), what === 200);
    assert.ok(telegram.counts.lost > 0 && told.filter((what) => what === 'nothing').length > telegram.counts.lost);
    return [told, there];
  };
  const [one, again] = [await outcome(7), await outcome(7)];
  assert.deepEqual(one, again);
  assert.notDeepEqual(one, await outcome(8));
});

test('limits: one a second in a chat, twenty a minute in a group, thirty a second in all; others are not held up', async (t) => {
  const { telegram, ann, bob, bot, group, call } = await stage(t, { limits: { on: true, burst: 3, secondMs: 60_000, perBot: 30 } });
  bot.privateWith(bob);
  const send = async (chatId) => (await call('sendMessage', { chat_id: chatId, text: 'x' })).status;
  assert.deepEqual([await send(ann.id), await send(ann.id), await send(ann.id), await send(ann.id)], [200, 200, 200, 429]);
  assert.equal(await send(bob.id), 200, 'another chat goes on');
  assert.equal(telegram.limits.impatient, 0, 'nothing came late');
  assert.equal((await call('editMessageText', { chat_id: ann.id, message_id: bot.privateWith(ann).list[0].id, text: 'y' })).status, 429, 'told to wait is told to wait');
  telegram.limits.burst = 100;
  let sent = 0;
  while ((await send(group.id)) === 200) sent++;
  assert.equal(sent, 20);
  const crowd = Array.from({ length: 10 }, (_, i) => bot.privateWith(telegram.world.addUser(`p${i}`)).id);
  const all = [];
  for (const id of crowd) all.push(await send(id));
  assert.equal(all.filter((status) => status === 200).length, 30 - 4 - 20, 'thirty in all');
});

test('the account: what is lost, doubled, misplaced, out of order or left behind is found', async (t) => {
  const { telegram, ann, bob, chat, group, people, call } = await stage(t);
  const send = async (chatId, text) => (await call('sendMessage', { chat_id: chatId, text })).body.result.message_id;
  for (const id of ['1', '2', '3', '4', '5']) people.say(ann, chat, `q ${id}`, { wants: id });
  people.say(bob, group, 'q 6', { wants: '6' });
  const grown = await send(ann.id, 'thinking…');
  assert.equal(telegram.tally.open.length, 6);
  await call('editMessageText', { chat_id: ann.id, message_id: grown, text: 'full [#1]' });
  await send(ann.id, 'thinking…');
  await send(ann.id, 'both [#2] [#3]');
  assert.deepEqual(telegram.tally.open, ['4', '5', '6']);
  const good = telegram.tally.report();
  assert.deepEqual([good.answered, good.lost, good.twice, good.misplaced, good.disorder, good.copies, good.strays.length], [3, ['4', '5', '6'], [], [], [], [], 1]);
  await send(ann.id, 'again [#1]');
  await send(ann.id, 'again [#1]');
  await send(ann.id, '[#5]');
  await send(ann.id, '[#4]');
  await send(ann.id, 'wrong place [#6]');
  const report = telegram.tally.report();
  assert.deepEqual([report.lost, report.twice, report.misplaced, report.disorder.length, report.copies.length], [[], ['1'], ['6'], 1, 1]);
});

test('careful bots of a few lines, one polling and one with a webhook, lose and double nothing in 1,000 messages, 50 chats and 20 kills', async (t) => {
  const { telegram, bot } = await stage(t, { seed: 5, limits: { secondMs: 5, perBot: 3000 }, knobs: { secondMs: 20, phantoms: 0.05 }, chaos: { lose: 0.03, status: 0.02, cut: 0.02 }, bot: { privacy: false } });
  telegram.fault({ method: /^(send|edit)/, kind: 'limited', seconds: 1, p: 0.01 });
  telegram.fault({ method: 'getUpdates', kind: 'lose', p: 0.05 });
  const other = telegram.addBot('second_bot', { privacy: false }), memories = [bot, other].map(() => ({ offset: 0, seen: new Set(), rows: new Map() }));
  let running = [];
  const daemon = {
    start: async () => {
      running = [bot, other].map((each, i) => new Careful(telegram, each, memories[i]));
      for (const each of running) each.resume();
      running[0].poll();
    },
    kill: async () => running.forEach((each) => each.kill()),
  };
  t.after(() => daemon.kill());
  await serve(t, telegram, (request, response) => {
    const parts = [], [, own] = running;
    request.on('data', (part) => parts.push(part)).on('end', () => {
      if (own.dead) return void request.socket.destroy();
      if (telegram.random() < 0.05) return void response.writeHead(503).end();
      own.take(JSON.parse(Buffer.concat(parts)));
      response.end();
    });
  });
  await daemon.start();
  await caller(telegram, other)('setWebhook', { url: 'https://bot.test/hook' });
  const { report, killed } = await longDay(telegram, [{ name: 'poll', bot }, { name: 'hook', bot: other }], daemon, { pauseMs: 50, seconds: 60 });
  const strays = clean(report);
  assert.deepEqual([report.expected, report.answered, killed], [1000, 1000, 20]);
  const { counts } = telegram;
  assert.ok(counts.lost > 20 && counts.limited > 0 && counts.redelivered > 0 && counts.phantoms > 0 && counts.retries > counts.phantoms, JSON.stringify(counts));
  assert.ok(strays <= counts.lost + killed * 50, `${strays} strays`);
  assert.equal(counts.parallel, 0, 'one call after the other in a chat');
});
