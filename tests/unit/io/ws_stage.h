/* One outgoing web socket and the server it speaks to. */
#ifndef WS_STAGE_H
#define WS_STAGE_H

#include "io.h"
#include "peer.h"
#include "ws.h"

/* ---- the server's side, called by a peer's script ---- */

enum { TEXT = 0x81, BINARY = 0x82, CLOSE = 0x88, PING = 0x89, PONG = 0x8a, FRAME_MAX = 300000 };

struct ws_frame {
	unsigned char kind; /* first byte: FIN and opcode */
	size_t len;
	unsigned char data[FRAME_MAX + 1];
};

bool ws_accept(struct peer_link *link); /* reads the request and switches the protocol */
void ws_send_frame(struct peer_link *link, int kind, const void *data, size_t len);
bool ws_read_frame(struct peer_link *link,
		   struct ws_frame *frame); /* false: the client broke a rule or is gone */

/* Sends back what comes and answers a close, as a good server does. */
void ws_echo(struct peer_link *link);

/* ---- the client's side ---- */

/* What the socket said: the latest of each, and how often. */
struct ws_stage {
	struct io *io;
	struct loop_timer *limit;
	struct peer *peer;
	struct ws *ws;
	int opens, messages, closes, code;
	struct err err;
	bool binary;
	char *data;
	size_t len;
	bool close_after_message, destroy_after_message;
};

extern struct ws_stage stage;
extern const struct ws_events stage_events;

int stage_setup(void **state);
int stage_teardown(void **state);
void stage_run(void); /* until something happens; twenty seconds without fail the test */
void stage_run_to_end(void);
void stage_connect_with(const struct ws_options *options);
void stage_connect_to(peer_fn *script);
void stage_open_to(peer_fn *script);

#define STAGE_CASE(name) cmocka_unit_test_setup_teardown(name, stage_setup, stage_teardown)

#endif
