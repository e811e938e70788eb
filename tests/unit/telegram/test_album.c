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

#define CALLS_US ",'caption':'@UsherBot?','caption_entities':[{'type':'mention','offset':0,'length':9}]"

static int64_t answered_at(const struct in_message *message)
{
	struct telegram_place place;

	assert_true(telegram_place_read(message->reply_to, &place));
	return place.message;
}

/* Each part is stored by itself, so that none is lost or answered twice when we end in the middle of it; the core
 * answers them as one. */
static void the_core_waits_for_the_rest(void **state)
{
	struct in_stage *stage = *state;

	part(stage, 1, "5", ",'caption':'what are these?'");
	assert_int_equal(in_only(stage, 0)->flags, INCOMING_MORE);
	assert_string_equal(stage->messages[0].text, "what are these?");
	assert_string_equal(stage->messages[0].file_url[0], "file_id:p1");
	in_ack(stage, 0, ACK_STORED);
	in_was(stage, 1, TELEGRAM_TAKEN); /* at once: a webhook gets the next part only now */
	part(stage, 2, "5", "");
	assert_int_equal(in_only(stage, 1)->flags, INCOMING_MORE);
	assert_string_equal(stage->messages[1].delivery, "777/2");
	assert_string_equal(stage->messages[1].semantic, "5/1002");
	assert_int_equal(answered_at(&stage->messages[0]), 1001);
	assert_int_equal(answered_at(&stage->messages[1]), 1001); /* one answer, at one of them */
	in_ack(stage, 1, ACK_STORED);
	in_private(stage, 3, "well?", "");
	assert_int_equal(in_only(stage, 2)->flags, 0);
}

static void the_words_address_all_that_follows(void **state)
{
	struct in_stage *stage = *state;

	part(stage, 1, "-100", CALLS_US);
	in_only(stage, 0);
	in_ack(stage, 0, ACK_STORED);
	part(stage, 2, "-100", "");
	assert_int_equal(in_only(stage, 1)->file_count, 1);
	assert_int_equal(answered_at(&stage->messages[1]), 1001);
}

static void one_that_is_not_for_us_is_dropped(void **state)
{
	struct in_stage *stage = *state;

	part(stage, 1, "-100", ",'caption':'our holidays'");
	in_dropped(stage, 0, 1);
	part(stage, 2, "-100", "");
	in_dropped(stage, 0, 2);
}

/* What was learnt of an album is lost with the process: its parts are still private messages to us. */
static void the_rest_of_an_album_after_a_restart(void **state)
{
	struct in_stage *stage = *state;

	part(stage, 2, "5", "");
	assert_int_equal(answered_at(in_only(stage, 0)), 1002);
}

/* Killed behind the part with the words: the next process could not know that what follows belongs to it. */
static void an_album_of_a_group_after_a_restart(void **state)
{
	struct in_stage *stage = *state;
	char *position;

	part(stage, 1, "-100", CALLS_US);
	position = mem_text(in_only(stage, 0)->cursor);
	in_close(stage);
	*state = stage = in_open();
	telegram_album_recall(stage->bot.inbound, "-100", position);
	free(position);
	part(stage, 2, "-100", "");
	assert_int_equal(answered_at(in_only(stage, 0)), 1001);
	part(stage, 3, "-200", ""); /* of another group */
	in_dropped(stage, 1, 3);
	telegram_album_recall(stage->bot.inbound, "-200", "17"); /* nothing that we wrote */
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_stage, close_stage)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_core_waits_for_the_rest),	   TEST(the_words_address_all_that_follows),
		TEST(one_that_is_not_for_us_is_dropped),   TEST(the_rest_of_an_album_after_a_restart),
		TEST(an_album_of_a_group_after_a_restart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
