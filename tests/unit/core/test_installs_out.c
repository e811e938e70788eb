/* Places that take us out, in the middle of everything, and what the operator does with those that are there. */
#include "clock.h"
#include "stage_places.h"
#include <stdio.h>
#include <string.h>

/* ---- being taken out ------------------------------------------------------------------------- */

static void test_taken_out_in_the_middle_of_everything(void **state)
{
	struct house *house = *state;
	struct platform *place = place_install(house, "T1");
	struct store_reply reply = *house_reply(1, "room", 9, 1);
	uint64_t ticket;
	struct question *q;

	place->keeps_running = true;
	house_begin(house, house_room_turn("one/T1", 1, 5, 0)); /* thinks */
	house_recall(house);
	house_begin(house, house_room_turn("one/T1", 2, 6, 0)); /* recalls */
	reply.installation = "one/T1";
	house_due(house, &reply);
	assert_int_equal(place->send_count, 1);
	ticket = place->sends[0].ticket;
	place->host->look(place->host, "nobody", 3);
	house_say(place, 4, "room", "hello");
	fake_loop_run(house->loop);
	place_take_out(house, "T1");
	fake_loop_run(house->loop);
	assert_true(place->stopping);
	assert_int_equal(fake_ai_count(house->ai), 0);
	assert_int_equal(fake_ai_cancelled(house->ai), 1);
	for (int i = 0; i < 2; i++) {
		q = house_question(house, Q_ANSWER);
		assert_int_equal(q->state, MESSAGE_FAILED);
		assert_string_equal(q->reason, "removed");
		reply.id = 10 + i;
		fake_answer_answered(house->store, q, NULL, &(struct store_answered){ .reply = &reply });
	}
	for (int i = 0; i < 2; i++) {
		q = house_question(house, Q_SENT);
		assert_int_equal(q->reply_state, REPLY_CANCELLED);
		fake_answer_done(house->store, q, NULL);
	}
	/* The send that was running may still end, as long as the object stops. */
	place->host->sent(place->host, ticket, SENT_NOT, 0, NULL, "closed");
	assert_int_equal(house_question(house, Q_SENT)->reply_state, REPLY_CANCELLED);
	place->host->stopped(place->host);
	fake_loop_pass(house->loop, 600);
	assert_int_equal(house->room->destroyed, 1);
	/* Answers that were owed to it find nobody, and harm nobody. */
	fake_answer_found(house->store, house_question(house, Q_LOOK), NULL, NULL);
	house_accept(house, 7, 0);
	fake_answer_recalled(house->store, house_question(house, Q_RECALL), NULL,
			     &(struct store_recalled){ .temperature = -1 });
	assert_false(house_status_says(house, "T1"));
}

/* More than one installation sends at once: the rest waits in our own queue. */
static void due(struct house *house, struct store_reply *replies, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		replies[i] = *house_reply((int64_t)i + 1, "room", 100 + (int64_t)i, 1);
		replies[i].installation = "one/T1";
	}
	core_wake(house->core);
	fake_answer_due(house->store, house_question(house, Q_DUE), NULL, replies, count, 0);
}

static void test_what_waits_for_a_place_is_not_sent_any_more(void **state)
{
	struct house *house = *state;
	struct platform *place = place_install(house, "T1");
	struct store_reply replies[20];

	place->keeps_running = true;
	due(house, replies, 20);
	assert_int_equal(place->send_count, 16);
	place_take_out(house, "T1");
	assert_int_equal(house_waiting(house, Q_SENT), 4);
	while (house_waiting(house, Q_SENT)) {
		assert_int_equal(house_question(house, Q_SENT)->reply_state, REPLY_CANCELLED);
		fake_answer_done(house->store, house_question(house, Q_SENT), NULL);
	}
}

static void test_what_waits_for_a_place_waits_for_the_next_object(void **state)
{
	struct house *house = *state;
	struct platform *place = place_install(house, "T1");
	struct store_reply replies[20];

	due(house, replies, 20);
	place->keeps_running = true;
	place_ask(house, "T1", 8);
	place_answer(house, true);
	assert_int_equal(house_waiting(house, Q_SENT), 4);
	assert_int_equal(house_question(house, Q_SENT)->reply_state, REPLY_PENDING);
	place->host->stopped(place->host); /* the sixteen were never told: they may have arrived */
	fake_loop_pass(house->loop, 600);
	assert_int_equal(house_waiting(house, Q_SENT), 20);
	for (int i = 0; i < 20; i++) {
		assert_int_equal(house_question(house, Q_SENT)->reply_state, REPLY_PENDING);
		assert_int_equal(house_question(house, Q_SENT)->unsure, i >= 4);
		fake_answer_done(house->store, house_question(house, Q_SENT), NULL);
	}
	place_no_cursors(house);
}

static void test_a_send_that_never_told_its_end(void **state)
{
	struct house *house = *state;
	struct platform *place = place_install(house, "T1");
	struct store_reply reply = *house_reply(1, "room", 9, 1);

	reply.installation = "one/T1";
	house_due(house, &reply);
	place_take_out(house, "T1");
	fake_loop_run(house->loop);
	fake_loop_pass(house->loop, 600);
	assert_int_equal(house->room->destroyed, 1);
	assert_int_equal(house_question(house, Q_SENT)->reply_state, REPLY_UNKNOWN);
	(void)place;
}

static void test_what_comes_due_afterwards_is_cancelled(void **state)
{
	struct house *house = *state;
	struct store_reply reply = *house_reply(1, "room", 9, 1);

	place_install(house, "T1");
	place_take_out(house, "T1");
	fake_loop_pass(house->loop, 600);
	reply.installation = "one/T1";
	house_due(house, &reply);
	assert_int_equal(house_question(house, Q_SENT)->reply_state, REPLY_CANCELLED);
}

/* A turn that was running when the process died, of a place that took us out before. */
static void test_what_was_left_of_it_is_not_answered(void **state)
{
	struct store_installation rows[] = { place_row("one/T1", NULL, NULL) };
	struct house house;

	(void)state;
	rows[0].removed = true;
	house_prepare_rows(&house, &places_sealed, rows, 1);
	house_recover(&house);
	house_begin(&house, house_room_turn("one/T1", 1, 5, 0));
	assert_int_equal(house_waiting(&house, Q_RECALL), 0);
	assert_string_equal(house_question(&house, Q_ANSWER)->reason, "removed");
	house_close(&house);
}

static void test_the_store_is_asked_until_it_has_erased(void **state)
{
	struct house *house = *state;
	const struct err full = { .kind = ERR_FULL, .text = "the disk is full" };

	place_install(house, "T1");
	house->room->host->removed(house->room->host, "T1", "uninstalled");
	fake_answer_done(house->store, house_question(house, Q_REMOVE), &full);
	fake_loop_run(house->loop);
	fake_loop_pass(house->loop, 600);
	assert_int_equal(house->room->destroyed, 1); /* our part does not wait */
	fake_loop_pass(house->loop, 1000);
	fake_answer_done(house->store, house_question(house, Q_REMOVE), NULL);
	fake_loop_pass(house->loop, 3000);
	assert_int_equal(house_waiting(house, Q_REMOVE), 0);
}

static void test_a_configured_one_is_taken_out(void **state)
{
	struct house *house = *state;

	place_install(house, "T1");
	house_begin(house, house_room_turn("one", 1, 5, 0));
	house_recall(house);
	place_take_out(house, NULL);
	fake_loop_pass(house->loop, 600);
	assert_true(house->room->off);
	assert_false(house->room->stopping);
	assert_string_equal(house_question(house, Q_ANSWER)->reason, "removed");
	assert_false(house->room->adopted[0]->stopping); /* what was added to it stays */
	assert_false(house->room->adopted[0]->off);
}

static void test_removed_and_added_again(void **state)
{
	struct house *house = *state;

	place_install(house, "T1");
	place_take_out(house, "T1");
	fake_loop_pass(house->loop, 600);
	place_install(house, "T1");
	assert_int_equal(place_last_told(house)->kind, ERR_NONE);
	place_ask(house, "T1", 3); /* and now removed before it is up */
	house->room->host->removed(house->room->host, "T1", "uninstalled");
	place_answer(house, true);
	fake_answer_done(house->store, house_question(house, Q_REMOVE), NULL);
	fake_loop_pass(house->loop, 600);
	assert_int_equal(place_last_told(house)->kind, ERR_GONE);
	assert_int_equal(house->room->adopted_count, house->room->destroyed);
}

/* ---- the operator ---------------------------------------------------------------------------- */

struct said {
	unsigned count;
	struct err err;
	char json[300];
};

static void on_said(void *owner, uint64_t ticket, const struct err *err, const char *json)
{
	struct said *said = owner;

	assert_int_equal(ticket, 77);
	said->count++;
	said->err = *err;
	snprintf(said->json, sizeof(said->json), "%s", json ? json : "NULL");
}

static void ask_switch(struct house *house, enum core_switch how, const char *name, struct said *said)
{
	core_switch(house->core, how, "room", name, on_said, said, 77);
}

static void test_the_operators_switch(void **state)
{
	struct house *house = *state;
	struct platform *place = place_install(house, "T1");
	struct store_reply reply = *house_reply(1, "room", 9, 1);
	struct said said = { 0 };

	ask_switch(house, CORE_DISABLE, "one/T1", &said);
	assert_false(house_question(house, Q_ENABLE)->enabled);
	fake_answer_done(house->store, house_question(house, Q_ENABLE), NULL);
	assert_true(place->off);
	assert_string_equal(said.json, "{\"platform\":\"room\",\"name\":\"one/T1\",\"title\":\"Acme\","
				       "\"enabled\":false,\"removed\":false,\"link\":\"down\"}");
	reply.installation = "one/T1";
	house_due(house, &reply);
	assert_int_equal(place->send_count, 0);
	assert_int_equal(house_question(house, Q_SENT)->reply_state, REPLY_PENDING);
	fake_answer_done(house->store, house_question(house, Q_SENT), NULL);
	reply.expires_ms = clock_wall_ms() + 2000; /* it is kept to its end, not given up before */
	house_due(house, &reply);
	assert_int_equal(house_question(house, Q_SENT)->reply_state, REPLY_PENDING);
	assert_int_equal(house_question(house, Q_SENT)->next_ms, reply.expires_ms);
	fake_answer_done(house->store, house_question(house, Q_SENT), NULL);
	house_say(place, 1, "room", "hello"); /* the store decides that it is ignored */
	assert_int_equal(house_waiting(house, Q_ACCEPT), 1);
	ask_switch(house, CORE_ENABLE, "one/T1", &said);
	fake_answer_done(house->store, house_question(house, Q_ENABLE), NULL);
	assert_false(place->off);
	assert_int_equal(said.count, 2);
	reply.expires_ms = clock_wall_ms() + 60000;
	house_due(house, &reply);
	assert_int_equal(place->send_count, 1);
}

static void test_the_switch_of_a_configured_one(void **state)
{
	struct house *house = *state;
	struct platform *place = place_install(house, "T1");
	struct said said = { 0 };
	struct store_installation rows[] = { place_row("one", NULL, NULL),
					     place_row("one/T1", place_keys[0], "{}"),
					     place_row("one/T2", place_keys[0], "{}") };

	ask_switch(house, CORE_DISABLE, "one", &said);
	fake_answer_done(house->store, house_question(house, Q_ENABLE), NULL);
	assert_true(house->room->off && place->off);
	ask_switch(house, CORE_ENABLE, "one", &said);
	fake_answer_done(house->store, house_question(house, Q_ENABLE), NULL);
	assert_false(house->room->off || place->off);
	fake_answer_installations(house->store, house_question(house, Q_INSTALLATIONS), NULL, rows, 3);
	assert_int_equal(said.count, 2);
	place_no_cursors(house); /* T2 was not up: it comes, too */
	assert_int_equal(house->room->adopted_count, 2);
	assert_string_equal(house->room->adopted[1]->key, "T2");
	assert_true(house->room->adopted[1]->started);
	place_rows_free(rows, 3);
}

static void test_one_that_was_off_at_the_start(void **state)
{
	struct store_installation rows[] = { place_row("one/T1", place_keys[0], "{\"t\":1}") };
	struct said said = { 0 };
	struct house house;

	(void)state;
	rows[0].enabled = false;
	house_prepare_rows(&house, &places_sealed, rows, 1);
	house_recover(&house);
	ask_switch(&house, CORE_ENABLE, "one/T1", &said);
	fake_answer_done(house.store, house_question(&house, Q_ENABLE), NULL);
	rows[0].enabled = true;
	fake_answer_installations(house.store, house_question(&house, Q_INSTALLATIONS), NULL, rows, 1);
	assert_int_equal(said.count, 0);
	place_no_cursors(&house);
	assert_true(house.room->adopted[0]->started);
	assert_string_equal(house.room->adopted[0]->secrets, "{\"t\":1}");
	assert_non_null(strstr(said.json, "\"enabled\":true"));
	house_close(&house);
	place_rows_free(rows, 1);
}

static void test_the_operator_removes(void **state)
{
	struct house *house = *state;
	struct said said = { 0 };

	place_install(house, "T1");
	ask_switch(house, CORE_REMOVE, "one", &said);
	assert_int_equal(said.count, 0);
	fake_loop_run(house->loop);
	assert_int_equal(said.err.kind, ERR_REFUSED);
	ask_switch(house, CORE_REMOVE, "one/T9", &said);
	fake_loop_run(house->loop);
	assert_int_equal(said.err.kind, ERR_GONE);
	ask_switch(house, CORE_REMOVE, "one/T1", &said);
	fake_answer_done(house->store, house_question(house, Q_REMOVE), NULL);
	assert_non_null(strstr(said.json, "\"removed\":true,\"link\":null"));
	fake_loop_pass(house->loop, 600);
	assert_int_equal(house->room->destroyed, 1);
	assert_int_equal(said.count, 3);
}

static void test_checking(void **state)
{
	struct house *house = *state;
	struct platform *place = place_install(house, "T1");
	struct said said = { 0 };

	core_check(house->core, "room", "one/T1", on_said, &said, 77);
	house->room->host->checked(house->room->host, place->check_ticket, "[1]"); /* not its own */
	place->host->checked(place->host, place->check_ticket, "[{\"check\":\"token\"}]");
	place->host->checked(place->host, place->check_ticket, "[2]"); /* once is enough */
	assert_int_equal(said.count, 0);
	fake_loop_run(house->loop);
	assert_string_equal(said.json, "[{\"check\":\"token\"}]");
	core_check(house->core, "chat", "one", on_said, &said, 77);
	fake_loop_run(house->loop);
	assert_string_equal(said.json, "[]");
	core_check(house->core, "room", "one/T2", on_said, &said, 77);
	fake_loop_run(house->loop);
	assert_int_equal(said.err.kind, ERR_GONE);
	core_check(house->core, "room", "one", on_said, &said, 77);
	fake_loop_pass(house->loop, 29000);
	assert_int_equal(said.count, 3);
	fake_loop_pass(house->loop, 2000);
	assert_int_equal(said.err.kind, ERR_AGAIN);
	core_check(house->core, "room", "one/T1", on_said, &said, 77);
	place_take_out(house, "T1");
	fake_loop_pass(house->loop, 1200);
	assert_int_equal(said.err.kind, ERR_GONE);
}

/* ---- stopping -------------------------------------------------------------------------------- */

static void on_stopped(void *owner)
{
	((struct house *)owner)->stopped++;
}

static void test_a_stop_waits_for_those_that_leave(void **state)
{
	struct house *house = *state;
	struct platform *place = place_install(house, "T1");

	place->keeps_running = true;
	place_install(house, "T2");
	place_take_out(house, "T1");
	fake_loop_run(house->loop);
	core_stop(house->core, 1000, on_stopped, house);
	fake_loop_pass(house->loop, 500);
	assert_true(house->room->adopted[1]->stopping);
	assert_int_equal(house->stopped, 0);
	place->host->stopped(place->host);
	fake_loop_pass(house->loop, 500);
	assert_int_equal(house->stopped, 1);
}

#define WITH_HOUSE(test) cmocka_unit_test_setup_teardown(test, places_setup, house_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_HOUSE(test_taken_out_in_the_middle_of_everything),
		WITH_HOUSE(test_what_waits_for_a_place_is_not_sent_any_more),
		WITH_HOUSE(test_what_waits_for_a_place_waits_for_the_next_object),
		WITH_HOUSE(test_a_send_that_never_told_its_end),
		WITH_HOUSE(test_what_comes_due_afterwards_is_cancelled),
		cmocka_unit_test(test_what_was_left_of_it_is_not_answered),
		WITH_HOUSE(test_the_store_is_asked_until_it_has_erased),
		WITH_HOUSE(test_a_configured_one_is_taken_out),
		WITH_HOUSE(test_removed_and_added_again),
		WITH_HOUSE(test_the_operators_switch),
		WITH_HOUSE(test_the_switch_of_a_configured_one),
		cmocka_unit_test(test_one_that_was_off_at_the_start),
		WITH_HOUSE(test_the_operator_removes),
		WITH_HOUSE(test_checking),
		WITH_HOUSE(test_a_stop_waits_for_those_that_leave),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
