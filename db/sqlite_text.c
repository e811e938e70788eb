/* fold(TEXT) for searching: SQLite's own lower() knows ASCII only. Another database gives the same by what it has
 * (PostgreSQL: lower(normalize(TEXT, NFC)) with an ICU collation); no index and no stored column depend on it. */
#include "sqlite.h"
#include "text.h"
#include <stdlib.h>

static void fold(sqlite3_context *context, int count, sqlite3_value **values)
{
	const char *text = (const char *)sqlite3_value_text(values[0]);

	(void)count;
	if (text == NULL)
		return; /* NULL stays NULL */
	sqlite3_result_text(context, text_fold(text, (size_t)sqlite3_value_bytes(values[0])), -1, free);
}

bool sqlite_text(struct db *db, struct err *err)
{
	return sqlite3_create_function_v2(db->handle, "fold", 1, SQLITE_UTF8 | SQLITE_DETERMINISTIC, NULL,
					  fold, NULL, NULL, NULL) == SQLITE_OK ||
	       err_set(err, ERR_FATAL, "SQLite takes no function of ours");
}
