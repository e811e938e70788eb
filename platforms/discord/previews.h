/* Answers shown while they grow, and signs that one is being worked on; shared by the files that show them. Loop thread
 * only. All of it is for the eye: every call may be dropped, and the final text (send.c) takes the place of what stands
 * there. */
#ifndef USHER_DISCORD_PREVIEWS_H
#define USHER_DISCORD_PREVIEWS_H

#include "growing.h"
#include "out.h"

enum previews_limits {
	PREVIEWS_MAX = 200,	   /* answers watched at a time; further ones are not shown growing */
	PREVIEW_TEXT_MAX = 8192,   /* bytes of an answer that are looked at: its first message has no more */
	PREVIEW_WAIT_MS = 1500,	   /* an answer that is over sooner needs no message, */
	PREVIEW_LEAST = 40,	   /* nor does one of fewer bytes */
	PREVIEW_EDIT_MS = 1300,	   /* between edits (sheet 14) */
	PREVIEW_RETRY_MS = 5000,   /* after a call that did not leave the house, or may not have arrived */
	PREVIEW_NONCE_MS = 110000, /* so long the same post may be repeated (sheet 19) */
	PREVIEW_FOREVER_MS = 600000, /* nothing was heard of the answer for so long: it is given up */

	WORKING_MAX = 200,	 /* places with a sign at a time */
	WORKING_WAIT_MS = 1500,	 /* an answer that comes sooner needs no sign */
	WORKING_EVERY_MS = 8000, /* it lasts 10 s (sheet 17) */
	WORKING_FOREVER_MS = 600000,
};

enum preview_doing { PREVIEW_IDLE, PREVIEW_OPENING, PREVIEW_POSTING, PREVIEW_EDITING };

struct preview {
	uint64_t id;
	struct platform *bot;
	char *uuid; /* the first message answered */
	char nonce[DISCORD_NONCE_SIZE];
	struct discord_place place;
	bool left;     /* nothing more is shown */
	bool unwanted; /* no answer comes: what is being posted is to be deleted */
	bool unsure;   /* what was posted may stand there: the same post tells (sheet 14) */
	bool no_reply;
	enum preview_doing doing;
	snowflake channel;	  /* where it was posted first; 0: nowhere yet */
	struct discord_spot spot; /* that is edited; message 0: none */
	struct growing so_far;	  /* of the answer, at most PREVIEW_TEXT_MAX */
	char *shown, *showing;	  /* what stands there; what will when the call has worked */
	uint64_t first_ms, touched_ms, changed_ms, posted_ms, not_before_ms;
	uint64_t call;
	discord_preview_fn *end; /* the final text waits */
	void *end_owner;
	uint64_t end_ticket;
	struct preview *prev, *next;
};

/* Where a sign is given while messages wait. */
struct working {
	struct platform *bot;
	snowflake place, thread; /* where it was asked; the thread that is opened for the answer, or 0 */
	struct waiters waiters;
	bool refused; /* not in this place */
	uint64_t begun_ms, due_ms;
	uint64_t call;
	struct working *prev, *next;
};

struct discord_previews {
	struct platform *bot;
	struct preview *all; /* oldest first */
	size_t count;
	struct working *places; /* oldest first */
	size_t place_count;
	uint64_t last_id;
	struct loop_timer *tick;
	bool ticks;
};

/* preview.c */
void discord_previews_wake(struct discord_previews *previews); /* something is to be watched */
uint64_t discord_previews_now(const struct discord_previews *previews);
void discord_preview_posted(
	struct preview *preview); /* spot is what stands there now; it may be gone afterwards */
void discord_preview_leave(struct preview *preview); /* nothing more is shown */
/* Something of an answer was shown in this channel since then. */
bool discord_previews_shown_since(const struct discord_previews *previews, snowflake channel,
				  uint64_t since_ms);

/* preview_show.c: begins one call if it is time for it. */
void discord_preview_grow(struct preview *preview);
void preview_post(struct preview *preview); /* now, where it was posted before */

/* working.c */
void discord_working_drop(struct discord_previews *previews,
			  const char *uuid); /* nothing waits for this any more */
void discord_working_tick(struct discord_previews *previews);
void discord_working_clear(struct discord_previews *previews);

#endif
