/* Who added us and who took us out (sheet 3; pitfall 33). */
#include "mem.h"
#include "places.h"
#include "stage_take.h"
#include <inttypes.h>
#include <stdio.h>

static const struct err fine;

static int open_stage(void **state)
{
	*state = take_open();
	return 0;
}

static int close_stage(void **state)
{
	take_close(*state);
	return 0;
}

static void installed(struct take_stage *stage, enum err_kind kind)
{
	struct err err = { 0 };

	if (kind != ERR_NONE)
		err_set(&err, kind, "why");
	discord_installed(&stage->bot, stage->install_ticket, kind == ERR_NONE ? &fine : &err,
			  kind == ERR_NONE ? "bot/1" : NULL);
}

#define NEW_GUILD                                                                                            \
	"{'id':'42','name':'Team\\n1','channels':[{'id':'420','type':0,'name':'general'},{'id':'421','type'" \
	":4}],"                                                                                              \
	"'threads':[{'id':'422','type':11,'parent_id':'420'}],'roles':[{'id':'430','tags':{'bot_id':'777'}}" \
	",{'id':'431'}]}"

static void a_guild_that_adds_us_is_noted(void **state)
{
	struct take_stage *stage = *state;

	take_event(stage, 1, "GUILD_CREATE", NEW_GUILD);
	assert_int_equal(stage->installs, 1);
	assert_string_equal(stage->install_key, "42");
	assert_string_equal(stage->install_title, "Team 1");
	assert_string_equal(stage->install_settings, "{\"role\":\"430\"}");
	take_waits(stage, 1); /* until it is durable */
	assert_int_equal(discord_inbound_owed(stage->bot.inbound), 1);
	installed(stage, ERR_NONE);
	take_was(stage, 1);
	assert_int_equal(stage->offers, 0); /* nothing was missed in a place that is new */
	assert_int_equal(discord_channel_find(stage->bot.places, 422)->parent, 420);
	assert_null(discord_channel_find(stage->bot.places, 421));
	assert_int_equal(discord_own_role(&stage->bot, 42), 430);
	/* The same again, after an outage or with a new session. */
	take_event(stage, 2, "GUILD_CREATE", NEW_GUILD);
	take_was(stage, 2);
	assert_int_equal(stage->installs, 1);
	assert_int_equal(stage->offers, 2);
	assert_int_equal(stage->offered[0], 422);
	assert_int_equal(stage->offered[1], 420);
}

static void a_note_that_fails_is_made_again(void **state)
{
	struct take_stage *stage = *state;

	take_event(stage, 1, "GUILD_CREATE", NEW_GUILD);
	installed(stage, ERR_AGAIN);
	take_later(stage, 1);
	take_again(stage, 1);
	take_event(stage, 1, "GUILD_CREATE", NEW_GUILD);
	assert_int_equal(stage->installs, 2);
	installed(stage, ERR_REFUSED); /* kept, but switched off */
	take_was(stage, 1);
	assert_true(discord_guild_off(&stage->bot, 42));
	discord_installed(&stage->bot, 12345, &fine, "bot/9"); /* not of ours */
}

static void an_outage_is_no_removal(void **state)
{
	struct take_stage *stage = *state;
	char d[200];

	snprintf(d, sizeof(d), "{'id':'%" PRIu64 "','unavailable':true}", TAKE_GUILD);
	take_event(stage, 1, "GUILD_DELETE", d);
	take_event(stage, 2, "GUILD_CREATE", d);
	take_was(stage, 1);
	take_was(stage, 2);
	assert_int_equal(stage->removals, 0);
	assert_int_equal(stage->installs, 0);
	assert_non_null(discord_channel_find(stage->bot.places, TAKE_TEXT));
	snprintf(d, sizeof(d), "{'id':'%" PRIu64 "'}", TAKE_GUILD);
	take_event(stage, 3, "GUILD_DELETE", d);
	take_was(stage, 3);
	assert_int_equal(stage->removals, 1);
	assert_string_equal(stage->removed_key, "9007199254740993"); /* pitfall 27 */
	assert_null(discord_channel_find(stage->bot.places, TAKE_TEXT));
	take_event(stage, 4, "GUILD_DELETE", d);
	assert_int_equal(stage->removals, 1);
}

/* What the next process must know: a session that it resumes does not tell it again. */
static void what_is_known_of_a_guild_is_noted(void **state)
{
	struct take_stage *stage = *state;

	discord_known(&stage->bot, &(struct install){ .key = "42",
						      .settings = "{\"added_by\": \"5\", \"role\": \"430\"}",
						      .enabled = true });
	assert_int_equal(discord_own_role(&stage->bot, 42), 430);
	take_event(stage, 1, "GUILD_CREATE", NEW_GUILD); /* nothing new */
	take_was(stage, 1);
	assert_int_equal(stage->installs, 0);
	take_event(stage, 2, "GUILD_UPDATE", "{'id':'42','name':'Team 2','premium_tier':2}");
	take_was(stage, 2); /* nobody waits for it */
	assert_int_equal(stage->installs, 1);
	assert_string_equal(stage->install_title, "Team 2");
	assert_string_equal(stage->install_settings,
			    "{\"added_by\":\"5\",\"role\":\"430\",\"premium_tier\":2}");
	installed(stage, ERR_AGAIN);
	take_event(stage, 3, "GUILD_UPDATE", "{'id':'42','premium_tier':2}"); /* it is not noted yet */
	assert_int_equal(stage->installs, 2);
	installed(stage, ERR_NONE);
	take_event(stage, 4, "GUILD_ROLE_DELETE", "{'guild_id':'42','role_id':'430'}");
	take_event(stage, 5, "GUILD_ROLE_CREATE", "{'guild_id':'42','role':{'id':'431'}}");
	assert_int_equal(stage->installs, 3);
	assert_string_equal(stage->install_settings, "{\"added_by\":\"5\",\"premium_tier\":2}");
	take_event(stage, 6, "GUILD_UPDATE", "{'id':'4711','premium_tier':2}"); /* of no guild of ours */
	assert_int_equal(stage->installs, 3);
}

static void boosts_allow_larger_files(void **state)
{
	struct take_stage *stage = *state;

	take_event(stage, 1, "GUILD_CREATE", "{'id':'42','name':'Team','premium_tier':1}");
	assert_int_equal(discord_file_max(&stage->bot, 42), 10 << 20);
	take_event(stage, 2, "GUILD_UPDATE", "{'id':'42','premium_tier':3}");
	assert_true(discord_file_max(&stage->bot, 42) > 24 << 20);
	assert_int_equal(discord_file_max(&stage->bot, 0), 10 << 20);
	assert_int_equal(discord_file_max(&stage->bot, 43), 10 << 20);
	installed(stage, ERR_NONE);
}

/* It was taken out and added again while we were away: in between nothing was said to us. */
static void nothing_is_missed_before_we_joined(void **state)
{
	struct take_stage *stage = *state;

	discord_known(&stage->bot, &(struct install){ .key = "42", .enabled = true });
	take_event(
		stage, 1, "GUILD_CREATE",
		"{'id':'42','name':'Team','joined_at':'2027-01-15T08:00:00.500000+00:00','channels':[{'id':'"
		"420','type':0}]}");
	assert_int_equal(stage->offers, 1);
	assert_int_equal(snowflake_ms(stage->offered_since), 1800000000500);
	installed(stage, ERR_NONE);
}

/* Only of its own shard: the other shards' guilds are not in the list. */
static void who_took_us_out_while_we_were_away(void **state)
{
	struct take_stage *stage = *state;

	discord_known(&stage->bot,
		      &(struct install){ .key = "8388608", .enabled = true }); /* 2 << 22: shard 0 of 2 */
	discord_known(&stage->bot,
		      &(struct install){ .key = "4194304", .enabled = true }); /* 1 << 22: shard 1 */
	take_event(stage, 1, "READY", "{'guilds':[{'id':'9007199254740993'}],'shard':[0,2]}");
	assert_int_equal(stage->removals, 1);
	assert_string_equal(stage->removed_key, "8388608");
	take_event(stage, 2, "READY", "{'guilds':'none','shard':[0,1]}"); /* says nothing */
	assert_int_equal(stage->removals, 1);
	take_event(stage, 3, "READY", "{'guilds':[],'shard':[0,1]}");
	assert_int_equal(stage->removals, 3);
}

static void a_guild_that_is_switched_off_is_ignored(void **state)
{
	struct take_stage *stage = *state;
	char key[SNOWFLAKE_SIZE];

	snowflake_text(TAKE_GUILD, key);
	take_in(stage, 1, TAKE_TEXT, "<@777> hi", MENTION);
	take_ack(stage, 0, ACK_STORED);
	discord_known(&stage->bot, &(struct install){ .key = key, .enabled = false });
	take_in(stage, 2, TAKE_TEXT, "<@777> hi", MENTION);
	take_dropped(stage, 1, 2);
	discord_known(&stage->bot, &(struct install){ .key = key, .enabled = true });
	take_in(stage, 3, TAKE_TEXT, "<@777> hi", MENTION);
	take_only(stage, 1);
	assert_false(discord_guild_off(&stage->bot, 4711));
	discord_known(&stage->bot, &(struct install){ .key = "no id", .enabled = false });
}

static void kept(struct platform *bot, void *owner, bool is_kept)
{
	struct take_stage *stage = owner;

	assert_ptr_equal(bot, &stage->bot);
	if (is_kept)
		stage->kept++;
	else
		stage->not_kept++;
}

static void webhook(struct take_stage *stage, const char *text)
{
	json_t *event = quoted_json(text);

	discord_take_webhook(&stage->bot, event, kept, stage);
	json_decref(event);
}

#define AUTHORIZED                                                                                           \
	"{'type':'APPLICATION_AUTHORIZED','timestamp':'2027-01-15T08:00:00.000000','data':{'integration_"    \
	"type':0,'scopes'"                                                                                   \
	":['bot','applications.commands'],'user':{'id':'5','username':'ann'},'guild':{'id':'42','name':'"    \
	"Team'}}}"

static void who_added_us_is_noted(void **state)
{
	struct take_stage *stage = *state;

	webhook(stage, AUTHORIZED); /* before the guild itself */
	assert_int_equal(stage->kept, 1);
	assert_int_equal(stage->installs, 0);
	take_event(stage, 1, "GUILD_CREATE", NEW_GUILD);
	assert_string_equal(stage->install_settings,
			    "{\"added_by\":\"5\",\"added_by_name\":\"ann\",\"role\":\"430\"}");
	installed(stage, ERR_NONE);
	webhook(stage, AUTHORIZED); /* sent twice, or after it */
	assert_int_equal(stage->installs, 2);
	assert_int_equal(stage->kept, 1);
	installed(stage, ERR_NONE);
	assert_int_equal(stage->kept, 2);
	webhook(stage, AUTHORIZED);
	installed(stage, ERR_FULL);
	assert_int_equal(stage->not_kept, 1);
}

static void webhook_events_that_change_nothing(void **state)
{
	struct take_stage *stage = *state;

	webhook(stage, "{'type':'APPLICATION_DEAUTHORIZED','data':{'user':{'id':'5'}}}");
	webhook(stage, "{'type':'APPLICATION_AUTHORIZED','data':{'integration_type':1,'scopes':['"
		       "applications.commands'],"
		       "'user':{'id':'5'}}}");
	webhook(stage, "{'type':'SOMETHING_NEW'}");
	webhook(stage, "{}");
	assert_int_equal(stage->kept, 4);
	assert_int_equal(stage->installs, 0);
	assert_int_equal(stage->removals, 0);
	stage->bot.stopping = true;
	webhook(stage, AUTHORIZED);
	assert_int_equal(stage->not_kept, 1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_stage, close_stage)
	const struct CMUnitTest tests[] = {
		TEST(a_guild_that_adds_us_is_noted),
		TEST(a_note_that_fails_is_made_again),
		TEST(what_is_known_of_a_guild_is_noted),
		TEST(boosts_allow_larger_files),
		TEST(nothing_is_missed_before_we_joined),
		TEST(an_outage_is_no_removal),
		TEST(who_took_us_out_while_we_were_away),
		TEST(a_guild_that_is_switched_off_is_ignored),
		TEST(who_added_us_is_noted),
		TEST(webhook_events_that_change_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
