/* What a conversation remembers: which turns fall out, which summary counts, and that what is taken back is in none. */
#include "asking.h"
#include "store_memory.h"
#include "store_people.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int open_case(void **state)
{
	struct asking *a = asking_create();

	asking_know(a, "ann");
	asking_know(a, "bob");
	*state = a;
	return 0;
}

static int close_case(void **state)
{
	asking_destroy(*state);
	return 0;
}

/* ---- asking ------------------------------------------------------------------------------------------------ */

struct got {
	struct asking *a;
	struct store_past past;
	struct err err;
	bool kept;
	unsigned waiting;
};

static void on_past(void *owner, uint64_t ticket, const struct err *err, const struct store_past *past)
{
	struct got *got = owner;

	(void)ticket;
	got->err = *err;
	if (--got->a->waiting == 0)
		io_stop(got->a->io);
	if (past == NULL)
		return;
	got->past = *past;
	got->past.before = arena_text(got->a->room, past->before);
	got->past.text = arena_text(got->a->room, past->text);
	got->past.hash = arena_text(got->a->room, past->hash);
}

static void on_summary(void *owner, uint64_t ticket, const struct err *err, bool kept)
{
	struct got *got = owner;

	(void)ticket;
	got->err = *err;
	got->kept = kept;
	if (--got->a->waiting == 0)
		io_stop(got->a->io);
}

static const struct store_window window = { .turns = 4, .tokens = 1000 };

static struct store_past look(struct asking *a, const struct store_window *at)
{
	struct got got = { .a = a };

	a->waiting++;
	store_past(a->store, 1, at, on_past, &got, 1);
	asking_wait(a);
	assert_int_equal(got.err.kind, ERR_NONE);
	return got.past;
}

/* text NULL: it failed. */
static bool sum_up(struct asking *a, const struct store_past *past, int64_t turn_id, const char *text)
{
	const struct ai_attempt attempt = { .provider = "fake",
					    .model = "fake-1",
					    .type = "summary",
					    .input = "what was said",
					    .output = text,
					    .error = text ? NULL : "it broke",
					    .input_tokens = 9,
					    .output_tokens = 3,
					    .cached_tokens = -1,
					    .cost_micros = 10,
					    .first_token_ms = -1 };
	const struct ai_result result = { .tool_calls = "[]",
					  .request = "{}",
					  .model = "fake-1",
					  .attempts = &attempt,
					  .attempt_count = 1 };
	struct got got = { .a = a };

	a->waiting++;
	store_summarise(a->store,
			&(struct store_summary){ .conversation_id = 1,
						 .turn_id = turn_id,
						 .upto_turn_id = past->upto_turn_id,
						 .turns = past->turns,
						 .window = window,
						 .hash = past->hash,
						 .text = text,
						 .why = "it broke",
						 .result = &result },
			on_summary, &got, 1);
	asking_wait(a);
	assert_int_equal(got.err.kind, ERR_NONE);
	return got.kept;
}

/* ann says "m1", "m2", ... in "room" and is answered. */
static int64_t talk(struct asking *a, int from, int upto)
{
	int64_t turn_id = 0;

	for (int n = from; n <= upto; n++) {
		char *key = mem_format("m%d", n), *text = mem_format("fact %d", n);
		struct incoming in = says("ann", "room", key, text);

		in.semantic_key = key;
		turn_id = ask_accept(a, &in, true)->turn->id;
		answer_with(a, turn_id, "noted", true);
		free(key);
		free(text);
	}
	return turn_id;
}

static void change(struct asking *a, enum incoming_kind kind, const char *target, const char *text)
{
	char *key = mem_format("change %s %d", target, (int)kind);
	struct incoming in = says("ann", "room", key, text);

	in.kind = kind;
	in.target = target;
	ask_accept(a, &in, true);
	assert_int_equal(a->err.kind, ERR_NONE);
	free(key);
}

/* ---- tests ------------------------------------------------------------------------------------------------- */

static void what_falls_out(void **state)
{
	struct asking *a = *state;
	struct store_past past;

	talk(a, 1, 4);
	assert_null(look(a, &window).text);
	assert_int_equal(look(a, &(struct store_window){ .turns = 4, .tokens = 1000, .full = true }).turns,
			 2);
	talk(a, 5, 5);
	past = look(a, &window);
	assert_string_equal(past.text,
			    "Person: fact 1\n\nAssistant: noted\n\nPerson: fact 2\n\nAssistant: noted\n\n"
			    "Person: fact 3\n\nAssistant: noted\n\n");
	assert_null(past.before);
	assert_int_equal(past.turns, 3);
	assert_false(past.budgeted);
	past = look(a, &(struct store_window){ .turns = 100, .tokens = 12 }); /* no more at once than fits */
	assert_int_equal(past.turns, 1);
}

/* The model is told the summary and what came after it, and the next summary is made of both. */
static void a_summary_takes_the_place_of_turns(void **state)
{
	struct asking *a = *state;
	int64_t last = talk(a, 1, 5);
	struct store_past past = look(a, &window);
	const struct store_recalled *recalled;

	assert_true(sum_up(a, &past, last, "three facts"));
	recalled = ask_recall(a, 1, last + 1, 8);
	assert_string_equal(recalled->summary, "three facts");
	assert_false(recalled->summary_told);
	assert_int_equal(recalled->count, 4);
	assert_int_equal(recalled->turns, 4);
	assert_string_equal(recalled->history[0].text, "fact 4");
	assert_int_equal(
		asking_int(a, "SELECT count(*) FROM ai_agent_interactions WHERE interaction_type = 'summary'"
			      " AND cost_micros = 10 AND success"),
		1);
	assert_null(look(a, &window).text);
	last = talk(a, 6, 8);
	past = look(a, &window);
	assert_string_equal(past.before, "three facts");
	assert_true(strncmp(past.text, "Person: fact 4\n", 15) == 0);
	assert_true(sum_up(a, &past, last, "six facts"));
	asking_restart(a);
	recalled = ask_recall(a, 1, last + 1, 8);
	assert_string_equal(recalled->summary, "six facts");
	assert_int_equal(recalled->count, 4);
}

/* The notice is said once for a conversation, and models never see it. */
static void who_was_told_is_on_record(void **state)
{
	struct asking *a = *state;
	int64_t last = talk(a, 1, 5);
	struct store_past past = look(a, &window);
	struct incoming in = says("ann", "room", "next", "and now?");
	const struct store_recalled *recalled;
	int64_t turn_id;

	sum_up(a, &past, last, "three facts");
	turn_id = ask_accept(a, &in, true)->turn->id;
	recalled = ask_recall(a, 1, turn_id, 8);
	ask_answer(a, &(struct store_answer){ .turn_id = turn_id,
					      .state = MESSAGE_ANSWERED,
					      .text = "well" STORE_SUMMARY_NOTICE,
					      .told_summary = recalled->summary_id,
					      .claim_next = true });
	recalled = ask_recall(a, 1, turn_id + 1, 8);
	assert_true(recalled->summary_told);
	assert_string_equal(recalled->history[recalled->count - 1].text, "well");
}

/* What is taken back must not live on in a summary, in the record of its making, or come in by one under way. */
static void what_is_taken_back_is_in_no_summary(void **state)
{
	struct asking *a = *state;
	int64_t last = talk(a, 1, 5);
	struct store_past past = look(a, &window);
	const struct store_recalled *recalled;

	assert_true(sum_up(a, &past, last, "three facts"));
	last = talk(a, 6, 8);
	past = look(a, &window);
	assert_true(sum_up(a, &past, last, "six facts"));
	change(a, INCOMING_DELETED, "m4", NULL); /* in the second only */
	assert_int_equal(asking_int(a, "SELECT count(*) FROM conversation_summaries"), 1);
	assert_int_equal(
		asking_int(a, "SELECT count(*) FROM ai_agent_interactions WHERE output = 'six facts'"), 0);
	recalled = ask_recall(a, 1, last + 1, 8);
	assert_string_equal(recalled->summary, "three facts");
	past = look(a, &window);
	assert_non_null(past.text);
	change(a, INCOMING_DELETED, "m5", NULL); /* while the next is being made */
	assert_false(sum_up(a, &past, last, "with fact 5"));
	assert_int_equal(
		asking_int(a, "SELECT count(*) FROM ai_agent_interactions WHERE output = 'with fact 5'"), 0);
	assert_int_equal(
		asking_int(a, "SELECT count(*) FROM conversation_summaries WHERE text = 'with fact 5'"), 0);
	change(a, INCOMING_DELETED, "m1", NULL);
	assert_int_equal(asking_int(a, "SELECT count(*) FROM conversation_summaries"), 0);
	assert_int_equal(asking_int(a, "SELECT count(*) FROM ai_agent_interactions WHERE interaction_type ="
				       " 'summary' AND (output IS NOT NULL OR input NOT LIKE '(deleted%')"),
			 0);
	assert_null(ask_recall(a, 1, last + 1, 8)->summary);
}

static void an_edit_makes_it_anew(void **state)
{
	struct asking *a = *state;
	int64_t last = talk(a, 1, 5);
	struct store_past past = look(a, &window);

	assert_true(sum_up(a, &past, last, "three facts"));
	change(a, INCOMING_EDITED, "m2", "another fact");
	assert_null(ask_recall(a, 1, last + 1, 8)->summary);
	asking_sql(a, "UPDATE conversation_summaries SET created_at = '2020-01-01T00:00:00.000Z'");
	past = look(a, &window);
	assert_non_null(strstr(past.text, "another fact"));
}

/* A model that can't do it is not asked again at every answer. */
static void a_failure_gives_it_a_rest(void **state)
{
	struct asking *a = *state;
	int64_t last = talk(a, 1, 5);
	struct store_past past = look(a, &window);

	assert_false(sum_up(a, &past, last, NULL));
	assert_null(look(a, &window).text);
	assert_null(ask_recall(a, 1, last + 1, 8)->summary);
	assert_int_equal(
		asking_int(a, "SELECT count(*) FROM ai_agent_interactions WHERE interaction_type = 'summary'"
			      " AND NOT success"),
		1);
	asking_sql(a, "UPDATE conversation_summaries SET created_at = '2020-01-01T00:00:00.000Z'");
	assert_non_null(look(a, &window).text);
}

/* Without its result a call is refused by every service. */
static void calls_are_told_with_their_results(void **state)
{
	static const struct ai_step steps[] = {
		{ AI_STEP_REPLY, 1, NULL, NULL, false, "{\"text\":\"\",\"tool_calls\":[]}", NULL, false },
		{ AI_STEP_INTENT, 1, "a", "add_task", false, "{\"title\":\"milk\"}", "keyed", false },
		{ AI_STEP_INTENT, 1, "b", "add_task", false, "{\"title\":\"bread\"}", "keyed", false },
		{ AI_STEP_RESULT, 1, "b", "add_task", false, "{\"task_id\":2}", "keyed", false },
	};
	struct asking *a = *state;
	struct incoming in = says("ann", "room", "k1", "buy milk and bread");
	int64_t turn_id = ask_accept(a, &in, true)->turn->id;
	const struct store_recalled *recalled;
	const struct ai_message *answer;

	ask_journal(a, turn_id, steps, 4, NULL, 0);
	answer_with(a, turn_id, "one of them", true);
	recalled = ask_recall(a, 1, turn_id + 1, 8);
	answer = &recalled->history[1];
	assert_int_equal(answer->call_count, 1);
	assert_int_equal(answer->turn, turn_id);
	assert_string_equal(answer->calls[0].tool, "add_task");
	assert_string_equal(answer->calls[0].arguments, "{\"title\":\"bread\"}");
	assert_string_equal(answer->calls[0].result, "{\"task_id\":2}");
	assert_int_equal(strlen(answer->calls[0].id), 9);
}

/* What was really sent can be read later, with the message it was about, and stays when that is edited. */
static void what_was_sent_is_on_record(void **state)
{
	static const char *const model = "SELECT json_extract(\"structuredUserPrompt\", '$.request.model')"
					 " FROM \"LLMConversationMessage\" WHERE id = 1";
	struct asking *a = *state;
	struct incoming in = says("ann", "room", "k1", "hello");
	const struct ai_result result = { .tool_calls = "[]", .request = "{\"model\":\"m-1\",\"tools\":[]}" };

	in.semantic_key = "k1";
	ask_answer(a, &(struct store_answer){ .turn_id = ask_accept(a, &in, true)->turn->id,
					      .state = MESSAGE_ANSWERED,
					      .text = "hi",
					      .context = "others spoke",
					      .result = &result,
					      .claim_next = true });
	assert_string_equal(asking_text(a, model), "m-1");
	change(a, INCOMING_EDITED, "k1", "hello there");
	assert_string_equal(asking_text(a, model), "m-1");
	assert_non_null(strstr(ask_recall(a, 1, 2, 8)->history[0].text, "others spoke"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(what_falls_out, open_case, close_case),
		cmocka_unit_test_setup_teardown(a_summary_takes_the_place_of_turns, open_case, close_case),
		cmocka_unit_test_setup_teardown(who_was_told_is_on_record, open_case, close_case),
		cmocka_unit_test_setup_teardown(what_is_taken_back_is_in_no_summary, open_case, close_case),
		cmocka_unit_test_setup_teardown(an_edit_makes_it_anew, open_case, close_case),
		cmocka_unit_test_setup_teardown(a_failure_gives_it_a_rest, open_case, close_case),
		cmocka_unit_test_setup_teardown(calls_are_told_with_their_results, open_case, close_case),
		cmocka_unit_test_setup_teardown(what_was_sent_is_on_record, open_case, close_case),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
