/* Who waits for what: the rate of its method, the rate of its lane, and those before it in the same lane. */
#include "api_room.h"
#include "mem.h"
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

struct api_pace_of *slack_api_method_of(struct slack_lanes *lanes, const struct slack_method *method)
{
	struct api_pace_of *found;

	HASH_FIND_PTR(lanes->methods, &method, found);
	if (found != NULL)
		return found;
	found = mem_zero(1, sizeof(*found));
	found->method = method;
	found->pace = slack_method_pace(method);
	HASH_ADD_PTR(lanes->methods, method, found);
	return found;
}

static uint64_t now_of(const struct slack_lanes *lanes)
{
	return loop_now_ms(lanes->workspace->host->loop);
}

static bool lane_rests(const struct api_lane *lane, uint64_t now_ms)
{
	return lane->waiting == 0 && !lane->busy && pace_rested(&lane->posts, now_ms);
}

static void sweep(struct slack_lanes *lanes)
{
	struct api_lane *lane, *next;
	uint64_t now = now_of(lanes);

	HASH_ITER (hh, lanes->lanes, lane, next) {
		if (lane_rests(lane, now)) {
			HASH_DEL(lanes->lanes, lane);
			free(lane);
		}
	}
}

struct api_lane *slack_api_lane_of(struct slack_lanes *lanes, const char *key)
{
	size_t len = strlen(key);
	struct api_lane *lane;

	HASH_FIND(hh, lanes->lanes, key, len, lane);
	if (lane != NULL)
		return lane;
	if (HASH_COUNT(lanes->lanes) >= API_LANES_SWEPT)
		sweep(lanes);
	lane = mem_zero(1, sizeof(*lane) + len + 1);
	memcpy(lane->key, key, len);
	lane->posts = (struct pace){ .interval_ms = API_LANE_MS, .burst = API_LANE_BURST };
	HASH_ADD(hh, lanes->lanes, key[0], len, lane);
	return lane;
}

void slack_api_lane_done(struct slack_lanes *lanes, struct api_lane *lane)
{
	lane->busy = false;
	if (lane_rests(lane, now_of(lanes))) {
		HASH_DEL(lanes->lanes, lane);
		free(lane);
	}
}

uint64_t slack_api_wait(const struct api_call *call, uint64_t now_ms)
{
	uint64_t method = pace_wait(&call->method->pace, now_ms, call->method->waiting), lane = 0;

	if (call->lane != NULL && call->method->method->posts)
		lane = pace_wait(&call->lane->posts, now_ms, call->lane->posting);
	return method > lane ? method : lane;
}

bool slack_api_queue_full(const struct slack_lanes *lanes, size_t bytes)
{
	return lanes->waiting_count >= API_WAITING_MAX || bytes > API_WAITING_BYTES - lanes->waiting_bytes;
}

void slack_api_queue(struct api_call *call)
{
	struct slack_lanes *lanes = call->lanes;

	call->state = API_WAITING;
	DL_APPEND(lanes->waiting, call);
	lanes->waiting_count++;
	lanes->waiting_bytes += call->body.len;
	call->method->waiting++;
	if (call->lane != NULL) {
		call->lane->waiting++;
		call->lane->posting += call->method->method->posts;
	}
}

void slack_api_unqueue(struct api_call *call)
{
	struct slack_lanes *lanes = call->lanes;

	DL_DELETE(lanes->waiting, call);
	lanes->waiting_count--;
	lanes->waiting_bytes -= call->body.len;
	call->method->waiting--;
	if (call->lane != NULL) {
		call->lane->waiting--;
		call->lane->posting -= call->method->method->posts;
	}
}

/* How long this one has to wait for itself and for those before it; UINT64_MAX: until something ends. A lane in which
 * one waits is blocked for all behind it in this round, so that nobody overtakes. */
static uint64_t look(struct api_call *call, uint64_t round, uint64_t now_ms)
{
	struct api_lane *lane = call->lane;
	uint64_t wait, by_lane = 0;

	if (lane != NULL && (lane->busy || lane->blocked == round))
		return UINT64_MAX;
	wait = pace_wait(&call->method->pace, now_ms, 0);
	if (lane != NULL && call->method->method->posts)
		by_lane = pace_wait(&lane->posts, now_ms, 0);
	if (by_lane > wait)
		wait = by_lane;
	if (lane != NULL && wait > 0)
		lane->blocked = round;
	return wait;
}

static void charge(struct api_call *call, uint64_t now_ms)
{
	pace_take(&call->method->pace, now_ms);
	if (call->lane == NULL)
		return;
	call->lane->busy = true;
	if (call->method->method->posts)
		pace_take(&call->lane->posts, now_ms);
}

struct api_call *slack_api_next(struct slack_lanes *lanes, uint64_t now_ms, bool *late_out,
				uint64_t *wait_out)
{
	struct api_call *call;
	uint64_t round = ++lanes->round;

	*wait_out = UINT64_MAX;
	DL_FOREACH (lanes->waiting, call) {
		uint64_t wait = look(call, round, now_ms);

		*late_out = wait > 0 && call->deadline <= now_ms;
		if (wait == 0 || *late_out) {
			slack_api_unqueue(call);
			if (wait == 0)
				charge(call, now_ms);
			return call;
		}
		if (wait > call->deadline - now_ms)
			wait = call->deadline - now_ms;
		if (wait < *wait_out)
			*wait_out = wait;
	}
	return NULL;
}
