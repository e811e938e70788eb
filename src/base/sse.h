/* Server-sent events from bytes in any split (the WHATWG rules, and the sloppiness of real servers). Pure. */
#ifndef USHER_SSE_H
#define USHER_SSE_H

#include "buf.h"
#include <stdbool.h>

/* Zero-initialise; then set line_max. */
struct sse {
	size_t line_max; /* bytes of a line, and of the data of one event */
	struct buf line, data;
	char event[32]; /* longer names are cut: none that we know is */
	bool has_data, after_cr, begun, dead;

	/* For who wants to go on where a stream broke off. Read only. */
	struct buf last_id; /* of the last event that came to its end, one without data too; empty: none */
	bool has_retry;	    /* the server said how long to wait before that */
	unsigned retry_ms;

	struct buf id; /* of the event under way */
	bool has_id;
};

/* One event. event is "" when not named. Return false to stop reading. */
typedef bool sse_fn(void *owner, const char *event, const char *data, size_t len);

/* False: a line is too long, or fn stopped; the rest is ignored then. */
bool sse_feed(struct sse *sse, const char *bytes, size_t len, sse_fn *fn, void *owner);

/* The stream is over. A last event without its blank line is passed on too, since some servers end so. */
bool sse_end(struct sse *sse, sse_fn *fn, void *owner);

void sse_finish(struct sse *sse);

#endif
