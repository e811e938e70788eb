/* Which answers are shown while they grow, since when, and what of it the final text has to replace. */
#include "clock.h"
#include "mem.h"
#include "streams.h"
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

enum {
	TICK_MS = 250,
	TICK_IDLE_MS = 60000,
	LOOKS_MAX = 3,
	LOOK_PAUSE_MS = 2000,
	LOOK_PAUSE_MAX_MS = 60000,
};

uint64_t stream_now(const struct stream *stream)
{
	return loop_now_ms(stream->workspace->host->loop);
}

/* ---- the table ---------------------------------------------------------------------------------------------- */

static void stream_free(struct stream *stream)
{
	if (stream->api)
		slack_api_cancel(stream->workspace, stream->api);
	slack_lookup_cancel(stream->lookup);
	slack_place_finish(&stream->place);
	buf_free(&stream->text);
	free(stream->uuid);
	free(stream->edited);
	free(stream->editing);
	free(stream);
}

static void stream_remove(struct stream *stream)
{
	struct slack_streams *streams = stream->workspace->streams;

	DL_DELETE(streams->all, stream);
	streams->count--;
	stream_free(stream);
}

static struct stream *stream_find(const struct slack_streams *streams, const char *const *answers_to,
				  size_t count)
{
	struct stream *stream;

	DL_FOREACH (streams->all, stream)
		for (size_t i = 0; i < count; i++)
			if (strcmp(stream->uuid, answers_to[i]) == 0)
				return stream;
	return NULL;
}

/* ---- what happens to one -------------------------------------------------------------------------------------- */

void stream_leave(struct stream *stream)
{
	stream->state = STREAM_LEFT;
	buf_free(&stream->text);
}

void stream_placed(struct stream *stream, const char *ts)
{
	struct platform_host *host = stream->workspace->host;
	char *remote_id;

	if (ts == NULL || ts[0] == '\0' || strlen(ts) > SLACK_ID_MAX)
		return;
	memcpy(stream->ts, ts, strlen(ts) + 1);
	remote_id = slack_remote_id(stream->place.channel, ts);
	host->placed(host, stream->uuid, remote_id);
	free(remote_id);
}

static bool is_anothers(const struct stream *stream, const char *ts)
{
	const struct stream *other;

	DL_FOREACH (stream->workspace->streams->all, other)
		if (other != stream && strcmp(other->ts, ts) == 0 &&
		    strcmp(other->place.channel, stream->place.channel) == 0)
			return true;
	return false;
}

static uint64_t look_pause_ms(unsigned retry_ms)
{
	if (retry_ms < LOOK_PAUSE_MS)
		return LOOK_PAUSE_MS;
	return retry_ms > LOOK_PAUSE_MAX_MS ? LOOK_PAUSE_MAX_MS : retry_ms;
}

/* What an earlier attempt, or a start of unknown end, left in the thread is ours to replace. */
static void looked(struct platform *workspace, void *owner, uint64_t ticket, const struct slack_found *found)
{
	struct stream *stream = owner;

	(void)workspace;
	(void)ticket;
	stream->lookup = NULL;
	stream->doing = STREAM_IDLE;
	if ((stream->unsure || !stream->end) && found->how == SLACK_LOOK_LATER &&
	    ++stream->looks < LOOKS_MAX) {
		stream->not_before_ms = stream_now(stream) + look_pause_ms(found->retry_ms);
		return; /* the final text can wait: what stands there must not stand beside it */
	}
	stream->look = false;
	stream->unsure = false;
	if (found->streaming[0] && !is_anothers(stream, found->streaming)) {
		stream_placed(stream, found->streaming);
		stream->streaming = stream->stop = true;
		stream_leave(stream);
	} else if (found->growing[0]) {
		stream_placed(stream, found->growing);
		stream_leave(stream);
	} else if (found->how != SLACK_LOOKED) {
		log_debug(stream->workspace->host->log, "what is shown of an answer can't be looked for: %s",
			  found->why);
		stream_leave(stream);
	}
	stream_settle(stream);
}

static void look(struct stream *stream)
{
	struct slack_look what = {
		.place = &stream->place,
		.answers_to = (const char *const[]){ stream->uuid },
		.answers_to_count = 1,
		.since_ms = slack_look_since(&stream->place, clock_wall_ms()),
	};

	stream->doing = STREAM_LOOKING;
	stream->lookup = slack_read_back(stream->workspace, &what, looked, stream, stream->id);
}

static void finish(struct stream *stream)
{
	slack_stream_end_fn *end = stream->end;
	struct platform *workspace = stream->workspace;
	void *owner = stream->end_owner;
	uint64_t ticket = stream->end_ticket;
	char ts[SLACK_ID_MAX + 1];

	memcpy(ts, stream->ts, sizeof(ts));
	stream->end = NULL;
	stream->touched_ms = stream_now(stream);
	stream_leave(stream);
	if (ts[0] == '\0')
		stream_remove(stream);
	end(workspace, owner, ticket, ts[0] ? ts : NULL);
}

void stream_settle(struct stream *stream)
{
	if (stream->doing != STREAM_IDLE)
		return;
	if (stream->streaming && (stream->stop || stream->end))
		stream_native_stop(stream);
	else if (stream->end && (stream->unsure || stream->look))
		look(stream);
	else if (stream->end)
		finish(stream);
}

/* ---- time ------------------------------------------------------------------------------------------------------ */

static void grow(struct stream *stream, size_t active)
{
	uint64_t now = stream_now(stream);

	if (stream->doing != STREAM_IDLE || now < stream->not_before_ms)
		return;
	if (stream->end) {
		stream_settle(stream);
		return;
	}
	if (stream->state == STREAM_OPEN) {
		if (stream->edits)
			stream_edit_add(stream);
		else
			stream_native_add(stream, active);
	} else if (stream->state == STREAM_GATHERING && now - stream->first_ms >= STREAM_WAIT_MS &&
		   stream->characters >= STREAM_LEAST) {
		if (stream->look)
			look(stream);
		else if (stream->edits || now < stream->workspace->streams->off_until_ms)
			stream_edit_start(stream);
		else
			stream_native_start(stream);
	}
}

/* An answer that never came: its turn was stopped, or the daemon that has it is another one now. */
static void give_up(struct stream *stream)
{
	if (stream->doing != STREAM_IDLE || stream->end)
		return;
	if (stream->streaming && !stream->stop) {
		stream->stop = true;
		stream->touched_ms = stream_now(stream);
		stream_settle(stream);
	} else {
		stream_remove(stream);
	}
}

/* The one that has waited longest comes first, so that all of them share the pace of the workspace. */
static int by_added(const struct stream *a, const struct stream *b)
{
	return (a->added_ms > b->added_ms) - (a->added_ms < b->added_ms);
}

static void tick(void *data)
{
	struct slack_streams *streams = data;
	struct stream *stream, *next;
	size_t active = 0, open = 0;

	DL_SORT(streams->all, by_added);
	DL_FOREACH (streams->all, stream) {
		open += stream->state == STREAM_OPEN;
		active += stream->state != STREAM_LEFT || stream->end;
	}
	DL_FOREACH_SAFE(streams->all, stream, next)
	{
		if (stream_now(stream) - stream->touched_ms > STREAM_FOREVER_MS)
			give_up(stream);
		else if (stream->end || (!streams->workspace->dead && !streams->workspace->disabled))
			grow(stream, open); /* a final text that waits is told how it ends */
	}
	streams->idle = active == 0;
	if (streams->all)
		loop_timer_start(streams->tick, streams->idle ? TICK_IDLE_MS : TICK_MS, 0);
}

static void wake(struct slack_streams *streams)
{
	if (streams->idle)
		loop_timer_start(streams->tick, TICK_MS, 0);
	streams->idle = false;
}

/* ---- the growing answer ------------------------------------------------------------------------------------------ */

/* Streams answer in a thread, outside direct messages to a known person (sheet 12). */
static bool can_stream(const struct slack_place *place)
{
	return place->thread[0] && (place->direct || (place->user[0] && place->team[0]));
}

/* The part behind the slash of "CHANNEL/TS", or all of it. */
static const char *remote_ts(const char *remote_id)
{
	const char *slash = strrchr(remote_id, '/');

	return slash ? slash + 1 : remote_id;
}

/* remote_id: as we gave it to host->placed, or NULL. */
static bool take_ts(struct stream *stream, const char *remote_id)
{
	const char *ts = remote_id ? remote_ts(remote_id) : "";

	if (ts[0] == '\0' || strlen(ts) > SLACK_ID_MAX)
		return false;
	memcpy(stream->ts, ts, strlen(ts) + 1);
	return true;
}

static struct stream *stream_create(struct platform *workspace, const struct outgoing_part *part)
{
	struct slack_streams *streams = workspace->streams;
	struct stream *stream;

	if (part->offset != 0 || part->reply_to == NULL || streams->count >= STREAMS_MAX)
		return NULL;
	stream = mem_zero(1, sizeof(*stream));
	stream->workspace = workspace;
	if (!slack_place_read(part->reply_to, &stream->place) || slack_place_whispers(&stream->place)) {
		stream_free(stream); /* of a command, or nowhere */
		return NULL;
	}
	stream->id = ++streams->last_id;
	stream->uuid = mem_text(part->answers_to[0]);
	stream->attempt = part->attempt;
	stream->edits = !can_stream(&stream->place);
	stream->look = part->attempt > 1;
	stream->first_ms = stream->touched_ms = stream_now(stream);
	DL_APPEND(streams->all, stream);
	streams->count++;
	wake(streams);
	if (take_ts(stream, part->placeholder)) {
		stream->look = false;
		stream->streaming = stream->stop = true; /* perhaps: stopping what is not open does no harm */
		stream_leave(stream);
		stream_settle(stream);
	}
	return stream;
}

/* What was added to a stream can't be taken back: the final text will replace it. */
static void begin_anew(struct stream *stream, unsigned attempt)
{
	stream->attempt = attempt;
	stream->received = stream->shown = stream->characters = 0;
	buf_clear(&stream->text);
	if (stream->streaming && (stream->added_ms > 0 || stream->doing == STREAM_ADDING)) {
		stream->stop = true;
		stream_leave(stream);
		stream_settle(stream);
	}
}

static void keep(struct stream *stream, const char *text, size_t len)
{
	size_t i = 0;

	for (; i < len && stream->characters < STREAM_CHARACTERS; i++)
		stream->characters += ((unsigned char)text[i] & 0xc0) != 0x80;
	buf_add(&stream->text, text, i);
}

void slack_stream(struct platform *workspace, const struct outgoing_part *part)
{
	struct slack_streams *streams = workspace->streams;
	struct stream *stream;

	if (!workspace->app->config.stream || workspace->dead || workspace->disabled ||
	    workspace->token == NULL || part->answers_to_count == 0)
		return;
	stream = stream_find(streams, part->answers_to, part->answers_to_count);
	if (stream == NULL)
		stream = stream_create(workspace, part);
	if (stream == NULL || part->attempt < stream->attempt || stream->end)
		return;
	stream->touched_ms = stream_now(stream);
	if (part->attempt > stream->attempt)
		begin_anew(stream, part->attempt);
	if (stream->state == STREAM_LEFT)
		return;
	if (part->offset != stream->received) {
		stream_leave(stream); /* a piece is missing */
		return;
	}
	stream->received += part->len;
	keep(stream, part->text, part->len);
}

/* ---- the end --------------------------------------------------------------------------------------------------- */

void slack_stream_end(struct platform *workspace, const struct outgoing *out, slack_stream_end_fn *done,
		      void *owner, uint64_t ticket)
{
	struct stream *stream = stream_find(workspace->streams, out->answers_to, out->answers_to_count);

	if (stream == NULL) {
		done(workspace, owner, ticket, out->placeholder ? remote_ts(out->placeholder) : NULL);
		return;
	}
	if (stream->ts[0] == '\0' && take_ts(stream, out->placeholder))
		stream->look = false;
	wake(workspace->streams);
	stream->end = done;
	stream->end_owner = owner;
	stream->end_ticket = ticket;
	stream_settle(stream);
}

void slack_stream_forget(struct platform *workspace, const char *const *answers_to, size_t count)
{
	struct stream *stream = stream_find(workspace->streams, answers_to, count);

	if (stream && !stream->end)
		stream_remove(stream);
}

void slack_stream_stopped(struct platform *workspace, const char *channel, const char *ts)
{
	struct stream *stream;

	DL_FOREACH (workspace->streams->all, stream)
		if (strcmp(stream->place.channel, channel) == 0 && strcmp(stream->ts, ts) == 0) {
			stream->streaming = false;
			stream_leave(stream);
		}
}

struct slack_streams *slack_streams_create(struct platform *workspace)
{
	struct slack_streams *streams = mem_zero(1, sizeof(*streams));

	streams->workspace = workspace;
	streams->idle = true;
	streams->tick = loop_timer_create(workspace->host->loop, tick, streams);
	return streams;
}

void slack_streams_destroy(struct slack_streams *streams)
{
	struct stream *stream, *next;

	if (streams == NULL)
		return;
	DL_FOREACH_SAFE(streams->all, stream, next)
	stream_free(stream);
	loop_timer_destroy(streams->tick);
	free(streams);
}

char *slack_remote_id(const char *channel, const char *ts)
{
	return mem_format("%s/%s", channel, ts);
}
