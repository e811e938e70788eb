/* What all questions to the database share; the questions themselves are in store_*.h, by who asks them (store_accept.h: a
 * message is taken in; store_turn.h: its turn). Ordinary functions: the answer comes to
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

/* The answer of a question that has no other. */
typedef void store_done_fn(void *owner, uint64_t ticket, const struct err *err);

/* Who speaks: a profile in an organisation. */
struct speaker {
	const char *profile_id; /* user_profiles.id */
	const char *org_id;
	const char *display_name;
	enum role role;
	bool active; /* status = 'active' */
};

/* A turn that is claimed: one or more messages, at most STORE_MERGE_MAX, that get one answer. */
enum { STORE_MERGE_MAX = 20 };
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

/* How a question for an approval ended. */
struct store_settled {
	const char *code, *who; /* who: NULL for one that is gone, and with 'expired' */
	const char *state;	/* "approved", "denied", "expired" */
	int64_t at_ms;		/* Unix milliseconds */
};

/* A reply that is due: marked as being sent (T5) before it is handed out. */
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
