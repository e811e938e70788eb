/* The way in over HTTP (sheet 4, 5): check, read, hand over, and answer within the platform's patience. */
#include "clock.h"
#include "held.h"
#include "mem.h"
#include "metrics.h"
#include "request.h"
#include "transport.h"
#include "verify.h"
#include <stdlib.h>
#include <string.h>

enum { HELD_MAX = 1000, WARN_EVERY_MS = 60000, STOPPING_RETRY_MS = 5000, RETRIES_MAX = 1000 };

struct slack_receive {
	struct slack *app;
	struct web_held *held;
	bool stopping;
	uint64_t warned_at; /* of refusals one line a minute is written, with what came since */
	unsigned unwarned;
};

static struct metric failed_checks = {
	.name = "usher_slack_failed_checks_total",
	.help = "Requests whose signature was missing, malformed, out of time or wrong",
	.type = METRIC_COUNTER,
	.label = "app,why",
};

static struct web *web_of(const struct slack *app)
{
	return app->root->host->web;
}

/* ---- waiting for the acknowledgement ------------------------------------------------------------------- */

void slack_receive_ack(struct slack *app, const struct slack_from *from, enum slack_ack how, const char *text,
		       unsigned retry_ms)
{
	struct web_request *request =
		app->receive != NULL ? web_held_take(app->receive->held, from->id) : NULL;

	if (request == NULL)
		return; /* gone, or answered at the deadline; it will come again */
	if (how == SLACK_ACK_LATER) {
		web_answer_later(request, retry_ms);
	} else if (how == SLACK_ACK_BAD) {
		web_add_header(request, "x-slack-no-retry", "1"); /* it will be as bad again */
		web_answer_error(request, 400, "BAD_REQUEST", "%s", text != NULL ? text : "not understood");
	} else if (text != NULL) {
		web_answer_json(request, 200, text);
	} else {
		web_answer(request, 200, NULL, NULL, 0);
	}
}

/* ---- checking ------------------------------------------------------------------------------------------ */

static enum slack_verified check(const struct slack *app, const struct web_request *request, int64_t now_s)
{
	size_t len;
	const char *body = web_body(request, &len);

	if (web_header_repeated(request, "x-slack-signature") ||
	    web_header_repeated(request, "x-slack-request-timestamp"))
		return SLACK_MALFORMED;
	return slack_verify(app->config.signing_secret, web_header(request, "x-slack-request-timestamp"),
			    web_header(request, "x-slack-signature"), body, len, now_s);
}

/* Strangers may knock as often as they like: they don't fill the log. */
static void warn(struct slack_receive *receive, const struct web_request *request, enum slack_verified why,
		 int64_t now_s)
{
	const struct log *log = receive->app->root->host->log;
	uint64_t now = loop_now_ms(receive->app->root->host->loop);

	if (receive->warned_at != 0 && now - receive->warned_at < WARN_EVERY_MS) {
		receive->unwarned++;
		return;
	}
	if (why == SLACK_OUT_OF_TIME)
		log_warn(log,
			 "a request signed with our secret says it is %s, our clock says %lld: is this "
			 "machine's "
			 "clock right? (%u more refused)",
			 web_header(request, "x-slack-request-timestamp"), (long long)now_s,
			 receive->unwarned);
	else
		log_warn(log, "a request from %s failed its check: signature %s (%u more refused)%s",
			 web_peer(request), slack_verified_name(why), receive->unwarned,
			 why == SLACK_FORGED ? "; is signing_secret this app's?" : "");
	receive->warned_at = now;
	receive->unwarned = 0;
}

static void refuse(struct slack_receive *receive, struct web_request *request, enum slack_verified why,
		   int64_t now_s)
{
	metric_add(&failed_checks, (const char *[]){ receive->app->config.name, slack_verified_name(why) },
		   1);
	warn(receive, request, why, now_s);
	web_answer_error(request, 401, "AUTH_FAILED", "the request could not be authenticated");
}

/* ---- handing over -------------------------------------------------------------------------------------- */

/* For log and metrics: a repeated delivery is known by its key, never by this (sheet 18.7). */
static unsigned retry_count(const struct slack *app, const struct web_request *request)
{
	const char *text = web_header(request, "x-slack-retry-num");
	unsigned count = 0;

	if (text == NULL)
		return 0;
	for (; *text >= '0' && *text <= '9' && count < RETRIES_MAX; text++)
		count = count * 10 + (unsigned)(*text - '0');
	slack_count_retry(app, "http", web_header(request, "x-slack-retry-reason"));
	return count;
}

static void hand_over(struct slack_receive *receive, struct web_request *request, enum slack_payload kind,
		      json_t *payload)
{
	struct slack *app = receive->app;
	struct slack_from from = { .way = SLACK_FROM_HTTP,
				   .id = web_id(request),
				   .retry = retry_count(app, request),
				   .answerable = kind != SLACK_EVENT };

	web_body(request, &from.size);
	if (web_held_add(receive->held, request))
		slack_take(app, &from, kind, payload);
	else
		json_decref(payload);
}

static void answer_challenge(struct web_request *request, json_t *payload)
{
	const char *challenge = json_text(payload, "challenge");

	web_answer(request, 200, "text/plain; charset=utf-8", challenge, strlen(challenge));
	json_decref(payload);
}

static void take(struct slack_receive *receive, struct web_request *request)
{
	json_t *payload;
	struct err err = { 0 };
	size_t len;
	const char *body = web_body(request, &len);

	switch (slack_request_read(web_header(request, "content-type"), body, len, &payload, &err)) {
	case SLACK_REQUEST_EVENT:
		hand_over(receive, request, SLACK_EVENT, payload);
		break;
	case SLACK_REQUEST_COMMAND:
		hand_over(receive, request, SLACK_COMMAND, payload);
		break;
	case SLACK_REQUEST_INTERACTIVE:
		hand_over(receive, request, SLACK_INTERACTIVE, payload);
		break;
	case SLACK_REQUEST_CHALLENGE:
		answer_challenge(request, payload);
		break;
	case SLACK_REQUEST_PROBE:
		web_answer(request, 200, NULL, NULL, 0);
		break;
	case SLACK_REQUEST_TYPE:
		web_answer_error(request, 415, "UNSUPPORTED_MEDIA_TYPE", "send JSON or a form");
		break;
	case SLACK_REQUEST_MALFORMED:
		log_warn(receive->app->root->host->log, "a genuine request can't be read: %s", err.text);
		web_answer_error(request, 400, "BAD_REQUEST", "%s", err.text);
		break;
	}
}

static void on_request(void *owner, struct web_request *request)
{
	struct slack_receive *receive = owner;
	int64_t now_s = clock_wall_ms() / 1000;
	enum slack_verified genuine = check(receive->app, request, now_s);

	if (genuine != SLACK_GENUINE)
		refuse(receive, request, genuine, now_s);
	else if (receive->stopping)
		web_answer_later(request, STOPPING_RETRY_MS);
	else
		take(receive, request);
}

/* ---- beginning and end --------------------------------------------------------------------------------- */

static bool claim(struct slack_receive *receive, const char *what, struct err *err)
{
	char *path = mem_format("/slack/%s/%s", receive->app->config.name, what);
	bool claimed = web_claim(web_of(receive->app),
				 &(struct web_route){ "POST", path, SLACK_BODY_MAX, on_request, receive });

	if (!claimed)
		err_set(err, ERR_REFUSED, "the address %s is taken: two apps have the same name", path);
	free(path);
	return claimed;
}

bool slack_receive_start(struct slack *app, struct err *err)
{
	struct slack_receive *receive;

	if (app->config.signing_secret == NULL || *app->config.signing_secret == '\0')
		return app->config.transport == SLACK_SOCKET ||
		       err_set(err, ERR_REFUSED, "requests can't be checked without signing_secret");
	if (app->receive != NULL) { /* stopped before */
		app->receive->stopping = false;
		return true;
	}
	receive = mem_zero(1, sizeof(*receive));
	receive->app = app;
	receive->held = web_held_create(web_of(app), app->root->host->loop, SLACK_ACK_MS, HELD_MAX);
	app->receive = receive;
	if (claim(receive, "events", err) && claim(receive, "commands", err) &&
	    claim(receive, "interactive", err))
		return true;
	slack_receive_destroy(app);
	return false;
}

void slack_receive_stop(struct slack *app)
{
	if (app->receive != NULL)
		app->receive->stopping = true;
}

void slack_receive_destroy(struct slack *app)
{
	struct slack_receive *receive = app->receive;

	if (receive == NULL)
		return;
	web_release(web_of(app), receive);
	web_held_destroy(receive->held);
	free(receive);
	app->receive = NULL;
}
