/* The web server's insides, shared by its files: the server, its connections and their requests. */
#ifndef USHER_WEB_ROOM_H
#define USHER_WEB_ROOM_H

#include "buf.h"
#include "chunk.h"
#include "head.h"
#include "io_room.h"
#include "route.h"
#include "web.h"
#include <netinet/in.h>
#include <sys/queue.h>

enum {
	WEB_REST_MAX = 16384,	      /* bytes read ahead while an answer is awaited; then reading stops */
	WEB_BACKLOG_MAX = 1 << 20,    /* bytes a slow reader may leave waiting */
	WEB_PROGRESS = 16384,	      /* body bytes that restart WEB_BODY_SECONDS */
	WEB_PING_SECONDS = 15,	      /* between ": ping" lines of an event stream */
	WEB_SOCKET_PING_SECONDS = 30, /* a web socket silent for two of them is dead */
	WEB_LINGER_SECONDS = 2,	 /* unread bytes are dropped this long so that the peer can read our answer */
	WEB_SPARE_REQUESTS = 64, /* finished requests kept for the next ones */
};

/* A connection is in one state, and on the list of that state; the oldest comes first. */
enum conn_state {
	CONN_IDLE,   /* no byte of a request has come */
	CONN_HEAD,   /* the head is arriving */
	CONN_BODY,   /* the body is arriving */
	CONN_REPLY,  /* the handler has the request */
	CONN_STREAM, /* the answer goes out in pieces */
	CONN_FLUSH,  /* answered; the peer has not taken everything yet */
	CONN_LINGER, /* answered and shut down; what still comes is dropped */
	CONN_SOCKET, /* a web socket */
	CONN_CLOSED, /* libwebsockets is closing it */
	CONN_STATES
};

struct conn {
	struct web *web;
	struct lws *wsi;
	TAILQ_ENTRY(conn) by_time;
	struct web_request *request; /* NULL while idle and on web sockets */
	struct web_socket *socket;
	struct buf rest;   /* read behind a request that is not answered yet */
	struct buf out;	   /* written, but libwebsockets still holds earlier bytes */
	uint64_t since_ms; /* when it entered the state or made progress */
	uint64_t sent_ms;  /* streams: when the peer was last seen to read */
	uint64_t acked;	   /* bytes it had taken when last looked at */
	int file;	   /* the rest of the answer comes from here; -1: nothing does */
	int64_t file_left;
	struct in6_addr peer;
	enum conn_state state;
	unsigned inside; /* calls of libwebsockets on the stack: freed behind the last */
	bool closes;	 /* no further request */
	bool unread;	 /* bytes of a refused request may still come */
	bool reading;	 /* libwebsockets may read */
	bool is_unix, dead;
};

TAILQ_HEAD(conn_list, conn);

struct web_request {
	struct conn *conn; /* NULL: spare */
	uint64_t id;
	uint32_t slot;
	struct head_scan scan;
	struct head head;
	struct target target;
	struct route_param params[ROUTE_PARAMS_MAX];
	unsigned param_count;
	struct chunk chunk;
	uint64_t body_max, progress; /* progress: body bytes at the last restart of the time limit */
	char *text;		     /* the head, and behind it the decoded target and parameter names */
	size_t text_len, text_room;
	struct buf body;
	uint64_t received; /* bytes of the body */
	struct spool *spool;
	char *file; /* where the body is, or goes */
	int64_t file_size;
	struct err file_err;
	web_fn *arrived; /* web_receive */
	void *arrived_owner;
	struct buf extra; /* headers of the answer to come */
	void (*gone)(void *data);
	void *gone_data;
	char peer[INET6_ADDRSTRLEN];
	bool is_head, streams, chunks, pings, to_file;
};

/* Requests by number; the serial tells the one that has it now from those that had it before. */
struct web_slot {
	struct web_request *request;
	uint32_t serial, next_free; /* next_free: index + 1 */
};

/* Who is told that draining has ended. */
struct web_drained {
	struct web *web; /* NULL: destroyed meanwhile */
	void (*done)(void *data);
	void *data;
	bool posted;
};

struct web {
	struct io *io;
	struct lws_vhost *vhost;
	struct routes routes;
	uv_poll_t *listener; /* NULL once draining */
	uv_timer_t *sweep;
	uv_idle_t *reaper; /* closes, in the next round, what is to be closed */
	int listen_fd, spare_fd;
	int port;
	char *unix_path;
	uint64_t unix_inode;
	bool tls;
	struct conn_list lists[CONN_STATES];
	uint64_t limit_ms[CONN_STATES]; /* 0: none */
	size_t connections;
	bool sweeping, draining, starting;
	unsigned sweep_ms;
	uint64_t drain_until_ms;
	struct web_drained *drained; /* who waits for the end of draining */
	struct web_slot *slots;
	uint32_t slot_count, slot_room, free_slot;
	struct web_request *spare[WEB_SPARE_REQUESTS];
	unsigned spare_count;
	struct buf scratch; /* an answer being put together */
	time_t date_second;
	char date[48];
};

/* For tests: the time limit of a state. */
void web_test_limit(struct web *web, enum conn_state state, unsigned ms);

/* web.c */
void web_check_drained(struct web *web);
void web_wake(struct web *web); /* a connection has come: time limits are watched */

/* listen.c */
bool listen_open(struct web *web, const struct web_options *options, struct err *err);
void listen_last(struct web *web);  /* takes in whoever has connected already */
void listen_close(struct web *web); /* may be called again */

/* conn.c */
int conn_event(struct lws *wsi, int reason, void *in, size_t len); /* libwebsockets calls */
void conn_open(struct web *web, int fd, const struct in6_addr *peer, bool is_unix);
void conn_to(struct conn *conn, enum conn_state state); /* the only writer of conn->state */
void conn_touch(struct conn *conn);			/* restarts the state's time limit */
void conn_go_on(struct conn *conn);			/* what was read ahead is taken, in a later round */
void conn_check_reading(struct conn *conn);
void conn_write(struct conn *conn, char *data, size_t len);
void conn_write_file(struct conn *conn, int fd,
		     int64_t size);    /* behind what was written; fd becomes the connection's */
void conn_answered(struct conn *conn); /* the answer is written: next request, or the end */
void conn_close(struct conn *conn);    /* at once; the peers of our layer hear of it from the loop */
void conn_cut(struct conn *conn);      /* web_destroy: tells the owner now and lets go of the connection */
void conn_sweep(struct web *web);
uint64_t web_now(const struct web *web);

/* request.c */
size_t request_take_head(struct conn *conn, const char *data, size_t len);
size_t request_take_body(struct conn *conn, const char *data, size_t len);
void request_free(struct web_request *request); /* back to the spare ones; the id dies */
void request_gone(struct web_request *request); /* the peer left */
void web_requests_free(struct web *web);

/* web_file.c: bodies that go to files */
void file_take(struct conn *conn); /* what request->body holds goes to the file */
void file_end(struct conn *conn);  /* that was all */
void file_let_go(struct web_request *request);
bool file_full(const struct web_request *request); /* more must not be read now */

/* answer.c */
void answer_fault(struct web_request *request, const struct web_fault *fault);
void answer_too_large(struct web_request *request);
void answer_continue(struct conn *conn);
void answer_ping(struct conn *conn);

/* web_socket.c */
size_t socket_take(struct conn *conn, const char *data, size_t len);
void socket_tick(struct conn *conn); /* WEB_SOCKET_PING_SECONDS have passed */
void socket_drain(struct conn *conn);
void socket_gone(struct conn *conn); /* tells the owner and frees */

#endif
