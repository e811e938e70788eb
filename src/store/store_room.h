/* What the files of this room agree on: a question is a job, its script runs blocking on a store thread, its
 * answer is given on the loop. store.c owns the threads; everything else here is scripts. */
#ifndef USHER_STORE_ROOM_H
#define USHER_STORE_ROOM_H

#include "clock.h"
#include "db.h"
#include "mem.h"
#include "store_outbox.h"
#include "store_turn.h"

enum job_way {
	JOB_READ,   /* the reading thread: may take long, never waits for a sync; sees everything whose answer
		       was given */
	JOB_RECENT, /* short reads of what was just written: on the writing thread between two commits,
		     * because only that connection's page cache survives a commit */
	JOB_WRITE,  /* the writing thread: shares its commit with its neighbours */
	JOB_LAZY,   /* the same, but rides with the next commit or starts one after 50 ms */
};

struct job;

/* On a store thread, inside a transaction. Sets job->answer (in job->room) or returns false and err: then
 * nothing of what this job wrote stays, whatever it was, and its neighbours are not harmed. May be run again
 * from the start (when a neighbour failed), so the question is not changed. */
typedef bool job_run(struct db *db, struct job *job, struct err *err);

/* On the loop, after the commit: calls the asker's function, which the question carries. job->err says how it
 * ended; answer is NULL unless that is ERR_NONE. */
typedef void job_give(struct job *job);

struct job {
	struct job *next;
	enum job_way way;
	job_run *run;
	job_give *give;
	struct arena *room;  /* holds the job itself, its question and its answer; freed after give */
	store_done_fn *done; /* of job_create_done */
	void *ask;	     /* the question: cleared, of the size given to job_create */
	void *answer;	     /* NULL before every run */
	void *owner;
	uint64_t ticket;
	size_t bytes; /* of the question, for the gauges */
	bool erases;  /* set by run: what it took out must not stay in the log either */
	struct err err;
};

/* A job with a cleared question; fill job->ask (its strings copied with job_text), then store_ask. Loop
 * thread. */
struct job *job_create(enum job_way way, job_run *run, job_give *give, size_t ask_size, void *owner,
		       uint64_t ticket);

/* The same for a question whose asker hears only how it ended: fn gets job->err after the commit. */
struct job *job_create_done(enum job_way way, job_run *run, size_t ask_size, store_done_fn *fn, void *owner,
			    uint64_t ticket);

/* The copies of a question's strings; NULL gives NULL. */
static inline const char *job_text(struct job *job, const char *text)
{
	return arena_text(job->room, text);
}

/* Hands the job over; it is answered in a later loop round and freed. Loop thread. */
void store_ask(struct store *store, struct job *job);

/* ---- words of our tables ------------------------------------------------------------------------------- */

/* The organisation that exists from the start. */
#define ROOM_DEFAULT_ORG "00000000-0000-7000-8000-000000000001"

/* A column's text kept in the arena; NULL for SQL NULL. */
const char *room_text(struct arena *room, const struct query *query, int column);

/* Now, and a time of Unix milliseconds, as the database keeps it ("2026-01-02T03:04:05.678Z"). 0 gives NULL.
 */
const char *room_time(struct arena *room, int64_t wall_ms);
int64_t room_parse_time(const char *text); /* Unix milliseconds; 0 for NULL or malformed */

/* A profile by id; found_out false when there is none. Strings are in `room`. */
bool room_speaker(struct db *db, struct arena *room, const char *profile_id, struct speaker *speaker_out,
		  bool *found_out, struct err *err);

/* Whoever this platform's sender is known as; found_out false: a stranger. */
bool room_identity(struct db *db, struct arena *room, const char *platform, const char *installation,
		   const char *sender, struct speaker *speaker_out, bool *found_out, struct err *err);

/* A new member's profile in an organisation (NULL: the default one), without an account. */
bool room_add_profile(struct db *db, struct arena *room, const char *org_id, const char *display_name,
		      struct speaker *speaker_out, struct err *err);

/* From now on this platform's sender is that profile. */
bool room_add_identity(struct db *db, const char *platform, const char *installation, const char *sender,
		       const char *sender_name, const char *profile_id, struct err *err);

#endif
