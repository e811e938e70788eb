/* A stranger is let in: profile, identity and conversation are made, the message that waited is placed. */
#include "imports.h"
#include "journey.h"
#include <string.h>

struct admit_ask {
	struct store_admission admission;
	store_accepted_fn *fn;
};

struct waiting {
	struct letter letter;
	const char *sender_name, *org_id, *conversation_key;
};

static bool load_waiting(struct db *db, struct arena *room, int64_t id, struct waiting *it, struct err *err)
{
	struct query query;
	bool found, unplaced = false;

	db_query(db, &query,
		 "SELECT uuid, platform, installation, delivery_key, sender, body, reply_to, flags, "
		 "sender_name, org_id,"
		 " conversation_key, state = 'accepted' AND \"llmConversationId\" IS NULL, files FROM inbox"
		 " WHERE id = $1",
		 "i", id);
	found = db_row(&query);
	if (found) {
		it->letter = (struct letter){
			.id = id,
			.uuid = room_text(room, &query, 0),
			.platform = room_text(room, &query, 1),
			.installation = room_text(room, &query, 2),
			.delivery_key = room_text(room, &query, 3),
			.sender = room_text(room, &query, 4),
			.body = room_text(room, &query, 5),
			.reply_to = room_text(room, &query, 6),
			.flags = (unsigned)db_int(&query, 7),
			.files = room_text(room, &query, 12),
		};
		it->sender_name = room_text(room, &query, 8);
		it->org_id = room_text(room, &query, 9);
		it->conversation_key = room_text(room, &query, 10);
		unplaced = db_bool(&query, 11);
	}
	if (!db_end(&query, err))
		return false;
	if (!found)
		return err_set(err, ERR_GONE, "no message %lld", (long long)id);
	return unplaced ||
	       err_set(err, ERR_REFUSED, "message %lld waits for nobody to be admitted", (long long)id);
}

/* A code is not even looked at behind too many wrong ones. */
static bool take_code(struct db *db, struct arena *room, const struct waiting *it, const char *code_hash,
		      struct speaker *speaker, struct err *err)
{
	const struct letter *letter = &it->letter;
	const struct link_ask ask = { .code_hash = code_hash,
				      .platform = letter->platform,
				      .installation = letter->installation,
				      .sender = letter->sender,
				      .sender_name = it->sender_name,
				      .org_id = it->org_id };
	int64_t tries;

	if (!link_tries(db, room, &ask, letter->id, &tries, err))
		return false;
	if (tries >= STORE_CODE_TRIES_MAX)
		return err_set(err, ERR_REFUSED, "too many wrong codes");
	return link_stranger(db, room, &ask, speaker, err);
}

/* The sender may have been let in with an earlier message. */
static bool make_known(struct db *db, struct arena *room, const struct waiting *it, const char *code_hash,
		       struct speaker *speaker, struct err *err)
{
	const struct letter *letter = &it->letter;
	bool known;

	if (!room_identity(db, room, letter->platform, letter->installation, letter->sender, speaker, &known,
			   err))
		return false;
	if (known && !speaker->active)
		return err_set(err, ERR_REFUSED, "this person is switched off");
	if (!known && code_hash)
		return take_code(db, room, it, code_hash, speaker, err);
	return known || (room_add_profile(db, room, it->org_id,
					  it->sender_name ? it->sender_name : letter->sender, speaker, err) &&
			 room_add_identity(db, letter->platform, letter->installation, letter->sender,
					   it->sender_name, speaker->profile_id, err));
}

static bool run_admit(struct db *db, struct job *job, struct err *err)
{
	const struct store_admission *ask = &((const struct admit_ask *)job->ask)->admission;
	struct store_accepted *out = arena_alloc(job->room, sizeof(*out));
	struct speaker *speaker = arena_alloc(job->room, sizeof(*speaker));
	struct store_turn *turn = NULL;
	struct waiting it = { 0 };
	struct place place = { 0 };
	struct place_ask where = { .now_ms = clock_wall_ms() };

	if (!load_waiting(db, job->room, ask->inbox_id, &it, err) ||
	    !make_known(db, job->room, &it, ask->code_hash, speaker, err))
		return false;
	where.platform = it.letter.platform;
	where.installation = it.letter.installation;
	where.key = it.conversation_key;
	where.fresh = (it.letter.flags & INCOMING_NEW) != 0;
	if (!place_for(db, job->room, &where, speaker, &place, err))
		return false;
	place.next_seq++;
	place.title = it.letter.flags & INCOMING_COMMAND ? NULL : place_title(job->room, it.letter.body);
	if (ask->may_claim && !place.busy &&
	    !turn_begin(db, job->room, &place, speaker, &it.letter, 1, where.now_ms, &turn, err))
		return false;
	*out = (struct store_accepted){
		.how = ACCEPT_NEW,
		.inbox_id = ask->inbox_id,
		.uuid = it.letter.uuid,
		.state = turn ? MESSAGE_CLAIMED : MESSAGE_ACCEPTED,
		.conversation_id = place.id,
		.conversation_uuid = place.uuid,
		.speaker = speaker,
		.turn = turn,
		.flags = it.letter.flags,
	};
	job->answer = out;
	return db_run(db, err, NULL,
		      "UPDATE inbox SET profile_id = $2, org_id = $3, \"llmConversationId\" = $4, seq = $5, "
		      "state = $6,"
		      " attempts = $7, turn_id = nullif($8, 0) WHERE id = $1",
		      "ittiitii", ask->inbox_id, speaker->profile_id, speaker->org_id, place.id,
		      place.next_seq - 1, message_state_name(out->state), (int64_t)(turn ? 1 : 0),
		      turn ? turn->id : 0) &&
	       imports_add(db, ask->inbox_id, err) && place_keep(db, &place, where.now_ms, err);
}

static void give_admit(struct job *job)
{
	const struct admit_ask *ask = job->ask;

	ask->fn(job->owner, job->ticket, &job->err, job->answer);
}

void store_admit(struct store *store, const struct store_admission *question, store_accepted_fn *fn,
		 void *owner, uint64_t ticket)
{
	struct job *job =
		job_create(JOB_WRITE, run_admit, give_admit, sizeof(struct admit_ask), owner, ticket);

	*(struct admit_ask *)job->ask =
		(struct admit_ask){ .admission = { .inbox_id = question->inbox_id,
						   .may_claim = question->may_claim,
						   .code_hash = job_text(job, question->code_hash) },
				    .fn = fn };
	store_ask(store, job);
}
