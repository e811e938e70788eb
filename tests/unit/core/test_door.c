/* Who may talk to us, and what the others are told. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "access.h"
#include "code.h"
#include "crypto.h"
#include "house.h"
#include <stdio.h>
#include <string.h>

static int open_with(void **state, enum strangers rule)
{
	return house_setup(state, &(struct core_options){ .strangers = rule });
}

static int setup_pair(void **state)
{
	return open_with(state, STRANGERS_PAIR);
}

static int setup_allow(void **state)
{
	return open_with(state, STRANGERS_ALLOW);
}

static int setup_deny(void **state)
{
	return open_with(state, STRANGERS_DENY);
}

static void a_stranger_speaks(struct house *house, const struct speaker *speaker)
{
	house_say(house->chat, 1, "room", "let me in");
	fake_answer_accepted(house->store, house_question(house, Q_ACCEPT), NULL,
			     &(struct store_accepted){ .how = ACCEPT_NEW,
						       .inbox_id = 44,
						       .uuid = "stranger-1",
						       .state = MESSAGE_ACCEPTED,
						       .speaker = speaker });
	assert_int_equal(house->chat->acks[0].how, ACK_STORED); /* the platform must not send it again */
	assert_int_equal(house->chat->acks[0].conversation_id, 0);
}

static void test_access(void **state)
{
	struct speaker on = { .active = true }, off = { .active = false };

	(void)state;
	assert_int_equal(access_decide(&on, STRANGERS_DENY, false), ACCESS_YES);
	assert_int_equal(access_decide(&off, STRANGERS_ALLOW, false), ACCESS_DISABLED);
	assert_int_equal(access_decide(NULL, STRANGERS_PAIR, false), ACCESS_PAIR);
	assert_int_equal(access_decide(NULL, STRANGERS_ALLOW, false), ACCESS_ADMIT);
	assert_int_equal(access_decide(NULL, STRANGERS_DENY, false), ACCESS_DENY);
	assert_int_equal(access_decide(NULL, STRANGERS_DENY, true),
			 ACCESS_ADMIT); /* the platform knows them */
	assert_int_equal(access_decide(&off, STRANGERS_ALLOW, true), ACCESS_DISABLED);
}

/* A code is read out over the telephone: no letter may be taken for another, and each must be as likely. */
static void test_codes(void **state)
{
	enum { CODES = 20000 };
	unsigned seen[128] = { 0 };
	size_t letters = strlen(code_alphabet);
	double expected = CODES * 8.0 / (double)letters;
	char first[CODE_SIZE], code[CODE_SIZE];

	(void)state;
	assert_null(strpbrk(code_alphabet, "0O1IL"));
	for (size_t i = 0; i < letters; i++)
		assert_ptr_equal(strchr(code_alphabet, code_alphabet[i]), &code_alphabet[i]);
	code_make(first);
	for (int i = 0; i < CODES; i++) {
		assert_int_equal(strlen(code_make(code)), 8);
		assert_string_not_equal(code, first);
		for (int k = 0; k < 8; k++)
			seen[(unsigned char)code[k]]++;
	}
	for (size_t i = 0; i < letters; i++) {
		unsigned count = seen[(unsigned char)code_alphabet[i]];

		assert_true(count > expected * 0.9 && count < expected * 1.1);
	}
}

static void test_a_stranger_gets_a_code(void **state)
{
	static const char *answers_to[] = { "stranger-1" };
	struct house *house = *state;
	struct question *q;

	a_stranger_speaks(house, NULL);
	q = house_question(house, Q_REFUSE);
	assert_int_equal(q->id, 44);
	assert_string_equal(q->reason, "pairing");
	assert_int_equal(strlen(q->code), 8);
	assert_non_null(strstr(q->text, q->code));
	assert_non_null(strstr(q->text, "usher pair approve"));
	assert_non_null(q->full_notice);
	fake_answer_ended(house->store, q, NULL, house_reply(9, "chat", 0, 1),
			  &(struct outgoing){ .answers_to = answers_to,
					      .answers_to_count = 1,
					      .state = MESSAGE_REFUSED,
					      .reason = "pairing" });
	assert_int_equal(house->chat->send_count, 1);
	assert_int_equal(house->chat->ended_count, 1);
	assert_int_equal(house->chat->ended[0].state, MESSAGE_REFUSED);
	assert_true(house_metric("usher_messages_total{platform=\"chat\",outcome=\"refused\"}") == 1);
}

static void test_a_refusal_that_could_not_be_stored_is_tried_again(void **state)
{
	struct house *house = *state;
	struct err full = { .kind = ERR_FULL, .text = "full" };

	a_stranger_speaks(house, NULL);
	fake_answer_ended(house->store, house_question(house, Q_REFUSE), &full, NULL, NULL);
	fake_loop_pass(house->loop, 1600);
	assert_int_equal(house_waiting(house, Q_REFUSE), 1);
}

/* Whoever opens an invitation and writes at once: the message behind the code was looked at before the code had counted. */
static void test_who_is_known_by_now_is_let_in(void **state)
{
	struct house *house = *state;
	struct err known = { .kind = ERR_GONE, .text = "the sender is known by now" };

	a_stranger_speaks(house, NULL);
	fake_answer_ended(house->store, house_question(house, Q_REFUSE), &known, NULL, NULL);
	assert_int_equal(house_question(house, Q_ADMIT)->id, 44);
	assert_int_equal(house->chat->send_count, 0);
	fake_answer_accepted(house->store, house_question(house, Q_ADMIT), &known, NULL);
	assert_int_equal(house_waiting(house, Q_REFUSE) + house_waiting(house, Q_ADMIT),
			 0); /* not for ever */
}

/* The first picture of an album, from somebody new: the others would be answered apart. */
static void test_more_of_a_stranger_is_waited_for(void **state)
{
	struct house *house = *state;

	house_say(house->chat, 1, "room", "a picture");
	fake_answer_accepted(house->store, house_question(house, Q_ACCEPT), NULL,
			     &(struct store_accepted){ .how = ACCEPT_NEW,
						       .inbox_id = 44,
						       .uuid = "stranger-1",
						       .flags = INCOMING_MORE,
						       .state = MESSAGE_ACCEPTED });
	assert_false(house_question(house, Q_ADMIT)->may_claim);
	fake_answer_accepted(house->store, house_question(house, Q_ADMIT), NULL,
			     &(struct store_accepted){ .how = ACCEPT_NEW,
						       .uuid = "stranger-1",
						       .flags = INCOMING_MORE,
						       .conversation_id = 5,
						       .state = MESSAGE_ACCEPTED });
	assert_int_equal(house_waiting(house, Q_CLAIM), 0);
	fake_loop_pass(house->loop, 1000);
	assert_int_equal(house_question(house, Q_CLAIM)->id, 5);
}

static void test_everyone_is_let_in(void **state)
{
	struct house *house = *state;
	struct question *q;

	a_stranger_speaks(house, NULL);
	q = house_question(house, Q_ADMIT);
	assert_int_equal(q->id, 44);
	assert_true(q->may_claim);
	fake_answer_accepted(house->store, q, NULL,
			     &(struct store_accepted){ .how = ACCEPT_NEW,
						       .uuid = "stranger-1",
						       .conversation_id = 5,
						       .state = MESSAGE_CLAIMED,
						       .turn = house_turn(1, 5) });
	assert_int_equal(house_waiting(house, Q_RECALL), 1);
}

/* Switched off by the operator between two messages: the second one must reach an end too. */
static void test_who_may_not_be_let_in_is_refused(void **state)
{
	struct house *house = *state;
	struct err off = { .kind = ERR_REFUSED, .text = "this person is switched off" };

	a_stranger_speaks(house, NULL);
	fake_answer_accepted(house->store, house_question(house, Q_ADMIT), &off, NULL);
	assert_string_equal(house_question(house, Q_REFUSE)->reason, "disabled");
	fake_answer_ended(house->store, house_question(house, Q_REFUSE), &off, NULL, NULL);
	assert_int_equal(fake_store_waiting_all(house->store), 0);
	house_say(house->chat, 2, "room", "hello");
	assert_true(house_question(house, Q_ACCEPT)->may_claim); /* no slot was lost */
}

static void test_a_slow_admission_is_waited_for(void **state)
{
	struct house *house = *state;

	a_stranger_speaks(house, NULL);
	fake_loop_pass(house->loop, 6000);
	assert_int_equal(house_waiting(house, Q_ADMIT), 1);
	assert_true(house_status_says(house, "\"strangers\":1"));
	fake_answer_accepted(house->store, house_question(house, Q_ADMIT), NULL,
			     &(struct store_accepted){ .how = ACCEPT_NEW,
						       .uuid = "stranger-1",
						       .conversation_id = 5,
						       .state = MESSAGE_ACCEPTED });
	assert_int_equal(house_question(house, Q_CLAIM)->id, 5);
	assert_true(house_status_says(house, "\"strangers\":0"));
}

/* Whoever knocks at a closed door learns nothing, but the operator can see it. */
static void test_nobody_is_let_in(void **state)
{
	struct house *house = *state;
	struct question *q;

	a_stranger_speaks(house, NULL);
	q = house_question(house, Q_REFUSE);
	assert_string_equal(q->reason, "stranger");
	assert_null(q->text);
	assert_null(q->code);
	fake_answer_ended(house->store, q, NULL, NULL, NULL);
	assert_int_equal(house->chat->send_count, 0);
}

static void test_a_switched_off_person_is_told(void **state)
{
	struct house *house = *state;
	struct speaker off = { .profile_id = "ann", .active = false };

	a_stranger_speaks(house, &off);
	assert_string_equal(house_question(house, Q_REFUSE)->reason, "disabled");
	assert_non_null(house_question(house, Q_REFUSE)->text);
	assert_null(house_question(house, Q_REFUSE)->code);
}

/* ---- codes of our own ------------------------------------------------------------------------- */

static void brings(struct house *house, const char *text, const struct speaker *speaker)
{
	house_say(house->chat, 1, "room", text);
	fake_answer_accepted(house->store, house_question(house, Q_ACCEPT), NULL,
			     &(struct store_accepted){ .how = ACCEPT_NEW,
						       .inbox_id = 44,
						       .uuid = "stranger-1",
						       .state = MESSAGE_ACCEPTED,
						       .flags = INCOMING_COMMAND,
						       .text = speaker ? NULL : text,
						       .speaker = speaker });
}

/* Whoever holds a code is let in wherever strangers are not; the store sees its hash only. */
static void test_a_good_code_opens(void **state)
{
	struct house *house = *state;
	char hash[CRYPTO_SHA256_HEX];
	struct store_turn turn;

	brings(house, " LINK acde-fghj ", NULL);
	assert_string_equal(house_question(house, Q_ADMIT)->code, crypto_sha256_hex("ACDEFGHJ", 8, hash));
	turn = *house_turn(1, 5);
	turn.flags = INCOMING_COMMAND;
	turn.text = "LINK acde-fghj";
	fake_answer_accepted(house->store, house_question(house, Q_ADMIT), NULL,
			     &(struct store_accepted){ .how = ACCEPT_NEW,
						       .uuid = "stranger-1",
						       .conversation_id = 5,
						       .state = MESSAGE_CLAIMED,
						       .turn = &turn });
	assert_string_equal(house_question(house, Q_ACT)->text, "link_use"); /* answers the same again */
	fake_answer_json(house->store, house_question(house, Q_ACT), NULL, "{}");
	assert_non_null(strstr(house_question(house, Q_ANSWER)->text, "Done"));
	house_answered(house);
}

/* Wrong, used or too old: the same words as for any stranger, so that nothing is learned from them. */
static void test_a_bad_code_is_a_stranger(void **state)
{
	static const struct err no[] = { { .kind = ERR_GONE, .text = "not known" },
					 { .kind = ERR_REFUSED, .text = "used before" } };
	struct house *house = *state;

	for (size_t i = 0; i < 2; i++) {
		brings(house, "link ACDEFGHJ", NULL);
		fake_answer_accepted(house->store, house_question(house, Q_ADMIT), &no[i], NULL);
		assert_true(house_question(house, Q_REFUSE)->wrong_code);
		assert_memory_equal(house_question(house, Q_REFUSE)->text, "I don't know you yet. Ask ", 26);
		fake_answer_ended(house->store, house_question(house, Q_REFUSE), NULL, NULL, NULL);
	}
	assert_true(house_status_says(house, "\"strangers\":0"));
	a_stranger_speaks(house, NULL);
	assert_false(house_question(house, Q_REFUSE)->wrong_code);
}

static void test_a_store_that_is_busy_with_a_code(void **state)
{
	static const struct err busy = { .kind = ERR_AGAIN, .text = "busy" };
	struct house *house = *state;

	brings(house, "link ACDEFGHJ", NULL);
	fake_answer_accepted(house->store, house_question(house, Q_ADMIT), &busy, NULL);
	fake_loop_pass(house->loop, 1600);
	assert_non_null(house_question(house, Q_ADMIT)->code);
}

/* Where everyone is let in a wrong code keeps nobody out, and the command says what is wrong with it. */
static void test_a_bad_code_where_everyone_may_come(void **state)
{
	static const struct err gone = { .kind = ERR_GONE, .text = "not known" };
	struct house *house = *state;

	brings(house, "link ACDEFGHJ", NULL);
	assert_non_null(house_question(house, Q_ADMIT)->code);
	fake_answer_accepted(house->store, house_question(house, Q_ADMIT), &gone, NULL);
	assert_null(house_question(house, Q_ADMIT)->code);
	assert_true(house_question(house, Q_ADMIT)->may_claim);
}

/* No code in it, or said by somebody we know (approved meanwhile): the door decides as ever. */
static void test_what_is_no_code(void **state)
{
	static const char *const others[] = { "help", "link", "link ABC", "linked ACDEFGHJ" };
	struct house *house = *state;
	struct speaker ann = { .profile_id = "ann", .active = true };

	for (size_t i = 0; i < 4; i++) {
		brings(house, others[i], NULL);
		assert_false(house_question(house, Q_REFUSE)->wrong_code);
		fake_answer_ended(house->store, house_question(house, Q_REFUSE), NULL, NULL, NULL);
	}
	brings(house, "link ACDEFGHJ", &ann);
	assert_null(house_question(house, Q_ADMIT)->code);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_access),
		cmocka_unit_test(test_codes),
		cmocka_unit_test_setup_teardown(test_a_stranger_gets_a_code, setup_pair, house_teardown),
		cmocka_unit_test_setup_teardown(test_a_refusal_that_could_not_be_stored_is_tried_again,
						setup_pair, house_teardown),
		cmocka_unit_test_setup_teardown(test_who_is_known_by_now_is_let_in, setup_pair,
						house_teardown),
		cmocka_unit_test_setup_teardown(test_more_of_a_stranger_is_waited_for, setup_allow,
						house_teardown),
		cmocka_unit_test_setup_teardown(test_everyone_is_let_in, setup_allow, house_teardown),
		cmocka_unit_test_setup_teardown(test_who_may_not_be_let_in_is_refused, setup_allow,
						house_teardown),
		cmocka_unit_test_setup_teardown(test_a_slow_admission_is_waited_for, setup_allow,
						house_teardown),
		cmocka_unit_test_setup_teardown(test_nobody_is_let_in, setup_deny, house_teardown),
		cmocka_unit_test_setup_teardown(test_a_switched_off_person_is_told, setup_allow,
						house_teardown),
		cmocka_unit_test_setup_teardown(test_a_good_code_opens, setup_deny, house_teardown),
		cmocka_unit_test_setup_teardown(test_a_bad_code_is_a_stranger, setup_pair, house_teardown),
		cmocka_unit_test_setup_teardown(test_a_store_that_is_busy_with_a_code, setup_pair,
						house_teardown),
		cmocka_unit_test_setup_teardown(test_a_bad_code_where_everyone_may_come, setup_allow,
						house_teardown),
		cmocka_unit_test_setup_teardown(test_what_is_no_code, setup_pair, house_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
