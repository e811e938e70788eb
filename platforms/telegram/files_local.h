/* A file of a Bot API server that runs on this machine with --local: copied, a piece in each round of the loop. */
#ifndef USHER_TELEGRAM_FILES_LOCAL_H
#define USHER_TELEGRAM_FILES_LOCAL_H

#include "telegram_room.h"

struct telegram_local;

struct telegram_local_call {
	const char *from; /* absolute, as the server says */
	const char *
		folder; /* the name of a folder above it: the server keeps each bot's files in one called like its
			       token, and nothing outside of it is read, whatever the server says */
	const char *to; /* does not exist yet */
	int64_t max;
};

/* Once, in a later round, unless abandoned. */
typedef void telegram_local_fn(void *owner, uint64_t ticket, const struct fetched *fetched);

struct telegram_local *telegram_local_start(struct platform_host *host,
					    const struct telegram_local_call *call, telegram_local_fn *fn,
					    void *owner, uint64_t ticket);
void telegram_local_abandon(struct telegram_local *local); /* no callback comes; takes NULL */

#endif
