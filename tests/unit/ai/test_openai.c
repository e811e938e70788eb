/* A call to an OpenAI-compatible server: what it is sent, every way it may refuse, break off or go on for ever,
 * and that an error is never taken for an answer. */
#include "ai_open.h"
#include "clock.h"
#include "fake_http.h"
#include "fake_loop.h"
#include "llm_stage.h"
#include "mem.h"
#include "openai.h"
#include "remote.h"
#include "settings_build.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SAID                                                                                                 \
	"data: {\"choices\":[{\"delta\":{\"content\":\"Hi\"},\"finish_reason\":\"stop\"}]}\n\ndata: "        \
	"[DONE]\n\n"

static void test_address_and_key(void **state)
{
	static const char *const values[] = { "base_url",
					      "http://127.0.0.1:11434/v1/chat/completions/",
					      "api_key",
					      "made-up-key",
					      "first_byte_s",
					      "7",
					      NULL };
	struct llm_stage w;

	(void)state;
	llm_stage_open(&w, "openai", values);
	llm_stage_ask(&w, -1, 10);
	assert_string_equal(fake_http_call(w.http)->url, "http://127.0.0.1:11434/v1/chat/completions");
	assert_non_null(strstr(fake_http_call(w.http)->headers, "Authorization: Bearer made-up-key\n"));
	assert_non_null(strstr(fake_http_call(w.http)->body, "\"max_tokens\":10"));
	assert_int_equal(fake_http_call(w.http)->first_byte_ms, 7000);
	assert_int_equal(fake_http_call(w.http)->total_ms, 600000);
	fake_http_stream(w.http, SAID);
	assert_string_equal(buf_str(&w.text), "Hi");
	llm_stage_close(&w);
	llm_stage_open(&w, "openai", NULL);
	llm_stage_ask(&w, -1, 10);
	assert_string_equal(fake_http_call(w.http)->url, "https://api.openai.com/v1/chat/completions");
	assert_null(strstr(fake_http_call(w.http)->headers, "Authorization"));
	assert_non_null(strstr(fake_http_call(w.http)->body, "\"max_completion_tokens\":10"));
	llm_stage_close(&w); /* with one running */
}

static void expect_body(struct llm_stage *w, const char *piece, bool there)
{
	const char *body = fake_http_call(w->http)->body;

	if ((strstr(body, piece) != NULL) != there)
		fail_msg("%s%s in %s", piece, there ? " is not" : " is", body);
}

/* One refused parameter costs one more request, once in the life of the daemon; the refused one has a row of its own. */
static void test_adapts(void **state)
{
	static const char *const values[] = { "base_url", "http://x/v1", NULL };
	struct llm_stage w;

	(void)state;
	llm_stage_open(&w, "openai", values);
	llm_stage_ask(&w, 0.5, 10);
	fake_http_status(w.http, 400,
			 "{\"error\":{\"message\":\"Unsupported parameter: 'max_tokens'\",\"code\":"
			 "\"unsupported_parameter\",\"param\":\"max_tokens\"}}");
	llm_stage_anew(&w, 0.5, 10);
	expect_body(&w, "\"max_completion_tokens\":10", true);
	expect_body(&w, "\"max_tokens\"", false);
	fake_http_status(w.http, 400,
			 "{\"error\":{\"message\":\"only 1\",\"code\":\"unsupported_value\","
			 "\"param\":\"temperature\"}}");
	llm_stage_anew(&w, 0.5, 10);
	expect_body(&w, "temperature", false);
	fake_http_status(w.http, 422,
			 "{\"detail\":[{\"loc\":[\"body\",\"stream_options\"],\"msg\":\"Extra inputs\"}]}");
	llm_stage_anew(&w, 0.5, 10);
	expect_body(&w, "stream_options", false);
	expect_body(&w, "\"content\":\"hello\"", true);
	fake_http_stream(w.http, SAID);
	assert_int_equal(w.fault, LLM_FAULT_NONE);
	llm_stage_forget(&w);
	llm_stage_ask(&w, 0.5, 10);
	expect_body(&w, "temperature", false);
	expect_body(&w, "stream_options", false);
	fake_http_status(w.http, 400, "{\"error\":{\"message\":\"bad\",\"param\":\"temperature\"}}");
	assert_int_equal(w.fault, LLM_FAULT_REFUSED); /* not for ever */
	llm_stage_close(&w);
}

static const struct {
	int status;
	const char *body;
	const char *should_retry;
	enum llm_fault fault;
	unsigned retry_ms;
	const char *says;
} refusals[] = {
	{ 403,
	  "{\"error\":{\"code\":403,\"message\":\"Your chosen model requires moderation and your input was "
	  "flagged\"}}",
	  NULL, LLM_FAULT_REFUSED, 0, "flagged" },
	{ 403, "{\"error\":{\"code\":403,\"message\":\"Your key may not use this model\"}}", NULL,
	  LLM_FAULT_AUTH, 0, "key" },
	{ 400,
	  "{\"error\":{\"message\":\"This model's maximum context length is 4096 tokens\",\"code\":null}}",
	  NULL, LLM_FAULT_OVERFLOW, 0, "4096" },
	{ 400, "{\"error\":{\"message\":\"x\",\"code\":\"context_length_exceeded\"}}", NULL,
	  LLM_FAULT_OVERFLOW, 0, "x" },
	{ 400, "{\"error\":{\"code\":400,\"type\":\"exceed_context_size_error\",\"message\":\"y\"}}", NULL,
	  LLM_FAULT_OVERFLOW, 0, "y" },
	{ 400,
	  "[{\"error\":{\"code\":400,\"message\":\"The input token count (9) exceeds the maximum number of "
	  "tokens "
	  "allowed (8)\",\"status\":\"INVALID_ARGUMENT\"}}]",
	  NULL, LLM_FAULT_OVERFLOW, 0, "token count" },
	{ 400, "{\"error\":{\"message\":\"string too long\",\"code\":\"string_above_max_length\"}}", NULL,
	  LLM_FAULT_REFUSED, 0, "string" },
	{ 400, "{\"object\":\"error\",\"message\":\"no tools here\",\"code\":400}", NULL, LLM_FAULT_REFUSED,
	  0, "no tools" },
	{ 400, "{\"error\":{\"code\":\"tool_use_failed\",\"message\":\"z\"}}", NULL, LLM_FAULT_TRANSIENT, 0,
	  "z" },
	{ 401, "{\"error\":{\"message\":\"Incorrect API key\",\"code\":\"invalid_api_key\"}}", NULL,
	  LLM_FAULT_AUTH, 0, "401: Incorrect API key" },
	{ 402, "{\"error\":{\"message\":\"Insufficient Balance\"}}", NULL, LLM_FAULT_AUTH, 0, "Balance" },
	{ 403, "", NULL, LLM_FAULT_AUTH, 0, "403" },
	{ 404, "{\"error\":\"model 'x' not found\"}", NULL, LLM_FAULT_AUTH, 0, "not found" },
	{ 413, "{\"error\":{\"message\":\"Request too large\",\"code\":\"rate_limit_exceeded\"}}", NULL,
	  LLM_FAULT_REFUSED, 0, "large" },
	{ 413, "<html>413</html>", NULL, LLM_FAULT_OVERFLOW, 0, "413" },
	{ 422, "{\"detail\":[{\"loc\":[\"body\",3],\"msg\":\"too odd\",\"input\":\"private words\"}]}", NULL,
	  LLM_FAULT_REFUSED, 0, "too odd ([\"body\",3])" },
	{ 422, "{\"detail\":[{\"msg\":\"field required\"}]}", NULL, LLM_FAULT_REFUSED, 0, "field required" },
	{ 429,
	  "{\"error\":{\"message\":\"Rate limit. Please try again in "
	  "4.77s.\",\"code\":\"rate_limit_exceeded\"}}",
	  NULL, LLM_FAULT_LIMITED, 4770, "Rate limit" },
	{ 429, "{\"message\":\"try again in 1m2.5s\"}", NULL, LLM_FAULT_LIMITED, 62500, "try" },
	{ 429, "{\"error\":{\"message\":\"You exceeded your quota\",\"code\":\"insufficient_quota\"}}",
	  "true", LLM_FAULT_AUTH, 0, "quota" },
	{ 429, "{\"error\":{\"message\":\"m\",\"type\":\"x\",\"code\":\"project_spend_limit_exceeded\"}}",
	  NULL, LLM_FAULT_AUTH, 0, "m" },
	{ 429, "", "false", LLM_FAULT_REFUSED, 0, "429" },
	{ 500, "{\"error\":{\"message\":\"oops\"}}", NULL, LLM_FAULT_TRANSIENT, 0, "oops" },
	{ 500, "", "false", LLM_FAULT_REFUSED, 0, "500" },
	{ 501, "", NULL, LLM_FAULT_REFUSED, 0, "501" },
	{ 502, "<html><title>Bad gateway</title></html>", NULL, LLM_FAULT_TRANSIENT, 0, "502" },
	{ 503, "{\"error\":{\"code\":503,\"message\":\"Loading model\"}}", NULL, LLM_FAULT_TRANSIENT, 0,
	  "Loading" },
	{ 529, "not json", NULL, LLM_FAULT_TRANSIENT, 0, "529" },
	{ 302, "", NULL, LLM_FAULT_REFUSED, 0, "302" },
	{ 418, "null", "true", LLM_FAULT_TRANSIENT, 0, "418" },
};

static void test_refusals(void **state)
{
	struct llm_stage w;

	(void)state;
	llm_stage_open(&w, "openai", NULL);
	for (size_t i = 0; i < sizeof(refusals) / sizeof(*refusals); i++) {
		struct http_answer answer = { .how = HTTP_ANSWERED,
					      .status = refusals[i].status,
					      .body = refusals[i].body,
					      .len = strlen(refusals[i].body),
					      .retry_after_ms = -1,
					      .should_retry = refusals[i].should_retry,
					      .request_id = "req-1" };

		print_message("%d %s\n", answer.status, answer.body);
		llm_stage_ask(&w, -1, 0);
		fake_http_end(w.http, &answer);
		assert_true(w.ended);
		assert_int_equal(w.fault, refusals[i].fault);
		assert_int_equal(w.retry_ms, refusals[i].retry_ms);
		assert_non_null(strstr(w.err.text, refusals[i].says));
		assert_string_equal(w.request_id, "req-1");
		assert_null(strstr(w.err.text, "private"));
		llm_stage_forget(&w);
	}
	llm_stage_ask(&w, -1, 0); /* the header counts before the sentence */
	fake_http_end(w.http, &(struct http_answer){ .how = HTTP_ANSWERED,
						     .status = 429,
						     .retry_after_ms = 1500,
						     .body = "{\"message\":\"try again in 9s\"}",
						     .len = 29 });
	assert_int_equal(w.retry_ms, 1500);
	llm_stage_close(&w);
}

static void test_broken_connections(void **state)
{
	struct http_answer maybe = { .how = HTTP_MAYBE, .status = 200, .retry_after_ms = -1 };
	struct llm_stage w;
	char line[4096];

	(void)state;
	memset(line, 'x', sizeof(line));
	llm_stage_open(&w, "openai", NULL);
	llm_stage_ask(&w, -1, 0);
	fake_http_broken(w.http, HTTP_NOT_SENT);
	assert_int_equal(w.fault, LLM_FAULT_TRANSIENT);
	assert_int_equal(w.err.kind, ERR_AGAIN); /* nothing was billed */
	llm_stage_forget(&w);
	llm_stage_ask(&w, -1, 0);
	fake_http_broken(w.http, HTTP_MAYBE);
	assert_int_equal(w.fault, LLM_FAULT_TRANSIENT);
	assert_int_equal(w.err.kind, ERR_UNSURE);
	llm_stage_forget(&w);
	llm_stage_ask(&w, -1, 0); /* all was said before it broke: an answer */
	fake_http_data(w.http, SAID, strlen(SAID));
	fake_http_end(w.http, &maybe);
	assert_int_equal(w.fault, LLM_FAULT_NONE);
	llm_stage_forget(&w);
	llm_stage_ask(&w, -1, 0); /* half was said */
	fake_http_data(w.http, SAID, 40);
	fake_http_end(w.http, &maybe);
	assert_int_equal(w.fault, LLM_FAULT_TRANSIENT);
	llm_stage_forget(&w);
	llm_stage_ask(&w, -1, 0); /* and half a line: what broke is the connection, not the JSON */
	fake_http_data(w.http, "data: {\"choices\":[{\"delta\":{\"content\":\"gr\xc3", 42);
	fake_http_end(w.http, &maybe);
	assert_int_equal(w.fault, LLM_FAULT_TRANSIENT);
	assert_int_equal(w.err.kind, ERR_UNSURE);
	assert_null(strstr(w.err.text, "JSON"));
	llm_stage_forget(&w);
	llm_stage_ask(&w, -1, 0); /* and a line without end: it was made, so it was billed */
	fake_http_data(w.http, SAID, 40);
	for (size_t i = 0; i <= REMOTE_LINE_MAX / (sizeof(line) - 1); i++)
		fake_http_data(w.http, line, sizeof(line) - 1);
	fake_http_end(w.http, &maybe);
	assert_int_equal(w.fault, LLM_FAULT_TRANSIENT);
	assert_int_equal(w.err.kind, ERR_UNSURE);
	assert_non_null(strstr(w.err.text, "line over"));
	llm_stage_forget(&w);
	llm_stage_ask(&w, -1, 0);
	maybe.how = HTTP_NOT_SENT;
	err_set(&maybe.err, ERR_REFUSED, "not a URL");
	fake_http_end(w.http, &maybe);
	assert_int_equal(w.fault, LLM_FAULT_REFUSED);
	llm_stage_close(&w);
}

/* A server that says [DONE] and keeps the connection open keeps nobody waiting. */
static void test_open_after_done(void **state)
{
	struct llm_stage w;

	(void)state;
	llm_stage_open(&w, "openai", NULL);
	llm_stage_ask(&w, -1, 0);
	fake_http_data(w.http, SAID, strlen(SAID));
	assert_false(w.ended);
	fake_loop_pass(w.loop, 2100);
	assert_true(w.ended);
	assert_int_equal(w.fault, LLM_FAULT_NONE);
	assert_int_equal(http_running(w.http), 0);
	llm_stage_close(&w);
}

/* A small machine may think for minutes before it says a word; that is no silence. */
static void test_a_long_thought_is_progress(void **state)
{
	static const char thought[] = "data: {\"choices\":[{\"delta\":{\"content\":\"<think> hm \"}}]}\n\n";
	static const char more[] = "data: {\"choices\":[{\"delta\":{\"content\":\"and hm \"}}]}\n\n";
	static const char end[] = "data: {\"choices\":[{\"delta\":{\"content\":\"</think>42\"},"
				  "\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n";
	struct llm_stage w;

	(void)state;
	llm_stage_open(&w, "openai", NULL);
	llm_stage_ask(&w, -1, 0);
	assert_true(fake_http_data(w.http, thought, strlen(thought)));
	for (int i = 0; i < 20; i++) {
		fake_loop_pass(w.loop, 20000);
		assert_true(fake_http_data(w.http, more, strlen(more)));
	}
	fake_http_data(w.http, end, strlen(end));
	fake_loop_pass(w.loop, 2100);
	assert_true(w.ended);
	assert_int_equal(w.fault, LLM_FAULT_NONE);
	assert_string_equal(buf_str(&w.parts), "42");
	llm_stage_close(&w);
}

static void test_signs_of_life_are_no_answer(void **state)
{
	struct llm_stage w;
	bool more = true;

	(void)state;
	llm_stage_open(&w, "openai", NULL);
	llm_stage_ask(&w, -1, 0);
	for (int i = 0; i < 20 && more; i++) {
		fake_loop_pass(w.loop, 10000);
		more = fake_http_data(w.http, ": ping\n\n", 8);
	}
	assert_false(more);
	fake_http_broken(w.http, HTTP_MAYBE);
	assert_int_equal(w.fault, LLM_FAULT_TRANSIENT);
	assert_non_null(strstr(w.err.text, "signs of life"));
	llm_stage_close(&w);
}

static void test_caps(void **state)
{
	char *big = mem_alloc(100000);
	struct llm_stage w;
	bool more = true;
	size_t fed = 0;

	(void)state;
	memset(big, 'a', 100000);
	llm_stage_open(&w, "openai", NULL);
	llm_stage_ask(&w, -1, 0); /* one endless line */
	fake_http_data(w.http, "data: {", 7);
	while (more && (fed += 100000) < 20 * REMOTE_LINE_MAX)
		more = fake_http_data(w.http, big, 100000);
	assert_true(fed < 2 * REMOTE_LINE_MAX);
	fake_http_broken(w.http, HTTP_MAYBE);
	assert_int_equal(w.fault, LLM_FAULT_TRANSIENT);
	llm_stage_forget(&w);
	llm_stage_ask(&w, -1, 0); /* an endless answer: what fits is given, as cut */
	for (more = true, fed = 0; more && fed < 20 * REPLY_TEXT_MAX; fed += 90000) {
		char *chunk =
			mem_format("data: {\"choices\":[{\"delta\":{\"content\":\"%.90000s\"}}]}\n\n", big);

		more = fake_http_data(w.http, chunk, strlen(chunk));
		free(chunk);
	}
	assert_false(more);
	fake_http_broken(w.http, HTTP_MAYBE);
	assert_int_equal(w.fault, LLM_FAULT_NONE);
	assert_int_equal(w.stop, LLM_STOP_LENGTH);
	assert_true(w.text.len > REPLY_TEXT_MAX / 2 && w.text.len <= REPLY_TEXT_MAX);
	llm_stage_forget(&w);
	llm_stage_ask(&w, -1, 0); /* an endless body */
	fake_http_data(w.http, "{", 1);
	for (more = true, fed = 0; more && fed < 20 * REMOTE_BODY_MAX; fed += 100000)
		more = fake_http_data(w.http, big, 100000);
	assert_false(more);
	fake_http_broken(w.http, HTTP_MAYBE);
	assert_int_equal(w.fault, LLM_FAULT_TRANSIENT);
	llm_stage_close(&w);
	free(big);
}

static void test_cancel(void **state)
{
	struct llm_stage w;

	(void)state;
	llm_stage_open(&w, "openai", NULL);
	llm_stage_ask(&w, -1, 0);
	openai_ops.cancel(w.llm, 8); /* nobody's */
	assert_int_equal(http_running(w.http), 1);
	openai_ops.cancel(w.llm, 9);
	assert_int_equal(http_running(w.http), 0);
	llm_stage_ask(&w, -1, 0);
	w.cancel_in_part = true;
	fake_http_data(w.http, SAID, strlen(SAID)); /* from within the first part */
	assert_int_equal(http_running(w.http), 0);
	assert_false(w.ended);
	llm_stage_close(&w);
}

static void test_without_stream(void **state)
{
	static const char *const values[] = { "stream", "false", NULL };
	struct llm_stage w;

	(void)state;
	llm_stage_open(&w, "openai", values);
	llm_stage_ask(&w, -1, 0);
	expect_body(&w, "stream", false);
	assert_int_equal(fake_http_call(w.http)->idle_ms, 0);
	fake_http_stream(w.http, "{\"choices\":[{\"message\":{\"content\":\"Hi\",\"tool_calls\":null},"
				 "\"finish_reason\":\"stop\"}]}");
	assert_string_equal(buf_str(&w.text), "Hi");
	assert_string_equal(buf_str(&w.parts), "Hi");
	llm_stage_close(&w);
}

static void test_check(void **state)
{
	struct http_answer answer = { .how = HTTP_ANSWERED, .status = 200, .retry_after_ms = -1 };
	struct llm_stage w;

	(void)state;
	llm_stage_open(&w, "openai", NULL);
	openai_ops.check(w.llm, 9);
	assert_string_equal(fake_http_call(w.http)->url, "https://api.openai.com/v1/models");
	assert_string_equal(fake_http_call(w.http)->method, "GET");
	answer.date_ms = clock_wall_ms() + 90000;
	fake_http_data(w.http, "{\"data\":[]}", 11);
	fake_http_end(w.http, &answer);
	assert_int_equal(w.checked, 1);
	assert_int_equal(w.err.kind, ERR_NONE);
	assert_in_range(w.skew, 80000, 90000);
	openai_ops.check(w.llm, 9);
	fake_http_status(w.http, 401, "{\"error\":{\"message\":\"Incorrect API key\"}}");
	assert_int_equal(w.err.kind, ERR_REFUSED);
	assert_non_null(strstr(w.err.text, "Incorrect API key"));
	openai_ops.check(w.llm, 9);
	fake_http_broken(w.http, HTTP_NOT_SENT);
	assert_int_equal(w.err.kind, ERR_AGAIN);
	assert_int_equal(w.checked, 3);
	openai_ops.check(w.llm, 9);
	llm_stage_close(&w);
}

static void refuse_settings(const char *name, const char *value, const char *says)
{
	struct settings *settings = settings_create(ai_model_settings, "models[0]", "test:1");
	struct loop *loop = fake_loop_create();
	const struct settings *const list[] = { settings };
	struct ai_options options = { .loop = loop, .models = list, .model_count = 1 };
	struct err err = { 0 };

	assert_true(settings_put(settings, "name", "main", "test:1", &err));
	assert_true(settings_put(settings, "provider", "openai", "test:1", &err));
	assert_true(settings_put(settings, name, value, "test:1", &err));
	if (strcmp(name, "model") != 0 && strcmp(name, "price_as") != 0)
		assert_true(settings_put(settings, "model", "m", "test:1", &err));
	assert_true(settings_finish(settings, &err));
	assert_null(ai_create(&options, &err));
	if (strstr(err.text, says) == NULL)
		fail_msg("%s", err.text);
	settings_destroy(settings);
	fake_loop_destroy(loop);
}

static void test_wrong_settings(void **state)
{
	(void)state;
	refuse_settings("price_as", "x", "needs `model`");
	refuse_settings("base_url", "api.openai.com", "base_url");
	refuse_settings("api_key", "made\nup", "api_key");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_address_and_key),
		cmocka_unit_test(test_adapts),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_broken_connections),
		cmocka_unit_test(test_open_after_done),
		cmocka_unit_test(test_a_long_thought_is_progress),
		cmocka_unit_test(test_signs_of_life_are_no_answer),
		cmocka_unit_test(test_caps),
		cmocka_unit_test(test_cancel),
		cmocka_unit_test(test_without_stream),
		cmocka_unit_test(test_check),
		cmocka_unit_test(test_wrong_settings),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
