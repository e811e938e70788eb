/* Each turn opens a set of tools of its own and gives it back, however it ends: servers come and go meanwhile. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "house.h"
#include <stdio.h>
#include <string.h>

struct box {
	struct toolset set;
	unsigned opened, released;
	char profile[64];
};

static struct box box;

static void give_back(const struct toolset *set)
{
	assert_ptr_equal(set, &box.set);
	box.released++;
}

static const struct toolset *open_set(void *owner, const struct tool_caller *caller)
{
	static const struct tool tool = { .name = "x" };
	static const struct tool *const tools[] = { &tool };

	assert_ptr_equal(owner, &box);
	box.set = (struct toolset){ .tools = tools, .count = 1, .release = give_back };
	box.opened++;
	snprintf(box.profile, sizeof(box.profile), "%s", caller->profile_id ? caller->profile_id : "");
	return &box.set;
}

static int setup(void **state)
{
	box = (struct box){ 0 };
	return house_setup(state, &(struct core_options){ .strangers = STRANGERS_PAIR,
							  .tools = { .box = &box, .open = open_set } });
}

static void test_an_answered_turn_gives_its_tools_back(void **state)
{
	struct house *house = *state;

	house_think(house, 1, 1);
	assert_int_equal(box.opened, 1);
	assert_int_equal(box.released, 0);
	assert_string_equal(box.profile, fake_ai_thought(house->ai, 0)->profile_id); /* of who speaks */
	fake_ai_answer(house->ai, fake_ai_thought(house->ai, 0), "fine");
	house_answered(house);
	assert_int_equal(box.released, 1);
}

static void test_a_failed_turn_too(void **state)
{
	struct house *house = *state;

	house_think(house, 1, 1);
	fake_ai_fail(house->ai, fake_ai_thought(house->ai, 0), "model_unavailable");
	house_answered(house);
	assert_int_equal(box.opened, 1);
	assert_int_equal(box.released, 1);
}

static void test_turns_have_sets_of_their_own(void **state)
{
	struct house *house = *state;

	house_think(house, 1, 1);
	house_think(house, 2, 2);
	assert_int_equal(box.opened, 2);
	assert_int_equal(box.released, 0);
}

static int setup_later(void **state)
{
	box = (struct box){ 0 };
	return house_setup(state, &(struct core_options){ .tools = { .box = &box, .open = open_set },
							  .tools_later = true });
}

/* A turn that goes on after a crash would tell the model that the tool of its call is unknown. */
static void test_no_turn_begins_before_the_tools_have_come(void **state)
{
	struct house *house = *state;

	house_say(house->chat, 1, "room", "hello");
	house_accept(house, 5, 0); /* taken in all the same */
	assert_int_equal(house_waiting(house, Q_CLAIM), 0);
	core_tools_ready(house->core);
	assert_int_equal(house_waiting(house, Q_CLAIM), 1);
	fake_answer_turn(house->store, house_question(house, Q_CLAIM), NULL, house_turn(1, 5));
	house_recall(house);
	assert_int_equal(box.opened, 1);
}

/* The end of the daemon, in the middle of two turns. */
static int teardown(void **state)
{
	int result = house_teardown(state);

	return result ? result : box.opened == box.released ? 0 : -1;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_an_answered_turn_gives_its_tools_back, setup, teardown),
		cmocka_unit_test_setup_teardown(test_a_failed_turn_too, setup, teardown),
		cmocka_unit_test_setup_teardown(test_turns_have_sets_of_their_own, setup, teardown),
		cmocka_unit_test_setup_teardown(test_no_turn_begins_before_the_tools_have_come, setup_later,
						teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
