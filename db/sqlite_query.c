/* Statements on SQLite: prepared once, kept by their text, bound, stepped, reset. */
#include "mem.h"
#include "sqlite.h"
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

/* The usual one is a switch that falls through, which clang refuses. */
#define HASH_FUNCTION HASH_OAT
#include <uthash.h>

enum { ARGS_MAX = 64 };

struct db_statement {
	char *sql;
	sqlite3_stmt *stmt;
	uint8_t places[ARGS_MAX + 1]; /* where argument N is bound; 0: the text has no $N */
	bool running;
	UT_hash_handle hh;
};

/* To SQLite "$2" is a name, numbered in order of appearance; to us (and PostgreSQL) it is the second
 * argument. */
static bool number(struct db_statement *made, struct err *err)
{
	int count = sqlite3_bind_parameter_count(made->stmt);

	for (int place = 1; place <= count; place++) {
		const char *name = sqlite3_bind_parameter_name(made->stmt, place);
		long arg = name != NULL && name[0] == '$' ? strtol(name + 1, NULL, 10) : 0;

		if (arg < 1 || arg > ARGS_MAX)
			return err_set(err, ERR_BUG, "database: placeholders are $1 to $%d", ARGS_MAX);
		made->places[arg] = (uint8_t)place;
	}
	return true;
}

static void forget_one(struct db_statement *statement)
{
	sqlite3_finalize(statement->stmt);
	free(statement->sql);
	free(statement);
}

static bool prepare(struct db *db, const char *sql, struct db_statement **out, struct err *err)
{
	struct db_statement *made;
	sqlite3_stmt *stmt = NULL;
	int code = sqlite3_prepare_v3(db->handle, sql, -1, SQLITE_PREPARE_PERSISTENT, &stmt, NULL);

	if (code != SQLITE_OK)
		return sqlite_fault(db, err, code);
	if (stmt == NULL)
		return err_set(err, ERR_BUG, "database: an empty statement");
	made = mem_zero(1, sizeof(*made));
	made->sql = mem_text(sql);
	made->stmt = stmt;
	if (!number(made, err)) {
		forget_one(made);
		return false;
	}
	HASH_ADD_KEYPTR(hh, db->statements, made->sql, strlen(made->sql), made);
	*out = made;
	return true;
}

/* Nearly every text is a literal that comes again under its address:
 * comparing is far cheaper than hashing. */
static struct db_statement **seat_of(struct db *db, const char *sql)
{
	return &db->recent[((uintptr_t)sql >> 4) % SQLITE_RECENT];
}

static struct db_statement *look_up(struct db *db, const char *sql)
{
	struct db_statement **seat = seat_of(db, sql), *known = *seat;

	if (known != NULL && strcmp(known->sql, sql) == 0)
		return known;
	HASH_FIND(hh, db->statements, sql, strlen(sql), known);
	if (known != NULL)
		*seat = known;
	return known;
}

static bool find(struct db *db, const char *sql, struct db_statement **out, struct err *err)
{
	struct db_statement *known = look_up(db, sql);

	if (known == NULL)
		return prepare(db, sql, out, err);
	if (known->running)
		return err_set(err, ERR_BUG, "database: a statement was begun before it had ended: %.100s",
			       sql);
	*out = known;
	return true;
}

/* NOLINTBEGIN(clang-analyzer-valist.Uninitialized): the list comes by pointer, so that what is taken stays
 * taken. */
static int bind_one(sqlite3_stmt *stmt, int at, char type, va_list *args)
{
	switch (type) {
	case 't':
		return sqlite3_bind_text(stmt, at, va_arg(*args, const char *), -1, SQLITE_STATIC);
	case 'i':
		return sqlite3_bind_int64(stmt, at, va_arg(*args, int64_t));
	case 'd':
		return sqlite3_bind_double(stmt, at, va_arg(*args, double));
	case 'b':
		return sqlite3_bind_int(stmt, at, va_arg(*args, int) != 0);
	case 'n':
		return sqlite3_bind_null(stmt, at);
	default:
		return SQLITE_MISUSE;
	}
}
/* NOLINTEND(clang-analyzer-valist.Uninitialized) */

static bool bind_all(struct db *db, const struct db_statement *statement, const char *types, va_list *args,
		     struct err *err)
{
	int wanted = sqlite3_bind_parameter_count(statement->stmt);
	int bound = 0, at = 0;

	for (const char *type = types; *type; type++) {
		int place = ++at <= ARGS_MAX ? statement->places[at] : 0;
		int code = place ? bind_one(statement->stmt, place, *type, args) : SQLITE_RANGE;

		if (code == SQLITE_MISUSE || code == SQLITE_RANGE)
			return err_set(err, ERR_BUG,
				       "database: argument %d ('%c') fits no placeholder of: %.100s", at,
				       *type, statement->sql);
		if (code != SQLITE_OK)
			return sqlite_fault(db, err, code);
		bound++;
	}
	if (bound != wanted)
		return err_set(err, ERR_BUG, "database: %d arguments for %d placeholders of: %.100s", bound,
			       wanted, statement->sql);
	return true;
}

static bool open_query(struct db *db, struct query *query, const char *sql)
{
	*query = (struct query){ .db = db };
	query->failed = !find(db, sql, &query->statement, &query->err);
	if (query->failed)
		query->statement = NULL;
	else
		query->statement->running = true;
	return !query->failed;
}

/* The types string of a query lies beside its arguments; va_list is handed on by pointer. */
static void start(struct db *db, struct query *query, const char *sql, const char *types, va_list *args)
{
	if (open_query(db, query, sql))
		query->failed = !bind_all(db, query->statement, types, args, &query->err);
}

void db_query(struct db *db, struct query *query, const char *sql, const char *types, ...)
{
	va_list args;

	va_start(args, types);
	start(db, query, sql, types, &args);
	va_end(args);
}

void db_query_texts(struct db *db, struct query *query, const char *sql, const char *const *args,
		    size_t count)
{
	if (!open_query(db, query, sql))
		return;
	for (size_t i = 0; i < count && !query->failed; i++) {
		int place = i < ARGS_MAX ? query->statement->places[i + 1] : 0;
		int code =
			place ? sqlite3_bind_text(query->statement->stmt, place, args[i], -1, SQLITE_STATIC)
			      : SQLITE_RANGE;

		if (code != SQLITE_OK)
			query->failed =
				!err_set(&query->err, ERR_BUG,
					 "database: argument %zu fits no placeholder of: %.100s", i + 1, sql);
	}
}

bool db_row(struct query *query)
{
	int code;

	if (query->failed)
		return false;
	code = sqlite3_step(query->statement->stmt);
	if (code == SQLITE_ROW)
		return true;
	if (code != SQLITE_DONE)
		query->failed = !sqlite_fault(query->db, &query->err, code);
	return false;
}

bool db_end(struct query *query, struct err *err)
{
	if (query->statement != NULL) {
		sqlite3_reset(query->statement->stmt); /* repeats the step's fault, which we already have */
		sqlite3_clear_bindings(query->statement->stmt);
		query->statement->running = false;
		query->statement = NULL;
	}
	if (query->failed && err != NULL)
		*err = query->err;
	return !query->failed;
}

static bool run_to_end(struct query *query, struct err *err)
{
	while (db_row(query))
		;
	return db_end(query, err);
}

bool db_run(struct db *db, struct err *err, int64_t *changes_out, const char *sql, const char *types, ...)
{
	struct query query;
	bool writes;
	va_list args;

	va_start(args, types);
	start(db, &query, sql, types, &args);
	va_end(args);
	/* sqlite3_changes keeps the number of an earlier statement when this one can't change anything. */
	writes = query.statement != NULL && !sqlite3_stmt_readonly(query.statement->stmt);
	if (!run_to_end(&query, err))
		return false;
	if (changes_out != NULL)
		*changes_out = writes ? sqlite3_changes64(db->handle) : 0;
	return true;
}

bool db_insert(struct db *db, struct err *err, int64_t *id_out, const char *sql, const char *types, ...)
{
	struct query query;
	va_list args;

	va_start(args, types);
	start(db, &query, sql, types, &args);
	va_end(args);
	*id_out = 0;
	if (!run_to_end(&query, err))
		return false;
	*id_out = sqlite3_last_insert_rowid(db->handle);
	return true;
}

bool db_one_int(struct db *db, struct err *err, bool *found_out, int64_t *value_out, const char *sql,
		const char *types, ...)
{
	struct query query;
	va_list args;

	va_start(args, types);
	start(db, &query, sql, types, &args);
	va_end(args);
	*found_out = db_row(&query);
	*value_out = *found_out ? db_int(&query, 0) : 0;
	/* To the end, so that a change with RETURNING is complete. */
	return run_to_end(&query, err);
}

const char *db_text(const struct query *query, int column)
{
	return (const char *)sqlite3_column_text(query->statement->stmt, column);
}

size_t db_text_len(const struct query *query, int column)
{
	return (size_t)sqlite3_column_bytes(query->statement->stmt, column);
}

int64_t db_int(const struct query *query, int column)
{
	return sqlite3_column_int64(query->statement->stmt, column);
}

double db_double(const struct query *query, int column)
{
	return sqlite3_column_double(query->statement->stmt, column);
}

bool db_bool(const struct query *query, int column)
{
	return sqlite3_column_int64(query->statement->stmt, column) != 0;
}

bool db_null(const struct query *query, int column)
{
	return db_column_type(query, column) == DB_NULL;
}

int db_columns(const struct query *query)
{
	return query->statement ? sqlite3_column_count(query->statement->stmt) : 0;
}

const char *db_column_name(const struct query *query, int column)
{
	return sqlite3_column_name(query->statement->stmt, column);
}

enum db_type db_column_type(const struct query *query, int column)
{
	switch (sqlite3_column_type(query->statement->stmt, column)) {
	case SQLITE_NULL:
		return DB_NULL;
	case SQLITE_INTEGER:
		return DB_INT;
	case SQLITE_FLOAT:
		return DB_DOUBLE;
	default:
		return DB_TEXT;
	}
}

void sqlite_forget(struct db *db)
{
	struct db_statement *each = db->statements;

	memset(db->recent, 0, sizeof(db->recent));
	HASH_CLEAR(hh, db->statements); /* the statements themselves stay linked */
	while (each != NULL) {
		struct db_statement *next = each->hh.next;

		forget_one(each);
		each = next;
	}
}
