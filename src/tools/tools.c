/* Each turn gets its own set: copies of the tools with the policy for who speaks. What is denied is left out. */
#include "tools.h"
#include "mem.h"
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

struct merged {
	struct toolset set;
	const struct toolset *theirs; /* or NULL */
	struct tool *copies;
	const struct tool **list;
};

/* Our own: the i-th, NULL behind the last. */
static const struct tool *own_tool(const struct tools *tools, size_t i)
{
	size_t tasks = 0, files = 0;
	const struct tool *const *first = tasks_tools(tools->tasks, &tasks);
	const struct tool *const *second = tools->files ? filetools_tools(tools->files, &files) : NULL;

	return i < tasks ? first[i] : i - tasks < files ? second[i - tasks] : NULL;
}

static size_t own_count(const struct tools *tools)
{
	size_t count = 0;

	while (own_tool(tools, count))
		count++;
	return count;
}

static void release(const struct toolset *set)
{
	struct merged *merged = (struct merged *)(uintptr_t)set; /* its first member */

	if (merged->theirs)
		merged->theirs->release(merged->theirs);
	free(merged->copies);
	free(merged->list);
	free(merged);
}

static struct policy_tool subject_of(const struct tool *tool)
{
	struct policy_tool subject = { .name = tool->name, .class = tool->class, .foreign = mcp_owns(tool) };

	subject.guarded = !subject.foreign && tasks_guarded(tool);
	if (subject.foreign) {
		struct mcp_about about = mcp_about(tool);

		subject.plain = about.plain;
		subject.trusted = about.trusted;
		subject.reads = about.reads;
	}
	return subject;
}

/* Whatever the rules say. */
static bool may_have(const struct tool *tool, const struct tool_caller *caller)
{
	return mcp_owns(tool) || !tasks_guarded(tool) ||
	       (caller->role &&
		(strcmp(caller->role, "operator") == 0 || strcmp(caller->role, "owner") == 0));
}

static void add(struct merged *merged, const struct tools *tools, const struct tool *tool,
		const struct tool_caller *caller)
{
	struct policy_tool subject = subject_of(tool);
	struct policy_verdict verdict;
	struct tool *copy = &merged->copies[merged->set.count];

	policy_judge(tools->settings, &subject, caller, &verdict);
	if (verdict.policy == TOOL_DENY || !may_have(tool, caller))
		return;
	if (!caller->files && !subject.foreign && filetools_need_files(tool))
		return; /* each tool that is offered costs tokens, with every request */
	*copy = *tool;
	copy->policy = verdict.policy;
	merged->list[merged->set.count++] = copy;
}

static const struct toolset *open_set(void *box, const struct tool_caller *caller)
{
	struct tools *tools = box;
	size_t own = own_count(tools), count;
	struct merged *merged = mem_zero(1, sizeof(*merged));

	merged->theirs = tools->mcp ? mcp_tools(tools->mcp) : NULL;
	count = own + (merged->theirs ? merged->theirs->count : 0);
	merged->copies = mem_zero(count + 1, sizeof(*merged->copies));
	merged->list = mem_zero(count + 1, sizeof(struct tool *));
	for (size_t i = 0; i < own; i++)
		add(merged, tools, own_tool(tools, i), caller);
	for (size_t i = 0; merged->theirs && i < merged->theirs->count; i++)
		add(merged, tools, merged->theirs->tools[i], caller);
	merged->set.tools = merged->list;
	merged->set.release = release;
	return &merged->set;
}

/* For programs: with a key of theirs an operator's program needs no rule, but nobody is there who could be asked. */
static const struct toolset *open_own(void *box, const struct tool_caller *caller)
{
	struct tools *tools = box;
	size_t own = own_count(tools);
	struct merged *merged = mem_zero(1, sizeof(*merged));

	merged->list = mem_zero(own + 1, sizeof(struct tool *));
	for (size_t i = 0; i < own; i++) {
		const struct tool *tool = own_tool(tools, i);
		struct policy_tool subject = subject_of(tool);
		struct policy_verdict verdict;

		subject.guarded = false;
		policy_judge(tools->settings, &subject, caller, &verdict);
		if (may_have(tool, caller) && verdict.policy == TOOL_ALLOW)
			merged->list[merged->set.count++] = tool;
	}
	merged->set.tools = merged->list;
	merged->set.release = release;
	return &merged->set;
}

struct toolbox tools_own_box(struct tools *tools)
{
	return (struct toolbox){ .box = tools, .open = open_own };
}

struct toolbox tools_box(struct tools *tools)
{
	return (struct toolbox){ .box = tools, .open = open_set };
}

/* ---- for people ------------------------------------------------------------------------------------------------- */

static void describe(json_t *rows, const struct tools *tools, const struct tool *tool,
		     const struct tool_caller *caller)
{
	struct policy_tool subject = subject_of(tool);
	struct policy_verdict verdict;

	policy_judge(tools->settings, &subject, caller, &verdict);
	json_array_append_new(rows, json_pack("{s:s, s:s, s:s, s:s, s:s}", "tool", tool->name, "server",
					      mcp_owns(tool) ? mcp_about(tool).server : "usher", "class",
					      policy_class_name(tool->class), "policy",
					      policy_name(verdict.policy), "why", verdict.why));
}

/* Those that changed are in no set. */
static void describe_changed(json_t *rows, const struct pins *pins)
{
	json_t *changed = pins_changed(pins), *one;
	size_t i;

	json_array_foreach (changed, i, one) {
		const char *which = json_string_value(one), *tool = strchr(which, '/') + 1;

		json_array_append_new(
			rows, json_pack("{s:s, s:s%, s:s, s:s, s:o}", "tool", tool, "server", which,
					(size_t)(tool - which) - 1, "class", "-", "policy", "changed", "why",
					json_sprintf("what its server says of it has changed; look at it, "
						     "then: usher tool approve %s",
						     which)));
	}
	json_decref(changed);
}

/* Servers that wait for a person: nobody knows their tools yet. */
static void describe_waiting(json_t *rows, const struct mcp *mcp)
{
	char *text = mcp_status(mcp);
	json_t *servers = json_read(text, strlen(text), NULL), *one;
	size_t i;

	json_array_foreach (servers, i, one) {
		const char *why = json_text(one, "why"), *state = json_text(one, "state");

		if (strcmp(state, MCP_WAITING) == 0)
			json_array_append_new(rows, json_pack("{s:s, s:s, s:s, s:s, s:s}", "tool", "*",
							      "server", json_text(one, "name"), "class", "-",
							      "policy", state, "why", why ? why : ""));
	}
	json_decref(servers);
	free(text);
}

char *tools_list_json(const struct tools *tools, const struct tool_caller *caller)
{
	size_t own = own_count(tools);
	const struct toolset *theirs = tools->mcp ? mcp_tools(tools->mcp) : NULL;
	json_t *rows = json_array();
	char *text;

	for (size_t i = 0; i < own; i++)
		describe(rows, tools, own_tool(tools, i), caller);
	for (size_t i = 0; theirs && i < theirs->count; i++)
		describe(rows, tools, theirs->tools[i], caller);
	if (tools->pins)
		describe_changed(rows, tools->pins);
	if (tools->mcp)
		describe_waiting(rows, tools->mcp);
	if (theirs)
		theirs->release(theirs);
	text = json_write(rows);
	json_decref(rows);
	return text;
}
