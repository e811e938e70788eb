/* The OpenAI provider against answers of every known shape: whatever a server does to its stream, the reply
 * is the same for every way the bytes may be split, and an error is never taken for an answer. */
#include "ai_open.h"
#include "clock.h"
#include "fake_http.h"
#include "fake_loop.h"
#include "json.h"
#include "mem.h"
#include "openai.h"
#include "settings_build.h"
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
// clang-format on
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- the world ----------------------------------------------------------------------------------------- */

struct world {
	struct loop *loop;
	struct http *http;
	struct settings *settings;
	struct llm *llm;
	struct buf parts;
	bool ended, cancel_in_part;
	enum llm_fault fault;
	enum llm_stop stop;
	struct err err;
	unsigned retry_ms;
	struct buf text, calls, raw;
	char request_id[64];
	int64_t input, output, cached, cost, first_ms;
	int64_t skew;
	unsigned checked;
};

static void on_part(void *owner, uint64_t ticket, const char *text, size_t len)
{
	struct world *w = owner;

	assert_int_equal(ticket, 9);
	assert_true(len > 0);
	assert_false(w->ended);
	buf_add(&w->parts, text, len);
	if (w->cancel_in_part)
		openai_ops.cancel(w->llm, ticket);
}

static void on_done(void *owner, uint64_t ticket, const struct llm_reply *r)
{
	struct world *w = owner;

	assert_int_equal(ticket, 9);
	assert_false(w->ended);
	w->ended = true;
	w->fault = r->fault;
	w->stop = r->stop;
	w->err = r->err;
	w->retry_ms = r->retry_ms;
	w->input = r->input_tokens;
	w->output = r->output_tokens;
	w->cached = r->cached_tokens;
	w->cost = r->cost_micros;
	w->first_ms = r->first_token_ms;
	snprintf(w->request_id, sizeof(w->request_id), "%s", r->request_id ? r->request_id : "");
	buf_text(&w->text, r->text);
	buf_text(&w->raw, r->raw);
	for (size_t i = 0; i < r->call_count; i++)
		buf_format(&w->calls, "[%s|%s|%s]", r->calls[i].id ? r->calls[i].id : "",
			   r->calls[i].name ? r->calls[i].name : "", r->calls[i].arguments);
}

static void on_checked(void *owner, uint64_t ticket, const struct err *err, int64_t skew)
{
	struct world *w = owner;

	assert_int_equal(ticket, 9);
	w->checked++;
	w->err = *err;
	w->skew = skew;
}

/* settings: name, value, ..., NULL */
static void setup(struct world *w, const char *const *values)
{
	struct llm_host host = { .owner = w, .part = on_part, .done = on_done, .checked = on_checked };
	struct err err = { 0 };

	memset(w, 0, sizeof(*w));
	host.loop = w->loop = fake_loop_create();
	host.http = w->http = fake_http_create();
	w->settings = settings_create(ai_model_settings, "models[0]", "test:1");
	assert_true(settings_put(w->settings, "name", "main", "test:1", &err));
	assert_true(settings_put(w->settings, "provider", "openai", "test:1", &err));
	assert_true(settings_put(w->settings, "model", "m", "test:1", &err));
	for (; values && *values; values += 2)
		if (!settings_put(w->settings, values[0], values[1], "test:1", &err))
			fail_msg("%s", err.text);
	assert_true(settings_finish(w->settings, &err));
	w->llm = openai_ops.create(&host, w->settings, &err);
	if (w->llm == NULL)
		fail_msg("%s", err.text);
}

static void forget_reply(struct world *w)
{
	w->ended = false;
	buf_free(&w->parts);
	buf_free(&w->text);
	buf_free(&w->calls);
	buf_free(&w->raw);
}

static void teardown(struct world *w)
{
	openai_ops.destroy(w->llm);
	assert_int_equal(http_running(w->http), 0);
	forget_reply(w);
	settings_destroy(w->settings);
	fake_http_destroy(w->http);
	fake_loop_destroy(w->loop);
}

static const struct llm_message hello[] = { { .role = LLM_USER, .text = "hello" } };

static void ask(struct world *w, double temperature, long max)
{
	struct llm_request request = {
		.messages = hello, .message_count = 1, .temperature = temperature, .max_output_tokens = max
	};

	openai_ops.ask(w->llm, &request, 9);
	assert_false(w->ended);
}

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

/* ---- fixtures ------------------------------------------------------------------------------------------ */

static void feed(struct world *w, const char *bytes, size_t len, size_t piece)
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

static void compare(const struct world *w, const json_t *want)
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
		struct world w;
		json_t *want;

		print_message("%s\n", path);
		path[strlen(path) - 4] = '\0';
		want_path = mem_format("%s.want.json", path);
		bytes = read_file(found.gl_pathv[f], &len);
		want_text = read_file(want_path, &want_len);
		want = json_read(want_text, want_len, NULL);
		assert_non_null(want);
		setup(&w, NULL);
		for (size_t piece = 1; piece <= len + 1; piece++) {
			ask(&w, -1, 0);
			feed(&w, bytes, len, piece);
			compare(&w, want);
			forget_reply(&w);
		}
		teardown(&w);
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
		struct world w;

		setup(&w, NULL);
		for (size_t at = 1; at < len; at++) {
			ask(&w, -1, 0);
			fake_http_data(w.http, bytes, at);
			fake_http_data(w.http, bytes + at, len - at);
			fake_http_end(w.http, &fine);
			compare(&w, want);
			forget_reply(&w);
		}
		teardown(&w);
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
	struct openai_params params = { json_is_true(json_object_get(in, "stream")), -1,
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

/* ---- the call ------------------------------------------------------------------------------------------ */

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
	struct world w;

	(void)state;
	setup(&w, values);
	ask(&w, -1, 10);
	assert_string_equal(fake_http_call(w.http)->url, "http://127.0.0.1:11434/v1/chat/completions");
	assert_non_null(strstr(fake_http_call(w.http)->headers, "Authorization: Bearer made-up-key\n"));
	assert_non_null(strstr(fake_http_call(w.http)->body, "\"max_tokens\":10"));
	assert_int_equal(fake_http_call(w.http)->first_byte_ms, 7000);
	assert_int_equal(fake_http_call(w.http)->total_ms, 600000);
	fake_http_stream(w.http, SAID);
	assert_string_equal(buf_str(&w.text), "Hi");
	teardown(&w);
	setup(&w, NULL);
	ask(&w, -1, 10);
	assert_string_equal(fake_http_call(w.http)->url, "https://api.openai.com/v1/chat/completions");
	assert_null(strstr(fake_http_call(w.http)->headers, "Authorization"));
	assert_non_null(strstr(fake_http_call(w.http)->body, "\"max_completion_tokens\":10"));
	teardown(&w); /* with one running */
}

static void expect_body(struct world *w, const char *piece, bool there)
{
	const char *body = fake_http_call(w->http)->body;

	if ((strstr(body, piece) != NULL) != there)
		fail_msg("%s%s in %s", piece, there ? " is not" : " is", body);
}

/* One refused parameter costs one more request, once in the life of the daemon. */
static void test_adapts(void **state)
{
	static const char *const values[] = { "base_url", "http://x/v1", NULL };
	struct world w;

	(void)state;
	setup(&w, values);
	ask(&w, 0.5, 10);
	fake_http_status(w.http, 400,
			 "{\"error\":{\"message\":\"Unsupported parameter: 'max_tokens'\",\"code\":"
			 "\"unsupported_parameter\",\"param\":\"max_tokens\"}}");
	expect_body(&w, "\"max_completion_tokens\":10", true);
	expect_body(&w, "\"max_tokens\"", false);
	fake_http_status(w.http, 400,
			 "{\"error\":{\"message\":\"only 1\",\"code\":\"unsupported_value\","
			 "\"param\":\"temperature\"}}");
	expect_body(&w, "temperature", false);
	fake_http_status(w.http, 422,
			 "{\"detail\":[{\"loc\":[\"body\",\"stream_options\"],\"msg\":\"Extra inputs\"}]}");
	expect_body(&w, "stream_options", false);
	expect_body(&w, "\"content\":\"hello\"", true);
	fake_http_stream(w.http, SAID);
	assert_int_equal(w.fault, LLM_FAULT_NONE);
	forget_reply(&w);
	ask(&w, 0.5, 10);
	expect_body(&w, "temperature", false);
	expect_body(&w, "stream_options", false);
	fake_http_status(w.http, 400, "{\"error\":{\"message\":\"bad\",\"param\":\"temperature\"}}");
	assert_int_equal(w.fault, LLM_FAULT_REFUSED); /* not for ever */
	teardown(&w);
}

static const struct {
	int status;
	const char *body;
	const char *should_retry;
	enum llm_fault fault;
	unsigned retry_ms;
	const char *says;
} refusals[] = {
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
	{ 404, "{\"error\":\"model 'x' not found\"}", NULL, LLM_FAULT_REFUSED, 0, "not found" },
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
	struct world w;

	(void)state;
	setup(&w, NULL);
	for (size_t i = 0; i < sizeof(refusals) / sizeof(*refusals); i++) {
		struct http_answer answer = { .how = HTTP_ANSWERED,
					      .status = refusals[i].status,
					      .body = refusals[i].body,
					      .len = strlen(refusals[i].body),
					      .retry_after_ms = -1,
					      .should_retry = refusals[i].should_retry,
					      .request_id = "req-1" };

		print_message("%d %s\n", answer.status, answer.body);
		ask(&w, -1, 0);
		fake_http_end(w.http, &answer);
		assert_true(w.ended);
		assert_int_equal(w.fault, refusals[i].fault);
		assert_int_equal(w.retry_ms, refusals[i].retry_ms);
		assert_non_null(strstr(w.err.text, refusals[i].says));
		assert_string_equal(w.request_id, "req-1");
		assert_null(strstr(w.err.text, "private"));
		forget_reply(&w);
	}
	ask(&w, -1, 0); /* the header counts before the sentence */
	fake_http_end(w.http, &(struct http_answer){ .how = HTTP_ANSWERED,
						     .status = 429,
						     .retry_after_ms = 1500,
						     .body = "{\"message\":\"try again in 9s\"}",
						     .len = 29 });
	assert_int_equal(w.retry_ms, 1500);
	teardown(&w);
}

static void test_broken_connections(void **state)
{
	struct http_answer maybe = { .how = HTTP_MAYBE, .status = 200, .retry_after_ms = -1 };
	struct world w;

	(void)state;
	setup(&w, NULL);
	ask(&w, -1, 0);
	fake_http_broken(w.http, HTTP_NOT_SENT);
	assert_int_equal(w.fault, LLM_FAULT_TRANSIENT);
	assert_int_equal(w.err.kind, ERR_AGAIN); /* nothing was billed */
	forget_reply(&w);
	ask(&w, -1, 0);
	fake_http_broken(w.http, HTTP_MAYBE);
	assert_int_equal(w.fault, LLM_FAULT_TRANSIENT);
	assert_int_equal(w.err.kind, ERR_UNSURE);
	forget_reply(&w);
	ask(&w, -1, 0); /* all was said before it broke: an answer */
	fake_http_data(w.http, SAID, strlen(SAID));
	fake_http_end(w.http, &maybe);
	assert_int_equal(w.fault, LLM_FAULT_NONE);
	forget_reply(&w);
	ask(&w, -1, 0); /* half was said */
	fake_http_data(w.http, SAID, 40);
	fake_http_end(w.http, &maybe);
	assert_int_equal(w.fault, LLM_FAULT_TRANSIENT);
	forget_reply(&w);
	ask(&w, -1, 0); /* and half a line: what broke is the connection, not the JSON */
	fake_http_data(w.http, "data: {\"choices\":[{\"delta\":{\"content\":\"gr\xc3", 42);
	fake_http_end(w.http, &maybe);
	assert_int_equal(w.fault, LLM_FAULT_TRANSIENT);
	assert_int_equal(w.err.kind, ERR_UNSURE);
	assert_null(strstr(w.err.text, "JSON"));
	forget_reply(&w);
	ask(&w, -1, 0);
	maybe.how = HTTP_NOT_SENT;
	err_set(&maybe.err, ERR_REFUSED, "not a URL");
	fake_http_end(w.http, &maybe);
	assert_int_equal(w.fault, LLM_FAULT_REFUSED);
	teardown(&w);
}

/* A server that says [DONE] and keeps the connection open keeps nobody waiting. */
static void test_open_after_done(void **state)
{
	struct world w;

	(void)state;
	setup(&w, NULL);
	ask(&w, -1, 0);
	fake_http_data(w.http, SAID, strlen(SAID));
	assert_false(w.ended);
	fake_loop_pass(w.loop, 2100);
	assert_true(w.ended);
	assert_int_equal(w.fault, LLM_FAULT_NONE);
	assert_int_equal(http_running(w.http), 0);
	teardown(&w);
}

/* A small machine may think for minutes before it says a word; that is no silence. */
static void test_a_long_thought_is_progress(void **state)
{
	static const char thought[] = "data: {\"choices\":[{\"delta\":{\"content\":\"<think> hm \"}}]}\n\n";
	static const char more[] = "data: {\"choices\":[{\"delta\":{\"content\":\"and hm \"}}]}\n\n";
	static const char end[] = "data: {\"choices\":[{\"delta\":{\"content\":\"</think>42\"},"
				  "\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n";
	struct world w;

	(void)state;
	setup(&w, NULL);
	ask(&w, -1, 0);
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
	teardown(&w);
}

/* Some models write line breaks for ever; they are neither shown nor kept. */
static void test_blanks_before_an_answer_are_not_kept(void **state)
{
	static const char blank[] = "{\"choices\":[{\"delta\":{\"content\":\"\\n\\n \"}}]}";
	static const char word[] = "{\"choices\":[{\"delta\":{\"content\":\" yes\"}}]}";
	struct openai_reply reply = { 0 };

	(void)state;
	for (int i = 0; i < 1000; i++) {
		assert_true(openai_decode_event(&reply, "", blank, strlen(blank), NULL));
		assert_int_equal(reply.held.len, 0);
	}
	assert_true(openai_decode_event(&reply, "", word, strlen(word), NULL));
	openai_decode_end(&reply);
	assert_string_equal(buf_str(&reply.text), "yes");
	openai_reply_finish(&reply);
}

static void test_signs_of_life_are_no_answer(void **state)
{
	struct world w;
	bool more = true;

	(void)state;
	setup(&w, NULL);
	ask(&w, -1, 0);
	for (int i = 0; i < 20 && more; i++) {
		fake_loop_pass(w.loop, 10000);
		more = fake_http_data(w.http, ": ping\n\n", 8);
	}
	assert_false(more);
	fake_http_broken(w.http, HTTP_MAYBE);
	assert_int_equal(w.fault, LLM_FAULT_TRANSIENT);
	assert_non_null(strstr(w.err.text, "signs of life"));
	teardown(&w);
}

static void test_caps(void **state)
{
	char *big = mem_alloc(100000);
	struct world w;
	bool more = true;
	size_t fed = 0;

	(void)state;
	memset(big, 'a', 100000);
	setup(&w, NULL);
	ask(&w, -1, 0); /* one endless line */
	fake_http_data(w.http, "data: {", 7);
	while (more && (fed += 100000) < 20 * OPENAI_LINE_MAX)
		more = fake_http_data(w.http, big, 100000);
	assert_true(fed < 2 * OPENAI_LINE_MAX);
	fake_http_broken(w.http, HTTP_MAYBE);
	assert_int_equal(w.fault, LLM_FAULT_TRANSIENT);
	forget_reply(&w);
	ask(&w, -1, 0); /* an endless answer: what fits is given, as cut */
	for (more = true, fed = 0; more && fed < 20 * OPENAI_TEXT_MAX; fed += 90000) {
		char *chunk =
			mem_format("data: {\"choices\":[{\"delta\":{\"content\":\"%.90000s\"}}]}\n\n", big);

		more = fake_http_data(w.http, chunk, strlen(chunk));
		free(chunk);
	}
	assert_false(more);
	fake_http_broken(w.http, HTTP_MAYBE);
	assert_int_equal(w.fault, LLM_FAULT_NONE);
	assert_int_equal(w.stop, LLM_STOP_LENGTH);
	assert_true(w.text.len > OPENAI_TEXT_MAX / 2 && w.text.len <= OPENAI_TEXT_MAX);
	forget_reply(&w);
	ask(&w, -1, 0); /* an endless body */
	fake_http_data(w.http, "{", 1);
	for (more = true, fed = 0; more && fed < 20 * OPENAI_BODY_MAX; fed += 100000)
		more = fake_http_data(w.http, big, 100000);
	assert_false(more);
	fake_http_broken(w.http, HTTP_MAYBE);
	assert_int_equal(w.fault, LLM_FAULT_TRANSIENT);
	teardown(&w);
	free(big);
}

static void test_cancel(void **state)
{
	struct world w;

	(void)state;
	setup(&w, NULL);
	ask(&w, -1, 0);
	openai_ops.cancel(w.llm, 8); /* nobody's */
	assert_int_equal(http_running(w.http), 1);
	openai_ops.cancel(w.llm, 9);
	assert_int_equal(http_running(w.http), 0);
	ask(&w, -1, 0);
	w.cancel_in_part = true;
	fake_http_data(w.http, SAID, strlen(SAID)); /* from within the first part */
	assert_int_equal(http_running(w.http), 0);
	assert_false(w.ended);
	teardown(&w);
}

static void test_without_stream(void **state)
{
	static const char *const values[] = { "stream", "false", NULL };
	struct world w;

	(void)state;
	setup(&w, values);
	ask(&w, -1, 0);
	expect_body(&w, "stream", false);
	assert_int_equal(fake_http_call(w.http)->idle_ms, 0);
	fake_http_stream(w.http, "{\"choices\":[{\"message\":{\"content\":\"Hi\",\"tool_calls\":null},"
				 "\"finish_reason\":\"stop\"}]}");
	assert_string_equal(buf_str(&w.text), "Hi");
	assert_string_equal(buf_str(&w.parts), "Hi");
	teardown(&w);
}

static void test_check(void **state)
{
	struct http_answer answer = { .how = HTTP_ANSWERED, .status = 200, .retry_after_ms = -1 };
	struct world w;

	(void)state;
	setup(&w, NULL);
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
	teardown(&w);
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
		cmocka_unit_test(test_stream_fixtures),
		cmocka_unit_test(test_every_split),
		cmocka_unit_test(test_request_fixtures),
		cmocka_unit_test(test_address_and_key),
		cmocka_unit_test(test_adapts),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_broken_connections),
		cmocka_unit_test(test_open_after_done),
		cmocka_unit_test(test_a_long_thought_is_progress),
		cmocka_unit_test(test_blanks_before_an_answer_are_not_kept),
		cmocka_unit_test(test_signs_of_life_are_no_answer),
		cmocka_unit_test(test_caps),
		cmocka_unit_test(test_cancel),
		cmocka_unit_test(test_without_stream),
		cmocka_unit_test(test_check),
		cmocka_unit_test(test_wrong_settings),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
