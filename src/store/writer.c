/* The writing thread: everything that is asked while one commit syncs goes into the next one. */
#include "store_threads.h"
#include <stdlib.h>
#include <string.h>

enum {
	LOG_MAX = 4 << 20,	 /* bytes of the write-ahead log that call for a checkpoint */
	CHECKPOINT_COMMITS = 64, /* but not more often: the log file keeps its size after one */
	IDLE_MS = 1000,		 /* quiet for so long: time for a checkpoint, or to look for space again */
	REST_MS = 5000,		 /* nothing to do at all: only the free space is read again */
	PROBE_SIZE = 65536,	 /* bytes that must fit before we take anything in again */
};

enum tried { TRIED_COMMITTED, TRIED_FAILED, TRIED_JOB_FAILED };

/* err becomes what everybody is told from now on. */
static void give_up(struct writer *writer, struct err *err)
{
	err->kind = ERR_FATAL;
	writer->fault = *err;
	atomic_store(&writer->health->failed, true);
	log_error(writer->log, "storage can't be trusted, nothing is written any more: %s", err->text);
}

static void set_full(struct writer *writer, bool full, const char *why)
{
	if (atomic_exchange(&writer->health->full, full) == full)
		return;
	writer->probed_ms = clock_mono_ms();
	if (full)
		log_error(writer->log, "no space left, nothing is taken in: %s", why);
	else
		log_info(writer->log, "there is space again");
}

/* ERR_UNSURE too: after a commit of unknown outcome only a restart finds out what is stored. */
static bool is_fatal(const struct err *err)
{
	return err->kind == ERR_FATAL || err->kind == ERR_UNSURE;
}

void jobs_fail(struct jobs *jobs, const struct err *err)
{
	for (struct job *job = jobs->first; job; job = job->next) {
		job->answer = NULL;
		job->err = *err;
	}
}

/* Runs one job; with `guarded` in a savepoint of its own. false: the transaction can't go on. */
static bool run_job(struct db *db, struct job *job, bool guarded, struct err *err)
{
	job->answer = NULL;
	err_clear(&job->err);
	if (guarded && !db_savepoint(db, err))
		return false;
	if (job->run(db, job, &job->err))
		return !guarded || db_release(db, err);
	job->answer = NULL;
	if (job->err.kind == ERR_NONE)
		err_set(&job->err, ERR_BUG, "a question of the store failed without a reason");
	*err = job->err;
	if (!guarded || job->err.kind == ERR_FULL || is_fatal(&job->err))
		return false;
	db_rollback_to(db);
	return true;
}

/* All jobs in one transaction. Without savepoints, since failures are rare: TRIED_JOB_FAILED asks for a
 * second try with them. */
static enum tried try_batch(struct db *db, struct jobs *jobs, bool guarded, struct err *err)
{
	if (!db_begin(db, err))
		return TRIED_FAILED;
	for (struct job *job = jobs->first; job; job = job->next) {
		if (run_job(db, job, guarded, err))
			continue;
		db_rollback(db);
		return guarded || err->kind == ERR_FULL || is_fatal(err) ? TRIED_FAILED : TRIED_JOB_FAILED;
	}
	if (db_commit(db, err))
		return TRIED_COMMITTED;
	if (!is_fatal(err))
		db_rollback(db);
	return TRIED_FAILED;
}

/* A row of some size is written and taken away again: does space exist, and does the disk take it? */
static bool probe(struct writer *writer)
{
	char *filling = mem_alloc(PROBE_SIZE + 1);
	struct err err = { 0 };
	bool fits = false;

	memset(filling, '-', PROBE_SIZE);
	filling[PROBE_SIZE] = '\0';
	db_checkpoint(writer->db, false, NULL); /* what is moved makes the log's space usable again */
	if (db_begin(writer->db, &err)) {
		fits = db_run(writer->db, &err, NULL,
			      "INSERT INTO cursors (platform, installation, scope, position) VALUES ('', '', "
			      "'space', $1)"
			      " ON CONFLICT (platform, installation, scope) DO UPDATE SET position = "
			      "excluded.position",
			      "t", filling) &&
		       db_run(writer->db, &err, NULL,
			      "DELETE FROM cursors WHERE platform = '' AND scope = 'space'", "") &&
		       db_commit(writer->db, &err);
		if (!fits && !is_fatal(&err))
			db_rollback(writer->db);
	}
	free(filling);
	writer->probed_ms = clock_mono_ms();
	if (is_fatal(&err))
		give_up(writer, &err);
	return fits;
}

/* While the disk is full one look a second decides for everybody. */
static bool may_write(struct writer *writer, struct err *err)
{
	if (atomic_load(&writer->health->full)) {
		if (clock_mono_ms() - writer->probed_ms < IDLE_MS || !probe(writer))
			err_set(err, ERR_FULL, "no space left where the database is");
		else
			set_full(writer, false, "");
	}
	if (atomic_load(&writer->health->failed)) {
		*err = writer->fault;
		if (err->kind == ERR_NONE) /* the reader found out */
			err_set(err, ERR_FATAL, "the database can't be read any more");
	}
	return err->kind == ERR_NONE;
}

static bool holds_erasure(const struct batch *batch)
{
	for (const struct job *job = batch->jobs.first; job; job = job->next)
		if (job->erases && job->err.kind == ERR_NONE)
			return true;
	return false;
}

/* What was erased is still in the log, in the pages of before: it is emptied before anybody is told that it is gone. */
static void scrub(struct writer *writer)
{
	struct err err = { 0 };

	writer->scrub = !db_checkpoint(writer->db, true, &err);
	if (writer->scrub && is_fatal(&err))
		give_up(writer, &err);
	else if (writer->scrub)
		log_warn(writer->log, "what was erased is still in the log of the database; tried again: %s",
			 err.text);
}

static void write_batch(struct writer *writer, struct batch *batch)
{
	enum tried tried = TRIED_FAILED;
	uint64_t begun = clock_mono_us();
	struct err err = { 0 };

	if (may_write(writer, &err)) {
		tried = try_batch(writer->db, &batch->jobs, false, &err);
		if (tried == TRIED_JOB_FAILED)
			tried = try_batch(writer->db, &batch->jobs, true, &err);
		if (tried != TRIED_COMMITTED && err.kind == ERR_FULL)
			set_full(writer, true, err.text);
		else if (tried != TRIED_COMMITTED && is_fatal(&err))
			give_up(writer, &err);
	}
	if (tried != TRIED_COMMITTED)
		jobs_fail(&batch->jobs, &err);
	if (tried == TRIED_COMMITTED && holds_erasure(batch))
		scrub(writer);
	batch->committed = tried == TRIED_COMMITTED;
	batch->seconds = (double)(clock_mono_us() - begun) / 1e6;
	writer->unchecked += batch->committed;
	mailbox_put_take(writer->mailbox, batch);
}

static void checkpoint(struct writer *writer)
{
	struct err err = { 0 };

	writer->unchecked = 0;
	if (db_checkpoint(writer->db, false, &err))
		return;
	if (is_fatal(&err))
		give_up(writer, &err);
	else
		log_warn(writer->log, "the log could not be moved into the database yet: %s", err.text);
}

/* What the thread does for itself between batches. */
static void tend(struct writer *writer, bool idle)
{
	uint64_t now = clock_mono_ms();

	if (atomic_load(&writer->health->failed))
		return;
	if (idle && atomic_load(&writer->health->full)) {
		struct err err = { 0 };

		may_write(writer, &err);
	} else if (idle && writer->scrub) {
		scrub(writer);
	} else if ((idle && writer->unchecked > 0) ||
		   (writer->unchecked >= CHECKPOINT_COMMITS && db_log_bytes(writer->db) > LOG_MAX)) {
		checkpoint(writer);
	}
	if (now - writer->looked_ms >= REST_MS || writer->looked_ms == 0) {
		atomic_store(&writer->health->disk_free, db_disk_free(writer->db));
		writer->looked_ms = now;
	}
}

/* Puts the short reads of a batch first: they are answered before the commit that the others wait for. */
static void split(struct jobs *all, struct jobs *reads_out, struct jobs *writes_out)
{
	struct job *job = all->first;

	jobs_init(reads_out);
	jobs_init(writes_out);
	while (job) {
		struct job *next = job->next;

		jobs_add(job->way == JOB_RECENT ? reads_out : writes_out, job);
		job = next;
	}
}

void *writer_main(void *data)
{
	struct writer *writer = data;
	struct jobs jobs, reads, writes;

	for (;;) {
		bool busy = writer->unchecked > 0 || atomic_load(&writer->health->full);

		if (!line_take(&writer->line, writer->batch_rows, busy ? IDLE_MS : REST_MS, &jobs))
			return NULL;
		split(&jobs, &reads, &writes);
		if (reads.count > 0)
			read_batch(writer->db, writer->mailbox, writer->health, writer->log,
				   batch_create(&reads));
		if (writes.count > 0)
			write_batch(writer, batch_create(&writes));
		tend(writer, jobs.count == 0);
	}
}
