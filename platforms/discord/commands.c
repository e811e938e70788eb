/* Our commands as the platform lists them (sheet 11). Writing them is limited to some 200 a day: what was written is
 * remembered by its hash, and written again only when it has become another. */
#include "commands.h"
#include "backoff.h"
#include "command_words.h"
#include "crypto.h"
#include "mem.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CHAT_INPUT = 1, MESSAGE_COMMAND = 3 };
enum { OPTION_TEXT = 3, OPTION_FILE = 11 };
enum { PROMPT_MAX = 6000 };
enum { CODE_DAILY_LIMIT = 30034, DAILY_MS = 6 * 3600 * 1000, RETRY_MS = 15000, RETRY_MAX_MS = 3600 * 1000 };

static const char note[] = "commands";

/* ---- what they are ---------------------------------------------------------------------------------------------------- */

static json_t *option(int type, const char *name, const char *description, int max, bool required)
{
	json_t *one = json_pack("{s:i, s:s, s:s, s:b}", "type", type, "name", name, "description",
				description, "required", (int)required);

	if (max > 0)
		json_object_set_new(one, "max_length", json_integer(max));
	return one;
}

static json_t *command(const char *name, const char *description)
{
	return json_pack("{s:s, s:i, s:s}", "name", name, "type", CHAT_INPUT, "description", description);
}

static json_t *with(json_t *command, json_t *first, json_t *second)
{
	json_t *options = json_array();

	json_array_append_new(options, first);
	if (second)
		json_array_append_new(options, second);
	json_object_set_new(command, "options", options);
	return command;
}

static json_t *ask(void)
{
	json_t *prompt =
		option(OPTION_TEXT, "prompt", "What you want to know, or want done", PROMPT_MAX, true);

	json_object_set_new(prompt, "min_length", json_integer(1));
	return with(command("ask", "Ask me something"), prompt,
		    option(OPTION_FILE, "file", "Something to look at", 0, false));
}

static json_t *ours(const struct command_word *word)
{
	json_t *one = command(word->name, word->about);

	return word->argument == NULL ? one
				      : with(one,
					     option(OPTION_TEXT, word->argument, word->argument_about,
						    (int)word->argument_max, false),
					     NULL);
}

/* Where they can be used may be said of global ones only: in servers, in direct messages with us, and in those with
 * others. Whether people may bring us along there is the application's own setting. */
json_t *discord_commands_list(bool global)
{
	json_t *list = json_array(), *one;
	size_t i;

	json_array_append_new(list, ask());
	for (i = 0; i < COMMAND_WORDS; i++)
		json_array_append_new(list, ours(&command_words[i]));
	json_array_append_new(list,
			      json_pack("{s:s, s:i}", "name", DISCORD_ASK_MESSAGE, "type", MESSAGE_COMMAND));
	json_array_foreach (list, i, one) {
		if (global)
			json_object_set_new(one, "contexts", json_pack("[i,i,i]", 0, 1, 2));
	}
	return list;
}

/* ---- writing them -------------------------------------------------------------------------------------------------------- */

/* Application and guild belong to it: another one has not seen them. */
static char *wanted_note(const struct platform *bot)
{
	json_t *list = discord_commands_list(bot->config.command_guild == 0);
	char *text = json_write(list), hex[CRYPTO_SHA256_HEX];
	char *wanted = mem_format("%" PRIu64 "/%" PRIu64 "/%s", bot->app_id, bot->config.command_guild,
				  crypto_sha256_hex(text, strlen(text), hex));

	json_decref(list);
	free(text);
	return wanted;
}

static void later(struct discord_commands *commands, uint64_t ms)
{
	commands->state = COMMANDS_LATER;
	loop_timer_start(commands->timer, ms, 0);
}

static void after_failure(struct discord_commands *commands)
{
	commands->failures++;
	later(commands, RETRY_MS + backoff_ms(commands->failures, RETRY_MS, RETRY_MAX_MS));
}

static void on_kept(struct platform *bot, void *owner, const struct err *err)
{
	struct discord_commands *commands = owner;

	if (err->kind != ERR_NONE) {
		log_warn(bot->host->log, "that the commands are registered is not kept yet: %s", err->text);
		after_failure(commands);
		return;
	}
	free(commands->kept);
	commands->kept = mem_text(commands->written);
	commands->failures = 0;
	commands->state = COMMANDS_IDLE;
}

static void keep(struct discord_commands *commands)
{
	commands->state = COMMANDS_BUSY;
	discord_remember(commands->bot, note, commands->written, on_kept, commands);
}

/* Commands of ours never are worth stopping for. */
static void on_refused(struct discord_commands *commands, const struct discord_answer *answer)
{
	const struct log *log = commands->bot->host->log;
	const char *why = answer->why ? answer->why : "?";

	if (answer->code == CODE_DAILY_LIMIT) {
		log_warn(log, "commands can't be registered before tomorrow: %s", why);
		later(commands, answer->retry_ms ? answer->retry_ms : DAILY_MS);
	} else if (answer->how == DISCORD_REFUSED && answer->refusal != DISCORD_WAIT) {
		log_warn(log, "the commands are not registered: %s", why);
		commands->state = COMMANDS_IDLE;
	} else if (answer->how == DISCORD_AUTH) {
		commands->state = COMMANDS_IDLE;
	} else {
		log_info(log, "the commands are not registered yet: %s", why);
		after_failure(commands);
	}
}

static void write_list(struct discord_commands *commands);

/* What stood in the guild where they were tried would stand there beside the new ones. That it is gone already, or the
 * guild is, is no reason to wait. */
static void on_cleared(struct platform *bot, void *owner, uint64_t ticket,
		       const struct discord_answer *answer)
{
	struct discord_commands *commands = owner;

	(void)ticket;
	commands->call = 0;
	if (answer->how == DISCORD_OK ||
	    (answer->how == DISCORD_REFUSED && answer->refusal != DISCORD_WAIT)) {
		write_list(commands);
	} else {
		log_info(bot->host->log, "the earlier commands are not removed yet: %s",
			 answer->why ? answer->why : "?");
		on_refused(commands, answer);
	}
}

static void on_written(struct platform *bot, void *owner, uint64_t ticket,
		       const struct discord_answer *answer)
{
	struct discord_commands *commands = owner;

	(void)ticket;
	commands->call = 0;
	if (answer->how != DISCORD_OK) {
		on_refused(commands, answer);
		return;
	}
	log_info(bot->host->log, "the commands are registered");
	free(commands->written);
	commands->written = commands->writing;
	commands->writing = NULL;
	keep(commands);
}

/* The whole list takes the place of the one before: what we no longer know goes, and doing it twice does no harm. guild 0:
 * the list that counts everywhere. */
static void put(struct discord_commands *commands, snowflake guild, json_t *list, discord_rest_fn *fn)
{
	snowflake app = commands->bot->app_id;
	char *path = guild ? mem_format("/applications/%" PRIu64 "/guilds/%" PRIu64 "/commands", app, guild)
			   : mem_format("/applications/%" PRIu64 "/commands", app);
	struct discord_call call = { .method = "PUT", .path = path, .args = list };

	commands->state = COMMANDS_BUSY;
	commands->call = discord_rest(commands->bot, &call, fn, commands, 0);
	free(path);
}

static void write_list(struct discord_commands *commands)
{
	snowflake guild = commands->bot->config.command_guild;

	put(commands, guild, discord_commands_list(guild == 0), on_written);
}

/* Another place of this application where our commands stand; false: nowhere else. */
static bool stands_elsewhere(const struct discord_commands *commands, snowflake *guild_out)
{
	const struct platform *bot = commands->bot;
	char start[SNOWFLAKE_SIZE + 1], guild[SNOWFLAKE_SIZE];
	size_t len;

	snprintf(start, sizeof(start), "%" PRIu64 "/", bot->app_id);
	len = strlen(start);
	if (commands->kept == NULL || strncmp(commands->kept, start, len) != 0)
		return false;
	snprintf(guild, sizeof(guild), "%.*s", (int)strcspn(commands->kept + len, "/"), commands->kept + len);
	*guild_out = snowflake_parse(guild);
	return *guild_out != bot->config.command_guild;
}

static bool same(const char *a, const char *b)
{
	return a && b && strcmp(a, b) == 0;
}

void discord_commands_register(struct discord_commands *commands)
{
	const struct platform *bot = commands->bot;
	snowflake elsewhere;
	char *wanted;

	if (!bot->config.commands || bot->app_id == 0 || bot->dead || commands->state == COMMANDS_BUSY)
		return;
	loop_timer_stop(commands->timer);
	commands->state = COMMANDS_IDLE;
	free(commands->writing);
	commands->writing = wanted = wanted_note(bot);
	if (same(wanted, commands->kept))
		return;
	if (same(wanted, commands->written))
		keep(commands);
	else if (stands_elsewhere(commands, &elsewhere))
		put(commands, elsewhere, json_array(), on_cleared);
	else
		write_list(commands);
}

/* ---- life --------------------------------------------------------------------------------------------------------------- */

static void on_timer(void *data)
{
	struct discord_commands *commands = data;

	if (!commands->bot->stopping && !commands->bot->disabled)
		discord_commands_register(commands);
}

bool discord_commands_recall(struct discord_commands *commands, const char *name, const char *text)
{
	if (strcmp(name, note) != 0)
		return false;
	free(commands->kept);
	commands->kept = mem_text(text);
	return true;
}

struct discord_commands *discord_commands_create(struct platform *bot)
{
	struct discord_commands *commands = mem_zero(1, sizeof(*commands));

	commands->bot = bot;
	commands->timer = loop_timer_create(bot->host->loop, on_timer, commands);
	return commands;
}

void discord_commands_destroy(struct discord_commands *commands)
{
	if (commands == NULL)
		return;
	discord_rest_cancel(commands->bot, commands->call);
	discord_notes_forget(commands->bot, commands);
	loop_timer_destroy(commands->timer);
	if (commands->bot->commands == commands)
		commands->bot->commands = NULL;
	free(commands->kept);
	free(commands->written);
	free(commands->writing);
	free(commands);
}
