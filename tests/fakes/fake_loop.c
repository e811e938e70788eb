/* The loop of the unit tests: rounds and time under the test's hand. */
#include "fake_loop.h"
#include "mem.h"
#include <assert.h>
#include <stdbool.h>
#include <stdlib.h>
#include <utlist.h>

struct posted {
	loop_fn *fn;
	void *data;
	struct posted *prev, *next;
};

struct loop_timer {
	struct loop *loop;
	loop_fn *fn;
	void *data;
	bool runs;
	uint64_t at, repeat;
	struct loop_timer *prev, *next;
};

struct loop {
	uint64_t now;
	struct posted *posted;
	struct loop_timer *timers;
};

struct loop *fake_loop_create(void)
{
	struct loop *loop = mem_zero(1, sizeof(*loop));

	loop->now = 1000;
	return loop;
}

void fake_loop_destroy(struct loop *loop)
{
	assert(loop->posted == NULL);
	assert(loop->timers == NULL);
	free(loop);
}

void fake_loop_run(struct loop *loop)
{
	while (loop->posted) {
		struct posted *posted = loop->posted;

		DL_DELETE(loop->posted, posted);
		posted->fn(posted->data);
		free(posted);
	}
}

static struct loop_timer *due_timer(struct loop *loop)
{
	struct loop_timer *timer;

	DL_FOREACH (loop->timers, timer) {
		if (timer->runs && timer->at <= loop->now)
			return timer;
	}
	return NULL;
}

void fake_loop_pass(struct loop *loop, uint64_t ms)
{
	uint64_t end = loop->now + ms;
	struct loop_timer *timer;

	while (loop->now < end) {
		loop->now += end - loop->now < 10 ? end - loop->now : 10;
		while ((timer = due_timer(loop))) {
			timer->runs = timer->repeat > 0;
			timer->at = loop->now + timer->repeat;
			timer->fn(timer->data);
			fake_loop_run(loop);
		}
	}
}

uint64_t loop_now_ms(const struct loop *loop)
{
	return loop->now;
}

void loop_post(struct loop *loop, loop_fn *fn, void *data)
{
	struct posted *posted = mem_zero(1, sizeof(*posted));

	posted->fn = fn;
	posted->data = data;
	DL_APPEND(loop->posted, posted);
}

struct loop_timer *loop_timer_create(struct loop *loop, loop_fn *fn, void *data)
{
	struct loop_timer *timer = mem_zero(1, sizeof(*timer));

	timer->loop = loop;
	timer->fn = fn;
	timer->data = data;
	DL_APPEND(loop->timers, timer);
	return timer;
}

void loop_timer_start(struct loop_timer *timer, uint64_t delay_ms, uint64_t repeat_ms)
{
	timer->runs = true;
	timer->at = timer->loop->now + delay_ms;
	timer->repeat = repeat_ms;
}

void loop_timer_stop(struct loop_timer *timer)
{
	timer->runs = false;
}

void loop_timer_destroy(struct loop_timer *timer)
{
	if (timer == NULL)
		return;
	DL_DELETE(timer->loop->timers, timer);
	free(timer);
}
