/* What the calls that post and edit messages have in common: paths, and whom a message may notify. */
#include "clock.h"
#include "mem.h"
#include "out.h"
#include <inttypes.h>
#include <stdlib.h>

enum {
	SUPPRESS_EMBEDS = 4,
	TOKEN_MARGIN_MS = 20000, /* a call that begins now must be over before the token is */
};

/* Without allowed_mentions an edit, too, would call everybody that its text names (pitfall 31). What an interaction was about
 * is somebody else's message, as a rule: they asked nothing. */
json_t *discord_body(const struct platform *bot, const struct discord_place *place, const char *content,
		     bool reply)
{
	bool notifies = reply && place->message && place->token == NULL;
	json_t *users = json_array(), *body;
	char user[SNOWFLAKE_SIZE];

	if (notifies && place->user)
		json_array_append_new(users, json_string(snowflake_text(place->user, user)));
	body = json_pack("{s:s, s:{s:[], s:o, s:b}}", "content", content, "allowed_mentions", "parse",
			 "users", users, "replied_user", notifies ? 1 : 0);
	if (!bot->config.embeds)
		json_object_set_new(body, "flags", json_integer(SUPPRESS_EMBEDS));
	return body;
}

bool discord_token_lives(const struct platform *bot, const struct discord_place *place)
{
	return place->token && bot->app_id &&
	       clock_wall_ms() - place->made_ms < DISCORD_TOKEN_MS - TOKEN_MARGIN_MS;
}

char *discord_message_path(struct discord_spot spot)
{
	if (spot.message == 0)
		return mem_format("/channels/%" PRIu64 "/messages", spot.channel);
	return mem_format("/channels/%" PRIu64 "/messages/%" PRIu64, spot.channel, spot.message);
}

char *discord_webhook_path(const struct platform *bot, const struct discord_place *place, const char *suffix)
{
	return mem_format("/webhooks/%" PRIu64 "/%s%s", bot->app_id, place->token, suffix);
}

static void ignore(struct platform *bot, void *owner, uint64_t ticket, const struct discord_answer *answer)
{
	(void)bot;
	(void)owner;
	(void)ticket;
	(void)answer;
}

void discord_delete_message(struct platform *bot, struct discord_spot spot)
{
	char *path;

	if (spot.message == 0)
		return;
	path = discord_message_path(spot);
	discord_rest(bot, &(struct discord_call){ .method = "DELETE", .path = path }, ignore, NULL, 0);
	free(path);
}

void discord_delete_original(struct platform *bot, const struct discord_place *place)
{
	char *path = discord_webhook_path(bot, place, "/messages/" DISCORD_ORIGINAL);

	discord_rest(bot, &(struct discord_call){ .method = "DELETE", .path = path, .no_token = true },
		     ignore, NULL, 0);
	free(path);
}
