/* A whole bot on real sockets: a Bot API that answers as the test says, and a core that notes what it is told. Shared by
 * the tests of a bot's life and of its checks. */
#ifndef STAGE_APP_H
#define STAGE_APP_H

#include "io.h"
#include "settings_build.h"
#include "telegram.h"
#include "telegram_room.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define APP_TOKEN "7000000001:app-stage-token"
#define APP_USER                                                                                             \
	"{\"id\":7000000001,\"is_bot\":true,\"first_name\":\"usher\",\"username\":\"usher_bot\","            \
	"\"can_join_groups\":true,\"can_read_all_group_messages\":false}"
#define APP_WEBHOOK(url)                                                                                     \
	"{\"url\":\"" url "\",\"has_custom_certificate\":false,\"pending_update_count\":3,"                  \
	"\"last_error_date\":1,\"last_error_message\":\"Connection refused\"}"
#define APP_REFUSED(code, words) "{\"ok\":false,\"error_code\":" #code ",\"description\":\"" words "\"}"

enum { APP_ANSWERS_MAX = 32, APP_CALLS_MAX = 200 };

struct app_put {
	const char *name, *text; /* "PORT" in text becomes the port of the stage's server */
};
extern const struct app_put app_poll[], app_webhook[];

/* What the Bot API answers: each of a method once, the last of them for ever. */
struct app_answer {
	char method[40];
	int status; /* 0: held, never answered */
	char *json;
	bool used;
};

struct app_call {
	char method[40], body[2000];
};

struct app_stage {
	struct platform_host host; /* first: calls find the stage by it */
	struct io *io;
	struct web *web;
	struct http *http;
	struct log log;
	struct settings *settings;
	struct platform *bot;
	char public_url[100];
	uint64_t deadline;

	struct app_answer answers[APP_ANSWERS_MAX];
	unsigned answer_count;
	struct app_call calls[APP_CALLS_MAX];
	unsigned call_count;

	unsigned links, records, stops, checks;
	enum link_state link;
	char why[600], record[2000], title[100], findings[16000];
	uint64_t record_ticket;
};

struct app_stage *app_stage_open(const struct app_put *puts);
void app_stage_start(struct app_stage *stage);
void app_stage_close(struct app_stage *stage);

/* From now on the method answers so, once for each time this is called, the last one for ever. result: of {"ok":true}. */
void app_says(struct app_stage *stage, const char *method, const char *result);
void app_says_status(struct app_stage *stage, const char *method, int status, const char *json);
void app_forget_answers(struct app_stage *stage);
unsigned app_called(const struct app_stage *stage, const char *method);

/* Runs the loop until true; ten seconds without fail the test. */
typedef bool app_until_fn(struct app_stage *stage, const void *what);
void app_run(struct app_stage *stage, app_until_fn *until, const void *what);
void app_run_link(struct app_stage *stage, enum link_state link);
void app_run_called(struct app_stage *stage, const char *method, unsigned least);
void app_run_count(struct app_stage *stage, const unsigned *count, unsigned least);

#endif
