/* Money: whether a turn's requests to models are held against budgets, and what follows from the store's answer. */
#ifndef USHER_CORE_BUDGET_H
#define USHER_CORE_BUDGET_H

#include "inside.h"

struct turn;
struct ai_reserve;
struct store_recalled;
struct store_reserved;
struct arena;
struct err;

/* Whether the AI room has to ask before each request of this turn (ai_ask.reserve). */
bool budget_in_force(const struct core *core, const struct store_recalled *recalled);

/* ai_events.reserve; owner is the core. */
void budget_reserve(void *owner, uint64_t ticket, const struct ai_reserve *ask);

/* The store could not take the question a second ago: it is put again. */
void budget_again(struct turn *turn);

/* Of a refusal, for the person: which budget and when it begins anew; no figures. */
const char *budget_words(struct arena *arena, const struct store_reserved *no);

/* Of a refusal: who, which budget and why, for the operator. */
void budget_why(struct err *err, const struct ai_reserve *ask, const struct store_reserved *no);

/* What is to be set aside: 0 where the price is not known and budget.unpriced names the model. */
int64_t budget_micros(const struct core *core, const struct ai_reserve *ask);

/* Asks the store to set this much aside for a request of the turn. */
void budget_ask(struct turn *turn, const struct ai_reserve *ask, int64_t micros, store_reserved_fn *fn,
		void *owner, uint64_t ticket);

/* A copy in the arena. */
const struct ai_reserve *budget_keep(struct arena *arena, const struct ai_reserve *ask);

#endif
