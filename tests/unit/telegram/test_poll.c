/* Long polling (sheet 3): nothing is confirmed before it is taken, order is kept within a chat, and nothing that the
 * platform answers ends it. */
#include "stage_poll.h"

/* ---- questions --------------------------------------------------------------------------------------------------- */

/* The first question does not wait: whether the link is up must be known now, not in 50 seconds. */
static void test_the_first_questions(void **state)
{
	struct net_stage *stage = poll_open();

	(void)state;
	telegram_poll_cursor(stage->bot.poll, "41"); /* one before it may still be missing */
	telegram_poll_start(stage->bot.poll);
	assert_int_equal(stage->link, LINK_CONNECTING);
	NET_WAIT(stage, net_asked(stage, "getUpdates") == 2);
	assert_int_equal(poll_offset(stage, 0), -1);
	assert_int_equal(poll_arg(stage, 0, "timeout"), 0);
	assert_int_equal(poll_arg(stage, 1, "timeout"), 50);
	assert_int_equal(poll_arg(stage, 1, "limit"), 100);
	assert_non_null(strstr(stage->seen[0].body,
			       "\"allowed_updates\":[\"message\",\"edited_message\",\"channel_post\","
			       "\"edited_channel_post\",\"callback_query\",\"my_chat_member\","
			       "\"stopped_message_generation\"]"));
	assert_int_equal(stage->ups, 1);
	net_rest(stage);
	assert_int_equal(net_asked(stage, "getUpdates"), 2); /* one at a time */
	net_close(stage);
}

static void test_taken_is_confirmed(void **state)
{
	struct net_stage *stage = poll_open();

	(void)state;
	poll_say(stage, "10:1 11:1 15:2"); /* gaps are usual */
	telegram_poll_start(stage->bot.poll);
	NET_WAIT(stage, poll_confirmed(stage, 16));
	assert_string_equal(poll_taken(stage), "10 11 15");
	assert_int_equal(poll_offset(stage, 1), 16);
	assert_non_null(strstr(stage->taken[0].text, "\"update_id\":10"));
	net_close(stage);
}

/* ---- the prefix rule --------------------------------------------------------------------------------------------- */

/* All are handed over at once, but the offset passes only what has nothing untaken before it (pitfall 1). */
static void test_the_offset_waits_for_the_oldest(void **state)
{
	struct net_stage *stage = poll_open();

	(void)state;
	stage->reply = NET_SILENT;
	poll_say(stage, "10:1 11:2 12:3 13:1");
	telegram_poll_start(stage->bot.poll);
	NET_WAIT(stage, stage->taken_count == 4);
	net_reply(stage, 1, TELEGRAM_TAKEN, 0);
	net_reply(stage, 2, TELEGRAM_TAKEN, 0);
	NET_WAIT(stage, net_asked(stage, "getUpdates") >= 2);
	net_rest(stage);
	for (size_t i = 0; i < net_asked(stage, "getUpdates"); i++)
		assert_int_equal(poll_offset(stage, i), -1);
	net_reply(stage, 0, TELEGRAM_TAKEN, 0);
	net_let_go(stage); /* the question that was open named no offset */
	NET_WAIT(stage, poll_confirmed(stage, 13));
	assert_false(poll_confirmed(stage, 14));
	net_reply(stage, 3, TELEGRAM_TAKEN, 0);
	net_let_go(stage);
	NET_WAIT(stage, poll_confirmed(stage, 14));
	assert_int_equal(stage->taken_count, 4);
	net_close(stage);
}

/* While one waits, the platform lists it again; others that come with it are not held back by it. */
static void test_what_is_held_is_listed_again(void **state)
{
	struct net_stage *stage = poll_open();

	(void)state;
	stage->reply = NET_SILENT;
	poll_say(stage, "10:1");
	poll_say(stage, "10:1");
	poll_say(stage, "10:1 11:1 12:2");
	poll_say(stage, "10:1 11:1 12:2");
	telegram_poll_start(stage->bot.poll);
	NET_WAIT(stage, stage->taken_count == 3 && net_asked(stage, "getUpdates") >= 4);
	net_rest(stage);
	assert_string_equal(poll_taken(stage), "10 11 12"); /* each once */
	for (size_t i = 0; i < 3; i++)
		net_reply(stage, i, TELEGRAM_TAKEN, 0);
	net_let_go(stage);
	NET_WAIT(stage, poll_confirmed(stage, 13));
	net_close(stage);
}

static void test_no_more_than_a_batch_is_held(void **state)
{
	struct net_stage *stage = poll_open();
	char text[2000] = "";

	(void)state;
	stage->reply = NET_SILENT;
	for (int i = 0; i < 100; i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "%d:1 ", 100 + i);
	poll_say(stage, text);
	telegram_poll_start(stage->bot.poll);
	NET_WAIT(stage, stage->taken_count == 100);
	net_rest(stage);
	assert_int_equal(net_asked(stage, "getUpdates"), 1);
	net_reply(stage, 0, TELEGRAM_TAKEN, 0);
	NET_WAIT(stage, poll_confirmed(stage, 101));
	net_close(stage);
}

/* ---- later ------------------------------------------------------------------------------------------------------- */

/* What could not be stored is handed over again without being fetched, before what came later in its chat. */
static void test_later_keeps_the_order_of_the_chat(void **state)
{
	struct net_stage *stage = poll_open();

	(void)state;
	stage->reply = NET_SILENT;
	poll_say(stage, "10:1 11:2 12:1");
	telegram_poll_start(stage->bot.poll);
	NET_WAIT(stage, stage->taken_count == 3);
	net_reply(stage, 0, TELEGRAM_LATER, 100);
	net_reply(stage, 1, TELEGRAM_TAKEN, 0);
	net_reply(stage, 2, TELEGRAM_LATER, 100);
	NET_WAIT(stage, stage->taken_count == 5);
	assert_string_equal(poll_taken(stage), "10 11 12 10 12");
	net_reply(stage, 3, TELEGRAM_LATER, 100);
	net_reply(stage, 4, TELEGRAM_LATER, 100);
	stage->reply = NET_TAKEN;
	NET_WAIT(stage, stage->taken_count == 7);
	assert_string_equal(poll_taken(stage), "10 11 12 10 12 10 12");
	NET_WAIT(stage, stage->bot.poll->held == NULL);
	net_let_go(stage);
	NET_WAIT(stage, poll_confirmed(stage, 13));
	net_close(stage);
}

/* A new one of a chat in which one waits comes behind it; others go on. */
static void test_new_ones_wait_behind_it(void **state)
{
	struct net_stage *stage = poll_open();

	(void)state;
	stage->reply = NET_SILENT;
	poll_say(stage, "10:1");
	poll_say(stage, "10:1 11:1 12:2");
	telegram_poll_start(stage->bot.poll);
	NET_WAIT(stage, stage->taken_count == 1);
	net_reply(stage, 0, TELEGRAM_LATER, 60000);
	NET_WAIT(stage, stage->taken_count == 2);
	net_rest(stage);
	assert_string_equal(poll_taken(stage), "10 12");
	net_close(stage);
}

/* ---- ids --------------------------------------------------------------------------------------------------------- */

/* After a quiet week ids start anywhere (sheet 3.2). */
static void test_ids_that_restart_lower(void **state)
{
	struct net_stage *stage = poll_open();

	(void)state;
	poll_say(stage, "1999999998:1 1999999999:1");
	poll_say(stage, "7:1 8:1");
	poll_say(stage, "9:1");
	telegram_poll_start(stage->bot.poll);
	NET_WAIT(stage, poll_confirmed(stage, 10));
	assert_string_equal(poll_taken(stage), "1999999998 1999999999 7 8 9");
	assert_int_equal(poll_offset(stage, 1), 2000000000);
	assert_int_equal(poll_offset(stage, 2), 9);
	net_close(stage);
}

/* A server that lost our confirmation: the core knows what it has, and we don't ask as fast as we can. */
static void test_the_same_batch_again_and_again(void **state)
{
	struct net_stage *stage = poll_open();

	(void)state;
	for (int i = 0; i < 5; i++)
		poll_say(stage, "10:1 11:1");
	telegram_poll_start(stage->bot.poll);
	NET_WAIT(stage, stage->taken_count == 10);
	NET_WAIT(stage, net_asked(stage, "getUpdates") == 6);
	assert_int_equal(poll_offset(stage, 5), 12);
	assert_true(stage->bot.poll->same == 0 || stage->bot.poll->pausing == POLL_NO_PAUSE);
	net_close(stage);
}

/* Out of order, twice, or without an id: what is usable is taken, and only that is confirmed. */
static void test_strange_batches(void **state)
{
	struct net_stage *stage = poll_open();

	(void)state;
	net_say(stage, "getUpdates", 200,
		"{\"ok\":true,\"result\":[{\"update_id\":12,\"new\":{}},{\"update_id\":11,\"message\":{}},7,"
		"null,"
		"{\"message\":{}},{\"update_id\":\"9\"},{\"update_id\":-5},{\"update_id\":99999999999},"
		"{\"update_id\":12}]}");
	net_say(stage, "getUpdates", 200, "{\"ok\":true,\"result\":{}}");
	net_say(stage, "getUpdates", 200, "{\"ok\":true,\"result\":7}");
	telegram_poll_start(stage->bot.poll);
	NET_WAIT(stage, net_asked(stage, "getUpdates") >= 5);
	assert_string_equal(poll_taken(stage), "11 12");
	assert_int_equal(poll_offset(stage, 1), 13);
	NET_WAIT(stage, stage->link == LINK_UP);
	net_close(stage);
}

static void test_which_chat(void **state)
{
	static const struct {
		const char *update;
		int64_t chat;
	} cases[] = {
		{ "{\"update_id\":1,\"message\":{\"chat\":{\"id\":-1001234567890},\"from\":{\"id\":5}}}",
		  -1001234567890 },
		{ "{\"update_id\":1,\"callback_query\":{\"id\":\"4\",\"from\":{\"id\":5},\"message\":{"
		  "\"chat\":{\"id\":6}}}}",
		  6 },
		{ "{\"update_id\":1,\"callback_query\":{\"id\":\"4\",\"from\":{\"id\":5}}}", 5 },
		{ "{\"update_id\":1,\"my_chat_member\":{\"chat\":{\"id\":-7},\"from\":{\"id\":5}}}", -7 },
		{ "{\"update_id\":1,\"message_reaction\":{\"user\":{\"id\":8}}}", 8 },
		{ "{\"update_id\":1,\"poll\":{\"id\":\"8\"}}", 0 },
		{ "{\"update_id\":1}", 0 },
		{ "[]", 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		json_t *update = json_read(cases[i].update, strlen(cases[i].update), NULL);

		assert_true(telegram_update_chat(update) == cases[i].chat);
		json_decref(update);
	}
}

/* ---- failures ---------------------------------------------------------------------------------------------------- */

static void test_failures_pass(void **state)
{
	struct net_stage *stage = poll_open();

	(void)state;
	net_say(stage, "getUpdates", 502, "<p>bad gateway</p>");
	net_say(stage, "getUpdates", 500, "{\"ok\":false,\"error_code\":500,\"description\":\"Internal\"}");
	net_say(stage, "getUpdates", 400,
		"{\"ok\":false,\"error_code\":400,\"description\":\"Bad Request: x\"}");
	poll_say(stage, "10:1");
	telegram_poll_start(stage->bot.poll);
	NET_WAIT(stage, poll_confirmed(stage, 11));
	assert_int_equal(stage->ups, 1);
	assert_int_equal(stage->link, LINK_UP);
	assert_true(stage->downs >= 1); /* from the second failure on */
	for (size_t i = 1; i < 4; i++)
		assert_int_equal(poll_arg(stage, i, "timeout"), 0); /* is it up again? */
	net_close(stage);
}

static void test_asked_to_wait(void **state)
{
	struct net_stage *stage = poll_open();
	uint64_t begun = clock_mono_ms();

	(void)state;
	net_say(stage, "getUpdates", 429,
		"{\"ok\":false,\"error_code\":429,\"description\":\"Too "
		"Many\",\"parameters\":{\"retry_after\":1}}");
	telegram_poll_start(stage->bot.poll);
	NET_WAIT(stage, stage->seen_count == 1 && stage->bot.poll->pausing == POLL_PAUSE);
	NET_WAIT(stage, stage->link == LINK_UP);
	assert_true(clock_mono_ms() - begun >= 1000);
	net_close(stage);
}

static void test_a_dead_token_ends_it(void **state)
{
	struct net_stage *stage = poll_open();

	(void)state;
	net_say(stage, "getUpdates", 401,
		"{\"ok\":false,\"error_code\":401,\"description\":\"Unauthorized\"}");
	telegram_poll_start(stage->bot.poll);
	NET_WAIT(stage, stage->deads == 1);
	net_rest(stage);
	assert_int_equal(stage->seen_count, 1);
	net_close(stage);
}

/* One answer that is too much is asked for in pieces. */
static void test_a_too_large_answer(void **state)
{
	struct net_stage *stage = poll_open();
	size_t len = TELEGRAM_BATCH_MAX + 1;
	char *body = mem_alloc(len + 1);

	(void)state;
	memset(body, ' ', len);
	body[len] = '\0';
	net_say(stage, "getUpdates", 200, "x");
	free(stage->answers[0].body);
	stage->answers[0].body = body;
	poll_say(stage, "10:1");
	poll_say(stage, "11:1");
	telegram_poll_start(stage->bot.poll);
	NET_WAIT(stage, poll_confirmed(stage, 12));
	assert_int_equal(poll_arg(stage, 1, "limit"), 25);
	assert_int_equal(poll_arg(stage, 2, "limit"), 50);
	assert_int_equal(poll_arg(stage, 3, "limit"), 100);
	net_close(stage);
}

/* One update that nobody can read does not stop all others for a day. */
static void test_a_poisonous_update(void **state)
{
	static const char poison[] =
		"{\"ok\":true,\"result\":[{\"update_id\":77,\"message\":{\"text\":\"\\ud800\"}}]}";
	struct net_stage *stage = poll_open();

	(void)state;
	for (int i = 0; i < 3 + POLL_UNREAD_MAX; i++) /* 100, 25, 6, 1, 1, 1 */
		net_say(stage, "getUpdates", 200, "%s", poison);
	poll_say(stage, "78:1");
	telegram_poll_start(stage->bot.poll);
	NET_WAIT(stage, poll_confirmed(stage, 79));
	assert_int_equal(poll_arg(stage, 3, "limit"), 1);
	assert_int_equal(poll_offset(stage, 5), -1);
	assert_int_equal(poll_offset(stage, 6), 78);
	assert_string_equal(poll_taken(stage), "78");
	net_close(stage);
}

static void test_the_page_of_a_hotel(void **state)
{
	struct net_stage *stage = poll_open();

	(void)state;
	for (int i = 0; i < 8; i++)
		net_say(stage, "getUpdates", 200, "<html>\"update_id\":5 Log in</html>");
	telegram_poll_start(stage->bot.poll);
	NET_WAIT(stage, stage->link == LINK_UP);
	assert_int_equal(stage->downs > 0, 1);
	for (size_t i = 0; i < net_asked(stage, "getUpdates"); i++)
		assert_int_equal(poll_offset(stage, i), -1); /* nothing is left out by that */
	net_close(stage);
}

static void test_the_id_of_what_is_unreadable(void **state)
{
	(void)state;
	assert_int_equal(telegram_unread_id("{\"ok\":true,\"result\":[{\"update_id\":12,\"update_id\":13}]}"),
			 12);
	assert_int_equal(telegram_unread_id("{\"ok\":true,\"result\":[{\"update_id\":x"), 0);
	assert_int_equal(telegram_unread_id("{\"ok\":true,\"result\":[{\"update_id\":99999999999999999999"),
			 0);
	assert_int_equal(telegram_unread_id("{\"ok\":true,\"result\":[]"), 0);
	assert_int_equal(telegram_unread_id("{\"ok\":false,\"update_id\":12"), 0);
	assert_int_equal(telegram_unread_id(""), 0);
}

/* ---- beginning and end ------------------------------------------------------------------------------------------- */

/* What was handed over and is answered after the end, changes nothing any more; after a start it is asked for again. */
static void test_stop_and_start(void **state)
{
	struct net_stage *stage = poll_open();
	unsigned links;

	(void)state;
	stage->reply = NET_SILENT;
	poll_say(stage, "10:1 11:1");
	telegram_poll_start(stage->bot.poll);
	NET_WAIT(stage, stage->taken_count == 2 && net_held(stage) == 1);
	telegram_poll_stop(stage->bot.poll);
	links = stage->links;
	NET_WAIT(stage, net_held(stage) == 0); /* the open question was given up */
	net_reply(stage, 0, TELEGRAM_TAKEN, 0);
	net_reply(stage, 1, TELEGRAM_LATER, 1);
	net_rest(stage);
	assert_int_equal(stage->links, links);
	poll_say(stage, "10:1 11:1");
	stage->reply = NET_TAKEN;
	telegram_poll_start(stage->bot.poll);
	NET_WAIT(stage, poll_confirmed(stage, 12));
	assert_string_equal(poll_taken(stage), "10 11 10 11");
	net_close(stage);
}

static void test_answers_after_it_is_gone(void **state)
{
	struct net_stage *stage = poll_open();

	(void)state;
	stage->reply = NET_SILENT;
	poll_say(stage, "10:1");
	telegram_poll_start(stage->bot.poll);
	NET_WAIT(stage, stage->taken_count == 1);
	telegram_poll_destroy(stage->bot.poll);
	assert_null(stage->bot.poll);
	net_reply(stage, 0, TELEGRAM_TAKEN, 0);
	net_rest(stage);
	net_close(stage);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_first_questions),
		cmocka_unit_test(test_taken_is_confirmed),
		cmocka_unit_test(test_the_offset_waits_for_the_oldest),
		cmocka_unit_test(test_what_is_held_is_listed_again),
		cmocka_unit_test(test_no_more_than_a_batch_is_held),
		cmocka_unit_test(test_later_keeps_the_order_of_the_chat),
		cmocka_unit_test(test_new_ones_wait_behind_it),
		cmocka_unit_test(test_ids_that_restart_lower),
		cmocka_unit_test(test_the_same_batch_again_and_again),
		cmocka_unit_test(test_strange_batches),
		cmocka_unit_test(test_which_chat),
		cmocka_unit_test(test_failures_pass),
		cmocka_unit_test(test_asked_to_wait),
		cmocka_unit_test(test_a_dead_token_ends_it),
		cmocka_unit_test(test_a_too_large_answer),
		cmocka_unit_test(test_a_poisonous_update),
		cmocka_unit_test(test_the_page_of_a_hotel),
		cmocka_unit_test(test_the_id_of_what_is_unreadable),
		cmocka_unit_test(test_stop_and_start),
		cmocka_unit_test(test_answers_after_it_is_gone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
