/* A child process on libuv: three pipes, one timer for the ways to end it, and one end that waits for all of them. */
#include "child.h"
#include "buf.h"
#include "io_room.h"
#include "log.h"
#include "mem.h"
#include <linux/close_range.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	HANDLES = 5,
	READ_SIZE = 64 * 1024,
	SAID_MAX = 500,	 /* bytes of a line of its standard error that are logged */
	SAID_LINES = 20, /* lines of it in a row of SAID_MS; the rest is counted */
	SAID_MS = 10000,
	DRAIN_MS =
		500, /* after its end, for what it said last: somebody else may hold the other end of the pipe */
};

enum ladder { LADDER_NONE, LADDER_ASKED, LADDER_TERM, LADDER_KILL };

struct child {
	uv_process_t process;
	uv_pipe_t in, out, say;
	uv_timer_t timer;
	unsigned open; /* handles */
	struct child_events events;
	void *owner; /* events are sent while `mute` is false */
	const struct log *log;
	size_t line_max;
	struct buf line, said;
	char bytes[READ_SIZE];
	bool exited, out_over, in_closed, mute, ending;
	bool wanted; /* its end, by child_close */
	int signal;  /* that ended it, if not we did */
	enum ladder ladder;
	struct err err;
	unsigned lines, left_out;
	uint64_t lines_since;
};

struct sending {
	uv_write_t request;
	char bytes[];
};

/* ---- the end ------------------------------------------------------------------------------------------------ */

static void closed(uv_handle_t *handle)
{
	struct child *child = handle->data;

	if (--child->open > 0)
		return;
	buf_free(&child->line);
	buf_free(&child->said);
	free(child);
}

static void close_handle(uv_handle_t *handle)
{
	if (!uv_is_closing(handle))
		uv_close(handle, closed);
}

static void close_all(struct child *child)
{
	close_handle((uv_handle_t *)&child->process);
	close_handle((uv_handle_t *)&child->in);
	close_handle((uv_handle_t *)&child->out);
	close_handle((uv_handle_t *)&child->say);
	close_handle((uv_handle_t *)&child->timer);
}

/* What it started may outlive it, and would keep the pipes. */
static void kill_group(const struct child *child, int signal)
{
	if (child->process.pid > 1)
		kill(-child->process.pid, signal);
}

static void end(struct child *child)
{
	if (child->ending)
		return;
	child->ending = true;
	kill_group(child, SIGKILL);
	close_all(child);
	if (!child->mute)
		child->events.ended(child->owner, child, &child->err);
}

static void fail(struct child *child)
{
	kill_group(child, SIGKILL);
	uv_read_stop((uv_stream_t *)&child->out);
	child->out_over = true;
}

static void climb(uv_timer_t *timer)
{
	struct child *child = timer->data;

	if (child->exited) {
		end(child);
		return;
	}
	child->ladder = child->ladder == LADDER_ASKED ? LADDER_TERM : LADDER_KILL;
	kill_group(child, child->ladder == LADDER_TERM ? SIGTERM : SIGKILL);
	uv_timer_start(timer, climb, CHILD_PATIENCE_MS, 0);
}

/* The first rung: it may end by itself when there is nothing more to read. */
static void ask_to_end(struct child *child)
{
	if (child->ladder != LADDER_NONE || child->ending)
		return;
	child->ladder = LADDER_ASKED;
	child->in_closed = true;
	close_handle((uv_handle_t *)&child->in);
	if (!child->exited)
		uv_timer_start(&child->timer, climb, CHILD_PATIENCE_MS, 0);
}

static void exited(uv_process_t *process, int64_t status, int signal)
{
	struct child *child = process->data;

	child->exited = true;
	if (child->err.kind == ERR_NONE && signal != 0 && child->ladder <= LADDER_ASKED) {
		child->signal = signal;
		err_set(&child->err, ERR_AGAIN, "killed by signal %d", signal);
	} else if (child->err.kind == ERR_NONE && signal == 0 && (status != 0 || !child->wanted)) {
		err_set(&child->err, ERR_AGAIN, "exited with status %d", (int)status);
	}
	if (child->out_over)
		end(child);
	else
		uv_timer_start(&child->timer, climb, DRAIN_MS, 0);
}

/* ---- reading ------------------------------------------------------------------------------------------------ */

static void allocate(uv_handle_t *handle, size_t size, uv_buf_t *buf)
{
	struct child *child = handle->data;

	(void)size;
	*buf = uv_buf_init(child->bytes, sizeof(child->bytes));
}

static void give_line(struct child *child)
{
	size_t len = child->line.len;

	if (len > 0 && child->line.data[len - 1] == '\r')
		buf_cut(&child->line, len - 1);
	if (child->line.len > 0 && !child->mute)
		child->events.line(child->owner, child, buf_str(&child->line), child->line.len);
	buf_clear(&child->line);
}

/* The owner may destroy the child in its callback: its memory lives until the handles are closed. */
static void take(struct child *child, const char *data, size_t len)
{
	const char *stop = data + len;

	while (data < stop && !child->ending && !child->out_over) {
		const char *lf = memchr(data, '\n', (size_t)(stop - data));
		size_t piece = (size_t)((lf ? lf : stop) - data);

		if (child->line.len + piece > child->line_max) {
			err_set(&child->err, ERR_REFUSED, "wrote a line over %zu bytes", child->line_max);
			fail(child);
			return;
		}
		buf_add(&child->line, data, piece);
		data += piece + 1;
		if (lf)
			give_line(child);
	}
}

static void read_out(uv_stream_t *stream, ssize_t len, const uv_buf_t *buf)
{
	struct child *child = stream->data;

	if (child->ending || len == 0)
		return;
	if (len > 0) {
		take(child, buf->base, (size_t)len);
		return;
	}
	uv_read_stop(stream);
	child->out_over = true;
	if (child->exited)
		end(child);
	else if (child->ladder == LADDER_NONE)
		ask_to_end(child); /* it says nothing any more: of no use */
}

/* ---- its standard error ----------------------------------------------------------------------------------------- */

static void say_line(struct child *child)
{
	uint64_t now = uv_now(child->timer.loop);

	if (now - child->lines_since > SAID_MS) {
		if (child->left_out > 0)
			log_info(child->log, "%u more lines were left out", child->left_out);
		child->lines = child->left_out = 0;
		child->lines_since = now;
	}
	if (child->said.len == 0)
		return;
	if (child->lines++ < SAID_LINES)
		log_info(child->log, "says: %s", buf_str(&child->said));
	else
		child->left_out++;
	buf_clear(&child->said);
}

/* Read whether wanted or not: a full pipe would hold the child up. */
static void read_say(uv_stream_t *stream, ssize_t len, const uv_buf_t *buf)
{
	struct child *child = stream->data;

	if (child->ending || len == 0)
		return;
	if (len < 0) {
		say_line(child);
		uv_read_stop(stream);
		return;
	}
	for (ssize_t i = 0; i < len; i++) {
		if (buf->base[i] == '\n')
			say_line(child);
		else if (child->said.len < SAID_MAX)
			buf_add(&child->said, &buf->base[i], 1);
	}
}

/* ---- writing ------------------------------------------------------------------------------------------------ */

static void sent(uv_write_t *request, int status)
{
	(void)status; /* a child that does not read any more will end */
	free(request->data);
}

bool child_send(struct child *child, const void *data, size_t len)
{
	struct sending *sending;
	uv_buf_t piece;

	if (child->in_closed || child->ending ||
	    uv_stream_get_write_queue_size((uv_stream_t *)&child->in) + len > CHILD_WAITING_MAX)
		return false;
	sending = mem_zero(1, sizeof(*sending) + len);
	memcpy(sending->bytes, data, len);
	sending->request.data = sending;
	piece = uv_buf_init(sending->bytes, (unsigned)len);
	if (uv_write(&sending->request, (uv_stream_t *)&child->in, &piece, 1, sent) != 0) {
		free(sending);
		return false;
	}
	return true;
}

/* ---- beginning and ending ------------------------------------------------------------------------------------------ */

void child_close(struct child *child)
{
	child->wanted = true;
	ask_to_end(child);
}

int child_signal(const struct child *child)
{
	return child->signal;
}

void child_destroy(struct child *child)
{
	if (child == NULL)
		return;
	child->mute = true;
	end(child);
}

static void init_handles(struct child *child, uv_loop_t *uv)
{
	uv_pipe_init(uv, &child->in, 0);
	uv_pipe_init(uv, &child->out, 0);
	uv_pipe_init(uv, &child->say, 0);
	uv_timer_init(uv, &child->timer);
	child->in.data = child->out.data = child->say.data = child->timer.data = child->process.data = child;
	child->open = HANDLES;
}

/* libuv gives the child default signal handlers and an empty mask; what we inherited ourselves, or a library opened without
 * care, is not for it either. */
static int spawn(struct child *child, uv_loop_t *uv, const struct child_options *options)
{
	uv_stdio_container_t stdio[3 + CHILD_FDS_MAX] = {
		{ .flags = UV_CREATE_PIPE | UV_READABLE_PIPE, .data.stream = (uv_stream_t *)&child->in },
		{ .flags = UV_CREATE_PIPE | UV_WRITABLE_PIPE, .data.stream = (uv_stream_t *)&child->out },
		{ .flags = UV_CREATE_PIPE | UV_WRITABLE_PIPE, .data.stream = (uv_stream_t *)&child->say },
	};
	uv_process_options_t how = {
		.exit_cb = exited,
		.file = options->command[0],
		.args = (char **)(uintptr_t)options->command, /* libuv only reads them */
		.env = (char **)(uintptr_t)options->env,
		.cwd = options->cwd,
		.flags = UV_PROCESS_DETACHED,
		.stdio_count = 3 + (int)options->fd_count,
		.stdio = stdio,
	};

	for (size_t i = 0; i < options->fd_count; i++)
		stdio[3 + i] = (uv_stdio_container_t){ .flags = UV_INHERIT_FD, .data.fd = options->fds[i] };
	close_range(3, ~0U, CLOSE_RANGE_CLOEXEC);
	return uv_spawn(uv, &child->process, &how);
}

struct child *child_start(struct io *io, const struct child_options *options,
			  const struct child_events *events, void *owner, struct err *err)
{
	struct child *child = mem_zero(1, sizeof(*child));
	int code;

	child->events = *events;
	child->owner = owner;
	child->log = options->log;
	child->line_max = options->line_max;
	init_handles(child, io_uv(io));
	code = spawn(child, io_uv(io), options);
	if (code != 0) {
		err_set(err, ERR_REFUSED, "%s can't be started: %s", options->command[0], uv_strerror(code));
		child->mute = child->ending = true;
		close_all(child);
		return NULL;
	}
	uv_read_start((uv_stream_t *)&child->out, allocate, read_out);
	uv_read_start((uv_stream_t *)&child->say, allocate, read_say);
	return child;
}
