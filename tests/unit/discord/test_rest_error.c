/* What answers of the REST API mean (sheet 12): every code of the table, whether something happened, and one line why. */
#include "stage_rest.h"

#define POST_1 "POST /channels/1/messages"

/* Every code of the sheet (12), and answers without one. */
static const struct {
	int status, code;
	enum discord_refusal refusal;
} codes[] = {
	{ 404, 10003, DISCORD_UNKNOWN_CHANNEL },
	{ 404, 10004, DISCORD_UNKNOWN_CHANNEL },
	{ 404, 10008, DISCORD_UNKNOWN_MESSAGE },
	{ 400, 10014, DISCORD_OTHER },
	{ 404, 10015, DISCORD_UNKNOWN_INTERACTION },
	{ 404, 10062, DISCORD_UNKNOWN_INTERACTION },
	{ 403, 20012, DISCORD_NO_ACCESS },
	{ 400, 20016, DISCORD_WAIT },
	{ 400, 20022, DISCORD_WAIT },
	{ 400, 20028, DISCORD_WAIT },
	{ 400, 20029, DISCORD_WAIT },
	{ 400, 30010, DISCORD_OTHER },
	{ 400, 30033, DISCORD_OTHER },
	{ 400, 30034, DISCORD_OTHER },
	{ 400, 30046, DISCORD_OLD_EDITS },
	{ 400, 40003, DISCORD_WAIT },
	{ 400, 40005, DISCORD_TOO_LONG },
	{ 400, 40060, DISCORD_ALREADY },
	{ 400, 40062, DISCORD_WAIT },
	{ 400, 40094, DISCORD_UNKNOWN_INTERACTION },
	{ 403, 50001, DISCORD_NO_ACCESS },
	{ 403, 50005, DISCORD_OTHER },
	{ 400, 50006, DISCORD_EMPTY },
	{ 403, 50007, DISCORD_NO_DM },
	{ 400, 50008, DISCORD_OTHER },
	{ 403, 50013, DISCORD_NO_ACCESS },
	{ 400, 50021, DISCORD_OTHER },
	{ 400, 50024, DISCORD_OTHER },
	{ 401, 50027, DISCORD_UNKNOWN_INTERACTION },
	{ 400, 50035, DISCORD_OTHER },
	{ 400, 50045, DISCORD_FILE },
	{ 400, 50046, DISCORD_FILE },
	{ 400, 50083, DISCORD_LOCKED },
	{ 400, 50109, DISCORD_OTHER },
	{ 400, 50123, DISCORD_FILE },
	{ 403, 50278, DISCORD_NO_DM },
	{ 400, 110000, DISCORD_WAIT },
	{ 503, 130000, DISCORD_WAIT },
	{ 400, 160002, DISCORD_NO_REPLY },
	{ 400, 160004, DISCORD_THREAD_EXISTS },
	{ 400, 160005, DISCORD_LOCKED },
	{ 400, 160006, DISCORD_OTHER },
	{ 400, 200000, DISCORD_BLOCKED },
	{ 400, 240000, DISCORD_BLOCKED },
	{ 403, 0, DISCORD_NO_ACCESS },
	{ 404, 0, DISCORD_OTHER },
	{ 405, 0, DISCORD_OTHER },
	{ 413, 0, DISCORD_TOO_LONG },
	{ 418, 777, DISCORD_OTHER },
};

static void test_every_code(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(codes) / sizeof(*codes); i++) {
		struct wire_stage *stage = wire_open();
		char *body = mem_format("{\"message\":\"some words\",\"code\":%d}", codes[i].code);
		struct wire_result result = { 0 };
		bool no_token = codes[i].status == 401;

		wire_call(stage, &result,
			  (struct discord_call){
				  .method = "POST", .path = "/channels/1/messages", .no_token = no_token },
			  NULL);
		stage_loop_pass(0);
		wire_answer(stage, 0, codes[i].status, "", body);
		assert_int_equal(result.how, DISCORD_REFUSED);
		assert_int_equal(result.code, codes[i].code);
		assert_int_equal(result.status, codes[i].status);
		if (result.refusal != codes[i].refusal)
			fail_msg("%d %d: %d", codes[i].status, codes[i].code, result.refusal);
		assert_string_equal(result.why, "some words");
		assert_string_equal(result.body, body); /* borrowed by the callback */
		free(body);
		wire_close(stage);
	}
}

#define FORM(errors)	     "{\"code\":50035,\"message\":\"Invalid Form Body\",\"errors\":" errors "}"
#define FAULT(code, message) "{\"_errors\":[{\"code\":\"" code "\",\"message\":\"" message "\"}]}"

/* 50035 says everything and nothing: where in the form something is wrong decides what can be done. */
static void test_invalid_forms(void **state)
{
	static const struct {
		const char *body;
		enum discord_refusal refusal;
		const char *why;
	} cases[] = {
		{ FORM("{\"content\":" FAULT("BASE_TYPE_MAX_LENGTH", "Must be 2000 or fewer in length.") "}"),
		  DISCORD_TOO_LONG,
		  "Invalid Form Body; content: Must be 2000 or fewer in length. (BASE_TYPE_MAX_LENGTH)" },
		{ FORM("{\"data\":{\"content\":" FAULT("BASE_TYPE_BAD_LENGTH",
						       "Must be between 1 and 2000.") "}}"),
		  DISCORD_TOO_LONG,
		  "Invalid Form Body; data.content: Must be between 1 and 2000. (BASE_TYPE_BAD_LENGTH)" },
		{ FORM("{\"content\":" FAULT("BASE_TYPE_REQUIRED", "This field is required") "}"),
		  DISCORD_EMPTY, "Invalid Form Body; content: This field is required (BASE_TYPE_REQUIRED)" },
		{ FORM("{\"message_reference\":" FAULT("REPLIES_UNKNOWN_MESSAGE", "Unknown message") "}"),
		  DISCORD_NO_REPLY,
		  "Invalid Form Body; message_reference: Unknown message (REPLIES_UNKNOWN_MESSAGE)" },
		{ FORM("{\"message_reference\":{\"message_id\":" FAULT("NUMBER_TYPE_COERCE",
								       "no snowflake") "}}"),
		  DISCORD_NO_REPLY,
		  "Invalid Form Body; message_reference.message_id: no snowflake (NUMBER_TYPE_COERCE)" },
		{ FORM("{\"attachments\":{\"0\":{\"id\":" FAULT("ATTACHMENT_NOT_FOUND", "gone") "}}}"),
		  DISCORD_FILE, "Invalid Form Body; attachments.0.id: gone (ATTACHMENT_NOT_FOUND)" },
		{ FORM("{\"embeds\":{\"0\":{\"fields\":{\"2\":{\"name\":" FAULT("X", "y") "}}}}}"),
		  DISCORD_OTHER, "Invalid Form Body; embeds.0.fields.2.name: y (X)" },
		{ FORM(FAULT("TOP", "at the top")), DISCORD_OTHER, "Invalid Form Body; : at the top (TOP)" },
		{ FORM("{\"a\":" FAULT("A", "a") ",\"b\":" FAULT("B", "b") ",\"c\":" FAULT(
			  "C", "c") ",\"content\":" FAULT("BASE_TYPE_MAX_LENGTH", "d") "}"),
		  DISCORD_TOO_LONG, "Invalid Form Body; a: a (A); b: b (B); c: c (C)" },
		{ FORM("[]"), DISCORD_OTHER, "Invalid Form Body" },
		{ FORM("{\"content\":{\"_errors\":{}}}"), DISCORD_OTHER, "Invalid Form Body" },
		{ FORM("{\"content\":{\"_errors\":[7,{}]}}"), DISCORD_OTHER,
		  "Invalid Form Body; content: ; content:" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct wire_stage *stage = wire_open();
		struct wire_result result = wire_once(stage, POST_1, 400, "", cases[i].body);

		assert_int_equal(result.how, DISCORD_REFUSED);
		if (result.refusal != cases[i].refusal)
			fail_msg("%s: %d", cases[i].body, result.refusal);
		assert_string_equal(result.why, cases[i].why);
		wire_close(stage);
	}
}

/* Whoever nests as deep as JSON goes is read without harm. */
static void test_deep_forms(void **state)
{
	struct wire_stage *stage = wire_open();
	char body[2000] = "{\"code\":50035,\"message\":\"x\",\"errors\":";
	struct wire_result result;

	(void)state;
	for (int i = 0; i < 60; i++)
		strcat(body, "{\"content\":");
	strcat(body, "{}");
	for (int i = 0; i < 61; i++)
		strcat(body, "}");
	result = wire_once(stage, POST_1, 400, "", body);
	assert_int_equal(result.how, DISCORD_REFUSED);
	assert_string_equal(result.why, "x");
	wire_close(stage);
}

/* Whether something happened must never be guessed. */
static void test_answers_that_leave_it_open(void **state)
{
	static const struct {
		int status;
		const char *body;
		enum discord_how how;
	} cases[] = {
		{ 200, "<p>Log in</p>", DISCORD_MAYBE },
		{ 200, "", DISCORD_MAYBE },
		{ 200, "{\"id\":1,\"id\":2}", DISCORD_MAYBE },
		{ 201, "{}", DISCORD_OK },
		{ 204, "", DISCORD_OK },
		{ 302, "", DISCORD_MAYBE },
		{ 304, "", DISCORD_MAYBE },
		{ 400, "<p>cloudflare</p>", DISCORD_MAYBE },
		{ 400, "[1]", DISCORD_MAYBE },
		{ 401, "<p>who are you?</p>", DISCORD_MAYBE }, /* a proxy's: the token is not dead by that */
		{ 404, "<p>nginx</p>", DISCORD_MAYBE },
		{ 408, "{\"message\":\"too slow\",\"code\":0}", DISCORD_MAYBE },
		{ 500, "{\"message\":\"500: Internal Server Error\",\"code\":0}", DISCORD_MAYBE },
		{ 502, "<p>bad gateway</p>", DISCORD_MAYBE },
		{ 503, "{\"message\":\"x\",\"code\":50013}", DISCORD_MAYBE },
		{ 413, "<p>too large</p>", DISCORD_REFUSED },
		{ 400, "{}", DISCORD_REFUSED },
		{ 400, "{\"code\":\"x\",\"message\":7,\"errors\":true}", DISCORD_REFUSED },
		{ 400, "{\"code\":99999999999,\"message\":\"\"}", DISCORD_REFUSED },
		{ 400, "{\"code\":-1}", DISCORD_REFUSED },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct wire_stage *stage = wire_open();
		struct wire_result result = wire_once(stage, POST_1, cases[i].status, "", cases[i].body);

		if (result.how != cases[i].how)
			fail_msg("%d %s: %d", cases[i].status, cases[i].body, result.how);
		assert_int_equal(stage->deads, 0);
		assert_int_equal(result.code < 0, 0);
		if (cases[i].how == DISCORD_MAYBE)
			assert_int_equal(result.refusal, DISCORD_OTHER);
		wire_close(stage);
	}
}

static void test_broken_connections(void **state)
{
	struct wire_stage *stage = wire_open();
	struct wire_result result = { 0 };

	(void)state;
	wire_ask(stage, &result, POST_1);
	stage_loop_pass(0);
	wire_fail(stage, 0, HTTP_NOT_SENT, "refused");
	assert_int_equal(result.how, DISCORD_NOT_SENT);
	wire_ask(stage, &result, POST_1);
	stage_loop_pass(0);
	wire_fail(stage, 1, HTTP_MAYBE, "cut off\nin the middle\xff");
	assert_int_equal(result.how, DISCORD_MAYBE);
	assert_string_equal(result.why, "cut off in the middle\xef\xbf\xbd");
	wire_close(stage);
}

/* 413 and 40005 with a file are about the file: the words may go alone. */
static void test_too_large_with_a_file(void **state)
{
	static const char *const bodies[] = { "<p>413</p>",
					      "{\"message\":\"Request entity too large\",\"code\":40005}",
					      "{\"message\":\"x\",\"code\":0}" };

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct wire_stage *stage = wire_open();
		struct wire_result result = { 0 };

		wire_call(stage, &result,
			  (struct discord_call){ .method = "POST",
						 .path = "/channels/1/messages",
						 .file = "x",
						 .file_len = 1 },
			  NULL);
		stage_loop_pass(0);
		wire_answer(stage, 0, 413, "", bodies[i]);
		assert_int_equal(result.how, DISCORD_REFUSED);
		assert_int_equal(result.refusal, DISCORD_FILE);
		wire_close(stage);
	}
}

/* Slow mode says how long it lasts. */
static void test_later_says_when(void **state)
{
	struct wire_stage *stage = wire_open();
	struct wire_result result = wire_once(stage, POST_1, 400, "",
					      "{\"message\":\"slow\",\"code\":20016,\"retry_after\":12.5}");

	(void)state;
	assert_int_equal(result.refusal, DISCORD_WAIT);
	assert_int_equal(result.retry_ms, 12500 + REST_MORE_MS);
	result = wire_once(stage, POST_1, 429, "",
			   "{\"message\":\"slow\",\"code\":20016,\"retry_after\":1.5}");
	assert_int_equal(result.how, DISCORD_LIMITED);
	assert_int_equal(result.code, 20016);
	wire_close(stage);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_code),	   cmocka_unit_test(test_invalid_forms),
		cmocka_unit_test(test_deep_forms),	   cmocka_unit_test(test_answers_that_leave_it_open),
		cmocka_unit_test(test_broken_connections), cmocka_unit_test(test_too_large_with_a_file),
		cmocka_unit_test(test_later_says_when),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
