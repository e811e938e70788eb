/* Reading a SPEC: a model wrote it, so a refusal says what is wrong and what there is instead. */
#include "spec.h"
#include "amount.h"
#include "json.h"
#include "mem.h"
#include "moment.h"
#include "names.h"
#include "parse.h"
#include <stdio.h>
#include <string.h>

static const char *const FORMATS[SPEC_FORMATS] = { "csv",  "tsv",      "json", "ndjson",
						   "xlsx", "markdown", "text", "none" };
static const char *const MIMES[SPEC_FORMATS] = {
	"text/csv",
	"text/tab-separated-values",
	"application/json",
	"application/x-ndjson",
	"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
	"text/markdown",
	"text/plain",
	"",
};
static const char *const TYPES[SPEC_TYPES] = { "text", "number", "integer", "date", "datetime", "boolean" };

const char *spec_format_mime(enum spec_format format)
{
	return MIMES[format];
}

const char *spec_type_name(enum spec_type type)
{
	return type < SPEC_TYPES ? TYPES[type] : "as it is";
}

/* ---- parts ------------------------------------------------------------------------------------------------------- */

struct reading {
	struct spec *spec;
	const char *column; /* NULL: of none */
	char nameless[24];  /* a column that has no name yet: its number */
	struct err *err;
};

static bool refuse(const struct reading *reading, const char *what)
{
	if (reading->column != NULL)
		return parse_fail(reading->err, "spec", "Column \"%s\": %s", name_show(reading->column).text,
				  what);
	return parse_fail(reading->err, "spec", "%s", what);
}

static bool refuse_key(const struct reading *reading, const char *key, const char *what)
{
	char text[400];

	snprintf(text, sizeof(text), "\"%s\" %s", key, what);
	return refuse(reading, text);
}

static bool keys_known(const struct reading *reading, const json_t *object, const char *const *known,
		       const char *list)
{
	const char *key;
	json_t *value;

	json_object_foreach ((json_t *)(uintptr_t)object, key, value) {
		size_t i = 0;
		char text[300];

		while (known[i] != NULL && strcmp(known[i], key) != 0)
			i++;
		if (known[i] != NULL)
			continue;
		snprintf(text, sizeof(text), "\"%s\" is not known; there are %s.", name_show(key).text, list);
		return refuse(reading, text);
	}
	return true;
}

/* The place of a word among others; false and err: it is none of them. A key that is missing leaves *out as it is. */
static bool word_take(const struct reading *reading, const json_t *object, const char *key,
		      const char *const *words, size_t count, unsigned *out)
{
	const json_t *value = json_object_get(object, key);
	char text[300];
	size_t at;

	if (value == NULL)
		return true;
	for (unsigned i = 0; json_is_string(value) && i < count; i++)
		if (strcmp(words[i], json_string_value(value)) == 0) {
			*out = i;
			return true;
		}
	at = (size_t)snprintf(text, sizeof(text), "must be one of ");
	for (size_t i = 0; i < count; i++)
		at += (size_t)snprintf(text + at, sizeof(text) - at, "%s\"%s\"", i ? ", " : "", words[i]);
	snprintf(text + at, sizeof(text) - at, ".");
	return refuse_key(reading, key, text);
}

static bool bool_take(const struct reading *reading, const json_t *object, const char *key, bool *out)
{
	const json_t *value = json_object_get(object, key);

	if (value == NULL)
		return true;
	*out = json_is_true(value);
	return json_is_boolean(value) || refuse_key(reading, key, "must be true or false.");
}

/* A text of 1 to max bytes, or with number_out a number from 1. */
static bool name_take(const struct reading *reading, const json_t *object, const char *key, size_t max,
		      const char **out, int64_t *number_out)
{
	const json_t *value = json_object_get(object, key);
	size_t len = json_is_string(value) ? json_string_length(value) : 0;

	if (value == NULL)
		return true;
	if (number_out != NULL && json_is_integer(value) && json_integer_value(value) > 0) {
		*number_out = json_integer_value(value);
		return true;
	}
	if (len == 0 || len > max)
		return refuse_key(reading, key,
				  number_out ? "must be a name or a number from 1."
					     : "must be a text that is not empty and not too long.");
	*out = arena_text(reading->spec->arena, json_string_value(value));
	return true;
}

/* ---- values of a column's type ----------------------------------------------------------------------------------- */

/* The value as it goes out; NULL: it is none of this type. */
static const char *value_take(const struct reading *reading, enum spec_type type, const json_t *value)
{
	const char *text = json_string_value(value);
	char number[64];
	struct buf out = { 0 };
	struct moment moment;
	bool good = false;

	if (json_is_integer(value))
		snprintf(number, sizeof(number), "%lld", (long long)json_integer_value(value)), text = number;
	else if (json_is_real(value))
		snprintf(number, sizeof(number), "%.15g", json_real_value(value)), text = number;
	else if (json_is_boolean(value))
		text = json_is_true(value) ? "true" : "false";
	if (text == NULL || strlen(text) > SPEC_VALUE_MAX)
		return NULL;
	if (type == SPEC_NUMBER || type == SPEC_INTEGER) {
		struct amount amount;

		good = amount_scan(&amount, text, strlen(text)) && amount_write(&amount, '.', &out) &&
		       (type == SPEC_NUMBER || amount_whole(&out) == AMOUNT_WHOLE);
	} else if (type == SPEC_DATE || type == SPEC_DATETIME) {
		good = moment_scan(&moment, text, strlen(text)) == MOMENT_GOOD &&
		       moment.order == ORDER_YEAR_FIRST &&
		       moment_write(&moment, true, type == SPEC_DATETIME, &out);
	} else if (type == SPEC_BOOLEAN) {
		good = strcmp(text, "true") == 0 || strcmp(text, "false") == 0;
		buf_text(&out, text);
	} else {
		good = true;
		buf_text(&out, text);
	}
	text = good ? arena_text(reading->spec->arena, buf_str(&out)) : NULL;
	buf_free(&out);
	return text;
}

static bool limit_take(const struct reading *reading, const struct spec_column *column, const json_t *given,
		       const char *key, const char **out)
{
	const json_t *value = json_object_get(given, key);

	if (value == NULL)
		return true;
	if (column->type == SPEC_AS_TEXT || column->type == SPEC_BOOLEAN)
		return refuse_key(reading, key, "is for the types number, integer, date and datetime only.");
	*out = json_is_boolean(value) ? NULL : value_take(reading, column->type, value);
	if (*out != NULL)
		return true;
	return refuse_key(reading, key,
			  column->type == SPEC_NUMBER || column->type == SPEC_INTEGER
				  ? "must be a number of the column's type."
				  : "must be a date like \"2026-01-31\".");
}

static bool one_of_take(const struct reading *reading, struct spec_column *column, const json_t *given)
{
	const json_t *list = json_object_get(given, "one_of");
	size_t count = json_array_size(list);

	if (list == NULL)
		return true;
	if (!json_is_array(list) || count == 0 || count > SPEC_ONE_OF_MAX)
		return refuse_key(reading, "one_of", "must be a list of 1 to 1000 values.");
	column->one_of = arena_alloc(reading->spec->arena, count * sizeof(*column->one_of));
	for (size_t i = 0; i < count; i++) {
		column->one_of[i] = value_take(reading, column->type, json_array_get(list, i));
		if (column->one_of[i] == NULL)
			return refuse_key(reading, "one_of", "has a value that is not of the column's type.");
	}
	column->one_of_count = count;
	return true;
}

static bool rules_agree(const struct reading *reading, const struct spec_column *column)
{
	bool number = column->type == SPEC_NUMBER || column->type == SPEC_INTEGER;

	if (column->min == NULL || column->max == NULL)
		return true;
	if ((number ? amount_compare(column->min, column->max) : moment_compare(column->min, column->max)) >
	    0)
		return refuse(reading, "\"min\" is above \"max\".");
	return true;
}

static bool rules_take(const struct reading *reading, struct spec_column *column, const json_t *given)
{
	const json_t *standard = json_object_get(given, "default"),
		     *most = json_object_get(given, "max_length");

	if (!bool_take(reading, given, "required", &column->required) ||
	    !bool_take(reading, given, "unique", &column->unique) ||
	    !limit_take(reading, column, given, "min", &column->min) ||
	    !limit_take(reading, column, given, "max", &column->max) || !one_of_take(reading, column, given))
		return false;
	if (most != NULL && (!json_is_integer(most) || json_integer_value(most) < 1))
		return refuse_key(reading, "max_length", "must be a whole number from 1.");
	column->max_length = json_integer_value(most);
	if (standard != NULL) {
		column->standard = value_take(reading, column->type, standard);
		if (column->standard == NULL)
			return refuse_key(reading, "default",
					  "must be a value of the column's type (\"1.5\", \"2026-01-31\", "
					  "\"true\").");
	}
	return rules_agree(reading, column);
}

/* ---- columns ------------------------------------------------------------------------------------------------------ */

static bool column_take(struct reading *reading, struct spec_column *column, const json_t *given,
			size_t number)
{
	static const char *const keys[] = { "name", "from",   "type",	    "required", "unique", "min",
					    "max",  "one_of", "max_length", "default",	NULL };
	unsigned type = SPEC_AS_TEXT;

	snprintf(reading->nameless, sizeof(reading->nameless), "%zu", number);
	reading->column = reading->nameless;
	if (!json_is_object(given))
		return refuse(reading, "must be an object like {\"name\":\"amount\",\"type\":\"number\"}.");
	if (json_object_get(given, "name") == NULL)
		return refuse(reading, "\"name\" is missing.");
	if (!name_take(reading, given, "name", SPEC_NAME_MAX, &column->name, NULL))
		return false;
	reading->column = column->name;
	column->from = column->name;
	if (!keys_known(reading, given, keys,
			"name, from, type, required, unique, min, max, one_of, max_length and default") ||
	    !word_take(reading, given, "type", TYPES, SPEC_TYPES, &type) ||
	    !name_take(reading, given, "from", SPEC_NAME_MAX, &column->from, &column->from_number))
		return false;
	if (column->from_number > 0)
		column->from = NULL;
	column->type = (enum spec_type)type;
	return rules_take(reading, column, given);
}

static bool columns_take(struct reading *reading, const json_t *given)
{
	struct spec *spec = reading->spec;
	const json_t *list = json_object_get(given, "columns");
	size_t count = json_array_size(list);

	if (list == NULL)
		return true;
	if (!json_is_array(list) || count == 0 || count > SPEC_COLUMNS_MAX)
		return refuse(reading, "\"columns\" must be a list of 1 to 200 columns.");
	spec->columns = arena_alloc(spec->arena, count * sizeof(*spec->columns));
	for (size_t i = 0; i < count; i++) {
		if (!column_take(reading, &spec->columns[i], json_array_get(list, i), i + 1))
			return false;
		for (size_t k = 0; k < i; k++)
			if (strcmp(spec->columns[k].name, spec->columns[i].name) == 0)
				return refuse(reading, "there are two of this name.");
	}
	reading->column = NULL;
	spec->count = count;
	return true;
}

bool spec_read(struct spec *spec, const json_t *given, struct err *err)
{
	static const char *const keys[] = { "format", "table", "columns", "refused", NULL };
	static const char *const refused[] = { "leave_out", "keep" };
	struct reading reading = { .spec = spec, .err = err };
	unsigned format = 0, keep = 0;

	*spec = (struct spec){ .arena = arena_create() };
	if (!json_is_object(given))
		return refuse(&reading, "The order must be an object.");
	if (!keys_known(&reading, given, keys, "format, table, columns and refused"))
		return false;
	if (json_object_get(given, "format") == NULL)
		return refuse(&reading, "\"format\" is missing.");
	if (!word_take(&reading, given, "format", FORMATS, SPEC_FORMATS, &format) ||
	    !word_take(&reading, given, "refused", refused, 2, &keep) ||
	    !name_take(&reading, given, "table", SPEC_NAME_MAX, &spec->table, &spec->table_number))
		return false;
	spec->format = (enum spec_format)format;
	spec->keep = keep == 1;
	return columns_take(&reading, given);
}

void spec_free(struct spec *spec)
{
	arena_destroy(spec->arena);
	*spec = (struct spec){ 0 };
}
