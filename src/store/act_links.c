/* One person in two places: a code that is asked for in one and given in the other joins them. */
#include "journey.h"
#include "people.h"

enum { HASH_LEN = 64, LIFE_MS = 600000, OPEN_MAX = 3, TRIES_MS = 3600000 };

/* A code by mistake instead of its hash would lie readable in the database. */
static bool hash_check(const char *hash, struct err *err)
{
	return (strlen(hash) == HASH_LEN && hash[strspn(hash, "0123456789abcdef")] == '\0') ||
	       err_set(err, ERR_REFUSED, "a code's hash is SHA-256 in lower-case hexadecimal digits");
}

/* Somebody who is switched off neither gives nor takes an identity. */
static bool speaker_check(struct db *db, struct arena *room, const char *profile_id,
			  struct speaker *speaker_out, struct err *err)
{
	bool found;

	if (!room_speaker(db, room, profile_id, speaker_out, &found, err))
		return false;
	if (!found) {
		err_set(err, ERR_GONE, "there is no profile %.*s", CUT(profile_id));
		return false;
	}
	return speaker_out->active || err_set(err, ERR_REFUSED, "this account is switched off");
}

bool act_link_make(struct db *db, struct arena *room, const char *const *args, json_t **answer_out,
		   struct err *err)
{
	int64_t now_ms = clock_wall_ms(), open = 0;
	const char *now = room_time(room, now_ms), *expires = room_time(room, now_ms + LIFE_MS);
	struct speaker speaker;
	bool found;

	if (!hash_check(args[1], err) || !speaker_check(db, room, args[0], &speaker, err) ||
	    !db_one_int(db, err, &found, &open,
			"SELECT count(*) FROM link_codes WHERE profile_id = $1 AND expires_at > $2"
			" AND used_at IS NULL",
			"tt", speaker.profile_id, now))
		return false;
	if (open >= OPEN_MAX)
		return err_set(err, ERR_REFUSED,
			       "you have %d codes that nobody has used: use one of them, or wait ten minutes",
			       OPEN_MAX);
	*answer_out = json_pack("{s:s, s:s?, s:s}", "profile_id", speaker.profile_id, "display_name",
				speaker.display_name, "expires_at", expires);
	return db_run(db, err, NULL,
		      "INSERT INTO link_codes (code_hash, org_id, profile_id, created_at, expires_at)"
		      " VALUES ($1, $2, $3, $4, $5)",
		      "ttttt", args[1], speaker.org_id, speaker.profile_id, now, expires);
}

bool act_link_invite(struct db *db, struct arena *room, const char *const *args, json_t **answer_out,
		     struct err *err)
{
	const char *who = args[0];
	struct query query;

	if (who == NULL) {
		db_query(db, &query,
			 "SELECT id FROM user_profiles WHERE role = 'owner' AND status = 'active'"
			 " ORDER BY created_at, id LIMIT 1",
			 "");
		if (db_row(&query))
			who = room_text(room, &query, 0);
		if (!db_end(&query, err))
			return false;
	}
	if (who == NULL)
		return err_set(err, ERR_GONE, "there is no active owner: name somebody");
	return act_link_make(db, room, (const char *const[]){ who, args[1] }, answer_out, err);
}

/* The profile that the code was made for. done_out: this very sender has used it, the process only died before it could
 * say so. */
static bool find_code(struct db *db, struct arena *room, const char *hash, const char *by,
		      struct speaker *owner_out, bool *done_out, struct err *err)
{
	const char *profile_id = NULL;
	bool used = false, in_time = false;
	struct query query;

	db_query(db, &query,
		 "SELECT profile_id, used_at IS NOT NULL, expires_at > $2, used_by = $3 FROM link_codes"
		 " WHERE code_hash = $1",
		 "ttt", hash, room_time(room, clock_wall_ms()), by);
	if (db_row(&query)) {
		profile_id = room_text(room, &query, 0);
		used = db_bool(&query, 1);
		in_time = db_bool(&query, 2);
		*done_out = db_bool(&query, 3);
	}
	if (!db_end(&query, err))
		return false;
	if (profile_id == NULL || (!*done_out && (used || !in_time))) {
		err_set(err, profile_id ? ERR_REFUSED : ERR_GONE,
			profile_id == NULL ? "this code is not known"
			: used		   ? "this code was used before: ask for a new one"
					   : "this code has expired: ask for a new one");
		return false;
	}
	return speaker_check(db, room, profile_id, owner_out, err);
}

/* The one who gives the code must be who the caller takes them for. */
static bool find_giver(struct db *db, struct arena *room, const char *const *args, struct speaker *giver_out,
		       struct err *err)
{
	bool found;

	if (!room_identity(db, room, args[1], args[2], args[3], giver_out, &found, err))
		return false;
	if (!found || strcmp(giver_out->profile_id, args[0]) != 0)
		return err_set(err, ERR_GONE, "there is no such sender on %.*s", CUT(args[1]));
	return giver_out->active || err_set(err, ERR_REFUSED, "this account is switched off");
}

static bool may_join(const struct speaker *owner, const struct speaker *giver, struct err *err)
{
	if (strcmp(owner->org_id, giver->org_id) != 0)
		return err_set(err, ERR_REFUSED, "this code was made in another organisation");
	return strcmp(owner->profile_id, giver->profile_id) != 0 ||
	       err_set(err, ERR_REFUSED,
		       "this code is your own: give it where you want to be known as the same person");
}

static bool use_up(struct db *db, struct arena *room, const char *hash, const char *by, struct err *err)
{
	return db_run(db, err, NULL, "UPDATE link_codes SET used_at = $2, used_by = $3 WHERE code_hash = $1",
		      "ttt", hash, room_time(room, clock_wall_ms()), by);
}

bool act_link_use(struct db *db, struct arena *room, const char *const *args, json_t **answer_out,
		  struct err *err)
{
	const char *by = arena_format(room, "%s/%s/%s", args[1], args[2], args[3]);
	struct speaker owner = { 0 }, giver = { 0 };
	bool done = false;

	if (!hash_check(args[4], err) || !find_code(db, room, args[4], by, &owner, &done, err))
		return false;
	*answer_out = json_pack("{s:s, s:s, s:s?}", "profile_id", owner.profile_id, "former_profile_id",
				args[0], "display_name", owner.display_name);
	if (done)
		return true;
	return find_giver(db, room, args, &giver, err) && may_join(&owner, &giver, err) &&
	       db_run(db, err, NULL,
		      "UPDATE platform_identities SET profile_id = $4 WHERE platform = $1"
		      " AND installation = $2 AND external_user_id = $3",
		      "tttt", args[1], args[2], args[3], owner.profile_id) &&
	       use_up(db, room, args[4], by, err);
}

/* ---- strangers -------------------------------------------------------------------------------------------
 */

bool link_stranger(struct db *db, struct arena *room, const struct link_ask *ask, struct speaker *speaker_out,
		   struct err *err)
{
	const char *by = arena_format(room, "%s/%s/%s", ask->platform, ask->installation, ask->sender);
	bool done = false;

	if (!hash_check(ask->code_hash, err) ||
	    !find_code(db, room, ask->code_hash, by, speaker_out, &done, err))
		return false;
	if (done) /* and is a stranger again: somebody has taken the identity away since */
		return err_set(err, ERR_REFUSED, "this code was used before: ask for a new one");
	if (strcmp(speaker_out->org_id, ask->org_id) != 0)
		return err_set(err, ERR_REFUSED, "this code was made in another organisation");
	return room_add_identity(db, ask->platform, ask->installation, ask->sender, ask->sender_name,
				 speaker_out->profile_id, err) &&
	       use_up(db, room, ask->code_hash, by, err);
}

bool link_tries(struct db *db, struct arena *room, const struct link_ask *ask, int64_t inbox_id,
		int64_t *count_out, struct err *err)
{
	bool found;

	return db_one_int(
		db, err, &found, count_out,
		"SELECT (SELECT count(*) FROM inbox WHERE platform = $1 AND installation = $2"
		" AND sender = $3 AND received_at > $4 AND reason = 'wrong code')"
		" + (SELECT count(*) FROM inbox WHERE \"llmConversationId\" IS NULL"
		" AND state IN ('accepted', 'claimed') AND state = 'accepted' AND id < $5"
		" AND flags & $6 AND coalesce(platform, '') = $1 AND installation = $2 AND sender = $3)",
		"ttttii", ask->platform, ask->installation, ask->sender,
		room_time(room, clock_wall_ms() - TRIES_MS), inbox_id, (int64_t)INCOMING_COMMAND);
}
