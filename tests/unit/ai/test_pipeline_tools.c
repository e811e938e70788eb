/* Tools of a turn: nothing runs before it is durable, what is repeated after a crash and what never is, and
 * calls that cannot be run. */
#include "fake_loop.h"
#include "turn_stage.h"
#include <stdlib.h>
#include <string.h>

static const struct llm_call two[] = { { "a", "read", "{\"x\":1}" }, { "b", "keyed", "{}" } };

/* A tool that ran before its intent was durable would run again after a crash. */
static void test_nothing_runs_before_it_is_durable(void **state)
{
	struct turn_stage w;

	(void)state;
	turn_begin(&w);
	turn_want(&w, "Let me look.", two, 2);
	turn_expect_log(&w, "journal reply1 intent1:a intent1:b\n");
	fake_loop_pass(w.loop, 1000);
	assert_int_equal(w.box[0].calls + w.box[1].calls, 0);
	ai_journaled(w.ai, 42);
	assert_int_equal(w.box[0].calls, 1);
	assert_string_equal(w.box[0].arguments, "{\"x\":1}");
	assert_int_equal(w.box[1].calls, 1);
	turn_result(&w, 1, 0, "{\"second\":2}", false);
	turn_expect_log(&w, "");
	turn_result(&w, 0, 0, "{\"error\":\"no\"}", true);
	turn_expect_log(&w, "journal result1:a! result1:b\n");
	fake_loop_pass(w.loop, 1000);
	assert_int_equal(w.llm.asked, 1); /* not before the results are durable */
	ai_journaled(w.ai, 42);
	assert_int_equal(w.llm.asked, 2);
	turn_expect_seen(&w, "user: go\nassistant: Let me look. <a read {\"x\":1}> <b keyed {}> raw\n"
			     "tool: {\"error\":\"no\"} for a\ntool: {\"second\":2} for b\n");
	turn_say(&w, "Done", LLM_STOP_END);
	turn_expect_log(
		&w, "done Done [{\"name\":\"read\",\"arguments\":{\"x\":1},\"result\":{\"error\":\"no\"}},"
		    "{\"name\":\"keyed\",\"arguments\":{},\"result\":{\"second\":2}}]\n");
	assert_int_equal(w.handed, 2);
	turn_teardown(&w);
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

static void resume(struct turn_stage *w, size_t steps)
{
	struct ai_ask ask;

	turn_setup(w);
	ask = turn_question(w);
	ask.journal = crashed;
	ask.journal_count = steps;
	turn_start(w, &ask);
}

static void test_resume_after_intents(void **state)
{
	struct turn_stage fresh, w;

	(void)state;
	turn_begin(&fresh);
	turn_want(&fresh, "", two, 2);
	ai_journaled(fresh.ai, 42);
	resume(&w, 4);
	turn_expect_log(&w, "");
	assert_int_equal(w.box[0].calls, 1);
	assert_int_equal(w.box[1].calls, 1);
	assert_string_equal(w.box[1].arguments, "{\"n\":7}");	   /* what was decided then */
	assert_string_equal(w.box[1].key[0], fresh.box[1].key[0]); /* the same key for the same call */
	assert_int_equal(w.box[2].calls, 0);			   /* never again */
	turn_result(&w, 0, 0, "{}", false);
	turn_result(&w, 1, 0, "{}", false);
	turn_expect_log(&w, "journal result1:a result1:b result1:c!\n");
	ai_journaled(w.ai, 42);
	turn_expect_seen(&w, "tool: {\"error\":\"started earlier, outcome unknown, not repeated\"} for c\n");
	turn_say(&w, "ok", LLM_STOP_END);
	assert_int_equal(w.ends, 1);
	turn_teardown(&w);
	turn_teardown(&fresh);
}

static void test_resume_after_results(void **state)
{
	struct turn_stage w;

	(void)state;
	resume(&w, 7);
	assert_int_equal(w.box[0].calls + w.box[1].calls + w.box[2].calls, 0);
	assert_int_equal(w.llm.asked, 1);
	turn_expect_seen(&w, "tool: {\"r\":1} for a\ntool: {\"r\":2} for b\ntool: {\"error\":\"x\"} for c\n");
	turn_teardown(&w);
	resume(&w, 5); /* some results are there: only the missing ones are made */
	assert_int_equal(w.box[0].calls, 0);
	assert_int_equal(w.box[1].calls, 1);
	turn_teardown(&w);
	resume(&w, 1); /* a reply alone: its calls never began */
	turn_expect_log(&w, "journal intent1:a intent1:b intent1:c\n");
	ai_journaled(w.ai, 42);
	assert_int_equal(w.box[2].calls, 1);
	turn_teardown(&w);
}

static void test_broken_journal(void **state)
{
	static const struct ai_step lost[] = { { AI_STEP_RESULT, 1, "a", "read", false, "{}" } };
	struct turn_stage w;
	struct ai_ask ask;

	(void)state;
	turn_setup(&w);
	ask = turn_question(&w);
	ask.journal = lost;
	ask.journal_count = 1;
	turn_start(&w, &ask);
	assert_int_equal(w.llm.asked, 0); /* tools might run twice otherwise */
	turn_expect_log(&w, "failed journal_broken: the journal names a tool call that no reply made []\n");
	turn_teardown(&w);
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
	struct turn_stage w;

	(void)state;
	turn_begin(&w);
	turn_want(&w, "", bad, 6);
	turn_expect_log(&w,
			"journal reply1 result1:a! result1:call01001! result1:call01002! result1:call01003! "
			"intent1:e intent1:f\n");
	ai_journaled(w.ai, 42);
	assert_int_equal(w.box[0].calls, 2);
	assert_string_equal(w.box[0].arguments, "{\"x\":2}");
	turn_result(&w, 0, 0, "{}", false);
	turn_result(&w, 0, 1, "{}", false);
	turn_expect_log(&w, "journal result1:e result1:f\n");
	ai_journaled(w.ai, 42);
	turn_expect_seen(&w, "{\"error\":\"unknown tool \\\"nosuch\\\"\"} for a\n");
	turn_expect_seen(&w,
			 "<call01001 read {}>"); /* broken JSON is not sent back: some servers fail on it */
	turn_expect_seen(&w, "the arguments could not be read");
	turn_expect_seen(&w, "<f read {\"x\":2}>");
	turn_teardown(&w);
	turn_begin(&w);
	turn_want(&w, "", bad, 1); /* nothing to run: after the journal the model is asked at once */
	turn_expect_log(&w, "journal reply1 result1:a!\n");
	ai_journaled(w.ai, 42);
	assert_int_equal(w.llm.asked, 2);
	turn_teardown(&w);
}

static void test_too_many_calls(void **state)
{
	struct llm_call many[40];
	struct turn_stage w;

	(void)state;
	for (int i = 0; i < 40; i++)
		many[i] = (struct llm_call){ "", "read", "{}" };
	turn_begin(&w);
	turn_want(&w, "", many, 40);
	ai_journaled(w.ai, 42);
	assert_int_equal(w.box[0].calls, CALLS_MAX);
	turn_teardown(&w);
}

static void tool_round(struct turn_stage *w)
{
	static const struct llm_call call = { "", "read", "{}" };
	unsigned nth = w->box[0].calls;

	turn_want(w, "", &call, 1);
	ai_journaled(w->ai, 42);
	turn_result(w, 0, nth % 8, "{}", false);
	ai_journaled(w->ai, 42);
}

static void test_round_cap(void **state)
{
	static const struct llm_call call = { "", "read", "{}" };
	struct turn_stage w;

	(void)state;
	turn_begin(&w);
	tool_round(&w);
	assert_int_equal(w.llm.tools, 3);
	tool_round(&w);
	assert_int_equal(w.llm.tools, 0); /* now it can only answer */
	turn_say(&w, "fine", LLM_STOP_END);
	assert_non_null(strstr(buf_str(&w.log), "done fine [{"));
	turn_teardown(&w);
	turn_begin(&w);
	tool_round(&w);
	tool_round(&w);
	buf_clear(&w.log);
	turn_want(&w, "", &call, 1);
	assert_non_null(strstr(buf_str(&w.log), "failed too_many_rounds"));
	assert_int_equal(w.box[0].calls, 2);
	turn_teardown(&w);
}

static void test_cut_calls_do_not_run(void **state)
{
	struct llm_reply reply = turn_blank_reply();
	struct turn_stage w;

	(void)state;
	turn_begin(&w);
	reply.calls = two;
	reply.call_count = 2;
	reply.stop = LLM_STOP_LENGTH;
	turn_give(&w, &reply);
	turn_expect_log(&w, "journal reply1 result1:a! result1:b!\n");
	ai_journaled(w.ai, 42);
	assert_int_equal(w.box[0].calls, 0);
	turn_expect_seen(&w, "cut at its output limit");
	turn_teardown(&w);
}

static void test_long_result(void **state)
{
	static const struct llm_call call = { "a", "read", "{}" };
	struct buf big = { 0 };
	struct turn_stage w;

	(void)state;
	buf_text(&big, "{\"t\":\"");
	while (big.len < 200000)
		buf_text(&big, "\xc3\xa4\\\"");
	buf_text(&big, "\"}");
	turn_begin(&w);
	turn_want(&w, "", &call, 1);
	ai_journaled(w.ai, 42);
	turn_result(&w, 0, 0, big.data, false);
	ai_journaled(w.ai, 42);
	assert_true(w.llm.seen.len < RESULT_MAX + 2000);
	turn_expect_seen(&w, "cut: the first ");
	turn_say(&w, "ok", LLM_STOP_END);
	assert_true(w.log.len < RESULT_MAX + 2000);
	turn_teardown(&w);
	turn_begin(&w);
	turn_want(&w, "", &call, 1);
	ai_journaled(w.ai, 42);
	turn_result(&w, 0, 0, "no json", false);
	ai_journaled(w.ai, 42);
	turn_expect_seen(&w, "not a JSON object");
	turn_teardown(&w);
	buf_free(&big);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nothing_runs_before_it_is_durable),
		cmocka_unit_test(test_resume_after_intents),
		cmocka_unit_test(test_resume_after_results),
		cmocka_unit_test(test_broken_journal),
		cmocka_unit_test(test_bad_calls),
		cmocka_unit_test(test_too_many_calls),
		cmocka_unit_test(test_round_cap),
		cmocka_unit_test(test_cut_calls_do_not_run),
		cmocka_unit_test(test_long_result),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
