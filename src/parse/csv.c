/* Tables as text: libcsv cuts the fields, delimiter and character set are told from the content. */
#include "charset.h"
#include "mem.h"
#include "peek.h"
#include <csv.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum {
	FIELD_MAX =
		4 << 20, /* bytes: a quotation mark that is never closed ends here and not with the memory */
	ROW_MAX = 16 << 20, /* bytes of all its fields */
	FIELDS_MAX = 16384, /* of a row, as in spreadsheets */
	FIELD_BEGUN = 2,    /* libcsv's own state, which its header does not name */
};

struct rows {
	struct parse *parse;
	struct sink *sink;
	struct csv_parser csv;
	struct buf text; /* the fields of this row, each with a NUL */
	size_t *ends;	 /* of the fields in text */
	struct cell *cells;
	size_t count, room;
	int64_t number;
	bool over, returned; /* returned: the last piece ended with a carriage return */
};

/* libcsv's own growing, within our limit. */
static void *field_resize(void *old, size_t size)
{
	return size > FIELD_MAX ? NULL : mem_resize(old, size, 1);
}

static void on_field(void *data, size_t len, void *owner)
{
	struct rows *rows = owner;

	if (rows->over)
		return;
	if (rows->count == FIELDS_MAX || rows->text.len + len > ROW_MAX) {
		rows->sink->warn(rows->sink,
				 "Some rows are too long: the last of their fields are left out.");
		return;
	}
	if (rows->count == rows->room) {
		rows->room = rows->room ? rows->room * 2 : 64;
		rows->ends = mem_resize(rows->ends, rows->room, sizeof(*rows->ends));
		rows->cells = mem_resize(rows->cells, rows->room, sizeof(*rows->cells));
	}
	buf_add(&rows->text, data ? data : "", len);
	buf_add(&rows->text, "", 1);
	rows->ends[rows->count++] = rows->text.len;
}

static void on_row(int end, void *owner)
{
	struct rows *rows = owner;
	size_t from = 0;

	(void)end;
	if (rows->over)
		return;
	rows->number++;
	for (size_t i = 0; i < rows->count; i++) {
		size_t len = rows->ends[i] - 1 - from;

		rows->cells[i] = (struct cell){ len ? CELL_TEXT : CELL_EMPTY, rows->text.data + from, len };
		from = rows->ends[i];
	}
	rows->over = !rows->sink->row(rows->sink, rows->number, rows->cells, rows->count, "row");
	rows->count = 0;
	buf_clear(&rows->text);
}

/* Feeds with "\r\n" as "\n": for libcsv the two are two ends of rows. False: a field is too long. */
static bool rows_feed(struct rows *rows, const char *data, size_t len)
{
	struct buf plain = { 0 };
	bool good;

	for (size_t at = 0; at < len;) {
		const char *back = memchr(data + at, '\r', len - at);
		size_t end = back ? (size_t)(back - data) : len;

		if (rows->returned && data[at] == '\n')
			at++;
		rows->returned = false;
		if (at <= end)
			buf_add(&plain, data + at, end - at);
		if (back == NULL)
			break;
		buf_add(&plain, "\n", 1);
		rows->returned = true;
		at = end + 1;
	}
	good = csv_parse(&rows->csv, buf_str(&plain), plain.len, on_field, on_row, rows) == plain.len;
	buf_free(&plain);
	return good;
}

/* Spreadsheets' own first line "sep=;"; returns its length, 0: there is none. */
static size_t sep_line(const char *data, size_t len, char *delimiter)
{
	if (len < 6 || strncasecmp(data, "sep=", 4) != 0 || (data[5] != '\r' && data[5] != '\n'))
		return 0;
	*delimiter = data[4];
	return data[5] == '\r' && len > 6 && data[6] == '\n' ? 7 : 6;
}

static const char *file_of(const char *name)
{
	const char *slash = strrchr(name, '/');

	return slash ? slash + 1 : name;
}

static bool rows_read(struct rows *rows, struct stream *stream, const struct input *input)
{
	const char *data;
	size_t len;
	bool first = true, good = true;

	while (good && !rows->over && stream_next(stream, &data, &len)) {
		if (first) {
			char delimiter = 0;
			size_t skip = sep_line(data, len, &delimiter);

			data += skip;
			len -= skip;
			if (skip == 0)
				delimiter = peek_delimiter(data, len, input->size > (int64_t)len, NULL, NULL);
			csv_set_delim(&rows->csv, delimiter ? (unsigned char)delimiter : CSV_COMMA);
			first = false;
		}
		good = rows_feed(rows, data, len);
		parse_progress(rows->parse, -1, input->depth ? -1 : rows->number, -1);
	}
	if (good && !rows->over && rows->csv.quoted && rows->csv.pstate == FIELD_BEGUN)
		rows->sink->warn(
			rows->sink,
			"The last field has a quotation mark that is not closed: rows may be missing.");
	if (good && !rows->over)
		good = csv_fini(&rows->csv, on_field, on_row, rows) == 0;
	return good;
}

static bool csv_read(struct parse *parse, const struct input *input, struct sink *sink, struct err *err)
{
	struct rows rows = { .parse = parse, .sink = sink };
	struct stream *stream;
	char *warning;

	(void)err;
	if (!sink->table(sink, file_of(input->name), ""))
		return true;
	if (csv_init(&rows.csv, CSV_REPALL_NL) != 0)
		return parse_fail(err, "too_large", "There is no memory for the table.");
	csv_set_realloc_func(&rows.csv, field_resize);
	stream = stream_open(parse, input, NULL);
	if (!rows_read(&rows, stream, input)) {
		warning = mem_format("A field in row %lld does not end: a quotation mark is not closed. "
				     "Reading stopped there.",
				     (long long)rows.number + 1);
		parse->cut = true;
		sink->warn(sink, warning);
		free(warning);
	}
	stream_close(stream);
	csv_free(&rows.csv);
	buf_free(&rows.text);
	free(rows.ends);
	free(rows.cells);
	return true;
}

const struct reader csv_reader = { "csv", "text/csv", csv_read };
