/* A real web server in a child process, with the routes its tests need. */
#include "web_server.h"
#include "log.h"
#include "mem.h"
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum { HELD_MAX = 64 };

/* ---- the server ---------------------------------------------------------------------------------------- */

static struct io *io;
static struct web *web;
static uint64_t held[HELD_MAX], streams[HELD_MAX], flooded;
static unsigned held_count, stream_count;
static long gone_count, handled_count, socket_closed, last_code, flood_cut;

static void count_gone(void *data)
{
	(void)data;
	gone_count++;
}

static void on_echo(void *owner, struct web_request *request)
{
	size_t len;
	const char *body = web_body(request, &len);

	(void)owner;
	handled_count++;
	web_answer(request, 200, "text/plain", body, len);
}

/* The body of a file, from the disk. */
static void on_kept(void *owner, struct web_request *request)
{
	char *path, *text;
	int64_t size;
	FILE *file;

	(void)owner;
	handled_count++;
	if (web_file(request, &size, NULL) == NULL) {
		web_answer(request, 503, NULL, NULL, 0);
		return;
	}
	path = web_take_file(request);
	text = mem_zero(1, (size_t)size + 1);
	file = fopen(path, "r");
	if (file == NULL || fread(text, 1, (size_t)size + 1, file) != (size_t)size)
		abort();
	fclose(file);
	unlink(path);
	web_answer(request, 200, "text/plain", text, (size_t)size);
	free(text);
	free(path);
}

static void on_keep(void *owner, struct web_request *request)
{
	web_receive(request, on_kept, owner);
}

static void on_collect(void *owner, struct web_request *request)
{
	web_collect(request, 16, on_echo, owner);
}

static void on_refuse(void *owner, struct web_request *request)
{
	(void)owner;
	web_answer_error(request, 401, "AUTH_FAILED", "not you");
}

static void on_hello(void *owner, struct web_request *request)
{
	(void)owner;
	web_add_header(request, "X-Twice", web_header_repeated(request, "X-Twice") ? "yes" : "no");
	web_add_header(request, "X-Evil", "a\r\nSet-Cookie: b"); /* must not arrive */
	web_answer(request, 200, "text/plain", "hello", 5);
}

static void on_big(void *owner, struct web_request *request)
{
	size_t len = (size_t)strtoul(web_param(request, "bytes"), NULL, 10);
	char *body = mem_zero(1, len + 1);

	(void)owner;
	memset(body, 'x', len);
	web_answer(request, 200, "text/plain", body, len);
	free(body);
}

/* /file/BYTES: from a descriptor; /file/BYTES?short=1: says one byte more than there is. */
static void on_file(void *owner, struct web_request *request)
{
	size_t len = (size_t)strtoul(web_param(request, "bytes"), NULL, 10);
	char *body = mem_zero(1, len + 1);
	int fd = memfd_create("file", MFD_CLOEXEC);

	(void)owner;
	memset(body, 'x', len);
	if (fd < 0 || write(fd, body, len) != (ssize_t)len || lseek(fd, 0, SEEK_SET) != 0)
		abort();
	free(body);
	web_answer_file(request, "text/plain", fd, (int64_t)len + (web_query(request, "short") != NULL));
}

static void on_hold(void *owner, struct web_request *request)
{
	(void)owner;
	web_on_gone(request, count_gone, NULL);
	held[held_count++ % HELD_MAX] = web_id(request);
}

static void on_release(void *owner, struct web_request *request)
{
	(void)owner;
	for (unsigned i = 0; i < held_count && i < HELD_MAX; i++) {
		struct web_request *waiting = web_find(web, held[i]);

		if (waiting != NULL)
			web_answer(waiting, 200, "text/plain", "released", 8);
		assert_null(web_find(web, held[i]));
	}
	held_count = 0;
	web_answer(request, 204, NULL, NULL, 0);
}

/* The bodies of what is held go on now. */
static void on_let(void *owner, struct web_request *request)
{
	for (unsigned i = 0; i < held_count && i < HELD_MAX; i++)
		web_receive(web_find(web, held[i]), on_kept, owner);
	held_count = 0;
	web_answer(request, 204, NULL, NULL, 0);
}

/* Whatever arrives in the next tenth of a second is seen at once, in the order in which it came. */
static void on_nap(void *owner, struct web_request *request)
{
	(void)owner;
	handled_count++;
	usleep(100000);
	web_answer(request, 204, NULL, NULL, 0);
}

static void on_stream(void *owner, struct web_request *request)
{
	(void)owner;
	web_on_gone(request, count_gone, NULL);
	web_stream(request, 200, "text/event-stream");
	web_write(request, "data: start\n\n", 13);
	streams[stream_count++ % HELD_MAX] = web_id(request);
}

static void on_tell(void *owner, struct web_request *request)
{
	(void)owner;
	for (unsigned i = 0; i < stream_count; i++) {
		struct web_request *stream = web_find(web, streams[i]);

		if (stream != NULL)
			web_write(stream, "data: told\n\n", 12);
	}
	web_answer(request, 204, NULL, NULL, 0);
}

static void on_end(void *owner, struct web_request *request)
{
	(void)owner;
	for (unsigned i = 0; i < stream_count; i++) {
		struct web_request *stream = web_find(web, streams[i]);

		if (stream != NULL)
			web_end(stream);
	}
	web_answer(request, 204, NULL, NULL, 0);
}

/* Writes without end to a peer that does not read, until the server cuts it. */
static void flood(void *data)
{
	struct web_request *request = web_find(web, flooded);
	static char piece[65536];

	if (request == NULL)
		return;
	if (web_write(request, piece, sizeof(piece)))
		loop_post(io_loop(io), flood, data);
	else
		flood_cut++;
}

static void on_flood(void *owner, struct web_request *request)
{
	(void)owner;
	web_on_gone(request, count_gone, NULL);
	web_stream(request, 200, "application/octet-stream");
	flooded = web_id(request);
	loop_post(io_loop(io), flood, NULL);
}

static void on_param(void *owner, struct web_request *request)
{
	struct buf out = { 0 };
	const char *q = web_query(request, "q"), *e = web_query(request, "e");

	(void)owner;
	buf_format(&out, "%s|%s|%s|%s|%s", web_param(request, "a"), web_param(request, "b"),
		   web_path(request), q == NULL ? "-" : q, e == NULL ? "-" : e);
	web_answer(request, 200, "text/plain", out.data, out.len);
	buf_free(&out);
}

static void on_peer(void *owner, struct web_request *request)
{
	struct buf out = { 0 };
	uid_t uid = 0;
	gid_t gid = 0;
	bool is_unix = web_peer_unix(request, &uid, &gid);

	(void)owner;
	buf_format(&out, "%s %d %d %u", web_peer(request), web_loopback(request), is_unix, (unsigned)uid);
	web_answer(request, 200, "text/plain", out.data, out.len);
	buf_free(&out);
}

static void socket_message(void *owner, struct web_socket *socket, bool binary, const void *data, size_t len)
{
	(void)owner;
	if (len == 3 && memcmp(data, "bye", 3) == 0)
		web_socket_close(socket, 4001, "as you wish");
	else
		assert_true(web_socket_send(socket, binary, data, len));
}

static void socket_ended(void *owner, struct web_socket *socket, int code)
{
	(void)owner, (void)socket;
	socket_closed++;
	last_code = code;
}

static void on_socket(void *owner, struct web_request *request)
{
	static const struct web_socket_events events = { socket_message, socket_ended };

	web_upgrade(request, "chat", 1000, &events, owner);
}

static void on_stats(void *owner, struct web_request *request)
{
	struct rusage used;
	char text[300];

	(void)owner;
	getrusage(RUSAGE_SELF, &used);
	snprintf(text, sizeof(text),
		 "{\"gone\":%ld,\"handled\":%ld,\"held\":%u,\"connections\":%zu,\"cpu_us\":%ld,\"kib\":%ld,"
		 "\"socket_closed\":%ld,\"code\":%ld,\"flood_cut\":%ld}",
		 gone_count, handled_count, held_count, web_connections(web),
		 (used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1000000 + used.ru_utime.tv_usec +
			 used.ru_stime.tv_usec,
		 used.ru_maxrss, socket_closed, last_code, flood_cut);
	web_answer_json(request, 200, text);
}

static void stop(void *data)
{
	(void)data;
	io_stop(io);
}

static void on_drain(void *owner, struct web_request *request)
{
	bool patient = web_query(request, "patient") != NULL;

	(void)owner;
	web_answer(request, 202, NULL, NULL, 0);
	web_drain(web, patient ? 60000 : 3000, stop, NULL);
}

/* A handler may end the server it runs in. */
static void on_destroy(void *owner, struct web_request *request)
{
	(void)owner, (void)request;
	web_destroy(web);
	web = NULL;
	io_stop(io);
}

static const struct web_route routes[] = {
	{ "POST", "/echo", 1 << 20, on_echo, &web },
	{ "POST", "/small", 16, on_echo, &web },
	{ "GET", "/hello", 0, on_hello, &web },
	{ "GET", "/big/{bytes}", 0, on_big, &web },
	{ "GET", "/file/{bytes}", 0, on_file, &web },
	{ "GET", "/hold", 0, on_hold, &web },
	{ "POST", "/hold", 1000, on_hold, &web },
	{ "POST", "/release", 1000, on_release, &web },
	{ "GET", "/stream", 0, on_stream, &web },
	{ "POST", "/tell", 1000, on_tell, &web },
	{ "POST", "/end", 1000, on_end, &web },
	{ "GET", "/flood", 0, on_flood, &web },
	{ "GET", "/param/{a}/x/{b}", 0, on_param, &web },
	{ "GET", "/peer", 0, on_peer, &web },
	{ "GET", "/socket", 0, on_socket, &web },
	{ "GET", "/stats", 0, on_stats, &web },
	{ "POST", "/drain", 1000, on_drain, &web },
	{ "POST", "/destroy", 1000, on_destroy, &web },
	{ "GET", "/both", 0, on_hello, &web },
	{ "POST", "/both", 10, on_echo, &web },
	{ "POST", "/keep", 1000, on_keep, &web, WEB_SERVER_FOLDER },
	{ "POST", "/keep/held", 1000, on_hold, &web, WEB_SERVER_FOLDER },
	{ "POST", "/let", 0, on_let, &web },
	{ "POST", "/nap", 0, on_nap, &web },
	{ "POST", "/keep/nowhere", 1000, on_keep, &web, "/nonexistent" },
	{ "POST", "/collect", 1000, on_collect, &web, WEB_SERVER_FOLDER },
	{ "POST", "/refuse", 1000, on_refuse, &web, WEB_SERVER_FOLDER },
};

static void lower_files(unsigned most)
{
	struct rlimit limit = { most, most };

	if (most > 0)
		setrlimit(RLIMIT_NOFILE, &limit);
}

/* The child. Ends with 0 only when nothing is left over. */
static void serve(const struct server_options *options, int report)
{
	struct web_options web_options = {
		.address = options->address == NULL ? "127.0.0.1" : options->address,
		.path = options->path,
		.cert_file = options->cert_file,
		.key_file = options->key_file,
	};
	struct err err = { 0 };
	int port;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	log_setup(LOG_ERROR, false);
	io = io_create(&err);
	web = io == NULL ? NULL : web_create(io, &web_options, &err);
	if (web == NULL) {
		fprintf(stderr, "server: %s\n", err.text);
		exit(3);
	}
	for (size_t i = 0; i < sizeof(routes) / sizeof(routes[0]); i++)
		assert_true(web_claim(web, &routes[i]));
	assert_false(web_claim(web, &routes[0]));
	for (int i = 0; i < CONN_STATES; i++) {
		if (options->limit_ms[i] > 0)
			web_test_limit(web, (enum conn_state)i, options->limit_ms[i]);
	}
	web_starting(web, options->starting);
	lower_files(options->files_max);
	io_on_signals(io, stop, NULL, NULL);
	port = web_port(web);
	if (write(report, &port, sizeof(port)) != sizeof(port))
		exit(4);
	close(report);
	io_run(io);
	web_destroy(web);
	io_destroy(io);
	exit(0);
}

void server_start(struct server *server, const struct server_options *options)
{
	int ends[2];

	fflush(NULL);
	assert_int_equal(pipe(ends), 0);
	server->pid = fork();
	assert_true(server->pid >= 0);
	if (server->pid == 0) {
		close(ends[0]);
		serve(options, ends[1]);
	}
	close(ends[1]);
	assert_int_equal(read(ends[0], &server->port, sizeof(server->port)), sizeof(server->port));
	close(ends[0]);
	server->path = options->path;
}

void server_ended(struct server *server)
{
	int status;

	assert_int_equal(waitpid(server->pid, &status, 0), server->pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

void server_stop(struct server *server)
{
	kill(server->pid, SIGTERM);
	server_ended(server);
}
