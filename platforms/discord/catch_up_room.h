/* What catch_up.c (what there is to read) and catch_up_read.c (reading it) share. Loop thread only. */
#ifndef USHER_DISCORD_CATCH_UP_ROOM_H
#define USHER_DISCORD_CATCH_UP_ROOM_H

#include "discord_room.h"
#include "recent.h"

enum {
	CATCH_UP_READERS = 4,		 /* channels side by side: a slow one does not hold up all */
	CATCH_UP_PAGE = 100,		 /* messages a call (sheet 17) */
	CATCH_UP_PAGES_MAX = 50,	 /* of one channel: what others said to each other is read, too */
	CATCH_UP_CALLS_MAX = 2000,	 /* of one run; what is left then is left out */
	CATCH_UP_SCOPES_MAX = 10000,	 /* channels that wait */
	CATCH_UP_OVERLAP_MS = 60000,	 /* read from before: copies are recognised, holes are not */
	CATCH_UP_QUIET_MS = 15000,	 /* no guild came for so long: all have come */
	CATCH_UP_OPEN_MS = 5 * 60 * 1000 /* the longest wait for guilds */
};

/* A channel to read, or being read. */
struct scope {
	snowflake channel, guild; /* guild 0: a direct message */
	snowflake from;		  /* later ones only; moves with what was decided */
	struct run *run;
	bool read;		   /* by a reader now; else in up->waiting */
	unsigned rounds;	   /* that ended in failures */
	struct scope *prev, *next; /* in up->waiting */
	UT_hash_handle hh;
};

/* A guild whose channels were offered since the run began. */
struct offered {
	snowflake guild;
	uint64_t at_ms;
	UT_hash_handle hh;
};

/* What one shard missed. Stays when it has ended: a guild that was out of order then may come later. */
struct run {
	unsigned shard;
	snowflake from; /* everything before was seen; 0: nothing is known to be missed */
	bool open;	/* the gateway waits for its end */
	uint64_t begun_ms, quiet_ms;
	size_t left; /* scopes */
	unsigned calls, messages;
	bool warned;
	struct offered *guilds;
	struct run *next;
};

/* Reads one channel at a time: a page, then each message of it, then the next page. */
struct reader {
	struct discord_catch_up *up;
	struct scope *scope; /* NULL: idle, or it was taken away */
	snowflake after;     /* of the next page */
	json_t *found;	     /* a page, oldest first, or NULL */
	size_t at;
	unsigned count; /* messages of this channel that the core decided about */
	unsigned pages; /* read of it */
	bool last;	/* nothing behind this page */
	bool waiting;	/* for what becomes of the message handed over, also when its scope was taken away */
	bool inside;	/* of hand */
	unsigned tries; /* calls that failed, messages not taken: one after the other */
	uint64_t call;
	struct loop_timer *timer;
};

struct discord_catch_up {
	struct platform *bot;
	struct recents cursors; /* by scope */
	struct scope *scopes;	/* all, by channel */
	struct scope *waiting;
	struct run *runs;
	struct reader readers[CATCH_UP_READERS];
	struct loop_timer *timer; /* for the ends of runs */
};

/* catch_up.c */
void catch_up_end_scope(struct discord_catch_up *up, struct scope *scope); /* out of all lists, and freed */
void catch_up_drop_waiting(struct discord_catch_up *up, struct run *run);  /* too much for one run */
void catch_up_look(struct discord_catch_up *up); /* in a later round: has a run ended? */

/* catch_up_read.c */
void catch_up_readers_create(struct discord_catch_up *up);
void catch_up_feed(struct discord_catch_up *up); /* idle readers begin with what waits */
/* What is read of this run's channels (NULL: of all) is laid aside; the scopes stay the caller's. */
void catch_up_take_away(struct discord_catch_up *up, const struct run *run);
void catch_up_readers_destroy(struct discord_catch_up *up);

#endif
