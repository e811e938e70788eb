/* One server's life and its calls: no call is lost, run twice or left without an end, whatever the server does. */
#include "mem.h"
#include "stage_wire.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define LIST "[{\"name\":\"add\",\"inputSchema\":{\"type\":\"object\"}}]"
#define FINE "\"result\":{\"content\":[{\"type\":\"text\",\"text\":\"5\"}]}"

static void expect_end(struct stage_wire *w, const char *result, bool failed)
{
	stage_loop_pass(0);
	assert_int_equal(w->done, 1);
	w->done = 0;
	assert_int_equal(w->failed, failed);
	if (strstr(w->result, result) == NULL)
		fail_msg("%s, without %s", w->result, result);
}

static void a_call_is_sent_and_answered(void **state)
{
	struct stage_wire w;
	json_t *call;
	const json_t *params;

	(void)state;
	stage_wire_open(&w, NULL);
	stage_wire_ready(&w, LIST);
	calls(&w, "files__add", "{\"a\":2}");
	call = sends(&w, "tools/call");
	params = json_object_get(call, "params");
	assert_string_equal(json_text(params, "name"), "add");
	assert_int_equal(json_int(json_object_get(params, "arguments"), "a", 0), 2);
	assert_non_null(json_object_get(json_object_get(params, "_meta"), "progressToken"));
	answers(&w, call, FINE);
	expect_end(&w, "{\"text\":\"5\"}", false);
	stage_wire_close(&w);
}

static void answers_out_of_order_find_their_calls(void **state)
{
	struct stage_wire w;
	json_t *first, *second;

	(void)state;
	stage_wire_open(&w, NULL);
	stage_wire_ready(&w, LIST);
	calls(&w, "files__add", "{}");
	calls(&w, "files__add", "{}");
	first = sends(&w, "tools/call");
	second = sends(&w, "tools/call");
	answers(&w, second, "\"result\":{\"content\":[{\"type\":\"text\",\"text\":\"second\"}]}");
	expect_end(&w, "second", false);
	answers(&w, first, "\"result\":{\"content\":[{\"type\":\"text\",\"text\":\"first\"}]}");
	expect_end(&w, "first", false);
	stage_wire_close(&w);
}

static void both_kinds_of_errors_reach_the_model(void **state)
{
	struct stage_wire w;

	(void)state;
	stage_wire_open(&w, NULL);
	stage_wire_ready(&w, LIST);
	calls(&w, "files__add", "{}");
	answers(&w, sends(&w, "tools/call"), "\"error\":{\"code\":-32602,\"message\":\"a is missing\"}");
	expect_end(&w, "{\"error\":\"a is missing\"}", true);
	calls(&w, "files__add", "{}");
	answers(&w, sends(&w, "tools/call"),
		"\"result\":{\"isError\":true,\"content\":[{\"type\":\"text\",\"text\":\"no such file\"}]}");
	expect_end(&w, "{\"error\":\"no such file\"}", true);
	calls(&w, "files__add", "[1]");
	sends_nothing(&w);
	expect_end(&w, "no JSON object", true);
	calls(&w, "files__add", "{}");
	answers(&w, sends(&w, "tools/call"), "\"result\":17");
	expect_end(&w, "neither", true);
	stage_wire_close(&w);
}

static void silence_ends_a_call_and_cancels_it(void **state)
{
	struct stage_wire w;
	json_t *call, *cancel;

	(void)state;
	stage_wire_open(&w, (const char *const[]){ "idle_s", "10", "call_s", "25", NULL });
	stage_wire_ready(&w, LIST);
	calls(&w, "files__add", "{}");
	call = sends(&w, "tools/call");
	stage_loop_pass(10000);
	cancel = sends(&w, "notifications/cancelled");
	assert_int_equal(json_int(json_object_get(cancel, "params"), "requestId", 0),
			 json_int(call, "id", -1));
	assert_int_equal(w.forgotten, 1);
	expect_end(&w, "not known", true);
	answers(&w, call, FINE); /* too late */
	stage_loop_pass(0);
	assert_int_equal(w.done, 0);
	json_decref(cancel);
	stage_wire_close(&w);
}

/* Progress is life, as long as it goes forward, and not for ever. */
static void progress_gives_more_time_within_a_limit(void **state)
{
	struct stage_wire w;
	json_t *call;

	(void)state;
	stage_wire_open(&w, (const char *const[]){ "idle_s", "10", "call_s", "25", NULL });
	stage_wire_ready(&w, LIST);
	calls(&w, "files__add", "{}");
	call = sends(&w, "tools/call");
	for (int i = 0; i < 4; i++) {
		char text[200];

		snprintf(text, sizeof(text),
			 "{\"method\":\"notifications/"
			 "progress\",\"params\":{\"progressToken\":%lld,\"progress\":%d.5}}",
			 (long long)json_int(call, "id", 0), i);
		stage_loop_pass(6000);
		hears(&w, text);
		assert_int_equal(w.done, 0);
	}
	stage_loop_pass(1000); /* 25 s */
	json_decref(sends(&w, "notifications/cancelled"));
	expect_end(&w, "not known", true);
	json_decref(call);
	calls(&w, "files__add", "{}");
	call = sends(&w, "tools/call");
	for (int i = 0; i < 2; i++) { /* the same again is none */
		char text[200];

		snprintf(text, sizeof(text),
			 "{\"method\":\"notifications/"
			 "progress\",\"params\":{\"progressToken\":%lld,\"progress\":1}}",
			 (long long)json_int(call, "id", 0));
		hears(&w, text);
		stage_loop_pass(5000);
	}
	expect_end(&w, "not known", true);
	json_decref(sends(&w, "notifications/cancelled"));
	json_decref(call);
	stage_wire_close(&w);
}

/* A call under way when the server ends may have been done: it is never sent again. */
static void a_crash_in_the_middle_of_a_call_is_unsure(void **state)
{
	struct stage_wire w;

	(void)state;
	stage_wire_open(&w, NULL);
	stage_wire_ready(&w, LIST);
	calls(&w, "files__add", "{}");
	json_decref(sends(&w, "tools/call"));
	goes_down(&w, WIRE_ENDED, "killed by signal 9");
	expect_end(&w, "signal 9; whether the tool has run is not known", true);
	assert_int_equal(w.server->state, SERVER_RESTING);
	stage_wire_close(&w);
}

static void a_call_while_it_rests_waits_for_the_next_start(void **state)
{
	struct stage_wire w;

	(void)state;
	stage_wire_open(&w, NULL);
	stage_wire_ready(&w, LIST);
	goes_down(&w, WIRE_ENDED, "gone");
	calls(&w, "files__add", "{}");
	stage_loop_pass(0);
	assert_int_equal(w.done, 0);
	stage_loop_pass(SERVER_REST_MS);
	assert_int_equal(w.opened, 2);
	stage_wire_ready(&w, LIST);
	answers(&w, sends(&w, "tools/call"), FINE);
	expect_end(&w, "5", false);
	stage_wire_close(&w);
}

/* What the person's turn was offered is not what the server calls so now. */
static void a_tool_that_changed_over_a_restart_is_not_run(void **state)
{
	struct stage_wire w;

	(void)state;
	stage_wire_open(&w, NULL);
	stage_wire_ready(&w, LIST);
	goes_down(&w, WIRE_ENDED, "gone");
	calls(&w, "files__add", "{}");
	stage_loop_pass(SERVER_REST_MS);
	stage_wire_ready(
		&w, "[{\"name\":\"add\",\"description\":\"other\",\"inputSchema\":{\"type\":\"object\"}}]");
	sends_nothing(&w);
	expect_end(&w, "is not what it was", true);
	stage_wire_close(&w);
}

static void what_never_arrived_is_sent_once_more(void **state)
{
	struct err err = { ERR_AGAIN, "connection refused" };
	struct stage_wire w;
	json_t *call;

	(void)state;
	stage_wire_open(&w, NULL);
	stage_wire_ready(&w, LIST);
	calls(&w, "files__add", "{}");
	for (int i = 0; i < 2; i++) {
		call = sends(&w, "tools/call");
		w.events->lost(w.owner, json_int(call, "id", 0), &err);
		json_decref(call);
		stage_loop_pass(0);
	}
	expect_end(&w, "connection refused", true);
	stage_wire_close(&w);
}

static void a_session_that_is_forgotten_is_begun_anew_at_once(void **state)
{
	struct err err = { ERR_AGAIN, "404" };
	struct stage_wire w;
	json_t *call;

	(void)state;
	stage_wire_open(&w, NULL);
	stage_wire_ready(&w, LIST);
	stage_loop_pass(60000);
	calls(&w, "files__add", "{}");
	call = sends(&w, "tools/call");
	w.events->lost(w.owner, json_int(call, "id", 0), &err);
	json_decref(call);
	goes_down(&w, WIRE_EXPIRED, "404");
	assert_int_equal(w.opened, 2);
	assert_int_equal(w.server->failures, 0);
	stage_wire_ready(&w, LIST);
	answers(&w, sends(&w, "tools/call"), FINE);
	expect_end(&w, "5", false);
	goes_down(&w, WIRE_EXPIRED, "404"); /* again, at once: now it rests */
	assert_int_equal(w.server->state, SERVER_RESTING);
	stage_wire_close(&w);
}

static void rests_grow_until_it_is_given_up(void **state)
{
	static const uint64_t rests[] = { 1000, 2000, 4000, 8000, 16000, 32000, 60000 };
	struct stage_wire w;
	const struct toolset *set;
	char *status;

	(void)state;
	stage_wire_open(&w, NULL);
	w.cannot_open = true;
	mcp_warm(w.mcp);
	for (unsigned i = 0; i < SERVER_CRASHES - 1; i++) {
		assert_int_equal(w.opened, i + 1);
		stage_loop_pass(rests[i] - 1);
		assert_int_equal(w.opened, i + 1);
		stage_loop_pass(1);
	}
	assert_int_equal(w.server->state, SERVER_GIVEN_UP);
	set = mcp_tools(w.mcp); /* asking does not help */
	assert_int_equal(set->count, 0);
	set->release(set);
	assert_int_equal(w.opened, SERVER_CRASHES);
	status = mcp_status(w.mcp);
	assert_non_null(strstr(status, "\"state\":\"given up\""));
	assert_non_null(strstr(status, "no such program"));
	free(status);
	stage_loop_pass(SERVER_WINDOW_MS);
	assert_int_equal(w.opened, SERVER_CRASHES); /* only when it is needed */
	mcp_warm(w.mcp);
	assert_int_equal(w.opened, SERVER_CRASHES + 1);
	stage_wire_close(&w);
}

static void who_refuses_us_is_not_asked_again_soon(void **state)
{
	struct stage_wire w;

	(void)state;
	stage_wire_open(&w, NULL);
	mcp_warm(w.mcp);
	goes_down(&w, WIRE_REFUSED, "401");
	assert_int_equal(w.server->state, SERVER_GIVEN_UP);
	stage_loop_pass(60000);
	assert_int_equal(w.opened, 1);
	stage_wire_close(&w);
}

static void a_start_without_end_is_ended(void **state)
{
	struct stage_wire w;

	(void)state;
	stage_wire_open(&w, (const char *const[]){ "start_s", "20", NULL });
	w.judges = false;
	stage_wire_ready(&w, LIST); /* the judge says nothing */
	stage_loop_pass(20000);
	assert_int_equal(w.server->state, SERVER_RESTING);
	assert_int_equal(w.destroyed, 1);
	stage_loop_pass(SERVER_REST_MS);
	assert_int_equal(w.opened, 2);
	stage_loop_pass(20000); /* this time the server says nothing */
	assert_int_equal(w.server->state, SERVER_RESTING);
	stage_wire_close(&w);
}

static void more_calls_than_it_can_do_are_refused(void **state)
{
	struct stage_wire w;

	(void)state;
	stage_wire_open(&w, NULL);
	stage_wire_ready(&w, LIST);
	for (int i = 0; i < MCP_CALLS_MAX; i++)
		calls(&w, "files__add", "{}");
	stage_loop_pass(0);
	assert_int_equal(w.done, 0);
	calls(&w, "files__add", "{}");
	expect_end(&w, "too many", true);
	stage_wire_close(&w);
}

static void count_stopped(void *owner)
{
	++*(unsigned *)owner;
}

static void stopping_is_gentle_and_told_once(void **state)
{
	struct stage_wire w;
	unsigned stopped = 0;

	(void)state;
	stage_wire_open(&w, NULL);
	stage_wire_ready(&w, LIST);
	mcp_stop(w.mcp, count_stopped, &stopped);
	assert_int_equal(w.closed, 1);
	goes_down(&w, WIRE_CLOSED, NULL);
	assert_int_equal(stopped, 0);
	stage_loop_pass(0);
	assert_int_equal(stopped, 1);
	stage_loop_pass(100000);
	assert_int_equal(stopped, 1);
	assert_int_equal(w.opened, 1);
	stage_wire_close(&w);
}

static void stopping_does_not_wait_for_ever(void **state)
{
	struct stage_wire w;
	unsigned stopped = 0;

	(void)state;
	stage_wire_open(&w, NULL);
	mcp_stop(w.mcp, count_stopped, &stopped); /* nothing runs */
	stage_loop_pass(0);
	assert_int_equal(stopped, 1);
	stage_wire_close(&w);
	stage_wire_open(&w, NULL);
	stage_wire_ready(&w, LIST);
	mcp_stop(w.mcp, count_stopped, &stopped);
	stage_loop_pass(5000);
	assert_int_equal(stopped, 2);
	stage_wire_close(&w);
}

static void count_settled(void *owner)
{
	++*(int *)owner;
}

/* Turns wait for it: none may begin without its tools, and none may wait for a server that will not come. */
static void it_is_told_when_the_servers_have_settled(void **state)
{
	struct stage_wire w;
	int settled = 0;

	(void)state;
	stage_wire_open(&w, NULL);
	mcp_on_settled(w.mcp, count_settled, &settled);
	mcp_warm(w.mcp);
	stage_loop_pass(100);
	assert_int_equal(settled, 0);
	stage_wire_ready(&w, LIST);
	assert_int_equal(settled, 0); /* in a round of its own */
	stage_loop_pass(0);
	assert_int_equal(settled, 1);
	stage_loop_pass(60000);
	assert_int_equal(settled, 1);
	stage_wire_close(&w);

	stage_wire_open(&w, NULL); /* never answers */
	mcp_on_settled(w.mcp, count_settled, &settled);
	mcp_warm(w.mcp);
	stage_loop_pass(4999);
	assert_int_equal(settled, 1);
	stage_loop_pass(1);
	assert_int_equal(settled, 2);
	stage_wire_close(&w);

	stage_wire_open(&w, NULL); /* can't be started */
	w.cannot_open = true;
	mcp_on_settled(w.mcp, count_settled, &settled);
	mcp_warm(w.mcp);
	stage_loop_pass(0);
	assert_int_equal(settled, 2); /* it may be on its way: once more */
	stage_loop_pass(SERVER_REST_MS);
	assert_int_equal(settled, 3);
	stage_wire_close(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_call_is_sent_and_answered),
		cmocka_unit_test(answers_out_of_order_find_their_calls),
		cmocka_unit_test(both_kinds_of_errors_reach_the_model),
		cmocka_unit_test(silence_ends_a_call_and_cancels_it),
		cmocka_unit_test(progress_gives_more_time_within_a_limit),
		cmocka_unit_test(a_crash_in_the_middle_of_a_call_is_unsure),
		cmocka_unit_test(a_call_while_it_rests_waits_for_the_next_start),
		cmocka_unit_test(a_tool_that_changed_over_a_restart_is_not_run),
		cmocka_unit_test(what_never_arrived_is_sent_once_more),
		cmocka_unit_test(a_session_that_is_forgotten_is_begun_anew_at_once),
		cmocka_unit_test(rests_grow_until_it_is_given_up),
		cmocka_unit_test(who_refuses_us_is_not_asked_again_soon),
		cmocka_unit_test(a_start_without_end_is_ended),
		cmocka_unit_test(more_calls_than_it_can_do_are_refused),
		cmocka_unit_test(stopping_is_gentle_and_told_once),
		cmocka_unit_test(stopping_does_not_wait_for_ever),
		cmocka_unit_test(it_is_told_when_the_servers_have_settled),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
