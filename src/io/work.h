/* Work that would hold up the loop (hashing, sealing, copying files): done on libuv's threads. */
#ifndef USHER_WORK_H
#define USHER_WORK_H

#include "loop.h"

struct io;

/* Runs work(data) on another thread, then done(data) on the loop. There is no way back: who is destroyed meanwhile lets its
 * data know, and done frees it. io_destroy waits for what runs. Loop thread only. */
void work_start(struct io *io, loop_fn *work, loop_fn *done, void *data);

#endif
