/* What a conversation remembers beyond the turns that its model is told word for word: what falls out of them, and its
 * summary. Same rules as store.h. */
#ifndef USHER_STORE_MEMORY_H
#define USHER_STORE_MEMORY_H

#include "store.h"

/* Which turns are still told word for word. */
struct store_window {
	unsigned turns; /* at most */
	int64_t tokens; /* at most, estimated */
	bool full;	/* they are too many already by the AI room's own count (ai_result.history_full) */
};

/* What is to be summed up. When nothing is, text is NULL: the turns behind the last summary fit, or the last try failed
 * within STORE_SUMMARY_REST_MS. */
enum { STORE_SUMMARY_REST_MS = 5 * 60 * 1000 };
struct store_past {
	const char *before; /* the summary so far, or NULL */
	const char
		*text; /* the turns after it, oldest first: who said what; estimated at most window.tokens */
	const char *hash; /* of both; given back with the summary */
	int64_t upto_turn_id;
	unsigned turns;
	const char *model; /* LLMSettings in force; NULL where the settings file decides */
	bool budgeted;	   /* as in store_recalled */
};

/* The oldest turns of a conversation when those behind its last summary are more than the window holds: all but the
 * newest, which fill half of it, so that the next summary is some turns away. A read. */
typedef void store_past_fn(void *owner, uint64_t ticket, const struct err *err,
			   const struct store_past *past);
void store_past(struct store *store, int64_t conversation_id, const struct store_window *window,
		store_past_fn *fn, void *owner, uint64_t ticket);

/* A summary, or that there is none. */
struct store_summary {
	int64_t conversation_id;
	int64_t turn_id; /* the newest turn: in whose account the requests were made */
	int64_t upto_turn_id;
	unsigned turns;
	struct store_window
		window; /* upto_turn_id, turns, window, hash: as asked and answered by store_past */
	const char *hash;
	const char *text; /* NULL: not made */
	const char *why;  /* then: why not */
	const struct ai_result *result;
	int64_t started_ms; /* Unix milliseconds */
};

/* Writes it down with its run and its attempts (T3). kept false: what it was made of has changed meanwhile, it is thrown
 * away and nothing of it stays. ERR_GONE: the conversation is. */
typedef void store_summary_fn(void *owner, uint64_t ticket, const struct err *err, bool kept);
void store_summarise(struct store *store, const struct store_summary *ask, store_summary_fn *fn, void *owner,
		     uint64_t ticket);

#endif
