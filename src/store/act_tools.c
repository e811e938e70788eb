/* What servers say of their tools: kept when first seen, noticed when it changes, approved by the operator. */
#include "people.h"
#include <string.h>

struct seen {
	const char *server, *tool, *hash, *now;
};

static bool read_pin(struct db *db, struct arena *room, const struct seen *seen, const char **hash_out,
		     const char **found_out, struct err *err)
{
	struct query query;

	*hash_out = *found_out = NULL;
	db_query(db, &query, "SELECT hash, found FROM tool_pins WHERE server = $1 AND tool = $2", "tt",
		 seen->server, seen->tool);
	if (db_row(&query)) {
		*hash_out = room_text(room, &query, 0);
		*found_out = room_text(room, &query, 1);
	}
	return db_end(&query, err);
}

/* Writes only what is news: servers list their tools at every start. */
static bool judge(struct db *db, struct arena *room, const struct seen *seen, char *how_out, struct err *err)
{
	const char *hash, *found;

	if (!read_pin(db, room, seen, &hash, &found, err))
		return false;
	*how_out = '+';
	if (hash)
		*how_out = (char)(strcmp(hash, seen->hash) == 0 ? '=' : '!');
	if (hash == NULL)
		return db_run(db, err, NULL,
			      "INSERT INTO tool_pins (server, tool, hash, first_at) VALUES ($1, $2, $3, $4)",
			      "tttt", seen->server, seen->tool, seen->hash, seen->now);
	if (*how_out == '=')
		return found == NULL ||
		       db_run(db, err, NULL,
			      "UPDATE tool_pins SET found = NULL WHERE server = $1 AND tool = $2", "tt",
			      seen->server, seen->tool);
	return (found && strcmp(found, seen->hash) == 0) ||
	       db_run(db, err, NULL,
		      "UPDATE tool_pins SET found = $3, changed_at = $4 WHERE server = $1 AND tool = $2",
		      "tttt", seen->server, seen->tool, seen->hash, seen->now);
}

bool act_tools_seen(struct db *db, struct arena *room, const char *const *args, json_t **answer_out,
		    struct err *err)
{
	json_t *tools = json_read(args[1], strlen(args[1]), err);
	const char *now = room_time(room, clock_wall_ms());
	char *judged = arena_alloc(room, json_array_size(tools) + 1);
	const json_t *one;
	size_t i;
	bool fine = json_is_array(tools) || err_set(err, ERR_REFUSED, "tools: expected a list");

	memset(judged, 0, json_array_size(tools) + 1);
	json_array_foreach (tools, i, one) {
		const char *tool = json_string_value(json_array_get(one, 0));
		const char *hash = json_string_value(json_array_get(one, 1));

		if (fine && (tool == NULL || hash == NULL))
			fine = err_set(err, ERR_REFUSED, "tools: expected pairs of tool and hash");
		else if (fine)
			fine = judge(db, room, &(struct seen){ args[0], tool, hash, now }, &judged[i], err);
	}
	json_decref(tools);
	*answer_out = fine ? json_pack("{s:s}", "judged", judged) : NULL;
	return fine;
}

bool act_tool_approve(struct db *db, struct arena *room, const char *const *args, json_t **answer_out,
		      struct err *err)
{
	struct seen seen = { .server = args[0], .tool = args[1] };
	const char *hash, *found;

	if (!read_pin(db, room, &seen, &hash, &found, err))
		return false;
	if (hash == NULL)
		return err_set(err, ERR_GONE, "no tool \"%.*s\" of a server \"%.*s\" was ever seen",
			       CUT(args[1]), CUT(args[0]));
	if (found == NULL)
		return err_set(err, ERR_REFUSED, "%.*s/%.*s has not changed: there is nothing to approve",
			       CUT(args[0]), CUT(args[1]));
	*answer_out = json_pack("{s:s,s:s}", "server", args[0], "tool", args[1]);
	return db_run(db, err, NULL,
		      "UPDATE tool_pins SET hash = found, found = NULL, approved_at = $3"
		      " WHERE server = $1 AND tool = $2",
		      "ttt", args[0], args[1], room_time(room, clock_wall_ms()));
}
