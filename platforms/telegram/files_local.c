/* Copies a regular file of the server's own folder for this bot. */
#include "files_local.h"
#include "mem.h"
#include "spool.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	PIECE = 256 * 1024,
	PIECE_MS = 4, /* the disk keeps up with some 60 MB a second */
	WAITING_MAX = 32 << 20,
};

struct telegram_local {
	int file; /* -1: none, or read to its end */
	struct spool *spool;
	struct loop_timer *timer;
	struct fetched end; /* how it will be */
	int64_t max;
	char *to;
	char *piece;
	struct io *io;
	telegram_local_fn *fn;
	void *owner;
	uint64_t ticket;
};

static void local_free(struct telegram_local *local)
{
	if (local->file >= 0)
		close(local->file);
	loop_timer_destroy(local->timer);
	free(local->piece);
	free(local->to);
	free(local);
}

static void finish(struct telegram_local *local)
{
	telegram_local_fn *fn = local->fn;
	void *owner = local->owner;
	uint64_t ticket = local->ticket;
	struct fetched end = local->end;

	local_free(local);
	fn(owner, ticket, &end);
}

static void spooled(void *data, uint64_t ticket, const struct err *err, int64_t size)
{
	struct telegram_local *local = data;

	(void)ticket;
	local->spool = NULL;
	local->end.size = size;
	if (err->kind != ERR_NONE && local->end.why == NULL)
		local->end =
			(struct fetched){ .how = FETCHED_NOT, .why = "the file could not be written here" };
	finish(local);
}

static void fail(struct telegram_local *local, enum fetched_how how, const char *why)
{
	local->end = (struct fetched){ .how = how, .why = why };
	loop_timer_stop(local->timer);
	if (local->spool)
		spool_discard(local->spool);
	else
		finish(local);
}

static void read_piece(struct telegram_local *local)
{
	ssize_t got = read(local->file, local->piece, PIECE);

	if (got < 0 && errno == EINTR)
		return;
	if (got < 0) {
		fail(local, FETCHED_NOT, "the server's file can't be read");
		return;
	}
	local->end.size += got;
	if (got == 0) {
		loop_timer_stop(local->timer);
		spool_finish(local->spool);
	} else if (local->end.size > local->max) {
		fail(local, FETCHED_REFUSED, "the file is too large");
	} else if (!spool_write(local->spool, local->piece, (size_t)got)) {
		fail(local, FETCHED_NOT, "the file could not be written here");
	}
}

/* The first round, so that even a refusal comes in a later one; then a piece in each. */
static void fire(void *data)
{
	struct telegram_local *local = data;

	if (local->end.why) {
		finish(local);
		return;
	}
	if (local->spool == NULL) {
		local->piece = mem_alloc(PIECE);
		local->spool = spool_create(local->io, local->to, WAITING_MAX, spooled, local, 0);
		loop_timer_start(local->timer, 0, PIECE_MS);
		return;
	}
	read_piece(local);
}

/* Where it really is, with all links followed, lies in a folder of this name. */
static bool is_within(const char *path, const char *folder)
{
	size_t len = strlen(folder);
	const char *at = path;

	while ((at = strchr(at, '/'))) {
		at++;
		if (strncmp(at, folder, len) == 0 && at[len] == '/')
			return true;
	}
	return false;
}

/* NULL, or why not. */
static const char *open_file(struct telegram_local *local, const struct telegram_local_call *call)
{
	char *real = realpath(call->from, NULL);
	bool outside = real && !is_within(real, call->folder);
	struct stat about;

	if (real && !outside)
		local->file = open(real, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	free(real);
	if (local->file < 0)
		return outside ? "the file is outside of the server's folder"
			       : "the server's file can't be read here";
	if (fstat(local->file, &about) != 0 || !S_ISREG(about.st_mode))
		return "this is no file";
	return about.st_size > call->max ? "the file is too large" : NULL;
}

struct telegram_local *telegram_local_start(struct platform_host *host,
					    const struct telegram_local_call *call, telegram_local_fn *fn,
					    void *owner, uint64_t ticket)
{
	struct telegram_local *local = mem_zero(1, sizeof(*local));
	const char *why;

	*local = (struct telegram_local){ .file = -1,
					  .io = host->io,
					  .max = call->max,
					  .to = mem_text(call->to),
					  .fn = fn,
					  .owner = owner,
					  .ticket = ticket };
	why = open_file(local, call);
	local->end = (struct fetched){ .how = why ? FETCHED_REFUSED : FETCHED, .why = why };
	local->timer = loop_timer_create(host->loop, fire, local);
	loop_timer_start(local->timer, 0, 0);
	return local;
}

void telegram_local_abandon(struct telegram_local *local)
{
	if (local == NULL)
		return;
	spool_abandon(local->spool);
	local_free(local);
}
