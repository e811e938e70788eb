/* A set of 128-bit hashes (FNV-1a): that two different values of a table share one does not happen by chance. */
#include "unique.h"
#include "mem.h"
#include <stdlib.h>

__extension__ typedef unsigned __int128 hash;

struct unique {
	hash *all; /* 0: free */
	size_t count, room, max;
	bool full;
};

static hash hash_of(size_t column, const char *text, size_t len)
{
	const hash prime = ((hash)1 << 88) + 0x13b;
	hash value = ((hash)0x6c62272e07bb0142u << 64) + 0x62b821756295c58du;

	for (size_t i = 0; i < sizeof(column); i++)
		value = (value ^ ((column >> (i * 8)) & 0xff)) * prime;
	for (size_t i = 0; i < len; i++)
		value = (value ^ (unsigned char)text[i]) * prime;
	return value ? value : 1;
}

struct unique *unique_open(size_t max)
{
	struct unique *unique = mem_zero(1, sizeof(*unique));

	unique->max = max;
	return unique;
}

/* The place of the value, or the free one where it belongs. */
static hash *place_of(hash *all, size_t room, hash value)
{
	size_t at = (size_t)(value ^ (value >> 64)) & (room - 1);

	while (all[at] != 0 && all[at] != value)
		at = (at + 1) & (room - 1);
	return &all[at];
}

static void grow(struct unique *unique)
{
	size_t room = unique->room ? unique->room * 2 : 1024;
	hash *all = mem_zero(room, sizeof(*all));

	for (size_t i = 0; i < unique->room; i++)
		if (unique->all[i] != 0)
			*place_of(all, room, unique->all[i]) = unique->all[i];
	free(unique->all);
	unique->all = all;
	unique->room = room;
}

bool unique_add(struct unique *unique, size_t column, const char *text, size_t len)
{
	hash value = hash_of(column, text, len), *place;

	if (unique->count * 3 >= unique->room * 2)
		grow(unique);
	place = place_of(unique->all, unique->room, value);
	if (*place != 0)
		return true;
	if (unique->count == unique->max) {
		unique->full = true;
		return false;
	}
	*place = value;
	unique->count++;
	return false;
}

bool unique_full(const struct unique *unique)
{
	return unique->full;
}

void unique_close(struct unique *unique)
{
	free(unique->all);
	free(unique);
}
