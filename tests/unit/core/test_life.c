/* Starting with what the last process left, and stopping so that nothing is in the air. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "buf.h"
#include "house.h"
#include "json.h"
#include <string.h>

static int setup(void **state)
{
	return house_setup(state, &(struct core_options){ .strangers = STRANGERS_PAIR });
}

static void on_stopped(void *owner)
{
	((struct house *)owner)->stopped++;
}

static void stop(struct house *house, unsigned grace_ms)
{
	core_stop(house->core, grace_ms, on_stopped, house);
	fake_loop_run(house->loop);
	assert_int_equal(house->stopped, 0);
}

/* ---- starting
 * ------------------------------------------------------------------------------------------------ */

static void test_what_was_left_is_taken_up(void **state)
{
	static const int64_t conversations[] = { 8, 3 }, resting[] = { 2 };
	static const char *platforms[] = { "chat", "gone" }, *installations[] = { "one", "one" };
	struct store_accepted unplaced[] = {
		{ .inbox_id = 44, .uuid = "s1", .state = MESSAGE_ACCEPTED },
		{ .inbox_id = 45, .uuid = "s2", .state = MESSAGE_ACCEPTED },
	};
	struct house house;
	struct question *q;

	(void)state;
	house_prepare(&house, &(struct core_options){ .turns_max = 1 });
	q = house_question(&house, Q_RECOVER);
	assert_int_equal(q->limit, 2);
	assert_string_equal(q->text, "hook"); /* who drops second copies; then "room", which finds out */
	assert_false(house.chat->started);
	house_recovered(&house, &(struct store_recovered){ .conversations = conversations,
							   .conversation_count = 2,
							   .resting = resting,
							   .resting_count = 1,
							   .unplaced = unplaced,
							   .unplaced_platforms = platforms,
							   .unplaced_installations = installations,
							   .unplaced_count = 2,
							   .interrupted = 1 });
	assert_int_equal(house.ready, 1);
	assert_true(house.chat->started && house.hook->started);
	assert_int_equal(house_waiting(&house, Q_REFUSE), 2);
	assert_int_equal(house_waiting(&house, Q_DUE), 1);
	assert_int_equal(house_question(&house, Q_CLAIM)->id, 8); /* the oldest first */
	assert_int_equal(house_waiting(&house, Q_CLAIM), 1);
	fake_answer_turn(house.store, house_question(&house, Q_CLAIM), NULL, NULL);
	assert_int_equal(house_question(&house, Q_CLAIM)->id, 3);
	fake_answer_turn(house.store, house_question(&house, Q_CLAIM), NULL, NULL);
	assert_int_equal(house_waiting(&house, Q_CLAIM), 0);
	fake_loop_pass(house.loop, 1100);
	assert_int_equal(house_question(&house, Q_CLAIM)->id, 2); /* the rest of the album may have come */
	house_close(&house);
}

/* Without knowing what is unfinished, a message could be answered twice. */
static void test_no_start_without_recovery(void **state)
{
	struct house house;
	struct err err = { .kind = ERR_AGAIN, .text = "database is locked by process 12" };

	(void)state;
	house_prepare(&house, &(struct core_options){ 0 });
	fake_answer_recovered(house.store, house_question(&house, Q_RECOVER), &err, NULL);
	assert_int_equal(house.ready, 0);
	assert_int_equal(house.fatal, 1);
	assert_non_null(strstr(house.fatal_err.text, "locked"));
	assert_false(house.chat->started);
	house_close(&house);
}

static void test_a_platform_that_does_not_start(void **state)
{
	struct house house;

	(void)state;
	house_prepare(&house, &(struct core_options){ 0 });
	fake_platform_fails_start = true;
	house_recovered(&house, &(struct store_recovered){ 0 });
	assert_int_equal(house.ready, 0);
	assert_int_equal(house.fatal, 1);
	assert_string_equal(house.fatal_err.text, "chat/one does not start: the path is taken");
	house_close(&house);
}

/* ---- stopping
 * ------------------------------------------------------------------------------------------------ */

static void test_an_idle_daemon_stops_at_once(void **state)
{
	struct house *house = *state;

	stop(house, 10000);
	assert_true(house->chat->stopping && house->hook->stopping && house->mute->stopping);
	fake_loop_pass(house->loop, 50);
	assert_int_equal(house->stopped, 1);
	core_stop(house->core, 1, on_stopped, house);
	fake_loop_pass(house->loop, 50);
	assert_int_equal(house->stopped, 1);
}

/* A turn that ends within the grace is stored; its reply goes back instead of out. */
static void test_a_turn_ends_in_its_grace(void **state)
{
	struct house *house = *state;
	struct outgoing ended = { .state = MESSAGE_ANSWERED, .reply_to = "there" };
	struct question *q;

	house_think(house, 1, 5);
	stop(house, 10000);
	fake_loop_pass(house->loop, 5000);
	assert_int_equal(house->stopped, 0);
	fake_ai_answer(house->ai, fake_ai_thought(house->ai, 0), "hi");
	q = house_question(house, Q_ANSWER);
	assert_false(q->claim_next);
	fake_answer_answered(
		house->store, q, NULL,
		&(struct store_answered){ .ended = &ended, .reply = house_reply(3, "chat", 5, 1) });
	assert_int_equal(house->chat->ended_count, 1); /* whoever holds a connection still gets it */
	assert_int_equal(house->chat->send_count, 0);
	q = house_question(house, Q_SENT);
	assert_int_equal(q->reply_state, REPLY_PENDING);
	fake_loop_pass(house->loop, 100);
	assert_int_equal(house->stopped, 0);
	fake_answer_done(house->store, q, NULL);
	fake_loop_pass(house->loop, 100);
	assert_int_equal(house->stopped, 1);
}

/* What takes longer is left to the next start; what it has cost is on record. */
static void test_a_long_turn_is_left(void **state)
{
	struct house *house = *state;

	house_think(house, 1, 5);
	stop(house, 2000);
	fake_loop_pass(house->loop, 2100);
	assert_int_equal(fake_ai_cancelled(house->ai), 1);
	assert_int_equal(house_waiting(house, Q_ANSWER), 0);
	assert_int_equal(house_question(house, Q_JOURNAL)->attempts, 1);
	assert_int_equal(house->stopped, 0);
	fake_answer_done(house->store, house_question(house, Q_JOURNAL), NULL);
	fake_loop_pass(house->loop, 100);
	assert_int_equal(house->stopped, 1);
	assert_int_equal(fake_store_waiting_all(house->store), 0);
}

static void test_a_running_send_is_waited_for(void **state)
{
	struct house *house = *state;

	house_due(house, house_reply(1, "chat", 5, 1));
	stop(house, 1000);
	fake_loop_pass(house->loop, 5000);
	assert_int_equal(house->stopped, 0);
	house->chat->host->sent(house->chat->host, house->chat->sends[0].ticket, SENT_ACCEPTED, 0, NULL,
				NULL);
	fake_answer_done(house->store, house_question(house, Q_SENT), NULL);
	fake_loop_pass(house->loop, 100);
	assert_int_equal(house->stopped, 1);
}

/* What waited for a place among the sends was never sent: it must not count as perhaps sent. */
static void test_queued_replies_go_back(void **state)
{
	struct house *house = *state;

	for (int i = 1; i <= 18; i++)
		house_due(house, house_reply(i, "chat", i, 1));
	stop(house, 1000);
	assert_int_equal(house_waiting(house, Q_SENT), 2);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(house_question(house, Q_SENT)->reply_state, REPLY_PENDING);
		fake_answer_done(house->store, house_question(house, Q_SENT), NULL);
	}
	for (int i = 0; i < 16; i++) {
		house->chat->host->sent(house->chat->host, house->chat->sends[i].ticket, SENT_ACCEPTED, 0,
					NULL, NULL);
		fake_answer_done(house->store, house_question(house, Q_SENT), NULL);
	}
	while (house_waiting(house, Q_DUE))
		fake_answer_due(house->store, house_question(house, Q_DUE), NULL, NULL, 0, 0);
	fake_loop_pass(house->loop, 100);
	assert_int_equal(house->stopped, 1);
	assert_int_equal(house->chat->send_count, 16);
}

/* The store is full and stays full: strangers and journals are left to the next start, not to a kill. */
static void test_a_stop_with_a_full_disk(void **state)
{
	struct house *house = *state;
	struct err full = { .kind = ERR_FULL, .text = "full" };
	struct ai_step step = { .kind = AI_STEP_INTENT, .call_id = "c", .tool = "t", .payload = "{}" };
	struct thought *thought;

	house_say(house->chat, 1, "room", "let me in");
	fake_answer_accepted(
		house->store, house_question(house, Q_ACCEPT), NULL,
		&(struct store_accepted){ .how = ACCEPT_NEW, .uuid = "s", .state = MESSAGE_ACCEPTED });
	house_think(house, 1, 6);
	thought = fake_ai_thought(house->ai, 0);
	thought->events->journal(thought->owner, thought->ticket, &step, 1, NULL, 0);
	stop(house, 1000);
	for (int i = 0; i < 130 && house->stopped == 0; i++) {
		while (house_waiting(house, Q_REFUSE))
			fake_answer_ended(house->store, house_question(house, Q_REFUSE), &full, NULL, NULL);
		while (house_waiting(house, Q_JOURNAL))
			fake_answer_done(house->store, house_question(house, Q_JOURNAL), &full);
		fake_loop_pass(house->loop, 100);
	}
	assert_int_equal(house->stopped, 1);
	assert_int_equal(fake_store_waiting_all(house->store), 0);
}

/* A plugin that hangs must not keep the service manager waiting until it kills. */
static void test_a_plugin_that_hangs(void **state)
{
	struct house *house = *state;
	struct err full = { .kind = ERR_FULL, .text = "full" };

	house->chat->keeps_running = true;
	house_due(house, house_reply(1, "chat", 5, 1));
	house_think(house, 1, 6);
	fake_ai_answer(house->ai, fake_ai_thought(house->ai, 0), "hi");
	stop(house, 1000);
	fake_answer_answered(house->store, house_question(house, Q_ANSWER), &full, NULL);
	fake_loop_pass(house->loop, 11100);
	for (int i = 0; i < 3 && house->stopped == 0; i++) {
		while (house_waiting(house, Q_ANSWER))
			fake_answer_answered(house->store, house_question(house, Q_ANSWER), &full, NULL);
		while (house_waiting(house, Q_SENT)) {
			assert_int_equal(house_question(house, Q_SENT)->reply_state, REPLY_UNKNOWN);
			fake_answer_done(house->store, house_question(house, Q_SENT), &full);
		}
		fake_loop_pass(house->loop, 100);
	}
	assert_int_equal(house->stopped, 1);
	assert_int_equal(fake_store_waiting_all(house->store), 0);
}

/* It was read from the socket before the stop: it is stored and acknowledged, and waits for the next start.
 */
static void test_what_is_already_here_is_stored(void **state)
{
	struct house *house = *state;

	house_say(house->chat, 1, "room", "hello");
	stop(house, 1000);
	house_say(house->chat, 2, "room", "hello again");
	fake_loop_pass(house->loop, 3000);
	assert_int_equal(house->stopped, 0);
	house_accept(house, 5, 0);
	assert_false(house_question(house, Q_ACCEPT)->may_claim);
	house_accept(house, 5, 0);
	assert_int_equal(house->chat->ack_count, 2);
	assert_int_equal(house_waiting(house, Q_CLAIM), 0);
	fake_loop_pass(house->loop, 100);
	assert_int_equal(house->stopped, 1);
}

/* A claim that was under way when the stop came: its turn runs in the grace, or is left. */
static void test_a_claim_under_way(void **state)
{
	struct house *house = *state;

	house_say(house->chat, 1, "room", "hello");
	house_accept(house, 5, 0);
	stop(house, 1000);
	fake_loop_pass(house->loop, 1500);
	fake_answer_turn(house->store, house_question(house, Q_CLAIM), NULL, house_turn(1, 5));
	fake_loop_pass(house->loop, 100);
	assert_int_equal(house->stopped, 1);
	assert_int_equal(house_waiting(house, Q_RECALL), 0);
}

static void test_stop_before_the_start_is_over(void **state)
{
	struct house house;

	(void)state;
	house_prepare(&house, &(struct core_options){ 0 });
	core_stop(house.core, 1000, on_stopped, &house);
	fake_loop_pass(house.loop, 100);
	assert_int_equal(house.stopped, 0);
	fake_answer_recovered(house.store, house_question(&house, Q_RECOVER), NULL,
			      &(struct store_recovered){ 0 });
	fake_loop_pass(house.loop, 100);
	assert_int_equal(house.stopped, 1);
	assert_int_equal(house.ready, 0);
	assert_false(house.chat->started);
	house_close(&house);
}

/* The loop ended on an error with everything in the air: nothing may be freed twice or leak. */
static void test_destroyed_in_the_middle(void **state)
{
	struct house house;
	struct ai_step step = { .kind = AI_STEP_INTENT, .call_id = "c", .tool = "t", .payload = "{}" };
	struct thought *thought;

	(void)state;
	house_open(&house, &(struct core_options){ .turns_max = 2 });
	house_think(&house, 1, 5);
	house_think(&house, 2, 6);
	thought = fake_ai_thought(house.ai, 0);
	thought->events->journal(thought->owner, thought->ticket, &step, 1, NULL, 0);
	thought->events->part(thought->owner, thought->ticket, "so far", 6, false);
	fake_ai_answer(house.ai, fake_ai_thought(house.ai, 1), "hi");
	house_say(house.chat, 3, "room", "waits");
	house_accept(&house, 7, 0);
	house_say(house.chat, 4, "room", "asked");
	house.chat->host->look(house.chat->host, "other", 1);
	fake_loop_run(house.loop);
	for (int i = 1; i <= 18; i++)
		house_due(&house, house_reply(i, "chat", i + 10, 1));
	house.chat->host->sent(house.chat->host, house.chat->sends[0].ticket, SENT_ACCEPTED, 0, "m", NULL);
	house_close(&house);
}

/* ---- looking in
 * ------------------------------------------------------------------------------------------------ */

/* `usher status` and every monitor read this: it must be JSON whatever a platform says of itself. */
static void test_status_is_json(void **state)
{
	struct house *house = *state;
	struct buf out = { 0 };
	struct err err = { 0 };
	json_t *status, *chat;

	house->chat->host->link(house->chat->host, LINK_UP, "wss \"quoted\"\n");
	house_think(house, 1, 5);
	house_due(house, house_reply(1, "chat", 6, 1));
	core_status(house->core, &out);
	status = json_read(buf_str(&out), out.len, &err);
	assert_non_null(status);
	assert_int_equal(json_int(status, "level", -1), 0);
	assert_int_equal(json_int(json_object_get(status, "turns"), "think", -1), 1);
	assert_int_equal(json_int(status, "sending", -1), 1);
	chat = json_array_get(json_object_get(status, "platforms"), 0);
	assert_string_equal(json_text(chat, "link"), "up");
	assert_string_equal(json_text(chat, "why"), "wss \"quoted\"\n");
	assert_int_equal(json_int(chat, "sending", -1), 1);
	assert_true(house_metric("\nusher_turns_running ") == 1);
	json_decref(status);
	buf_free(&out);
}

static void test_a_plugin_of_another_contract(void **state)
{
	struct house *house = *state;
	struct platform_ops old = fake_chat;
	struct err err = { 0 };

	old.abi = PLATFORM_ABI + 1;
	assert_false(core_add(house->core, &old, house->settings[0], NULL, NULL, NULL, &err));
	assert_non_null(strstr(err.text, "contract"));
	assert_false(core_add(house->core, &fake_chat, house->settings[0], NULL, NULL, NULL, &err));
	assert_non_null(strstr(err.text, "two installations"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_was_left_is_taken_up),
		cmocka_unit_test(test_no_start_without_recovery),
		cmocka_unit_test(test_a_platform_that_does_not_start),
		cmocka_unit_test_setup_teardown(test_an_idle_daemon_stops_at_once, setup, house_teardown),
		cmocka_unit_test_setup_teardown(test_a_turn_ends_in_its_grace, setup, house_teardown),
		cmocka_unit_test_setup_teardown(test_a_long_turn_is_left, setup, house_teardown),
		cmocka_unit_test_setup_teardown(test_a_running_send_is_waited_for, setup, house_teardown),
		cmocka_unit_test_setup_teardown(test_queued_replies_go_back, setup, house_teardown),
		cmocka_unit_test_setup_teardown(test_a_stop_with_a_full_disk, setup, house_teardown),
		cmocka_unit_test_setup_teardown(test_a_plugin_that_hangs, setup, house_teardown),
		cmocka_unit_test_setup_teardown(test_what_is_already_here_is_stored, setup, house_teardown),
		cmocka_unit_test_setup_teardown(test_a_claim_under_way, setup, house_teardown),
		cmocka_unit_test_setup_teardown(test_stop_before_the_start_is_over, setup, house_teardown),
		cmocka_unit_test(test_destroyed_in_the_middle),
		cmocka_unit_test_setup_teardown(test_status_is_json, setup, house_teardown),
		cmocka_unit_test_setup_teardown(test_a_plugin_of_another_contract, setup, house_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
