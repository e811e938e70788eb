/* The numbers of the gateway (sheet 5, 7): a wrong row here ends a session that could be resumed, or asks for ever where
 * only a person can help. */
#include "gateway_room.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void test_every_opcode(void **state)
{
	static const struct {
		int op;
		const char *name;
		bool received, sent;
	} rows[] = {
		{ 0, "DISPATCH", true, false },
		{ 1, "HEARTBEAT", true, true },
		{ 2, "IDENTIFY", false, true },
		{ 3, "PRESENCE_UPDATE", false, true },
		{ 4, "VOICE_STATE_UPDATE", false, true },
		{ 5, NULL, false, false },
		{ 6, "RESUME", false, true },
		{ 7, "RECONNECT", true, false },
		{ 8, "REQUEST_GUILD_MEMBERS", false, true },
		{ 9, "INVALID_SESSION", true, false },
		{ 10, "HELLO", true, false },
		{ 11, "HEARTBEAT_ACK", true, false },
		{ 31, "REQUEST_SOUNDBOARD_SOUNDS", false, true },
		{ 43, "REQUEST_CHANNEL_INFO", false, true },
	};
	size_t known = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		const struct gateway_opcode *found = discord_opcode(rows[i].op);

		assert_true((found != NULL) == (rows[i].name != NULL));
		if (!found)
			continue;
		assert_string_equal(found->name, rows[i].name);
		assert_int_equal(found->take != NULL, rows[i].received);
		assert_int_equal(found->sent, rows[i].sent);
	}
	for (int op = -1; op < 100; op++)
		known += discord_opcode(op) != NULL;
	assert_int_equal(known, 13);
}

static void test_every_close_code(void **state)
{
	static const struct {
		int code;
		enum gateway_then then;
		const char *names; /* what the operator's message must speak of; NULL: there is none */
	} rows[] = {
		{ 0, GATEWAY_RESUME, NULL },	     { 1000, GATEWAY_IDENTIFY, NULL },
		{ 1001, GATEWAY_RESUME, NULL },	     { 1006, GATEWAY_RESUME, NULL },
		{ 1011, GATEWAY_RESUME_ONCE, NULL }, { 4000, GATEWAY_RESUME, NULL },
		{ 4001, GATEWAY_RESUME, "report" },  { 4002, GATEWAY_RESUME, "report" },
		{ 4003, GATEWAY_IDENTIFY, NULL },    { 4004, GATEWAY_STOP, "bot_token" },
		{ 4005, GATEWAY_IDENTIFY, NULL },    { 4006, GATEWAY_RESUME_ONCE, NULL },
		{ 4007, GATEWAY_IDENTIFY, NULL },    { 4008, GATEWAY_WAIT, "too much" },
		{ 4009, GATEWAY_IDENTIFY, NULL },    { 4010, GATEWAY_STOP, "shards" },
		{ 4011, GATEWAY_RESHARD, "shards" }, { 4012, GATEWAY_STOP, "update" },
		{ 4013, GATEWAY_STOP, "intents" },   { 4014, GATEWAY_STOP, "Message Content Intent" },
		{ 4015, GATEWAY_RESUME_ONCE, NULL }, { 65535, GATEWAY_RESUME_ONCE, NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		const struct gateway_close *found = discord_close_code(rows[i].code);

		assert_int_equal(found->then, rows[i].then);
		assert_true((found->help != NULL) == (rows[i].names != NULL));
		if (rows[i].names)
			assert_non_null(strstr(found->help, rows[i].names));
		assert_true(found->code == rows[i].code || found->code == -1);
		assert_true(strlen(found->name) > 0);
	}
}

static void test_ids(void **state)
{
	char text[SNOWFLAKE_SIZE];
	json_t *number = json_integer(175928847299117063), *words = json_string("175928847299117063"),
	       *long_text = json_string("1759288472991170631759288472991170631");

	(void)state;
	assert_int_equal(snowflake_ms(175928847299117063), 1462015105796); /* the example of the reference */
	assert_int_equal(snowflake_ms(snowflake_at(1462015105796)), 1462015105796);
	assert_int_equal(snowflake_at(0), 0);
	assert_string_equal(snowflake_text(UINT64_MAX, text), "18446744073709551615");
	assert_string_equal(snowflake_text(0, text), "");
	assert_true(snowflake_parse("18446744073709551615") == UINT64_MAX);
	assert_int_equal(snowflake_parse("18446744073709551616"), 0);
	assert_int_equal(snowflake_parse("012"), 0);
	assert_int_equal(snowflake_parse("12a"), 0);
	assert_int_equal(snowflake_parse("-1"), 0);
	assert_int_equal(snowflake_parse(""), 0);
	assert_int_equal(snowflake_parse(NULL), 0);
	assert_int_equal(snowflake_read(number), 175928847299117063);
	assert_int_equal(snowflake_read(words), 175928847299117063);
	assert_int_equal(snowflake_read(long_text), 0);
	assert_int_equal(snowflake_read(NULL), 0);
	json_decref(number);
	json_decref(words);
	json_decref(long_text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_opcode),
		cmocka_unit_test(test_every_close_code),
		cmocka_unit_test(test_ids),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
