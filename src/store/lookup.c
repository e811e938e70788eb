/* What people type as arguments, checked and found in the database. */
#include "people.h"
#include "text.h"
#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { LIMIT_DEFAULT = 50, LIMIT_MAX = 1000, DIGITS_MAX = 18 };

static bool all_digits(const char *text)
{
	size_t len = strspn(text, "0123456789");

	return len > 0 && len <= DIGITS_MAX && text[len] == '\0';
}

/* The n-th of comma-separated names. */
static const char *name_at(struct arena *room, const char *names, size_t n)
{
	for (; n > 0 && names != NULL; n--) {
		names = strchr(names, ',');
		names = names ? names + 1 : NULL;
	}
	return names ? arena_text_n(room, names, strcspn(names, ",")) : "argument";
}

bool person_find(struct db *db, struct arena *room, const char *who, struct person *person_out,
		 struct err *err)
{
	static const char by_name[] = "SELECT p.id, p.org_id, u.username, p.display_name, u.id FROM users u"
				      " JOIN user_profiles p ON p.user_id = u.id WHERE u.username = $1"
				      " ORDER BY p.created_at LIMIT 1";
	static const char by_id[] =
		"SELECT p.id, p.org_id, u.username, p.display_name, u.id FROM user_profiles p"
		" LEFT JOIN users u ON u.id = p.user_id WHERE p.id = $1";
	const char *const ways[] = { by_name, by_id };
	bool found = false;

	for (size_t i = 0; !found && i < 2; i++) {
		struct query query;

		db_query(db, &query, ways[i], "t", who);
		found = db_row(&query);
		if (found)
			*person_out = (struct person){ .profile_id = room_text(room, &query, 0),
						       .org_id = room_text(room, &query, 1),
						       .username = room_text(room, &query, 2),
						       .display_name = room_text(room, &query, 3),
						       .user_id = db_int(&query, 4) };
		if (!db_end(&query, err))
			return false;
	}
	return found ||
	       err_set(err, ERR_GONE, "no user is named \"%.*s\": `usher user list` shows them", CUT(who));
}

/* Other people's conversations and those that never were look the same. */
static bool conversation_find(struct db *db, struct arena *room, const char **text, const char *profile,
			      struct err *err)
{
	static const char by_id[] = "SELECT id FROM \"LLMConversation\" WHERE id = CAST($1 AS BIGINT)"
				    " AND ($2 IS NULL OR \"userId\" = $2)";
	static const char by_uuid[] = "SELECT id FROM \"LLMConversation\" WHERE uuid = lower($1)"
				      " AND ($2 IS NULL OR \"userId\" = $2)";
	bool found;
	int64_t id;

	if (!db_one_int(db, err, &found, &id, all_digits(*text) ? by_id : by_uuid, "tt", *text, profile))
		return false;
	if (!found)
		return err_set(err, ERR_GONE, "there is no conversation %.*s", CUT(*text));
	*text = arena_format(room, "%" PRId64, id);
	return true;
}

static bool limit_check(struct arena *room, const char **text, struct err *err)
{
	long limit = *text ? strtol(*text, NULL, 10) : LIMIT_DEFAULT;

	if (*text != NULL && (!all_digits(*text) || limit < 1))
		return err_set(err, ERR_REFUSED, "limit: a number from 1 to %d is expected", LIMIT_MAX);
	*text = arena_format(room, "%ld", limit > LIMIT_MAX ? LIMIT_MAX : limit);
	return true;
}

struct checking {
	struct db *db;
	struct arena *room;
	const char *profile; /* that asks */
};

static bool arg_check(const struct checking *with, char letter, const char *name, const char **text,
		      struct err *err)
{
	struct person person = { 0 };

	if (letter == 'l')
		return limit_check(with->room, text, err);
	if (*text == NULL)
		return true;
	if (strlen(*text) > ARG_BYTES_MAX || !text_valid(*text, strlen(*text)))
		return err_set(err, ERR_REFUSED, "%s: too long, or not UTF-8", name);
	switch (letter) {
	case 'i':
		return all_digits(*text) || err_set(err, ERR_REFUSED, "%s: a whole number is expected", name);
	case 'c':
		return conversation_find(with->db, with->room, text, with->profile, err);
	case 'w':
		if (!person_find(with->db, with->room, *text, &person, err))
			return false;
		*text = person.profile_id;
		return true;
	default:
		return true;
	}
}

bool args_check(struct db *db, struct arena *room, const char *letters, const char *names,
		struct named_args *args, struct err *err)
{
	struct checking with = { .db = db, .room = room };
	const char *asks = strpbrk(letters, "pP");

	if (asks != NULL)
		with.profile = args->text[asks - letters];
	for (size_t i = 0; letters[i]; i++) {
		const char *name = name_at(room, names, i);

		if (isupper((unsigned char)letters[i]) && (args->text[i] == NULL || args->text[i][0] == '\0'))
			return err_set(err, ERR_REFUSED, "%s is missing", name);
		if (!arg_check(&with, (char)tolower((unsigned char)letters[i]), name, &args->text[i], err))
			return false;
	}
	return true;
}
