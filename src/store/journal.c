/* T3 and the record of a run: steps that must be durable before the next thing happens, and every model
 * request. */
#include "audit.h"
#include "budget.h"
#include "crypto.h"
#include "journey.h"
#include "json.h"
#include "prompt.h"
#include "tools_record.h"
#include <string.h>

bool run_load(struct db *db, struct arena *room, int64_t turn_id, struct run *run_out, struct err *err)
{
	struct query query;
	bool found;

	db_query(db, &query,
		 "SELECT m.uuid, m.\"answerUuid\", m.\"userId\", m.\"userPrompt\", m.\"answeredAt\" IS NOT "
		 "NULL,"
		 " m.\"llmTaskId\", c.id, c.uuid, c.\"nextSeq\", c.\"lastAt\", c.\"userCompanyId\","
		 " c.\"conversationSource\", s.id, s.name, m.placeholder, i.\"removedAt\" IS NOT NULL"
		 " FROM \"LLMConversationMessage\" m JOIN \"LLMConversation\" c ON c.id = "
		 "m.\"llmConversationId\""
		 " LEFT JOIN \"LLMAgentInstallation\" i ON i.platform = c.\"conversationSource\" AND i.name "
		 "= c.installation"
		 " LEFT JOIN \"LLMSettings\" s ON s.id = coalesce(c.\"llmSettingsId\", i.\"llmSettingsId\")"
		 " WHERE m.id = $1",
		 "i", turn_id);
	found = db_row(&query);
	if (found)
		*run_out = (struct run){
			.turn_id = turn_id,
			.uuid = room_text(room, &query, 0),
			.answer_uuid = room_text(room, &query, 1),
			.profile_id = room_text(room, &query, 2),
			.prompt = room_text(room, &query, 3),
			.ended = db_bool(&query, 4),
			.task_id = db_int(&query, 5),
			.place = { .id = db_int(&query, 6),
				   .uuid = room_text(room, &query, 7),
				   .next_seq = db_int(&query, 8),
				   .last_ms = room_parse_time(db_text(&query, 9)) },
			.org_id = room_text(room, &query, 10),
			.platform = room_text(room, &query, 11),
			.settings_id = db_int(&query, 12),
			.agent = room_text(room, &query, 13),
			.placeholder = room_text(room, &query, 14),
			.removed = db_bool(&query, 15),
		};
	if (!db_end(&query, err))
		return false;
	return found || err_set(err, ERR_GONE, "no turn %lld", (long long)turn_id);
}

/* Makes its LLMTask when it has none. */
static bool run_task(struct db *db, struct run *run, int64_t started_ms, struct err *err)
{
	char at[CLOCK_TEXT_SIZE];

	if (run->task_id)
		return true;
	return db_insert(
		db, err, &run->task_id,
		"INSERT INTO \"LLMTask\" (status, \"llmSettingsId\", \"llmRawPrompt\", \"llmConversationId\","
		" \"startedAt\") VALUES ('running', nullif($1, 0), $2, $3, $4)",
		"itit", run->settings_id, run->prompt, run->place.id, clock_text(started_ms, at));
}

static void add_key(struct buf *out, const char *key)
{
	buf_text(out, ",\"");
	buf_text(out, key);
	buf_text(out, "\":");
}

static void add_text(struct buf *out, const char *key, const char *text)
{
	if (text == NULL)
		return;
	add_key(out, key);
	json_quote(out, text, strlen(text));
}

static void add_known(struct buf *out, const char *key, int64_t value)
{
	if (value < 0)
		return;
	add_key(out, key);
	buf_int(out, value);
}

/* What does not have a column in the documents' table, for whoever reads that table alone. */
static void write_metadata(struct buf *out, const struct run *run, const struct ai_attempt *attempt)
{
	buf_format(out, "{\"turn\":\"%s\",\"conversation_id\":%lld", run->uuid, (long long)run->place.id);
	add_text(out, "platform", run->platform);
	add_text(out, "provider", attempt->provider);
	add_known(out, "input_tokens", attempt->input_tokens);
	add_known(out, "output_tokens", attempt->output_tokens);
	add_known(out, "cached_tokens", attempt->cached_tokens);
	add_known(out, "first_token_ms", attempt->first_token_ms);
	buf_text(out, attempt->estimated ? ",\"estimated\":true" : "");
	add_text(out, "request_id", attempt->request_id);
	buf_text(out, "}");
}

static bool add_attempt(struct db *db, const struct run *run, const struct ai_attempt *attempt,
			const char *metadata, int64_t at_ms, struct err *err)
{
	/* Taken back while it was being answered: what the model was told is not kept either. */
	const char *input = strstr(run->prompt, prompt_deleted) ? run->prompt : attempt->input;
	int64_t in = attempt->input_tokens, out = attempt->output_tokens;
	struct audit_row row = {
		.org_id = run->org_id,
		.user_id = run->profile_id,
		.agent = run->agent ? run->agent : "assistant",
		.type = attempt->type ? attempt->type : "chat",
		.input = input,
		.output = attempt->output,
		.error = attempt->error,
		.metadata = metadata,
		.provider = attempt->provider,
		.model = attempt->model,
		.platform = run->platform,
		.request_id = attempt->request_id,
		.tokens = in < 0 && out < 0 ? -1 : (in < 0 ? 0 : in) + (out < 0 ? 0 : out),
		.input_tokens = in,
		.output_tokens = out,
		.cached_tokens = attempt->cached_tokens,
		.cost_micros = attempt->cost_micros,
		.latency_ms = attempt->latency_ms,
		.first_token_ms = attempt->first_token_ms,
		.estimated = attempt->estimated,
		.at_ms = at_ms,
		.task_id = run->task_id,
	};

	return audit_add(db, &row, NULL, err);
}

bool run_attempts(struct db *db, struct run *run, const struct ai_attempt *attempts, size_t count,
		  int64_t now_ms, struct err *err)
{
	struct buf metadata = { 0 };
	bool done = true;

	for (size_t i = 0; i < count && done; i++) {
		buf_clear(&metadata);
		write_metadata(&metadata, run, &attempts[i]);
		done = add_attempt(db, run, &attempts[i], buf_str(&metadata), now_ms, err) &&
		       budget_settle(db, run, &attempts[i], now_ms, err);
	}
	buf_free(&metadata);
	return done;
}

/* ---- steps ------------------------------------------------------------------------------------------------
 */

static const char *const kinds[] = {
	[AI_STEP_REPLY] = "reply",
	[AI_STEP_INTENT] = "intent",
	[AI_STEP_RESULT] = "result",
};

static enum ai_step_kind kind_of(const char *name)
{
	enum ai_step_kind kind = AI_STEP_REPLY;

	while (kind < AI_STEP_RESULT && strcmp(kinds[kind], name) != 0)
		kind++;
	return kind;
}

bool run_steps(struct db *db, struct arena *room, int64_t turn_id, const struct ai_step **steps_out,
	       size_t *count_out, struct err *err)
{
	struct ai_step *steps = NULL;
	struct query query;
	size_t count = 0;

	db_query(db, &query,
		 "SELECT s.kind, s.round, s.\"callId\", s.tool, s.failed, s.payload, count(*) OVER ()"
		 " FROM \"LLMConversationMessage\" m JOIN \"LLMTaskStep\" s ON s.\"llmTaskId\" = "
		 "m.\"llmTaskId\""
		 " WHERE m.id = $1 ORDER BY s.n",
		 "i", turn_id);
	while (db_row(&query)) {
		if (steps == NULL)
			steps = arena_alloc(room, (size_t)db_int(&query, 6) * sizeof(*steps));
		steps[count++] = (struct ai_step){
			.kind = kind_of(db_text(&query, 0)),
			.round = (unsigned)db_int(&query, 1),
			.call_id = room_text(room, &query, 2),
			.tool = room_text(room, &query, 3),
			.failed = db_bool(&query, 4),
			.payload = room_text(room, &query, 5),
		};
	}
	*steps_out = steps;
	*count_out = count;
	return db_end(&query, err);
}

struct journal_ask {
	int64_t turn_id;
	struct ai_step *steps;
	struct ai_attempt *attempts;
	size_t step_count, attempt_count;
};

static bool add_steps(struct db *db, struct run *run, const struct journal_ask *ask, int64_t now_ms,
		      struct err *err)
{
	char uuid[CRYPTO_UUID_SIZE], at[CLOCK_TEXT_SIZE];
	int64_t n = 0;
	bool found;

	if (!db_one_int(db, err, &found, &n,
			"SELECT coalesce(max(n) + 1, 0) FROM \"LLMTaskStep\" WHERE \"llmTaskId\" = $1", "i",
			run->task_id))
		return false;
	for (size_t i = 0; i < ask->step_count; i++) {
		const struct ai_step *step = &ask->steps[i];

		if (!db_run(db, err, NULL,
			    "INSERT INTO \"LLMTaskStep\" (\"llmTaskId\", n, kind, round, \"callId\", tool, "
			    "failed, payload,"
			    " \"createdAt\", uuid) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
			    "iitittbttt", run->task_id, n + (int64_t)i, kinds[step->kind],
			    (int64_t)step->round, step->call_id, step->tool, step->failed, step->payload,
			    clock_text(place_tick(&run->place, now_ms), at), crypto_uuid(uuid)))
			return false;
	}
	return true;
}

static bool run_journal(struct db *db, struct job *job, struct err *err)
{
	const struct journal_ask *ask = job->ask;
	int64_t now = clock_wall_ms();
	bool had_task;
	struct run run = { 0 };

	if (!run_load(db, job->room, ask->turn_id, &run, err))
		return false;
	if (run.ended)
		return err_set(err, ERR_REFUSED, "turn %lld has ended", (long long)ask->turn_id);
	had_task = run.task_id != 0;
	if (!run_task(db, &run, now, err))
		return false;
	if (!had_task &&
	    !db_run(db, err, NULL, "UPDATE \"LLMConversationMessage\" SET \"llmTaskId\" = $2 WHERE id = $1",
		    "ii", run.turn_id, run.task_id))
		return false;
	return add_steps(db, &run, ask, now, err) &&
	       run_attempts(db, &run, ask->attempts, ask->attempt_count, now, err) &&
	       tools_record(db, job->room, &run, ask->steps, ask->step_count, now, err) &&
	       place_keep(db, &run.place, now, err);
}

struct ai_attempt *job_attempts(struct job *job, const struct ai_attempt *attempts, size_t count)
{
	struct ai_attempt *copy = arena_alloc(job->room, count * sizeof(*copy));

	for (size_t i = 0; i < count; i++) {
		copy[i] = attempts[i];
		copy[i].provider = job_text(job, attempts[i].provider);
		copy[i].model = job_text(job, attempts[i].model);
		copy[i].type = job_text(job, attempts[i].type);
		copy[i].input = job_text(job, attempts[i].input);
		copy[i].output = job_text(job, attempts[i].output);
		copy[i].request_id = job_text(job, attempts[i].request_id);
		copy[i].reservation = job_text(job, attempts[i].reservation);
		copy[i].error = job_text(job, attempts[i].error);
	}
	return copy;
}

void store_journal(struct store *store, int64_t turn_id, const struct ai_step *steps, size_t step_count,
		   const struct ai_attempt *attempts, size_t attempt_count, store_done_fn *fn, void *owner,
		   uint64_t ticket)
{
	struct job *job =
		job_create_done(JOB_WRITE, run_journal, sizeof(struct journal_ask), fn, owner, ticket);
	struct journal_ask *ask = job->ask;

	*ask = (struct journal_ask){ .turn_id = turn_id,
				     .step_count = step_count,
				     .attempt_count = attempt_count };
	ask->steps = arena_alloc(job->room, step_count * sizeof(*ask->steps));
	for (size_t i = 0; i < step_count; i++) {
		ask->steps[i] = steps[i];
		ask->steps[i].call_id = job_text(job, steps[i].call_id);
		ask->steps[i].tool = job_text(job, steps[i].tool);
		ask->steps[i].payload = job_text(job, steps[i].payload);
	}
	ask->attempts = job_attempts(job, attempts, attempt_count);
	store_ask(store, job);
}
