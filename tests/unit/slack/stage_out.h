/* Slack, the core, the loop and the clock as the tests of answers want them: every call is recorded and answered when
 * and how the test says. Links in by --wrap (tests.mk). */
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
#define OUT_NOW	  INT64_C(1800000000000) /* the wall clock at the start */

enum { OUT_CALLS = 512, OUT_TIMERS = 16 };

struct out_call {
	uint64_t id;
	char *method; /* "respond URL" for slack_respond */
	char *lane;   /* or NULL */
	json_t *args;
	unsigned wait_ms;
	enum { OUT_WAITS, OUT_ANSWERED, OUT_CANCELLED } state;
	slack_api_fn *fn;
	void *owner;
	uint64_t ticket;
};

struct out_stage {
	struct platform_host host; /* first: the host's calls find the stage by it */
	struct log log;
	struct slack app;
	struct platform workspace;
	struct out_call calls[OUT_CALLS];
	size_t call_count;
	size_t settles;

	/* What the core heard, the latest of each. */
	unsigned sents, placeds, holds;
	uint64_t sent_ticket;
	enum sent sent_how;
	unsigned sent_retry_ms;
	uint64_t hold_ticket;
	char hold_remote[200], sent_remote[200], sent_why[400], placed_uuid[64], placed_remote[200];
};

struct out_stage *out_open(void); /* with feedback and streams on */
void out_close(struct out_stage *stage);

/* Runs what was posted and what falls due, in order. */
void out_pass(struct out_stage *stage, uint64_t ms);

/* The oldest call that waits; it must be this method. */
struct out_call *out_expect(struct out_stage *stage, const char *method);
void out_expect_none(struct out_stage *stage);
size_t out_waiting(const struct out_stage *stage);

/* Answers it: "ok": true with these members (JSON object text or NULL), refused with a code, or in another way. */
void out_ok(struct out_stage *stage, struct out_call *call, const char *json);
void out_refuse(struct out_stage *stage, struct out_call *call, const char *code);
void out_fail(struct out_stage *stage, struct out_call *call, enum slack_how how, unsigned retry_ms);

/* A member of the arguments as JSON text, "" when missing; path is an RFC 6901 pointer. Valid until the next call. */
const char *out_arg(const struct out_call *call, const char *path);
void out_arg_is(const struct out_call *call, const char *path, const char *json);

/* A reply address: of a thread in a channel, of one in direct messages, of direct messages without threads, of a
 * command in a channel or in direct messages given made_ms ago. The caller frees. */
char *out_channel(void);
char *out_direct_thread(void);
char *out_direct(void);
char *out_command(bool direct, int64_t ago_ms);

/* An answer to OUT_ASKED in out_channel's form; the test changes what it wants. */
struct outgoing out_answer(const char *reply_to, const char *text);

/* The answer to the latest host->hold. */
void out_held(struct out_stage *stage, enum err_kind kind);

/* What the core was told, once. */
void out_was_sent(const struct out_stage *stage, enum sent how, const char *remote_id);
void out_why_has(const struct out_stage *stage, const char *words);

#endif
