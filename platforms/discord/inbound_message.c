/* Which messages are meant for us, and what the core is told about them (sheet 9.2). */
#include "clock.h"
#include "command_words.h"
#include "inbound.h"
#include "mem.h"
#include "text.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { HINT_MS = 3600 * 1000 };

/* ---- whose, and where ------------------------------------------------------------------------------------------- */

bool discord_is_own(const struct platform *bot, const struct discord_decoded *say)
{
	return (bot->user_id && say->author == bot->user_id) ||
	       (bot->app_id && say->application == bot->app_id) ||
	       (bot->app_id && say->webhook == bot->app_id);
}

void discord_own_seen(struct discord_inbound *inbound, const struct discord_decoded *say)
{
	bool is_new;

	if (say->id == 0 || say->kind == DISCORD_IS_EDITED)
		return;
	flakes_put(&inbound->own, say->id, &is_new);
	if (say->nonce)
		discord_sends_seen(inbound->bot, say->nonce, say->channel, say->id);
}

static int type_of(const struct platform *bot, const struct discord_decoded *say)
{
	const struct discord_channel *channel;

	if (say->channel_type >= 0)
		return say->channel_type;
	channel = discord_channel_find(bot->places, say->channel);
	return channel ? channel->type : -1;
}

bool discord_needs_channel(const struct platform *bot, const struct discord_decoded *say)
{
	return say->guild != 0 && type_of(bot, say) < 0;
}

/* Threads we talk in, or made. What a channel is need not be known: no conversation has the key of one. */
static bool in_our_thread(const struct platform *bot, const struct discord_decoded *say)
{
	const struct discord_channel *channel;
	int type = type_of(bot, say);

	if (type >= 0 && !discord_is_thread(type))
		return false;
	if (discord_follows(bot->places, say->channel))
		return true;
	channel = discord_channel_find(bot->places, say->channel);
	return channel && channel->owner && channel->owner == bot->user_id;
}

/* A process that resumed was told of no threads: whether we talk in one, the core knows, and is asked once. And what stands
 * behind something that is not stored yet may belong to what that begins. */
static bool in_perhaps_our_thread(const struct discord_inbound *inbound, const struct discord_decoded *say)
{
	int type = type_of(inbound->bot, say);

	if (type >= 0 && !discord_is_thread(type))
		return false;
	if (discord_line_waits(inbound, say->channel))
		return true;
	return type >= 0 && discord_channel_find(inbound->bot->places, say->channel) == NULL &&
	       flakes_find(&inbound->others, say->channel) == FLAKES_NONE;
}

/* @everyone is none of these (pitfall 18). Where the other side did not load what is replied to, we know our own. */
static bool said_to_us(const struct discord_inbound *inbound, const struct discord_decoded *say)
{
	const struct platform *bot = inbound->bot;

	return say->guild == 0 || bot->config.guilds == DISCORD_ALL || discord_mentions_us(bot, say) ||
	       (say->reply_author && say->reply_author == bot->user_id) ||
	       (say->reply_to && flakes_find(&inbound->own, say->reply_to) != FLAKES_NONE);
}

/* It, or what an earlier process was given. */
static bool may_have_been_said(const struct discord_inbound *inbound, snowflake channel, snowflake message)
{
	if (flakes_find(&inbound->said, message) != FLAKES_NONE)
		return true;
	return message < inbound->began && discord_follows(inbound->bot->places, channel);
}

/* ---- the gate -------------------------------------------------------------------------------------------------------- */

static const char *judge_author(const struct platform *bot, const struct discord_decoded *say, bool caught)
{
	if (discord_is_own(bot, say))
		return "our own";
	if (say->guild && bot->config.guilds == DISCORD_NEVER)
		return "said in a guild";
	if (say->guild && discord_guild_off(bot, say->guild))
		return "said in a guild that is switched off";
	if (say->is_bot && (!bot->config.bots || caught || say->kind != DISCORD_IS_SAID))
		return "a bot's";
	return NULL;
}

/* A message that comes again counts once. */
static bool too_many_bots(struct discord_inbound *inbound, const struct discord_decoded *say)
{
	char key[SNOWFLAKE_SIZE], message[SNOWFLAKE_SIZE];
	struct recent *bots = recents_touch(&inbound->bots, snowflake_text(say->channel, key));

	snowflake_text(say->id, message);
	if (strcmp(bots->text, message) != 0) {
		bots->count++;
		recents_set(bots, message);
	}
	return bots->count > DISCORD_BOT_TURNS_MAX;
}

static void person_spoke(struct discord_inbound *inbound, snowflake channel)
{
	char key[SNOWFLAKE_SIZE];

	if (inbound->bots.all)
		recents_drop(&inbound->bots, recents_find(&inbound->bots, snowflake_text(channel, key)));
}

static const char *judge_edit(struct discord_inbound *inbound, const struct discord_decoded *say)
{
	char key[SNOWFLAKE_SIZE];
	const struct recent *edit;

	if (say->guild && !may_have_been_said(inbound, say->channel, say->id))
		return "a change of what was not said to us";
	edit = recents_find(&inbound->edits, snowflake_text(say->id, key));
	return edit && strcmp(edit->text, say->edited_at) > 0 ? "an older edit" : NULL;
}

const char *discord_judge(struct discord_inbound *inbound, const struct discord_decoded *say, bool caught)
{
	const char *because = judge_author(inbound->bot, say, caught);

	if (because)
		return because;
	if (say->kind == DISCORD_IS_EDITED)
		return judge_edit(inbound, say);
	if (!say->is_bot)
		person_spoke(inbound, say->channel);
	if (!said_to_us(inbound, say) && !in_our_thread(inbound->bot, say) &&
	    !in_perhaps_our_thread(inbound, say))
		return "not said to us";
	if (say->is_bot && too_many_bots(inbound, say))
		return "bots have said too much in a row";
	return NULL;
}

/* ---- places and keys ---------------------------------------------------------------------------------------------------- */

static const char *id_text(struct arena *arena, snowflake id)
{
	char text[SNOWFLAKE_SIZE];

	return arena_text(arena, snowflake_text(id, text));
}

static bool can_have_threads(int type)
{
	return type == 0 || type == 5;
}

static void set_place(struct discord_arrival *arrival, const struct discord_decoded *say)
{
	struct platform *bot = arrival->bot;
	struct incoming *in = &arrival->in;
	int type = type_of(bot, say);
	const char *channel = id_text(arrival->arena, say->channel);

	arrival->place = (struct discord_place){
		.guild = say->guild, .channel = say->channel, .message = say->id, .user = say->author
	};
	if (say->guild == 0 || discord_is_thread(type)) {
		in->conversation = channel;
	} else if (bot->config.threads && can_have_threads(type)) {
		in->conversation = id_text(arrival->arena, say->id);
		arrival->place.open_thread = true;
		arrival->thread = say->id;
	} else {
		in->conversation =
			arena_format(arrival->arena, "%s/%s", channel, id_text(arrival->arena, say->author));
	}
}

static void write_place(struct discord_arrival *arrival)
{
	char *text;

	if (arrival->place.open_thread)
		discord_thread_name(arrival->in.text ? arrival->in.text : "", arrival->in.sender_name,
				    arrival->place.thread_name);
	text = discord_place_write(&arrival->place);
	arrival->in.reply_to = arena_text(arrival->arena, text);
	free(text);
}

static void set_keys(struct discord_arrival *arrival, const struct discord_decoded *say)
{
	struct incoming *in = &arrival->in;
	const char *id = id_text(arrival->arena, say->id);
	char name[MESSAGE_NAME_MAX + 1];

	in->sender = id_text(arrival->arena, say->author);
	if (discord_person(say->author_object, say->member, name))
		in->sender_name = arena_text(arrival->arena, name);
	in->sent_ms = say->sent_ms;
	if (say->kind == DISCORD_IS_EDITED) {
		in->kind = INCOMING_EDITED;
		in->delivery_key = arena_format(arrival->arena, "e/%s/%s", id, say->edited_at);
		in->target = id;
		return;
	}
	in->kind = INCOMING_SAID;
	in->delivery_key = arena_format(arrival->arena, "m/%s", id);
	in->semantic_key = id;
	in->cursor_scope =
		arena_format(arrival->arena, "%s%s", say->guild ? DISCORD_CURSOR : DISCORD_CURSOR_DIRECT,
			     id_text(arrival->arena, say->channel));
	in->cursor = id;
}

void discord_build_ignored(struct discord_arrival *arrival, const char *why)
{
	struct incoming *in = &arrival->in;
	const struct incoming old = *in;

	*in = (struct incoming){ .kind = INCOMING_SAID, .flags = INCOMING_IGNORE, .text = why };
	in->delivery_key = arena_format(arrival->arena, "x/%s", old.delivery_key);
	in->sender = id_text(arrival->arena, arrival->place.user ? arrival->place.user : arrival->message);
	in->conversation = id_text(arrival->arena, arrival->channel);
	in->sent_ms = old.sent_ms;
	in->cursor_scope = old.cursor_scope;
	in->cursor = old.cursor;
	arrival->shows_work = false;
}

/* ---- commands ------------------------------------------------------------------------------------------------------------ */

/* "/new" typed as a message, for those whose client offers no commands. */
static const struct command_word *find_command(const char *words, const char **rest_out)
{
	size_t len = *words == '/' ? strcspn(words + 1, " \t\r\n") : 0;
	const struct command_word *command = len ? command_word_find(words + 1, len) : NULL;

	if (command)
		*rest_out = words + 1 + len + strspn(words + 1 + len, " \t\r\n");
	return command;
}

/* What the core knows it as; NULL: it is a question. Codes are for one person: they count where nobody reads along. */
static const char *command_text(struct arena *arena, const struct command_word *command, const char *rest,
				bool direct)
{
	if (strcmp(command->name, "link") == 0 && !direct)
		return "help";
	return command_word_text(arena, command, rest);
}

/* True: it was one. Else *words_io may begin behind "/new". */
static bool take_command(struct discord_arrival *arrival, const struct discord_decoded *say,
			 const char **words_io)
{
	struct incoming *in = &arrival->in;
	const char *rest, *word;
	const struct command_word *command = find_command(*words_io, &rest);
	bool begins;

	if (command == NULL || (in->flags & INCOMING_IF_PLACE))
		return false;
	begins = strcmp(command->name, "new") == 0;
	word = begins && in->file_count ? NULL : command_text(arrival->arena, command, rest, say->guild == 0);
	if (begins)
		in->flags |= INCOMING_NEW;
	if (word) {
		in->flags |= INCOMING_COMMAND | INCOMING_ALONE;
		in->text = word;
		return true;
	}
	if (begins)
		*words_io = rest;
	return false;
}

/* ---- what was said --------------------------------------------------------------------------------------------------------- */

static uint32_t hash_of(const char *text)
{
	uint32_t hash = 2166136261U; /* FNV-1a */

	for (; *text; text++)
		hash = (hash ^ (unsigned char)*text) * 16777619U;
	return hash ? hash : 1;
}

/* Once an hour: it is the switch of the portal, and no fault of what was read (pitfall 26). */
static void hint(struct discord_inbound *inbound)
{
	uint64_t now = loop_now_ms(inbound->bot->host->loop);

	if (inbound->hinted_ms && now - inbound->hinted_ms < HINT_MS)
		return;
	inbound->hinted_ms = now ? now : 1;
	log_warn(inbound->bot->host->log,
		 "a message in a guild came without its content: switch on the Message Content Intent in the "
		 "Developer Portal%s",
		 inbound->bot->config.message_content ? "" : " and set message_content");
}

static const char *bounded(struct arena *arena, char *text, size_t files_left)
{
	const char *kept = files_left
				   ? arena_format(arena, "%s%s(%zu more files: not taken: too many at once)",
						  text, *text ? "\n" : "", files_left)
				   : arena_text(arena, text);

	free(text);
	return arena_text_n(arena, kept, text_fit(kept, strlen(kept), MESSAGE_TEXT_MAX));
}

/* Our name and nothing else still calls us: then it stays. */
static const char *take_words(struct discord_arrival *arrival, const struct discord_decoded *say)
{
	struct platform *bot = arrival->bot;
	struct incoming *in = &arrival->in;
	struct message_file *files = NULL;
	char *own = discord_own_words(bot, say->message);
	const char *words = own;
	size_t left = 0;
	bool command = false;

	arrival->hash = hash_of(say->content ? say->content : "");
	if (say->kind == DISCORD_IS_SAID) {
		in->file_count = discord_files_of(say, arrival->arena, &files, &left);
		in->files = files;
		command = take_command(arrival, say, &words);
	}
	if (!command)
		in->text = bounded(arrival->arena, discord_words_with(bot, say->message, words), left);
	if (text_blank(in->text) && in->file_count == 0 && say->content && !text_blank(say->content))
		in->text = arena_format(arrival->arena, "@%s", bot->username ? bot->username : "bot");
	free(own);
	arrival->shows_work = !command && in->kind == INCOMING_SAID;
	if (!text_blank(in->text) || in->file_count)
		return NULL;
	if (say->guild && discord_is_bare(say->message))
		hint(bot->inbound);
	return "an empty message";
}

/* ---- putting it together ------------------------------------------------------------------------------------------------------ */

static uint32_t *said_hash(struct discord_inbound *inbound, snowflake message)
{
	size_t room = inbound->said.room, number;
	bool is_new;

	number = flakes_put(&inbound->said, message, &is_new);
	if (inbound->said.room != room)
		inbound->said_hashes =
			mem_resize(inbound->said_hashes, inbound->said.room, sizeof(*inbound->said_hashes));
	if (is_new)
		inbound->said_hashes[number] = 0;
	return &inbound->said_hashes[number];
}

static const char *build_edited(struct discord_arrival *arrival, const struct discord_decoded *say)
{
	struct discord_inbound *inbound = arrival->bot->inbound;
	uint32_t *hash = said_hash(inbound, say->id);
	char key[SNOWFLAKE_SIZE];

	if (*hash == arrival->hash)
		return "changed, but not its words";
	*hash = 0; /* not before it is stored */
	recents_set(recents_touch(&inbound->edits, snowflake_text(say->id, key)), say->edited_at);
	return NULL;
}

static void build_said(struct discord_arrival *arrival, const struct discord_decoded *say)
{
	struct discord_inbound *inbound = arrival->bot->inbound;

	*said_hash(inbound, say->id) = arrival->hash;
	write_place(arrival);
}

const char *discord_build_message(struct discord_arrival *arrival, const struct discord_decoded *say)
{
	struct platform *bot = arrival->bot;
	bool addressed = said_to_us(bot->inbound, say);
	bool in_thread = discord_is_thread(type_of(bot, say));
	const char *because;

	set_place(arrival, say);
	set_keys(arrival, say);
	/* A channel that turned out to be no thread: nobody is answered there without our name. An edit of what waits for its
	 * author to be let in has no conversation yet. */
	if (say->kind == DISCORD_IS_SAID && !addressed) {
		if (!in_thread)
			return "not said to us";
		arrival->in.flags |= INCOMING_IF_PLACE;
	} else if (in_thread && say->kind == DISCORD_IS_SAID) {
		arrival->in.flags |= INCOMING_JOINED;
	}
	because = take_words(arrival, say);
	if (because == NULL && say->kind == DISCORD_IS_EDITED)
		because = build_edited(arrival, say);
	if (because == NULL && say->kind == DISCORD_IS_SAID)
		build_said(arrival, say);
	return because;
}

/* Nobody says who took it back, and moderators may: that it is gone is enough. */
const char *discord_build_deleted(struct discord_arrival *arrival, snowflake guild)
{
	struct platform *bot = arrival->bot;
	struct incoming *in = &arrival->in;

	if (arrival->message == 0 || arrival->channel == 0)
		return "a deletion of nothing";
	if (flakes_find(&bot->inbound->own, arrival->message) != FLAKES_NONE)
		return "our own";
	if (guild && discord_guild_off(bot, guild))
		return "deleted in a guild that is switched off";
	if (guild && !may_have_been_said(bot->inbound, arrival->channel, arrival->message))
		return "what was not said to us is gone";
	in->kind = INCOMING_DELETED;
	in->flags = INCOMING_ANYBODYS;
	in->target = id_text(arrival->arena, arrival->message);
	in->delivery_key = arena_format(arrival->arena, "d/%s", in->target);
	in->sender = "somebody";
	in->sent_ms = clock_wall_ms();
	return NULL;
}

void discord_message_stored(struct discord_arrival *arrival)
{
	struct platform *bot = arrival->bot;

	if (arrival->poison || arrival->in.kind == INCOMING_DELETED)
		return;
	*said_hash(bot->inbound, arrival->message) = arrival->hash;
	if (arrival->place.guild && arrival->in.kind == INCOMING_SAID) {
		discord_follow(bot->places, arrival->channel);
		discord_follow(bot->places, arrival->thread);
	}
}
