/* A growing answer as a stream of Slack's own (sheet 12): start, append, stop. */
#include "mem.h"
#include "streams.h"
#include "text.h"
#include <stdlib.h>
#include <string.h>

enum {
	NO_WAIT_MS = 1, /* a stream never queues before an answer */
	STOP_WAIT_MS = 3000,
	APPEND_EVERY_MS = 667,	/* 90 a minute for all streams together; Slack allows 100 */
	APPEND_LEAST_MS = 1000, /* of one stream */
	APPEND_LATE_MS = 3000,	/* few characters are shown after this, */
	APPEND_LEAST = 256,	/* so many after APPEND_LEAST_MS */
	WORD_MAX = 1024,	/* bytes without white space: cut anywhere */
	RETRY_MS = 5000,
};

static void start_done(struct platform *workspace, void *owner, uint64_t ticket,
		       const struct slack_answer *answer)
{
	static const char *const elsewhere[] = { "channel_type_not_supported", "missing_recipient_team_id",
						 "missing_recipient_user_id", NULL };
	struct stream *stream = owner;

	(void)ticket;
	stream->api = 0;
	stream->doing = STREAM_IDLE;
	if (answer->how == SLACK_OK) {
		stream_placed(stream, json_text(answer->body, "ts"));
		stream->streaming = stream->ts[0] != '\0';
		if (stream->state == STREAM_GATHERING)
			stream->state = stream->streaming ? STREAM_OPEN : STREAM_LEFT;
	} else if (answer->how == SLACK_NOT_SENT) {
		stream->not_before_ms = stream_now(stream) + RETRY_MS;
	} else if (slack_refused_feature(answer)) {
		log_info(workspace->host->log, "no streams here (%s): messages are edited instead",
			 answer->error);
		workspace->streams->off_until_ms = stream_now(stream) + STREAM_OFF_MS;
	} else if (slack_refused_with(answer, elsewhere)) {
		stream->edits = true;
	} else { /* the final text alone will do */
		stream->unsure = answer->how == SLACK_MAYBE;
		stream_leave(stream);
	}
	stream_settle(stream);
}

void stream_native_start(struct stream *stream)
{
	const struct slack_place *place = &stream->place;
	json_t *args = json_pack("{s:s, s:s}", "channel", place->channel, "thread_ts", place->thread);

	if (!place->direct) {
		json_object_set_new(args, "recipient_user_id", json_string(place->user));
		json_object_set_new(args, "recipient_team_id", json_string(place->team));
	}
	stream->doing = STREAM_STARTING;
	stream->api = slack_api(
		stream->workspace,
		&(struct slack_call){ .method = "chat.startStream", .args = args, .wait_ms = NO_WAIT_MS },
		start_done, stream, stream->id);
}

/* ---- more text ------------------------------------------------------------------------------------------------ */

/* A piece ends after white space: what Slack would read as a mention is then whole, and can be made harmless. */
static size_t piece(const char *text, size_t len)
{
	size_t end = len;

	while (end > 0 && text[end - 1] != ' ' && text[end - 1] != '\n')
		end--;
	return end == 0 && len > WORD_MAX ? text_whole(text, len) : end;
}

/* Appending is not idempotent: after an unknown outcome nothing more is added, the final text repairs it. */
static void append_done(struct platform *workspace, void *owner, uint64_t ticket,
			const struct slack_answer *answer)
{
	static const char *const over[] = { "message_not_in_streaming_state", "stopped_by_user",
					    "message_not_found", NULL };
	struct stream *stream = owner;

	(void)ticket;
	stream->api = 0;
	stream->doing = STREAM_IDLE;
	if (answer->how == SLACK_OK) {
		stream->shown += stream->adding;
	} else if (answer->how == SLACK_LIMITED) {
		workspace->streams->next_append_ms = stream_now(stream) + answer->retry_ms;
	} else if (answer->how == SLACK_NOT_SENT) {
		stream->not_before_ms = stream_now(stream) + RETRY_MS;
	} else {
		stream->streaming = !slack_refused_with(answer, over);
		stream_leave(stream);
	}
	stream_settle(stream);
}

static void append(struct stream *stream, const char *text, size_t len)
{
	char *harmless = slack_stream_text(text, len);

	stream->doing = STREAM_ADDING;
	stream->adding = len;
	stream->added_ms = stream_now(stream);
	stream->workspace->streams->next_append_ms = stream->added_ms + APPEND_EVERY_MS;
	stream->api = slack_api(
		stream->workspace,
		&(struct slack_call){ .method = "chat.appendStream",
				      .args = json_pack("{s:s, s:s, s:s}", "channel", stream->place.channel,
							"ts", stream->ts, "markdown_text", harmless),
				      .wait_ms = NO_WAIT_MS },
		append_done, stream, stream->id);
	free(harmless);
}

void stream_native_add(struct stream *stream, size_t active)
{
	uint64_t now = stream_now(stream), since = now - stream->added_ms;
	const char *text = buf_str(&stream->text) + stream->shown;
	uint64_t every =
		active * APPEND_EVERY_MS > APPEND_LEAST_MS ? active * APPEND_EVERY_MS : APPEND_LEAST_MS;
	size_t len = piece(text, stream->text.len - stream->shown);

	if (len == 0 || now < stream->workspace->streams->next_append_ms || since < every)
		return;
	if (len >= APPEND_LEAST || since >= APPEND_LATE_MS)
		append(stream, text, len);
}

/* ---- the end --------------------------------------------------------------------------------------------------- */

/* Whatever the answer: the update of the final text finds out whether the stream is still open. */
static void stop_done(struct platform *workspace, void *owner, uint64_t ticket,
		      const struct slack_answer *answer)
{
	struct stream *stream = owner;

	(void)workspace;
	(void)ticket;
	(void)answer;
	stream->api = 0;
	stream->doing = STREAM_IDLE;
	stream->streaming = stream->stop = false;
	stream_leave(stream);
	stream_settle(stream);
}

void stream_native_stop(struct stream *stream)
{
	stream->doing = STREAM_STOPPING;
	stream->api =
		slack_api(stream->workspace,
			  &(struct slack_call){ .method = "chat.stopStream",
						.args = json_pack("{s:s, s:s}", "channel",
								  stream->place.channel, "ts", stream->ts),
						.wait_ms = STOP_WAIT_MS },
			  stop_done, stream, stream->id);
}
