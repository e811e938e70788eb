/* A reply address that can't be read back is an answer that never arrives. */
#include "mem.h"
#include "slack_room.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void everything_comes_back(void **state)
{
	struct slack_place place = { .team = "T1",
				     .channel = "D1",
				     .thread = "1700000000.000100",
				     .user = "U1",
				     .ts = "1700000001.000200",
				     .direct = true,
				     .made_ms = 1800000000123 };
	struct slack_place again;
	char *text;

	(void)state;
	place.response_url = mem_text("https://hooks.slack.com/commands/T1/2/\"x\"");
	text = slack_place_write(&place);
	assert_true(strlen(text) < MESSAGE_REPLY_TO_MAX);
	assert_true(slack_place_read(text, &again));
	assert_string_equal(again.team, "T1");
	assert_string_equal(again.channel, "D1");
	assert_string_equal(again.thread, "1700000000.000100");
	assert_string_equal(again.user, "U1");
	assert_string_equal(again.ts, "1700000001.000200"); /* its zeros too: it is no number */
	assert_true(again.direct);
	assert_string_equal(again.response_url, place.response_url);
	assert_int_equal(again.made_ms, 1800000000123);
	slack_place_finish(&again);
	slack_place_finish(&place);
	free(text);
}

static void what_is_missing_is_empty(void **state)
{
	struct slack_place place;

	(void)state;
	assert_true(slack_place_read("{\"channel\":\"C1\"}", &place));
	assert_string_equal(place.thread, "");
	assert_false(place.direct);
	assert_null(place.response_url);
	slack_place_finish(&place);
}

static void what_is_not_ours_is_refused(void **state)
{
	static const char too_long[] = "{\"channel\":\"C1\",\"ts\":\"01234567890123456789012345678901"
				       "234567890123456789012345678901234\"}";
	static const char *const texts[] = {
		"", "x", "[]", "{}", "{\"channel\":\"\"}", "{\"channel\":7}", too_long,
	};
	struct slack_place place;

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		assert_false(slack_place_read(texts[i], &place));
	assert_false(slack_place_read(NULL, &place));
	slack_place_finish(&place);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(everything_comes_back),
		cmocka_unit_test(what_is_missing_is_empty),
		cmocka_unit_test(what_is_not_ours_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
