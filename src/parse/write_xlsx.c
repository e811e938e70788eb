/* XLSX through libxlsxwriter, row by row: one sheet, names in bold that stay in sight, numbers and dates as such. */
#include "mem.h"
#include "writer.h"
#include "xlsx_files.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <unistr.h>
#include <xlsxwriter.h>

enum {
	ROWS_MAX = 1048576, /* of a sheet, with the names */
	COLUMNS_WIDE = 16384,
	CELL_MAX = 32767,  /* units of UTF-16 */
	DIGITS_EXACT = 15, /* of a number in a spreadsheet */
	CELL_XML = 80,	   /* bytes around a value, and around a row */
	CHARACTER_XML = 7, /* bytes of a character that is written out */
	SHEET_XML = 2048,  /* bytes around all rows */
	PIECE_BYTES = 64 << 10,
};

struct sheet {
	lxw_workbook *book;
	lxw_worksheet *sheet;
	lxw_format *date, *datetime;
	int fd;
	char name[16];
	int64_t bytes; /* before compression, about */
	lxw_row_t row;
};

static bool failed(struct err *err, lxw_error error)
{
	return parse_fail(err, "too_large", "The spreadsheet can't be written: %s.", lxw_strerror(error));
}

/* Bytes of XML at most: a file in memory that met its limit would be cut without a word. */
static int64_t cell_xml(const char *text, size_t len)
{
	int64_t bytes = CELL_XML + (int64_t)len;

	for (size_t i = 0; i < len; i++)
		if ((unsigned char)text[i] < ' ' || strchr("&<>\"", text[i]) != NULL)
			bytes += CHARACTER_XML;
	return bytes;
}

static bool xlsx_begin(struct writer *writer, struct err *err)
{
	struct sheet *own = mem_zero(1, sizeof(*own));
	lxw_workbook_options options = { .constant_memory = LXW_TRUE };
	lxw_format *bold;

	writer->own = own;
	own->fd = -1;
	if (writer->count > COLUMNS_WIDE)
		return parse_fail(err, "spec", "A spreadsheet has %d columns at most; these are %zu.",
				  COLUMNS_WIDE, writer->count);
	own->fd = xlsx_file(own->name, sizeof(own->name));
	own->book = own->fd < 0 ? NULL : workbook_new_opt(own->name, &options);
	own->sheet = own->book ? workbook_add_worksheet(own->book, NULL) : NULL;
	if (own->sheet == NULL)
		return failed(err, LXW_ERROR_MEMORY_MALLOC_FAILED);
	own->date = workbook_add_format(own->book);
	format_set_num_format(own->date, "yyyy-mm-dd");
	own->datetime = workbook_add_format(own->book);
	format_set_num_format(own->datetime, "yyyy-mm-dd hh:mm:ss");
	bold = workbook_add_format(own->book);
	format_set_bold(bold);
	worksheet_freeze_panes(own->sheet, 1, 0);
	for (size_t i = 0; i < writer->count; i++) {
		char *name = mem_format("%s%s",
					writer_formula(writer->names[i], strlen(writer->names[i])) ? "'" : "",
					writer->names[i]);

		own->bytes += cell_xml(name, strlen(name));
		worksheet_write_string(own->sheet, 0, (lxw_col_t)i, name, bold);
		free(name);
	}
	own->bytes += SHEET_XML;
	own->row = 1;
	return true;
}

/* ---- cells -------------------------------------------------------------------------------------------------------- */

/* Whether a spreadsheet keeps the number as it is. */
static bool number_fits(const char *number)
{
	const char *text = number;
	size_t digits = 0;

	text += strspn(text, "-0.");
	for (; *text != '\0' && *text != 'e' && *text != 'E'; text++)
		digits += *text != '.';
	return digits <= DIGITS_EXACT && isfinite(strtod(number, NULL));
}

static bool date_fits(const struct value_out *value)
{
	const char *text = buf_str(&value->text);

	/* Spreadsheets begin with 1900, which for them has a 29 February; they know no zones. */
	return strcmp(text, "1900-03-01") >= 0 && (value->text.len == 10 || value->text.len == 19);
}

static void text_write(struct writer *writer, lxw_col_t column, const struct value_out *value, bool formulas)
{
	struct sheet *own = writer->own;
	struct buf text = { 0 };
	size_t at = 0, units = 0;
	ucs4_t c;

	if (formulas && writer_formula(buf_str(&value->text), value->text.len)) {
		buf_text(&text, "'");
		units = 1;
	}
	while (at < value->text.len) {
		int n = u8_mbtouc(&c, (const uint8_t *)value->text.data + at, value->text.len - at);

		units += c > 0xffff ? 2 : 1;
		if (units > CELL_MAX) {
			writer->shortened++;
			break;
		}
		at += (size_t)n;
	}
	buf_add(&text, buf_str(&value->text), at);
	worksheet_write_string(own->sheet, own->row, column, buf_str(&text), NULL);
	buf_free(&text);
}

static int part(const char *text, size_t from, size_t len)
{
	char digits[8] = { 0 };

	memcpy(digits, text + from, len);
	return (int)strtol(digits, NULL, 10);
}

static void date_write(struct sheet *own, lxw_col_t column, const struct value_out *value)
{
	const char *text = buf_str(&value->text);
	bool timed = value->text.len > 10;
	lxw_datetime when = { .year = part(text, 0, 4), .month = part(text, 5, 2), .day = part(text, 8, 2) };

	if (timed) {
		when.hour = part(text, 11, 2);
		when.min = part(text, 14, 2);
		when.sec = part(text, 17, 2);
	}
	worksheet_write_datetime(own->sheet, own->row, column, &when, timed ? own->datetime : own->date);
}

static void cell_write(struct writer *writer, lxw_col_t column, const struct value_out *value)
{
	struct sheet *own = writer->own;
	const char *text = buf_str(&value->text);
	bool date = value->kind == OUT_DATE || value->kind == OUT_DATETIME;

	if (value->kind == OUT_NULL)
		return;
	if (value->kind == OUT_BOOLEAN) {
		worksheet_write_boolean(own->sheet, own->row, column, strcmp(text, "true") == 0, NULL);
	} else if (value->kind == OUT_NUMBER && number_fits(text)) {
		worksheet_write_number(own->sheet, own->row, column, strtod(text, NULL), NULL);
	} else if (date && date_fits(value)) {
		date_write(own, column, value);
	} else {
		writer->as_text += value->kind != OUT_TEXT;
		text_write(writer, column, value, value->kind == OUT_TEXT);
	}
}

static bool xlsx_row(struct writer *writer, const struct value_out *values)
{
	struct sheet *own = writer->own;
	int64_t bytes = own->bytes + CELL_XML;

	if (own->row == ROWS_MAX) {
		writer->why = "the most rows a sheet of XLSX has (1,048,576)";
		return false;
	}
	for (size_t i = 0; i < writer->count; i++)
		if (values[i].kind != OUT_NULL)
			bytes += cell_xml(buf_str(&values[i].text), values[i].text.len);
	if (bytes > writer->room) {
		writer->why = "the size that is allowed";
		return false;
	}
	for (size_t i = 0; i < writer->count; i++)
		cell_write(writer, (lxw_col_t)i, &values[i]);
	own->bytes = bytes;
	own->row++;
	return true;
}

/* ---- the file ------------------------------------------------------------------------------------------------------ */

static bool xlsx_end(struct writer *writer, struct err *err)
{
	struct sheet *own = writer->own;
	lxw_error error = workbook_close(own->book);
	off_t size = lseek(own->fd, 0, SEEK_END);
	char *piece;
	bool good = true;

	own->book = NULL;
	if (error != LXW_NO_ERROR)
		return failed(err, error);
	if (size > writer->room)
		return parse_fail(err, "too_large", "The spreadsheet is larger than is allowed.");
	piece = mem_alloc(PIECE_BYTES);
	for (off_t at = 0; good && at < size;) {
		ssize_t n = pread(own->fd, piece, PIECE_BYTES, at);

		good = n > 0 ? writer_put(writer->fd, piece, (size_t)n, err)
			     : parse_fail(err, "too_large", "The spreadsheet can't be read back.");
		at += n;
	}
	writer->bytes = size;
	free(piece);
	return good;
}

static void xlsx_close(struct writer *writer)
{
	struct sheet *own = writer->own;

	if (own == NULL)
		return;
	lxw_workbook_free(own->book);
	if (own->fd >= 0)
		close(own->fd);
	free(own);
}

const struct writer_kind writer_xlsx = { xlsx_begin, xlsx_row, xlsx_end, xlsx_close, 0 };
