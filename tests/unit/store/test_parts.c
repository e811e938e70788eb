/* Long answers in parts, attempts that may have arrived, what stands for an answer, and what comes with a question. */
#include "asking.h"
#include "store_install.h"
#include "store_people.h"
#include <stdlib.h>
#include <string.h>

static int open_case(void **state)
{
	struct asking *a = asking_create();

	asking_know(a, "ann");
	*state = a;
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

static const char *const three[] = { "one", "two", "three" };

static const struct store_answered *answer_parts(struct asking *a, int64_t turn_id, size_t count)
{
	const struct store_answer answer = {
		.turn_id = turn_id,
		.state = MESSAGE_ANSWERED,
		.text = "one two three",
		.parts = three,
		.part_count = count,
		.claim_next = true,
		.expire_s = 600,
	};

	return ask_answer(a, &answer);
}

static const char *states(struct asking *a)
{
	return asking_text(a, "SELECT group_concat(state, ' ') FROM (SELECT state FROM outbox ORDER BY id)");
}

/* The end of an answer must not be read before its beginning, and nothing of it be missing. */
static void parts_go_one_after_the_other(void **state)
{
	static const enum reply_state ends[] = { REPLY_SENT, REPLY_UNKNOWN, REPLY_SENT };
	struct asking *a = *state;
	const struct store_answered *done = answer_parts(a, say(a, "room", "a")->turn->id, 3);
	const struct asked_due *due;
	int64_t id = done->reply->id;

	assert_string_equal(done->ended->text, "one two three");
	assert_int_equal(done->ended->parts, 1);
	assert_string_equal(done->reply->out.text, "one");
	assert_string_equal(done->reply->out.uuid, done->ended->uuid);
	assert_int_equal(done->reply->out.part, 0);
	assert_int_equal(done->reply->out.parts, 3);
	assert_null(answer_parts(a, say(a, "room", "b")->turn->id, 0)->reply); /* behind all of them */
	assert_string_equal(states(a), "sending pending pending pending");
	assert_int_equal(asking_int(a, "SELECT count(DISTINCT expires_at) FROM outbox WHERE turn_id = 1"), 1);
	assert_int_equal(asking_int(a, "SELECT count(DISTINCT uuid) FROM outbox"), 4);
	for (size_t i = 1; i < 3; i++) {
		assert_int_equal(ask_due(a, 16)->count, 0);
		ask_sent(a, id, ends[i - 1], 0);
		due = ask_due(a, 16);
		assert_int_equal(due->count, 1);
		assert_string_equal(due->replies[0].out.text, three[i]);
		assert_int_equal(due->replies[0].out.part, i);
		assert_int_equal(due->replies[0].out.parts, 3);
		assert_string_equal(due->replies[0].out.answers_to[0], done->ended->answers_to[0]);
		id = due->replies[0].id;
	}
	ask_sent(a, id, REPLY_SENT, 0);
	due = ask_due(a, 16);
	assert_int_equal(due->count, 1);
	assert_string_equal(due->replies[0].out.text, "one two three");
	assert_int_equal(due->replies[0].out.parts, 1);
	assert_string_equal(asking_text(a, "SELECT \"llmParsedOutput\" FROM \"LLMConversationMessage\""),
			    "one two three");
}

/* Half an answer without its beginning helps nobody; the next answer is free to go. */
static void no_torso_goes_out(void **state)
{
	struct asking *a = *state;
	int64_t id = answer_parts(a, say(a, "room", "a")->turn->id, 3)->reply->id;
	const struct asked_due *due;

	answer_parts(a, say(a, "room", "b")->turn->id, 0);
	ask_sent(a, id, REPLY_SENT, 0);
	due = ask_due(a, 16);
	ask_sent(a, due->replies[0].id, REPLY_REJECTED, 0);
	assert_string_equal(states(a), "sent rejected cancelled pending");
	assert_string_equal(asking_text(a, "SELECT reason FROM outbox WHERE id = 3"),
			    "part 2 of the answer was not delivered");
	due = ask_due(a, 16);
	assert_int_equal(due->count, 1);
	assert_string_equal(due->replies[0].out.text, "one two three");
}

/* An outage longer than an answer is worth: one dead letter, and the other conversations are not held up. */
static void parts_expire_together(void **state)
{
	struct asking *a = *state;
	int64_t id = answer_parts(a, say(a, "room", "a")->turn->id, 3)->reply->id;

	ask_sent(a, id, REPLY_PENDING, clock_wall_ms() - 1);
	asking_sql(a, "UPDATE outbox SET next_at = '2020-01-01T00:00:00.000Z', expires_at = "
		      "'2020-01-01T00:00:00.000Z'");
	assert_int_equal(ask_due(a, 16)->count, 0);
	assert_int_equal(a->err.kind, ERR_NONE);
	assert_string_equal(states(a), "expired cancelled cancelled");
}

static const char *retry(struct asking *a, const char *id);

/* The operator repairs what was wrong and has the answer sent again: all of what is missing, in order. */
static void a_retry_brings_the_rest(void **state)
{
	struct asking *a = *state;
	int64_t id = answer_parts(a, say(a, "room", "a")->turn->id, 3)->reply->id;
	const struct asked_due *due;

	for (int round = 0; round < 2; round++) { /* it fails once more */
		ask_sent(a, id, REPLY_REJECTED, 0);
		assert_string_equal(retry(a, "r1"), "pending");
		due = ask_due(a, 16);
		assert_int_equal(due->count, 1);
		id = due->replies[0].id;
		assert_int_equal(id, 1);
		assert_int_equal(due->replies[0].out.parts, 3);
	}
	for (size_t i = 1; i < 3; i++) {
		ask_sent(a, id, REPLY_SENT, 0);
		due = ask_due(a, 16);
		assert_int_equal(due->count, 1);
		assert_string_equal(due->replies[0].out.text, three[i]);
		assert_int_equal(due->replies[0].out.part, i);
		id = due->replies[0].id;
	}
	ask_sent(a, id, REPLY_SENT, 0);
	assert_int_equal(ask_due(a, 16)->count, 0);
	assert_int_equal(asking_int(a, "SELECT count(*) FROM outbox WHERE state = 'sent'"), 3);
}

static void on_act(void *owner, uint64_t ticket, const struct err *err, const char *json)
{
	struct asking *asking = owner;
	const char *found = json ? strstr(json, "\"state\":\"") : NULL;

	(void)ticket;
	asking->err = *err;
	asking->got = found ? arena_text_n(asking->room, found + 9, strcspn(found + 9, "\"")) : NULL;
	if (--asking->waiting == 0)
		io_stop(asking->io);
}

static const char *retry(struct asking *a, const char *id)
{
	a->waiting++;
	store_act(a->store, "dead_letter_retry", &id, 1, on_act, a, 1);
	asking_wait(a);
	assert_int_equal(a->err.kind, ERR_NONE);
	return a->got;
}

/* Who may have it already must not get it twice: the mark stays until somebody knows. */
static void an_unsure_attempt_is_told(void **state)
{
	struct asking *a = *state;
	const struct store_answered *done = answer_with(a, say(a, "room", "a")->turn->id, "x", true);
	int64_t id = done->reply->id;
	const struct asked_due *due;

	assert_false(done->reply->out.unsure);
	ask_sent(a, id, REPLY_PENDING, clock_wall_ms() - 1);
	assert_false(ask_due(a, 16)->replies[0].out.unsure);
	ask_sent_unsure(a, id, clock_wall_ms() - 1);
	assert_true(ask_due(a, 16)->replies[0].out.unsure);
	ask_sent(a, id, REPLY_PENDING,
		 clock_wall_ms() - 1); /* this one surely did not arrive, the other may have */
	due = ask_due(a, 16);
	assert_true(due->replies[0].out.unsure);
	assert_int_equal(due->replies[0].out.parts, 1);
	ask_sent(a, id, REPLY_SENT, 0);
	assert_int_equal(asking_int(a, "SELECT unsure FROM outbox"), 0);
}

/* Killed while sending: where the platform can be asked, it is asked before anything is sent again. */
static void a_crash_makes_unsure(void **state)
{
	struct asking *a = *state;
	const struct asked_due *due;

	answer_parts(a, say(a, "room", "a")->turn->id, 3);
	asking_crash(a);
	ask_recover(a, "webhook");
	due = ask_due(a, 16);
	assert_int_equal(due->count, 1);
	assert_true(due->replies[0].out.unsure);
	assert_int_equal(due->replies[0].out.part, 0);
	ask_sent(a, due->replies[0].id, REPLY_SENT, 0);
	due = ask_due(a, 16);
	assert_int_equal(due->count, 1);
	assert_string_equal(due->replies[0].out.text, "two");
	assert_false(due->replies[0].out.unsure);
}

static void on_done(void *owner, uint64_t ticket, const struct err *err)
{
	struct asking *asking = owner;

	(void)ticket;
	asking->err = *err;
	if (--asking->waiting == 0)
		io_stop(asking->io);
}

static void placed(struct asking *a, const char *uuid, const char *remote_id)
{
	a->waiting++;
	store_placed(a->store, uuid, remote_id, on_done, a, 1);
	asking_wait(a);
}

/* What was shown while the answer grew is replaced by it, not left behind, whatever happens in between. */
static void what_stands_for_it_is_kept(void **state)
{
	struct asking *a = *state;
	const struct store_accepted *got = say(a, "room", "a");
	const struct store_answered *done;
	const struct store_turn *turn;
	const struct asked_due *due;

	assert_null(got->turn->placeholder);
	placed(a, got->uuid, "1700000000.000100");
	assert_int_equal(a->err.kind, ERR_NONE);
	placed(a, "00000000-0000-7000-8000-0000000000aa", "x");
	assert_int_equal(a->err.kind, ERR_GONE);
	asking_crash(a);
	ask_recover(a, "webhook");
	turn = ask_claim(a, got->conversation_id);
	assert_string_equal(turn->placeholder, "1700000000.000100");
	done = answer_parts(a, turn->id, 2);
	assert_string_equal(done->reply->out.placeholder, "1700000000.000100");
	assert_string_equal(done->ended->placeholder, "1700000000.000100");
	ask_sent(a, done->reply->id, REPLY_PENDING, clock_wall_ms() - 1);
	due = ask_due(a, 16);
	assert_string_equal(due->replies[0].out.placeholder, "1700000000.000100");
	ask_sent(a, due->replies[0].id, REPLY_SENT, 0);
	assert_null(ask_due(a, 16)->replies[0].out.placeholder); /* it stood for the first part only */
	turn = say(a, "room", "b")->turn;
	assert_null(turn->placeholder);
}

/* The second question in a thread is answered knowing what the first one was asked about. */
static void context_is_remembered(void **state)
{
	struct asking *a = *state;
	const struct store_turn *turn = say(a, "room", "a")->turn;
	struct store_answer answer = { .turn_id = turn->id,
				       .state = MESSAGE_ANSWERED,
				       .text = "yes",
				       .context = "bob: \"the site\" is down",
				       .claim_next = true };
	char *expected = message_with_context("bob: \"the site\" is down", "a");
	const struct store_recalled *recalled;

	ask_answer(a, &answer);
	turn = say(a, "room", "b")->turn;
	recalled = ask_recall(a, turn->conversation_id, turn->id, 20);
	assert_string_equal(recalled->history[0].text, expected);
	assert_string_equal(recalled->history[1].text, "yes");
	free(expected);

	/* With several messages in one turn, and when one of them is changed later. */
	say(a, "room", "c");
	say(a, "room", "d");
	turn = answer_with(a, turn->id, "b!", true)->next;
	answer.turn_id = turn->id;
	ask_answer(a, &answer);
	asking_sql(a, "UPDATE inbox SET semantic_key = delivery_key");
	{
		struct incoming in = says("ann", "room", "e", "D");

		in.kind = INCOMING_EDITED;
		in.target = "d";
		ask_accept(a, &in, true);
	}
	turn = say(a, "room", "f")->turn;
	recalled = ask_recall(a, turn->conversation_id, turn->id, 20);
	assert_int_equal(recalled->count, 6);
	expected = message_with_context("bob: \"the site\" is down", "c\nD");
	assert_string_equal(recalled->history[4].text, expected);
	free(expected);
	assert_string_equal(
		asking_text(a, "SELECT \"userPrompt\" FROM \"LLMConversationMessage\" WHERE id = 3"), "c\nD");
}

/* The assistant that is not told of a file can't read it. */
static void files_come_with_the_turn(void **state)
{
	static const struct message_file files[] = {
		{ .url = "https://f/1?\"x\"", .name = "a \"b\".pdf", .mime = "application/pdf", .size = 12 },
		{ .url = "F2", .size = -1 },
	};
	struct asking *a = *state;
	struct incoming in = says("ann", "room", "k1", "look");
	const struct store_turn *turn;

	in.files = files;
	in.file_count = 2;
	turn = ask_accept(a, &in, true)->turn;
	assert_int_equal(turn->file_count, 2);
	assert_string_equal(turn->files[0].url, "https://f/1?\"x\"");
	assert_string_equal(turn->files[0].name, "a \"b\".pdf");
	assert_string_equal(turn->files[0].mime, "application/pdf");
	assert_int_equal(turn->files[0].size, 12);
	assert_string_equal(turn->files[1].url, "F2");
	assert_null(turn->files[1].name);
	assert_null(turn->files[1].mime);
	assert_int_equal(turn->files[1].size, -1);
	say(a, "room", "k2");
	in.delivery_key = "k3";
	in.file_count = 1;
	ask_accept(a, &in, true);
	say(a, "room", "k4");
	turn = answer_with(a, turn->id, "x", true)->next;
	assert_int_equal(turn->count, 3);
	assert_string_equal(turn->sender, "ann");
	assert_int_equal(turn->file_count, 1);
	assert_int_equal(turn->file_messages[0], 1);
	assert_int_equal(say(a, "hall", "k5")->turn->file_count, 0);
	in = says("eve", "attic", "k6", NULL);
	in.files = files;
	in.file_count = 2;
	turn = ask_admit(a, ask_accept(a, &in, true)->inbox_id, true)->turn;
	assert_int_equal(turn->file_count, 2);
	assert_string_equal(turn->sender, "eve");
	assert_string_equal(turn->text, "(file: a \"b\".pdf)\n(file: without a name)");
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, open_case, close_case)
	const struct CMUnitTest tests[] = {
		CASE(parts_go_one_after_the_other), CASE(no_torso_goes_out),
		CASE(parts_expire_together),	    CASE(a_retry_brings_the_rest),
		CASE(an_unsure_attempt_is_told),    CASE(a_crash_makes_unsure),
		CASE(what_stands_for_it_is_kept),   CASE(context_is_remembered),
		CASE(files_come_with_the_turn),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
