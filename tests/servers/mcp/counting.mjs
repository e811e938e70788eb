// A server of tools that counts what it does, and outlives the daemon: over HTTP, or over standard input and output with a file
// to count in (node counting.mjs FILE), which a new process of it goes on with.
//
//   read, once, confirm   each run is an effect
//   keyed                 an effect for each id once, however often it is run
//
// Every tool takes {"id": "..."} and answers "NAME ran for ID: N". Before the effect and after it some time goes by, so that whoever
// is killed in the middle finds calls of each kind. A client that has gone changes nothing: what was asked for is done.
import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import http from 'node:http';

const slowest = { before: 120, after: 60 }; // ms

const tools = ['read', 'keyed', 'once', 'confirm'].map((name) => ({
  name, description: `counts ${name}`, inputSchema: { type: 'object', properties: { id: { type: 'string' } }, required: ['id'] },
  annotations: { readOnlyHint: name === 'read' },
}));

// Calls note(what, tool, id, key) with what = got, ran, said.
export class Counting {
  constructor(note = () => {}) {
    this.note = note;
    this.runs = new Map(); // "tool id" -> how often it has run
    this.effects = new Map(); // "tool id" -> how many effects
    this.speed = 1;
  }

  add(tool, id) {
    const call = `${tool} ${id}`;
    this.runs.set(call, (this.runs.get(call) ?? 0) + 1);
    if (tool !== 'keyed' || !this.effects.has(call)) this.effects.set(call, (this.effects.get(call) ?? 0) + 1);
    return this.effects.get(call);
  }

  // Gives each answer to say; nothing is said to notifications.
  take(message, say) {
    const answer = (result) => say({ jsonrpc: '2.0', id: message.id, result });
    if (message.id === undefined) return;
    if (message.method === 'initialize') answer({ protocolVersion: message.params.protocolVersion, capabilities: { tools: {} }, serverInfo: { name: 'counting', version: '1' } });
    else if (message.method === 'tools/list') answer({ tools });
    else if (message.method === 'tools/call') this.#run(message.params.name, message.params.arguments.id, answer);
    else answer({});
  }

  #run(tool, id, answer) {
    this.note('got', tool, id);
    setTimeout(() => {
      const count = this.add(tool, id);
      this.note('ran', tool, id);
      setTimeout(() => {
        answer({ content: [{ type: 'text', text: `${tool} ran for ${id}: ${count}` }] });
        this.note('said', tool, id);
      }, Math.random() * slowest.after);
    }, Math.random() * slowest.before);
  }
}

export class CountingServer extends Counting {
  async start() {
    this.server = http.createServer(async (request, response) => {
      const parts = [];
      for await (const part of request) parts.push(part);
      if (request.method !== 'POST') return response.writeHead(405, { allow: 'POST' }).end();
      const message = JSON.parse(Buffer.concat(parts).toString('utf8'));
      if (message.id === undefined) return response.writeHead(202).end();
      return this.take(message, (answer) => response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(answer)));
    });
    this.server.keepAliveTimeout = 60_000;
    await new Promise((resolve) => this.server.listen(0, '127.0.0.1', resolve));
    this.url = `http://127.0.0.1:${this.server.address().port}/mcp`;
    return this;
  }

  async stop() {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }
}

// What the file says of a server over standard input and output: its lines are "what tool id".
export function readCounts(file, counting, from = 0) {
  const lines = existsSync(file) ? readFileSync(file, 'utf8').split('\n').slice(0, -1) : [];
  for (const line of lines.slice(from)) {
    const [what, tool, id] = line.split(' ');
    if (what === 'ran') counting.add(tool, id);
    counting.note(what, tool, id);
  }
  return lines.length;
}

if (process.argv[1] === new URL(import.meta.url).pathname) {
  const file = process.argv[2];
  const counting = new Counting();
  readCounts(file, counting);
  counting.note = (...words) => appendFileSync(file, `${words.join(' ')}\n`);
  let rest = '';
  process.stdout.on('error', () => {}); // the reader has died
  process.stdin.setEncoding('utf8');
  process.stdin.on('data', (piece) => {
    const lines = (rest + piece).split('\n');
    rest = lines.pop();
    for (const line of lines) counting.take(JSON.parse(line), (answer) => process.stdout.write(`${JSON.stringify(answer)}\n`));
  });
}
