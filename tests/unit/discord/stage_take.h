/* A bot that takes events in: the core notes what it is given and answers as the test says; the gateway, calls, typing,
 * catch-up, loop and clock are the test's. Links in by --wrap (tests.mk). */
#ifndef STAGE_TAKE_H
#define STAGE_TAKE_H

#include "inbound.h"
#include "quoted.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define TAKE_US	    UINT64_C(777)
#define TAKE_APP    UINT64_C(778)
#define TAKE_UUID   "0190aaaa-bbbb-7ccc-8ddd-eeeeeeeeeeee"
#define TAKE_NOW    INT64_C(1800000000000)     /* the wall clock at the start */
#define TAKE_GUILD  UINT64_C(9007199254740993) /* beyond what a double holds (pitfall 27) */
#define TAKE_TEXT   UINT64_C(9007199254740995) /* a text channel of it, known */
#define TAKE_THREAD UINT64_C(9007199254740997) /* a thread in that */
#define TAKE_DM	    UINT64_C(9007199254740999)

enum { TAKE_SEEN = 256 };

struct take_note {
	enum incoming_kind kind;
	uint64_t receipt;
	unsigned flags;
	int64_t sent_ms;
	size_t file_count;
	char *delivery, *semantic, *sender, *sender_name, *conversation, *text, *reply_to, *target, *scope,
		*cursor;
	char *file_url[MESSAGE_FILES_MAX], *file_name[MESSAGE_FILES_MAX], *file_mime[MESSAGE_FILES_MAX];
};

struct take_call {
	char *path;
	discord_rest_fn *fn;
	void *owner;
	uint64_t ticket;
	bool done, cancelled;
};

struct take_stage {
	struct platform_host host; /* first: the host's calls find the stage by it */
	struct log log;
	struct platform bot;
	struct take_note notes[TAKE_SEEN];
	size_t count;
	struct take_call calls[TAKE_SEEN];
	size_t call_count;
	unsigned told[TAKE_SEEN], again_ms[TAKE_SEEN]; /* by the event's number */
	unsigned works, settles, begins, offers, interactions, forgotten, caught;
	enum ack_how caught_how; /* with caught_ack */
	bool caught_ack;
	struct discord_place place; /* the newest reply address that was written */
	snowflake held;		    /* the channel that is being caught up */
	snowflake begin_seen, offered_since, offered[TAKE_SEEN];
	unsigned begin_shard, begin_shards;
	char nonce[64], cursor[64];
	snowflake nonce_message;
	discord_told_fn *interaction_told;
	void *interaction_owner;
	unsigned installs, removals;
	char install_key[40], install_title[300], install_settings[300], removed_key[40];
	uint64_t install_ticket;
	unsigned kept, not_kept; /* webhook events */
};

struct take_stage *
take_open(void); /* guilds: when addressed, no threads, no bots; guild, text channel and thread known */
void take_close(struct take_stage *stage);
snowflake take_id(unsigned number); /* of message `number` */

/* Takes event `number` (below TAKE_SEEN) of shard 0. */
void take_event(struct take_stage *stage, unsigned number, const char *name, const char *d);
/* A message `number` of user 5 ("Ann"); guild 0: a direct message. more: further members, beginning with a comma; its
 * author, type and content go before these. */
char *take_message(unsigned number, snowflake guild, snowflake channel, const char *text, const char *more);
void take_direct(struct take_stage *stage, unsigned number, const char *text, const char *more);
void take_in(struct take_stage *stage, unsigned number, snowflake channel, const char *text,
	     const char *more);
void take_caught(struct take_stage *stage, unsigned number, snowflake channel, const char *text,
		 const char *more);

const struct take_note *take_only(const struct take_stage *stage, size_t before); /* the one since `before` */
void take_ack(struct take_stage *stage, size_t index, enum ack_how how);
void take_was(const struct take_stage *stage, unsigned number);	  /* told once, as taken */
void take_later(const struct take_stage *stage, unsigned number); /* told once, to come again */
void take_waits(const struct take_stage *stage, unsigned number); /* not told yet */
void take_dropped(const struct take_stage *stage, size_t before,
		  unsigned number);			    /* taken, and nothing handed over */
void take_again(struct take_stage *stage, unsigned number); /* forgets what it was told */
void take_answer(struct take_stage *stage, const struct discord_answer *answer); /* to the oldest call */

#define MENTION ",'mentions':[{'id':'777','username':'usher'}]"

#endif
