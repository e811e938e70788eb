/* Each turn gets its own set: our tools, and those of servers that the operator trusts. Until there is a policy, nobody
 * could approve the calls of others: they are not offered. */
#include "tools.h"
#include "mem.h"
#include <stdint.h>
#include <stdlib.h>

struct merged {
	struct toolset set;
	const struct toolset *theirs; /* or NULL */
	const struct tool *list[];
};

static void release(const struct toolset *set)
{
	struct merged *merged = (struct merged *)(uintptr_t)set; /* its first member */

	if (merged->theirs)
		merged->theirs->release(merged->theirs);
	free(merged);
}

static const struct toolset *open_set(void *box, const struct tool_caller *caller)
{
	struct tools *tools = box;
	size_t own = 0, count = 0;
	const struct tool *const *list = tasks_tools(tools->tasks, &own);
	const struct toolset *theirs = tools->mcp ? mcp_tools(tools->mcp) : NULL;
	struct merged *merged =
		mem_zero(1, sizeof(*merged) + (own + (theirs ? theirs->count : 0)) * sizeof(struct tool *));

	(void)caller;
	for (size_t i = 0; i < own; i++)
		merged->list[count++] = list[i];
	for (size_t i = 0; theirs && i < theirs->count; i++)
		if (mcp_about(theirs->tools[i]).trusted)
			merged->list[count++] = theirs->tools[i];
	merged->set = (struct toolset){ .tools = merged->list, .count = count, .release = release };
	merged->theirs = theirs;
	return &merged->set;
}

struct toolbox tools_box(struct tools *tools)
{
	return (struct toolbox){ .box = tools, .open = open_set };
}
