/* What people do about something said earlier, and messages that were not said to us. */
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

/* ann says it in "room"; its semantic key is its delivery key. */
static const struct store_accepted *say(struct asking *a, const char *key, const char *text)
{
	struct incoming in = says("ann", "room", key, text);

	in.semantic_key = key;
	return ask_accept(a, &in, true);
}

static const struct store_accepted *change(struct asking *a, enum incoming_kind kind, const char *sender,
					   const char *target, const char *text)
{
	static int number;
	char key[32] = "";
	struct incoming in = says(sender, "room", key, text);

	snprintf(key, sizeof(key), "change-%d", ++number);
	in.kind = kind;
	in.target = target;
	return ask_accept(a, &in, true);
}

static void expect_end(struct asking *a, const struct store_accepted *got, const char *kind_and_reason)
{
	char *sql =
		mem_format("SELECT kind || ': ' || state || ', ' || reason || coalesce(turn_id, '') || body"
			   " FROM inbox WHERE id = %lld",
			   (long long)got->inbox_id);

	assert_int_equal(a->err.kind, ERR_NONE);
	assert_int_equal(got->how, ACCEPT_NEW);
	assert_int_equal(got->state, MESSAGE_IGNORED);
	assert_null(got->turn);
	assert_string_equal(asking_text(a, sql), kind_and_reason);
	free(sql);
}

/* A typing error that is corrected while the assistant is busy must not be answered. */
static void what_waits_is_answered_as_edited(void **state)
{
	struct asking *a = *state;
	const struct store_turn *turn = say(a, "m1", "first")->turn;

	say(a, "m2", "buy milq");
	say(a, "m3", "and bread");
	expect_end(a, change(a, INCOMING_EDITED, "ann", "m2", "buy milk"), "edited: ignored, edit");
	turn = answer_with(a, turn->id, "yes", true)->next;
	assert_string_equal(turn->text, "buy milk\nand bread");
	assert_string_equal(
		asking_text(a, "SELECT \"userPrompt\" FROM \"LLMConversationMessage\" WHERE id = 2"),
		"buy milk\nand bread");
}

/* The history that later questions are answered from shows what now stands in the channel; nothing is answered twice. */
static void an_answered_one_changes_on_record(void **state)
{
	struct asking *a = *state;
	const struct store_turn *turn = say(a, "m1", "who is Jon?")->turn;
	const struct store_recalled *recalled;

	change(a, INCOMING_EDITED, "ann", "m1", "who is John?"); /* running: the record changes */
	assert_string_equal(asking_text(a, "SELECT \"userPrompt\" FROM \"LLMConversationMessage\""),
			    "who is John?");
	assert_string_equal(asking_text(a, "SELECT title FROM \"LLMConversation\""), "who is John?");
	answer_with(a, turn->id, "a name", true);
	expect_end(a, change(a, INCOMING_EDITED, "ann", "m1", "who is Joan?"), "edited: ignored, edit");
	assert_int_equal(asking_int(a, "SELECT count(*) FROM inbox WHERE state IN ('accepted', 'claimed')"),
			 0);
	turn = say(a, "m2", "and Bob?")->turn;
	recalled = ask_recall(a, turn->conversation_id, turn->id, 20);
	assert_int_equal(recalled->count, 2);
	assert_string_equal(recalled->history[0].text, "who is Joan?");
}

/* A merged turn: the other messages and the record of where each part came from stay right. */
static void one_of_several_is_edited(void **state)
{
	struct asking *a = *state;
	const struct store_turn *turn = say(a, "m1", "first")->turn;

	say(a, "m2", "second");
	say(a, "m3", "third");
	turn = answer_with(a, turn->id, "yes", true)->next;
	assert_int_equal(turn->count, 2);
	change(a, INCOMING_EDITED, "ann", "m3", "3rd");
	assert_string_equal(
		asking_text(a, "SELECT \"userPrompt\" FROM \"LLMConversationMessage\" WHERE id = 2"),
		"second\n3rd");
	assert_string_equal(asking_text(a,
					"SELECT json_extract(\"structuredUserPrompt\", '$.messages[1].text')"
					" FROM \"LLMConversationMessage\" WHERE id = 2"),
			    "3rd");
	asking_crash(a); /* the turn begins again with what now stands there */
	ask_recover(a, NULL);
	turn = ask_claim(a, turn->conversation_id);
	assert_string_equal(turn->text, "second\n3rd");
}

/* What somebody takes back before it is answered is neither answered nor kept. */
static void what_waits_is_taken_back(void **state)
{
	struct asking *a = *state;
	const struct store_turn *turn = say(a, "m1", "first")->turn;

	say(a, "m2", "my password is 1234");
	say(a, "m3", "third");
	expect_end(a, change(a, INCOMING_DELETED, "ann", "m2", NULL), "deleted: ignored, delete");
	assert_string_equal(
		asking_text(a, "SELECT state || reason || body FROM inbox WHERE semantic_key = 'm2'"),
		"ignoreddeleted");
	turn = answer_with(a, turn->id, "yes", true)->next;
	assert_string_equal(turn->text, "third");
	change(a, INCOMING_EDITED, "ann", "m2", "my password is 1234"); /* an edit that comes too late */
	change(a, INCOMING_DELETED, "ann", "m2", NULL);
	assert_int_equal(asking_int(a, "SELECT count(*) FROM inbox WHERE body LIKE '%1234%'"), 0);
}

/* A secret pasted by mistake must be gone from every table that holds what was said. */
static void an_answered_one_is_erased(void **state)
{
	struct asking *a = *state;
	const struct store_turn *turn = say(a, "m1", "secret: 1234")->turn;
	const struct ai_attempt attempt = { .provider = "p", .model = "m", .input = "secret: 1234" };
	const struct ai_result result = {
		.text = "ok", .tool_calls = "[]", .attempts = &attempt, .attempt_count = 1
	};
	const struct store_answer answer = {
		.turn_id = turn->id, .state = MESSAGE_ANSWERED, .text = "ok", .result = &result
	};

	ask_answer(a, &answer);
	expect_end(a, change(a, INCOMING_DELETED, "ann", "m1", NULL), "deleted: ignored, delete");
	assert_string_equal(
		asking_text(a, "SELECT state || ': ' || body FROM inbox WHERE semantic_key = 'm1'"),
		"answered: (deleted by its author)");
	assert_string_equal(asking_text(a, "SELECT content FROM message WHERE role = 'user'"),
			    "(deleted by its author)");
	assert_int_equal(
		asking_int(a, "SELECT (SELECT count(*) FROM inbox WHERE body LIKE '%1234%')"
			      " + (SELECT count(*) FROM \"LLMConversationMessage\" WHERE \"userPrompt\""
			      " LIKE '%1234%') + (SELECT count(*) FROM \"LLMTask\" WHERE \"llmRawPrompt\""
			      " LIKE '%1234%') + (SELECT count(*) FROM ai_agent_interactions WHERE input"
			      " LIKE '%1234%') + (SELECT count(*) FROM \"LLMConversation\" WHERE title"
			      " LIKE '%1234%')"),
		0);
	change(a, INCOMING_EDITED, "ann", "m1", "secret: 1234");
	assert_int_equal(asking_int(a, "SELECT count(*) FROM inbox WHERE body LIKE '%1234%'"), 0);
}

/* Taken back while the assistant thinks: the answer goes out, but the record does not get the secret afterwards. */
static void a_running_one_is_erased(void **state)
{
	struct asking *a = *state;
	const struct store_turn *turn = say(a, "m1", "secret: 1234")->turn;
	const struct ai_attempt attempt = { .provider = "p", .model = "m", .input = "secret: 1234" };
	const struct ai_result result = {
		.text = "ok", .tool_calls = "[]", .attempts = &attempt, .attempt_count = 1
	};
	const struct store_answer answer = {
		.turn_id = turn->id, .state = MESSAGE_ANSWERED, .text = "ok", .result = &result
	};

	expect_end(a, change(a, INCOMING_DELETED, "ann", "m1", NULL), "deleted: ignored, delete");
	assert_non_null(ask_answer(a, &answer)->reply);
	assert_string_equal(asking_text(a,
					"SELECT i.input || t.\"llmRawPrompt\" FROM ai_agent_interactions i,"
					" \"LLMTask\" t"),
			    "(deleted by its author)(deleted by its author)");
}

/* A turn that a crash cut off and whose only message is gone is not begun again; nor does it block its conversation. */
static void an_interrupted_one_is_taken_back(void **state)
{
	struct asking *a = *state;
	const struct store_turn *turn = say(a, "m1", "first")->turn;

	say(a, "m2", "second");
	asking_crash(a);
	ask_recover(a, NULL);
	change(a, INCOMING_DELETED, "ann", "m1", NULL);
	assert_string_equal(
		asking_text(a, "SELECT \"userPrompt\" FROM \"LLMConversationMessage\" WHERE id = 1"),
		"(deleted by its author)");
	assert_int_equal(
		asking_int(a,
			   "SELECT failed FROM \"LLMConversationMessage\" WHERE \"answeredAt\" IS NOT NULL"),
		1); /* and it has an end */
	turn = ask_claim(a, turn->conversation_id);
	assert_string_equal(turn->text, "second");
	assert_non_null(answer_with(a, turn->id, "yes", true)->reply);
}

/* One of two messages of an interrupted turn is gone: the turn goes on with the other and can still end. */
static void half_an_interrupted_turn_goes_on(void **state)
{
	struct asking *a = *state;
	const struct store_turn *turn = say(a, "m1", "first")->turn;

	say(a, "m2", "second");
	say(a, "m3", "third");
	turn = answer_with(a, turn->id, "yes", true)->next;
	asking_crash(a);
	ask_recover(a, NULL);
	change(a, INCOMING_DELETED, "ann", "m2", NULL);
	turn = ask_claim(a, turn->conversation_id);
	assert_string_equal(turn->text, "third");
	assert_int_equal(turn->attempts, 2);
	assert_non_null(answer_with(a, turn->id, "yes", true));
	assert_int_equal(a->err.kind, ERR_NONE);
}

/* Nobody puts words into somebody else's mouth. */
static void only_the_author_may(void **state)
{
	struct asking *a = *state;

	say(a, "m1", "first");
	say(a, "m2", "second");
	expect_end(a, change(a, INCOMING_EDITED, "bob", "m2", "evil"), "edited: ignored, not the author");
	expect_end(a, change(a, INCOMING_DELETED, "bob", "m2", NULL), "deleted: ignored, not the author");
	expect_end(a, change(a, INCOMING_EDITED, "ann", "m9", "x"), "edited: ignored, unknown targetx");
	expect_end(a, change(a, INCOMING_DELETED, "ann", "m9", NULL), "deleted: ignored, unknown target");
	expect_end(a, change(a, INCOMING_DELETED, "ann", NULL, NULL), "deleted: ignored, unknown target");
	assert_string_equal(asking_text(a, "SELECT body || state FROM inbox WHERE semantic_key = 'm2'"),
			    "secondaccepted");
}

/* Some platforms only tell that a message is gone. Words are still put into nobody's mouth. */
static void what_the_platform_took_away_is_gone(void **state)
{
	struct asking *a = *state;
	struct incoming in;

	say(a, "m1", "my password is x");
	in = says("somebody", "room", "gone", NULL);
	in.kind = INCOMING_DELETED;
	in.flags = INCOMING_ANYBODYS;
	in.target = "m1";
	expect_end(a, ask_accept(a, &in, true), "deleted: ignored, delete");
	assert_string_equal(asking_text(a, "SELECT count(*) FROM inbox WHERE body LIKE '%password%'"), "0");
	say(a, "m2", "second");
	expect_end(a, change(a, INCOMING_DELETED, "somebody", "m2", NULL),
		   "deleted: ignored, not the author");
}

/* Two workspaces with the same channel and message number are two. */
static void another_installation_is_another_message(void **state)
{
	struct asking *a = *state;

	say(a, "m1", "first");
	asking_sql(a, "UPDATE inbox SET installation = 'other'");
	expect_end(a, change(a, INCOMING_EDITED, "ann", "m1", "evil"), "edited: ignored, unknown targetevil");
	assert_string_equal(asking_text(a, "SELECT body FROM inbox WHERE id = 1"), "first");
}

/* A message set aside by crashes and taken back by its author must not be tried again by the operator. */
static void what_was_set_aside_is_taken_back(void **state)
{
	struct asking *a = *state;

	say(a, "m1", "boom");
	for (int i = 0; i < STORE_CRASHES_MAX; i++) {
		asking_crash(a);
		ask_recover(a, NULL);
		ask_claim(a, 1);
	}
	assert_string_equal(asking_text(a, "SELECT state FROM inbox"), "quarantined");
	change(a, INCOMING_DELETED, "ann", "m1", NULL);
	assert_int_equal(asking_int(a, "SELECT count(*) FROM inbox WHERE state = 'quarantined'"
				       " AND dropped_at IS NOT NULL AND body = '(deleted by its author)'"),
			 1);
}

/* The product owner reads what people thought of answers: the last word of each person counts. */
static void answers_are_rated(void **state)
{
	struct asking *a = *state;
	const struct store_answered *done = answer_with(a, say(a, "m1", "hi")->turn->id, "ho", true);
	const char *uuid = done->reply->out.uuid;

	expect_end(a, change(a, INCOMING_RATED, "ann", uuid, "up"), "rated: ignored, feedbackup");
	expect_end(a, change(a, INCOMING_RATED, "eve", uuid, "down"), "rated: ignored, feedbackdown");
	change(a, INCOMING_RATED, "ann", uuid, "down");
	assert_string_equal(
		asking_text(a, "SELECT group_concat(sender || '=' || value || (profile_id IS NOT NULL))"
			       " FROM feedback ORDER BY id"),
		"ann=down1,eve=down0");
	expect_end(a, change(a, INCOMING_RATED, "ann", "00000000-0000-7000-8000-0000000000aa", "up"),
		   "rated: ignored, unknown targetup");
	expect_end(a, change(a, INCOMING_RATED, "ann", NULL, "up"), "rated: ignored, unknown targetup");
	expect_end(a, change(a, INCOMING_RATED, "ann", uuid, "maybe"), "rated: ignored, no ratingmaybe");
	expect_end(a, change(a, INCOMING_RATED, "ann", uuid, NULL), "rated: ignored, no rating");
	asking_sql(a, "UPDATE outbox SET installation = 'other'");
	expect_end(a, change(a, INCOMING_RATED, "ann", uuid, "up"), "rated: ignored, unknown targetup");
	assert_int_equal(asking_int(a, "SELECT count(*) FROM feedback"), 2);
}

/* The stop button must reach the right conversation. */
static void stopping_finds_the_place(void **state)
{
	struct asking *a = *state;
	const struct store_accepted *said = say(a, "m1", "write a novel"), *got;
	struct incoming in = says("ann", "hall", "s9", NULL);

	got = change(a, INCOMING_STOPPED, "bob", NULL, NULL);
	expect_end(a, got, "stopped: ignored, stop");
	assert_int_equal(got->conversation_id, said->conversation_id);
	assert_string_equal(got->conversation_uuid, said->conversation_uuid);
	assert_string_equal(got->speaker->display_name, "bob");
	in.kind = INCOMING_STOPPED;
	got = ask_accept(a, &in, true);
	expect_end(a, got, "stopped: ignored, unknown target");
	assert_int_equal(got->conversation_id, 0);
	assert_int_equal(asking_int(a, "SELECT count(*) FROM \"LLMConversation\""), 1);
}

/* A change that comes twice has its effect once and is told apart from a new one. */
static void changes_come_twice(void **state)
{
	struct asking *a = *state;
	struct incoming in = says("ann", "room", "e1", "two");

	say(a, "m1", "one");
	in.kind = INCOMING_EDITED;
	in.target = "m1";
	assert_int_equal(ask_accept(a, &in, true)->how, ACCEPT_NEW);
	asking_sql(a, "UPDATE inbox SET body = 'three' WHERE id = 1");
	assert_int_equal(ask_accept(a, &in, true)->how, ACCEPT_BEFORE);
	assert_string_equal(asking_text(a, "SELECT body FROM inbox WHERE id = 1"), "three");
}

/* Slack repeats a delivery that failed, and the deletion overtakes it: what was taken back must not be answered. */
static void taken_back_before_it_comes(void **state)
{
	struct asking *a = *state;

	change(a, INCOMING_EDITED, "ann", "m1", "my password is 12345");
	expect_end(a, change(a, INCOMING_DELETED, "ann", "m1", NULL), "deleted: ignored, unknown target");
	expect_end(a, change(a, INCOMING_EDITED, "ann", "m1", "my password is 1234"),
		   "edited: ignored, unknown target");
	expect_end(a, say(a, "m1", "my password is 123"), "said: ignored, deleted");
	assert_int_equal(asking_int(a, "SELECT count(*) FROM inbox WHERE body LIKE '%123%'"), 0);
	assert_int_equal(asking_int(a, "SELECT count(*) FROM \"LLMConversation\""), 0);
	assert_non_null(say(a, "m2", "what is left?")->turn);
}

/* Somebody else's word about it, in this installation or another, takes nothing back. */
static void only_its_author_was_early(void **state)
{
	struct asking *a = *state;

	change(a, INCOMING_DELETED, "ann", "m1", NULL);
	asking_sql(a, "UPDATE inbox SET installation = 'other'");
	change(a, INCOMING_DELETED, "bob", "m1", NULL);
	change(a, INCOMING_EDITED, "bob", "m1", "evil");
	assert_string_equal(say(a, "m1", "good")->turn->text, "good");
}

/* The newest words are answered, and kept once. */
static void edited_before_it_comes(void **state)
{
	struct asking *a = *state;
	struct incoming in = says("ann", "room", "e1", "newest");
	const struct store_turn *turn;

	in.kind = INCOMING_EDITED;
	in.target = "m1";
	in.sent_ms = 3000;
	expect_end(a, ask_accept(a, &in, true), "edited: ignored, unknown targetnewest");
	in.delivery_key = "e2";
	in.text = "newer";
	in.sent_ms = 2000;
	ask_accept(a, &in, true);
	turn = say(a, "m1", "old")->turn;
	assert_string_equal(turn->text, "newest");
	assert_string_equal(asking_text(a, "SELECT title FROM \"LLMConversation\""), "newest");
	assert_int_equal(asking_int(a, "SELECT count(*) FROM inbox WHERE kind = 'edited' AND body <> ''"), 0);
	change(a, INCOMING_EDITED, "ann", "m1", "even newer");
	assert_string_equal(asking_text(a, "SELECT \"userPrompt\" FROM \"LLMConversationMessage\""),
			    "even newer");
}

/* Edits of what was never for us: their words do not stay. */
static void words_that_wait_in_vain_are_forgotten(void **state)
{
	struct asking *a = *state;

	change(a, INCOMING_EDITED, "ann", "m1", "between people");
	asking_sql(a, "UPDATE inbox SET received_at = '2020-01-01T00:00:00.000Z'");
	change(a, INCOMING_EDITED, "ann", "m2", "between others");
	assert_string_equal(asking_text(a, "SELECT group_concat(body) FROM inbox WHERE body <> ''"),
			    "between others");
}

/* In a busy channel where nobody called us nothing is kept, but a thread we talk in goes on without a mention. */
static void not_said_to_us(void **state)
{
	struct asking *a = *state;
	struct incoming in = says("ann", "thread", "k1", "lunch?");
	const struct store_accepted *got;

	in.flags = INCOMING_IF_PLACE;
	in.cursor_scope = "C1";
	in.cursor = "5";
	got = ask_accept(a, &in, true);
	assert_int_equal(got->how, ACCEPT_NOT_ADDRESSED);
	assert_null(got->uuid);
	assert_int_equal(
		asking_int(
			a,
			"SELECT (SELECT count(*) FROM inbox) + (SELECT count(*) FROM \"LLMConversation\")"),
		0);
	assert_string_equal(asking_text(a, "SELECT position FROM cursors"), "5");
	in.conversation = NULL;
	assert_int_equal(ask_accept(a, &in, true)->how, ACCEPT_NOT_ADDRESSED);
	in = says("ann", "thread", "k2", "@bot lunch?");
	assert_int_equal(ask_accept(a, &in, true)->how, ACCEPT_NEW);
	in = says("bob", "thread", "k3", "me too");
	in.flags = INCOMING_IF_PLACE;
	got = ask_accept(a, &in, true);
	assert_int_equal(got->how, ACCEPT_NEW);
	assert_int_equal(got->conversation_id, 1);
	assert_int_equal(got->flags, INCOMING_IF_PLACE);
	in = says("eve", "thread", "k4", "let me in"); /* a stranger in our thread waits for the door */
	in.flags = INCOMING_IF_PLACE | INCOMING_VOUCHED;
	got = ask_accept(a, &in, true);
	assert_int_equal(got->how, ACCEPT_NEW);
	assert_int_equal(got->conversation_id, 0);
	assert_int_equal(asking_int(a, "SELECT count(*) FROM inbox WHERE \"llmConversationId\" IS NULL"), 1);
	assert_int_equal(ask_admit(a, got->inbox_id, true)->flags, INCOMING_IF_PLACE | INCOMING_VOUCHED);
	in = says("ann", "thread", "k5", "later");
	in.flags = INCOMING_IF_PLACE;
	asking_sql(a, "UPDATE \"LLMConversation\" SET state = 'archived'");
	assert_int_equal(ask_accept(a, &in, true)->how, ACCEPT_NOT_ADDRESSED);
}

/* What was missed during an outage is asked for from here on: a mark that is too high loses messages, one that goes back
 * reads the same again and again. */
static void cursors_move_forward_only(void **state)
{
	static const struct {
		const char *given, *kept;
	} steps[] = {
		{ "9", "9" },
		{ "10", "10" },
		{ "9", "10" },
		{ "10", "10" },
		{ "1700000000.000100", "1700000000.000100" },
		{ "1700000000.000099", "1700000000.000100" },
		{ "1700000000.000101", "1700000000.000101" },
		{ NULL, "1700000000.000101" },
	};
	struct asking *a = *state;
	struct incoming in;
	char key[16];

	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		snprintf(key, sizeof(key), "k%zu", i);
		in = says("ann", "room", key, "x");
		in.cursor_scope = "C1";
		in.cursor = steps[i].given;
		ask_accept(a, &in, false);
		assert_int_equal(a->err.kind, ERR_NONE);
		assert_string_equal(asking_text(a, "SELECT position FROM cursors WHERE scope = 'C1'"),
				    steps[i].kept);
	}
	/* Also with what was stored before, with what is ignored, with changes; each scope for itself. */
	in = says("ann", "room", "k0", "x");
	in.cursor_scope = "C2";
	in.cursor = "1";
	assert_int_equal(ask_accept(a, &in, false)->how, ACCEPT_BEFORE);
	in = says("ann", "room", "n1", "a bot");
	in.flags = INCOMING_IGNORE;
	in.cursor_scope = "C2";
	in.cursor = "2";
	ask_accept(a, &in, false);
	in = says("ann", "room", "n2", "y");
	in.kind = INCOMING_EDITED;
	in.target = "k0";
	in.cursor_scope = "C2";
	in.cursor = "3";
	ask_accept(a, &in, false);
	assert_string_equal(asking_text(a, "SELECT group_concat(scope || '=' || position) FROM cursors"),
			    "C1=1700000000.000101,C2=3");
	assert_string_equal(asking_text(a, "SELECT platform || installation FROM cursors"), "webhookcrm");
}

/* "help" and "new" are no part of what the model is told later, and give no conversation its name. */
static void commands_are_not_history(void **state)
{
	struct asking *a = *state;
	struct incoming in = says("ann", "room", "k1", "new");
	const struct store_accepted *got;
	const struct store_recalled *recalled;
	const struct store_turn *turn;

	say(a, "m0", "before");
	in.flags = INCOMING_COMMAND | INCOMING_NEW;
	got = ask_accept(a, &in, true);
	assert_int_equal(got->turn->flags, INCOMING_COMMAND | INCOMING_NEW);
	assert_int_equal(got->conversation_id, 2);
	assert_null(asking_text(a, "SELECT title FROM \"LLMConversation\" WHERE id = 2"));
	say(a, "m1", "what is the weather?"); /* waits, and is not merged with a command */
	in = says("ann", "room", "k2", "help");
	in.flags = INCOMING_COMMAND;
	ask_accept(a, &in, true);
	say(a, "m2", "and tomorrow?");
	turn = answer_with(a, got->turn->id, "A new conversation.", true)->next;
	assert_string_equal(turn->text, "what is the weather?");
	turn = answer_with(a, turn->id, "Fine.", true)->next;
	assert_string_equal(turn->text, "help");
	assert_int_equal(turn->flags, INCOMING_COMMAND);
	turn = answer_with(a, turn->id, "Say something.", true)->next;
	recalled = ask_recall(a, turn->conversation_id, turn->id, 20);
	assert_int_equal(recalled->count, 2);
	assert_string_equal(recalled->history[0].text, "what is the weather?");
	assert_string_equal(asking_text(a, "SELECT title FROM \"LLMConversation\" WHERE id = 2"),
			    "what is the weather?");
	assert_int_equal(
		asking_int(
			a,
			"SELECT count(*) FROM \"LLMConversationMessage\" WHERE \"entityType\" = 'command'"),
		2);
}

/* A person whom the platform vouches for waited when the daemon died: the next process must know that. */
static void flags_survive_a_crash(void **state)
{
	struct asking *a = *state;
	struct incoming in = says("eve", "room", "k1", "hi");
	const struct store_recovered *r;

	in.flags = INCOMING_VOUCHED | INCOMING_JOINED;
	assert_int_equal(ask_accept(a, &in, true)->flags, INCOMING_VOUCHED | INCOMING_JOINED);
	asking_crash(a);
	r = ask_recover(a, NULL);
	assert_int_equal(r->unplaced_count, 1);
	assert_int_equal(r->unplaced[0].flags, INCOMING_VOUCHED | INCOMING_JOINED);
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, open_case, close_case)
	const struct CMUnitTest tests[] = {
		CASE(what_waits_is_answered_as_edited),
		CASE(an_answered_one_changes_on_record),
		CASE(one_of_several_is_edited),
		CASE(what_waits_is_taken_back),
		CASE(an_answered_one_is_erased),
		CASE(a_running_one_is_erased),
		CASE(an_interrupted_one_is_taken_back),
		CASE(half_an_interrupted_turn_goes_on),
		CASE(only_the_author_may),
		CASE(what_the_platform_took_away_is_gone),
		CASE(another_installation_is_another_message),
		CASE(what_was_set_aside_is_taken_back),
		CASE(answers_are_rated),
		CASE(stopping_finds_the_place),
		CASE(changes_come_twice),
		CASE(taken_back_before_it_comes),
		CASE(only_its_author_was_early),
		CASE(edited_before_it_comes),
		CASE(words_that_wait_in_vain_are_forgotten),
		CASE(not_said_to_us),
		CASE(cursors_move_forward_only),
		CASE(commands_are_not_history),
		CASE(flags_survive_a_crash),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
