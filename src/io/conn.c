/* One accepted connection: its state, its time limit, the bytes in and out. */
#include "acked.h"
#include "mem.h"
#include "web_room.h"
#include <libwebsockets.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum { FILE_PIECE = 64 << 10, FILE_PIECES = 16 };

static size_t take_later(struct conn *conn, const char *data, size_t len);
static size_t take_nothing(struct conn *conn, const char *data, size_t len);
static void expire_head(struct conn *conn);
static void expire_body(struct conn *conn);
static void expire_stream(struct conn *conn);
static void expire_flush(struct conn *conn);

/* What a state does with bytes, and when its time is up. */
static const struct state_rule {
	const char *name;
	size_t (*take)(struct conn *conn, const char *data,
		       size_t len); /* returns bytes used, at least one */
	void (*expire)(struct conn *conn);
} rules[CONN_STATES] = {
	[CONN_IDLE] = { "idle", request_take_head, conn_close },
	[CONN_HEAD] = { "head", request_take_head, expire_head },
	[CONN_BODY] = { "body", request_take_body, expire_body },
	[CONN_REPLY] = { "reply", take_later, NULL },
	[CONN_STREAM] = { "stream", take_later, expire_stream },
	[CONN_FLUSH] = { "flush", take_later, expire_flush },
	[CONN_LINGER] = { "linger", take_nothing, conn_close },
	[CONN_SOCKET] = { "socket", socket_take, socket_tick },
	[CONN_CLOSED] = { "closed", take_nothing, NULL },
};

uint64_t web_now(const struct web *web)
{
	return loop_now_ms(io_loop(web->io));
}

void conn_to(struct conn *conn, enum conn_state state)
{
	TAILQ_REMOVE(&conn->web->lists[conn->state], conn, by_time);
	conn->state = state;
	conn->since_ms = web_now(conn->web);
	TAILQ_INSERT_TAIL(&conn->web->lists[state], conn, by_time);
}

void conn_touch(struct conn *conn)
{
	conn_to(conn, conn->state);
}

/* While libwebsockets holds unsent bytes it does not read, but goes on polling for input and would spin. */
static void set_reading(struct conn *conn)
{
	bool wanted = !lws_partial_buffered(conn->wsi) && conn->rest.len < WEB_REST_MAX &&
		      !(conn->request && file_full(conn->request));

	if (wanted == conn->reading || conn->state == CONN_CLOSED)
		return;
	conn->reading = wanted;
	lws_rx_flow_control(conn->wsi, wanted);
}

void conn_check_reading(struct conn *conn)
{
	set_reading(conn);
}

void conn_go_on(struct conn *conn)
{
	if (conn->state != CONN_CLOSED)
		lws_callback_on_writable(conn->wsi);
}

void conn_open(struct web *web, int fd, const struct in6_addr *peer, bool is_unix)
{
	struct conn *conn = mem_zero(1, sizeof(*conn));
	lws_adopt_desc_t adopt = {
		.vh = web->vhost,
		.type = LWS_ADOPT_SOCKET | (web->tls ? LWS_ADOPT_ALLOW_SSL : 0),
		.fd = { .sockfd = fd },
		.vh_prot_name = "raw",
		.opaque = conn,
	};

	conn->web = web;
	conn->peer = *peer;
	conn->is_unix = is_unix;
	conn->reading = true;
	conn->file = -1;
	conn->since_ms = web_now(web);
	TAILQ_INSERT_TAIL(&web->lists[CONN_IDLE], conn, by_time);
	web->connections++;
	conn->inside = 1; /* a failed adoption closes at once: it must not free what we hold */
	conn->wsi = lws_adopt_descriptor_vhost_via_info(&adopt);
	conn->inside = 0;
	if (conn->wsi == NULL || conn->dead) {
		TAILQ_REMOVE(&web->lists[conn->state], conn, by_time);
		web->connections--;
		free(conn);
	}
}

/* The next round: libwebsockets' own asynchronous kill would wait until something else wakes it. A
 * gone-callback may destroy the server, which clears data. */
static void reap(uv_idle_t *reaper)
{
	struct web *web;
	struct conn *conn;

	uv_idle_stop(reaper);
	while ((web = reaper->data) != NULL && (conn = TAILQ_FIRST(&web->lists[CONN_CLOSED])) != NULL)
		lws_set_timeout(conn->wsi, PENDING_TIMEOUT_USER_OK, LWS_TO_KILL_SYNC);
}

void conn_close(struct conn *conn)
{
	if (conn->state == CONN_CLOSED)
		return;
	conn_to(conn, CONN_CLOSED);
	if (conn->inside == 0)
		uv_idle_start(conn->web->reaper, reap); /* inside, libwebsockets is told by our result */
}

/* Tells whoever waits on this connection. */
static void tell_gone(struct conn *conn)
{
	struct web_request *request = conn->request;

	if (conn->socket != NULL)
		socket_gone(conn);
	conn->request = NULL;
	if (request != NULL)
		request_gone(request);
}

static void close_file(struct conn *conn)
{
	if (conn->file >= 0)
		close(conn->file);
	conn->file = -1;
	conn->file_left = 0;
}

/* Whoever holds the memory frees it: conn_event behind the last call, conn_cut when there is none. */
static void let_go(struct conn *conn)
{
	struct web *web = conn->web;

	TAILQ_REMOVE(&web->lists[conn->state], conn, by_time);
	web->connections--;
	conn->state = CONN_CLOSED;
	conn->dead = true;
	buf_free(&conn->rest);
	buf_free(&conn->out);
	close_file(conn);
	web_check_drained(web);
}

void conn_cut(struct conn *conn)
{
	tell_gone(conn);
	lws_set_opaque_user_data(conn->wsi, NULL);
	if (conn->inside == 0)
		lws_set_timeout(conn->wsi, PENDING_TIMEOUT_USER_OK, LWS_TO_KILL_SYNC);
	let_go(conn);
	if (conn->inside == 0)
		free(conn);
}

/* ---- bytes in ------------------------------------------------------------------------------------------ */

static size_t take_later(struct conn *conn, const char *data, size_t len)
{
	buf_add(&conn->rest, data, len);
	return len;
}

static size_t take_nothing(struct conn *conn, const char *data, size_t len)
{
	(void)conn, (void)data;
	return len;
}

static void conn_feed(struct conn *conn, const char *data, size_t len)
{
	while (len > 0 && !conn->dead) {
		size_t used = rules[conn->state].take(conn, data, len);

		data += used;
		len -= used;
	}
}

/* What was read ahead: the rest of a body that is wanted now, or, when the answer is out, the next request. */
static void feed_rest(struct conn *conn)
{
	struct buf rest = conn->rest;

	if (rest.len == 0 || conn->state == CONN_REPLY || conn->state == CONN_STREAM ||
	    conn->state == CONN_FLUSH)
		return;
	conn->rest = (struct buf){ 0 };
	conn_feed(conn, rest.data, rest.len);
	buf_free(&rest);
}

/* What was read ahead comes first, also when more is here before conn_go_on had its round. */
static void received(struct conn *conn, const char *data, size_t len)
{
	if (conn->rest.len == 0) {
		conn_feed(conn, data, len);
		return;
	}
	buf_add(&conn->rest, data, len);
	feed_rest(conn);
}

/* ---- bytes out ----------------------------------------------------------------------------------------- */

void conn_write(struct conn *conn, char *data, size_t len)
{
	if (conn->state == CONN_CLOSED || len == 0)
		return;
	if (lws_partial_buffered(conn->wsi)) {
		buf_add(&conn->out, data, len);
		return;
	}
	if (lws_write(conn->wsi, (unsigned char *)data, len, LWS_WRITE_RAW) < 0) {
		conn_close(conn);
		return;
	}
	set_reading(conn);
}

/* The next pieces of the file, as long as the peer takes them; other connections get their turn in between. */
static void write_pieces(struct conn *conn)
{
	char *piece = mem_alloc(FILE_PIECE);
	ssize_t n = 1;

	for (int i = 0; i < FILE_PIECES && conn->file_left > 0 && n > 0 && conn->state != CONN_CLOSED &&
			!lws_partial_buffered(conn->wsi);
	     i++) {
		n = read(conn->file, piece,
			 conn->file_left < FILE_PIECE ? (size_t)conn->file_left : FILE_PIECE);
		if (n > 0) {
			conn->file_left -= n;
			conn_write(conn, piece, (size_t)n);
		}
	}
	free(piece);
	if (n <= 0)
		conn_close(conn); /* shorter than was said: the peer must not take it for whole */
	else if (conn->state != CONN_CLOSED)
		lws_callback_on_writable(conn->wsi);
}

void conn_write_file(struct conn *conn, int fd, int64_t size)
{
	conn->file = fd;
	conn->file_left = size;
}

static bool all_sent(const struct conn *conn)
{
	return conn->out.len == 0 && conn->file_left == 0 && !lws_partial_buffered(conn->wsi);
}

/* Closing while the peer still sends would reset the connection and could destroy our answer on its way. */
static void linger(struct conn *conn)
{
	SSL *tls = lws_get_ssl(conn->wsi);

	if (tls != NULL)
		SSL_shutdown(tls);
	shutdown(lws_get_socket_fd(conn->wsi), SHUT_WR);
	buf_free(&conn->rest);
	conn_to(conn, CONN_LINGER);
	set_reading(conn);
}

void conn_answered(struct conn *conn)
{
	if (conn->state == CONN_CLOSED)
		return;
	if (!all_sent(conn)) {
		if (conn->state != CONN_FLUSH) {
			conn_to(conn, CONN_FLUSH);
			conn->acked = socket_acked(lws_get_socket_fd(conn->wsi));
			if (conn->file_left > 0)
				lws_callback_on_writable(conn->wsi);
		}
		return;
	}
	close_file(conn);
	if (!conn->closes) {
		conn_to(conn, CONN_IDLE);
		/* Not here: the caller of web_answer must not find the next handler on its stack. */
		if (conn->rest.len > 0)
			lws_callback_on_writable(conn->wsi);
	} else if (conn->unread || conn->rest.len > 0) {
		linger(conn);
	} else {
		conn_close(conn);
	}
}

static void writable(struct conn *conn)
{
	struct buf out = conn->out;

	if (lws_partial_buffered(conn->wsi))
		return;
	if (out.len > 0) {
		conn->out = (struct buf){ 0 };
		conn_write(conn, out.data, out.len);
		buf_free(&out);
	}
	if (conn->file_left > 0 && conn->state == CONN_FLUSH && !lws_partial_buffered(conn->wsi))
		write_pieces(conn);
	if (conn->state == CONN_FLUSH)
		conn_answered(conn);
	feed_rest(conn);
	if (!conn->dead)
		set_reading(conn);
}

/* ---- time limits --------------------------------------------------------------------------------------- */

static const struct web_fault slow_head = { 408, "REQUEST_TIMEOUT", "the headers took too long" };
static const struct web_fault slow_body = { 408, "REQUEST_TIMEOUT", "the body took too long" };

static void expire_head(struct conn *conn)
{
	answer_fault(conn->request, &slow_head);
}

static void expire_body(struct conn *conn)
{
	answer_fault(conn->request, &slow_body);
}

/* A slow reader may be slow as long as it reads. */
static bool peer_reads(struct conn *conn)
{
	uint64_t before = conn->acked;

	conn->acked = socket_acked(lws_get_socket_fd(conn->wsi));
	return conn->acked != before;
}

static void expire_flush(struct conn *conn)
{
	if (peer_reads(conn))
		conn_touch(conn);
	else
		conn_close(conn);
}

static void expire_stream(struct conn *conn)
{
	uint64_t now = web_now(conn->web);

	if (all_sent(conn) || peer_reads(conn))
		conn->sent_ms = now;
	if (now - conn->sent_ms > WEB_WRITE_SECONDS * UINT64_C(1000)) {
		conn_close(conn);
		return;
	}
	conn_touch(conn);
	answer_ping(conn);
}

void conn_sweep(struct web *web)
{
	uint64_t now = web_now(web);

	for (int state = 0; state < CONN_STATES; state++) {
		struct conn *conn, *last = TAILQ_LAST(&web->lists[state], conn_list);
		uint64_t limit = web->limit_ms[state];

		/* Expired ones leave the list or move to its end, so every pass takes another one. */
		while (limit > 0 && (conn = TAILQ_FIRST(&web->lists[state])) != NULL &&
		       now - conn->since_ms >= limit && now >= conn->since_ms) {
			rules[state].expire(conn);
			if (conn == last)
				break;
		}
	}
}

/* ---- libwebsockets ------------------------------------------------------------------------------------- */

/* A limit of libwebsockets' own begins with the handshake of TLS, and nothing else would end it: five seconds later it cuts whoever
 * waits for an answer. Who has spoken is under our limits. */
static void dispatch(struct conn *conn, int reason, void *in, size_t len)
{
	switch (reason) {
	case LWS_CALLBACK_RAW_RX:
		if (conn->web->tls)
			lws_set_timeout(conn->wsi, NO_PENDING_TIMEOUT, 0);
		received(conn, in, len);
		if (!conn->dead)
			set_reading(conn);
		break;
	case LWS_CALLBACK_RAW_WRITEABLE:
		writable(conn);
		break;
	case LWS_CALLBACK_RAW_CLOSE:
		lws_set_opaque_user_data(conn->wsi, NULL);
		tell_gone(conn);
		if (!conn->dead)
			let_go(conn);
		break;
	}
}

int conn_event(struct lws *wsi, int reason, void *in, size_t len)
{
	struct conn *conn = wsi == NULL ? NULL : lws_get_opaque_user_data(wsi);

	if (conn == NULL)
		return reason == LWS_CALLBACK_RAW_RX || reason == LWS_CALLBACK_RAW_WRITEABLE ? -1 : 0;
	if (conn->wsi == NULL) { /* conn_open is on the stack */
		if (reason == LWS_CALLBACK_RAW_CLOSE) {
			conn->dead = true;
			lws_set_opaque_user_data(wsi, NULL); /* it is told once more */
		}
		return 0;
	}
	conn->inside++;
	dispatch(conn, reason, in, len);
	conn->inside--;
	if (conn->dead) {
		free(conn);
		return -1;
	}
	return conn->state == CONN_CLOSED ? -1 : 0;
}
