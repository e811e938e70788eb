/* What the model reads of a message: the words, in front of them what they reply to, and things that are no files. */
#include "buf.h"
#include "decode.h"
#include "mem.h"
#include "text.h"
#include <stdlib.h>
#include <string.h>

bool telegram_name(const json_t *object, char out[MESSAGE_NAME_MAX + 1])
{
	const char *first = json_text(object, "first_name"), *last = json_text(object, "last_name");
	struct buf name = { 0 };
	size_t len;

	if (first == NULL)
		first = json_text(object, "title");
	if (first == NULL || text_blank(first))
		first = json_text(object, "username");
	buf_text(&name, first ? first : "");
	if (last && *last)
		buf_format(&name, " %s", last);
	len = text_fit(buf_str(&name), name.len, MESSAGE_NAME_MAX);
	memcpy(out, buf_str(&name), len);
	out[len] = '\0';
	buf_free(&name);
	return len > 0;
}

/* ---- what it replies to ------------------------------------------------------------------------------------ */

/* The part that the person marked, else all of it. */
static void add_reply(const struct telegram_decoded *say, struct buf *out)
{
	const json_t *reply = json_object_get(say->message, "reply_to_message");
	const char *text = json_text(json_object_get(say->message, "quote"), "text");

	if (text == NULL && say->reply_from == 0)
		return;
	if (text == NULL)
		text = json_text(reply, "text");
	if (text == NULL)
		text = json_text(reply, "caption");
	if (text && !text_blank(text))
		text_quote(out, text, TELEGRAM_QUOTE_MAX);
}

static void add_origin(const struct telegram_decoded *say, struct buf *out)
{
	static const char *const holders[] = { "sender_user", "sender_chat", "chat" };
	const json_t *origin = json_object_get(say->message, "forward_origin");
	char name[MESSAGE_NAME_MAX + 1] = "";
	const char *hidden = json_text(origin, "sender_user_name");

	if (!json_is_object(origin))
		return;
	for (size_t i = 0; i < sizeof(holders) / sizeof(holders[0]) && *name == '\0'; i++)
		telegram_name(json_object_get(origin, holders[i]), name);
	if (*name == '\0' && hidden)
		buf_format(out, "[forwarded from %.*s]\n",
			   (int)text_fit(hidden, strlen(hidden), MESSAGE_NAME_MAX), hidden);
	else
		buf_format(out, "[forwarded from %s]\n", *name ? name : "somebody");
}

/* ---- things without words ---------------------------------------------------------------------------------- */

static void add_sticker(const json_t *sticker, struct buf *out)
{
	const char *emoji = json_text(sticker, "emoji");

	buf_format(out, "[sticker%s%s]", emoji ? " " : "", emoji ? emoji : "");
}

static void add_location(const json_t *location, struct buf *out)
{
	buf_format(out, "[location: latitude %.6f, longitude %.6f]",
		   json_number_value(json_object_get(location, "latitude")),
		   json_number_value(json_object_get(location, "longitude")));
}

static void add_venue(const json_t *venue, struct buf *out)
{
	const char *title = json_text(venue, "title"), *address = json_text(venue, "address");

	buf_format(out, "[%s, %s] ", title ? title : "place", address ? address : "no address");
	add_location(json_object_get(venue, "location"), out);
}

static void add_contact(const json_t *contact, struct buf *out)
{
	char name[MESSAGE_NAME_MAX + 1] = "";
	const char *number = json_text(contact, "phone_number");

	telegram_name(contact, name);
	buf_format(out, "[contact: %s, %s]", name, number ? number : "no number");
}

static void add_poll(const json_t *poll, struct buf *out)
{
	const json_t *option;
	const char *question = json_text(poll, "question");
	size_t i;

	buf_format(out, "[poll: %s]", question ? question : "");
	json_array_foreach (json_object_get(poll, "options"), i, option)
		buf_format(out, "\n* %s", json_text(option, "text") ? json_text(option, "text") : "");
}

static void add_dice(const json_t *dice, struct buf *out)
{
	const char *emoji = json_text(dice, "emoji");

	buf_format(out, "[%s %lld]", emoji ? emoji : "dice", (long long)json_int(dice, "value", 0));
}

static void add_unread(const json_t *thing, struct buf *out)
{
	(void)thing;
	buf_text(out, "[something that can't be read here]");
}

/* A venue has a location, too: the first that fits counts. */
static const struct {
	const char *key;
	void (*add)(const json_t *thing, struct buf *out);
} things[] = {
	{ "sticker", add_sticker },	{ "venue", add_venue },	      { "location", add_location },
	{ "contact", add_contact },	{ "poll", add_poll },	      { "dice", add_dice },
	{ "live_photo", add_unread },	{ "paid_media", add_unread }, { "story", add_unread },
	{ "rich_message", add_unread }, { "checklist", add_unread },  { "game", add_unread },
};

static void add_thing(const struct telegram_decoded *say, struct buf *out)
{
	for (size_t i = 0; i < sizeof(things) / sizeof(things[0]); i++) {
		const json_t *thing = json_object_get(say->message, things[i].key);

		if (!json_is_object(thing))
			continue;
		things[i].add(thing, out);
		return;
	}
}

char *telegram_words(const struct telegram_decoded *say, const char *words)
{
	struct buf out = { 0 };
	size_t len;
	char *text;

	add_reply(say, &out);
	add_origin(say, &out);
	if (words)
		buf_text(&out, words);
	else
		add_thing(say, &out);
	len = text_fit(buf_str(&out), out.len, MESSAGE_TEXT_MAX);
	text = mem_text_n(buf_str(&out), len);
	buf_free(&out);
	return text;
}
