/* Budgets as the core sees them: who is asked, what the person and the operator are told; and people who say too much. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "clock.h"
#include "house.h"
#include <string.h>

static const struct err busy = { .kind = ERR_AGAIN, .text = "busy" };
static const struct err broken = { .kind = ERR_REFUSED, .text = "no such table" };
static const char *const unpriced[] = { "home" };

static int setup(void **state)
{
	struct core_options options = { .unpriced = unpriced, .unpriced_count = 1, .rate_minute = 3 };

	options.limits.of[BUDGET_PROFILE][BUDGET_DAY] = (struct store_limit){ true, 1000 };
	return house_setup(state, &options);
}

static int setup_without(void **state)
{
	return house_setup(state, &(struct core_options){ .history_messages = 20 });
}

static struct thought *reserve(struct house *house, const char *name, int64_t micros)
{
	struct thought *thought = fake_ai_thought(house->ai, 0);

	thought->events->reserve(thought->owner, thought->ticket,
				 &(struct ai_reserve){ .id = "11111111-1111-4111-8111-111111111111",
						       .name = name,
						       .provider = "openai",
						       .model = "gpt-x",
						       .micros = micros });
	return thought;
}

static void answer(struct house *house, const struct store_reserved *reserved)
{
	fake_answer_reserved(house->store, house_question(house, Q_RESERVE), NULL, reserved);
}

static void test_the_store_is_asked_first(void **state)
{
	struct house *house = *state;
	struct thought *thought;
	struct question *q;

	house_think(house, 1, 5);
	assert_true(fake_ai_thought(house->ai, 0)->reserve);
	thought = reserve(house, "main", 700);
	q = house_question(house, Q_RESERVE);
	assert_int_equal(q->micros, 700);
	assert_int_equal(q->id, 1);
	assert_string_equal(q->text, "openai/gpt-x");
	assert_int_equal(thought->reserved, 0);
	fake_answer_reserved(house->store, q, &busy, NULL); /* is put again */
	fake_loop_pass(house->loop, 1600);
	answer(house, &(struct store_reserved){ .granted = true });
	assert_int_equal(thought->reserved, 1);
	fake_ai_answer(house->ai, thought, "Fine");
	assert_string_equal(house_question(house, Q_ANSWER)->text, "Fine");
	house_answered(house);
}

/* A refusal is the turn's end: one line that says which budget and until when, and no figures of others. */
static void refused(struct house *house, int64_t turn_id, const struct store_reserved *no, const char *words)
{
	struct question *q;

	house_think(house, turn_id, turn_id);
	reserve(house, "main", 700);
	answer(house, no);
	assert_int_equal(fake_ai_count(house->ai), 0);
	q = house_question(house, Q_ANSWER);
	assert_int_equal(q->state, MESSAGE_FAILED);
	assert_string_equal(q->reason, "budget");
	assert_non_null(strstr(q->text, words));
	assert_null(strchr(q->text, '\n'));
	assert_null(strstr(q->text, "0.0"));
	house_answered(house);
	fake_loop_pass(house->loop, 5000);
	assert_int_equal(house_waiting(house, Q_RESERVE), 0); /* not tried again */
}

static void test_a_person_is_told_in_one_line(void **state)
{
	struct house *house = *state;
	struct store_reserved no = { .scope = BUDGET_PROFILE,
				     .who = "ann",
				     .subject = "p1",
				     .limit = 1000,
				     .used = 900,
				     .begins_again = clock_wall_ms() + 90 * 60 * 1000 };

	refused(house, 1, &no,
		"Not enough is left of today's budget for your questions. It begins anew at 00:00 UTC, in 2 "
		"hours.");
	no.period = BUDGET_MONTH;
	no.scope = BUDGET_ORGANIZATION;
	no.begins_again = 1798761600000; /* 2027-01-01 */
	refused(house, 2, &no,
		"Not enough is left of this month's budget of your organisation. It begins anew on 1 "
		"January.");
	no.scope = BUDGET_CHANNEL;
	refused(house, 3, &no, "of this channel");
	no.scope = BUDGET_MODEL;
	refused(house, 4, &no, "of this language model");
	no.scope = BUDGET_INSTALLATION;
	refused(house, 5, &no, "of this bot");
	no.unpriced = true;
	refused(house, 6, &no, "is not known");
}

/* What the store cannot do must not let a request through. */
static void test_a_store_that_fails_refuses(void **state)
{
	struct house *house = *state;

	house_think(house, 1, 5);
	reserve(house, "main", 700);
	fake_answer_reserved(house->store, house_question(house, Q_RESERVE), &broken, NULL);
	assert_int_equal(fake_ai_count(house->ai), 0);
	assert_string_equal(house_question(house, Q_ANSWER)->reason, "budget");
	assert_non_null(strstr(house_question(house, Q_ANSWER)->text, "set aside"));
	house_answered(house);
}

static void test_models_that_may_be_asked_without_a_price(void **state)
{
	struct house *house = *state;
	struct thought *thought;

	house_think(house, 1, 5);
	thought = reserve(house, "home", AI_COST_UNKNOWN);
	assert_int_equal(thought->reserved, 1);
	assert_int_equal(house_waiting(house, Q_RESERVE), 0);
	reserve(house, "main", AI_COST_UNKNOWN);
	assert_int_equal(house_waiting(house, Q_RESERVE), 1);
	answer(house, &(struct store_reserved){ .granted = true });
	assert_int_equal(thought->reserved, 2);
	fake_ai_answer(house->ai, thought, "Fine");
	house_answered(house);
}

/* The turn is over when the store answers: nobody is there, and nothing is sent. */
static void test_an_answer_that_comes_too_late(void **state)
{
	struct house *house = *state;

	house_think(house, 1, 5);
	reserve(house, "main", 700);
	fake_loop_pass(house->loop, 301000);
	assert_string_equal(house_question(house, Q_ANSWER)->reason, "timeout");
	answer(house, &(struct store_reserved){ .granted = true });
	assert_int_equal(fake_ai_count(house->ai), 0);
	house_answered(house);
}

static void test_without_budgets_nothing_is_asked(void **state)
{
	struct house *house = *state;

	house_think(house, 1, 5);
	assert_false(fake_ai_thought(house->ai, 0)->reserve);
	fake_ai_answer(house->ai, fake_ai_thought(house->ai, 0), "Fine");
	house_answered(house);
	house_say(house->chat, 2, "room", "hello");
	house_accept(house, 6, 2);
	fake_answer_recalled(house->store, house_question(house, Q_RECALL), NULL,
			     &(struct store_recalled){ .temperature = -1, .budgeted = true });
	assert_true(fake_ai_thought(house->ai, 0)->reserve); /* one is on record */
	fake_ai_answer(house->ai, fake_ai_thought(house->ai, 0), "Fine");
	house_answered(house);
}

/* Somebody who says too much is refused by the door, and told once. */
static void too_much(struct house *house, enum accept_over over, bool tell, const char *words)
{
	static const struct speaker ann = { "p1", "o1", "ann", ROLE_MEMBER, true };
	struct question *q;

	house_say(house->chat, 9, "room", "again");
	fake_answer_accepted(house->store, house_question(house, Q_ACCEPT), NULL,
			     &(struct store_accepted){ .how = ACCEPT_NEW,
						       .inbox_id = 77,
						       .uuid = "u9",
						       .state = MESSAGE_ACCEPTED,
						       .speaker = &ann,
						       .over = over,
						       .tell = tell });
	assert_int_equal(house_waiting(house, Q_ADMIT), 0);
	q = house_question(house, Q_REFUSE);
	assert_int_equal(q->id, 77);
	assert_string_equal(q->reason, "limited");
	if (words)
		assert_non_null(strstr(q->text, words));
	else
		assert_null(q->text);
	fake_answer_ended(house->store, q, NULL, NULL,
			  &(struct outgoing){ .state = MESSAGE_REFUSED, .reason = "limited" });
}

static void test_people_who_say_too_much(void **state)
{
	struct house *house = *state;

	too_much(house, OVER_MINUTE, true, "more than 3 messages within a minute");
	too_much(house, OVER_MINUTE, false, NULL);
	too_much(house, OVER_DAY, true, "today");
}

int main(void)
{
#define CASE(NAME) cmocka_unit_test_setup_teardown(NAME, setup, house_teardown)
	const struct CMUnitTest tests[] = {
		CASE(test_the_store_is_asked_first),
		CASE(test_a_person_is_told_in_one_line),
		CASE(test_a_store_that_fails_refuses),
		CASE(test_models_that_may_be_asked_without_a_price),
		CASE(test_an_answer_that_comes_too_late),
		cmocka_unit_test_setup_teardown(test_without_budgets_nothing_is_asked, setup_without,
						house_teardown),
		CASE(test_people_who_say_too_much),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
