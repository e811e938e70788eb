/* Amounts of money as written, to whole millionths of a dollar. */
#include "budgets.h"
#include "mem.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define USD_MAX 1e9

const struct setting budget_settings[] = {
	{ "per_day_usd", SETTING_NUMBER, .max = USD_MAX,
	  .help = "most that an organisation may spend in a day (UTC)" },
	{ "per_month_usd", SETTING_NUMBER, .max = USD_MAX, .help = "the same in a month" },
	{ "per_user_day_usd", SETTING_NUMBER, .max = USD_MAX,
	  .help = "most that one person may spend in a day" },
	{ "per_user_month_usd", SETTING_NUMBER, .max = USD_MAX, .help = "the same in a month" },
	{ "per_channel_day_usd", SETTING_NUMBER, .max = USD_MAX,
	  .help = "most that one channel may spend in a day" },
	{ "per_installation_day_usd", SETTING_NUMBER, .max = USD_MAX,
	  .help = "most that one installation of a platform may spend in a day" },
	{ "unpriced", SETTING_TEXTS,
	  .help = "names of models that may be asked within a budget though their price is not known" },
	{ NULL },
};

const char *budgets_name(enum budget_scope scope, enum budget_period period)
{
	static const char *const names[BUDGET_SCOPES][BUDGET_PERIODS] = {
		[BUDGET_ORGANIZATION] = { "per_day_usd", "per_month_usd" },
		[BUDGET_PROFILE] = { "per_user_day_usd", "per_user_month_usd" },
		[BUDGET_CHANNEL] = { "per_channel_day_usd" },
		[BUDGET_INSTALLATION] = { "per_installation_day_usd" },
	};

	return names[scope][period];
}

/* "speech" is what hears voice notes. */
static bool is_model(const struct settings *settings, const char *name)
{
	if (strcmp(name, "speech") == 0 && settings_text(settings_group(settings, "speech"), "model"))
		return true;
	for (size_t i = 0; i < settings_count(settings, "models"); i++)
		if (strcmp(settings_text(settings_group_at(settings, "models", i), "name"), name) == 0)
			return true;
	return false;
}

static void read_limits(const struct settings *budget, struct store_limits *limits)
{
	for (int scope = 0; scope < BUDGET_SCOPES; scope++)
		for (int period = 0; period < BUDGET_PERIODS; period++) {
			const char *name = budgets_name((enum budget_scope)scope, (enum budget_period)period);

			if (name && settings_given(budget, name))
				limits->of[scope][period] =
					(struct store_limit){ true,
							      llround(settings_number(budget, name) * 1e6) };
		}
}

bool budgets_read(const struct settings *settings, struct budgets *budgets, struct err *err)
{
	const struct settings *budget = settings_group(settings, "budget");

	*budgets = (struct budgets){ .unpriced_count = settings_count(budget, "unpriced") };
	read_limits(budget, &budgets->limits);
	budgets->unpriced = mem_zero(budgets->unpriced_count + 1, sizeof(char *));
	for (size_t i = 0; i < budgets->unpriced_count; i++) {
		budgets->unpriced[i] = settings_text_at(budget, "unpriced", i);
		if (is_model(settings, budgets->unpriced[i]))
			continue;
		err_set(err, ERR_REFUSED, "%s: budget.unpriced: no model is called \"%.64s\"",
			settings_where(budget, "unpriced"), budgets->unpriced[i]);
		budgets_finish(budgets);
		return false;
	}
	return true;
}

void budgets_finish(struct budgets *budgets)
{
	free(budgets->unpriced);
	*budgets = (struct budgets){ 0 };
}
