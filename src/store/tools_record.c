/* Each tool call as a row of the record: what was asked, what came of it, also when it never ran or nobody knows. */
#include "tools_record.h"
#include "audit.h"
#include "json.h"
#include "mem.h"
#include "prompt.h"
#include <stdlib.h>
#include <string.h>

/* One call as the journal knows it. */
struct called {
	const char *tool, *call_id, *arguments, *result;
	const char *class; /* NULL: not known */
	bool foreign, failed;
	int64_t round, latency_ms; /* latency_ms 0: it did not run */
};

static void add_text(struct buf *out, const char *key, const char *text, size_t len)
{
	buf_format(out, ",\"%s\":", key);
	json_quote(out, text, len);
}

/* A server's tool is called "server__tool". */
static void write_metadata(struct buf *out, const struct run *run, const struct called *called)
{
	const char *end = called->foreign ? strstr(called->tool, "__") : NULL;

	buf_format(out, "{\"turn\":\"%s\",\"conversation_id\":%lld,\"round\":%lld", run->uuid,
		   (long long)run->place.id, (long long)called->round);
	add_text(out, "tool", called->tool, strlen(called->tool));
	add_text(out, "call_id", called->call_id, strlen(called->call_id));
	if (called->class)
		add_text(out, "class", called->class, strlen(called->class));
	if (end)
		add_text(out, "server", called->tool, (size_t)(end - called->tool));
	buf_text(out, "}");
}

static bool add_call(struct db *db, const struct run *run, const struct called *called, int64_t now_ms,
		     struct err *err)
{
	bool taken_back = strstr(run->prompt, prompt_deleted) != NULL;
	struct buf metadata = { 0 };
	struct audit_row row = { .org_id = run->org_id,
				 .user_id = run->profile_id,
				 .agent = run->agent ? run->agent : "assistant",
				 .type = "tool",
				 .input = taken_back ? prompt_deleted : called->arguments,
				 .output = taken_back ? NULL : called->result,
				 .error = called->failed ? (called->result ? "failed" : "outcome unknown")
							 : NULL,
				 .platform = run->platform,
				 AUDIT_NO_COST,
				 .latency_ms = called->latency_ms,
				 .at_ms = now_ms,
				 .task_id = run->task_id };
	bool done;

	write_metadata(&metadata, run, called);
	row.metadata = buf_str(&metadata);
	done = audit_add(db, &row, NULL, err);
	buf_free(&metadata);
	return done;
}

/* What the model wrote where it asked for a call that was never begun. */
static const char *asked_for(struct arena *room, const char *reply, const char *call_id)
{
	const char *arguments = NULL;
	json_t *document = json_read(reply, strlen(reply), NULL);
	const json_t *call;
	size_t i;

	json_array_foreach (json_object_get(document, "tool_calls"), i, call) {
		const char *id = json_text(call, "id");

		if (id && strcmp(id, call_id) == 0)
			arguments = arena_text(room, json_text(call, "arguments"));
	}
	json_decref(document);
	return arguments;
}

/* The arguments of a call, and how long ago it was begun. */
static bool find_intent(struct db *db, struct arena *room, const struct run *run, struct called *called,
			int64_t now_ms, struct err *err)
{
	struct query query;
	int64_t begun = 0;
	bool found;

	db_query(db, &query,
		 "SELECT payload, \"createdAt\" FROM \"LLMTaskStep\" WHERE \"llmTaskId\" = $1"
		 " AND kind = 'intent' AND round = $2 AND \"callId\" = $3 ORDER BY n DESC LIMIT 1",
		 "iit", run->task_id, called->round, called->call_id);
	found = db_row(&query);
	if (found) {
		called->arguments = room_text(room, &query, 0);
		begun = room_parse_time(db_text(&query, 1));
	}
	if (!db_end(&query, err))
		return false;
	called->latency_ms = begun && begun < now_ms ? now_ms - begun : 0;
	if (found)
		return true;
	db_query(db, &query,
		 "SELECT payload FROM \"LLMTaskStep\" WHERE \"llmTaskId\" = $1 AND kind = 'reply'"
		 " AND round = $2 ORDER BY n DESC LIMIT 1",
		 "ii", run->task_id, called->round);
	if (db_row(&query))
		called->arguments = asked_for(room, db_text(&query, 0), called->call_id);
	return db_end(&query, err);
}

bool tools_record(struct db *db, struct arena *room, const struct run *run, const struct ai_step *steps,
		  size_t count, int64_t now_ms, struct err *err)
{
	for (size_t i = 0; i < count; i++) {
		const struct ai_step *step = &steps[i];
		struct called called = { .tool = step->tool,
					 .call_id = step->call_id,
					 .result = step->payload,
					 .class = step->class,
					 .foreign = step->foreign,
					 .failed = step->failed,
					 .round = step->round };

		if (step->kind != AI_STEP_RESULT)
			continue;
		if (!find_intent(db, room, run, &called, now_ms, err) ||
		    !add_call(db, run, &called, now_ms, err))
			return false;
	}
	return true;
}

bool tools_unknown(struct db *db, struct arena *room, const struct run *run, int64_t now_ms, struct err *err)
{
	enum { CALLS_MAX = 64 };
	struct called open[CALLS_MAX];
	struct query query;
	size_t count = 0;

	if (run->task_id == 0)
		return true;
	db_query(db, &query,
		 "SELECT s.tool, s.\"callId\", s.payload, s.round FROM \"LLMTaskStep\" s"
		 " WHERE s.\"llmTaskId\" = $1 AND s.kind = 'intent' AND NOT EXISTS (SELECT 1 FROM"
		 " \"LLMTaskStep\" t WHERE t.\"llmTaskId\" = $1 AND t.kind = 'result'"
		 " AND t.\"callId\" = s.\"callId\" AND t.round = s.round) ORDER BY s.n",
		 "i", run->task_id);
	while (count < CALLS_MAX && db_row(&query))
		open[count++] = (struct called){ .tool = room_text(room, &query, 0),
						 .call_id = room_text(room, &query, 1),
						 .arguments = room_text(room, &query, 2),
						 .round = db_int(&query, 3),
						 .failed = true };
	if (!db_end(&query, err))
		return false;
	for (size_t i = 0; i < count; i++)
		if (!add_call(db, run, &open[i], now_ms, err))
			return false;
	return true;
}

bool run_interrupted(struct db *db, const struct run *run, const char *model, int64_t now_ms, struct err *err)
{
	const char *id = model ? strchr(model, '/') : NULL;
	char *provider = id ? mem_text_n(model, (size_t)(id - model)) : NULL;
	struct buf metadata = { 0 };
	struct audit_row row = {
		.org_id = run->org_id,
		.user_id = run->profile_id,
		.agent = run->agent ? run->agent : "assistant",
		.type = "interrupted",
		.error = "the daemon ended meanwhile; a request to a model may have been under way",
		.provider = provider,
		.model = id ? id + 1 : NULL,
		.platform = run->platform,
		AUDIT_NO_COST,
		.latency_ms = -1,
		.at_ms = now_ms,
		.task_id = run->task_id
	};
	bool done;

	buf_format(&metadata, "{\"turn\":\"%s\",\"conversation_id\":%lld}", run->uuid,
		   (long long)run->place.id);
	row.metadata = buf_str(&metadata);
	done = audit_add(db, &row, NULL, err);
	free(provider);
	buf_free(&metadata);
	return done;
}
