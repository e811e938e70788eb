/* Carries questions to the store's two threads and their answers back to the loop. */
#include "journey.h"
#include "mailbox.h"
#include "metrics.h"
#include "store_open.h"
#include <signal.h>
#include <stdlib.h>

enum {
	BATCH_ROWS = 256,
	WRITER_DOZE_MS = 50,
};

struct store {
	struct log log;
	struct health health;
	struct mailbox *mailbox;
	struct writer writer;
	struct reader reader;
	bool writing, reading; /* these threads run */
	bool took_over;	       /* what the last process left has been looked at */
	bool closed;
	size_t queued, queued_bytes;
	uint64_t commits;
};

static const double row_buckets[] = { 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 0 };

static struct metric commit_seconds = {
	.name = "usher_store_commit_seconds",
	.help = "Time of one database transaction that wrote, with its sync",
	.type = METRIC_HISTOGRAM,
	.buckets = metric_seconds,
};
static struct metric commit_questions = {
	.name = "usher_store_commit_questions",
	.help = "Questions that shared one commit",
	.type = METRIC_HISTOGRAM,
	.buckets = row_buckets,
};

struct job *job_create(enum job_way way, job_run *run, job_give *give, size_t ask_size, void *owner,
		       uint64_t ticket)
{
	struct arena *room = arena_create();
	struct job *job = arena_alloc(room, sizeof(*job));

	*job = (struct job){
		.way = way, .run = run, .give = give, .room = room, .owner = owner, .ticket = ticket
	};
	job->ask = arena_alloc(room, ask_size);
	return job;
}

static void give_done(struct job *job)
{
	job->done(job->owner, job->ticket, &job->err);
}

struct job *job_create_done(enum job_way way, job_run *run, size_t ask_size, store_done_fn *fn, void *owner,
			    uint64_t ticket)
{
	struct job *job = job_create(way, run, give_done, ask_size, owner, ticket);

	job->done = fn;
	return job;
}

static void job_destroy(struct job *job)
{
	arena_destroy(job->room);
}

void store_ask(struct store *store, struct job *job)
{
	job->bytes = arena_size(job->room);
	store->queued++;
	store->queued_bytes += job->bytes;
	line_put(job->way == JOB_READ ? &store->reader.line : &store->writer.line, job);
}

static void give_batch(void *owner, struct batch *batch)
{
	struct store *store = owner;
	struct job *job = batch->jobs.first;

	if (batch->committed) {
		store->commits++;
		metric_observe(&commit_seconds, NULL, batch->seconds);
		metric_observe(&commit_questions, NULL, (double)batch->jobs.count);
	}
	while (job) {
		struct job *next = job->next;

		store->queued--;
		store->queued_bytes -= job->bytes;
		if (!store->closed)
			job->give(job);
		job_destroy(job);
		job = next;
	}
	batch_destroy(batch);
}

/* Signals are the loop's: the threads start with all of them blocked. */
static bool start_threads(struct store *store, struct err *err)
{
	sigset_t all, before;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	store->writing = pthread_create(&store->writer.thread, NULL, writer_main, &store->writer) == 0;
	store->reading = pthread_create(&store->reader.thread, NULL, reader_main, &store->reader) == 0;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (!store->writing || !store->reading)
		return err_set(err, ERR_FATAL, "no thread for the database: too many processes?");
	return true;
}

/* Kept in the database, so that whatever ends an import there knows. */
static bool keep_target(struct db *db, bool wanted, struct err *err)
{
	int64_t since;
	bool there, done;

	if (!db_one_int(db, err, &there, &since, "SELECT 1 FROM import_target", ""))
		return false;
	if (there == wanted)
		return true;
	if (!db_begin(db, err))
		return false;
	done = wanted ? db_run(db, err, NULL,
			       "INSERT INTO import_target (id, since) VALUES (1, "
			       "strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))",
			       "")
		      : db_run(db, err, NULL, "DELETE FROM import_target", "");
	done = done && db_commit(db, err);
	if (!done)
		db_rollback(db);
	return done;
}

struct store *store_open(struct loop *loop, const struct store_options *options, struct err *err)
{
	struct store *store = mem_zero(1, sizeof(*store));
	size_t rows = options->batch_rows ? options->batch_rows : BATCH_ROWS;

	store->log = (struct log){ .parent = options->log, .name = "store" };
	store->mailbox = mailbox_create(loop, give_batch, store);
	store->writer = (struct writer){
		.mailbox = store->mailbox, .health = &store->health, .log = &store->log, .batch_rows = rows
	};
	store->reader = (struct reader){
		.mailbox = store->mailbox, .health = &store->health, .log = &store->log, .batch_rows = rows
	};
	line_init(&store->writer.line, WRITER_DOZE_MS);
	line_init(&store->reader.line, 0);
	atomic_init(&store->health.disk_free, -1);
	store->writer.db = db_open(options->url, DB_WRITER, err);
	if (store->writer.db && db_migrate(store->writer.db, err) &&
	    keep_target(store->writer.db, options->import_target, err))
		store->reader.db = db_open(options->url, DB_READER, err);
	if (store->writer.db)
		db_trim(store->writer.db); /* a new schema went through every page of it */
	if (store->reader.db)
		atomic_store(&store->health.disk_free, db_disk_free(store->writer.db));
	if (store->reader.db == NULL || !start_threads(store, err)) {
		store_close(store);
		return NULL;
	}
	return store;
}

static void stop_threads(struct store *store)
{
	line_close(&store->writer.line);
	line_close(&store->reader.line);
	if (store->writing)
		pthread_join(store->writer.thread, NULL);
	if (store->reading)
		pthread_join(store->reader.thread, NULL);
}

void store_took_over(struct store *store)
{
	store->took_over = true;
}

/* What a storage that is trusted gets at the end. Before the recovery the turns under way are those of a process that
 * died: forgiving them would let what kills processes do so for ever. */
static void leave(struct store *store)
{
	struct err err = { 0 };

	if (store->took_over && !recover_leave(store->writer.db, &err))
		log_warn(&store->log, "turns under way will count as interrupted: %s", err.text);
	if (!db_checkpoint(store->writer.db, true, &err))
		log_warn(&store->log, "the log could not be moved into the database: %s", err.text);
}

void store_close(struct store *store)
{
	if (store == NULL)
		return;
	store->closed = true; /* what is stored is stored, but those who asked may be gone */
	stop_threads(store);
	mailbox_empty(store->mailbox);
	db_close(store->reader.db); /* first, so that the checkpoint waits for no reader */
	if (store->writing && !atomic_load(&store->health.failed))
		leave(store);
	db_close(store->writer.db);
	mailbox_destroy(store->mailbox);
	line_finish(&store->writer.line);
	line_finish(&store->reader.line);
	free(store);
}

struct store_gauges store_gauges(const struct store *store)
{
	return (struct store_gauges){
		.queued = store->queued,
		.queued_bytes = store->queued_bytes,
		.commits = store->commits,
		.full = atomic_load(&store->health.full),
		.failed = atomic_load(&store->health.failed),
		.disk_free = atomic_load(&store->health.disk_free),
	};
}
