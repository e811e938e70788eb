/* How far a platform's events were taken in: moved with the message that came, asked for at start. */
#include "arrival.h"
#include "store_install.h"

struct cursors_ask {
	const char *platform, *installation;
	int64_t since_ms;
	store_cursors_fn *fn;
};

struct cursors_answer {
	struct store_cursor *cursors;
	size_t count;
};

/* Positions are ordered as message.h says: by length, then by byte. A copy that comes late moves nothing back. */
bool cursor_move(const struct arrival *it, struct err *err)
{
	const struct incoming *in = it->in;

	if (in->cursor_scope == NULL || in->cursor == NULL)
		return true;
	return db_run(it->db, err, NULL,
		      "INSERT INTO cursors (platform, installation, scope, position, updated_at)"
		      " VALUES ($1, $2, $3, $4, $5) ON CONFLICT (platform, installation, scope) DO UPDATE"
		      " SET position = excluded.position, updated_at = excluded.updated_at"
		      " WHERE length(excluded.position) > length(cursors.position)"
		      " OR (length(excluded.position) = length(cursors.position)"
		      " AND excluded.position > cursors.position)",
		      "ttttt", it->ask->platform, it->ask->installation, in->cursor_scope, in->cursor,
		      room_time(it->room, it->now_ms));
}

static bool run_cursors(struct db *db, struct job *job, struct err *err)
{
	const struct cursors_ask *ask = job->ask;
	struct cursors_answer *out = arena_alloc(job->room, sizeof(*out));
	struct query query;
	size_t space = 0;

	job->answer = out;
	db_query(db, &query,
		 "SELECT scope, position FROM cursors WHERE platform = $1 AND installation = $2"
		 " AND updated_at >= $3 ORDER BY updated_at DESC, scope LIMIT $4",
		 "ttti", ask->platform, ask->installation,
		 room_time(job->room, ask->since_ms + !ask->since_ms), (int64_t)STORE_CURSORS_MAX);
	while (db_row(&query)) {
		out->cursors = arena_grow(job->room, out->cursors, out->count, &space, sizeof(*out->cursors));
		out->cursors[out->count++] =
			(struct store_cursor){ .scope = room_text(job->room, &query, 0),
					       .position = room_text(job->room, &query, 1) };
	}
	return db_end(&query, err);
}

static void give_cursors(struct job *job)
{
	const struct cursors_ask *ask = job->ask;
	const struct cursors_answer *answer = job->answer;

	ask->fn(job->owner, job->ticket, &job->err, answer ? answer->cursors : NULL,
		answer ? answer->count : 0);
}

void store_cursors(struct store *store, const char *platform, const char *installation, int64_t since_ms,
		   store_cursors_fn *fn, void *owner, uint64_t ticket)
{
	struct job *job =
		job_create(JOB_READ, run_cursors, give_cursors, sizeof(struct cursors_ask), owner, ticket);

	*(struct cursors_ask *)job->ask = (struct cursors_ask){ .platform = job_text(job, platform),
								.installation = job_text(job, installation),
								.since_ms = since_ms,
								.fn = fn };
	store_ask(store, job);
}
