// Makes tests/corpus/made and tests/corpus/expected.jsonl anew: files by the programs people use, and what those programs say is
// in them. Needs (see ../README.md): LibreOffice, pandoc, poppler-utils, Info-ZIP, and the npm packages of ./package.json.
import fs from 'node:fs'
import path from 'node:path'
import ExcelJS from 'exceljs'
import XlsxPopulate from 'xlsx-populate'
import * as docx from 'docx'
import JSZip from 'jszip'
import PDFDocument from 'pdfkit'
import PptxGen from 'pptxgenjs'
import MailComposer from 'nodemailer/lib/mail-composer/index.js'
import { TEXTS, TABLES, document } from './texts.mjs'
import { add, begin, finish, run, soffice, pandoc, iconv, csvRows, csvFilter, TXT, work, out } from './tools.mjs'

const langs = Object.keys(TEXTS)
const plain = (lang) => [TEXTS[lang][0], ...TEXTS[lang][1]].join('\n\n') + '\n'
const write = (name, content) => { const file = path.join(work, name); fs.writeFileSync(file, content); return file }
const read = (file) => fs.readFileSync(file)
begin()

// ---- texts ----
for (const lang of langs) {
	add(`text-${lang}-utf-8.txt`, 'text', 'text', plain(lang), { text: plain(lang) })
	for (const charset of TEXTS[lang][2]) {
		const text = charset === 'utf-8' ? plain(lang) : plain(lang).replace(/’/g, charset.startsWith('windows') && charset !== 'windows-1251' ? '’' : "'")
		add(`text-${lang}-${charset}.txt`, 'iconv', 'text', iconv(charset.toUpperCase(), text), { text })
	}
}
for (const [lang, charset, mark] of [['ja', 'utf-16le', [0xff, 0xfe]], ['ru', 'utf-16be', [0xfe, 0xff]], ['de', 'utf-8', [0xef, 0xbb, 0xbf]], ['en', 'utf-16le', []]])
	add(`text-${lang}-${charset}-${mark.length ? 'mark' : 'plain'}.txt`, 'iconv', 'text', Buffer.concat([Buffer.from(mark), iconv(charset.toUpperCase(), plain(lang).replace(/\n/g, '\r\n'))]), { text: plain(lang) })

// ---- documents ----
const small = (i) => i % 3 === 0 ? TABLES[['orders', 'invoices', 'prices'][i / 3 % 3]](4 + i, i + 10) : null
const md = Object.fromEntries(langs.map((lang, i) => [lang, document(lang, small(i))]))
for (const lang of langs.slice(0, 14))
	add(`document-${lang}.md`, 'Markdown', 'markdown', md[lang], { text: String(pandoc('gfm', 'plain', md[lang])) })
for (const lang of langs.filter((_, i) => i % 2 === 0)) {
	const html = pandoc('gfm', 'html', md[lang], '-s', '--metadata', `title=${TEXTS[lang][0]}`)
	add(`pandoc-${lang}.html`, 'pandoc', 'html', html, { text: String(pandoc('html', 'plain', html)) })
}
const made = { docx: [], odt: [] }
for (const lang of langs)
	for (const kind of ['docx', 'odt'])
		made[kind].push(write(`${lang}.${kind}`, pandoc('gfm', kind, md[lang])))
const lang_of = (file) => path.basename(file).split('.')[0]
const said = (files, folder) => soffice(TXT, files, folder).map((file) => String(read(file)))
for (const file of made.docx.filter((_, i) => i % 4 !== 3))
	add(`pandoc-${lang_of(file)}.docx`, 'pandoc', 'docx', read(file), { text: String(run('pandoc', ['-f', 'docx', '-t', 'plain', '--wrap=none', file])) })
const odt_said = said(made.odt, 'odt-said')
made.odt.forEach((file, i) => i % 3 || add(`pandoc-${lang_of(file)}.odt`, 'pandoc', 'odt', read(file), { text: odt_said[i] }))
for (const [kind, from] of [['docx', 'odt'], ['odt', 'docx'], ['html', 'odt'], ['pdf', 'odt']]) {
	const files = soffice(kind, made[from].filter((_, i) => kind === 'pdf' ? i % 5 !== 4 : i % 3 === 1), `lo-${kind}`)
	const texts = kind === 'pdf' ? files.map((file) => String(run('pdftotext', ['-enc', 'UTF-8', file, '-']))) : said(files, `lo-${kind}-said`)
	files.forEach((file, i) => add(`libreoffice-${lang_of(file)}.${kind}`, 'LibreOffice', kind, read(file), { text: texts[i] }))
}
for (const lang of ['en', 'de', 'pl', 'ru', 'el', 'vi']) {
	const [title, paragraphs] = TEXTS[lang]
	const table = TABLES.orders(5, lang.length)
	const cell = (value) => new docx.TableCell({ children: [new docx.Paragraph(String(value))] })
	const doc = new docx.Document({ title, sections: [{
		headers: { default: new docx.Header({ children: [new docx.Paragraph(`${title} 2026`)] }) },
		children: [new docx.Paragraph({ text: title, heading: docx.HeadingLevel.TITLE }),
			...paragraphs.map((p) => new docx.Paragraph({ children: p.split(/(?<= )/).map((text, i) => new docx.TextRun({ text, bold: i % 3 === 0 })) })),
			new docx.Table({ rows: [table.header, ...table.rows].map((row) => new docx.TableRow({ children: row.map(cell) })) })],
	}] })
	const bytes = await docx.Packer.toBuffer(doc)
	add(`docx-${lang}.docx`, 'docx (npm)', 'docx', bytes, { text: [title, ...paragraphs, ...[table.header, ...table.rows].flat(), `${title} 2026`].join(' ') })
}
const fonts = '/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf'
for (const [i, lang] of ['en', 'fr', 'cs', 'tr', 'uk', 'vi', 'el', 'da'].entries()) {
	const pdf = new PDFDocument({ info: { Title: TEXTS[lang][0], CreationDate: new Date(1767225600000) }, compress: i % 2 === 0 })
	const pieces = []
	pdf.on('data', (data) => pieces.push(data))
	const end = new Promise((done) => pdf.on('end', done))
	pdf.font(fonts).fontSize(18).text(TEXTS[lang][0]).fontSize(11).moveDown()
	for (let page = 0; page < 3; page++) {
		if (page) pdf.addPage()
		for (const p of TEXTS[lang][1]) pdf.text(p, { columns: page === 2 ? 2 : 1 }).moveDown()
		TABLES.prices(6, page).rows.forEach((row) => pdf.text(row.slice(0, 4).join('   ')))
	}
	pdf.end()
	await end
	const file = write(`pdfkit-${lang}.pdf`, Buffer.concat(pieces))
	add(`pdfkit-${lang}.pdf`, 'pdfkit (npm)', 'pdf', read(file), { text: String(run('pdftotext', ['-enc', 'UTF-8', file, '-'])) })
}

// ---- slides ----
const slides = (lang) => `## ${TEXTS[lang][0]}\n\n${TEXTS[lang][1].map((p) => `- ${p}`).join('\n')}\n\n## ${TEXTS[lang][0]} 2\n\n${TEXTS[lang][1][1]}\n`
const decks = []
for (const lang of langs.filter((_, i) => i % 3 === 0)) {
	const bytes = pandoc('gfm', 'pptx', slides(lang))
	decks.push(write(`${lang}.pptx`, bytes))
	add(`pandoc-${lang}.pptx`, 'pandoc', 'pptx', bytes, { text: String(pandoc('gfm', 'plain', slides(lang))) })
}
soffice('pptx', soffice('odp', decks.slice(0, 6), 'odp'), 'lo-pptx').forEach((file) =>
	add(`libreoffice-${lang_of(file)}.pptx`, 'LibreOffice', 'pptx', read(file), { text: String(pandoc('gfm', 'plain', slides(lang_of(file)))) }))
for (const lang of ['en', 'sv', 'bg', 'he', 'zh', 'ko']) {
	const deck = new PptxGen()
	const [title, paragraphs] = TEXTS[lang]
	const table = TABLES.hours(4)
	const first = deck.addSlide()
	first.addText(title, { x: 1, y: 0.5, w: 8, h: 1, fontSize: 28 })
	first.addText(paragraphs.map((text) => ({ text, options: { bullet: true } })), { x: 1, y: 1.5, w: 8, h: 3 })
	const second = deck.addSlide()
	second.addTable([table.header, ...table.rows].map((row) => row.map((text) => ({ text: String(text) }))), { x: 1, y: 1, w: 8 })
	second.addNotes(paragraphs[0])
	add(`pptxgenjs-${lang}.pptx`, 'pptxgenjs (npm)', 'pptx', await deck.write({ outputType: 'nodebuffer' }),
		{ text: [title, ...paragraphs, ...[table.header, ...table.rows].flat(), paragraphs[0]].join(' ') })
}

// ---- tables ----
const NAMES = Object.keys(TABLES)
const texts = (table) => ({ name: table.name, header: table.header, rows: table.rows.map((row) => row.map((value) => String(value))) })
const books = []
for (let i = 0; i < 12; i++) {
	const book = new ExcelJS.Workbook()
	book.created = book.modified = new Date(1767225600000)
	const tables = NAMES.slice(0, 1 + i % 3).map((_, j) => TABLES[NAMES[(i + j) % 4]](8 + 12 * i, i * 5 + j))
	for (const table of tables) {
		const sheet = book.addWorksheet(table.name)
		sheet.addRow(table.header).font = { bold: true }
		for (const row of table.rows)
			sheet.addRow(row.map((value, c) => table.dates.includes(c) ? new Date(value) : value))
		table.dates.forEach((c) => { sheet.getColumn(c + 1).numFmt = 'yyyy-mm-dd' })
	}
	const bytes = Buffer.from(await book.xlsx.writeBuffer())
	const file = write(`book${i}.xlsx`, bytes)
	books.push({ file, tables })
	add(`exceljs-${i}.xlsx`, 'exceljs (npm)', 'xlsx', bytes, { tables: tables.map(texts) })
}
for (let i = 0; i < 6; i++) {
	const table = TABLES[NAMES[i % 4]](20 + i * 9, 50 + i)
	const book = await XlsxPopulate.fromBlankAsync()
	const sheet = book.sheet(0).name(table.name)
	sheet.cell('A1').value([table.header, ...table.rows.map((row) => row.map((value, c) => table.dates.includes(c) ? new Date(`${value}T00:00:00`) : value))])
	table.dates.forEach((c) => sheet.column(c + 1).style('numberFormat', 'yyyy-mm-dd'))
	add(`xlsx-populate-${i}.xlsx`, 'xlsx-populate (npm)', 'xlsx', await book.outputAsync(), { tables: [texts(table)] })
}
// LibreOffice says what is in its own books as the CSV it makes of them: their first sheet.
for (const kind of ['ods', 'xlsx']) {
	const files = soffice(kind, books.filter(({ tables }, i) => kind === 'ods' || tables.length === 1).map(({ file }) => file), `lo-${kind}`)
	const rows = soffice(csvFilter(), files, `lo-${kind}-said`).map((file) => csvRows(String(read(file))))
	files.forEach((file, i) => {
		const { tables } = books.find((book) => path.basename(book.file, '.xlsx') === path.basename(file, `.${kind}`))
		add(`libreoffice-${i}.${kind}`, 'LibreOffice', kind, read(file), { tables: [{ name: tables[0].name, header: rows[i][0], rows: rows[i].slice(1) }, ...tables.slice(1).map(texts)] })
	})
}
for (const [separator, charset, label, iana] of [[44, 76, 'comma', 'utf-8'], [59, 76, 'semicolon', 'utf-8'], [9, 76, 'tab', 'utf-8'], [124, 76, 'bar', 'utf-8'], [59, 65535, 'semicolon', 'utf-16']]) {
	const some = books.filter((_, i) => i % 3 === (separator + charset) % 3).map(({ file }) => file)
	soffice(csvFilter(separator, charset), some, `csv-${label}-${iana}`).forEach((file) => {
		const ext = separator === 9 ? 'tsv' : 'csv'
		const text = new TextDecoder(iana === 'utf-16' ? 'utf-16le' : 'utf-8').decode(read(file))
		const rows = csvRows(text, String.fromCharCode(separator))
		add(`libreoffice-${path.basename(file, '.csv')}-${label}-${iana}.${ext}`, 'LibreOffice', ext, read(file), { tables: [{ name: '', header: rows[0], rows: rows.slice(1) }] })
	})
}
const ask = (names, lang) => ({ name: '', header: ['Nr', 'Text', 'Menge'], rows: names.map((name, i) => [String(i + 1), name, String((i * 37) % 19)]) })
for (const [lang, charset] of [['de', 'windows-1252'], ['pl', 'windows-1250'], ['ru', 'windows-1251'], ['ja', 'shift_jis'], ['zh', 'gb18030'], ['ko', 'euc-kr'], ['el', 'iso-8859-7'], ['tr', 'windows-1254']]) {
	const table = ask(TEXTS[lang][1].join(' ').split(/[\s，。、]+/).filter(Boolean).map((word) => word.replace(/[;"’]/g, '')))
	add(`list-${lang}-${charset}.csv`, 'iconv', 'csv', iconv(charset.toUpperCase(), [table.header, ...table.rows].map((row) => row.join(';')).join('\r\n') + '\r\n'), { tables: [table] })
}
for (let i = 0; i < 8; i++) {
	const table = TABLES[NAMES[i % 4]](6 + 15 * i, 80 + i)
	const objects = table.rows.map((row) => Object.fromEntries(table.header.map((name, c) => [name, row[c]])))
	add(`node-${i}.json`, 'Node', 'json', JSON.stringify(i % 2 ? { made: 'today', rows: objects } : objects, null, i % 3), { tables: [texts(table)] })
	add(`node-${i}.ndjson`, 'Node', 'ndjson', objects.map((object) => JSON.stringify(object) + '\n').join(''), { tables: [texts(table)] })
}

// ---- messages, archives, pictures ----
for (const [i, lang] of langs.filter((_, i) => i % 2 === 1).entries()) {
	const [subject, paragraphs] = TEXTS[lang]
	const html = `<h1>${subject}</h1>${paragraphs.map((p) => `<p>${p}</p>`).join('')}`
	const mail = new MailComposer({ from: 'Ada Winter <ada@example.org>', to: 'orders@example.com', subject, date: new Date(1767225600000), messageId: `<${i}@example.org>`,
		baseBoundary: `part${i}`, ...(i % 3 !== 1 && { text: paragraphs.join('\n\n') }), ...(i % 3 && { html }), textEncoding: i % 2 ? 'base64' : 'quoted-printable',
		attachments: i % 4 ? [] : [{ filename: `${subject}.txt`, content: paragraphs[1] }] })
	add(`nodemailer-${lang}.eml`, 'nodemailer (npm)', 'eml', await mail.compile().build(), { text: ['From: Ada Winter ada@example.org To: orders@example.com Date: Thu, 01 Jan 2026 00:00:00 +0000 Subject:', subject, ...(i % 3 === 1 ? [subject] : []), ...paragraphs, ...(i % 4 ? [] : [paragraphs[1]])].join(' ') })
}
for (const [i, lang] of ['en', 'fr', 'pl', 'ru', 'ja', 'ar'].entries()) {
	const dir = fs.mkdtempSync(path.join(work, 'zip-'))
	fs.mkdirSync(path.join(dir, 'more'))
	fs.writeFileSync(path.join(dir, `${TEXTS[lang][0]}.txt`), plain(lang))
	fs.writeFileSync(path.join(dir, 'more', 'b.txt'), TEXTS[lang][1][1])
	const text = `${plain(lang)} ${TEXTS[lang][1][1]}`
	if (i % 2) {
		const zip = new JSZip()
		zip.file(`${TEXTS[lang][0]}.txt`, plain(lang)).file('more/b.txt', TEXTS[lang][1][1])
		add(`jszip-${lang}.zip`, 'jszip (npm)', 'zip', await zip.generateAsync({ type: 'nodebuffer', compression: 'DEFLATE' }), { text })
	} else {
		run('sh', ['-c', 'cd "$1" && zip -q -X -r ../made.zip . && mv ../made.zip .', '', dir])
		add(`info-zip-${lang}.zip`, 'Info-ZIP', 'zip', read(path.join(dir, 'made.zip')), { text })
	}
}
for (const lang of ['en', 'el', 'uk'])
	for (const [kind, ext] of [['png', 'png'], ['jpeg', 'jpg']]) {
		run('pdftoppm', [`-${kind}`, '-gray', '-r', '40', '-f', '1', '-singlefile', path.join(out, `libreoffice-${lang === 'uk' ? 'bg' : lang === 'el' ? 'de' : lang}.pdf`), 'page'])
		add(`poppler-${lang}.${ext}`, 'poppler', 'image', read(path.join(work, `page.${ext}`)))
	}
const all = finish()
const bytes = all.reduce((sum, { file }) => sum + fs.statSync(path.join(out, file)).size, 0)
console.log(`${all.length} files, ${bytes} bytes`)
