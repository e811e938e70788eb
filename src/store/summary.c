/* Summaries are made of the turns that fall out of the window: which those are, and what becomes of the summary. */
#include "budget.h"
#include "buf.h"
#include "crypto.h"
#include "history.h"
#include "memory.h"
#include "prompt.h"
#include "store_memory.h"
#include "text.h"
#include "tokens.h"
#include <string.h>

enum {
	TURNS_MAX = 200,      /* in one summary */
	SAID_MAX = 4096,      /* bytes of one message that a summary is made of */
	TEXT_MAX = 64 * 1024, /* bytes it is made of */
	WINDOW_MAX = 1000,    /* turns */
};

/* What the estimate of tokens is, by bytes alone: three of them, a little more than for plain text. */
static int64_t rough_tokens(int64_t bytes)
{
	return (bytes + 2) / 3;
}

/* The last turn that falls out; 0: none does. The newest stay as long as they fill half of the window. */
static bool find_upto(struct db *db, int64_t conversation_id, int64_t after_turn_id,
		      const struct store_window *window, int64_t *upto_out, struct err *err)
{
	unsigned keep = window->turns > 1 ? window->turns / 2 : window->turns, count = 0;
	int64_t tokens = 0;
	struct query query;

	*upto_out = 0;
	db_query(db, &query,
		 "SELECT m.id, length(CAST(m.\"userPrompt\" AS BLOB)) + length(CAST(m.\"llmParsedOutput\" AS "
		 "BLOB)) FROM \"LLMConversationMessage\" m"
		 " WHERE m.\"llmConversationId\" = $1 AND m.id > $2 AND" HISTORY_COUNTS
		 " ORDER BY m.id DESC LIMIT $3",
		 "iii", conversation_id, after_turn_id, (int64_t)WINDOW_MAX);
	while (db_row(&query)) {
		tokens += rough_tokens(db_int(&query, 1));
		if (*upto_out == 0 &&
		    (count >= keep || tokens > (count == 0 ? window->tokens : window->tokens / 2)))
			*upto_out = db_int(&query, 0);
		count++;
	}
	if (!window->full && count <= window->turns && tokens <= window->tokens)
		*upto_out = 0;
	return db_end(&query, err);
}

static void add_said(struct buf *out, const char *who, const char *text)
{
	size_t len = strlen(text), fit = text_fit(text, len, SAID_MAX);

	buf_format(out, "%s: %.*s%s\n\n", who, (int)fit, text, fit < len ? " […]" : "");
}

struct past_ask {
	int64_t conversation_id;
	struct store_window window;
	store_past_fn *fn;
};

/* At least one turn, and as many more as fit. */
static bool read_turns(struct db *db, struct arena *room, const struct past_ask *ask, int64_t after,
		       int64_t upto, struct store_past *out, struct err *err)
{
	struct buf text = { 0 };
	struct query query;
	int64_t tokens = 0;
	bool fits = true;

	db_query(db, &query,
		 "SELECT m.id, m.\"userPrompt\", m.\"llmParsedOutput\"," HISTORY_MORE
		 " FROM \"LLMConversationMessage\" m WHERE m.\"llmConversationId\" = $1"
		 " AND m.id > $2 AND m.id <= $3 AND" HISTORY_COUNTS " ORDER BY m.id LIMIT $4",
		 "iiii", ask->conversation_id, after, upto, (int64_t)TURNS_MAX);
	while (fits && db_row(&query)) {
		size_t before = text.len;

		add_said(&text, "Person", history_asked(room, &query, 1, 3));
		add_said(&text, "Assistant", memory_answer(room, &query, 2));
		tokens += tokens_of(buf_str(&text) + before);
		fits = out->turns == 0 || (tokens <= ask->window.tokens && text.len <= TEXT_MAX);
		if (!fits) {
			buf_cut(&text, before);
			break;
		}
		out->upto_turn_id = db_int(&query, 0);
		out->turns++;
	}
	if (out->turns > 0)
		out->text = arena_text_n(room, buf_str(&text), text.len);
	buf_free(&text);
	return db_end(&query, err);
}

static void set_hash(struct arena *room, struct store_past *past)
{
	const char *both = arena_format(room, "%zu:%s%s", past->before ? strlen(past->before) : 0,
					past->before ? past->before : "", past->text);
	char hash[CRYPTO_SHA256_HEX];

	past->hash = arena_text(room, crypto_sha256_hex(both, strlen(both), hash));
}

static bool rests(struct db *db, struct arena *room, int64_t conversation_id, bool *rests_out,
		  struct err *err)
{
	int64_t one;

	return db_one_int(db, err, rests_out, &one,
			  "SELECT 1 FROM (SELECT text, created_at FROM conversation_summaries"
			  " WHERE conversation_id = $1 ORDER BY id DESC LIMIT 1) WHERE text IS NULL AND "
			  "created_at > $2",
			  "it", conversation_id, room_time(room, clock_wall_ms() - STORE_SUMMARY_REST_MS));
}

static bool read_how(struct db *db, struct arena *room, int64_t conversation_id, struct store_past *out,
		     struct err *err)
{
	struct query query;

	db_query(db, &query,
		 "SELECT s.model, EXISTS (SELECT 1 FROM budgets) FROM \"LLMConversation\" c"
		 " LEFT JOIN \"LLMAgentInstallation\" i ON i.platform = c.\"conversationSource\""
		 " AND i.name = c.installation LEFT JOIN \"LLMSettings\" s"
		 " ON s.id = coalesce(c.\"llmSettingsId\", i.\"llmSettingsId\") WHERE c.id = $1",
		 "i", conversation_id);
	if (db_row(&query)) {
		out->model = room_text(room, &query, 0);
		out->budgeted = db_bool(&query, 1);
	}
	return db_end(&query, err);
}

static bool read_past(struct db *db, struct arena *room, const struct past_ask *ask, struct store_past *out,
		      struct err *err)
{
	struct memory memory;
	int64_t upto;

	if (!memory_read(db, room, ask->conversation_id, INT64_MAX, &memory, err) ||
	    !find_upto(db, ask->conversation_id, memory.upto_turn_id, &ask->window, &upto, err))
		return false;
	out->before = memory.text;
	if (upto == 0)
		return true;
	if (!read_turns(db, room, ask, memory.upto_turn_id, upto, out, err))
		return false;
	if (out->text)
		set_hash(room, out);
	return true;
}

static bool run_past(struct db *db, struct job *job, struct err *err)
{
	const struct past_ask *ask = job->ask;
	struct store_past *out = arena_alloc(job->room, sizeof(*out));
	bool rest;

	*out = (struct store_past){ 0 };
	job->answer = out;
	return rests(db, job->room, ask->conversation_id, &rest, err) &&
	       (rest || (read_past(db, job->room, ask, out, err) &&
			 read_how(db, job->room, ask->conversation_id, out, err)));
}

static void give_past(struct job *job)
{
	const struct past_ask *ask = job->ask;

	ask->fn(job->owner, job->ticket, &job->err, job->answer);
}

void store_past(struct store *store, int64_t conversation_id, const struct store_window *window,
		store_past_fn *fn, void *owner, uint64_t ticket)
{
	struct job *job = job_create(JOB_READ, run_past, give_past, sizeof(struct past_ask), owner, ticket);

	*(struct past_ask *)job->ask =
		(struct past_ask){ .conversation_id = conversation_id, .window = *window, .fn = fn };
	store_ask(store, job);
}

/* ---- what became of it ------------------------------------------------------------------------------------- */

struct summary_ask {
	struct store_summary summary;
	struct ai_result result;
	store_summary_fn *fn;
};

/* Read once more: a message that was edited or taken back meanwhile must not live on in it. */
static bool still_so(struct db *db, struct arena *room, const struct store_summary *summary, bool *so_out,
		     struct err *err)
{
	struct past_ask ask = { .conversation_id = summary->conversation_id, .window = summary->window };
	struct store_past past = { 0 };
	struct memory memory;

	if (!memory_read(db, room, summary->conversation_id, INT64_MAX, &memory, err))
		return false;
	past.before = memory.text;
	if (!read_turns(db, room, &ask, memory.upto_turn_id, summary->upto_turn_id, &past, err))
		return false;
	if (past.text)
		set_hash(room, &past);
	*so_out = past.hash && strcmp(past.hash, summary->hash) == 0;
	return true;
}

static void sum_up(const struct summary_ask *ask, int64_t *input, int64_t *output, int64_t *cost)
{
	*input = *output = *cost = 0;
	for (size_t i = 0; i < ask->result.attempt_count; i++) {
		const struct ai_attempt *attempt = &ask->result.attempts[i];

		*input += attempt->input_tokens > 0 ? attempt->input_tokens : 0;
		*output += attempt->output_tokens > 0 ? attempt->output_tokens : 0;
		if (*cost >= 0)
			*cost = attempt->cost_micros < 0 ? -1 : *cost + attempt->cost_micros;
	}
}

/* Its run: what it was asked with is the fixed instruction and the turns, which are on record themselves. */
static bool add_task(struct db *db, struct run *run, const struct summary_ask *ask, const char *why,
		     int64_t now_ms, struct err *err)
{
	const struct ai_attempt *last =
		ask->result.attempt_count ? &ask->result.attempts[ask->result.attempt_count - 1] : NULL;
	int64_t input, output, cost, began = ask->summary.started_ms;
	char now[CLOCK_TEXT_SIZE], started[CLOCK_TEXT_SIZE];
	bool made;

	began = began && began < now_ms ? began : now_ms;
	sum_up(ask, &input, &output, &cost);
	return db_one_int(
		db, err, &made, &run->task_id,
		"INSERT INTO \"LLMTask\" (status, \"llmSettingsId\", \"llmStructuredPrompt\","
		" \"llmConversationId\", \"startedAt\", \"finishedAt\", \"latencyMs\", \"totalInputTokens\","
		" \"totalOutputTokens\", \"totalTokens\", \"costMicros\", model, provider, \"errorMessage\")"
		" VALUES ($1, nullif($2, 0), $3, $4, $5, $6, $7, $8, $9, $10, nullif($11, -1), $12, $13, "
		"$14)"
		" RETURNING id",
		"titittiiiiittt", why ? "failed" : "succeeded", run->settings_id, ask->result.request,
		run->place.id, clock_text(began, started), clock_text(now_ms, now), now_ms - began, input,
		output, input + output, cost, last ? last->model : NULL, last ? last->provider : NULL, why);
}

/* Nothing of what was taken back stays in the record of its requests either. */
static const struct ai_attempt *emptied(struct arena *room, struct run *run, const struct summary_ask *ask)
{
	size_t count = ask->result.attempt_count;
	struct ai_attempt *copy = arena_alloc(room, (count ? count : 1) * sizeof(*copy));

	run->prompt = prompt_deleted; /* goes in the place of what the model was told */
	for (size_t i = 0; i < count; i++) {
		copy[i] = ask->result.attempts[i];
		copy[i].output = NULL;
	}
	return copy;
}

static bool run_summary(struct db *db, struct job *job, struct err *err)
{
	const struct summary_ask *ask = job->ask;
	const struct store_summary *summary = &ask->summary;
	bool *kept = arena_alloc(job->room, sizeof(*kept));
	int64_t now = clock_wall_ms();
	struct run run = { 0 };
	const struct ai_attempt *attempts;
	const char *why;
	bool so;

	job->answer = kept;
	if (!run_load(db, job->room, summary->turn_id, &run, err) ||
	    !still_so(db, job->room, summary, &so, err))
		return false;
	run.prompt = "";
	attempts = so ? ask->result.attempts : emptied(job->room, &run, ask);
	*kept = so && summary->text;
	why = *kept ? NULL : summary->text ? "what it was made of has changed" : summary->why;
	return add_task(db, &run, ask, why, now, err) &&
	       run_attempts(db, &run, attempts, ask->result.attempt_count, now, err) &&
	       db_run(db, err, NULL,
		      "INSERT INTO conversation_summaries (conversation_id, upto_turn_id, text, model,"
		      " \"llmTaskId\", created_at) VALUES ($1, $2, $3, $4, $5, $6)",
		      "iittit", summary->conversation_id, summary->upto_turn_id, *kept ? summary->text : NULL,
		      ask->result.model, run.task_id, room_time(job->room, now));
}

static void give_summary(struct job *job)
{
	const struct summary_ask *ask = job->ask;

	ask->fn(job->owner, job->ticket, &job->err, job->answer && *(bool *)job->answer);
}

void store_summarise(struct store *store, const struct store_summary *question, store_summary_fn *fn,
		     void *owner, uint64_t ticket)
{
	struct job *job =
		job_create(JOB_WRITE, run_summary, give_summary, sizeof(struct summary_ask), owner, ticket);
	const struct ai_result *result = question->result;
	struct summary_ask *ask = job->ask;

	ask->fn = fn;
	ask->summary = *question;
	ask->summary.hash = job_text(job, question->hash);
	ask->summary.text = job_text(job, question->text);
	ask->summary.why = job_text(job, question->why ? question->why : "failed");
	ask->summary.result = NULL;
	ask->result.request = job_text(job, result->request);
	ask->result.model = job_text(job, result->model);
	ask->result.attempts = job_attempts(job, result->attempts, result->attempt_count);
	ask->result.attempt_count = result->attempt_count;
	store_ask(store, job);
}
