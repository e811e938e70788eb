/* What operators, and people with their own files, do about imports: again, no more, away. */
#include "crypto.h"
#include "imports.h"
#include "people.h"
#include <inttypes.h>
#include <stdlib.h>

/* The import that is meant, and the message it came with. */
struct meant {
	int64_t id, conversation_id, inbox_id;
	enum import_state state;
	bool kept; /* its content is there */
	const char *profile_id;
};

static bool find(struct db *db, struct arena *room, const char *const *args, struct meant *out,
		 struct err *err)
{
	struct query query;
	bool found;

	*out = (struct meant){ 0 };
	db_query(db, &query,
		 "SELECT i.id, i.\"processingStatus\", w.id, w.\"llmConversationId\", EXISTS (SELECT 1 FROM "
		 "blobs b"
		 " WHERE b.org_id = i.\"userCompanyId\" AND b.sha256 = i.sha256), i.\"userId\""
		 " FROM \"LLMAgentImport\" i LEFT JOIN inbox w ON w.id = i.\"inboxId\""
		 " WHERE i.id = CAST($1 AS BIGINT) AND ($2 IS NULL OR i.\"userId\" = $2)",
		 "tt", args[0], args[1]);
	found = db_row(&query);
	if (found) {
		*out = (struct meant){ .id = db_int(&query, 0),
				       .inbox_id = db_int(&query, 2),
				       .conversation_id = db_int(&query, 3),
				       .kept = db_bool(&query, 4),
				       .profile_id = room_text(room, &query, 5) };
		import_state_parse(db_text(&query, 1), &out->state);
	}
	if (!db_end(&query, err))
		return false;
	return found || err_set(err, ERR_GONE, "there is no import %.*s", CUT(args[0]));
}

static bool has_ended(const struct meant *it, struct err *err)
{
	return it->state >= IMPORT_PROCESSED ||
	       err_set(err, ERR_REFUSED, "import %" PRId64 " is still %s: cancel it first", it->id,
		       import_state_name(it->state));
}

/* ---- again ---------------------------------------------------------------------------------------------------- */

/* The same words and the one file, said once more: a turn of its own, merged with nothing. */
static bool say_again(struct db *db, const struct meant *it, struct place *place, const char *uuid,
		      int64_t *inbox_out, struct err *err)
{
	return db_insert(
		db, err, inbox_out,
		"INSERT INTO inbox (uuid, org_id, platform, installation, delivery_key, sender, sender_name, "
		"profile_id,"
		" conversation_key, \"llmConversationId\", seq, body, reply_to, files, flags, received_at, "
		"kind)"
		" SELECT $1, w.org_id, w.platform, w.installation, 'retry ' || $1, w.sender, w.sender_name, "
		"w.profile_id,"
		" w.conversation_key, w.\"llmConversationId\", $2, w.body, w.reply_to, "
		"json_array(json_patch('{}',"
		" json_object('url', i.\"inputFileUrl\", 'name', i.\"inputFileName\", 'mime', i.mime, "
		"'size', i.size))), $3,"
		" $4, 'said' FROM \"LLMAgentImport\" i JOIN inbox w ON w.id = i.\"inboxId\" WHERE i.id = $5",
		"tiiti", uuid, place->next_seq++, (int64_t)INCOMING_ALONE,
		clock_text(clock_wall_ms(), (char[CLOCK_TEXT_SIZE]){ 0 }), it->id);
}

/* What is kept is not fetched again: its link may be too old. */
static bool go_on_from(struct db *db, struct arena *room, const struct meant *it, int64_t inbox_id,
		       int64_t *id_out, struct err *err)
{
	bool found;

	return imports_add(db, inbox_id, err) &&
	       db_one_int(db, err, &found, id_out, "SELECT id FROM \"LLMAgentImport\" WHERE \"inboxId\" = $1",
			  "i", inbox_id) &&
	       db_run(db, err, NULL, "UPDATE \"LLMAgentImport\" SET \"retryOf\" = $2 WHERE id = $1", "ii",
		      *id_out, it->id) &&
	       (!it->kept ||
		db_run(db, err, NULL,
		       "UPDATE \"LLMAgentImport\" SET \"processingStatus\" = 'fetched', \"fetchedAt\" = $3,"
		       " sha256 = (SELECT o.sha256 FROM \"LLMAgentImport\" o WHERE o.id = $2) WHERE id = $1",
		       "iit", *id_out, it->id, room_time(room, clock_wall_ms())));
}

static bool find_place(struct db *db, struct arena *room, const struct meant *it, struct place *place,
		       struct err *err)
{
	bool found = it->inbox_id != 0 && it->conversation_id != 0;

	if (found && !place_by_id(db, room, it->conversation_id, NULL, place, &found, err))
		return false;
	if (!found)
		return err_set(err, ERR_REFUSED, "the message that import %" PRId64 " came with is gone",
			       it->id);
	return !place->archived || err_set(err, ERR_REFUSED, "its conversation is archived");
}

bool act_import_retry(struct db *db, struct arena *room, const char *const *args, json_t **answer_out,
		      struct err *err)
{
	char uuid[CRYPTO_UUID_SIZE];
	struct place place = { 0 };
	int64_t inbox_id, id;
	struct meant it;

	crypto_uuid(uuid);
	if (!find(db, room, args, &it, err) || !has_ended(&it, err) ||
	    !find_place(db, room, &it, &place, err) || !say_again(db, &it, &place, uuid, &inbox_id, err) ||
	    !go_on_from(db, room, &it, inbox_id, &id, err) || !place_keep(db, &place, clock_wall_ms(), err))
		return false;
	*answer_out =
		json_pack("{s:I, s:I, s:s, s:I}", "import_id", (json_int_t)id, "retry_of", (json_int_t)it.id,
			  "message", uuid, "conversation_id", (json_int_t)it.conversation_id);
	return true;
}

/* To the target of the settings, with all its attempts, whether it was given up or only waits. */
bool act_import_post(struct db *db, struct arena *room, const char *const *args, json_t **answer_out,
		     struct err *err)
{
	struct meant it;
	int64_t rows;

	if (!find(db, room, args, &it, err) || !has_ended(&it, err) ||
	    !db_run(db, err, &rows,
		    "UPDATE \"LLMAgentImport\" SET \"commercialState\" = 'due', \"commercialAttempts\" = 0,"
		    " \"commercialDueAt\" = $2 WHERE id = $1 AND coalesce(\"commercialState\", 'failed') IN"
		    " ('failed', 'due') AND EXISTS (SELECT 1 FROM import_target)",
		    "it", it.id, room_time(room, clock_wall_ms())))
		return false;
	if (rows == 0)
		return err_set(err, ERR_REFUSED,
			       "import %" PRId64 " is not to be posted: the target has it, is being sent it,"
			       " or the settings name none",
			       it.id);
	*answer_out = json_pack("{s:I, s:s}", "import_id", (json_int_t)it.id, "target_state", "due");
	return true;
}

/* ---- no more, away -------------------------------------------------------------------------------------------- */

bool act_import_cancel(struct db *db, struct arena *room, const char *const *args, json_t **answer_out,
		       struct err *err)
{
	struct import_end end = {
		.state = "failed", .code = "cancelled", .error = "it was cancelled", .now_ms = clock_wall_ms()
	};
	struct meant it;

	if (!find(db, room, args, &it, err))
		return false;
	if (it.state >= IMPORT_PROCESSED)
		return err_set(err, ERR_REFUSED, "import %" PRId64 " has ended: it is %s", it.id,
			       import_state_name(it.state));
	end.id = it.id;
	*answer_out = json_pack("{s:I, s:s}", "import_id", (json_int_t)it.id, "status", "failed");
	return import_end(db, &end, err);
}

bool act_import_delete(struct db *db, struct arena *room, const char *const *args, json_t **answer_out,
		       struct err *err)
{
	struct meant it;
	bool left = false;

	if (!find(db, room, args, &it, err) || !has_ended(&it, err) ||
	    !import_untell(db, room, it.id, true, err) || !import_forget(db, room, it.id, &left, err))
		return false;
	if (left)
		return err_set(err, ERR_AGAIN, "the file of import %" PRId64 " could not be removed", it.id);
	*answer_out = json_pack("{s:I, s:b, s:s}", "import_id", (json_int_t)it.id, "deleted", 1, "stays",
				"what was said about it in conversations");
	return true;
}
