/* What was said while there was no session is found, once, in order, channel by channel, and nothing else is. */
#include "discord.h"
#include "mem.h"
#include "stage_late.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PAGE = CATCH_UP_PAGE };

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

/* A page of so many messages, one a second, the first one said so many seconds ago; newest first. */
static void full_page(struct late_stage *stage, struct late_call *call, unsigned oldest, unsigned count)
{
	unsigned times[PAGE + 1] = { 0 };

	for (unsigned i = 0; i < count; i++)
		times[i] = oldest - (count - 1 - i);
	late_page(stage, call, times);
}

/* ---- what is read ------------------------------------------------------------------------------- */

/* Who just installed it must not see answers to old messages. */
static void a_first_session_replays_nothing(void **state)
{
	struct late_stage *stage = *state;

	discord_catch_up_begin(&stage->bot, 0, 1, 0);
	late_offer(stage, GUILD, ROOM, 5);
	assert_false(discord_catch_up_holds(&stage->bot, ROOM));
	late_nothing_more(stage);
	assert_int_equal(stage->call_count, 0);
	assert_int_equal(stage->caught_up, 1); /* and from now on it is known what was seen */
}

static void missed_ones_come_oldest_first_one_at_a_time(void **state)
{
	struct late_stage *stage = *state;
	struct late_call *call;

	late_begin(stage);
	late_offer(stage, GUILD, ROOM, 100);
	assert_true(discord_catch_up_holds(&stage->bot, ROOM));
	assert_false(discord_catch_up_holds(&stage->bot, HALL));
	call = late_asked(stage, ROOM);
	late_asks_after(call, ROOM, FROM, 100);
	assert_true(call->answer_max >= 4 << 20); /* a hundred long messages */
	late_page(stage, call, TIMES(100, 200, 300));
	late_last_is(stage, 0, 300);
	assert_int_equal(stage->taken[0].guild, GUILD); /* history does not say it */
	stage_loop_pass(60000);
	assert_int_equal(stage->taken_count, 1);
	assert_int_equal(stage->caught_up, 0);
	late_ack(stage, 0, ACK_STORED);
	late_last_is(stage, 1, 200);
	late_ack(stage, 1, ACK_BEFORE); /* it came live as well */
	late_last_is(stage, 2, 100);
	assert_true(discord_catch_up_holds(&stage->bot, ROOM));
	late_ack(stage, 2, ACK_NOT_ADDRESSED);
	assert_false(discord_catch_up_holds(&stage->bot, ROOM));
	late_nothing_more(stage);
	assert_int_equal(stage->call_count, 1);
	assert_int_equal(stage->caught_up, 1);
}

/* In whatever order a page comes: an answer must not stand before the question's beginning. */
static void order_does_not_rest_on_the_page(void **state)
{
	struct late_stage *stage = *state;

	stage->ours = late_id(0) * 2; /* none is for us: all are decided inside */
	late_begin(stage);
	late_offer(stage, GUILD, ROOM, 100);
	late_page(stage, late_asked(stage, ROOM), TIMES(200, 400, 100, 700, 300));
	assert_int_equal(stage->taken_count, 4); /* the one from before the beginning is not among them */
	for (size_t i = 1; i < 4; i++)
		assert_true(stage->taken[i].message > stage->taken[i - 1].message);
	late_nothing_more(stage);
}

static void pages_follow_each_other(void **state)
{
	struct late_stage *stage = *state;

	stage->ours = late_id(0) * 2;
	late_begin(stage);
	late_offer(stage, GUILD, ROOM, 100);
	full_page(stage, late_asked(stage, ROOM), 600, PAGE);
	assert_int_equal(stage->taken_count, PAGE);
	late_asks_after(late_asked(stage, ROOM), ROOM, 501, 100);
	late_page(stage, late_asked(stage, ROOM), TIMES(400));
	assert_int_equal(stage->taken_count, PAGE + 1);
	late_nothing_more(stage);
	assert_int_equal(stage->call_count, 2);
}

/* A channel of thousands of messages neither fills the memory nor the day: the rest is left out, as the settings say. */
static void a_channel_is_bounded(void **state)
{
	struct late_stage *stage = *state;

	stage->bot.config.catch_up_messages = 2;
	late_begin(stage);
	late_offer(stage, GUILD, ROOM, 100);
	late_page(stage, late_asked(stage, ROOM), TIMES(300, 400, 500));
	late_ack(stage, 0, ACK_STORED);
	late_last_is(stage, 1, 400);
	late_ack(stage, 1, ACK_BEFORE);
	late_nothing_more(stage);
	assert_int_equal(stage->taken_count, 2);
	assert_false(discord_catch_up_holds(&stage->bot, ROOM));
	assert_int_equal(stage->caught_up, 1);
}

/* In a busy channel the question may stand behind hundreds of remarks of others: those cost pages, up to a limit. */
static void what_others_said_does_not_count(void **state)
{
	struct late_stage *stage = *state;

	stage->bot.config.catch_up_messages = 1;
	stage->ours = late_id(50);
	late_begin(stage);
	late_offer(stage, GUILD, ROOM, 50);
	for (unsigned i = 0; i < 3; i++)
		full_page(stage, late_asked(stage, ROOM), 600 - i * PAGE, PAGE);
	late_page(stage, late_asked(stage, ROOM), TIMES(50));
	late_last_is(stage, 3 * PAGE, 50);
	late_ack(stage, 3 * PAGE, ACK_STORED);
	late_nothing_more(stage);
	assert_int_equal(stage->call_count, 4);
}

static void pages_of_a_channel_are_bounded(void **state)
{
	struct late_stage *stage = *state;

	stage->ours = late_id(0) * 2;
	discord_catch_up_begin(&stage->bot, 0, 1, late_id(20000));
	late_offer(stage, GUILD, ROOM, 50);
	for (unsigned i = 0; i < CATCH_UP_PAGES_MAX; i++)
		full_page(stage, late_asked(stage, ROOM), 20000 - i * PAGE, PAGE);
	late_nothing_more(stage);
	assert_int_equal(stage->call_count, CATCH_UP_PAGES_MAX);
	assert_int_equal(stage->caught_up, 1);
}

/* One that answers the same for ever (it does not know `after`) is not asked for ever. */
static void a_page_that_does_not_move_is_the_last(void **state)
{
	struct late_stage *stage = *state;

	stage->ours = late_id(0) * 2;
	stage->bot.config.catch_up_messages = 10000;
	late_begin(stage);
	late_offer(stage, GUILD, ROOM, 100);
	for (int i = 0; i < 2; i++)
		full_page(stage, late_asked(stage, ROOM), 600, PAGE);
	late_nothing_more(stage);
	assert_int_equal(stage->taken_count, PAGE);
}

/* The cursor says more than "seen", which is written down lazily; hours bound both. */
static void reading_begins_where_it_must(void **state)
{
	struct late_stage *stage = *state;

	late_cursor(stage, DISCORD_CURSOR, ROOM, 300);
	late_cursor(stage, DISCORD_CURSOR, ROOM, 400);	  /* never back */
	late_cursor(stage, DISCORD_CURSOR, HALL, 100000); /* a quiet one: since then all was seen live */
	late_cursor(stage, "thread/", 503, 10);		  /* of another version */
	discord_catch_up_cursor(&stage->bot, DISCORD_CURSOR "x", "5");
	discord_catch_up_cursor(&stage->bot, DISCORD_CURSOR "503", "none");
	late_begin(stage);
	late_offer(stage, GUILD, ROOM, 200);
	late_offer(stage, GUILD, HALL, 100);
	late_offer(stage, GUILD, 503, FROM + 1); /* nothing was said there since: no call */
	late_asks_after(late_asked(stage, ROOM), ROOM, 300, 100);
	late_asks_after(late_asked(stage, HALL), HALL, FROM, 100);
	assert_int_equal(stage->call_count, 2);
	stage->bot.config.catch_up_hours = 1;
	discord_catch_up_begin(&stage->bot, 0, 1, late_id(86400));
	late_offer(stage, GUILD, HALL, 100);
	late_asks_after(late_asked(stage, HALL), HALL, 3600, 100);
	stage->joined = late_id(200); /* what was said before is not ours, however long we were away */
	late_offer(stage, GUILD, HALL + 1, 100);
	late_offer(stage, GUILD, HALL + 2, 300);
	late_asks_after(late_asked(stage, HALL + 1), HALL + 1, 200, 100);
	assert_false(discord_catch_up_holds(&stage->bot, HALL + 2));
}

/* A thread that we talked in before the restart: what is said there without our name is meant for us, too. */
static void threads_are_followed_over_a_restart(void **state)
{
	struct late_stage *stage = *state;
	struct platform *bot = &stage->bot;
	char at[SNOWFLAKE_SIZE];

	bot->places = discord_places_create(bot);
	discord_platform.cursor(bot, DISCORD_CURSOR "501", snowflake_text(late_id(300), at));
	discord_platform.cursor(bot, DISCORD_CURSOR_DIRECT "901", at);
	discord_platform.cursor(bot, DISCORD_CURSOR "x", at);
	discord_platform.cursor(bot, "other", at);
	assert_true(discord_follows(bot->places, ROOM));
	assert_false(discord_follows(bot->places, DIRECT));
	late_begin(stage);
	late_offer(stage, GUILD, ROOM, 100);
	late_asks_after(late_asked(stage, ROOM), ROOM, 300, 100);
	late_page(stage, late_asked(stage, DIRECT), TIMES(0));
	discord_places_destroy(bot->places);
}

/* What holds no messages is not asked for them; a thread that is active is. */
static void only_what_can_be_read_is_read(void **state)
{
	struct late_stage *stage = *state;
	struct discord_channel channel = { .guild = GUILD, .last_message = late_id(10) };

	late_begin(stage);
	for (int type = -1; type <= 16; type++) {
		channel.id = 600 + (snowflake)type;
		channel.type = type;
		discord_catch_up_offer(&stage->bot, 0, &channel, 0);
	}
	for (int n = 0; n < 8; n++) {
		stage_loop_pass(1);
		for (size_t i = 0; i < stage->call_count; i++)
			if (stage->calls[i].id)
				late_fails(stage, &stage->calls[i], DISCORD_REFUSED, 0);
	}
	assert_int_equal(stage->call_count, 7); /* 0, 2, 5, 10, 11, 12, 13 */
	late_nothing_more(stage);
	stage->bot.config.guilds = DISCORD_NEVER;
	late_begin(stage);
	late_offer(stage, GUILD, ROOM, 100);
	late_nothing_more(stage);
	assert_int_equal(stage->call_count, 7);
	stage->bot.config.guilds = DISCORD_ADDRESSED;
	stage->bot.config.catch_up_hours = 0;
	late_cursor(stage, DISCORD_CURSOR_DIRECT, DIRECT, 700);
	late_begin(stage);
	late_offer(stage, GUILD, ROOM, 100);
	stage_loop_pass(1);
	assert_int_equal(stage->call_count, 7);
	assert_int_equal(stage->caught_up, 3); /* at once */
}

/* No guild lists them; another shard would read them a second time. */
static void direct_messages_are_read_by_their_cursors(void **state)
{
	struct late_stage *stage = *state;

	late_cursor(stage, DISCORD_CURSOR_DIRECT, DIRECT, 90000);
	late_cursor(stage, DISCORD_CURSOR_DIRECT, DIRECT + 1, 500);
	late_cursor(stage, DISCORD_CURSOR, ROOM, 500);
	discord_catch_up_begin(&stage->bot, 1, 2, late_id(SEEN));
	late_nothing_more(stage);
	assert_int_equal(stage->call_count, 0);
	assert_int_equal(stage->others, 1);
	discord_catch_up_begin(&stage->bot, 0, 2, late_id(SEEN));
	assert_true(discord_catch_up_holds(&stage->bot, DIRECT)); /* before anything else comes */
	assert_false(discord_catch_up_holds(&stage->bot, ROOM));
	late_asks_after(late_asked(stage, DIRECT), DIRECT, FROM, 100);
	late_asks_after(late_asked(stage, DIRECT + 1), DIRECT + 1, 500, 100);
	assert_string_equal(stage->calls[0].path,
			    late_asked(stage, DIRECT + 1)->path); /* lively ones first */
	late_page(stage, late_asked(stage, DIRECT), TIMES(50));
	late_last_is(stage, 0, 50);
	assert_int_equal(stage->taken[0].guild, 0);
	late_ack(stage, 0, ACK_STORED);
	late_page(stage, late_asked(stage, DIRECT + 1), TIMES(0));
	late_nothing_more(stage);
	assert_int_equal(stage->caught_up, 1);
	discord_catch_up_begin(&stage->bot, 0, 2, late_id(SEEN)); /* again: behind what was stored */
	late_asks_after(late_asked(stage, DIRECT), DIRECT, 50, 100);
}

/* ---- side by side ------------------------------------------------------------------------------- */

/* A channel that does not answer holds up neither the others nor more than its own place. */
static void a_slow_channel_holds_up_nobody(void **state)
{
	struct late_stage *stage = *state;

	late_begin(stage);
	for (snowflake channel = ROOM; channel < ROOM + 10; channel++)
		late_offer(stage, GUILD, channel, 100);
	stage_loop_pass(1);
	assert_int_equal(late_waiting(stage), CATCH_UP_READERS);
	for (snowflake channel = ROOM + 1; channel < ROOM + 10; channel++)
		late_page(stage, late_asked(stage, channel), TIMES(0));
	assert_int_equal(late_waiting(stage), 1);
	stage_loop_pass(CATCH_UP_QUIET_MS + 1);
	assert_int_equal(stage->caught_up, 0);
	assert_true(discord_catch_up_holds(&stage->bot, ROOM));
	assert_false(discord_catch_up_holds(&stage->bot, ROOM + 1));
	late_page(stage, late_asked(stage, ROOM), TIMES(0));
	stage_loop_pass(1);
	assert_int_equal(stage->caught_up, 1);
}

/* With thousands of channels to read the last one has its turn after minutes: where somebody speaks now comes first. */
static void where_somebody_waits_is_read_next(void **state)
{
	struct late_stage *stage = *state;

	late_begin(stage);
	for (snowflake channel = ROOM; channel < ROOM + 20; channel++)
		late_offer(stage, GUILD, channel, 100);
	stage_loop_pass(1);
	assert_true(discord_catch_up_holds(&stage->bot, ROOM + 18));
	assert_true(discord_catch_up_holds(&stage->bot, ROOM + 18));
	late_page(stage, late_asked(stage, ROOM + 3), TIMES(0));
	late_page(stage, late_asked(stage, ROOM + 18), TIMES(0));
	for (snowflake channel = ROOM; channel < ROOM + 20; channel++)
		if (channel != ROOM + 3 && channel != ROOM + 18)
			late_page(stage, late_asked(stage, channel), TIMES(0));
	late_nothing_more(stage);
	assert_int_equal(stage->caught_up, 1);
}

/* Guilds come one after the other, large ones late: the end is when none has come for a while, and not later than that. */
static void the_end_waits_for_guilds(void **state)
{
	struct late_stage *stage = *state;

	late_begin(stage);
	for (unsigned i = 0; i < 5; i++) {
		stage_loop_pass(CATCH_UP_QUIET_MS - 1000);
		late_offer(stage, GUILD + i, ROOM + i, FROM + 1);
		assert_int_equal(stage->caught_up, 0);
	}
	stage_loop_pass(CATCH_UP_QUIET_MS + 1);
	assert_int_equal(stage->caught_up, 1);
	late_begin(stage);
	for (unsigned i = 0; i < 1000 && stage->caught_up == 1; i++) {
		stage_loop_pass(1000);
		late_offer(stage, GUILD + i, ROOM + i, FROM + 1);
		assert_in_range(i, 0, CATCH_UP_OPEN_MS / 1000 + 1);
	}
	assert_int_equal(stage->caught_up, 2);
}

/* A guild that was out of order when we came back still has its missed messages; one that had its turn is not read
 * again each time it comes back. */
static void a_guild_that_comes_late_has_its_turn(void **state)
{
	struct late_stage *stage = *state;

	late_begin(stage);
	late_offer(stage, GUILD, ROOM, 100);
	late_page(stage, late_asked(stage, ROOM), TIMES(0));
	late_nothing_more(stage);
	assert_int_equal(stage->caught_up, 1);
	late_offer(stage, GUILD, ROOM, 50);
	assert_false(discord_catch_up_holds(&stage->bot, ROOM));
	late_offer(stage, GUILD + 1, HALL, 100);
	late_offer(stage, GUILD + 1, HALL + 1, 100);
	late_asks_after(late_asked(stage, HALL), HALL, FROM, 100);
	late_page(stage, late_asked(stage, HALL), TIMES(0));
	late_page(stage, late_asked(stage, HALL + 1), TIMES(0));
	late_nothing_more(stage);
	assert_int_equal(stage->caught_up, 1);
	discord_catch_up_offer(&stage->bot, 5,
			       &(struct discord_channel){ .id = 1, .last_message = late_id(1) }, 0);
	late_nothing_more(stage); /* a session that was resumed: everything comes anyway */
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, open_stage, close_stage)
	const struct CMUnitTest tests[] = {
		TEST(a_first_session_replays_nothing),
		TEST(missed_ones_come_oldest_first_one_at_a_time),
		TEST(order_does_not_rest_on_the_page),
		TEST(pages_follow_each_other),
		TEST(a_channel_is_bounded),
		TEST(what_others_said_does_not_count),
		TEST(pages_of_a_channel_are_bounded),
		TEST(a_page_that_does_not_move_is_the_last),
		TEST(reading_begins_where_it_must),
		TEST(threads_are_followed_over_a_restart),
		TEST(only_what_can_be_read_is_read),
		TEST(direct_messages_are_read_by_their_cursors),
		TEST(a_slow_channel_holds_up_nobody),
		TEST(where_somebody_waits_is_read_next),
		TEST(the_end_waits_for_guilds),
		TEST(a_guild_that_comes_late_has_its_turn),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
