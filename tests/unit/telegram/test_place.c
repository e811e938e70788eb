/* Reply addresses outlive restarts and upgrades: what was written is read back, and what is not ours is refused. */
#include "mem.h"
#include "stage_in.h"

static void an_address_comes_back(void **state)
{
	const struct telegram_place places[] = {
		{ .chat = 5, .message = 17, .private = true },
		{ .chat = INT64_C(-1001234567890123), .message = 2000000000, .topic = 42, .group = true },
		{ .chat = -100, .message = 1 },
		{ .chat = 5, .private = true },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		char *text = telegram_place_write(&places[i]);
		struct telegram_place place;

		assert_true(strlen(text) <= MESSAGE_REPLY_TO_MAX);
		assert_true(telegram_place_read(text, &place));
		assert_int_equal(place.chat, places[i].chat);
		assert_int_equal(place.message, places[i].message);
		assert_int_equal(place.topic, places[i].topic);
		assert_int_equal(place.group, places[i].group);
		assert_int_equal(place.private, places[i].private);
		free(text);
	}
}

static void what_is_no_address_is_refused(void **state)
{
	static const char *const texts[] = { "",
					     "{}",
					     "[]",
					     "{\"chat\":0}",
					     "{\"chat\":\"5\"}",
					     "{\"chat\":5,\"message\":-1}",
					     "nonsense",
					     "{\"chat\":5,\"topic\":1}" };
	struct telegram_place place;

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		assert_false(telegram_place_read(texts[i], &place));
	assert_false(telegram_place_read(NULL, &place));
	assert_int_equal(place.chat, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_address_comes_back),
		cmocka_unit_test(what_is_no_address_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
