/* Order inside a conversation, fairness between them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "house.h"
#include <string.h>

static int open_with(void **state, unsigned turns_max)
{
	return house_setup(state, &(struct core_options){ .turns_max = turns_max, .disk_reserve = 4096 });
}

static int setup(void **state)
{
	return open_with(state, 8);
}

static int setup_one_slot(void **state)
{
	return open_with(state, 1);
}

static void answer(struct house *house)
{
	fake_ai_answer(house->ai, fake_ai_thought(house->ai, 0), "hi");
}

/* Two answers at once in one conversation would be written without knowing of each other. */
static void test_two_messages_at_once_are_answered_in_order(void **state)
{
	struct house *house = *state;
	struct question *q;

	house_say(house->chat, 1, "room", "first");
	house_say(house->chat, 2, "room", "second");
	house_accept(house, 5, 1);
	house_accept(house, 5, 0);
	house_recall(house);
	assert_int_equal(fake_ai_count(house->ai), 1);
	assert_int_equal(house_waiting(house, Q_CLAIM), 0);
	answer(house);
	q = house_question(house, Q_ANSWER);
	assert_true(q->claim_next); /* nobody else waits: one commit less */
	fake_answer_answered(house->store, q, NULL, &(struct store_answered){ .next = house_turn(2, 5) });
	house_recall(house);
	assert_int_equal(fake_ai_count(house->ai), 1);
	answer(house);
	house_answered(house);
	assert_int_equal(fake_store_waiting_all(house->store), 0);
	assert_true(house_status_says(house, "\"waiting_messages\":0"));
}

/* A message that comes while the turn's end is being stored is not seen by that end. */
static void test_a_message_that_comes_during_the_end_is_not_forgotten(void **state)
{
	struct house *house = *state;

	house_think(house, 1, 5);
	answer(house);
	house_say(house->chat, 2, "room", "one more");
	house_accept(house, 5, 0);
	house_answered(house); /* says: nothing waits */
	assert_int_equal(house_question(house, Q_CLAIM)->id, 5);
	fake_answer_turn(house->store, house_question(house, Q_CLAIM), NULL, house_turn(2, 5));
	assert_int_equal(house_waiting(house, Q_RECALL), 1);
}

/* One answer for a burst, and everyone who asked hears of it. */
static void test_a_burst_is_one_turn_with_all_ids(void **state)
{
	static const char *uuids[] = { "a", "b", "c" }, *keys[] = { "ka", "kb", "kc" };
	struct house *house = *state;
	struct store_turn turn = *house_turn(1, 5);
	struct thought *thought;

	turn.uuids = uuids;
	turn.delivery_keys = keys;
	turn.count = 3;
	turn.text = "one\ntwo\nthree";
	house_say(house->chat, 1, "room", "one");
	fake_answer_accepted(house->store, house_question(house, Q_ACCEPT), NULL,
			     &(struct store_accepted){ .how = ACCEPT_NEW,
						       .uuid = "a",
						       .conversation_id = 5,
						       .state = MESSAGE_CLAIMED,
						       .turn = &turn });
	house_recall(house);
	thought = fake_ai_thought(house->ai, 0);
	assert_string_equal(thought->prompt, "one\ntwo\nthree");
	thought->events->part(thought->owner, thought->ticket, "hi", 2, false);
	assert_int_equal(house->chat->parts[0].count, 3);
	for (int i = 0; i < 3; i++)
		house->chat->host->look(house->chat->host, uuids[i], (uint64_t)i);
	fake_loop_run(house->loop);
	assert_int_equal(house->chat->found_count, 3);
	answer(house);
	house_answered(house);
	assert_true(house_metric("usher_messages_total{platform=\"chat\",outcome=\"answered\"}") == 3);
	house->chat->host->look(house->chat->host, "a", 9);
	fake_loop_run(house->loop);
	assert_int_equal(house_waiting(house, Q_LOOK), 1); /* no longer in memory */
}

/* A chatty conversation must not keep the others out. */
static void test_conversations_share_one_slot(void **state)
{
	struct house *house = *state;
	struct question *q;

	house_say(house->chat, 1, "a", "first");
	house_accept(house, 5, 1);
	house_say(house->chat, 2, "a", "second");
	assert_false(house_question(house, Q_ACCEPT)->may_claim);
	house_accept(house, 5, 0);
	house_say(house->chat, 3, "b", "me too");
	house_accept(house, 6, 0);
	assert_int_equal(house_waiting(house, Q_CLAIM), 0);
	assert_true(house_status_says(house, "\"waiting_conversations\":1"));
	house_recall(house);
	answer(house);
	q = house_question(house, Q_ANSWER);
	assert_false(q->claim_next); /* b waits */
	fake_answer_answered(house->store, q, NULL, &(struct store_answered){ .waiting = true });
	assert_int_equal(house_waiting(house, Q_CLAIM), 1);
	assert_int_equal(house_question(house, Q_CLAIM)->id, 6);
	fake_answer_turn(house->store, house_question(house, Q_CLAIM), NULL, house_turn(3, 6));
	house_recall(house);
	answer(house);
	house_answered(house);
	assert_int_equal(house_question(house, Q_CLAIM)->id, 5);
}

static void test_at_most_turns_max_at_once(void **state)
{
	struct house *house = *state;

	for (int i = 1; i <= 12; i++)
		house_say(house->chat, (uint64_t)i, "room", "hello");
	for (int i = 1; i <= 12; i++) {
		bool may = house_question(house, Q_ACCEPT)->may_claim;

		assert_int_equal(may, i <= 8);
		house_accept(house, i, may ? i : 0);
	}
	assert_int_equal(house_waiting(house, Q_RECALL), 8);
	assert_int_equal(house_waiting(house, Q_CLAIM), 0);
	house_recall(house);
	answer(house);
	house_answered(house);
	assert_int_equal(house_waiting(house, Q_CLAIM), 1);
}

static void test_a_claim_that_could_not_be_made_is_made_later(void **state)
{
	struct house *house = *state;
	struct err busy = { .kind = ERR_AGAIN, .text = "busy" };

	house_say(house->chat, 1, "room", "hello");
	house_accept(house, 5, 0);
	fake_answer_turn(house->store, house_question(house, Q_CLAIM), &busy, NULL);
	assert_int_equal(house_waiting(house, Q_CLAIM), 0);
	house_say(house->chat, 2, "other", "hello");
	assert_false(house_question(house, Q_ACCEPT)->may_claim); /* nobody overtakes the one who waits */
	house_accept(house, 6, 0);
	fake_loop_pass(house->loop, 1500);
	assert_int_equal(house_waiting(house, Q_CLAIM), 2);
	assert_int_equal(house_question(house, Q_CLAIM)->id, 5);
	fake_answer_turn(house->store, house_question(house, Q_CLAIM), NULL, house_turn(1, 5));
	assert_int_equal(house_waiting(house, Q_RECALL), 1);
}

/* The operator took the waiting messages away: the conversation must not block a slot. */
static void test_nothing_to_claim_frees_the_slot(void **state)
{
	struct house *house = *state;

	house_say(house->chat, 1, "room", "hello");
	house_accept(house, 5, 0);
	fake_answer_turn(house->store, house_question(house, Q_CLAIM), NULL, NULL);
	house_say(house->chat, 2, "room", "hello");
	assert_true(house_question(house, Q_ACCEPT)->may_claim);
	assert_true(house_status_says(house, "\"waiting_messages\":0"));
}

/* A slot was held for a message that turned out to wait behind another. */
static void test_a_held_slot_is_given_on(void **state)
{
	struct house *house = *state;

	house_say(house->chat, 1, "a", "hello");
	house_say(house->chat, 2, "b", "hello");
	fake_answer_accepted(house->store, house_question(house, Q_ACCEPT), NULL,
			     &(struct store_accepted){ .how = ACCEPT_BEFORE, .uuid = "u" });
	house_accept(house, 6, 0);
	assert_int_equal(house_question(house, Q_CLAIM)->id, 6);
}

/* The copy of an earlier message held the slot: whoever waited gets it now, not at the next sweep. */
static void test_a_slot_held_in_vain(void **state)
{
	struct house *house = *state;
	struct question *second;

	house_say(house->chat, 1, "a", "a copy");
	house_say(house->chat, 2, "b", "hello");
	second = house_question(house, Q_ACCEPT)->next;
	assert_false(second->may_claim);
	fake_answer_accepted(
		house->store, second, NULL,
		&(struct store_accepted){
			.how = ACCEPT_NEW, .uuid = "u", .conversation_id = 6, .state = MESSAGE_ACCEPTED });
	assert_int_equal(house_waiting(house, Q_CLAIM), 0);
	fake_answer_accepted(house->store, house_question(house, Q_ACCEPT), NULL,
			     &(struct store_accepted){ .how = ACCEPT_BEFORE, .uuid = "u" });
	assert_int_equal(house_question(house, Q_CLAIM)->id, 6);
}

static void accept_more(struct house *house)
{
	struct question *q = house_question(house, Q_ACCEPT);

	assert_int_equal(q->may_claim, false);
	fake_answer_accepted(house->store, q, NULL,
			     &(struct store_accepted){ .how = ACCEPT_NEW,
						       .uuid = "u",
						       .conversation_id = 5,
						       .state = MESSAGE_ACCEPTED,
						       .flags = INCOMING_MORE });
}

static void say_more(struct house *house, uint64_t receipt)
{
	house->chat->host->incoming(house->chat->host, &(struct incoming){ .receipt = receipt,
									   .delivery_key = "part",
									   .sender = "ann",
									   .conversation = "room",
									   .text = "a picture",
									   .reply_to = "there",
									   .flags = INCOMING_MORE });
}

/* The pictures of an album come one after the other: one answer for all of them, and nobody else waits for it. */
static void test_more_of_the_same_is_waited_for(void **state)
{
	struct house *house = *state;

	say_more(house, 1);
	accept_more(house);
	fake_loop_pass(house->loop, 900);
	say_more(house, 2);
	accept_more(house);
	fake_loop_pass(house->loop, 900);
	assert_int_equal(house_waiting(house, Q_CLAIM), 0);
	house_say(house->chat, 3, "other", "hello");
	house_accept(house, 6, 0);
	assert_int_equal(house_question(house, Q_CLAIM)->id, 6); /* passes the one that rests */
	fake_answer_turn(house->store, house_question(house, Q_CLAIM), NULL, NULL);
	fake_loop_pass(house->loop, 1000);
	assert_int_equal(house_question(house, Q_CLAIM)->id, 5);
}

/* The person said something else: that was all of it. */
static void test_what_is_said_next_ends_the_rest(void **state)
{
	struct house *house = *state;

	say_more(house, 1);
	accept_more(house);
	house_say(house->chat, 2, "room", "what do you think?");
	house_accept(house, 5, 0);
	assert_int_equal(house_waiting(house, Q_CLAIM), 1);
}

/* It began while an answer was on its way out: the turn that ends must not claim half of it. */
static void test_more_of_the_same_behind_a_turn(void **state)
{
	struct house *house = *state;
	struct question *q;

	house_think(house, 1, 5);
	say_more(house, 2);
	accept_more(house);
	answer(house);
	q = house_question(house, Q_ANSWER);
	assert_false(q->claim_next);
	fake_answer_answered(house->store, q, NULL, &(struct store_answered){ .waiting = true });
	assert_int_equal(house_waiting(house, Q_CLAIM), 0);
	fake_loop_pass(house->loop, 1600);
	assert_int_equal(house_waiting(house, Q_CLAIM), 1);
}

/* Level 3 for want of disk space: stored, but no new turns until there is room again. */
static void test_store_only(void **state)
{
	struct house *house = *state;

	fake_gauges.disk_free = 2000;
	house_say(house->chat, 1, "room", "hello");
	assert_false(house_question(house, Q_ACCEPT)->may_claim);
	house_accept(house, 5, 0);
	assert_int_equal(house_waiting(house, Q_CLAIM), 0);
	fake_gauges.disk_free = 10000;
	fake_loop_pass(house->loop, 1000);
	assert_int_equal(house_waiting(house, Q_CLAIM), 1);
}

/* Level 3 because so many wait: without turns the queue would never become shorter again. */
static void test_a_long_queue_is_worked_off(void **state)
{
	struct house *house = *state;

	fake_gauges.queued = 200000;
	house_say(house->chat, 1, "room", "hello");
	assert_true(house_status_says(house, "\"level\":3"));
	house_accept(house, 5, 0);
	assert_int_equal(house_waiting(house, Q_CLAIM), 1);
	fake_gauges.queued = 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_two_messages_at_once_are_answered_in_order, setup,
						house_teardown),
		cmocka_unit_test_setup_teardown(test_a_message_that_comes_during_the_end_is_not_forgotten,
						setup, house_teardown),
		cmocka_unit_test_setup_teardown(test_a_burst_is_one_turn_with_all_ids, setup, house_teardown),
		cmocka_unit_test_setup_teardown(test_conversations_share_one_slot, setup_one_slot,
						house_teardown),
		cmocka_unit_test_setup_teardown(test_at_most_turns_max_at_once, setup, house_teardown),
		cmocka_unit_test_setup_teardown(test_a_claim_that_could_not_be_made_is_made_later, setup,
						house_teardown),
		cmocka_unit_test_setup_teardown(test_nothing_to_claim_frees_the_slot, setup_one_slot,
						house_teardown),
		cmocka_unit_test_setup_teardown(test_a_held_slot_is_given_on, setup_one_slot, house_teardown),
		cmocka_unit_test_setup_teardown(test_a_slot_held_in_vain, setup_one_slot, house_teardown),
		cmocka_unit_test_setup_teardown(test_more_of_the_same_is_waited_for, setup, house_teardown),
		cmocka_unit_test_setup_teardown(test_what_is_said_next_ends_the_rest, setup, house_teardown),
		cmocka_unit_test_setup_teardown(test_more_of_the_same_behind_a_turn, setup, house_teardown),
		cmocka_unit_test_setup_teardown(test_store_only, setup, house_teardown),
		cmocka_unit_test_setup_teardown(test_a_long_queue_is_worked_off, setup, house_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
