/* A message's way in and through its turn: what a person would notice if a rule broke. */
#include "asking.h"
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

/* Without it nobody gets an answer at all. */
static void said_and_answered(void **state)
{
	struct asking *a = *state;
	struct incoming in = says("ann", "room", "k1", "Hello there\nsecond line");
	const struct store_accepted *in1 = ask_accept(a, &in, true);
	const struct store_answered *done;

	assert_int_equal(in1->how, ACCEPT_NEW);
	assert_int_equal(in1->state, MESSAGE_CLAIMED);
	assert_non_null(in1->turn);
	assert_string_equal(in1->speaker->display_name, "ann");
	assert_string_equal(in1->turn->text, "Hello there\nsecond line");
	assert_string_equal(in1->turn->uuids[0], in1->uuid);
	assert_int_equal(in1->turn->attempts, 1);
	assert_string_equal(in1->turn->sender, "ann");
	assert_string_equal(asking_text(a, "SELECT title FROM \"LLMConversation\""), "Hello there");

	done = answer_with(a, in1->turn->id, "Hi Ann", true);
	assert_int_equal(a->err.kind, ERR_NONE);
	assert_string_equal(done->ended->text, "Hi Ann");
	assert_string_equal(done->ended->answers_to[0], in1->uuid);
	assert_string_equal(done->ended->delivery_keys[0], "k1");
	assert_int_equal(done->ended->state, MESSAGE_ANSWERED);
	assert_non_null(done->reply);
	assert_string_equal(done->reply->out.reply_to, "https://reply");
	assert_null(done->next);
	assert_false(done->waiting);
	ask_sent(a, done->reply->id, REPLY_SENT, 0);
	assert_int_equal(a->err.kind, ERR_NONE);
	assert_string_equal(asking_text(a, "SELECT state FROM outbox"), "sent");
	assert_string_equal(asking_text(a, "SELECT state FROM inbox"), "answered");
}

/* Without it the operator can't see what an answer cost, and bills are guesses. */
static void recorded(void **state)
{
	struct asking *a = *state;
	struct incoming in = says("ann", "room", "k1", "How much?");
	const struct store_accepted *got = ask_accept(a, &in, true);

	answer_with(a, got->turn->id, "Little", true);
	assert_int_equal(a->err.kind, ERR_NONE);
	assert_string_equal(
		asking_text(a,
			    "SELECT status || ' ' || \"totalTokens\" || ' ' || \"costMicros\" || ' ' || model"
			    " FROM \"LLMTask\""),
		"succeeded 120 1500 small");
	assert_string_equal(
		asking_text(a, "SELECT agent_name || ' ' || interaction_type || ' ' || tokens_used || ' ' ||"
			       " cost_usd || ' ' || latency_ms || ' ' || success FROM ai_agent_interactions"),
		"assistant chat 120 0.001500 250 1");
	assert_string_equal(
		asking_text(a, "SELECT json_extract(metadata, '$.provider') FROM ai_agent_interactions"),
		"openai");
	assert_int_equal(asking_int(a, "SELECT count(*) FROM ai_agent_interactions i JOIN user_profiles p"
				       " ON p.id = i.user_id WHERE p.display_name = 'ann'"),
			 1);
}

/* Without it a request without a known price looks free. */
static void unknown_price_is_unknown(void **state)
{
	struct asking *a = *state;
	struct incoming in = says("ann", "room", "k1", "How much?");
	const struct store_accepted *got = ask_accept(a, &in, true);
	const struct ai_attempt attempts[] = {
		{ .provider = "p",
		  .model = "m",
		  .input_tokens = -1,
		  .output_tokens = -1,
		  .cached_tokens = -1,
		  .cost_micros = AI_COST_UNKNOWN,
		  .latency_ms = 5,
		  .first_token_ms = -1,
		  .error = "cut off" },
		{ .provider = "p",
		  .model = "m",
		  .output = "x",
		  .input_tokens = 7,
		  .output_tokens = 2,
		  .cached_tokens = 3,
		  .cost_micros = 12,
		  .latency_ms = 5,
		  .first_token_ms = 4 },
	};
	const struct ai_result result = { .err = { .kind = ERR_AGAIN, .text = "the model is away" },
					  .code = "model_unavailable",
					  .attempts = &attempts[1],
					  .attempt_count = 1 };
	const struct store_answer answer = { .turn_id = got->turn->id,
					     .state = MESSAGE_FAILED,
					     .reason = "model_unavailable",
					     .text = "Sorry",
					     .result = &result };

	ask_journal(a, got->turn->id, NULL, 0, &attempts[0], 1);
	assert_int_equal(a->err.kind, ERR_NONE);
	ask_answer(a, &answer);
	assert_int_equal(a->err.kind, ERR_NONE);
	assert_string_equal(
		asking_text(a,
			    "SELECT status || ' ' || \"totalTokens\" || ' ' || coalesce(\"costMicros\", '?')"
			    " || ' ' || \"errorMessage\" FROM \"LLMTask\""),
		"failed 9 ? the model is away");
	assert_int_equal(
		asking_int(a, "SELECT count(*) FROM ai_agent_interactions WHERE success = 0"
			      " AND cost_usd IS NULL AND tokens_used IS NULL AND error_message = 'cut off'"),
		1);
	assert_string_equal(asking_text(a, "SELECT state || ' ' || reason FROM inbox"),
			    "failed model_unavailable");
}

/* Without it a platform that repeats a delivery gets two answers. */
static void same_delivery_twice(void **state)
{
	struct asking *a = *state;
	struct incoming in = says("ann", "room", "k1", "Once"), other = says("ann", "room", "k1", "Twice");
	struct incoming act1 = says("ann", "room", "k2", "Hm"), act2 = says("ann", "room", "k3", "Hm");
	const struct store_accepted *first, *again;

	in.fingerprint = "aa";
	other.fingerprint = "bb";
	act1.semantic_key = act2.semantic_key = "channel/1";
	first = ask_accept(a, &in, true);
	again = ask_accept(a, &in, true);
	assert_int_equal(again->how, ACCEPT_BEFORE);
	assert_string_equal(again->uuid, first->uuid);
	assert_int_equal(again->state, MESSAGE_CLAIMED);
	assert_int_equal(again->conversation_id, first->conversation_id);
	assert_null(again->turn);
	assert_int_equal(ask_accept(a, &other, true)->how, ACCEPT_CONFLICT);
	first = ask_accept(a, &act1, true);
	again = ask_accept(a, &act2, true);
	assert_int_equal(again->how, ACCEPT_BEFORE);
	assert_string_equal(again->uuid, first->uuid);
	assert_int_equal(asking_int(a, "SELECT count(*) FROM inbox"), 2);
}

struct race {
	struct asking *asking;
	int fresh, before, turns;
};

static void on_race(void *owner, uint64_t ticket, const struct err *err, const struct store_accepted *got)
{
	struct race *race = owner;

	(void)ticket;
	assert_int_equal(err->kind, ERR_NONE);
	race->fresh += got->how == ACCEPT_NEW;
	race->before += got->how == ACCEPT_BEFORE;
	race->turns += got->turn != NULL;
	if (--race->asking->waiting == 0)
		io_stop(race->asking->io);
}

/* Two deliveries of one message in the same commit: still one answer. */
static void same_delivery_in_one_batch(void **state)
{
	struct asking *a = *state;
	struct race race = { .asking = a };
	struct incoming in = says("ann", "room", "k1", "Once");
	struct store_accept ask = {
		.platform = "webhook", .installation = "crm", .in = &in, .may_claim = true
	};

	a->waiting = 3;
	ask.uuid = "00000000-0000-7000-8000-00000000000a";
	store_accept(a->store, &ask, on_race, &race, 1);
	ask.uuid = "00000000-0000-7000-8000-00000000000b";
	store_accept(a->store, &ask, on_race, &race, 2);
	ask.uuid = "00000000-0000-7000-8000-00000000000c";
	store_accept(a->store, &ask, on_race, &race, 3);
	asking_wait(a);
	assert_int_equal(race.fresh, 1);
	assert_int_equal(race.before, 2);
	assert_int_equal(race.turns, 1);
}

/* A burst gets one answer, and everybody who waits for one of its messages is told. */
static void burst_is_merged(void **state)
{
	struct asking *a = *state;
	struct incoming one = says("ann", "room", "k1", "one"), two = says("ann", "room", "k2", "two"),
			three = says("ann", "room", "k3", "three"),
			other = says("bob", "room", "k4", "me too"),
			alone = says("bob", "room", "k5", "by itself");
	const struct store_accepted *first = ask_accept(a, &one, true);
	const struct store_answered *done;

	three.reply_to = "https://newest";
	alone.flags = INCOMING_ALONE;
	assert_null(ask_accept(a, &two, true)->turn);
	assert_int_equal(ask_accept(a, &three, true)->state, MESSAGE_ACCEPTED);
	ask_accept(a, &other, true);
	ask_accept(a, &alone, true);
	assert_null(ask_claim(a, first->conversation_id)); /* one turn at a time */

	done = answer_with(a, first->turn->id, "1", true);
	assert_non_null(done->next);
	assert_int_equal(done->next->count, 2);
	assert_string_equal(done->next->text, "two\nthree");
	assert_string_equal(done->next->delivery_keys[0], "k2");
	assert_string_equal(done->next->delivery_keys[1], "k3");
	assert_string_equal(done->next->reply_to, "https://newest");
	assert_true(done->waiting);

	done = answer_with(a, done->next->id, "2 and 3", true);
	assert_int_equal(done->ended->answers_to_count, 2);
	assert_string_equal(done->next->text, "me too");
	done = answer_with(a, done->next->id, "4", false);
	assert_null(done->next);
	assert_true(done->waiting);
	assert_string_equal(ask_claim(a, first->conversation_id)->text, "by itself");
}

/* What was fetched after an outage is answered in the order it was said. */
static void late_goes_before(void **state)
{
	struct asking *a = *state;
	struct incoming first = says("ann", "room", "k0", "running"), now = says("ann", "room", "k1", "now"),
			late = says("ann", "room", "k2", "before that");
	const struct store_accepted *got = ask_accept(a, &first, true);
	const struct store_answered *done;

	now.sent_ms = clock_wall_ms();
	late.sent_ms = now.sent_ms - 60000;
	late.flags = INCOMING_LATE;
	ask_accept(a, &now, true);
	ask_accept(a, &late, true);
	done = answer_with(a, got->turn->id, "ok", true);
	assert_string_equal(done->next->text, "before that\nnow");
	assert_true(done->next->flags & INCOMING_LATE);
}

/* A long text is not glued to the next one, and nothing of it is lost. */
static void merge_has_limits(void **state)
{
	struct asking *a = *state;
	struct incoming in = says("ann", "room", "k0", "running");
	const struct store_accepted *got = ask_accept(a, &in, true);
	const struct store_answered *done;
	char *text = mem_alloc(10001), key[16];
	size_t counts[] = { 1, 21, 0 };

	memset(text, 'x', 10000);
	text[10000] = '\0';
	in = says("ann", "room", "k1", text);
	ask_accept(a, &in, true);
	in = says("ann", "room", "k2", text);
	ask_accept(a, &in, true);
	for (int i = 0; i < 21; i++) {
		snprintf(key, sizeof(key), "m%d", i);
		in = says("ann", "room", key, "hi");
		ask_accept(a, &in, true);
	}
	done = answer_with(a, got->turn->id, "ok", true);
	assert_int_equal(done->next->count, counts[0]);
	done = answer_with(a, done->next->id, "ok", true);
	assert_int_equal(done->next->count, STORE_MERGE_MAX);
	done = answer_with(a, done->next->id, "ok", true);
	assert_int_equal(done->next->count, 22 - STORE_MERGE_MAX);
	done = answer_with(a, done->next->id, "ok", true);
	assert_null(done->next);
	free(text);
}

/* A finished answer can't be replaced by a late second one. */
static void ends_once(void **state)
{
	struct asking *a = *state;
	struct incoming in = says("ann", "room", "k1", "Once");
	const struct store_accepted *got = ask_accept(a, &in, true);

	answer_with(a, got->turn->id, "first", true);
	assert_null(answer_with(a, got->turn->id, "second", true));
	assert_int_equal(a->err.kind, ERR_REFUSED);
	assert_string_equal(asking_text(a, "SELECT \"llmParsedOutput\" FROM \"LLMConversationMessage\""),
			    "first");
	assert_int_equal(asking_int(a, "SELECT count(*) FROM outbox"), 1);
	assert_int_equal(asking_int(a, "SELECT count(*) FROM \"LLMTask\""), 1);
	assert_int_equal(asking_int(a, "SELECT count(*) FROM ai_agent_interactions"), 1);
	ask_journal(a, got->turn->id, NULL, 0, NULL, 0);
	assert_int_equal(a->err.kind, ERR_REFUSED);
	assert_null(answer_with(a, 4711, "nobody asked", true));
	assert_int_equal(a->err.kind, ERR_GONE);
}

/* The model remembers what was said, in order, and not what failed. */
static void remembered(void **state)
{
	struct asking *a = *state;
	static const char *const said[] = { "a", "b", "c" };
	const struct store_recalled *r;
	const struct store_accepted *got;
	struct store_answer failed = { .state = MESSAGE_FAILED, .reason = "timeout", .text = "Sorry" };
	struct incoming in;

	for (size_t i = 0; i < 3; i++) {
		in = says("ann", "room", said[i], said[i]);
		got = ask_accept(a, &in, true);
		answer_with(a, got->turn->id, "yes", true);
	}
	in = says("ann", "room", "k4", "this fails");
	failed.turn_id = ask_accept(a, &in, true)->turn->id;
	ask_answer(a, &failed);
	assert_int_equal(a->err.kind, ERR_NONE);
	in = says("ann", "room", "k5", "and now");
	got = ask_accept(a, &in, true);
	r = ask_recall(a, got->conversation_id, got->turn->id, 4);
	assert_int_equal(r->count, 4);
	assert_int_equal(r->history[0].role, AI_USER);
	assert_string_equal(r->history[0].text, "b");
	assert_int_equal(r->history[1].role, AI_ASSISTANT);
	assert_string_equal(r->history[2].text, "c");
	assert_null(r->model);
	assert_true(r->temperature < 0);

	asking_sql(a,
		   "INSERT INTO \"LLMSettings\" (\"companyId\", name, model, temperature, \"systemPrompt\","
		   " \"maxOutputTokens\", \"historyMessages\") VALUES ('" ROOM_DEFAULT_ORG
		   "', 'brief', 'spare', 0.5, 'Be brief.', 100, 2);"
		   "UPDATE \"LLMConversation\" SET \"llmSettingsId\" = 1");
	r = ask_recall(a, got->conversation_id, got->turn->id, 20);
	assert_int_equal(r->count, 2);
	assert_string_equal(r->history[0].text, "c");
	assert_string_equal(r->model, "spare");
	assert_string_equal(r->system_prompt, "Be brief.");
	assert_int_equal(r->max_output_tokens, 100);
	assert_true(r->temperature > 0.49 && r->temperature < 0.51);
}

/* Whoever reads a conversation sees it in one order only, even when the clock goes back. */
static void time_rises(void **state)
{
	struct asking *a = *state;
	char key[16];
	const struct ai_step steps[] = {
		{ .kind = AI_STEP_REPLY, .round = 1, .payload = "{\"text\":\"\",\"tool_calls\":[]}" },
		{ .kind = AI_STEP_INTENT, .round = 1, .call_id = "c", .tool = "add", .payload = "{}" },
		{ .kind = AI_STEP_RESULT, .round = 1, .call_id = "c", .tool = "add", .payload = "{}" },
	};

	for (int i = 0; i < 5; i++) {
		const struct store_accepted *got;
		struct incoming in;

		snprintf(key, sizeof(key), "k%d", i);
		in = says("ann", "room", key, "x");
		got = ask_accept(a, &in, true);
		ask_journal(a, got->turn->id, steps, 3, NULL, 0);
		assert_int_equal(a->err.kind, ERR_NONE);
		answer_with(a, got->turn->id, "y", true);
		if (i == 1)
			asking_sql(a,
				   "UPDATE \"LLMConversation\" SET \"lastAt\" = '2100-01-01T00:00:00.000Z'");
	}
	assert_int_equal(asking_int(a, "SELECT count(*) FROM message"), 5 * 4);
	assert_int_equal(asking_int(a, "SELECT count(*) FROM (SELECT created_at,"
				       " lag(created_at) OVER (ORDER BY id) AS before FROM message)"
				       " WHERE before >= created_at"),
			 0);
}

/* Whoever asks for news gets them, and nobody sees another installation's messages. */
static void looked_up(void **state)
{
	struct asking *a = *state;
	struct incoming in = says("ann", "room", "k1", "Hello");
	const struct store_accepted *got = ask_accept(a, &in, true);
	const struct ai_result result = {
		.text = "Done", .tool_calls = "[{\"name\":\"add\",\"arguments\":{},\"result\":{\"id\":1}}]"
	};
	const struct store_answer answer = {
		.turn_id = got->turn->id, .state = MESSAGE_ANSWERED, .text = "Done", .result = &result
	};
	const struct outgoing *out = ask_look(a, got->uuid);

	assert_int_equal(out->state, MESSAGE_CLAIMED);
	assert_null(out->text);
	assert_string_equal(out->tool_calls, "[]");
	ask_answer(a, &answer);
	out = ask_look(a, got->uuid);
	assert_int_equal(out->state, MESSAGE_ANSWERED);
	assert_string_equal(out->text, "Done");
	assert_string_equal(out->tool_calls, result.tool_calls);
	assert_string_equal(out->delivery_keys[0], "k1");
	assert_int_equal(out->conversation_id, got->conversation_id);
	assert_string_equal(out->conversation_uuid, got->conversation_uuid);
	asking_sql(a, "UPDATE inbox SET installation = 'other'");
	assert_null(ask_look(a, got->uuid));
	assert_int_equal(a->err.kind, ERR_NONE);
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, open_case, close_case)
	const struct CMUnitTest tests[] = {
		CASE(said_and_answered),
		CASE(recorded),
		CASE(unknown_price_is_unknown),
		CASE(same_delivery_twice),
		CASE(same_delivery_in_one_batch),
		CASE(burst_is_merged),
		CASE(late_goes_before),
		CASE(merge_has_limits),
		CASE(ends_once),
		CASE(remembered),
		CASE(time_rises),
		CASE(looked_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
