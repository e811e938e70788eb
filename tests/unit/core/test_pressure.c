/* How the levels of back-pressure rise and fall. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "pressure.h"
#include <string.h>

enum { MIB = 1 << 20 };

static enum pressure_level judge(enum pressure_level now, size_t queued, uint64_t oldest_ms, int64_t disk_mib)
{
	const char *why = NULL;
	struct pressure_gauges gauges = { .queued = queued,
					  .oldest_ms = oldest_ms,
					  .disk_free = disk_mib < 0 ? -1 : disk_mib * MIB,
					  .disk_reserve = 256 * MIB };
	enum pressure_level level = pressure_judge(now, &gauges, &why);

	assert_non_null(why);
	assert_int_equal(strcmp(why, "normal") == 0, level == PRESSURE_NONE);
	return level;
}

static void test_levels_rise_at_once(void **state)
{
	static const struct {
		size_t queued;
		uint64_t oldest_ms;
		int64_t disk_mib;
		enum pressure_level level;
	} rows[] = {
		{ 0, 0, -1, PRESSURE_NONE },
		{ 1000, 30000, 1000, PRESSURE_NONE },
		{ 1001, 0, 1000, PRESSURE_BUSY },
		{ 0, 30001, 1000, PRESSURE_BUSY },
		{ 10001, 0, 1000, PRESSURE_SHED },
		{ 100001, 0, 1000, PRESSURE_STORE_ONLY },
		{ 0, 0, 255, PRESSURE_STORE_ONLY },
		{ 0, 0, 256, PRESSURE_NONE },
		{ 100001, 0, 63, PRESSURE_CLOSED },
		{ 0, 0, 0, PRESSURE_CLOSED },
		{ 100000000, 0, -1, PRESSURE_STORE_ONLY },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(judge(PRESSURE_NONE, rows[i].queued, rows[i].oldest_ms, rows[i].disk_mib),
				 rows[i].level);
}

/* A level that flickers would tell every second sender to go away. */
static void test_levels_fall_late(void **state)
{
	(void)state;
	assert_int_equal(judge(PRESSURE_SHED, 9000, 0, -1), PRESSURE_SHED);
	assert_int_equal(judge(PRESSURE_SHED, 8000, 0, -1), PRESSURE_BUSY);
	assert_int_equal(judge(PRESSURE_BUSY, 801, 0, -1), PRESSURE_BUSY);
	assert_int_equal(judge(PRESSURE_BUSY, 800, 0, -1), PRESSURE_NONE);
	assert_int_equal(judge(PRESSURE_BUSY, 0, 25000, -1), PRESSURE_BUSY);
	assert_int_equal(judge(PRESSURE_BUSY, 0, 24000, -1), PRESSURE_NONE);
	assert_int_equal(judge(PRESSURE_STORE_ONLY, 0, 0, 300), PRESSURE_STORE_ONLY);
	assert_int_equal(judge(PRESSURE_STORE_ONLY, 0, 0, 320), PRESSURE_NONE);
	assert_int_equal(judge(PRESSURE_CLOSED, 0, 0, 70), PRESSURE_CLOSED);
	assert_int_equal(judge(PRESSURE_CLOSED, 0, 0, 81), PRESSURE_STORE_ONLY);
}

static void test_a_full_or_failed_store_closes(void **state)
{
	const char *why;

	(void)state;
	assert_int_equal(pressure_judge(PRESSURE_NONE,
					&(struct pressure_gauges){ .full = true, .disk_free = -1 }, &why),
			 PRESSURE_CLOSED);
	assert_string_equal(why, "the disk is full");
	assert_int_equal(pressure_judge(PRESSURE_NONE,
					&(struct pressure_gauges){ .failed = true, .disk_free = -1 }, &why),
			 PRESSURE_CLOSED);
	assert_int_equal(pressure_judge(PRESSURE_CLOSED, &(struct pressure_gauges){ .disk_free = -1 }, &why),
			 PRESSURE_NONE); /* space is back: by itself */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_levels_rise_at_once),
		cmocka_unit_test(test_levels_fall_late),
		cmocka_unit_test(test_a_full_or_failed_store_closes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
