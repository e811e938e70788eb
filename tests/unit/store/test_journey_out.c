/* Replies on their way, and what a restart makes of everything. */
#include "asking.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int open_case(void **state)
{
	*state = asking_create();
	asking_know(*state, "ann");
	return 0;
}

static int close_case(void **state)
{
	asking_destroy(*state);
	return 0;
}

static const struct store_accepted *say(struct asking *a, const char *place, const char *key)
{
	struct incoming in = says("ann", place, key, key);

	return ask_accept(a, &in, true);
}

/* Answers of one conversation arrive in its order; another conversation does not wait for it. */
static void order_is_kept(void **state)
{
	struct asking *a = *state;
	const struct store_answered *first = answer_with(a, say(a, "room", "a")->turn->id, "1", true),
				    *second, *third;
	const struct asked_due *due;

	assert_non_null(first->reply);
	second = answer_with(a, say(a, "room", "b")->turn->id, "2", true);
	assert_null(second->reply); /* the first is unfinished */
	third = answer_with(a, say(a, "hall", "c")->turn->id, "3", true);
	assert_non_null(third->reply);

	assert_int_equal(ask_due(a, 16)->count, 0);
	ask_sent(a, first->reply->id, REPLY_PENDING, clock_wall_ms() + 60000);
	due = ask_due(a, 16);
	assert_int_equal(due->count, 0);
	assert_true(due->next_ms > clock_wall_ms() + 50000);
	asking_sql(a, "UPDATE outbox SET next_at = '2020-01-01T00:00:00.000Z' WHERE state = 'pending'");
	due = ask_due(a, 16);
	assert_int_equal(due->count, 1);
	assert_int_equal(due->replies[0].id, first->reply->id);
	assert_int_equal(due->replies[0].out.attempt, 2);
	assert_string_equal(due->replies[0].out.uuid, first->reply->out.uuid);
	assert_string_equal(due->replies[0].out.text, "1");
	assert_string_equal(due->replies[0].out.tool_calls, "[]");
	assert_string_equal(due->replies[0].out.delivery_keys[0], "a");
	ask_sent(a, first->reply->id, REPLY_REJECTED, 0);
	due = ask_due(a, 16);
	assert_int_equal(due->count, 1);
	assert_string_equal(due->replies[0].out.text, "2");
	assert_int_equal(due->next_ms, 0);
	ask_sent(a, due->replies[0].id, REPLY_SENT, 0);
	ask_sent(a, due->replies[0].id, REPLY_SENT, 0); /* told twice */
	assert_int_equal(a->err.kind, ERR_REFUSED);
	assert_string_equal(asking_text(a, "SELECT group_concat(state, ' ') FROM outbox"),
			    "rejected sent sending");
}

/* A platform that says "wait" ten times has not failed once: the pause after a failure begins short. */
static void waits_are_not_counted(void **state)
{
	struct asking *a = *state;
	int64_t id = answer_with(a, say(a, "room", "a")->turn->id, "1", true)->reply->id;

	for (int i = 0; i < 10; i++) {
		ask_sent_waits(a, id, clock_wall_ms() - 1);
		assert_int_equal(asking_int(a, "SELECT attempts FROM outbox"), 0);
		assert_int_equal(ask_due(a, 16)->replies[0].out.attempt, 1);
	}
	ask_sent(a, id, REPLY_PENDING, clock_wall_ms() - 1);
	assert_int_equal(ask_due(a, 16)->replies[0].out.attempt, 2);
	ask_sent(a, id, REPLY_SENT, 0);
	assert_int_equal(asking_int(a, "SELECT attempts FROM outbox"), 2); /* those that were made */
}

/* A turn that begins while answers of its conversation wait or are being sent is told so; others do not matter. */
static void what_waits_is_recalled(void **state)
{
	struct asking *a = *state;
	const struct store_turn *turn = say(a, "room", "a")->turn;
	int64_t first, second;

	assert_false(ask_recall(a, turn->conversation_id, turn->id, 20)->unsent);
	first = answer_with(a, turn->id, "1", true)->reply->id;
	turn = say(a, "hall", "b")->turn;
	assert_false(ask_recall(a, turn->conversation_id, turn->id, 20)->unsent);
	turn = say(a, "room", "c")->turn;
	assert_true(ask_recall(a, turn->conversation_id, turn->id, 20)->unsent);
	answer_with(a, turn->id, "2", true);
	ask_sent(a, first, REPLY_SENT, 0);
	turn = say(a, "room", "d")->turn;
	assert_true(ask_recall(a, turn->conversation_id, turn->id, 20)->unsent); /* behind it another waits */
	second = ask_due(a, 16)->replies[0].id;
	ask_sent(a, second, REPLY_UNKNOWN, 0);
	assert_false(ask_recall(a, turn->conversation_id, turn->id, 20)->unsent);
}

/* A receiver is down and a hundred answers of one conversation wait: the list of due ones holds one, and each end
 * wakes the next, whatever that end is. */
static void those_behind_sleep(void **state)
{
	static const enum reply_state ends[] = { REPLY_SENT, REPLY_REJECTED, REPLY_UNKNOWN };
	static const char due_now[] = "SELECT count(*) FROM outbox WHERE state = 'pending' AND next_at <= "
				      "strftime('%Y-%m-%dT%H:%M:%fZ', 'now')";
	struct asking *a = *state;
	const struct asked_due *due;
	char key[16];
	int64_t at = answer_with(a, say(a, "room", "first")->turn->id, "x", true)->reply->id;

	for (int i = 0; i < 6; i++) {
		snprintf(key, sizeof(key), "k%d", i);
		assert_null(answer_with(a, say(a, "room", key)->turn->id, key, true)->reply);
	}
	assert_int_equal(asking_int(a, due_now), 0);
	for (int i = 0; i < 3; i++) {
		ask_sent(a, at, REPLY_PENDING, clock_wall_ms() - 1);
		due = ask_due(a, 16);
		assert_int_equal(due->count, 1);
		assert_int_equal(due->replies[0].id, at);
		ask_sent(a, at, ends[i], 0);
		assert_int_equal(asking_int(a, due_now), 1);
		due = ask_due(a, 16);
		assert_int_equal(due->count, 1);
		at = due->replies[0].id;
	}
	asking_crash(a); /* on a platform where a second copy would show */
	assert_int_equal(ask_recover(a, NULL)->unsure, 1);
	due = ask_due(a, 16);
	assert_int_equal(due->count, 1);
	asking_sql(a,
		   "UPDATE outbox SET state = 'pending', next_at = '2020-01-01T00:00:00.000Z', expires_at = "
		   "'2020-01-01T00:00:00.000Z' WHERE state = 'sending'");
	due = ask_due(a, 16);
	assert_int_equal(asking_int(a, "SELECT count(*) FROM outbox WHERE state = 'expired'"), 1);
	assert_int_equal(due->count, 1);
	ask_sent(a, due->replies[0].id, REPLY_SENT, 0);
	assert_int_equal(asking_int(a, "SELECT count(*) FROM outbox WHERE state IN ('pending', 'sending')"),
			 1);
	assert_int_equal(ask_due(a, 16)->count, 1);
}

/* A limit keeps a burst of due replies from starting at once, and nothing is forgotten. */
static void limit_of_due(void **state)
{
	struct asking *a = *state;
	char place[16];
	const struct asked_due *due;

	for (int i = 0; i < 5; i++) {
		snprintf(place, sizeof(place), "p%d", i);
		ask_sent(a, answer_with(a, say(a, place, place)->turn->id, "x", true)->reply->id,
			 REPLY_PENDING, clock_wall_ms() - 1);
	}
	due = ask_due(a, 3);
	assert_int_equal(due->count, 3);
	assert_true(due->next_ms > 0 && due->next_ms <= clock_wall_ms());
	assert_int_equal(ask_due(a, 3)->count, 2);
	assert_int_equal(ask_due(a, 3)->count, 0);
}

/* Nobody gets yesterday's answer; the next one is free to go. */
static void expired_is_not_sent(void **state)
{
	struct asking *a = *state;
	int64_t first = answer_with(a, say(a, "room", "a")->turn->id, "1", true)->reply->id;
	const struct asked_due *due;

	answer_with(a, say(a, "room", "b")->turn->id, "2", true);
	ask_sent(a, first, REPLY_PENDING, clock_wall_ms() - 1);
	asking_sql(a, "UPDATE outbox SET expires_at = '2020-01-01T00:00:00.000Z' WHERE id = 1");
	due = ask_due(a, 16);
	assert_int_equal(due->count, 1);
	assert_string_equal(due->replies[0].out.text, "2");
	assert_string_equal(asking_text(a, "SELECT state || ': ' || reason FROM outbox WHERE id = 1"),
			    "expired: not delivered in time");
}

/* After a crash: what was being sent is sent again only where the receiver drops the second copy. */
static void sending_is_unsure(void **state)
{
	struct asking *a = *state;
	const struct store_recovered *r;

	answer_with(a, say(a, "room", "a")->turn->id, "1", true);
	answer_with(a, say(a, "hall", "b")->turn->id, "2", true);
	asking_sql(a, "UPDATE outbox SET platform = 'telegram' WHERE id = 2");
	asking_crash(a);
	r = ask_recover(a, "webhook");
	assert_int_equal(r->unsure, 1);
	assert_string_equal(asking_text(a, "SELECT group_concat(state, ' ') FROM outbox"), "pending unknown");
	assert_int_equal(ask_due(a, 16)->count, 1);
}

/* The first pictures of an album were stored, then the process died: the others come again in a moment. */
static void a_crash_within_one_act(void **state)
{
	struct asking *a = *state;
	struct incoming in = says("ann", "room", "a", "a picture");
	const struct store_recovered *r;
	int64_t id;

	in.flags |= INCOMING_MORE;
	id = ask_accept(a, &in, false)->conversation_id;
	say(a, "hall", "b");
	asking_crash(a);
	r = ask_recover(a, NULL);
	assert_int_equal(r->conversation_count, 1);
	assert_int_not_equal(r->conversations[0], id);
	assert_int_equal(r->resting_count, 1);
	assert_int_equal(r->resting[0], id);
}

/* A turn that a crash cut off goes on with the tools it already ran. */
static void journal_comes_back(void **state)
{
	struct asking *a = *state;
	const struct store_accepted *got = say(a, "room", "a");
	const struct ai_step reply = { .kind = AI_STEP_REPLY,
				       .round = 1,
				       .payload = "{\"text\":\"\",\"tool_calls\":[]}" };
	const struct ai_step steps[] = {
		{ .kind = AI_STEP_INTENT,
		  .round = 1,
		  .call_id = "c1",
		  .tool = "add",
		  .payload = "{\"x\":1}" },
		{ .kind = AI_STEP_RESULT,
		  .round = 1,
		  .call_id = "c1",
		  .tool = "add",
		  .failed = true,
		  .payload = "{\"error\":\"no\"}" },
	};
	const struct store_recovered *r;
	const struct store_turn *turn;

	say(a, "room", "b");
	ask_journal(a, got->turn->id, &reply, 1, NULL, 0);
	ask_journal(a, got->turn->id, steps, 2, NULL, 0);
	assert_int_equal(a->err.kind, ERR_NONE);
	asking_crash(a);
	r = ask_recover(a, NULL);
	assert_int_equal(r->interrupted, 1);
	assert_int_equal(r->quarantined, 0);
	assert_int_equal(r->conversation_count, 1);
	assert_int_equal(r->conversations[0], got->conversation_id);
	turn = ask_claim(a, r->conversations[0]);
	assert_int_equal(turn->id, got->turn->id);
	assert_int_equal(turn->attempts, 2);
	assert_int_equal(turn->count, 1);
	assert_string_equal(turn->text, "a");
	assert_int_equal(turn->journal_count, 3);
	assert_int_equal(turn->journal[0].kind, AI_STEP_REPLY);
	assert_null(turn->journal[0].call_id);
	assert_string_equal(turn->journal[1].payload, "{\"x\":1}");
	assert_true(turn->journal[2].failed);
	assert_string_equal(turn->journal[2].tool, "add");
	assert_string_equal(answer_with(a, turn->id, "done", true)->next->text, "b");
	assert_int_equal(asking_int(a, "SELECT count(*) FROM \"LLMTask\""), 1);
}

/* A message that kills the assistant is set aside after three times; its conversation goes on. */
static void poison_is_set_aside(void **state)
{
	struct asking *a = *state;
	const struct store_accepted *got = say(a, "room", "a");
	const struct store_recovered *r;
	const struct asked_due *due;
	const struct store_turn *turn;
	const struct ai_step steps[] = {
		{ .kind = AI_STEP_REPLY, .round = 1, .payload = "{\"text\":\"\",\"tool_calls\":[]}" },
		{ .kind = AI_STEP_INTENT, .round = 1, .call_id = "c1", .tool = "add", .payload = "{}" },
		{ .kind = AI_STEP_INTENT, .round = 1, .call_id = "c2", .tool = "pay", .payload = "{}" },
		{ .kind = AI_STEP_RESULT, .round = 1, .call_id = "c1", .tool = "add", .payload = "{}" },
	};

	say(a, "room", "b");
	ask_journal(a, got->turn->id, steps, 4, NULL, 0);
	assert_int_equal(a->err.kind, ERR_NONE);
	for (unsigned crash = 1; crash < STORE_CRASHES_MAX; crash++) {
		asking_crash(a);
		r = ask_recover(a, "webhook");
		assert_int_equal(r->interrupted, 1);
		turn = ask_claim(a, r->conversations[0]);
		assert_int_equal(turn->attempts, crash + 1);
	}
	asking_crash(a);
	r = ask_recover(a, "webhook");
	assert_int_equal(r->interrupted, 0);
	assert_int_equal(r->quarantined, 1);
	assert_int_equal(r->conversation_count, 1);
	assert_string_equal(ask_look(a, got->uuid)->reason, "crashed");
	assert_int_equal(ask_look(a, got->uuid)->state, MESSAGE_QUARANTINED);
	due = ask_due(a, 16);
	assert_int_equal(due->count, 1);
	assert_non_null(strstr(due->replies[0].out.text, "could not be answered"));
	assert_non_null(
		strstr(due->replies[0].out.text, "called: add (done), pay (failed, or outcome unknown)"));
	assert_int_equal(due->replies[0].out.state, MESSAGE_QUARANTINED);
	turn = ask_claim(a, got->conversation_id);
	assert_string_equal(turn->text, "b");
	assert_int_equal(ask_recall(a, got->conversation_id, turn->id, 20)->count, 0);
	answer_with(a, turn->id, "fine", true);

	/* The operator takes it out again: a new turn, not the old one's. */
	asking_sql(a, "UPDATE inbox SET state = 'accepted', reason = NULL, finished_at = NULL, attempts = 0"
		      " WHERE state = 'quarantined'");
	turn = ask_claim(a, got->conversation_id);
	assert_string_equal(turn->text, "a");
	assert_int_not_equal(turn->id, got->turn->id);
	assert_int_equal(turn->attempts, 1);
	assert_non_null(answer_with(a, turn->id, "at last", true));
}

/* Upgrading the daemon three times while a long answer is made must not set the message aside. */
static void orderly_ends_are_no_crashes(void **state)
{
	struct asking *a = *state;
	const struct store_accepted *got;
	const struct store_turn *turn;

	ask_recover(a, "webhook");
	got = say(a, "room", "a");
	for (unsigned i = 0; i <= STORE_CRASHES_MAX; i++) {
		asking_restart(a);
		assert_int_equal(ask_recover(a, "webhook")->quarantined, 0);
		turn = ask_claim(a, got->conversation_id);
		assert_int_equal(turn->id, got->turn->id);
		assert_int_equal(turn->attempts, 1);
	}
	assert_non_null(answer_with(a, turn->id, "at last", true));
}

/* The start after a crash fails (a port is taken, say): what crashed stays a crash. */
static void a_start_that_fails_forgives_nothing(void **state)
{
	struct asking *a = *state;
	const struct store_accepted *got = say(a, "room", "a");

	asking_crash(a);
	asking_restart(a);
	assert_int_equal(ask_recover(a, "webhook")->interrupted, 1);
	assert_int_equal(ask_claim(a, got->conversation_id)->attempts, 2);
}

/* Strangers who waited for a decision when the daemon died are decided upon again. */
static void undecided_are_told(void **state)
{
	struct asking *a = *state;
	struct incoming in = says("zoe", "room", "k1", "Hi"), in2 = says("ann", "room", "k2", "Hi");
	const struct store_recovered *r;
	int64_t id = ask_accept(a, &in, true)->inbox_id;

	asking_sql(a, "UPDATE user_profiles SET status = 'disabled'");
	ask_accept(a, &in2, true);
	asking_crash(a);
	r = ask_recover(a, NULL);
	assert_int_equal(r->unplaced_count, 2);
	assert_int_equal(r->unplaced[0].inbox_id, id);
	assert_null(r->unplaced[0].speaker);
	assert_string_equal(r->unplaced[1].speaker->display_name, "ann");
	assert_false(r->unplaced[1].speaker->active);
	assert_string_equal(r->unplaced_platforms[0], "webhook");
	assert_string_equal(r->unplaced_installations[1], "crm");
	assert_int_equal(r->conversation_count, 0);
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, open_case, close_case)
	const struct CMUnitTest tests[] = {
		CASE(order_is_kept),
		CASE(those_behind_sleep),
		CASE(limit_of_due),
		CASE(expired_is_not_sent),
		CASE(sending_is_unsure),
		CASE(a_crash_within_one_act),
		CASE(waits_are_not_counted),
		CASE(what_waits_is_recalled),
		CASE(journal_comes_back),
		CASE(poison_is_set_aside),
		CASE(orderly_ends_are_no_crashes),
		CASE(a_start_that_fails_forgives_nothing),
		CASE(undecided_are_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
