/* What the OpenAI provider reads and writes: whatever a server does to its stream, the reply is the same for every
 * way the bytes may be split; what we send is what a JSON library reads back. */
#include "fake_http.h"
#include "json.h"
#include "mem.h"
#include "openai_stage.h"
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char *read_file(const char *path, size_t *len_out)
{
	FILE *file = fopen(path, "rb");
	struct buf text = { 0 };
	char piece[4096];
	size_t len;

	if (file == NULL)
		fail_msg("cannot open %s", path);
	while ((len = fread(piece, 1, sizeof(piece), file)) > 0)
		buf_add(&text, piece, len);
	fclose(file);
	*len_out = text.len;
	return buf_take(&text);
}

static void feed(struct openai_stage *w, const char *bytes, size_t len, size_t piece)
{
	struct http_answer fine = { .how = HTTP_ANSWERED, .status = 200, .retry_after_ms = -1 };
	bool more = true;

	for (size_t at = 0; at < len && more; at += piece)
		more = fake_http_data(w->http, bytes + at, len - at < piece ? len - at : piece);
	if (!more) {
		fine.how = HTTP_MAYBE; /* what http.h says when the receiver stops */
		err_set(&fine.err, ERR_UNSURE, "stopped by the receiver");
	}
	fake_http_end(w->http, &fine);
}

static const char *const stops[] = { "end", "tools", "length", "refused" };
static const char *const faults[] = { "", "transient", "limited", "overflow", "auth", "refused" };

static void compare(const struct openai_stage *w, const json_t *want)
{
	const char *fault = json_text(want, "fault"), *err = json_text(want, "err");
	struct buf calls = { 0 };
	const json_t *call;
	size_t i;

	assert_true(w->ended);
	assert_string_equal(faults[w->fault], fault ? fault : "");
	assert_string_equal(buf_str(&w->text), json_text(want, "text"));
	assert_string_equal(buf_str(&w->parts), buf_str(&w->text)); /* all was shown, nothing twice */
	assert_int_equal(w->retry_ms, json_int(want, "retry", 0));
	if (err && strstr(w->err.text, err) == NULL)
		fail_msg("\"%s\" lacks \"%s\"", w->err.text, err);
	if (fault) {
		assert_int_not_equal(w->err.kind, ERR_NONE);
		return;
	}
	json_array_foreach (json_object_get(want, "calls"), i, call)
		buf_format(&calls, "[%s|%s|%s]", json_string_value(json_array_get(call, 0)),
			   json_string_value(json_array_get(call, 1)),
			   json_string_value(json_array_get(call, 2)));
	assert_string_equal(buf_str(&w->calls), buf_str(&calls));
	buf_free(&calls);
	assert_string_equal(stops[w->stop], json_text(want, "stop"));
	assert_int_equal(w->input, json_int(want, "input", 0));
	assert_int_equal(w->output, json_int(want, "output", 0));
	assert_int_equal(w->cached, json_int(want, "cached", 0));
	assert_int_equal(w->cost, json_int(want, "cost", -1));
	if (json_text(want, "raw_has"))
		assert_non_null(strstr(buf_str(&w->raw), json_text(want, "raw_has")));
}

static void test_stream_fixtures(void **state)
{
	glob_t found;

	(void)state;
	assert_int_equal(glob("tests/fixtures/openai/streams/*.sse", 0, NULL, &found), 0);
	assert_true(found.gl_pathc > 40);
	for (size_t f = 0; f < found.gl_pathc; f++) {
		char *path = mem_text(found.gl_pathv[f]), *want_path, *bytes, *want_text;
		size_t len, want_len;
		struct openai_stage w;
		json_t *want;

		print_message("%s\n", path);
		path[strlen(path) - 4] = '\0';
		want_path = mem_format("%s.want.json", path);
		bytes = read_file(found.gl_pathv[f], &len);
		want_text = read_file(want_path, &want_len);
		want = json_read(want_text, want_len, NULL);
		assert_non_null(want);
		openai_stage_open(&w, NULL);
		for (size_t piece = 1; piece <= len + 1; piece++) {
			openai_stage_ask(&w, -1, 0);
			feed(&w, bytes, len, piece);
			compare(&w, want);
			openai_stage_forget(&w);
		}
		openai_stage_close(&w);
		json_decref(want);
		free(want_text);
		free(bytes);
		free(want_path);
		free(path);
	}
	globfree(&found);
}

/* Both sides of every single split, which equal pieces don't reach. */
static void test_every_split(void **state)
{
	static const char *const paths[] = { "tests/fixtures/openai/streams/plain",
					     "tests/fixtures/openai/streams/calls",
					     "tests/fixtures/openai/streams/think",
					     "tests/fixtures/openai/streams/crlf-comments",
					     "tests/fixtures/openai/streams/json-although-stream" };

	(void)state;
	for (size_t p = 0; p < sizeof(paths) / sizeof(*paths); p++) {
		char *stream_path = mem_format("%s.sse", paths[p]),
		     *want_path = mem_format("%s.want.json", paths[p]);
		size_t len, want_len;
		char *bytes = read_file(stream_path, &len), *want_text = read_file(want_path, &want_len);
		json_t *want = json_read(want_text, want_len, NULL);
		struct http_answer fine = { .how = HTTP_ANSWERED, .status = 200, .retry_after_ms = -1 };
		struct openai_stage w;

		openai_stage_open(&w, NULL);
		for (size_t at = 1; at < len; at++) {
			openai_stage_ask(&w, -1, 0);
			fake_http_data(w.http, bytes, at);
			fake_http_data(w.http, bytes + at, len - at);
			fake_http_end(w.http, &fine);
			compare(&w, want);
			openai_stage_forget(&w);
		}
		openai_stage_close(&w);
		json_decref(want);
		free(want_text);
		free(bytes);
		free(want_path);
		free(stream_path);
	}
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
		char *text = read_file(found.gl_pathv[f], &len);
		char *want_path =
			mem_format("%.*s.out.json", (int)strlen(found.gl_pathv[f]) - 8, found.gl_pathv[f]);
		char *want = read_file(want_path, &want_len);
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
