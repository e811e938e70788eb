/* The event loop that libwebsockets, curl and our timers share: made first, destroyed last. */
#ifndef USHER_IO_H
#define USHER_IO_H

#include "err.h"
#include "loop.h"

struct io;

/* One per process. NULL and err on failure. Ignores SIGPIPE; sets RLIMIT_NOFILE's soft limit to at most 65536. */
struct io *io_create(struct err *err);
struct loop *io_loop(struct io *io);

/* Calls fn(data) on the loop for SIGTERM and SIGINT (stop), and for SIGHUP (reload). SIGHUP stays blocked in the calling thread and in
 * all made later; no other may have it unblocked. */
void io_on_signals(struct io *io, loop_fn *stop, loop_fn *reload, void *data);

/* Runs until io_stop. */
void io_run(struct io *io);

/* Ends io_run in the next round. Loop thread only. */
void io_stop(struct io *io);

/* The longest time one loop round took since the last call, in microseconds: the loop stall. */
uint64_t io_stall_us(struct io *io);

/* Everything made on it (web, http, ws, timers) must be destroyed before. Checks that no handle is left over and
 * aborts when one is. Takes NULL. */
void io_destroy(struct io *io);

#endif
