// Voice notes: what is said in them is what is asked, and nobody waits for a service that does not hear.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import OpenAI, { toFile } from 'openai';
import { ModelServer } from '../servers/model.mjs';
import { SpeechServer, spoken } from '../servers/speech.mjs';
import { sameDay, until } from './harness.mjs';
import { Stage } from './telegram-kit.mjs';

const model = new ModelServer(), speech = new SpeechServer();
before(() => Promise.all([model.start(), speech.start()]));
after(() => Promise.all([model.stop(), speech.stop()]));

const stage = (t, own = { usd_per_hour: 0.36 }, rest = {}) =>
  new Stage(t, model, { rest: { ...rest, speech: { model: 'whisper-1', base_url: speech.base, api_key: speech.key, ...own } } }).build();
const rows = (s) => JSON.parse(execFileSync('sqlite3', ['-cmd', '.timeout 20000', `${s.daemon.dir}/usher.db`, "SELECT json_group_array(json_object('type', interaction_type, 'output', output, 'success', success, 'cost', cost_micros)) FROM ai_agent_interactions WHERE interaction_type = 'transcription' ORDER BY created_at"], { encoding: 'utf8' }));

test('the stand-in is one for the official client', async () => {
  const client = new OpenAI({ apiKey: speech.key, baseURL: speech.base, maxRetries: 0 });
  const file = await toFile(spoken('hello there'), 'a.ogg', { type: 'audio/ogg' });
  assert.equal((await client.audio.transcriptions.create({ model: 'whisper-1', file })).text, 'hello there');
  const long = await client.audio.transcriptions.create({ model: 'whisper-1', file, response_format: 'verbose_json' });
  assert.equal(long.segments[0].text, 'hello there');
  await assert.rejects(client.audio.transcriptions.create({ model: 'whisper-1', file: await toFile(Buffer.from('x'), 'a.txt') }), { status: 400 });
});

test('what is said is asked, shown, remembered and on record', async (t) => {
  const s = await stage(t), chat = s.chat(s.ann);
  speech.requests.length = 0;
  const words = (await s.answer(s.people.voice(s.ann, chat, { bytes: spoken('add milk to my list') }))).words;
  assert.match(words, /^echo: .*add milk to my list/s, 'the model was asked what was said');
  assert.match(words, /heard: add milk to my list/, 'and the person sees it');
  const [{ fields, file }] = speech.requests;
  assert.deepEqual([fields.model, file.name, file.type, file.bytes], ['whisper-1', 'voice.ogg', 'audio/ogg', spoken('add milk to my list')]);
  assert.deepEqual(rows(s), [{ type: 'transcription', output: 'add milk to my list', success: 1, cost: 300 }], 'three seconds at 36 cents an hour');
  assert.match((await s.daemon.cli('explain', '1')).stdout, /transcription by .*whisper-1 answered after/);
  await s.answer(s.people.say(s.ann, chat, 'and now'));
  assert.match(JSON.stringify(model.requests.at(-1).messages.slice(0, -1)), /Said in a voice note:\]\\nadd milk to my list/, 'later turns know it, too');
  await s.settled();
});

test('a service that is busy is asked again; one that can not hear is told of', async (t) => {
  const s = await stage(t), chat = s.chat(s.ann);
  assert.match((await s.answer(s.people.voice(s.ann, chat, { bytes: spoken('busy-2 please') }))).words, /heard: busy-2 please/);
  assert.deepEqual(rows(s).map((row) => row.success), [0, 0, 1], 'each request is a row');
  assert.match((await s.answer(s.people.voice(s.ann, chat, { bytes: spoken('refused') }, { caption: 'listen' }))).words, /echo: listen.*not heard: .*400: The audio could not be decoded/s);
  assert.match((await s.answer(s.people.voice(s.ann, chat, { bytes: spoken('silence') }))).words, /not heard: nothing was said in it/, 'silence is not thanks for watching');
  await s.settled();
});

test('hearing is paid from the budget before it is asked for', async (t) => {
  await sameDay();
  const free = { name: 'main', provider: 'openai', base_url: model.base, model: 'echo', api_key: model.key, price_as: 'free' };
  const dir = mkdtempSync(path.join(tmpdir(), 'usher-prices-')), prices = path.join(dir, 'prices.conf');
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  writeFileSync(prices, 'date = "2026-01-01"; source = "the tests"; prices = ( { provider = "free"; model = "*"; input = 0.0; output = 0.0; } );\n');
  const s = await stage(t, undefined, { models: [free], prices: { file: prices }, budget: { per_day_usd: 0.0015 } }), chat = s.chat(s.ann);
  speech.requests.length = 0;
  assert.match((await s.answer(s.people.voice(s.ann, chat, { bytes: spoken('the first') }))).words, /heard: the first/, 'ten seconds are held, three are paid');
  assert.match((await s.answer(s.people.voice(s.ann, chat, { bytes: spoken('the second') }))).words, /heard: the second/);
  const third = await s.answer(s.people.voice(s.ann, chat, { bytes: spoken('the third') }, { caption: 'listen' }));
  assert.match(third.words, /echo: listen.*not heard: Not enough is left of today/s);
  assert.doesNotMatch(third.words, /USD/, 'no figures');
  assert.equal(speech.requests.length, 2, 'nothing was sent for it');
  const spent = await s.daemon.json('budget', 'spent');
  assert.ok(spent.filter((row) => row.scope === 'organization').every((row) => row.spent_usd === '0.000600' && Number(row.held_usd) === 0), JSON.stringify(spent));
  await s.settled();
});

test('a price of hearing that nobody knows is refused while a budget is in force, unless it is named', async (t) => {
  const budget = { per_day_usd: 1 };
  const s = await stage(t, {}, { budget: { ...budget, unpriced: ['main', 'speech'] } }), chat = s.chat(s.ann);
  assert.match((await s.answer(s.people.voice(s.ann, chat, { bytes: spoken('at any price') }))).words, /heard: at any price/);
  await s.daemon.stop();
  s.daemon.configure({ ...s.daemon.settings, budget: { ...budget, unpriced: ['main'] } });
  await s.up();
  assert.match((await s.answer(s.people.voice(s.ann, chat, { bytes: spoken('unknown') }))).words, /not heard: What .* costs is not known/);
  await s.settled();
});

test('killed while a note is heard: it is heard again, and answered once', async (t) => {
  const s = await stage(t), chat = s.chat(s.ann);
  const note = s.people.voice(s.ann, chat, { bytes: spoken('busy-1 after the fall') });
  await until('the note to be heard', () => speech.seen.has('busy-1 after the fall'));
  await s.daemon.kill();
  await s.up();
  assert.match((await s.answer(note)).words, /heard: busy-1 after the fall/);
  const told = (await s.daemon.cli('explain', '1')).stdout;
  assert.match(told, /interrupted: the daemon ended when model whisper-1 was perhaps being asked/);
  await s.settled({ killed: true });
});
