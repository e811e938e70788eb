/* API keys: only their hash is kept, their public part names them. */
#include "people.h"

enum { KEY_NAME_MAX = 50, KEY_ID_MAX = 64, HASH_LEN = 64 };

struct new_key {
	const char *username, *name, *id, *hash;
};

static bool form_check(const struct new_key *key, struct err *err)
{
	if (text_blank(key->name) || strlen(key->name) > KEY_NAME_MAX)
		return err_set(err, ERR_REFUSED, "a key's name has 1 to %d bytes", KEY_NAME_MAX);
	if (strlen(key->id) > KEY_ID_MAX)
		return err_set(err, ERR_REFUSED, "a key's id has at most %d letters", KEY_ID_MAX);
	/* A key by mistake instead of its hash would lie readable in the database. */
	if (strlen(key->hash) != HASH_LEN || key->hash[strspn(key->hash, "0123456789abcdef")] != '\0')
		return err_set(err, ERR_REFUSED, "a key's hash is SHA-256 in lower-case hexadecimal digits");
	return true;
}

static bool insert(struct db *db, struct arena *room, const struct new_key *key, const struct person *person,
		   json_t **answer_out, struct err *err)
{
	if (!db_run(db, err, NULL,
		    "INSERT INTO api_keys (user_id, key_name, api_key, created_at, key_id) VALUES ($1, $2, "
		    "$3, $4, $5)",
		    "itttt", person->user_id, key->name, key->hash, room_time(room, clock_wall_ms()),
		    key->id))
		return err_add(err, "key %s", key->id);
	*answer_out = json_pack("{s:s, s:s, s:s}", "key_id", key->id, "key_name", key->name, "username",
				person->username);
	return true;
}

/* `replace`: the user's active key of this name gives way; without it, it is in the way. */
static bool add(struct db *db, struct arena *room, const char *const *args, bool replace, json_t **answer_out,
		struct err *err)
{
	struct new_key key = { .username = args[0], .name = args[1], .id = args[2], .hash = args[3] };
	struct person person;
	int64_t revoked;

	if (!form_check(&key, err) || !person_find(db, room, key.username, &person, err))
		return false;
	if (person.user_id == 0)
		return err_set(err, ERR_REFUSED, "only a user with a user name can have keys");
	if (!db_run(db, err, &revoked,
		    "UPDATE api_keys SET is_active = false WHERE user_id = $1 AND key_name = $2 AND "
		    "is_active",
		    "it", person.user_id, key.name))
		return false;
	if (revoked > 0 && !replace)
		return err_set(err, ERR_REFUSED,
			       "%s has a key named \"%.*s\": revoke it first, or choose another name",
			       person.username, CUT(key.name));
	return insert(db, room, &key, &person, answer_out, err);
}

bool act_key_add(struct db *db, struct arena *room, const char *const *args, json_t **answer_out,
		 struct err *err)
{
	return add(db, room, args, false, answer_out, err);
}

bool act_key_replace(struct db *db, struct arena *room, const char *const *args, json_t **answer_out,
		     struct err *err)
{
	return add(db, room, args, true, answer_out, err);
}

bool act_key_revoke(struct db *db, struct arena *room, const char *const *args, json_t **answer_out,
		    struct err *err)
{
	int64_t changed;

	(void)room;
	if (!db_run(db, err, &changed, "UPDATE api_keys SET is_active = false WHERE key_id = $1", "t",
		    args[0]))
		return false;
	if (changed == 0)
		return err_set(err, ERR_GONE, "there is no key with the id %.*s: `usher key list` shows them",
			       CUT(args[0]));
	*answer_out = json_pack("{s:s, s:s}", "key_id", args[0], "state", "revoked");
	return true;
}
