/* What the sheets of a workbook share; see xlsx_book.h. */
#include "xlsx_book.h"
#include "mem.h"
#include "number.h"
#include "sax.h"
#include "text.h"
#include <stdlib.h>
#include <string.h>

enum { STYLES_MAX = 100000, FORMATS_MAX = 10000 };

void book_unescape(struct buf *text, size_t from)
{
	size_t to = from;

	if (text->len == from || memmem(text->data + from, text->len - from, "_x", 2) == NULL)
		return;
	for (size_t at = from; at < text->len;) {
		unsigned code = 0;
		int digits = 0;

		if (text->len - at >= 7 && text->data[at] == '_' && text->data[at + 1] == 'x' &&
		    text->data[at + 6] == '_')
			for (; digits < 4 && text_hex_digit(text->data[at + 2 + (size_t)digits]) >= 0;
			     digits++)
				code = code * 16 +
				       (unsigned)text_hex_digit(text->data[at + 2 + (size_t)digits]);
		if (digits < 4) {
			text->data[to++] = text->data[at++];
			continue;
		}
		/* Only characters of one byte come so; a carriage return before a line feed says nothing. */
		if (code >= ' ' || code == '\t' || code == '\n')
			text->data[to++] = (char)(unsigned char)(code < 0x7f ? code : ' ');
		at += 7;
	}
	buf_cut(text, to);
}

/* ---- the workbook ------------------------------------------------------------------------------------------ */

struct book_sax {
	struct sax sax;
	struct book *book;
	bool inside;	   /* in the list of styles */
	unsigned *formats; /* pairs: id, what it shows */
	size_t format_count;
};

static void *grown(void *all, size_t count, size_t size)
{
	return (count & (count + 1)) == 0 ? mem_resize(all, (count + 1) * 2, size) : all;
}

static bool too_many(struct sax *sax, size_t count, size_t max, const char *what)
{
	if (count < max)
		return false;
	parse_fail(&sax->err, "too_large", "There are more than %zu %s.", max, what);
	sax_abandon(sax);
	return true;
}

static bool is_true(const char *value)
{
	return value && (strcmp(value, "1") == 0 || strcmp(value, "true") == 0);
}

static void workbook_start(struct sax *sax, const char *name)
{
	struct book *book = ((struct book_sax *)sax)->book;
	const char *title, *relation, *state;

	if (strcmp(name, "workbookPr") == 0)
		book->epoch_1904 = is_true(sax_attribute(sax, "date1904"));
	if (strcmp(name, "sheet") != 0 || too_many(sax, book->sheet_count, SHEETS_MAX, "sheets"))
		return;
	title = sax_attribute(sax, "name");
	relation = sax_attribute_of(sax, "/relationships", "id");
	state = sax_attribute(sax, "state");
	if (relation == NULL)
		return;
	book->sheets = grown(book->sheets, book->sheet_count, sizeof(*book->sheets));
	book->sheets[book->sheet_count++] =
		(struct sheet){ .name = mem_text(title ? title : ""),
				.relation = mem_text(relation),
				.hidden = state && strcmp(state, "visible") != 0 };
}

/* ---- styles ---------------------------------------------------------------------------------------------------- */

static unsigned format_shows_of(const struct book_sax *own, long id)
{
	for (size_t i = 0; i < own->format_count; i++)
		if ((long)own->formats[i * 2] == id)
			return own->formats[i * 2 + 1];
	return number_format_builtin(id);
}

static void styles_start(struct sax *sax, const char *name)
{
	struct book_sax *own = (struct book_sax *)sax;
	struct book *book = own->book;
	const char *id, *code;

	if (strcmp(name, "cellXfs") == 0) {
		own->inside = true;
	} else if (strcmp(name, "numFmt") == 0 && !too_many(sax, own->format_count, FORMATS_MAX, "formats")) {
		id = sax_attribute(sax, "numFmtId");
		code = sax_attribute(sax, "formatCode");
		if (id == NULL || code == NULL)
			return;
		own->formats = grown(own->formats, own->format_count, 2 * sizeof(*own->formats));
		own->formats[own->format_count * 2] = (unsigned)strtoul(id, NULL, 10);
		own->formats[own->format_count++ * 2 + 1] = number_format(code);
	} else if (strcmp(name, "xf") == 0 && own->inside &&
		   !too_many(sax, book->style_count, STYLES_MAX, "styles")) {
		id = sax_attribute(sax, "numFmtId");
		book->shows = grown(book->shows, book->style_count, 1);
		book->shows[book->style_count++] =
			(unsigned char)(id ? format_shows_of(own, strtol(id, NULL, 10)) : 0);
	}
}

static void styles_end(struct sax *sax, const char *name)
{
	if (strcmp(name, "cellXfs") == 0)
		((struct book_sax *)sax)->inside = false;
}

/* ---- shared texts ------------------------------------------------------------------------------------------------- */

static void shared_start(struct sax *sax, const char *name)
{
	struct book_sax *own = (struct book_sax *)sax;
	struct book *book = own->book;

	if (strcmp(name, "rPh") == 0) {
		sax_skip(sax); /* how it is pronounced */
	} else if (strcmp(name, "t") == 0) {
		own->inside = true;
	} else if (strcmp(name, "si") == 0 && !too_many(sax, book->shared_count, SHARED_COUNT_MAX, "texts")) {
		if (book->shared_count == book->shared_room) {
			book->shared_room = book->shared_room ? book->shared_room * 2 : 1024;
			book->starts = mem_resize(book->starts, book->shared_room + 1, sizeof(*book->starts));
		}
		book->starts[book->shared_count] = (uint32_t)book->shared.len;
	}
}

static void shared_end(struct sax *sax, const char *name)
{
	struct book_sax *own = (struct book_sax *)sax;
	struct book *book = own->book;

	if (strcmp(name, "t") == 0) {
		own->inside = false;
	} else if (strcmp(name, "si") == 0 && book->shared_count < book->shared_room) {
		book_unescape(&book->shared, book->starts[book->shared_count]);
		buf_add(&book->shared, "", 1);
		book->starts[++book->shared_count] = (uint32_t)book->shared.len;
	}
}

static void shared_text(struct sax *sax, const char *text, size_t len)
{
	struct book_sax *own = (struct book_sax *)sax;

	if (!own->inside)
		return;
	if (own->book->shared.len + len > SHARED_BYTES_MAX) {
		parse_fail(&sax->err, "too_large", "The texts of the workbook have more than %d MB.",
			   SHARED_BYTES_MAX >> 20);
		sax_abandon(sax);
		return;
	}
	buf_add(&own->book->shared, text, len);
}

bool book_shared(const struct book *book, size_t number, const char **text_out, size_t *len_out)
{
	if (number >= book->shared_count)
		return false;
	*text_out = book->shared.data + book->starts[number];
	*len_out = book->starts[number + 1] - book->starts[number] - 1;
	return true;
}

bool book_read(struct book *book, struct parse *parse, zip_t *zip, const char *part,
	       const struct relations *relations, struct err *err)
{
	const char *styles = relations_by_type(relations, "styles");
	const char *shared = relations_by_type(relations, "sharedStrings");
	struct book_sax workbook = { .sax.start = workbook_start, .book = book };
	struct book_sax formats = { .sax = { .start = styles_start, .end = styles_end }, .book = book };
	struct book_sax texts = { .sax = { .start = shared_start, .end = shared_end, .text = shared_text },
				  .book = book };
	bool good = sax_read(&workbook.sax, parse, zip, part, err);

	if (good && styles && package_has(zip, styles))
		good = sax_read(&formats.sax, parse, zip, styles, err);
	if (good && shared && package_has(zip, shared))
		good = sax_read(&texts.sax, parse, zip, shared, err);
	free(formats.formats);
	return good;
}

void book_free(struct book *book)
{
	for (size_t i = 0; i < book->sheet_count; i++) {
		free(book->sheets[i].name);
		free(book->sheets[i].relation);
	}
	free(book->sheets);
	free(book->shows);
	buf_free(&book->shared);
	free(book->starts);
}
