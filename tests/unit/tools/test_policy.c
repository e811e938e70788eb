/* Who may use which tool: a rule that is read in another way than its author meant lets somebody do too much. */
#include "policy.h"
#include "settings_build.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const struct setting table[] = {
	{ "policy", SETTING_GROUPS, .inside = policy_settings, .help = "rules" },
	{ NULL },
};
static const char *const platforms[] = { "webhook", "slack", "api", NULL };

struct rule {
	const char *tool, *installation, *role, *how;
};

static struct settings *group_of(const struct rule *rules)
{
	struct settings *tools = settings_create(table, "tools", "file:1");
	struct err err = { 0 };

	for (int i = 0; rules && rules[i].how; i++) {
		struct settings *rule = settings_create(policy_settings, "tools.policy", "file:7");

		if (rules[i].tool)
			assert_true(settings_put(rule, "tool", rules[i].tool, "file:7", &err));
		if (rules[i].installation)
			assert_true(
				settings_put(rule, "installation", rules[i].installation, "file:7", &err));
		if (rules[i].role)
			assert_true(settings_put(rule, "role", rules[i].role, "file:7", &err));
		assert_true(settings_put(rule, "do", rules[i].how, "file:7", &err));
		settings_put_group_take(tools, "policy", rule);
	}
	assert_true(settings_finish(tools, &err));
	return tools;
}

static const struct policy_tool own = { .name = "create_task", .class = TOOL_KEYED };
static const struct policy_tool reads = {
	.name = "files__read", .class = TOOL_READ, .foreign = true, .trusted = true, .reads = true
};
static const struct policy_tool writes = {
	.name = "files__write", .class = TOOL_ONCE, .foreign = true, .trusted = true
};
static const struct policy_tool alike = { .name = "files__delete_12345678",
					  .plain = "files__delete",
					  .class = TOOL_ONCE,
					  .foreign = true,
					  .trusted = true };
static const struct policy_tool claims = {
	.name = "other__read", .class = TOOL_ONCE, .foreign = true, .reads = true
};
static const struct policy_tool confirm = { .name = "pay", .class = TOOL_CONFIRM };

static const struct policy_tool guarded = { .name = "send_message", .class = TOOL_KEYED, .guarded = true };

static const struct tool_caller ann = { .platform = "slack", .installation = "acme/T1", .role = "member" };
static const struct tool_caller boss = { .platform = "slack", .installation = "acme/T1", .role = "owner" };
static const struct tool_caller hook = { .platform = "webhook", .installation = "crm", .role = "member" };

#define RULES(...)                                                                                           \
	(const struct rule[])                                                                                \
	{                                                                                                    \
		__VA_ARGS__,                                                                                 \
		{                                                                                            \
			0                                                                                    \
		}                                                                                            \
	}
static const struct {
	const struct rule *rules;
	const struct policy_tool *tool;
	const struct tool_caller *caller;
	enum tool_policy policy;
	const char *why;
} judged[] = {
	{ NULL, &own, &ann, TOOL_ALLOW, "one of our own" },
	{ NULL, &reads, &ann, TOOL_ALLOW, "its server is trusted and says that it changes nothing" },
	{ NULL, &writes, &ann, TOOL_ASK, "it may change something" },
	{ NULL, &claims, &ann, TOOL_ASK, "its server is not trusted" },
	{ NULL, &confirm, &ann, TOOL_ASK, "its class is confirm: each call is asked" },
	{ RULES({ .how = "allow" }), &confirm, &ann, TOOL_ASK, "its class is confirm: each call is asked" },
	{ RULES({ .how = "deny" }), &confirm, &ann, TOOL_DENY, "rule 1 of tools.policy (file:7)" },
	{ RULES({ .how = "deny" }), &own, &ann, TOOL_DENY, "rule 1 of tools.policy (file:7)" },
	{ NULL, &guarded, &boss, TOOL_DENY, "only where a rule names it" },
	{ RULES({ .how = "allow" }, { "send_*", NULL, NULL, "ask" }), &guarded, &boss, TOOL_DENY,
	  "only where a rule names it" },
	{ RULES({ .how = "allow" }, { "send_message", NULL, NULL, "ask" }), &guarded, &boss, TOOL_ASK,
	  "rule 2 of tools.policy (file:7)" },
	{ RULES({ "send_*", NULL, NULL, "deny" }, { "send_message", NULL, NULL, "allow" }), &guarded, &boss,
	  TOOL_DENY, "rule 1 of tools.policy (file:7)" },
	/* the first that fits, not the strictest and not the last */
	{ RULES({ "files__*", NULL, NULL, "allow" }, { "files__write", NULL, NULL, "deny" }), &writes, &ann,
	  TOOL_ALLOW, "rule 1 of tools.policy (file:7)" },
	{ RULES({ "files__write", NULL, NULL, "deny" }, { "files__*", NULL, NULL, "allow" }), &writes, &ann,
	  TOOL_DENY, "rule 1 of tools.policy (file:7)" },
	{ RULES({ "files__*", NULL, NULL, "deny" }), &claims, &ann, TOOL_ASK, "its server is not trusted" },
	{ RULES({ "*read", NULL, NULL, "allow" }), &claims, &ann, TOOL_ALLOW,
	  "rule 1 of tools.policy (file:7)" },
	{ RULES({ "FILES__WRITE", NULL, NULL, "allow" }), &writes, &ann, TOOL_ASK,
	  "it may change something" },
	/* one that got digits, since another looks alike: fail closed */
	{ RULES({ "files__delete", NULL, NULL, "deny" }), &alike, &ann, TOOL_DENY,
	  "rule 1 of tools.policy (file:7)" },
	{ RULES({ "files__delete", NULL, NULL, "allow" }), &alike, &ann, TOOL_ASK,
	  "it may change something" },
	{ RULES({ "files__delete_12345678", NULL, NULL, "allow" }), &alike, &ann, TOOL_ALLOW,
	  "rule 1 of tools.policy (file:7)" },
	/* places */
	{ RULES({ "*", "slack/acme*", NULL, "deny" }), &own, &ann, TOOL_DENY,
	  "rule 1 of tools.policy (file:7)" },
	{ RULES({ "*", "slack/acme", NULL, "deny" }), &own, &ann, TOOL_ALLOW, "one of our own" },
	{ RULES({ "*", "slack/*", NULL, "deny" }), &own, &hook, TOOL_ALLOW, "one of our own" },
	{ RULES({ "*", "webhook/crm", NULL, "ask" }), &own, &hook, TOOL_ASK,
	  "rule 1 of tools.policy (file:7)" },
	/* roles: exactly the one that is named */
	{ RULES({ "*", NULL, "member", "deny" }), &own, &ann, TOOL_DENY, "rule 1 of tools.policy (file:7)" },
	{ RULES({ "*", NULL, "member", "deny" }), &own, &boss, TOOL_ALLOW, "one of our own" },
	{ RULES({ "*", NULL, "operator", "allow" }, { "*", NULL, "any", "deny" }), &own, &boss, TOOL_DENY,
	  "rule 2 of tools.policy (file:7)" },
};

static void each_case_is_judged_as_it_is_written(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(judged) / sizeof(judged[0]); i++) {
		struct settings *tools = group_of(judged[i].rules);
		struct policy_verdict verdict;

		policy_judge(tools, judged[i].tool, judged[i].caller, &verdict);
		if (verdict.policy != judged[i].policy || strcmp(verdict.why, judged[i].why) != 0)
			fail_msg("case %zu: %s, %s", i, policy_name(verdict.policy), verdict.why);
		settings_destroy(tools);
	}
}

/* Who speaks without a role, or from nowhere, has the least. */
static void nobody_in_particular_is_a_member(void **state)
{
	struct settings *tools = group_of(RULES({ "*", "*", "member", "deny" }));
	struct policy_verdict verdict;

	(void)state;
	policy_judge(tools, &own, &(struct tool_caller){ 0 }, &verdict);
	assert_int_equal(verdict.policy, TOOL_DENY);
	settings_destroy(tools);
}

static void rules_that_can_never_hold_are_refused(void **state)
{
	const struct {
		struct rule rule;
		const char *why;
	} cases[] = {
		{ { "", NULL, NULL, "deny" }, "file:7: tool: it is empty; * stands for any tool" },
		{ { "*", "acme", NULL, "deny" },
		  "file:7: installation: expected PLATFORM/NAME like webhook/crm or slack/*, found "
		  "\"acme\"" },
		{ { "*", "slack/", NULL, "deny" },
		  "file:7: installation: expected PLATFORM/NAME like webhook/crm or slack/*, found "
		  "\"slack/\"" },
		{ { "*", "slak/acme", NULL, "deny" }, "file:7: installation: there is no platform \"slak\"" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct rule rules[] = { cases[i].rule, { 0 } };
		struct settings *tools = group_of(rules);
		struct err err = { 0 };

		assert_false(policy_check(tools, platforms, &err));
		assert_string_equal(err.text, cases[i].why);
		settings_destroy(tools);
	}
}

static void rules_that_can_hold_are_taken(void **state)
{
	struct settings *tools =
		group_of(RULES({ "a", "*", NULL, "deny" }, { "*", "s*/x", NULL, "ask" },
			       { "*", "*/acme", NULL, "ask" }, { "*", "api/*", NULL, "ask" }));
	struct err err = { 0 };

	(void)state;
	assert_true(policy_check(tools, platforms, &err));
	settings_destroy(tools);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_case_is_judged_as_it_is_written),
		cmocka_unit_test(nobody_in_particular_is_a_member),
		cmocka_unit_test(rules_that_can_never_hold_are_refused),
		cmocka_unit_test(rules_that_can_hold_are_taken),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
