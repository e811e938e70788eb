/* The body of POST /api/{user_id}/chat. Pure. */
#ifndef USHER_API_CHAT_BODY_H
#define USHER_API_CHAT_BODY_H

#include "errors.h"
#include "json.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Strings are borrowed from `document`. */
struct chat_body {
	json_t *document;
	const char *message;
	int64_t conversation_id;       /* 0: not given as a number */
	const char *conversation_uuid; /* or NULL */
};

/* On false error_out and err (its sentence) say why. Call chat_body_finish in both cases. */
bool chat_body_read(const char *text, size_t len, struct chat_body *body_out, enum api_error *error_out,
		    struct err *err);
void chat_body_finish(struct chat_body *body);

/* "application/json", with parameters or a structured suffix (+json). */
bool chat_body_type(const char *content_type);

/* The value of an Idempotency-Key header, with or without its quotes: 1 to 255 printable ASCII characters.
 * Writes it without quotes to out. */
enum { CHAT_KEY_MAX = 255 };
bool chat_body_key(const char *header, char out[CHAT_KEY_MAX + 1]);

#endif
