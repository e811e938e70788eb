/* Voice notes: what is said in one, paid from the budgets before it is asked for. */
#include "budget.h"
#include "counts.h"
#include "gather_inside.h"
#include "installation.h"
#include "mem.h"
#include "turn_inside.h"

static void done_heard_record(void *owner, uint64_t ticket, const struct err *err)
{
	struct gathers *gathers = owner;

	if (!core_answered(gathers->core, err))
		log_warn(gathers->core->log,
			 "what hearing a voice note took is not on record (turn %lld): %s", (long long)ticket,
			 err->text);
}

static void journal_heard(void *owner, const struct ai_attempt *attempts, size_t count)
{
	struct gather *gather = owner;
	struct core *core = gather->gathers->core;

	core_asking(core);
	store_journal(core->options.store, gather->turn->id, NULL, 0, attempts, count, done_heard_record,
		      gather->gathers, (uint64_t)gather->turn->id);
}

static void done_heard(void *owner, uint64_t ticket, const struct ai_heard *heard)
{
	struct gather *gather;
	struct item *item = gather_answered(owner, ticket, &gather);

	count_attempts(heard->attempts, heard->attempt_count);
	if (item == NULL)
		return;
	if (heard->attempt_count > 0)
		journal_heard(gather, heard->attempts, heard->attempt_count);
	if (heard->err.kind == ERR_NONE)
		item->heard = mem_text(heard->text);
	else
		item->unheard = mem_text(heard->err.text);
	gather_done_item(gather, item);
}

static void done_hear_reserve(void *owner, uint64_t ticket, const struct err *err,
			      const struct store_reserved *reserved)
{
	struct gathers *gathers = owner;
	bool holds = core_answered(gathers->core, err);
	struct wait *wait = gather_find_wait(gathers, ticket);
	struct gather *gather = wait ? wait->gather : NULL;
	struct err why = { 0 };

	if (gather == NULL)
		return; /* what was held is given back with the end of the turn */
	if (!holds) {
		err_set(&why, ERR_AGAIN, "it could not be put on record");
	} else if (!reserved->granted) {
		budget_why(&why, gather->items[wait->item].reserving, reserved);
		log_warn(&gather->turn->log, "budget: %s", why.text);
		why = (struct err){ 0 };
		err_set(&why, ERR_REFUSED, "%s", budget_words(gather->arena, reserved));
	}
	ai_hear_reserved(gathers->core->options.ai, ticket, &why);
}

static void hear_reserve(void *owner, uint64_t ticket, const struct ai_reserve *ask)
{
	struct gathers *gathers = owner;
	struct core *core = gathers->core;
	struct wait *wait = gather_find_wait(gathers, ticket);
	struct turn *turn = wait && wait->gather ? wait->gather->turn : NULL;

	if (turn == NULL)
		return;
	wait->gather->items[wait->item].reserving = budget_keep(wait->gather->arena, ask);
	budget_ask(turn, ask, wait->gather->budgeted ? budget_micros(core, ask) : 0, done_hear_reserve,
		   gathers, ticket);
}

void hearing_begin(struct gather *gather, struct item *item)
{
	const struct ai_hear_events events = { done_heard, hear_reserve };

	item->state = ITEM_HEARS;
	item->began_ms = loop_now_ms(gather->gathers->core->options.loop); /* a limit of its own */
	item->ticket = gather_wait(gather, item, NULL)->serial;
	ai_hear(gather->gathers->core->options.ai, item->path, item->mime ? item->mime : item->file.mime,
		&events, gather->gathers, item->ticket);
}

void hearing_cancel(struct gather *gather, struct item *item)
{
	ai_hear_cancel(gather->gathers->core->options.ai, item->ticket, journal_heard, gather);
}
