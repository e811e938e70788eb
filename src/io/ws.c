/* Leads one outgoing web socket from its name to its end. */
#include "ws.h"
#include "mem.h"
#include "ws_room.h"
#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	CONNECT_MS = 10000,
	CLOSE_MS = 5000, /* for what waits and the closing handshake */
	PING_S = 20,
	DEAD_S = 40,
	MESSAGE_MAX = 1024 * 1024,
	WAITING_MAX = 4 * 1024 * 1024,
};

/* ---- the address --------------------------------------------------------------------------------------- */

/* The part, or fallback when the URL has none. The caller frees. */
static char *part(CURLU *url, CURLUPart which, const char *fallback)
{
	char *text = NULL, *copy;

	if (curl_url_get(url, which, &text, 0) != CURLUE_OK)
		return mem_text(fallback);
	copy = mem_text(text);
	curl_free(text);
	return copy;
}

static bool no_secrets_in_front(CURLU *url)
{
	char *user = part(url, CURLUPART_USER, NULL), *zone = part(url, CURLUPART_ZONEID, NULL);
	bool none = user == NULL && zone == NULL;

	free(user);
	free(zone);
	return none;
}

static void read_parts(struct ws *ws, CURLU *url)
{
	char *port = part(url, CURLUPART_PORT, ws->tls ? "443" : "80");
	char *query = part(url, CURLUPART_QUERY, NULL), *path = part(url, CURLUPART_PATH, "/");
	char *host = part(url, CURLUPART_HOST, "");
	size_t len = strlen(host);

	ws->port = (int)strtol(port, NULL, 10);
	ws->path = mem_format("%s%s%s", path, query != NULL ? "?" : "", query != NULL ? query : "");
	ws->host = host[0] == '[' ? mem_text_n(host + 1, len - 2) : mem_text(host);
	ws->host_header =
		ws->port == (ws->tls ? 443 : 80) ? mem_text(host) : mem_format("%s:%d", host, ws->port);
	free(port);
	free(query);
	free(path);
	free(host);
}

static bool read_url(struct ws *ws, const char *text, struct err *err)
{
	CURLU *url = curl_url();
	char *scheme = NULL;
	bool ok = false;

	if (text != NULL && curl_url_set(url, CURLUPART_URL, text, CURLU_NON_SUPPORT_SCHEME) == CURLUE_OK)
		scheme = part(url, CURLUPART_SCHEME, "");
	if (scheme == NULL)
		err_set(err, ERR_REFUSED, "this is not a URL");
	else if (strcmp(scheme, "ws") != 0 && strcmp(scheme, "wss") != 0)
		err_set(err, ERR_REFUSED, "a web socket's URL begins with ws:// or wss://");
	else if (!no_secrets_in_front(url))
		err_set(err, ERR_REFUSED, "a user name in the URL is not allowed");
	else
		ok = true;
	if (ok) {
		ws->tls = strcmp(scheme, "wss") == 0;
		read_parts(ws, url);
		ok = ws->host[0] != '\0' || err_set(err, ERR_REFUSED, "the URL has no host");
	}
	free(scheme);
	curl_url_cleanup(url);
	return ok;
}

/* "user:password" as libwebsockets wants it, decoded. The caller frees; NULL: none. */
static char *proxy_user(CURLU *url)
{
	char *user = NULL, *password = NULL, *both = NULL;

	if (curl_url_get(url, CURLUPART_USER, &user, CURLU_URLDECODE) == CURLUE_OK) {
		curl_url_get(url, CURLUPART_PASSWORD, &password, CURLU_URLDECODE);
		both = mem_format("%s:%s", user, password != NULL ? password : "");
	}
	curl_free(user);
	curl_free(password);
	return both;
}

static bool read_proxy(struct ws *ws, const char *text, struct err *err)
{
	CURLU *url;
	char *scheme, *port;

	if (text == NULL)
		return true;
	url = curl_url();
	if (curl_url_set(url, CURLUPART_URL, text, CURLU_NON_SUPPORT_SCHEME | CURLU_DEFAULT_SCHEME) !=
	    CURLUE_OK) {
		curl_url_cleanup(url);
		return err_set(err, ERR_REFUSED, "the proxy is not an address");
	}
	scheme = part(url, CURLUPART_SCHEME, "");
	port = part(url, CURLUPART_PORT, "1080"); /* as for other requests */
	if (strstr(text, "://") == NULL || strcmp(scheme, "http") == 0) {
		char *host = part(url, CURLUPART_HOST, "");

		ws->proxy_host = host[0] == '[' ? mem_text_n(host + 1, strlen(host) - 2) : mem_text(host);
		ws->proxy_port = (int)strtol(port, NULL, 10);
		ws->proxy_user = proxy_user(url);
		free(host);
	} else {
		err_set(err, ERR_REFUSED,
			"web sockets go through proxies of the kind http:// only, not %s://", scheme);
	}
	free(scheme);
	free(port);
	curl_url_cleanup(url);
	return ws->proxy_host != NULL;
}

/* ---- the end ------------------------------------------------------------------------------------------- */

static void free_pieces(struct ws *ws)
{
	while (ws->first != NULL) {
		struct ws_piece *piece = ws->first;

		ws->first = piece->next;
		free(piece);
	}
}

static void free_ws(struct ws *ws)
{
	uv_freeaddrinfo(ws->addresses);
	free_pieces(ws);
	buf_free(&ws->message);
	free(ws->host);
	free(ws->host_header);
	free(ws->path);
	free(ws->ca_file);
	free(ws->proxy_host);
	free(ws->proxy_user);
	free(ws);
}

static void let_go(struct ws *ws)
{
	if (--ws->holds == 0)
		free_ws(ws);
}

static void on_timer_closed(uv_handle_t *handle)
{
	let_go(handle->data);
}

static void tell_end(struct ws *ws)
{
	uv_close((uv_handle_t *)&ws->limit, on_timer_closed);
	uv_close((uv_handle_t *)&ws->soon, on_timer_closed);
	if (!ws->dropped)
		ws->events.closed(ws->owner, ws, ws->peer_code, &ws->err);
}

static void next_address(struct ws *ws)
{
	struct addrinfo *address = ws->next_address;

	ws->next_address = address->ai_next;
	if (!ws_wire_connect(ws, address))
		ws_failed(ws);
}

static void on_soon(uv_timer_t *timer)
{
	struct ws *ws = timer->data;

	if (ws->state == WS_ENDED) {
		tell_end(ws);
	} else if (ws->cutting) {
		ws_wire_cut(ws);
	} else if (ws->state == WS_CONNECTING && ws->wsi == NULL) {
		next_address(ws);
	} else if (ws->state == WS_CLOSING && !ws->close_sent) {
		ws->close_sent = true;
		ws_wire_close(ws);
	}
}

void ws_flushed(struct ws *ws)
{
	uv_timer_start(&ws->soon, on_soon, 0, 0);
}

void ws_ended(struct ws *ws)
{
	if (ws->state == WS_ENDED)
		return;
	ws->state = WS_ENDED;
	uv_timer_stop(&ws->limit);
	uv_timer_start(&ws->soon, on_soon, 0, 0);
}

void ws_failed(struct ws *ws)
{
	if (ws->state == WS_CONNECTING && ws->next_address != NULL)
		uv_timer_start(&ws->soon, on_soon, 0, 0);
	else
		ws_ended(ws);
}

/* In a later round, as we may be inside a callback of libwebsockets. Without a wsi there is nothing to cut.
 */
static void cut(struct ws *ws)
{
	ws->next_address = NULL;
	ws->cutting = ws->wsi != NULL;
	if (ws->cutting)
		uv_timer_start(&ws->soon, on_soon, 0, 0);
	else
		ws_ended(ws);
}

static void on_limit(uv_timer_t *timer)
{
	struct ws *ws = timer->data;

	if (ws->state != WS_CLOSING && ws->err.kind == ERR_NONE)
		err_set(&ws->err, ERR_AGAIN, "%s: no connection in time", ws->host);
	cut(ws);
}

/* ---- the beginning ------------------------------------------------------------------------------------- */

void ws_opened(struct ws *ws)
{
	ws->state = WS_OPEN;
	err_clear(&ws->err); /* an address that did not answer */
	uv_timer_stop(&ws->limit);
	if (!ws->dropped)
		ws->events.open(ws->owner, ws);
}

static void on_resolved(uv_getaddrinfo_t *lookup, int status, struct addrinfo *addresses)
{
	struct ws *ws = lookup->data;

	ws->addresses = ws->next_address = addresses;
	if (ws->state == WS_RESOLVING && status != 0) {
		err_set(&ws->err, ERR_AGAIN, "%s: %s", ws->proxy_host != NULL ? ws->proxy_host : ws->host,
			uv_strerror(status));
		ws_ended(ws);
	} else if (ws->state == WS_RESOLVING) {
		ws->state = WS_CONNECTING;
		uv_timer_start(&ws->soon, on_soon, 0, 0);
	}
	let_go(ws);
}

/* libwebsockets would go on without it. */
static bool check_ca_file(const struct ws *ws, struct err *err)
{
	if (ws->ca_file == NULL || access(ws->ca_file, R_OK) == 0)
		return true;
	return err_set(err, ERR_REFUSED, "the CA file %s can't be read", ws->ca_file);
}

static bool start_lookup(struct ws *ws, struct err *err)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG };
	const char *host =
		ws->proxy_host != NULL ? ws->proxy_host : ws->host; /* a proxy looks names up itself */
	int status = uv_getaddrinfo(io_uv(ws->io), &ws->lookup, on_resolved, host, NULL, &hints);

	if (status != 0)
		return err_set(err, ERR_REFUSED, "%s: %s", host, uv_strerror(status));
	ws->lookup.data = ws;
	ws->holds++;
	return true;
}

static void start_timers(struct ws *ws)
{
	uv_timer_init(io_uv(ws->io), &ws->limit);
	uv_timer_init(io_uv(ws->io), &ws->soon);
	ws->limit.data = ws->soon.data = ws;
	ws->holds += 2;
	uv_timer_start(&ws->limit, on_limit, ws->connect_ms, 0);
}

struct ws *ws_connect(struct io *io, const struct ws_options *options, const struct ws_events *events,
		      void *owner, struct err *err)
{
	struct ws *ws = mem_zero(1, sizeof(*ws));

	ws->client.event = ws_wire_event;
	ws->io = io;
	ws->events = *events;
	ws->owner = owner;
	ws->last = &ws->first;
	ws->ca_file = mem_text(options->ca_file);
	ws->message_max = options->message_max != 0 ? options->message_max : MESSAGE_MAX;
	ws->connect_ms = options->connect_ms != 0 ? options->connect_ms : CONNECT_MS;
	ws->pings.secs_since_valid_ping = (uint16_t)(options->ping_s != 0 ? options->ping_s : PING_S);
	ws->pings.secs_since_valid_hangup = (uint16_t)(options->dead_s != 0 ? options->dead_s : DEAD_S);
	if (!read_url(ws, options->url, err) || !read_proxy(ws, options->proxy, err) ||
	    !check_ca_file(ws, err) || !start_lookup(ws, err)) {
		free_ws(ws);
		return NULL;
	}
	start_timers(ws);
	return ws;
}

/* ---- while it lives ------------------------------------------------------------------------------------ */

bool ws_send(struct ws *ws, bool binary, const void *data, size_t len)
{
	struct ws_piece *piece;

	if (ws->state != WS_OPEN || len > WAITING_MAX || ws->waiting > WAITING_MAX - len)
		return false;
	piece = mem_alloc(sizeof(*piece) + LWS_PRE + len);
	piece->next = NULL;
	piece->binary = binary;
	piece->len = len;
	memcpy(piece->data + LWS_PRE, data, len);
	*ws->last = piece;
	ws->last = &piece->next;
	ws->waiting += len;
	lws_callback_on_writable(ws->wsi);
	return true;
}

void ws_refuse(struct ws *ws, int code)
{
	ws->state = WS_CLOSING;
	ws->close_code = code;
	uv_timer_start(&ws->limit, on_limit, CLOSE_MS, 0);
	ws_flushed(ws);
}

void ws_close(struct ws *ws, int code, const char *reason)
{
	if (ws->state == WS_CLOSING || ws->state == WS_ENDED)
		return;
	if (ws->state != WS_OPEN) {
		cut(ws);
		return;
	}
	ws->state = WS_CLOSING;
	ws->close_code = code;
	snprintf(ws->close_reason, sizeof(ws->close_reason), "%s", reason != NULL ? reason : "");
	uv_timer_start(&ws->limit, on_limit, CLOSE_MS, 0);
	lws_callback_on_writable(ws->wsi);
}

void ws_destroy(struct ws *ws)
{
	if (ws == NULL)
		return;
	ws->dropped = true;
	cut(ws);
}
