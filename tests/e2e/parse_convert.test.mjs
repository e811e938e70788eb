// Tables converted by the parser child as the daemon starts it: behind the lock, where nothing can be opened.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { after, before, test } from 'node:test'
import { barren, program } from './parse-child.mjs'

let dir

before(() => { dir = fs.mkdtempSync(path.join(os.tmpdir(), 'usher-convert-')) })
after(() => fs.rmSync(dir, { recursive: true, force: true }))

/** Runs the child over content; its last line and what it made. */
async function convert(name, content, spec, limits = {}) {
	const input = path.join(dir, 'in'), output = path.join(dir, 'out')
	fs.writeFileSync(input, content)
	const fds = [fs.openSync(input, 'r'), fs.openSync(output, 'w')]
	const child = spawn(program, [], { env: barren, stdio: ['pipe', 'pipe', 'inherit', ...fds] })
	let text = ''
	child.stdout.on('data', (data) => { text += data })
	child.stdin.end(JSON.stringify({ do: 'convert', name, spec, limits }) + '\n')
	const [status, signal] = await new Promise((done) => child.on('close', (...how) => done(how)))
	fds.forEach((fd) => fs.closeSync(fd))
	assert.equal(signal, null, `died of ${signal}`)
	const last = JSON.parse(text.split('\n').filter(Boolean).at(-1))
	return { status, report: last.done, failed: last.failed, made: fs.readFileSync(output) }
}

const orders = 'Kunde;Betrag;Datum\nÄnne;"1.234,56 €";31.01.2026\nBob;abc;01.02.2026\nCy;(5);1. März 2026\n'
const columns = [
	{ name: 'name', from: 'kunde', required: true },
	{ name: 'amount', from: 'Betrag', type: 'number' },
	{ name: 'date', from: 'Datum', type: 'date' },
]

test('a table becomes JSON with names, numbers and dates, and the wrong row is named', async () => {
	const run = await convert('orders.csv', orders, { format: 'json', columns })
	assert.equal(run.status, 0)
	assert.deepEqual(JSON.parse(run.made), [
		{ name: 'Änne', amount: 1234.56, date: '2026-01-31' },
		{ name: 'Cy', amount: -5, date: '2026-03-01' },
	])
	const { rows_in, rows_out, rows_refused, rows_blank, reasons, bytes } = run.report
	assert.deepEqual([rows_in, rows_out, rows_refused, rows_blank, bytes], [3, 2, 1, 0, run.made.length])
	assert.deepEqual(reasons, [
		{ column: 'amount', reason: 'is not a number', rows: 1, examples: [{ row: 3, value: 'abc' }] },
	])
})

test('a spreadsheet is written without a file being opened, and reads back the same', async () => {
	const sheet = await convert('orders.csv', orders, { format: 'xlsx', columns })
	assert.equal(sheet.status, 0)
	assert.equal(sheet.made.subarray(0, 2).toString(), 'PK')
	const back = await convert('orders.xlsx', sheet.made, { format: 'ndjson' })
	assert.deepEqual(back.made.toString().trim().split('\n').map((line) => JSON.parse(line)), [
		{ name: 'Änne', amount: 1234.56, date: '2026-01-31' },
		{ name: 'Cy', amount: -5, date: '2026-03-01' },
	])
})

test('every format can be made behind the lock', async () => {
	for (const format of ['csv', 'tsv', 'json', 'ndjson', 'xlsx', 'markdown', 'text', 'none']) {
		const run = await convert('orders.csv', orders, { format, refused: 'keep', columns })
		assert.equal(run.status, 0, format)
		assert.equal(run.report.rows_in, 3)
		assert.equal(run.made.length > 0, format !== 'none', format)
	}
})

test('what cannot be done says what there is', async () => {
	const run = await convert('orders.csv', orders, { format: 'json', columns: [{ name: 'Betrga' }] })
	assert.equal(run.status, 1)
	assert.equal(run.failed.code, 'spec')
	assert.match(run.failed.message, /the nearest is "Betrag"/)
})

test('a table larger than the memory that is allowed streams through', async () => {
	const rows = Array.from({ length: 400_000 }, (_, i) => `${i},name ${i % 977},${i % 100}.5,words that fill the row\n`)
	const content = 'id,name,amount,note\n' + rows.join('')
	const limits = { memory: 12 << 20, output: 64 << 20 }
	assert.ok(content.length > limits.memory)
	const run = await convert('big.csv', content, { format: 'csv', columns: [
		{ name: 'id', type: 'integer' }, { name: 'amount', type: 'number' }, { name: 'note' },
	] }, limits)
	assert.equal(run.failed, undefined)
	assert.deepEqual([run.report.rows_out, run.report.cut], [400_000, false])
})
