/* A loop whose time the test moves; its functions are called in_NAME (tests.mk). One at a time. */
#ifndef STAGE_LOOP_H
#define STAGE_LOOP_H

#include "loop.h"
#include <stdint.h>

struct loop *stage_loop_open(void); /* at 1000 ms, without timers */
void stage_loop_close(void);	    /* no timer may be left */
uint64_t stage_loop_now(void);
void stage_loop_pass(uint64_t ms); /* runs what falls due, in order */

#endif
