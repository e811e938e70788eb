/* Opening and closing the store: what src/app needs and nobody else. */
#ifndef USHER_STORE_OPEN_H
#define USHER_STORE_OPEN_H

#include "err.h"

struct loop;
struct log;
struct store;

struct store_options {
	const char *url;        /* "sqlite:PATH"; the folder is made if missing (mode 0700) */
	const struct log *log;
	unsigned batch_rows;    /* questions in one commit, at most; 0: 256 */
};

/* Opens, locks the files against a second daemon, checks the schema and brings it up to date, starts the threads.
 * Blocks: call before the loop runs. NULL and err (naming cause and cure) on failure. */
struct store *store_open(struct loop *loop, const struct store_options *options, struct err *err);

/* Answers what is queued, checkpoints, stops the threads, closes, frees. The last callbacks come from within, so
 * those who asked must still exist; what they ask then is dropped. Callbacks no longer come afterwards. Takes NULL. */
void store_close(struct store *store);

#endif
