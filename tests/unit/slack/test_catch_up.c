/* What was said while the connection was down is found, once, in order, and nothing else is. */
#include "buf.h"
#include "catch_up.h"
#include "mem.h"
#include "stage_in.h"

/* OUT_NOW is 1800000000: the times here lie some minutes before. */

static int open_stage(void **state)
{
	*state = in_open();
	return 0;
}

static int close_stage(void **state)
{
	in_close(*state);
	return 0;
}

static void step(struct in_stage *stage)
{
	out_pass(stage->out, 1);
}

static struct out_call *asked(struct in_stage *stage, const char *method, const char *channel)
{
	struct out_call *call;
	char *json = mem_format("\"%s\"", channel);

	step(stage);
	call = out_expect(stage->out, method);
	out_arg_is(call, "/channel", json);
	free(json);
	return call;
}

/* `'` stands for `"`. */
static void answer(struct in_stage *stage, struct out_call *call, const char *json)
{
	json_t *body = in_json(json);
	char *text = json_write(body);

	out_ok(stage->out, call, text);
	free(text);
	json_decref(body);
}

static void nobody_is_named(struct in_stage *stage)
{
	step(stage);
	in_name(stage);
	step(stage);
}

static void a_fresh_place_replays_nothing(void **state)
{
	struct in_stage *stage = *state;

	slack_catch_up_begin(stage->workspace);
	step(stage);
	out_expect_none(stage->out);
	assert_false(slack_catch_up_holds(stage->workspace, "C1"));
}

static void missed_ones_come_oldest_first_through_the_gate(void **state)
{
	struct in_stage *stage = *state;
	struct out_call *call;

	slack_catch_up_cursor(stage->workspace, "C1/1799998000.000100", "1799999000.000100");
	slack_catch_up_begin(stage->workspace);
	call = asked(stage, "conversations.replies", "C1");
	out_arg_is(call, "/oldest", "\"1799999000.000100\"");
	answer(stage, call,
	       "{'messages':[{'user':'U1','ts':'1799998000.000100','text':'root'},"
	       "{'user':'U1','ts':'1799999100.000100','thread_ts':'1799998000.000100','text':'one'},"
	       "{'user':'UBOT','ts':'1799999150.000100','thread_ts':'1799998000.000100','text':'ours'},"
	       "{'user':'U1','ts':'1799999200.000100','thread_ts':'1799998000.000100','text':'two'}]}");
	nobody_is_named(stage);
	assert_int_equal(stage->count, 1); /* one at a time */
	assert_true(stage->messages[0].flags & INCOMING_LATE);
	assert_true(stage->messages[0].flags & INCOMING_IF_PLACE);
	assert_string_equal(stage->messages[0].text, "one");
	assert_string_equal(stage->messages[0].semantic, "T1/C1/1799999100.000100");
	assert_string_equal(stage->messages[0].cursor, "1799999100.000100");
	in_ack(stage, 0, ACK_STORED);
	step(stage);
	step(stage);
	assert_int_equal(stage->count, 2);
	assert_string_equal(stage->messages[1].text, "two");
	in_ack(stage, 1, ACK_BEFORE); /* it came live as well */

	call = asked(stage, "conversations.history", "C1");
	out_arg_is(call, "/oldest", "\"1799998940.000000\""); /* a little from before the newest we know */
	answer(stage, call,
	       "{'messages':[{'user':'U2','ts':'1799999400.000100','text':'<@UBOT> b'},"
	       "{'user':'U2','ts':'1799999350.000100','text':'not for us'},"
	       "{'user':'U2','ts':'1799999300.000100','thread_ts':'1799999300.000100','text':'<@UBOT> a',"
	       "'reply_count':1,'latest_reply':'1799999500.000100'}]}");
	nobody_is_named(stage);
	assert_string_equal(stage->messages[2].text, "a");
	assert_true(slack_catch_up_holds(stage->workspace, "C1"));
	in_ack(stage, 2, ACK_STORED);
	nobody_is_named(stage);
	step(stage);
	assert_string_equal(stage->messages[3].text, "b");
	in_ack(stage, 3, ACK_STORED);

	call = asked(stage, "conversations.replies", "C1"); /* of the one that was missed as a whole */
	out_arg_is(call, "/ts", "\"1799999300.000100\"");
	out_ok(stage->out, call, "{\"messages\":[]}");
	step(stage);
	step(stage);
	out_expect_none(stage->out);
	assert_false(slack_catch_up_holds(stage->workspace, "C1"));
	assert_int_equal(stage->oks + stage->laters, 0); /* nobody sent them: nobody is told */
}

/* A live message in the middle of it must not move the cursor past what is still missing. */
static void live_messages_move_no_cursor_meanwhile(void **state)
{
	struct in_stage *stage = *state;
	const char *live =
		"{'type':'message','channel':'D1','channel_type':'im','user':'U1','team':'T1','text':"
		"'x','ts':'1799999999.000100'}";

	slack_catch_up_cursor(stage->workspace, "D1/1799998000.000100", "1799998000.000100");
	assert_true(slack_catch_up_holds(stage->workspace, "D1")); /* before the link is up */
	slack_catch_up_begin(stage->workspace);
	in_event(stage, "Ev1", live);
	in_name(stage);
	assert_null(in_only(stage, 0)->scope);
	out_ok(stage->out, asked(stage, "conversations.replies", "D1"), "{\"messages\":[]}");
	step(stage);
	out_ok(stage->out, asked(stage, "conversations.history", "D1"), "{\"messages\":[]}");
	step(stage);
	in_event(stage, "Ev2", live);
	assert_string_equal(in_only(stage, 1)->scope, "D1/1799999999.000100");
}

static void too_old_is_over(void **state)
{
	struct in_stage *stage = *state;

	slack_catch_up_cursor(stage->workspace, "C1/1790000000.000100", "1790000000.000100");
	slack_catch_up_cursor(stage->workspace, "C2/1790000000.000100",
			      "1799999000.000100"); /* an old thread, lively */
	slack_catch_up_begin(stage->workspace);
	out_ok(stage->out, asked(stage, "conversations.replies", "C2"), "{\"messages\":[]}");
	step(stage);
	out_ok(stage->out, asked(stage, "conversations.history", "C2"), "{\"messages\":[]}");
	step(stage);
	out_expect_none(stage->out);
	stage->app->config.catch_up_hours = 0;
	slack_catch_up_begin(stage->workspace);
	step(stage);
	out_expect_none(stage->out);
}

static void pages_are_bounded(void **state)
{
	struct in_stage *stage = *state;
	struct buf json = { 0 };

	stage->app->config.catch_up_messages = 3;
	stage->app->config.direct = SLACK_DIRECT_CHANNEL;
	slack_catch_up_cursor(stage->workspace, "D1", "1799999000.000100");
	slack_catch_up_begin(stage->workspace);
	for (int page = 0; page < 2; page++) {
		buf_clear(&json);
		buf_text(&json, "{\"messages\":[");
		for (int i = 0; i < 2; i++)
			buf_format(&json,
				   "%s{\"user\":\"U1\",\"ts\":\"17999998%d%d.000100\",\"text\":\"%d\"}",
				   i ? "," : "", 9 - page, 9 - i, page * 2 + i);
		buf_text(&json, "],\"response_metadata\":{\"next_cursor\":\"more\"}}");
		out_ok(stage->out, asked(stage, "conversations.history", "D1"), buf_str(&json));
	}
	nobody_is_named(stage);
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(stage->count, i + 1);
		in_ack(stage, i, ACK_STORED);
		step(stage);
		step(stage);
	}
	assert_string_equal(stage->messages[0].text, "2"); /* the newest three, oldest first */
	assert_string_equal(stage->messages[2].text, "0");
	assert_string_equal(stage->messages[0].scope, "D1");
	out_expect_none(stage->out);
	buf_free(&json);
}

static void it_waits_and_tries_again(void **state)
{
	struct in_stage *stage = *state;
	const char *page = "{\"messages\":[{\"user\":\"U1\",\"ts\":\"1799999500.000100\",\"text\":\"x\"}]}";

	stage->app->config.direct = SLACK_DIRECT_CHANNEL;
	slack_catch_up_cursor(stage->workspace, "D1", "1799999000.000100");
	slack_catch_up_begin(stage->workspace);
	out_fail(stage->out, asked(stage, "conversations.history", "D1"), SLACK_LIMITED, 30000);
	out_pass(stage->out, 29000);
	out_expect_none(stage->out);
	out_pass(stage->out, 1000);
	out_fail(stage->out, asked(stage, "conversations.history", "D1"), SLACK_MAYBE, 0);
	out_pass(stage->out, 2000);
	out_ok(stage->out, asked(stage, "conversations.history", "D1"), page);
	nobody_is_named(stage);
	in_ack(stage, 0, ACK_BUSY); /* the house is full: the same one again, later */
	step(stage);
	assert_int_equal(stage->count, 1);
	out_pass(stage->out, 1500);
	assert_int_equal(stage->count, 2);
	assert_string_equal(stage->messages[1].semantic, stage->messages[0].semantic);
	in_ack(stage, 1, ACK_STORED);
	step(stage);
	out_expect_none(stage->out);
}

/* However long it takes: a live message that moved the cursor meanwhile would hide what was missed for ever. */
static void nothing_is_given_up_while_it_can_be_had(void **state)
{
	enum { MINUTE = 60000, TRIES = 9 };
	struct in_stage *stage = *state;
	const char *page = "{\"messages\":[{\"user\":\"U1\",\"ts\":\"1799999500.000100\",\"text\":\"x\"}]}";

	stage->app->config.direct = SLACK_DIRECT_CHANNEL;
	slack_catch_up_cursor(stage->workspace, "D1", "1799999000.000100");
	slack_catch_up_cursor(stage->workspace, "D2", "1799999000.000100");
	slack_catch_up_begin(stage->workspace);
	for (unsigned i = 0; i < TRIES; i++) {
		out_fail(stage->out, asked(stage, "conversations.history", "D1"), SLACK_MAYBE, 0);
		out_pass(stage->out, MINUTE);
	}
	assert_true(slack_catch_up_holds(stage->workspace, "D1"));
	out_ok(stage->out, asked(stage, "conversations.history", "D2"),
	       "{\"messages\":[]}"); /* others first */
	assert_true(slack_catch_up_holds(stage->workspace, "D1"));
	out_ok(stage->out, asked(stage, "conversations.history", "D1"), page);
	nobody_is_named(stage);
	for (unsigned i = 0; i < TRIES; i++) {
		assert_int_equal(stage->count, i + 1);
		in_ack(stage, i, ACK_BUSY);
		assert_true(slack_catch_up_holds(stage->workspace, "D1"));
		out_pass(stage->out, MINUTE + 1);
	}
	in_ack(stage, TRIES, ACK_STORED);
	step(stage);
	assert_false(slack_catch_up_holds(stage->workspace, "D1"));
	out_expect_none(stage->out);
}

static void what_is_gone_drops_out(void **state)
{
	struct in_stage *stage = *state;

	slack_catch_up_cursor(stage->workspace, "C1/1799998000.000100", "1799999000.000100");
	slack_catch_up_begin(stage->workspace);
	out_refuse(stage->out, asked(stage, "conversations.replies", "C1"), "thread_not_found");
	out_refuse(stage->out, asked(stage, "conversations.history", "C1"), "channel_not_found");
	step(stage);
	out_expect_none(stage->out);
	slack_catch_up_begin(stage->workspace);
	step(stage);
	out_expect_none(stage->out);
	slack_catch_up_cursor(stage->workspace, "C2/1799998000.000100", "1799999000.000100");
	slack_catch_up_begin(stage->workspace);
	out_refuse(stage->out, asked(stage, "conversations.replies", "C2"), "missing_scope");
	out_refuse(stage->out, asked(stage, "conversations.history", "C2"), "missing_scope");
	step(stage);
	slack_catch_up_begin(stage->workspace); /* the scope may have been added meanwhile */
	out_fail(stage->out, asked(stage, "conversations.replies", "C2"), SLACK_AUTH, 0);
	step(stage);
	out_expect_none(stage->out);
}

/* The link went down again in the middle: what was read already is read once more afterwards. */
static void down_again_means_again(void **state)
{
	struct in_stage *stage = *state;

	stage->app->config.direct = SLACK_DIRECT_CHANNEL;
	slack_catch_up_cursor(stage->workspace, "D1", "1799999000.000100");
	slack_catch_up_begin(stage->workspace);
	step(stage);
	slack_catch_up_begin(stage->workspace);
	out_ok(stage->out, asked(stage, "conversations.history", "D1"), "{\"messages\":[]}");
	step(stage);
	out_ok(stage->out, asked(stage, "conversations.history", "D1"), "{\"messages\":[]}");
	step(stage);
	out_expect_none(stage->out);
}

static void repeated(struct in_stage *stage, unsigned way, unsigned retry, const char *ts)
{
	struct slack_from from = { .way = way, .id = 900, .retry = retry };
	char *json = mem_format("{'type':'event_callback','api_app_id':'A1','team_id':'T1','event_id':'E%s',"
				"'authorizations':[{'team_id':'T1','is_enterprise_install':false}],'event':{"
				"'type':'message','channel':'D1','channel_type':'im','user':'U1','text':'x',"
				"'ts':'%s'}}",
				ts, ts);

	slack_take(stage->app, &from, SLACK_EVENT, in_json(json));
	free(json);
	nobody_is_named(stage);
}

/* Over HTTP no link goes down: a delivery that failed before is all that tells of an outage, and it must not hide what
 * was missed before it. */
static void a_repeated_delivery_tells_of_an_outage(void **state)
{
	struct in_stage *stage = *state;
	struct out_call *call;

	stage->app->config.direct = SLACK_DIRECT_CHANNEL;
	slack_catch_up_cursor(stage->workspace, "D1", "1799999000.000100");
	slack_catch_up_begin(stage->workspace);
	out_ok(stage->out, asked(stage, "conversations.history", "D1"), "{\"messages\":[]}");
	step(stage);
	repeated(stage, SLACK_FROM_HTTP, 0, "1799999100.000100");
	repeated(stage, SLACK_FROM_SOCKET, 1, "1799999200.000100");
	out_expect_none(stage->out);
	in_ack(stage, 0, ACK_STORED);
	in_ack(stage, 1, ACK_STORED);
	repeated(stage, SLACK_FROM_HTTP, 2, "1799999500.000100");
	in_ack(stage, 2, ACK_STORED);
	call = asked(stage, "conversations.history", "D1");
	assert_true(strcmp(out_arg(call, "/oldest"), "\"1799999200.000100\"") <= 0);
	out_ok(stage->out, call, "{\"messages\":[]}");
	step(stage);
	repeated(stage, SLACK_FROM_HTTP, 1, "1799999600.000100"); /* at most once in 10 minutes */
	in_ack(stage, 3, ACK_STORED);
	out_pass(stage->out, 9 * 60000);
	repeated(stage, SLACK_FROM_HTTP, 1, "1799999700.000100");
	in_ack(stage, 4, ACK_STORED);
	out_expect_none(stage->out);
	out_pass(stage->out, 61000);
	repeated(stage, SLACK_FROM_HTTP, 1, "1799999800.000100");
	call = asked(stage, "conversations.history", "D1");
	out_ok(stage->out, call, "{\"messages\":[]}");
}

static void ending_in_the_middle(void **state)
{
	struct in_stage *stage = *state;

	stage->app->config.direct = SLACK_DIRECT_CHANNEL;
	slack_catch_up_cursor(stage->workspace, "D1", "1799999000.000100");
	slack_catch_up_cursor(stage->workspace, "D2", "not a position");
	slack_catch_up_begin(stage->workspace);
	out_ok(stage->out, asked(stage, "conversations.history", "D1"),
	       "{\"messages\":[{\"user\":\"U1\",\"ts\":\"1799999500.000100\",\"text\":\"x\"},7,{}]}");
	nobody_is_named(stage);
	assert_int_equal(stage->count, 1);
	slack_catch_up_destroy(stage->workspace->catch_up); /* the core still has its message */
	assert_null(stage->workspace->catch_up);
	slack_inbound_forget(stage->workspace);
	in_ack(stage, 0, ACK_STORED);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_stage, close_stage)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_fresh_place_replays_nothing),
		TEST(missed_ones_come_oldest_first_through_the_gate),
		TEST(live_messages_move_no_cursor_meanwhile),
		TEST(too_old_is_over),
		TEST(pages_are_bounded),
		TEST(it_waits_and_tries_again),
		TEST(nothing_is_given_up_while_it_can_be_had),
		TEST(what_is_gone_drops_out),
		TEST(down_again_means_again),
		TEST(a_repeated_delivery_tells_of_an_outage),
		TEST(ending_in_the_middle),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
