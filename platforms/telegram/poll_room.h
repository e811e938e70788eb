/* Long polling from the inside: what the poll*.c files share (sheet 3).
 *
 * An update is held from the answer it came with until it and all before it are taken; only then does the offset pass it,
 * which is what confirms it. While something is held, the same offset is asked for again, with pauses: one chat that has
 * to wait does not hold up the others. */
#ifndef USHER_TELEGRAM_POLL_ROOM_H
#define USHER_TELEGRAM_POLL_ROOM_H

#include "telegram_room.h"

enum { POLL_LIMIT = 100, POLL_UNREAD_MAX = 3, POLL_WHY = 200 };

/* Milliseconds, but for wait_s. */
struct poll_times {
	unsigned wait_s;	 /* a long poll */
	unsigned answer;	 /* beyond it, until the answer begins */
	unsigned body;		 /* and until its end */
	unsigned idle;		 /* without a byte of it */
	unsigned first, longest; /* pauses after failures */
	unsigned held;		 /* until the next question while something is held */
	unsigned same; /* the same when nothing new came; doubled up to same_longest. Within 500 ms the
				     platform would answer with one update only */
	unsigned same_longest;
	unsigned rival_quick; /* so long another program's poll is asked against quickly, with pauses of */
	unsigned rival_first, rival_spread;
	unsigned rival_slow; /* then with a pause of this and up to twice */
	unsigned rival_over; /* without a conflict: it is gone */
};

enum held_state { HELD_WAITS, HELD_GIVEN, HELD_TAKEN };

struct held_update {
	int64_t id, chat;
	enum held_state state;
	json_t *update; /* NULL once taken */
	uint64_t due;	/* not handed over before */
	uint64_t ticket;
	struct held_update *prev, *next;
	UT_hash_handle hh; /* poll->given, by ticket */
};

enum poll_pause { POLL_NO_PAUSE, POLL_HELD, POLL_PAUSE };

struct telegram_poll {
	struct platform *bot;
	struct poll_times times;
	bool wanted;
	uint64_t call;		  /* of telegram_api, 0 none */
	struct loop_timer *timer; /* to the next question */
	enum poll_pause pausing;  /* what it waits for: POLL_HELD ends early when nothing is held any more */
	struct loop_timer *again; /* to the next update to be handed over again */
	int64_t passed;		  /* all up to this one are taken; 0: nobody knows */
	int64_t newest;		  /* the last one of the latest answer, or what was taken before the start */
	unsigned limit, failures, unread;
	unsigned same; /* answers in a row with nothing new */
	bool repeated; /* the latest answer ended as the one before it */
	bool quick;    /* the next question waits for nothing: it only shows that the link is up */
	uint64_t rival_since, rival_at; /* conflicts: the first of a row and the latest, 0 none */
	uint64_t up_at;			/* the latest answer, or the start */
	unsigned alarms;
	bool shown;
	enum link_state link;
	char why[POLL_WHY];
	struct held_update *held, *given;
	unsigned held_count;
};

/* poll_batch.c: updates on their way in */
/* How many of them are new. */
unsigned telegram_batch_add(struct telegram_poll *poll, const json_t *updates);
void telegram_batch_hand_over(struct telegram_poll *poll); /* those that may go now */
void telegram_batch_forget(struct telegram_poll *poll);	   /* what is held comes again */
/* The chat of an update, 0 when it has none: what is in one chat is kept in order. */
int64_t telegram_update_chat(const json_t *update);
/* The first update's id in an answer that is not JSON by our rule, 0 none. */
int64_t telegram_unread_id(const char *text);

/* poll.c: something was taken, or is to be handed over again */
void telegram_poll_moved(struct telegram_poll *poll);

#endif
