// Answers that are files: each comes once, with its own bytes, where the question was asked; through lost answers, limits and a kill.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, test } from 'node:test';
import { sql } from '../campaign/scenarios.mjs';
import { ModelServer } from '../servers/model.mjs';
import { stage as discordStage } from './discord-kit.mjs';
import { until } from './harness.mjs';
import { stage as slackStage } from './slack-kit.mjs';
import { stage as telegramStage } from './telegram-kit.mjs';

const model = new ModelServer();
before(() => model.start());
after(() => model.stop());

const bytes = 'name,amount\nEva Example,3\nBob Sample,40\n';

// The file that came with the question, put behind its answer as a file of its own, while the daemon is away.
export function makeOutput(dir, name = 'made.csv') {
  sql(dir, `INSERT INTO import_outputs (org_id, import_id, turn_id, key, name, format, mime, sha256, bytes, created_at)
    SELECT b.org_id, 1, o.turn_id, '${randomUUID()}', '${name}', 'csv', 'text/csv', b.sha256, ${bytes.length}, o.created_at FROM blobs b, outbox o ORDER BY o.id DESC LIMIT 1;
    INSERT INTO outbox (uuid, org_id, "llmConversationId", turn_id, inbox_id, platform, installation, reply_to, ord, body, expires_at, output_id)
    SELECT '${randomUUID()}', org_id, "llmConversationId", turn_id, inbox_id, platform, installation, reply_to, 1, body, expires_at, (SELECT max(id) FROM import_outputs) FROM outbox ORDER BY id DESC LIMIT 1`);
}
const outcome = (s) => sql(s.daemon.dir, "SELECT state || coalesce(' ' || reason, '') FROM outbox WHERE output_id IS NOT NULL");

async function slack(t, options = {}) {
  const s = await slackStage(t, model, options), file = s.people.upload(s.ann, { name: 'people.csv', mimetype: 'text/csv', bytes });
  const said = s.people.tell(s.ann, s.bot, 'a table', { files: [file] });
  await s.answer(said);
  await s.settled();
  await until('the answer to be on record', () => sql(s.daemon.dir, "SELECT count(*) FROM outbox WHERE state <> 'sent'") === '0');
  await s.daemon.kill();
  makeOutput(s.daemon.dir);
  return { s, said, made: () => [...s.slack.world.files.values()].filter((f) => f.name === 'made.csv') };
}

test('Slack: a file comes into the thread', async (t) => {
  const { s, said, made } = await slack(t);
  await s.up();
  await until('the file to be sent', () => outcome(s) === 'sent');
  await until('it to be shared', () => made()[0]?.shares.length);
  const [file] = made();
  assert.equal(made().length, 1);
  assert.equal(String(file.bytes), bytes);
  assert.equal(file.shares.length, 1);
  assert.deepEqual([file.shares[0].channel.id, file.shares[0].threadTs], [said.channel.id, said.root]);
});

test('Slack: a lost answer, a limit and a kill make no second file', async (t) => {
  const { s, made } = await slack(t, { slack: { knobs: { shareMs: 300 } } });
  s.slack.fault({ method: 'files.getUploadURLExternal', kind: 'limited', seconds: 1, times: 1 });
  s.slack.fault({ method: 'files.completeUploadExternal', kind: 'lose', times: 1 });
  await s.up();
  await until('it to be completed', () => made().length);
  await s.daemon.kill();
  await s.up();
  await until('the file to be sent', () => outcome(s) === 'sent', 40);
  assert.deepEqual(made().map((f) => [String(f.bytes), f.shares.length]), [[bytes, 1]]);
});

test('Slack: without the scope the link is said', async (t) => {
  const { s, said, made } = await slack(t);
  s.slack.fault({ method: 'files.getUploadURLExternal', kind: 'error', error: 'missing_scope', times: 1 });
  await s.up();
  await until('the link to be sent', () => outcome(s) === 'sent');
  assert.match(s.answers(said.channel, said.root).at(-1).text, /`made\.csv` \(the app may not send files here\): /);
  assert.equal(made().length, 0);
});

async function telegram(t, options = {}) {
  const s = await telegramStage(t, model, options);
  const said = s.people.document(s.ann, s.chat(s.ann), { name: 'people.csv', mime: 'text/csv', bytes }, { caption: 'a table' });
  await s.answer(said);
  await s.settled();
  await until('the answer to be on record', () => sql(s.daemon.dir, "SELECT count(*) FROM outbox WHERE state <> 'sent'") === '0');
  await s.daemon.kill();
  makeOutput(s.daemon.dir);
  return { s, said, made: () => s.chat(s.ann).list.filter((m) => m.bot === s.bot && m.media?.document?.file_name === 'made.csv') };
}
const telegramBytes = (s, m) => String(s.telegram.world.files.get(m.media.document.file_id).bytes);

test('Telegram: a file comes into the chat, also when it has to wait', async (t) => {
  const { s, made } = await telegram(t);
  s.telegram.fault({ method: 'sendDocument', kind: 'limited', seconds: 1, times: 1 });
  await s.up();
  await until('the file to be sent', () => outcome(s) === 'sent');
  assert.deepEqual(made().map((m) => telegramBytes(s, m)), [bytes]);
});

test('Telegram: an upload whose answer is lost is held, not repeated', async (t) => {
  const { s, made } = await telegram(t);
  s.telegram.fault({ method: 'sendDocument', kind: 'lose', times: 1 });
  await s.up();
  await until('it to be held for the operator', () => /^unknown /.test(outcome(s)));
  await s.daemon.kill();
  await s.up();
  assert.equal(made().length, 1);
  assert.match(outcome(s), /^unknown /);
});

test('Telegram: what is too large is said with its link', async (t) => {
  const { s, said, made } = await telegram(t);
  s.telegram.fault({ method: 'sendDocument', kind: 'error', code: 413, description: 'Request Entity Too Large', times: 1 });
  await s.up();
  await until('the link to be sent', () => outcome(s) === 'sent');
  assert.match((await s.answer(said, 2)).words, /made\.csv/);
  assert.equal(made().length, 0);
});

async function discord(t, options = {}) {
  const s = await discordStage(t, model, options), said = s.people.tell(s.ann, s.app, 'a table', { files: [{ name: 'people.csv', bytes }] });
  await s.answer(said);
  await s.settled();
  await until('the answer to be on record', () => sql(s.daemon.dir, "SELECT count(*) FROM outbox WHERE state <> 'sent'") === '0');
  await s.daemon.kill();
  makeOutput(s.daemon.dir);
  return { s, said, made: () => s.dm().list.filter((m) => m.app === s.app && m.attachments.length) };
}

test('Discord: a file comes into the channel once, through a lost answer and a kill', async (t) => {
  const { s, made } = await discord(t);
  s.discord.fault({ route: 'POST /channels/:channel/messages', kind: 'limited', seconds: 1, times: 1 });
  s.discord.fault({ route: 'POST /channels/:channel/messages', kind: 'lose', times: 1 });
  await s.up();
  await until('the file', () => made().length);
  await s.daemon.kill();
  await s.up();
  await until('the file to be sent', () => outcome(s) === 'sent', 40);
  assert.deepEqual(made().map((m) => m.attachments.map((a) => [a.filename, a.size])), [[['made.csv', bytes.length]]]);
});

test('Discord: where no files may be attached the link is said', async (t) => {
  const { s, said, made } = await discord(t);
  s.discord.fault({ route: 'POST /channels/:channel/messages', kind: 'error', status: 400, code: 40005, message: 'Request entity too large', times: 1 });
  await s.up();
  await until('the link to be sent', () => outcome(s) === 'sent');
  assert.match((await s.answer(said, 2)).words, /made.*csv/);
  assert.equal(made().length, 0);
});
