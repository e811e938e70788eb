/* Where answers may link to, by what came before the model. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "house.h"
#include <string.h>

static const char answer[] = "See [this](https://evil.test/?d=secret) and https://known.test/.";
static const char guarded[] = "See this `evil.test/?d=secret` and <https://known.test/>.";
static const char *const said[] = { "I like https://known.test/ most" };
static const char *const hosts[] = { "known.test" };

static int setup(void **state)
{
	return house_setup(state, &(struct core_options){ .history_messages = 4 });
}

static int setup_hosts(void **state)
{
	return house_setup(state, &(struct core_options){
					  .history_messages = 4, .link_hosts = hosts, .link_host_count = 1 });
}

static int setup_all(void **state)
{
	return house_setup(state, &(struct core_options){ .history_messages = 4, .all_links = true });
}

static struct thought *ask(struct house *house, const char *text, const struct store_recalled *more)
{
	struct store_recalled recalled = more ? *more : (struct store_recalled){ 0 };

	recalled.temperature = -1;
	house_say(house->chat, 1, "room", text);
	house_accept(house, 5, 1);
	fake_answer_recalled(house->store, house_question(house, Q_RECALL), NULL, &recalled);
	return fake_ai_thought(house->ai, 0);
}

static void answered(struct house *house, const char *text)
{
	assert_string_equal(house_question(house, Q_ANSWER)->text, text);
	house_answered(house);
}

/* Nothing that others wrote: the model may say what it likes. */
static void test_an_answer_made_of_nothing_foreign_is_as_it_was(void **state)
{
	struct house *house = *state;

	fake_ai_answer(house->ai, ask(house, "hello", NULL), answer);
	answered(house, answer);
}

static void test_what_came_from_others_makes_links_code(void **state)
{
	static const struct store_recalled ways[] = {
		{ .foreign = true, .said = said, .said_count = 1 },
		{ .summary = "they said",
		  .summary_id = 1,
		  .summary_told = true,
		  .said = said,
		  .said_count = 1 },
	};
	struct house *house = *state;

	for (size_t i = 0; i < 2; i++) {
		fake_ai_answer(house->ai, ask(house, "hello", &ways[i]), answer);
		answered(house, guarded);
	}
}

static void test_the_operator_names_hosts(void **state)
{
	struct house *house = *state;

	fake_ai_answer(house->ai, ask(house, "hello", &(struct store_recalled){ .foreign = true }), answer);
	answered(house, guarded);
}

static void test_the_operator_may_let_all_through(void **state)
{
	struct house *house = *state;

	fake_ai_answer(house->ai, ask(house, "hello", &(struct store_recalled){ .foreign = true }), answer);
	answered(house, answer);
}

/* From a tool's result on; what it shows meanwhile never holds such a link. */
static void test_a_tool_makes_the_rest_careful(void **state)
{
	static const struct ai_step steps[] = {
		{ .kind = AI_STEP_RESULT, .round = 1, .call_id = "c", .tool = "t", .payload = "{}" }
	};
	struct house *house = *state;
	struct thought *thought =
		ask(house, "hello", &(struct store_recalled){ .said = said, .said_count = 1 });

	thought->events->journal(thought->owner, thought->ticket, steps, 1, NULL, 0);
	fake_answer_done(house->store, house_question(house, Q_JOURNAL), NULL);
	for (size_t i = 0; i < strlen(answer); i++)
		thought->events->part(thought->owner, thought->ticket, answer + i, 1, false);
	assert_int_equal(house->chat->part_count, 2); /* the rest waits until it is whole */
	assert_string_equal(house->chat->parts[0].text, "See");
	assert_string_equal(house->chat->parts[1].text, " this");
	fake_ai_answer(house->ai, thought, answer);
	answered(house, guarded);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_an_answer_made_of_nothing_foreign_is_as_it_was, setup,
						house_teardown),
		cmocka_unit_test_setup_teardown(test_what_came_from_others_makes_links_code, setup,
						house_teardown),
		cmocka_unit_test_setup_teardown(test_the_operator_names_hosts, setup_hosts, house_teardown),
		cmocka_unit_test_setup_teardown(test_the_operator_may_let_all_through, setup_all,
						house_teardown),
		cmocka_unit_test_setup_teardown(test_a_tool_makes_the_rest_careful, setup, house_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
