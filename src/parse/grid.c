/* Rows of a sheet: see grid.h. */
#include "grid.h"
#include "mem.h"
#include "text.h"
#include <stdlib.h>
#include <string.h>

enum { CELL_BYTES_MAX = 1 << 20, ROW_BYTES_MAX = 32 << 20, PLACE_NAME_MAX = 200 };

/* What repetitions and far-away cells may make of a small file, all sheets together. */
static const int64_t CELLS_MAX = INT64_C(400000000), BLANK_ROWS_MAX = INT64_C(4) * GRID_ROWS_MAX;

void grid_free(struct grid *grid)
{
	buf_free(&grid->text);
	free(grid->cells);
	free(grid->starts);
}

void grid_table(struct grid *grid, const char *name, const char *note)
{
	struct buf place = { 0 };

	grid->next = 1;
	grid->blank = 0;
	grid->count = 0;
	buf_clear(&grid->text);
	buf_format(&place, "sheet %.*s", PLACE_NAME_MAX, name);
	buf_cut(&place, strlen("sheet ") + text_fit(name, strlen(name), PLACE_NAME_MAX));
	if (note)
		buf_format(&place, " (%s)", note);
	if (!grid->enough && !grid->sink->table(grid->sink, name, place.data))
		grid->enough = true;
	buf_free(&place);
}

static void room_make(struct grid *grid, size_t columns)
{
	if (columns <= grid->room)
		return;
	grid->room = columns * 2;
	grid->cells = mem_resize(grid->cells, grid->room, sizeof(*grid->cells));
	grid->starts = mem_resize(grid->starts, grid->room, sizeof(*grid->starts));
}

bool grid_cell(struct grid *grid, size_t column, enum cell_type type, const char *text, size_t len,
	       struct err *err)
{
	if (type == CELL_EMPTY || len == 0)
		return true;
	if (column >= GRID_COLUMNS_MAX)
		return parse_fail(err, "too_large", "A sheet has more than %d columns.", GRID_COLUMNS_MAX);
	if (len > CELL_BYTES_MAX)
		return parse_fail(err, "too_large", "A cell in row %lld has more than %d MB.",
				  (long long)grid->next, CELL_BYTES_MAX >> 20);
	if (grid->text.len + len > ROW_BYTES_MAX)
		return parse_fail(err, "too_large", "Row %lld has more than %d MB.", (long long)grid->next,
				  ROW_BYTES_MAX >> 20);
	room_make(grid, column + 1);
	for (; grid->count <= column; grid->count++)
		grid->cells[grid->count] = (struct cell){ .type = CELL_EMPTY, .text = "" };
	grid->cells[column].type = type;
	grid->cells[column].len = len;
	grid->starts[column] = grid->text.len;
	buf_add(&grid->text, text, len);
	buf_add(&grid->text, "", 1);
	return true;
}

static void row_tell(struct grid *grid, int64_t number, size_t count)
{
	if (!grid->enough && !grid->sink->row(grid->sink, number, grid->cells, count, "row"))
		grid->enough = true;
	if ((++grid->rows_told & 1023) == 0)
		parse_progress(grid->parse, -1, grid->rows_told, -1);
}

/* Blank rows are told once it is known that something follows. */
static void blank_tell(struct grid *grid)
{
	static const struct cell none = { .type = CELL_EMPTY, .text = "" };

	for (; grid->blank > 0 && !grid->enough; grid->blank--) {
		if (++grid->blank_told > BLANK_ROWS_MAX) {
			grid->sink->warn(grid->sink, "there are more blank rows than were counted");
			break;
		}
		if (!grid->sink->row(grid->sink, grid->next - grid->blank, &none, 0, "row"))
			grid->enough = true;
	}
	grid->blank = 0;
}

static bool rows_tell(struct grid *grid, int64_t times, struct err *err)
{
	for (size_t i = 0; i < grid->count; i++)
		if (grid->cells[i].type != CELL_EMPTY)
			grid->cells[i].text = grid->text.data + grid->starts[i];
	for (int64_t i = 0; i < times && !grid->enough; i++) {
		grid->cells_told += (int64_t)grid->count;
		if (grid->cells_told > CELLS_MAX)
			return parse_fail(err, "too_large", "The sheets have more than %lld million cells.",
					  (long long)(CELLS_MAX / 1000000));
		row_tell(grid, grid->next + i, grid->count);
	}
	return true;
}

bool grid_row(struct grid *grid, int64_t number, int64_t times, struct err *err)
{
	bool good = true;

	if (number > grid->next && number <= GRID_ROWS_MAX) {
		grid->blank += number - grid->next;
		grid->next = number;
	}
	times = times < 1 ? 1 : times;
	if (grid->count == 0) {
		/* Formats say "and a million blank rows more" at the end of a sheet. */
		times = times < GRID_ROWS_MAX ? times : GRID_ROWS_MAX;
		grid->blank += times;
		grid->next += times;
		return true;
	}
	if (times > GRID_ROWS_MAX || grid->next + times - 1 > GRID_ROWS_MAX)
		return parse_fail(err, "too_large", "A sheet has more than %d rows.", GRID_ROWS_MAX);
	blank_tell(grid);
	good = rows_tell(grid, times, err);
	grid->next += times;
	grid->count = 0;
	buf_clear(&grid->text);
	return good;
}
