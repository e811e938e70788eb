/* A turn, from its claim to its answer: what the core asks of the store while one is taken. Same rules as store.h. */
#ifndef USHER_STORE_TURN_H
#define USHER_STORE_TURN_H

#include "store.h"

/* Claims the next turn of a conversation (T2). turn is NULL when nothing waits. */
typedef void store_turn_fn(void *owner, uint64_t ticket, const struct err *err,
			   const struct store_turn *turn);
void store_claim(struct store *store, int64_t conversation_id, store_turn_fn *fn, void *owner,
		 uint64_t ticket);

/* The line at the end of the first answer after the first summary of a conversation; later histories are without it. */
#define STORE_SUMMARY_NOTICE                                                                                 \
	"\n\n_What was said at the beginning of this conversation is remembered as a summary from now on._"

/* What was said before, and how this conversation is to be answered. A read: no commit. */
struct store_recalled {
	const struct ai_message *history; /* oldest first */
	size_t count;
	unsigned turns;	     /* of which it holds at most so many */
	const char *summary; /* of what was said before the history, or NULL */
	int64_t summary_id;  /* 0: none */
	bool summary_told;   /* an earlier answer said that there are summaries */
	const char *model;   /* LLMSettings in force; NULL where the settings file decides */
	const char *system_prompt;
	double temperature;	/* < 0: not set */
	long max_output_tokens; /* 0: not set */
	const char *tools;    /* JSON array: names of those that are offered, * for any letters; NULL: all */
	const char *language; /* BCP 47 tag the speaker asked for, or NULL */
	bool budgeted;	      /* a budget is on record: money is set aside before a model is asked */
	bool files;	      /* its organisation has files */
	bool foreign; /* something that others wrote, or that tools brought, came before the model in it */
	const char *const
		*said; /* what the speaker wrote in it, newest first, as far as it may hold an address */
	size_t said_count;
	bool unsent; /* replies of this conversation still wait in the outbox, or are being sent */
};
typedef void store_recalled_fn(void *owner, uint64_t ticket, const struct err *err,
			       const struct store_recalled *r);
/* limit: messages; with_summary: what is summed up is left out of the history. */
void store_recall(struct store *store, int64_t conversation_id, int64_t turn_id, unsigned limit,
		  bool with_summary, store_recalled_fn *fn, void *owner, uint64_t ticket);

/* Makes steps and attempts durable (T3). */
void store_journal(struct store *store, int64_t turn_id, const struct ai_step *steps, size_t step_count,
		   const struct ai_attempt *attempts, size_t attempt_count, store_done_fn *fn, void *owner,
		   uint64_t ticket);

/* The end of a turn (T4): answer or notice, task, interactions, reply row and the messages' final state in one
 * transaction; with claim_next also the claim of what waits behind it. */
struct store_answer {
	int64_t turn_id;
	enum message_state state; /* ANSWERED or FAILED */
	const char *reason;	  /* when failed */
	const char *text;	  /* the answer, or the notice */
	const char *const
		*parts; /* text as it is sent, in order, each a row of the outbox; NULL: text in one */
	size_t part_count;
	const char *context; /* what others had said before (ops.context): put before the prompt in later
				histories (message_with_context); or NULL */
	const char *heard;   /* what was said in its voice notes (message_with_heard), or NULL */
	int64_t told_summary; /* text ends with STORE_SUMMARY_NOTICE, on account of this summary; 0: it does not */
	const struct ai_result *result; /* what the AI room said; NULL when it was not asked */
	int64_t started_ms;		/* Unix milliseconds when the turn began */
	bool claim_next;
	uint32_t expire_s;
};
struct store_answered {
	const struct outgoing *ended; /* for platform_ops.ended */
	const struct store_reply
		*reply; /* to be sent now, already marked; NULL: none, or an earlier one is unfinished */
	const struct store_turn *next; /* claimed, or NULL */
	bool waiting;		       /* more messages wait in this conversation */
};
typedef void store_answered_fn(void *owner, uint64_t ticket, const struct err *err,
			       const struct store_answered *a);
void store_answer(struct store *store, const struct store_answer *ask, store_answered_fn *fn, void *owner,
		  uint64_t ticket);

#endif
