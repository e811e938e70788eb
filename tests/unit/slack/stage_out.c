#include "stage_out.h"
#include "clock.h"
#include "mem.h"
#include <inttypes.h>
#include <stdio.h>

struct loop_timer {
	struct loop *loop;
	loop_fn *fn;
	void *data;
	bool runs;
	uint64_t at, repeat;
};

/* One stage at a time; the loop's handle carries nothing, so the time stands here. */
struct loop {
	uint64_t now;
	struct loop_timer *timers[OUT_TIMERS];
	struct out_stage *stage;
};

static struct loop *the_loop;

uint64_t __wrap_loop_now_ms(const struct loop *loop);
struct loop_timer *__wrap_loop_timer_create(struct loop *loop, loop_fn *fn, void *data);
void __wrap_loop_timer_start(struct loop_timer *timer, uint64_t delay_ms, uint64_t repeat_ms);
void __wrap_loop_timer_stop(struct loop_timer *timer);
void __wrap_loop_timer_destroy(struct loop_timer *timer);
int64_t __wrap_clock_wall_ms(void);
uint64_t __wrap_slack_api(struct platform *workspace, struct slack_call *call, slack_api_fn *fn, void *owner,
			  uint64_t ticket);
void __wrap_slack_api_cancel(struct platform *workspace, uint64_t id);
uint64_t __wrap_slack_respond(struct platform *workspace, const char *url, json_t *body, slack_api_fn *fn,
			      void *owner, uint64_t ticket);
uint64_t __wrap_slack_upload(struct platform *workspace, const char *url, const struct outgoing_file *file,
			     slack_api_fn *fn, void *owner, uint64_t ticket);
void __wrap_slack_settle(struct platform *workspace);

/* ---- loop and clock --------------------------------------------------------------------------------------- */

uint64_t __wrap_loop_now_ms(const struct loop *loop)
{
	return loop->now;
}

int64_t __wrap_clock_wall_ms(void)
{
	return OUT_NOW + (int64_t)the_loop->now - 1000;
}

struct loop_timer *__wrap_loop_timer_create(struct loop *loop, loop_fn *fn, void *data)
{
	struct loop_timer *timer = mem_zero(1, sizeof(*timer));

	*timer = (struct loop_timer){ .loop = loop, .fn = fn, .data = data };
	for (size_t i = 0; i < OUT_TIMERS; i++)
		if (loop->timers[i] == NULL) {
			loop->timers[i] = timer;
			return timer;
		}
	fail_msg("too many timers");
	return NULL;
}

/* Weak: a test on a real loop may have its own. */
__attribute__((weak)) void __wrap_loop_timer_start(struct loop_timer *timer, uint64_t delay_ms,
						   uint64_t repeat_ms)
{
	timer->runs = true;
	timer->at = timer->loop->now + delay_ms;
	timer->repeat = repeat_ms;
}

void __wrap_loop_timer_stop(struct loop_timer *timer)
{
	timer->runs = false;
}

void __wrap_loop_timer_destroy(struct loop_timer *timer)
{
	if (timer == NULL)
		return;
	for (size_t i = 0; i < OUT_TIMERS; i++)
		if (timer->loop->timers[i] == timer)
			timer->loop->timers[i] = NULL;
	free(timer);
}

static struct loop_timer *next_timer(const struct loop *loop, uint64_t until)
{
	struct loop_timer *first = NULL;

	for (size_t i = 0; i < OUT_TIMERS; i++) {
		struct loop_timer *timer = loop->timers[i];

		if (timer && timer->runs && timer->at <= until && (!first || timer->at < first->at))
			first = timer;
	}
	return first;
}

void out_pass(struct out_stage *stage, uint64_t ms)
{
	struct loop *loop = stage->host.loop;
	uint64_t until = loop->now + ms;
	struct loop_timer *timer;

	while ((timer = next_timer(loop, until))) {
		if (timer->at > loop->now)
			loop->now = timer->at;
		timer->runs = timer->repeat > 0;
		timer->at = loop->now + timer->repeat;
		timer->fn(timer->data);
	}
	loop->now = until;
}

/* ---- calls ------------------------------------------------------------------------------------------------- */

static struct out_call *record(struct out_stage *stage, char *method, const char *lane, json_t *args)
{
	struct out_call *call = &stage->calls[stage->call_count];

	assert_true(stage->call_count < OUT_CALLS);
	stage->call_count++;
	call->id = stage->call_count;
	call->method = method;
	call->lane = mem_text(lane);
	call->args = args;
	return call;
}

uint64_t __wrap_slack_api(struct platform *workspace, struct slack_call *call, slack_api_fn *fn, void *owner,
			  uint64_t ticket)
{
	struct out_stage *stage = (struct out_stage *)workspace->host;
	struct out_call *made = record(stage, mem_text(call->method), call->lane, call->args);

	assert_null(call->token);
	assert_non_null(call->args);
	made->wait_ms = call->wait_ms;
	made->fn = fn;
	made->owner = owner;
	made->ticket = ticket;
	return made->id;
}

uint64_t __wrap_slack_upload(struct platform *workspace, const char *url, const struct outgoing_file *file,
			     slack_api_fn *fn, void *owner, uint64_t ticket)
{
	struct out_stage *stage = (struct out_stage *)workspace->host;
	struct out_call *made =
		record(stage, mem_format("upload %s to %s", file->path, url), NULL, json_object());

	made->fn = fn;
	made->owner = owner;
	made->ticket = ticket;
	return made->id;
}

uint64_t __wrap_slack_respond(struct platform *workspace, const char *url, json_t *body, slack_api_fn *fn,
			      void *owner, uint64_t ticket)
{
	struct out_stage *stage = (struct out_stage *)workspace->host;
	struct out_call *made = record(stage, mem_format("respond %s", url), NULL, body);

	made->fn = fn;
	made->owner = owner;
	made->ticket = ticket;
	return made->id;
}

void __wrap_slack_api_cancel(struct platform *workspace, uint64_t id)
{
	struct out_stage *stage = (struct out_stage *)workspace->host;

	assert_in_range(id, 1, stage->call_count);
	assert_int_equal(stage->calls[id - 1].state, OUT_WAITS);
	stage->calls[id - 1].state = OUT_CANCELLED;
}

void __wrap_slack_settle(struct platform *workspace)
{
	((struct out_stage *)workspace->host)->settles++;
}

size_t out_waiting(const struct out_stage *stage)
{
	size_t count = 0;

	for (size_t i = 0; i < stage->call_count; i++)
		count += stage->calls[i].state == OUT_WAITS;
	return count;
}

static struct out_call *oldest(struct out_stage *stage)
{
	for (size_t i = 0; i < stage->call_count; i++)
		if (stage->calls[i].state == OUT_WAITS)
			return &stage->calls[i];
	return NULL;
}

struct out_call *out_expect(struct out_stage *stage, const char *method)
{
	struct out_call *call = oldest(stage);

	if (call == NULL)
		fail_msg("nothing was called, expected %s", method);
	assert_string_equal(call->method, method);
	return call;
}

void out_expect_none(struct out_stage *stage)
{
	struct out_call *call = oldest(stage);

	if (call)
		fail_msg("%s was called", call->method);
}

static void answer(struct out_stage *stage, struct out_call *call, const struct slack_answer *answer)
{
	assert_int_equal(call->state, OUT_WAITS);
	call->state = OUT_ANSWERED;
	call->fn(&stage->workspace, call->owner, call->ticket, answer);
}

void out_ok(struct out_stage *stage, struct out_call *call, const char *json)
{
	struct err err = { 0 };
	json_t *body = json ? json_read(json, strlen(json), &err) : json_object();

	if (body == NULL)
		fail_msg("%s", err.text);
	answer(stage, call, &(struct slack_answer){ .how = SLACK_OK, .body = body });
	json_decref(body);
}

void out_refuse(struct out_stage *stage, struct out_call *call, const char *code)
{
	json_t *body = json_object();
	bool scope = strcmp(code, "missing_scope") == 0;

	answer(stage, call,
	       &(struct slack_answer){ .how = SLACK_REFUSED,
				       .body = body,
				       .error = code,
				       .needed = scope ? "channels:history" : NULL });
	json_decref(body);
}

void out_fail(struct out_stage *stage, struct out_call *call, enum slack_how how, unsigned retry_ms)
{
	answer(stage, call,
	       &(struct slack_answer){ .how = how, .error = "it did not work", .retry_ms = retry_ms });
}

const char *out_arg(const struct out_call *call, const char *path)
{
	static char text[20000];
	const json_t *value = json_pointer(call->args, path);
	char *written = value ? json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT) : NULL;

	snprintf(text, sizeof(text), "%s", written ? written : "");
	free(written);
	return text;
}

void out_arg_is(const struct out_call *call, const char *path, const char *json)
{
	assert_string_equal(out_arg(call, path), json);
}

/* ---- the core --------------------------------------------------------------------------------------------------- */

static void note(char *place, size_t size, const char *text)
{
	snprintf(place, size, "%s", text ? text : "");
}

static void sent(struct platform_host *host, uint64_t ticket, enum sent how, unsigned retry_ms,
		 const char *remote_id, const char *why)
{
	struct out_stage *stage = (struct out_stage *)host;

	stage->sents++;
	stage->sent_ticket = ticket;
	stage->sent_how = how;
	stage->sent_retry_ms = retry_ms;
	note(stage->sent_remote, sizeof(stage->sent_remote), remote_id);
	note(stage->sent_why, sizeof(stage->sent_why), why);
}

static void placed(struct platform_host *host, const char *uuid, const char *remote_id)
{
	struct out_stage *stage = (struct out_stage *)host;

	stage->placeds++;
	note(stage->placed_uuid, sizeof(stage->placed_uuid), uuid);
	note(stage->placed_remote, sizeof(stage->placed_remote), remote_id);
}

static void hold(struct platform_host *host, uint64_t ticket, const char *remote_id)
{
	struct out_stage *stage = (struct out_stage *)host;

	stage->holds++;
	stage->hold_ticket = ticket;
	snprintf(stage->hold_remote, sizeof(stage->hold_remote), "%s", remote_id);
}

void out_held(struct out_stage *stage, enum err_kind kind)
{
	struct err err = { .kind = kind };

	if (kind != ERR_NONE)
		err_set(&err, kind, "it can't be held");
	slack_held(&stage->workspace, stage->hold_ticket, &err);
}

struct out_stage *out_open(void)
{
	struct out_stage *stage = mem_zero(1, sizeof(*stage));
	struct platform *workspace = &stage->workspace;

	the_loop = mem_zero(1, sizeof(*the_loop));
	the_loop->now = 1000;
	stage->host = (struct platform_host){ .name = "acme",
					      .loop = the_loop,
					      .log = &stage->log,
					      .sent = sent,
					      .placed = placed,
					      .hold = hold };
	stage->app.root = workspace;
	stage->app.app_id = mem_text("A1");
	stage->app.config.name = "acme";
	stage->app.config.stream = true;
	workspace->host = &stage->host;
	workspace->app = &stage->app;
	workspace->token = mem_text("xoxb-1");
	workspace->bot_user_id = mem_text("UBOT");
	workspace->bot_id = mem_text("B1");
	workspace->sends = slack_sends_create(workspace);
	workspace->streams = slack_streams_create(workspace);
	workspace->working = slack_working_create(workspace);
	return stage;
}

/* Everything that waits must be cancelled by the objects themselves. */
void out_close(struct out_stage *stage)
{
	struct platform *workspace = &stage->workspace;

	slack_sends_destroy(workspace->sends);
	slack_streams_destroy(workspace->streams);
	slack_working_destroy(workspace->working);
	out_expect_none(stage);
	for (size_t i = 0; i < OUT_TIMERS; i++)
		assert_null(the_loop->timers[i]);
	for (size_t i = 0; i < stage->call_count; i++) {
		free(stage->calls[i].method);
		free(stage->calls[i].lane);
		json_decref(stage->calls[i].args);
	}
	free(workspace->token);
	free(workspace->bot_user_id);
	free(workspace->bot_id);
	free(stage->app.app_id);
	free(the_loop);
	the_loop = NULL;
	free(stage);
}

/* ---- places and answers ------------------------------------------------------------------------------------------- */

char *out_channel(void)
{
	return slack_place_write(&(struct slack_place){ .team = "T1",
							.channel = "C1",
							.thread = "1799999990.000100",
							.user = "U1",
							.ts = "1799999990.000100" });
}

char *out_direct_thread(void)
{
	return slack_place_write(&(struct slack_place){ .team = "T1",
							.channel = "D1",
							.thread = "1799999990.000100",
							.user = "U1",
							.ts = "1799999990.000100",
							.direct = true });
}

char *out_direct(void)
{
	return slack_place_write(&(struct slack_place){
		.team = "T1", .channel = "D1", .user = "U1", .ts = "1799999990.000100", .direct = true });
}

char *out_command(bool direct, int64_t ago_ms)
{
	char url[] = "https://hooks.slack.com/commands/1";
	struct slack_place place = { .team = "T1",
				     .channel = "C1",
				     .user = "U1",
				     .direct = direct,
				     .response_url = url,
				     .made_ms = OUT_NOW - ago_ms };

	place.channel[0] = direct ? 'D' : 'C';
	return slack_place_write(&place);
}

struct outgoing out_answer(const char *reply_to, const char *text)
{
	static const char *const asked[] = { OUT_ASKED };

	return (struct outgoing){ .uuid = OUT_UUID,
				  .answers_to = asked,
				  .answers_to_count = 1,
				  .state = MESSAGE_ANSWERED,
				  .reply_to = reply_to,
				  .text = text,
				  .parts = 1,
				  .tool_calls = "[]",
				  .created_ms = OUT_NOW,
				  .attempt = 1 };
}

void out_was_sent(const struct out_stage *stage, enum sent how, const char *remote_id)
{
	assert_int_equal(stage->sents, 1);
	assert_int_equal(stage->sent_how, how);
	assert_string_equal(stage->sent_remote, remote_id ? remote_id : "");
}

void out_why_has(const struct out_stage *stage, const char *words)
{
	if (strstr(stage->sent_why, words) == NULL)
		fail_msg("\"%s\" is not in \"%s\"", words, stage->sent_why);
}
