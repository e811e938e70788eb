/* Rules in the order of the file, the first that fits wins; then what is usual. */
#include "policy.h"
#include "mem.h"
#include "text.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const struct setting policy_settings[] = {
	{ "tool", SETTING_TEXT, "*", .help = "name as the model uses it, * stands for anything: files__*" },
	{ "installation", SETTING_TEXT, "*", .help = "PLATFORM/NAME, * stands for anything" },
	{ "role", SETTING_CHOICE, "any", "any|member|operator|owner", .help = "of who speaks" },
	{ "do", SETTING_CHOICE, NULL, "allow|ask|deny", .required = true,
	  .help = "run it, ask who speaks before each call, or do not offer it" },
	{ NULL },
};

const char *policy_name(enum tool_policy policy)
{
	static const char *const names[] = {
		[TOOL_ALLOW] = "allow", [TOOL_ASK] = "ask", [TOOL_DENY] = "deny"
	};

	return names[policy];
}

const char *policy_class_name(enum tool_class class)
{
	static const char *const names[] = {
		[TOOL_READ] = "read", [TOOL_KEYED] = "keyed", [TOOL_ONCE] = "once", [TOOL_CONFIRM] = "confirm"
	};

	return names[class];
}

/* ---- the settings --------------------------------------------------------------------------------------------- */

/* A rule that nobody can meet is a mistake, and one that was to forbid something a dangerous one. */
static bool check_installation(const struct settings *rule, const char *const *platforms, struct err *err)
{
	const char *pattern = settings_text(rule, "installation"), *slash = strchr(pattern, '/');
	char *platform;
	bool known = false;

	if (strcmp(pattern, "*") == 0)
		return true;
	if (slash == NULL || slash == pattern || slash[1] == '\0')
		return err_set(err, ERR_REFUSED,
			       "%s: installation: expected PLATFORM/NAME like webhook/crm or slack/*, found "
			       "\"%.80s\"",
			       settings_where(rule, "installation"), pattern);
	platform = mem_text_n(pattern, (size_t)(slash - pattern));
	for (size_t i = 0; platforms[i]; i++)
		known = known || text_matches(platform, platforms[i]);
	if (!known)
		err_set(err, ERR_REFUSED, "%s: installation: there is no platform \"%.60s\"",
			settings_where(rule, "installation"), platform);
	free(platform);
	return known;
}

bool policy_check(const struct settings *tools, const char *const *platforms, struct err *err)
{
	for (size_t i = 0; i < settings_count(tools, "policy"); i++) {
		const struct settings *rule = settings_group_at(tools, "policy", i);

		if (*settings_text(rule, "tool") == '\0')
			return err_set(err, ERR_REFUSED, "%s: tool: it is empty; * stands for any tool",
				       settings_where(rule, "tool"));
		if (!check_installation(rule, platforms, err))
			return false;
	}
	return true;
}

/* ---- the verdict ----------------------------------------------------------------------------------------------- */

/* A server that adds "DELETE" gives its "delete" another name here: what was forbidden stays so, what was allowed is asked. */
static bool names(const struct settings *rule, const struct policy_tool *tool)
{
	const char *pattern = settings_text(rule, "tool");

	return text_matches(pattern, tool->name) ||
	       (tool->plain && strcmp(settings_text(rule, "do"), "allow") != 0 &&
		text_matches(pattern, tool->plain));
}

static bool fits(const struct settings *rule, const struct policy_tool *tool,
		 const struct tool_caller *caller)
{
	const char *role = settings_text(rule, "role");
	char *place;
	bool there;

	if (!names(rule, tool) ||
	    (strcmp(role, "any") != 0 && strcmp(role, caller->role ? caller->role : "member") != 0))
		return false;
	place = mem_format("%s/%s", caller->platform ? caller->platform : "",
			   caller->installation ? caller->installation : "");
	there = text_matches(settings_text(rule, "installation"), place);
	free(place);
	return there;
}

/* A rule that was written for servers' tools ("*") opens no guarded one: it has to be named. */
static bool too_wide(const struct settings *rule, const struct policy_tool *tool)
{
	return tool->guarded && strcmp(settings_text(rule, "do"), "deny") != 0 &&
	       strcmp(settings_text(rule, "tool"), tool->name) != 0;
}

static void say(struct policy_verdict *verdict, enum tool_policy policy, const char *why)
{
	verdict->policy = policy;
	snprintf(verdict->why, sizeof(verdict->why), "%s", why);
}

static void usual(const struct policy_tool *tool, struct policy_verdict *verdict)
{
	if (tool->guarded)
		say(verdict, TOOL_DENY, "only where a rule names it");
	else if (!tool->foreign)
		say(verdict, TOOL_ALLOW, "one of our own");
	else if (!tool->trusted)
		say(verdict, TOOL_ASK, "its server is not trusted");
	else if (tool->reads)
		say(verdict, TOOL_ALLOW, "its server is trusted and says that it changes nothing");
	else
		say(verdict, TOOL_ASK, "it may change something");
}

static enum tool_policy word(const char *text)
{
	return strcmp(text, "allow") == 0 ? TOOL_ALLOW : strcmp(text, "ask") == 0 ? TOOL_ASK : TOOL_DENY;
}

void policy_judge(const struct settings *tools, const struct policy_tool *tool,
		  const struct tool_caller *caller, struct policy_verdict *verdict)
{
	size_t count = settings_count(tools, "policy"), i = 0;
	char why[POLICY_WHY];

	while (i < count && (!fits(settings_group_at(tools, "policy", i), tool, caller) ||
			     too_wide(settings_group_at(tools, "policy", i), tool)))
		i++;
	if (i < count) {
		const struct settings *rule = settings_group_at(tools, "policy", i);

		snprintf(why, sizeof(why), "rule %zu of tools.policy (%.100s)", i + 1,
			 settings_where(rule, NULL));
		say(verdict, word(settings_text(rule, "do")), why);
	} else {
		usual(tool, verdict);
	}
	if (verdict->policy == TOOL_ALLOW && tool->class == TOOL_CONFIRM)
		say(verdict, TOOL_ASK, "its class is confirm: each call is asked");
}
