/* The platform's rate limits (sheet 13): each bucket's order and budget, and what never has to wait. */
#include "stage_rest.h"

#define POST_1 "POST /channels/1/messages"
#define POST_2 "POST /channels/2/messages"
#define EDIT_1 "PATCH /channels/1/messages/5"

/* ---- what a path is to the limits (step 1) ------------------------------------------------------------------- */

static void test_routes(void **state)
{
	static const struct {
		const char *method, *path, *route, *major, *secret;
		bool channel;
	} cases[] = {
		{ "POST", "/channels/123/messages", "POST /channels/:major/messages", "channels/123", NULL,
		  true },
		{ "PATCH", "/channels/123/messages/456", "PATCH /channels/:major/messages/:id",
		  "channels/123", NULL, true },
		{ "DELETE", "/channels/123/messages/456", "DELETE /channels/:major/messages/:id",
		  "channels/123", NULL, true },
		{ "GET", "/channels/123/messages?before=9&limit=2", "GET /channels/:major/messages",
		  "channels/123", NULL, true },
		{ "PUT", "/channels/123/messages/456/reactions/%F0%9F%91%80/@me",
		  "PUT /channels/:major/messages/:id/reactions", "channels/123", NULL, true },
		{ "POST", "/channels/1/messages/2/threads", "POST /channels/:major/messages/:id/threads",
		  "channels/1", NULL, true },
		{ "GET", "/guilds/77/members/88", "GET /guilds/:major/members/:id", "guilds/77", NULL,
		  false },
		{ "PATCH", "/webhooks/5/aW50/messages/@original",
		  "PATCH /webhooks/:major/:token/messages/@original", "webhooks/5/aW50", "aW50", false },
		{ "POST", "/webhooks/5/aW50?wait=true", "POST /webhooks/:major/:token", "webhooks/5/aW50",
		  "aW50", false },
		{ "POST", "/interactions/6/bXY/callback", "POST /interactions/:major/:token/callback",
		  "interactions/6/bXY", "bXY", false },
		{ "PUT", "/applications/7/commands", "PUT /applications/:id/commands", "", NULL, false },
		{ "PUT", "/applications/7/guilds/8/commands", "PUT /applications/:id/guilds/:id/commands", "",
		  NULL, false },
		{ "POST", "/users/@me/channels", "POST /users/@me/channels", "", NULL, false },
		{ "GET", "/gateway/bot", "GET /gateway/bot", "", NULL, false },
		{ "GET", "/channels", "GET /channels", "", NULL, false },
		{ "GET", "/channels/@me", "GET /channels/@me", "", NULL, false },
		{ "GET", "", "GET ", "", NULL, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct rest_name name = rest_name_of(cases[i].method, cases[i].path);

		assert_string_equal(name.route, cases[i].route);
		assert_string_equal(name.major, cases[i].major);
		assert_int_equal(name.channel, cases[i].channel);
		if (cases[i].secret)
			assert_string_equal(name.secret, cases[i].secret);
		else
			assert_null(name.secret);
		rest_name_finish(&name);
	}
}

/* ---- one after the other (step 2) ------------------------------------------------------------------------------ */

/* The parts of an answer must stand in the channel in their order. */
static void test_one_after_the_other_in_a_channel(void **state)
{
	struct wire_stage *stage = wire_open();
	struct wire_result results[3] = { 0 }, other = { 0 };

	(void)state;
	for (int i = 0; i < 3; i++)
		wire_ask(stage, &results[i], POST_1);
	wire_ask(stage, &other, POST_2);
	stage_loop_pass(1000);
	assert_int_equal(stage->sent_count, 2); /* the first of each channel */
	assert_non_null(strstr(stage->sent[1].url, "/channels/2/"));
	wire_fail(stage, 0, HTTP_MAYBE, "cut off"); /* also when it failed */
	assert_int_equal(stage->sent_count, 3);
	wire_ok(stage, 2, "");
	wire_ok(stage, 3, "");
	assert_true(results[0].order < results[1].order && results[1].order < results[2].order);
	wire_ok(stage, 1, "");
	wire_close(stage);
}

/* That two routes share a bucket is known from the answers only. */
static void test_routes_of_one_bucket_share_a_lane(void **state)
{
	struct wire_stage *stage = wire_open();
	struct wire_result a = { 0 }, b = { 0 }, c = { 0 };

	(void)state;
	wire_ask(stage, &a, POST_1);
	wire_ask(stage, &b, EDIT_1);
	stage_loop_pass(1000);
	assert_int_equal(stage->sent_count, 2); /* nobody knows yet */
	wire_ok(stage, 0, "X-RateLimit-Bucket: abc\n");
	wire_ok(stage, 1, "X-RateLimit-Bucket: abc\n");
	wire_ask(stage, &a, POST_1);
	wire_ask(stage, &b, EDIT_1);
	wire_ask(stage, &c, POST_2);
	stage_loop_pass(1000);
	assert_int_equal(stage->sent_count, 4); /* the other channel, and one of the two */
	assert_string_equal(stage->sent[2].method, "POST");
	wire_ok(stage, 2, "X-RateLimit-Bucket: abc\n");
	assert_int_equal(stage->sent_count, 5);
	wire_close(stage);
}

/* When the bucket comes out, calls that had lined up by route keep their order, also with one under way. */
static void test_order_is_kept_when_the_bucket_comes_out(void **state)
{
	struct wire_stage *stage = wire_open();
	struct wire_result x = { 0 }, y[3] = { 0 };

	(void)state;
	wire_ask(stage, &x, POST_2);
	wire_ask(stage, &y[0], POST_1);
	wire_ask(stage, &y[1], POST_1);
	stage_loop_pass(1000);
	assert_int_equal(stage->sent_count, 2);
	wire_ok(stage, 0, "X-RateLimit-Bucket: abc\n");
	wire_ask(stage, &y[2], POST_1);
	stage_loop_pass(1000);
	assert_int_equal(stage->sent_count, 2); /* y[0] is under way still */
	wire_ok(stage, 1, "X-RateLimit-Bucket: abc\n");
	wire_ok(stage, 2, "X-RateLimit-Bucket: other\n"); /* it moves again */
	assert_int_equal(stage->sent_count, 4);
	wire_ok(stage, 3, "");
	assert_true(y[0].order < y[1].order && y[1].order < y[2].order);
	wire_close(stage);
}

/* Two lanes that turn out to be one: what came first goes first. */
static void test_lanes_that_become_one(void **state)
{
	struct wire_stage *stage = wire_open();
	struct wire_result r[6] = { 0 };

	(void)state;
	wire_ask(stage, &r[0], POST_1);
	wire_ask(stage, &r[1], EDIT_1);
	wire_ask(stage, &r[2], EDIT_1);
	wire_ask(stage, &r[3], POST_1);
	wire_ask(stage, &r[4], EDIT_1);
	wire_ask(stage, &r[5], POST_1);
	stage_loop_pass(1000);
	wire_ok(stage, 0, "X-RateLimit-Bucket: abc\n");
	wire_ok(stage, 1, "X-RateLimit-Bucket: abc\n"); /* r[3] is under way meanwhile */
	assert_int_equal(stage->sent_count, 3);
	for (size_t i = 2; i < 6; i++)
		wire_ok(stage, i, "X-RateLimit-Bucket: abc\n");
	assert_string_equal(stage->sent[2].method, "POST");
	assert_string_equal(stage->sent[3].method, "PATCH");
	assert_string_equal(stage->sent[4].method, "PATCH");
	assert_string_equal(stage->sent[5].method, "POST");
	for (int i = 0; i < 6; i++)
		assert_int_equal(r[i].count, 1);
	wire_close(stage);
}

/* A bucket's name is the platform's own: anything else is none. */
static void test_strange_bucket_names(void **state)
{
	static const char *const names[] = {
		"", "a|b", "a b", "0123456789012345678901234567890123456789012345678901234567890123456789"
	};
	struct wire_stage *stage = wire_open();

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		char *header = mem_format("X-RateLimit-Bucket: %s\n", names[i]);

		wire_once(stage, POST_1, 200, header, "{}");
		assert_string_equal(stage->bot.lanes->routes->hash, "");
		free(header);
	}
	wire_close(stage);
}

/* ---- the budget of a bucket (step 3) ------------------------------------------------------------------------------ */

#define LEFT(remaining, after)                                                                               \
	"X-RateLimit-Limit: 5\nX-RateLimit-Remaining: " remaining "\nX-RateLimit-Reset-After: " after "\n"

static void test_an_empty_bucket_waits_for_its_reset(void **state)
{
	struct wire_stage *stage = wire_open();
	struct wire_result same = { 0 }, other = { 0 };
	uint64_t from;

	(void)state;
	wire_once(stage, POST_1, 200, LEFT("0", "0.470"), "{}");
	from = stage_loop_now();
	wire_ask(stage, &same, POST_1);
	wire_ask(stage, &other, POST_2);
	stage_loop_pass(5000);
	assert_int_equal(stage->sent_count, 3);
	assert_true(stage->sent[1].at < from + 100); /* the other channel */
	assert_true(stage->sent[2].at == from + 470 + REST_MORE_MS);
	wire_close(stage);
}

static void test_a_bucket_with_something_in_it(void **state)
{
	struct wire_stage *stage = wire_open();
	struct wire_result result = { 0 };

	(void)state;
	wire_once(stage, POST_1, 200, LEFT("1", "4.0"), "{}");
	wire_ask(stage, &result, POST_1);
	stage_loop_pass(100);
	assert_int_equal(stage->sent_count, 2);
	wire_close(stage);
}

/* Headers that say nothing sensible never stop a channel for long. */
static void test_strange_headers(void **state)
{
	static const char *const headers[] = {
		LEFT("0", "nan"),
		LEFT("0", "-1"),
		LEFT("0", "1e9"),
		LEFT("x", "1000"),
		LEFT("0", ""),
		LEFT("", "9"),
		LEFT("0", "1.2.3"),
		"X-RateLimit-Remaining: 0\n",
		"X-RateLimit-Reset-After: 900\n",
	};
	struct wire_stage *stage = wire_open();
	struct wire_result result = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(headers) / sizeof(*headers); i++) {
		wire_once(stage, POST_1, 200, headers[i], "{}");
		stage_loop_pass(30);
	}
	wire_once(stage, POST_1, 200, LEFT("0", "99999999999999999999"), "{}");
	wire_call(stage, &result,
		  (struct discord_call){
			  .method = "POST", .path = "/channels/1/messages", .wait_ms = UINT32_MAX },
		  NULL);
	stage_loop_pass(REST_RESET_MAX_MS);
	assert_int_equal(result.how, DISCORD_LIMITED); /* longer than anybody waits */
	assert_in_range(result.retry_ms, REST_RESET_MAX_MS, REST_RESET_MAX_MS + REST_MORE_MS);
	stage_loop_pass(REST_MORE_MS);
	wire_once(stage, POST_1, 200, "", "{}");
	wire_close(stage);
}

/* A wait that is too long for the caller is told at once, with its length. */
static void test_too_long_a_wait(void **state)
{
	struct wire_stage *stage = wire_open();
	struct wire_result result = { 0 };

	(void)state;
	wire_once(stage, POST_1, 200, LEFT("0", "4.0"), "{}");
	wire_call(stage, &result,
		  (struct discord_call){ .method = "POST", .path = "/channels/1/messages", .wait_ms = 3000 },
		  NULL);
	stage_loop_pass(0);
	assert_int_equal(result.how, DISCORD_LIMITED);
	assert_int_equal(result.retry_ms, 4000 + REST_MORE_MS);
	assert_int_equal(stage->sent_count, 1);
	wire_close(stage);
}

/* One that stands behind a slow one is told when its time is over, and goes nowhere afterwards. */
static void test_behind_a_slow_one(void **state)
{
	struct wire_stage *stage = wire_open();
	struct wire_result slow = { 0 }, behind = { 0 };

	(void)state;
	wire_ask(stage, &slow, POST_1);
	wire_ask(stage, &behind, POST_1);
	stage_loop_pass(REST_WAIT_MS - 1);
	assert_int_equal(behind.count, 0);
	stage_loop_pass(1);
	assert_int_equal(behind.how, DISCORD_LIMITED);
	assert_true(behind.retry_ms >= REST_SOON_MS);
	wire_ok(stage, 0, "");
	assert_int_equal(stage->sent_count, 1);
	wire_close(stage);
}

/* Signs of life never stand in the way of what was said, and never wait. */
static void test_what_can_be_dropped(void **state)
{
	struct wire_stage *stage = wire_open();
	struct wire_result sign = { 0 }, said = { 0 };

	(void)state;
	wire_ask(stage, &said, EDIT_1);
	stage_loop_pass(0);
	wire_drop(stage, &sign, EDIT_1); /* something is under way */
	stage_loop_pass(0);
	assert_int_equal(sign.how, DISCORD_LIMITED);
	wire_ok(stage, 0, LEFT("1", "3.0"));
	wire_drop(stage, &sign, EDIT_1); /* the last one is not for it */
	stage_loop_pass(0);
	assert_int_equal(sign.count, 2);
	assert_int_equal(sign.how, DISCORD_LIMITED);
	assert_int_equal(sign.retry_ms, 3000 + REST_MORE_MS);
	assert_int_equal(stage->sent_count, 1);
	wire_ask(stage, &said, EDIT_1); /* but for this */
	stage_loop_pass(100);
	wire_ok(stage, 1, LEFT("2", "3.0"));
	wire_drop(stage, &sign, EDIT_1);
	stage_loop_pass(100);
	assert_int_equal(stage->sent_count, 3);
	wire_ok(stage, 2, "X-RateLimit-Limit: 1\nX-RateLimit-Remaining: 1\nX-RateLimit-Reset-After: 3\n");
	wire_drop(stage, &sign, EDIT_1); /* a bucket that never holds more */
	stage_loop_pass(100);
	assert_int_equal(stage->sent_count, 4);
	wire_close(stage);
}

/* ---- the whole bot (step 6) ------------------------------------------------------------------------------------------ */

/* 50 a second are granted to all processes together: we stay below by a margin, in every second. */
static void test_the_global_rate(void **state)
{
	enum { CALLS = 300 };
	struct wire_stage *stage = wire_open();
	static struct wire_result results[CALLS];

	(void)state;
	for (int i = 0; i < CALLS; i++) {
		char line[60];

		snprintf(line, sizeof(line), "POST /channels/%d/messages", i + 1);
		wire_ask(stage, &results[i], line);
	}
	stage_loop_pass(10000);
	assert_int_equal(stage->sent_count, CALLS);
	for (size_t i = 45; i < CALLS; i++)
		assert_true(stage->sent[i].at - stage->sent[i - 45].at >= 1000);
	assert_true(stage->sent[CALLS - 1].at - stage->sent[0].at < CALLS * 1000 / 38);
	wire_close(stage);
}

/* An interaction must be answered in three seconds, whatever else there is to do. */
static void test_interactions_do_not_wait_for_the_bot(void **state)
{
	struct wire_stage *stage = wire_open();
	struct wire_result many[100] = { 0 }, answer = { 0 };

	(void)state;
	for (int i = 0; i < 100; i++) {
		char line[60];

		snprintf(line, sizeof(line), "POST /channels/%d/messages", i + 1);
		wire_ask(stage, &many[i], line);
	}
	wire_call(stage, &answer,
		  (struct discord_call){
			  .method = "POST", .path = "/interactions/1/abc/callback", .no_token = true },
		  "{}");
	stage_loop_pass(0);
	assert_non_null(strstr(stage->sent[stage->sent_count - 1].url, "/interactions/"));
	assert_in_range(stage->sent_count, 2, REST_GLOBAL_BURST + 1);
	wire_close(stage);
}

/* ---- bounds --------------------------------------------------------------------------------------------------------------- */

/* A storm of calls takes no more memory than is granted, in number and in bytes. */
static void test_the_line_is_bounded(void **state)
{
	struct wire_stage *stage = wire_open();
	static struct wire_result results[REST_WAITING_MAX + 2];
	struct wire_result big = { 0 };
	char *file = mem_zero(1, DISCORD_UPLOAD_MAX);
	size_t full = 0;

	(void)state;
	memset(results, 0, sizeof(results));
	wire_ask(stage, &big, POST_1);
	stage_loop_pass(0);
	for (size_t i = 0; i < REST_WAITING_BYTES / DISCORD_UPLOAD_MAX + 1; i++)
		wire_call(stage, &results[i],
			  (struct discord_call){ .method = "POST",
						 .path = "/channels/1/messages",
						 .file = file,
						 .file_len = DISCORD_UPLOAD_MAX,
						 .wait_ms = 1000 },
			  NULL);
	stage_loop_pass(0);
	for (size_t i = 0; i < REST_WAITING_BYTES / DISCORD_UPLOAD_MAX + 1; i++)
		full += results[i].count && results[i].how == DISCORD_LIMITED;
	assert_int_equal(full, 2); /* with what stands beside each file, one less fits */
	stage_loop_pass(1000);
	memset(results, 0, sizeof(results));
	for (size_t i = 0; i < REST_WAITING_MAX + 2; i++)
		wire_ask(stage, &results[i], POST_1);
	stage_loop_pass(0);
	assert_int_equal(results[REST_WAITING_MAX - 1].count, 0);
	assert_int_equal(results[REST_WAITING_MAX].how, DISCORD_LIMITED);
	assert_int_equal(results[REST_WAITING_MAX + 1].count, 1);
	free(file);
	wire_close(stage);
}

/* Channels come and go; what is kept of each goes when it matters no more. */
static void test_lanes_are_forgotten(void **state)
{
	struct wire_stage *stage = wire_open();

	(void)state;
	for (int i = 0; i < 3 * REST_LANES_SWEPT; i++) {
		char line[60];

		snprintf(line, sizeof(line), "POST /channels/%d/messages", i + 1);
		wire_once(stage, line, 200, "X-RateLimit-Bucket: abc\n" LEFT("0", "0.3"), "{}");
		stage_loop_pass(30);
	}
	assert_true(HASH_COUNT(stage->bot.lanes->lanes) <= REST_LANES_SWEPT + 1);
	assert_int_equal(HASH_COUNT(stage->bot.lanes->routes), 1);
	wire_close(stage);
}

/* Channels take turns: a busy one does not keep the others waiting. */
static void test_channels_take_turns(void **state)
{
	struct wire_stage *stage = wire_open();
	struct wire_result busy[50] = { 0 }, other = { 0 };

	(void)state;
	for (int i = 0; i < 50; i++)
		wire_ask(stage, &busy[i], POST_1);
	wire_ask(stage, &other, POST_2);
	stage_loop_pass(100);
	assert_int_equal(stage->sent_count, 2);
	assert_non_null(strstr(stage->sent[1].url, "/channels/2/"));
	wire_close(stage);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_routes),
		cmocka_unit_test(test_one_after_the_other_in_a_channel),
		cmocka_unit_test(test_routes_of_one_bucket_share_a_lane),
		cmocka_unit_test(test_order_is_kept_when_the_bucket_comes_out),
		cmocka_unit_test(test_lanes_that_become_one),
		cmocka_unit_test(test_strange_bucket_names),
		cmocka_unit_test(test_an_empty_bucket_waits_for_its_reset),
		cmocka_unit_test(test_a_bucket_with_something_in_it),
		cmocka_unit_test(test_strange_headers),
		cmocka_unit_test(test_too_long_a_wait),
		cmocka_unit_test(test_behind_a_slow_one),
		cmocka_unit_test(test_what_can_be_dropped),
		cmocka_unit_test(test_the_global_rate),
		cmocka_unit_test(test_interactions_do_not_wait_for_the_bot),
		cmocka_unit_test(test_the_line_is_bounded),
		cmocka_unit_test(test_lanes_are_forgotten),
		cmocka_unit_test(test_channels_take_turns),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
