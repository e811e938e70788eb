/* The record as it stands, a page at a time, and where the chains end. */
#include "audit.h"
#include "people.h"
#include <string.h>

enum { EXPORT_ROWS = 1000, EXPORT_BYTES = 4 << 20 };

/* The documents' columns by their names, then ours. */
static const char export_sql[] =
	"SELECT id, org_id, user_id, agent_name, interaction_type, input, output, model_used, tokens_used,"
	" cost_usd, latency_ms, success AS \"success:bool\", error_message, metadata AS \"metadata:json\","
	" created_at, provider, platform, input_tokens, output_tokens, cached_tokens, cost_micros,"
	" first_token_ms, request_id, estimated AS \"estimated:bool\", seq, content_salt, content_hash, hash,"
	" erased_by FROM ai_agent_interactions WHERE org_id = $1 AND created_at >= coalesce($4, $2, '')"
	" AND created_at < coalesce($3, '9') AND ($4 IS NULL OR created_at > $4 OR id > $5)"
	" ORDER BY created_at, id LIMIT $6";

enum { EXPORT_ID = 0, EXPORT_AT = 14 };

bool audit_export_print(struct db *db, struct arena *room, const char *const *args, struct buf *out,
			struct err *err)
{
	const char *at = NULL, *id = NULL;
	struct query query;
	size_t rows = 0, from = out->len;
	bool more = true;

	db_query(db, &query, export_sql, "ttttti", args[0], args[1], args[2], args[3], args[4],
		 (int64_t)EXPORT_ROWS);
	buf_text(out, "{\"rows\":[");
	while (out->len - from < EXPORT_BYTES && (more = db_row(&query))) {
		buf_text(out, rows++ ? "," : "");
		row_print(&query, out);
		if (rows == EXPORT_ROWS || out->len - from >= EXPORT_BYTES) {
			at = room_text(room, &query, EXPORT_AT);
			id = room_text(room, &query, EXPORT_ID);
			break;
		}
	}
	buf_text(out, "],\"next\":");
	if (more && at) {
		buf_text(out, "[");
		json_quote(out, at, strlen(at));
		buf_text(out, ",");
		json_quote(out, id, strlen(id));
		buf_text(out, "]}");
	} else {
		buf_text(out, "null}");
	}
	return db_end(&query, err);
}

bool audit_heads_print(struct db *db, const char *org, struct buf *out, struct err *err)
{
	return rows_of(
		db, out,
		"SELECT o.name AS organisation, coalesce(h.seq, 0) AS seq, h.hash, coalesce(h.pruned_seq, 0)"
		" AS pruned, coalesce(h.unchained, 0) AS unchained, o.id AS org_id FROM organizations o"
		" LEFT JOIN audit_heads h ON h.org_id = o.id"
		" WHERE $1 IS NULL OR o.id = $1 OR o.name = $1 ORDER BY o.created_at, o.id",
		&org, 1, err);
}
