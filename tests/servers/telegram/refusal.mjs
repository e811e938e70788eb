// What a method throws to answer "ok": false, and how arguments are read.
export class Refusal extends Error {
  constructor(code, description, parameters = null) {
    super(description);
    Object.assign(this, { code, description, parameters });
  }
}

const prefixes = { 400: 'Bad Request', 401: 'Unauthorized', 403: 'Forbidden' };

// As the real server words it: the class of the error before it, its first letter small.
export function refuse(code, text, parameters) {
  const small = /^.[A-Z_]/.test(text) ? text : text[0].toLowerCase() + text.slice(1);
  throw new Refusal(code, prefixes[code] && !text.startsWith(prefixes[code]) ? `${prefixes[code]}: ${small}` : text, parameters);
}

export const bad = (text, parameters) => refuse(400, text, parameters);

export const tooMany = (seconds) => new Refusal(429, `Too Many Requests: retry after ${seconds}`, { retry_after: seconds });

// A form's fields are all texts, and in JSON everything may be a text too.
export const truth = (value) => value === true || ['true', 'yes', '1'].includes(String(value).toLowerCase());

export function integer(value, fallback = 0, least = -Infinity, most = Infinity) {
  const n = typeof value === 'string' ? Number.parseInt(value, 10) : value;
  return Math.min(most, Math.max(least, Number.isSafeInteger(n) ? n : fallback));
}

export const textOf = (value) => (value === undefined || value === null ? '' : typeof value === 'object' ? JSON.stringify(value) : String(value));

// Objects and arrays, as JSON in a text or as they are; null when absent.
export function structure(value, name) {
  if (value === undefined || value === null || value === '') return null;
  if (typeof value === 'object') return value;
  try {
    return JSON.parse(value);
  } catch {
    return bad(`Can't parse ${name} JSON object`);
  }
}
