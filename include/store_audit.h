/* How long the record of interactions is kept. Same rules as store.h. */
#ifndef USHER_STORE_AUDIT_ASK_H
#define USHER_STORE_AUDIT_ASK_H

#include "store.h"

/* Days; 0: for ever. Contents are emptied after content_days; whole rows are dropped after keep_days, oldest first. Imports that
 * have ended go with everything that was made of them after import_days. */
struct store_retention {
	int64_t content_days, keep_days, import_days;
};

/* One small step of it, a transaction of some hundred rows. more: there is more to do. */
typedef void store_retained_fn(void *owner, uint64_t ticket, const struct err *err, bool more);
void store_retain(struct store *store, const struct store_retention *keep, store_retained_fn *fn, void *owner,
		  uint64_t ticket);

/* A tool that a program with somebody's key called by the Model Context Protocol, after it has ended: a row of the record.
 * class: "read", "keyed", "once", "confirm"; NULL: there is no such tool for this caller. error NULL: it succeeded. */
struct store_called {
	const char *org_id, *profile_id, *key_id, *tool, *class;
	const char *arguments, *result; /* JSON texts; result may be NULL */
	const char *error;
	int64_t latency_ms; /* 0: it did not run */
};
void store_called(struct store *store, const struct store_called *called, store_done_fn *fn, void *owner,
		  uint64_t ticket);

#endif
