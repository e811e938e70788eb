/* What the operator's policy (tools.policy) says of a tool for somebody at some place. Pure. Any thread. */
#ifndef USHER_TOOLS_POLICY_H
#define USHER_TOOLS_POLICY_H

#include "settings.h"
#include "tool.h"

/* The rows of one tools.policy entry. */
extern const struct setting policy_settings[];

enum { POLICY_WHY = 200 };

/* What is judged: a tool under the name that the model uses. */
struct policy_tool {
	const char *name;
	const char
		*plain; /* what it would be without digits against a name that looks alike; NULL: the same */
	enum tool_class class;
	bool foreign; /* of a server; trusted and reads are said of those only */
	bool trusted, reads;
	bool guarded; /* one of our own that no model gets without a rule that names it */
};

struct policy_verdict {
	enum tool_policy policy;
	char why[POLICY_WHY]; /* one line for people */
};

/* False and err when a rule can never hold: an installation that is none, a platform that does not exist. platforms: names,
 * ended by NULL. */
bool policy_check(const struct settings *tools, const char *const *platforms, struct err *err);

/* The first rule that fits; without one what is usual for such a tool. tools: the settings' group. */
void policy_judge(const struct settings *tools, const struct policy_tool *tool,
		  const struct tool_caller *caller, struct policy_verdict *verdict_out);

/* "allow", "ask", "deny"; "read", "keyed", "once", "confirm". */
const char *policy_name(enum tool_policy policy);
const char *policy_class_name(enum tool_class class);

#endif
