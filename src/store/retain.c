/* Retention of the record: contents go first, later whole rows from the beginning of a chain; the rest stays provable. */
#include "audit.h"
#include "imports.h"
#include "store_audit.h"
#include <inttypes.h>
#include <string.h>

enum { EMPTY_ROWS = 500, PRUNE_ROWS = 1000, FORGET_ROWS = 10 };

struct retain_ask {
	struct store_retention keep;
	store_retained_fn *fn;
};

/* One organisation's turn. */
struct retain {
	struct db *db;
	struct arena *room;
	const char *org_id;
	struct audit_head head;
	int64_t days;	    /* as set */
	const char *before; /* rows older than this are meant */
	bool more;
	struct err *err;
};

static const char *days_ago(struct arena *room, int64_t days)
{
	return room_time(room, clock_wall_ms() - days * 86400000);
}

/* ---- contents ---------------------------------------------------------------------------------------------- */

/* Old rows behind the mark; those that hold something go. */
static bool read_full(struct retain *it, struct audit_going *going, int64_t *seqs, int64_t *upto_out)
{
	struct query query;
	int64_t seen = 0;

	*upto_out = it->head.emptied_seq;
	db_query(
		it->db, &query,
		"SELECT seq, created_at < $3, erased_by IS NULL AND (input IS NOT NULL OR output IS NOT NULL)"
		" FROM ai_agent_interactions WHERE org_id = $1 AND seq > $2 AND seq IS NOT NULL"
		" ORDER BY seq LIMIT $4",
		"titi", it->org_id, it->head.emptied_seq, it->before, (int64_t)EMPTY_ROWS);
	while (db_row(&query) && db_bool(&query, 1)) {
		seen++;
		*upto_out = db_int(&query, 0);
		if (!db_bool(&query, 2))
			continue;
		seqs[going->rows] = *upto_out;
		audit_going_add(going, *upto_out);
	}
	it->more = it->more || seen == EMPTY_ROWS;
	return db_end(&query, it->err);
}

static bool empty_chained(struct retain *it)
{
	int64_t *seqs = arena_alloc(it->room, EMPTY_ROWS * sizeof(*seqs)), upto = 0, erasure = 0;
	struct audit_going going = { .org_id = it->org_id };
	const struct audit_why why = {
		.what = "retention",
		.who = "usher",
		.why = arena_format(it->room, "audit.content_days = %" PRId64, it->days),
	};
	bool done = read_full(it, &going, seqs, &upto);

	if (done && going.rows > 0)
		done = audit_erasure(it->db, &going, &why, &erasure, it->err);
	for (int64_t i = 0; done && i < going.rows; i++)
		done = audit_empty(it->db, it->org_id, seqs[i], erasure, NULL, it->err);
	buf_free(&going.ranges);
	return done &&
	       (upto == it->head.emptied_seq ||
		db_run(it->db, it->err, NULL, "UPDATE audit_heads SET emptied_seq = $2 WHERE org_id = $1",
		       "ti", it->org_id, upto));
}

static bool empty_unchained(struct retain *it)
{
	int64_t rows = 0;

	if (!db_run(it->db, it->err, &rows,
		    "UPDATE ai_agent_interactions SET input = NULL, output = NULL WHERE id IN (SELECT id FROM"
		    " ai_agent_interactions WHERE org_id = $1 AND seq IS NULL AND created_at < $2"
		    " AND (input IS NOT NULL OR output IS NOT NULL) LIMIT $3)",
		    "tti", it->org_id, it->before, (int64_t)EMPTY_ROWS))
		return false;
	it->more = it->more || rows == EMPTY_ROWS;
	return true;
}

/* ---- rows -------------------------------------------------------------------------------------------------- */

/* How far the old ones reach without a gap of younger ones. rows_out 0: there are none. */
static bool read_prefix(struct retain *it, int64_t *upto_out, const char **hash_out, int64_t *rows_out)
{
	struct query query;

	*rows_out = 0;
	db_query(it->db, &query,
		 "SELECT seq, hash, created_at < $3 FROM ai_agent_interactions WHERE org_id = $1 AND seq > $2"
		 " AND seq IS NOT NULL ORDER BY seq LIMIT $4",
		 "titi", it->org_id, it->head.pruned_seq, it->before, (int64_t)PRUNE_ROWS);
	while (db_row(&query) && db_bool(&query, 2)) {
		++*rows_out;
		*upto_out = db_int(&query, 0);
		*hash_out = room_text(it->room, &query, 1);
	}
	return db_end(&query, it->err);
}

static bool add_mark(struct retain *it, int64_t upto, const char *hash, int64_t rows)
{
	const struct audit_row row = {
		.org_id = it->org_id,
		.agent = "usher",
		.type = "prune",
		.metadata = arena_format(it->room,
					 "{\"up_to\":%" PRId64 ",\"hash\":\"%s\",\"rows\":%" PRId64
					 ",\"keep_days\":%" PRId64 "}",
					 upto, hash, rows, it->days),
		AUDIT_NO_COST,
		.latency_ms = -1,
		.at_ms = clock_wall_ms(),
	};

	return audit_add(it->db, &row, NULL, it->err);
}

static bool prune_chained(struct retain *it)
{
	const char *hash = NULL;
	int64_t upto = 0, rows = 0;

	if (!read_prefix(it, &upto, &hash, &rows))
		return false;
	it->more = it->more || rows == PRUNE_ROWS;
	return rows == 0 ||
	       (db_run(it->db, it->err, NULL,
		       "DELETE FROM ai_agent_interactions WHERE org_id = $1 AND seq <= $2 AND seq IS NOT "
		       "NULL",
		       "ti", it->org_id, upto) &&
		add_mark(it, upto, hash, rows) &&
		db_run(it->db, it->err, NULL,
		       "UPDATE audit_heads SET pruned_seq = $2, pruned_hash = $3 WHERE org_id = $1", "tit",
		       it->org_id, upto, hash));
}

static bool prune_unchained(struct retain *it)
{
	int64_t rows = 0;

	if (!db_run(it->db, it->err, &rows,
		    "DELETE FROM ai_agent_interactions WHERE id IN (SELECT id FROM ai_agent_interactions"
		    " WHERE org_id = $1 AND seq IS NULL AND created_at < $2 LIMIT $3)",
		    "tti", it->org_id, it->before, (int64_t)PRUNE_ROWS))
		return false;
	it->more = it->more || rows == PRUNE_ROWS;
	return rows == 0 || db_run(it->db, it->err, NULL,
				   "UPDATE audit_heads SET unchained = CASE WHEN unchained > $2 THEN "
				   "unchained - $2 ELSE 0 END"
				   " WHERE org_id = $1",
				   "ti", it->org_id, rows);
}

/* ---- one step ---------------------------------------------------------------------------------------------- */

static bool step(struct retain *it, const struct store_retention *keep)
{
	bool found;

	if (!audit_head_read(it->db, it->org_id, &it->head, &found, it->err))
		return false;
	if (keep->keep_days > 0) {
		it->days = keep->keep_days;
		it->before = days_ago(it->room, it->days);
		if (!prune_chained(it) || !prune_unchained(it))
			return false;
	}
	if (keep->content_days > 0 && !it->more) {
		it->days = keep->content_days;
		it->before = days_ago(it->room, it->days);
		return empty_chained(it) && empty_unchained(it);
	}
	return true;
}

static bool read_orgs(struct db *db, struct arena *room, const char ***orgs_out, size_t *count_out,
		      struct err *err)
{
	struct query query;

	*orgs_out = NULL;
	*count_out = 0;
	db_query(db, &query, "SELECT org_id, count(*) OVER () FROM audit_heads ORDER BY org_id", "");
	while (db_row(&query)) {
		if (*orgs_out == NULL)
			*orgs_out = arena_alloc(room, (size_t)db_int(&query, 1) * sizeof(**orgs_out));
		(*orgs_out)[(*count_out)++] = room_text(room, &query, 0);
	}
	return db_end(&query, err);
}

/* Each takes its pieces along: a few at a time. */
static bool forget_imports(struct retain *it, int64_t days)
{
	const struct import_whose whose = { .before = days_ago(it->room, days) };
	size_t imports, outputs;

	if (!imports_forget(it->db, it->room, &whose, FORGET_ROWS, &imports, it->err) ||
	    !outputs_forget_old(it->db, it->room, whose.before, &outputs, it->err))
		return false;
	it->more = imports == FORGET_ROWS || outputs > 0;
	return true;
}

/* The answer is whether there is more: not NULL. */
static bool run_retain(struct db *db, struct job *job, struct err *err)
{
	const struct retain_ask *ask = job->ask;
	struct retain it = { .db = db, .room = job->room, .err = err };
	const char **orgs;
	size_t count;

	if (!read_orgs(db, job->room, &orgs, &count, err) ||
	    (ask->keep.import_days > 0 && !forget_imports(&it, ask->keep.import_days)))
		return false;
	for (size_t i = 0; i < count && !it.more; i++) {
		it.org_id = orgs[i];
		if (!step(&it, &ask->keep))
			return false;
	}
	job->answer = it.more ? job : NULL;
	return true;
}

static void give_retain(struct job *job)
{
	const struct retain_ask *ask = job->ask;

	ask->fn(job->owner, job->ticket, &job->err, job->answer != NULL);
}

void store_retain(struct store *store, const struct store_retention *keep, store_retained_fn *fn, void *owner,
		  uint64_t ticket)
{
	struct job *job =
		job_create(JOB_WRITE, run_retain, give_retain, sizeof(struct retain_ask), owner, ticket);

	*(struct retain_ask *)job->ask = (struct retain_ask){ .keep = *keep, .fn = fn };
	store_ask(store, job);
}
