/* What the trials of one installation share: rooms of a daemon without its store. */
#ifndef USHER_TRIAL_ROOM_H
#define USHER_TRIAL_ROOM_H

#include "daemon_room.h"

/* Loop, outgoing requests and a web server that listens nowhere of note. False and err; closed either way. */
bool trial_open(struct daemon *rooms, const struct settings *settings, struct err *err);
void trial_close(struct daemon *rooms);

/* Everything of a host but its functions. one: the installation's settings; public_url NULL: what the settings say. */
struct platform_host trial_host(struct daemon *rooms, const struct settings *one, const char *public_url);

#endif
