/* What 429 pauses, and for how long (sheet 13, steps 4, 5 and 8); a door that is shut for all. */
#include "stage_rest.h"

#define POST_1 "POST /channels/1/messages"
#define POST_2 "POST /channels/2/messages"
#define EDIT_1 "PATCH /channels/1/messages/5"

#define LIMITED_BODY(after, global)                                                                          \
	"{\"message\":\"You are being rate limited.\",\"retry_after\":" after ",\"global\":" global "}"

/* retry_after is in seconds, with a fraction (pitfall 15); nothing is repeated, the bucket rests, others go on. */
static void test_429_of_a_bucket(void **state)
{
	struct wire_stage *stage = wire_open();
	struct wire_result same = { 0 }, other = { 0 }, result;
	uint64_t from;

	(void)state;
	result = wire_once(stage, POST_1, 429,
			   "X-RateLimit-Scope: user\nX-RateLimit-Bucket: abc\nRetry-After: 65\n",
			   LIMITED_BODY("1.337", "false"));
	from = stage_loop_now();
	assert_int_equal(result.how, DISCORD_LIMITED);
	assert_int_equal(result.retry_ms, 1337 + REST_MORE_MS);
	wire_ask(stage, &same, POST_1);
	wire_ask(stage, &other, POST_2);
	stage_loop_pass(5000);
	assert_int_equal(stage->sent_count, 3);
	assert_non_null(strstr(stage->sent[1].url, "/channels/2/"));
	assert_true(stage->sent[2].at == from + 1337 + REST_MORE_MS);
	wire_close(stage);
}

static void test_429_of_the_whole_bot(void **state)
{
	static const struct {
		const char *headers, *body;
	} cases[] = {
		{ "X-RateLimit-Global: true\n", LIMITED_BODY("2.0", "true") },
		{ "X-RateLimit-Scope: global\n", LIMITED_BODY("2.0", "false") },
		{ "", LIMITED_BODY("2.0", "true") },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct wire_stage *stage = wire_open();
		struct wire_result other = { 0 }, answer = { 0 };
		uint64_t from;

		wire_once(stage, POST_1, 429, cases[i].headers, cases[i].body);
		from = stage_loop_now();
		wire_ask(stage, &other, POST_2);
		wire_call(stage, &answer,
			  (struct discord_call){ .method = "PATCH",
						 .path = "/webhooks/1/abc/messages/@original",
						 .no_token = true },
			  "{}");
		stage_loop_pass(5000);
		assert_int_equal(stage->sent_count, 3);
		assert_non_null(strstr(stage->sent[1].url, "/webhooks/")); /* has limits of its own */
		assert_true(stage->sent[2].at == from + 2000 + REST_MORE_MS);
		wire_close(stage);
	}
}

/* With a shared limit Reset-After is about something else, and the headers' bucket is not ours to learn. */
static void test_429_shared(void **state)
{
	struct wire_stage *stage = wire_open();
	struct wire_result same = { 0 };
	uint64_t from;

	(void)state;
	wire_once(stage, POST_1, 429,
		  "X-RateLimit-Scope: shared\nX-RateLimit-Bucket: abc\nX-RateLimit-Limit: 5\n"
		  "X-RateLimit-Remaining: 0\nX-RateLimit-Reset-After: 8\n",
		  LIMITED_BODY("0.5", "false"));
	from = stage_loop_now();
	assert_string_equal(stage->bot.lanes->routes->hash, "");
	assert_int_equal(rest_invalid_recent(stage->bot.lanes, from), 0);
	wire_ask(stage, &same, POST_1);
	stage_loop_pass(5000);
	assert_true(stage->sent[1].at == from + 500 + REST_MORE_MS);
	wire_close(stage);
}

/* Cloudflare shuts the door for the whole address, interactions too, and speaks HTML. */
static void test_blocked_at_the_door(void **state)
{
	static const struct {
		int status;
		const char *headers, *body;
		unsigned wait;
	} cases[] = {
		{ 429, "Retry-After: 7\n", "<html>error code: 1015</html>", 7000 + REST_MORE_MS },
		{ 429, "", "error code: 1015", REST_BLOCKED_MS },
		{ 403, "", "<!DOCTYPE html>", REST_BLOCKED_MS },
		{ 403, "", "{\"message\":\"internal network error\",\"code\":40333}", REST_BLOCKED_MS },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct wire_stage *stage = wire_open();
		struct wire_result other = { 0 }, result;
		uint64_t from;

		result = wire_once(stage, POST_1, cases[i].status, cases[i].headers, cases[i].body);
		from = stage_loop_now();
		assert_int_equal(result.how, DISCORD_LIMITED);
		assert_int_equal(result.retry_ms, cases[i].wait);
		wire_call(stage, &other,
			  (struct discord_call){ .method = "POST",
						 .path = "/interactions/1/abc/callback",
						 .no_token = true,
						 .wait_ms = 120000 },
			  "{}");
		stage_loop_pass(120000);
		assert_int_equal(stage->sent_count, 2);
		assert_true(stage->sent[1].at == from + cases[i].wait);
		wire_close(stage);
	}
}

static void test_for_how_long(void **state)
{
	static const struct {
		const char *headers, *body;
		unsigned ms;
	} cases[] = {
		{ "", LIMITED_BODY("64.57", "false"), 64570 + REST_MORE_MS },
		{ "", LIMITED_BODY("3", "false"), 3000 + REST_MORE_MS },
		{ "", LIMITED_BODY("0", "false"), REST_MORE_MS },
		{ "Retry-After: 4\n", LIMITED_BODY("-1", "false"), 4000 + REST_MORE_MS },
		{ "Retry-After: 4\n", LIMITED_BODY("\"9\"", "false"), 4000 + REST_MORE_MS },
		{ "", "{\"message\":\"slow down\"}", REST_RETRY_MS },
		{ "", LIMITED_BODY("1e300", "false"), REST_RETRY_MAX_MS },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct wire_stage *stage = wire_open();
		struct wire_result result = wire_once(stage, POST_1, 429, cases[i].headers, cases[i].body);

		assert_int_equal(result.how, DISCORD_LIMITED);
		assert_int_equal(result.retry_ms, cases[i].ms);
		wire_close(stage);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_429_of_a_bucket), cmocka_unit_test(test_429_of_the_whole_bot),
		cmocka_unit_test(test_429_shared),	cmocka_unit_test(test_blocked_at_the_door),
		cmocka_unit_test(test_for_how_long),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
