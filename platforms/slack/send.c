/* Answers on their way: which way each begins, and what the outbox is told at its end. */
#include "clock.h"
#include "mem.h"
#include "metrics.h"
#include "sending.h"
#include <stdlib.h>
#include <string.h>

enum {
	RESPOND_PARTS_MAX = 4,		 /* a response_url may be used five times; one is left for a notice */
	RESPOND_AGE_MAX_MS = 29 * 60000, /* and within 30 minutes (sheet 9) */
};

static struct metric sends_total = {
	.name = "usher_slack_sends_total",
	.help = "Attempts to send a message, by outcome",
	.type = METRIC_COUNTER,
	.label = "name,outcome",
};

/* ---- the end ------------------------------------------------------------------------------------------------ */

static void sending_free(struct sending *sending)
{
	for (size_t i = 0; i < sending->answers_to_count; i++)
		free(sending->answers_to[i]);
	free(sending->answers_to);
	slack_place_finish(&sending->place);
	free(sending->uuid);
	free(sending->text);
	free(sending->choices);
	message_file_free(sending->upload);
	free(sending->file_id);
	free(sending->file_url);
	free(sending->shown);
	free(sending);
}

static bool is_final(enum sent how)
{
	return how == SENT_ACCEPTED || how == SENT_REJECTED || how == SENT_UNKNOWN;
}

void send_tell(struct sending *sending, enum sent how, unsigned retry_ms, const char *remote_id,
	       const char *why)
{
	struct platform *workspace = sending->workspace;

	metric_add(&sends_total, (const char *[]){ workspace->app->config.name, sent_name(how) }, 1);
	if (is_final(how) && sending->part == 0 && sending->answers_to_count)
		slack_stream_forget(workspace, (const char *const *)sending->answers_to,
				    sending->answers_to_count);
	HASH_DEL(workspace->sends->all, sending);
	workspace->host->sent(workspace->host, sending->ticket, how, retry_ms, remote_id,
			      how == SENT_ACCEPTED ? NULL : why);
	sending_free(sending);
	slack_settle(workspace);
}

/* For what is known at once: no call is answered inside itself. */
static void tell_soon(struct sending *sending, enum sent how, const char *why)
{
	sending->step = SEND_SETTLED;
	sending->settled = how;
	sending->why = why;
	loop_timer_start(sending->workspace->sends->soon, 0, 0);
}

static void tell_settled(void *data)
{
	struct slack_sends *sends = data;
	struct sending *sending, *next;

	HASH_ITER (hh, sends->all, sending, next)
		if (sending->step == SEND_SETTLED)
			send_tell(sending, sending->settled, 0, NULL, sending->why);
}

void send_tell_accepted(struct sending *sending, const json_t *body)
{
	const char *channel = json_text(body, "channel"), *ts = json_text(body, "ts");
	char *remote_id;

	if (ts == NULL)
		ts = json_text(body, "message_ts"); /* of chat.postEphemeral */
	remote_id = ts ? slack_remote_id(channel ? channel : sending->place.channel, ts) : NULL;
	send_tell(sending, SENT_ACCEPTED, 0, remote_id, NULL);
	free(remote_id);
}

void send_tell_outcome(struct sending *sending, const struct slack_answer *answer, enum sent maybe)
{
	unsigned retry_ms;
	struct err why;
	enum sent how = slack_outcome(answer, sending->workspace->app->app_id, &retry_ms, &why);

	send_tell(sending, how == SENT_MAYBE ? maybe : how, retry_ms, NULL, why.text);
}

/* ---- the beginning ---------------------------------------------------------------------------------------------- */

static void stream_ended(struct platform *workspace, void *owner, uint64_t ticket, const char *ts)
{
	struct slack_sends *sends = owner;
	struct sending *sending;

	(void)workspace;
	HASH_FIND(hh, sends->all, &ticket, sizeof(ticket), sending);
	if (sending == NULL)
		return;
	if (ts)
		send_replace(sending, ts);
	else
		send_post(sending);
}

static bool may_respond(const struct sending *sending, int64_t at_ms)
{
	return sending->place.response_url && sending->part < RESPOND_PARTS_MAX &&
	       at_ms - sending->place.made_ms < RESPOND_AGE_MAX_MS;
}

/* An answer to a command is seen by one person only; in direct messages nobody else is there. An earlier attempt that
 * may have gone to the response_url, or to one person, can't be read back. */
static void send_to_command(struct sending *sending)
{
	bool whispered = !sending->place.direct || may_respond(sending, sending->created_ms);

	if (sending->unsure && whispered)
		tell_soon(sending, SENT_UNKNOWN, "answers to commands can't be read back");
	else if (may_respond(sending, clock_wall_ms()))
		send_step(sending, SEND_RESPOND);
	else if (sending->place.direct)
		send_post(sending);
	else
		send_step(sending, SEND_WHISPER);
}

bool send_may_respond(const struct sending *sending)
{
	return may_respond(sending, clock_wall_ms());
}

/* The outbox waits no longer for an earlier attempt and asks again, but that one is still under way: two of them would
 * say it twice, so it goes on in the place of the new one. True: it did. */
static bool goes_on(struct platform *workspace, const struct outgoing *out, uint64_t ticket)
{
	struct slack_sends *sends = workspace->sends;
	struct sending *earlier = sends->all;

	while (earlier && strcmp(earlier->uuid, out->uuid) != 0)
		earlier = earlier->hh.next;
	if (earlier == NULL)
		return false;
	HASH_DEL(sends->all, earlier);
	earlier->ticket = ticket;
	if (earlier->upload && out->file) { /* the old path ended with the old attempt */
		message_file_free(earlier->upload);
		earlier->upload = message_file_keep(out->file);
	}
	HASH_ADD(hh, sends->all, ticket, sizeof(ticket), earlier);
	if (earlier->step == SEND_LOOKING && earlier->lookup == NULL) /* its stream knows the old ticket */
		slack_stream_end(workspace, out, stream_ended, sends, ticket);
	else if (earlier->step == SEND_FILE_HOLD) /* what is on record belongs to the old ticket */
		send_step(earlier, SEND_FILE_HOLD);
	return true;
}

static struct sending *sending_create(struct platform *workspace, const struct outgoing *out, uint64_t ticket)
{
	struct sending *sending = mem_zero(1, sizeof(*sending));

	sending->ticket = ticket;
	sending->workspace = workspace;
	sending->uuid = mem_text(out->uuid);
	sending->text = mem_text(out->text);
	sending->part = out->part;
	sending->attempt = out->attempt;
	sending->upload = message_file_keep(out->file);
	sending->unsure = out->unsure;
	sending->changes = out->settled;
	sending->created_ms = out->created_ms;
	sending->choices = mem_text(out->choices);
	sending->feedback = workspace->app->config.feedback && out->part + 1 >= out->parts &&
			    out->state == MESSAGE_ANSWERED;
	sending->buttons = sending->feedback || sending->choices;
	sending->answers_to = mem_zero(out->answers_to_count + 1, sizeof(*sending->answers_to));
	sending->answers_to_count = out->answers_to_count;
	for (size_t i = 0; i < out->answers_to_count; i++)
		sending->answers_to[i] = mem_text(out->answers_to[i]);
	HASH_ADD(hh, workspace->sends->all, ticket, sizeof(ticket), sending);
	return sending;
}

static bool is_private(const struct outgoing *out)
{
	return out->reason && strcmp(out->reason, MESSAGE_NOT_YOURS) == 0;
}

/* What only one person saw can't be changed: Slack refuses that. */
static void begin_settle(struct sending *sending, const char *remote_id)
{
	const char *ts = remote_id ? strrchr(remote_id, '/') : NULL;

	if (ts && ts[1])
		send_replace(sending, ts + 1);
	else
		tell_soon(sending, SENT_REJECTED, "it is not known which message it was");
}

/* Why this file can't be sent as one, or NULL. */
static const char *unfit(const struct sending *sending, bool aside)
{
	if (aside)
		return "what one person sees can't be a file";
	if (sending->upload->size > SLACK_FILE_MAX)
		return "larger than Slack takes";
	return sending->upload->size > 0 ? NULL : "it is empty";
}

void slack_send(struct platform *workspace, const struct outgoing *out, uint64_t ticket)
{
	struct sending *sending;
	const char *why = NULL;
	bool placed;

	if (goes_on(workspace, out, ticket))
		return;
	sending = sending_create(workspace, out, ticket);
	placed = out->reply_to && slack_place_read(out->reply_to, &sending->place);
	if (placed && sending->upload)
		why = unfit(sending, slack_place_whispers(&sending->place) ||
					     (is_private(out) && !sending->place.direct));
	if (why)
		send_link(sending, why);
	if (workspace->dead || workspace->token == NULL)
		tell_soon(sending, SENT_AUTH, "the token was refused");
	else if (workspace->disabled)
		tell_soon(sending, SENT_NOT, "the workspace is switched off");
	else if (!placed)
		tell_soon(sending, SENT_REJECTED, "the reply address can't be read");
	else if (out->file && out->settled)
		tell_soon(sending, SENT_REJECTED, "under a file nothing stands that could be changed");
	else if (sending->upload)
		send_file(sending, out);
	else if (sending->text == NULL)
		tell_soon(sending, SENT_REJECTED, "there is no text to send");
	else if (out->settled)
		begin_settle(sending, out->remote_id);
	else if (slack_place_whispers(&sending->place))
		send_to_command(sending);
	else if (is_private(out) && !sending->place.direct && sending->unsure)
		tell_soon(sending, SENT_UNKNOWN, "what one person was told can't be read back");
	else if (is_private(out) && !sending->place.direct)
		send_step(sending, SEND_WHISPER);
	else if (sending->part == 0)
		slack_stream_end(workspace, out, stream_ended, workspace->sends, ticket);
	else
		send_post(sending);
}

struct slack_sends *slack_sends_create(struct platform *workspace)
{
	struct slack_sends *sends = mem_zero(1, sizeof(*sends));

	sends->workspace = workspace;
	sends->soon = loop_timer_create(workspace->host->loop, tell_settled, sends);
	return sends;
}

size_t slack_sends_running(const struct slack_sends *sends)
{
	return sends ? HASH_COUNT(sends->all) : 0;
}

void slack_sends_destroy(struct slack_sends *sends)
{
	struct sending *sending, *next;

	if (sends == NULL)
		return;
	sending = sends->all;
	HASH_CLEAR(hh, sends->all);
	for (; sending; sending = next) {
		next = sending->hh.next;
		if (sending->api)
			slack_api_cancel(sends->workspace, sending->api);
		slack_lookup_cancel(sending->lookup);
		sending_free(sending);
	}
	loop_timer_destroy(sends->soon);
	free(sends);
}
