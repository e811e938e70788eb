/* The order in a channel, what can't be stored, and that the gateway hears of each event once. */
#include "mem.h"
#include "stage_loop.h"
#include "stage_take.h"
#include <inttypes.h>
#include <stdio.h>

static int open_stage(void **state)
{
	*state = take_open();
	return 0;
}

static int close_stage(void **state)
{
	take_close(*state);
	return 0;
}

static void a_channel_keeps_its_order(void **state)
{
	struct take_stage *stage = *state;

	take_direct(stage, 1, "one", "");
	take_direct(stage, 2, "two", "");
	take_in(stage, 3, TAKE_TEXT, "<@777> elsewhere", MENTION);
	assert_int_equal(stage->count, 2); /* "two" waits, other channels do not */
	assert_string_equal(stage->notes[1].text, "elsewhere");
	assert_int_equal(discord_inbound_owed(stage->bot.inbound), 3);
	take_ack(stage, 0, ACK_STORED);
	assert_string_equal(stage->notes[2].text, "two");
	take_ack(stage, 2, ACK_STORED);
	take_ack(stage, 1, ACK_STORED);
	for (unsigned i = 1; i <= 3; i++)
		take_was(stage, i);
	assert_true(stage->settles >= 3);
}

/* A resumed process gets what was missed all at once: what stands behind the mention belongs to it, before that is stored and
 * when that has to come again. */
static void what_follows_in_a_thread_waits_with_it(void **state)
{
	struct take_stage *stage = *state;

	take_in(stage, 1, TAKE_THREAD, "<@777> hi", MENTION);
	take_in(stage, 2, TAKE_THREAD, "and that", "");
	take_ack(stage, 0, ACK_BUSY);
	take_later(stage, 1);
	take_later(stage, 2);
	take_in(stage, 3, TAKE_THREAD, "and this", "");
	take_later(stage, 3);
	for (unsigned i = 1; i <= 3; i++)
		take_again(stage, i);
	take_in(stage, 1, TAKE_THREAD, "<@777> hi", MENTION);
	take_in(stage, 2, TAKE_THREAD, "and that", "");
	take_in(stage, 3, TAKE_THREAD, "and this", "");
	take_ack(stage, 1, ACK_STORED);
	assert_int_equal(take_only(stage, 2)->flags, INCOMING_IF_PLACE);
	assert_string_equal(stage->notes[2].text, "and that");
	take_ack(stage, 2, ACK_STORED);
	take_ack(stage, 3, ACK_STORED);
	for (unsigned i = 1; i <= 3; i++)
		take_was(stage, i);
}

/* Nor was it told which threads there are, also of those that it made itself: the core knows, and is asked once. */
static void an_unknown_thread_is_asked_about_once(void **state)
{
	struct take_stage *stage = *state;

	take_in(stage, 1, 89, "one thing more", ",'channel_type':11");
	assert_int_equal(take_only(stage, 0)->flags, INCOMING_IF_PLACE);
	take_ack(stage, 0, ACK_STORED);
	take_was(stage, 1);
	take_in(stage, 2, 90, "of others", ",'channel_type':11");
	take_ack(stage, 1, ACK_NOT_ADDRESSED);
	take_in(stage, 3, 90, "of others again", ",'channel_type':11");
	take_dropped(stage, 2, 3);
	take_in(stage, 4, 91, "no thread", ",'channel_type':0");
	take_dropped(stage, 2, 4);
}

/* Nothing of the channel passes what must come again, also not what comes while it is away. */
static void what_is_not_stored_comes_again_first(void **state)
{
	struct take_stage *stage = *state;

	take_direct(stage, 1, "one", "");
	take_direct(stage, 2, "two", "");
	take_ack(stage, 0, ACK_BUSY);
	take_later(stage, 1);
	take_later(stage, 2);
	assert_int_equal(stage->again_ms[1], 1500);
	take_direct(stage, 3, "three", "");
	take_later(stage, 3);
	take_again(stage, 2);
	take_direct(stage, 2, "two", ""); /* too early */
	take_later(stage, 2);
	for (unsigned i = 1; i <= 3; i++)
		take_again(stage, i);
	take_direct(stage, 1, "one", "");
	take_direct(stage, 2, "two", "");
	take_direct(stage, 3, "three", "");
	assert_string_equal(take_only(stage, 1)->text, "one");
	for (size_t i = 1; i <= 3; i++)
		take_ack(stage, i, ACK_STORED);
	assert_string_equal(stage->notes[2].text, "two");
	assert_string_equal(stage->notes[3].text, "three");
	for (unsigned i = 1; i <= 3; i++)
		take_was(stage, i);
}

/* An event that never comes again does not block its channel for ever; a new session has new numbers. */
static void what_does_not_come_blocks_nobody(void **state)
{
	struct take_stage *stage = *state;

	take_direct(stage, 1, "one", "");
	take_ack(stage, 0, ACK_FAILED);
	take_later(stage, 1);
	stage_loop_pass(200000);
	take_direct(stage, 2, "two", "");
	take_ack(stage, 1, ACK_FAILED);
	take_event(stage, 0, "READY", "{'guilds':[]}");
	take_direct(stage, 3, "three", "");
	assert_string_equal(take_only(stage, 2)->text, "three");
}

static void what_breaks_a_limit_is_stored_as_ignored(void **state)
{
	struct take_stage *stage = *state;
	const struct take_note *note;

	take_direct(stage, 1, "one", "");
	take_ack(stage, 0, ACK_INVALID);
	note = take_only(stage, 1);
	assert_int_equal(note->flags, INCOMING_IGNORE);
	assert_string_not_equal(note->delivery, stage->notes[0].delivery);
	assert_string_equal(note->cursor, stage->notes[0].cursor);
	take_waits(stage, 1);
	take_ack(stage, 1, ACK_STORED);
	take_was(stage, 1);
	assert_int_equal(stage->works, 0);
}

/* Taken now it would move the cursor past what is still being read. */
static void a_channel_that_is_caught_up_waits(void **state)
{
	struct take_stage *stage = *state;

	stage->held = TAKE_TEXT;
	take_in(stage, 1, TAKE_TEXT, "<@777> new", MENTION);
	take_later(stage, 1);
	assert_int_equal(stage->again_ms[1], DISCORD_HELD_MS);
	take_in(stage, 2, TAKE_TEXT, "lunch?", ""); /* costs nothing, also now */
	take_was(stage, 2);
	take_caught(stage, 3, TAKE_TEXT, "<@777> old", MENTION);
	assert_string_equal(take_only(stage, 0)->text, "old");
	take_ack(stage, 0, ACK_STORED);
	stage->held = 0;
	take_again(stage, 1);
	take_in(stage, 1, TAKE_TEXT, "<@777> new", MENTION);
	assert_string_equal(take_only(stage, 1)->text, "new");
}

static void caught_ones_hear_that_it_was_busy(void **state)
{
	struct take_stage *stage = *state;

	take_caught(stage, 1, TAKE_TEXT, "<@777> one", MENTION);
	take_caught(stage, 2, TAKE_TEXT, "<@777> two", MENTION);
	take_ack(stage, 0, ACK_BUSY);
	assert_int_equal(stage->caught, 2);
	assert_int_equal(stage->caught_how, ACK_BUSY);
	assert_int_equal(stage->count, 1);
}

static void too_many_at_once_come_again(void **state)
{
	struct take_stage *stage = *state;

	for (unsigned i = 0; i < 2000; i++) {
		take_again(stage, 1);
		take_direct(stage, 1, "flood", "");
	}
	take_waits(stage, 1);
	take_again(stage, 2);
	take_direct(stage, 2, "one too many", "");
	take_later(stage, 2);
	take_in(stage, 3, TAKE_TEXT, "not for us", "");
	take_was(stage, 3);
}

static void nothing_is_taken_by_one_that_stops(void **state)
{
	struct take_stage *stage = *state;

	take_direct(stage, 1, "one", "");
	take_direct(stage, 2, "two", "");
	stage->bot.stopping = true;
	take_direct(stage, 3, "three", "");
	take_later(stage, 3);
	take_ack(stage, 0, ACK_STORED);
	take_was(stage, 1);
	take_later(stage, 2); /* comes again after the restart */
	assert_int_equal(discord_inbound_owed(stage->bot.inbound), 0);
	stage->bot.stopping = false;
	stage->bot.disabled = true; /* the operator's word: it is not wanted at all */
	take_direct(stage, 4, "four", "");
	take_was(stage, 4);
}

static void nobody_is_judged_before_we_know_who_we_are(void **state)
{
	struct take_stage *stage = *state;

	stage->bot.user_id = 0;
	take_direct(stage, 1, "one", "");
	take_later(stage, 1);
}

/* A message whose channel is being asked for is given up with the rest. */
static void open_ones_are_given_up(void **state)
{
	struct take_stage *stage = *state;

	take_in(stage, 1, 4711, "<@777> hi", MENTION);
	take_in(stage, 2, 4711, "<@777> hi", MENTION);
	take_direct(stage, 3, "hi", "");
	take_event(stage, 4, "INTERACTION_CREATE", "{'id':'1'}");
	assert_int_equal(discord_inbound_owed(stage->bot.inbound), 4);
	assert_int_equal(stage->call_count, 2);
}

static void interactions_go_their_own_way(void **state)
{
	struct take_stage *stage = *state;
	json_t *response = json_object();

	take_event(stage, 1, "INTERACTION_CREATE", "{'id':'1'}");
	take_waits(stage, 1);
	stage->interaction_told(&stage->bot, stage->interaction_owner, response);
	take_was(stage, 1);
	take_event(stage, 2, "INTERACTION_CREATE", "{'id':'2'}");
	stage->interaction_told(&stage->bot, stage->interaction_owner, NULL);
	take_later(stage, 2);
	discord_acked(&stage->bot, 99999, &(struct ack){ .how = ACK_STORED });	/* theirs */
	discord_acked(&stage->bot, 424242, &(struct ack){ .how = ACK_STORED }); /* nobody's */
	json_decref(response);
}

static void a_new_session_begins_the_catch_up(void **state)
{
	struct take_stage *stage = *state;
	char d[200];

	snprintf(d, sizeof(d), "{'guilds':[{'id':'%" PRIu64 "','unavailable':true}],'shard':[0,1]}",
		 TAKE_GUILD);
	take_event(stage, 1, "READY", d);
	take_was(stage, 1);
	assert_int_equal(stage->begins, 1);
	assert_int_equal(stage->begin_seen, 4000);
	assert_int_equal(stage->begin_shards, 1);
	assert_int_equal(stage->removals, 0);
	take_event(stage, 2, "RESUMED", "{}"); /* nothing was missed */
	take_was(stage, 2);
	assert_int_equal(stage->begins, 1);
}

static void events_that_are_not_wanted(void **state)
{
	struct take_stage *stage = *state;
	const struct discord_event event = { .seq = 1 };

	assert_false(discord_wants("TYPING_START"));
	assert_false(discord_wants("PRESENCE_UPDATE"));
	assert_false(discord_wants("MESSAGE_REACTION_ADD"));
	assert_false(discord_wants(NULL));
	discord_take(&stage->bot, &event, "TYPING_START", NULL);
	take_was(stage, 1);
	take_again(stage, 1);
	discord_take(&stage->bot, &event, "MESSAGE_CREATE", NULL);
	take_was(stage, 1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_stage, close_stage)
	const struct CMUnitTest tests[] = {
		TEST(a_channel_keeps_its_order),
		TEST(what_follows_in_a_thread_waits_with_it),
		TEST(an_unknown_thread_is_asked_about_once),
		TEST(what_is_not_stored_comes_again_first),
		TEST(what_does_not_come_blocks_nobody),
		TEST(what_breaks_a_limit_is_stored_as_ignored),
		TEST(a_channel_that_is_caught_up_waits),
		TEST(caught_ones_hear_that_it_was_busy),
		TEST(too_many_at_once_come_again),
		TEST(nothing_is_taken_by_one_that_stops),
		TEST(nobody_is_judged_before_we_know_who_we_are),
		TEST(open_ones_are_given_up),
		TEST(interactions_go_their_own_way),
		TEST(a_new_session_begins_the_catch_up),
		TEST(events_that_are_not_wanted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
