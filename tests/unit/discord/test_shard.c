/* One connection of the gateway (sheet 4 to 7): it says who it is, beats, and goes when it is told or nobody answers. */
#include "stage_gateway.h"

static void test_identifies_with_what_was_set(void **state)
{
	struct gate_stage *stage = gate_open();
	const json_t *d;

	(void)state;
	discord_gateway_start(stage->bot.gateway);
	d = gate_said(stage, 0, OP_IDENTIFY);
	assert_string_equal(stage->sockets[0].path, "main");
	assert_string_equal(json_text(d, "token"), "token-of-the-bot"); /* without "Bot " */
	assert_int_equal(json_int(d, "intents", 0), 37377);
	assert_int_equal(json_integer_value(json_pointer(d, "/shard/0")), 0);
	assert_int_equal(json_integer_value(json_pointer(d, "/shard/1")), 1);
	assert_string_equal(json_text(json_object_get(d, "properties"), "os"), "linux");
	gate_ready(stage, 0);
	assert_int_equal(stage->link, LINK_UP);
	assert_int_equal(stage->bot.user_id, 77);
	assert_int_equal(stage->bot.app_id, 78);
	assert_string_equal(stage->bot.username, "usher");
	assert_string_equal(stage->taken[0].name, "READY");
	gate_close(stage);
}

static void test_without_message_content(void **state)
{
	struct gate_stage *stage = gate_open();

	(void)state;
	stage->bot.config.message_content = false;
	discord_gateway_start(stage->bot.gateway);
	assert_int_equal(json_int(gate_said(stage, 0, OP_IDENTIFY), "intents", 0), 4609);
	gate_close(stage);
}

static void test_beats(void **state)
{
	struct gate_stage *stage = gate_open();
	struct gate_socket *ours = &stage->sockets[0];
	unsigned beats;

	(void)state;
	stage->hello = "{\"op\":10,\"d\":{\"heartbeat_interval\":1000}}";
	discord_gateway_start(stage->bot.gateway);
	gate_said(stage, 0, OP_IDENTIFY);
	GATE_WAIT(stage, ours->beats > 0);
	assert_true(json_is_null(ours->beat)); /* nothing came yet: null, not 0 */
	gate_ready(stage, 0);
	gate_message(stage, 0, 5, "9");
	GATE_WAIT(stage, json_integer_value(ours->beat) == 5);
	beats = ours->beats;
	GATE_WAIT(stage, ours->beats > beats + 1);
	assert_int_equal(stage->socket_count, 1);
	gate_close(stage);
}

static void test_beats_when_asked(void **state)
{
	struct gate_stage *stage = gate_open();

	(void)state;
	stage->hello = "{\"op\":10,\"d\":{\"heartbeat_interval\":600000}}";
	discord_gateway_start(stage->bot.gateway);
	gate_ready(stage, 0);
	gate_send(stage, 0, "{\"op\":1,\"d\":null}");
	GATE_WAIT(stage, stage->sockets[0].beats == 1);
	assert_int_equal(json_integer_value(stage->sockets[0].beat), 1);
	gate_close(stage);
}

/* What is dead is left, resumably; and what was not acknowledged there says nothing about the next (pitfall 1). */
static void test_silence_ends_a_connection(void **state)
{
	struct gate_stage *stage = gate_open();
	const json_t *d;

	(void)state;
	stage->hello = "{\"op\":10,\"d\":{\"heartbeat_interval\":1000}}";
	stage->no_acks = true;
	discord_gateway_start(stage->bot.gateway);
	gate_ready(stage, 0);
	GATE_WAIT(stage, stage->socket_count == 2);
	stage->no_acks = false;
	assert_int_equal(stage->sockets[0].code, 4200);
	d = gate_said(stage, 1, OP_RESUME);
	assert_string_equal(stage->sockets[1].path, "resume");
	assert_string_equal(json_text(d, "token"), "token-of-the-bot");
	assert_string_equal(json_text(d, "session_id"), "session1");
	assert_int_equal(json_int(d, "seq", 0), 1);
	gate_resumed(stage, 1);
	GATE_WAIT(stage, stage->sockets[1].beats > 1);
	assert_int_equal(stage->link, LINK_UP);
	assert_int_equal(stage->socket_count, 2);
	gate_close(stage);
}

static void test_told_to_go(void **state)
{
	struct gate_stage *stage = gate_connected();

	(void)state;
	gate_message(stage, 0, 2, "9");
	GATE_WAIT(stage, stage->taken_count == 2);
	stage->no_hello = true;
	gate_send(stage, 0, "{\"op\":7,\"d\":null}");
	GATE_WAIT(stage, stage->socket_count == 2);
	assert_int_equal(stage->sockets[0].code, 4200);
	stage->no_hello = false;
	gate_send(stage, 1, "{\"op\":7,\"d\":null}"); /* instead of HELLO */
	assert_int_equal(json_int(gate_said(stage, 2, OP_RESUME), "seq", 0), 2);
	gate_send(stage, 2, "{\"op\":0,\"s\":3,\"t\":\"MESSAGE_CREATE\",\"d\":{\"id\":\"5\"}}");
	gate_resumed(stage, 2);
	assert_int_equal(stage->taken_count, 4);
	assert_int_equal(stage->taken[2].event.seq, 3);
	assert_string_equal(stage->taken[3].name, "RESUMED");
	assert_int_equal(stage->link, LINK_UP);
	gate_close(stage);
}

static void test_no_hello_and_no_ready(void **state)
{
	struct gate_stage *stage = gate_open();

	(void)state;
	stage->no_hello = true;
	stage->bot.gateway->times.hello = stage->bot.gateway->times.ready = 700;
	discord_gateway_start(stage->bot.gateway);
	GATE_WAIT(stage, stage->socket_count == 2);
	stage->no_hello = false;
	GATE_WAIT(stage, stage->socket_count == 3); /* the patience with the second one had begun by then */
	stage->bot.gateway->times.hello = 20000;
	gate_said(stage, 2, OP_IDENTIFY);
	GATE_WAIT(stage, stage->socket_count == 4); /* READY did not come */
	stage->bot.gateway->times.ready = 20000;
	gate_ready(stage, 3);
	assert_int_equal(stage->link, LINK_UP);
	assert_true(stage->downs > 0);
	gate_close(stage);
}

/* Whatever it says, we neither beat without end nor wait for ever. */
static void test_intervals_that_can_not_be(void **state)
{
	static const struct {
		const char *interval;
		uint64_t beats; /* every so many milliseconds; 0: it is no HELLO, and another is asked for */
	} cases[] = {
		{ "0", 0 },
		{ "-1", 0 },
		{ "1e300", 0 },
		{ "\"41250\"", 0 },
		{ "null", 0 },
		{ "{}", 0 },
		{ "1", 5 },
		{ "1e12", 600000 },
		{ "4125000000", 600000 },
		{ "9223372036854775807", 600000 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct gate_stage *stage = gate_open();
		char *hello = mem_format("{\"op\":10,\"d\":{\"heartbeat_interval\":%s}}", cases[i].interval);

		stage->hello = hello;
		discord_gateway_start(stage->bot.gateway);
		if (cases[i].beats == 0) {
			GATE_WAIT(stage, stage->socket_count >= 2);
			stage->hello = NULL;
			GATE_WAIT(stage, stage->texts > 0);
			assert_int_equal(stage->sockets[0].count, 0); /* no token went out */
		} else {
			gate_said(stage, 0, OP_IDENTIFY);
			assert_int_equal(gate_shard(stage, 0)->interval, cases[i].beats);
		}
		gate_close(stage);
		free(hello);
	}
}

static void test_frames_that_are_none_of_ours(void **state)
{
	static const char *const frames[] = {
		"{\"op\":10,\"d\":{\"heartbeat_interval\":1}}",
		"{\"op\":12345,\"d\":{}}",
		"not json",
		"{\"op\":0,\"s\":3,\"t\":\"BRAND_NEW\",\"d\":{\"x\":{{{}}}}}", /* never looked into */
		"{\"op\":0,\"s\":4,\"t\":\"MESSAGE_CREATE\",\"d\":{\"x\":[}}",
		"{\"op\":0,\"s\":2,\"t\":\"TYPING_START\",\"d\":{}}", /* the count never goes back */
	};
	struct gate_stage *stage = gate_connected();

	(void)state;
	for (size_t i = 0; i < sizeof(frames) / sizeof(*frames); i++)
		gate_send(stage, 0, "%s", frames[i]);
	gate_message(stage, 0, 5, "9");
	GATE_WAIT(stage, stage->taken_count == 2);
	assert_int_equal(stage->taken[1].event.seq, 5);
	assert_int_equal(stage->socket_count, 1);
	assert_int_equal(gate_shard(stage, 0)->seq, 5);
	gate_close(stage);
}

static void test_limits_of_sending(void **state)
{
	struct gate_stage *stage = gate_connected();
	struct shard *shard = gate_shard(stage, 0);
	char *text = mem_alloc(DISCORD_SEND_MAX + 1);
	unsigned sent = 1; /* IDENTIFY */

	(void)state;
	memset(text, ' ', DISCORD_SEND_MAX + 1);
	memcpy(text, "{\"op\":1,\"d\":0}", 14); /* the stage takes no notice of beats */
	assert_false(discord_shard_send(shard, text, DISCORD_SEND_MAX + 1, false));
	while (discord_shard_send(shard, text, sent == 1 ? DISCORD_SEND_MAX : 14, false))
		sent++;
	assert_int_equal(sent, GATEWAY_SENDS - GATEWAY_SENDS_KEPT);
	while (discord_shard_send(shard, text, 14, true)) /* room for beats is left */
		sent++;
	assert_int_equal(sent, GATEWAY_SENDS);
	GATE_WAIT(stage, stage->sockets[0].beats == GATEWAY_SENDS - 1);
	free(text);
	gate_close(stage);
}

static void test_compressed(void **state)
{
	struct gate_stage *stage = gate_open();

	(void)state;
	stage->bot.config.compress = true;
	discord_gateway_start(stage->bot.gateway);
	gate_ready(stage, 0);
	gate_message(stage, 0, 2, "9");
	gate_message(stage, 0, 3, "9");
	GATE_WAIT(stage, stage->taken_count == 3);
	gate_send(stage, 0, "{\"op\":7}");
	gate_resumed(stage, 1); /* a new stream on a new connection, with the same query */
	assert_int_equal(web_socket_send(stage->sockets[1].socket, true, "garbage", 7), true);
	gate_resumed(stage, 2);
	assert_int_equal(stage->link, LINK_UP);
	gate_close(stage);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_identifies_with_what_was_set),
		cmocka_unit_test(test_without_message_content),
		cmocka_unit_test(test_beats),
		cmocka_unit_test(test_beats_when_asked),
		cmocka_unit_test(test_silence_ends_a_connection),
		cmocka_unit_test(test_told_to_go),
		cmocka_unit_test(test_no_hello_and_no_ready),
		cmocka_unit_test(test_intervals_that_can_not_be),
		cmocka_unit_test(test_frames_that_are_none_of_ours),
		cmocka_unit_test(test_limits_of_sending),
		cmocka_unit_test(test_compressed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
