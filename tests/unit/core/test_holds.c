/* What stands for a reply at the platform before its text is there: durable first, and only for who sends it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "house.h"
#include <string.h>

static int setup(void **state)
{
	return house_setup(state, &(struct core_options){ 0 });
}

static uint64_t sending(struct house *house, int64_t reply_id)
{
	house_due(house, house_reply(reply_id, "hook", reply_id, 1));
	return house->hook->sends[house->hook->send_count - 1].ticket;
}

static void hold(struct house *house, uint64_t ticket, const char *remote_id)
{
	house->hook->host->hold(house->hook->host, ticket, remote_id);
}

static void told(struct house *house, size_t count, uint64_t ticket, enum err_kind kind)
{
	assert_int_equal(house->hook->held_count, count);
	if (count) {
		assert_int_equal(house->hook->held[count - 1].ticket, ticket);
		assert_int_equal(house->hook->held[count - 1].kind, kind);
	}
}

/* Its text may be put in only when the next process, too, would find where it went. */
static void test_told_when_it_is_durable(void **state)
{
	struct house *house = *state;
	uint64_t ticket = sending(house, 1);
	struct question *q;

	hold(house, ticket, "77");
	fake_loop_run(house->loop);
	told(house, 0, 0, ERR_NONE);
	q = house_question(house, Q_HOLD);
	assert_int_equal(q->id, 1);
	assert_string_equal(q->remote_id, "77");
	fake_answer_done(house->store, q, NULL);
	told(house, 1, ticket, ERR_NONE);
	hold(house, ticket, "78"); /* the first one was deleted by somebody */
	fake_answer_done(house->store, house_question(house, Q_HOLD), NULL);
	told(house, 2, ticket, ERR_NONE);
}

static void test_a_store_that_cannot_keep_it(void **state)
{
	static const struct err full = { .kind = ERR_FULL, .text = "the disk is full" };
	struct house *house = *state;
	uint64_t ticket = sending(house, 1);

	hold(house, ticket, "77");
	fake_answer_done(house->store, house_question(house, Q_HOLD), &full);
	told(house, 1, ticket, ERR_FULL);
	house->hook->host->sent(house->hook->host, ticket, SENT_NOT, 0, NULL, "not kept");
	assert_int_equal(house_question(house, Q_SENT)->reply_state, REPLY_PENDING);
}

/* Only the one who sends it, and only while it does; never from inside the call. */
static void test_nobody_sends_it(void **state)
{
	struct house *house = *state;
	uint64_t ticket = sending(house, 1);
	char longest[MESSAGE_KEY_MAX + 2];

	house->chat->host->hold(house->chat->host, ticket, "77"); /* another plugin's ticket */
	assert_int_equal(house->chat->held_count, 0);
	fake_loop_run(house->loop);
	assert_int_equal(house->chat->held[0].kind, ERR_GONE);
	memset(longest, 'x', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	hold(house, ticket, longest);
	hold(house, ticket, "");
	hold(house, ticket, NULL);
	told(house, 0, 0, ERR_NONE);
	fake_loop_run(house->loop);
	told(house, 3, ticket, ERR_REFUSED);
	house->hook->host->sent(house->hook->host, ticket, SENT_ACCEPTED, 0, "77", NULL);
	hold(house, ticket, "78");
	fake_loop_run(house->loop);
	told(house, 4, ticket, ERR_GONE);
	assert_int_equal(house_waiting(house, Q_HOLD), 0);
}

/* The time limit of the send passes while the store is slow: the next attempt is another one. */
static void test_the_attempt_ends_first(void **state)
{
	struct house *house = *state;
	uint64_t ticket = sending(house, 1);

	hold(house, ticket, "77");
	fake_loop_pass(house->loop, 121000);
	assert_int_equal(house_question(house, Q_SENT)->reply_state, REPLY_PENDING);
	fake_answer_done(house->store, house_question(house, Q_HOLD), NULL);
	told(house, 1, ticket, ERR_GONE);
}

/* Handed over again with what stands there, also after it has waited for a place among those being sent. */
static void test_later_attempts_are_told(void **state)
{
	struct house *house = *state;
	struct store_reply reply = *house_reply(1, "hook", 1, 2);

	reply.out.remote_id = "77";
	house_due(house, &reply);
	assert_string_equal(house->hook->sends[0].remote_id, "77");
	for (int64_t id = 2; id <= 16; id++)
		sending(house, id);
	reply = *house_reply(17, "hook", 17, 2);
	reply.out.remote_id = "80";
	house_due(house, &reply);
	assert_int_equal(house->hook->send_count, 16);
	house->hook->host->sent(house->hook->host, house->hook->sends[0].ticket, SENT_ACCEPTED, 0, NULL,
				NULL);
	fake_loop_run(house->loop);
	assert_int_equal(house->hook->send_count, 17);
	assert_string_equal(house->hook->sends[16].remote_id, "80");
	assert_string_equal(house->hook->sends[5].remote_id, "");
}

static void on_stopped(void *owner)
{
	((struct house *)owner)->stopped++;
}

/* The end of the daemon waits for what is on its way to the store, and then for nothing. */
static void test_a_stop(void **state)
{
	struct house *house = *state;
	uint64_t ticket = sending(house, 1);

	hold(house, ticket, "77");
	core_stop(house->core, 1000, on_stopped, house);
	fake_loop_pass(house->loop, 2000);
	assert_int_equal(house->stopped, 0);
	fake_answer_done(house->store, house_question(house, Q_HOLD), NULL);
	told(house, 1, ticket, ERR_NONE);
	house->hook->host->sent(house->hook->host, ticket, SENT_ACCEPTED, 0, "77", NULL);
	fake_answer_done(house->store, house_question(house, Q_SENT), NULL);
	fake_loop_pass(house->loop, 100);
	assert_int_equal(house->stopped, 1);
}

#define WITH_HOUSE(test) cmocka_unit_test_setup_teardown(test, setup, house_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_HOUSE(test_told_when_it_is_durable), WITH_HOUSE(test_a_store_that_cannot_keep_it),
		WITH_HOUSE(test_nobody_sends_it),	  WITH_HOUSE(test_the_attempt_ends_first),
		WITH_HOUSE(test_later_attempts_are_told), WITH_HOUSE(test_a_stop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
