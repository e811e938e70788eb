/* Conversations as the journey needs them: found by their place on a platform, numbered, their time always
 * rising. */
#include "crypto.h"
#include "journey.h"
#include <string.h>

enum { TITLE_CHARS = 80 };

#define PLACE                                                                                                \
	"c.id, c.uuid, c.\"nextSeq\", c.\"lastAt\", c.state = 'archived',"                                   \
	" EXISTS (SELECT 1 FROM inbox w WHERE w.\"llmConversationId\" = c.id AND w.state IN ('accepted', "   \
	"'claimed') AND w.state >= 'accepted')"

static bool take_place(struct query *query, struct arena *room, struct place *place_out, bool *found_out,
		       struct err *err)
{
	*found_out = db_row(query);
	if (*found_out)
		*place_out = (struct place){
			.id = db_int(query, 0),
			.uuid = room_text(room, query, 1),
			.next_seq = db_int(query, 2),
			.last_ms = room_parse_time(db_text(query, 3)),
			.archived = db_bool(query, 4),
			.busy = db_bool(query, 5),
		};
	return db_end(query, err);
}

bool place_by_key(struct db *db, struct arena *room, const char *platform, const char *installation,
		  const char *key, struct place *place_out, bool *found_out, struct err *err)
{
	struct query query;

	db_query(db, &query,
		 "SELECT " PLACE " FROM \"LLMConversation\" c WHERE c.\"conversationSource\" = $1"
		 " AND c.installation = $2 AND c.\"sessionId\" = $3 AND c.state = 'active'",
		 "ttt", platform, installation, key);
	return take_place(&query, room, place_out, found_out, err);
}

bool place_by_id(struct db *db, struct arena *room, int64_t id, const char *profile, struct place *place_out,
		 bool *found_out, struct err *err)
{
	struct query query;

	db_query(db, &query,
		 "SELECT " PLACE
		 " FROM \"LLMConversation\" c WHERE c.id = $1 AND ($2 IS NULL OR c.\"userId\" = $2)",
		 "it", id, profile);
	return take_place(&query, room, place_out, found_out, err);
}

/* The first line that says something, at most TITLE_CHARS characters. */
const char *place_title(struct arena *room, const char *text)
{
	size_t chars = 0, len = 0, line;

	text += strspn(text, " \t\r\n");
	line = strcspn(text, "\r\n");
	while (len < line && chars < TITLE_CHARS) {
		len++;
		while (len < line && ((unsigned char)text[len] & 0xc0) == 0x80)
			len++;
		chars++;
	}
	return len > 0 ? arena_text_n(room, text, len) : NULL;
}

static bool create(struct db *db, struct arena *room, const struct place_ask *ask,
		   const struct speaker *speaker, struct place *place_out, struct err *err)
{
	const char *uuid = crypto_uuid(arena_alloc(room, CRYPTO_UUID_SIZE));
	const char *now = room_time(room, ask->now_ms);

	*place_out = (struct place){ .uuid = uuid, .next_seq = 1 };
	return db_insert(
		db, err, &place_out->id,
		"INSERT INTO \"LLMConversation\" (uuid, \"userId\", \"userCompanyId\", \"sessionId\","
		" \"conversationSource\", installation, \"createdAt\", \"updatedAt\")"
		" VALUES ($1, $2, $3, $4, $5, $6, $7, $7)",
		"ttttttt", uuid, speaker->profile_id, speaker->org_id, ask->key, ask->platform,
		ask->installation, now);
}

bool place_over(const struct place_ask *ask, const struct place *place)
{
	return place->last_ms > 0 && place->last_ms < ask->over_before_ms && !place->busy;
}

bool place_for(struct db *db, struct arena *room, const struct place_ask *ask, const struct speaker *speaker,
	       struct place *place_out, struct err *err)
{
	bool found = false;

	if (ask->key && !ask->fresh) {
		if (!place_by_key(db, room, ask->platform, ask->installation, ask->key, place_out, &found,
				  err))
			return false;
		if (found && !place_over(ask, place_out))
			return true;
	}
	/* Whoever asks for a new conversation stays in it: the place's old one becomes read-only. */
	if (ask->key && (ask->fresh || found) &&
	    !db_run(db, err, NULL,
		    "UPDATE \"LLMConversation\" SET state = 'archived' WHERE \"conversationSource\" = $1"
		    " AND installation = $2 AND \"sessionId\" = $3 AND state = 'active'",
		    "ttt", ask->platform, ask->installation, ask->key))
		return false;
	return create(db, room, ask, speaker, place_out, err);
}

int64_t place_tick(struct place *place, int64_t now_ms)
{
	place->last_ms = now_ms > place->last_ms ? now_ms : place->last_ms + 1;
	return place->last_ms;
}

bool place_keep(struct db *db, const struct place *place, int64_t now_ms, struct err *err)
{
	char now[CLOCK_TEXT_SIZE], last[CLOCK_TEXT_SIZE];

	return db_run(db, err, NULL,
		      "UPDATE \"LLMConversation\" SET \"nextSeq\" = $2, \"lastAt\" = $3, \"updatedAt\" = $4, "
		      "title = coalesce(title, $5) WHERE id = $1",
		      "iittt", place->id, place->next_seq,
		      place->last_ms ? clock_text(place->last_ms, last) : NULL, clock_text(now_ms, now),
		      place->title);
}
