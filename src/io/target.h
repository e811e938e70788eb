/* The target of a request taken apart and percent-decoded. No input or output. */
#ifndef USHER_TARGET_H
#define USHER_TARGET_H

#include <stdbool.h>
#include <stddef.h>

enum { TARGET_SEGMENTS_MAX = 32 };

struct target {
	char *path;			     /* decoded as a whole, for people */
	char *segments[TARGET_SEGMENTS_MAX]; /* split at '/' before decoding, so that %2F stays inside one */
	unsigned count;
	char *query, *query_end; /* name NUL value NUL ..., decoded */
	char *end;		 /* the first byte of the work space that is not used */
};

/* Bytes of work space that target_read needs. */
size_t target_room(size_t len);

/* raw is "/path?query", "http://host/path?query" or "*". space: target_room(len) bytes that live as long as
 * the target. false: malformed (bad escape, encoded NUL, too many segments). */
bool target_read(struct target *target, const char *raw, size_t len, char *space);

/* NULL when absent; the first of several. */
const char *target_query(const struct target *target, const char *name);

#endif
