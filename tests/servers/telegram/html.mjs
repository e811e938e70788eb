// parse_mode HTML exactly as TDLib's parse_html reads it, byte by byte: {text, entities} or an error with its byte offset.
import { checkedLink, linkUser } from './links.mjs';
import { bad, refuse } from './refusal.mjs';

const known = new Set(['a', 'b', 'strong', 'i', 'em', 's', 'strike', 'del', 'u', 'ins', 'tg-spoiler', 'tg-emoji', 'tg-time', 'span', 'pre', 'code', 'blockquote']);
const simple = { i: 'italic', em: 'italic', b: 'bold', strong: 'bold', s: 'strikethrough', strike: 'strikethrough', del: 'strikethrough', u: 'underline', ins: 'underline',
  'tg-spoiler': 'spoiler', span: 'spoiler' };
const named = { lt: 60, gt: 62, amp: 38, quot: 34 };

const wrong = (text) => bad(`Can't parse entities: ${text}`);
const isSpace = (c) => c === 32 || c === 9 || c === 10 || c === 11 || c === 13 || c === 0; // the end of the text counts as one
const isAlpha = (c) => (c >= 65 && c <= 90) || (c >= 97 && c <= 122);
const isDigit = (c) => c >= 48 && c <= 57;
const isAlnum = (c) => isAlpha(c) || isDigit(c);
const [less, greater, slash, ampersand, quote, apostrophe, equals] = Buffer.from('<>/&"\'=');
// ASCII only, as the server does it.
const lower = (bytes) => bytes.toString('utf8').replace(/[A-Z]/g, (c) => c.toLowerCase());

// Half a pair stays half a pair, to be found at the end.
function utf8(code) {
  if (code >= 0xd800 && code <= 0xdfff) return [0xe0 | (code >> 12), 0x80 | ((code >> 6) & 63), 0x80 | (code & 63)];
  return [...Buffer.from(String.fromCodePoint(code))];
}

class Parser {
  constructor(text) {
    this.bytes = Buffer.from(text);
    this.out = [];
    this.offset = 0; // in UTF-16 units
    this.open = [];
    this.entities = [];
    this.halves = false;
  }

  at(i) {
    return i < this.bytes.length ? this.bytes[i] : 0;
  }

  // {code, next} of what begins with the ampersand at i; code 0 when it is only an ampersand.
  reference(i) {
    let end = i + 1, code = 0;
    if (this.at(end) === 35) {
      end++;
      if (this.at(end) === 120) {
        for (end++; /[0-9a-fA-F]/.test(String.fromCharCode(this.at(end))); end++) code = (code * 16 + Number.parseInt(String.fromCharCode(this.at(end)), 16)) >>> 0;
      } else {
        for (; isDigit(this.at(end)); end++) code = (code * 10 + this.at(end) - 48) >>> 0;
      }
      if (code === 0 || code >= 0x10ffff || end - i >= 10) return { code: 0 };
    } else {
      while (isAlpha(this.at(end))) end++;
      const name = this.bytes.toString('latin1', i + 1, end);
      if (!Object.hasOwn(named, name)) return { code: 0 };
      code = named[name];
    }
    return { code, next: this.at(end) === 59 ? end + 1 : end };
  }

  parse() {
    let i = 0;
    while (i < this.bytes.length) {
      const c = this.bytes[i];
      if (c === less) {
        i = this.at(i + 1) === slash ? this.endTag(i) : this.startTag(i);
        continue;
      }
      if (c === ampersand) {
        const { code, next } = this.reference(i);
        if (code) {
          if (code >= 0xd800 && code <= 0xdfff) this.halves = true;
          this.offset += code > 0xffff ? 2 : 1;
          this.out.push(...utf8(code));
          i = next;
          continue;
        }
      }
      if ((c & 0xc0) !== 0x80) this.offset += c >= 0xf0 ? 2 : 1;
      this.out.push(c);
      i++;
    }
    if (this.open.length) wrong(`Can't find end tag corresponding to start tag "${this.open.at(-1).tag}"`);
    const bytes = Buffer.from(this.out), text = bytes.toString('utf8');
    if (this.halves && !Buffer.from(text).equals(bytes)) wrong('Text contains invalid Unicode characters after decoding HTML entities, check for unmatched surrogate code units');
    return { text, entities: this.entities.map(({ language, ...e }) => (e.type === 'pre' && language ? { ...e, language } : e)) };
  }

  // Returns where the tag ends.
  startTag(begin) {
    let i = begin + 1;
    while (!isSpace(this.at(i)) && this.at(i) !== greater) i++;
    if (i >= this.bytes.length) wrong(`Unclosed start tag at byte offset ${begin}`);
    const tag = lower(this.bytes.subarray(begin + 1, i));
    if (!known.has(tag)) wrong(`Unsupported start tag "${tag}" at byte offset ${begin}`);
    const info = { tag, argument: '', date: 0, offset: this.offset, from: this.out.length };
    while (this.at(i) !== greater) {
      while (i < this.bytes.length && isSpace(this.at(i))) i++;
      if (this.at(i) === greater) break;
      i = this.attribute(i, begin, info);
    }
    if (tag === 'span' && info.argument !== 'spoiler') wrong(`Tag "span" must have class "tg-spoiler" at byte offset ${begin}`);
    this.open.push(info);
    return i + 1;
  }

  attribute(i, begin, info) {
    const { tag } = info, from = i, unclosed = () => wrong(`Unclosed start tag "${tag}" at byte offset ${begin}`);
    while (!isSpace(this.at(i)) && ![equals, greater, slash, quote, apostrophe].includes(this.at(i))) i++;
    const name = this.bytes.toString('utf8', from, i);
    if (name === '') wrong(`Empty attribute name in the tag "${tag}" at byte offset ${begin}`);
    while (i < this.bytes.length && isSpace(this.at(i))) i++;
    if (this.at(i) !== equals) {
      if (i >= this.bytes.length) unclosed();
      if (tag === 'blockquote' && name === 'expandable') info.argument = '1';
      return i;
    }
    for (i++; i < this.bytes.length && isSpace(this.at(i)); i++);
    if (i >= this.bytes.length) unclosed();
    const { value, next } = this.value(i);
    if (next >= this.bytes.length) wrong(`Unclosed start tag at byte offset ${begin}`);
    if ((tag === 'a' && name === 'href') || (tag === 'tg-emoji' && name === 'emoji-id') || (tag === 'tg-time' && name === 'format')) info.argument = value;
    else if (tag === 'code' && name === 'class' && value.startsWith('language-')) info.argument = value.slice(9);
    else if (tag === 'span' && name === 'class' && value.startsWith('tg-')) info.argument = value.slice(3);
    else if (tag === 'blockquote' && name === 'expandable') info.argument = '1';
    else if (tag === 'tg-time' && name === 'unix') info.date = Number.parseInt(value, 10) || 0;
    return next;
  }

  value(i) {
    const end = this.at(i);
    if (end !== quote && end !== apostrophe) {
      const from = i;
      while (isAlnum(this.at(i)) || this.at(i) === 46 || this.at(i) === 45) i++;
      if (!isSpace(this.at(i)) && this.at(i) !== greater) wrong(`Unexpected end of name token at byte offset ${from}`);
      return { value: lower(this.bytes.subarray(from, i)), next: i };
    }
    const bytes = [];
    for (i++; this.at(i) !== end && this.at(i) !== 0; ) {
      const { code, next } = this.at(i) === ampersand ? this.reference(i) : { code: 0 };
      if (code) bytes.push(...utf8(code));
      else bytes.push(this.at(i));
      i = code ? next : i + 1;
    }
    return { value: Buffer.from(bytes).toString('utf8'), next: this.at(i) === end ? i + 1 : i };
  }

  endTag(begin) {
    if (this.open.length === 0) wrong(`Unexpected end tag at byte offset ${begin}`);
    let i = begin + 1;
    while (!isSpace(this.at(i)) && this.at(i) !== greater) i++;
    const name = lower(this.bytes.subarray(begin + 2, i));
    while (i < this.bytes.length && isSpace(this.at(i))) i++;
    if (this.at(i) !== greater) wrong(`Unclosed end tag at byte offset ${begin}`);
    const info = this.open.pop();
    if (name !== '' && name !== info.tag) wrong(`Unmatched end tag at byte offset ${begin}, expected "</${info.tag}>", found "</${name}>"`);
    if (this.offset > info.offset) this.close(info);
    return i + 1;
  }

  close({ tag, argument, date, offset, from }) {
    const length = this.offset - offset, last = this.entities.at(-1);
    const add = (type, more) => this.entities.push({ type, offset, length, ...more });
    const same = (type) => last?.type === type && last.offset === offset && last.length === length;
    if (tag in simple) return void add(simple[tag]);
    if (tag === 'blockquote') return void add(argument ? 'expandable_blockquote' : 'blockquote');
    if (tag === 'pre') {
      if (same('code') && last.language) last.type = 'pre';
      else add('pre');
    } else if (tag === 'code') {
      if (same('pre') && !last.language && argument) last.language = argument;
      else add('code', { language: argument });
    } else if (tag === 'a') {
      const url = argument || Buffer.from(this.out.slice(from)).toString('utf8');
      const user = linkUser(url), link = user ? null : checkedLink(url);
      if (user) add('text_mention', { userId: user });
      else if (link) add('text_link', { url: link });
    } else if (tag === 'tg-emoji') {
      if (!/^-?[1-9]\d*$/.test(argument)) refuse(400, 'Invalid custom emoji identifier specified');
      add('custom_emoji', { custom_emoji_id: argument });
    } else {
      if (!/^(r|[tTdDwW]*)$/.test(argument)) wrong('Invalid date format used');
      if (date <= 0) return;
      add('date_time', { unix_time: date, ...(argument && { date_time_format: argument }) });
    }
  }
}

export const parseHtml = (text) => new Parser(text).parse();
