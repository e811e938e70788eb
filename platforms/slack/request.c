/* Turns a request's body into one payload, by its content type and its fields. */
#include "request.h"
#include "buf.h"
#include "mem.h"
#include "text.h"
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* ---- forms --------------------------------------------------------------------------------------------- */

/* Decodes in place of a copy, since encoded NULs and broken escapes must be seen. -1: malformed. */
static long form_decode(char *to, const char *from, size_t len)
{
	size_t out = 0;

	for (size_t i = 0; i < len; i++) {
		int high, low;

		if (from[i] != '%') {
			to[out++] = (char)(from[i] == '+' ? ' ' : from[i]);
			continue;
		}
		high = len - i > 2 ? text_hex_digit(from[i + 1]) : -1;
		low = len - i > 2 ? text_hex_digit(from[i + 2]) : -1;
		if (high < 0 || low < 0)
			return -1;
		to[out++] = (char)(high << 4 | low);
		i += 2;
	}
	return text_valid(to, out) ? (long)out : -1;
}

/* One "name=value"; space has room for both, decoded. */
static bool add_field(json_t *form, const char *field, size_t len, char *space)
{
	const char *equals = memchr(field, '=', len);
	size_t name_len = equals ? (size_t)(equals - field) : len;
	long name = form_decode(space, field, name_len), value = 0;
	char *text = space + name_len + 1;

	if (name <= 0)
		return false;
	space[name] = '\0';
	if (equals != NULL)
		value = form_decode(text, equals + 1, len - name_len - 1);
	if (value < 0 || json_object_get(form, space) != NULL)
		return false;
	return json_object_set_new(form, space, json_stringn(text, (size_t)value)) == 0;
}

json_t *slack_form_read(const char *body, size_t len, struct err *err)
{
	json_t *form = json_object();
	char *space = mem_alloc(len + 2);

	for (size_t at = 0; at < len && form != NULL;) {
		const char *end = memchr(body + at, '&', len - at);
		size_t field = end ? (size_t)(end - body) - at : len - at;

		if (json_object_size(form) >= SLACK_FORM_FIELDS_MAX ||
		    (field > 0 && !add_field(form, body + at, field, space))) {
			err_set(err, ERR_REFUSED, "the form is malformed, repeats a field or has over %d",
				SLACK_FORM_FIELDS_MAX);
			json_decref(form);
			form = NULL;
		}
		at += field + 1;
	}
	free(space);
	return form;
}

/* ---- requests ------------------------------------------------------------------------------------------ */

static bool is_type(const char *type, const char *name)
{
	size_t len = strlen(name);

	return strncasecmp(type, name, len) == 0 && (type[len] == '\0' || strchr("; \t", type[len]) != NULL);
}

static json_t *read_object(const char *text, size_t len, struct err *err)
{
	json_t *value = json_read(text, len, err);

	if (value != NULL && !json_is_object(value)) {
		err_set(err, ERR_REFUSED, "the JSON is not an object");
		json_decref(value);
		return NULL;
	}
	return value;
}

static enum slack_request_kind malformed(json_t *payload, struct err *err, const char *why)
{
	json_decref(payload);
	err_set(err, ERR_REFUSED, "%s", why);
	return SLACK_REQUEST_MALFORMED;
}

static enum slack_request_kind read_json(const char *body, size_t len, json_t **payload_out, struct err *err)
{
	json_t *payload = read_object(body, len, err);
	const char *type = json_text(payload, "type"), *challenge = json_text(payload, "challenge");

	if (payload == NULL)
		return SLACK_REQUEST_MALFORMED;
	if (type == NULL)
		return malformed(payload, err, "the event has no type");
	if (strcmp(type, "url_verification") != 0) {
		*payload_out = payload;
		return SLACK_REQUEST_EVENT;
	}
	if (challenge == NULL || *challenge == '\0' || strlen(challenge) > SLACK_CHALLENGE_MAX)
		return malformed(payload, err, "url_verification without a challenge of usual length");
	*payload_out = payload;
	return SLACK_REQUEST_CHALLENGE;
}

static enum slack_request_kind read_form(const char *body, size_t len, json_t **payload_out, struct err *err)
{
	json_t *form = slack_form_read(body, len, err);
	const char *payload = json_text(form, "payload");

	if (form == NULL)
		return SLACK_REQUEST_MALFORMED;
	if (payload != NULL) {
		*payload_out = read_object(payload, strlen(payload), err);
		json_decref(form);
		return *payload_out != NULL ? SLACK_REQUEST_INTERACTIVE : SLACK_REQUEST_MALFORMED;
	}
	if (json_text(form, "command") != NULL) {
		*payload_out = form;
		return SLACK_REQUEST_COMMAND;
	}
	if (json_text(form, "ssl_check") == NULL)
		return malformed(form, err, "the form has neither payload nor command");
	json_decref(form);
	return SLACK_REQUEST_PROBE;
}

enum slack_request_kind slack_request_read(const char *type, const char *body, size_t len,
					   json_t **payload_out, struct err *err)
{
	*payload_out = NULL;
	if (type != NULL && is_type(type, "application/json"))
		return read_json(body, len, payload_out, err);
	if (type != NULL && is_type(type, "application/x-www-form-urlencoded"))
		return read_form(body, len, payload_out, err);
	return SLACK_REQUEST_TYPE;
}
