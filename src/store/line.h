/* A line of jobs between the loop and one store thread. */
#ifndef USHER_STORE_LINE_H
#define USHER_STORE_LINE_H

#include "store_room.h"
#include <pthread.h>

enum { LINE_LAZY_MS = 50 }; /* how long a lazy job waits for company */

struct jobs {
	struct job *first, **last; /* last points at the final `next`, or at first */
	size_t count;
};

void jobs_init(struct jobs *jobs);
void jobs_add(struct jobs *jobs, struct job *job);

struct line {
	pthread_mutex_t lock;
	pthread_cond_t more;
	struct jobs jobs;  /* in the order they were asked */
	size_t hurried;	   /* of them, those that are not lazy */
	uint64_t lazy_due; /* monotonic ms when the first lazy one has waited enough; 0 none */
	unsigned doze_ms;  /* after a batch lazy jobs don't wake the thread for so long */
	bool asleep;	   /* the thread waits for anything at all */
	bool closing;
};

void line_init(struct line *line, unsigned doze_ms);
void line_finish(struct line *line); /* must be empty */

void line_put(struct line *line, struct job *job);
void line_close(struct line *line); /* what is in it is still taken */

/* Takes up to `most` jobs; waits for the first at most patience_ms, so jobs_out may stay empty. false when
 * the line is closed and empty: the thread's work is over. */
bool line_take(struct line *line, size_t most, unsigned patience_ms, struct jobs *jobs_out);

#endif
