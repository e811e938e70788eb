/* What organisations keep: the content of files that came and of files that were made. */
#include "imports.h"
#include "json.h"
#include <inttypes.h>
#include <string.h>

bool blob_add(struct db *db, struct arena *room, const char *org_id, const char *sha256, int64_t bytes,
	      int64_t stored, int64_t quota, bool *full_out, struct err *err)
{
	int64_t kept = 0;
	bool found;

	*full_out = false;
	if (quota > 0) {
		if (!db_one_int(
			    db, err, &found, &kept,
			    "SELECT coalesce(sum(bytes), 0) FROM blobs WHERE org_id = $1 AND sha256 <> $2",
			    "tt", org_id, sha256))
			return false;
		*full_out = kept + bytes > quota;
	}
	if (*full_out)
		return blob_leave(db, room, org_id, sha256, err);
	return db_run(db, err, NULL,
		      "INSERT INTO blobs (org_id, sha256, bytes, stored, created_at)"
		      " VALUES ($1, $2, $3, $4, $5) ON CONFLICT (org_id, sha256)"
		      " DO UPDATE SET bytes = excluded.bytes, stored = excluded.stored",
		      "ttiit", org_id, sha256, bytes, stored, room_time(room, clock_wall_ms()));
}

bool blob_leave(struct db *db, struct arena *room, const char *org_id, const char *sha256, struct err *err)
{
	return db_run(db, err, NULL,
		      "INSERT INTO blobs (org_id, sha256, bytes, stored, created_at)"
		      " VALUES ($1, $2, 0, 0, $3) ON CONFLICT (org_id, sha256) DO NOTHING",
		      "ttt", org_id, sha256, room_time(room, clock_wall_ms()));
}

/* ---- files that were made ------------------------------------------------------------------------------------ */

struct output_ask {
	struct store_output output;
	struct store_reach reach;
	store_output_fn *fn;
};

struct output_answer {
	int64_t id;
	bool full, gone;
};

/* The one that an earlier call with the same key made. Its organisation's, so nobody finds another's. */
static bool find_output(struct db *db, const struct output_ask *ask, int64_t *id_out, struct err *err)
{
	bool found;

	*id_out = 0;
	return db_one_int(db, err, &found, id_out,
			  "SELECT id FROM import_outputs WHERE org_id = $1 AND key = $2", "tt",
			  ask->reach.org_id, ask->output.key);
}

/* The import may have been taken back meanwhile. */
static bool check_import(struct db *db, const struct output_ask *ask, bool *gone_out, struct err *err)
{
	int64_t one;
	bool found = true;

	if (ask->output.import_id &&
	    !db_one_int(db, err, &found, &one,
			"SELECT 1 FROM \"LLMAgentImport\" WHERE id = $1 AND \"userCompanyId\" = $2", "it",
			ask->output.import_id, ask->reach.org_id))
		return false;
	*gone_out = !found;
	return true;
}

static bool add_output(struct db *db, struct arena *room, const struct output_ask *ask, int64_t *id_out,
		       struct err *err)
{
	const struct store_output *output = &ask->output;

	return db_insert(
		db, err, id_out,
		"INSERT INTO import_outputs (org_id, profile_id, import_id, turn_id, key, name, format, mime,"
		" sha256, bytes, report, created_at) VALUES ($1, $2, nullif($3, 0), nullif($4, 0), $5, $6, "
		"$7,"
		" $8, $9, $10, $11, $12)",
		"ttiitttttitt", ask->reach.org_id, ask->reach.profile_id, output->import_id, output->turn_id,
		output->key, output->name, output->format, output->mime, output->sha256, output->bytes,
		output->report, room_time(room, clock_wall_ms()));
}

/* The import's own columns tell of the last file that was made of it. */
static bool tell_import(struct db *db, struct arena *room, const struct output_ask *ask, struct err *err)
{
	const struct store_output *output = &ask->output;
	json_t *report = output->report ? json_read(output->report, strlen(output->report), NULL) : NULL;
	bool done = output->import_id == 0 ||
		    db_run(db, err, NULL,
			   "UPDATE \"LLMAgentImport\" SET \"outputFormat\" = $2, \"outputContent\" = $3,"
			   " \"rowsIn\" = nullif($4, -1), \"rowsOut\" = nullif($5, -1),"
			   " \"rowsRefused\" = nullif($6, -1), \"updatedAt\" = $7 WHERE id = $1",
			   "ittiiit", output->import_id, output->format, output->content,
			   json_int(report, "rows_in", -1), json_int(report, "rows_out", -1),
			   json_int(report, "rows_refused", -1), room_time(room, clock_wall_ms()));

	json_decref(report);
	return done;
}

static bool run_output(struct db *db, struct job *job, struct err *err)
{
	const struct output_ask *ask = job->ask;
	struct output_answer *out = arena_alloc(job->room, sizeof(*out));
	const struct store_output *output = &ask->output;

	job->answer = out;
	if (!find_output(db, ask, &out->id, err))
		return false;
	if (out->id)
		return true;
	if (!check_import(db, ask, &out->gone, err))
		return false;
	if (out->gone)
		return blob_leave(db, job->room, ask->reach.org_id, output->sha256, err);
	if (!blob_add(db, job->room, ask->reach.org_id, output->sha256, output->bytes, output->stored,
		      output->quota, &out->full, err))
		return false;
	return out->full ||
	       (add_output(db, job->room, ask, &out->id, err) && tell_import(db, job->room, ask, err));
}

static void give_output(struct job *job)
{
	const struct output_ask *ask = job->ask;
	const struct output_answer *out = job->answer;

	if (out && out->full)
		err_set(&job->err, ERR_REFUSED, "the files of this organisation fill what it may keep");
	else if (out && out->gone)
		err_set(&job->err, ERR_GONE, "import %" PRId64 " is gone", ask->output.import_id);
	ask->fn(job->owner, job->ticket, &job->err, out ? out->id : 0);
}

void store_output(struct store *store, const struct store_output *output, store_output_fn *fn, void *owner,
		  uint64_t ticket)
{
	struct job *job =
		job_create(JOB_WRITE, run_output, give_output, sizeof(struct output_ask), owner, ticket);
	struct output_ask *ask = job->ask;

	ask->fn = fn;
	ask->output = *output;
	ask->output.reach = NULL;
	ask->reach = (struct store_reach){ .org_id = job_text(job, output->reach->org_id),
					   .profile_id = job_text(job, output->reach->profile_id) };
	ask->output.key = job_text(job, output->key);
	ask->output.name = job_text(job, output->name);
	ask->output.format = job_text(job, output->format);
	ask->output.mime = job_text(job, output->mime);
	ask->output.sha256 = job_text(job, output->sha256);
	ask->output.report = job_text(job, output->report);
	ask->output.content = job_text(job, output->content);
	store_ask(store, job);
}

bool outputs_of_turn(struct db *db, struct arena *room, int64_t turn_id, const char **json_out,
		     struct err *err)
{
	struct query query;

	db_query(db, &query,
		 "SELECT json_group_array(json_object('name', name, 'mime', mime, 'size', bytes, 'org', "
		 "org_id,"
		 " 'sha256', sha256)) FROM (SELECT name, mime, bytes, org_id, sha256 FROM import_outputs"
		 " WHERE turn_id = $1 ORDER BY id LIMIT 100)",
		 "i", turn_id);
	*json_out = NULL;
	if (db_row(&query) && strcmp(db_text(&query, 0), "[]") != 0)
		*json_out = room_text(room, &query, 0);
	return db_end(&query, err);
}

/* ---- content that nobody names ------------------------------------------------------------------------------- */

struct blobs_ask {
	unsigned limit;
	store_blobs_fn *fn;
};

struct blobs_answer {
	struct store_blob *blobs;
	size_t count;
};

static bool read_unnamed(struct db *db, struct arena *room, size_t limit, struct blobs_answer *out,
			 struct err *err)
{
	struct query query;

	db_query(
		db, &query,
		"SELECT b.org_id, b.sha256 FROM blobs b WHERE NOT EXISTS (SELECT 1 FROM \"LLMAgentImport\" i"
		" WHERE i.\"userCompanyId\" = b.org_id AND i.sha256 = b.sha256) AND NOT EXISTS (SELECT 1 FROM"
		" import_outputs o WHERE o.org_id = b.org_id AND o.sha256 = b.sha256) LIMIT $1",
		"i", (int64_t)limit);
	while (out->count < limit && db_row(&query))
		out->blobs[out->count++] = (struct store_blob){ .org_id = room_text(room, &query, 0),
								.sha256 = room_text(room, &query, 1) };
	return db_end(&query, err);
}

static bool run_blobs(struct db *db, struct job *job, struct err *err)
{
	const struct blobs_ask *ask = job->ask;
	struct blobs_answer *out = arena_alloc(job->room, sizeof(*out));

	out->blobs = arena_alloc(job->room, (ask->limit + 1) * sizeof(*out->blobs));
	job->answer = out;
	if (!read_unnamed(db, job->room, ask->limit, out, err))
		return false;
	for (size_t i = 0; i < out->count; i++)
		if (!db_run(db, err, NULL, "DELETE FROM blobs WHERE org_id = $1 AND sha256 = $2", "tt",
			    out->blobs[i].org_id, out->blobs[i].sha256))
			return false;
	return true;
}

static void give_blobs(struct job *job)
{
	static const struct blobs_answer none;
	const struct blobs_answer *out = job->answer ? job->answer : &none;
	const struct blobs_ask *ask = job->ask;

	ask->fn(job->owner, job->ticket, &job->err, out->blobs, out->count);
}

void store_blobs_unnamed(struct store *store, unsigned limit, store_blobs_fn *fn, void *owner,
			 uint64_t ticket)
{
	struct job *job =
		job_create(JOB_WRITE, run_blobs, give_blobs, sizeof(struct blobs_ask), owner, ticket);

	*(struct blobs_ask *)job->ask = (struct blobs_ask){ .limit = limit, .fn = fn };
	store_ask(store, job);
}

struct found_ask {
	struct store_blob *blobs;
	size_t count;
};

/* Folders of organisations that are none stay. */
static bool run_found(struct db *db, struct job *job, struct err *err)
{
	const struct found_ask *ask = job->ask;
	bool known;
	int64_t one;

	for (size_t i = 0; i < ask->count; i++)
		if (!db_one_int(db, err, &known, &one, "SELECT 1 FROM organizations WHERE id = $1", "t",
				ask->blobs[i].org_id) ||
		    (known && !blob_leave(db, job->room, ask->blobs[i].org_id, ask->blobs[i].sha256, err)))
			return false;
	return true;
}

void store_blobs_found(struct store *store, const struct store_blob *blobs, size_t count, store_done_fn *fn,
		       void *owner, uint64_t ticket)
{
	struct job *job = job_create_done(JOB_WRITE, run_found, sizeof(struct found_ask), fn, owner, ticket);
	struct found_ask *ask = job->ask;

	ask->blobs = arena_alloc(job->room, (count + 1) * sizeof(*ask->blobs));
	ask->count = count;
	for (size_t i = 0; i < count; i++)
		ask->blobs[i] = (struct store_blob){ .org_id = job_text(job, blobs[i].org_id),
						     .sha256 = job_text(job, blobs[i].sha256) };
	store_ask(store, job);
}
