/* What somebody left outside of turns: messages that were not answered, files, the to-do list, approvals, titles, rows
 * from before the chain; and what others' turns quote of it. */
#include "erase.h"
#include <string.h>

static bool run(struct erasing *it, const char *sql)
{
	return it->profile ? db_run(it->db, it->err, NULL, sql, "t", it->profile)
			   : db_run(it->db, it->err, NULL, sql, "i", it->conversation);
}

#define ENDED " state NOT IN ('accepted', 'claimed')"
#define SENT  " state NOT IN ('pending', 'sending')"

/* A text that is gone already is not written again: an erasure is given twice where something was under way. */
#define EMPTY_INBOX                                                                                          \
	"UPDATE inbox SET body = " GONE ", files = '[]', sender_name = NULL, fingerprint = NULL WHERE" ENDED \
	" AND (body <> " GONE " OR sender_name IS NOT NULL) AND"
#define EMPTY_OUTBOX                                                                                         \
	"UPDATE outbox SET body = " GONE ", choices = NULL WHERE" SENT " AND body <> " GONE " AND"

static bool rest_of_conversation(struct erasing *it)
{
	return erase_files(it,
			   "SELECT DISTINCT f.\"inboxId\" FROM \"LLMAgentImport\" f JOIN inbox i ON i.id ="
			   " f.\"inboxId\" WHERE i.\"llmConversationId\" = $1 AND i." ENDED " LIMIT 500",
			   "i", NULL, it->conversation) &&
	       run(it, "UPDATE \"LLMConversation\" SET title = NULL WHERE id = $1") &&
	       run(it, EMPTY_INBOX " \"llmConversationId\" = $1") &&
	       run(it, EMPTY_OUTBOX " \"llmConversationId\" = $1");
}

/* The rows of files that could not be removed stay, so that the next try finds them. */
static bool rest_of_files(struct erasing *it)
{
	return erase_files(
		       it,
		       "SELECT DISTINCT i.id FROM \"LLMAgentImport\" f JOIN inbox i ON i.id = f.\"inboxId\""
		       " WHERE (f.\"userId\" = $1 OR" ERASE_SAID_BY("i") ") AND i." ENDED " LIMIT 500",
		       "t", it->profile, 0) &&
	       run(it, "UPDATE \"LLMAgentImport\" SET \"inputFileName\" = " GONE
		       ", \"inputFileUrl\" = NULL, \"outputFileUrl\" = NULL, \"outputContent\" = NULL,"
		       " outline = NULL, \"errorMessage\" = CASE WHEN \"errorMessage\" IS NOT NULL THEN " GONE
		       " END WHERE \"userId\" = $1 AND NOT EXISTS (SELECT 1 FROM inbox i"
		       " WHERE i.id = \"inboxId\" AND i.state IN ('accepted', 'claimed'))");
}

/* What a call answered stays answered: a repetition must not do again what was erased. */
static bool rest_of_tools(struct erasing *it)
{
	return run(it, "DELETE FROM tasks WHERE user_id = $1") &&
	       run(it, "UPDATE task_calls SET result = '{\"status\":\"erased\"}' WHERE user_id = $1") &&
	       db_run(it->db, it->err, NULL,
		      "UPDATE approvals SET arguments = '{}', hash = $2,"
		      " state = CASE state WHEN 'pending' THEN 'denied' ELSE state END,"
		      " decided_at = coalesce(decided_at, $3) WHERE profile_id = $1 AND EXISTS (SELECT 1 FROM"
		      " \"LLMConversationMessage\" m WHERE m.id = turn_id AND m.\"answeredAt\" IS NOT NULL)"
		      " AND NOT EXISTS (SELECT 1 FROM \"LLMConversationMessage\" u WHERE u.id = used_turn_id"
		      " AND u.\"answeredAt\" IS NULL)",
		      "ttt", it->profile, audit_zero, room_time(it->room, clock_wall_ms()));
}

#define QUOTING                                                                                              \
	" m.\"userId\" <> $1 AND m.\"answeredAt\" IS NOT NULL"                                               \
	" AND substr(m.\"structuredUserPrompt\", 1, 11) = '{\"context\":' AND m.\"llmConversationId\" IN"    \
	" (SELECT o.\"llmConversationId\" FROM \"LLMConversationMessage\" o WHERE o.\"userId\" = $1)"

/* Where several speak, a turn is told what the others said before, and nobody can tell whose words are whose: all of it
 * goes, and what the record holds of that turn's requests. */
static bool rest_of_quotes(struct erasing *it)
{
	struct numbers tasks;

	if (!erase_numbers(it, &tasks,
			   "SELECT m.\"llmTaskId\" FROM \"LLMConversationMessage\" m WHERE" QUOTING
			   " AND m.\"llmTaskId\" IS NOT NULL LIMIT 500",
			   "t", it->profile, 0))
		return false;
	for (size_t i = 0; i < tasks.count; i++)
		if (!audit_empty_task(it->db, tasks.list[i], &it->why, NULL, it->err) ||
		    !db_run(it->db, it->err, NULL,
			    "UPDATE \"LLMConversationMessage\" SET \"structuredUserPrompt\" ="
			    " json_remove(\"structuredUserPrompt\", '$.context') WHERE \"llmTaskId\" = $1",
			    "i", tasks.list[i]) ||
		    !db_run(it->db, it->err, NULL,
			    "UPDATE \"LLMTask\" SET \"llmRawPrompt\" = NULL WHERE id = $1", "i",
			    tasks.list[i]))
			return false;
	it->more = it->more || tasks.count == STEP_ROWS;
	return true;
}

static bool rest_of_person(struct erasing *it)
{
	return rest_of_files(it) &&
	       run(it, "DELETE FROM import_outputs WHERE profile_id = $1 AND turn_id IS NULL AND import_id "
		       "IS NULL") &&
	       rest_of_tools(it) && rest_of_quotes(it) &&
	       run(it, "UPDATE \"LLMConversation\" SET title = NULL WHERE \"userId\" = $1") &&
	       run(it, "UPDATE user_profiles SET language = NULL WHERE id = $1") &&
	       run(it, EMPTY_OUTBOX ERASE_TOLD) && run(it, EMPTY_INBOX ERASE_SAID_BY("inbox")) &&
	       run(it, "UPDATE ai_agent_interactions SET input = NULL, output = NULL WHERE user_id = $1"
		       " AND seq IS NULL");
}

/* The index of words only marks what was deleted: its bytes go when the index is written anew, in one piece. */
static bool rest_of_words(struct erasing *it)
{
	return db_run(it->db, it->err, NULL,
		      "INSERT INTO knowledge_words (knowledge_words) VALUES ('optimize')", "");
}

bool erase_rest(struct erasing *it)
{
	return (it->profile ? rest_of_person(it) : rest_of_conversation(it)) && rest_of_words(it);
}
