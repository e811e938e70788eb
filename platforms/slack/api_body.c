/* Writes what a request carries: its arguments, and who asks. */
#include "api_room.h"
#include "crypto.h"
#include "mem.h"
#include "request.h"
#include "url.h"
#include <stdlib.h>
#include <string.h>

static char *form_value(const json_t *value)
{
	if (json_is_string(value))
		return mem_text(json_string_value(value));
	return json_write(value); /* numbers, true and false are written alike in both */
}

static void write_form(struct buf *out, const json_t *args)
{
	const char *name;
	json_t *value;

	json_object_foreach ((json_t *)(uintptr_t)args, name, value) {
		char *text;

		if (json_is_null(value))
			continue;
		text = form_value(value);
		if (out->len > 0)
			buf_text(out, "&");
		url_add_encoded(out, name);
		buf_text(out, "=");
		url_add_encoded(out, text);
		free(text);
	}
}

void slack_body_write(struct buf *out, enum slack_body body, const json_t *args)
{
	char *text;

	if (args == NULL && body == SLACK_JSON) {
		buf_text(out, "{}");
	} else if (body == SLACK_JSON) {
		text = json_write(args);
		buf_text(out, text);
		free(text);
	} else if (args != NULL) {
		write_form(out, args);
	}
}

static bool fits_a_header(const char *text)
{
	for (; *text != '\0'; text++)
		if ((unsigned char)*text <= ' ' || (unsigned char)*text >= 0x7f)
			return false;
	return true;
}

char *slack_authorization(const char *token, const char *basic)
{
	char *encoded, *header;
	size_t len;

	if (basic == NULL)
		return *token != '\0' && fits_a_header(token) ? mem_format("authorization: Bearer %s", token)
							      : NULL;
	len = strlen(basic);
	encoded = mem_alloc(4 * ((len + 2) / 3) + 1);
	crypto_base64(basic, len, encoded);
	header = mem_format("authorization: Basic %s", encoded);
	free(encoded);
	return header;
}
