// What is on its way through Telegram when the daemon is killed: what people do, when it is through, and what must hold. A placeholder that
// nobody knows of may be left behind, which is counted; a second answer may not.
//   node campaign/scenarios-telegram.mjs POINTS [SCENARIO...]      (USHER: the binary; CC: the compiler; LANES: lives at a time)
import { isPreview, Stage } from '../e2e/telegram-kit.mjs';
import { until, wait } from '../e2e/harness.mjs';
import { arm, gone, idle, main, state } from './lives.mjs';

function tallied(s, note, whats = ['lost', 'twice', 'misplaced', 'disorder', 'copies']) {
  const report = s.telegram.tally.report();
  for (const what of whats)
    for (const each of report[what]) note(`${what}: ${each}${what === 'twice' ? `: ${s.telegram.tally.answersTo(each).map((m) => `${m.chat.id}/${m.id} "${m.words}"`)}` : ''}`);
}

const answered = (s) => s.telegram.tally.open.length === 0 && idle(s);
const noted = (s, chat, end) => state(s, `SELECT count(*) FROM "LLMAgentInstallation" WHERE name = 'bot/${chat.id}' AND "removedAt" IS ${end ? 'NOT NULL' : 'NULL'}`);

// Each line of the long answer once and in order, `times` over.
function lines(s, chat, times, note, words = s.answers(chat).map((m) => m.words)) {
  const found = words.flatMap((text) => text.match(/line \d+ of/g) ?? []).join();
  const once = Array.from({ length: 300 }, (_, n) => `line ${n + 1} of`).join();
  if (found !== Array(times).fill(once).join()) note(`not each part once and in order: ${words.map((text) => text.slice(0, 20))}`);
}

const album = {
  model: 'echo',
  async act(s) {
    s.album = s.people.album(s.ann, s.chat(s.ann), [1, 2, 3].map((n) => ({ bytes: `picture ${n}` })), { caption: `three pictures, ${arm}` });
  },
  done: (s) => s.album?.every((m) => m.taken) && s.answers(s.album[0].chat).length > 0 && idle(s),
  check(s, note) {
    const answers = s.answers(s.album[0].chat);
    // A machine that brings the rest of an album slowly brings it after the first was answered: each picture counts once all the same.
    const told = answers.flatMap((m) => m.words.match(/\(file: photo\.jpg, /g) ?? []).length;
    if (answers.length !== 1 && !(answers.length === 2 && told === 3)) note(`an album has ${answers.length} answers: ${answers.map((m) => m.words.slice(0, 60))}`);
    const files = state(s, 'SELECT count(*) FROM "LLMAgentImport"');
    if (files !== '3') note(`${files} of three files are on record`);
  },
};

export const telegramScenarios = {
  // In a group, where a message is posted and edited again and again until the final text takes its place.
  shown: {
    model: 'ids', bot: { privacy: false },
    async act(s) {
      s.people.mention(s.ann, s.group, s.bot, `${arm} [slowly] [#1]`, { wants: '1' });
    },
    done: answered,
    check: tallied,
  },
  // In private, where a draft is shown.
  drafted: {
    model: 'ids', transport: 'webhook',
    async act(s) {
      s.people.tell(s.ann, s.bot, `${arm} [slowly] [#1]`, { wants: '1' });
    },
    done: answered,
    check: tallied,
  },
  // Telegram takes its time: what was sent arrives when the next process looks at it already.
  slowly: {
    model: 'ids',
    prepare(s) {
      for (const method of ['sendMessage', 'editMessageText']) s.telegram.fault({ method, kind: 'delay', ms: 600 });
    },
    async act(s) {
      s.people.tell(s.ann, s.bot, `${arm} [#1]`, { wants: '1' });
      s.people.tell(s.ann, s.bot, 'once more [#2]', { wants: '2' });
    },
    done: answered,
    async check(s, note) {
      await wait(1000);
      tallied(s, note);
    },
  },
  // The answers of Telegram are lost: of the placeholder, and of the edit that puts the text in.
  unsure: {
    model: 'ids', bot: { privacy: false },
    prepare(s) {
      for (const method of ['sendMessage', 'editMessageText']) s.telegram.fault({ method, kind: 'lose', times: 1 });
    },
    async act(s) {
      s.people.mention(s.ann, s.group, s.bot, `${arm} [#1]`, { wants: '1' });
    },
    done: answered,
    check: tallied,
  },
  // An answer in parts, and a question behind it whose answer must not overtake them.
  parts: {
    model: 'long-300', transport: 'webhook',
    async act(s) {
      s.said = s.people.tell(s.ann, s.bot, arm);
      await until('the first to be taken', () => s.said.taken, 30);
      s.second = s.people.tell(s.ann, s.bot, 'once more');
    },
    done: (s) => s.second?.taken && idle(s),
    check(s, note) {
      const turns = Number(state(s, "SELECT count(DISTINCT turn_id) FROM inbox WHERE state = 'answered'")); // one for both after a crash, perhaps
      lines(s, s.chat(s.ann), turns, note);
    },
  },
  // A very long answer comes as its beginning and a file. Whether a file arrived can't be found out, so an unsure one is held.
  document: {
    model: 'long-300', own: { document_parts: 1 }, held: ['unknown'],
    async act(s) {
      s.people.tell(s.ann, s.bot, arm);
    },
    done: (s) => s.answers(s.chat(s.ann)).length > 0 && idle(s),
    check(s, note) {
      const files = s.chat(s.ann).list.filter((m) => m.bot && m.media?.document), held = Number(state(s, "SELECT count(*) FROM outbox WHERE state = 'unknown'"));
      const texts = s.answers(s.chat(s.ann)).filter((m) => !m.media);
      if (files.length > 1) note(`${files.length} files`);
      if (files.length === 0 && held !== 1) note(`no file, and ${held} held`);
      if (texts.length !== 1 || !texts[0].words.includes('line 1 of')) note(`its beginning: ${texts.map((m) => m.words.slice(0, 40))}`);
    },
  },
  album,
  albumHook: { ...album, transport: 'webhook' },
  // Only the first of the pictures calls it by its name.
  albumGroup: {
    ...album, transport: 'webhook', bot: { privacy: false },
    async act(s) {
      s.album = s.people.album(s.ann, s.group, [1, 2, 3].map((n) => ({ bytes: `picture ${n}` })), { caption: `@${s.bot.username} three pictures, ${arm}` });
    },
  },
  // The link of an invitation, opened by somebody who is not known.
  start: {
    model: 'ids', rest: { users: { strangers: 'pair' } },
    async prepare(s) {
      s.link = (await until('the link', async () => { const made = await s.daemon.json('pair', 'invite'); return made.links.length && made; })).links[0].link;
      s.eve = s.telegram.world.addUser(arm);
    },
    async act(s) {
      s.said = s.people.open(s.eve, s.link);
      s.people.tell(s.eve, s.bot, 'am I known? [#1]', { wants: '1' });
    },
    done: answered,
    check(s, note) {
      tallied(s, note);
      const answers = s.answers(s.chat(s.eve));
      if (answers.length !== 2) note(`${answers.length} messages: ${answers.map((m) => m.words.slice(0, 60))}`);
      if (s.asked(s.link.split('start=')[1]).length) note('the model was asked for the code');
    },
  },
  // A group adds it, and takes it out again.
  note: {
    model: 'ids',
    prepare(s) {
      s.club = s.telegram.world.addChat(arm, { type: 'supergroup', members: [s.ann] });
    },
    async act(s) {
      s.people.addBot(s.ann, s.club, s.bot);
      await until('the note', () => noted(s, s.club, false) === '1', 40);
      s.people.removeBot(s.ann, s.club, s.bot);
      s.acted = true;
    },
    done: (s) => s.acted && noted(s, s.club, true) === '1',
    check(s, note) {
      const rows = state(s, `SELECT count(*) FROM "LLMAgentInstallation" WHERE name = 'bot/${s.club.id}'`);
      if (rows !== '1') note(`${rows} rows of the group`);
      if (s.answers(s.club).length) note('something was said there');
    },
  },
  // A group becomes a supergroup while an answer for it is made.
  moved: {
    model: 'ids-300', bot: { privacy: false },
    async prepare(s) {
      s.small = s.telegram.world.addChat('Small', { type: 'group', members: [s.ann, s.bob] });
      s.people.addBot(s.ann, s.small, s.bot);
      await s.answer(s.people.mention(s.ann, s.small, s.bot, 'remember the word giraffe'));
      await s.settled();
    },
    async act(s) {
      s.first = s.people.mention(s.ann, s.small, s.bot, `${arm} [#1]`, { wants: '1' });
      await until('it to be taken', () => s.first.taken, 40);
      s.large = s.people.migrate(s.ann, s.small);
      s.people.mention(s.ann, s.large, s.bot, 'which word was it? [#2]', { wants: '2' });
    },
    done: (s) => s.large && answered(s) && noted(s, s.large, false) === '1',
    check(s, note) {
      tallied(s, note);
      const asked = s.asked('[#2]').at(-1);
      if (!JSON.stringify(asked?.messages ?? '').includes('giraffe')) note('the conversation did not go on in the new group');
      if (noted(s, s.small, false) !== '0') note('the old group is still on record');
    },
  },
  // What waits behind a running turn is changed.
  changed: {
    model: 'slow-500',
    async prepare(s) {
      s.people.tell(s.ann, s.bot, 'the first question');
      await until('the first turn', () => s.model.running > 0);
      s.waiting = s.people.tell(s.ann, s.bot, 'a question with a tpyo in it');
      await until('it to be taken', () => s.waiting.taken);
    },
    async act(s) {
      s.people.edit(s.waiting, `a question without a typo, ${arm}`);
      s.acted = true;
    },
    done: (s) => s.acted && gone(s, 'tpyo') && s.answers(s.chat(s.ann)).length >= 1 && idle(s),
    check(s, note) {
      const { takenAt } = s.waiting.updates.at(-1);
      if (!takenAt) note('the edit was never taken');
      if (s.asked('tpyo').some((r) => !(r.at <= takenAt))) note('the model was asked for words that had been changed');
      const answers = s.answers(s.chat(s.ann)), turns = Number(state(s, "SELECT count(DISTINCT turn_id) FROM inbox WHERE state = 'answered'"));
      if (answers.length !== turns) note(`${answers.length} answers of ${turns} turns`);
    },
  },
  // Said while it was down: found again while it is killed in the middle.
  missed: {
    model: 'ids', restarts: true, bot: { privacy: false },
    async prepare(s) {
      s.people.tell(s.ann, s.bot, 'question [#p]', { wants: 'p' });
      await until('the answer', () => answered(s));
      await s.settled();
      await s.daemon.stop();
      for (let i = 1; i <= 4; i++) {
        s.people.tell(s.ann, s.bot, `missed in private [#a${i}] ${arm}`, { wants: `a${i}` });
        s.people.mention(s.bob, s.group, s.bot, `missed in the group [#b${i}]`, { wants: `b${i}` });
      }
    },
    async act(s) {
      s.people.tell(s.ann, s.bot, 'live [#l1]', { wants: 'l1' });
    },
    done: answered,
    check: tallied,
  },
  file: {
    model: 'ids', transport: 'webhook',
    async act(s) {
      s.people.document(s.ann, s.chat(s.ann), { name: 'notes.txt', mime: 'text/plain', bytes: 'the notes of the meeting, kept' }, { caption: `${arm} [#1]`, wants: '1' });
    },
    done: answered,
    check(s, note) {
      tallied(s, note);
      const rows = state(s, `SELECT "inputFileName", coalesce("errorMessage", '') FROM "LLMAgentImport"`);
      if (rows !== 'notes.txt|') note(`files: ${rows}`);
      if (!JSON.stringify(s.asked('notes.txt').at(-1)?.messages.at(-1) ?? '').includes('notes.txt')) note('the model was not told of the file');
    },
  },
};

// ---- lives -----------------------------------------------------------------------------------------------------

async function build(scenario, model) {
  const s = new Stage(null, model, { transport: scenario.transport, modelName: scenario.model, bot: scenario.bot, own: scenario.own, rest: scenario.rest });
  s.world = s.telegram;
  await s.build({ start: false });
  const settled = s.settled.bind(s);
  s.settled = () => settled({ strays: Infinity, killed: true });
  return s;
}

function leftBehind(s, say, counts) {
  counts.previews += s.telegram.tally.report().strays.length;
  for (const m of s.telegram.tally.said.filter((each) => isPreview(each)))
    if (m.words !== '…' && !m.media) say(`a half answer was left behind: ${m.chat.id}/${m.id} "${m.words.slice(0, 40)}"`);
}

export const telegramWays = { name: 'telegram', scenarios: telegramScenarios, build, leftBehind };

if (process.argv[1] === new URL(import.meta.url).pathname) await main(telegramWays);
