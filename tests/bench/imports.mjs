// Rows for files: how fast the reader takes each format and what memory it has at most; a table of 100 MB through the daemon; searching in what it holds.
//   node bench/imports.mjs [--quick]      (USHER: the binary)
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { execFileSync, spawn } from 'node:child_process';
import { closeSync, createReadStream, mkdtempSync, openSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync, writeSync } from 'node:fs';
import http from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { deflateRawSync } from 'node:zlib';
import { binary, Daemon, until, wait } from '../e2e/harness.mjs';

const parser = path.join(path.dirname(binary), 'usher-parse'), megabyte = 1 << 20;
const words = 'order invoice delivery customer Nordlicht amount payment bridge window garden winter table paper river'.split(' ');
const word = (n) => words[(n * 7919 + (n >> 3)) % words.length];
const sentence = (n) => `${word(n)} ${word(n + 1)} of ${word(n + 5)} number ${n} goes to ${word(n + 9)} ${word(n + 11)}`;
const table = (n) => `${n},Customer ${n % 5000},"${word(n)} ${word(n + 3)}, ${word(n + 6)}",${(n % 9973) / 100},2026-0${1 + (n % 9)}-1${n % 10}\n`;
const head = 'Order no,Customer,What,Amount,Date\n';

// Lines until there are so many bytes.
function lines(bytes, line, first = '') {
  const parts = [first];
  for (let n = 1, size = first.length; size < bytes; n++) {
    const one = line(n);
    size += one.length;
    parts.push(one);
  }
  return parts.join('');
}

const crcs = Uint32Array.from({ length: 256 }, (_, n) => { for (let k = 0; k < 8; k++) n = n & 1 ? 0xedb88320 ^ (n >>> 1) : n >>> 1; return n; });
function crc32(bytes) {
  let crc = -1;
  for (const byte of bytes) crc = crcs[(crc ^ byte) & 255] ^ (crc >>> 8);
  return (crc ^ -1) >>> 0;
}

function zip(files) {
  const parts = [], index = [];
  let at = 0;
  for (const [name, content] of Object.entries(files)) {
    const bytes = Buffer.from(content), packed = deflateRawSync(bytes), about = Buffer.alloc(26);
    about.writeUInt16LE(20, 0);
    about.writeUInt16LE(8, 4);
    about.writeUInt16LE(0x21, 8);
    [crc32(bytes), packed.length, bytes.length].forEach((value, i) => about.writeUInt32LE(value, 10 + 4 * i));
    about.writeUInt16LE(name.length, 22);
    const place = Buffer.alloc(4);
    place.writeUInt32LE(at);
    index.push(Buffer.concat([Buffer.from('PK\x01\x02\x14\x00'), about, Buffer.alloc(10), place, Buffer.from(name)]));
    parts.push(Buffer.from('PK\x03\x04'), about, Buffer.from(name), packed);
    at += 30 + name.length + packed.length;
  }
  const list = Buffer.concat(index), end = Buffer.alloc(18);
  [index.length, index.length].forEach((value, i) => end.writeUInt16LE(value, 4 + 2 * i));
  [list.length, at].forEach((value, i) => end.writeUInt32LE(value, 8 + 4 * i));
  return Buffer.concat([...parts, list, Buffer.from('PK\x05\x06'), end]);
}

const docx = (bytes) => zip({
  '[Content_Types].xml': '<?xml version="1.0"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Override PartName="/word/document.xml" ContentType="application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"/></Types>',
  '_rels/.rels': '<?xml version="1.0"?><Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="r1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="word/document.xml"/></Relationships>',
  'word/document.xml': `${lines(bytes, (n) => `<w:p><w:r><w:t>${sentence(n)}</w:t></w:r></w:p>`, '<?xml version="1.0"?><w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"><w:body>')}</w:body></w:document>`,
});

function pdf(bytes) {
  const parts = ['%PDF-1.4\n'], places = [], pages = Math.ceil(bytes / 2600);
  let size = parts[0].length;
  const add = (text) => { places.push(size); parts.push(`${places.length} 0 obj\n${text}\nendobj\n`); size += parts.at(-1).length; };
  add('<< /Type /Catalog /Pages 2 0 R >>');
  add(`<< /Type /Pages /Count ${pages} /Kids [${Array.from({ length: pages }, (_, n) => `${4 + 2 * n} 0 R`).join(' ')}] >>`);
  add('<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>');
  for (let page = 0; page < pages; page++) {
    add(`<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents ${5 + 2 * page} 0 R /Resources << /Font << /F1 3 0 R >> >> >>`);
    const text = `BT /F1 10 Tf 40 800 Td ${Array.from({ length: 36 }, (_, n) => `(${sentence(page * 36 + n)}) Tj 0 -14 Td`).join(' ')} ET`;
    add(`<< /Length ${text.length} >>\nstream\n${text}\nendstream`);
  }
  parts.push(`xref\n0 ${places.length + 1}\n0000000000 65535 f \n${places.map((at) => `${String(at).padStart(10, '0')} 00000 n \n`).join('')}trailer << /Size ${places.length + 1} /Root 1 0 R >>\nstartxref\n${size}\n%%EOF\n`);
  return parts.join('');
}

// ---- the reader alone ------------------------------------------------------------------------------------------

const status = (pid, name) => {
  try {
    return Number(readFileSync(`/proc/${pid}/status`, 'utf8').match(new RegExp(`${name}:\\s+(\\d+)`))?.[1] ?? 0) / 1024;
  } catch {
    return 0; // gone
  }
};

// Looks at the most memory of whatever pids() names until stopped.
function watch(pids, name = 'VmHWM') {
  let peak = 0;
  const timer = setInterval(() => pids().forEach((pid) => { peak = Math.max(peak, status(pid, name)); }), 5);
  return () => { clearInterval(timer); return peak; };
}

async function read(dir, name, order) {
  const input = openSync(path.join(dir, name), 'r'), output = openSync(path.join(dir, 'out'), 'w'), begun = performance.now();
  const child = spawn(parser, [], { env: { LANG: 'C.UTF-8', PATH: '/usr/bin:/bin' }, stdio: ['pipe', 'pipe', 'inherit', input, output] });
  const stop = watch(() => [child.pid]);
  let text = '';
  child.stdout.on('data', (data) => (text += data));
  child.stdin.end(`${JSON.stringify({ do: 'extract', name, limits: { memory: 512 * megabyte, cpu_s: 120, output: 1024 * megabyte, unpacked: 1024 * megabyte }, ...order })}\n`);
  await new Promise((resolve) => child.on('close', resolve));
  const seconds = (performance.now() - begun) / 1000, peak = stop();
  for (const fd of [input, output]) closeSync(fd);
  const last = JSON.parse(text.trim().split('\n').at(-1));
  if (!last.done) throw new Error(`${name}: ${JSON.stringify(last)}`);
  return { seconds, peak, done: last.done };
}

async function formats(quick, print) {
  const dir = mkdtempSync(path.join(tmpdir(), 'usher-bench-')), bytes = (quick ? 2 : 16) * megabyte;
  try {
    const csv = lines(bytes, table, head), record = (n) => ({ order: n, customer: `Customer ${n % 5000}`, what: sentence(n), amount: (n % 9973) / 100 });
    const made = {
      'orders.csv': csv, 'orders.ndjson': lines(bytes, (n) => `${JSON.stringify(record(n))}\n`), 'orders.json': `${lines(bytes, (n) => `,${JSON.stringify(record(n))}`, `[${JSON.stringify(record(0))}`)}]`,
      'words.txt': lines(bytes, (n) => `${sentence(n)}\n`), 'words.pdf': pdf(bytes / 4), 'words.docx': docx(bytes), 'all.zip': zip({ 'orders.csv': csv.slice(0, bytes / 2), 'words.txt': lines(bytes / 2, (n) => `${sentence(n)}\n`) }),
    };
    for (const [name, content] of Object.entries(made)) writeFileSync(path.join(dir, name), content);
    writeFileSync(path.join(dir, 'part.csv'), csv.slice(0, csv.lastIndexOf('\n', bytes / 4) + 1));
    await read(dir, 'part.csv', { do: 'convert', spec: { format: 'xlsx' } });
    execFileSync('cp', [path.join(dir, 'out'), path.join(dir, 'orders.xlsx')]);
    const inside = { 'orders.xlsx': bytes / 4, 'words.docx': bytes, 'all.zip': bytes }; // what was packed
    for (const name of [...Object.keys(made), 'orders.xlsx']) {
      const { size } = statSync(path.join(dir, name)), { seconds, peak, done } = await read(dir, name);
      const packed = inside[name] ? ` (${((inside[name]) / megabyte / seconds).toFixed(1)} of what is packed in it)` : '';
      print(`imports: ${path.extname(name).slice(1)} read, of ${(size / megabyte).toFixed(1)} MB`, (size / megabyte / seconds).toFixed(1), `MB/s${packed}, peak ${peak.toFixed(0)} MB, ${done.chunks} pieces${done.cut ? ', cut off' : ''}`);
    }
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

// ---- through the daemon ----------------------------------------------------------------------------------------

const childrenOf = (pid) => {
  try {
    return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean);
  } catch {
    return readdirSync('/proc').filter((name) => /^\d+$/.test(name) && status(name, 'PPid') * 1024 === pid);
  }
};

function upload(daemon, key, file) {
  return new Promise((resolve, reject) => {
    const request = http.request(`${daemon.url}/api/me/imports?name=big.csv&prompt=hello`, { method: 'POST', headers: { authorization: `Bearer ${key}`, 'content-type': 'text/csv', 'content-length': statSync(file).size, prefer: 'respond-async' } }, (answer) => {
      let text = '';
      answer.on('data', (data) => (text += data)).on('end', () => (answer.statusCode === 202 ? resolve(JSON.parse(text)) : reject(new Error(`${answer.statusCode} ${text}`))));
    });
    request.on('error', reject);
    createReadStream(file).pipe(request);
  });
}

async function ask(daemon, key) {
  const client = new Client({ name: 'bench', version: '1' });
  await client.connect(new StreamableHTTPClientTransport(new URL(`${daemon.url}/mcp`), { requestInit: { headers: { authorization: `Bearer ${key}` } } }));
  return async (name, args) => {
    const begun = performance.now(), result = await client.callTool({ name, arguments: args }, undefined, { timeout: 600_000 });
    if (result.isError) throw new Error(`${name}: ${result.content[0].text}`);
    return { ms: performance.now() - begun, result: result.structuredContent };
  };
}

async function search(call, print, percentile, pieces) {
  const first = (await call('search_files', { query: 'garden winter 4711' })).ms, times = { one: [], some: [], rare: [] };
  for (let n = 0; n < 150; n++)
    for (const [kind, query] of Object.entries({ one: word(n), some: `${word(n)} ${word(n + 4)} ${word(n + 9)}`, rare: `customer ${1000 + n * 13}` })) times[kind].push((await call('search_files', { query })).ms);
  print(`imports: search in ${pieces} pieces, the first`, first.toFixed(1), 'ms');
  for (const [kind, what] of Object.entries({ rare: 'words that few hold', one: 'a word that most hold', some: 'three words that most hold' }))
    print(`imports: search, ${what}, p50 and p99`, percentile(times[kind], 0.5).toFixed(1), `ms, ${percentile(times[kind], 0.99).toFixed(1)} ms`);
}

async function big(server, quick, { print, percentile }) {
  const daemon = await new Daemon({
    models: [{ name: 'main', provider: 'openai', base_url: server.base, model: 'echo', api_key: server.key }], limits: { file_mb: 200 },
  }).start();
  const { pid } = daemon.child, file = path.join(daemon.dir, 'big.csv'), bytes = (quick ? 10 : 102) * megabyte, fd = openSync(file, 'w');
  let size = writeSync(fd, head);
  for (let n = 1; size < bytes;) size += writeSync(fd, Array.from({ length: 10_000 }, () => table(n++)).join(''));
  closeSync(fd);
  const key = await daemon.addUser('ann'), call = await ask(daemon, key);
  await call('list_files', {});
  await wait(500);
  const idle = status(pid, 'VmRSS');
  writeFileSync(`/proc/${pid}/clear_refs`, '5'); // what was needed at most is counted from here on
  const children = watch(() => childrenOf(pid)), anonymous = watch(() => [pid], 'RssAnon'), atRest = status(pid, 'RssAnon'), begun = performance.now();
  const sent = await upload(daemon, key, file), accepted = performance.now();
  await until('the answer', async () => ['answered', 'failed'].includes((await daemon.request('GET', `/api/me/messages/${sent.message_id}`, { key })).body?.status), 600);
  const answered = performance.now(), what = `imports: CSV of ${Math.round(size / megabyte)} MB`;
  const { body } = await daemon.request('GET', `/api/me/imports/${sent.import_ids[0]}`, { key });
  if (!['processed', 'delivered'].includes(body.status)) throw new Error(`the import ended as ${JSON.stringify(body).slice(0, 500)}`);
  print(`${what}, upload`, ((accepted - begun) / 1000).toFixed(1), 's');
  print(`${what}, from accepted to answered`, ((answered - accepted) / 1000).toFixed(1), `s, ${body.outline.chunks} pieces${body.outline.cut ? ', cut off' : ''}`);
  print(`${what}, the daemon's peak above idle`, (status(pid, 'VmHWM') - idle).toFixed(1), `MB (idle ${idle.toFixed(1)}; its own memory, without files: ${(anonymous() - atRest).toFixed(1)})`);
  print(`${what}, the reader's peak`, children().toFixed(0), 'MB');
  const again = watch(() => childrenOf(pid)), made = await call('convert_table', { file: String(sent.import_ids[0]), format: 'ndjson' });
  print(`${what}, made into NDJSON`, (made.ms / 1000).toFixed(1), `s, reader's peak ${again().toFixed(0)} MB, ${made.result.report?.rows_out} rows`);
  await search(call, print, percentile, body.outline.chunks);
  daemon.words.delete(body.message); // a number that the log may show
  await daemon.finish();
}

// tools: {print, percentile} of bench.mjs.
export async function importRows(server, { quick, tools }) {
  await formats(quick, tools.print);
  await big(server, quick, tools);
}

if (process.argv[1] === new URL(import.meta.url).pathname) {
  const { ModelServer } = await import('../servers/model.mjs'), server = await new ModelServer({ keep: false }).start();
  const print = (what, value, unit = '') => console.log(`${what.padEnd(58)} ${String(value).padStart(10)} ${unit}`);
  const percentile = (list, p) => list.sort((a, b) => a - b)[Math.min(list.length - 1, Math.floor(list.length * p))];
  await importRows(server, { quick: process.argv.includes('--quick'), tools: { print, percentile } });
  await server.stop();
  process.exit(0);
}
