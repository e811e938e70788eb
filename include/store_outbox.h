/* Questions about replies on their way, and what a restart makes of everything. Same rules as store.h. */
#ifndef USHER_STORE_OUTBOX_H
#define USHER_STORE_OUTBOX_H

#include "store_accept.h"

/* Replies whose time has come, in order of each conversation, marked as being sent (T5). */
typedef void store_due_fn(void *owner, uint64_t ticket, const struct err *err,
			  const struct store_reply *replies, size_t count,
			  int64_t next_ms /* when the next is due, Unix ms; 0 none */);
void store_due(struct store *store, size_t limit, store_due_fn *fn, void *owner, uint64_t ticket);

enum reply_state {
	REPLY_PENDING,
	REPLY_SENDING,
	REPLY_SENT,
	REPLY_UNKNOWN,
	REPLY_REJECTED,
	REPLY_EXPIRED,
	REPLY_CANCELLED
};

/* How an attempt ended (T6). PENDING: again at next_ms. After REJECTED, EXPIRED and CANCELLED the parts of the same answer
 * behind it are cancelled; after SENT and UNKNOWN the next one is due. Waits for company: no commit of its own within 50 ms. */
struct store_sent {
	int64_t reply_id;
	enum reply_state state;
	const char *remote_id; /* or NULL */
	const char *why;       /* or NULL */
	int64_t next_ms;       /* Unix milliseconds, with REPLY_PENDING */
	bool unsure; /* with REPLY_PENDING: this attempt may have arrived; stays so until it is SENT */
	bool waits; /* with REPLY_PENDING: nothing was tried, it was told to wait: not counted as an attempt */
};
void store_sent(struct store *store, const struct store_sent *sent, store_done_fn *fn, void *owner,
		uint64_t ticket);

/* A message of ours already stands at the platform for this reply: handed out with it in later attempts
 * (out.remote_id). A commit of its own at once. ERR_GONE: the reply is not being sent. */
void store_hold(struct store *store, int64_t reply_id, const char *remote_id, store_done_fn *fn, void *owner,
		uint64_t ticket);

/* At start: what was being done when the last process died is made ready again; a message that was being answered
 * in STORE_CRASHES_MAX dead processes is quarantined (its notice goes to the outbox). Replies that were being sent
 * become pending and unsure where `resends` names their platform, else unknown. */
enum { STORE_CRASHES_MAX = 3 };
struct store_recovered {
	const int64_t *conversations; /* that have waiting messages, oldest first */
	size_t conversation_count;
	const int64_t *resting; /* the same, where more of the same act may still come (INCOMING_MORE) */
	size_t resting_count;
	const struct store_accepted *unplaced; /* messages of people not yet admitted or refused */
	const char *const *unplaced_platforms, *const *unplaced_installations;
	size_t unplaced_count;
	size_t interrupted, quarantined, unsure; /* how many */
};
typedef void store_recovered_fn(void *owner, uint64_t ticket, const struct err *err,
				const struct store_recovered *r);
void store_recover(struct store *store, const char *const *resends, size_t resend_count,
		   store_recovered_fn *fn, void *owner, uint64_t ticket);

#endif
