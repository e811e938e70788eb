/* Which of the kinds of updates it is (sheet 5). What we do not know is nothing for us, never an error. */
#include "decode.h"
#include <string.h>

static void nothing(struct telegram_decoded *out, const char *because)
{
	out->kind = TELEGRAM_IS_NOTHING;
	out->because = because;
}

static void malformed(struct telegram_decoded *out, const char *because)
{
	out->kind = TELEGRAM_IS_MALFORMED;
	out->because = because;
}

static void decode_said(const json_t *message, struct telegram_decoded *out)
{
	telegram_decode_message(message, false, out);
}

static void decode_edited(const json_t *message, struct telegram_decoded *out)
{
	telegram_decode_message(message, true, out);
}

/* Whether this status means being there (sheet 5.5). */
static bool is_there(const json_t *member)
{
	const char *status = json_text(member, "status");

	if (status == NULL || strcmp(status, "left") == 0 || strcmp(status, "kicked") == 0)
		return false;
	return strcmp(status, "restricted") != 0 || json_is_true(json_object_get(member, "is_member"));
}

static void decode_member(const json_t *change, struct telegram_decoded *out)
{
	const json_t *from = json_object_get(change, "from");

	if (!telegram_decode_chat(json_object_get(change, "chat"), out))
		return;
	if (json_text(json_object_get(change, "new_chat_member"), "status") == NULL) {
		malformed(out, "a change of membership without the new one");
		return;
	}
	out->kind = TELEGRAM_IS_MEMBER;
	out->from = out->sender = json_int(from, "id", 0);
	out->name = from;
	out->was_in = is_there(json_object_get(change, "old_chat_member"));
	out->is_in = is_there(json_object_get(change, "new_chat_member"));
}

/* The message may be one that Telegram shows no more: then it has only chat and id (sheet 5.3). */
static void decode_pressed(const json_t *query, struct telegram_decoded *out)
{
	const json_t *message = json_object_get(query, "message");
	const json_t *from = json_object_get(query, "from");

	out->button = json_text(query, "id");
	out->data = json_text(query, "data");
	out->from = out->sender = json_int(from, "id", 0);
	out->name = from;
	if (out->button == NULL || out->from == 0) {
		malformed(out, "a button without its id or its user");
		return;
	}
	if (!json_is_object(message)) {
		out->kind =
			TELEGRAM_IS_PRESSED; /* of an inline message, which we never send: still answered */
		return;
	}
	if (!telegram_decode_chat(json_object_get(message, "chat"), out))
		return;
	out->kind = TELEGRAM_IS_PRESSED;
	out->message_id = json_int(message, "message_id", 0);
	if (json_is_true(json_object_get(message, "is_topic_message")))
		out->topic = json_int(message, "message_thread_id", 0);
	if (out->topic <= 1)
		out->topic = 0;
}

/* Only in private chats: who may stop it is whose chat it is. */
static void decode_stopped(const json_t *stop, struct telegram_decoded *out)
{
	if (!telegram_decode_chat(json_object_get(stop, "chat"), out))
		return;
	out->kind = TELEGRAM_IS_STOPPED;
	out->from = out->sender = out->chat;
	out->topic = json_int(stop, "message_thread_id", 0);
	if (out->topic <= 1)
		out->topic = 0;
	if (!out->is_private)
		nothing(out, "a stop button outside of a private chat");
}

static const struct {
	const char *key;
	void (*decode)(const json_t *value, struct telegram_decoded *out);
} kinds[] = {
	{ "message", decode_said },
	{ "edited_message", decode_edited },
	{ "channel_post", decode_said },
	{ "edited_channel_post", decode_edited },
	{ "my_chat_member", decode_member },
	{ "callback_query", decode_pressed },
	{ "stopped_message_generation", decode_stopped },
};

void telegram_decode(const json_t *update, struct telegram_decoded *out)
{
	*out = (struct telegram_decoded){ .update_id = json_int(update, "update_id", -1) };
	if (out->update_id < 0) {
		out->update_id = -1;
		malformed(out, "an update without its number");
		return;
	}
	nothing(out, "a kind of update that we do not ask for");
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		const json_t *value = json_object_get(update, kinds[i].key);

		if (value == NULL)
			continue;
		if (json_is_object(value))
			kinds[i].decode(value, out);
		else
			malformed(out, "an update that holds no object");
		return;
	}
}
