/* Which waiting messages become one turn: an interrupted one again, else a burst of one person merged. */
#include "crypto.h"
#include "files.h"
#include "journey.h"
#include "language.h"
#include "prompt.h"
#include <string.h>

enum {
	LETTERS = 64,	    /* waiting messages looked at */
	MERGE_BYTES = 16384 /* of text in one turn, unless the first message alone is longer */
};

#define LETTER                                                                                               \
	"w.id, w.turn_id, w.uuid, w.platform, w.installation, w.delivery_key, w.sender, w.profile_id, "      \
	"w.body,"                                                                                            \
	" w.reply_to, w.flags, w.attempts, coalesce(w.sent_at, w.received_at), w.files"

static void take_letter(const struct query *query, struct arena *room, struct letter *letter)
{
	*letter = (struct letter){
		.id = db_int(query, 0),
		.turn_id = db_int(query, 1),
		.uuid = room_text(room, query, 2),
		.platform = room_text(room, query, 3),
		.installation = room_text(room, query, 4),
		.delivery_key = room_text(room, query, 5),
		.sender = room_text(room, query, 6),
		.profile_id = room_text(room, query, 7),
		.body = room_text(room, query, 8),
		.reply_to = room_text(room, query, 9),
		.flags = (unsigned)db_int(query, 10),
		.attempts = (unsigned)db_int(query, 11),
		.order_ms = room_parse_time(db_text(query, 12)),
		.files = room_text(room, query, 13),
	};
}

static bool same(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

/* The interrupted ones first, both in their order: there are seldom any, and never many. */
static void sort_interrupted(struct letter *letters, size_t count)
{
	size_t begun = 0;

	for (size_t i = 0; i < count; i++) {
		struct letter letter = letters[i];

		if (letter.turn_id == 0)
			continue;
		memmove(&letters[begun + 1], &letters[begun], (i - begun) * sizeof(*letters));
		letters[begun++] = letter;
	}
}

/* What waits, the interrupted first. running_out: a turn of this conversation is being answered. Two statements,
 * each along its index: a thousand waiting messages must not be sorted for every turn. */
static bool read_letters(struct db *db, struct arena *room, int64_t place, struct letter **letters_out,
			 size_t *count_out, bool *running_out, struct err *err)
{
	struct letter *letters = NULL;
	struct query query;
	size_t count = 0;
	int64_t one;

	*letters_out = NULL;
	*count_out = 0;
	if (!db_one_int(db, err, running_out, &one,
			"SELECT 1 FROM inbox WHERE \"llmConversationId\" = $1"
			" AND state = 'claimed' AND state IN ('accepted', 'claimed') LIMIT 1",
			"i", place))
		return false;
	if (*running_out)
		return true;
	db_query(db, &query,
		 "SELECT " LETTER " FROM inbox w WHERE w.\"llmConversationId\" = $1"
		 " AND w.state IN ('accepted', 'claimed') AND w.state = 'accepted' ORDER BY w.seq LIMIT 64",
		 "i", place);
	while (count < LETTERS && db_row(&query)) {
		if (letters == NULL)
			letters = arena_alloc(room, LETTERS * sizeof(*letters));
		take_letter(&query, room, &letters[count++]);
	}
	sort_interrupted(letters, count);
	*letters_out = letters;
	*count_out = count;
	return db_end(&query, err);
}

/* Messages fetched after an outage go before those that were said after them. Only they move. */
static void sort_late(struct letter *letters, size_t count)
{
	for (size_t i = 1; i < count; i++) {
		struct letter late = letters[i];
		size_t at = i;

		if (!(late.flags & INCOMING_LATE))
			continue;
		while (at > 0 && letters[at - 1].order_ms > late.order_ms) {
			letters[at] = letters[at - 1];
			at--;
		}
		letters[at] = late;
	}
}

/* One answer must be able to serve both: same person, same door, and nobody's reply address is lost. */
static bool may_merge(const struct letter *a, const struct letter *b)
{
	return !((a->flags | b->flags) & (INCOMING_ALONE | INCOMING_COMMAND)) && same(a->sender, b->sender) &&
	       same(a->profile_id, b->profile_id) && same(a->platform, b->platform) &&
	       same(a->installation, b->installation) && (a->reply_to == NULL) == (b->reply_to == NULL);
}

static size_t merge_count(const struct letter *letters, size_t count)
{
	size_t merged = 1, bytes = strlen(letters[0].body);

	while (merged < count && merged < STORE_MERGE_MAX && may_merge(&letters[0], &letters[merged])) {
		bytes += 1 + strlen(letters[merged].body);
		if (bytes > MERGE_BYTES)
			break;
		merged++;
	}
	return merged;
}

static struct store_turn *make_turn(struct arena *room, const struct place *place,
				    const struct speaker *speaker, const struct letter *letters, size_t count)
{
	struct store_turn *turn = arena_alloc(room, sizeof(*turn));
	const char **uuids = arena_alloc(room, count * sizeof(*uuids));
	const char **keys = arena_alloc(room, count * sizeof(*keys));
	const struct letter *newest = &letters[count - 1];
	struct file_list files = { 0 };

	*turn = (struct store_turn){
		.conversation_id = place->id,
		.conversation_uuid = place->uuid,
		.speaker = *speaker,
		.platform = newest->platform,
		.installation = newest->installation,
		.sender = newest->sender,
		.reply_to = newest->reply_to,
		.uuids = uuids,
		.delivery_keys = keys,
		.count = count,
	};
	for (size_t i = 0; i < count; i++) {
		uuids[i] = letters[i].uuid;
		keys[i] = letters[i].delivery_key;
		turn->flags |= letters[i].flags;
		if (letters[i].attempts + 1 > turn->attempts)
			turn->attempts = letters[i].attempts + 1;
		files_read(room, letters[i].files, i, &files);
	}
	turn->files = files.files;
	turn->file_messages = files.messages;
	turn->file_count = files.count;
	return turn;
}

static void take_text(struct store_turn *turn, struct arena *room, const struct letter *letters, size_t count)
{
	turn->text = prompt_text(room, letters, count);
	if (!(letters[0].flags & INCOMING_COMMAND))
		turn->language = language_of(turn->text, strlen(turn->text));
}

bool turn_begin(struct db *db, struct arena *room, struct place *place, const struct speaker *speaker,
		const struct letter *letters, size_t count, int64_t now_ms, struct store_turn **turn_out,
		struct err *err)
{
	struct store_turn *turn = make_turn(room, place, speaker, letters, count);
	char uuid[CRYPTO_UUID_SIZE], answer[CRYPTO_UUID_SIZE], at[CLOCK_TEXT_SIZE];
	bool command = (letters[0].flags & INCOMING_COMMAND) != 0;

	take_text(turn, room, letters, count);
	*turn_out = turn;
	return db_insert(
		db, err, &turn->id,
		"INSERT INTO \"LLMConversationMessage\" (\"llmConversationId\", \"externalMessageId\","
		" \"userPrompt\", \"structuredUserPrompt\", uuid, \"answerUuid\", \"userId\", \"promptAt\","
		" \"traceId\", \"entityType\", language)"
		" VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
		"itttttttt"
		"tt",
		place->id, letters[0].delivery_key, turn->text, prompt_structured(room, letters, count, NULL),
		crypto_uuid(uuid), crypto_uuid(answer), speaker->profile_id,
		clock_text(place_tick(place, now_ms), at), letters[0].uuid, command ? "command" : NULL,
		turn->language);
}

static bool mark_claimed(struct db *db, const struct letter *letters, size_t count, int64_t turn_id,
			 struct err *err)
{
	for (size_t i = 0; i < count; i++)
		if (!db_run(db, err, NULL,
			    "UPDATE inbox SET state = 'claimed', attempts = attempts + 1, turn_id = $2 WHERE "
			    "id = $1",
			    "ii", letters[i].id, turn_id))
			return false;
	return true;
}

/* Messages that were begun together, and what was shown for their answer. */
struct group {
	size_t count; /* 0: a fresh turn is to be made */
	const char *placeholder;
};

/* The same group once more, with what its journal holds. */
static bool resume(struct db *db, struct arena *room, const struct place *place,
		   const struct speaker *speaker, const struct group *group, const struct letter *letters,
		   struct store_turn **turn_out, struct err *err)
{
	struct store_turn *turn = make_turn(room, place, speaker, letters, group->count);

	turn->id = letters[0].turn_id;
	take_text(turn, room, letters, group->count);
	turn->placeholder = group->placeholder;
	*turn_out = turn;
	return mark_claimed(db, letters, group->count, turn->id, err) &&
	       run_steps(db, room, turn->id, &turn->journal, &turn->journal_count, err);
}

/* How many letters from the first on were begun together. A turn that has ended (its message was taken out of
 * quarantine) is not begun again. */
static bool resumable(struct db *db, struct arena *room, const struct letter *letters, size_t count,
		      struct group *group_out, struct err *err)
{
	int64_t turn_id = letters[0].turn_id;
	struct query query;
	bool found;

	*group_out = (struct group){ 0 };
	if (turn_id == 0)
		return true;
	db_query(
		db, &query,
		"SELECT placeholder FROM \"LLMConversationMessage\" WHERE id = $1 AND \"answeredAt\" IS NULL",
		"i", turn_id);
	found = db_row(&query);
	if (found)
		group_out->placeholder = room_text(room, &query, 0);
	while (found && group_out->count < count && letters[group_out->count].turn_id == turn_id)
		group_out->count++;
	return db_end(&query, err);
}

bool turn_claim(struct db *db, struct arena *room, struct place *place, int64_t now_ms,
		struct store_turn **turn_out, bool *more_out, struct err *err)
{
	struct speaker speaker = { 0 };
	struct letter *letters;
	struct group group;
	bool running, known;
	size_t count, taken;

	*turn_out = NULL;
	*more_out = false;
	if (!read_letters(db, room, place->id, &letters, &count, &running, err))
		return false;
	if (running || count == 0)
		return true;
	if (!resumable(db, room, letters, count, &group, err))
		return false;
	sort_late(letters, group.count ? group.count : count);
	taken = group.count ? group.count : merge_count(letters, count);
	*more_out = count > taken;
	if (!room_speaker(db, room, letters[0].profile_id, &speaker, &known, err))
		return false;
	if (group.count > 0)
		return resume(db, room, place, &speaker, &group, letters, turn_out, err);
	return turn_begin(db, room, place, &speaker, letters, taken, now_ms, turn_out, err) &&
	       mark_claimed(db, letters, taken, (*turn_out)->id, err);
}
