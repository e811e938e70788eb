/* Brings a database to the schema of this binary, one recorded step after the other. */
#include "crypto.h"
#include "db.h"
#include "mem.h"
#include <stdlib.h>
#include <string.h>

extern const char first_start[] __asm__("_binary_db_migrations_sqlite_0001_first_sql_start");
extern const char first_end[] __asm__("_binary_db_migrations_sqlite_0001_first_sql_end");
extern const char installs_start[] __asm__("_binary_db_migrations_sqlite_0002_installations_sql_start");
extern const char installs_end[] __asm__("_binary_db_migrations_sqlite_0002_installations_sql_end");
extern const char move_start[] __asm__("_binary_db_migrations_sqlite_0003_places_move_sql_start");
extern const char move_end[] __asm__("_binary_db_migrations_sqlite_0003_places_move_sql_end");
extern const char early_start[] __asm__("_binary_db_migrations_sqlite_0004_changes_first_sql_start");
extern const char early_end[] __asm__("_binary_db_migrations_sqlite_0004_changes_first_sql_end");
extern const char texts_start[] __asm__("_binary_db_migrations_sqlite_0005_plugin_texts_sql_start");
extern const char texts_end[] __asm__("_binary_db_migrations_sqlite_0005_plugin_texts_sql_end");
extern const char audit_start[] __asm__("_binary_db_migrations_sqlite_0006_audit_sql_start");
extern const char audit_end[] __asm__("_binary_db_migrations_sqlite_0006_audit_sql_end");
extern const char budgets_start[] __asm__("_binary_db_migrations_sqlite_0007_budgets_sql_start");
extern const char budgets_end[] __asm__("_binary_db_migrations_sqlite_0007_budgets_sql_end");
extern const char approvals_start[] __asm__("_binary_db_migrations_sqlite_0008_approvals_sql_start");
extern const char approvals_end[] __asm__("_binary_db_migrations_sqlite_0008_approvals_sql_end");
extern const char pins_start[] __asm__("_binary_db_migrations_sqlite_0009_tool_pins_sql_start");
extern const char pins_end[] __asm__("_binary_db_migrations_sqlite_0009_tool_pins_sql_end");
extern const char choices_start[] __asm__("_binary_db_migrations_sqlite_0010_choices_sql_start");
extern const char choices_end[] __asm__("_binary_db_migrations_sqlite_0010_choices_sql_end");
extern const char summaries_start[] __asm__("_binary_db_migrations_sqlite_0011_summaries_sql_start");
extern const char summaries_end[] __asm__("_binary_db_migrations_sqlite_0011_summaries_sql_end");
extern const char imports_start[] __asm__("_binary_db_migrations_sqlite_0012_imports_sql_start");
extern const char imports_end[] __asm__("_binary_db_migrations_sqlite_0012_imports_sql_end");
extern const char grants_start[] __asm__("_binary_db_migrations_sqlite_0013_mcp_grants_sql_start");
extern const char grants_end[] __asm__("_binary_db_migrations_sqlite_0013_mcp_grants_sql_end");
extern const char settled_start[] __asm__("_binary_db_migrations_sqlite_0014_settled_sql_start");
extern const char settled_end[] __asm__("_binary_db_migrations_sqlite_0014_settled_sql_end");
extern const char said_start[] __asm__("_binary_db_migrations_sqlite_0015_said_sql_start");
extern const char said_end[] __asm__("_binary_db_migrations_sqlite_0015_said_sql_end");
extern const char words_start[] __asm__("_binary_db_migrations_sqlite_0016_tool_definitions_sql_start");
extern const char words_end[] __asm__("_binary_db_migrations_sqlite_0016_tool_definitions_sql_end");

/* Every step there is, in order. A released one is never edited: its checksum
 * is in every database it made. */
static const struct step {
	const char *name;
	const char *start, *end;
} steps[] = {
	{ "0001_first", first_start, first_end },
	{ "0002_installations", installs_start, installs_end },
	{ "0003_places_move", move_start, move_end },
	{ "0004_changes_first", early_start, early_end },
	{ "0005_plugin_texts", texts_start, texts_end },
	{ "0006_audit", audit_start, audit_end },
	{ "0007_budgets", budgets_start, budgets_end },
	{ "0008_approvals", approvals_start, approvals_end },
	{ "0009_tool_pins", pins_start, pins_end },
	{ "0010_choices", choices_start, choices_end },
	{ "0011_summaries", summaries_start, summaries_end },
	{ "0012_imports", imports_start, imports_end },
	{ "0013_mcp_grants", grants_start, grants_end },
	{ "0014_settled", settled_start, settled_end },
	{ "0015_said", said_start, said_end },
	{ "0016_tool_definitions", words_start, words_end },
};

enum { STEPS = sizeof(steps) / sizeof(steps[0]) };

int db_schema_version(void)
{
	return STEPS;
}

static void checksum(const struct step *step, char out[CRYPTO_SHA256_HEX])
{
	crypto_sha256_hex(step->start, (size_t)(step->end - step->start), out);
}

/* The newest step recorded; 0 for an empty database. */
static bool version_of(struct db *db, int64_t *version_out, struct err *err)
{
	bool found;
	int64_t tables, ours;

	if (!db_one_int(db, err, &found, &tables, "SELECT count(*) FROM sqlite_master WHERE type = 'table'",
			"") ||
	    !db_one_int(db, err, &found, &ours,
			"SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = 'schema_version'",
			""))
		return false;
	*version_out = 0;
	if (ours == 0 && tables > 0)
		return err_set(
			err, ERR_REFUSED,
			"the database holds tables of another program: name another file in store.url");
	if (ours == 0)
		return true;
	return db_one_int(db, err, &found, version_out,
			  "SELECT coalesce(max(version), 0) FROM schema_version", "");
}

static bool same_as_recorded(struct db *db, const struct step *step, int64_t version, struct err *err)
{
	char sum[CRYPTO_SHA256_HEX];
	bool found;
	int64_t same;

	checksum(step, sum);
	if (!db_one_int(db, err, &found, &same, "SELECT sha256 = $2 FROM schema_version WHERE version = $1",
			"it", version, sum))
		return false;
	if (found && same)
		return true;
	return err_set(err, ERR_REFUSED,
		       "the database was made by another build of schema step %s: run the usher that made "
		       "it, or restore "
		       "a backup of the file that this one made",
		       step->name);
}

static bool apply(struct db *db, const struct step *step, int64_t version, struct err *err)
{
	char *sql = mem_text_n(step->start, (size_t)(step->end - step->start));
	char sum[CRYPTO_SHA256_HEX];
	bool done;

	checksum(step, sum);
	done = db_begin(db, err) && db_script(db, sql, err) &&
	       db_run(db, err, NULL, "INSERT INTO schema_version (version, name, sha256) VALUES ($1, $2, $3)",
		      "itt", version, step->name, sum) &&
	       db_commit(db, err);
	if (!done)
		db_rollback(db);
	free(sql);
	return done || err_add(err, "schema step %s", step->name);
}

bool db_migrate(struct db *db, struct err *err)
{
	int64_t version;

	if (!version_of(db, &version, err))
		return false;
	if (version > STEPS)
		return err_set(err, ERR_REFUSED,
			       "the database has schema %d, this usher knows up to %d: run the newer usher "
			       "again (`usher version` tells which one this is), or put back the copy of the "
			       "file that was "
			       "made before the upgrade",
			       (int)version, STEPS);
	for (int i = 0; i < STEPS; i++) {
		bool known = i < version;

		if (!(known ? same_as_recorded(db, &steps[i], i + 1, err) : apply(db, &steps[i], i + 1, err)))
			return false;
	}
	return true;
}
