/* Runs of the parser child: few at once, the others wait in line. A run opens its file (a kept one on another thread), starts
 * the child with two descriptors and an order, and ends with the child. */
#include "buf.h"
#include "child.h"
#include "extract.h"
#include "imports_room.h"
#include "io.h"
#include "json.h"
#include "loop.h"
#include "mem.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <utlist.h>

enum { WALL_TIMES = 4 }; /* a child may take so many times its processor time in all */

enum run_state { RUN_WAITS, RUN_OPENS, RUN_RUNS };

struct run {
	struct imports *imports;
	enum run_state state;
	char *name, *spec; /* spec NULL: it is read */
	char *path;	   /* of the file; NULL: a kept one */
	char *org_id, *sha256;
	char *out; /* where the chunks or the file are put */
	int in_fd, out_fd;
	struct keeping *opening;
	struct child *child;
	struct loop_timer *limit;
	const struct import_events *events;
	void *owner;
	uint64_t ticket;
	struct err err;
	bool tried;			 /* a child of it was killed from outside */
	char *code, *done, *kind, *mime; /* what the child said */
	struct run *prev, *next;
};

static void start_next(struct imports *imports);

/* ---- the end ------------------------------------------------------------------------------------------- */

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static void free_run(struct run *run)
{
	struct imports *imports = run->imports;

	DL_DELETE(imports->runs, run);
	if (run->state != RUN_WAITS)
		imports->children--;
	keeping_forget(run->opening);
	child_destroy(run->child);
	loop_timer_destroy(run->limit);
	close_fd(&run->in_fd);
	close_fd(&run->out_fd);
	free(run->name);
	free(run->spec);
	free(run->path);
	free(run->org_id);
	free(run->sha256);
	free(run->out);
	free(run->code);
	free(run->done);
	free(run->kind);
	free(run->mime);
	free(run);
}

static void tell_end(const struct run *run)
{
	bool good = run->err.kind == ERR_NONE;
	struct import_outline outline = {
		.kind = run->kind, .mime = run->mime, .json = run->done, .chunks = run->out
	};

	if (run->spec) {
		run->events->made(run->owner, run->ticket, &run->err, run->code, good ? run->done : NULL,
				  good ? run->out : NULL);
		return;
	}
	run->events->read(run->owner, run->ticket, &run->err, run->code, good ? &outline : NULL);
}

static void end(struct run *run)
{
	struct imports *imports = run->imports;

	if (run->err.kind != ERR_NONE)
		unlink(run->out);
	tell_end(run);
	free_run(run);
	start_next(imports);
}

static void fail(struct run *run, enum err_kind kind, const char *code, const char *text)
{
	if (run->err.kind != ERR_NONE)
		return;
	err_set(&run->err, kind, "%s", text);
	run->code = mem_text(code);
}

/* ---- what the child says --------------------------------------------------------------------------------- */

static void tell_progress(const struct run *run, const json_t *progress)
{
	struct import_progress now = { .checked = run->kind != NULL,
				       .kind = run->kind,
				       .mime = run->mime,
				       .bytes = json_int(progress, "bytes", -1),
				       .rows = json_int(progress, "rows", -1),
				       .pages = json_int(progress, "pages", -1) };

	if (run->events->progress)
		run->events->progress(run->owner, run->ticket, &now);
}

static void take_checked(struct run *run, const json_t *checked)
{
	free(run->kind);
	free(run->mime);
	run->kind = mem_text(json_text(checked, "kind"));
	run->mime = mem_text(json_text(checked, "mime"));
	tell_progress(run, NULL);
}

static void take_end(struct run *run, const json_t *done, const json_t *failed)
{
	const char *code = json_text(failed, "code"), *message = json_text(failed, "message");

	if (done && run->kind && run->mime) {
		free(run->done);
		run->done = json_write(done);
	} else {
		fail(run, ERR_REFUSED, code ? code : "crashed", message ? message : "the file can't be read");
	}
}

static void on_line(void *owner, struct child *child, const char *line, size_t len)
{
	struct run *run = owner;
	json_t *said = json_read(line, len, NULL);
	json_t *checked = json_object_get(said, "checked"), *progress = json_object_get(said, "progress");

	(void)child;
	if (checked)
		take_checked(run, checked);
	else if (progress)
		tell_progress(run, progress);
	else if (run->done == NULL && run->err.kind == ERR_NONE)
		take_end(run, json_object_get(said, "done"), json_object_get(said, "failed"));
	json_decref(said);
}

/* It waits in line once more, and begins anew. */
static void try_again(struct run *run)
{
	run->tried = true;
	run->state = RUN_WAITS;
	run->imports->children--;
	unlink(run->out);
	free(run->kind);
	free(run->mime);
	run->kind = run->mime = NULL;
	loop_timer_start(run->limit, 0, 0);
}

/* A child that somebody else killed (an operator, the kernel when memory is short) says nothing about its file: worth one more
 * try. Its own limits end it with a last line, or with other signals. */
static void on_ended(void *owner, struct child *child, const struct err *err)
{
	struct run *run = owner;
	int signal = child_signal(child);

	run->child = NULL;
	if (run->done == NULL && run->err.kind == ERR_NONE) {
		log_warn(&run->imports->log, "the parser of a file %s", err->text);
		if (!run->tried && (signal == SIGKILL || signal == SIGTERM)) {
			try_again(run);
			return;
		}
		fail(run, ERR_REFUSED, "crashed", "the file can't be read: its reader broke off");
	}
	end(run);
}

/* ---- starting ------------------------------------------------------------------------------------------- */

static char *order_of(const struct run *run)
{
	const struct imports_options *options = &run->imports->options;
	struct buf order = { 0 };

	buf_format(&order, "{\"do\":\"%s\",\"name\":", run->spec ? "convert" : "extract");
	json_quote(&order, run->name, strlen(run->name));
	buf_format(&order, ",\"limits\":{\"memory\":%lld,\"cpu_s\":%u,\"output\":%lld,\"unpacked\":%lld}",
		   (long long)options->memory, options->seconds, (long long)options->output,
		   (long long)options->unpacked);
	if (run->spec)
		buf_format(&order, ",\"spec\":%s", run->spec);
	buf_text(&order, "}\n");
	return buf_take(&order);
}

static void start_child(struct run *run)
{
	static const struct child_events events = { .line = on_line, .ended = on_ended };
	static const char *const env[] = { "LANG=C.UTF-8", "PATH=/usr/bin:/bin", NULL };
	struct imports *imports = run->imports;
	const char *command[] = { imports->parser, NULL };
	const int fds[] = { run->in_fd, run->out_fd };
	struct child_options options = { .command = command,
					 .env = env,
					 .fds = fds,
					 .fd_count = 2,
					 .line_max = EXTRACT_LINE_MAX,
					 .log = &imports->log };
	char *order = order_of(run);

	run->state = RUN_RUNS;
	run->child = child_start(imports->options.io, &options, &events, run, &run->err);
	close_fd(&run->in_fd);
	close_fd(&run->out_fd);
	if (run->child) {
		child_send(run->child, order, strlen(order));
		loop_timer_start(run->limit, (uint64_t)imports->options.seconds * 1000 * WALL_TIMES, 0);
	} else {
		run->err.kind = ERR_AGAIN;
		loop_timer_start(run->limit, 0, 0); /* in a later round */
	}
	free(order);
}

static void on_opened(void *owner, uint64_t ticket, const struct err *err)
{
	struct run *run = owner;

	(void)ticket;
	run->opening = NULL;
	if (err->kind == ERR_NONE) {
		start_child(run);
		return;
	}
	fail(run, err->kind, "gone", err->text);
	end(run);
}

/* Without a name: nobody else can open it, and it is gone with its descriptors. */
static int unnamed(const struct imports *imports, struct err *err)
{
	int fd = open(imports->work, O_RDWR | O_TMPFILE | O_CLOEXEC, 0600);

	if (fd < 0)
		err_set(err, ERR_AGAIN, "%s: no unnamed file: %s", imports->work, strerror(errno));
	return fd;
}

static void start_run(struct run *run)
{
	struct imports *imports = run->imports;

	imports->children++;
	run->state = RUN_OPENS;
	run->out_fd = imports_open_new(run->out, &run->err);
	if (run->out_fd >= 0)
		run->in_fd =
			run->path ? imports_open_read(run->path, &run->err) : unnamed(imports, &run->err);
	if (run->in_fd < 0)
		loop_timer_start(run->limit, 0, 0);
	else if (run->path)
		start_child(run);
	else
		run->opening =
			imports_open_kept(imports, run->org_id, run->sha256, run->in_fd, on_opened, run, 0);
}

static void start_next(struct imports *imports)
{
	struct run *run = imports->runs;

	while (run && imports->children < IMPORTS_AT_ONCE) {
		/* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): what was freed before has left the list */
		struct run *next = run->next;

		if (run->state == RUN_WAITS)
			start_run(run);
		run = next;
	}
}

static void tell_waiting(struct run *run)
{
	static const struct import_progress waits = { .waits = true, .bytes = -1, .rows = -1, .pages = -1 };

	if (run->events->progress)
		run->events->progress(run->owner, run->ticket, &waits);
}

/* Its turn to begin, what could not begin, or the time is over. */
static void on_time(void *data)
{
	struct run *run = data;

	if (run->state == RUN_RUNS)
		fail(run, ERR_REFUSED, "too_slow", "reading it takes too long");
	if (run->err.kind != ERR_NONE) {
		end(run);
		return;
	}
	start_next(run->imports);
	if (run->state == RUN_WAITS)
		tell_waiting(run);
}

static void begin(struct imports *imports, const struct run *what)
{
	struct run *run = mem_copy(what, sizeof(*what));

	run->imports = imports;
	run->in_fd = run->out_fd = -1;
	run->name = mem_text(what->name);
	run->spec = mem_text(what->spec);
	run->path = mem_text(what->path);
	run->org_id = mem_text(what->org_id);
	run->sha256 = mem_text(what->sha256);
	run->out = mem_text(what->out);
	run->limit = loop_timer_create(io_loop(imports->options.io), on_time, run);
	DL_APPEND(imports->runs, run);
	loop_timer_start(run->limit, 0, 0);
}

/* Only copied from: begin makes its own. */
static char *lent(const char *text)
{
	return (char *)(uintptr_t)text;
}

void imports_read(struct imports *imports, const char *path, const char *name, const char *chunks,
		  const struct import_events *events, void *owner, uint64_t ticket)
{
	struct run what = { .path = lent(path),
			    .name = lent(name),
			    .out = lent(chunks),
			    .events = events,
			    .owner = owner,
			    .ticket = ticket };

	begin(imports, &what);
}

void imports_convert(struct imports *imports, const char *org_id, const char *sha256, const char *name,
		     const char *spec, const char *out, const struct import_events *events, void *owner,
		     uint64_t ticket)
{
	struct run what = { .org_id = lent(org_id),
			    .sha256 = lent(sha256),
			    .name = lent(name),
			    .spec = lent(spec),
			    .out = lent(out),
			    .events = events,
			    .owner = owner,
			    .ticket = ticket };

	begin(imports, &what);
}

void imports_convert_file(struct imports *imports, const char *path, const char *name, const char *spec,
			  const char *out, const struct import_events *events, void *owner, uint64_t ticket)
{
	struct run what = { .path = lent(path),
			    .name = lent(name),
			    .spec = lent(spec),
			    .out = lent(out),
			    .events = events,
			    .owner = owner,
			    .ticket = ticket };

	begin(imports, &what);
}

void imports_cancel(struct imports *imports, void *owner, uint64_t ticket)
{
	struct run *run;

	DL_FOREACH (imports->runs, run)
		/* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): what was freed before has left the list */
		if (run->owner == owner && run->ticket == ticket)
			break;
	if (run == NULL)
		return;
	unlink(run->out);
	free_run(run);
	start_next(imports);
}

void runs_destroy(struct imports *imports)
{
	while (imports->runs) {
		/* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): what was freed before has left the list */
		unlink(imports->runs->out);
		free_run(imports->runs);
	}
}
