/* Which summary is in force, and how summaries go with what they were made of. */
#include "memory.h"
#include <string.h>

bool memory_read(struct db *db, struct arena *room, int64_t conversation_id, int64_t before_turn_id,
		 struct memory *memory_out, struct err *err)
{
	struct query query;

	*memory_out = (struct memory){ 0 };
	db_query(db, &query,
		 "SELECT id, upto_turn_id, text, EXISTS (SELECT 1 FROM conversation_summaries"
		 " WHERE conversation_id = $1 AND told_turn_id IS NOT NULL) FROM conversation_summaries"
		 " WHERE conversation_id = $1 AND upto_turn_id < $2 AND text IS NOT NULL"
		 " ORDER BY upto_turn_id DESC, id DESC LIMIT 1",
		 "ii", conversation_id, before_turn_id);
	if (db_row(&query))
		*memory_out = (struct memory){ .id = db_int(&query, 0),
					       .upto_turn_id = db_int(&query, 1),
					       .text = room_text(room, &query, 2),
					       .told = db_bool(&query, 3) };
	return db_end(&query, err);
}

bool memory_told(struct db *db, int64_t summary_id, int64_t turn_id, struct err *err)
{
	return db_run(db, err, NULL, "UPDATE conversation_summaries SET told_turn_id = $2 WHERE id = $1",
		      "ii", summary_id, turn_id);
}

/* Every later summary is made of the one before. */
#define MADE_OF                                                                                              \
	" conversation_id = (SELECT m.\"llmConversationId\" FROM \"LLMConversationMessage\" m WHERE m.id = " \
	"$1)"                                                                                                \
	" AND upto_turn_id >= $1"

bool memory_changed(struct db *db, int64_t turn_id, struct err *err)
{
	return db_run(db, err, NULL,
		      "UPDATE conversation_summaries SET text = NULL WHERE" MADE_OF " AND text IS NOT NULL",
		      "i", turn_id);
}

enum { STEP = 100 };

static bool read_tasks(struct db *db, int64_t turn_id, int64_t tasks[STEP], size_t *count_out,
		       struct err *err)
{
	struct query query;

	*count_out = 0;
	db_query(db, &query, "SELECT \"llmTaskId\" FROM conversation_summaries WHERE" MADE_OF " LIMIT 100",
		 "i", turn_id);
	while (*count_out < STEP && db_row(&query))
		tasks[(*count_out)++] = db_int(&query, 0);
	return db_end(&query, err);
}

bool memory_forget(struct db *db, struct arena *room, int64_t turn_id, const struct audit_why *why,
		   const char *input, struct err *err)
{
	int64_t *tasks = arena_alloc(room, STEP * sizeof(*tasks));
	size_t count = STEP;

	while (count == STEP) {
		if (!read_tasks(db, turn_id, tasks, &count, err))
			return false;
		for (size_t i = 0; i < count; i++)
			if (!audit_empty_task(db, tasks[i], why, input, err) ||
			    !db_run(db, err, NULL,
				    "DELETE FROM conversation_summaries WHERE \"llmTaskId\" = $1", "i",
				    tasks[i]))
				return false;
	}
	return true;
}

/* A model that sees the notice in what it said before would write it itself. */
const char *memory_answer(struct arena *room, const struct query *query, int column)
{
	static const char notice[] = STORE_SUMMARY_NOTICE;
	const char *text = db_text(query, column);
	size_t len = db_text_len(query, column), end = sizeof(notice) - 1;

	if (text == NULL || len <= end || memcmp(text + len - end, notice, end) != 0)
		return room_text(room, query, column);
	return arena_text_n(room, text, len - end);
}
