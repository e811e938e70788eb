/* The reading thread: questions that change nothing never wait for a sync. */
#include "store_threads.h"

enum { REST_MS = 60000 };

/* All jobs see one state of the database. */
static void read_jobs(struct db *db, struct health *health, const struct log *log, struct jobs *jobs)
{
	struct err err = { 0 };

	if (!db_run(db, &err, NULL, "BEGIN", "")) {
		jobs_fail(jobs, &err);
		return;
	}
	for (struct job *job = jobs->first; job; job = job->next) {
		if (job->run(db, job, &job->err))
			continue;
		job->answer = NULL;
		if (job->err.kind == ERR_NONE)
			err_set(&job->err, ERR_BUG, "a question of the store failed without a reason");
		if (job->err.kind == ERR_FATAL && !atomic_exchange(&health->failed, true))
			log_error(log, "storage can't be trusted, nothing is written any more: %s",
				  job->err.text);
	}
	db_run(db, NULL, NULL, "COMMIT", "");
}

void read_batch(struct db *db, struct mailbox *mailbox, struct health *health, const struct log *log,
		struct batch *batch)
{
	struct err err = { 0 };

	if (atomic_load(&health->failed)) {
		err_set(&err, ERR_FATAL, "the storage can't be trusted any more");
		jobs_fail(&batch->jobs, &err);
	} else {
		read_jobs(db, health, log, &batch->jobs);
	}
	mailbox_put_take(mailbox, batch);
}

void *reader_main(void *data)
{
	struct reader *reader = data;
	struct jobs jobs;

	while (line_take(&reader->line, reader->batch_rows, REST_MS, &jobs))
		if (jobs.count > 0)
			read_batch(reader->db, reader->mailbox, reader->health, reader->log,
				   batch_create(&jobs));
	return NULL;
}
