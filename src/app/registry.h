/* The one visible list of platforms. */
#ifndef USHER_REGISTRY_H
#define USHER_REGISTRY_H

#include "platform.h"
#include <stddef.h>

/* Platforms that are configured under `platforms`; ended by NULL. The chat endpoint is always there and not
 * listed. */
extern const struct platform_ops *const registry_platforms[];

#endif
