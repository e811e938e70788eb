/* What operators say in a conversation, and what is found of what was said: in whose name, in which order, and how often. */
#include "asking.h"
#include "json.h"
#include "mem.h"
#include "store_people.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ORG	   ROOM_DEFAULT_ORG
#define BOSS	   "11111111-1111-7111-8111-111111111111"
#define OTHER_ORG  "22222222-2222-7222-8222-222222222222"
#define OTHER_BOSS "33333333-3333-7333-8333-333333333333"

static char ann[40];
static json_t *heard;

static int open_case(void **state)
{
	*state = asking_create();
	asking_know(*state, "ann");
	asking_know(*state, "bob");
	snprintf(ann, sizeof(ann), "%036d", 'a');
	asking_sql(*state, "INSERT INTO organizations (id, name) VALUES ('" OTHER_ORG "', 'Other');"
			   "INSERT INTO user_profiles (id, org_id, display_name, role) VALUES"
			   " ('" BOSS "', '" ORG "', 'Boss', 'operator'),"
			   " ('" OTHER_BOSS "', '" OTHER_ORG "', 'Other boss', 'owner')");
	return 0;
}

static int close_case(void **state)
{
	json_decref(heard);
	heard = NULL;
	asking_destroy(*state);
	return 0;
}

static void on_json(void *owner, uint64_t ticket, const struct err *err, const char *json)
{
	struct asking *a = owner;

	(void)ticket;
	json_decref(heard);
	heard = err->kind == ERR_NONE ? json_read(json, strlen(json), NULL) : NULL;
	a->err = *err;
	if (--a->waiting == 0)
		io_stop(a->io);
}

/* The id of what was sent, in the arena; NULL when it was refused. */
static const char *send(struct asking *a, const char *org, const char *who, const char *where,
			const char *text, const char *key)
{
	const char *args[] = { org, who, where, text, key };

	a->waiting++;
	store_act(a->store, "message_send", args, 5, on_json, a, 1);
	asking_wait(a);
	return heard ? arena_text(a->room, json_text(heard, "message_id")) : NULL;
}

static void refused(struct asking *a, enum err_kind kind, const char *words)
{
	assert_null(heard);
	assert_int_equal(a->err.kind, kind);
	if (strstr(a->err.text, words) == NULL)
		fail_msg("\"%s\" without \"%s\"", a->err.text, words);
}

static const struct store_accepted *say(struct asking *a, const char *who, const char *key, const char *text)
{
	struct incoming in = says(who, who, key, text);

	return ask_accept(a, &in, true);
}

/* It waits behind what is on its way, goes where the newest message came from, and is told from answers, which have the
 * plugin's form already. */
static void it_is_a_reply_like_others(void **state)
{
	struct asking *a = *state;
	const struct store_accepted *message = say(a, "ann", "k1", "hello");
	const struct store_answered *answer = answer_with(a, message->turn->id, "hi", true);
	const struct asked_due *due;
	const char *uuid;

	uuid = send(a, ORG, BOSS, message->conversation_uuid, "**look** here", NULL);
	assert_non_null(uuid);
	assert_string_equal(json_text(heard, "status"), "waits to be sent");
	assert_int_equal(ask_due(a, 16)->count, 0);
	assert_false(answer->reply->markdown);
	ask_sent(a, answer->reply->id, REPLY_SENT, 0);
	due = ask_due(a, 16);
	assert_int_equal(due->count, 1);
	assert_string_equal(due->replies[0].out.uuid, uuid);
	assert_string_equal(due->replies[0].out.text, "**look** here");
	assert_string_equal(due->replies[0].out.reply_to, "https://reply");
	assert_int_equal(due->replies[0].out.state, MESSAGE_ANSWERED);
	assert_true(due->replies[0].markdown);
	assert_int_equal(due->replies[0].conversation_id, message->conversation_id);
}

/* Hosts that a person named may be led to, in that conversation: full stops at the end of sentences name none. */
static void addresses_are_remembered(void **state)
{
	static const char *const texts[] = { "Hello. How are you.", "see docs.example.org",
					     "and\nhttp://intranet/x", "ask 10.1.2.3, please" };
	struct asking *a = *state;
	const struct store_accepted *message;
	const struct store_recalled *past;
	char key[] = "k0";

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++, key[1]++) {
		message = say(a, "ann", key, texts[i]);
		answer_with(a, message->turn->id, "hi", true);
	}
	message = say(a, "bob", "b1", "bob.example.org");
	answer_with(a, message->turn->id, "hi", true);
	message = say(a, "ann", "last", "what was it?");
	past = ask_recall(a, message->turn->conversation_id, message->turn->id, 2);
	assert_int_equal(past->said_count, 3);
	assert_string_equal(past->said[0], texts[3]);
	assert_string_equal(past->said[2], texts[1]);
	assert_false(past->foreign);
}

static bool heard_others(struct asking *a, const struct store_turn *turn)
{
	return ask_recall(a, turn->conversation_id, turn->id, 2)->foreign;
}

/* Links are kept back from then on: a file, or what a tool returned, may have been written by anybody. */
static void files_and_tools_are_others_words(void **state)
{
	struct asking *a = *state;
	const struct store_accepted *first = say(a, "ann", "k1", "hello"), *message;

	answer_with(a, first->turn->id, "hi", true);
	message = say(a, "ann", "k2", "and now?");
	assert_false(heard_others(a, message->turn));
	asking_sql(a, "UPDATE inbox SET files = '[{}]' WHERE delivery_key = 'k1'");
	assert_true(heard_others(a, message->turn));
	asking_sql(a, "UPDATE inbox SET files = '[]' WHERE delivery_key = 'k1'");
	assert_false(heard_others(a, message->turn));
	asking_sql(a, "INSERT INTO \"LLMTaskStep\" (\"llmTaskId\", n, kind, round, payload)"
		      " SELECT min(\"llmTaskId\"), 0, 'reply', 0, '{}' FROM \"LLMConversationMessage\"");
	assert_true(heard_others(a, message->turn));
}

/* Who is asked about it later must know that it was said. */
static void the_model_knows_that_it_was_said(void **state)
{
	struct asking *a = *state;
	const struct store_accepted *message = say(a, "ann", "k1", "hello");
	const struct store_recalled *past;

	answer_with(a, message->turn->id, "hi", true);
	send(a, ORG, BOSS, message->conversation_uuid, "we close at five", "key");
	send(a, ORG, BOSS, message->conversation_uuid, "we close at five", "key");
	message = say(a, "ann", "k2", "when?");
	past = ask_recall(a, message->turn->conversation_id, message->turn->id, 20);
	assert_int_equal(past->count, 4);
	assert_string_equal(past->history[1].text, "hi");
	assert_string_equal(past->history[2].text, "(An operator has you say this here.)");
	assert_string_equal(past->history[3].text, "we close at five");
	assert_true(past->foreign);
}

/* A program that lost the answer asks again: nobody reads it twice, not even after it was sent. */
static void the_same_key_says_it_once(void **state)
{
	struct asking *a = *state;
	const struct store_accepted *message = say(a, "ann", "k1", "hello");
	const char *first = send(a, ORG, BOSS, message->conversation_uuid, "once", "key"), *second;

	second = send(a, ORG, BOSS, message->conversation_uuid, "once", "key");
	assert_string_equal(first, second);
	assert_string_equal(json_text(heard, "status"), "sent before");
	asking_restart(a);
	assert_string_equal(send(a, ORG, BOSS, message->conversation_uuid, "once", "key"), first);
	assert_string_not_equal(send(a, ORG, BOSS, message->conversation_uuid, "once", "another"), first);
	assert_string_not_equal(send(a, ORG, BOSS, message->conversation_uuid, "once", NULL), first);
	assert_int_equal(asking_int(a, "SELECT count(*) FROM outbox WHERE body = 'once'"), 3);
}

static void who_may_not(void **state)
{
	struct asking *a = *state;
	const struct store_accepted *message = say(a, "ann", "k1", "hello");
	const char *where = message->conversation_uuid;
	char *longest = mem_zero(1, 1502);

	send(a, ORG, ann, where, "hi", NULL);
	refused(a, ERR_REFUSED, "only operators");
	send(a, ORG, OTHER_BOSS, where, "hi", NULL); /* of another organisation than it claims */
	refused(a, ERR_REFUSED, "only operators");
	send(a, OTHER_ORG, OTHER_BOSS, where, "hi", NULL);
	refused(a, ERR_GONE, "no conversation");
	send(a, ORG, BOSS, "no such", "hi", NULL);
	refused(a, ERR_GONE, "no conversation");
	send(a, ORG, BOSS, where, " \n", NULL);
	refused(a, ERR_REFUSED, "text");
	memset(longest, 'x', 1501);
	send(a, ORG, BOSS, where, longest, NULL);
	refused(a, ERR_REFUSED, "1500");
	asking_sql(a, "UPDATE user_profiles SET status = 'disabled' WHERE id = '" BOSS "'");
	send(a, ORG, BOSS, where, "hi", NULL);
	refused(a, ERR_REFUSED, "only operators");
	assert_int_equal(asking_int(a, "SELECT count(*) FROM outbox"), 0);
	free(longest);
}

/* How many rows the report gives. */
static size_t found(struct asking *a, const char *report, const char *org, const char *who, const char *words,
		    const char *limit)
{
	a->waiting++;
	store_report(a->store, report, (const char *const[]){ org, who, words, limit }, 4, on_json, a, 1);
	asking_wait(a);
	return json_array_size(heard);
}

/* Nobody finds what somebody else has said, whatever organisation is claimed; a search is no pattern. */
static void conversations_are_searched_by_their_owner(void **state)
{
	static const char all[] = "search_conversations";
	struct asking *a = *state;

	answer_with(a, say(a, "ann", "k1", "The Blue whale costs 100%")->turn->id, "A whale? it's _big_",
		    true);
	answer_with(a, say(a, "bob", "k2", "my whale is a secret")->turn->id, "So be it", true);
	assert_int_equal(found(a, all, ORG, ann, "[\"WHALE\"]", NULL), 2);
	assert_string_equal(json_text(json_array_get(heard, 0), "role"), "assistant"); /* newest first */
	assert_int_equal(found(a, all, ORG, ann, "[\"whale\",\"blue\"]", NULL), 1);
	assert_int_equal(found(a, all, ORG, ann, "[\"secret\"]", NULL), 0);
	assert_int_equal(found(a, all, ORG, ann, "[\"w%e\"]", NULL), 0);
	assert_int_equal(found(a, all, ORG, ann, "[\"100%\"]", NULL), 1);
	assert_int_equal(found(a, all, ORG, ann, "[]", "1"), 1);
	assert_int_equal(found(a, all, OTHER_ORG, ann, "[\"whale\"]", NULL), 0);
	assert_int_equal(found(a, all, ORG, BOSS, "[\"whale\"]", NULL), 0);
}

/* What an operator has said in somebody's conversation is that person's to find. */
static void what_was_sent_is_found_by_whom_it_was_said_to(void **state)
{
	static const char all[] = "search_conversations";
	struct asking *a = *state;
	const struct store_accepted *message = say(a, "ann", "k1", "hello");
	const char *where = message->conversation_uuid;

	answer_with(a, message->turn->id, "hi", true);
	assert_non_null(send(a, ORG, BOSS, where, "the walrus has arrived", NULL));
	assert_int_equal(found(a, all, ORG, ann, "[\"walrus\"]", NULL), 1);
	assert_int_equal(found(a, all, ORG, BOSS, "[\"walrus\"]", NULL), 0);
}

static size_t listed(struct asking *a, const char *org, const char *who, const char *words, const char *limit)
{
	a->waiting++;
	store_report(a->store, "list_files", (const char *const[]){ org, who, NULL, words, limit }, 5,
		     on_json, a, 1);
	asking_wait(a);
	return json_array_size(heard);
}

static void files_are_listed_by_name_and_type(void **state)
{
	struct asking *a = *state;

	for (int i = 0; i < 60; i++) {
		char *sql = mem_format("INSERT INTO \"LLMAgentImport\" (\"userId\", \"userCompanyId\", "
				       "\"inputFileName\", mime)"
				       " VALUES ('%s', '" ORG "', 'Plan %d.pdf', 'application/pdf')",
				       ann, i);

		asking_sql(a, sql);
		free(sql);
	}
	asking_sql(a, "INSERT INTO \"LLMAgentImport\" (\"userId\", \"userCompanyId\", \"inputFileName\") "
		      "VALUES ('" OTHER_BOSS "', '" OTHER_ORG "', 'Plan of others')");
	assert_int_equal(listed(a, ORG, ann, "[\"plan\",\"PDF\"]", "1000"), 50);
	assert_int_equal(listed(a, ORG, ann, "[\"plan\",\"59\"]", NULL), 1);
	assert_int_equal(listed(a, ORG, BOSS, "[\"plan\",\"59\"]", NULL), 1);
	assert_int_equal(listed(a, ORG, BOSS, "[\"others\"]", NULL), 0);
	assert_int_equal(listed(a, OTHER_ORG, BOSS, "[\"others\"]", NULL), 0);
	assert_int_equal(listed(a, OTHER_ORG, OTHER_BOSS, "[]", NULL), 1);
	snprintf(ann, sizeof(ann), "%036d", 'b');
	assert_int_equal(listed(a, ORG, ann, "[]", NULL), 0); /* bob has sent none */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(it_is_a_reply_like_others, open_case, close_case),
		cmocka_unit_test_setup_teardown(addresses_are_remembered, open_case, close_case),
		cmocka_unit_test_setup_teardown(files_and_tools_are_others_words, open_case, close_case),
		cmocka_unit_test_setup_teardown(the_model_knows_that_it_was_said, open_case, close_case),
		cmocka_unit_test_setup_teardown(the_same_key_says_it_once, open_case, close_case),
		cmocka_unit_test_setup_teardown(who_may_not, open_case, close_case),
		cmocka_unit_test_setup_teardown(conversations_are_searched_by_their_owner, open_case,
						close_case),
		cmocka_unit_test_setup_teardown(what_was_sent_is_found_by_whom_it_was_said_to, open_case,
						close_case),
		cmocka_unit_test_setup_teardown(files_are_listed_by_name_and_type, open_case, close_case),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
