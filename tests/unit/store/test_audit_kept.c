/* What stays of the record of interactions, and leaves with an export: erasure and retention break no proof. */
#include "audit_stage.h"
#include "json.h"
#include <string.h>

/* Somebody's words go from every table; others' stay, and the record is still proved. */
static void erasure_keeps_the_chain(void **state)
{
	static const struct ai_step intent = { .kind = AI_STEP_INTENT,
					       .round = 1,
					       .call_id = "c1",
					       .tool = "files__read",
					       .payload = "{\"path\":\"x\"}",
					       .class = "once" };
	struct asking *a = *state;
	const char *profile;
	const char *answer;

	audit_talk(a, 3);
	audit_finish(a, audit_begin(a, "bob", "b1", "bob's words"), "bob's words", "to bob");
	profile = asking_text(a, "SELECT profile_id FROM inbox WHERE sender = 'ann' LIMIT 1");
	ask_journal(a, audit_begin(a, "ann", "s1", "secret words"), &intent, 1, NULL, 0); /* goes on */
	asking_sql(a, "UPDATE outbox SET state = 'sent', sent_at = created_at");
	answer = ask_act(a, "audit_erase",
			 (const char *const[]){ "user", profile, "she asked for it", "boss" }, 4);
	assert_int_equal(a->err.kind, ERR_NONE);
	assert_non_null(strstr(answer, "\"waiting\":1"));
	assert_non_null(strstr(answer, "\"more\":false"));
	assert_int_equal(
		asking_int(a,
			   "SELECT (SELECT count(*) FROM ai_agent_interactions WHERE input LIKE '%secret%' OR"
			   " output LIKE '%an answer%') + (SELECT count(*) FROM \"LLMConversationMessage\""
			   " WHERE (\"userPrompt\" LIKE '%secret%' OR \"llmParsedOutput\" LIKE '%an answer%')"
			   " AND \"answeredAt\" IS NOT NULL) + (SELECT count(*) FROM inbox WHERE body LIKE"
			   " '%secret%' AND state = 'answered') + (SELECT count(*) FROM \"LLMTask\" WHERE"
			   " \"llmStructuredOutput\" LIKE '%an answer%')"),
		0);
	assert_int_equal(asking_int(a, "SELECT count(*) FROM ai_agent_interactions WHERE output = 'to bob'"),
			 1);
	assert_string_equal(
		asking_text(
			a, "SELECT json_extract(metadata, '$.why') || ', ' || json_extract(metadata, '$.who')"
			   " || ', ' || json_extract(metadata, '$.rows') || ', ' || json_extract(metadata,"
			   " '$.seqs') FROM ai_agent_interactions WHERE interaction_type = 'erasure'"),
		"she asked for it, boss, 3, 1-3");
	audit_fine(a);
	asking_sql(a, "UPDATE ai_agent_interactions SET output = 'made up' WHERE seq = 2");
	audit_found(a, 1, 2, "holds something again");
	asking_sql(a, "UPDATE ai_agent_interactions SET output = NULL, input = '(deleted by its author)' ||"
		      " char(0) || 'x' WHERE seq = 2");
	audit_found(a, 1, 2, "holds something again");
}

/* Old rows are not made by waiting: the clock of the record is set back, which is a change, so each row is proved by
 * what retention leaves. */
static void retention_keeps_the_rest_provable(void **state)
{
	struct asking *a = *state;

	audit_talk(a, 4);
	audit_retain(a, 1, 1);
	assert_int_equal(asking_int(a, "SELECT count(*) FROM ai_agent_interactions"), 4);
	asking_sql(a,
		   "UPDATE ai_agent_interactions SET created_at = '2020-01-01T00:00:00.000Z' WHERE seq <= 2");
	audit_retain(a, 1, 0);
	assert_int_equal(
		asking_int(a, "SELECT count(*) FROM ai_agent_interactions WHERE input IS NULL AND seq <= 2"),
		2);
	assert_int_equal(asking_int(a, "SELECT count(*) FROM ai_agent_interactions WHERE output IS NOT NULL"),
			 2);
	audit_retain(a, 1, 0); /* not twice */
	assert_int_equal(asking_int(a, "SELECT max(seq) FROM ai_agent_interactions"), 5);
	audit_retain(a, 0, 1);
	assert_int_equal(asking_int(a, "SELECT min(seq) FROM ai_agent_interactions"), 3);
	audit_fine(a);
	audit_talk(a, 1);
	audit_fine(a);
	asking_sql(a,
		   "DELETE FROM ai_agent_interactions WHERE seq = 3; UPDATE audit_heads SET pruned_seq = 3,"
		   " pruned_hash = (SELECT hash FROM ai_agent_interactions WHERE seq = 4)");
	audit_found(a, 2, 3, "the mark of what retention dropped");
}

/* An export goes through everything once, whatever the size of a page. */
static void the_export_is_whole(void **state)
{
	struct asking *a = *state;
	const char *answer;
	struct err err;
	json_t *page;

	audit_talk(a, 1003);
	answer = ask_report(a, "audit_export", (const char *const[]){ ORG }, 1);
	page = json_read(answer, strlen(answer), &err);
	assert_int_equal(json_array_size(json_object_get(page, "rows")), 1000);
	answer = ask_report(
		a, "audit_export",
		(const char *const[]){ ORG, NULL, NULL,
				       json_string_value(json_array_get(json_object_get(page, "next"), 0)),
				       json_string_value(json_array_get(json_object_get(page, "next"), 1)) },
		5);
	json_decref(page);
	page = json_read(answer, strlen(answer), &err);
	assert_int_equal(json_array_size(json_object_get(page, "rows")), 3);
	assert_true(json_is_null(json_object_get(page, "next")));
	json_decref(page);
	answer = ask_report(a, "audit_export", (const char *const[]){ ORG, "2999-01-01" }, 2);
	assert_non_null(strstr(answer, "\"rows\":[]"));
}

int main(void)
{
#define CASE(NAME) cmocka_unit_test_setup_teardown(NAME, audit_open, audit_close)
	const struct CMUnitTest tests[] = {
		CASE(erasure_keeps_the_chain),
		CASE(retention_keeps_the_rest_provable),
		CASE(the_export_is_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
