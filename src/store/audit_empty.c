/* Contents are emptied and the chain stays provable: each emptied row names the row that says by whom and why. */
#include "audit.h"
#include "json.h"
#include <inttypes.h>
#include <string.h>

static void end_range(struct audit_going *going)
{
	if (going->first == 0)
		return;
	buf_format(&going->ranges, "%s%" PRId64, going->ranges.len ? "," : "", going->first);
	if (going->last > going->first)
		buf_format(&going->ranges, "-%" PRId64, going->last);
	going->first = 0;
}

void audit_going_add(struct audit_going *going, int64_t seq)
{
	going->rows++;
	if (going->first && seq == going->last + 1) {
		going->last = seq;
		return;
	}
	end_range(going);
	going->first = going->last = seq;
}

static void member(struct buf *out, const char *name, const char *text)
{
	if (text == NULL)
		return;
	buf_format(out, "%s\"%s\":", out->len > 1 ? "," : "", name);
	json_quote(out, text, strlen(text));
}

static void write_metadata(struct buf *out, const struct audit_going *going, const struct audit_why *why)
{
	buf_text(out, "{");
	member(out, "what", why->what);
	member(out, "subject", why->subject);
	member(out, "who", why->who);
	member(out, "why", why->why);
	buf_format(out, ",\"rows\":%" PRId64, going->rows);
	member(out, "seqs", buf_str(&going->ranges));
	buf_text(out, "}");
}

bool audit_erasure(struct db *db, struct audit_going *going, const struct audit_why *why, int64_t *seq_out,
		   struct err *err)
{
	struct audit_row row = { .org_id = going->org_id,
				 .agent = why->who ? why->who : "usher",
				 .type = "erasure",
				 AUDIT_NO_COST,
				 .latency_ms = -1,
				 .at_ms = clock_wall_ms() };
	struct buf metadata = { 0 };
	bool done;

	end_range(going);
	write_metadata(&metadata, going, why);
	row.metadata = buf_str(&metadata);
	done = audit_add(db, &row, seq_out, err);
	buf_free(&metadata);
	return done;
}

bool audit_empty(struct db *db, const char *org_id, int64_t seq, int64_t erased_by, const char *input,
		 struct err *err)
{
	return db_run(db, err, NULL,
		      "UPDATE ai_agent_interactions SET input = $4, output = NULL, content_salt = NULL,"
		      " erased_by = $3 WHERE org_id = $1 AND seq = $2",
		      "tiit", org_id, seq, erased_by, input);
}

/* The rows of a run that still have their content, in the order of the chain. */
static bool read_rows(struct db *db, struct arena *room, int64_t task_id, struct audit_going *going,
		      int64_t **seqs_out, struct err *err)
{
	struct query query;
	int64_t *seqs = NULL;
	size_t count = 0;

	db_query(db, &query,
		 "SELECT seq, org_id, count(*) OVER () FROM ai_agent_interactions WHERE \"llmTaskId\" = $1"
		 " AND seq IS NOT NULL AND erased_by IS NULL ORDER BY seq",
		 "i", task_id);
	while (db_row(&query)) {
		if (seqs == NULL)
			seqs = arena_alloc(room, (size_t)db_int(&query, 2) * sizeof(*seqs));
		if (going->org_id == NULL)
			going->org_id = room_text(room, &query, 1);
		audit_going_add(going, seqs[count++] = db_int(&query, 0));
	}
	*seqs_out = seqs;
	return db_end(&query, err);
}

bool audit_empty_task(struct db *db, int64_t task_id, const struct audit_why *why, const char *input,
		      struct err *err)
{
	struct arena *room = arena_create();
	struct audit_going going = { 0 };
	int64_t *seqs = NULL, erasure = 0;
	bool done = read_rows(db, room, task_id, &going, &seqs, err);

	if (done && going.rows > 0)
		done = audit_erasure(db, &going, why, &erasure, err);
	for (int64_t i = 0; done && i < going.rows; i++)
		done = audit_empty(db, going.org_id, seqs[i], erasure, input, err);
	done = done && db_run(db, err, NULL,
			      "UPDATE ai_agent_interactions SET input = $2, output = NULL WHERE "
			      "\"llmTaskId\" = $1 AND seq IS NULL",
			      "it", task_id, input);
	buf_free(&going.ranges);
	arena_destroy(room);
	return done;
}
