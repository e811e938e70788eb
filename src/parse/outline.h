/* What a file is made of, for the model and for people: the OUTLINE of extract.h. Bounded whatever the file has. */
#ifndef USHER_PARSE_OUTLINE_H
#define USHER_PARSE_OUTLINE_H

#include "columns.h"

enum outline_limits { TABLES_MAX = 50, FILES_MAX = 1000, WARNINGS_MAX = 20 };

struct outline_table {
	char *name, *place;
	int64_t rows; /* without the header */
	char **names;
	size_t names_count, columns_count;
	struct column columns[COLUMNS_MAX];
};

struct outline {
	char *title;
	int64_t pages; /* 0: not known */
	json_t *warnings, *files;
	struct outline_table *tables[TABLES_MAX]; /* the first */
	size_t tables_count;
};

void outline_open(struct outline *outline);
void outline_title(struct outline *outline, const char *title);
void outline_warn(struct outline *outline, const char *warning);
/* Told twice: the second one says the error. */
void outline_file(struct outline *outline, const char *name, const char *kind, const char *error);
/* A table that is filled by the caller; NULL: there are too many, nothing is noted. */
struct outline_table *outline_table(struct outline *outline, const char *name, const char *place);
void outline_row(struct outline_table *table, const struct cell *cells, size_t count);

/* The tables, files and warnings put into an object that has room bytes at most as JSON text: samples go first, then
 * tables from the end. */
void outline_write(const struct outline *outline, json_t *into, size_t room);
void outline_close(struct outline *outline);

#endif
