/* Strict JSON on top of jansson. */
#include "json.h"
#include "buf.h"
#include "mem.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* jansson allows 2048 levels; its reader recurses, so depth is counted before it sees the text. */
static bool too_deep(const char *text, size_t len)
{
	size_t depth = 0;
	bool string = false;

	for (size_t i = 0; i < len; i++) {
		char c = text[i];

		if (string) {
			if (c == '\\')
				i++;
			else if (c == '"')
				string = false;
		} else if (c == '"') {
			string = true;
		} else if (c == '{' || c == '[') {
			if (++depth > JSON_DEPTH_MAX)
				return true;
		} else if ((c == '}' || c == ']') && depth > 0) {
			depth--;
		}
	}
	return false;
}

/* jansson quotes what stands there: these are somebody's words, or a secret, and no matter for a log. */
static int own_words(const char *why)
{
	const char *quoted = strstr(why, " near '");

	return (int)(quoted ? (size_t)(quoted - why) : strlen(why));
}

json_t *json_read(const char *text, size_t len, struct err *err)
{
	json_error_t why;
	json_t *value;

	if (too_deep(text, len)) {
		err_set(err, ERR_REFUSED, "JSON nested deeper than %d levels", JSON_DEPTH_MAX);
		return NULL;
	}
	value = json_loadb(text, len, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &why);
	if (value == NULL)
		err_set(err, ERR_REFUSED, "not valid JSON: %.*s (line %d, column %d)", own_words(why.text),
			why.text, why.line, why.column);
	return value;
}

char *json_write(const json_t *value)
{
	char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);

	return text ? text : mem_text("null");
}

const char *json_text(const json_t *object, const char *key)
{
	return json_string_value(json_object_get(object, key));
}

int64_t json_int(const json_t *object, const char *key, int64_t fallback)
{
	const json_t *value = json_object_get(object, key);
	double real = json_real_value(value);

	if (json_is_integer(value))
		return json_integer_value(value);
	if (json_is_real(value) && fabs(real) < 9e15)
		return (int64_t)real;
	return fallback;
}

#define EACH(byte) (UINT64_C(0x0101010101010101) * (byte))

/* Has it a byte that is 0? Exact: a byte above one that is 0 may be told as well, but none without such a one. */
static uint64_t zeros(uint64_t word)
{
	return (word - EACH(1)) & ~word & EACH(0x80);
}

/* How many bytes from the first on stand for themselves in a JSON string. Eight at a time: histories are long. */
static size_t plain_len(const char *text, size_t len)
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

void json_quote(struct buf *out, const char *text, size_t len)
{
	size_t from = 0;

	buf_add(out, "\"", 1);
	for (size_t i = plain_len(text, len); i < len; i += 1 + plain_len(text + i + 1, len - i - 1)) {
		unsigned char c = (unsigned char)text[i];

		buf_add(out, text + from, i - from);
		from = i + 1;
		if (c == '"' || c == '\\')
			buf_format(out, "\\%c", c);
		else if (c == '\n')
			buf_add(out, "\\n", 2);
		else
			buf_format(out, "\\u%04x", c);
	}
	buf_add(out, text + from, len - from);
	buf_add(out, "\"", 1);
}

bool json_pointer_valid(const char *pointer)
{
	if (*pointer != '\0' && *pointer != '/')
		return false;
	for (const char *p = pointer; (p = strchr(p, '~')); p++)
		if (p[1] != '0' && p[1] != '1')
			return false;
	return true;
}

/* RFC 6901 section 4: "~1" first, then "~0"; done in one pass since neither makes the other. */
static void decode_token(const char *from, size_t len, char *out)
{
	for (size_t i = 0; i < len; i++) {
		if (from[i] == '~') {
			i++;
			*out++ = from[i] == '1' ? '/' : '~';
		} else {
			*out++ = from[i];
		}
	}
	*out = '\0';
}

/* Digits without a leading zero. */
static const json_t *array_item(const json_t *array, const char *token)
{
	size_t index = 0;

	if (token[0] == '\0' || (token[0] == '0' && token[1] != '\0') || strlen(token) > 9)
		return NULL;
	for (const char *p = token; *p; p++) {
		if (*p < '0' || *p > '9')
			return NULL;
		index = index * 10 + (size_t)(*p - '0');
	}
	return json_array_get(array, index);
}

const json_t *json_pointer(const json_t *document, const char *pointer)
{
	const json_t *at = document;

	if (!json_pointer_valid(pointer))
		return NULL;
	while (at && *pointer == '/') {
		size_t len = strcspn(++pointer, "/");
		char *token = mem_alloc(len + 1);

		decode_token(pointer, len, token);
		at = json_is_array(at) ? array_item(at, token) : json_object_get(at, token);
		free(token);
		pointer += len;
	}
	return at;
}

char *json_words(const char *text, size_t most)
{
	static const char blank[] = " \t\r\n";
	json_t *words = json_array();
	char *written;

	while (text && json_array_size(words) < most) {
		text += strspn(text, blank);
		if (*text == '\0')
			break;
		json_array_append_new(words, json_stringn(text, strcspn(text, blank)));
		text += strcspn(text, blank);
	}
	written = json_write(words);
	json_decref(words);
	return written;
}
