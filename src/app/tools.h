/* All tools there are, as one toolbox for the core: our own and those of MCP servers. */
#ifndef USHER_APP_TOOLS_H
#define USHER_APP_TOOLS_H

#include "mcp.h"
#include "tasks.h"
#include "tool.h"

struct tools {
	struct tasks *tasks;
	struct mcp *mcp; /* or NULL */
};

/* The toolbox borrows tools. */
struct toolbox tools_box(struct tools *tools);

#endif
