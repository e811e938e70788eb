/* What the converter is asked (src/parse/spec.h): models write numbers as texts and leave out what they don't need as null. */
#include "filetools_room.h"
#include "text.h"
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { FILE_NAME_MAX = 150, COLUMNS_MAX = 200 };

static const struct file_format formats[] = {
	{ "csv", "csv", ".csv", "text/csv" },
	{ "tsv", "tsv", ".tsv", "text/tab-separated-values" },
	{ "json", "json", ".json", "application/json" },
	{ "ndjson", "jsonl", ".ndjson", "application/x-ndjson" },
	{ "xlsx", "excel", ".xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet" },
	{ "markdown", "md", ".md", "text/markdown" },
	{ "text", "txt", ".txt", "text/plain" },
	{ "none", "none", "", "" },
};

const struct file_format *file_format(const char *name)
{
	for (size_t i = 0; name && i < sizeof(formats) / sizeof(*formats); i++)
		if (strcasecmp(formats[i].name, name) == 0 || strcasecmp(formats[i].also, name) == 0)
			return &formats[i];
	return NULL;
}

const char *file_name(struct file_call *call, const char *wish, const char *source,
		      const struct file_format *format)
{
	char *clean = text_file_name(wish ? wish : source, FILE_NAME_MAX);
	const char *dot = strrchr(clean, '.'), *name;
	size_t len = strlen(clean), extension = strlen(format->extension);
	bool has = len > extension && strcasecmp(clean + len - extension, format->extension) == 0;

	if (!has && wish == NULL && dot && dot > clean)
		len = (size_t)(dot - clean);
	name = arena_format(call->arena, "%.*s%s", (int)len, clean, has ? "" : format->extension);
	free(clean);
	return name;
}

/* ---- names and numbers ------------------------------------------------------------------------------------------- */

static bool named_in(const json_t *list, const char *name)
{
	const json_t *one;
	size_t i;

	json_array_foreach (list, i, one) {
		const char *other = json_text(one, "name");

		if (other && strcasecmp(other, name) == 0)
			return true;
	}
	return false;
}

static bool has_column(const json_t *outline, const char *name)
{
	const json_t *table;
	size_t i;

	json_array_foreach (json_object_get(outline, "tables"), i, table)
		if (named_in(json_object_get(table, "columns"), name))
			return true;
	return false;
}

/* "3" is the third, unless something is called so. A new reference. */
static json_t *name_or_number(const json_t *value, bool is_name)
{
	const char *text = json_string_value(value);
	size_t digits = text ? strspn(text, "0123456789") : 0;

	if (digits > 0 && digits <= 6 && text[digits] == '\0' && !is_name)
		return json_integer(strtoll(text, NULL, 10));
	return json_deep_copy(value);
}

/* A bound of a number column as a number. A new reference. */
static json_t *bound_of(const json_t *value)
{
	const char *text = json_string_value(value);
	json_t *number = text ? json_loads(text, JSON_DECODE_ANY, NULL) : NULL;

	if (json_is_number(number))
		return number;
	json_decref(number);
	return json_deep_copy(value);
}

static json_t *column_spec(struct file_call *call, const json_t *column)
{
	json_t *spec = json_object();
	const char *key;
	json_t *value;

	if (json_is_string(column)) { /* a name alone */
		json_object_set(spec, "name", (json_t *)(uintptr_t)column);
		return spec;
	}
	json_object_foreach ((json_t *)(uintptr_t)column, key, value) {
		if (json_is_null(value) || (json_is_string(value) && json_string_length(value) == 0))
			continue;
		if (strcmp(key, "from") == 0)
			json_object_set_new(
				spec, key,
				name_or_number(value, json_is_string(value) &&
							      has_column(call->about.outline,
									 json_string_value(value))));
		else if (strcmp(key, "min") == 0 || strcmp(key, "max") == 0)
			json_object_set_new(spec, key, bound_of(value));
		else
			json_object_set(spec, key, value);
	}
	return spec;
}

static bool add_columns(struct file_call *call, json_t *spec, const char **why_out)
{
	const json_t *columns = json_object_get(call->arguments, "columns"), *column;
	json_t *list;
	size_t i;

	if (columns == NULL || json_is_null(columns) ||
	    (json_is_array(columns) && json_array_size(columns) == 0))
		return true;
	if (!json_is_array(columns) || json_array_size(columns) > COLUMNS_MAX) {
		*why_out = "columns is an array of at most 200 objects, each with the name of a column";
		return false;
	}
	list = json_array();
	json_object_set_new(spec, "columns", list);
	json_array_foreach (columns, i, column) {
		if (!json_is_string(column) && json_text(column, "name") == NULL) {
			*why_out = "each of columns is an object with the name of a column";
			return false;
		}
		json_array_append_new(list, column_spec(call, column));
	}
	return true;
}

char *file_spec(struct file_call *call, const char **why_out)
{
	const struct file_format *format = file_format(json_text(call->arguments, "format"));
	const json_t *table = json_object_get(call->arguments, "table");
	const char *refused = json_text(call->arguments, "refused");
	json_t *spec;
	char *text = NULL;

	if (format == NULL) {
		*why_out = "format is one of csv, tsv, json, ndjson, xlsx, markdown, text, none";
		return NULL;
	}
	spec = json_pack("{s:s}", "format", format->name);
	if (json_is_number(table) || (json_is_string(table) && json_string_length(table) > 0))
		json_object_set_new(
			spec, "table",
			name_or_number(table, json_is_string(table) &&
						      named_in(json_object_get(call->about.outline, "tables"),
							       json_string_value(table))));
	if (refused && *refused)
		json_object_set_new(spec, "refused", json_string(refused));
	if (add_columns(call, spec, why_out))
		text = json_write(spec);
	json_decref(spec);
	return text;
}
