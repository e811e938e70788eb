/* What a plugin remembers over a restart: kept before it is told so, given back before it starts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "mem.h"
#include "stage_places.h"
#include <stdlib.h>
#include <string.h>

static const struct fake_word *last_told(const struct platform *platform)
{
	assert_true(platform->remembered_count > 0);
	return &platform->remembered[platform->remembered_count - 1];
}

/* A plugin that acts before its note is durable would do it twice after a crash. */
static void test_it_is_told_when_it_is_durable(void **state)
{
	struct house *house = *state;
	struct platform *room = house->room;
	struct question *q;

	room->host->remember(room->host, "shard/0", "{\"seq\":1}", 5);
	q = house_question(house, Q_REMEMBER);
	assert_string_equal(q->platform, "room");
	assert_string_equal(q->installation, "one");
	assert_string_equal(q->name, "shard/0");
	assert_string_equal(q->text, "{\"seq\":1}");
	fake_loop_run(house->loop);
	assert_int_equal(room->remembered_count, 0);
	fake_answer_done(house->store, q, NULL);
	assert_int_equal(room->remembered_count, 1);
	assert_int_equal(last_told(room)->ticket, 5);
	assert_int_equal(last_told(room)->kind, ERR_NONE);
	room->host->remember(room->host, "shard/0", NULL, 6);
	q = house_question(house, Q_REMEMBER);
	assert_null(q->text);
	fake_answer_done(house->store, q, &(struct err){ .kind = ERR_AGAIN, .text = "busy" });
	assert_int_equal(last_told(room)->ticket, 6);
	assert_int_equal(last_told(room)->kind, ERR_AGAIN);
	house->hook->host->remember(house->hook->host, "a", "b", 7); /* which wants no answer */
	fake_answer_done(house->store, house_question(house, Q_REMEMBER), NULL);
}

static void refused(struct house *house, const char *name, const char *text)
{
	struct platform *room = house->room;
	size_t before = room->remembered_count;

	room->host->remember(room->host, name, text, 9);
	assert_int_equal(room->remembered_count, before); /* not inside the call */
	assert_int_equal(house_waiting(house, Q_REMEMBER), 0);
	fake_loop_run(house->loop);
	assert_int_equal(room->remembered_count, before + 1);
	assert_int_equal(last_told(room)->kind, ERR_REFUSED);
}

/* Cut or broken, it would come back as something the plugin never wrote. */
static void test_what_can_not_be_kept(void **state)
{
	struct house *house = *state;
	char *text = mem_zero(PLATFORM_TEXT_MAX + 2, 1), name[257] = { 0 };

	memset(text, 'a', PLATFORM_TEXT_MAX + 1);
	memset(name, 'n', 256);
	refused(house, "n", text);
	refused(house, "n", "\xff");
	refused(house, "", "text");
	refused(house, name, "text");
	refused(house, "\xff", "text");
	text[PLATFORM_TEXT_MAX] = '\0';
	name[255] = '\0';
	house->room->host->remember(house->room->host, name, text, 9);
	fake_answer_done(house->store, house_question(house, Q_REMEMBER), NULL);
	assert_int_equal(last_told(house->room)->kind, ERR_NONE);
	free(text);
}

/* What an object that has been replaced still says must not stand over what its successor wrote. */
static void test_one_that_is_gone_keeps_nothing(void **state)
{
	struct house *house = *state;
	struct platform *place = place_install(house, "T1");

	place->keeps_running = true;
	place->host->remember(place->host, "a", "1", 1);
	place_take_out(house, "T1");
	fake_answer_done(house->store, house_question(house, Q_REMEMBER),
			 &(struct err){ .kind = ERR_GONE, .text = "removed" });
	assert_int_equal(last_told(place)->kind, ERR_GONE);
	place->host->remember(place->host, "a", "2", 2);
	assert_int_equal(house_waiting(house, Q_REMEMBER), 0);
	fake_loop_run(house->loop);
	assert_int_equal(last_told(place)->ticket, 2);
	assert_int_equal(last_told(place)->kind, ERR_GONE);
	place->host->stopped(place->host);
	fake_loop_run(house->loop);
}

/* The plugin object may be gone when the store answers. */
static void test_an_answer_that_comes_late(void **state)
{
	struct house *house = *state;
	struct platform *place = place_install(house, "T1");

	place->host->remember(place->host, "a", "1", 1);
	place_take_out(house, "T1");
	fake_loop_run(house->loop);
	assert_null(house->room->adopted[0]);
	fake_answer_done(house->store, house_question(house, Q_REMEMBER), NULL);
	fake_loop_run(house->loop);
}

static void recover_up_to_the_past(struct house *house)
{
	house_prepare_rows(house, &places_sealed, NULL, 0);
	fake_answer_recovered(house->store, house_question(house, Q_RECOVER), NULL,
			      &(struct store_recovered){ 0 });
	fake_answer_cursors(house->store, house_question(house, Q_CURSORS), NULL, NULL, 0);
}

static void test_it_comes_back_before_the_start(void **state)
{
	const struct store_text texts[] = { { "commands", "h1" }, { "shard/0", "{}" } };
	struct house house;

	(void)state;
	recover_up_to_the_past(&house);
	assert_int_equal(house_waiting(&house, Q_TEXTS), 1); /* only of those who want them */
	assert_string_equal(house_question(&house, Q_TEXTS)->installation, "one");
	assert_int_equal(house.ready, 0);
	fake_answer_texts(house.store, house_question(&house, Q_TEXTS), NULL, texts, 2);
	fake_loop_run(house.loop);
	assert_int_equal(house.ready, 1);
	assert_true(house.room->started);
	assert_int_equal(house.room->recall_count, 2);
	assert_string_equal(house.room->recalls[1].a, "shard/0");
	assert_string_equal(house.room->recalls[1].b, "{}");
	house_close(&house);
}

/* A plugin that starts without what it knew would log in again and answer twice. */
static void test_no_start_without_it(void **state)
{
	const struct err broken = { .kind = ERR_FATAL, .text = "the disk is gone" };
	struct house house;

	(void)state;
	recover_up_to_the_past(&house);
	fake_answer_texts(house.store, house_question(&house, Q_TEXTS), &broken, NULL, 0);
	fake_loop_run(house.loop);
	assert_int_equal(house.fatal, 1);
	assert_int_equal(house.ready, 0);
	assert_false(house.room->started);
	house_close(&house);
}

/* One that is added while we run gets its own; when they can't be had now, it works all the same. */
static void test_of_a_place_that_is_added(void **state)
{
	struct house *house = *state;
	const struct err busy = { .kind = ERR_AGAIN, .text = "busy" };
	struct platform *place;

	for (size_t i = 0; i < 2; i++) {
		place_ask(house, i ? "T2" : "T1", i + 1);
		place_answer(house, true);
		fake_loop_run(house->loop);
		fake_answer_cursors(house->store, house_question(house, Q_CURSORS), NULL, NULL, 0);
		place = house->room->adopted[i];
		assert_false(place->started);
		assert_string_equal(house_question(house, Q_TEXTS)->installation, i ? "one/T2" : "one/T1");
		fake_answer_texts(house->store, house_question(house, Q_TEXTS), i ? &busy : NULL,
				  &(struct store_text){ "a", "1" }, !i);
		assert_true(place->started);
		assert_int_equal(place->recall_count, !i);
		fake_answer_due(house->store, house_question(house, Q_DUE), NULL, NULL, 0, 0);
	}
}

#define WITH_HOUSE(test) cmocka_unit_test_setup_teardown(test, places_setup, house_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_HOUSE(test_it_is_told_when_it_is_durable),
		WITH_HOUSE(test_what_can_not_be_kept),
		WITH_HOUSE(test_one_that_is_gone_keeps_nothing),
		WITH_HOUSE(test_an_answer_that_comes_late),
		cmocka_unit_test(test_it_comes_back_before_the_start),
		cmocka_unit_test(test_no_start_without_it),
		WITH_HOUSE(test_of_a_place_that_is_added),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
