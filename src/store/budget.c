/* Sets money aside before a model is asked: all budgets that apply are looked at and charged in one transaction, and one
 * thread writes, so that no two requests can take the same money. */
#include "budget.h"
#include "ai.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DAY_MS = 86400000 };

struct reserve_ask {
	struct store_reserve reserve;
	store_reserved_fn *fn;
};

/* The question while it is looked into. */
struct reserving {
	struct db *db;
	struct arena *room;
	const struct store_reserve *ask;
	struct budget_subjects subjects;
	const char *now;
	int64_t now_ms;
	struct store_limits limits; /* that apply to this request */
	struct store_reserved *out;
};

/* "slack/acme#T1/C1": a channel is the first parts of its conversations' key. */
static const char *channel_of(struct arena *room, const char *installation, const char *key, unsigned parts)
{
	size_t len = strlen(key);

	for (const char *at = strchr(key, '/'); parts && at; at = strchr(at + 1, '/'))
		if (--parts == 0)
			len = (size_t)(at - key);
	return arena_format(room, "%s#%.*s", installation, (int)len, key);
}

static bool load_subjects(struct reserving *it, struct err *err)
{
	const struct store_reserve *ask = it->ask;
	const char **of = it->subjects.of, *key;
	struct query query;
	bool found;

	db_query(it->db, &query,
		 "SELECT c.\"userCompanyId\", c.\"conversationSource\" || '/' || c.installation, "
		 "c.\"sessionId\","
		 " m.\"userId\", coalesce(u.username, p.display_name) FROM \"LLMConversationMessage\" m"
		 " JOIN \"LLMConversation\" c ON c.id = m.\"llmConversationId\""
		 " LEFT JOIN user_profiles p ON p.id = m.\"userId\" LEFT JOIN users u ON u.id = p.user_id"
		 " WHERE m.id = $1",
		 "i", ask->turn_id);
	found = db_row(&query);
	if (found) {
		it->subjects.org_id = room_text(it->room, &query, 0);
		of[BUDGET_ORGANIZATION] = "";
		of[BUDGET_INSTALLATION] = room_text(it->room, &query, 1);
		key = db_text(&query, 2);
		of[BUDGET_CHANNEL] =
			key ? channel_of(it->room, of[BUDGET_INSTALLATION], key, ask->channel_parts) : NULL;
		of[BUDGET_PROFILE] = room_text(it->room, &query, 3);
		of[BUDGET_MODEL] = arena_format(it->room, "%s/%s", ask->provider, ask->model);
		it->out->who = room_text(it->room, &query, 4);
	}
	if (!db_end(&query, err))
		return false;
	return found || err_set(err, ERR_GONE, "no turn %lld", (long long)ask->turn_id);
}

static int name_at(const char *const *names, int count, const char *name)
{
	int i = 0;

	while (i < count && strcmp(names[i], name) != 0)
		i++;
	return i;
}

/* What the operator set for this very thing counts instead of what the settings say for all. A model is nobody's: its
 * budget stands with the organisation that exists from the start and holds for all of them together. */
static bool load_limits(struct reserving *it, struct err *err)
{
	const char *const *of = it->subjects.of;
	struct query query;

	it->limits = it->ask->limits;
	for (int scope = 0; scope < BUDGET_SCOPES; scope++)
		if (of[scope] == NULL)
			memset(it->limits.of[scope], 0, sizeof(it->limits.of[scope]));
	db_query(it->db, &query,
		 "SELECT scope, period, limit_micros FROM budgets WHERE (org_id = $1 AND (scope = "
		 "'organization'"
		 " OR (scope = 'installation' AND subject = $2) OR (scope = 'channel' AND subject = $3)"
		 " OR (scope = 'profile' AND subject = $4))) OR (org_id = $6 AND scope = 'model' AND subject "
		 "= "
		 "$5)",
		 "tttttt", it->subjects.org_id, of[BUDGET_INSTALLATION], of[BUDGET_CHANNEL],
		 of[BUDGET_PROFILE], of[BUDGET_MODEL], ROOM_DEFAULT_ORG);
	while (db_row(&query)) {
		int scope = name_at(budget_scopes, BUDGET_SCOPES, db_text(&query, 0));
		int period = name_at(budget_periods, BUDGET_PERIODS, db_text(&query, 1));

		if (scope < BUDGET_SCOPES && period < BUDGET_PERIODS)
			it->limits.of[scope][period] = (struct store_limit){ true, db_int(&query, 2) };
	}
	return db_end(&query, err);
}

static const char *begins(const struct reserving *it, int period)
{
	return arena_text_n(it->room, it->now, period == BUDGET_DAY ? BUDGET_DAY_CHARS : BUDGET_MONTH_CHARS);
}

/* Midnight after this day, or of the first of the next month. */
static int64_t begins_again(const struct reserving *it, int period)
{
	char *end;
	long year = strtol(it->now, &end, 10), month = strtol(*end ? end + 1 : end, NULL, 10);

	if (period == BUDGET_DAY)
		return (it->now_ms / DAY_MS + 1) * DAY_MS;
	return room_parse_time(
		arena_format(it->room, "%04ld-%02ld-01T00:00:00.000Z", year + (month == 12), month % 12 + 1));
}

static bool read_used(struct reserving *it, int scope, int period, int64_t *used_out, struct err *err)
{
	bool found;

	if (scope == BUDGET_MODEL)
		return db_one_int(it->db, err, &found, used_out,
				  "SELECT coalesce(sum(spent + held), 0) FROM spending WHERE org_id IN"
				  " (SELECT id FROM organizations) AND scope = 'model' AND subject = $1"
				  " AND begins = $2",
				  "tt", it->subjects.of[scope], begins(it, period));
	return db_one_int(
		it->db, err, &found, used_out,
		"SELECT spent + held FROM spending WHERE org_id = $1 AND scope = $2 AND subject = $3"
		" AND begins = $4",
		"tttt", it->subjects.org_id, budget_scopes[scope], it->subjects.of[scope],
		begins(it, period));
}

/* A limit without room: out says which. Sums are of numbers the database has checked: far from overflow, but for a
 * limit or a cost that somebody wrote there by hand. */
static bool look_at(struct reserving *it, int scope, int period, struct err *err)
{
	const struct store_limit *limit = &it->limits.of[scope][period];
	int64_t used = 0;

	if (!limit->has || !it->out->granted)
		return true;
	if (!read_used(it, scope, period, &used, err))
		return false;
	if (it->ask->micros >= 0 && used <= limit->micros && it->ask->micros <= limit->micros - used)
		return true;
	it->out->granted = false;
	it->out->unpriced = it->ask->micros < 0;
	it->out->scope = (enum budget_scope)scope;
	it->out->period = (enum budget_period)period;
	it->out->subject = it->subjects.of[scope];
	it->out->limit = limit->micros;
	it->out->used = used;
	it->out->begins_again = begins_again(it, period);
	return true;
}

static bool look_at_all(struct reserving *it, struct err *err)
{
	it->out->granted = true;
	for (int scope = 0; scope < BUDGET_SCOPES; scope++)
		for (int period = 0; period < BUDGET_PERIODS; period++)
			if (!look_at(it, scope, period, err))
				return false;
	return true;
}

/* Also when it costs nothing, or nobody knows what: the row says that the request may be under way. */
static bool hold(struct reserving *it, struct err *err)
{
	const char *const *of = it->subjects.of;
	int64_t micros = it->ask->micros > 0 ? it->ask->micros : 0, made = 0;

	return db_run(it->db, err, &made,
		      "INSERT INTO reservations (id, org_id, turn_id, installation, channel, profile_id, "
		      "model,"
		      " micros, created_at, expires_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
		      "ttittttitt", it->ask->id, it->subjects.org_id, it->ask->turn_id,
		      of[BUDGET_INSTALLATION], of[BUDGET_CHANNEL], of[BUDGET_PROFILE], of[BUDGET_MODEL],
		      micros, it->now, room_time(it->room, it->now_ms + STORE_HELD_MS)) &&
	       budget_book(it->db, &it->subjects, it->now, 0, micros, err);
}

static bool note_refusal(struct reserving *it, struct err *err)
{
	const struct store_reserved *out = it->out;

	if (it->subjects.of[BUDGET_PROFILE] == NULL)
		return true;
	return db_run(
		it->db, err, NULL,
		"INSERT INTO budget_refusals (org_id, profile_id, scope, subject, begins, why, first_at,"
		" last_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $7)"
		" ON CONFLICT (org_id, profile_id, scope, subject, begins) DO UPDATE SET count = count + 1,"
		" why = excluded.why, last_at = excluded.last_at",
		"ttttttt", it->subjects.org_id, it->subjects.of[BUDGET_PROFILE], budget_scopes[out->scope],
		out->subject, begins(it, (int)out->period), out->unpriced ? "price not known" : "used up",
		it->now);
}

static bool was_granted(struct reserving *it, struct err *err)
{
	int64_t one;

	return db_one_int(it->db, err, &it->out->granted, &one,
			  "SELECT 1 FROM reservations WHERE id = $1 AND state = 'held'", "t", it->ask->id);
}

static bool run_reserve(struct db *db, struct job *job, struct err *err)
{
	const struct reserve_ask *ask = job->ask;
	struct reserving it = { .db = db,
				.room = job->room,
				.ask = &ask->reserve,
				.now_ms = clock_wall_ms(),
				.out = arena_alloc(job->room, sizeof(*it.out)) };

	it.now = room_time(job->room, it.now_ms);
	job->answer = it.out;
	if (!load_subjects(&it, err) || !was_granted(&it, err))
		return false;
	if (it.out->granted)
		return true;
	it.out->granted = ask->reserve.micros == 0;
	return (it.out->granted || (budget_lapse(db, job->room, it.now, it.now, err) &&
				    load_limits(&it, err) && look_at_all(&it, err))) &&
	       (it.out->granted ? hold(&it, err) : note_refusal(&it, err));
}

static void give_reserve(struct job *job)
{
	const struct reserve_ask *ask = job->ask;

	ask->fn(job->owner, job->ticket, &job->err, job->answer);
}

void store_reserve(struct store *store, const struct store_reserve *question, store_reserved_fn *fn,
		   void *owner, uint64_t ticket)
{
	struct job *job =
		job_create(JOB_WRITE, run_reserve, give_reserve, sizeof(struct reserve_ask), owner, ticket);
	struct reserve_ask *ask = job->ask;

	ask->fn = fn;
	ask->reserve = *question;
	ask->reserve.id = job_text(job, question->id);
	ask->reserve.provider = job_text(job, question->provider);
	ask->reserve.model = job_text(job, question->model);
	store_ask(store, job);
}
