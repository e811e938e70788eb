/* Telegram as a platform: the table, and how a bot is made and taken apart. Read this file first. */
#include "telegram.h"
#include "mem.h"
#include "telegram_room.h"
#include <stdlib.h>
#include <string.h>

uint64_t telegram_ticket(struct platform *bot)
{
	return ++bot->last_ticket;
}

/* The lanes come last: all others cancel their calls there. */
static void bot_destroy(struct platform *bot)
{
	if (bot == NULL)
		return;
	bot->stopping = true;
	telegram_presses_destroy(bot->presses);
	telegram_sends_destroy(bot->sends);
	telegram_previews_destroy(bot->previews);
	telegram_poll_destroy(bot->poll);
	telegram_hook_destroy(bot->hook);
	telegram_inbound_destroy(bot->inbound);
	telegram_files_destroy(bot->files);
	telegram_checks_destroy(bot->checks);
	telegram_life_destroy(bot->life);
	telegram_lanes_destroy(bot->lanes);
	telegram_config_finish(&bot->config);
	free(bot->username);
	free(bot);
}

static struct platform *bot_create(struct platform_host *host, const struct settings *settings,
				   struct err *err)
{
	struct platform *bot = mem_zero(1, sizeof(*bot));

	if (!telegram_config_read(&bot->config, settings, err) ||
	    !telegram_config_fits(&bot->config, settings, host, err)) {
		telegram_config_finish(&bot->config);
		free(bot);
		return NULL;
	}
	bot->host = host;
	bot->bot_id = strtoll(bot->config.bot_token, NULL, 10);
	bot->has_drafts = true; /* until it turns out that this server has none */
	log_hide(bot->config.bot_token);
	bot->lanes = telegram_lanes_create(bot);
	bot->life = telegram_life_create(bot);
	bot->checks = telegram_checks_create(bot);
	bot->inbound = telegram_inbound_create(bot);
	bot->files = telegram_files_create(bot);
	bot->previews = telegram_previews_create(bot);
	bot->presses = telegram_presses_create(bot);
	bot->sends = telegram_sends_create(bot);
	if (bot->config.transport == TELEGRAM_POLL)
		bot->poll = telegram_poll_create(bot);
	else
		bot->hook = telegram_hook_create(bot);
	return bot;
}

static void bot_stream(struct platform *bot, const struct outgoing_part *part)
{
	if (bot->config.preview && !bot->disabled && !bot->dead)
		telegram_preview(bot, part);
}

static void bot_cursor(struct platform *bot, const char *scope, const char *position)
{
	if (bot->poll && strcmp(scope, "updates") == 0)
		telegram_poll_cursor(bot->poll, position);
	else if (strncmp(scope, TELEGRAM_ALBUM_CURSOR, strlen(TELEGRAM_ALBUM_CURSOR)) == 0)
		telegram_album_recall(bot->inbound, scope + strlen(TELEGRAM_ALBUM_CURSOR), position);
}

static void bot_installed(struct platform *bot, uint64_t ticket, const struct err *err, const char *name)
{
	if (!telegram_life_recorded(bot, ticket, err))
		telegram_installed(bot, ticket, err, name);
}

const struct platform_ops telegram_platform = {
	.abi = PLATFORM_ABI,
	.name = "telegram",
	.channel_parts = 1, /* behind it stands the topic */
	.can = PLATFORM_STREAMS | PLATFORM_RESENDS | PLATFORM_FILES | PLATFORM_SETTLES,
	.retry_cap_s = 600,
	.expire_s = 24 * 3600,
	.settings = telegram_settings,
	.create = bot_create,
	.start = telegram_life_start,
	.ack = telegram_acked,
	.send = telegram_send,
	.stream = bot_stream,
	.ended = telegram_working_end,
	.split = telegram_split,
	.fetch = telegram_fetch,
	.cursor = bot_cursor,
	.installed = bot_installed,
	.held = telegram_held,
	.enable = telegram_life_enable,
	.check = telegram_check,
	.guide = &telegram_guide,
	.stop = telegram_life_stop,
	.destroy = bot_destroy,
};
