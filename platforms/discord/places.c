/* What channels are, and which of them we talk in (sheet 9.3). */
#include "places.h"
#include "flakes.h"
#include "mem.h"
#include "text.h"
#include <stdlib.h>
#include <string.h>

enum {
	CHANNELS_MAX =
		250000, /* further ones push out what was not asked for lately; those are asked for again */
	FOLLOWS_MAX = 100000,
	NAME_MAX_BYTES = 100,
};

struct record {
	struct discord_channel channel;
	char *name; /* or NULL */
};

struct discord_places {
	struct platform *bot;
	struct flakes channels, follows;
	struct record *records; /* by their numbers in channels */
};

bool discord_is_thread(int type)
{
	return type >= 10 && type <= 12;
}

/* ---- channels -------------------------------------------------------------------------------------------- */

const struct discord_channel *discord_channel_find(const struct discord_places *places, snowflake id)
{
	long number = places ? flakes_find(&places->channels, id) : FLAKES_NONE;

	return number == FLAKES_NONE ? NULL : &places->records[number].channel;
}

const char *discord_channel_name(const struct discord_places *places, snowflake id)
{
	long number = places ? flakes_find(&places->channels, id) : FLAKES_NONE;

	return number == FLAKES_NONE ? NULL : places->records[number].name;
}

static void take_newer(struct discord_channel *old, const struct discord_channel *new)
{
	old->id = new->id;
	if (new->guild)
		old->guild = new->guild;
	if (new->parent)
		old->parent = new->parent;
	if (new->owner)
		old->owner = new->owner;
	if (new->last_message > old->last_message)
		old->last_message = new->last_message;
	if (new->type >= 0)
		old->type = new->type;
}

static struct record *record_for(struct discord_places *places, snowflake id)
{
	size_t room = places->channels.room, number;
	struct record *record;
	bool is_new;

	number = flakes_put(&places->channels, id, &is_new);
	if (places->channels.room != room) {
		places->records =
			mem_resize(places->records, places->channels.room, sizeof(*places->records));
		memset(places->records + room, 0, (places->channels.room - room) * sizeof(*places->records));
	}
	record = &places->records[number];
	if (is_new) {
		free(record->name); /* of one that was forgotten for it */
		*record = (struct record){ .channel = { .type = -1 } };
	}
	return record;
}

void discord_channel_learn(struct discord_places *places, const struct discord_channel *channel)
{
	if (places && channel->id)
		take_newer(&record_for(places, channel->id)->channel, channel);
}

/* A channel object of an event or an answer (sheet 9.3). guild: when the object names none. False: it is none. */
static bool discord_channel_read(const json_t *object, snowflake guild, struct discord_channel *out)
{
	*out = (struct discord_channel){
		.id = snowflake_read(json_object_get(object, "id")),
		.guild = snowflake_read(json_object_get(object, "guild_id")),
		.parent = snowflake_read(json_object_get(object, "parent_id")),
		.owner = snowflake_read(json_object_get(object, "owner_id")),
		.last_message = snowflake_read(json_object_get(object, "last_message_id")),
		.type = (int)json_int(object, "type", -1),
	};
	if (out->guild == 0)
		out->guild = guild;
	if (!discord_is_thread(out->type))
		out->owner = 0;
	return out->id != 0 && out->type >= 0;
}

/* Categories and directories: nobody speaks there. */
static bool holds_talk(int type)
{
	return type != 4 && type != 14;
}

bool discord_channel_take(struct discord_places *places, const json_t *object, snowflake guild,
			  struct discord_channel *out)
{
	const char *name = json_text(object, "name");
	struct record *record;

	if (!discord_channel_read(object, guild, out) || !holds_talk(out->type))
		return false;
	discord_channel_learn(places, out);
	record = record_for(places, out->id);
	*out = record->channel;
	if (name && *name && (record->name == NULL || strcmp(record->name, name) != 0)) {
		free(record->name);
		record->name = mem_text_n(name, text_fit(name, strlen(name), NAME_MAX_BYTES));
	}
	return true;
}

void discord_channel_forget(struct discord_places *places, snowflake id)
{
	long number = flakes_remove(&places->channels, id);
	size_t last = places->channels.count;

	flakes_remove(&places->follows, id);
	if (number == FLAKES_NONE)
		return;
	free(places->records[number].name);
	places->records[number] = places->records[last];
	places->records[last] = (struct record){ 0 };
}

void discord_guild_forget(struct discord_places *places, snowflake guild)
{
	for (size_t i = places->channels.count; i > 0; i--)
		if (places->records[i - 1].channel.guild == guild)
			discord_channel_forget(places, places->records[i - 1].channel.id);
}

/* ---- where we talk ---------------------------------------------------------------------------------------- */

void discord_follow(struct discord_places *places, snowflake channel)
{
	bool is_new;

	if (places && channel)
		flakes_put(&places->follows, channel, &is_new);
}

bool discord_follows(const struct discord_places *places, snowflake channel)
{
	return places && flakes_find(&places->follows, channel) != FLAKES_NONE;
}

/* ---- life --------------------------------------------------------------------------------------------------- */

struct discord_places *discord_places_create(struct platform *bot)
{
	struct discord_places *places = mem_zero(1, sizeof(*places));

	places->bot = bot;
	places->channels.max = CHANNELS_MAX;
	places->follows.max = FOLLOWS_MAX;
	return places;
}

void discord_places_destroy(struct discord_places *places)
{
	if (places == NULL)
		return;
	for (size_t i = 0; i < places->channels.count; i++)
		free(places->records[i].name);
	free(places->records);
	flakes_finish(&places->channels);
	flakes_finish(&places->follows);
	if (places->bot)
		places->bot->places = NULL;
	free(places);
}
