/* What happened to one message, from its arrival to the delivery of its answer. */
#include "audit.h"
#include "people.h"
#include <inttypes.h>
#include <string.h>

/* In every statement $1 is the inbox id. The turn is found through the row itself. */
#define TURN	" (SELECT turn_id FROM inbox WHERE id = CAST($1 AS BIGINT))"
#define TASK	" (SELECT \"llmTaskId\" FROM \"LLMConversationMessage\" WHERE id =" TURN ")"
#define REPLIES " WHERE o.turn_id =" TURN " OR o.inbox_id = CAST($1 AS BIGINT)"

/* Those that were made behind the answer of the turn. */
#define SUMMARIES                                                                                            \
	" s.conversation_id = (SELECT \"llmConversationId\" FROM \"LLMConversationMessage\" WHERE id =" TURN \
	") AND json_extract(a.metadata, '$.turn') = (SELECT uuid FROM \"LLMConversationMessage\" WHERE id "  \
	"=" TURN ")"

/* Those that were asked for in the turn, and the one that it was begun by. */
#define APPROVALS                                                                                            \
	" FROM approvals a LEFT JOIN user_profiles p ON p.id = a.profile_id LEFT JOIN users u ON u.id = "    \
	"p.user_id LEFT JOIN user_profiles d ON d.id = a.decided_by LEFT JOIN users v ON v.id = d.user_id"   \
	" WHERE a.turn_id =" TURN " OR a.used_turn_id =" TURN

/* The timeline goes by stage before it goes by time: the times of steps run ahead of the clock by a few
 * milliseconds when several fall into one. */
static const struct part {
	const char *name;
	bool list;
	const char *sql;
} parts[] = {
	{ "message", false,
	  "SELECT i.id, i.uuid, i.platform, i.installation, i.sender, i.sender_name, i.profile_id, i.state, "
	  "i.reason,"
	  " i.attempts, i.body AS text, i.files AS \"files:json\", i.delivery_key, i.semantic_key, i.kind,"
	  " i.target,"
	  " i.\"llmConversationId\" AS conversation_id, c.uuid AS conversation_uuid, i.seq, i.turn_id, "
	  "i.sent_at,"
	  " i.received_at, i.finished_at, i.dropped_at FROM inbox i"
	  " LEFT JOIN \"LLMConversation\" c ON c.id = i.\"llmConversationId\" WHERE i.id = CAST($1 AS "
	  "BIGINT)" },
	{ "turn", false,
	  "SELECT id, uuid, \"userPrompt\" AS prompt, \"llmParsedOutput\" AS answer, \"promptAt\" AS "
	  "prompt_at,"
	  " \"answeredAt\" AS answered_at, language FROM \"LLMConversationMessage\" WHERE id =" TURN },
	{ "merged", true,
	  "SELECT id, uuid, body AS text, state, received_at FROM inbox WHERE turn_id =" TURN
	  " ORDER BY id" },
	{ "task", false,
	  "SELECT id, status, provider, model, \"startedAt\" AS started_at, \"finishedAt\" AS finished_at,"
	  " \"latencyMs\" AS latency_ms, \"firstTokenMs\" AS first_token_ms, \"totalInputTokens\" AS "
	  "input_tokens,"
	  " \"totalOutputTokens\" AS output_tokens, \"totalTokens\" AS tokens, \"costMicros\" AS "
	  "\"cost_usd:usd\","
	  " \"errorMessage\" AS error FROM \"LLMTask\" WHERE id =" TASK },
	{ "steps", true,
	  "SELECT n, kind, round, \"callId\" AS call_id, tool, failed AS \"failed:bool\", payload AS "
	  "\"payload:json\","
	  " \"createdAt\" AS created_at FROM \"LLMTaskStep\" WHERE \"llmTaskId\" =" TASK " ORDER BY n" },
	{ "attempts", true,
	  "SELECT created_at, provider, model_used AS model, success AS \"success:bool\", error_message AS "
	  "error,"
	  " input_tokens, output_tokens, tokens_used AS tokens, cost_micros AS \"cost_usd:usd\", latency_ms,"
	  " first_token_ms, request_id, id, seq, interaction_type AS type FROM ai_agent_interactions WHERE "
	  "\"llmTaskId\" =" TASK " AND" AUDIT_REQUESTS " ORDER BY seq, created_at, id" },
	{ "calls", true,
	  "SELECT created_at, json_extract(metadata, '$.tool') AS tool, json_extract(metadata, '$.server') "
	  "AS server,"
	  " json_extract(metadata, '$.class') AS class, json_extract(metadata, '$.call_id') AS call_id,"
	  " input AS arguments, output AS result, success AS \"success:bool\", error_message AS error, "
	  "latency_ms,"
	  " id, seq FROM ai_agent_interactions WHERE \"llmTaskId\" =" TASK
	  " AND interaction_type = 'tool' ORDER BY seq" },
	{ "summaries", true,
	  "SELECT a.created_at, s.upto_turn_id, s.text IS NOT NULL AS \"in_use:bool\", s.text, a.provider,"
	  " a.model_used AS model, a.success AS \"success:bool\", a.error_message AS error, a.input_tokens,"
	  " a.output_tokens, a.tokens_used AS tokens, a.cost_micros AS \"cost_usd:usd\", a.latency_ms,"
	  " a.request_id, a.id, a.seq, a.interaction_type AS type FROM conversation_summaries s"
	  " JOIN ai_agent_interactions a ON a.\"llmTaskId\" = s.\"llmTaskId\""
	  " WHERE" SUMMARIES " ORDER BY a.seq" },
	{ "approvals", true,
	  "SELECT a.code, a.tool, a.arguments AS \"arguments:json\", CASE WHEN a.state = 'pending' AND "
	  "a.expires_at < strftime('%Y-%m-%dT%H:%M:%fZ', 'now') THEN 'expired' WHEN a.state = 'used' THEN "
	  "'approved' ELSE a.state END AS state, a.created_at AS asked_at,"
	  " coalesce(u.username, p.display_name, a.profile_id) AS asked, a.expires_at, a.decided_at,"
	  " coalesce(v.username, d.display_name, a.decided_by) AS decided_by, a.turn_id, "
	  "a.used_turn_id, a.turn_id =" TURN " AS \"asked_here:bool\"" APPROVALS " ORDER BY a.id" },
	{ "replies", true,
	  "SELECT 'r' || o.id AS id, o.uuid, o.platform, o.installation, o.state, o.reason, o.attempts, "
	  "o.ord AS part, o.unsure AS \"unsure:bool\", o.body AS text,"
	  " o.created_at, o.next_at, o.expires_at, o.sent_at, o.remote_id FROM outbox o" REPLIES
	  " ORDER BY o.id" },
	{ "files", true,
	  "SELECT i.id AS import_id, i.\"inputFileName\" AS file, i.mime AS type, i.kind, i.size, "
	  "i.\"processingStatus\""
	  " AS status, i.\"errorCode\" AS code, i.\"errorMessage\" AS error, i.\"updatedAt\" AS updated_at,"
	  " (SELECT count(*) FROM import_outputs o WHERE o.import_id = i.id) AS outputs FROM "
	  "\"LLMAgentImport\" i"
	  " WHERE i.\"inboxId\" = CAST($1 AS BIGINT) OR i.\"inboxId\" IN (SELECT id FROM inbox WHERE turn_id "
	  "=" TURN ") ORDER BY i.id" },
	{ "feedback", true,
	  "SELECT value, platform, installation, sender, profile_id, created_at, updated_at FROM feedback"
	  " WHERE turn_id =" TURN " ORDER BY id" },
	{ "timeline", true,
	  "SELECT at, what, CASE WHEN rank IN (4, 5, 11) THEN 'record' ELSE 'journey' END AS source FROM ("
	  "SELECT sent_at AS at, 1 AS rank, 'said on ' || platform || '/' || installation AS what FROM inbox"
	  " WHERE id = CAST($1 AS BIGINT)"
	  " UNION ALL SELECT received_at, 2, 'accepted' FROM inbox WHERE id = CAST($1 AS BIGINT)"
	  " UNION ALL SELECT \"promptAt\", 3, 'turn ' || id || ' begun' FROM \"LLMConversationMessage\" "
	  "WHERE id =" TURN " UNION ALL SELECT \"createdAt\", 4, CASE kind WHEN 'reply' THEN 'model asks for "
	  "tools' WHEN 'intent'"
	  " THEN 'tool ' || tool || ' called' ELSE 'tool ' || tool || CASE WHEN failed THEN ' failed' ELSE ' "
	  "answered'"
	  " END END FROM \"LLMTaskStep\" WHERE \"llmTaskId\" =" TASK
	  " UNION ALL SELECT created_at, 5, CASE interaction_type WHEN 'transcription' THEN 'transcription "
	  "by ' ELSE 'model ' END || coalesce(model_used, 'unknown') || CASE WHEN success"
	  " THEN ' answered in ' || latency_ms || ' ms' ELSE ' failed: ' || coalesce(error_message, "
	  "'unknown') END"
	  " FROM ai_agent_interactions WHERE" AUDIT_REQUESTS " AND \"llmTaskId\" =" TASK
	  " UNION ALL SELECT created_at, 4.5, 'model ' || coalesce(model_used, 'unknown') || ' not asked: ' "
	  "||"
	  " coalesce(error_message, 'unknown') FROM ai_agent_interactions WHERE interaction_type = 'skipped'"
	  " AND \"llmTaskId\" =" TASK " UNION ALL SELECT a.created_at, 5, 'asks ' || coalesce(u.username, "
	  "p.display_name, a.profile_id) ||"
	  " ' to approve ' || a.tool || ' (' || a.code || ')'" APPROVALS
	  " UNION ALL SELECT created_at, 4.5, 'interrupted: the daemon ended' || coalesce(' when model ' ||"
	  " model_used || ' was perhaps being asked', '') FROM ai_agent_interactions WHERE interaction_type ="
	  " 'interrupted' AND json_extract(metadata, '$.turn') = (SELECT uuid FROM"
	  " \"LLMConversationMessage\" WHERE id =" TURN ")"
	  " UNION ALL SELECT a.decided_at, CASE WHEN a.turn_id =" TURN
	  " THEN 11 ELSE 5 END, a.tool || ' (' || a.code || ') ' || CASE a.state WHEN 'used' "
	  "THEN"
	  " 'approved' ELSE a.state END || ' by ' || coalesce(v.username, d.display_name, a.decided_by, "
	  "'nobody')" APPROVALS " UNION ALL SELECT a.created_at, 5, 'summary of the turns up to ' || "
	  "s.upto_turn_id || CASE WHEN a.success"
	  " THEN ' made' ELSE ' failed' END FROM conversation_summaries s JOIN ai_agent_interactions a"
	  " ON a.\"llmTaskId\" = s.\"llmTaskId\" WHERE" SUMMARIES
	  " UNION ALL SELECT \"fetchedAt\", 4, 'file ' || id || ' fetched' FROM \"LLMAgentImport\""
	  " WHERE \"inboxId\" = CAST($1 AS BIGINT)"
	  " UNION ALL SELECT \"extractedAt\", 4, 'file ' || id || ' read' FROM \"LLMAgentImport\""
	  " WHERE \"inboxId\" = CAST($1 AS BIGINT)"
	  " UNION ALL SELECT \"failedAt\", 4, 'file ' || id || ' failed: ' || \"errorCode\" FROM "
	  "\"LLMAgentImport\""
	  " WHERE \"inboxId\" = CAST($1 AS BIGINT)"
	  " UNION ALL SELECT finished_at, 6, state || CASE WHEN reason IS NULL THEN '' ELSE ': ' || reason "
	  "END FROM inbox"
	  " WHERE id = CAST($1 AS BIGINT)"
	  " UNION ALL SELECT dropped_at, 7, 'dropped by the operator' FROM inbox WHERE id = CAST($1 AS "
	  "BIGINT)"
	  " UNION ALL SELECT o.created_at, 8, 'reply r' || o.id || ' stored' FROM outbox o" REPLIES
	  " UNION ALL SELECT o.sent_at, 9, 'reply r' || o.id || ' delivered' FROM outbox o" REPLIES
	  " UNION ALL SELECT updated_at, 10, 'rated ' || value FROM feedback WHERE turn_id =" TURN
	  ") AS t WHERE at IS NOT NULL ORDER BY CASE WHEN rank <= 3 THEN 1 WHEN rank <= 5 THEN 2 ELSE 3 END, "
	  "at, rank" },
};

static bool find(struct db *db, const char *text, const char *profile, int64_t *id_out, struct err *err)
{
	bool is_id = text[0] != '\0' && strlen(text) <= 18 && text[strspn(text, "0123456789")] == '\0';
	bool found;

	if (!db_one_int(
		    db, err, &found, id_out,
		    is_id ? "SELECT id FROM inbox WHERE id = CAST($1 AS BIGINT) AND ($2 IS NULL OR "
			    "profile_id = $2)"
			  : "SELECT id FROM inbox WHERE uuid = lower($1) AND ($2 IS NULL OR profile_id = $2)",
		    "tt", text, profile))
		return false;
	return found || err_set(err, ERR_GONE, "there is no message %.*s", CUT(text));
}

bool explain_print(struct db *db, struct arena *room, const char *const *args, struct buf *out,
		   struct err *err)
{
	const char *id_text;
	int64_t id;
	bool done, found;

	if (!find(db, args[0], args[1], &id, err))
		return false;
	id_text = arena_format(room, "%" PRId64, id);
	done = true;
	for (size_t i = 0; done && i < sizeof(parts) / sizeof(parts[0]); i++) {
		buf_format(out, "%s\"%s\":", i ? "," : "{", parts[i].name);
		if (parts[i].list)
			done = rows_of(db, out, parts[i].sql, &id_text, 1, err);
		else
			done = row_of(db, out, parts[i].sql, &id_text, 1, &found, err);
	}
	buf_text(out, "}");
	return done;
}
