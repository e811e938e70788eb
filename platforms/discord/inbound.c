/* From an event to the core and back. The gateway is told exactly once of each, and "taken" only of what is stored or not
 * for us. */
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
	LATER_MS = 1000,
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
	unsigned again_ms = ack && comes_again(ack->how) ? ack->retry_ms ? ack->retry_ms : LATER_MS : 0;

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
	unsigned again_ms = held ? DISCORD_HELD_MS : LATER_MS;

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

static void take_said(struct platform *bot, const struct discord_event *event, const json_t *d, bool edited)
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

static void take_create(struct platform *bot, const struct discord_event *event, const json_t *d)
{
	take_said(bot, event, d, false);
}

static void take_update(struct platform *bot, const struct discord_event *event, const json_t *d)
{
	take_said(bot, event, d, true);
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

static void take_delete(struct platform *bot, const struct discord_event *event, const json_t *d)
{
	snowflake id = snowflake_read(json_object_get(d, "id"));

	if (!put_off(bot, event, snowflake_read(json_object_get(d, "channel_id"))))
		delete_one(taker_new(bot, event), d, id);
}

static void take_bulk(struct platform *bot, const struct discord_event *event, const json_t *d)
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
	static const struct ack busy = { .how = ACK_BUSY, .retry_ms = LATER_MS, .why = "not now" };
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

static void take_interaction(struct platform *bot, const struct discord_event *event, const json_t *d)
{
	struct discord_taker *taker = taker_new(bot, event);

	DL_APPEND(bot->inbound->takers, taker);
	discord_interact(bot, d, told, taker);
}

/* ---- guilds and channels -------------------------------------------------------------------------------------------------- */

static void take_ready(struct platform *bot, const struct discord_event *event, const json_t *d)
{
	const json_t *shard = json_object_get(d, "shard");
	int64_t shards = json_integer_value(json_array_get(shard, 1));

	discord_lines_reset(bot->inbound, event->shard);
	discord_guilds_ready(bot, d);
	discord_catch_up_begin(bot, event->shard, shards > 0 ? (unsigned)shards : 1,
			       discord_gateway_seen(bot->gateway, event->shard));
	nothing(bot, event);
}

/* event NULL: nothing was missed there. since: what was said before we joined was not said to us; 0: not known. */
static void learn(struct platform *bot, const struct discord_event *event, const json_t *list,
		  snowflake guild, snowflake since)
{
	struct discord_channel channel;
	const json_t *one;
	size_t i;

	json_array_foreach (list, i, one) {
		if (discord_channel_take(bot->places, one, guild, &channel) && event)
			discord_catch_up_offer(bot, event->shard, &channel, since);
	}
}

/* Its threads first: they may be what a person waits in. */
static void take_guild(struct platform *bot, const struct discord_event *event, const json_t *d)
{
	snowflake guild = snowflake_read(json_object_get(d, "id"));
	snowflake since = snowflake_at(discord_time_ms(json_text(d, "joined_at")));
	bool waits = discord_guild_came(bot, event, d);

	if (guild && !json_is_true(json_object_get(d, "unavailable")) && !discord_guild_off(bot, guild)) {
		learn(bot, waits ? NULL : event, json_object_get(d, "threads"), guild, since);
		learn(bot, waits ? NULL : event, json_object_get(d, "channels"), guild, since);
	}
	if (!waits)
		nothing(bot, event);
}

static void take_guild_update(struct platform *bot, const struct discord_event *event, const json_t *d)
{
	discord_guild_changed(bot, d);
	nothing(bot, event);
}

static void take_guild_delete(struct platform *bot, const struct discord_event *event, const json_t *d)
{
	discord_guild_went(bot, d);
	nothing(bot, event);
}

static void take_role(struct platform *bot, const struct discord_event *event, const json_t *d)
{
	discord_guild_role(bot, d, false);
	nothing(bot, event);
}

static void take_role_delete(struct platform *bot, const struct discord_event *event, const json_t *d)
{
	discord_guild_role(bot, d, true);
	nothing(bot, event);
}

static void take_channel(struct platform *bot, const struct discord_event *event, const json_t *d)
{
	struct discord_channel channel;

	if (discord_channel_take(bot->places, d, 0, &channel) && discord_is_thread(channel.type) &&
	    channel.owner && channel.owner == bot->user_id)
		discord_follow(bot->places, channel.id);
	nothing(bot, event);
}

static void take_channel_delete(struct platform *bot, const struct discord_event *event, const json_t *d)
{
	discord_channel_forget(bot->places, snowflake_read(json_object_get(d, "id")));
	nothing(bot, event);
}

static void take_threads(struct platform *bot, const struct discord_event *event, const json_t *d)
{
	learn(bot, NULL, json_object_get(d, "threads"), snowflake_read(json_object_get(d, "guild_id")), 0);
	nothing(bot, event);
}

static void take_resumed(struct platform *bot, const struct discord_event *event, const json_t *d)
{
	(void)d;
	nothing(bot, event);
}

/* ---- by name ---------------------------------------------------------------------------------------------------------------- */

typedef void take_fn(struct platform *bot, const struct discord_event *event, const json_t *d);

static const struct {
	const char *name;
	take_fn *take;
} kinds[] = {
	{ "MESSAGE_CREATE", take_create },
	{ "MESSAGE_UPDATE", take_update },
	{ "MESSAGE_DELETE", take_delete },
	{ "MESSAGE_DELETE_BULK", take_bulk },
	{ "INTERACTION_CREATE", take_interaction },
	{ "GUILD_CREATE", take_guild },
	{ "GUILD_UPDATE", take_guild_update },
	{ "GUILD_DELETE", take_guild_delete },
	{ "GUILD_ROLE_CREATE", take_role },
	{ "GUILD_ROLE_UPDATE", take_role },
	{ "GUILD_ROLE_DELETE", take_role_delete },
	{ "CHANNEL_CREATE", take_channel },
	{ "CHANNEL_UPDATE", take_channel },
	{ "CHANNEL_DELETE", take_channel_delete },
	{ "THREAD_CREATE", take_channel },
	{ "THREAD_UPDATE", take_channel },
	{ "THREAD_DELETE", take_channel_delete },
	{ "THREAD_LIST_SYNC", take_threads },
	{ "READY", take_ready },
	{ "RESUMED", take_resumed },
};

static take_fn *taker_of(const char *name)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (strcmp(kinds[i].name, name) == 0)
			return kinds[i].take;
	return NULL;
}

bool discord_wants(const char *event_name)
{
	return event_name && taker_of(event_name) != NULL;
}

void discord_take(struct platform *bot, const struct discord_event *event, const char *name, const json_t *d)
{
	take_fn *take = name ? taker_of(name) : NULL;

	discord_line_came(bot->inbound, event);
	if (take == NULL || !json_is_object(d) || bot->disabled)
		nothing(bot, event);
	else if (bot->stopping || bot->dead)
		discord_taken(bot, event, LATER_MS);
	else
		take(bot, event, d);
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
