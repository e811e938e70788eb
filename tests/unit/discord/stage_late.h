/* A bot that was away: REST calls, the gate to the core and the gateway are the test's; time stands still (stage_loop). */
#ifndef STAGE_LATE_H
#define STAGE_LATE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "catch_up_room.h"
#include "stage_loop.h"

enum {
	LATE_CALLS = CATCH_UP_CALLS_MAX + CATCH_UP_READERS,
	LATE_TAKEN = 6000,
};
/* We were last connected ten minutes ago: that, and a minute for clocks that differ, is where reading begins. */
enum { SEEN = 600, FROM = 660 };
enum { GUILD = 77, ROOM = 501, HALL = 502, DIRECT = 901 };
#define TIMES(...) ((const unsigned[]){ __VA_ARGS__, 0 })
#define LATE_NOW   1800000000000LL /* the wall clock, Unix milliseconds */

struct late_call {
	char path[200];
	uint64_t id; /* 0: answered or cancelled */
	size_t answer_max;
	discord_rest_fn *fn;
	void *owner;
	uint64_t ticket;
};

struct late_taken {
	snowflake guild, message;
	discord_caught_fn *done; /* NULL: decided */
	void *owner;
};

struct late_stage {
	struct platform bot;
	struct platform_host host;
	struct log log;
	struct late_call calls[LATE_CALLS]; /* every one ever made */
	size_t call_count, cancelled;
	struct late_taken taken[LATE_TAKEN];
	size_t taken_count;
	snowflake ours;	    /* messages divisible by this are for us, others are decided about inside */
	unsigned caught_up; /* of shard 0 */
	unsigned others;    /* of other shards */
	snowflake joined;   /* the guilds that are offered; 0: not known */
};

struct late_stage *late_open(void);
void late_close(struct late_stage *stage);

/* The id of a message said so many seconds before LATE_NOW. */
snowflake late_id(unsigned seconds_ago);

/* A guild's text channel whose newest message is that old. */
void late_offer(struct late_stage *stage, snowflake guild, snowflake channel, unsigned seconds_ago);

/* The oldest call that waits, for this channel; fails when there is none. */
struct late_call *late_asked(struct late_stage *stage, snowflake channel);
size_t late_waiting(const struct late_stage *stage);
void late_answer(struct late_stage *stage, struct late_call *call, const struct discord_answer *answer);
/* The call's page: messages said so many seconds before LATE_NOW, as many as there are up to a 0. */
void late_page(struct late_stage *stage, struct late_call *call, const unsigned *seconds_ago);
void late_fails(struct late_stage *stage, struct late_call *call, enum discord_how how, unsigned retry_ms);

/* What the core says about the n-th message handed over. */
void late_ack(struct late_stage *stage, size_t n, enum ack_how how);
/* The n-th one handed over was said then, and is the last one. */
void late_last_is(const struct late_stage *stage, size_t n, unsigned seconds_ago);

/* A fresh session of the only shard; a cursor of an earlier process. */
void late_begin(struct late_stage *stage);
void late_cursor(struct late_stage *stage, const char *kind, snowflake channel, unsigned seconds_ago);
void late_asks_after(const struct late_call *call, snowflake channel, unsigned seconds_ago, unsigned limit);
void late_nothing_more(struct late_stage *stage); /* also not after a while */

#endif
