/* A bot that takes interactions: the core notes what it is given and answers as the test says, calls of the REST API are
 * noted. The functions in the places of the room's own are called inter_NAME (tests.mk). One at a time. */
#ifndef STAGE_INTER_H
#define STAGE_INTER_H

#include "interaction.h"
#include "mem.h"
#include "stage_loop.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { INTER_SEEN = 64 };
#define INTER_NOW  INT64_C(1800000000000)
#define INTER_UUID "0190aaaa-bbbb-7ccc-8ddd-eeeeeeeeeeee"
#define INTER_ID   "1500000000000000001" /* of the interaction */

struct inter_message {
	enum incoming_kind kind;
	uint64_t receipt;
	unsigned flags;
	int64_t sent_ms;
	char *delivery, *sender, *sender_name, *conversation, *text, *target, *reply_to;
	struct discord_place place; /* its token is `token` */
	char *token;
	size_t file_count;
	char *file_url, *file_name; /* of the first file */
};

struct inter_call {
	char *method, *path;
	json_t *args;
	bool no_token, done, cancelled;
	discord_rest_fn *fn;
	void *owner;
	uint64_t ticket;
};

struct inter_event {
	char *type;
	discord_event_done_fn *done;
	void *owner;
};

struct inter_stage {
	struct platform_host host; /* first: the host's calls find the stage by it */
	struct log log;
	struct platform bot;
	struct inter_message messages[INTER_SEEN];
	size_t count;
	struct inter_call calls[INTER_SEEN];
	size_t call_count;
	struct inter_event events[INTER_SEEN]; /* webhook events that were taken */
	size_t event_count;
	struct discord_channel channel; /* the one that is known, by its id */
	snowflake off;			/* a guild that is switched off */
	snowflake followed;
	unsigned settles;

	/* the interaction that was handed over last */
	unsigned told;
	json_t *response; /* a copy; NULL: come again */

	/* what was remembered */
	char *note;
	unsigned notes;
	discord_remembered_fn *note_fn;
	void *note_owner;
};

/* In a loop of its own, or in this one. */
struct inter_stage *inter_open(struct loop *loop);
void inter_close(struct inter_stage *stage);
/* Of a test: opens one in a loop of its own. */
int inter_setup(void **state);
int inter_teardown(void **state);

/* An interaction with this in its object ("'type':2,..."), in guild 40, channel 50, of user 60; by the gateway, or over
 * HTTP. told is set when it was answered inside. */
void inter_gateway(struct inter_stage *stage, const char *what);
bool inter_http(struct inter_stage *stage, const char *what);
#define INTER_GUILD                                                                                          \
	"'id':'" INTER_ID                                                                                    \
	"','token':'tok-1','version':1,'application_id':'70','guild_id':'40','channel_id':'50',"             \
	"'context':0,'authorizing_integration_owners':{'0':'40'},'member':{'nick':'Annie','user':{'id':'60'" \
	","                                                                                                  \
	"'username':'ann'}},"
#define INTER_DIRECT                                                                                         \
	"'id':'" INTER_ID                                                                                    \
	"','token':'tok-1','version':1,'application_id':'70','channel_id':'51','context':1,"                 \
	"'channel':{'id':'51','type':1},'user':{'id':'60','global_name':'Ann','username':'ann'},"

/* The only message since `before`. */
const struct inter_message *inter_only(const struct inter_stage *stage, size_t before);
void inter_ack(struct inter_stage *stage, const struct inter_message *message, enum ack_how how,
	       enum message_state state);
/* The only call that is not done; it is this. */
struct inter_call *inter_called(struct inter_stage *stage, const char *method, const char *path);
void inter_answer(struct inter_stage *stage, struct inter_call *call, const struct discord_answer *answer);
size_t inter_waiting(const struct inter_stage *stage); /* calls that are not done */

/* The response that was told: its type, its words or NULL, whether only that person sees it. */
int inter_type(const struct inter_stage *stage);
const char *inter_words(const struct inter_stage *stage);
bool inter_whispers(const json_t *response);

#endif
