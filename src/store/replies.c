/* What goes out: which messages an answer is for, and its outbox row. */
#include "crypto.h"
#include "journey.h"
#include "json.h"
#include <stdlib.h>
#include <string.h>

enum { EXPIRE_S = 3600 }; /* when nobody said how long a reply is worth sending */

#define ASKED                                                                                                \
	"SELECT uuid, delivery_key, reply_to, platform, installation, org_id, reason, state FROM inbox "     \
	"WHERE "

static bool take_asked(struct query *query, struct arena *room, struct asked *asked, struct err *err)
{
	const char **uuids = arena_alloc(room, STORE_MERGE_MAX * sizeof(*uuids));
	const char **keys = arena_alloc(room, STORE_MERGE_MAX * sizeof(*keys));
	size_t count = 0;

	*asked = (struct asked){ .uuids = uuids, .delivery_keys = keys };
	while (count < STORE_MERGE_MAX && db_row(query)) {
		uuids[count] = room_text(room, query, 0);
		keys[count++] = room_text(room, query, 1);
		asked->reply_to = room_text(room, query, 2);
		if (count > 1)
			continue;
		asked->platform = room_text(room, query, 3);
		asked->installation = room_text(room, query, 4);
		asked->org_id = room_text(room, query, 5);
		asked->reason = room_text(room, query, 6);
		message_state_parse(db_text(query, 7), &asked->state);
	}
	asked->count = count;
	return db_end(query, err);
}

bool asked_by_turn(struct db *db, struct arena *room, int64_t turn_id, struct asked *asked_out,
		   struct err *err)
{
	struct query query;

	db_query(db, &query, ASKED "turn_id = $1 ORDER BY seq", "i", turn_id);
	return take_asked(&query, room, asked_out, err);
}

bool asked_by_message(struct db *db, struct arena *room, int64_t inbox_id, struct asked *asked_out,
		      struct err *err)
{
	struct query query;

	db_query(db, &query, ASKED "id = $1", "i", inbox_id);
	return take_asked(&query, room, asked_out, err);
}

void asked_tell(const struct asked *asked, struct outgoing *out)
{
	out->answers_to = asked->uuids;
	out->answers_to_count = asked->count;
	out->delivery_keys = asked->delivery_keys;
	out->state = asked->state;
	out->reason = asked->reason;
}

/* The newest few tell: a reply is sent only after the ones before it, so an unfinished one has unfinished or
 * no successors. */
static bool behind_another(struct db *db, int64_t conversation_id, bool *behind_out, struct err *err)
{
	int64_t one;

	return db_one_int(db, err, behind_out, &one,
			  "SELECT 1 FROM (SELECT state FROM outbox WHERE \"llmConversationId\" = $1 ORDER BY "
			  "id DESC LIMIT 8)"
			  " latest WHERE latest.state IN ('pending', 'sending') LIMIT 1",
			  "i", conversation_id);
}

int64_t reply_expires(int64_t now_ms, uint32_t expire_s)
{
	return now_ms + (int64_t)(expire_s ? expire_s : EXPIRE_S) * 1000;
}

/* Behind an unfinished one it sleeps until that one's end, so that an outage of a receiver does not fill the list
 * of due replies with ones that may not go. */
bool reply_add(struct db *db, const struct reply_ask *ask, int64_t *id_out, bool *sending_out,
	       struct err *err)
{
	char now[CLOCK_TEXT_SIZE], expires[CLOCK_TEXT_SIZE];
	bool behind = false;

	clock_text(ask->now_ms, now);
	clock_text(reply_expires(ask->now_ms, ask->expire_s), expires);
	behind = ask->part > 0;
	if (ask->at_once && !behind && ask->conversation_id &&
	    !behind_another(db, ask->conversation_id, &behind, err))
		return false;
	*sending_out = ask->at_once && !behind;
	return db_insert(db, err, id_out,
			 "INSERT INTO outbox (uuid, org_id, \"llmConversationId\", turn_id, inbox_id, "
			 "platform, installation,"
			 " reply_to, body, state, attempts, next_at, expires_at, created_at, ord, choices,"
			 " output_id)"
			 " VALUES ($1, $2, nullif($3, 0), nullif($4, 0), nullif($5, 0), $6, $7, $8, $9, "
			 "$10, $11, $12, $13,"
			 " $14, $15, $16, nullif($17, 0))",
			 "ttiiitttttitttiti", ask->uuid, ask->org_id, ask->conversation_id, ask->turn_id,
			 ask->inbox_id, ask->platform, ask->installation, ask->reply_to, ask->text,
			 *sending_out ? "sending" : "pending", (int64_t)*sending_out, behind ? expires : now,
			 expires, now, (int64_t)ask->part, ask->choices, ask->output_id);
}

/* Why the parts behind $1 do not go out. */
#define TORN_BY_1                                                                                            \
	"'part ' || (SELECT o.ord + 1 FROM outbox o WHERE o.id = $1) || ' of the answer was not delivered'"

/* Nobody is helped by the middle of an answer; a file that fails takes none of the others with it. */
static bool cancel_rest(struct db *db, int64_t reply_id, struct err *err)
{
	return db_run(db, err, NULL,
		      "UPDATE outbox SET state = 'cancelled', reason = " TORN_BY_1
		      " WHERE turn_id = (SELECT o.turn_id FROM outbox o WHERE o.id = $1)"
		      " AND ord > (SELECT o.ord FROM outbox o WHERE o.id = $1) AND state = 'pending'"
		      " AND (SELECT o.output_id FROM outbox o WHERE o.id = $1) IS NULL",
		      "i", reply_id);
}

bool reply_release(struct db *db, int64_t reply_id, bool torn, const char *now, struct err *err)
{
	if (torn && !cancel_rest(db, reply_id, err))
		return false;
	return db_run(db, err, NULL,
		      "UPDATE outbox SET next_at = $2 WHERE state = 'pending' AND next_at > $2 AND id ="
		      " (SELECT n.id FROM outbox o JOIN outbox n ON n.\"llmConversationId\" = "
		      "o.\"llmConversationId\""
		      " AND n.id > o.id AND n.state IN ('pending', 'sending') WHERE o.id = $1 ORDER BY n.id "
		      "LIMIT 1)",
		      "it", reply_id, now);
}

bool reply_revive(struct db *db, struct arena *room, int64_t reply_id, const char *now, const char *expires,
		  struct err *err)
{
	enum { AT_ONCE = 64 };
	int64_t *torn = arena_alloc(room, AT_ONCE * sizeof(*torn));
	char uuid[CRYPTO_UUID_SIZE];
	struct query query;
	size_t count = 0;

	db_query(db, &query,
		 "SELECT max(p.id) FROM outbox p WHERE p.turn_id = (SELECT o.turn_id FROM outbox o WHERE "
		 "o.id = $1)"
		 " AND p.state = 'cancelled' AND p.reason = " TORN_BY_1
		 " GROUP BY p.ord ORDER BY p.ord LIMIT 64",
		 "i", reply_id);
	while (count < AT_ONCE && db_row(&query))
		torn[count++] = db_int(&query, 0);
	if (!db_end(&query, err))
		return false;
	for (size_t i = 0; i < count; i++)
		if (!db_run(db, err, NULL,
			    "INSERT INTO outbox (uuid, org_id, \"llmConversationId\", turn_id, platform,"
			    " installation, reply_to, ord, body, output_id, next_at, expires_at, created_at)"
			    " SELECT $2, org_id, \"llmConversationId\", turn_id, platform, installation, "
			    "reply_to,"
			    " ord, body, output_id, $4, $4, $3 FROM outbox WHERE id = $1"
			    " AND (body <> '' OR output_id IS NOT NULL)",
			    "ittt", torn[i], crypto_uuid(uuid), now, expires))
			return false;
	return true;
}

const char *tool_calls_of(struct arena *room, const char *structured)
{
	static const char none[] = ",\"tool_calls\":[]}";
	size_t len = structured ? strlen(structured) : 0, end = sizeof(none) - 1;
	const char *text = "[]";
	json_t *document, *calls;

	if (len < end || strcmp(structured + len - end, none) == 0)
		return text;
	document = json_read(structured, len, NULL);
	calls = json_object_get(document, "tool_calls");
	if (json_is_array(calls)) {
		char *written = json_write(calls);

		text = arena_text(room, written);
		free(written);
	}
	json_decref(document);
	return text;
}
