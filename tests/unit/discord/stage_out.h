/* The platform, the core, places and time as the tests of answers want them: every call is recorded and answered when and
 * how the test says. Links in by --wrap (tests.mk). */
#ifndef STAGE_OUT_H
#define STAGE_OUT_H

#include "out.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define OUT_UUID  "0190aaaa-bbbb-7ccc-8ddd-eeeeeeeeeeee"
#define OUT_ASKED "0190aaaa-0000-7000-8000-000000000001"
#define OUT_NONCE "AZCqqru7fMyN3e7u7u7u7ga"

/* Reply addresses. The person is 5, the channel 100, their message OUT_MESSAGE. */
#define OUT_CHANNEL "channel"
#define OUT_DIRECT  "direct"  /* channel 200 */
#define OUT_THREAD  "thread"  /* a thread is to be opened */
#define OUT_SLASH   "slash"   /* an interaction in channel 100 */
#define OUT_WHISPER "whisper" /* one that only the person sees the answer of */
#define OUT_ABOUT   "about"   /* one about somebody's message 7 */

/* Ids made at OUT_NOW_MS, so that what is read back begins there. */
#define OUT_NOW_MS    INT64_C(1700000000000)
#define OUT_MESSAGE   "7"
#define OUT_ORIGINAL  "/webhooks/77/tok-en/messages/@original"
#define OUT_FOLLOW    "/webhooks/77/tok-en"
#define OUT_POST      "/channels/100/messages"
#define OUT_MENTIONS  "{'parse':[],'users':['5'],'replied_user':true}"
#define OUT_NOBODY    "{'parse':[],'users':[],'replied_user':false}"
#define OUT_REFERENCE "{'message_id':'7','fail_if_not_exists':false}"

enum { OUT_CALLS = 256 };

struct out_call {
	char *method, *path;
	json_t *args;
	bool no_token, droppable;
	char *file, *file_path, *file_name;
	enum { OUT_WAITS, OUT_ANSWERED, OUT_CANCELLED } state;
	discord_rest_fn *fn;
	void *owner;
	uint64_t ticket;
};

struct out_stage {
	struct platform_host host; /* first: the host's calls find the stage by it */
	struct log log;
	struct platform bot;
	struct out_call calls[OUT_CALLS];
	size_t call_count;
	int64_t clock_set_ms; /* what the wall clock was set forward by since the start */
	unsigned settles;
	snowflake followed;

	/* What the core heard, the latest of each. */
	unsigned sents, placeds;
	uint64_t sent_ticket;
	enum sent sent_how;
	unsigned sent_retry_ms;
	char sent_remote[100], sent_why[400], placed_uuid[64], placed_remote[100];
};

struct out_stage *out_open(void);
void out_close(struct out_stage *stage);

/* Runs what falls due, in order; the clock goes on, too. */
void out_pass(struct out_stage *stage, uint64_t ms);

/* The oldest call that waits; it must be this one. */
struct out_call *out_expect(struct out_stage *stage, const char *method, const char *path);
void out_expect_none(struct out_stage *stage);

/* Answers it: with this body (JSON text, `'` for `"`), refused, or in another way. */
void out_ok(struct out_stage *stage, struct out_call *call, const char *body);
void out_refuse(struct out_stage *stage, struct out_call *call, enum discord_refusal refusal, int code);
void out_fail(struct out_stage *stage, struct out_call *call, enum discord_how how, unsigned retry_ms);

/* A member of the arguments is this JSON text (`'` for `"`), "" when it is missing; path is an RFC 6901 pointer. */
void out_arg_is(const struct out_call *call, const char *path, const char *json);

/* An answer to OUT_ASKED, stored just now; the test changes what it wants. */
struct outgoing out_answer(const char *reply_to, const char *text);
void out_send(struct out_stage *stage, const struct outgoing *out);

/* What the core was told, once since the last time. */
void out_was_sent(struct out_stage *stage, enum sent how, const char *remote_id);
void out_why_has(const struct out_stage *stage, const char *words);

#endif
