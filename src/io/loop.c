/* Timers and posted work on libuv, in the words of loop.h. */
#include "loop.h"
#include "io_room.h"
#include "log.h"
#include "mem.h"
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

struct posted {
	loop_fn *fn;
	void *data;
	struct posted *next;
};

struct loop {
	uv_loop_t *uv;
	uv_async_t wake;
	pthread_mutex_t lock; /* guards the list */
	struct posted *first, **last;
};

struct loop_timer {
	uv_timer_t uv;
	loop_fn *fn;
	void *data;
};

/* uv_now() is CLOCK_MONOTONIC, which stops in suspend: a token would look fresh after a night's sleep. */
uint64_t loop_now_ms(const struct loop *loop)
{
	struct timespec now;

	(void)loop;
	clock_gettime(CLOCK_BOOTTIME, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* Runs what was posted before it began; work that posts more work waits for the next round and starves
 * nobody. */
static void run_posted(uv_async_t *wake)
{
	struct loop *loop = wake->data;
	struct posted *work, *next;

	pthread_mutex_lock(&loop->lock);
	work = loop->first;
	loop->first = NULL;
	loop->last = &loop->first;
	pthread_mutex_unlock(&loop->lock);
	for (; work != NULL; work = next) {
		next = work->next;
		work->fn(work->data);
		free(work);
	}
}

struct loop *loop_create(uv_loop_t *uv)
{
	struct loop *loop = mem_zero(1, sizeof(*loop));

	loop->uv = uv;
	loop->last = &loop->first;
	pthread_mutex_init(&loop->lock, NULL);
	if (uv_async_init(uv, &loop->wake, run_posted) != 0)
		abort();
	loop->wake.data = loop;
	return loop;
}

void loop_post(struct loop *loop, loop_fn *fn, void *data)
{
	struct posted *work = mem_alloc(sizeof(*work));
	bool was_empty;

	*work = (struct posted){ .fn = fn, .data = data };
	pthread_mutex_lock(&loop->lock);
	was_empty = loop->first == NULL;
	*loop->last = work;
	loop->last = &work->next;
	if (was_empty)
		uv_async_send(&loop->wake);
	pthread_mutex_unlock(&loop->lock);
}

void loop_destroy(struct loop *loop)
{
	uv_close((uv_handle_t *)&loop->wake, NULL);
}

void loop_free(struct loop *loop)
{
	struct posted *next;

	for (struct posted *work = loop->first; work != NULL; work = next) {
		next = work->next;
		free(work);
	}
	pthread_mutex_destroy(&loop->lock);
	free(loop);
}

static void fire(uv_timer_t *uv)
{
	struct loop_timer *timer = uv->data;

	timer->fn(timer->data);
}

struct loop_timer *loop_timer_create(struct loop *loop, loop_fn *fn, void *data)
{
	struct loop_timer *timer = mem_zero(1, sizeof(*timer));

	uv_timer_init(loop->uv, &timer->uv);
	timer->uv.data = timer;
	timer->fn = fn;
	timer->data = data;
	return timer;
}

void loop_timer_start(struct loop_timer *timer, uint64_t delay_ms, uint64_t repeat_ms)
{
	/* libuv counts from the start of the round, which may lie back: without this a timer could fire
	 * early. */
	uv_update_time(timer->uv.loop);
	uv_timer_start(&timer->uv, fire, delay_ms, repeat_ms);
}

void loop_timer_stop(struct loop_timer *timer)
{
	uv_timer_stop(&timer->uv);
}

static void free_timer(uv_handle_t *handle)
{
	free(handle->data);
}

void loop_timer_destroy(struct loop_timer *timer)
{
	if (timer != NULL)
		uv_close((uv_handle_t *)&timer->uv, free_timer);
}
