/* What a request of 2026-07-28 says of itself in headers: its method, its name, and arguments that the tool's schema marks
 * with x-mcp-header (sheet 13). Something between us and the server may read these instead of the body, so they are exact. */
#include "crypto.h"
#include "mem.h"
#include "server.h"
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define MARK	  "x-mcp-header"
#define CODED	  "=?base64?"
#define CODED_END "?="

enum {
	ROW_MAX = 8000,
	ROWS_MAX = 12000
}; /* bytes: nginx and Apache take 8 KiB in a line, Node 16 KiB in all */

static const json_int_t exact_max = ((json_int_t)1 << 53) - 1; /* beyond it other languages round */

/* ---- values ------------------------------------------------------------------------------------------------- */

static bool looks_coded(const char *text, size_t len)
{
	size_t head = strlen(CODED), tail = strlen(CODED_END);

	return len >= head + tail && memcmp(text, CODED, head) == 0 &&
	       memcmp(text + len - tail, CODED_END, tail) == 0;
}

static bool plain(const char *text, size_t len)
{
	if (len == 0)
		return true;
	if (text[0] == ' ' || text[len - 1] == ' ' || looks_coded(text, len))
		return false;
	for (size_t i = 0; i < len; i++)
		if (text[i] < ' ' || text[i] > '~')
			return false;
	return true;
}

char *param_value(const char *text, size_t len)
{
	char *coded, *value;

	if (plain(text, len))
		return mem_text_n(text, len);
	coded = mem_alloc(4 * ((len + 2) / 3) + 1);
	crypto_base64(text, len, coded);
	value = mem_format("%s%s%s", CODED, coded, CODED_END);
	free(coded);
	return value;
}

void param_add(struct param_rows *rows, const char *name, const char *text, size_t len)
{
	char *value = param_value(text, len);

	rows->rows = mem_resize(rows->rows, rows->count + 2, sizeof(char *));
	rows->rows[rows->count++] = mem_format("%s: %s", name, value);
	rows->rows[rows->count] = NULL;
	free(value);
}

void param_finish(struct param_rows *rows)
{
	for (size_t i = 0; i < rows->count; i++)
		free(rows->rows[i]);
	free(rows->rows);
	*rows = (struct param_rows){ 0 };
}

/* ---- what a schema marks ------------------------------------------------------------------------------------- */

/* Header names that have been seen, to find doubles; count of marks anywhere. */
struct marks {
	const char **names;
	size_t count;
};

static bool token(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (!isalnum((unsigned char)text[i]) &&
		    (text[i] == '\0' || !strchr("!#$%&'*+-.^_`|~", text[i])))
			return false;
	return len > 0;
}

static bool take_mark(struct marks *marks, const json_t *property, struct err *err)
{
	const json_t *mark = json_object_get(property, MARK);
	const char *type = json_text(property, "type"), *name = json_string_value(mark);

	if (mark == NULL)
		return true;
	if (name == NULL || !token(name, json_string_length(mark)))
		return err_set(err, ERR_REFUSED, "%s is not the name of a header", MARK);
	if (type == NULL ||
	    (strcmp(type, "string") != 0 && strcmp(type, "integer") != 0 && strcmp(type, "boolean") != 0))
		return err_set(err, ERR_REFUSED,
			       "%s \"%.60s\" is at something that is no string, integer or boolean", MARK,
			       name);
	for (size_t i = 0; i < marks->count; i++)
		if (strcasecmp(marks->names[i], name) == 0)
			return err_set(err, ERR_REFUSED, "%s \"%.60s\" is there twice", MARK, name);
	marks->names = mem_resize(marks->names, marks->count + 1, sizeof(char *));
	marks->names[marks->count++] = name;
	return true;
}

/* Down the chains of `properties` alone. The depth was bounded when the schema was taken. */
static bool take_properties(struct marks *marks, const json_t *schema, struct err *err)
{
	json_t *properties = json_object_get(schema, "properties"), *one;
	const char *key;

	json_object_foreach (properties, key, one) {
		if (!take_mark(marks, one, err) || !take_properties(marks, one, err))
			return false;
	}
	return true;
}

static size_t count_marks(const json_t *value, bool names);

static size_t count_inside(const json_t *object, bool names)
{
	size_t count = 0;
	const char *key;
	json_t *one;

	json_object_foreach ((json_t *)(uintptr_t)object, key, one) {
		/* what stands for data is no schema: a value that only looks like a mark */
		bool data = !names && (strcmp(key, "default") == 0 || strcmp(key, "const") == 0 ||
				       strcmp(key, "enum") == 0 || strcmp(key, "examples") == 0);

		if (!names && strcmp(key, MARK) == 0)
			count++;
		else if (!data)
			count += count_marks(one, !names && strcmp(key, "properties") == 0);
	}
	return count;
}

/* Wherever they are, also where they must not be. names: the keys are names of properties, whatever they say. */
static size_t count_marks(const json_t *value, bool names)
{
	const json_t *one;
	size_t count = 0, i;

	if (json_is_object(value))
		return count_inside(value, names);
	json_array_foreach (value, i, one) {
		count += count_marks(one, false);
	}
	return count;
}

bool param_check(const json_t *schema, struct err *err)
{
	struct marks marks = { 0 };
	bool fine = take_properties(&marks, schema, err);

	if (fine && count_marks(schema, false) != marks.count)
		fine = err_set(err, ERR_REFUSED, "%s is at a place that properties alone do not lead to",
			       MARK);
	free(marks.names);
	return fine;
}

/* ---- what is sent along ---------------------------------------------------------------------------------------- */

static void add_param(struct param_rows *rows, const char *mark, const json_t *value)
{
	char *name = mem_format("Mcp-Param-%s", mark);
	char number[24];

	if (json_is_string(value)) {
		param_add(rows, name, json_string_value(value), json_string_length(value));
	} else if (json_is_boolean(value)) {
		const char *text = json_is_true(value) ? "true" : "false";

		param_add(rows, name, text, strlen(text));
	} else if (json_is_integer(value) && json_integer_value(value) <= exact_max &&
		   json_integer_value(value) >= -exact_max) {
		int len = snprintf(number, sizeof(number), "%lld", (long long)json_integer_value(value));

		param_add(rows, name, number, (size_t)len);
	}
	free(name); /* anything else, null above all, has no header */
}

void param_mirror(struct param_rows *rows, const json_t *schema, const json_t *arguments)
{
	json_t *properties = json_object_get(schema, "properties"), *one;
	const char *key;

	json_object_foreach (properties, key, one) {
		const char *mark = json_text(one, MARK);
		const json_t *value = json_object_get(arguments, key);

		if (mark && value)
			add_param(rows, mark, value);
		if (json_is_object(value))
			param_mirror(rows, one, value);
	}
}

bool param_fits(const struct mcp_tool *tool, const json_t *arguments, struct err *err)
{
	json_t *schema = json_read(tool->schema, strlen(tool->schema), NULL);
	struct param_rows rows = { 0 };
	size_t all = 0;
	bool fits = true;

	param_mirror(&rows, schema, arguments);
	for (size_t i = 0; fits && i < rows.count; i++) {
		size_t len = strlen(rows.rows[i]);

		all += len;
		if (len <= ROW_MAX && all <= ROWS_MAX)
			continue;
		rows.rows[i][strcspn(rows.rows[i], ":")] = '\0';
		fits = err_set(
			err, ERR_REFUSED,
			"not sent: an argument that this tool wants in the header %.60s is too long for "
			"that (%zu bytes)",
			rows.rows[i], len);
	}
	param_finish(&rows);
	json_decref(schema);
	return fits;
}
