/* What an answer means: for the caller, for the token, for the operator. */
#include "api_room.h"
#include <stdio.h>
#include <string.h>

enum { RETRY_CAP_MS = 3600 * 1000 };

static enum slack_error_class slack_error_class(const char *error)
{
	static const struct {
		const char *error;
		enum slack_error_class class;
	} table[] = {
		{ "invalid_auth", SLACK_ERROR_DEAD },
		{ "not_authed", SLACK_ERROR_DEAD },
		{ "account_inactive", SLACK_ERROR_DEAD },
		{ "token_revoked", SLACK_ERROR_DEAD },
		{ "user_removed_from_team", SLACK_ERROR_DEAD },
		{ "team_disabled", SLACK_ERROR_DEAD },
		{ "token_expired", SLACK_ERROR_EXPIRED },
		{ "ratelimited", SLACK_ERROR_LIMITED },
		{ "rate_limited", SLACK_ERROR_LIMITED },
		{ "request_timeout", SLACK_ERROR_LATER }, /* our body did not arrive whole */
		{ "team_added_to_org", SLACK_ERROR_LATER },
		{ "org_login_required", SLACK_ERROR_LATER },
		{ "internal_error", SLACK_ERROR_AMBIGUOUS },
		{ "fatal_error", SLACK_ERROR_AMBIGUOUS },
		{ "service_unavailable", SLACK_ERROR_AMBIGUOUS },
		{ "messaging_processing_failed", SLACK_ERROR_AMBIGUOUS },
		{ "missing_scope", SLACK_ERROR_CONFIG },
		{ "not_allowed_token_type", SLACK_ERROR_CONFIG },
		{ "no_permission", SLACK_ERROR_CONFIG },
		{ "access_denied", SLACK_ERROR_CONFIG },
		{ "ekm_access_denied", SLACK_ERROR_CONFIG },
		{ "enterprise_is_restricted", SLACK_ERROR_CONFIG },
		{ "accesslimited", SLACK_ERROR_CONFIG },
		{ "two_factor_setup_required", SLACK_ERROR_CONFIG },
		{ "app_access_restricted", SLACK_ERROR_CONFIG },
		{ "unknown_method", SLACK_ERROR_GONE },
		{ "method_deprecated", SLACK_ERROR_GONE },
		{ "deprecated_endpoint", SLACK_ERROR_GONE },
		{ "invalid_arg_name", SLACK_ERROR_BUG },
		{ "invalid_array_arg", SLACK_ERROR_BUG },
		{ "invalid_charset", SLACK_ERROR_BUG },
		{ "invalid_form_data", SLACK_ERROR_BUG },
		{ "invalid_post_type", SLACK_ERROR_BUG },
		{ "missing_post_type", SLACK_ERROR_BUG },
		{ "invalid_arguments", SLACK_ERROR_BUG },
		{ "invalid_blocks", SLACK_ERROR_BUG },
		{ "invalid_blocks_format", SLACK_ERROR_BUG },
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++)
		if (strcmp(error, table[i].error) == 0)
			return table[i].class;
	return SLACK_ERROR_CALL;
}

static enum slack_how how_of(enum slack_error_class class)
{
	switch (class) {
	case SLACK_ERROR_DEAD:
	case SLACK_ERROR_EXPIRED:
		return SLACK_AUTH;
	case SLACK_ERROR_LIMITED:
		return SLACK_LIMITED;
	case SLACK_ERROR_LATER:
		return SLACK_NOT_SENT;
	case SLACK_ERROR_AMBIGUOUS:
		return SLACK_MAYBE;
	default:
		return SLACK_REFUSED;
	}
}

static unsigned pause_of(const struct http_answer *http)
{
	if (http->retry_after_ms < 0)
		return API_RETRY_MS;
	return http->retry_after_ms > RETRY_CAP_MS ? RETRY_CAP_MS : (unsigned)http->retry_after_ms;
}

static void end(struct slack_reading *reading, enum slack_how how, const char *error)
{
	reading->answer.how = how;
	reading->answer.error = error;
}

/* {"ok":false,...}: what the code says, whatever the status of HTTP. */
static void read_error(struct slack_reading *reading, const struct http_answer *http)
{
	const char *error = json_text(reading->document, "error");

	if (error == NULL)
		error = "an error without a name";
	reading->class = slack_error_class(error);
	end(reading, how_of(reading->class), error);
	reading->answer.needed = json_text(reading->document, "needed");
	if (reading->answer.how == SLACK_REFUSED)
		reading->answer.body = reading->document;
	if (reading->answer.how == SLACK_LIMITED)
		reading->answer.retry_ms = pause_of(http);
}

/* A page of a proxy, of a hotel's network, of an outage: with 4xx it was turned away, else nobody knows. */
static void read_strange(struct slack_reading *reading, const struct http_answer *http)
{
	snprintf(reading->why, sizeof(reading->why), "HTTP %d without an answer of the API", http->status);
	end(reading, http->status >= 400 && http->status < 500 ? SLACK_NOT_SENT : SLACK_MAYBE, reading->why);
}

static void read_document(struct slack_reading *reading, const struct http_answer *http)
{
	const json_t *ok = json_object_get(reading->document, "ok");

	reading->answer.scopes = http_header(http, "x-oauth-scopes");
	if (!json_is_boolean(ok)) {
		read_strange(reading, http);
	} else if (json_is_true(ok)) {
		end(reading, SLACK_OK, NULL);
		reading->answer.body = reading->document;
	} else {
		read_error(reading, http);
	}
}

/* The first line, without what could disturb a log. */
static void read_plain(struct slack_reading *reading, const struct http_answer *http)
{
	size_t len = strcspn(http->body, "\r\n");

	if (http->status < 300) {
		end(reading, SLACK_OK, NULL);
		return;
	}
	snprintf(reading->why, sizeof(reading->why), "HTTP %d", http->status);
	if (len > 0 && len < sizeof(reading->why) && strspn(http->body, "abcdefghijklmnopqrstuvwxyz_") == len)
		snprintf(reading->why, sizeof(reading->why), "%.*s", (int)len, http->body);
	end(reading, SLACK_REFUSED, reading->why);
}

void slack_reading_begin(struct slack_reading *reading_out, const struct http_answer *http, bool plain)
{
	*reading_out = (struct slack_reading){ .class = SLACK_ERROR_CALL };
	if (http->status == 429) {
		reading_out->class = SLACK_ERROR_LIMITED;
		end(reading_out, SLACK_LIMITED, "ratelimited");
		reading_out->answer.retry_ms = pause_of(http);
	} else if (http->how == HTTP_NOT_SENT) {
		end(reading_out, SLACK_NOT_SENT, http->err.text);
	} else if (http->how == HTTP_MAYBE) {
		end(reading_out, SLACK_MAYBE, http->err.text);
	} else if (http->status >= 500) {
		read_strange(reading_out, http);
	} else {
		reading_out->document = json_read(http->body, http->len, NULL);
		if (plain && !json_is_object(reading_out->document))
			read_plain(reading_out, http);
		else
			read_document(reading_out, http);
	}
}

void slack_reading_finish(struct slack_reading *reading)
{
	json_decref(reading->document);
	reading->document = NULL;
}
