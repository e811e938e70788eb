/* `usher doctor` and `usher init`: every mistake that keeps a bot silent is named, with its cure. */
#include "stage_app.h"

static void check(struct app_stage *stage)
{
	json_t *findings;
	struct err err = { 0 };

	stage->checks = 0;
	telegram_platform.check(stage->bot, 77);
	assert_int_equal(stage->checks, 0); /* not inside the call */
	app_run_count(stage, &stage->checks, 1);
	findings = json_read(stage->findings, strlen(stage->findings), &err);
	assert_true(json_array_size(findings) > 1);
	for (size_t i = 0; i < json_array_size(findings); i++) {
		const json_t *one = json_array_get(findings, i);
		const char *result = json_text(one, "result");

		assert_non_null(json_text(one, "check"));
		assert_non_null(json_text(one, "message"));
		assert_true(strcmp(result, "ok") == 0 || strcmp(result, "warning") == 0 ||
			    strcmp(result, "fault") == 0);
	}
	json_decref(findings);
	assert_null(strstr(stage->findings, "app-stage-token"));
}

static bool says(const struct app_stage *stage, const char *what, const char *result, const char *part)
{
	struct err err = { 0 };
	json_t *findings = json_read(stage->findings, strlen(stage->findings), &err);
	bool found = false;

	for (size_t i = 0; i < json_array_size(findings); i++) {
		const json_t *one = json_array_get(findings, i);

		found = found || (strcmp(json_text(one, "check"), what) == 0 &&
				  strcmp(json_text(one, "result"), result) == 0 &&
				  strstr(json_text(one, "message"), part));
	}
	json_decref(findings);
	return found;
}

static void finds(const struct app_stage *stage, const char *what, const char *result, const char *part)
{
	if (!says(stage, what, result, part))
		fail_msg("no %s of \"%s\" says \"%s\" in %s", result, what, part, stage->findings);
}

/* What `usher init` sees: nothing was started. */
static void a_new_bot(void **state)
{
	struct app_stage *stage = app_stage_open(app_poll);

	(void)state;
	app_says(stage, "getMe", APP_USER);
	app_says(stage, "getWebhookInfo", "{\"url\":\"\",\"pending_update_count\":0}");
	app_says(stage, "getUpdates", "[]");
	check(stage);
	finds(stage, "token", "ok", "https://t.me/usher_bot");
	finds(stage, "groups", "ok", "/setprivacy");
	finds(stage, "webhook", "ok", "none");
	finds(stage, "updates", "ok", "nobody else");
	assert_non_null(strstr(stage->calls[stage->call_count - 1].body, "\"limit\":1"));
	assert_null(strstr(stage->calls[stage->call_count - 1].body, "offset")); /* confirms nothing */
	assert_int_equal(app_called(stage, "deleteWebhook"), 0);
	app_stage_close(stage);
}

static void somebody_else_polls_it(void **state)
{
	struct app_stage *stage = app_stage_open(app_poll);

	(void)state;
	app_says(stage, "getMe", APP_USER);
	app_says(stage, "getWebhookInfo", "{\"url\":\"\",\"pending_update_count\":0}");
	app_says_status(stage, "getUpdates", 409,
			APP_REFUSED(409, "Conflict: terminated by other getUpdates request"));
	check(stage);
	finds(stage, "updates", "fault", "another program polls this bot");
	app_stage_close(stage);
}

/* The path of somebody's webhook is often its secret. */
static void somebody_elses_webhook(void **state)
{
	struct app_stage *stage = app_stage_open(app_poll);

	(void)state;
	app_says(stage, "getMe", APP_USER);
	app_says(stage, "getWebhookInfo", APP_WEBHOOK("https://other.example.org/hidden/path"));
	check(stage);
	finds(stage, "webhook", "fault", "other.example.org");
	assert_null(strstr(stage->findings, "hidden"));
	assert_int_equal(app_called(stage, "getUpdates"), 0); /* it would only be refused */
	app_stage_close(stage);
	stage = app_stage_open((struct app_put[]){ { "name", "acme" },
						   { "bot_token", APP_TOKEN },
						   { "api_base", "http://127.0.0.1:PORT" },
						   { "take_over", "true" },
						   { NULL, NULL } });
	app_says(stage, "getMe", APP_USER);
	app_says(stage, "getWebhookInfo", APP_WEBHOOK("https://other.example.org/hidden/path"));
	check(stage);
	finds(stage, "webhook", "warning", "taken from there");
	assert_null(strstr(stage->findings, "\"fault\",\"message\":\"another"));
	app_stage_close(stage);
}

static void a_refused_token(void **state)
{
	struct app_stage *stage = app_stage_open(app_poll);

	(void)state;
	app_says_status(stage, "getMe", 401, APP_REFUSED(401, "Unauthorized"));
	check(stage);
	finds(stage, "token", "fault", "@BotFather");
	assert_int_equal(app_called(stage, "getWebhookInfo"), 0);
	app_stage_close(stage);
}

static void telegram_is_not_there(void **state)
{
	struct app_stage *stage = app_stage_open((struct app_put[]){ { "name", "acme" },
								     { "bot_token", APP_TOKEN },
								     { "api_base", "http://127.0.0.1:1" },
								     { NULL, NULL } });

	(void)state;
	check(stage);
	finds(stage, "token", "warning", "could not be tried");
	assert_false(stage->bot->dead);
	app_stage_close(stage);
}

static void something_else_answers(void **state)
{
	struct app_stage *stage = app_stage_open(app_poll);

	(void)state;
	app_says(stage, "getMe", "{\"id\":5,\"username\":\"other_bot\"}");
	check(stage);
	finds(stage, "token", "fault", "api_base");
	app_stage_close(stage);
}

/* groups = "all" with privacy mode on is deaf to most of what is said. */
static void groups_and_privacy(void **state)
{
	static const struct app_put all[] = { { "name", "acme" },
					      { "bot_token", APP_TOKEN },
					      { "api_base", "http://127.0.0.1:PORT" },
					      { "groups", "all" },
					      { NULL, NULL } };
	struct app_stage *stage = app_stage_open(all);

	(void)state;
	app_says(stage, "getMe", APP_USER);
	app_says(stage, "getMe",
		 "{\"id\":7000000001,\"username\":\"usher_bot\",\"can_join_groups\":true,"
		 "\"can_read_all_group_messages\":true}");
	app_says(stage, "getMe",
		 "{\"id\":7000000001,\"username\":\"usher_bot\",\"can_join_groups\":false,"
		 "\"can_read_all_group_messages\":false}");
	app_says(stage, "getWebhookInfo", "{\"url\":\"\"}");
	app_says(stage, "getUpdates", "[]");
	check(stage);
	finds(stage, "groups", "warning", "add it again");
	check(stage);
	finds(stage, "groups", "ok", "hears everything");
	check(stage);
	finds(stage, "groups", "warning", "/setjoingroups");
	app_stage_close(stage);
}

/* A bot that runs polls itself: asking beside it would end its own question. */
static void while_it_runs(void **state)
{
	struct app_stage *stage = app_stage_open(app_poll);
	unsigned polls;

	(void)state;
	app_says(stage, "getMe", APP_USER);
	app_says(stage, "getMyCommands", "[]");
	app_says(stage, "getWebhookInfo", "{\"url\":\"\"}");
	app_says(stage, "getUpdates", "[]");
	app_says_status(stage, "getUpdates", 0, NULL);
	app_stage_start(stage);
	app_run_link(stage, LINK_UP);
	app_run_called(stage, "getUpdates", 2);
	polls = app_called(stage, "getUpdates");
	check(stage);
	finds(stage, "link", "ok", "long polling");
	finds(stage, "token", "ok", "@usher_bot");
	assert_int_equal(app_called(stage, "getUpdates"), polls);
	telegram_platform.enable(stage->bot, false);
	check(stage);
	finds(stage, "link", "warning", "switched off");
	app_stage_close(stage);
}

static void a_webhook_of_ours(void **state)
{
	struct app_stage *stage = app_stage_open(app_webhook);
	char info[400];

	(void)state;
	app_says(stage, "getMe", APP_USER);
	app_says(stage, "getWebhookInfo", "{\"url\":\"\",\"pending_update_count\":0}");
	snprintf(info, sizeof(info),
		 "{\"url\":\"%s/telegram/acme/update\",\"pending_update_count\":3,"
		 "\"last_error_message\":\"Connection refused\"}",
		 stage->public_url);
	app_says(stage, "getWebhookInfo", info);
	app_says(stage, "getWebhookInfo", APP_WEBHOOK("https://other.example.org/x"));
	check(stage);
	finds(stage, "webhook", "ok", "/telegram/acme/update");
	check(stage);
	finds(stage, "webhook", "warning", "Connection refused");
	check(stage);
	finds(stage, "webhook", "fault", "other.example.org");
	assert_int_equal(app_called(stage, "getUpdates"), 0); /* that would be refused while it is set */
	app_stage_close(stage);
}

static void destroyed_in_the_middle(void **state)
{
	struct app_stage *stage = app_stage_open(app_poll);

	(void)state;
	app_says_status(stage, "getMe", 0, NULL);
	telegram_platform.check(stage->bot, 77);
	telegram_platform.check(stage->bot, 77);
	app_run_called(stage, "getMe", 1);
	app_stage_close(stage);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_new_bot),
		cmocka_unit_test(somebody_else_polls_it),
		cmocka_unit_test(somebody_elses_webhook),
		cmocka_unit_test(a_refused_token),
		cmocka_unit_test(telegram_is_not_there),
		cmocka_unit_test(something_else_answers),
		cmocka_unit_test(groups_and_privacy),
		cmocka_unit_test(while_it_runs),
		cmocka_unit_test(a_webhook_of_ours),
		cmocka_unit_test(destroyed_in_the_middle),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
