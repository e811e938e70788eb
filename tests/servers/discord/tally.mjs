// The account of a run: each message that wants an answer has exactly one final answer, in its channel or in the thread made from
// it, in order. An answer is found by the ids it carries ("[#7]"), which the model repeats. Previews that were left behind are
// strays, counted apart.
import { later } from './snowflake.mjs';

export const idsIn = (text) => [...text.matchAll(/\[#([\w.-]+)\]/g)].map((m) => m[1]);

export class Tally {
  #known = null; // since nothing changed

  constructor(discord) {
    this.discord = discord;
    this.expected = new Map(); // id -> message, or interaction
    this.isPreview = (m) => /(…|▌|\.\.\.)\s*$/.test(m.words) || (m.flags & 128) !== 0;
    this.isSideline = () => false; // messages that answer nobody: status lines, hints
  }

  expect(message, id) {
    this.expected.set(id, message);
  }

  // All that bots have said and that still stands; whispers too.
  get said() {
    return [...this.discord.world.channels.values()].flatMap((channel) => channel.live.filter((m) => m.app));
  }

  #finals() {
    if (this.#known?.version === this.discord.sessions.version) return this.#known.finals;
    const finals = new Map(); // id -> messages that answer it
    for (const m of this.said) if (!this.isPreview(m)) for (const id of new Set(idsIn(m.words))) finals.set(id, [...(finals.get(id) ?? []), m]);
    this.#known = { version: this.discord.sessions.version, finals };
    return finals;
  }

  answersTo(id) {
    return this.#finals().get(id) ?? [];
  }

  get open() {
    const finals = this.#finals();
    return [...this.expected.keys()].filter((id) => !finals.has(id));
  }

  // {expected, answered, strays, lost, twice, misplaced, disorder, copies}: from `lost` on lists of what is wrong.
  report() {
    const finals = this.#finals(), report = { expected: this.expected.size, answered: 0, strays: [], lost: [], twice: [], misplaced: [], disorder: [], copies: [] };
    const rows = new Map();
    for (const [id, message] of this.expected) {
      const answers = finals.get(id) ?? [], { channel } = message;
      if (answers.length === 0) report.lost.push(id);
      else report.answered++;
      if (answers.length > 1) report.twice.push(id);
      for (const answer of answers) if (answer.channel !== channel && answer.channel.id !== message.id) report.misplaced.push(id);
      const key = channel.guild && !channel.isThread ? `${channel.id} ${(message.author ?? message.user).id}` : channel.id;
      if (answers[0]?.channel === channel) rows.set(key, [...(rows.get(key) ?? []), { id, asked: message.id, answer: answers[0] }]);
    }
    for (const [key, list] of rows) {
      list.sort((a, b) => (later(a.asked, b.asked) ? 1 : -1));
      if (list.some((e, i) => i > 0 && later(list[i - 1].answer.id, e.answer.id))) report.disorder.push(`${key}: ${list.map((e) => `${e.id} at ${e.answer.id}`).join(', ')}`);
    }
    const texts = new Map();
    for (const m of this.said) {
      if (this.isPreview(m)) report.strays.push(m);
      else if (!this.isSideline(m) && idsIn(m.words).length) {
        const key = `${m.channel.id} ${m.words}`;
        if (texts.has(key)) report.copies.push(key);
        texts.set(key, m);
      }
    }
    return report;
  }
}
