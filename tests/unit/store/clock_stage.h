/* A clock that is set, for tests about minutes, days and months. Definitions: each program that includes it is linked with
 * --wrap=clock_wall_ms (UNITLD_store_ in tests.mk). */
#ifndef TEST_STORE_CLOCK_STAGE_H
#define TEST_STORE_CLOCK_STAGE_H

#include "asking.h"
#include "clock.h"
#include <stdatomic.h>

int64_t __real_clock_wall_ms(void);
int64_t __wrap_clock_wall_ms(void);
static _Atomic int64_t clock_at; /* 0: the real one */

int64_t __wrap_clock_wall_ms(void)
{
	int64_t at = atomic_load(&clock_at);

	return at ? at : __real_clock_wall_ms();
}

enum { MINUTE = 60000, HOUR = 60 * MINUTE };
static const int64_t JANUARY_31 = 1769857200000; /* 2026-01-31T11:00:00Z */
static const int64_t DAY = 24 * (int64_t)HOUR;

static int open_case(void **state)
{
	struct asking *a;

	atomic_store(&clock_at, JANUARY_31);
	a = asking_create();
	asking_know(a, "ann");
	asking_know(a, "bob");
	*state = a;
	return 0;
}

static int close_case(void **state)
{
	asking_destroy(*state);
	atomic_store(&clock_at, 0);
	return 0;
}

#endif
