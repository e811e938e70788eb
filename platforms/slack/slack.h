/* Slack as a platform. */
#ifndef USHER_SLACK_H
#define USHER_SLACK_H

#include "platform.h"

extern const struct platform_ops slack_platform;

#endif
