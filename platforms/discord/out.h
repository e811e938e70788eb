/* What the files on the way out share: what an answer of the platform means for a message, and how messages of ours are
 * called. Loop thread only.
 *
 * Remote ids (host->sent, host->placed) are "CHANNEL/MESSAGE", or DISCORD_ORIGINAL for the message that an interaction was
 * answered with. */
#ifndef USHER_DISCORD_OUT_H
#define USHER_DISCORD_OUT_H

#include "discord_room.h"
#include "markup.h"

#define DISCORD_DOCUMENT    MARKUP_FILE /* a text of the outbox that is sent as a file */
#define DISCORD_PLACEHOLDER "…"		/* stands where the answer will */
#define DISCORD_ORIGINAL    "@original"

/* ---- render.c ------------------------------------------------------------------------------------------- */

size_t discord_points(const char *text); /* code points of UTF-8 */

/* ---- outcome.c: pure ------------------------------------------------------------------------------------ */

/* What an answer to a call means for the message that it sends. why_out: cause and cure in one line; with SENT_LIMITED
 * retry_ms_out says how long, else it is 0. */
enum sent discord_outcome(const struct discord_answer *answer, unsigned *retry_ms_out, struct err *why_out);
bool discord_refused(const struct discord_answer *answer, enum discord_refusal refusal);

/* A message of ours; both 0: none. */
struct discord_spot {
	snowflake channel, message;
};
/* "CHANNEL/MESSAGE"; the caller frees. */
char *discord_remote_id(struct discord_spot spot);
/* Nothing for anything else, NULL too. */
struct discord_spot discord_remote_read(const char *remote_id);
/* The message that an answer holds, in this channel unless it says another one. */
struct discord_spot discord_spot_of(const struct discord_answer *answer, snowflake channel);

/* ---- call.c: the calls, written -------------------------------------------------------------------------- */

/* Whom a message may notify, and whether links unfold: for every message and every edit of one (sheet 14). reply: it
 * answers the person's message. */
json_t *discord_body(const struct platform *bot, const struct discord_place *place, const char *content,
		     bool reply);
/* The token of the interaction still serves. */
bool discord_token_lives(const struct platform *bot, const struct discord_place *place);
/* Paths; the caller frees. spot.message 0: for a new one. */
char *discord_message_path(struct discord_spot spot);
/* suffix: "", "/messages/@original". */
char *discord_webhook_path(const struct platform *bot, const struct discord_place *place, const char *suffix);
/* Begins a call whose answer nobody waits for: a message of ours is taken away. */
void discord_delete_message(struct platform *bot, struct discord_spot spot);
void discord_delete_original(struct platform *bot, const struct discord_place *place);

/* ---- thread.c -------------------------------------------------------------------------------------------- */

/* Where answers to this place stand: its channel, or the thread that was opened for it; 0: that has to be opened. */
snowflake discord_thread_known(const struct discord_sends *sends, const struct discord_place *place);
/* The call that opens it; what it was answered goes to discord_thread_opened, which returns the channel, or 0: it is not
 * open, and discord_outcome says what that means. Opening it again does no harm (sheet 19). */
uint64_t discord_thread_open(struct platform *bot, const struct discord_place *place, bool droppable,
			     discord_rest_fn *fn, void *owner, uint64_t ticket);
snowflake discord_thread_opened(struct platform *bot, const struct discord_place *place,
				const struct discord_answer *answer);
/* The thread can't be used: answers go to the channel. */
void discord_thread_lost(struct platform *bot, const struct discord_place *place);

/* ---- send.c ---------------------------------------------------------------------------------------------- */

/* A message of ours with this nonce was seen; nothing: it was not. */
struct discord_spot discord_sends_find(const struct discord_sends *sends, const char *nonce);

/* ---- read_back.c ------------------------------------------------------------------------------------------ */

enum discord_looked {
	DISCORD_FOUND,	    /* spot */
	DISCORD_FOUND_NOT,  /* everything since was read: it is not there */
	DISCORD_LOOK_LATER, /* retry_ms, or 0 */
	DISCORD_LOOK_NEVER, /* it can't be found out */
	DISCORD_LOOK_NOBODY /* the token was refused */
};
struct discord_found {
	enum discord_looked how;
	struct discord_spot spot;
	unsigned retry_ms;
	const char *why; /* NULL with DISCORD_FOUND and DISCORD_FOUND_NOT */
};
struct discord_look {
	snowflake channel;
	const struct discord_place *place;
	bool reply;	       /* it answered place.message, if that was still there */
	const char *nonce;     /* it carried */
	const char *content;   /* of the message */
	size_t file_len;       /* it was a file of so many bytes */
	const char *file_name; /* NULL: it was none */
	int64_t since_ms;      /* it can't be older; Unix milliseconds */
};
typedef void discord_found_fn(struct platform *bot, void *owner, uint64_t ticket,
			      const struct discord_found *found);
/* Copies what it keeps. fn comes in a later round, once, unless cancelled. */
struct discord_lookup *discord_read_back(struct platform *bot, const struct discord_look *look,
					 discord_found_fn *fn, void *owner, uint64_t ticket);
void discord_lookup_cancel(struct discord_lookup *lookup); /* takes NULL */

/* ---- preview.c ------------------------------------------------------------------------------------------- */

/* Message 0: nothing stands for the answer. */
typedef void discord_preview_fn(struct platform *bot, void *owner, uint64_t ticket, struct discord_spot spot);

/* No edit of a preview of these messages begins after this. Says what stands for the answer: at once, or in a later
 * round when that is being posted. done may be called inside. */
void discord_preview_end(struct platform *bot, const struct outgoing *out, discord_preview_fn *done,
			 void *owner, uint64_t ticket);
/* The answer to these messages is sent for good, or never will be. */
void discord_preview_forget(struct platform *bot, const char *const *answers_to, size_t count);

#endif
