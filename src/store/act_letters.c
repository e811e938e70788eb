/* Dead letters: replies that did not arrive and messages set aside, tried again or given up. */
#include "imports.h"
#include "journey.h"
#include "people.h"
#include <inttypes.h>

enum { WINDOW_LEAST_MS = 60000 };

struct dead_letter {
	bool reply; /* else a message that was set aside */
	int64_t id;
	const char *state, *reason, *created_at, *expires_at;
	bool dropped;
};

#define REPLY	"SELECT id, state, reason, created_at, expires_at, false FROM outbox WHERE "
#define MESSAGE "SELECT id, state, reason, received_at, NULL, dropped_at IS NOT NULL FROM inbox WHERE "

/* How a dead letter is named: r12, m7, or by uuid. */
static const struct way {
	char mark; /* before the number; 0: a uuid */
	bool reply;
	const char *sql;
} ways[] = {
	{ 'r', true, REPLY "id = CAST($1 AS BIGINT)" },
	{ 'm', false, MESSAGE "id = CAST($1 AS BIGINT)" },
	{ 0, true, REPLY "uuid = lower($1)" },
	{ 0, false, MESSAGE "uuid = lower($1)" },
};

static bool look(struct db *db, struct arena *room, const struct way *way, const char *key,
		 struct dead_letter *letter_out, bool *found_out, struct err *err)
{
	struct query query;

	db_query(db, &query, way->sql, "t", key);
	*found_out = db_row(&query);
	if (*found_out)
		*letter_out = (struct dead_letter){ .reply = way->reply,
						    .id = db_int(&query, 0),
						    .state = room_text(room, &query, 1),
						    .reason = room_text(room, &query, 2),
						    .created_at = room_text(room, &query, 3),
						    .expires_at = room_text(room, &query, 4),
						    .dropped = db_bool(&query, 5) };
	return db_end(&query, err);
}

static bool is_dead(const struct dead_letter *letter)
{
	if (!letter->reply)
		return strcmp(letter->state, "quarantined") == 0 && !letter->dropped;
	return strcmp(letter->state, "unknown") == 0 || strcmp(letter->state, "rejected") == 0 ||
	       strcmp(letter->state, "expired") == 0;
}

/* ERR_GONE: no such letter. ERR_REFUSED: there is, but it isn't dead. */
static bool find(struct db *db, struct arena *room, const char *name, struct dead_letter *letter_out,
		 struct err *err)
{
	bool found = false;

	for (size_t i = 0; !found && i < sizeof(ways) / sizeof(ways[0]); i++) {
		const char *key = ways[i].mark ? name + 1 : name;

		if (ways[i].mark &&
		    (name[0] != ways[i].mark || strlen(key) > 18 || key[strspn(key, "0123456789")] != '\0'))
			continue;
		if (!look(db, room, &ways[i], key, letter_out, &found, err))
			return false;
	}
	if (!found)
		return err_set(err, ERR_GONE,
			       "there is no dead letter %.*s: `usher dead-letters list` shows them",
			       CUT(name));
	if (!is_dead(letter_out))
		return err_set(err, ERR_REFUSED, "%.*s is no dead letter: it is %s", CUT(name),
			       letter_out->dropped ? "dropped" : letter_out->state);
	return true;
}

static void answer(const struct dead_letter *letter, struct arena *room, const char *state,
		   json_t **answer_out)
{
	*answer_out = json_pack("{s:s, s:s, s:s}", "id",
				arena_format(room, "%c%" PRId64, letter->reply ? 'r' : 'm', letter->id),
				"kind", letter->reply ? "reply" : "message", "state", state);
}

/* As much time as the reply had at first. Who looked and wants it sent is not asked whether it had arrived. */
static bool retry_reply(struct db *db, struct arena *room, const struct dead_letter *letter, struct err *err)
{
	int64_t now_ms = clock_wall_ms();
	int64_t window = room_parse_time(letter->expires_at) - room_parse_time(letter->created_at);
	const char *now = room_time(room, now_ms);
	const char *expires = room_time(room, now_ms + (window > WINDOW_LEAST_MS ? window : WINDOW_LEAST_MS));

	return db_run(db, err, NULL,
		      "UPDATE outbox SET state = 'pending', reason = NULL, attempts = 0, unsure = 0, next_at "
		      "= $2,"
		      " expires_at = $3 WHERE id = $1",
		      "itt", letter->id, now, expires) &&
	       reply_revive(db, room, letter->id, now, expires, err);
}

/* It begins again as if it had just been accepted, with a turn of its own. */
static bool retry_message(struct db *db, const struct dead_letter *letter, struct err *err)
{
	return db_run(db, err, NULL,
		      "UPDATE inbox SET state = 'accepted', reason = NULL, attempts = 0, finished_at = NULL, "
		      "turn_id = NULL"
		      " WHERE id = $1",
		      "i", letter->id);
}

/* Which conversation it waits in, so that the core looks there at once (core_acted). */
static bool answer_where(struct db *db, const struct dead_letter *letter, json_t *answer, struct err *err)
{
	struct query query;

	db_query(db, &query, "SELECT uuid, coalesce(\"llmConversationId\", 0) FROM inbox WHERE id = $1", "i",
		 letter->id);
	if (db_row(&query)) {
		json_object_set_new(answer, "message", json_string(db_text(&query, 0)));
		json_object_set_new(answer, "conversation_id", json_integer(db_int(&query, 1)));
	}
	return db_end(&query, err);
}

bool act_dead_letter_retry(struct db *db, struct arena *room, const char *const *args, json_t **answer_out,
			   struct err *err)
{
	struct dead_letter letter;

	if (!find(db, room, args[0], &letter, err))
		return false;
	answer(&letter, room, letter.reply ? "pending" : "accepted", answer_out);
	return letter.reply ? retry_reply(db, room, &letter, err)
			    : retry_message(db, &letter, err) && answer_where(db, &letter, *answer_out, err);
}

bool act_dead_letter_drop(struct db *db, struct arena *room, const char *const *args, json_t **answer_out,
			  struct err *err)
{
	struct dead_letter letter;

	if (!find(db, room, args[0], &letter, err))
		return false;
	answer(&letter, room, letter.reply ? "cancelled" : "dropped", answer_out);
	if (!letter.reply)
		return db_run(db, err, NULL, "UPDATE inbox SET dropped_at = $2 WHERE id = $1", "it",
			      letter.id, room_time(room, clock_wall_ms())) &&
		       imports_give_up(db, room, "dropped", "the message it came with was dropped",
				       clock_wall_ms(), err);
	return db_run(db, err, NULL, "UPDATE outbox SET state = 'cancelled', reason = $2 WHERE id = $1", "it",
		      letter.id,
		      arena_format(room, "dropped by the operator; was %s: %s", letter.state,
				   letter.reason ? letter.reason : ""));
}
