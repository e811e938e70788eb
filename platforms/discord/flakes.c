/* Open addressing with linear probing; who goes is chosen by a clock hand. */
#include "flakes.h"
#include "mem.h"
#include <stdlib.h>
#include <string.h>

enum { FIRST_ROOM = 64 };

static size_t slot_of(const struct flakes *flakes, snowflake id)
{
	return (size_t)((id * UINT64_C(0x9e3779b97f4a7c15)) >> (64 - flakes->bits));
}

static size_t mask(const struct flakes *flakes)
{
	return ((size_t)1 << flakes->bits) - 1;
}

/* The slot that names this id, or the free one where it would stand. */
static size_t probe(const struct flakes *flakes, snowflake id)
{
	size_t slot = slot_of(flakes, id);

	while (flakes->slots[slot] && flakes->ids[flakes->slots[slot] - 1] != id)
		slot = (slot + 1) & mask(flakes);
	return slot;
}

long flakes_find(const struct flakes *flakes, snowflake id)
{
	uint32_t number;

	if (flakes->count == 0 || id == 0)
		return FLAKES_NONE;
	number = flakes->slots[probe(flakes, id)];
	if (number == 0)
		return FLAKES_NONE;
	flakes->used[number - 1] = true;
	return (long)number - 1;
}

static void grow(struct flakes *flakes)
{
	size_t room = flakes->room ? flakes->room * 2 : FIRST_ROOM;

	flakes->room = room < flakes->max ? room : flakes->max;
	flakes->ids = mem_resize(flakes->ids, flakes->room, sizeof(*flakes->ids));
	flakes->used = mem_resize(flakes->used, flakes->room, sizeof(*flakes->used));
	for (flakes->bits = 1; ((size_t)1 << flakes->bits) < flakes->room + flakes->room / 2;)
		flakes->bits++;
	free(flakes->slots);
	flakes->slots = mem_zero(mask(flakes) + 1, sizeof(*flakes->slots));
	for (size_t i = 0; i < flakes->count; i++)
		flakes->slots[probe(flakes, flakes->ids[i])] = (uint32_t)(i + 1);
}

/* Those behind it that could not stand here move up, or they would not be found any more. */
static void clear_slot(struct flakes *flakes, size_t slot)
{
	size_t hole = slot;

	for (size_t at = (slot + 1) & mask(flakes); flakes->slots[at]; at = (at + 1) & mask(flakes)) {
		size_t home = slot_of(flakes, flakes->ids[flakes->slots[at] - 1]);

		if (((at - home) & mask(flakes)) < ((at - hole) & mask(flakes)))
			continue;
		flakes->slots[hole] = flakes->slots[at];
		hole = at;
	}
	flakes->slots[hole] = 0;
}

static size_t make_room(struct flakes *flakes)
{
	size_t number;

	while (flakes->used[flakes->hand]) {
		flakes->used[flakes->hand] = false;
		flakes->hand = (flakes->hand + 1) % flakes->count;
	}
	number = flakes->hand;
	flakes->hand = (flakes->hand + 1) % flakes->count;
	clear_slot(flakes, probe(flakes, flakes->ids[number]));
	return number;
}

size_t flakes_put(struct flakes *flakes, snowflake id, bool *new_out)
{
	long found = flakes_find(flakes, id);
	size_t number;

	*new_out = found == FLAKES_NONE;
	if (!*new_out)
		return (size_t)found;
	if (flakes->count >= flakes->max) {
		number = make_room(flakes);
	} else {
		if (flakes->count == flakes->room)
			grow(flakes);
		number = flakes->count++;
	}
	flakes->ids[number] = id;
	flakes->used[number] = true;
	flakes->slots[probe(flakes, id)] = (uint32_t)(number + 1);
	return number;
}

long flakes_remove(struct flakes *flakes, snowflake id)
{
	long number = flakes_find(flakes, id);
	size_t last;

	if (number == FLAKES_NONE)
		return FLAKES_NONE;
	clear_slot(flakes, probe(flakes, id));
	last = --flakes->count;
	if ((size_t)number != last) {
		flakes->slots[probe(flakes, flakes->ids[last])] = (uint32_t)(number + 1);
		flakes->ids[number] = flakes->ids[last];
		flakes->used[number] = flakes->used[last];
	}
	if (flakes->hand >= flakes->count)
		flakes->hand = 0;
	return number;
}

void flakes_finish(struct flakes *flakes)
{
	free(flakes->ids);
	free(flakes->used);
	free(flakes->slots);
	*flakes = (struct flakes){ .max = flakes->max };
}
