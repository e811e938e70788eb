/* A whole app on real sockets: a Web API that answers as the test says, a browser, and a core that notes what it is
 * told. Shared by the tests of the app's life, installation, renewal and checks. */
#ifndef STAGE_APP_H
#define STAGE_APP_H

#include "io.h"
#include "settings_build.h"
#include "slack.h"
#include "slack_room.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define STAGE_BOT_TOKEN "xoxb-100-200-bottoken"
#define STAGE_APP_TOKEN "xapp-1-A0001-300-apptoken"
#define STAGE_AUTH                                                                                           \
	"{\"ok\":true,\"url\":\"https://acme.slack.com/\",\"team\":\"Acme\",\"user\":\"usher\","             \
	"\"team_id\":\"T1\",\"user_id\":\"U0BOT\",\"bot_id\":\"B1\",\"is_enterprise_install\":false}"
#define STAGE_BOTS_INFO "{\"ok\":true,\"bot\":{\"id\":\"B1\",\"app_id\":\"A0001\",\"user_id\":\"U0BOT\"}}"
#define STAGE_SCOPES                                                                                         \
	"app_mentions:read,assistant:write,channels:history,channels:read,chat:write,commands,"              \
	"files:read,files:write,groups:history,groups:read,im:history,im:read,mpim:history,mpim:read,users:" \
	"read"

enum { APP_ANSWERS_MAX = 32, APP_CALLS_MAX = 200, APP_DOORS_MAX = 4 };

struct app_put {
	const char *name, *text; /* "PORT" in text becomes the port of the stage's server */
};
extern const struct app_put app_http[];	  /* with a bot token, over HTTP */
extern const struct app_put app_shared[]; /* without: others add it */

/* One installation as the core sees it. */
struct app_door {
	struct platform_host host; /* first: calls find the door by it */
	struct app_stage *stage;
	struct platform *platform;
	struct log log;
	char name[40];
	unsigned links, keeps, removals, stops, checks;
	enum link_state link;
	char why[600], kept[1000], removed_why[200], findings[16000];
	uint64_t kept_ticket;
};

/* What the Web API answers: each of a method once, the last of them for ever. */
struct app_answer {
	char method[40];
	int status; /* 0: hold, never answered */
	char *json;
	bool used;
};

struct app_call {
	char method[40], authorization[300], body[2000];
};

struct app_reply {
	bool done;
	int status;
	char *body;
	char head[2000]; /* Set-Cookie and other headers the tests look at, "name: value" lines */
};

struct app_stage {
	struct io *io;
	struct web *web;
	struct http *http;
	struct settings *settings;
	struct app_door doors[APP_DOORS_MAX]; /* the first is the root */
	unsigned door_count;
	char public_url[100];
	uint64_t deadline;

	struct app_answer answers[APP_ANSWERS_MAX];
	unsigned answer_count;
	const char *scopes; /* x-oauth-scopes of every answer */
	struct app_call calls[APP_CALLS_MAX];
	unsigned call_count;

	/* host.install */
	unsigned installs, records; /* with a key; of the configured one itself */
	char install_key[80], install_title[80], install_settings[2000], install_secrets[1000], record[2000];
	bool install_fails, keep_fails, keep_gone, silent; /* silent: the store never answers */
	bool adopts;					   /* as the core does */
};

struct app_stage *app_stage_open(const struct app_put *puts);
void app_stage_start(struct app_stage *stage);
void app_stage_close(struct app_stage *stage);
struct platform *app_root(struct app_stage *stage);

/* Another installation, as from its row; enabled. */
struct app_door *app_stage_adopt(struct app_stage *stage, const char *key, const char *settings,
				 const char *secrets);

/* From now on the method answers so, once for each time this is called, the last one for ever. */
void app_says(struct app_stage *stage, const char *method, const char *json);
void app_says_status(struct app_stage *stage, const char *method, int status, const char *json);
void app_forget_answers(struct app_stage *stage);
unsigned app_called(const struct app_stage *stage, const char *method);
const struct app_call *app_last(const struct app_stage *stage, const char *method);

/* Runs the loop until true; ten seconds without fail the test. */
typedef bool app_until_fn(struct app_stage *stage, const void *what);
void app_run(struct app_stage *stage, app_until_fn *until, const void *what);
void app_run_link(struct app_door *door, enum link_state link);
void app_run_called(struct app_stage *stage, const char *method, unsigned least);
void app_run_count(struct app_stage *stage, const unsigned *count, unsigned least);

/* A browser: GET path with this cookie ("name=value") or NULL, and what came back. */
void app_get(struct app_stage *stage, const char *path, const char *cookie, struct app_reply *reply);
void app_get_begin(struct app_stage *stage, const char *path, const char *cookie, struct app_reply *reply);
void app_get_wait(struct app_stage *stage, struct app_reply *reply);
void app_reply_free(struct app_reply *reply);

#endif
