/* What people do about something said earlier: edit it, take it back, rate the answer, stop it. */
#include "arrival.h"
#include "files.h"
#include "prompt.h"
#include <string.h>

/* The message that is meant. id 0: there is none that this sender may change. */
struct target {
	int64_t id, turn_id, conversation_id;
	enum message_state state;
	const char *body;
	bool unknown; /* it has not come, or was never for us */
};

static bool find_target(struct arrival *it, struct target *target, const char **reason, struct err *err)
{
	const struct incoming *in = it->in;
	struct query query;
	bool found;

	*target = (struct target){ 0 };
	db_query(it->db, &query,
		 "SELECT id, turn_id, \"llmConversationId\", state, body, sender FROM inbox"
		 " WHERE platform = $1 AND installation = $2 AND semantic_key = $3 AND kind = 'said'",
		 "ttt", it->ask->platform, it->ask->installation, in->target);
	found = db_row(&query);
	target->unknown = !found;
	if (!found) {
		*reason = "unknown target";
	} else if (!(in->flags & INCOMING_ANYBODYS) &&
		   (in->sender == NULL || strcmp(db_text(&query, 5), in->sender) != 0)) {
		*reason = "not the author";
	} else {
		*target = (struct target){ .id = db_int(&query, 0),
					   .turn_id = db_int(&query, 1),
					   .conversation_id = db_int(&query, 2),
					   .body = room_text(it->room, &query, 4) };
		message_state_parse(db_text(&query, 3), &target->state);
	}
	return db_end(&query, err);
}

/* A conversation is called after the first thing said in it. */
static bool change_title(struct arrival *it, const struct target *target, const char *body, struct err *err)
{
	const char *old = place_title(it->room, target->body);

	if (target->conversation_id == 0 || old == NULL)
		return true;
	return db_run(it->db, err, NULL,
		      "UPDATE \"LLMConversation\" SET title = $3 WHERE id = $1 AND title = $2", "itt",
		      target->conversation_id, old, body ? place_title(it->room, body) : NULL);
}

/* What waits is answered as changed; the record of what was answered follows, and is not answered again. */
static bool edit(struct arrival *it, const char **reason, struct err *err)
{
	struct target target;

	if (!find_target(it, &target, reason, err))
		return false;
	if (target.unknown)
		return arrival_early(it, err);
	if (target.id == 0 || strcmp(target.body, prompt_deleted) == 0 || target.body[0] == '\0')
		return true; /* what was taken back does not return by an edit that comes late */
	return db_run(it->db, err, NULL, "UPDATE inbox SET body = $2 WHERE id = $1", "it", target.id,
		      it->body) &&
	       change_title(it, &target, it->body, err) &&
	       (target.turn_id == 0 || prompt_rebuild(it->db, it->room, target.turn_id, err));
}

static bool end_waiting(struct arrival *it, const struct target *target, struct err *err)
{
	return db_run(it->db, err, NULL,
		      "UPDATE inbox SET state = 'ignored', reason = 'deleted', body = '', files = '[]',"
		      " turn_id = NULL, finished_at = $2 WHERE id = $1",
		      "it", target->id, room_time(it->room, it->now_ms));
}

/* A turn that a crash interrupted has nothing to answer any more when its last message goes. */
static bool end_emptied(struct arrival *it, int64_t turn_id, struct err *err)
{
	const char *now = room_time(it->room, it->now_ms);

	return db_run(it->db, err, NULL,
		      "UPDATE \"LLMTask\" SET status = 'interrupted', \"finishedAt\" = $2,"
		      " \"errorMessage\" = 'deleted' WHERE status = 'running' AND id ="
		      " (SELECT m.\"llmTaskId\" FROM \"LLMConversationMessage\" m WHERE m.id = $1)"
		      " AND NOT EXISTS (SELECT 1 FROM inbox WHERE turn_id = $1)",
		      "it", turn_id, now) &&
	       db_run(it->db, err, NULL,
		      "UPDATE \"LLMConversationMessage\" SET \"answeredAt\" = $2, failed = true"
		      " WHERE id = $1 AND \"answeredAt\" IS NULL AND \"promptAt\" < $2"
		      " AND NOT EXISTS (SELECT 1 FROM inbox WHERE turn_id = $1)",
		      "it", turn_id, now);
}

static bool erase(struct arrival *it, const struct target *target, struct err *err)
{
	return db_run(it->db, err, NULL,
		      "UPDATE inbox SET body = $2, files = '[]', dropped_at = CASE state WHEN 'quarantined'"
		      " THEN coalesce(dropped_at, $3) END WHERE id = $1",
		      "itt", target->id, prompt_deleted, room_time(it->room, it->now_ms));
}

/* What was said is erased wherever we keep it; what the model made of it stays. */
static bool take_back(struct arrival *it, const char **reason, struct err *err)
{
	struct target target;

	if (!find_target(it, &target, reason, err))
		return false;
	if (target.unknown)
		return arrival_early(it, err);
	if (target.id == 0)
		return true;
	if (!(target.state == MESSAGE_ACCEPTED ? end_waiting(it, &target, err) : erase(it, &target, err)) ||
	    !files_forget(it->db, it->room, target.id, &it->out->files_left, err) ||
	    !change_title(it, &target, NULL, err))
		return false;
	return target.turn_id == 0 ||
	       (prompt_rebuild(it->db, it->room, target.turn_id, err) &&
		prompt_erase(it->db, it->room, target.turn_id, err) && end_emptied(it, target.turn_id, err));
}

/* Which answer is meant. turn_id 0: none of this installation. */
static bool find_answer(struct arrival *it, int64_t *turn_id, const char **org_id, struct err *err)
{
	struct query query;

	*turn_id = 0;
	db_query(it->db, &query,
		 "SELECT o.turn_id, c.\"userCompanyId\" FROM outbox o"
		 " JOIN \"LLMConversation\" c ON c.id = o.\"llmConversationId\""
		 " WHERE o.uuid = $3 AND o.platform = $1 AND o.installation = $2",
		 "ttt", it->ask->platform, it->ask->installation, it->in->target);
	if (db_row(&query)) {
		*turn_id = db_int(&query, 0);
		*org_id = room_text(it->room, &query, 1);
	}
	return db_end(&query, err);
}

static bool rate(struct arrival *it, const char **reason, struct err *err)
{
	const char *org_id = NULL, *now = room_time(it->room, it->now_ms), *value = it->in->text;
	int64_t turn_id;

	if (!arrival_speaker(it, err) || !find_answer(it, &turn_id, &org_id, err))
		return false;
	if (value == NULL || (strcmp(value, "up") != 0 && strcmp(value, "down") != 0))
		*reason = "no rating";
	else if (turn_id == 0)
		*reason = "unknown target";
	else
		return db_run(it->db, err, NULL,
			      "INSERT INTO feedback (org_id, turn_id, platform, installation, sender,"
			      " profile_id, value, created_at, updated_at)"
			      " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8)"
			      " ON CONFLICT (turn_id, sender) DO UPDATE SET value = excluded.value,"
			      " profile_id = excluded.profile_id, updated_at = excluded.updated_at",
			      "tittttt"
			      "t",
			      org_id, turn_id, it->ask->platform, it->ask->installation,
			      it->in->sender ? it->in->sender : "", it->known ? it->speaker.profile_id : NULL,
			      value, now);
	return true;
}

/* Where a turn is to be stopped; stopping it is the core's. */
static bool stop(struct arrival *it, const char **reason, struct err *err)
{
	const struct incoming *in = it->in;

	if (!arrival_speaker(it, err))
		return false;
	if (in->conversation && !it->placed &&
	    !place_by_key(it->db, it->room, it->ask->platform, it->ask->installation, in->conversation,
			  &it->place, &it->placed, err))
		return false;
	if (!it->placed)
		*reason = "unknown target";
	it->out->conversation_id = it->placed ? it->place.id : 0;
	it->out->conversation_uuid = it->placed ? it->place.uuid : NULL;
	return true;
}

/* The place itself, and what lies in it: "5", "5/...". The range is for the index: "0" is what follows "/". */
#define MOVES                                                                                                \
	" WHERE \"conversationSource\" = $1 AND installation = $2 AND state = 'active'"                      \
	" AND \"sessionId\" >= $3 AND \"sessionId\" < $3 || '0'"                                             \
	" AND (\"sessionId\" = $3 OR substr(\"sessionId\", length($3) + 1, 1) = '/')"
#define NEW_KEY "$4 || substr(\"LLMConversation\".\"sessionId\", length($3) + 1)"

/* Where somebody spoke under the new key before we heard of the move, the conversation made there goes on. */
static bool move(struct arrival *it, const char **reason, struct err *err)
{
	const char *now = room_time(it->room, it->now_ms);

	(void)reason;
	return db_run(it->db, err, NULL,
		      "UPDATE \"LLMConversation\" SET state = 'archived', \"updatedAt\" = $5" MOVES
		      " AND EXISTS (SELECT 1 FROM \"LLMConversation\" n WHERE n.\"conversationSource\" = $1"
		      " AND n.installation = $2 AND n.state = 'active' AND n.\"sessionId\" = " NEW_KEY ")",
		      "ttttt", it->ask->platform, it->ask->installation, it->in->target, it->in->conversation,
		      now) &&
	       db_run(it->db, err, NULL,
		      "UPDATE \"LLMConversation\" SET \"sessionId\" = " NEW_KEY ", \"updatedAt\" = $5" MOVES,
		      "ttttt", it->ask->platform, it->ask->installation, it->in->target, it->in->conversation,
		      now);
}

bool arrival_change(struct arrival *it, struct err *err)
{
	enum { FIRST = INCOMING_EDITED };
	static const struct {
		const char *reason;
		bool (*apply)(struct arrival *it, const char **reason, struct err *err);
	} changes[] = {
		[INCOMING_EDITED - FIRST] = { "edit", edit },
		[INCOMING_DELETED - FIRST] = { "delete", take_back },
		[INCOMING_RATED - FIRST] = { "feedback", rate },
		[INCOMING_STOPPED - FIRST] = { "stop", stop },
		[INCOMING_MOVED - FIRST] = { "moved", move },
	};
	size_t kind = it->in->kind - FIRST;
	const char *reason = changes[kind].reason;

	if (!changes[kind].apply(it, &reason, err))
		return false;
	/* What was said is kept once, with the message it belongs to. */
	if (!it->early)
		it->body = it->in->kind == INCOMING_RATED && it->in->text ? it->in->text : "";
	it->files = NULL;
	return arrival_insert(it, MESSAGE_IGNORED, reason, err);
}
