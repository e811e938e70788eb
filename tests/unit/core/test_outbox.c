/* Replies: never twice where that would show, never lost where it can be helped. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "clock.h"
#include "house.h"
#include "outbox.h"
#include "outcome.h"
#include <string.h>

static int setup(void **state)
{
	return house_setup(state, &(struct core_options){ 0 });
}

static enum reply_state judge(enum sent how, unsigned can, int64_t expires_ms, int64_t *next_ms)
{
	return outcome_judge(&(struct outcome_facts){ .how = how,
						      .can = can,
						      .attempt = 3,
						      .retry_cap_s = 60,
						      .retry_ms = 7000,
						      .now_ms = 1000000,
						      .expires_ms = expires_ms },
			     next_ms);
}

/* The rules of durability.md 2.5, one row each. */
static void test_what_follows_from_an_outcome(void **state)
{
	static const struct {
		enum sent how;
		unsigned can;
		enum reply_state state;
	} rows[] = {
		{ SENT_ACCEPTED, 0, REPLY_SENT },   { SENT_NOT, 0, REPLY_PENDING },
		{ SENT_MAYBE, 0, REPLY_UNKNOWN },   { SENT_MAYBE, PLATFORM_RESENDS, REPLY_PENDING },
		{ SENT_LIMITED, 0, REPLY_PENDING }, { SENT_REJECTED, PLATFORM_RESENDS, REPLY_REJECTED },
		{ SENT_AUTH, 0, REPLY_PENDING },
	};
	int64_t next;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(judge(rows[i].how, rows[i].can, 0, &next), rows[i].state);
		assert_int_equal(next != 0, rows[i].state == REPLY_PENDING);
	}
	judge(SENT_LIMITED, 0, 0, &next);
	assert_int_equal(next, 1007000);
	for (int i = 0; i < 200; i++) {
		judge(SENT_NOT, 0, 0, &next);
		assert_true(next >= 1000000 && next <= 1004000); /* full jitter below 1 s * 2^2 */
	}
	assert_int_equal(judge(SENT_LIMITED, 0, 1005000, &next), REPLY_EXPIRED);
	assert_int_equal(judge(SENT_AUTH, 0, 1005000, &next), REPLY_EXPIRED);
	assert_int_equal(judge(SENT_MAYBE, PLATFORM_RESENDS, 1000000, &next), REPLY_UNKNOWN);
}

static struct fake_send *last_send(struct platform *platform)
{
	assert_true(platform->send_count > 0);
	return &platform->sends[platform->send_count - 1];
}

static void ends(struct platform *platform, uint64_t ticket, enum sent how)
{
	platform->host->sent(platform->host, ticket, how, how == SENT_LIMITED ? 3000 : 0, NULL, "because");
}

static void settle(struct house *house, enum reply_state state)
{
	struct question *q = house_question(house, Q_SENT);

	assert_int_equal(q->reply_state, state);
	fake_answer_done(house->store, q, NULL);
}

/* The connection broke while the answer was on its way: a second copy would be read as a second answer. */
static void test_maybe_is_not_repeated_where_it_shows(void **state)
{
	struct house *house = *state;

	house_due(house, house_reply(1, "chat", 5, 1));
	ends(house->chat, last_send(house->chat)->ticket, SENT_MAYBE);
	assert_string_equal(house_question(house, Q_SENT)->why, "because");
	settle(house, REPLY_UNKNOWN);
	house_due(house, house_reply(2, "hook", 6, 1));
	ends(house->hook, last_send(house->hook)->ticket, SENT_MAYBE);
	assert_true(house_question(house, Q_SENT)->next_ms > 0);
	settle(house, REPLY_PENDING);
	assert_true(house_metric("usher_replies_total{platform=\"hook\",outcome=\"maybe\"}") == 1);
}

static void test_a_failed_send_comes_again_by_itself(void **state)
{
	struct house *house = *state;

	house_due(house, house_reply(1, "chat", 5, 1));
	ends(house->chat, last_send(house->chat)->ticket, SENT_LIMITED);
	assert_true(house_question(house, Q_SENT)
			    ->waits); /* or ten waits would make the first failure a long one */
	settle(house, REPLY_PENDING);
	fake_loop_pass(house->loop, 2000);
	assert_int_equal(house_waiting(house, Q_DUE), 0);
	fake_loop_pass(house->loop, 2000);
	fake_answer_due(house->store, house_question(house, Q_DUE), NULL, house_reply(1, "chat", 5, 2), 1, 0);
	assert_int_equal(house->chat->send_count, 2);
	assert_string_equal(last_send(house->chat)->uuid, "r1"); /* the idempotency key stays */
	assert_int_equal(last_send(house->chat)->attempt, 2);
	ends(house->chat, last_send(house->chat)->ticket, SENT_NOT);
	assert_false(house_question(house, Q_SENT)->waits);
	settle(house, REPLY_PENDING);
}

/* A plugin that forgot: after two minutes the reply may have arrived, and its late word changes nothing. */
static void test_a_silent_plugin(void **state)
{
	struct house *house = *state;
	uint64_t ticket;

	house_due(house, house_reply(1, "chat", 5, 1));
	ticket = last_send(house->chat)->ticket;
	fake_loop_pass(house->loop, 119000);
	assert_int_equal(house_waiting(house, Q_SENT), 0);
	fake_loop_pass(house->loop, 2000);
	settle(house, REPLY_UNKNOWN);
	ends(house->chat, ticket, SENT_ACCEPTED);
	assert_int_equal(house_waiting(house, Q_SENT), 0);
}

/* Another installation's plugin must not be able to end a send that is not its own. */
static void test_a_foreign_ticket(void **state)
{
	struct house *house = *state;

	house_due(house, house_reply(1, "chat", 5, 1));
	ends(house->hook, last_send(house->chat)->ticket, SENT_ACCEPTED);
	assert_int_equal(house_waiting(house, Q_SENT), 0);
	assert_true(house_status_says(house, "\"sending\":1,\"stopping\":false"));
}

static void test_a_stale_answer_is_not_sent(void **state)
{
	struct house *house = *state;
	struct store_reply reply = *house_reply(1, "chat", 5, 1);

	reply.expires_ms = clock_wall_ms() - 1;
	house_due(house, &reply);
	assert_int_equal(house->chat->send_count, 0);
	settle(house, REPLY_EXPIRED);
}

/* ---- refused credentials
 * ----------------------------------------------------------------------------------- */

/* Discord bans addresses that go on with a bad token: one refusal stops the installation, one reply probes
 * it. */
static void test_refused_credentials_pause_the_installation(void **state)
{
	struct house *house = *state;

	house_due(house, house_reply(1, "chat", 5, 1));
	ends(house->chat, last_send(house->chat)->ticket, SENT_AUTH);
	settle(house, REPLY_PENDING);
	assert_true(house_status_says(house, "\"paused\":\"because\""));
	house_due(house, house_reply(2, "chat", 6, 1));
	assert_int_equal(house->chat->send_count, 1);
	assert_true(house_question(house, Q_SENT)->next_ms > clock_wall_ms() + 200000);
	settle(house, REPLY_PENDING);
	house_due(house, house_reply(3, "hook", 7, 1)); /* the others go on */
	assert_int_equal(house->hook->send_count, 1);
	fake_loop_pass(house->loop, 100000);
	ends(house->hook, last_send(house->hook)->ticket, SENT_ACCEPTED);
	settle(house, REPLY_SENT);
}

static void test_one_reply_probes_after_five_minutes(void **state)
{
	struct house *house = *state;

	house_due(house, house_reply(1, "chat", 5, 1));
	ends(house->chat, last_send(house->chat)->ticket, SENT_AUTH);
	settle(house, REPLY_PENDING);
	fake_loop_pass(house->loop, OUTBOX_PROBE_MS + 1000);
	fake_answer_due(house->store, house_question(house, Q_DUE), NULL, house_reply(1, "chat", 5, 2), 1, 0);
	assert_int_equal(house->chat->send_count, 2);
	house_due(house, house_reply(2, "chat", 6, 1));
	assert_int_equal(house->chat->send_count, 2); /* one at a time */
	settle(house, REPLY_PENDING);
	ends(house->chat, last_send(house->chat)->ticket, SENT_ACCEPTED);
	settle(house, REPLY_SENT);
	fake_answer_due(house->store, house_question(house, Q_DUE), NULL, house_reply(2, "chat", 6, 2), 1, 0);
	assert_int_equal(house->chat->send_count, 3);
	assert_true(house_status_says(house, "\"paused\":null"));
}

/* ---- order and numbers
 * --------------------------------------------------------------------------------------- */

static void test_at_most_sixteen_at_once(void **state)
{
	struct house *house = *state;

	for (int i = 1; i <= 20; i++)
		house_due(house, house_reply(i, "chat", i, 1));
	assert_int_equal(house->chat->send_count, OUTBOX_LINE_MAX);
	ends(house->chat, house->chat->sends[0].ticket, SENT_ACCEPTED);
	assert_int_equal(house->chat->send_count, OUTBOX_LINE_MAX); /* not inside the plugin's own call */
	fake_loop_run(house->loop);
	assert_int_equal(house->chat->send_count, OUTBOX_LINE_MAX + 1);
	assert_string_equal(last_send(house->chat)->uuid, "r17");
	assert_string_equal(last_send(house->chat)->text, "the answer");
}

/* Beyond the queue a reply goes back to the store instead of filling the memory. */
static void test_a_flood_goes_back_to_the_store(void **state)
{
	struct house *house = *state;

	for (int i = 1; i <= OUTBOX_LINE_MAX + OUTBOX_QUEUE_MAX + 1; i++)
		house_due(house, house_reply(i, "chat", i, 1));
	assert_int_equal(house->chat->send_count, OUTBOX_LINE_MAX);
	assert_int_equal(house_waiting(house, Q_SENT), 1);
	settle(house, REPLY_PENDING);
}

static void test_one_at_a_time_in_a_conversation(void **state)
{
	struct house *house = *state;

	house_due(house, house_reply(1, "chat", 5, 1));
	house_due(house, house_reply(2, "chat", 5, 1));
	assert_int_equal(house->chat->send_count, 1);
	settle(house, REPLY_PENDING);
	house_due(house, house_reply(3, "chat", 0, 1)); /* notices to strangers belong to none */
	house_due(house, house_reply(4, "chat", 0, 1));
	assert_int_equal(house->chat->send_count, 3);
}

/* The second answer of a conversation waits for the first to be sent, and not for the next timer after that.
 */
static void test_the_next_answer_follows_at_once(void **state)
{
	struct house *house = *state;
	struct outgoing ended = { .state = MESSAGE_ANSWERED, .reply_to = "there" };

	house_think(house, 8, 5);
	fake_ai_answer(house->ai, fake_ai_thought(house->ai, 0), "first");
	fake_answer_answered(
		house->store, house_question(house, Q_ANSWER), NULL,
		&(struct store_answered){ .ended = &ended, .reply = house_reply(1, "chat", 5, 1) });
	house_think(house, 9, 5);
	fake_ai_answer(house->ai, fake_ai_thought(house->ai, 0), "second");
	fake_answer_answered(house->store, house_question(house, Q_ANSWER), NULL,
			     &(struct store_answered){ .ended = &ended });
	assert_int_equal(house_waiting(house, Q_DUE), 0);
	ends(house->chat, last_send(house->chat)->ticket, SENT_ACCEPTED);
	assert_int_equal(house_waiting(house, Q_DUE), 1);
}

/* The first answer waited for a place among the sixteen when the second was stored behind it: the second must
 * not wait for a chance to be noticed. */
static void test_the_answer_behind_a_queued_one(void **state)
{
	struct house *house = *state;
	struct outgoing ended = { .state = MESSAGE_ANSWERED, .reply_to = "there" };

	for (int i = 1; i <= OUTBOX_LINE_MAX; i++)
		house_due(house, house_reply(100 + i, "chat", 100 + i, 1));
	house_think(house, 8, 5);
	fake_ai_answer(house->ai, fake_ai_thought(house->ai, 0), "first");
	fake_answer_answered(
		house->store, house_question(house, Q_ANSWER), NULL,
		&(struct store_answered){ .ended = &ended, .reply = house_reply(1, "chat", 5, 1) });
	house_think(house, 9, 5);
	fake_ai_answer(house->ai, fake_ai_thought(house->ai, 0), "second");
	fake_answer_answered(house->store, house_question(house, Q_ANSWER), NULL,
			     &(struct store_answered){ .ended = &ended });
	fake_answer_due(house->store, house_question(house, Q_DUE), NULL, NULL, 0, 0);
	ends(house->chat, house->chat->sends[0].ticket, SENT_ACCEPTED);
	settle(house, REPLY_SENT);
	fake_answer_due(house->store, house_question(house, Q_DUE), NULL, NULL, 0, 0);
	fake_loop_run(house->loop);
	assert_string_equal(last_send(house->chat)->uuid, "r1");
	ends(house->chat, last_send(house->chat)->ticket, SENT_ACCEPTED);
	assert_int_equal(house_waiting(house, Q_DUE), 1);
}

/* Three answers wait in one conversation: each is asked for when the one before it is through. */
static void test_a_line_of_answers(void **state)
{
	struct house *house = *state;

	house_due(house, house_reply(1, "chat", 5, 1));
	for (int i = 2; i <= 4; i++) {
		ends(house->chat, last_send(house->chat)->ticket, SENT_ACCEPTED);
		assert_int_equal(house_question(house, Q_SENT)->id, i - 1);
		settle(house, REPLY_SENT);
		fake_answer_due(house->store, house_question(house, Q_DUE), NULL,
				house_reply(i, "chat", 5, 1), 1, 0);
		assert_int_equal(house->chat->send_count, i);
	}
}

/* It was sent while the word of the answer behind it was still on its way. */
static void test_the_answer_behind_a_finished_one(void **state)
{
	struct house *house = *state;
	struct outgoing ended = { .state = MESSAGE_ANSWERED, .reply_to = "there" };

	house_think(house, 9, 5);
	fake_ai_answer(house->ai, fake_ai_thought(house->ai, 0), "second");
	fake_answer_answered(house->store, house_question(house, Q_ANSWER), NULL,
			     &(struct store_answered){ .ended = &ended });
	assert_int_equal(house_waiting(house, Q_DUE), 1);
}

/* An asker who fetches the answer has no reply: nobody looks for one. */
static void test_no_reply_asks_nothing(void **state)
{
	struct house *house = *state;
	struct outgoing ended = { .state = MESSAGE_ANSWERED };

	house_think(house, 9, 5);
	fake_ai_answer(house->ai, fake_ai_thought(house->ai, 0), "fetched");
	fake_answer_answered(house->store, house_question(house, Q_ANSWER), NULL,
			     &(struct store_answered){ .ended = &ended });
	assert_int_equal(fake_store_waiting_all(house->store), 0);
}

/* ---- the store's part
 * ------------------------------------------------------------------------------------------ */

static void test_an_outcome_is_recorded_in_the_end(void **state)
{
	struct house *house = *state;
	struct err full = { .kind = ERR_FULL, .text = "full" };

	house_due(house, house_reply(1, "chat", 5, 1));
	ends(house->chat, last_send(house->chat)->ticket, SENT_ACCEPTED);
	for (int i = 0; i < 3; i++) {
		fake_answer_done(house->store, house_question(house, Q_SENT), &full);
		fake_loop_pass(house->loop, 1600);
	}
	settle(house, REPLY_SENT);
	assert_int_equal(house->chat->send_count, 1);
}

static void test_an_installation_that_is_gone(void **state)
{
	struct house *house = *state;

	house_due(house, house_reply(1, "slack", 5, 1));
	assert_true(house_question(house, Q_SENT)->next_ms > clock_wall_ms());
	settle(house, REPLY_PENDING);
}

static void test_the_next_due_time_is_kept(void **state)
{
	struct house *house = *state;

	core_wake(house->core);
	fake_answer_due(house->store, house_question(house, Q_DUE), NULL, NULL, 0, clock_wall_ms() + 5000);
	fake_loop_pass(house->loop, 4000);
	assert_int_equal(house_waiting(house, Q_DUE), 0);
	fake_loop_pass(house->loop, 2000);
	assert_int_equal(house_waiting(house, Q_DUE), 1);
	core_wake(house->core); /* while it is asked: once more afterwards */
	assert_int_equal(house_waiting(house, Q_DUE), 1);
	fake_answer_due(house->store, house_question(house, Q_DUE), NULL, NULL, 0, 0);
	assert_int_equal(house_waiting(house, Q_DUE), 1);
	fake_answer_due(house->store, house_question(house, Q_DUE), &(struct err){ .kind = ERR_AGAIN }, NULL,
			0, 0);
	assert_int_equal(house_waiting(house, Q_DUE), 0);
	fake_loop_pass(house->loop, 1500);
	assert_int_equal(house_waiting(house, Q_DUE), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_follows_from_an_outcome),
		cmocka_unit_test_setup_teardown(test_maybe_is_not_repeated_where_it_shows, setup,
						house_teardown),
		cmocka_unit_test_setup_teardown(test_a_failed_send_comes_again_by_itself, setup,
						house_teardown),
		cmocka_unit_test_setup_teardown(test_a_silent_plugin, setup, house_teardown),
		cmocka_unit_test_setup_teardown(test_a_foreign_ticket, setup, house_teardown),
		cmocka_unit_test_setup_teardown(test_a_stale_answer_is_not_sent, setup, house_teardown),
		cmocka_unit_test_setup_teardown(test_refused_credentials_pause_the_installation, setup,
						house_teardown),
		cmocka_unit_test_setup_teardown(test_one_reply_probes_after_five_minutes, setup,
						house_teardown),
		cmocka_unit_test_setup_teardown(test_at_most_sixteen_at_once, setup, house_teardown),
		cmocka_unit_test_setup_teardown(test_a_flood_goes_back_to_the_store, setup, house_teardown),
		cmocka_unit_test_setup_teardown(test_one_at_a_time_in_a_conversation, setup, house_teardown),
		cmocka_unit_test_setup_teardown(test_the_next_answer_follows_at_once, setup, house_teardown),
		cmocka_unit_test_setup_teardown(test_the_answer_behind_a_queued_one, setup, house_teardown),
		cmocka_unit_test_setup_teardown(test_a_line_of_answers, setup, house_teardown),
		cmocka_unit_test_setup_teardown(test_the_answer_behind_a_finished_one, setup, house_teardown),
		cmocka_unit_test_setup_teardown(test_no_reply_asks_nothing, setup, house_teardown),
		cmocka_unit_test_setup_teardown(test_an_outcome_is_recorded_in_the_end, setup,
						house_teardown),
		cmocka_unit_test_setup_teardown(test_an_installation_that_is_gone, setup, house_teardown),
		cmocka_unit_test_setup_teardown(test_the_next_due_time_is_kept, setup, house_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
