/* The language that somebody wants to be answered in. */
#include "people.h"
#include <ctype.h>

enum { TAG_MAX = 35 }; /* what software must at least be able to keep: RFC 5646, section 4.4.1 */

/* A subtag in the case that is usual there: language, then "Latn", then "CH" (RFC 5646, section 2.1.1). Behind a single
 * letter all is lower case. */
static void write_subtag(char *out, const char *subtag, size_t len, bool first, bool private)
{
	bool region = len == 2 && !first && !private, script = len == 4 && !first && !private;

	for (size_t i = 0; i < len; i++) {
		int c = (unsigned char)subtag[i];

		out[i] = (char)(region || (script && i == 0) ? toupper(c) : tolower(c));
	}
}

static bool subtag_check(const char *subtag, size_t len, bool first)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
	static const char all[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";

	return len >= (first ? 2 : 1) && len <= 8 && strspn(subtag, first ? letters : all) >= len;
}

/* By its form: whether there is such a language is the model's matter. NULL: it is no tag. */
static const char *read_tag(struct arena *room, const char *text)
{
	char *tag = arena_text(room, text);
	size_t at = 0, total = strlen(text);
	bool single = false, after_single = false;

	if (total > TAG_MAX)
		return NULL;
	do {
		size_t len = strcspn(text + at, "-");

		if (!subtag_check(text + at, len, at == 0))
			return NULL;
		write_subtag(tag + at, text + at, len, at == 0, after_single);
		single = len == 1;
		after_single = after_single || single;
		at += len + 1;
	} while (at <= total);
	return single ? NULL : tag; /* a single letter announces what follows it */
}

bool act_language(struct db *db, struct arena *room, const char *const *args, json_t **answer_out,
		  struct err *err)
{
	const char *tag = args[1] ? read_tag(room, args[1]) : NULL;
	int64_t rows = 0;

	if (args[1] && tag == NULL)
		return err_set(err, ERR_REFUSED,
			       "\"%.*s\" is not the code of a language, such as de, pt-BR or zh-Hant",
			       CUT(args[1]));
	*answer_out = json_pack("{s:s?}", "language", tag);
	return db_run(db, err, &rows, "UPDATE user_profiles SET language = $2, updated_at = $3 WHERE id = $1",
		      "ttt", args[0], tag, room_time(room, clock_wall_ms())) &&
	       (rows > 0 || err_set(err, ERR_GONE, "there is no profile %.*s", CUT(args[0])));
}
