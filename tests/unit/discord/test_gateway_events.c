/* Events until they are taken: what is not stored is handed over again, by us or by the platform, and what is remembered
 * never passes it (sheet 6.2). */
#include "stage_gateway.h"

static json_t *note_of(const struct gate_stage *stage)
{
	const char *text = gate_note(stage, "shard/0");

	return text ? json_read(text, strlen(text), NULL) : NULL;
}

static int64_t noted_seq(const struct gate_stage *stage)
{
	json_t *note = note_of(stage);
	int64_t seq = json_int(note, "seq", -1);

	json_decref(note);
	return seq;
}

static void take(struct gate_stage *stage, size_t which)
{
	discord_taken(&stage->bot, &stage->taken[which].event, 0);
}

static void test_the_note_waits_for_commits(void **state)
{
	struct gate_stage *stage = gate_connected();

	(void)state;
	stage->keep = true;
	for (int seq = 2; seq <= 4; seq++)
		gate_message(stage, 0, seq, "9");
	gate_send(stage, 0, "{\"op\":0,\"s\":5,\"t\":\"TYPING_START\",\"d\":{}}");
	GATE_WAIT(stage, stage->taken_count == 4 && gate_shard(stage, 0)->seq == 5);
	GATE_WAIT(stage, noted_seq(stage) == 1);
	take(stage, 2);
	take(stage, 3);
	gate_rest(stage);
	assert_int_equal(noted_seq(stage), 1);
	take(stage, 1);
	GATE_WAIT(stage, noted_seq(stage) == 5);
	gate_close(stage);
}

/* Numbers that can't be: what is remembered stays a position that can be resumed from, or is none. */
static void test_numbers_that_go_back(void **state)
{
	struct gate_stage *stage = gate_connected();

	(void)state;
	stage->keep = true;
	gate_message(stage, 0, 7, "9");
	gate_message(stage, 0, 3, "9");
	gate_message(stage, 0, 0, "9");
	GATE_WAIT(stage, stage->taken_count == 4 && gate_shard(stage, 0)->seq == 7);
	GATE_WAIT(stage, noted_seq(stage) == 0);
	for (size_t i = 1; i < 4; i++)
		take(stage, i);
	GATE_WAIT(stage, noted_seq(stage) == 7);
	gate_send(stage, 0, "{\"op\":0,\"s\":-1,\"t\":\"MESSAGE_CREATE\",\"d\":{\"id\":\"5\"}}");
	gate_send(stage, 0, "{\"op\":0,\"s\":1e9,\"t\":\"MESSAGE_CREATE\",\"d\":{\"id\":\"5\"}}");
	gate_message(stage, 0, 8, "9");
	GATE_WAIT(stage, stage->taken_count == 5 && gate_shard(stage, 0)->seq == 8);
	gate_close(stage);
}

/* In the same process nothing is asked for twice: what is on its way is still known. */
static void test_resumed_while_events_are_open(void **state)
{
	struct gate_stage *stage = gate_connected();

	(void)state;
	stage->keep = true;
	gate_message(stage, 0, 2, "9");
	GATE_WAIT(stage, stage->taken_count == 2);
	gate_end(stage, 0, 4000);
	gate_resumed(stage, 1);
	assert_int_equal(json_int(gate_said(stage, 1, OP_RESUME), "seq", 0), 2);
	take(stage, 1);
	GATE_WAIT(stage, noted_seq(stage) == 3);
	gate_close(stage);
}

static void test_a_next_process_resumes(void **state)
{
	struct gate_stage *stage = gate_open();
	char *note = mem_format("{\"session\":\"old\",\"url\":\"%s/resume\",\"seq\":41,\"shards\":1,\"seen\":"
				"\"175928847299117063\"}",
				stage->url);
	const json_t *d;

	(void)state;
	assert_true(discord_gateway_recall(stage->bot.gateway, "shard/0", note));
	free(note);
	discord_gateway_start(stage->bot.gateway);
	d = gate_said(stage, 0, OP_RESUME);
	assert_string_equal(json_text(d, "session_id"), "old");
	assert_int_equal(json_int(d, "seq", 0), 41);
	assert_int_equal(discord_gateway_seen(stage->bot.gateway, 0), 175928847299117063);
	gate_resumed(stage, 0);
	GATE_WAIT(stage, noted_seq(stage) == 42);
	assert_null(gate_note(stage, "identifies"));
	gate_close(stage);
}

static void test_notes_that_are_of_no_use(void **state)
{
	static const char *const notes[] = {
		"",
		"x",
		"[]",
		"{\"session\":\"s\",\"seq\":0,\"shards\":1,\"seen\":\"1\"}",
		"{\"session\":\"s\",\"seq\":7,\"shards\":2,\"seen\":\"5\"}",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(notes) / sizeof(*notes); i++) {
		struct gate_stage *stage = gate_open();

		assert_true(discord_gateway_recall(stage->bot.gateway, "shard/0", notes[i]));
		assert_true(discord_gateway_recall(stage->bot.gateway, "shard/x", notes[i]));
		assert_true(discord_gateway_recall(stage->bot.gateway, "shard/99999", notes[i]));
		discord_gateway_start(stage->bot.gateway);
		gate_ready(stage, 0);
		gate_close(stage);
	}
}

/* Fewer shards than before: what was seen counts from the earliest, and names that are of no use are forgotten. */
static void test_notes_of_more_shards(void **state)
{
	struct gate_stage *stage = gate_open();

	(void)state;
	discord_gateway_recall(stage->bot.gateway, "shard/0",
			       "{\"session\":\"a\",\"seq\":7,\"shards\":2,\"seen\":\"500000000000\"}");
	discord_gateway_recall(stage->bot.gateway, "shard/1",
			       "{\"session\":\"b\",\"seq\":7,\"shards\":2,\"seen\":\"400000000000\"}");
	discord_gateway_start(stage->bot.gateway);
	gate_ready(stage, 0);
	assert_int_equal(discord_gateway_seen(stage->bot.gateway, 0), 400000000000);
	GATE_WAIT(stage, stage->note_count == 3); /* "identifies", "shard/0", and "shard/1" is taken away */
	assert_null(gate_note(stage, "shard/1"));
	gate_close(stage);
}

/* ---- again ------------------------------------------------------------------------------------------------------- */

static void test_again_and_in_order(void **state)
{
	struct gate_stage *stage = gate_connected();

	(void)state;
	stage->keep = true;
	gate_message(stage, 0, 2, "9");
	GATE_WAIT(stage, stage->taken_count == 2);
	discord_taken(&stage->bot, &stage->taken[1].event, 50);
	gate_message(stage, 0, 3, "9"); /* waits behind it */
	gate_message(stage, 0, 4, "8"); /* does not */
	GATE_WAIT(stage, stage->taken_count == 3);
	assert_int_equal(stage->taken[2].event.seq, 4);
	GATE_WAIT(stage, stage->taken_count == 4);
	assert_int_equal(stage->taken[3].event.seq, 2);
	assert_int_equal(stage->taken[3].event.number, stage->taken[1].event.number);
	assert_string_equal(stage->taken[3].d, stage->taken[1].d);
	gate_rest(stage);
	assert_int_equal(stage->taken_count, 4);
	take(stage, 3);
	GATE_WAIT(stage, stage->taken_count == 5);
	assert_int_equal(stage->taken[4].event.seq, 3);
	GATE_WAIT(stage, noted_seq(stage) == 2);
	take(stage, 4);
	take(stage, 2);
	take(stage, 2); /* nothing is known of it any more */
	GATE_WAIT(stage, noted_seq(stage) == 4);
	gate_close(stage);
}

static void test_interactions_do_not_wait(void **state)
{
	struct gate_stage *stage = gate_connected();

	(void)state;
	stage->keep = true;
	gate_message(stage, 0, 2, "9");
	GATE_WAIT(stage, stage->taken_count == 2);
	discord_taken(&stage->bot, &stage->taken[1].event, 60000);
	gate_send(stage, 0, "{\"op\":0,\"s\":3,\"t\":\"INTERACTION_CREATE\",\"d\":{\"channel_id\":\"9\"}}");
	GATE_WAIT(stage, stage->taken_count == 3);
	assert_string_equal(stage->taken[2].name, "INTERACTION_CREATE");
	gate_close(stage);
}

/* When nothing can be stored any more, reading stops, and goes on where it stopped. */
static void test_too_much_waits(void **state)
{
	struct gate_stage *stage = gate_connected();

	(void)state;
	stage->keep = true;
	for (int seq = 2; seq <= GATEWAY_HELD + 5; seq++) {
		gate_message(stage, 0, seq, "9");
		if (seq % 100 == 0)
			gate_step(stage);
	}
	GATE_WAIT(stage, gate_shard(stage, 0)->state == SHARD_FULL);
	assert_int_equal(stage->taken_count, 1 + GATEWAY_HELD);
	gate_rest(stage);
	assert_int_equal(stage->socket_count, 1);
	for (size_t i = 1; i <= GATEWAY_HELD; i++)
		take(stage, i);
	assert_int_equal(json_int(gate_said(stage, 1, OP_RESUME), "seq", 0), GATEWAY_HELD + 1);
	gate_close(stage);
}

/* What waited when we stopped is not lost: the next start asks for it. */
static void test_stopped_while_events_are_open(void **state)
{
	struct gate_stage *stage = gate_connected();

	(void)state;
	stage->keep = true;
	gate_message(stage, 0, 2, "9");
	gate_message(stage, 0, 3, "8");
	GATE_WAIT(stage, stage->taken_count == 3);
	discord_taken(&stage->bot, &stage->taken[2].event, 10);
	discord_gateway_stop(stage->bot.gateway, false);
	GATE_WAIT(stage, stage->settled > 0);
	assert_int_equal(noted_seq(stage), 1);
	take(stage, 1); /* committed while stopping */
	GATE_WAIT(stage, noted_seq(stage) == 2);
	discord_gateway_start(stage->bot.gateway);
	assert_int_equal(json_int(gate_said(stage, 1, OP_RESUME), "seq", 0), 2);
	gate_close(stage);
}

/* ---- seen ------------------------------------------------------------------------------------------------------------ */

static void test_a_catch_up_holds_the_note(void **state)
{
	struct gate_stage *stage = gate_connected();
	snowflake seen;
	json_t *note;

	(void)state;
	GATE_WAIT(stage, noted_seq(stage) == 1);
	seen = discord_gateway_seen(stage->bot.gateway, 0);
	assert_true(seen != 0);
	gate_end(stage, 0, 4009);
	gate_ready(stage, 1);
	GATE_WAIT(stage, noted_seq(stage) == -1); /* a crash now must not resume what is only half read */
	note = note_of(stage);
	assert_null(json_text(note, "session"));
	assert_int_equal(snowflake_read(json_object_get(note, "seen")), seen);
	json_decref(note);
	discord_gateway_caught_up(stage->bot.gateway, 0);
	GATE_WAIT(stage, noted_seq(stage) == 1);
	discord_gateway_caught_up(stage->bot.gateway, 0); /* no harm */
	discord_gateway_caught_up(stage->bot.gateway, 7);
	gate_close(stage);
}

static void test_seen_waits_for_what_is_open(void **state)
{
	struct gate_stage *stage = gate_open();
	snowflake first;

	(void)state;
	stage->bot.gateway->times.margin = 0;
	discord_gateway_start(stage->bot.gateway);
	gate_ready(stage, 0);
	first = discord_gateway_seen(stage->bot.gateway, 0);
	gate_rest(stage);
	discord_beat_now(gate_shard(stage, 0));
	GATE_WAIT(stage, discord_gateway_seen(stage->bot.gateway, 0) >
				 first); /* with the beats, though nothing comes */
	stage->keep = true;
	gate_message(stage, 0, 2, "9");
	GATE_WAIT(stage, stage->taken_count == 2);
	gate_rest(stage);
	discord_beat_now(gate_shard(stage, 0));
	gate_rest(stage);
	assert_true(snowflake_ms(discord_gateway_seen(stage->bot.gateway, 0)) <=
		    gate_shard(stage, 0)->held->came_ms);
	take(stage, 1);
	gate_close(stage);
}

/* Of a session that is gone something is still open: the new one is not written down before it is stored. */
static void test_an_older_session_is_finished_first(void **state)
{
	struct gate_stage *stage = gate_connected();

	(void)state;
	gate_message(stage, 0, 2, "9");
	GATE_WAIT(stage, noted_seq(stage) == 2);
	stage->keep = true;
	gate_message(stage, 0, 3, "9");
	GATE_WAIT(stage, stage->taken_count == 3);
	gate_end(stage, 0, 4009);
	gate_ready(stage, 1);
	discord_gateway_caught_up(stage->bot.gateway, 0);
	gate_rest(stage);
	assert_int_equal(noted_seq(stage), 2); /* the old one's */
	take(stage, 2);
	GATE_WAIT(stage, noted_seq(stage) == 1);
	gate_close(stage);
}

/* A clock that ran an hour ahead and was put right: taken at its word, what is missed in the next hour would count as seen. */
static void test_seen_goes_back_with_the_clock(void **state)
{
	struct gate_stage *stage = gate_open();

	(void)state;
	stage->clock_off_ms = 3600000;
	discord_gateway_start(stage->bot.gateway);
	gate_ready(stage, 0);
	GATE_WAIT(stage, gate_note(stage, "shard/0"));
	stage->clock_off_ms = 0;
	assert_true(snowflake_ms(gate_shard(stage, 0)->seen) > clock_wall_ms() + 60000);
	discord_beat_now(gate_shard(stage, 0)); /* which is acknowledged */
	GATE_WAIT(stage, snowflake_ms(gate_shard(stage, 0)->seen) < clock_wall_ms());
	assert_true(snowflake_ms(gate_shard(stage, 0)->seen) > clock_wall_ms() - 10 * 60000);
	gate_close(stage);
}

/* The same while nothing ran: how much was missed is not known, so all is looked for that may be. */
static void test_seen_in_the_future_is_not_believed(void **state)
{
	struct gate_stage *stage = gate_open();
	char *note = mem_format("{\"shards\":1,\"seen\":\"%llu\"}",
				(unsigned long long)snowflake_at(clock_wall_ms() + 3600000));
	snowflake seen;

	(void)state;
	discord_gateway_recall(stage->bot.gateway, "shard/0", note);
	free(note);
	discord_gateway_start(stage->bot.gateway);
	gate_ready(stage, 0);
	seen = discord_gateway_seen(stage->bot.gateway, 0);
	assert_true(seen != 0); /* it is not the first start */
	assert_true(snowflake_ms(seen) < clock_wall_ms() - INT64_C(720) * 3600000);
	gate_close(stage);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_note_waits_for_commits),
		cmocka_unit_test(test_numbers_that_go_back),
		cmocka_unit_test(test_resumed_while_events_are_open),
		cmocka_unit_test(test_a_next_process_resumes),
		cmocka_unit_test(test_notes_that_are_of_no_use),
		cmocka_unit_test(test_notes_of_more_shards),
		cmocka_unit_test(test_again_and_in_order),
		cmocka_unit_test(test_interactions_do_not_wait),
		cmocka_unit_test(test_too_much_waits),
		cmocka_unit_test(test_stopped_while_events_are_open),
		cmocka_unit_test(test_a_catch_up_holds_the_note),
		cmocka_unit_test(test_seen_waits_for_what_is_open),
		cmocka_unit_test(test_seen_goes_back_with_the_clock),
		cmocka_unit_test(test_seen_in_the_future_is_not_believed),
		cmocka_unit_test(test_an_older_session_is_finished_first),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
