/* Reading JSON from outside by one strict rule, and the few getters that every room needs. jansson does the work.
 * Refused: duplicate keys, NUL in strings, lone surrogates, invalid UTF-8, more than 64 levels, integers beyond 64
 * bits, reals beyond a double (security.md R20). */
#ifndef USHER_JSON_H
#define USHER_JSON_H

#include "err.h"
#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

enum { JSON_DEPTH_MAX = 64 };

/* One whole document. The caller releases with json_decref. NULL and err (with the position, nothing of the text)
 * when refused. */
json_t *json_read(const char *text, size_t len, struct err *err);

/* Compact text, keys in order of insertion; the caller frees. */
char *json_write(const json_t *value);

/* Borrowed; NULL when the key is missing or of another type. */
const char *json_text(const json_t *object, const char *key);
int64_t json_int(const json_t *object, const char *key,
		 int64_t fallback); /* takes whole reals ("12.0") too */

/* What stands between white space in text (NULL: nothing), as a JSON array of at most `most` words. The caller frees. */
char *json_words(const char *text, size_t most);

/* Appends text as a JSON string with its quotes. text must be UTF-8. */
struct buf;
void json_quote(struct buf *out, const char *text, size_t len);

/* The value an RFC 6901 pointer leads to, borrowed; NULL when there is none or the pointer is malformed. */
const json_t *json_pointer(const json_t *document, const char *pointer);

/* "" or "/..." with every ~ followed by 0 or 1. */
bool json_pointer_valid(const char *pointer);

#endif
