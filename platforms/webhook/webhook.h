/* Signed webhooks as a platform. */
#ifndef USHER_WEBHOOK_H
#define USHER_WEBHOOK_H

#include "platform.h"

extern const struct platform_ops webhook_platform;

#endif
