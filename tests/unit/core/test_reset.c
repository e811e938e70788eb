/* When a conversation is over by itself: a person who comes back the next day is not answered out of yesterday's. */
#include "reset.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

static const int64_t HOUR = 3600 * 1000;

/* 2026-03-10 at this hour, UTC */
static int64_t at(int hour)
{
	return 1773100800000 + hour * HOUR;
}

static int utc(void **state)
{
	(void)state;
	setenv("TZ", "UTC", 1);
	tzset();
	return 0;
}

static void test_never(void **state)
{
	(void)state;
	assert_int_equal(reset_before(at(10), 0, -1), 0);
}

static void test_idle(void **state)
{
	(void)state;
	assert_int_equal(reset_before(at(10), 2 * HOUR, -1), at(8));
}

static void test_daily(void **state)
{
	(void)state;
	assert_int_equal(reset_before(at(10), 0, 4 * 60), at(4));
	assert_int_equal(reset_before(at(4), 0, 4 * 60), at(4));
	assert_int_equal(reset_before(at(3), 0, 4 * 60), at(4) - 24 * HOUR); /* yesterday's */
	assert_int_equal(reset_before(at(10), 0, 0), at(0));
}

static void test_the_later_counts(void **state)
{
	(void)state;
	assert_int_equal(reset_before(at(10), 2 * HOUR, 4 * 60), at(8));
	assert_int_equal(reset_before(at(10), 20 * HOUR, 4 * 60), at(4));
}

/* 04:00 on the wall, also on the day that has 23 hours: 2026-03-29 in Berlin. */
static void test_summer_time(void **state)
{
	(void)state;
	setenv("TZ", ":Europe/Berlin", 1);
	tzset();
	if (timezone == 0) /* a machine without time zones */
		skip();
	assert_int_equal(reset_before(1774774800000 /* 11:00 there */, 0, 4 * 60),
			 1774749600000 /* 02:00 UTC */);
	utc(state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_never, utc),
		cmocka_unit_test_setup(test_idle, utc),
		cmocka_unit_test_setup(test_daily, utc),
		cmocka_unit_test_setup(test_the_later_counts, utc),
		cmocka_unit_test_setup(test_summer_time, utc),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
