/* Reads JSON into jansson's values. jansson's own reader takes byte after byte through four functions, which was a third of
 * what a message of a platform cost. This one knows the usual forms only and gives up at anything else, so that what is
 * refused, and why, is said in one place. */
#include "json_quick.h"
#include "buf.h"
#include "json.h"
#include "text.h"
#include <string.h>
#include <unistr.h>

/* A place in the text. Functions that return NULL or false have met something that is not plain, and leave it anywhere. */
struct reader {
	const char *at, *end;
	unsigned depth;
	struct buf text; /* of the string that is read, when it has escapes */
};

#define EACH(byte) (UINT64_C(0x0101010101010101) * (byte))

/* Has it a byte that is 0? Exact: a byte above one that is 0 may be told as well, but none without such a one. */
static uint64_t zeros(uint64_t word)
{
	return (word - EACH(1)) & ~word & EACH(0x80);
}

/* Eight at a time: histories are long. */
size_t json_plain_len(const char *text, size_t len)
{
	size_t at = 0;

	for (; len - at >= sizeof(uint64_t); at += sizeof(uint64_t)) {
		uint64_t word;

		memcpy(&word, text + at, sizeof(word));
		/* Without its upper three bits a control character is 0. */
		if (zeros(word & EACH(0xe0)) | zeros(word ^ EACH('"')) | zeros(word ^ EACH('\\')))
			break;
	}
	while (at < len && (unsigned char)text[at] >= 0x20 && text[at] != '"' && text[at] != '\\')
		at++;
	return at;
}

static bool ascii(const char *text, size_t len)
{
	uint64_t seen = 0, word;
	size_t at = 0;

	for (; len - at >= sizeof(word); at += sizeof(word)) {
		memcpy(&word, text + at, sizeof(word));
		seen |= word;
	}
	for (; at < len; at++)
		seen |= (unsigned char)text[at];
	return (seen & EACH(0x80)) == 0;
}

static void skip_blank(struct reader *r)
{
	while (r->at < r->end && (*r->at == ' ' || *r->at == '\n' || *r->at == '\r' || *r->at == '\t'))
		r->at++;
}

static bool take(struct reader *r, char c)
{
	skip_blank(r);
	if (r->at == r->end || *r->at != c)
		return false;
	r->at++;
	return true;
}

static bool word(struct reader *r, const char *expected)
{
	size_t len = strlen(expected);

	if ((size_t)(r->end - r->at) < len || memcmp(r->at, expected, len) != 0)
		return false;
	r->at += len;
	return true;
}

/* The four digits behind "\u"; -1: they are not. */
static int hex(struct reader *r)
{
	int unit = 0;

	if (r->end - r->at < 6 || r->at[0] != '\\' || r->at[1] != 'u')
		return -1;
	for (int i = 2; i < 6; i++) {
		int digit = text_hex_digit(r->at[i]);

		if (digit < 0)
			return -1;
		unit = unit << 4 | digit;
	}
	r->at += 6;
	return unit;
}

/* What is no character alone is -1 to u8_uctomb. */
static bool unicode(struct reader *r)
{
	int unit = hex(r), low;
	uint8_t bytes[4];

	if (unit >= 0xd800 && unit < 0xdc00) {
		low = hex(r);
		if (low < 0xdc00 || low > 0xdfff)
			return false;
		unit = 0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00);
	}
	if (unit <= 0)
		return false;
	low = u8_uctomb(bytes, (ucs4_t)unit, sizeof(bytes));
	if (low > 0)
		buf_add(&r->text, (const char *)bytes, (size_t)low);
	return low > 0;
}

static bool escape(struct reader *r)
{
	static const char letters[] = "\"\\/bfnrt", meanings[] = "\"\\/\b\f\n\r\t";
	const char *letter = r->end - r->at > 1 && r->at[1] ? strchr(letters, r->at[1]) : NULL;

	if (letter == NULL)
		return unicode(r);
	buf_add(&r->text, &meanings[letter - letters], 1);
	r->at += 2;
	return true;
}

/* Behind its first quote. */
static json_t *string(struct reader *r)
{
	const char *from = r->at;
	size_t plain = json_plain_len(from, (size_t)(r->end - from));

	r->at += plain;
	if (r->at < r->end && *r->at == '"') {
		r->at++;
		return json_stringn_nocheck(from, plain);
	}
	r->text.len = 0;
	buf_add(&r->text, from, plain);
	while (r->at < r->end && *r->at == '\\') {
		if (!escape(r))
			return NULL;
		plain = json_plain_len(r->at, (size_t)(r->end - r->at));
		buf_add(&r->text, r->at, plain);
		r->at += plain;
	}
	if (!word(r, "\""))
		return NULL;
	return json_stringn_nocheck(buf_str(&r->text), r->text.len);
}

static json_t *integer(struct reader *r)
{
	enum { DIGITS = 18 };
	bool minus = word(r, "-");
	const char *from = r->at;
	json_int_t value = 0;

	while (r->at < r->end && *r->at >= '0' && *r->at <= '9' && r->at - from < DIGITS)
		value = value * 10 + (*r->at++ - '0');
	if (r->at == from || (*from == '0' && r->at - from > 1))
		return NULL;
	if (r->at < r->end && strchr("0123456789.eE", *r->at)) /* a longer one, or no integer; or NUL */
		return NULL;
	return json_integer(minus ? -value : value);
}

static json_t *value(struct reader *r);

/* A key that was there before makes no new member: jansson refuses such an object. */
static bool member(struct reader *r, json_t *object)
{
	size_t len, had = json_object_size(object);
	const char *key;
	json_t *item;

	if (!take(r, '"'))
		return false;
	key = r->at;
	len = json_plain_len(key, (size_t)(r->end - key));
	r->at += len;
	item = word(r, "\"") && take(r, ':') ? value(r) : NULL;
	return item && json_object_setn_new_nocheck(object, key, len, item) == 0 &&
	       json_object_size(object) == had + 1;
}

static bool element(struct reader *r, json_t *array)
{
	json_t *item = value(r);

	return item && json_array_append_new(array, item) == 0;
}

/* The rest of an object or array; its reference goes on. */
static json_t *rest(struct reader *r, json_t *made, bool (*next)(struct reader *r, json_t *made), char close)
{
	bool fine = ++r->depth <= JSON_DEPTH_MAX;

	if (fine && !take(r, close)) {
		do
			fine = next(r, made);
		while (fine && take(r, ','));
		fine = fine && take(r, close);
	}
	r->depth--;
	if (fine)
		return made;
	json_decref(made);
	return NULL;
}

static json_t *value(struct reader *r)
{
	if (take(r, '"'))
		return string(r);
	if (r->at == r->end)
		return NULL;
	switch (*r->at) {
	case '{':
		r->at++;
		return rest(r, json_object(), member, '}');
	case '[':
		r->at++;
		return rest(r, json_array(), element, ']');
	case 't':
		return word(r, "true") ? json_true() : NULL;
	case 'f':
		return word(r, "false") ? json_false() : NULL;
	case 'n':
		return word(r, "null") ? json_null() : NULL;
	default:
		return integer(r);
	}
}

json_t *json_quick(const char *text, size_t len)
{
	struct reader r = { .at = text, .end = text + len };
	json_t *made = ascii(text, len) || text_valid(text, len) ? value(&r) : NULL;

	skip_blank(&r);
	if (made && r.at != r.end) {
		json_decref(made);
		made = NULL;
	}
	buf_free(&r.text);
	return made;
}
