/* What was sent as one is answered as one, and neither lost nor asked for by halves (sheet 5.3). */
#include "mem.h"
#include "stage_in.h"

static int open_stage(void **state)
{
	*state = in_open();
	return 0;
}

static int close_stage(void **state)
{
	in_close(*state);
	return 0;
}

static void part(struct in_stage *stage, unsigned number, const char *chat, const char *caption)
{
	char *what =
		mem_format("'message':{'message_id':%u,'date':1799999999,'chat':{'id':%s,'type':'%s'},"
			   "'from':{'id':5,'first_name':'Ann'},'media_group_id':'g1','photo':[{'file_id':"
			   "'p%u'}]%s}",
			   1000 + number, chat, chat[0] == '-' ? "supergroup" : "private", number, caption);

	in_take(stage, number, what);
	free(what);
}

static void an_album_is_one_message(void **state)
{
	struct in_stage *stage = *state;
	const struct in_message *message;
	struct telegram_place place;

	part(stage, 1, "5", "");
	part(stage, 2, "5", ",'caption':'what are these?'");
	in_pass(stage, 700);
	part(stage, 3, "5", "");
	in_private(stage, 4, "well?", ""); /* behind it */
	in_pass(stage, 700);
	assert_int_equal(stage->count, 0);
	in_pass(stage, 600);
	message = in_only(stage, 0);
	assert_int_equal(message->file_count, 3);
	assert_string_equal(message->file_url[2], "file_id:p3");
	assert_string_equal(message->text, "what are these?");
	assert_string_equal(message->delivery, "777/1");
	assert_string_equal(message->semantic, "5/1002"); /* an edit of the words must find it */
	assert_true(telegram_place_read(message->reply_to, &place));
	assert_int_equal(place.message, 1002);
	assert_string_equal(message->cursor, "3");
	in_waits(stage, 1);
	in_ack(stage, 0, ACK_STORED);
	in_was(stage, 1, TELEGRAM_TAKEN);
	in_was(stage, 2, TELEGRAM_TAKEN);
	in_was(stage, 3, TELEGRAM_TAKEN);
	assert_string_equal(in_only(stage, 1)->text, "well?");
}

static void a_full_album_waits_for_nothing(void **state)
{
	struct in_stage *stage = *state;

	for (unsigned i = 1; i <= 10; i++)
		part(stage, i, "5", "");
	assert_int_equal(in_only(stage, 0)->file_count, 10);
}

/* The poll asks for the same updates again while it waits. */
static void a_part_that_comes_twice_counts_once(void **state)
{
	struct in_stage *stage = *state;

	part(stage, 1, "5", "");
	part(stage, 2, "5", "");
	part(stage, 1, "5", "");
	in_pass(stage, 2000);
	assert_int_equal(in_only(stage, 0)->file_count, 2);
	part(stage, 2, "5", ""); /* also when the core has it already */
	in_pass(stage, 2000);
	assert_int_equal(stage->count, 1);
	in_ack(stage, 0, ACK_STORED);
	assert_int_equal(stage->told[1], 2);
	assert_int_equal(stage->told[2], 2);
}

static void the_words_address_all_of_it(void **state)
{
	struct in_stage *stage = *state;

	part(stage, 1, "-100", "");
	part(stage, 2, "-100",
	     ",'caption':'@UsherBot?','caption_entities':[{'type':'mention','offset':0,'length':9}]");
	in_pass(stage, 2000);
	assert_int_equal(in_only(stage, 0)->file_count, 2);
	in_ack(stage, 0, ACK_STORED);
	part(stage, 3, "-100", ""); /* too late for it, but said to us */
	in_pass(stage, 2000);
	assert_int_equal(in_only(stage, 1)->file_count, 1);
}

static void one_that_is_not_for_us_is_dropped(void **state)
{
	struct in_stage *stage = *state;

	part(stage, 1, "-100", "");
	part(stage, 2, "-100", ",'caption':'our holidays'");
	in_pass(stage, 2000);
	in_dropped(stage, 0, 1);
	in_was(stage, 2, TELEGRAM_TAKEN);
	assert_int_equal(telegram_inbound_owed(stage->bot.inbound), 0);
}

/* After a crash all of its parts come again, or none. */
static void the_cursor_never_stands_inside(void **state)
{
	struct in_stage *stage = *state;

	part(stage, 10, "5", "");
	in_group(stage, 11, "@UsherBot hi", ",'entities':[{'type':'mention','offset':0,'length':9}]");
	part(stage, 12, "5", "");
	assert_string_equal(in_only(stage, 0)->cursor, "9");
	in_pass(stage, 2000);
	assert_string_equal(in_only(stage, 1)->cursor, "9"); /* 11 is not stored */
	in_ack(stage, 0, ACK_STORED);
	in_ack(stage, 1, ACK_BUSY);
	in_was(stage, 10, TELEGRAM_LATER);
	in_was(stage, 12, TELEGRAM_LATER);
	part(stage, 10, "5", "");
	part(stage, 12, "5", "");
	in_pass(stage, 2000);
	assert_string_equal(in_only(stage, 2)->cursor, "12");
	assert_string_equal(stage->messages[2].delivery, "777/10");
}

/* A webhook gets the next update of a chat only when this one is answered (sheet 4.2): waiting would not help. */
static void webhooks_take_parts_as_they_come(void **state)
{
	struct in_stage *stage = *state;

	stage->bot.config.transport = TELEGRAM_WEBHOOK;
	part(stage, 1, "-100",
	     ",'caption':'@UsherBot?','caption_entities':[{'type':'mention','offset':0,'length':9}]");
	assert_int_equal(in_only(stage, 0)->flags, INCOMING_MORE); /* the core waits for the others */
	in_ack(stage, 0, ACK_STORED);
	part(stage, 2, "-100", "");
	assert_int_equal(in_only(stage, 1)->file_count, 1);
	assert_int_equal(stage->messages[1].flags, INCOMING_MORE);
}

static void an_end_waits_for_no_album(void **state)
{
	struct in_stage *stage = *state;

	part(stage, 1, "5", "");
	stage->bot.stopping = true;
	in_pass(stage, 200);
	in_was(stage, 1, TELEGRAM_LATER);
	assert_int_equal(stage->count, 0);
	stage->bot.stopping = false;
	part(stage, 1, "5", ""); /* and one that collects can be let go */
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_stage, close_stage)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(an_album_is_one_message),
		TEST(a_full_album_waits_for_nothing),
		TEST(a_part_that_comes_twice_counts_once),
		TEST(the_words_address_all_of_it),
		TEST(one_that_is_not_for_us_is_dropped),
		TEST(the_cursor_never_stands_inside),
		TEST(webhooks_take_parts_as_they_come),
		TEST(an_end_waits_for_no_album),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
