/* Runs curl's multi handles on the loop: their descriptors, their timers, and how many calls each may carry.
 */
#include "http_room.h"
#include "mem.h"
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void act(struct http_shard *shard, curl_socket_t fd, int flags)
{
	int running;

	shard->http->inside++;
	curl_multi_socket_action(shard->multi, fd, flags, &running);
	shard->http->inside--;
	http_settle(shard->http, shard);
}

/* ---- descriptors --------------------------------------------------------------------------------------- */

static struct http_socket *find_socket(const struct http *http, curl_socket_t fd)
{
	return (size_t)fd < http->sockets_room ? http->sockets[fd] : NULL;
}

static struct http_socket *add_socket(struct http *http, curl_socket_t fd)
{
	struct http_socket *socket = mem_zero(1, sizeof(*socket));
	size_t room = http->sockets_room > 0 ? http->sockets_room : 64;

	if (uv_poll_init_socket(http->uv, &socket->poll, fd) != 0) {
		free(socket);
		return NULL;
	}
	while (room <= (size_t)fd)
		room *= 2;
	if (room > http->sockets_room) {
		http->sockets = mem_resize(http->sockets, room, sizeof(void *));
		memset(http->sockets + http->sockets_room, 0, (room - http->sockets_room) * sizeof(void *));
		http->sockets_room = room;
	}
	socket->poll.data = socket;
	socket->fd = fd;
	http->sockets[fd] = socket;
	return socket;
}

static void free_socket(uv_handle_t *handle)
{
	free(handle->data);
}

static void drop_socket(struct http *http, struct http_socket *socket)
{
	http->sockets[socket->fd] = NULL;
	uv_close((uv_handle_t *)&socket->poll, free_socket);
}

static void on_ready(uv_poll_t *poll, int status, int events)
{
	struct http_socket *socket = poll->data;
	int flags = 0;

	if (socket->idle) { /* the peer closed a kept connection: curl learns of it when it wants to use it */
		uv_poll_stop(poll);
		socket->events = 0;
		return;
	}
	if (status < 0)
		flags = CURL_CSELECT_ERR;
	if (events & UV_READABLE)
		flags |= CURL_CSELECT_IN;
	if (events & UV_WRITABLE)
		flags |= CURL_CSELECT_OUT;
	act(socket->shard, socket->fd, flags);
}

static void want(struct http_socket *socket, int events)
{
	if (events == socket->events)
		return;
	if (events == 0)
		uv_poll_stop(&socket->poll);
	else
		uv_poll_start(&socket->poll, events, on_ready);
	socket->events = events;
}

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *data, void *unused)
{
	struct http_shard *shard = data;
	struct http_socket *socket = find_socket(shard->http, fd);

	(void)easy;
	(void)unused;
	if (what == CURL_POLL_REMOVE && socket != NULL && !socket->connection) {
		drop_socket(shard->http, socket); /* curl closes it without telling */
		return 0;
	}
	if (what == CURL_POLL_REMOVE) {
		if (socket != NULL) {
			socket->idle = true;
			want(socket, socket->events & UV_READABLE);
		}
		return 0;
	}
	if (socket == NULL)
		socket = add_socket(shard->http, fd);
	if (socket == NULL)
		return -1;
	socket->shard = shard;
	socket->idle = false;
	want(socket, ((what & CURL_POLL_IN) ? UV_READABLE : 0) | ((what & CURL_POLL_OUT) ? UV_WRITABLE : 0));
	return 0;
}

void http_socket_gone(struct http *http, curl_socket_t fd)
{
	struct http_socket *socket = find_socket(http, fd);

	if (socket != NULL)
		drop_socket(http, socket);
}

void http_socket_check(struct http *http, curl_socket_t fd)
{
	if (fcntl(fd, F_GETFD) == -1)
		http_socket_gone(http, fd);
}

curl_socket_t http_socket_open(struct http *http, const struct curl_sockaddr *address)
{
	curl_socket_t fd =
		socket(address->family, address->socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, address->protocol);
	struct http_socket *added;

	if (fd == CURL_SOCKET_BAD)
		return fd;
	http_socket_gone(http, fd); /* what was closed without telling had this number */
	added = add_socket(http, fd);
	if (added == NULL) {
		close(fd);
		return CURL_SOCKET_BAD;
	}
	added->connection = true;
	added->idle = true;
	return fd;
}

int http_socket_close(void *data, curl_socket_t fd)
{
	struct http *http = data;
	struct http_socket *socket = find_socket(http, fd);

	if (socket != NULL)
		drop_socket(http, socket);
	return close(fd);
}

/* ---- multi handles ------------------------------------------------------------------------------------- */

static void on_timer(uv_timer_t *timer)
{
	act(timer->data, CURL_SOCKET_TIMEOUT, 0);
}

static int on_timeout(CURLM *multi, long timeout_ms, void *data)
{
	struct http_shard *shard = data;

	(void)multi;
	if (timeout_ms < 0)
		uv_timer_stop(&shard->timer);
	else
		uv_timer_start(&shard->timer, on_timer, (uint64_t)timeout_ms, 0);
	return 0;
}

static struct http_shard *open_shard(struct http *http, enum http_trust trust)
{
	struct http_shard *shard = mem_zero(1, sizeof(*shard));

	shard->multi = curl_multi_init();
	if (shard->multi == NULL)
		abort(); /* out of memory, as in mem.c */
	shard->http = http;
	shard->trust = trust;
	uv_timer_init(http->uv, &shard->timer);
	shard->timer.data = shard;
	curl_multi_setopt(shard->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
	curl_multi_setopt(shard->multi, CURLMOPT_SOCKETDATA, shard);
	curl_multi_setopt(shard->multi, CURLMOPT_TIMERFUNCTION, on_timeout);
	curl_multi_setopt(shard->multi, CURLMOPT_TIMERDATA, shard);
	curl_multi_setopt(shard->multi, CURLMOPT_PIPELINING, (long)CURLPIPE_NOTHING);
	/* Fewer than the calls it carries, and kept connections are dropped. */
	curl_multi_setopt(shard->multi, CURLMOPT_MAXCONNECTS, (long)HTTP_SHARD_CALLS + 16);
	return shard;
}

/* The first with room: few calls stay on few handles, where they find kept connections. */
struct http_shard *http_shard_pick(struct http *http, enum http_trust trust)
{
	struct http_shard **shards = http->shards[trust], *least = NULL;

	for (size_t i = 0; i < HTTP_SHARDS_MAX; i++) {
		if (shards[i] == NULL)
			shards[i] = open_shard(http, trust);
		if (shards[i]->running < HTTP_SHARD_CALLS)
			return shards[i];
		if (least == NULL || shards[i]->running < least->running)
			least = shards[i];
	}
	return least;
}

static void free_shard(uv_handle_t *handle)
{
	free(handle->data);
}

void http_shard_close(struct http_shard *shard)
{
	struct http_shard **shards = shard->http->shards[shard->trust];

	for (size_t i = 0; i < HTTP_SHARDS_MAX; i++) {
		if (shards[i] == shard)
			shards[i] = NULL;
	}
	curl_multi_cleanup(shard->multi);
	uv_close((uv_handle_t *)&shard->timer, free_shard);
}
