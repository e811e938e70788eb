// The official packages of 2026-07-28 and ours against each other: their client against usher and against our stand-in, their
// server against usher's client.
//
//     USHER=PROGRAM node with22.mjs official.mjs
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import { Daemon, binary, until } from '../e2e/harness.mjs';
import { ModernServer } from '../servers/mcp/modern.mjs';
import { ModelServer } from '../servers/model.mjs';

const MODERN = '2026-07-28';
const at = (path) => fileURLToPath(new URL(path, import.meta.url));
const model = await new ModelServer().start();
const models = [{ name: 'main', provider: 'openai', base_url: model.base, model: 'call', api_key: model.key }];
const ends = [() => model.stop()];
let count = 0;

async function check(name, fn) {
	await fn();
	count++;
	console.log(`passed     ${name}`);
}

async function connected(transport) {
	const client = new Client({ name: 'official', version: '1' }, { versionNegotiation: { mode: { pin: MODERN } } });
	await client.connect(transport);
	ends.unshift(() => client.close());
	return client;
}

const overHttp = (url, headers = {}) => connected(new StreamableHTTPClientTransport(new URL(url), { requestInit: { headers } }));
const overStdio = (command, args, env = process.env) => connected(new StdioClientTransport({ command, args, env, stderr: 'ignore' }));

async function started(settings) {
	const daemon = await new Daemon({ models, ...settings }).start();
	ends.unshift(() => daemon.finish());
	daemon.key = await daemon.addUser('ann');
	return daemon;
}

async function usesTheirs(name, server) {
	const daemon = await started({ tools: { mcp: [{ name: 's', trusted: true, protocol: 'auto', ...server }], policy: [{ do: 'allow' }] } });
	const state = async () => (await daemon.json('status')).mcp[0];
	await until('their server to be ready', async () => (await state()).state === 'ready', 30);
	assert.equal((await state()).protocol, MODERN);
	const answer = await daemon.chat(daemon.key, 's__where {"region":" Zürich"}');
	assert.match(answer.body.response, /in {2}Zürich/, name);
}

try {
	const stand = await new ModernServer().start();
	ends.unshift(() => stand.stop());
	for (const [way, open] of [['http', () => overHttp(stand.url)], ['stdio', () => overStdio(process.execPath, [at('../servers/mcp/modern.mjs')])]])
		await check(`their client, our stand-in, ${way}`, async () => {
			const client = await open();
			assert.ok((await client.listTools()).tools.some((tool) => tool.name === 'where'));
			const said = await client.callTool({ name: 'where', arguments: { region: 'Zürich' } });
			assert.match(said.content[0].text, /where ran 1 Zürich/);
		});

	const usher = await started({});
	for (const [way, open] of [
		['http', () => overHttp(`${usher.url}/mcp`, { authorization: `Bearer ${usher.key}` })],
		['stdio', () => overStdio(binary, ['mcp', '--user', 'ann', '--config', usher.config], { ...process.env, USHER_CONFIG: '' })]])
		await check(`their client, usher as a server, ${way}`, async () => {
			const client = await open();
			assert.equal(client.getServerVersion().name, 'usher');
			assert.ok((await client.listTools()).tools.some((tool) => tool.name === 'add_task'));
			const { structuredContent } = await client.callTool({ name: 'add_task', arguments: { title: `milk over ${way}` } });
			assert.ok(structuredContent.task_id);
			await assert.rejects(client.callTool({ name: 'nothing', arguments: {} }), { code: -32602 });
		});

	const their = spawn(process.execPath, [at('official-server.mjs'), 'http'], { stdio: ['ignore', 'pipe', 'inherit'] });
	ends.unshift(() => their.kill());
	const port = await new Promise((resolve, reject) => {
		their.stdout.once('data', (text) => resolve(Number(text)));
		their.on('exit', (code, signal) => reject(new Error(`their server ended: ${code ?? signal}`))); // or nobody would hear of it
	});
	await check("usher's client, their server, http", () => usesTheirs('http', { url: `http://127.0.0.1:${port}/` }));
	await check("usher's client, their server, stdio", () => usesTheirs('stdio', { command: [process.execPath, at('official-server.mjs')] }));
} finally {
	for (const end of ends)
		await end();
}
console.log(`conformance: the official packages of ${MODERN} and usher understand each other in ${count} ways`);
