/* The database room on real files: what it promises when all is well, and what it says when the file is not
 * as it should be. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "crypto.h"
#include "mem.h"
#include "place.h"
#include "sqlite.h"
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static unsigned mode_of(const char *name)
{
	struct stat file;

	assert_int_equal(stat(name, &file), 0);
	return file.st_mode & 0777;
}

/* ---- a file as it should be --------------------------------------------------------------------- */

/* Other users of the machine must not read what people said; the settings
 * that durability rests on must hold. */
static void a_fresh_file_is_private_and_durable(void **state)
{
	struct db *db = fresh();
	char *folder = mem_format("%s/var", place_dir), *wal = mem_format("%s-wal", path), *check;
	struct err err = { 0 };

	(void)state;
	assert_int_equal(mode_of(folder), 0700);
	assert_int_equal(mode_of(path), 0600);
	assert_int_equal(mode_of(wal), 0600);
	assert_int_equal(number(db, "PRAGMA synchronous"), 2);
	assert_int_equal(number(db, "PRAGMA foreign_keys"), 1);
	assert_int_equal(number(db, "PRAGMA trusted_schema"), 0);
	assert_int_equal(number(db, "PRAGMA mmap_size"), 0);
	assert_int_equal(number(db, "PRAGMA wal_autocheckpoint"), 0);
	assert_false(db_run(db, &err, NULL, "UPDATE sqlite_master SET sql = 'x'", "")); /* defensive */
	assert_int_equal(number(db, "SELECT count(*) FROM organizations WHERE name = 'default'"), 1);
	check = db_check(db);
	assert_string_equal(check, "ok");
	assert_true(db_disk_free(db) > 0);
	free(check);
	free(folder);
	free(wal);
	db_close(db);
}

/* The next start of the daemon must find its own work in order. */
static void migrating_twice_changes_nothing(void **state)
{
	struct db *db = fresh();
	struct err err = { 0 };

	(void)state;
	db_close(db);
	db = opened(DB_WRITER);
	assert_true(db_migrate(db, &err));
	assert_int_equal(number(db, "SELECT count(*) FROM schema_version"), db_schema_version());
	db_close(db);
}

extern const char first_start[] __asm__("_binary_db_migrations_sqlite_0001_first_sql_start");
extern const char first_end[] __asm__("_binary_db_migrations_sqlite_0001_first_sql_end");

/* The first version's database with messages in it: an upgrade keeps every one of them. */
static void the_first_schema_is_brought_up_to_date(void **state)
{
	static const char rows[] =
		"INSERT INTO \"LLMAgentInstallation\" (\"companyId\", platform, name) SELECT id, 'p', 'n' "
		"FROM"
		" organizations;"
		"INSERT INTO inbox (uuid, org_id, platform, installation, delivery_key, sender, body) SELECT"
		" 'aaaaaaaa-aaaa-7aaa-8aaa-aaaaaaaaaaaa', id, 'p', 'n', 'd', 's', 'b' FROM organizations;"
		"INSERT INTO outbox (uuid, org_id, platform, installation, reply_to, body, expires_at) SELECT"
		" 'aaaaaaaa-aaaa-7aaa-8aaa-aaaaaaaaaaab', id, 'p', 'n', 'r', 'b', '3' FROM organizations;"
		"INSERT INTO \"LLMAgentImport\" (\"userCompanyId\", \"inputFileName\", \"processingStatus\")"
		" SELECT id, 'f', s.column1 FROM organizations, (VALUES ('pending'), ('processing'),"
		" ('completed'), ('failed'), ('pending')) s; DELETE FROM \"LLMAgentImport\" WHERE id = 5;";
	char *first = mem_text_n(first_start, (size_t)(first_end - first_start)), sum[CRYPTO_SHA256_HEX];
	struct db *db = opened(DB_WRITER);
	struct err err = { 0 };

	(void)state;
	if (!db_script(db, first, &err) || !db_script(db, rows, &err))
		fail_msg("%s", err.text);
	assert_true(db_run(db, &err, NULL,
			   "INSERT INTO schema_version (version, name, sha256) VALUES (1, '0001_first', $1)",
			   "t", crypto_sha256_hex(first, strlen(first), sum)));
	if (!db_migrate(db, &err))
		fail_msg("%s", err.text);
	assert_int_equal(number(db, "SELECT count(*) FROM schema_version"), db_schema_version());
	assert_int_equal(number(db, "SELECT count(*) FROM inbox WHERE body = 'b' AND kind = 'said'"), 1);
	assert_int_equal(number(db, "SELECT count(*) FROM outbox WHERE state = 'pending' AND unsure = 0"), 1);
	assert_int_equal(
		number(db, "SELECT group_concat(\"processingStatus\") = 'fetched,fetched,delivered,failed'"
			   " AND max(\"errorCode\") = 'not_fetched' FROM \"LLMAgentImport\""),
		1);
	/* The number of a row that is gone is not given again. */
	assert_int_equal(number(db, "SELECT seq FROM sqlite_sequence WHERE name = 'LLMAgentImport'"), 5);
	assert_int_equal(number(db, "SELECT count(*) FROM \"LLMAgentInstallation\" WHERE enabled AND"
				    " secrets IS NULL AND \"removedAt\" IS NULL"),
			 1);
	free(first);
	db_close(db);
}

extern const char installs_start[] __asm__("_binary_db_migrations_sqlite_0002_installations_sql_start");
extern const char installs_end[] __asm__("_binary_db_migrations_sqlite_0002_installations_sql_end");

/* What people did to messages is known by its kind, whichever version took it in. */
static void kinds_outlive_an_upgrade(void **state)
{
	static const char row[] =
		"INSERT INTO inbox (uuid, org_id, platform, installation, delivery_key, sender, body, state, "
		"reason, finished_at, kind) SELECT 'aaaaaaaa-aaaa-7aaa-8aaa-aaaaaaaaaaaa', id, 'p', 'n', 'd',"
		" 's', '', 'ignored', 'edit', '3', 'edited' FROM organizations";
	char *first = mem_text_n(first_start, (size_t)(first_end - first_start));
	char *second = mem_text_n(installs_start, (size_t)(installs_end - installs_start));
	char sums[2][CRYPTO_SHA256_HEX];
	struct db *db = opened(DB_WRITER);
	struct err err = { 0 };

	(void)state;
	if (!db_script(db, first, &err) || !db_script(db, second, &err) || !db_script(db, row, &err))
		fail_msg("%s", err.text);
	assert_true(db_run(db, &err, NULL,
			   "INSERT INTO schema_version (version, name, sha256) VALUES (1, '0001_first', $1),"
			   " (2, '0002_installations', $2)",
			   "tt", crypto_sha256_hex(first, strlen(first), sums[0]),
			   crypto_sha256_hex(second, strlen(second), sums[1])));
	if (!db_migrate(db, &err))
		fail_msg("%s", err.text);
	assert_int_equal(number(db, "SELECT count(*) FROM inbox WHERE kind = 'edited'"), 1);
	assert_true(db_run(db, &err, NULL, "UPDATE inbox SET kind = 'moved'", ""));
	assert_false(db_run(db, &err, NULL, "UPDATE inbox SET kind = 'danced'", ""));
	assert_false(db_run(db, &err, NULL, "UPDATE inbox SET state = 'accepted'", "")); /* triggers stay */
	free(first);
	free(second);
	db_close(db);
}

static void arguments_go_by_number(void **state)
{
	struct db *db = fresh();
	struct err err = { 0 };
	struct query query;

	(void)state;
	db_query(db, &query, "SELECT $2, $1, $3, $1, $4, $5", "tidbn", "a", (int64_t)-7, 2.5, 3);
	assert_true(db_row(&query));
	assert_int_equal(db_int(&query, 0), -7);
	assert_string_equal(db_text(&query, 1), "a");
	assert_true(db_double(&query, 2) > 2.4 && db_double(&query, 2) < 2.6);
	assert_string_equal(db_text(&query, 3), "a");
	assert_int_equal(db_int(&query, 4), 1);
	assert_true(db_null(&query, 5));
	assert_int_equal(db_column_type(&query, 2), DB_DOUBLE);
	assert_int_equal(db_columns(&query), 6);
	assert_false(db_row(&query));
	assert_true(db_end(&query, &err));
	assert_true(db_run(db, &err, NULL, "SELECT $1 IS NULL", "t", (const char *)NULL));
	db_close(db);
}

/* A wrong call in our own code must be loud in tests and harmless in the daemon. */
static void wrong_calls_are_refused(void **state)
{
	struct db *db = fresh();
	const char *const texts[] = { "a", "b" };
	struct err err = { 0 };
	struct query query, again;

	(void)state;
	assert_false(db_run(db, &err, NULL, "SELECT $1", "tt", "a", "b"));
	expect(&err, ERR_BUG, "argument 2");
	assert_false(db_run(db, &err, NULL, "SELECT $1, $2", "t", "a"));
	expect(&err, ERR_BUG, "1 arguments for 2 placeholders");
	assert_false(db_run(db, &err, NULL, "SELECT ?", "t", "a"));
	expect(&err, ERR_BUG, "placeholders");
	assert_false(db_run(db, &err, NULL, "SELECT nonsense FROM nowhere", ""));
	expect(&err, ERR_BUG, "nowhere");
	assert_false(db_run(db, &err, NULL, "SELECT \"a string\"", "")); /* a mistyped name is no text */
	assert_false(db_run(db, &err, NULL, "SELECT $1", "x", "a"));
	expect(&err, ERR_BUG, "argument 1");
	assert_false(db_run(db, &err, NULL, "", ""));
	expect(&err, ERR_BUG, "empty");
	db_query_texts(db, &query, "SELECT $1", texts, 2);
	assert_false(db_row(&query));
	assert_false(db_end(&query, &err));
	expect(&err, ERR_BUG, "argument 2");
	db_query(db, &query, "SELECT 1", "");
	assert_true(db_row(&query));
	db_query(db, &again, "SELECT 1", "");
	assert_false(db_row(&again));
	assert_false(db_end(&again, &err));
	expect(&err, ERR_BUG, "begun before it had ended");
	assert_true(db_end(&query, &err));
	db_close(db);
}

static void faults_are_sorted_by_what_can_be_done(void **state)
{
	struct db *db = fresh();
	struct err err = { 0 };

	(void)state;
	assert_false(db_run(db, &err, NULL, "INSERT INTO organizations (name) VALUES ('default')", ""));
	expect(&err, ERR_REFUSED, "UNIQUE");
	assert_false(db_run(db, &err, NULL, "INSERT INTO user_profiles (org_id) VALUES ('nowhere')", ""));
	expect(&err, ERR_REFUSED, "FOREIGN KEY");
	assert_false(db_run(db, &err, NULL, "INSERT INTO organizations (name) VALUES ('')", ""));
	expect(&err, ERR_BUG, "CHECK");
	db_close(db);
}

/* A job that fails must not take its neighbours' work with it, nor leave any of its own. */
static void a_savepoint_undoes_one_job(void **state)
{
	struct db *db = fresh();
	struct err err = { 0 };
	int64_t changes;

	(void)state;
	assert_true(db_begin(db, &err));
	assert_true(db_savepoint(db, &err));
	assert_true(db_run(db, &err, &changes, "INSERT INTO organizations (name) VALUES ('a'), ('b')", ""));
	assert_int_equal(changes, 2);
	assert_true(db_run(db, &err, &changes, "SELECT 1", ""));
	assert_int_equal(changes, 0);
	assert_true(db_release(db, &err));
	assert_true(db_savepoint(db, &err));
	assert_true(db_run(db, &err, NULL, "INSERT INTO organizations (name) VALUES ('c')", ""));
	db_rollback_to(db);
	assert_true(db_commit(db, &err));
	assert_int_equal(number(db, "SELECT count(*) FROM organizations WHERE name IN ('a', 'b', 'c')"), 2);
	assert_false(db_commit(db, &err)); /* nothing is open: "stored" would be a lie */
	expect(&err, ERR_AGAIN, "already rolled back");
	db_rollback(db);
	db_close(db);
}

/* The recovery gives its statements back before its transaction ends. */
static void trimming_leaves_the_transaction(void **state)
{
	static const char insert[] = "INSERT INTO organizations (name) VALUES ($1)";
	struct db *db = fresh();
	struct err err = { 0 };

	(void)state;
	assert_true(db_begin(db, &err) && db_savepoint(db, &err));
	assert_true(db_run(db, &err, NULL, insert, "t", "a"));
	db_trim(db);
	assert_null(db->statements);
	assert_true(db_run(db, &err, NULL, insert, "t", "b"));
	assert_true(db_release(db, &err) && db_savepoint(db, &err));
	assert_true(db_run(db, &err, NULL, insert, "t", "c"));
	db_trim(db);
	db_rollback_to(db);
	assert_true(db_commit(db, &err));
	assert_int_equal(number(db, "SELECT count(*) FROM organizations WHERE name IN ('a', 'b', 'c')"), 2);
	db_close(db);
}

/* Two connections that checkpoint are what this SQLite version must be spared. */
static void a_reader_reads_and_does_nothing_else(void **state)
{
	struct db *db = fresh(), *reader = opened(DB_READER);
	struct err err = { 0 };
	int64_t bytes;

	(void)state;
	assert_true(db_run(db, &err, NULL, "INSERT INTO organizations (name) VALUES ('a')", ""));
	assert_int_equal(number(reader, "SELECT count(*) FROM organizations"), 2);
	assert_false(db_run(reader, &err, NULL, "DELETE FROM organizations", ""));
	expect(&err, ERR_BUG, "read-only");
	bytes = db_log_bytes(db);
	assert_true(bytes > 0);
	db_close(reader);
	assert_int_equal(db_log_bytes(db), bytes);
	assert_true(db_checkpoint(db, false, &err));
	assert_true(db_checkpoint(db, true, &err));
	assert_int_equal(db_log_bytes(db), 0);
	db_close(db);
}

/* ---- a file as it should not be ----------------------------------------------------------------- */

static void a_wrong_url_is_named(void **state)
{
	struct err err = { 0 };

	(void)state;
	assert_null(db_open("mysql://x", DB_WRITER, &err));
	expect(&err, ERR_REFUSED, "mysql://x");
	assert_null(db_open("sqlite:", DB_WRITER, &err));
	expect(&err, ERR_REFUSED, "sqlite:PATH");
	assert_null(db_open(url, DB_READER, &err)); /* nothing there yet */
	expect(&err, ERR_GONE, path);
	assert_null(db_open("sqlite:/proc/nowhere/usher.db", DB_WRITER, &err));
	expect(&err, ERR_FATAL, "/proc/nowhere");
}

static void a_file_that_is_no_database(void **state)
{
	struct err err = { 0 };
	struct db *db = fresh();
	FILE *file;

	(void)state;
	assert_true(db_checkpoint(db, true, &err));
	db_close(db);
	file = fopen(path, "w");
	assert_non_null(file);
	for (int i = 0; i < 100; i++)
		fputs("this is somebody's diary, not a database\n", file);
	fclose(file);
	assert_null(db_open(url, DB_WRITER, &err));
	expect(&err, ERR_FATAL, "is not a database");
	expect(&err, ERR_FATAL, path);
}

/* Whoever closes because the files can't be trusted must not write them once more. */
static void closing_moves_nothing(void **state)
{
	struct err err = { 0 };
	struct stat before, after;
	struct db *db = fresh();

	(void)state;
	assert_true(db_checkpoint(db, true, &err));
	assert_int_equal(stat(path, &before), 0);
	assert_true(db_script(db, "CREATE TABLE more (id INTEGER)", &err));
	db_close(db);
	assert_int_equal(stat(path, &after), 0);
	assert_int_equal(before.st_size, after.st_size);
	assert_int_equal(before.st_mtim.tv_nsec, after.st_mtim.tv_nsec);
	db = opened(DB_WRITER);
	assert_true(db_script(db, "INSERT INTO more VALUES (1)", &err)); /* from the log */
	db_close(db);
}

static void another_programs_tables(void **state)
{
	struct db *db = opened(DB_WRITER);
	struct err err = { 0 };

	(void)state;
	assert_true(db_script(db, "CREATE TABLE recipes (id INTEGER)", &err));
	assert_false(db_migrate(db, &err));
	expect(&err, ERR_REFUSED, "another program");
	db_close(db);
}

static void a_newer_schema_is_refused_with_a_command(void **state)
{
	struct db *db = fresh();
	struct err err = { 0 };

	(void)state;
	assert_true(db_run(db, &err, NULL,
			   "INSERT INTO schema_version (version, name, sha256) VALUES (99, 'x', $1)", "t",
			   "0000000000000000000000000000000000000000000000000000000000000000"));
	assert_false(db_migrate(db, &err));
	expect(&err, ERR_REFUSED, "schema 99");
	expect(&err, ERR_REFUSED, "usher version");
	db_close(db);
}

static void a_changed_step_is_refused(void **state)
{
	struct db *db = fresh();
	struct err err = { 0 };

	(void)state;
	assert_true(db_run(db, &err, NULL, "UPDATE schema_version SET sha256 = $1", "t",
			   "0000000000000000000000000000000000000000000000000000000000000000"));
	assert_false(db_migrate(db, &err));
	expect(&err, ERR_REFUSED, "0001_first");
	expect(&err, ERR_REFUSED, "a backup of the file");
	db_close(db);
}

/* A step that breaks off leaves nothing: the next start begins it anew. */
static void a_step_is_all_or_nothing(void **state)
{
	struct db *db = opened(DB_WRITER);
	struct err err = { 0 };

	(void)state;
	assert_true(db_script(db, "PRAGMA max_page_count = 20", &err));
	assert_false(db_migrate(db, &err));
	expect(&err, ERR_FULL, "0001_first");
	assert_int_equal(number(db, "SELECT count(*) FROM sqlite_master"), 0);
	assert_true(db_script(db, "PRAGMA max_page_count = 100000", &err));
	assert_true(db_migrate(db, &err));
	db_close(db);
}

/* ---- others at the same file -------------------------------------------------------------------- */

/* In a child: runs `hold`, tells through the pipe, waits to be killed. */
static pid_t child(void (*hold)(void))
{
	int ends[2];
	char ready;
	pid_t pid;

	assert_int_equal(pipe(ends), 0);
	pid = fork();
	if (pid == 0) {
		hold();
		if (write(ends[1], "x", 1) == 1)
			pause();
		_exit(1);
	}
	close(ends[1]);
	assert_int_equal(read(ends[0], &ready, 1), 1);
	close(ends[0]);
	return pid;
}

static void end(pid_t pid)
{
	int status;

	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
}

static void hold_daemon(void)
{
	(void)opened(DB_WRITER);
}

/* Started twice by mistake: the second must say who is there, and a killed first must not block the next
 * start. */
static void a_second_daemon_is_told_who_is_there(void **state)
{
	struct err err = { 0 };
	char pid_text[32];
	struct db *db;
	pid_t pid;

	(void)state;
	db_close(fresh());
	pid = child(hold_daemon);
	assert_null(db_open(url, DB_WRITER, &err));
	snprintf(pid_text, sizeof(pid_text), "process %d:", (int)pid);
	expect(&err, ERR_REFUSED, pid_text);
	expect(&err, ERR_REFUSED, "another usher");
	end(pid);
	db = opened(DB_WRITER);
	assert_null(db_open(url, DB_WRITER, &err)); /* the same process is no exception */
	expect(&err, ERR_REFUSED, "another usher");
	db_close(db);
}

static void hold_write_lock(void)
{
	sqlite3 *other;

	if (sqlite3_open(path, &other) != SQLITE_OK ||
	    sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL) != SQLITE_OK)
		_exit(2);
}

/* Somebody has the file open in the sqlite3 shell: the operator is told which process to end. */
static void a_foreign_writer_is_named(void **state)
{
	struct err err = { 0 };
	char pid_text[32];
	struct db *db;
	pid_t pid;

	(void)state;
	db_close(fresh());
	pid = child(hold_write_lock);
	db = opened(DB_WRITER);
	sqlite3_busy_timeout(db->handle, 20);
	assert_false(db_begin(db, &err));
	snprintf(pid_text, sizeof(pid_text), "process %d:", (int)pid);
	expect(&err, ERR_AGAIN, pid_text);
	end(pid);
	assert_true(db_begin(db, &err));
	db_rollback(db);
	db_close(db);
}

/* What is written next points to the row by this number. */
static void an_inserted_row_tells_its_number(void **state)
{
	static const char sql[] = "INSERT INTO users (username, email, password_hash) VALUES ($1, $1, '!')";
	struct db *db = fresh();
	struct err err = { 0 };
	int64_t first = 0, second = 0, none = 7;

	(void)state;
	assert_true(db_insert(db, &err, &first, sql, "t", "ann"));
	assert_true(db_insert(db, &err, &second, sql, "t", "bob"));
	assert_int_equal(number(db, "SELECT id FROM users WHERE username = 'ann'"), first);
	assert_int_equal(number(db, "SELECT id FROM users WHERE username = 'bob'"), second);
	assert_false(db_insert(db, &err, &none, sql, "t", "bob"));
	assert_int_equal(none, 0);
	db_close(db);
}

int main(void)
{
#define AT(TEST) cmocka_unit_test_setup_teardown(TEST, make_place, drop_place)
	const struct CMUnitTest tests[] = {
		AT(a_fresh_file_is_private_and_durable),
		AT(migrating_twice_changes_nothing),
		AT(the_first_schema_is_brought_up_to_date),
		AT(kinds_outlive_an_upgrade),
		AT(arguments_go_by_number),
		AT(an_inserted_row_tells_its_number),
		AT(wrong_calls_are_refused),
		AT(faults_are_sorted_by_what_can_be_done),
		AT(a_savepoint_undoes_one_job),
		AT(trimming_leaves_the_transaction),
		AT(a_reader_reads_and_does_nothing_else),
		AT(a_wrong_url_is_named),
		AT(a_file_that_is_no_database),
		AT(closing_moves_nothing),
		AT(another_programs_tables),
		AT(a_newer_schema_is_refused_with_a_command),
		AT(a_changed_step_is_refused),
		AT(a_step_is_all_or_nothing),
		AT(a_second_daemon_is_told_who_is_there),
		AT(a_foreign_writer_is_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
