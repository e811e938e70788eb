/* Excel workbooks: values as they are stored, results of formulas as they were last computed. */
#include "grid.h"
#include "mem.h"
#include "number.h"
#include "sax.h"
#include "xlsx_book.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { VALUE_MAX = 1 << 20 };

struct xlsx {
	struct sax sax;
	struct book book;
	struct grid grid;
	bool in_value, in_text, formula;
	char type[12]; /* of the cell that is open, "s", "n", "inlineStr" */
	size_t style, column, column_next;
	int64_t row;
	struct buf value, date;
	int64_t without_result;
};

static void fail(struct xlsx *xlsx, bool good)
{
	if (!good)
		sax_abandon(&xlsx->sax);
}

/* "AB12": 27. */
static size_t column_of(const char *reference, size_t otherwise)
{
	size_t column = 0, i = 0;

	for (; reference[i] >= 'A' && reference[i] <= 'Z' && i < 4; i++)
		column = column * 26 + (size_t)(reference[i] - 'A') + 1;
	return i ? column - 1 : otherwise;
}

static void cell_start(struct xlsx *xlsx)
{
	const char *reference = sax_attribute(&xlsx->sax, "r"), *type = sax_attribute(&xlsx->sax, "t");
	const char *style = sax_attribute(&xlsx->sax, "s");

	xlsx->column = reference ? column_of(reference, xlsx->column_next) : xlsx->column_next;
	xlsx->column_next = xlsx->column + 1;
	snprintf(xlsx->type, sizeof(xlsx->type), "%s", type ? type : "n");
	xlsx->style = style ? strtoul(style, NULL, 10) : 0;
	xlsx->formula = false;
	buf_clear(&xlsx->value);
}

static void sheet_start(struct sax *sax, const char *name)
{
	struct xlsx *xlsx = (struct xlsx *)sax;
	const char *number;

	if (xlsx->grid.enough) {
		sax_stop(sax);
	} else if (strcmp(name, "c") == 0) {
		cell_start(xlsx);
	} else if (strcmp(name, "v") == 0) {
		xlsx->in_value = true;
	} else if (strcmp(name, "row") == 0) {
		number = sax_attribute(sax, "r");
		xlsx->row = number ? strtoll(number, NULL, 10) : 0;
		xlsx->column_next = 0;
	} else if (strcmp(name, "f") == 0) {
		xlsx->formula = true;
	} else if (strcmp(name, "t") == 0) {
		xlsx->in_text = true;
	} else if (strcmp(name, "rPh") == 0) {
		sax_skip(sax);
	}
}

static void sheet_text(struct sax *sax, const char *text, size_t len)
{
	struct xlsx *xlsx = (struct xlsx *)sax;

	if (!xlsx->in_value && !xlsx->in_text)
		return;
	if (xlsx->value.len + len > VALUE_MAX) {
		fail(xlsx,
		     parse_fail(&sax->err, "too_large", "A cell has more than %d MB.", VALUE_MAX >> 20));
		return;
	}
	buf_add(&xlsx->value, text, len);
}

static bool cell_put(struct xlsx *xlsx, enum cell_type type, const char *text, size_t len)
{
	return grid_cell(&xlsx->grid, xlsx->column, type, text, len, &xlsx->sax.err);
}

static bool shared_put(struct xlsx *xlsx)
{
	const char *text;
	size_t len;

	if (xlsx->value.len == 0)
		return true;
	if (!book_shared(&xlsx->book, strtoul(xlsx->value.data, NULL, 10), &text, &len))
		return parse_fail(&xlsx->sax.err, "damaged", "A cell refers to a text that is not there.");
	return cell_put(xlsx, CELL_TEXT, text, len);
}

static bool number_put(struct xlsx *xlsx)
{
	const struct book *book = &xlsx->book;
	unsigned shows = xlsx->style < book->style_count ? book->shows[xlsx->style] : 0;

	if (!number_tidy(&xlsx->value))
		return cell_put(xlsx, CELL_TEXT, buf_str(&xlsx->value), xlsx->value.len);
	if (shows && number_serial(strtod(xlsx->value.data, NULL), book->epoch_1904, shows, &xlsx->date))
		return cell_put(xlsx, number_is_date(xlsx->date.data) ? CELL_DATE : CELL_TEXT,
				xlsx->date.data, xlsx->date.len);
	return cell_put(xlsx, CELL_NUMBER, xlsx->value.data, xlsx->value.len);
}

static bool cell_end(struct xlsx *xlsx)
{
	const char *type = xlsx->type;
	struct buf *value = &xlsx->value;

	if (xlsx->formula && value->len == 0 && strcmp(type, "str") != 0)
		xlsx->without_result++;
	if (strcmp(type, "s") == 0)
		return shared_put(xlsx);
	if (strcmp(type, "n") == 0)
		return value->len == 0 || number_put(xlsx);
	if (strcmp(type, "b") == 0) {
		bool is = strcmp(buf_str(value), "1") == 0 || strcmp(buf_str(value), "true") == 0;

		return value->len == 0 || cell_put(xlsx, CELL_BOOL, is ? "true" : "false", is ? 4 : 5);
	}
	if (strcmp(type, "e") == 0)
		return cell_put(xlsx, CELL_ERROR, buf_str(value), value->len);
	if (strcmp(type, "d") == 0)
		return cell_put(xlsx, number_is_date(buf_str(value)) ? CELL_DATE : CELL_TEXT, buf_str(value),
				value->len);
	book_unescape(value, 0);
	return cell_put(xlsx, CELL_TEXT, buf_str(value), value->len);
}

static void sheet_end(struct sax *sax, const char *name)
{
	struct xlsx *xlsx = (struct xlsx *)sax;

	if (strcmp(name, "c") == 0)
		fail(xlsx, cell_end(xlsx));
	else if (strcmp(name, "v") == 0)
		xlsx->in_value = false;
	else if (strcmp(name, "t") == 0)
		xlsx->in_text = false;
	else if (strcmp(name, "row") == 0)
		fail(xlsx, grid_row(&xlsx->grid, xlsx->row, 1, &sax->err));
	else if (strcmp(name, "sheetData") == 0)
		sax_stop(sax); /* what follows is how it looks */
}

static bool sheet_read(struct xlsx *xlsx, struct parse *parse, zip_t *zip, const struct sheet *sheet,
		       const struct relations *relations, struct err *err)
{
	for (size_t i = 0; i < relations->count; i++) {
		const struct relation *one = &relations->all[i];

		if (strcmp(one->id, sheet->relation) != 0 || one->target == NULL)
			continue;
		/* Charts may have a sheet of their own: no cells. */
		if (strcmp(one->type, "worksheet") != 0)
			return true;
		xlsx->in_value = xlsx->in_text = false;
		xlsx->column_next = 0;
		grid_table(&xlsx->grid, sheet->name, sheet->hidden ? "hidden" : NULL);
		return xlsx->grid.enough || sax_read(&xlsx->sax, parse, zip, one->target, err);
	}
	return parse_fail(err, "damaged", "The sheet %.100s is missing.", sheet->name);
}

static bool workbook_read(struct xlsx *xlsx, struct parse *parse, zip_t *zip, struct err *err)
{
	struct relations relations = { 0 };
	char *part = package_main(parse, zip, err);
	bool good = part != NULL && relations_read(&relations, parse, zip, part, err) &&
		    book_read(&xlsx->book, parse, zip, part, &relations, err);

	if (good)
		package_title(parse, zip, "docProps/core.xml", xlsx->grid.sink);
	for (size_t i = 0; good && i < xlsx->book.sheet_count && !xlsx->grid.enough; i++)
		good = sheet_read(xlsx, parse, zip, &xlsx->book.sheets[i], &relations, err);
	if (xlsx->without_result > 0)
		xlsx->grid.sink->warn(xlsx->grid.sink,
				      "there are formulas without results: open the file in a spreadsheet "
				      "program and save it, so that they are computed");
	relations_free(&relations);
	free(part);
	return good;
}

static bool xlsx_read(struct parse *parse, const struct input *input, struct sink *sink, struct err *err)
{
	struct xlsx xlsx = { .sax = { .start = sheet_start, .end = sheet_end, .text = sheet_text },
			     .grid = { .parse = parse, .sink = sink, .next = 1 } };
	zip_t *zip = zip_input_open(input, err);
	bool good = zip != NULL && workbook_read(&xlsx, parse, zip, err);

	book_free(&xlsx.book);
	grid_free(&xlsx.grid);
	buf_free(&xlsx.value);
	buf_free(&xlsx.date);
	if (zip)
		zip_discard(zip);
	return good;
}

const struct reader xlsx_reader = {
	.kind = "xlsx",
	.mime = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
	.read = xlsx_read,
};
