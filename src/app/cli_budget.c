/* The commands about money: budgets, what is spent, who was refused. */
#include "budgets.h"
#include "cli.h"
#include "json.h"
#include <stdio.h>
#include <string.h>

/* Those of the settings file, for every single thing of their scope. */
static void add_settings(struct cli *cli, json_t *rows)
{
	static const char *const scopes[] = { "organization", "installation", "channel", "profile", "model" };
	static const char *const periods[] = { "day", "month" };
	const struct settings *budget = settings_group(cli->settings, "budget");

	for (int scope = 0; scope < BUDGET_SCOPES; scope++)
		for (int period = 0; period < BUDGET_PERIODS; period++) {
			const char *name = budgets_name((enum budget_scope)scope, (enum budget_period)period);
			char limit[32];

			if (name == NULL || !settings_given(budget, name))
				continue;
			snprintf(limit, sizeof(limit), "%.6f", settings_number(budget, name));
			json_array_append_new(rows,
					      json_pack("{s:s, s:s, s:s, s:s, s:n, s:n, s:n, s:n}", "scope",
							scopes[scope], "subject", "(each)", "period",
							periods[period], "limit_usd", limit, "spent_usd",
							"held_usd", "begins", "organization"));
		}
}

static int list(struct cli *cli)
{
	json_t *rows;
	int status = cli_report(cli, "budgets", NULL, 0, &rows);

	if (status != CLI_OK)
		return status;
	add_settings(cli, rows);
	cli_print(cli, rows,
		  "No budgets: nothing limits what is spent. Set one with: usher budget set "
		  "organization day 5");
	return status;
}

/* SCOPE [SUBJECT] and then `fixed` words: the daemon is told the subject as null where it was left out. */
static int change(struct cli *cli, const char *act, size_t fixed, const char *done)
{
	const char *args[4] = { cli->args[0], cli->count == fixed + 2 ? cli->args[1] : NULL };

	for (size_t i = 0; i < fixed; i++)
		args[2 + i] = cli->args[cli->count - fixed + i];
	return cli_do(cli, act, args, 2 + fixed, done);
}

static int set(struct cli *cli)
{
	return change(cli, "budget_set", 2, "Set. It counts from the next request on.");
}

static int drop(struct cli *cli)
{
	return change(cli, "budget_remove", 1, "Removed.");
}

static int spent(struct cli *cli)
{
	return cli_show(cli, "spending", NULL, 0, "Nothing was spent this month.");
}

static int refusals(struct cli *cli)
{
	return cli_show(cli, "budget_refusals", NULL, 0, "Nobody was refused lately.");
}

const struct command cli_budget_verbs[] = {
	{ "list", "", "budgets, and what is spent and held of each", 0, 0, list, NULL },
	{ "set", "SCOPE [SUBJECT] day|month USD",
	  "no request that may cost more than what is left is sent. SCOPE and SUBJECT: organization [NAME],\n"
	  "      installation PLATFORM/NAME, channel PLATFORM/NAME#CHANNEL, profile WHO, model "
	  "PROVIDER/MODEL",
	  3, 4, set, NULL },
	{ "remove", "SCOPE [SUBJECT] day|month",
	  "the budget of the settings file counts again, if there is one", 2, 3, drop, NULL },
	{ "spent", "", "what today and this month have cost, dearest first", 0, 0, spent, NULL },
	{ "refusals", "", "who was refused by which budget, newest first", 0, 0, refusals, NULL },
	{ NULL },
};
