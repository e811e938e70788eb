/* libwebsockets' side of an outgoing web socket: how it connects, reads and writes. */
#include "mem.h"
#include "ws_room.h"
#include <netdb.h>
#include <stdlib.h>
#include <string.h>

/* ---- connecting ---------------------------------------------------------------------------------------- */

static int dispatch(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t len)
{
	struct io_client *client = wsi == NULL ? NULL : lws_get_opaque_user_data(wsi);

	(void)user;
	return client == NULL ? 0 : client->event(client, wsi, (int)reason, in, len);
}

static const struct lws_protocols protocols[] = {
	{ .name = IO_CLIENT_PROTOCOL, .callback = dispatch, .rx_buffer_size = 16384 },
	{ 0 },
};

static void free_name(struct lws_vhost *vhost, void *name)
{
	(void)vhost;
	free(name);
}

/* A vhost that trusts one CA file and nothing else. It is found again by its name and ends with the context.
 */
static struct lws_vhost *private_vhost(struct ws *ws)
{
	char *name = mem_format("client %s", ws->ca_file);
	struct lws_vhost *vhost = lws_get_vhost_by_name(io_lws(ws->io), name);
	struct lws_context_creation_info info = {
		.options = LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT | LWS_SERVER_OPTION_DISABLE_OS_CA_CERTS,
		.port = CONTEXT_PORT_NO_LISTEN,
		.vhost_name = name,
		.protocols = protocols,
		.client_ssl_ca_filepath = ws->ca_file,
		.finalize = free_name,
		.finalize_arg = name,
	};

	if (vhost == NULL) {
		vhost = lws_create_vhost(io_lws(ws->io), &info);
		if (vhost != NULL)
			return vhost; /* it owns its name now */
	}
	free(name);
	return vhost;
}

/* The vhost is shared, and looks at this again when it has connected: all who connect name the same proxy, or none. */
static void set_proxy(const struct ws *ws, struct lws_vhost *vhost, const char *ip)
{
	bool six = strchr(ip, ':') != NULL;
	char *proxy;

	if (ws->proxy_host == NULL) { /* none from the environment either: we use proxies only on purpose */
		lws_set_proxy(vhost, ":0");
		return;
	}
	proxy = mem_format("%s%s%s%s%s:%d", ws->proxy_user != NULL ? ws->proxy_user : "",
			   ws->proxy_user != NULL ? "@" : "", six ? "[" : "", ip, six ? "]" : "",
			   ws->proxy_port);
	lws_set_proxy(vhost, proxy);
	explicit_bzero(proxy, strlen(proxy));
	free(proxy);
}

bool ws_wire_connect(struct ws *ws, const struct addrinfo *address)
{
	char ip[NI_MAXHOST];
	struct lws_client_connect_info info = {
		.context = io_lws(ws->io),
		.address = ip,
		.host = ws->host_header, /* also the name the certificate must have */
		.port = ws->port,
		.path = ws->path,
		.ssl_connection = ws->tls ? LCCSCF_USE_SSL : 0,
		.alpn = "http/1.1",
		.local_protocol_name = IO_CLIENT_PROTOCOL,
		.retry_and_idle_policy = &ws->pings,
		.pwsi = &ws->wsi,
		.opaque_user_data = &ws->client,
	};

	info.vhost = ws->tls && ws->ca_file != NULL ? private_vhost(ws) : io_client_vhost(ws->io);
	if (info.vhost == NULL) {
		ws->next_address = NULL;
		return err_set(&ws->err, ERR_AGAIN, "%s: TLS with %s can't be set up", ws->host,
			       ws->ca_file ? ws->ca_file : "the system's certificates");
	}
	if (getnameinfo(address->ai_addr, address->ai_addrlen, ip, sizeof(ip), NULL, 0, NI_NUMERICHOST) != 0)
		return err_set(&ws->err, ERR_AGAIN, "%s: the address is of no use", ws->host);
	set_proxy(ws, info.vhost, ip);
	if (ws->proxy_host != NULL)
		info.address = ws->host;
	if (lws_client_connect_via_info(&info) != NULL)
		return true;
	ws->wsi = NULL;
	if (ws->err.kind == ERR_NONE)
		err_set(&ws->err, ERR_AGAIN, "%s: no connection", ws->host);
	return false;
}

/* LWS_TO_KILL_ASYNC would wait for libwebsockets' own timer, for seconds. */
void ws_wire_cut(struct ws *ws)
{
	lws_set_timeout(ws->wsi, PENDING_TIMEOUT_USER_OK, LWS_TO_KILL_SYNC);
}

/* Not from one of its callbacks: when WRITEABLE returns -1, this build closes twice at once, and the second
 * time cuts what the first has begun. */
void ws_wire_close(struct ws *ws)
{
	lws_close_reason(ws->wsi, (enum lws_close_status)ws->close_code, (unsigned char *)ws->close_reason,
			 strlen(ws->close_reason));
	lws_set_timeout(ws->wsi, PENDING_TIMEOUT_USER_OK,
			LWS_TO_KILL_SYNC); /* politely, as there is a reason */
}

/* ---- events -------------------------------------------------------------------------------------------- */

/* Never ends the connection from here: after a RECEIVE that returned non-zero, libwebsockets 4.1.6 goes on
 * reading while it closes, and writes behind the end of its buffer. */
static void receive(struct ws *ws, struct lws *wsi, const void *data, size_t len)
{
	struct buf message;

	if (ws->dropped || ws->state != WS_OPEN)
		return;
	if (len > ws->message_max - ws->message.len) {
		err_set(&ws->err, ERR_AGAIN, "%s: a message is too large", ws->host);
		ws_refuse(ws, LWS_CLOSE_STATUS_MESSAGE_TOO_LARGE);
		return;
	}
	buf_add(&ws->message, data, len);
	if (!lws_is_final_fragment(wsi) || lws_remaining_packet_payload(wsi) > 0)
		return;
	message = ws->message; /* the receiver may close or drop us */
	ws->message = (struct buf){ 0 };
	ws->events.message(ws->owner, ws, lws_frame_is_binary(wsi) != 0, buf_str(&message), message.len);
	buf_free(&message);
}

static int write_one(struct ws *ws, struct lws *wsi)
{
	struct ws_piece *piece = ws->first;
	int written;

	if (piece == NULL && ws->state == WS_CLOSING)
		ws_flushed(ws);
	if (piece == NULL)
		return 0;
	ws->first = piece->next;
	if (ws->first == NULL)
		ws->last = &ws->first;
	ws->waiting -= piece->len;
	written = lws_write(wsi, piece->data + LWS_PRE, piece->len,
			    piece->binary ? LWS_WRITE_BINARY : LWS_WRITE_TEXT);
	free(piece);
	if (written < 0)
		return -1;
	if (ws->first != NULL || ws->state == WS_CLOSING)
		lws_callback_on_writable(wsi);
	return 0;
}

static void peer_closes(struct ws *ws, const unsigned char *data, size_t len)
{
	ws->peer_code = len >= 2 ? data[0] << 8 | data[1] : LWS_CLOSE_STATUS_NO_STATUS;
	if (ws->err.kind != ERR_NONE)
		return;
	err_set(&ws->err, ERR_AGAIN, "%s: closed by the peer with %d %.*s", ws->host, ws->peer_code,
		len > 2 ? (int)(len - 2) : 0, len > 2 ? (const char *)data + 2 : "");
}

static void refused(struct ws *ws, const char *why, size_t len)
{
	ws->wsi = NULL;
	if (ws->err.kind == ERR_NONE)
		err_set(&ws->err, ERR_AGAIN, "%s: %.*s", ws->host, why == NULL ? 13 : (int)len,
			why == NULL ? "no connection" : why);
	ws_failed(ws);
}

static void gone(struct ws *ws)
{
	ws->wsi = NULL;
	if (ws->err.kind == ERR_NONE && ws->state != WS_CLOSING)
		err_set(&ws->err, ERR_AGAIN, "%s: the connection ended", ws->host);
	ws_ended(ws);
}

int ws_wire_event(struct io_client *client, struct lws *wsi, int reason, void *in, size_t len)
{
	struct ws *ws = (struct ws *)client;

	switch (reason) {
	case LWS_CALLBACK_CLIENT_CONNECTION_ERROR:
		lws_set_opaque_user_data(wsi, NULL);
		refused(ws, in, len);
		return 0;
	case LWS_CALLBACK_CLIENT_ESTABLISHED:
		ws_opened(ws);
		return 0;
	case LWS_CALLBACK_CLIENT_RECEIVE:
		receive(ws, wsi, in, len);
		return 0;
	case LWS_CALLBACK_CLIENT_WRITEABLE:
		return write_one(ws, wsi);
	case LWS_CALLBACK_WS_PEER_INITIATED_CLOSE:
		peer_closes(ws, in, len);
		return 0; /* libwebsockets answers with the same code */
	case LWS_CALLBACK_CLIENT_CLOSED:
	case LWS_CALLBACK_WSI_DESTROY: /* cut while connecting: no other event comes */
		lws_set_opaque_user_data(wsi, NULL);
		gone(ws);
		return 0;
	default:
		return 0;
	}
}
