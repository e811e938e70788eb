/* How often each peer failed its check lately. Bounded: forgets rather than grows. */
#ifndef USHER_WEBHOOK_FAILURES_H
#define USHER_WEBHOOK_FAILURES_H

#include <stdbool.h>
#include <stdint.h>

enum { FAILURES_PEERS = 256, FAILURES_PEER_SIZE = 48, FAILURES_MAX = 60, FAILURES_WINDOW_MS = 60000 };

struct failures {
	struct failure {
		char peer[FAILURES_PEER_SIZE];
		uint64_t since_ms;
		unsigned count;
	} at[FAILURES_PEERS];
};

/* Counts one; true when the peer had more than FAILURES_MAX in this window. */
bool hook_failure(struct failures *failures, const char *peer, uint64_t now_ms);

#endif
