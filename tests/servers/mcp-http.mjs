// MCP servers over HTTP that misbehave by the path of their URL. Each has two tools: "count", which counts how often it has
// run (what must not happen twice by accident), and "read", which changes nothing. Written by the specification and proved
// with the official SDK's client (mcp-http.test.mjs).
//
//   /plain        answers in JSON, with a charset in its type; no session
//   /events       answers in event streams: BOM, comments, CR LF, data in several lines, other events, bytes cut anywhere
//   /chatty       202 with a body, a session, a stream of its own with a ping, asks for roots before it answers a call
//   /gone         forgets the session before the first call (404); /gone-400: the same with 400 and a text
//   /cut          runs the tool and cuts the stream before the answer, without event ids
//   /resume       runs the tool, tells an event id and a wait, cuts; the answer is on the GET
//   /slow         answers after a second, with progress
//   /huge         its result is longer than any client takes
//   /moved        redirects to /trap; /trap notes who came with which credentials
//   /token        wants Authorization: Bearer open-sesame
//   /oauth        401 with resource_metadata
//   /overloaded   503 with Retry-After
//   /old          the transport of 2024-11-05; /old-elsewhere: its endpoint is of another origin (the trap of another port)
import http from 'node:http';
import { randomUUID } from 'node:crypto';

const tools = ['count', 'read'].map((name) => ({
  name, description: `stand-in ${name}`, inputSchema: { type: 'object', properties: { n: { type: 'number' } } },
  annotations: { readOnlyHint: name === 'read' },
}));

const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const json = (response, status, value, headers = {}) =>
  response.writeHead(status, { 'content-type': 'application/json; charset=utf-8', ...headers }).end(JSON.stringify(value));
const begin = (response, headers = {}) => response.writeHead(200, { 'content-type': 'text/event-stream', ...headers });
const refuse = (response, status, message, headers) =>
  json(response, status, { jsonrpc: '2.0', id: null, error: { code: -32000, message } }, headers);

export class McpServer {
  constructor() {
    this.requests = []; // { name, method, headers, message }
    this.runs = new Map(); // name of the server -> how often count has run
    this.sessions = new Map(); // id -> name
    this.streams = new Map(); // name -> the open GET
    this.answers = new Map(); // event id -> what the GET with Last-Event-ID gets
    this.forgot = new Set();
    this.trapped = []; // headers of those who came to the trap
    this.server = http.createServer((request, response) => this.#serve(request, response));
    this.server.keepAliveTimeout = 60_000;
  }

  async start() {
    this.other = http.createServer((request, response) => { this.trapped.push(request.headers); response.writeHead(204).end(); });
    for (const server of [this.server, this.other])
      await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
    this.base = `http://127.0.0.1:${this.server.address().port}`;
    this.elsewhere = `http://127.0.0.1:${this.other.address().port}`;
    return this;
  }

  async stop() {
    for (const server of [this.server, this.other]) {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    }
  }

  url(name) { return `${this.base}/${name}`; }

  ran(name) { return this.runs.get(name) ?? 0; }

  seen(name, method) { return this.requests.filter((r) => r.name === name && (r.message?.method === method || r.method === method)); }

  async #serve(request, response) {
    const parts = [];
    for await (const part of request) parts.push(part);
    const text = Buffer.concat(parts).toString('utf8');
    const name = new URL(request.url, this.base).pathname.slice(1);
    const message = text ? JSON.parse(text) : null;
    this.requests.push({ name, method: request.method, headers: request.headers, message });
    if (name === 'trap') { this.trapped.push(request.headers); return response.writeHead(204).end(); }
    if (this.#atTheDoor(name, request, response)) return undefined;
    if (name.startsWith('old')) return this.#old(name, request, response, message);
    if (request.method === 'GET') return this.#get(name, request, response);
    if (request.method === 'DELETE') {
      this.sessions.delete(request.headers['mcp-session-id']);
      return response.writeHead(200).end();
    }
    return this.#post(name, request, response, message);
  }

  // True: it does not come in.
  #atTheDoor(name, request, response) {
    if (name === 'moved') response.writeHead(307, { location: `${this.elsewhere}/trap?from=moved` }).end();
    else if (name === 'token' && request.headers.authorization !== 'Bearer open-sesame') refuse(response, 401, 'who are you', { 'www-authenticate': 'Bearer' });
    else if (name === 'oauth') refuse(response, 401, 'who are you', { 'www-authenticate': `Bearer resource_metadata="${this.base}/.well-known/oauth-protected-resource/oauth"` });
    else if (name === 'overloaded') refuse(response, 503, 'too busy', { 'retry-after': '3600' });
    else return false;
    return true;
  }

  #get(name, request, response) {
    const answer = this.answers.get(request.headers['last-event-id']);
    if (answer) {
      begin(response).end(`id: ${randomUUID()}\ndata: ${JSON.stringify(answer)}\n\n`);
    } else if (name === 'chatty') {
      begin(response).write(`: here\n\ndata: ${JSON.stringify({ jsonrpc: '2.0', id: 'p-1', method: 'ping' })}\n\n`);
      this.streams.set(name, response);
    } else {
      response.writeHead(405, { allow: 'POST' }).end();
    }
  }

  async #post(name, request, response, message) {
    const session = request.headers['mcp-session-id'];
    if (!(request.headers.accept ?? '').includes('application/json') || !request.headers.accept.includes('text/event-stream'))
      return refuse(response, 406, 'Not Acceptable: Client must accept both application/json and text/event-stream');
    if (message.method === 'initialize') return this.#initialize(name, response, message);
    if (session && !this.sessions.has(session)) return refuse(response, 404, 'Session not found');
    if (message.method === 'tools/call' && name.startsWith('gone') && !this.forgot.has(name)) {
      this.forgot.add(name);
      this.sessions.clear();
      return name === 'gone' ? response.writeHead(404).end() : refuse(response, 400, 'Bad Request: No valid session ID provided');
    }
    if (message.id === undefined || message.method === undefined)
      return name === 'chatty' ? response.writeHead(202, { 'content-type': 'text/plain' }).end('Accepted') : response.writeHead(202).end();
    return (this[`${name}_`] ?? this.plain_).call(this, response, this.#answer(name, message), message);
  }

  #initialize(name, response, message) {
    const session = ['plain', 'events'].includes(name) ? undefined : randomUUID();
    if (session) this.sessions.set(session, name);
    const result = { protocolVersion: message.params.protocolVersion, capabilities: { tools: {} }, serverInfo: { name, version: '1' } };
    const answer = { jsonrpc: '2.0', id: message.id, result };
    const headers = session ? { 'Mcp-Session-Id': session } : {};
    if (name === 'events') return this.events_(response, answer);
    return json(response, 200, answer, headers);
  }

  #answer(name, message) {
    const answer = { jsonrpc: '2.0', id: message.id };
    if (message.method === 'tools/list') return { ...answer, result: { tools } };
    if (message.method !== 'tools/call') return { ...answer, error: { code: -32601, message: 'no such method' } };
    if (message.params.name === 'count') this.runs.set(name, this.ran(name) + 1);
    return { ...answer, result: { content: [{ type: 'text', text: `${message.params.name} ran ${this.ran(name)} ünd wéll` }] } };
  }

  plain_(response, answer) { json(response, 200, answer); }

  async events_(response, answer) {
    const [first, ...rest] = JSON.stringify(answer, null, 1).split('\n');
    const stream = `\uFEFF: a comment\r\n\r\nevent: weather\r\ndata: {}\r\n\r\nid: 1\r\ndata:\r\n\r\n` +
      `event: message\r\nid: 2\r\n${[first, ...rest].map((line) => `data: ${line}\r\n`).join('')}\r\n`;
    const bytes = Buffer.from(stream);
    begin(response);
    for (let at = 0; at < bytes.length; at += 7) {
      response.write(bytes.subarray(at, at + 7));
      if (at % 70 === 0) await wait(1);
    }
    response.end();
  }

  // The answer waits for ours to a question of its own.
  async chatty_(response, answer, message) {
    if (message.method !== 'tools/call') return json(response, 200, answer);
    const id = randomUUID();
    begin(response).write(`data: ${JSON.stringify({ jsonrpc: '2.0', id, method: 'roots/list' })}\n\n`);
    let said;
    while (!response.destroyed && !(said = this.requests.find((r) => r.message?.id === id && !r.message.method)?.message)) await wait(10);
    answer.result.content[0].text += ` roots: ${said?.error?.code}`;
    return response.end(`data: ${JSON.stringify(answer)}\n\n`);
  }

  cut_(response, answer, message) {
    if (message.method !== 'tools/call') return json(response, 200, answer);
    begin(response).write(`data: ${JSON.stringify({ jsonrpc: '2.0', method: 'notifications/message', params: { level: 'info', data: 'begun' } })}\n\n`);
    return setTimeout(() => response.destroy(), 20);
  }

  resume_(response, answer, message) {
    if (message.method !== 'tools/call') return json(response, 200, answer);
    const id = randomUUID();
    this.answers.set(id, answer);
    begin(response).write(`id: ${id}\nretry: 100\ndata: \n\n`);
    return setTimeout(() => response.destroy(), 20);
  }

  async slow_(response, answer, message) {
    if (message.method !== 'tools/call') return json(response, 200, answer);
    begin(response);
    for (let i = 1; i <= 4; i++) {
      response.write(`data: ${JSON.stringify({ jsonrpc: '2.0', method: 'notifications/progress', params: { progressToken: message.params._meta?.progressToken, progress: i, total: 4 } })}\n\n`);
      await wait(250);
    }
    return response.end(`data: ${JSON.stringify(answer)}\n\n`);
  }

  huge_(response, answer, message) {
    if (message.method === 'tools/call') answer.result.content[0].text = 'x'.repeat(20 << 20);
    json(response, 200, answer);
  }

  #old(name, request, response, message) {
    if (request.method === 'GET') {
      const there = name === 'old-elsewhere' ? `${this.elsewhere}/message` : `/${name}-message?sessionId=${randomUUID()}`;
      begin(response).write(`event: endpoint\ndata: ${there}\n\n`);
      this.streams.set(name, response);
    } else if (!name.endsWith('-message')) {
      response.writeHead(404, { 'content-type': 'text/html' }).end('Cannot POST');
    } else {
      const of = name.replace('-message', '');
      if (message.id !== undefined && message.method) {
        const answer = message.method === 'initialize'
          ? { jsonrpc: '2.0', id: message.id, result: { protocolVersion: '2024-11-05', capabilities: { tools: {} }, serverInfo: { name: of, version: '1' } } }
          : this.#answer(of, message);
        this.streams.get(of)?.write(`event: message\ndata: ${JSON.stringify(answer)}\n\n`); // before the 202
      }
      response.writeHead(202).end('Accepted');
    }
  }
}
