/* What an answer of the Bot API means (sheet 2.3, 2.4). */
#include "api_room.h"
#include "text.h"
#include <stdio.h>
#include <string.h>

/* By the description, which is not a stable contract: substrings, in any case of letters. */
static enum telegram_refusal telegram_refusal_of(int code, const char *description)
{
	static const struct {
		const char *words;
		enum telegram_refusal refusal;
	} table[] = {
		{ "message is not modified", TELEGRAM_NOT_MODIFIED },
		{ "message to edit not found", TELEGRAM_NO_MESSAGE },
		{ "message can't be edited", TELEGRAM_NO_MESSAGE },
		{ "message to delete not found", TELEGRAM_NO_MESSAGE },
		{ "message can't be deleted", TELEGRAM_NO_MESSAGE },
		{ "message_id_invalid", TELEGRAM_NO_MESSAGE },
		{ "message to be replied not found", TELEGRAM_NO_REPLY },
		{ "message to reply not found", TELEGRAM_NO_REPLY },
		{ "reply message not found", TELEGRAM_NO_REPLY },
		{ "replied message not found", TELEGRAM_NO_REPLY },
		{ "message thread not found", TELEGRAM_NO_TOPIC },
		{ "topic_deleted", TELEGRAM_NO_TOPIC },
		{ "topic_id_invalid", TELEGRAM_NO_TOPIC },
		{ "message is too long", TELEGRAM_TOO_LONG },
		{ "caption is too long", TELEGRAM_TOO_LONG },
		{ "text is too long", TELEGRAM_TOO_LONG },
		{ "can't parse entities", TELEGRAM_BAD_MARKUP },
		{ "upgraded to a supergroup", TELEGRAM_MOVED },
		{ "chat not found", TELEGRAM_CHAT_GONE },
		{ "bot was blocked by the user", TELEGRAM_CHAT_GONE },
		{ "user is deactivated", TELEGRAM_CHAT_GONE },
		{ "bot was kicked", TELEGRAM_CHAT_GONE },
		{ "bot is not a member", TELEGRAM_CHAT_GONE },
		{ "group chat was deleted", TELEGRAM_CHAT_GONE },
		{ "group chat is deactivated", TELEGRAM_CHAT_GONE },
		{ "bot can't initiate conversation", TELEGRAM_CHAT_GONE },
		{ "bot can't send messages to", TELEGRAM_CHAT_GONE },
		{ "peer_id_invalid", TELEGRAM_CHAT_GONE },
		{ "method not found", TELEGRAM_NO_METHOD },
		{ "file is too big", TELEGRAM_FILE },
		{ "request entity too large", TELEGRAM_FILE },
		{ "wrong file_id", TELEGRAM_FILE },
		{ "wrong file identifier", TELEGRAM_FILE },
		{ "invalid file_id", TELEGRAM_FILE },
		{ "file is temporarily unavailable", TELEGRAM_FILE },
	};

	if (code == 409)
		return TELEGRAM_CONFLICT;
	if (code == 413)
		return TELEGRAM_FILE;
	for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++)
		if (strcasestr(description, table[i].words) != NULL)
			return table[i].refusal;
	return code == 403 ? TELEGRAM_CHAT_GONE : TELEGRAM_OTHER;
}

/* Copies at most what fits. The part of a token behind its colon is the secret one, however the colon is written. */
static void explain(struct telegram_reading *reading, const char *text, const char *token)
{
	static const char mask[] = "[token]";
	const char *colon = token != NULL ? strchr(token, ':') : NULL;
	const char *secret = colon != NULL ? colon + 1 : token, *found;
	size_t len = 0, secret_len = secret != NULL ? strlen(secret) : 0, room = sizeof(reading->why) - 1;

	while (*text != '\0' && len < room) {
		const char *from = text;
		size_t part;

		found = secret_len > 0 ? strstr(text, secret) : NULL;
		part = found != NULL ? (size_t)(found - text) : strlen(text);
		text += part + (found != NULL ? secret_len : 0);
		if (part > room - len)
			part = text_fit(from, part, room - len);
		memcpy(reading->why + len, from, part);
		len += part;
		if (found == NULL)
			continue;
		if (len + sizeof(mask) - 1 > room)
			break; /* what stands before and behind it must not meet */
		memcpy(reading->why + len, mask, sizeof(mask) - 1);
		len += sizeof(mask) - 1;
	}
	reading->why[len] = '\0';
	reading->answer.why = reading->why;
}

static unsigned pause_of(const json_t *document, const struct http_answer *http)
{
	int64_t seconds = json_int(json_object_get(document, "parameters"), "retry_after", 0);
	int64_t ms = http->retry_after_ms > 0 ? http->retry_after_ms : API_RETRY_MS;

	if (seconds > 0)
		ms = seconds > API_RETRY_MAX_MS / 1000 ? API_RETRY_MAX_MS : seconds * 1000;
	return ms > API_RETRY_MAX_MS ? API_RETRY_MAX_MS : (unsigned)ms;
}

static enum telegram_how how_of(int code, const char *description)
{
	if (code == 429)
		return TELEGRAM_LIMITED;
	if (code == 401 || (code == 404 && strcasestr(description, "method not found") == NULL))
		return TELEGRAM_AUTH;
	if (code == 421)
		return TELEGRAM_NOT_SENT; /* turned away by a server that does not know the bot */
	return code >= 500 ? TELEGRAM_MAYBE : TELEGRAM_REFUSED;
}

/* {"ok":false,...} */
static void read_error(struct telegram_reading *reading, const struct http_answer *http, const char *token)
{
	struct telegram_answer *answer = &reading->answer;
	const char *description = json_text(reading->document, "description");
	int64_t code = json_int(reading->document, "error_code", http->status);

	answer->code = code >= 100 && code < 1000 ? (int)code : http->status;
	explain(reading, description != NULL ? description : "an error without a description", token);
	answer->how = how_of(answer->code, reading->why);
	if (answer->how == TELEGRAM_LIMITED)
		answer->retry_ms = pause_of(reading->document, http);
	if (answer->how != TELEGRAM_REFUSED)
		return;
	answer->refusal = telegram_refusal_of(answer->code, reading->why);
	answer->moved_to =
		json_int(json_object_get(reading->document, "parameters"), "migrate_to_chat_id", 0);
	if (answer->moved_to != 0)
		answer->refusal = TELEGRAM_MOVED;
	else if (answer->refusal == TELEGRAM_MOVED)
		answer->refusal = TELEGRAM_CHAT_GONE; /* and nobody knows where to */
}

/* A page of a proxy, of a hotel's network, of an outage: nobody knows what happened. */
static void read_strange(struct telegram_reading *reading, const struct http_answer *http)
{
	struct telegram_answer *answer = &reading->answer;

	snprintf(reading->why, sizeof(reading->why), "HTTP %d without an answer of the Bot API",
		 http->status);
	answer->why = reading->why;
	answer->how = TELEGRAM_MAYBE;
	if (http->status == 429) {
		answer->how = TELEGRAM_LIMITED;
		answer->retry_ms = pause_of(NULL, http);
	} else if (http->status == 413) {
		answer->how = TELEGRAM_REFUSED;
		answer->refusal = TELEGRAM_FILE;
	} else if (http->status == 200 && reading->document == NULL) {
		answer->unread = http->body;
	}
}

void telegram_reading_begin(struct telegram_reading *reading_out, const struct http_answer *http,
			    const char *token)
{
	struct telegram_answer *answer = &reading_out->answer;
	const json_t *ok, *result;

	*reading_out = (struct telegram_reading){ .answer = { .code = http->status } };
	if (http->how != HTTP_ANSWERED) {
		answer->how = http->how == HTTP_NOT_SENT ? TELEGRAM_NOT_SENT : TELEGRAM_MAYBE;
		answer->too_large = http->too_large;
		explain(reading_out, http->err.text, token);
		return;
	}
	reading_out->document = json_read(http->body, http->len, NULL);
	ok = json_object_get(reading_out->document, "ok");
	result = json_object_get(reading_out->document, "result");
	if (json_is_false(ok)) {
		read_error(reading_out, http, token);
	} else if (json_is_true(ok) && result != NULL && http->status < 300) {
		answer->how = TELEGRAM_OK;
		answer->result = result;
	} else {
		read_strange(reading_out, http);
	}
}

void telegram_reading_finish(struct telegram_reading *reading)
{
	json_decref(reading->document);
	reading->document = NULL;
}
