/* An operator says something in a conversation: a reply in the outbox, behind those that wait there. */
#include "crypto.h"
#include "journey.h"
#include "people.h"
#include <stdio.h>

enum { SAID_BYTES_MAX = 1500, SAID_KEY_MAX = 255, SAID_EXPIRE_S = 24 * 3600 };

/* Where it goes: the way of the newest message that has one. */
struct where {
	int64_t conversation_id, inbox_id;
	const char *uuid, *platform, *installation, *reply_to;
};

static bool may_send(struct db *db, const char *org_id, const char *profile_id, struct err *err)
{
	bool found;
	int64_t one;

	if (!db_one_int(db, err, &found, &one,
			"SELECT 1 FROM user_profiles WHERE id = $1 AND org_id = $2 AND status = 'active'"
			" AND role IN ('operator', 'owner')",
			"tt", profile_id, org_id))
		return false;
	return found || err_set(err, ERR_REFUSED, "only operators may send messages");
}

/* A number, or a UUID; of another organisation is as if there were none. */
static bool find_conversation(struct db *db, struct arena *room, const char *org_id, const char *which,
			      struct where *where, struct err *err)
{
	struct query query;
	bool found;

	db_query(db, &query,
		 "SELECT id, uuid, platform, installation FROM conversation WHERE org_id = $1"
		 " AND (uuid = lower($2) OR CAST(id AS TEXT) = $2)",
		 "tt", org_id, which);
	found = db_row(&query);
	if (found)
		*where = (struct where){ .conversation_id = db_int(&query, 0),
					 .uuid = room_text(room, &query, 1),
					 .platform = room_text(room, &query, 2),
					 .installation = room_text(room, &query, 3) };
	if (!db_end(&query, err))
		return false;
	return found || err_set(err, ERR_GONE, "there is no conversation %.*s", CUT(which));
}

/* A message that was refused had no turn, and its reply is a notice in the plugin's own form. */
static bool find_way(struct db *db, struct arena *room, struct where *where, struct err *err)
{
	struct query query;

	db_query(db, &query,
		 "SELECT id, reply_to FROM inbox WHERE \"llmConversationId\" = $1 AND reply_to IS NOT NULL"
		 " AND state <> 'refused' AND kind = 'said' ORDER BY id DESC LIMIT 1",
		 "i", where->conversation_id);
	if (db_row(&query)) {
		where->inbox_id = db_int(&query, 0);
		where->reply_to = room_text(room, &query, 1);
	}
	if (!db_end(&query, err))
		return false;
	return where->reply_to ||
	       err_set(err, ERR_REFUSED, "nothing can be sent there: its answers are fetched");
}

/* The same for the same key of the same person: the row says that it was sent before. */
static void uuid_of_key(const char *profile_id, const char *key, char out[CRYPTO_UUID_SIZE])
{
	char hash[CRYPTO_SHA256_HEX];
	struct buf whole = { 0 };

	buf_format(&whole, "message_send\n%s\n%s", profile_id, key);
	crypto_sha256_hex(whole.data, whole.len, hash);
	buf_free(&whole);
	snprintf(out, CRYPTO_UUID_SIZE, "%.8s-%.4s-8%.3s-a%.3s-%.12s", hash, hash + 8, hash + 12, hash + 15,
		 hash + 18);
}

static bool check(const char *text, const char *key, struct err *err)
{
	if (text_blank(text) || strlen(text) > SAID_BYTES_MAX)
		return err_set(err, ERR_REFUSED, "text: 1 to %d bytes that are not all blank are expected",
			       SAID_BYTES_MAX);
	if (key && (*key == '\0' || strlen(key) > SAID_KEY_MAX))
		return err_set(err, ERR_REFUSED, "key: 1 to %d bytes are expected", SAID_KEY_MAX);
	return true;
}

static bool add(struct db *db, const struct where *where, const char *org_id, const char *uuid,
		const char *text, struct err *err)
{
	const struct reply_ask ask = { .inbox_id = where->inbox_id,
				       .conversation_id = where->conversation_id,
				       .now_ms = clock_wall_ms(),
				       .expire_s = SAID_EXPIRE_S,
				       .uuid = uuid,
				       .org_id = org_id,
				       .platform = where->platform,
				       .installation = where->installation,
				       .reply_to = where->reply_to,
				       .text = text };
	bool sending;
	int64_t id;

	return reply_add(db, &ask, &id, &sending, err);
}

/* Said here means said by the model, as far as it will ever know: later histories tell it. What it "answered" is a line that
 * nobody wrote, so that whoever reads the history sees whose words these are. */
static bool remember(struct db *db, struct arena *room, const struct where *where, const char *uuid,
		     const char *text, struct err *err)
{
	char prompt_at[CLOCK_TEXT_SIZE], answer_at[CLOCK_TEXT_SIZE];
	int64_t now = clock_wall_ms(), id;
	struct place place;
	bool found;

	if (!place_by_id(db, room, where->conversation_id, NULL, &place, &found, err))
		return false;
	if (!found)
		return err_set(err, ERR_GONE, "there is no such conversation any more");
	clock_text(place_tick(&place, now), prompt_at);
	clock_text(place_tick(&place, now), answer_at);
	return db_insert(db, err, &id,
			 "INSERT INTO \"LLMConversationMessage\" (\"llmConversationId\", \"userPrompt\","
			 " \"llmParsedOutput\", \"answerUuid\", \"promptAt\", \"answeredAt\", \"entityType\")"
			 " VALUES ($1, $2, $3, $4, $5, $6, 'said')",
			 "ittttt", where->conversation_id, "(An operator has you say this here.)", text, uuid,
			 prompt_at, answer_at) &&
	       place_keep(db, &place, now, err);
}

bool act_message_send(struct db *db, struct arena *room, const char *const *args, json_t **answer_out,
		      struct err *err)
{
	const char *org_id = args[0], *profile_id = args[1], *key = args[4] ? args[4] : args[5];
	char uuid[CRYPTO_UUID_SIZE];
	struct where where = { 0 };
	bool before = false;
	int64_t one;

	if (!check(args[3], args[4], err) || !may_send(db, org_id, profile_id, err) ||
	    !find_conversation(db, room, org_id, args[2], &where, err))
		return false;
	if (key)
		uuid_of_key(profile_id, key, uuid);
	else
		crypto_uuid(uuid);
	if (!db_one_int(db, err, &before, &one, "SELECT 1 FROM outbox WHERE uuid = $1", "t", uuid))
		return false;
	if (!before && (!find_way(db, room, &where, err) || !add(db, &where, org_id, uuid, args[3], err) ||
			!remember(db, room, &where, uuid, args[3], err)))
		return false;
	*answer_out = json_pack("{s:s, s:s, s:s}", "message_id", uuid, "conversation_id", where.uuid,
				"status", before ? "sent before" : "waits to be sent");
	return true;
}
