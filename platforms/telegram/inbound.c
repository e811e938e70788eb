/* From an update to the core and back. Exactly one answer for each, and TAKEN only for what is stored or not for us. */
#include "inbound.h"
#include "mem.h"
#include "metrics.h"
#include <stdlib.h>
#include <utlist.h>

enum {
	OPEN_MAX = 2000, /* updates under way; further ones come again */
	LATER_MS = 1000,
	BOTS_MAX = 2000,
	ALBUMS_MAX = 1000,
};

static struct metric updates = {
	.name = "usher_telegram_updates_total",
	.help = "Updates by what became of them; dropped ones hold nothing for us",
	.type = METRIC_COUNTER,
	.label = "bot,outcome",
};

static void telegram_count(const struct platform *bot, const char *outcome)
{
	metric_add(&updates, (const char *[]){ bot->config.name, outcome }, 1);
}

/* ---- ends ------------------------------------------------------------------------------------------------------- */

static void tell_later(struct telegram_inbound *inbound, struct telegram_taker *taker,
		       enum telegram_taken how, unsigned retry_ms)
{
	taker->how = how;
	taker->retry_ms = retry_ms;
	LL_APPEND(inbound->answers, taker);
	loop_timer_start(inbound->answer, 0, 0);
}

static void arrival_free(struct telegram_arrival *arrival)
{
	free(arrival->taker);
	arena_destroy(arrival->arena);
	free(arrival);
}

static void end_one(struct telegram_arrival *arrival, enum telegram_taken how, unsigned retry_ms)
{
	struct telegram_inbound *inbound = arrival->bot->inbound;

	telegram_line_leave(arrival);
	if (how == TELEGRAM_LATER)
		telegram_line_again(inbound, arrival->chat, arrival->update_id);
	tell_later(inbound, arrival->taker, how, retry_ms);
	arrival->taker = NULL;
	DL_DELETE(inbound->open, arrival);
	inbound->count--;
	arrival_free(arrival);
}

void telegram_arrival_end(struct telegram_arrival *arrival, enum telegram_taken how, unsigned retry_ms)
{
	struct telegram_arrival *behind = arrival->behind, *next;

	if (how == TELEGRAM_LATER && retry_ms == 0)
		retry_ms = LATER_MS;
	end_one(arrival, how, retry_ms);
	for (; how == TELEGRAM_LATER && behind; behind = next) {
		next = behind->behind;
		end_one(behind, how, retry_ms);
	}
}

/* Whoever is told may hand over the next ones. */
static void tell(void *data)
{
	struct telegram_inbound *inbound = data;
	struct telegram_taker *taker, *next, *all = inbound->answers;
	struct platform *bot = inbound->bot;

	inbound->answers = NULL;
	LL_FOREACH_SAFE(all, taker, next)
	{
		taker->fn(bot, taker->owner, taker->ticket, taker->how, taker->retry_ms);
		free(taker);
	}
	telegram_settle(bot);
}

/* ---- what an update is ------------------------------------------------------------------------------------------- */

static struct telegram_arrival *arrival_new(struct platform *bot, struct telegram_taker *taker, int64_t chat)
{
	struct telegram_inbound *inbound = bot->inbound;
	struct telegram_arrival *arrival = mem_zero(1, sizeof(*arrival));

	arrival->bot = bot;
	arrival->taker = taker;
	arrival->update_id = taker->update_id;
	arrival->chat = chat;
	arrival->arena = arena_create();
	DL_APPEND(inbound->open, arrival);
	inbound->count++;
	return arrival;
}

typedef const char *build_fn(struct telegram_arrival *arrival, const struct telegram_decoded *say);

/* Something must be kept of it, or the same update would come for ever (sheet 3.4). */
static const char *build_malformed(struct telegram_arrival *arrival, const struct telegram_decoded *say)
{
	log_warn(arrival->bot->host->log, "update %lld can't be read: %s", (long long)say->update_id,
		 say->because);
	arrival->poison = true;
	telegram_build_ignored(arrival, say->because);
	return NULL;
}

static build_fn *const builders[] = {
	[TELEGRAM_IS_MALFORMED] = build_malformed,	[TELEGRAM_IS_SAID] = telegram_build_message,
	[TELEGRAM_IS_EDITED] = telegram_build_message,	[TELEGRAM_IS_MOVED] = telegram_build_moved,
	[TELEGRAM_IS_PRESSED] = telegram_build_pressed, [TELEGRAM_IS_STOPPED] = telegram_build_stopped,
};

static void enter(struct platform *bot, struct telegram_taker *taker, const struct telegram_decoded *say)
{
	struct telegram_arrival *arrival = arrival_new(bot, taker, say->chat);
	const char *because;

	if (say->kind == TELEGRAM_IS_MEMBER) {
		telegram_count(bot, "event");
		if (!telegram_member_changed(arrival, say))
			telegram_arrival_end(arrival, TELEGRAM_TAKEN, 0);
		return;
	}
	because = builders[say->kind](arrival, say);
	if (because) {
		log_debug(bot->host->log, "nothing to hand over: %s", because);
		telegram_count(bot, "dropped");
		telegram_arrival_end(arrival, TELEGRAM_TAKEN, 0);
	} else {
		telegram_line_up(arrival);
	}
}

/* Without our own name it can't be told what is meant for us. */
static bool may_take(const struct platform *bot)
{
	return !bot->stopping && !bot->disabled && !bot->dead && bot->username &&
	       bot->inbound->count < OPEN_MAX;
}

void telegram_take(struct platform *bot, const json_t *update, telegram_taken_fn *fn, void *owner,
		   uint64_t ticket)
{
	struct telegram_inbound *inbound = bot->inbound;
	struct telegram_taker *taker = mem_zero(1, sizeof(*taker));
	struct telegram_decoded say;

	telegram_decode(update, &say);
	*taker = (struct telegram_taker){
		.fn = fn, .owner = owner, .ticket = ticket, .update_id = say.update_id
	};
	if (say.kind == TELEGRAM_IS_NOTHING || say.update_id < 0) {
		log_debug(bot->host->log, "nothing for us: %s", say.because);
		telegram_line_blocked(inbound, say.chat, say.update_id);
		telegram_count(bot, say.update_id < 0 ? "malformed" : "nothing");
		tell_later(inbound, taker, TELEGRAM_TAKEN, 0);
	} else if (telegram_line_blocked(inbound, say.chat, say.update_id) || !may_take(bot)) {
		telegram_count(bot, "later");
		telegram_line_again(inbound, say.chat, say.update_id);
		tell_later(inbound, taker, TELEGRAM_LATER, LATER_MS);
	} else {
		enter(bot, taker, &say);
	}
}

/* ---- from the core ------------------------------------------------------------------------------------------------ */

static struct telegram_arrival *find_owed(const struct telegram_inbound *inbound, uint64_t receipt,
					  enum telegram_step step)
{
	struct telegram_arrival *arrival = NULL;

	if (inbound)
		HASH_FIND(hh, inbound->owed, &receipt, sizeof(receipt), arrival);
	return arrival && arrival->step == step ? arrival : NULL;
}

static void no_longer_owed(struct telegram_inbound *inbound, struct telegram_arrival *arrival)
{
	HASH_DEL(inbound->owed, arrival);
	arrival->owed = false;
}

static void end_and_go_on(struct telegram_arrival *arrival, enum telegram_taken how, unsigned retry_ms)
{
	struct telegram_inbound *inbound = arrival->bot->inbound;
	int64_t chat = arrival->chat;

	telegram_arrival_end(arrival, how, retry_ms);
	telegram_chat_advance(inbound, chat);
}

/* What can't be stored as it is, is stored as ignored: else it would come again for ever. */
static bool poisoned(struct telegram_arrival *arrival, const struct ack *ack)
{
	if (ack->how != ACK_INVALID)
		return false;
	log_warn(arrival->bot->host->log, "update %lld is not taken: %s", (long long)arrival->update_id,
		 ack->why ? ack->why : "?");
	if (arrival->poison)
		return false;
	arrival->poison = true;
	telegram_build_ignored(arrival, "an update that breaks a limit");
	telegram_hand_over(arrival);
	return true;
}

static void stored(struct telegram_arrival *arrival, const struct ack *ack)
{
	if (ack->how == ACK_STORED && ack->uuid && ack->conversation_id && arrival->shows_work)
		telegram_working_begin(arrival->bot, ack->uuid, &arrival->place);
}

void telegram_acked(struct platform *bot, uint64_t receipt, const struct ack *ack)
{
	struct telegram_arrival *arrival = find_owed(bot->inbound, receipt, TELEGRAM_STEP_MESSAGE);

	if (arrival == NULL)
		return;
	no_longer_owed(bot->inbound, arrival);
	telegram_count(bot, ack_name(ack->how));
	if (ack->how == ACK_BUSY || ack->how == ACK_FAILED) {
		end_and_go_on(arrival, TELEGRAM_LATER, ack->retry_ms);
		return;
	}
	if (poisoned(arrival, ack))
		return;
	stored(arrival, ack);
	if (arrival->moved_from && !arrival->poison)
		telegram_note_moved(arrival);
	else
		end_and_go_on(arrival, TELEGRAM_TAKEN, 0);
}

void telegram_installed(struct platform *bot, uint64_t ticket, const struct err *err, const char *name)
{
	struct telegram_arrival *arrival = find_owed(bot->inbound, ticket, TELEGRAM_STEP_INSTALL);
	bool later = err->kind == ERR_AGAIN || err->kind == ERR_FULL;

	if (arrival == NULL)
		return;
	no_longer_owed(bot->inbound, arrival);
	if (err->kind != ERR_NONE)
		log_warn(bot->host->log, "a group is not on record: %s", err->text);
	else
		log_debug(bot->host->log, "a group is on record as %s", name);
	end_and_go_on(arrival, later ? TELEGRAM_LATER : TELEGRAM_TAKEN, 0);
}

/* ---- life ----------------------------------------------------------------------------------------------------------- */

size_t telegram_inbound_owed(const struct telegram_inbound *inbound)
{
	const struct telegram_taker *taker;
	size_t count = 0;

	if (inbound == NULL)
		return 0;
	LL_FOREACH (inbound->answers, taker) {
		count++;
	}
	return inbound->count + count;
}

struct telegram_inbound *telegram_inbound_create(struct platform *bot)
{
	struct telegram_inbound *inbound = mem_zero(1, sizeof(*inbound));

	inbound->bot = bot;
	inbound->bots.max = BOTS_MAX;
	inbound->albums.max = ALBUMS_MAX;
	inbound->answer = loop_timer_create(bot->host->loop, tell, inbound);
	return inbound;
}

void telegram_inbound_destroy(struct telegram_inbound *inbound)
{
	struct telegram_arrival *arrival, *next;
	struct telegram_taker *taker, *next_taker;
	struct telegram_again *again, *next_again;

	if (inbound == NULL)
		return;
	HASH_CLEAR(hh, inbound->owed);
	DL_FOREACH_SAFE(inbound->open, arrival, next)
	{
		telegram_line_leave(arrival);
		arrival_free(arrival);
	}
	LL_FOREACH_SAFE(inbound->answers, taker, next_taker)
	free(taker);
	HASH_ITER (hh, inbound->again, again, next_again) {
		/* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): it takes itself out of the table */
		HASH_DEL(inbound->again, again);
		free(again);
	}
	recents_finish(&inbound->bots);
	recents_finish(&inbound->albums);
	loop_timer_destroy(inbound->answer);
	inbound->bot->inbound = NULL;
	free(inbound);
}
