// The suite itself: where it is, the Node that it needs, what it says.
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

export const MODERN = '2026-07-28';
export const here = new URL('.', import.meta.url);
const at = (path) => fileURLToPath(new URL(path, here));
const suite = at('node_modules/@modelcontextprotocol/conformance/dist/index.js');

// It needs Node 22; an older one is replaced by that of the npm package, if there is one for this machine. Or null.
export const node22 = (() => {
	if (Number(process.versions.node.split('.')[0]) >= 22)
		return process.execPath;
	const own = at(`node_modules/node-${process.platform}-${process.arch}/bin/node`);
	return existsSync(own) ? own : null;
})();

export function suiteSays(args) {
	return new Promise((done) => {
		execFile(node22, [suite, ...args], { timeout: 300000, maxBuffer: 1 << 24 },
			(error, stdout, stderr) => done({ failed: Boolean(error), text: stdout + stderr }));
	});
}

// Each scenario once for the newest version with a handshake that it has, and once for the version without.
// which: --client or --server. wanted: names, none for all. Gives { name, version }, version null where it has none.
export async function scenarios(which, wanted) {
	const { failed, text } = await suiteSays(['list', which]);
	const rows = [...text.matchAll(/^ {2}- (\S+)(?: \[(.*)\])?/gm)];
	if (failed || rows.length === 0)
		throw new Error(`the suite lists no scenarios:\n${text}`);
	return rows.filter(([, name]) => wanted.length === 0 || wanted.includes(name)).flatMap(([, name, list]) => {
		const versions = (list ?? '').split(',').filter((version) => /^\d/.test(version)).sort();
		const picked = [versions.filter((version) => version !== MODERN).pop(), versions.find((one) => one === MODERN)];
		return versions.length ? picked.filter(Boolean).map((version) => ({ name, version })) : [{ name, version: null }];
	});
}

export function checks(text) {
	const [, passed = '0', all = '0'] = /^Passed: (\d+)\/(\d+)/m.exec(text) ?? [];
	return { passed: Number(passed), all: Number(all) };
}
