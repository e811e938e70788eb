/* Text that is made harmless without being parsed: pieces of a stream, and mrkdwn back to words. */
#include "mrkdwn.h"
#include "slack_room.h"
#include <string.h>
#include <strings.h>

/* "<" that is or may become the beginning of a mention, channel or broadcast (sheet 16.3). */
static bool begins_call(const char *text, size_t len)
{
	return text[0] == '<' && (len == 1 || strchr("!@#\\", text[1]) != NULL);
}

/* An entity that is or may become "<". */
static bool begins_entity(const char *text, size_t len)
{
	return text[0] == '&' && (len == 1 || strchr("lL#", text[1]) != NULL);
}

char *slack_stream_text(const char *text, size_t len)
{
	struct buf out = { 0 };

	for (size_t i = 0; i < len; i++) {
		buf_add(&out, text + i, 1);
		if (begins_call(text + i, len - i) || begins_entity(text + i, len - i) ||
		    mrkdwn_calls_all(text + i, len - i, true))
			buf_text(&out, MRKDWN_ZWSP);
	}
	return buf_take(&out);
}

static bool is_word(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c & 0x80);
}

static bool starts(const char *text, const char *beginning)
{
	return strncmp(text, beginning, strlen(beginning)) == 0;
}

/* The sign here forms something: it is not inside a word, not between blanks, not between borders. */
static bool is_mark(const char *start, const char *at)
{
	size_t before = (size_t)(at - start);
	char left = (char)(before ? at[-1] : ' '), right = (char)(at[1] ? at[1] : ' ');

	if (strchr("*_~`", *at) == NULL)
		return false;
	if (before >= 3 && starts(at - 3, MRKDWN_ZWSP))
		return !starts(at + 1, MRKDWN_ZWSP);
	if (starts(at + 1, MRKDWN_ZWSP))
		return left != ' ' && left != '\n';
	return !(is_word(left) && is_word(right)) && !(left == ' ' && right == ' ');
}

/* "<address|label>" to "label (address)"; returns what follows. */
static const char *token(struct buf *out, const char *at)
{
	const char *end = strchr(at, '>'), *bar = end ? memchr(at, '|', (size_t)(end - at)) : NULL;
	const char *address = at + 1;

	if (end == NULL) {
		buf_text(out, "&lt;");
		return at + 1;
	}
	if (bar == NULL) {
		buf_add(out, address, (size_t)(end - address));
	} else {
		buf_add(out, bar + 1, (size_t)(end - bar - 1));
		buf_format(out, " (%.*s)", (int)(bar - address), address);
	}
	return end + 1;
}

/* Code as it is, without its fence; returns what follows. */
static const char *code(struct buf *out, const char *at)
{
	const char *fence = starts(at, "```") ? "```" : "`", *end;

	at += strlen(fence);
	if (fence[1] && *at == '\n')
		at++;
	end = strstr(at, fence);
	buf_add(out, at, end ? (size_t)(end - at) : strlen(at));
	if (end && fence[1] && end > at && end[-1] == '\n')
		out->data[--out->len] = '\0';
	return end ? end + strlen(fence) : at + strlen(at);
}

char *slack_plain(const char *mrkdwn)
{
	struct buf out = { 0 };

	for (const char *at = mrkdwn; *at;) {
		if (*at == '<') {
			at = token(&out, at);
		} else if ((*at == '`' && is_mark(mrkdwn, at)) || starts(at, "```")) {
			at = code(&out, at);
		} else if (is_mark(mrkdwn, at) || (*at == '>' && (at == mrkdwn || at[-1] == '\n'))) {
			at += *at == '>' && at[1] == ' ' ? 2 : 1;
		} else {
			buf_add(&out, at++, 1);
		}
	}
	return buf_take(&out);
}
