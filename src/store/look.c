/* Where is an accepted message? As far as it got, for askers who come back. */
#include "approvals.h"
#include "imports.h"
#include "journey.h"
#include <string.h>

struct look_ask {
	const char *platform, *installation, *uuid;
	store_found_fn *fn;
};

/* What ended may have been answered, or told why not; what has not ended has no text. */
static void take_found(const struct query *query, struct arena *room, struct outgoing *out)
{
	*out = (struct outgoing){
		.reply_to = room_text(room, query, 2),
		.conversation_id = db_int(query, 3),
		.conversation_uuid = room_text(room, query, 4),
		.uuid = room_text(room, query, 5),
		.text = room_text(room, query, 6),
		.created_ms = room_parse_time(db_text(query, 7)),
		.tool_calls = tool_calls_of(room, db_text(query, 8)),
		.attempt = 1,
		.parts = 1,
		.placeholder = room_text(room, query, 9),
	};
}

static bool run_look(struct db *db, struct job *job, struct err *err)
{
	const struct look_ask *ask = job->ask;
	struct outgoing *out = arena_alloc(job->room, sizeof(*out));
	int64_t inbox_id, turn_id;
	struct asked asked;
	struct query query;
	bool found;

	db_query(db, &query,
		 "SELECT w.id, w.turn_id, w.reply_to, w.\"llmConversationId\", c.uuid,"
		 " coalesce(m.\"answerUuid\", o.uuid, w.uuid), coalesce(m.\"llmParsedOutput\", o.body),"
		 " coalesce(m.\"answeredAt\", w.finished_at), t.\"llmStructuredOutput\","
		 " m.placeholder FROM inbox w"
		 " LEFT JOIN \"LLMConversation\" c ON c.id = w.\"llmConversationId\""
		 " LEFT JOIN \"LLMConversationMessage\" m ON m.id = w.turn_id"
		 " LEFT JOIN \"LLMTask\" t ON t.id = m.\"llmTaskId\""
		 " LEFT JOIN outbox o ON o.inbox_id = w.id"
		 " WHERE w.uuid = $1 AND w.platform = $2 AND w.installation = $3",
		 "ttt", ask->uuid, ask->platform, ask->installation);
	found = db_row(&query);
	inbox_id = found ? db_int(&query, 0) : 0;
	turn_id = found ? db_int(&query, 1) : 0;
	if (found)
		take_found(&query, job->room, out);
	if (!db_end(&query, err))
		return false;
	if (!found)
		return true;
	if (!(turn_id ? asked_by_turn(db, job->room, turn_id, &asked, err)
		      : asked_by_message(db, job->room, inbox_id, &asked, err)))
		return false;
	asked_tell(&asked, out);
	job->answer = out;
	return turn_id == 0 || (approvals_choices_of(db, job->room, turn_id, &out->choices, err) &&
				outputs_of_turn(db, job->room, turn_id, &out->files, err));
}

static void give_look(struct job *job)
{
	const struct look_ask *ask = job->ask;

	ask->fn(job->owner, job->ticket, &job->err, job->answer);
}

void store_look(struct store *store, const char *platform, const char *installation, const char *uuid,
		store_found_fn *fn, void *owner, uint64_t ticket)
{
	struct job *job = job_create(JOB_RECENT, run_look, give_look, sizeof(struct look_ask), owner, ticket);

	*(struct look_ask *)job->ask = (struct look_ask){
		.platform = job_text(job, platform),
		.installation = job_text(job, installation),
		.uuid = job_text(job, uuid),
		.fn = fn,
	};
	store_ask(store, job);
}
