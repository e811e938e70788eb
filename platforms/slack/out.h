/* What the files on the way out share: what an answer of Slack's means for a message, how a message is written, and
 * what of it can be found again. Loop thread only.
 *
 * Remote ids (host->sent, host->placed) are "CHANNEL/TS": a ts alone is unique only inside its channel. */
#ifndef USHER_SLACK_OUT_H
#define USHER_SLACK_OUT_H

#include "slack_room.h"

/* Metadata of our messages: what they are, with the id of the reply or of the message being answered. */
#define SLACK_META_REPLY   "usher_reply"
#define SLACK_META_GROWING "usher_growing"

#define SLACK_CHOICE_ACTION   "usher_choice:"  /* and its command, which is the value, too */
#define SLACK_FEEDBACK_ACTION "usher_feedback" /* values "up:UUID" and "down:UUID" of the reply */

/* ---- outcome.c: pure ------------------------------------------------------------------------------------ */

/* What an answer to a call that posts means for the message. why_out: cause and cure in one line; with SENT_LIMITED
 * retry_ms_out says how long. app_id may be NULL. */
enum sent slack_outcome(const struct slack_answer *answer, const char *app_id, unsigned *retry_ms_out,
			struct err *why_out);

/* Refused with one of these codes; codes ends with NULL. */
bool slack_refused_with(const struct slack_answer *answer, const char *const *codes);
bool slack_refused_blocks(const struct slack_answer *answer); /* our blocks are not wanted, the text may be */
bool slack_refused_feature(const struct slack_answer *answer); /* the method does not exist here */

/* ---- blocks.c: pure ---------------------------------------------------------------------------------------- */

/* Sections with this mrkdwn and feedback buttons about the reply below; the caller releases. NULL: the text can't be
 * cut at line ends into sections (sheet 16.1), so it goes out without buttons. */
json_t *slack_blocks(const char *mrkdwn, const char *uuid, const char *choices);
json_t *slack_metadata(const char *event, const char *id);

/* ---- read_back.c: what of ours stands in a thread --------------------------------------------------------- */

struct slack_lookup;

/* What is looked for. Borrowed for the call. */
struct slack_look {
	const struct slack_place *place;
	const char *uuid;	       /* of a reply; NULL: only what stood for one */
	const char *const *answers_to; /* ids that a growing answer of ours may carry */
	size_t answers_to_count;
	int64_t since_ms; /* nothing older counts, Unix milliseconds */
	bool fresh;	  /* it may have been sent a moment ago: not looked for before it must stand there */
};

struct slack_found {
	enum slack_looked {
		SLACK_LOOKED,	   /* all there is was read: an empty ts means absent */
		SLACK_LOOK_LATER,  /* not now; retry_ms, 0 unknown */
		SLACK_LOOK_NEVER,  /* may not be read, or is too much */
		SLACK_LOOK_NOBODY, /* the token is dead */
	} how;
	unsigned retry_ms;
	const char *why;		  /* one line for people; NULL with SLACK_LOOKED */
	char reply[SLACK_ID_MAX + 1];	  /* ts of the message that is this reply */
	char growing[SLACK_ID_MAX + 1];	  /* ts of the newest message that stood for it */
	char streaming[SLACK_ID_MAX + 1]; /* ts of the newest stream of ours that is still open */
};

/* Borrowed for the call. */
typedef void slack_found_fn(struct platform *workspace, void *owner, uint64_t ticket,
			    const struct slack_found *found);

/* Reads the thread (or the direct messages) until everything is known, SLACK_LOOK_NEVER after LOOK_PAGES_MAX pages.
 * The answer comes in a later round, once, unless cancelled; the lookup is gone then. */
struct slack_lookup *slack_read_back(struct platform *workspace, const struct slack_look *look,
				     slack_found_fn *fn, void *owner, uint64_t ticket);
void slack_lookup_cancel(struct slack_lookup *lookup); /* takes NULL */

/* When looking for something sent after created_ms must begin: what stood for an answer is older than the answer, but
 * never older than what it answers. */
int64_t slack_look_since(const struct slack_place *place, int64_t created_ms);

/* ---- stream.c ---------------------------------------------------------------------------------------------- */

/* The answer to these messages is sent for good, or never will be: what stood for it needs no watching. */
void slack_stream_forget(struct platform *workspace, const char *const *answers_to, size_t count);

/* "CHANNEL/TS"; the caller frees. */
char *slack_remote_id(const char *channel, const char *ts);

#endif
