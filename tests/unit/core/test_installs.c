/* Places that add us and take us out: while nothing runs, while everything does, and over a restart. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "clock.h"
#include "crypto.h"
#include "house.h"
#include "mem.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const uint8_t keys[2][CRYPTO_KEY_SIZE] = { { 1 }, { 2 } };
static const struct core_options sealed = { .keys = keys, .key_count = 2 };

static int setup(void **state)
{
	return house_setup(state, &sealed);
}

static struct store_installation row(const char *name, const uint8_t *key, const char *secrets)
{
	char *context = mem_format("room/%s", name);
	struct store_installation it = { .platform = "room",
					 .name = name,
					 .title = "Acme",
					 .settings = "{}",
					 .secrets = key ? crypto_seal(key, context, secrets) : NULL,
					 .enabled = true };

	free(context);
	return it;
}

static void free_secrets(const struct store_installation *rows, size_t count)
{
	for (size_t i = 0; i < count; i++)
		free((char *)(uintptr_t)rows[i].secrets);
}

static const struct fake_word *last_installed(const struct house *house)
{
	assert_true(house->room->installed_count > 0);
	return &house->room->installed[house->room->installed_count - 1];
}

/* The place `key` is added; what the store keeps of it is given back as its row. */
static void ask_install(struct house *house, const char *key, uint64_t ticket)
{
	house->room->host->install(house->room->host,
				   &(struct install){ .key = key,
						      .title = "Acme",
						      .settings = "{\"team\":1}",
						      .secrets = "{\"token\":\"a\"}" },
				   ticket);
}

static void answer_install(struct house *house, bool enabled)
{
	struct question *q = house_question(house, Q_INSTALL);
	char *name = mem_text(q->installation), *secrets = mem_text(q->secrets);
	struct store_installation it = { .platform = "room",
					 .name = name,
					 .title = "Acme",
					 .settings = "{}",
					 .secrets = secrets,
					 .enabled = enabled };

	fake_answer_installations(house->store, q, NULL, &it, 1);
	free(name);
	free(secrets);
}

static void no_cursors(struct house *house)
{
	fake_answer_cursors(house->store, house_question(house, Q_CURSORS), NULL, NULL, 0);
}

static struct platform *install(struct house *house, const char *key)
{
	size_t before = house->room->adopted_count;

	ask_install(house, key, 7);
	answer_install(house, true);
	fake_loop_run(house->loop);
	no_cursors(house);
	assert_int_equal(house->room->adopted_count, before + 1);
	fake_answer_due(house->store, house_question(house, Q_DUE), NULL, NULL, 0, 0);
	return house->room->adopted[before];
}

/* ---- at the start ---------------------------------------------------------------------------- */

static void test_what_was_added_comes_up_again(void **state)
{
	const struct store_installation rows[] = { row("one", NULL, NULL),
						   row("one/T1", keys[1], "{\"t\":1}"),
						   row("other/T2", keys[0], "{\"t\":2}") };
	const struct store_cursor cursors[] = { { "C1", "17.5" }, { "C2", "9" } };
	struct house house;
	struct platform *place;

	(void)state;
	house_prepare_rows(&house, &sealed, rows, 3);
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
	no_cursors(&house);
	assert_string_equal(house_question(&house, Q_CURSORS)->installation, "one/T1");
	assert_true(house_question(&house, Q_CURSORS)->next_ms < clock_wall_ms() - 6 * 86400000LL);
	fake_answer_cursors(house.store, house_question(&house, Q_CURSORS), NULL, cursors, 2);
	fake_loop_run(house.loop);
	assert_int_equal(house.ready, 1);
	assert_true(place->started);
	assert_int_equal(place->cursor_count, 2);
	assert_string_equal(place->cursors[1].a, "C2");
	assert_string_equal(place->cursors[1].b, "9");
	assert_true(house_status_says(&house, "\"name\":\"one/T1\""));
	house_close(&house);
	free_secrets(rows, 3);
}

static void test_rows_that_stay_out(void **state)
{
	static const uint8_t lost[CRYPTO_KEY_SIZE] = { 9 };
	struct store_installation rows[] = {
		row("one/lost", lost, "{}"),	 row("one/none", NULL, NULL),
		row("one/off", keys[0], "{}"),	 row("one/gone", keys[0], "{}"),
		row("one/moved", keys[0], "{}"), row("one/fine", keys[0], "{}")
	};
	struct house house;

	(void)state;
	rows[2].enabled = false;
	rows[3].removed = true;
	rows[4].name = "one/elsewhere"; /* sealed for another row */
	house_prepare_rows(&house, &sealed, rows, 6);
	assert_int_equal(house.room->adopted_count, 1);
	assert_string_equal(house.room->adopted[0]->key, "fine");
	house_recover(&house);
	house_close(&house);
	free_secrets(rows, 6);
}

static void test_a_configured_one_that_is_switched_off(void **state)
{
	struct store_installation rows[] = { row("one", NULL, NULL), row("one/T1", keys[0], "{}") };
	struct house house;

	(void)state;
	rows[0].enabled = false;
	house_prepare_rows(&house, &sealed, rows, 2);
	house_recover(&house);
	assert_true(house.room->off && house.room->started);
	assert_int_equal(house.room->adopted_count, 0);
	assert_false(house.chat->off);
	house_close(&house);
	free_secrets(rows, 2);
}

static void test_no_start_without_rows(void **state)
{
	struct house house;
	struct err err = { .kind = ERR_AGAIN, .text = "database is locked" };

	(void)state;
	house_build(&house, &sealed);
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

	ask_install(house, "T1", 7);
	q = house_question(house, Q_INSTALL);
	assert_string_equal(q->installation, "one/T1");
	assert_true(q->own_org);
	assert_null(strstr(q->secrets, "token"));
	secrets = crypto_open(keys[0], "room/one/T1", q->secrets);
	assert_string_equal(secrets, "{\"token\":\"a\"}");
	free(secrets);
	answer_install(house, true);
	assert_int_equal(house->room->installed_count, 0); /* not before it runs */
	no_cursors(house);
	place = house->room->adopted[0];
	assert_true(place->started);
	assert_int_equal(last_installed(house)->ticket, 7);
	assert_int_equal(last_installed(house)->kind, ERR_NONE);
	assert_string_equal(last_installed(house)->a, "one/T1");
	house_say(place, 1, "room", "hello"); /* and it is heard */
	assert_string_equal(house_question(house, Q_ACCEPT)->installation, "one/T1");
	house_accept(house, 5, 0);
	assert_int_equal(place->ack_count, 1);
}

/* The old object must be gone before the new one comes: both would hold the same connection. */
static void test_a_place_adds_us_again(void **state)
{
	struct house *house = *state;
	struct platform *old = install(house, "T1");

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
	ask_install(house, "T1", 8);
	answer_install(house, true);
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
	no_cursors(house);
	assert_int_equal(house->room->destroyed, 1);
	assert_int_equal(house->room->adopted_count, 2);
	assert_int_equal(last_installed(house)->ticket, 8);
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
	struct platform *old = install(house, "T1");

	old->keeps_running = true;
	ask_install(house, "T1", 8);
	answer_install(house, true);
	fake_loop_pass(house->loop, 9000);
	assert_int_equal(house->room->adopted_count, 1);
	fake_loop_pass(house->loop, 2000);
	assert_int_equal(house->room->destroyed, 1);
	assert_int_equal(house->room->adopted_count, 2);
	no_cursors(house);
}

static void test_two_who_add_at_once(void **state)
{
	struct house *house = *state;

	ask_install(house, "T1", 1);
	ask_install(house, "T1", 2);
	answer_install(house, true);
	answer_install(house, true);
	for (int i = 0; i < 3; i++) {
		while (house_waiting(house, Q_CURSORS))
			no_cursors(house);
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
	struct platform *place = install(house, "T1");
	const struct err full = { .kind = ERR_FULL, .text = "the disk is full" };

	ask_install(house, "", 1);
	assert_int_equal(house->room->installed_count, 1); /* no answer inside the call */
	fake_loop_run(house->loop);
	assert_int_equal(last_installed(house)->kind, ERR_REFUSED);
	assert_string_equal(last_installed(house)->a, "NULL");
	ask_install(house, "T2", 2);
	fake_answer_installations(house->store, house_question(house, Q_INSTALL), &full, NULL, 0);
	assert_int_equal(last_installed(house)->kind, ERR_FULL);
	fake_platform_fails_adopt = true;
	ask_install(house, "T3", 3);
	answer_install(house, true);
	fake_loop_run(house->loop);
	assert_string_equal(last_installed(house)->b, "room/one/T3: its secrets make no sense");
	fake_platform_fails_adopt = false;
	fake_platform_fails_start = true;
	ask_install(house, "T4", 4);
	answer_install(house, true);
	no_cursors(house);
	assert_string_equal(last_installed(house)->b, "room/one/T4 does not start: the path is taken");
	fake_loop_run(house->loop);
	assert_int_equal(house->room->destroyed, 1);
	fake_platform_fails_start = false;
	ask_install(house, "T5", 5); /* the operator had switched that place off */
	answer_install(house, false);
	assert_int_equal(last_installed(house)->kind, ERR_REFUSED);
	place->host->install(place->host, &(struct install){ .key = "x", .secrets = "{}" }, 6);
	fake_loop_run(house->loop);
	assert_int_equal(house->room->adopted_count, 2); /* T1, and T4 for a moment */
}

static void test_the_configured_row_is_brought_up_to_date(void **state)
{
	struct house *house = *state;

	ask_install(house, NULL, 9);
	assert_string_equal(house_question(house, Q_INSTALL)->installation, "one");
	assert_null(house_question(house, Q_INSTALL)->secrets);
	assert_false(house_question(house, Q_INSTALL)->own_org);
	answer_install(house, true);
	assert_string_equal(last_installed(house)->a, "one");
	assert_int_equal(house->room->adopted_count, 0);
}

static void test_without_a_key(void **state)
{
	struct house house;

	(void)state;
	house_open(&house, &(struct core_options){ 0 });
	assert_false(house.room->host->can_install);
	ask_install(&house, "T1", 1);
	fake_loop_run(house.loop);
	assert_non_null(strstr(last_installed(&house)->b, "store.key"));
	assert_int_equal(house_waiting(&house, Q_INSTALL), 0);
	house_close(&house);
}

/* ---- being taken out ------------------------------------------------------------------------- */

static void take_out(struct house *house, const char *key)
{
	house->room->host->removed(house->room->host, key, "the app was uninstalled");
	assert_string_equal(house_question(house, Q_REMOVE)->why, "the app was uninstalled");
	fake_answer_done(house->store, house_question(house, Q_REMOVE), NULL);
}

static void test_taken_out_in_the_middle_of_everything(void **state)
{
	struct house *house = *state;
	struct platform *place = install(house, "T1");
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
	take_out(house, "T1");
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
	struct platform *place = install(house, "T1");
	struct store_reply replies[20];

	place->keeps_running = true;
	due(house, replies, 20);
	assert_int_equal(place->send_count, 16);
	take_out(house, "T1");
	assert_int_equal(house_waiting(house, Q_SENT), 4);
	while (house_waiting(house, Q_SENT)) {
		assert_int_equal(house_question(house, Q_SENT)->reply_state, REPLY_CANCELLED);
		fake_answer_done(house->store, house_question(house, Q_SENT), NULL);
	}
}

static void test_what_waits_for_a_place_waits_for_the_next_object(void **state)
{
	struct house *house = *state;
	struct platform *place = install(house, "T1");
	struct store_reply replies[20];

	due(house, replies, 20);
	place->keeps_running = true;
	ask_install(house, "T1", 8);
	answer_install(house, true);
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
	no_cursors(house);
}

static void test_a_send_that_never_told_its_end(void **state)
{
	struct house *house = *state;
	struct platform *place = install(house, "T1");
	struct store_reply reply = *house_reply(1, "room", 9, 1);

	reply.installation = "one/T1";
	house_due(house, &reply);
	take_out(house, "T1");
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

	install(house, "T1");
	take_out(house, "T1");
	fake_loop_pass(house->loop, 600);
	reply.installation = "one/T1";
	house_due(house, &reply);
	assert_int_equal(house_question(house, Q_SENT)->reply_state, REPLY_CANCELLED);
}

/* A turn that was running when the process died, of a place that took us out before. */
static void test_what_was_left_of_it_is_not_answered(void **state)
{
	struct store_installation rows[] = { row("one/T1", NULL, NULL) };
	struct house house;

	(void)state;
	rows[0].removed = true;
	house_prepare_rows(&house, &sealed, rows, 1);
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

	install(house, "T1");
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

	install(house, "T1");
	house_begin(house, house_room_turn("one", 1, 5, 0));
	house_recall(house);
	take_out(house, NULL);
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

	install(house, "T1");
	take_out(house, "T1");
	fake_loop_pass(house->loop, 600);
	install(house, "T1");
	assert_int_equal(last_installed(house)->kind, ERR_NONE);
	ask_install(house, "T1", 3); /* and now removed before it is up */
	house->room->host->removed(house->room->host, "T1", "uninstalled");
	answer_install(house, true);
	fake_answer_done(house->store, house_question(house, Q_REMOVE), NULL);
	fake_loop_pass(house->loop, 600);
	assert_int_equal(last_installed(house)->kind, ERR_GONE);
	assert_int_equal(house->room->adopted_count, house->room->destroyed);
}

/* ---- secrets --------------------------------------------------------------------------------- */

static void test_new_secrets_are_used_when_they_are_durable(void **state)
{
	struct house *house = *state;
	struct platform *place = install(house, "T1");
	struct question *q;
	char *secrets;

	place->host->keep(place->host, "{\"token\":\"b\"}", 11);
	q = house_question(house, Q_KEEP);
	assert_string_equal(q->installation, "one/T1");
	secrets = crypto_open(keys[0], "room/one/T1", q->secrets);
	assert_string_equal(secrets, "{\"token\":\"b\"}");
	free(secrets);
	assert_int_equal(place->kept_count, 0);
	fake_answer_done(house->store, q, NULL);
	assert_int_equal(place->kept[0].ticket, 11);
	assert_int_equal(place->kept[0].kind, ERR_NONE);
	house->room->host->keep(house->room->host, "{}", 12);
	fake_loop_run(house->loop);
	assert_int_equal(house->room->kept[0].kind, ERR_REFUSED);
	ask_install(house, "T1", 1); /* what it was just added with is newer */
	place->host->keep(place->host, "{}", 13);
	fake_loop_run(house->loop);
	assert_int_equal(place->kept[1].kind, ERR_AGAIN);
	place->keeps_running = true;
	answer_install(house, true);
	place->host->keep(place->host, "{}", 14);
	fake_loop_run(house->loop);
	assert_int_equal(place->kept[2].kind, ERR_GONE);
	assert_int_equal(house_waiting(house, Q_KEEP), 0);
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
	struct platform *place = install(house, "T1");
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
	struct platform *place = install(house, "T1");
	struct said said = { 0 };
	struct store_installation rows[] = { row("one", NULL, NULL), row("one/T1", keys[0], "{}"),
					     row("one/T2", keys[0], "{}") };

	ask_switch(house, CORE_DISABLE, "one", &said);
	fake_answer_done(house->store, house_question(house, Q_ENABLE), NULL);
	assert_true(house->room->off && place->off);
	ask_switch(house, CORE_ENABLE, "one", &said);
	fake_answer_done(house->store, house_question(house, Q_ENABLE), NULL);
	assert_false(house->room->off || place->off);
	fake_answer_installations(house->store, house_question(house, Q_INSTALLATIONS), NULL, rows, 3);
	assert_int_equal(said.count, 2);
	no_cursors(house); /* T2 was not up: it comes, too */
	assert_int_equal(house->room->adopted_count, 2);
	assert_string_equal(house->room->adopted[1]->key, "T2");
	assert_true(house->room->adopted[1]->started);
	free_secrets(rows, 3);
}

static void test_one_that_was_off_at_the_start(void **state)
{
	struct store_installation rows[] = { row("one/T1", keys[0], "{\"t\":1}") };
	struct said said = { 0 };
	struct house house;

	(void)state;
	rows[0].enabled = false;
	house_prepare_rows(&house, &sealed, rows, 1);
	house_recover(&house);
	ask_switch(&house, CORE_ENABLE, "one/T1", &said);
	fake_answer_done(house.store, house_question(&house, Q_ENABLE), NULL);
	rows[0].enabled = true;
	fake_answer_installations(house.store, house_question(&house, Q_INSTALLATIONS), NULL, rows, 1);
	assert_int_equal(said.count, 0);
	no_cursors(&house);
	assert_true(house.room->adopted[0]->started);
	assert_string_equal(house.room->adopted[0]->secrets, "{\"t\":1}");
	assert_non_null(strstr(said.json, "\"enabled\":true"));
	house_close(&house);
	free_secrets(rows, 1);
}

static void test_the_operator_removes(void **state)
{
	struct house *house = *state;
	struct said said = { 0 };

	install(house, "T1");
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
	struct platform *place = install(house, "T1");
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
	take_out(house, "T1");
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
	struct platform *place = install(house, "T1");

	place->keeps_running = true;
	install(house, "T2");
	take_out(house, "T1");
	fake_loop_run(house->loop);
	core_stop(house->core, 1000, on_stopped, house);
	fake_loop_pass(house->loop, 500);
	assert_true(house->room->adopted[1]->stopping);
	assert_int_equal(house->stopped, 0);
	place->host->stopped(place->host);
	fake_loop_pass(house->loop, 500);
	assert_int_equal(house->stopped, 1);
}

#define WITH_HOUSE(test) cmocka_unit_test_setup_teardown(test, setup, house_teardown)

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
		WITH_HOUSE(test_taken_out_in_the_middle_of_everything),
		WITH_HOUSE(test_what_waits_for_a_place_is_not_sent_any_more),
		WITH_HOUSE(test_what_waits_for_a_place_waits_for_the_next_object),
		WITH_HOUSE(test_a_send_that_never_told_its_end),
		WITH_HOUSE(test_what_comes_due_afterwards_is_cancelled),
		cmocka_unit_test(test_what_was_left_of_it_is_not_answered),
		WITH_HOUSE(test_the_store_is_asked_until_it_has_erased),
		WITH_HOUSE(test_a_configured_one_is_taken_out),
		WITH_HOUSE(test_removed_and_added_again),
		WITH_HOUSE(test_new_secrets_are_used_when_they_are_durable),
		WITH_HOUSE(test_the_operators_switch),
		WITH_HOUSE(test_the_switch_of_a_configured_one),
		cmocka_unit_test(test_one_that_was_off_at_the_start),
		WITH_HOUSE(test_the_operator_removes),
		WITH_HOUSE(test_checking),
		WITH_HOUSE(test_a_stop_waits_for_those_that_leave),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
