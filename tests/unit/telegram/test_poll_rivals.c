/* Who else gets this bot's updates (sheet 3.3): named as it is, waited for without flapping, and nothing of others is
 * deleted unasked. */
#include "stage_poll.h"

#define CONFLICT(words) "{\"ok\":false,\"error_code\":409,\"description\":\"Conflict: " words "\"}"
static const char other_poll[] =
	CONFLICT("terminated by other getUpdates request; make sure that only one bot instance is running");
static const char webhook_active[] = CONFLICT(
	"can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first");

static void say_hook(struct net_stage *stage, const char *url)
{
	net_say(stage, "getWebhookInfo", 200,
		"{\"ok\":true,\"result\":{\"url\":\"%s\",\"pending_update_count\":3}}", url);
}

/* After a restart the question of our earlier life may still be open there. */
static void test_a_short_conflict_is_none(void **state)
{
	struct net_stage *stage = poll_open();

	(void)state;
	stage->bot.poll->times.rival_quick = 60000;
	for (int i = 0; i < 3; i++)
		net_say(stage, "getUpdates", 409, "%s", other_poll);
	poll_say(stage, "10:1");
	telegram_poll_start(stage->bot.poll);
	NET_WAIT(stage, stage->bot.poll->rival_since != 0);
	assert_string_equal(stage->link_why, "another program polls this bot");
	NET_WAIT(stage, poll_confirmed(stage, 11)); /* what comes meanwhile is taken all the same */
	stage->bot.poll->times.rival_over = 0;
	net_let_go(stage);
	NET_WAIT(stage, stage->link == LINK_UP);
	assert_int_equal(stage->downs, 0);
	net_close(stage);
}

/* Two that take turns: down is said once, and up only when the other one is gone. */
static void test_another_program_polls(void **state)
{
	struct net_stage *stage = poll_open();

	(void)state;
	stage->bot.poll->times.rival_quick = 0;
	stage->bot.poll->times.rival_over = 3600000;
	telegram_poll_start(stage->bot.poll);
	NET_WAIT(stage, net_held(stage) == 1);
	assert_int_equal(stage->link, LINK_UP);
	for (int i = 0; i < 10; i++) {
		net_say(stage, "getUpdates", 409, "%s", other_poll);
		poll_say(stage, i % 2 ? "" : "10:1");
	}
	net_let_go(stage);
	NET_WAIT(stage, net_asked(stage, "getUpdates") > 20);
	assert_int_equal(stage->link, LINK_DOWN);
	assert_string_equal(stage->link_why, "another program polls this bot");
	assert_int_equal(stage->downs, 1);
	assert_int_equal(stage->ups, 1);
	stage->bot.poll->times.rival_over = 0;
	NET_WAIT(stage, net_held(stage) == 1);
	net_let_go(stage);
	NET_WAIT(stage, stage->link == LINK_UP);
	assert_int_equal(net_asked(stage, "deleteWebhook"), 0);
	net_close(stage);
}

/* The operator sees whose it is; its path may be a secret, and it is not ours to delete (pitfall 4). */
static void test_a_foreign_webhook(void **state)
{
	struct net_stage *stage = poll_open();

	(void)state;
	for (int i = 0; i < 3; i++) {
		net_say(stage, "getUpdates", 409, "%s", webhook_active);
		say_hook(stage, "https://elsewhere.example:8443/bot" NET_TOKEN "/hidden?x");
	}
	telegram_poll_start(stage->bot.poll);
	NET_WAIT(stage, stage->link == LINK_DOWN);
	assert_string_equal(
		stage->link_why,
		"a webhook is set at https://elsewhere.example:8443: delete it, or set take_over");
	NET_WAIT(stage, net_asked(stage, "getWebhookInfo") == 3);
	assert_int_equal(stage->downs, 1);
	stage->bot.poll->times.rival_over = 0; /* somebody deletes it */
	NET_WAIT(stage, stage->link == LINK_UP);
	assert_int_equal(net_asked(stage, "deleteWebhook"), 0);
	net_close(stage);
}

static void expect_deleted(struct net_stage *stage, const char *url)
{
	net_say(stage, "getUpdates", 409, "%s", webhook_active);
	say_hook(stage, url);
	poll_say(stage, "10:1");
	telegram_poll_start(stage->bot.poll);
	NET_WAIT(stage, poll_confirmed(stage, 11));
	assert_int_equal(net_asked(stage, "deleteWebhook"), 1);
	assert_string_equal(net_request(stage, "deleteWebhook", 0)->body, "{}"); /* what waits is kept */
	assert_int_equal(stage->link, LINK_UP);
	assert_int_equal(stage->downs, 0);
	net_close(stage);
}

static void test_one_that_is_taken_over(void **state)
{
	struct net_stage *stage = poll_open();

	(void)state;
	stage->bot.config.take_over = true;
	expect_deleted(stage, "https://elsewhere.example/hook");
}

/* Set by ourselves, when the transport was another. */
static void test_our_own_webhook(void **state)
{
	(void)state;
	expect_deleted(poll_open(), "https://usher.example/telegram/acme/update");
}

static void test_questions_about_it_that_fail(void **state)
{
	struct net_stage *stage = poll_open();

	(void)state;
	stage->bot.config.take_over = true;
	net_say(stage, "getUpdates", 409, "%s", webhook_active);
	net_say(stage, "getWebhookInfo", 502, "bad gateway");
	net_say(stage, "getUpdates", 409, "%s", webhook_active);
	net_say(stage, "getWebhookInfo", 429,
		"{\"ok\":false,\"error_code\":429,\"description\":\"x\",\"parameters\":{\"retry_after\":1}}");
	net_say(stage, "getUpdates", 409, "%s", webhook_active);
	say_hook(stage, "https://elsewhere.example/hook");
	net_say(stage, "deleteWebhook", 500, "{\"ok\":false,\"error_code\":500,\"description\":\"x\"}");
	net_say(stage, "getUpdates", 409, "%s", CONFLICT("terminated by setWebhook request"));
	say_hook(stage, "");
	poll_say(stage, "10:1");
	telegram_poll_start(stage->bot.poll);
	NET_WAIT(stage, poll_confirmed(stage, 11));
	net_close(stage);
}

static void test_stopped_while_asking_about_it(void **state)
{
	struct net_stage *stage = poll_open();

	(void)state;
	net_say(stage, "getUpdates", 409, "%s", webhook_active);
	stage->hold = true;
	telegram_poll_start(stage->bot.poll);
	NET_WAIT(stage, net_held(stage) == 1);
	net_let_go(stage);
	NET_WAIT(stage, net_asked(stage, "getWebhookInfo") == 1);
	telegram_poll_stop(stage->bot.poll);
	net_rest(stage);
	assert_int_equal(stage->seen_count, 2);
	net_close(stage);
}

/* The platform forgets after a day: twelve hours without updates are an alarm, once. */
static void test_the_alarm_of_age(void **state)
{
	struct net_stage *stage = poll_open();
	struct telegram_poll *poll = stage->bot.poll;

	(void)state;
	for (int i = 0; i < 4; i++)
		net_say(stage, "getUpdates", 502, "bad gateway");
	telegram_poll_start(poll);
	poll->up_at -= (uint64_t)12 * 3600 * 1000;
	NET_WAIT(stage, net_asked(stage, "getUpdates") == 3);
	assert_int_equal(poll->alarms, 1);
	poll->up_at -= (uint64_t)12 * 3600 * 1000;
	NET_WAIT(stage, poll->alarms == 2);
	NET_WAIT(stage, stage->link == LINK_UP);
	assert_int_equal(poll->alarms, 0);
	net_close(stage);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_short_conflict_is_none),
		cmocka_unit_test(test_another_program_polls),
		cmocka_unit_test(test_a_foreign_webhook),
		cmocka_unit_test(test_one_that_is_taken_over),
		cmocka_unit_test(test_our_own_webhook),
		cmocka_unit_test(test_questions_about_it_that_fail),
		cmocka_unit_test(test_stopped_while_asking_about_it),
		cmocka_unit_test(test_the_alarm_of_age),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
