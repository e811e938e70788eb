// A stand-in of Anthropic's Messages API (sheet 4): versions 2023-06-01 and 2026-10-21.
import { createHmac } from 'node:crypto';
import { isBase64, isCount, isObject, kindOf, pieces, runAlone, unknown } from './base.mjs';

const fields = ['model', 'messages', 'max_tokens', 'system', 'tools', 'tool_choice', 'thinking', 'output_config', 'stop_sequences', 'metadata',
  'stream', 'temperature', 'top_p', 'top_k', 'service_tier', 'cache_control', 'container', 'mcp_servers', 'context_management'];
const blockFields = {
  text: ['type', 'text', 'cache_control', 'citations'],
  image: ['type', 'source', 'cache_control'],
  tool_use: ['type', 'id', 'name', 'input', 'cache_control', 'caller'],
  tool_result: ['type', 'tool_use_id', 'content', 'is_error', 'cache_control'],
  thinking: ['type', 'thinking', 'signature'],
};
const toolFields = ['type', 'name', 'description', 'input_schema', 'strict', 'cache_control', 'eager_input_streaming', 'defer_loading', 'input_examples'];
const imageTypes = ['jpeg', 'png', 'gif', 'webp'];

const sign = (thinking) => createHmac('sha256', 'the stand-in').update(thinking).digest('base64');
const takesNoSampling = (body, request) =>
  request.headers['anthropic-version'] >= '2026-10-21' || /^(cool|think)/.test(body.model);

function textFault(text, where) {
  if (typeof text !== 'string') return `${where}: Input should be a valid string`;
  if (text === '') return 'messages: text content blocks must be non-empty';
  if (text.trim() === '') return 'messages: text content blocks must contain non-whitespace text';
  return null;
}

function imageFault(source, where) {
  if (!isObject(source) || source.type !== 'base64') return `${where}.source: Field required`;
  const kind = /^image\/(\w+)$/.exec(source.media_type)?.[1];
  if (!imageTypes.includes(kind)) return `${where}.source.media_type: Input should be 'image/jpeg', 'image/png', 'image/gif' or 'image/webp'`;
  if (!isBase64(source.data)) return `${where}.source.data: invalid base64 data`;
  if (source.data.length > 5 * 1024 * 1024) return `${where}.source.data: image exceeds 5 MB maximum`;
  if (kindOf(source.data) !== kind) return `${where}.source: Image does not match the provided media type ${source.media_type}`;
  return null;
}

function blockFault(block, role, where) {
  if (!isObject(block) || !blockFields[block.type]) return `${where}: Input tag '${block?.type}' found using 'type' does not match any of the expected tags`;
  const extra = unknown(block, blockFields[block.type]);
  if (extra) return `${where}.${extra}: Extra inputs are not permitted`;
  if (role === 'user' && ['tool_use', 'thinking'].includes(block.type)) return `${where}: \`${block.type}\` blocks can only be in \`assistant\` messages`;
  if (role === 'assistant' && ['tool_result', 'image'].includes(block.type)) return `${where}: \`${block.type}\` blocks can only be in \`user\` messages`;
  if (block.type === 'text') return textFault(block.text, where);
  if (block.type === 'image') return imageFault(block.source, where);
  if (block.type === 'thinking' && block.signature !== sign(block.thinking)) return `${where}: Invalid \`signature\` in \`thinking\` block`;
  if (block.type === 'tool_result') {
    if (typeof block.tool_use_id !== 'string') return `${where}.tool_use_id: Field required`;
    return block.content === undefined || typeof block.content === 'string' || Array.isArray(block.content) ? null : `${where}.content: Input should be a valid string or list`;
  }
  if (block.type === 'tool_use') {
    if (!/^[a-zA-Z0-9_-]+$/.test(block.id ?? '')) return `${where}.id: String should match pattern '^[a-zA-Z0-9_-]+$'`;
    if (!/^[a-zA-Z0-9_-]{1,64}$/.test(block.name ?? '')) return `${where}.name: String should match pattern '^[a-zA-Z0-9_-]{1,64}$'`;
    if (!isObject(block.input)) return `${where}.input: Input should be a valid dictionary`;
  }
  return null;
}

const blocksOf = (message) => (typeof message.content === 'string' ? [{ type: 'text', text: message.content }] : message.content);

function messagesFault(body) {
  let open = [];
  if (body.messages[0]?.role !== 'user') return 'messages: first message must use the "user" role';
  for (const [i, message] of body.messages.entries()) {
    const where = `messages.${i}`;
    if (!isObject(message) || !['user', 'assistant'].includes(message.role)) return `${where}.role: Input should be 'user' or 'assistant'`;
    const extra = unknown(message, ['role', 'content']);
    if (extra) return `${where}.${extra}: Extra inputs are not permitted`;
    if (typeof message.content !== 'string' && !Array.isArray(message.content)) return `${where}.content: Field required`;
    if (message.content.length === 0) return `${where}: all messages must have non-empty content except for the optional final assistant message`;
    for (const [k, block] of blocksOf(message).entries()) {
      const wrong = blockFault(block, message.role, `${where}.content.${k}`);
      if (wrong) return wrong;
    }
    const blocks = blocksOf(message);
    const results = blocks.filter((b) => b.type === 'tool_result').map((b) => b.tool_use_id);
    const missing = open.filter((id) => !results.includes(id));
    if (missing.length)
      return `${where}: \`tool_use\` ids were found without \`tool_result\` blocks immediately after: ${missing.join(', ')}. Each \`tool_use\` block must have a corresponding \`tool_result\` block in the next message.`;
    if (results.some((id) => !open.includes(id)) || new Set(results).size !== results.length)
      return `${where}: unexpected \`tool_use_id\` found in \`tool_result\` blocks`;
    if (results.length && blocks.findIndex((b) => b.type !== 'tool_result') !== -1 && blocks.findIndex((b) => b.type !== 'tool_result') < results.length)
      return `${where}: \`tool_result\` blocks must come first`;
    open = blocks.filter((b) => b.type === 'tool_use').map((b) => b.id);
    if (open.length && /^think/.test(body.model) && !['thinking', 'redacted_thinking'].includes(blocks[0].type))
      return `${where}.content.0.type: Expected \`thinking\` or \`redacted_thinking\`, but found \`${blocks[0].type}\``;
  }
  if (open.length) return '`tool_use` ids were found without `tool_result` blocks immediately after';
  const last = body.messages.at(-1);
  if (last.role === 'assistant') return 'This model does not support assistant message prefill. The conversation must end with a user message.';
  return null;
}

function toolsFault(body) {
  const used = body.messages.some((m) => blocksOf(m).some((b) => b.type === 'tool_use' || b.type === 'tool_result'));
  if (used && !body.tools?.length) return 'Requests which have `tool_use` or `tool_result` blocks in messages must define tools.';
  if (body.tool_choice !== undefined) {
    if (!['auto', 'any', 'tool', 'none'].includes(body.tool_choice.type)) return 'tool_choice: Input tag does not match any of the expected tags';
    if (!body.tools?.length) return 'tool_choice may only be specified while providing tools';
    if (/^think/.test(body.model) && ['any', 'tool'].includes(body.tool_choice.type)) return 'Thinking may not be enabled when tool_choice forces tool use.';
  }
  for (const [i, tool] of (body.tools ?? []).entries()) {
    const extra = unknown(tool, toolFields);
    if (extra) return `tools.${i}.custom.${extra}: Extra inputs are not permitted`;
    if (!/^[a-zA-Z0-9_-]{1,64}$/.test(tool.name ?? '')) return `tools.${i}.custom.name: String should match pattern '^[a-zA-Z0-9_-]{1,64}$'`;
    if (tool.input_schema?.type !== 'object') return `tools.${i}.custom.input_schema.type: Input should be 'object'`;
  }
  const names = (body.tools ?? []).map((t) => t.name);
  return new Set(names).size === names.length ? null : 'tools: Tool names must be unique.';
}

function systemFault(system) {
  if (system === undefined || typeof system === 'string') return null;
  if (!Array.isArray(system)) return 'system: Input should be a valid list';
  for (const [i, block] of system.entries()) {
    if (block.type !== 'text') return `system.${i}.type: Input should be 'text'`;
    const wrong = textFault(block.text, `system.${i}.text`);
    if (wrong) return wrong.replace('messages', 'system');
  }
  return null;
}

function formFault(body, request) {
  if (!['2023-06-01', '2026-10-21'].includes(request.headers['anthropic-version'])) return 'anthropic-version: header is required';
  if (!isObject(body)) return 'Input should be a valid dictionary';
  const extra = unknown(body, fields);
  if (extra) return `${extra}: Extra inputs are not permitted`;
  if (typeof body.model !== 'string') return 'model: Field required';
  if (body.max_tokens === undefined) return 'max_tokens: Field required';
  if (!isCount(body.max_tokens) || body.max_tokens < 1) return 'max_tokens: Input should be greater than or equal to 1';
  if (!Array.isArray(body.messages) || body.messages.length === 0) return 'messages: at least one message is required';
  if (body.stream !== undefined && typeof body.stream !== 'boolean') return 'stream: Input should be a valid boolean';
  for (const name of ['temperature', 'top_p', 'top_k']) {
    if (body[name] === undefined) continue;
    if (takesNoSampling(body, request)) return `\`${name}\` is not supported by this model`;
    if (typeof body[name] !== 'number' || body[name] < 0 || (name !== 'top_k' && body[name] > 1)) return `${name}: Input should be less than or equal to 1`;
  }
  if (body.model.startsWith('markless') && JSON.stringify(body).includes('cache_control')) return 'system.0.cache_control: Extra inputs are not permitted';
  return systemFault(body.system) ?? messagesFault(body) ?? toolsFault(body) ?? marksFault(body);
}

// What is marked is kept: tools, system and messages in this order, up to each mark. 512 tokens at least.
const kept = new Set();
const least = 2048; // characters
const marked = (block) => block?.cache_control !== undefined;
const bare = ({ cache_control, ...block }) => JSON.stringify(block);

function marksFault(body) {
  const blocks = [...(body.tools ?? []), ...(Array.isArray(body.system) ? body.system : []), ...body.messages.flatMap(blocksOf)].filter(marked);
  if (blocks.length > 4) return `A maximum of 4 blocks with cache_control may be provided. Found ${blocks.length}.`;
  const wrong = blocks.find((b) => b.cache_control?.type !== 'ephemeral' || unknown(b.cache_control, ['type', 'ttl']));
  if (wrong) return "cache_control: Input should be 'ephemeral'";
  return blocks.some((b) => b.type === 'thinking') ? 'cache_control may not be set on thinking blocks' : null;
}

function caching(body) {
  const system = Array.isArray(body.system) ? body.system : [];
  const list = [...(body.tools ?? []).map((b) => [b, 't']), ...system.map((b) => [b, 's']), ...body.messages.flatMap((m) => blocksOf(m).map((b) => [b, m.role]))];
  let text = body.model, read = 0, end = 0;
  const ends = [];
  for (const [block, role] of list) {
    text += `${role}${bare(block)}`;
    if (marked(block) && text.length >= least) ends.push((end = text.length));
  }
  for (const known of kept) if (end > 0 && known.length <= end && known.length > read && text.startsWith(known)) read = known.length;
  for (const at of ends) kept.add(text.slice(0, at));
  return { read: Math.ceil(read / 4), written: Math.ceil((end - read) / 4), input: Math.ceil((text.length - end) / 4) };
}

const stops = { limit: 'max_tokens', refusal: 'refusal' };
const stopOf = (reply) => stops[reply.stop] ?? (reply.calls ? 'tool_use' : 'end_turn');

function usageOf(body, reply) {
  const told = reply.usage ?? { ...caching(body), output: Math.ceil((reply.text.length + JSON.stringify(reply.calls ?? '').length) / 4) };
  return { input_tokens: told.input, cache_creation_input_tokens: told.written, cache_read_input_tokens: told.read,
    cache_creation: { ephemeral_5m_input_tokens: told.written, ephemeral_1h_input_tokens: 0 }, output_tokens: told.output, service_tier: 'standard' };
}

function contentOf(reply) {
  const blocks = [];
  if (reply.thinking) blocks.push({ type: 'thinking', thinking: reply.thinking, signature: sign(reply.thinking) });
  if (reply.text) blocks.push({ type: 'text', text: reply.text });
  for (const call of reply.calls ?? []) blocks.push({ type: 'tool_use', id: call.id, name: call.name, input: call.arguments });
  return blocks;
}

const event = (type, value) => `event: ${type}\ndata: ${JSON.stringify({ type, ...value })}\n\n`;
const emptied = { thinking: { thinking: '', signature: '' }, text: { text: '' }, tool_use: { input: {} } };

function deltasOf(block) {
  if (block.type === 'text') return pieces(block.text).map((text) => ({ type: 'text_delta', text }));
  if (block.type === 'tool_use') return ['', ...pieces(JSON.stringify(block.input))].map((partial_json) => ({ type: 'input_json_delta', partial_json }));
  return [...pieces(block.thinking).map((thinking) => ({ type: 'thinking_delta', thinking })), { type: 'signature_delta', signature: block.signature }];
}

export const anthropic = {
  path: '/v1/messages',
  listPath: '/v1/models',
  type: 'text/event-stream; charset=utf-8',
  endPieces: 2, // message_delta and message_stop
  tooLong: 'prompt is too long: 250000 tokens > 200000 maximum',
  list: () => ({ data: [{ type: 'model', id: 'echo', display_name: 'Echo', created_at: '2026-01-01T00:00:00Z' }], has_more: false, first_id: 'echo', last_id: 'echo' }),
  // Keys come in either header: the official client of 2026 uses the second.
  allows: (request, key) => request.headers['x-api-key'] === key || request.headers.authorization === `Bearer ${key}`,
  fault: (body, request) => {
    const message = formFault(body, request);
    return message ? { status: 400, message } : null;
  },
  last: (body) => blocksOf(body.messages.findLast((m) => m.role === 'user' && blocksOf(m).some((b) => b.type === 'text')) ?? { content: [] })
    .filter((b) => b.type === 'text').map((b) => b.text).join('\n'),
  results: (body) => blocksOf(body.messages.at(-1)).filter((b) => b.type === 'tool_result').map((b) => b.content),
  images: (body) => body.messages.flatMap((m) => blocksOf(m)).filter((b) => b.type === 'image').map((b) => b.source.data),
  messages: (body) => body.messages.length,
  offers: (body) => body.tools?.length > 0 && body.tool_choice?.type !== 'none',
  streams: (body) => body.stream === true,
  whole: (body, reply) => ({ id: 'msg_test', type: 'message', role: 'assistant', model: body.model, content: contentOf(reply),
    stop_reason: stopOf(reply), stop_sequence: null, usage: usageOf(body, reply) }),
  stream: (body, reply) => {
    const usage = usageOf(body, reply), blocks = contentOf(reply), list = [];
    list.push(event('message_start', { message: { id: 'msg_test', type: 'message', role: 'assistant', model: body.model, content: [], stop_reason: null,
      stop_sequence: null, usage: { ...usage, output_tokens: 1 } } }), event('ping', {}));
    const start = (index) => event('content_block_start', { index, content_block: { ...blocks[index], ...emptied[blocks[index].type] } });
    const deltas = (index) => deltasOf(blocks[index]).map((delta) => event('content_block_delta', { index, delta }));
    const stop = (index) => event('content_block_stop', { index });
    const calls = blocks.flatMap((block, index) => (block.type === 'tool_use' ? [index] : []));
    blocks.forEach((block, index) => { if (block.type !== 'tool_use') list.push(start(index), ...deltas(index), stop(index)); });
    const open = calls.map(deltas); // several calls: their pieces take turns
    list.push(...calls.map(start));
    while (open.some((d) => d.length)) for (const d of open) if (d.length) list.push(d.shift());
    list.push(...calls.map(stop));
    list.push(event('message_delta', { delta: { stop_reason: stopOf(reply), stop_sequence: null }, usage: { output_tokens: usage.output_tokens } }), event('message_stop', {}));
    return list;
  },
  refusal: (status, message) => ({ type: 'error', request_id: 'req_test', error: { message, type: { 400: 'invalid_request_error', 401: 'authentication_error',
    402: 'billing_error', 403: 'permission_error', 404: 'not_found_error', 413: 'request_too_large', 429: 'rate_limit_error', 504: 'timeout_error', 529: 'overloaded_error' }[status] ?? 'api_error' } }),
  broken: () => event('error', { error: { type: 'overloaded_error', message: 'Overloaded' } }),
};

await runAlone(import.meta, anthropic);
