/* What the tests of the providers share: one asks, and what it tells is kept. */
#include "llm_stage.h"
#include "ai_room.h"
#include "fake_http.h"
#include "fake_loop.h"
#include "json.h"
#include "mem.h"
#include "settings_build.h"
#include "text.h"
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void on_part(void *owner, uint64_t ticket, const char *text, size_t len)
{
	struct llm_stage *w = owner;

	assert_int_equal(ticket, 9);
	assert_true(len > 0);
	assert_false(w->ended);
	buf_add(&w->parts, text, len);
	if (w->cancel_in_part)
		w->ops->cancel(w->llm, ticket);
}

static void on_done(void *owner, uint64_t ticket, const struct llm_reply *r)
{
	struct llm_stage *w = owner;

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
	w->written = r->written_tokens;
	w->reasoning = r->reasoning_tokens;
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
	struct llm_stage *w = owner;

	assert_int_equal(ticket, 9);
	w->checked++;
	w->err = *err;
	w->skew = skew;
}

void llm_stage_open(struct llm_stage *w, const char *provider, const char *const *values)
{
	struct llm_host host = { .owner = w, .part = on_part, .done = on_done, .checked = on_checked };
	struct err err = { 0 };
	bool responses = strcmp(provider, "openai-responses") == 0; /* the other form of that provider */

	provider = responses ? "openai" : provider;
	memset(w, 0, sizeof(*w));
	host.loop = w->loop = fake_loop_create();
	host.http = w->http = fake_http_create();
	w->settings = settings_create(ai_model_settings, "models[0]", "test:1");
	assert_true(settings_put(w->settings, "name", "main", "test:1", &err));
	assert_true(settings_put(w->settings, "provider", provider, "test:1", &err));
	assert_true(settings_put(w->settings, "model", "m", "test:1", &err));
	if (responses)
		assert_true(settings_put(w->settings, "api", "responses", "test:1", &err));
	for (; values && *values; values += 2)
		if (!settings_put(w->settings, values[0], values[1], "test:1", &err))
			fail_msg("%s", err.text);
	assert_true(settings_finish(w->settings, &err));
	w->ops = provider_find(provider);
	assert_non_null(w->ops);
	w->llm = w->ops->create(&host, w->settings, &err);
	if (w->llm == NULL)
		fail_msg("%s", err.text);
}

void llm_stage_forget(struct llm_stage *w)
{
	w->ended = false;
	buf_free(&w->parts);
	buf_free(&w->text);
	buf_free(&w->calls);
	buf_free(&w->raw);
}

void llm_stage_close(struct llm_stage *w)
{
	w->ops->destroy(w->llm);
	assert_int_equal(http_running(w->http), 0);
	llm_stage_forget(w);
	settings_destroy(w->settings);
	fake_http_destroy(w->http);
	fake_loop_destroy(w->loop);
}

static const struct llm_message hello[] = { { .role = LLM_USER, .text = "hello" } };

void llm_stage_ask(struct llm_stage *w, double temperature, long max)
{
	struct llm_request request = {
		.messages = hello, .message_count = 1, .temperature = temperature, .max_output_tokens = max
	};

	w->ops->ask(w->llm, &request, 9);
	assert_false(w->ended);
}

void llm_stage_anew(struct llm_stage *w, double temperature, long max)
{
	assert_true(w->ended);
	assert_int_equal(w->fault, LLM_FAULT_ANEW);
	llm_stage_forget(w);
	llm_stage_ask(w, temperature, max);
}

/* ---- fixtures ---------------------------------------------------------------------------------------------- */

char *llm_stage_file(const char *path, size_t *len_out)
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

static void feed(struct llm_stage *w, const char *bytes, size_t len, size_t piece)
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
static const char *const faults[] = { "", "transient", "limited", "overflow", "auth", "refused", "anew" };

static void calls_of(const json_t *want, struct buf *out)
{
	const json_t *call;
	size_t i;

	json_array_foreach (json_object_get(want, "calls"), i, call)
		buf_format(out, "[%s|%s|%s]", json_string_value(json_array_get(call, 0)),
			   json_string_value(json_array_get(call, 1)),
			   json_string_value(json_array_get(call, 2)));
}

static void compare(const struct llm_stage *w, const json_t *want)
{
	const char *fault = json_text(want, "fault"), *err = json_text(want, "err");
	struct buf calls = { 0 };

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
	calls_of(want, &calls);
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

void llm_stage_streams(const char *provider, size_t least)
{
	char *pattern = mem_format("tests/fixtures/%s/streams/*.{sse,ndjson}", provider);
	glob_t found;

	assert_int_equal(glob(pattern, GLOB_BRACE, NULL, &found), 0);
	assert_true(found.gl_pathc >= least);
	free(pattern);
	for (size_t f = 0; f < found.gl_pathc; f++) {
		char *path = mem_text(found.gl_pathv[f]), *want_path, *bytes, *want_text;
		size_t len, want_len;
		struct llm_stage w;
		json_t *want;

		print_message("%s\n", path);
		*strrchr(path, '.') = '\0';
		want_path = mem_format("%s.want.json", path);
		bytes = llm_stage_file(found.gl_pathv[f], &len);
		want_text = llm_stage_file(want_path, &want_len);
		want = json_read(want_text, want_len, NULL);
		assert_non_null(want);
		llm_stage_open(&w, provider, NULL);
		for (size_t piece = 1; piece <= len + 1; piece++) {
			llm_stage_ask(&w, -1, 0);
			feed(&w, bytes, len, piece);
			compare(&w, want);
			llm_stage_forget(&w);
		}
		llm_stage_close(&w);
		json_decref(want);
		free(want_text);
		free(bytes);
		free(want_path);
		free(path);
	}
	globfree(&found);
}

/* The bytes up to a cut: whole is what must be there before a reply may count, a beginning of it is all that may be
 * shown. */
static void check_cut(const struct llm_stage *w, const json_t *want, size_t at)
{
	const char *text = json_text(want, "text");
	size_t shown = w->parts.len;
	struct buf calls = { 0 };

	assert_true(w->ended);
	if (!text_valid(buf_str(&w->parts), shown) && text_valid(text, strlen(text)))
		fail_msg("cut at %zu: half a character was shown", at);
	if (w->fault != LLM_FAULT_NONE) {
		assert_int_not_equal(w->err.kind, ERR_NONE);
		if (shown > strlen(text) || memcmp(buf_str(&w->parts), text, shown) != 0)
			fail_msg("cut at %zu: \"%s\" is no beginning of \"%s\"", at, buf_str(&w->parts),
				 text);
		return;
	}
	calls_of(want, &calls);
	if (json_text(want, "fault") || strcmp(buf_str(&w->text), text) != 0 ||
	    strcmp(buf_str(&w->calls), buf_str(&calls)) != 0)
		fail_msg("cut at %zu: half an answer passes for a whole one: \"%s\" %s", at,
			 buf_str(&w->text), buf_str(&w->calls));
	buf_free(&calls);
}

static void cut_everywhere(struct llm_stage *w, const char *bytes, size_t len, const json_t *want)
{
	static const enum http_how ways[] = { HTTP_MAYBE,
					      HTTP_ANSWERED }; /* broken off; closed in good order */

	for (size_t at = 0; at < len; at++) {
		for (size_t i = 0; i < 2; i++) {
			struct http_answer end = { .how = ways[i], .status = 200, .retry_after_ms = -1 };

			llm_stage_ask(w, -1, 0);
			if (at > 0)
				fake_http_data(w->http, bytes, at);
			fake_http_end(w->http, &end);
			check_cut(w, want, at);
			llm_stage_forget(w);
		}
	}
}

void llm_stage_cuts(const char *provider)
{
	char *pattern = mem_format("tests/fixtures/%s/streams/*.{sse,ndjson}", provider);
	glob_t found;

	assert_int_equal(glob(pattern, GLOB_BRACE, NULL, &found), 0);
	free(pattern);
	for (size_t f = 0; f < found.gl_pathc; f++) {
		const char *path = found.gl_pathv[f];
		char *want_path = mem_format("%.*s.want.json", (int)(strrchr(path, '.') - path), path);
		size_t len, want_len;
		char *bytes = llm_stage_file(path, &len), *want_text = llm_stage_file(want_path, &want_len);
		json_t *want = json_read(want_text, want_len, NULL);
		struct llm_stage w;

		print_message("%s\n", path);
		llm_stage_open(&w, provider, NULL);
		cut_everywhere(&w, bytes, len, want);
		llm_stage_close(&w);
		json_decref(want);
		free(want_text);
		free(bytes);
		free(want_path);
	}
	globfree(&found);
}

/* Both sides of every single split, which equal pieces don't reach. */
void llm_stage_splits(const char *provider, const char *const *names)
{
	for (; *names; names++) {
		char *stream_path = mem_format("tests/fixtures/%s/streams/%s", provider, *names),
		     *want_path = mem_format("%.*s.want.json", (int)(strrchr(stream_path, '.') - stream_path),
					     stream_path);
		size_t len, want_len;
		char *bytes = llm_stage_file(stream_path, &len),
		     *want_text = llm_stage_file(want_path, &want_len);
		json_t *want = json_read(want_text, want_len, NULL);
		struct http_answer fine = { .how = HTTP_ANSWERED, .status = 200, .retry_after_ms = -1 };
		struct llm_stage w;

		llm_stage_open(&w, provider, NULL);
		for (size_t at = 1; at < len; at++) {
			llm_stage_ask(&w, -1, 0);
			fake_http_data(w.http, bytes, at);
			fake_http_data(w.http, bytes + at, len - at);
			fake_http_end(w.http, &fine);
			compare(&w, want);
			llm_stage_forget(&w);
		}
		llm_stage_close(&w);
		json_decref(want);
		free(want_text);
		free(bytes);
		free(want_path);
		free(stream_path);
	}
}
