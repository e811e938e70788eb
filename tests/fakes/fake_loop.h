/* A loop whose time stands still until the test moves it. */
#ifndef FAKE_LOOP_H
#define FAKE_LOOP_H

#include "loop.h"

struct loop *fake_loop_create(void);
void fake_loop_destroy(struct loop *loop);

/* Runs what was posted, and what that posts, until nothing is. */
void fake_loop_run(struct loop *loop);

/* Moves the time on in small steps, firing the timers on the way. */
void fake_loop_pass(struct loop *loop, uint64_t ms);

#endif
