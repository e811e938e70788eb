/* The listening socket is ours, not libwebsockets': that allows shedding at the descriptor limit, a unix
 * socket with its mode, and draining by closing just this one. */
#include "mem.h"
#include "web_room.h"
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <libwebsockets.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum {
	ACCEPTS_AT_ONCE = 64, /* then others get their turn */
	BACKLOG = 1024,
	SWEEP_MS = 1000,
	DRAIN_SWEEP_MS = 50,
	DRAIN_IDLE_MS = 500, /* a request may be on its way on a kept-alive connection */
	WRITE_SIZE = 262144,
};

union address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
	struct sockaddr_un un;
};

static int raw_event(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t len)
{
	(void)user;
	return conn_event(wsi, (int)reason, in, len);
}

static const struct lws_protocols protocols[] = {
	{ .name = "raw", .callback = raw_event, .tx_packet_size = WRITE_SIZE },
	{ 0 },
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

void web_test_limit(struct web *web, enum conn_state state, unsigned ms)
{
	web->limit_ms[state] = ms;
	web->sweep_ms = DRAIN_SWEEP_MS;
}

/* ---- accepting ----------------------------------------------------------------------------------------- */

/* A connection that can't be served is told so; behind TLS there is nobody to tell it yet. */
static void turn_away(const struct web *web, int fd)
{
	static const char answer[] =
		"HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\n"
		"X-Content-Type-Options: nosniff\r\nRetry-After: 1\r\nConnection: close\r\n"
		"Content-Length: 64\r\n\r\n"
		"{\"error\":{\"code\":\"OVERLOADED\",\"message\":\"too many connections\"}}";

	if (!web->tls)
		send(fd, answer, sizeof(answer) - 1, MSG_DONTWAIT | MSG_NOSIGNAL);
	close(fd);
}

/* At the descriptor limit accept() fails for ever while the listener stays readable, which would keep the CPU
 * busy: the spare descriptor takes the connection, and closes it. */
static bool shed(struct web *web)
{
	int fd;

	close(web->spare_fd);
	fd = accept4(web->listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (fd >= 0)
		turn_away(web, fd);
	web->spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	return fd >= 0;
}

static void peer_of(const union address *address, struct in6_addr *peer_out)
{
	memset(peer_out, 0, sizeof(*peer_out));
	if (address->any.sa_family == AF_INET6) {
		*peer_out = address->v6.sin6_addr;
	} else if (address->any.sa_family == AF_INET) {
		peer_out->s6_addr[10] = peer_out->s6_addr[11] = 0xff;
		memcpy(&peer_out->s6_addr[12], &address->v4.sin_addr, 4);
	}
}

/* Beyond the limit the connection that was idle longest makes room; without one the new one is refused. */
static bool make_place(struct web *web)
{
	struct conn *oldest = TAILQ_FIRST(&web->lists[CONN_IDLE]);

	if (web->connections < WEB_CONNECTIONS_MAX)
		return true;
	if (oldest == NULL)
		return false;
	conn_close(oldest);
	return true;
}

static bool accept_one(struct web *web)
{
	union address address = { 0 };
	socklen_t size = sizeof(address);
	struct in6_addr peer;
	int one = 1, fd = accept4(web->listen_fd, &address.any, &size, SOCK_NONBLOCK | SOCK_CLOEXEC);

	if (fd < 0)
		return errno == EMFILE || errno == ENFILE ? shed(web)
							  : errno == ECONNABORTED || errno == EINTR;
	if (!make_place(web)) {
		turn_away(web, fd);
		return true;
	}
	if (web->unix_path == NULL)
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	peer_of(&address, &peer);
	if (!web->sweeping)
		start_sweep(web, web->sweep_ms);
	conn_open(web, fd, &peer, web->unix_path != NULL);
	return true;
}

static void incoming(uv_poll_t *poll, int status, int events)
{
	struct web *web = poll->data;

	(void)status, (void)events;
	for (int i = 0; i < ACCEPTS_AT_ONCE && accept_one(web); i++)
		;
}

/* ---- listening ----------------------------------------------------------------------------------------- */

/* An old socket file whose process is gone would make bind() fail. Anything else at that path is left alone.
 */
static void remove_stale(const char *path)
{
	struct stat old;

	if (lstat(path, &old) == 0 && S_ISSOCK(old.st_mode))
		unlink(path);
}

static bool bind_unix(struct web *web, const char *path, struct err *err)
{
	union address address = { .un = { .sun_family = AF_UNIX } };
	struct stat made;

	if (strlen(path) >= sizeof(address.un.sun_path))
		return err_set(err, ERR_REFUSED, "the path %s is too long for a socket", path);
	memcpy(address.un.sun_path, path, strlen(path) + 1);
	web->listen_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (web->listen_fd < 0)
		return err_set(err, ERR_AGAIN, "no socket: %s", strerror(errno));
	remove_stale(path);
	/* The file takes the descriptor's mode, so it is never open to others, not even for a moment; umask
	 * would be the whole process's. */
	if (fchmod(web->listen_fd, 0660) != 0 ||
	    bind(web->listen_fd, &address.any, sizeof(address.un)) != 0 || chmod(path, 0660) != 0 ||
	    stat(path, &made) != 0)
		return err_set(err, ERR_REFUSED, "can't listen on %s: %s", path, strerror(errno));
	web->unix_path = mem_text(path);
	web->unix_inode = made.st_ino;
	return true;
}

static bool parse_address(const char *text, int port, union address *out, socklen_t *size_out)
{
	memset(out, 0, sizeof(*out));
	if (inet_pton(AF_INET, text, &out->v4.sin_addr) == 1) {
		out->v4.sin_family = AF_INET;
		out->v4.sin_port = htons((uint16_t)port);
		*size_out = sizeof(out->v4);
		return true;
	}
	if (inet_pton(AF_INET6, text, &out->v6.sin6_addr) != 1)
		return false;
	out->v6.sin6_family = AF_INET6;
	out->v6.sin6_port = htons((uint16_t)port);
	*size_out = sizeof(out->v6);
	return true;
}

static bool bind_address(struct web *web, const char *text, int port, struct err *err)
{
	union address address;
	socklen_t size;
	int one = 1, zero = 0;

	if (port < 0 || port > 65535 || !parse_address(text, port, &address, &size))
		return err_set(err, ERR_REFUSED, "%s port %d is no address to listen on", text, port);
	web->listen_fd = socket(address.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (web->listen_fd < 0)
		return err_set(err, ERR_AGAIN, "no socket: %s", strerror(errno));
	setsockopt(web->listen_fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (address.any.sa_family == AF_INET6) /* "::" takes IPv4 as well, whatever the system's default */
		setsockopt(web->listen_fd, IPPROTO_IPV6, IPV6_V6ONLY, &zero, sizeof(zero));
	if (bind(web->listen_fd, &address.any, size) != 0)
		return err_set(err, ERR_REFUSED, "can't listen on %s port %d: %s", text, port,
			       strerror(errno));
	getsockname(web->listen_fd, &address.any, &size);
	web->port = ntohs(address.any.sa_family == AF_INET6 ? address.v6.sin6_port : address.v4.sin_port);
	return true;
}

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
		.options = LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT,
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

static bool start(struct web *web, const struct web_options *options, struct err *err)
{
	if (!(options->path != NULL ? bind_unix(web, options->path, err)
				    : bind_address(web, options->address, options->port, err)))
		return false;
	if (listen(web->listen_fd, BACKLOG) != 0)
		return err_set(err, ERR_REFUSED, "can't listen: %s", strerror(errno));
	web->spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	if (!create_vhost(web, options, err))
		return false;
	web->listener = mem_zero(1, sizeof(*web->listener));
	uv_poll_init(io_uv(web->io), web->listener, web->listen_fd);
	web->listener->data = web;
	uv_poll_start(web->listener, UV_READABLE, incoming);
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
	if (!start(web, options, err)) {
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

/* ---- the end ------------------------------------------------------------------------------------------- */

static void free_handle(uv_handle_t *handle)
{
	free(handle);
}

static void stop_listening(struct web *web)
{
	struct stat now;

	if (web->listener != NULL)
		uv_close((uv_handle_t *)web->listener, free_handle);
	web->listener = NULL;
	if (web->listen_fd >= 0)
		close(web->listen_fd);
	if (web->spare_fd >= 0)
		close(web->spare_fd);
	web->listen_fd = web->spare_fd = -1;
	/* A successor may have put its own socket there already. */
	if (web->unix_path != NULL && lstat(web->unix_path, &now) == 0 && now.st_ino == web->unix_inode)
		unlink(web->unix_path);
	free(web->unix_path);
	web->unix_path = NULL;
}

static void tell_drained(void *data)
{
	struct web_drained *told = data;

	told->done(told->data);
	free(told);
}

void web_check_drained(struct web *web)
{
	struct web_drained *told = web->drained;

	if (told == NULL)
		return;
	if (web->connections > 0 && web_now(web) >= web->drain_until_ms) {
		for (int i = 0; i < CONN_STATES; i++) {
			struct conn *conn;

			while (i != CONN_CLOSED && (conn = TAILQ_FIRST(&web->lists[i])) != NULL)
				conn_close(conn);
		}
	}
	if (web->connections > 0)
		return;
	web->drained = NULL;
	loop_post(io_loop(web->io), tell_drained, told);
}

void web_drain(struct web *web, unsigned grace_ms, void (*done)(void *data), void *data)
{
	struct web_drained *told = mem_alloc(sizeof(*told));
	struct conn *conn, *next;

	*told = (struct web_drained){ done, data };
	/* Whoever has connected already is served. */
	for (int i = 0; i < BACKLOG && web->listener != NULL && accept_one(web); i++)
		;
	stop_listening(web);
	free(web->drained); /* asked again: the last one counts */
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
	stop_listening(web);
	route_drop(&web->routes, NULL);
	free(web->drained);
	web->drained = NULL;
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
