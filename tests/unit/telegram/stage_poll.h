/* Updates as the platform lists them, and a poll whose pauses are short. */
#ifndef STAGE_POLL_H
#define STAGE_POLL_H

#include "poll_room.h"
#include "stage_net.h"

/* A stage with a poll that is started. */
struct net_stage *poll_open(void);

/* The next question gets these updates: "12:5 13:6" are a message of id 12 in chat 5 and one of 13 in chat 6. */
void poll_say(struct net_stage *stage, const char *updates);

/* The offset of the n-th question, -1 none. */
int64_t poll_offset(const struct net_stage *stage, size_t n);
int64_t poll_arg(const struct net_stage *stage, size_t n, const char *name);

/* Ids that were handed over, in order: "12 13". */
const char *poll_taken(const struct net_stage *stage);

/* A question that names this offset was asked. */
bool poll_confirmed(const struct net_stage *stage, int64_t offset);

#endif
