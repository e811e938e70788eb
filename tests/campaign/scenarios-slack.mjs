// What is on its way through Slack when the daemon is killed: what people do, when it is through, and what must hold.
// Everything a person does that the daemon did not take is done again, as people and Slack do. The killer counts from the
// words "kill-arm" on.
//   node campaign/scenarios-slack.mjs POINTS [SCENARIO...]      (USHER: the binary; CC: the compiler; LANES: lives at a time)
import { existsSync, readFileSync } from 'node:fs';
import { isPreview, publicUrl, Stage } from '../e2e/slack-kit.mjs';
import { Browser } from '../servers/slack/browser.mjs';
import { until, wait } from '../e2e/harness.mjs';
import { arm, gone, idle, insist, main, state } from './lives.mjs';

const taken = (message) => message.deliveries.some((d) => d.state === 'acked');

function tallied(s, note, whats = ['lost', 'twice', 'misplaced', 'disorder', 'copies']) {
  const report = s.slack.tally.report();
  for (const what of whats)
    for (const each of report[what]) note(`${what}: ${each}${what === 'twice' ? `: ${s.slack.tally.answersTo(each).map((m) => `${m.ts} ${m.threadTs} "${m.text}"`)}` : ''}`);
}

// The model is not asked for words that were changed or taken back before it was asked.
function unasked(s, words, since, note) {
  if (since === Infinity) note(`that "${words}" is no more was never taken`);
  if (s.asked(words).some((r) => !(r.at <= since))) note(`the model was asked for "${words}" after it had been taken back`);
}

const files = (s) => ['usher.db', 'usher.db-wal'].map((name) => `${s.daemon.dir}/${name}`).filter(existsSync);

function sealed(s, tokens, note) {
  for (const file of files(s)) for (const token of tokens) if (readFileSync(file).includes(token)) note(`a token can be read in ${file}`);
}

// usher whose app others may add.
const open = {
  root: false, rest: { listen: { address: '127.0.0.1', port: 0, public_url: publicUrl } }, sealed: true,
  app: { redirectUrls: [`${publicUrl}/slack/acme/oauth`] },
};

async function add(s, mark = '') {
  const browser = new Browser({ [publicUrl]: s.daemon.url });
  const button = await browser.ask(`${publicUrl}/slack/acme/install`);
  const consent = await browser.go(browser.link(button, /Slack/));
  const { location } = await browser.ask(browser.link(consent, /Acme/));
  return (await browser.ask(`${location}${mark}`)).status === 200;
}

function settle(s) {
  s.bot = s.app.installations.at(-1);
  s.channel ??= s.slack.world.addChannel(s.team, 'general', { members: [s.ann, s.bot.bot] });
}

export const slackScenarios = {
  // A direct message whose answer is shown as it grows.
  streamed: {
    model: 'ids',
    async act(s) {
      s.said = s.people.tell(s.ann, s.bot, `${arm} [slowly] [#1]`, { wants: '1' });
    },
    done: (s) => s.slack.tally.answered('1'),
    check: tallied,
  },
  // The same where a message is edited again and again instead.
  edited: {
    model: 'ids', transport: 'http', app: { agent: false },
    async act(s) {
      s.said = s.people.say(s.ann, s.channel, s.mention(`${arm} [slowly] [#1]`), { wants: '1' });
    },
    done: (s) => s.slack.tally.answered('1'),
    check: tallied,
  },
  // Slack takes its time: an answer that was sent arrives when the next process looks for it already.
  slowly: {
    model: 'ids', transport: 'http',
    prepare(s) {
      s.slack.fault({ method: 'chat.postMessage', kind: 'delay', ms: 900 });
    },
    async act(s) {
      s.said = s.people.say(s.ann, s.channel, s.mention(`${arm} [#1]`), { wants: '1' });
    },
    done: (s) => s.slack.tally.answered('1') && idle(s),
    async check(s, note) {
      await wait(1000);
      tallied(s, note);
    },
  },
  // An answer in three parts, and a question behind it whose answer must not overtake them.
  parts: {
    model: 'long-300', transport: 'http',
    async act(s) {
      s.said = s.people.say(s.ann, s.channel, s.mention(arm));
      await until('the first to be taken', () => taken(s.said), 30);
      s.second = s.people.say(s.ann, s.channel, 'once more', { thread: s.said });
    },
    done: (s) => s.second && taken(s.second) && idle(s) && s.answers(s.channel, s.said.ts).at(-1)?.text.includes('the end'),
    check(s, note) {
      const parts = s.answers(s.channel, s.said.ts);
      const lines = parts.flatMap((m) => m.text.match(/line \d+ of/g) ?? []).join();
      const once = Array.from({ length: 300 }, (_, n) => `line ${n + 1} of`).join();
      const answers = Number(state(s, "SELECT count(DISTINCT turn_id) FROM inbox WHERE state = 'answered'")); // one for both after a crash, perhaps
      if (lines !== Array(answers).fill(once).join()) note(`not each part once and in order: ${parts.map((m) => `${m.ts} ${m.text.slice(0, 20)}`)}`);
      if (parts.length < 3 * answers) note(`${parts.length} parts of ${answers} answers`);
    },
  },
  // The answer to a command is seen by one person; whether it arrived can't be read back, so an unsure one is held.
  command: {
    model: 'echo', held: ['unknown'],
    prepare(s) {
      s.place = s.slack.world.addChannel(s.team, arm, { members: [s.ann, s.bot.bot] });
      s.given = [];
    },
    async act(s) {
      await insist(s, async () => {
        const given = await s.people.command(s.ann, s.bot, s.place, '/usher', 'help');
        s.given.push(given);
        return given.ok;
      });
    },
    done: (s) => s.given.at(-1).entry.posts.length > 0 || state(s, "SELECT count(*) FROM outbox WHERE state = 'unknown'") !== '0',
    check(s, note) {
      const held = Number(state(s, "SELECT count(*) FROM outbox WHERE state = 'unknown'"));
      const shown = s.given.map((g) => g.entry.posts.length);
      if (shown.some((n) => n > 1)) note(`a command was answered twice: ${shown}`);
      if (held > 1) note(`${held} answers are held`);
      if (held === 0 && s.slack.ephemerals.length < 1) note('the command was not answered');
      if (s.answers(s.place).length) note('others saw the answer to a command');
    },
  },
  // What waits behind a running turn is changed, and taken back.
  changed: {
    model: 'slow-700',
    async prepare(s) {
      s.root = s.people.say(s.ann, s.channel, s.mention('the first question'));
      await until('the first turn', () => s.model.running > 0);
      s.waiting = s.people.say(s.ann, s.channel, 'a question with a tpyo in it', { thread: s.root });
      s.gone = s.people.say(s.ann, s.channel, 'a question that is taken back', { thread: s.root });
      await until('both to be taken', () => taken(s.waiting) && taken(s.gone));
    },
    async act(s) {
      s.people.edit(s.waiting, `a question without a typo, ${arm}`);
      s.people.remove(s.gone);
    },
    done: (s) => s.answers(s.channel, s.root.ts).length >= 2 && gone(s, 'tpyo') && gone(s, 'taken back'),
    check(s, note) {
      const at = (message, type) => Math.min(...message.deliveries.filter((d) => d.envelope.event.subtype === type && d.state === 'acked').map((d) => d.ackedAt));
      unasked(s, 'tpyo', at(s.waiting, 'message_changed'), note);
      unasked(s, 'taken back', at(s.gone, 'message_deleted'), note);
      const answers = s.answers(s.channel, s.root.ts);
      if (answers.length !== 2) note(`${answers.length} answers: ${answers.map((m) => m.text)}`);
    },
  },
  feedback: {
    model: 'echo', transport: 'http',
    async prepare(s) {
      s.answered = await s.answer(s.people.tell(s.ann, s.bot, 'was this a good answer?'));
      await s.settled();
    },
    async act(s) {
      const buttons = s.answered.blocks.flatMap((b) => b.elements ?? []).find((e) => e.type === 'feedback_buttons');
      for (const button of ['positive_button', 'negative_button'])
        await insist(s, async () => (await s.people.click(s.ann, s.answered, { type: 'feedback_buttons', action_id: buttons.action_id, block_id: arm, value: buttons[button].value })).ok);
      s.clicked = true;
    },
    done: (s) => s.clicked,
    check(s, note) {
      const value = state(s, 'SELECT value FROM feedback');
      if (value !== 'down') note(`recorded: ${value}`);
      if (s.answers(s.answered.channel).length !== 1) note('a click was answered');
    },
  },
  // A workspace adds the app; something is said there at once.
  install: {
    model: 'ids', transport: 'http', stage: open,
    async act(s) {
      await insist(s, () => add(s, `&from=${arm}`));
      settle(s);
      s.said = s.people.say(s.ann, s.channel, s.mention('hello [#1]'), { wants: '1' });
    },
    done: (s) => s.said && s.slack.tally.answered('1'),
    check(s, note) {
      tallied(s, note);
      const rows = state(s, `SELECT count(*) FROM "LLMAgentInstallation" WHERE name = 'acme/${s.team.id}' AND secrets IS NOT NULL`);
      if (rows !== '1') note(`${rows} rows of the installation`);
      sealed(s, s.bot.tokens.map((t) => t.token), note);
    },
  },
  // Taken out while a turn runs there and another message waits: nothing is said there any more, and the secrets are erased.
  removed: {
    model: 'slow-500', transport: 'http', stage: open, held: ['cancelled', 'rejected'],
    async prepare(s) {
      await insist(s, () => add(s));
      settle(s);
      await s.answer(s.people.say(s.ann, s.channel, s.mention('the first question')));
      await s.settled();
      s.running = s.people.say(s.ann, s.channel, s.mention('a question under way'));
      await until('the turn', () => s.model.running > 0);
      s.waits = s.people.say(s.ann, s.channel, 'and another', { thread: s.running });
      await until('it to be taken', () => taken(s.waits));
    },
    async act(s) {
      const { app, bot, slack } = s;
      const event = (inner) => slack.deliveries.event(app, app.envelope(bot, { ...inner, event_ts: slack.world.ts(), arm }, null));
      s.uninstalled = Date.now();
      bot.revoke('account_inactive');
      const deliveries = [event({ type: 'app_uninstalled' }), event({ type: 'tokens_revoked', tokens: { oauth: [], bot: [bot.bot.id] } })];
      bot.active = false;
      await Promise.all(deliveries);
      s.told = true;
    },
    done: (s) => s.told && state(s, `SELECT count(*) FROM "LLMAgentInstallation" WHERE name = 'acme/${s.team.id}' AND secrets IS NULL AND "removedAt" IS NOT NULL`) === '1' &&
      state(s, "SELECT count(*) FROM inbox WHERE state IN ('accepted', 'claimed')") === '0',
    check(s, note) {
      // What was posted before is no fault: the model may have been quicker than the scenario.
      if (s.slack.api.calls.some((c) => c.at > s.uninstalled && c.result?.ok && c.tokenUsed && c.method.startsWith('chat.'))) note('a reply in a workspace that removed us');
      sealed(s, s.bot.tokens.map((t) => t.token), note);
      const left = state(s, "SELECT count(*) FROM outbox WHERE state IN ('pending', 'sending')");
      if (left !== '0') note(`${left} replies are still due`);
    },
  },
  // Tokens that last two hours are renewed as soon as they are three seconds old: killed between Slack's answer, which ends
  // the old refresh token, and our commit of the new one.
  rotated: {
    model: 'ids', transport: 'http', stage: { ...open, app: { ...open.app, rotation: true, tokenSeconds: 7203 } },
    async prepare(s) {
      await insist(s, () => add(s));
      settle(s);
      s.people.say(s.ann, s.channel, s.mention(`question [#1] ${arm}`), { wants: '1' });
    },
    async act(s) {
      await until('a renewal', () => s.slack.counts.refreshed > 0);
      s.people.say(s.ann, s.channel, s.mention('question [#2]'), { wants: '2' });
    },
    done: (s) => s.slack.tally.open.length === 0,
    check(s, note) {
      tallied(s, note);
      sealed(s, s.bot.tokens.map((t) => t.token), note);
    },
  },
  // The Stop button under a growing answer: the turn ends, and what is said next is answered.
  stopped: {
    model: 'drip-150',
    async prepare(s) {
      s.said = s.people.say(s.ann, s.channel, s.mention('a very long story about very many things, '.repeat(12)));
      s.growing = await until('the stream', () => s.channel.replies(s.said.ts).find((m) => m.stream));
    },
    async act(s) {
      s.people.stop(s.ann, s.growing);
      s.more = s.people.say(s.ann, s.channel, s.mention(`${arm} something shorter`), { thread: s.said });
    },
    done: (s) => s.answers(s.channel, s.said.ts).some((m) => m.text.includes('something shorter')),
    check(s, note) {
      const answers = s.answers(s.channel, s.said.ts);
      if (answers.length > 2 || answers.filter((m) => m.text.includes('something shorter')).length !== 1) note(`${answers.map((m) => m.text.slice(0, 40))}`);
    },
  },
  // "Ask usher about this".
  shortcut: {
    model: 'ids', transport: 'http',
    async prepare(s) {
      s.said = s.people.say(s.bob, s.channel, `the figures of the third quarter [#1] ${arm}`);
      s.asks = 0;
    },
    async act(s) {
      await insist(s, async () => (s.asks++, (await s.people.shortcut(s.ann, s.bot, s.said, s.app.shortcuts[0])).ok));
    },
    done: (s) => s.answers(s.channel, s.said.ts).length > 0 && idle(s),
    check(s, note) {
      // Asked again because it was not taken: the first one may have been stored all the same.
      const asked = Number(state(s, "SELECT count(*) FROM inbox WHERE state = 'answered'")), answers = s.answers(s.channel, s.said.ts).length;
      if (asked !== answers || asked > s.asks) note(`asked ${s.asks} times, stored ${asked}, answered ${answers}`);
    },
  },
  file: {
    model: 'ids',
    async act(s) {
      s.said = s.people.tell(s.ann, s.bot, `${arm} [#1]`, { wants: '1', files: [s.people.upload(s.ann, { name: 'notes.txt', bytes: 'the notes of the meeting, kept' })] });
    },
    done: (s) => s.slack.tally.answered('1'),
    check(s, note) {
      tallied(s, note);
      const rows = state(s, `SELECT "inputFileName", coalesce("errorMessage", '') FROM "LLMAgentImport"`);
      if (rows !== 'notes.txt|') note(`files: ${rows}`);
      if (!JSON.stringify(s.asked('notes.txt').at(-1)?.messages.at(-1)).includes('notes.txt')) note('the model was not told of the file');
    },
  },
  // Missed while it was down, in a thread, beside it and in private; found again while it is killed in the middle.
  missed: {
    model: 'ids', restarts: true,
    async prepare(s) {
      s.root = s.people.say(s.ann, s.channel, s.mention('question [#r]'), { wants: 'r' });
      s.private = s.people.tell(s.ann, s.bot, 'question [#p]', { wants: 'p' });
      await until('both answers', () => s.slack.tally.open.length === 0);
      await s.settled();
      await s.daemon.stop();
      await until('the connection to be gone', () => s.slack.sockets.of(s.app).length === 0);
      const { retries } = s.slack.knobs;
      s.slack.knobs.retries = [];
      const missed = [
        s.people.say(s.ann, s.channel, s.mention(`missed [#m1] ${arm}`), { wants: 'm1' }),
        s.people.say(s.ann, s.channel, 'missed in the thread [#m2]', { thread: s.root, wants: 'm2' }),
        s.people.say(s.ann, s.channel, 'missed in the thread too [#m3]', { thread: s.root, wants: 'm3' }),
        s.people.tell(s.ann, s.bot, 'missed in private [#m4]', { wants: 'm4' }),
        s.people.say(s.ann, s.private.channel, 'missed in the private thread [#m5]', { thread: s.private, wants: 'm5' }),
      ];
      // Each begins a moment later; the first one has a twin.
      await until('the deliveries to be given up', () => missed.every((m, i) => m.deliveries.length === (i ? 1 : 2)) && s.slack.deliveries.running === 0);
      s.slack.knobs.retries = retries;
    },
    async act(s) {
      await s.slack.pause(30); // while it reads: live ones come beside them
      s.people.say(s.ann, s.channel, 'live in the thread [#l1]', { thread: s.root, wants: 'l1' });
    },
    done: (s) => s.slack.tally.open.length === 0,
    check(s, note) {
      tallied(s, note, ['lost', 'twice', 'misplaced', 'copies']); // what is said while it looks may be answered before what was missed,
      const [first, second] = ['m2', 'm3'].map((id) => s.slack.tally.answersTo(id)[0]?.ts); // but that keeps its order
      if (second < first) note('m3 was answered before m2');
    },
  },
};

// ---- lives -----------------------------------------------------------------------------------------------------

async function build(scenario, model) {
  const { rest, app, root } = scenario.stage ?? {};
  const s = new Stage(null, model, {
    transport: scenario.transport, modelName: scenario.model, root, rest, app: { ...app, ...scenario.app },
    slack: { knobs: { retries: Array(100).fill(150), ackMs: 1500 } },
  });
  s.world = s.slack;
  await s.build({ start: false });
  if (scenario.stage?.sealed) {
    s.make.own = { client_id: s.app.clientId, client_secret: s.app.clientSecret };
    s.make.rest = { ...rest, store: { url: `sqlite:${s.daemon.dir}/usher.db`, key: Buffer.alloc(32, 7).toString('base64') } };
    s.daemon.configure(s.settings());
  }
  return s;
}

function leftBehind(s, say, counts) {
  for (const channel of s.slack.world.channels.values())
    for (const m of channel.list.filter((each) => each.app === s.app && isPreview(each))) {
      counts.previews++; // of one whose end was not recorded anywhere when it was stopped: it grows no more
      if (m.stream?.state === 'in_progress' || !m.stream) say(`a preview was left behind: ${m.ts} ${m.how} "${m.text.slice(0, 40)}"`);
    }
}

export const slackWays = { name: 'slack', scenarios: slackScenarios, build, leftBehind };

if (process.argv[1] === new URL(import.meta.url).pathname) await main(slackWays);
