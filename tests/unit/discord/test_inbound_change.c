/* Edits and deletions: of what was said to us, and of nothing else. */
#include "mem.h"
#include "places.h"
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

#define EDITED(second) ",'edited_timestamp':'2027-01-15T08:00:" second ".123000+00:00'"

static void edit(struct take_stage *stage, unsigned number, unsigned event, snowflake channel,
		 const char *text, const char *more)
{
	char *d = take_message(number, channel == TAKE_DM ? 0 : TAKE_GUILD, channel, text, more);

	take_event(stage, event, "MESSAGE_UPDATE", d);
	free(d);
}

static void delete (struct take_stage *stage, snowflake message, unsigned event, snowflake channel)
{
	char *d = channel == TAKE_DM
			  ? mem_format("{'id':'%" PRIu64 "','channel_id':'%" PRIu64 "'}", message, channel)
			  : mem_format("{'id':'%" PRIu64 "','channel_id':'%" PRIu64 "','guild_id':'%" PRIu64
				       "'}",
				       message, channel, TAKE_GUILD);

	take_event(stage, event, "MESSAGE_DELETE", d);
	free(d);
}

static void said(struct take_stage *stage, unsigned number, const char *text)
{
	take_in(stage, number, TAKE_TEXT, text, MENTION);
	take_ack(stage, stage->count - 1, ACK_STORED);
}

static void an_edit_changes_what_was_said(void **state)
{
	struct take_stage *stage = *state;
	const struct take_note *note;

	said(stage, 1, "<@777> lunch?");
	edit(stage, 1, 2, TAKE_TEXT, "<@777> dinner?", EDITED("01") MENTION);
	note = take_only(stage, 1);
	assert_int_equal(note->kind, INCOMING_EDITED);
	assert_string_equal(note->text, "dinner?");
	assert_string_equal(note->target, stage->notes[0].semantic);
	assert_string_equal(note->sender, "5");
	assert_null(note->semantic);
	assert_null(note->cursor);
	assert_int_equal(note->sent_ms, INT64_C(1800000001123));
	assert_non_null(strstr(note->delivery, "/2027-01-15T08:00:01.123000+00:00"));
	take_ack(stage, 1, ACK_STORED);
	take_was(stage, 2);
	assert_int_equal(stage->works, 1);
}

/* Updates come for embeds, pins and threads, too. */
static void only_other_words_are_an_edit(void **state)
{
	struct take_stage *stage = *state;

	said(stage, 1, "<@777> lunch?");
	edit(stage, 1, 2, TAKE_TEXT, "<@777> lunch?", ",'edited_timestamp':null" MENTION);
	take_dropped(stage, 1, 2);
	edit(stage, 1, 3, TAKE_TEXT, "<@777> lunch?", EDITED("01") MENTION);
	take_dropped(stage, 1, 3);
	edit(stage, 1, 4, TAKE_TEXT, "<@777> dinner?", EDITED("05") MENTION);
	take_ack(stage, 1, ACK_STORED);
	edit(stage, 1, 5, TAKE_TEXT, "<@777> older", EDITED("02") MENTION);
	take_dropped(stage, 2, 5);
	edit(stage, 1, 6, TAKE_TEXT, "<@777> dinner?", EDITED("05") ",'pinned':true" MENTION);
	take_dropped(stage, 2, 6);
	take_event(stage, 7, "MESSAGE_UPDATE", "{'id':'1','channel_id':'2'}"); /* partial */
	take_dropped(stage, 2, 7);
}

/* An edit that could not be stored is no edit that was seen. */
static void an_edit_comes_again(void **state)
{
	struct take_stage *stage = *state;

	said(stage, 1, "<@777> lunch?");
	edit(stage, 1, 2, TAKE_TEXT, "<@777> dinner?", EDITED("01") MENTION);
	take_ack(stage, 1, ACK_BUSY);
	take_later(stage, 2);
	take_again(stage, 2);
	edit(stage, 1, 2, TAKE_TEXT, "<@777> dinner?", EDITED("01") MENTION);
	take_only(stage, 2);
	/* Back to the first words, while the other edit is on its way. */
	edit(stage, 1, 3, TAKE_TEXT, "<@777> lunch?", EDITED("02") MENTION);
	take_ack(stage, 2, ACK_STORED);
	assert_string_equal(take_only(stage, 3)->text, "lunch?");
}

static void others_talk_is_not_followed(void **state)
{
	struct take_stage *stage = *state;

	edit(stage, 1, 1, TAKE_TEXT, "lunch!", EDITED("01"));
	take_dropped(stage, 0, 1);
	delete (stage, take_id(1), 2, TAKE_TEXT);
	take_dropped(stage, 0, 2);
	said(stage, 3, "<@777> hello");
	take_in(stage, 4, TAKE_TEXT, "lunch?", "");
	delete (stage, take_id(4), 5, TAKE_TEXT);
	take_dropped(stage, 1, 5);
	/* What was there before this process may have been said to us, where we talk. */
	delete (stage, 900, 6, TAKE_TEXT);
	assert_int_equal(take_only(stage, 1)->kind, INCOMING_DELETED);
	delete (stage, 900, 7, TAKE_THREAD);
	take_dropped(stage, 2, 7);
}

/* Moderators delete, too, and nobody says who did. */
static void a_deletion_counts_whoever_did_it(void **state)
{
	struct take_stage *stage = *state;
	const struct take_note *note;

	said(stage, 1, "<@777> my password is x");
	delete (stage, take_id(1), 2, TAKE_TEXT);
	note = take_only(stage, 1);
	assert_int_equal(note->kind, INCOMING_DELETED);
	assert_int_equal(note->flags, INCOMING_ANYBODYS);
	assert_string_equal(note->target, stage->notes[0].semantic);
	assert_null(note->text);
	take_ack(stage, 1, ACK_STORED);
	take_was(stage, 2);
	delete (stage, 900, 3, TAKE_DM);
	take_only(stage, 2);
	take_ack(stage, 2, ACK_STORED);
	take_direct(stage, 4, "ours", ",'author':{'id':'777'}");
	delete (stage, take_id(4), 5, TAKE_DM);
	take_dropped(stage, 3, 5);
}

/* One event, several deletions: it is taken when all are. */
static void a_bulk_deletion_is_taken_as_a_whole(void **state)
{
	struct take_stage *stage = *state;
	char *d;

	said(stage, 1, "<@777> one");
	said(stage, 2, "<@777> two");
	d = mem_format("{'ids':['%" PRIu64 "','5','%" PRIu64 "',null],'channel_id':'%" PRIu64
		       "','guild_id':'%" PRIu64 "'}",
		       take_id(1), take_id(2), TAKE_THREAD, TAKE_GUILD);
	take_event(stage, 3, "MESSAGE_DELETE_BULK", d);
	take_only(stage, 2);
	take_waits(stage, 3);
	take_ack(stage, 2, ACK_STORED);
	take_waits(stage, 3);
	take_ack(stage, 3, ACK_BUSY);
	take_later(stage, 3);
	take_again(stage, 3);
	take_event(stage, 3, "MESSAGE_DELETE_BULK", d);
	assert_string_equal(stage->notes[4].delivery, stage->notes[2].delivery);
	take_ack(stage, 4, ACK_BEFORE);
	take_ack(stage, 5, ACK_STORED);
	take_was(stage, 3);
	take_event(stage, 4, "MESSAGE_DELETE_BULK", "{'ids':[],'channel_id':'5'}");
	take_was(stage, 4);
	free(d);
}

static void changes_wait_for_what_they_change(void **state)
{
	struct take_stage *stage = *state;

	take_in(stage, 1, TAKE_TEXT, "<@777> lunch?", MENTION);
	edit(stage, 1, 2, TAKE_TEXT, "<@777> dinner?", EDITED("01") MENTION);
	delete (stage, take_id(1), 3, TAKE_TEXT);
	take_only(stage, 0);
	take_ack(stage, 0, ACK_STORED);
	assert_int_equal(stage->notes[1].kind, INCOMING_EDITED);
	take_ack(stage, 1, ACK_STORED);
	assert_int_equal(stage->notes[2].kind, INCOMING_DELETED);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_stage, close_stage)
	const struct CMUnitTest tests[] = {
		TEST(an_edit_changes_what_was_said),
		TEST(only_other_words_are_an_edit),
		TEST(an_edit_comes_again),
		TEST(others_talk_is_not_followed),
		TEST(a_deletion_counts_whoever_did_it),
		TEST(a_bulk_deletion_is_taken_as_a_whole),
		TEST(changes_wait_for_what_they_change),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
