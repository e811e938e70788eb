/* Every error a client can get: status, code and sentence in one table (docs/chat-endpoint.md shows the
 * same). */
#ifndef USHER_API_ERRORS_H
#define USHER_API_ERRORS_H

#include "message.h"

struct buf;

enum api_error {
	API_AUTH_FAILED,
	API_AUTH_THROTTLED,
	API_PROFILE_DISABLED,
	API_NOT_FOUND,
	API_CONVERSATION_NOT_FOUND,
	API_MESSAGE_NOT_FOUND,
	API_IMPORT_NOT_FOUND,
	API_IMPORT_STATE,
	API_TOO_MANY_UPLOADS,
	API_CONVERSATION_ARCHIVED,
	API_VALIDATION_FAILED,
	API_UNSUPPORTED_MEDIA_TYPE,
	API_CONTENT_EMPTY,
	API_MESSAGE_TOO_LONG,
	API_IDEMPOTENCY_CONFLICT,
	API_TOO_MANY_REQUESTS,
	API_TOO_MANY_MESSAGES,
	API_BUDGET_EXHAUSTED,
	API_OVERLOADED,
	API_STORE_UNAVAILABLE,
	API_SHUTTING_DOWN,
	API_MODEL_UNAVAILABLE,
	API_MODEL_TIMEOUT,
	API_MODEL_REFUSED,
	API_CONTEXT_OVERFLOW,
	API_TOO_MANY_ROUNDS,
	API_ANSWER_FAILED,
	API_REFUSED,
	API_QUARANTINED,
	API_INTERNAL,
	API_ERRORS
};

int error_status(enum api_error error);
const char *error_text(enum api_error error);

/* The error that a message which ended without an answer is shown as; reason is the core's short code or
 * NULL. */
enum api_error error_of_end(enum message_state state, const char *reason);

/* Appends {"code":"...","message":"..."}; why NULL: the table's sentence. */
void error_print(struct buf *out, enum api_error error, const char *why);

#endif
