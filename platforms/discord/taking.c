/* Events between the gateway and the core: each is kept from the moment it was handed over until it is taken, and handed
 * over again when it could not be stored. What is in one channel is kept in order; other channels go on. */
#include "clock.h"
#include "gateway_room.h"
#include "mem.h"
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

enum { AGAIN_LEAST_MS = 10, AGAIN_MOST_MS = 60000 };

static uint64_t now_of(const struct shard *shard)
{
	return loop_now_ms(shard->gateway->bot->host->loop);
}

static struct held_event *find(const struct shard *shard, uint64_t number)
{
	struct held_event *held;

	DL_SEARCH_SCALAR(shard->held, held, event.number, number);
	return held;
}

static void drop(struct shard *shard, struct held_event *held)
{
	DL_DELETE(shard->held, held);
	shard->held_count--;
	shard->held_bytes -= held->d_len;
	free(held->d);
	free(held);
}

bool discord_taking_full(const struct shard *shard)
{
	return shard->held_count >= GATEWAY_HELD || shard->held_bytes >= GATEWAY_HELD_MAX;
}

/* Something of the same channel came before and could not be stored yet. */
static bool blocked(const struct shard *shard, const struct held_event *held)
{
	const struct held_event *before;

	if (held->channel == 0)
		return false;
	DL_FOREACH (shard->held, before) {
		if (before == held)
			return false;
		if (before->channel == held->channel && before->waited)
			return true;
	}
	return false;
}

static void arm(struct shard *shard)
{
	uint64_t now = now_of(shard), due = UINT64_MAX;
	const struct held_event *held;

	if (!shard->gateway->wanted)
		return;
	DL_FOREACH (shard->held, held) {
		if (held->state == TAKING_WAITS && held->due < due && !blocked(shard, held))
			due = held->due;
	}
	if (due != UINT64_MAX)
		loop_timer_start(shard->again, due > now ? due - now : 1, 0);
}

/* An answer that speaks to a person must not wait behind one that can't be stored: interactions expire in seconds. */
static snowflake channel_of(const char *name, const json_t *d)
{
	return strcmp(name, "INTERACTION_CREATE") == 0 ? 0 : snowflake_read(json_object_get(d, "channel_id"));
}

static void keep_text(struct shard *shard, struct held_event *held, const struct gateway_frame *frame)
{
	struct buf text = { 0 };

	if (frame->d == NULL)
		return;
	discord_frame_trim(&text, frame->name, frame->d, frame->d_len);
	held->d_len = text.len;
	held->d = buf_take(&text);
	shard->held_bytes += held->d_len;
}

static struct held_event *add(struct shard *shard, const struct gateway_frame *frame)
{
	struct held_event *held = mem_zero(1, sizeof(*held));

	held->event = (struct discord_event){ .shard = shard->id,
					      .number = ++shard->gateway->last_number,
					      .seq = frame->has_seq ? frame->seq : shard->seq + 1 };
	held->life = shard->life;
	held->came_ms = clock_wall_ms();
	snprintf(held->name, sizeof(held->name), "%s", frame->name);
	DL_APPEND(shard->held, held);
	shard->held_count++;
	return held;
}

/* While it is handed over, it may be taken, and with it goes what held it. */
static void hand_over(struct shard *shard, struct held_event *held, const json_t *d)
{
	struct discord_event event = held->event;
	char name[GATEWAY_NAME_SIZE];

	held->state = TAKING_GIVEN;
	memcpy(name, held->name, sizeof(name));
	discord_take(shard->gateway->bot, &event, name, d);
}

bool discord_taking_give(struct shard *shard, const struct gateway_frame *frame)
{
	struct held_event *held;
	struct err err = { 0 };
	json_t *d = NULL;
	uint64_t number;

	if (discord_taking_full(shard))
		return false;
	if (frame->d != NULL)
		d = discord_frame_value(frame->name, frame->d, frame->d_len, &err);
	if (frame->d != NULL && d == NULL) {
		log_error(shard->gateway->bot->host->log,
			  "shard %u: event %s can't be read and is left out: %s", shard->id, frame->name,
			  err.text);
		return true;
	}
	held = add(shard, frame);
	number = held->event.number;
	held->channel = channel_of(frame->name, d);
	if (blocked(shard, held)) {
		held->waited = true;
		held->state = TAKING_WAITS;
	} else {
		hand_over(shard, held, d);
	}
	json_decref(d);
	held = find(shard, number);
	if (held != NULL)
		keep_text(shard, held, frame);
	return true;
}

/* ---- again ------------------------------------------------------------------------------------------------------- */

static void hand_over_again(struct shard *shard, struct held_event *held)
{
	json_t *d = held->d != NULL ? json_read(held->d, held->d_len, NULL) : NULL;

	hand_over(shard, held, d);
	json_decref(d);
}

void discord_taking_hand_over(struct shard *shard)
{
	uint64_t *numbers = mem_alloc((shard->held_count + 1) * sizeof(*numbers)), now = now_of(shard);
	const struct held_event *held;
	size_t count = 0;

	DL_FOREACH (shard->held, held) {
		if (held->state == TAKING_WAITS && held->due <= now && !blocked(shard, held))
			numbers[count++] = held->event.number;
	}
	for (size_t i = 0; i < count; i++) {
		struct held_event *next = find(shard, numbers[i]);

		if (next != NULL && next->state == TAKING_WAITS && shard->gateway->wanted)
			hand_over_again(shard, next);
	}
	free(numbers);
	arm(shard);
}

static void taken(struct shard *shard, struct held_event *held)
{
	bool waited = held->waited;

	drop(shard, held);
	if (waited && shard->gateway->wanted)
		loop_timer_start(shard->again, 1, 0); /* the next of its channel may go */
	if (shard->held_count <= GATEWAY_HELD / 2 && shard->held_bytes <= GATEWAY_HELD_MAX / 2)
		discord_shard_resume_reading(shard);
	discord_position_moved(shard);
}

void discord_taken(struct platform *bot, const struct discord_event *event, unsigned again_ms)
{
	struct shard *shard = bot->gateway != NULL ? discord_gateway_shard(bot->gateway, event->shard) : NULL;
	struct held_event *held = shard != NULL ? find(shard, event->number) : NULL;

	if (held == NULL)
		return; /* of an earlier start: it came again or will */
	if (again_ms == 0) {
		taken(shard, held);
		return;
	}
	held->state = TAKING_WAITS;
	held->waited = true;
	held->due = now_of(shard) + (again_ms < AGAIN_LEAST_MS	? AGAIN_LEAST_MS
				     : again_ms > AGAIN_MOST_MS ? AGAIN_MOST_MS
								: again_ms);
	arm(shard);
}

void discord_taking_forget(struct shard *shard)
{
	loop_timer_stop(shard->again);
	while (shard->held != NULL)
		drop(shard, shard->held);
}
