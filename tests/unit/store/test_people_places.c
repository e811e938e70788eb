/* Installations, ratings and costs as operators see them, and one person known in two places. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "clock.h"
#include "mem.h"
#include "people_stage.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ORG_2 "00000000-0000-7000-8000-000000000002"
#define CAROL "33333333-3333-7333-8333-333333333333"
#define HASH  "cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc"

static const char world[] =
	"INSERT INTO organizations (id, name) VALUES ('" ORG_2 "', 'Other Ltd');"
	"INSERT INTO user_profiles (id, org_id, display_name) VALUES ('" ALICE "', '" ORG
	"', 'Alice'), ('" BOB "', '" ORG "', 'Bob'), ('" CAROL "', '" ORG_2 "', 'Carol');"
	"INSERT INTO platform_identities (platform, installation, external_user_id, profile_id, org_id) "
	"VALUES"
	" ('chat', 'acme', 'UA', '" ALICE "', '" ORG "'), ('mail', 'acme', 'bob@x', '" BOB "', '" ORG "'),"
	" ('chat', 'acme/T2', 'UC', '" CAROL "', '" ORG_2 "');";

static int open_world(void **state)
{
	int code = stage_open(state);

	if (code == 0)
		stage_script(world);
	return code;
}

/* The same person in the chat and by mail: one history of costs, one to-do list. */
static void two_identities_become_one_person(void **state)
{
	json_t *done;

	(void)state;
	done = stage_act("link_make", ALICE, HASH_A, END);
	assert_string_equal(json_text(done, "profile_id"), ALICE);
	assert_int_equal(strlen(json_text(done, "expires_at")), 24);
	done = stage_act("link_use", BOB, "mail", "acme", "bob@x", HASH_A, END);
	assert_string_equal(json_text(done, "profile_id"), ALICE);
	assert_string_equal(json_text(done, "former_profile_id"), BOB);
	assert_string_equal(json_text(done, "display_name"), "Alice");
	assert_string_equal(json_text(stage_report("user", ALICE, END), "identities"),
			    "chat/acme, mail/acme");
	assert_null(json_text(stage_report("user", BOB, END), "identities"));

	/* The process died before it could say so: the same command again is answered the same. */
	done = stage_act("link_use", BOB, "mail", "acme", "bob@x", HASH_A, END);
	assert_string_equal(json_text(done, "profile_id"), ALICE);
	assert_string_equal(json_text(done, "former_profile_id"), BOB);
}

/* A code that is overheard, guessed, old or used must open nothing. */
static void codes_are_refused(void **state)
{
	(void)state;
	assert_null(stage_act("link_make", ALICE, "ABCD1234", END));
	stage_refused(ERR_REFUSED, "SHA-256");
	assert_null(stage_act("link_make", "nobody", HASH_A, END));
	stage_refused(ERR_GONE, "nobody");
	assert_non_null(stage_act("link_make", ALICE, HASH_A, END));
	assert_null(stage_act("link_use", BOB, "mail", "acme", "bob@x", "ABCD1234", END));
	stage_refused(ERR_REFUSED, "SHA-256");
	assert_null(stage_act("link_use", BOB, "mail", "acme", "bob@x", HASH_B, END));
	stage_refused(ERR_GONE, "not known");
	assert_null(stage_act("link_use", ALICE, "chat", "acme", "UA", HASH_A, END));
	stage_refused(ERR_REFUSED, "your own");
	assert_null(stage_act("link_use", CAROL, "chat", "acme/T2", "UC", HASH_A, END));
	stage_refused(ERR_REFUSED, "another organisation");
	assert_null(stage_act("link_use", BOB, "mail", "acme", "eve@x", HASH_A, END));
	stage_refused(ERR_GONE, "no such sender");
	assert_null(stage_act("link_use", ALICE, "mail", "acme", "bob@x", HASH_A, END));
	stage_refused(ERR_GONE, "no such sender");
	assert_null(stage_act("link_use", BOB, "mail", "acme", "bob@x", END));
	stage_refused(ERR_REFUSED, "code hash is missing");

	stage_script("UPDATE user_profiles SET status = 'disabled' WHERE id = '" BOB "'");
	assert_null(stage_act("link_use", BOB, "mail", "acme", "bob@x", HASH_A, END)); /* no way around it */
	stage_refused(ERR_REFUSED, "switched off");
	stage_script("UPDATE user_profiles SET status = 'active';"
		     "UPDATE user_profiles SET status = 'disabled' WHERE id = '" ALICE "'");
	assert_null(stage_act("link_use", BOB, "mail", "acme", "bob@x", HASH_A, END));
	stage_refused(ERR_REFUSED, "switched off");
	assert_null(stage_act("link_make", ALICE, HASH_B, END));
	stage_refused(ERR_REFUSED, "switched off");
	stage_script("UPDATE user_profiles SET status = 'active';"
		     "UPDATE link_codes SET expires_at = '2020-01-01T00:00:00.000Z'");
	assert_null(stage_act("link_use", BOB, "mail", "acme", "bob@x", HASH_A, END));
	stage_refused(ERR_REFUSED, "expired");

	assert_non_null(stage_act("link_make", ALICE, HASH_B, END));
	assert_non_null(stage_act("link_use", BOB, "mail", "acme", "bob@x", HASH_B, END));
	assert_null(stage_act("link_use", CAROL, "chat", "acme/T2", "UC", HASH_B, END));
	stage_refused(ERR_REFUSED, "used before");
}

/* Whoever asks for codes without end fills the database, and guessing gets easier. */
static void few_codes_are_open(void **state)
{
	char hash[65];

	(void)state;
	memset(hash, 'a', 64);
	hash[64] = '\0';
	for (char c = '1'; c <= '3'; c++) {
		hash[0] = c;
		assert_non_null(stage_act("link_make", ALICE, hash, END));
	}
	hash[0] = '4';
	assert_null(stage_act("link_make", ALICE, hash, END));
	stage_refused(ERR_REFUSED, "3 codes");
	assert_non_null(stage_act("link_make", BOB, hash, END));
	hash[0] = '1';
	assert_non_null(stage_act("link_use", BOB, "mail", "acme", "bob@x", hash, END));
	assert_non_null(stage_act("link_make", ALICE, HASH, END));
	stage_script("UPDATE link_codes SET expires_at = '2020-01-01T00:00:00.000Z'");
	assert_non_null(stage_act("link_make", ALICE, HASH_B, END));
}

/* `usher pair invite`: for the owner, or somebody by the name the operator knows them by. */
static void somebody_is_invited(void **state)
{
	json_t *made;

	(void)state;
	assert_null(stage_act("link_invite", NULL, HASH_A, END));
	stage_refused(ERR_GONE, "no active owner");
	stage_script("UPDATE user_profiles SET role = 'owner' WHERE id = '" BOB "';"
		     "INSERT INTO users (id, username, email, password_hash) VALUES (1, 'alice', 'a@x', '!');"
		     "UPDATE user_profiles SET user_id = 1 WHERE id = '" ALICE "'");
	made = stage_act("link_invite", NULL, HASH_A, END);
	assert_string_equal(json_text(made, "display_name"), "Bob");
	made = stage_act("link_invite", "alice", HASH_B, END);
	assert_string_equal(json_text(made, "profile_id"), ALICE);
	assert_null(stage_act("link_invite", "nobody", HASH, END));
	stage_refused(ERR_GONE, "nobody");
	stage_script("UPDATE user_profiles SET status = 'disabled'");
	assert_null(stage_act("link_invite", NULL, HASH, END));
	stage_refused(ERR_GONE, "no active owner");
	assert_null(stage_act("link_invite", "alice", HASH, END));
	stage_refused(ERR_REFUSED, "switched off");
	assert_null(json_text(stage_report("language_of", ALICE, END), "language"));
	assert_non_null(stage_act("language", ALICE, "de", END));
	assert_string_equal(json_text(stage_report("language_of", ALICE, END), "language"), "de");
}

/* What an operator sees of a workspace; its secrets must never be on a screen. */
static void installations_are_shown(void **state)
{
	json_t *rows, *one;
	char *text;

	(void)state;
	stage_script(
		"INSERT INTO \"LLMAgentInstallation\" (\"companyId\", platform, name, title, settings, "
		"secrets)"
		" VALUES ('" ORG_2 "', 'chat', 'acme/T2', 'Other', '{\"team\":\"T2\"}', 'v1.sealed'),"
		" ('" ORG "', 'chat', 'acme', NULL, '{}', NULL), ('" ORG
		"', 'mail', 'acme', NULL, '{}', NULL);"
		"UPDATE \"LLMAgentInstallation\" SET enabled = 0, \"removedAt\" = '2026-01-01T00:00:00.000Z',"
		" \"removedWhy\" = 'app uninstalled' WHERE platform = 'mail'");
	rows = stage_report("installations", END);
	assert_int_equal(json_array_size(rows), 3);
	assert_string_equal(stage_at(rows, 1, "name"), "acme/T2");
	assert_string_equal(stage_at(rows, 1, "title"), "Other");
	assert_string_equal(stage_at(rows, 1, "organisation"), "Other Ltd");
	assert_true(json_is_true(json_object_get(json_array_get(rows, 1), "secrets")));
	assert_true(json_is_true(json_object_get(json_array_get(rows, 1), "enabled")));
	assert_true(json_is_null(json_object_get(json_array_get(rows, 1), "removed_at")));
	assert_true(json_is_false(json_object_get(json_array_get(rows, 0), "secrets")));
	assert_true(json_is_false(json_object_get(json_array_get(rows, 2), "enabled")));
	assert_string_equal(stage_at(rows, 2, "removed_at"), "2026-01-01T00:00:00.000Z");
	assert_string_equal(stage_at(rows, 2, "removed_why"), "app uninstalled");
	text = json_write(rows);
	assert_null(strstr(text, "sealed"));
	free(text);

	one = stage_report("installation", "acme/T2", END);
	assert_string_equal(json_text(json_object_get(one, "settings"), "team"), "T2");
	assert_string_equal(json_text(stage_report("installation", "chat/acme/T2", END), "name"), "acme/T2");
	assert_string_equal(json_text(stage_report("installation", "mail/acme", END), "platform"), "mail");
	assert_null(stage_report("installation", "acme", END));
	stage_refused(ERR_REFUSED, "platform/name");
	assert_null(stage_report("installation", "acme/T3", END));
	stage_refused(ERR_GONE, "acme/T3");
	assert_null(stage_report("installation", END));
	stage_refused(ERR_REFUSED, "name is missing");
}

#define SPENT(USER, AT, TOKENS, MICROS)                                                                      \
	"INSERT INTO ai_agent_interactions (org_id, user_id, agent_name, interaction_type, tokens_used, "    \
	"cost_micros, created_at) VALUES ('" ORG "', '" USER "', 'a', 'chat', " TOKENS ", " MICROS ", " AT   \
	");"

/* "usage" asked in a chat: nobody else's costs, nothing of last month. */
static void usage_of_one_person(void **state)
{
	json_t *usage, *today, *month;

	(void)state;
	stage_script(SPENT(ALICE, "strftime('%Y-%m-%dT00:00:00.000Z', 'now')", "100",
			   "1500") SPENT(ALICE, "strftime('%Y-%m-%dT%H:%M:%fZ', 'now')", "10", "NULL")
			     SPENT(ALICE, "strftime('%Y-%m-01T00:00:00.000Z', 'now')", "1", "1")
				     SPENT(ALICE, "'2020-01-01T00:00:00.000Z'", "1000", "1000000")
					     SPENT(BOB, "strftime('%Y-%m-%dT%H:%M:%fZ', 'now')", "7", "7"));
	usage = json_deep_copy(stage_report("usage_of", ALICE, END));
	today = json_object_get(usage, "today");
	month = json_object_get(usage, "month");
	assert_int_equal(json_int(month, "requests", 0), 3);
	assert_int_equal(json_int(month, "tokens", 0), 111);
	assert_string_equal(json_text(month, "cost_usd"), "0.001501");
	assert_int_equal(json_int(month, "unknown_cost", 0), 1);
	assert_true(json_int(today, "requests", 0) >= 2); /* three on the first of a month */
	assert_true(json_int(today, "tokens", 0) >= 110);
	json_decref(usage);
	usage = stage_report("usage_of", CAROL, END);
	assert_int_equal(json_int(json_object_get(usage, "today"), "requests", -1), 0);
	assert_string_equal(json_text(json_object_get(usage, "month"), "cost_usd"), "0.000000");
	assert_null(stage_report("usage_of", END));
	stage_refused(ERR_REFUSED, "profile is missing");
}

/* Bad answers are found by what people thought of them, and lead to the message they answer. */
static void ratings_are_shown(void **state)
{
	json_t *rows, *found;

	(void)state;
	stage_script(
		"INSERT INTO \"LLMConversation\" (id, \"userId\", \"userCompanyId\", \"conversationSource\","
		" installation) VALUES (1, '" ALICE "', '" ORG "', 'chat', 'acme');"
		"INSERT INTO \"LLMConversationMessage\" (id, \"llmConversationId\", \"userPrompt\","
		" \"llmParsedOutput\", \"promptAt\", \"answeredAt\", \"traceId\") VALUES (1, 1, 'why?', "
		"'because',"
		" '2026-01-01', '2026-01-02', '00000000-0000-7000-8000-0000000000e1');"
		"INSERT INTO inbox (id, uuid, org_id, platform, installation, delivery_key, sender, body, "
		"state,"
		" turn_id, received_at, finished_at) VALUES (1, '00000000-0000-7000-8000-0000000000e1', '" ORG
		"', 'chat', 'acme', 'd', 'UA', 'why?', 'answered', 1, '2026-01-01', '2026-01-02');"
		"INSERT INTO feedback (org_id, turn_id, platform, installation, sender, profile_id, value,"
		" created_at, updated_at) VALUES ('" ORG "', 1, 'chat', 'acme', 'UA', '" ALICE
		"', 'down', '2026-01-03', '2026-01-04'), ('" ORG
		"', 1, 'chat', 'acme', 'UX', NULL, 'up', '2026-01-05', '2026-01-05')");
	rows = stage_report("feedback", END);
	assert_int_equal(json_array_size(rows), 2);
	assert_string_equal(stage_at(rows, 0, "value"), "up");
	assert_string_equal(stage_at(rows, 1, "username"), "Alice");
	assert_string_equal(stage_at(rows, 1, "answer"), "because");
	assert_string_equal(stage_at(rows, 1, "message"), "00000000-0000-7000-8000-0000000000e1");
	assert_int_equal(json_array_size(stage_report("feedback", "2026-01-05", END)), 1);
	assert_int_equal(json_array_size(stage_report("feedback", NULL, "1", END)), 1);
	found = stage_report("explain", "1", END);
	assert_string_equal(stage_at(json_object_get(found, "feedback"), 0, "value"), "down");
	rows = json_object_get(found, "timeline");
	assert_string_equal(stage_at(rows, json_array_size(rows) - 1, "what"), "rated up");
	assert_string_equal(json_text(json_object_get(found, "message"), "kind"), "said");
}

int main(void)
{
#define IN_WORLD(TEST) cmocka_unit_test_setup_teardown(TEST, open_world, stage_close)
	const struct CMUnitTest tests[] = {
		IN_WORLD(two_identities_become_one_person),
		IN_WORLD(codes_are_refused),
		IN_WORLD(few_codes_are_open),
		IN_WORLD(somebody_is_invited),
		IN_WORLD(installations_are_shown),
		IN_WORLD(usage_of_one_person),
		IN_WORLD(ratings_are_shown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
