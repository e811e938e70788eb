/* Reading what was missed against a core that is full, calls that fail, and new sessions in the middle of it. */
#include "mem.h"
#include "stage_late.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int open_stage(void **state)
{
	*state = late_open();
	return 0;
}

static int close_stage(void **state)
{
	late_close(*state);
	return 0;
}

/* ---- faults ------------------------------------------------------------------------------------- */

/* The core is full: nothing is passed over, and what came before is not handed over twice. */
static void what_is_not_taken_comes_again(void **state)
{
	struct late_stage *stage = *state;

	late_begin(stage);
	late_offer(stage, GUILD, ROOM, 100);
	late_page(stage, late_asked(stage, ROOM), TIMES(100, 200));
	late_ack(stage, 0, ACK_STORED);
	for (size_t n = 1; n < 12; n++) {
		late_last_is(stage, n, 100);
		late_ack(stage, n, n % 2 ? ACK_BUSY : ACK_FAILED);
		assert_int_equal(stage->taken_count, n + 1); /* not before the pause */
		stage_loop_pass(501);
	}
	late_ack(stage, 12, ACK_STORED);
	late_nothing_more(stage);
	assert_int_equal(stage->call_count, 1);
	assert_int_equal(stage->caught_up, 1);
}

static void calls_that_fail_are_made_again(void **state)
{
	static const enum discord_how hows[] = { DISCORD_NOT_SENT, DISCORD_MAYBE, DISCORD_LIMITED };
	struct late_stage *stage = *state;

	late_begin(stage);
	late_offer(stage, GUILD, ROOM, 100);
	for (size_t i = 0; i < 3; i++) {
		late_fails(stage, late_asked(stage, ROOM), hows[i], 3000);
		assert_int_equal(late_waiting(stage), 0);
		assert_true(discord_catch_up_holds(&stage->bot, ROOM));
		stage_loop_pass(8000);
	}
	late_answer(stage, late_asked(stage, ROOM),
		    &(struct discord_answer){
			    .how = DISCORD_REFUSED, .refusal = DISCORD_WAIT, .retry_ms = 2000 });
	stage_loop_pass(2001);
	late_answer(stage, late_asked(stage, ROOM), &(struct discord_answer){ .how = DISCORD_OK });
	stage_loop_pass(10001); /* no list */
	late_page(stage, late_asked(stage, ROOM), TIMES(100));
	late_last_is(stage, 0, 100);
	late_ack(stage, 0, ACK_STORED);
	late_nothing_more(stage);
	assert_int_equal(stage->caught_up, 1);
}

/* What the bot may not see is left out at once; the others are read. */
static void what_may_not_be_read_is_left_out(void **state)
{
	struct late_stage *stage = *state;

	late_begin(stage);
	late_offer(stage, GUILD, ROOM, 100);
	late_offer(stage, GUILD, HALL, 100);
	late_answer(stage, late_asked(stage, ROOM),
		    &(struct discord_answer){ .how = DISCORD_REFUSED,
					      .refusal = DISCORD_NO_ACCESS,
					      .status = 403,
					      .code = 50001,
					      .why = "Missing Access" });
	assert_false(discord_catch_up_holds(&stage->bot, ROOM));
	late_page(stage, late_asked(stage, HALL), TIMES(100));
	late_ack(stage, 0, ACK_STORED);
	late_nothing_more(stage);
	assert_int_equal(stage->call_count, 2);
	assert_int_equal(stage->caught_up, 1);
}

/* A channel that is out of order for half an hour must not keep silent what is said there now. */
static void a_channel_that_never_answers_is_given_up(void **state)
{
	struct late_stage *stage = *state;

	late_begin(stage);
	late_offer(stage, GUILD, ROOM, 100);
	for (unsigned i = 0; discord_catch_up_holds(&stage->bot, ROOM); i++) {
		assert_in_range(i, 0, 40);
		late_fails(stage, late_asked(stage, ROOM), DISCORD_MAYBE, 0);
		stage_loop_pass(62001);
	}
	late_nothing_more(stage);
	assert_int_equal(stage->caught_up, 1);
}

/* The token was refused: nobody is asked, and "seen" stays where it is for the time after. */
static void a_dead_token_ends_it(void **state)
{
	struct late_stage *stage = *state;

	late_begin(stage);
	late_offer(stage, GUILD, ROOM, 100);
	late_offer(stage, GUILD, HALL, 100);
	late_asked(stage, HALL);
	stage->bot.dead = true;
	late_fails(stage, late_asked(stage, ROOM), DISCORD_AUTH, 0);
	assert_int_equal(stage->cancelled, 1);
	late_nothing_more(stage);
	assert_int_equal(stage->caught_up, 0);
	assert_false(discord_catch_up_holds(&stage->bot, HALL));
}

/* ---- interrupted -------------------------------------------------------------------------------- */

/* A new session in the middle of it: from the cursors again, and the decision about an old message ends nothing new. */
static void a_new_session_begins_anew(void **state)
{
	struct late_stage *stage = *state;

	late_begin(stage);
	late_offer(stage, GUILD, ROOM, 100);
	late_offer(stage, GUILD, HALL, 100);
	late_asked(stage, HALL);
	late_page(stage, late_asked(stage, ROOM), TIMES(100, 200, 300));
	late_ack(stage, 0, ACK_STORED);
	late_last_is(stage, 1, 200);
	late_begin(stage);
	assert_int_equal(stage->cancelled, 1);
	assert_false(discord_catch_up_holds(&stage->bot, ROOM)); /* its guild comes again */
	late_offer(stage, GUILD, ROOM, 90);
	late_asks_after(late_asked(stage, ROOM), ROOM, 300, 100);
	late_page(stage, late_asked(stage, ROOM), TIMES(90, 100, 200));
	late_last_is(stage, 2, 200);
	late_ack(stage, 1, ACK_STORED); /* of the old run */
	late_last_is(stage, 2, 200);
	late_ack(stage, 2, ACK_BEFORE);
	late_last_is(stage, 3, 100);
	late_ack(stage, 3, ACK_STORED);
	late_ack(stage, 4, ACK_STORED);
	assert_int_equal(stage->caught_up, 0);
	late_nothing_more(stage);
	assert_int_equal(stage->caught_up, 1); /* once, for the second */
}

/* All readers wait for the core when a new session comes: it is served when they are free. */
static void readers_come_free_again(void **state)
{
	struct late_stage *stage = *state;

	late_begin(stage);
	for (snowflake i = 0; i < CATCH_UP_READERS; i++) {
		late_offer(stage, GUILD, ROOM + i, 100);
		late_page(stage, late_asked(stage, ROOM + i), TIMES(100));
	}
	assert_int_equal(stage->taken_count, CATCH_UP_READERS);
	late_begin(stage);
	late_offer(stage, GUILD, HALL, 100);
	late_nothing_more(stage);
	assert_int_equal(stage->caught_up, 0);
	late_ack(stage, 2, ACK_BUSY);
	late_page(stage, late_asked(stage, HALL), TIMES(0));
	for (size_t i = 0; i < CATCH_UP_READERS; i++)
		if (i != 2)
			late_ack(stage, i, ACK_STORED);
	late_nothing_more(stage);
	assert_int_equal(stage->caught_up, 1);
}

/* Other shards go on; those of an older number of shards are forgotten. */
static void shards_are_apart(void **state)
{
	struct late_stage *stage = *state;
	const struct discord_channel far = { .id = HALL, .guild = GUILD + 1, .last_message = late_id(100) };

	discord_catch_up_begin(&stage->bot, 0, 2, late_id(SEEN));
	discord_catch_up_begin(&stage->bot, 1, 2, late_id(SEEN));
	late_offer(stage, GUILD, ROOM, 100);
	discord_catch_up_offer(&stage->bot, 1, &far, 0);
	late_asked(stage, HALL);
	discord_catch_up_begin(&stage->bot, 0, 2, late_id(SEEN));
	late_page(stage, late_asked(stage, HALL), TIMES(0));
	late_nothing_more(stage);
	assert_int_equal(stage->others, 1);
	assert_int_equal(stage->caught_up, 1);
	discord_catch_up_begin(&stage->bot, 1, 2, late_id(SEEN));
	discord_catch_up_offer(&stage->bot, 1, &far, 0);
	discord_catch_up_begin(&stage->bot, 0, 1, late_id(SEEN));
	assert_false(discord_catch_up_holds(&stage->bot, HALL));
	late_nothing_more(stage);
	assert_int_equal(stage->others, 1);
	assert_int_equal(stage->caught_up, 2);
}

/* A stop leaves the rest to the next process; nobody is told that all was seen. */
static void a_stop_ends_it(void **state)
{
	struct late_stage *stage = *state;

	late_begin(stage);
	late_offer(stage, GUILD, ROOM, 100);
	late_page(stage, late_asked(stage, ROOM), TIMES(100, 200));
	late_offer(stage, GUILD, HALL, 100);
	late_asked(stage, HALL);
	discord_catch_up_stop(&stage->bot);
	assert_int_equal(stage->cancelled, 1);
	late_ack(stage, 0, ACK_STORED);
	late_nothing_more(stage);
	assert_int_equal(stage->taken_count, 1);
	assert_int_equal(stage->caught_up, 0);
	late_begin(stage);
	late_offer(stage, GUILD, ROOM, 100);
	stage->bot.disabled = true; /* noticed by itself, too */
	late_nothing_more(stage);
	assert_int_equal(stage->call_count, 2);
	assert_int_equal(stage->caught_up, 0);
	stage->bot.disabled = false;
	late_begin(stage);
	stage_loop_pass(1000);
	stage->bot.disabled = true; /* before any guild came */
	late_nothing_more(stage);
	assert_int_equal(stage->caught_up, 0);
}

/* Thousands of channels, each with something: one run makes so many calls and no more. */
static void a_run_is_bounded(void **state)
{
	struct late_stage *stage = *state;
	snowflake channel;

	late_begin(stage);
	for (channel = 1; channel <= CATCH_UP_SCOPES_MAX + 10; channel++)
		late_offer(stage, GUILD, channel, 100);
	assert_true(discord_catch_up_holds(&stage->bot, CATCH_UP_SCOPES_MAX));
	assert_false(discord_catch_up_holds(&stage->bot, CATCH_UP_SCOPES_MAX + 1));
	stage_loop_pass(1);
	for (size_t i = 0; i < stage->call_count; i++) /* each one that is answered makes room for the next */
		late_page(stage, &stage->calls[i], TIMES(0));
	assert_int_equal(stage->call_count, CATCH_UP_CALLS_MAX);
	assert_false(discord_catch_up_holds(&stage->bot, CATCH_UP_SCOPES_MAX));
	late_nothing_more(stage);
	assert_int_equal(stage->caught_up, 1);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, open_stage, close_stage)
	const struct CMUnitTest tests[] = {
		TEST(what_is_not_taken_comes_again),
		TEST(calls_that_fail_are_made_again),
		TEST(what_may_not_be_read_is_left_out),
		TEST(a_channel_that_never_answers_is_given_up),
		TEST(a_dead_token_ends_it),
		TEST(a_new_session_begins_anew),
		TEST(readers_come_free_again),
		TEST(shards_are_apart),
		TEST(a_stop_ends_it),
		TEST(a_run_is_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
