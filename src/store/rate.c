/* How much one person may say: a count for a minute that begins with its first message, and one for a day of UTC. Kept in
 * the database, so that a restart forgets nothing. */
#include "arrival.h"
#include "budget.h"
#include <string.h>

enum { MINUTE_MS = 60000 };

struct rate {
	int64_t minute_ms, told_ms;
	int64_t minute, day; /* messages so far */
	const char *today;
};

static bool load(const struct arrival *it, struct rate *rate, struct err *err)
{
	struct query query;

	*rate = (struct rate){ .minute_ms = it->now_ms,
			       .today = arena_text_n(it->room, room_time(it->room, it->now_ms),
						     BUDGET_DAY_CHARS) };
	db_query(it->db, &query,
		 "SELECT minute_at, minute_count, day, day_count, told_at FROM message_rates WHERE "
		 "profile_id = $1",
		 "t", it->speaker.profile_id);
	if (db_row(&query)) {
		int64_t minute_ms = room_parse_time(db_text(&query, 0));

		/* A clock that was set back begins anew, too. */
		if (it->now_ms >= minute_ms && it->now_ms - minute_ms < MINUTE_MS) {
			rate->minute_ms = minute_ms;
			rate->minute = db_int(&query, 1);
		}
		if (strcmp(db_text(&query, 2), rate->today) == 0)
			rate->day = db_int(&query, 3);
		rate->told_ms = room_parse_time(db_text(&query, 4));
	}
	return db_end(&query, err);
}

static bool keep(const struct arrival *it, const struct rate *rate, struct err *err)
{
	return db_run(
		it->db, err, NULL,
		"INSERT INTO message_rates (profile_id, minute_at, minute_count, day, day_count, told_at)"
		" VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (profile_id) DO UPDATE SET"
		" minute_at = excluded.minute_at, minute_count = excluded.minute_count,"
		" day = excluded.day, day_count = excluded.day_count, told_at = excluded.told_at",
		"ttitit", it->speaker.profile_id, room_time(it->room, rate->minute_ms), rate->minute,
		rate->today, rate->day, room_time(it->room, rate->told_ms));
}

/* What is refused is not counted: somebody who goes on writing is heard again with the next minute. */
bool arrival_rate(struct arrival *it, struct err *err)
{
	const struct store_accept *ask = it->ask;
	struct store_accepted *out = it->out;
	struct rate rate;

	if ((ask->rate_minute == 0 && ask->rate_day == 0) || !it->known || !it->speaker.active ||
	    (it->in->flags & INCOMING_COMMAND))
		return true;
	if (!load(it, &rate, err))
		return false;
	if (ask->rate_day && rate.day >= ask->rate_day)
		out->over = OVER_DAY;
	else if (ask->rate_minute && rate.minute >= ask->rate_minute)
		out->over = OVER_MINUTE;
	out->tell = out->over && (rate.told_ms > it->now_ms || it->now_ms - rate.told_ms >= MINUTE_MS);
	if (out->tell)
		rate.told_ms = it->now_ms;
	if (out->over == OVER_NOTHING) {
		rate.minute++;
		rate.day++;
	}
	return (out->over && !out->tell) || keep(it, &rate, err);
}
