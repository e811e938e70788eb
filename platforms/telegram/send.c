/* Answers on their way: how each begins, and what the outbox is told at its end. */
#include "mem.h"
#include "metrics.h"
#include "sending.h"
#include <stdlib.h>
#include <string.h>

static struct metric sends_total = {
	.name = "usher_telegram_sends_total",
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
	free(sending->uuid);
	free(sending->text);
	free(sending->choices);
	message_file_free(sending->upload);
	free(sending);
}

static bool is_final(enum sent how)
{
	return how == SENT_ACCEPTED || how == SENT_REJECTED || how == SENT_UNKNOWN;
}

void telegram_send_tell(struct sending *sending, enum sent how, unsigned retry_ms, const char *remote_id,
			const char *why)
{
	struct platform *bot = sending->bot;

	metric_add(&sends_total, (const char *[]){ bot->config.name, sent_name(how) }, 1);
	if (is_final(how) && sending->part == 0 && sending->answers_to_count)
		telegram_preview_forget(bot, (const char *const *)sending->answers_to,
					sending->answers_to_count);
	HASH_DEL(bot->sends->all, sending);
	bot->host->sent(bot->host, sending->ticket, how, retry_ms, remote_id,
			how == SENT_ACCEPTED ? NULL : why);
	sending_free(sending);
	telegram_settle(bot);
}

void telegram_send_tell_accepted(struct sending *sending, int64_t message)
{
	char *remote_id = message ? telegram_remote_id(sending->chat, message) : NULL;

	telegram_send_tell(sending, SENT_ACCEPTED, 0, remote_id, NULL);
	free(remote_id);
}

void telegram_send_tell_outcome(struct sending *sending, const struct telegram_answer *answer)
{
	unsigned retry_ms;
	struct err why;
	enum sent how = telegram_outcome(answer, &retry_ms, &why);

	telegram_send_tell(sending, how, retry_ms, NULL, why.text);
}

/* For what is known at once: no call is answered inside itself. */
static void tell_soon(struct sending *sending, enum sent how, const char *why)
{
	sending->step = SEND_SETTLED;
	sending->settled = how;
	sending->why = why;
	loop_timer_start(sending->bot->sends->soon, 0, 0);
}

static void tell_settled(void *data)
{
	struct telegram_sends *sends = data;
	struct sending *sending, *next;

	HASH_ITER (hh, sends->all, sending, next)
		if (sending->step == SEND_SETTLED)
			telegram_send_tell(sending, sending->settled, 0, NULL, sending->why);
}

/* ---- the beginning ---------------------------------------------------------------------------------------------- */

static struct sending *find(const struct telegram_sends *sends, uint64_t ticket)
{
	struct sending *sending;

	HASH_FIND(hh, sends->all, &ticket, sizeof(ticket), sending);
	return sending;
}

static void preview_ended(struct platform *bot, void *owner, uint64_t ticket, int64_t message)
{
	struct sending *sending = find(owner, ticket);

	(void)bot;
	if (sending && sending->step == SEND_ASKING)
		send_found(sending, sending->place.chat, message);
}

/* The text of a file does not stand in the chat. */
static void begin_settle(struct sending *sending, const struct outgoing *out)
{
	sending->bare = sending->file || sending->upload;
	if (telegram_remote_read(out->remote_id, &sending->chat, &sending->message))
		telegram_send_step(sending, SEND_SETTLE);
	else
		tell_soon(sending, SENT_REJECTED, "it is not known which message it was");
}

/* A message that an earlier attempt held takes the text; else what was shown while it grew; else a new one. */
static void begin_text(struct sending *sending, const struct outgoing *out)
{
	int64_t chat, message;

	if (telegram_remote_read(out->remote_id, &chat, &message)) {
		sending->held = true;
		send_found(sending, chat, message);
	} else if (sending->part == 0) {
		telegram_preview_end(sending->bot, out, preview_ended, sending->bot->sends, sending->ticket);
	} else {
		send_found(sending, sending->place.chat, 0);
	}
}

void telegram_send_link(struct sending *sending, const char *why)
{
	char *words = message_file_words(sending->upload, why), **texts;
	size_t count = telegram_split(sending->bot, words, &texts);

	log_warn(sending->bot->host->log, "a file is not sent, its link is: %s", why);
	free(words);
	free(sending->text);
	sending->text = message_first_part(texts, count); /* a line: it is one message */
	message_file_free(sending->upload);
	sending->upload = NULL;
}

/* A file's upload can't be looked for: one that may have been sent is held for the operator. */
static void begin_file(struct sending *sending, const struct outgoing *out)
{
	const struct telegram_config *config = &sending->bot->config;
	int64_t most = config->local_files ? TELEGRAM_SEND_LOCAL_MAX : TELEGRAM_SEND_MAX, chat, message;

	if (sending->upload && telegram_remote_read(out->remote_id, &chat, &message)) {
		telegram_send_link(sending, "it was not taken before"); /* that message is to say it */
		begin_text(sending, out);
	} else if (sending->upload && sending->upload->size > most) {
		telegram_send_link(sending, "larger than Telegram takes from bots");
		begin_text(sending, out);
	} else if (out->unsure && out->remote_id && strcmp(out->remote_id, SENDING_UPLOAD) == 0)
		tell_soon(sending, SENT_UNKNOWN, "it can't be found out whether the file was sent");
	else
		telegram_send_step(sending, SEND_HOLD);
}

/* What was pressed is answered by what is said. */
static void begin_pressed(struct sending *sending, const struct outgoing *out)
{
	telegram_press_over(sending->bot, sending->place.press, true);
	if (sending->file || sending->upload)
		begin_file(sending, out);
	else
		begin_text(sending, out);
}

static bool is_private(const struct outgoing *out)
{
	return out->reason && strcmp(out->reason, MESSAGE_NOT_YOURS) == 0;
}

static void begin(struct sending *sending, const struct outgoing *out)
{
	const struct platform *bot = sending->bot;

	if (bot->dead)
		tell_soon(sending, SENT_AUTH, "the token was refused");
	else if (bot->disabled)
		tell_soon(sending, SENT_NOT, "the bot is switched off");
	else if (!telegram_place_read(out->reply_to, &sending->place))
		tell_soon(sending, SENT_REJECTED, "the reply address can't be read");
	else if (sending->text == NULL && sending->upload == NULL)
		tell_soon(sending, SENT_REJECTED, "there is no text to send");
	else if (out->settled)
		begin_settle(sending, out);
	else if (is_private(out) && sending->place.press[0])
		telegram_send_step(sending, SEND_REFUSE);
	else if (sending->place.press[0] && sending->part == 0)
		begin_pressed(sending, out);
	else if (sending->file || sending->upload)
		begin_file(sending, out);
	else
		begin_text(sending, out);
}

/* The outbox waits no longer for an earlier attempt and asks again, but that one is still under way: two of them would
 * say it twice, so it goes on in the place of the new one. True: it did. */
static bool goes_on(struct platform *bot, const struct outgoing *out, uint64_t ticket)
{
	struct telegram_sends *sends = bot->sends;
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
	if (earlier->step == SEND_HOLD) /* what is on record belongs to the old ticket */
		telegram_send_step(earlier, SEND_HOLD);
	else if (earlier->step == SEND_ASKING) /* the preview knows the old one, too */
		telegram_preview_end(bot, out, preview_ended, sends, ticket);
	return true;
}

void telegram_send(struct platform *bot, const struct outgoing *out, uint64_t ticket)
{
	struct sending *sending;

	if (goes_on(bot, out, ticket))
		return;
	sending = mem_zero(1, sizeof(*sending));
	sending->ticket = ticket;
	sending->bot = bot;
	sending->uuid = mem_text(out->uuid);
	sending->text = mem_text(out->text);
	sending->choices = mem_text(out->choices);
	sending->upload = message_file_keep(out->file);
	sending->part = out->part;
	if (out->text && strncmp(out->text, TELEGRAM_DOCUMENT, strlen(TELEGRAM_DOCUMENT)) == 0)
		sending->file = sending->text + strlen(TELEGRAM_DOCUMENT);
	sending->answers_to = mem_zero(out->answers_to_count + 1, sizeof(*sending->answers_to));
	sending->answers_to_count = out->answers_to_count;
	for (size_t i = 0; i < out->answers_to_count; i++)
		sending->answers_to[i] = mem_text(out->answers_to[i]);
	HASH_ADD(hh, bot->sends->all, ticket, sizeof(ticket), sending);
	begin(sending, out);
}

void telegram_held(struct platform *bot, uint64_t ticket, const struct err *err)
{
	struct sending *sending = find(bot->sends, ticket);

	if (sending == NULL || sending->step != SEND_HOLD)
		return;
	if (err->kind == ERR_NONE) {
		send_held(sending);
		return;
	}
	if (err->kind != ERR_GONE) /* then it may be on record all the same */
		send_take_back(sending);
	telegram_send_tell(sending, SENT_NOT, 0, NULL, err->text);
}

struct telegram_sends *telegram_sends_create(struct platform *bot)
{
	struct telegram_sends *sends = mem_zero(1, sizeof(*sends));

	sends->bot = bot;
	sends->soon = loop_timer_create(bot->host->loop, tell_settled, sends);
	return sends;
}

size_t telegram_sends_running(const struct telegram_sends *sends)
{
	return sends ? HASH_COUNT(sends->all) : 0;
}

void telegram_sends_destroy(struct telegram_sends *sends)
{
	struct sending *sending, *next;

	if (sends == NULL)
		return;
	sending = sends->all;
	HASH_CLEAR(hh, sends->all);
	for (; sending; sending = next) {
		next = sending->hh.next;
		if (sending->api)
			telegram_api_cancel(sends->bot, sending->api);
		sending_free(sending);
	}
	loop_timer_destroy(sends->soon);
	free(sends);
}
