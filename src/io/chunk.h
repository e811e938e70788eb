/* Bodies in chunks (RFC 9112, 7.1), decoded strictly. No input or output. */
#ifndef USHER_CHUNK_H
#define USHER_CHUNK_H

#include <stddef.h>
#include <stdint.h>

struct buf;

/* Zero-initialise for each body. */
struct chunk {
	uint64_t left;	   /* bytes of this chunk still to come */
	uint64_t overhead; /* bytes that are not data, bounded against the data */
	uint64_t taken;	   /* bytes of data so far */
	uint32_t state, digits;
};

enum chunk_result { CHUNK_MORE, CHUNK_DONE, CHUNK_BAD, CHUNK_TOO_LARGE };

/* Appends decoded bytes to body, which may be emptied in between; all of it never passes max. *used_out: bytes of data that belong to this
 * body. */
enum chunk_result chunk_read(struct chunk *chunk, const char *data, size_t len, struct buf *body, size_t max,
			     size_t *used_out);

#endif
