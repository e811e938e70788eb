/* The questions about one turn that are short: claim the next (T2), recall what was said before, remember what stands
 * for its answer. */
#include "history.h"
#include "journey.h"
#include "memory.h"
#include "store_install.h"

struct claim_ask {
	int64_t conversation_id;
	store_turn_fn *fn;
};

static bool run_claim(struct db *db, struct job *job, struct err *err)
{
	const struct claim_ask *ask = job->ask;
	int64_t now = clock_wall_ms();
	struct store_turn *turn;
	struct place place;
	bool found, more;

	if (!place_by_id(db, job->room, ask->conversation_id, NULL, &place, &found, err))
		return false;
	if (!found)
		return err_set(err, ERR_GONE, "no conversation %lld", (long long)ask->conversation_id);
	if (!place.busy)
		return true;
	if (!turn_claim(db, job->room, &place, now, &turn, &more, err))
		return false;
	job->answer = turn;
	return turn == NULL || place_keep(db, &place, now, err);
}

static void give_claim(struct job *job)
{
	const struct claim_ask *ask = job->ask;

	ask->fn(job->owner, job->ticket, &job->err, job->answer);
}

void store_claim(struct store *store, int64_t conversation_id, store_turn_fn *fn, void *owner,
		 uint64_t ticket)
{
	struct job *job =
		job_create(JOB_WRITE, run_claim, give_claim, sizeof(struct claim_ask), owner, ticket);

	*(struct claim_ask *)job->ask = (struct claim_ask){ .conversation_id = conversation_id, .fn = fn };
	store_ask(store, job);
}

struct recall_ask {
	int64_t conversation_id, turn_id;
	unsigned limit;
	bool with_summary;
	store_recalled_fn *fn;
};

/* LLMSettings of the conversation, or else of its installation, and what the one who asks wishes. `limit` follows them.
 * Whether replies wait is told by the newest few, see behind_another in replies.c. */
static bool read_settings(struct db *db, struct arena *room, const struct recall_ask *ask,
			  struct store_recalled *out, unsigned *limit, struct err *err)
{
	struct query query;

	db_query(db, &query,
		 "SELECT s.model, s.\"systemPrompt\", s.temperature, s.\"maxOutputTokens\", "
		 "s.\"historyMessages\","
		 " (SELECT p.language FROM \"LLMConversationMessage\" m JOIN user_profiles p"
		 " ON p.id = m.\"userId\" WHERE m.id = $2),"
		 " EXISTS (SELECT 1 FROM (SELECT o.state FROM outbox o WHERE o.\"llmConversationId\" = $1"
		 " ORDER BY o.id DESC LIMIT 8) latest WHERE latest.state IN ('pending', 'sending')), s.tools"
		 " FROM \"LLMConversation\" c LEFT JOIN \"LLMAgentInstallation\" i"
		 " ON i.platform = c.\"conversationSource\" AND i.name = c.installation"
		 " LEFT JOIN \"LLMSettings\" s ON s.id = coalesce(c.\"llmSettingsId\", i.\"llmSettingsId\")"
		 " WHERE c.id = $1",
		 "ii", ask->conversation_id, ask->turn_id);
	if (db_row(&query)) {
		out->model = room_text(room, &query, 0);
		out->system_prompt = room_text(room, &query, 1);
		out->temperature = db_null(&query, 2) ? -1 : db_double(&query, 2);
		out->max_output_tokens = (long)db_int(&query, 3);
		if (!db_null(&query, 4) && db_int(&query, 4) < (int64_t)*limit)
			*limit = (unsigned)db_int(&query, 4);
		out->language = room_text(room, &query, 5);
		out->unsent = db_bool(&query, 6);
		out->tools = room_text(room, &query, 7);
	}
	return db_end(&query, err);
}

/* The turns behind the summary, or else the newest. */
static bool read_past(struct db *db, struct arena *room, const struct recall_ask *ask, unsigned limit,
		      struct store_recalled *out, struct err *err)
{
	struct history_ask history = { .conversation_id = ask->conversation_id,
				       .before_turn_id = ask->turn_id,
				       .turns = limit / 2 };
	struct memory memory = { 0 };

	if (ask->with_summary && !memory_read(db, room, ask->conversation_id, ask->turn_id, &memory, err))
		return false;
	out->turns = history.turns;
	out->summary = memory.text;
	out->summary_id = memory.id;
	out->summary_told = memory.told;
	history.after_turn_id = memory.upto_turn_id;
	return history_read(db, room, &history, out, err);
}

enum { LOOK_BACK = 200 /* turns */, SAID_MAX = 50 /* of them, with an address */ };

/* Whether others had a say in the newest turns: people, files, tools, and what stood before it in the place. A conversation
 * that has a summary is looked at by whoever asks. Read row by row: as a question of its own within another one, SQLite
 * would copy the turns first. What is newer than the last turn with tools or files isn't looked up, which CASE sees to: an OR
 * that is a column is worked out to its end. */
static bool read_foreign(struct db *db, const struct recall_ask *ask, struct store_recalled *out,
			 struct err *err)
{
	struct query query;

	db_query(db, &query,
		 "SELECT CASE WHEN o.\"userId\" IS NOT"
		 " (SELECT t.\"userId\" FROM \"LLMConversationMessage\" t WHERE t.id = $2)"
		 " OR o.\"structuredUserPrompt\" LIKE '{\"context\"%'"
		 " OR (o.\"llmTaskId\" <= (SELECT max(\"llmTaskId\") FROM \"LLMTaskStep\") AND"
		 " EXISTS (SELECT 1 FROM \"LLMTaskStep\" s WHERE s.\"llmTaskId\" = o.\"llmTaskId\"))"
		 " OR (o.id <= (SELECT max(turn_id) FROM inbox WHERE files <> '[]') AND"
		 " EXISTS (SELECT 1 FROM inbox w WHERE w.turn_id = o.id AND w.files <> '[]'))"
		 " THEN 1 ELSE 0 END"
		 " FROM \"LLMConversationMessage\" o WHERE o.\"llmConversationId\" = $1 AND o.id < $2"
		 " ORDER BY o.id DESC LIMIT $3",
		 "iii", ask->conversation_id, ask->turn_id, (int64_t)LOOK_BACK);
	while (!out->foreign && db_row(&query))
		out->foreign = db_bool(&query, 0);
	return db_end(&query, err);
}

/* The condition is the one of idx_message_address, which holds next to nothing: most full stops end a sentence. */
static bool read_said(struct db *db, struct arena *room, const struct recall_ask *ask,
		      struct store_recalled *out, struct err *err)
{
	const char **said = arena_alloc(room, SAID_MAX * sizeof(*said));
	struct query query;

	db_query(db, &query,
		 "SELECT m.\"userPrompt\" FROM \"LLMConversationMessage\" m"
		 " WHERE m.\"llmConversationId\" = $1 AND m.id < $2 AND m.\"userId\" ="
		 " (SELECT t.\"userId\" FROM \"LLMConversationMessage\" t WHERE t.id = $2)"
		 " AND (m.\"userPrompt\" GLOB '*.[0-9A-Za-z_&\\-]*' OR instr(m.\"userPrompt\", '://') > 0)"
		 " ORDER BY m.id DESC LIMIT $3",
		 "iii", ask->conversation_id, ask->turn_id, (int64_t)SAID_MAX);
	while (out->said_count < SAID_MAX && db_row(&query))
		said[out->said_count++] = room_text(room, &query, 0);
	out->said = said;
	return db_end(&query, err);
}

static bool read_budgeted(struct db *db, struct store_recalled *out, struct err *err)
{
	int64_t one;

	return db_one_int(db, err, &out->budgeted, &one, "SELECT 1 FROM budgets LIMIT 1", "");
}

static bool read_files(struct db *db, const struct recall_ask *ask, struct store_recalled *out,
		       struct err *err)
{
	int64_t one;

	return db_one_int(db, err, &out->files, &one,
			  "SELECT 1 FROM \"LLMAgentImport\" WHERE \"userCompanyId\" ="
			  " (SELECT \"userCompanyId\" FROM \"LLMConversation\" WHERE id = $1) LIMIT 1",
			  "i", ask->conversation_id);
}

static bool run_recall(struct db *db, struct job *job, struct err *err)
{
	const struct recall_ask *ask = job->ask;
	struct store_recalled *out = arena_alloc(job->room, sizeof(*out));
	unsigned limit = ask->limit;

	out->temperature = -1;
	job->answer = out;
	return read_settings(db, job->room, ask, out, &limit, err) &&
	       read_past(db, job->room, ask, limit, out, err) && read_foreign(db, ask, out, err) &&
	       read_said(db, job->room, ask, out, err) && read_budgeted(db, out, err) &&
	       read_files(db, ask, out, err);
}

static void give_recall(struct job *job)
{
	const struct recall_ask *ask = job->ask;

	ask->fn(job->owner, job->ticket, &job->err, job->answer);
}

void store_recall(struct store *store, int64_t conversation_id, int64_t turn_id, unsigned limit,
		  bool with_summary, store_recalled_fn *fn, void *owner, uint64_t ticket)
{
	struct job *job =
		job_create(JOB_RECENT, run_recall, give_recall, sizeof(struct recall_ask), owner, ticket);

	*(struct recall_ask *)job->ask = (struct recall_ask){ .conversation_id = conversation_id,
							      .turn_id = turn_id,
							      .limit = limit,
							      .with_summary = with_summary,
							      .fn = fn };
	store_ask(store, job);
}

/* ---- what stands for its answer --------------------------------------------------------------------------
 */

struct placed_ask {
	const char *uuid, *remote_id;
};

static bool run_placed(struct db *db, struct job *job, struct err *err)
{
	const struct placed_ask *ask = job->ask;
	int64_t rows = 0;

	return db_run(db, err, &rows,
		      "UPDATE \"LLMConversationMessage\" SET placeholder = $2 WHERE id ="
		      " (SELECT turn_id FROM inbox WHERE uuid = $1)",
		      "tt", ask->uuid, ask->remote_id) &&
	       (rows > 0 || err_set(err, ERR_GONE, "message %s has no turn", ask->uuid));
}

/* Rides with the next commit: it must be there before the answer is, and an answer comes with a commit. */
void store_placed(struct store *store, const char *uuid, const char *remote_id, store_done_fn *fn,
		  void *owner, uint64_t ticket)
{
	struct job *job = job_create_done(JOB_LAZY, run_placed, sizeof(struct placed_ask), fn, owner, ticket);

	*(struct placed_ask *)job->ask =
		(struct placed_ask){ .uuid = job_text(job, uuid), .remote_id = job_text(job, remote_id) };
	store_ask(store, job);
}
