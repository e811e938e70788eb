/* What catching up shares with the way in. Loop thread only. */
#ifndef USHER_SLACK_CATCH_UP_H
#define USHER_SLACK_CATCH_UP_H

#include "slack_room.h"

/* Messages of this channel are still being looked for: live ones must not move its cursors. */
bool slack_catch_up_holds(const struct platform *workspace, const char *channel);

/* This scope has a cursor: it is a thread, or a place, that we take part in. */
bool slack_catch_up_follows(const struct platform *workspace, const char *scope);

#endif
