// A model server that speaks OpenAI's chat completions, and misbehaves by the name of the model asked for.
//
//   echo            answers "echo: " and the last user message, streamed in pieces
//   sees            answers with kind and size of the pictures it was shown
//   slow-MS         the same after MS milliseconds
//   held            the same, not before hold() says so
//   drip-MS         the same with MS milliseconds between the pieces; what hold() is true of waits in the middle
//   cut             breaks the connection off in the middle of the answer, always
//   cut-once        the first request of each prompt only
//   midchar         sends its answer split in the middle of a UTF-8 character (and ends well)
//   cut-midchar     breaks off in the middle of a UTF-8 character
//   ids             answers with every "[#id]" of the messages since its last answer; ids-MS: that much later; one that
//                   says "[slowly]" gets a long answer that takes some seconds
//   long-N          answers with N numbered lines, a list and a block of code
//   status-CODE     answers with that status and an OpenAI error body
//   limited-once    429 with Retry-After for the first request of each prompt, then answers
//   error-200       status 200 with an error object
//   error-stream    begins to answer, then sends an error chunk
//   html, empty, garbage   200 with such a body
//   huge            an answer of 1 MB
//   overflow-N      400 context_length_exceeded while more than N messages are sent
//   hang            never answers
//   tools-NAME      asks for the tool NAME again and again
//   parallel-NAME   asks twice at once for the tool NAME, the pieces of both calls mixed, then says "done: " and the results
//   cool            answers, but takes no temperature
//   tool-NAME       asks for the tool NAME with {"title": the message}, then says "done: " and its result
//   obey            does whatever the last thing it was told says: a line "DO: TOOL {...}" anywhere in what the user, a tool or somebody quoted said is a call of
//                   that tool, up to three times; "SAY: words" is said; then all that it was ever told, in pieces with pauses
//                   when it was told "[slowly]"
//   call            asks for the tool that the message names, with the JSON behind it as arguments ("add {\"a\":1}"), then
//                   says "done: " and its result
import http from 'node:http';

const pieces = (text) => text.match(/[\s\S]{1,16}/gu) ?? [];

export class ModelServer {
  constructor({ keep = true } = {}) {
    this.requests = []; // bodies, in order of arrival, each with `at`, when it came
    this.attempts = 0; // all of them, also those that are not kept
    this.running = 0;
    this.gate = null;
    this.seen = new Map(); // prompt -> how many requests
    this.keep = keep;
    this.asked = () => {}; // told of each request and its answer to be
    this.key = 'test-key-of-the-stand-in';
    this.server = http.createServer((request, response) => this.#serve(request, response));
    this.server.keepAliveTimeout = 60_000;
  }

  async start(port = 0) {
    await new Promise((resolve) => this.server.listen(port, '127.0.0.1', resolve));
    this.port = this.server.address().port;
    this.base = `http://127.0.0.1:${this.port}/v1`;
    return this;
  }

  // From now on "held" waits with its answers to what which(body) is true of, until the returned function is called.
  hold(which = () => true) {
    let open;
    const opened = new Promise((resolve) => (open = resolve)), gate = { which, opened };
    this.gate = gate;
    return () => {
      if (this.gate === gate) this.gate = null;
      open();
    };
  }

  async stop() {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  #serve(request, response) {
    const parts = [];
    request.on('data', (part) => parts.push(part));
    request.on('end', () => {
      if (request.headers.authorization !== `Bearer ${this.key}`)
        return refuse(response, 401, 'invalid_api_key', 'Incorrect API key provided.');
      if (request.method === 'GET' && request.url === '/v1/models')
        return json(response, 200, { object: 'list', data: [{ id: 'echo', object: 'model', created: 1, owned_by: 'test' }] });
      if (request.method !== 'POST' || request.url !== '/v1/chat/completions')
        return refuse(response, 404, 'not_found', `no such path ${request.url}`);
      this.#complete(JSON.parse(Buffer.concat(parts).toString('utf8')), response);
    });
  }

  #complete(body, response) {
    this.attempts++;
    const wrong = fault(body);
    if (wrong) return refuse(response, 400, 'invalid_request_error', wrong);
    if (this.keep) this.requests.push(Object.defineProperty(body, 'at', { value: Date.now() }));
    this.asked(body, response);
    this.running++;
    response.on('close', () => this.running--);
    const last = body.messages.findLast((m) => m.role === 'user')?.content ?? '';
    const count = (this.seen.get(last) ?? 0) + 1;
    if (this.keep) this.seen.set(last, count);
    const [, name, value] = body.model.match(/^([a-z]+(?:-[a-z]+)?)(?:-(.+))?$/) ?? [];
    const behaviour = behaviours[body.model] ?? behaviours[name] ?? behaviours.echo;
    behaviour({ body, response, last, count, value, text: `echo: ${last}`, gate: this.gate });
  }
}

// What the real server would refuse: the shape of a request is part of the contract.
function fault(body) {
  if (typeof body.model !== 'string' || !Array.isArray(body.messages) || body.messages.length === 0)
    return 'model and messages are required';
  if (body.stream_options && !body.stream) return 'stream_options needs stream';
  if (body.tools && body.tools.length === 0) return 'tools must not be empty';
  let open = [];
  for (const m of body.messages) {
    if (!['system', 'developer', 'user', 'assistant', 'tool'].includes(m.role)) return `unknown role ${m.role}`;
    if (m.role === 'tool') {
      if (!open.includes(m.tool_call_id)) return 'a tool message must answer a tool call';
      open = open.filter((id) => id !== m.tool_call_id);
    } else if (open.length) {
      return "An assistant message with 'tool_calls' must be followed by tool messages responding to each 'tool_call_id'";
    }
    if (m.role === 'assistant' && m.tool_calls) {
      if (m.tool_calls.length === 0) return 'tool_calls must not be empty';
      open = m.tool_calls.map((call) => call.id);
    } else if (typeof m.content !== 'string' && !Array.isArray(m.content)) {
      return `content of a ${m.role} message is missing`;
    }
  }
  return open.length ? 'tool calls without results' : null;
}

function json(response, status, value, headers = {}) {
  const text = JSON.stringify(value);
  response.writeHead(status, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text), ...headers });
  response.end(text);
}

function refuse(response, status, code, message, headers) {
  json(response, status, { error: { message, type: 'invalid_request_error', param: null, code } }, headers);
}

const usage = (body, text) => ({
  prompt_tokens: Math.ceil(JSON.stringify(body.messages).length / 4),
  completion_tokens: Math.ceil(text.length / 4),
  total_tokens: Math.ceil(JSON.stringify(body.messages).length / 4) + Math.ceil(text.length / 4),
  prompt_tokens_details: { cached_tokens: 0 },
});

const chunk = (body, delta, finish = null, extra = {}) =>
  `data: ${JSON.stringify({
    id: 'chatcmpl-test', object: 'chat.completion.chunk', created: 1, model: body.model,
    choices: [{ index: 0, delta, finish_reason: finish }], ...extra,
  })}\n\n`;

const begin = (response) =>
  response.writeHead(200, { 'content-type': 'text/event-stream', 'x-request-id': `req-${Math.random().toString(36).slice(2)}` });

function end(body, response, text, finish = 'stop') {
  response.write(chunk(body, {}, finish));
  if (body.stream_options?.include_usage)
    response.write(`data: ${JSON.stringify({ id: 'chatcmpl-test', object: 'chat.completion.chunk', created: 1, model: body.model, choices: [], usage: usage(body, text) })}\n\n`);
  response.end('data: [DONE]\n\n');
}

function answer({ body, response, text, calls }) {
  if (!body.stream)
    return json(response, 200, {
      id: 'chatcmpl-test', object: 'chat.completion', created: 1, model: body.model,
      choices: [{ index: 0, message: { role: 'assistant', content: calls ? null : text, ...(calls && { tool_calls: calls }) },
        finish_reason: calls ? 'tool_calls' : 'stop' }],
      usage: usage(body, text ?? ''),
    });
  begin(response);
  response.write(chunk(body, { role: 'assistant', content: '' }));
  if (calls) {
    const rest = calls.map((call) => pieces(call.function.arguments));
    calls.forEach((call, index) =>
      response.write(chunk(body, { tool_calls: [{ index, id: call.id, type: 'function', function: { name: call.function.name, arguments: '' } }] })));
    while (rest.some((list) => list.length))
      rest.forEach((list, index) => list.length && response.write(chunk(body, { tool_calls: [{ index, function: { arguments: list.shift() } }] })));
    return end(body, response, '', 'tool_calls');
  }
  for (const piece of pieces(text)) response.write(chunk(body, { content: piece }));
  end(body, response, text);
}

// Writes bytes and breaks the connection off once they have left.
function writeAndBreak(response, data) {
  response.write(data, () => setTimeout(() => response.destroy(), 20));
}

// What the messages since the last answer are marked with.
function marks({ messages }) {
  const from = messages.findLastIndex((m) => m.role === 'assistant') + 1;
  return messages.slice(from).filter((m) => m.role === 'user').flatMap((m) => JSON.stringify(m.content).match(/\[#[\w.-]+\]/g) ?? []);
}

const behaviours = {
  echo: answer,
  ids: (a) => {
    const text = `answered: ${marks(a.body).join(' ')}`;
    if (a.last.includes('[slowly]')) return behaviours.drip({ ...a, text: `${'word after word, '.repeat(18)}${text}`, value: 100 });
    setTimeout(() => answer({ ...a, text }), Number(a.value ?? 0));
  },
  long: (a) => answer({ ...a, text: `${Array.from({ length: Number(a.value) }, (_, n) => `* line ${n + 1} of a **long** list`).join('\n')}\n\n\`\`\`c\nint main(void);\n\`\`\`\n\nthe end` }),
  sees: (a) => {
    const urls = a.body.messages.flatMap((m) => (Array.isArray(m.content) ? m.content : [])).filter((p) => p.type === 'image_url').map((p) => p.image_url.url);
    const shown = urls.map((url) => url.match(/^data:image\/(\w+);base64,(.*)$/s)).map(([, kind, data]) => `${kind} of ${Buffer.from(data, 'base64').length} bytes`);
    answer({ ...a, text: `I see: ${shown.join(', ') || 'nothing'}` });
  },
  slow: (a) => setTimeout(() => answer(a), Number(a.value)),
  held: async (a) => {
    if (a.gate?.which(a.body)) await a.gate.opened;
    answer(a);
  },
  drip: async (a) => {
    const all = pieces(a.text);
    begin(a.response);
    for (const [n, piece] of all.entries()) {
      if (n === all.length >> 1 && a.gate?.which(a.body)) await a.gate.opened;
      if (a.response.destroyed) return;
      a.response.write(chunk(a.body, { content: piece }));
      await new Promise((resolve) => setTimeout(resolve, Number(a.value)));
    }
    end(a.body, a.response, a.text);
  },
  cut: (a) => {
    begin(a.response);
    writeAndBreak(a.response, chunk(a.body, { content: a.text.slice(0, 8) }));
  },
  'cut-once': (a) => (a.count === 1 ? behaviours.cut(a) : answer(a)),
  midchar: async (a) => {
    const bytes = Buffer.from(chunk(a.body, { content: 'grüße ✓ 🎉' }));
    begin(a.response);
    for (let i = 0; i < bytes.length; i += 7) {
      a.response.write(bytes.subarray(i, i + 7));
      await new Promise((resolve) => setImmediate(resolve));
    }
    end(a.body, a.response, 'grüße ✓ 🎉');
  },
  'cut-midchar': (a) => {
    const bytes = Buffer.from(chunk(a.body, { content: 'grüße' }));
    begin(a.response);
    writeAndBreak(a.response, bytes.subarray(0, bytes.indexOf(Buffer.from('ü')) + 1));
  },
  status: (a) => refuse(a.response, Number(a.value), `code_${a.value}`, `status ${a.value} as asked`),
  'limited-once': (a) =>
    a.count === 1 ? refuse(a.response, 429, 'rate_limit_exceeded', 'slow down', { 'retry-after': '0' }) : answer(a),
  'error-200': (a) => json(a.response, 200, { error: { message: 'inner trouble', type: 'server_error', code: 500 } }),
  'error-stream': (a) => {
    begin(a.response);
    a.response.write(chunk(a.body, { content: 'half an ans' }));
    a.response.end(`data: ${JSON.stringify({ error: { message: 'overloaded', type: 'server_error' } })}\n\n`);
  },
  html: (a) => {
    a.response.writeHead(200, { 'content-type': 'text/html' });
    a.response.end('<html><body>Bad gateway</body></html>');
  },
  empty: (a) => {
    a.response.writeHead(200, { 'content-type': 'application/json', 'content-length': 0 });
    a.response.end();
  },
  garbage: (a) => {
    begin(a.response);
    a.response.end('data: {"choices": [ {\n\ndata: \u0000\u0001\n\n');
  },
  huge: (a) => answer({ ...a, text: 'x'.repeat(1_000_000) }),
  overflow: (a) =>
    a.body.messages.length > Number(a.value)
      ? refuse(a.response, 400, 'context_length_exceeded', "This model's maximum context length is 8 tokens.")
      : answer(a),
  hang: () => {},
  tools: (a) => answer({ ...a, calls: [{ id: `call_${a.body.messages.length}`, type: 'function', function: { name: a.value, arguments: '{}' } }] }),
  call: (a) => {
    const result = a.body.messages.findLast((m) => m.role === 'tool');
    const [, name, args] = a.last.match(/(\S+) (\{.*\})\s*$/s) ?? [];
    return !name || a.body.messages.at(-1) === result ? answer({ ...a, text: `done: ${result?.content}` })
      : answer({ ...a, calls: [{ id: `call_${a.body.messages.length}`, type: 'function', function: { name, arguments: args } }] });
  },
  obey: (a) => {
    const now = a.body.messages.slice(a.body.messages.findLastIndex((m) => m.role === 'user'));
    const words = (value) => (typeof value === 'string' ? [value] : value && typeof value === 'object' ? Object.values(value).flatMap(words) : []);
    const told = now.flatMap((m) => (m.role === 'tool' ? words(JSON.parse(m.content)) : words(m.content))).join('\n');
    const orders = [...told.matchAll(/DO: (\w+) (\{[^{}]*\})/g)], done = now.filter((m) => m.role === 'tool').length;
    if (done < Math.min(orders.length, 3))
      return answer({ ...a, calls: [{ id: `call_${a.body.messages.length}`, type: 'function', function: { name: orders[done][1], arguments: orders[done][2] } }] });
    const say = told.includes('[slowly]') ? (one) => behaviours.drip({ ...one, value: 1800 / pieces(one.text).length }) : answer;
    say({ ...a, text: `I obeyed: ${told.match(/SAY: ([^\n"]*)/)?.[1] ?? ''} ${now.filter((m) => m.role === 'tool').map((m) => m.content).join(' ')}`.slice(0, 4000) });
  },
  parallel: (a) => {
    const results = a.body.messages.slice(a.body.messages.findLastIndex((m) => m.role === 'user')).filter((m) => m.role === 'tool');
    if (results.length) return answer({ ...a, text: `done: ${results.map((m) => m.content).join(' | ')}` });
    answer({ ...a, calls: ['first', 'second'].map((word, n) => ({ id: `call_${a.count}_${n}`, type: 'function',
      function: { name: a.value, arguments: JSON.stringify({ title: `${word}: ${a.last}` }) } })) });
  },
  cool: (a) =>
    a.body.temperature === undefined ? answer(a) : json(a.response, 400, { error: { message: "Unsupported value: 'temperature' does not support 0.7 with this model.",
      type: 'invalid_request_error', param: 'temperature', code: 'unsupported_value' } }),
  tool: (a) => {
    const result = a.body.messages.at(-1);
    if (result.role === 'tool') return answer({ ...a, text: `done: ${result.content}` });
    answer({ ...a, calls: [{ id: `call_${a.count}`, type: 'function',
      function: { name: a.value, arguments: JSON.stringify({ title: a.last, user_id: 'somebody-else' }) } }] });
  },
};

if (process.argv[1] === new URL(import.meta.url).pathname) {
  const server = await new ModelServer({ keep: false }).start(Number(process.argv[2] ?? 0));
  console.log(JSON.stringify({ base: server.base, key: server.key }));
}
