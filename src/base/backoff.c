/* Full jitter: clients that failed together do not come back together. */
#include "backoff.h"
#include "crypto.h"

uint64_t backoff_ms(unsigned attempt, uint64_t base_ms, uint64_t cap_ms)
{
	uint64_t limit = base_ms, random;

	for (unsigned i = 1; i < attempt && limit < cap_ms; i++)
		limit *= 2;
	if (limit > cap_ms)
		limit = cap_ms;
	crypto_random(&random, sizeof(random));
	return random % (limit + 1);
}
