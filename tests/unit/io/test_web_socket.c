/* Web sockets as a peer sees them: the handshake, messages, rule breakers, the end. */
#include "mem.h"
#include "web_server.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

static struct server server;

static int begin(void **state)
{
	(void)state;
	server_start(&server, &(struct server_options){ .limit_ms = { [CONN_LINGER] = 200 } });
	return 0;
}

static int end(void **state)
{
	(void)state;
	server_stop(&server);
	return 0;
}

#define START	   "GET /socket HTTP/1.1\r\nHost: a\r\n"
#define UPGRADE	   "Upgrade: WebSocket\r\nConnection: keep-alive, Upgrade\r\n"
#define KEY	   "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n" /* the sample of RFC 6455 */
#define VERSION_13 "Sec-WebSocket-Version: 13\r\n"

enum { TEXT = 1, BINARY = 2, CLOSE = 8, PING = 9, PONG = 10 };

/* A client's frame: masked, as it must be. */
static size_t make_frame(uint8_t *out, int opcode, const char *data, size_t len, bool masked)
{
	static const uint8_t mask[4] = { 1, 2, 3, 4 };
	size_t at = 0;

	out[at++] = (uint8_t)(0x80 | opcode);
	out[at++] = (uint8_t)((masked ? 0x80 : 0) | (len < 126 ? len : 126));
	if (len >= 126) {
		out[at++] = (uint8_t)(len >> 8);
		out[at++] = (uint8_t)len;
	}
	if (masked) {
		memcpy(out + at, mask, 4);
		at += 4;
	}
	for (size_t i = 0; i < len; i++)
		out[at++] = (uint8_t)(data[i] ^ (masked ? mask[i % 4] : 0));
	return at;
}

static void put_frame(int fd, int opcode, const char *data, size_t len)
{
	uint8_t frame[4096];

	put_bytes(fd, frame, make_frame(frame, opcode, data, len, true));
}

static void expect_bytes(int fd, const void *wanted, size_t len)
{
	char seen[4096];

	assert_true(len <= sizeof(seen));
	assert_int_equal(recv(fd, seen, len, MSG_WAITALL), (ssize_t)len);
	assert_memory_equal(seen, wanted, len);
}

static void expect_frame(int fd, int opcode, const char *data, size_t len)
{
	uint8_t frame[4096];

	expect_bytes(fd, frame, make_frame(frame, opcode, data, len, false));
}

static int open_socket(void)
{
	int fd = dial(&server);

	put(fd, START UPGRADE KEY VERSION_13 "Sec-WebSocket-Protocol: x, chat\r\n\r\n");
	expect_text(
		fd,
		"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
		"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\nSec-WebSocket-Protocol: chat\r\n\r\n");
	return fd;
}

static void test_echo(void **state)
{
	char text[1000];
	int fd = open_socket();

	(void)state;
	memset(text, 'a', sizeof(text));
	put_frame(fd, TEXT, "hello", 5);
	expect_frame(fd, TEXT, "hello", 5);
	put_frame(fd, BINARY, "\0\1\2", 3);
	expect_frame(fd, BINARY, "\0\1\2", 3);
	put_frame(fd, TEXT, text, sizeof(text));
	expect_frame(fd, TEXT, text, sizeof(text));
	put_frame(fd, PING, "p", 1);
	expect_frame(fd, PONG, "p", 1);
	close(fd);
}

/* Frames in the same segment as the handshake, and cut at every byte. */
static void test_early_and_split(void **state)
{
	uint8_t frame[64];
	char request[512];
	size_t len;
	int fd = dial(&server);

	(void)state;
	len = (size_t)snprintf(request, sizeof(request), "%s", START UPGRADE KEY VERSION_13 "\r\n");
	len += make_frame((uint8_t *)request + len, TEXT, "early", 5, true);
	put_bytes(fd, request, len);
	expect_within(fd, "\r\n\r\n");
	expect_frame(fd, TEXT, "early", 5);
	len = make_frame(frame, TEXT, "split", 5, true);
	for (size_t i = 0; i < len; i++)
		put_bytes(fd, frame + i, 1);
	expect_frame(fd, TEXT, "split", 5);
	close(fd);
}

static void test_refused_handshakes(void **state)
{
	(void)state;
	assert_int_equal(status_of(&server, START "\r\n"), 426);
	assert_int_equal(status_of(&server, START UPGRADE KEY "Sec-WebSocket-Version: 8\r\n\r\n"), 426);
	assert_int_equal(status_of(&server, START UPGRADE VERSION_13 "\r\n"), 400);
	assert_int_equal(status_of(&server, START UPGRADE "Sec-WebSocket-Key: short\r\n" VERSION_13 "\r\n"),
			 400);
	assert_int_equal(status_of(&server, START "Upgrade: websocket\r\n" KEY VERSION_13 "\r\n"), 400);
	assert_int_equal(status_of(&server, START "Upgrade: h2c\r\nConnection: Upgrade\r\n\r\n"), 426);
}

static void expect_close(int fd, int code)
{
	uint8_t head[4];

	assert_int_equal(recv(fd, head, 4, MSG_WAITALL), 4);
	assert_int_equal(head[0], 0x80 | CLOSE);
	assert_true(head[1] >= 2 && head[1] < 126);
	assert_int_equal(head[2] << 8 | head[3], code);
	for (int left = head[1] - 2; left > 0; left--)
		assert_int_equal(recv(fd, head, 1, 0), 1);
}

static void test_peer_closes(void **state)
{
	long before = stat_of(&server, "socket_closed");
	int fd = open_socket();

	(void)state;
	put_frame(fd, CLOSE, "\x03\xe8", 2);
	expect_close(fd, 1000);
	assert_true(at_end(fd));
	close(fd);
	wait_stat(&server, "socket_closed", before + 1);
	assert_int_equal(stat_of(&server, "code"), 1000);
	fd = open_socket();
	close(fd); /* without goodbye */
	wait_stat(&server, "socket_closed", before + 2);
	assert_int_equal(stat_of(&server, "code"), 1006);
}

static void test_server_closes(void **state)
{
	long before = stat_of(&server, "socket_closed");
	int fd = open_socket();

	(void)state;
	put_frame(fd, TEXT, "bye", 3);
	expect_close(fd, 4001);
	put_frame(fd, CLOSE, "\x0f\xa1", 2);
	assert_true(at_end(fd));
	close(fd);
	wait_stat(&server, "socket_closed", before + 1);
	assert_int_equal(stat_of(&server, "code"), 4001);
}

static void test_rule_breakers(void **state)
{
	long before = stat_of(&server, "socket_closed");
	uint8_t frame[2048];
	char text[1001] = { 0 };
	int fd = open_socket();

	(void)state;
	memset(text, 'a', sizeof(text));
	put_frame(fd, TEXT, text, sizeof(text)); /* one byte more than allowed */
	expect_close(fd, 1009);
	assert_true(at_end(fd));
	close(fd);
	fd = open_socket();
	put_frame(fd, TEXT, "\xff\xfe", 2); /* not UTF-8 */
	expect_close(fd, 1007);
	close(fd);
	fd = open_socket();
	put_bytes(fd, frame, make_frame(frame, TEXT, "a", 1, false)); /* not masked */
	expect_close(fd, 1002);
	close(fd);
	fd = open_socket();
	put(fd, "GET /hello HTTP/1.1\r\nHost: a\r\n\r\n"); /* no frame at all */
	expect_close(fd, 1002);
	close(fd);
	wait_stat(&server, "socket_closed", before + 4);
}

/* The server asks silent peers for a sign of life and lets the dead go. */
static void test_silent_peer(void **state)
{
	struct server quick;
	int fd, alive;

	(void)state;
	server_start(&quick, &(struct server_options){ .limit_ms = { [CONN_SOCKET] = 100 } });
	fd = dial(&quick);
	alive = dial(&quick);
	put(fd, START UPGRADE KEY VERSION_13 "\r\n");
	put(alive, START UPGRADE KEY VERSION_13 "\r\n");
	expect_within(fd, "\r\n\r\n");
	expect_within(alive, "\r\n\r\n");
	for (int i = 0; i < 4; i++) {
		expect_frame(alive, PING, "", 0);
		put_frame(alive, PONG, "", 0);
	}
	wait_stat(&quick, "socket_closed", 1);
	expect_frame(fd, PING, "", 0);
	assert_true(at_end(fd));
	close(fd);
	close(alive);
	server_stop(&quick);
}

static void test_drain(void **state)
{
	struct server draining;
	int fd;

	(void)state;
	server_start(&draining, &(struct server_options){ 0 });
	fd = dial(&draining);
	put(fd, START UPGRADE KEY VERSION_13 "\r\n");
	expect_within(fd, "\r\n\r\n");
	status_of(&draining, "POST /drain HTTP/1.1\r\nHost: a\r\n\r\n");
	expect_close(fd, 1001);
	put_frame(fd, CLOSE, "\x03\xe9", 2);
	assert_true(at_end(fd));
	close(fd);
	server_ended(&draining);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_echo),
		cmocka_unit_test(test_early_and_split),
		cmocka_unit_test(test_refused_handshakes),
		cmocka_unit_test(test_peer_closes),
		cmocka_unit_test(test_server_closes),
		cmocka_unit_test(test_rule_breakers),
		cmocka_unit_test(test_silent_peer),
		cmocka_unit_test(test_drain),
	};

	return cmocka_run_group_tests(tests, begin, end);
}
