/* Discord as a platform: the table, and how a bot is made and taken apart. Read this file first. */
#include "discord.h"
#include "crypto.h"
#include "life.h"
#include "mem.h"
#include <stdlib.h>
#include <string.h>

uint64_t discord_ticket(struct platform *bot)
{
	return ++bot->last_ticket;
}

/* Who sends and takes in first; the places, which all of them ask, and the lanes, where they cancel their calls, last. */
static void bot_destroy(struct platform *bot)
{
	if (bot == NULL)
		return;
	bot->stopping = true;
	discord_sends_destroy(bot->sends);
	discord_previews_destroy(bot->previews);
	discord_gateway_destroy(bot->gateway);
	discord_hook_destroy(bot->hook);
	discord_catch_up_destroy(bot->catch_up);
	discord_interactions_destroy(bot->interactions);
	discord_inbound_destroy(bot->inbound);
	discord_files_destroy(bot->files);
	discord_contexts_destroy(bot->contexts);
	discord_commands_destroy(bot->commands);
	discord_checks_destroy(bot->checks);
	discord_places_destroy(bot->places);
	discord_life_destroy(bot->life);
	discord_lanes_destroy(bot->lanes);
	discord_config_finish(&bot->config);
	free(bot->username);
	free(bot);
}

static void furnish(struct platform *bot)
{
	bot->lanes = discord_lanes_create(bot);
	bot->life = discord_life_create(bot);
	bot->checks = discord_checks_create(bot);
	bot->places = discord_places_create(bot);
	bot->commands = discord_commands_create(bot);
	bot->contexts = discord_contexts_create(bot);
	bot->files = discord_files_create(bot);
	bot->inbound = discord_inbound_create(bot);
	bot->interactions = discord_interactions_create(bot);
	bot->catch_up = discord_catch_up_create(bot);
	bot->hook = discord_hook_create(bot);
	bot->gateway = discord_gateway_create(bot);
	bot->previews = discord_previews_create(bot);
	bot->sends = discord_sends_create(bot);
}

static struct platform *bot_create(struct platform_host *host, const struct settings *settings,
				   struct err *err)
{
	struct platform *bot = mem_zero(1, sizeof(*bot));

	if (!discord_config_read(&bot->config, settings, err)) {
		discord_config_finish(&bot->config);
		free(bot);
		return NULL;
	}
	bot->host = host;
	log_hide(bot->config.bot_token);
	if (bot->config.public_key)
		bot->has_key =
			crypto_unhex(bot->config.public_key, strlen(bot->config.public_key), bot->public_key);
	furnish(bot);
	return bot;
}

static void bot_stream(struct platform *bot, const struct outgoing_part *part)
{
	if (bot->config.preview && !bot->disabled && !bot->dead)
		discord_preview(bot, part);
}

/* Notes of a version that wrote others are left alone. */
static void bot_recall(struct platform *bot, const char *name, const char *text)
{
	if (!discord_gateway_recall(bot->gateway, name, text) &&
	    !discord_commands_recall(bot->commands, name, text))
		log_debug(bot->host->log, "nobody knows what the note \"%s\" is", name);
}

/* A channel of which something was handed to the core is one that we may go on talking in, without our name. */
static void bot_cursor(struct platform *bot, const char *scope, const char *position)
{
	size_t kind = strlen(DISCORD_CURSOR);

	discord_catch_up_cursor(bot, scope, position);
	if (strncmp(scope, DISCORD_CURSOR, kind) == 0)
		discord_follow(bot->places, snowflake_parse(scope + kind));
}

static void bot_installed(struct platform *bot, uint64_t ticket, const struct err *err, const char *name)
{
	if (!discord_life_recorded(bot, ticket, err))
		discord_installed(bot, ticket, err, name);
}

const struct platform_ops discord_platform = {
	.abi = PLATFORM_ABI,
	.name = "discord",
	.can = PLATFORM_STREAMS | PLATFORM_READS_BACK | PLATFORM_FILES | PLATFORM_SETTLES,
	.retry_cap_s = 600,
	.expire_s = 24 * 3600,
	.settings = discord_settings,
	.create = bot_create,
	.start = discord_life_start,
	.ack = discord_acked,
	.send = discord_send,
	.stream = bot_stream,
	.ended = discord_working_end,
	.split = discord_split,
	.fetch = discord_fetch,
	.context = discord_context,
	.cursor = bot_cursor,
	.recall = bot_recall,
	.remembered = discord_remembered,
	.known = discord_known,
	.installed = bot_installed,
	.enable = discord_life_enable,
	.check = discord_check,
	.guide = &discord_guide,
	.stop = discord_life_stop,
	.destroy = bot_destroy,
};
