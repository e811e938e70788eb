// Runs each scenario for clients of @modelcontextprotocol/conformance against CLIENT, prints a line for each and the counts.
//
//     node run.mjs CLIENT [scenario...]
//
// Scenarios that usher does not pass stand in expected.json with the reason. One that passes although it stands there is
// an error as well: the list must stay true.
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { checks, here, node22, scenarios, suiteSays } from './suite.mjs';

const expected = JSON.parse(readFileSync(new URL('expected.json', here), 'utf8'));
const client = resolve(process.argv[2] ?? '');
const wanted = process.argv.slice(3);

if (!node22) {
	console.log(`conformance: skipped, there is no Node 22 for ${process.platform}-${process.arch}`);
	process.exit(0);
}

const count = { passed: 0, expected: 0, wrong: 0, checks: 0 };
for (const { name, version } of await scenarios('--client', wanted)) {
	const { failed: refused, text } = await suiteSays(['client', '--command', client, '--scenario', name,
		...(version ? ['--spec-version', version] : [])]);
	const { passed, all } = checks(text);
	const failed = refused || all === 0; // nothing checked is nothing passed
	const known = expected[`${name} ${version}`] ?? expected[name];
	if (failed && known) {
		count.expected++;
		console.log(`not built  ${name} ${version ?? ''}: ${known}`);
	} else if (failed || known) {
		count.wrong++;
		console.log(failed ? `FAILED     ${name} ${version ?? ''} (${passed} of ${all})\n${text}` : `PASSED, BUT EXPECTED TO FAIL  ${name} ${version ?? ''}`);
	} else {
		count.passed++;
		count.checks += passed;
		console.log(`passed     ${name} ${version ?? ''} (${passed} of ${all} checks)`);
	}
}
console.log(`conformance: ${count.passed} scenarios passed with ${count.checks} checks, ${count.wrong} failed, ` +
	`${count.expected} not built (expected.json)`);
process.exit(count.wrong ? 1 : 0);
