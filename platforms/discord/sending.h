/* One answer on its way, shared by the files that send it. Loop thread only.
 *
 *   what stands there is asked of the preview -> THREAD, when one has to be opened -> EDIT what stands there
 *                                                                                  -> LOOK, when unsure -> CREATE
 *   an interaction: ORIGINAL, which its token allows -> when it is over: CREATE, or to one person DM -> CREATE
 *                   later parts: CREATE; where the bot is not, and to one person: FOLLOW
 */
#ifndef USHER_DISCORD_SENDING_H
#define USHER_DISCORD_SENDING_H

#include "out.h"
#define HASH_FUNCTION HASH_FNV /* the default falls through cases without a mark that clang knows */
#include <uthash.h>

enum discord_send_step {
	SEND_ASKING,	/* what stands for it */
	SEND_SETTLED,	/* told in the next round */
	SEND_THREAD,	/* the thread is being opened */
	SEND_LOOK,	/* whether an earlier attempt arrived */
	SEND_CREATE,	/* a message of its own */
	SEND_EDIT,	/* instead of what stands there */
	SEND_UNARCHIVE, /* the thread is being opened again */
	SEND_ORIGINAL,	/* instead of the interaction's "thinking" */
	SEND_FOLLOW,	/* a further message of the interaction */
	SEND_SETTLE,	/* what was sent says how it ended, and has other buttons or none */
	SEND_DM,	/* the direct channel is being opened */
};

enum send_limits {
	SENDS_THREADS = 256,	 /* threads whose opening is remembered */
	SENDS_SEEN = 128,	 /* messages of ours seen on the gateway */
	SENDS_NONCE_MS = 120000, /* so long a nonce is known to the platform at least (sheet 19) */
	SENDS_CLOCK_MS = 5000,	 /* the wall clock moved by more: it was set */
};

struct sending {
	uint64_t ticket;
	struct platform *bot;
	char *uuid, *text;
	char *choices;	  /* JSON, shown as buttons; or NULL */
	const char *file; /* in text: contents to be sent as a file, else NULL */
	struct outgoing_file
		*upload; /* the answer is this file; else NULL, also when it is said where it is */
	char nonce[DISCORD_NONCE_SIZE];
	struct discord_place place;
	char **answers_to;
	size_t answers_to_count;
	unsigned part;
	int64_t created_ms;
	bool unsure, looked; /* an earlier attempt may have arrived; whether it did was looked up */
	bool no_reply, unarchived;
	bool changes;		   /* what was sent is brought up to date */
	bool bare;		   /* and only its buttons change */
	bool over;		   /* the interaction's token is of no use any more */
	snowflake channel;	   /* where it is posted; 0: not known yet */
	struct discord_spot stood; /* for the answer; message 0: nothing does */
	bool original;		   /* so does the interaction's own message */
	enum discord_send_step step;
	uint64_t call;
	struct discord_lookup *lookup;
	char *lost;	   /* why the answer is refused; who asked is being told. NULL: it is not */
	enum sent settled; /* with SEND_SETTLED */
	const char *why;   /* static */
	UT_hash_handle hh;
};

struct discord_thread {
	snowflake message, channel; /* channel: the thread, or where answers go instead */
};

struct discord_sends {
	struct platform *bot;
	struct sending *all;
	struct loop_timer *soon;
	struct discord_thread threads[SENDS_THREADS];
	size_t next_thread;
	struct {
		char nonce[DISCORD_NONCE_SIZE];
		struct discord_spot spot;
	} seen[SENDS_SEEN];
	size_t next_seen;
	int64_t clock_ms;  /* what the wall clock was ahead of the loop's */
	int64_t steady_ms; /* by the wall clock: since then it was not set */
};

/* send.c: the ends; the sending is gone afterwards. */
void discord_send_tell(struct sending *sending, enum sent how, unsigned retry_ms, const char *remote_id,
		       const char *why);
void discord_send_tell_outcome(struct sending *sending, const struct discord_answer *answer);
void discord_send_tell_accepted(struct sending *sending, struct discord_spot spot);

/* send.c: told with this answer's outcome, or, when the place was closed to us in the middle, after who asked was told. */
void discord_send_give_up(struct sending *sending, const struct discord_answer *answer);

/* send.c: it is said where the file is instead; why it did not come itself. */
void discord_send_link(struct sending *sending, const char *why);

/* send.c: what was made at created_ms (Unix milliseconds) was made within the two minutes, and no clock was set since
 * that could make it look so. */
bool discord_sends_young(struct discord_sends *sends, int64_t created_ms);

/* send_steps.c */
void discord_send_step(struct sending *sending, enum discord_send_step step);
/* Nothing stands for it, or nothing that can be used: it is posted. */
void discord_send_post(struct sending *sending);
/* An earlier attempt may have put it into the interaction's own message, of which no nonce tells. */
bool discord_send_may_stand_there(const struct sending *sending);

#endif
