/* The body of a request to the control socket: {"args":["text", null, ...]}. Pure. */
#ifndef USHER_ADMIN_ARGS_H
#define USHER_ADMIN_ARGS_H

#include "err.h"
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

enum { ADMIN_ARGS_MAX = 16 };

/* texts[i] is NULL for null; the texts live in `body`. */
struct admin_args {
	json_t *body;
	const char *texts[ADMIN_ARGS_MAX];
	size_t count;
};

/* false and err when the body is not of that form: wrong JSON, too many, or something else than texts and null.
 * After true, admin_args_free. */
bool admin_args_read(struct admin_args *args, const char *text, size_t len, struct err *err);
void admin_args_free(struct admin_args *args);

#endif
