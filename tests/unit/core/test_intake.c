/* What is taken in, what is refused, and what the platform is told. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "house.h"
#include "ingress.h"
#include "mem.h"
#include <stdlib.h>
#include <string.h>

static int setup(void **state)
{
	return house_setup(state, &(struct core_options){ .strangers = STRANGERS_PAIR });
}

static struct incoming plain(void)
{
	return (struct incoming){
		.delivery_key = "d", .sender = "ann", .conversation = "room", .text = "hello"
	};
}

static char *letters(size_t count)
{
	char *text = mem_alloc(count + 1);

	memset(text, 'a', count);
	text[count] = '\0';
	return text;
}

/* One byte too many somewhere must be a clear refusal, the last allowed byte must not. */
static void test_limits(void **state)
{
	struct incoming in = plain();
	struct message_file files[MESSAGE_FILES_MAX + 1];
	char *key = letters(MESSAGE_KEY_MAX + 1), *text = letters(MESSAGE_TEXT_MAX + 1);

	(void)state;
	assert_null(limits_broken(&in));
	in.delivery_key = key;
	assert_non_null(limits_broken(&in));
	key[MESSAGE_KEY_MAX] = '\0';
	assert_null(limits_broken(&in));
	in.text = text;
	assert_non_null(limits_broken(&in));
	text[MESSAGE_TEXT_MAX] = '\0';
	assert_null(limits_broken(&in));
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		files[i] = (struct message_file){ .url = "https://files.example.org/a" };
	in.files = files;
	in.file_count = MESSAGE_FILES_MAX;
	assert_null(limits_broken(&in));
	in.file_count++;
	assert_non_null(limits_broken(&in));
	in.file_count = 1;
	files[0].url = NULL;
	assert_non_null(limits_broken(&in));
	free(key);
	free(text);
}

static void test_what_is_missing_or_not_text(void **state)
{
	struct incoming in = plain();

	(void)state;
	in.text = " \t\n\xe2\x80\x83";
	assert_non_null(limits_broken(&in));
	in.flags = INCOMING_IGNORE;
	assert_null(limits_broken(&in));
	in = plain();
	in.text = "cut \xe2\x82";
	assert_non_null(limits_broken(&in));
	in = plain();
	in.sender_name = "\xff";
	assert_non_null(limits_broken(&in));
	in = plain();
	in.sender = NULL;
	assert_non_null(limits_broken(&in));
	in = plain();
	in.conversation = NULL;
	assert_non_null(limits_broken(&in));
	in.flags = INCOMING_NEW;
	assert_null(limits_broken(&in));
	in.flags = 0;
	in.conversation_id = 4;
	assert_null(limits_broken(&in));
}

static void test_what_people_do_besides_talking(void **state)
{
	static const struct message_file file = { .url = "F1" };
	struct incoming in = plain();

	(void)state;
	in.text = "";
	assert_non_null(limits_broken(&in));
	in.files = &file; /* a file speaks for itself */
	in.file_count = 1;
	assert_null(limits_broken(&in));
	in = plain();
	in.kind = INCOMING_DELETED;
	in.text = NULL;
	in.conversation = NULL;
	assert_string_equal(limits_broken(&in), "the target is missing");
	in.target = "C1:17.5";
	assert_null(limits_broken(&in));
	in.kind = INCOMING_RATED;
	assert_non_null(limits_broken(&in));
	in.text = "up";
	assert_null(limits_broken(&in));
	in.text = "sideways";
	assert_non_null(limits_broken(&in));
	in.kind = INCOMING_STOPPED; /* of what? */
	assert_string_equal(limits_broken(&in), "the conversation is missing");
	in.conversation = "room";
	assert_null(limits_broken(&in));
	in.kind = INCOMING_MOVED + 1;
	assert_non_null(limits_broken(&in));
	in = plain();
	in.kind = INCOMING_MOVED; /* from where, and to where? */
	in.text = NULL;
	assert_string_equal(limits_broken(&in), "the target is missing");
	in.target = "5";
	assert_null(limits_broken(&in));
	in.conversation = NULL;
	assert_string_equal(limits_broken(&in), "the conversation is missing");
	in.conversation = "5/1";
	assert_string_equal(limits_broken(&in), "a place is moved into itself");
	in.conversation = "5";
	assert_string_equal(limits_broken(&in), "a place is moved into itself");
	in.conversation = "51";
	assert_null(limits_broken(&in));
}

static void test_cursors(void **state)
{
	static const char *const good[] = { "0", "1700000000.000100", "17" }, *const bad[] = {
		"", ".5", "1.2.3", "1e9", "-1", " 1", "x"
	};
	struct incoming in = plain();

	(void)state;
	in.cursor_scope = "C1";
	assert_non_null(limits_broken(&in));
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		in.cursor = good[i];
		assert_null(limits_broken(&in));
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		in.cursor = bad[i];
		assert_non_null(limits_broken(&in));
	}
	in.cursor = "1";
	in.cursor_scope = NULL;
	assert_non_null(limits_broken(&in));
}

/* A plugin that is told inside its own call would use what it has not set up yet. */
static void test_a_refusal_comes_later_and_once(void **state)
{
	struct house *house = *state;

	house_say(house->chat, 1, "room", "  ");
	assert_int_equal(house->chat->ack_count, 0);
	fake_loop_run(house->loop);
	assert_int_equal(house->chat->ack_count, 1);
	assert_int_equal(house->chat->acks[0].how, ACK_INVALID);
	assert_string_equal(house->chat->acks[0].why, "the text is empty");
	assert_int_equal(fake_store_waiting_all(house->store), 0);
}

static void answer_accept(struct house *house, enum accept_how how)
{
	fake_answer_accepted(
		house->store, house_question(house, Q_ACCEPT), NULL,
		&(struct store_accepted){ .how = how, .uuid = "first", .state = MESSAGE_ANSWERED });
}

static void test_what_the_store_says_is_passed_on(void **state)
{
	static const struct {
		enum accept_how said;
		enum ack_how told;
		const char *uuid;
	} rows[] = {
		{ ACCEPT_BEFORE, ACK_BEFORE, "first" },
		{ ACCEPT_CONFLICT, ACK_CONFLICT, "" },
		{ ACCEPT_NO_CONVERSATION, ACK_NO_CONVERSATION, "" },
		{ ACCEPT_ARCHIVED, ACK_ARCHIVED, "" },
		{ ACCEPT_DISABLED, ACK_DISABLED, "" },
		{ ACCEPT_NOT_ADDRESSED, ACK_NOT_ADDRESSED, "" },
	};
	struct house *house = *state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		house_say(house->hook, i, "room", "hello");
		answer_accept(house, rows[i].said);
		assert_int_equal(house->hook->acks[i].how, rows[i].told);
		assert_string_equal(house->hook->acks[i].uuid, rows[i].uuid);
	}
	assert_int_equal(fake_store_waiting_all(house->store), 0);
	assert_int_equal(house->hook->acks[0].state, MESSAGE_ANSWERED);
}

/* A passing fault must make the sender come back, not go away with a message lost. */
static void test_a_store_that_cannot(void **state)
{
	static const struct {
		enum err_kind kind;
		enum ack_how told;
		bool retry;
	} rows[] = { { ERR_AGAIN, ACK_BUSY, true },
		     { ERR_FULL, ACK_FAILED, true },
		     { ERR_UNSURE, ACK_FAILED, true },
		     { ERR_REFUSED, ACK_INVALID, false } };
	struct house *house = *state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct err err = { .kind = rows[i].kind, .text = "no" };

		house_say(house->chat, i, "room", "hello");
		fake_answer_accepted(house->store, house_question(house, Q_ACCEPT), &err, NULL);
		assert_int_equal(house->chat->acks[i].how, rows[i].told);
		assert_int_equal(house->chat->acks[i].retry_ms > 0, rows[i].retry);
	}
	house_say(house->chat, 9, "room", "hello");
	assert_true(house_question(house, Q_ACCEPT)->may_claim); /* no slot was lost on the way */
}

static void test_a_failed_store_ends_the_daemon_once(void **state)
{
	struct house *house = *state;
	struct err err = { .kind = ERR_FATAL, .text = "disk I/O error" };

	house_say(house->chat, 1, "room", "hello");
	house_say(house->chat, 2, "room", "hello");
	fake_answer_accepted(house->store, house_question(house, Q_ACCEPT), &err, NULL);
	fake_answer_accepted(house->store, house_question(house, Q_ACCEPT), &err, NULL);
	assert_int_equal(house->fatal, 1);
	assert_int_equal(house->chat->acks[1].how, ACK_FAILED);
	house_say(house->chat, 3, "room", "hello");
	fake_loop_run(house->loop);
	assert_int_equal(house->chat->acks[2].how, ACK_BUSY);
	assert_int_equal(fake_store_waiting_all(house->store), 0);
}

/* Slack forgets in minutes, an API caller does not: the caller waits first. */
static void test_who_is_refused_under_pressure(void **state)
{
	struct house *house = *state;

	fake_gauges.queued = 10001;
	house_say(house->hook, 1, "room", "hello");
	house_say(house->chat, 1, "room", "hello");
	fake_loop_run(house->loop);
	assert_int_equal(house->hook->acks[0].how, ACK_BUSY);
	assert_true(house->hook->acks[0].retry_ms > 0);
	assert_int_equal(house_waiting(house, Q_ACCEPT), 1);
	house_accept(house, 5, 0);
	assert_int_equal(house->chat->acks[0].how, ACK_STORED);
	fake_gauges.full = true;
	house_say(house->chat, 2, "room", "hello");
	fake_loop_run(house->loop);
	assert_int_equal(house->chat->acks[1].how, ACK_BUSY);
	assert_string_equal(house->chat->acks[1].why, "the disk is full");
	assert_int_equal(core_level(house->core, NULL), 4);
}

static void test_an_ignored_event_is_acknowledged_and_that_is_all(void **state)
{
	struct house *house = *state;

	house_say(house->chat, 1, "room", "an emoji");
	fake_answer_accepted(
		house->store, house_question(house, Q_ACCEPT), NULL,
		&(struct store_accepted){ .how = ACCEPT_NEW, .uuid = "u", .state = MESSAGE_IGNORED });
	assert_int_equal(house->chat->acks[0].how, ACK_STORED);
	assert_int_equal(house->chat->acks[0].state, MESSAGE_IGNORED);
	assert_int_equal(fake_store_waiting_all(house->store), 0);
}

/* ---- looking --------------------------------------------------------------------------------- */

/* Someone who lost the connection sees what has been said so far, not an empty page. */
static void test_look_while_it_is_answered(void **state)
{
	struct house *house = *state;
	struct thought *thought;

	house_think(house, 1, 5);
	thought = fake_ai_thought(house->ai, 0);
	thought->events->part(thought->owner, thought->ticket, "so far", 6, false);
	house->chat->host->look(house->chat->host, "u1", 70);
	assert_int_equal(house->chat->found_count, 0);
	fake_loop_run(house->loop);
	assert_int_equal(house->chat->found_count, 1);
	assert_int_equal(house->chat->found[0].ticket, 70);
	assert_int_equal(house->chat->found[0].state, MESSAGE_CLAIMED);
	assert_string_equal(house->chat->found[0].text, "so far");
	assert_int_equal(house->chat->found[0].attempt, 1);
	house->hook->host->look(house->hook->host, "u1", 71); /* another installation's message */
	fake_loop_run(house->loop);
	assert_string_equal(house_question(house, Q_LOOK)->platform, "hook");
	fake_answer_found(house->store, house_question(house, Q_LOOK), NULL, NULL);
	assert_true(house->hook->found[0].none);
}

static void test_look_after_the_end(void **state)
{
	struct house *house = *state;

	house->chat->host->look(house->chat->host, "u1", 70);
	fake_loop_run(house->loop);
	fake_answer_found(house->store, house_question(house, Q_LOOK), NULL,
			  &(struct outgoing){ .state = MESSAGE_ANSWERED, .text = "the answer" });
	assert_int_equal(house->chat->found[0].state, MESSAGE_ANSWERED);
	assert_string_equal(house->chat->found[0].text, "the answer");
}

/* The store said "being answered" and the answer came before the word did: the asker must not wait for ever.
 */
static void test_look_that_was_overtaken(void **state)
{
	struct house *house = *state;

	house_think(house, 1, 5);
	house->chat->host->look(house->chat->host, "other", 70);
	fake_loop_run(house->loop);
	fake_ai_answer(house->ai, fake_ai_thought(house->ai, 0), "hi");
	house_answered(house);
	fake_answer_found(house->store, house_question(house, Q_LOOK), NULL,
			  &(struct outgoing){ .state = MESSAGE_CLAIMED });
	assert_int_equal(house->chat->found_count, 0);
	fake_answer_found(house->store, house_question(house, Q_LOOK), NULL,
			  &(struct outgoing){ .state = MESSAGE_ANSWERED, .text = "hi" });
	assert_int_equal(house->chat->found_count, 1);
	assert_int_equal(house->chat->found[0].state, MESSAGE_ANSWERED);
}

/* It waits for its turn: that is said, and when it has begun meanwhile, what there is of the answer. */
static void test_look_at_a_waiting_message(void **state)
{
	struct house *house = *state;
	struct outgoing waits = { .state = MESSAGE_ACCEPTED };

	house->chat->host->look(house->chat->host, "u1", 70);
	fake_loop_run(house->loop);
	fake_answer_found(house->store, house_question(house, Q_LOOK), NULL, &waits);
	assert_int_equal(house->chat->found[0].state, MESSAGE_ACCEPTED);
	house->chat->host->look(house->chat->host, "u1", 71);
	fake_loop_run(house->loop);
	house_think(house, 1, 5);
	fake_answer_found(house->store, house_question(house, Q_LOOK), NULL, &waits);
	assert_int_equal(house->chat->found[1].ticket, 71);
	assert_int_equal(house->chat->found[1].state, MESSAGE_CLAIMED);
}

/* An id as long as a page is not an id. */
static void test_look_with_nonsense(void **state)
{
	struct house *house = *state;
	char *id = letters(5000);

	house->chat->host->look(house->chat->host, id, 70);
	free(id);
	fake_loop_run(house->loop);
	assert_string_equal(house_question(house, Q_LOOK)->uuid, "");
	fake_answer_found(house->store, house_question(house, Q_LOOK), NULL, NULL);
	assert_true(house->chat->found[0].none);
}

static void test_look_when_the_store_is_busy(void **state)
{
	struct house *house = *state;
	struct err busy = { .kind = ERR_AGAIN, .text = "busy" };

	house->chat->host->look(house->chat->host, "u1", 70);
	fake_loop_run(house->loop);
	fake_answer_found(house->store, house_question(house, Q_LOOK), &busy, NULL);
	assert_int_equal(house->chat->found_count, 0);
	fake_loop_pass(house->loop, 1000);
	fake_answer_found(house->store, house_question(house, Q_LOOK), NULL, NULL);
	assert_true(house->chat->found[0].none);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_what_is_missing_or_not_text),
		cmocka_unit_test(test_what_people_do_besides_talking),
		cmocka_unit_test(test_cursors),
		cmocka_unit_test_setup_teardown(test_a_refusal_comes_later_and_once, setup, house_teardown),
		cmocka_unit_test_setup_teardown(test_what_the_store_says_is_passed_on, setup, house_teardown),
		cmocka_unit_test_setup_teardown(test_a_store_that_cannot, setup, house_teardown),
		cmocka_unit_test_setup_teardown(test_a_failed_store_ends_the_daemon_once, setup,
						house_teardown),
		cmocka_unit_test_setup_teardown(test_who_is_refused_under_pressure, setup, house_teardown),
		cmocka_unit_test_setup_teardown(test_an_ignored_event_is_acknowledged_and_that_is_all, setup,
						house_teardown),
		cmocka_unit_test_setup_teardown(test_look_while_it_is_answered, setup, house_teardown),
		cmocka_unit_test_setup_teardown(test_look_after_the_end, setup, house_teardown),
		cmocka_unit_test_setup_teardown(test_look_that_was_overtaken, setup, house_teardown),
		cmocka_unit_test_setup_teardown(test_look_at_a_waiting_message, setup, house_teardown),
		cmocka_unit_test_setup_teardown(test_look_with_nonsense, setup, house_teardown),
		cmocka_unit_test_setup_teardown(test_look_when_the_store_is_busy, setup, house_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
