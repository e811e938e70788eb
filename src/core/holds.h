/* Messages of ours that stand at the platform before a reply's text is put in: made durable while the reply is sent. */
#ifndef USHER_CORE_HOLDS_H
#define USHER_CORE_HOLDS_H

#include "inside.h"

struct holds *holds_create(struct core *core);
void holds_destroy(struct holds *holds);

/* host->hold. Answered by ops->held in a later round. */
void holds_take(struct holds *holds, struct installation *inst, uint64_t ticket, const char *remote_id);

/* How many are not answered yet. */
size_t holds_owed(const struct holds *holds);

#endif
