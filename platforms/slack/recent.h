/* A bounded memory of texts by key: when it is full, what was not touched for longest goes. Loop thread only. */
#ifndef USHER_SLACK_RECENT_H
#define USHER_SLACK_RECENT_H

#include "slack_room.h"

struct recent {
	char *key;
	char text[SLACK_ID_MAX + 1]; /* "" when new */
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
void recents_set(struct recent *recent, const char *text);	       /* cut at SLACK_ID_MAX bytes */
void recents_finish(struct recents *recents);

#endif
