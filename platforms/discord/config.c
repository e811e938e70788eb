/* Turns the settings of one bot into checked values: says at the start what would only fail later. */
#include "config_checks.h"
#include "discord_room.h"
#include <stdlib.h>
#include <string.h>

enum { KEY_DIGITS = 64, TOKEN_PARTS = 3 };

static const char api[] = "https://discord.com/api/v10";
static const char hex_digits[] = "0123456789abcdefABCDEF";
static const char token_signs[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-";
static const char portal[] = "https://discord.com/developers/applications";

const struct setting discord_settings[] = {
	{ "name", SETTING_TEXT, .required = true,
	  .help = "part of the addresses /discord/NAME/interactions and /discord/NAME/events; letters, "
		  "digits, - and _" },
	{ "bot_token", SETTING_SECRET, .apart = true,
	  .help = "MTk4NjIy..., from the page \"Bot\" of the application: \"Reset Token\" shows it once" },
	{ "public_key", SETTING_TEXT,
	  .help = "64 hex digits, from the page \"General Information\"; read with the token unless set" },
	{ "guilds", SETTING_CHOICE, .fallback = "addressed", .choices = "addressed|all|never",
	  .help = "in servers: answer when mentioned, replied to or in a thread it is part of; everything "
		  "that is seen; nothing" },
	{ "threads", SETTING_BOOL, .fallback = "false",
	  .help = "a mention in a channel opens a thread for the conversation" },
	{ "message_content", SETTING_BOOL, .fallback = "true",
	  .help = "ask for the Message Content Intent, without which only messages that mention it can be "
		  "read" },
	{ "bots", SETTING_BOOL, .fallback = "false",
	  .help = "answer other bots and webhooks too, at most five times in a row" },
	{ "preview", SETTING_BOOL, .fallback = "true", .help = "show answers while they grow" },
	{ "embeds", SETTING_BOOL, .fallback = "false", .help = "let links in answers unfold" },
	{ "commands", SETTING_BOOL, .fallback = "true",
	  .help = "register the commands /ask, /new, /usage, /link and \"Ask usher\"" },
	{ "command_guild", SETTING_TEXT,
	  .help = "register them in the server with this id only; everywhere unless set" },
	{ "compress", SETTING_BOOL, .fallback = "true", .help = "have what comes from Discord compressed" },
	{ "shards", SETTING_INT, .fallback = "0", .min = 0, .max = 1024,
	  .help = "connections to share the servers among; 0: as many as Discord recommends" },
	{ "identifies_a_day", SETTING_INT, .fallback = "500", .min = 1, .max = 1000,
	  .help = "never begin more new connections in 24 hours: Discord resets the token after 1,000" },
	{ "catch_up_hours", SETTING_INT, .fallback = "24", .min = 0, .max = 720,
	  .help = "missed messages are answered when they are not older; 0: none are looked for" },
	{ "catch_up_messages", SETTING_INT, .fallback = "200", .min = 1, .max = 10000,
	  .help = "missed messages to take in of each channel or thread; what others said to each other does "
		  "not count" },
	{ "document_parts", SETTING_INT, .fallback = "6", .min = 0, .max = 50,
	  .help = "an answer of more messages than this is sent as a file; 0: never" },
	{ "api_base", SETTING_TEXT, .fallback = api, .help = "where the REST API is" },
	{ "file_base", SETTING_TEXT, .help = "where files are fetched; Discord's two hosts unless set" },
	{ .name = NULL },
};

static bool wrong(const struct settings *settings, const char *name, struct err *err)
{
	return config_wrong(settings, "discord", name, err);
}

/* "MTk4NjIyNDgzNDcxOTI1MjQ4.Cl2FMQ.ZnCjm1XVW7vRze4b7Cq4se7kKWs": the id of the bot, a time, a proof, each base64url. */
static bool is_token(const char *token)
{
	static const size_t least[TOKEN_PARTS] = { 16, 4, 20 };

	for (size_t i = 0; i < TOKEN_PARTS; i++) {
		size_t len = strspn(token, token_signs);

		if (len < least[i] || token[len] != (i + 1 < TOKEN_PARTS ? '.' : '\0'))
			return false;
		token += len + 1;
	}
	return true;
}

static bool bad_token(const struct settings *settings, const char *what, struct err *err)
{
	err_set(err, ERR_REFUSED,
		"%s. Copy it whole from %s, your application, page \"Bot\", \"Reset Token\": it looks like "
		"MTk4NjIyNDgzNDcx….Cl2FMQ.ZnCjm1XVW7vR…",
		what, portal);
	return wrong(settings, "bot_token", err);
}

/* Servers for tests, on this machine, give other ones. */
static bool check_token(const struct discord_config *config, const struct settings *settings, struct err *err)
{
	const char *token = config->bot_token ? config->bot_token : "";
	bool test = !strncmp(config->api_base, "http://", 7) &&
		    config_url_private(config->api_base, CONFIG_THIS_MACHINE);

	if (*token == '\0')
		return bad_token(settings, "missing: the token of the bot", err);
	if (strncmp(token, "Bot ", 4) == 0 || strncmp(token, "Bearer ", 7) == 0)
		return bad_token(settings,
				 "leave the word before the token out: usher sends \"Bot \" where Discord "
				 "wants it",
				 err);
	if (!config_check_plain(settings, "discord", "bot_token", err))
		return false;
	if (strlen(token) == KEY_DIGITS && strspn(token, hex_digits) == KEY_DIGITS)
		return bad_token(settings, "this is the application's public key, not the token of its bot",
				 err);
	return test || is_token(token) || bad_token(settings, "this is no token of a bot", err);
}

static bool check_key(const struct discord_config *config, const struct settings *settings, struct err *err)
{
	const char *key = config->public_key;

	if (key == NULL || (strlen(key) == KEY_DIGITS && strspn(key, hex_digits) == KEY_DIGITS))
		return true;
	err_set(err, ERR_REFUSED,
		"expected 64 hex digits, the \"Public Key\" of the page \"General Information\"; leave it "
		"out and it is read with the token");
	return wrong(settings, "public_key", err);
}

static bool check_command_guild(const struct discord_config *config, const struct settings *settings,
				struct err *err)
{
	const char *guild = settings_text(settings, "command_guild");

	if (guild == NULL || config->command_guild)
		return true;
	err_set(err, ERR_REFUSED,
		"expected the id of a server, a number such as 197038439483310086: in Discord switch on User "
		"Settings, Advanced, Developer Mode, then \"Copy Server ID\" in the menu of the server");
	return wrong(settings, "command_guild", err);
}

/* What nobody addressed to it arrives empty then (sheet 1). */
static bool check_hearing(const struct discord_config *config, const struct settings *settings,
			  struct err *err)
{
	if (config->guilds != DISCORD_ALL || config->message_content)
		return true;
	err_set(err, ERR_REFUSED,
		"\"all\" needs message_content: without it Discord hides what is said without a mention");
	return wrong(settings, "guilds", err);
}

/* An address without a version means one that is long gone (sheet 12). */
static bool check_version(const struct discord_config *config, const struct settings *settings,
			  struct err *err)
{
	if (strncmp(config->api_base, api, strlen("https://discord.com/")) != 0 ||
	    strcmp(config->api_base, api) == 0)
		return true;
	err_set(err, ERR_REFUSED, "usher speaks version 10 of Discord's API: leave it out, or write %s", api);
	return wrong(settings, "api_base", err);
}

static enum discord_guild_rule read_rule(const char *text)
{
	if (strcmp(text, "all") == 0)
		return DISCORD_ALL;
	return strcmp(text, "never") == 0 ? DISCORD_NEVER : DISCORD_ADDRESSED;
}

static void read_values(struct discord_config *config, const struct settings *settings)
{
	*config = (struct discord_config){
		.name = settings_text(settings, "name"),
		.bot_token = settings_text(settings, "bot_token"),
		.public_key = settings_text(settings, "public_key"),
		.api_base = settings_text(settings, "api_base"),
		.file_base = settings_text(settings, "file_base"),
		.guilds = read_rule(settings_text(settings, "guilds")),
		.threads = settings_bool(settings, "threads"),
		.message_content = settings_bool(settings, "message_content"),
		.bots = settings_bool(settings, "bots"),
		.preview = settings_bool(settings, "preview"),
		.embeds = settings_bool(settings, "embeds"),
		.commands = settings_bool(settings, "commands"),
		.command_guild = snowflake_parse(settings_text(settings, "command_guild")),
		.compress = settings_bool(settings, "compress"),
		.shards = (unsigned)settings_int(settings, "shards"),
		.identifies_a_day = (unsigned)settings_int(settings, "identifies_a_day"),
		.catch_up_hours = (unsigned)settings_int(settings, "catch_up_hours"),
		.catch_up_messages = (unsigned)settings_int(settings, "catch_up_messages"),
		.document_parts = (unsigned)settings_int(settings, "document_parts"),
	};
}

bool discord_config_read(struct discord_config *config, const struct settings *settings, struct err *err)
{
	read_values(config, settings);
	return config_check_name(settings, "discord", err) &&
	       config_check_url(settings, "discord", "api_base", CONFIG_PRIVATE_NETWORK, err) &&
	       check_version(config, settings, err) &&
	       (config->file_base == NULL ||
		config_check_url(settings, "discord", "file_base", CONFIG_PRIVATE_NETWORK, err)) &&
	       check_token(config, settings, err) && check_key(config, settings, err) &&
	       check_command_guild(config, settings, err) && check_hearing(config, settings, err);
}

void discord_config_finish(struct discord_config *config)
{
	*config = (struct discord_config){ 0 };
}
