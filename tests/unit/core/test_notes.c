/* Notes of places where a bot with one token was added: rows without secrets, served by the configured one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "house.h"
#include "mem.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct core_options no_key = { 0 };

static int setup(void **state)
{
	return house_setup(state, &no_key);
}

/* "hook" can't adopt, "room" can; a note needs neither that nor a key. */
static void note(struct platform *platform, const char *key, uint64_t ticket)
{
	platform->host->install(platform->host,
				&(struct install){ .key = key, .title = "Garden", .settings = "{\"a\":1}" },
				ticket);
}

static struct store_installation row(const char *name)
{
	return (struct store_installation){
		.platform = "room", .name = name, .title = "Garden", .settings = "{}", .enabled = true
	};
}

static void answer(struct house *house)
{
	struct question *q = house_question(house, Q_INSTALL);
	char *name = mem_text(q->installation);
	struct store_installation it = row(name);

	fake_answer_installations(house->store, q, NULL, &it, 1);
	free(name);
}

static void test_a_place_is_noted(void **state)
{
	struct house *house = *state;
	struct question *q;

	note(house->room, "-100", 7);
	q = house_question(house, Q_INSTALL);
	assert_string_equal(q->installation, "one/-100");
	assert_string_equal(q->title, "Garden");
	assert_string_equal(q->settings, "{\"a\":1}");
	assert_null(q->secrets);
	assert_false(q->own_org);
	answer(house);
	fake_loop_run(house->loop);
	assert_int_equal(house->room->installed_count, 1);
	assert_int_equal(house->room->installed[0].kind, ERR_NONE);
	assert_string_equal(house->room->installed[0].a, "one/-100");
	assert_int_equal(house->room->adopted_count, 0);
	note(house->room, "", 8);
	fake_loop_run(house->loop);
	assert_int_equal(house->room->installed[1].kind, ERR_REFUSED);
	note(house->hook, "-5", 9); /* which wants no answer */
	answer(house);
	fake_loop_run(house->loop);
}

/* We were taken out of one group: those who talk to us elsewhere must not notice. */
static void test_a_note_is_taken_out(void **state)
{
	struct house *house = *state;

	note(house->room, "-100", 7);
	answer(house);
	house_begin(house, house_room_turn("one", 1, 5, 0));
	house_recall(house);
	house->room->host->removed(house->room->host, "-100", "kicked");
	assert_string_equal(house_question(house, Q_REMOVE)->installation, "one/-100");
	assert_string_equal(house_question(house, Q_REMOVE)->why, "kicked");
	fake_answer_done(house->store, house_question(house, Q_REMOVE), NULL);
	assert_int_equal(fake_ai_cancelled(house->ai), 0);
	assert_false(house->room->off);
	fake_ai_answer(house->ai, fake_ai_thought(house->ai, 0), "still here");
	assert_int_equal(house_question(house, Q_ANSWER)->state, MESSAGE_ANSWERED);
	house_answered(house);
}

struct word {
	enum err_kind kind;
	char text[300];
	unsigned count;
};

static void on_word(void *owner, uint64_t ticket, const struct err *err, const char *json)
{
	struct word *word = owner;

	(void)ticket;
	word->kind = err->kind;
	snprintf(word->text, sizeof(word->text), "%s", err->kind == ERR_NONE ? json : err->text);
	word->count++;
}

/* Nothing to open or to check; `usher doctor` finds no fault in it. */
static void test_what_operators_may_do_with_it(void **state)
{
	struct store_installation rows[] = { row("one"), row("one/-100"), row("one/-7") };
	struct word word = { 0 };
	struct house house;

	(void)state;
	rows[2].platform = "hook";
	house_prepare_rows(&house, &no_key, rows, 3);
	house_recover(&house);
	assert_int_equal(house.room->adopted_count, 0);
	core_check(house.core, "room", "one/-100", on_word, &word, 1);
	fake_loop_run(house.loop);
	assert_int_equal(word.kind, ERR_NONE);
	assert_string_equal(word.text, "[]");
	/* A plugin that is not told of notes could not keep them silent. */
	core_switch(house.core, CORE_DISABLE, "hook", "one/-7", on_word, &word, 1);
	fake_loop_run(house.loop);
	assert_int_equal(word.kind, ERR_REFUSED);
	assert_non_null(strstr(word.text, "no switch of its own"));
	core_switch(house.core, CORE_ENABLE, "room", "one", on_word, &word, 1); /* brings no note up */
	fake_answer_done(house.store, house_question(&house, Q_ENABLE), NULL);
	fake_answer_installations(house.store, house_question(&house, Q_INSTALLATIONS), NULL, rows, 3);
	assert_int_equal(word.kind, ERR_NONE);
	core_switch(house.core, CORE_REMOVE, "room", "one/-100", on_word, &word, 1);
	fake_answer_done(house.store, house_question(&house, Q_REMOVE), NULL);
	assert_int_equal(word.kind, ERR_NONE);
	assert_int_equal(word.count, 4);
	assert_int_equal(house.room->adopted_count, 0);
	assert_int_equal(fake_store_waiting_all(house.store), 0);
	house_close(&house);
}

/* A guild that was switched off stays silent over a restart; one that was removed is not told as there. */
static void test_notes_are_told_before_the_start(void **state)
{
	struct store_installation rows[] = { row("one"), row("one/-100"), row("one/-200"), row("one/-300"),
					     row("two/-400") };
	const struct platform *room;
	struct house house;

	(void)state;
	rows[1].settings = "{\"added_by\":\"5\"}";
	rows[2].enabled = false;
	rows[3].removed = true;
	house_prepare_rows(&house, &no_key, rows, 5);
	room = house.room;
	assert_int_equal(room->known_count, 0);
	fake_answer_recovered(house.store, house_question(&house, Q_RECOVER), NULL,
			      &(struct store_recovered){ 0 });
	assert_false(room->started);
	assert_int_equal(room->known_count, 2);
	assert_string_equal(room->known[0].a, "-100");
	assert_string_equal(room->known[0].b, "{\"added_by\":\"5\"}");
	assert_int_equal(room->known[0].ticket, 1);
	assert_string_equal(room->known[1].a, "-200");
	assert_int_equal(room->known[1].ticket, 0);
	house_close(&house);
}

/* The operator silences one guild of a bot; the others go on. */
static void test_the_switch_of_a_note(void **state)
{
	const struct store_installation rows[] = { row("one"), row("one/-100") };
	const struct err gone = { .kind = ERR_GONE, .text = "removed" };
	struct word word = { 0 };
	struct house house;

	(void)state;
	house_prepare_rows(&house, &no_key, rows, 2);
	house_recover(&house);
	core_switch(house.core, CORE_DISABLE, "room", "one/-100", on_word, &word, 1);
	assert_string_equal(house_question(&house, Q_ENABLE)->installation, "one/-100");
	assert_false(house_question(&house, Q_ENABLE)->enabled);
	assert_int_equal(house.room->known_count, 1); /* not before it is durable */
	fake_answer_done(house.store, house_question(&house, Q_ENABLE), NULL);
	assert_int_equal(word.kind, ERR_NONE);
	assert_non_null(strstr(word.text, "\"enabled\":false"));
	assert_int_equal(house.room->known_count, 2);
	assert_int_equal(house.room->known[1].ticket, 0);
	assert_false(house.room->off);
	core_switch(house.core, CORE_ENABLE, "room", "one/-100", on_word, &word, 1);
	fake_answer_done(house.store, house_question(&house, Q_ENABLE), NULL);
	assert_int_equal(word.count, 2);
	assert_int_equal(house.room->known[2].ticket, 1);
	core_switch(house.core, CORE_DISABLE, "room", "one/-100", on_word, &word, 1);
	fake_answer_done(house.store, house_question(&house, Q_ENABLE), &gone);
	assert_int_equal(word.kind, ERR_GONE);
	assert_int_equal(house.room->known_count, 3);
	assert_int_equal(fake_store_waiting_all(house.store), 0);
	house_close(&house);
}

#define WITH_HOUSE(test) cmocka_unit_test_setup_teardown(test, setup, house_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_HOUSE(test_a_place_is_noted),
		WITH_HOUSE(test_a_note_is_taken_out),
		cmocka_unit_test(test_what_operators_may_do_with_it),
		cmocka_unit_test(test_notes_are_told_before_the_start),
		cmocka_unit_test(test_the_switch_of_a_note),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
