/* Calls of the Bot API (sheet 2): what goes out, what each kind of answer means, and that the token stays with us. */
#include "api_room.h"
#include "stage_call.h"

/* ---- what goes out ------------------------------------------------------------------------------------------- */

static void test_json_to_the_address_with_the_token(void **state)
{
	struct net_stage *stage = net_open();
	struct net_result result = { 0 };

	(void)state;
	net_say(stage, "sendMessage", 200, "{\"ok\":true,\"result\":{\"message_id\":7}}");
	net_call(stage, &result, (struct telegram_call){ .method = "sendMessage", .chat = -1001 },
		 "{\"chat_id\":-1001234567890,\"text\":\"a "
		 "<b>\",\"link_preview_options\":{\"is_disabled\":true}}");
	NET_WAIT(stage, result.count == 1);
	assert_int_equal(result.how, TELEGRAM_OK);
	assert_string_equal(result.result, "{\"message_id\":7}");
	assert_string_equal(stage->seen[0].token, NET_TOKEN);
	assert_string_equal(stage->seen[0].type, "application/json");
	assert_string_equal(stage->seen[0].body, "{\"chat_id\":-1001234567890,\"text\":\"a "
						 "<b>\",\"link_preview_options\":{\"is_disabled\":true}}");
	net_close(stage);
}

static void test_without_arguments(void **state)
{
	struct net_stage *stage = net_open();

	(void)state;
	assert_int_equal(net_ask(stage, "getMe").how, TELEGRAM_OK);
	assert_string_equal(stage->seen[0].body, "{}");
	net_close(stage);
}

/* A long answer goes out as a document: nested arguments are JSON texts beside it (sheet 2.1). */
static void test_a_document(void **state)
{
	struct net_stage *stage = net_open();
	struct net_result result = { 0 };
	static const char file[] = "# Answer\n\r\n--\0\xff";
	const struct net_seen *seen = &stage->seen[0];

	(void)state;
	net_call(stage, &result,
		 (struct telegram_call){ .method = "sendDocument",
					 .chat = 5,
					 .file = file,
					 .file_len = sizeof(file) - 1,
					 .file_name = "answer.md",
					 .file_type = "text/markdown" },
		 "{\"chat_id\":5,\"caption\":\"the "
		 "\\u00e9nd\",\"reply_parameters\":{\"message_id\":3},\"x\":null}");
	NET_WAIT(stage, result.count == 1);
	assert_int_equal(result.how, TELEGRAM_OK);
	assert_non_null(strstr(seen->type, "multipart/form-data; boundary="));
	assert_non_null(strstr(seen->body, "name=\"chat_id\"\r\n\r\n5\r\n"));
	assert_non_null(strstr(seen->body, "name=\"caption\"\r\n\r\nthe \xc3\xa9nd\r\n"));
	assert_non_null(strstr(seen->body, "name=\"reply_parameters\"\r\n\r\n{\"message_id\":3}\r\n"));
	assert_null(strstr(seen->body, "name=\"x\""));
	assert_non_null(strstr(seen->body,
			       "name=\"document\"; filename=\"answer.md\"\r\nContent-Type: text/markdown"));
	assert_non_null(memmem(seen->body, seen->len, file, sizeof(file) - 1));
	net_close(stage);
}

static void test_a_document_beyond_all_measure(void **state)
{
	struct net_stage *stage = net_open();
	struct net_result result = { 0 };
	char *file = mem_zero(1, TELEGRAM_UPLOAD_MAX + 1);

	(void)state;
	net_call(stage, &result,
		 (struct telegram_call){
			 .method = "sendDocument", .file = file, .file_len = TELEGRAM_UPLOAD_MAX + 1 },
		 "{}");
	NET_WAIT(stage, result.count == 1);
	assert_int_equal(result.how, TELEGRAM_REFUSED);
	assert_int_equal(result.refusal, TELEGRAM_FILE);
	assert_int_equal(stage->seen_count, 0);
	free(file);
	net_close(stage);
}

/* ---- what answers mean ----------------------------------------------------------------------------------------- */

#define ERROR(code, description) "{\"ok\":false,\"error_code\":" code ",\"description\":\"" description "\"}"

/* Every row of the sheet's table, in the words of the server. */
static void test_every_refusal(void **state)
{
	static const struct {
		int code;
		const char *description;
		enum telegram_refusal refusal;
	} cases[] = {
		{ 400, "Bad Request: chat not found", TELEGRAM_CHAT_GONE },
		{ 400,
		  "Bad Request: message is not modified: specified new message content and reply markup are "
		  "exactly the same as a current content and reply markup of the message",
		  TELEGRAM_NOT_MODIFIED },
		{ 400, "Bad Request: MESSAGE IS NOT MODIFIED", TELEGRAM_NOT_MODIFIED },
		{ 400, "Bad Request: message to edit not found", TELEGRAM_NO_MESSAGE },
		{ 400, "Bad Request: message can't be edited", TELEGRAM_NO_MESSAGE },
		{ 400, "Bad Request: message to be replied not found", TELEGRAM_NO_REPLY },
		{ 400, "Bad Request: reply message not found", TELEGRAM_NO_REPLY },
		{ 400, "Bad Request: message thread not found", TELEGRAM_NO_TOPIC },
		{ 400, "Bad Request: message is too long", TELEGRAM_TOO_LONG },
		{ 400, "Bad Request: message caption is too long", TELEGRAM_TOO_LONG },
		{ 400, "Bad Request: text is too long", TELEGRAM_TOO_LONG },
		{ 400,
		  "Bad Request: can't parse entities: Unsupported start tag \\\"br\\\" at byte offset 12",
		  TELEGRAM_BAD_MARKUP },
		{ 400, "Bad Request: text must be non-empty", TELEGRAM_OTHER },
		{ 400, "Bad Request: query is too old and response timeout expired or query ID is invalid",
		  TELEGRAM_OTHER },
		{ 400, "Bad Request: file is too big", TELEGRAM_FILE },
		{ 400, "Bad Request: wrong file_id or the file is temporarily unavailable", TELEGRAM_FILE },
		{ 400, "Bad Request: group chat was upgraded to a supergroup chat", TELEGRAM_CHAT_GONE },
		{ 403, "Forbidden: bot was blocked by the user", TELEGRAM_CHAT_GONE },
		{ 403, "Forbidden: user is deactivated", TELEGRAM_CHAT_GONE },
		{ 403, "Forbidden: bot was kicked from the supergroup chat", TELEGRAM_CHAT_GONE },
		{ 403, "Forbidden: bot is not a member of the channel chat", TELEGRAM_CHAT_GONE },
		{ 403, "Forbidden: the group chat was deleted", TELEGRAM_CHAT_GONE },
		{ 403, "Forbidden: bot can't initiate conversation with a user", TELEGRAM_CHAT_GONE },
		{ 403, "Forbidden: something new", TELEGRAM_CHAT_GONE },
		{ 404, "Not Found: method not found", TELEGRAM_NO_METHOD },
		{ 409, "Conflict: terminated by other getUpdates request", TELEGRAM_CONFLICT },
		{ 413, "Request Entity Too Large", TELEGRAM_FILE },
		{ 418, "I'm a teapot", TELEGRAM_OTHER },
	};
	struct net_stage *stage = net_open();

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct net_result result;

		net_say(stage, NULL, cases[i].code, "{\"ok\":false,\"error_code\":%d,\"description\":\"%s\"}",
			cases[i].code, cases[i].description);
		result = net_ask(stage, "editMessageText");
		assert_int_equal(result.how, TELEGRAM_REFUSED);
		assert_int_equal(result.code, cases[i].code);
		if (result.refusal != cases[i].refusal)
			fail_msg("%s: %d", cases[i].description, result.refusal);
	}
	assert_int_equal(stage->deads, 0);
	net_close(stage);
}

static void test_a_group_that_moved(void **state)
{
	struct net_stage *stage = net_open();
	struct net_result result;

	(void)state;
	net_say(stage, NULL, 400,
		"{\"ok\":false,\"error_code\":400,\"description\":\"Bad Request: group chat was upgraded to "
		"a "
		"supergroup chat\",\"parameters\":{\"migrate_to_chat_id\":-1001234567890}}");
	result = net_ask(stage, "sendMessage");
	assert_int_equal(result.how, TELEGRAM_REFUSED);
	assert_int_equal(result.refusal, TELEGRAM_MOVED);
	assert_true(result.moved_to == -1001234567890);
	net_close(stage);
}

/* Whether something happened must never be guessed. */
static void test_answers_that_leave_it_open(void **state)
{
	static const struct {
		int status;
		const char *body;
		enum telegram_how how;
	} cases[] = {
		{ 200, "<!DOCTYPE html><p>Log in</p>", TELEGRAM_MAYBE },
		{ 200, "", TELEGRAM_MAYBE },
		{ 200, "[true]", TELEGRAM_MAYBE },
		{ 200, "{\"ok\":\"true\",\"result\":1}", TELEGRAM_MAYBE },
		{ 200, "{\"ok\":true}", TELEGRAM_MAYBE },
		{ 200, "{\"ok\":true,\"result\":1,\"result\":2}", TELEGRAM_MAYBE },
		{ 302, "", TELEGRAM_MAYBE },
		{ 401, "<p>Who are you?</p>", TELEGRAM_MAYBE }, /* a proxy's; the token is not dead by that */
		{ 404, "<p>nginx</p>", TELEGRAM_MAYBE },
		{ 403, "<p>blocked by the proxy</p>", TELEGRAM_MAYBE },
		{ 500, ERROR("500", "Internal Server Error: restart"), TELEGRAM_MAYBE },
		{ 502, ERROR("502", "Bad Gateway"), TELEGRAM_MAYBE },
		{ 502, "<p>bad gateway</p>", TELEGRAM_MAYBE },
		{ 503, "{\"ok\":true,\"result\":true}", TELEGRAM_MAYBE },
		{ 413, "<p>too large</p>", TELEGRAM_REFUSED },
		{ 421, ERROR("421", "Misdirected Request"), TELEGRAM_NOT_SENT },
		{ 400, "{\"ok\":false}", TELEGRAM_REFUSED },
		{ 400, "{\"ok\":false,\"error_code\":\"x\",\"description\":7}", TELEGRAM_REFUSED },
	};
	struct net_stage *stage = net_open();

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct net_result result;

		net_say(stage, NULL, cases[i].status, "%s", cases[i].body);
		result = net_ask(stage, "sendMessage");
		if (result.how != cases[i].how)
			fail_msg("%d %s: %d", cases[i].status, cases[i].body, result.how);
		assert_int_equal(result.unread, i < 2 || i == 5);
	}
	assert_int_equal(stage->deads, 0);
	net_close(stage);
}

static void test_nobody_there(void **state)
{
	struct net_stage *stage = net_open();
	struct net_result result;

	(void)state;
	stage->bot.config.api_base = "http://127.0.0.1:1/api";
	result = net_ask(stage, "sendMessage");
	assert_int_equal(result.how, TELEGRAM_NOT_SENT);
	assert_null(strstr(result.why, "AAHdqTcvCH1v"));
	net_close(stage);
}

static void test_no_answer_in_time(void **state)
{
	struct net_stage *stage = net_open();
	struct net_result result;
	unsigned limit_ms = 75;

	(void)state;
	stage->hold = true;
	do { /* a slow machine may have sent nothing by then */
		result = (struct net_result){ 0 };
		limit_ms *= 4;
		net_call(stage, &result,
			 (struct telegram_call){ .method = "sendMessage", .total_ms = limit_ms }, "{}");
		NET_WAIT(stage, result.count == 1);
	} while (result.how == TELEGRAM_NOT_SENT && limit_ms < 10000);
	assert_int_equal(result.how, TELEGRAM_MAYBE);
	assert_false(result.too_large);
	net_close(stage);
}

static void test_an_answer_beyond_all_measure(void **state)
{
	struct net_stage *stage = net_open();
	size_t len = TELEGRAM_BATCH_MAX + 1;
	char *body = mem_alloc(len + 1);
	struct net_result result;

	(void)state;
	memset(body, ' ', len);
	body[len] = '\0';
	net_say(stage, NULL, 200, "x");
	free(stage->answers[0].body);
	stage->answers[0].body = body;
	result = net_ask(stage, "getUpdates");
	assert_int_equal(result.how, TELEGRAM_MAYBE);
	assert_true(result.too_large);
	net_close(stage);
}

/* ---- the token --------------------------------------------------------------------------------------------------- */

static void test_a_dead_token(void **state)
{
	static const char *const bodies[] = { ERROR("401", "Unauthorized"), ERROR("404", "Not Found") };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct net_stage *stage = net_open();

		net_say(stage, NULL, i == 0 ? 401 : 404, "%s", bodies[i]);
		assert_int_equal(net_ask(stage, "sendMessage").how, TELEGRAM_AUTH);
		assert_int_equal(stage->deads, 1);
		assert_int_equal(net_ask(stage, "sendMessage").how, TELEGRAM_AUTH);
		assert_int_equal(stage->seen_count, 1); /* the second one did not go out */
		assert_int_equal(stage->deads, 1);
		net_close(stage);
	}
}

/* Some servers say back what they were asked; that must not get into a log (pitfall 18). */
static void test_the_token_is_in_no_error(void **state)
{
	struct net_stage *stage = net_open();
	struct net_result result;
	char *many = mem_zero(1, 16000);

	(void)state;
	net_say(stage, NULL, 400, ERROR("400", "no /bot%s/x and no bot110201543%%3A%s"), NET_TOKEN,
		strchr(NET_TOKEN, ':') + 1);
	result = net_ask(stage, "sendMessage");
	assert_string_equal(result.why, "no /bot110201543:[token]/x and no bot110201543%3A[token]");
	for (int i = 0; i < 200; i++)
		strcat(many, "\xc3\xa9" NET_TOKEN);
	net_say(stage, NULL, 400, ERROR("400", "%s"), many);
	result = net_ask(stage, "sendMessage");
	assert_null(strstr(result.why, "AAHdqTcvCH1v"));
	assert_in_range(strlen(result.why), 200, 299);
	free(many);
	net_close(stage);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_json_to_the_address_with_the_token),
		cmocka_unit_test(test_without_arguments),
		cmocka_unit_test(test_a_document),
		cmocka_unit_test(test_a_document_beyond_all_measure),
		cmocka_unit_test(test_every_refusal),
		cmocka_unit_test(test_a_group_that_moved),
		cmocka_unit_test(test_answers_that_leave_it_open),
		cmocka_unit_test(test_nobody_there),
		cmocka_unit_test(test_no_answer_in_time),
		cmocka_unit_test(test_an_answer_beyond_all_measure),
		cmocka_unit_test(test_a_dead_token),
		cmocka_unit_test(test_the_token_is_in_no_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
