// Runs the scenarios for servers of @modelcontextprotocol/conformance against a daemon's /mcp, prints a line for each and the
// counts.
//
//     USHER=PROGRAM node server.mjs [scenario...]
//
// The suite asks without credentials: something between it and the daemon adds a key and changes nothing else. Scenarios that
// do not apply stand in expected-server.json with the reason; where a part applies, with the number of checks that must pass.
// One that passes although it stands there is an error as well.
import { readFileSync } from 'node:fs';
import http from 'node:http';
import { Daemon } from '../e2e/harness.mjs';
import { here, node22, scenarios, suiteSays, checks } from './suite.mjs';

const expected = JSON.parse(readFileSync(new URL('expected-server.json', here), 'utf8'));

// Everything else goes through as it is, Origin and all.
function withKey(daemon, key) {
	const between = http.createServer((request, response) => {
		const onward = http.request(daemon.url + request.url,
			{ method: request.method, headers: { ...request.headers, authorization: `Bearer ${key}` } },
			(answer) => answer.pipe(response.writeHead(answer.statusCode, answer.headers)));
		onward.on('error', () => response.destroy());
		request.pipe(onward);
	});
	return new Promise((done) => between.listen(0, '127.0.0.1', () => done(between)));
}

if (!node22) {
	console.log(`conformance: skipped, there is no Node 22 for ${process.platform}-${process.arch}`);
	process.exit(0);
}

const daemon = await new Daemon({}).start();
const between = await withKey(daemon, await daemon.addUser('suite'));
const url = `http://localhost:${between.address().port}/mcp`;
const count = { passed: 0, expected: 0, wrong: 0, checks: 0 };
const wanted = process.argv.slice(2);

for (const { name, version } of await scenarios('--server', wanted)) {
	const { failed: refused, text } = await suiteSays(['server', '--url', url, '--scenario', name,
		...(version ? ['--spec-version', version] : [])]);
	const { passed, all } = checks(text);
	const known = expected[`${name} ${version}`] ?? expected[name];
	const failed = refused || all === 0; // nothing checked is nothing passed
	if (failed && known && (known.passed === undefined || known.passed === passed)) {
		count.expected++;
		count.checks += known.passed ?? 0;
		console.log(`no matter  ${name} ${version ?? ''}: ${known.why ?? known}`);
	} else if (failed || known) {
		count.wrong++;
		console.log(failed ? `FAILED     ${name} ${version ?? ''} (${passed} of ${all})\n${text}` : `PASSED, BUT EXPECTED TO FAIL  ${name} ${version ?? ''}`);
	} else {
		count.passed++;
		count.checks += passed;
		console.log(`passed     ${name} ${version ?? ''} (${passed} of ${all} checks)`);
	}
}
between.close();
between.closeAllConnections();
await daemon.finish();
console.log(`conformance: as a server ${count.passed} scenarios passed with ${count.checks} checks, ${count.wrong} failed, ` +
	`${count.expected} do not apply (expected-server.json)`);
process.exit(count.wrong ? 1 : 0);
