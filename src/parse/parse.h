/* What readers of formats and what takes from them promise each other. A reader turns one file into texts and rows; a sink
 * makes chunks (extract.c) or a table (convert.c) of them. One thread, one file, inside the sandbox: nothing here opens
 * anything. Readers allocate as they like: the child's memory is limited and ends with it. */
#ifndef USHER_PARSE_H
#define USHER_PARSE_H

#include "err.h"
#include "extract.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* A file: a descriptor that can be read at any place (descriptor 3, or a memfd of something unpacked). */
struct input {
	int fd;
	int64_t size;
	const char *name; /* as its owner calls it; never NULL */
	/* Of a file inside another: "b.zip, a/b.csv"; NULL: nothing. Readers' places are within their own file:
	 * parse_inner_end puts the names in front. */
	const char *where;
	unsigned depth; /* 0: not inside another */
};

/* Like pread, all of it or up to the end; -1 never: an error of the descriptor ends the program. */
size_t input_read(const struct input *input, int64_t offset, void *out, size_t len);

/* The whole file as read-only memory (mmap; counts against the child's memory limit); NULL: not possible (too_large). Lives as
 * long as the program. */
const char *input_map(const struct input *input);

enum cell_type { CELL_EMPTY, CELL_TEXT, CELL_NUMBER, CELL_DATE, CELL_BOOL, CELL_ERROR };

/* One value of a row. NUMBER: JSON number syntax, as exact as the file has it. DATE: ISO 8601 ("2026-01-31",
 * "2026-01-31T10:00:00"). BOOL: "true", "false". ERROR: "#DIV/0!". Formats without types (CSV) give TEXT and EMPTY only. */
struct cell {
	enum cell_type type;
	const char *text; /* UTF-8, NUL-terminated; never NULL */
	size_t len;
};

/* Who takes what a reader finds. Everything is borrowed for the call. A false answer: enough, the reader returns true at
 * once. */
struct sink {
	/* A paragraph, heading, line or cell of text; UTF-8 made valid by the caller (parse_utf8). place: "page 3", never
	 * NULL, "" for none. */
	bool (*text)(struct sink *sink, const char *place, const char *text, size_t len);
	/* A table begins (ends the one before). name: of the sheet, file or heading. */
	bool (*table)(struct sink *sink, const char *name, const char *place);
	/* A row of the table, blank ones too; number: as people count it in that table (1: the first, also when that is a
	 * header). unit: what it is called there, "row", "line", "record"; static. */
	bool (*row)(struct sink *sink, int64_t number, const struct cell *cells, size_t count,
		    const char *unit);
	/* Names of the columns when the format has them apart from the rows (keys of JSON objects); before the first row. */
	bool (*columns)(struct sink *sink, const char *const *names, size_t count);
	/* A file inside this one, before its contents; error: why it was not read, or NULL. */
	bool (*file)(struct sink *sink, const char *name, const char *kind, const char *error);
	void (*title)(struct sink *sink, const char *title);
	void (*pages)(struct sink *sink, int64_t pages);
	void (*warn)(struct sink *sink,
		     const char *warning); /* one line for people; repeated ones are dropped */
};

struct parse; /* the run: limits, progress; parse_room.c */

/* One format. Codes of failures go into err->text as "CODE: message" through parse_fail. */
struct reader {
	const char *kind, *mime;
	bool (*read)(struct parse *parse, const struct input *input, struct sink *sink, struct err *err);
};

extern const struct reader text_reader, markdown_reader, html_reader, csv_reader, json_reader, ndjson_reader,
	pdf_reader, docx_reader, xlsx_reader, pptx_reader, odt_reader, ods_reader, eml_reader, zip_reader,
	image_reader;

/* The reader for this content (magic numbers through libmagic, then a look inside); the name only decides between what
 * looks the same (text, Markdown, CSV). NULL: none, kind_out and mime_out say what it is all the same. */
const struct reader *parse_type(const struct input *input, const char **kind_out, const char **mime_out);

/* Reads a file inside another with the reader of its type: counts entries and depth, tells sink->file. bytes are copied into a
 * memfd piece by piece through the returned writer, so that limits hold before they are taken. */
struct inner;
struct inner *parse_inner(struct parse *parse, const struct input *outer, const char *name,
			  int64_t size_claimed, struct err *err); /* NULL: a limit */
bool parse_inner_add(struct inner *inner, const void *data, size_t len, struct err *err);
bool parse_inner_end(struct inner *inner, struct sink *sink, struct err *err); /* reads it; frees inner */
void parse_inner_drop(struct inner *inner); /* it is not worth reading; frees inner */

/* Tells the daemon how far it is, when it is time; any of them -1: unchanged. */
void parse_progress(struct parse *parse, int64_t bytes, int64_t rows, int64_t pages);

/* Sets err to "CODE: message" and returns false. code: one of extract.h. */
bool parse_fail(struct err *err, const char *code, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Bytes of any character set as UTF-8: by mark, by what the format declares (NULL: nothing), else by what they look like.
 * charset_out: the name. The caller frees. text.c streams large files instead. */
char *parse_utf8(const void *data, size_t len, const char *declared, size_t *len_out,
		 const char **charset_out);

#endif
