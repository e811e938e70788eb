// Runs the parser child as the daemon does: one order, one file, its lines and what it made.
import { spawn } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'

export const program = process.env.USHER ? `${process.env.USHER}-parse` : path.resolve('../build/usher-parse')

// Nothing of ours. A build with the address sanitizer is to find no memory as others do (its report would wait for itself for ever),
// and does not keep what was freed against the memory that is allowed.
export const barren = { ASAN_OPTIONS: 'allocator_may_return_null=1:quarantine_size_mb=1' }

/** What the child says about the file: how it ended, its kind, last line and chunks. dir: for what it makes, one for each at once. */
export async function extract(file, name, dir, limits = {}) {
	const output = path.join(dir, 'made')
	const fds = [fs.openSync(file, 'r'), fs.openSync(output, 'w')]
	const child = spawn(program, [], { env: barren, stdio: ['pipe', 'pipe', 'ignore', ...fds] })
	let out = ''
	child.stdout.setEncoding('utf8').on('data', (data) => { out += data })
	child.stdin.on('error', () => {})
	child.stdin.end(JSON.stringify({ do: 'extract', name, limits }) + '\n')
	const [status, signal] = await new Promise((done) => child.on('close', (...how) => done(how)))
	fds.forEach((fd) => fs.closeSync(fd))
	const lines = out.split('\n').filter(Boolean).map((line) => JSON.parse(line))
	const chunks = fs.readFileSync(output, 'utf8').split('\n').filter(Boolean).map((line) => JSON.parse(line))
	return { status, signal, kind: lines[0]?.checked?.kind, last: lines.at(-1), chunks }
}
