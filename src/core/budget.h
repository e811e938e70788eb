/* Money: whether a turn's requests to models are held against budgets, and what follows from the store's answer. */
#ifndef USHER_CORE_BUDGET_H
#define USHER_CORE_BUDGET_H

#include "inside.h"

struct turn;
struct ai_reserve;
struct store_recalled;

/* Whether the AI room has to ask before each request of this turn (ai_ask.reserve). */
bool budget_in_force(const struct core *core, const struct store_recalled *recalled);

/* ai_events.reserve; owner is the core. */
void budget_reserve(void *owner, uint64_t ticket, const struct ai_reserve *ask);

/* The store could not take the question a second ago: it is put again. */
void budget_again(struct turn *turn);

#endif
