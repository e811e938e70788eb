/* Deliveries by webhook from the inside: what the hook*.c files share (sheet 4). */
#ifndef USHER_TELEGRAM_HOOK_ROOM_H
#define USHER_TELEGRAM_HOOK_ROOM_H

#include "crypto.h"
#include "held.h"
#include "recent.h"
#include "telegram_room.h"

enum {
	HOOK_WHY = 300,
	HOOK_HELD_MAX = 1000,
	HOOK_CONNECTIONS = 40,
	HOOK_POISON_MAX = 3,
	HOOK_POISONS_MAX = 200
};

/* Milliseconds. */
struct hook_times {
	unsigned look;		 /* between looks at the webhook */
	unsigned first, longest; /* pauses after failures */
};

struct telegram_hook {
	struct platform *bot;
	struct hook_times times;
	struct web_held *held; /* NULL: the path is not claimed yet */
	char secret[257];      /* what every delivery says */
	bool stopping;
	struct recents poisons; /* bodies that could not be read, by their digest: how often each came */
	uint64_t warned_at;	/* of refusals one line a minute is written */
	unsigned unwarned;

	/* hook_set.c */
	uint64_t call; /* of telegram_api, 0 none */
	struct loop_timer *timer;
	bool set; /* by us, in this life */
	unsigned failures;
	unsigned stolen; /* looks in a row that found another address after we had set ours */
	int64_t heard_s; /* when a delivery came or the webhook was set last, Unix seconds */
	bool shown;
	enum link_state link;
	char why[HOOK_WHY];
};

/* hook_set.c: keeps the webhook set, and says in the link what the platform says about it */
void telegram_hook_watch(struct telegram_hook *hook);
void telegram_hook_unwatch(struct telegram_hook *hook);
void telegram_hook_heard(struct telegram_hook *hook); /* a genuine delivery */

#endif
