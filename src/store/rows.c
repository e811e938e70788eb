/* Rows of the database as JSON text. */
#include "people.h"
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* Exact: six decimals, no floating point. */
static void print_usd(int64_t micros, struct buf *out)
{
	uint64_t size = micros < 0 ? 0 - (uint64_t)micros : (uint64_t)micros;

	buf_format(out, "\"%s%" PRIu64 ".%06" PRIu64 "\"", micros < 0 ? "-" : "", size / 1000000,
		   size % 1000000);
}

static void print_value(const struct query *query, int column, const char *shape, struct buf *out)
{
	if (db_null(query, column))
		buf_text(out, "null");
	else if (strcmp(shape, ":json") == 0)
		buf_add(out, db_text(query, column), db_text_len(query, column));
	else if (strcmp(shape, ":bool") == 0)
		buf_text(out, db_bool(query, column) ? "true" : "false");
	else if (strcmp(shape, ":usd") == 0)
		print_usd(db_int(query, column), out);
	else if (db_column_type(query, column) == DB_INT)
		buf_format(out, "%" PRId64, db_int(query, column));
	else if (db_column_type(query, column) == DB_DOUBLE)
		buf_format(out, "%.17g", db_double(query, column));
	else
		json_quote(out, db_text(query, column), db_text_len(query, column));
}

void row_print(const struct query *query, struct buf *out)
{
	int count = db_columns(query);

	buf_text(out, "{");
	for (int column = 0; column < count; column++) {
		const char *name = db_column_name(query, column);
		const char *shape = strchr(name, ':');

		buf_text(out, column ? "," : "");
		json_quote(out, name, shape ? (size_t)(shape - name) : strlen(name));
		buf_text(out, ":");
		print_value(query, column, shape ? shape : "", out);
	}
	buf_text(out, "}");
}

/* Appends all rows as an array and ends the query. ERR_REFUSED when they are more than REPORT_BYTES_MAX bytes. */
static bool rows_print(struct query *query, struct buf *out, struct err *err)
{
	size_t from = out->len;
	bool more;

	buf_text(out, "[");
	while ((more = db_row(query)) && out->len - from < REPORT_BYTES_MAX) {
		buf_text(out, out->len - from > 1 ? "," : "");
		row_print(query, out);
	}
	buf_text(out, "]");
	if (!db_end(query, err))
		return false;
	/* A page that silently ends early would look like the last one. */
	return !more || err_set(err, ERR_REFUSED, "too much for one answer: ask for less at once (limit)");
}

bool rows_of(struct db *db, struct buf *out, const char *sql, const char *const *args, size_t count,
	     struct err *err)
{
	struct query query;

	db_query_texts(db, &query, sql, args, count);
	return rows_print(&query, out, err);
}

bool row_of(struct db *db, struct buf *out, const char *sql, const char *const *args, size_t count,
	    bool *found_out, struct err *err)
{
	struct query query;

	db_query_texts(db, &query, sql, args, count);
	*found_out = db_row(&query);
	if (*found_out)
		row_print(&query, out);
	else
		buf_text(out, "null");
	return db_end(&query, err);
}

char *json_answer_take(struct arena *room, json_t *value)
{
	char *text = json_write(value);
	char *kept = arena_text(room, text);

	free(text);
	json_decref(value);
	return kept;
}
