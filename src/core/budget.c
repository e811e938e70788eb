/* Puts each request that costs money to the store first. A refusal ends the turn: the person is told in one line, the
 * operator in the log who and why. */
#include "budget.h"
#include "installation.h"
#include "mem.h"
#include "turn_inside.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HOUR_MS = 3600 * 1000 };

bool budget_in_force(const struct core *core, const struct store_recalled *recalled)
{
	const struct store_limits *limits = &core->options.limits;
	bool any = recalled->budgeted;

	for (int scope = 0; scope < BUDGET_SCOPES; scope++)
		for (int period = 0; period < BUDGET_PERIODS; period++)
			any = any || limits->of[scope][period].has;
	return any;
}

/* ---- words ----------------------------------------------------------------------------------- */

static const char *date_of(struct arena *arena, int64_t wall_ms)
{
	static const char *const months[] = { "January",   "February", "March",	   "April",
					      "May",	   "June",     "July",	   "August",
					      "September", "October",  "November", "December" };
	char at[CLOCK_TEXT_SIZE];
	unsigned long month;

	clock_text(wall_ms, at);
	month = strtoul(at + 5, NULL, 10);
	return arena_format(arena, "on 1 %s", months[(month + 11) % 12]);
}

static const char *hours_of(struct arena *arena, int64_t left_ms)
{
	int64_t hours = (left_ms + HOUR_MS - 1) / HOUR_MS;

	return arena_format(arena, "at 00:00 UTC, in %" PRId64 " hour%s", hours, hours == 1 ? "" : "s");
}

/* For the person: no figures, since they may be those of others. */
const char *budget_words(struct arena *arena, const struct store_reserved *no)
{
	static const char *const whose[BUDGET_SCOPES] = {
		[BUDGET_ORGANIZATION] = "of your organisation", [BUDGET_INSTALLATION] = "of this bot",
		[BUDGET_CHANNEL] = "of this channel",		[BUDGET_PROFILE] = "for your questions",
		[BUDGET_MODEL] = "of this language model",
	};
	int64_t left_ms = no->begins_again - clock_wall_ms();

	if (no->unpriced)
		return "What my language model costs is not known, and there is a budget to keep: I may not "
		       "ask "
		       "it. The operator can see why.";
	return arena_format(arena, "Not enough is left of %s budget %s. It begins anew %s.",
			    no->period == BUDGET_DAY ? "today's" : "this month's", whose[no->scope],
			    no->period == BUDGET_DAY ? hours_of(arena, left_ms > 0 ? left_ms : 1)
						     : date_of(arena, no->begins_again));
}

/* For the operator. */
void budget_why(struct err *err, const struct ai_reserve *ask, const struct store_reserved *no)
{
	static const char *const scopes[BUDGET_SCOPES] = { "organisation", "installation", "channel",
							   "profile", "model" };
	const char *period = no->period == BUDGET_DAY ? "day" : "month";

	if (no->unpriced)
		err_set(err, ERR_REFUSED,
			"%s asked %s/%s, whose price is not known, while a budget by %s and %s is in force: "
			"name "
			"its price, or name it in budget.unpriced",
			no->who ? no->who : "somebody", ask->provider, ask->model, scopes[no->scope], period);
	else
		err_set(err, ERR_REFUSED,
			"%s asked %s/%s for at most %.6f USD; budget of %s %s by %s: %.6f USD, of which %.6f "
			"are spent or held",
			no->who ? no->who : "somebody", ask->provider, ask->model, (double)ask->micros / 1e6,
			scopes[no->scope], no->subject, period, (double)no->limit / 1e6,
			(double)no->used / 1e6);
}

/* ---- asking ---------------------------------------------------------------------------------- */

static void done_reserve(void *owner, uint64_t ticket, const struct err *err,
			 const struct store_reserved *reserved)
{
	struct core *core = owner;
	bool holds = core_answered(core, err);
	struct turn *turn = turn_of(core->turns, ticket);
	struct err why = { 0 };

	if (turn == NULL)
		return; /* what was held is given back with the end of the turn, which the store gets later */
	if (!holds && core_may_ask_again(err)) {
		turn_retry_later(turn, err);
		return;
	}
	if (!holds) {
		why = *err;
		err_add(&why, "no money could be set aside");
	} else if (!reserved->granted) {
		turn->refused = budget_words(turn->arena, reserved);
		budget_why(&why, turn->reserving, reserved);
	}
	turn->reserving = NULL;
	ai_reserved(core->options.ai, ticket, &why);
}

void budget_ask(struct turn *turn, const struct ai_reserve *ask, int64_t micros, store_reserved_fn *fn,
		void *owner, uint64_t ticket)
{
	struct core *core = turn->core;

	core_asking(core);
	store_reserve(
		core->options.store,
		&(struct store_reserve){ .id = ask->id,
					 .turn_id = turn->id,
					 .provider = ask->provider,
					 .model = ask->model,
					 .micros = micros,
					 .channel_parts = turn->inst ? turn->inst->ops->channel_parts : 0,
					 .limits = core->options.limits },
		fn, owner, ticket);
}

static void ask_store(struct turn *turn)
{
	budget_ask(turn, turn->reserving, turn->reserving->micros, done_reserve, turn->core,
		   turn_ticket(turn));
}

static bool may_be_unknown(const struct core *core, const char *name)
{
	for (size_t i = 0; i < core->options.unpriced_count; i++)
		if (strcmp(core->options.unpriced[i], name) == 0)
			return true;
	return false;
}

int64_t budget_micros(const struct core *core, const struct ai_reserve *ask)
{
	return ask->micros < 0 && may_be_unknown(core, ask->name) ? 0 : ask->micros;
}

const struct ai_reserve *budget_keep(struct arena *arena, const struct ai_reserve *ask)
{
	struct ai_reserve *copy = arena_alloc(arena, sizeof(*copy));

	*copy = *ask;
	copy->id = arena_text(arena, ask->id);
	copy->name = arena_text(arena, ask->name);
	copy->provider = arena_text(arena, ask->provider);
	copy->model = arena_text(arena, ask->model);
	return copy;
}

void budget_reserve(void *owner, uint64_t ticket, const struct ai_reserve *ask)
{
	struct core *core = owner;
	struct turn *turn = turn_of(core->turns, ticket);

	if (turn == NULL)
		return;
	if (budget_micros(core, ask) == 0) {
		ai_reserved(core->options.ai, ticket, &(struct err){ 0 });
		return;
	}
	turn->reserving = budget_keep(turn->arena, ask);
	ask_store(turn);
}

void budget_again(struct turn *turn)
{
	ask_store(turn);
}
