/* Answers shown while they grow, and signs that one is being worked on; shared by the files that show them. Loop thread
 * only. All of it is for the eye: every call may be dropped, and the final text (send.c) takes the place of what stands
 * there. */
#ifndef USHER_TELEGRAM_PREVIEWS_H
#define USHER_TELEGRAM_PREVIEWS_H

#include "growing.h"
#include "out.h"

enum previews_limits {
	PREVIEWS_MAX = 200,	    /* answers watched at a time; further ones are not shown growing */
	PREVIEW_TEXT_MAX = 16384,   /* bytes of an answer that are looked at: its first message has no more */
	PREVIEW_WAIT_MS = 1500,	    /* an answer that is over sooner needs no message, */
	PREVIEW_LEAST = 40,	    /* nor does one of fewer bytes */
	PREVIEW_DRAFT_MS = 1200,    /* between drafts */
	PREVIEW_REFRESH_MS = 20000, /* a draft that is left alone vanishes after 30 s (sheet 6.4) */
	PREVIEW_PRIVATE_MS = 1100,  /* between edits (sheet 6.5) */
	PREVIEW_GROUP_MS = 3100,
	PREVIEW_RETRY_MS = 5000,	 /* after a call that did not leave the house */
	PREVIEW_FOREVER_MS = 600000,	 /* nothing was heard of the answer for so long: it is given up */
	PREVIEW_DRAFT_FAILS = 3,	 /* in a row: then messages are edited in this chat, */
	PREVIEW_DRAFTS_OFF_MS = 3600000, /* for so long */
	PREVIEW_CHATS_OFF = 64,		 /* chats of which that is remembered */

	WORKING_MAX = 200,	/* places with a sign at a time */
	WORKING_WAIT_MS = 1500, /* an answer that comes sooner needs no sign */
	WORKING_EVERY_MS = 4000,
	WORKING_GROUP_MS = 6000, /* so that signs alone never use up a group's pace */
	WORKING_FOREVER_MS = 600000,
};

enum preview_doing { PREVIEW_IDLE, PREVIEW_POSTING, PREVIEW_EDITING, PREVIEW_DRAFTING };

struct preview {
	uint64_t id;
	struct platform *bot;
	char *uuid; /* the first message answered */
	struct telegram_place place;
	bool left;	/* nothing more is shown */
	bool unwanted;	/* no answer comes: what is being posted is to be deleted */
	unsigned fails; /* drafts, in a row */
	enum preview_doing doing;
	int64_t message;       /* that is edited, 0 none */
	struct growing so_far; /* of the answer, at most PREVIEW_TEXT_MAX */
	char *shown, *showing; /* HTML: what stands there; what will when the call has worked */
	uint64_t first_ms, touched_ms, changed_ms, not_before_ms;
	uint64_t api;
	telegram_preview_fn *end; /* the final text waits */
	void *end_owner;
	uint64_t end_ticket;
	struct preview *prev, *next;
};

/* Where a sign is given while messages wait. */
struct working {
	struct telegram_place place;
	struct waiters waiters;
	bool refused; /* not in this place */
	uint64_t begun_ms, due_ms;
	struct platform *bot;
	uint64_t api;
	struct working *prev, *next;
};

struct telegram_previews {
	struct platform *bot;
	struct preview *all; /* oldest first */
	size_t count;
	struct working *places; /* oldest first */
	size_t place_count;
	uint64_t last_id;
	struct loop_timer *tick;
	bool ticks;
	struct {
		int64_t chat;
		uint64_t until_ms;
	} off[PREVIEW_CHATS_OFF]; /* drafts failed there */
	size_t next_off;
};

/* preview.c */
void previews_wake(struct telegram_previews *previews); /* something is to be watched */
uint64_t previews_now(const struct telegram_previews *previews);
void preview_posted(struct preview *preview, int64_t message); /* 0: it is not known, or there is none */
void preview_leave(struct preview *preview);		       /* nothing more is shown */
/* Something of it was shown in this place, since then. */
bool previews_shown_since(const struct telegram_previews *previews, const struct telegram_place *place,
			  uint64_t since_ms);

/* preview_show.c: begins one call if it is time for it. */
void preview_grow(struct preview *preview);
void preview_delete(struct platform *bot, const struct telegram_place *place, int64_t message);

/* working.c */
void working_drop(struct telegram_previews *previews, const char *uuid); /* nothing waits for this any more */
void working_tick(struct telegram_previews *previews);
void working_clear(struct telegram_previews *previews);

#endif
