/* What servers say of their tools: kept when first seen, noticed when it changes, approved by the operator. */
#include "people.h"
#include <string.h>

enum {
	PINS_MAX = 10000, /* tools that one server ever named: one that makes up names fills no disk */
	DEFINITIONS_MAX = 4 << 20, /* characters of what one server says of its tools */
};

struct seen {
	const char *server, *tool, *hash, *now;
	int64_t *pins; /* how many this server has; -1: not counted yet */
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

static bool add_pin(struct db *db, const struct seen *seen, char *how_out, struct err *err)
{
	bool found;

	if (*seen->pins < 0 &&
	    !db_one_int(db, err, &found, seen->pins, "SELECT count(*) FROM tool_pins WHERE server = $1", "t",
			seen->server))
		return false;
	if (*seen->pins >= PINS_MAX) {
		*how_out = '-';
		return true;
	}
	++*seen->pins;
	return db_run(db, err, NULL,
		      "INSERT INTO tool_pins (server, tool, hash, first_at) VALUES ($1, $2, $3, $4)", "tttt",
		      seen->server, seen->tool, seen->hash, seen->now);
}

/* Words that nobody can ask for any more. hash may be NULL. */
static bool forget(struct db *db, const struct seen *seen, const char *hash, struct err *err)
{
	return hash == NULL ||
	       db_run(db, err, NULL,
		      "DELETE FROM tool_definitions WHERE server = $1 AND tool = $2 AND hash = $3", "ttt",
		      seen->server, seen->tool, hash);
}

/* Writes only what is news: servers list their tools at every start. */
static bool judge(struct db *db, struct arena *room, const struct seen *seen, char *how_out, struct err *err)
{
	const char *hash, *found;
	bool same;

	if (!read_pin(db, room, seen, &hash, &found, err))
		return false;
	*how_out = '+';
	if (hash == NULL)
		return add_pin(db, seen, how_out, err);
	same = strcmp(hash, seen->hash) == 0;
	*how_out = (char)(same ? '=' : '!');
	if (same ? found == NULL : found && strcmp(found, seen->hash) == 0)
		return true;
	if (!forget(db, seen, found, err))
		return false;
	if (same)
		return db_run(db, err, NULL,
			      "UPDATE tool_pins SET found = NULL WHERE server = $1 AND tool = $2", "tt",
			      seen->server, seen->tool);
	return db_run(db, err, NULL,
		      "UPDATE tool_pins SET found = $3, changed_at = $4 WHERE server = $1 AND tool = $2",
		      "tttt", seen->server, seen->tool, seen->hash, seen->now);
}

/* Is what it says now not kept yet? */
static bool see(struct db *db, struct arena *room, const struct seen *seen, size_t index, char *judged,
		json_t *wanted, struct err *err)
{
	bool found;
	int64_t kept;

	if (!judge(db, room, seen, &judged[index], err) ||
	    !db_one_int(db, err, &found, &kept,
			"SELECT count(*) FROM tool_definitions WHERE server = $1 AND tool = $2 AND hash = $3",
			"ttt", seen->server, seen->tool, seen->hash))
		return false;
	if (kept == 0)
		json_array_append_new(wanted, json_integer((json_int_t)index));
	return true;
}

bool act_tools_seen(struct db *db, struct arena *room, const char *const *args, json_t **answer_out,
		    struct err *err)
{
	json_t *tools = json_read(args[1], strlen(args[1]), err);
	const char *now = room_time(room, clock_wall_ms());
	char *judged = arena_alloc(room, json_array_size(tools) + 1);
	json_t *wanted = json_array();
	const json_t *one;
	int64_t pins = -1;
	size_t i;
	bool fine = json_is_array(tools) || err_set(err, ERR_REFUSED, "tools: expected a list");

	memset(judged, 0, json_array_size(tools) + 1);
	json_array_foreach (tools, i, one) {
		const char *tool = json_string_value(json_array_get(one, 0));
		const char *hash = json_string_value(json_array_get(one, 1));

		if (fine && (tool == NULL || hash == NULL))
			fine = err_set(err, ERR_REFUSED, "tools: expected pairs of tool and hash");
		else if (fine)
			fine = see(db, room, &(struct seen){ args[0], tool, hash, now, &pins }, i, judged,
				   wanted, err);
	}
	json_decref(tools);
	*answer_out = fine ? json_pack("{s:s, s:O}", "judged", judged, "wanted", wanted) : NULL;
	json_decref(wanted);
	return fine;
}

bool act_tool_said(struct db *db, struct arena *room, const char *const *args, json_t **answer_out,
		   struct err *err)
{
	bool found;
	int64_t length;

	(void)room;
	if (!db_one_int(db, err, &found, &length,
			"SELECT coalesce(sum(length(definition)), 0) FROM tool_definitions WHERE server = $1",
			"t", args[0]))
		return false;
	if (length >= DEFINITIONS_MAX)
		return err_set(err, ERR_REFUSED, "this server says too much of its tools");
	*answer_out = json_object();
	return db_run(db, err, NULL,
		      "INSERT INTO tool_definitions (server, tool, hash, definition) SELECT $1, $2, $3, $4"
		      " FROM tool_pins WHERE server = $1 AND tool = $2 AND (hash = $3 OR found = $3)"
		      " ON CONFLICT DO NOTHING",
		      "tttt", args[0], args[1], args[2], args[3]);
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
	if (strlen(args[2]) < 8 || strncmp(found, args[2], strlen(args[2])) != 0)
		return err_set(
			err, ERR_REFUSED,
			"%.*s/%.*s says something else by now than what you have seen: look at it again",
			CUT(args[0]), CUT(args[1]));
	*answer_out = json_pack("{s:s,s:s}", "server", args[0], "tool", args[1]);
	return forget(db, &seen, hash, err) &&
	       db_run(db, err, NULL,
		      "UPDATE tool_pins SET hash = found, found = NULL, approved_at = $3"
		      " WHERE server = $1 AND tool = $2",
		      "ttt", args[0], args[1], room_time(room, clock_wall_ms()));
}
