/* The record of interactions as a chain: what an operator must be told when somebody edited the file. */
#include "audit_stage.h"
#include "crypto.h"
#include "json.h"
#include <stdio.h>
#include <string.h>

/* Nobody who reads the report may be alarmed by the daemon's own work. */
static void what_is_written_is_proved(void **state)
{
	struct asking *a = *state;

	audit_fine(a);
	audit_talk(a, 5);
	audit_fine(a);
	asking_crash(a);
	ask_recover(a, "webhook");
	audit_talk(a, 2);
	audit_fine(a);
	assert_int_equal(asking_int(a, "SELECT seq FROM audit_heads"), 7);
}

/* An operator who writes down the rules of docs/audit.md must come to the same hash. */
static void the_rules_are_those_of_the_book(void **state)
{
	struct asking *a = *state;

	audit_talk(a, 1);
	assert_int_equal(asking_int(a,
				    "SELECT length(hash) + length(content_hash) + length(content_salt) FROM"
				    " ai_agent_interactions"),
			 64 + 64 + 32);
	{
		const char *form = asking_text(
			a, "SELECT 't32:' || content_salt || 't12:secret words' || 't9:an answer' FROM"
			   " ai_agent_interactions");
		char hash[65];

		crypto_sha256_hex(form, strlen(form), hash);
		assert_string_equal(hash, asking_text(a, "SELECT content_hash FROM ai_agent_interactions"));
	}
	{
		const char *form = asking_text(
			a,
			"SELECT printf('%064d', 0) || 'i1;' || 't36:' || org_id || 't36:' || id || 't36:' ||"
			" user_id || 't9:assistant' || 't4:chat' || 't1:m' || 'i5;' || 't8:0.000012' || 'i5;'"
			" || 'i1;' || 'n' || 't' || length(metadata) || ':' || metadata || 't24:' || "
			"created_at"
			" || 't1:p' || 't7:webhook' || 'i3;i2;n' || 'i12;' || 'n' || 't2:r1' || 'i0;' ||"
			" content_hash FROM ai_agent_interactions");
		char hash[65];

		crypto_sha256_hex(form, strlen(form), hash);
		assert_string_equal(hash, asking_text(a, "SELECT hash FROM ai_agent_interactions"));
	}
}

static void changes_are_found(void **state)
{
	struct asking *a = *state;

	audit_talk(a, 8);
	asking_sql(a, "UPDATE ai_agent_interactions SET output = 'another' WHERE seq = 3");
	audit_found(a, 1, 3, "input or output");
	asking_sql(a, "UPDATE ai_agent_interactions SET output = 'an answer' WHERE seq = 3");
	audit_fine(a);
	asking_sql(a, "UPDATE ai_agent_interactions SET cost_micros = 1 WHERE seq = 5");
	audit_found(a, 1, 5, "does not follow");
	asking_sql(a, "UPDATE ai_agent_interactions SET cost_micros = 12 WHERE seq = 5");
	asking_sql(a, "UPDATE ai_agent_interactions SET input = NULL, output = NULL, content_salt = NULL,"
		      " erased_by = 8 WHERE seq = 2");
	audit_found(a, 1, 2, "no erasure on record");
}

/* A comparison that ends at a NUL would not see it; sha256sum would. */
static void what_hides_behind_a_nul_is_found(void **state)
{
	static const char *const columns[] = { "hash", "content_hash", "content_salt" };
	struct asking *a = *state;
	char sql[256];

	audit_talk(a, 8);
	for (int i = 0; i < 3; i++) {
		snprintf(sql, sizeof(sql),
			 "UPDATE ai_agent_interactions SET %s = %s || char(0) || 'note' WHERE seq = %d",
			 columns[i], columns[i], i + 2);
		asking_sql(a, sql);
		audit_found(a, i + 1, i + 2, "stands behind");
	}
}

static void what_is_removed_is_found(void **state)
{
	struct asking *a = *state;

	audit_talk(a, 9);
	asking_sql(a, "DELETE FROM ai_agent_interactions WHERE seq IN (4, 5)");
	audit_found(a, 1, 4, "removed: rows 4 to 5");
	asking_sql(a, "DELETE FROM ai_agent_interactions WHERE seq >= 8");
	audit_found(a, 2, 8, "removed: rows 8 to 9 at the end");
	audit_talk(a, 1); /* and the service goes on */
	audit_found(a, 2, 8, "removed: rows 8 to 9");
	asking_sql(a, "DELETE FROM audit_heads");
	audit_found(a, 3, 10, "the mark of where the chain ends");
	audit_talk(a, 1);
	assert_int_equal(asking_int(a, "SELECT max(seq) FROM ai_agent_interactions"), 11);
}

/* Whoever renumbers what is left, too, is told on. */
static void renumbering_does_not_help(void **state)
{
	struct asking *a = *state;

	audit_talk(a, 9);
	asking_sql(a, "DELETE FROM ai_agent_interactions WHERE seq = 4;"
		      "UPDATE ai_agent_interactions SET seq = seq + 99 WHERE seq > 4;"
		      "UPDATE ai_agent_interactions SET seq = seq - 100 WHERE seq > 100;"
		      "UPDATE audit_heads SET seq = 8");
	audit_found(a, 2, 5, "removed: 1 row(s) before this one");
}

static void what_is_inserted_is_found(void **state)
{
	struct asking *a = *state;

	audit_talk(a, 6);
	asking_sql(a,
		   "UPDATE ai_agent_interactions SET seq = seq + 101 WHERE seq > 3;"
		   "UPDATE ai_agent_interactions SET seq = seq - 100 WHERE seq > 100;"
		   "INSERT INTO ai_agent_interactions (org_id, agent_name, interaction_type, seq, hash,"
		   " content_hash, input, output, content_salt) SELECT org_id, 'assistant', 'chat', 4, hash,"
		   " content_hash, input, output, content_salt FROM ai_agent_interactions WHERE seq = 3;"
		   "UPDATE audit_heads SET seq = 7");
	audit_found(a, 2, 4, "does not follow");
	audit_found(a, 2, 5, "inserted: 1 row(s) before this one");
}

static void what_is_put_at_the_end_is_found(void **state)
{
	struct asking *a = *state;

	audit_talk(a, 2);
	asking_sql(a,
		   "INSERT INTO ai_agent_interactions (org_id, agent_name, interaction_type) SELECT org_id,"
		   " 'x', 'chat' FROM audit_heads");
	audit_found(a, 1, 0, "outside the chain");
	asking_sql(a, "UPDATE ai_agent_interactions SET seq = 3 WHERE seq IS NULL");
	audit_found(a, 3, 3, "inserted: rows 3 to 3 at the end");
}

/* The index that forbids two rows of one number can be taken away, and then the second may hide between two pages. */
static void a_number_that_is_used_twice_is_found(void **state)
{
	struct asking *a = *state;

	audit_talk(a, 3);
	asking_sql(a, "DROP INDEX idx_ai_agent_interactions_seq");
	asking_sql(a, "INSERT INTO ai_agent_interactions (org_id, agent_name, interaction_type, seq, hash,"
		      " content_hash, input, output, content_salt) SELECT org_id, 'x', 'chat', 3, hash,"
		      " content_hash, input, output, content_salt FROM ai_agent_interactions WHERE seq = 2");
	assert_null(strstr(audit_verify(a), "\"found\":0,"));
}

/* Before the first row is nothing, whatever number is written there. */
static void what_is_put_before_the_chain_is_found(void **state)
{
	struct asking *a = *state;

	audit_talk(a, 3);
	asking_sql(a, "PRAGMA ignore_check_constraints = ON;"
		      "INSERT INTO ai_agent_interactions (org_id, agent_name, interaction_type, seq, hash)"
		      " SELECT org_id, 'x', 'chat', -5, hash FROM ai_agent_interactions WHERE seq = 2");
	audit_found(a, 1, -5, "before the beginning");
	asking_sql(a, "DELETE FROM ai_agent_interactions WHERE seq = -5");
	asking_sql(a,
		   "UPDATE ai_agent_interactions SET created_at = '2020-01-01T00:00:00.000Z' WHERE seq <= 2");
	audit_retain(a, 0, 30);
	audit_fine(a);
	asking_sql(a, "INSERT INTO ai_agent_interactions (org_id, agent_name, interaction_type, seq, hash)"
		      " SELECT org_id, 'x', 'chat', 1, hash FROM ai_agent_interactions WHERE seq = 3");
	audit_found(a, 1, 1, "before the beginning");
}

/* A row of one organisation is none of another's, even at the same place. */
static void a_row_moved_to_another_organisation_is_found(void **state)
{
	struct asking *a = *state;

	audit_talk(a, 4);
	asking_sql(
		a,
		"INSERT INTO organizations (id, name) VALUES ('00000000-0000-7000-8000-000000000002', 'x')");
	asking_sql(a, "UPDATE ai_agent_interactions SET org_id = '00000000-0000-7000-8000-000000000002' WHERE"
		      " seq = 1");
	audit_found(a, 1, 1, "removed: rows 1 to 1");
	asking_sql(a, "INSERT INTO audit_heads (org_id, seq, hash) SELECT org_id, seq, hash FROM"
		      " ai_agent_interactions WHERE seq = 1");
	assert_non_null(strstr(ask_report(a, "audit_verify",
					  (const char *const[]){ "00000000-0000-7000-8000-000000000002" }, 1),
			       "does not follow"));
}

/* The note of an erasure can't be changed, nor a text be put where it emptied. */
static void a_changed_note_is_found(void **state)
{
	struct asking *a = *state;

	audit_talk(a, 3);
	ask_act(a, "audit_erase",
		(const char *const[]){
			"user", asking_text(a, "SELECT profile_id FROM inbox WHERE sender = 'ann' LIMIT 1"),
			"she asked for it", "boss" },
		4);
	audit_talk(a, 1);
	audit_fine(a);
	asking_sql(a, "UPDATE ai_agent_interactions SET input = 'she said so' WHERE seq = 2");
	audit_found(a, 1, 2, "holds something again");
	asking_sql(a, "UPDATE ai_agent_interactions SET input = NULL WHERE seq = 2");
	asking_sql(a, "UPDATE ai_agent_interactions SET metadata = json_set(metadata, '$.why', 'just so')"
		      " WHERE interaction_type = 'erasure'");
	audit_found(a, 1, 4, "does not follow");
}

static void what_is_swapped_is_found(void **state)
{
	struct asking *a = *state;

	audit_talk(a, 9);
	asking_sql(a, "UPDATE ai_agent_interactions SET seq = 100 WHERE seq = 3;"
		      "UPDATE ai_agent_interactions SET seq = 3 WHERE seq = 7;"
		      "UPDATE ai_agent_interactions SET seq = 7 WHERE seq = 100");
	audit_found(a, 2, 3, "swapped: it belongs at place 7");
	audit_found(a, 2, 7, "swapped: it belongs at place 3");
}

/* A head that was written down elsewhere tells what the file alone can't: everything behind it was cut off. */
static void a_kept_head_finds_the_cut(void **state)
{
	struct asking *a = *state;
	const char *hash;

	audit_talk(a, 6);
	hash = asking_text(a, "SELECT hash FROM audit_heads");
	assert_non_null(strstr(audit_verify_kept(a, "6", hash), "\"found\":0,"));
	audit_talk(a, 1);
	assert_non_null(strstr(audit_verify_kept(a, "6", hash), "\"found\":0,"));
	asking_sql(a, "DELETE FROM ai_agent_interactions WHERE seq > 4;"
		      "UPDATE audit_heads SET seq = 4, hash = (SELECT hash FROM ai_agent_interactions WHERE"
		      " seq = 4)");
	audit_fine(a);
	assert_non_null(strstr(audit_verify_kept(a, "6", hash), "the chain ended at 6"));
	assert_non_null(strstr(audit_verify_kept(a, "3", hash), "kept elsewhere"));
}

static const struct ai_step call_steps[] = {
	{ .kind = AI_STEP_REPLY,
	  .round = 1,
	  .payload = "{\"text\":null,\"tool_calls\":[{\"id\":\"c1\",\"name\":\"files__read\",\"arguments\":"
		     "\"{}\"},"
		     "{\"id\":\"c2\",\"name\":\"nope\",\"arguments\":\"{\\\"a\\\":1}\"}],\"raw\":null}" },
	{ .kind = AI_STEP_INTENT,
	  .round = 1,
	  .call_id = "c1",
	  .tool = "files__read",
	  .payload = "{\"path\":\"x\"}",
	  .class = "once",
	  .foreign = true },
	{ .kind = AI_STEP_RESULT,
	  .round = 1,
	  .call_id = "c2",
	  .tool = "nope",
	  .failed = true,
	  .payload = "{\"error\":\"unknown tool\"}" },
};

static const char tools_sql[] =
	"SELECT group_concat(json_extract(metadata, '$.tool') || ' ' || input || ' ' || coalesce(output, "
	"'-') ||"
	" ' ' || success || ' ' || coalesce(error_message, '') || ' ' || coalesce(json_extract(metadata,"
	" '$.server'), '') || ' ' || coalesce(json_extract(metadata, '$.class'), ''), '; ') FROM"
	" (SELECT * FROM ai_agent_interactions WHERE interaction_type = 'tool' ORDER BY seq)";

/* Who asks what a tool did finds each call, refused ones too. */
static void tool_calls_are_on_record(void **state)
{
	struct asking *a = *state;
	struct ai_step result = call_steps[1];
	int64_t turn = audit_begin(a, "ann", "t1", "read it");

	ask_journal(a, turn, call_steps, 3, NULL, 0);
	assert_int_equal(a->err.kind, ERR_NONE);
	result.kind = AI_STEP_RESULT;
	result.payload = "{\"text\":\"y\"}";
	ask_journal(a, turn, &result, 1, NULL, 0);
	audit_finish(a, turn, "read it", "y");
	assert_string_equal(asking_text(a, tools_sql),
			    "nope {\"a\":1} {\"error\":\"unknown tool\"} 0 failed  ; "
			    "files__read {\"path\":\"x\"} {\"text\":\"y\"} 1  files once");
	audit_fine(a);
}

/* A call whose outcome nobody knows is on record as that, also when the turn never ends well. */
static void an_unknown_outcome_is_on_record(void **state)
{
	struct asking *a = *state;
	int64_t turn = audit_begin(a, "ann", "t1", "read it");

	ask_journal(a, turn, call_steps, 2, NULL, 0);
	for (int i = 0; i < 3; i++) {
		asking_crash(a);
		ask_recover(a, "webhook");
		ask_claim(a, 1);
	}
	assert_string_equal(asking_text(a, tools_sql), "files__read {\"path\":\"x\"} - 0 outcome unknown  ");
	audit_fine(a);
}

/* A long chain is walked in pages; what was put in on one page is still understood on the next. */
static void pages_join(void **state)
{
	struct asking *a = *state;
	const char *answer;
	char seq[24], shift[24], hash[65];
	struct err err;
	json_t *page;

	audit_talk(a, 2010);
	asking_sql(a, "DELETE FROM ai_agent_interactions WHERE seq = 4;"
		      "UPDATE ai_agent_interactions SET seq = seq + 9999 WHERE seq > 4;"
		      "UPDATE ai_agent_interactions SET seq = seq - 10000 WHERE seq > 10000;"
		      "UPDATE audit_heads SET seq = 2009");
	answer = audit_verify(a);
	page = json_read(answer, strlen(answer), &err);
	assert_true(json_is_false(json_object_get(page, "done")));
	assert_int_equal(json_integer_value(json_object_get(page, "found")), 2);
	snprintf(seq, sizeof(seq), "%d", (int)json_integer_value(json_object_get(page, "seq")));
	snprintf(shift, sizeof(shift), "%d", (int)json_integer_value(json_object_get(page, "shift")));
	snprintf(hash, sizeof(hash), "%s", json_text(page, "hash"));
	json_decref(page);
	answer = ask_report(a, "audit_verify", (const char *const[]){ ORG, seq, hash, NULL, NULL, shift }, 6);
	assert_non_null(strstr(answer, "\"found\":0,\"rows\":9,"));
	assert_non_null(strstr(answer, "\"done\":true"));
}

int main(void)
{
#define CASE(NAME) cmocka_unit_test_setup_teardown(NAME, audit_open, audit_close)
	const struct CMUnitTest tests[] = {
		CASE(what_is_written_is_proved),
		CASE(the_rules_are_those_of_the_book),
		CASE(changes_are_found),
		CASE(what_hides_behind_a_nul_is_found),
		CASE(what_is_removed_is_found),
		CASE(renumbering_does_not_help),
		CASE(what_is_inserted_is_found),
		CASE(what_is_put_at_the_end_is_found),
		CASE(a_number_that_is_used_twice_is_found),
		CASE(what_is_put_before_the_chain_is_found),
		CASE(a_row_moved_to_another_organisation_is_found),
		CASE(a_changed_note_is_found),
		CASE(what_is_swapped_is_found),
		CASE(a_kept_head_finds_the_cut),
		CASE(tool_calls_are_on_record),
		CASE(an_unknown_outcome_is_on_record),
		CASE(pages_join),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
