/* Checks the body of a chat request, its media type and its Idempotency-Key. */
#include "chat_body.h"
#include "crypto.h"
#include "text.h"
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static bool fail(enum api_error error, enum api_error *error_out, struct err *err, const char *why)
{
	*error_out = error;
	return err_set(err, ERR_REFUSED, "%s", why ? why : error_text(error));
}

/* A number, a UUID, or a number as text (clients that keep ids as strings). null is as if it were missing. */
static bool read_conversation(const json_t *value, struct chat_body *body)
{
	const char *text = json_string_value(value);
	char *end;

	if (value == NULL || json_is_null(value))
		return true;
	if (json_is_integer(value)) {
		body->conversation_id = json_integer_value(value);
		return body->conversation_id > 0;
	}
	if (text == NULL)
		return false;
	if (crypto_uuid_valid(text)) {
		body->conversation_uuid = text;
		return true;
	}
	if (!isdigit((unsigned char)*text))
		return false;
	errno = 0;
	body->conversation_id = strtoll(text, &end, 10);
	return *end == '\0' && errno == 0 && body->conversation_id > 0;
}

bool chat_body_read(const char *text, size_t len, struct chat_body *body, enum api_error *error_out,
		    struct err *err)
{
	const json_t *message;

	*body = (struct chat_body){ 0 };
	*error_out = API_VALIDATION_FAILED;
	body->document = json_read(text, len, err);
	if (body->document == NULL)
		return false;
	if (!json_is_object(body->document))
		return fail(API_VALIDATION_FAILED, error_out, err, "the body must be a JSON object");
	message = json_object_get(body->document, "message");
	if (!json_is_string(message))
		return fail(API_VALIDATION_FAILED, error_out, err, "message must be a string");
	if (!read_conversation(json_object_get(body->document, "conversation_id"), body))
		return fail(API_VALIDATION_FAILED, error_out, err,
			    "conversation_id must be a positive integer or a UUID");
	body->message = json_string_value(message);
	if (json_string_length(message) > MESSAGE_TEXT_MAX)
		return fail(API_MESSAGE_TOO_LONG, error_out, err, NULL);
	if (text_blank(body->message))
		return fail(API_CONTENT_EMPTY, error_out, err, NULL);
	return true;
}

void chat_body_finish(struct chat_body *body)
{
	json_decref(body->document);
	*body = (struct chat_body){ 0 };
}

bool chat_body_type(const char *content_type)
{
	size_t len;

	if (content_type == NULL)
		return false;
	len = strcspn(content_type, "; \t");
	if (len == 16 && strncasecmp(content_type, "application/json", 16) == 0)
		return true;
	return len > 17 && strncasecmp(content_type, "application/", 12) == 0 &&
	       strncasecmp(content_type + len - 5, "+json", 5) == 0;
}

bool chat_body_key(const char *header, char out[CHAT_KEY_MAX + 1])
{
	size_t len = strlen(header);
	bool quoted = len >= 2 && header[0] == '"' && header[len - 1] == '"';

	if (quoted) {
		header++;
		len -= 2;
	}
	if (len < 1 || len > CHAT_KEY_MAX)
		return false;
	for (size_t i = 0; i < len; i++)
		if (header[i] < 0x20 || header[i] > 0x7e ||
		    (quoted && (header[i] == '"' || header[i] == '\\')))
			return false;
	memcpy(out, header, len);
	out[len] = '\0';
	return true;
}
