/* T4: the end of a turn. Answer, record, reply and the messages' final state become durable together or not
 * at all. */
#include "approvals.h"
#include "audit.h"
#include "budget.h"
#include "crypto.h"
#include "imports.h"
#include "journey.h"
#include "json.h"
#include "memory.h"
#include "prompt.h"
#include "tools_record.h"
#include <stdlib.h>
#include <string.h>

struct answer_ask {
	struct store_answer answer;
	struct ai_result result;
	store_answered_fn *fn;
};

/* Over all attempts of a run; -1 unknown. */
struct totals {
	int64_t input, output, cost, first_token_ms;
	const char *model, *provider;
};

static void add_known(int64_t *sum, int64_t value)
{
	if (value >= 0)
		*sum = (*sum < 0 ? 0 : *sum) + value;
}

/* What the journal wrote down before. A price that is not known makes the sum unknown. */
static bool earlier_totals(struct db *db, int64_t task_id, struct totals *totals, bool *priced,
			   struct err *err)
{
	struct query query;

	db_query(db, &query,
		 "SELECT coalesce(sum(input_tokens), -1), coalesce(sum(output_tokens), -1), "
		 "coalesce(sum(cost_micros), -1),"
		 " count(*) = count(cost_micros) FROM ai_agent_interactions WHERE \"llmTaskId\" = $1"
		 " AND" AUDIT_REQUESTS,
		 "i", task_id);
	if (db_row(&query)) {
		totals->input = db_int(&query, 0);
		totals->output = db_int(&query, 1);
		totals->cost = db_int(&query, 2);
		*priced = db_bool(&query, 3);
	}
	return db_end(&query, err);
}

static bool sum_up(struct db *db, const struct run *run, const struct ai_result *result,
		   struct totals *totals, struct err *err)
{
	bool priced = true;

	*totals = (struct totals){ .input = -1, .output = -1, .cost = -1, .first_token_ms = -1 };
	if (run->task_id && !earlier_totals(db, run->task_id, totals, &priced, err))
		return false;
	for (size_t i = 0; i < result->attempt_count; i++) {
		const struct ai_attempt *attempt = &result->attempts[i];

		add_known(&totals->input, attempt->input_tokens);
		add_known(&totals->output, attempt->output_tokens);
		add_known(&totals->cost, attempt->cost_micros);
		priced = priced && attempt->cost_micros >= 0;
		if (totals->first_token_ms < 0)
			totals->first_token_ms = attempt->first_token_ms;
		totals->model = attempt->model;
		totals->provider = attempt->provider;
	}
	if (!priced)
		totals->cost = -1;
	if (result->model)
		totals->model = result->model;
	return true;
}

/* {"response","tool_calls"}, the shape the chat endpoint answers with. */
static char *structured_output(const struct store_answer *answer, const struct ai_result *result)
{
	struct buf out = { 0 };

	buf_text(&out, "{\"response\":");
	json_quote(&out, answer->text ? answer->text : "", answer->text ? strlen(answer->text) : 0);
	buf_text(&out, ",\"tool_calls\":");
	buf_text(&out, result->tool_calls ? result->tool_calls : "[]");
	buf_text(&out, "}");
	return buf_take(&out);
}

/* The task's last state. It is made here, in one piece, when no journal made it before. */
static bool finish_task(struct db *db, struct run *run, const struct answer_ask *ask,
			const struct totals *totals, int64_t now_ms, struct err *err)
{
	const struct store_answer *answer = &ask->answer;
	const struct ai_result *result = &ask->result;
	bool failed = answer->state != MESSAGE_ANSWERED, done;
	int64_t begun = answer->started_ms && answer->started_ms < now_ms ? answer->started_ms : now_ms;
	int64_t input = totals->input, output = totals->output;
	int64_t both = input < 0 && output < 0 ? -1 : (input < 0 ? 0 : input) + (output < 0 ? 0 : output);
	char now[CLOCK_TEXT_SIZE], started[CLOCK_TEXT_SIZE], *structured = structured_output(answer, result);
	const char *why = result->err.kind != ERR_NONE ? result->err.text : answer->reason;

	clock_text(now_ms, now);
	clock_text(begun, started);
#define RECORD                                                                                               \
	failed ? "failed" : "succeeded", result->request, result->raw, structured, input, output, both,      \
		failed ? why : NULL, now, now_ms - begun, totals->first_token_ms, totals->cost,              \
		totals->model, totals->provider
	if (run->task_id)
		done = db_run(
			db, err, NULL,
			"UPDATE \"LLMTask\" SET status = $2, \"llmStructuredPrompt\" = $3, \"llmRawOutput\" "
			"= $4,"
			" \"llmStructuredOutput\" = $5, \"totalInputTokens\" = nullif($6, -1),"
			" \"totalOutputTokens\" = nullif($7, -1), \"totalTokens\" = nullif($8, -1), "
			"\"errorMessage\" = $9,"
			" \"finishedAt\" = $10, \"latencyMs\" = $11, \"firstTokenMs\" = nullif($12, -1),"
			" \"costMicros\" = nullif($13, -1), model = $14, provider = $15 WHERE id = $1",
			"ittttiiittiiitt", run->task_id, RECORD);
	else
		done = db_insert(
			db, err, &run->task_id,
			"INSERT INTO \"LLMTask\" (\"llmConversationId\", status, \"llmStructuredPrompt\","
			" \"llmRawOutput\", \"llmStructuredOutput\", \"totalInputTokens\", "
			"\"totalOutputTokens\","
			" \"totalTokens\", \"errorMessage\", \"finishedAt\", \"latencyMs\", \"firstTokenMs\","
			" \"costMicros\", model, provider, \"llmSettingsId\", \"llmRawPrompt\", "
			"\"startedAt\")"
			" VALUES ($1, $2, $3, $4, $5, nullif($6, -1), nullif($7, -1), nullif($8, -1), $9, "
			"$10, $11,"
			" nullif($12, -1), nullif($13, -1), $14, $15, nullif($16, 0), $17, $18)",
			"ittttiiittiiittitt", run->place.id, RECORD, run->settings_id, run->prompt, started);
#undef RECORD
	free(structured);
	return done;
}

/* The run's record: task with its sums, then the attempts that belong to it. */
static bool record(struct db *db, struct arena *room, struct run *run, const struct answer_ask *ask,
		   int64_t now_ms, struct err *err)
{
	struct totals totals;

	return sum_up(db, run, &ask->result, &totals, err) &&
	       finish_task(db, run, ask, &totals, now_ms, err) &&
	       run_attempts(db, run, ask->result.attempts, ask->result.attempt_count, now_ms, err) &&
	       tools_unknown(db, room, run, now_ms, err);
}

/* A turn ends once: whoever comes second changes nothing. */
static bool end_messages(struct db *db, const struct run *run, const struct store_answer *answer,
			 const char *structured, int64_t at_ms, int64_t now_ms, struct err *err)
{
	bool answered = answer->state == MESSAGE_ANSWERED;
	char at[CLOCK_TEXT_SIZE], now[CLOCK_TEXT_SIZE];
	int64_t ended = 0;

	if (!db_run(db, err, NULL,
		    "UPDATE \"LLMConversationMessage\" SET \"llmParsedOutput\" = $2, \"answeredAt\" = $3, "
		    "\"llmTaskId\" = $4, failed = $5,"
		    " \"structuredUserPrompt\" = coalesce($6, \"structuredUserPrompt\") WHERE id = $1",
		    "ittibt", run->turn_id, answer->text, clock_text(at_ms, at), run->task_id, !answered,
		    structured) ||
	    !db_run(db, err, &ended,
		    "UPDATE inbox SET state = $2, reason = $3, finished_at = $4 WHERE turn_id = $1 AND state "
		    "= 'claimed'",
		    "ittt", run->turn_id, message_state_name(answer->state),
		    answered || answer->reason ? answer->reason : "failed", clock_text(now_ms, now)))
		return false;
	return ended > 0 ||
	       err_set(err, ERR_REFUSED, "turn %lld is not being answered", (long long)run->turn_id);
}

static void fill_outgoing(struct outgoing *out, const struct run *run, const struct asked *asked,
			  const struct answer_ask *ask, const char *choices, int64_t at_ms)
{
	*out = (struct outgoing){
		.uuid = run->answer_uuid,
		.answers_to = asked->uuids,
		.answers_to_count = asked->count,
		.delivery_keys = asked->delivery_keys,
		.state = ask->answer.state,
		.reason = ask->answer.reason,
		.reply_to = asked->reply_to,
		.text = ask->answer.text,
		.tool_calls = ask->result.tool_calls ? ask->result.tool_calls : "[]",
		.conversation_id = run->place.id,
		.conversation_uuid = run->place.uuid,
		.created_ms = at_ms,
		.attempt = 1,
		.parts = 1,
		.placeholder = run->placeholder,
		.choices = choices,
	};
}

/* The files that were made in this turn go out behind what is said, each with an own uuid. */
static bool add_files(struct db *db, struct reply_ask *reply, size_t *count_out, struct err *err)
{
	enum { OUTPUTS_MAX = 100 };
	int64_t ids[OUTPUTS_MAX], id;
	char uuid[CRYPTO_UUID_SIZE];
	struct query query;
	bool sending;

	*count_out = 0;
	db_query(db, &query, "SELECT id FROM import_outputs WHERE turn_id = $1 ORDER BY id", "i",
		 reply->turn_id);
	while (*count_out < OUTPUTS_MAX && db_row(&query))
		ids[(*count_out)++] = db_int(&query, 0);
	if (!db_end(&query, err))
		return false;
	reply->text = "";
	reply->choices = NULL;
	for (size_t i = 0; i < *count_out; i++, reply->part++) {
		reply->uuid = crypto_uuid(uuid);
		reply->output_id = ids[i];
		if (!reply_add(db, reply, &id, &sending, err))
			return false;
	}
	return true;
}

/* The rows of the outbox, one for each part: the first carries the answer's own uuid. */
static bool add_parts(struct db *db, struct reply_ask *reply, const struct store_answer *answer,
		      const char *choices, int64_t *first_out, bool *sending_out, size_t *files_out,
		      struct err *err)
{
	char uuid[CRYPTO_UUID_SIZE];
	bool sending;
	int64_t id;

	if (answer->part_count)
		reply->text = answer->parts[0];
	reply->choices = answer->part_count > 1 ? NULL : choices;
	if (!reply_add(db, reply, first_out, sending_out, err))
		return false;
	for (reply->part = 1; reply->part < answer->part_count; reply->part++) {
		reply->uuid = crypto_uuid(uuid);
		reply->text = answer->parts[reply->part];
		reply->choices = reply->part + 1 == answer->part_count ? choices : NULL;
		if (!reply_add(db, reply, &id, &sending, err))
			return false;
	}
	return add_files(db, reply, files_out, err);
}

/* When somebody is to be told and can be; out->reply when it goes at once. */
static bool add_reply(struct db *db, struct arena *room, const struct run *run, const struct asked *asked,
		      const struct answer_ask *ask, struct store_answered *out, int64_t now_ms,
		      struct err *err)
{
	struct reply_ask reply = {
		.turn_id = run->turn_id,
		.conversation_id = run->place.id,
		.now_ms = now_ms,
		.expire_s = ask->answer.expire_s,
		.at_once = true,
		.uuid = run->answer_uuid,
		.org_id = asked->org_id,
		.platform = asked->platform,
		.installation = asked->installation,
		.reply_to = asked->reply_to,
		.text = ask->answer.text,
	};
	struct store_reply *due = arena_alloc(room, sizeof(*due));
	size_t files;
	bool sending;

	if (reply.reply_to == NULL || reply.text == NULL || run->removed)
		return true;
	if (!add_parts(db, &reply, &ask->answer, out->ended->choices, &due->id, &sending, &files, err))
		return false;
	due->platform = asked->platform;
	due->installation = asked->installation;
	due->conversation_id = run->place.id;
	due->expires_ms = reply_expires(now_ms, ask->answer.expire_s);
	due->out = *out->ended;
	if (ask->answer.part_count) {
		due->out.text = ask->answer.parts[0];
		due->out.parts = (unsigned)ask->answer.part_count;
		if (ask->answer.part_count > 1)
			due->out.choices = NULL; /* with the last */
	}
	due->out.parts += (unsigned)files;
	out->reply = sending ? due : NULL;
	return true;
}

static bool what_waits(struct db *db, struct arena *room, struct place *place, bool claim, int64_t now_ms,
		       struct store_answered *out, struct err *err)
{
	struct store_turn *next;
	int64_t one;

	if (!claim)
		return db_one_int(db, err, &out->waiting, &one,
				  "SELECT 1 FROM inbox WHERE \"llmConversationId\" = $1"
				  " AND state IN ('accepted', 'claimed') AND state >= 'accepted' LIMIT 1",
				  "i", place->id);
	if (!turn_claim(db, room, place, now_ms, &next, &out->waiting, err))
		return false;
	out->next = next;
	return true;
}

/* What the model was really told: how, with what of the past and which tools, and what was not written by a person. */
static bool remember(struct db *db, struct arena *room, const struct run *run, const struct asked *asked,
		     const struct answer_ask *ask, const char **structured_out, struct err *err)
{
	const struct prompt_more more = { ask->answer.context, ask->answer.heard, ask->result.request };

	*structured_out = NULL;
	if (asked->count == 1)
		*structured_out = prompt_structured(room, NULL, 1, &more);
	else if ((more.context || more.heard || more.request) &&
		 !prompt_remember(db, room, run->turn_id, &more, err))
		return false;
	return ask->answer.told_summary == 0 || memory_told(db, ask->answer.told_summary, run->turn_id, err);
}

static bool run_answer(struct db *db, struct job *job, struct err *err)
{
	const struct answer_ask *ask = job->ask;
	struct store_answered *out = arena_alloc(job->room, sizeof(*out));
	struct outgoing *ended = arena_alloc(job->room, sizeof(*ended));
	int64_t now = clock_wall_ms(), at;
	const char *structured = NULL;
	struct asked asked;
	struct run run = { 0 };

	if (!run_load(db, job->room, ask->answer.turn_id, &run, err) ||
	    !asked_by_turn(db, job->room, run.turn_id, &asked, err))
		return false;
	if (run.ended || asked.state != MESSAGE_CLAIMED)
		return err_set(err, ERR_REFUSED, "turn %lld is not being answered", (long long)run.turn_id);
	at = place_tick(&run.place, now);
	fill_outgoing(ended, &run, &asked, ask,
		      approvals_choices(job->room, ask->result.approvals, ask->result.approval_count,
					ask->result.approval_count > 1),
		      at);
	out->ended = ended;
	job->answer = out;
	return outputs_of_turn(db, job->room, run.turn_id, &ended->files, err) &&
	       record(db, job->room, &run, ask, now, err) &&
	       remember(db, job->room, &run, &asked, ask, &structured, err) &&
	       end_messages(db, &run, &ask->answer, structured, at, now, err) &&
	       approvals_add(db, job->room, &run, &asked, ask->result.approvals, ask->result.approval_count,
			     now, err) &&
	       add_reply(db, job->room, &run, &asked, ask, out, now, err) &&
	       imports_answered(db, job->room, &run, ask->answer.state == MESSAGE_ANSWERED, now, err) &&
	       budget_release(db, job->room, run.turn_id, now, err) &&
	       what_waits(db, job->room, &run.place, ask->answer.claim_next, now, out, err) &&
	       place_keep(db, &run.place, now, err);
}

static void give_answer(struct job *job)
{
	const struct answer_ask *ask = job->ask;

	ask->fn(job->owner, job->ticket, &job->err, job->answer);
}

static const char *const *copy_parts(struct job *job, const char *const *parts, size_t count)
{
	const char **copy = arena_alloc(job->room, count * sizeof(*copy));

	for (size_t i = 0; i < count; i++)
		copy[i] = job_text(job, parts[i]);
	return copy;
}

static const struct ai_approval *keep_approvals(struct job *job, const struct ai_result *result)
{
	struct ai_approval *copy = arena_alloc(job->room, (result->approval_count + 1) * sizeof(*copy));

	for (size_t i = 0; i < result->approval_count; i++)
		copy[i] = (struct ai_approval){ job_text(job, result->approvals[i].code),
						job_text(job, result->approvals[i].tool),
						job_text(job, result->approvals[i].arguments) };
	return copy;
}

void store_answer(struct store *store, const struct store_answer *question, store_answered_fn *fn,
		  void *owner, uint64_t ticket)
{
	struct job *job =
		job_create(JOB_WRITE, run_answer, give_answer, sizeof(struct answer_ask), owner, ticket);
	const struct ai_result *result = question->result;
	struct answer_ask *ask = job->ask;

	ask->fn = fn;
	ask->answer = *question;
	ask->answer.reason = job_text(job, question->reason);
	ask->answer.text = question->text && question->text[0] ? job_text(job, question->text) : NULL;
	ask->answer.context =
		question->context && question->context[0] ? job_text(job, question->context) : NULL;
	ask->answer.heard = question->heard && question->heard[0] ? job_text(job, question->heard) : NULL;
	ask->answer.part_count = ask->answer.text && question->parts ? question->part_count : 0;
	ask->answer.parts = copy_parts(job, question->parts, ask->answer.part_count);
	ask->answer.result = NULL;
	if (result) {
		ask->result = *result;
		ask->result.code = NULL;
		ask->result.text = NULL; /* the answer's own text counts */
		ask->result.tool_calls = job_text(job, result->tool_calls);
		ask->result.request = job_text(job, result->request);
		ask->result.raw = job_text(job, result->raw);
		ask->result.model = job_text(job, result->model);
		ask->result.attempts = job_attempts(job, result->attempts, result->attempt_count);
		ask->result.approvals = keep_approvals(job, result);
	}
	store_ask(store, job);
}
