/* Lets the schema check and read JSON although it is not trusted: SQLite 3.40 counts its own JSON functions
 * among those an untrusted schema may not call. Ours carry the mark they need and pass the work on to
 * SQLite's. */
#include "sqlite.h"

static const struct json_function {
	const char *name;
	int args;
	const char *sql;
} functions[] = {
	{ "json_valid", 1, "SELECT json_valid($1)" },
	{ "json_quote", 1, "SELECT json_quote($1)" },
	{ "json_extract", 2, "SELECT json_extract($1, $2)" },
};

enum { FUNCTIONS = sizeof(functions) / sizeof(functions[0]) };

static void pass_on(sqlite3_context *context, int count, sqlite3_value **values)
{
	sqlite3_stmt *stmt = sqlite3_user_data(context);

	for (int i = 0; i < count; i++)
		sqlite3_bind_value(stmt, i + 1, values[i]);
	if (sqlite3_step(stmt) == SQLITE_ROW)
		sqlite3_result_value(context, sqlite3_column_value(stmt, 0));
	else
		sqlite3_result_error(context, sqlite3_errmsg(sqlite3_db_handle(stmt)), -1);
	sqlite3_reset(stmt);
	sqlite3_clear_bindings(stmt);
}

static void finish(void *stmt)
{
	sqlite3_finalize(stmt);
}

static bool add(struct db *db, const struct json_function *function)
{
	sqlite3_stmt *stmt = NULL;

	if (sqlite3_prepare_v3(db->plain, function->sql, -1, SQLITE_PREPARE_PERSISTENT, &stmt, NULL) !=
	    SQLITE_OK)
		return false;
	/* Frees the statement itself when it fails. */
	return sqlite3_create_function_v2(db->handle, function->name, function->args,
					  SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_INNOCUOUS, stmt,
					  pass_on, NULL, NULL, finish) == SQLITE_OK;
}

bool sqlite_json(struct db *db, struct err *err)
{
	bool added = sqlite3_open_v2(":memory:", &db->plain,
				     SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_READWRITE | SQLITE_OPEN_MEMORY,
				     NULL) == SQLITE_OK;

	if (added)
		sqlite3_db_config(db->plain, SQLITE_DBCONFIG_LOOKASIDE, NULL, 0, 0);
	for (int i = 0; added && i < FUNCTIONS; i++)
		added = add(db, &functions[i]);
	return added || err_set(err, ERR_FATAL, "this SQLite has no JSON functions");
}
