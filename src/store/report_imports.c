/* Imports as people and programs read them: a list, and one with everything that became of it. */
#include "imports.h"
#include "people.h"

#define ROW                                                                                                  \
	"SELECT i.id AS import_id, i.\"inputFileName\" AS file, i.mime AS type, i.kind, i.size,"             \
	" i.\"processingStatus\" AS status, i.\"errorCode\" AS code, i.\"errorMessage\" AS error, i.scope,"  \
	" i.\"llmConversationId\" AS conversation_id, i.\"llmConversationMessageId\" AS turn_id,"            \
	" w.uuid AS message, w.platform, w.installation, w.state AS message_state,"                          \
	" coalesce(u.username, p.display_name) AS sent_by, i.\"retryOf\" AS retry_of, i.\"rowsIn\" AS "      \
	"rows_in, i.\"rowsOut\" AS rows_out, i.\"rowsRefused\" AS rows_refused,"                             \
	" i.\"rowsIn\" - i.\"rowsOut\" - i.\"rowsRefused\" AS rows_blank, i.\"createdAt\" AS "               \
	"created_at, i.\"updatedAt\" AS updated_at, i.\"commercialState\" AS target_state,"                  \
	" i.\"commercialImportId\" AS target_id, i.\"commercialError\" AS target_error"
#define FROM                                                                                                 \
	" FROM \"LLMAgentImport\" i LEFT JOIN inbox w ON w.id = i.\"inboxId\""                               \
	" LEFT JOIN user_profiles p ON p.id = i.\"userId\" LEFT JOIN users u ON u.id = p.user_id"
#define LIST                                                                                                 \
	" AND ($2 IS NULL OR i.\"userCompanyId\" = $2) AND ($3 IS NULL OR i.\"processingStatus\" = $3)"      \
	" AND ($5 IS NULL OR i.id < CAST($5 AS BIGINT)) ORDER BY i.id DESC LIMIT CAST($4 AS BIGINT)"

const char imports_sql[] = ROW FROM " WHERE i.\"userId\" = $1" LIST;
const char imports_all_sql[] = ROW FROM " WHERE $1 IS NULL" LIST;

/* What is still waited for: files of uploads that were not fetched. Said twice, for the index of those that are open. */
const char uploads_waiting_sql[] =
	"SELECT \"inputFileUrl\" AS url FROM \"LLMAgentImport\" WHERE"
	" \"processingStatus\" IN ('received', 'fetched', 'checked', 'extracted')"
	" AND \"processingStatus\" = 'received' AND \"inputFileUrl\" LIKE 'upload:%'";

const char message_imports_sql[] = "SELECT i.id AS import_id FROM inbox w JOIN \"LLMAgentImport\" i ON"
				   " i.\"inboxId\" = w.id WHERE w.uuid = $1 ORDER BY i.id";

const char import_sql[] =
	ROW ", i.sha256, i.outline AS \"outline:json\", (SELECT count(*) FROM knowledge k WHERE k.import_id "
	    "= i.id) AS"
	    " pieces, (SELECT json_group_array(json_object('output_id', o.id, 'name', o.name, 'format', "
	    "o.format, 'type',"
	    " o.mime, 'bytes', o.bytes, 'sha256', o.sha256, 'report', json(o.report), 'created_at', "
	    "o.created_at, 'reply',"
	    " (SELECT json_object('id', 'r' || r.id, 'state', r.state, 'reason', r.reason, 'sent_at', "
	    "r.sent_at) FROM outbox r"
	    " WHERE r.output_id = o.id ORDER BY r.id DESC LIMIT 1))) FROM import_outputs o WHERE o.import_id "
	    "= i.id)"
	    " AS \"outputs:json\", json_object('received', i.\"createdAt\", 'fetched', i.\"fetchedAt\", "
	    "'checked',"
	    " i.\"checkedAt\", 'extracted', i.\"extractedAt\", 'processed', i.\"processedAt\", 'delivered',"
	    " i.\"deliveredAt\", 'failed', i.\"failedAt\") AS \"timeline:json\"" FROM
	    " WHERE i.id = CAST($1 AS BIGINT) AND ($2 IS NULL OR i.\"userId\" = $2)";
