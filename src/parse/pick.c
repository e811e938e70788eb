/* A sink that cuts off what is above and beside tables. */
#include "pick.h"
#include "buf.h"
#include "mem.h"
#include "names.h"
#include "text.h"
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static struct pick *pick_of(struct sink *sink)
{
	return (struct pick *)sink;
}

/* ---- columns by name ------------------------------------------------------------------------------------------------ */

/* The one of this name: exactly, else folded; -1: none, -2: more than one when folded. */
static int64_t name_find(char *const *names, size_t count, const char *wanted)
{
	int64_t found = -1;
	char *folded;

	for (size_t i = 0; i < count; i++)
		if (strcmp(names[i], wanted) == 0)
			return (int64_t)i;
	folded = name_fold(wanted, strlen(wanted));
	for (size_t i = 0; folded[0] != '\0' && i < count; i++) {
		char *other = name_fold(names[i], strlen(names[i]));

		if (strcmp(folded, other) == 0)
			found = found == -1 ? (int64_t)i : -2;
		free(other);
	}
	free(folded);
	return found;
}

/* "name, date, amount"; as many as there is room for. */
static void names_list(struct buf *out, char *const *names, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (out->len > 120) {
			buf_format(out, " and %zu more", count - i);
			break;
		}
		buf_format(out, "%s\"%s\"", i ? ", " : "", name_show(names[i]).text);
	}
}

static int64_t column_missing(const struct pick_table *table, const char *wanted, int64_t found,
			      struct err *err)
{
	const struct name_shown shown = name_show(wanted);
	const char *nearest;
	struct buf list = { 0 };

	if (table->names == NULL) {
		parse_fail(err, "spec",
			   "The table \"%s\" has no names of columns: say \"from\" with a number from 1 "
			   "to %zu.",
			   name_show(table->name).text, table->width);
		return -1;
	}
	names_list(&list, table->names, table->names_count);
	nearest = name_nearest(wanted, table->names, table->names_count);
	if (found == -2)
		parse_fail(err, "spec", "More than one column could be \"%s\". There are %s.", shown.text,
			   buf_str(&list));
	else if (nearest != NULL)
		parse_fail(err, "spec", "There is no column \"%s\"; the nearest is \"%s\". There are %s.",
			   shown.text, name_show(nearest).text, buf_str(&list));
	else
		parse_fail(err, "spec", "There is no column \"%s\". There are %s.", shown.text,
			   buf_str(&list));
	buf_free(&list);
	return -1;
}

/* 7 of "column 7"; 0: it is no such name. */
static size_t number_of(const char *name)
{
	static const char word[] = "column ";
	const char *digits = name + sizeof(word) - 1;
	size_t len;

	if (strncasecmp(name, word, sizeof(word) - 1) != 0)
		return 0;
	len = strspn(digits, "0123456789");
	return len > 0 && len < 6 && digits[len] == '\0' ? strtoul(digits, NULL, 10) : 0;
}

int64_t pick_unnamed(const struct pick_table *table, const struct spec_column *column)
{
	size_t number = column->from ? number_of(column->from) : 0,
	       named = table->names ? table->names_count : 0;

	if (number <= named || (named && name_find(table->names, named, column->from) != -1))
		return -1;
	return (int64_t)number - 1;
}

int64_t pick_column(const struct pick_table *table, const struct spec_column *column, struct err *err)
{
	int64_t found;

	if (column->from == NULL) {
		if (column->from_number <= (int64_t)table->width)
			return column->from_number - 1;
		parse_fail(err, "spec", "There is no column %lld in the table \"%s\": it has %zu.",
			   (long long)column->from_number, name_show(table->name).text, table->width);
		return -1;
	}
	found = table->names ? name_find(table->names, table->names_count, column->from) : -1;
	if (found == -1 && pick_unnamed(table, column) < (int64_t)table->width)
		found = pick_unnamed(table, column);
	return found >= 0 ? found : column_missing(table, column->from, found, err);
}

/* ---- the header -------------------------------------------------------------------------------------------------------- */

/* Whether every name the SPEC asks for is in the row. */
static bool has_wanted(const struct spec *spec, const struct kept_row *row)
{
	char **names;
	size_t by_name = 0, found = 0;

	if (row->count == 0)
		return false;
	names = header_names(row->cells, row->count);
	for (size_t i = 0; i < spec->count; i++) {
		if (spec->columns[i].from == NULL || number_of(spec->columns[i].from) > row->count)
			continue;
		by_name++;
		found += name_find(names, row->count, spec->columns[i].from) >= 0;
	}
	for (size_t i = 0; i < row->count; i++)
		free(names[i]);
	free(names);
	return by_name > 0 && found == by_name;
}

static int header_of(const struct pick *pick)
{
	int header = header_find(pick->kept, pick->kept_count);

	if (pick->spec->count == 0 || (header >= 0 && has_wanted(pick->spec, &pick->kept[header])))
		return header;
	for (size_t i = 0; i < pick->kept_count; i++)
		if (has_wanted(pick->spec, &pick->kept[i]))
			return (int)i;
	return header;
}

static bool row_pass(struct pick *pick, int64_t number, const struct cell *cells, size_t count)
{
	pick->table.rows++;
	if (count > pick->table.width)
		pick->table.width = count;
	if (!pick->over)
		pick->over = !pick->to->row(pick->to, number, cells, count);
	return !pick->over;
}

static void header_decide(struct pick *pick)
{
	struct pick_table *table = &pick->table;
	int header = table->names ? -1 : header_of(pick);

	pick->decided = true;
	if (header >= 0) {
		struct kept_row *row = &pick->kept[header];

		/* Empty cells behind the last name are no columns. */
		while (row->count > 0 && row_blank(&row->cells[row->count - 1], 1))
			free((void *)(uintptr_t)row->cells[--row->count].text);
		table->names_count = row->count;
		table->names = header_names(row->cells, row->count);
	}
	table->width = table->names_count;
	for (size_t i = 0; i < pick->kept_count; i++) {
		struct kept_row *row = &pick->kept[i];

		if ((int)i > header && row->count > table->width)
			table->width = row->count;
		if ((int)i >= header || row_blank(row->cells, row->count))
			continue;
		table->above_first = table->above_first ? table->above_first : row->number;
		table->above_last = row->number;
	}
	pick->over = pick->over || !pick->to->begin(pick->to, table);
	for (size_t i = 0; i < pick->kept_count; i++) {
		struct kept_row *row = &pick->kept[i];

		if ((int)i > header && !pick->over)
			row_pass(pick, row->number, row->cells, row->count);
		kept_row_free(row);
	}
	pick->kept_count = 0;
}

/* ---- what readers tell ----------------------------------------------------------------------------------------------- */

static bool table_end(struct pick *pick)
{
	struct pick_table *table = &pick->table;

	if (!pick->in_table)
		return !pick->over;
	if (!pick->decided && !pick->over)
		header_decide(pick);
	if (!pick->over)
		pick->over = !pick->to->end(pick->to, table);
	for (size_t i = 0; i < pick->kept_count; i++)
		kept_row_free(&pick->kept[i]);
	pick->kept_count = 0;
	for (size_t i = 0; i < table->names_count; i++)
		free(table->names[i]);
	free(table->names);
	free(table->name);
	free(table->place);
	*table = (struct pick_table){ 0 };
	pick->in_table = false;
	return !pick->over;
}

static bool take_table(struct sink *sink, const char *name, const char *place)
{
	struct pick *pick = pick_of(sink);
	bool more = table_end(pick);

	pick->in_table = true;
	pick->decided = false;
	pick->table.number = ++pick->tables;
	pick->table.name = mem_text(name);
	pick->table.place = mem_text(place);
	return more;
}

static bool take_row(struct sink *sink, int64_t number, const struct cell *cells, size_t count,
		     const char *unit)
{
	struct pick *pick = pick_of(sink);

	(void)unit;
	if (!pick->in_table || pick->over)
		return !pick->over;
	if (pick->decided)
		return row_pass(pick, number, cells, count);
	/* Blank rows above a table tell nothing and may be many. */
	if (pick->kept_count == 0 && row_blank(cells, count))
		return true;
	kept_row_set(&pick->kept[pick->kept_count++], number, cells, count);
	if (pick->kept_count == HEADER_ROWS)
		header_decide(pick);
	return !pick->over;
}

static bool take_columns(struct sink *sink, const char *const *names, size_t count)
{
	struct pick *pick = pick_of(sink);
	struct cell *cells;

	if (!pick->in_table || pick->decided)
		return !pick->over;
	cells = mem_zero(count + 1, sizeof(*cells));
	for (size_t i = 0; i < count; i++)
		cells[i] = (struct cell){ CELL_TEXT, names[i], strlen(names[i]) };
	pick->table.names = header_names(cells, count);
	pick->table.names_count = count;
	free(cells);
	header_decide(pick);
	return !pick->over;
}

static bool take_text(struct sink *sink, const char *place, const char *text, size_t len)
{
	(void)place;
	(void)text;
	(void)len;
	return table_end(pick_of(sink));
}

static bool take_file(struct sink *sink, const char *name, const char *kind, const char *error)
{
	(void)name;
	(void)kind;
	(void)error;
	return table_end(pick_of(sink));
}

static void take_title(struct sink *sink, const char *title)
{
	(void)sink;
	(void)title;
}

static void take_pages(struct sink *sink, int64_t pages)
{
	(void)sink;
	(void)pages;
}

static void take_warning(struct sink *sink, const char *warning)
{
	struct pick *pick = pick_of(sink);

	pick->to->warn(pick->to, warning);
}

void pick_open(struct pick *pick, const struct spec *spec, struct pick_to *to)
{
	*pick = (struct pick){ .to = to, .spec = spec };
	pick->sink = (struct sink){ take_text, take_table, take_row,   take_columns,
				    take_file, take_title, take_pages, take_warning };
}

void pick_end(struct pick *pick)
{
	table_end(pick);
}

void pick_close(struct pick *pick)
{
	pick->over = true;
	table_end(pick);
}
