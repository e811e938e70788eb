/* How fast we may go: one rate with a burst, and pauses that the platform asks for. Pure; any thread.
 * The generic cell rate algorithm: of all that was let through, only the moment is kept when the rate is kept again. */
#ifndef USHER_PACE_H
#define USHER_PACE_H

#include <stdbool.h>
#include <stdint.h>

/* Zero-initialise, then set the first two. Milliseconds of one clock that does not go back. */
struct pace {
	unsigned interval_ms; /* between two, in the long run */
	unsigned burst;	      /* so many may go at once after a rest; at least 1 */
	int64_t due;	      /* when the next would go if all were evenly spaced */
	int64_t paused_until;
};

/* How long the next one has to wait when `ahead` others go before it; 0: it may go now. */
uint64_t pace_wait(const struct pace *pace, uint64_t now_ms, unsigned ahead);
void pace_take(struct pace *pace, uint64_t now_ms); /* one goes now */
void pace_pause(struct pace *pace, uint64_t now_ms, uint64_t ms);
bool pace_rested(const struct pace *pace, uint64_t now_ms); /* nothing of the past matters any more */

#endif
