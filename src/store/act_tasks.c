/* The to-do list: each change belongs to one person and one tool call, and is made once however often it is
 * asked. */
#include "people.h"
#include <stdlib.h>

enum { TITLE_BYTES_MAX = 1000, DESCRIPTION_BYTES_MAX = 16384 };

/* What every change begins with. */
struct call {
	const char *org_id, *profile_id, *key; /* key NULL: not repeatable */
	const char *now;
};

static struct call call_of(struct arena *room, const char *const *args, const char *key)
{
	return (struct call){
		.org_id = args[0], .profile_id = args[1], .key = key, .now = room_time(room, clock_wall_ms())
	};
}

/* The answer this very call got before; *answer_out stays NULL when it is new. */
static bool answered_before(struct db *db, const struct call *call, json_t **answer_out, struct err *err)
{
	struct query query;

	if (call->key == NULL)
		return true;
	db_query(db, &query, "SELECT result FROM task_calls WHERE call_key = $1 AND user_id = $2", "tt",
		 call->key, call->profile_id);
	if (db_row(&query))
		*answer_out = json_read(db_text(&query, 0), db_text_len(&query, 0), NULL);
	return db_end(&query, err);
}

static bool remember(struct db *db, const struct call *call, const json_t *answer, struct err *err)
{
	char *text;
	bool done;

	if (call->key == NULL)
		return true;
	text = json_write(answer);
	done = db_run(
		db, err, NULL,
		"INSERT INTO task_calls (call_key, user_id, result, created_at) VALUES ($1, $2, $3, $4)",
		"tttt", call->key, call->profile_id, text, call->now);
	free(text);
	return done;
}

static bool texts_check(const char *title, const char *description, struct err *err)
{
	if (title != NULL && (text_blank(title) || strlen(title) > TITLE_BYTES_MAX))
		return err_set(err, ERR_REFUSED, "title: 1 to %d bytes of text are expected",
			       TITLE_BYTES_MAX);
	if (description != NULL && strlen(description) > DESCRIPTION_BYTES_MAX)
		return err_set(err, ERR_REFUSED, "description: at most %d bytes of text are expected",
			       DESCRIPTION_BYTES_MAX);
	return true;
}

/* Runs a change that returns the id and title of the task, and answers {"task_id","status","title"}. */
static bool change(struct db *db, const struct call *call, const char *status, struct query *query,
		   json_t **answer_out, struct err *err)
{
	bool found = db_row(query);

	if (found)
		*answer_out = json_pack("{s:I, s:s, s:s}", "task_id", (json_int_t)db_int(query, 0), "status",
					status, "title", db_text(query, 1));
	while (db_row(query))
		;
	if (!db_end(query, err))
		return false;
	if (!found)
		return err_set(err, ERR_GONE, "there is no such task on your list");
	return remember(db, call, *answer_out, err);
}

bool act_task_add(struct db *db, struct arena *room, const char *const *args, json_t **answer_out,
		  struct err *err)
{
	struct call call = call_of(room, args, args[4]);
	struct query query;

	if (!texts_check(args[2], args[3], err) || !answered_before(db, &call, answer_out, err))
		return false;
	if (*answer_out != NULL)
		return true;
	db_query(db, &query,
		 "INSERT INTO tasks (org_id, user_id, title, description, created_at, updated_at, call_key)"
		 " VALUES ($1, $2, $3, $4, $5, $5, $6) RETURNING id, title",
		 "tttttt", call.org_id, call.profile_id, args[2], args[3], call.now, call.key);
	return change(db, &call, "created", &query, answer_out, err);
}

bool act_task_complete(struct db *db, struct arena *room, const char *const *args, json_t **answer_out,
		       struct err *err)
{
	struct call call = call_of(room, args, args[3]);
	struct query query;

	if (!answered_before(db, &call, answer_out, err))
		return false;
	if (*answer_out != NULL)
		return true;
	db_query(db, &query,
		 "UPDATE tasks SET completed = $4, updated_at = $5"
		 " WHERE org_id = $1 AND user_id = $2 AND id = CAST($3 AS BIGINT) RETURNING id, title",
		 "tttbt", call.org_id, call.profile_id, args[2], true, call.now);
	return change(db, &call, "completed", &query, answer_out, err);
}

bool act_task_update(struct db *db, struct arena *room, const char *const *args, json_t **answer_out,
		     struct err *err)
{
	struct call call = call_of(room, args, args[5]);
	struct query query;

	if (args[3] == NULL && args[4] == NULL)
		return err_set(err, ERR_REFUSED, "a new title or description is expected");
	if (!texts_check(args[3], args[4], err) || !answered_before(db, &call, answer_out, err))
		return false;
	if (*answer_out != NULL)
		return true;
	db_query(db, &query,
		 "UPDATE tasks SET title = coalesce($4, title), description = coalesce($5, description), "
		 "updated_at = $6"
		 " WHERE org_id = $1 AND user_id = $2 AND id = CAST($3 AS BIGINT) RETURNING id, title",
		 "tttttt", call.org_id, call.profile_id, args[2], args[3], args[4], call.now);
	return change(db, &call, "updated", &query, answer_out, err);
}

bool act_task_delete(struct db *db, struct arena *room, const char *const *args, json_t **answer_out,
		     struct err *err)
{
	struct call call = call_of(room, args, args[3]);
	struct query query;

	if (!answered_before(db, &call, answer_out, err))
		return false;
	if (*answer_out != NULL)
		return true;
	db_query(db, &query,
		 "DELETE FROM tasks WHERE org_id = $1 AND user_id = $2 AND id = CAST($3 AS BIGINT) RETURNING "
		 "id, title",
		 "ttt", call.org_id, call.profile_id, args[2]);
	return change(db, &call, "deleted", &query, answer_out, err);
}
