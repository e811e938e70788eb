/* What a bot's application says of itself, as life.c reads it; check.c and guide.c say more of it. */
#ifndef USHER_DISCORD_LIFE_H
#define USHER_DISCORD_LIFE_H

#include "discord_room.h"

#define DISCORD_PORTAL "https://discord.com/developers/applications"

/* GET /applications/@me. False: that is no application. */
bool discord_application_read(struct platform *bot, const json_t *application);
/* GET /users/@me. False: that is no user. */
bool discord_bot_read(struct platform *bot, const json_t *user);

/* The Message Content Intent is switched on, for all servers or as far as it can be without a review (sheet 1). */
bool discord_content_granted(uint64_t app_flags);

/* The page of this application: "PORTAL/123/bot". The caller frees. */
char *discord_portal(const struct platform *bot, const char *page);

/* The link that adds the bot to a server, with what it needs (sheet 2). The caller frees. */
char *discord_invite(snowflake app_id);

/* Why the gateway is not even asked for: the token was refused, or Discord does not say who we are. NULL: it is. */
const char *discord_life_why(const struct platform *bot);

/* Answer to host->install of the bot itself; false: it is not about that. */
bool discord_life_recorded(struct platform *bot, uint64_t ticket, const struct err *err);

#endif
