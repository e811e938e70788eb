/* Tables found in what a reader tells: where the names of the columns are, and the rows behind them. The same walk twice
 * finds the same tables. */
#ifndef USHER_PARSE_PICK_H
#define USHER_PARSE_PICK_H

#include "columns.h"
#include "outline.h"
#include "spec.h"

/* A table, from the moment its columns are known. */
struct pick_table {
	size_t number; /* from 1, in the order of the file */
	char *name, *place;
	char **names; /* of its columns; NULL: it has none */
	size_t names_count;
	size_t width;			 /* cells of its widest row so far, or names_count */
	int64_t rows;			 /* behind the header, so far, blank ones too */
	int64_t above_first, above_last; /* rows with something in them above the header; 0: none */
};

/* Who takes them. A false answer: enough of the file. */
struct pick_to {
	bool (*begin)(struct pick_to *to, const struct pick_table *table); /* before its first row */
	bool (*row)(struct pick_to *to, int64_t number, const struct cell *cells, size_t count);
	bool (*end)(struct pick_to *to, const struct pick_table *table);
	void (*warn)(struct pick_to *to, const char *warning);
};

struct pick {
	struct sink sink; /* first */
	struct pick_to *to;
	const struct spec *spec; /* its names tell which row is the header when the look of it does not */
	struct pick_table table;
	bool in_table, decided, over;
	size_t tables;
	struct kept_row kept[HEADER_ROWS];
	size_t kept_count;
};

void pick_open(struct pick *pick, const struct spec *spec, struct pick_to *to);
void pick_end(struct pick *pick); /* the file is over: ends the last table */
void pick_close(struct pick *pick);

/* The same for a column without a name, which is asked for as it is told: "column 7"; whether any row is so wide is not looked at.
 * -1: another is meant. */
int64_t pick_unnamed(const struct pick_table *table, const struct spec_column *column);

/* The index of the source's column for one of the SPEC; -1 and err "spec: ...", which says what there is. err may be NULL. */
int64_t pick_column(const struct pick_table *table, const struct spec_column *column, struct err *err);

#endif
