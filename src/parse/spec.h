/* What is to be made of the rows of a table: columns mapped once, then every row, without a model.
 *
 * SPEC, JSON: {"format":"csv"|"tsv"|"json"|"ndjson"|"xlsx"|"markdown"|"text"|"none",
 *   "table":NAME or NUMBER from 1?            the only one, or the largest, when left out
 *   "columns":[{"name":NAME, "from":NAME of the source's column or its NUMBER from 1?,   from left out: the column of the
 *       same name, compared without case, marks and punctuation
 *     "type":"text"|"number"|"integer"|"date"|"datetime"|"boolean"?,  text when left out
 *     "required":BOOL?, "unique":BOOL?, "min":N or DATE?, "max":N or DATE?, "one_of":[TEXT,...]?, "max_length":N?,
 *     "default":TEXT?}, ...]                  all of the source's as they are when left out
 *   "refused":"leave_out"|"keep"?}            rows that break a rule; they are in the report either way
 * format "none": only the report ("which rows are wrong?").
 *
 * Numbers are read as the whole column has them ("1.234,56" and "1,234.56" are told apart by all rows of the column, what
 * stays ambiguous is a warning of the report); dates likewise (day or month first). Out they go as JSON numbers, ISO 8601. In
 * CSV, TSV and XLSX a text that a spreadsheet would take for a formula (= + - @ TAB CR in front, also
 * in full width or behind a byte order mark) gets an apostrophe in front
 * (security.md R38); numbers do not. min, max, one_of, max_length (characters) and unique are held against the value as it
 * goes out. A default is written as it goes out ("1.5", "2026-01-31", "true"). */
#ifndef USHER_SPEC_H
#define USHER_SPEC_H

#include "err.h"
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	SPEC_COLUMNS_MAX = 200,
	SPEC_REASONS_MAX = 50,
	SPEC_EXAMPLES_MAX = 20,
	SPEC_ONE_OF_MAX = 1000,
	SPEC_NAME_MAX = 200,   /* bytes */
	SPEC_VALUE_MAX = 1000, /* bytes of a default and of one of one_of */
};

enum spec_format {
	SPEC_CSV,
	SPEC_TSV,
	SPEC_JSON,
	SPEC_NDJSON,
	SPEC_XLSX,
	SPEC_MARKDOWN,
	SPEC_TEXT,
	SPEC_NONE,
	SPEC_FORMATS
};

enum spec_type {
	SPEC_AS_TEXT,
	SPEC_NUMBER,
	SPEC_INTEGER,
	SPEC_DATE,
	SPEC_DATETIME,
	SPEC_BOOLEAN,
	SPEC_TYPES,
	SPEC_AS_IS = SPEC_TYPES, /* no columns were asked for: each cell keeps the type it has */
};

struct spec_column {
	const char *name, *from; /* from: name when it was left out; NULL: from_number */
	int64_t from_number;	 /* from 1; 0: by name */
	enum spec_type type;
	bool required, unique;
	const char *min, *max; /* as they would go out; NULL: none */
	const char **one_of;
	size_t one_of_count;
	int64_t max_length;   /* 0: none */
	const char *standard; /* the default; NULL: none */
};

struct arena;
struct spec {
	enum spec_format format;
	const char *table;    /* NULL: by number, or the largest */
	int64_t table_number; /* from 1; 0: by name, or the largest */
	struct spec_column *columns;
	size_t count; /* 0: the source's as they are */
	bool keep;
	struct arena *arena; /* of all of it */
};

/* Strict: unknown keys, wrong types and rules that can't be are refused with err "spec: ...", naming the column and what is
 * allowed. spec is for spec_free either way. */
bool spec_read(struct spec *spec, const json_t *given, struct err *err);
void spec_free(struct spec *spec);

const char *spec_format_mime(enum spec_format format);
const char *spec_type_name(enum spec_type type);

#endif
