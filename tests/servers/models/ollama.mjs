// A stand-in of Ollama's own chat (sheet 6). Unknown fields are ignored there, wrong types are not.
import { isBase64, isObject, pieces, runAlone } from './base.mjs';

const wrongType = (what, field, want) => `json: cannot unmarshal ${what} into Go struct field ${field} of type ${want}`;
const typeOf = (value) => (Array.isArray(value) ? 'array' : value === null ? 'null' : typeof value);

const whole = ['num_ctx', 'num_predict', 'top_k', 'seed'];
function optionsFault(options) {
  for (const [name, value] of Object.entries(options ?? {})) {
    if (whole.includes(name) && !Number.isInteger(value)) return `option "${name}" must be of type integer`;
    if (name === 'temperature' && typeof value !== 'number') return 'option "temperature" must be of type float32';
  }
  return null;
}

function messageFault(message) {
  if (!['system', 'user', 'assistant', 'tool'].includes(message?.role)) return `invalid role: ${message?.role}`;
  if (message.content !== undefined && typeof message.content !== 'string') return wrongType(typeOf(message.content), 'ChatRequest.messages.content', 'string');
  for (const call of message.tool_calls ?? [])
    if (!isObject(call.function?.arguments)) return wrongType(typeOf(call.function?.arguments), 'ChatRequest.messages.tool_calls.function.arguments', 'api.ToolCallFunctionArguments');
  for (const image of message.images ?? [])
    if (!isBase64(image)) return 'illegal base64 data at input byte 4';
  return null;
}

function formFault(body) {
  if (!isObject(body)) return 'missing request body';
  if (typeof body.model !== 'string' || !body.model) return 'model is required';
  if (body.model.startsWith('missing')) return { status: 404, message: `model '${body.model}' not found` };
  if (!Array.isArray(body.messages)) return wrongType(typeOf(body.messages), 'ChatRequest.messages', '[]api.Message');
  if (body.stream !== undefined && typeof body.stream !== 'boolean') return wrongType(typeOf(body.stream), 'ChatRequest.stream', 'bool');
  if (body.keep_alive !== undefined && typeof body.keep_alive !== 'number' && !/^-?\d+(ms|s|m|h)$/.test(body.keep_alive)) return 'time: invalid duration';
  const wrong = body.messages.map(messageFault).find(Boolean) ?? optionsFault(body.options);
  if (wrong) return wrong;
  for (const tool of body.tools ?? [])
    if (tool.type !== 'function' || typeof tool.function?.name !== 'string' || !isObject(tool.function.parameters)) return wrongType(typeOf(tool), 'ChatRequest.tools', 'api.Tool');
  if (body.tools?.length && body.model.startsWith('toolless')) return `registry.ollama.ai/library/${body.model} does not support tools`;
  if (body.think && body.model.startsWith('toolless')) return `"${body.model}" does not support thinking`;
  return null;
}

const stamp = (body) => ({ model: body.model, created_at: '2026-11-22T12:00:00.000000000Z' });
const line = (value) => `${JSON.stringify(value)}\n`;

function ending(body, reply) {
  const told = reply.usage ?? { input: Math.ceil(JSON.stringify(body.messages).length / 4), output: Math.ceil((reply.text.length + JSON.stringify(reply.calls ?? '').length) / 4) };
  return { done_reason: reply.stop === 'limit' ? 'length' : 'stop', done: true, total_duration: 174560334, load_duration: 101397084,
    prompt_eval_count: Math.min(told.input, body.options?.num_ctx ?? 4096), prompt_eval_duration: 13074791, eval_count: told.output, eval_duration: 52479709 };
}

const callsOf = (reply) => (reply.calls ?? []).map((call) => ({ function: { name: call.name, arguments: call.arguments } })); // no ids
const textOf = (reply) => (reply.stop === 'refusal' ? 'I am sorry, I cannot help with that.' : reply.text);

export const ollama = {
  path: '/api/chat',
  listPath: '/api/tags',
  type: 'application/x-ndjson',
  endPieces: 1,
  tooLong: 'the prompt exceeds the available context size',
  list: () => ({ models: [{ name: 'echo', model: 'echo', size: 1, digest: '0', details: { family: 'test' } }] }),
  allows: (request, key) => !request.headers.authorization || request.headers.authorization === `Bearer ${key}`,
  fault: (body) => {
    const wrong = formFault(body);
    return typeof wrong === 'string' ? { status: 400, message: wrong } : wrong;
  },
  last: (body) => body.messages.findLast((m) => m.role === 'user')?.content ?? '',
  results: (body) => body.messages.slice(body.messages.findLastIndex((m) => m.role === 'user')).filter((m) => m.role === 'tool').map((m) => m.content),
  images: (body) => body.messages.flatMap((m) => m.images ?? []),
  messages: (body) => body.messages.length,
  offers: (body) => body.tools?.length > 0,
  streams: (body) => body.stream !== false,
  whole: (body, reply) => ({ ...stamp(body), message: { role: 'assistant', content: textOf(reply), ...(reply.calls && { tool_calls: callsOf(reply) }) }, ...ending(body, reply) }),
  stream: (body, reply) => {
    const say = (message) => line({ ...stamp(body), message: { role: 'assistant', content: '', ...message }, done: false });
    return [
      ...pieces(reply.thinking ?? '').map((thinking) => say({ thinking })),
      ...pieces(textOf(reply)).map((content) => say({ content })),
      ...callsOf(reply).map((call) => say({ tool_calls: [call] })),
      line({ ...stamp(body), message: { role: 'assistant', content: '' }, ...ending(body, reply) }),
    ];
  },
  refusal: (status, message) => ({ error: message }),
  broken: (message) => line({ error: message }),
};

await runAlone(import.meta, ollama);
