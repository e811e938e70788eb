/* Files as their people find them: within reach, by words of name and type. */
#include "imports.h"

/* Neither path nor address is told. The reach is that of knowledge.c. */
const char files_sql[] =
	"SELECT i.id AS import_id, i.\"inputFileName\" AS name, i.mime AS type, i.size,"
	" i.\"processingStatus\" AS status, i.\"errorMessage\" AS error, i.scope,"
	" i.\"llmConversationId\" AS conversation_id, i.\"createdAt\" AS sent_at,"
	" coalesce(u.username, p.display_name) AS sent_by"
	" FROM user_profiles me JOIN \"LLMAgentImport\" i ON i.\"userCompanyId\" = me.org_id"
	" LEFT JOIN user_profiles p ON p.id = i.\"userId\" LEFT JOIN users u ON u.id = p.user_id"
	" WHERE me.org_id = $1 AND me.id = $2 AND me.status = 'active'"
	" AND (i.\"llmConversationId\" = nullif(CAST($3 AS BIGINT), 0) OR i.scope = 'organization'"
	" OR (i.scope = 'person' AND i.\"userId\" = me.id) OR me.role IN ('operator', 'owner'))"
	" AND NOT EXISTS (SELECT 1 FROM json_each($4) w WHERE instr(fold(i.\"inputFileName\" || ' ' ||"
	" coalesce(i.mime, '')), fold(w.value)) = 0) ORDER BY i.id DESC LIMIT min(50, CAST($5 AS BIGINT))";
