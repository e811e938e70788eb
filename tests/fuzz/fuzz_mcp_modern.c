/* rooms: base io mcp */
/* What a server of 2026-07-28 says of itself: schemas that want arguments in headers, values for them, and results that ask
 * back. No row may hold more than one header, and what is sent once more is an object of two keys at most. */
#include "crypto.h"
#include "mem.h"
#include "server.h"
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void is_one_header(const char *row)
{
	const char *colon = strstr(row, ": ");

	if (colon == NULL || colon == row)
		abort();
	for (const char *at = row; *at; at++)
		if (*at < ' ' || *at > '~')
			abort();
}

static void as_schema(const json_t *value)
{
	struct param_rows rows = { 0 };
	struct err err = { 0 };

	if (!param_check(json_object_get(value, "s"), &err))
		return;
	param_mirror(&rows, json_object_get(value, "s"), json_object_get(value, "a"));
	for (size_t i = 0; i < rows.count; i++)
		is_one_header(rows.rows[i]);
	param_finish(&rows);
}

static void as_result(const json_t *value)
{
	struct err err = { 0 };
	json_t *more = round_next(value, &err);

	round_of(value);
	if (more == NULL && err.kind != ERR_REFUSED)
		abort();
	if (more && (json_object_size(more) < 1 || json_object_size(more) > 2 ||
		     json_object_get(more, "requestState") != json_object_get(value, "requestState")))
		abort();
	json_decref(more);
}

/* Either the text itself, or its base64. */
static void as_value(const char *text, size_t len)
{
	char *value = param_value(text, len);
	size_t size = strlen(value), out;
	uint8_t *back;

	if (size > 11 && strncmp(value, "=?base64?", 9) == 0 && strcmp(value + size - 2, "?=") == 0) {
		back = mem_alloc(size + 3);
		if (!crypto_unbase64(value + 9, size - 11, back, &out) || out != len ||
		    memcmp(back, text, len) != 0)
			abort();
		free(back);
	} else if (size != len || memcmp(value, text, len) != 0) {
		abort();
	}
	free(value);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	json_t *value = json_read((const char *)data, size, NULL);

	as_value((const char *)data, size);
	if (value == NULL)
		return 0;
	as_schema(value);
	as_result(value);
	json_decref(value);
	return 0;
}
