/* Requests that count as invalid (sheet 13.7) lead to a ban of the machine's whole address: they are counted, and what was
 * refused is not asked again for a while (pitfall 28). */
#include "stage_rest.h"

#define POST_1	"POST /channels/1/messages"
#define MISSING "{\"message\":\"Missing Permissions\",\"code\":50013}"

/* ---- 403 of a channel ---------------------------------------------------------------------------------------- */

static void test_a_403_is_remembered(void **state)
{
	static const struct {
		const char *body;
		enum discord_refusal refusal;
	} cases[] = {
		{ "{\"message\":\"Missing Access\",\"code\":50001}", DISCORD_NO_ACCESS },
		{ MISSING, DISCORD_NO_ACCESS },
		{ "{\"message\":\"Cannot send messages to this user\",\"code\":50007}", DISCORD_NO_DM },
		{ "{\"message\":\"no mutual guilds\",\"code\":50278}", DISCORD_NO_DM },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct wire_stage *stage = wire_open();
		struct wire_result first = wire_once(stage, POST_1, 403, "", cases[i].body), again = { 0 };

		wire_ask(stage, &again, POST_1);
		stage_loop_pass(100);
		assert_int_equal(stage->sent_count, 1);
		assert_int_equal(again.how, DISCORD_REFUSED);
		assert_int_equal(again.refusal, cases[i].refusal);
		assert_int_equal(again.refusal, first.refusal);
		assert_int_equal(again.status, 403);
		assert_int_equal(again.code, first.code);
		assert_string_equal(again.why, first.why);
		stage_loop_pass(REST_DENIED_MS); /* somebody may have granted it meanwhile */
		wire_once(stage, POST_1, 200, "", "{}");
		wire_close(stage);
	}
}

/* Of another channel, another route, or a text instead of a file nothing is known. */
static void test_only_that_is_remembered(void **state)
{
	struct wire_stage *stage = wire_open();
	struct wire_result result = { 0 };

	(void)state;
	wire_call(stage, &result,
		  (struct discord_call){
			  .method = "POST", .path = "/channels/1/messages", .file = "x", .file_len = 1 },
		  NULL);
	stage_loop_pass(0);
	wire_answer(stage, 0, 403, "", MISSING);
	wire_once(stage, POST_1, 403, "", MISSING);
	wire_once(stage, "POST /channels/2/messages", 200, "", "{}");
	wire_once(stage, "PATCH /channels/1/messages/5", 200, "", "{}");
	wire_once(stage, "GET /channels/1/messages?limit=3", 200, "", "{}");
	wire_close(stage);
}

/* These are about the request or the moment, not about the channel. */
static void test_what_is_not_remembered(void **state)
{
	static const struct {
		int status;
		const char *line, *body;
	} cases[] = {
		{ 403, POST_1, "{\"message\":\"x\",\"code\":0}" },
		{ 403, POST_1,
		  "{\"message\":\"Cannot edit a message authored by another user\",\"code\":50005}" },
		{ 403, POST_1, "{\"message\":\"x\",\"code\":200000}" },
		{ 404, POST_1, "{\"message\":\"Unknown Channel\",\"code\":10003}" },
		{ 400, POST_1, MISSING },
		{ 403, "POST /users/@me/channels", "{\"message\":\"x\",\"code\":50007}" },
		{ 403, "GET /guilds/5/members/6", "{\"message\":\"x\",\"code\":50001}" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct wire_stage *stage = wire_open();

		wire_once(stage, cases[i].line, cases[i].status, "", cases[i].body);
		wire_once(stage, cases[i].line, 200, "", "{}");
		wire_close(stage);
	}
}

/* Those that had lined up behind the first 403 don't go out either. */
static void test_those_in_line_are_not_asked(void **state)
{
	struct wire_stage *stage = wire_open();
	struct wire_result results[5] = { 0 };

	(void)state;
	for (int i = 0; i < 5; i++)
		wire_ask(stage, &results[i], POST_1);
	stage_loop_pass(0);
	wire_answer(stage, 0, 403, "", MISSING);
	stage_loop_pass(1000);
	assert_int_equal(stage->sent_count, 1);
	for (int i = 0; i < 5; i++)
		assert_int_equal(results[i].refusal, DISCORD_NO_ACCESS);
	wire_close(stage);
}

/* A why is cut where a character ends, and many channels take no more memory than is granted. */
static void test_the_memory_is_bounded(void **state)
{
	struct wire_stage *stage = wire_open();
	struct wire_result again = { 0 };
	char line[60];

	(void)state;
	for (int i = 1; i <= REST_DENIED_MAX + 10; i++) {
		snprintf(line, sizeof(line), "POST /channels/%d/messages", i);
		wire_once(stage, line, 403, "",
			  "{\"message\":"
			  "\"x\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9"
			  "\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9"
			  "\xc3\xa9"
			  "\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9"
			  "\xc3\xa9"
			  "\xc3\xa9\xc3\xa9\",\"code\":50013}");
		stage_loop_pass(25);
	}
	assert_int_equal(HASH_COUNT(stage->bot.lanes->denied.all), REST_DENIED_MAX);
	wire_ask(stage, &again, line);
	stage_loop_pass(100);
	assert_int_equal(again.refusal, DISCORD_NO_ACCESS);
	assert_int_equal(strlen(again.why), 63);
	wire_close(stage);
}

/* ---- the count ------------------------------------------------------------------------------------------------- */

static void test_what_counts(void **state)
{
	static const struct {
		int status;
		const char *headers, *body;
		unsigned counts;
	} cases[] = {
		{ 401, "", "{\"message\":\"401: Unauthorized\",\"code\":0}", 1 },
		{ 403, "", MISSING, 1 },
		{ 403, "", "<html>", 1 },
		{ 429, "", "{\"retry_after\":0.1}", 1 },
		{ 429, "", "error code: 1015", 1 },
		{ 429, "X-RateLimit-Scope: global\n", "{\"retry_after\":0.1,\"global\":true}", 1 },
		{ 429, "X-RateLimit-Scope: shared\n", "{\"retry_after\":0.1}", 0 },
		{ 404, "", "{\"message\":\"Unknown Message\",\"code\":10008}", 0 },
		{ 400, "", "{\"message\":\"x\",\"code\":50035}", 0 },
		{ 500, "", "", 0 },
		{ 200, "", "{}", 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct wire_stage *stage = wire_open();

		wire_once(stage, POST_1, cases[i].status, cases[i].headers, cases[i].body);
		assert_int_equal(rest_invalid_recent(stage->bot.lanes, stage_loop_now()), cases[i].counts);
		wire_close(stage);
	}
}

/* Those of the last ten minutes count, and of some seconds more; older ones don't. */
static void test_ten_minutes(void **state)
{
	struct wire_stage *stage = wire_open();
	struct discord_lanes *lanes = stage->bot.lanes;
	uint64_t minute = REST_INVALID_SLOT_MS;

	(void)state;
	for (uint64_t i = 0; i < 30; i++) {
		for (uint64_t j = 0; j <= i; j++)
			rest_invalid_count(lanes, i * minute + minute - 1);
		if (i >= 10) /* of the last eleven minutes: i + 1, i, ... i - 9 */
			assert_int_equal(rest_invalid_recent(lanes, i * minute + minute - 1), 11 * i - 44);
	}
	assert_true(rest_invalid_recent(lanes, 30 * minute + 9 * minute) >= 30);
	assert_int_equal(rest_invalid_recent(lanes, 30 * minute + 10 * minute), 0);
	assert_int_equal(rest_invalid_recent(lanes, 1000 * minute), 0);
	rest_invalid_count(lanes, 1000 * minute);
	assert_int_equal(rest_invalid_recent(lanes, 1000 * minute), 1);
	wire_close(stage);
}

static void count_many(struct wire_stage *stage, unsigned count)
{
	while (rest_invalid_recent(stage->bot.lanes, stage_loop_now()) < count)
		rest_invalid_count(stage->bot.lanes, stage_loop_now());
}

/* From 1,000 on signs of life are left out, from 5,000 on everything waits, until the minutes have passed. */
static void test_slower_and_slower(void **state)
{
	struct wire_stage *stage = wire_open();
	struct wire_result sign = { 0 }, said = { 0 }, interaction = { 0 };

	(void)state;
	count_many(stage, REST_INVALID_SLOW - 1);
	wire_drop(stage, &sign, "POST /channels/1/typing");
	stage_loop_pass(100);
	assert_int_equal(stage->sent_count, 1);
	wire_ok(stage, 0, "");
	count_many(stage, REST_INVALID_SLOW);
	wire_drop(stage, &sign, "POST /channels/1/typing");
	wire_ask(stage, &said, POST_1);
	stage_loop_pass(100);
	assert_int_equal(sign.how, DISCORD_LIMITED);
	assert_int_equal(stage->sent_count, 2);
	wire_ok(stage, 1, "");
	count_many(stage, REST_INVALID_STOP);
	wire_ask(stage, &said, POST_1);
	wire_call(stage, &interaction,
		  (struct discord_call){
			  .method = "POST", .path = "/interactions/1/abc/callback", .no_token = true },
		  "{}");
	stage_loop_pass(100);
	assert_int_equal(said.how, DISCORD_LIMITED);
	assert_int_equal(said.retry_ms, REST_INVALID_SLOT_MS);
	assert_int_equal(interaction.how, DISCORD_LIMITED);
	assert_int_equal(stage->sent_count, 2);
	stage_loop_pass((uint64_t)REST_INVALID_SLOTS * REST_INVALID_SLOT_MS);
	wire_once(stage, POST_1, 200, "", "{}");
	wire_close(stage);
}

/* What stands in line when the count is reached waits for room as for anything else: ten minutes at most. */
static void test_those_in_line_wait(void **state)
{
	struct wire_stage *stage = wire_open();
	struct wire_result first = { 0 }, second = { 0 };

	(void)state;
	wire_ask(stage, &first, POST_1);
	wire_call(stage, &second,
		  (struct discord_call){
			  .method = "POST", .path = "/channels/1/messages", .wait_ms = REST_WAIT_MAX_MS },
		  NULL);
	stage_loop_pass(0);
	count_many(stage, REST_INVALID_STOP);
	stage_loop_pass(300000);
	wire_ok(stage, 0, "");
	stage_loop_pass(200000);
	assert_int_equal(stage->sent_count, 1);
	stage_loop_pass(200000);
	assert_int_equal(second.how, DISCORD_LIMITED); /* ten minutes are the most */
	assert_int_equal(second.count, 1);
	wire_close(stage);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_403_is_remembered),
		cmocka_unit_test(test_only_that_is_remembered),
		cmocka_unit_test(test_what_is_not_remembered),
		cmocka_unit_test(test_those_in_line_are_not_asked),
		cmocka_unit_test(test_the_memory_is_bounded),
		cmocka_unit_test(test_what_counts),
		cmocka_unit_test(test_ten_minutes),
		cmocka_unit_test(test_slower_and_slower),
		cmocka_unit_test(test_those_in_line_wait),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
