/* What the OpenAI provider reads and writes: whatever a server does to its stream, the reply is the same for every
 * way the bytes may be split; what we send is what a JSON library reads back. */
#include "fake_http.h"
#include "json.h"
#include "llm_stage.h"
#include "mem.h"
#include "openai.h"
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void test_stream_fixtures(void **state)
{
	(void)state;
	llm_stage_streams("openai", 41);
}

/* Both sides of every single split, which equal pieces don't reach. */
static void test_every_split(void **state)
{
	static const char *const names[] = {
		"plain.sse", "calls.sse", "think.sse", "crlf-comments.sse", "json-although-stream.sse", NULL
	};

	(void)state;
	llm_stage_splits("openai", names);
}

static void read_message(struct llm_message *message, struct llm_call *calls, const json_t *in)
{
	static const char *const roles[] = { "system", "user", "assistant", "tool" };
	const json_t *list = json_object_get(in, "calls"), *call;
	size_t i;

	*message = (struct llm_message){ .text = json_text(in, "text"),
					 .call_id = json_text(in, "call_id"),
					 .tool = json_text(in, "tool"),
					 .raw = json_text(in, "raw"),
					 .calls = calls,
					 .call_count = json_array_size(list) };
	while (strcmp(roles[message->role], json_text(in, "role")) != 0)
		message->role++;
	json_array_foreach (list, i, call)
		calls[i] = (struct llm_call){ json_string_value(json_array_get(call, 0)),
					      json_string_value(json_array_get(call, 1)),
					      json_string_value(json_array_get(call, 2)) };
}

/* What our writer writes is read by a JSON library and compared. */
static void encode_fixture(const json_t *in, const char *want)
{
	struct llm_message messages[16];
	struct llm_call calls[16][4];
	struct tool tool = { 0 };
	const struct tool *tools[] = { &tool };
	const json_t *list = json_object_get(in, "messages"), *item;
	const json_t *offered = json_array_get(json_object_get(in, "tools"), 0);
	char *parameters = offered ? json_write(json_object_get(offered, "parameters")) : NULL;
	struct llm_request request = { .messages = messages, .tools = tools, .tool_count = offered ? 1 : 0 };
	struct remote_params params = { json_is_true(json_object_get(in, "stream")), -1,
					json_int(in, "max", 0) };
	struct openai_quirks quirks = { .no_stream_options =
						json_is_true(json_object_get(in, "no_stream_options")),
					.no_temperature = json_is_true(json_object_get(in, "no_temperature")),
					.no_max_tokens = json_is_true(json_object_get(in, "no_max_tokens")),
					.completion_tokens =
						json_is_true(json_object_get(in, "completion_tokens")) };
	struct buf out = { 0 };
	json_t *got, *expected = json_read(want, strlen(want), NULL);

	if (json_object_get(in, "temperature"))
		params.temperature = json_number_value(json_object_get(in, "temperature"));
	tool.name = json_text(offered, "name");
	tool.description = json_text(offered, "description");
	tool.parameters = parameters;
	json_array_foreach (list, request.message_count, item)
		read_message(&messages[request.message_count], calls[request.message_count], item);
	openai_encode_start(&out, "m", &request);
	openai_encode_params(&out, &params, &quirks);
	got = json_read(out.data, out.len, NULL);
	if (!json_equal(got, expected))
		fail_msg("got  %s\nwant %s", out.data, want);
	json_decref(got);
	json_decref(expected);
	buf_free(&out);
	free(parameters);
}

static void test_request_fixtures(void **state)
{
	glob_t found;

	(void)state;
	assert_int_equal(glob("tests/fixtures/openai/requests/*.in.json", 0, NULL, &found), 0);
	assert_true(found.gl_pathc >= 6);
	for (size_t f = 0; f < found.gl_pathc; f++) {
		size_t len, want_len;
		char *text = llm_stage_file(found.gl_pathv[f], &len);
		char *want_path =
			mem_format("%.*s.out.json", (int)strlen(found.gl_pathv[f]) - 8, found.gl_pathv[f]);
		char *want = llm_stage_file(want_path, &want_len);
		json_t *in = json_read(text, len, NULL);

		print_message("%s\n", found.gl_pathv[f]);
		assert_non_null(in);
		encode_fixture(in, want);
		json_decref(in);
		free(want);
		free(want_path);
		free(text);
	}
	globfree(&found);
}

/* Some models write line breaks for ever; they are neither shown nor kept. */
static void test_blanks_before_an_answer_are_not_kept(void **state)
{
	static const char blank[] = "{\"choices\":[{\"delta\":{\"content\":\"\\n\\n \"}}]}";
	static const char word[] = "{\"choices\":[{\"delta\":{\"content\":\" yes\"}}]}";
	struct reply reply = { 0 };

	(void)state;
	for (int i = 0; i < 1000; i++) {
		assert_true(openai_decode_event(&reply, "", blank, strlen(blank), NULL));
		assert_int_equal(reply.held.len, 0);
	}
	assert_true(openai_decode_event(&reply, "", word, strlen(word), NULL));
	reply_said(&reply);
	assert_string_equal(buf_str(&reply.text), "yes");
	reply_finish(&reply);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_stream_fixtures),
		cmocka_unit_test(test_every_split),
		cmocka_unit_test(test_request_fixtures),
		cmocka_unit_test(test_blanks_before_an_answer_are_not_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
