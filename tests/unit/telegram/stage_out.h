/* The platform, the core and the loop as the tests of answers want them: every call is recorded and answered when and how
 * the test says. Links in by --wrap (tests.mk). */
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

enum { OUT_CALLS = 256 };

struct out_call {
	char *method;
	json_t *args;
	int64_t chat;
	bool group, droppable;
	char *file, *file_path, *file_name;
	enum { OUT_WAITS, OUT_ANSWERED, OUT_CANCELLED } state;
	telegram_api_fn *fn;
	void *owner;
	uint64_t ticket;
};

struct out_stage {
	struct platform_host host; /* first: the host's calls find the stage by it */
	struct log log;
	struct platform bot;
	struct out_call calls[OUT_CALLS];
	size_t call_count;
	unsigned settles;

	/* What the core heard, the latest of each. */
	unsigned sents, holds, placeds;
	uint64_t sent_ticket, hold_ticket;
	enum sent sent_how;
	unsigned sent_retry_ms;
	char sent_remote[100], sent_why[400], hold_remote[100], placed_uuid[64], placed_remote[100];
};

struct out_stage *out_open(void); /* with previews and drafts */
void out_close(struct out_stage *stage);

/* Runs what falls due, in order. */
void out_pass(struct out_stage *stage, uint64_t ms);

/* The oldest call that waits; it must be this method. */
struct out_call *out_expect(struct out_stage *stage, const char *method);
void out_expect_none(struct out_stage *stage);

/* Answers it: with this result (JSON text, `'` for `"`), refused, or in another way. */
void out_ok(struct out_stage *stage, struct out_call *call, const char *result);
void out_refuse(struct out_stage *stage, struct out_call *call, enum telegram_refusal refusal,
		const char *why);
void out_fail(struct out_stage *stage, struct out_call *call, enum telegram_how how, unsigned retry_ms);

/* A member of the arguments is this JSON text (`'` for `"`), "" when it is missing; path is an RFC 6901 pointer. */
void out_arg_is(const struct out_call *call, const char *path, const char *json);

/* Reply addresses of message 7: of a private chat (9), of a group (-100), of topic 5 there, of a channel (-200). */
const char *out_private(void);
const char *out_group(void);
const char *out_topic(void);
const char *out_channel(void);

/* An answer to OUT_ASKED; the test changes what it wants. */
struct outgoing out_answer(const char *reply_to, const char *text);

/* The answer to the latest host->hold. */
void out_held(struct out_stage *stage, enum err_kind kind);

/* What the core was told, once since the last time. */
void out_was_sent(struct out_stage *stage, enum sent how, const char *remote_id);
void out_why_has(const struct out_stage *stage, const char *words);

#endif
