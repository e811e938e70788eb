/* One web server from web_create to web_destroy: what is made with it, its clock, its draining. */
#include "mem.h"
#include "web_room.h"
#include <libwebsockets.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	SWEEP_MS = 1000,
	DRAIN_SWEEP_MS = 50,
	DRAIN_IDLE_MS = 500, /* a request may be on its way on a kept-alive connection */
	WRITE_SIZE = 262144,
};

/* ---- time limits --------------------------------------------------------------------------------------- */

static void sweep(uv_timer_t *timer)
{
	struct web *web = timer->data;

	conn_sweep(web);
	if (web->connections == 0 && !web->draining) {
		uv_timer_stop(timer); /* an idle daemon does not wake up */
		web->sweeping = false;
	}
	web_check_drained(web);
}

static void start_sweep(struct web *web, unsigned every_ms)
{
	uv_timer_start(web->sweep, sweep, every_ms, every_ms);
	web->sweeping = true;
}

static void set_limits(struct web *web)
{
	static const unsigned seconds[CONN_STATES] = {
		[CONN_IDLE] = WEB_IDLE_SECONDS,		 [CONN_HEAD] = WEB_HEAD_SECONDS,
		[CONN_BODY] = WEB_BODY_SECONDS,		 [CONN_STREAM] = WEB_PING_SECONDS,
		[CONN_FLUSH] = WEB_WRITE_SECONDS,	 [CONN_LINGER] = WEB_LINGER_SECONDS,
		[CONN_SOCKET] = WEB_SOCKET_PING_SECONDS,
	};

	for (int i = 0; i < CONN_STATES; i++)
		web->limit_ms[i] = seconds[i] * UINT64_C(1000);
	web->sweep_ms = SWEEP_MS;
}

void web_wake(struct web *web)
{
	if (!web->sweeping)
		start_sweep(web, web->sweep_ms);
}

void web_test_limit(struct web *web, enum conn_state state, unsigned ms)
{
	web->limit_ms[state] = ms;
	web->sweep_ms = DRAIN_SWEEP_MS;
}

/* ---- making it ----------------------------------------------------------------------------------------- */

static int raw_event(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t len)
{
	(void)user;
	return conn_event(wsi, (int)reason, in, len);
}

static const struct lws_protocols protocols[] = {
	{ .name = "raw", .callback = raw_event, .tx_packet_size = WRITE_SIZE },
	{ 0 },
};

/* libwebsockets would say only in its log why it does not take these files. */
static bool check_tls(const struct web_options *options, struct err *err)
{
	SSL_CTX *probe = SSL_CTX_new(TLS_server_method());
	bool good;

	if (options->key_file == NULL || access(options->cert_file, R_OK) != 0 ||
	    access(options->key_file, R_OK) != 0) {
		SSL_CTX_free(probe);
		return err_set(err, ERR_REFUSED, "can't read the TLS files %s and %s", options->cert_file,
			       options->key_file == NULL ? "(no key)" : options->key_file);
	}
	good = SSL_CTX_use_certificate_chain_file(probe, options->cert_file) == 1 &&
	       SSL_CTX_use_PrivateKey_file(probe, options->key_file, SSL_FILETYPE_PEM) == 1 &&
	       SSL_CTX_check_private_key(probe) == 1;
	SSL_CTX_free(probe);
	if (!good)
		return err_set(err, ERR_REFUSED, "%s and %s are not a certificate and its key",
			       options->cert_file, options->key_file);
	return true;
}

static bool create_vhost(struct web *web, const struct web_options *options, struct err *err)
{
	struct lws_context_creation_info info = {
		.port = CONTEXT_PORT_NO_LISTEN_SERVER,
		.protocols = protocols,
		.vhost_name = "web",
		.alpn = "http/1.1", /* or TLS clients would be offered HTTP/2 */
		/* The system's certificates are for clients; reading them costs a megabyte. */
		.options = LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT | LWS_SERVER_OPTION_DISABLE_OS_CA_CERTS,
		.ssl_options_set = SSL_OP_NO_TLSv1 | SSL_OP_NO_TLSv1_1,
		.ssl_cert_filepath = options->cert_file,
		.ssl_private_key_filepath = options->key_file,
	};

	web->tls = options->cert_file != NULL;
	if (web->tls && !check_tls(options, err))
		return false;
	web->vhost = lws_create_vhost(io_lws(web->io), &info);
	if (web->vhost == NULL)
		return err_set(err, ERR_FATAL, "libwebsockets refuses the server's settings");
	return true;
}

struct web *web_create(struct io *io, const struct web_options *options, struct err *err)
{
	struct web *web = mem_zero(1, sizeof(*web));

	web->io = io;
	web->listen_fd = web->spare_fd = -1;
	for (int i = 0; i < CONN_STATES; i++)
		TAILQ_INIT(&web->lists[i]);
	set_limits(web);
	web->sweep = mem_zero(1, sizeof(*web->sweep));
	uv_timer_init(io_uv(io), web->sweep);
	web->reaper = mem_zero(1, sizeof(*web->reaper));
	uv_idle_init(io_uv(io), web->reaper);
	web->sweep->data = web->reaper->data = web;
	if (!create_vhost(web, options, err) || !listen_open(web, options, err)) {
		web_destroy(web);
		return NULL;
	}
	return web;
}

int web_port(const struct web *web)
{
	return web->port;
}

size_t web_connections(const struct web *web)
{
	return web->connections;
}

bool web_claim(struct web *web, const struct web_route *route)
{
	return route_add(&web->routes, route);
}

void web_release(struct web *web, void *owner)
{
	route_drop(&web->routes, owner);
}

void web_starting(struct web *web, bool starting)
{
	web->starting = starting;
}

/* ---- the end ------------------------------------------------------------------------------------------- */

static void free_handle(uv_handle_t *handle)
{
	free(handle);
}

static void tell_drained(void *data)
{
	struct web_drained *told = data;

	if (told->web != NULL) {
		told->web->drained = NULL;
		told->done(told->data);
	}
	free(told);
}

static void close_all(struct web *web)
{
	struct conn *conn;

	for (int i = 0; i < CONN_CLOSED; i++) {
		while ((conn = TAILQ_FIRST(&web->lists[i])) != NULL)
			conn_close(conn);
	}
}

void web_check_drained(struct web *web)
{
	struct web_drained *told = web->drained;

	if (told == NULL || told->posted)
		return;
	if (web->connections > 0 && web_now(web) >= web->drain_until_ms)
		close_all(web);
	if (web->connections > 0)
		return;
	told->posted = true;
	loop_post(io_loop(web->io), tell_drained, told);
}

/* Whoever was to be told, and may not be there any more, is not. */
static void forget_drained(struct web *web)
{
	struct web_drained *told = web->drained;

	web->drained = NULL;
	if (told != NULL && told->posted)
		told->web = NULL;
	else
		free(told);
}

void web_drain(struct web *web, unsigned grace_ms, void (*done)(void *data), void *data)
{
	struct web_drained *told = mem_alloc(sizeof(*told));
	struct conn *conn, *next;

	*told = (struct web_drained){ .web = web, .done = done, .data = data };
	listen_last(web); /* whoever has connected already is served */
	listen_close(web);
	forget_drained(web); /* asked again: the last one counts */
	web->draining = true;
	web->drain_until_ms = web_now(web) + grace_ms;
	web->limit_ms[CONN_IDLE] = grace_ms / 2 < DRAIN_IDLE_MS ? grace_ms / 2 + 1 : DRAIN_IDLE_MS;
	web->drained = told;
	for (conn = TAILQ_FIRST(&web->lists[CONN_SOCKET]); conn != NULL; conn = next) {
		next = TAILQ_NEXT(conn, by_time);
		socket_drain(conn);
	}
	start_sweep(web, DRAIN_SWEEP_MS);
	web_check_drained(web);
}

void web_destroy(struct web *web)
{
	struct conn *conn;

	if (web == NULL)
		return;
	listen_close(web);
	route_drop(&web->routes, NULL);
	forget_drained(web);
	for (int i = 0; i < CONN_STATES; i++) {
		while ((conn = TAILQ_FIRST(&web->lists[i])) != NULL)
			conn_cut(conn);
	}
	web->reaper->data = NULL;
	uv_close((uv_handle_t *)web->reaper, free_handle);
	uv_close((uv_handle_t *)web->sweep, free_handle);
	web_requests_free(web);
	buf_free(&web->scratch);
	free(web);
}
