/* Places that add us: while nothing runs, while everything does, and over a restart. */
#include "clock.h"
#include "stage_places.h"
#include <stdlib.h>
#include <string.h>

/* ---- at the start ---------------------------------------------------------------------------- */

static void test_what_was_added_comes_up_again(void **state)
{
	const struct store_installation rows[] = { place_row("one", NULL, NULL),
						   place_row("one/T1", place_keys[1], "{\"t\":1}"),
						   place_row("other/T2", place_keys[0], "{\"t\":2}") };
	const struct store_cursor cursors[] = { { "C1", "17.5" }, { "C2", "9" } }; /* newest first */
	struct house house;
	struct platform *place;

	(void)state;
	house_prepare_rows(&house, &places_sealed, rows, 3);
	assert_int_equal(house.room->adopted_count, 1); /* what "other/T2" was added to is not configured */
	place = house.room->adopted[0];
	assert_string_equal(place->key, "T1");
	assert_string_equal(place->secrets, "{\"t\":1}"); /* sealed with the older key */
	assert_string_equal(place->host->name, "one/T1");
	assert_true(place->host->can_install);
	assert_ptr_equal(place->host->loop, house.loop);
	fake_answer_recovered(house.store, house_question(&house, Q_RECOVER), NULL,
			      &(struct store_recovered){ 0 });
	assert_false(place->started);
	assert_string_equal(house_question(&house, Q_CURSORS)->installation, "one");
	place_no_cursors(&house);
	assert_string_equal(house_question(&house, Q_CURSORS)->installation, "one/T1");
	assert_true(house_question(&house, Q_CURSORS)->next_ms <
		    clock_wall_ms() - 89 * 86400000LL); /* people who write once a quarter */
	fake_answer_cursors(house.store, house_question(&house, Q_CURSORS), NULL, cursors, 2);
	assert_string_equal(house_question(&house, Q_TEXTS)->installation, "one/T1");
	fake_answer_texts(house.store, house_question(&house, Q_TEXTS), NULL,
			  &(struct store_text){ "session", "s1" }, 1);
	fake_loop_run(house.loop);
	assert_int_equal(house.ready, 1);
	assert_true(place->started);
	assert_int_equal(place->cursor_count, 2);
	assert_int_equal(place->recall_count, 1);
	assert_string_equal(place->cursors[1].a, "C1"); /* the last to be forgotten */
	assert_string_equal(place->cursors[1].b, "17.5");
	assert_true(house_status_says(&house, "\"name\":\"one/T1\""));
	house_close(&house);
	place_rows_free(rows, 3);
}

static void test_rows_that_stay_out(void **state)
{
	static const uint8_t lost[CRYPTO_KEY_SIZE] = { 9 };
	struct store_installation rows[] = {
		place_row("one/lost", lost, "{}"),	     place_row("one/none", NULL, NULL),
		place_row("one/off", place_keys[0], "{}"),   place_row("one/gone", place_keys[0], "{}"),
		place_row("one/moved", place_keys[0], "{}"), place_row("one/fine", place_keys[0], "{}")
	};
	struct house house;

	(void)state;
	rows[2].enabled = false;
	rows[3].removed = true;
	rows[4].name = "one/elsewhere"; /* sealed for another row */
	house_prepare_rows(&house, &places_sealed, rows, 6);
	assert_int_equal(house.room->adopted_count, 1);
	assert_string_equal(house.room->adopted[0]->key, "fine");
	house_recover(&house);
	house_close(&house);
	place_rows_free(rows, 6);
}

static void test_a_configured_one_that_is_switched_off(void **state)
{
	struct store_installation rows[] = { place_row("one", NULL, NULL),
					     place_row("one/T1", place_keys[0], "{}") };
	struct house house;

	(void)state;
	rows[0].enabled = false;
	house_prepare_rows(&house, &places_sealed, rows, 2);
	house_recover(&house);
	assert_true(house.room->off && house.room->started);
	assert_int_equal(house.room->adopted_count, 0);
	assert_false(house.chat->off);
	house_close(&house);
	place_rows_free(rows, 2);
}

static void test_no_start_without_rows(void **state)
{
	struct house house;
	struct err err = { .kind = ERR_AGAIN, .text = "database is locked" };

	(void)state;
	house_build(&house, &places_sealed);
	fake_answer_installations(house.store, house_question(&house, Q_INSTALLATIONS), &err, NULL, 0);
	assert_int_equal(house.fatal, 1);
	assert_int_equal(house_waiting(&house, Q_RECOVER), 0);
	house_close(&house);
}

/* ---- being added ----------------------------------------------------------------------------- */

static void test_a_place_adds_us(void **state)
{
	struct house *house = *state;
	struct question *q;
	char *secrets;
	struct platform *place;

	place_ask(house, "T1", 7);
	q = house_question(house, Q_INSTALL);
	assert_string_equal(q->installation, "one/T1");
	assert_true(q->own_org);
	assert_null(strstr(q->secrets, "token"));
	secrets = crypto_open(place_keys[0], "room/one/T1", q->secrets);
	assert_string_equal(secrets, "{\"token\":\"a\"}");
	free(secrets);
	place_answer(house, true);
	assert_int_equal(house->room->installed_count, 0); /* not before it runs */
	place_no_cursors(house);
	place = house->room->adopted[0];
	assert_true(place->started);
	assert_int_equal(place_last_told(house)->ticket, 7);
	assert_int_equal(place_last_told(house)->kind, ERR_NONE);
	assert_string_equal(place_last_told(house)->a, "one/T1");
	house_say(place, 1, "room", "hello"); /* and it is heard */
	assert_string_equal(house_question(house, Q_ACCEPT)->installation, "one/T1");
	house_accept(house, 5, 0);
	assert_int_equal(place->ack_count, 1);
}

/* The old object must be gone before the new one comes: both would hold the same connection. */
static void test_a_place_adds_us_again(void **state)
{
	struct house *house = *state;
	struct platform *old = place_install(house, "T1");

	old->keeps_running = true;
	house_begin(house, house_room_turn("one/T1", 1, 5, 0));
	house_recall(house);
	fake_ai_answer(house->ai, fake_ai_thought(house->ai, 0), "first");
	house_answered(house);
	house_begin(house, house_room_turn("one/T1", 2, 6, 0));
	house_recall(house);
	fake_ai_thought(house->ai, 0)
		->events->part(fake_ai_thought(house->ai, 0)->owner, fake_ai_thought(house->ai, 0)->ticket,
			       "Hel", 3, false);
	assert_int_equal(old->part_count, 1);
	place_ask(house, "T1", 8);
	place_answer(house, true);
	fake_loop_run(house->loop);
	assert_true(old->stopping);
	assert_int_equal(house->room->adopted_count, 1);
	house_due(house, &(struct store_reply){ .id = 3,
						.platform = "room",
						.installation = "one/T1",
						.expires_ms = clock_wall_ms() + 60000,
						.out = { .uuid = "r", .text = "x" } });
	assert_int_equal(house_question(house, Q_SENT)->reply_state, REPLY_PENDING);
	assert_true(house_question(house, Q_SENT)->next_ms < clock_wall_ms() + 5000);
	old->host->stopped(old->host);
	fake_loop_run(house->loop);
	fake_loop_pass(house->loop, 600);
	place_no_cursors(house);
	assert_int_equal(house->room->destroyed, 1);
	assert_int_equal(house->room->adopted_count, 2);
	assert_int_equal(place_last_told(house)->ticket, 8);
	/* Its turn belongs to the new object, which sees the answer from its beginning. */
	fake_ai_thought(house->ai, 0)
		->events->part(fake_ai_thought(house->ai, 0)->owner, fake_ai_thought(house->ai, 0)->ticket,
			       "lo", 2, false);
	assert_int_equal(house->room->adopted[1]->part_count, 1);
	assert_string_equal(house->room->adopted[1]->parts[0].text, "Hello");
	assert_int_equal(house->room->adopted[1]->parts[0].offset, 0);
}

static void test_an_old_object_that_does_not_stop(void **state)
{
	struct house *house = *state;
	struct platform *old = place_install(house, "T1");

	old->keeps_running = true;
	place_ask(house, "T1", 8);
	place_answer(house, true);
	fake_loop_pass(house->loop, 9000);
	assert_int_equal(house->room->adopted_count, 1);
	fake_loop_pass(house->loop, 2000);
	assert_int_equal(house->room->destroyed, 1);
	assert_int_equal(house->room->adopted_count, 2);
	place_no_cursors(house);
}

static void test_two_who_add_at_once(void **state)
{
	struct house *house = *state;

	place_ask(house, "T1", 1);
	place_ask(house, "T1", 2);
	place_answer(house, true);
	place_answer(house, true);
	for (int i = 0; i < 3; i++) {
		while (house_waiting(house, Q_CURSORS))
			place_no_cursors(house);
		fake_loop_pass(house->loop, 600);
	}
	assert_int_equal(house->room->installed_count, 2);
	assert_int_equal(house->room->adopted_count, 2);
	assert_int_equal(house->room->destroyed, 1);
	assert_true(house->room->adopted[1]->started);
}

static void test_what_cannot_be_added(void **state)
{
	struct house *house = *state;
	struct platform *place = place_install(house, "T1");
	const struct err full = { .kind = ERR_FULL, .text = "the disk is full" };

	place_ask(house, "", 1);
	assert_int_equal(house->room->installed_count, 1); /* no answer inside the call */
	fake_loop_run(house->loop);
	assert_int_equal(place_last_told(house)->kind, ERR_REFUSED);
	assert_string_equal(place_last_told(house)->a, "NULL");
	place_ask(house, "T2", 2);
	fake_answer_installations(house->store, house_question(house, Q_INSTALL), &full, NULL, 0);
	assert_int_equal(place_last_told(house)->kind, ERR_FULL);
	fake_platform_fails_adopt = true;
	place_ask(house, "T3", 3);
	place_answer(house, true);
	fake_loop_run(house->loop);
	assert_string_equal(place_last_told(house)->b, "room/one/T3: its secrets make no sense");
	fake_platform_fails_adopt = false;
	fake_platform_fails_start = true;
	place_ask(house, "T4", 4);
	place_answer(house, true);
	place_no_cursors(house);
	assert_string_equal(place_last_told(house)->b, "room/one/T4 does not start: the path is taken");
	fake_loop_run(house->loop);
	assert_int_equal(house->room->destroyed, 1);
	fake_platform_fails_start = false;
	place_ask(house, "T5", 5); /* the operator had switched that place off */
	place_answer(house, false);
	assert_int_equal(place_last_told(house)->kind, ERR_REFUSED);
	place->host->install(place->host, &(struct install){ .key = "x", .secrets = "{}" }, 6);
	fake_loop_run(house->loop);
	assert_int_equal(house->room->adopted_count, 2); /* T1, and T4 for a moment */
}

static void test_the_configured_row_is_brought_up_to_date(void **state)
{
	struct house *house = *state;

	place_ask(house, NULL, 9);
	assert_string_equal(house_question(house, Q_INSTALL)->installation, "one");
	assert_null(house_question(house, Q_INSTALL)->secrets);
	assert_false(house_question(house, Q_INSTALL)->own_org);
	place_answer(house, true);
	assert_string_equal(place_last_told(house)->a, "one");
	assert_int_equal(house->room->adopted_count, 0);
}

static void test_without_a_key(void **state)
{
	struct house house;

	(void)state;
	house_open(&house, &(struct core_options){ 0 });
	assert_false(house.room->host->can_install);
	place_ask(&house, "T1", 1);
	fake_loop_run(house.loop);
	assert_non_null(strstr(place_last_told(&house)->b, "store.key"));
	assert_int_equal(house_waiting(&house, Q_INSTALL), 0);
	house_close(&house);
}

/* ---- secrets --------------------------------------------------------------------------------- */

static void test_new_secrets_are_used_when_they_are_durable(void **state)
{
	struct house *house = *state;
	struct platform *place = place_install(house, "T1");
	struct question *q;
	char *secrets;

	place->host->keep(place->host, "{\"token\":\"b\"}", 11);
	q = house_question(house, Q_KEEP);
	assert_string_equal(q->installation, "one/T1");
	secrets = crypto_open(place_keys[0], "room/one/T1", q->secrets);
	assert_string_equal(secrets, "{\"token\":\"b\"}");
	free(secrets);
	assert_int_equal(place->kept_count, 0);
	fake_answer_done(house->store, q, NULL);
	assert_int_equal(place->kept[0].ticket, 11);
	assert_int_equal(place->kept[0].kind, ERR_NONE);
	house->room->host->keep(house->room->host, "{}", 12);
	fake_loop_run(house->loop);
	assert_int_equal(house->room->kept[0].kind, ERR_REFUSED);
	place_ask(house, "T1", 1); /* what it was just added with is newer */
	place->host->keep(place->host, "{}", 13);
	fake_loop_run(house->loop);
	assert_int_equal(place->kept[1].kind, ERR_AGAIN);
	place->keeps_running = true;
	place_answer(house, true);
	place->host->keep(place->host, "{}", 14);
	fake_loop_run(house->loop);
	assert_int_equal(place->kept[2].kind, ERR_GONE);
	assert_int_equal(house_waiting(house, Q_KEEP), 0);
}

#define WITH_HOUSE(test) cmocka_unit_test_setup_teardown(test, places_setup, house_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_was_added_comes_up_again),
		cmocka_unit_test(test_rows_that_stay_out),
		cmocka_unit_test(test_a_configured_one_that_is_switched_off),
		cmocka_unit_test(test_no_start_without_rows),
		WITH_HOUSE(test_a_place_adds_us),
		WITH_HOUSE(test_a_place_adds_us_again),
		WITH_HOUSE(test_an_old_object_that_does_not_stop),
		WITH_HOUSE(test_two_who_add_at_once),
		WITH_HOUSE(test_what_cannot_be_added),
		WITH_HOUSE(test_the_configured_row_is_brought_up_to_date),
		cmocka_unit_test(test_without_a_key),
		WITH_HOUSE(test_new_secrets_are_used_when_they_are_durable),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
