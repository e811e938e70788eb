/* What a stage posted to its loop and the test did not wait for: run before the loop ends, so that it is freed. */
#ifndef DRAIN_H
#define DRAIN_H

#include "io.h"

/* ---- */
static inline void drain_done(void *io)
{
	io_stop(io);
}

/* Posted work runs in order, so whatever was posted before this has run when it returns. */
static inline void drain(struct io *io)
{
	loop_post(io_loop(io), drain_done, io);
	io_run(io);
}

#endif
