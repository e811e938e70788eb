// Files that mean harm, made when they are needed: [group, name, content]. The same ones on every machine.
import crypto from 'node:crypto'
import fs from 'node:fs'
import path from 'node:path'
import zlib from 'node:zlib'
import { crc32, office, page, pdf, said, zip } from './bytes.mjs'

const MB = 1 << 20
const KINDS = Object.keys(office)
const zeros = (n) => Buffer.alloc(n)
const repeat = (text, n) => text.repeat(n)

function* archives() {
	const bomb = (mb) => zip([{ name: 'zeros.txt', data: zeros(mb * MB) }])
	for (const mb of [10, 40, 70]) yield ['bomb', `ratio-${mb}.zip`, bomb(mb)]
	let nested = zip([{ name: 'a.txt', data: repeat('word ', 200) }])
	for (let depth = 1; depth <= 8; depth++) {
		nested = zip(Array.from({ length: 4 }, (_, i) => ({ name: `${i}.zip`, data: nested })))
		yield ['bomb', `nested-${depth}.zip`, nested]
	}
	const kernel = zlib.deflateRawSync(zeros(4 * MB), { level: 9 })
	const sum = crc32(zeros(4 * MB))
	for (const copies of [100, 1000, 9000])
		yield ['bomb', `overlapping-${copies}.zip`, zip([{ name: 'a0', data: zeros(4 * MB), body: kernel }, ...Array.from({ length: copies }, (_, i) => ({ name: `a${i + 1}`, size: 4 * MB, packed: kernel.length, crc: sum, at: 0 }))])]
	for (const n of [500, 9999, 12000]) yield ['bomb', `entries-${n}.zip`, zip(Array.from({ length: n }, (_, i) => ({ name: `${i}.txt`, data: 'x', stored: true })))]
	for (const size of [0, 1, 1 << 30, 0xfffffffe, 0xffffffff]) yield ['lies', `size-${size}.zip`, zip([{ name: 'a.txt', data: repeat('text ', 100), size }])]
	for (const packed of [0, 1, 1 << 30, 0xffffffff]) yield ['lies', `packed-${packed}.zip`, zip([{ name: 'a.txt', data: repeat('text ', 100), packed }])]
	for (const count of [0, 1, 200, 65535]) yield ['lies', `count-${count}.zip`, zip([{ name: 'a.txt', data: 'one' }, { name: 'b.txt', data: 'two' }], { count })]
	for (const directory of [0, 7, 0x7fffffff, 0xffffffff]) yield ['lies', `directory-${directory}.zip`, zip([{ name: 'a.txt', data: 'one' }], { directory })]
	yield ['lies', 'crc.zip', zip([{ name: 'a.txt', data: 'the text', crc: 1 }])]
	for (const method of [1, 9, 12, 14, 93, 95, 99]) yield ['lies', `method-${method}.zip`, zip([{ name: 'a.txt', data: 'the text', method }])]
	for (const name of ['../../../../tmp/usher-escaped', '/tmp/usher-escaped', '..\\..\\usher-escaped', 'C:\\usher-escaped', 'a/../../usher-escaped', './././usher-escaped', 'usher-escaped\0.txt', '', '/', '..', repeat('d/', 2000) + 'usher-escaped', repeat('n', 60000), '\u202Etxt.exe', 'a\nb.txt', '\x1b[2Jusher-escaped', 'CON', '~/.ssh/usher-escaped', '$(touch usher-escaped)', '`touch usher-escaped`', '|touch usher-escaped'])
		yield ['traversal', `name-${JSON.stringify(name).slice(0, 30)}.zip`, zip([{ name, data: 'what stands there' }])]
	for (const to of ['/etc/passwd', '../../../../etc/shadow', '.', 'link']) yield ['traversal', `link-${to}.zip`, zip([{ name: 'link', data: to, mode: 0o120777, stored: true }, { name: 'link/usher-escaped', data: 'through it' }])]
	for (const mode of [0o020666, 0o060666, 0o010666, 0o104777]) yield ['traversal', `mode-${mode.toString(8)}.zip`, zip([{ name: 'device', data: 'x', mode }])]
	const twice = [{ name: 'same.txt', data: 'one' }, { name: 'same.txt', data: 'two' }]
	yield ['lies', 'twice.zip', zip(twice)]
	yield ['encrypted', 'flag.zip', zip([{ name: 'a.txt', data: 'closed to all', flags: 0x801, stored: true }])]
	yield ['encrypted', 'some.zip', zip([{ name: 'a.txt', data: 'open to all' }, { name: 'b.txt', data: 'closed to all', flags: 0x801, stored: true }])]
}

function* entities() {
	const laughs = `<!DOCTYPE x [<!ENTITY a0 "haha">${Array.from({ length: 10 }, (_, i) => `<!ENTITY a${i + 1} "${repeat(`&a${i};`, 10)}">`).join('')}]>`
	const heads = {
		laughs: [laughs, '&a10;'], quadratic: [`<!DOCTYPE x [<!ENTITY a "${repeat('a', 100000)}">]>`, repeat('&a;', 20000)],
		itself: ['<!DOCTYPE x [<!ENTITY a "&b;"><!ENTITY b "&a;">]>', '&a;'], file: ['<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>', '&a;'],
		http: ['<!DOCTYPE x [<!ENTITY a SYSTEM "http://127.0.0.1:9/x">]>', '&a;'], parameter: ['<!DOCTYPE x [<!ENTITY % a SYSTEM "file:///etc/passwd"> %a;]>', 'x'],
		dtd: ['<!DOCTYPE x SYSTEM "http://127.0.0.1:9/x.dtd">', 'x'], public: ['<!DOCTYPE x PUBLIC "a" "file:///dev/zero">', 'x'],
	}
	for (const kind of KINDS) {
		for (const [name, [head, text]] of Object.entries(heads)) yield ['entities', `${name}.${kind}`, office[kind](said[kind](text), { head })]
		yield ['entities', `include.${kind}`, office[kind](`<xi:include xmlns:xi="http://www.w3.org/2001/XInclude" href="file:///etc/passwd" parse="text"/>${said[kind]('x')}`)]
		yield ['deep', `elements.${kind}`, office[kind](`${repeat('<x>', 100000)}${said[kind]('x')}${repeat('</x>', 100000)}`)]
		yield ['giant', `text.${kind}`, office[kind](said[kind](repeat('much text ', 2000000)))]
		yield ['giant', `attribute.${kind}`, office[kind](`<x a="${repeat('much', 3000000)}"/>${said[kind]('x')}`)]
		yield ['invalid', `bytes.${kind}`, office[kind](said[kind]('x'), { head: '<?xml version="1.0" encoding="utf-7"?>\ufffe' })]
		yield ['bomb', `more.${kind}`, office[kind](said[kind]('x'), { more: [{ name: 'word/media/zeros.bin', data: zeros(20 * MB) }] })]
	}
	for (const kind of ['docx', 'xlsx', 'pptx'])
		for (const [name, target, mode] of [['up', '../../../../../etc/passwd'], ['absolute', '/etc/passwd'], ['outside', 'http://127.0.0.1:9/x', 'External'], ['file', 'file:///etc/passwd', 'External'], ['itself', '_rels/.rels'], ['nothing', 'no/such.xml']])
			yield ['traversal', `target-${name}.${kind}`, office[kind](said[kind]('x'), { target, mode })]
	yield ['entities', 'laughs.html', Buffer.from(`${laughs}<p>&a10;</p>`)]
	yield ['entities', 'frames.html', Buffer.from('<iframe src="file:///etc/passwd"></iframe><img src="http://127.0.0.1:9/"><link rel=stylesheet href="http://127.0.0.1:9/"><base href="file:///"><p>x</p>')]
}

function* cycles() {
	const cell = (r, c, rest) => `<row r="${r}"><c r="${c}${r}"${rest}</c></row>`
	yield ['cycles', 'formulas.xlsx', office.xlsx(`${cell(1, 'A', '><f t="shared" ref="A1:XFD1048576" si="0">A2</f>')}${cell(2, 'A', '><f t="shared" si="0"/>')}`)]
	yield ['cycles', 'string-index.xlsx', office.xlsx(cell(1, 'A', ' t="s"><v>4294967295</v>'))]
	yield ['cycles', 'far.xlsx', office.xlsx(cell(1048576, 'XFD', '><v>1</v>'))]
	yield ['cycles', 'too-far.xlsx', office.xlsx(cell('99999999999999999999', 'ZZZZZZZZZ', '><v>1</v>'))]
	yield ['cycles', 'rows-back.xlsx', office.xlsx(Array.from({ length: 2000 }, (_, i) => cell(2000 - i, 'XFD', '><v>1</v>')).join(''))]
	yield ['cycles', 'merged.xlsx', office.xlsx(`${said.xlsx('x')}</sheetData><mergeCells>${repeat('<mergeCell ref="A1:XFD1048576"/>', 10000)}</mergeCells><sheetData>`)]
	for (const n of ['2147483648', '4294967295', '99999999999999999999', '-1', '1048576']) {
		yield ['cycles', `rows-${n}.ods`, office.ods(`<table:table-row table:number-rows-repeated="${n}"><table:table-cell><text:p>x</text:p></table:table-cell></table:table-row>`)]
		yield ['cycles', `columns-${n}.ods`, office.ods(`<table:table-row><table:table-cell table:number-columns-repeated="${n}"><text:p>x</text:p></table:table-cell></table:table-row>`)]
		yield ['cycles', `both-${n}.ods`, office.ods(`<table:table-row table:number-rows-repeated="${n}"><table:table-cell table:number-columns-repeated="${n}"><text:p>x</text:p></table:table-cell></table:table-row>`)]
		yield ['cycles', `blanks-${n}.odt`, office.odt(`<text:p>x${repeat(`<text:s text:c="${n}"/>`, 1000)}</text:p>`)]
		yield ['cycles', `spans-${n}.docx`, office.docx(`<w:tbl><w:tr><w:tc><w:tcPr><w:gridSpan w:val="${n}"/></w:tcPr>${said.docx('x')}</w:tc></w:tr></w:tbl>`)]
		yield ['cycles', `spans-${n}.html`, Buffer.from(`<table>${repeat(`<tr><td colspan="${n}" rowspan="${n}">x<td>y`, 300)}</table>`)]
	}
	const tree = page('BT /F 12 Tf (text) Tj ET')
	const pdfs = {
		pages: { ...tree, 2: '<< /Type /Pages /Count 1 /Kids [2 0 R] >>' }, pages2: { ...tree, 2: '<< /Type /Pages /Count 2 /Kids [7 0 R] >>', 7: '<< /Type /Pages /Count 2 /Kids [2 0 R] /Parent 2 0 R >>' },
		parent: { ...tree, 3: '<< /Type /Page /Parent 3 0 R /MediaBox [0 0 9 9] >>' }, catalog: { ...tree, 1: '1 0 R' }, contents: { ...tree, 4: '4 0 R' },
		count: { ...tree, 2: '<< /Type /Pages /Count 2147483647 /Kids [3 0 R] >>' }, negative: { ...tree, 2: '<< /Type /Pages /Count -5 /Kids [3 0 R] >>' },
		form: { ...page('/X Do'), 6: ['/Type /XObject /Subtype /Form /BBox [0 0 9 9] /Resources << /XObject << /X 6 0 R >> >>', '/X Do /X Do'] },
		kids: { ...tree, 2: `<< /Type /Pages /Count 40000 /Kids [${repeat('3 0 R ', 40000)}] >>` }, box: { ...tree, 3: tree[3].replace('[0 0 300 300]', '[-1e38 -1e38 1e38 1e38]') },
		arrays: { ...tree, 5: `${repeat('[', 50000)}${repeat(']', 50000)}` }, dictionaries: { ...tree, 5: `${repeat('<</a ', 50000)}1${repeat('>>', 50000)}` },
		operators: page(repeat('q ', 300000)), strings: page(`BT /F 12 Tf (${repeat('(', 100000)}${repeat(')', 100000)}) Tj ET`), texts: page(`BT /F 1 Tf ${repeat('(many words here) Tj 1 0 Td ', 30000)} ET`),
		script: { ...tree, 1: '<< /Type /Catalog /Pages 2 0 R /OpenAction << /S /JavaScript /JS (while(1){}) >> >>' }, launch: { ...tree, 1: '<< /Type /Catalog /Pages 2 0 R /OpenAction << /S /Launch /F (/bin/sh) >> >>' },
		outside: { ...tree, 4: '<< /Length 0 /F (file:///etc/passwd) >>' }, crypt: tree,
	}
	for (const [name, objects] of Object.entries(pdfs)) yield ['cycles', `${name}.pdf`, pdf(objects)]
	const flate = (layers) => { let data = Buffer.alloc(30 * MB, ' '); for (let i = 0; i < layers; i++) data = zlib.deflateSync(data, { level: 9 }); return data.toString('latin1') }
	for (const layers of [1, 2, 3]) yield ['bomb', `flate-${layers}.pdf`, pdf({ ...tree, 4: [`/Filter [${repeat('/FlateDecode ', layers)}]`, flate(layers)] })]
	yield ['bomb', 'filters.pdf', pdf({ ...tree, 4: [`/Filter [${repeat('/ASCIIHexDecode ', 5000)}]`, '41>'] })]
	for (const size of [0, 1, 2147483647, 99999999999]) yield ['lies', `size-${size}.pdf`, pdf(tree, { size })]
	for (const xref of [0, 5, 1e9, 99999999999]) yield ['lies', `xref-${xref}.pdf`, pdf(tree, { xref })]
	yield ['cycles', 'prev.pdf', pdf(tree, { trailer: '/Prev 400 /XRefStm 400' })]
	yield ['lies', 'length.pdf', pdf(tree, { length: 2147483647 })]
	yield ['encrypted', 'standard.pdf', pdf(tree, { trailer: `/Encrypt << /Filter /Standard /V 2 /R 3 /Length 128 /P -4 /O <${repeat('41', 32)}> /U <${repeat('42', 32)}> >> /ID [<00><00>]` })]
	yield ['encrypted', 'unknown.pdf', pdf(tree, { trailer: '/Encrypt << /Filter /Other /V 9 >>' })]
}

/** The beginning of an OLE file with a stream named EncryptedPackage, as Office writes files with a password. */
function locked() {
	const sector = Buffer.alloc(512 * 4)
	Buffer.from([0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1]).copy(sector)
	for (const [at, n] of [[24, 0x3e], [26, 3], [28, 0xfffe], [30, 9], [32, 6]]) sector.writeUInt16LE(n, at)
	for (const [at, n] of [[44, 1], [48, 1], [56, 4096], [60, 0xfffffffe], [68, 0xfffffffe], [76, 0]]) sector.writeUInt32LE(n, at)
	sector.fill(0xff, 80, 512)
	sector.fill(0xff, 512, 1024)
	sector.writeUInt32LE(0xfffffffd, 512)
	sector.writeUInt32LE(0xfffffffe, 516)
	for (const [i, name] of ['Root Entry', 'EncryptedPackage', 'EncryptionInfo'].entries()) {
		Buffer.from(name, 'utf16le').copy(sector, 1024 + i * 128)
		sector.writeUInt16LE(name.length * 2 + 2, 1024 + i * 128 + 64)
		sector[1024 + i * 128 + 66] = i ? 2 : 5
	}
	return sector
}

function* others(corpus) {
	for (const kind of ['docx', 'xlsx', 'pptx']) yield ['encrypted', `office.${kind}`, locked()]
	const manifest = `<manifest:manifest xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0"><manifest:file-entry manifest:full-path="content.xml"><manifest:encryption-data/></manifest:file-entry></manifest:manifest>`
	for (const kind of ['odt', 'ods']) yield ['encrypted', `manifest.${kind}`, office[kind](said[kind]('x'), { more: [{ name: 'META-INF/manifest.xml', data: manifest }] })]
	for (const n of [1000, 100000, 1000000]) {
		yield ['deep', `arrays-${n}.json`, Buffer.from(repeat('[', n) + repeat(']', n))]
		yield ['deep', `objects-${n}.json`, Buffer.from(repeat('{"a":', n) + '1' + repeat('}', n))]
		yield ['deep', `open-${n}.html`, Buffer.from(repeat('<div><b>', n) + 'text')]
		yield ['deep', `quotes-${n}.md`, Buffer.from(`${repeat('> ', Math.min(n, 20000))}text\n${repeat('[', Math.min(n, 50000))}a${repeat('](', 1000)}\n`)]
		yield ['giant', `columns-${n}.csv`, Buffer.from(repeat('a,', n) + 'b\n' + repeat('1,', n) + '2\n')]
		yield ['giant', `lines-${n}.csv`, Buffer.from('a,b\n' + repeat('\n', n) + '1,2\n')]
	}
	yield ['deep', 'tables.html', Buffer.from(repeat('<table><tr><td>', 20000) + 'text')]
	yield ['deep', 'lists.html', Buffer.from(repeat('<ol><li>', 50000) + 'text')]
	yield ['deep', 'lists.md', Buffer.from(Array.from({ length: 300 }, (_, i) => `${repeat('  ', i)}- a\n`).join(''))]
	yield ['giant', 'cell.csv', Buffer.from(`a,b\n"${repeat('much text ', 3000000)}",1\n`)]
	yield ['giant', 'quote.csv', Buffer.from(`a,b\n"${repeat('never closed,\n', 500000)}`)]
	yield ['giant', 'line.txt', Buffer.alloc(30 * MB, 'x')]
	yield ['giant', 'number.json', Buffer.from(`{"a":${repeat('9', 5000000)}}`)]
	yield ['giant', 'exponent.json', Buffer.from('[{"a":1e999999999},{"a":-1e-999999999}]')]
	yield ['giant', 'keys.json', Buffer.from(`[{${Array.from({ length: 200000 }, (_, i) => `"k${i}":${i}`).join(',')}}]`)]
	yield ['giant', 'others.ndjson', Buffer.from(Array.from({ length: 20000 }, (_, i) => `{"k${i}":1}\n`).join(''))]
	for (const [name, bytes] of Object.entries({ utf8: [0xc3, 0x28, 0xa0, 0xff, 0xfe, 0x41], overlong: [0xc0, 0x80, 0xe0, 0x80, 0x80, 0x41], surrogates: [0xed, 0xa0, 0x80, 0xed, 0xb0, 0x80, 0x41], utf16: [0xff, 0xfe, 0x00, 0xd8, 0x41, 0x00, 0x00], utf32: [0xff, 0xfe, 0, 0, 0xff, 0xff, 0xff, 0xff], nuls: [0, 0, 0, 0x41, 0] }))
		for (const ext of ['txt', 'csv', 'json', 'eml', 'html', 'md']) yield ['invalid', `${name}.${ext}`, Buffer.concat(Array.from({ length: 300 }, () => Buffer.from(bytes)))]
	const part = (boundary, inner) => `Content-Type: multipart/mixed; boundary="${boundary}"\r\n\r\n--${boundary}\r\n${inner}\r\n--${boundary}--\r\n`
	const mail = (rest) => Buffer.from(`From: a@example.org\r\nTo: b@example.org\r\nSubject: x\r\nMIME-Version: 1.0\r\n${rest}`)
	for (const n of [20, 500, 5000]) {
		let nested = 'Content-Type: text/plain\r\n\r\ntext'
		for (let i = 0; i < n; i++) nested = n > 500 ? nested : part(`b${i}`, nested)
		yield ['mime', `parts-${n}.eml`, mail(n > 500 ? Array.from({ length: n }, (_, i) => `Content-Type: multipart/mixed; boundary="b${i}"\r\n\r\n--b${i}\r\n`).join('') : nested)]
		yield ['mime', `messages-${n}.eml`, mail(`Content-Type: message/rfc822\r\n\r\n`.repeat(n) + 'Subject: y\r\n\r\ntext')]
		yield ['mime', `many-${n}.eml`, mail(`Content-Type: multipart/mixed; boundary="b"\r\n\r\n${repeat('--b\r\nContent-Type: text/plain; name="../../usher-escaped"\r\n\r\ntext\r\n', n * 4)}--b--\r\n`)]
		yield ['mime', `headers-${n}.eml`, mail(`${repeat(`X-${'h'.repeat(100)}: v\r\n`, n * 10)}\r\ntext`)]
	}
	yield ['mime', 'same-boundary.eml', mail(`Content-Type: multipart/mixed; boundary="b"\r\n\r\n${repeat('--b\r\nContent-Type: multipart/mixed; boundary="b"\r\n\r\n', 3000)}`)]
	yield ['mime', 'bomb.eml', mail(`Content-Type: application/zip; name="a.zip"\r\nContent-Transfer-Encoding: base64\r\n\r\n${zip([{ name: 'z', data: zeros(70 * MB) }]).toString('base64').replace(/.{76}/g, '$&\r\n')}\r\n`)]
	yield ['mime', 'words.eml', mail(`X: ${repeat('=?utf-8?B?YQ==?= ', 100000)}\r\n\r\ntext`)]
	const small = pdf(page('BT /F 12 Tf (text) Tj ET')), archive = zip([{ name: 'a.txt', data: 'text' }])
	const polyglots = { 'pdf-zip.pdf': Buffer.concat([small, archive]), 'zip-pdf.zip': zip([{ name: 'a.txt', data: 'text' }], { front: small }), 'gif.js': Buffer.from('GIF89a/*\x01\x00\x01\x00\x80*/=1;alert(1)//'), 'html-pdf.html': Buffer.concat([Buffer.from('<html><!--\n'), small, Buffer.from('--><p>text</p>')]), 'png-zip.png': Buffer.concat([Buffer.from('89504e470d0a1a0a0000000d49484452', 'hex'), archive]), 'elf.txt': Buffer.concat([Buffer.from('\x7fELF\x02\x01\x01'), zeros(60)]), 'script.pdf': Buffer.from('#!/bin/sh\ntouch usher-escaped\n'), 'jpeg-html.jpg': Buffer.concat([Buffer.from('ffd8ffe00010', 'hex'), Buffer.from('<script>alert(1)</script>')]), 'docx-xlsx.docx': office.xlsx(said.xlsx('x')), 'zip-comment.zip': zip([{ name: 'a.txt', data: 'text' }], { comment: '<script>PK\x05\x06' }) }
	for (const [name, content] of Object.entries(polyglots)) yield ['polyglot', name, content]
	for (const [dims, name] of [[[0x7fffffff, 0x7fffffff], 'huge'], [[0, 0], 'none'], [[65500, 65500], 'large']]) {
		const head = Buffer.alloc(17)
		head.write('IHDR')
		head.writeUInt32BE(dims[0], 4)
		head.writeUInt32BE(dims[1], 8)
		head[12] = 8
		const crc = Buffer.alloc(4)
		crc.writeUInt32BE(crc32(head))
		yield ['giant', `${name}.png`, Buffer.concat([Buffer.from('89504e470d0a1a0a0000000d', 'hex'), head, crc])]
	}
	const whole = ['libreoffice-de.docx', 'exceljs-1.xlsx', 'pandoc-en.pptx', 'libreoffice-de.odt', 'libreoffice-1.ods', 'libreoffice-de.pdf', 'nodemailer-de.eml', 'jszip-fr.zip', 'node-1.json', 'poppler-en.png']
	for (const name of whole) {
		const bytes = fs.readFileSync(path.join(corpus, name))
		const ext = path.extname(name)
		for (const part of [0.02, 0.5, 0.97]) yield ['truncated', `${part}-${name}`, bytes.subarray(0, Math.floor(bytes.length * part))]
		yield ['extension', `${name}${ext === '.pdf' ? '.docx' : '.pdf'}`, bytes]
		const flipped = Buffer.from(bytes), dice = crypto.createHash('sha256').update(name).digest()
		for (let i = 0; i < 32; i++) flipped[(dice[i] * 7919 + i * 104729) % flipped.length] ^= 1 << (i % 8)
		yield ['damaged', `flipped-${name}`, flipped]
	}
}

export function* hostile(corpus) {
	yield* archives()
	yield* entities()
	yield* cycles()
	yield* others(corpus)
}
