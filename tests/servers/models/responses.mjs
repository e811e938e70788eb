// A stand-in of OpenAI's Responses API (sheet 3). Asked for chat completions it demands
// this form, as the newest models do when tools are offered.
import { createHmac } from 'node:crypto';
import { isBase64, isCount, isObject, pieces, runAlone, unknown } from './base.mjs';

const fields = ['model', 'input', 'instructions', 'max_output_tokens', 'max_tool_calls', 'parallel_tool_calls', 'tools', 'tool_choice', 'reasoning', 'text', 'store',
  'include', 'previous_response_id', 'truncation', 'stream', 'metadata', 'prompt_cache_key', 'safety_identifier', 'service_tier', 'temperature', 'top_p'];
const itemFields = {
  message: ['type', 'role', 'content', 'id', 'status', 'phase'],
  function_call: ['type', 'id', 'call_id', 'name', 'arguments', 'status'],
  function_call_output: ['type', 'id', 'call_id', 'output', 'status'],
  reasoning: ['type', 'id', 'summary', 'content', 'encrypted_content', 'status'],
};
const seal = (text) => `${Buffer.from(text).toString('base64')}.${createHmac('sha256', 'the stand-in').update(text).digest('base64url')}`;
const sealed = (text) => seal(Buffer.from(String(text).split('.')[0], 'base64').toString('utf8')) === text;
const itemsOf = (body) => (typeof body.input === 'string' ? [{ type: 'message', role: 'user', content: body.input }] : body.input.map((item) => ({ type: 'message', ...item })));
const partsOf = (item) => (typeof item.content === 'string' ? [{ type: item.role === 'assistant' ? 'output_text' : 'input_text', text: item.content }] : item.content ?? []);
const thinks = (body) => body.model.startsWith('think');

function partFault(part, role, where) {
  const own = role === 'assistant' ? ['output_text', 'refusal'] : ['input_text', 'input_image', 'input_file'];
  if (!own.includes(part?.type)) return [`Invalid value: '${part?.type}'. Supported values are: ${own.map((o) => `'${o}'`).join(', ')}.`, `${where}.type`];
  if (part.type.endsWith('_text') && typeof part.text !== 'string') return [`Missing required parameter: '${where}.text'.`, `${where}.text`];
  if (part.type === 'input_image') {
    const data = /^data:image\/(png|jpeg|gif|webp);base64,(.*)$/s.exec(part.image_url ?? '')?.[2];
    if (typeof part.image_url !== 'string' || (!part.image_url.startsWith('https://') && !isBase64(data))) return ['Invalid image_url.', `${where}.image_url`];
  }
  return null;
}

function itemFault(item, i, open, before) {
  const where = `input[${i}]`;
  if (!itemFields[item.type]) return [`Invalid value: '${item.type}'.`, `${where}.type`];
  const extra = unknown(item, itemFields[item.type]);
  if (extra) return [`Unknown parameter: '${where}.${extra}'.`, `${where}.${extra}`];
  if (item.type === 'message') {
    if (!['user', 'assistant', 'system', 'developer'].includes(item.role)) return [`Invalid value: '${item.role}'.`, `${where}.role`];
    return partsOf(item).map((part, k) => partFault(part, item.role, `${where}.content[${k}]`)).find(Boolean) ?? null;
  }
  if (item.type === 'function_call') {
    if (!/^[a-zA-Z0-9_-]{1,64}$/.test(item.name ?? '') || typeof item.arguments !== 'string' || typeof item.call_id !== 'string') return ['Invalid function_call.', where];
    if (item.id?.startsWith('fc_thought') && before?.type !== 'reasoning' && before?.type !== 'function_call')
      return [`Item '${item.id}' of type 'function_call' was provided without its required 'reasoning' item.`, 'input'];
    open.add(item.call_id);
  }
  if (item.type === 'function_call_output') {
    if (typeof item.output !== 'string' && !Array.isArray(item.output)) return ['Invalid output.', `${where}.output`];
    if (!open.delete(item.call_id)) return [`No tool call found for function call output with call_id ${item.call_id}.`, 'input'];
  }
  if (item.type === 'reasoning' && (!Array.isArray(item.summary) || !sealed(item.encrypted_content))) return ['The encrypted content could not be verified.', where];
  return null;
}

function inputFault(body) {
  const items = itemsOf(body), open = new Set();
  if (!items.length) return ["Missing required parameter: 'input'.", 'input'];
  for (const [i, item] of items.entries()) {
    const wrong = itemFault(item, i, open, items[i - 1]);
    if (wrong) return wrong;
  }
  return open.size ? [`No tool output found for function call ${[...open][0]}.`, 'input'] : null;
}

function toolsFault(body) {
  if (body.tools !== undefined && (!Array.isArray(body.tools) || body.tools.length > 128)) return ['Invalid tools.', 'tools'];
  for (const [i, tool] of (body.tools ?? []).entries()) {
    if (tool.type !== 'function' || !/^[a-zA-Z0-9_-]{1,64}$/.test(tool.name ?? '')) return [`Missing required parameter: 'tools[${i}].name'.`, `tools[${i}].name`];
    if (tool.strict !== false && tool.parameters?.additionalProperties !== false) return [`Invalid schema for function '${tool.name}': 'additionalProperties' is required to be supplied and to be false.`, `tools[${i}].parameters`];
  }
  return null;
}

function formFault(body) {
  if (!isObject(body)) return ['Invalid body.', null];
  const extra = unknown(body, fields);
  if (extra) return [`Unknown parameter: '${extra}'.`, extra];
  if (typeof body.model !== 'string') return ["Missing required parameter: 'model'.", 'model'];
  if (typeof body.input !== 'string' && !Array.isArray(body.input)) return ["Missing required parameter: 'input'.", 'input'];
  if (body.store !== false) return ['the tests keep nothing: store must be false', 'store'];
  if (body.max_output_tokens !== undefined && (!isCount(body.max_output_tokens) || body.max_output_tokens < 16)) return ['Invalid max_output_tokens.', 'max_output_tokens'];
  if (body.temperature !== undefined && /^(cool|think)/.test(body.model)) return ["Unsupported parameter: 'temperature' is not supported with this model.", 'temperature'];
  if (body.include?.includes('reasoning.encrypted_content') && body.model.startsWith('plain')) return ['Encrypted content is not supported with this model.', 'include'];
  return inputFault(body) ?? toolsFault(body);
}

const estimate = (body) => Math.ceil(JSON.stringify(body.input).length / 4);
function usageOf(body, reply) {
  const told = reply.usage ?? { input: estimate(body), read: 0, written: 0, output: Math.ceil((reply.text.length + JSON.stringify(reply.calls ?? '').length) / 4) };
  const input = told.input + told.read + told.written;
  return { input_tokens: input, input_tokens_details: { cached_tokens: told.read, cache_write_tokens: told.written }, output_tokens: told.output,
    output_tokens_details: { reasoning_tokens: reply.thinking ? 3 : 0 }, total_tokens: input + told.output };
}

function outputOf(body, reply) {
  const list = [];
  if (reply.thinking) list.push({ id: 'rs_1', type: 'reasoning', summary: [{ type: 'summary_text', text: reply.thinking }], ...(body.include && { encrypted_content: seal(reply.thinking) }) });
  if (reply.stop === 'refusal') list.push({ id: 'msg_1', type: 'message', status: 'completed', role: 'assistant', content: [{ type: 'refusal', refusal: 'I can not help with that.' }] });
  else if (reply.text) list.push({ id: 'msg_1', type: 'message', status: 'completed', role: 'assistant', content: [{ type: 'output_text', text: reply.text, annotations: [] }] });
  for (const call of reply.calls ?? []) list.push({ id: `fc_${thinks(body) ? 'thought_' : ''}${call.id}`, type: 'function_call', status: 'completed', call_id: call.id, name: call.name, arguments: JSON.stringify(call.arguments) });
  return list;
}

const base = (body) => ({ id: 'resp_test', object: 'response', created_at: 1790000000, model: body.model, error: null, incomplete_details: null, instructions: null,
  metadata: {}, parallel_tool_calls: true, temperature: null, tool_choice: 'auto', tools: [], top_p: null });
const whole = (body, reply) => ({ ...base(body), status: reply.stop === 'limit' ? 'incomplete' : 'completed', output: outputOf(body, reply), usage: usageOf(body, reply),
  ...(reply.stop === 'limit' && { incomplete_details: { reason: 'max_output_tokens' } }) });

// The events of one item: its beginning, its pieces, its end.
function eventsOf(item, output_index) {
  const at = { output_index, item_id: item.id }, end = ['response.output_item.done', { output_index, item }];
  const begin = (empty) => ['response.output_item.added', { output_index, item: { ...item, ...empty, status: 'in_progress' } }];
  if (item.type === 'function_call')
    return [begin({ arguments: '' }), pieces(item.arguments).map((delta) => ['response.function_call_arguments.delta', { ...at, delta }]),
      [['response.function_call_arguments.done', { ...at, name: item.name, arguments: item.arguments }], end]];
  if (item.type === 'reasoning')
    return [begin({ summary: [] }), [['response.reasoning_summary_part.added', { ...at, summary_index: 0, part: { type: 'summary_text', text: '' } }],
      ...pieces(item.summary[0].text).map((delta) => ['response.reasoning_summary_text.delta', { ...at, summary_index: 0, delta }])], [end]];
  const [part] = item.content, kind = part.type === 'refusal' ? 'refusal' : 'text', name = kind === 'text' ? 'output_text' : 'refusal';
  return [begin({ content: [] }), [['response.content_part.added', { ...at, content_index: 0, part: { ...part, [kind]: '' } }],
    ...pieces(part[kind]).map((delta) => [`response.${name}.delta`, { ...at, content_index: 0, delta, logprobs: [] }])],
    [[`response.${name}.done`, { ...at, content_index: 0, [kind]: part[kind] }], ['response.content_part.done', { ...at, content_index: 0, part }], end]];
}

const write = (list) => list.map(([type, value], sequence_number) => `event: ${type}\ndata: ${JSON.stringify({ type, sequence_number, ...value })}\n\n`);

function stream(body, reply) {
  const done = whole(body, reply), list = [['response.created', { response: { ...base(body), status: 'in_progress', output: [], usage: null } }]];
  const parts = done.output.map(eventsOf), calls = parts.filter((_, i) => done.output[i].type === 'function_call');
  for (const [begin, deltas, end] of parts.filter((p) => !calls.includes(p))) list.push(begin, ...deltas, ...end);
  list.push(...calls.map(([begin]) => begin));
  const open = calls.map(([, deltas]) => [...deltas]); // several calls: their pieces take turns
  while (open.some((d) => d.length)) for (const d of open) if (d.length) list.push(d.shift());
  list.push(...calls.flatMap(([, , end]) => end));
  list.push([done.status === 'incomplete' ? 'response.incomplete' : 'response.completed', { response: done }]);
  return write(list);
}

export const responses = {
  path: '/responses',
  listPath: '/models',
  elsewhere: { '/chat/completions': (body) => `Function tools with reasoning_effort are not supported for ${body.model} in /v1/chat/completions. Please use /v1/responses or set reasoning_effort to 'none'.` },
  type: 'text/event-stream; charset=utf-8',
  endPieces: 1, // response.completed
  tooLong: 'Your input exceeds the context window of this model. Please adjust your input and try again.',
  list: () => ({ object: 'list', data: [{ id: 'echo', object: 'model', created: 1790000000, owned_by: 'tests' }] }),
  allows: (request, key) => request.headers.authorization === `Bearer ${key}`,
  fault: (body) => {
    const wrong = formFault(body);
    return wrong ? { status: 400, message: wrong[0], param: wrong[1] } : null;
  },
  last: (body) => partsOf(itemsOf(body).findLast((item) => item.type === 'message' && item.role === 'user') ?? {}).filter((p) => p.type === 'input_text').map((p) => p.text).join('\n'),
  results: (body) => {
    const items = itemsOf(body);
    return items.slice(items.findLastIndex((item) => item.role === 'user')).filter((item) => item.type === 'function_call_output').map((item) => item.output);
  },
  images: (body) => itemsOf(body).flatMap(partsOf).filter((p) => p.type === 'input_image').map((p) => p.image_url.split(',')[1]),
  messages: (body) => itemsOf(body).length,
  offers: (body) => body.tools?.length > 0 && body.tool_choice !== 'none',
  streams: (body) => body.stream === true,
  whole,
  stream,
  refusal: (status, message, param = null) => ({ error: { message, param, code: status === 402 ? 'insufficient_quota' : null, type: status < 500 ? 'invalid_request_error' : 'server_error' } }),
  broken: () => write([['error', { code: 'server_is_overloaded', message: 'Overloaded', param: null }]])[0],
};

await runAlone(import.meta, responses);
