/* Texts of a plugin's own: kept under names of its choice, given back at the next start. */
#include "installs.h"
#include "store_install.h"

struct texts_ask {
	const char *platform, *installation;
	store_texts_fn *fn;
};

struct texts_answer {
	struct store_text *texts;
	size_t count;
};

static bool run_texts(struct db *db, struct job *job, struct err *err)
{
	const struct texts_ask *ask = job->ask;
	struct texts_answer *out = arena_alloc(job->room, sizeof(*out));
	struct query query;
	size_t space = 0;

	job->answer = out;
	db_query(db, &query,
		 "SELECT name, text FROM plugin_texts WHERE platform = $1 AND installation = $2"
		 " ORDER BY name LIMIT $3",
		 "tti", ask->platform, ask->installation, (int64_t)STORE_TEXTS_MAX);
	while (db_row(&query)) {
		out->texts = arena_grow(job->room, out->texts, out->count, &space, sizeof(*out->texts));
		out->texts[out->count++] = (struct store_text){ .name = room_text(job->room, &query, 0),
								.text = room_text(job->room, &query, 1) };
	}
	return db_end(&query, err);
}

static void give_texts(struct job *job)
{
	const struct texts_ask *ask = job->ask;
	const struct texts_answer *answer = job->answer;

	ask->fn(job->owner, job->ticket, &job->err, answer ? answer->texts : NULL,
		answer ? answer->count : 0);
}

void store_texts(struct store *store, const char *platform, const char *installation, store_texts_fn *fn,
		 void *owner, uint64_t ticket)
{
	struct job *job =
		job_create(JOB_READ, run_texts, give_texts, sizeof(struct texts_ask), owner, ticket);

	*(struct texts_ask *)job->ask = (struct texts_ask){ .platform = job_text(job, platform),
							    .installation = job_text(job, installation),
							    .fn = fn };
	store_ask(store, job);
}

/* ---- keeping --------------------------------------------------------------------------------------------- */

struct remember_ask {
	const char *platform, *installation, *name, *text;
};

bool texts_forget(struct db *db, const char *platform, const char *installation, struct err *err)
{
	return db_run(db, err, NULL, "DELETE FROM plugin_texts WHERE platform = $1 AND installation = $2",
		      "tt", platform, installation);
}

static bool is_removed(struct db *db, const struct remember_ask *ask, bool *removed_out, struct err *err)
{
	int64_t one;

	return db_one_int(db, err, removed_out, &one,
			  "SELECT 1 FROM \"LLMAgentInstallation\" WHERE platform = $1 AND name = $2"
			  " AND \"removedAt\" IS NOT NULL",
			  "tt", ask->platform, ask->installation);
}

/* Only a new name is counted against the others: one that is kept anew must always find its place. */
static bool write_text(struct db *db, struct arena *room, const struct remember_ask *ask, struct err *err)
{
	const char *now = room_time(room, clock_wall_ms());
	int64_t rows = 0;

	if (!db_run(db, err, &rows,
		    "UPDATE plugin_texts SET text = $4, updated_at = $5"
		    " WHERE platform = $1 AND installation = $2 AND name = $3",
		    "ttttt", ask->platform, ask->installation, ask->name, ask->text, now))
		return false;
	if (rows == 0 && !db_run(db, err, &rows,
				 "INSERT INTO plugin_texts (platform, installation, name, text, updated_at)"
				 " SELECT $1, $2, $3, $4, $5 WHERE (SELECT count(*) FROM plugin_texts"
				 " WHERE platform = $1 AND installation = $2) < $6",
				 "ttttti", ask->platform, ask->installation, ask->name, ask->text, now,
				 (int64_t)STORE_TEXTS_MAX))
		return false;
	return rows > 0 || err_set(err, ERR_REFUSED, "%s/%s keeps %d texts already", ask->platform,
				   ask->installation, STORE_TEXTS_MAX);
}

static bool run_remember(struct db *db, struct job *job, struct err *err)
{
	const struct remember_ask *ask = job->ask;
	bool removed;

	if (ask->text == NULL)
		return db_run(db, err, NULL,
			      "DELETE FROM plugin_texts WHERE platform = $1 AND installation = $2"
			      " AND name = $3",
			      "ttt", ask->platform, ask->installation, ask->name);
	if (!is_removed(db, ask, &removed, err))
		return false;
	if (removed)
		return err_set(err, ERR_GONE, "%s/%s was removed", ask->platform, ask->installation);
	return write_text(db, job->room, ask, err);
}

void store_remember(struct store *store, const char *platform, const char *installation, const char *name,
		    const char *text, store_done_fn *fn, void *owner, uint64_t ticket)
{
	struct job *job =
		job_create_done(JOB_LAZY, run_remember, sizeof(struct remember_ask), fn, owner, ticket);

	*(struct remember_ask *)job->ask = (struct remember_ask){ .platform = job_text(job, platform),
								  .installation = job_text(job, installation),
								  .name = job_text(job, name),
								  .text = job_text(job, text) };
	store_ask(store, job);
}
