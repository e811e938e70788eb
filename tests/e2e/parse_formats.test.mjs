// Files of real programs through the parser child as it is locked in: what libraries need, they must have by then.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { after, before, test } from 'node:test'
import { barren, program } from './parse-child.mjs'

const corpus = path.resolve('corpus')
const CODES = ['encrypted', 'damaged', 'unsupported', 'too_large', 'too_slow', 'empty']
let dir

before(() => { dir = fs.mkdtempSync(path.join(os.tmpdir(), 'usher-formats-')) })
after(() => fs.rmSync(dir, { recursive: true, force: true }))

/** Runs the child over content; its exit status, last line and the text it made. */
async function parse(content, name, limits = {}) {
	const input = path.join(dir, 'in'), output = path.join(dir, 'out')
	fs.writeFileSync(input, content)
	const fds = [fs.openSync(input, 'r'), fs.openSync(output, 'w')]
	const child = spawn(program, [], { env: barren, stdio: ['pipe', 'pipe', 'ignore', ...fds] })
	let out = ''
	child.stdout.on('data', (data) => { out += data })
	child.stdin.end(JSON.stringify({ do: 'extract', name, limits }) + '\n')
	const [status, signal] = await new Promise((done) => child.on('close', (...how) => done(how)))
	fds.forEach((fd) => fs.closeSync(fd))
	const lines = out.split('\n').filter(Boolean).map((line) => JSON.parse(line))
	const made = fs.readFileSync(output, 'utf8').split('\n').filter(Boolean).map((line) => JSON.parse(line))
	return { status, signal, kind: lines[0]?.checked?.kind, last: lines.at(-1), made, text: made.map((m) => m.text).join('\n') }
}

const EXPECTED = {
	'cjk.pdf': ['pdf', /你好世界\nこんにちは\nこんにちは\n안녕하세요/],
	'libreoffice.pdf': ['pdf', /Clover and heather, café\./],
	'pandoc.docx': ['docx', /There are many hives/],
	'libreoffice.docx': ['docx', / {2}- inner/],
	'python-docx.docx': ['docx', /Item: Bread; Price: 2\.50/],
	'pandoc.odt': ['odt', /Hive: A; Honey: 12/],
	'pandoc.pptx': ['pptx', /Say hello first\./],
	'openpyxl.xlsx': ['xlsx', /Name: Ada; Amount: 12\.5; Date: 2026-01-31/],
	'openpyxl-1904.xlsx': ['xlsx', /Name: Ada; Amount: 12\.5; Date: 2026-01-31/],
	'libreoffice.xlsx': ['xlsx', /#DIV\/0!/],
	'libreoffice.ods': ['ods', /hidden value/],
	'python.eml': ['eml', /bitte fünf Brote\.[^]*name: Bread[^]*inner text/],
	'html.eml': ['eml', /こんにちは[^]*Grüße[^]*привет/],
	'mixed.zip': ['zip', /Clover and heather[^]*Name: Ada/],
}

test('every format is read behind the lock', async () => {
	for (const [name, [kind, text]] of Object.entries(EXPECTED)) {
		const run = await parse(fs.readFileSync(path.join(corpus, name)), name)
		assert.equal(run.status, 0, `${name}: ${JSON.stringify(run.last)}`)
		assert.equal(run.kind, kind, name)
		assert.match(run.text, text, name)
		assert.ok(run.made.every((chunk) => chunk.place), name)
	}
})

test('files with a password say so', async () => {
	for (const name of ['encrypted.pdf', 'locked.zip']) {
		const run = await parse(fs.readFileSync(path.join(corpus, name)), name)
		assert.equal(run.last.failed.code, 'encrypted', name)
		assert.equal(run.status, 1)
	}
})

test('files that were cut off end in one line, and never in a crash', async () => {
	for (const name of Object.keys(EXPECTED)) {
		const whole = fs.readFileSync(path.join(corpus, name))
		for (const part of [0.1, 0.5, 0.95]) {
			const run = await parse(whole.subarray(0, whole.length * part), name)
			assert.equal(run.signal, null, `${name} ${part}`)
			assert.ok(run.last.done || CODES.includes(run.last.failed.code), `${name}: ${JSON.stringify(run.last)}`)
		}
	}
})

test('a limit of what may be unpacked holds for every kind of archive', async () => {
	for (const name of Object.keys(EXPECTED).filter((name) => /zip$|x$|od.$/.test(name))) {
		const run = await parse(fs.readFileSync(path.join(corpus, name)), name, { unpacked: 300 })
		assert.equal(run.last.failed?.code, 'too_large', name)
	}
})
