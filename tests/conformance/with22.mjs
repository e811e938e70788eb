// Runs a script with the Node that the packages here need.
//
//     node with22.mjs SCRIPT
import { spawnSync } from 'node:child_process';
import { node22 } from './suite.mjs';

if (!node22)
	console.log(`conformance: ${process.argv[2]} skipped, there is no Node 22 for ${process.platform}-${process.arch}`);
else
	process.exit(spawnSync(node22, process.argv.slice(2), { stdio: 'inherit' }).status ?? 1);
