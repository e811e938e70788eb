/* The life of connections: peers that leave, dawdle or come in thousands, streams, draining, unix sockets, starts
 * that are refused. */
#include "mem.h"
#include "web_server.h"
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define EMPTY_POST(path_) "POST " path_ " HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n"

static long now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void reset(int fd)
{
	struct linger now = { .l_onoff = 1 };

	setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	close(fd);
}

/* The owner of a request learns that nobody waits any more; a late answer finds nobody. */
static void test_gone_while_pending(void **state)
{
	struct server server;
	int fds[3];

	(void)state;
	server_start(&server, &(struct server_options){ 0 });
	for (int i = 0; i < 3; i++) {
		fds[i] = dial(&server);
		put(fds[i], "GET /hold HTTP/1.1\r\nHost: a\r\n\r\n");
	}
	wait_stat(&server, "held", 3);
	close(fds[0]);
	reset(fds[1]);
	wait_stat(&server, "gone", 2);
	assert_int_equal(status_of(&server, EMPTY_POST("/release")), 204);
	expect_reply(fds[2], 200, "released");
	close(fds[2]);
	assert_int_equal(stat_of(&server, "gone"), 2); /* not called after a complete answer */
	server_stop(&server);
}

static const char *const starts[] = {
	"GET /hold HTTP/1.1\r\nHost: a\r\n\r\n",
	"GET /stream HTTP/1.1\r\nHost: a\r\n\r\n",
	"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nabc",
	"GET /hel",
	"",
	"GET /big/20000000 HTTP/1.1\r\nHost: a\r\n\r\n",
};
enum { STARTS = sizeof(starts) / sizeof(starts[0]) };

static void start_all(struct server *server, int fds[STARTS])
{
	server_start(server, &(struct server_options){ 0 });
	for (int i = 0; i < STARTS; i++) {
		fds[i] = dial(server);
		put(fds[i], starts[i]);
	}
	wait_stat(server, "connections", STARTS + 1);
}

/* web_destroy with requests, streams and half-read bodies under way leaves nothing behind (server_stop
 * checks). */
static void test_destroy_under_load(void **state)
{
	struct server server;
	int fds[STARTS];

	(void)state;
	start_all(&server, fds);
	server_stop(&server);
	for (int i = 0; i < STARTS; i++)
		close(fds[i]);
}

static void test_destroy_in_a_handler(void **state)
{
	struct server server;
	int fds[STARTS], fd;

	(void)state;
	start_all(&server, fds);
	fd = dial(&server);
	put(fd, EMPTY_POST("/destroy") HELLO);
	server_ended(&server);
	assert_true(at_end(fd));
	close(fd);
	for (int i = 0; i < STARTS; i++)
		close(fds[i]);
}

static void test_time_limits(void **state)
{
	struct server server;
	struct server_options options = {
		.limit_ms = { [CONN_IDLE] = 300, [CONN_HEAD] = 100, [CONN_BODY] = 100, [CONN_FLUSH] = 200 },
	};
	struct reply reply;
	int idle, head, body, deaf, drip;

	(void)state;
	server_start(&server, &options);
	idle = dial(&server);
	head = dial(&server);
	put(head, "GET /hello HTTP/1.1\r\nHo");
	body = dial(&server);
	put(body, "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 30\r\n\r\nabc");
	deaf = dial(&server);
	put(deaf, "GET /big/30000000 HTTP/1.1\r\nHost: a\r\n\r\n");
	reply_read(head, &reply);
	assert_int_equal(reply.status, 408);
	assert_true(reply_has(&reply, "Connection: close"));
	assert_non_null(strstr(reply.body, "\"REQUEST_TIMEOUT\""));
	reply_free(&reply);
	expect_reply(body, 408, NULL);
	assert_true(at_end(idle));
	drip = dial(&server); /* a byte now and then does not restart the limit */
	for (int i = 0; i < 100; i++) {
		if (send(drip, "G", 1, MSG_NOSIGNAL) < 0)
			break;
		if (recv(drip, &(char){ 0 }, 1, MSG_DONTWAIT | MSG_PEEK) >= 0)
			break;
		usleep(10000);
	}
	expect_reply(drip, 408, NULL);
	close(head);
	close(body);
	wait_stat(&server, "connections", 2); /* the one that asks, and drip's end; deaf and idle are gone */
	close(drip);
	close(idle);
	close(deaf);
	wait_stat(&server, "connections", 1);
	server_stop(&server);
}

/* The limit is for peers that do not read, not for large answers over thin lines. */
static void test_slow_but_reading(void **state)
{
	enum { LENGTH = 12000000 };
	struct server_options options = { .limit_ms = { [CONN_FLUSH] = 600 } };
	struct server server;
	char *piece = mem_alloc(200000);
	size_t got = 0;
	int fd;

	(void)state;
	server_start(&server, &options);
	fd = dial(&server);
	put(fd, "GET /big/12000000 HTTP/1.1\r\nHost: a\r\n\r\n");
	expect_within(fd, "\r\n\r\n");
	while (got < LENGTH) {
		ssize_t part = recv(fd, piece, 200000, 0);

		assert_true(part > 0);
		got += (size_t)part;
		usleep(20000);
	}
	put(fd, HELLO);
	expect_reply(fd, 200, "hello");
	free(piece);
	close(fd);
	server_stop(&server);
}

static void test_stream(void **state)
{
	struct server server;
	struct server_options options = { .limit_ms = { [CONN_STREAM] = 50 } };
	int fd, old;

	(void)state;
	server_start(&server, &options);
	fd = dial(&server);
	put(fd, "GET /stream HTTP/1.1\r\nHost: a\r\n\r\n");
	expect_within(fd, "Transfer-Encoding: chunked\r\n\r\n");
	expect_within(fd, "d\r\ndata: start\n\n\r\n");
	expect_within(fd, "8\r\n: ping\n\n\r\n");
	expect_within(fd, "8\r\n: ping\n\n\r\n");
	status_of(&server, EMPTY_POST("/tell"));
	expect_within(fd, "c\r\ndata: told\n\n\r\n");
	status_of(&server, EMPTY_POST("/end"));
	expect_within(fd, "0\r\n\r\n");
	put(fd, HELLO); /* the connection goes on */
	expect_reply(fd, 200, "hello");
	old = dial(&server);
	put(old, "GET /stream HTTP/1.0\r\n\r\n");
	expect_within(old, "\r\n\r\ndata: start\n\n");
	put(fd, "GET /stream HTTP/1.1\r\nHost: a\r\n\r\n");
	expect_within(fd, "data: start\n\n");
	close(fd);
	wait_stat(&server, "gone", 1);
	status_of(&server, EMPTY_POST("/end"));
	while (recv(old, &(char){ 0 }, 1, 0) == 1)
		;
	assert_true(at_end(old));
	close(old);
	assert_int_equal(stat_of(&server, "gone"), 1);
	server_stop(&server);
}

/* A stream whose reader sleeps is cut at its backlog; memory stays bounded. */
static void test_stream_without_reader(void **state)
{
	struct server server;
	int fd;

	(void)state;
	server_start(&server, &(struct server_options){ 0 });
	fd = dial(&server);
	put(fd, "GET /flood HTTP/1.1\r\nHost: a\r\n\r\n");
	wait_stat(&server, "flood_cut", 1);
	wait_stat(&server, "gone", 1);
	close(fd);
	server_stop(&server);
}

/* What is under way is answered with "Connection: close", idle connections end, then the server is done. */
static void test_drain(void **state)
{
	struct server server;
	struct reply reply;
	int pending, idle, late;
	long start;

	(void)state;
	server_start(&server, &(struct server_options){ 0 });
	pending = dial(&server);
	put(pending, "GET /hold HTTP/1.1\r\nHost: a\r\n\r\n");
	idle = dial(&server);
	put(idle, HELLO);
	expect_reply(idle, 200, "hello");
	late = dial(&server);
	put(late, HELLO);
	expect_reply(late, 200, "hello");
	wait_stat(&server, "held", 1);
	start = now_ms();
	put(late, EMPTY_POST("/drain?patient=1") EMPTY_POST("/release")); /* idle connections go soon */
	expect_reply(late, 202, NULL);
	reply_read(late, &reply);
	assert_int_equal(reply.status, 204);
	assert_true(reply_has(&reply, "Connection: close"));
	reply_free(&reply);
	reply_read(pending, &reply);
	assert_string_equal(reply.body, "released");
	assert_true(reply_has(&reply, "Connection: close"));
	reply_free(&reply);
	assert_true(at_end(idle));
	server_ended(&server);
	assert_true(now_ms() - start < 50000); /* not the whole grace */
	close(pending);
	close(idle);
	close(late);
}

static void test_drain_grace(void **state)
{
	struct server server;
	int pending;
	long start;

	(void)state;
	server_start(&server, &(struct server_options){ 0 });
	pending = dial(&server);
	put(pending, "GET /hold HTTP/1.1\r\nHost: a\r\n\r\n");
	wait_stat(&server, "held", 1);
	start = now_ms();
	assert_int_equal(status_of(&server, EMPTY_POST("/drain")), 202);
	server_ended(&server);
	assert_true(now_ms() - start >= 2900);
	assert_true(at_end(pending));
	close(pending);
}

static void raise_files(void)
{
	struct rlimit limit;

	getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = limit.rlim_max < 8192 ? limit.rlim_max : 8192;
	setrlimit(RLIMIT_NOFILE, &limit);
}

/* At the descriptor limit new connections are closed, those that are open go on, and the CPU rests. */
static void test_descriptor_limit(void **state)
{
	struct server server;
	int fds[64], old;
	long cpu;
	struct reply reply;

	(void)state;
	if (getenv("USHER_VALGRIND"))
		skip(); /* valgrind answers for the descriptor limit itself */
	server_start(&server, &(struct server_options){ .files_max = 40 });
	old = dial(&server);
	put(old, HELLO);
	expect_reply(old, 200, "hello");
	for (int i = 0; i < 64; i++)
		fds[i] = dial(&server);
	expect_reply(fds[63], 503, NULL);
	assert_true(at_end(fds[63]));
	put(old, "GET /stats HTTP/1.1\r\nHost: a\r\n\r\n");
	reply_read(old, &reply);
	cpu = strtol(strstr(reply.body, "\"cpu_us\":") + 9, NULL, 10);
	reply_free(&reply);
	usleep(300000);
	put(old, "GET /stats HTTP/1.1\r\nHost: a\r\n\r\n");
	reply_read(old, &reply);
	cpu = strtol(strstr(reply.body, "\"cpu_us\":") + 9, NULL, 10) - cpu;
	reply_free(&reply);
	if (cpu > 60000)
		fail_msg("%ld us of CPU in 300 ms at rest", cpu);
	for (int i = 0; i < 64; i++)
		close(fds[i]);
	wait_stat(&server, "connections", 2);
	close(old);
	server_stop(&server);
}

static void test_many_idle(void **state)
{
	enum { MANY = 2000 };
	struct server server;
	int *fds = mem_zero(MANY, sizeof(int));
	long before, after;

	(void)state;
	raise_files();
	server_start(&server, &(struct server_options){ 0 });
	before = stat_of(&server, "kib");
	for (int i = 0; i < MANY; i++) {
		fds[i] = dial(&server);
		put(fds[i], HELLO);
		expect_reply(fds[i], 200, "hello");
	}
	wait_stat(&server, "connections", MANY + 1);
	after = stat_of(&server, "kib");
	print_message("%ld bytes per idle connection\n", (after - before) * 1024 / MANY);
	put(fds[0], HELLO);
	expect_reply(fds[0], 200, "hello");
	for (int i = 0; i < MANY; i++)
		close(fds[i]);
	wait_stat(&server, "connections", 1);
	free(fds);
	server_stop(&server);
}

static void test_unix_socket(void **state)
{
	struct server server;
	struct stat made;
	char folder[] = "/tmp/usher-test-XXXXXX", path[64], expected[64];
	int fd;

	(void)state;
	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/web", folder);
	for (int round = 0; round < 2; round++) {
		server_start(&server, &(struct server_options){ .path = path });
		assert_int_equal(lstat(path, &made), 0);
		assert_true(S_ISSOCK(made.st_mode));
		assert_int_equal(made.st_mode & 0777, 0660);
		fd = dial(&server);
		put(fd, "GET /peer HTTP/1.1\r\nHost: a\r\n\r\n");
		snprintf(expected, sizeof(expected), "unix 1 1 %u", (unsigned)getuid());
		expect_reply(fd, 200, expected);
		close(fd);
		if (round == 0) { /* dies and leaves its socket file: the next start replaces it */
			assert_int_equal(kill(server.pid, SIGKILL), 0);
			assert_int_equal(waitpid(server.pid, NULL, 0), server.pid);
			assert_int_equal(lstat(path, &made), 0);
		} else {
			server_stop(&server);
		}
	}
	assert_int_equal(lstat(path, &made), -1);
	rmdir(folder);
}

static void test_peer(void **state)
{
	struct server server;
	int fd;

	(void)state;
	server_start(&server, &(struct server_options){ 0 });
	fd = dial(&server);
	put(fd, "GET /peer HTTP/1.1\r\nHost: a\r\n\r\n");
	expect_reply(fd, 200, "127.0.0.1 1 0 0");
	close(fd);
	server_stop(&server);
	server_start(&server, &(struct server_options){ .address = "::" }); /* IPv4 comes in here too */
	fd = dial(&server);
	put(fd, "GET /peer HTTP/1.1\r\nHost: a\r\n\r\n");
	expect_reply(fd, 200, "127.0.0.1 1 0 0");
	close(fd);
	server_stop(&server);
}

/* ---- refused starts ------------------------------------------------------------------------------------ */

static void expect_refusal(struct io *io, const struct web_options *options, const char *word)
{
	struct err err = { 0 };

	assert_null(web_create(io, options, &err));
	assert_int_equal(err.kind, ERR_REFUSED);
	assert_non_null(strstr(err.text, word));
}

static void test_refused_starts(void **state)
{
	struct err err = { 0 };
	struct io *io = io_create(&err);
	struct web *web = web_create(io, &(struct web_options){ .address = "127.0.0.1" }, &err);
	char port[16];

	(void)state;
	assert_non_null(web);
	snprintf(port, sizeof(port), "%d", web_port(web));
	expect_refusal(io, &(struct web_options){ .address = "127.0.0.1", .port = web_port(web) }, port);
	expect_refusal(io, &(struct web_options){ .address = "nowhere", .port = 1 }, "nowhere");
	expect_refusal(io, &(struct web_options){ .address = "127.0.0.1", .port = 70000 }, "70000");
	expect_refusal(io, &(struct web_options){ .path = "/nowhere/at/all" }, "/nowhere/at/all");
	expect_refusal(io,
		       &(struct web_options){ .address = "127.0.0.1",
					      .cert_file = "/nowhere/cert",
					      .key_file = "/nowhere/key" },
		       "/nowhere/cert");
	expect_refusal(io,
		       &(struct web_options){
			       .address = "127.0.0.1", .cert_file = "/dev/null", .key_file = "/dev/null" },
		       "not a certificate");
	web_destroy(web);
	web_destroy(NULL);
	io_destroy(io);
}

/* Who hears 404 may never ask again: while the daemon starts, its webhooks are not there yet. */
static void test_starting(void **state)
{
	struct server server;
	struct reply reply;
	int fd;

	(void)state;
	server_start(&server, &(struct server_options){ .starting = true });
	fd = dial(&server);
	put(fd, "POST /webhook/crm HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n");
	reply_read(fd, &reply);
	assert_int_equal(reply.status, 503);
	assert_true(reply_has(&reply, "Retry-After: 1"));
	reply_free(&reply);
	put(fd, HELLO "DELETE /hello HTTP/1.1\r\nHost: a\r\n\r\n");
	expect_reply(fd, 200, "hello");
	expect_reply(fd, 405, NULL);
	close(fd);
	server_stop(&server);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_gone_while_pending),
		cmocka_unit_test(test_destroy_under_load),
		cmocka_unit_test(test_destroy_in_a_handler),
		cmocka_unit_test(test_time_limits),
		cmocka_unit_test(test_slow_but_reading),
		cmocka_unit_test(test_stream),
		cmocka_unit_test(test_stream_without_reader),
		cmocka_unit_test(test_drain),
		cmocka_unit_test(test_drain_grace),
		cmocka_unit_test(test_descriptor_limit),
		cmocka_unit_test(test_many_idle),
		cmocka_unit_test(test_unix_socket),
		cmocka_unit_test(test_peer),
		cmocka_unit_test(test_refused_starts),
		cmocka_unit_test(test_starting),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
