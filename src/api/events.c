/* The answer as server-sent events: accepted, delta, reset, done, error. */
#include "api_room.h"
#include "json.h"
#include <stdio.h>
#include <string.h>

/* One event in the stream's text form. id NULL: none. data is one line of JSON. */
static void print_event(struct buf *out, const char *event, const char *id, const struct buf *data)
{
	buf_text(out, "event: ");
	buf_text(out, event);
	if (id) {
		buf_text(out, "\nid: ");
		buf_text(out, id);
	}
	buf_text(out, "\ndata: ");
	buf_add(out, data->data, data->len);
	buf_text(out, "\n\n");
}

/* Writes and empties; drops the call and returns false when the client is gone. */
static bool flush(struct call *call, struct buf *out)
{
	struct web_request *request = call_request(call);

	call->writing = true;
	if (request == NULL || (out->len && !web_write(request, out->data, out->len)))
		call->gone = true;
	call->writing = false;
	buf_free(out);
	if (call->gone)
		call_drop(call);
	else
		return true;
	return false;
}

static void add_reset(struct call *call, struct buf *out, unsigned attempt)
{
	char id[EVENT_ID_SIZE];

	call->shown = event_id_start();
	call->shown.attempt = attempt;
	print_event(out, "reset", event_id_print(&call->shown, call->uuid, id),
		    &(struct buf){ .data = (char[]){ "{}" }, .len = 2 });
}

/* What the client does not have yet. */
static void add_delta(struct call *call, struct buf *out, const char *text, size_t len)
{
	struct buf data = { 0 };
	size_t from = call->shown.offset;
	char id[EVENT_ID_SIZE];

	if (len <= from)
		return;
	buf_text(&data, "{\"text\":");
	json_quote(&data, text + from, len - from);
	buf_text(&data, "}");
	event_id_pass(&call->shown, text + from, len - from);
	print_event(out, "delta", event_id_print(&call->shown, call->uuid, id), &data);
	buf_free(&data);
}

static void add_accepted(struct call *call, struct buf *out, bool resumed)
{
	struct buf data = { 0 };
	char id[EVENT_ID_SIZE];

	buf_text(&data, "{");
	answer_print_ids(&data, call->conversation_id, call->conversation_uuid, call->uuid);
	answer_print_imports(&data, call);
	buf_text(&data, "}");
	print_event(out, "accepted", resumed ? NULL : event_id_print(&call->shown, call->uuid, id), &data);
	buf_free(&data);
}

/* Appends head and `accepted`, and `reset` when the client's copy is not a beginning of this text. */
static void open_stream(struct call *call, struct buf *out, const char *text, size_t len, unsigned attempt)
{
	struct web_request *request = call_request(call);
	struct event_id last;
	bool fits;

	if (request == NULL)
		return;
	fits = event_id_parse(web_header(request, "last-event-id"), call->uuid, &last) &&
	       event_id_fits(&last, text, len, attempt);
	call->shown = event_id_start();
	if (fits)
		event_id_pass(&call->shown, text, last.offset);
	call->shown.attempt = attempt;
	call_add_location(call);
	web_add_header(request, "Cache-Control", "no-store");
	call->writing = true;
	web_stream(request, 200, "text/event-stream");
	call->writing = false;
	call->opened = true;
	add_accepted(call, out, last.given);
	if (last.given && !fits)
		add_reset(call, out, attempt);
}

static void add_growth(struct call *call, struct buf *out, const char *text, size_t len, unsigned attempt)
{
	if (attempt != call->shown.attempt && call->shown.offset > 0)
		add_reset(call, out, attempt);
	call->shown.attempt = attempt;
	add_delta(call, out, text, event_id_whole(text, len));
}

void events_open(struct call *call, const char *text, size_t len, unsigned attempt)
{
	struct buf out = { 0 };

	if (!call->opened)
		open_stream(call, &out, text, len, attempt);
	add_growth(call, &out, text, len, attempt);
	flush(call, &out);
}

void events_grow(struct call *call, const char *text, size_t len, unsigned attempt)
{
	struct buf out = { 0 };

	add_growth(call, &out, text, len, attempt);
	flush(call, &out);
}

static void end_stream(struct call *call, struct buf *out)
{
	struct web_request *request;

	if (!flush(call, out))
		return;
	request = call_request(call);
	call_drop(call);
	if (request)
		web_end(request);
}

static void add_error(struct call *call, struct buf *out, enum api_error error, const char *why)
{
	struct buf data = { 0 };
	char id[EVENT_ID_SIZE];

	buf_text(&data, "{\"error\":");
	error_print(&data, error, why);
	buf_text(&data, "}");
	print_event(out, "error", event_id_print(&call->shown, call->uuid, id), &data);
	buf_free(&data);
}

void events_end(struct call *call, const struct outgoing *out)
{
	const char *text = out->state == MESSAGE_ANSWERED && out->text ? out->text : "";
	size_t len = strlen(text);
	struct buf events = { 0 }, data = { 0 };
	char id[EVENT_ID_SIZE];

	if (!call->opened)
		open_stream(call, &events, text, len, out->attempt);
	if (out->state == MESSAGE_ANSWERED) {
		if (!event_id_fits(&call->shown, text, len, call->shown.attempt))
			add_reset(call, &events, call->shown.attempt + 1);
		add_delta(call, &events, text, len);
		answer_print(&data, call, out);
		print_event(&events, "done", event_id_print(&call->shown, call->uuid, id), &data);
		buf_free(&data);
	} else {
		add_error(call, &events, error_of_end(out->state, out->reason), out->text);
	}
	end_stream(call, &events);
}

void events_fail(struct call *call, enum api_error error, const char *why)
{
	struct buf events = { 0 };

	if (!call->opened)
		open_stream(call, &events, "", 0, 0);
	buf_format(&events, "retry: %d\n", API_RETRY_S * 1000);
	add_error(call, &events, error, why);
	end_stream(call, &events);
}
