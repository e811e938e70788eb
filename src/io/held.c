/* Requests that wait for a decision, by id; the oldest is the first. */
#include "held.h"
#include "loop.h"
#include "mem.h"
#include <stdio.h>
#include <stdlib.h>

#define HASH_FUNCTION HASH_FNV /* the default falls through cases without a mark that clang knows */
#include <uthash.h>

enum { RETRY_MS = 1000, ENDING_RETRY_MS = 5000 };

struct held {
	uint64_t id, deadline;
	UT_hash_handle hh;
};

struct web_held {
	struct web *web;
	struct loop *loop;
	struct loop_timer *timer; /* to the oldest one's deadline */
	struct held *all;
	unsigned patience_ms;
	size_t most;
};

void web_answer_later(struct web_request *request, unsigned retry_ms)
{
	char seconds[16];

	snprintf(seconds, sizeof(seconds), "%u",
		 retry_ms > RETRY_MS ? retry_ms / 1000 + (retry_ms % 1000 > 0) : 1);
	web_add_header(request, "retry-after", seconds);
	web_answer_error(request, 503, "UNAVAILABLE", "not taken; send it again");
}

static struct web_request *forget(struct web_held *held, struct held *one)
{
	struct web_request *request = web_find(held->web, one->id);

	/* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): it takes itself out of the table */
	HASH_DEL(held->all, one);
	free(one);
	return request;
}

/* The other side would give up soon and send again; by then it may be stored, and is recognised. */
static void on_deadline(void *data)
{
	struct web_held *held = data;
	uint64_t now = loop_now_ms(held->loop);
	struct held *one, *next;

	for (one = held->all; one != NULL && one->deadline <= now; one = next) {
		struct web_request *request;

		next = one->hh.next;
		request = forget(held, one);
		if (request != NULL)
			web_answer_later(request, RETRY_MS);
	}
	if (one != NULL)
		loop_timer_start(held->timer, one->deadline - now, 0);
}

bool web_held_add(struct web_held *held, struct web_request *request)
{
	struct held *one;

	if (HASH_COUNT(held->all) >= held->most) {
		web_answer_later(request, RETRY_MS);
		return false;
	}
	if (held->all == NULL)
		loop_timer_start(held->timer, held->patience_ms, 0);
	one = mem_zero(1, sizeof(*one));
	one->id = web_id(request);
	one->deadline = loop_now_ms(held->loop) + held->patience_ms;
	HASH_ADD(hh, held->all, id, sizeof(one->id), one);
	return true;
}

struct web_request *web_held_take(struct web_held *held, uint64_t id)
{
	struct held *one;

	HASH_FIND(hh, held->all, &id, sizeof(id), one);
	return one != NULL ? forget(held, one) : NULL;
}

struct web_held *web_held_create(struct web *web, struct loop *loop, unsigned patience_ms, size_t most)
{
	struct web_held *held = mem_zero(1, sizeof(*held));

	held->web = web;
	held->loop = loop;
	held->patience_ms = patience_ms;
	held->most = most;
	held->timer = loop_timer_create(loop, on_deadline, held);
	return held;
}

void web_held_destroy(struct web_held *held)
{
	struct held *one, *next;

	if (held == NULL)
		return;
	one = held->all;
	HASH_CLEAR(hh, held->all);
	for (; one != NULL; one = next) {
		struct web_request *request = web_find(held->web, one->id);

		next = one->hh.next;
		free(one);
		if (request != NULL)
			web_answer_later(request, ENDING_RETRY_MS);
	}
	loop_timer_destroy(held->timer);
	free(held);
}
