/* What was said while there was no session is found, once, in order, channel by channel, and nothing else is. */
#include "discord.h"
#include "mem.h"
#include "stage_late.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { GUILD = 77, ROOM = 501, HALL = 502, DIRECT = 901, PAGE = CATCH_UP_PAGE };
/* We were last connected ten minutes ago: that, and a minute for clocks that differ, is where reading begins. */
enum { SEEN = 600, FROM = 660 };
#define TIMES(...) ((const unsigned[]){ __VA_ARGS__, 0 })

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

static void begin(struct late_stage *stage)
{
	discord_catch_up_begin(&stage->bot, 0, 1, late_id(SEEN));
}

static void cursor(struct late_stage *stage, const char *kind, snowflake channel, unsigned seconds_ago)
{
	char id[SNOWFLAKE_SIZE], at[SNOWFLAKE_SIZE], *scope;

	scope = mem_format("%s%s", kind, snowflake_text(channel, id));
	discord_catch_up_cursor(&stage->bot, scope, snowflake_text(late_id(seconds_ago), at));
	free(scope);
}

static void asks_after(const struct late_call *call, snowflake channel, unsigned seconds_ago, unsigned limit)
{
	char id[SNOWFLAKE_SIZE], at[SNOWFLAKE_SIZE];
	char *path = mem_format("/channels/%s/messages?after=%s&limit=%u", snowflake_text(channel, id),
				snowflake_text(late_id(seconds_ago), at), limit);

	assert_string_equal(call->path, path);
	free(path);
}

static void nothing_more(struct late_stage *stage)
{
	stage_loop_pass(CATCH_UP_QUIET_MS + 1);
	assert_int_equal(late_waiting(stage), 0);
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
	nothing_more(stage);
	assert_int_equal(stage->call_count, 0);
	assert_int_equal(stage->caught_up, 1); /* and from now on it is known what was seen */
}

static void missed_ones_come_oldest_first_one_at_a_time(void **state)
{
	struct late_stage *stage = *state;
	struct late_call *call;

	begin(stage);
	late_offer(stage, GUILD, ROOM, 100);
	assert_true(discord_catch_up_holds(&stage->bot, ROOM));
	assert_false(discord_catch_up_holds(&stage->bot, HALL));
	call = late_asked(stage, ROOM);
	asks_after(call, ROOM, FROM, 100);
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
	nothing_more(stage);
	assert_int_equal(stage->call_count, 1);
	assert_int_equal(stage->caught_up, 1);
}

/* In whatever order a page comes: an answer must not stand before the question's beginning. */
static void order_does_not_rest_on_the_page(void **state)
{
	struct late_stage *stage = *state;

	stage->ours = late_id(0) * 2; /* none is for us: all are decided inside */
	begin(stage);
	late_offer(stage, GUILD, ROOM, 100);
	late_page(stage, late_asked(stage, ROOM), TIMES(200, 400, 100, 700, 300));
	assert_int_equal(stage->taken_count, 4); /* the one from before the beginning is not among them */
	for (size_t i = 1; i < 4; i++)
		assert_true(stage->taken[i].message > stage->taken[i - 1].message);
	nothing_more(stage);
}

static void pages_follow_each_other(void **state)
{
	struct late_stage *stage = *state;

	stage->ours = late_id(0) * 2;
	begin(stage);
	late_offer(stage, GUILD, ROOM, 100);
	full_page(stage, late_asked(stage, ROOM), 600, PAGE);
	assert_int_equal(stage->taken_count, PAGE);
	asks_after(late_asked(stage, ROOM), ROOM, 501, 100);
	late_page(stage, late_asked(stage, ROOM), TIMES(400));
	assert_int_equal(stage->taken_count, PAGE + 1);
	nothing_more(stage);
	assert_int_equal(stage->call_count, 2);
}

/* A channel of thousands of messages neither fills the memory nor the day: the rest is left out, as the settings say. */
static void a_channel_is_bounded(void **state)
{
	struct late_stage *stage = *state;

	stage->ours = late_id(0) * 2;
	stage->bot.config.catch_up_messages = 120;
	begin(stage);
	late_offer(stage, GUILD, ROOM, 100);
	full_page(stage, late_asked(stage, ROOM), 600, PAGE);
	asks_after(late_asked(stage, ROOM), ROOM, 501, 20);
	full_page(stage, late_asked(stage, ROOM), 500, 20);
	assert_int_equal(stage->taken_count, 120);
	nothing_more(stage);
	assert_false(discord_catch_up_holds(&stage->bot, ROOM));
	assert_int_equal(stage->caught_up, 1);
}

/* One that answers the same for ever (it does not know `after`) is not asked for ever. */
static void a_page_that_does_not_move_is_the_last(void **state)
{
	struct late_stage *stage = *state;

	stage->ours = late_id(0) * 2;
	stage->bot.config.catch_up_messages = 10000;
	begin(stage);
	late_offer(stage, GUILD, ROOM, 100);
	for (int i = 0; i < 2; i++)
		full_page(stage, late_asked(stage, ROOM), 600, PAGE);
	nothing_more(stage);
	assert_int_equal(stage->taken_count, PAGE);
}

/* The cursor says more than "seen", which is written down lazily; hours bound both. */
static void reading_begins_where_it_must(void **state)
{
	struct late_stage *stage = *state;

	cursor(stage, DISCORD_CURSOR, ROOM, 300);
	cursor(stage, DISCORD_CURSOR, ROOM, 400);    /* never back */
	cursor(stage, DISCORD_CURSOR, HALL, 100000); /* a quiet one: since then all was seen live */
	cursor(stage, "thread/", 503, 10);	     /* of another version */
	discord_catch_up_cursor(&stage->bot, DISCORD_CURSOR "x", "5");
	discord_catch_up_cursor(&stage->bot, DISCORD_CURSOR "503", "none");
	begin(stage);
	late_offer(stage, GUILD, ROOM, 200);
	late_offer(stage, GUILD, HALL, 100);
	late_offer(stage, GUILD, 503, FROM + 1); /* nothing was said there since: no call */
	asks_after(late_asked(stage, ROOM), ROOM, 300, 100);
	asks_after(late_asked(stage, HALL), HALL, FROM, 100);
	assert_int_equal(stage->call_count, 2);
	stage->bot.config.catch_up_hours = 1;
	discord_catch_up_begin(&stage->bot, 0, 1, late_id(86400));
	late_offer(stage, GUILD, HALL, 100);
	asks_after(late_asked(stage, HALL), HALL, 3600, 100);
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
	begin(stage);
	late_offer(stage, GUILD, ROOM, 100);
	asks_after(late_asked(stage, ROOM), ROOM, 300, 100);
	late_page(stage, late_asked(stage, DIRECT), TIMES(0));
	discord_places_destroy(bot->places);
}

/* What holds no messages is not asked for them; a thread that is active is. */
static void only_what_can_be_read_is_read(void **state)
{
	struct late_stage *stage = *state;
	struct discord_channel channel = { .guild = GUILD, .last_message = late_id(10) };

	begin(stage);
	for (int type = -1; type <= 16; type++) {
		channel.id = 600 + (snowflake)type;
		channel.type = type;
		discord_catch_up_offer(&stage->bot, 0, &channel);
	}
	for (int n = 0; n < 8; n++) {
		stage_loop_pass(1);
		for (size_t i = 0; i < stage->call_count; i++)
			if (stage->calls[i].id)
				late_fails(stage, &stage->calls[i], DISCORD_REFUSED, 0);
	}
	assert_int_equal(stage->call_count, 7); /* 0, 2, 5, 10, 11, 12, 13 */
	nothing_more(stage);
	stage->bot.config.guilds = DISCORD_NEVER;
	begin(stage);
	late_offer(stage, GUILD, ROOM, 100);
	nothing_more(stage);
	assert_int_equal(stage->call_count, 7);
	stage->bot.config.guilds = DISCORD_ADDRESSED;
	stage->bot.config.catch_up_hours = 0;
	cursor(stage, DISCORD_CURSOR_DIRECT, DIRECT, 700);
	begin(stage);
	late_offer(stage, GUILD, ROOM, 100);
	stage_loop_pass(1);
	assert_int_equal(stage->call_count, 7);
	assert_int_equal(stage->caught_up, 3); /* at once */
}

/* No guild lists them; another shard would read them a second time. */
static void direct_messages_are_read_by_their_cursors(void **state)
{
	struct late_stage *stage = *state;

	cursor(stage, DISCORD_CURSOR_DIRECT, DIRECT, 90000);
	cursor(stage, DISCORD_CURSOR_DIRECT, DIRECT + 1, 500);
	cursor(stage, DISCORD_CURSOR, ROOM, 500);
	discord_catch_up_begin(&stage->bot, 1, 2, late_id(SEEN));
	nothing_more(stage);
	assert_int_equal(stage->call_count, 0);
	assert_int_equal(stage->others, 1);
	discord_catch_up_begin(&stage->bot, 0, 2, late_id(SEEN));
	assert_true(discord_catch_up_holds(&stage->bot, DIRECT)); /* before anything else comes */
	assert_false(discord_catch_up_holds(&stage->bot, ROOM));
	asks_after(late_asked(stage, DIRECT), DIRECT, FROM, 100);
	asks_after(late_asked(stage, DIRECT + 1), DIRECT + 1, 500, 100);
	assert_string_equal(stage->calls[0].path,
			    late_asked(stage, DIRECT + 1)->path); /* lively ones first */
	late_page(stage, late_asked(stage, DIRECT), TIMES(50));
	late_last_is(stage, 0, 50);
	assert_int_equal(stage->taken[0].guild, 0);
	late_ack(stage, 0, ACK_STORED);
	late_page(stage, late_asked(stage, DIRECT + 1), TIMES(0));
	nothing_more(stage);
	assert_int_equal(stage->caught_up, 1);
	discord_catch_up_begin(&stage->bot, 0, 2, late_id(SEEN)); /* again: behind what was stored */
	asks_after(late_asked(stage, DIRECT), DIRECT, 50, 100);
}

/* ---- side by side ------------------------------------------------------------------------------- */

/* A channel that does not answer holds up neither the others nor more than its own place. */
static void a_slow_channel_holds_up_nobody(void **state)
{
	struct late_stage *stage = *state;

	begin(stage);
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

	begin(stage);
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
	nothing_more(stage);
	assert_int_equal(stage->caught_up, 1);
}

/* Guilds come one after the other, large ones late: the end is when none has come for a while, and not later than that. */
static void the_end_waits_for_guilds(void **state)
{
	struct late_stage *stage = *state;

	begin(stage);
	for (unsigned i = 0; i < 5; i++) {
		stage_loop_pass(CATCH_UP_QUIET_MS - 1000);
		late_offer(stage, GUILD + i, ROOM + i, FROM + 1);
		assert_int_equal(stage->caught_up, 0);
	}
	stage_loop_pass(CATCH_UP_QUIET_MS + 1);
	assert_int_equal(stage->caught_up, 1);
	begin(stage);
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

	begin(stage);
	late_offer(stage, GUILD, ROOM, 100);
	late_page(stage, late_asked(stage, ROOM), TIMES(0));
	nothing_more(stage);
	assert_int_equal(stage->caught_up, 1);
	late_offer(stage, GUILD, ROOM, 50);
	assert_false(discord_catch_up_holds(&stage->bot, ROOM));
	late_offer(stage, GUILD + 1, HALL, 100);
	late_offer(stage, GUILD + 1, HALL + 1, 100);
	asks_after(late_asked(stage, HALL), HALL, FROM, 100);
	late_page(stage, late_asked(stage, HALL), TIMES(0));
	late_page(stage, late_asked(stage, HALL + 1), TIMES(0));
	nothing_more(stage);
	assert_int_equal(stage->caught_up, 1);
	discord_catch_up_offer(&stage->bot, 5,
			       &(struct discord_channel){ .id = 1, .last_message = late_id(1) });
	nothing_more(stage); /* a session that was resumed: everything comes anyway */
}

/* ---- faults ------------------------------------------------------------------------------------- */

/* The core is full: nothing is passed over, and what came before is not handed over twice. */
static void what_is_not_taken_comes_again(void **state)
{
	struct late_stage *stage = *state;

	begin(stage);
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
	nothing_more(stage);
	assert_int_equal(stage->call_count, 1);
	assert_int_equal(stage->caught_up, 1);
}

static void calls_that_fail_are_made_again(void **state)
{
	static const enum discord_how hows[] = { DISCORD_NOT_SENT, DISCORD_MAYBE, DISCORD_LIMITED };
	struct late_stage *stage = *state;

	begin(stage);
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
	nothing_more(stage);
	assert_int_equal(stage->caught_up, 1);
}

/* What the bot may not see is left out at once; the others are read. */
static void what_may_not_be_read_is_left_out(void **state)
{
	struct late_stage *stage = *state;

	begin(stage);
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
	nothing_more(stage);
	assert_int_equal(stage->call_count, 2);
	assert_int_equal(stage->caught_up, 1);
}

/* A channel that is out of order for half an hour must not keep silent what is said there now. */
static void a_channel_that_never_answers_is_given_up(void **state)
{
	struct late_stage *stage = *state;

	begin(stage);
	late_offer(stage, GUILD, ROOM, 100);
	for (unsigned i = 0; discord_catch_up_holds(&stage->bot, ROOM); i++) {
		assert_in_range(i, 0, 40);
		late_fails(stage, late_asked(stage, ROOM), DISCORD_MAYBE, 0);
		stage_loop_pass(62001);
	}
	nothing_more(stage);
	assert_int_equal(stage->caught_up, 1);
}

/* The token was refused: nobody is asked, and "seen" stays where it is for the time after. */
static void a_dead_token_ends_it(void **state)
{
	struct late_stage *stage = *state;

	begin(stage);
	late_offer(stage, GUILD, ROOM, 100);
	late_offer(stage, GUILD, HALL, 100);
	late_asked(stage, HALL);
	stage->bot.dead = true;
	late_fails(stage, late_asked(stage, ROOM), DISCORD_AUTH, 0);
	assert_int_equal(stage->cancelled, 1);
	nothing_more(stage);
	assert_int_equal(stage->caught_up, 0);
	assert_false(discord_catch_up_holds(&stage->bot, HALL));
}

/* ---- interrupted -------------------------------------------------------------------------------- */

/* A new session in the middle of it: from the cursors again, and the decision about an old message ends nothing new. */
static void a_new_session_begins_anew(void **state)
{
	struct late_stage *stage = *state;

	begin(stage);
	late_offer(stage, GUILD, ROOM, 100);
	late_offer(stage, GUILD, HALL, 100);
	late_asked(stage, HALL);
	late_page(stage, late_asked(stage, ROOM), TIMES(100, 200, 300));
	late_ack(stage, 0, ACK_STORED);
	late_last_is(stage, 1, 200);
	begin(stage);
	assert_int_equal(stage->cancelled, 1);
	assert_false(discord_catch_up_holds(&stage->bot, ROOM)); /* its guild comes again */
	late_offer(stage, GUILD, ROOM, 90);
	asks_after(late_asked(stage, ROOM), ROOM, 300, 100);
	late_page(stage, late_asked(stage, ROOM), TIMES(90, 100, 200));
	late_last_is(stage, 2, 200);
	late_ack(stage, 1, ACK_STORED); /* of the old run */
	late_last_is(stage, 2, 200);
	late_ack(stage, 2, ACK_BEFORE);
	late_last_is(stage, 3, 100);
	late_ack(stage, 3, ACK_STORED);
	late_ack(stage, 4, ACK_STORED);
	assert_int_equal(stage->caught_up, 0);
	nothing_more(stage);
	assert_int_equal(stage->caught_up, 1); /* once, for the second */
}

/* All readers wait for the core when a new session comes: it is served when they are free. */
static void readers_come_free_again(void **state)
{
	struct late_stage *stage = *state;

	begin(stage);
	for (snowflake i = 0; i < CATCH_UP_READERS; i++) {
		late_offer(stage, GUILD, ROOM + i, 100);
		late_page(stage, late_asked(stage, ROOM + i), TIMES(100));
	}
	assert_int_equal(stage->taken_count, CATCH_UP_READERS);
	begin(stage);
	late_offer(stage, GUILD, HALL, 100);
	nothing_more(stage);
	assert_int_equal(stage->caught_up, 0);
	late_ack(stage, 2, ACK_BUSY);
	late_page(stage, late_asked(stage, HALL), TIMES(0));
	for (size_t i = 0; i < CATCH_UP_READERS; i++)
		if (i != 2)
			late_ack(stage, i, ACK_STORED);
	nothing_more(stage);
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
	discord_catch_up_offer(&stage->bot, 1, &far);
	late_asked(stage, HALL);
	discord_catch_up_begin(&stage->bot, 0, 2, late_id(SEEN));
	late_page(stage, late_asked(stage, HALL), TIMES(0));
	nothing_more(stage);
	assert_int_equal(stage->others, 1);
	assert_int_equal(stage->caught_up, 1);
	discord_catch_up_begin(&stage->bot, 1, 2, late_id(SEEN));
	discord_catch_up_offer(&stage->bot, 1, &far);
	discord_catch_up_begin(&stage->bot, 0, 1, late_id(SEEN));
	assert_false(discord_catch_up_holds(&stage->bot, HALL));
	nothing_more(stage);
	assert_int_equal(stage->others, 1);
	assert_int_equal(stage->caught_up, 2);
}

/* A stop leaves the rest to the next process; nobody is told that all was seen. */
static void a_stop_ends_it(void **state)
{
	struct late_stage *stage = *state;

	begin(stage);
	late_offer(stage, GUILD, ROOM, 100);
	late_page(stage, late_asked(stage, ROOM), TIMES(100, 200));
	late_offer(stage, GUILD, HALL, 100);
	late_asked(stage, HALL);
	discord_catch_up_stop(&stage->bot);
	assert_int_equal(stage->cancelled, 1);
	late_ack(stage, 0, ACK_STORED);
	nothing_more(stage);
	assert_int_equal(stage->taken_count, 1);
	assert_int_equal(stage->caught_up, 0);
	begin(stage);
	late_offer(stage, GUILD, ROOM, 100);
	stage->bot.disabled = true; /* noticed by itself, too */
	nothing_more(stage);
	assert_int_equal(stage->call_count, 2);
	assert_int_equal(stage->caught_up, 0);
	stage->bot.disabled = false;
	begin(stage);
	stage_loop_pass(1000);
	stage->bot.disabled = true; /* before any guild came */
	nothing_more(stage);
	assert_int_equal(stage->caught_up, 0);
}

/* Thousands of channels, each with something: one run makes so many calls and no more. */
static void a_run_is_bounded(void **state)
{
	struct late_stage *stage = *state;
	snowflake channel;

	begin(stage);
	for (channel = 1; channel <= CATCH_UP_SCOPES_MAX + 10; channel++)
		late_offer(stage, GUILD, channel, 100);
	assert_true(discord_catch_up_holds(&stage->bot, CATCH_UP_SCOPES_MAX));
	assert_false(discord_catch_up_holds(&stage->bot, CATCH_UP_SCOPES_MAX + 1));
	stage_loop_pass(1);
	for (size_t i = 0; i < stage->call_count; i++) /* each one that is answered makes room for the next */
		late_page(stage, &stage->calls[i], TIMES(0));
	assert_int_equal(stage->call_count, CATCH_UP_CALLS_MAX);
	assert_false(discord_catch_up_holds(&stage->bot, CATCH_UP_SCOPES_MAX));
	nothing_more(stage);
	assert_int_equal(stage->caught_up, 1);
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
		TEST(a_page_that_does_not_move_is_the_last),
		TEST(reading_begins_where_it_must),
		TEST(threads_are_followed_over_a_restart),
		TEST(only_what_can_be_read_is_read),
		TEST(direct_messages_are_read_by_their_cursors),
		TEST(a_slow_channel_holds_up_nobody),
		TEST(where_somebody_waits_is_read_next),
		TEST(the_end_waits_for_guilds),
		TEST(a_guild_that_comes_late_has_its_turn),
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
