/* What the tests of the OpenAI provider share: it asks, and what it tells is kept. */
#include "openai_stage.h"
#include "ai_open.h"
#include "fake_http.h"
#include "fake_loop.h"
#include "settings_build.h"
#include <stdio.h>
#include <string.h>

static void on_part(void *owner, uint64_t ticket, const char *text, size_t len)
{
	struct openai_stage *w = owner;

	assert_int_equal(ticket, 9);
	assert_true(len > 0);
	assert_false(w->ended);
	buf_add(&w->parts, text, len);
	if (w->cancel_in_part)
		openai_ops.cancel(w->llm, ticket);
}

static void on_done(void *owner, uint64_t ticket, const struct llm_reply *r)
{
	struct openai_stage *w = owner;

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
	struct openai_stage *w = owner;

	assert_int_equal(ticket, 9);
	w->checked++;
	w->err = *err;
	w->skew = skew;
}

void openai_stage_open(struct openai_stage *w, const char *const *values)
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

void openai_stage_forget(struct openai_stage *w)
{
	w->ended = false;
	buf_free(&w->parts);
	buf_free(&w->text);
	buf_free(&w->calls);
	buf_free(&w->raw);
}

void openai_stage_close(struct openai_stage *w)
{
	openai_ops.destroy(w->llm);
	assert_int_equal(http_running(w->http), 0);
	openai_stage_forget(w);
	settings_destroy(w->settings);
	fake_http_destroy(w->http);
	fake_loop_destroy(w->loop);
}

static const struct llm_message hello[] = { { .role = LLM_USER, .text = "hello" } };

void openai_stage_ask(struct openai_stage *w, double temperature, long max)
{
	struct llm_request request = {
		.messages = hello, .message_count = 1, .temperature = temperature, .max_output_tokens = max
	};

	openai_ops.ask(w->llm, &request, 9);
	assert_false(w->ended);
}
