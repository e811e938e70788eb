/* The outline: gathers, then writes as much as an answer has room for. */
#include "outline.h"
#include "json.h"
#include "mem.h"
#include "text.h"
#include <stdlib.h>
#include <string.h>

enum { TITLE_MAX = 300, WARNING_MAX = 300, NAME_MAX_BYTES = 200 };

/* One line, valid, at most max bytes; the caller frees. */
static char *tidy(const char *text, size_t max)
{
	size_t len = strlen(text);
	char *valid = text_repair(text, len > max ? text_fit(text, len, max) : len);
	char *line = text_one_line(valid);

	free(valid);
	return line;
}

void outline_open(struct outline *outline)
{
	*outline = (struct outline){ .warnings = json_array(), .files = json_array() };
}

void outline_title(struct outline *outline, const char *title)
{
	free(outline->title);
	outline->title = tidy(title, TITLE_MAX);
}

void outline_warn(struct outline *outline, const char *warning)
{
	char *line = tidy(warning, WARNING_MAX);
	bool known = json_array_size(outline->warnings) >= WARNINGS_MAX;
	const json_t *value;
	size_t i;

	json_array_foreach (outline->warnings, i, value)
		known = known || strcmp(json_string_value(value), line) == 0;
	if (!known)
		json_array_append_new(outline->warnings, json_string(line));
	free(line);
}

void outline_file(struct outline *outline, const char *name, const char *kind, const char *error)
{
	char *line = tidy(name, NAME_MAX_BYTES), *why = error ? tidy(error, WARNING_MAX) : NULL;
	size_t count = json_array_size(outline->files);
	json_t *file = json_array_get(outline->files, count ? count - 1 : 0);
	const char *last = file ? json_text(file, "name") : NULL;

	if (why != NULL && last != NULL && strcmp(last, line) == 0)
		json_object_set_new(file, "error", json_string(why));
	else if (count < FILES_MAX)
		json_array_append_new(outline->files, json_pack("{s:s, s:s, s:s*}", "name", line, "kind",
								kind, "error", why));
	free(line);
	free(why);
}

struct outline_table *outline_table(struct outline *outline, const char *name, const char *place)
{
	struct outline_table *table;

	if (outline->tables_count == TABLES_MAX)
		return NULL;
	table = mem_zero(1, sizeof(*table));
	table->name = tidy(name, NAME_MAX_BYTES);
	table->place = tidy(place, NAME_MAX_BYTES);
	outline->tables[outline->tables_count++] = table;
	return table;
}

void outline_row(struct outline_table *table, const struct cell *cells, size_t count)
{
	size_t described = count < COLUMNS_MAX ? count : COLUMNS_MAX;

	table->rows++;
	if (described > table->columns_count)
		table->columns_count = described;
	for (size_t i = 0; i < described; i++)
		column_add(&table->columns[i], &cells[i]);
}

/* ---- writing --------------------------------------------------------------------------------------------------- */

static json_t *column_json(const struct outline_table *table, size_t i, bool samples)
{
	const struct column *column = &table->columns[i];
	json_t *json = json_object(), *list = json_array();
	char *plain = i < table->names_count ? NULL : mem_format("column %zu", i + 1);

	json_object_set_new(json, "name", json_string(plain ? plain : table->names[i]));
	json_object_set_new(json, "type", json_string(value_name(column_type(column))));
	json_object_set_new(json, "filled", json_integer((json_int_t)column->filled));
	for (size_t k = 0; samples && k < SAMPLES_MAX && column->samples[k] != NULL; k++)
		json_array_append_new(list, json_string(column->samples[k]));
	json_object_set_new(json, "samples", list);
	free(plain);
	return json;
}

static json_t *table_json(const struct outline_table *table, bool samples)
{
	size_t named = table->names_count < COLUMNS_MAX ? table->names_count : COLUMNS_MAX;
	size_t count = named > table->columns_count ? named : table->columns_count;
	json_t *columns = json_array();

	for (size_t i = 0; i < count; i++)
		json_array_append_new(columns, column_json(table, i, samples));
	return json_pack("{s:s, s:s, s:I, s:o}", "name", table->name, "place", table->place, "rows",
			 (json_int_t)table->rows, "columns", columns);
}

static size_t size_of(const json_t *json)
{
	return json_dumpb(json, NULL, 0, JSON_COMPACT);
}

static json_t *tables_json(const struct outline *outline, size_t room)
{
	json_t *tables = json_array();
	size_t used = 2;

	for (size_t i = 0; i < outline->tables_count; i++) {
		json_t *table = table_json(outline->tables[i], used < room / 2);
		size_t size = size_of(table) + 1;

		if (used + size > room && used < room / 2) {
			json_decref(table);
			table = table_json(outline->tables[i], false);
			size = size_of(table) + 1;
		}
		if (used + size > room) {
			json_decref(table);
			break;
		}
		used += size;
		json_array_append_new(tables, table);
	}
	return tables;
}

void outline_write(const struct outline *outline, json_t *into, size_t room)
{
	size_t files = size_of(outline->files) + size_of(outline->warnings);

	if (outline->title != NULL && outline->title[0] != '\0')
		json_object_set_new(into, "title", json_string(outline->title));
	if (outline->pages > 0)
		json_object_set_new(into, "pages", json_integer((json_int_t)outline->pages));
	json_object_set(into, "warnings", outline->warnings);
	json_object_set_new(into, "tables", tables_json(outline, room > files ? room - files : 0));
	json_object_set(into, "files", outline->files);
}

void outline_close(struct outline *outline)
{
	for (size_t t = 0; t < outline->tables_count; t++) {
		struct outline_table *table = outline->tables[t];

		for (size_t i = 0; i < COLUMNS_MAX; i++)
			column_free(&table->columns[i]);
		for (size_t i = 0; i < table->names_count; i++)
			free(table->names[i]);
		free(table->names);
		free(table->name);
		free(table->place);
		free(table);
	}
	json_decref(outline->warnings);
	json_decref(outline->files);
	free(outline->title);
}
