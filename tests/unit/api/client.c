/* The client's half of the tests of the chat endpoint: requests over loopback sockets. */
#include "buf.h"
#include "harness.h"
#include "mem.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

void must(bool fine, const struct err *err)
{
	if (fine)
		return;
	fprintf(stderr, "%s\n", err->text);
	abort();
}

static int dial(void)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons((uint16_t)harness_port()) };
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	must(connect(fd, (struct sockaddr *)&at, sizeof(at)) == 0, &(struct err){ .text = "connect" });
	return fd;
}

static int dial_control(void)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	snprintf(at.sun_path, sizeof(at.sun_path), "%s", harness_path());
	must(connect(fd, (struct sockaddr *)&at, sizeof(at)) == 0,
	     &(struct err){ .text = "connect to socket" });
	return fd;
}

static void say(int fd, const char *method, const char *path, const char *headers, const char *body)
{
	struct buf out = { 0 };
	size_t at = 0;

	buf_format(&out, "%s %s HTTP/1.1\r\nHost: test\r\nConnection: close\r\n%s", method, path, headers);
	if (body)
		buf_format(&out, "Content-Length: %zu\r\n", strlen(body));
	buf_format(&out, "\r\n%s", body ? body : "");
	while (at < out.len) {
		ssize_t sent = send(fd, out.data + at, out.len - at, MSG_NOSIGNAL);

		if (sent <= 0)
			break; /* refused before everything was read: the answer tells */
		at += (size_t)sent;
	}
	buf_free(&out);
}

/* Reads on; false at the end or after 10 s of silence. */
static bool read_more(int fd, struct buf *in)
{
	struct pollfd one = { .fd = fd, .events = POLLIN };
	char piece[4096];
	ssize_t got;

	if (poll(&one, 1, 10000) != 1)
		return false;
	got = recv(fd, piece, sizeof(piece), 0);
	if (got <= 0)
		return false;
	buf_add(in, piece, (size_t)got);
	return true;
}

static void unchunk(const char *from, struct buf *out)
{
	for (;;) {
		char *end;
		size_t size = strtoul(from, &end, 16);

		if (end == from || strncmp(end, "\r\n", 2) != 0 || size == 0 || strlen(end + 2) < size)
			return;
		buf_add(out, end + 2, size);
		from = end + 2 + size + 2;
	}
}

struct reply http_finish(int fd, char *begun)
{
	struct buf in = { 0 }, body = { 0 };
	struct reply reply = { 0 };
	char *split;

	buf_text(&in, begun ? begun : "");
	free(begun);
	while (read_more(fd, &in))
		;
	close(fd);
	reply.head = buf_take(&in);
	split = strstr(reply.head, "\r\n\r\n");
	must(split != NULL, &(struct err){ .text = "no answer came" });
	split[2] = '\0';
	sscanf(reply.head, "HTTP/1.1 %d", &reply.status);
	if (strcasestr(reply.head, "transfer-encoding: chunked"))
		unchunk(split + 4, &body);
	else
		buf_text(&body, split + 4);
	reply.body = buf_take(&body);
	return reply;
}

char *http_until(int fd, const char *text)
{
	struct buf in = { 0 };

	while (strstr(buf_str(&in), text) == NULL)
		must(read_more(fd, &in), &(struct err){ .text = "what was waited for did not come" });
	return buf_take(&in);
}

struct reply http(const char *method, const char *path, const char *headers, const char *body)
{
	int fd = dial();

	say(fd, method, path, headers, body);
	return http_finish(fd, NULL);
}

int http_open(int user, const char *method, const char *path, const char *headers, const char *body)
{
	char *all = mem_format("Authorization: Bearer %s\r\nContent-Type: application/json\r\n%s",
			       users[user].key, headers);
	int fd = dial();

	say(fd, method, path, all, body);
	free(all);
	return fd;
}

struct reply http_as(int user, const char *method, const char *path, const char *headers, const char *body)
{
	return http_finish(http_open(user, method, path, headers, body), NULL);
}

struct reply http_control(const char *method, const char *path, const char *body)
{
	int fd = dial_control();

	say(fd, method, path, "Content-Type: application/json\r\n", body);
	return http_finish(fd, NULL);
}

void reply_free(struct reply *reply)
{
	free(reply->head);
	free(reply->body);
	*reply = (struct reply){ 0 };
}
