/* What render.c and render_table.c share. */
#ifndef USHER_SLACK_RENDER_H
#define USHER_SLACK_RENDER_H

#include "markup.h"
#include "mrkdwn.h"

/* A table as a block of aligned lines. */
void render_table(struct mrkdwn *out, const struct markup_node *table);

#endif
