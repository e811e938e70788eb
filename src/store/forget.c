/* Imports and what was made of them go: rows, pieces, words, files that are on their way. */
#include "imports.h"
#include <errno.h>
#include <string.h>
#include <unistd.h>

enum {
	LIST_MAX = 64,
	PIECES_MAX = 500,   /* in one transaction, where there is time */
	MERGE_AT_LEAST = 2, /* rows of the index that change when there was something to merge */
};

struct list {
	int64_t ids[LIST_MAX];
	size_t count;
};

/* At most LIST_MAX. */
static bool read_list(struct db *db, struct list *out, const char *sql, int64_t id, struct err *err)
{
	struct query query;

	out->count = 0;
	db_query(db, &query, sql, "i", id);
	while (out->count < LIST_MAX && db_row(&query))
		out->ids[out->count++] = db_int(&query, 0);
	return db_end(&query, err);
}

/* Who is being sent it right now may get it; it is not tried again. What sleeps behind it goes on. */
static bool stop_replies(struct db *db, struct arena *room, int64_t output_id, struct err *err)
{
	const char *now = room_time(room, clock_wall_ms());
	struct list replies;

	if (!read_list(db, &replies, "SELECT id FROM outbox WHERE output_id = $1 AND state = 'pending'",
		       output_id, err) ||
	    !db_run(db, err, NULL,
		    "UPDATE outbox SET expires_at = $2 WHERE output_id = $1 AND state = 'sending' AND "
		    "expires_at > $2",
		    "it", output_id, now))
		return false;
	for (size_t i = 0; i < replies.count; i++)
		if (!db_run(db, err, NULL,
			    "UPDATE outbox SET state = 'cancelled', reason = 'file deleted' WHERE id = $1",
			    "i", replies.ids[i]) ||
		    !reply_release(db, replies.ids[i], false, now, err))
			return false;
	return true;
}

static bool output_forget(struct db *db, struct arena *room, int64_t id, struct err *err)
{
	return stop_replies(db, room, id, err) &&
	       db_run(db, err, NULL, "DELETE FROM import_outputs WHERE id = $1", "i", id);
}

static bool forget_outputs(struct db *db, struct arena *room, const char *sql, int64_t id, struct err *err)
{
	struct list outputs;

	do {
		if (!read_list(db, &outputs, sql, id, err))
			return false;
		for (size_t i = 0; i < outputs.count; i++)
			if (!output_forget(db, room, outputs.ids[i], err))
				return false;
	} while (outputs.count == LIST_MAX);
	return true;
}

bool outputs_forget_turn(struct db *db, struct arena *room, int64_t turn_id, struct err *err)
{
	return forget_outputs(db, room, "SELECT id FROM import_outputs WHERE turn_id = $1 LIMIT 64", turn_id,
			      err);
}

bool outputs_forget_old(struct db *db, struct arena *room, const char *before, size_t *count_out,
			struct err *err)
{
	struct list outputs = { 0 };
	struct query query;

	db_query(db, &query,
		 "SELECT id FROM import_outputs WHERE created_at < $1 AND import_id IS NULL ORDER BY id "
		 "LIMIT 64",
		 "t", before);
	while (outputs.count < LIST_MAX && db_row(&query))
		outputs.ids[outputs.count++] = db_int(&query, 0);
	*count_out = outputs.count;
	if (!db_end(&query, err))
		return false;
	for (size_t i = 0; i < outputs.count; i++)
		if (!output_forget(db, room, outputs.ids[i], err))
			return false;
	return true;
}

#define SOME_PIECES " IN (SELECT id FROM knowledge WHERE import_id = $1 ORDER BY ord LIMIT $2)"

bool pieces_forget(struct db *db, int64_t import_id, int64_t limit, int64_t *rows_out, struct err *err)
{
	return db_run(db, err, NULL, "DELETE FROM knowledge_words WHERE rowid" SOME_PIECES, "ii", import_id,
		      limit) &&
	       db_run(db, err, rows_out, "DELETE FROM knowledge WHERE id" SOME_PIECES, "ii", import_id,
		      limit);
}

/* So many pieces are not taken away at once, or every message would wait: nobody finds or lists it any more, but its row stays
 * for what is left, dated so that it is the first of the old ones. */
#define BURIED "1970-01-01T00:00:00.000Z"

static bool bury(struct db *db, int64_t id, struct err *err)
{
	return db_run(db, err, NULL,
		      "UPDATE \"LLMAgentImport\" SET \"processingStatus\" = 'failed', \"errorCode\" = "
		      "'deleted',"
		      " \"errorMessage\" = 'it was deleted' WHERE id = $1"
		      " AND \"processingStatus\" IN ('received', 'fetched', 'checked', 'extracted')",
		      "i", id) &&
	       db_run(db, err, NULL,
		      "UPDATE \"LLMAgentImport\" SET \"userId\" = NULL, \"inboxId\" = NULL, \"fileIndex\" = "
		      "NULL,"
		      " \"llmConversationId\" = NULL, \"llmConversationMessageId\" = NULL, \"retryOf\" = "
		      "NULL,"
		      " \"inputFileName\" = '(erased)', \"inputFileUrl\" = NULL, \"outputFileUrl\" = NULL,"
		      " \"outputContent\" = NULL, outline = NULL, path = NULL, sha256 = NULL, scope = "
		      "'conversation',"
		      " \"extractedAt\" = NULL, \"commercialState\" = NULL, \"createdAt\" = '" BURIED
		      "' WHERE id = $1",
		      "i", id);
}

bool import_forget(struct db *db, struct arena *room, int64_t id, bool *left_out, struct err *err)
{
	const char *path = NULL;
	struct query query;
	int64_t pieces;

	if (left_out)
		*left_out = false;
	db_query(db, &query, "SELECT path FROM \"LLMAgentImport\" WHERE id = $1", "i", id);
	if (db_row(&query))
		path = room_text(room, &query, 0);
	if (!db_end(&query, err))
		return false;
	if (path && unlink(path) != 0 && errno != ENOENT) {
		if (left_out)
			*left_out = true;
		return true;
	}
	return forget_outputs(db, room, "SELECT id FROM import_outputs WHERE import_id = $1 LIMIT 64", id,
			      err) &&
	       pieces_forget(db, id, PIECES_MAX, &pieces, err) &&
	       (pieces == PIECES_MAX
			? bury(db, id, err)
			: db_run(db, err, NULL, "DELETE FROM \"LLMAgentImport\" WHERE id = $1", "i", id));
}

#define ENDED " i.\"processingStatus\" IN ('processed', 'delivered', 'failed') ORDER BY i.id LIMIT $2"

static void ask_whose(struct db *db, struct query *query, const struct import_whose *whose, int64_t limit)
{
	if (whose->profile_id)
		db_query(db, query, "SELECT i.id FROM \"LLMAgentImport\" i WHERE i.\"userId\" = $1 AND" ENDED,
			 "ti", whose->profile_id, limit);
	else if (whose->conversation_id)
		db_query(db, query,
			 "SELECT i.id FROM \"LLMAgentImport\" i WHERE i.\"llmConversationId\" = $1 AND" ENDED,
			 "ii", whose->conversation_id, limit);
	else
		db_query(db, query,
			 "SELECT i.id FROM \"LLMAgentImport\" i WHERE i.\"createdAt\" < $1 AND"
			 " i.\"processingStatus\" IN ('processed', 'delivered', 'failed') ORDER BY "
			 "i.\"createdAt\" LIMIT $2",
			 "ti", whose->before, limit);
}

bool imports_forget(struct db *db, struct arena *room, const struct import_whose *whose, size_t limit,
		    size_t *count_out, struct err *err)
{
	struct list list = { 0 };
	struct query query;
	int64_t pieces;
	bool left;

	*count_out = 0;
	ask_whose(db, &query, whose, (int64_t)(limit < LIST_MAX ? limit : LIST_MAX));
	while (list.count < LIST_MAX && db_row(&query))
		list.ids[list.count++] = db_int(&query, 0);
	if (!db_end(&query, err))
		return false;
	for (size_t i = 0; i < list.count; i++) {
		if (!pieces_forget(db, list.ids[i], PIECES_MAX, &pieces, err))
			return false;
		if (pieces == PIECES_MAX) {
			*count_out = limit;
			return true;
		}
		if ((whose->before && !import_untell(db, room, list.ids[i], false, err)) ||
		    !import_forget(db, room, list.ids[i], &left, err))
			return false;
		*count_out += !left;
	}
	return true;
}

/* ---- words of what went ---------------------------------------------------------------------------------------- */

struct merge_ask {
	store_merged_fn *fn;
};

static bool read_changes(struct db *db, int64_t *changes_out, struct err *err)
{
	struct query query;

	db_query(db, &query, "SELECT total_changes()", "");
	*changes_out = db_row(&query) ? db_int(&query, 0) : 0;
	return db_end(&query, err);
}

/* Some pieces of one that was buried. */
static bool dig(struct db *db, struct arena *room, bool *more_out, struct err *err)
{
	const struct import_whose whose = { .before = "1970-01-02" };
	size_t count = 0;
	bool done = imports_forget(db, room, &whose, 1, &count, err);

	*more_out = count > 0;
	return done;
}

/* Negative: down to a single part, so that no mark of a deleted word is left. A number of pages each time, of 4 KB. */
static bool run_merge(struct db *db, struct job *job, struct err *err)
{
	int64_t before, after;
	bool more;

	if (!dig(db, job->room, &more, err))
		return false;
	if (more) {
		job->answer = job;
		return true;
	}
	if (!read_changes(db, &before, err) ||
	    !db_run(db, err, NULL,
		    "INSERT INTO knowledge_words (knowledge_words, rank) VALUES ('merge', -100)", "") ||
	    !read_changes(db, &after, err))
		return false;
	job->erases = after - before >= MERGE_AT_LEAST;
	job->answer = job->erases ? job : NULL;
	return true;
}

static void give_merge(struct job *job)
{
	const struct merge_ask *ask = job->ask;

	ask->fn(job->owner, job->ticket, &job->err, job->err.kind == ERR_NONE && job->answer != NULL);
}

void store_words_merge(struct store *store, store_merged_fn *fn, void *owner, uint64_t ticket)
{
	struct job *job =
		job_create(JOB_WRITE, run_merge, give_merge, sizeof(struct merge_ask), owner, ticket);

	*(struct merge_ask *)job->ask = (struct merge_ask){ .fn = fn };
	store_ask(store, job);
}
