/* Calls of the Web API that wait for each other (sheet 13.3): limits are kept, order within a channel too, memory is
 * bounded, and what was cancelled stays silent. */
#include "stage_call.h"

/* ---- pace ---------------------------------------------------------------------------------------------- */

static void test_429_pauses_one_method(void **state)
{
	struct net_stage *stage = net_open();
	struct net_result limited, other, again = { 0 };

	(void)state;
	net_say_header(stage, 429, "{\"ok\":false,\"error\":\"ratelimited\"}", "Retry-After", "2");
	limited = net_ask(stage, "chat.update");
	assert_int_equal(limited.how, SLACK_LIMITED);
	assert_int_equal(limited.retry_ms, 2000); /* seconds, not milliseconds */
	net_call_with(stage, &again, (struct slack_call){ .method = "chat.update", .wait_ms = 1000 }, NULL);
	other = net_ask(stage, "users.info");
	assert_int_equal(other.how, SLACK_OK);
	NET_WAIT(stage, again.count == 1);
	assert_int_equal(again.how, SLACK_LIMITED);
	assert_in_range(again.retry_ms, 1001, 2500);
	assert_int_equal(net_asked(stage, "chat.update"), 1);
	net_close(stage);
}

static void test_429_of_a_message_pauses_its_channel(void **state)
{
	struct net_stage *stage = net_open();
	struct net_result limited = { 0 }, same = { 0 }, other = { 0 };

	(void)state;
	net_say_header(stage, 429, "", "Retry-After", "1");
	net_call(stage, &limited, "chat.postMessage", "{\"text\":\"1\"}", "C1");
	NET_WAIT(stage, limited.count == 1);
	assert_int_equal(limited.how, SLACK_LIMITED);
	net_call(stage, &same, "chat.postMessage", "{\"text\":\"2\"}", "C1");
	net_call(stage, &other, "chat.postMessage", "{\"text\":\"3\"}", "C2");
	NET_WAIT(stage, same.count == 1 && other.count == 1);
	assert_true(other.order < same.order);
	assert_int_equal(same.how, SLACK_OK); /* it waited, and then went */
	net_close(stage);
}

static void test_limited_without_a_time(void **state)
{
	struct net_stage *stage = net_open();
	struct net_result result;

	(void)state;
	net_say(stage, 200, "{\"ok\":false,\"error\":\"rate_limited\"}");
	result = net_ask(stage, "chat.postMessage");
	assert_int_equal(result.how, SLACK_LIMITED);
	assert_true(result.retry_ms >= 1000);
	net_close(stage);
}

/* A part of an answer never arrives before the one before it. */
static void test_one_lane_is_strictly_in_order(void **state)
{
	struct net_stage *stage = net_open();
	struct net_result results[4] = { 0 }, other = { 0 };

	(void)state;
	stage->hold = true;
	net_call(stage, &results[0], "chat.postMessage", "{\"n\":0}", "C1");
	net_call(stage, &results[1], "chat.update", "{\"n\":1}", "C1");
	net_call(stage, &results[2], "chat.postMessage", "{\"n\":2}", "C1");
	net_call(stage, &results[3], "reactions.add", "{\"n\":3}", "C1");
	net_call(stage, &other, "chat.postMessage", "{\"n\":9}", "C2");
	NET_WAIT(stage, stage->seen_count == 2);
	net_rest(stage);
	assert_int_equal(stage->seen_count, 2); /* the first of each lane */
	assert_int_equal(slack_lanes_running(stage->root.lanes), 5);
	for (int i = 0; i < 5; i++) {
		NET_WAIT(stage, net_held(stage) > 0);
		net_let_go(stage);
	}
	NET_WAIT(stage, results[3].count == 1 && other.count == 1);
	for (int i = 0; i < 3; i++)
		assert_true(results[i].order < results[i + 1].order);
	assert_int_equal(slack_lanes_running(stage->root.lanes), 0);
	net_close(stage);
}

static void test_waiting_ends(void **state)
{
	struct net_stage *stage = net_open();
	struct net_result first = { 0 }, second = { 0 }, third = { 0 };

	(void)state;
	stage->hold = true;
	net_call(stage, &first, "chat.postMessage", "{}", "C1");
	net_call_with(stage, &second,
		      (struct slack_call){ .method = "chat.postMessage", .lane = "C1", .wait_ms = 20 }, "{}");
	net_call(stage, &third, "chat.postMessage", "{}", "C1");
	NET_WAIT(stage, second.count == 1);
	assert_int_equal(second.how, SLACK_LIMITED);
	assert_true(second.retry_ms >= 1000);
	net_let_go(stage);
	NET_WAIT(stage, stage->seen_count == 2); /* the third is not stuck behind it */
	net_let_go(stage);
	NET_WAIT(stage, third.count == 1);
	net_close(stage);
}

/* Memory is bounded, whatever the rest of the room asks for; each caller is told. */
static void test_more_than_can_wait(void **state)
{
	enum { MANY = 2500 };
	struct net_stage *stage = net_open();
	struct net_result *results = mem_zero(MANY, sizeof(*results));
	unsigned limited = 0, ok = 0, count;

	(void)state;
	stage->hold = true;
	for (int i = 0; i < MANY; i++)
		net_call_with(stage, &results[i],
			      (struct slack_call){
				      .method = "chat.postMessage", .lane = "C1", .wait_ms = UINT32_MAX },
			      "{}");
	assert_int_equal(slack_lanes_running(stage->root.lanes), MANY);
	do {
		net_step(stage);
		count = 0;
		for (int i = 0; i < MANY; i++)
			count += results[i].count;
	} while (count < 500);
	net_rest(stage);
	for (int i = 0; i < MANY; i++) {
		limited += results[i].count == 1 && results[i].how == SLACK_LIMITED;
		ok += results[i].count == 1 && results[i].how != SLACK_LIMITED;
	}
	assert_int_equal(limited, 500);
	assert_int_equal(ok, 0);
	net_close(stage);
	free(results);
}

/* ---- life ---------------------------------------------------------------------------------------------- */

static void test_cancelled_calls_say_nothing(void **state)
{
	struct net_stage *stage = net_open();
	struct net_result running = { 0 }, waiting = { 0 }, decided = { 0 }, next = { 0 };
	uint64_t ids[3];

	(void)state;
	stage->hold = true;
	ids[0] = net_call_with(stage, &running, (struct slack_call){ .method = "chat.update", .lane = "C1" },
			       NULL);
	ids[1] = net_call_with(stage, &waiting, (struct slack_call){ .method = "chat.update", .lane = "C1" },
			       NULL);
	net_call(stage, &next, "chat.update", "{}", "C1");
	NET_WAIT(stage, stage->seen_count == 1);
	ids[2] = net_call_with(stage, &decided, (struct slack_call){ .method = "no.such" }, NULL);
	for (int i = 0; i < 3; i++)
		slack_api_cancel(&stage->root, ids[i]);
	slack_api_cancel(&stage->root, 12345);
	NET_WAIT(stage, stage->seen_count == 2); /* the lane goes on */
	stage->hold = false;
	net_let_go(stage);
	net_let_go(stage);
	NET_WAIT(stage, next.count == 1);
	assert_int_equal(running.count + waiting.count + decided.count, 0);
	net_close(stage);
}

static void test_destroyed_while_calls_run(void **state)
{
	struct net_stage *stage = net_open();
	struct net_result results[5] = { 0 };

	(void)state;
	stage->hold = true;
	stage->root.refresh_token = mem_text("xoxe-1-r");
	net_call(stage, &results[0], "chat.update", "{}", "C1");
	net_call(stage, &results[1], "chat.update", "{}", "C1");
	NET_WAIT(stage, stage->seen_count == 1);
	net_call(stage, &results[2], "no.such", "{}", "C1");
	net_call(stage, &results[3], "auth.test", NULL, NULL);
	slack_lanes_destroy(stage->root.lanes);
	assert_null(stage->root.lanes);
	net_rest(stage);
	for (int i = 0; i < 5; i++)
		assert_int_equal(results[i].count, 0);
	net_close(stage);
}

static void test_callbacks_may_call_and_cancel(void **state)
{
	struct net_stage *stage = net_open();
	struct net_result first = { .stage = stage }, next = { 0 }, victim = { 0 }, canceller = { 0 };

	(void)state;
	first.next = &next;
	net_call(stage, &first, "auth.test", NULL, NULL);
	net_call(stage, &canceller, "no.such", NULL, NULL);
	canceller.cancels = net_call_with(stage, &victim, (struct slack_call){ .method = "no.such" }, NULL);
	NET_WAIT(stage, next.count == 1);
	assert_int_equal(canceller.count, 1);
	assert_int_equal(victim.count, 0);
	net_close(stage);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_429_pauses_one_method),
		cmocka_unit_test(test_429_of_a_message_pauses_its_channel),
		cmocka_unit_test(test_limited_without_a_time),
		cmocka_unit_test(test_one_lane_is_strictly_in_order),
		cmocka_unit_test(test_waiting_ends),
		cmocka_unit_test(test_more_than_can_wait),
		cmocka_unit_test(test_cancelled_calls_say_nothing),
		cmocka_unit_test(test_destroyed_while_calls_run),
		cmocka_unit_test(test_callbacks_may_call_and_cancel),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
