/* One outgoing web socket (libwebsockets): names resolved off the loop, TLS verified, pings, whole messages.
 * Reconnecting is the caller's: it knows what to say after. Loop thread only. */
#ifndef USHER_WS_H
#define USHER_WS_H

#include "err.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct io;
struct ws;

struct ws_options {
	const char *url;     /* ws:// or wss:// */
	const char *ca_file; /* private CA; NULL: the system's */
	const char *
		proxy; /* an HTTP proxy to go through (CONNECT): "http://[user:password@]host:port"; or NULL */
	size_t message_max;	 /* larger messages close the socket with 1009 */
	unsigned ping_s, dead_s; /* ping when silent this long; gone when silent that long; 0: 20 and 40 */
	unsigned connect_ms;	 /* 0: 10 s */
};

struct ws_events {
	void (*open)(void *owner, struct ws *ws);
	void (*message)(void *owner, struct ws *ws, bool binary, const void *data, size_t len);
	/* The end, also of an attempt to connect. The pointer dies. code: the peer's close code, 0 none. */
	void (*closed)(void *owner, struct ws *ws, int code, const struct err *err);
};

/* Begins to connect; closed() follows if that fails. NULL and err when the URL is not one, the
 * CA file can't be read, or the proxy is of another kind. */
struct ws *ws_connect(struct io *io, const struct ws_options *options, const struct ws_events *events,
		      void *owner, struct err *err);

/* Queues one message; false when over 4 MiB wait. */
bool ws_send(struct ws *ws, bool binary, const void *data, size_t len);

/* Starts the closing handshake with this code; closed() follows. */
void ws_close(struct ws *ws, int code, const char *reason);

/* Cuts the connection: no callback comes any more, the pointer dies. Takes NULL. */
void ws_destroy(struct ws *ws);

#endif
