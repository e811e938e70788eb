// The parser child as the daemon starts it: one order, two descriptors, lines of JSON, and the lock around it.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { after, before, test } from 'node:test'
import { barren, program } from './parse-child.mjs'

let dir

before(() => { dir = fs.mkdtempSync(path.join(os.tmpdir(), 'usher-parse-')) })
after(() => fs.rmSync(dir, { recursive: true, force: true }))

/** Runs the child over content; its lines, exit status and what it made. */
async function parse(content, order, { raw } = {}) {
	const input = path.join(dir, 'in'), output = path.join(dir, 'out')
	fs.writeFileSync(input, content)
	const fds = [fs.openSync(input, 'r'), fs.openSync(output, 'w')]
	const child = spawn(program, [], { env: barren, stdio: ['pipe', 'pipe', 'pipe', ...fds] })
	const text = { out: '', err: '' }
	child.stdout.on('data', (data) => { text.out += data })
	child.stderr.on('data', (data) => { text.err += data })
	child.stdin.on('error', () => {}) // it may have refused by then
	child.stdin.end(raw ?? JSON.stringify({ do: 'extract', name: 'a', ...order }) + '\n')
	const [status, signal] = await new Promise((done) => child.on('close', (...how) => done(how)))
	fds.forEach((fd) => fs.closeSync(fd))
	const lines = text.out.split('\n').filter(Boolean).map((line) => JSON.parse(line))
	const made = fs.readFileSync(output, 'utf8').split('\n').filter(Boolean)
	return { status, signal, lines, last: lines.at(-1), made, err: text.err }
}

test('a table is read into chunks and an outline', async () => {
	const run = await parse('Name,Amount\nAnn,1\nBob,2\n', { name: 'orders.csv' })
	assert.equal(run.status, 0)
	assert.deepEqual(run.lines[0], { checked: { kind: 'csv', mime: 'text/csv' } })
	assert.equal(run.last.done.tables[0].rows, 2)
	assert.deepEqual(run.last.done.tables[0].columns.map((column) => column.type), ['text', 'integer'])
	assert.deepEqual(run.made.map((line) => JSON.parse(line)),
		[{ place: 'rows 2-3', text: 'Name: Ann; Amount: 1\nName: Bob; Amount: 2' }])
})

test('what cannot be read is told with its code', async () => {
	const broken = await parse('{"a":', { name: 'a.json' })
	assert.equal(broken.status, 1)
	assert.equal(broken.last.failed.code, 'damaged')
	const empty = await parse('', { name: 'a.txt' })
	assert.equal(empty.last.failed.code, 'empty')
	assert.equal(empty.made.length, 0)
})

test('orders that are not agreed are refused before the file is looked at', async () => {
	for (const raw of ['', 'nonsense\n', '{}\n', '{"do":"extract"}\n', '{"do":"other","name":"a"}\n',
		'{"do":"extract","name":"a","limits":{"depth":9}}\n', '{"do":"extract","name":"a"}\nmore\n',
		'{"do":"extract","name":"a"}']) {
		const run = await parse('text', {}, { raw })
		assert.equal(run.status, 2, raw)
		assert.equal(run.lines.length, 0)
		assert.match(run.err, /^usher-parse: /)
	}
})

test('a file that needs more memory than it may have ends with a reason', async () => {
	// One string of 60 MB must be held as a whole.
	const run = await parse(`{"a":"${'x'.repeat(60 << 20)}"}`, { name: 'a.json', limits: { memory: 32 << 20 } })
	assert.equal(run.signal, null)
	assert.equal(run.last.failed.code, 'too_large')
})

test('a large file is read in little memory and tells how far it is', async () => {
	let rows = 'id,name\n'
	for (let i = 0; i < 400000; i++)
		rows += `${i},this is the name of number ${i}\n`
	const run = await parse(rows, { name: 'a.csv', limits: { memory: 16 << 20 } })
	assert.equal(run.status, 0)
	assert.equal(run.last.done.tables[0].rows, 400000)
	assert.ok(run.lines.some((line) => line.progress?.bytes > 0))
	const last = JSON.parse(run.made.at(-1))
	assert.match(last.place, /^rows \d+-400001$/)
})

test('output beyond its limit is cut and what was read holds', async () => {
	const run = await parse('A sentence that is not short at all.\n\n'.repeat(2000),
		{ name: 'a.txt', limits: { output: 20000 } })
	assert.equal(run.status, 0)
	assert.equal(run.last.done.cut, true)
	assert.equal(run.made.length, run.last.done.chunks)
	run.made.forEach((line) => JSON.parse(line))
})
