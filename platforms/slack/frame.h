/* One text frame of Socket Mode (sheet 6.2), read from its bytes. Pure; any thread. */
#ifndef USHER_SLACK_FRAME_H
#define USHER_SLACK_FRAME_H

#include "slack_room.h"

enum slack_frame_kind {
	SLACK_FRAME_HELLO,
	SLACK_FRAME_DISCONNECT,
	SLACK_FRAME_PAYLOAD, /* envelope, payload_kind and payload are set */
	SLACK_FRAME_UNKNOWN, /* a type we don't know, or no payload: to be acknowledged if envelope is not "" */
	SLACK_FRAME_BROKEN, /* not a frame: err says why */
};

/* Why the platform is about to close (sheet 6.4). */
enum slack_disconnect {
	SLACK_REFRESH, /* warning, refresh_requested, and reasons we don't know */
	SLACK_LINK_DISABLED,
	SLACK_TOO_MANY,
};

struct slack_frame {
	enum slack_frame_kind kind;
	enum slack_payload payload_kind;
	enum slack_disconnect disconnect;
	char envelope[SLACK_ID_MAX + 1]; /* "" none, or one we can't take */
	bool answerable;		 /* accepts_response_payload */
	unsigned retry;			 /* retry_attempt */
	const char *type, *reason;	 /* in the document, or NULL; reason of a disconnect or a retry */
	const char *app_id;		 /* of hello, or NULL */
	json_t *payload;		 /* an object of its own reference, or NULL */
	json_t *document;
};

void slack_frame_read(struct slack_frame *frame_out, const char *text, size_t len, struct err *err);
void slack_frame_finish(struct slack_frame *frame);

/* {"envelope_id":...} with the payload (JSON text) if it is not NULL. */
struct buf;
void slack_frame_ack(struct buf *out, const char *envelope, const char *payload);

#endif
