/* Our web server: listeners, routes, requests, answers and event streams. HTTP/1.1 over TCP, TLS or a unix socket.
 * libwebsockets carries the bytes, libhttp-parser frames them, this room enforces limits and time-outs.
 * Loop thread only. */
#ifndef USHER_WEB_H
#define USHER_WEB_H

#include "err.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct io;
struct web;
struct web_request;

/* Limits, one documented table (security.md R5). */
enum web_limits {
	WEB_HEAD_MAX = 16384,	/* bytes of request line and headers: 431 */
	WEB_HEADERS_MAX = 100,	/* 431 */
	WEB_TARGET_MAX = 4096,	/* bytes of the request target: 414 */
	WEB_HEAD_SECONDS = 10,	/* from the first byte to the end of the headers: 408 */
	WEB_BODY_SECONDS = 30,	/* without progress of 16 KiB: 408 */
	WEB_IDLE_SECONDS = 60,	/* kept-alive connection without a request: closed */
	WEB_WRITE_SECONDS = 60, /* an answer the peer does not read: closed */
	WEB_SPOOL_WAIT =
		256
		<< 10, /* of a body that goes to a file: bytes that wait for the disk while more is read */
	WEB_CONNECTIONS_MAX =
		20000, /* per server; beyond it the longest idle one is closed, else the new one */
};

struct web_options {
	const char *address;   /* "127.0.0.1", "::1", "0.0.0.0"; or NULL with path */
	int port;	       /* 0: any free one, see web_port */
	const char *path;      /* a unix socket instead: made with mode 0660, an old one is replaced */
	const char *cert_file; /* PEM chain and key: TLS 1.2 and later; NULL: plain */
	const char *key_file;
};

/* Starts to listen; connections are served once the loop runs. A taken port: ERR_REFUSED naming it. */
struct web *web_create(struct io *io, const struct web_options *options, struct err *err);
int web_port(const struct web *web);
size_t web_connections(const struct web *web);

/* Graceful end: no new connections, answers under way finish with "connection: close", then done(data). After
 * grace_ms what is left is cut. */
void web_drain(struct web *web, unsigned grace_ms, void (*done)(void *data), void *data);

/* Cuts what is left; takes NULL. Handlers get no further call; gone- and closed-callbacks come before it returns. */
void web_destroy(struct web *web);

/* ---- routes ------------------------------------------------------------------------------------------- */

/* Called with the whole request. Answer it now or later, exactly once. */
typedef void web_fn(void *owner, struct web_request *request);

struct web_route {
	const char *method; /* "GET", "POST", ...; HEAD is served by GET without its body */
	const char *path;   /* "/webhook/{name}/messages/{id}": {x} is one segment; more literal routes win */
	size_t body_max;    /* bytes; a larger announced or chunked body: 413 before it is buffered */
	web_fn *fn;
	void *owner;
	/* The body goes to a file in this folder instead of memory. NULL: memory. Not a byte of it is read before the
	 * handler wants it: fn is called with the head alone, and answers or calls web_receive or web_collect. */
	const char *folder;
};

/* The route's strings are copied. A path without route: 404; known with another method: 405 with Allow.
 * Returns false when the same method and path is taken. */
bool web_claim(struct web *web, const struct web_route *route);
void web_release(struct web *web, void *owner); /* all routes of this owner */

/* While it is starting, what is to be served is not claimed yet: a path without route is answered 503 (SHUTTING_DOWN, with
 * Retry-After), since who hears 404 may never ask again. */
void web_starting(struct web *web, bool starting);

/* The body of errors the server itself answers (404, 413, ...): text for code and message; default is
 * {"error":{"code":"NOT_FOUND","message":"..."}}. Those codes: BAD_REQUEST NOT_FOUND METHOD_NOT_ALLOWED
 * REQUEST_TIMEOUT PAYLOAD_TOO_LARGE URI_TOO_LONG HEADERS_TOO_LARGE LENGTH_REQUIRED EXPECTATION_FAILED
 * VERSION_NOT_SUPPORTED NOT_IMPLEMENTED (unknown method or transfer coding) UPGRADE_REQUIRED OVERLOADED. */

/* ---- the request: valid until it is answered or gone --------------------------------------------------- */

const char *web_method(const struct web_request *request);
const char *web_path(const struct web_request *request);		    /* percent-decoded, no query */
const char *web_param(const struct web_request *request, const char *name); /* {name} of the route, decoded */
const char *web_query(const struct web_request *request, const char *name); /* decoded; NULL when absent */
const char *web_header(const struct web_request *request, const char *name); /* any case; NULL when absent */
bool web_header_repeated(const struct web_request *request, const char *name);
const char *web_body(const struct web_request *request, size_t *len_out); /* NUL-terminated too */
const char *web_peer(const struct web_request *request);		  /* address, or "unix" */
bool web_peer_unix(const struct web_request *request, uid_t *uid_out, gid_t *gid_out); /* SO_PEERCRED */
/* Of a route with a folder, once: reads the body into a new file there (mode 0600), then calls fn(owner, request) in a later
 * round; the file is complete and synced. One that can't be written: fn too, web_file then says why. Reading
 * stops while WEB_SPOOL_WAIT bytes wait for the disk. The file goes with the request. */
void web_receive(struct web_request *request, web_fn *fn, void *owner);

/* Of a route with a folder, instead of web_receive: reads the body into memory as other routes do, at most max bytes (else 413),
 * then calls fn(owner, request), at once when there is none to come. */
void web_collect(struct web_request *request, size_t max, web_fn *fn, void *owner);

/* Where it is, and its size; NULL and err: it could not be written (ERR_FULL: the disk is full). */
const char *web_file(const struct web_request *request, int64_t *size_out, struct err *err);

/* The file is the caller's: its path, to be freed, or NULL when there is none. */
char *web_take_file(struct web_request *request);

/* The request comes from this machine, and not through a proxy on it. */
bool web_loopback(const struct web_request *request);

/* To cross a wait: keep the id, look it up again. NULL: answered or gone. */
uint64_t web_id(const struct web_request *request);
struct web_request *web_find(struct web *web, uint64_t id);

/* fn(data) when the peer goes away before the answer is complete; not called after a completed answer. A peer that
 * shuts its sending side while the answer is awaited counts as gone. */
void web_on_gone(struct web_request *request, void (*fn)(void *data), void *data);

/* ---- the answer ---------------------------------------------------------------------------------------- */

/* Adds a header to the answer to come. */
void web_add_header(struct web_request *request, const char *name, const char *value);

/* Answers and ends the request (the pointer dies). type NULL: no body. nosniff is always sent. */
void web_answer(struct web_request *request, int status, const char *type, const void *body, size_t len);
void web_answer_json(struct web_request *request, int status, const char *json);

/* {"error":{"code":code,"message":formatted}} (seed 004). */
void web_answer_error(struct web_request *request, int status, const char *code, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

/* Answers 200 with the first size bytes of a file, read piece by piece as the peer takes them, and ends the request. fd
 * becomes the server's. */
void web_answer_file(struct web_request *request, const char *type, int fd, int64_t size);

/* An answer in pieces: headers now; write returns false when more than 1 MiB waits for a slow reader (the stream is
 * then cut and gone is called). A text/event-stream gets ": ping" lines every 15 s by itself. */
void web_stream(struct web_request *request, int status, const char *type);
bool web_write(struct web_request *request, const void *data, size_t len);
void web_end(struct web_request *request); /* the pointer dies */

/* ---- web sockets --------------------------------------------------------------------------------------- */

/* Turns a GET with "Upgrade: websocket" into a web socket (RFC 6455), the request dies. Framing is wslay's.
 * NULL: not a valid upgrade, already answered with 400 or 426. Messages larger than message_max: closed with 1009. */
struct web_socket;
struct web_socket_events {
	void (*message)(void *owner, struct web_socket *socket, bool binary, const void *data, size_t len);
	void (*closed)(void *owner, struct web_socket *socket, int code); /* the pointer dies */
};
struct web_socket *web_upgrade(struct web_request *request, const char *protocol, size_t message_max,
			       const struct web_socket_events *events, void *owner);
bool web_socket_send(struct web_socket *socket, bool binary, const void *data,
		     size_t len);						/* false: too much waits */
void web_socket_close(struct web_socket *socket, int code, const char *reason); /* closed() follows */

#endif
