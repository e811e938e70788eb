// A server of the Model Context Protocol that knows 2026-07-28 and nothing else, strictly: a request that does not say all of
// itself, or whose headers do not agree with it, gets no more than an error. Over HTTP (class ModernServer), or over standard
// input and output when it is run as a program. Proved with the official client (conformance/official.mjs).
//
// Tools: read (changes nothing), count (counts how often it has run; the same idempotency key counts once), where (its argument
// goes into a header), ask (asks the person and wants its state back), wants (needs sampling), bad (marked against the rules).
import http from 'node:http';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const VERSION = '2026-07-28';
const meta = (name) => `io.modelcontextprotocol/${name}`;
const own = { [meta('serverInfo')]: { name: 'modern', version: '1' } };
const state = '{"b": 1,\n "a": "ü"}'; // not to be touched

const tool = (name, properties = {}, more = {}) => ({ name, description: `stand-in ${name}`, inputSchema: { type: 'object', properties }, ...more });
const tools = [
  tool('read', {}, { annotations: { readOnlyHint: true } }), tool('count'), tool('ask'), tool('wants'),
  tool('where', { region: { type: 'string', 'x-mcp-header': 'Region' } }),
  tool('bad', { n: { type: 'number', 'x-mcp-header': 'N' } }),
];

const decoded = (value) => {
  const [, coded] = /^=\?base64\?(.*)\?=$/s.exec(value ?? '') ?? [];
  return coded === undefined ? value : Buffer.from(coded, 'base64').toString('utf8');
};
const text = (words) => ({ content: [{ type: 'text', text: words }] });

class Modern {
  constructor() {
    this.runs = new Map(); // tool -> how often it has run
    this.keys = new Map(); // idempotency key -> its result
    this.tools = [...tools];
    this.listeners = new Map(); // id -> put
    this.requests = [];
  }

  ran = (name) => this.runs.get(name) ?? 0;

  // A fault of the request: [code, message, status, data]; or undefined.
  #fault({ method, params }, headers) {
    const said = params?._meta ?? {};
    const version = said[meta('protocolVersion')];
    if (typeof version !== 'string' || typeof said[meta('clientCapabilities')] !== 'object') return [-32602, '_meta is incomplete', 400];
    if (headers && (headers['mcp-protocol-version'] !== version || headers['mcp-method'] !== method)) return [-32020, 'headers', 400];
    if (version !== VERSION) return [-32022, 'version', 400, { supported: [VERSION], requested: version }];
    if (headers && method === 'tools/call') {
      const region = params.arguments?.region;
      if (decoded(headers['mcp-name']) !== params.name) return [-32020, 'Mcp-Name', 400];
      if (params.name === 'where' && decoded(headers['mcp-param-region']) !== region) return [-32020, 'Mcp-Param-Region', 400];
    }
    return undefined;
  }

  #call({ name, arguments: given, inputResponses, requestState, _meta }) {
    const key = _meta.idempotencyKey;
    if (name === 'ask' && inputResponses === undefined)
      return { resultType: 'input_required', requestState: state, inputRequests: { who: { method: 'elicitation/create', params: { message: 'Who?', requestedSchema: { type: 'object', properties: {} } } } } };
    if (name === 'ask')
      return text(`${inputResponses.who?.action} ${requestState === state ? 'same' : 'another'} state`);
    if (key && this.keys.has(key)) return this.keys.get(key);
    this.runs.set(name, this.ran(name) + 1);
    const result = text(`${name} ran ${this.ran(name)} ${given.region ?? ''}`);
    if (key) this.keys.set(key, result);
    return result;
  }

  // { status, body }, or undefined when the answer comes later.
  take(message, headers, put) {
    const { id, method, params } = message;
    this.requests.push(message);
    if (id === undefined) return { status: 202 };
    const refuse = (code, words, status = 200, data = undefined) => ({ status, body: { jsonrpc: '2.0', id, error: { code, message: words, ...(data && { data }) } } });
    const give = (result) => ({ status: 200, body: { jsonrpc: '2.0', id, result: { resultType: 'complete', _meta: own, ...result } } });
    const fault = this.#fault(message, headers);
    if (fault) return refuse(...fault);
    switch (method) {
      case 'server/discover': return give({ supportedVersions: [VERSION], capabilities: { tools: { listChanged: true } }, ttlMs: 0, cacheScope: 'private' });
      case 'tools/list': return give({ tools: this.tools, ttlMs: 3600000, cacheScope: 'private' });
      case 'tools/call':
        if (params.name === 'wants') return refuse(-32021, 'sampling', 400, { requiredCapabilities: { sampling: {} } });
        return this.tools.some((one) => one.name === params.name) ? give(this.#call(params)) : refuse(-32602, 'no such tool');
      case 'subscriptions/listen':
        this.listeners.set(id, put);
        put({ jsonrpc: '2.0', method: 'notifications/subscriptions/acknowledged', params: { _meta: { [meta('subscriptionId')]: id }, notifications: { toolsListChanged: true } } });
        return undefined;
      default: return refuse(-32601, 'no such method', 404);
    }
  }

  change() {
    this.tools.push(tool('later'));
    for (const [id, put] of this.listeners)
      put({ jsonrpc: '2.0', method: 'notifications/tools/list_changed', params: { _meta: { [meta('subscriptionId')]: id } } });
  }
}

export class ModernServer extends Modern {
  cut = new Set(); // tools whose next answer does not arrive

  async start() {
    this.server = http.createServer((request, response) => this.#serve(request, response));
    this.server.keepAliveTimeout = 60_000;
    await new Promise((resolve) => this.server.listen(0, '127.0.0.1', resolve));
    this.url = `http://127.0.0.1:${this.server.address().port}/mcp`;
    return this;
  }

  async stop() {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  async #serve(request, response) {
    if (request.method !== 'POST') return response.writeHead(405).end();
    let body = '';
    for await (const piece of request.setEncoding('utf8')) body += piece;
    const message = JSON.parse(body);
    const put = (one) => {
      if (!response.headersSent) response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write(`: there\n\ndata: ${JSON.stringify(one)}\n\n`);
    };
    response.on('close', () => this.listeners.delete(message.id));
    const answer = this.take(message, request.headers, put);
    if (answer === undefined) return undefined;
    if (this.cut.delete(message.params?.name)) {
      response.writeHead(200, { 'content-type': 'text/event-stream' }).write('id: 1\nretry: 50\ndata:\n\n');
      return setTimeout(() => response.destroy(), 20);
    }
    return response.writeHead(answer.status, { 'content-type': 'application/json' }).end(answer.body && JSON.stringify(answer.body));
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const server = new Modern();
  const put = (message) => process.stdout.write(`${JSON.stringify(message)}\n`);
  for await (const line of createInterface({ input: process.stdin })) {
    const message = JSON.parse(line);
    const answer = server.take(message, null, put);
    if (answer?.body) put(answer.body);
    if (message.params?.arguments?.change) server.change();
  }
}
