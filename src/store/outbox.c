/* The way out: which replies are due (T5), and how an attempt ended (T6). */
#include "approvals.h"
#include "imports.h"
#include "installs.h"
#include "journey.h"
#include <string.h>

struct due_ask {
	size_t limit;
	store_due_fn *fn;
};

struct due_answer {
	struct store_reply *replies;
	size_t count;
	int64_t next_ms;
};

/* Every one of a list, then the one behind each. */
static bool end_expired(struct db *db, const int64_t *ids, size_t count, const char *now, struct err *err)
{
	for (size_t i = 0; i < count; i++) {
		int64_t ended = 0;

		/* The one before it may have taken it along. */
		if (!db_run(db, err, &ended,
			    "UPDATE outbox SET state = 'expired', reason = 'not delivered in time' WHERE id "
			    "= $1 AND state = 'pending'",
			    "i", ids[i]) ||
		    (ended && !reply_release(db, ids[i], true, now, err)))
			return false;
	}
	return true;
}

/* What was not delivered in time goes to the dead letters, whether its turn came or not. It is due as well, since
 * nothing is put off beyond its end. */
static bool expire(struct db *db, const char *now, bool *more_out, struct err *err)
{
	enum { AT_ONCE = 256 };
	int64_t ids[AT_ONCE];
	struct query query;
	size_t count = 0;

	db_query(db, &query,
		 "SELECT id FROM outbox WHERE state IN ('pending', 'sending') AND state = 'pending' AND "
		 "next_at <= $1"
		 " AND expires_at <= $1 ORDER BY next_at, id LIMIT 256",
		 "t", now);
	while (count < AT_ONCE && db_row(&query))
		ids[count++] = db_int(&query, 0);
	*more_out = count == AT_ONCE;
	return db_end(&query, err) && end_expired(db, ids, count, now, err);
}

/* A reply, and what it answers: a turn, or else a single message. */
struct due_row {
	int64_t turn_id, inbox_id;
};

/* NULL for text. */
static const struct store_kept *take_file(const struct query *query, struct arena *room)
{
	struct store_kept *file;

	if (db_null(query, 20))
		return NULL;
	file = arena_alloc(room, sizeof(*file));
	*file = (struct store_kept){ .org_id = room_text(room, query, 20),
				     .sha256 = room_text(room, query, 21),
				     .name = room_text(room, query, 22),
				     .mime = room_text(room, query, 23),
				     .size = db_int(query, 24),
				     .import_id = db_int(query, 25) };
	return file;
}

static void take_reply(const struct query *query, struct arena *room, struct store_reply *reply)
{
	*reply = (struct store_reply){
		.id = db_int(query, 0),
		.platform = room_text(room, query, 2),
		.installation = room_text(room, query, 3),
		.conversation_id = db_int(query, 4),
		.expires_ms = room_parse_time(db_text(query, 5)),
		.file = take_file(query, room),
		.out = {
			.uuid = room_text(room, query, 1),
			.reply_to = room_text(room, query, 6),
			.text = room_text(room, query, 7),
			.attempt = (unsigned)db_int(query, 8) + 1,
			.conversation_id = db_int(query, 4),
			.conversation_uuid = room_text(room, query, 11),
			.tool_calls = tool_calls_of(room, db_text(query, 12)),
			.created_ms = room_parse_time(db_text(query, 13)),
			.part = (unsigned)db_int(query, 14),
			.parts = (unsigned)db_int(query, 15),
			.unsure = db_bool(query, 16),
			.placeholder = db_int(query, 14) == 0 ? room_text(room, query, 17) : NULL,
			.remote_id = room_text(room, query, 18),
			.choices = room_text(room, query, 19),
		},
	};
	if (reply->file)
		reply->out.text = NULL;
}

/* Rows whose time has come, except those behind an unfinished one of their conversation: its newest earlier
 * ones tell, see behind_another in replies.c. */
static bool read_due(struct db *db, struct arena *room, const char *now, size_t limit, struct due_row *rows,
		     struct due_answer *out, struct err *err)
{
	struct query query;

	db_query(
		db, &query,
		"SELECT o.id, o.uuid, o.platform, o.installation, o.\"llmConversationId\", o.expires_at, "
		"o.reply_to,"
		" o.body, o.attempts, o.turn_id, o.inbox_id, c.uuid, t.\"llmStructuredOutput\", o.created_at,"
		" o.ord, coalesce((SELECT max(p.ord) + 1 FROM outbox p WHERE p.turn_id = o.turn_id), 1),"
		" o.unsure, m.placeholder, o.remote_id, o.choices, f.org_id, f.sha256, f.name, f.mime, "
		"f.bytes, coalesce(f.import_id, 0)"
		" FROM outbox o LEFT JOIN \"LLMConversation\" c ON c.id = o.\"llmConversationId\""
		" LEFT JOIN \"LLMConversationMessage\" m ON m.id = o.turn_id"
		" LEFT JOIN \"LLMTask\" t ON t.id = m.\"llmTaskId\""
		" LEFT JOIN import_outputs f ON f.id = o.output_id"
		" WHERE o.state IN ('pending', 'sending') AND o.state = 'pending' AND o.next_at <= $1"
		" AND o.expires_at > $1"
		" AND NOT EXISTS (SELECT 1 FROM (SELECT e.state FROM outbox e"
		" WHERE e.\"llmConversationId\" = o.\"llmConversationId\" AND e.id < o.id ORDER BY e.id "
		"DESC LIMIT 8) earlier"
		" WHERE earlier.state IN ('pending', 'sending'))"
		" ORDER BY o.next_at, o.id LIMIT $2",
		"ti", now, (int64_t)limit);
	while (out->count < limit && db_row(&query)) {
		rows[out->count] = (struct due_row){ db_int(&query, 9), db_int(&query, 10) };
		take_reply(&query, room, &out->replies[out->count++]);
	}
	return db_end(&query, err);
}

/* T5: from now on the outcome of this reply is unknown until somebody tells. */
static bool mark_sending(struct db *db, struct arena *room, const struct due_row *row,
			 struct store_reply *reply, struct err *err)
{
	struct asked asked;

	if (!(row->turn_id ? asked_by_turn(db, room, row->turn_id, &asked, err)
			   : asked_by_message(db, room, row->inbox_id, &asked, err)))
		return false;
	asked_tell(&asked, &reply->out);
	if (row->turn_id == 0 && asked.state != MESSAGE_REFUSED) { /* said by an operator (act_send.c) */
		reply->out.state = MESSAGE_ANSWERED;
		reply->out.reason = NULL;
		reply->markdown = true;
	}
	return db_run(db, err, NULL,
		      "UPDATE outbox SET state = 'sending', attempts = attempts + 1 WHERE id = $1", "i",
		      reply->id);
}

/* When to ask again: at once if there were more than `limit`, else when the next waiting one is due. */
static bool find_next(struct db *db, const char *now, int64_t *next_ms, struct err *err)
{
	struct query query;

	db_query(db, &query,
		 "SELECT next_at FROM outbox WHERE state IN ('pending', 'sending') AND state = 'pending' AND "
		 "next_at > $1"
		 " ORDER BY next_at LIMIT 1",
		 "t", now);
	if (db_row(&query))
		*next_ms = room_parse_time(db_text(&query, 0));
	return db_end(&query, err);
}

/* Where there is room, what was sent and has to say how it ended. */
static bool add_settled(struct db *db, struct arena *room, const struct due_ask *ask, int64_t now_ms,
			struct due_answer *out, struct err *err)
{
	int64_t next_ms;
	size_t count;

	if (ask->limit == 0)
		return true;
	if (!approvals_due(db, room, now_ms, ask->limit - out->count, out->replies + out->count, &count,
			   &next_ms, err))
		return false;
	out->count += count;
	if (next_ms && (out->next_ms == 0 || next_ms < out->next_ms))
		out->next_ms = next_ms;
	return true;
}

static bool run_due(struct db *db, struct job *job, struct err *err)
{
	const struct due_ask *ask = job->ask;
	struct due_answer *out = arena_alloc(job->room, sizeof(*out));
	struct due_row *rows = arena_alloc(job->room, ask->limit * sizeof(*rows));
	int64_t now_ms = clock_wall_ms();
	const char *now = room_time(job->room, now_ms);
	bool more;

	out->replies = arena_alloc(job->room, ask->limit * sizeof(*out->replies));
	job->answer = out;
	if (!expire(db, now, &more, err) || !read_due(db, job->room, now, ask->limit, rows, out, err))
		return false;
	for (size_t i = 0; i < out->count; i++)
		if (!mark_sending(db, job->room, &rows[i], &out->replies[i], err))
			return false;
	if (more || (out->count == ask->limit && ask->limit > 0)) {
		out->next_ms = now_ms;
		return true;
	}
	return find_next(db, now, &out->next_ms, err) && add_settled(db, job->room, ask, now_ms, out, err);
}

static void give_due(struct job *job)
{
	static const struct due_answer none;
	const struct due_answer *answer = job->answer ? job->answer : &none;
	const struct due_ask *ask = job->ask;

	ask->fn(job->owner, job->ticket, &job->err, answer->replies, answer->count, answer->next_ms);
}

void store_due(struct store *store, size_t limit, store_due_fn *fn, void *owner, uint64_t ticket)
{
	struct job *job = job_create(JOB_WRITE, run_due, give_due, sizeof(struct due_ask), owner, ticket);

	*(struct due_ask *)job->ask = (struct due_ask){ .limit = limit, .fn = fn };
	store_ask(store, job);
}

/* ---- T6
 * ---------------------------------------------------------------------------------------------------- */

struct sent_ask {
	struct store_sent sent;
};

static const char *const states[] = {
	[REPLY_PENDING] = "pending",	 [REPLY_SENDING] = "sending",	[REPLY_SENT] = "sent",
	[REPLY_UNKNOWN] = "unknown",	 [REPLY_REJECTED] = "rejected", [REPLY_EXPIRED] = "expired",
	[REPLY_CANCELLED] = "cancelled",
};

static bool run_sent(struct db *db, struct job *job, struct err *err)
{
	const struct sent_ask *ask = job->ask;
	const struct store_sent *sent = &ask->sent;
	bool again = sent->state == REPLY_PENDING, there = sent->state == REPLY_SENT, torn = false;
	char now[CLOCK_TEXT_SIZE], next[CLOCK_TEXT_SIZE];
	int64_t now_ms = clock_wall_ms(), changed = 0;
	const char *why = sent->why || there || again ? sent->why : states[sent->state];

	if (sent->reply_id < 0)
		return approvals_told(db, job->room, -sent->reply_id, again ? sent->next_ms : 0, err);
	if (!db_run(db, err, &changed,
		    "UPDATE outbox SET state = $2, reason = $3, remote_id = coalesce($4, remote_id),"
		    " next_at = coalesce($5, next_at), sent_at = $6,"
		    " unsure = CASE WHEN $2 = 'sent' THEN 0 WHEN $7 THEN 1 ELSE unsure END,"
		    " attempts = CASE WHEN $8 THEN attempts - 1 ELSE attempts END"
		    " WHERE id = $1 AND state = 'sending'",
		    "ittttt"
		    "bb",
		    sent->reply_id, states[sent->state], why, sent->remote_id,
		    again ? clock_text(sent->next_ms > 0 ? sent->next_ms : now_ms, next) : NULL,
		    there ? clock_text(now_ms, now) : NULL, again && sent->unsure, again && sent->waits))
		return false;
	if (changed == 0)
		return err_set(err, ERR_REFUSED, "reply %lld is not being sent", (long long)sent->reply_id);
	if (again && !removal_cancel(db, sent->reply_id, &torn, err))
		return false;
	if (again && !torn)
		return true;
	torn = torn || sent->state == REPLY_REJECTED || sent->state == REPLY_EXPIRED ||
	       sent->state == REPLY_CANCELLED;
	clock_text(now_ms, now);
	return reply_release(db, sent->reply_id, torn, now, err) &&
	       (!there || imports_sent(db, sent->reply_id, now, err));
}

void store_sent(struct store *store, const struct store_sent *sent, store_done_fn *fn, void *owner,
		uint64_t ticket)
{
	struct job *job = job_create_done(JOB_LAZY, run_sent, sizeof(struct sent_ask), fn, owner, ticket);
	struct sent_ask *ask = job->ask;

	ask->sent = *sent;
	ask->sent.remote_id = job_text(job, sent->remote_id);
	ask->sent.why = job_text(job, sent->why);
	store_ask(store, job);
}

/* ---- what stands for it already ----------------------------------------------------------------------------
 */

struct hold_ask {
	int64_t reply_id;
	const char *remote_id;
};

static bool run_hold(struct db *db, struct job *job, struct err *err)
{
	const struct hold_ask *ask = job->ask;
	int64_t rows = 0;

	return db_run(db, err, &rows, "UPDATE outbox SET remote_id = $2 WHERE id = $1 AND state = 'sending'",
		      "it", ask->reply_id, ask->remote_id) &&
	       (rows > 0 || err_set(err, ERR_GONE, "reply %lld is not being sent", (long long)ask->reply_id));
}

void store_hold(struct store *store, int64_t reply_id, const char *remote_id, store_done_fn *fn, void *owner,
		uint64_t ticket)
{
	struct job *job = job_create_done(JOB_WRITE, run_hold, sizeof(struct hold_ask), fn, owner, ticket);

	*(struct hold_ask *)job->ask =
		(struct hold_ask){ .reply_id = reply_id, .remote_id = job_text(job, remote_id) };
	store_ask(store, job);
}
