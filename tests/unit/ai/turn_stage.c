/* What the tests of the pipeline share: a model and tools whose every move the test makes. */
#include "turn_stage.h"
#include "fake_loop.h"
#include "settings_build.h"
#include <string.h>

static void fake_ask(struct llm *llm, const struct llm_request *request, uint64_t ticket)
{
	static const char *const roles[] = { "system", "user", "assistant", "tool" };

	assert_int_equal(llm->ticket, 0);
	llm->ticket = ticket;
	llm->asked++;
	llm->tools = request->tool_count;
	llm->max = request->max_output_tokens;
	llm->messages = request->message_count;
	buf_clear(&llm->seen);
	llm->first[0] = '\0';
	for (size_t i = 0; i < request->message_count; i++) {
		const struct llm_message *m = &request->messages[i];

		if (llm->first[0] == '\0' && m->role != LLM_SYSTEM)
			strncat(llm->first, roles[m->role], sizeof(llm->first) - 1);
		buf_format(&llm->seen, "%s: %s", roles[m->role], m->text ? m->text : "");
		for (size_t c = 0; c < m->call_count; c++)
			buf_format(&llm->seen, " <%s %s %s>", m->calls[c].id, m->calls[c].name,
				   m->calls[c].arguments);
		for (size_t k = 0; k < m->image_count; k++)
			buf_format(&llm->seen, " [%s %.12s %zu]", m->images[k].mime, m->images[k].base64,
				   strlen(m->images[k].base64));
		buf_format(&llm->seen, "%s%s%s\n", m->call_id ? " for " : "", m->call_id ? m->call_id : "",
			   m->raw ? " raw" : "");
	}
}

static void fake_cancel(struct llm *llm, uint64_t ticket)
{
	if (llm->ticket == ticket) {
		llm->ticket = 0;
		llm->cancelled++;
	}
}

static void fake_destroy(struct llm *llm)
{
	if (llm)
		buf_free(&llm->seen);
}

static const struct llm_ops fake_ops = {
	.name = "fake", .ask = fake_ask, .cancel = fake_cancel, .destroy = fake_destroy
};

static void fake_call(void *data, const struct tool_caller *caller, const char *arguments, const char *key,
		      tool_done_fn *done, void *owner, uint64_t ticket)
{
	struct box *box = data;

	assert_string_equal(caller->profile_id, "p1");
	strncpy(box->key[box->calls % 2], key, 79);
	box->tickets[box->calls++ % 8] = ticket;
	strncpy(box->arguments, arguments, sizeof(box->arguments) - 1);
	box->done = done;
	box->owner = owner;
}

static void on_part(void *owner, uint64_t ticket, const char *text, size_t len, bool again)
{
	struct turn_stage *w = owner;

	assert_int_equal(ticket, 42);
	buf_format(&w->log, "part%s %.*s\n", again ? " again" : "", (int)len, text);
}

static void on_journal(void *owner, uint64_t ticket, const struct ai_step *steps, size_t count,
		       const struct ai_attempt *attempts, size_t attempt_count)
{
	static const char *const kinds[] = { "reply", "intent", "result" };
	struct turn_stage *w = owner;

	assert_int_equal(ticket, 42);
	w->handed += attempt_count;
	for (size_t i = 0; i < attempt_count; i++) {
		w->cost = attempts[i].cost_micros;
		w->estimated = attempts[i].estimated;
	}
	if (count == 0) {
		w->noted++;
		if (!w->holds)
			ai_journaled(w->ai, ticket);
		return;
	}
	buf_format(&w->log, "journal");
	for (size_t i = 0; i < count; i++)
		buf_format(&w->log, " %s%u%s%s%s", kinds[steps[i].kind], steps[i].round,
			   steps[i].call_id ? ":" : "", steps[i].call_id ? steps[i].call_id : "",
			   steps[i].failed ? "!" : "");
	buf_format(&w->log, "\n");
}

static void on_done(void *owner, uint64_t ticket, const struct ai_result *r)
{
	struct turn_stage *w = owner;

	assert_int_equal(ticket, 42);
	w->ends++;
	w->handed += r->attempt_count;
	for (size_t i = 0; i < r->attempt_count; i++) {
		w->cost = r->attempts[i].cost_micros;
		w->estimated = r->attempts[i].estimated;
	}
	if (r->err.kind == ERR_NONE)
		buf_format(&w->log, "done %s%s %s\n", r->text, r->cut ? " (cut)" : "", r->tool_calls);
	else
		buf_format(&w->log, "failed %s: %s %s\n", r->code, r->err.text, r->tool_calls);
	if (r->history_dropped)
		buf_format(&w->log, "dropped %zu\n", r->history_dropped);
}

/* There is no end to the money. */
static void on_reserve(void *owner, uint64_t ticket, const struct ai_reserve *ask)
{
	struct turn_stage *w = owner;

	(void)ask;
	w->reserved++;
	ai_reserved(w->ai, ticket, &(struct err){ 0 });
}

const struct ai_events turn_events = { on_part, on_journal, on_done, on_reserve };

static const struct ai_price prices[] = { { .provider = "local",
					    .model = "*",
					    .input = 1000000,
					    .cached = -1,
					    .output = 2000000,
					    .written = -1 } };

static void take_over(struct turn_stage *w, size_t index, struct llm *llm)
{
	w->ai->models[index].ops->destroy(w->ai->models[index].llm);
	llm->host = ai_host(w->ai, NULL);
	w->ai->models[index].ops = &fake_ops;
	w->ai->models[index].llm = llm;
}

static void setup(struct turn_stage *w, const struct settings *const *models, size_t count)
{
	static const char *const fallback[] = { "spare" };
	struct ai_options options = { .rounds_max = 2,
				      .attempts_max = 3,
				      .turn_ms = 60000,
				      .prices = prices,
				      .price_count = 1,
				      .models = models,
				      .model_count = count,
				      .fallback = fallback,
				      .fallback_count = count > 1 };
	struct err err = { 0 };

	options.loop = w->loop = fake_loop_create();
	w->ai = ai_create(&options, &err);
	assert_non_null(w->ai);
	take_over(w, 0, &w->llm);
	if (count > 1)
		take_over(w, 1, &w->spare);
	for (int i = 0; i < 3; i++) {
		static const char *const names[] = { "read", "keyed", "once" };

		w->tool[i] = (struct tool){ .name = names[i],
					    .parameters = "{}",
					    .class = (enum tool_class)i,
					    .box = &w->box[i],
					    .call = fake_call };
		w->tools[i] = &w->tool[i];
	}
}

void turn_setup(struct turn_stage *w)
{
	memset(w, 0, sizeof(*w));
	setup(w, NULL, 0);
}

void turn_setup_spare(struct turn_stage *w)
{
	static const char *const names[] = { "main", "spare" };
	struct err err = { 0 };

	memset(w, 0, sizeof(*w));
	for (int i = 0; i < 2; i++) {
		w->settings[i] = settings_create(ai_model_settings, "models", "test:1");
		assert_true(settings_put(w->settings[i], "name", names[i], "test:1", &err));
		assert_true(settings_put(w->settings[i], "provider", "local", "test:1", &err));
		assert_true(settings_put(w->settings[i], "max_output_tokens", i ? "7" : "5", "test:1", &err));
		assert_true(settings_finish(w->settings[i], &err));
	}
	setup(w, (const struct settings *const *)w->settings, 2);
}

void turn_teardown(struct turn_stage *w)
{
	ai_destroy(w->ai);
	for (int i = 0; i < 2; i++)
		if (w->settings[i])
			settings_destroy(w->settings[i]);
	buf_free(&w->log);
	fake_loop_destroy(w->loop);
}

static const struct ai_message history[] = {
	{ AI_USER, "one one one one one one one one one one" },
	{ AI_ASSISTANT, "two two two two two two two two two" },
	{ AI_USER, "three three three three three three three" },
	{ AI_ASSISTANT, "four four four four four four" },
};

static const struct tool_caller caller = { "o1", "p1", 5 };

struct ai_ask turn_question(struct turn_stage *w)
{
	return (struct ai_ask){ .system_prompt = "be kind",
				.temperature = -1,
				.history = history,
				.history_count = 4,
				.prompt = "go",
				.tools = w->tools,
				.tool_count = 3,
				.caller = &caller,
				.key = "turn-1" };
}

void turn_start(struct turn_stage *w, const struct ai_ask *ask)
{
	ai_start(w->ai, ask, &turn_events, w, 42);
	assert_string_equal(buf_str(&w->log), ""); /* nothing from within */
	assert_int_equal(w->llm.asked, 0);
	fake_loop_pass(w->loop, 20);
}

void turn_begin(struct turn_stage *w)
{
	struct ai_ask ask = turn_question(w);

	turn_setup(w);
	ask.tools = w->tools;
	turn_start(w, &ask);
}

struct llm_reply turn_blank_reply(void)
{
	return (struct llm_reply){ .text = "",
				   .input_tokens = 100,
				   .output_tokens = 10,
				   .cached_tokens = -1,
				   .cost_micros = -1,
				   .first_token_ms = -1 };
}

void turn_give(struct turn_stage *w, const struct llm_reply *reply)
{
	uint64_t ticket = w->llm.ticket;

	assert_int_not_equal(ticket, 0);
	w->llm.ticket = 0;
	w->llm.host.done(w->ai, ticket, reply);
}

void turn_say(struct turn_stage *w, const char *text, enum llm_stop stop)
{
	struct llm_reply reply = turn_blank_reply();

	reply.text = text;
	reply.stop = stop;
	turn_give(w, &reply);
}

void turn_spare_say(struct turn_stage *w, const char *text)
{
	struct llm_reply reply = turn_blank_reply();
	uint64_t ticket = w->spare.ticket;

	reply.text = text;
	w->spare.ticket = 0;
	w->spare.host.part(w->ai, ticket, text, strlen(text));
	w->spare.host.done(w->ai, ticket, &reply);
}

void turn_want(struct turn_stage *w, const char *text, const struct llm_call *calls, size_t count)
{
	struct llm_reply reply = turn_blank_reply();

	reply.text = text;
	reply.calls = calls;
	reply.call_count = count;
	reply.stop = LLM_STOP_TOOLS;
	reply.raw = "{}";
	turn_give(w, &reply);
}

void turn_break_down(struct turn_stage *w, enum llm_fault fault, unsigned retry_ms, const char *text)
{
	struct llm_reply reply = turn_blank_reply();

	reply.fault = fault;
	reply.retry_ms = retry_ms;
	reply.text = text;
	reply.input_tokens = reply.output_tokens = -1;
	err_set(&reply.err, ERR_UNSURE, "it broke");
	turn_give(w, &reply);
}

void turn_part(struct turn_stage *w, const char *text)
{
	w->llm.host.part(w->ai, w->llm.ticket, text, strlen(text));
}

void turn_result(struct turn_stage *w, int tool, unsigned nth, const char *text, bool failed)
{
	struct box *box = &w->box[tool];

	box->done(box->owner, box->tickets[nth], text, failed);
}

void turn_expect_log(struct turn_stage *w, const char *log)
{
	assert_string_equal(buf_str(&w->log), log);
	buf_clear(&w->log);
}

void turn_expect_seen(struct turn_stage *w, const char *piece)
{
	if (strstr(buf_str(&w->llm.seen), piece) == NULL)
		fail_msg("'%s' is not in:\n%s", piece, buf_str(&w->llm.seen));
}
