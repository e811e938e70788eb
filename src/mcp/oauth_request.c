/* One request to an authorization server or to the server that wants one, and what failures of it mean. */
#include "mem.h"
#include "oauth_inside.h"
#include "text.h"
#include "url.h"
#include <stdlib.h>
#include <string.h>

void flow_fail(struct oauth *oauth, enum err_kind kind, const char *text)
{
	struct err err = { 0 };

	err_set(&err, kind, "%s", text);
	oauth_end(oauth, &err);
}

/* Addresses that strangers name are looked at before anything is sent: no way into our network. What the operator has
 * written down himself is as good as url. */
static bool trusted(const struct oauth *oauth, const char *url)
{
	const struct mcp_config *config = oauth->options.config;
	char *origin = oauth_origin(url), *ours = oauth_origin(config->url);
	char *named = config->oauth_issuer ? oauth_origin(config->oauth_issuer) : NULL;
	bool same = origin && ((ours && strcmp(origin, ours) == 0) || (named && strcmp(origin, named) == 0));

	free(origin);
	free(ours);
	free(named);
	return same;
}

void flow_send(struct oauth *oauth, const char *url, const char *const *headers, const char *body,
	       http_done_fn *done)
{
	struct url own;

	oauth->call = http_start(
		oauth->options.http,
		&(struct http_call){ .method = body ? "POST" : "GET",
				     .url = url,
				     .headers = headers,
				     .body = body,
				     .body_len = body ? strlen(body) : 0,
				     .total_ms = OAUTH_ANSWER_MS,
				     .answer_max = OAUTH_ANSWER_MAX,
				     .guarded = !trusted(oauth, url),
				     .guard_loopback = url_read(oauth->options.config->url, &own) &&
						       url_loopback(&own) },
		NULL, done, oauth, 0);
}

json_t *flow_object(const struct http_answer *answer)
{
	json_t *json = answer->how == HTTP_ANSWERED ? json_read(answer->body, answer->len, NULL) : NULL;

	if (json_is_object(json))
		return json;
	json_decref(json);
	return NULL;
}

bool flow_success(const struct http_answer *answer)
{
	return answer->how == HTTP_ANSWERED && answer->status >= 200 && answer->status < 300;
}

void flow_refused(struct oauth *oauth, const char *doing, const struct http_answer *answer)
{
	json_t *json = flow_object(answer);
	const char *word = json_text(json, "error"), *more = json_text(json, "error_description");
	char *clean = log_clean(more ? more : ""); /* it may repeat what it was sent */
	char *line = text_one_line(clean), *code = log_clean(word ? word : "");
	bool passing = answer->how != HTTP_ANSWERED || answer->status >= 500 || answer->status == 429;
	struct err err = { 0 };

	if (answer->how != HTTP_ANSWERED)
		err_set(&err, answer->err.kind == ERR_REFUSED ? ERR_REFUSED : ERR_AGAIN, "%s: %s", doing,
			answer->err.text);
	else
		err_set(&err, passing ? ERR_AGAIN : ERR_REFUSED, "%s: it answered %d %.60s %.120s", doing,
			answer->status, code, line);
	free(clean);
	free(code);
	free(line);
	json_decref(json);
	oauth_end(oauth, &err);
}
