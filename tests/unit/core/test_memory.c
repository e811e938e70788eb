/* Summaries behind the answers: when one is made, that nobody waits for it, and what happens when it can't be. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "house.h"
#include <string.h>

static int setup(void **state)
{
	return house_setup(state, &(struct core_options){ .history_messages = 4, .summary = true });
}

static int setup_without(void **state)
{
	return house_setup(state, &(struct core_options){ .history_messages = 4 });
}

static const struct ai_message history[] = {
	{ .role = AI_USER, .text = "a" },
	{ .role = AI_ASSISTANT, .text = "b" },
	{ .role = AI_USER, .text = "c" },
	{ .role = AI_ASSISTANT, .text = "d" },
};
static const struct store_past past = {
	.text = "Person: a\n\nAssistant: b\n\n", .hash = "h", .upto_turn_id = 1, .turns = 1
};

/* A message is answered whose past holds `count` messages. */
static void converse(struct house *house, int64_t turn_id, size_t count, const struct store_recalled *more)
{
	struct store_recalled recalled = more ? *more : (struct store_recalled){ 0 };

	recalled.temperature = -1;
	recalled.history = history;
	recalled.count = count;
	recalled.turns = 2;
	house_say(house->chat, (uint64_t)turn_id, "room", "hello");
	house_accept(house, 5, turn_id);
	fake_answer_recalled(house->store, house_question(house, Q_RECALL), NULL, &recalled);
	fake_ai_answer(house->ai, fake_ai_thought(house->ai, fake_ai_count(house->ai) - 1), "Fine");
}

static void test_a_full_window_is_summed_up(void **state)
{
	struct house *house = *state;
	struct thought *thought;
	struct question *q;

	converse(house, 1, 2, NULL);
	house_answered(house);
	assert_int_equal(house_waiting(house, Q_PAST), 0); /* the next answer still has all of it */
	converse(house, 2, 4, NULL);
	assert_int_equal(house_waiting(house, Q_PAST), 0); /* not before the answer is stored */
	house_answered(house);
	q = house_question(house, Q_PAST);
	assert_int_equal(q->id, 5);
	assert_int_equal(q->limit, 2);
	assert_int_equal(q->size, 1000);
	fake_answer_past(house->store, q, NULL, &past);
	thought = fake_ai_thought(house->ai, 0);
	assert_true(thought->summarise);
	assert_int_equal(thought->history_count, 0);
	assert_non_null(strstr(thought->system_prompt, "at most 41 words"));
	assert_non_null(strstr(thought->prompt, "Person: a\n"));

	/* The conversation goes on meanwhile, and a second one is not begun. */
	converse(house, 3, 4, NULL);
	house_answered(house);
	assert_int_equal(house_waiting(house, Q_PAST), 0);

	fake_ai_answer(house->ai, fake_ai_thought(house->ai, 0), "They said a and b.");
	q = house_question(house, Q_SUMMARY);
	assert_string_equal(q->text, "They said a and b.");
	assert_int_equal(q->id, 1);
	assert_int_equal(q->attempts, 1);
	fake_answer_summary(house->store, q, NULL, true);
	fake_answer_past(house->store, house_question(house, Q_PAST), NULL, &(struct store_past){ 0 });
	assert_int_equal(fake_store_waiting_all(house->store), 0);
}

static void test_a_failure_is_on_record_and_nobody_is_told(void **state)
{
	struct house *house = *state;
	struct question *q;

	converse(house, 1, 4, NULL);
	house_answered(house);
	fake_answer_past(house->store, house_question(house, Q_PAST), NULL, &past);
	fake_ai_fail(house->ai, fake_ai_thought(house->ai, 0), "model_unavailable");
	q = house_question(house, Q_SUMMARY);
	assert_null(q->text);
	assert_string_equal(q->why, "the model said no");
	fake_answer_summary(house->store, q, NULL, false);
	assert_int_equal(house_waiting(house, Q_PAST), 0);
	converse(house, 2, 4, NULL); /* tried again */
	house_answered(house);
	assert_int_equal(house_waiting(house, Q_PAST), 1);
	fake_answer_past(house->store, house_question(house, Q_PAST),
			 &(struct err){ .kind = ERR_AGAIN, .text = "busy" }, NULL);
	assert_int_equal(fake_store_waiting_all(house->store), 0);
}

/* One line, once, in the first answer that is given with a summary. */
static void test_the_person_is_told_once(void **state)
{
	struct house *house = *state;
	struct question *q;

	converse(house, 1, 2, &(struct store_recalled){ .summary = "s", .summary_id = 9 });
	q = house_question(house, Q_ANSWER);
	assert_string_equal(q->text, "Fine" STORE_SUMMARY_NOTICE);
	assert_int_equal(q->told, 9);
	house_answered(house);
	converse(house, 2, 2,
		 &(struct store_recalled){ .summary = "s", .summary_id = 10, .summary_told = true });
	q = house_question(house, Q_ANSWER);
	assert_string_equal(q->text, "Fine");
	assert_int_equal(q->told, 0);
	house_answered(house);
}

static void test_money_is_set_aside_for_it_too(void **state)
{
	struct house *house = *state;
	struct store_past costly = past;
	struct thought *thought;

	costly.budgeted = true;
	converse(house, 1, 4, NULL);
	house_answered(house);
	fake_answer_past(house->store, house_question(house, Q_PAST), NULL, &costly);
	thought = fake_ai_thought(house->ai, 0);
	assert_true(thought->reserve);
	thought->events->reserve(thought->owner, thought->ticket,
				 &(struct ai_reserve){ .id = "11111111-1111-4111-8111-111111111111",
						       .name = "main",
						       .provider = "openai",
						       .model = "gpt-x",
						       .micros = 700 });
	assert_int_equal(thought->reserved, 0);
	fake_answer_reserved(
		house->store, house_question(house, Q_RESERVE), NULL,
		&(struct store_reserved){ .scope = BUDGET_PROFILE, .who = "ann", .subject = "p1" });
	assert_int_equal(fake_ai_count(house->ai), 0); /* refused: the question has ended */
	fake_answer_summary(house->store, house_question(house, Q_SUMMARY), NULL, false);
}

static void test_without_the_setting_or_a_model(void **state)
{
	struct house *house = *state;

	converse(house, 1, 4, NULL);
	assert_int_equal(house_waiting(house, Q_RECALL), 0);
	house_answered(house);
	assert_int_equal(house_waiting(house, Q_PAST), 0);
}

static void test_with_a_model_that_repeats(void **state)
{
	struct house *house = *state;

	fake_ai_repeats(house->ai);
	converse(house, 1, 4, NULL);
	house_answered(house);
	fake_answer_past(house->store, house_question(house, Q_PAST), NULL, &past);
	assert_int_equal(fake_ai_count(house->ai), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_a_full_window_is_summed_up, setup, house_teardown),
		cmocka_unit_test_setup_teardown(test_a_failure_is_on_record_and_nobody_is_told, setup,
						house_teardown),
		cmocka_unit_test_setup_teardown(test_the_person_is_told_once, setup, house_teardown),
		cmocka_unit_test_setup_teardown(test_money_is_set_aside_for_it_too, setup, house_teardown),
		cmocka_unit_test_setup_teardown(test_without_the_setting_or_a_model, setup_without,
						house_teardown),
		cmocka_unit_test_setup_teardown(test_with_a_model_that_repeats, setup, house_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
