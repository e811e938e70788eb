/* What the files of this room share: the loop's insides, which nobody outside sees. */
#ifndef USHER_IO_ROOM_H
#define USHER_IO_ROOM_H

#include "io.h"
#include <uv.h>

struct lws_context;
struct lws_vhost;
struct lws;

/* The one loop; handles made on it must be closed before io_destroy. */
uv_loop_t *io_uv(struct io *io);
struct lws_context *io_lws(struct io *io);

/* For outgoing connections: no listener, system CA files, the one protocol IO_CLIENT_PROTOCOL. */
struct lws_vhost *io_client_vhost(struct io *io); /* made when first asked for; NULL: not possible */
#define IO_CLIENT_PROTOCOL "client"		  /* goes into local_protocol_name */

/* Whoever opens an outgoing web socket puts a pointer to this into opaque_user_data (and NULL when it lets go
 * of the wsi); reason is an enum lws_callback_reasons, the result goes back to libwebsockets. */
struct io_client {
	int (*event)(struct io_client *client, struct lws *wsi, int reason, void *in, size_t len);
};

/* loop.c */
struct loop *loop_create(uv_loop_t *uv);
void loop_destroy(struct loop *loop); /* starts closing its handles; its memory goes with loop_free */
void loop_free(struct loop *loop);    /* after the uv loop has ended */

#endif
