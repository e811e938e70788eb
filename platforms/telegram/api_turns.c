/* Whose turn it is: calls of one chat go one after the other, chats take turns, and the paces of chat and bot are kept
 * (sheet 8). */
#include "api_room.h"
#include "mem.h"
#include <stdlib.h>
#include <utlist.h>

static bool rests(const struct api_chat *chat, uint64_t now_ms)
{
	return chat->waiting == NULL && chat->running == 0 && pace_rested(&chat->second, now_ms) &&
	       pace_rested(&chat->minute, now_ms);
}

static void forget(struct telegram_lanes *lanes, struct api_chat *chat)
{
	/* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): it takes itself out of the table */
	HASH_DEL(lanes->chats, chat);
	free(chat);
}

static uint64_t now_of(const struct telegram_lanes *lanes)
{
	return loop_now_ms(lanes->bot->host->loop);
}

static struct api_chat *new_chat(struct telegram_lanes *lanes, int64_t id)
{
	struct api_chat *chat, *next;
	uint64_t now = now_of(lanes);

	if (HASH_COUNT(lanes->chats) >= API_CHATS_SWEPT) {
		HASH_ITER (hh, lanes->chats, chat, next)
			if (rests(chat, now))
				forget(lanes, chat);
	}
	chat = mem_zero(1, sizeof(*chat));
	chat->id = id;
	chat->second.burst = chat->minute.burst = 1; /* no pace of its own */
	if (id != 0)
		chat->second = (struct pace){ .interval_ms = API_CHAT_MS, .burst = API_CHAT_BURST };
	HASH_ADD(hh, lanes->chats, id, sizeof(chat->id), chat);
	return chat;
}

struct api_chat *telegram_turns_chat(struct telegram_lanes *lanes, int64_t id, bool group)
{
	struct api_chat *chat;

	HASH_FIND(hh, lanes->chats, &id, sizeof(id), chat);
	if (chat == NULL)
		chat = new_chat(lanes, id);
	if (group && id != 0) {
		chat->minute.interval_ms = API_GROUP_MS;
		chat->minute.burst = API_GROUP_BURST;
	}
	return chat;
}

void telegram_turns_done(struct telegram_lanes *lanes, struct api_chat *chat)
{
	chat->running--;
	if (rests(chat, now_of(lanes)))
		forget(lanes, chat);
}

static uint64_t longer(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

uint64_t telegram_turns_wait(const struct telegram_lanes *lanes, const struct api_chat *chat, uint64_t now_ms,
			     unsigned kept)
{
	unsigned ahead = chat->waiting_count;
	uint64_t second = pace_wait(&chat->second, now_ms, ahead + (kept > 0 ? API_CHAT_KEPT : 0));
	uint64_t minute = pace_wait(&chat->minute, now_ms, ahead + kept);

	return longer(longer(second, minute), pace_wait(&lanes->pace, now_ms, 0));
}

bool telegram_turns_blocked(const struct api_chat *chat)
{
	return chat->id != 0 && chat->running > 0;
}

bool telegram_turns_full(const struct telegram_lanes *lanes, size_t bytes)
{
	return lanes->waiting_count >= API_WAITING_MAX || bytes > API_WAITING_BYTES - lanes->waiting_bytes;
}

void telegram_turns_add(struct api_call *call)
{
	struct telegram_lanes *lanes = call->lanes;
	struct api_chat *chat = call->chat;

	call->state = API_WAITING;
	if (chat->waiting == NULL)
		DL_APPEND(lanes->turns, chat);
	DL_APPEND(chat->waiting, call);
	chat->waiting_count++;
	lanes->waiting_count++;
	lanes->waiting_bytes += call->body_len + call->file_len;
}

void telegram_turns_remove(struct api_call *call)
{
	struct telegram_lanes *lanes = call->lanes;
	struct api_chat *chat = call->chat;

	DL_DELETE(chat->waiting, call);
	if (chat->waiting == NULL)
		DL_DELETE(lanes->turns, chat);
	chat->waiting_count--;
	lanes->waiting_count--;
	lanes->waiting_bytes -= call->body_len + call->file_len;
}

/* Its chat goes to the end of the line. */
static struct api_call *begin(struct telegram_lanes *lanes, struct api_chat *chat, uint64_t now_ms)
{
	struct api_call *call = chat->waiting;

	telegram_turns_remove(call);
	if (chat->waiting != NULL) {
		DL_DELETE(lanes->turns, chat);
		DL_APPEND(lanes->turns, chat);
	}
	pace_take(&lanes->pace, now_ms);
	pace_take(&chat->second, now_ms);
	pace_take(&chat->minute, now_ms);
	call->holds_chat = true; /* NOLINT(clang-analyzer-core.NullDereference): who is in line has a call */
	chat->running++;
	return call;
}

struct api_call *telegram_turns_next(struct telegram_lanes *lanes, uint64_t now_ms, uint64_t *wait_out)
{
	uint64_t of_bot = pace_wait(&lanes->pace, now_ms, 0);
	struct api_chat *chat;

	*wait_out = UINT64_MAX;
	DL_FOREACH (lanes->turns, chat) {
		uint64_t wait =
			longer(pace_wait(&chat->second, now_ms, 0), pace_wait(&chat->minute, now_ms, 0));

		wait = longer(wait, of_bot);
		if (telegram_turns_blocked(chat))
			continue;
		if (wait == 0)
			return begin(lanes, chat, now_ms);
		if (wait < *wait_out)
			*wait_out = wait;
	}
	return NULL;
}

struct api_call *telegram_turns_late(struct telegram_lanes *lanes, uint64_t now_ms, uint64_t *wait_out)
{
	struct api_chat *chat;
	struct api_call *call;

	*wait_out = UINT64_MAX;
	DL_FOREACH (lanes->turns, chat) {
		DL_FOREACH (chat->waiting, call) {
			if (call->deadline <= now_ms) {
				telegram_turns_remove(call);
				return call;
			}
			if (call->deadline - now_ms < *wait_out)
				*wait_out = call->deadline - now_ms;
		}
	}
	return NULL;
}

void telegram_turns_pause(struct telegram_lanes *lanes, struct api_chat *chat, uint64_t now_ms, uint64_t ms)
{
	unsigned limited = 0;

	pace_pause(&chat->second, now_ms, ms);
	chat->limited_at = now_ms;
	for (const struct api_chat *one = lanes->chats; one != NULL; one = one->hh.next)
		limited += one->limited_at != 0 && now_ms - one->limited_at < API_LIMITED_MS;
	if (limited >= API_LIMITED_CHATS)
		pace_pause(&lanes->pace, now_ms, ms);
}
