/* A token that was refused is looked at again: a wrong word of Slack's must not silence a workspace until somebody
 * restarts the daemon. Minutes pass at once here. */
#include "loop.h"
#include "stage_app.h"

#define KEPT_SETTINGS	"{\"team_id\":\"T2\",\"team\":\"Beta\",\"bot_user_id\":\"U2BOT\",\"bot_id\":\"B2\"}"
#define KEPT_SECRETS	"{\"token\":\"xoxb-2-beta\",\"expires_ms\":0}"
#define EXPIRED_SECRETS "{\"token\":\"xoxe.xoxb-1-a\",\"refresh_token\":\"xoxe-1-a\",\"expires_ms\":1}"
#define AUTH_T2		"{\"ok\":true,\"team\":\"Beta\",\"team_id\":\"T2\",\"user_id\":\"U2BOT\",\"bot_id\":\"B2\"}"
#define INVALID		"{\"ok\":false,\"error\":\"invalid_auth\"}"
#define EXPIRED		"{\"ok\":false,\"error\":\"token_expired\"}"
#define RENEWED                                                                                              \
	"{\"ok\":true,\"access_token\":\"xoxe.xoxb-1-b\",\"refresh_token\":\"xoxe-1-b\",\"expires_in\":"     \
	"43200}"

enum { MINUTE_MS = 60000, PAUSES_MAX = 16 };

static unsigned minutes[PAUSES_MAX], minute_count;
static bool waiting; /* minutes are as long as they are */

void __real_loop_timer_start(struct loop_timer *timer, uint64_t delay_ms, uint64_t repeat_ms);
void __wrap_loop_timer_start(struct loop_timer *timer, uint64_t delay_ms, uint64_t repeat_ms);

void __wrap_loop_timer_start(struct loop_timer *timer, uint64_t delay_ms, uint64_t repeat_ms)
{
	bool ours = repeat_ms == 0 && (delay_ms == MINUTE_MS || delay_ms == 10 * MINUTE_MS);

	if (ours && minute_count < PAUSES_MAX)
		minutes[minute_count++] = (unsigned)(delay_ms / MINUTE_MS);
	__real_loop_timer_start(timer, ours && !waiting ? 1 : delay_ms, repeat_ms);
}

static int clear(void **state)
{
	(void)state;
	minute_count = 0;
	waiting = false;
	return 0;
}

static void refused_wrongly_at_the_start(void **state)
{
	struct app_stage *stage = app_stage_open(app_http);
	struct app_door *root = &stage->doors[0];

	(void)state;
	app_says(stage, "auth.test", INVALID);
	app_says(stage, "auth.test", INVALID);
	app_says_status(stage, "auth.test", 503, "<html>");
	app_says(stage, "auth.test", STAGE_AUTH);
	app_says(stage, "bots.info", STAGE_BOTS_INFO);
	app_stage_start(stage);
	app_run_link(root, LINK_DOWN);
	assert_non_null(strstr(root->why, "tried again every 10 minutes"));
	app_run_link(root, LINK_UP);
	assert_false(app_root(stage)->dead);
	assert_non_null(app_root(stage)->app->receive);
	assert_int_equal(app_called(stage, "auth.test"), 4);
	assert_string_equal(app_last(stage, "auth.test")->authorization, "Bearer " STAGE_BOT_TOKEN);
	assert_int_equal(minutes[0], 1);
	assert_int_equal(minutes[1], 10);
	assert_int_equal(minutes[2], 10);
	app_stage_close(stage);
}

/* While others are served: what came meanwhile was not said to be received, and now it is again. */
static void refused_wrongly_in_the_middle(void **state)
{
	struct app_stage *stage = app_stage_open(app_shared);
	struct app_door *beta;

	(void)state;
	app_says(stage, "auth.test", AUTH_T2);
	app_stage_start(stage);
	beta = app_stage_adopt(stage, "T2", KEPT_SETTINGS, KEPT_SECRETS);
	app_run_link(beta, LINK_UP);
	slack_token_dead(beta->platform, "account_inactive");
	assert_int_equal(beta->link, LINK_DOWN);
	app_run_link(beta, LINK_UP);
	assert_false(beta->platform->dead);
	assert_int_equal(app_called(stage, "auth.test"), 2);
	slack_token_dead(beta->platform,
			 "account_inactive"); /* good for auth.test only: no hurry this time */
	assert_int_equal(minutes[minute_count - 1], 10);
	app_stage_close(stage);
}

/* Nobody is asked about one that was taken out, or is switched off. */
static void not_when_it_was_taken_out(void **state)
{
	struct app_stage *stage = app_stage_open(app_shared);
	struct app_door *beta, *gamma;

	(void)state;
	app_says(stage, "auth.test", AUTH_T2);
	app_stage_start(stage);
	beta = app_stage_adopt(stage, "T2", KEPT_SETTINGS, KEPT_SECRETS);
	app_run_link(beta, LINK_UP);
	slack_token_dead(beta->platform, "invalid_auth");
	slack_removed(beta->platform, NULL, "the app was uninstalled");
	app_forget_answers(stage);
	app_says(stage, "auth.test", INVALID);
	gamma = app_stage_adopt(stage, "T3", "{\"bot_user_id\":\"U3\"}", "{\"token\":\"xoxb-3-gamma\"}");
	app_run_called(stage, "auth.test", 5);
	assert_string_equal(app_last(stage, "auth.test")->authorization, "Bearer xoxb-3-gamma");
	assert_true(beta->platform->dead);
	assert_int_equal(beta->link, LINK_DOWN);
	waiting = true;
	slack_platform.enable(gamma->platform, false);
	slack_platform.enable(gamma->platform, true); /* the operator need not wait */
	app_run_called(stage, "auth.test", 6);
	app_stage_close(stage);
}

/* It went over while it counted as dead: it is renewed. */
static void renewed_after_all(void **state)
{
	struct app_stage *stage = app_stage_open(app_shared);
	struct app_door *beta;

	(void)state;
	app_says(stage, "auth.test", EXPIRED);
	app_says(stage, "auth.test", EXPIRED);
	app_says(stage, "auth.test", AUTH_T2);
	app_says(stage, "oauth.v2.access", RENEWED);
	app_stage_start(stage);
	waiting = true;
	beta = app_stage_adopt(stage, "T2", KEPT_SETTINGS, EXPIRED_SECRETS);
	slack_token_dead(beta->platform, "invalid_auth");
	waiting = false;
	slack_platform.enable(beta->platform, false);
	slack_platform.enable(beta->platform, true);
	app_run_link(beta, LINK_UP);
	assert_string_equal(beta->platform->token, "xoxe.xoxb-1-b");
	assert_false(beta->platform->dead);
	app_stage_close(stage);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(refused_wrongly_at_the_start, clear),
		cmocka_unit_test_setup(refused_wrongly_in_the_middle, clear),
		cmocka_unit_test_setup(not_when_it_was_taken_out, clear),
		cmocka_unit_test_setup(renewed_after_all, clear),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
