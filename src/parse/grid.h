/* Rows of a sheet (xlsx, ods), built cell by cell: what lies between and before is filled, blank rows and cells at the end
 * are left out, and repetitions are bounded. */
#ifndef USHER_GRID_H
#define USHER_GRID_H

#include "buf.h"
#include "parse_room.h"

enum { GRID_COLUMNS_MAX = 16384, GRID_ROWS_MAX = 1048576 };

struct grid {
	struct parse *parse;
	struct sink *sink;
	bool enough;   /* the sink wants no more */
	int64_t next;  /* number of the next row */
	int64_t blank; /* rows before it that were not told yet */
	int64_t cells_told, blank_told, rows_told;
	struct buf text;    /* of the row's cells, each with its NUL */
	struct cell *cells; /* text: not set until the row is told */
	size_t *starts;
	size_t count, room;
};

void grid_free(struct grid *grid);

/* A sheet begins; note: "hidden", or NULL. */
void grid_table(struct grid *grid, const char *name, const char *note);

/* A value in the row that is open; column from 0. False: err ("too_large"). */
bool grid_cell(struct grid *grid, size_t column, enum cell_type type, const char *text, size_t len,
	       struct err *err);

/* The row ends and is told, times times. number: its own, 0: the next; one that is too small counts as the next. */
bool grid_row(struct grid *grid, int64_t number, int64_t times, struct err *err);

#endif
