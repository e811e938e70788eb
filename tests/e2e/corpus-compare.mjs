// Compares what was extracted from a file with what its producer says is in it: words, their order, rows and cells.

/** The words of a text; of scripts without spaces between words every letter is one. */
export const words = (text) => text.normalize('NFKC').toLowerCase().match(/[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}]|(?:(?![\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}])[\p{L}\p{M}\p{N}])+/gu) ?? []

const count = (list) => list.reduce((map, word) => map.set(word, (map.get(word) ?? 0) + 1), new Map())

/** The longest run of words that stand in the same order in both, of those that are in both exactly once; their share. */
function inOrder(expected, got) {
	const once = (list) => new Map([...count(list)].filter(([, n]) => n === 1))
	const inGot = once(got), place = new Map(got.map((word, i) => [word, i]))
	const places = [...once(expected).keys()].filter((word) => inGot.has(word)).map((word) => place.get(word))
	const tails = []
	for (const at of places) {
		let low = 0, high = tails.length
		while (low < high) {
			const middle = (low + high) >> 1
			if (tails[middle] < at) low = middle + 1
			else high = middle
		}
		tails[low] = at
	}
	return [tails.length, places.length]
}

/** A chunk's lines as a reader of the file sees them: a row's values without the names of their columns in front. */
function seen(run) {
	const tables = run.last.done.tables ?? []
	const names = [...new Set(tables.flatMap((table) => table.columns.map((column) => column.name)))].sort((a, b) => b.length - a.length)
	const parts = tables.map((table) => table.columns.map((column) => column.name).join(' '))
	for (const { place, text } of run.chunks)
		for (const line of text.split('\n'))
			parts.push(/(rows?|records?) \d/.test(place) || tables.some((table) => table.place && place.startsWith(table.place))
				? line.split('; ').map((cell) => { const name = names.find((n) => cell.startsWith(`${n}: `)); return name === undefined ? cell : cell.slice(name.length + 2) }).join('; ') : line)
	return parts.join('\n')
}

export function compareText(text, run) {
	const expected = words(text), got = words(seen(run))
	const want = count(expected), have = count(got)
	let found = 0, extra = 0
	for (const [word, n] of want)
		found += Math.min(n, have.get(word) ?? 0)
	for (const [word, n] of have)
		extra += Math.max(0, n - (want.get(word) ?? 0))
	const [kept, both] = inOrder(expected, got)
	return { words: expected.length, found, extra, kept, both, missing: [...want].filter(([word, n]) => n > (have.get(word) ?? 0)).map(([word]) => word), surplus: [...have].filter(([word, n]) => n > (want.get(word) ?? 0)).map(([word]) => word) }
}

/** Values that mean the same: 12.50 and 12.5, a line's end and a space. */
const same = (value) => /^-?(0|[1-9]\d*)(\.\d+)?$/.test(value) ? String(Number(value)) : value.replace(/\s+/g, ' ').trim()

/** The cells of a line "name: value; name: value" of a table with these columns; what is left out is empty. */
function cellsOf(line, header) {
	let rest = `; ${line}`
	const cells = header.map(() => '')
	const found = header.map((name) => rest.indexOf(`; ${name}: `))
	for (let i = header.length - 1; i >= 0; i--)
		if (found[i] >= 0) {
			cells[i] = rest.slice(found[i] + header[i].length + 4)
			rest = rest.slice(0, found[i])
		}
	return cells
}

export function compareTables(tables, run) {
	const sum = { rows: 0, right: 0, cells: 0, cellsRight: 0, wrong: [] }
	for (const { name, header, rows } of tables) {
		const lines = run.chunks.filter(({ place }) => !name || tables.length === 1 || place.includes(name)).flatMap(({ text }) => text.split('\n'))
		const got = lines.map((line) => cellsOf(line, header)).filter((cells) => cells.some(Boolean))
		rows.forEach((row, i) => {
			const right = row.filter((value, c) => same(value) === same(got[i]?.[c] ?? '')).length
			sum.rows++
			sum.cells += row.length
			sum.cellsRight += right
			sum.right += right === row.length
			if (right !== row.length) sum.wrong.push([row, got[i]])
		})
	}
	return sum
}
