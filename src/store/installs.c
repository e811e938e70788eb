/* Rows of "LLMAgentInstallation": listed, and made when somebody adds us. */
#include "installs.h"
#include "crypto.h"
#include "store_install.h"
#include "text.h"
#include <string.h>

enum { ORG_NAME_MAX = 100, UUID_END = 12 };

struct installs_ask {
	struct store_install install;
	store_installations_fn *fn;
};

struct installs_answer {
	struct store_installation *rows;
	size_t count, space;
};

#define ROWS                                                                                                 \
	"SELECT platform, name, \"companyId\", title, settings, secrets, enabled, \"removedAt\" IS NOT NULL" \
	" FROM \"LLMAgentInstallation\""

static void add_row(const struct query *query, struct arena *room, struct installs_answer *out)
{
	out->rows = arena_grow(room, out->rows, out->count, &out->space, sizeof(*out->rows));
	out->rows[out->count++] = (struct store_installation){
		.platform = room_text(room, query, 0),
		.name = room_text(room, query, 1),
		.org_id = room_text(room, query, 2),
		.title = room_text(room, query, 3),
		.settings = room_text(room, query, 4),
		.secrets = room_text(room, query, 5),
		.enabled = db_bool(query, 6),
		.removed = db_bool(query, 7),
	};
}

static bool take_rows(struct query *query, struct job *job, struct err *err)
{
	struct installs_answer *out = arena_alloc(job->room, sizeof(*out));

	while (db_row(query))
		add_row(query, job->room, out);
	job->answer = out;
	return db_end(query, err);
}

static void give_installs(struct job *job)
{
	const struct installs_ask *ask = job->ask;
	const struct installs_answer *answer = job->answer;

	ask->fn(job->owner, job->ticket, &job->err, answer ? answer->rows : NULL, answer ? answer->count : 0);
}

static bool run_list(struct db *db, struct job *job, struct err *err)
{
	struct query query;

	db_query(db, &query, ROWS " ORDER BY platform, name", "");
	return take_rows(&query, job, err);
}

void store_installations(struct store *store, store_installations_fn *fn, void *owner, uint64_t ticket)
{
	struct job *job =
		job_create(JOB_READ, run_list, give_installs, sizeof(struct installs_ask), owner, ticket);

	((struct installs_ask *)job->ask)->fn = fn;
	store_ask(store, job);
}

/* ---- somebody adds us -----------------------------------------------------------------------------------
 */

/* Its name tells an operator whose it is; one that is taken gets the end of its id behind it. */
static bool add_org(struct db *db, struct arena *room, const struct store_install *it, const char **id_out,
		    struct err *err)
{
	const char *id = crypto_uuid(arena_alloc(room, CRYPTO_UUID_SIZE));
	const char *name = it->title && it->title[0]
				   ? arena_format(room, "%s/%s (%s)", it->platform, it->name, it->title)
				   : arena_format(room, "%s/%s", it->platform, it->name);
	int64_t made = 0;

	*id_out = id;
	for (int room_left = ORG_NAME_MAX; made == 0; room_left -= UUID_END + 1) {
		bool taken = room_left < ORG_NAME_MAX;

		if (room_left < 0)
			return err_set(err, ERR_BUG, "no name for the organisation of %s/%s", it->platform,
				       it->name);
		if (!db_run(db, err, &made,
			    "INSERT INTO organizations (id, name) VALUES ($1, $2) ON CONFLICT (name) DO "
			    "NOTHING",
			    "tt", id,
			    arena_format(room, "%.*s%s%s",
					 (int)text_fit(name, strlen(name), (size_t)room_left), name,
					 taken ? " " : "", taken ? id + strlen(id) - UUID_END : "")))
			return false;
	}
	return true;
}

static bool insert(struct db *db, struct arena *room, const struct store_install *it, struct err *err)
{
	const char *org = ROOM_DEFAULT_ORG, *now = room_time(room, clock_wall_ms());

	if (it->own_org && !add_org(db, room, it, &org, err))
		return false;
	return db_run(db, err, NULL,
		      "INSERT INTO \"LLMAgentInstallation\" (\"companyId\", platform, name, title, settings,"
		      " secrets, \"createdAt\", \"updatedAt\")"
		      " VALUES ($1, $2, $3, $4, coalesce($5, '{}'), $6, $7, $7)",
		      "ttttttt", org, it->platform, it->name, it->title, it->settings, it->secrets, now);
}

/* One that was taken out and is added again starts afresh: what was said in between is not ours. */
static bool update(struct db *db, struct arena *room, const struct store_install *it, bool removed,
		   struct err *err)
{
	if (removed &&
	    !(db_run(db, err, NULL, "DELETE FROM cursors WHERE platform = $1 AND installation = $2", "tt",
		     it->platform, it->name) &&
	      texts_forget(db, it->platform, it->name, err)))
		return false;
	return db_run(db, err, NULL,
		      "UPDATE \"LLMAgentInstallation\" SET title = coalesce($3, title),"
		      " settings = coalesce($4, settings), secrets = coalesce($5, secrets),"
		      " \"removedAt\" = NULL, \"removedWhy\" = NULL, \"updatedAt\" = $6"
		      " WHERE platform = $1 AND name = $2",
		      "tttttt", it->platform, it->name, it->title, it->settings, it->secrets,
		      room_time(room, clock_wall_ms()));
}

static bool run_install(struct db *db, struct job *job, struct err *err)
{
	const struct installs_ask *ask = job->ask;
	const struct store_install *it = &ask->install;
	struct query query;
	int64_t removed;
	bool found;

	if (!db_one_int(db, err, &found, &removed,
			"SELECT \"removedAt\" IS NOT NULL FROM \"LLMAgentInstallation\""
			" WHERE platform = $1 AND name = $2",
			"tt", it->platform, it->name))
		return false;
	if (!(found ? update(db, job->room, it, removed, err) : insert(db, job->room, it, err)))
		return false;
	db_query(db, &query, ROWS " WHERE platform = $1 AND name = $2", "tt", it->platform, it->name);
	return take_rows(&query, job, err);
}

void store_install(struct store *store, const struct store_install *install, store_installations_fn *fn,
		   void *owner, uint64_t ticket)
{
	struct job *job =
		job_create(JOB_WRITE, run_install, give_installs, sizeof(struct installs_ask), owner, ticket);
	struct installs_ask *ask = job->ask;

	ask->fn = fn;
	ask->install = (struct store_install){ .platform = job_text(job, install->platform),
					       .name = job_text(job, install->name),
					       .title = job_text(job, install->title),
					       .settings = job_text(job, install->settings),
					       .secrets = job_text(job, install->secrets),
					       .own_org = install->own_org };
	store_ask(store, job);
}
