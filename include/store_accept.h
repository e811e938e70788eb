/* A message is taken in: stored, placed, let in or refused. What the way in asks of the store. Same rules as store.h. */
#ifndef USHER_STORE_ACCEPT_H
#define USHER_STORE_ACCEPT_H

#include "store.h"

enum {
	STORE_PAIRING_PENDING_MAX = 3, /* codes of one sender that wait for an operator */
	STORE_CODE_TRIES_MAX = 5,      /* wrong codes of one sender in an hour */
};

/* ---- a message comes in (T1) ------------------------------------------------------------------------- */

struct store_accept {
	const char *uuid; /* of the message, chosen by the caller; its trace id */
	const char *platform, *installation;
	const struct incoming *in;
	bool may_claim;		/* begin its turn at once if its conversation is idle */
	int64_t over_before_ms; /* a conversation that was quiet since before this (Unix milliseconds) is over: it is
				   archived, and a new one takes its place; 0: none is */
	unsigned rate_minute, rate_day; /* messages of one person; 0: any number */
};

/* Nothing is stored with the last five. */
enum accept_how {
	ACCEPT_NEW,
	ACCEPT_BEFORE, /* it is there already, by its delivery key or as the same act (incoming.semantic_key) */
	ACCEPT_CONFLICT, /* something else came with this delivery key (incoming.fingerprint) */
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

/* Stores it, once; looks up who speaks, finds or makes the conversation and, with may_claim, begins the turn of one that is
 * idle: all in one transaction, committed before the answer. */
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

#endif
