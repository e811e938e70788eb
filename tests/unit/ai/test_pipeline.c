/* A turn of the pipeline: every way it can end, what is tried again, and what an answer is not. */
#include "fake_loop.h"
#include "turn_stage.h"
#include <stdlib.h>
#include <string.h>

static void test_plain_answer(void **state)
{
	struct turn_stage w;

	(void)state;
	turn_begin(&w);
	assert_int_equal(w.llm.messages, 6);
	turn_expect_seen(&w, "system: be kind\nuser: one");
	turn_expect_seen(&w, "\nuser: go\n");
	turn_part(&w, "Hel");
	turn_part(&w, "lo");
	turn_say(&w, "Hello", LLM_STOP_END);
	turn_expect_log(&w, "part Hel\npart lo\ndone Hello []\n");
	assert_int_equal(w.cost, 120); /* 100 at 1 and 10 at 2 dollars a million */
	assert_false(w.estimated);
	ai_journaled(w.ai, 42);
	ai_cancel(w.ai, 42, NULL, NULL);
	turn_teardown(&w);
}

/* A server that tells 2^63 tokens would break the sum of everything that was ever used. */
static void test_counts_beyond_belief(void **state)
{
	struct llm_reply reply = turn_blank_reply();
	struct turn_stage w;

	(void)state;
	turn_begin(&w);
	reply.text = "Hello";
	reply.input_tokens = reply.output_tokens = reply.cached_tokens = INT64_MAX;
	turn_give(&w, &reply);
	turn_expect_log(&w, "done Hello []\n");
	assert_true(w.estimated);
	assert_in_range(w.cost, 1, 1000);
	turn_teardown(&w);
}

static const struct llm_call two[] = { { "a", "read", "{\"x\":1}" }, { "b", "keyed", "{}" } };

/* What was shown of a request that broke off must not stand before the answer of the next. */
static void test_retry_begins_again(void **state)
{
	struct turn_stage w;

	(void)state;
	turn_begin(&w);
	turn_part(&w, "Half an");
	turn_break_down(&w, LLM_FAULT_TRANSIENT, 0, "Half an");
	fake_loop_pass(w.loop, 600);
	assert_int_equal(w.llm.asked, 2);
	turn_part(&w, "Who");
	turn_part(&w, "le");
	turn_say(&w, "Whole", LLM_STOP_END);
	turn_expect_log(&w, "part Half an\npart again Who\npart le\ndone Whole []\n");
	assert_int_equal(w.handed, 2);
	turn_teardown(&w);
}

/* A kill must not take requests from the record that had ended: each is on it before the next one leaves. */
static void test_each_request_is_on_record_before_the_next(void **state)
{
	struct turn_stage w;

	(void)state;
	turn_begin(&w);
	w.holds = true;
	turn_break_down(&w, LLM_FAULT_TRANSIENT, 0, "");
	assert_int_equal(w.handed, 1);
	fake_loop_pass(w.loop, 5000);
	assert_int_equal(w.llm.asked, 1); /* the store is busy */
	ai_journaled(w.ai, 42);
	ai_journaled(w.ai, 42); /* nothing waits for a second one */
	fake_loop_pass(w.loop, 20);
	assert_int_equal(w.llm.asked, 2);
	turn_break_down(&w, LLM_FAULT_LIMITED, 3000, "");
	ai_journaled(w.ai, 42);
	fake_loop_pass(w.loop, 2900); /* it waits as told all the same */
	assert_int_equal(w.llm.asked, 2);
	fake_loop_pass(w.loop, 200);
	turn_say(&w, "Hello", LLM_STOP_END);
	turn_expect_log(&w, "done Hello []\n");
	assert_int_equal(w.noted, 2);
	assert_int_equal(w.handed, 3);
	turn_teardown(&w);
	turn_begin(&w); /* the time of the turn ends meanwhile */
	w.holds = true;
	turn_break_down(&w, LLM_FAULT_TRANSIENT, 0, "");
	fake_loop_pass(w.loop, 61000);
	turn_expect_log(&w, "failed timeout: no complete answer within 60 seconds []\n");
	assert_int_equal(w.handed, 1);
	turn_teardown(&w);
}

/* Its requests have no journal: each is set aside before it leaves, whatever it costs, and all are with its end, also of a model that asks for tools it was not offered. */
static void test_a_summary_has_no_journal(void **state)
{
	struct turn_stage w;
	struct ai_ask ask;

	(void)state;
	turn_setup_spare(&w);
	ask = (struct ai_ask){ .prompt = "sum up", .temperature = -1, .summarise = true, .key = "summary-1" };
	for (int i = 0; i < 2; i++)
		w.ai->models[i].provider[0] = 'x'; /* the local one makes none */
	turn_start(&w, &ask);
	turn_break_down(&w, LLM_FAULT_TRANSIENT, 0, "");
	fake_loop_pass(w.loop, 600);
	assert_int_equal(w.llm.asked, 2);
	turn_want(&w, "", two, 2);
	turn_expect_log(&w,
			"failed too_many_rounds: the model kept asking for tools instead of answering []\n");
	assert_int_equal(w.noted, 0);
	assert_int_equal(w.reserved, 2);
	assert_int_equal(w.handed, 2);
	turn_teardown(&w);
}

static void test_no_half_answer(void **state)
{
	struct turn_stage w;

	(void)state;
	turn_begin(&w);
	for (int i = 0; i < 3; i++) {
		turn_part(&w, "half");
		turn_break_down(&w, LLM_FAULT_TRANSIENT, 0, "half");
		fake_loop_pass(w.loop, 5000);
	}
	turn_expect_log(
		&w, "part half\npart again half\npart again half\nfailed model_unavailable: it broke []\n");
	assert_int_equal(w.llm.asked, 3);
	assert_int_equal(w.handed, 3);
	assert_true(w.estimated); /* the half was billed all the same */
	assert_true(w.cost > 0);
	turn_teardown(&w);
}

static void test_hints(void **state)
{
	struct turn_stage w;

	(void)state;
	turn_begin(&w);
	turn_break_down(&w, LLM_FAULT_LIMITED, 5000, "");
	fake_loop_pass(w.loop, 4900);
	assert_int_equal(w.llm.asked, 1);
	fake_loop_pass(w.loop, 200);
	assert_int_equal(w.llm.asked, 2);
	turn_break_down(&w, LLM_FAULT_LIMITED, 61000, ""); /* too long to keep somebody waiting */
	turn_expect_log(&w, "failed model_limited: it broke []\n");
	turn_teardown(&w);
	turn_begin(&w);
	turn_break_down(&w, LLM_FAULT_TRANSIENT, 59999, ""); /* would end after the turn's time */
	turn_expect_log(&w, "failed model_unavailable: it broke []\n");
	turn_teardown(&w);
}

static void test_faults_that_are_final(void **state)
{
	struct turn_stage w;

	(void)state;
	turn_begin(&w);
	turn_break_down(&w, LLM_FAULT_AUTH, 0, "");
	turn_expect_log(&w, "failed model_auth: it broke []\n");
	turn_teardown(&w);
	turn_begin(&w);
	turn_break_down(&w, LLM_FAULT_REFUSED, 0, "");
	turn_expect_log(&w, "failed model_refused: it broke []\n");
	fake_loop_pass(w.loop, 10000);
	assert_int_equal(w.llm.asked, 1);
	turn_teardown(&w);
}

static void test_overflow(void **state)
{
	struct turn_stage w;

	(void)state;
	turn_begin(&w);
	turn_break_down(&w, LLM_FAULT_OVERFLOW, 0, "");
	fake_loop_pass(w.loop, 20);
	assert_int_equal(w.llm.asked, 2);
	assert_string_equal(w.llm.first, "user"); /* whole turns went */
	turn_expect_seen(&w, "user: go\n");
	assert_null(strstr(buf_str(&w.llm.seen), "one one"));
	turn_break_down(&w, LLM_FAULT_OVERFLOW, 0, "");
	fake_loop_pass(w.loop, 1000);
	turn_expect_log(&w, "failed context_overflow: it broke []\ndropped 4\n");
	turn_teardown(&w);
}

static void test_known_window(void **state)
{
	struct turn_stage w;
	struct ai_ask ask;

	(void)state;
	turn_setup(&w);
	w.ai->models[0].context_tokens = 100;
	ask = turn_question(&w);
	ask.tool_count = 0;
	ask.max_output_tokens = 90;
	turn_start(&w, &ask);
	turn_expect_seen(&w, "user: go\n");
	assert_string_equal(w.llm.first, "user");
	assert_true(w.llm.messages < 6);
	turn_say(&w, "ok", LLM_STOP_END);
	assert_non_null(strstr(buf_str(&w.log), "dropped "));
	turn_teardown(&w);
}

static void on_left(void *owner, const struct ai_attempt *attempts, size_t count)
{
	struct turn_stage *w = owner;

	assert_int_equal(count, 1);
	assert_string_equal(attempts[0].error, "cancelled");
	assert_true(attempts[0].estimated);
	w->handed += count;
}

static void test_cancel(void **state)
{
	struct turn_stage w;

	(void)state;
	turn_begin(&w);
	turn_part(&w, "some text");
	buf_clear(&w.log);
	ai_cancel(w.ai, 42, on_left, &w);
	assert_int_equal(w.llm.cancelled, 1);
	assert_int_equal(w.handed, 1); /* it was billed */
	fake_loop_pass(w.loop, 100000);
	turn_expect_log(&w, "");
	turn_teardown(&w);
	turn_begin(&w);
	turn_want(&w, "", two, 2);
	ai_journaled(w.ai, 42);
	buf_clear(&w.log);
	ai_cancel(w.ai, 42, NULL, NULL);
	turn_result(&w, 0, 0, "{}", false); /* late: nobody waits for it */
	turn_result(&w, 1, 0, "{}", false);
	fake_loop_pass(w.loop, 100000);
	turn_expect_log(&w, "");
	turn_teardown(&w);
}

static void test_time_limit(void **state)
{
	struct turn_stage w;

	(void)state;
	turn_begin(&w);
	fake_loop_pass(w.loop, 59000);
	turn_expect_log(&w, "");
	fake_loop_pass(w.loop, 1100);
	turn_expect_log(&w, "failed timeout: no complete answer within 60 seconds []\n");
	assert_int_equal(w.llm.cancelled, 1);
	assert_int_equal(w.handed, 1);
	turn_teardown(&w);
	turn_begin(&w);
	turn_want(&w, "", two, 2);
	ai_journaled(w.ai, 42);
	buf_clear(&w.log);
	fake_loop_pass(w.loop, 61000); /* a tool that never answers */
	assert_int_equal(strncmp(buf_str(&w.log), "failed timeout", 14), 0);
	turn_result(&w, 0, 0, "{}", false);
	assert_int_equal(w.ends, 1);
	turn_teardown(&w);
}

static void test_answers_that_are_none(void **state)
{
	struct turn_stage w;

	(void)state;
	turn_begin(&w);
	turn_say(&w, " \n", LLM_STOP_END); /* empty: again */
	fake_loop_pass(w.loop, 600);
	turn_say(&w, "", LLM_STOP_REFUSED);
	turn_expect_log(&w, "failed model_refused: the model declined to answer this []\n");
	turn_teardown(&w);
	turn_begin(&w);
	for (int i = 0; i < 3; i++) {
		turn_say(&w, "", LLM_STOP_END);
		fake_loop_pass(w.loop, 5000);
	}
	turn_expect_log(&w, "failed empty_answer: the model sent an empty answer []\n");
	turn_teardown(&w);
	turn_begin(&w);
	turn_say(&w, "I can't help with that.", LLM_STOP_REFUSED); /* its own words are an answer */
	turn_expect_log(&w, "done I can't help with that. []\n");
	turn_teardown(&w);
	turn_begin(&w);
	turn_say(&w, "", LLM_STOP_LENGTH);
	assert_non_null(strstr(buf_str(&w.log), "failed empty_answer: the model used up its output limit"));
	turn_teardown(&w);
	turn_begin(&w);
	turn_say(&w, "long", LLM_STOP_LENGTH);
	turn_expect_log(&w, "done long (cut) []\n");
	turn_teardown(&w);
}

/* The caller may start the next turn, even under the same number, from within the end. */
static void restart(void *owner, uint64_t ticket, const struct ai_result *r)
{
	struct turn_stage *w = owner;
	struct ai_ask ask = turn_question(w);

	if (w->ends++ == 0)
		ai_start(w->ai, &ask, &turn_events, w, ticket);
	(void)r;
}

static void test_start_from_within_the_end(void **state)
{
	struct ai_events again = turn_events;
	struct turn_stage w;
	struct ai_ask ask;

	(void)state;
	again.done = restart;
	turn_setup(&w);
	ask = turn_question(&w);
	ai_start(w.ai, &ask, &again, &w, 42);
	fake_loop_pass(w.loop, 20);
	turn_say(&w, "first", LLM_STOP_END);
	fake_loop_pass(w.loop, 20);
	assert_int_equal(w.llm.asked, 2);
	turn_say(&w, "second", LLM_STOP_END);
	turn_expect_log(&w, "done second []\n");
	turn_teardown(&w);
}

static void on_checked(void *owner, uint64_t ticket, const struct err *err, int64_t skew)
{
	(void)skew;
	*(int *)owner = (int)ticket * 10 + (int)err->kind;
}

static void test_check(void **state)
{
	struct loop *loop = fake_loop_create();
	struct ai_options options = { .loop = loop, .turn_ms = 1000 };
	struct err err = { 0 };
	struct ai *ai = ai_create(&options, &err);
	int known = 0, unknown = 0;

	(void)state;
	ai_check(ai, NULL, on_checked, &known, 3);
	ai_check(ai, "nosuch", on_checked, &unknown, 4);
	assert_int_equal(known + unknown, 0);
	fake_loop_pass(loop, 20);
	assert_int_equal(known, 30);
	assert_int_equal(unknown, 40 + ERR_GONE);
	ai_check(ai, "nosuch", on_checked, &unknown, 4);
	ai_destroy(ai);
	options.model = "nosuch";
	assert_null(ai_create(&options, &err));
	assert_non_null(strstr(err.text, "nosuch"));
	fake_loop_destroy(loop);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_plain_answer),
		cmocka_unit_test(test_counts_beyond_belief),
		cmocka_unit_test(test_retry_begins_again),
		cmocka_unit_test(test_each_request_is_on_record_before_the_next),
		cmocka_unit_test(test_a_summary_has_no_journal),
		cmocka_unit_test(test_no_half_answer),
		cmocka_unit_test(test_hints),
		cmocka_unit_test(test_faults_that_are_final),
		cmocka_unit_test(test_overflow),
		cmocka_unit_test(test_known_window),
		cmocka_unit_test(test_cancel),
		cmocka_unit_test(test_time_limit),
		cmocka_unit_test(test_answers_that_are_none),
		cmocka_unit_test(test_start_from_within_the_end),
		cmocka_unit_test(test_check),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
