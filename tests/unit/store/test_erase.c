/* A person asks to be forgotten: nothing of what they said or were told is left, in no table and in no byte of the files,
 * and the record is still proved. */
#include "asking.h"
#include "buf.h"
#include "store_people.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What only ann says, and what only bob says. */
#define HERS "Zanzibar4711"
#define HIS  "Quito0815"

static int open_case(void **state)
{
	struct asking *a = asking_create();

	asking_know(a, "ann");
	asking_know(a, "bob");
	*state = a;
	return 0;
}

static int close_case(void **state)
{
	asking_destroy(*state);
	return 0;
}

static const char *act(struct asking *a, const char *name, const char *const *args, size_t count)
{
	const char *answer = ask_act(a, name, args, count);

	assert_int_equal(a->err.kind, ERR_NONE);
	return answer;
}

static const char *verify(struct asking *a)
{
	const char *answer = ask_report(
		a, "audit_verify",
		(const char *const[]){ "00000000-0000-7000-8000-000000000001", NULL, NULL, NULL, NULL }, 5);

	assert_int_equal(a->err.kind, ERR_NONE);
	return answer;
}

static void talk(struct asking *a, const char *who, const char *key, const char *word)
{
	char asked[256] = "", answered[256];
	struct incoming in = says(who, who, key, asked);
	const struct store_accepted *got;
	const struct message_file file = { .url = asked, .name = asked, .size = 3 };

	snprintf(asked, sizeof(asked), "what about %s?", word);
	snprintf(answered, sizeof(answered), "%s it is", word);
	in.sender_name = asked;
	in.fingerprint = asked;
	in.files = &file;
	in.file_count = 1;
	got = ask_accept(a, &in, true);
	assert_non_null(got->turn);
	const struct ai_attempt attempt = { .provider = "p",
					    .model = "m",
					    .input = asked,
					    .output = answered,
					    .input_tokens = 1,
					    .output_tokens = 1,
					    .cached_tokens = -1,
					    .cost_micros = 1,
					    .first_token_ms = -1 };
	const struct ai_result result = { .text = answered,
					  .tool_calls = "[]",
					  .raw = answered,
					  .request = "{\"files\":[\"" HERS "\"]}",
					  .attempts = &attempt,
					  .attempt_count = 1 };
	const struct store_answer answer = {
		.turn_id = got->turn->id, .state = MESSAGE_ANSWERED, .text = answered, .result = &result
	};
	const struct store_answer plain = { .turn_id = got->turn->id,
					    .state = MESSAGE_ANSWERED,
					    .text = answered,
					    .result = &(struct ai_result){ .text = answered,
									   .tool_calls = "[]",
									   .attempts = &attempt,
									   .attempt_count = 1 } };

	ask_answer(a, strcmp(word, HERS) == 0 ? &answer : &plain);
	assert_int_equal(a->err.kind, ERR_NONE);
}

/* Rows that a turn does not make by itself. $w: the word, $p: the profile. */
static void leave(struct asking *a, const char *sender, const char *word, const char *code)
{
	static const char *const sql[] = {
		"INSERT INTO tasks (org_id, user_id, title, description) SELECT org_id, id, '%s', '%s' FROM "
		"user_profiles WHERE id = '%s'",
		"INSERT INTO task_calls (call_key, user_id, result) SELECT substr('%s', 12) || id, id, "
		"'{\"title\":\"%s\"}' "
		"FROM user_profiles WHERE id = '%s'",
		"INSERT INTO conversation_summaries (conversation_id, upto_turn_id, text, \"llmTaskId\")"
		" SELECT \"llmConversationId\", id, '%s', \"llmTaskId\" FROM \"LLMConversationMessage\""
		" WHERE '%s' <> '' AND \"userId\" = '%s' AND \"llmTaskId\" IS NOT NULL LIMIT 1",
		"INSERT INTO \"LLMAgentImport\" (\"userId\", \"userCompanyId\", \"inputFileName\", "
		"\"outputContent\", \"inboxId\", \"fileIndex\") SELECT profile_id, org_id, '%s', '%s', id, 7"
		" FROM inbox WHERE profile_id = '%s' LIMIT 1",
		"INSERT INTO \"LLMAgentImport\" (\"userId\", \"userCompanyId\", \"inputFileName\", "
		"\"errorMessage\") SELECT id, org_id, '%s', '%s' FROM user_profiles WHERE id = '%s'",
		"INSERT INTO knowledge (import_id, ord, place, text) SELECT max(id), 0, '%s', '%s' FROM "
		"\"LLMAgentImport\" WHERE \"userId\" = '%s' AND \"processingStatus\" = 'failed'",
		"INSERT INTO knowledge_words (rowid, words) SELECT max(id), '%s more' FROM knowledge WHERE "
		"'%s' <> '%s'",
		"UPDATE \"LLMConversation\" SET title = '%s %s' WHERE \"userId\" = '%s'",
		"INSERT INTO inbox (uuid, org_id, platform, installation, delivery_key, sender, body, state, "
		"reason, finished_at, kind) SELECT substr('%s' || hex(randomblob(30)), 20, 36), org_id, "
		"platform, installation, hex(randomblob(8)), sender, '%s', 'ignored', 'late', "
		"received_at, 'edited' FROM inbox WHERE profile_id = '%s' LIMIT 1",
		"UPDATE \"LLMTask\" SET \"errorMessage\" = '%s %s' WHERE id IN (SELECT \"llmTaskId\" FROM "
		"\"LLMConversationMessage\" WHERE \"userId\" = '%s')",
		"UPDATE outbox SET state = 'sent', sent_at = created_at, choices = '[{\"label\":\"%s%s\"}]'"
		" WHERE turn_id IN (SELECT id FROM \"LLMConversationMessage\" WHERE \"userId\" = '%s')",
		"INSERT INTO outbox (uuid, org_id, \"llmConversationId\", platform, installation, reply_to, "
		"body, state, sent_at, expires_at) SELECT substr('%s' || hex(randomblob(30)), 20, 36), "
		"\"userCompanyId\", id, 'webhook', 'crm', 'there', '%s', 'sent', '2026', '2026' FROM "
		"\"LLMConversation\" WHERE \"userId\" = '%s'",
		"INSERT INTO ai_agent_interactions (org_id, user_id, agent_name, interaction_type, input, "
		"output) SELECT org_id, id, 'x', 'chat', '%s', '%s' FROM user_profiles WHERE id = '%s'",
	};
	char find[200], text[1024];
	const char *profile;

	snprintf(find, sizeof(find), "SELECT profile_id FROM inbox WHERE sender = '%s' LIMIT 1", sender);
	profile = asking_text(a, find);
	for (size_t i = 0; i < sizeof(sql) / sizeof(sql[0]); i++) {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
		snprintf(text, sizeof(text), sql[i], word, word, profile);
#pragma GCC diagnostic pop
		asking_sql(a, text);
	}
	snprintf(text, sizeof(text),
		 "INSERT INTO approvals (code, org_id, profile_id, turn_id, platform, installation, tool, "
		 "arguments, hash, expires_at) SELECT '%s', p.org_id, p.id, m.id, 'webhook', 'crm', 'mail', "
		 "'{\"to\":\"%s\"}', '%064d', '2999' FROM user_profiles p JOIN \"LLMConversationMessage\" m "
		 "ON m.\"userId\" = p.id WHERE p.id = '%s' LIMIT 1",
		 code, word, 7, profile);
	asking_sql(a, text);
}

/* Every column of every table, also of those that will come. The names of the places where the word stands. */
static const char *where_is(struct asking *a, const char *word)
{
	const char *sql = asking_text(
		a, "SELECT 'SELECT ' || group_concat('(SELECT CASE WHEN count(*) > 0 THEN ''' || t.name || "
		   "'.' || c.name || ' '' ELSE '''' END FROM \"' || t.name || '\" WHERE instr(CAST(\"' || "
		   "c.name || '\" AS TEXT), ''WORD'') > 0)', ' || ') FROM sqlite_schema t JOIN "
		   "pragma_table_info(t.name) c WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite_%'");
	struct buf text = { 0 };
	const char *at;
	const char *found;

	while ((at = strstr(sql, "WORD")) != NULL) {
		buf_add(&text, sql, (size_t)(at - sql));
		buf_text(&text, word);
		sql = at + strlen("WORD");
	}
	buf_text(&text, sql);
	found = asking_text(a, buf_str(&text));
	buf_free(&text);
	return found;
}

static void erase(struct asking *a, const char *what, const char *id)
{
	bool more = true;

	while (more)
		more = strstr(act(a, "audit_erase",
				  (const char *const[]){ what, id, "asked for on paper", "boss" }, 4),
			      "\"more\":true") != NULL;
}

static void nothing_of_a_person_is_left(void **state)
{
	struct asking *a = *state;
	char key[32];

	for (int i = 0; i < 40; i++) {
		snprintf(key, sizeof(key), "a%d", i);
		talk(a, "ann", key, HERS);
		snprintf(key, sizeof(key), "b%d", i);
		talk(a, "bob", key, HIS);
	}
	leave(a, "ann", HERS, "AAAAAAAA");
	leave(a, "bob", HIS, "BBBBBBBB");
	asking_sql(a, "UPDATE user_profiles SET language = 'sw'");
	for (const char *const *table =
		     (const char *const[]){ "tasks.", "task_calls.", "approvals.arguments",
					    "conversation_summaries.", "LLMAgentImport.",
					    "LLMConversation.title", "inbox.body", "inbox.sender_name",
					    "inbox.fingerprint", "outbox.body", "outbox.choices", "LLMTask.",
					    "ai_agent_interactions.input", NULL };
	     *table; table++)
		if (strstr(where_is(a, HERS), *table) == NULL)
			fail_msg("the test leaves nothing in %s: %s", *table, where_is(a, HERS));
	assert_true(asking_bytes(a, HERS) > 0);
	assert_true(asking_bytes(a, "zanzibar4711") > 0); /* as the index of words has it */
	erase(a, "user", asking_text(a, "SELECT profile_id FROM inbox WHERE sender = 'ann' LIMIT 1"));
	assert_string_equal(where_is(a, HERS), "");
	assert_int_equal(asking_bytes(a, HERS), 0);
	assert_int_equal(asking_bytes(a, "zanzibar4711"), 0);
	assert_int_equal(asking_int(a, "SELECT count(*) FROM knowledge_words"), 1);
	assert_int_equal(asking_int(a, "SELECT count(*) FROM user_profiles WHERE language = 'sw'"),
			 asking_int(a, "SELECT count(*) - 1 FROM user_profiles"));
	assert_string_equal(asking_text(a, "SELECT state FROM approvals WHERE code = 'AAAAAAAA'"), "denied");
	assert_string_equal(asking_text(a, "SELECT state FROM approvals WHERE code = 'BBBBBBBB'"), "pending");
	assert_int_equal(asking_int(a, "SELECT count(*) FROM tasks"), 1);
	assert_int_equal(asking_int(a, "SELECT count(*) FROM inbox WHERE body LIKE '%" HIS "%'"), 41);
	/* The rows put beside the chain by hand are two findings of their own. */
	assert_non_null(strstr(verify(a), "\"found\":2,"));
}

/* What a channel's other speakers were told before they asked is theirs only in part. */
static void others_do_not_quote_the_erased(void **state)
{
	struct asking *a = *state;

	talk(a, "ann", "a1", HERS);
	talk(a, "bob", "b1", HIS);
	asking_sql(a, "UPDATE \"LLMConversationMessage\" SET \"llmConversationId\" = (SELECT "
		      "min(\"llmConversationId\") FROM \"LLMConversationMessage\")");
	asking_sql(a, "UPDATE \"LLMConversationMessage\" SET \"structuredUserPrompt\" = '{\"context\":\"ann: "
		      "" HERS "\",\"request\":{}}' WHERE \"userPrompt\" LIKE '%" HIS "%'");
	asking_sql(a, "UPDATE \"LLMTask\" SET \"llmRawPrompt\" = '" HERS "'");
	asking_sql(a, "UPDATE outbox SET state = 'sent', sent_at = created_at");
	erase(a, "user", asking_text(a, "SELECT profile_id FROM inbox WHERE sender = 'ann' LIMIT 1"));
	assert_string_equal(where_is(a, HERS), "");
	assert_int_equal(asking_bytes(a, HERS), 0);
	assert_non_null(strstr(where_is(a, HIS), "LLMConversationMessage.userPrompt"));
	assert_non_null(strstr(verify(a), "\"found\":0,"));
}

/* A reply that is on its way is told of: the operator asks again when it has gone. */
static void what_is_under_way_is_told(void **state)
{
	struct asking *a = *state;
	const char *profile, *answer;

	talk(a, "ann", "a1", HERS);
	profile = asking_text(a, "SELECT profile_id FROM inbox WHERE sender = 'ann' LIMIT 1");
	assert_int_equal(asking_int(a, "SELECT count(*) FROM outbox WHERE state IN ('pending', 'sending')"),
			 1);
	answer = act(a, "audit_erase", (const char *const[]){ "user", profile, "x", "boss" }, 4);
	assert_non_null(strstr(answer, "\"waiting\":1"));
	asking_sql(a, "UPDATE outbox SET state = 'sent', sent_at = created_at");
	answer = act(a, "audit_erase", (const char *const[]){ "user", profile, "x", "boss" }, 4);
	assert_non_null(strstr(answer, "\"waiting\":0"));
	assert_string_equal(where_is(a, HERS), "");
	assert_int_equal(asking_bytes(a, HERS), 0);
}

static void nothing_of_a_conversation_is_left(void **state)
{
	struct asking *a = *state;

	for (int i = 0; i < 20; i++) {
		char key[32];

		snprintf(key, sizeof(key), "a%d", i);
		talk(a, "ann", key, HERS);
	}
	talk(a, "bob", "b1", HIS);
	asking_sql(a, "UPDATE outbox SET state = 'sent', sent_at = created_at");
	asking_sql(a, "UPDATE \"LLMConversation\" SET title = '" HERS "' WHERE id = (SELECT "
		      "\"llmConversationId\" FROM inbox WHERE sender = 'ann' LIMIT 1)");
	erase(a, "conversation",
	      asking_text(
		      a,
		      "SELECT CAST(\"llmConversationId\" AS TEXT) FROM inbox WHERE sender = 'ann' LIMIT 1"));
	assert_string_equal(where_is(a, HERS), "");
	assert_int_equal(asking_bytes(a, HERS), 0);
	assert_true(asking_bytes(a, HIS) > 0);
	assert_non_null(strstr(verify(a), "\"found\":0,"));
}

#define CASE(NAME) cmocka_unit_test_setup_teardown(NAME, open_case, close_case)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(nothing_of_a_person_is_left),
		CASE(others_do_not_quote_the_erased),
		CASE(what_is_under_way_is_told),
		CASE(nothing_of_a_conversation_is_left),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
