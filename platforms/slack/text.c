/* A person's message in mrkdwn to plain text (sheet 7.7): tokens first, then entities, "&amp;" last. */
#include "text.h"
#include "buf.h"
#include "slack_room.h"
#include <stdlib.h>
#include <string.h>

/* A piece of the token. */
struct piece {
	const char *text;
	size_t len;
};

struct reader {
	struct buf out;
	slack_name_fn *name;
	void *owner;
};

static void add(struct reader *reader, struct piece piece)
{
	buf_add(&reader->out, piece.text, piece.len);
}

static bool is(struct piece piece, const char *text)
{
	return piece.len == strlen(text) && memcmp(piece.text, text, piece.len) == 0;
}

static bool starts(struct piece piece, const char *text)
{
	return piece.len >= strlen(text) && memcmp(piece.text, text, strlen(text)) == 0;
}

static struct piece behind(struct piece piece, size_t len)
{
	return (struct piece){ piece.text + len, piece.len - len };
}

/* A name of ours is escaped, so that what it looks like is not unescaped with the rest. */
static void add_escaped(struct reader *reader, const char *text)
{
	for (; *text; text++) {
		if (*text == '&')
			buf_text(&reader->out, "&amp;");
		else
			buf_add(&reader->out, text, 1);
	}
}

/* "@Ann" for a person, group or channel: by what we know, else the label it came with, else its id. */
static void add_named(struct reader *reader, char kind, const char *sign, struct piece id, struct piece label)
{
	char key[SLACK_ID_MAX + 1];
	const char *name = NULL;

	if (id.len > 0 && id.len <= SLACK_ID_MAX && reader->name) {
		memcpy(key, id.text, id.len);
		key[id.len] = '\0';
		name = reader->name(reader->owner, kind, key);
	}
	if (name == NULL && label.len && (*label.text == '@' || *label.text == '#') && *label.text == *sign)
		label = behind(label, 1);
	buf_text(&reader->out, sign);
	if (name && *name)
		add_escaped(reader, name);
	else
		add(reader, label.len ? label : id);
}

/* "<!here>", "<!subteam^S1|@team>", "<!date^1^{date}|today>". */
static void add_special(struct reader *reader, struct piece what, struct piece label)
{
	if (starts(what, "subteam^")) {
		add_named(reader, 'S', "@", behind(what, strlen("subteam^")), label);
	} else if (is(what, "here") || is(what, "channel") || is(what, "everyone") || is(what, "group")) {
		buf_text(&reader->out, "@");
		add(reader, what);
	} else if (label.len) {
		add(reader, label);
	} else {
		buf_text(&reader->out, "<!");
		add(reader, what);
		buf_text(&reader->out, ">");
	}
}

/* Addresses, with what they are called when that says more. */
static void add_link(struct reader *reader, struct piece address, struct piece label)
{
	struct piece bare = address;

	if (starts(address, "mailto:"))
		bare = behind(address, strlen("mailto:"));
	else if (starts(address, "tel:"))
		bare = behind(address, strlen("tel:"));
	if (label.len == 0 || (label.len == bare.len && memcmp(label.text, bare.text, bare.len) == 0)) {
		add(reader, bare);
		return;
	}
	add(reader, label);
	if (label.len == address.len && memcmp(label.text, address.text, label.len) == 0)
		return;
	buf_text(&reader->out, " (");
	add(reader, bare);
	buf_text(&reader->out, ")");
}

static void add_token(struct reader *reader, struct piece token)
{
	const char *bar = memchr(token.text, '|', token.len);
	struct piece what = { token.text, bar ? (size_t)(bar - token.text) : token.len };
	struct piece label = bar ? behind(token, what.len + 1) : (struct piece){ "", 0 };

	if (starts(what, "@") && what.len > 1)
		add_named(reader, 'U', "@", behind(what, 1), label);
	else if (starts(what, "#") && what.len > 1)
		add_named(reader, 'C', "#", behind(what, 1), label);
	else if (starts(what, "!") && what.len > 1)
		add_special(reader, behind(what, 1), label);
	else
		add_link(reader, what, label);
}

/* Where the token that begins here ends, or NULL: then "<" is just a sign. */
static const char *token_end(const char *at)
{
	const char *end = at + 1 + strcspn(at + 1, "<>\n");

	return *end == '>' && end > at + 1 ? end : NULL;
}

static void replace(struct buf *out, const char *text)
{
	static const struct {
		const char *entity, *sign;
	} entities[] = { { "&lt;", "<" }, { "&gt;", ">" }, { "&amp;", "&" } };

	for (const char *at; (at = strchr(text, '&')) != NULL;) {
		size_t i = 0, count = sizeof(entities) / sizeof(*entities);

		buf_add(out, text, (size_t)(at - text));
		while (i < count && strncmp(at, entities[i].entity, strlen(entities[i].entity)) != 0)
			i++;
		buf_add(out, i < count ? entities[i].sign : at, 1);
		text = at + (i < count ? strlen(entities[i].entity) : 1);
	}
	buf_text(out, text);
}

char *slack_words(const char *mrkdwn, slack_name_fn *name, void *owner)
{
	struct reader reader = { .name = name, .owner = owner };
	char *valid = text_repair(mrkdwn, strlen(mrkdwn)), *words;
	struct buf out = { 0 };

	for (const char *at = valid; *at;) {
		const char *end = *at == '<' ? token_end(at) : NULL;
		size_t plain = *at == '<' ? 1 : strcspn(at, "<");

		if (end)
			add_token(&reader, (struct piece){ at + 1, (size_t)(end - at - 1) });
		else
			buf_add(&reader.out, at, plain);
		at = end ? end + 1 : at + plain;
	}
	replace(&out, buf_str(&reader.out));
	words = text_repair(buf_str(&out), out.len);
	buf_free(&reader.out);
	buf_free(&out);
	free(valid);
	return words;
}
