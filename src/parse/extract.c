/* Texts become chunks; rows become lines "column: value; ..." in chunks, and columns of the outline. */
#include "chunks.h"
#include "extract_sink.h"
#include "language.h"
#include "mem.h"
#include "outline.h"
#include <stdlib.h>
#include <string.h>

enum {
	LINE_SPARE = 64 << 10, /* bytes of an answer's line for all but tables, files and warnings */
	LANGUAGES_OFF = 8,     /* a text of fewer bytes is in no language */
};

struct extract {
	struct sink sink;
	struct parse *parse;
	struct chunks chunks;
	struct outline outline;
	/* The table that is read now. */
	bool in_table, decided;	     /* decided: where the header is */
	struct outline_table *table; /* NULL: it is not described */
	char *place;
	const char *unit;
	char **names; /* of its columns */
	size_t names_count;
	struct kept_row kept[HEADER_ROWS];
	size_t kept_count;
	struct buf line;
};

/* A sink is the first of its owner. */
static struct extract *extract_of(struct sink *sink)
{
	return (struct extract *)sink;
}

/* ---- rows ------------------------------------------------------------------------------------------------------- */

static void names_free(struct extract *extract)
{
	for (size_t i = 0; i < extract->names_count; i++)
		free(extract->names[i]);
	free(extract->names);
	extract->names = NULL;
	extract->names_count = 0;
}

static void names_note(struct extract *extract)
{
	struct outline_table *table = extract->table;

	if (table == NULL || table->names != NULL)
		return;
	table->names_count = extract->names_count < COLUMNS_MAX ? extract->names_count : COLUMNS_MAX;
	table->names = mem_alloc((table->names_count + 1) * sizeof(*table->names));
	for (size_t i = 0; i < table->names_count; i++)
		table->names[i] = mem_text(extract->names[i]);
}

/* One line without what breaks lines. */
static void value_add(struct buf *line, const struct cell *cell)
{
	size_t from = line->len;

	buf_add(line, cell->text, cell->len);
	for (size_t i = from; i < line->len; i++)
		if (line->data[i] == '\n' || line->data[i] == '\r')
			line->data[i] = ' ';
}

static bool row_write(struct extract *extract, int64_t number, const struct cell *cells, size_t count,
		      bool named)
{
	struct place where;
	struct buf place = { 0 };
	bool more;

	buf_clear(&extract->line);
	for (size_t i = 0; i < count; i++) {
		if (cells[i].len == 0)
			continue;
		if (extract->line.len > 0)
			buf_text(&extract->line, named ? "; " : " | ");
		if (named && i < extract->names_count) {
			buf_text(&extract->line, extract->names[i]);
			buf_text(&extract->line, ": ");
		}
		value_add(&extract->line, &cells[i]);
	}
	if (extract->line.len == 0)
		return true;
	where = (struct place){ .first = number, .last = number };
	memcpy(where.unit, extract->unit, strnlen(extract->unit, sizeof(where.unit) - 1));
	memcpy(where.front, extract->place, strnlen(extract->place, sizeof(where.front) - 1));
	place_write(&where, &place);
	more = chunks_add(&extract->chunks, place.data, extract->line.data, extract->line.len);
	buf_free(&place);
	return more;
}

static bool row_take(struct extract *extract, int64_t number, const struct cell *cells, size_t count)
{
	if (row_blank(cells, count))
		return true;
	if (extract->table != NULL)
		outline_row(extract->table, cells, count);
	return row_write(extract, number, cells, count, extract->names != NULL);
}

/* The first rows are known, or all of them: which one is the header. */
static bool header_decide(struct extract *extract)
{
	int header = extract->names ? -1 : header_find(extract->kept, extract->kept_count);
	bool more = true;

	extract->decided = true;
	if (header >= 0) {
		extract->names_count = extract->kept[header].count;
		extract->names = header_names(extract->kept[header].cells, extract->names_count);
		names_note(extract);
	}
	for (size_t i = 0; i < extract->kept_count; i++) {
		struct kept_row *row = &extract->kept[i];

		if ((int)i < header && more)
			more = row_write(extract, row->number, row->cells, row->count, false);
		else if ((int)i > header && more)
			more = row_take(extract, row->number, row->cells, row->count);
		kept_row_free(row);
	}
	extract->kept_count = 0;
	return more;
}

static bool table_end(struct extract *extract)
{
	bool more = !extract->in_table || extract->decided || header_decide(extract);

	/* A table of nothing but its header is still told about. */
	if (extract->in_table && extract->names != NULL && extract->table != NULL &&
	    extract->table->rows == 0) {
		buf_clear(&extract->line);
		for (size_t i = 0; i < extract->names_count; i++) {
			buf_text(&extract->line, i ? " | " : "");
			buf_text(&extract->line, extract->names[i]);
		}
		more = more && chunks_add(&extract->chunks, extract->place, buf_str(&extract->line),
					  extract->line.len);
	}
	names_free(extract);
	free(extract->place);
	extract->place = NULL;
	extract->in_table = false;
	extract->table = NULL;
	return more;
}

static bool take_row(struct sink *sink, int64_t number, const struct cell *cells, size_t count,
		     const char *unit)
{
	struct extract *extract = extract_of(sink);

	if (!extract->in_table && !sink->table(sink, "", ""))
		return false;
	extract->parse->rows++;
	extract->unit = unit;
	if (extract->decided)
		return row_take(extract, number, cells, count);
	kept_row_set(&extract->kept[extract->kept_count++], number, cells, count);
	return extract->kept_count < HEADER_ROWS || header_decide(extract);
}

static bool take_table(struct sink *sink, const char *name, const char *place)
{
	struct extract *extract = extract_of(sink);
	bool more = table_end(extract);

	chunks_break(&extract->chunks);
	extract->in_table = true;
	extract->decided = false;
	extract->unit = "row";
	extract->place = mem_text(place);
	extract->table = outline_table(&extract->outline, name, place);
	if (extract->table == NULL)
		outline_warn(&extract->outline, "There are more tables than are listed.");
	return more;
}

static bool take_columns(struct sink *sink, const char *const *names, size_t count)
{
	struct extract *extract = extract_of(sink);
	struct cell *cells = mem_zero(count + 1, sizeof(*cells));

	for (size_t i = 0; i < count; i++)
		cells[i] = (struct cell){ CELL_TEXT, names[i], strlen(names[i]) };
	names_free(extract);
	extract->names = header_names(cells, count);
	extract->names_count = count;
	names_note(extract);
	extract->decided = true;
	free(cells);
	return true;
}

/* ---- texts and the rest ------------------------------------------------------------------------------------------- */

static bool take_text(struct sink *sink, const char *place, const char *text, size_t len)
{
	struct extract *extract = extract_of(sink);

	if (extract->in_table) {
		bool more = table_end(extract);

		chunks_break(&extract->chunks);
		if (!more)
			return false;
	}
	return chunks_add(&extract->chunks, place, text, len);
}

static bool take_file(struct sink *sink, const char *name, const char *kind, const char *error)
{
	struct extract *extract = extract_of(sink);
	bool more = table_end(extract);

	chunks_break(&extract->chunks);
	outline_file(&extract->outline, name, kind, error);
	return more;
}

static void take_title(struct sink *sink, const char *title)
{
	outline_title(&extract_of(sink)->outline, title);
}

static void take_pages(struct sink *sink, int64_t pages)
{
	extract_of(sink)->outline.pages = pages;
}

static void take_warning(struct sink *sink, const char *warning)
{
	outline_warn(&extract_of(sink)->outline, warning);
}

struct extract *extract_open(struct parse *parse, int fd)
{
	struct extract *extract = mem_zero(1, sizeof(*extract));

	extract->sink = (struct sink){ take_text, take_table, take_row,	  take_columns,
				       take_file, take_title, take_pages, take_warning };
	extract->parse = parse;
	extract->chunks.fd = fd;
	extract->chunks.room = parse->limits.output;
	outline_open(&extract->outline);
	return extract;
}

struct sink *extract_sink(struct extract *extract)
{
	return &extract->sink;
}

json_t *extract_done(struct extract *extract, const char *kind, const char *mime)
{
	const char *head, *language;
	json_t *done;

	table_end(extract);
	chunks_end(&extract->chunks);
	head = buf_str(&extract->chunks.head);
	language = strlen(head) < LANGUAGES_OFF ? NULL : language_of(head, strlen(head));
	done = json_pack("{s:s, s:s, s:I, s:I, s:s, s:b}", "kind", kind, "mime", mime, "text_bytes",
			 (json_int_t)extract->chunks.text_bytes, "chunks", (json_int_t)extract->chunks.count,
			 "head", head, "cut", extract->parse->cut || extract->chunks.full);
	if (language != NULL)
		json_object_set_new(done, "language", json_string(language));
	outline_write(&extract->outline, done, EXTRACT_LINE_MAX - LINE_SPARE);
	return done;
}

void extract_close(struct extract *extract)
{
	for (size_t i = 0; i < extract->kept_count; i++)
		kept_row_free(&extract->kept[i]);
	names_free(extract);
	free(extract->place);
	outline_close(&extract->outline);
	chunks_free(&extract->chunks);
	buf_free(&extract->line);
	free(extract);
}

void extract_stage(void)
{
	static const char text[] = "The language of a text is told from its words.";

	chunks_stage();
	(void)language_of(text, strlen(text));
}
