/* What an answer of the platform means for a message; a wrong row loses an answer or says it twice. */
#include "out.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static enum sent outcome(enum discord_how how, enum discord_refusal refusal, unsigned *retry_ms,
			 struct err *why)
{
	return discord_outcome(&(struct discord_answer){ .how = how, .refusal = refusal, .why = "words" },
			       retry_ms, why);
}

static void test_hows(void **state)
{
	static const enum sent hows[] = {
		[DISCORD_OK] = SENT_ACCEPTED,	   [DISCORD_NOT_SENT] = SENT_NOT,
		[DISCORD_MAYBE] = SENT_MAYBE,	   [DISCORD_LIMITED] = SENT_LIMITED,
		[DISCORD_REFUSED] = SENT_REJECTED, [DISCORD_AUTH] = SENT_AUTH,
	};
	unsigned retry_ms;
	struct err why;

	(void)state;
	for (size_t i = 0; i < sizeof(hows) / sizeof(*hows); i++) {
		assert_int_equal(outcome((enum discord_how)i, DISCORD_OTHER, &retry_ms, &why), hows[i]);
		assert_int_equal(retry_ms > 0, hows[i] == SENT_LIMITED);
		assert_int_equal(why.kind == ERR_NONE, hows[i] == SENT_ACCEPTED);
	}
}

/* Each refusal ends in something: never in a silent retry of what can't work. */
static void test_refusals(void **state)
{
	unsigned retry_ms;
	struct err why;

	(void)state;
	for (int i = DISCORD_OTHER; i <= DISCORD_WAIT; i++) {
		enum sent how = outcome(DISCORD_REFUSED, (enum discord_refusal)i, &retry_ms, &why);

		assert_true(how == SENT_REJECTED || how == SENT_LIMITED || how == SENT_NOT);
		assert_int_equal(how == SENT_LIMITED, i == DISCORD_WAIT);
		assert_non_null(strstr(why.text, "words"));
	}
}

static void test_remote_ids(void **state)
{
	static const char *const bad[] = { "@original",
					   "",
					   "/",
					   "5/",
					   "/7",
					   "5/7x",
					   "x5/7",
					   "0/7",
					   "5/0",
					   "5/-7",
					   "99999999999999999999999/7",
					   "5/99999999999999999999999" };
	struct discord_spot spot = discord_remote_read("18446744073709551615/1155910348801966080");
	char *text = discord_remote_id(spot);

	(void)state;
	assert_string_equal(text, "18446744073709551615/1155910348801966080"); /* beyond a double */
	free(text);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		spot = discord_remote_read(bad[i]);
		if (spot.channel || spot.message)
			fail_msg("taken: %s", bad[i]);
	}
	spot = discord_remote_read(NULL);
	assert_true(spot.channel == 0 && spot.message == 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hows),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_remote_ids),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
