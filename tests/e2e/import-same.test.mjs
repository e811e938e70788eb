// The same file through every door is the same import, and nobody outside its scope finds or fetches it. The offline model speaks.
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { sql as rowsOf } from '../campaign/scenarios.mjs';
import { ModelServer } from '../servers/model.mjs';
import { stage as discordStage } from './discord-kit.mjs';
import { Daemon, hookSecret, until } from './harness.mjs';
import { stage as slackStage } from './slack-kit.mjs';
import { stage as telegramStage } from './telegram-kit.mjs';

const words = 'turn this into JSON with name, amount, date';
const files = [
  { name: 'people.csv', mime: 'text/csv', bytes: 'Name;Amount;Date\nEva Example;3,50;01.02.2026\n"Sample; Bob";lots;02.03.2026\nÉmile;1.040,00;03.03.2026\nZoë;1,00;31.02.2026\n;;\n', text: words },
  { name: 'libreoffice.pdf', mime: 'application/pdf', bytes: readFileSync(new URL('../corpus/libreoffice.pdf', import.meta.url)), text: 'what is in it?' },
];
const own = { preview: false }, rest = { models: [], users: { strangers: 'allow' } };
const sql = (daemon, query) => JSON.parse(rowsOf(daemon.dir, query, '-json') || '[]');

let model;
test.before(async () => { model = await new ModelServer().start(); });
test.after(() => model.stop());

async function alone(t, settings = {}) {
  const daemon = await new Daemon({ ...rest, ...settings }).start();
  t.after(() => daemon.finish());
  return daemon;
}

// The library signs texts alone; this is the same over bytes (standardwebhooks.com).
const signed = (id, at, bytes) => 'v1,' + createHmac('sha256', Buffer.from(hookSecret.slice('whsec_'.length), 'base64')).update(`${id}.${Math.floor(at / 1000)}.`).update(bytes).digest('base64');

// Each sends both files, one after the other, and returns the daemon that took them.
const doors = {
  async Slack(t) {
    const s = await slackStage(t, model, { rest });
    for (const { name, mime, bytes, text } of files)
      await s.answer(s.people.tell(s.ann, s.bot, text, { files: [s.people.upload(s.ann, { name, mimetype: mime, bytes })] }));
    return s.daemon;
  },
  async Discord(t) {
    const s = await discordStage(t, model, { own, rest });
    for (const { name, bytes, text } of files) await s.answer(s.people.tell(s.ann, s.app, text, { files: [{ name, bytes }] }));
    return s.daemon;
  },
  async Telegram(t) {
    const s = await telegramStage(t, model, { rest });
    for (const { name, mime, bytes, text } of files) await s.answer(s.people.document(s.ann, s.chat(s.ann), { name, mime, bytes }, { caption: text }));
    return s.daemon;
  },
  async HTTP(t) {
    const daemon = await alone(t), key = await daemon.addUser('ann');
    for (const { name, mime, bytes, text } of files) {
      const { status, raw } = await daemon.request('POST', `/api/me/imports?${new URLSearchParams({ name, prompt: text })}`, { key, body: bytes, headers: { 'content-type': mime } });
      assert.equal(status, 200, raw);
    }
    return daemon;
  },
  async CLI(t) {
    const daemon = await alone(t);
    for (const { name, bytes, text } of files) {
      writeFileSync(path.join(daemon.dir, name), bytes);
      const sent = await daemon.cli('import', path.join(daemon.dir, name), '--as', text);
      assert.equal(sent.status, 0, sent.stderr);
    }
    return daemon;
  },
  async webhook(t) {
    const daemon = await alone(t, { platforms: { webhook: [{ name: 'crm', secret: hookSecret }] } });
    for (const { name, mime, bytes, text } of files) {
      const at = new Date(), id = `msg_${name}`;
      const { status, raw } = await daemon.request('POST', `/webhook/crm?wait=60&sender=carl&text=${encodeURIComponent(text)}`, { body: bytes, headers: { 'content-type': mime,
        'content-disposition': `attachment; filename="${name}"`, 'webhook-id': id, 'webhook-timestamp': String(Math.floor(at / 1000)),
        'webhook-signature': signed(id, at, bytes) } });
      assert.equal(status, 200, raw);
    }
    return daemon;
  },
};

// What became of the files, without what tells the doors apart.
const results = (daemon) => ({
  imports: sql(daemon, 'SELECT "inputFileName" AS name, size, kind, outline, sha256, "errorCode", "rowsIn", "rowsOut", "rowsRefused" FROM "LLMAgentImport" ORDER BY id'),
  chunks: sql(daemon, 'SELECT import_id, ord, place, text FROM knowledge ORDER BY import_id, ord'),
  outputs: sql(daemon, 'SELECT import_id, name, format, mime, bytes, sha256, report FROM import_outputs ORDER BY id'),
});

test('the same files give the same by every door', async (t) => {
  const found = await Promise.all(Object.entries(doors).map(async ([name, send]) => {
    const daemon = await send(t);
    await until(`${name}: both to be done`, () => sql(daemon, `SELECT 1 FROM "LLMAgentImport" WHERE "processingStatus" IN ('processed', 'delivered')`).length === 2);
    return [name, results(daemon)];
  }));
  const [, first] = found[0];
  assert.deepEqual(first.imports.map((one) => [one.name, one.kind]), [['people.csv', 'csv'], ['libreoffice.pdf', 'pdf']]);
  assert.ok(first.chunks.some((one) => one.import_id === 2), 'the PDF has words');
  assert.equal(first.outputs.length, 1);
  const report = JSON.parse(first.outputs[0].report);
  assert.deepEqual([report.rows_in, report.rows_out, report.rows_refused, report.rows_blank], [5, 3, 1, 1], 'each row is told of');
  assert.deepEqual(report.reasons.map((one) => [one.column, one.rows, one.examples[0].row]), [['date', 1, 5]]);
  for (const [name, result] of found.slice(1)) assert.deepEqual(result, first, name);
});

test('a person outside its scope neither finds nor fetches a file', async (t) => {
  const daemon = await alone(t), ann = await daemon.addUser('ann'), bob = await daemon.addUser('bob');
  const links = [];
  for (const { name, mime, bytes, text } of files) {
    const sent = await daemon.request('POST', `/api/me/imports?${new URLSearchParams({ name, prompt: text })}`, { key: ann, body: bytes, headers: { 'content-type': mime } });
    links.push(...sent.body.files.map((file) => new URL(file.link, daemon.url).pathname));
  }
  const [{ text }] = sql(daemon, 'SELECT text FROM knowledge WHERE import_id = 2 ORDER BY ord'), query = text.match(/\p{L}{5,}/u)[0];
  const tools = async (key) => {
    const client = new Client({ name: 'test', version: '1' });
    await client.connect(new StreamableHTTPClientTransport(new URL(`${daemon.url}/mcp`), { requestInit: { headers: { authorization: `Bearer ${key}` } } }));
    t.after(() => client.close());
    return (name, args) => client.callTool({ name, arguments: args });
  };
  const hers = await tools(ann), his = await tools(bob);
  assert.notEqual((await hers('search_files', { query })).structuredContent.quotes.length, 0, 'she finds it herself');
  assert.deepEqual((await his('search_files', { query })).structuredContent, { quotes: [], files: [] });
  assert.deepEqual((await his('list_files', {})).structuredContent, { files: [] });
  assert.equal((await daemon.request('GET', '/api/me/imports', { key: ann })).body.imports.length, 2);
  assert.deepEqual((await daemon.request('GET', '/api/me/imports', { key: bob })).body.imports, []);
  for (const id of [1, 2]) {
    const [there, nowhere] = await Promise.all([id, 4711].map((one) => daemon.request('GET', `/api/me/imports/${one}`, { key: bob })));
    assert.equal((await daemon.request('GET', `/api/me/imports/${id}`, { key: ann })).status, 200);
    assert.deepEqual([there.status, there.body.error.code], [404, nowhere.body.error.code], 'as if it were not there');
    for (const file of [String(id), files[id - 1].name]) assert.match((await his('read_file', { file })).content[0].text, /there is no file/);
  }
  assert.equal(links.length, 1);
  const [, folder, token, name] = links[0].split('/'), other = (c) => (c === 'A' ? 'B' : 'A');
  assert.equal((await daemon.request('GET', links[0])).status, 200);
  const forged = [0, token.length >> 1, token.length - 5].map((i) => token.slice(0, i) + other(token[i]) + token.slice(i + 1));
  for (const one of [...forged, token.slice(0, -4), '1', 'A'.repeat(token.length)]) {
    assert.equal((await daemon.request('GET', `/${folder}/${one}/${name}`)).status, 404, one);
    assert.equal((await daemon.request('GET', `/${folder}/${one}/${name}`, { key: bob })).status, 404, one);
  }
});
