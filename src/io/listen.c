/* The listening socket is ours, not libwebsockets': that allows shedding at the descriptor limit, a unix
 * socket with its mode, and draining by closing just this one. */
#include "mem.h"
#include "web_room.h"
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum {
	ACCEPTS_AT_ONCE = 64, /* then others get their turn */
	BACKLOG = 1024,
};

union address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
	struct sockaddr_un un;
};

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
	web_wake(web);
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

/* An old socket file whose process is gone would make bind() fail. One whose process is there is not ours to
 * take, and anything else at that path is left alone. */
static bool remove_stale(const union address *address, struct err *err)
{
	const char *path = address->un.sun_path;
	struct stat old;
	int fd, status;

	if (lstat(path, &old) != 0 || !S_ISSOCK(old.st_mode))
		return true;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return err_set(err, ERR_AGAIN, "no socket: %s", strerror(errno));
	status = connect(fd, &address->any, sizeof(address->un));
	close(fd);
	if (status == 0 || errno == EAGAIN)
		return err_set(err, ERR_REFUSED, "another process listens on %s", path);
	unlink(path);
	return true;
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
	if (!remove_stale(&address, err))
		return false;
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
		return err_set(
			err, ERR_REFUSED, "can't listen on %s port %d: %s%s", text, port, strerror(errno),
			errno == EADDRINUSE ? "; stop the program that has it, or choose another port" : "");
	getsockname(web->listen_fd, &address.any, &size);
	web->port = ntohs(address.any.sa_family == AF_INET6 ? address.v6.sin6_port : address.v4.sin_port);
	return true;
}

bool listen_open(struct web *web, const struct web_options *options, struct err *err)
{
	if (!(options->path != NULL ? bind_unix(web, options->path, err)
				    : bind_address(web, options->address, options->port, err)))
		return false;
	if (listen(web->listen_fd, BACKLOG) != 0)
		return err_set(err, ERR_REFUSED, "can't listen: %s", strerror(errno));
	web->spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	web->listener = mem_zero(1, sizeof(*web->listener));
	uv_poll_init(io_uv(web->io), web->listener, web->listen_fd);
	web->listener->data = web;
	uv_poll_start(web->listener, UV_READABLE, incoming);
	return true;
}

void listen_last(struct web *web)
{
	for (int i = 0; i < BACKLOG && web->listener != NULL && accept_one(web); i++)
		;
}

static void free_handle(uv_handle_t *handle)
{
	free(handle);
}

void listen_close(struct web *web)
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
