/* Turns a request's body into one JSON document or one plain text, by its content type. */
#include "json.h"
#include "mapping.h"
#include "mem.h"
#include "text.h"
#include <string.h>
#include <strings.h>

enum { FORM_FIELDS_MAX = 1000 };

/* Is this media type `name`, whatever its parameters and case? */
static bool is_type(const char *type, const char *name)
{
	size_t len = strlen(name);

	return strncasecmp(type, name, len) == 0 && (type[len] == '\0' || strchr("; \t", type[len]));
}

/* application/json and everything built on it, as application/cloudevents+json. */
static bool is_json(const char *type)
{
	size_t len = strcspn(type, "; \t");

	return is_type(type, "application/json") || is_type(type, "text/json") ||
	       (len > 5 && strncasecmp(type, "application/", 12) == 0 &&
		strncasecmp(type + len - 5, "+json", 5) == 0);
}

/* curl -d '{...}' names a form unless told otherwise; no form begins like that. */
static bool forgotten_type(const char *type, const char *body)
{
	return *body == '{' && is_type(type, "application/x-www-form-urlencoded");
}

/* No charset, or one whose bytes are UTF-8. */
static bool charset_allowed(const char *type)
{
	const char *charset = strcasestr(type, "charset=");
	size_t len;

	if (charset == NULL)
		return true;
	charset += 8;
	charset += *charset == '"';
	len = strcspn(charset, "\"; \t");
	return (len == 5 && strncasecmp(charset, "utf-8", 5) == 0) ||
	       (len == 4 && strncasecmp(charset, "utf8", 4) == 0) ||
	       (len == 8 && strncasecmp(charset, "us-ascii", 8) == 0);
}

/* NULL when a % is not followed by two digits or the result is not UTF-8 text. */
static const char *form_decode(struct arena *arena, const char *from, size_t len)
{
	char *text = arena_alloc(arena, len + 1);
	size_t out = 0;

	for (size_t i = 0; i < len; i++) {
		int high, low;

		if (from[i] != '%') {
			text[out++] = (char)(from[i] == '+' ? ' ' : from[i]);
			continue;
		}
		if (len - i < 3)
			return NULL;
		high = text_hex_digit(from[++i]);
		low = text_hex_digit(from[++i]);
		if (high < 0 || low < 0)
			return NULL;
		text[out++] = (char)(high << 4 | low);
	}
	return text_valid(text, out) ? text : NULL;
}

/* One "name=value"; false when it is malformed or repeats a name. */
static bool add_field(struct mapped *out, json_t *form, const char *field, size_t len)
{
	const char *equals = memchr(field, '=', len);
	size_t name_len = equals ? (size_t)(equals - field) : len;
	const char *name = form_decode(out->arena, field, name_len);
	const char *value = equals ? form_decode(out->arena, equals + 1, len - name_len - 1) : "";

	if (name == NULL || value == NULL || json_object_get(form, name))
		return false;
	return json_object_set_new(form, name, json_string(value)) == 0;
}

/* A flat object of texts. Senders that can't post JSON put the whole of it into the field "payload". */
static enum body_fault read_form(const char *body, size_t len, struct mapped *out, struct err *err)
{
	json_t *form = json_object();
	const char *payload;

	out->document = form;
	for (size_t at = 0; at < len;) {
		const char *end = memchr(body + at, '&', len - at);
		size_t field = end ? (size_t)(end - body) - at : len - at;

		if (json_object_size(form) >= FORM_FIELDS_MAX ||
		    (field && !add_field(out, form, body + at, field))) {
			err_set(err, ERR_REFUSED,
				"the form is malformed, repeats a field or has over %d of them",
				FORM_FIELDS_MAX);
			return BODY_SYNTAX;
		}
		at += field + 1;
	}
	payload = json_text(form, "payload");
	if (payload == NULL || *payload != '{')
		return BODY_OK;
	out->document = json_read(payload, strlen(payload), err);
	json_decref(form);
	return out->document ? BODY_OK : BODY_SYNTAX;
}

static enum body_fault read_plain(const char *body, size_t len, struct mapped *out, struct err *err)
{
	if (!text_valid(body, len)) {
		err_set(err, ERR_REFUSED, "the text is not UTF-8");
		return BODY_SYNTAX;
	}
	out->plain = arena_text_n(out->arena, body, len);
	return BODY_OK;
}

bool hook_type_read(const char *type)
{
	return is_json(type) || is_type(type, "application/x-www-form-urlencoded") ||
	       is_type(type, "text/plain");
}

enum body_fault hook_body_read(const char *type, const char *body, size_t len, struct mapped *out,
			       struct err *err)
{
	if (out->arena == NULL)
		out->arena = arena_create();
	if (type == NULL || *type == '\0' || is_json(type) || forgotten_type(type, body)) {
		out->document = json_read(body, len, err);
		return out->document ? BODY_OK : BODY_SYNTAX;
	}
	if (charset_allowed(type) && is_type(type, "application/x-www-form-urlencoded"))
		return read_form(body, len, out, err);
	if (charset_allowed(type) && is_type(type, "text/plain"))
		return read_plain(body, len, out, err);
	err_set(err, ERR_REFUSED,
		"send application/json, application/x-www-form-urlencoded or text/plain, in UTF-8");
	return BODY_TYPE;
}
