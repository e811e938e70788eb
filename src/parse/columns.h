/* What the columns of a table hold: types told from values, and where the header is. Used for the outline and for
 * converting alike, so that both see the same table. */
#ifndef USHER_PARSE_COLUMNS_H
#define USHER_PARSE_COLUMNS_H

#include "parse.h"
#include <jansson.h>

enum columns_limits {
	COLUMNS_MAX = 200, /* that are described; rows may have more */
	SAMPLES_MAX = 5,   /* of a column */
	SAMPLE_BYTES = 80,
	COLUMN_NAME_MAX = 100, /* bytes */
	HEADER_ROWS = 12,      /* first rows among which the header is looked for */
};

enum value {
	VALUE_EMPTY,
	VALUE_TEXT,
	VALUE_INTEGER,
	VALUE_NUMBER,
	VALUE_DATE,
	VALUE_DATETIME,
	VALUE_BOOLEAN,
	VALUES
};

/* The type that the cell looks like: numbers with any separators, currencies and percent signs, dates in the usual orders.
 * Only looks: "01.02.2026" is a date here, whichever comes first. */
enum value value_of(const struct cell *cell);
const char *value_name(enum value value); /* "text", "integer", ... as in spec.h */

struct column {
	int64_t filled, of[VALUES];
	char *samples[SAMPLES_MAX];
};

void column_add(struct column *column, const struct cell *cell);
/* What nine of ten filled cells are; integers among numbers are numbers, dates among dates with time likewise. */
enum value column_type(const struct column *column);
void column_free(struct column *column);

/* A row that was kept. */
struct kept_row {
	int64_t number;
	struct cell *cells; /* own copies */
	size_t count;
};

void kept_row_set(struct kept_row *row, int64_t number, const struct cell *cells, size_t count);
void kept_row_free(struct kept_row *row);
bool row_blank(const struct cell *cells, size_t count);

/* The index of the row with the names of the columns among the first rows; -1: there is none. */
int header_find(const struct kept_row *rows, size_t count);

/* Names from a header, each filled ("column 3") and none twice ("amount (2)"); the caller frees the names and the array. */
char **header_names(const struct cell *cells, size_t count);

#endif
