/* What the tools ask: files within reach of who speaks, words in them, their pieces in order. */
#include "fold.h"
#include "imports.h"
#include "json.h"
#include <inttypes.h>
#include <string.h>

enum { FOUND_MAX = 50, READ_BYTES_MAX = 256 * 1024 };

/* Files of the conversation, of the person, or shared with the organisation; operators see their organisation's. The three
 * arguments of a reach come first. A profile that is switched off or of another organisation reaches nothing. */
#define REACH                                                                                                \
	" i.\"userCompanyId\" = $1 AND EXISTS (SELECT 1 FROM user_profiles me WHERE me.id = $2"              \
	" AND me.org_id = $1 AND me.status = 'active' AND (i.\"llmConversationId\" = nullif($3, 0)"          \
	" OR i.scope = 'organization' OR (i.scope = 'person' AND i.\"userId\" = $2)"                         \
	" OR me.role IN ('operator', 'owner')))"

static struct store_reach keep_reach(struct job *job, const struct store_reach *reach)
{
	return (struct store_reach){ .org_id = job_text(job, reach->org_id),
				     .profile_id = job_text(job, reach->profile_id),
				     .conversation_id = reach->conversation_id };
}

/* ---- one file -------------------------------------------------------------------------------------------------- */

struct find_ask {
	struct store_reach reach;
	int64_t id;
	const char *name;
	store_import_fn *fn;
};

static bool run_find(struct db *db, struct job *job, struct err *err)
{
	const struct find_ask *ask = job->ask;
	struct store_import *out = arena_alloc(job->room, sizeof(*out));
	struct query query;

	job->answer = out;
	if (ask->id)
		db_query(db, &query,
			 "SELECT " IMPORT_COLUMNS " FROM \"LLMAgentImport\" i WHERE" REACH " AND i.id = $4",
			 "ttii", ask->reach.org_id, ask->reach.profile_id, ask->reach.conversation_id,
			 ask->id);
	else
		db_query(db, &query,
			 "SELECT " IMPORT_COLUMNS " FROM \"LLMAgentImport\" i WHERE" REACH
			 " AND lower(i.\"inputFileName\") = lower($4) ORDER BY i.id DESC LIMIT 1",
			 "ttit", ask->reach.org_id, ask->reach.profile_id, ask->reach.conversation_id,
			 ask->name);
	if (db_row(&query))
		import_take(&query, job->room, out);
	return db_end(&query, err);
}

static void give_find(struct job *job)
{
	static const struct store_import none;
	const struct find_ask *ask = job->ask;

	ask->fn(job->owner, job->ticket, &job->err, job->answer ? job->answer : &none);
}

void store_import_find(struct store *store, const struct store_reach *reach, int64_t id, const char *name,
		       store_import_fn *fn, void *owner, uint64_t ticket)
{
	struct job *job = job_create(JOB_READ, run_find, give_find, sizeof(struct find_ask), owner, ticket);

	*(struct find_ask *)job->ask = (struct find_ask){
		.reach = keep_reach(job, reach), .id = id, .name = job_text(job, name ? name : ""), .fn = fn
	};
	store_ask(store, job);
}

/* ---- words ---------------------------------------------------------------------------------------------------- */

struct text_ask {
	struct store_reach reach;
	const char *words;
	int64_t import_id, from;
	unsigned limit; /* pieces, or bytes */
	store_answer_text_fn *fn;
};

static void give_text(struct job *job)
{
	const struct text_ask *ask = job->ask;

	ask->fn(job->owner, job->ticket, &job->err, job->answer);
}

static void add_field(struct buf *out, const char *key, const struct query *query, int column)
{
	buf_format(out, ",\"%s\":", key);
	if (db_null(query, column))
		buf_text(out, "null");
	else
		json_quote(out, db_text(query, column), db_text_len(query, column));
}

/* The newest pieces within reach that have the words, the best of them first: a word that stands in everything must not hold
 * the reading thread up. The CROSS JOINs keep the order: the index of words first, then what each piece belongs to. */
static bool print_found(struct db *db, const struct text_ask *ask, const char *match, struct buf *out,
			size_t *count_out, struct err *err)
{
	struct query query;

	*count_out = 0;
	buf_clear(out);
	db_query(db, &query,
		 "SELECT i.id, i.\"inputFileName\", k.place, k.text, i.\"createdAt\" FROM (SELECT w.rowid AS "
		 "piece,"
		 " w.rank AS place FROM knowledge_words w CROSS JOIN knowledge n ON n.id = w.rowid"
		 " CROSS JOIN \"LLMAgentImport\" i ON i.id = n.import_id WHERE w.knowledge_words MATCH $4"
		 " AND ($5 = 0 OR i.id = $5) AND i.\"extractedAt\" IS NOT NULL AND" REACH
		 " ORDER BY w.rowid DESC LIMIT 2000) f CROSS JOIN knowledge k ON k.id = f.piece"
		 " CROSS JOIN \"LLMAgentImport\" i ON i.id = k.import_id ORDER BY f.place, f.piece DESC "
		 "LIMIT $6",
		 "ttitii", ask->reach.org_id, ask->reach.profile_id, ask->reach.conversation_id, match,
		 ask->import_id, (int64_t)ask->limit);
	while (db_row(&query)) {
		buf_format(out, "%s{\"import_id\":%" PRId64, (*count_out)++ ? "," : "", db_int(&query, 0));
		add_field(out, "file", &query, 1);
		add_field(out, "place", &query, 2);
		add_field(out, "text", &query, 3);
		add_field(out, "sent_at", &query, 4);
		buf_text(out, "}");
	}
	return db_end(&query, err);
}

/* All of the words; where no piece has them all, some of them. */
static bool search(struct db *db, const struct text_ask *ask, struct buf *out, struct err *err)
{
	struct buf match = { 0 };
	size_t count = 0;
	bool done = true;

	for (int any = 0; done && count == 0 && any < 2; any++) {
		buf_clear(&match);
		if (fold_query(&match, ask->words, strlen(ask->words), any != 0))
			done = print_found(db, ask, buf_str(&match), out, &count, err);
	}
	buf_free(&match);
	return done;
}

static bool run_search(struct db *db, struct job *job, struct err *err)
{
	struct buf found = { 0 };
	bool done = search(db, job->ask, &found, err);

	if (done)
		job->answer = arena_format(job->room, "[%s]", buf_str(&found));
	buf_free(&found);
	return done;
}

void store_knowledge_search(struct store *store, const struct store_reach *reach, const char *words,
			    int64_t import_id, unsigned limit, store_answer_text_fn *fn, void *owner,
			    uint64_t ticket)
{
	struct job *job = job_create(JOB_READ, run_search, give_text, sizeof(struct text_ask), owner, ticket);

	*(struct text_ask *)job->ask =
		(struct text_ask){ .reach = keep_reach(job, reach),
				   .words = job_text(job, words),
				   .import_id = import_id,
				   .limit = limit > 0 && limit < FOUND_MAX ? limit : FOUND_MAX,
				   .fn = fn };
	store_ask(store, job);
}

/* ---- pieces --------------------------------------------------------------------------------------------------- */

static bool find_reached(struct db *db, const struct text_ask *ask, int64_t *of_out, struct err *err)
{
	bool found;
	int64_t extracted;

	*of_out = 0;
	if (!db_one_int(db, err, &found, &extracted,
			"SELECT i.\"extractedAt\" IS NOT NULL FROM \"LLMAgentImport\" i WHERE" REACH
			" AND i.id = $4",
			"ttii", ask->reach.org_id, ask->reach.profile_id, ask->reach.conversation_id,
			ask->import_id))
		return false;
	if (!found)
		return err_set(err, ERR_GONE, "there is no file %" PRId64, ask->import_id);
	return !extracted ||
	       db_one_int(db, err, &found, of_out,
			  "SELECT coalesce(max(ord) + 1, 0) FROM knowledge WHERE import_id = $1", "i",
			  ask->import_id);
}

/* At least one piece, and as many more as fit. next: where to go on, -1 at the end. */
static bool print_pieces(struct db *db, const struct text_ask *ask, struct buf *out, int64_t *next_out,
			 struct err *err)
{
	struct query query;
	size_t bytes = 0;

	*next_out = -1;
	db_query(db, &query,
		 "SELECT ord, place, text FROM knowledge WHERE import_id = $1 AND ord >= $2 ORDER BY ord",
		 "ii", ask->import_id, ask->from);
	while (db_row(&query)) {
		if (bytes > 0 && bytes + db_text_len(&query, 2) > ask->limit) {
			*next_out = db_int(&query, 0);
			break;
		}
		buf_format(out, "%s{\"ord\":%" PRId64, bytes ? "," : "", db_int(&query, 0));
		add_field(out, "place", &query, 1);
		add_field(out, "text", &query, 2);
		buf_text(out, "}");
		bytes += db_text_len(&query, 2) + 1;
	}
	return db_end(&query, err);
}

static bool run_read(struct db *db, struct job *job, struct err *err)
{
	const struct text_ask *ask = job->ask;
	struct buf out = { 0 };
	int64_t of = 0, next = -1;
	bool done;

	buf_text(&out, "{\"pieces\":[");
	done = find_reached(db, ask, &of, err) && (of == 0 || print_pieces(db, ask, &out, &next, err));
	if (done) {
		buf_text(&out, "],\"next\":");
		if (next < 0)
			buf_text(&out, "null");
		else
			buf_int(&out, next);
		buf_format(&out, ",\"of\":%" PRId64 "}", of);
		job->answer = arena_text_n(job->room, buf_str(&out), out.len);
	}
	buf_free(&out);
	return done;
}

void store_knowledge_read(struct store *store, const struct store_reach *reach, int64_t import_id,
			  int64_t from, unsigned bytes, store_answer_text_fn *fn, void *owner,
			  uint64_t ticket)
{
	struct job *job = job_create(JOB_READ, run_read, give_text, sizeof(struct text_ask), owner, ticket);

	*(struct text_ask *)job->ask =
		(struct text_ask){ .reach = keep_reach(job, reach),
				   .import_id = import_id,
				   .from = from,
				   .limit = bytes < READ_BYTES_MAX ? bytes : READ_BYTES_MAX,
				   .fn = fn };
	store_ask(store, job);
}
