// Files by the programs people use (tests/corpus/made), read behind the lock and compared with what those programs say is in them.
// Alone and with all differences: cd tests && CORPUS_SHOW=1 node --test e2e/corpus.test.mjs
import assert from 'node:assert/strict'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { test } from 'node:test'
import { compareTables, compareText } from './corpus-compare.mjs'
import { extract } from './parse-child.mjs'

const corpus = path.resolve('corpus')
const expected = fs.readFileSync(path.join(corpus, 'expected.jsonl'), 'utf8').split('\n').filter(Boolean).map((line) => JSON.parse(line))
const AT_ONCE = 2

/** What may not become less: words found, words in order, rows and cells right; and more: words extra. Percent. */
const FLOORS = {
	csv: [100, 0, 100, 100, 100], tsv: [100, 0, 100, 100, 100], json: [100, 0, 100, 100, 100], ndjson: [100, 0, 100, 100, 100],
	xlsx: [100, 0, 100, 100, 100], ods: [100, 0, 100, 100, 100], docx: [100, 0.2, 95, 100, 100], odt: [100, 0, 97.5, 100, 100],
	pptx: [100, 0, 94.5, 100, 100], pdf: [99, 1.5, 100, 100, 100], html: [100, 0.3, 99, 100, 100], markdown: [100, 0, 97, 100, 100],
	text: [100, 0, 100, 100, 100], eml: [100, 0, 100, 100, 100], zip: [100, 0, 100, 100, 100],
}

async function all(each) {
	const results = []
	let next = 0
	await Promise.all(Array.from({ length: AT_ONCE }, async () => {
		const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'usher-corpus-'))
		while (next < expected.length) {
			const entry = expected[next++]
			results.push(await each(entry, dir))
		}
		fs.rmSync(dir, { recursive: true, force: true })
	}))
	return results
}

const percent = (part, whole) => whole ? Math.floor(part / whole * 10000) / 100 : 100

function figures(results) {
	const kinds = {}
	for (const { entry, text, tables } of results) {
		const kind = kinds[entry.kind] ??= { files: 0, words: 0, found: 0, extra: 0, kept: 0, both: 0, rows: 0, right: 0, cells: 0, cellsRight: 0 }
		kind.files++
		for (const part of [text, tables])
			for (const [name, value] of Object.entries(part ?? {}))
				if (name in kind) kind[name] += value
	}
	return kinds
}

function table(kinds) {
	const cell = (value, whole) => whole ? value.toFixed(2) : ''
	const lines = ['| format | files | words | found % | extra % | in order % | rows | rows right % | cells right % |', '|---|---|---|---|---|---|---|---|---|']
	for (const [name, k] of Object.entries(kinds).sort())
		lines.push(`| ${name} | ${k.files} | ${k.words || ''} | ${cell(percent(k.found, k.words), k.words)} | ${cell(k.extra / k.words * 100, k.words)} | ${cell(percent(k.kept, k.both), k.words)} | ${k.rows || ''} | ${cell(percent(k.right, k.rows), k.rows)} | ${cell(percent(k.cellsRight, k.cells), k.rows)} |`)
	return lines.join('\n')
}

test('files of real programs say what those programs say is in them', async (t) => {
	const results = await all(async (entry, dir) => {
		const run = await extract(path.join(corpus, 'made', entry.file), entry.file, dir)
		assert.equal(run.signal, null, entry.file)
		assert.ok(run.last?.done, `${entry.file}: ${JSON.stringify(run.last)}`)
		assert.equal(run.kind, entry.kind, entry.file)
		assert.ok(run.chunks.every((chunk) => chunk.place), `${entry.file}: a chunk without a place`)
		const result = { entry, text: entry.text === undefined ? null : compareText(entry.text, run), tables: entry.tables ? compareTables(entry.tables, run) : null }
		if (process.env.CORPUS_SHOW && result.text && (result.text.missing.length || result.text.surplus.length))
			t.diagnostic(`${entry.file}: missing ${result.text.missing.slice(0, 12)} surplus ${result.text.surplus.slice(0, 12)}`)
		if (process.env.CORPUS_SHOW && result.tables?.wrong.length)
			t.diagnostic(`${entry.file}: ${result.tables.wrong.length} of ${result.tables.rows} rows, ${JSON.stringify(result.tables.wrong[0])}`)
		return result
	})
	const kinds = figures(results)
	t.diagnostic(`${results.length} files\n${table(kinds)}`)
	assert.ok(results.length >= 200)
	for (const [name, [found, extra, order, rows, cells]] of Object.entries(FLOORS)) {
		const k = kinds[name]
		assert.ok(percent(k.found, k.words) >= found, `${name}: ${percent(k.found, k.words)} % of words found`)
		assert.ok(!k.words || k.extra / k.words * 100 <= extra, `${name}: ${k.extra} words extra`)
		assert.ok(percent(k.kept, k.both) >= order, `${name}: ${percent(k.kept, k.both)} % in order`)
		assert.ok(percent(k.right, k.rows) >= rows, `${name}: ${percent(k.right, k.rows)} % of rows right`)
		assert.ok(percent(k.cellsRight, k.cells) >= cells, `${name}: ${percent(k.cellsRight, k.cells)} % of cells right`)
	}
})
