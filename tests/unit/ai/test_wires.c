/* What the providers beside OpenAI read and write: whatever the split of the bytes, the reply is the same, and no call comes
 * from an answer that was not finished; what we send is what a JSON library reads back. */
#include "anthropic.h"
#include "cohere.h"
#include "fake_http.h"
#include "json.h"
#include "llm_stage.h"
#include "mem.h"
#include "ollama.h"
#include <stdlib.h>
#include <string.h>

static void test_anthropic_streams(void **state)
{
	static const char *const names[] = { "plain.sse", "calls.sse", "thinking.sse", "overloaded.sse",
					     NULL };

	(void)state;
	llm_stage_streams("anthropic", 18);
	llm_stage_splits("anthropic", names);
}

static void test_cohere_streams(void **state)
{
	static const char *const names[] = { "plain.sse", "calls.sse", "json-text.sse", "error-end.sse",
					     NULL };

	(void)state;
	llm_stage_streams("cohere", 13);
	llm_stage_splits("cohere", names);
}

static void test_ollama_streams(void **state)
{
	static const char *const names[] = { "plain.ndjson", "calls.ndjson", "blank-lines.ndjson",
					     "error-line.ndjson", NULL };

	(void)state;
	llm_stage_streams("ollama", 12);
	llm_stage_splits("ollama", names);
}

/* A connection may break anywhere: what a tool was half asked to do must not be done. */
static void test_streams_cut_anywhere(void **state)
{
	(void)state;
	llm_stage_cuts("openai");
	llm_stage_cuts("anthropic");
	llm_stage_cuts("cohere");
	llm_stage_cuts("ollama");
}

/* ---- requests ---------------------------------------------------------------------------------------------- */

static const struct llm_call asked[] = { { "c1", "add_task", "{\"title\":\"milk\"}" },
					 { "c2", "list_tasks", "[" } };
static const struct llm_image picture[] = { { "image/png", "iVBO" } };
static const struct llm_message talk[] = {
	{ .role = LLM_SYSTEM, .text = "Be kind." },
	{ .role = LLM_USER, .text = "Hi \"you\"\n" },
	{ .role = LLM_ASSISTANT, .text = "Hello." },
	{ .role = LLM_USER, .text = "Look", .images = picture, .image_count = 1 },
	{ .role = LLM_ASSISTANT, .text = "I add it.", .calls = asked, .call_count = 2 },
	{ .role = LLM_TOOL, .text = "{\"task_id\":1}", .call_id = "c1", .tool = "add_task" },
	{ .role = LLM_TOOL, .text = "", .call_id = "c2", .tool = "list_tasks" },
};
static const struct tool add_task = { .name = "add_task",
				      .description = "Adds a task.",
				      .parameters =
					      "{\"type\":\"object\",\"properties\":{\"title\":{\"type\":"
					      "\"string\"}}}" };
static const struct tool *const offered[] = { &add_task };
static const struct llm_request whole = { .messages = talk,
					  .message_count = 7,
					  .tools = offered,
					  .tool_count = 1,
					  .temperature = 0.5,
					  .max_output_tokens = 100 };
static const struct llm_request bare = { .messages = talk + 1, .message_count = 1, .temperature = -1 };

static void check(struct buf *out, const char *want)
{
	struct err err = { 0 };
	json_t *got = json_read(buf_str(out), out->len, &err),
	       *expected = json_read(want, strlen(want), NULL);

	assert_non_null(expected);
	if (got == NULL || !json_equal(got, expected))
		fail_msg("got  %s\nwant %s\n%s", buf_str(out), want, err.text);
	json_decref(got);
	json_decref(expected);
	buf_free(out);
}

static void test_anthropic_requests(void **state)
{
	struct buf out = { 0 };

	(void)state;
	anthropic_encode_start(&out, "m", &whole, true);
	anthropic_encode_params(&out, &(struct remote_params){ true, 0.5, 100 }, true);
	check(&out,
	      "{\"model\":\"m\",\"system\":[{\"type\":\"text\",\"text\":\"Be kind.\",\"cache_control\":{"
	      "\"type\":\"ephemeral\"}}],\"messages\":["
	      "{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"Hi \\\"you\\\"\\n\"}]},"
	      "{\"role\":\"assistant\",\"content\":\"Hello.\"},"
	      "{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"Look\"},{\"type\":\"image\","
	      "\"source\":{\"type\":\"base64\",\"media_type\":\"image/png\",\"data\":\"iVBO\"}}]},"
	      "{\"role\":\"assistant\",\"content\":[{\"type\":\"text\",\"text\":\"I add it.\"},"
	      "{\"type\":\"tool_use\",\"id\":\"c1\",\"name\":\"add_task\",\"input\":{\"title\":\"milk\"}},"
	      "{\"type\":\"tool_use\",\"id\":\"c2\",\"name\":\"list_tasks\",\"input\":{}}]},"
	      "{\"role\":\"user\",\"content\":[{\"type\":\"tool_result\",\"tool_use_id\":\"c1\",\"content\":"
	      "\"{\\\"task_id\\\":1}\"},{\"type\":\"tool_result\",\"tool_use_id\":\"c2\",\"content\":"
	      "\"(no "
	      "output)\",\"cache_control\":{\"type\":\"ephemeral\"}}]}],\"tools\":[{\"name\":\"add_task\","
	      "\"description\":\"Adds a task.\","
	      "\"input_schema\":{\"type\":\"object\",\"properties\":{\"title\":{\"type\":\"string\"}}}}],"
	      "\"max_tokens\":100,\"temperature\":0.5,\"stream\":true}");
	anthropic_encode_start(&out, "m", &bare, true);
	anthropic_encode_params(&out, &(struct remote_params){ false, 1.7, 0 }, true); /* 1 is their most */
	check(&out,
	      "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":"
	      "\"Hi \\\"you\\\"\\n\"}]}],\"max_tokens\":8192,\"temperature\":1.0}");
}

/* Thoughts carry signatures: the model's own message goes back to the letter. */
static void test_anthropic_sends_its_own_blocks_back(void **state)
{
	struct llm_message messages[] = {
		{ .role = LLM_USER, .text = "Hi" },
		{ .role = LLM_ASSISTANT,
		  .text = "changed",
		  .calls = asked,
		  .call_count = 1,
		  .raw = "[{\"type\":\"thinking\",\"thinking\":\"h\",\"signature\":\"s\"}]" },
		{ .role = LLM_TOOL, .text = "{}", .call_id = "c1", .tool = "add_task" }
	};
	struct llm_request request = { .messages = messages, .message_count = 3, .temperature = -1 };
	struct buf out = { 0 };

	(void)state;
	anthropic_encode_start(&out, "m", &request, false);
	assert_non_null(strstr(buf_str(&out),
			       "{\"role\":\"assistant\",\"content\":[{\"type\":\"thinking\",\"thinking\":"
			       "\"h\",\"signature\":\"s\"}]}"));
	buf_free(&out);
}

/* What another service called its calls, or said in blanks, must not make this one refuse the whole question. */
static void test_anthropic_takes_over_from_another_service(void **state)
{
	static const struct llm_call calls[] = { { "functions.add:0", "tools.add task", "{}" },
						 { "", "x", "{}" } };
	static const struct llm_message messages[] = {
		{ .role = LLM_SYSTEM, .text = " " },
		{ .role = LLM_USER, .text = "Hi" },
		{ .role = LLM_ASSISTANT, .text = "\n\n", .calls = calls, .call_count = 2 },
		{ .role = LLM_TOOL, .text = "{}", .call_id = "functions.add:0" },
		{ .role = LLM_TOOL, .text = " ", .call_id = "" },
	};
	struct llm_request request = { .messages = messages,
				       .message_count = 5,
				       .spent = offered,
				       .spent_count = 1,
				       .temperature = -1 };
	struct buf out = { 0 };

	(void)state;
	anthropic_encode_start(&out, "m", &request, false);
	anthropic_encode_params(&out, &(struct remote_params){ false, -1, 1 }, true);
	check(&out,
	      "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":"
	      "\"Hi\"}]},{\"role\":\"assistant\",\"content\":[{\"type\":\"tool_use\",\"id\":\"functions_add_"
	      "0\","
	      "\"name\":\"tools_add_task\",\"input\":{}},{\"type\":\"tool_use\",\"id\":\"_\",\"name\":\"x\","
	      "\"input\":{}}]},{\"role\":\"user\",\"content\":[{\"type\":\"tool_result\",\"tool_use_id\":"
	      "\"functions_add_0\",\"content\":\"{}\"},{\"type\":\"tool_result\",\"tool_use_id\":\"_\","
	      "\"content\":\"(no output)\"}]}],\"tools\":[{\"name\":\"add_task\",\"description\":\"Adds a "
	      "task.\",\"input_schema\":{\"type\":\"object\",\"properties\":{\"title\":{\"type\":\"string\"}}"
	      "}}],"
	      "\"tool_choice\":{\"type\":\"none\"},\"max_tokens\":1}");
}

static void test_cohere_requests(void **state)
{
	struct buf out = { 0 };

	(void)state;
	cohere_encode_start(&out, "m", &whole);
	cohere_encode_params(&out, &(struct remote_params){ true, 0.5, 100 });
	check(&out,
	      "{\"model\":\"m\",\"messages\":[{\"role\":\"system\",\"content\":\"Be kind.\"},"
	      "{\"role\":\"user\",\"content\":\"Hi "
	      "\\\"you\\\"\\n\"},{\"role\":\"assistant\",\"content\":\"Hello.\"},"
	      "{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"Look\"},{\"type\":\"image_url\","
	      "\"image_url\":{\"url\":\"data:image/png;base64,iVBO\"}}]},"
	      "{\"role\":\"assistant\",\"tool_plan\":\"I add it.\",\"tool_calls\":[{\"id\":\"c1\",\"type\":"
	      "\"function\",\"function\":{\"name\":\"add_task\",\"arguments\":\"{\\\"title\\\":\\\"milk\\\"}"
	      "\"}},"
	      "{\"id\":\"c2\",\"type\":\"function\",\"function\":{\"name\":\"list_tasks\",\"arguments\":\"["
	      "\"}}]},"
	      "{\"role\":\"tool\",\"tool_call_id\":\"c1\",\"content\":\"{\\\"task_id\\\":1}\"},"
	      "{\"role\":\"tool\",\"tool_call_id\":\"c2\",\"content\":\"(no output)\"}],\"tools\":[{\"type\":"
	      "\"function\",\"function\":{\"name\":\"add_task\",\"description\":\"Adds a "
	      "task.\",\"parameters\":"
	      "{\"type\":\"object\",\"properties\":{\"title\":{\"type\":\"string\"}}}}}],\"max_tokens\":100,"
	      "\"temperature\":0.5,\"stream\":true}");
	cohere_encode_start(&out, "m", &bare);
	cohere_encode_params(&out, &(struct remote_params){ false, -1, 0 });
	check(&out, "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"Hi \\\"you\\\"\\n\"}],"
		    "\"stream\":false}");
}

static void test_ollama_requests(void **state)
{
	struct ollama_options options = { 4096, "-1" };
	struct buf out = { 0 };

	(void)state;
	ollama_encode_start(&out, "m", &whole);
	ollama_encode_tools(&out, &whole);
	ollama_encode_params(&out, &(struct remote_params){ true, 0.5, 100 }, &options);
	check(&out,
	      "{\"model\":\"m\",\"messages\":[{\"role\":\"system\",\"content\":\"Be kind.\"},"
	      "{\"role\":\"user\",\"content\":\"Hi "
	      "\\\"you\\\"\\n\"},{\"role\":\"assistant\",\"content\":\"Hello.\"},"
	      "{\"role\":\"user\",\"content\":\"Look\",\"images\":[\"iVBO\"]},"
	      "{\"role\":\"assistant\",\"content\":\"I add "
	      "it.\",\"tool_calls\":[{\"function\":{\"name\":\"add_task\","
	      "\"arguments\":{\"title\":\"milk\"}}},{\"function\":{\"name\":\"list_tasks\",\"arguments\":{}}}"
	      "]},"
	      "{\"role\":\"tool\",\"content\":\"{\\\"task_id\\\":1}\",\"tool_name\":\"add_task\"},"
	      "{\"role\":\"tool\",\"content\":\"\",\"tool_name\":\"list_tasks\"}],\"tools\":[{\"type\":"
	      "\"function\","
	      "\"function\":{\"name\":\"add_task\",\"description\":\"Adds a task.\",\"parameters\":{\"type\":"
	      "\"object\",\"properties\":{\"title\":{\"type\":\"string\"}}}}}],\"stream\":true,\"options\":"
	      "{\"num_ctx\":4096,\"num_predict\":100,\"temperature\":0.5},\"keep_alive\":-1}");
}

/* ---- refusals ------------------------------------------------------------------------------------------------ */

static void refuse(struct llm_stage *w, int status, const char *body)
{
	struct http_answer answer = { .how = HTTP_ANSWERED,
				      .status = status,
				      .body = body,
				      .len = strlen(body),
				      .retry_after_ms = -1 };

	fake_http_end(w->http, &answer);
}

static void test_errors_mean_the_same_everywhere(void **state)
{
	static const struct {
		const char *provider;
		int status;
		const char *body;
		enum llm_fault fault;
	} rows[] = {
		{ "anthropic", 529,
		  "{\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"O\"}}",
		  LLM_FAULT_TRANSIENT },
		{ "anthropic", 429,
		  "{\"type\":\"error\",\"error\":{\"type\":\"rate_limit_error\",\"message\":\"R\"}}",
		  LLM_FAULT_LIMITED },
		{ "anthropic", 429,
		  "{\"type\":\"error\",\"error\":{\"type\":\"rate_limit_error\",\"message\":\"R\","
		  "\"details\":{"
		  "\"error_code\":\"enforced_spend_limit_reached\"}}}",
		  LLM_FAULT_AUTH },
		{ "anthropic", 400,
		  "{\"type\":\"error\",\"error\":{\"type\":\"invalid_request_error\",\"message\":\"prompt is "
		  "too long: "
		  "9 tokens > 8 maximum\"}}",
		  LLM_FAULT_OVERFLOW },
		{ "anthropic", 401,
		  "{\"type\":\"error\",\"error\":{\"type\":\"authentication_error\",\"message\":\"x\"}}",
		  LLM_FAULT_AUTH },
		{ "anthropic", 402,
		  "{\"type\":\"error\",\"error\":{\"type\":\"billing_error\",\"message\":\"x\"}}",
		  LLM_FAULT_AUTH },
		{ "cohere", 400, "{\"message\":\"too many tokens: the limit is 8\"}", LLM_FAULT_OVERFLOW },
		{ "cohere", 401, "{\"message\":\"invalid api token\"}", LLM_FAULT_AUTH },
		{ "cohere", 429, "{\"message\":\"You are using a Trial key\"}", LLM_FAULT_LIMITED },
		{ "cohere", 498, "{\"message\":\"blocked\"}", LLM_FAULT_REFUSED },
		{ "cohere", 500, "{\"message\":\"internal\"}", LLM_FAULT_TRANSIENT },
		{ "cohere", 501, "{\"message\":\"not implemented\"}", LLM_FAULT_REFUSED },
		{ "ollama", 404, "{\"error\":\"model 'm' not found\"}", LLM_FAULT_AUTH },
		{ "ollama", 500, "{\"error\":\"out of memory\"}", LLM_FAULT_TRANSIENT },
	};
	struct llm_stage w;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		llm_stage_open(&w, rows[i].provider, NULL);
		llm_stage_ask(&w, -1, 0);
		refuse(&w, rows[i].status, rows[i].body);
		assert_true(w.ended);
		if (w.fault != rows[i].fault)
			fail_msg("%s %d %s: %d, want %d", rows[i].provider, rows[i].status, rows[i].body,
				 w.fault, rows[i].fault);
		llm_stage_close(&w);
	}
}

/* A parameter that a model does not take is left out, once and for all; the person gets an answer. */
static void test_what_a_model_does_not_take_is_left_out(void **state)
{
	struct llm_stage w;

	(void)state;
	llm_stage_open(&w, "anthropic", NULL);
	llm_stage_ask(&w, 0.3, 0);
	assert_non_null(strstr(fake_http_call(w.http)->body, "temperature"));
	refuse(&w, 400,
	       "{\"type\":\"error\",\"error\":{\"type\":\"invalid_request_error\",\"message\":\"`temperature`"
	       " is "
	       "not supported by this model\"}}");
	llm_stage_anew(&w, 0.3, 0);
	assert_null(strstr(fake_http_call(w.http)->body, "temperature"));
	refuse(&w, 400,
	       "{\"type\":\"error\",\"error\":{\"type\":\"invalid_request_error\",\"message\":\"`temperature`"
	       "\"}}");
	assert_int_equal(w.fault, LLM_FAULT_REFUSED);
	llm_stage_close(&w);
}

/* Loading a model takes minutes: without patience the first question of the day would always fail. */
static void test_ollama_is_given_time_to_load_a_model(void **state)
{
	static const struct {
		const char *provider, *given;
		unsigned ms;
	} rows[] = { { "ollama", NULL, 300000 }, { "ollama", "7", 7000 }, { "cohere", NULL, 120000 } };
	struct llm_stage w;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		const char *values[] = { rows[i].given ? "first_byte_s" : NULL, rows[i].given, NULL };

		llm_stage_open(&w, rows[i].provider, values);
		llm_stage_ask(&w, -1, 0);
		assert_int_equal(fake_http_call(w.http)->first_byte_ms, rows[i].ms);
		w.ops->cancel(w.llm, 9);
		llm_stage_close(&w);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_anthropic_streams),
		cmocka_unit_test(test_cohere_streams),
		cmocka_unit_test(test_ollama_streams),
		cmocka_unit_test(test_streams_cut_anywhere),
		cmocka_unit_test(test_anthropic_requests),
		cmocka_unit_test(test_anthropic_sends_its_own_blocks_back),
		cmocka_unit_test(test_anthropic_takes_over_from_another_service),
		cmocka_unit_test(test_cohere_requests),
		cmocka_unit_test(test_ollama_requests),
		cmocka_unit_test(test_errors_mean_the_same_everywhere),
		cmocka_unit_test(test_what_a_model_does_not_take_is_left_out),
		cmocka_unit_test(test_ollama_is_given_time_to_load_a_model),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
