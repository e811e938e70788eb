/* rooms: base io markup slack */
/* Any text frame of Socket Mode: read or refused, and what is acknowledged names the envelope it came in. */
#include "buf.h"
#include "frame.h"
#include "mem.h"
#include <stdlib.h>
#include <string.h>

static void must(bool holds)
{
	if (!holds)
		abort();
}

static void check_ack(const char *envelope, const char *payload)
{
	struct buf text = { 0 };
	json_t *ack;

	slack_frame_ack(&text, envelope, payload);
	ack = json_read(text.data, text.len, NULL);
	must(ack != NULL && strcmp(json_text(ack, "envelope_id"), envelope) == 0);
	must((payload == NULL) == (json_object_get(ack, "payload") == NULL));
	json_decref(ack);
	buf_free(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = mem_copy(data, size); /* exactly so many bytes: no NUL behind them */
	struct slack_frame frame;
	struct err err = { 0 };

	slack_frame_read(&frame, text, size, &err);
	must((frame.kind == SLACK_FRAME_BROKEN) == (err.kind != ERR_NONE));
	must((frame.kind == SLACK_FRAME_PAYLOAD) == (frame.payload != NULL));
	must(frame.kind == SLACK_FRAME_BROKEN || frame.type != NULL);
	must(strlen(frame.envelope) <= SLACK_ID_MAX);
	if (frame.kind == SLACK_FRAME_PAYLOAD)
		must(frame.envelope[0] != '\0' && json_is_object(frame.payload));
	if (frame.envelope[0] != '\0') {
		check_ack(frame.envelope, NULL);
		check_ack(frame.envelope, "{}");
	}
	slack_frame_finish(&frame);
	free(text);
	return 0;
}
