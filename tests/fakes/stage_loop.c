#include "stage_loop.h"
#include "mem.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

enum { TIMERS = 64 };

struct loop_timer {
	struct loop *loop;
	loop_fn *fn;
	void *data;
	bool runs;
	uint64_t at, repeat;
};

/* The loop's handle carries nothing, so the time stands here. */
struct loop {
	uint64_t now;
	struct loop_timer *timers[TIMERS];
};

static struct loop the_loop;

uint64_t in_loop_now_ms(const struct loop *loop);
struct loop_timer *in_loop_timer_create(struct loop *loop, loop_fn *fn, void *data);
void in_loop_timer_start(struct loop_timer *timer, uint64_t delay_ms, uint64_t repeat_ms);
void in_loop_timer_stop(struct loop_timer *timer);
void in_loop_timer_destroy(struct loop_timer *timer);

uint64_t in_loop_now_ms(const struct loop *loop)
{
	return loop->now;
}

struct loop_timer *in_loop_timer_create(struct loop *loop, loop_fn *fn, void *data)
{
	struct loop_timer *timer = mem_zero(1, sizeof(*timer));
	size_t free_one = 0;

	*timer = (struct loop_timer){ .loop = loop, .fn = fn, .data = data };
	while (loop->timers[free_one])
		free_one++;
	assert_true(free_one < TIMERS);
	loop->timers[free_one] = timer;
	return timer;
}

void in_loop_timer_start(struct loop_timer *timer, uint64_t delay_ms, uint64_t repeat_ms)
{
	timer->runs = true;
	timer->at = timer->loop->now + delay_ms;
	timer->repeat = repeat_ms;
}

void in_loop_timer_stop(struct loop_timer *timer)
{
	timer->runs = false;
}

void in_loop_timer_destroy(struct loop_timer *timer)
{
	for (size_t i = 0; timer && i < TIMERS; i++)
		if (timer->loop->timers[i] == timer)
			timer->loop->timers[i] = NULL;
	free(timer);
}

static struct loop_timer *next_timer(uint64_t until)
{
	struct loop_timer *first = NULL;

	for (size_t i = 0; i < TIMERS; i++) {
		struct loop_timer *timer = the_loop.timers[i];

		if (timer && timer->runs && timer->at <= until && (!first || timer->at < first->at))
			first = timer;
	}
	return first;
}

void stage_loop_pass(uint64_t ms)
{
	uint64_t until = the_loop.now + ms;
	struct loop_timer *timer;

	while ((timer = next_timer(until))) {
		the_loop.now = timer->at > the_loop.now ? timer->at : the_loop.now;
		timer->runs = timer->repeat > 0;
		timer->at = the_loop.now + timer->repeat;
		timer->fn(timer->data);
	}
	the_loop.now = until;
}

uint64_t stage_loop_now(void)
{
	return the_loop.now;
}

struct loop *stage_loop_open(void)
{
	the_loop = (struct loop){ .now = 1000 };
	return &the_loop;
}

void stage_loop_close(void)
{
	for (size_t i = 0; i < TIMERS; i++)
		assert_null(the_loop.timers[i]);
}
