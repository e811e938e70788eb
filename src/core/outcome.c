/* The rules of durability.md 2.5: repeat what never left, never repeat what may have arrived unless that is
 * safe. */
#include "outcome.h"
#include "backoff.h"
#include "outbox.h"

enum { RETRY_BASE_MS = 1000, RETRY_CAP_S = 300, LIMITED_LEAST_MS = 1000 };

static int64_t pause_ms(const struct outcome_facts *facts)
{
	uint64_t cap = (uint64_t)(facts->retry_cap_s ? facts->retry_cap_s : RETRY_CAP_S) * 1000;

	switch (facts->how) {
	case SENT_LIMITED:
		return facts->retry_ms > LIMITED_LEAST_MS ? facts->retry_ms : LIMITED_LEAST_MS;
	case SENT_AUTH:
		return OUTBOX_PROBE_MS;
	default:
		return (int64_t)backoff_ms(facts->attempt, RETRY_BASE_MS, cap);
	}
}

enum reply_state outcome_judge(const struct outcome_facts *facts, int64_t *next_ms_out)
{
	*next_ms_out = 0;
	if (facts->how == SENT_ACCEPTED)
		return REPLY_SENT;
	if (facts->how == SENT_UNKNOWN)
		return REPLY_UNKNOWN;
	if (facts->how == SENT_REJECTED)
		return REPLY_REJECTED;
	if (facts->how == SENT_MAYBE && !(facts->can & (PLATFORM_RESENDS | PLATFORM_READS_BACK)))
		return REPLY_UNKNOWN;
	*next_ms_out = facts->now_ms + pause_ms(facts);
	if (facts->expires_ms == 0 || *next_ms_out < facts->expires_ms)
		return REPLY_PENDING;
	*next_ms_out = 0;
	return facts->how == SENT_MAYBE ? REPLY_UNKNOWN : REPLY_EXPIRED;
}
