/* What reading a thread shares with the names. Loop thread only. */
#ifndef USHER_SLACK_CONTEXT_H
#define USHER_SLACK_CONTEXT_H

#include "slack_room.h"

/* Names have come. */
void slack_context_named(struct platform *workspace);

/* The workspace ends: nobody is answered any more. */
void slack_contexts_forget(struct platform *workspace);

#endif
