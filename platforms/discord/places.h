/* Channels as the platform describes them; the rest of places.c is in discord_room.h. Loop thread only. */
#ifndef USHER_DISCORD_PLACES_H
#define USHER_DISCORD_PLACES_H

#include "discord_room.h"

/* Keeps a channel object of an event or an answer (sheet 9.3) with its name. guild: when the object names none. *out is what
 * is known of it now. False: nobody speaks there, or it is none. */
bool discord_channel_take(struct discord_places *places, const json_t *object, snowflake guild,
			  struct discord_channel *out);

/* What it is called, without "#"; NULL: not known. Until the next channel is learned. */
const char *discord_channel_name(const struct discord_places *places, snowflake id);

#endif
