/* "typing" while messages wait for their answer (sheet 6.7): one sign for a place, repeated until none waits there. */
#include "mem.h"
#include "previews.h"
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

static void working_remove(struct telegram_previews *previews, struct working *working)
{
	if (working->api)
		telegram_api_cancel(working->bot, working->api);
	DL_DELETE(previews->places, working);
	previews->place_count--;
	free(working);
}

static void signed_done(struct platform *bot, void *owner, uint64_t ticket,
			const struct telegram_answer *answer)
{
	struct working *working = owner;

	(void)ticket;
	working->api = 0;
	if (answer->how == TELEGRAM_LIMITED && answer->retry_ms > WORKING_EVERY_MS)
		working->due_ms = previews_now(bot->previews) + answer->retry_ms;
	working->refused = answer->how == TELEGRAM_REFUSED || answer->how == TELEGRAM_AUTH;
}

static void give_sign(struct working *working)
{
	const struct telegram_place *place = &working->place;
	json_t *args = json_pack("{s:I, s:s}", "chat_id", (json_int_t)place->chat, "action", "typing");
	struct telegram_call call = { .method = "sendChatAction",
				      .args = args,
				      .chat = place->chat,
				      .group = !place->private,
				      .droppable = true };

	if (place->topic)
		json_object_set_new(args, "message_thread_id", json_integer(place->topic));
	working->api = telegram_api(working->bot, &call, signed_done, working, 0);
}

/* Text that grows is a sign, too. */
static void settle(struct telegram_previews *previews, struct working *working)
{
	unsigned every = working->place.private ? WORKING_EVERY_MS : WORKING_GROUP_MS;
	uint64_t now = previews_now(previews);

	if (working->waiters.count == 0 || now - working->begun_ms > WORKING_FOREVER_MS) {
		working_remove(previews, working);
	} else if (!working->api && !working->refused && now >= working->due_ms && !previews->bot->dead &&
		   !previews->bot->disabled) {
		working->due_ms = now + every;
		if (now < every || !previews_shown_since(previews, &working->place, now - every))
			give_sign(working);
	}
}

void working_tick(struct telegram_previews *previews)
{
	struct working *working, *next;

	DL_FOREACH_SAFE(previews->places, working, next)
	settle(previews, working);
}

void working_clear(struct telegram_previews *previews)
{
	while (previews->places)
		working_remove(previews, previews->places);
}

/* ---- beginning and end ------------------------------------------------------------------------------------------ */

static struct working *find(const struct telegram_previews *previews, const struct telegram_place *place)
{
	struct working *working;

	DL_FOREACH (previews->places, working)
		if (working->place.chat == place->chat && working->place.topic == place->topic)
			return working;
	return NULL;
}

static struct working *create(struct platform *bot, const struct telegram_place *place)
{
	struct telegram_previews *previews = bot->previews;
	struct working *working = mem_zero(1, sizeof(*working));

	if (previews->place_count >= WORKING_MAX)
		working_remove(previews, previews->places); /* its sign ends by itself */
	working->bot = bot;
	working->place = *place;
	working->begun_ms = previews_now(previews);
	working->due_ms = working->begun_ms + WORKING_WAIT_MS;
	DL_APPEND(previews->places, working);
	previews->place_count++;
	previews_wake(previews);
	return working;
}

/* In channels nobody types (sheet 6.7). */
void telegram_working_begin(struct platform *bot, const char *uuid, const struct telegram_place *place)
{
	struct working *working;

	if ((!place->group && !place->private) || bot->dead || strlen(uuid) >= MESSAGE_UUID_SIZE)
		return;
	working = find(bot->previews, place);
	if (working == NULL)
		working = create(bot, place);
	working->begun_ms = previews_now(bot->previews);
	waiters_add(&working->waiters, uuid);
}

void working_drop(struct telegram_previews *previews, const char *uuid)
{
	struct working *working;

	DL_FOREACH (previews->places, working)
		waiters_drop(&working->waiters, uuid);
}
