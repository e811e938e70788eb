// A server made with the official packages that speaks 2026-07-28 alone: over standard input and output, or with the argument
// "http" over HTTP; then it prints its port.
import http from 'node:http';
import { toNodeHandler } from '@modelcontextprotocol/node';
import { McpServer, createMcpHandler, fromJsonSchema } from '@modelcontextprotocol/server';
import { serveStdio } from '@modelcontextprotocol/server/stdio';

function made() {
	const server = new McpServer({ name: 'official', version: '1' }, { capabilities: { tools: { listChanged: true } } });
	const inputSchema = fromJsonSchema({ type: 'object', properties: { region: { type: 'string', 'x-mcp-header': 'Region' } }, required: ['region'] });
	server.registerTool('where', { description: 'Says where.', inputSchema },
		({ region }) => ({ content: [{ type: 'text', text: `in ${region}` }] }));
	return server;
}

if (process.argv[2] === 'http')
	http.createServer(toNodeHandler(createMcpHandler(made, { legacy: 'reject' })))
		.listen(0, '127.0.0.1', function () { console.log(this.address().port); });
else
	serveStdio(made, { legacy: 'reject' });
