/* Nothing is kept for a state that is given out, or whoever asks for many would push out those of others: state and
 * cookie are made with a key of this process, and only the used ones are remembered. */
#include "state.h"
#include "crypto.h"
#include "mem.h"
#include <stdlib.h>
#include <string.h>

enum { TICKET = 16, TAG = 16, NONCE = 8, KEY = 32 };

/* What a state says of itself; behind it stands its tag. */
struct ticket {
	uint8_t nonce[NONCE];
	uint64_t until_ms;
};
_Static_assert(sizeof(struct ticket) == TICKET && TICKET + TAG == (STATE_SIZE - 1) / 2,
	       "a state is one line");

struct slack_states {
	uint8_t key[KEY];
	struct ticket used[STATE_COUNT_MAX]; /* until_ms 0: none */
	size_t next;			     /* the oldest */
};

struct slack_states *slack_states_create(void)
{
	struct slack_states *states = mem_zero(1, sizeof(*states));

	crypto_random(states->key, sizeof(states->key));
	return states;
}

void slack_states_destroy(struct slack_states *states)
{
	if (states)
		explicit_bzero(states->key, sizeof(states->key));
	free(states);
}

/* what: which of the two it is for. */
static void seal(const struct slack_states *states, const char *what, const struct ticket *ticket,
		 uint8_t out[CRYPTO_SHA256_SIZE])
{
	const struct crypto_part parts[] = { { what, strlen(what) }, { ticket, sizeof(*ticket) } };

	crypto_hmac_sha256(states->key, sizeof(states->key), parts, 2, out);
}

static void write_cookie(const struct slack_states *states, const struct ticket *ticket, char out[STATE_SIZE])
{
	uint8_t mac[CRYPTO_SHA256_SIZE];

	seal(states, "cookie", ticket, mac);
	crypto_hex(mac, sizeof(mac), out);
}

void slack_state_new(struct slack_states *states, uint64_t now_ms, char state_out[STATE_SIZE],
		     char cookie_out[STATE_SIZE])
{
	struct ticket ticket = { .until_ms = now_ms + STATE_SECONDS * 1000ULL };
	uint8_t bytes[TICKET + CRYPTO_SHA256_SIZE];

	crypto_random(ticket.nonce, sizeof(ticket.nonce));
	memcpy(bytes, &ticket, TICKET);
	seal(states, "state", &ticket, bytes + TICKET);
	crypto_hex(bytes, TICKET + TAG, state_out);
	write_cookie(states, &ticket, cookie_out);
}

/* False: it was not made here. */
static bool read_state(const struct slack_states *states, const char *state, struct ticket *ticket_out)
{
	uint8_t bytes[TICKET + TAG], mac[CRYPTO_SHA256_SIZE];

	if (state == NULL || strlen(state) != STATE_SIZE - 1 || !crypto_unhex(state, STATE_SIZE - 1, bytes))
		return false;
	memcpy(ticket_out, bytes, TICKET);
	seal(states, "state", ticket_out, mac);
	return crypto_equal(bytes + TICKET, TAG, mac, TAG);
}

static bool was_used(const struct slack_states *states, const struct ticket *ticket)
{
	for (size_t i = 0; i < STATE_COUNT_MAX; i++)
		if (states->used[i].until_ms && memcmp(&states->used[i], ticket, sizeof(*ticket)) == 0)
			return true;
	return false;
}

enum state_use slack_state_use(struct slack_states *states, uint64_t now_ms, const char *state,
			       const char *cookie)
{
	char own[STATE_SIZE];
	struct ticket ticket;

	if (!read_state(states, state, &ticket) || now_ms >= ticket.until_ms || was_used(states, &ticket))
		return STATE_UNKNOWN;
	write_cookie(states, &ticket, own);
	if (cookie == NULL || !crypto_equal(own, strlen(own), cookie, strlen(cookie)))
		return STATE_FOREIGN;
	states->used[states->next] = ticket;
	states->next = (states->next + 1) % STATE_COUNT_MAX;
	return STATE_FINE;
}
