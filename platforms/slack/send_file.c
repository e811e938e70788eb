/* An answer that is a file (sheet 15.3): an address is asked for, the bytes go there, its id is made durable, and only then
 * it is put into the channel. Uploaded again nobody sees it; completed once more with the same id it is the same file, and
 * whether it stands there is what files.info says of its shares. So it is never posted twice. */
#include "mem.h"
#include "sending.h"
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { LOOKS_MAX = 6 /* attempts in which a share may still come */ };

static const char held_prefix[] = "file/";

void send_link(struct sending *sending, const char *why)
{
	char *words = message_file_words(sending->upload, why), **texts;
	size_t count = slack_split(sending->workspace, words, &texts);

	log_warn(sending->workspace->host->log, "a file is not sent, its link is: %s", why);
	free(words);
	free(sending->text);
	sending->text = message_first_part(texts, count); /* a line: it is one message */
	message_file_free(sending->upload);
	sending->upload = NULL;
}

void send_file(struct sending *sending, const struct outgoing *out)
{
	const char *held = out->remote_id;

	if (held && strncmp(held, held_prefix, strlen(held_prefix)) == 0) {
		sending->file_id = mem_text(held + strlen(held_prefix));
		send_step(sending, sending->unsure ? SEND_FILE_LOOK : SEND_FILE_COMPLETE);
	} else { /* what was not held was not completed */
		send_step(sending, SEND_FILE_ASK);
	}
}

/* The file, or the right to send files, is the matter: words may be taken. */
static bool file_refused(const struct slack_answer *answer)
{
	return slack_refused_feature(answer) ||
	       slack_refused_with(answer,
				  (const char *const[]){
					  "file_uploads_disabled", "file_type_not_allowed",
					  "file_upload_size_restricted", "storage_limit_reached",
					  "file_uploads_except_images_disabled", "posting_to_channel_denied",
					  "slack_connect_file_upload_sharing_blocked",
					  "slack_connect_blocked_file_type", "invalid_arguments", NULL });
}

static void become_link(struct sending *sending, const struct slack_answer *answer)
{
	unsigned retry_ms;
	struct err why;

	slack_outcome(answer, sending->workspace->app->app_id, &retry_ms, &why);
	log_warn(sending->workspace->host->log, "a file could not be sent: %s", why.text);
	send_link(sending, strcmp(answer->error ? answer->error : "", "missing_scope") == 0
				   ? "the app may not send files here"
				   : "Slack does not take it");
	send_post(sending);
}

/* ---- the upload: nobody sees anything of it ---------------------------------------------------------------- */

void start_file_ask(struct sending *sending)
{
	const struct outgoing_file *file = sending->upload;

	send_call(sending, "files.getUploadURLExternal",
		  json_pack("{s:s, s:I}", "filename", file->name, "length", (json_int_t)file->size), NULL);
}

void done_file_ask(struct sending *sending, const struct slack_answer *answer)
{
	const char *url = json_text(answer->body, "upload_url"), *id = json_text(answer->body, "file_id");

	if (answer->how == SLACK_OK && url && id && strlen(id) <= SLACK_ID_MAX) {
		free(sending->file_id);
		free(sending->file_url);
		sending->file_id = mem_text(id);
		sending->file_url = mem_text(url);
		send_step(sending, SEND_FILE_UPLOAD);
	} else if (answer->how == SLACK_OK) {
		send_tell(sending, SENT_NOT, 0, NULL, "the platform does not say where the file can go");
	} else if (file_refused(answer)) {
		become_link(sending, answer);
	} else {
		send_tell_outcome(sending, answer, SENT_NOT);
	}
}

void start_file_upload(struct sending *sending)
{
	sending->api = slack_upload(sending->workspace, sending->file_url, sending->upload, send_answered,
				    sending, sending->ticket);
}

void done_file_upload(struct sending *sending, const struct slack_answer *answer)
{
	if (answer->how == SLACK_OK)
		send_step(sending, SEND_FILE_HOLD);
	else if (answer->how == SLACK_REFUSED) /* the address ends after a while: the next one is a new one */
		send_tell(sending, SENT_NOT, 0, NULL, answer->error);
	else
		send_tell_outcome(sending, answer, SENT_NOT);
}

static char *remote_id(const struct sending *sending)
{
	return mem_format("%s%s", held_prefix, sending->file_id);
}

void start_file_hold(struct sending *sending)
{
	struct platform_host *host = sending->workspace->host;
	char *id = remote_id(sending);

	host->hold(host, sending->ticket, id);
	free(id);
}

void slack_held(struct platform *workspace, uint64_t ticket, const struct err *err)
{
	struct sending *sending;

	HASH_FIND(hh, workspace->sends->all, &ticket, sizeof(ticket), sending);
	if (sending == NULL || sending->step != SEND_FILE_HOLD)
		return;
	sending->unsure = false; /* this file has certainly not been completed */
	if (err->kind == ERR_NONE)
		send_step(sending, SEND_FILE_COMPLETE);
	else
		send_tell(sending, SENT_NOT, 0, NULL, err->text);
}

/* ---- into the channel ---------------------------------------------------------------------------------------- */

void start_file_complete(struct sending *sending)
{
	json_t *args = json_pack("{s:[{s:s, s:s}], s:s}", "files", "id", sending->file_id, "title",
				 sending->upload->name, "channel_id", sending->place.channel);

	if (sending->place.thread[0])
		json_object_set_new(args, "thread_ts", json_string(sending->place.thread));
	send_call(sending, "files.completeUploadExternal", args, sending->place.channel);
}

static void tell_accepted(struct sending *sending)
{
	char *id = remote_id(sending);

	send_tell(sending, SENT_ACCEPTED, 0, id, NULL);
	free(id);
}

/* An earlier completion may be under way still. */
static void look_later(struct sending *sending)
{
	if (sending->attempt < LOOKS_MAX)
		send_tell(sending, SENT_MAYBE, 0, NULL, "the file does not stand in the channel yet");
	else
		send_tell(sending, SENT_UNKNOWN, 0, NULL,
			  "it can't be found out whether the file came into the channel");
}

void done_file_complete(struct sending *sending, const struct slack_answer *answer)
{
	static const char *const gone[] = { "file_not_found", "invalid_file", NULL };

	if (answer->how == SLACK_OK) {
		tell_accepted(sending);
	} else if (slack_refused_with(answer, gone) && sending->unsure) {
		look_later(sending); /* it may have been completed just now */
	} else if (slack_refused_with(answer, gone) && sending->file_url == NULL) {
		send_step(sending, SEND_FILE_ASK); /* uploaded by an earlier attempt, too long ago */
	} else if (file_refused(answer)) {
		become_link(sending, answer);
	} else {
		send_tell_outcome(sending, answer, SENT_MAYBE);
	}
}

/* ---- whether it stands there --------------------------------------------------------------------------------- */

void start_file_look(struct sending *sending)
{
	send_call(sending, "files.info", json_pack("{s:s}", "file", sending->file_id), NULL);
}

static bool is_shared(const struct sending *sending, const json_t *body)
{
	const json_t *shares = json_object_get(json_object_get(body, "file"), "shares"), *kind;
	const char *name;

	json_object_foreach ((json_t *)(uintptr_t)shares, name, kind)
		if (json_array_size(json_object_get(kind, sending->place.channel)))
			return true;
	return false;
}

void done_file_look(struct sending *sending, const struct slack_answer *answer)
{
	static const char *const absent[] = { "file_not_found", NULL }, *const deleted[] = { "file_deleted",
											     NULL };

	if ((answer->how == SLACK_OK && is_shared(sending, answer->body)) ||
	    slack_refused_with(answer, deleted))
		tell_accepted(sending); /* who deleted it has seen it */
	else if (answer->how == SLACK_OK)
		look_later(sending);
	else if (slack_refused_with(answer, absent)) /* not completed yet, and that only happens once */
		send_step(sending, SEND_FILE_COMPLETE);
	else if (answer->how == SLACK_REFUSED)
		send_tell(sending, SENT_UNKNOWN, 0, NULL, answer->error);
	else
		send_tell_outcome(sending, answer, SENT_MAYBE);
}
