/* The words for a message's states. */
#include "message.h"
#include <string.h>

static const char *const names[] = {
	[MESSAGE_ACCEPTED] = "accepted",       [MESSAGE_CLAIMED] = "claimed", [MESSAGE_ANSWERED] = "answered",
	[MESSAGE_IGNORED] = "ignored",	       [MESSAGE_REFUSED] = "refused", [MESSAGE_FAILED] = "failed",
	[MESSAGE_QUARANTINED] = "quarantined",
};

const char *message_state_name(enum message_state state)
{
	return names[state];
}

bool message_state_parse(const char *name, enum message_state *state_out)
{
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strcmp(names[i], name) == 0) {
			*state_out = (enum message_state)i;
			return true;
		}
	}
	return false;
}
