/* Finished imports on their way to the target that the settings name. */
#include "imports.h"
#include "people.h"
#include <inttypes.h>

struct next_ask {
	store_post_fn *fn;
};

static bool find_due(struct db *db, const char *now, struct store_post *out, struct err *err)
{
	struct query query;

	db_query(db, &query,
		 "SELECT id, \"commercialAttempts\", \"commercialDueAt\" <= $1, \"commercialDueAt\" FROM"
		 " \"LLMAgentImport\" WHERE \"commercialState\" IN ('due', 'sending') AND "
		 "\"commercialState\" = 'due'"
		 " ORDER BY \"commercialDueAt\" LIMIT 1",
		 "t", now);
	if (db_row(&query) && db_bool(&query, 2)) {
		out->id = db_int(&query, 0);
		out->attempts = (unsigned)db_int(&query, 1) + 1;
	} else if (db_columns(&query) && !db_null(&query, 3)) {
		out->due_ms = room_parse_time(db_text(&query, 3));
	}
	return db_end(&query, err);
}

static bool print_body(struct db *db, struct arena *room, struct store_post *out, struct err *err)
{
	const char *const args[] = { arena_format(room, "%" PRId64, out->id), NULL };
	struct buf body = { 0 };
	bool found, done = row_of(db, &body, import_sql, args, 2, &found, err);

	if (done)
		out->body = arena_text_n(room, buf_str(&body), body.len);
	buf_free(&body);
	return done;
}

static bool run_next(struct db *db, struct job *job, struct err *err)
{
	struct store_post *out = arena_alloc(job->room, sizeof(*out));

	job->answer = out;
	if (!find_due(db, room_time(job->room, clock_wall_ms()), out, err))
		return false;
	return out->id == 0 || (print_body(db, job->room, out, err) &&
				db_run(db, err, NULL,
				       "UPDATE \"LLMAgentImport\" SET \"commercialState\" = 'sending', "
				       "\"commercialAttempts\" = $2"
				       " WHERE id = $1",
				       "ii", out->id, (int64_t)out->attempts));
}

static void give_next(struct job *job)
{
	static const struct store_post none;
	const struct next_ask *ask = job->ask;

	ask->fn(job->owner, job->ticket, &job->err, job->answer ? job->answer : &none);
}

void store_post_next(struct store *store, store_post_fn *fn, void *owner, uint64_t ticket)
{
	struct job *job = job_create(JOB_WRITE, run_next, give_next, sizeof(struct next_ask), owner, ticket);

	*(struct next_ask *)job->ask = (struct next_ask){ .fn = fn };
	store_ask(store, job);
}

/* ---- how it went ---------------------------------------------------------------------------------------------- */

struct done_ask {
	int64_t id, due_ms;
	const char *external_id, *error;
};

static bool run_done(struct db *db, struct job *job, struct err *err)
{
	const struct done_ask *ask = job->ask;
	const char *state = ask->error == NULL ? "done" : ask->due_ms ? "due" : "failed";
	int64_t rows = 0;

	return db_run(db, err, &rows,
		      "UPDATE \"LLMAgentImport\" SET \"commercialState\" = $2, \"commercialError\" = $3,"
		      " \"commercialImportId\" = coalesce(\"commercialImportId\", $4),"
		      " \"commercialDueAt\" = coalesce($5, \"commercialDueAt\") WHERE id = $1"
		      " AND \"commercialState\" = 'sending'",
		      "itttt", ask->id, state, ask->error, ask->external_id,
		      room_time(job->room, ask->error ? ask->due_ms : 0)) &&
	       (rows > 0 || err_set(err, ERR_GONE, "import %" PRId64 " is not being posted", ask->id));
}

void store_post_done(struct store *store, int64_t id, const char *external_id, const char *error,
		     int64_t due_ms, store_done_fn *fn, void *owner, uint64_t ticket)
{
	struct job *job = job_create_done(JOB_WRITE, run_done, sizeof(struct done_ask), fn, owner, ticket);

	*(struct done_ask *)job->ask = (struct done_ask){ .id = id,
							  .due_ms = due_ms,
							  .external_id = job_text(job, external_id),
							  .error = job_text(job, error) };
	store_ask(store, job);
}
