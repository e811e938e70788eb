/* What becomes of a session when its connection ends (sheet 6.4, 7). */
#include "stage_gateway.h"

static void test_every_close_code(void **state)
{
	static const struct {
		int code, then; /* OP_RESUME, OP_IDENTIFY, -1: nothing more */
	} rows[] = {
		{ 1000, OP_IDENTIFY }, { 1001, OP_RESUME },   { 4000, OP_RESUME },   { 4001, OP_RESUME },
		{ 4002, OP_RESUME },   { 4003, OP_IDENTIFY }, { 4004, -1 },	     { 4005, OP_IDENTIFY },
		{ 4007, OP_IDENTIFY }, { 4008, OP_RESUME },   { 4009, OP_IDENTIFY }, { 4010, -1 },
		{ 4012, -1 },	       { 4013, -1 },	      { 4014, -1 },	     { 4999, OP_RESUME },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct gate_stage *stage = gate_connected();

		gate_end(stage, 0, rows[i].code);
		if (rows[i].then > 0) {
			gate_said(stage, 1, rows[i].then);
			assert_int_equal(stage->deads, 0);
			assert_string_equal(stage->sockets[1].path,
					    rows[i].then == OP_RESUME ? "resume" : "main");
			(rows[i].then == OP_RESUME ? gate_resumed : gate_ready)(stage, 1);
			assert_int_equal(stage->link, LINK_UP);
		} else {
			GATE_WAIT(stage, stage->deads == 1);
			assert_string_equal(stage->dead_why, discord_close_code(rows[i].code)->help);
			gate_rest(stage);
			assert_int_equal(stage->socket_count, 1);
			assert_true(discord_gateway_idle(stage->bot.gateway));
		}
		gate_close(stage);
	}
}

static void test_cut_connections_are_resumed(void **state)
{
	struct gate_stage *stage = gate_connected();

	(void)state;
	gate_end(stage, 0, 0); /* no code */
	gate_resumed(stage, 1);
	assert_int_equal(stage->link, LINK_UP);
	assert_int_equal(stage->deads, 0);
	gate_close(stage);
}

static void test_invalid_session(void **state)
{
	struct gate_stage *stage = gate_connected();

	(void)state;
	gate_send(stage, 0, "{\"op\":9,\"d\":true}");
	gate_said(stage, 1, OP_RESUME);
	gate_send(stage, 1,
		  "{\"op\":9,\"d\":false}"); /* asking again with the dead session would never end */
	gate_said(stage, 2, OP_IDENTIFY);
	assert_string_equal(stage->sockets[2].path, "main");
	gate_send(stage, 2, "{\"op\":9,\"d\":false}"); /* too many at once */
	gate_ready(stage, 3);
	assert_int_equal(stage->link, LINK_UP);
	assert_int_equal(stage->socket_count, 4);
	gate_close(stage);
}

/* A session that can't be resumed is given up after three attempts (pitfall 2). */
static void test_resuming_ends(void **state)
{
	struct gate_stage *stage = gate_connected();

	(void)state;
	gate_end(stage, 0, 4000);
	gate_said(stage, 1, OP_RESUME);
	stage->bot.gateway->times.resumed = 100;
	gate_end(stage, 1, 4000);
	gate_said(stage, 2, OP_RESUME); /* unanswered */
	stage->bot.gateway->times.resumed = 20000;
	gate_said(stage, 3, OP_RESUME);
	gate_send(stage, 3, "{\"op\":9,\"d\":true}");
	gate_ready(stage, 4);
	assert_int_equal(stage->sessions, 2);
	gate_close(stage);
}

static void test_unknown_code_is_tried_once(void **state)
{
	struct gate_stage *stage = gate_connected();

	(void)state;
	gate_end(stage, 0, 4321);
	gate_said(stage, 1, OP_RESUME);
	gate_end(stage, 1, 4321);
	gate_said(stage, 2, OP_IDENTIFY);
	gate_close(stage);
}

/* However often it failed: somebody waits for an answer (pitfall 3). */
static void test_pauses_are_bounded(void **state)
{
	static const unsigned failures[] = { 0, 3, 6, 40, 100000 };
	static const uint64_t middle[] = { 1000, 8000, 60000, 60000, 60000 };

	(void)state;
	for (size_t i = 0; i < sizeof(failures) / sizeof(*failures); i++) {
		struct gate_stage *stage = gate_connected();
		struct shard *shard = gate_shard(stage, 0);

		stage->bot.gateway->times.first = discord_gateway_times.first;
		stage->bot.gateway->times.longest = discord_gateway_times.longest;
		shard->failures = failures[i];
		discord_shard_again(shard, 0, "on demand");
		assert_in_range(shard->pause, middle[i] * 7 / 10, middle[i] * 13 / 10);
		gate_close(stage);
	}
}

/* One address that leads nowhere must not keep us from the session: every other attempt goes to the main one. */
static void test_the_other_address(void **state)
{
	struct gate_stage *stage = gate_connected();

	(void)state;
	stage->no_upgrade = true;
	gate_end(stage, 0, 4000);
	GATE_WAIT(stage, stage->socket_count == 5);
	stage->no_upgrade = false;
	assert_string_equal(stage->sockets[1].path, "resume");
	assert_string_equal(stage->sockets[2].path, "main");
	assert_string_equal(stage->sockets[3].path, "resume");
	assert_string_equal(stage->sockets[4].path, "main");
	gate_resumed(stage, 5); /* attempts that did not get that far don't count against the session */
	assert_int_equal(stage->link, LINK_UP);
	gate_close(stage);
}

static void test_a_new_session_begins_anew(void **state)
{
	struct gate_stage *stage = gate_connected();
	struct shard *shard = gate_shard(stage, 0);

	(void)state;
	gate_message(stage, 0, 500, "9");
	GATE_WAIT(stage, shard->seq == 500);
	gate_end(stage, 0, 4009);
	gate_ready(stage, 1);
	assert_int_equal(shard->seq, 1);
	assert_string_equal(shard->session, "session2");
	gate_close(stage);
}

static void test_addresses_without_tls(void **state)
{
	struct gate_stage *stage = gate_connected();

	(void)state;
	free(gate_shard(stage, 0)->resume_url);
	gate_shard(stage, 0)->resume_url = mem_text("ws://gateway.example");
	gate_end(stage, 0, 4000);
	gate_resumed(stage, 1);
	assert_string_equal(stage->sockets[1].path, "main"); /* no token went there */
	gate_close(stage);
}

/* READY names a host of somebody else: the session is resumed where it began, and nothing is asked there. */
static void test_an_address_of_others(void **state)
{
	struct gate_stage *stage = gate_connected();
	struct shard *shard = gate_shard(stage, 0);

	(void)state;
	free(shard->resume_url);
	shard->resume_url = mem_text("wss://gateway.example");
	gate_end(stage, 0, 4000);
	gate_resumed(stage, 1);
	assert_string_equal(stage->sockets[1].path, "main");
	assert_int_equal(shard->failures, 1); /* the close itself, and no attempt elsewhere */
	gate_close(stage);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_close_code),
		cmocka_unit_test(test_cut_connections_are_resumed),
		cmocka_unit_test(test_invalid_session),
		cmocka_unit_test(test_resuming_ends),
		cmocka_unit_test(test_unknown_code_is_tried_once),
		cmocka_unit_test(test_pauses_are_bounded),
		cmocka_unit_test(test_the_other_address),
		cmocka_unit_test(test_a_new_session_begins_anew),
		cmocka_unit_test(test_addresses_without_tls),
		cmocka_unit_test(test_an_address_of_others),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
