/* The version without a handshake, 2026-07-28: what each of its requests must say of itself (sheet 13). */
#ifndef USHER_MCPSERVER_STATELESS_H
#define USHER_MCPSERVER_STATELESS_H

#include "served.h"

/* Does this message belong to it, by its headers (or NULL) or by itself? */
bool stateless_is(const json_t *message, const struct served_headers *headers);

/* What is wrong with such a request. */
struct stateless_fault {
	int code, status; /* code 0: nothing is */
	const char *why;
	json_t *data; /* of the error, or NULL; the caller releases */
};
struct stateless_fault stateless_check(const json_t *message, const struct served_headers *headers);

/* Makes a result one of this version. ttl_ms: how long it is good; below 0: it is not to be kept at all. */
void stateless_mark(json_t *result, int ttl_ms);

#endif
