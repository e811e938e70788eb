/* The table of errors, and how a message's end without an answer is told. */
#include "errors.h"
#include "buf.h"
#include "json.h"
#include <string.h>

static const struct {
	int status;
	const char *code;
	const char *text;
} errors[API_ERRORS] = {
	[API_AUTH_FAILED] = { 401, "AUTH_FAILED", "Invalid or expired authentication token" },
	[API_AUTH_THROTTLED] = { 429, "RATE_LIMITED", "Too many failed authentications from this address" },
	[API_PROFILE_DISABLED] = { 403, "PROFILE_DISABLED", "This account is switched off" },
	[API_NOT_FOUND] = { 404, "NOT_FOUND", "nothing is here" },
	[API_CONVERSATION_NOT_FOUND] = { 404, "CONVERSATION_NOT_FOUND", "There is no such conversation" },
	[API_MESSAGE_NOT_FOUND] = { 404, "MESSAGE_NOT_FOUND", "There is no such message" },
	[API_IMPORT_NOT_FOUND] = { 404, "IMPORT_NOT_FOUND", "There is no such import" },
	[API_IMPORT_STATE] = { 409, "IMPORT_STATE", "The import is not in a state for this" },
	[API_TOO_MANY_UPLOADS] = { 503, "OVERLOADED", "Too many files are arriving; try again soon" },
	[API_CONVERSATION_ARCHIVED] = { 409, "CONVERSATION_ARCHIVED",
					"This conversation is archived and can only be read" },
	[API_VALIDATION_FAILED] = { 400, "VALIDATION_FAILED", "The request is not as documented" },
	[API_UNSUPPORTED_MEDIA_TYPE] = { 415, "UNSUPPORTED_MEDIA_TYPE",
					 "Send JSON: Content-Type: application/json" },
	[API_CONTENT_EMPTY] = { 422, "CONTENT_EMPTY", "The message is empty" },
	[API_MESSAGE_TOO_LONG] = { 413, "MESSAGE_TOO_LONG", "A message has at most 65536 bytes of UTF-8" },
	[API_IDEMPOTENCY_CONFLICT] = { 422, "IDEMPOTENCY_CONFLICT",
				       "This Idempotency-Key was used with another body" },
	[API_TOO_MANY_REQUESTS] = { 429, "RATE_LIMITED",
				    "Too many of your requests are waiting for an answer" },
	[API_TOO_MANY_MESSAGES] = { 429, "RATE_LIMITED", "You have sent too many messages" },
	[API_BUDGET_EXHAUSTED] = { 429, "BUDGET_EXHAUSTED", "Not enough is left of a budget" },
	[API_OVERLOADED] = { 503, "OVERLOADED", "Too much is waiting; nothing was accepted" },
	[API_STORE_UNAVAILABLE] = { 503, "STORE_UNAVAILABLE", "Nothing can be stored at the moment" },
	[API_SHUTTING_DOWN] = { 503, "SHUTTING_DOWN", "The service is being restarted" },
	[API_MODEL_UNAVAILABLE] = { 503, "MODEL_UNAVAILABLE", "The model can't be reached" },
	[API_MODEL_TIMEOUT] = { 504, "MODEL_TIMEOUT", "The model did not answer in time" },
	[API_MODEL_REFUSED] = { 502, "MODEL_REFUSED", "The model refused to answer" },
	[API_CONTEXT_OVERFLOW] = { 422, "CONTEXT_OVERFLOW", "The conversation does not fit the model" },
	[API_TOO_MANY_ROUNDS] = { 502, "TOO_MANY_ROUNDS", "The model asked for too many tool calls" },
	[API_ANSWER_FAILED] = { 500, "ANSWER_FAILED", "The message could not be answered" },
	[API_REFUSED] = { 403, "REFUSED", "The message was not allowed" },
	[API_QUARANTINED] = { 500, "QUARANTINED", "The message was set aside after repeated failures" },
	[API_INTERNAL] = { 500, "INTERNAL", "An internal error; it was logged" },
};

/* The core's short codes (ai.h); others are ANSWER_FAILED. */
static const struct {
	const char *reason;
	enum api_error error;
} reasons[] = {
	{ "model_unavailable", API_MODEL_UNAVAILABLE }, { "timeout", API_MODEL_TIMEOUT },
	{ "model_refused", API_MODEL_REFUSED },		{ "context_overflow", API_CONTEXT_OVERFLOW },
	{ "too_many_rounds", API_TOO_MANY_ROUNDS },	{ "model_auth", API_MODEL_UNAVAILABLE },
	{ "model_limited", API_MODEL_UNAVAILABLE },	{ "empty_answer", API_MODEL_UNAVAILABLE },
	{ "disabled", API_PROFILE_DISABLED },		{ "budget", API_BUDGET_EXHAUSTED },
	{ "limited", API_TOO_MANY_MESSAGES },
};

int error_status(enum api_error error)
{
	return errors[error].status;
}

const char *error_text(enum api_error error)
{
	return errors[error].text;
}

enum api_error error_of_end(enum message_state state, const char *reason)
{
	if (state == MESSAGE_QUARANTINED)
		return API_QUARANTINED;
	for (size_t i = 0; reason && i < sizeof(reasons) / sizeof(reasons[0]); i++)
		if (strcmp(reasons[i].reason, reason) == 0)
			return reasons[i].error;
	return state == MESSAGE_REFUSED || state == MESSAGE_IGNORED ? API_REFUSED : API_ANSWER_FAILED;
}

void error_print(struct buf *out, enum api_error error, const char *why)
{
	if (why == NULL || *why == '\0')
		why = errors[error].text;
	buf_text(out, "{\"code\":\"");
	buf_text(out, errors[error].code);
	buf_text(out, "\",\"message\":");
	json_quote(out, why, strlen(why));
	buf_text(out, "}");
}
