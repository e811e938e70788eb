/* A bounded memory of short texts by key: when it is full, what was not touched for longest goes. Loop thread only. */
#ifndef USHER_RECENT_H
#define USHER_RECENT_H

#include <stddef.h>
#include <stdint.h>

#define HASH_FUNCTION HASH_FNV /* the default falls through cases without a mark that clang knows */
#include <uthash.h>

enum { RECENT_TEXT_MAX = 64 };

struct recent {
	char *key;
	char text[RECENT_TEXT_MAX + 1]; /* "" when new */
	unsigned count;
	uint64_t at_ms;
	UT_hash_handle hh;
};

struct recents {
	struct recent *all; /* the one touched last at the end */
	size_t max;
};

/* Found, or made; counts as touched now. */
struct recent *recents_touch(struct recents *recents, const char *key);
struct recent *recents_find(struct recents *recents, const char *key); /* NULL: none; not touched */
void recents_drop(struct recents *recents, struct recent *recent);     /* takes NULL */
void recents_set(struct recent *recent, const char *text);	       /* cut at RECENT_TEXT_MAX bytes */
void recents_finish(struct recents *recents);

#endif
