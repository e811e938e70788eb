/* Frames found by their few keys: what is skipped is never made into values, and what can't be understood is refused. */
#include "gateway_room.h"
#include "mem.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static bool read_text(struct gateway_frame *frame, const char *text)
{
	return discord_frame_read(frame, text, strlen(text));
}

static void test_keys_in_any_order(void **state)
{
	static const char *const texts[] = {
		"{\"t\":\"MESSAGE_CREATE\",\"s\":42,\"op\":0,\"d\":{\"a\":[1,{\"op\":7}],\"b\":\"}\\\"\\\\\"}"
		"}",
		"{\"op\":0,\"d\":{\"a\":[1,{\"op\":7}],\"b\":\"}\\\"\\\\\"},\"s\":42,\"t\":\"MESSAGE_"
		"CREATE\"}",
		" { \"x\" : [\"]\"] , \"d\" :\n{\"a\":[1,{\"op\":7}],\"b\":\"}\\\"\\\\\"} , \"s\" : 42 "
		",\"t\" : "
		"\"MESSAGE_CREATE\" , \"op\" : 0 } ",
	};
	struct gateway_frame frame;

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		assert_true(read_text(&frame, texts[i]));
		assert_int_equal(frame.op, 0);
		assert_true(frame.has_seq);
		assert_int_equal(frame.seq, 42);
		assert_string_equal(frame.name, "MESSAGE_CREATE");
		assert_int_equal(frame.d_len, strlen("{\"a\":[1,{\"op\":7}],\"b\":\"}\\\"\\\\\"}"));
		assert_memory_equal(frame.d, "{\"a\":[1,{\"op\":7}],\"b\":\"}\\\"\\\\\"}", frame.d_len);
	}
}

static void test_what_is_missing(void **state)
{
	struct gateway_frame frame;

	(void)state;
	assert_true(read_text(&frame, "{\"op\":11}"));
	assert_int_equal(frame.op, 11);
	assert_false(frame.has_seq);
	assert_null(frame.d);
	assert_string_equal(frame.name, "");
	assert_true(read_text(&frame, "{\"op\":7,\"d\":null,\"s\":null,\"t\":null}"));
	assert_null(frame.d);
	assert_false(frame.has_seq);
	assert_true(read_text(&frame, "{\"op\":9,\"d\":true}"));
	assert_memory_equal(frame.d, "true", frame.d_len);
	assert_true(read_text(&frame,
			      "{\"op\":0,\"t\":\"A_NAME_THAT_IS_LONGER_THAN_ANY_NAME_THE_PLATFORM_HAS_EVER_"
			      "GIVEN_TO_ANYTHING\",\"s\":1}"));
	assert_string_equal(frame.name, ""); /* it is nobody we know */
}

static void test_refused(void **state)
{
	static const char *const texts[] = {
		"",
		"{",
		"{}",
		"[]",
		"null",
		"{\"op\":0",
		"{\"op\":0,}",
		"{\"op\":0}x",
		"{\"op\":-1}",
		"{\"op\":1.5}",
		"{\"op\":\"0\"}",
		"{\"op\":0,\"op\":1}",
		"{\"op\":0,\"s\":-1}",
		"{\"op\":0,\"s\":99999999999999999999}",
		"{\"op\":0,\"d\":{\"a\":\"}",
		"{\"op\":0,\"d\":[[]}",
		"{\"op\":0 \"d\":1}",
		"{\"op\":0,\"d\"}",
		"{\"op\":0,\"d\":}",
	};
	struct gateway_frame frame;

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		if (read_text(&frame, texts[i]))
			fail_msg("taken: %s", texts[i]);
}

/* A guild of many thousand members must not cost a hundred times its text in memory. */
static void test_guilds_lose_their_crowds(void **state)
{
	static const char guild[] =
		"{\"id\":\"1\",\"members\":[{\"user\":{}}],\"channels\":[{\"id\":\"2\"}],\"emojis\":[],"
		"\"presences\":[1,2,3],\"name\":\"x\\\"y\",\"stickers\":{}}";
	struct err err = { 0 };
	json_t *value = discord_frame_value("GUILD_CREATE", guild, strlen(guild), &err);
	char *text;

	(void)state;
	assert_non_null(value);
	text = json_write(value);
	assert_string_equal(text, "{\"id\":\"1\",\"channels\":[{\"id\":\"2\"}],\"name\":\"x\\\"y\"}");
	free(text);
	json_decref(value);
	value = discord_frame_value("MESSAGE_CREATE", guild, strlen(guild), &err);
	assert_non_null(json_object_get(value, "members")); /* of guilds only */
	json_decref(value);
	value = discord_frame_value("GUILD_CREATE", "{\"members\":[]}", 14, &err);
	assert_int_equal(json_object_size(value), 0);
	json_decref(value);
	assert_null(discord_frame_value("GUILD_CREATE", "{\"id\":1,\"a\":[}", 14, &err));
	assert_int_not_equal(err.kind, ERR_NONE);
}

static void test_giants_are_not_read(void **state)
{
	size_t len = GATEWAY_PARSE_MAX + 1000;
	char *text = mem_alloc(len);
	struct err err = { 0 };
	json_t *value;

	(void)state;
	memset(text, ' ', len);
	text[0] = '{';
	text[len - 1] = '}';
	assert_null(discord_frame_value("MESSAGE_CREATE", text, len, &err));
	assert_int_equal(err.kind, ERR_FULL);
	memcpy(text, "{\"id\":\"1\",\"members\":[", 21);
	text[len - 2] = ']';
	value = discord_frame_value("GUILD_CREATE", text, len, &err); /* only what is left counts */
	assert_int_equal(json_object_size(value), 1);
	json_decref(value);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_keys_in_any_order),
		cmocka_unit_test(test_what_is_missing),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_guilds_lose_their_crowds),
		cmocka_unit_test(test_giants_are_not_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
