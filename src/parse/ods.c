/* OpenDocument sheets: values as they are stored, not as they are shown; repetitions bounded. */
#include "buf.h"
#include "grid.h"
#include "mem.h"
#include "number.h"
#include "odf.h"
#include <stdlib.h>
#include <string.h>

enum { STYLES_MAX = 10000, TEXT_MAX = 1 << 20 };

struct ods {
	struct sax sax;
	struct parse *parse;
	struct grid grid;
	char *hidden_styles[64]; /* of sheets that are not shown */
	size_t hidden_count;
	char *style; /* the one that is open, when it is one of tables */
	bool in_body, in_cell;
	unsigned paragraphs; /* open ones */
	size_t column;
	int64_t repeat_row, repeat_cell;
	enum cell_type type;
	struct buf value; /* of an attribute; empty: the text is the value */
	struct buf text;
	bool is_error;
};

static void fail(struct ods *ods, bool good)
{
	if (!good)
		sax_abandon(&ods->sax);
}

static int64_t repeat_of(struct ods *ods, const char *attribute)
{
	const char *value = sax_attribute(&ods->sax, attribute);
	int64_t count = value ? strtoll(value, NULL, 10) : 1;

	return count < 1 ? 1 : count;
}

static void style_start(struct ods *ods, const char *name)
{
	const char *value, *family;

	if (strcmp(name, "style") == 0) {
		free(ods->style);
		ods->style = NULL;
		value = sax_attribute(&ods->sax, "name");
		family = sax_attribute(&ods->sax, "family");
		if (value && family && strcmp(family, "table") == 0)
			ods->style = mem_text(value);
	} else if (strcmp(name, "table-properties") == 0 && ods->style) {
		value = sax_attribute(&ods->sax, "display");
		if (value && strcmp(value, "false") == 0 && ods->hidden_count < 64)
			ods->hidden_styles[ods->hidden_count++] = mem_text(ods->style);
	}
}

static void table_start(struct ods *ods)
{
	const char *name = sax_attribute_of(&ods->sax, ":table:1.0", "name");
	const char *style = sax_attribute(&ods->sax, "style-name");
	bool hidden = false;

	for (size_t i = 0; style && i < ods->hidden_count; i++)
		hidden = hidden || strcmp(ods->hidden_styles[i], style) == 0;
	grid_table(&ods->grid, name ? name : "", hidden ? "hidden" : NULL);
}

static void value_take(struct ods *ods, const char *attribute)
{
	const char *value = sax_attribute(&ods->sax, attribute);

	if (value)
		buf_text(&ods->value, value);
}

static void cell_start(struct ods *ods)
{
	/* LibreOffice says its own type a second time, and of errors only there what they are. */
	const char *own = sax_attribute_of(&ods->sax, ":calcext:1.0", "value-type");
	const char *type = sax_attribute_of(&ods->sax, ":office:1.0", "value-type");

	ods->in_cell = true;
	ods->paragraphs = 0;
	ods->repeat_cell = repeat_of(ods, "number-columns-repeated");
	ods->type = type ? CELL_TEXT : CELL_EMPTY;
	ods->is_error = own && strcmp(own, "error") == 0;
	buf_clear(&ods->value);
	buf_clear(&ods->text);
	if (type == NULL || ods->is_error)
		return;
	if (strcmp(type, "float") == 0 || strcmp(type, "currency") == 0 || strcmp(type, "percentage") == 0) {
		ods->type = CELL_NUMBER;
		value_take(ods, "value");
	} else if (strcmp(type, "date") == 0) {
		ods->type = CELL_DATE;
		value_take(ods, "date-value");
	} else if (strcmp(type, "boolean") == 0) {
		ods->type = CELL_BOOL;
		value_take(ods, "boolean-value");
	} else if (strcmp(type, "time") == 0) {
		value_take(ods, "time-value");
		number_duration(&ods->value);
	} else {
		value_take(ods, "string-value");
	}
}

static void ods_text(struct sax *sax, const char *text, size_t len)
{
	struct ods *ods = (struct ods *)sax;

	if (ods->paragraphs == 0)
		return;
	if (ods->text.len + len > TEXT_MAX) {
		fail(ods, parse_fail(&sax->err, "too_large", "A cell has more than %d MB.", TEXT_MAX >> 20));
		return;
	}
	buf_add(&ods->text, text, len);
}

static void ods_start(struct sax *sax, const char *name)
{
	struct ods *ods = (struct ods *)sax;

	if (ods->grid.enough) {
		sax_stop(sax);
	} else if (strcmp(name, "spreadsheet") == 0) {
		ods->in_body = true;
	} else if (!ods->in_body) {
		style_start(ods, name);
	} else if (strcmp(name, "table-cell") == 0 || strcmp(name, "covered-table-cell") == 0) {
		cell_start(ods);
	} else if (strcmp(name, "table-row") == 0) {
		ods->column = 0;
		ods->repeat_row = repeat_of(ods, "number-rows-repeated");
	} else if (strcmp(name, "table") == 0) {
		table_start(ods);
	} else if (strcmp(name, "p") == 0 && ods->in_cell) {
		if (ods->text.len > 0)
			buf_text(&ods->text, "\n");
		ods->paragraphs++;
	} else if (strcmp(name, "tracked-changes") == 0 || strcmp(name, "annotation") == 0 ||
		   strcmp(name, "shapes") == 0 || strcmp(name, "frame") == 0 || strcmp(name, "forms") == 0) {
		sax_skip(sax);
	} else if (ods->paragraphs > 0) {
		odf_blank(sax, name);
	}
}

static void cell_end(struct ods *ods)
{
	struct buf *text = ods->value.len ? &ods->value : &ods->text;
	enum cell_type type = ods->is_error ? CELL_ERROR : ods->type;
	int64_t times = ods->repeat_cell;
	bool good = true;

	ods->in_cell = false;
	if (type == CELL_EMPTY && ods->text.len > 0)
		type = CELL_TEXT;
	if ((type == CELL_NUMBER && !number_tidy(text)) ||
	    (type == CELL_DATE && !number_is_date(buf_str(text))))
		type = CELL_TEXT;
	if (type != CELL_EMPTY && text->len > 0)
		for (int64_t i = 0; i < times && good; i++)
			good = grid_cell(&ods->grid, ods->column + (size_t)i, type, text->data, text->len,
					 &ods->sax.err);
	fail(ods, good);
	/* Blank cells at the end of a row are repeated up to the last column there could be. */
	ods->column += (size_t)(times < GRID_COLUMNS_MAX ? times : GRID_COLUMNS_MAX);
}

static void ods_end(struct sax *sax, const char *name)
{
	struct ods *ods = (struct ods *)sax;

	if (!ods->in_body)
		return;
	if (strcmp(name, "table-cell") == 0 || strcmp(name, "covered-table-cell") == 0)
		cell_end(ods);
	else if (strcmp(name, "table-row") == 0)
		fail(ods, grid_row(&ods->grid, 0, ods->repeat_row, &sax->err));
	else if (strcmp(name, "p") == 0)
		ods->paragraphs -= ods->paragraphs > 0;
	else if (strcmp(name, "spreadsheet") == 0)
		ods->in_body = false;
}

static bool ods_read(struct parse *parse, const struct input *input, struct sink *sink, struct err *err)
{
	struct ods ods = { .sax = { .start = ods_start, .end = ods_end, .text = ods_text },
			   .parse = parse,
			   .grid = { .parse = parse, .sink = sink, .next = 1 } };
	bool good = odf_read(&ods.sax, false, parse, input, sink, err);

	for (size_t i = 0; i < ods.hidden_count; i++)
		free(ods.hidden_styles[i]);
	free(ods.style);
	buf_free(&ods.value);
	buf_free(&ods.text);
	grid_free(&ods.grid);
	return good;
}

const struct reader ods_reader = {
	.kind = "ods",
	.mime = "application/vnd.oasis.opendocument.spreadsheet",
	.read = ods_read,
};
