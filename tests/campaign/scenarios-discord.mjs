// What is on its way through Discord when the daemon is killed: what people do, when it is through, and what must hold. A placeholder that
// nobody knows of may be left behind, which is counted; a second answer may not.
//   node campaign/scenarios-discord.mjs POINTS [SCENARIO...]      (USHER: the binary; CC: the compiler; LANES: lives at a time)
import { isPreview, Stage } from '../e2e/discord-kit.mjs';
import { until, wait } from '../e2e/harness.mjs';
import { arm, gone, idle, main, state } from './lives.mjs';
import { sql } from './scenarios.mjs';

const create = 'POST /channels/:channel/messages', patch = 'PATCH /channels/:channel/messages/:message', thread = 'POST /channels/:channel/messages/:message/threads';
const callback = 'POST /interactions/:interaction/:token/callback', original = 'PATCH /webhooks/:webhook/:token/messages/:message';

function tallied(s, note, whats = ['lost', 'twice', 'misplaced', 'disorder', 'copies']) {
  const { tally } = s.discord, report = tally.report();
  for (const what of whats)
    for (const each of report[what]) note(`${what}: ${each}${what === 'twice' ? `: ${tally.answersTo(each).map((m) => `${m.channel.id}/${m.id} "${m.words}"`)}` : ''}`);
}

const noteOf = (s, name) => JSON.parse(state(s, `SELECT text FROM plugin_texts WHERE platform = 'discord' AND name = '${name}'`) || '{}');
const answered = (s) => s.discord.tally.open.length === 0 && idle(s);
const known = (s, guild, end) => state(s, `SELECT count(*) FROM "LLMAgentInstallation" WHERE name = 'bot/${guild.id}' AND "removedAt" IS ${end ? 'NOT NULL' : 'NULL'}`);
const option = (s, name) => s.app.commands.get('').find((c) => c.name === name).options[0].name;
const commands = (s) => until('the commands', () => (s.app.commands.get('') ?? []).length > 0);

// Each line of the long answer once and in order, `times` over.
function lines(messages, times, note) {
  const found = messages.flatMap((m) => m.words.match(/line \d+ of/g) ?? []).join();
  const once = Array.from({ length: 300 }, (_, n) => `line ${n + 1} of`).join();
  if (found !== Array(times).fill(once).join()) note(`not each part once and in order: ${messages.map((m) => m.words.slice(0, 20))}`);
}

const turns = (s) => Number(state(s, "SELECT count(DISTINCT turn_id) FROM inbox WHERE state = 'answered'"));

// In the guild's channel, where a message is posted and edited until the final text takes its place.
const shown = {
  model: 'ids',
  async act(s) {
    s.people.mention(s.ann, s.channel, s.app, `${arm} [slowly] [#1]`, { wants: '1' });
  },
  done: answered,
  check: tallied,
};

// A command; what it asks is answered where the interaction is, or, when that is over, in the channel.
const command = {
  model: 'ids', prepare: commands,
  async act(s) {
    s.discord.tally.expect(s.people.command(s.ann, s.channel, s.app, 'ask', { [option(s, 'ask')]: `${arm} [#1]` }), '1');
  },
  done: answered,
  check(s, note) {
    tallied(s, note);
    if (s.discord.tally.answersTo('1').some((m) => m.ephemeral)) note('what was meant for all was said to one');
  },
};

// It stops, and its session is lost meanwhile.
async function forgotten(s) {
  await s.daemon.stop();
  s.discord.gateway.forget(s.app);
}

export const discordScenarios = {
  shown,
  // A first message in a thread that is made for it.
  threads: { ...shown, own: { threads: true }, async act(s) {
    s.people.mention(s.ann, s.channel, s.app, `${arm} [#1]`, { wants: '1' });
  } },
  threadUnsure: { ...shown, own: { threads: true, preview: false },
    prepare(s) {
      for (const route of [thread, create]) s.discord.fault({ route, kind: 'lose', times: 1 });
    },
    async act(s) {
      s.people.mention(s.ann, s.channel, s.app, `${arm} [#1]`, { wants: '1' });
    } },
  // Its very first life, and somebody's very first words to it: of them no other process could know where to look.
  first: { ...shown, fresh: true, own: { preview: false },
    prepare: (s) => until('how far it came', () => noteOf(s, 'shard/0').session, 20),
    async act(s) {
      s.people.mention(s.ann, s.channel, s.app, `${arm} [#1]`, { wants: '1' });
      s.people.tell(s.bob, s.app, 'first words [#2]', { wants: '2' });
    } },
  // Two shards, each with what happened in its guilds.
  shards: { ...shown, own: { preview: false }, app: { shards: 2 },
    async act(s) {
      s.people.mention(s.ann, s.channel, s.app, `${arm} [#a]`, { wants: 'a' });
      for (let i = 0; i < 3; i++) s.people.mention(s.bob, s.there, s.app, `over there [#b${i}]`, { wants: `b${i}` });
    } },
  // In threads that are its own nobody has to call it by its name: also not the process that finds them, and that only resumes.
  followed: { ...shown, restarts: true, own: { threads: true, preview: false },
    async prepare(s) {
      const made = s.people.mention(s.ann, s.channel, s.app, 'let us talk');
      await s.answer(made);
      const here = s.people.thread(s.ann, s.channel, 'plans');
      await until('the end of it', () => idle(s));
      await wait(2500); // how far it came is written now and then
      await s.daemon.kill();
      s.people.mention(s.ann, here, s.app, `${arm} [#1]`, { wants: '1' });
      s.people.say(s.ann, here, 'and that, too [#2]', { wants: '2' });
      s.people.say(s.ann, made.thread, 'one thing more [#3]', { wants: '3' });
      s.people.say(s.bob, s.people.thread(s.ann, s.channel, 'of others'), 'nobody asks the bot here');
    },
    async act() {},
    async check(s, note) {
      tallied(s, note);
      if (s.asked('nobody asks').length) note('it was not asked');
    } },
  // Several places at once: events are taken in another order than they came.
  burst: { ...shown, own: { preview: false },
    async act(s) {
      for (let i = 0; i < 3; i++) {
        s.people.tell(s.ann, s.app, `${i ? '' : arm} [#a${i}]`, { wants: `a${i}` });
        s.people.mention(s.ann, s.channel, s.app, `line [#b${i}]`, { wants: `b${i}` });
        s.people.say(s.bob, s.channel, 'a remark to nobody');
      }
    } },
  // Discord takes its time: what was sent arrives when the next process looks at it already.
  slowly: { ...shown, own: { preview: false },
    prepare(s) {
      for (const route of [create, patch]) s.discord.fault({ route, kind: 'delay', ms: 600 });
    },
    async act(s) {
      s.people.tell(s.ann, s.app, `${arm} [#1]`, { wants: '1' });
      s.people.tell(s.ann, s.app, 'once more [#2]', { wants: '2' });
    },
    async check(s, note) {
      await wait(1000);
      tallied(s, note);
    } },
  // The answers of Discord are lost: of the message, or of the placeholder and of the edit that puts the text in.
  unsure: { ...shown, own: { preview: false },
    prepare(s) {
      s.discord.fault({ route: create, kind: 'lose', times: 2 });
    },
    async act(s) {
      s.people.tell(s.ann, s.app, `${arm} [#1]`, { wants: '1' });
    } },
  unsureShown: { ...shown,
    prepare(s) {
      for (const route of [create, patch]) s.discord.fault({ route, kind: 'lose', times: 1 });
    } },
  // The nonce is known no more: what stands in the channel is read. The answer is held back so long that it is old.
  readBack: { ...shown, own: { preview: false }, old: true,
    async act(s) {
      s.people.tell(s.ann, s.app, `${arm} [#1]`, { wants: '1' });
    } },
  // An answer in parts, and a question behind it whose answer must not overtake them.
  parts: {
    model: 'long-300', own: { document_parts: 0 },
    async act(s) {
      s.people.tell(s.ann, s.app, arm);
      await wait(50);
      s.second = s.people.tell(s.ann, s.app, 'once more');
    },
    done: (s) => s.second && Number(state(s, 'SELECT count(*) FROM inbox')) >= 2 + s.earlier && idle(s),
    check: (s, note) => lines(s.answers(s.dm()).slice(s.before), turns(s) - s.earlier, note),
  },
  // A very long answer comes as its beginning and a file, which has a nonce as everything else.
  document: {
    model: 'long-300', own: { document_parts: 1 },
    async act(s) {
      s.people.tell(s.ann, s.app, arm);
    },
    done: (s) => s.answers(s.dm()).length > s.before && idle(s),
    check(s, note) {
      const said = s.answers(s.dm()).slice(s.before), files = said.filter((m) => m.attachments.length);
      if (files.length !== 1) note(`${files.length} files`);
      if (said.filter((m) => !m.attachments.length && m.words.includes('line 1 of')).length !== 1) note(`its beginning: ${said.map((m) => m.words.slice(0, 40))}`);
    },
  },
  command,
  // The answers to the callback and to the edit of what it put there are lost.
  commandUnsure: { ...command,
    async prepare(s) {
      await commands(s);
      for (const route of [callback, original]) s.discord.fault({ route, kind: 'lose', times: 1 });
    } },
  // Over HTTP a person who is told that it did not work asks again.
  commandHttp: { ...command, http: true,
    async act(s) {
      for (let tries = 1; !s.over; tries++) {
        const wants = `t${tries}`, made = s.people.command(s.ann, s.channel, s.app, 'ask', { [option(s, 'ask')]: `${arm} [#${wants}]` });
        s.tries = tries;
        await until('the response', () => made.answeredAt !== null || made.failed, 20);
        if (made.failed) {
          await wait(50);
          continue;
        }
        s.discord.tally.expect(made, wants);
        s.acted = true;
        return;
      }
    },
    done: (s) => s.acted && answered(s),
    check(s, note) {
      tallied(s, note);
      for (let n = 1; n <= s.tries; n++) if (s.discord.tally.answersTo(`t${n}`).length > 1) note(`try ${n} was answered twice`);
    } },
  // Long: the first part stands in the interaction's own message, the others behind it.
  commandLong: {
    model: 'long-300', own: { document_parts: 0 }, prepare: commands,
    async act(s) {
      s.made = s.people.command(s.ann, s.channel, s.app, 'ask', { [option(s, 'ask')]: arm });
    },
    done: (s) => s.made && Number(state(s, 'SELECT count(*) FROM inbox')) > s.earlier && idle(s),
    check: (s, note) => lines(s.answers(s.channel), 1, note),
  },
  // What only one person sees.
  whisper: {
    model: 'ids', prepare: commands, held: ['unknown'],
    async act(s) {
      s.armed = s.people.say(s.bob, s.channel, arm);
      s.made = s.people.command(s.ann, s.channel, s.app, 'usage');
    },
    done: (s) => s.made && (s.made.answer !== null || s.answers(s.dm()).length > 1 || state(s, "SELECT count(*) FROM outbox WHERE state = 'unknown'") === '1') && idle(s),
    check(s, note) {
      const count = s.made.texts.length + s.answers(s.dm()).length - s.before;
      if (count !== 1) note(`${count} answers to /usage`);
      if (s.answers(s.channel).some((m) => !m.ephemeral)) note('what only one person should see was said to all');
    },
  },
  // What waits behind a running turn is changed.
  changed: {
    model: 'slow-500', discord: { chaos: {} },
    async prepare(s) {
      s.people.tell(s.ann, s.app, 'the first question');
      await until('the first turn', () => s.model.running > 0);
      s.waiting = s.people.tell(s.ann, s.app, 'a question with a tpyo in it');
      await until('it to be taken', () => state(s, "SELECT count(*) FROM inbox WHERE state = 'accepted'") === '1');
    },
    async act(s) {
      s.people.edit(s.waiting, `a question without a typo, ${arm}`);
      s.acted = true;
    },
    done: (s) => s.acted && gone(s, 'tpyo') && s.answers(s.dm()).length >= 2 && idle(s),
    check(s, note) {
      const answers = s.answers(s.dm()).length;
      if (answers !== turns(s)) note(`${answers} answers of ${turns(s)} turns`);
    },
  },
  // A guild adds it, and takes it out again.
  note: {
    model: 'ids',
    prepare(s) {
      s.club = s.discord.world.addGuild(arm, { members: [s.ann] });
    },
    async act(s) {
      s.people.addApp(s.ann, s.club, s.app);
      await until('the note', () => known(s, s.club, false) === '1', 40);
      s.people.kick(s.app, s.club);
      s.acted = true;
    },
    done: (s) => s.acted && known(s, s.club, true) === '1',
    check(s, note) {
      const rows = state(s, `SELECT count(*) FROM "LLMAgentInstallation" WHERE name = 'bot/${s.club.id}'`);
      if (rows !== '1') note(`${rows} rows of the guild`);
    },
  },
  // Taken out while it was down, and the session is lost: the list in READY says so.
  noteMissed: {
    model: 'ids', restarts: true,
    async prepare(s) {
      s.club = s.discord.world.addGuild('Club', { members: [s.ann] });
      s.people.addApp(s.ann, s.club, s.app);
      await until('the note', () => known(s, s.club, false) === '1', 40);
      await forgotten(s);
      s.people.kick(s.app, s.club);
      s.late = s.people.mention(s.ann, s.channel, s.app, `${arm} [#1]`, { wants: '1' });
    },
    async act() {},
    done: (s) => answered(s) && known(s, s.club, true) === '1',
    check: tallied,
  },
  // Said while it was down, the session still lives: replayed, and killed in the middle of it.
  replayed: { ...shown, restarts: true, own: { preview: false },
    async prepare(s) {
      await s.daemon.stop();
      for (let i = 1; i <= 4; i++) {
        s.people.tell(s.ann, s.app, `missed in private [#a${i}] ${arm}`, { wants: `a${i}` });
        s.people.mention(s.bob, s.channel, s.app, `missed in the guild [#b${i}]`, { wants: `b${i}` });
      }
    },
    async act(s) {
      s.people.tell(s.ann, s.app, 'live [#l1]', { wants: 'l1' });
    } },
  // Said while it was down, and the session is lost: read from the channels, killed in the middle of it.
  missed: { ...shown, restarts: true, own: { preview: false },
    async prepare(s) {
      await forgotten(s);
      for (let i = 1; i <= 4; i++) {
        s.people.tell(s.ann, s.app, `missed in private [#a${i}] ${arm}`, { wants: `a${i}` });
        s.people.mention(s.bob, s.channel, s.app, `missed in the guild [#b${i}]`, { wants: `b${i}` });
        s.people.mention(s.ann, s.room, s.app, `missed in a room [#c${i}]`, { wants: `c${i}` });
      }
    },
    async act(s) {
      s.people.tell(s.ann, s.app, 'live [#l1]', { wants: 'l1' });
      s.people.mention(s.bob, s.channel, s.app, 'live [#l2]', { wants: 'l2' });
    } },
  // More than one page of a channel, and a page whose answer is lost.
  missedPages: { ...shown, restarts: true, own: { preview: false },
    async prepare(s) {
      await forgotten(s);
      for (let i = 0; i < 230; i++) {
        const wants = i % 46 === 0 ? `p${i}` : null, text = `${arm} number ${i}`;
        if (wants) s.people.mention(s.bob, s.room, s.app, `${text} [#${wants}]`, { wants });
        else s.people.say(s.ann, s.room, text);
      }
      s.discord.fault({ route: 'GET /channels/:channel/messages', kind: 'lose', times: 1 });
    },
    async act(s) {
      s.people.mention(s.bob, s.room, s.app, 'live [#l1]', { wants: 'l1' });
    } },
  // The session is lost while messages come: between the end of the old one and READY of the new.
  invalid: { ...shown, own: { preview: false },
    async act(s) {
      s.people.tell(s.ann, s.app, `${arm} [#1]`, { wants: '1' });
      s.discord.gateway.forget(s.app);
      s.people.tell(s.ann, s.app, 'between two sessions [#2]', { wants: '2' });
      s.people.mention(s.bob, s.channel, s.app, 'between two sessions [#3]', { wants: '3' });
    } },
  file: {
    model: 'ids',
    async act(s) {
      s.people.tell(s.ann, s.app, `${arm} [#1]`, { files: [{ name: 'notes.txt', bytes: 'the notes of the meeting, kept' }], wants: '1' });
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

// Not compressed, so that the killer can read the words that arm it. People have talked to it before, and how far it came is written down.
async function build(scenario, model) {
  const s = new Stage(null, model, { modelName: scenario.model, discord: scenario.discord, app: scenario.app, own: { compress: false, ...scenario.own }, rest: scenario.rest, http: scenario.http });
  s.world = s.discord;
  await s.build({ start: false });
  s.room = s.discord.world.addChannel(s.guild, 'room');
  const settled = s.settled.bind(s), up = s.up.bind(s);
  s.settled = async () => {
    await settled({ strays: Infinity, killed: true });
    const { identifies } = s.discord.counts, counted = noteOf(s, 'identifies').count;
    if (!(counted >= identifies)) throw new Error(`${identifies} IDENTIFYs, and ${counted} are counted`);
  };
  if (scenario.fresh) return s;
  if (scenario.app) { // a guild of the other shard
    const shard = 1 - Number((BigInt(s.guild.id) >> 22n) % 2n), other = s.discord.world.addGuild('Other', { members: [s.ann, s.bob], shard, shards: 2 });
    s.people.addApp(s.ann, other, s.app);
    s.there = s.discord.world.addChannel(other, 'there');
  }
  await s.up();
  await until('all shards', () => s.live.length === (scenario.app?.shards ?? 1), 20);
  await s.answer(s.people.tell(s.ann, s.app, 'a word before'), 1, 40);
  await until('how far it came', () => noteOf(s, 'shard/0').session && (!scenario.app || noteOf(s, 'shard/1').session), 20);
  await until('all of that', () => idle(s), 40);
  await s.settled();
  s.earlier = 1;
  s.before = s.answers(s.dm()).length;
  await s.daemon.stop();
  if (scenario.old) s.up = () => {
    const later = state(s, "SELECT count(*) FROM outbox WHERE state IN ('pending', 'sending')") !== '0';
    if (later) {
      s.discord.knobs.nonceMs = 0;
      sql(s.daemon.dir, "UPDATE outbox SET created_at = strftime('%Y-%m-%dT%H:%M:%fZ', created_at, '-3 minutes') WHERE state IN ('pending', 'sending')");
    }
    return up();
  };
  return s;
}

function leftBehind(s, say, counts) {
  counts.previews += s.discord.tally.report().strays.length;
  counts.identifies = (counts.identifies ?? 0) + s.discord.counts.identifies;
  for (const m of s.discord.tally.said.filter((each) => isPreview(each)))
    if (m.words.trim().length > 1) say(`a half answer was left behind: ${m.channel.id}/${m.id} "${m.words.slice(0, 40)}"`);
}

export const discordWays = { name: 'discord', scenarios: discordScenarios, build, leftBehind };

if (process.argv[1] === new URL(import.meta.url).pathname) await main(discordWays);
