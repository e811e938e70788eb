/* Updates between the answer they came with and the moment they are taken. */
#include "mem.h"
#include "poll_room.h"
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

enum { LATER_MS = 1000, LATER_LEAST_MS = 100, LATER_MOST_MS = 60000, FAR_BELOW = 1000 };

static uint64_t now_of(const struct telegram_poll *poll)
{
	return loop_now_ms(poll->bot->host->loop);
}

/* ---- reading ------------------------------------------------------------------------------------------------- */

int64_t telegram_update_chat(const json_t *update)
{
	static const char *const places[] = { "/chat", "/message/chat", "/from", "/user" };
	const char *name;
	json_t *part;

	json_object_foreach ((json_t *)(uintptr_t)update, name, part) {
		for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++) {
			int64_t id = json_int(json_pointer(part, places[i]), "id", 0);

			if (id != 0)
				return id;
		}
	}
	return 0;
}

int64_t telegram_unread_id(const char *text)
{
	static const char start[] = "{\"ok\":true", name[] = "\"update_id\":";
	int64_t id = 0;

	if (strncmp(text, start, sizeof(start) - 1) != 0)
		return 0;
	text = strstr(text, name);
	if (text == NULL)
		return 0;
	for (text += sizeof(name) - 1; *text >= '0' && *text <= '9' && id <= INT32_MAX; text++)
		id = id * 10 + (*text - '0');
	return id <= INT32_MAX ? id : 0;
}

static int by_id(const void *a, const void *b)
{
	int64_t one = json_int(*(json_t *const *)a, "update_id", 0);
	int64_t other = json_int(*(json_t *const *)b, "update_id", 0);

	return one < other ? -1 : one > other;
}

/* ---- what is held ---------------------------------------------------------------------------------------------- */

static bool is_held(const struct telegram_poll *poll, int64_t id)
{
	const struct held_update *held;

	DL_FOREACH (poll->held, held) {
		if (held->id == id)
			return true;
	}
	return false;
}

static void hold(struct telegram_poll *poll, json_t *update, int64_t id)
{
	struct held_update *held = mem_zero(1, sizeof(*held));

	held->id = id;
	held->chat = telegram_update_chat(update);
	held->update = json_incref(update);
	DL_APPEND(poll->held, held);
	poll->held_count++;
}

static void let_go(struct telegram_poll *poll, struct held_update *held)
{
	DL_DELETE(poll->held, held);
	poll->held_count--;
	json_decref(held->update);
	free(held);
}

/* Ids may restart anywhere after a quiet week (sheet 3.2): what counts is the order in which they come. */
static bool add(struct telegram_poll *poll, json_t *update)
{
	int64_t id = json_int(update, "update_id", 0);

	if (id <= 0 || id > INT32_MAX) {
		log_error(poll->bot->host->log, "an update without a usable update_id is left out");
		return false;
	}
	if (is_held(poll, id))
		return false;
	if (poll->newest - id > FAR_BELOW)
		log_info(poll->bot->host->log, "updates start again at %lld, after %lld", (long long)id,
			 (long long)poll->newest);
	poll->newest = id;
	hold(poll, update, id);
	return true;
}

unsigned telegram_batch_add(struct telegram_poll *poll, const json_t *updates)
{
	size_t count = json_array_size(updates);
	json_t **sorted = mem_zero(count + 1, sizeof(json_t *));
	unsigned fresh = 0;

	for (size_t i = 0; i < count; i++)
		sorted[i] = json_array_get(updates, i);
	qsort(sorted, count, sizeof(json_t *), by_id);
	for (size_t i = 0; i < count; i++)
		fresh += add(poll, sorted[i]);
	free(sorted);
	return fresh;
}

/* ---- handing over ------------------------------------------------------------------------------------------------ */

static void pass(struct telegram_poll *poll)
{
	while (poll->held != NULL && poll->held->state == HELD_TAKEN) {
		poll->passed = poll->held->id;
		let_go(poll, poll->held);
	}
}

static uint64_t later(unsigned retry_ms)
{
	if (retry_ms == 0)
		return LATER_MS;
	if (retry_ms < LATER_LEAST_MS)
		return LATER_LEAST_MS;
	return retry_ms > LATER_MOST_MS ? LATER_MOST_MS : retry_ms;
}

/* owner is not used: the poll may have ended meanwhile. */
static void on_taken(struct platform *bot, void *owner, uint64_t ticket, enum telegram_taken how,
		     unsigned retry_ms)
{
	struct telegram_poll *poll = bot->poll;
	struct held_update *held = NULL;

	(void)owner;
	if (poll != NULL)
		HASH_FIND(hh, poll->given, &ticket, sizeof(ticket), held);
	if (held == NULL)
		return;
	HASH_DEL(poll->given, held);
	if (how == TELEGRAM_TAKEN) {
		held->state = HELD_TAKEN;
		json_decref(held->update);
		held->update = NULL;
		pass(poll);
	} else {
		held->state = HELD_WAITS;
		held->due = now_of(poll) + later(retry_ms);
	}
	telegram_poll_moved(poll);
}

static bool in_turn(const struct telegram_poll *poll, const struct held_update *held)
{
	const struct held_update *earlier;

	for (earlier = poll->held; earlier != held; earlier = earlier->next) {
		if (earlier->state == HELD_WAITS && earlier->chat == held->chat)
			return false;
	}
	return true;
}

static void give(struct telegram_poll *poll, struct held_update *held)
{
	held->state = HELD_GIVEN;
	held->ticket = telegram_ticket(poll->bot);
	HASH_ADD(hh, poll->given, ticket, sizeof(held->ticket), held);
	telegram_take(poll->bot, held->update, on_taken, NULL, held->ticket);
}

void telegram_batch_hand_over(struct telegram_poll *poll)
{
	uint64_t now = now_of(poll), next = UINT64_MAX;
	struct held_update *held;

	DL_FOREACH (poll->held, held) {
		if (held->state != HELD_WAITS || !in_turn(poll, held))
			continue;
		if (held->due <= now)
			give(poll, held);
		else if (held->due - now < next)
			next = held->due - now;
	}
	if (next != UINT64_MAX)
		loop_timer_start(poll->again, next, 0);
}

void telegram_batch_forget(struct telegram_poll *poll)
{
	HASH_CLEAR(hh, poll->given);
	while (poll->held != NULL)
		let_go(poll, poll->held);
}
