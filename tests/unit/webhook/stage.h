/* A hook on real sockets with a core that does what the test says: shared by the tests of requests and
 * callbacks. */
#ifndef STAGE_H
#define STAGE_H

#include "hook.h"
#include "io.h"
#include "log.h"
#include "settings_build.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define STAGE_SECRET "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
#define STAGE_UUID   "0190aaaa-bbbb-7ccc-8ddd-eeeeeeeeeeee"
#define STAGE_PLACE  "0190aaaa-0000-7000-8000-000000000001"

#define STAGE_BODY "{\"text\":\"hello\",\"sender\":{\"id\":\"u1\"},\"conversation_id\":\"t1\"}"

struct stage_put {
	const char *name, *text;
};

/* A hook named crm with STAGE_SECRET, and how the core answers its message STAGE_UUID. */
extern const struct stage_put stage_standard[];
extern const struct outgoing stage_answered;

/* A request on its way, or answered. */
struct reply {
	bool done;
	uint64_t http_id;
	enum http_how how;
	int status;
	int64_t retry_after_ms;
	char *body;
};

struct stage {
	struct platform_host host; /* first: the host's calls find the stage by it */
	struct io *io;
	struct web *web;
	struct http *http;
	struct log log;
	struct platform *hook;
	struct settings *settings;
	uint64_t deadline;
	bool (*until)(struct stage *stage, const void *what);
	const void *what;

	/* What the hook said, the latest of each, and how often. */
	unsigned incoming, looks, sents, stops, links;
	char key[300], fingerprint[80], sender[300], conversation[300], text[300], reply_to[300];
	unsigned flags;
	uint64_t receipt, look_ticket, sent_ticket;
	char looked[40];
	enum sent sent_how;
	unsigned sent_retry_ms;
	enum link_state link;

	/* What the core answers, in a later round; silent: nothing. */
	struct ack ack;
	bool silent;
	const struct outgoing *found;

	/* The callback receiver at POST /cb. */
	unsigned callbacks;
	int callback_status;
	const char *callback_retry_after;
	bool callback_held;
	uint64_t callback_web_id;
	char callback_body[4096], callback_id[80], callback_time[40], callback_signature[80],
		callback_origin[80];
};

struct stage *stage_open(const struct stage_put *puts);
void stage_close(struct stage *stage); /* destroys the hook if that did not happen yet */

/* Runs the loop until true; ten seconds without fail the test. */
void stage_run(struct stage *stage, bool (*until)(struct stage *stage, const void *what), const void *what);
void stage_run_reply(struct stage *stage, const struct reply *reply);
void stage_run_count(struct stage *stage, const unsigned *count, unsigned least);

/* headers end with NULL. */
void stage_request(struct stage *stage, struct reply *reply, const char *method, const char *path,
		   const char *const *headers, const char *body);
/* Signed by STAGE_SECRET at our time. */
void stage_post_signed(struct stage *stage, struct reply *reply, const char *query, const char *id,
		       const char *type, const char *body);
void reply_free(struct reply *reply);

/* One member of a JSON answer as text ("" when missing); "reply/text" descends. The caller frees. */
char *stage_member(const char *json, const char *pointer);
void stage_member_is(const struct reply *reply, const char *pointer, const char *expected);

/* Posts STAGE_BODY, signed. */
void stage_post(struct stage *stage, struct reply *reply, const char *query, const char *id);

/* Runs the loop until the reply is there; it must have this status. */
void stage_expect(struct stage *stage, struct reply *reply, int status);
void stage_check_answered(const struct reply *reply); /* it says what stage_answered says */

/* For stage_run: one request is held. */
bool stage_one_waits(struct stage *stage, const void *what);

#endif
