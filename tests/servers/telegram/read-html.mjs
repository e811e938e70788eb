// Reads lines, each a JSON text with the HTML of one message, and answers each with {text, entities} as the message would have
// them, or {error}. For programs that want to know whether Telegram would take what they wrote.
import { createInterface } from 'node:readline';
import { formatted } from './text.mjs';

for await (const line of createInterface({ input: process.stdin, crlfDelay: Infinity })) {
  let answer;
  try {
    answer = formatted(JSON.parse(line), { parseMode: 'HTML' });
  } catch (error) {
    answer = { error: error.description ?? String(error) };
  }
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
