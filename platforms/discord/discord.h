/* Discord as a platform: one bot of one application in any number of servers. */
#ifndef USHER_DISCORD_H
#define USHER_DISCORD_H

#include "platform.h"

extern const struct platform_ops discord_platform;

#endif
