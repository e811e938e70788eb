// What the stand-ins of Anthropic, Cohere and Ollama have in common: a model behaves by the name it is asked under. Each
// service's own forms, and what it refuses, are in the file of its name.
//
//   echo            answers "echo: " and the last user message, streamed in pieces
//   seed            seed 004: adds the task, then says what became of it
//   sees            answers with kind and size of the pictures it was shown
//   slow-MS         echo, MS milliseconds later; drip-MS: that long between the pieces
//   cut             breaks the connection off in the middle of the answer, always; cut-once: the first time only
//   cut-call-NAME   asks for the tool NAME and breaks off before the end of its message, always
//   midchar         sends its answer split in the middle of UTF-8 characters (and ends well)
//   long            stops at its output limit; refusal: refuses
//   status-CODE     answers with that status and the service's error body; credit: there is no money left
//   limited-once    429 with Retry-After: 0 the first time, then answers
//   overloaded      begins to answer, then the stream tells an error; overloaded-once
//   error-in-200    status 200 with an error object
//   html, empty, garbage   200 with such a body
//   huge            an answer of 1 MB
//   overflow-N      refuses as too long while more than N messages are sent
//   hang            never answers
//   cached          tells of a prompt that was read from the cache and written to it
//   tool-NAME       asks for the tool NAME with {"title": the message}, then says "done: " and its result
//   tools-NAME      asks for the tool NAME again and again, while it is offered
//   parallel-NAME   asks twice at once, the pieces of both calls mixed where the service can do so
//   think-NAME      like tool-NAME with thoughts before the call; takes no temperature; wants its thoughts back to the letter
//   cool            echo, but takes no temperature
//   toolless        echo, but takes no tools (Ollama)
import http from 'node:http';

export const pieces = (text) => text.match(/[\s\S]{1,16}/gu) ?? [];

export function json(response, status, value, headers = {}) {
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  response.writeHead(status, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text), ...headers });
  response.end(text);
}

// The first name that is not among these, for servers that refuse unknown fields.
export const unknown = (value, names) => Object.keys(value).find((name) => !names.includes(name));
export const isObject = (value) => typeof value === 'object' && value !== null && !Array.isArray(value);
export const isCount = (value) => Number.isInteger(value) && value >= 0;

export const isBase64 = (text) => typeof text === 'string' && /^[A-Za-z0-9+/]+={0,2}$/.test(text) && text.length % 4 === 0;
export const kindOf = (base64) => {
  const bytes = Buffer.from(base64, 'base64');
  const starts = { jpeg: 'ffd8ff', png: '89504e470d0a1a0a', gif: '47494638', webp: '52494646' };
  return Object.keys(starts).find((kind) => bytes.toString('hex').startsWith(starts[kind])) ?? 'unknown';
};

// A service gives: path, listPath, list(), allows(request), fault(body, request) -> {status, message} or null, last(body),
// results(body), images(body) -> base64 texts, messages(body), streams(body), type, stream(body, reply) -> pieces, whole(body,
// reply), refusal(status, message, param) -> value, broken(message) -> piece; perhaps elsewhere: {path: (body) -> why not there}.
export class ModelStandIn {
  constructor(service, { keep = true } = {}) {
    this.service = service;
    this.requests = []; // bodies, in order of arrival
    this.refused = []; // why, of those with a wrong form
    this.running = 0;
    this.seen = new Map(); // model and prompt -> how many requests
    this.keep = keep;
    this.key = 'test-key-of-the-stand-in';
    this.server = http.createServer((request, response) => this.#serve(request, response));
    this.server.keepAliveTimeout = 60_000;
  }

  async start(port = 0) {
    await new Promise((resolve) => this.server.listen(port, '127.0.0.1', resolve));
    this.port = this.server.address().port;
    this.base = `http://127.0.0.1:${this.port}`;
    return this;
  }

  async stop() {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  refuse(response, status, message, headers) {
    json(response, status, this.service.refusal(status, message), headers);
  }

  #serve(request, response) {
    const parts = [];
    const where = request.url.split('?')[0];
    request.on('data', (part) => parts.push(part));
    request.on('end', () => {
      if (!this.service.allows(request, this.key)) return this.refuse(response, 401, 'invalid api key');
      if (request.method === 'GET' && where === this.service.listPath) return json(response, 200, this.service.list());
      const elsewhere = this.service.elsewhere?.[where];
      if (request.method !== 'POST' || (where !== this.service.path && !elsewhere)) return this.refuse(response, 404, `no such path ${where}`);
      let body;
      try {
        body = JSON.parse(Buffer.concat(parts).toString('utf8'));
      } catch {
        return this.refuse(response, 400, 'the body is not JSON');
      }
      if (elsewhere) {
        this.refused.push(elsewhere(body));
        return this.refuse(response, 400, elsewhere(body));
      }
      this.#complete(body, request, response);
    });
  }

  #complete(body, request, response) {
    const wrong = this.service.fault(body, request);
    if (wrong) {
      this.refused.push(wrong.message);
      return json(response, wrong.status ?? 400, this.service.refusal(wrong.status ?? 400, wrong.message, wrong.param));
    }
    if (this.keep) this.requests.push(body);
    this.running++;
    response.on('close', () => this.running--);
    const last = this.service.last(body), prompt = `${body.model} ${last}`;
    const count = (this.seen.get(prompt) ?? 0) + 1;
    if (this.keep) this.seen.set(prompt, count);
    const name = names.find((n) => body.model === n || body.model.startsWith(`${n}-`)) ?? 'echo';
    behaviours[name]({ server: this, service: this.service, body, response, last, count, value: body.model.slice(name.length + 1), reply: { text: `echo: ${last}` } });
  }
}

function answer({ service, body, response, reply }) {
  if (!service.streams(body)) return json(response, 200, service.whole(body, reply));
  begin(service, response);
  for (const piece of service.stream(body, reply)) response.write(piece);
  response.end();
}

const begin = (service, response) =>
  response.writeHead(200, { 'content-type': service.type, 'request-id': `req_${Math.random().toString(36).slice(2)}` });

// Writes bytes and breaks the connection off once they have left.
function writeAndBreak(a, list) {
  begin(a.service, a.response);
  a.response.write(list.join(''), () => setTimeout(() => a.response.destroy(), 20));
}

const say = (a, text) => answer({ ...a, reply: { text } });
const call = (a, name, args, nth = 1) => ({ id: `call_${a.service.messages(a.body)}_${a.count}_${nth}`, name, arguments: args });

function tool(a, calls, more = {}) {
  const results = a.service.results(a.body);
  if (results.length) return say(a, `done: ${results.join(' | ')}`);
  answer({ ...a, reply: { text: '', calls, ...more } });
}

const behaviours = {
  echo: answer,
  cool: answer,
  toolless: answer,
  seed: (a) => {
    const results = a.service.results(a.body), title = a.last.match(/^Add a task to (.+)$/)?.[1];
    if (!title) return answer(a);
    if (!results.length) return answer({ ...a, reply: { text: '', calls: [call(a, 'add_task', { user_id: '123', title })] } });
    say(a, 'error' in JSON.parse(results[0]) ? 'I encountered an issue adding your task. Please try again.' : `I've added the task '${title}' to your list.`);
  },
  sees: (a) => say(a, `I see: ${a.service.images(a.body).map((i) => `${kindOf(i)} of ${Buffer.from(i, 'base64').length} bytes`).join(', ') || 'nothing'}`),
  slow: (a) => setTimeout(() => answer(a), Number(a.value)),
  drip: async (a) => {
    begin(a.service, a.response);
    for (const piece of a.service.stream(a.body, a.reply)) {
      if (a.response.destroyed) return;
      a.response.write(piece);
      await new Promise((resolve) => setTimeout(resolve, Number(a.value)));
    }
    a.response.end();
  },
  cut: (a) => {
    const list = a.service.stream(a.body, { text: `half an answer to: ${a.last}` });
    writeAndBreak(a, list.slice(0, Math.ceil(list.length / 2)));
  },
  'cut-once': (a) => (a.count === 1 ? behaviours.cut(a) : answer(a)),
  'cut-call': (a) => writeAndBreak(a, a.service.stream(a.body, { text: '', calls: [call(a, a.value, { title: a.last })] }).slice(0, -a.service.endPieces)),
  midchar: async (a) => {
    const bytes = Buffer.from(a.service.stream(a.body, { text: 'grüße ✓ 🎉' }).join(''));
    begin(a.service, a.response);
    for (let i = 0; i < bytes.length; i += 7) {
      a.response.write(bytes.subarray(i, i + 7));
      await new Promise((resolve) => setImmediate(resolve));
    }
    a.response.end();
  },
  long: (a) => answer({ ...a, reply: { text: 'a very long st', stop: 'limit' } }),
  refusal: (a) => answer({ ...a, reply: { text: '', stop: 'refusal' } }),
  status: (a) => a.server.refuse(a.response, Number(a.value), `status ${a.value} as asked`),
  credit: (a) => a.server.refuse(a.response, 402, 'your credit balance is too low'),
  'limited-once': (a) => (a.count === 1 ? a.server.refuse(a.response, 429, 'slow down', { 'retry-after': '0' }) : answer(a)),
  overloaded: (a) => {
    const list = a.service.stream(a.body, { text: `half an answer to: ${a.last}` });
    begin(a.service, a.response);
    a.response.end(list.slice(0, Math.ceil(list.length / 2)).join('') + a.service.broken('overloaded'));
  },
  'overloaded-once': (a) => (a.count === 1 ? behaviours.overloaded(a) : answer(a)),
  'error-in-200': (a) => json(a.response, 200, a.service.refusal(500, 'inner trouble')),
  html: (a) => {
    a.response.writeHead(200, { 'content-type': 'text/html' });
    a.response.end('<html><body>Bad gateway</body></html>');
  },
  empty: (a) => {
    a.response.writeHead(200, { 'content-type': a.service.type, 'content-length': 0 });
    a.response.end();
  },
  garbage: (a) => {
    begin(a.service, a.response);
    a.response.end('data: {"type": [ {\n\n{"message": \u0000\u0001\n\n');
  },
  huge: (a) => say(a, 'x'.repeat(1_000_000)),
  overflow: (a) => (a.service.messages(a.body) > Number(a.value) ? a.server.refuse(a.response, 400, a.service.tooLong) : answer(a)),
  hang: () => {},
  cached: (a) => answer({ ...a, reply: { text: `echo: ${a.last}`, usage: { input: 100, read: 1000, written: 200, output: 10 } } }),
  tool: (a) => tool(a, [call(a, a.value, { title: a.last, user_id: 'somebody-else' })]),
  tools: (a) => (a.service.offers(a.body) ? answer({ ...a, reply: { text: '', calls: [call(a, a.value, {})] } }) : say(a, 'that is all')),
  parallel: (a) => tool(a, ['first', 'second'].map((word, n) => call(a, a.value, { title: `${word}: ${a.last}` }, n + 1))),
  think: (a) => tool(a, [call(a, a.value, { title: a.last })], { thinking: `They want "${a.last}". Zwölf Boxkämpfer \\ \u2028 \ud83e\udd14` }),
};
const names = Object.keys(behaviours).sort((a, b) => b.length - a.length);

// Runs the stand-in by itself: node FILE [PORT].
export async function runAlone(meta, service) {
  if (process.argv[1] !== new URL(meta.url).pathname) return;
  const server = await new ModelStandIn(service, { keep: false }).start(Number(process.argv[2] ?? 0));
  console.log(JSON.stringify({ base: server.base, key: server.key }));
}
