/* Every question the core puts to the database on a message's journey. Ordinary functions: the answer comes to
 * the callback on the loop thread, in a later round, with the owner and ticket given; what it points to is freed
 * when the callback returns. Arguments are copied. err->kind is ERR_NONE when the answer holds; ERR_AGAIN, ERR_FULL:
 * nothing was changed; ERR_FATAL: the storage failed, the daemon must stop. Loop thread only.
 * "T1".."T6" are the transactions of durability.md 2.1. */
#ifndef USHER_STORE_H
#define USHER_STORE_H

#include "ai.h"
#include "err.h"
#include "message.h"
#include "platform.h"
#include "role.h"
#include <stdint.h>

struct store;

enum {
	STORE_PAIRING_PENDING_MAX = 3,
	STORE_CRASHES_MAX = 3,
	STORE_MERGE_MAX = 20,
	STORE_CODE_TRIES_MAX = 5, /* wrong codes of one sender in an hour */
};

/* Who speaks: a profile in an organisation. */
struct speaker {
	const char *profile_id; /* user_profiles.id */
	const char *org_id;
	const char *display_name;
	enum role role;
	bool active; /* status = 'active' */
};

/* A turn that is claimed: one or more messages that get one answer. */
struct store_turn {
	int64_t id; /* LLMConversationMessage.id */
	int64_t conversation_id;
	const char *conversation_uuid;
	struct speaker speaker;
	const char *platform, *installation;
	const char *sender;	  /* the platform's id of who said the newest message */
	const char *reply_to;	  /* of the newest message; NULL: the asker fetches the answer */
	const char *text;	  /* what was said; merged messages are joined by a newline */
	const char *language;	  /* the code of the one it is written in; constant; NULL: not told */
	const char *const *uuids; /* of the messages, oldest first */
	const char *const *delivery_keys;
	size_t count;
	unsigned attempts;		  /* how often this turn has been begun, this time included */
	unsigned flags;			  /* enum incoming_flags of its messages, joined by or */
	const struct message_file *files; /* of all of them, oldest first */
	const size_t *file_messages;	  /* for each file: its message's place in uuids */
	size_t file_count;
	const char
		*placeholder; /* what stands for its answer on the platform already (store_placed), or NULL */
	const struct ai_step *journal; /* durable steps of an earlier beginning */
	size_t journal_count;
};

/* A file that was made, as an organisation keeps it. */
struct store_kept {
	const char *org_id, *sha256, *name, *mime;
	int64_t size;
	int64_t import_id; /* what it was made of; 0: no import */
};

/* A reply that is due: marked as being sent (T5) before it is handed out. */
/* How a question for an approval ended. */
struct store_settled {
	const char *code, *who; /* who: NULL for one that is gone, and with 'expired' */
	const char *state;	/* "approved", "denied", "expired" */
	int64_t at_ms;		/* Unix milliseconds */
};

struct store_reply {
	int64_t id; /* outbox.id; below 0: what was sent as that row is brought up to date (settled_count > 0) */
	const char *platform, *installation;
	int64_t conversation_id; /* 0: none */
	int64_t expires_ms;	 /* Unix milliseconds */
	bool markdown;		 /* out.text is not in the plugin's form yet */
	const struct store_kept
		*file; /* this reply is a file: the caller fetches it and fills out.file; out.text is
					  NULL. NULL: it is text */
	/* out.text is what stands there, and out.choices what is left to press: the caller adds how these ended. */
	const struct store_settled *settled;
	size_t settled_count;
	struct outgoing out;
};

/* ---- taking in (T1) ---------------------------------------------------------------------------------- */

struct store_accept {
	const char *uuid; /* of the message, chosen by the caller; its trace id */
	const char *platform, *installation;
	const struct incoming *in;
	bool may_claim;		/* begin its turn at once if its conversation is idle */
	int64_t over_before_ms; /* a conversation that was quiet since before this (Unix milliseconds) is over: it is
				   archived, and a new one takes its place; 0: none is */
	unsigned rate_minute, rate_day; /* messages of one person; 0: any number */
};

enum accept_how {
	ACCEPT_NEW,
	ACCEPT_BEFORE,
	ACCEPT_CONFLICT,
	ACCEPT_NO_CONVERSATION,
	ACCEPT_ARCHIVED,
	ACCEPT_NOT_ADDRESSED,
	ACCEPT_DISABLED
};

/* Somebody who has said more than the limits of people allow: the message is stored and placed nowhere. */
enum accept_over { OVER_NOTHING, OVER_MINUTE, OVER_DAY };

struct store_accepted {
	enum accept_how how;
	enum accept_over over; /* then it waits for store_refuse */
	bool tell;	       /* and the sender was not told of it within the last minute */
	int64_t inbox_id;
	const char *uuid; /* of the stored message: with ACCEPT_BEFORE the first copy's */
	enum message_state state;
	int64_t conversation_id; /* 0: not placed, because the speaker is not (yet) admitted. With INCOMING_STOPPED:
				    where a turn is to be stopped */
	const char *conversation_uuid;
	const struct speaker *speaker; /* NULL: a stranger */
	const struct store_turn *turn; /* claimed, or NULL */
	unsigned flags;		       /* enum incoming_flags of the message; 0 with ACCEPT_BEFORE */
	const char *text;	       /* of a stranger's command; else NULL */
	unsigned files_left; /* with INCOMING_DELETED: its files that could not be removed; their rows stay */
};

typedef void store_accepted_fn(void *owner, uint64_t ticket, const struct err *err,
			       const struct store_accepted *a);
void store_accept(struct store *store, const struct store_accept *ask, store_accepted_fn *fn, void *owner,
		  uint64_t ticket);

/* Lets a stranger in: profile (member), identity and conversation are made, the message is placed. With a code
 * (store_people.h, "link_make") the sender is its profile from now on and the code is used up: in the same
 * transaction. ERR_GONE, ERR_REFUSED: it is not good, was used, is too old, of another organisation, or the sender
 * has tried STORE_CODE_TRIES_MAX wrong ones within an hour; nothing has changed. */
struct store_admission {
	int64_t inbox_id;
	bool may_claim;
	const char *code_hash; /* SHA-256 in lower-case hex, or NULL */
};
void store_admit(struct store *store, const struct store_admission *ask, store_accepted_fn *fn, void *owner,
		 uint64_t ticket);

/* What a stranger or a switched-off person is told. With `code` a pairing code is stored for the sender, valid for
 * an hour; if the sender has STORE_PAIRING_PENDING_MAX pending ones, `full_notice` is used instead. */
struct store_refusal {
	int64_t inbox_id;
	const char *reason; /* "stranger", "pairing", "disabled" */
	const char *notice; /* sent to the person if the message has a reply address; NULL: silence */
	const char *code;   /* or NULL */
	const char *full_notice;
	uint32_t expire_s; /* of the reply */
	bool known;	   /* the sender is known and active, and refused all the same */
	bool wrong_code;   /* a code was tried: it counts, and behind STORE_CODE_TRIES_MAX of them in an hour
			      there is silence; reason is "wrong code" then */
};

/* The message ends as refused; reply (may be NULL) is its notice, marked as being sent. ERR_GONE: the sender is known
 * and active by now, nothing has changed. */
typedef void store_ended_fn(void *owner, uint64_t ticket, const struct err *err,
			    const struct store_reply *reply, const struct outgoing *ended);
void store_refuse(struct store *store, const struct store_refusal *ask, store_ended_fn *fn, void *owner,
		  uint64_t ticket);

/* ---- the turn ---------------------------------------------------------------------------------------- */

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
typedef void store_done_fn(void *owner, uint64_t ticket, const struct err *err);
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

/* ---- finding ----------------------------------------------------------------------------------------- */

/* An accepted message by uuid, as far as it got; out is NULL when that installation has none. A read. */
typedef void store_found_fn(void *owner, uint64_t ticket, const struct err *err, const struct outgoing *out);
void store_look(struct store *store, const char *platform, const char *installation, const char *uuid,
		store_found_fn *fn, void *owner, uint64_t ticket);

/* Numbers for back-pressure and metrics, kept by the store without a question. */
struct store_gauges {
	size_t queued;	     /* questions not yet answered */
	size_t queued_bytes; /* what they hold */
	uint64_t commits;    /* since start */
	bool full;	     /* the disk is full: nothing is being stored */
	bool failed;	     /* ERR_FATAL happened */
	int64_t disk_free;   /* bytes, refreshed every few seconds; -1 unknown */
};
struct store_gauges store_gauges(const struct store *store);

#endif
