/* Calls of tools that wait for a person's yes: put down with the answer that asks, decided once. */
#include "approvals.h"
#include "crypto.h"
#include "people.h"
#include <stdlib.h>

static const char *hash_of(struct arena *room, const char *tool, const char *arguments)
{
	const char *what = arena_format(room, "%s\n%s", tool, arguments);
	char *hash = arena_alloc(room, CRYPTO_SHA256_HEX);

	crypto_sha256_hex(what, strlen(what), hash);
	return hash;
}

bool approvals_add(struct db *db, struct arena *room, const struct run *run, const struct asked *asked,
		   const struct ai_approval *approvals, size_t count, int64_t now_ms, struct err *err)
{
	bool done = true;

	for (size_t i = 0; i < count && done; i++)
		done = db_run(
			db, err, NULL,
			"INSERT INTO approvals (code, org_id, profile_id, turn_id, platform, "
			"installation, tool,"
			" arguments, hash, created_at, expires_at, tell_at)"
			" VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $11) ON CONFLICT (org_id, "
			"code) DO NOTHING",
			"tttittttttt", approvals[i].code, run->org_id, run->profile_id, run->turn_id,
			asked->platform, asked->installation, approvals[i].tool, approvals[i].arguments,
			hash_of(room, approvals[i].tool, approvals[i].arguments), room_time(room, now_ms),
			room_time(room, now_ms + (int64_t)TOOL_APPROVAL_S * 1000));
	return done;
}

/* ---- what is pressed -------------------------------------------------------------------------------------------- */

enum { MOST = MESSAGE_CHOICES_MAX / 2 }; /* the others are written */

/* One needs no name; of several each says which. */
static void add_choices(json_t *list, const char *code, bool named)
{
	static const struct {
		const char *label, *command;
	} ways[] = { { "Approve", "approve" }, { "Deny", "deny" } };

	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++)
		json_array_append_new(list,
				      json_pack("{s:o, s:o}", "label",
						named ? json_sprintf("%s %s", ways[i].label, code)
						      : json_string(ways[i].label),
						"command", json_sprintf("%s %s", ways[i].command, code)));
}

const char *approvals_choices(struct arena *room, const struct ai_approval *approvals, size_t count,
			      bool named)
{
	json_t *list = json_array();
	const char *copy;
	char *text;

	for (size_t i = 0; i < count && i < MOST; i++)
		add_choices(list, approvals[i].code, named);
	text = count ? json_write(list) : NULL;
	copy = arena_text(room, text);
	free(text);
	json_decref(list);
	return copy;
}

bool approvals_choices_of(struct db *db, struct arena *room, int64_t turn_id, const char **choices_out,
			  struct err *err)
{
	struct ai_approval list[MOST + 1];
	struct query query;
	size_t count = 0;

	db_query(db, &query, "SELECT code FROM approvals WHERE turn_id = $1 ORDER BY id", "i", turn_id);
	while (count <= MOST && db_row(&query))
		list[count++] = (struct ai_approval){ .code = room_text(room, &query, 0) };
	*choices_out = approvals_choices(room, list, count, count > 1);
	return db_end(&query, err);
}

/* ---- the decision ---------------------------------------------------------------------------------------------- */

struct approval {
	int64_t id, used_turn_id; /* 0: none */
	const char *tool, *arguments, *hash, *state, *profile_id;
	bool expired;
	bool may; /* the one who decides was asked, or is an operator there */
};

static bool read_approval(struct db *db, struct arena *room, const char *code, const char *profile,
			  struct approval *out, bool *found_out, struct err *err)
{
	struct query query;

	db_query(db, &query,
		 "SELECT a.id, a.tool, a.arguments, a.hash, a.state, a.profile_id, a.expires_at < $3,"
		 " coalesce(a.used_turn_id, 0), a.profile_id = p.id OR p.role IN ('operator', 'owner')"
		 " FROM user_profiles p JOIN approvals a ON a.org_id = p.org_id AND a.code = $1"
		 " WHERE p.id = $2 AND p.status = 'active'",
		 "ttt", code, profile, room_time(room, clock_wall_ms()));
	*found_out = db_row(&query);
	if (*found_out)
		*out = (struct approval){ .id = db_int(&query, 0),
					  .tool = room_text(room, &query, 1),
					  .arguments = room_text(room, &query, 2),
					  .hash = room_text(room, &query, 3),
					  .state = room_text(room, &query, 4),
					  .profile_id = room_text(room, &query, 5),
					  .expired = db_bool(&query, 6),
					  .used_turn_id = db_int(&query, 7),
					  .may = db_bool(&query, 8) };
	return db_end(&query, err);
}

/* Who was not asked learns nothing, not even that there is such a question. */
static bool may_decide(struct arena *room, const struct approval *approval, bool found, const char *turn,
		       bool *again_out, struct err *err)
{
	*again_out = false;
	if (!found || !approval->may)
		return err_set(err, ERR_GONE, "nothing with this code waits for your approval");
	if (strcmp(hash_of(room, approval->tool, approval->arguments), approval->hash) != 0)
		return err_set(err, ERR_REFUSED, "what is on record is not what you were shown");
	*again_out = approval->used_turn_id == strtoll(turn, NULL, 10);
	if (*again_out)
		return true; /* the same turn, begun again after a crash */
	if (strcmp(approval->state, "pending") != 0)
		return err_set(err, ERR_REFUSED, "this was %s already",
			       strcmp(approval->state, "used") == 0 ? "approved" : "denied");
	if (approval->expired)
		return err_set(err, ERR_REFUSED, "this approval has expired: ask me again");
	return true;
}

/* The turn of a yes is one that the model takes part in: it belongs to the history. */
static bool take(struct db *db, struct arena *room, const struct approval *approval, const char *profile,
		 const char *turn, bool yes, struct err *err)
{
	return db_run(db, err, NULL,
		      "UPDATE approvals SET state = $2, decided_at = $3, decided_by = $4, tell_at = $3,"
		      " used_turn_id = CASE WHEN $2 = 'used' THEN CAST($5 AS INTEGER) END WHERE id = $1",
		      "itttt", approval->id, yes ? "used" : "denied", room_time(room, clock_wall_ms()),
		      profile, turn) &&
	       (!yes || db_run(db, err, NULL,
			       "UPDATE \"LLMConversationMessage\" SET \"entityType\" = 'approval'"
			       " WHERE id = CAST($1 AS INTEGER)",
			       "t", turn));
}

bool act_approval_decide(struct db *db, struct arena *room, const char *const *args, json_t **answer_out,
			 struct err *err)
{
	const char *code = args[0], *profile = args[1], *turn = args[3];
	bool yes = strcmp(args[2], "approve") == 0, found, again;
	struct approval approval = { 0 };

	if (!read_approval(db, room, code, profile, &approval, &found, err) ||
	    !may_decide(room, &approval, found, turn, &again, err) ||
	    (!again && !take(db, room, &approval, profile, turn, yes, err)))
		return false;
	*answer_out = json_pack("{s:s,s:s,s:b}", "tool", approval.tool, "arguments", approval.arguments,
				"approved", yes);
	return true;
}
