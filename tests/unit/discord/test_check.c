/* `usher doctor` and `usher init`: every mistake that keeps a bot silent is named, with its cure. */
#include "stage_life.h"

#define LIMITS(left)                                                                                         \
	"{\"url\":\"wss://gateway.discord.gg\",\"shards\":1,\"session_start_limit\":{\"total\":1000,"        \
	"\"remaining\":" #left ",\"reset_after\":5400000,\"max_concurrency\":1}}"
#define GUILD(name, permissions) "{\"id\":\"7\",\"name\":\"" name "\",\"permissions\":\"" permissions "\"}"
#define ALL_RIGHTS		 "309237763136"

static void check(struct life_stage *stage)
{
	stage->checks = 0;
	discord_check(&stage->bot, 77);
	assert_int_equal(stage->checks, 0); /* not inside the call */
}

static void ends(struct life_stage *stage)
{
	json_t *findings;
	struct err err = { 0 };

	life_time(stage, 0);
	assert_int_equal(stage->checks, 1);
	findings = json_read(stage->findings, strlen(stage->findings), &err);
	assert_true(json_array_size(findings) > 2);
	for (size_t i = 0; i < json_array_size(findings); i++) {
		const json_t *one = json_array_get(findings, i);
		const char *result = json_text(one, "result");

		assert_non_null(json_text(one, "check"));
		assert_non_null(json_text(one, "message"));
		assert_true(strcmp(result, "ok") == 0 || strcmp(result, "warning") == 0 ||
			    strcmp(result, "fault") == 0);
	}
	json_decref(findings);
	assert_null(strstr(stage->findings, "life-stage-token"));
}

static bool says(const struct life_stage *stage, const char *what, const char *result, const char *part)
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

static void finds(const struct life_stage *stage, const char *what, const char *result, const char *part)
{
	if (!says(stage, what, result, part))
		fail_msg("no %s of \"%s\" says \"%s\" in %s", result, what, part, stage->findings);
}

static void run(struct life_stage *stage, const char *application, const char *limits, const char *guilds)
{
	check(stage);
	life_says(stage, "/applications/@me", application);
	life_says(stage, "/gateway/bot", limits);
	life_says(stage, "/users/@me/guilds?limit=200", guilds);
	ends(stage);
}

/* What `usher init` sees: nothing was started. */
static void a_new_bot(void **state)
{
	struct life_stage *stage = life_stage_open(NULL);

	(void)state;
	run(stage,
	    "{\"id\":\"1001\",\"name\":\"Usher\",\"verify_key\":\"" LIFE_KEY
	    "\",\"flags\":524288,\"approximate_guild_count\":0,\"interactions_endpoint_url\":null}",
	    LIMITS(1000), "[]");
	finds(stage, "token", "ok", "Usher (1001)");
	finds(stage, "intents", "ok", "is on");
	finds(stage, "commands", "ok", "over the gateway");
	finds(stage, "connections", "ok", "1000 of 1000");
	finds(stage, "connections", "ok", "1 h 30 min");
	finds(stage, "servers", "warning", "added to none yet");
	finds(stage, "invite", "ok",
	      "https://discord.com/oauth2/authorize?client_id=1001&scope=bot%20applications.commands&"
	      "permissions=309237763136");
	finds(stage, "clock", "ok", "within 1 s");
	assert_int_equal(stage->gateway_starts, 0);
	life_stage_close(stage);
}

static void the_intent_is_off(void **state)
{
	static const struct life_put without[] = { { "message_content", "false" }, { NULL, NULL } };
	struct life_stage *stage = life_stage_open(NULL);

	(void)state;
	run(stage, LIFE_APP_FLAGS(0), LIMITS(1000), "[" GUILD("Acme", ALL_RIGHTS) "]");
	finds(stage, "intents", "fault", "https://discord.com/developers/applications/1001/bot");
	finds(stage, "intents", "fault", "message_content = false");
	life_stage_close(stage);
	stage = life_stage_open(without);
	run(stage, LIFE_APP_FLAGS(0), LIMITS(1000), "[]");
	finds(stage, "intents", "ok", "mention it");
	life_stage_close(stage);
	stage = life_stage_open(NULL);
	run(stage, LIFE_APP_FLAGS(262144), LIMITS(1000), "[]"); /* approved after a review */
	finds(stage, "intents", "ok", "is on");
	life_stage_close(stage);
}

/* With an address set nothing comes over the gateway: commands would seem dead. */
static void interactions_go_elsewhere(void **state)
{
	struct life_stage *stage = life_stage_open(NULL);

	(void)state;
	run(stage,
	    "{\"id\":\"1001\",\"name\":\"Usher\",\"flags\":524288,\"interactions_endpoint_url\":"
	    "\"https://other.example.org/hidden/path\"}",
	    LIMITS(1000), "[]");
	finds(stage, "commands", "fault", "go to other.example.org");
	finds(stage, "commands", "fault", "https://usher.example.org/discord/acme/interactions");
	assert_null(strstr(stage->findings, "hidden"));
	run(stage,
	    "{\"id\":\"1001\",\"name\":\"Usher\",\"flags\":524288,\"interactions_endpoint_url\":"
	    "\"https://usher.example.org/discord/acme/interactions\"}",
	    LIMITS(1000), "[]");
	finds(stage, "commands", "ok", "come to https://usher.example.org/discord/acme/interactions");
	stage->host.public_url = NULL;
	run(stage,
	    "{\"id\":\"1001\",\"name\":\"Usher\",\"flags\":524288,\"interactions_endpoint_url\":"
	    "\"https://usher.example.org/discord/acme/interactions\"}",
	    LIMITS(1000), "[]");
	finds(stage, "commands", "fault", "PUBLIC_URL/discord/acme/interactions");
	life_stage_close(stage);
}

static void the_key_of_another_application(void **state)
{
	static const struct life_put own[] = {
		{ "public_key", "0000000000000000000000000000000000000000000000000000000000000001" },
		{ NULL, NULL }
	};
	struct life_stage *stage = life_stage_open(own);

	(void)state;
	run(stage, LIFE_APP, LIMITS(1000), "[]");
	finds(stage, "public key", "fault", "not this application's");
	life_stage_close(stage);
}

static void a_refused_token(void **state)
{
	struct life_stage *stage = life_stage_open(NULL);

	(void)state;
	check(stage);
	life_refuses(stage, "/applications/@me", DISCORD_AUTH, "401: Unauthorized");
	ends(stage);
	finds(stage, "token", "fault", "Reset Token");
	assert_int_equal(stage->asked, 1); /* what is refused is counted there */
	life_stage_close(stage);
}

static void discord_is_not_there(void **state)
{
	struct life_stage *stage = life_stage_open(NULL);

	(void)state;
	check(stage);
	life_refuses(stage, "/applications/@me", DISCORD_NOT_SENT, "connection refused");
	life_time(stage, -1);
	finds(stage, "token", "warning", "connection refused");
	finds(stage, "clock", "warning", "no network");
	check(stage);
	life_says(stage, "/applications/@me", "{\"hello\":1}");
	ends(stage);
	finds(stage, "token", "fault", "api_base");
	check(stage);
	life_says(stage, "/applications/@me", LIFE_APP);
	life_refuses(stage, "/gateway/bot", DISCORD_MAYBE, "502");
	life_refuses(stage, "/users/@me/guilds?limit=200", DISCORD_LIMITED, "429");
	ends(stage);
	finds(stage, "connections", "warning", "502");
	finds(stage, "servers", "warning", "429");
	assert_false(stage->bot.dead);
	life_stage_close(stage);
}

/* A program that begins connections in a loop is about to lose its token (pitfall 14). */
static void the_budget_runs_out(void **state)
{
	struct life_stage *stage = life_stage_open(NULL);

	(void)state;
	run(stage, LIFE_APP, LIMITS(99), "[]");
	finds(stage, "connections", "warning", "99 of 1000");
	run(stage, LIFE_APP, LIMITS(0), "[]");
	finds(stage, "connections", "fault", "0 of 1000");
	run(stage, LIFE_APP, "{\"url\":\"wss://x\"}", "[]");
	finds(stage, "connections", "warning", "does not say");
	life_stage_close(stage);
}

/* 309237763136 without VIEW_CHANNEL (1024), without SEND_MESSAGES_IN_THREADS (2^38) and ATTACH_FILES (32768). */
static void each_missing_right_is_named(void **state)
{
	struct life_stage *stage = life_stage_open(NULL);

	(void)state;
	run(stage, LIFE_APP, LIMITS(1000),
	    "[" GUILD("Blind", "309237762112") "," GUILD("Mute in threads",
							 "34359823424") "," GUILD("Fine", ALL_RIGHTS) "]");
	finds(stage, "servers", "ok", "added to 3");
	finds(stage, "rights", "fault", "in Blind \"View Channels\" is missing: it sees no channel");
	finds(stage, "rights", "warning", "in Mute in threads \"Send Messages in Threads\"");
	finds(stage, "rights", "warning", "in Mute in threads \"Attach Files\"");
	assert_null(strstr(stage->findings, "Add Reactions"));
	assert_null(strstr(stage->findings, "in Fine"));
	run(stage, LIFE_APP, LIMITS(1000),
	    "[" GUILD("Admin", "8") ",{\"id\":\"8\",\"name\":\"Own\",\"owner\":true,\"permissions\":\"0\"}]");
	finds(stage, "rights", "ok", "all of them");
	life_stage_close(stage);
}

/* What the settings have no use for is not missed. */
static void rights_that_settings_need(void **state)
{
	static const struct life_put more[] = { { "threads", "true" }, { "embeds", "true" }, { NULL, NULL } };
	struct life_stage *stage = life_stage_open(more);

	(void)state;
	run(stage, LIFE_APP, LIMITS(1000), "[" GUILD("Acme", "274877975552") "]");
	finds(stage, "rights", "warning", "Create Public Threads");
	finds(stage, "rights", "warning", "Embed Links");
	life_stage_close(stage);
}

static void many_servers_are_not_all_named(void **state)
{
	struct life_stage *stage = life_stage_open(NULL);

	(void)state;
	run(stage, LIFE_APP, LIMITS(1000),
	    "[" GUILD("G1", "0") "," GUILD("G2", "0") "," GUILD("G3", "0") "," GUILD("G4", "0") "," GUILD(
		    "G5", "0") "," GUILD("G6", "0") "," GUILD("G7", "0") "]");
	finds(stage, "rights", "fault", "in G5");
	assert_null(strstr(stage->findings, "in G6"));
	finds(stage, "rights", "warning", "only the first 5");
	life_stage_close(stage);
}

static void the_clock_is_wrong(void **state)
{
	struct life_stage *stage = life_stage_open(NULL);

	(void)state;
	for (int minutes = 2; minutes <= 6; minutes += 4) {
		check(stage);
		life_says(stage, "/applications/@me", LIFE_APP);
		life_says(stage, "/gateway/bot", LIMITS(1000));
		life_says(stage, "/users/@me/guilds?limit=200", "[]");
		life_time(stage, (int64_t)minutes * LIFE_MINUTE);
		finds(stage, "clock", minutes == 2 ? "warning" : "fault",
		      minutes == 2 ? "within 121 s" : "set the clock");
	}
	life_stage_close(stage);
}

static void what_the_link_says(void **state)
{
	struct life_stage *stage = life_stage_open(NULL);

	(void)state;
	run(stage, LIFE_APP, LIMITS(1000), "[]");
	finds(stage, "link", "fault", "not connected");
	stage->gateway.shown = true;
	stage->gateway.link = LINK_UP;
	stage->gateway.count = 2;
	run(stage, LIFE_APP, LIMITS(1000), "[]");
	finds(stage, "link", "ok", "2 shards");
	stage->gateway.link = LINK_DOWN;
	snprintf(stage->gateway.why, sizeof(stage->gateway.why), "the budget is used up");
	run(stage, LIFE_APP, LIMITS(1000), "[]");
	finds(stage, "link", "fault", "the budget is used up");
	stage->gateway.link = LINK_UP; /* it was, until the token was reset */
	discord_dead(&stage->bot, "the token was refused");
	check(stage);
	life_refuses(stage, "/applications/@me", DISCORD_AUTH, "401");
	ends(stage);
	finds(stage, "link", "fault", "the token was refused");
	stage->bot.dead = false;
	discord_life_enable(&stage->bot, false);
	run(stage, LIFE_APP, LIMITS(1000), "[]");
	finds(stage, "link", "warning", "switched off");
	life_stage_close(stage);
}

static void destroyed_in_the_middle(void **state)
{
	struct life_stage *stage = life_stage_open(NULL);

	(void)state;
	check(stage);
	life_stage_close(stage);
	stage = life_stage_open(NULL);
	check(stage);
	life_refuses(stage, "/applications/@me", DISCORD_NOT_SENT, "x");
	assert_non_null(stage->on_time);
	life_stage_close(stage);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_new_bot),
		cmocka_unit_test(the_intent_is_off),
		cmocka_unit_test(interactions_go_elsewhere),
		cmocka_unit_test(the_key_of_another_application),
		cmocka_unit_test(a_refused_token),
		cmocka_unit_test(discord_is_not_there),
		cmocka_unit_test(the_budget_runs_out),
		cmocka_unit_test(each_missing_right_is_named),
		cmocka_unit_test(rights_that_settings_need),
		cmocka_unit_test(many_servers_are_not_all_named),
		cmocka_unit_test(the_clock_is_wrong),
		cmocka_unit_test(what_the_link_says),
		cmocka_unit_test(destroyed_in_the_middle),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
