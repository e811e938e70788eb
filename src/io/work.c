/* One piece of work on libuv's threads. */
#include "work.h"
#include "io_room.h"
#include "mem.h"
#include <stdlib.h>

struct work {
	uv_work_t request;
	loop_fn *work, *done;
	void *data;
};

static void run(uv_work_t *request)
{
	struct work *work = request->data;

	work->work(work->data);
}

static void ended(uv_work_t *request, int status)
{
	struct work *work = request->data;

	(void)status; /* nothing cancels it */
	work->done(work->data);
	free(work);
}

void work_start(struct io *io, loop_fn *fn, loop_fn *done, void *data)
{
	struct work *work = mem_zero(1, sizeof(*work));

	work->request.data = work;
	work->work = fn;
	work->done = done;
	work->data = data;
	if (uv_queue_work(io_uv(io), &work->request, run, ended) != 0)
		abort(); /* only for a missing function */
}
