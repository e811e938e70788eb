/* Reads a frame by its type first: payloads differ so much that nothing else may be taken for granted. */
#include "frame.h"
#include "buf.h"
#include <stdio.h>
#include <string.h>

enum { RETRY_MAX = 1000 };

static void read_disconnect(struct slack_frame *frame)
{
	const char *reason = frame->reason = json_text(frame->document, "reason");

	frame->kind = SLACK_FRAME_DISCONNECT;
	frame->disconnect = reason != NULL && strcmp(reason, "link_disabled") == 0 ? SLACK_LINK_DISABLED
			    : reason != NULL && strcmp(reason, "too_many_websockets") == 0 ? SLACK_TOO_MANY
											   : SLACK_REFRESH;
}

static void read_payload(struct slack_frame *frame, enum slack_payload kind)
{
	json_t *payload = json_object_get(frame->document, "payload");
	int64_t retry = json_int(frame->document, "retry_attempt", 0);

	if (!json_is_object(payload) || frame->envelope[0] == '\0')
		return; /* stays unknown */
	frame->kind = SLACK_FRAME_PAYLOAD;
	frame->payload_kind = kind;
	frame->answerable = json_is_true(json_object_get(frame->document, "accepts_response_payload"));
	frame->reason = json_text(frame->document, "retry_reason");
	frame->retry = retry < 0 ? 0 : retry > RETRY_MAX ? RETRY_MAX : (unsigned)retry;
	frame->payload = json_incref(payload);
}

static void read_by_type(struct slack_frame *frame)
{
	static const struct {
		const char *type;
		enum slack_payload kind;
	} kinds[] = {
		{ "events_api", SLACK_EVENT },
		{ "slash_commands", SLACK_COMMAND },
		{ "interactive", SLACK_INTERACTIVE },
	};

	if (strcmp(frame->type, "hello") == 0) {
		frame->kind = SLACK_FRAME_HELLO;
		frame->app_id = json_text(json_object_get(frame->document, "connection_info"), "app_id");
	} else if (strcmp(frame->type, "disconnect") == 0) {
		read_disconnect(frame);
	} else {
		for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
			if (strcmp(frame->type, kinds[i].type) == 0)
				read_payload(frame, kinds[i].kind);
	}
}

void slack_frame_read(struct slack_frame *frame_out, const char *text, size_t len, struct err *err)
{
	const char *envelope;

	*frame_out = (struct slack_frame){ .kind = SLACK_FRAME_BROKEN };
	frame_out->document = json_read(text, len, err);
	if (frame_out->document == NULL)
		return;
	frame_out->type = json_text(frame_out->document, "type");
	envelope = json_text(frame_out->document, "envelope_id");
	if (frame_out->type == NULL) {
		err_set(err, ERR_REFUSED, "the frame has no type");
		return;
	}
	if (envelope != NULL && strlen(envelope) <= SLACK_ID_MAX)
		snprintf(frame_out->envelope, sizeof(frame_out->envelope), "%s", envelope);
	frame_out->kind = SLACK_FRAME_UNKNOWN;
	read_by_type(frame_out);
}

void slack_frame_finish(struct slack_frame *frame)
{
	json_decref(frame->payload);
	json_decref(frame->document);
	*frame = (struct slack_frame){ .kind = SLACK_FRAME_BROKEN };
}

void slack_frame_ack(struct buf *out, const char *envelope, const char *payload)
{
	buf_text(out, "{\"envelope_id\":");
	json_quote(out, envelope, strlen(envelope));
	if (payload != NULL) {
		buf_text(out, ",\"payload\":");
		buf_text(out, payload);
	}
	buf_text(out, "}");
}
