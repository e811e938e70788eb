/* Opening and closing the store: what src/app needs and nobody else. */
#ifndef USHER_STORE_OPEN_H
#define USHER_STORE_OPEN_H

#include "err.h"

struct loop;
struct log;
struct store;

struct store_options {
	const char *url; /* "sqlite:PATH"; the folder is made if missing (mode 0700) */
	const struct log *log;
	bool import_target; /* the settings name a target of finished imports: those that end are due for it */
	unsigned batch_rows; /* questions in one commit, at most; 0: 256 */
};

/* Opens, locks the files against a second daemon, checks the schema and brings it up to date, starts the threads.
 * Blocks: call before the loop runs. NULL and err (naming cause and cure) on failure. */
struct store *store_open(struct loop *loop, const struct store_options *options, struct err *err);

/* Finishes what is queued, checkpoints, stops the threads, closes, frees. No callback comes from within or afterwards:
 * those who asked may be gone already. Takes NULL. */
void store_close(struct store *store);

#endif
