/* The settings group `budget`: what may be spent. */
#ifndef USHER_BUDGETS_H
#define USHER_BUDGETS_H

#include "settings.h"
#include "store_budget.h"

extern const struct setting budget_settings[];

struct budgets {
	struct store_limits limits;
	const char **unpriced; /* names of models; the texts are the settings' */
	size_t unpriced_count;
};

/* False and err when a model that is named does not exist. settings: all of them; they outlive budgets_out. */
bool budgets_read(const struct settings *settings, struct budgets *budgets_out, struct err *err);

/* Frees; harmless on a zeroed one. */
void budgets_finish(struct budgets *budgets);

/* The settings' name of a limit, and whether it is in this group; NULL: there is none of that scope and period. */
const char *budgets_name(enum budget_scope scope, enum budget_period period);

#endif
