/* The `state` of an installation by browser (sheet 3.1): made for one browser, good once and for ten minutes. */
#ifndef USHER_SLACK_STATE_H
#define USHER_SLACK_STATE_H

#include <stdint.h>

enum {
	STATE_SIZE = 65,       /* 32 bytes in hexadecimal digits, with the NUL */
	STATE_SECONDS = 600,   /* how long one is good */
	STATE_COUNT_MAX = 1000 /* used ones are remembered; any number may be given out */
};

enum state_use { STATE_FINE, STATE_UNKNOWN, STATE_FOREIGN };

struct slack_states;

struct slack_states *slack_states_create(void);
void slack_states_destroy(struct slack_states *states); /* takes NULL */

/* A new one, and the cookie of the browser that it is for. now_ms: of a clock that does not go back. */
void slack_state_new(struct slack_states *states, uint64_t now_ms, char state_out[STATE_SIZE],
		     char cookie_out[STATE_SIZE]);

/* Uses it up when it is fine. Unknown: never given, used, or too old. Foreign: given to another browser, which may still
 * use it: whoever sees the address, a link preview say, must not be able to spoil it. Texts may be NULL. */
enum state_use slack_state_use(struct slack_states *states, uint64_t now_ms, const char *state,
			       const char *cookie);

#endif
