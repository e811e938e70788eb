/* The core's numbers for /metrics. */
#ifndef USHER_CORE_COUNTS_H
#define USHER_CORE_COUNTS_H

#include "ai.h"
#include <stddef.h>
#include <stdint.h>

/* outcome: of taking in ("accepted", "repeated", "invalid", "busy", ...) or the end ("answered", "failed",
 * ...). */
void count_messages(const char *platform, const char *outcome, size_t count);
void count_reply(const char *platform, const char *outcome);
void count_step(const char *step, uint64_t ms);
void count_attempts(const struct ai_attempt *attempts, size_t count);

struct count_gauges {
	size_t turns, waiting;
	double oldest_s;
	unsigned level;
};
void count_gauges(const struct count_gauges *now);

#endif
