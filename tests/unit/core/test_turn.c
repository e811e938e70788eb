/* A turn's steps: slow, failing, repeated, out of order. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "house.h"
#include <stdio.h>
#include <string.h>

static const struct err busy = { .kind = ERR_AGAIN, .text = "busy" };
static const struct err full = { .kind = ERR_FULL, .text = "disk full" };

static int setup(void **state)
{
	return house_setup(state,
			   &(struct core_options){ .system_prompt = "Be brief.", .history_messages = 20 });
}

static void begin(struct house *house, const struct store_turn *turn)
{
	house_say(house->chat, (uint64_t)turn->id, "room", "hello");
	fake_answer_accepted(house->store, house_question(house, Q_ACCEPT), NULL,
			     &(struct store_accepted){ .how = ACCEPT_NEW,
						       .uuid = "u",
						       .conversation_id = turn->conversation_id,
						       .state = MESSAGE_CLAIMED,
						       .turn = turn });
}

static struct thought *thinking(struct house *house)
{
	struct thought *thought = fake_ai_thought(house->ai, 0);

	assert_non_null(thought);
	return thought;
}

static void says(struct thought *thought, const char *text, bool begins_again)
{
	thought->events->part(thought->owner, thought->ticket, text, strlen(text), begins_again);
}

/* Silence is the worst answer: whoever asked hears that there was no answer, and the cost stays on record. */
static void test_a_model_that_never_answers(void **state)
{
	struct house *house = *state;
	struct question *q;

	house_think(house, 1, 5);
	fake_loop_pass(house->loop, 299000);
	assert_int_equal(house_waiting(house, Q_ANSWER), 0);
	fake_loop_pass(house->loop, 2000);
	assert_int_equal(fake_ai_cancelled(house->ai), 1);
	q = house_question(house, Q_ANSWER);
	assert_int_equal(q->state, MESSAGE_FAILED);
	assert_string_equal(q->reason, "timeout");
	assert_non_null(strstr(q->text, "in time"));
	assert_int_equal(q->attempts, 1);
	house_answered(house);
	assert_true(house_metric("usher_messages_total{platform=\"chat\",outcome=\"failed\"}") == 1);
}

/* What an earlier step's answer says must not be taken for the present one's. */
static void test_a_late_word_finds_nobody(void **state)
{
	struct house *house = *state;
	struct thought copy;

	house_think(house, 1, 5);
	copy = *thinking(house);
	fake_loop_pass(house->loop, 301000);
	copy.events->part(copy.owner, copy.ticket, "too late", 8, false);
	copy.events->done(copy.owner, copy.ticket,
			  &(struct ai_result){ .text = "too late", .tool_calls = "[]" });
	assert_int_equal(house->chat->part_count, 0);
	assert_int_equal(house_waiting(house, Q_ANSWER), 1);
	assert_string_equal(house_question(house, Q_ANSWER)->reason, "timeout");
	house_answered(house);
	copy.events->done(copy.owner, copy.ticket,
			  &(struct ai_result){ .text = "too late", .tool_calls = "[]" });
	assert_int_equal(fake_store_waiting_all(house->store), 0);
}

/* A slow disk is seen by the operator, and the turn goes on when it answers. */
static void test_a_slow_store_is_waited_for(void **state)
{
	struct house *house = *state;

	begin(house, house_turn(1, 5));
	fake_loop_pass(house->loop, 6000);
	assert_true(house_status_says(house, "\"overdue\":1"));
	assert_int_equal(house_waiting(house, Q_RECALL), 1); /* not asked twice */
	house_recall(house);
	assert_true(
		house_status_says(house, "\"recall\":0,\"gather\":0,\"think\":1,\"answer\":0,\"overdue\":0"));
	assert_int_equal(fake_ai_count(house->ai), 1);
}

static void test_recall_is_put_again(void **state)
{
	struct house *house = *state;

	begin(house, house_turn(1, 5));
	assert_int_equal(house_question(house, Q_RECALL)->limit, 20);
	fake_answer_recalled(house->store, house_question(house, Q_RECALL), &busy, NULL);
	assert_int_equal(house_waiting(house, Q_RECALL), 0);
	fake_loop_pass(house->loop, 1600);
	house_recall(house);
	assert_int_equal(fake_ai_count(house->ai), 1);
}

/* An answer that was paid for is not thrown away because the disk was full for a minute. */
static void test_an_answer_waits_for_room_on_the_disk(void **state)
{
	struct house *house = *state;

	house_think(house, 1, 5);
	fake_ai_answer(house->ai, thinking(house), "worth keeping");
	for (int i = 0; i < 5; i++) {
		fake_answer_answered(house->store, house_question(house, Q_ANSWER), &full, NULL);
		assert_true(house_status_says(house, "\"retrying\":1"));
		fake_loop_pass(house->loop, 1600);
		assert_string_equal(house_question(house, Q_ANSWER)->text, "worth keeping");
		assert_int_equal(house_question(house, Q_ANSWER)->attempts, 1);
	}
	house_answered(house);
	assert_true(house_status_says(house, "\"answer\":0,\"overdue\":0,\"retrying\":0"));
}

/* The store says this turn does not exist (any more): the others of the conversation go on. */
static void test_an_end_that_is_refused(void **state)
{
	struct house *house = *state;
	struct err gone = { .kind = ERR_GONE, .text = "no such turn" };

	house_think(house, 1, 5);
	fake_ai_answer(house->ai, thinking(house), "hi");
	fake_answer_answered(house->store, house_question(house, Q_ANSWER), &gone, NULL);
	assert_int_equal(house_question(house, Q_CLAIM)->id, 5);
}

/* The record of an answer is refused by the database: the person is told, and the conversation goes on.
 * Without an end its messages would stay claimed, and nothing after them would be answered until a restart.
 */
static void test_a_record_that_is_refused(void **state)
{
	struct house *house = *state;
	struct err bug = { .kind = ERR_BUG, .text = "the database refused it" };

	house_think(house, 1, 5);
	fake_ai_answer(house->ai, thinking(house), "hi");
	fake_answer_answered(house->store, house_question(house, Q_ANSWER), &bug, NULL);
	assert_int_equal(house_question(house, Q_ANSWER)->state, MESSAGE_FAILED);
	assert_string_equal(house_question(house, Q_ANSWER)->reason, "not_recorded");
	assert_false(house_question(house, Q_ANSWER)->has_result);
	house_answered(house);
	assert_int_equal(fake_store_waiting_all(house->store), 0);
	house_think(house, 2, 5);
	fake_ai_answer(house->ai, thinking(house), "hi");
	fake_answer_answered(house->store, house_question(house, Q_ANSWER), &bug, NULL);
	fake_answer_answered(house->store, house_question(house, Q_ANSWER), &bug, NULL);
	assert_int_equal(house_question(house, Q_CLAIM)->id, 5); /* not a third time */
}

/* ---- growing answers ------------------------------------------------------------------------- */

static void test_parts_are_streamed(void **state)
{
	struct house *house = *state;
	const struct fake_part *parts = house->chat->parts;

	house_think(house, 1, 5);
	says(thinking(house), "Hel", false);
	says(thinking(house), "lo", false);
	says(thinking(house), "Good", true);
	says(thinking(house), " day", false);
	assert_int_equal(house->chat->part_count, 4);
	assert_int_equal(parts[1].offset, 3);
	assert_string_equal(parts[1].text, "lo");
	assert_int_equal(parts[2].offset, 0); /* what was shown is dropped: another attempt */
	assert_true(parts[2].attempt > parts[1].attempt);
	assert_int_equal(parts[3].offset, 4);
	assert_int_equal(parts[3].attempt, parts[2].attempt);
}

/* Earlier answers wait for their turn: a growing one would stand above them. Who looks still sees it grow. */
static void test_nothing_grows_before_those_that_wait(void **state)
{
	struct house *house = *state;
	struct store_turn turn = *house_turn(1, 5);
	const struct store_recalled behind = { .temperature = -1, .unsent = true };

	begin(house, &turn);
	fake_answer_recalled(house->store, house_question(house, Q_RECALL), NULL, &behind);
	says(thinking(house), "Hello", false);
	assert_int_equal(house->chat->part_count, 0);
	house->chat->host->look(house->chat->host, "u1", 7);
	fake_loop_run(house->loop);
	assert_string_equal(house->chat->found[0].text, "Hello");
}

/* An asker who fetches the answer has nothing in the outbox: what others of the conversation wait for is not theirs. */
static void test_who_fetches_sees_it_grow(void **state)
{
	struct house *house = *state;
	struct store_turn turn = *house_turn(1, 5);
	const struct store_recalled behind = { .temperature = -1, .unsent = true };

	turn.reply_to = NULL;
	begin(house, &turn);
	fake_answer_recalled(house->store, house_question(house, Q_RECALL), NULL, &behind);
	says(thinking(house), "Hello", false);
	assert_int_equal(house->chat->part_count, 1);
}

/* After a restart of the daemon a client that shows attempt 2 must not mix it with the new text. */
static void test_attempts_rise_over_restarts(void **state)
{
	struct house *house = *state;
	struct store_turn turn = *house_turn(1, 5);

	turn.attempts = 2;
	begin(house, &turn);
	house_recall(house);
	says(thinking(house), "a", false);
	assert_true(house->chat->parts[0].attempt > 100);
}

static void test_only_who_streams_gets_parts(void **state)
{
	struct house *house = *state;
	struct store_turn turn = *house_turn(1, 5);

	turn.platform = "mute";
	begin(house, &turn);
	house_recall(house);
	says(thinking(house), "Hel", false);
	assert_int_equal(house->mute->part_count + house->chat->part_count, 0);
}

/* ---- the journal ----------------------------------------------------------------------------- */

static void journals(struct thought *thought, const char *payload)
{
	struct ai_step step = { .kind = AI_STEP_INTENT, .call_id = "c", .tool = "t", .payload = payload };

	thought->events->journal(thought->owner, thought->ticket, &step, 1, NULL, 0);
}

/* A tool may run only when its intent is durable; and what came first is stored first, however often it
 * takes. */
static void test_the_journal_is_in_order(void **state)
{
	struct house *house = *state;

	house_think(house, 1, 5);
	journals(thinking(house), "one");
	journals(thinking(house), "two");
	assert_int_equal(house_waiting(house, Q_JOURNAL), 1);
	assert_int_equal(thinking(house)->journaled, 0);
	fake_answer_done(house->store, house_question(house, Q_JOURNAL), &full);
	fake_loop_pass(house->loop, 1600);
	assert_string_equal(house_question(house, Q_JOURNAL)->text, "one");
	fake_answer_done(house->store, house_question(house, Q_JOURNAL), NULL);
	assert_int_equal(thinking(house)->journaled, 1);
	assert_string_equal(house_question(house, Q_JOURNAL)->text, "two");
	fake_answer_done(house->store, house_question(house, Q_JOURNAL), NULL);
	assert_int_equal(thinking(house)->journaled, 2);
}

static void test_a_journal_that_is_refused_ends_the_turn(void **state)
{
	struct house *house = *state;
	struct err bug = { .kind = ERR_BUG, .text = "no" };

	house_think(house, 1, 5);
	journals(thinking(house), "one");
	fake_answer_done(house->store, house_question(house, Q_JOURNAL), &bug);
	assert_int_equal(fake_ai_count(house->ai), 0);
	assert_string_equal(house_question(house, Q_ANSWER)->reason, "journal_failed");
}

/* The daemon died after a tool had run: the model is told what is known. */
static void test_a_resumed_turn_hands_its_journal_over(void **state)
{
	struct house *house = *state;
	struct ai_step steps[] = { { .kind = AI_STEP_REPLY, .payload = "{}" },
				   { .kind = AI_STEP_INTENT, .call_id = "c", .tool = "t", .payload = "{}" } };
	struct store_turn turn = *house_turn(1, 5);

	turn.journal = steps;
	turn.journal_count = 2;
	turn.attempts = 2;
	begin(house, &turn);
	house_recall(house);
	assert_int_equal(thinking(house)->journal_count, 2);
}

/* ---- how it ends badly ----------------------------------------------------------------------- */

static void test_every_failure_has_a_polite_line(void **state)
{
	static const char *codes[] = { "model_unavailable", "model_refused", "context_overflow", "timeout",
				       "never heard of" };
	struct house *house = *state;

	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
		struct question *q;

		house_think(house, (int64_t)i + 1, 5);
		fake_ai_fail(house->ai, thinking(house), codes[i]);
		q = house_question(house, Q_ANSWER);
		assert_int_equal(q->state, MESSAGE_FAILED);
		assert_string_equal(q->reason, codes[i]);
		assert_true(strlen(q->text) > 20);
		assert_null(strstr(q->text, "said no")); /* the operator's business */
		assert_true(q->has_result);
		house_answered(house);
	}
}

static void test_an_empty_answer_is_a_failure(void **state)
{
	struct house *house = *state;

	house_think(house, 1, 5);
	fake_ai_answer(house->ai, thinking(house), " \n");
	assert_string_equal(house_question(house, Q_ANSWER)->reason, "empty_answer");
}

/* Switched off while the message waited: no model is paid for it. */
static void test_a_person_who_was_switched_off(void **state)
{
	struct house *house = *state;
	struct store_turn turn = *house_turn(1, 5);

	turn.speaker.active = false;
	begin(house, &turn);
	assert_int_equal(fake_ai_count(house->ai), 0);
	assert_string_equal(house_question(house, Q_ANSWER)->reason, "disabled");
}

/* ---- what the model is told ------------------------------------------------------------------ */

static void test_a_late_message_says_so(void **state)
{
	struct house *house = *state;
	struct store_turn turn = *house_turn(1, 5);
	const char *prompt;

	turn.flags = INCOMING_LATE;
	begin(house, &turn);
	house_recall(house);
	prompt = thinking(house)->prompt;
	assert_int_equal(prompt[0], '[');
	assert_non_null(strstr(prompt, "late"));
	assert_string_equal(strchr(prompt, '\n'), "\nhello");
}

static void test_the_conversations_own_settings_win(void **state)
{
	struct house *house = *state;
	struct ai_message said[] = { { AI_USER, "hi" }, { AI_ASSISTANT, "hello" } };

	begin(house, house_turn(1, 5));
	fake_answer_recalled(
		house->store, house_question(house, Q_RECALL), NULL,
		&(struct store_recalled){
			.history = said, .count = 2, .model = "spare", .system_prompt = "Be long." });
	assert_string_equal(thinking(house)->system_prompt, "Be long.");
	assert_string_equal(thinking(house)->model, "spare");
	assert_int_equal(thinking(house)->history_count, 2);
}

/* One more line at the end, where it wins; the same for every question, so that providers can keep what is before it. */
static void test_the_speakers_language(void **state)
{
	struct house *house = *state;

	begin(house, house_turn(1, 5));
	fake_answer_recalled(house->store, house_question(house, Q_RECALL), NULL,
			     &(struct store_recalled){ .temperature = -1, .language = "pt-BR" });
	assert_string_equal(
		thinking(house)->system_prompt,
		"Be brief.\n\nAnswer in the language with the code \"pt-BR\", unless you are asked "
		"for another one.");
}

/* Who chose none is answered in the language they write in, as the store told it. */
static void test_the_language_of_the_message(void **state)
{
	struct house *house = *state;
	struct store_turn turn = *house_turn(1, 5);

	turn.language = "fr";
	begin(house, &turn);
	house_recall(house);
	assert_non_null(strstr(thinking(house)->system_prompt, "the code \"fr\""));
}

/* The installation was taken out of the settings while its message waited: it is answered all the same. */
static void test_a_turn_of_an_installation_that_is_gone(void **state)
{
	struct house *house = *state;
	struct store_turn turn = *house_turn(1, 5);

	turn.installation = "gone";
	begin(house, &turn);
	house_recall(house);
	says(thinking(house), "Hel", false);
	fake_ai_answer(house->ai, thinking(house), "Hello");
	house_answered(house);
	assert_int_equal(house->chat->part_count + house->chat->ended_count, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_a_model_that_never_answers, setup, house_teardown),
		cmocka_unit_test_setup_teardown(test_a_late_word_finds_nobody, setup, house_teardown),
		cmocka_unit_test_setup_teardown(test_a_slow_store_is_waited_for, setup, house_teardown),
		cmocka_unit_test_setup_teardown(test_recall_is_put_again, setup, house_teardown),
		cmocka_unit_test_setup_teardown(test_an_answer_waits_for_room_on_the_disk, setup,
						house_teardown),
		cmocka_unit_test_setup_teardown(test_an_end_that_is_refused, setup, house_teardown),
		cmocka_unit_test_setup_teardown(test_a_record_that_is_refused, setup, house_teardown),
		cmocka_unit_test_setup_teardown(test_parts_are_streamed, setup, house_teardown),
		cmocka_unit_test_setup_teardown(test_nothing_grows_before_those_that_wait, setup,
						house_teardown),
		cmocka_unit_test_setup_teardown(test_who_fetches_sees_it_grow, setup, house_teardown),
		cmocka_unit_test_setup_teardown(test_attempts_rise_over_restarts, setup, house_teardown),
		cmocka_unit_test_setup_teardown(test_only_who_streams_gets_parts, setup, house_teardown),
		cmocka_unit_test_setup_teardown(test_the_journal_is_in_order, setup, house_teardown),
		cmocka_unit_test_setup_teardown(test_a_journal_that_is_refused_ends_the_turn, setup,
						house_teardown),
		cmocka_unit_test_setup_teardown(test_a_resumed_turn_hands_its_journal_over, setup,
						house_teardown),
		cmocka_unit_test_setup_teardown(test_every_failure_has_a_polite_line, setup, house_teardown),
		cmocka_unit_test_setup_teardown(test_an_empty_answer_is_a_failure, setup, house_teardown),
		cmocka_unit_test_setup_teardown(test_a_person_who_was_switched_off, setup, house_teardown),
		cmocka_unit_test_setup_teardown(test_a_late_message_says_so, setup, house_teardown),
		cmocka_unit_test_setup_teardown(test_the_conversations_own_settings_win, setup,
						house_teardown),
		cmocka_unit_test_setup_teardown(test_the_speakers_language, setup, house_teardown),
		cmocka_unit_test_setup_teardown(test_the_language_of_the_message, setup, house_teardown),
		cmocka_unit_test_setup_teardown(test_a_turn_of_an_installation_that_is_gone, setup,
						house_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
