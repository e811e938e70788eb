/* Which of the first rows of a table says what its columns are. */
#include "buf.h"
#include "columns.h"
#include "mem.h"
#include "text.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	NAME_LIKE_MAX = 120,	      /* bytes: longer is content */
	UNIQUE_MAX = 2 * COLUMNS_MAX, /* names that are held against each other */
};

bool row_blank(const struct cell *cells, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (cells[i].len > 0 && cells[i].text[strspn(cells[i].text, " \t\r\n")] != '\0')
			return false;
	return true;
}

void kept_row_set(struct kept_row *row, int64_t number, const struct cell *cells, size_t count)
{
	row->number = number;
	row->count = count;
	row->cells = mem_alloc((count + 1) * sizeof(*row->cells));
	for (size_t i = 0; i < count; i++) {
		row->cells[i] = cells[i];
		row->cells[i].text = mem_text_n(cells[i].text, cells[i].len);
	}
}

void kept_row_free(struct kept_row *row)
{
	for (size_t i = 0; i < row->count; i++)
		free((void *)(uintptr_t)row->cells[i].text);
	free(row->cells);
	*row = (struct kept_row){ 0 };
}

static size_t filled(const struct kept_row *row)
{
	size_t n = 0;

	for (size_t i = 0; i < row->count; i++)
		n += value_of(&row->cells[i]) != VALUE_EMPTY;
	return n;
}

static bool same(const struct cell *a, const struct cell *b)
{
	return a->len == b->len && memcmp(a->text, b->text, a->len) == 0;
}

/* Short words, none of them twice. */
static bool names_like(const struct kept_row *row)
{
	for (size_t i = 0; i < row->count; i++) {
		enum value value = value_of(&row->cells[i]);

		if (value == VALUE_EMPTY)
			continue;
		if (value != VALUE_TEXT || row->cells[i].len > NAME_LIKE_MAX ||
		    row->cells[i].type > CELL_TEXT)
			return false;
		for (size_t k = 0; k < i; k++)
			if (same(&row->cells[i], &row->cells[k]))
				return false;
	}
	return true;
}

/* Whether what stands below looks like values of these names: other types, or at least other texts. */
static bool heads(const struct kept_row *row, const struct kept_row *below, size_t count)
{
	size_t typed = 0, again = 0, rows = 0;

	for (size_t r = 0; r < count; r++) {
		rows += filled(&below[r]) > 0;
		for (size_t i = 0; i < below[r].count && i < row->count; i++) {
			enum value value = value_of(&below[r].cells[i]);

			if (value_of(&row->cells[i]) == VALUE_EMPTY || value == VALUE_EMPTY)
				continue;
			typed += value != VALUE_TEXT;
			again += same(&row->cells[i], &below[r].cells[i]);
		}
	}
	return typed > 0 || (again == 0 && rows > 0);
}

int header_find(const struct kept_row *rows, size_t count)
{
	size_t width = 0;

	for (size_t i = 0; i < count; i++)
		if (filled(&rows[i]) > width)
			width = filled(&rows[i]);
	for (size_t i = 0; i < count; i++) {
		size_t n = filled(&rows[i]);

		/* Titles above it fill a cell or two of many. */
		if (n == 0 || (width > 1 && n * 5 < width * 3))
			continue;
		return names_like(&rows[i]) && heads(&rows[i], rows + i + 1, count - i - 1) ? (int)i : -1;
	}
	return -1;
}

static bool taken(char **names, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(names[i], name) == 0)
			return true;
	return false;
}

char **header_names(const struct cell *cells, size_t count)
{
	char **names = mem_alloc((count + 1) * sizeof(*names));

	for (size_t i = 0; i < count; i++) {
		size_t len = cells[i].len;
		char *text, *base;

		len = len > COLUMN_NAME_MAX ? text_fit(cells[i].text, len, COLUMN_NAME_MAX) : len;
		text = text_repair(cells[i].text, len);
		base = text_one_line(text);
		free(text);
		if (base[0] == '\0') {
			free(base);
			base = mem_format("column %zu", i + 1);
		}
		names[i] = mem_text(base);
		/* Wide tables of the same name everywhere are not worth a search that grows with their square. */
		for (size_t n = 2; i < UNIQUE_MAX && taken(names, i, names[i]); n++) {
			free(names[i]);
			names[i] = mem_format("%s (%zu)", base, n);
		}
		free(base);
	}
	return names;
}
