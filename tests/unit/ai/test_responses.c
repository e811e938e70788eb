/* OpenAI's other form: whatever the split of the bytes the reply is the same, no call comes from an answer that was not
 * finished, what we send is what a JSON library reads back, and a model that wants this form gets it. */
#include "fake_http.h"
#include "json.h"
#include "llm_stage.h"
#include "responses.h"
#include <string.h>

static void test_streams(void **state)
{
	static const char *const names[] = { "plain.sse", "calls.sse", "commentary.sse", "failed.sse", NULL };

	(void)state;
	llm_stage_streams("openai-responses", 17);
	llm_stage_splits("openai-responses", names);
}

static void test_streams_cut_anywhere(void **state)
{
	(void)state;
	llm_stage_cuts("openai-responses");
}

/* ---- requests ---------------------------------------------------------------------------------------------- */

static const struct llm_call asked[] = { { "c1", "add_task", "{\"title\":\"milk\"}" } };
static const struct llm_image picture[] = { { "image/png", "iVBO" } };
static const struct llm_message talk[] = {
	{ .role = LLM_SYSTEM, .text = "Be kind." },
	{ .role = LLM_USER, .text = "Hi \"you\"\n" },
	{ .role = LLM_ASSISTANT, .text = "Hello." },
	{ .role = LLM_USER, .text = "Look", .images = picture, .image_count = 1 },
	{ .role = LLM_ASSISTANT, .text = "I add it.", .calls = asked, .call_count = 1 },
	{ .role = LLM_TOOL, .text = "", .call_id = "c1", .tool = "add_task" },
	{ .role = LLM_ASSISTANT,
	  .text = "changed",
	  .calls = asked,
	  .call_count = 1,
	  .raw = "[{\"type\":\"reasoning\",\"encrypted_content\":\"s\"},{\"type\":\"function_call\"}]" },
	{ .role = LLM_TOOL, .text = "{}", .call_id = "c1", .tool = "add_task" },
};
static const struct tool add_task = { .name = "add_task",
				      .description = "Adds a task.",
				      .parameters = "{\"type\":\"object\"}" };
static const struct tool *const offered[] = { &add_task };

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

static void test_requests(void **state)
{
	static const struct llm_request whole = {
		.messages = talk, .message_count = 8, .tools = offered, .tool_count = 1
	};
	static const struct llm_request bare = { .messages = talk + 1, .message_count = 1 };
	static const struct responses_quirks none, all = { true, true };
	struct buf out = { 0 };

	(void)state;
	responses_encode_start(&out, "m", &whole);
	responses_encode_params(&out, &(struct remote_params){ true, 0.5, 100 }, &none);
	check(&out,
	      "{\"model\":\"m\",\"instructions\":\"Be kind.\",\"input\":["
	      "{\"type\":\"message\",\"role\":\"user\",\"content\":[{\"type\":\"input_text\",\"text\":\"Hi "
	      "\\\"you\\\"\\n\"}]},"
	      "{\"type\":\"message\",\"role\":\"assistant\",\"content\":[{\"type\":\"output_text\",\"text\":"
	      "\"Hello.\"}]},"
	      "{\"type\":\"message\",\"role\":\"user\",\"content\":[{\"type\":\"input_text\",\"text\":"
	      "\"Look\"},{\"type\":\"input_image\",\"detail\":\"auto\",\"image_url\":\"data:image/"
	      "png;base64,iVBO\"}]},"
	      "{\"type\":\"message\",\"role\":\"assistant\",\"content\":[{\"type\":\"output_text\",\"text\":"
	      "\"I add it.\"}]},"
	      "{\"type\":\"function_call\",\"call_id\":\"c1\",\"name\":\"add_task\",\"arguments\":"
	      "\"{\\\"title\\\":\\\"milk\\\"}\"},"
	      "{\"type\":\"function_call_output\",\"call_id\":\"c1\",\"output\":\"(no output)\"},"
	      "{\"type\":\"reasoning\",\"encrypted_content\":\"s\"},{\"type\":\"function_call\"},"
	      "{\"type\":\"function_call_output\",\"call_id\":\"c1\",\"output\":\"{}\"}],"
	      "\"tools\":[{\"type\":\"function\",\"strict\":false,\"name\":\"add_task\",\"description\":"
	      "\"Adds a task.\",\"parameters\":{\"type\":\"object\"}}],\"store\":false,\"include\":["
	      "\"reasoning.encrypted_content\"],\"max_output_tokens\":100,\"temperature\":0.50,\"stream\":"
	      "true}");
	responses_encode_start(&out, "m", &bare);
	responses_encode_params(&out, &(struct remote_params){ false, 0.5, 0 }, &all);
	check(&out, "{\"model\":\"m\",\"input\":[{\"type\":\"message\",\"role\":\"user\",\"content\":[{"
		    "\"type\":\"input_text\",\"text\":\"Hi \\\"you\\\"\\n\"}]}],\"store\":false}");
}

/* ---- switching --------------------------------------------------------------------------------------------- */

static const char demand[] =
	"{\"error\":{\"message\":\"Function tools with reasoning_effort are not supported for m in "
	"/v1/chat/completions. Please use /v1/responses or set reasoning_effort to 'none'.\",\"type\":"
	"\"invalid_request_error\",\"param\":\"reasoning_effort\",\"code\":null}}";

static void test_a_model_that_wants_this_form_gets_it(void **state)
{
	static const char *const values[] = { "base_url", "https://x.example/v1/chat/completions", NULL };
	struct llm_stage w;

	(void)state;
	llm_stage_open(&w, "openai", values);
	llm_stage_ask(&w, -1, 0);
	assert_string_equal(fake_http_call(w.http)->url, "https://x.example/v1/chat/completions");
	fake_http_status(w.http, 400, demand);
	assert_true(w.ended);
	assert_int_equal(w.fault, LLM_FAULT_ANEW);
	for (int i = 0; i < 2; i++) { /* and it is remembered */
		llm_stage_forget(&w);
		llm_stage_ask(&w, -1, 0);
		assert_string_equal(fake_http_call(w.http)->url, "https://x.example/v1/responses");
		fake_http_status(w.http, 400, demand); /* said here it is an error like any other */
		assert_int_equal(w.fault, LLM_FAULT_REFUSED);
	}
	llm_stage_close(&w);
}

static void test_who_set_chat_stays_with_it(void **state)
{
	static const char *const values[] = { "api", "chat", NULL };
	struct llm_stage w;

	(void)state;
	llm_stage_open(&w, "openai", values);
	llm_stage_ask(&w, -1, 0);
	fake_http_status(w.http, 400, demand);
	assert_int_equal(w.fault, LLM_FAULT_REFUSED);
	llm_stage_close(&w);
}

/* Models without sealed thoughts and with a fixed temperature are asked again without these, once for good. */
static void test_what_a_model_does_not_take_is_left_out(void **state)
{
	struct llm_stage w;

	(void)state;
	llm_stage_open(&w, "openai-responses", NULL);
	llm_stage_ask(&w, 0.5, 0);
	fake_http_status(
		w.http, 400,
		"{\"error\":{\"message\":\"Encrypted content is not supported with this model.\",\"param\":"
		"\"include\"}}");
	llm_stage_anew(&w, 0.5, 0);
	assert_null(strstr(fake_http_call(w.http)->body, "include"));
	fake_http_status(
		w.http, 400,
		"{\"error\":{\"message\":\"Unsupported parameter: 'temperature'\",\"param\":\"temperature\","
		"\"code\":\"unsupported_parameter\"}}");
	llm_stage_anew(&w, 0.5, 0);
	assert_null(strstr(fake_http_call(w.http)->body, "temperature"));
	fake_http_status(w.http, 400,
			 "{\"error\":{\"message\":\"Encrypted content\",\"param\":\"include\"}}");
	assert_int_equal(w.fault, LLM_FAULT_REFUSED);
	llm_stage_close(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_streams),
		cmocka_unit_test(test_streams_cut_anywhere),
		cmocka_unit_test(test_requests),
		cmocka_unit_test(test_a_model_that_wants_this_form_gets_it),
		cmocka_unit_test(test_who_set_chat_stays_with_it),
		cmocka_unit_test(test_what_a_model_does_not_take_is_left_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
