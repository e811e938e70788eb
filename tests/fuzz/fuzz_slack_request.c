/* rooms: base io markup slack */
/* Any request over HTTP: nothing forged passes, what we sign ourselves does, and every body is read or refused. */
#include "buf.h"
#include "mem.h"
#include "request.h"
#include "slack_room.h"
#include "url.h"
#include "verify.h"
#include <stdlib.h>
#include <string.h>

enum { FIELDS = 4, NOW = 1767323045 };

static const char secret[] = "8f742231b10e8888abcd99yyyzzz85a5";

static void must(bool holds)
{
	if (!holds)
		abort();
}

/* What was read as a form, written again, is read as the same. */
static void check_form(const char *body, size_t len)
{
	json_t *form = slack_form_read(body, len, NULL), *again;
	struct buf text = { 0 };
	const char *name;
	json_t *value;

	if (form == NULL)
		return;
	must(json_object_size(form) <= SLACK_FORM_FIELDS_MAX);
	json_object_foreach (form, name, value) {
		buf_text(&text, text.len > 0 ? "&" : "");
		url_add_encoded(&text, name);
		buf_text(&text, "=");
		url_add_encoded(&text, json_string_value(value));
	}
	again = slack_form_read(buf_str(&text), text.len, NULL);
	must(again != NULL && json_equal(form, again));
	json_decref(again);
	json_decref(form);
	buf_free(&text);
}

static void check_body(const char *type, const char *body, size_t len)
{
	struct err err = { 0 };
	json_t *payload;
	enum slack_request_kind kind = slack_request_read(type, body, len, &payload, &err);

	must((kind <= SLACK_REQUEST_CHALLENGE) == (payload != NULL));
	must((kind == SLACK_REQUEST_MALFORMED) == (err.kind != ERR_NONE));
	must(payload == NULL || json_is_object(payload));
	if (kind == SLACK_REQUEST_CHALLENGE)
		must(strlen(json_text(payload, "challenge")) <= SLACK_CHALLENGE_MAX);
	json_decref(payload);
}

/* Lines: timestamp, signature, content type, and the rest is the body. The second also serves as an address. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct slack_config config = { .api_base = "https://slack.com/api" };
	char *text = mem_text_n((const char *)data, size), *fields[FIELDS] = { text, text, text, text };
	char signature[SLACK_VERIFY_SIGNATURE_LEN + 1], *body;
	enum slack_verified result;
	size_t len;

	for (int i = 1; i < FIELDS; i++) {
		char *end = strchr(fields[i - 1], '\n');

		fields[i] = end ? end + 1 : text + strlen(text);
		if (end)
			*end = '\0';
	}
	len = size - (size_t)(fields[3] - text);
	body = mem_copy(fields[3], len);
	must(slack_verify(secret, fields[0], fields[1], body, len, NOW) != SLACK_GENUINE);
	slack_sign(secret, fields[0], body, len, signature);
	result = slack_verify(secret, fields[0], signature, body, len, NOW);
	must(result == SLACK_GENUINE || result == SLACK_OUT_OF_TIME || result == SLACK_MALFORMED);
	slack_sign(secret, "1767323045", body, len, signature);
	must(slack_verify(secret, "1767323045", signature, body, len, NOW) == SLACK_GENUINE);
	if (slack_url_ours(&config, fields[1]))
		must(strncasecmp(fields[1], "https://", 8) == 0 && strpbrk(fields[1], "\\ \t") == NULL);
	check_form(body, len);
	check_body(fields[2], body, len);
	check_body("application/json", body, len);
	check_body("application/x-www-form-urlencoded", body, len);
	free(body);
	free(text);
	return 0;
}
