/* One line of turns per conversation: one runs, the rest wait; conversations take their turns at the slots.
 */
#ifndef USHER_CORE_LANE_H
#define USHER_CORE_LANE_H

#include "inside.h"

struct store_turn;

struct lanes *lanes_create(struct core *core);
void lanes_destroy(struct lanes *lanes);

/* Holds a slot for a message that may begin its turn in the very transaction that stores it (T1); false when
 * there is none, or others wait for one. Each true is followed by lanes_unreserve. */
bool lanes_reserve(struct lanes *lanes);
void lanes_unreserve(struct lanes *lanes);

/* A stored message waits in this conversation. */
void lanes_wait(struct lanes *lanes, int64_t conversation_id);

/* The same, and more of it comes (INCOMING_MORE): not claimed for a moment, or until something else comes. */
void lanes_rest(struct lanes *lanes, int64_t conversation_id);

/* A turn is claimed: it runs now. turn is borrowed. */
void lanes_run(struct lanes *lanes, const struct store_turn *turn);

/* The turn of this conversation is about to ask for its end (T4): what comes in from here on is not seen by
 * it. Returns whether T4 shall claim what waits behind it: not when that would pass others by. */
bool lanes_ending(struct lanes *lanes, int64_t conversation_id);

/* The turn is over; next (or NULL) is claimed already, waiting says that more messages wait in the store. */
void lanes_ended(struct lanes *lanes, int64_t conversation_id, const struct store_turn *next, bool waiting);

/* Begins what may begin. */
void lanes_pump(struct lanes *lanes);

size_t lanes_conversations(const struct lanes *lanes); /* waiting for a slot */
size_t lanes_messages(const struct lanes *lanes);      /* waiting for a turn */
uint64_t lanes_oldest_ms(const struct lanes *lanes);   /* how long the head of the line has waited */

#endif
