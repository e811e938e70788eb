/* Conversations: named, put away as read-only, taken out again. */
#include "people.h"
#include <stdlib.h>

enum { TITLE_BYTES_MAX = 400 };

/* What a conversation is now; the profile was checked when it was looked up and stays in the question. */
static bool answer(struct db *db, struct arena *room, const char *const *args, json_t **answer_out,
		   struct err *err)
{
	struct query query;

	(void)room;
	db_query(db, &query,
		 "SELECT id, uuid, title, state, updated_at FROM conversation WHERE id = CAST($1 AS BIGINT)"
		 " AND ($2 IS NULL OR user_id = $2)",
		 "tt", args[0], args[1]);
	if (db_row(&query))
		*answer_out = json_pack("{s:I, s:s, s:s?, s:s, s:s}", "conversation_id",
					(json_int_t)db_int(&query, 0), "conversation_uuid",
					db_text(&query, 1), "title", db_text(&query, 2), "state",
					db_text(&query, 3), "updated_at", db_text(&query, 4));
	return db_end(&query, err);
}

bool act_conversation_rename(struct db *db, struct arena *room, const char *const *args, json_t **answer_out,
			     struct err *err)
{
	if (text_blank(args[2]) || strlen(args[2]) > TITLE_BYTES_MAX)
		return err_set(err, ERR_REFUSED, "a title has 1 to %d bytes", TITLE_BYTES_MAX);
	return db_run(db, err, NULL,
		      "UPDATE \"LLMConversation\" SET title = $3, \"updatedAt\" = $4 WHERE id = CAST($1 AS "
		      "BIGINT)"
		      " AND ($2 IS NULL OR \"userId\" = $2)",
		      "tttt", args[0], args[1], args[2], room_time(room, clock_wall_ms())) &&
	       answer(db, room, args, answer_out, err);
}

static bool set_state(struct db *db, struct arena *room, const char *const *args, const char *state,
		      struct err *err)
{
	return db_run(
		db, err, NULL,
		"UPDATE \"LLMConversation\" SET state = $3, \"updatedAt\" = $4 WHERE id = CAST($1 AS BIGINT)"
		" AND ($2 IS NULL OR \"userId\" = $2) AND state <> $3",
		"tttt", args[0], args[1], state, room_time(room, clock_wall_ms()));
}

/* What was accepted before is still answered: the answer belongs to the conversation as it was. */
bool act_conversation_archive(struct db *db, struct arena *room, const char *const *args, json_t **answer_out,
			      struct err *err)
{
	return set_state(db, room, args, "archived", err) && answer(db, room, args, answer_out, err);
}

bool act_conversation_unarchive(struct db *db, struct arena *room, const char *const *args,
				json_t **answer_out, struct err *err)
{
	if (set_state(db, room, args, "active", err))
		return answer(db, room, args, answer_out, err);
	if (err->kind == ERR_REFUSED)
		return err_set(err, ERR_REFUSED,
			       "a newer conversation is going on at the same place: archive that one first");
	return false;
}
