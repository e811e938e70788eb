/* Extracted: what the parser child wrote is read into what can be searched, a few hundred pieces in a transaction, so that
 * a long file holds nobody up. */
#include "extract.h"
#include "fold.h"
#include "imports.h"
#include "json.h"
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { AT_ONCE = 200, LINE_MAX_BYTES = 6 * (EXTRACT_CHUNK_MAX + EXTRACT_PLACE_MAX) + 64 };

struct chunks_ask {
	struct store *store;
	int64_t id, offset, ord; /* how far it has come */
	bool cleared;		 /* nothing is left of an earlier beginning */
	const char *outline, *path;
	store_done_fn *fn;
};

/* How far it came in this transaction. */
struct chunks_answer {
	int64_t offset, ord;
	bool cleared, done;
};

static bool clear_some(struct db *db, int64_t id, bool *cleared_out, struct err *err)
{
	int64_t rows = 0;

	if (!pieces_forget(db, id, AT_ONCE, &rows, err))
		return false;
	*cleared_out = rows < AT_ONCE;
	return true;
}

static bool add_words(struct db *db, int64_t piece, const char *text, struct err *err)
{
	struct buf words = { 0 };
	bool done;

	fold_words(&words, text, strlen(text));
	done = db_run(db, err, NULL, "INSERT INTO knowledge_words (rowid, words) VALUES ($1, $2)", "it",
		      piece, buf_str(&words));
	buf_free(&words);
	return done;
}

static bool add_piece(struct db *db, const struct chunks_ask *ask, int64_t ord, const char *line, size_t len,
		      struct err *err)
{
	struct err why = { 0 };
	json_t *piece = json_read(line, len, &why);
	const char *place = json_text(piece, "place"), *text = json_text(piece, "text");
	int64_t id;
	bool done;

	if (place == NULL || text == NULL || strlen(place) > EXTRACT_PLACE_MAX ||
	    strlen(text) > EXTRACT_CHUNK_MAX)
		done = err_set(err, ERR_REFUSED, "piece %" PRId64 " of import %" PRId64 " is not well-formed",
			       ord, ask->id);
	else
		done = db_insert(
			       db, err, &id,
			       "INSERT INTO knowledge (import_id, ord, place, text) VALUES ($1, $2, $3, $4)",
			       "iitt", ask->id, ord, place, text) &&
		       add_words(db, id, text, err);
	json_decref(piece);
	return done;
}

static bool read_lines(struct db *db, const struct chunks_ask *ask, FILE *file, struct chunks_answer *out,
		       struct err *err)
{
	char *line = mem_alloc(LINE_MAX_BYTES);
	bool done = true;

	for (size_t i = 0; done && i < AT_ONCE; i++) {
		size_t len;

		if (fgets(line, LINE_MAX_BYTES, file) == NULL) {
			out->done = true;
			break;
		}
		len = strlen(line);
		out->offset += (int64_t)len;
		done = len == 0 || line[len - 1] == '\n' || feof(file)
			       ? add_piece(db, ask, out->ord++, line, len, err)
			       : err_set(err, ERR_REFUSED, "a piece of import %" PRId64 " is too long",
					 ask->id);
	}
	if (done && ferror(file))
		done = err_set(err, ERR_AGAIN, "%s: %s", ask->path, strerror(errno));
	free(line);
	return done;
}

static bool add_some(struct db *db, const struct chunks_ask *ask, struct chunks_answer *out, struct err *err)
{
	FILE *file = fopen(ask->path, "re");
	bool done;

	if (file == NULL)
		return err_set(err, ERR_REFUSED, "%s: %s", ask->path, strerror(errno));
	if (fseeko(file, ask->offset, SEEK_SET) != 0)
		done = err_set(err, ERR_AGAIN, "%s: %s", ask->path, strerror(errno));
	else
		done = read_lines(db, ask, file, out, err);
	fclose(file);
	return done;
}

static bool set_extracted(struct db *db, struct arena *room, const struct chunks_ask *ask, struct err *err)
{
	return db_run(db, err, NULL,
		      "UPDATE \"LLMAgentImport\" SET \"processingStatus\" = 'extracted', outline = $2,"
		      " \"extractedAt\" = $3, \"updatedAt\" = $3 WHERE id = $1",
		      "itt", ask->id, ask->outline, room_time(room, clock_wall_ms()));
}

static bool may_go_on(const struct store_import *import, bool found, int64_t id, struct err *err)
{
	if (!found || import->state == IMPORT_FAILED)
		return err_set(err, ERR_GONE, "import %" PRId64 " is gone or has failed", id);
	return import->state >= IMPORT_CHECKED ||
	       err_set(err, ERR_REFUSED, "import %" PRId64 " is %s: it can't become extracted", id,
		       import_state_name(import->state));
}

static bool run_chunks(struct db *db, struct job *job, struct err *err)
{
	const struct chunks_ask *ask = job->ask;
	struct chunks_answer *out = arena_alloc(job->room, sizeof(*out));
	struct store_import import;
	bool found;

	*out = (struct chunks_answer){ .offset = ask->offset, .ord = ask->ord, .cleared = ask->cleared };
	job->answer = out;
	if (!import_load(db, job->room, ask->id, &import, &found, err) ||
	    !may_go_on(&import, found, ask->id, err))
		return false;
	out->done = import.state >= IMPORT_EXTRACTED;
	if (out->done)
		return true;
	if (!ask->cleared && (!clear_some(db, ask->id, &out->cleared, err) || !out->cleared))
		return out->cleared || err->kind == ERR_NONE;
	return add_some(db, ask, out, err) && (!out->done || set_extracted(db, job->room, ask, err));
}

static void ask_on(const struct chunks_ask *so_far, const struct chunks_answer *answer, void *owner,
		   uint64_t ticket);

static void give_chunks(struct job *job)
{
	const struct chunks_ask *ask = job->ask;
	const struct chunks_answer *answer = job->answer;

	if (answer && !answer->done)
		ask_on(ask, answer, job->owner, job->ticket);
	else
		ask->fn(job->owner, job->ticket, &job->err);
}

/* Others who asked meanwhile come first. */
static void ask_on(const struct chunks_ask *so_far, const struct chunks_answer *answer, void *owner,
		   uint64_t ticket)
{
	struct job *job =
		job_create(JOB_WRITE, run_chunks, give_chunks, sizeof(struct chunks_ask), owner, ticket);
	struct chunks_ask *ask = job->ask;

	*ask = *so_far;
	ask->outline = job_text(job, so_far->outline);
	ask->path = job_text(job, so_far->path);
	ask->offset = answer->offset;
	ask->ord = answer->ord;
	ask->cleared = answer->cleared;
	store_ask(ask->store, job);
}

void store_import_extracted(struct store *store, int64_t id, const char *outline, const char *path,
			    store_done_fn *fn, void *owner, uint64_t ticket)
{
	const struct chunks_ask ask = {
		.store = store, .id = id, .outline = outline, .path = path, .fn = fn
	};

	ask_on(&ask, &(struct chunks_answer){ 0 }, owner, ticket);
}
