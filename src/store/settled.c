/* Messages that asked for approvals and are to say how that ended. Nothing is kept of it but the time at which it is next
 * looked at (approvals.tell_at): what such a message says is found anew each time, so that doing it twice is doing it once. */
#include "approvals.h"
#include "json.h"
#include <stdlib.h>
#include <string.h>

enum {
	UNDER_WAY_MS = 180000,	    /* longer than the core waits for a plugin */
	NOT_SENT_YET_MS = 2000,	    /* the message that asks is on its way itself */
	WORTH_MS = 24 * 3600 * 1000 /* after its end: nobody looks for its buttons any more */
};

/* It ended, or its time is over. */
#define OVER " (state <> 'pending' OR expires_at <= $1)"

/* ---- what is to be told ------------------------------------------------------------------------------------ */

static bool read_turns(struct db *db, const char *now, size_t limit, int64_t *turns, size_t *count_out,
		       struct err *err)
{
	struct query query;

	/* One that is told of already takes what ends meanwhile along, or is looked at again after that. */
	db_query(db, &query,
		 "SELECT DISTINCT a.turn_id FROM approvals a WHERE a.tell_at <= $1 AND NOT EXISTS (SELECT 1 "
		 "FROM"
		 " approvals b WHERE b.turn_id = a.turn_id AND b.tell_at > $1 AND"
		 " (b.state <> 'pending' OR b.expires_at <= $1)) LIMIT $2",
		 "ti", now, (int64_t)limit);
	while (*count_out < limit && db_row(&query))
		turns[(*count_out)++] = db_int(&query, 0);
	return db_end(&query, err);
}

static bool set_tell(struct db *db, int64_t turn_id, const char *now, const char *next, struct err *err)
{
	return db_run(db, err, NULL,
		      "UPDATE approvals SET tell_at = $3 WHERE turn_id = $2 AND tell_at <= $1 AND" OVER,
		      "tit", now, turn_id, next);
}

/* What asked in this turn. *state_out NULL: nothing did that could be changed. */
static bool read_message(struct db *db, struct arena *room, int64_t turn_id, struct store_reply *out,
			 const char **state_out, struct err *err)
{
	struct query query;

	*state_out = NULL;
	db_query(db, &query,
		 "SELECT o.id, o.uuid, o.platform, o.installation, o.reply_to, o.body, o.remote_id, o.ord,"
		 " (SELECT max(p.ord) + 1 FROM outbox p WHERE p.turn_id = o.turn_id), o.created_at, o.state"
		 " FROM outbox o WHERE o.turn_id = $1 AND o.choices IS NOT NULL ORDER BY o.id LIMIT 1",
		 "i", turn_id);
	if (db_row(&query)) {
		*state_out = room_text(room, &query, 10);
		*out = (struct store_reply){
			.id = -db_int(&query, 0),
			.platform = room_text(room, &query, 2),
			.installation = room_text(room, &query, 3),
			.out = { .uuid = room_text(room, &query, 1),
				 .reply_to = room_text(room, &query, 4),
				 .text = room_text(room, &query, 5),
				 .remote_id = room_text(room, &query, 6),
				 .part = (unsigned)db_int(&query, 7),
				 .parts = (unsigned)db_int(&query, 8),
				 .created_ms = room_parse_time(db_text(&query, 9)),
				 .state = MESSAGE_ANSWERED,
				 .tool_calls = "[]",
				 .attempt = 1,
				 .settled = true },
		};
	}
	return db_end(&query, err);
}

static const char *state_name(const char *state)
{
	return strcmp(state, "used") == 0 ? "approved" : strcmp(state, "denied") == 0 ? "denied" : "expired";
}

/* How each ended; and what is left to press. */
static bool read_ends(struct db *db, struct arena *room, int64_t turn_id, const char *now,
		      struct store_reply *out, struct err *err)
{
	enum { MOST = MESSAGE_CHOICES_MAX };
	struct store_settled *settled = arena_alloc(room, MOST * sizeof(*settled));
	struct ai_approval *open = arena_alloc(room, MOST * sizeof(*open));
	size_t open_count = 0, all = 0;
	struct query query;

	db_query(db, &query,
		 "SELECT a.code, a.state, coalesce(a.decided_at, a.expires_at), a.expires_at,"
		 " a.state = 'pending' AND a.expires_at > $2, coalesce(p.display_name, u.username)"
		 " FROM approvals a LEFT JOIN user_profiles p ON p.id = a.decided_by"
		 " LEFT JOIN users u ON u.id = p.user_id WHERE a.turn_id = $1 ORDER BY a.id LIMIT $3",
		 "iti", turn_id, now, (int64_t)MOST);
	for (; all < MOST && db_row(&query); all++) {
		const char *code = room_text(room, &query, 0);
		int64_t expires = room_parse_time(db_text(&query, 3));

		out->expires_ms = out->expires_ms > expires + WORTH_MS ? out->expires_ms : expires + WORTH_MS;
		if (db_bool(&query, 4))
			open[open_count++] = (struct ai_approval){ .code = code };
		else
			settled[out->settled_count++] =
				(struct store_settled){ code, room_text(room, &query, 5),
							state_name(db_text(&query, 1)),
							room_parse_time(db_text(&query, 2)) };
	}
	out->settled = settled;
	out->out.choices = approvals_choices(room, open, open_count, all > 1);
	return db_end(&query, err);
}

/* *taken_out: out is to be handed over. */
static bool look(struct db *db, struct arena *room, int64_t turn_id, int64_t now_ms, struct store_reply *out,
		 bool *taken_out, struct err *err)
{
	const char *now = room_time(room, now_ms), *state, *next = NULL;

	*taken_out = false;
	if (!read_message(db, room, turn_id, out, &state, err))
		return false;
	if (state && strcmp(state, "sent") == 0 && out->out.remote_id) {
		next = room_time(room, now_ms + UNDER_WAY_MS);
		*taken_out = true;
	} else if (state && (strcmp(state, "pending") == 0 || strcmp(state, "sending") == 0)) {
		next = room_time(room, now_ms + NOT_SENT_YET_MS);
	}
	return set_tell(db, turn_id, now, next, err) &&
	       (!*taken_out || read_ends(db, room, turn_id, now, out, err));
}

/* What waits for one that is under way is not due before that: its end wakes the outbox. */
static bool find_next(struct db *db, const char *now, int64_t *next_ms_out, struct err *err)
{
	struct query query;

	db_query(db, &query, "SELECT tell_at FROM approvals WHERE tell_at > $1 ORDER BY tell_at LIMIT 1", "t",
		 now);
	*next_ms_out = db_row(&query) ? room_parse_time(db_text(&query, 0)) : 0;
	return db_end(&query, err);
}

bool approvals_due(struct db *db, struct arena *room, int64_t now_ms, size_t limit,
		   struct store_reply *replies_out, size_t *count_out, int64_t *more_ms_out, struct err *err)
{
	int64_t *turns = arena_alloc(room, (limit + 1) * sizeof(*turns));
	size_t count = 0;
	bool taken;

	*count_out = 0;
	if (!read_turns(db, room_time(room, now_ms), limit, turns, &count, err))
		return false;
	for (size_t i = 0; i < count; i++) {
		if (!look(db, room, turns[i], now_ms, &replies_out[*count_out], &taken, err))
			return false;
		*count_out += taken;
	}
	*more_ms_out = now_ms;
	return count == limit || find_next(db, room_time(room, now_ms), more_ms_out, err);
}

/* ---- what came of it ------------------------------------------------------------------------------------------ */

bool approvals_told(struct db *db, struct arena *room, int64_t outbox_id, int64_t next_ms, struct err *err)
{
	return db_run(
		db, err, NULL,
		"UPDATE approvals SET tell_at = $3 WHERE turn_id = (SELECT o.turn_id FROM outbox o WHERE"
		" o.id = $2) AND tell_at > $1 AND" OVER,
		"tit", room_time(room, clock_wall_ms()), outbox_id,
		next_ms ? room_time(room, next_ms) : NULL);
}

bool approvals_recover(struct db *db, const char *now, struct err *err)
{
	return db_run(db, err, NULL, "UPDATE approvals SET tell_at = $1 WHERE tell_at > $1 AND" OVER, "t",
		      now);
}
