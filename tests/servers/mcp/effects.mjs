// A server of the Model Context Protocol over standard input and output whose tools leave traces: each call is a line of JSON in the file that is its first
// argument, written before it is answered. read says that it changes nothing; work does not; slow is answered after some seconds.
import { appendFileSync } from 'node:fs';

const [notes] = process.argv.slice(2);
const put = (message) => process.stdout.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`);
const tool = (name, more) => ({ name, description: `Does ${name}.`, inputSchema: { type: 'object' }, ...more });

function call({ id, params }) {
  appendFileSync(notes, `${JSON.stringify({ tool: params.name, arguments: params.arguments })}\n`);
  const answer = () => put({ id, result: { content: [{ type: 'text', text: params.arguments?.say ?? `${params.name} done` }] } });
  if (params.name === 'slow') setTimeout(answer, 60_000);
  else answer();
}

function take(message) {
  if (message.method === 'initialize')
    put({ id: message.id, result: { protocolVersion: message.params.protocolVersion, capabilities: { tools: {} }, serverInfo: { name: 'effects', version: '1' } } });
  else if (message.method === 'tools/list') put({ id: message.id, result: { tools: [tool('read', { annotations: { readOnlyHint: true } }), tool('work'), tool('slow')] } });
  else if (message.method === 'tools/call') call(message);
}

let rest = '';
process.stdin.setEncoding('utf8');
process.stdin.on('data', (piece) => {
  const lines = (rest + piece).split('\n');
  rest = lines.pop();
  for (const line of lines) take(JSON.parse(line));
});
