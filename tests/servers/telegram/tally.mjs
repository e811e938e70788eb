// The account of a run: each message that wants an answer has exactly one final answer in its chat (and topic), in order.
// An answer is found by the ids it carries ("[#7]"), which the model repeats from the messages it answers. A placeholder that
// was edited into the answer is the same message; one that was left behind is a stray, counted apart.
export const idsIn = (text) => [...text.matchAll(/\[#([\w.-]+)\]/g)].map((m) => m[1]);

export class Tally {
  constructor(telegram) {
    this.telegram = telegram;
    this.expected = new Map(); // id -> message
    // What a growing answer looks like while it grows; a program may have another mark.
    this.isPreview = (m) => /(…|▌|\.\.\.)\s*$/.test(m.words);
    this.isSideline = () => false; // messages that answer nobody: status lines, hints
  }

  expect(message, id) {
    this.expected.set(id, message);
  }

  // All that bots have said and that still stands.
  get said() {
    const chats = [...this.telegram.world.chats.values(), ...[...this.telegram.bots.values()].flatMap((bot) => [...bot.privates.values()])];
    return chats.flatMap((chat) => chat.list.filter((m) => m.bot));
  }

  #finals() {
    const finals = new Map(); // id -> messages that answer it
    for (const m of this.said) if (!this.isPreview(m)) for (const id of new Set(idsIn(m.words))) finals.set(id, [...(finals.get(id) ?? []), m]);
    return finals;
  }

  answersTo(id) {
    return this.#finals().get(id) ?? [];
  }

  get open() {
    const finals = this.#finals();
    return [...this.expected.keys()].filter((id) => !finals.has(id));
  }

  // {expected, answered, strays, previews, lost, twice, misplaced, disorder, copies}: from `lost` on lists of what is wrong, but strays are only counted.
  report() {
    const finals = this.#finals(), report = { expected: this.expected.size, answered: 0, strays: [], lost: [], twice: [], misplaced: [], disorder: [], copies: [] };
    const rows = new Map();
    for (const [id, message] of this.expected) {
      const answers = finals.get(id) ?? [], { chat, topic } = message;
      if (answers.length === 0) report.lost.push(id);
      else report.answered++;
      if (answers.length > 1) report.twice.push(id);
      for (const answer of answers) if ((answer.chat !== chat && answer.chat !== chat.migratedTo) || (topic && answer.topic !== topic)) report.misplaced.push(id);
      const key = `${chat.id} ${topic?.id ?? ''}`;
      rows.set(key, [...(rows.get(key) ?? []), { id, answer: answers[0] }]);
    }
    for (const [key, list] of rows) {
      const order = list.filter((e) => e.answer).map((e) => e.answer.id);
      if (order.some((id, i) => i > 0 && id < order[i - 1])) report.disorder.push(`${key}: ${list.map((e) => `${e.id} at ${e.answer?.id}`).join(', ')}`);
    }
    const texts = new Map();
    for (const m of this.said) {
      if (this.isPreview(m)) report.strays.push(m);
      else if (!this.isSideline(m) && idsIn(m.words).length) {
        const key = `${m.chat.id} ${m.words}`;
        if (texts.has(key)) report.copies.push(key);
        texts.set(key, m);
      }
    }
    return report;
  }
}
