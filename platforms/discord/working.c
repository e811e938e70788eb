/* "typing" while messages wait for their answer (sheet 17): one sign for a place, repeated until none waits there, by a
 * timer of its own that no connection ends or keeps (pitfall 17). Interactions show "thinking" by themselves. */
#include "mem.h"
#include "previews.h"
#include "sending.h"
#include <inttypes.h>
#include <stdlib.h>
#include <utlist.h>

static void working_remove(struct discord_previews *previews, struct working *working)
{
	if (working->call)
		discord_rest_cancel(working->bot, working->call);
	DL_DELETE(previews->places, working);
	previews->place_count--;
	free(working);
}

static void signed_done(struct platform *bot, void *owner, uint64_t ticket,
			const struct discord_answer *answer)
{
	struct working *working = owner;

	(void)ticket;
	working->call = 0;
	if (answer->how == DISCORD_LIMITED && answer->retry_ms > WORKING_EVERY_MS)
		working->due_ms = discord_previews_now(bot->previews) + answer->retry_ms;
	working->refused = answer->how == DISCORD_REFUSED || answer->how == DISCORD_AUTH;
}

/* Where the answer will stand, if its thread is open already. */
static snowflake channel_of(const struct working *working)
{
	const struct discord_place place = { .channel = working->place,
					     .message = working->thread,
					     .open_thread = working->thread != 0 };
	snowflake channel = discord_thread_known(working->bot->sends, &place);

	return channel ? channel : working->place;
}

static void give_sign(struct working *working)
{
	char *path = mem_format("/channels/%" PRIu64 "/typing", channel_of(working));

	working->call = discord_rest(
		working->bot, &(struct discord_call){ .method = "POST", .path = path, .droppable = true },
		signed_done, working, 0);
	free(path);
}

/* Text that grows is a sign, too. */
static bool grows(const struct working *working, uint64_t now)
{
	return now >= WORKING_EVERY_MS &&
	       discord_previews_shown_since(working->bot->previews, channel_of(working),
					    now - WORKING_EVERY_MS);
}

static void settle(struct discord_previews *previews, struct working *working)
{
	const struct platform *bot = previews->bot;
	uint64_t now = discord_previews_now(previews);

	if (working->waiters.count == 0 || now - working->begun_ms > WORKING_FOREVER_MS) {
		working_remove(previews, working);
	} else if (!working->call && !working->refused && now >= working->due_ms && !bot->dead &&
		   !bot->disabled && !grows(working, now)) {
		working->due_ms = now + WORKING_EVERY_MS;
		give_sign(working);
	}
}

void discord_working_tick(struct discord_previews *previews)
{
	struct working *working, *next;

	DL_FOREACH_SAFE(previews->places, working, next)
	settle(previews, working);
}

void discord_working_clear(struct discord_previews *previews)
{
	while (previews->places)
		working_remove(previews, previews->places);
}

void discord_working_begin(struct platform *bot, const char *uuid, const struct discord_place *place)
{
	struct discord_previews *previews = bot->previews;
	snowflake thread = place->open_thread ? place->message : 0;
	struct working *working;

	if (place->token || bot->dead)
		return;
	DL_FOREACH (previews->places, working)
		if (working->place == place->channel && working->thread == thread)
			break;
	if (working == NULL) {
		if (previews->place_count >= WORKING_MAX)
			working_remove(previews, previews->places); /* its sign ends by itself */
		working = mem_zero(1, sizeof(*working));
		working->bot = bot;
		working->place = place->channel;
		working->thread = thread;
		working->due_ms = discord_previews_now(previews) + WORKING_WAIT_MS;
		DL_APPEND(previews->places, working);
		previews->place_count++;
		discord_previews_wake(previews);
	}
	working->begun_ms = discord_previews_now(previews);
	waiters_add(&working->waiters, uuid);
}

void discord_working_drop(struct discord_previews *previews, const char *uuid)
{
	struct working *working;

	DL_FOREACH (previews->places, working)
		waiters_drop(&working->waiters, uuid);
}
