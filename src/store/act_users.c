/* Accounts: made, switched off and on, given a role. */
#include "people.h"

enum { USERNAME_MAX = 50, EMAIL_MAX = 100, DISPLAY_NAME_MAX = 255 };

static bool username_check(const char *username, struct err *err)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";

	if (strlen(username) <= USERNAME_MAX && username[strspn(username, allowed)] == '\0' &&
	    username[0] != '.')
		return true;
	return err_set(err, ERR_REFUSED,
		       "a user name is made of letters, digits, dot, dash and underscore, at most %d of them",
		       USERNAME_MAX);
}

static bool email_check(const char *email, struct err *err)
{
	const char *at = strchr(email, '@');

	if (strlen(email) <= EMAIL_MAX && at != NULL && at != email && at[1] != '\0' &&
	    strchr(at + 1, '@') == NULL && email[strcspn(email, " \t\r\n<>,;\"")] == '\0')
		return true;
	return err_set(err, ERR_REFUSED, "\"%.*s\" is not an email address of at most %d letters", CUT(email),
		       EMAIL_MAX);
}

static bool role_check(const char *role, struct err *err)
{
	enum role known;

	return role_parse(role, &known) ||
	       err_set(err, ERR_REFUSED, "a role is member, operator or owner, not \"%.*s\"", CUT(role));
}

static bool taken(struct db *db, const char *sql, const char *value, const char *what, struct err *err)
{
	bool found;
	int64_t id;

	if (!db_one_int(db, err, &found, &id, sql, "t", value))
		return true;
	if (found)
		err_set(err, ERR_REFUSED, "the %s %.*s is taken", what, CUT(value));
	return found;
}

struct new_user {
	const char *username, *display_name, *email, *role;
};

static bool insert(struct db *db, struct arena *room, const struct new_user *user, int64_t *user_id_out,
		   struct speaker *speaker_out, struct err *err)
{
	const char *now = room_time(room, clock_wall_ms());
	bool found;

	return db_one_int(db, err, &found, user_id_out,
			  "INSERT INTO users (username, email, password_hash, created_at, updated_at)"
			  " VALUES ($1, $2, '!', $3, $3) RETURNING id",
			  "ttt", user->username, user->email, now) &&
	       room_add_profile(db, room, NULL, user->display_name, speaker_out, err) &&
	       db_run(db, err, NULL,
		      "UPDATE user_profiles SET user_id = $2, email = $3, role = $4 WHERE id = $1", "titt",
		      speaker_out->profile_id, *user_id_out, user->email, user->role) &&
	       room_add_identity(db, "api", "chat", speaker_out->profile_id, user->display_name,
				 speaker_out->profile_id, err);
}

bool act_user_add(struct db *db, struct arena *room, const char *const *args, json_t **answer_out,
		  struct err *err)
{
	struct new_user user = { .username = args[0],
				 .display_name = args[1] ? args[1] : args[0],
				 .email = args[2] ? args[2] : arena_format(room, "%s@localhost", args[0]),
				 .role = args[3] ? args[3] : "member" };
	struct speaker speaker;
	int64_t user_id;

	if (!username_check(user.username, err) || !email_check(user.email, err) ||
	    !role_check(user.role, err))
		return false;
	if (text_blank(user.display_name) || strlen(user.display_name) > DISPLAY_NAME_MAX)
		return err_set(err, ERR_REFUSED, "a display name has 1 to %d bytes", DISPLAY_NAME_MAX);
	if (taken(db, "SELECT id FROM users WHERE username = $1", user.username, "user name", err) ||
	    taken(db, "SELECT id FROM users WHERE email = $1", user.email, "email address", err))
		return false;
	if (!insert(db, room, &user, &user_id, &speaker, err))
		return false;
	*answer_out = json_pack("{s:s, s:s, s:s, s:s, s:s}", "username", user.username, "profile_id",
				speaker.profile_id, "display_name", user.display_name, "email", user.email,
				"role", user.role);
	return true;
}

bool act_user_status(struct db *db, struct arena *room, const char *const *args, json_t **answer_out,
		     struct err *err)
{
	const char *now = room_time(room, clock_wall_ms());
	bool active = strcmp(args[1], "active") == 0;

	if (!active && strcmp(args[1], "disabled") != 0)
		return err_set(err, ERR_REFUSED, "a status is active or disabled, not \"%.*s\"",
			       CUT(args[1]));
	*answer_out = json_pack("{s:s, s:s}", "profile_id", args[0], "status", args[1]);
	return db_run(db, err, NULL, "UPDATE user_profiles SET status = $2, updated_at = $3 WHERE id = $1",
		      "ttt", args[0], args[1], now) &&
	       db_run(db, err, NULL,
		      "UPDATE users SET is_active = $2, updated_at = $3"
		      " WHERE id = (SELECT user_id FROM user_profiles WHERE id = $1)",
		      "tbt", args[0], active, now);
}

bool act_user_role(struct db *db, struct arena *room, const char *const *args, json_t **answer_out,
		   struct err *err)
{
	*answer_out = json_pack("{s:s, s:s}", "profile_id", args[0], "role", args[1]);
	return role_check(args[1], err) &&
	       db_run(db, err, NULL, "UPDATE user_profiles SET role = $2, updated_at = $3 WHERE id = $1",
		      "ttt", args[0], args[1], room_time(room, clock_wall_ms()));
}
