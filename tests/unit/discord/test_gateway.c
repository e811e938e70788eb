/* All shards of a bot: how many, who may identify, what the operator is told (sheet 4, 8). */
#include "stage_gateway.h"

/* ---- the budget ------------------------------------------------------------------------------------------------- */

static void test_counted_before_it_goes_out(void **state)
{
	struct gate_stage *stage = gate_open();

	(void)state;
	stage->silent_notes = true;
	discord_gateway_start(stage->bot.gateway);
	GATE_WAIT(stage, stage->socket_count == 1 && gate_shard(stage, 0)->state == SHARD_QUEUED);
	gate_rest(stage);
	assert_int_equal(stage->sockets[0].count, 0); /* after a crash now, it would not be known of */
	gate_close(stage);
}

static void test_count_is_durable(void **state)
{
	struct gate_stage *stage = gate_connected();
	json_t *note;

	(void)state;
	note = json_read(gate_note(stage, "identifies"), strlen(gate_note(stage, "identifies")), NULL);
	assert_int_equal(json_int(note, "count", 0), 1);
	assert_true(json_int(note, "since", 0) > 1600000000000);
	json_decref(note);
	gate_close(stage);
}

/* A crash loop must not cost the bot its token (pitfall 14). */
static void test_budget_of_a_day(void **state)
{
	struct gate_stage *stage = gate_open();
	char *note = mem_format("{\"since\":%lld,\"count\":500}", (long long)clock_wall_ms() - 1000);

	(void)state;
	assert_true(discord_gateway_recall(stage->bot.gateway, "identifies", note));
	assert_false(discord_gateway_recall(stage->bot.gateway, "commands", "x"));
	free(note);
	discord_gateway_start(stage->bot.gateway);
	GATE_WAIT(stage, strstr(stage->link_why, "identifies_a_day"));
	assert_int_equal(stage->link, LINK_CONNECTING);
	gate_rest(stage);
	assert_int_equal(stage->socket_count, 0);
	gate_close(stage);
}

static void test_budget_is_new_after_a_day(void **state)
{
	struct gate_stage *stage = gate_open();
	char *note = mem_format("{\"since\":%lld,\"count\":500}", (long long)clock_wall_ms() - 86400001);

	(void)state;
	discord_gateway_recall(stage->bot.gateway, "identifies", note);
	free(note);
	discord_gateway_start(stage->bot.gateway);
	gate_ready(stage, 0);
	gate_close(stage);
}

static void test_the_platform_s_own_limit(void **state)
{
	struct gate_stage *stage = gate_open();

	(void)state;
	stage->remaining = 0;
	stage->reset_after = 300;
	discord_gateway_start(stage->bot.gateway);
	GATE_WAIT(stage, strstr(stage->link_why, "allows no more sessions"));
	assert_int_equal(stage->socket_count, 0);
	gate_ready(stage, 0); /* once that is over */
	assert_int_equal(stage->link, LINK_UP);
	gate_close(stage);
}

static void test_not_counted_not_sent(void **state)
{
	struct gate_stage *stage = gate_open();

	(void)state;
	stage->refuse_notes = 1;
	discord_gateway_start(stage->bot.gateway);
	gate_said(stage, 0, OP_IDENTIFY); /* on the second try */
	assert_non_null(gate_note(stage, "identifies"));
	gate_close(stage);
}

/* ---- several shards ------------------------------------------------------------------------------------------------ */

static size_t socket_of(struct gate_stage *stage, int shard, size_t from)
{
	size_t found = GATE_SOCKETS;

	GATE_WAIT(stage, ({
			  for (size_t i = from; i < stage->socket_count; i++)
				  if (stage->sockets[i].count > 0 &&
				      json_integer_value(json_pointer(stage->sockets[i].texts[0],
								      "/d/shard/0")) == shard)
					  found = i;
			  found < GATE_SOCKETS;
		  }));
	return found;
}

static struct gate_stage *three_connected(size_t sockets[3])
{
	struct gate_stage *stage = gate_open();

	stage->shards = 3;
	discord_gateway_start(stage->bot.gateway);
	for (int i = 0; i < 3; i++) {
		sockets[i] = socket_of(stage, i, 0);
		assert_int_equal(
			json_integer_value(json_pointer(stage->sockets[sockets[i]].texts[0], "/d/shard/1")),
			3);
		gate_ready(stage, sockets[i]);
	}
	return stage;
}

static void test_shards_are_apart(void **state)
{
	size_t sockets[3];
	struct gate_stage *stage = three_connected(sockets);

	(void)state;
	assert_int_equal(stage->link, LINK_UP);
	gate_end(stage, sockets[1], 4009);
	GATE_WAIT(stage, stage->link == LINK_CONNECTING);
	assert_non_null(strstr(stage->link_why, "2 of 3 shards"));
	gate_message(stage, sockets[0], 2, "9");
	gate_message(stage, sockets[2], 2, "9");
	GATE_WAIT(stage, stage->taken_count == 5);
	assert_int_equal(stage->downs, 0);
	gate_ready(stage, socket_of(stage, 1, 3));
	assert_int_equal(stage->link, LINK_UP);
	assert_non_null(stage->sockets[sockets[0]].socket);
	assert_non_null(stage->sockets[sockets[2]].socket);
	gate_close(stage);
}

static void test_buckets_identify_together(void **state)
{
	struct gate_stage *stage = gate_open();

	(void)state;
	stage->shards = stage->concurrency = 4;
	stage->bot.gateway->times.bucket =
		20000; /* of one bucket, the second would not come in this test's time */
	discord_gateway_start(stage->bot.gateway);
	for (int i = 0; i < 4; i++)
		gate_ready(stage, socket_of(stage, i, 0));
	assert_int_equal(stage->link, LINK_UP);
	gate_close(stage);
}

static unsigned queued(struct gate_stage *stage)
{
	unsigned count = 0;

	for (unsigned i = 0; i < stage->bot.gateway->count; i++)
		count += gate_shard(stage, i)->state == SHARD_QUEUED;
	return count;
}

static void test_a_bucket_identifies_one_by_one(void **state)
{
	struct gate_stage *stage = gate_open();

	(void)state;
	stage->shards = 3;
	stage->bot.gateway->times.bucket = 20000;
	discord_gateway_start(stage->bot.gateway);
	GATE_WAIT(stage, stage->texts == 1 && queued(stage) == 2);
	gate_rest(stage);
	assert_int_equal(stage->texts, 1);
	gate_close(stage);
}

/* Killed a moment after its very first READY, it must know that what was said since is to be read. */
static void test_first_note(void **state)
{
	struct gate_stage *stage = gate_open();

	(void)state;
	stage->bot.gateway->times.remember = 600000;
	discord_gateway_start(stage->bot.gateway);
	gate_ready(stage, 0);
	GATE_WAIT(stage, gate_note(stage, "shard/0"));
	assert_non_null(strstr(gate_note(stage, "shard/0"), "\"session\""));
	assert_non_null(strstr(gate_note(stage, "shard/0"), "\"seen\""));
	gate_close(stage);
}

static void test_more_shards_are_needed(void **state)
{
	struct gate_stage *stage = gate_connected();

	(void)state;
	GATE_WAIT(stage, gate_note(stage, "shard/0"));
	stage->shards = 2;
	gate_end(stage, 0, 4011);
	gate_ready(stage, socket_of(stage, 0, 1));
	gate_ready(stage, socket_of(stage, 1, 1));
	assert_int_equal(stage->asked, 2);
	assert_int_equal(stage->bot.gateway->count, 2);
	assert_int_equal(stage->link, LINK_UP);
	assert_int_equal(stage->deads, 0);
	assert_true(gate_shard(stage, 1)->seen != 0); /* guilds moved: what was missed is read from then on */
	gate_close(stage);
}

static void test_a_fixed_number_of_shards(void **state)
{
	struct gate_stage *stage = gate_open();

	(void)state;
	stage->bot.config.shards = 1;
	stage->shards = 5;
	discord_gateway_start(stage->bot.gateway);
	gate_ready(stage, 0);
	gate_end(stage, 0, 4011);
	GATE_WAIT(stage, stage->deads == 1);
	assert_non_null(strstr(stage->dead_why, "shards"));
	assert_int_equal(stage->asked, 1);
	gate_close(stage);
}

/* ---- asking, stopping ------------------------------------------------------------------------------------------------ */

static void test_asked_until_it_is_answered(void **state)
{
	struct gate_stage *stage = gate_open();

	(void)state;
	stage->answer = DISCORD_MAYBE;
	discord_gateway_start(stage->bot.gateway);
	GATE_WAIT(stage, stage->link == LINK_DOWN);
	assert_string_equal(stage->link_why, "the platform is away");
	stage->answer = DISCORD_OK;
	gate_ready(stage, 0);
	assert_int_equal(stage->link, LINK_UP);
	gate_close(stage);
}

static void test_a_dead_token(void **state)
{
	struct gate_stage *stage = gate_open();
	unsigned asked;

	(void)state;
	stage->answer = DISCORD_AUTH;
	discord_gateway_start(stage->bot.gateway);
	GATE_WAIT(stage, stage->bot.gateway->call == 0);
	asked = stage->asked;
	gate_rest(stage);
	assert_int_equal(stage->asked, asked);
	assert_true(discord_gateway_idle(stage->bot.gateway));
	gate_close(stage);
}

static void test_stopping_keeps_the_session(void **state)
{
	struct gate_stage *stage = gate_connected();

	(void)state;
	gate_message(stage, 0, 7, "9");
	GATE_WAIT(stage, stage->taken_count == 2);
	discord_gateway_stop(stage->bot.gateway, false);
	GATE_WAIT(stage, stage->settled > 0);
	assert_true(discord_gateway_idle(stage->bot.gateway));
	GATE_WAIT(stage, !stage->sockets[0].socket);
	assert_int_equal(stage->sockets[0].code, 4200);
	assert_non_null(strstr(gate_note(stage, "shard/0"), "\"session\":\"session1\""));
	assert_non_null(strstr(gate_note(stage, "shard/0"), "\"seq\":7"));
	discord_gateway_start(stage->bot.gateway);
	assert_int_equal(json_int(gate_said(stage, 1, OP_RESUME), "seq", 0), 7);
	gate_close(stage);
}

static void test_stopping_for_good(void **state)
{
	struct gate_stage *stage = gate_connected();

	(void)state;
	discord_gateway_stop(stage->bot.gateway, true);
	GATE_WAIT(stage, stage->settled > 0);
	GATE_WAIT(stage, !stage->sockets[0].socket);
	assert_int_equal(stage->sockets[0].code, 1000);
	assert_null(strstr(gate_note(stage, "shard/0"), "session1"));
	discord_gateway_start(stage->bot.gateway);
	gate_ready(stage, 1);
	gate_close(stage);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_counted_before_it_goes_out),
		cmocka_unit_test(test_count_is_durable),
		cmocka_unit_test(test_budget_of_a_day),
		cmocka_unit_test(test_budget_is_new_after_a_day),
		cmocka_unit_test(test_the_platform_s_own_limit),
		cmocka_unit_test(test_not_counted_not_sent),
		cmocka_unit_test(test_shards_are_apart),
		cmocka_unit_test(test_buckets_identify_together),
		cmocka_unit_test(test_a_bucket_identifies_one_by_one),
		cmocka_unit_test(test_first_note),
		cmocka_unit_test(test_more_shards_are_needed),
		cmocka_unit_test(test_a_fixed_number_of_shards),
		cmocka_unit_test(test_asked_until_it_is_answered),
		cmocka_unit_test(test_a_dead_token),
		cmocka_unit_test(test_stopping_keeps_the_session),
		cmocka_unit_test(test_stopping_for_good),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
