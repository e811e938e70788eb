/* The way of imports: made in T1, each step durable, ended by T4, delivered by T6. */
#include "imports.h"
#include "audit.h"
#include "json.h"
#include <inttypes.h>
#include <string.h>

static const char *const state_names[] = {
	[IMPORT_RECEIVED] = "received",	  [IMPORT_FETCHED] = "fetched",	    [IMPORT_CHECKED] = "checked",
	[IMPORT_EXTRACTED] = "extracted", [IMPORT_PROCESSED] = "processed", [IMPORT_DELIVERED] = "delivered",
	[IMPORT_FAILED] = "failed",
};

const char *import_state_name(enum import_state state)
{
	return state_names[state];
}

bool import_state_parse(const char *name, enum import_state *state_out)
{
	for (size_t i = 0; name && i < sizeof(state_names) / sizeof(state_names[0]); i++)
		if (strcmp(state_names[i], name) == 0) {
			*state_out = (enum import_state)i;
			return true;
		}
	return false;
}

bool imports_add(struct db *db, int64_t inbox_id, struct err *err)
{
	return db_run(
		db, err, NULL,
		"INSERT INTO \"LLMAgentImport\" (\"userId\", \"userCompanyId\", \"inputFileName\","
		" \"inputFileUrl\", \"createdAt\", \"updatedAt\", \"inboxId\", \"fileIndex\", size, mime,"
		" \"llmConversationId\") SELECT w.profile_id, w.org_id,"
		" coalesce(json_extract(f.value, '$.name'), 'file'), json_extract(f.value, '$.url'),"
		" w.received_at, w.received_at, w.id, f.key, json_extract(f.value, '$.size'),"
		" json_extract(f.value, '$.mime'), w.\"llmConversationId\""
		" FROM inbox w, json_each(w.files) f WHERE w.id = $1 ORDER BY f.key",
		"i", inbox_id);
}

void import_take(const struct query *query, struct arena *room, struct store_import *out)
{
	*out = (struct store_import){
		.id = db_int(query, 0),
		.org_id = room_text(room, query, 2),
		.name = room_text(room, query, 3),
		.mime = room_text(room, query, 4),
		.kind = room_text(room, query, 5),
		.sha256 = room_text(room, query, 6),
		.size = db_int(query, 7),
		.outline = room_text(room, query, 8),
		.code = room_text(room, query, 9),
		.error = room_text(room, query, 10),
	};
	import_state_parse(db_text(query, 1), &out->state);
}

bool import_load(struct db *db, struct arena *room, int64_t id, struct store_import *out, bool *found_out,
		 struct err *err)
{
	struct query query;

	*out = (struct store_import){ 0 };
	db_query(db, &query, "SELECT " IMPORT_COLUMNS " FROM \"LLMAgentImport\" i WHERE i.id = $1", "i", id);
	*found_out = db_row(&query);
	if (*found_out)
		import_take(&query, room, out);
	return db_end(&query, err);
}

/* ---- the end of an import ------------------------------------------------------------------------------------ */

/* Says which one and what it was, nothing of what it says: neither its name nor its hash is of use to the record. */
static bool add_record(struct db *db, const struct import_end *end, struct err *err)
{
	struct buf metadata = { 0 };
	struct audit_row row = {
		.agent = "usher",
		.type = "import",
		.error = end->code,
		AUDIT_NO_COST,
		.at_ms = end->now_ms,
		.task_id = end->task_id,
	};
	struct arena *room = arena_create();
	struct query query;
	bool done;

	db_query(db, &query,
		 "SELECT i.\"userCompanyId\", i.\"userId\", w.platform, coalesce(i.kind, 'unknown'),"
		 " coalesce(i.size, -1), i.\"createdAt\" FROM \"LLMAgentImport\" i"
		 " LEFT JOIN inbox w ON w.id = i.\"inboxId\" WHERE i.id = $1",
		 "i", end->id);
	if (db_row(&query)) {
		row.org_id = room_text(room, &query, 0);
		row.user_id = room_text(room, &query, 1);
		row.platform = room_text(room, &query, 2);
		buf_format(&metadata, "{\"import_id\":%" PRId64 ",\"kind\":", end->id);
		json_quote(&metadata, db_text(&query, 3), db_text_len(&query, 3));
		buf_format(&metadata, ",\"bytes\":%" PRId64 ",\"state\":\"%s\"}", db_int(&query, 4),
			   end->state);
		row.latency_ms = end->now_ms - room_parse_time(db_text(&query, 5));
		if (row.latency_ms < 0)
			row.latency_ms = 0;
	}
	row.metadata = buf_str(&metadata);
	done = db_end(&query, err) && (row.org_id == NULL || audit_add(db, &row, NULL, err));
	buf_free(&metadata);
	arena_destroy(room);
	return done;
}

bool import_end(struct db *db, const struct import_end *end, struct err *err)
{
	char now[CLOCK_TEXT_SIZE];
	int64_t rows = 0;

	clock_text(end->now_ms, now);
	if (!db_run(db, err, &rows,
		    "UPDATE \"LLMAgentImport\" SET \"processingStatus\" = $2, \"errorCode\" = $3,"
		    " \"errorMessage\" = $4, \"updatedAt\" = $5,"
		    " \"processedAt\" = CASE $2 WHEN 'processed' THEN $5 END,"
		    " \"failedAt\" = CASE $2 WHEN 'failed' THEN $5 END, \"llmConversationMessageId\" ="
		    " coalesce((SELECT w.turn_id FROM inbox w WHERE w.id = \"inboxId\"),"
		    " \"llmConversationMessageId\") WHERE id = $1"
		    " AND \"processingStatus\" IN ('received', 'fetched', 'checked', 'extracted')",
		    "itttt", end->id, end->state, end->code, end->error, now))
		return false;
	return rows == 0 || add_record(db, end, err);
}

enum { ENDS_MAX = 512 };

struct ends {
	struct import_end list[ENDS_MAX];
	size_t count;
};

static bool end_all(struct db *db, const struct ends *ends, struct err *err)
{
	for (size_t i = 0; i < ends->count; i++)
		if (!import_end(db, &ends->list[i], err))
			return false;
	return true;
}

static struct import_end how_it_ended(const struct query *query, const struct run *run, bool answered,
				      int64_t now_ms)
{
	struct import_end end = {
		.id = db_int(query, 0), .task_id = run->task_id, .state = "failed", .now_ms = now_ms
	};

	if (!answered) {
		end.code = "not_answered";
		end.error = "the message it came with could not be answered";
	} else if (strcmp(db_text(query, 1), "extracted") == 0) {
		end.state = "processed";
	} else {
		end.code = "not_read";
		end.error = "it was not read";
	}
	return end;
}

static bool deliver_unsent(struct db *db, int64_t turn_id, const char *now, struct err *err)
{
	return db_run(
		db, err, NULL,
		"UPDATE \"LLMAgentImport\" SET \"processingStatus\" = 'delivered', \"deliveredAt\" = $2,"
		" \"updatedAt\" = $2 WHERE \"llmConversationMessageId\" = $1"
		" AND \"processingStatus\" = 'processed'"
		" AND NOT EXISTS (SELECT 1 FROM outbox o WHERE o.turn_id = $1)",
		"it", turn_id, now);
}

bool imports_answered(struct db *db, struct arena *room, const struct run *run, bool answered, int64_t now_ms,
		      struct err *err)
{
	struct ends *ends = NULL;
	struct query query;

	db_query(db, &query,
		 "SELECT i.id, i.\"processingStatus\" FROM inbox w JOIN \"LLMAgentImport\" i"
		 " ON i.\"inboxId\" = w.id WHERE w.turn_id = $1 AND i.\"processingStatus\" IN"
		 " ('received', 'fetched', 'checked', 'extracted') ORDER BY i.id",
		 "i", run->turn_id);
	while (db_row(&query)) {
		if (ends == NULL)
			ends = arena_alloc(room, sizeof(*ends));
		if (ends->count < ENDS_MAX)
			ends->list[ends->count++] = how_it_ended(&query, run, answered, now_ms);
	}
	if (!db_end(&query, err))
		return false;
	return ends == NULL ||
	       (end_all(db, ends, err) && deliver_unsent(db, run->turn_id, room_time(room, now_ms), err));
}

bool imports_give_up(struct db *db, struct arena *room, const char *code, const char *error, int64_t now_ms,
		     struct err *err)
{
	struct ends *ends = arena_alloc(room, sizeof(*ends));
	struct query query;

	db_query(db, &query,
		 "SELECT i.id FROM \"LLMAgentImport\" i JOIN inbox w ON w.id = i.\"inboxId\""
		 " WHERE i.\"processingStatus\" IN ('received', 'fetched', 'checked', 'extracted')"
		 " AND (w.state IN ('ignored', 'refused') OR w.dropped_at IS NOT NULL) LIMIT 512",
		 "");
	while (ends->count < ENDS_MAX && db_row(&query))
		ends->list[ends->count++] = (struct import_end){ .id = db_int(&query, 0),
								 .state = "failed",
								 .code = code,
								 .error = error,
								 .now_ms = now_ms };
	return db_end(&query, err) && end_all(db, ends, err);
}

bool imports_sent(struct db *db, int64_t reply_id, const char *now, struct err *err)
{
	return db_run(
		db, err, NULL,
		"UPDATE \"LLMAgentImport\" SET \"processingStatus\" = 'delivered', \"deliveredAt\" = $2,"
		" \"updatedAt\" = $2 WHERE \"llmConversationMessageId\" ="
		" (SELECT r.turn_id FROM outbox r WHERE r.id = $1) AND \"processingStatus\" = 'processed'"
		" AND NOT EXISTS (SELECT 1 FROM outbox o WHERE o.turn_id ="
		" (SELECT r.turn_id FROM outbox r WHERE r.id = $1) AND o.state <> 'sent'"
		" AND NOT EXISTS (SELECT 1 FROM outbox l WHERE l.turn_id = o.turn_id AND l.ord = o.ord"
		" AND l.id > o.id))",
		"it", reply_id, now);
}

/* ---- what is left of a turn that begins ------------------------------------------------------------------- */

struct list_ask {
	const char **uuids;
	size_t count;
	store_imports_fn *fn;
};

struct list_answer {
	struct store_import *imports;
	size_t count;
};

static bool add_of(struct db *db, struct arena *room, const char *uuid, size_t message,
		   struct list_answer *out, struct err *err)
{
	struct query query;

	db_query(db, &query,
		 "SELECT " IMPORT_COLUMNS ", i.\"fileIndex\" FROM inbox w JOIN \"LLMAgentImport\" i"
		 " ON i.\"inboxId\" = w.id WHERE w.uuid = $1 ORDER BY i.\"fileIndex\"",
		 "t", uuid);
	for (size_t i = 0; i < MESSAGE_FILES_MAX && db_row(&query); i++) {
		struct store_import *import = &out->imports[out->count++];

		import_take(&query, room, import);
		import->message = message;
		import->index = (unsigned)db_int(&query, IMPORT_COLUMN_COUNT);
	}
	return db_end(&query, err);
}

static bool run_list(struct db *db, struct job *job, struct err *err)
{
	const struct list_ask *ask = job->ask;
	struct list_answer *out = arena_alloc(job->room, sizeof(*out));

	out->imports = arena_alloc(job->room, (ask->count * MESSAGE_FILES_MAX + 1) * sizeof(*out->imports));
	job->answer = out;
	for (size_t i = 0; i < ask->count; i++)
		if (!add_of(db, job->room, ask->uuids[i], i, out, err))
			return false;
	return true;
}

static void give_list(struct job *job)
{
	static const struct list_answer none;
	const struct list_answer *out = job->answer ? job->answer : &none;
	const struct list_ask *ask = job->ask;

	ask->fn(job->owner, job->ticket, &job->err, out->imports, out->count);
}

void store_imports(struct store *store, const char *const *uuids, size_t count, store_imports_fn *fn,
		   void *owner, uint64_t ticket)
{
	struct job *job = job_create(JOB_RECENT, run_list, give_list, sizeof(struct list_ask), owner, ticket);
	struct list_ask *ask = job->ask;

	ask->fn = fn;
	ask->count = count;
	ask->uuids = arena_alloc(job->room, (count + 1) * sizeof(*ask->uuids));
	for (size_t i = 0; i < count; i++)
		ask->uuids[i] = job_text(job, uuids[i]);
	store_ask(store, job);
}

/* ---- one step ---------------------------------------------------------------------------------------------- */

struct step_ask {
	struct store_import_step step;
	store_done_fn *fn;
};

static bool set_fetched(struct db *db, struct job *job, const struct store_import *import,
			const struct store_import_step *step, bool *full_out, struct err *err)
{
	if (step->sha256 == NULL || step->size < 0)
		return err_set(err, ERR_BUG, "import %" PRId64 " is fetched without a hash", step->id);
	if (!blob_add(db, job->room, import->org_id, step->sha256, step->size, step->stored, step->quota,
		      full_out, err))
		return false;
	return *full_out ||
	       db_run(db, err, NULL,
		      "UPDATE \"LLMAgentImport\" SET \"processingStatus\" = 'fetched', sha256 = $2, size = "
		      "$3,"
		      " mime = coalesce($4, mime), \"fetchedAt\" = $5, \"updatedAt\" = $5 WHERE id = $1",
		      "ititt", step->id, step->sha256, step->size, step->mime,
		      room_time(job->room, clock_wall_ms()));
}

static bool set_checked(struct db *db, struct job *job, const struct store_import_step *step, struct err *err)
{
	return db_run(db, err, NULL,
		      "UPDATE \"LLMAgentImport\" SET \"processingStatus\" = 'checked', kind = $2,"
		      " mime = coalesce($3, mime), \"checkedAt\" = $4, \"updatedAt\" = $4 WHERE id = $1",
		      "ittt", step->id, step->kind, step->mime, room_time(job->room, clock_wall_ms()));
}

static bool set_failed(struct db *db, const struct store_import *import, const struct store_import_step *step,
		       struct err *err)
{
	const struct import_end end = { .id = step->id,
					.state = "failed",
					.code = step->code ? step->code : "failed",
					.error = step->error ? step->error : "it could not be read",
					.now_ms = clock_wall_ms() };

	if (import->state > IMPORT_EXTRACTED)
		return err_set(err, ERR_GONE, "import %" PRId64 " has ended", step->id);
	return import_end(db, &end, err);
}

/* What was done before, before a crash, is done. */
static bool apply(struct db *db, struct job *job, const struct store_import *import,
		  const struct store_import_step *step, bool *full_out, struct err *err)
{
	if (step->state == IMPORT_FAILED)
		return set_failed(db, import, step, err);
	if (import->state > step->state)
		return true;
	if (step->state == IMPORT_FETCHED)
		return set_fetched(db, job, import, step, full_out, err);
	if (step->state == IMPORT_CHECKED && import->state >= IMPORT_FETCHED)
		return set_checked(db, job, step, err);
	return err_set(err, ERR_REFUSED, "import %" PRId64 " is %s: it can't become %s", step->id,
		       state_names[import->state], state_names[step->state]);
}

struct step_answer {
	bool full, gone;
};

/* Taken back or cancelled: what was just kept of it is to go, too. */
static bool leave(struct db *db, struct job *job, const struct store_import *import,
		  const struct store_import_step *step, struct err *err)
{
	const char *org_id = import->org_id ? import->org_id : step->org_id;

	return step->state != IMPORT_FETCHED || step->sha256 == NULL || org_id == NULL ||
	       blob_leave(db, job->room, org_id, step->sha256, err);
}

static bool run_step(struct db *db, struct job *job, struct err *err)
{
	const struct store_import_step *step = &((const struct step_ask *)job->ask)->step;
	struct step_answer *answer = arena_alloc(job->room, sizeof(*answer));
	struct store_import import;
	bool found;

	job->answer = answer;
	if (!import_load(db, job->room, step->id, &import, &found, err))
		return false;
	answer->gone = !found || import.state == IMPORT_FAILED;
	return answer->gone ? leave(db, job, &import, step, err)
			    : apply(db, job, &import, step, &answer->full, err);
}

static void give_step(struct job *job)
{
	const struct step_ask *ask = job->ask;
	const struct step_answer *answer = job->answer;

	if (answer && answer->full)
		err_set(&job->err, ERR_REFUSED, "the files of this organisation fill what it may keep");
	else if (answer && answer->gone && job->err.kind == ERR_NONE)
		err_set(&job->err, ERR_GONE, "import %" PRId64 " is gone or has failed", ask->step.id);
	ask->fn(job->owner, job->ticket, &job->err);
}

void store_import_step(struct store *store, const struct store_import_step *step, store_done_fn *fn,
		       void *owner, uint64_t ticket)
{
	struct job *job = job_create(JOB_WRITE, run_step, give_step, sizeof(struct step_ask), owner, ticket);
	struct step_ask *ask = job->ask;

	ask->fn = fn;
	ask->step = *step;
	ask->step.org_id = job_text(job, step->org_id);
	ask->step.mime = job_text(job, step->mime);
	ask->step.kind = job_text(job, step->kind);
	ask->step.sha256 = job_text(job, step->sha256);
	ask->step.code = job_text(job, step->code);
	ask->step.error = job_text(job, step->error);
	store_ask(store, job);
}
