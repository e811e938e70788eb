/* Waits between attempts must stay inside their cap, grow, and differ, or all clients come back at once. */
#include "backoff.h"
#include <stdint.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

enum { DRAWS = 2000 };

static uint64_t highest(unsigned attempt, uint64_t base, uint64_t cap)
{
	uint64_t most = 0;

	for (int i = 0; i < DRAWS; i++) {
		uint64_t wait = backoff_ms(attempt, base, cap);

		most = wait > most ? wait : most;
	}
	return most;
}

static void test_grows_up_to_the_cap(void **state)
{
	(void)state;
	assert_in_range(highest(1, 1000, 300000), 900, 1000);
	assert_in_range(highest(2, 1000, 300000), 1800, 2000);
	assert_in_range(highest(4, 1000, 300000), 7200, 8000);
	assert_in_range(highest(20, 1000, 300000), 270000, 300000);
}

/* After a night without network the attempt's number is large; nothing may overflow into "at once". */
static void test_many_attempts_keep_the_cap(void **state)
{
	(void)state;
	assert_in_range(highest(UINT32_MAX, 1000, 300000), 270000, 300000);
	assert_in_range(highest(64, 1, UINT32_MAX), UINT32_MAX / 10 * 9, UINT32_MAX);
}

static void test_base_over_the_cap(void **state)
{
	(void)state;
	assert_in_range(highest(1, 5000, 100), 90, 100);
	assert_int_equal(highest(3, 0, 100), 0);
	assert_int_equal(highest(3, 100, 0), 0);
}

/* Full jitter: the whole range is used, not a band below the cap. */
static void test_spreads_over_the_whole_range(void **state)
{
	unsigned quarters[4] = { 0 };

	(void)state;
	for (int i = 0; i < DRAWS; i++)
		quarters[backoff_ms(3, 1000, 300000) * 4 / 4001]++;
	for (int i = 0; i < 4; i++)
		assert_in_range(quarters[i], DRAWS / 8, DRAWS / 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_grows_up_to_the_cap),
		cmocka_unit_test(test_many_attempts_keep_the_cap),
		cmocka_unit_test(test_base_over_the_cap),
		cmocka_unit_test(test_spreads_over_the_whole_range),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
