/* The pipeline with a model and tools whose every move the test makes: order of what becomes durable, what is
 * repeated after a crash, and every way a turn can end. */
#include "ai_room.h"
#include "buf.h"
#include "fake_loop.h"
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
// clang-format on
#include <stdlib.h>
#include <string.h>

/* ---- a model that says what the test says -------------------------------------------------------------- */

struct llm {
	struct llm_host host;
	uint64_t ticket; /* of the running request; 0: none */
	unsigned asked, cancelled;
	struct buf seen; /* the last request, one line a message */
	size_t tools, messages;
	char first[64]; /* the first message that is not the system's */
};

static void fake_ask(struct llm *llm, const struct llm_request *request, uint64_t ticket)
{
	static const char *const roles[] = { "system", "user", "assistant", "tool" };

	assert_int_equal(llm->ticket, 0);
	llm->ticket = ticket;
	llm->asked++;
	llm->tools = request->tool_count;
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

/* ---- tools whose results the test gives ---------------------------------------------------------------- */

struct box {
	unsigned calls;
	char key[2][80];
	char arguments[2000];
	tool_done_fn *done;
	void *owner;
	uint64_t tickets[8];
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

/* ---- the world ----------------------------------------------------------------------------------------- */

struct world {
	struct loop *loop;
	struct ai *ai;
	struct llm llm;
	struct box box[3];
	struct tool tool[3];
	const struct tool *tools[3];
	struct buf log; /* what the caller was told, one line each */
	size_t handed;	/* attempts seen */
	int64_t cost;
	bool estimated;
	unsigned ends;
};

static void on_part(void *owner, uint64_t ticket, const char *text, size_t len, bool again)
{
	struct world *w = owner;

	assert_int_equal(ticket, 42);
	buf_format(&w->log, "part%s %.*s\n", again ? " again" : "", (int)len, text);
}

static void on_journal(void *owner, uint64_t ticket, const struct ai_step *steps, size_t count,
		       const struct ai_attempt *attempts, size_t attempt_count)
{
	static const char *const kinds[] = { "reply", "intent", "result" };
	struct world *w = owner;

	assert_int_equal(ticket, 42);
	(void)attempts;
	w->handed += attempt_count;
	buf_format(&w->log, "journal");
	for (size_t i = 0; i < count; i++)
		buf_format(&w->log, " %s%u%s%s%s", kinds[steps[i].kind], steps[i].round,
			   steps[i].call_id ? ":" : "", steps[i].call_id ? steps[i].call_id : "",
			   steps[i].failed ? "!" : "");
	buf_format(&w->log, "\n");
}

static void on_done(void *owner, uint64_t ticket, const struct ai_result *r)
{
	struct world *w = owner;

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

static const struct ai_events events = { on_part, on_journal, on_done };

static const struct ai_price prices[] = { { "local", "*", 1000000, -1, 2000000 } };

static void setup(struct world *w)
{
	struct ai_options options = {
		.rounds_max = 2, .attempts_max = 3, .turn_ms = 60000, .prices = prices, .price_count = 1
	};
	struct err err = { 0 };

	memset(w, 0, sizeof(*w));
	options.loop = w->loop = fake_loop_create();
	w->ai = ai_create(&options, &err);
	assert_non_null(w->ai);
	w->ai->models[0].ops->destroy(w->ai->models[0].llm);
	w->llm.host = ai_host(w->ai, NULL);
	w->ai->models[0].ops = &fake_ops;
	w->ai->models[0].llm = &w->llm;
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

static void teardown(struct world *w)
{
	ai_destroy(w->ai);
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

static struct ai_ask question(struct world *w)
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

static void start(struct world *w, const struct ai_ask *ask)
{
	ai_start(w->ai, ask, &events, w, 42);
	assert_string_equal(buf_str(&w->log), ""); /* nothing from within */
	assert_int_equal(w->llm.asked, 0);
	fake_loop_pass(w->loop, 20);
}

static void begin(struct world *w)
{
	struct ai_ask ask = question(w);

	setup(w);
	ask.tools = w->tools;
	start(w, &ask);
}

static struct llm_reply blank_reply(void)
{
	return (struct llm_reply){ .text = "",
				   .input_tokens = 100,
				   .output_tokens = 10,
				   .cached_tokens = -1,
				   .cost_micros = -1,
				   .first_token_ms = -1 };
}

static void give(struct world *w, const struct llm_reply *reply)
{
	uint64_t ticket = w->llm.ticket;

	assert_int_not_equal(ticket, 0);
	w->llm.ticket = 0;
	w->llm.host.done(w->ai, ticket, reply);
}

static void say(struct world *w, const char *text, enum llm_stop stop)
{
	struct llm_reply reply = blank_reply();

	reply.text = text;
	reply.stop = stop;
	give(w, &reply);
}

static void want(struct world *w, const char *text, const struct llm_call *calls, size_t count)
{
	struct llm_reply reply = blank_reply();

	reply.text = text;
	reply.calls = calls;
	reply.call_count = count;
	reply.stop = LLM_STOP_TOOLS;
	reply.raw = "{}";
	give(w, &reply);
}

static void break_down(struct world *w, enum llm_fault fault, unsigned retry_ms, const char *text)
{
	struct llm_reply reply = blank_reply();

	reply.fault = fault;
	reply.retry_ms = retry_ms;
	reply.text = text;
	reply.input_tokens = reply.output_tokens = -1;
	err_set(&reply.err, ERR_UNSURE, "it broke");
	give(w, &reply);
}

static void part(struct world *w, const char *text)
{
	w->llm.host.part(w->ai, w->llm.ticket, text, strlen(text));
}

static void result(struct world *w, int tool, unsigned nth, const char *text, bool failed)
{
	struct box *box = &w->box[tool];

	box->done(box->owner, box->tickets[nth], text, failed);
}

static void expect_log(struct world *w, const char *log)
{
	assert_string_equal(buf_str(&w->log), log);
	buf_clear(&w->log);
}

static void expect_seen(struct world *w, const char *piece)
{
	if (strstr(buf_str(&w->llm.seen), piece) == NULL)
		fail_msg("'%s' is not in:\n%s", piece, buf_str(&w->llm.seen));
}

/* ---- tests --------------------------------------------------------------------------------------------- */

static void test_plain_answer(void **state)
{
	struct world w;

	(void)state;
	begin(&w);
	assert_int_equal(w.llm.messages, 6);
	expect_seen(&w, "system: be kind\nuser: one");
	expect_seen(&w, "\nuser: go\n");
	part(&w, "Hel");
	part(&w, "lo");
	say(&w, "Hello", LLM_STOP_END);
	expect_log(&w, "part Hel\npart lo\ndone Hello []\n");
	assert_int_equal(w.cost, 120); /* 100 at 1 and 10 at 2 dollars a million */
	assert_false(w.estimated);
	ai_journaled(w.ai, 42);
	ai_cancel(w.ai, 42, NULL, NULL);
	teardown(&w);
}

/* A server that tells 2^63 tokens would break the sum of everything that was ever used. */
static void test_counts_beyond_belief(void **state)
{
	struct llm_reply reply = blank_reply();
	struct world w;

	(void)state;
	begin(&w);
	reply.text = "Hello";
	reply.input_tokens = reply.output_tokens = reply.cached_tokens = INT64_MAX;
	give(&w, &reply);
	expect_log(&w, "done Hello []\n");
	assert_true(w.estimated);
	assert_in_range(w.cost, 1, 1000);
	teardown(&w);
}

static const struct llm_call two[] = { { "a", "read", "{\"x\":1}" }, { "b", "keyed", "{}" } };

/* A tool that ran before its intent was durable would run again after a crash. */
static void test_nothing_runs_before_it_is_durable(void **state)
{
	struct world w;

	(void)state;
	begin(&w);
	want(&w, "Let me look.", two, 2);
	expect_log(&w, "journal reply1 intent1:a intent1:b\n");
	fake_loop_pass(w.loop, 1000);
	assert_int_equal(w.box[0].calls + w.box[1].calls, 0);
	ai_journaled(w.ai, 42);
	assert_int_equal(w.box[0].calls, 1);
	assert_string_equal(w.box[0].arguments, "{\"x\":1}");
	assert_int_equal(w.box[1].calls, 1);
	result(&w, 1, 0, "{\"second\":2}", false);
	expect_log(&w, "");
	result(&w, 0, 0, "{\"error\":\"no\"}", true);
	expect_log(&w, "journal result1:a! result1:b\n");
	fake_loop_pass(w.loop, 1000);
	assert_int_equal(w.llm.asked, 1); /* not before the results are durable */
	ai_journaled(w.ai, 42);
	assert_int_equal(w.llm.asked, 2);
	expect_seen(&w, "user: go\nassistant: Let me look. <a read {\"x\":1}> <b keyed {}> raw\n"
			"tool: {\"error\":\"no\"} for a\ntool: {\"second\":2} for b\n");
	say(&w, "Done", LLM_STOP_END);
	expect_log(&w, "done Done [{\"name\":\"read\",\"arguments\":{\"x\":1},\"result\":{\"error\":\"no\"}},"
		       "{\"name\":\"keyed\",\"arguments\":{},\"result\":{\"second\":2}}]\n");
	assert_int_equal(w.handed, 2);
	teardown(&w);
}

#define REPLY                                                                                                \
	"{\"text\":\"hm\",\"tool_calls\":[{\"id\":\"a\",\"name\":\"read\",\"arguments\":\"{}\"},"            \
	"{\"id\":\"b\",\"name\":\"keyed\",\"arguments\":\"{}\"},{\"id\":\"c\",\"name\":\"once\","            \
	"\"arguments\":\"{}\"}],"                                                                            \
	"\"raw\":null,\"model\":\"local\"}"

static const struct ai_step crashed[] = {
	{ AI_STEP_REPLY, 1, NULL, NULL, false, REPLY },
	{ AI_STEP_INTENT, 1, "a", "read", false, "{}" },
	{ AI_STEP_INTENT, 1, "b", "keyed", false, "{\"n\":7}" },
	{ AI_STEP_INTENT, 1, "c", "once", false, "{}" },
	{ AI_STEP_RESULT, 1, "a", "read", false, "{\"r\":1}" },
	{ AI_STEP_RESULT, 1, "b", "keyed", false, "{\"r\":2}" },
	{ AI_STEP_RESULT, 1, "c", "once", true, "{\"error\":\"x\"}" },
};

static void resume(struct world *w, size_t steps)
{
	struct ai_ask ask;

	setup(w);
	ask = question(w);
	ask.journal = crashed;
	ask.journal_count = steps;
	start(w, &ask);
}

static void test_resume_after_intents(void **state)
{
	struct world fresh, w;

	(void)state;
	begin(&fresh);
	want(&fresh, "", two, 2);
	ai_journaled(fresh.ai, 42);
	resume(&w, 4);
	expect_log(&w, "");
	assert_int_equal(w.box[0].calls, 1);
	assert_int_equal(w.box[1].calls, 1);
	assert_string_equal(w.box[1].arguments, "{\"n\":7}");	   /* what was decided then */
	assert_string_equal(w.box[1].key[0], fresh.box[1].key[0]); /* the same key for the same call */
	assert_int_equal(w.box[2].calls, 0);			   /* never again */
	result(&w, 0, 0, "{}", false);
	result(&w, 1, 0, "{}", false);
	expect_log(&w, "journal result1:a result1:b result1:c!\n");
	ai_journaled(w.ai, 42);
	expect_seen(&w, "tool: {\"error\":\"started earlier, outcome unknown, not repeated\"} for c\n");
	say(&w, "ok", LLM_STOP_END);
	assert_int_equal(w.ends, 1);
	teardown(&w);
	teardown(&fresh);
}

static void test_resume_after_results(void **state)
{
	struct world w;

	(void)state;
	resume(&w, 7);
	assert_int_equal(w.box[0].calls + w.box[1].calls + w.box[2].calls, 0);
	assert_int_equal(w.llm.asked, 1);
	expect_seen(&w, "tool: {\"r\":1} for a\ntool: {\"r\":2} for b\ntool: {\"error\":\"x\"} for c\n");
	teardown(&w);
	resume(&w, 5); /* some results are there: only the missing ones are made */
	assert_int_equal(w.box[0].calls, 0);
	assert_int_equal(w.box[1].calls, 1);
	teardown(&w);
	resume(&w, 1); /* a reply alone: its calls never began */
	expect_log(&w, "journal intent1:a intent1:b intent1:c\n");
	ai_journaled(w.ai, 42);
	assert_int_equal(w.box[2].calls, 1);
	teardown(&w);
}

static void test_broken_journal(void **state)
{
	static const struct ai_step lost[] = { { AI_STEP_RESULT, 1, "a", "read", false, "{}" } };
	struct world w;
	struct ai_ask ask;

	(void)state;
	setup(&w);
	ask = question(&w);
	ask.journal = lost;
	ask.journal_count = 1;
	start(&w, &ask);
	assert_int_equal(w.llm.asked, 0); /* tools might run twice otherwise */
	expect_log(&w, "failed journal_broken: the journal names a tool call that no reply made []\n");
	teardown(&w);
}

/* Each is answered with an error the model can read; none ends the turn. */
static void test_bad_calls(void **state)
{
	static const struct llm_call bad[] = {
		{ "a", "nosuch", "{}" },
		{ "a", "read", "{\"x\":" },	      /* the id a second time, not JSON */
		{ NULL, "read", "[1]" },	      /* no id, not an object */
		{ "", "read", "{}{}" },		      /* two calls merged */
		{ "e", "functions.READ", "" },	      /* fine: prefix, case, nothing */
		{ "f", "read", "\"{\\\"x\\\":2}\"" }, /* fine: encoded twice */
	};
	struct world w;

	(void)state;
	begin(&w);
	want(&w, "", bad, 6);
	expect_log(&w, "journal reply1 result1:a! result1:call01001! result1:call01002! result1:call01003! "
		       "intent1:e intent1:f\n");
	ai_journaled(w.ai, 42);
	assert_int_equal(w.box[0].calls, 2);
	assert_string_equal(w.box[0].arguments, "{\"x\":2}");
	result(&w, 0, 0, "{}", false);
	result(&w, 0, 1, "{}", false);
	expect_log(&w, "journal result1:e result1:f\n");
	ai_journaled(w.ai, 42);
	expect_seen(&w, "{\"error\":\"unknown tool \\\"nosuch\\\"\"} for a\n");
	expect_seen(&w, "<call01001 read {}>"); /* broken JSON is not sent back: some servers fail on it */
	expect_seen(&w, "the arguments could not be read");
	expect_seen(&w, "<f read {\"x\":2}>");
	teardown(&w);
	begin(&w);
	want(&w, "", bad, 1); /* nothing to run: after the journal the model is asked at once */
	expect_log(&w, "journal reply1 result1:a!\n");
	ai_journaled(w.ai, 42);
	assert_int_equal(w.llm.asked, 2);
	teardown(&w);
}

static void test_too_many_calls(void **state)
{
	struct llm_call many[40];
	struct world w;

	(void)state;
	for (int i = 0; i < 40; i++)
		many[i] = (struct llm_call){ "", "read", "{}" };
	begin(&w);
	want(&w, "", many, 40);
	ai_journaled(w.ai, 42);
	assert_int_equal(w.box[0].calls, CALLS_MAX);
	teardown(&w);
}

/* What was shown of a request that broke off must not stand before the answer of the next. */
static void test_retry_begins_again(void **state)
{
	struct world w;

	(void)state;
	begin(&w);
	part(&w, "Half an");
	break_down(&w, LLM_FAULT_TRANSIENT, 0, "Half an");
	fake_loop_pass(w.loop, 600);
	assert_int_equal(w.llm.asked, 2);
	part(&w, "Who");
	part(&w, "le");
	say(&w, "Whole", LLM_STOP_END);
	expect_log(&w, "part Half an\npart again Who\npart le\ndone Whole []\n");
	assert_int_equal(w.handed, 2);
	teardown(&w);
}

static void test_no_half_answer(void **state)
{
	struct world w;

	(void)state;
	begin(&w);
	for (int i = 0; i < 3; i++) {
		part(&w, "half");
		break_down(&w, LLM_FAULT_TRANSIENT, 0, "half");
		fake_loop_pass(w.loop, 5000);
	}
	expect_log(&w,
		   "part half\npart again half\npart again half\nfailed model_unavailable: it broke []\n");
	assert_int_equal(w.llm.asked, 3);
	assert_int_equal(w.handed, 3);
	assert_true(w.estimated); /* the half was billed all the same */
	assert_true(w.cost > 0);
	teardown(&w);
}

static void test_hints(void **state)
{
	struct world w;

	(void)state;
	begin(&w);
	break_down(&w, LLM_FAULT_LIMITED, 5000, "");
	fake_loop_pass(w.loop, 4900);
	assert_int_equal(w.llm.asked, 1);
	fake_loop_pass(w.loop, 200);
	assert_int_equal(w.llm.asked, 2);
	break_down(&w, LLM_FAULT_LIMITED, 61000, ""); /* too long to keep somebody waiting */
	expect_log(&w, "failed model_limited: it broke []\n");
	teardown(&w);
	begin(&w);
	break_down(&w, LLM_FAULT_TRANSIENT, 59999, ""); /* would end after the turn's time */
	expect_log(&w, "failed model_unavailable: it broke []\n");
	teardown(&w);
}

static void test_faults_that_are_final(void **state)
{
	struct world w;

	(void)state;
	begin(&w);
	break_down(&w, LLM_FAULT_AUTH, 0, "");
	expect_log(&w, "failed model_auth: it broke []\n");
	teardown(&w);
	begin(&w);
	break_down(&w, LLM_FAULT_REFUSED, 0, "");
	expect_log(&w, "failed model_refused: it broke []\n");
	fake_loop_pass(w.loop, 10000);
	assert_int_equal(w.llm.asked, 1);
	teardown(&w);
}

static void test_overflow(void **state)
{
	struct world w;

	(void)state;
	begin(&w);
	break_down(&w, LLM_FAULT_OVERFLOW, 0, "");
	fake_loop_pass(w.loop, 20);
	assert_int_equal(w.llm.asked, 2);
	assert_string_equal(w.llm.first, "user"); /* whole turns went */
	expect_seen(&w, "user: go\n");
	assert_null(strstr(buf_str(&w.llm.seen), "one one"));
	break_down(&w, LLM_FAULT_OVERFLOW, 0, "");
	fake_loop_pass(w.loop, 1000);
	expect_log(&w, "failed context_overflow: it broke []\ndropped 4\n");
	teardown(&w);
}

static void test_known_window(void **state)
{
	struct world w;
	struct ai_ask ask;

	(void)state;
	setup(&w);
	w.ai->models[0].context_tokens = 100;
	ask = question(&w);
	ask.tool_count = 0;
	ask.max_output_tokens = 90;
	start(&w, &ask);
	expect_seen(&w, "user: go\n");
	assert_string_equal(w.llm.first, "user");
	assert_true(w.llm.messages < 6);
	say(&w, "ok", LLM_STOP_END);
	assert_non_null(strstr(buf_str(&w.log), "dropped "));
	teardown(&w);
}

static void tool_round(struct world *w)
{
	static const struct llm_call call = { "", "read", "{}" };
	unsigned nth = w->box[0].calls;

	want(w, "", &call, 1);
	ai_journaled(w->ai, 42);
	result(w, 0, nth % 8, "{}", false);
	ai_journaled(w->ai, 42);
}

static void test_round_cap(void **state)
{
	static const struct llm_call call = { "", "read", "{}" };
	struct world w;

	(void)state;
	begin(&w);
	tool_round(&w);
	assert_int_equal(w.llm.tools, 3);
	tool_round(&w);
	assert_int_equal(w.llm.tools, 0); /* now it can only answer */
	say(&w, "fine", LLM_STOP_END);
	assert_non_null(strstr(buf_str(&w.log), "done fine [{"));
	teardown(&w);
	begin(&w);
	tool_round(&w);
	tool_round(&w);
	buf_clear(&w.log);
	want(&w, "", &call, 1);
	assert_non_null(strstr(buf_str(&w.log), "failed too_many_rounds"));
	assert_int_equal(w.box[0].calls, 2);
	teardown(&w);
}

static void on_left(void *owner, const struct ai_attempt *attempts, size_t count)
{
	struct world *w = owner;

	assert_int_equal(count, 1);
	assert_string_equal(attempts[0].error, "cancelled");
	assert_true(attempts[0].estimated);
	w->handed += count;
}

static void test_cancel(void **state)
{
	struct world w;

	(void)state;
	begin(&w);
	part(&w, "some text");
	buf_clear(&w.log);
	ai_cancel(w.ai, 42, on_left, &w);
	assert_int_equal(w.llm.cancelled, 1);
	assert_int_equal(w.handed, 1); /* it was billed */
	fake_loop_pass(w.loop, 100000);
	expect_log(&w, "");
	teardown(&w);
	begin(&w);
	want(&w, "", two, 2);
	ai_journaled(w.ai, 42);
	buf_clear(&w.log);
	ai_cancel(w.ai, 42, NULL, NULL);
	result(&w, 0, 0, "{}", false); /* late: nobody waits for it */
	result(&w, 1, 0, "{}", false);
	fake_loop_pass(w.loop, 100000);
	expect_log(&w, "");
	teardown(&w);
}

static void test_time_limit(void **state)
{
	struct world w;

	(void)state;
	begin(&w);
	fake_loop_pass(w.loop, 59000);
	expect_log(&w, "");
	fake_loop_pass(w.loop, 1100);
	expect_log(&w, "failed timeout: no complete answer within 60 seconds []\n");
	assert_int_equal(w.llm.cancelled, 1);
	assert_int_equal(w.handed, 1);
	teardown(&w);
	begin(&w);
	want(&w, "", two, 2);
	ai_journaled(w.ai, 42);
	buf_clear(&w.log);
	fake_loop_pass(w.loop, 61000); /* a tool that never answers */
	assert_int_equal(strncmp(buf_str(&w.log), "failed timeout", 14), 0);
	result(&w, 0, 0, "{}", false);
	assert_int_equal(w.ends, 1);
	teardown(&w);
}

static void test_answers_that_are_none(void **state)
{
	struct world w;

	(void)state;
	begin(&w);
	say(&w, " \n", LLM_STOP_END); /* empty: again */
	fake_loop_pass(w.loop, 600);
	say(&w, "", LLM_STOP_REFUSED);
	expect_log(&w, "failed model_refused: the model declined to answer this []\n");
	teardown(&w);
	begin(&w);
	for (int i = 0; i < 3; i++) {
		say(&w, "", LLM_STOP_END);
		fake_loop_pass(w.loop, 5000);
	}
	expect_log(&w, "failed empty_answer: the model sent an empty answer []\n");
	teardown(&w);
	begin(&w);
	say(&w, "I can't help with that.", LLM_STOP_REFUSED); /* its own words are an answer */
	expect_log(&w, "done I can't help with that. []\n");
	teardown(&w);
	begin(&w);
	say(&w, "", LLM_STOP_LENGTH);
	assert_non_null(strstr(buf_str(&w.log), "failed empty_answer: the model used up its output limit"));
	teardown(&w);
	begin(&w);
	say(&w, "long", LLM_STOP_LENGTH);
	expect_log(&w, "done long (cut) []\n");
	teardown(&w);
}

static void test_cut_calls_do_not_run(void **state)
{
	struct llm_reply reply = blank_reply();
	struct world w;

	(void)state;
	begin(&w);
	reply.calls = two;
	reply.call_count = 2;
	reply.stop = LLM_STOP_LENGTH;
	give(&w, &reply);
	expect_log(&w, "journal reply1 result1:a! result1:b!\n");
	ai_journaled(w.ai, 42);
	assert_int_equal(w.box[0].calls, 0);
	expect_seen(&w, "cut at its output limit");
	teardown(&w);
}

static void test_long_result(void **state)
{
	static const struct llm_call call = { "a", "read", "{}" };
	struct buf big = { 0 };
	struct world w;

	(void)state;
	buf_text(&big, "{\"t\":\"");
	while (big.len < 200000)
		buf_text(&big, "\xc3\xa4\\\"");
	buf_text(&big, "\"}");
	begin(&w);
	want(&w, "", &call, 1);
	ai_journaled(w.ai, 42);
	result(&w, 0, 0, big.data, false);
	ai_journaled(w.ai, 42);
	assert_true(w.llm.seen.len < RESULT_MAX + 2000);
	expect_seen(&w, "cut: the first ");
	say(&w, "ok", LLM_STOP_END);
	assert_true(w.log.len < RESULT_MAX + 2000);
	teardown(&w);
	begin(&w);
	want(&w, "", &call, 1);
	ai_journaled(w.ai, 42);
	result(&w, 0, 0, "no json", false);
	ai_journaled(w.ai, 42);
	expect_seen(&w, "not a JSON object");
	teardown(&w);
	buf_free(&big);
}

/* The caller may start the next turn, even under the same number, from within the end. */
static void restart(void *owner, uint64_t ticket, const struct ai_result *r)
{
	struct world *w = owner;
	struct ai_ask ask = question(w);

	if (w->ends++ == 0)
		ai_start(w->ai, &ask, &events, w, ticket);
	(void)r;
}

static void test_start_from_within_the_end(void **state)
{
	static const struct ai_events again = { on_part, on_journal, restart };
	struct world w;
	struct ai_ask ask;

	(void)state;
	setup(&w);
	ask = question(&w);
	ai_start(w.ai, &ask, &again, &w, 42);
	fake_loop_pass(w.loop, 20);
	say(&w, "first", LLM_STOP_END);
	fake_loop_pass(w.loop, 20);
	assert_int_equal(w.llm.asked, 2);
	say(&w, "second", LLM_STOP_END);
	expect_log(&w, "done second []\n");
	teardown(&w);
}

static void on_checked(void *owner, uint64_t ticket, const struct err *err, int64_t skew)
{
	(void)skew;
	*(int *)owner = (int)ticket * 10 + (int)err->kind;
}

static void test_check(void **state)
{
	struct loop *loop = fake_loop_create();
	struct ai_options options = { .loop = loop, .turn_ms = 1000 };
	struct err err = { 0 };
	struct ai *ai = ai_create(&options, &err);
	int known = 0, unknown = 0;

	(void)state;
	ai_check(ai, NULL, on_checked, &known, 3);
	ai_check(ai, "nosuch", on_checked, &unknown, 4);
	assert_int_equal(known + unknown, 0);
	fake_loop_pass(loop, 20);
	assert_int_equal(known, 30);
	assert_int_equal(unknown, 40 + ERR_GONE);
	ai_check(ai, "nosuch", on_checked, &unknown, 4);
	ai_destroy(ai);
	options.model = "nosuch";
	assert_null(ai_create(&options, &err));
	assert_non_null(strstr(err.text, "nosuch"));
	fake_loop_destroy(loop);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_plain_answer),
		cmocka_unit_test(test_counts_beyond_belief),
		cmocka_unit_test(test_nothing_runs_before_it_is_durable),
		cmocka_unit_test(test_resume_after_intents),
		cmocka_unit_test(test_resume_after_results),
		cmocka_unit_test(test_broken_journal),
		cmocka_unit_test(test_bad_calls),
		cmocka_unit_test(test_too_many_calls),
		cmocka_unit_test(test_retry_begins_again),
		cmocka_unit_test(test_no_half_answer),
		cmocka_unit_test(test_hints),
		cmocka_unit_test(test_faults_that_are_final),
		cmocka_unit_test(test_overflow),
		cmocka_unit_test(test_known_window),
		cmocka_unit_test(test_round_cap),
		cmocka_unit_test(test_cancel),
		cmocka_unit_test(test_time_limit),
		cmocka_unit_test(test_answers_that_are_none),
		cmocka_unit_test(test_cut_calls_do_not_run),
		cmocka_unit_test(test_long_result),
		cmocka_unit_test(test_start_from_within_the_end),
		cmocka_unit_test(test_check),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
