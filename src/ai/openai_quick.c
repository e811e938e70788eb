/* The short way for what nearly every event of a stream is: one piece of text and nothing else, or its end. It takes a
 * narrow form of JSON only; anything beyond it is left to the reader that knows everything and costs ten
 * times as much. */
#include "openai.h"
#include "text.h"
#include <string.h>

/* A place in the text; ok turns false at the first thing that is not plain. */
struct scan {
	const char *at, *end;
	bool ok;
};

static void skip_blank(struct scan *s)
{
	while (s->at < s->end && (*s->at == ' ' || *s->at == '\n' || *s->at == '\r' || *s->at == '\t'))
		s->at++;
}

static bool take(struct scan *s, char c)
{
	skip_blank(s);
	if (s->at == s->end || *s->at != c)
		return false;
	s->at++;
	return true;
}

static void need(struct scan *s, char c)
{
	s->ok = take(s, c) && s->ok;
}

static bool take_word(struct scan *s, const char *word)
{
	size_t len = strlen(word);

	skip_blank(s);
	if ((size_t)(s->end - s->at) < len || memcmp(s->at, word, len) != 0)
		return false;
	s->at += len;
	return true;
}

/* A string without escapes; its bytes. */
static const char *plain_string(struct scan *s, size_t *len_out)
{
	const char *from;

	need(s, '"');
	from = s->at;
	while (s->at < s->end && *s->at != '"' && *s->at != '\\' && (unsigned char)*s->at >= 0x20)
		s->at++;
	*len_out = (size_t)(s->at - from);
	if (s->at == s->end || *s->at != '"')
		s->ok = false;
	else
		s->at++;
	return from;
}

/* A string with the one-letter escapes; its text goes to out. */
static void text_string(struct scan *s, struct buf *out)
{
	static const char letters[] = "\"\\/bfnrt", meanings[] = "\"\\/\b\f\n\r\t";

	need(s, '"');
	while (s->ok && s->at < s->end && *s->at != '"') {
		const char *from = s->at, *letter;

		while (s->at < s->end && *s->at != '"' && *s->at != '\\' && (unsigned char)*s->at >= 0x20)
			s->at++;
		buf_add(out, from, (size_t)(s->at - from));
		if (s->at == s->end || *s->at == '"')
			continue;
		letter = s->end - s->at > 1 && *s->at == '\\' && s->at[1] ? strchr(letters, s->at[1]) : NULL;
		s->ok = letter != NULL;
		if (letter) {
			buf_add(out, &meanings[letter - letters], 1);
			s->at += 2;
		}
	}
	need(s, '"');
}

static void number(struct scan *s)
{
	const char *from = s->at;

	while (s->at < s->end && *s->at >= '0' && *s->at <= '9')
		s->at++;
	if (s->at == from || s->at - from > 15 || (*from == '0' && s->at - from > 1))
		s->ok = false;
}

/* A value whose content does not matter: only what can't hide anything. */
static void scalar(struct scan *s)
{
	size_t len;

	skip_blank(s);
	if (s->at == s->end)
		s->ok = false;
	else if (*s->at == '"')
		plain_string(s, &len);
	else if (!take_word(s, "null") && !take_word(s, "true") && !take_word(s, "false"))
		number(s);
}

static bool is(const char *key, size_t len, const char *name)
{
	return strlen(name) == len && memcmp(key, name, len) == 0;
}

typedef void member_fn(struct scan *s, const char *key, size_t len, struct openai_piece *piece);

static void object(struct scan *s, member_fn *member, struct openai_piece *piece)
{
	need(s, '{');
	if (take(s, '}')) /* the last delta */
		return;
	do {
		size_t len;
		const char *key = plain_string(s, &len);

		need(s, ':');
		if (s->ok)
			member(s, key, len, piece);
	} while (s->ok && take(s, ','));
	need(s, '}');
}

/* Each may be seen once: of doubles the careful reader must say which counts. */
static void once(struct scan *s, bool *seen)
{
	s->ok = s->ok && !*seen;
	*seen = true;
}

static void delta_member(struct scan *s, const char *key, size_t len, struct openai_piece *piece)
{
	if (is(key, len, "content")) {
		once(s, &piece->has_content);
		if (!take_word(s, "null"))
			text_string(s, &piece->content);
	} else if (is(key, len, "role")) {
		once(s, &piece->has_role);
		scalar(s);
	} else {
		/* reasoning, refusal, tool_calls, extra fields: only when they hold nothing */
		s->ok = (is(key, len, "refusal") || is(key, len, "tool_calls")) && !piece->has_other &&
			take_word(s, "null");
		piece->has_other = true;
	}
}

static void choice_member(struct scan *s, const char *key, size_t len, struct openai_piece *piece)
{
	if (is(key, len, "delta")) {
		once(s, &piece->has_delta);
		object(s, delta_member, piece);
	} else if (is(key, len, "index")) {
		once(s, &piece->has_index);
		s->ok = take_word(s, "0") && s->ok;
	} else if (is(key, len, "finish_reason")) {
		once(s, &piece->has_finish);
		piece->stop = take_word(s, "\"stop\"");
		s->ok = (piece->stop || take_word(s, "null")) && s->ok;
	} else {
		s->ok = is(key, len, "logprobs") && !piece->has_logprobs && take_word(s, "null");
		piece->has_logprobs = true;
	}
}

static void root_member(struct scan *s, const char *key, size_t len, struct openai_piece *piece)
{
	static const char *const plain[] = { "id",	    "object",	    "created",
					     "model",	    "service_tier", "system_fingerprint",
					     "obfuscation", "usage" };
	size_t i = 0, id_len;

	if (is(key, len, "choices")) {
		once(s, &piece->has_choices);
		need(s, '[');
		object(s, choice_member, piece);
		need(s, ']');
		return;
	}
	while (i < sizeof(plain) / sizeof(*plain) && !is(key, len, plain[i]))
		i++;
	if (i == sizeof(plain) / sizeof(*plain) || (piece->members & 1u << i)) {
		s->ok = false;
		return;
	}
	piece->members |= 1u << i;
	skip_blank(s);
	if (i == 0 && s->at < s->end && *s->at == '"') {
		piece->id = plain_string(s, &id_len);
		piece->id_len = id_len;
	} else if (is(key, len, "usage")) {
		s->ok = take_word(s, "null") && s->ok;
	} else {
		scalar(s);
	}
}

bool openai_quick(const char *data, size_t len, struct openai_piece *piece)
{
	struct scan s = { data, data + len, true };

	object(&s, root_member, piece);
	skip_blank(&s);
	return s.ok && s.at == s.end && piece->has_choices && text_valid(data, len);
}
