/* What changes an installation's row after it was made: new secrets, the operator's switch, its removal. */
#include "imports.h"
#include "installs.h"
#include "store_install.h"

struct change_ask {
	const char *platform, *name;
	const char *text; /* secrets, or why it was removed */
	bool enabled;
};

static bool changed(const struct change_ask *ask, int64_t rows, struct err *err)
{
	return rows > 0 || err_set(err, ERR_GONE, "there is no installation %s/%s", ask->platform, ask->name);
}

static bool run_keep(struct db *db, struct job *job, struct err *err)
{
	const struct change_ask *ask = job->ask;
	int64_t rows = 0;

	return db_run(db, err, &rows,
		      "UPDATE \"LLMAgentInstallation\" SET secrets = $3, \"updatedAt\" = $4"
		      " WHERE platform = $1 AND name = $2 AND \"removedAt\" IS NULL",
		      "tttt", ask->platform, ask->name, ask->text, room_time(job->room, clock_wall_ms())) &&
	       changed(ask, rows, err);
}

static bool run_enable(struct db *db, struct job *job, struct err *err)
{
	const struct change_ask *ask = job->ask;
	int64_t rows = 0;

	return db_run(db, err, &rows,
		      "UPDATE \"LLMAgentInstallation\" SET enabled = $3, \"updatedAt\" = $4"
		      " WHERE platform = $1 AND name = $2 AND \"removedAt\" IS NULL",
		      "ttbt", ask->platform, ask->name, ask->enabled,
		      room_time(job->room, clock_wall_ms())) &&
	       changed(ask, rows, err);
}

/* ---- removal ---------------------------------------------------------------------------------------------
 */

/* Along the short lists of what has not ended: coalesce keeps the planner from the index of all messages ever taken in
 * there. */
#define OF_IT " AND coalesce(platform, '') = $1 AND coalesce(installation, '') = $2"

/* Turns that a crash interrupted and nobody will begin again: they have no answer, but an end. WHERE: about the waiting
 * messages w. $1 is the time. OF_INTERRUPTED takes any number because cppcheck counts the commas of a WHERE that is a
 * macro itself. */
#define OF_INTERRUPTED(...)                                                                                  \
	" (SELECT w.turn_id FROM inbox w WHERE w.state IN ('accepted', 'claimed') AND w.state = 'accepted'"  \
	" AND w.turn_id IS NOT NULL AND " __VA_ARGS__ ")"
#define END_RUNS(WHERE, WHY_NOT)                                                                             \
	"UPDATE \"LLMTask\" SET status = 'interrupted', \"finishedAt\" = $1, \"errorMessage\" = " WHY_NOT    \
	" WHERE status = 'running' AND id IN (SELECT m.\"llmTaskId\" FROM \"LLMConversationMessage\" m"      \
	" WHERE m.id IN" OF_INTERRUPTED(WHERE) ")"
#define END_TURNS(WHERE)                                                                                     \
	"UPDATE \"LLMConversationMessage\" SET \"answeredAt\" = $1, failed = true"                           \
	" WHERE \"answeredAt\" IS NULL AND \"promptAt\" < $1 AND id IN" OF_INTERRUPTED(WHERE)

static bool end_work(struct db *db, const struct change_ask *ask, const char *now, struct err *err)
{
#define AT_IT "coalesce(w.platform, '') = $2 AND coalesce(w.installation, '') = $3"
	if (!db_run(db, err, NULL, END_RUNS(AT_IT, "$4"), "tttt", now, ask->platform, ask->name, ask->text) ||
	    !db_run(db, err, NULL, END_TURNS(AT_IT), "ttt", now, ask->platform, ask->name))
		return false;
#undef AT_IT
	return db_run(db, err, NULL,
		      "UPDATE outbox SET state = 'cancelled', reason = $3 WHERE state IN ('pending', "
		      "'sending')"
		      " AND state = 'pending'" OF_IT,
		      "ttt", ask->platform, ask->name, ask->text) &&
	       db_run(db, err, NULL,
		      "UPDATE inbox SET state = 'ignored', reason = $3, finished_at = $4"
		      " WHERE state IN ('accepted', 'claimed') AND state = 'accepted'" OF_IT,
		      "tttt", ask->platform, ask->name, ask->text, now);
}

static bool give_up_files(struct db *db, struct arena *room, struct err *err)
{
	return imports_give_up(db, room, "removed", "the place it came from was removed", clock_wall_ms(),
			       err);
}

static bool run_remove(struct db *db, struct job *job, struct err *err)
{
	const struct change_ask *ask = job->ask;
	const char *now = room_time(job->room, clock_wall_ms());
	int64_t removed;
	bool found;

	if (!db_one_int(db, err, &found, &removed,
			"SELECT \"removedAt\" IS NOT NULL FROM \"LLMAgentInstallation\""
			" WHERE platform = $1 AND name = $2",
			"tt", ask->platform, ask->name))
		return false;
	if (found && removed)
		return true;
	/* A configured one may have no row: its work ends all the same. */
	return db_run(db, err, NULL,
		      "UPDATE \"LLMAgentInstallation\" SET secrets = NULL, \"removedAt\" = $3,"
		      " \"removedWhy\" = $4, \"updatedAt\" = $3 WHERE platform = $1 AND name = $2",
		      "tttt", ask->platform, ask->name, now, ask->text) &&
	       texts_forget(db, ask->platform, ask->name, err) && end_work(db, ask, now, err) &&
	       give_up_files(db, job->room, err);
}

/* Of a row's installation, if it was removed. */
#define REMOVED(TABLE, WHAT)                                                                                 \
	"(SELECT " WHAT " FROM \"LLMAgentInstallation\" i WHERE i.platform = " TABLE                         \
	".platform AND i.name = " TABLE ".installation AND i.\"removedAt\" IS NOT NULL)"
#define WHY "coalesce(i.\"removedWhy\", 'installation removed')"

bool removal_cancel(struct db *db, int64_t reply_id, bool *cancelled_out, struct err *err)
{
	static const char sql[] = "UPDATE outbox SET state = 'cancelled', reason = " REMOVED(
		"outbox", WHY) " WHERE id = $1 AND EXISTS " REMOVED("outbox", "1");
	int64_t rows = 0;

	if (!db_run(db, err, &rows, sql, "i", reply_id))
		return false;
	*cancelled_out = rows > 0;
	return true;
}

bool removal_sweep(struct db *db, const char *now, struct err *err)
{
	static const char replies[] = "UPDATE outbox SET state = 'cancelled', reason = " REMOVED(
		"outbox", WHY) " WHERE state IN ('pending', 'sending') AND state = 'pending' AND "
			       "EXISTS " REMOVED("outbox", "1");
	static const char messages[] =
		"UPDATE inbox SET state = 'ignored', finished_at = $1, reason = " REMOVED(
			"inbox", WHY) " WHERE state IN ('accepted', 'claimed') AND state = 'accepted' AND "
				      "EXISTS " REMOVED("inbox", "1");
	static const char runs[] = END_RUNS("EXISTS " REMOVED("w", "1"), "'installation removed'");
	static const char turns[] = END_TURNS("EXISTS " REMOVED("w", "1"));

	return db_run(db, err, NULL, replies, "") && db_run(db, err, NULL, runs, "t", now) &&
	       db_run(db, err, NULL, turns, "t", now) && db_run(db, err, NULL, messages, "t", now);
}

/* ---- asking ----------------------------------------------------------------------------------------------
 */

static void put(struct store *store, job_run *run, const char *platform, const char *name, const char *text,
		bool enabled, store_done_fn *fn, void *owner, uint64_t ticket)
{
	struct job *job = job_create_done(JOB_WRITE, run, sizeof(struct change_ask), fn, owner, ticket);

	*(struct change_ask *)job->ask = (struct change_ask){ .platform = job_text(job, platform),
							      .name = job_text(job, name),
							      .text = job_text(job, text),
							      .enabled = enabled };
	store_ask(store, job);
}

void store_keep(struct store *store, const char *platform, const char *name, const char *secrets,
		store_done_fn *fn, void *owner, uint64_t ticket)
{
	put(store, run_keep, platform, name, secrets, false, fn, owner, ticket);
}

void store_remove(struct store *store, const char *platform, const char *name, const char *why,
		  store_done_fn *fn, void *owner, uint64_t ticket)
{
	put(store, run_remove, platform, name, why && why[0] ? why : "installation removed", false, fn, owner,
	    ticket);
}

void store_enable(struct store *store, const char *platform, const char *name, bool enabled,
		  store_done_fn *fn, void *owner, uint64_t ticket)
{
	put(store, run_enable, platform, name, NULL, enabled, fn, owner, ticket);
}
