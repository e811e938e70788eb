/* Calls of the Web API: each is made when pace and lane allow, is answered once, and is never made twice by itself. */
#include "api_room.h"
#include "backoff.h"
#include "mem.h"
#include "metrics.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <utlist.h>

enum { JITTER_MS = 500 };

static struct metric calls_total = {
	.name = "usher_slack_calls_total",
	.help = "Calls of the Web API, by method and outcome",
	.type = METRIC_COUNTER,
	.label = "method,outcome",
};

static uint64_t now_of(const struct slack_lanes *lanes)
{
	return loop_now_ms(lanes->workspace->host->loop);
}

static void kick(struct slack_lanes *lanes)
{
	loop_timer_start(lanes->timer, 0, 0);
}

/* ---- ends ---------------------------------------------------------------------------------------------- */

static void free_call(struct api_call *call)
{
	free(call->url);
	free(call->authorization);
	free(call->used);
	message_file_free(call->upload);
	buf_free(&call->body);
	free(call);
}

/* Nobody outside can reach it any more; its lane goes on. */
static void take_out(struct api_call *call)
{
	struct slack_lanes *lanes = call->lanes;

	HASH_DEL(lanes->calls, call);
	if (call->state == API_DECIDED)
		DL_DELETE(lanes->decided, call);
	if (call->lane != NULL && call->in_lane) {
		slack_api_lane_done(lanes, call->lane);
		kick(lanes);
	}
}

static void finish(struct api_call *call, const struct slack_answer *answer)
{
	static const char *const words[] = {
		[SLACK_OK] = "ok",	     [SLACK_NOT_SENT] = "not_sent", [SLACK_MAYBE] = "maybe",
		[SLACK_LIMITED] = "limited", [SLACK_REFUSED] = "refused",   [SLACK_AUTH] = "auth",
	};
	struct platform *workspace = call->lanes->workspace;

	metric_add(&calls_total,
		   (const char *[]){ call->method != NULL ? call->method->method->name : "response_url",
				     words[answer->how] },
		   1);
	take_out(call);
	call->fn(workspace, call->owner, call->ticket, answer);
	free_call(call);
	if (workspace->stopping)
		slack_settle(workspace);
}

/* Known now, told in a later round. error is a literal. */
static void decide(struct api_call *call, enum slack_how how, const char *error, uint64_t retry_ms)
{
	call->state = API_DECIDED;
	call->decided = (struct slack_answer){
		.how = how,
		.error = error,
		.retry_ms = retry_ms > UINT32_MAX ? UINT32_MAX : (unsigned)retry_ms,
	};
	DL_APPEND(call->lanes->decided, call);
	kick(call->lanes);
}

/* ---- what an answer tells us --------------------------------------------------------------------------- */

static void pause_for(struct api_call *call, unsigned retry_ms)
{
	struct pace *pace =
		call->lane != NULL && call->method->method->posts ? &call->lane->posts : &call->method->pace;

	pace_pause(pace, now_of(call->lanes), retry_ms + backoff_ms(1, JITTER_MS, JITTER_MS));
}

static void log_bug(const struct api_call *call, const struct slack_reading *reading)
{
	const json_t *said = json_pointer(reading->document, "/response_metadata/messages");
	char *text = said != NULL ? json_write(said) : mem_text("no explanation");

	log_error(call->lanes->workspace->host->log, "%s: %s: %.500s", call->method->method->name,
		  reading->answer.error, text);
	free(text);
}

/* Once for each new fault of a method: some are called with every message. */
static void complain(struct api_call *call, const struct slack_reading *reading)
{
	struct api_pace_of *method = call->method;
	const struct log *log = call->lanes->workspace->host->log;
	const struct slack_answer *answer = &reading->answer;

	if (answer->how == SLACK_OK)
		method->complained[0] = '\0';
	if (reading->class < SLACK_ERROR_CONFIG || strcmp(method->complained, answer->error) == 0)
		return;
	snprintf(method->complained, sizeof(method->complained), "%s", answer->error);
	if (reading->class == SLACK_ERROR_BUG)
		log_bug(call, reading);
	else if (answer->needed != NULL)
		log_warn(log, "%s: %s: the app needs the scope %s, and to be installed again",
			 method->method->name, answer->error, answer->needed);
	else
		log_warn(log, "%s: %s", method->method->name, answer->error);
}

/* ---- going out ----------------------------------------------------------------------------------------- */

static void done(void *owner, uint64_t ticket, const struct http_answer *http);

static void send_call(struct api_call *call, const char *authorization)
{
	const char *type = call->form == SLACK_JSON ? "content-type: application/json; charset=utf-8"
						    : "content-type: application/x-www-form-urlencoded";
	const char *headers[] = { type, authorization, NULL };
	struct http_part file = { .name = "file" };

	if (call->upload) {
		file.file_name = call->upload->name;
		file.path = call->upload->path;
		file.type = "application/octet-stream";
	}

	call->state = API_RUNNING;
	call->http_id = http_start(call->lanes->workspace->host->http,
				   &(struct http_call){ .method = "POST",
							.url = call->url,
							.headers = call->upload ? NULL : headers,
							.parts = call->upload ? &file : NULL,
							.part_count = call->upload ? 1 : 0,
							.body = call->body.data,
							.body_len = call->body.len,
							.total_ms = call->total_ms,
							.answer_max = API_ANSWER_MAX },
				   NULL, done, call->lanes, call->id);
}

/* With the workspace's token as it is now, which may be newer than when the call was asked for. */
static void go(struct api_call *call)
{
	const struct platform *workspace = call->lanes->workspace;
	char *authorization;

	if (call->authorization != NULL || call->method == NULL) {
		send_call(call, call->authorization);
		return;
	}
	if (workspace->dead || workspace->token == NULL) {
		decide(call, SLACK_AUTH, workspace->dead ? "the token was refused" : "there is no token", 0);
		return;
	}
	authorization = slack_authorization(workspace->token, NULL);
	if (authorization == NULL) {
		decide(call, SLACK_AUTH, "the token is not one", 0);
		return;
	}
	free(call->used);
	call->used = mem_text(workspace->token);
	send_call(call, authorization);
	free(authorization);
}

/* ---- tokens that don't work ---------------------------------------------------------------------------- */

static void on_fresh(struct platform *workspace, void *owner, bool fresh)
{
	struct slack_lanes *lanes = workspace->lanes;
	struct api_call *call, *next;

	(void)owner; /* the lanes may be gone by now */
	if (lanes == NULL)
		return;
	lanes->refreshing = false;
	HASH_ITER (hh, lanes->calls, call, next) {
		if (call->state != API_REFRESHING)
			continue;
		if (fresh)
			go(call);
		else if (workspace->dead)
			decide(call, SLACK_AUTH, "the token can't be refreshed any more", 0);
		else
			decide(call, SLACK_NOT_SENT, "the token could not be refreshed", 0);
	}
}

static void refresh(struct api_call *call)
{
	struct slack_lanes *lanes = call->lanes;

	call->state = API_REFRESHING;
	call->fresh = true;
	if (lanes->refreshing)
		return;
	lanes->refreshing = true;
	slack_fresh(lanes->workspace, on_fresh, NULL);
}

/* True: the call goes out again, once. It was refused at the door, so nothing of it happened. */
static bool again(struct api_call *call, enum slack_error_class class)
{
	const struct platform *workspace = call->lanes->workspace;

	if (call->used == NULL || call->fresh || workspace->dead || workspace->token == NULL)
		return false;
	if (strcmp(call->used, workspace->token) != 0) { /* it was replaced while the call was under way */
		call->fresh = true;
		go(call);
		return true;
	}
	if (class != SLACK_ERROR_EXPIRED || workspace->refresh_token == NULL)
		return false;
	refresh(call);
	return true;
}

static void judge(struct api_call *call, struct slack_reading *reading)
{
	struct platform *workspace = call->lanes->workspace;
	bool bad_token = reading->class == SLACK_ERROR_DEAD || reading->class == SLACK_ERROR_EXPIRED;

	if (bad_token && again(call, reading->class))
		return;
	if (reading->answer.how == SLACK_LIMITED)
		pause_for(call, reading->answer.retry_ms);
	complain(call, reading);
	reading->answer.harmless = call->method->method->harmless;
	if (bad_token && call->used != NULL && !workspace->dead) {
		uint64_t id = call->id;

		slack_token_dead(workspace, reading->answer.error); /* which may cancel calls, this one too */
		HASH_FIND(hh, workspace->lanes->calls, &id, sizeof(id), call);
	}
	if (call != NULL)
		finish(call, &reading->answer);
}

static void done(void *owner, uint64_t ticket, const struct http_answer *http)
{
	struct slack_lanes *lanes = owner;
	struct slack_reading reading;
	struct api_call *call;

	HASH_FIND(hh, lanes->calls, &ticket, sizeof(ticket), call);
	if (call == NULL)
		return;
	slack_reading_begin(&reading, http, call->method == NULL);
	if (call->method == NULL)
		finish(call, &reading.answer);
	else
		judge(call, &reading);
	slack_reading_finish(&reading);
}

/* ---- taking turns -------------------------------------------------------------------------------------- */

static void give_up(struct api_call *call, uint64_t now_ms)
{
	uint64_t wait = slack_api_wait(call, now_ms);

	call->lane = NULL; /* it does not hold it any more */
	decide(call, SLACK_LIMITED, "others were before it", wait + API_LANE_MS);
}

static void start_waiting(struct slack_lanes *lanes)
{
	uint64_t now = now_of(lanes), wait;
	struct api_call *call;
	bool late;

	while ((call = slack_api_next(lanes, now, &late, &wait)) != NULL) {
		call->in_lane = !late;
		if (late)
			give_up(call, now);
		else
			go(call);
	}
	if (wait != UINT64_MAX)
		loop_timer_start(lanes->timer, wait, 0);
}

static void on_timer(void *data)
{
	struct slack_lanes *lanes = data;
	struct api_call *call;
	uint64_t until = lanes->last_id; /* what callbacks ask for is answered in a later round */

	start_waiting(lanes);
	while ((call = lanes->decided) != NULL && call->id <= until) {
		struct slack_answer answer = call->decided;

		DL_DELETE(lanes->decided, call);
		call->state = API_ENDED;
		finish(call, &answer);
	}
	if (lanes->decided != NULL)
		kick(lanes);
}

/* ---- the contract -------------------------------------------------------------------------------------- */

static struct api_call *new_call(struct slack_lanes *lanes, slack_api_fn *fn, void *owner, uint64_t ticket)
{
	struct api_call *call = mem_zero(1, sizeof(*call));

	call->lanes = lanes;
	call->id = ++lanes->last_id;
	call->fn = fn;
	call->owner = owner;
	call->ticket = ticket;
	HASH_ADD(hh, lanes->calls, id, sizeof(call->id), call);
	return call;
}

/* Rather no now than a yes too late. */
static void line_up(struct api_call *call, const char *lane, unsigned wait_ms)
{
	struct slack_lanes *lanes = call->lanes;
	uint64_t now = now_of(lanes), wait;

	call->lane = lane != NULL ? slack_api_lane_of(lanes, lane) : NULL;
	wait = slack_api_wait(call, now);
	if (wait > wait_ms || slack_api_queue_full(lanes, call->body.len)) {
		call->lane = NULL; /* it was never in it */
		decide(call, SLACK_LIMITED, "too many calls are waiting",
		       wait > API_LANE_MS ? wait : API_LANE_MS);
		return;
	}
	call->deadline = now + wait_ms;
	slack_api_queue(call);
	kick(lanes);
}

uint64_t slack_api(struct platform *workspace, struct slack_call *wanted, slack_api_fn *fn, void *owner,
		   uint64_t ticket)
{
	struct slack_lanes *lanes = workspace->lanes;
	const struct slack_method *method = slack_method_find(wanted->method);
	struct api_call *call = new_call(lanes, fn, owner, ticket);

	call->total_ms = wanted->total_ms != 0 ? wanted->total_ms : API_TOTAL_MS;
	call->url = mem_format("%s/%s", workspace->app->config.api_base, wanted->method);
	if (wanted->token != NULL || wanted->basic != NULL)
		call->authorization = slack_authorization(wanted->token, wanted->basic);
	if (method == NULL) {
		log_error(workspace->host->log, "%s is not in our table of methods", wanted->method);
		decide(call, SLACK_REFUSED, "unknown_method", 0);
	} else if ((wanted->token != NULL || wanted->basic != NULL) && call->authorization == NULL) {
		decide(call, SLACK_AUTH, "the token is not one", 0);
	} else {
		call->method = slack_api_method_of(lanes, method);
		call->form = method->body;
		slack_body_write(&call->body, method->body, wanted->args);
		line_up(call, wanted->lane, wanted->wait_ms != 0 ? wanted->wait_ms : API_WAIT_MS);
	}
	json_decref(wanted->args);
	wanted->args = NULL;
	return call->id;
}

uint64_t slack_respond(struct platform *workspace, const char *url, json_t *body, slack_api_fn *fn,
		       void *owner, uint64_t ticket)
{
	struct api_call *call = new_call(workspace->lanes, fn, owner, ticket);

	call->total_ms = API_TOTAL_MS;
	call->form = SLACK_JSON;
	call->url = mem_text(url);
	slack_body_write(&call->body, SLACK_JSON, body);
	if (slack_url_ours(&workspace->app->config, url))
		send_call(call, NULL);
	else
		decide(call, SLACK_REFUSED, "the address is not one of the platform's", 0);
	json_decref(body);
	return call->id;
}

uint64_t slack_upload(struct platform *workspace, const char *url, const struct outgoing_file *file,
		      slack_api_fn *fn, void *owner, uint64_t ticket)
{
	struct api_call *call = new_call(workspace->lanes, fn, owner, ticket);

	call->total_ms = API_UPLOAD_MS;
	call->url = mem_text(url);
	call->upload = message_file_keep(file);
	if (!slack_url_ours(&workspace->app->config, url))
		decide(call, SLACK_REFUSED, "the address is not one of the platform's", 0);
	else if (access(file->path, R_OK) != 0)
		decide(call, SLACK_NOT_SENT, "the file is not there any more", 0);
	else
		send_call(call, NULL);
	return call->id;
}

static void drop(struct api_call *call)
{
	struct slack_lanes *lanes = call->lanes;

	if (call->state == API_WAITING)
		slack_api_unqueue(call);
	if (call->state == API_RUNNING)
		http_cancel(lanes->workspace->host->http, call->http_id);
	take_out(call);
	free_call(call);
}

void slack_api_cancel(struct platform *workspace, uint64_t id)
{
	struct api_call *call = NULL;

	if (workspace->lanes != NULL)
		HASH_FIND(hh, workspace->lanes->calls, &id, sizeof(id), call);
	if (call != NULL)
		drop(call);
}

struct slack_lanes *slack_lanes_create(struct platform *workspace)
{
	struct slack_lanes *lanes = mem_zero(1, sizeof(*lanes));

	lanes->workspace = workspace;
	lanes->timer = loop_timer_create(workspace->host->loop, on_timer, lanes);
	return lanes;
}

size_t slack_lanes_running(const struct slack_lanes *lanes)
{
	return HASH_COUNT(lanes->calls);
}

void slack_lanes_destroy(struct slack_lanes *lanes)
{
	struct api_call *call, *next_call;
	struct api_lane *lane, *next_lane;
	struct api_pace_of *method, *next_method;

	if (lanes == NULL)
		return;
	if (lanes->workspace->lanes == lanes)
		lanes->workspace->lanes = NULL;
	HASH_ITER (hh, lanes->calls, call, next_call)
		drop(call);
	lane = lanes->lanes;
	HASH_CLEAR(hh, lanes->lanes);
	for (; lane != NULL; lane = next_lane) {
		next_lane = lane->hh.next;
		free(lane);
	}
	method = lanes->methods;
	HASH_CLEAR(hh, lanes->methods);
	for (; method != NULL; method = next_method) {
		next_method = method->hh.next;
		free(method);
	}
	loop_timer_destroy(lanes->timer);
	free(lanes);
}
