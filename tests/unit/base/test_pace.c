/* One rate with a burst, and pauses: too fast and a platform throttles all of us. */
#include "pace.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void test_a_burst_and_then_evenly(void **state)
{
	struct pace pace = { .interval_ms = 1000, .burst = 3 };
	uint64_t now = 5000;

	(void)state;
	for (int i = 0; i < 3; i++) {
		assert_int_equal(pace_wait(&pace, now, 0), 0);
		pace_take(&pace, now);
	}
	assert_int_equal(pace_wait(&pace, now, 0), 1000);
	assert_int_equal(pace_wait(&pace, now, 4), 5000); /* four others before it */
	now += 999;
	assert_int_equal(pace_wait(&pace, now, 0), 1);
	now += 1;
	assert_int_equal(pace_wait(&pace, now, 0), 0);
	pace_take(&pace, now);
	assert_int_equal(pace_wait(&pace, now, 0), 1000);
	assert_false(pace_rested(&pace, now + 2999));
	assert_true(pace_rested(&pace, now + 3000));
	for (int i = 0; i < 3; i++) { /* rest does not add up to more than one burst */
		assert_int_equal(pace_wait(&pace, now + 3600000, 0), 0);
		pace_take(&pace, now + 3600000);
	}
	assert_int_equal(pace_wait(&pace, now + 3600000, 0), 1000);
}

static void test_a_pause_is_kept(void **state)
{
	struct pace pace = { .interval_ms = 100, .burst = 2 };

	(void)state;
	pace_pause(&pace, 1000, 5000);
	pace_pause(&pace, 1000, 10); /* a shorter one takes nothing away */
	assert_int_equal(pace_wait(&pace, 1000, 0), 5000);
	assert_int_equal(pace_wait(&pace, 5999, 0), 1);
	assert_int_equal(pace_wait(&pace, 6000, 0), 0);
	assert_false(pace_rested(&pace, 5999));
	assert_true(pace_rested(&pace, 6000));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_burst_and_then_evenly),
		cmocka_unit_test(test_a_pause_is_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
