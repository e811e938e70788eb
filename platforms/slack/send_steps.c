/* The calls that bring one answer to its place: a table of steps, each one call. */
#include "mem.h"
#include "sending.h"
#include <stdlib.h>
#include <string.h>

enum { STREAM_OPEN_RETRY_MS = 5000 };

/* ---- looking whether an earlier attempt arrived --------------------------------------------------------------- */

void send_replace(struct sending *sending, const char *ts)
{
	free(sending->shown);
	sending->shown = mem_text(ts);
	send_step(sending, SEND_REPLACE);
}

static void found(struct platform *workspace, void *owner, uint64_t ticket, const struct slack_found *found)
{
	struct sending *sending = owner;
	char *remote_id;

	(void)ticket;
	sending->lookup = NULL;
	if (found->reply[0]) {
		remote_id = slack_remote_id(sending->place.channel, found->reply);
		log_debug(workspace->host->log, "an unsure reply was found in its thread");
		send_tell(sending, SENT_ACCEPTED, 0, remote_id, NULL);
		free(remote_id);
		return;
	}
	switch (found->how) {
	case SLACK_LOOKED:
		if (found->growing[0] && sending->part == 0 && !sending->stale)
			send_replace(sending, found->growing);
		else
			send_step(sending, SEND_POST);
		return;
	case SLACK_LOOK_LATER:
		send_tell(sending, found->retry_ms ? SENT_LIMITED : SENT_NOT, found->retry_ms, NULL,
			  found->why);
		return;
	case SLACK_LOOK_NOBODY:
		send_tell(sending, SENT_AUTH, 0, NULL, found->why);
		return;
	case SLACK_LOOK_NEVER:
	default:
		send_tell(sending, SENT_UNKNOWN, 0, NULL, found->why);
	}
}

void send_post(struct sending *sending)
{
	struct slack_look look = {
		.place = &sending->place,
		.uuid = sending->uuid,
		.answers_to = (const char *const *)sending->answers_to,
		.answers_to_count = sending->answers_to_count,
		.since_ms = slack_look_since(&sending->place, sending->created_ms),
		.fresh = true,
	};

	if (sending->unsure)
		sending->lookup = slack_read_back(sending->workspace, &look, found, sending, sending->ticket);
	else
		send_step(sending, SEND_POST);
}

/* ---- the steps: each begins one call; its done_ stands below ------------------------------------------------------- */

void send_call(struct sending *sending, const char *method, json_t *args, const char *lane)
{
	sending->api = slack_api(sending->workspace,
				 &(struct slack_call){ .method = method, .args = args, .lane = lane },
				 send_answered, sending, sending->ticket);
}

static void add_form(struct sending *sending, json_t *args)
{
	json_object_set_new(args, "text", json_string(sending->text));
	json_object_set_new(args, "metadata", slack_metadata(SLACK_META_REPLY, sending->uuid));
	if (sending->buttons) {
		json_t *blocks = slack_blocks(sending->text, sending->feedback ? sending->uuid : NULL,
					      sending->choices);

		sending->buttons = blocks != NULL;
		if (blocks)
			json_object_set_new(args, "blocks", blocks);
	}
}

/* An empty thread_ts is refused: pitfall 14. */
static void add_thread(const struct sending *sending, json_t *args)
{
	if (sending->place.thread[0])
		json_object_set_new(args, "thread_ts", json_string(sending->place.thread));
}

/* Without buttons the blocks of a stream must go, or they would hide the text. */
static void start_replace(struct sending *sending)
{
	json_t *args = json_pack("{s:s, s:s}", "channel", sending->place.channel, "ts", sending->shown);

	add_form(sending, args);
	if (!sending->buttons)
		json_object_set_new(args, "blocks", json_array());
	send_call(sending, "chat.update", args, NULL);
}

static void done_replace(struct sending *sending, const struct slack_answer *answer)
{
	static const char *const open[] = { "streaming_state_conflict", NULL };
	static const char *const stale[] = { "message_not_found",
					     "cant_update_message",
					     "edit_window_closed",
					     "msg_too_long",
					     "is_inactive",
					     "message_not_owned_by_app",
					     NULL };

	if (answer->how == SLACK_OK) {
		send_tell_accepted(sending, answer->body);
	} else if (slack_refused_with(answer, open)) {
		if (sending->closed)
			send_tell(sending, SENT_LIMITED, STREAM_OPEN_RETRY_MS, NULL,
				  "the stream is still open");
		else
			send_step(sending, SEND_CLOSE);
	} else if (sending->buttons && slack_refused_blocks(answer)) {
		sending->buttons = false;
		send_step(sending, SEND_REPLACE);
	} else if (slack_refused_with(answer, stale) && sending->changes) {
		send_tell(sending, SENT_REJECTED, 0, NULL, answer->error);
	} else if (slack_refused_with(answer, stale)) {
		log_info(sending->workspace->host->log,
			 "what was shown of the answer can't be replaced (%s): it is posted anew",
			 answer->error);
		sending->stale = true;
		send_post(sending);
	} else {
		send_tell_outcome(sending, answer, SENT_NOT); /* the same update twice is one update */
	}
}

static void start_close(struct sending *sending)
{
	sending->closed = true;
	send_call(sending, "chat.stopStream",
		  json_pack("{s:s, s:s}", "channel", sending->place.channel, "ts", sending->shown), NULL);
}

static void done_close(struct sending *sending, const struct slack_answer *answer)
{
	(void)answer; /* the update says whether it worked */
	send_step(sending, SEND_REPLACE);
}

static void start_post(struct sending *sending)
{
	json_t *args = json_pack("{s:s, s:b, s:b}", "channel", sending->place.channel, "unfurl_links", 0,
				 "unfurl_media", 0);

	add_thread(sending, args);
	add_form(sending, args);
	send_call(sending, "chat.postMessage", args, sending->place.channel);
}

/* A shortcut may ask about any message, also where we are no member: then only who asked sees the answer. */
static bool posted_elsewhere(struct sending *sending, const struct slack_answer *answer)
{
	static const char *const outside[] = { "not_in_channel", "channel_not_found", NULL };

	if (slack_place_whispers(&sending->place) || !slack_refused_with(answer, outside) ||
	    !send_may_respond(sending))
		return false;
	send_step(sending, SEND_RESPOND);
	return true;
}

static void done_post(struct sending *sending, const struct slack_answer *answer)
{
	if (answer->how == SLACK_OK) {
		send_tell_accepted(sending, answer->body);
	} else if (sending->buttons && slack_refused_blocks(answer)) { /* nothing was posted */
		sending->buttons = false;
		send_step(sending, SEND_POST);
	} else if (!posted_elsewhere(sending, answer)) {
		send_tell_outcome(sending, answer, SENT_MAYBE);
	}
}

static void start_respond(struct sending *sending)
{
	json_t *body = json_pack("{s:s, s:b, s:s}", "response_type", "ephemeral", "replace_original", 0,
				 "text", sending->text);

	sending->api = slack_respond(sending->workspace, sending->place.response_url, body, send_answered,
				     sending, sending->ticket);
}

/* What only one person sees can't be read back, so an unsure one is held for the operator. */
static void done_respond(struct sending *sending, const struct slack_answer *answer)
{
	if (answer->how == SLACK_OK)
		send_tell(sending, SENT_ACCEPTED, 0, NULL, NULL);
	else if (answer->how == SLACK_REFUSED && slack_place_whispers(&sending->place)) /* used up */
		send_step(sending, sending->place.direct ? SEND_POST : SEND_WHISPER);
	else
		send_tell_outcome(sending, answer, SENT_UNKNOWN);
}

static void start_whisper(struct sending *sending)
{
	json_t *args = json_pack("{s:s, s:s, s:s}", "channel", sending->place.channel, "user",
				 sending->place.user, "text", sending->text);

	add_thread(sending, args);
	send_call(sending, "chat.postEphemeral", args, NULL);
}

static void done_whisper(struct sending *sending, const struct slack_answer *answer)
{
	if (answer->how == SLACK_OK)
		send_tell_accepted(sending, answer->body);
	else
		send_tell_outcome(sending, answer, SENT_UNKNOWN);
}

static const struct {
	void (*start)(struct sending *sending);
	void (*done)(struct sending *sending, const struct slack_answer *answer);
} steps[] = {
	[SEND_REPLACE] = { start_replace, done_replace }, /* what was shown while it grew */
	[SEND_CLOSE] = { start_close, done_close },	  /* a stream that is still open */
	[SEND_POST] = { start_post, done_post },
	[SEND_RESPOND] = { start_respond, done_respond }, /* to the response_url of a command */
	[SEND_FILE_ASK] = { start_file_ask, done_file_ask },
	[SEND_FILE_UPLOAD] = { start_file_upload, done_file_upload },
	[SEND_FILE_HOLD] = { start_file_hold, NULL }, /* slack_held */
	[SEND_FILE_COMPLETE] = { start_file_complete, done_file_complete },
	[SEND_FILE_LOOK] = { start_file_look, done_file_look },
	[SEND_WHISPER] = { start_whisper, done_whisper }, /* a command's answer without a response_url */
};

void send_step(struct sending *sending, enum send_step step)
{
	sending->step = step;
	steps[step].start(sending);
}

void send_answered(struct platform *workspace, void *owner, uint64_t ticket,
		   const struct slack_answer *answer)
{
	struct sending *sending = owner;

	(void)workspace;
	(void)ticket;
	sending->api = 0;
	steps[sending->step].done(sending, answer);
}
