/* The calling side of the web server's tests: blocking sockets, so that each byte comes when the test says so. */
#include "mem.h"
#include "web_server.h"
#include <arpa/inet.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

enum { WAIT_SECONDS = 60 };

static int connect_to(const struct server *server)
{
	struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_port = htons((uint16_t)server->port) };
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	int fd = socket(server->path == NULL ? AF_INET : AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	if (server->path != NULL) {
		snprintf(un.sun_path, sizeof(un.sun_path), "%s", server->path);
		assert_int_equal(connect(fd, (struct sockaddr *)&un, sizeof(un)), 0);
	} else {
		v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		assert_int_equal(connect(fd, (struct sockaddr *)&v4, sizeof(v4)), 0);
	}
	return fd;
}

int dial(const struct server *server)
{
	struct timeval limit = { .tv_sec = WAIT_SECONDS };
	int fd = connect_to(server);

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
	return fd;
}

void put_bytes(int fd, const void *data, size_t len)
{
	const char *at = data;

	while (len > 0) {
		ssize_t sent = send(fd, at, len, MSG_NOSIGNAL);

		if (sent <= 0)
			fail_msg("send: %s", strerror(errno));
		at += sent;
		len -= (size_t)sent;
	}
}

void put(int fd, const char *text)
{
	put_bytes(fd, text, strlen(text));
}

static char get_byte(int fd)
{
	char c;
	ssize_t got = recv(fd, &c, 1, 0);

	if (got != 1)
		fail_msg("no more bytes came: %s", got == 0 ? "closed" : strerror(errno));
	return c;
}

static void get_bytes(int fd, char *to, size_t len)
{
	while (len > 0) {
		ssize_t got = recv(fd, to, len, 0);

		if (got <= 0)
			fail_msg("an answer broke off: %s", got == 0 ? "closed" : strerror(errno));
		to += got;
		len -= (size_t)got;
	}
}

void reply_read(int fd, struct reply *reply)
{
	size_t len = 0;
	const char *length;

	memset(reply, 0, sizeof(*reply));
	while (len < 4 || memcmp(reply->head + len - 4, "\r\n\r\n", 4) != 0) {
		assert_true(len < sizeof(reply->head) - 1);
		reply->head[len++] = get_byte(fd);
	}
	assert_int_equal(sscanf(reply->head, "HTTP/1.1 %d", &reply->status), 1);
	length = strstr(reply->head, "\r\nContent-Length: ");
	reply->len = length == NULL ? 0 : (size_t)strtoul(length + 18, NULL, 10);
	reply->body = mem_zero(1, reply->len + 1);
	get_bytes(fd, reply->body, reply->len);
}

void reply_free(struct reply *reply)
{
	free(reply->body);
	reply->body = NULL;
}

bool reply_has(const struct reply *reply, const char *header_line)
{
	char line[300];

	snprintf(line, sizeof(line), "\r\n%s\r\n", header_line);
	return strstr(reply->head, line) != NULL;
}

void expect_text(int fd, const char *text)
{
	for (; *text != '\0'; text++)
		assert_int_equal(get_byte(fd), *text);
}

void expect_within(int fd, const char *text)
{
	size_t len = strlen(text), count = 0;
	char seen[256] = { 0 };

	assert_true(len < sizeof(seen));
	while (count < len || memcmp(seen + count - len, text, len) != 0) {
		if (count == sizeof(seen) - 1) {
			memmove(seen, seen + 1, sizeof(seen) - 2);
			count--;
		}
		seen[count++] = get_byte(fd);
	}
}

bool at_end(int fd)
{
	char c;
	ssize_t got = recv(fd, &c, 1, 0);

	return got == 0 || (got < 0 && errno == ECONNRESET);
}

int status_of(const struct server *server, const char *request)
{
	struct reply reply;
	int fd = dial(server);

	put(fd, request);
	reply_read(fd, &reply);
	reply_free(&reply);
	close(fd);
	return reply.status;
}

long stat_of(const struct server *server, const char *name)
{
	struct reply reply;
	char key[64];
	const char *at;
	long value;
	int fd = dial(server);

	put(fd, "GET /stats HTTP/1.1\r\nHost: a\r\n\r\n");
	reply_read(fd, &reply);
	snprintf(key, sizeof(key), "\"%s\":", name);
	at = strstr(reply.body, key);
	assert_true(at != NULL || reply.status == 503);
	value = at == NULL ? -1 : strtol(at + strlen(key), NULL, 10);
	reply_free(&reply);
	close(fd);
	return value;
}

void wait_stat(const struct server *server, const char *name, long wanted)
{
	long value = 0;

	for (int i = 0; i < WAIT_SECONDS * 100; i++) {
		value = stat_of(server, name);
		if (value == wanted)
			return;
		usleep(10000);
	}
	fail_msg("%s stayed %ld instead of %ld", name, value, wanted);
}

void expect_reply(int fd, int status, const char *body)
{
	struct reply reply;

	reply_read(fd, &reply);
	assert_int_equal(reply.status, status);
	if (body != NULL)
		assert_string_equal(reply.body, body);
	reply_free(&reply);
}
