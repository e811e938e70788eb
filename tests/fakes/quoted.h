/* JSON in C strings without a backslash at every quote: `'` stands for `"`. */
#ifndef QUOTED_H
#define QUOTED_H

#include "json.h"
#include "mem.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Parsed; the caller releases. */
static inline json_t *quoted_json(const char *text)
{
	char *copy = mem_text(text);
	struct err err = { 0 };
	json_t *json;

	for (char *at = copy; *at; at++)
		if (*at == '\'')
			*at = '"';
	json = json_read(copy, strlen(copy), &err);
	if (json == NULL)
		fail_msg("%s in %s", err.text, copy);
	free(copy);
	return json;
}

#endif
