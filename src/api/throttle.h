/* Counts failed authentications by peer, in a bounded table. Loop thread only. */
#ifndef USHER_API_THROTTLE_H
#define USHER_API_THROTTLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	THROTTLE_PEERS_MAX = 4096, /* beyond it the peer that began first is forgotten */
	THROTTLE_WINDOW_MS = 60000,
};

struct throttle_peer;

/* Zero-initialise, then set the limit. */
struct throttle {
	unsigned limit; /* failures of one peer in a window */
	struct throttle_peer *peers;
};

/* One more failure at this time. Returns the seconds to wait when the peer is over the limit, else 0. IPv6
 * peers are counted by their /64. */
unsigned throttle_fail(struct throttle *throttle, const char *peer, uint64_t now_ms);

void throttle_finish(struct throttle *throttle);

#endif
