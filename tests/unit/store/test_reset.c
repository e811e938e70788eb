/* A conversation that fell silent is over: what is said next begins a new one, and nothing that waits is torn apart. */
#include "asking.h"
#include "clock.h"
#include <string.h>

static int open_case(void **state)
{
	struct asking *a = asking_create();

	asking_know(a, "ann");
	*state = a;
	return 0;
}

static int close_case(void **state)
{
	asking_destroy(*state);
	return 0;
}

static void quiet_ones_begin_anew(void **state)
{
	struct asking *a = *state;
	struct incoming one = says("ann", "room", "k1", "Hello"),
			two = says("ann", "room", "k2", "And today?");
	const struct store_accepted *in = ask_accept(a, &one, true);
	int64_t first = in->conversation_id;

	answer_with(a, in->turn->id, "Hi", false);
	a->over_before_ms = clock_wall_ms() - 60000; /* it spoke after that */
	assert_int_equal(ask_accept(a, &two, false)->conversation_id, first);
	answer_with(a, ask_claim(a, first)->id, "Fine", false);
	a->over_before_ms = clock_wall_ms() + 60000;
	two = says("ann", "room", "k3", "Good morning");
	in = ask_accept(a, &two, true);
	assert_int_not_equal(in->conversation_id, first);
	assert_int_equal(asking_int(a, "SELECT count(*) FROM \"LLMConversation\" WHERE state = 'archived'"),
			 1);
	assert_int_equal(asking_int(a, "SELECT count(*) FROM \"LLMConversation\" WHERE state = 'active'"), 1);
}

/* A person who waits for an answer gets it where they asked. */
static void one_that_is_being_answered_is_not_over(void **state)
{
	struct asking *a = *state;
	struct incoming one = says("ann", "room", "k1", "Hello"),
			two = says("ann", "room", "k2", "Are you there?");
	int64_t first = ask_accept(a, &one, true)->conversation_id;

	a->over_before_ms = clock_wall_ms() + 60000;
	assert_int_equal(ask_accept(a, &two, false)->conversation_id, first);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(quiet_ones_begin_anew, open_case, close_case),
		cmocka_unit_test_setup_teardown(one_that_is_being_answered_is_not_over, open_case,
						close_case),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
