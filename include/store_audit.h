/* How long the record of interactions is kept. Same rules as store.h. */
#ifndef USHER_STORE_AUDIT_ASK_H
#define USHER_STORE_AUDIT_ASK_H

#include "store.h"

/* Days; 0: for ever. Contents are emptied after content_days; whole rows are dropped after keep_days, oldest first. */
struct store_retention {
	int64_t content_days, keep_days;
};

/* One small step of it, a transaction of some hundred rows. more: there is more to do. */
typedef void store_retained_fn(void *owner, uint64_t ticket, const struct err *err, bool more);
void store_retain(struct store *store, const struct store_retention *keep, store_retained_fn *fn, void *owner,
		  uint64_t ticket);

#endif
