/* Users, keys and strangers, as the operator and the chat endpoint meet them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "people_stage.h"
#include <stdio.h>
#include <string.h>

/* The first thing an operator does; names that clash must not end as two people in one account. */
static void users_are_added_once(void **state)
{
	char profile[40] = "";
	bool active;
	json_t *rows;

	(void)state;
	assert_non_null(stage_act("user_add", "alice", "Alice", "alice@example.org", "owner", END));
	assert_null(stage_act("user_add", "alice", END));
	stage_refused(ERR_REFUSED, "user name alice is taken");
	assert_null(stage_act("user_add", "alice2", NULL, "alice@example.org", END));
	stage_refused(ERR_REFUSED, "email address alice@example.org is taken");
	assert_non_null(stage_act("user_add", "bob", END));
	rows = stage_report("users", END);
	assert_int_equal(json_array_size(rows), 2);
	assert_string_equal(stage_at(rows, 0, "username"), "alice");
	assert_string_equal(stage_at(rows, 0, "role"), "owner");
	assert_string_equal(stage_at(rows, 0, "status"), "active");
	assert_string_equal(stage_at(rows, 1, "role"), "member");
	assert_string_equal(stage_at(rows, 1, "email"), "bob@localhost");
	assert_true(stage_user("alice", &active, profile));
	assert_true(active);
	assert_string_equal(json_text(stage_report("user", profile, END), "username"), "alice");
	assert_false(stage_user("carol", &active, NULL));
	stage_refused(ERR_GONE, "no user is named \"carol\"");
}

/* A name ends up in web paths and tables: nothing odd may get in, and the reason must be told. */
static void odd_users_are_refused(void **state)
{
	static const char *const names[] = { "a b", "a/b", "..", "\xc3\xa4",
					     "012345678901234567890123456789012345678901234567890" };
	static const char *const emails[] = { "x", "@x", "x@", "a@b@c", "a b@c" };

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		assert_null(stage_act("user_add", names[i], END));
		stage_refused(ERR_REFUSED, "user name");
	}
	for (size_t i = 0; i < sizeof(emails) / sizeof(emails[0]); i++) {
		assert_null(stage_act("user_add", "x", NULL, emails[i], END));
		stage_refused(ERR_REFUSED, "email address");
	}
	assert_null(stage_act("user_add", "x", NULL, NULL, "king", END));
	stage_refused(ERR_REFUSED, "member, operator or owner");
	assert_null(stage_act("user_add", "x", " \t", END));
	stage_refused(ERR_REFUSED, "display name");
	assert_null(stage_act("user_add", "x", "\xff", END));
	stage_refused(ERR_REFUSED, "not UTF-8");
	assert_null(stage_act("user_add", END));
	stage_refused(ERR_REFUSED, "user name is missing");
	assert_int_equal(json_array_size(stage_report("users", END)), 0);
}

/* A switched-off person must be told so politely, which needs the profile and not an unknown key. */
static void a_user_is_switched_off_and_on(void **state)
{
	bool active;

	(void)state;
	stage_act("user_add", "alice", END);
	assert_non_null(stage_act("key_add", "alice", "laptop", "k1", HASH_A, END));
	assert_non_null(stage_act("user_status", "alice", "disabled", END));
	assert_true(stage_key(HASH_A, &active, NULL));
	assert_false(active);
	assert_string_equal(stage_at(stage_report("users", END), 0, "status"), "disabled");
	assert_non_null(stage_act("user_status", "alice", "active", END));
	assert_true(stage_key(HASH_A, &active, NULL));
	assert_true(active);
	assert_null(stage_act("user_status", "alice", "asleep", END));
	stage_refused(ERR_REFUSED, "active or disabled");
	assert_null(stage_act("user_status", "carol", "active", END));
	stage_refused(ERR_GONE, "carol");
	assert_non_null(stage_act("user_role", "alice", "operator", END));
	assert_string_equal(stage_at(stage_report("users", END), 0, "role"), "operator");
	assert_null(stage_act("user_role", "alice", "god", END));
	stage_refused(ERR_REFUSED, "role");
}

/* A revoked key must fail at the very next request; a replaced one likewise. */
static void keys_come_and_go(void **state)
{
	bool active;

	(void)state;
	stage_act("user_add", "alice", END);
	assert_non_null(stage_act("key_add", "alice", "laptop", "k1", HASH_A, END));
	assert_null(stage_act("key_add", "alice", "laptop", "k2", HASH_B, END));
	stage_refused(ERR_REFUSED, "has a key named \"laptop\"");
	assert_true(stage_key(HASH_A, &active, NULL)); /* the refused one changed nothing */
	assert_non_null(stage_act("key_replace", "alice", "laptop", "k2", HASH_B, END));
	assert_false(stage_key(HASH_A, &active, NULL));
	stage_refused(ERR_GONE, "not known, or revoked");
	assert_true(stage_key(HASH_B, &active, NULL));
	assert_non_null(stage_act("key_revoke", "k2", END));
	assert_false(stage_key(HASH_B, &active, NULL));
	assert_null(stage_act("key_revoke", "k9", END));
	stage_refused(ERR_GONE, "k9");
	assert_int_equal(json_array_size(stage_report("keys", "alice", END)), 2);
	assert_null(stage_act("key_add", "carol", "x", "k3", HASH_A, END));
	stage_refused(ERR_GONE, "carol");
}

/* The key itself must never reach the database, not even by a caller's mistake. */
static void only_hashes_are_kept(void **state)
{
	(void)state;
	stage_act("user_add", "alice", END);
	assert_null(stage_act("key_add", "alice", "x", "k1", "usher_key_in_the_clear", END));
	stage_refused(ERR_REFUSED, "SHA-256");
	assert_null(stage_act("key_add", "alice", " ", "k1", HASH_A, END));
	stage_refused(ERR_REFUSED, "name");
}

/* An operator looks at the last use before revoking a key. */
static void the_last_use_of_a_key_is_noted(void **state)
{
	bool active;

	(void)state;
	stage_act("user_add", "alice", END);
	stage_act("key_add", "alice", "x", "k1", HASH_A, END);
	assert_null(stage_at(stage_report("keys", END), 0, "last_used_at"));
	stage_key(HASH_A, &active, NULL);
	stage_act("user_role", "alice", "member", END); /* the note rides with the next commit */
	assert_non_null(stage_at(stage_report("keys", END), 0, "last_used_at"));
}

#define PAIR(CODE, SENDER, EXPIRES)                                                                          \
	"INSERT INTO pairing_codes (code, org_id, platform, installation, external_user_id, display_name, "  \
	"expires_at)"                                                                                        \
	" VALUES ('" CODE "', '" ORG "', 'webhook', 'crm', '" SENDER "', 'Dora', '" EXPIRES "');"

static void strangers_are_let_in(void **state)
{
	char profile[40];
	json_t *done;

	(void)state;
	stage_script(PAIR("ACDE3467", "dora", "2999-01-01T00:00:00.000Z")
			     PAIR("HJKM3467", "dora", "2999-01-01T00:00:00.000Z")
				     PAIR("TTTT7777", "emil", "2000-01-01T00:00:00.000Z"));
	assert_int_equal(json_array_size(stage_report("pairs", END)), 2); /* the expired one is not shown */
	done = stage_act("pair_approve", "acde-3467", END);
	assert_non_null(done);
	snprintf(profile, sizeof(profile), "%s", json_text(done, "profile_id"));
	assert_string_equal(json_text(stage_report("user", profile, END), "identities"), "webhook/crm");
	assert_int_equal(json_array_size(stage_report("pairs", END)), 0); /* dora's other code has served */
	assert_null(stage_act("pair_approve", "ACDE3467", END));
	stage_refused(ERR_REFUSED, "approved before");
	assert_null(stage_act("pair_approve", "HJKM3467", END));
	stage_refused(ERR_REFUSED, "dropped");
	assert_null(stage_act("pair_approve", "TTTT7777", END));
	stage_refused(ERR_REFUSED, "expired");
	assert_null(stage_act("pair_approve", "NNNNNNNN", END));
	stage_refused(ERR_GONE, "nobody waits");
}

/* The same person on a second platform: one profile, not two. */
static void a_stranger_becomes_a_known_user(void **state)
{
	json_t *users;

	(void)state;
	stage_act("user_add", "alice", END);
	stage_script(PAIR("ACDE3467", "U123", "2999-01-01T00:00:00.000Z")
			     PAIR("HJKM3467", "emil", "2999-01-01T00:00:00.000Z"));
	assert_null(stage_act("pair_approve", "ACDE3467", "nobody", END));
	stage_refused(ERR_GONE, "nobody");
	assert_non_null(stage_act("pair_approve", "ACDE3467", "alice", "alice", END));
	users = stage_report("users", END);
	assert_int_equal(json_array_size(users), 1);
	assert_string_equal(stage_at(users, 0, "identities"), "api/chat, webhook/crm");
	assert_non_null(stage_act("pair_drop", "HJKM3467", END));
	assert_int_equal(json_array_size(stage_report("pairs", END)), 0);
	assert_int_equal(json_array_size(stage_report("users", END)), 1);
}

/* The command line sends whatever was typed: each mistake needs a sentence, none may end in a crash. */
static void unknown_names_and_arguments(void **state)
{
	(void)state;
	assert_null(stage_report("passwords", END));
	stage_refused(ERR_GONE, "no report");
	assert_null(stage_act("format_disk", END));
	stage_refused(ERR_GONE, "no act");
	assert_null(stage_report("users", "1", END));
	stage_refused(ERR_REFUSED, "0 arguments at most");
	assert_null(stage_act("pair_drop", "1", "2", "3", "4", "5", "6", "7", "8", "9", "10", END));
	stage_refused(ERR_REFUSED, "at most");
	assert_null(stage_report("conversations", NULL, NULL, "0", END));
	stage_refused(ERR_REFUSED, "limit");
	assert_null(stage_report("conversations", NULL, NULL, "1x", END));
	stage_refused(ERR_REFUSED, "limit");
	assert_null(stage_report("conversations", NULL, NULL, NULL, "999999999999999999999999", END));
	stage_refused(ERR_REFUSED, "before: a whole number");
	assert_null(stage_report("usage", "colour", END));
	stage_refused(ERR_REFUSED, "colour");
	assert_int_equal(json_array_size(stage_report("installations", END)), 0);
}

int main(void)
{
#define ON_STAGE(TEST) cmocka_unit_test_setup_teardown(TEST, stage_open, stage_close)
	const struct CMUnitTest tests[] = {
		ON_STAGE(users_are_added_once),		 ON_STAGE(odd_users_are_refused),
		ON_STAGE(a_user_is_switched_off_and_on), ON_STAGE(keys_come_and_go),
		ON_STAGE(only_hashes_are_kept),		 ON_STAGE(the_last_use_of_a_key_is_noted),
		ON_STAGE(strangers_are_let_in),		 ON_STAGE(a_stranger_becomes_a_known_user),
		ON_STAGE(unknown_names_and_arguments),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
