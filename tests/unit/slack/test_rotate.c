/* Tokens that expire: lost in renewal is lost for good, so the new pair is kept before it is used. */
#include "clock.h"
#include "mem.h"
#include "stage_app.h"

#define SETTINGS "{\"bot_user_id\":\"U2BOT\",\"bot_id\":\"B2\"}"
#define AUTH_T2	 "{\"ok\":true,\"team\":\"Beta\",\"team_id\":\"T2\",\"user_id\":\"U2BOT\",\"bot_id\":\"B2\"}"
#define RENEWED                                                                                              \
	"{\"ok\":true,\"access_token\":\"xoxe.xoxb-1-second\",\"refresh_token\":\"xoxe-1-second\","          \
	"\"expires_in\":43200,\"token_type\":\"bot\"}"

enum { HOUR_MS = 3600 * 1000 };

static struct app_door *adopted(struct app_stage *stage, int64_t left_ms)
{
	char *secrets = slack_secrets_write("xoxe.xoxb-1-first", "xoxe-1-first", clock_wall_ms() + left_ms);
	struct app_door *door = app_stage_adopt(stage, "T2", SETTINGS, secrets);

	free(secrets);
	return door;
}

static bool token_is(struct app_stage *stage, const void *what)
{
	const struct platform *workspace = stage->doors[1].platform;

	return workspace->token && strcmp(workspace->token, what) == 0;
}

struct asker {
	unsigned answers, fresh;
};

static void on_fresh(struct platform *workspace, void *owner, bool fresh)
{
	struct asker *asker = owner;

	(void)workspace;
	asker->answers++;
	asker->fresh += fresh;
}

static bool refused_once(struct app_stage *stage, const void *what)
{
	(void)what;
	return app_called(stage, "oauth.v2.access") == 1 && !slack_rotation_busy(stage->doors[1].platform);
}

static void renewed_two_hours_before(void **state)
{
	struct app_stage *stage = app_stage_open(app_shared);
	struct app_door *door;
	const struct app_call *call;

	(void)state;
	app_says(stage, "auth.test", AUTH_T2);
	app_says(stage, "oauth.v2.access", RENEWED);
	door = adopted(stage, HOUR_MS);
	app_run(stage, token_is, "xoxe.xoxb-1-second");
	call = app_last(stage, "oauth.v2.access");
	assert_non_null(strstr(call->body, "grant_type=refresh_token"));
	assert_non_null(strstr(call->body, "refresh_token=xoxe-1-first"));
	assert_string_equal(call->authorization, "Basic MTEuMjI6Y2xpZW50LXNlY3JldA==");
	assert_int_equal(door->keeps, 1);
	assert_non_null(strstr(door->kept, "\"token\":\"xoxe.xoxb-1-second\""));
	assert_non_null(strstr(door->kept, "\"refresh_token\":\"xoxe-1-second\""));
	assert_string_equal(door->platform->refresh_token, "xoxe-1-second");
	assert_true(door->platform->expires_ms > clock_wall_ms() + 11 * (int64_t)HOUR_MS);
	assert_int_equal(app_called(stage, "oauth.v2.access"), 1);
	app_stage_close(stage);
}

static void a_young_token_is_left_alone(void **state)
{
	struct app_stage *stage = app_stage_open(app_shared);
	struct app_door *door;

	(void)state;
	app_says(stage, "auth.test", AUTH_T2);
	app_stage_start(stage);
	door = adopted(stage, 12 * HOUR_MS);
	app_run_link(door, LINK_UP);
	assert_int_equal(app_called(stage, "oauth.v2.access"), 0);
	app_stage_close(stage);
}

/* Killed in between, the old pair is all there is: it must still be the one in use. */
static void not_used_before_it_is_kept(void **state)
{
	struct app_stage *stage = app_stage_open(app_shared);
	struct asker asker = { 0 };
	struct app_door *door;

	(void)state;
	app_says(stage, "auth.test", AUTH_T2);
	app_says(stage, "oauth.v2.access", RENEWED);
	stage->silent = true;
	door = adopted(stage, HOUR_MS);
	slack_fresh(door->platform, on_fresh, &asker);
	app_run_count(stage, &door->keeps, 1);
	assert_string_equal(door->platform->token, "xoxe.xoxb-1-first");
	assert_string_equal(door->platform->refresh_token, "xoxe-1-first");
	assert_int_equal(asker.answers, 0);
	assert_true(slack_rotation_busy(door->platform));
	slack_platform.kept(door->platform, door->kept_ticket + 1000, NULL); /* another's */
	assert_string_equal(door->platform->token, "xoxe.xoxb-1-first");
	slack_platform.kept(door->platform, door->kept_ticket, NULL);
	assert_string_equal(door->platform->token, "xoxe.xoxb-1-second");
	assert_int_equal(asker.fresh, 1);
	assert_false(slack_rotation_busy(door->platform));
	app_stage_close(stage);
}

/* Two renewals at once would break the chain (sheet 3.4). */
static void many_ask_once_is_renewed(void **state)
{
	struct app_stage *stage = app_stage_open(app_shared);
	struct asker asker = { 0 };
	struct app_door *door;

	(void)state;
	app_says(stage, "auth.test", AUTH_T2);
	app_says(stage, "oauth.v2.access", RENEWED);
	door = adopted(stage, 12 * HOUR_MS);
	for (unsigned i = 0; i < 5; i++)
		slack_fresh(door->platform, on_fresh, &asker);
	assert_int_equal(asker.answers, 0); /* in a later round */
	app_run_count(stage, &asker.answers, 5);
	assert_int_equal(asker.fresh, 5);
	slack_fresh(door->platform, on_fresh, &asker); /* learnt of the old one's end a little later */
	app_run_count(stage, &asker.answers, 6);
	assert_int_equal(asker.fresh, 6);
	assert_int_equal(app_called(stage, "oauth.v2.access"), 1);
	app_stage_close(stage);
}

/* A call with an expired token is repeated by itself with the new one. */
static void an_expired_token_is_noticed_by_a_call(void **state)
{
	struct app_stage *stage = app_stage_open(app_shared);
	struct app_door *door;

	(void)state;
	app_says(stage, "auth.test", "{\"ok\":false,\"error\":\"token_expired\"}");
	app_says(stage, "auth.test", AUTH_T2);
	app_says(stage, "oauth.v2.access", RENEWED);
	app_stage_start(stage);
	door = adopted(stage, 12 * HOUR_MS);
	app_run_link(door, LINK_UP);
	assert_string_equal(app_last(stage, "auth.test")->authorization, "Bearer xoxe.xoxb-1-second");
	app_stage_close(stage);
}

/* Slack has given out a new pair, but its answer was lost: the old refresh token works for a while. */
static void a_lost_answer_is_asked_again_with_the_same(void **state)
{
	struct app_stage *stage = app_stage_open(app_shared);
	struct asker asker = { 0 };
	struct app_door *door;

	(void)state;
	app_says(stage, "auth.test", AUTH_T2);
	app_says_status(stage, "oauth.v2.access", 502, "bad gateway");
	app_says(stage, "oauth.v2.access", RENEWED);
	door = adopted(stage, HOUR_MS);
	slack_fresh(door->platform, on_fresh, &asker);
	app_run_count(stage, &asker.answers, 1);
	assert_int_equal(asker.fresh, 0); /* whoever waits is not kept waiting for long */
	assert_false(door->platform->dead);
	app_run(stage, token_is, "xoxe.xoxb-1-second");
	assert_non_null(strstr(app_last(stage, "oauth.v2.access")->body, "refresh_token=xoxe-1-first"));
	assert_int_equal(app_called(stage, "oauth.v2.access"), 2);
	app_stage_close(stage);
}

static void what_was_not_kept_is_kept_later(void **state)
{
	struct app_stage *stage = app_stage_open(app_shared);
	struct app_door *door;

	(void)state;
	app_says(stage, "auth.test", AUTH_T2);
	app_says(stage, "oauth.v2.access", RENEWED);
	stage->keep_fails = true;
	door = adopted(stage, HOUR_MS);
	app_run_count(stage, &door->keeps, 1);
	assert_string_equal(door->platform->token, "xoxe.xoxb-1-first");
	stage->keep_fails = false;
	app_run(stage, token_is, "xoxe.xoxb-1-second");
	assert_int_equal(app_called(stage, "oauth.v2.access"), 1); /* the same pair */
	app_stage_close(stage);
}

static void removed_meanwhile(void **state)
{
	struct app_stage *stage = app_stage_open(app_shared);
	struct app_door *door;

	(void)state;
	app_says(stage, "auth.test", AUTH_T2);
	app_says(stage, "oauth.v2.access", RENEWED);
	stage->keep_fails = stage->keep_gone = true;
	door = adopted(stage, HOUR_MS);
	app_run_link(door, LINK_DOWN);
	assert_true(door->platform->dead);
	assert_string_equal(door->platform->token, "xoxe.xoxb-1-first");
	app_stage_close(stage);
}

static void a_broken_chain_must_be_added_again(void **state)
{
	struct app_stage *stage = app_stage_open(app_shared);
	struct asker asker = { 0 };
	struct app_door *door;

	(void)state;
	app_says(stage, "auth.test", AUTH_T2);
	app_says(stage, "oauth.v2.access", "{\"ok\":false,\"error\":\"invalid_refresh_token\"}");
	door = adopted(stage, HOUR_MS);
	slack_fresh(door->platform, on_fresh, &asker);
	app_run_count(stage, &asker.answers, 1);
	assert_int_equal(asker.fresh, 0);
	assert_true(door->platform->dead);
	assert_int_equal(door->link, LINK_DOWN);
	assert_non_null(strstr(door->why, "invalid_refresh_token"));
	assert_non_null(strstr(door->why, "/slack/acme/install"));
	slack_fresh(door->platform, on_fresh, &asker);
	app_run_count(stage, &asker.answers, 2);
	assert_int_equal(app_called(stage, "oauth.v2.access"), 1);
	app_stage_close(stage);
}

/* A crash lost the new pair after Slack had given it: the place does not fall silent before its token ends. */
static void a_token_that_still_works_is_used_up(void **state)
{
	struct app_stage *stage = app_stage_open(app_shared);
	struct asker asker = { 0 };
	struct app_door *door;

	(void)state;
	app_says(stage, "auth.test", AUTH_T2);
	app_says(stage, "oauth.v2.access", "{\"ok\":false,\"error\":\"invalid_refresh_token\"}");
	app_stage_start(stage);
	door = adopted(stage, HOUR_MS);
	app_run_link(door, LINK_UP);
	app_run(stage, refused_once, NULL);
	assert_false(door->platform->dead);
	assert_int_equal(door->link, LINK_UP);
	slack_fresh(door->platform, on_fresh, &asker); /* Slack says it has expired */
	app_run_count(stage, &asker.answers, 1);
	assert_int_equal(asker.fresh, 0);
	assert_true(door->platform->dead);
	app_stage_close(stage);
}

/* The operator's mistake in client_secret is not the workspace's end. */
static void our_own_mistake_is_not_its_end(void **state)
{
	struct app_stage *stage = app_stage_open(app_shared);
	struct app_door *door;

	(void)state;
	app_says(stage, "auth.test", AUTH_T2);
	app_says(stage, "oauth.v2.access", "{\"ok\":false,\"error\":\"bad_client_secret\"}");
	app_says(stage, "oauth.v2.access", "{\"ok\":true,\"access_token\":\"xoxe.xoxb-1-second\"}");
	app_says(stage, "oauth.v2.access", RENEWED);
	door = adopted(stage, HOUR_MS);
	app_run(stage, token_is, "xoxe.xoxb-1-second");
	assert_false(door->platform->dead);
	assert_string_equal(door->platform->refresh_token, "xoxe-1-second"); /* never without one */
	app_stage_close(stage);
}

/* bot_token of the settings has nothing to be renewed with. */
static void nothing_to_renew_it_with(void **state)
{
	struct app_stage *stage = app_stage_open(app_http);

	(void)state;
	app_says(stage, "auth.test", "{\"ok\":false,\"error\":\"token_expired\"}");
	app_stage_start(stage);
	app_run_link(&stage->doors[0], LINK_DOWN);
	assert_true(app_root(stage)->dead);
	assert_non_null(strstr(stage->doors[0].why, "token_expired"));
	assert_int_equal(app_called(stage, "oauth.v2.access"), 0);
	app_stage_close(stage);
}

static void stopping_waits_until_the_new_pair_is_kept(void **state)
{
	struct app_stage *stage = app_stage_open(app_shared);
	struct app_door *door;

	(void)state;
	app_says(stage, "auth.test", AUTH_T2);
	app_says(stage, "oauth.v2.access", RENEWED);
	stage->silent = true;
	door = adopted(stage, HOUR_MS);
	app_run_count(stage, &door->keeps, 1);
	slack_platform.stop(door->platform);
	slack_platform.stop(app_root(stage)); /* waits for nothing */
	app_run_count(stage, &stage->doors[0].stops, 1);
	assert_int_equal(door->stops, 0);
	slack_platform.kept(door->platform, door->kept_ticket, NULL);
	app_run_count(stage, &door->stops, 1);
	app_stage_close(stage);
}

static void destroyed_in_the_middle(void **state)
{
	struct app_stage *stage = app_stage_open(app_shared);
	struct asker asker = { 0 };
	struct app_door *door;

	(void)state;
	app_says(stage, "auth.test", AUTH_T2);
	app_says_status(stage, "oauth.v2.access", 0, NULL);
	door = adopted(stage, HOUR_MS);
	slack_fresh(door->platform, on_fresh, &asker);
	app_run_called(stage, "oauth.v2.access", 1);
	app_stage_close(stage);
	assert_int_equal(asker.answers, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(renewed_two_hours_before),
		cmocka_unit_test(a_young_token_is_left_alone),
		cmocka_unit_test(not_used_before_it_is_kept),
		cmocka_unit_test(many_ask_once_is_renewed),
		cmocka_unit_test(an_expired_token_is_noticed_by_a_call),
		cmocka_unit_test(a_lost_answer_is_asked_again_with_the_same),
		cmocka_unit_test(what_was_not_kept_is_kept_later),
		cmocka_unit_test(removed_meanwhile),
		cmocka_unit_test(a_broken_chain_must_be_added_again),
		cmocka_unit_test(a_token_that_still_works_is_used_up),
		cmocka_unit_test(our_own_mistake_is_not_its_end),
		cmocka_unit_test(nothing_to_renew_it_with),
		cmocka_unit_test(stopping_waits_until_the_new_pair_is_kept),
		cmocka_unit_test(destroyed_in_the_middle),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
