/* A bot whose questions the test answers, and whose gateway, hook and commands only count what they are told; the loop's
 * time is the test's. Shared by the tests of a bot's life and of its checks. */
#ifndef STAGE_LIFE_H
#define STAGE_LIFE_H

#include "discord.h"
#include "gateway_room.h"
#include "life.h"
#include "settings_build.h"
#include "stage_loop.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define LIFE_TOKEN "MTk4NjIyNDgzNDcxOTI1MjQ4.Cl2FMQ.life-stage-token-abc"
#define LIFE_KEY   "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"
#define LIFE_APP_FLAGS(flags)                                                                                \
	"{\"id\":\"1001\",\"name\":\"Usher\",\"verify_key\":\"" LIFE_KEY "\",\"flags\":" #flags              \
	",\"approximate_guild_count\":2}"
#define LIFE_APP  LIFE_APP_FLAGS(524288) /* the intent is on */
#define LIFE_USER "{\"id\":\"1002\",\"username\":\"usher\",\"bot\":true}"

enum { LIFE_MINUTE = 60000 };

struct life_put {
	const char *name, *text;
};

struct life_stage {
	struct platform_host host; /* first: calls find the stage by it */
	struct platform bot;
	struct discord_gateway gateway;
	struct log log;
	struct settings *settings;

	/* the question that waits for its answer */
	char path[200];
	discord_rest_fn *fn;
	void *owner;
	uint64_t call, ticket;
	unsigned asked, cancelled;

	/* the clock's question */
	http_done_fn *on_time;
	void *time_owner;
	uint64_t time_ticket;

	unsigned links, records, checks, stops;
	enum link_state link;
	char why[800], record[500], title[100], findings[16000];
	uint64_t record_ticket;
	unsigned gateway_starts, gateway_stops, hook_starts, hook_stops, registered;
	bool for_good, gateway_busy, hook_fails;
	size_t sends, inbound, interactions; /* that still run */
};

struct life_stage *life_stage_open(const struct life_put *more); /* NULL: name and token only */
void life_stage_start(struct life_stage *stage);
void life_stage_close(struct life_stage *stage);

/* The question that waits must be this one, and is answered. */
void life_says(struct life_stage *stage, const char *path, const char *json);
void life_refuses(struct life_stage *stage, const char *path, enum discord_how how, const char *why);
bool life_asks(const struct life_stage *stage);		  /* a question waits */
void life_time(struct life_stage *stage, int64_t off_ms); /* of the platform's clock; -1: no answer */
void life_stage_meet(struct life_stage *stage);		  /* both questions of the start are answered well */

#endif
