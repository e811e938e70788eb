/* Finds what a text holds by its entities, whose offsets count UTF-16 units, and never by searching it: "@bot" in a
 * piece of code is no mention (sheet 5.6, 5.7; pitfall 12). */
#include "buf.h"
#include "decode.h"
#include "mem.h"
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

size_t telegram_unit_at(const char *text, int64_t units)
{
	const unsigned char *at = (const unsigned char *)text;

	while (units > 0 && *at) {
		units -= *at >= 0xf0 ? 2 : 1;
		at++;
		while ((*at & 0xc0) == 0x80)
			at++;
	}
	return units == 0 ? (size_t)(at - (const unsigned char *)text) : SIZE_MAX;
}

struct span {
	size_t from, to; /* bytes */
};

/* false: it does not fit the text. */
static bool span_of(const char *text, const json_t *entity, struct span *out)
{
	int64_t offset = json_int(entity, "offset", -1), length = json_int(entity, "length", 0);

	if (offset < 0 || length <= 0 || length > INT32_MAX || offset > INT32_MAX)
		return false;
	out->from = telegram_unit_at(text, offset);
	out->to = telegram_unit_at(text, offset + length);
	return out->from != SIZE_MAX && out->to != SIZE_MAX;
}

static bool is_type(const json_t *entity, const char *type)
{
	const char *is = json_text(entity, "type");

	return is && strcmp(is, type) == 0;
}

static bool same_name(const char *name, size_t len, const char *username)
{
	return username && strlen(username) == len && strncasecmp(name, username, len) == 0;
}

static bool names_us(const char *text, const json_t *entity, const struct telegram_self *self,
		     struct span *out)
{
	if (!span_of(text, entity, out))
		return false;
	if (is_type(entity, "text_mention"))
		return json_int(json_object_get(entity, "user"), "id", 0) == self->id;
	return is_type(entity, "mention") && text[out->from] == '@' &&
	       same_name(text + out->from + 1, out->to - out->from - 1, self->username);
}

bool telegram_mentions(const char *text, const json_t *entities, const struct telegram_self *self)
{
	const json_t *entity;
	struct span span;
	size_t i;

	json_array_foreach (entities, i, entity) {
		if (i >= TELEGRAM_ENTITIES_MAX)
			break;
		if (text && names_us(text, entity, self, &span))
			return true;
	}
	return false;
}

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\0';
}

/* Of the spaces around a mention one is enough. */
static void skip_mention(const char *text, struct buf *out, size_t *at, const struct span *span)
{
	bool spaced = out->len == 0 || is_space(out->data[out->len - 1]);

	*at = span->to;
	if (spaced)
		while (text[*at] == ' ')
			(*at)++;
}

static char *trimmed(struct buf *buf)
{
	size_t from = 0, to = buf->len;
	char *text;

	while (from < to && is_space(buf->data[from]))
		from++;
	while (to > from && is_space(buf->data[to - 1]))
		to--;
	text = mem_text_n(from < to ? buf->data + from : "", to - from);
	buf_free(buf);
	return text;
}

/* Entities come in the order of their offsets; one that does not is left where it is. */
char *telegram_without_mentions(const char *text, const json_t *entities, const struct telegram_self *self)
{
	struct buf out = { 0 };
	const json_t *entity;
	size_t i, at = 0;
	struct span span;

	json_array_foreach (entities, i, entity) {
		if (i >= TELEGRAM_ENTITIES_MAX)
			break;
		if (!names_us(text, entity, self, &span) || span.from < at)
			continue;
		buf_add(&out, text + at, span.from - at);
		skip_mention(text, &out, &at, &span);
	}
	buf_text(&out, text + at);
	return trimmed(&out);
}

/* "/name@bot" in full. */
static bool read_name(const char *text, size_t len, struct telegram_command *out)
{
	const char *sign = memchr(text, '@', len);
	size_t name_len = sign ? (size_t)(sign - text) : len;

	if (name_len < 2 || name_len > TELEGRAM_COMMAND_NAME_MAX + 1 || text[0] != '/')
		return false;
	for (size_t i = 1; i < name_len; i++)
		out->name[i - 1] = (char)tolower((unsigned char)text[i]);
	out->name[name_len - 1] = '\0';
	out->to = sign ? sign + 1 : NULL;
	out->to_len = sign ? len - name_len - 1 : 0;
	return true;
}

bool telegram_command_read(const char *text, const json_t *entities, struct telegram_command *command_out)
{
	const json_t *entity;
	struct span span;
	size_t i;

	*command_out = (struct telegram_command){ 0 };
	json_array_foreach (entities, i, entity) {
		if (i >= TELEGRAM_ENTITIES_MAX || text == NULL)
			break;
		if (!is_type(entity, "bot_command") || !span_of(text, entity, &span) || span.from != 0)
			continue;
		if (!read_name(text, span.to, command_out))
			return false;
		command_out->len = span.to;
		command_out->args = text + span.to + strspn(text + span.to, " \t\r\n");
		return true;
	}
	return false;
}

bool telegram_command_is_for(const struct telegram_command *command, const char *username)
{
	return command->to == NULL || same_name(command->to, command->to_len, username);
}
