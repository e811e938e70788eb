/* Ids of server-sent events: how far a client's copy of an answer is. "UUID.ATTEMPT.OFFSET.CHECK": bytes of
 * the answer before the next event, and a check over them, so that a client is never continued on another
 * text. Pure. */
#ifndef USHER_API_EVENT_ID_H
#define USHER_API_EVENT_ID_H

#include "crypto.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { EVENT_ID_SIZE = 37 + 11 + 21 + 9 };

struct event_id {
	unsigned attempt;
	size_t offset;
	uint32_t check;
	bool given;   /* there was an id at all */
	bool checked; /* it carried a check */
};

/* The start of any answer. */
struct event_id event_id_start(void);

/* Goes on over the next bytes. */
void event_id_pass(struct event_id *id, const char *text, size_t len);

/* Is what the client has a beginning of this answer, cut between two characters? */
bool event_id_fits(const struct event_id *id, const char *text, size_t len, unsigned attempt);

/* Returns out. */
char *event_id_print(const struct event_id *id, const char *uuid, char out[EVENT_ID_SIZE]);

/* An id of this message, CHECK may be missing; NULL or anything else: false, and `given` says whether there
 * was one. */
bool event_id_parse(const char *text, const char *uuid, struct event_id *id_out);

/* The longest beginning that does not end inside a character. */
size_t event_id_whole(const char *text, size_t len);

#endif
