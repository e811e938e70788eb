/* Keeps the turns of a conversation in order and lets conversations share the slots fairly. */
#include "lane.h"
#include "log.h"
#include "mem.h"
#include "pressure.h"
#include "store_turn.h"
#include "turn.h"
#include <stdlib.h>
#include <utlist.h>

enum { REST_MS = 1000 };

enum lane_state {
	LANE_WAITING,  /* in the line for a slot */
	LANE_CLAIMING, /* has a slot, asked the store for its turn */
	LANE_RUNNING,  /* has a slot, its turn runs */
};

/* Exists only while its conversation waits or runs. */
struct lane {
	int64_t conversation_id;
	enum lane_state state;
	size_t messages; /* known to wait for a later turn */
	bool came_while_ending;
	uint64_t since_ms;	  /* in the line since */
	uint64_t rests_until_ms;  /* more of the same act comes: not claimed before */
	struct lane *prev, *next; /* of the line */
	UT_hash_handle hh;
};

struct lanes {
	struct core *core;
	struct lane *by_id;
	struct lane *line; /* LANE_WAITING, longest waiting first */
	size_t waiting;	   /* in the line */
	size_t messages;   /* in all lanes */
	size_t slots;	   /* taken by lanes and reservations */
	uint64_t hold_ms;  /* the store could not claim: not before this time again */
};

struct lanes *lanes_create(struct core *core)
{
	struct lanes *lanes = mem_zero(1, sizeof(*lanes));

	lanes->core = core;
	return lanes;
}

void lanes_destroy(struct lanes *lanes)
{
	struct lane *lane, *next;

	if (lanes == NULL)
		return;
	lane = lanes->by_id;
	HASH_CLEAR(hh, lanes->by_id);
	for (; lane; lane = next) {
		next = lane->hh.next;
		free(lane);
	}
	free(lanes);
}

static struct lane *find(struct lanes *lanes, int64_t conversation_id)
{
	struct lane *lane;

	HASH_FIND(hh, lanes->by_id, &conversation_id, sizeof(conversation_id), lane);
	return lane;
}

static void set_messages(struct lanes *lanes, struct lane *lane, size_t messages)
{
	lanes->messages += messages - lane->messages;
	lane->messages = messages;
}

static bool takes_slot(enum lane_state state)
{
	return state != LANE_WAITING;
}

/* The only place where a lane's state changes: keeps the line and the slots in step with it. */
static void move(struct lanes *lanes, struct lane *lane, enum lane_state to)
{
	if (lane->state == LANE_WAITING && to != LANE_WAITING) {
		DL_DELETE(lanes->line, lane);
		lanes->waiting--;
	}
	lanes->slots += (size_t)takes_slot(to) - (size_t)takes_slot(lane->state);
	lane->state = to;
	if (to == LANE_WAITING) {
		lane->since_ms = loop_now_ms(lanes->core->options.loop);
		DL_APPEND(lanes->line, lane);
		lanes->waiting++;
	}
}

static struct lane *open_lane(struct lanes *lanes, int64_t conversation_id)
{
	struct lane *lane = mem_zero(1, sizeof(*lane));

	lane->conversation_id = conversation_id;
	HASH_ADD(hh, lanes->by_id, conversation_id, sizeof(lane->conversation_id), lane);
	lane->state = LANE_WAITING;
	lane->since_ms = loop_now_ms(lanes->core->options.loop);
	DL_APPEND(lanes->line, lane);
	lanes->waiting++;
	return lane;
}

static void close_lane(struct lanes *lanes, struct lane *lane)
{
	if (lane->state == LANE_WAITING) {
		DL_DELETE(lanes->line, lane);
		lanes->waiting--;
	} else {
		lanes->slots--;
	}
	set_messages(lanes, lane, 0);
	HASH_DEL(lanes->by_id, lane);
	free(lane);
}

static bool may_begin(const struct lanes *lanes)
{
	const struct core *core = lanes->core;

	return core_may_begin(core) && lanes->slots < core->options.turns_max;
}

bool lanes_reserve(struct lanes *lanes)
{
	if (lanes->line || !may_begin(lanes))
		return false;
	lanes->slots++;
	return true;
}

void lanes_unreserve(struct lanes *lanes)
{
	lanes->slots--;
}

static void add_message(struct lanes *lanes, int64_t conversation_id, uint64_t rests_until_ms)
{
	struct lane *lane = find(lanes, conversation_id);

	if (lane == NULL)
		lane = open_lane(lanes, conversation_id);
	set_messages(lanes, lane, lane->messages + 1);
	lane->came_while_ending = true;
	lane->rests_until_ms = rests_until_ms;
}

void lanes_wait(struct lanes *lanes, int64_t conversation_id)
{
	add_message(lanes, conversation_id, 0);
	lanes_pump(lanes);
}

void lanes_rest(struct lanes *lanes, int64_t conversation_id)
{
	add_message(lanes, conversation_id, loop_now_ms(lanes->core->options.loop) + REST_MS);
}

void lanes_run(struct lanes *lanes, const struct store_turn *turn)
{
	struct lane *lane = find(lanes, turn->conversation_id);

	if (lane == NULL)
		lane = open_lane(lanes, turn->conversation_id);
	set_messages(lanes, lane, lane->messages > turn->count ? lane->messages - turn->count : 0);
	move(lanes, lane, LANE_RUNNING);
	turns_begin(lanes->core->turns, turn);
}

static void back_in_line(struct lanes *lanes, struct lane *lane)
{
	move(lanes, lane, LANE_WAITING);
	lanes->hold_ms = loop_now_ms(lanes->core->options.loop) + CORE_RETRY_MS;
}

static void done_claim(void *owner, uint64_t ticket, const struct err *err, const struct store_turn *turn)
{
	struct lanes *lanes = owner;
	struct lane *lane = find(lanes, (int64_t)ticket);
	bool holds = core_answered(lanes->core, err);

	if (holds && turn) { /* what is claimed is run, whatever happened to the lane meanwhile */
		lanes_run(lanes, turn);
		return;
	}
	if (lane == NULL || lane->state != LANE_CLAIMING)
		return;
	if (holds) {
		close_lane(lanes, lane);
	} else {
		log_warn(lanes->core->log, "conversation %lld: no turn claimed: %s", (long long)ticket,
			 err->text);
		back_in_line(lanes, lane);
	}
	lanes_pump(lanes);
}

static bool rests(const struct lanes *lanes, const struct lane *lane)
{
	return loop_now_ms(lanes->core->options.loop) < lane->rests_until_ms;
}

/* The one that waits longest, of those that may be claimed. */
static struct lane *first_ready(const struct lanes *lanes)
{
	struct lane *lane;

	DL_FOREACH (lanes->line, lane) {
		if (!rests(lanes, lane))
			return lane;
	}
	return NULL;
}

void lanes_pump(struct lanes *lanes)
{
	struct core *core = lanes->core;
	struct lane *lane;

	if (loop_now_ms(core->options.loop) < lanes->hold_ms)
		return;
	while (may_begin(lanes) && (lane = first_ready(lanes))) {
		move(lanes, lane, LANE_CLAIMING);
		core_asking(core);
		store_claim(core->options.store, lane->conversation_id, done_claim, lanes,
			    (uint64_t)lane->conversation_id);
	}
}

bool lanes_ending(struct lanes *lanes, int64_t conversation_id)
{
	struct lane *lane = find(lanes, conversation_id);

	if (lane)
		lane->came_while_ending = false;
	if (lane && rests(lanes, lane))
		return false;
	return lanes->line == NULL && core_may_begin(lanes->core) &&
	       lanes->slots <= lanes->core->options.turns_max;
}

void lanes_ended(struct lanes *lanes, int64_t conversation_id, const struct store_turn *next, bool waiting)
{
	struct lane *lane = find(lanes, conversation_id);

	if (next) {
		lanes_run(lanes, next);
		lane = find(lanes, conversation_id);
	}
	if (lane == NULL)
		return;
	if (!waiting && !lane->came_while_ending)
		set_messages(lanes, lane, 0);
	else if (lane->messages == 0)
		set_messages(lanes, lane, 1);
	if (next)
		return;
	if (lane->messages)
		move(lanes, lane, LANE_WAITING);
	else
		close_lane(lanes, lane);
	lanes_pump(lanes);
}

size_t lanes_conversations(const struct lanes *lanes)
{
	return lanes->waiting;
}

size_t lanes_messages(const struct lanes *lanes)
{
	return lanes->messages;
}

uint64_t lanes_oldest_ms(const struct lanes *lanes)
{
	return lanes->line ? loop_now_ms(lanes->core->options.loop) - lanes->line->since_ms : 0;
}
