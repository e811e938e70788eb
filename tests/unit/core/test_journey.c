/* One message from coming in to being sent, and what a person would notice if a step of it broke. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "err.h"
#include "house.h"
#include <string.h>

static int setup(void **state)
{
	return house_setup(
		state, &(struct core_options){ .system_prompt = "Be brief.", .strangers = STRANGERS_PAIR });
}

/* The platform would forget a message that a crash then loses. */
static void test_nothing_is_acknowledged_before_it_is_stored(void **state)
{
	struct house *house = *state;

	house_say(house->chat, 7, "room", "hello");
	fake_loop_pass(house->loop, 60000);
	assert_int_equal(house->chat->ack_count, 0);
	house_accept(house, 5, 0);
	assert_int_equal(house->chat->ack_count, 1);
	assert_int_equal(house->chat->acks[0].receipt, 7);
	assert_int_equal(house->chat->acks[0].how, ACK_STORED);
	assert_int_equal(house->chat->acks[0].conversation_id, 5);
}

static void test_the_whole_way(void **state)
{
	struct house *house = *state;
	const char *answers_to[] = { "u1" };
	struct outgoing ended = { .answers_to = answers_to,
				  .answers_to_count = 1,
				  .state = MESSAGE_ANSWERED,
				  .text = "hi",
				  .reply_to = "there" };
	struct question *q;

	house_say(house->chat, 7, "room", "hello");
	assert_true(house_question(house, Q_ACCEPT)->may_claim);
	house_accept(house, 5, 1);
	house_recall(house);
	assert_string_equal(fake_ai_thought(house->ai, 0)->prompt, "hello");
	assert_string_equal(fake_ai_thought(house->ai, 0)->system_prompt, "Be brief.");
	assert_string_equal(fake_ai_thought(house->ai, 0)->profile_id, "ann");
	assert_string_equal(fake_ai_thought(house->ai, 0)->key, "turn-1");
	fake_ai_answer(house->ai, fake_ai_thought(house->ai, 0), "hi");
	q = house_question(house, Q_ANSWER);
	assert_int_equal(q->state, MESSAGE_ANSWERED);
	assert_string_equal(q->text, "hi");
	assert_int_equal(q->attempts, 1);
	assert_int_equal(house->chat->send_count, 0); /* not before the answer is stored */
	fake_answer_answered(
		house->store, q, NULL,
		&(struct store_answered){ .ended = &ended, .reply = house_reply(3, "chat", 5, 1) });
	assert_int_equal(house->chat->ended_count, 1);
	assert_int_equal(house->chat->send_count, 1);
	assert_string_equal(house->chat->sends[0].text, "the answer");
	house->chat->host->sent(house->chat->host, house->chat->sends[0].ticket, SENT_ACCEPTED, 0, "m9",
				NULL);
	q = house_question(house, Q_SENT);
	assert_int_equal(q->id, 3);
	assert_int_equal(q->reply_state, REPLY_SENT);
	assert_string_equal(q->remote_id, "m9");
	fake_answer_done(house->store, q, NULL);
	assert_int_equal(fake_store_waiting_all(house->store), 0);
	assert_true(house_metric("usher_messages_total{platform=\"chat\",outcome=\"answered\"}") == 1);
	assert_true(house_metric("usher_tokens_total{model=\"fake-1\",kind=\"input\"}") == 7);
	assert_true(house_metric("usher_replies_total{platform=\"chat\",outcome=\"accepted\"}") == 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_nothing_is_acknowledged_before_it_is_stored, setup,
						house_teardown),
		cmocka_unit_test_setup_teardown(test_the_whole_way, setup, house_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
