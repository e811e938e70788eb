/* Replies on their way, shared by the sending (outbox.c) and the files among them (outbox_file.c). */
#ifndef USHER_CORE_OUTBOX_INSIDE_H
#define USHER_CORE_OUTBOX_INSIDE_H

#include "outbox.h"
#include "store_outbox.h"

struct bringing;

enum sending_state {
	SENDING_QUEUED,	 /* in its installation's queue */
	SENDING_RUNS,	 /* with the plugin: in outbox.running */
	SENDING_SETTLES, /* its outcome is with the store: in outbox.settling */
};

struct sending {
	uint64_t serial; /* the ticket */
	enum sending_state state;
	struct installation *inst; /* held; NULL: not configured */
	int64_t reply_id, conversation_id, expires_ms;
	unsigned attempt;
	bool settled;	     /* what was sent is brought up to date: that must not go well */
	bool behind;	     /* another reply of this conversation waits for this one's end */
	uint64_t since_ms;   /* loop time: with the plugin since */
	bool brings;	     /* its file is on its way to path: the plugin knows nothing of it yet */
	char *path;	     /* of its file, while it is being sent; or NULL */
	struct arena *arena; /* of the copy below, while queued or brought */
	struct store_reply *reply;
	bool retried;		   /* the store could not take the outcome at first */
	struct store_sent outcome; /* its strings are ours */
	uint64_t retry_ms;	   /* loop time; 0: the store has been asked */
	struct sending *prev, *next;
	UT_hash_handle hh;	 /* by serial */
	UT_hash_handle hh_place; /* by conversation, while with the plugin */
};

struct outbox {
	struct core *core;
	struct sending *by_serial, *by_place;
	struct sending *running, *settling; /* longest first */
	size_t in_flight, queued, settling_count;
	struct loop_timer *timer;   /* to the next due reply */
	int64_t due_ms;		    /* Unix milliseconds the timer is set to; 0: not set */
	bool asked, again;	    /* store_due */
	bool posted;		    /* the queues will be looked at in a later round */
	struct bringing *bringings; /* outbox_file.c */
};

/* outbox.c: what is with the plugin, or about to be, goes back to the store; or ends without having left the house. */
void outbox_return(struct outbox *outbox, struct sending *sending, int64_t after_ms, const char *why);
void outbox_reject(struct outbox *outbox, struct sending *sending, const char *why);

/* outbox_hand.c: asks the plugin to send. What is in the outbox has the plugin's form already, except the store's own notice of a
 * quarantine and what operators say. A file is said as a line where none are taken. */
void outbox_hand_over(const struct core *core, struct installation *inst, const struct store_reply *reply,
		      uint64_t ticket);

/* outbox_file.c: brings the file of this reply to a path of its own, then hands it to the plugin. */
void outbox_file_begin(struct outbox *outbox, struct sending *sending, const struct store_reply *reply);

/* The attempt has ended, whatever came of it. */
void outbox_file_done(struct sending *sending);

/* What a platform that takes no files says instead, Markdown. The caller frees. */
char *outbox_file_words(const struct core *core, const struct store_kept *file, int64_t made_ms);
void outbox_files_destroy(struct outbox *outbox);

#endif
