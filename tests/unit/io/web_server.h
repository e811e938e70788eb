/* A real web server in a child process, and blocking clients to drive it: for the tests of the web server. */
#ifndef WEB_SERVER_H
#define WEB_SERVER_H

#include "web_room.h"
#include <stdbool.h>
#include <sys/types.h>

#define HELLO "GET /hello HTTP/1.1\r\nHost: a\r\n\r\n"

#define WEB_SERVER_FOLDER                                                                                    \
	"/tmp" /* bodies of POST /keep and /refuse: names are UUIDs, nothing of them stays */

struct server {
	pid_t pid;
	int port;
	const char *path;
};

struct server_options {
	const char *address; /* NULL: 127.0.0.1 */
	const char *path;    /* a unix socket instead */
	const char *cert_file, *key_file;
	unsigned limit_ms[CONN_STATES]; /* 0: as usual */
	unsigned files_max;		/* lowers the descriptor limit behind the start; 0: not */
	bool starting;			/* not all paths are claimed yet */
};

/* Routes: POST /echo (1 MiB), POST /small (16 bytes), GET /hello, GET /big/{bytes}, GET /file/{bytes}[?short=1], GET+POST /hold (answered
 * by POST /release), GET /stream (fed by POST /tell, ended by POST /end), GET /flood, GET /param/{a}/x/{b},
 * GET /peer, GET /socket (echo, 1000 bytes), GET /stats, POST /drain[?patient=1],
 * POST /nap (the whole server stands for a tenth of a second), POST /destroy (web_destroy in the handler), GET+POST /both; with bodies that go to a file: POST /keep (1000 bytes, echoed from the
 * disk), /keep/held (as /keep, from POST /let on), /keep/nowhere, /collect (16 bytes, back into memory), /refuse (401 by the head alone). */
void server_start(struct server *server, const struct server_options *options);

/* Ends it and asserts that it ended well: no leak, no handle left. */
void server_stop(struct server *server);

/* Waits for a server that ends by itself (after POST /drain). */
void server_ended(struct server *server);

int dial(const struct server *server);
void put(int fd, const char *text);
void put_bytes(int fd, const void *data, size_t len);

struct reply {
	int status;
	char head[4096];
	char *body; /* freed by reply_free */
	size_t len;
};

/* The next answer with Content-Length (or without body). Fails the test when none comes within seconds. */
void reply_read(int fd, struct reply *reply);
void reply_free(struct reply *reply);
bool reply_has(const struct reply *reply, const char *header_line);

/* Reads the next answer and compares it; body may be NULL. */
void expect_reply(int fd, int status, const char *body);

/* Reads exactly this text; fails the test when something else comes. */
void expect_text(int fd, const char *text);

/* Reads until this text has come. */
void expect_within(int fd, const char *text);

/* The peer closes, or closed with a reset. */
bool at_end(int fd);

/* One request on a connection of its own. */
int status_of(const struct server *server, const char *request);

/* A number from GET /stats; -1 when the server is full. */
long stat_of(const struct server *server, const char *name);

/* Asks for a number until it is `wanted`; fails the test after five seconds. */
void wait_stat(const struct server *server, const char *name, long wanted);

#endif
