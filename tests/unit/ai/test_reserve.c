/* No request leaves before the most it can cost is set aside, and what is set aside is never too little. */
#include "fake_loop.h"
#include "turn_stage.h"
#include <stdio.h>
#include <string.h>

/* What the caller was asked to set aside, newest last. */
static struct asked {
	char id[8][37];
	int64_t micros[8];
	size_t count;
	bool at_once;	      /* the answer comes from within */
	char attempts[8][37]; /* reservations of the attempts that were handed over */
	char types[8][20], errors[8][40];
	size_t attempt_count;
} asked;

static void on_reserve(void *owner, uint64_t ticket, const struct ai_reserve *ask)
{
	struct turn_stage *w = owner;

	assert_int_equal(ticket, 42);
	assert_int_equal(strlen(ask->id), 36);
	memcpy(asked.id[asked.count % 8], ask->id, 37);
	asked.micros[asked.count++ % 8] = ask->micros;
	if (asked.at_once)
		ai_reserved(w->ai, ticket, &(struct err){ 0 });
}

static void keep(const struct ai_attempt *attempts, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		size_t at = asked.attempt_count++ % 8;

		strcpy(asked.attempts[at], attempts[i].reservation ? attempts[i].reservation : "none");
		snprintf(asked.types[at], sizeof(asked.types[at]), "%s",
			 attempts[i].type ? attempts[i].type : "chat");
		snprintf(asked.errors[at], sizeof(asked.errors[at]), "%s",
			 attempts[i].error ? attempts[i].error : "");
	}
}

static void on_journal(void *owner, uint64_t ticket, const struct ai_step *steps, size_t count,
		       const struct ai_attempt *attempts, size_t attempt_count)
{
	keep(attempts, attempt_count);
	turn_events.journal(owner, ticket, steps, count, attempts, attempt_count);
}

static void on_done(void *owner, uint64_t ticket, const struct ai_result *result)
{
	keep(result->attempts, result->attempt_count);
	turn_events.done(owner, ticket, result);
}

static struct ai_events events(void)
{
	struct ai_events own = turn_events;

	own.journal = on_journal;
	own.done = on_done;
	own.reserve = on_reserve;
	return own;
}

static struct ai_events own_events;

static void begin(struct turn_stage *w, const struct ai_price *price)
{
	struct ai_ask ask;

	turn_setup(w);
	memset(&asked, 0, sizeof(asked));
	own_events = events();
	w->ai->models[0].price = price;
	ask = turn_question(w);
	ask.reserve = true;
	ai_start(w->ai, &ask, &own_events, w, 42);
	fake_loop_pass(w->loop, 20);
}

static void granted(struct turn_stage *w)
{
	ai_reserved(w->ai, 42, &(struct err){ 0 });
}

static const struct ai_price plain = { .input = 1000000, .cached = 100000, .output = 2000000, .written = -1 };

static void test_nothing_is_sent_before_its_money_is_set_aside(void **state)
{
	struct turn_stage w;

	(void)state;
	begin(&w, &plain);
	assert_int_equal(w.llm.asked, 0);
	assert_int_equal(asked.count, 1);
	granted(&w);
	assert_int_equal(w.llm.asked, 1);
	assert_int_equal(w.llm.max, 4096); /* an answer without a limit has no price */
	granted(&w);			   /* a second yes sends nothing more */
	assert_int_equal(w.llm.asked, 1);
	turn_say(&w, "Fine", LLM_STOP_END);
	turn_expect_log(&w, "done Fine []\n");
	assert_string_equal(asked.attempts[0], asked.id[0]);
	turn_teardown(&w);
}

static void test_a_refusal_ends_the_turn(void **state)
{
	struct turn_stage w;
	struct err no = { 0 };

	(void)state;
	begin(&w, &plain);
	err_set(&no, ERR_REFUSED, "used up");
	ai_reserved(w.ai, 42, &no);
	turn_expect_log(&w, "failed budget: used up []\n");
	fake_loop_pass(w.loop, 60000);
	assert_int_equal(w.llm.asked, 0);
	assert_int_equal(w.handed, 1);
	assert_string_equal(asked.types[0],
			    "skipped"); /* no request, but the record says why there was none */
	assert_int_equal(asked.count, 1);
	turn_teardown(&w);
}

/* What one model costs too much for, a cheaper one may do: the person hears nothing, the record says why. */
static void test_a_refusal_lets_the_next_model_answer(void **state)
{
	static const struct ai_price nothing = { .cached = -1, .written = -1 };
	struct turn_stage w;
	struct ai_ask ask;
	struct err no = { 0 };

	(void)state;
	turn_setup_spare(&w);
	memset(&asked, 0, sizeof(asked));
	own_events = events();
	w.ai->models[0].price = &plain;
	w.ai->models[1].price = &nothing;
	ask = turn_question(&w);
	ask.reserve = true;
	ai_start(w.ai, &ask, &own_events, &w, 42);
	fake_loop_pass(w.loop, 20);
	err_set(&no, ERR_REFUSED, "used up");
	ai_reserved(w.ai, 42, &no);
	fake_loop_pass(w.loop, 20);
	assert_int_equal(w.llm.asked, 0);
	assert_int_equal(w.spare.asked, 1);
	turn_spare_say(&w, "Here");
	turn_expect_log(&w, "part Here\ndone Here []\n");
	assert_int_equal(asked.attempt_count, 2);
	assert_string_equal(asked.types[0], "skipped");
	assert_string_equal(asked.errors[0], "used up");
	assert_string_equal(asked.attempts[0], "none");
	assert_string_equal(asked.types[1], "chat");
	turn_teardown(&w);
}

/* All of them refused: then the person hears of it. A store that does not answer is no reason to ask another. */
static void test_all_models_are_refused(void **state)
{
	struct turn_stage w;
	struct ai_ask ask;
	struct err no = { 0 };

	(void)state;
	for (int broken = 0; broken < 2; broken++) {
		turn_setup_spare(&w);
		memset(&asked, 0, sizeof(asked));
		own_events = events();
		w.ai->models[0].price = w.ai->models[1].price = &plain;
		ask = turn_question(&w);
		ask.reserve = true;
		ai_start(w.ai, &ask, &own_events, &w, 42);
		fake_loop_pass(w.loop, 20);
		no = (struct err){ 0 };
		err_set(&no, broken ? ERR_AGAIN : ERR_REFUSED, "used up");
		ai_reserved(w.ai, 42, &no);
		fake_loop_pass(w.loop, 20);
		ai_reserved(w.ai, 42, &no);
		turn_expect_log(&w, "failed budget: used up []\n");
		assert_int_equal(asked.count, broken ? 1 : 2);
		assert_int_equal(w.llm.asked + w.spare.asked, 0);
		turn_teardown(&w);
	}
}

/* Every request is charged by itself: a repetition, and the one behind a tool. */
static void test_each_request_has_a_reservation_of_its_own(void **state)
{
	const struct llm_call call = { "c1", "read", "{}" };
	struct turn_stage w;

	(void)state;
	begin(&w, &plain);
	granted(&w);
	turn_break_down(&w, LLM_FAULT_TRANSIENT, 0, "");
	fake_loop_pass(w.loop, 2500);
	assert_int_equal(asked.count, 2);
	assert_int_equal(w.llm.asked, 1);
	granted(&w);
	turn_want(&w, "", &call, 1);
	ai_journaled(w.ai, 42);
	turn_result(&w, 0, 0, "{\"found\":\"a result of some length\"}", false);
	ai_journaled(w.ai, 42);
	assert_int_equal(asked.count, 3);
	assert_true(asked.micros[2] > asked.micros[0]); /* the call and its result are sent, too */
	granted(&w);
	turn_say(&w, "Fine", LLM_STOP_END);
	assert_int_equal(asked.attempt_count, 3);
	for (int i = 0; i < 3; i++)
		assert_string_equal(asked.attempts[i], asked.id[i]);
	assert_string_not_equal(asked.id[0], asked.id[1]);
	assert_string_not_equal(asked.id[1], asked.id[2]);
	turn_teardown(&w);
}

/* Emoji, digits and other scripts take more tokens than a guess by length says, but never more than bytes. */
static void test_the_bound_holds_for_any_text(void **state)
{
	struct turn_stage w;
	int64_t bytes = 0;

	(void)state;
	begin(&w, &plain);
	granted(&w);
	bytes = (int64_t)w.llm.seen.len; /* with the marks of the stage */
	assert_true(asked.micros[0] >= bytes + 2 * 4096);
	assert_true(asked.micros[0] < bytes + 2 * 4096 + 2000);
	turn_say(&w, "Fine", LLM_STOP_END);
	turn_teardown(&w);
}

/* The dearer of reading plainly, writing the cache, and the prices of long prompts. */
static void test_the_dearest_way_counts(void **state)
{
	static const struct ai_price written = {
		.input = 1000000, .cached = 100000, .output = 0, .written = 2000000
	};
	static const struct ai_price longer = { .input = 1000000,
						.cached = -1,
						.output = 0,
						.written = -1,
						.long_from = 10,
						.long_input = 3000000,
						.long_cached = -1,
						.long_output = 1000000,
						.long_written = -1 };
	struct turn_stage w;
	int64_t input;

	(void)state;
	begin(&w, &plain);
	input = asked.micros[0] - 2 * 4096 - 1;
	turn_teardown(&w);
	begin(&w, &written);
	assert_int_equal(asked.micros[0], 2 * input + 1);
	turn_teardown(&w);
	begin(&w, &longer);
	assert_int_equal(asked.micros[0], 3 * input + 4096 + 1);
	turn_teardown(&w);
}

static void test_what_is_free_and_what_nobody_knows(void **state)
{
	static const struct ai_price nothing = { .cached = -1, .written = -1 };
	struct turn_stage w;

	(void)state;
	begin(&w, &nothing);
	assert_int_equal(asked.count, 0);
	assert_int_equal(w.llm.asked, 1);
	assert_int_equal(w.llm.max, 0); /* nothing to bound */
	turn_teardown(&w);
	begin(&w, NULL);
	assert_int_equal(asked.count, 1);
	assert_int_equal(asked.micros[0], AI_COST_UNKNOWN);
	assert_int_equal(w.llm.asked, 0);
	turn_teardown(&w);
}

static void test_without_a_budget_nobody_is_asked(void **state)
{
	struct turn_stage w;

	(void)state;
	turn_begin(&w);
	assert_int_equal(w.llm.asked, 1);
	assert_int_equal(w.llm.max, 0);
	turn_teardown(&w);
}

/* The turn ends while the money is being set aside: nothing was sent, and the answer finds nobody. */
static void test_ends_while_money_is_set_aside(void **state)
{
	struct turn_stage w;

	(void)state;
	begin(&w, &plain);
	ai_cancel(w.ai, 42, NULL, NULL);
	granted(&w);
	assert_int_equal(w.llm.asked, 0);
	turn_teardown(&w);
	begin(&w, &plain);
	fake_loop_pass(w.loop, 61000);
	assert_int_equal(w.ends, 1);
	assert_int_equal(w.handed, 0);
	granted(&w);
	assert_int_equal(w.llm.asked, 0);
	turn_teardown(&w);
}

static void test_an_answer_from_within(void **state)
{
	struct turn_stage w;

	(void)state;
	begin(&w, &plain);
	asked.at_once = true;
	granted(&w);
	turn_break_down(&w, LLM_FAULT_TRANSIENT, 0, "");
	fake_loop_pass(w.loop, 2500);
	assert_int_equal(w.llm.asked, 2);
	turn_teardown(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nothing_is_sent_before_its_money_is_set_aside),
		cmocka_unit_test(test_a_refusal_ends_the_turn),
		cmocka_unit_test(test_a_refusal_lets_the_next_model_answer),
		cmocka_unit_test(test_all_models_are_refused),
		cmocka_unit_test(test_each_request_has_a_reservation_of_its_own),
		cmocka_unit_test(test_the_bound_holds_for_any_text),
		cmocka_unit_test(test_the_dearest_way_counts),
		cmocka_unit_test(test_what_is_free_and_what_nobody_knows),
		cmocka_unit_test(test_without_a_budget_nobody_is_asked),
		cmocka_unit_test(test_ends_while_money_is_set_aside),
		cmocka_unit_test(test_an_answer_from_within),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
