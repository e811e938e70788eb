/* Whose turn it is: calls of one bucket and major parameter go one after the other, buckets take turns, and what the
 * platform says of a bucket is kept (sheet 13). */
#include "mem.h"
#include "rest_room.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

static uint64_t now_of(const struct discord_lanes *lanes)
{
	return loop_now_ms(lanes->bot->host->loop);
}

static uint64_t longer(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

static uint64_t until(uint64_t at, uint64_t now_ms)
{
	return at > now_ms ? at - now_ms : 0;
}

/* ---- lanes --------------------------------------------------------------------------------------------- */

static uint64_t lane_wait(const struct rest_lane *lane, uint64_t now_ms, int kept)
{
	uint64_t wait = until(lane->paused_until, now_ms);

	/* A bucket of one would never let through what can be dropped. */
	if (lane->limit >= 0 && lane->limit <= kept)
		kept = 0;
	if (lane->remaining >= 0 && lane->remaining <= kept)
		wait = longer(wait, until(lane->reset_at, now_ms));
	return wait;
}

static bool rests(const struct rest_lane *lane, uint64_t now_ms)
{
	return lane->waiting == NULL && lane->running == 0 && lane_wait(lane, now_ms, 0) == 0;
}

static void forget(struct discord_lanes *lanes, struct rest_lane *lane)
{
	/* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): it takes itself out of the table */
	HASH_DEL(lanes->lanes, lane);
	free(lane);
}

static void sweep(struct discord_lanes *lanes)
{
	struct rest_lane *lane, *next;
	uint64_t now = now_of(lanes);

	HASH_ITER (hh, lanes->lanes, lane, next)
		if (rests(lane, now))
			forget(lanes, lane);
}

static struct rest_lane *lane_of(struct discord_lanes *lanes, const struct rest_call *call)
{
	const char *bucket = call->route->hash[0] ? call->route->hash : call->route->key;
	char *key = mem_format("%s|%s", bucket, call->name.major);
	struct rest_lane *lane;

	HASH_FIND_STR(lanes->lanes, key, lane);
	if (lane == NULL) {
		if (HASH_COUNT(lanes->lanes) >= REST_LANES_SWEPT)
			sweep(lanes);
		lane = mem_zero(1, sizeof(*lane) + strlen(key) + 1);
		memcpy(lane->key, key, strlen(key) + 1);
		lane->limit = lane->remaining = -1;
		HASH_ADD_STR(lanes->lanes, key, lane);
	}
	free(key);
	return lane;
}

static struct rest_route *route_of(struct discord_lanes *lanes, const char *key)
{
	struct rest_route *route;

	HASH_FIND_STR(lanes->routes, key, route);
	if (route == NULL) {
		route = mem_zero(1, sizeof(*route) + strlen(key) + 1);
		memcpy(route->key, key, strlen(key) + 1);
		HASH_ADD_STR(lanes->routes, key, route);
	}
	return route;
}

void rest_buckets_place(struct rest_call *call)
{
	call->route = route_of(call->lanes, call->name.route);
	call->lane = lane_of(call->lanes, call);
}

void rest_buckets_finish(struct discord_lanes *lanes)
{
	struct rest_route *route = lanes->routes, *next_route;
	struct rest_lane *lane = lanes->lanes, *next_lane;

	HASH_CLEAR(hh, lanes->routes);
	for (; route != NULL; route = next_route) {
		next_route = route->hh.next;
		free(route);
	}
	HASH_CLEAR(hh, lanes->lanes);
	for (; lane != NULL; lane = next_lane) {
		next_lane = lane->hh.next;
		free(lane);
	}
}

/* ---- waiting ------------------------------------------------------------------------------------------- */

uint64_t rest_buckets_wait(const struct rest_call *call, uint64_t now_ms)
{
	const struct discord_lanes *lanes = call->lanes;
	uint64_t wait = lane_wait(call->lane, now_ms, call->droppable ? REST_KEPT : 0);

	wait = longer(wait, until(lanes->blocked_until, now_ms));
	if (!call->no_token)
		wait = longer(wait, pace_wait(&lanes->pace, now_ms, 0));
	if (rest_invalid_recent(lanes, now_ms) >= REST_INVALID_STOP)
		wait = longer(wait, REST_INVALID_SLOT_MS);
	return wait;
}

bool rest_buckets_full(const struct discord_lanes *lanes, size_t bytes)
{
	return lanes->waiting_count >= REST_WAITING_MAX || bytes > REST_WAITING_BYTES - lanes->waiting_bytes;
}

static int by_age(const struct rest_call *a, const struct rest_call *b)
{
	return a->id < b->id ? -1 : a->id > b->id;
}

void rest_buckets_add(struct rest_call *call)
{
	struct discord_lanes *lanes = call->lanes;
	struct rest_lane *lane = call->lane;

	call->state = REST_WAITING;
	if (lane->waiting == NULL)
		DL_APPEND(lanes->turns, lane);
	if (lane->waiting == NULL || lane->waiting->prev->id < call->id)
		DL_APPEND(lane->waiting, call);
	else
		DL_INSERT_INORDER(lane->waiting, call, by_age);
	lanes->waiting_count++;
	lanes->waiting_bytes += call->body_len + call->file_len;
}

void rest_buckets_remove(struct rest_call *call)
{
	struct discord_lanes *lanes = call->lanes;
	struct rest_lane *lane = call->lane;

	DL_DELETE(lane->waiting, call);
	if (lane->waiting == NULL)
		DL_DELETE(lanes->turns, lane);
	lanes->waiting_count--;
	lanes->waiting_bytes -= call->body_len + call->file_len;
}

/* Its lane goes to the end of the line. */
static struct rest_call *begin(struct discord_lanes *lanes, struct rest_lane *lane, uint64_t now_ms)
{
	struct rest_call *call = lane->waiting;

	rest_buckets_remove(call);
	if (lane->waiting != NULL) {
		DL_DELETE(lanes->turns, lane);
		DL_APPEND(lanes->turns, lane);
	}
	if (!call->no_token)
		pace_take(&lanes->pace, now_ms);
	call->state = REST_RUNNING;
	lane->running++;
	return call;
}

struct rest_call *rest_buckets_next(struct discord_lanes *lanes, uint64_t now_ms, uint64_t *wait_out)
{
	struct rest_lane *lane;

	*wait_out = UINT64_MAX;
	DL_FOREACH (lanes->turns, lane) {
		uint64_t wait;

		if (lane->running > 0)
			continue;
		wait = rest_buckets_wait(lane->waiting, now_ms);
		if (wait == 0)
			return begin(lanes, lane, now_ms);
		if (wait < *wait_out)
			*wait_out = wait;
	}
	return NULL;
}

struct rest_call *rest_buckets_late(struct discord_lanes *lanes, uint64_t now_ms, uint64_t *wait_out)
{
	struct rest_lane *lane;
	struct rest_call *call;

	*wait_out = UINT64_MAX;
	DL_FOREACH (lanes->turns, lane) {
		DL_FOREACH (lane->waiting, call) {
			if (call->deadline <= now_ms) {
				rest_buckets_remove(call);
				return call;
			}
			if (call->deadline - now_ms < *wait_out)
				*wait_out = call->deadline - now_ms;
		}
	}
	return NULL;
}

void rest_buckets_done(struct rest_call *call)
{
	call->lane->running--;
	call->lane = NULL;
}

/* ---- what answers tell us ------------------------------------------------------------------------------ */

/* Which bucket a route belongs to came out after calls had lined up by route: all of them move, those under way, too, or
 * later ones would overtake them. */
static void move_calls(struct discord_lanes *lanes, const struct rest_route *route)
{
	struct rest_call *call;

	for (call = lanes->calls; call != NULL; call = call->hh.next) {
		struct rest_lane *to;

		if (call->route != route || call->lane == NULL)
			continue;
		to = lane_of(lanes, call);
		if (to == call->lane)
			continue;
		if (call->state == REST_WAITING) {
			rest_buckets_remove(call);
			call->lane = to;
			rest_buckets_add(call);
		} else {
			call->lane->running--;
			call->lane = to;
			to->running++;
		}
	}
}

static bool plausible_hash(const char *hash)
{
	size_t len = strlen(hash);

	return len > 0 && len <= REST_HASH_MAX &&
	       strspn(hash, "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_:.") == len;
}

static bool number(const struct http_answer *http, const char *name, double *value_out)
{
	const char *text = http_header(http, name);
	char *end;

	if (text == NULL || *text == '\0' || strspn(text, "0123456789.") != strlen(text))
		return false;
	*value_out = strtod(text, &end);
	return *end == '\0' && isfinite(*value_out);
}

static int small(double value)
{
	return value > 1000000 ? 1000000 : (int)value;
}

void rest_buckets_learn(struct rest_call *call, const struct http_answer *http)
{
	struct discord_lanes *lanes = call->lanes;
	const char *hash = http_header(http, "x-ratelimit-bucket");
	double limit, remaining, reset_s;

	if (hash != NULL && plausible_hash(hash) && strcmp(hash, call->route->hash) != 0) {
		memcpy(call->route->hash, hash, strlen(hash) + 1);
		move_calls(lanes, call->route);
	}
	if (!number(http, "x-ratelimit-remaining", &remaining) ||
	    !number(http, "x-ratelimit-reset-after", &reset_s))
		return;
	call->lane->limit = number(http, "x-ratelimit-limit", &limit) ? small(limit) : -1;
	call->lane->remaining = small(remaining);
	if (reset_s > REST_RESET_MAX_MS / 1000.0)
		reset_s = REST_RESET_MAX_MS / 1000.0;
	call->lane->reset_at = now_of(lanes) + (uint64_t)ceil(reset_s * 1000) + REST_MORE_MS;
}
