// A stand-in of Cohere's chat, version 2 (sheet 5).
import { isBase64, isCount, isObject, kindOf, pieces, runAlone, unknown } from './base.mjs';

const fields = ['model', 'messages', 'tools', 'strict_tools', 'tool_choice', 'documents', 'citation_options', 'response_format', 'safety_mode', 'max_tokens',
  'stop_sequences', 'temperature', 'seed', 'frequency_penalty', 'presence_penalty', 'k', 'p', 'logprobs', 'thinking', 'priority', 'stream'];
const roleFields = {
  system: ['role', 'content'],
  user: ['role', 'content'],
  assistant: ['role', 'content', 'tool_plan', 'tool_calls', 'citations'],
  tool: ['role', 'tool_call_id', 'content'],
};

const textOf = (content) => (typeof content === 'string' ? content : (content ?? []).filter((p) => p.type === 'text').map((p) => p.text).join('\n'));

function partFault(part) {
  if (part?.type === 'text') return typeof part.text === 'string' && part.text ? null : 'invalid request: text content must not be empty';
  if (part?.type !== 'image_url') return `invalid request: content type ${part?.type} is not known`;
  const [, kind, data] = /^data:image\/(\w+);base64,(.*)$/s.exec(part.image_url?.url ?? '') ?? [];
  return isBase64(data) && kindOf(data) === kind ? null : 'invalid request: image could not be read';
}

function callsFault(calls) {
  if (!Array.isArray(calls) || calls.length === 0) return 'invalid request: tool_calls must contain at least one tool call';
  for (const call of calls) {
    if (typeof call.id !== 'string' || call.type !== 'function') return 'invalid request: a tool call needs an id and the type function';
    if (typeof call.function?.arguments !== 'string') return 'invalid type: parameter messages.tool_calls.function.arguments is of type object but should be of type string.';
    try {
      if (!isObject(JSON.parse(call.function.arguments))) throw new Error();
    } catch {
      return 'invalid request: arguments of a tool call must be a JSON object';
    }
  }
  return null;
}

function messageFault(message, open) {
  const names = roleFields[message?.role];
  if (!names) return `invalid request: unknown role ${message?.role}`;
  const extra = unknown(message, names);
  if (extra) return `invalid request: unknown field ${extra} in a ${message.role} message`;
  if (message.role === 'tool') {
    if (!open.has(message.tool_call_id)) return `invalid request: tool call id ${message.tool_call_id} not found in previous tool calls`;
    return textOf(message.content) || Array.isArray(message.content) ? null : 'invalid request: tool message must not be empty';
  }
  if (open.size) return 'invalid request: all tool calls must have a result before the next message';
  if (message.tool_calls !== undefined) return callsFault(message.tool_calls);
  if (Array.isArray(message.content)) {
    const wrong = message.content.map(partFault).find(Boolean);
    if (wrong) return wrong;
  }
  return textOf(message.content).trim() ? null : `invalid request: message must be at least 1 token long or tool results must be specified (${message.role})`;
}

function messagesFault(messages) {
  const open = new Set();
  for (const message of messages) {
    const wrong = messageFault(message, open);
    if (wrong) return wrong;
    if (message.role === 'tool') open.delete(message.tool_call_id);
    for (const call of message.tool_calls ?? []) open.add(call.id);
  }
  if (open.size) return 'invalid request: all tool calls must have a result';
  return ['user', 'tool'].includes(messages.at(-1).role) ? null : 'invalid request: the last message must be of the user or a tool';
}

function toolsFault(body) {
  for (const tool of body.tools ?? []) {
    if (tool.type !== 'function' || !/^[a-zA-Z0-9_-]+$/.test(tool.function?.name ?? '')) return 'invalid request: a tool needs the type function and a name';
    if (!isObject(tool.function.parameters)) return 'invalid request: parameters of a tool must be a JSON schema';
    const extra = unknown(tool.function, ['name', 'description', 'parameters']);
    if (extra) return `invalid request: unknown field ${extra} in a tool`;
  }
  if (body.tool_choice === undefined) return null;
  if (!['REQUIRED', 'NONE'].includes(body.tool_choice)) return `invalid request: tool_choice ${body.tool_choice} is not known`;
  return body.tools?.length ? null : 'invalid request: tool_choice needs tools';
}

function formFault(body) {
  const extra = isObject(body) ? unknown(body, fields) : 'body';
  if (extra) return { status: 422, message: `unknown field: parameter '${extra}' is not a valid field` };
  if (typeof body.model !== 'string') return 'invalid request: model is required';
  if (!Array.isArray(body.messages) || body.messages.length === 0) return 'invalid request: messages must contain at least one message';
  if (body.stream !== undefined && typeof body.stream !== 'boolean') return 'invalid type: parameter stream is of the wrong type';
  if (body.max_tokens !== undefined && !isCount(body.max_tokens)) return 'invalid type: parameter max_tokens is of the wrong type';
  if (body.temperature !== undefined && !(body.temperature >= 0 && body.temperature <= 1)) return 'invalid request: temperature must be between 0 and 1.0 inclusive.';
  if (/^(cool|think)/.test(body.model) && body.temperature !== undefined) return 'invalid request: temperature is not supported by this model';
  return messagesFault(body.messages) ?? toolsFault(body);
}

const stops = { limit: 'MAX_TOKENS', refusal: 'ERROR_TOXIC' };
const stopOf = (reply) => stops[reply.stop] ?? (reply.calls ? 'TOOL_CALL' : 'COMPLETE');

// The service writes its counts as reals.
const reals = (text) => text.replace(/"@([\d.]+)@"/g, '$1');
const real = (number) => `@${number.toFixed(1)}@`;

function usageOf(body, reply) {
  const told = reply.usage ?? { input: Math.ceil(JSON.stringify(body.messages).length / 4), read: 0, output: Math.ceil((reply.text.length + JSON.stringify(reply.calls ?? '').length) / 4) };
  return { billed_units: { input_tokens: real(told.input), output_tokens: real(told.output) },
    tokens: { input_tokens: real(told.input + 500), output_tokens: real(told.output + 20) }, cached_tokens: real(0) };
}

const callOf = (call) => ({ id: call.id, type: 'function', function: { name: call.name, arguments: JSON.stringify(call.arguments) } });
const planOf = (reply) => reply.thinking ?? 'I will use the tool.';
const event = (type, value = {}) => `event: ${type}\ndata: ${reals(JSON.stringify({ type, ...value }))}\n\n`;

function callEvents(reply) {
  const open = reply.calls.map((call, index) => pieces(JSON.stringify(call.arguments)).map((text) =>
    event('tool-call-delta', { index, delta: { message: { tool_calls: { function: { arguments: text } } } } })));
  const list = reply.calls.map((call, index) => event('tool-call-start', { index, delta: { message: { tool_calls: { ...callOf(call), function: { name: call.name, arguments: '' } } } } }));
  while (open.some((d) => d.length)) for (const d of open) if (d.length) list.push(d.shift());
  return [...list, ...reply.calls.map((call, index) => event('tool-call-end', { index }))];
}

export const cohere = {
  path: '/v2/chat',
  listPath: '/v1/models',
  type: 'text/event-stream',
  endPieces: 1, // message-end
  tooLong: 'too many tokens: size limit exceeded by 4000 tokens. Try using shorter or fewer inputs.',
  list: () => ({ models: [{ name: 'echo', endpoints: ['chat'], finetuned: false, context_length: 128000 }] }),
  allows: (request, key) => request.headers.authorization === `Bearer ${key}`,
  fault: (body) => {
    const wrong = formFault(body);
    return typeof wrong === 'string' ? { status: 400, message: wrong } : wrong;
  },
  last: (body) => textOf(body.messages.findLast((m) => m.role === 'user')?.content),
  results: (body) => body.messages.slice(body.messages.findLastIndex((m) => m.role === 'user')).filter((m) => m.role === 'tool').map((m) => textOf(m.content)),
  images: (body) => body.messages.flatMap((m) => (Array.isArray(m.content) ? m.content : [])).filter((p) => p.type === 'image_url').map((p) => p.image_url.url.replace(/^.*?,/, '')),
  messages: (body) => body.messages.length,
  offers: (body) => body.tools?.length > 0 && body.tool_choice !== 'NONE',
  streams: (body) => body.stream === true,
  whole: (body, reply) => reals(JSON.stringify({ id: 'c14c80c3-test', finish_reason: stopOf(reply), usage: usageOf(body, reply),
    message: { role: 'assistant', ...(reply.calls ? { tool_plan: planOf(reply), tool_calls: reply.calls.map(callOf) } : { content: [{ type: 'text', text: reply.text }] }) } })),
  stream: (body, reply) => {
    const list = [event('message-start', { id: 'c14c80c3-test', delta: { message: { role: 'assistant', content: [], tool_plan: '', tool_calls: [], citations: [] } } })];
    if (reply.calls) {
      list.push(...pieces(planOf(reply)).map((text) => event('tool-plan-delta', { delta: { message: { tool_plan: text } } })), ...callEvents(reply));
    } else {
      list.push(event('content-start', { index: 0, delta: { message: { content: { type: 'text', text: '' } } } }));
      list.push(...pieces(reply.text).map((text) => event('content-delta', { index: 0, delta: { message: { content: { text } } } })));
      list.push(event('content-end', { index: 0 }));
    }
    return [...list, event('message-end', { id: 'c14c80c3-test', delta: { finish_reason: stopOf(reply), usage: usageOf(body, reply) } })];
  },
  refusal: (status, message) => ({ id: 'debug-test', message }),
  broken: () => event('message-end', { delta: { finish_reason: 'ERROR', error: 'overloaded' } }),
};

await runAlone(import.meta, cohere);
