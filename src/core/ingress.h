/* Takes messages in: checked, stored once, and only then acknowledged. Also answers where an accepted one is.
 */
#ifndef USHER_CORE_INGRESS_H
#define USHER_CORE_INGRESS_H

#include "inside.h"

struct incoming;
struct store_accepted;

struct ingress *ingress_create(struct core *core);
void ingress_destroy(struct ingress *ingress);

/* host->incoming. ops->ack follows exactly once, in a later round. */
void ingress_take(struct ingress *ingress, struct installation *inst, const struct incoming *in);

/* host->look. ops->found follows in a later round. */
void ingress_look(struct ingress *ingress, struct installation *inst, const char *uuid, uint64_t ticket);

/* A stored message has a person and a conversation: its turn runs or waits. */
void ingress_placed(struct ingress *ingress, const struct store_accepted *accepted);

/* Looks that the store could not answer are asked again. */
void ingress_sweep(struct ingress *ingress);

/* Answers owed to plugins. */
size_t ingress_owed(const struct ingress *ingress);

/* limits.c: NULL when the message is within the limits of message.h, else one line saying which one it
 * breaks. Pure. */
const char *limits_broken(const struct incoming *in);

#endif
