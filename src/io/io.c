/* The one uv loop and the libwebsockets context on it: how both begin, run and end. */
#include "io.h"
#include "io_room.h"
#include "log.h"
#include "mem.h"
#include <errno.h>
#include <libwebsockets.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

enum {
	DESCRIPTORS_MAX = 65536, /* above ten million libwebsockets falls back to 2560 */
	READ_SIZE = 16384,	 /* bytes taken from a socket at once */
	END_TICK_MS = 1000,	 /* one a round at most: while we are stopped ourselves none is counted */
	END_TICKS = 10,		 /* handles that are still open then were forgotten */
	SIGNALS = 2,
};

struct io {
	uv_loop_t uv;
	struct loop *loop;
	struct lws_context *lws;
	struct lws_vhost *client;
	uv_prepare_t before_wait;
	uv_timer_t end_limit;
	unsigned end_ticks;
	uv_signal_t signals[SIGNALS];
	uv_poll_t hangup;
	int hangup_fd;
	bool catching;
	loop_fn *stop, *reload;
	void *data;
	uint64_t round_ns,
		idle_ns;   /* at the end of the last round: time, and how much of all time was waiting */
	uint64_t stall_ns; /* the longest round since last asked */
};

static struct log log_io = { .name = "io" };
static char lws_said[160]; /* libwebsockets reports why only as a log line */

static void lws_line(int level, const char *line)
{
	snprintf(lws_said, sizeof(lws_said), "%.*s", (int)strcspn(line, "\n"), line);
	/* Strangers can cause these lines (a broken handshake), so they are not warnings. */
	log_debug(&log_io, "libwebsockets %s: %s", level == LLL_ERR ? "error" : "warning", lws_said);
}

static int client_event(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t len)
{
	struct io_client *client = wsi == NULL ? NULL : lws_get_opaque_user_data(wsi);

	(void)user;
	return client == NULL ? 0 : client->event(client, wsi, (int)reason, in, len);
}

static const struct lws_protocols client_protocols[] = {
	{ .name = IO_CLIENT_PROTOCOL, .callback = client_event, .rx_buffer_size = READ_SIZE },
	{ 0 },
};

static const uint64_t LWS_OPTIONS =
	LWS_SERVER_OPTION_LIBUV | LWS_SERVER_OPTION_EXPLICIT_VHOSTS | LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT;

static void limit_descriptors(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return;
	limit.rlim_cur = limit.rlim_max < DESCRIPTORS_MAX ? limit.rlim_max : DESCRIPTORS_MAX;
	if (setrlimit(RLIMIT_NOFILE, &limit) != 0)
		log_warn(&log_io, "can't set the limit of open files: %s", strerror(errno));
}

static bool start_lws(struct io *io, struct err *err)
{
	void *loops[1] = { &io->uv };
	struct lws_context_creation_info info = {
		.options = LWS_OPTIONS,
		.foreign_loops = loops,
		.pcontext = &io->lws,
		.port = CONTEXT_PORT_NO_LISTEN,
		.pt_serv_buf_size = READ_SIZE,
	};

	lws_set_log_level(LLL_ERR | LLL_WARN, lws_line);
	io->lws = lws_create_context(&info);
	if (io->lws == NULL)
		return err_set(err, ERR_FATAL, "libwebsockets does not start: %s", lws_said);
	return true;
}

/* Callbacks of descriptors run inside libuv's wait, so its own count of idle time tells work from waiting. */
static void round_ends(uv_prepare_t *prepare)
{
	struct io *io = prepare->data;
	uint64_t now = uv_hrtime(), idle = uv_metrics_idle_time(&io->uv);
	uint64_t took = io->round_ns == 0 ? 0 : now - io->round_ns - (idle - io->idle_ns);

	io->round_ns = now;
	io->idle_ns = idle;
	if (took > io->stall_ns)
		io->stall_ns = took;
}

/* Watches the loop without keeping it alive. */
static void watch_rounds(struct io *io)
{
	uv_prepare_init(&io->uv, &io->before_wait);
	uv_timer_init(&io->uv, &io->end_limit);
	io->before_wait.data = io->end_limit.data = io;
	uv_prepare_start(&io->before_wait, round_ends);
	uv_unref((uv_handle_t *)&io->before_wait);
	uv_unref((uv_handle_t *)&io->end_limit);
}

struct io *io_create(struct err *err)
{
	struct io *io = mem_zero(1, sizeof(*io));

	signal(SIGPIPE, SIG_IGN);
	limit_descriptors();
	if (uv_loop_init(&io->uv) != 0 || uv_loop_configure(&io->uv, UV_METRICS_IDLE_TIME) != 0) {
		err_set(err, ERR_FATAL, "no event loop: %s", strerror(errno));
		free(io);
		return NULL;
	}
	io->loop = loop_create(&io->uv);
	watch_rounds(io);
	if (!start_lws(io, err)) {
		io_destroy(io);
		return NULL;
	}
	return io;
}

struct loop *io_loop(struct io *io)
{
	return io->loop;
}

uv_loop_t *io_uv(struct io *io)
{
	return &io->uv;
}

struct lws_context *io_lws(struct io *io)
{
	return io->lws;
}

/* Made when first needed: it reads all the system's certificates, which a daemon without a gateway never
 * uses. */
struct lws_vhost *io_client_vhost(struct io *io)
{
	struct lws_context_creation_info info = {
		.options = LWS_OPTIONS,
		.port = CONTEXT_PORT_NO_LISTEN,
		.vhost_name = "client",
		.protocols = client_protocols,
	};

	if (io->client == NULL)
		io->client = lws_create_vhost(io->lws, &info);
	if (io->client == NULL)
		log_error(&log_io, "libwebsockets has no client: %s", lws_said);
	return io->client;
}

static void caught(uv_signal_t *handle, int number)
{
	struct io *io = handle->data;

	(void)number;
	if (io->stop)
		io->stop(io->data);
}

static void hung_up(uv_poll_t *poll, int status, int events)
{
	struct io *io = poll->data;
	struct signalfd_siginfo info;
	bool came = false;

	(void)status;
	(void)events;
	while (read(io->hangup_fd, &info, sizeof(info)) == sizeof(info))
		came = true;
	if (came && io->reload)
		io->reload(io->data);
}

/* Not by a handler: when that is taken away before the process starts anew, a signal that another thread gets would end it. */
static void watch_hangup(struct io *io)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGHUP);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	io->hangup_fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	uv_poll_init(&io->uv, &io->hangup, io->hangup_fd);
	io->hangup.data = io;
	uv_poll_start(&io->hangup, UV_READABLE, hung_up);
}

void io_on_signals(struct io *io, loop_fn *stop, loop_fn *reload, void *data)
{
	static const int numbers[SIGNALS] = { SIGTERM, SIGINT };

	io->stop = stop;
	io->reload = reload;
	io->data = data;
	for (int i = 0; i < SIGNALS && !io->catching; i++) {
		uv_signal_init(&io->uv, &io->signals[i]);
		io->signals[i].data = io;
		uv_signal_start(&io->signals[i], caught, numbers[i]);
	}
	if (!io->catching)
		watch_hangup(io);
	io->catching = true;
}

void io_run(struct io *io)
{
	uv_run(&io->uv, UV_RUN_DEFAULT);
}

void io_stop(struct io *io)
{
	uv_stop(&io->uv);
}

uint64_t io_stall_us(struct io *io)
{
	uint64_t stall = io->stall_ns / 1000;

	io->stall_ns = 0;
	return stall;
}

static void name_leftover(uv_handle_t *handle, void *unused)
{
	(void)unused;
	log_error(&log_io, "a handle was left open: %s%s", uv_handle_type_name(uv_handle_get_type(handle)),
		  uv_is_closing(handle) ? " (closing)" : "");
}

/* Somebody forgot to destroy what they made: running on would use freed memory. */
static void refuse_leftovers(struct io *io)
{
	uv_walk(&io->uv, name_leftover, NULL);
	abort();
}

static void end_limit_passed(uv_timer_t *timer)
{
	struct io *io = timer->data;

	if (++io->end_ticks == END_TICKS)
		refuse_leftovers(io);
}

static void close_own_handles(struct io *io)
{
	for (int i = 0; i < SIGNALS && io->catching; i++)
		uv_close((uv_handle_t *)&io->signals[i], NULL);
	if (io->catching)
		uv_close((uv_handle_t *)&io->hangup, NULL);
	uv_close((uv_handle_t *)&io->before_wait, NULL);
	loop_destroy(io->loop);
}

/* libwebsockets ends in two steps: the first only starts closing, the loop then closes its handles, the
 * second frees. The time limit is unreferenced, so the loop ends as soon as nothing else is open. */
void io_destroy(struct io *io)
{
	if (io == NULL)
		return;
	close_own_handles(io);
	if (io->lws != NULL)
		lws_context_destroy(io->lws);
	uv_timer_start(&io->end_limit, end_limit_passed, END_TICK_MS, END_TICK_MS);
	uv_run(&io->uv, UV_RUN_DEFAULT);
	uv_close((uv_handle_t *)&io->end_limit, NULL);
	uv_run(&io->uv, UV_RUN_DEFAULT);
	if (io->lws != NULL)
		lws_context_destroy(io->lws);
	if (uv_loop_close(&io->uv) != 0)
		refuse_leftovers(io);
	if (io->catching)
		close(io->hangup_fd);
	loop_free(io->loop);
	free(io);
}
