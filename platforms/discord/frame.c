/* Most of what the gateway sends is not for us. A frame is therefore only skipped through once, and what it holds becomes
 * values when somebody wants them. What is skipped is checked no more than skipping needs. */
#include "gateway_room.h"
#include <string.h>

/* What a guild brings along that nobody reads, by far the most of it. */
static const char *const left_out[] = {
	"members",	     "presences",	"voice_states",		  "emojis", "stickers",
	"soundboard_sounds", "stage_instances", "guild_scheduled_events", NULL
};

struct cursor {
	const char *at, *end;
};

struct span {
	const char *text;
	size_t len;
};

static void skip_blanks(struct cursor *cursor)
{
	while (cursor->at < cursor->end &&
	       (*cursor->at == ' ' || *cursor->at == '\t' || *cursor->at == '\n' || *cursor->at == '\r'))
		cursor->at++;
}

static bool skip_char(struct cursor *cursor, char wanted)
{
	skip_blanks(cursor);
	if (cursor->at >= cursor->end || *cursor->at != wanted)
		return false;
	cursor->at++;
	return true;
}

/* From behind the first quote to behind the last. */
static bool skip_string(struct cursor *cursor)
{
	while (cursor->at < cursor->end) {
		const char *quote = memchr(cursor->at, '"', (size_t)(cursor->end - cursor->at));
		const char *back = quote;

		if (quote == NULL)
			return false;
		while (back > cursor->at && back[-1] == '\\')
			back--;
		cursor->at = quote + 1;
		if ((quote - back) % 2 == 0)
			return true;
	}
	return false;
}

static bool read_string(struct cursor *cursor, struct span *out)
{
	if (!skip_char(cursor, '"'))
		return false;
	out->text = cursor->at;
	if (!skip_string(cursor))
		return false;
	out->len = (size_t)(cursor->at - out->text) - 1;
	return true;
}

/* From behind the first bracket to behind the one that closes it; that brackets of two kinds match is seen later. */
static bool skip_nested(struct cursor *cursor)
{
	size_t depth = 1;

	while (depth > 0 && cursor->at < cursor->end) {
		char c = *cursor->at++;

		if (c == '"') {
			if (!skip_string(cursor))
				return false;
		} else if (c == '{' || c == '[') {
			depth++;
		} else if (c == '}' || c == ']') {
			depth--;
		}
	}
	return depth == 0;
}

static bool read_value(struct cursor *cursor, struct span *out)
{
	static const char ends[] = { ',', '}', ']', ' ', '\t', '\r', '\n' };
	bool ok = true;

	skip_blanks(cursor);
	out->text = cursor->at;
	if (cursor->at >= cursor->end)
		return false;
	if (*cursor->at == '"' || *cursor->at == '{' || *cursor->at == '[') {
		char c = *cursor->at++;

		ok = c == '"' ? skip_string(cursor) : skip_nested(cursor);
	} else {
		while (cursor->at < cursor->end && memchr(ends, *cursor->at, sizeof(ends)) == NULL)
			cursor->at++;
	}
	out->len = (size_t)(cursor->at - out->text);
	return ok && out->len > 0;
}

/* The next key and value of an object; false at its end, and then *broken_out says whether that was one. */
static bool next_member(struct cursor *cursor, bool *first, struct span *key, struct span *value,
			bool *broken_out)
{
	*broken_out = false;
	if (skip_char(cursor, '}'))
		return false;
	*broken_out = true;
	if (!*first && !skip_char(cursor, ','))
		return false;
	*first = false;
	if (!read_string(cursor, key) || !skip_char(cursor, ':') || !read_value(cursor, value))
		return false;
	*broken_out = false;
	return true;
}

static bool is(const struct span *span, const char *text)
{
	return span->len == strlen(text) && memcmp(span->text, text, span->len) == 0;
}

static bool read_number(const struct span *value, uint64_t *out)
{
	*out = 0;
	if (value->len > 18)
		return false;
	for (size_t i = 0; i < value->len; i++) {
		if (value->text[i] < '0' || value->text[i] > '9')
			return false;
		*out = *out * 10 + (uint64_t)(value->text[i] - '0');
	}
	return value->len > 0;
}

/* Names of events are capital letters; any other is none that we could know. */
static void read_name(struct gateway_frame *frame, const struct span *value)
{
	if (value->len < 3 || value->len - 2 >= sizeof(frame->name) || value->text[0] != '"' ||
	    memchr(value->text, '\\', value->len) != NULL || memchr(value->text, '\0', value->len) != NULL)
		return;
	memcpy(frame->name, value->text + 1, value->len - 2);
}

enum { HAS_OP = 1, HAS_S = 2, HAS_T = 4, HAS_D = 8 };

static bool read_member(struct gateway_frame *frame, unsigned *seen, const struct span *key,
			const struct span *value)
{
	unsigned which = is(key, "op")	? HAS_OP
			 : is(key, "s") ? HAS_S
			 : is(key, "t") ? HAS_T
			 : is(key, "d") ? HAS_D
					: 0;
	uint64_t number;

	if ((*seen & which) != 0)
		return false;
	*seen |= which;
	if (which == HAS_OP) {
		if (!read_number(value, &number))
			return false;
		frame->op = (int64_t)number;
	} else if (which == HAS_S) {
		frame->has_seq = !is(value, "null");
		if (frame->has_seq && !read_number(value, &frame->seq))
			return false;
	} else if (which == HAS_T) {
		read_name(frame, value);
	} else if (which == HAS_D && !is(value, "null")) {
		frame->d = value->text;
		frame->d_len = value->len;
	}
	return true;
}

bool discord_frame_read(struct gateway_frame *frame_out, const char *text, size_t len)
{
	struct cursor cursor = { text, text + len };
	bool first = true, broken;
	struct span key, value;
	unsigned seen = 0;

	*frame_out = (struct gateway_frame){ .op = -1 };
	if (!skip_char(&cursor, '{'))
		return false;
	while (next_member(&cursor, &first, &key, &value, &broken))
		if (!read_member(frame_out, &seen, &key, &value))
			return false;
	skip_blanks(&cursor);
	return !broken && cursor.at == cursor.end && (seen & HAS_OP) != 0;
}

/* ---- the values ------------------------------------------------------------------------------------------------- */

static bool dropped(const struct span *key)
{
	for (size_t i = 0; left_out[i] != NULL; i++)
		if (is(key, left_out[i]))
			return true;
	return false;
}

/* Nothing is dropped from what is no object that we could walk through: the reader will say what is wrong with it. */
void discord_frame_trim(struct buf *out, const char *name, const char *d, size_t len)
{
	struct cursor cursor = { d, d + len };
	bool first = true, broken = true;
	size_t start = out->len;
	struct span key, value;

	if (strcmp(name, "GUILD_CREATE") == 0 && skip_char(&cursor, '{')) {
		while (next_member(&cursor, &first, &key, &value, &broken)) {
			if (dropped(&key))
				continue;
			buf_text(out, out->len > start ? ",\"" : "{\"");
			buf_add(out, key.text, key.len);
			buf_text(out, "\":");
			buf_add(out, value.text, value.len);
		}
		buf_text(out, out->len > start ? "}" : "{}");
		if (!broken && cursor.at == cursor.end)
			return;
		buf_clear(out);
	}
	buf_add(out, d, len);
}

json_t *discord_frame_value(const char *name, const char *d, size_t len, struct err *err)
{
	struct buf text = { 0 };
	json_t *value = NULL;

	if (strcmp(name, "GUILD_CREATE") == 0) {
		discord_frame_trim(&text, name, d, len);
		d = text.data;
		len = text.len;
	}
	if (len <= GATEWAY_PARSE_MAX)
		value = json_read(d, len, err);
	else
		err_set(err, ERR_FULL, "%zu bytes", len);
	buf_free(&text);
	return value;
}
