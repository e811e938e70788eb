/* Files written by libuv's threads: at most one request runs, and what comes meanwhile is gathered for the next. */
#include "spool.h"
#include "buf.h"
#include "io_room.h"
#include "mem.h"
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

/* Each names the request that runs. */
enum spool_state {
	SPOOL_OPENING,
	SPOOL_RESTING,
	SPOOL_WRITING,
	SPOOL_SYNCING,
	SPOOL_CLOSING,
	SPOOL_REMOVING
};

struct spool {
	uv_loop_t *uv;
	uv_fs_t request;
	enum spool_state state;
	char *path;
	uv_file file; /* -1: none */
	struct buf waits, writes;
	size_t waiting_max, written; /* written: of `writes` */
	int64_t size;
	bool finished, abandoned;
	struct err err;
	spool_done_fn *fn;
	void (*moved)(void *owner);
	void *moved_owner;
	void *owner;
	uint64_t ticket;
};

static void done(uv_fs_t *request);

static void begun(struct spool *spool, enum spool_state state, int result)
{
	spool->state = state;
	if (result == 0)
		return;
	/* Only when libuv itself refuses the request: out of memory, as in mem.c. */
	abort();
}

static bool failed(const struct spool *spool)
{
	return spool->abandoned || spool->err.kind != ERR_NONE;
}

static void end(struct spool *spool)
{
	if (!spool->abandoned)
		spool->fn(spool->owner, spool->ticket, &spool->err, spool->size);
	buf_free(&spool->waits);
	buf_free(&spool->writes);
	free(spool->path);
	free(spool);
}

static void write_some(struct spool *spool)
{
	uv_buf_t piece;

	if (spool->written == spool->writes.len) {
		struct buf empty = spool->writes;

		buf_clear(&empty);
		spool->writes = spool->waits;
		spool->waits = empty;
		spool->written = 0;
	}
	piece = uv_buf_init(spool->writes.data + spool->written,
			    (unsigned)(spool->writes.len - spool->written));
	begun(spool, SPOOL_WRITING,
	      uv_fs_write(spool->uv, &spool->request, spool->file, &piece, 1, -1, done));
}

/* A failure waits for its owner to notice: only finishing or abandoning ends a spool. */
static void go_on(struct spool *spool)
{
	bool more = spool->written < spool->writes.len || spool->waits.len > 0;

	if (spool->file >= 0 && !failed(spool) && more)
		write_some(spool);
	else if (spool->file >= 0 && !failed(spool) && spool->finished && spool->state != SPOOL_SYNCING)
		begun(spool, SPOOL_SYNCING, uv_fs_fsync(spool->uv, &spool->request, spool->file, done));
	else if (spool->file >= 0 && (spool->abandoned || spool->finished))
		begun(spool, SPOOL_CLOSING, uv_fs_close(spool->uv, &spool->request, spool->file, done));
	else
		spool->state = SPOOL_RESTING;
}

static void fail(struct spool *spool, const char *what, ssize_t code)
{
	bool full = code == UV_ENOSPC || code == UV_EFBIG;

	if (spool->err.kind == ERR_NONE)
		err_set(&spool->err, full ? ERR_FULL : ERR_AGAIN, "the file can't be %s: %s", what,
			uv_strerror((int)code));
}

static void opened(struct spool *spool, ssize_t result)
{
	if (result < 0)
		fail(spool, "made", result);
	else
		spool->file = (uv_file)result;
}

static void wrote(struct spool *spool, ssize_t result)
{
	if (result <= 0) {
		fail(spool, "written", result < 0 ? result : UV_EIO);
		return;
	}
	spool->written += (size_t)result;
	spool->size += result;
}

/* True: the last step is done. */
static bool closed(struct spool *spool, ssize_t result)
{
	spool->file = -1;
	if (result < 0)
		fail(spool, "closed", result);
	if (!failed(spool))
		return true;
	begun(spool, SPOOL_REMOVING, uv_fs_unlink(spool->uv, &spool->request, spool->path, done));
	return false;
}

static void done(uv_fs_t *request)
{
	struct spool *spool = request->data;
	ssize_t result = request->result;
	enum spool_state was = spool->state;

	uv_fs_req_cleanup(request);
	request->data = spool;
	if (was == SPOOL_OPENING)
		opened(spool, result);
	else if (was == SPOOL_WRITING)
		wrote(spool, result);
	else if (was == SPOOL_SYNCING && result < 0)
		fail(spool, "made durable", result);
	if (was == SPOOL_CLOSING) {
		if (closed(spool, result))
			end(spool);
	} else if (was == SPOOL_REMOVING || (spool->file < 0 && (spool->finished || spool->abandoned))) {
		end(spool); /* a file that was never made is not removed: it may be somebody else's */
	} else {
		go_on(spool);
		if (was == SPOOL_WRITING && spool->moved && !spool->abandoned)
			spool->moved(spool->moved_owner);
	}
}

struct spool *spool_create(struct io *io, const char *path, size_t waiting_max, spool_done_fn *fn,
			   void *owner, uint64_t ticket)
{
	struct spool *spool = mem_zero(1, sizeof(*spool));

	spool->uv = io_uv(io);
	spool->path = mem_text(path);
	spool->file = -1;
	spool->waiting_max = waiting_max;
	spool->fn = fn;
	spool->owner = owner;
	spool->ticket = ticket;
	spool->request.data = spool;
	begun(spool, SPOOL_OPENING,
	      uv_fs_open(spool->uv, &spool->request, spool->path,
			 O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600, done));
	return spool;
}

size_t spool_waiting(const struct spool *spool)
{
	return spool->waits.len + spool->writes.len - spool->written;
}

void spool_on_written(struct spool *spool, void (*fn)(void *owner), void *owner)
{
	spool->moved = fn;
	spool->moved_owner = owner;
}

bool spool_write(struct spool *spool, const void *data, size_t len)
{
	size_t waiting = spool_waiting(spool);

	if (failed(spool) || len > spool->waiting_max || waiting > spool->waiting_max - len)
		return false;
	buf_add(&spool->waits, data, len);
	if (spool->state == SPOOL_RESTING && spool->file >= 0)
		go_on(spool);
	return true;
}

/* Runs an empty request so that the end comes in a later round also when nothing else has to be done. */
static void wake(struct spool *spool)
{
	if (spool->state != SPOOL_RESTING)
		return;
	if (spool->file >= 0)
		go_on(spool);
	else
		begun(spool, SPOOL_REMOVING,
		      uv_fs_access(spool->uv, &spool->request, spool->path, F_OK, done));
}

void spool_finish(struct spool *spool)
{
	spool->finished = true;
	wake(spool);
}

void spool_discard(struct spool *spool)
{
	if (spool->err.kind == ERR_NONE)
		err_set(&spool->err, ERR_REFUSED, "the file is not wanted any more");
	spool_finish(spool);
}

void spool_abandon(struct spool *spool)
{
	if (spool == NULL)
		return;
	spool->abandoned = true;
	wake(spool);
}
