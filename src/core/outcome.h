/* What follows from how an attempt to send ended. */
#ifndef USHER_CORE_OUTCOME_H
#define USHER_CORE_OUTCOME_H

#include "platform.h"
#include "store_outbox.h"

struct outcome_facts {
	enum sent how;
	unsigned can;		    /* enum platform_can */
	unsigned attempt;	    /* 1 for the first; those that were told to wait do not count */
	unsigned retry_cap_s;	    /* 0: five minutes */
	unsigned retry_ms;	    /* with SENT_LIMITED */
	int64_t now_ms, expires_ms; /* Unix milliseconds; expires_ms 0: never */
};

/* The state to record; next_ms_out: Unix milliseconds of the next attempt, with REPLY_PENDING. The pause is
 * random. */
enum reply_state outcome_judge(const struct outcome_facts *facts, int64_t *next_ms_out);

#endif
