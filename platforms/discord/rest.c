/* Calls of the REST API: each is made when its bucket's turn has come, is answered once, and is never made twice by
 * itself. Paths may hold tokens: they are in no log line and no error. */
#include "mem.h"
#include "metrics.h"
#include "rest_room.h"
#include "text.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <utlist.h>

enum { FILE_NAME_MAX = 100 };

static struct metric calls_total = {
	.name = "usher_discord_calls_total",
	.help = "Calls of the REST API, by route and outcome",
	.type = METRIC_COUNTER,
	.label = "route,outcome",
};

static void kick(struct discord_lanes *lanes)
{
	loop_timer_start(lanes->timer, 0, 0);
}

static uint64_t now_of(const struct discord_lanes *lanes)
{
	return loop_now_ms(lanes->bot->host->loop);
}

/* ---- ends ---------------------------------------------------------------------------------------------- */

/* Nobody outside can reach it any more; its lane goes on. */
static void take_out(struct rest_call *call)
{
	struct discord_lanes *lanes = call->lanes;

	HASH_DEL(lanes->calls, call);
	if (call->state == REST_DECIDED)
		DL_DELETE(lanes->decided, call);
	if (call->state == REST_RUNNING)
		rest_buckets_done(call);
	kick(lanes);
}

static void free_call(struct rest_call *call)
{
	rest_name_finish(&call->name);
	free(call->path);
	free(call->body);
	free(call->file);
	free(call->file_path);
	free(call->file_name);
	free(call->file_type);
	free(call);
}

static void finish(struct rest_call *call, const struct discord_answer *answer)
{
	static const char *const outcomes[] = {
		[DISCORD_OK] = "ok",	       [DISCORD_NOT_SENT] = "not_sent", [DISCORD_MAYBE] = "maybe",
		[DISCORD_LIMITED] = "limited", [DISCORD_REFUSED] = "refused",	[DISCORD_AUTH] = "auth",
	};
	struct platform *bot = call->lanes->bot;

	metric_add(&calls_total, (const char *[]){ call->name.route, outcomes[answer->how] }, 1);
	take_out(call);
	call->fn(bot, call->owner, call->ticket, answer);
	free_call(call);
}

/* Known now, told in a later round. */
static void decide_as(struct rest_call *call, const struct discord_answer *answer)
{
	call->decided = *answer;
	call->state = REST_DECIDED;
	call->lane = NULL;
	DL_APPEND(call->lanes->decided, call);
	kick(call->lanes);
}

/* why is a literal. */
static void decide(struct rest_call *call, enum discord_how how, const char *why, uint64_t retry_ms)
{
	struct discord_answer answer = { .how = how, .why = why };

	if (how == DISCORD_LIMITED)
		answer.retry_ms = retry_ms > REST_RETRY_MAX_MS ? REST_RETRY_MAX_MS : (unsigned)retry_ms;
	if (how == DISCORD_REFUSED)
		answer.refusal = DISCORD_FILE;
	decide_as(call, &answer);
}

/* ---- what an answer tells us ---------------------------------------------------------------------------- */

static void pause_for(struct rest_call *call, const struct rest_reading *reading)
{
	struct discord_lanes *lanes = call->lanes;
	const struct log *log = lanes->bot->host->log;
	uint64_t ms = reading->answer.retry_ms, until = now_of(lanes) + ms;

	switch (reading->scope) {
	case REST_NO_SCOPE:
		break;
	case REST_USER:
	case REST_SHARED:
		if (until > call->lane->paused_until)
			call->lane->paused_until = until;
		log_debug(log, "%s: limited for %u ms", call->name.route, (unsigned)ms);
		break;
	case REST_GLOBAL:
		pace_pause(&lanes->pace, now_of(lanes), ms);
		log_warn(log,
			 "the bot's global rate limit is reached, all calls wait %u ms: does another process "
			 "use the same token?",
			 (unsigned)ms);
		break;
	case REST_BLOCKED:
		if (until > lanes->blocked_until)
			lanes->blocked_until = until;
		log_error(log,
			  "requests from this machine's address are blocked at the door, all calls wait %u "
			  "ms (%s)",
			  (unsigned)ms, reading->why);
		break;
	}
}

static bool has_file(const struct rest_call *call)
{
	return call->file != NULL || call->file_path != NULL;
}

static void done(void *owner, uint64_t ticket, const struct http_answer *http)
{
	struct discord_lanes *lanes = owner;
	struct platform *bot = lanes->bot;
	struct rest_reading reading;
	struct rest_call *call;

	HASH_FIND(hh, lanes->calls, &ticket, sizeof(ticket), call);
	if (call == NULL)
		return;
	rest_reading_begin(&reading, http,
			   &(struct rest_asked){ .no_token = call->no_token,
						 .has_file = has_file(call),
						 .bot_token = bot->config.bot_token,
						 .path_token = call->name.secret });
	/* The headers of a limit that is not this bucket's say nothing of it. */
	if (reading.scope == REST_NO_SCOPE || reading.scope == REST_USER)
		rest_buckets_learn(call, http);
	pause_for(call, &reading);
	if (reading.invalid)
		rest_invalid_count(lanes, now_of(lanes));
	if (reading.answer.how == DISCORD_REFUSED)
		rest_denied_remember(call, &reading.answer, now_of(lanes));
	if (reading.answer.how == DISCORD_AUTH && !bot->dead) {
		discord_dead(bot, reading.why); /* which may cancel calls, this one too */
		HASH_FIND(hh, lanes->calls, &ticket, sizeof(ticket), call);
	}
	if (call != NULL)
		finish(call, &reading.answer);
	rest_reading_finish(&reading);
}

/* ---- going out ----------------------------------------------------------------------------------------- */

/* The user agent is a matter of life: without it the door stays shut (pitfall 25). */
static void start(struct rest_call *call, const char *authorization, const char *agent)
{
	const struct platform *bot = call->lanes->bot;
	const struct http_part parts[] = {
		{ .name = "payload_json",
		  .type = "application/json",
		  .data = call->body,
		  .len = call->body_len },
		{ .name = "files[0]",
		  .file_name = call->file_name,
		  .type = call->file_type,
		  .data = call->file,
		  .len = call->file_len,
		  .path = call->file_path },
	};
	const char *headers[4] = { agent };
	size_t count = 1, parts_count = has_file(call) ? 2 : 0;
	char *url = mem_format("%s%s", bot->config.api_base, call->path);

	if (!call->no_token)
		headers[count++] = authorization;
	if (parts_count == 0 && call->body_len > 0)
		headers[count++] = "content-type: application/json";
	call->http_id = http_start(bot->host->http,
				   &(struct http_call){ .method = call->method,
							.url = url,
							.headers = headers,
							.body = parts_count > 0 ? NULL : call->body,
							.body_len = parts_count > 0 ? 0 : call->body_len,
							.parts = parts_count > 0 ? parts : NULL,
							.part_count = parts_count,
							.total_ms = call->total_ms,
							.answer_max = call->answer_max },
				   NULL, done, call->lanes, call->id);
	free(url);
}

char *discord_agent(const struct platform *bot)
{
	const char *home = bot->host->public_url != NULL ? bot->host->public_url : "https://usher.invalid";

	return mem_format("user-agent: DiscordBot (%s, %s)", home, USHER_VERSION);
}

static void go(struct rest_call *call)
{
	const struct platform *bot = call->lanes->bot;
	struct discord_answer denied;
	char *authorization, *agent;

	if (bot->dead && !call->anyway) {
		rest_buckets_done(call);
		decide(call, DISCORD_AUTH, "the token was refused", 0);
		return;
	}
	if (rest_denied(call, now_of(call->lanes), &denied)) { /* meanwhile, by one before it */
		rest_buckets_done(call);
		decide_as(call, &denied);
		return;
	}
	if (call->file_path != NULL && access(call->file_path, R_OK) != 0) {
		rest_buckets_done(call);
		decide(call, DISCORD_NOT_SENT, "the file is not there any more", 0);
		return;
	}
	authorization = mem_format("authorization: Bot %s", bot->config.bot_token);
	agent = discord_agent(bot);
	start(call, authorization, agent);
	free(authorization);
	free(agent);
}

/* ---- taking turns -------------------------------------------------------------------------------------- */

static void give_up(struct rest_call *call, uint64_t now_ms)
{
	decide(call, DISCORD_LIMITED, "others were before it",
	       rest_buckets_wait(call, now_ms) + REST_SOON_MS);
}

static void take_turns(struct discord_lanes *lanes)
{
	uint64_t now = now_of(lanes), wait, until;
	struct rest_call *call;

	while ((call = rest_buckets_next(lanes, now, &wait)) != NULL)
		go(call);
	while ((call = rest_buckets_late(lanes, now, &until)) != NULL)
		give_up(call, now);
	if (until < wait)
		wait = until;
	if (wait != UINT64_MAX)
		loop_timer_start(lanes->timer, wait, 0);
}

static void on_timer(void *data)
{
	struct discord_lanes *lanes = data;
	struct rest_call *call;
	uint64_t until = lanes->last_id; /* what callbacks ask for is answered in a later round */

	take_turns(lanes);
	while ((call = lanes->decided) != NULL && call->id <= until) {
		struct discord_answer answer = call->decided;

		DL_DELETE(lanes->decided, call);
		call->state = REST_ENDED;
		finish(call, &answer);
	}
	if (lanes->decided != NULL)
		kick(lanes);
}

/* ---- the contract -------------------------------------------------------------------------------------- */

/* What could end the header it stands in goes, too. */
static char *safe_name(const char *name)
{
	char *valid = text_repair(name, strlen(name)), *safe = text_file_name(valid, FILE_NAME_MAX);

	free(valid);
	for (char *at = safe; *at != '\0'; at++)
		if (*at == '"')
			*at = '_';
	return safe;
}

static void take_file(struct rest_call *call, struct discord_call *wanted)
{
	json_t *attachments;

	if (wanted->file_path == NULL) {
		call->file = mem_copy(wanted->file, wanted->file_len);
		call->file_len = wanted->file_len;
	}
	call->file_path = mem_text(wanted->file_path);
	call->file_name = safe_name(wanted->file_name != NULL ? wanted->file_name : "file");
	call->file_type =
		mem_text(wanted->file_type != NULL ? wanted->file_type : "application/octet-stream");
	if (wanted->args == NULL)
		wanted->args = json_object();
	if (json_object_get(wanted->args, "attachments") != NULL)
		return;
	attachments = json_pack("[{s:i,s:s}]", "id", 0, "filename", call->file_name);
	json_object_set_new(wanted->args, "attachments", attachments);
}

static void take_body(struct rest_call *call, struct discord_call *wanted)
{
	bool sends = strcmp(wanted->method, "GET") != 0 && strcmp(wanted->method, "DELETE") != 0;

	if (wanted->file_path != NULL || (wanted->file != NULL && wanted->file_len <= DISCORD_UPLOAD_MAX))
		take_file(call, wanted);
	if (wanted->args != NULL)
		call->body = json_write(wanted->args);
	else if (sends)
		call->body = mem_text(""); /* Content-Length: 0 (sheet 12) */
	call->body_len = call->body != NULL ? strlen(call->body) : 0;
	json_decref(wanted->args);
	wanted->args = NULL;
}

static struct rest_call *new_call(struct discord_lanes *lanes, struct discord_call *wanted)
{
	struct rest_call *call = mem_zero(1, sizeof(*call));

	call->lanes = lanes;
	call->id = ++lanes->last_id;
	call->state = REST_ENDED;
	call->name = rest_name_of(wanted->method, wanted->path);
	snprintf(call->method, sizeof(call->method), "%s", wanted->method);
	call->path = mem_text(wanted->path);
	call->no_token = wanted->no_token;
	call->droppable = wanted->droppable;
	call->anyway = wanted->anyway;
	call->answer_max = wanted->answer_max != 0 ? wanted->answer_max : REST_ANSWER_MAX;
	call->total_ms = wanted->file_path != NULL ? REST_FILE_MS
			 : wanted->file != NULL	   ? REST_UPLOAD_MS
						   : REST_TOTAL_MS;
	if (wanted->total_ms != 0)
		call->total_ms = wanted->total_ms;
	take_body(call, wanted);
	HASH_ADD(hh, lanes->calls, id, sizeof(call->id), call);
	return call;
}

/* Rather no now than a yes too late. */
static void line_up(struct rest_call *call, unsigned wait_ms)
{
	struct discord_lanes *lanes = call->lanes;
	uint64_t now = now_of(lanes), wait;
	bool blocked;

	rest_buckets_place(call);
	wait = rest_buckets_wait(call, now);
	blocked = call->droppable && (call->lane->running > 0 || call->lane->waiting != NULL ||
				      rest_invalid_recent(lanes, now) >= REST_INVALID_SLOW);
	if (wait_ms == 0)
		wait_ms = REST_WAIT_MS;
	if (wait_ms > REST_WAIT_MAX_MS)
		wait_ms = REST_WAIT_MAX_MS;
	if (call->droppable)
		wait_ms = 0;
	if (wait > wait_ms || blocked || rest_buckets_full(lanes, call->body_len + call->file_len)) {
		decide(call, DISCORD_LIMITED, "others are before it",
		       wait > REST_SOON_MS ? wait : REST_SOON_MS);
		return;
	}
	call->deadline = now + wait_ms;
	rest_buckets_add(call);
	kick(lanes);
}

uint64_t discord_rest(struct platform *bot, struct discord_call *wanted, discord_rest_fn *fn, void *owner,
		      uint64_t ticket)
{
	struct rest_call *call = new_call(bot->lanes, wanted);
	struct discord_answer denied;

	call->fn = fn;
	call->owner = owner;
	call->ticket = ticket;
	if (bot->dead && !call->anyway)
		decide(call, DISCORD_AUTH, "the token was refused", 0);
	else if (wanted->file != NULL && !has_file(call))
		decide(call, DISCORD_REFUSED, "the file is too big to be sent", 0);
	else if (rest_denied(call, now_of(bot->lanes), &denied))
		decide_as(call, &denied);
	else
		line_up(call, wanted->wait_ms);
	return call->id;
}

static void drop(struct rest_call *call)
{
	struct discord_lanes *lanes = call->lanes;

	if (call->state == REST_WAITING)
		rest_buckets_remove(call);
	if (call->state == REST_RUNNING)
		http_cancel(lanes->bot->host->http, call->http_id);
	take_out(call);
	free_call(call);
}

void discord_rest_cancel(struct platform *bot, uint64_t id)
{
	struct rest_call *call = NULL;

	if (bot->lanes != NULL)
		HASH_FIND(hh, bot->lanes->calls, &id, sizeof(id), call);
	if (call != NULL)
		drop(call);
}

struct discord_lanes *discord_lanes_create(struct platform *bot)
{
	struct discord_lanes *lanes = mem_zero(1, sizeof(*lanes));

	lanes->bot = bot;
	lanes->pace = (struct pace){ .interval_ms = REST_GLOBAL_MS, .burst = REST_GLOBAL_BURST };
	lanes->denied.max = REST_DENIED_MAX;
	lanes->timer = loop_timer_create(bot->host->loop, on_timer, lanes);
	return lanes;
}

size_t discord_lanes_running(const struct discord_lanes *lanes)
{
	return HASH_COUNT(lanes->calls);
}

void discord_lanes_destroy(struct discord_lanes *lanes)
{
	struct rest_call *call, *next;

	if (lanes == NULL)
		return;
	if (lanes->bot->lanes == lanes)
		lanes->bot->lanes = NULL;
	HASH_ITER (hh, lanes->calls, call, next)
		drop(call);
	rest_buckets_finish(lanes);
	recents_finish(&lanes->denied);
	loop_timer_destroy(lanes->timer);
	free(lanes);
}
