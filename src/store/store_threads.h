/* What store.c and its two threads share. */
#ifndef USHER_STORE_THREADS_H
#define USHER_STORE_THREADS_H

#include "line.h"
#include "log.h"
#include <stdatomic.h>

struct mailbox;

/* One commit's worth of answered jobs on the way back. */
struct batch {
	struct batch *next;
	struct jobs jobs;
	bool committed;
	double seconds; /* that the transaction took */
};

/* Jobs that were taken together, on the heap. */
struct batch *batch_create(const struct jobs *jobs);

/* Hands a batch to the loop; it is the mailbox's from now on. Any thread. */
void mailbox_put_take(struct mailbox *mailbox, struct batch *batch);

/* Written by the two threads, read by all. */
struct health {
	atomic_bool full, failed;
	_Atomic int64_t disk_free;
};

struct writer {
	struct line line;
	struct db *db;
	struct mailbox *mailbox;
	struct health *health;
	const struct log *log;
	size_t batch_rows;
	struct err fault;   /* why nothing is written any more */
	uint64_t probed_ms; /* when space was last looked for */
	uint64_t looked_ms; /* when the free space was last read */
	unsigned unchecked; /* commits since the last checkpoint */
	bool scrub;	    /* the log holds what was erased */
	pthread_t thread;
};

struct reader {
	struct line line;
	struct db *db;
	struct mailbox *mailbox;
	struct health *health;
	const struct log *log;
	size_t batch_rows;
	pthread_t thread;
};

void *writer_main(void *writer);
void *reader_main(void *reader);

/* Runs jobs that only read, all on one state of the database, and hands them back. */
void read_batch(struct db *db, struct mailbox *mailbox, struct health *health, const struct log *log,
		struct batch *batch);

/* Answers every job of the list with this error. */
void jobs_fail(struct jobs *jobs, const struct err *err);

#endif
