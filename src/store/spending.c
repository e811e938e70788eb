/* The sums that budgets are held against: one row for each day and month of each thing that can have a budget, moved in
 * the transaction that writes what moves them. */
#include "budget.h"
#include <string.h>

/* Days and single requests are of no use once their month has passed; months stay. */
enum { KEEP_DAYS = 35 };
static const int64_t DAY_MS = 86400000;

const char *const budget_scopes[BUDGET_SCOPES] = {
	[BUDGET_ORGANIZATION] = "organization",
	[BUDGET_INSTALLATION] = "installation",
	[BUDGET_CHANNEL] = "channel",
	[BUDGET_PROFILE] = "profile",
	[BUDGET_MODEL] = "model",
};
const char *const budget_periods[BUDGET_PERIODS] = { [BUDGET_DAY] = "day", [BUDGET_MONTH] = "month" };

bool budget_book(struct db *db, const struct budget_subjects *subjects, const char *at, int64_t spent,
		 int64_t held, struct err *err)
{
	const char *const *of = subjects->of;

	if (spent == 0 && held == 0)
		return true;
	return db_run(db, err, NULL,
		      "INSERT INTO spending (org_id, scope, subject, begins, spent, held)"
		      " SELECT $1, s.scope, s.subject, substr($7, 1, p.width), $8, $9 FROM"
		      " (SELECT 'organization' AS scope, $2 AS subject UNION ALL SELECT 'installation', $3"
		      " UNION ALL SELECT 'channel', $4 UNION ALL SELECT 'profile', $5"
		      " UNION ALL SELECT 'model', $6) s,"
		      " (SELECT 7 AS width UNION ALL SELECT 10) p WHERE s.subject IS NOT NULL"
		      " ON CONFLICT (org_id, scope, subject, begins) DO UPDATE SET"
		      " spent = spent + excluded.spent, held = held + excluded.held",
		      "tttttttii", subjects->org_id, of[BUDGET_ORGANIZATION], of[BUDGET_INSTALLATION],
		      of[BUDGET_CHANNEL], of[BUDGET_PROFILE], of[BUDGET_MODEL], at, spent, held);
}

struct held {
	const char *id, *created_at, *state;
	int64_t micros;
	struct budget_subjects subjects;
	struct held *next;
};

#define HELD                                                                                                 \
	"SELECT id, created_at, state, micros, org_id, installation, channel, profile_id, model FROM "       \
	"reservations"

static struct held *take_held(struct arena *room, const struct query *query)
{
	struct held *held = arena_alloc(room, sizeof(*held));

	*held = (struct held){
		.id = room_text(room, query, 0),
		.created_at = room_text(room, query, 1),
		.state = room_text(room, query, 2),
		.micros = db_int(query, 3),
		.subjects = { .org_id = room_text(room, query, 4),
			      .of = { [BUDGET_ORGANIZATION] = "",
				      [BUDGET_INSTALLATION] = room_text(room, query, 5),
				      [BUDGET_CHANNEL] = room_text(room, query, 6),
				      [BUDGET_PROFILE] = room_text(room, query, 7),
				      [BUDGET_MODEL] = room_text(room, query, 8) } },
	};
	return held;
}

/* Its day and month stay those in which it was set aside: a request over midnight is not counted twice. */
static bool end_held(struct db *db, const struct held *held, const char *state, int64_t cost, const char *now,
		     struct err *err)
{
	bool settles = strcmp(state, "settled") == 0, was_held = strcmp(held->state, "held") == 0;
	int64_t before = was_held ? 0 : held->micros; /* lapsed: counted in full until its cost is told */

	return db_run(db, err, NULL,
		      "UPDATE reservations SET state = $2, cost_micros = nullif($3, -1), ended_at = $4"
		      " WHERE id = $1",
		      "ttit", held->id, state, settles ? cost : -1, now) &&
	       budget_book(db, &held->subjects, held->created_at, cost - before, was_held ? -held->micros : 0,
			   err);
}

static bool find_held(struct db *db, struct arena *room, const char *id, struct held **held_out,
		      struct err *err)
{
	struct query query;

	*held_out = NULL;
	db_query(db, &query, HELD " WHERE id = $1 AND state IN ('held', 'lapsed')", "t", id);
	if (db_row(&query))
		*held_out = take_held(room, &query);
	return db_end(&query, err);
}

static bool book_unreserved(struct db *db, struct arena *room, const struct run *run,
			    const struct ai_attempt *attempt, const char *now, struct err *err)
{
	struct budget_subjects subjects = {
		.org_id = run->org_id,
		.of = { [BUDGET_ORGANIZATION] = "",
			[BUDGET_PROFILE] = run->profile_id,
			[BUDGET_MODEL] = arena_format(room, "%s/%s", attempt->provider, attempt->model) },
	};
	struct query query;

	db_query(
		db, &query,
		"SELECT \"conversationSource\" || '/' || installation FROM \"LLMConversation\" WHERE id = $1",
		"i", run->place.id);
	if (db_row(&query))
		subjects.of[BUDGET_INSTALLATION] = room_text(room, &query, 0);
	return db_end(&query, err) && budget_book(db, &subjects, now, attempt->cost_micros, 0, err);
}

static bool settle(struct db *db, struct arena *room, const struct run *run, const struct ai_attempt *attempt,
		   const char *now, struct err *err)
{
	struct held *held = NULL;
	bool told = attempt->cost_micros >= 0 &&
		    !attempt->estimated; /* else it broke off: who knows what it cost */
	int64_t cost = attempt->cost_micros;

	if (attempt->reservation && !find_held(db, room, attempt->reservation, &held, err))
		return false;
	if (held)
		return end_held(db, held, "settled", told || cost > held->micros ? cost : held->micros, now,
				err);
	return cost <= 0 || book_unreserved(db, room, run, attempt, now, err);
}

bool budget_settle(struct db *db, const struct run *run, const struct ai_attempt *attempt, int64_t now_ms,
		   struct err *err)
{
	struct arena *room;
	bool done;

	if (attempt->reservation == NULL && attempt->cost_micros <= 0)
		return true;
	room = arena_create();
	done = settle(db, room, run, attempt, room_time(room, now_ms), err);
	arena_destroy(room);
	return done;
}

/* All that the query finds, so that it has ended before its rows are changed. */
static bool read_held(struct query *query, struct arena *room, struct held **list_out, struct err *err)
{
	*list_out = NULL;
	while (db_row(query)) {
		struct held *held = take_held(room, query);

		held->next = *list_out;
		*list_out = held;
	}
	return db_end(query, err);
}

static bool end_all(struct db *db, const struct held *held, const char *state, bool spent, const char *now,
		    struct err *err)
{
	for (; held; held = held->next)
		if (!end_held(db, held, state, spent ? held->micros : 0, now, err))
			return false;
	return true;
}

bool budget_release(struct db *db, struct arena *room, int64_t turn_id, int64_t now_ms, struct err *err)
{
	struct query query;
	struct held *held;

	db_query(db, &query, HELD " WHERE turn_id = $1 AND state = 'held'", "i", turn_id);
	return read_held(&query, room, &held, err) &&
	       end_all(db, held, "released", false, room_time(room, now_ms), err);
}

bool budget_lapse(struct db *db, struct arena *room, const char *until, const char *now, struct err *err)
{
	struct query query;
	struct held *held;

	db_query(db, &query, HELD " WHERE state = 'held' AND ($1 IS NULL OR expires_at <= $1)", "t", until);
	return read_held(&query, room, &held, err) && end_all(db, held, "lapsed", true, now, err);
}

bool budget_recover(struct db *db, struct arena *room, int64_t now_ms, struct err *err)
{
	const char *old = room_time(room, now_ms - KEEP_DAYS * DAY_MS);

	return budget_lapse(db, room, NULL, room_time(room, now_ms), err) &&
	       db_run(db, err, NULL, "DELETE FROM reservations WHERE created_at < $1 AND state <> 'held'",
		      "t", old) &&
	       db_run(db, err, NULL, "DELETE FROM budget_refusals WHERE last_at < $1", "t", old) &&
	       db_run(db, err, NULL, "DELETE FROM spending WHERE length(begins) = 10 AND begins < $1", "t",
		      old);
}
