/* A person's words, or a conversation's, are erased wherever they are kept; the record keeps its chain. */
#include "erase.h"
#include "files.h"
#include "imports.h"
#include "journey.h"
#include "memory.h"
#include "people.h"
#include <string.h>

/* At most STEP_ROWS. type and arg as in db_query: one argument. */
bool erase_numbers(struct erasing *it, struct numbers *out, const char *sql, const char *type,
		   const void *text, int64_t number)
{
	struct query query;

	*out = (struct numbers){ .list = arena_alloc(it->room, STEP_ROWS * sizeof(int64_t)) };
	if (type[0] == 't')
		db_query(it->db, &query, sql, "t", text);
	else
		db_query(it->db, &query, sql, "i", number);
	while (out->count < STEP_ROWS && db_row(&query))
		out->list[out->count++] = db_int(&query, 0);
	return db_end(&query, it->err);
}

/* ---- one turn ---------------------------------------------------------------------------------------------- */

bool erase_run(struct db *db, int64_t task, struct err *err)
{
	return db_run(db, err, NULL,
		      "UPDATE \"LLMTask\" SET \"llmRawPrompt\" = NULL, \"llmStructuredPrompt\" = NULL,"
		      " \"llmRawOutput\" = NULL, \"llmStructuredOutput\" = NULL, \"errorMessage\" = NULL"
		      " WHERE id = $1",
		      "i", task) &&
	       db_run(db, err, NULL, "UPDATE \"LLMTaskStep\" SET payload = '{}' WHERE \"llmTaskId\" = $1",
		      "i", task) &&
	       db_run(db, err, NULL,
		      "UPDATE ai_agent_interactions SET input = NULL, output = NULL WHERE \"llmTaskId\" = $1"
		      " AND seq IS NULL",
		      "i", task);
}

bool erase_files(struct erasing *it, const char *sql, const char *type, const void *text, int64_t number)
{
	struct numbers letters;
	unsigned left = 0;

	if (!erase_numbers(it, &letters, sql, type, text, number))
		return false;
	for (size_t i = 0; i < letters.count; i++) {
		if (!files_forget(it->db, it->room, letters.list[i], &left, it->err))
			return false;
		it->files_left += left;
	}
	return true;
}

/* What was asked of a person in it. The hash goes too: whoever has a guess could try it. */
static bool erase_approvals(struct erasing *it, int64_t turn)
{
	return db_run(it->db, it->err, NULL,
		      "UPDATE approvals SET arguments = '{}', hash = $2,"
		      " state = CASE state WHEN 'pending' THEN 'denied' ELSE state END,"
		      " decided_at = coalesce(decided_at, $3) WHERE turn_id = $1"
		      " AND NOT EXISTS (SELECT 1 FROM \"LLMConversationMessage\" u"
		      " WHERE u.id = approvals.used_turn_id AND u.\"answeredAt\" IS NULL)",
		      "itt", turn, audit_zero, room_time(it->room, clock_wall_ms()));
}

static bool erase_turn(struct erasing *it, int64_t turn)
{
	int64_t task = 0;
	bool found;

	it->turns++;
	return erase_files(it, "SELECT id FROM inbox WHERE turn_id = $1 AND files <> '[]'", "i", NULL,
			   turn) &&
	       outputs_forget_turn(it->db, it->room, turn, it->err) &&
	       db_one_int(it->db, it->err, &found, &task,
			  "SELECT coalesce(\"llmTaskId\", 0) FROM \"LLMConversationMessage\" WHERE id = $1",
			  "i", turn) &&
	       (task == 0 || erase_run(it->db, task, it->err)) &&
	       memory_forget(it->db, it->room, turn, &it->why, NULL, it->err) && erase_approvals(it, turn) &&
	       db_run(it->db, it->err, NULL,
		      "UPDATE \"LLMConversationMessage\" SET \"userPrompt\" = " GONE
		      ", \"structuredUserPrompt\" = NULL, \"llmParsedOutput\" ="
		      " CASE WHEN \"llmParsedOutput\" IS NULL THEN NULL ELSE " GONE
		      " END, language = NULL WHERE id = $1",
		      "i", turn) &&
	       db_run(it->db, it->err, NULL,
		      "UPDATE inbox SET body = " GONE ", files = '[]', sender_name = NULL, fingerprint = NULL"
		      " WHERE turn_id = $1",
		      "i", turn) &&
	       db_run(it->db, it->err, NULL,
		      "UPDATE outbox SET body = " GONE
		      ", choices = NULL WHERE turn_id = $1 AND state NOT IN ('pending', 'sending')",
		      "i", turn);
}

/* Turns that have ended: what is being answered right now is left for the next time. */
#define TURNS(WHOSE)                                                                                         \
	"SELECT m.id FROM \"LLMConversationMessage\" m WHERE " WHOSE " AND m.\"userPrompt\" <> " GONE        \
	" AND m.\"answeredAt\" IS NOT NULL ORDER BY m.id LIMIT 200"

static bool erase_turns(struct erasing *it)
{
	struct numbers turns;

	if (!erase_numbers(it, &turns,
			   it->profile ? TURNS("m.\"userId\" = $1") : TURNS("m.\"llmConversationId\" = $1"),
			   it->profile ? "t" : "i", it->profile, it->conversation))
		return false;
	it->more = turns.count == STEP_TURNS;
	for (size_t i = 0; i < turns.count; i++)
		if (!erase_turn(it, turns.list[i]))
			return false;
	return true;
}

/* ---- the record -------------------------------------------------------------------------------------------- */

#define ROWS(WHOSE)                                                                                          \
	"SELECT a.seq FROM ai_agent_interactions a WHERE " WHOSE " AND a.seq IS NOT NULL"                    \
	" AND a.erased_by IS NULL AND a.interaction_type NOT IN ('erasure', 'prune') ORDER BY a.seq LIMIT "  \
	"500"

static bool erase_rows(struct erasing *it)
{
	struct audit_going going = { .org_id = it->org_id };
	struct numbers rows;
	int64_t erasure = 0;
	bool done;

	if (!erase_numbers(
		    it, &rows,
		    it->profile ? ROWS("a.user_id = $1")
				: ROWS("a.\"llmTaskId\" IN (SELECT m.\"llmTaskId\" FROM"
				       " \"LLMConversationMessage\" m WHERE m.\"llmConversationId\" = $1)"),
		    it->profile ? "t" : "i", it->profile, it->conversation))
		return false;
	for (size_t i = 0; i < rows.count; i++)
		audit_going_add(&going, rows.list[i]);
	it->rows = going.rows;
	it->more = it->more || rows.count == STEP_ROWS;
	done = (going.rows == 0 && it->turns == 0) ||
	       audit_erasure(it->db, &going, &it->why, &erasure, it->err);
	for (size_t i = 0; done && i < rows.count; i++)
		done = audit_empty(it->db, it->org_id, rows.list[i], erasure, NULL, it->err);
	buf_free(&going.ranges);
	return done;
}

/* Those whose message is not told of any more. A few at a time: each takes its pieces along. */
static bool erase_imports(struct erasing *it)
{
	enum { STEP_IMPORTS = 20 };
	const struct import_whose whose = { .profile_id = it->profile, .conversation_id = it->conversation };
	size_t count;

	if (!imports_forget(it->db, it->room, &whose, STEP_IMPORTS, &count, it->err))
		return false;
	it->more = it->more || count == STEP_IMPORTS;
	return true;
}

/* ---- whose ------------------------------------------------------------------------------------------------- */

static bool find_person(struct erasing *it, const char *who)
{
	struct person person;

	if (!person_find(it->db, it->room, who, &person, it->err))
		return false;
	it->profile = person.profile_id;
	it->org_id = person.org_id;
	it->why.subject = person.profile_id;
	return true;
}

static bool find_conversation(struct erasing *it, const char *which)
{
	struct query query;
	bool found;

	db_query(it->db, &query,
		 "SELECT id, \"userCompanyId\", uuid FROM \"LLMConversation\" WHERE uuid = lower($1)"
		 " OR CAST(id AS TEXT) = $1",
		 "t", which);
	found = db_row(&query);
	if (found) {
		it->conversation = db_int(&query, 0);
		it->org_id = room_text(it->room, &query, 1);
		it->why.subject = room_text(it->room, &query, 2);
	}
	if (!db_end(&query, it->err))
		return false;
	return found || err_set(it->err, ERR_GONE, "there is no conversation %.*s", CUT(which));
}

/* What is under way: messages that are being answered, replies that are not sent yet. */
static bool waits(struct erasing *it, int64_t *waiting_out)
{
	bool found;

	if (it->profile)
		return db_one_int(
			it->db, it->err, &found, waiting_out,
			"SELECT (SELECT count(*) FROM inbox WHERE state IN ('accepted', 'claimed')"
			" AND" ERASE_SAID_BY("inbox") ") + (SELECT count(*) FROM outbox"
						      " WHERE state IN ('pending', 'sending') AND" ERASE_TOLD
						      ")",
			"t", it->profile);
	return db_one_int(it->db, it->err, &found, waiting_out,
			  "SELECT (SELECT count(*) FROM inbox WHERE state IN ('accepted', 'claimed')"
			  " AND \"llmConversationId\" = $1) + (SELECT count(*) FROM outbox"
			  " WHERE state IN ('pending', 'sending') AND \"llmConversationId\" = $1)",
			  "i", it->conversation);
}

bool act_audit_erase(struct db *db, struct arena *room, const char *const *args, json_t **answer_out,
		     struct err *err)
{
	struct erasing it = {
		.db = db,
		.room = room,
		.err = err,
		.why = { .what = args[0], .why = args[2], .who = args[3] ? args[3] : "operator" }
	};
	bool user = strcmp(args[0], "user") == 0;
	int64_t waiting = 0;

	if (!user && strcmp(args[0], "conversation") != 0)
		return err_set(err, ERR_REFUSED,
			       "what is erased is a user's or a conversation's, not \"%.*s\"", CUT(args[0]));
	if (!(user ? find_person(&it, args[1]) : find_conversation(&it, args[1])) || !erase_turns(&it) ||
	    !erase_rows(&it) || !erase_imports(&it) || (!it.more && !erase_rest(&it)) ||
	    !waits(&it, &waiting))
		return false;
	*answer_out = json_pack("{s:I, s:I, s:I, s:I, s:b}", "turns", (json_int_t)it.turns, "rows",
				(json_int_t)it.rows, "waiting", (json_int_t)waiting, "files_left",
				(json_int_t)it.files_left, "more", it.more);
	return true;
}
