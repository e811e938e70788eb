/* The short way of json_read; nobody else needs it. */
#ifndef USHER_JSON_QUICK_H
#define USHER_JSON_QUICK_H

#include <jansson.h>
#include <stddef.h>

/* What jansson would make of the text, at a quarter of the cost; NULL: let jansson say. That are texts that are refused, and
 * rare ones that are not: real numbers, integers of more than 18 digits, escapes in keys. The caller releases with
 * json_decref. */
json_t *json_quick(const char *text, size_t len);

/* How many bytes from the first on stand for themselves in a JSON string. */
size_t json_plain_len(const char *text, size_t len);

#endif
