/* Calls of the REST API (sheet 12): what goes out, and who hears of it. */
#include "stage_rest.h"

static const struct wire_sent *one(struct wire_stage *stage, struct discord_call wanted, const char *args)
{
	static struct wire_result result;

	result = (struct wire_result){ 0 };
	wire_call(stage, &result, wanted, args);
	stage_loop_pass(1000);
	assert_true(stage->sent_count > 0);
	return &stage->sent[stage->sent_count - 1];
}

/* ---- what goes out ------------------------------------------------------------------------------------------- */

/* Without this user agent Cloudflare lets nobody in (pitfall 25); in REST the token has its "Bot " (pitfall 29). */
static void test_json_with_token_and_user_agent(void **state)
{
	struct wire_stage *stage = wire_open();
	const struct wire_sent *sent;

	(void)state;
	sent = one(stage, (struct discord_call){ .method = "POST", .path = "/channels/1/messages?x=1" },
		   "{\"content\":\"a\"}");
	assert_string_equal(sent->method, "POST");
	assert_string_equal(sent->url, "https://discord.example/api/v10/channels/1/messages?x=1");
	assert_string_equal(sent->headers,
			    "user-agent: DiscordBot (https://usher.example, " USHER_VERSION ")\n"
			    "authorization: Bot " WIRE_TOKEN "\n"
			    "content-type: application/json\n");
	assert_string_equal(sent->body, "{\"content\":\"a\"}");
	assert_int_equal(sent->total_ms, REST_TOTAL_MS);
	wire_close(stage);
}

static void test_a_user_agent_without_an_address_of_ours(void **state)
{
	struct wire_stage *stage = wire_open();

	(void)state;
	stage->host.public_url = NULL;
	assert_non_null(strstr(
		one(stage, (struct discord_call){ .method = "GET", .path = "/users/@me" }, NULL)->headers,
		"user-agent: DiscordBot (https://"));
	wire_close(stage);
}

/* "Content-Length: 0" (sheet 12): a body of no bytes, and no type of what is not there. */
static void test_without_a_body(void **state)
{
	static const struct {
		const char *method;
		bool empty;
	} cases[] = {
		{ "GET", false }, { "DELETE", false }, { "POST", true }, { "PUT", true }, { "PATCH", true }
	};
	struct wire_stage *stage = wire_open();

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		const struct wire_sent *sent =
			one(stage,
			    (struct discord_call){ .method = cases[i].method, .path = "/channels/1/typing" },
			    NULL);

		assert_null(strstr(sent->headers, "content-type"));
		if (cases[i].empty)
			assert_string_equal(sent->body, "");
		else
			assert_null(sent->body);
	}
	wire_close(stage);
}

/* The token of an interaction is all that its routes need: the bot's stays at home. */
static void test_interactions_go_without_the_token(void **state)
{
	struct wire_stage *stage = wire_open();
	const struct wire_sent *sent;

	(void)state;
	sent = one(stage,
		   (struct discord_call){
			   .method = "POST", .path = "/interactions/1/abc/callback", .no_token = true },
		   "{\"type\":5}");
	assert_null(strstr(sent->headers, "authorization"));
	assert_non_null(strstr(sent->headers, "user-agent: DiscordBot"));
	wire_close(stage);
}

/* A long answer goes out as a document (sheet 15). */
static void test_a_file(void **state)
{
	struct wire_stage *stage = wire_open();
	const struct wire_sent *sent;

	(void)state;
	sent = one(stage,
		   (struct discord_call){ .method = "POST",
					  .path = "/channels/1/messages",
					  .file = "# A",
					  .file_len = 3,
					  .file_name = "an\"swer\r\n/\xff.md",
					  .file_type = "text/markdown" },
		   "{\"content\":\"a\"}");
	assert_string_equal(sent->parts,
			    "payload_json||application/json|{\"content\":\"a\",\"attachments\":[{\"id\":0,"
			    "\"filename\":\"an_swer___\xef\xbf\xbd.md\"}]}\n"
			    "files[0]|an_swer___\xef\xbf\xbd.md|text/markdown|# A\n");
	assert_null(sent->body);
	assert_null(strstr(sent->headers, "content-type"));
	assert_int_equal(sent->total_ms, REST_UPLOAD_MS);
	wire_close(stage);
}

static void test_a_file_with_nothing_said(void **state)
{
	struct wire_stage *stage = wire_open();
	const struct wire_sent *sent;

	(void)state;
	sent = one(stage,
		   (struct discord_call){
			   .method = "POST", .path = "/channels/1/messages", .file = "x", .file_len = 1 },
		   NULL);
	assert_string_equal(sent->parts,
			    "payload_json||application/json|{\"attachments\":[{\"id\":0,\"filename\":"
			    "\"file\"}]}\nfiles[0]|file|application/octet-stream|x\n");
	sent = one(stage,
		   (struct discord_call){
			   .method = "POST", .path = "/channels/2/messages", .file = "x", .file_len = 1 },
		   "{\"attachments\":[]}"); /* the caller's own list stays */
	assert_non_null(strstr(sent->parts, "{\"attachments\":[]}"));
	wire_close(stage);
}

static void test_a_file_beyond_all_measure(void **state)
{
	struct wire_stage *stage = wire_open();
	struct wire_result result = { 0 };
	char *file = mem_zero(1, DISCORD_UPLOAD_MAX + 1);

	(void)state;
	wire_call(stage, &result,
		  (struct discord_call){ .method = "POST",
					 .path = "/channels/1/messages",
					 .file = file,
					 .file_len = DISCORD_UPLOAD_MAX + 1 },
		  "{}");
	stage_loop_pass(0);
	assert_int_equal(result.how, DISCORD_REFUSED);
	assert_int_equal(result.refusal, DISCORD_FILE);
	assert_int_equal(stage->sent_count, 0);
	free(file);
	wire_close(stage);
}

/* ---- who hears of it ------------------------------------------------------------------------------------------ */

static void test_an_answer(void **state)
{
	struct wire_stage *stage = wire_open();
	struct wire_result result = wire_once(stage, "GET /users/@me", 200, "", "{\"id\":\"9\"}");

	(void)state;
	assert_int_equal(result.how, DISCORD_OK);
	assert_string_equal(result.body, "{\"id\":\"9\"}");
	result = wire_once(stage, "POST /channels/1/typing", 204, "", "");
	assert_int_equal(result.how, DISCORD_OK);
	assert_string_equal(result.body, "");
	assert_int_equal(result.status, 204);
	assert_int_equal(discord_lanes_running(stage->bot.lanes), 0);
	wire_close(stage);
}

/* The first 401 is the last request (sheet 13.7), also of those that wait. */
static void test_a_dead_token(void **state)
{
	struct wire_stage *stage = wire_open();
	struct wire_result first = { 0 }, second = { 0 }, third = { 0 };

	(void)state;
	wire_ask(stage, &first, "GET /users/@me");
	wire_ask(stage, &second, "GET /users/@me");
	stage_loop_pass(0);
	wire_answer(stage, 0, 401, "", "{\"message\":\"401: Unauthorized\",\"code\":0}");
	wire_ask(stage, &third, "GET /gateway/bot");
	stage_loop_pass(100);
	assert_int_equal(first.how, DISCORD_AUTH);
	assert_int_equal(second.how, DISCORD_AUTH);
	assert_int_equal(third.how, DISCORD_AUTH);
	assert_int_equal(stage->deads, 1);
	assert_string_equal(stage->dead_why, "401: Unauthorized");
	assert_int_equal(stage->sent_count, 1);
	wire_close(stage);
}

/* An operator who asks what is wrong is told what the platform says now: it may be another thing than the token. */
static void test_asked_by_the_operator(void **state)
{
	struct wire_stage *stage = wire_open();
	struct wire_result result = { 0 };

	(void)state;
	stage->bot.dead = true;
	wire_call(stage, &result,
		  (struct discord_call){ .method = "GET", .path = "/applications/@me", .anyway = true },
		  NULL);
	stage_loop_pass(0);
	wire_ok(stage, 0, "");
	stage_loop_pass(0);
	assert_int_equal(result.how, DISCORD_OK);
	assert_true(stage->bot.dead);
	wire_close(stage);
}

/* 401 on an interaction's route is about its own token: the bot lives. */
static void test_a_dead_interaction(void **state)
{
	struct wire_stage *stage = wire_open();
	struct wire_result result = { 0 };

	(void)state;
	wire_call(stage, &result,
		  (struct discord_call){ .method = "PATCH",
					 .path = "/webhooks/1/secret_token/messages/@original",
					 .no_token = true },
		  "{}");
	stage_loop_pass(0);
	wire_answer(stage, 0, 401, "", "{\"message\":\"Invalid Webhook Token\",\"code\":50027}");
	assert_int_equal(result.how, DISCORD_REFUSED);
	assert_int_equal(result.refusal, DISCORD_UNKNOWN_INTERACTION);
	assert_int_equal(stage->deads, 0);
	wire_close(stage);
}

/* What was said of a token must not get into a log. */
static void test_tokens_are_in_no_error(void **state)
{
	struct wire_stage *stage = wire_open();
	struct wire_result result = { 0 };
	char *many = mem_zero(1, 30000);

	(void)state;
	wire_call(stage, &result,
		  (struct discord_call){ .method = "POST",
					 .path = "/interactions/1/aW50ZXJhY3Rpb246/callback",
					 .no_token = true },
		  "{}");
	stage_loop_pass(0);
	wire_answer(stage, 0, 400, "",
		    "{\"message\":\"no /interactions/1/aW50ZXJhY3Rpb246 and " WIRE_TOKEN "!\",\"code\":1}");
	assert_string_equal(result.why, "no /interactions/1/[token] and [token]!");
	snprintf(many, 30000, "{\"message\":\"");
	for (int i = 0; i < 200; i++)
		strcat(many, "\xc3\xa9" WIRE_TOKEN);
	strcat(many, "\"}");
	result = wire_once(stage, "GET /users/@me", 400, "", many);
	assert_null(strstr(result.why, "MTk4Nj"));
	assert_in_range(strlen(result.why), 200, REST_WHY_MAX - 1);
	free(many);
	wire_ask(stage, &result, "GET /users/@me");
	stage_loop_pass(100);
	wire_fail(stage, stage->sent_count - 1, HTTP_NOT_SENT, "no route for " WIRE_TOKEN);
	assert_int_equal(result.how, DISCORD_NOT_SENT);
	assert_string_equal(result.why, "no route for [token]");
	wire_close(stage);
}

/* What was cancelled stays silent, waiting, under way or known already; and its bucket goes on. */
static void test_cancelled(void **state)
{
	struct wire_stage *stage = wire_open();
	struct wire_result running = { 0 }, waiting = { 0 }, decided = { 0 }, last = { 0 };
	uint64_t ids[3];

	(void)state;
	ids[0] = wire_ask(stage, &running, "POST /channels/1/messages");
	stage_loop_pass(0);
	ids[1] = wire_ask(stage, &waiting, "POST /channels/1/messages");
	ids[2] = wire_drop(stage, &decided, "POST /channels/1/messages");
	wire_ask(stage, &last, "POST /channels/1/messages");
	assert_int_equal(discord_lanes_running(stage->bot.lanes), 4);
	for (int i = 0; i < 3; i++)
		discord_rest_cancel(&stage->bot, ids[i]);
	discord_rest_cancel(&stage->bot, ids[0]);
	discord_rest_cancel(&stage->bot, 12345);
	assert_true(stage->sent[0].ended);
	stage_loop_pass(100);
	assert_int_equal(stage->sent_count, 2);
	wire_ok(stage, 1, "");
	assert_int_equal(last.count, 1);
	assert_int_equal(running.count + waiting.count + decided.count, 0);
	wire_close(stage);
}

static void test_callbacks_call_and_cancel(void **state)
{
	struct wire_stage *stage = wire_open();
	struct wire_result next = { 0 }, other = { 0 };
	struct wire_result first = { .stage = stage, .next = &next };

	(void)state;
	wire_ask(stage, &first, "GET /gateway/bot");
	first.cancels = wire_ask(stage, &other, "GET /gateway/bot");
	stage_loop_pass(0);
	wire_ok(stage, 0, "");
	stage_loop_pass(100);
	assert_int_equal(stage->sent_count, 2);
	wire_ok(stage, 1, "");
	assert_int_equal(next.count, 1);
	assert_int_equal(other.count, 0);
	wire_close(stage);
}

/* A bot that is taken down with calls under way tells nobody. */
static void test_the_end(void **state)
{
	struct wire_stage *stage = wire_open();
	static struct wire_result results[3];

	(void)state;
	wire_ask(stage, &results[0], "GET /gateway/bot");
	stage_loop_pass(0);
	wire_ask(stage, &results[1], "GET /gateway/bot");
	wire_drop(stage, &results[2], "GET /gateway/bot");
	wire_close(stage);
	for (int i = 0; i < 3; i++)
		assert_int_equal(results[i].count, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_json_with_token_and_user_agent),
		cmocka_unit_test(test_a_user_agent_without_an_address_of_ours),
		cmocka_unit_test(test_without_a_body),
		cmocka_unit_test(test_interactions_go_without_the_token),
		cmocka_unit_test(test_a_file),
		cmocka_unit_test(test_a_file_with_nothing_said),
		cmocka_unit_test(test_a_file_beyond_all_measure),
		cmocka_unit_test(test_an_answer),
		cmocka_unit_test(test_a_dead_token),
		cmocka_unit_test(test_asked_by_the_operator),
		cmocka_unit_test(test_a_dead_interaction),
		cmocka_unit_test(test_tokens_are_in_no_error),
		cmocka_unit_test(test_cancelled),
		cmocka_unit_test(test_callbacks_call_and_cancel),
		cmocka_unit_test(test_the_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
