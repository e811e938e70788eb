// Files that mean harm (tests/hostile), through the real child under its limits: each ends in one clear line, within its memory and
// its time, with no file made, nothing left running, and no signal.
import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { test } from 'node:test'
import { hostile } from '../hostile/files.mjs'
import { barren, program } from './parse-child.mjs'

const LIMITS = { memory: 128 << 20, cpu_s: 4, output: 64 << 20, unpacked: 64 << 20, entries: 2000, depth: 4 }
const BASE_KB = 64 << 10 // of the program, its libraries and what it stages before it is locked
const CODES = ['encrypted', 'damaged', 'unsupported', 'too_large', 'too_slow', 'empty']
const AT_ONCE = 2
const WALL_MS = 120000 // longer than its processor time may be: one that waits for something is at fault

async function run(measure, dir, name, content) {
	const at = path.join(dir, 'cwd'), input = path.join(dir, 'in'), output = path.join(dir, 'out')
	fs.mkdirSync(at, { recursive: true })
	fs.writeFileSync(input, content)
	const fds = [fs.openSync(input, 'r'), fs.openSync(output, 'w')]
	const child = spawn(measure, [program], { cwd: at, env: barren, stdio: ['pipe', 'pipe', 'ignore', ...fds, 'pipe'] })
	let out = '', cost = ''
	child.stdout.setEncoding('utf8').on('data', (data) => { out += data })
	child.stdio[5].on('data', (data) => { cost += data })
	child.stdin.on('error', () => {})
	child.stdin.end(JSON.stringify({ do: 'extract', name, limits: LIMITS }) + '\n')
	const limit = setTimeout(() => child.kill('SIGKILL'), WALL_MS)
	await new Promise((done) => child.on('close', done))
	clearTimeout(limit)
	fds.forEach((fd) => fs.closeSync(fd))
	const [status, signal, rss, cpu, wall, left] = cost.trim().split(' ').map(Number)
	const made = fs.statSync(output).size
	return { status, signal, rss, cpu, wall, left, made, files: fs.readdirSync(at), lines: out.split('\n').filter(Boolean) }
}

function judge(name, result) {
	assert.equal(result.signal, 0, `${name} ends by signal ${result.signal}`)
	assert.ok(result.status === 0 || result.status === 1, `${name}: status ${result.status}`)
	const ends = result.lines.map((line) => JSON.parse(line)).filter((line) => line.done || line.failed)
	assert.equal(ends.length, 1, `${name}: ${ends.length} last lines`)
	assert.equal(Boolean(ends[0].done), result.status === 0, name)
	if (ends[0].failed) {
		assert.ok(CODES.includes(ends[0].failed.code), `${name}: ${ends[0].failed.code}`)
		assert.match(ends[0].failed.message, /^\S[^\n]{8,300}\.$/, name)
	}
	assert.ok(result.rss <= (LIMITS.memory >> 10) + BASE_KB, `${name}: ${result.rss} KB`)
	assert.ok(result.cpu <= (LIMITS.cpu_s + 1) * 1000, `${name}: ${result.cpu} ms of CPU`)
	assert.ok(result.made <= LIMITS.output, `${name}: ${result.made} bytes made`)
	assert.deepEqual(result.files, [], `${name} made files`)
	assert.equal(result.left, 0, `${name} left processes`)
	assert.ok(!result.lines.some((line) => line.includes('root:x:0')), `${name} read a file of the system`)
	return ends[0].failed?.code ?? 'read'
}

// A sanitizer takes more memory than the limits leave; the same readers run under it in the unit tests and when fuzzed.
const skip = execFileSync('ldd', [program], { encoding: 'utf8' }).includes('san.so') && 'its memory is measured without sanitizers'

test('files that mean harm end in one clear line within their limits', { skip }, async (t) => {
	const root = fs.mkdtempSync(path.join(os.tmpdir(), 'usher-hostile-'))
	const measure = path.join(root, 'measure')
	execFileSync(process.env.CC ?? 'cc', ['-O1', '-o', measure, path.resolve('hostile/measure.c')])
	const files = hostile(path.resolve('corpus/made'))
	const groups = {}, faults = []
	let count = 0, rss = 0, cpu = 0
	const before = fs.readdirSync('/tmp').filter((name) => name.includes('usher-escaped'))
	await Promise.all(Array.from({ length: AT_ONCE }, async (_, i) => {
		const dir = path.join(root, String(i))
		fs.mkdirSync(dir)
		for (let next = files.next(); !next.done; next = files.next()) {
			const [group, name, content] = next.value
			const result = await run(measure, dir, name, content)
			const sum = groups[group] ??= { files: 0, ends: {}, rss: 0, cpu: 0 }
			let end
			try { end = judge(`${group} ${name}`, result) } catch (error) { end = 'fault'; faults.push(error.message) }
			if (process.env.HOSTILE_SHOW) t.diagnostic(`${group} ${name}: ${end}, ${result.rss} KB, ${result.cpu} ms, ${result.lines.at(-1)?.slice(0, 120)}`)
			count++
			sum.files++
			sum.ends[end] = (sum.ends[end] ?? 0) + 1
			sum.rss = Math.max(sum.rss, result.rss)
			sum.cpu = Math.max(sum.cpu, result.cpu)
			rss = Math.max(rss, result.rss)
			cpu = Math.max(cpu, result.cpu)
			if (group === 'encrypted' && end !== 'encrypted' && name !== 'some.zip') faults.push(`${name}: ${end}`) // some of it is open
		}
	}))
	const after = fs.readdirSync('/tmp').filter((name) => name.includes('usher-escaped'))
	fs.rmSync(root, { recursive: true, force: true })
	t.diagnostic(`${count} files, at most ${rss >> 10} MB and ${cpu} ms of CPU\n| group | files | ended as | most memory MB | most CPU ms |\n|---|---|---|---|---|\n${Object.entries(groups).map(([name, g]) => `| ${name} | ${g.files} | ${Object.entries(g.ends).sort((a, b) => b[1] - a[1]).map(([end, n]) => `${end} ${n}`).join(', ')} | ${g.rss >> 10} | ${g.cpu} |`).join('\n')}`)
	assert.deepEqual(faults, [])
	assert.deepEqual(after, before)
	assert.ok(count >= 300, `${count} files`)
})
