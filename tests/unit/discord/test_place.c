/* Reply addresses: what an answer needs survives a restart, and nothing else gets in. */
#include "stage_rest.h"

static void test_all_of_it_comes_back(void **state)
{
	const struct discord_place place = {
		.guild = 1,
		.channel = UINT64_MAX,
		.message = 1234567890123456789,
		.user = 9007199254740993, /* no double holds it (pitfall 27) */
		.open_thread = true,
		.whisper = true,
		.token = (char[]){ "aW50ZXJhY3Rpb246MTIz.x_y-z=" },
		.made_ms = 1790000000000,
		.thread_name = "Gr\xc3\xbc\xc3\x9f",
	};
	struct discord_place back;
	char *text = discord_place_write(&place);

	(void)state;
	assert_string_equal(text,
			    "{\"guild\":\"1\",\"channel\":\"18446744073709551615\",\"message\":"
			    "\"1234567890123456789\",\"user\":\"9007199254740993\",\"open_thread\":true,"
			    "\"whisper\":true,\"token\":\"aW50ZXJhY3Rpb246MTIz.x_y-z=\",\"made_ms\":"
			    "1790000000000,\"thread_name\":\"Gr\xc3\xbc\xc3\x9f\"}");
	assert_true(discord_place_read(text, &back));
	assert_true(back.guild == place.guild && back.channel == place.channel &&
		    back.message == place.message && back.user == place.user);
	assert_true(back.open_thread && back.whisper && back.made_ms == place.made_ms);
	assert_string_equal(back.token, place.token);
	assert_string_equal(back.thread_name, place.thread_name);
	discord_place_finish(&back);
	assert_null(back.token);
	free(text);
}

static void test_a_direct_message(void **state)
{
	const struct discord_place place = { .channel = 5, .thread_name = "of no use" };
	struct discord_place back;
	char *text = discord_place_write(&place);

	(void)state;
	assert_string_equal(text, "{\"channel\":\"5\"}");
	assert_true(discord_place_read(text, &back));
	assert_true(back.channel == 5 && back.guild == 0 && back.message == 0 && back.user == 0);
	assert_false(back.open_thread || back.whisper);
	assert_null(back.token);
	assert_string_equal(back.thread_name, "");
	free(text);
}

/* The token of a press never stands for an answer: it would replace the message that was pressed. */
static void test_a_press(void **state)
{
	const struct discord_place place = { .channel = 5, .press_token = (char[]){ "abc" }, .made_ms = 7 };
	struct discord_place back;
	char *text = discord_place_write(&place);

	(void)state;
	assert_string_equal(text, "{\"channel\":\"5\",\"press_token\":\"abc\",\"made_ms\":7}");
	assert_true(discord_place_read(text, &back));
	assert_null(back.token);
	assert_string_equal(back.press_token, "abc");
	assert_int_equal(back.made_ms, 7);
	discord_place_finish(&back);
	assert_null(back.press_token);
	free(text);
}

/* A token stands in a path: one that could lead elsewhere is none, and the answer goes as after its end. */
static void test_tokens(void **state)
{
	static const char *const bad[] = { "",	  "a/b",   "..",  ".",	   "a?b",
					   "a#b", "a%2fb", "a b", "a\\nb", "\xc3\xa9" };
	struct discord_place back, place = { .channel = 5, .whisper = true };
	char *text, *longest = mem_zero(1, 2000);

	(void)state;
	memset(longest, 'x', 1999);
	for (size_t i = 0; i <= sizeof(bad) / sizeof(*bad); i++) {
		const char *token = i < sizeof(bad) / sizeof(*bad) ? bad[i] : longest;

		text = mem_format("{\"channel\":\"5\",\"whisper\":true,\"token\":\"%s\",\"made_ms\":7}",
				  token);
		assert_true(discord_place_read(text, &back));
		assert_null(back.token);
		assert_true(back.whisper && back.made_ms == 0);
		free(text);
		place.token = mem_text(token);
		text = discord_place_write(&place);
		assert_string_equal(text, "{\"channel\":\"5\",\"whisper\":true}");
		free(text);
		free(place.token);
	}
	free(longest);
}

static void test_what_is_no_place(void **state)
{
	static const char *const bad[] = {
		"",
		"x",
		"[]",
		"{}",
		"7",
		"{\"channel\":\"\"}",
		"{\"channel\":\"0\"}",
		"{\"channel\":\"007\"}",
		"{\"channel\":\"-1\"}",
		"{\"channel\":\"18446744073709551616\"}",
		"{\"channel\":1.5}",
		"{\"channel\":null}",
		"{\"channel\":\"5\",\"guild\":\"x\"}",
		"{\"channel\":\"5\",\"message\":\"x\"}",
		"{\"channel\":\"5\",\"user\":[]}",
		"{\"channel\":\"5\",\"open_thread\":true}", /* from which message? */
		"{\"channel\":\"5\",\"channel\":\"6\"}",
	};
	struct discord_place back;

	(void)state;
	assert_false(discord_place_read(NULL, &back));
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		memset(&back, 1, sizeof(back));
		assert_false(discord_place_read(bad[i], &back));
		assert_true(back.channel == 0 && back.token == NULL);
	}
}

static void test_a_long_thread_name(void **state)
{
	struct discord_place back;
	char text[1000] = "{\"channel\":\"5\",\"message\":\"6\",\"open_thread\":true,\"thread_name\":\"";

	(void)state;
	for (int i = 0; i < 60; i++)
		strcat(text, i == 0 ? "x" : "\xc3\xa9");
	strcat(text, "\"}");
	assert_true(discord_place_read(text, &back));
	assert_int_equal(strlen(back.thread_name), 99); /* not half a character */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_of_it_comes_back),
		cmocka_unit_test(test_a_direct_message),
		cmocka_unit_test(test_a_press),
		cmocka_unit_test(test_tokens),
		cmocka_unit_test(test_what_is_no_place),
		cmocka_unit_test(test_a_long_thread_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
