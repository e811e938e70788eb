/* What a status of HTTP means for an MCP client, and the cure in words (sheet 5, 7). */
#include "mem.h"
#include "text.h"
#include "url.h"
#include "wire_http_room.h"
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { SAID_MAX = 120, BODY_LOOK_MAX = 4096 };

bool status_header_fits(const char *value)
{
	size_t len = strlen(value);

	for (size_t i = 0; i < len; i++)
		if (value[i] <= ' ' || value[i] > '~')
			return false;
	return len > 0 && len <= HTTP_ID_MAX;
}

static bool is_type(const char *type, size_t len, const char *wanted)
{
	return len == strlen(wanted) && strncasecmp(type, wanted, len) == 0;
}

enum exchange_body status_body(const char *type)
{
	size_t len;

	type += strspn(type, " \t");
	len = strcspn(type, "; \t,");
	if (is_type(type, len, "application/json"))
		return BODY_JSON;
	return is_type(type, len, "text/event-stream") ? BODY_EVENTS : BODY_OTHER;
}

/* The message of a JSON-RPC error in the body, as part of a sentence; "" when there is none. The caller frees. */
static char *server_says(const struct status_said *said)
{
	json_t *body = status_body(said->type) == BODY_JSON ? json_read(said->body, said->len, NULL) : NULL;
	const json_t *error = json_object_get(body, "error");
	const char *message = json_is_string(error) ? json_string_value(error) : json_text(error, "message");
	char *clean = log_clean(message ? message : ""), *line = text_one_line(clean);
	char *out = *line ? mem_format(": \"%.*s\"", (int)text_fit(line, strlen(line), SAID_MAX), line)
			  : mem_text("");

	free(clean);
	free(line);
	json_decref(body);
	return out;
}

/* Some servers answer 400 for a session that is gone. */
static bool speaks_of_session(const struct status_said *said)
{
	char *text = mem_text_n(said->body, said->len < BODY_LOOK_MAX ? said->len : BODY_LOOK_MAX);
	bool found = strcasestr(text, "session") != NULL;

	free(text);
	return found;
}

static enum status_means unauthorized(const struct status_said *said, struct err *err)
{
	bool oauth = said->challenge && strcasestr(said->challenge, "resource_metadata");

	if (said->token)
		err_set(err, ERR_REFUSED,
			"it does not accept the token (401): it has expired or is not meant for this server; "
			"set token "
			"anew");
	else if (oauth)
		err_set(err, ERR_REFUSED,
			"it wants a token by OAuth (401), which takes a person and a browser: get one from "
			"its operator "
			"and set token");
	else
		err_set(err, ERR_REFUSED, "it wants credentials (401): set token, or a header by headers");
	return STATUS_REFUSED;
}

/* What is forbidden for one request does not end the others. */
static enum status_means forbidden(const struct status_said *said, const char *says, struct err *err)
{
	bool scope = said->challenge && strcasestr(said->challenge, "insufficient_scope");

	if (scope)
		err_set(err, ERR_REFUSED,
			"the token lacks a right (403 insufficient_scope): get one with more rights and set "
			"token");
	else
		err_set(err, ERR_REFUSED, "it forbids this (403)%s: look at token and at its list of callers",
			says);
	return said->initialize ? STATUS_REFUSED : STATUS_LOST;
}

static enum status_means redirected(const struct status_said *said, struct err *err)
{
	struct url url;

	if (said->location && url_read(said->location, &url))
		err_set(err, ERR_REFUSED,
			"it redirects (%d) to %s://%s: redirects are not followed, set url to where it leads",
			said->status, url.scheme, url.host);
	else
		err_set(err, ERR_REFUSED, "it redirects (%d): redirects are not followed, correct url",
			said->status);
	return STATUS_REFUSED;
}

static enum status_means other(const struct status_said *said, const char *says, struct err *err)
{
	int status = said->status;

	if (status == 429 || status == 503)
		err_set(err, ERR_AGAIN, "it is overloaded (%d)%s", status, says);
	else if (status == 413)
		err_set(err, ERR_REFUSED, "the request is too large for it (413)%s", says);
	else if (status >= 400 && status < 500)
		err_set(err, ERR_REFUSED, "it refused the request (%d)%s", status, says);
	else
		err_set(err, ERR_UNSURE, "it failed (%d)%s", status, says);
	return STATUS_LOST;
}

static enum status_means judge(const struct status_said *said, const char *says, struct err *err)
{
	int status = said->status;

	if (status == 401)
		return unauthorized(said, err);
	if (status == 403)
		return forbidden(said, says, err);
	if (status >= 300 && status < 400)
		return redirected(said, err);
	if (said->session && (status == 404 || (status == 400 && speaks_of_session(said)))) {
		err_set(err, ERR_AGAIN, "it has forgotten the session (%d)%s", status, says);
		return STATUS_EXPIRED;
	}
	other(said, says, err);
	return said->initialize && (status == 400 || status == 404 || status == 405) ? STATUS_OLD
										     : STATUS_LOST;
}

enum status_means status_judge(const struct status_said *said, struct err *err_out)
{
	char *says = server_says(said);
	enum status_means means = judge(said, says, err_out);

	free(says);
	return means;
}
