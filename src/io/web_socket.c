/* Web sockets on the server's side: the handshake is checked here, frames are wslay's. */
#include "crypto.h"
#include "mem.h"
#include "web_room.h"
#include <libwebsockets.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <wslay/wslay.h>

struct web_socket {
	struct conn *conn;
	wslay_event_context_ptr frames;
	const uint8_t *in; /* what wslay may read now */
	size_t in_len;
	struct web_socket_events events;
	void *owner;
	bool reading; /* wslay is on the stack: what is sent waits until it has returned */
	bool quiet;   /* nothing came since the last ping */
	bool ended;   /* the closing handshake has begun */
};

static const char accept_guid[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/* ---- frames -------------------------------------------------------------------------------------------- */

static ssize_t give_bytes(wslay_event_context_ptr frames, uint8_t *to, size_t len, int flags, void *data)
{
	struct web_socket *socket = data;

	(void)flags;
	if (socket->in_len == 0) {
		wslay_event_set_error(frames, WSLAY_ERR_WOULDBLOCK);
		return -1;
	}
	if (len > socket->in_len)
		len = socket->in_len;
	memcpy(to, socket->in, len);
	socket->in += len;
	socket->in_len -= len;
	return (ssize_t)len;
}

/* Gathered, so that a frame's head and its data leave in one write. */
static ssize_t take_bytes(wslay_event_context_ptr frames, const uint8_t *from, size_t len, int flags,
			  void *data)
{
	struct web_socket *socket = data;

	(void)frames, (void)flags;
	buf_add(&socket->conn->web->scratch, from, len);
	return (ssize_t)len;
}

static void message_came(wslay_event_context_ptr frames, const struct wslay_event_on_msg_recv_arg *message,
			 void *data)
{
	struct web_socket *socket = data;

	(void)frames;
	if (wslay_is_ctrl_frame(message->opcode) || socket->conn->state != CONN_SOCKET)
		return;
	socket->events.message(socket->owner, socket, message->opcode == WSLAY_BINARY_FRAME, message->msg,
			       message->msg_length);
}

static const struct wslay_event_callbacks callbacks = {
	.recv_callback = give_bytes,
	.send_callback = take_bytes,
	.on_msg_recv_callback = message_came,
};

static void flush(struct web_socket *socket)
{
	struct conn *conn = socket->conn;
	struct buf *out = &conn->web->scratch;

	if (socket->reading || !wslay_event_want_write(socket->frames))
		return;
	buf_clear(out);
	if (wslay_event_send(socket->frames) != 0) {
		conn_close(conn);
		return;
	}
	conn_write(conn, out->data, out->len);
}

/* After our goodbye the peer's is awaited, unless wslay reads no more because the peer broke the rules. */
static void end_if_over(struct web_socket *socket)
{
	struct conn *conn = socket->conn;

	if (conn->state != CONN_SOCKET || wslay_event_want_write(socket->frames) ||
	    !wslay_event_get_close_sent(socket->frames))
		return;
	if (wslay_event_get_close_received(socket->frames) || !wslay_event_get_read_enabled(socket->frames)) {
		conn->closes = true;
		conn->unread = !wslay_event_get_close_received(socket->frames);
		conn_answered(conn);
	} else if (!socket->ended) {
		conn_touch(conn);
		socket->ended = true;
	}
}

size_t socket_take(struct conn *conn, const char *data, size_t len)
{
	struct web_socket *socket = conn->socket;
	int result;

	socket->quiet = false;
	socket->in = (const uint8_t *)data;
	socket->in_len = len;
	socket->reading = true;
	result = wslay_event_recv(socket->frames);
	socket->reading = false;
	if (conn->dead) { /* the server was destroyed by a handler; the socket waited for us */
		wslay_event_context_free(socket->frames);
		free(socket);
		return len;
	}
	if (result != 0)
		conn_close(conn);
	flush(socket);
	end_if_over(socket);
	return len;
}

void socket_tick(struct conn *conn)
{
	struct web_socket *socket = conn->socket;
	struct wslay_event_msg ping = { .opcode = WSLAY_PING };

	if (socket->quiet || socket->ended) {
		conn_close(conn);
		return;
	}
	socket->quiet = true;
	conn_touch(conn);
	wslay_event_queue_msg(socket->frames, &ping);
	flush(socket);
}

void socket_drain(struct conn *conn)
{
	web_socket_close(conn->socket, WSLAY_CODE_GOING_AWAY, "");
}

void socket_gone(struct conn *conn)
{
	struct web_socket *socket = conn->socket;
	int code = wslay_event_get_status_code_received(socket->frames);

	if (wslay_event_get_close_received(socket->frames) == 0)
		code = wslay_event_get_close_sent(socket->frames)
			       ? wslay_event_get_status_code_sent(socket->frames)
			       : WSLAY_CODE_ABNORMAL_CLOSURE;
	conn->socket = NULL;
	socket->events.closed(socket->owner, socket, code);
	if (socket->reading)
		return; /* socket_take frees it */
	wslay_event_context_free(socket->frames);
	free(socket);
}

bool web_socket_send(struct web_socket *socket, bool binary, const void *data, size_t len)
{
	struct wslay_event_msg message = {
		.opcode = binary ? WSLAY_BINARY_FRAME : WSLAY_TEXT_FRAME,
		.msg = data,
		.msg_length = len,
	};

	if (socket->conn->state != CONN_SOCKET ||
	    socket->conn->out.len + wslay_event_get_queued_msg_length(socket->frames) + len >
		    WEB_BACKLOG_MAX ||
	    wslay_event_queue_msg(socket->frames, &message) != 0)
		return false;
	flush(socket);
	return true;
}

void web_socket_close(struct web_socket *socket, int code, const char *reason)
{
	size_t len = strlen(reason);

	if (socket->conn->state != CONN_SOCKET)
		return;
	wslay_event_queue_close(socket->frames, (uint16_t)code, (const uint8_t *)reason,
				len > 123 ? 123 : len);
	flush(socket);
	end_if_over(socket);
}

/* ---- handshake ----------------------------------------------------------------------------------------- */

static bool key_valid(const char *key)
{
	uint8_t bytes[24];
	size_t len;

	return key != NULL && strlen(key) == 24 && crypto_unbase64(key, 24, bytes, &len) && len == 16;
}

static void accept_value(const char *key, char out[32])
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	struct buf text = { 0 };
	unsigned len = 0;

	buf_text(&text, key);
	buf_text(&text, accept_guid);
	if (EVP_Digest(text.data, text.len, digest, &len, EVP_sha1(), NULL) != 1)
		abort();
	buf_free(&text);
	crypto_base64(digest, len, out);
}

static bool handshake_valid(struct web_request *request)
{
	const char *version = web_header(request, "Sec-WebSocket-Version");

	if (!head_lists(web_header(request, "Upgrade"), "websocket") || version == NULL ||
	    strcmp(version, "13") != 0) {
		web_add_header(request, "Sec-WebSocket-Version", "13");
		web_add_header(request, "Upgrade", "websocket");
		web_answer_error(request, 426, "UPGRADE_REQUIRED", "this is a web socket, version 13");
		return false;
	}
	if (strcmp(web_method(request), "GET") != 0 || !request->head.one_one ||
	    !head_lists(web_header(request, "Connection"), "upgrade") ||
	    !key_valid(web_header(request, "Sec-WebSocket-Key"))) {
		web_answer_error(request, 400, "BAD_REQUEST", "malformed web socket handshake");
		return false;
	}
	return true;
}

static void write_handshake(struct web_request *request, const char *protocol)
{
	struct buf *out = &request->conn->web->scratch;
	char value[32];

	accept_value(web_header(request, "Sec-WebSocket-Key"), value);
	buf_clear(out);
	buf_format(out,
		   "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
		   "Sec-WebSocket-Accept: %s\r\n",
		   value);
	if (protocol != NULL && head_lists(web_header(request, "Sec-WebSocket-Protocol"), protocol))
		buf_format(out, "Sec-WebSocket-Protocol: %s\r\n", protocol);
	buf_text(out, buf_str(&request->extra));
	buf_text(out, "\r\n");
	conn_write(request->conn, out->data, out->len);
}

struct web_socket *web_upgrade(struct web_request *request, const char *protocol, size_t message_max,
			       const struct web_socket_events *events, void *owner)
{
	struct conn *conn = request->conn;
	struct web_socket *socket;

	if (!handshake_valid(request))
		return NULL;
	socket = mem_zero(1, sizeof(*socket));
	socket->conn = conn;
	socket->events = *events;
	socket->owner = owner;
	if (wslay_event_context_server_init(&socket->frames, &callbacks, socket) != 0)
		abort(); /* out of memory */
	wslay_event_config_set_max_recv_msg_length(socket->frames, message_max);
	write_handshake(request, protocol);
	request_free(request);
	conn->socket = socket;
	if (conn->state != CONN_CLOSED)
		conn_to(conn, CONN_SOCKET);
	if (conn->rest.len > 0)
		lws_callback_on_writable(conn->wsi);
	return socket;
}
