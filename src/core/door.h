/* What becomes of a stored message whose sender is not (or no longer) one of us. */
#ifndef USHER_CORE_DOOR_H
#define USHER_CORE_DOOR_H

#include "inside.h"

struct store_accepted;

struct door *door_create(struct core *core);
void door_destroy(struct door *door);

/* Lets the sender in, or tells them why not. accepted is borrowed. inst may be NULL: not configured any more.
 */
void door_decide(struct door *door, struct installation *inst, const struct store_accepted *accepted);

void door_sweep(struct door *door);
size_t door_count(const struct door *door);

/* At a stop: those the store could not take are left to the next start. */
void door_close(struct door *door);

#endif
