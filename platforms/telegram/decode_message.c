/* Messages, posts and their edits (sheet 5.2, 5.3, 5.7, 5.8). */
#include "decode.h"
#include <string.h>

static void end(struct telegram_decoded *out, enum telegram_kind kind, const char *because)
{
	out->kind = kind;
	out->because = because;
}

/* The type says what it is, never the sign of the id (sheet 5.1). */
bool telegram_decode_chat(const json_t *chat, struct telegram_decoded *out)
{
	const char *type = json_text(chat, "type");

	out->chat = json_int(chat, "id", 0);
	if (out->chat == 0 || type == NULL) {
		end(out, TELEGRAM_IS_MALFORMED, "the chat is missing");
		return false;
	}
	out->chat_type = type;
	out->chat_title = json_text(chat, "title");
	out->is_private = strcmp(type, "private") == 0;
	out->is_channel = strcmp(type, "channel") == 0;
	out->is_group = strcmp(type, "group") == 0 || strcmp(type, "supergroup") == 0;
	if (out->is_private || out->is_channel || out->is_group)
		return true;
	end(out, TELEGRAM_IS_NOTHING, "a kind of chat that we do not know");
	return false;
}

/* An anonymous admin speaks as the group, a linked channel as itself; `from` is a made-up user then. */
static void take_sender(const json_t *message, struct telegram_decoded *out)
{
	const json_t *from = json_object_get(message, "from");
	const json_t *chat = json_object_get(message, "sender_chat");

	out->from = json_int(from, "id", 0);
	out->via_bot = json_int(json_object_get(message, "via_bot"), "id", 0);
	out->forwarded_here = json_is_true(json_object_get(message, "is_automatic_forward"));
	out->by_chat = json_int(chat, "id", 0) != 0;
	if (!out->by_chat && from == NULL && out->is_channel) {
		chat = json_object_get(message, "chat");
		out->by_chat = true;
	}
	out->name = out->by_chat ? chat : from;
	out->sender = json_int(out->name, "id", 0);
	out->is_bot = !out->by_chat && json_is_true(json_object_get(from, "is_bot"));
}

/* Only of topics: elsewhere the number is that of a thread of replies, which no call takes (pitfall 13). */
static void take_topic(const json_t *message, struct telegram_decoded *out)
{
	int64_t thread = json_int(message, "message_thread_id", 0);

	if (thread > 1 && json_is_true(json_object_get(message, "is_topic_message")))
		out->topic = thread;
}

/* In topics everything "replies" to the message that made the topic: nobody meant that (pitfall 14). */
static void take_reply(const json_t *message, struct telegram_decoded *out)
{
	const json_t *reply = json_object_get(message, "reply_to_message");

	if (!json_is_object(reply) || json_object_get(reply, "forum_topic_created") ||
	    (out->topic && json_int(reply, "message_id", 0) == out->topic))
		return;
	out->reply_from = json_int(json_object_get(reply, "from"), "id", 0);
}

static void take_text(const json_t *message, struct telegram_decoded *out)
{
	bool text = json_text(message, "text") != NULL;

	out->text = json_text(message, text ? "text" : "caption");
	out->entities = json_object_get(message, text ? "entities" : "caption_entities");
	out->album = json_text(message, "media_group_id");
}

/* Something that happened in the chat, told as a message; nobody said it. */
static bool is_service(const json_t *message)
{
	static const char *const contents[] = {
		"text",	     "caption",	     "photo",	  "document",	"audio",      "voice",
		"video",     "video_note",   "animation", "sticker",	"location",   "venue",
		"contact",   "poll",	     "dice",	  "live_photo", "paid_media", "story",
		"checklist", "rich_message", "game",	  NULL,
	};

	for (size_t i = 0; contents[i]; i++)
		if (json_object_get(message, contents[i]))
			return false;
	return true;
}

/* Told twice, in the old chat and in the new one (sheet 10). */
static bool decode_moved(const json_t *message, struct telegram_decoded *out)
{
	int64_t to = json_int(message, "migrate_to_chat_id", 0);
	int64_t from = json_int(message, "migrate_from_chat_id", 0);

	if (to == 0 && from == 0)
		return false;
	out->kind = TELEGRAM_IS_MOVED;
	out->moved_from = from ? from : out->chat;
	out->moved_to = to ? to : out->chat;
	return true;
}

void telegram_decode_message(const json_t *message, bool edited, struct telegram_decoded *out)
{
	int64_t date;

	if (!telegram_decode_chat(json_object_get(message, "chat"), out))
		return;
	out->message = message;
	out->message_id = json_int(message, "message_id", 0);
	date = json_int(message, edited ? "edit_date" : "date", 0);
	out->date_ms = date > 0 && date < INT64_MAX / 1000 ? date * 1000 : 0;
	take_sender(message, out);
	take_topic(message, out);
	take_reply(message, out);
	take_text(message, out);
	if (!edited && decode_moved(message, out))
		return;
	if (is_service(message))
		end(out, TELEGRAM_IS_NOTHING, "nothing that somebody said");
	else if (out->message_id <= 0)
		end(out, TELEGRAM_IS_NOTHING, "a message that can't be answered"); /* ephemeral or planned */
	else if (out->sender == 0)
		end(out, TELEGRAM_IS_MALFORMED, "a message without its sender");
	else if (edited && out->text == NULL)
		end(out, TELEGRAM_IS_NOTHING, "changed, but not its words"); /* a live location moves so */
	else
		end(out, edited ? TELEGRAM_IS_EDITED : TELEGRAM_IS_SAID, NULL);
}
