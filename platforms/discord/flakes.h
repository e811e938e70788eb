/* Many ids and the numbers of their records, in little memory: the record of ids[n] is the caller's record n. Bounded:
 * when it is full, one that was not asked for lately makes room. Loop thread only. */
#ifndef USHER_DISCORD_FLAKES_H
#define USHER_DISCORD_FLAKES_H

#include "discord_room.h"

enum { FLAKES_NONE = -1 };

struct flakes {
	size_t max; /* set by the caller before the first use */
	size_t count, room;
	snowflake *ids;
	bool *used;	 /* found since the hand passed it */
	uint32_t *slots; /* number + 1 by hash, 0 free */
	unsigned bits;	 /* of the number of slots */
	size_t hand;
};

long flakes_find(const struct flakes *flakes, snowflake id); /* FLAKES_NONE; else its number */
/* Its number: found, one more, or that of another one that is forgotten for it (*new_out: the record is to be filled).
 * Numbers are below flakes->room, which may have grown. */
size_t flakes_put(struct flakes *flakes, snowflake id, bool *new_out);
/* The last one takes its number: the caller moves record flakes->count to it. FLAKES_NONE: it was not there. */
long flakes_remove(struct flakes *flakes, snowflake id);
void flakes_finish(struct flakes *flakes);

#endif
