/* Remembers hashes only: who reads our memory or a dump of it can't finish somebody's installation. */
#include "state.h"
#include "crypto.h"
#include "mem.h"
#include <stdlib.h>
#include <string.h>

struct given {
	uint8_t state[CRYPTO_SHA256_SIZE], cookie[CRYPTO_SHA256_SIZE];
	uint64_t until_ms; /* 0: free */
};

struct slack_states {
	struct given at[STATE_COUNT_MAX];
	size_t next; /* the oldest */
};

struct slack_states *slack_states_create(void)
{
	return mem_zero(1, sizeof(struct slack_states));
}

void slack_states_destroy(struct slack_states *states)
{
	free(states);
}

static void draw(char out[STATE_SIZE], uint8_t hash[CRYPTO_SHA256_SIZE])
{
	uint8_t bytes[(STATE_SIZE - 1) / 2];

	crypto_random(bytes, sizeof(bytes));
	crypto_hex(bytes, sizeof(bytes), out);
	crypto_sha256(out, STATE_SIZE - 1, hash);
}

void slack_state_new(struct slack_states *states, uint64_t now_ms, char state_out[STATE_SIZE],
		     char cookie_out[STATE_SIZE])
{
	struct given *given = &states->at[states->next];

	states->next = (states->next + 1) % STATE_COUNT_MAX;
	draw(state_out, given->state);
	draw(cookie_out, given->cookie);
	given->until_ms = now_ms + STATE_SECONDS * 1000ULL;
}

enum state_use slack_state_use(struct slack_states *states, uint64_t now_ms, const char *state,
			       const char *cookie)
{
	uint8_t hash[CRYPTO_SHA256_SIZE], cookie_hash[CRYPTO_SHA256_SIZE];

	if (state == NULL || strlen(state) != STATE_SIZE - 1)
		return STATE_UNKNOWN;
	crypto_sha256(state, STATE_SIZE - 1, hash);
	crypto_sha256(cookie ? cookie : "", cookie ? strlen(cookie) : 0, cookie_hash);
	for (size_t i = 0; i < STATE_COUNT_MAX; i++) {
		struct given *given = &states->at[i];

		if (given->until_ms == 0 || !crypto_equal(given->state, sizeof(hash), hash, sizeof(hash)))
			continue;
		if (now_ms >= given->until_ms)
			return STATE_UNKNOWN;
		if (!crypto_equal(given->cookie, sizeof(cookie_hash), cookie_hash, sizeof(cookie_hash)))
			return STATE_FOREIGN;
		given->until_ms = 0;
		return STATE_FINE;
	}
	return STATE_UNKNOWN;
}
