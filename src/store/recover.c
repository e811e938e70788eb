/* At start: what the last process left in the middle is made ready again, and what kills processes is set
 * aside. */
#include "approvals.h"
#include "budget.h"
#include "imports.h"
#include "installs.h"
#include "journey.h"
#include "tools_record.h"
#include <stdlib.h>
#include <string.h>

static const char notice[] =
	"Sorry, this message could not be answered: answering it stopped the assistant several times. "
	"It has been set aside for the operator.";

struct recover_ask {
	struct store *store;
	const char *const *resends;
	size_t resend_count;
	store_recovered_fn *fn;
};

struct ids {
	int64_t *ids;
	size_t count;
};

/* One integer a row. types: "i" where the statement takes arg, else "". */
static bool read_ids(struct db *db, struct arena *room, struct ids *out, const char *sql, const char *types,
		     int64_t arg, struct err *err)
{
	struct query query;
	size_t space = 0;

	*out = (struct ids){ 0 };
	db_query(db, &query, sql, types, arg);
	while (db_row(&query)) {
		out->ids = arena_grow(room, out->ids, out->count, &space, sizeof(*out->ids));
		out->ids[out->count++] = db_int(&query, 0);
	}
	return db_end(&query, err);
}

/* The notice, and which tools had been begun: whoever asked must know what may have happened. NULL and err. */
static const char *whole_notice(struct db *db, struct arena *room, const struct run *run, struct err *err)
{
	struct buf text = { 0 };
	struct query query;
	const char *copy;

	buf_text(&text, notice);
	db_query(db, &query,
		 "SELECT s.tool, min(EXISTS (SELECT 1 FROM \"LLMTaskStep\" t WHERE t.\"llmTaskId\" = $1"
		 " AND t.kind = 'result' AND t.\"callId\" = s.\"callId\" AND t.round = s.round"
		 " AND t.failed = 0))"
		 " FROM \"LLMTaskStep\" s WHERE s.\"llmTaskId\" = $1 AND s.kind = 'intent'"
		 " GROUP BY s.tool ORDER BY min(s.n) LIMIT 10",
		 "i", run->task_id);
	for (size_t i = 0; db_row(&query); i++)
		buf_format(&text, "%s%s (%s)", i ? ", " : " Before that it had called: ", db_text(&query, 0),
			   db_int(&query, 1) ? "done" : "failed, or outcome unknown");
	copy = arena_text(room, buf_str(&text));
	buf_free(&text);
	return db_end(&query, err) ? copy : NULL;
}

/* The turn ends with a notice that waits in the outbox for the platforms to come up. */
static bool quarantine(struct db *db, struct arena *room, int64_t turn_id, int64_t now_ms, struct err *err)
{
	const char *now = room_time(room, now_ms);
	struct reply_ask reply = { .turn_id = turn_id, .now_ms = now_ms };
	struct asked asked;
	struct run run = { 0 };
	bool sending;
	int64_t id;

	if (!run_load(db, room, turn_id, &run, err) || !asked_by_turn(db, room, turn_id, &asked, err) ||
	    !tools_unknown(db, room, &run, now_ms, err) ||
	    (reply.text = whole_notice(db, room, &run, err)) == NULL)
		return false;
	if (!db_run(db, err, NULL,
		    "UPDATE \"LLMConversationMessage\" SET \"llmParsedOutput\" = $2, \"answeredAt\" = $3,"
		    " failed = true WHERE id = $1",
		    "itt", turn_id, reply.text, room_time(room, place_tick(&run.place, now_ms))) ||
	    !db_run(db, err, NULL,
		    "UPDATE \"LLMTask\" SET status = 'interrupted', \"finishedAt\" = $2, \"errorMessage\" = "
		    "'quarantined'"
		    " WHERE id = $1 AND status = 'running'",
		    "it", run.task_id, now) ||
	    !db_run(db, err, NULL,
		    "UPDATE inbox SET state = 'quarantined', reason = 'crashed', finished_at = $2 WHERE "
		    "turn_id = $1"
		    " AND state = 'claimed'",
		    "it", turn_id, now))
		return false;
	reply.conversation_id = run.place.id;
	reply.uuid = run.answer_uuid;
	reply.org_id = asked.org_id;
	reply.platform = asked.platform;
	reply.installation = asked.installation;
	reply.reply_to = asked.reply_to;
	return (asked.reply_to == NULL || run.removed || reply_add(db, &reply, &id, &sending, err)) &&
	       place_keep(db, &run.place, now_ms, err);
}

/* Requests that were put on record before they left, and whose outcome was not: summaries and transcriptions always, all
 * others where a budget is in force. */
struct left {
	int64_t turn_id;
	const char *model;
	struct left *next;
};

static bool record_left(struct db *db, struct arena *room, int64_t now_ms, struct err *err)
{
	struct left *all = NULL;
	struct query query;
	struct run run;

	db_query(db, &query,
		 "SELECT turn_id, model FROM reservations WHERE state = 'held' AND turn_id IS NOT NULL"
		 " ORDER BY created_at DESC, id DESC",
		 "");
	while (db_row(&query)) {
		struct left *left = arena_alloc(room, sizeof(*left));

		*left = (struct left){ db_int(&query, 0), room_text(room, &query, 1), all };
		all = left;
	}
	if (!db_end(&query, err))
		return false;
	for (; all; all = all->next)
		if (!run_load(db, room, all->turn_id, &run, err) ||
		    !run_interrupted(db, &run, all->model, now_ms, err))
			return false;
	return true;
}

/* Where no budget is in force, a turn that is claimed is all that tells of its request: one at most, since each is recorded
 * before the next leaves. */
static bool record_interrupted(struct db *db, struct arena *room, int64_t now_ms, struct err *err)
{
	struct ids cut;
	struct run run;

	if (!read_ids(db, room, &cut,
		      "SELECT turn_id FROM inbox WHERE state IN ('accepted', 'claimed') AND state = 'claimed'"
		      " AND NOT EXISTS (SELECT 1 FROM reservations r WHERE r.turn_id = inbox.turn_id"
		      " AND r.state = 'held' AND r.model NOT LIKE 'speech/%') GROUP BY turn_id ORDER BY "
		      "turn_id",
		      "", 0, err))
		return false;
	for (size_t i = 0; i < cut.count; i++)
		if (!run_load(db, room, cut.ids[i], &run, err) ||
		    !run_interrupted(db, &run, NULL, now_ms, err))
			return false;
	return true;
}

/* Messages that were being answered: found like this at a start, each counts a crash. */
static bool recover_turns(struct db *db, struct arena *room, int64_t now_ms, struct store_recovered *out,
			  struct err *err)
{
	struct ids dead;
	int64_t again = 0;

	if (!read_ids(db, room, &dead,
		      "SELECT turn_id FROM inbox WHERE state IN ('accepted', 'claimed') AND state = 'claimed'"
		      " GROUP BY turn_id HAVING max(attempts) >= $1 ORDER BY turn_id",
		      "i", STORE_CRASHES_MAX, err))
		return false;
	for (size_t i = 0; i < dead.count; i++)
		if (!quarantine(db, room, dead.ids[i], now_ms, err))
			return false;
	if (!db_run(db, err, &again,
		    "UPDATE inbox SET state = 'accepted' WHERE state IN ('accepted', 'claimed') AND state = "
		    "'claimed'",
		    ""))
		return false;
	out->quarantined = dead.count;
	out->interrupted = (size_t)again;
	return true;
}

/* Their outcome stays unknown; what sleeps behind them goes on. */
static bool give_up_replies(struct db *db, struct arena *room, const char *now, struct store_recovered *out,
			    struct err *err)
{
	struct ids sending;

	if (!read_ids(db, room, &sending,
		      "SELECT id FROM outbox WHERE state IN ('pending', 'sending') AND state = 'sending'", "",
		      0, err))
		return false;
	for (size_t i = 0; i < sending.count; i++)
		if (!db_run(db, err, NULL,
			    "UPDATE outbox SET state = 'unknown', reason = 'the daemon ended while it was "
			    "being sent'"
			    " WHERE id = $1",
			    "i", sending.ids[i]) ||
		    !reply_release(db, sending.ids[i], false, now, err))
			return false;
	out->unsure = sending.count;
	return true;
}

/* Replies that were being sent may have arrived: only where a second copy does no harm they are sent again.
 */
static bool recover_replies(struct db *db, struct arena *room, const struct recover_ask *ask, const char *now,
			    struct store_recovered *out, struct err *err)
{
	for (size_t i = 0; i < ask->resend_count; i++)
		if (!db_run(db, err, NULL,
			    "UPDATE outbox SET state = 'pending', unsure = 1, next_at = $2 WHERE state IN "
			    "('pending', "
			    "'sending')"
			    " AND state = 'sending' AND platform = $1",
			    "tt", ask->resends[i], now))
			return false;
	return give_up_replies(db, room, now, out, err) && approvals_recover(db, now, err) &&
	       removal_sweep(db, now, err) &&
	       imports_give_up(db, room, "removed", "the place it came from was removed", clock_wall_ms(),
			       err) &&
	       db_run(db, err, NULL,
		      "UPDATE \"LLMAgentImport\" SET \"commercialState\" = 'due', \"commercialDueAt\" = $1"
		      " WHERE \"commercialState\" IN ('due', 'sending') AND \"commercialState\" = 'sending'",
		      "t", now);
}

struct unplaced {
	struct store_accepted *accepted;
	const char **platforms, **installations;
	size_t count, space;
};

static void make_space(struct arena *room, struct unplaced *list)
{
	size_t platforms = list->space, installations = list->space;

	list->platforms =
		arena_grow(room, list->platforms, list->count, &platforms, sizeof(*list->platforms));
	list->installations = arena_grow(room, list->installations, list->count, &installations,
					 sizeof(*list->installations));
	list->accepted = arena_grow(room, list->accepted, list->count, &list->space, sizeof(*list->accepted));
}

/* Messages whose sender was neither admitted nor refused; the sender may be known by now. */
static bool read_unplaced(struct db *db, struct arena *room, struct store_recovered *out, struct err *err)
{
	struct unplaced list = { 0 };
	struct query query;

	db_query(
		db, &query,
		"SELECT w.id, w.uuid, w.platform, w.installation, p.id, p.org_id, p.display_name, p.role, "
		"p.status, w.flags, CASE WHEN w.flags & $1 THEN w.body END"
		" FROM inbox w LEFT JOIN platform_identities i ON i.platform = w.platform"
		" AND i.installation = w.installation AND i.external_user_id = w.sender"
		" LEFT JOIN user_profiles p ON p.id = coalesce(w.profile_id, i.profile_id)"
		" WHERE w.state IN ('accepted', 'claimed') AND w.\"llmConversationId\" IS NULL ORDER BY w.id",
		"i", (int64_t)INCOMING_COMMAND);
	while (db_row(&query)) {
		struct store_accepted *accepted;

		make_space(room, &list);
		list.platforms[list.count] = room_text(room, &query, 2);
		list.installations[list.count] = room_text(room, &query, 3);
		accepted = &list.accepted[list.count++];
		*accepted = (struct store_accepted){
			.inbox_id = db_int(&query, 0),
			.uuid = room_text(room, &query, 1),
			.state = MESSAGE_ACCEPTED,
			.flags = (unsigned)db_int(&query, 9),
		};
		if (!db_null(&query, 4)) {
			struct speaker *speaker = arena_alloc(room, sizeof(*speaker));

			*speaker = (struct speaker){
				.profile_id = room_text(room, &query, 4),
				.org_id = room_text(room, &query, 5),
				.display_name = room_text(room, &query, 6),
				.active = strcmp(db_text(&query, 8), "active") == 0,
			};
			role_parse(db_text(&query, 7), &speaker->role);
			accepted->speaker = speaker;
		} else {
			accepted->text = room_text(room, &query, 10);
		}
	}
	out->unplaced = list.accepted;
	out->unplaced_platforms = list.platforms;
	out->unplaced_installations = list.installations;
	out->unplaced_count = list.count;
	return db_end(&query, err);
}

/* Parts of one act were perhaps on their way when the last process died. */
static bool read_waiting(struct db *db, struct arena *room, struct store_recovered *out, struct err *err)
{
#define WAITING                                                                                              \
	"SELECT \"llmConversationId\" FROM inbox WHERE state IN ('accepted', 'claimed')"                     \
	" AND \"llmConversationId\" IS NOT NULL GROUP BY \"llmConversationId\" HAVING max(flags & $1) "
	struct ids waiting, resting;

	if (!read_ids(db, room, &waiting, WAITING "= 0 ORDER BY min(id)", "i", INCOMING_MORE, err) ||
	    !read_ids(db, room, &resting, WAITING "> 0 ORDER BY min(id)", "i", INCOMING_MORE, err))
		return false;
#undef WAITING
	out->conversations = waiting.ids;
	out->conversation_count = waiting.count;
	out->resting = resting.ids;
	out->resting_count = resting.count;
	return true;
}

static bool run_recover(struct db *db, struct job *job, struct err *err)
{
	const struct recover_ask *ask = job->ask;
	struct store_recovered *out = arena_alloc(job->room, sizeof(*out));
	int64_t now_ms = clock_wall_ms();

	job->answer = out;
	if (!record_left(db, job->room, now_ms, err) || !record_interrupted(db, job->room, now_ms, err) ||
	    !budget_recover(db, job->room, now_ms, err))
		return false;
	if (!recover_turns(db, job->room, now_ms, out, err) ||
	    !recover_replies(db, job->room, ask, room_time(job->room, now_ms), out, err) ||
	    !read_waiting(db, job->room, out, err))
		return false;
	if (!read_unplaced(db, job->room, out, err))
		return false;
	db_trim(db); /* nobody asks so again before the next start */
	return true;
}

static void give_recover(struct job *job)
{
	const struct recover_ask *ask = job->ask;

	if (job->err.kind == ERR_NONE)
		store_took_over(ask->store);
	ask->fn(job->owner, job->ticket, &job->err, job->answer);
}

void store_recover(struct store *store, const char *const *resends, size_t resend_count,
		   store_recovered_fn *fn, void *owner, uint64_t ticket)
{
	struct job *job =
		job_create(JOB_WRITE, run_recover, give_recover, sizeof(struct recover_ask), owner, ticket);
	struct recover_ask *ask = job->ask;
	const char **copy = arena_alloc(job->room, resend_count * sizeof(*copy));

	for (size_t i = 0; i < resend_count; i++)
		copy[i] = job_text(job, resends[i]);
	*ask = (struct recover_ask){
		.store = store, .resends = copy, .resend_count = resend_count, .fn = fn
	};
	store_ask(store, job);
}

bool recover_leave(struct db *db, struct err *err)
{
	if (!db_begin(db, err))
		return false;
	if (db_run(db, err, NULL,
		   "UPDATE inbox SET state = 'accepted', attempts = attempts - 1"
		   " WHERE state IN ('accepted', 'claimed') AND state = 'claimed'",
		   "") &&
	    db_commit(db, err))
		return true;
	db_rollback(db);
	return false;
}
