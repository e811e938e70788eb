/* When a model can't answer, the next one does, in the same turn; one that keeps failing is not waited for. */
#include "fake_loop.h"
#include "turn_stage.h"
#include <string.h>

static void begin(struct turn_stage *w)
{
	struct ai_ask ask = turn_question(w);

	buf_clear(&w->log);
	ai_start(w->ai, &ask, &turn_events, w, 42);
	fake_loop_pass(w->loop, 1);
}

/* All its attempts fail. */
static void fail_whole(struct turn_stage *w)
{
	for (int i = 0; i < 3; i++) {
		turn_break_down(w, LLM_FAULT_TRANSIENT, 0, "");
		fake_loop_pass(w->loop, 2500);
	}
}

static void test_the_next_model_answers(void **state)
{
	struct turn_stage w;

	(void)state;
	turn_setup_spare(&w);
	begin(&w);
	assert_int_equal(w.llm.max, 5);
	turn_part(&w, "Half");
	fail_whole(&w);
	assert_int_equal(w.llm.asked, 3);
	assert_int_equal(w.spare.asked, 1);
	assert_int_equal(w.spare.max, 7); /* each model has its own limits */
	turn_spare_say(&w, "Whole");
	turn_expect_log(&w, "part Half\npart again Whole\ndone Whole []\n"); /* nothing of the first stays */
	assert_int_equal(w.handed, 4);					     /* each attempt is on record */
	turn_teardown(&w);
}

/* A server that takes every question and never answers must not use up the time in which another one could have. */
static void test_one_that_is_silent_leaves_time_for_the_next(void **state)
{
	struct llm_reply silent = turn_blank_reply();
	struct turn_stage w;

	(void)state;
	turn_setup_spare(&w);
	begin(&w);
	fake_loop_pass(w.loop, 32000); /* of 60 seconds */
	err_set(&silent.err, ERR_AGAIN, "no answer");
	silent.fault = LLM_FAULT_TRANSIENT;
	silent.latency_ms = 32000;
	turn_give(&w, &silent);
	fake_loop_pass(w.loop, 10);
	assert_int_equal(w.llm.asked, 1);
	assert_int_equal(w.spare.asked, 1);
	turn_spare_say(&w, "Here");
	turn_expect_log(&w, "part Here\ndone Here []\n");
	turn_teardown(&w);
}

/* A key that is refused, or credit that is used up, does not get better by asking again. */
static void test_a_refused_key_is_not_asked_twice(void **state)
{
	struct turn_stage w;

	(void)state;
	turn_setup_spare(&w);
	begin(&w);
	turn_break_down(&w, LLM_FAULT_AUTH, 0, "");
	fake_loop_pass(w.loop, 10);
	assert_int_equal(w.spare.asked, 1);
	turn_spare_say(&w, "Fine");
	begin(&w); /* the next question goes to the spare at once */
	fake_loop_pass(w.loop, 10);
	assert_int_equal(w.llm.asked, 1);
	assert_int_equal(w.spare.asked, 2);
	turn_spare_say(&w, "Fine");
	fake_loop_pass(w.loop, 31000);
	begin(&w); /* after a while the first is tried again */
	fake_loop_pass(w.loop, 10);
	assert_int_equal(w.llm.asked, 2);
	turn_say(&w, "Back", LLM_STOP_END);
	assert_int_equal(w.ends, 3);
	turn_teardown(&w);
}

static void test_one_that_keeps_failing_cools_down_longer_and_longer(void **state)
{
	struct turn_stage w;

	(void)state;
	turn_setup_spare(&w);
	for (int round = 0; round < 2; round++) {
		begin(&w);
		turn_break_down(&w, LLM_FAULT_AUTH, 0, "");
		fake_loop_pass(w.loop, 10);
		turn_spare_say(&w, "Fine");
		fake_loop_pass(w.loop, 31000);
	}
	begin(&w); /* the second pause is a minute */
	fake_loop_pass(w.loop, 10);
	assert_int_equal(w.llm.asked, 2);
	turn_spare_say(&w, "Fine");
	turn_teardown(&w);
}

static void test_when_all_fail_the_reason_is_told(void **state)
{
	struct turn_stage w;

	(void)state;
	turn_setup_spare(&w);
	begin(&w);
	turn_break_down(&w, LLM_FAULT_AUTH, 0, "");
	fake_loop_pass(w.loop, 10);
	w.llm.ticket = w.spare.ticket; /* the spare breaks down in the same words */
	w.spare.ticket = 0;
	turn_break_down(&w, LLM_FAULT_AUTH, 0, "");
	turn_expect_log(&w, "failed model_auth: it broke []\n");
	begin(&w); /* both are left in peace: the one wanted is asked all the same */
	fake_loop_pass(w.loop, 10);
	assert_int_equal(w.llm.asked, 2);
	turn_say(&w, "Back", LLM_STOP_END);
	turn_teardown(&w);
}

/* What is wrong with the question is wrong for every model. */
static void test_a_refused_question_is_not_passed_on(void **state)
{
	struct turn_stage w;

	(void)state;
	turn_setup_spare(&w);
	begin(&w);
	turn_break_down(&w, LLM_FAULT_REFUSED, 0, "");
	turn_expect_log(&w, "failed model_refused: it broke []\n");
	assert_int_equal(w.spare.asked, 0);
	turn_teardown(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_next_model_answers),
		cmocka_unit_test(test_one_that_is_silent_leaves_time_for_the_next),
		cmocka_unit_test(test_a_refused_key_is_not_asked_twice),
		cmocka_unit_test(test_one_that_keeps_failing_cools_down_longer_and_longer),
		cmocka_unit_test(test_when_all_fail_the_reason_is_told),
		cmocka_unit_test(test_a_refused_question_is_not_passed_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
