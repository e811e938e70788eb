/* Which messages are meant for us, and what the core is told about them (sheet 5.7). */
#include "clock.h"
#include "inbound.h"
#include "mem.h"
#include "text.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What is being judged; lives while one message is built. */
struct judged {
	struct telegram_arrival *arrival;
	const struct telegram_decoded *say;
	struct telegram_command command;
	bool has_command; /* at the beginning, and meant for us */
};

static struct telegram_self self_of(const struct platform *bot)
{
	return (struct telegram_self){ .id = bot->bot_id, .username = bot->username };
}

/* ---- places and keys ------------------------------------------------------------------------------------------ */

static const char *chat_key(struct arena *arena, int64_t chat, int64_t topic)
{
	if (topic)
		return arena_format(arena, "%" PRId64 "/%" PRId64, chat, topic);
	return arena_format(arena, "%" PRId64, chat);
}

void telegram_write_place(struct telegram_arrival *arrival)
{
	char *text = telegram_place_write(&arrival->place);

	arrival->in.reply_to = arena_text(arrival->arena, text);
	free(text);
}

void telegram_set_place(struct telegram_arrival *arrival, const struct telegram_decoded *say)
{
	struct incoming *in = &arrival->in;
	char name[MESSAGE_NAME_MAX + 1];

	arrival->place = (struct telegram_place){ .chat = say->chat,
						  .message = say->message_id > 0 ? say->message_id : 0,
						  .topic = say->topic,
						  .group = say->is_group,
						  .private = say->is_private };
	in->conversation = chat_key(arrival->arena, say->chat, say->topic);
	telegram_write_place(arrival);
	in->delivery_key = arena_format(arrival->arena, "%" PRId64 "/%" PRId64, arrival->bot->bot_id,
					arrival->update_id);
	in->sender = arena_format(arrival->arena, "%" PRId64, say->sender);
	in->sender_name = telegram_name(say->name, name) ? arena_text(arrival->arena, name) : NULL;
	in->sent_ms = say->date_ms;
}

/* The key of a message, for edits to find it. Two edits within a second have the same edit_date: only their delivery
 * tells them apart. */
static void set_message_keys(struct telegram_arrival *arrival, const struct telegram_decoded *say)
{
	const char *key = arena_format(arrival->arena, "%" PRId64 "/%" PRId64, say->chat, say->message_id);

	if (say->kind == TELEGRAM_IS_EDITED)
		arrival->in.target = key;
	else
		arrival->in.semantic_key = key;
}

void telegram_build_ignored(struct telegram_arrival *arrival, const char *why)
{
	struct incoming *in = &arrival->in;
	const struct incoming old = *in;

	*in = (struct incoming){ .kind = INCOMING_SAID, .flags = INCOMING_IGNORE, .text = why };
	in->delivery_key = arena_format(arrival->arena, "%" PRId64 "/%" PRId64, arrival->bot->bot_id,
					arrival->update_id);
	in->sender = old.sender ? old.sender : "unknown";
	in->conversation = old.conversation ? old.conversation : "unknown";
	in->sent_ms = old.sent_ms;
	arrival->shows_work = false;
}

/* ---- the gate --------------------------------------------------------------------------------------------------- */

static const char *judge_author(const struct platform *bot, const struct telegram_decoded *say)
{
	const struct telegram_config *config = &bot->config;

	if (say->from == bot->bot_id || say->via_bot == bot->bot_id)
		return "our own";
	if (say->forwarded_here)
		return "a copy of a channel's post";
	if (say->is_channel && !config->channels)
		return "a channel's post";
	if (say->is_group && config->groups == TELEGRAM_NEVER)
		return "said in a group";
	if (say->is_bot && (!config->bots || say->kind != TELEGRAM_IS_SAID))
		return "a bot's";
	return NULL;
}

/* Where a bot is read by everybody anyway, a bare command may be any other bot's; with privacy mode on it reaches us
 * only because we spoke last (sheet 1.3). */
static bool commanded(const struct judged *it)
{
	if (!it->has_command)
		return false;
	return it->command.to || telegram_command_known(it->command.name) || !it->arrival->bot->reads_all;
}

static struct recent *bots_in(const struct judged *it, bool make)
{
	struct recents *bots = &it->arrival->bot->inbound->bots;
	const char *key = it->arrival->in.conversation;

	return make ? recents_touch(bots, key) : recents_find(bots, key);
}

static bool addressed(const struct judged *it)
{
	const struct platform *bot = it->arrival->bot;
	const struct telegram_decoded *say = it->say;
	const struct telegram_self self = self_of(bot);
	bool is;

	if (say->is_private || say->is_channel || bot->config.groups == TELEGRAM_ALL)
		return true;
	is = commanded(it) || telegram_mentions(say->text, say->entities, &self) ||
	     say->reply_from == bot->bot_id;
	return say->album ? telegram_album_addressed(bot->inbound, say, is) : is;
}

/* A message that comes again counts once. */
static bool too_many_bots(const struct judged *it)
{
	struct recent *bots = bots_in(it, true);
	char message[24];

	snprintf(message, sizeof(message), "%" PRId64, it->say->message_id);
	if (strcmp(bots->text, message) != 0) {
		bots->count++;
		recents_set(bots, message);
	}
	return bots->count > TELEGRAM_BOT_TURNS_MAX;
}

static const char *judge_said(struct judged *it)
{
	struct telegram_arrival *arrival = it->arrival;

	if (!it->say->is_bot)
		recents_drop(&arrival->bot->inbound->bots, bots_in(it, false));
	if (!addressed(it))
		return "not said to us";
	if (it->say->is_bot && too_many_bots(it))
		return "bots have said too much in a row";
	return NULL;
}

/* ---- what was said ------------------------------------------------------------------------------------------------ */

static void take_file(struct telegram_arrival *arrival, const json_t *message)
{
	arrival->in.files = &arrival->file;
	if (telegram_file(message, arrival->arena, &arrival->file))
		arrival->in.file_count = 1;
}

/* What follows the command, of the text without our name; an entity that runs into the command may have cut it. */
static const char *behind_command(const struct judged *it, const char *words)
{
	size_t len = it->command.len;

	return strncmp(words, it->say->text, len) == 0 ? words + len : it->command.args;
}

/* The words without our name, and without "/new" when a question follows it. NULL: none. The caller frees. */
static char *own_words(const struct judged *it, bool begins)
{
	const struct telegram_self self = self_of(it->arrival->bot);
	const char *rest;
	char *all, *words;

	if (it->say->text == NULL)
		return NULL;
	all = telegram_without_mentions(it->say->text, it->say->entities, &self);
	if (!it->has_command)
		return all;
	rest = behind_command(it, all);
	words = begins ? mem_text(rest + strspn(rest, " \t\r\n"))
		       : mem_format("/%s%s", it->command.name, rest);
	free(all);
	return words;
}

/* Our name and nothing else still calls us: then it stays. */
static const char *take_words(struct judged *it, bool begins)
{
	struct telegram_arrival *arrival = it->arrival;
	char *words = own_words(it, begins), *text;

	if (it->say->kind == TELEGRAM_IS_SAID)
		take_file(arrival, it->say->message);
	if (words && text_blank(words) && arrival->in.file_count == 0 && it->say->text) {
		free(words);
		words = mem_text(it->say->text);
	}
	text = telegram_words(it->say, words);
	arrival->in.text = arena_text(arrival->arena, text);
	free(text);
	free(words);
	if (text_blank(arrival->in.text) && arrival->in.file_count == 0)
		return "an empty message";
	return NULL;
}

/* ---- commands ------------------------------------------------------------------------------------------------------ */

/* Codes are for one person: they are given, and taken, where nobody else reads along. */
static void to_private(struct telegram_arrival *arrival, const struct telegram_decoded *say)
{
	arrival->place = (struct telegram_place){ .chat = say->from, .private = true };
	arrival->in.conversation = chat_key(arrival->arena, say->from, 0);
	telegram_write_place(arrival);
}

static bool is_old(const struct platform *bot, const struct telegram_decoded *say)
{
	int64_t age_ms = clock_wall_ms() - say->date_ms;

	return bot->config.old_minutes && say->date_ms && age_ms > (int64_t)bot->config.old_minutes * 60000;
}

static void take_command(struct judged *it, const char *word)
{
	struct telegram_arrival *arrival = it->arrival;
	const struct telegram_decoded *say = it->say;

	if (is_old(arrival->bot, say)) { /* pitfall 23 */
		telegram_build_ignored(arrival, "a command that came too late");
		return;
	}
	if (strncmp(word, "link", 4) == 0 && !say->is_private) {
		if (say->by_chat)
			word = "help"; /* a chat is nobody's account */
		else
			to_private(arrival, say);
	}
	arrival->in.text = word;
	arrival->in.flags |= INCOMING_COMMAND | INCOMING_ALONE;
	if (strcmp(word, "new") == 0)
		arrival->in.flags |= INCOMING_NEW;
}

/* true: it was one, in is complete. *begins_out: what follows begins a new conversation. */
static bool read_command(struct judged *it, bool *begins_out)
{
	struct telegram_arrival *arrival = it->arrival;
	const char *word;

	*begins_out = false;
	if (!it->has_command)
		return false;
	word = telegram_command_word(arrival->arena, &it->command, it->say->is_private, begins_out);
	if (word == NULL)
		return false;
	if (strcmp(word, "new") == 0) {
		struct message_file file;

		if (telegram_file(it->say->message, arrival->arena, &file))
			return false; /* "/new" under a photo: begin with it */
	}
	take_command(it, word);
	return true;
}

/* ---- putting it together --------------------------------------------------------------------------------------------- */

/* Another bot's command is nothing for us, whatever else holds (pitfall 15). In private nobody else can be meant. */
static const char *judge_command(struct judged *it)
{
	const struct telegram_decoded *say = it->say;

	if (!telegram_command_read(say->text, say->entities, &it->command))
		return NULL;
	it->has_command = telegram_command_is_for(&it->command, it->arrival->bot->username);
	return it->has_command || say->is_private ? NULL : "another bot's command";
}

/* All of its parts are answered at one of them. */
static void take_album(const struct judged *it)
{
	struct telegram_arrival *arrival = it->arrival;

	arrival->in.flags |= INCOMING_MORE;
	arrival->place.message = telegram_album_message(arrival->bot->inbound, it->say);
	if (it->say->is_group)
		arrival->album = telegram_album_position(arrival->arena, it->say, arrival->place.message);
	telegram_write_place(arrival);
}

static const char *build_said(struct judged *it)
{
	struct telegram_arrival *arrival = it->arrival;
	const char *because = judge_said(it);
	bool begins;

	if (because)
		return because;
	arrival->in.kind = INCOMING_SAID;
	if (read_command(it, &begins))
		return NULL;
	because = take_words(it, begins);
	if (begins)
		arrival->in.flags |= INCOMING_NEW;
	if (is_old(arrival->bot, it->say))
		arrival->in.flags |= INCOMING_LATE;
	arrival->shows_work = true;
	if (because == NULL && it->say->album)
		take_album(it);
	return because;
}

/* Changes the record of what was said, and what still waits; it is never answered again (pitfall 24). */
static const char *build_edited(struct judged *it)
{
	struct telegram_arrival *arrival = it->arrival;

	if (it->has_command && telegram_command_known(it->command.name))
		return "a changed command";
	arrival->in.kind = INCOMING_EDITED;
	if (!addressed(it))
		arrival->in.flags |= INCOMING_IF_PLACE;
	return take_words(it, false);
}

const char *telegram_build_message(struct telegram_arrival *arrival, const struct telegram_decoded *say)
{
	struct judged it = { .arrival = arrival, .say = say };
	const char *because = judge_author(arrival->bot, say);

	if (because == NULL)
		because = judge_command(&it);
	if (because)
		return because;
	telegram_set_place(arrival, say);
	set_message_keys(arrival, say);
	return say->kind == TELEGRAM_IS_SAID ? build_said(&it) : build_edited(&it);
}
