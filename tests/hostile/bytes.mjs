// Files made byte by byte, so that they can say what no program would write.
import zlib from 'node:zlib'

const crcTable = Array.from({ length: 256 }, (_, n) => { for (let k = 0; k < 8; k++) n = n & 1 ? 0xedb88320 ^ (n >>> 1) : n >>> 1; return n >>> 0 })
export const crc32 = (bytes) => { let c = 0xffffffff; for (const b of bytes) c = crcTable[(c ^ b) & 255] ^ (c >>> 8); return (c ^ 0xffffffff) >>> 0 }

const u16 = (n) => { const b = Buffer.alloc(2); b.writeUInt16LE(n & 0xffff); return b }
const u32 = (n) => { const b = Buffer.alloc(4); b.writeUInt32LE(n >>> 0); return b }

/** A ZIP archive of entries {name, data, stored, size, packed, flags, method, at, mode, crc}: what is given stands in the directory
 * in the place of what is true; at: the offset it is claimed to be at. lies: {count, directory} of the end. */
export function zip(entries, lies = {}) {
	const parts = [], directory = []
	let at = lies.front?.length ?? 0
	if (lies.front) parts.push(lies.front)
	for (const entry of entries) {
		const name = Buffer.from(entry.name), data = Buffer.from(entry.data ?? '')
		const body = entry.body ?? (entry.stored ? data : zlib.deflateRawSync(data, { level: 9 }))
		const method = entry.method ?? (entry.stored ? 0 : 8)
		const common = [u16(entry.flags ?? 0x800), u16(method), u16(0), u16(0x5c21), u32(entry.crc ?? crc32(data)), u32(entry.packed ?? body.length), u32(entry.size ?? data.length), u16(name.length)]
		const local = Buffer.concat([u32(0x04034b50), u16(20), ...common, u16(0), name, body])
		directory.push(Buffer.concat([u32(0x02014b50), u16(0x314), u16(20), ...common, u16(0), u16(0), u16(0), u16(0), u32((entry.mode ?? 0o100644) << 16), u32(entry.at ?? at), name]))
		if (entry.at === undefined) {
			parts.push(local)
			at += local.length
		}
	}
	const list = Buffer.concat(directory)
	const end = Buffer.concat([u32(0x06054b50), u16(0), u16(0), u16(lies.count ?? entries.length), u16(lies.count ?? entries.length), u32(lies.length ?? list.length), u32(lies.directory ?? at), u16(lies.comment?.length ?? 0), Buffer.from(lies.comment ?? '')])
	return Buffer.concat([...parts, list, end])
}

const types = (part, type) => `<?xml version="1.0"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="xml" ContentType="application/xml"/><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Override PartName="/${part}" ContentType="application/vnd.openxmlformats-officedocument.${type}.main+xml"/></Types>`
const rels = (list) => `<?xml version="1.0"?><Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">${list.map(([id, type, target, mode]) => `<Relationship Id="${id}" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/${type}" Target="${target}"${mode ? ` TargetMode="${mode}"` : ''}/>`).join('')}</Relationships>`
const R = 'xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"'
const W = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
const S = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
const P = `xmlns:p="http://schemas.openxmlformats.org/presentationml/2006/main" xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main" ${R}`
const O = 'xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0" xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0" xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0"'

/** Office files around a piece of body; head stands before the root element (a DOCTYPE), more: further entries, target: where the main part is said to be. */
export const office = {
	docx: (body, { head = '', more = [], target = 'word/document.xml', mode } = {}) => zip([
		{ name: '[Content_Types].xml', data: types('word/document.xml', 'wordprocessingml.document') },
		{ name: '_rels/.rels', data: rels([['r1', 'officeDocument', target, mode]]) },
		{ name: 'word/document.xml', data: `<?xml version="1.0"?>${head}<w:document ${W} ${R}><w:body>${body}</w:body></w:document>` }, ...more]),
	xlsx: (body, { head = '', more = [], target = 'worksheets/sheet1.xml', mode } = {}) => zip([
		{ name: '[Content_Types].xml', data: types('xl/workbook.xml', 'spreadsheetml.sheet') },
		{ name: '_rels/.rels', data: rels([['r1', 'officeDocument', 'xl/workbook.xml']]) },
		{ name: 'xl/workbook.xml', data: `<?xml version="1.0"?><workbook ${S} ${R}><sheets><sheet name="One" sheetId="1" r:id="r1"/></sheets></workbook>` },
		{ name: 'xl/_rels/workbook.xml.rels', data: rels([['r1', 'worksheet', target, mode], ['r2', 'sharedStrings', 'sharedStrings.xml'], ['r3', 'styles', 'styles.xml']]) },
		{ name: 'xl/worksheets/sheet1.xml', data: `<?xml version="1.0"?>${head}<worksheet ${S}><sheetData>${body}</sheetData></worksheet>` }, ...more]),
	pptx: (body, { head = '', more = [], target = 'slides/slide1.xml', mode } = {}) => zip([
		{ name: '[Content_Types].xml', data: types('ppt/presentation.xml', 'presentationml.presentation') },
		{ name: '_rels/.rels', data: rels([['r1', 'officeDocument', 'ppt/presentation.xml']]) },
		{ name: 'ppt/presentation.xml', data: `<?xml version="1.0"?><p:presentation ${P}><p:sldIdLst><p:sldId id="256" r:id="r1"/></p:sldIdLst></p:presentation>` },
		{ name: 'ppt/_rels/presentation.xml.rels', data: rels([['r1', 'slide', target, mode]]) },
		{ name: 'ppt/slides/slide1.xml', data: `<?xml version="1.0"?>${head}<p:sld ${P}><p:cSld><p:spTree><p:sp><p:txBody>${body}</p:txBody></p:sp></p:spTree></p:cSld></p:sld>` }, ...more]),
	odt: (body, { head = '', more = [] } = {}) => zip([{ name: 'mimetype', data: 'application/vnd.oasis.opendocument.text', stored: true },
		{ name: 'content.xml', data: `<?xml version="1.0"?>${head}<office:document-content ${O}><office:body><office:text>${body}</office:text></office:body></office:document-content>` }, ...more]),
	ods: (body, { head = '', more = [] } = {}) => zip([{ name: 'mimetype', data: 'application/vnd.oasis.opendocument.spreadsheet', stored: true },
		{ name: 'content.xml', data: `<?xml version="1.0"?>${head}<office:document-content ${O}><office:body><office:spreadsheet><table:table table:name="One">${body}</table:table></office:spreadsheet></office:body></office:document-content>` }, ...more]),
}
/** A paragraph or cell with text in the body of each. */
export const said = {
	docx: (text) => `<w:p><w:r><w:t>${text}</w:t></w:r></w:p>`,
	xlsx: (text) => `<row r="1"><c r="A1" t="inlineStr"><is><t>${text}</t></is></c></row>`,
	pptx: (text) => `<a:p><a:r><a:t>${text}</a:t></a:r></a:p>`,
	odt: (text) => `<text:p>${text}</text:p>`,
	ods: (text) => `<table:table-row><table:table-cell><text:p>${text}</text:p></table:table-cell></table:table-row>`,
}

/** A PDF of objects {number: text or [dictionary, stream]}; lies: {root, size, xref, trailer}. */
export function pdf(objects, lies = {}) {
	let text = '%PDF-1.7\n'
	const at = {}
	for (const [number, object] of Object.entries(objects)) {
		at[number] = text.length
		text += `${number} 0 obj\n${Array.isArray(object) ? `<< ${object[0]} /Length ${lies.length ?? object[1].length} >>\nstream\n${object[1]}\nendstream` : object}\nendobj\n`
	}
	const numbers = Object.keys(at).map(Number)
	const size = Math.max(...numbers) + 1
	const xref = text.length
	text += `xref\n0 ${lies.size ?? size}\n0000000000 65535 f \n`
	for (let i = 1; i < size; i++)
		text += at[i] === undefined ? '0000000000 00000 f \n' : `${String(lies.at?.[i] ?? at[i]).padStart(10, '0')} 00000 n \n`
	return Buffer.from(`${text}trailer\n<< /Root ${lies.root ?? '1 0 R'} /Size ${lies.size ?? size} ${lies.trailer ?? ''} >>\nstartxref\n${lies.xref ?? xref}\n%%EOF\n`, 'latin1')
}
export const page = (content, more = {}) => ({ 1: '<< /Type /Catalog /Pages 2 0 R >>', 2: '<< /Type /Pages /Count 1 /Kids [3 0 R] >>',
	3: '<< /Type /Page /Parent 2 0 R /MediaBox [0 0 300 300] /Contents 4 0 R /Resources << /Font << /F 5 0 R >> /XObject << /X 6 0 R >> >> >>',
	4: ['', content], 5: '<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>', ...more })
