/* Finds the words of a message: in its text, else in its blocks, and in what was forwarded with it (sheet 7.7). */
#include "buf.h"
#include "decode.h"
#include "mem.h"
#include "text.h"
#include <stdlib.h>
#include <string.h>

enum { DEPTH_MAX = 8, MRKDWN_MAX = 2 * MESSAGE_TEXT_MAX };

/* Literal text, as mrkdwn writes it. */
static void add_escaped(struct buf *out, const char *text)
{
	for (; text && *text && out->len < MRKDWN_MAX; text++) {
		if (*text == '&')
			buf_text(out, "&amp;");
		else if (*text == '<')
			buf_text(out, "&lt;");
		else if (*text == '>')
			buf_text(out, "&gt;");
		else
			buf_add(out, text, 1);
	}
}

static void add_token(struct buf *out, const char *sign, const char *id)
{
	if (slack_id_check(id))
		buf_format(out, "<%s%s>", sign, id);
}

static void add_line_end(struct buf *out)
{
	if (out->len && out->data[out->len - 1] != '\n')
		buf_text(out, "\n");
}

static void add_elements(struct buf *out, const json_t *elements, const char *before, unsigned depth);

/* A link keeps its address: the words alone may say nothing. */
static void add_link(struct buf *out, const json_t *link)
{
	const char *text = json_text(link, "text");

	if (text && *text) {
		add_escaped(out, text);
		buf_text(out, " (");
	}
	add_escaped(out, json_text(link, "url"));
	if (text && *text)
		buf_text(out, ")");
}

/* Returns false when it is none of the small pieces. */
static bool add_piece(struct buf *out, const char *type, const json_t *element)
{
	if (strcmp(type, "text") == 0)
		add_escaped(out, json_text(element, "text"));
	else if (strcmp(type, "user") == 0)
		add_token(out, "@", json_text(element, "user_id"));
	else if (strcmp(type, "channel") == 0)
		add_token(out, "#", json_text(element, "channel_id"));
	else if (strcmp(type, "usergroup") == 0)
		add_token(out, "!subteam^", json_text(element, "usergroup_id"));
	else if (strcmp(type, "broadcast") == 0)
		add_token(out, "!", json_text(element, "range"));
	else if (strcmp(type, "emoji") == 0 && slack_id(element, "name"))
		buf_format(out, ":%s:", slack_id(element, "name"));
	else if (strcmp(type, "link") == 0)
		add_link(out, element);
	else if (strcmp(type, "date") == 0)
		add_escaped(out, json_text(element, "fallback"));
	else
		return false;
	return true;
}

static void add_rich(struct buf *out, const char *type, const json_t *element, unsigned depth)
{
	const json_t *inner = json_object_get(element, "elements");

	if (strcmp(type, "rich_text_list") == 0) {
		add_elements(out, inner, "\xe2\x80\xa2 ", depth);
	} else if (strcmp(type, "rich_text_preformatted") == 0) {
		add_line_end(out);
		buf_text(out, "```\n");
		add_elements(out, inner, NULL, depth);
		buf_text(out, "\n```\n");
	} else {
		if (strcmp(type, "rich_text_quote") == 0)
			buf_text(out, "&gt; ");
		add_elements(out, inner, NULL, depth);
	}
}

/* before: what each of them begins with, and then each is a line. */
static void add_elements(struct buf *out, const json_t *elements, const char *before, unsigned depth)
{
	const json_t *element;
	size_t i;

	if (depth > DEPTH_MAX)
		return;
	json_array_foreach (elements, i, element) {
		const char *type = json_text(element, "type");

		if (type == NULL || out->len >= MRKDWN_MAX)
			continue;
		if (before) {
			add_line_end(out);
			buf_text(out, before);
		}
		if (!add_piece(out, type, element))
			add_rich(out, type, element, depth + 1);
	}
}

/* A text object: mrkdwn as it is, plain_text escaped. */
static void add_text_object(struct buf *out, const json_t *object)
{
	const char *type = json_text(object, "type"), *text = json_text(object, "text");

	if (text == NULL)
		return;
	add_line_end(out);
	if (type && strcmp(type, "mrkdwn") == 0 && strlen(text) < MRKDWN_MAX)
		buf_text(out, text);
	else
		add_escaped(out, text);
}

static void add_block(struct buf *out, const json_t *block)
{
	const char *type = json_text(block, "type");
	const json_t *texts = json_object_get(block, "fields"), *text;
	size_t i;

	if (type == NULL)
		return;
	if (strcmp(type, "rich_text") == 0) {
		const json_t *part;

		json_array_foreach (json_object_get(block, "elements"), i, part) {
			add_line_end(out);
			if (json_text(part, "type"))
				add_rich(out, json_text(part, "type"), part, 0);
		}
		return;
	}
	if (strcmp(type, "markdown") == 0) {
		add_line_end(out);
		add_escaped(out, json_text(block, "text"));
		return;
	}
	add_text_object(out, json_object_get(block, "text"));
	if (texts == NULL && strcmp(type, "context") == 0)
		texts = json_object_get(block, "elements");
	json_array_foreach (texts, i, text)
		add_text_object(out, text);
}

static void add_blocks(struct buf *out, const json_t *blocks)
{
	const json_t *block;
	size_t i;

	json_array_foreach (blocks, i, block) {
		if (out->len < MRKDWN_MAX)
			add_block(out, block);
	}
}

/* Messages that a person passed on; previews of links are not their words. */
static void add_forwarded(struct buf *out, const json_t *attachments)
{
	const json_t *one;
	size_t i;

	json_array_foreach (attachments, i, one) {
		const char *author = json_text(one, "author_name"), *text = json_text(one, "text");

		if (!json_is_true(json_object_get(one, "is_share")) || text == NULL || *text == '\0' ||
		    strlen(text) > MRKDWN_MAX - out->len)
			continue;
		add_line_end(out);
		buf_text(out, "(forwarded");
		if (author && strlen(author) <= MESSAGE_NAME_MAX) {
			buf_text(out, " from ");
			add_escaped(out, author);
		}
		buf_text(out, ") ");
		buf_text(out, text);
		if (out->len >= MRKDWN_MAX)
			return;
	}
}

char *slack_message_mrkdwn(const json_t *message)
{
	const char *text = json_text(message, "text");
	struct buf out = { 0 };

	if (text && text[strspn(text, " \t\r\n")])
		buf_add(&out, text, text_fit(text, strlen(text), MRKDWN_MAX));
	else
		add_blocks(&out, json_object_get(message, "blocks"));
	if (out.len < MRKDWN_MAX)
		add_forwarded(&out, json_object_get(message, "attachments"));
	return buf_take(&out);
}

/* ---- mentions ------------------------------------------------------------------------------------------ */

/* The length of "<@USER>" or "<@USER|label>" at this place, 0 when it is not one. */
static size_t mention_here(const char *at, const char *user)
{
	size_t len = strlen(user), end;

	if (strncmp(at, "<@", 2) != 0 || strncmp(at + 2, user, len) != 0)
		return 0;
	if (at[2 + len] == '>')
		return len + 3;
	if (at[2 + len] != '|')
		return 0;
	end = strcspn(at + 2 + len, "<>");
	return at[2 + len + end] == '>' ? 3 + len + end : 0;
}

static bool mentions(const char *mrkdwn, const char *user)
{
	for (const char *at = strstr(mrkdwn, "<@"); at; at = strstr(at + 2, "<@"))
		if (mention_here(at, user))
			return true;
	return false;
}

bool slack_message_mentions(const json_t *message, const char *user)
{
	const char *text = json_text(message, "text");
	struct buf out = { 0 };
	bool found = user && text && mentions(text, user);

	if (user && !found) {
		add_blocks(&out, json_object_get(message, "blocks"));
		found = mentions(buf_str(&out), user);
		buf_free(&out);
	}
	return found;
}

char *slack_without_mention(const char *mrkdwn, const char *user)
{
	const char *at = mrkdwn + strspn(mrkdwn, " \t\r\n");
	size_t len = user ? mention_here(at, user) : 0;

	if (len == 0)
		return mem_text(mrkdwn);
	at += len;
	at += strspn(at, " \t\r\n");
	if (*at == ',' || *at == ':')
		at += 1 + strspn(at + 1, " \t\r\n");
	return mem_text(at);
}
