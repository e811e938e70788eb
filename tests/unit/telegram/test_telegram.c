/* A bot from its start to its end: who it is, what the link says, what is owed when it stops. */
#include "hook_room.h"
#include "stage_app.h"

static void usual(struct app_stage *stage)
{
	app_says(stage, "getMe", APP_USER);
	app_says(stage, "getMyCommands", "[]");
}

static void the_token_says_who_we_are(void **state)
{
	struct app_stage *stage = app_stage_open(app_poll);

	(void)state;
	usual(stage);
	app_says(stage, "getUpdates", "[]");
	app_says_status(stage, "getUpdates", 0, NULL);
	app_stage_start(stage);
	app_run_link(stage, LINK_UP);
	assert_string_equal(stage->bot->username, "usher_bot");
	assert_int_equal(stage->bot->bot_id, 7000000001);
	assert_false(stage->bot->reads_all);
	assert_int_equal(stage->records, 1);
	assert_string_equal(stage->title, "@usher_bot");
	assert_non_null(strstr(stage->record, "\"username\":\"usher_bot\""));
	assert_null(strstr(stage->record, "token"));
	app_run_called(stage, "setMyCommands", 1);
	assert_int_equal(app_called(stage, "getMe"), 1);
	assert_int_equal(app_called(stage, "deleteWebhook"), 0); /* nobody's is taken */
	app_stage_close(stage);
}

/* A machine that starts faster than its network. */
static void an_outage_at_the_start_passes(void **state)
{
	struct app_stage *stage = app_stage_open(app_poll);

	(void)state;
	app_says_status(stage, "getMe", 502, "<html>Bad Gateway</html>");
	app_says_status(stage, "getMe", 429,
			"{\"ok\":false,\"error_code\":429,\"description\":\"Too Many Requests: retry after "
			"1\","
			"\"parameters\":{\"retry_after\":1}}");
	usual(stage);
	app_says(stage, "getUpdates", "[]");
	app_says_status(stage, "getUpdates", 0, NULL);
	app_stage_start(stage);
	app_run_called(stage, "getMe", 1);
	assert_int_not_equal(stage->link, LINK_UP);
	assert_false(stage->bot->dead);
	app_run_link(stage, LINK_UP);
	assert_int_equal(app_called(stage, "getMe"), 3);
	app_stage_close(stage);
}

static void a_dead_token_names_its_cure(void **state)
{
	struct app_stage *stage = app_stage_open(app_poll);

	(void)state;
	app_says_status(stage, "getMe", 401, APP_REFUSED(401, "Unauthorized"));
	app_stage_start(stage);
	app_run_link(stage, LINK_DOWN);
	assert_true(stage->bot->dead);
	assert_non_null(strstr(stage->why, "@BotFather"));
	assert_non_null(strstr(stage->why, "bot_token"));
	assert_null(strstr(stage->why, "app-stage-token"));
	assert_int_equal(app_called(stage, "getUpdates"), 0);
	app_stage_close(stage);
}

/* /revoke while it runs: nothing is asked with the old token any more. */
static void a_token_that_dies_later(void **state)
{
	struct app_stage *stage = app_stage_open(app_poll);
	unsigned calls;

	(void)state;
	usual(stage);
	app_says(stage, "getUpdates", "[]");
	app_says_status(stage, "getUpdates", 401, APP_REFUSED(401, "Unauthorized"));
	app_stage_start(stage);
	app_run_link(stage, LINK_DOWN);
	assert_non_null(strstr(stage->why, "@BotFather"));
	calls = app_called(stage, "getUpdates");
	telegram_platform.enable(stage->bot, false);
	telegram_platform.enable(stage->bot, true);
	telegram_platform.stop(stage->bot);
	app_run_count(stage, &stage->stops, 1);
	assert_int_equal(app_called(stage, "getUpdates"), calls);
	app_stage_close(stage);
}

/* Another bot's answer, or a page that is none: asked again, and not taken for ours. */
static void an_answer_about_another_bot(void **state)
{
	struct app_stage *stage = app_stage_open(app_poll);

	(void)state;
	app_says(stage, "getMe", "{\"id\":5,\"is_bot\":true,\"username\":\"other_bot\"}");
	app_says(stage, "getMe", "{\"id\":7000000001}");
	usual(stage);
	app_stage_start(stage);
	app_run_called(stage, "getMe", 2);
	assert_null(stage->bot->username);
	assert_int_equal(app_called(stage, "getUpdates"), 0);
	app_run_called(stage, "getUpdates", 1);
	assert_string_equal(stage->bot->username, "usher_bot");
	app_stage_close(stage);
}

static void a_webhook_is_set(void **state)
{
	struct app_stage *stage = app_stage_open(app_webhook);

	(void)state;
	usual(stage);
	app_says(stage, "getWebhookInfo", "{\"url\":\"\",\"pending_update_count\":0}");
	app_stage_start(stage);
	app_run_link(stage, LINK_UP);
	app_run_called(stage, "setWebhook", 1);
	assert_int_equal(app_called(stage, "getUpdates"), 0);
	telegram_platform.stop(stage->bot);
	app_run_count(stage, &stage->stops, 1);
	assert_int_equal(app_called(stage, "deleteWebhook"), 0); /* what comes meanwhile waits there */
	app_stage_close(stage);
}

static void switched_off_and_on_again(void **state)
{
	struct app_stage *stage = app_stage_open(app_poll);

	(void)state;
	usual(stage);
	app_says(stage, "getUpdates", "[]");
	app_says_status(stage, "getUpdates", 0, NULL);
	app_says(stage, "getUpdates", "[]");
	app_says_status(stage, "getUpdates", 0, NULL);
	app_stage_start(stage);
	app_run_link(stage, LINK_UP);
	telegram_platform.enable(stage->bot, false);
	assert_int_equal(stage->link, LINK_DOWN);
	assert_non_null(strstr(stage->why, "switched off"));
	telegram_platform.enable(stage->bot, true);
	app_run_called(stage, "getUpdates", 3);
	app_run_link(stage, LINK_UP);
	assert_int_equal(app_called(stage, "getMe"), 1);
	app_stage_close(stage);
}

/* Switched off in an earlier life: nothing is asked until it is switched on. */
static void off_from_the_start(void **state)
{
	struct app_stage *stage = app_stage_open(app_poll);

	(void)state;
	usual(stage);
	telegram_platform.enable(stage->bot, false);
	app_stage_start(stage);
	assert_int_equal(stage->link, LINK_DOWN);
	assert_int_equal(stage->call_count, 0);
	telegram_platform.enable(stage->bot, true);
	app_run_called(stage, "getUpdates", 1);
	app_stage_close(stage);
}

static void stopping_ends_at_once_when_nothing_is_owed(void **state)
{
	struct app_stage *stage = app_stage_open(app_poll);

	(void)state;
	app_says_status(stage, "getMe", 0, NULL); /* never answered: stopping does not wait for it */
	app_stage_start(stage);
	app_run_called(stage, "getMe", 1);
	telegram_platform.stop(stage->bot);
	telegram_platform.stop(stage->bot);
	assert_int_equal(stage->stops, 0); /* not inside the call */
	app_run_count(stage, &stage->stops, 1);
	app_stage_close(stage);
}

/* `usher settings check` and a reload make and throw away everything. */
static void made_and_thrown_away(void **state)
{
	(void)state;
	app_stage_close(app_stage_open(app_poll));
	app_stage_close(app_stage_open(app_webhook));
	telegram_platform.destroy(NULL);
}

static void two_bots_of_one_name(void **state)
{
	struct app_stage *stage = app_stage_open(app_webhook);
	struct err err = { 0 };
	struct platform *second;

	(void)state;
	usual(stage);
	app_says(stage, "getWebhookInfo", "{\"url\":\"\",\"pending_update_count\":0}");
	app_stage_start(stage);
	app_run_link(stage, LINK_UP);
	second = telegram_platform.create(&stage->host, stage->settings, &err);
	assert_non_null(second);
	assert_true(telegram_platform.start(second, &err));
	app_run_link(stage, LINK_DOWN);
	assert_non_null(strstr(stage->why, "two bots have the same name"));
	telegram_platform.destroy(second);
	app_stage_close(stage);
}

static void cursors_of_other_scopes_are_left_alone(void **state)
{
	struct app_stage *stage = app_stage_open(app_poll);

	(void)state;
	telegram_platform.cursor(stage->bot, "updates", "70");
	telegram_platform.cursor(stage->bot, "something", "71");
	app_stage_close(stage);
	stage = app_stage_open(app_webhook);
	telegram_platform.cursor(stage->bot, "updates", "72"); /* of a time when it polled */
	app_stage_close(stage);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_token_says_who_we_are),
		cmocka_unit_test(an_outage_at_the_start_passes),
		cmocka_unit_test(a_dead_token_names_its_cure),
		cmocka_unit_test(a_token_that_dies_later),
		cmocka_unit_test(an_answer_about_another_bot),
		cmocka_unit_test(a_webhook_is_set),
		cmocka_unit_test(switched_off_and_on_again),
		cmocka_unit_test(off_from_the_start),
		cmocka_unit_test(stopping_ends_at_once_when_nothing_is_owed),
		cmocka_unit_test(made_and_thrown_away),
		cmocka_unit_test(two_bots_of_one_name),
		cmocka_unit_test(cursors_of_other_scopes_are_left_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
