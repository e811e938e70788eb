/* A growing answer where there are no streams: one message that is edited now and then (sheet 12, 14). */
#include "mem.h"
#include "streams.h"
#include "text.h"
#include <stdlib.h>
#include <string.h>

enum {
	NO_WAIT_MS = 1,
	EDIT_EVERY_MS = 3000, /* for all of a workspace: most of what Slack allows is left for final texts */
	RETRY_MS = 5000,
};

/* What the first message of the answer would say now. The caller frees. */
static char *first_part(const struct stream *stream)
{
	char *so_far = mem_text_n(buf_str(&stream->text), text_whole(stream->text.data, stream->text.len));
	char **texts = NULL, *first;
	size_t count = slack_split(stream->workspace, so_far, &texts);

	first = texts[0];
	for (size_t i = 1; i < count; i++)
		free(texts[i]);
	free(texts);
	free(so_far);
	return first;
}

static void show(struct stream *stream, const char *method, json_t *args, const char *lane, slack_api_fn *fn)
{
	json_object_set_new(args, "channel", json_string(stream->place.channel));
	json_object_set_new(args, "text", json_string(stream->editing));
	stream->added_ms = stream_now(stream);
	stream->workspace->streams->next_edit_ms = stream->added_ms + EDIT_EVERY_MS;
	stream->api = slack_api(
		stream->workspace,
		&(struct slack_call){ .method = method, .args = args, .lane = lane, .wait_ms = NO_WAIT_MS },
		fn, stream, stream->id);
}

static void shown(struct stream *stream, const struct slack_answer *answer)
{
	stream->api = 0;
	stream->doing = STREAM_IDLE;
	if (answer->how == SLACK_OK) {
		free(stream->edited);
		stream->edited = stream->editing;
		stream->editing = NULL;
	} else if (answer->how == SLACK_LIMITED) {
		stream->workspace->streams->next_edit_ms = stream_now(stream) + answer->retry_ms;
	} else if (answer->how == SLACK_NOT_SENT) {
		stream->not_before_ms = stream_now(stream) + RETRY_MS;
	} else if (answer->how != SLACK_MAYBE) {
		stream_leave(stream);
	}
}

static void start_done(struct platform *workspace, void *owner, uint64_t ticket,
		       const struct slack_answer *answer)
{
	struct stream *stream = owner;

	(void)workspace;
	(void)ticket;
	shown(stream, answer);
	if (answer->how == SLACK_OK) {
		stream_placed(stream, json_text(answer->body, "ts"));
		if (stream->state == STREAM_GATHERING)
			stream->state = stream->ts[0] ? STREAM_OPEN : STREAM_LEFT;
	} else if (answer->how == SLACK_MAYBE) { /* looked for before the final text is posted */
		stream->unsure = true;
		stream_leave(stream);
	}
	stream_settle(stream);
}

void stream_edit_start(struct stream *stream)
{
	json_t *args;

	if (stream_now(stream) < stream->workspace->streams->next_edit_ms)
		return;
	free(stream->editing);
	stream->editing = first_part(stream);
	stream->edits = true;
	stream->doing = STREAM_STARTING;
	args = json_pack("{s:b, s:b, s:o}", "unfurl_links", 0, "unfurl_media", 0, "metadata",
			 slack_metadata(SLACK_META_GROWING, stream->uuid));
	if (stream->place.thread[0])
		json_object_set_new(args, "thread_ts", json_string(stream->place.thread));
	show(stream, "chat.postMessage", args, stream->place.channel, start_done);
}

static void edit_done(struct platform *workspace, void *owner, uint64_t ticket,
		      const struct slack_answer *answer)
{
	struct stream *stream = owner;

	(void)workspace;
	(void)ticket;
	shown(stream, answer);
	stream_settle(stream);
}

void stream_edit_add(struct stream *stream)
{
	if (stream->text.len == 0 || stream_now(stream) < stream->workspace->streams->next_edit_ms)
		return;
	free(stream->editing);
	stream->editing = first_part(stream);
	if (stream->edited && strcmp(stream->edited, stream->editing) == 0)
		return;
	stream->doing = STREAM_ADDING;
	show(stream, "chat.update", json_pack("{s:s}", "ts", stream->ts), NULL, edit_done);
}
