/* Counts failed checks by peer, so that someone who guesses is answered 429 and does not fill the log. */
#include "failures.h"
#include <stdio.h>
#include <string.h>

/* FNV-1a; a collision only makes two peers take turns in a slot. */
static struct failure *slot(struct failures *failures, const char *peer)
{
	uint32_t hash = 2166136261u;

	for (; *peer; peer++)
		hash = (hash ^ (unsigned char)*peer) * 16777619u;
	return &failures->at[hash % FAILURES_PEERS];
}

bool hook_failure(struct failures *failures, const char *peer, uint64_t now_ms)
{
	struct failure *failure = slot(failures, peer);

	if (now_ms - failure->since_ms >= FAILURES_WINDOW_MS ||
	    strncmp(failure->peer, peer, sizeof(failure->peer) - 1) != 0) {
		snprintf(failure->peer, sizeof(failure->peer), "%s", peer);
		failure->since_ms = now_ms;
		failure->count = 0;
	}
	if (failure->count <= FAILURES_MAX)
		failure->count++;
	return failure->count > FAILURES_MAX;
}
