/* `usher doctor`: every mistake that keeps a bot silent is named, with the page where it is put right. */
#include "stage_app.h"

static const struct app_put app_socket[] = {
	{ "name", "acme" },
	{ "bot_token", STAGE_BOT_TOKEN },
	{ "app_token", STAGE_APP_TOKEN },
	{ "api_base", "http://127.0.0.1:PORT/api" },
	{ NULL, NULL },
};

static void check(struct app_stage *stage, struct app_door *door)
{
	json_t *findings;
	struct err err = { 0 };

	slack_platform.check(door->platform, 77);
	assert_int_equal(door->checks, 0); /* not inside the call */
	app_run_count(stage, &door->checks, 1);
	findings = json_read(door->findings, strlen(door->findings), &err);
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
}

static void finds(const struct app_door *door, const char *what, const char *result, const char *part)
{
	char start[100];
	const char *at;

	snprintf(start, sizeof(start), "{\"check\":\"%s\",\"result\":\"%s\",\"message\":\"", what, result);
	for (at = strstr(door->findings, start); at; at = strstr(at + 1, start)) {
		const char *end = strstr(at, "\"}");
		const char *found = strstr(at, part);

		if (found && end && found < end)
			return;
	}
	fail_msg("no %s of \"%s\" says \"%s\" in %s", result, what, part, door->findings);
}

static void all_is_well(void **state)
{
	struct app_stage *stage = app_stage_open(app_http);
	struct app_door *root = &stage->doors[0];

	(void)state;
	app_says(stage, "auth.test", STAGE_AUTH);
	app_says(stage, "bots.info", STAGE_BOTS_INFO);
	app_says(stage, "api.test", "{\"ok\":true}");
	app_stage_start(stage);
	app_run_link(root, LINK_UP);
	check(stage, root);
	finds(root, "link", "ok", "waiting for Slack's requests");
	finds(root, "token", "ok", "Acme");
	finds(root, "scopes", "ok", "all");
	finds(root, "clock", "ok", "within");
	finds(root, "address", "warning", "not https");
	finds(root, "messages", "ok", "https://api.slack.com/apps/A0001/app-home");
	assert_null(strstr(root->findings, "\"fault\""));
	assert_null(strstr(root->findings, "xoxb-"));
	app_stage_close(stage);
}

static void each_missing_scope_is_named(void **state)
{
	struct app_stage *stage = app_stage_open(app_http);
	struct app_door *root = &stage->doors[0];

	(void)state;
	stage->scopes = "app_mentions:read, im:read,users:read";
	app_says(stage, "auth.test", STAGE_AUTH);
	app_says(stage, "bots.info", STAGE_BOTS_INFO);
	app_says(stage, "api.test", "{\"ok\":true}");
	app_stage_start(stage);
	app_run_link(root, LINK_UP);
	check(stage, root);
	finds(root, "scopes", "fault", "chat:write is missing: it can't answer");
	finds(root, "scopes", "warning", "im:history is missing: it does not hear direct messages");
	finds(root, "scopes", "warning", "files:read is missing");
	finds(root, "scopes", "warning", "https://api.slack.com/apps/A0001/oauth");
	assert_null(strstr(root->findings, "app_mentions:read is missing"));
	assert_null(strstr(root->findings, "\"im:read is missing"));
	app_stage_close(stage);
}

static void a_refused_token(void **state)
{
	struct app_stage *stage = app_stage_open(app_http);
	struct app_door *root = &stage->doors[0];

	(void)state;
	app_says(stage, "auth.test", "{\"ok\":false,\"error\":\"account_inactive\"}");
	app_says(stage, "api.test", "{\"ok\":true}");
	app_stage_start(stage);
	app_run_link(root, LINK_DOWN);
	check(stage, root);
	finds(root, "token", "fault", "refuses the bot token");
	finds(root, "token", "fault", "OAuth & Permissions");
	finds(root, "link", "fault", "not connected");
	app_stage_close(stage);
}

/* Pitfall 23 turned round: tokens of two apps connect and hear nothing. */
static void tokens_of_two_apps(void **state)
{
	struct app_stage *stage = app_stage_open(app_socket);
	struct app_door *root = &stage->doors[0];

	(void)state;
	app_says(stage, "auth.test", STAGE_AUTH);
	app_says(stage, "bots.info", "{\"ok\":true,\"bot\":{\"id\":\"B1\",\"app_id\":\"A0002\"}}");
	app_says(stage, "apps.connections.open", "{\"ok\":true,\"url\":\"ws://127.0.0.1:1/link\"}");
	app_says(stage, "api.test", "{\"ok\":true}");
	check(stage, root); /* works before the start, too */
	finds(root, "app token", "fault", "belongs to the app A0001, but the bot token to A0002");
	assert_string_equal(app_last(stage, "apps.connections.open")->authorization,
			    "Bearer " STAGE_APP_TOKEN);
	app_forget_answers(stage);
	root->checks = 0;
	app_says(stage, "auth.test", STAGE_AUTH);
	app_says(stage, "bots.info", STAGE_BOTS_INFO);
	app_says(stage, "apps.connections.open", "{\"ok\":true,\"url\":\"ws://127.0.0.1:1/link\"}");
	app_says(stage, "api.test", "{\"ok\":true}");
	check(stage, root);
	finds(root, "app token", "ok", "same app");
	app_stage_close(stage);
}

static void a_refused_app_token(void **state)
{
	struct app_stage *stage = app_stage_open(app_socket);
	struct app_door *root = &stage->doors[0];

	(void)state;
	app_says(stage, "auth.test", STAGE_AUTH);
	app_says(stage, "bots.info", STAGE_BOTS_INFO);
	app_says(stage, "apps.connections.open", "{\"ok\":false,\"error\":\"missing_scope\"}");
	app_says_status(stage, "api.test", 500, "down");
	check(stage, root);
	finds(root, "app token", "fault", "connections:write");
	finds(root, "app token", "fault", "https://api.slack.com/apps/A0001/general");
	assert_false(app_root(stage)->dead); /* the bot token is fine */
	app_forget_answers(stage);
	root->checks = 0;
	app_says(stage, "auth.test", STAGE_AUTH);
	app_says(stage, "apps.connections.open", "{\"ok\":false,\"error\":\"invalid_auth\"}");
	check(stage, root);
	finds(root, "app token", "fault", "invalid_auth");
	assert_false(app_root(stage)->dead);
	app_stage_close(stage);
}

static void slack_is_not_there(void **state)
{
	struct app_stage *stage = app_stage_open((struct app_put[]){ { "name", "acme" },
								     { "bot_token", STAGE_BOT_TOKEN },
								     { "app_token", STAGE_APP_TOKEN },
								     { "api_base", "http://127.0.0.1:1/api" },
								     { NULL, NULL } });
	struct app_door *root = &stage->doors[0];

	(void)state;
	check(stage, root);
	finds(root, "token", "warning", "could not be tried");
	finds(root, "app token", "warning", "could not be tried");
	finds(root, "clock", "warning", "could not be compared");
	app_stage_close(stage);
}

static void a_workspace_of_others(void **state)
{
	struct app_stage *stage = app_stage_open(app_shared);
	struct app_door *root = &stage->doors[0], *beta;

	(void)state;
	app_says(stage, "auth.test", "{\"ok\":false,\"error\":\"token_revoked\"}");
	app_says(stage, "api.test", "{\"ok\":true}");
	app_stage_start(stage);
	check(stage, root);
	finds(root, "token", "ok", "/slack/acme/install");
	beta = app_stage_adopt(stage, "T2", "{\"bot_user_id\":\"U2\"}", "{\"token\":\"xoxb-2-beta\"}");
	check(stage, beta);
	finds(beta, "token", "fault", "added again");
	assert_null(strstr(beta->findings, "\"clock\""));
	app_stage_close(stage);
}

static void destroyed_in_the_middle(void **state)
{
	struct app_stage *stage = app_stage_open(app_http);

	(void)state;
	app_says_status(stage, "auth.test", 0, NULL);
	slack_platform.check(app_root(stage), 77);
	slack_platform.check(app_root(stage), 77);
	app_run_called(stage, "auth.test", 2);
	app_stage_close(stage);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_is_well),		 cmocka_unit_test(each_missing_scope_is_named),
		cmocka_unit_test(a_refused_token),	 cmocka_unit_test(tokens_of_two_apps),
		cmocka_unit_test(a_refused_app_token),	 cmocka_unit_test(slack_is_not_there),
		cmocka_unit_test(a_workspace_of_others), cmocka_unit_test(destroyed_in_the_middle),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
