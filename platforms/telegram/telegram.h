/* Telegram as a platform. */
#ifndef USHER_TELEGRAM_H
#define USHER_TELEGRAM_H

#include "platform.h"

extern const struct platform_ops telegram_platform;

#endif
