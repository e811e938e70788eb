/* Money: rounded to the nearest millionth of a dollar, unknown where it is unknown, never guessed. */
#include "ai.h"
#include "price.h"
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
// clang-format on
#include <stdint.h>

static const struct ai_price table[] = {
	{ "openai", "gpt-x", 2000000, 500000, 8000000, 0, 0, 0, 0, -1, -1 },
	{ "openai", "gpt-x-mini", 150000, 75000, 600000, 0, 0, 0, 0, -1, -1 },
	{ "openai", "ft:*", 1000000, -1, 1000000, 0, 0, 0, 0, -1, -1 },
	{ "openai", "ft:gpt-x*", 3000000, -1, 3000000, 0, 0, 0, 0, -1, -1 },
	{ "ollama", "*", 0, -1, 0, 0, 0, 0, 0, -1, -1 },
	{ "openai", "long", 2000000, 100000, 10000000, 1000, 4000000, 200000, 15000000, -1, -1 },
	{ "anthropic", "writes", 2000000, 200000, 10000000, 1000, 4000000, 400000, 15000000, 2500000, -1 },
	{ "anthropic", "told", 100000, 10000, 500000, 1000, 500000, 50000, 2500000, 125000, 625000 },
};

static void test_find(void **state)
{
	struct prices prices;

	(void)state;
	prices_init(&prices, table, 5);
	assert_int_equal(price_find(&prices, "openai", "gpt-x")->input, 2000000);
	assert_null(price_find(&prices, "openai", "gpt-x.1")); /* another release, another price */
	assert_null(price_find(&prices, "deepseek", "gpt-x"));
	assert_int_equal(price_find(&prices, "openai", "ft:gpt-x:me")->input, 3000000); /* the longest */
	assert_int_equal(price_find(&prices, "openai", "ft:other")->input, 1000000);
	assert_int_equal(price_find(&prices, "ollama", "anything")->output, 0);
	prices_finish(&prices);
}

static void test_cost(void **state)
{
	static const struct {
		int price;
		int64_t input, cached, written, output, cost;
	} rows[] = {
		{ 0, 1000000, 0, -1, 0, 2000000 },
		{ 0, 1000000, 400000, -1, 0, 1400000 },
		{ 0, 0, 0, -1, 1000000, 8000000 },
		{ 0, 1000, 0, -1, 500, 6000 },
		{ 0, 100, 500, -1, 0, 50 }, /* more cached than there are: all are cached */
		{ 0, 100, -1, -1, 0, 200 }, /* not told: none */
		{ 1, 3, 0, -1, 0, 0 },	    /* 0.45 */
		{ 1, 4, 0, -1, 0, 1 },	    /* 0.60 */
		{ 1, 10, 0, -1, 0, 2 },	    /* 1.50: half goes up */
		{ 2, 7, 7, -1, 0, 7 },	    /* no price for cached input: that of input */
		{ 4, 1000000, 0, -1, 1000000, 0 },
		{ 5, 1000, 0, -1, 1000, 12000 },
		{ 5, 1001, 1, -1, 1000, 19000 }, /* all of a longer prompt costs more, and its answer */
		{ 0, -1, 0, -1, 5, AI_COST_UNKNOWN },
		{ 0, 10, 4, 3, 0, 14 }, /* written without a price of its own costs what input does */
		{ 6, 100, 20, 30, 0, 179 },
		{ 6, 2000, 0, 1000, 0, 9000 }, /* and grows as input does: 5 instead of 2.5 */
		{ 7, 2000, 0, 1000, 0, 1125 },
		{ 6, 10, 8, 9, 0, 7 }, /* more than there are: the rest was written */
		{ 6, INT64_MAX, 0, INT64_MAX, 0, 5000000000LL },
		{ 0, INT64_MAX, INT64_MAX, -1, INT64_MAX,
		  500000000 + 8000000000LL }, /* a lying server: bounded */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		assert_int_equal(price_cost(&table[rows[i].price], rows[i].input, rows[i].cached,
					    rows[i].written, rows[i].output),
				 rows[i].cost);
	assert_int_equal(price_cost(NULL, 1, 0, 0, 1), AI_COST_UNKNOWN);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_find), cmocka_unit_test(test_cost) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
