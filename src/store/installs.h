/* What other scripts must know of installations that were removed. Store threads only. */
#ifndef USHER_STORE_INSTALLS_H
#define USHER_STORE_INSTALLS_H

#include "store_room.h"

/* A reply that was put back ends as cancelled when its installation was removed meanwhile. */
bool removal_cancel(struct db *db, int64_t reply_id, bool *cancelled_out, struct err *err);

/* At start: what came back to life of removed installations ends. */
bool removal_sweep(struct db *db, const char *now, struct err *err);

/* texts.c: nothing is kept for this installation's plugin any more. */
bool texts_forget(struct db *db, const char *platform, const char *installation, struct err *err);

#endif
