/* Carries replies to the plugins and records how each attempt ended (durability.md 2.5). */
#ifndef USHER_CORE_OUTBOX_H
#define USHER_CORE_OUTBOX_H

#include "inside.h"
#include "store_outbox.h"

struct store_reply;
struct sending;

enum {
	OUTBOX_IN_FLIGHT_MAX = 256,    /* sends at once */
	OUTBOX_LINE_MAX = 16,	       /* of one installation */
	OUTBOX_QUEUE_MAX = 64,	       /* marked as being sent, waiting for a place among those 16 */
	OUTBOX_SEND_LIMIT_MS = 120000, /* a plugin that is silent for so long: the reply may have arrived */
	OUTBOX_PROBE_MS = 300000,      /* refused credentials are tried again after this */
};

/* What the outbox remembers of an installation. */
struct outbox_line {
	size_t in_flight, queued;
	struct sending *queue;
	bool refused; /* our credentials were: nothing is sent until probe_ms, then one reply as a probe */
	uint64_t probe_ms; /* loop time */
	char why[200];
};

/* How a plugin says a send ended. Borrowed. */
struct outbox_outcome {
	enum sent how;
	unsigned retry_ms;
	const char *remote_id, *why;
};

struct outbox *outbox_create(struct core *core);
void outbox_destroy(struct outbox *outbox);

/* A reply that the store has marked as being sent: goes out now. Borrowed. */
void outbox_take(struct outbox *outbox, const struct store_reply *reply);

/* A reply of this conversation was stored behind an unfinished one. */
void outbox_behind(struct outbox *outbox, int64_t conversation_id);

/* An installation leaves: what waits for a place is put back (REPLY_PENDING) or not sent any more (REPLY_CANCELLED). */
void outbox_leave(struct outbox *outbox, struct installation *inst, enum reply_state state, const char *why);

/* Its plugin object is destroyed: how its running sends end will not be told. */
void outbox_forget(struct outbox *outbox, const struct installation *inst);

/* Asks the store what is due. */
void outbox_wake(struct outbox *outbox);

/* host->sent. */
void outbox_sent(struct outbox *outbox, struct installation *inst, uint64_t ticket,
		 const struct outbox_outcome *outcome);

/* The reply that this plugin is sending with this ticket; 0: none (any more). */
int64_t outbox_sending(const struct outbox *outbox, const struct installation *inst, uint64_t ticket);

/* Time limits and second tries. */
void outbox_sweep(struct outbox *outbox);

size_t outbox_in_flight(const struct outbox *outbox);
size_t outbox_settling(const struct outbox *outbox); /* outcomes not yet recorded */

/* At a stop: what waits for a place goes back to the store; with `all` silent sends count as MAYBE now, and
 * outcomes that the store could not take are left to the next start. */
void outbox_close(struct outbox *outbox, bool all);

/* Why nothing is sent for this installation, or NULL. */
const char *outbox_paused(const struct outbox *outbox, const struct installation *inst);

#endif
