/* What people ask the daemon itself: commands, and to stop. No model is asked. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "crypto.h"
#include "house.h"
#include "mem.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int setup(void **state)
{
	return house_setup(state, &(struct core_options){ 0 });
}

static void command(struct house *house, const char *text)
{
	struct store_turn turn = *house_room_turn("one", 1, 5, INCOMING_COMMAND);

	turn.text = text;
	house_begin(house, &turn);
	assert_int_equal(fake_ai_count(house->ai) + house_waiting(house, Q_RECALL), 0);
}

/* What the person is told. */
static void says(struct house *house, const char *part)
{
	struct question *q = house_question(house, Q_ANSWER);

	if (strstr(q->text, part) == NULL)
		fail_msg("\"%s\" is not in: %s", part, q->text);
	assert_int_equal(q->state, MESSAGE_ANSWERED);
	assert_false(q->has_result);
	house_answered(house);
}

static void test_help(void **state)
{
	static const char *const words[] = { "help", "new", "usage", "link", "language" };
	struct house *house = *state;

	for (size_t i = 0; i < 5; i++) {
		command(house, " HELP ");
		says(house, words[i]);
	}
	command(house, "");
	says(house, "commands");
	command(house, "dance now");
	says(house, "I don't know this command");
	command(house, "helpmehelpmehelpmehelpmehelpme");
	says(house, "I don't know this command");
	command(house, "new");
	says(house, "new conversation");
}

static void test_usage(void **state)
{
	struct house *house = *state;
	struct question *q;

	command(house, "usage");
	q = house_question(house, Q_REPORT);
	assert_string_equal(q->text, "usage_of");
	assert_string_equal(q->args, "ann");
	fake_answer_json(house->store, q, NULL,
			 "{\"today\":{\"requests\":1,\"tokens\":10,\"cost_usd\":0.5,\"unknown_cost\":0},"
			 "\"month\":{\"requests\":3,\"tokens\":300,\"cost_usd\":1.25,\"unknown_cost\":1}}");
	assert_string_equal(
		house_question(house, Q_ANSWER)->text,
		"Today: 1 request to the model, 10 tokens, $0.5000.  \n"
		"This month: 3 requests to the model, 300 tokens, $1.2500, and unknown cost for 1 of "
		"them.");
	house_answered(house);
	command(house, "usage");
	fake_answer_json(house->store, house_question(house, Q_REPORT), NULL,
			 "{\"today\":{\"requests\":0},\"month\":{\"requests\":2,\"tokens\":9,\"cost_usd\":0,"
			 "\"unknown_cost\":2}}");
	assert_string_equal(
		house_question(house, Q_ANSWER)->text,
		"Today: nothing yet.  \nThis month: 2 requests to the model, 9 tokens, cost unknown.");
}

static void test_a_code_joins_two_places(void **state)
{
	struct house *house = *state;
	struct question *q;
	char code[9] = "", typed[20], hash[CRYPTO_SHA256_HEX], made[80];
	const char *text;

	command(house, "link");
	q = house_question(house, Q_ACT);
	assert_string_equal(q->text, "link_make");
	snprintf(made, sizeof(made), "%s", q->args);
	fake_answer_json(house->store, q, NULL, "{}");
	text = strstr(house_question(house, Q_ANSWER)->text, "**");
	assert_non_null(text);
	memcpy(code, text + 2, 8);
	assert_memory_equal(made, "ann,", 4); /* the store sees the hash only */
	assert_string_equal(made + 4, crypto_sha256_hex(code, 8, hash));
	house_answered(house);
	for (size_t i = 0; i < 8; i++)
		code[i] = (char)(code[i] >= 'A' ? code[i] + 32 : code[i]);
	snprintf(typed, sizeof(typed), "link %.4s-%.4s", code, code + 4); /* typed by hand */
	command(house, typed);
	q = house_question(house, Q_ACT);
	assert_string_equal(q->text, "link_use");
	assert_memory_equal(q->args, "ann,room,one,ann-abroad,", 24);
	assert_string_equal(q->args + 24, hash);
	fake_answer_json(house->store, q, NULL, "{}");
	says(house, "Done");
}

static void test_a_code_that_is_none(void **state)
{
	static const struct err used = { .kind = ERR_REFUSED, .text = "this code was used before" };
	struct house *house = *state;

	command(house, "link ABC");
	says(house, "not one of my codes");
	command(house, "link '; DROP TABLE");
	says(house, "not one of my codes");
	command(house, "link ACDEFGHJ");
	fake_answer_json(house->store, house_question(house, Q_ACT), &used, NULL);
	says(house, "this code was used before");
}

static void asks(struct house *house, enum question_kind kind, const char *name, const char *args,
		 const char *json)
{
	struct question *q = house_question(house, kind);

	assert_string_equal(q->text, name);
	assert_string_equal(q->args, args);
	fake_answer_json(house->store, q, NULL, json);
}

static void test_a_language(void **state)
{
	static const struct err none = { .kind = ERR_REFUSED, .text = "\"x\" is not the code of a language" };
	struct house *house = *state;

	command(house, "language de");
	asks(house, Q_ACT, "language", "ann,de", "{\"language\":\"de\"}");
	says(house, "From now on I answer you in the language **de**.");
	command(house, "Language");
	asks(house, Q_REPORT, "language_of", "ann", "{\"language\":\"de\"}");
	says(house, "I answer you in the language **de**.");
	command(house, "language OFF ");
	asks(house, Q_ACT, "language", "ann,NULL", "{\"language\":null}");
	says(house, "whatever language suits");
	command(house, "language ");
	asks(house, Q_REPORT, "language_of", "ann", "{\"language\":null}");
	says(house, "not asked for a language");
	command(house, "language x");
	fake_answer_json(house->store, house_question(house, Q_ACT), &none, NULL);
	says(house, "not the code of a language");
	command(house, "language please German");
	says(house, "one code of a language");
}

static void test_a_store_that_cannot(void **state)
{
	static const struct err busy = { .kind = ERR_AGAIN, .text = "busy" }, no = { .kind = ERR_BUG };
	struct house *house = *state;

	command(house, "usage");
	fake_answer_json(house->store, house_question(house, Q_REPORT), &busy, NULL);
	fake_loop_pass(house->loop, 1600);
	fake_answer_json(house->store, house_question(house, Q_REPORT), &no, NULL);
	assert_int_equal(house_question(house, Q_ANSWER)->state, MESSAGE_FAILED);
	house_answered(house);
}

/* ---- stopping -------------------------------------------------------------------------------- */

static void stop(struct house *house, int64_t conversation_id, enum accept_how how)
{
	house->room->host->incoming(house->room->host, &(struct incoming){ .kind = INCOMING_STOPPED,
									   .receipt = 9,
									   .delivery_key = "stop",
									   .sender = "ann",
									   .conversation = "room" });
	fake_answer_accepted(house->store, house_question(house, Q_ACCEPT), NULL,
			     &(struct store_accepted){ .how = how,
						       .uuid = "s",
						       .state = MESSAGE_IGNORED,
						       .conversation_id = conversation_id });
}

static void test_a_person_stops_an_answer(void **state)
{
	struct house *house = *state;
	struct question *q;

	house_begin(house, house_room_turn("one", 1, 5, 0));
	house_recall(house);
	stop(house, 6, ACCEPT_NEW); /* another conversation's */
	stop(house, 5, ACCEPT_BEFORE);
	assert_int_equal(fake_ai_count(house->ai), 1);
	stop(house, 5, ACCEPT_NEW);
	assert_int_equal(fake_ai_cancelled(house->ai), 1);
	q = house_question(house, Q_ANSWER);
	assert_int_equal(q->state, MESSAGE_FAILED);
	assert_string_equal(q->reason, "stopped");
	assert_string_equal(q->text, "Stopped, as you asked.");
	assert_int_equal(q->attempts, 1); /* what the request has cost is on record */
	stop(house, 5, ACCEPT_NEW);	  /* twice changes nothing */
	house_answered(house);
	assert_int_equal(house_waiting(house, Q_ANSWER), 0);
	assert_int_equal(house->room->ack_count, 4);
}

static void test_stopped_before_the_model_was_asked(void **state)
{
	struct house *house = *state;

	house_begin(house, house_room_turn("one", 1, 5, 0));
	stop(house, 5, ACCEPT_NEW);
	assert_string_equal(house_question(house, Q_ANSWER)->reason, "stopped");
	house_recall(house); /* finds nobody */
	house_answered(house);
	assert_int_equal(fake_ai_count(house->ai), 0);
}

#define WITH_HOUSE(test) cmocka_unit_test_setup_teardown(test, setup, house_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_HOUSE(test_help),
		WITH_HOUSE(test_usage),
		WITH_HOUSE(test_a_code_joins_two_places),
		WITH_HOUSE(test_a_code_that_is_none),
		WITH_HOUSE(test_a_language),
		WITH_HOUSE(test_a_store_that_cannot),
		WITH_HOUSE(test_a_person_stops_an_answer),
		WITH_HOUSE(test_stopped_before_the_model_was_asked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
