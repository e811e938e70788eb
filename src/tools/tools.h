/* All tools there are, as one toolbox for the core: our own and those of MCP servers, each as the policy says. Loop thread
 * only. */
#ifndef USHER_TOOLS_H
#define USHER_TOOLS_H

#include "filetools.h"
#include "grants.h"
#include "mcp.h"
#include "pins.h"
#include "policy.h"
#include "tasks.h"
#include "tool.h"

/* All borrowed. */
struct tools {
	const struct settings *settings; /* the group "tools" */
	struct tasks *tasks;
	struct filetools *files; /* or NULL */
	struct mcp *mcp;	 /* or NULL */
	struct pins *pins;	 /* or NULL: nobody judges */
	struct grants *grants;	 /* or NULL: nothing is kept */
};

/* The toolbox borrows tools. */
struct toolbox tools_box(struct tools *tools);

/* Only our own, for programs that speak with a person's key: what the policy allows, and for operators also what no model
 * gets without a rule. What is to be asked is left out: nobody is there to approve. */
struct toolbox tools_own_box(struct tools *tools);

/* For people: a JSON array of {tool, server, class, policy, why}, also of what is not offered to this caller. The caller
 * frees. */
char *tools_list_json(const struct tools *tools, const struct tool_caller *caller);

#endif
