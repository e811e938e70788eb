// What must hold of imports when everything is through, whatever was killed: each ended once, each piece is known once, what is kept has a row and
// each row what it names, nothing lies about, and the target knows each under one number.
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import http from 'node:http';
import { Webhook } from 'standardwebhooks';
import { hookSecret } from '../e2e/harness.mjs';
import { sql } from './scenarios.mjs';

const rows = {
  'imports without an end': `SELECT 1 FROM "LLMAgentImport" WHERE "processingStatus" NOT IN ('processed', 'delivered', 'failed')`,
  'imports that failed without a line': `SELECT 1 FROM "LLMAgentImport" WHERE "processingStatus" = 'failed' AND coalesce("errorMessage", '') = ''`,
  'imports of one file of a message twice': 'SELECT 1 FROM "LLMAgentImport" WHERE "retryOf" IS NULL GROUP BY "inboxId", "fileIndex" HAVING count(*) > 1',
  'imports whose pieces are not all there once': `SELECT 1 FROM "LLMAgentImport" i WHERE i.outline IS NOT NULL AND i."processingStatus" <> 'failed'
    AND json_extract(i.outline, '$.chunks') <> (SELECT count(*) FROM knowledge k WHERE k.import_id = i.id)`,
  'pieces with the words of another': 'SELECT 1 FROM knowledge GROUP BY import_id, text HAVING count(*) > 1',
  'pieces that can\'t be found': 'SELECT 1 FROM knowledge WHERE id NOT IN (SELECT rowid FROM knowledge_words)',
  'words of no piece': 'SELECT 1 FROM knowledge_words WHERE rowid NOT IN (SELECT id FROM knowledge)',
  'kept files that nobody names': `SELECT 1 FROM blobs b WHERE NOT EXISTS (SELECT 1 FROM "LLMAgentImport" i WHERE i.sha256 = b.sha256)
    AND NOT EXISTS (SELECT 1 FROM import_outputs o WHERE o.sha256 = b.sha256)`,
  'files made that are sent twice': 'SELECT 1 FROM outbox WHERE output_id IS NOT NULL GROUP BY output_id HAVING count(*) > 1',
};

// A system that is told of finished imports: one number for one id, however often it is asked. fails: answers 503 so many times.
export class Target {
  constructor({ fails = 0 } = {}) {
    Object.assign(this, { fails, numbers: new Map(), bodies: new Map(), repeated: 0, odd: [] });
    this.server = http.createServer((request, response) => {
      let text = '';
      request.on('data', (data) => (text += data)).on('end', () => this.#take(request, text, response));
    });
  }

  #take(request, text, response) {
    const id = request.headers['webhook-id'];
    try {
      new Webhook(hookSecret).verify(text, request.headers);
    } catch {
      this.odd.push(`${id} is not signed`);
    }
    const { import_id: number } = JSON.parse(text);
    if (id !== `import-${number}`) this.odd.push(`import ${number} was posted as ${id}`);
    if (this.bodies.has(id)) this.repeated++;
    this.bodies.set(id, text);
    if (this.fails-- > 0) return response.writeHead(503, { 'retry-after': '0' }).end();
    if (!this.numbers.has(id)) this.numbers.set(id, `erp-${this.numbers.size + 1}`);
    return response.writeHead(201, { 'content-type': 'application/json' }).end(JSON.stringify({ id: this.numbers.get(id) }));
  }

  async start() {
    await new Promise((resolve) => this.server.listen(0, '127.0.0.1', resolve));
    this.settings = { url: `http://127.0.0.1:${this.server.address().port}/imports`, secret: hookSecret };
    return this;
  }

  async stop() {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }
}

// Whether everything that is to be told to the target has been.
export const told = (dir) => sql(dir, `SELECT count(*) FROM "LLMAgentImport" WHERE "commercialState" IN ('due', 'sending')`) === '0';

const below = (dir, name, wanted = () => true) => {
  try {
    return readdirSync(`${dir}/${name}`, { recursive: true }).filter(wanted);
  } catch (error) {
    if (error.code === 'ENOENT') return [];
    throw error;
  }
};

// Of a daemon that has stopped.
export function checkImports(dir, note, target) {
  for (const [what, query] of Object.entries(rows)) {
    const found = sql(dir, `SELECT count(*) FROM (${query})`);
    if (found !== '0') note(`${found} ${what}`);
  }
  const kept = below(dir, 'blobs', (name) => /\/[0-9a-f]{64}$/.test(name)).map((name) => name.slice(-64)).sort().join();
  for (const name of below(dir, 'blobs', (each) => /\/[0-9a-f]{64}$/.test(each)))
    if (createHash('sha256').update(readFileSync(`${dir}/blobs/${name}`)).digest('hex') !== name.slice(-64)) note(`kept, and not whole: ${name}`);
  const named = sql(dir, 'SELECT sha256 FROM blobs ORDER BY sha256').split('\n').filter(Boolean).join();
  if (kept !== named) note(`kept are ${kept || 'none'}, rows name ${named || 'none'}`);
  const left = below(dir, 'work');
  if (left.length) note(`left in DIR/work: ${left}`);
  if (!target) return;
  target.odd.forEach((text) => note(`target: ${text}`));
  const ours = sql(dir, `SELECT 'import-' || id || ' ' || coalesce("commercialImportId", '') FROM "LLMAgentImport" ORDER BY 1`);
  const theirs = [...target.numbers].map(([id, number]) => `${id} ${number}`).sort().join('\n');
  if (ours.split('\n').sort().join('\n') !== theirs) note(`the target numbers ${JSON.stringify(theirs)}, we ${JSON.stringify(ours)}`);
}
