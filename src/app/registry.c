/* Names every platform: no constructors, no loading by folder. */
#include "registry.h"
#include "discord.h"
#include "slack.h"
#include "telegram.h"
#include "webhook.h"

const struct platform_ops *const registry_platforms[] = {
	&webhook_platform, &slack_platform, &telegram_platform, &discord_platform, NULL,
};
