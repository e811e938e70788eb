// The account of a run: each message that wants an answer has exactly one final answer in its thread, in order.
// An answer is found by the ids it carries ("[#7]"), which the model repeats from the messages it answers.
export const idsIn = (text) => [...text.matchAll(/\[#([\w.-]+)\]/g)].map((m) => m[1]);

export class Tally {
  constructor() {
    this.expected = new Map(); // id -> message
    this.isPreview = (m) => m.how === 'stream'; // an app may have more ways to show what grows
  }

  expect(message, id) {
    this.expected.set(id, message);
  }

  // An answer stands in the thread of its question, or under it; in a direct conversation perhaps beside it.
  answersTo(id) {
    const message = this.expected.get(id);
    return message.channel.list.filter((m) => m.app && !this.isPreview(m) && idsIn(m.text).includes(id));
  }

  answered(id) {
    return this.answersTo(id).length > 0;
  }

  get open() {
    const said = this.#said();
    return [...this.expected.keys()].filter((id) => !said.has(id));
  }

  #said() {
    const said = new Map(); // id -> messages that answer it
    for (const channel of new Set([...this.expected.values()].map((m) => m.channel)))
      for (const m of channel.list)
        if (m.app && !this.isPreview(m)) for (const id of idsIn(m.text)) said.set(id, [...(said.get(id) ?? []), m]);
    return said;
  }

  // {expected, answered, lost, twice, misplaced, disorder, leftovers, copies}: all but the first two are lists of what is wrong.
  report() {
    const said = this.#said();
    const report = { expected: this.expected.size, answered: 0, lost: [], twice: [], misplaced: [], disorder: [], leftovers: [], copies: [] };
    const threads = new Map();
    for (const [id, message] of this.expected) {
      const answers = said.get(id) ?? [];
      if (answers.length === 0) report.lost.push(id);
      else report.answered++;
      if (answers.length > 1) report.twice.push(id);
      for (const answer of answers) if (answer.threadTs !== message.root && !(message.channel.kind === 'im' && answer.threadTs === null)) report.misplaced.push(id);
      const key = `${message.channel.id} ${message.root}`;
      threads.set(key, [...(threads.get(key) ?? []), { id, answer: answers[0] }]);
    }
    for (const [key, list] of threads) {
      const order = list.filter((e) => e.answer).map((e) => e.answer.ts);
      if (order.some((ts, i) => i > 0 && ts < order[i - 1])) report.disorder.push(`${key}: ${list.map((e) => `${e.id} at ${e.answer?.ts} (${e.answer?.writes.map((w) => w.how)})`).join(', ')}`);
    }
    for (const channel of new Set([...this.expected.values()].map((m) => m.channel))) {
      const marks = new Map();
      for (const m of channel.list.filter((each) => each.app)) {
        if (this.isPreview(m)) report.leftovers.push(m.ts);
        const mark = m.metadata?.event_payload?.id;
        if (mark && marks.has(mark)) report.copies.push(mark);
        marks.set(mark, true);
      }
    }
    return report;
  }
}
