/* What the core is told about buttons, groups that move, and groups that take us in or put us out (sheet 5.5, 6.10, 10). */
#include "inbound.h"
#include "mem.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { KEY_SIZE = 24 };

/* ---- buttons --------------------------------------------------------------------------------------------------- */

/* Answered at once, or the button goes on turning; in a group only the answer tells whether who pressed it may. */
static void answer_press(struct telegram_arrival *arrival, const struct telegram_decoded *say)
{
	struct platform *bot = arrival->bot;

	if (!say->is_group || strlen(say->button) >= TELEGRAM_PRESS_SIZE) {
		telegram_press_answer(bot, say->button, NULL);
		return;
	}
	snprintf(arrival->place.press, TELEGRAM_PRESS_SIZE, "%s", say->button);
	telegram_write_place(arrival);
	telegram_press_wait(bot, say->button);
}

/* Anybody can send any data: what it does, who pressed it could do by writing, too. */
const char *telegram_build_pressed(struct telegram_arrival *arrival, const struct telegram_decoded *say)
{
	static const size_t mark = sizeof(TELEGRAM_PRESS_SAY) - 1;
	struct platform *bot = arrival->bot;
	struct incoming *in = &arrival->in;

	if (say->data == NULL || say->chat == 0 || strncmp(say->data, TELEGRAM_PRESS_SAY, mark) != 0 ||
	    say->data[mark] == '\0') {
		telegram_press_answer(bot, say->button, "This button does nothing any more.");
		return "a button that is none of ours";
	}
	if (say->is_group && bot->config.groups == TELEGRAM_NEVER) {
		telegram_press_answer(bot, say->button, NULL);
		return "pressed in a group";
	}
	telegram_set_place(arrival, say);
	answer_press(arrival, say);
	in->kind = INCOMING_SAID;
	in->flags = INCOMING_COMMAND | INCOMING_ALONE;
	in->text = arena_text(arrival->arena, say->data + mark);
	return NULL;
}

const char *telegram_build_stopped(struct telegram_arrival *arrival, const struct telegram_decoded *say)
{
	telegram_set_place(arrival, say);
	arrival->in.kind = INCOMING_STOPPED;
	arrival->in.flags = INCOMING_IF_PLACE;
	return NULL;
}

/* ---- groups that move ------------------------------------------------------------------------------------------ */

/* Both of the messages that tell it have the same semantic key: the first one counts. */
const char *telegram_build_moved(struct telegram_arrival *arrival, const struct telegram_decoded *say)
{
	struct incoming *in = &arrival->in;
	struct arena *arena = arrival->arena;

	telegram_set_place(arrival, say);
	in->kind = INCOMING_MOVED;
	in->target = arena_format(arena, "%" PRId64, say->moved_from);
	in->conversation = arena_format(arena, "%" PRId64, say->moved_to);
	in->semantic_key = arena_format(arena, "moved/%" PRId64 "/%" PRId64, say->moved_from, say->moved_to);
	in->reply_to = NULL;
	if (say->sender == 0)
		in->sender = in->conversation;
	arrival->moved_from = say->moved_from;
	arrival->title = arena_text(arena, say->chat_title ? say->chat_title : "a group");
	arrival->place.chat = say->moved_to;
	return NULL;
}

/* ---- notes of where we are ---------------------------------------------------------------------------------------- */

static void key_of(int64_t chat, char out[KEY_SIZE])
{
	snprintf(out, KEY_SIZE, "%" PRId64, chat);
}

static void install(struct telegram_arrival *arrival, int64_t chat, const char *title, json_t *settings)
{
	struct platform *bot = arrival->bot;
	char key[KEY_SIZE], *text = json_write(settings);

	json_decref(settings);
	key_of(chat, key);
	arrival->step = TELEGRAM_STEP_INSTALL;
	arrival->owed = true;
	arrival->in.receipt = telegram_ticket(bot);
	HASH_ADD(hh, bot->inbound->owed, in.receipt, sizeof(arrival->in.receipt), arrival);
	bot->host->install(bot->host, &(struct install){ .key = key, .title = title, .settings = text },
			   arrival->in.receipt);
	free(text);
}

static void removed(struct platform *bot, int64_t chat, const char *why)
{
	char key[KEY_SIZE];

	key_of(chat, key);
	bot->host->removed(bot->host, key, why);
}

static json_t *settings_of(const struct telegram_decoded *say)
{
	json_t *settings = json_pack("{s:s}", "type", say->chat_type);
	char key[KEY_SIZE], name[MESSAGE_NAME_MAX + 1];

	if (say->from) {
		key_of(say->from, key);
		json_object_set_new(settings, "added_by", json_string(key));
	}
	if (telegram_name(say->name, name))
		json_object_set_new(settings, "added_by_name", json_string(name));
	return settings;
}

/* In private chats this tells of people who block us: what we send them is refused with that reason. */
bool telegram_member_changed(struct telegram_arrival *arrival, const struct telegram_decoded *say)
{
	struct platform *bot = arrival->bot;
	const char *title = say->chat_title ? say->chat_title : "a group";

	if (say->was_in == say->is_in)
		return false;
	if (say->is_private) {
		log_info(bot->host->log, "user %" PRId64 " %s", say->chat,
			 say->is_in ? "lets us write again" : "has blocked us");
		return false;
	}
	log_info(bot->host->log, "we were %s the %s %" PRId64, say->is_in ? "put into" : "taken out of",
		 say->chat_type, say->chat);
	if (say->is_in)
		install(arrival, say->chat, title, settings_of(say));
	else
		removed(bot, say->chat, "taken out of the group");
	return say->is_in;
}

void telegram_note_moved(struct telegram_arrival *arrival)
{
	removed(arrival->bot, arrival->moved_from, "the group became a supergroup");
	arrival->moved_from = 0;
	install(arrival, arrival->place.chat, arrival->title, json_pack("{s:s}", "type", "supergroup"));
}
