/* How rooms wait without knowing the event loop: timers, work from other threads, work for later. */
#ifndef USHER_LOOP_H
#define USHER_LOOP_H

#include <stdint.h>

struct loop;
struct loop_timer;

typedef void loop_fn(void *data);

/* Milliseconds of a clock that never goes back and counts suspend time (CLOCK_BOOTTIME). Cached per loop
 * round; for deadlines and back-off, never for ids or display. Loop thread only. */
uint64_t loop_now_ms(const struct loop *loop);

/* Runs fn(data) on the loop thread in a later round. May be called from any thread; order of posting is kept. */
void loop_post(struct loop *loop, loop_fn *fn, void *data);

/* Makes a stopped timer. Loop thread only. Destroy it with loop_timer_destroy. */
struct loop_timer *loop_timer_create(struct loop *loop, loop_fn *fn, void *data);

/* Fires once after delay_ms, and then every repeat_ms if that is not 0. Restarts a running timer. */
void loop_timer_start(struct loop_timer *timer, uint64_t delay_ms, uint64_t repeat_ms);

/* A stopped timer does not fire; stopping twice is harmless. */
void loop_timer_stop(struct loop_timer *timer);

/* Stops and frees (the memory itself lives to the end of the round). Takes NULL. */
void loop_timer_destroy(struct loop_timer *timer);

#endif
