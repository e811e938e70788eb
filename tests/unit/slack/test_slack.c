/* An app and its workspaces from start to end: who hears what, when the link is up, what a dead token stops. */
#include "buf.h"
#include "metrics.h"
#include "stage_app.h"
#include <time.h>

#define KEPT_SETTINGS                                                                                        \
	"{\"team_id\":\"T2\",\"team\":\"Beta\",\"organisation\":false,\"bot_user_id\":\"U2BOT\","            \
	"\"bot_id\":\"B2\",\"scopes\":\"chat:write\"}"
#define KEPT_SECRETS "{\"token\":\"xoxb-2-beta\",\"expires_ms\":0}"
#define AUTH_T2                                                                                              \
	"{\"ok\":true,\"url\":\"https://beta.slack.com/\",\"team\":\"Beta\",\"team_id\":\"T2\","             \
	"\"user_id\":\"U2BOT\",\"bot_id\":\"B2\"}"

static void the_token_says_who_we_are(void **state)
{
	struct app_stage *stage = app_stage_open(app_http);
	struct platform *root = app_root(stage);

	(void)state;
	app_says(stage, "auth.test", STAGE_AUTH);
	app_says(stage, "bots.info", STAGE_BOTS_INFO);
	app_stage_start(stage);
	assert_int_equal(stage->doors[0].link, LINK_CONNECTING);
	app_run_link(&stage->doors[0], LINK_UP);
	app_run_count(stage, &stage->records, 1);
	assert_string_equal(app_last(stage, "auth.test")->authorization, "Bearer " STAGE_BOT_TOKEN);
	assert_string_equal(root->key, "T1");
	assert_string_equal(root->team_id, "T1");
	assert_string_equal(root->bot_user_id, "U0BOT");
	assert_string_equal(root->bot_id, "B1");
	assert_string_equal(root->scopes, STAGE_SCOPES);
	assert_string_equal(root->app->app_id, "A0001");
	assert_ptr_equal(slack_find(root->app, NULL, "T1", false), root);
	assert_non_null(strstr(stage->record, "\"team_id\":\"T1\""));
	assert_non_null(strstr(stage->record, "\"team\":\"Acme\""));
	assert_non_null(strstr(stage->record, "\"url\":\"https://acme.slack.com/\""));
	assert_non_null(strstr(stage->record, "\"bot_user_id\":\"U0BOT\""));
	assert_non_null(strstr(stage->record, "\"scopes\":\"app_mentions:read,"));
	assert_null(strstr(stage->record, "xoxb"));
	app_stage_close(stage);
}

/* Slack being down when usher starts must not leave it deaf for ever. */
static void an_outage_at_the_start_passes(void **state)
{
	struct app_stage *stage = app_stage_open(app_http);

	(void)state;
	app_says_status(stage, "auth.test", 503, "<html>");
	app_says(stage, "auth.test", STAGE_AUTH);
	app_says(stage, "bots.info", STAGE_BOTS_INFO);
	app_stage_start(stage);
	app_run_called(stage, "auth.test", 1);
	assert_int_equal(stage->doors[0].link, LINK_CONNECTING);
	app_run_link(&stage->doors[0], LINK_UP);
	app_stage_close(stage);
}

static void a_dead_token_names_its_cure(void **state)
{
	static const char *const errors[] = { "invalid_auth", "account_inactive", "token_revoked" };

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct app_stage *stage = app_stage_open(app_http);
		char json[100];

		snprintf(json, sizeof(json), "{\"ok\":false,\"error\":\"%s\"}", errors[i]);
		app_says(stage, "auth.test", json);
		app_stage_start(stage);
		app_run_link(&stage->doors[0], LINK_DOWN);
		assert_true(app_root(stage)->dead);
		assert_non_null(strstr(stage->doors[0].why, errors[i]));
		assert_non_null(strstr(stage->doors[0].why, "bot_token"));
		assert_non_null(strstr(stage->doors[0].why, "https://api.slack.com/apps/"));
		assert_null(app_root(stage)->app->receive); /* nobody is told "received" */
		assert_int_equal(app_called(stage, "auth.test"), 1);
		app_stage_close(stage);
	}
}

static void only_others_use_it(void **state)
{
	struct app_stage *stage = app_stage_open(app_shared);

	(void)state;
	app_stage_start(stage);
	assert_int_equal(stage->doors[0].link, LINK_UP);
	assert_non_null(app_root(stage)->app->receive);
	assert_int_equal(stage->call_count, 0);
	app_stage_close(stage);
}

static void workspaces_are_told_apart(void **state)
{
	struct app_stage *stage = app_stage_open(app_http);
	struct app_door *beta;
	struct slack *app = app_root(stage)->app;

	(void)state;
	app_says(stage, "auth.test", AUTH_T2);
	beta = app_stage_adopt(stage, "T2", KEPT_SETTINGS, KEPT_SECRETS);
	assert_ptr_equal(slack_find(app, NULL, "T2", false), beta->platform);
	assert_null(slack_find(app, NULL, "T1", false));
	assert_null(slack_find(app, NULL, NULL, false));
	app_run_called(stage, "auth.test", 1);
	assert_string_equal(app_last(stage, "auth.test")->authorization, "Bearer xoxb-2-beta");
	app_says(stage, "auth.test", STAGE_AUTH);
	app_says(stage, "bots.info", STAGE_BOTS_INFO);
	app_stage_start(stage);
	app_run_link(&stage->doors[0], LINK_UP);
	app_run_link(beta, LINK_UP);
	assert_ptr_equal(slack_find(app, NULL, "T1", false), app_root(stage));
	assert_ptr_equal(slack_find(app, NULL, "T2", false), beta->platform);
	app_stage_close(stage);
}

/* Sheet 3.3: an organisation's installation first if it says so, else the workspace's, else the organisation that the
 * workspace was moved into. */
static void an_organisation_is_found(void **state)
{
	struct app_stage *stage = app_stage_open(app_shared);
	struct slack *app = app_root(stage)->app;
	struct app_door *org, *team;

	(void)state;
	app_says_status(stage, "auth.test", 0, NULL);
	org = app_stage_adopt(stage, "E1", "{\"organisation\":true,\"bot_user_id\":\"U9\"}", KEPT_SECRETS);
	team = app_stage_adopt(stage, "T2", KEPT_SETTINGS, KEPT_SECRETS);
	assert_true(org->platform->org);
	assert_null(org->platform->team_id);
	assert_ptr_equal(slack_find(app, "E1", NULL, true), org->platform);
	assert_ptr_equal(slack_find(app, "E1", "T2", true), org->platform);
	assert_ptr_equal(slack_find(app, "E1", "T2", false), team->platform);
	assert_ptr_equal(slack_find(app, "E1", "T3", false), org->platform);
	assert_null(slack_find(app, "E2", "T3", false));
	app_stage_close(stage);
}

static void what_is_kept_must_be_ours(void **state)
{
	static const struct {
		const char *key, *settings, *secrets;
	} rows[] = {
		{ "T2", KEPT_SETTINGS, NULL },
		{ "T2", KEPT_SETTINGS, "{}" },
		{ "T2", KEPT_SETTINGS, "{\"token\":\"\"}" },
		{ "T2", "{}", KEPT_SECRETS },
		{ "T2", NULL, KEPT_SECRETS },
		{ "T2", "nonsense", KEPT_SECRETS },
		{ "../x", KEPT_SETTINGS, KEPT_SECRETS },
		{ "U2", KEPT_SETTINGS, KEPT_SECRETS },
	};
	struct app_stage *stage = app_stage_open(app_shared);

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct install install = { .key = rows[i].key,
					   .settings = rows[i].settings,
					   .secrets = rows[i].secrets,
					   .enabled = true };
		struct err err = { 0 };

		assert_null(slack_platform.adopt(app_root(stage), &stage->doors[0].host, &install, &err));
		assert_non_null(strstr(err.text, "added again"));
	}
	assert_null(app_root(stage)->app->workspaces);
	app_stage_close(stage);
}

/* Two installations of one workspace would answer everything twice. */
static void one_workspace_has_one_installation(void **state)
{
	struct app_stage *stage = app_stage_open(app_http);
	struct install install = {
		.key = "T2", .settings = KEPT_SETTINGS, .secrets = KEPT_SECRETS, .enabled = true
	};
	struct err err = { 0 };

	(void)state;
	app_says(stage, "auth.test", AUTH_T2);
	app_stage_adopt(stage, "T2", KEPT_SETTINGS, KEPT_SECRETS);
	assert_null(slack_platform.adopt(app_root(stage), &stage->doors[0].host, &install, &err));
	assert_non_null(strstr(err.text, "acme/T2"));
	app_stage_start(stage); /* its own token is of T2 as well */
	app_run_link(&stage->doors[0], LINK_DOWN);
	assert_non_null(strstr(stage->doors[0].why, "acme/T2"));
	app_stage_close(stage);
}

static void a_token_of_another_workspace_is_not_used(void **state)
{
	struct app_stage *stage = app_stage_open(app_shared);
	struct app_door *beta;

	(void)state;
	app_says(stage, "auth.test", STAGE_AUTH);
	app_stage_start(stage);
	beta = app_stage_adopt(stage, "T2", KEPT_SETTINGS, KEPT_SECRETS);
	app_run_link(beta, LINK_DOWN);
	assert_true(beta->platform->dead);
	assert_non_null(strstr(beta->why, "T1 instead of T2"));
	assert_non_null(strstr(beta->why, "/slack/acme/install"));
	assert_int_equal(stage->doors[0].link, LINK_UP);
	app_stage_close(stage);
}

/* One workspace's dead token is its own misfortune. */
static void a_dead_workspace_leaves_the_others_alone(void **state)
{
	struct app_stage *stage = app_stage_open(app_shared);
	struct app_door *beta, *gamma;

	(void)state;
	app_says(stage, "auth.test", AUTH_T2);
	app_stage_start(stage);
	beta = app_stage_adopt(stage, "T2", KEPT_SETTINGS, KEPT_SECRETS);
	app_run_link(beta, LINK_UP);
	app_says(stage, "auth.test", "{\"ok\":false,\"error\":\"token_revoked\"}");
	gamma = app_stage_adopt(stage, "T3", "{\"bot_user_id\":\"U3\"}", "{\"token\":\"xoxb-3-gamma\"}");
	app_run_link(gamma, LINK_DOWN);
	assert_int_equal(beta->link, LINK_UP);
	assert_false(beta->platform->dead);
	assert_int_equal(stage->doors[0].link, LINK_UP);
	app_stage_close(stage);
}

static void links_follow_the_transport(void **state)
{
	struct app_stage *stage = app_stage_open(app_shared);
	struct slack *app = app_root(stage)->app;
	struct app_door *beta;

	(void)state;
	app_says(stage, "auth.test", AUTH_T2);
	app_stage_start(stage);
	beta = app_stage_adopt(stage, "T2", KEPT_SETTINGS, KEPT_SECRETS);
	app_run_link(beta, LINK_UP);
	slack_link(app, LINK_CONNECTING, "refused");
	assert_int_equal(beta->link, LINK_CONNECTING);
	assert_string_equal(beta->why, "refused");
	assert_int_equal(stage->doors[0].link, LINK_CONNECTING);
	slack_link(app, LINK_UP, NULL);
	assert_int_equal(beta->link, LINK_UP);
	app_stage_close(stage);
}

static void switched_off_and_on_again(void **state)
{
	struct app_stage *stage = app_stage_open(app_shared);
	struct app_door *beta;

	(void)state;
	app_says(stage, "auth.test", AUTH_T2);
	app_stage_start(stage);
	beta = app_stage_adopt(stage, "T2", KEPT_SETTINGS, KEPT_SECRETS);
	app_run_link(beta, LINK_UP);
	slack_platform.enable(beta->platform, false);
	assert_true(beta->platform->disabled);
	assert_int_equal(beta->link, LINK_DOWN);
	assert_int_equal(stage->doors[0].link, LINK_UP);
	slack_platform.enable(beta->platform, true);
	assert_int_equal(beta->link, LINK_UP);
	slack_platform.enable(app_root(stage), false); /* the connection is the root's */
	assert_int_equal(stage->doors[0].link, LINK_DOWN);
	slack_platform.enable(app_root(stage), true);
	assert_int_equal(stage->doors[0].link, LINK_UP);
	app_stage_close(stage);
}

/* Switched off in an earlier life: nothing is asked until it is switched on. What comes is taken all the same. */
static void off_from_the_start(void **state)
{
	struct app_stage *stage = app_stage_open(app_http);

	(void)state;
	app_says(stage, "auth.test", STAGE_AUTH);
	app_says(stage, "bots.info", STAGE_BOTS_INFO);
	slack_platform.enable(app_root(stage), false);
	app_stage_start(stage);
	assert_int_equal(stage->doors[0].link, LINK_DOWN);
	assert_non_null(app_root(stage)->app->receive);
	assert_int_equal(app_called(stage, "auth.test"), 0);
	slack_platform.enable(app_root(stage), true);
	app_run_link(&stage->doors[0], LINK_UP);
	assert_int_equal(app_called(stage, "auth.test"), 1);
	app_stage_close(stage);
}

/* The workspace the app was set up in takes it out: the core switches the configured installation off, and the others
 * still hear. */
static void taken_out_at_home_only(void **state)
{
	static const struct app_put both[] = {
		{ "name", "acme" },
		{ "transport", "http" },
		{ "bot_token", STAGE_BOT_TOKEN },
		{ "signing_secret", "8f742231b10e8888abcd99yyyzzz85a5" },
		{ "client_id", "11.22" },
		{ "client_secret", "client-secret" },
		{ "api_base", "http://127.0.0.1:PORT/api" },
		{ NULL, NULL },
	};
	struct app_stage *stage = app_stage_open(both);
	struct app_door *beta;

	(void)state;
	app_says(stage, "auth.test", STAGE_AUTH);
	app_says(stage, "bots.info", STAGE_BOTS_INFO);
	app_stage_start(stage);
	app_run_link(&stage->doors[0], LINK_UP);
	app_says(stage, "auth.test", AUTH_T2);
	beta = app_stage_adopt(stage, "T2", KEPT_SETTINGS, KEPT_SECRETS);
	app_run_link(beta, LINK_UP);
	slack_removed(app_root(stage), NULL, "the app was uninstalled");
	slack_platform.enable(app_root(stage), false);
	assert_int_equal(stage->doors[0].removals, 1);
	assert_int_equal(stage->doors[0].link, LINK_DOWN);
	assert_int_equal(beta->link, LINK_UP);
	assert_int_equal(app_root(stage)->app->link, LINK_UP);
	app_stage_close(stage);
}

static int acknowledged(void)
{
	struct buf text = { 0 };
	const char *at;
	int count;

	metrics_print(&text);
	at = strstr(buf_str(&text), "usher_slack_acks_total{app=\"acme\",transport=\"http\",how=\"ok\"} ");
	count = at ? (int)strtol(strchr(at, '}') + 1, NULL, 10) : 0;
	buf_free(&text);
	return count;
}

static bool has_acks(struct app_stage *stage, const void *what)
{
	(void)stage;
	return acknowledged() >= *(const int *)what;
}

static void app_run_acks(struct app_stage *stage, int more)
{
	static int wanted;

	wanted += more;
	app_run(stage, has_acks, &wanted);
}

/* Events come again after minutes, and by then it may have been added again: the token tells. */
static void taken_out_before_it_was_added_again(void **state)
{
	const struct slack_from from = { .way = SLACK_FROM_HTTP, .id = 12345 };
	struct app_stage *stage = app_stage_open(app_shared);
	struct app_door *beta;
	int64_t now = time(NULL);
	unsigned calls;

	(void)state;
	app_says(stage, "auth.test", AUTH_T2);
	app_stage_start(stage);
	beta = app_stage_adopt(stage, "T2", KEPT_SETTINGS, KEPT_SECRETS);
	assert_false(slack_life_later_than(beta->platform, now - 60)); /* not looked at yet */
	app_run_link(beta, LINK_UP);
	assert_false(slack_life_later_than(beta->platform, now + 60));
	assert_false(slack_life_later_than(beta->platform, 0));
	assert_true(slack_life_later_than(beta->platform, now - 60));
	calls = app_called(stage, "auth.test");
	slack_doubt(beta->platform, &from, "the app was uninstalled");
	slack_doubt(beta->platform, &from, "the token was revoked");
	app_run_called(stage, "auth.test", calls + 1);
	app_run_acks(stage, 2);
	assert_int_equal(beta->removals, 0);
	assert_int_equal(beta->link, LINK_UP);
	app_forget_answers(stage);
	app_says(stage, "auth.test", "{\"ok\":false,\"error\":\"account_inactive\"}");
	slack_doubt(beta->platform, &from, "the app was uninstalled");
	app_run_count(stage, &beta->removals, 1);
	assert_true(beta->platform->dead);
	app_stage_close(stage);
}

/* Sheet 3.5: said in two ways, in either order; the token is not called again. */
static void taken_out_once(void **state)
{
	struct app_stage *stage = app_stage_open(app_shared);
	struct app_door *beta;
	unsigned calls;

	(void)state;
	app_says(stage, "auth.test", AUTH_T2);
	app_stage_start(stage);
	beta = app_stage_adopt(stage, "T2", KEPT_SETTINGS, KEPT_SECRETS);
	app_run_link(beta, LINK_UP);
	calls = stage->call_count;
	slack_removed(beta->platform, NULL, "the app was uninstalled");
	slack_removed(beta->platform, NULL, "the token was revoked");
	assert_int_equal(beta->removals, 1);
	assert_string_equal(beta->removed_why, "the app was uninstalled");
	assert_true(beta->platform->dead);
	assert_int_equal(beta->link, LINK_DOWN);
	slack_platform.stop(beta->platform);
	app_run_count(stage, &beta->stops, 1);
	assert_int_equal(stage->call_count, calls);
	app_stage_close(stage);
}

/* Nobody says it again: a crash before the row says so must not leave its secrets behind. */
static void taken_out_is_acknowledged_when_it_is_durable(void **state)
{
	const struct slack_from from = { .way = SLACK_FROM_HTTP, .id = 12345 };
	struct app_stage *stage = app_stage_open(app_shared);
	int before = acknowledged();
	struct app_door *beta;

	(void)state;
	app_says(stage, "auth.test", AUTH_T2);
	app_stage_start(stage);
	beta = app_stage_adopt(stage, "T2", KEPT_SETTINGS, KEPT_SECRETS);
	app_run_link(beta, LINK_UP);
	slack_removed(beta->platform, &from, "the app was uninstalled");
	slack_removed(beta->platform, &from, "the token was revoked");
	assert_int_equal(acknowledged(), before);
	slack_platform.stop(beta->platform); /* as the core does when it is on record */
	assert_int_equal(acknowledged(), before + 2);
	slack_removed(app_root(stage), &from, "the app was uninstalled");
	assert_int_equal(acknowledged(), before + 2);
	slack_platform.enable(app_root(stage), false);
	slack_removed(app_root(stage), &from, "the token was revoked");
	assert_int_equal(acknowledged(), before + 4);
	app_stage_close(stage);
}

static void stopping_ends_at_once_when_nothing_is_owed(void **state)
{
	struct app_stage *stage = app_stage_open(app_http);

	(void)state;
	app_says_status(stage, "auth.test", 0, NULL); /* never answered: stopping does not wait for it */
	app_stage_start(stage);
	app_run_called(stage, "auth.test", 1);
	slack_platform.stop(app_root(stage));
	slack_platform.stop(app_root(stage));
	assert_int_equal(stage->doors[0].stops, 0); /* not inside the call */
	app_run_count(stage, &stage->doors[0].stops, 1);
	app_stage_close(stage);
}

/* Socket Mode begins when it is known who we are, with the app's token; a connection refused is tried again. */
static void socket_mode_begins(void **state)
{
	struct app_stage *stage =
		app_stage_open((struct app_put[]){ { "name", "acme" },
						   { "bot_token", STAGE_BOT_TOKEN },
						   { "app_token", STAGE_APP_TOKEN },
						   { "api_base", "http://127.0.0.1:PORT/api" },
						   { NULL, NULL } });

	(void)state;
	app_says(stage, "auth.test", STAGE_AUTH);
	app_says(stage, "bots.info", STAGE_BOTS_INFO);
	app_says(stage, "apps.connections.open", "{\"ok\":false,\"error\":\"internal_error\"}");
	app_stage_start(stage);
	app_run_called(stage, "apps.connections.open", 2);
	assert_string_equal(app_last(stage, "apps.connections.open")->authorization,
			    "Bearer " STAGE_APP_TOKEN);
	assert_string_equal(app_root(stage)->key, "T1");
	assert_int_not_equal(stage->doors[0].link, LINK_UP);
	assert_false(app_root(stage)->dead);
	slack_platform.stop(app_root(stage));
	app_run_count(stage, &stage->doors[0].stops, 1);
	app_stage_close(stage);
}

/* `usher settings check` and a reload make and throw away everything. */
static void made_and_thrown_away(void **state)
{
	(void)state;
	app_stage_close(app_stage_open(app_http));
	app_stage_close(app_stage_open(app_shared));
	app_stage_close(app_stage_open((struct app_put[]){ { "name", "acme" },
							   { "bot_token", STAGE_BOT_TOKEN },
							   { "app_token", STAGE_APP_TOKEN },
							   { NULL, NULL } }));
	slack_platform.destroy(NULL);
}

static void two_apps_of_one_name(void **state)
{
	struct app_stage *stage = app_stage_open(app_shared);
	struct app_door other = stage->doors[0];
	struct err err = { 0 };
	struct platform *second;

	(void)state;
	app_stage_start(stage);
	second = slack_platform.create(&other.host, stage->settings, &err);
	assert_non_null(second);
	assert_false(slack_platform.start(second, &err));
	assert_non_null(strstr(err.text, "/slack/acme/"));
	slack_platform.destroy(second);
	app_stage_close(stage);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_token_says_who_we_are),
		cmocka_unit_test(an_outage_at_the_start_passes),
		cmocka_unit_test(a_dead_token_names_its_cure),
		cmocka_unit_test(only_others_use_it),
		cmocka_unit_test(workspaces_are_told_apart),
		cmocka_unit_test(an_organisation_is_found),
		cmocka_unit_test(what_is_kept_must_be_ours),
		cmocka_unit_test(one_workspace_has_one_installation),
		cmocka_unit_test(a_token_of_another_workspace_is_not_used),
		cmocka_unit_test(a_dead_workspace_leaves_the_others_alone),
		cmocka_unit_test(links_follow_the_transport),
		cmocka_unit_test(switched_off_and_on_again),
		cmocka_unit_test(off_from_the_start),
		cmocka_unit_test(taken_out_at_home_only),
		cmocka_unit_test(taken_out_before_it_was_added_again),
		cmocka_unit_test(taken_out_once),
		cmocka_unit_test(taken_out_is_acknowledged_when_it_is_durable),
		cmocka_unit_test(stopping_ends_at_once_when_nothing_is_owed),
		cmocka_unit_test(socket_mode_begins),
		cmocka_unit_test(made_and_thrown_away),
		cmocka_unit_test(two_apps_of_one_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
