/* What the gateway sends, by the names of the events: which are of any interest, and who takes them (sheet 9). */
#include "inbound.h"
#include "places.h"
#include <string.h>

/* True: nothing more is to be waited for. False: discord_taken comes, or came, from whoever has it. */
typedef bool take_fn(struct platform *bot, const struct discord_event *event, const json_t *d);

/* ---- what is said ------------------------------------------------------------------------------------------------ */

static bool take_create(struct platform *bot, const struct discord_event *event, const json_t *d)
{
	discord_take_said(bot, event, d, false);
	return false;
}

static bool take_update(struct platform *bot, const struct discord_event *event, const json_t *d)
{
	discord_take_said(bot, event, d, true);
	return false;
}

static bool take_delete(struct platform *bot, const struct discord_event *event, const json_t *d)
{
	discord_take_deleted(bot, event, d);
	return false;
}

static bool take_bulk(struct platform *bot, const struct discord_event *event, const json_t *d)
{
	discord_take_bulk(bot, event, d);
	return false;
}

static bool take_interaction(struct platform *bot, const struct discord_event *event, const json_t *d)
{
	discord_take_interaction(bot, event, d);
	return false;
}

/* ---- sessions ---------------------------------------------------------------------------------------------------- */

static bool take_ready(struct platform *bot, const struct discord_event *event, const json_t *d)
{
	const json_t *shard = json_object_get(d, "shard");
	int64_t shards = json_integer_value(json_array_get(shard, 1));

	discord_lines_reset(bot->inbound, event->shard);
	discord_guilds_ready(bot, d);
	discord_catch_up_begin(bot, event->shard, shards > 0 ? (unsigned)shards : 1,
			       discord_gateway_seen(bot->gateway, event->shard));
	return true;
}

static bool take_resumed(struct platform *bot, const struct discord_event *event, const json_t *d)
{
	(void)bot;
	(void)event;
	(void)d;
	return true;
}

/* ---- guilds ------------------------------------------------------------------------------------------------------ */

/* event NULL: nothing was missed there. since: what was said before we joined was not said to us; 0: not known. */
static void learn(struct platform *bot, const struct discord_event *event, const json_t *list,
		  snowflake guild, snowflake since)
{
	struct discord_channel channel;
	const json_t *one;
	size_t i;

	json_array_foreach (list, i, one) {
		if (discord_channel_take(bot->places, one, guild, &channel) && event)
			discord_catch_up_offer(bot, event->shard, &channel, since);
	}
}

/* Its threads first: they may be what a person waits in. */
static bool take_guild(struct platform *bot, const struct discord_event *event, const json_t *d)
{
	snowflake guild = snowflake_read(json_object_get(d, "id"));
	snowflake since = snowflake_at(discord_time_ms(json_text(d, "joined_at")));
	bool waits = discord_guild_came(bot, event, d);

	if (guild && !json_is_true(json_object_get(d, "unavailable")) && !discord_guild_off(bot, guild)) {
		learn(bot, waits ? NULL : event, json_object_get(d, "threads"), guild, since);
		learn(bot, waits ? NULL : event, json_object_get(d, "channels"), guild, since);
	}
	return !waits;
}

static bool take_guild_update(struct platform *bot, const struct discord_event *event, const json_t *d)
{
	(void)event;
	discord_guild_changed(bot, d);
	return true;
}

static bool take_guild_delete(struct platform *bot, const struct discord_event *event, const json_t *d)
{
	(void)event;
	discord_guild_went(bot, d);
	return true;
}

static bool take_role(struct platform *bot, const struct discord_event *event, const json_t *d)
{
	(void)event;
	discord_guild_role(bot, d, false);
	return true;
}

static bool take_role_delete(struct platform *bot, const struct discord_event *event, const json_t *d)
{
	(void)event;
	discord_guild_role(bot, d, true);
	return true;
}

/* ---- channels ---------------------------------------------------------------------------------------------------- */

static bool take_channel(struct platform *bot, const struct discord_event *event, const json_t *d)
{
	struct discord_channel channel;

	(void)event;
	if (discord_channel_take(bot->places, d, 0, &channel) && discord_is_thread(channel.type) &&
	    channel.owner && channel.owner == bot->user_id)
		discord_follow(bot->places, channel.id);
	return true;
}

static bool take_channel_delete(struct platform *bot, const struct discord_event *event, const json_t *d)
{
	(void)event;
	discord_channel_forget(bot->places, snowflake_read(json_object_get(d, "id")));
	return true;
}

static bool take_threads(struct platform *bot, const struct discord_event *event, const json_t *d)
{
	(void)event;
	learn(bot, NULL, json_object_get(d, "threads"), snowflake_read(json_object_get(d, "guild_id")), 0);
	return true;
}

/* ---- by name ----------------------------------------------------------------------------------------------------- */

static const struct {
	const char *name;
	take_fn *take;
} kinds[] = {
	{ "MESSAGE_CREATE", take_create },
	{ "MESSAGE_UPDATE", take_update },
	{ "MESSAGE_DELETE", take_delete },
	{ "MESSAGE_DELETE_BULK", take_bulk },
	{ "INTERACTION_CREATE", take_interaction },
	{ "GUILD_CREATE", take_guild },
	{ "GUILD_UPDATE", take_guild_update },
	{ "GUILD_DELETE", take_guild_delete },
	{ "GUILD_ROLE_CREATE", take_role },
	{ "GUILD_ROLE_UPDATE", take_role },
	{ "GUILD_ROLE_DELETE", take_role_delete },
	{ "CHANNEL_CREATE", take_channel },
	{ "CHANNEL_UPDATE", take_channel },
	{ "CHANNEL_DELETE", take_channel_delete },
	{ "THREAD_CREATE", take_channel },
	{ "THREAD_UPDATE", take_channel },
	{ "THREAD_DELETE", take_channel_delete },
	{ "THREAD_LIST_SYNC", take_threads },
	{ "READY", take_ready },
	{ "RESUMED", take_resumed },
};

static take_fn *taker_of(const char *name)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (strcmp(kinds[i].name, name) == 0)
			return kinds[i].take;
	return NULL;
}

bool discord_wants(const char *event_name)
{
	return event_name && taker_of(event_name) != NULL;
}

void discord_take(struct platform *bot, const struct discord_event *event, const char *name, const json_t *d)
{
	take_fn *take = name ? taker_of(name) : NULL;

	discord_line_came(bot->inbound, event);
	if (take == NULL || !json_is_object(d) || bot->disabled)
		discord_taken(bot, event, 0);
	else if (bot->stopping || bot->dead)
		discord_taken(bot, event, INBOUND_LATER_MS);
	else if (take(bot, event, d))
		discord_taken(bot, event, 0);
}
