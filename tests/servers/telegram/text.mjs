// What becomes of a text on its way into a message: cleaned, its entities nested properly, trimmed, and what the server finds
// in it marked. After TDLib's fix_formatted_text. Offsets are UTF-16 units, as JavaScript counts.
import { bad } from './refusal.mjs';
import { parseHtml } from './html.mjs';

const splittable = ['bold', 'italic', 'underline', 'strikethrough', 'spoiler'];
const quotes = ['blockquote', 'expandable_blockquote'];
const closed = ['pre', 'code', 'date_time']; // contain nothing, and stand in nothing but a quotation
const continuous = ['mention', 'hashtag', 'bot_command', 'url', 'email', 'text_link', 'text_mention', 'cashtag', 'phone_number', 'custom_emoji'];
const written = [...splittable, ...quotes, ...closed, 'text_link', 'text_mention', 'custom_emoji']; // may be given by a bot
const priorities = { bold: 90, italic: 91, code: 20, text_link: 49, text_mention: 49, underline: 92, strikethrough: 93, blockquote: 0, expandable_blockquote: 0, spoiler: 94, custom_emoji: 99, date_time: 30 };
const priority = (e) => (e.type === 'pre' ? (e.language ? 10 : 11) : priorities[e.type] ?? 50);
const end = (e) => e.offset + e.length;
const order = (a, b) => a.offset - b.offset || b.length - a.length || priority(a) - priority(b);

function valid(entities) {
  const ends = {};
  let stack = [];
  for (const e of entities) {
    stack = stack.filter((s) => e.offset < end(s));
    const parent = stack.at(-1);
    if (parent) {
      const types = stack.map((s) => s.type);
      if (end(e) > end(parent) || types.includes(e.type) || closed.includes(parent.type)) return false;
      if (closed.includes(e.type) && types.some((t) => !quotes.includes(t))) return false;
      if ((continuous.includes(e.type) || quotes.includes(e.type)) && types.some((t) => continuous.includes(t))) return false;
      if (quotes.includes(e.type) && types.some((t) => quotes.includes(t))) return false;
      if (types.some((t) => splittable.includes(t))) return false;
    }
    if (splittable.includes(e.type)) {
      if (ends[e.type] >= e.offset) return false;
      ends[e.type] = end(e);
    }
    stack.push(e);
  }
  return true;
}

function withoutOverlaps(entities) {
  let last = 0;
  return entities.filter((e) => e.offset >= last && ((last = end(e)), true));
}

const crosses = (e, q) => e.offset < end(q) && q.offset < end(e) && !(q.offset <= e.offset && end(e) <= end(q));

// Bold and its like are cut where others begin and end, and left out of code.
function split(own, others) {
  const runs = [];
  for (const type of splittable) {
    let run = null;
    for (const e of own.filter((each) => each.type === type)) {
      if (run && e.offset <= end(run)) run.length = Math.max(end(run), end(e)) - run.offset;
      else runs.push((run = { type, offset: e.offset, length: e.length }));
    }
  }
  const borders = [...new Set([...runs, ...others].flatMap((e) => [e.offset, end(e)]))].sort((a, b) => a - b);
  const parts = [];
  for (const run of runs) {
    const inner = borders.filter((b) => b > run.offset && b < end(run) && (others.some((o) => o.offset === b || end(o) === b) || runs.some((r) => r.offset === b)));
    let from = run.offset;
    for (const to of [...inner, end(run)]) {
      if (!others.some((o) => closed.includes(o.type) && o.offset <= from && to <= end(o))) parts.push({ type: run.type, offset: from, length: to - from });
      from = to;
    }
  }
  return parts.sort(order);
}

export function fixEntities(entities) {
  entities = entities.filter((e) => e.length > 0).sort(order);
  if (valid(entities)) return entities;
  const inQuotes = withoutOverlaps(entities.filter((e) => quotes.includes(e.type)));
  const others = withoutOverlaps(entities.filter((e) => !splittable.includes(e.type) && !quotes.includes(e.type))).filter((e) => !inQuotes.some((q) => crosses(e, q)));
  const rest = [...others, ...inQuotes].sort(order);
  return [...rest, ...split(entities.filter((e) => splittable.includes(e.type)), rest)].sort(order);
}

// Control characters become spaces, some characters go; entities follow.
function clean(text, entities) {
  const map = new Array(text.length + 1);
  let out = '';
  for (let i = 0; i < text.length; i++) {
    map[i] = out.length;
    const c = text.charCodeAt(i);
    if (c === 13 || (c >= 0x2028 && c <= 0x202e) || c === 0x333 || c === 0x33f || c === 0x30a) continue;
    out += c <= 32 && c !== 10 ? ' ' : text[i];
  }
  map[text.length] = out.length;
  const shifted = entities.map((e) => ({ ...e, offset: map[e.offset], length: map[end(e)] - map[e.offset] }));
  return { text: out.replace(/[\u200e\u200f]+/g, (run) => '\u200c'.repeat(run.length - 1) + run.at(-1)), entities: shifted.filter((e) => e.length > 0) };
}

function trim({ text, entities }) {
  const last = text.length - /[ \n]*$/.exec(text)[0].length;
  const kept = entities.filter((e) => e.offset < last).map((e) => ({ ...e, length: Math.min(e.length, last - e.offset) }));
  const first = Math.min(/^[ \n]*/.exec(text)[0].length, kept[0]?.offset ?? Infinity, last);
  return { text: text.slice(first, last), entities: kept.map((e) => ({ ...e, offset: e.offset - first })).sort(order) };
}

const patterns = [
  ['url', /(?<![\w@.])(?:https?:\/\/[^\s<>"]+[^\s<>".,;:!?)\]}']|(?:[a-z0-9-]+\.)+(?:com|org|net|io|me|dev|example|test)\b(?:\/[^\s<>"]*[^\s<>".,;:!?)\]}'])?)/gi],
  ['email', /(?<![\w.+-])[\w.+-]+@[\w-]+(?:\.[\w-]+)+/g],
  ['mention', /(?<![\w@/])@[A-Za-z0-9_]{3,32}(?!\w)/g],
  ['bot_command', /(?<![\w/@<>])\/[A-Za-z0-9_]{1,64}(?:@[A-Za-z0-9_]{3,32})?(?![\w/])/g],
  ['hashtag', /(?<![\p{L}\p{N}_&])#(?=[\p{L}\p{N}_]*[\p{L}_])[\p{L}\p{N}_]{1,256}/gu],
];

// What the server finds in a text by itself.
export function found(text) {
  const all = patterns.flatMap(([type, pattern]) => [...text.matchAll(pattern)].map((m) => ({ type, offset: m.index, length: m[0].length })));
  return withoutOverlaps(all.sort(order));
}

export function withFound({ text, entities }) {
  const others = entities.filter((e) => !splittable.includes(e.type) && !quotes.includes(e.type)), inQuotes = entities.filter((e) => quotes.includes(e.type));
  const fresh = found(text).filter((f) => !others.some((o) => o.offset < end(f) && f.offset < end(o)) && !inQuotes.some((q) => crosses(f, q)));
  return { text, entities: fresh.length ? fixEntities([...entities, ...fresh]) : entities };
}

// What counts as nothing at all, as TDLib's strip_empty_characters has it.
const invisible = /^[\n \u00a0\u1680\u180e\u2000-\u200f\u202e\u202f\u205f\u2800\u3000\ufeff\ufffc\u{e0000}-\u{e007f}]*$/u;

// Null when nothing is left of it.
export function fixText(text, entities, { trimmed = true } = {}) {
  let made = clean(text, fixEntities(entities));
  made = { text: made.text, entities: fixEntities(made.entities) };
  if (invisible.test(made.text)) return null;
  return withFound(trimmed ? trim(made) : made);
}

function givenEntities(text, list, userOf) {
  if (!Array.isArray(list)) return [];
  return list.map((e) => {
    const { type, offset, length } = e ?? {};
    if (typeof type !== 'string' || !Number.isInteger(offset) || !Number.isInteger(length)) bad("Can't parse MessageEntity: Field \"type\" must be of type String");
    if (!written.includes(type)) return null; // those the server finds by itself
    if (offset < 0 || offset > 1000000) bad(`Receive an entity with incorrect offset ${offset}`);
    if (length < 0 || length > 1000000) bad(`Receive an entity with incorrect length ${length}`);
    if (offset > text.length) bad(`Entity begins after the end of the text at UTF-16 offset ${offset}`);
    if (offset + length > text.length) bad(`Entity beginning at UTF-16 offset ${offset} ends after the end of the text at UTF-16 offset ${offset + length}`);
    const middle = (at) => /[\udc00-\udfff]/.test(text[at] ?? '') && /[\ud800-\udbff]/.test(text[at - 1] ?? '');
    if (middle(offset)) bad(`Entity begins in a middle of a UTF-16 symbol at byte offset ${Buffer.byteLength(text.slice(0, offset - 1))}`);
    if (middle(offset + length)) bad(`Entity beginning at UTF-16 offset ${offset} ends in a middle of a UTF-16 symbol at byte offset ${Buffer.byteLength(text.slice(0, offset + length - 1))}`);
    const user = type === 'text_mention' ? userOf(e.user?.id) : null;
    return { type, offset, length, ...(e.url && { url: e.url }), ...(e.language && { language: e.language }), ...(user && { user }), ...(e.custom_emoji_id && { custom_emoji_id: e.custom_emoji_id }) };
  }).filter(Boolean);
}

// {text, entities} as the message will have them. userOf: the shown user of an id, or null when the bot does not know them.
export function formatted(raw, { parseMode = '', entities: given = null, limit = 4096, unit = 'utf16', tooLong = 'Message is too long', empty = 'Message text is empty', userOf = () => null }) {
  if (Buffer.byteLength(raw) > 1 << 15) bad('Text is too long');
  if (/[\ud800-\udfff]/.test(raw.replace(/[\ud800-\udbff][\udc00-\udfff]/g, ''))) bad('Strings must be encoded in UTF-8');
  const mode = parseMode.toLowerCase();
  let text = raw, entities;
  if (raw !== '' && mode !== '' && mode !== 'none') {
    if (mode !== 'html') bad('Unsupported parse_mode'); // MarkdownV2 and Markdown exist, but not here
    ({ text, entities } = parseHtml(raw));
    entities = entities.map(({ userId, ...e }) => (userId ? { ...e, user: userOf(userId) } : e)).filter((e) => e.type !== 'text_mention' || e.user);
  } else {
    entities = givenEntities(text, given, userOf);
  }
  const made = fixText(text, entities);
  if (made === null) {
    if (empty) bad(raw === '' ? empty : 'Text must be non-empty');
    return { text: '', entities: [], dropped: 0 };
  }
  if ((unit === 'utf16' ? made.text.length : [...made.text].length) > limit) bad(tooLong);
  return { text: made.text, entities: made.entities.slice(0, 100), dropped: Math.max(0, made.entities.length - 100) };
}
