/* A bot from its start to its end: who it is, what the link says, what is looked at again, what is owed when it stops. */
#include "stage_life.h"

static void the_token_says_who_we_are(void **state)
{
	struct life_stage *stage = life_stage_open(NULL);

	(void)state;
	life_stage_start(stage);
	assert_int_equal(stage->link, LINK_CONNECTING);
	assert_int_equal(stage->gateway_starts, 0);
	life_stage_meet(stage);
	assert_true(stage->bot.app_id == 1001 && stage->bot.user_id == 1002);
	assert_string_equal(stage->bot.username, "usher");
	assert_true(stage->bot.has_key);
	assert_int_equal(stage->bot.public_key[0], 0xd7);
	assert_int_equal(stage->records, 1);
	assert_string_equal(stage->title, "usher");
	assert_non_null(strstr(stage->record, "\"app_id\":\"1001\""));
	assert_null(strstr(stage->record, "life-stage-token"));
	assert_int_equal(stage->registered, 1);
	assert_int_equal(stage->hook_starts, 1);
	assert_int_equal(stage->gateway_starts, 1);
	assert_true(discord_life_recorded(&stage->bot, stage->record_ticket, &(struct err){ 0 }));
	assert_false(discord_life_recorded(&stage->bot, stage->record_ticket + 1, NULL));
	life_stage_close(stage);
}

/* A machine that starts faster than its network. */
static void an_outage_at_the_start_passes(void **state)
{
	struct life_stage *stage = life_stage_open(NULL);

	(void)state;
	life_stage_start(stage);
	life_refuses(stage, "/applications/@me", DISCORD_NOT_SENT, "could not resolve host");
	assert_false(life_asks(stage));
	stage_loop_pass(3000);
	life_refuses(stage, "/applications/@me", DISCORD_MAYBE, "502");
	assert_int_equal(stage->link, LINK_DOWN);
	assert_string_equal(stage->why, "502");
	stage_loop_pass(5000);
	life_refuses(stage, "/applications/@me", DISCORD_LIMITED, "429");
	stage_loop_pass(2 * LIFE_MINUTE - 1);
	assert_false(life_asks(stage));
	stage_loop_pass(1);
	life_says(stage, "/applications/@me", LIFE_APP);
	life_refuses(stage, "/users/@me", DISCORD_MAYBE, "cut off");
	stage_loop_pass(LIFE_MINUTE + 1000);
	life_stage_meet(stage);
	assert_int_equal(stage->gateway_starts, 1);
	assert_false(stage->bot.dead);
	life_stage_close(stage);
}

/* A proxy's page is not taken for an application. */
static void something_else_answers(void **state)
{
	struct life_stage *stage = life_stage_open(NULL);

	(void)state;
	life_stage_start(stage);
	life_says(stage, "/applications/@me", "{\"welcome\":\"to the hotel\"}");
	assert_non_null(strstr(stage->why, "api_base"));
	stage_loop_pass(3000);
	life_says(stage, "/applications/@me", LIFE_APP);
	life_says(stage, "/users/@me", "{\"id\":\"1002\"}");
	assert_int_equal(stage->gateway_starts, 0);
	stage_loop_pass(5000);
	life_stage_meet(stage);
	assert_int_equal(stage->gateway_starts, 1);
	life_stage_close(stage);
}

/* An incident of Discord's refuses good tokens: nobody has to restart anything. */
static void a_refused_token_is_looked_at_again(void **state)
{
	struct life_stage *stage = life_stage_open(NULL);

	(void)state;
	life_stage_start(stage);
	life_refuses(stage, "/applications/@me", DISCORD_AUTH, "401: Unauthorized");
	assert_true(stage->bot.dead);
	assert_int_equal(stage->link, LINK_DOWN);
	assert_non_null(strstr(stage->why, "401: Unauthorized"));
	assert_non_null(strstr(stage->why, "https://discord.com/developers/applications"));
	assert_null(strstr(stage->why, "life-stage-token"));
	stage_loop_pass(LIFE_MINUTE);
	life_refuses(stage, "/applications/@me", DISCORD_AUTH, "401: Unauthorized");
	assert_true(stage->bot.dead);
	stage_loop_pass(10 * LIFE_MINUTE - 1);
	assert_false(life_asks(stage));
	stage_loop_pass(1);
	life_refuses(stage, "/applications/@me", DISCORD_NOT_SENT, "no network"); /* tells nothing */
	assert_true(stage->bot.dead);
	stage_loop_pass(10 * LIFE_MINUTE);
	life_stage_meet(stage);
	assert_false(stage->bot.dead);
	assert_int_equal(stage->gateway_starts, 1);
	life_stage_close(stage);
}

/* Close code 4014 while the switch is off: no connection is tried before it is on. */
static void a_missing_intent_is_waited_for(void **state)
{
	struct life_stage *stage = life_stage_open(NULL);

	(void)state;
	life_stage_start(stage);
	life_says(stage, "/applications/@me", LIFE_APP_FLAGS(0));
	life_says(stage, "/users/@me", LIFE_USER);
	assert_int_equal(stage->gateway_starts, 1); /* the gateway knows best */
	discord_dead(&stage->bot, "the Message Content Intent is not switched on");
	assert_int_equal(stage->gateway_stops, 0); /* not inside its own call */
	stage_loop_pass(0);
	assert_int_equal(stage->gateway_stops, 1);
	assert_non_null(strstr(stage->why, "Message Content Intent"));
	assert_non_null(strstr(stage->why, "https://discord.com/developers/applications/1001/bot"));
	stage_loop_pass(LIFE_MINUTE);
	life_says(stage, "/applications/@me", LIFE_APP_FLAGS(8388608));
	assert_false(life_asks(stage));
	assert_true(stage->bot.dead);
	stage_loop_pass(10 * LIFE_MINUTE);
	life_says(stage, "/applications/@me", LIFE_APP_FLAGS(262144));
	life_says(stage, "/users/@me", LIFE_USER);
	assert_int_equal(stage->gateway_starts, 2);
	assert_false(stage->bot.dead);
	life_stage_close(stage);
}

/* Close code 4004 with a token that works by REST: each attempt costs one of a thousand, so they become rare (pitfall 14). */
static void what_dies_again_is_asked_for_less_and_less(void **state)
{
	struct life_stage *stage = life_stage_open(NULL);
	unsigned starts = 0;

	(void)state;
	life_stage_start(stage);
	life_stage_meet(stage);
	discord_dead(&stage->bot, "authentication failed");
	for (unsigned minutes = 0; minutes < 24 * 60; minutes++) {
		stage_loop_pass(LIFE_MINUTE);
		if (!life_asks(stage))
			continue;
		life_stage_meet(stage);
		stage_loop_pass(0);
		assert_int_equal(stage->gateway_starts, ++starts + 1);
		discord_dead(&stage->bot, "authentication failed");
	}
	assert_true(starts >= 5 && starts <= 12);
	life_stage_close(stage);
}

/* What worked for a while begins with the short pause again. */
static void a_later_refusal_is_a_new_one(void **state)
{
	struct life_stage *stage = life_stage_open(NULL);

	(void)state;
	life_stage_start(stage);
	life_stage_meet(stage);
	discord_dead(&stage->bot, "authentication failed");
	stage_loop_pass(LIFE_MINUTE);
	life_stage_meet(stage);
	stage_loop_pass(60 * LIFE_MINUTE);
	discord_dead(&stage->bot, "authentication failed");
	discord_dead(&stage->bot, "twice");
	stage_loop_pass(LIFE_MINUTE);
	assert_true(life_asks(stage));
	life_stage_close(stage);
}

static void switched_off_and_on_again(void **state)
{
	struct life_stage *stage = life_stage_open(NULL);

	(void)state;
	life_stage_start(stage);
	life_stage_meet(stage);
	discord_life_enable(&stage->bot, false);
	assert_int_equal(stage->link, LINK_DOWN);
	assert_non_null(strstr(stage->why, "switched off"));
	assert_int_equal(stage->gateway_stops, 1);
	assert_true(stage->for_good); /* it goes offline at once */
	assert_int_equal(stage->hook_stops, 1);
	discord_life_enable(&stage->bot, false);
	assert_int_equal(stage->gateway_stops, 1);
	discord_life_enable(&stage->bot, true);
	assert_int_equal(stage->gateway_starts, 2);
	assert_int_equal(stage->asked, 2);
	life_stage_close(stage);
}

/* Switched off in an earlier life: nothing is asked until it is switched on. */
static void off_from_the_start(void **state)
{
	struct life_stage *stage = life_stage_open(NULL);

	(void)state;
	discord_life_enable(&stage->bot, false);
	life_stage_start(stage);
	assert_int_equal(stage->link, LINK_DOWN);
	stage_loop_pass(20 * LIFE_MINUTE);
	assert_int_equal(stage->asked, 0);
	discord_life_enable(&stage->bot, true);
	life_stage_meet(stage);
	assert_int_equal(stage->gateway_starts, 1);
	life_stage_close(stage);
}

/* Off in the middle of a question, also of the one about a dead token. */
static void switched_off_while_asking(void **state)
{
	struct life_stage *stage = life_stage_open(NULL);

	(void)state;
	life_stage_start(stage);
	discord_life_enable(&stage->bot, false);
	assert_int_equal(stage->cancelled, 1);
	discord_life_enable(&stage->bot, true);
	life_refuses(stage, "/applications/@me", DISCORD_AUTH, "401");
	stage_loop_pass(LIFE_MINUTE);
	assert_true(life_asks(stage));
	discord_life_enable(&stage->bot, false);
	assert_true(stage->bot.dead);
	stage_loop_pass(30 * LIFE_MINUTE);
	assert_false(life_asks(stage));
	discord_life_enable(&stage->bot, true); /* the operator need not wait */
	assert_true(life_asks(stage));
	assert_int_equal(stage->gateway_starts, 0);
	life_stage_meet(stage);
	assert_int_equal(stage->gateway_starts, 1);
	life_stage_close(stage);
}

static void stopping_waits_for_what_is_owed(void **state)
{
	struct life_stage *stage = life_stage_open(NULL);

	(void)state;
	life_stage_start(stage);
	life_stage_meet(stage);
	stage->sends = 1;
	stage->inbound = 1;
	stage->interactions = 1;
	stage->gateway_busy = true;
	discord_life_stop(&stage->bot);
	discord_life_stop(&stage->bot);
	assert_false(stage->for_good); /* its sessions stay good for the next life (pitfall 10) */
	assert_int_equal(stage->gateway_stops, 1);
	stage_loop_pass(1000);
	stage->sends = 0;
	stage_loop_pass(1000);
	stage->inbound = 0;
	stage_loop_pass(1000);
	stage->interactions = 0;
	stage_loop_pass(1000);
	assert_int_equal(stage->stops, 0);
	stage->gateway_busy = false;
	discord_settle(&stage->bot);
	stage_loop_pass(1000);
	assert_int_equal(stage->stops, 1);
	life_stage_close(stage);
}

static void stopping_ends_at_once_when_nothing_is_owed(void **state)
{
	struct life_stage *stage = life_stage_open(NULL);

	(void)state;
	life_stage_start(stage);
	assert_true(discord_life_runs(&stage->bot));
	discord_life_stop(&stage->bot);
	assert_false(discord_life_runs(&stage->bot));
	assert_int_equal(stage->cancelled, 1); /* an answer is not waited for */
	assert_int_equal(stage->stops, 0);     /* not inside the call */
	stage_loop_pass(0);
	assert_int_equal(stage->stops, 1);
	assert_int_equal(stage->gateway_starts, 0);
	life_stage_close(stage);
}

/* A second bot of one name can't have the same addresses; what is said comes over the gateway. */
static void a_path_that_is_taken_costs_the_path_only(void **state)
{
	struct life_stage *stage = life_stage_open(NULL);

	(void)state;
	stage->hook_fails = true;
	life_stage_start(stage);
	life_stage_meet(stage);
	assert_int_equal(stage->gateway_starts, 1);
	life_stage_close(stage);
}

/* The key of the settings is the one that counts. */
static void a_key_of_the_settings_stays(void **state)
{
	static const struct life_put own[] = {
		{ "public_key", "0000000000000000000000000000000000000000000000000000000000000001" },
		{ NULL, NULL }
	};
	struct life_stage *stage = life_stage_open(own);

	(void)state;
	life_stage_start(stage);
	life_stage_meet(stage);
	assert_int_equal(stage->bot.public_key[0], 0); /* create() reads it */
	life_stage_close(stage);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_token_says_who_we_are),
		cmocka_unit_test(an_outage_at_the_start_passes),
		cmocka_unit_test(something_else_answers),
		cmocka_unit_test(a_refused_token_is_looked_at_again),
		cmocka_unit_test(a_missing_intent_is_waited_for),
		cmocka_unit_test(what_dies_again_is_asked_for_less_and_less),
		cmocka_unit_test(a_later_refusal_is_a_new_one),
		cmocka_unit_test(switched_off_and_on_again),
		cmocka_unit_test(off_from_the_start),
		cmocka_unit_test(switched_off_while_asking),
		cmocka_unit_test(stopping_waits_for_what_is_owed),
		cmocka_unit_test(stopping_ends_at_once_when_nothing_is_owed),
		cmocka_unit_test(a_path_that_is_taken_costs_the_path_only),
		cmocka_unit_test(a_key_of_the_settings_stays),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
