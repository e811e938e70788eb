/* An answer while it grows, and who waits for it: bookkeeping of every platform that shows answers before they are whole.
 * One thread at a time. */
#ifndef USHER_GROWING_H
#define USHER_GROWING_H

#include "buf.h"
#include "platform_words.h"

struct platform;

/* The beginning of one answer. Zero-initialise; growing_clear frees. */
struct growing {
	unsigned attempt;
	size_t received; /* bytes of the answer */
	bool fresh;	 /* more was heard than was asked for with growing_first */
	struct buf text; /* at most `most` bytes of it */
};

/* One more piece; of an earlier attempt it is ignored, a later one begins again. False: a piece is missing between, what
 * is known is no beginning of the answer any more. */
bool growing_take(struct growing *growing, const struct outgoing_part *part, size_t most);

/* What the first message of the answer would be, were it over now: all forms are closed. split: as platform_ops.split. The
 * caller frees. */
char *growing_first(struct growing *growing, struct platform *platform,
		    size_t (*split)(struct platform *platform, const char *text, char ***texts_out));
void growing_clear(struct growing *growing);

/* Messages that wait in one place; further ones are not counted. Zero-initialise. */
enum { WAITERS_MAX = 16 };
struct waiters {
	char uuids[WAITERS_MAX][MESSAGE_UUID_SIZE];
	unsigned count;
};
void waiters_add(struct waiters *waiters, const char *uuid); /* twice is once */
void waiters_drop(struct waiters *waiters, const char *uuid);

#endif
