/* Writes what comes from the network into a new file without stopping the loop: the writes are done by libuv's threads,
 * one after the other. Loop thread only. */
#ifndef USHER_SPOOL_H
#define USHER_SPOOL_H

#include "err.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct io;
struct spool;

/* How it ended, once, in a later round. size: bytes in the file; with an error the file is gone. */
typedef void spool_done_fn(void *owner, uint64_t ticket, const struct err *err, int64_t size);

/* Makes the file (mode 0600); it must not exist, and a symbolic link is not followed. waiting_max: bytes that may wait
 * for the disk. Never NULL: what fails, fails later. */
struct spool *spool_create(struct io *io, const char *path, size_t waiting_max, spool_done_fn *fn,
			   void *owner, uint64_t ticket);

/* Copies the bytes. False: writing has failed, or more waits for the disk than may: discard or abandon it. */
bool spool_write(struct spool *spool, const void *data, size_t len);

/* How many bytes wait for the disk; fn(owner) is called whenever some of them were written. */
size_t spool_waiting(const struct spool *spool);
void spool_on_written(struct spool *spool, void (*fn)(void *owner), void *owner);

/* That was all: what waits is written, the file is made durable (fsync) and closed, then fn is called. The spool
 * is fn's last sight: it frees itself. */
void spool_finish(struct spool *spool);

/* It is not wanted after all: the file is removed, then fn is called with an error. */
void spool_discard(struct spool *spool);

/* The file is removed and fn not called; also after spool_finish, before fn. Takes NULL. */
void spool_abandon(struct spool *spool);

#endif
