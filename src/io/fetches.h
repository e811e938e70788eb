/* Files that people sent, on their way from the platform to a path of ours: a few of one installation at once, the others
 * wait. Where a file lies is its plugin's matter; what all have in common is here. Loop thread only. */
#ifndef USHER_FETCHES_H
#define USHER_FETCHES_H

#include "download.h"
#include "platform_words.h"
#include <stdbool.h>

struct fetches;
struct platform_host;
struct loop_timer;
struct message_file;

/* Stands first in the plugin's own struct, which is zeroed and then given to fetches_add. */
struct fetch {
	struct fetches *of;
	uint64_t serial; /* never twice in one struct fetches: for questions whose answers come later */
	uint64_t ticket; /* the core's */
	char *path;
	int64_t size, max; /* size: what the message says, -1 unknown */
	/* fetches.c */
	bool running;
	struct download *download;
	struct loop_timer *timer;
	struct fetch *prev, *next;
};

struct fetches_rules {
	void (*begin)(struct fetch *fetch); /* its turn has come, or the time of fetch_later */
	/* It is there, whole as far as its size was known: fetch_take or fetch_drop. NULL: it is taken. */
	void (*complete)(struct fetch *fetch, const struct download_end *got);
	void (*answered)(struct fetch *fetch,
			 const struct download_end *got); /* with another status than 2xx */
	void (*release)(struct fetch *fetch); /* the plugin's own part; the struct itself is freed after it */
};

/* rules are borrowed for its life. */
struct fetches *fetches_create(struct platform_host *host, void *owner, const struct fetches_rules *rules);
void *fetches_owner(const struct fetch *fetch);
void fetches_destroy(struct fetches *fetches); /* nobody is told any more; takes NULL */

/* Takes the struct over; begin follows in a later round. */
void fetches_add(struct fetches *fetches, struct fetch *fetch, const struct message_file *file,
		 const char *path, int64_t max, uint64_t ticket);
struct fetch *fetches_find(const struct fetches *fetches, uint64_t serial);  /* NULL: it has ended */
void fetches_each(struct fetches *fetches, void (*fn)(struct fetch *fetch)); /* none may end inside */

/* What happens next: exactly one of these from begin, complete, answered, or later. */
void fetch_get(struct fetch *fetch, const char *url, const char *const *headers);
/* The same for an address that others chose: public ones only, and this machine when loopback says so. */
void fetch_get_public(struct fetch *fetch, const char *url, bool loopback);
void fetch_later(struct fetch *fetch, unsigned ms);
/* The end: the fetch dies. */
void fetch_fail(struct fetch *fetch, enum fetched_how how, const char *why);
void fetch_drop(struct fetch *fetch, enum fetched_how how, const char *why); /* and the file is removed */
void fetch_take(struct fetch *fetch, int64_t size, const char *mime);	     /* mime "" or NULL: not said */

extern const char fetch_too_large[]; /* for people */

#endif
