/* What the core is told of an interaction, and what the person sees at once (sheet 10, 11). */
#include "clock.h"
#include "command_words.h"
#include "interaction.h"
#include "text.h"
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { ARGUMENT_MAX = 100 };
enum { FLAG_EPHEMERAL = 64 };
#define CUT "\n(the rest of it was cut off)"

/* ---- responses ---------------------------------------------------------------------------------------------------- */

json_t *discord_response_words(const char *words)
{
	return json_pack("{s:i, s:{s:s, s:i, s:{s:[]}}}", "type", DISCORD_MESSAGE, "data", "content", words,
			 "flags", FLAG_EPHEMERAL, "allowed_mentions", "parse");
}

static json_t *discord_response_deferred(bool whisper)
{
	json_t *response = json_pack("{s:i}", "type", DISCORD_DEFERRED);

	if (whisper)
		json_object_set_new(response, "data", json_pack("{s:i}", "flags", FLAG_EPHEMERAL));
	return response;
}

static json_t *silent(void)
{
	return json_pack("{s:i}", "type", DISCORD_SILENT);
}

/* ---- where it happened ------------------------------------------------------------------------------------------------ */

static bool in_thread(const struct platform *bot, const struct discord_interaction *say)
{
	const struct discord_channel *channel;
	int type = say->channel_type;

	if (say->guild == 0 || !say->present)
		return false; /* where the bot is not, everybody has us for themselves */
	if (type < 0) {
		channel = discord_channel_find(bot->places, say->channel);
		type = channel ? channel->type : -1;
	}
	return discord_is_thread(type);
}

static void set_place(const struct discord_interaction *say, bool thread, struct arena *arena,
		      struct incoming *in)
{
	char id[SNOWFLAKE_SIZE], channel[SNOWFLAKE_SIZE], user[SNOWFLAKE_SIZE], name[MESSAGE_NAME_MAX + 1];

	snowflake_text(say->channel, channel);
	in->sender = arena_text(arena, snowflake_text(say->user, user));
	if (discord_person(say->user_object, say->member, name))
		in->sender_name = arena_text(arena, name);
	in->delivery_key = arena_format(arena, "i/%s", snowflake_text(say->id, id));
	in->sent_ms = snowflake_ms(say->id);
	in->conversation = say->direct || thread ? arena_text(arena, channel)
						 : arena_format(arena, "%s/%s", channel, user);
}

/* token: the answer replaces what the response shows; not after a press, where that is somebody's message. */
static void set_reply_to(const struct discord_interaction *say, bool token, bool whisper, struct arena *arena,
			 struct incoming *in)
{
	struct discord_place place = { .guild = say->guild,
				       .channel = say->channel,
				       .message = snowflake_read(json_object_get(say->target, "id")),
				       .user = say->user,
				       .whisper = whisper,
				       .made_ms = clock_wall_ms() };
	char *copy = mem_text(say->token), *text;

	place.token = token ? copy : NULL;
	place.press_token = token ? NULL : copy;
	text = discord_place_write(&place);
	in->reply_to = arena_text(arena, text);
	free(text);
	free(copy);
}

/* ---- commands ------------------------------------------------------------------------------------------------------- */

/* "link ABC". The core says what is wrong with an argument. */
static const char *command_text(const struct discord_interaction *say, const struct command_word *command,
				struct arena *arena)
{
	const char *value = command->argument ? discord_interaction_option(say, command->argument) : NULL;
	char *line = value ? text_one_line(value) : NULL;
	const char *text = command->name;

	if (line && *line)
		text = arena_format(arena, "%s %.*s", text, (int)text_fit(line, strlen(line), ARGUMENT_MAX),
				    line);
	free(line);
	return text;
}

static bool build_word(struct discord_act *act, const struct discord_interaction *say,
		       const struct command_word *command, struct arena *arena, struct incoming *in)
{
	in->text = command_text(say, command, arena);
	in->flags = INCOMING_COMMAND | INCOMING_ALONE;
	if (strcmp(command->name, "new") == 0)
		in->flags |= INCOMING_NEW;
	set_reply_to(say, true, command->whisper, arena, in);
	act->response = discord_response_deferred(command->whisper);
	return true;
}

/* Longer than the core takes, but never dropped for it. */
static const char *bounded(struct arena *arena, const char *text)
{
	size_t len = strlen(text);

	if (len <= MESSAGE_TEXT_MAX)
		return arena_text_n(arena, text, len);
	return arena_format(arena, "%.*s" CUT, (int)text_fit(text, len, MESSAGE_TEXT_MAX - sizeof(CUT)),
			    text);
}

static bool say_no(struct discord_act *act, const char *words)
{
	act->response = discord_response_words(words);
	return false;
}

static void take_files(const struct discord_interaction *say, const json_t *message, struct arena *arena,
		       struct incoming *in)
{
	struct discord_decoded what = { .message = message,
					.channel = say->channel,
					.id = snowflake_read(json_object_get(message, "id")) };
	struct message_file *files;
	size_t left;

	in->file_count = discord_files_of(&what, arena, &files, &left);
	in->files = files;
}

/* Someone else's words are told apart from the asker's, who said none. */
static char *about(char *words, const json_t *message)
{
	char name[MESSAGE_NAME_MAX + 1];
	bool named = discord_person(json_object_get(message, "author"), NULL, name);
	char *quote = message_about(named ? name : NULL, words);

	free(words);
	return quote;
}

/* ALONE: two of them answered as one would leave the response of one waiting for ever. */
static bool build_question(struct discord_act *act, const struct discord_interaction *say,
			   struct arena *arena, struct incoming *in)
{
	json_t *message = discord_interaction_message(say);
	char *words = discord_words(act->bot, message);
	bool empty;

	take_files(say, message, arena, in);
	empty = text_blank(words) && in->file_count == 0;
	if (say->target)
		words = about(words, message);
	in->text = bounded(arena, words);
	free(words);
	json_decref(message);
	if (empty)
		return say_no(act, say->target ? "There is nothing in this message that I can read."
					       : "There is no question in this.");
	in->flags = INCOMING_ALONE | (act->follow ? INCOMING_JOINED : 0);
	set_reply_to(say, true, false, arena, in);
	act->response = discord_response_deferred(false);
	return true;
}

static bool build_command(struct discord_act *act, const struct discord_interaction *say, struct arena *arena,
			  struct incoming *in)
{
	const struct command_word *command = command_word_find(say->command, strlen(say->command));

	if (command)
		return build_word(act, say, command, arena, in);
	if (strcmp(say->command, "ask") != 0)
		return say_no(act, "I don't know this command any more.");
	return build_question(act, say, arena, in);
}

/* ---- presses ---------------------------------------------------------------------------------------------------------- */

static bool build_press(struct discord_act *act, const struct discord_interaction *say, struct arena *arena,
			struct incoming *in)
{
	size_t said = strlen(DISCORD_PRESS_SAY);

	if (strncmp(say->custom_id, DISCORD_PRESS_SAY, said) != 0 || !say->custom_id[said])
		return say_no(act, "This button does nothing any more.");
	in->text = arena_text(arena, say->custom_id + said);
	in->flags = INCOMING_COMMAND | INCOMING_ALONE;
	set_reply_to(say, false, false, arena, in);
	act->response = silent();
	return true;
}

/* ---- all of them -------------------------------------------------------------------------------------------------------- */

/* Why nothing is taken in there, or NULL. */
static const char *closed(const struct platform *bot, const struct discord_interaction *say)
{
	if (say->guild && bot->config.guilds == DISCORD_NEVER)
		return "I don't answer in servers. Please write me a direct message.";
	if (say->guild && discord_guild_off(bot, say->guild))
		return "I am switched off in this server.";
	return NULL;
}

bool discord_act_build(struct discord_act *act, const struct discord_interaction *say, struct arena *arena,
		       struct incoming *in)
{
	const char *why = closed(act->bot, say);
	bool thread = in_thread(act->bot, say);

	if (say->kind == INTERACTION_AUTOCOMPLETE) {
		act->response = json_pack("{s:i, s:{s:[]}}", "type", DISCORD_CHOICES, "data", "choices");
		return false;
	}
	if (say->kind == INTERACTION_UNKNOWN)
		return say_no(act, "I don't know what to do with this.");
	if (why)
		return say_no(act, why);
	*in = (struct incoming){ .kind = INCOMING_SAID };
	set_place(say, thread, arena, in);
	if (say->kind == INTERACTION_PRESSED)
		return build_press(act, say, arena, in);
	act->follow = thread ? say->channel : 0;
	return say->kind == INTERACTION_ABOUT ? build_question(act, say, arena, in)
					      : build_command(act, say, arena, in);
}
