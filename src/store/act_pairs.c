/* Strangers who wait at the door: let in or sent away by their code. */
#include "people.h"
#include <ctype.h>

enum { CODE_MAX = 32 };

struct pair {
	int64_t id;
	const char *code, *org_id, *platform, *installation, *sender, *display_name;
};

/* As it was read aloud: in any case, with blanks and dashes. */
static const char *plain_code(struct arena *room, const char *typed)
{
	char *code = arena_alloc(room, CODE_MAX + 1);
	size_t len = 0;

	for (; *typed && len < CODE_MAX; typed++)
		if (*typed != ' ' && *typed != '-')
			code[len++] = (char)toupper((unsigned char)*typed);
	return code;
}

/* Why a code that is known can't be used any more. */
static bool state_check(const char *state, bool in_time, struct err *err)
{
	if (strcmp(state, "approved") == 0)
		return err_set(err, ERR_REFUSED, "this code was approved before");
	if (strcmp(state, "dropped") == 0)
		return err_set(err, ERR_REFUSED,
			       "this code was dropped: the person gets a new one by writing again");
	if (strcmp(state, "expired") == 0 || !in_time)
		return err_set(err, ERR_REFUSED,
			       "this code has expired: the person gets a new one by writing again");
	return true;
}

static bool find(struct db *db, struct arena *room, const char *typed, struct pair *pair_out, struct err *err)
{
	struct query query;
	bool found, usable = false;

	db_query(db, &query,
		 "SELECT id, code, org_id, platform, installation, external_user_id, display_name, state, "
		 "expires_at > $2"
		 " FROM pairing_codes WHERE code = $1",
		 "tt", plain_code(room, typed), room_time(room, clock_wall_ms()));
	found = db_row(&query);
	if (found) {
		*pair_out = (struct pair){ .id = db_int(&query, 0),
					   .code = room_text(room, &query, 1),
					   .org_id = room_text(room, &query, 2),
					   .platform = room_text(room, &query, 3),
					   .installation = room_text(room, &query, 4),
					   .sender = room_text(room, &query, 5),
					   .display_name = room_text(room, &query, 6) };
		usable = state_check(db_text(&query, 7), db_bool(&query, 8), err);
	}
	if (!db_end(&query, err))
		return false;
	if (!found)
		return err_set(err, ERR_GONE,
			       "nobody waits with this code: `usher pair list` shows who does");
	return usable;
}

/* The profile that the stranger becomes: an existing one, or a new member's. */
static bool profile_for(struct db *db, struct arena *room, const struct pair *pair, const char *who,
			struct speaker *speaker_out, struct err *err)
{
	bool found = false;

	if (who == NULL)
		return room_add_profile(db, room, pair->org_id,
					pair->display_name ? pair->display_name : pair->sender, speaker_out,
					err);
	if (!room_speaker(db, room, who, speaker_out, &found, err))
		return false;
	if (!found)
		return err_set(err, ERR_GONE, "this user is gone");
	if (pair->org_id == NULL || strcmp(speaker_out->org_id, pair->org_id) != 0)
		return err_set(err, ERR_REFUSED, "this user belongs to another organisation");
	return true;
}

bool act_pair_approve(struct db *db, struct arena *room, const char *const *args, json_t **answer_out,
		      struct err *err)
{
	const char *now = room_time(room, clock_wall_ms());
	struct speaker speaker = { 0 };
	struct pair pair = { 0 };

	if (!find(db, room, args[0], &pair, err) || !profile_for(db, room, &pair, args[1], &speaker, err) ||
	    !room_add_identity(db, pair.platform, pair.installation, pair.sender, pair.display_name,
			       speaker.profile_id, err))
		return false;
	/* The person's other codes have done their work too. */
	if (!db_run(db, err, NULL,
		    "UPDATE pairing_codes SET state = 'approved', approved_at = $2, approved_by = $3 WHERE "
		    "id = $1",
		    "itt", pair.id, now, args[2]) ||
	    !db_run(db, err, NULL,
		    "UPDATE pairing_codes SET state = 'dropped' WHERE platform = $1 AND installation = $2"
		    " AND external_user_id = $3 AND state = 'pending'",
		    "ttt", pair.platform, pair.installation, pair.sender))
		return false;
	*answer_out = json_pack("{s:s, s:s, s:s, s:s, s:s?, s:s}", "code", pair.code, "platform",
				pair.platform, "installation", pair.installation, "sender", pair.sender,
				"display_name", pair.display_name, "profile_id", speaker.profile_id);
	return true;
}

bool act_pair_drop(struct db *db, struct arena *room, const char *const *args, json_t **answer_out,
		   struct err *err)
{
	struct pair pair = { 0 };

	if (!find(db, room, args[0], &pair, err) ||
	    !db_run(db, err, NULL, "UPDATE pairing_codes SET state = 'dropped' WHERE id = $1", "i", pair.id))
		return false;
	*answer_out = json_pack("{s:s, s:s}", "code", pair.code, "state", "dropped");
	return true;
}
