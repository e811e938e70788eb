/* An operator who knows the documents must find every table, column, default, constraint and index of them in
 * a fresh database. The documents are read when they lie beside the tree, else what was read from them
 * before. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "crypto.h"
#include "db.h"
#include "mem.h"
#include "seeds.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { FACTS_LEAST = 200 };

static const char fixture_path[] = "tests/fixtures/seeds/facts.txt";

struct fixture {
	char dir[32];
	struct db *db;
	struct buf facts;
};

/* ---- asking the database ------------------------------------------------------------------------ */

static int64_t count(struct db *db, const char *sql, const char *a, const char *b, const char *c)
{
	struct err err = { 0 };
	const char *const args[] = { a, b, c };
	struct query query;
	int64_t number = -1;

	db_query_texts(db, &query, sql, args, c ? 3 : b ? 2 : 1);
	if (db_row(&query))
		number = db_int(&query, 0);
	if (!db_end(&query, &err))
		fail_msg("%s", err.text);
	return number;
}

static bool is_view(struct db *db, const char *table)
{
	return count(db, "SELECT count(*) FROM sqlite_master WHERE type = 'view' AND name = $1", table, NULL,
		     NULL) == 1;
}

/* "id" of the views is the number; the uuid the document means stands beside it. */
static bool view_column(struct db *db, const char *table, const char *name, const char *type)
{
	static const char sql[] = "SELECT count(*) FROM pragma_table_xinfo($1) WHERE name = $2";

	if (count(db, sql, table, name, NULL) != 1)
		return false;
	if (strcmp(type, "uuid") != 0 || strcmp(name, "user_id") == 0)
		return true;
	return count(db, sql, table, strcmp(name, "id") == 0 ? "uuid" : "conversation_uuid", NULL) == 1;
}

static const char *stored_as(const char *type)
{
	static const char *const numbers[] = { "serial", "integer", "boolean" };

	for (size_t i = 0; i < 3; i++)
		if (strcmp(numbers[i], type) == 0)
			return "INTEGER";
	return strcmp(type, "float") == 0 ? "REAL" : "TEXT";
}

static bool has_column(struct db *db, const char *table, const char *name, const char *type)
{
	if (is_view(db, table))
		return view_column(db, table, name, type);
	if (strcmp(type, "-") == 0)
		return count(db, "SELECT count(*) FROM pragma_table_xinfo($1) WHERE name = $2", table, name,
			     NULL) == 1;
	return count(db, "SELECT count(*) FROM pragma_table_xinfo($1) WHERE name = $2 AND type = $3", table,
		     name, stored_as(type)) == 1;
}

static bool has_primary(struct db *db, const char *table, const char *name, const char *rest)
{
	(void)rest;
	return count(db, "SELECT sum(pk > 0) = 1 AND sum(pk = 1 AND name = $2) FROM pragma_table_xinfo($1)",
		     table, name, NULL) == 1;
}

static bool has_notnull(struct db *db, const char *table, const char *name, const char *rest)
{
	(void)rest;
	return count(db, "SELECT \"notnull\" FROM pragma_table_xinfo($1) WHERE name = $2", table, name,
		     NULL) == 1;
}

static bool has_nullable(struct db *db, const char *table, const char *name, const char *rest)
{
	(void)rest;
	return count(db, "SELECT \"notnull\" FROM pragma_table_xinfo($1) WHERE name = $2", table, name,
		     NULL) == 0;
}

static bool has_unique(struct db *db, const char *table, const char *name, const char *rest)
{
	(void)rest;
	return count(db,
		     "SELECT count(*) FROM pragma_index_list($1) l WHERE l.\"unique\" AND NOT l.partial"
		     " AND (SELECT group_concat(name) FROM pragma_index_info(l.name)) = $2",
		     table, name, NULL) > 0;
}

static bool has_limit(struct db *db, const char *table, const char *name, const char *rest)
{
	char *check = mem_format("%%CHECK (length(%s) <= %s)%%", name, rest);
	bool found =
		count(db,
		      "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = $1 AND sql LIKE $2",
		      table, check, NULL) == 1;

	free(check);
	return found;
}

static bool has_key(struct db *db, const char *table, const char *name, const char *rest, const char *action)
{
	char target[64] = "", column[64] = "";
	char *from = mem_format("%s:%s", name, action);
	bool found;

	assert_int_equal(sscanf(rest, "%63[a-z_].%63[a-z_]", target, column), 2);
	assert_string_equal(column, "id");
	found = count(db,
		      "SELECT count(*) FROM pragma_foreign_key_list($1) WHERE \"table\" = $2"
		      " AND \"from\" || ':' || on_delete = $3 AND \"to\" = 'id'",
		      table, target, from) > 0;
	free(from);
	return found;
}

static bool has_references(struct db *db, const char *table, const char *name, const char *rest)
{
	return has_key(db, table, name, rest, "NO ACTION");
}

static bool has_cascade(struct db *db, const char *table, const char *name, const char *rest)
{
	return has_key(db, table, name, rest, "CASCADE");
}

/* What the column really gets when nothing is said. */
static char *default_of(struct db *db, const char *table, const char *name)
{
	struct err err = { 0 };
	struct query query;
	char *sql = NULL, *value = NULL;

	db_query(db, &query, "SELECT 'SELECT ' || dflt_value FROM pragma_table_xinfo($1) WHERE name = $2",
		 "tt", table, name);
	if (db_row(&query))
		sql = mem_text(db_text(&query, 0));
	assert_true(db_end(&query, &err));
	if (sql == NULL)
		return NULL;
	db_query(db, &query, sql, "");
	if (db_row(&query))
		value = mem_text(db_text(&query, 0));
	assert_true(db_end(&query, &err));
	free(sql);
	return value;
}

static bool has_default(struct db *db, const char *table, const char *name, const char *rest)
{
	static const char *const words[][2] = {
		{ "TRUE", "1" }, { "true", "1" }, { "FALSE", "0" }, { "'{}'::jsonb", "{}" }
	};
	char *value = default_of(db, table, name);
	const char *expected = rest;
	bool same;

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		expected = strcmp(rest, words[i][0]) == 0 ? words[i][1] : expected;
	if (value == NULL)
		same = false;
	else if (strcmp(rest, "gen_random_uuid()") == 0)
		same = crypto_uuid_valid(value) && value[14] == '4';
	else if (strcmp(rest, "now()") == 0 || strcmp(rest, "CURRENT_TIMESTAMP") == 0)
		same = strlen(value) == 24 && value[10] == 'T' && value[23] == 'Z' && value[0] == '2';
	else
		same = strcmp(value, expected) == 0;
	free(value);
	return same;
}

static bool has_index(struct db *db, const char *table, const char *name, const char *rest)
{
	char *definition = mem_format("%s %s", name, rest);
	bool found = count(db,
			   "SELECT count(*) FROM sqlite_master WHERE type = 'index' AND tbl_name = $1 AND "
			   "sql = $2",
			   table, definition, NULL) == 1;

	free(definition);
	return found;
}

/* ---- comparing ---------------------------------------------------------------------------------- */

static const struct {
	const char *kind;
	bool (*holds)(struct db *db, const char *table, const char *name, const char *rest);
} kinds[] = {
	{ "column", has_column },	  { "primary", has_primary }, { "notnull", has_notnull },
	{ "nullable", has_nullable },	  { "unique", has_unique },   { "limit", has_limit },
	{ "references", has_references }, { "cascade", has_cascade }, { "default", has_default },
	{ "index", has_index },
};

static bool holds(struct db *db, const char *fact)
{
	char table[64], kind[16], name[64];
	int used = 0;

	assert_true(sscanf(fact, "%63s %15s %63s %n", table, kind, name, &used) == 3 && used > 0);
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (strcmp(kinds[i].kind, kind) == 0)
			return kinds[i].holds(db, table, name, fact + used);
	fail_msg("a fact of unknown kind: %s", fact);
	return false;
}

/* Appends the facts that don't hold; returns how many there are in all. */
static size_t compare(struct db *db, const struct buf *facts, struct buf *missing)
{
	char *text = mem_text(buf_str(facts)), *rest = NULL;
	size_t number = 0;

	for (char *fact = strtok_r(text, "\n", &rest); fact; fact = strtok_r(NULL, "\n", &rest), number++)
		if (!holds(db, fact))
			buf_format(missing, "%s\n", fact);
	free(text);
	return number;
}

static const char *seeds_folder(void)
{
	const char *named = getenv("USHER_SEEDS");

	return named ? named : "../shared/seeds";
}

static int open_fresh(void **state)
{
	struct fixture *fixture = mem_zero(1, sizeof(*fixture));
	struct err err = { 0 };
	char *url;

	strcpy(fixture->dir, "/tmp/usher-schema-XXXXXX");
	if (mkdtemp(fixture->dir) == NULL)
		return -1;
	url = mem_format("sqlite:%s/usher.db", fixture->dir);
	fixture->db = db_open(url, DB_WRITER, &err);
	free(url);
	if (fixture->db == NULL || !db_migrate(fixture->db, &err))
		return -1;
	if (!seeds_facts(seeds_folder(), &fixture->facts)) {
		buf_clear(&fixture->facts);
		if (!seeds_file(fixture_path, &fixture->facts))
			return -1;
	}
	*state = fixture;
	return 0;
}

static int close_fresh(void **state)
{
	static const char *const names[] = { "usher.db", "usher.db-wal", "usher.db-shm", "usher.db.lock" };
	struct fixture *fixture = *state;

	db_close(fixture->db);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		char *path = mem_format("%s/%s", fixture->dir, names[i]);

		unlink(path);
		free(path);
	}
	rmdir(fixture->dir);
	buf_free(&fixture->facts);
	free(fixture);
	return 0;
}

static void every_fact_of_the_documents_holds(void **state)
{
	struct fixture *fixture = *state;
	struct buf missing = { 0 };

	assert_true(compare(fixture->db, &fixture->facts, &missing) >= FACTS_LEAST);
	if (missing.len > 0)
		fail_msg("the schema lacks:\n%s", missing.data);
}

/* The extract is what the check falls back to: it must not grow stale. */
static void the_extract_is_up_to_date(void **state)
{
	struct fixture *fixture = *state;
	struct buf extract = { 0 }, read = { 0 };

	(void)fixture;
	assert_true(seeds_file(fixture_path, &extract));
	if (seeds_facts(seeds_folder(), &read))
		assert_string_equal(buf_str(&extract), buf_str(&read));
	buf_free(&extract);
	buf_free(&read);
}

/* A check that can't fail would be worth nothing: each kind of damage must be seen, and only that. */
static void damage_is_noticed(void **state)
{
	static const struct {
		const char *damage, *missing;
	} cases[] = {
		{ "ALTER TABLE \"LLMTask\" DROP COLUMN \"llmRawPrompt\"", "LLMTask column llmRawPrompt -\n" },
		{ "ALTER TABLE calls RENAME COLUMN duration TO seconds",
		  "calls column duration integer\ncalls nullable duration\n" },
		{ "DROP INDEX idx_ai_agent_interactions_type",
		  "ai_agent_interactions index CREATE INDEX idx_ai_agent_interactions_type ON "
		  "ai_agent_interactions "
		  "(interaction_type)\n" },
		{ "DROP INDEX idx_ai_agent_interactions_success; CREATE INDEX "
		  "idx_ai_agent_interactions_success ON "
		  "ai_agent_interactions (success)",
		  "ai_agent_interactions index CREATE INDEX idx_ai_agent_interactions_success ON "
		  "ai_agent_interactions "
		  "(success) WHERE (success = false)\n" },
		{ "DROP TABLE agent_tools; CREATE TABLE agent_tools (id INTEGER PRIMARY KEY, agent_id "
		  "INTEGER NOT NULL "
		  "REFERENCES agents (id) ON DELETE CASCADE, tool_type TEXT CHECK (length(tool_type) <= 49), "
		  "tool_config TEXT "
		  "NOT NULL, created_at TEXT DEFAULT '2', updated_at TEXT DEFAULT "
		  "(strftime('%Y-%m-%dT%H:%M:%fZ')))",
		  "agent_tools notnull tool_type\nagent_tools limit tool_type 50\n"
		  "agent_tools default created_at CURRENT_TIMESTAMP\nagent_tools references agent_id "
		  "agents.id\n" },
	};
	struct fixture *fixture = *state;
	struct err err = { 0 };

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct buf missing = { 0 };

		assert_true(db_begin(fixture->db, &err));
		if (!db_script(fixture->db, cases[i].damage, &err))
			fail_msg("%s", err.text);
		compare(fixture->db, &fixture->facts, &missing);
		assert_string_equal(buf_str(&missing), cases[i].missing);
		buf_free(&missing);
		db_rollback(fixture->db);
	}
}

/* ---- rules of our own tables -------------------------------------------------------------------- */

/* Every key that points to another row is found by an index that begins with its columns, or deleting a parent reads whole tables.
 * Organisations are never deleted one by one. Two keys are left out on purpose: they would cost every message
 * an index entry on a page of its own, and only the deletion of a person or a conversation, an operator's
 * act, reads the table. */
static void foreign_keys_have_indexes(void **state)
{
	struct fixture *fixture = *state;
	struct err err = { 0 };
	struct query query;

	db_query(fixture->db, &query,
		 "SELECT t.name || '.' || k.\"from\" FROM pragma_table_list t JOIN "
		 "pragma_foreign_key_list(t.name) k"
		 " WHERE t.type = 'table' AND k.\"table\" <> 'organizations'"
		 " AND t.name || '.' || k.\"from\" NOT IN ('inbox.profile_id', 'LLMTask.llmConversationId')"
		 " AND NOT EXISTS (SELECT 1 FROM pragma_index_list(t.name) l WHERE NOT EXISTS (SELECT 1 FROM"
		 " pragma_foreign_key_list(t.name) c WHERE c.id = k.id AND NOT EXISTS (SELECT 1 FROM"
		 " pragma_index_info(l.name) i WHERE i.seqno = c.seq AND i.name = c.\"from\")))",
		 "");
	if (db_row(&query))
		fail_msg("no index on %s", db_text(&query, 0));
	assert_true(db_end(&query, &err));
}

static void tables_are_strict(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(count(fixture->db,
			       "SELECT count(*) FROM pragma_table_list WHERE schema = $1 AND type = 'table' "
			       "AND NOT strict"
			       " AND name NOT LIKE 'sqlite_%'",
			       "main", NULL, NULL),
			 0);
}

/* Each row: must be refused, and why a user would suffer if it were not. */
static void what_must_never_be_stored(void **state)
{
	static const char message[] =
		"INSERT INTO inbox (id, uuid, org_id, platform, installation, delivery_key, sender, body,"
		" state, reason, finished_at) SELECT 1, 'aaaaaaaa-aaaa-7aaa-8aaa-aaaaaaaaaaaa', id, 'p', 'i',"
		" 'd', 's', 'b', 'accepted', NULL, NULL FROM organizations";
	static const char *const never[] = {
		/* the same delivery twice: two answers */
		"INSERT INTO inbox (uuid, org_id, platform, installation, delivery_key, sender, body) SELECT"
		" 'aaaaaaaa-aaaa-7aaa-8aaa-aaaaaaaaaaab', id, 'p', 'i', 'd', 's', 'b' FROM organizations",
		/* an unknown state, an end without time or reason: a message nobody finds again */
		"UPDATE inbox SET state = 'lost'",
		"UPDATE inbox SET state = 'answered', turn_id = NULL, finished_at = '2'",
		"UPDATE inbox SET state = 'refused', reason = 'x'",
		"UPDATE inbox SET state = 'refused', finished_at = '2'",
		"UPDATE inbox SET finished_at = '2'",
		/* a message that waits is deleted: lost */
		"DELETE FROM inbox",
		/* people and organisations that don't exist */
		"UPDATE inbox SET profile_id = 'nobody'",
		"INSERT INTO user_profiles (org_id) VALUES ('nowhere')",
		/* not JSON where programs expect it */
		"UPDATE inbox SET files = 'none'",
		"INSERT INTO \"LLMAgentInstallation\" (\"companyId\", platform, settings) SELECT id, 'x', "
		"'{' FROM organizations",
		/* text where a number is expected: STRICT */
		"UPDATE inbox SET attempts = 'many'",
		/* a price that is no number */
		"INSERT INTO ai_agent_interactions (org_id, agent_name, interaction_type, cost_usd) SELECT "
		"id, 'a', 't', 'cheap'"
		" FROM organizations",
		/* a token that outlives the installation it belongs to */
		"INSERT INTO \"LLMAgentInstallation\" (\"companyId\", platform, \"removedAt\", secrets) "
		"SELECT id,"
		" 'x', '2', 'v1.x' FROM organizations",
		/* a change of a kind that nobody knows */
		"UPDATE inbox SET kind = 'shouted'",
		/* a link code in the clear, one that is used by nobody */
		"INSERT INTO link_codes (code_hash, org_id, profile_id, expires_at) SELECT 'ABCD', org_id, "
		"id, '3'"
		" FROM user_profiles",
		/* a text of a plugin that has no name, or would be read into memory by the megabyte */
		"INSERT INTO plugin_texts (platform, installation, name, text) VALUES ('p', 'i', '', 'x')",
		"INSERT INTO plugin_texts (platform, installation, name, text) VALUES ('p', 'i', 'n',"
		" hex(zeroblob(2049)))",
		/* longer than the documents allow */
		"INSERT INTO users (username, email, password_hash) VALUES (hex(zeroblob(26)), 'e', '!')",
	};
	struct fixture *fixture = *state;
	struct err err = { 0 };

	if (!db_run(fixture->db, &err, NULL, message, "") ||
	    !db_run(fixture->db, &err, NULL,
		    "INSERT INTO user_profiles (org_id) SELECT id FROM organizations", ""))
		fail_msg("%s", err.text);
	for (size_t i = 0; i < sizeof(never) / sizeof(never[0]); i++)
		if (db_run(fixture->db, &err, NULL, never[i], ""))
			fail_msg("this was stored: %s", never[i]);
}

/* The promise "exactly one visible end" is the database's own. */
static void an_end_is_final(void **state)
{
	static const char *const steps[] = {
		"INSERT INTO inbox (id, uuid, org_id, platform, installation, delivery_key, sender, body) "
		"SELECT 1,"
		" 'aaaaaaaa-aaaa-7aaa-8aaa-aaaaaaaaaaaa', id, 'p', 'i', 'd', 's', 'b' FROM organizations",
		"UPDATE inbox SET state = 'quarantined', reason = 'crashed', finished_at = '2'",
		"UPDATE inbox SET state = 'accepted', reason = NULL, finished_at = NULL",
		"UPDATE inbox SET state = 'failed', reason = 'model', finished_at = '2'",
		"-UPDATE inbox SET state = 'accepted', finished_at = NULL",
		"-UPDATE inbox SET state = 'quarantined'",
		"DELETE FROM inbox",
		"INSERT INTO outbox (uuid, org_id, platform, installation, reply_to, body, state, "
		"expires_at, sent_at) SELECT"
		" 'aaaaaaaa-aaaa-7aaa-8aaa-aaaaaaaaaaaa', id, 'p', 'i', 'r', 'b', 'sent', '3', '2' FROM "
		"organizations",
		"-UPDATE outbox SET state = 'pending'",
	};
	struct fixture *fixture = *state;
	struct err err = { 0 };

	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		bool must_fail = steps[i][0] == '-';

		if (db_run(fixture->db, &err, NULL, steps[i] + must_fail, "") == must_fail)
			fail_msg("%s: %s", steps[i], err.text);
	}
}

/* An account goes, and its keys and agents with all that hangs on them go too; the member's conversations
 * stay. */
static void an_account_is_deleted(void **state)
{
	static const char script[] =
		"INSERT INTO users (id, username, email, password_hash) VALUES (1, 'a', 'a@b', '!');"
		"INSERT INTO user_profiles (id, org_id, user_id) SELECT "
		"'11111111-1111-7111-8111-111111111111', id, 1 FROM"
		" organizations;"
		"INSERT INTO api_keys (user_id, key_name, api_key) VALUES (1, 'k', 'h');"
		"INSERT INTO agents (id, user_id, name, retell_agent_id, voice_id) VALUES (1, 1, 'n', 'r', "
		"'v');"
		"INSERT INTO llm_configurations (agent_id, retell_llm_id, model) VALUES (1, 'r', 'm');"
		"INSERT INTO phone_numbers (agent_id, phone_number) VALUES (1, '1');"
		"INSERT INTO calls (agent_id, retell_call_id, from_number, to_number, direction, status) "
		"VALUES (1, 'c', '1', '2',"
		" 'inbound', 'ended');"
		"INSERT INTO agent_tools (agent_id, tool_type, tool_config) VALUES (1, 't', '{}');"
		"DELETE FROM users";
	struct fixture *fixture = *state;
	struct err err = { 0 };

	if (!db_script(fixture->db, script, &err))
		fail_msg("%s", err.text);
	assert_int_equal(count(fixture->db,
			       "SELECT (SELECT count(*) FROM api_keys) + (SELECT count(*) FROM agents) + "
			       "(SELECT count(*) FROM"
			       " llm_configurations) + (SELECT count(*) FROM phone_numbers) + (SELECT "
			       "count(*) FROM calls) +"
			       " (SELECT count(*) FROM agent_tools) + (SELECT count(*) FROM user_profiles "
			       "WHERE user_id = $1)",
			       "1", NULL, NULL),
			 0);
	assert_int_equal(count(fixture->db, "SELECT count(*) FROM user_profiles WHERE id = $1",
			       "11111111-1111-7111-8111-111111111111", NULL, NULL),
			 1);
}

int main(void)
{
#define FRESH(TEST) cmocka_unit_test_setup_teardown(TEST, open_fresh, close_fresh)
	const struct CMUnitTest tests[] = {
		FRESH(every_fact_of_the_documents_holds),
		FRESH(the_extract_is_up_to_date),
		FRESH(damage_is_noticed),
		FRESH(foreign_keys_have_indexes),
		FRESH(tables_are_strict),
		FRESH(what_must_never_be_stored),
		FRESH(an_end_is_final),
		FRESH(an_account_is_deleted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
