/* What is said, on its way to the core and back. The gateway is told exactly once of each event, and "taken" only of what is
 * stored or not for us. */
#include "inbound.h"
#include "clock.h"
#include "mem.h"
#include "metrics.h"
#include "places.h"
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

enum {
	OPEN_MAX = 2000, /* arrivals under way; further ones come again */
	BOTS_MAX = 2000,
	EDITS_MAX = 2000,
	SAID_MAX = 20000,
	OWN_MAX = 20000,
	OTHERS_MAX = 20000,
	ASK_MS = 5000, /* longest wait for what a channel is */
	BULK_MAX = 200,
};

static struct metric messages = {
	.name = "usher_discord_messages_total",
	.help = "Messages, edits and deletions by what became of them; what is not said to us is not counted",
	.type = METRIC_COUNTER,
	.label = "bot,outcome",
};

static void discord_count(const struct platform *bot, const char *outcome)
{
	metric_add(&messages, (const char *[]){ bot->config.name, outcome }, 1);
}

/* ---- ends --------------------------------------------------------------------------------------------------------- */

static bool comes_again(enum ack_how how)
{
	return how == ACK_BUSY || how == ACK_FAILED;
}

static struct discord_taker *taker_new(struct platform *bot, const struct discord_event *event)
{
	struct discord_taker *taker = mem_zero(1, sizeof(*taker));

	taker->bot = bot;
	if (event)
		taker->event = *event;
	taker->open = 1;
	return taker;
}

/* The gateway hears of an event when all that it led to has ended. */
static void taker_end(struct discord_taker *taker, const struct ack *ack)
{
	unsigned again_ms =
		ack && comes_again(ack->how) ? ack->retry_ms ? ack->retry_ms : INBOUND_LATER_MS : 0;

	if (again_ms > taker->again_ms)
		taker->again_ms = again_ms;
	if (--taker->open)
		return;
	if (taker->done)
		taker->done(taker->bot, taker->owner, ack);
	else
		discord_taken(taker->bot, &taker->event, taker->again_ms);
	free(taker);
}

static void arrival_free(struct discord_arrival *arrival)
{
	json_decref(arrival->waits);
	arena_destroy(arrival->arena);
	free(arrival);
}

static void end_one(struct discord_arrival *arrival, const struct ack *ack)
{
	struct discord_inbound *inbound = arrival->bot->inbound;
	struct discord_taker *taker = arrival->taker;

	discord_line_leave(arrival);
	if (arrival->call)
		discord_rest_cancel(arrival->bot, arrival->call);
	if (ack && comes_again(ack->how) && taker->done == NULL)
		discord_line_again(inbound, arrival->channel, &taker->event, ack->retry_ms);
	DL_DELETE(inbound->open, arrival);
	inbound->count--;
	arrival_free(arrival);
	taker_end(taker, ack);
}

void discord_arrival_end(struct discord_arrival *arrival, const struct ack *ack)
{
	struct discord_arrival *behind = arrival->behind, *next;
	bool again = ack && comes_again(ack->how);

	end_one(arrival, ack);
	for (; again && behind; behind = next) {
		next = behind->behind;
		end_one(behind, ack);
	}
}

static void drop(struct discord_arrival *arrival, const char *because)
{
	log_debug(arrival->bot->host->log, "nothing to hand over: %s", because);
	discord_count(arrival->bot, "dropped");
	discord_arrival_end(arrival, NULL);
}

/* ---- messages ------------------------------------------------------------------------------------------------------ */

static struct discord_arrival *arrival_new(struct discord_taker *taker, snowflake channel, snowflake message)
{
	struct discord_inbound *inbound = taker->bot->inbound;
	struct discord_arrival *arrival = mem_zero(1, sizeof(*arrival));

	arrival->bot = taker->bot;
	arrival->taker = taker;
	arrival->channel = channel;
	arrival->message = message;
	arrival->arena = arena_create();
	if (taker->done)
		arrival->in.flags = INCOMING_LATE;
	DL_APPEND(inbound->open, arrival);
	inbound->count++;
	return arrival;
}

static void enter(struct discord_arrival *arrival, const struct discord_decoded *say)
{
	const char *because = discord_build_message(arrival, say);

	if (because)
		drop(arrival, because);
	else
		discord_line_up(arrival);
}

/* Without the answer it is taken for a channel in which each person has a conversation of their own. */
static void channel_told(struct platform *bot, void *owner, uint64_t ticket,
			 const struct discord_answer *answer)
{
	struct discord_arrival *arrival = owner;
	struct discord_inbound *inbound = bot->inbound;
	snowflake channel = arrival->channel;
	struct discord_channel known;
	struct discord_decoded say;
	const char *because;
	json_t *message = arrival->waits;

	(void)ticket;
	arrival->call = 0;
	arrival->waits = NULL;
	if (answer->how == DISCORD_OK)
		discord_channel_take(bot->places, answer->body, arrival->guild, &known);
	else
		log_debug(bot->host->log, "what the channel of a message is, is not known: %s",
			  answer->why ? answer->why : "?");
	discord_decode(message, arrival->guild, arrival->edited, &say);
	because = discord_build_message(arrival, &say);
	if (because)
		drop(arrival, because);
	json_decref(message);
	discord_line_advance(inbound, channel);
	discord_settle(bot);
}

/* Its place in the line is kept while what its channel is is asked for. */
static void ask_channel(struct discord_arrival *arrival, const struct discord_decoded *say)
{
	char id[SNOWFLAKE_SIZE];
	char *path = mem_format("/channels/%s", snowflake_text(say->channel, id));

	arrival->waits = json_deep_copy(say->message);
	arrival->guild = say->guild;
	arrival->edited = say->kind == DISCORD_IS_EDITED;
	arrival->call =
		discord_rest(arrival->bot,
			     &(struct discord_call){
				     .method = "GET", .path = path, .wait_ms = ASK_MS, .total_ms = ASK_MS },
			     channel_told, arrival, 0);
	free(path);
	discord_line_up(arrival);
}

static void take_message(struct discord_taker *taker, const struct discord_decoded *say)
{
	struct discord_arrival *arrival = arrival_new(taker, say->channel, say->id);

	if (discord_needs_channel(taker->bot, say))
		ask_channel(arrival, say);
	else
		enter(arrival, say);
}

static bool may_take(const struct platform *bot)
{
	return !bot->stopping && !bot->dead && bot->user_id && bot->inbound->count < OPEN_MAX;
}

/* True: it was told that this comes again. What is being read of its channel comes first. */
static bool put_off(struct platform *bot, const struct discord_event *event, snowflake channel)
{
	bool held = discord_catch_up_holds(bot, channel);
	unsigned again_ms = held ? DISCORD_HELD_MS : INBOUND_LATER_MS;

	if (!held && may_take(bot) && !discord_line_blocked(bot->inbound, channel, event))
		return false;
	discord_count(bot, "later");
	discord_line_again(bot->inbound, channel, event, again_ms);
	discord_taken(bot, event, again_ms);
	return true;
}

static void nothing(struct platform *bot, const struct discord_event *event)
{
	discord_taken(bot, event, 0);
}

void discord_take_said(struct platform *bot, const struct discord_event *event, const json_t *d, bool edited)
{
	struct discord_decoded say;
	const char *because;

	discord_decode(d, 0, edited, &say);
	if (discord_is_own(bot, &say)) {
		discord_own_seen(bot->inbound, &say);
		nothing(bot, event);
		return;
	}
	because = say.because ? say.because : discord_judge(bot->inbound, &say, false);
	if (say.kind == DISCORD_IS_MALFORMED) {
		log_warn(bot->host->log, "a message can't be read: %s", because);
		discord_count(bot, "malformed");
	}
	if (because)
		nothing(bot, event);
	else if (!put_off(bot, event, say.channel))
		take_message(taker_new(bot, event), &say);
}

static void delete_one(struct discord_taker *taker, const json_t *d, snowflake id)
{
	snowflake channel = snowflake_read(json_object_get(d, "channel_id"));
	struct discord_arrival *arrival = arrival_new(taker, channel, id);
	const char *because = discord_build_deleted(arrival, snowflake_read(json_object_get(d, "guild_id")));

	if (because)
		drop(arrival, because);
	else
		discord_line_up(arrival);
}

void discord_take_deleted(struct platform *bot, const struct discord_event *event, const json_t *d)
{
	snowflake id = snowflake_read(json_object_get(d, "id"));

	if (!put_off(bot, event, snowflake_read(json_object_get(d, "channel_id"))))
		delete_one(taker_new(bot, event), d, id);
}

void discord_take_bulk(struct platform *bot, const struct discord_event *event, const json_t *d)
{
	const json_t *ids = json_object_get(d, "ids"), *id;
	struct discord_taker *taker;
	size_t i;

	if (put_off(bot, event, snowflake_read(json_object_get(d, "channel_id"))))
		return;
	taker = taker_new(bot, event);
	json_array_foreach (ids, i, id) {
		if (i >= BULK_MAX)
			break;
		taker->open++;
		delete_one(taker, d, snowflake_read(id));
	}
	taker_end(taker, NULL);
}

void discord_take_caught(struct platform *bot, snowflake guild, const json_t *message,
			 discord_caught_fn *done, void *owner)
{
	static const struct ack busy = { .how = ACK_BUSY, .retry_ms = INBOUND_LATER_MS, .why = "not now" };
	struct discord_decoded say;
	struct discord_taker *taker;

	discord_decode(message, guild, false, &say);
	if (discord_is_own(bot, &say)) {
		discord_own_seen(bot->inbound, &say);
		done(bot, owner, NULL);
	} else if (say.because || discord_judge(bot->inbound, &say, true)) {
		done(bot, owner, NULL);
	} else if (!may_take(bot)) {
		done(bot, owner, &busy);
	} else {
		taker = taker_new(bot, NULL);
		taker->done = done;
		taker->owner = owner;
		take_message(taker, &say);
	}
}

/* ---- interactions ------------------------------------------------------------------------------------------------------ */

static void told(struct platform *bot, void *owner, const json_t *response)
{
	static const struct ack failed = { .how = ACK_FAILED };
	struct discord_taker *taker = owner;

	DL_DELETE(bot->inbound->takers, taker);
	taker_end(taker, response ? NULL : &failed);
}

void discord_take_interaction(struct platform *bot, const struct discord_event *event, const json_t *d)
{
	struct discord_taker *taker = taker_new(bot, event);

	DL_APPEND(bot->inbound->takers, taker);
	discord_interact(bot, d, told, taker);
}

/* ---- from the core -------------------------------------------------------------------------------------------------------------- */

/* What can't be stored as it is, is stored as ignored: else it would come for ever. */
static bool poisoned(struct discord_arrival *arrival, const struct ack *ack)
{
	if (ack->how != ACK_INVALID)
		return false;
	log_warn(arrival->bot->host->log, "a message is not taken: %s", ack->why ? ack->why : "?");
	if (arrival->poison)
		return false;
	arrival->poison = true;
	discord_build_ignored(arrival, "a message that breaks a limit");
	discord_hand_over(arrival);
	return true;
}

static void decided(struct discord_arrival *arrival, const struct ack *ack)
{
	bool is_new;

	if (!comes_again(ack->how) && arrival->in.cursor)
		discord_catch_up_cursor(arrival->bot, arrival->in.cursor_scope, arrival->in.cursor);
	if (ack->how == ACK_NOT_ADDRESSED && (arrival->in.flags & INCOMING_IF_PLACE))
		flakes_put(&arrival->bot->inbound->others, arrival->channel, &is_new);
	if (ack->how != ACK_STORED && ack->how != ACK_BEFORE)
		return;
	discord_message_stored(arrival);
	if (ack->how == ACK_STORED && ack->uuid && ack->conversation_id && arrival->shows_work)
		discord_working_begin(arrival->bot, ack->uuid, &arrival->place);
}

void discord_acked(struct platform *bot, uint64_t receipt, const struct ack *ack)
{
	struct discord_inbound *inbound = bot->inbound;
	struct discord_arrival *arrival = NULL;
	snowflake channel;

	if (discord_interact_acked(bot, receipt, ack))
		return;
	if (inbound)
		HASH_FIND(hh, inbound->owed, &receipt, sizeof(receipt), arrival);
	if (arrival == NULL)
		return;
	HASH_DEL(inbound->owed, arrival);
	arrival->owed = false;
	discord_count(bot, ack_name(ack->how));
	if (poisoned(arrival, ack))
		return;
	channel = arrival->channel;
	decided(arrival, ack);
	discord_arrival_end(arrival, ack);
	discord_line_advance(inbound, channel);
	discord_settle(bot);
}

/* ---- life ------------------------------------------------------------------------------------------------------------------------- */

size_t discord_inbound_owed(const struct discord_inbound *inbound)
{
	const struct discord_taker *taker;
	size_t count = 0;

	if (inbound == NULL)
		return 0;
	DL_FOREACH (inbound->takers, taker) {
		count++;
	}
	return inbound->count + count + discord_guilds_owed(inbound->guilds);
}

struct discord_inbound *discord_inbound_create(struct platform *bot)
{
	struct discord_inbound *inbound = mem_zero(1, sizeof(*inbound));

	inbound->bot = bot;
	inbound->bots.max = BOTS_MAX;
	inbound->edits.max = EDITS_MAX;
	inbound->said.max = SAID_MAX;
	inbound->own.max = OWN_MAX;
	inbound->others.max = OTHERS_MAX;
	inbound->began = snowflake_at(clock_wall_ms());
	inbound->guilds = discord_guilds_create(bot);
	return inbound;
}

void discord_inbound_destroy(struct discord_inbound *inbound)
{
	struct discord_arrival *arrival, *next;
	struct discord_taker *taker, *next_taker;

	if (inbound == NULL)
		return;
	HASH_CLEAR(hh, inbound->owed);
	DL_FOREACH_SAFE(inbound->open, arrival, next)
	{
		discord_line_leave(arrival);
		if (arrival->call)
			discord_rest_cancel(inbound->bot, arrival->call);
		if (--arrival->taker->open == 0)
			free(arrival->taker);
		arrival_free(arrival);
	}
	DL_FOREACH_SAFE(inbound->takers, taker, next_taker)
	{
		discord_interact_forget(inbound->bot, taker);
		free(taker);
	}
	discord_lines_finish(inbound);
	recents_finish(&inbound->bots);
	recents_finish(&inbound->edits);
	flakes_finish(&inbound->said);
	flakes_finish(&inbound->own);
	flakes_finish(&inbound->others);
	free(inbound->said_hashes);
	discord_guilds_destroy(inbound->guilds);
	inbound->bot->inbound = NULL;
	free(inbound);
}
