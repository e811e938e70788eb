/* The bounded table of peers that failed to authenticate. */
#include "throttle.h"
#include "mem.h"
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#define HASH_FUNCTION HASH_FNV /* the default falls through cases without a mark that clang knows */
#include <uthash.h>

struct throttle_peer {
	char name[48];
	uint64_t began_ms;
	unsigned failures;
	UT_hash_handle hh;
};

/* A customer of any provider owns a whole /64, so it counts as one peer. */
static void name_peer(const char *peer, char out[48])
{
	struct in6_addr address;

	memset(out, 0, 48);
	if (inet_pton(AF_INET6, peer, &address) == 1) {
		memset(address.s6_addr + 8, 0, 8);
		inet_ntop(AF_INET6, &address, out, 48);
	} else {
		snprintf(out, 48, "%s", peer);
	}
}

static void forget(struct throttle *throttle, struct throttle_peer *peer)
{
	/* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): it takes itself out of the table */
	HASH_DEL(throttle->peers, peer);
	free(peer);
}

static struct throttle_peer *find_peer(struct throttle *throttle, const char *name, uint64_t now_ms)
{
	struct throttle_peer *peer;

	HASH_FIND_STR(throttle->peers, name, peer);
	if (peer && now_ms - peer->began_ms >= THROTTLE_WINDOW_MS) {
		forget(throttle, peer);
		peer = NULL;
	}
	if (peer)
		return peer;
	if (HASH_COUNT(throttle->peers) >= THROTTLE_PEERS_MAX)
		forget(throttle, throttle->peers); /* uthash keeps the order of insertion */
	peer = mem_zero(1, sizeof(*peer));
	memcpy(peer->name, name, sizeof(peer->name));
	peer->began_ms = now_ms;
	HASH_ADD_STR(throttle->peers, name, peer);
	return peer;
}

unsigned throttle_fail(struct throttle *throttle, const char *peer_name, uint64_t now_ms)
{
	struct throttle_peer *peer;
	char name[48];

	name_peer(peer_name, name);
	peer = find_peer(throttle, name, now_ms);
	if (peer->failures < throttle->limit) {
		peer->failures++;
		return 0;
	}
	return (unsigned)((THROTTLE_WINDOW_MS - (now_ms - peer->began_ms)) / 1000 + 1);
}

void throttle_finish(struct throttle *throttle)
{
	struct throttle_peer *next;

	for (struct throttle_peer *peer = throttle->peers; peer; peer = next) {
		next = peer->hh.next;
		forget(throttle, peer);
	}
}
