/* The calls that bring one answer to its place: a table of steps, each one call. A call that posts is made again only
 * when it was refused; an edit may be made as often as one likes. */
#include "mem.h"
#include "sending.h"
#include "text.h"
#include <stdlib.h>
#include <string.h>

#define FILE_NAME "answer.md"
#define FILE_TYPE "text/markdown; charset=utf-8"
#define CAPTION	  "The answer is long: this is all of it."

enum { WAIT_MS = 30000 };

static void answered(struct platform *bot, void *owner, uint64_t ticket,
		     const struct telegram_answer *answer);

static void call(struct sending *sending, struct telegram_call *call)
{
	call->chat = sending->chat;
	call->group = !sending->place.private;
	call->wait_ms = WAIT_MS;
	sending->api = telegram_api(sending->bot, call, answered, sending, sending->ticket);
}

static json_t *arguments(const struct sending *sending)
{
	return json_pack("{s:I, s:{s:b}}", "chat_id", (json_int_t)sending->chat, "link_preview_options",
			 "is_disabled", 1);
}

/* Only what begins an answer in a group says what it answers; in private there is nothing to mistake. */
static json_t *new_message(const struct sending *sending)
{
	const struct telegram_place *place = &sending->place;
	json_t *args = arguments(sending);

	if (place->topic && !sending->no_topic)
		json_object_set_new(args, "message_thread_id", json_integer(place->topic));
	if (place->group && place->message && sending->part == 0 && !sending->no_reply)
		json_object_set_new(args, "reply_parameters",
				    json_pack("{s:I, s:b}", "message_id", (json_int_t)place->message,
					      "allow_sending_without_reply", 1));
	return args;
}

/* What was refused may be taken with less, or elsewhere; a group that became another one has other messages. */
static bool adapted(struct sending *sending, const struct telegram_answer *answer)
{
	if (telegram_refused(answer, TELEGRAM_NO_TOPIC) && sending->place.topic && !sending->no_topic) {
		sending->no_topic = true;
	} else if (telegram_refused(answer, TELEGRAM_NO_REPLY) && !sending->no_reply) {
		sending->no_reply = true;
	} else if (telegram_refused(answer, TELEGRAM_MOVED) && answer->moved_to && !sending->moved) {
		sending->moved = sending->no_reply = true;
		sending->chat = sending->place.chat = answer->moved_to;
	} else {
		return false;
	}
	return true;
}

static int64_t message_of(const struct telegram_answer *answer)
{
	int64_t message = json_int(answer->result, "message_id", 0);

	return message > 0 ? message : 0;
}

/* ---- what stands for the answer ------------------------------------------------------------------------------ */

void send_found(struct sending *sending, int64_t chat, int64_t message)
{
	sending->chat = message ? chat : sending->place.chat;
	sending->message = message;
	if (message == 0)
		telegram_send_step(sending, SEND_PLACE);
	else
		telegram_send_step(sending, sending->held ? SEND_EDIT : SEND_HOLD);
}

static void start_place(struct sending *sending)
{
	json_t *args = new_message(sending);

	json_object_set_new(args, "text", json_string(TELEGRAM_PLACEHOLDER));
	call(sending, &(struct telegram_call){ .method = "sendMessage", .args = args });
}

static void done_place(struct sending *sending, const struct telegram_answer *answer)
{
	if (answer->how != TELEGRAM_OK) {
		if (adapted(sending, answer))
			telegram_send_step(sending, SEND_PLACE);
		else
			telegram_send_tell_outcome(sending, answer);
		return;
	}
	sending->message = sending->made = message_of(answer);
	sending->places++;
	if (sending->message)
		telegram_send_step(sending, SEND_HOLD);
	else
		telegram_send_tell(sending, SENT_MAYBE, 0, NULL,
				   "the platform does not say what became of it");
}

static void ignore(struct platform *bot, void *owner, uint64_t ticket, const struct telegram_answer *answer)
{
	(void)bot;
	(void)owner;
	(void)ticket;
	(void)answer;
}

void send_take_back(struct sending *sending)
{
	json_t *args = json_pack("{s:I, s:I}", "chat_id", (json_int_t)sending->chat, "message_id",
				 (json_int_t)sending->made);
	struct telegram_call call = { .method = "deleteMessage",
				      .args = args,
				      .chat = sending->chat,
				      .group = !sending->place.private };

	if (sending->made)
		telegram_api(sending->bot, &call, ignore, NULL, 0);
	else
		json_decref(args);
	sending->made = 0;
}

static bool is_file(const struct sending *sending)
{
	return sending->file || sending->upload;
}

static void start_hold(struct sending *sending)
{
	struct platform_host *host = sending->bot->host;
	char *remote_id = is_file(sending) ? mem_text(SENDING_UPLOAD)
					   : telegram_remote_id(sending->chat, sending->message);

	host->hold(host, sending->ticket, remote_id);
	free(remote_id);
}

void send_held(struct sending *sending)
{
	sending->made = 0;
	sending->held = true;
	if (is_file(sending))
		sending->chat = sending->place.chat;
	telegram_send_step(sending, is_file(sending) ? SEND_UPLOAD : SEND_EDIT);
}

/* ---- buttons ------------------------------------------------------------------------------------------------- */

/* callback_data of at most 64 bytes (sheet 6.10); two in a row. */
static void add_choices(const struct sending *sending, json_t *args)
{
	json_t *list = sending->choices ? json_read(sending->choices, strlen(sending->choices), NULL) : NULL;
	json_t *rows = json_array(), *choice;
	size_t i;

	json_array_foreach (list, i, choice) {
		json_t *button = json_pack("{s:s, s:s+}", "text", json_text(choice, "label"), "callback_data",
					   TELEGRAM_PRESS_SAY, json_text(choice, "command"));

		if (i % 2 == 0)
			json_array_append_new(rows, json_array());
		json_array_append_new(json_array_get(rows, i / 2), button);
	}
	if (json_array_size(rows))
		json_object_set_new(args, "reply_markup", json_pack("{s:O}", "inline_keyboard", rows));
	json_decref(rows);
	json_decref(list);
}

/* ---- the text ------------------------------------------------------------------------------------------------- */

static void start_edit(struct sending *sending)
{
	json_t *args = arguments(sending);

	json_object_set_new(args, "message_id", json_integer(sending->message));
	json_object_set_new(args, "text", json_string(sending->text));
	if (!sending->plain)
		json_object_set_new(args, "parse_mode", json_string("HTML"));
	add_choices(sending, args);
	call(sending, &(struct telegram_call){ .method = "editMessageText", .args = args });
}

static void begin_anew(struct sending *sending)
{
	sending->held = false;
	if (sending->places < SEND_PLACES_MAX)
		send_found(sending, 0, 0);
	else
		telegram_send_tell(sending, SENT_NOT, 0, NULL,
				   "what stands for the answer is deleted again and again");
}

static void without_form(struct sending *sending)
{
	char *plain = telegram_plain(sending->text);

	free(sending->text);
	sending->text = plain;
	sending->plain = true;
}

static void done_edit(struct sending *sending, const struct telegram_answer *answer)
{
	const struct log *log = sending->bot->host->log;

	if (answer->how == TELEGRAM_OK || telegram_refused(answer, TELEGRAM_NOT_MODIFIED)) {
		telegram_send_tell_accepted(sending, sending->message);
	} else if (telegram_refused(answer, TELEGRAM_BAD_MARKUP) && !sending->plain) {
		log_warn(log, "a part goes out without its form: %s", answer->why);
		without_form(sending);
		telegram_send_step(sending, SEND_EDIT);
	} else if (telegram_refused(answer, TELEGRAM_NO_MESSAGE) || adapted(sending, answer)) {
		log_info(log, "what stood for the answer is gone (%s): it is posted anew", answer->why);
		begin_anew(sending);
	} else {
		telegram_send_tell_outcome(sending, answer);
	}
}

/* ---- the file -------------------------------------------------------------------------------------------------- */

static void start_upload(struct sending *sending)
{
	const struct outgoing_file *upload = sending->upload;
	json_t *args = new_message(sending);

	json_object_del(args, "link_preview_options");
	if (upload) /* or a GIF would become an animation, a picture lose its form */
		json_object_set_new(args, "disable_content_type_detection", json_true());
	else
		json_object_set_new(args, "caption", json_string(CAPTION));
	add_choices(sending, args);
	if (upload) {
		call(sending, &(struct telegram_call){ .method = "sendDocument",
						       .args = args,
						       .file_path = upload->path,
						       .file_name = upload->name,
						       .file_type = upload->mime });
		return;
	}
	call(sending, &(struct telegram_call){ .method = "sendDocument",
					       .args = args,
					       .file = sending->file,
					       .file_len = strlen(sending->file),
					       .file_name = FILE_NAME,
					       .file_type = FILE_TYPE });
}

static void becomes_link(struct sending *sending, const char *why)
{
	telegram_send_link(sending, why);
	sending->held = false;
	send_found(sending, 0, 0);
}

/* The file is the matter, or the right to send files there: its link may be taken. */
static bool file_refused(const struct sending *sending, const struct telegram_answer *answer)
{
	return sending->upload && answer->how == TELEGRAM_REFUSED && answer->refusal != TELEGRAM_CHAT_GONE &&
	       answer->refusal != TELEGRAM_CONFLICT;
}

/* It has no message that it could be put into again: what may have arrived is not repeated. */
static void done_upload(struct sending *sending, const struct telegram_answer *answer)
{
	unsigned retry_ms;
	struct err why;
	enum sent how = telegram_outcome(answer, &retry_ms, &why);

	if (answer->how == TELEGRAM_OK)
		telegram_send_tell_accepted(sending, message_of(answer));
	else if (adapted(sending, answer))
		telegram_send_step(sending, SEND_UPLOAD);
	else if (file_refused(sending, answer))
		becomes_link(sending, why.text);
	else if (how == SENT_MAYBE)
		telegram_send_tell(sending, SENT_UNKNOWN, 0, NULL, why.text);
	else
		telegram_send_tell(sending, how, retry_ms, SENDING_NOTHING, why.text);
}

/* ---- what was sent is brought up to date -------------------------------------------------------------------------- */

/* Without a keyboard in the call the one that stands there goes. */
static void start_settle(struct sending *sending)
{
	json_t *args =
		sending->bare ? json_pack("{s:I}", "chat_id", (json_int_t)sending->chat) : arguments(sending);

	json_object_set_new(args, "message_id", json_integer(sending->message));
	if (!sending->bare)
		json_object_set_new(args, "text", json_string(sending->text));
	if (!sending->bare && !sending->plain)
		json_object_set_new(args, "parse_mode", json_string("HTML"));
	add_choices(sending, args);
	call(sending,
	     &(struct telegram_call){ .method = sending->bare ? "editMessageReplyMarkup" : "editMessageText",
				      .args = args });
}

static void done_settle(struct sending *sending, const struct telegram_answer *answer)
{
	if (answer->how == TELEGRAM_OK || telegram_refused(answer, TELEGRAM_NOT_MODIFIED)) {
		telegram_send_tell_accepted(sending, 0);
	} else if (telegram_refused(answer, TELEGRAM_BAD_MARKUP) && !sending->plain) {
		without_form(sending);
		telegram_send_step(sending, SEND_SETTLE);
	} else if (telegram_refused(answer, TELEGRAM_TOO_LONG) && !sending->bare) {
		sending->bare = true;
		telegram_send_step(sending, SEND_SETTLE);
	} else if (telegram_refused(answer, TELEGRAM_NO_MESSAGE)) {
		telegram_send_tell(sending, SENT_REJECTED, 0, NULL, "the message is gone");
	} else {
		telegram_send_tell_outcome(sending, answer);
	}
}

/* ---- who pressed somebody else's button ------------------------------------------------------------------------------ */

static void start_refuse(struct sending *sending)
{
	enum { ALERT_MAX = 200 };
	char *plain = sending->plain ? mem_text(sending->text) : telegram_plain(sending->text);
	json_t *args = json_pack("{s:s, s:b}", "callback_query_id", sending->place.press, "show_alert", 1);

	plain[text_fit(plain, strlen(plain), ALERT_MAX)] = '\0';
	json_object_set_new(args, "text", json_string(plain));
	free(plain);
	telegram_press_over(sending->bot, sending->place.press, false);
	sending->chat = sending->place.chat;
	call(sending, &(struct telegram_call){ .method = "answerCallbackQuery", .args = args });
}

/* Nobody looks at a button any more that was pressed long ago, and the others need not see it at all. */
static void done_refuse(struct sending *sending, const struct telegram_answer *answer)
{
	if (answer->how == TELEGRAM_OK || answer->how == TELEGRAM_REFUSED)
		telegram_send_tell_accepted(sending, 0);
	else
		telegram_send_tell_outcome(sending, answer);
}

/* ---- steps ------------------------------------------------------------------------------------------------------ */

static const struct {
	void (*start)(struct sending *sending);
	void (*done)(struct sending *sending, const struct telegram_answer *answer);
} steps[] = {
	[SEND_PLACE] = { start_place, done_place },    [SEND_HOLD] = { start_hold, NULL }, /* telegram_held */
	[SEND_EDIT] = { start_edit, done_edit },       [SEND_UPLOAD] = { start_upload, done_upload },
	[SEND_REFUSE] = { start_refuse, done_refuse }, [SEND_SETTLE] = { start_settle, done_settle },
};

void telegram_send_step(struct sending *sending, enum telegram_send_step step)
{
	sending->step = step;
	steps[step].start(sending);
}

static void answered(struct platform *bot, void *owner, uint64_t ticket, const struct telegram_answer *answer)
{
	struct sending *sending = owner;

	(void)bot;
	(void)ticket;
	sending->api = 0;
	steps[sending->step].done(sending, answer);
}
