/* Who stands behind a key or a user name: asked before every request, so it is a read. */
#include "people.h"
#include <string.h>

enum { USED_EVERY_MS = 60000 };

struct key_ask {
	struct store *store;
	const char *text; /* hash, or user name */
	store_key_fn *fn;
};

/* The answer, and whether the key's last use is worth a note. */
struct key_answer {
	struct store_key key;
	bool note;
};

#define PROFILE                                                                                              \
	" u.id, p.id, p.org_id, p.display_name, p.role, p.status = 'active' AND coalesce(u.is_active, true)"

/* Columns: key id, last use, then PROFILE. */
static bool take(struct query *query, struct job *job, bool *found_out, struct err *err)
{
	struct key_answer *answer = arena_alloc(job->room, sizeof(*answer));

	*found_out = db_row(query);
	if (*found_out) {
		answer->key.key_id = room_text(job->room, query, 0);
		answer->note = clock_wall_ms() - room_parse_time(db_text(query, 1)) >= USED_EVERY_MS;
		answer->key.user_id = db_int(query, 2);
		answer->key.speaker.profile_id = room_text(job->room, query, 3);
		answer->key.speaker.org_id = room_text(job->room, query, 4);
		answer->key.speaker.display_name = room_text(job->room, query, 5);
		role_parse(db_text(query, 6), &answer->key.speaker.role);
		answer->key.speaker.active = db_bool(query, 7);
		job->answer = answer;
	}
	return db_end(query, err);
}

static bool run_key(struct db *db, struct job *job, struct err *err)
{
	const struct key_ask *ask = job->ask;
	struct query query;
	bool found;

	db_query(db, &query,
		 "SELECT k.key_id, k.last_used_at," PROFILE
		 " FROM api_keys k JOIN users u ON u.id = k.user_id"
		 " JOIN user_profiles p ON p.user_id = u.id WHERE k.api_key = $1 AND k.is_active"
		 " ORDER BY p.created_at LIMIT 1",
		 "t", ask->text);
	return take(&query, job, &found, err) &&
	       (found || err_set(err, ERR_GONE, "this key is not known, or revoked"));
}

static bool run_user(struct db *db, struct job *job, struct err *err)
{
	const struct key_ask *ask = job->ask;
	struct query query;
	bool found;

	db_query(db, &query,
		 "SELECT NULL, NULL," PROFILE " FROM users u JOIN user_profiles p ON p.user_id = u.id"
		 " WHERE u.username = $1 ORDER BY p.created_at LIMIT 1",
		 "t", ask->text);
	return take(&query, job, &found, err) &&
	       (found || err_set(err, ERR_GONE, "no user is named \"%.*s\"", CUT(ask->text)));
}

/* ---- last_used_at ------------------------------------------------------------------------------- */

static bool run_note(struct db *db, struct job *job, struct err *err)
{
	const struct key_ask *ask = job->ask;

	return db_run(db, err, NULL, "UPDATE api_keys SET last_used_at = $2 WHERE key_id = $1", "tt",
		      ask->text, room_time(job->room, clock_wall_ms()));
}

/* Nobody waits for the note: a fault that matters shows at the next question that is answered. */
static void give_note(struct job *job)
{
	(void)job;
}

static void note_use(struct store *store, const char *key_id)
{
	struct job *job = job_create(JOB_LAZY, run_note, give_note, sizeof(struct key_ask), NULL, 0);
	struct key_ask *ask = job->ask;

	ask->text = job_text(job, key_id);
	store_ask(store, job);
}

static void give_key(struct job *job)
{
	const struct key_ask *ask = job->ask;
	const struct key_answer *answer = job->answer;

	if (answer != NULL && answer->key.key_id != NULL && answer->note)
		note_use(ask->store, answer->key.key_id);
	ask->fn(job->owner, job->ticket, &job->err, answer ? &answer->key : NULL);
}

static void put(struct store *store, job_run *run, const char *text, store_key_fn *fn, void *owner,
		uint64_t ticket)
{
	struct job *job = job_create(JOB_RECENT, run, give_key, sizeof(struct key_ask), owner, ticket);
	struct key_ask *ask = job->ask;

	*ask = (struct key_ask){ .store = store, .text = job_text(job, text), .fn = fn };
	store_ask(store, job);
}

void store_key(struct store *store, const char *hash, store_key_fn *fn, void *owner, uint64_t ticket)
{
	put(store, run_key, hash, fn, owner, ticket);
}

void store_user(struct store *store, const char *username, store_key_fn *fn, void *owner, uint64_t ticket)
{
	put(store, run_user, username, fn, owner, ticket);
}
