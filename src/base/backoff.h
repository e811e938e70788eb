/* When to try again: exponential with full jitter (a random time between nothing and the cap of the attempt). */
#ifndef USHER_BACKOFF_H
#define USHER_BACKOFF_H

#include <stdint.h>

/* attempt 1 is the first repetition. Milliseconds in 0..min(cap_ms, base_ms * 2^(attempt-1)). Any thread. */
uint64_t backoff_ms(unsigned attempt, uint64_t base_ms, uint64_t cap_ms);

#endif
