/* The head of a request: request line and headers, read by one strict rule. No input or output. */
#ifndef USHER_HEAD_H
#define USHER_HEAD_H

#include "web.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Why a request is refused by the server itself. Static data. */
struct web_fault {
	int status;
	const char *code, *text;
};

/* Finds the end of the head while its bytes arrive. Zero-initialise. */
struct head_scan {
	uint32_t start, line,
		at; /* offsets: first byte of the request line, of this line, not yet looked at */
	uint32_t lines, first_len;
};

/* text: all bytes so far, at most WEB_HEAD_MAX of them. *end_out: offset behind the empty line, 0 when more
 * bytes are needed. Returns NULL, or what is wrong already. */
const struct web_fault *head_scan(struct head_scan *scan, const char *text, size_t len, size_t *end_out);

struct head {
	char *text; /* the caller's; every string is NUL-terminated in it */
	const char *method;
	char *target;
	uint32_t target_len;
	uint32_t count;
	struct head_line {
		uint16_t name, value;
	} lines[WEB_HEADERS_MAX];
	uint64_t length; /* of the body, 0 when not announced */
	bool has_length, chunked;
	bool one_one; /* HTTP/1.1, else 1.0 */
	bool keep_alive;
	bool continues; /* waits for "100 Continue" */
};

/* text[start..end) is a whole head; it is changed in place. NULL when accepted. */
const struct web_fault *head_read(struct head *head, char *text, size_t start, size_t end);

/* Any case; NULL when absent, the first of several. times_out may be NULL. */
const char *head_find(const struct head *head, const char *name, unsigned *times_out);

/* Whether a comma-separated list ("keep-alive, Upgrade") has this word, any case. list may be NULL. */
bool head_lists(const char *list, const char *word);

#endif
