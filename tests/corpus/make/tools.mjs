// What making the corpus needs of programs: LibreOffice, pandoc, poppler's and iconv.
import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

const here = path.dirname(fileURLToPath(import.meta.url))
export const out = path.join(here, '../made')
export const work = fs.mkdtempSync(path.join(os.tmpdir(), 'usher-corpus-'))
const env = { ...process.env, SOURCE_DATE_EPOCH: '1767225600', LC_ALL: 'C.UTF-8', TZ: 'UTC', HOME: work }
export const run = (program, args, input) => execFileSync(program, args, { input, env, cwd: work, maxBuffer: 64 << 20, stdio: ['pipe', 'pipe', 'ignore'] })

const entries = []
/** A file of the corpus and what its producer says is in it: text, or tables of [{name, header, rows}], or neither. */
export function add(file, by, kind, content, { text, tables } = {}) {
	if (content !== null)
		fs.writeFileSync(path.join(out, file), content)
	entries.push({ file, by, kind, ...(text !== undefined && { text: text.replace(/\s+/g, ' ').trim() }), ...(tables && { tables }) })
}
export function finish() {
	entries.sort((a, b) => a.file < b.file ? -1 : 1)
	fs.writeFileSync(path.join(out, '../expected.jsonl'), entries.map((e) => JSON.stringify(e) + '\n').join(''))
	fs.rmSync(work, { recursive: true, force: true })
	return entries
}
export function begin() {
	fs.rmSync(out, { recursive: true, force: true })
	fs.mkdirSync(out, { recursive: true })
}
/** Converts files with LibreOffice, all at once; the paths of what it made. */
export function soffice(to, files, folder) {
	const dir = path.join(work, folder)
	const ext = to.split(':')[0]
	run('soffice', [`-env:UserInstallation=file://${work}/profile`, '--headless', '--convert-to', to, '--outdir', dir, ...files])
	return files.map((file) => path.join(dir, `${path.basename(file, path.extname(file))}.${ext}`))
}
export const TXT = 'txt:Text (encoded):UTF8'
/** Tab-free CSV as LibreOffice writes it: separator, charset number, what is shown. */
export const csvFilter = (separator = 44, charset = 76) => `csv:Text - txt - csv (StarCalc):${separator},34,${charset},1,,0,false,true,false`
export const pandoc = (from, to, content, ...more) => run('pandoc', ['-f', from, '-t', to, '--wrap=none', ...more], content)
export const iconv = (to, content) => run('iconv', ['-f', 'utf-8', '-t', to], content)

/** The rows of a CSV file. */
export function csvRows(text, separator = ',') {
	const rows = [[]]
	let cell = '', quoted = false, whole = true
	for (let i = 0; i < text.length; i++) {
		const c = text[i]
		if (quoted && c === '"' && text[i + 1] === '"') { cell += '"'; i++ }
		else if (c === '"' && (quoted || cell === '')) quoted = !quoted
		else if (!quoted && c === separator) { rows.at(-1).push(cell); cell = '' }
		else if (!quoted && c === '\n') { rows.at(-1).push(cell); cell = ''; rows.push([]) }
		else if (c !== '\r' || quoted) cell += c
		whole = c === '\n' && !quoted
	}
	if (whole) rows.pop()
	else rows.at(-1).push(cell)
	return rows
}
