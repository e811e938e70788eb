/* The application's commands from the inside (sheet 11). */
#ifndef USHER_DISCORD_COMMANDS_H
#define USHER_DISCORD_COMMANDS_H

#include "discord_room.h"

struct discord_commands {
	struct platform *bot;
	struct loop_timer *timer;
	/* BUSY: written, or kept, just now. LATER: it failed, the timer runs. */
	enum { COMMANDS_IDLE, COMMANDS_BUSY, COMMANDS_LATER } state;
	uint64_t call; /* of discord_rest */
	/* "APPLICATION/GUILD/HASH": on record, at the platform, on its way there; each may be NULL. */
	char *kept, *written, *writing;
	unsigned failures; /* in a row */
};

/* All of them, as the platform wants them; global: not of one guild. The caller releases. Pure. */
json_t *discord_commands_list(bool global);

#endif
