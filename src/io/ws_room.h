/* What the two files of the outgoing web socket share. */
#ifndef USHER_WS_ROOM_H
#define USHER_WS_ROOM_H

#include "buf.h"
#include "io_room.h"
#include "ws.h"
#include <libwebsockets.h>

enum ws_state {
	WS_RESOLVING,  /* the name, in one of libuv's threads */
	WS_CONNECTING, /* TCP, TLS and the handshake, with one address after the other */
	WS_OPEN,
	WS_CLOSING, /* what waits goes out, then the closing handshake */
	WS_ENDED,   /* the wsi is gone; closed() comes in the next round */
};

/* One message that waits to be written: libwebsockets wants LWS_PRE bytes before it. */
struct ws_piece {
	struct ws_piece *next;
	bool binary;
	size_t len;
	unsigned char data[];
};

struct ws {
	struct io_client client; /* first: the loop's side hands it back with each event */
	struct io *io;
	enum ws_state state;
	char *host, *host_header, *path, *ca_file;
	char *proxy_host, *proxy_user; /* proxy_user: "user:password"; or NULL */
	int port, proxy_port;
	bool tls;
	size_t message_max;
	unsigned connect_ms;
	struct ws_events events;
	void *owner;

	uv_getaddrinfo_t lookup;
	struct addrinfo *addresses, *next_address;
	uv_timer_t limit, soon;
	unsigned holds; /* libuv still knows of this many parts of us */
	lws_retry_bo_t pings;
	struct lws *wsi;

	struct buf message; /* the pieces of the one that is coming */
	struct ws_piece *first, **last;
	size_t waiting;
	int close_code, peer_code;
	char close_reason[124]; /* at most 123 bytes fit into a control frame */
	bool dropped, cutting, close_sent;
	struct err err; /* the first fault is the cause of the others */
};

/* ws_wire.c: libwebsockets' side */
bool ws_wire_connect(struct ws *ws, const struct addrinfo *address);
void ws_wire_cut(struct ws *ws);
void ws_wire_close(struct ws *ws); /* close_code and close_reason */
int ws_wire_event(struct io_client *client, struct lws *wsi, int reason, void *in, size_t len);

/* ws.c */
void ws_failed(struct ws *ws); /* this address, or all: goes on with the next one, or ends */
void ws_opened(struct ws *ws);
void ws_flushed(struct ws *ws);		 /* everything is written: the closing handshake may begin */
void ws_refuse(struct ws *ws, int code); /* the peer broke a rule: closes without sending what waits */
void ws_ended(struct ws *ws);

#endif
