// Runs each scenario for clients of @modelcontextprotocol/conformance against CLIENT, prints a line for each and the counts.
//
//     node run.mjs CLIENT [scenario...]
//
// Scenarios that usher does not pass stand in expected.json with the reason. One that passes although it stands there is
// an error as well: the list must stay true.
import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const suite = join(here, 'node_modules/@modelcontextprotocol/conformance/dist/index.js');
const expected = JSON.parse(readFileSync(join(here, 'expected.json'), 'utf8'));
const client = resolve(process.argv[2] ?? '');
const wanted = process.argv.slice(3);

// The suite needs Node 22; an older one is replaced by that of the npm package, if there is one for this machine.
function node22() {
	if (Number(process.versions.node.split('.')[0]) >= 22)
		return process.execPath;
	const own = join(here, `node_modules/node-${process.platform}-${process.arch}/bin/node`);
	return existsSync(own) ? own : null;
}

const node = node22();

function suiteSays(args) {
	return new Promise((done) => {
		execFile(node, [suite, ...args], { timeout: 60000, maxBuffer: 1 << 24 },
			(error, stdout, stderr) => done({ failed: Boolean(error), text: stdout + stderr }));
	});
}

async function scenarios() {
	const { failed, text } = await suiteSays(['list', '--client']);
	const names = [...text.matchAll(/^ {2}- (\S+)/gm)].map((match) => match[1]);
	if (failed || names.length === 0)
		throw new Error(`the suite lists no scenarios:\n${text}`);
	return names;
}

function checks(text) {
	const [, passed = '0', all = '0'] = /^Passed: (\d+)\/(\d+)/m.exec(text) ?? [];
	return { passed: Number(passed), all: Number(all) };
}

if (!node) {
	console.log(`conformance: skipped, there is no Node 22 for ${process.platform}-${process.arch}`);
	process.exit(0);
}

const count = { passed: 0, expected: 0, wrong: 0, checks: 0 };
for (const name of wanted.length ? wanted : await scenarios()) {
	const { failed, text } = await suiteSays(['client', '--command', client, '--scenario', name]);
	const { passed, all } = checks(text);
	const known = expected[name];
	if (failed && known) {
		count.expected++;
		console.log(`not built  ${name}: ${known}`);
	} else if (failed || known) {
		count.wrong++;
		console.log(failed ? `FAILED     ${name} (${passed} of ${all})\n${text}` : `PASSED, BUT EXPECTED TO FAIL  ${name}`);
	} else {
		count.passed++;
		count.checks += passed;
		console.log(`passed     ${name} (${passed} of ${all} checks)`);
	}
}
console.log(`conformance: ${count.passed} scenarios passed with ${count.checks} checks, ${count.wrong} failed, ` +
	`${count.expected} not built (expected.json)`);
process.exit(count.wrong ? 1 : 0);
