/* How we speak to a database: one connection, blocking calls, one thread. What we ask is src/store's matter.
 * SQL is written once for all backends: $1 placeholders, RETURNING, ON CONFLICT; types differ only in
 * migrations. */
#ifndef USHER_DB_H
#define USHER_DB_H

#include "err.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct db;
struct db_ops;
struct db_statement; /* the backend's */

enum db_mode {
	DB_WRITER, /* the only writing connection: WAL, synchronous=FULL, checkpoints by db_checkpoint */
	DB_READER, /* refuses to write; never checkpoints */
};

/* url: "sqlite:PATH". The folder is made (0700) and the file with 0600 for a writer. Errors name the file,
 * the cause and the cure: a second daemon (with its pid where it can be told), not a database, no permission,
 * disk full. A reader takes no lock that a daemon asks for; ERR_GONE: there is no file for it. */
struct db *db_open(const char *url, enum db_mode mode, struct err *err);
/* Takes NULL. What stays in the log is read from there by the next start: moving it is db_checkpoint's, for who
 * still trusts the files. */
void db_close(struct db *db);

/* Gives back the memory of cached pages that nobody uses and of all prepared statements; both are made again when needed.
 * Transactions stay as they are. Not while a query runs. */
void db_trim(struct db *db);

/* ---- one statement ------------------------------------------------------------------------------------ */

/* A running statement; lives on the caller's stack. Statements are prepared once per connection and kept by
 * SQL text. A statement is not reentrant: end a query before running the same text again. */
struct query {
	struct db *db;
	struct db_statement *statement;
	bool failed;
	struct err err;
};

/* Starts sql with arguments; `types` has one letter each: t text (const char *, NULL is SQL NULL), i integer
 * (int64_t), d double, b bool (int), n NULL (no argument). Text is borrowed until db_end. Never fails here:
 * errors are kept for db_end. */
void db_query(struct db *db, struct query *query, const char *sql, const char *types, ...);

/* The same with `count` arguments that are all text (or NULL). */
void db_query_texts(struct db *db, struct query *query, const char *sql, const char *const *args,
		    size_t count);

/* Steps to the next row; false at the end or after an error. */
bool db_row(struct query *query);

/* Columns of the current row, from 0. Text lives until the next db_row or db_end; NULL for SQL NULL. */
const char *db_text(const struct query *query, int column);
size_t db_text_len(const struct query *query, int column);
int64_t db_int(const struct query *query, int column); /* 0 for NULL */
double db_double(const struct query *query, int column);
bool db_bool(const struct query *query, int column);
bool db_null(const struct query *query, int column);
int db_columns(const struct query *query);
const char *db_column_name(const struct query *query, int column);
enum db_type { DB_NULL, DB_INT, DB_DOUBLE, DB_TEXT } db_column_type(const struct query *query, int column);

/* Ends the statement. false and err when it or a step before failed. Call exactly once per db_query. */
bool db_end(struct query *query, struct err *err);

/* db_query, all rows skipped, db_end. changes_out (may be NULL): rows inserted, updated or deleted. */
bool db_run(struct db *db, struct err *err, int64_t *changes_out, const char *sql, const char *types, ...);

/* One integer or text of one row: found_out false when there is no row. text_out is the caller's (free). */
bool db_one_int(struct db *db, struct err *err, bool *found_out, int64_t *value_out, const char *sql,
		const char *types, ...);

/* INSERT of exactly one row, without RETURNING, into a table whose key "id" the database numbers: its id. For the rows of
 * every message: SQLite would build a table in memory for each RETURNING. */
bool db_insert(struct db *db, struct err *err, int64_t *id_out, const char *sql, const char *types, ...);

/* Several statements without arguments, for migrations. */
bool db_script(struct db *db, const char *sql, struct err *err);

/* ---- transactions -------------------------------------------------------------------------------------- */

bool db_begin(struct db *db, struct err *err); /* BEGIN IMMEDIATE */
/* An error here does not mean "not committed" (durability.md, finding 2): its kind is ERR_FATAL unless it is
 * known that nothing was written (ERR_FULL, ERR_AGAIN). */
bool db_commit(struct db *db, struct err *err);
void db_rollback(struct db *db);
bool db_savepoint(struct db *db, struct err *err); /* one level */
bool db_release(struct db *db, struct err *err);
void db_rollback_to(struct db *db); /* and releases */

/* Moves the log into the database file. wait false: as much as goes
 * without waiting. Its result is checked. */
bool db_checkpoint(struct db *db, bool wait, struct err *err);
int64_t db_log_bytes(const struct db *db); /* size of the write-ahead log */
int64_t db_disk_free(const struct db *db); /* bytes on its file system, -1 unknown */

/* Integrity of the whole file ("ok" or the first faults, the caller frees); slow. */
char *db_check(struct db *db);

/* ---- migrations ---------------------------------------------------------------------------------- */

/* Brings the schema up to date: numbered steps that travel in the binary, each in one transaction, recorded
 * in schema_version with its SHA-256. A changed step or a newer schema is refused with the command to run. */
bool db_migrate(struct db *db, struct err *err);
int db_schema_version(void); /* of this binary */

#endif
