/* What an answer of the REST API means (sheet 12, 13). */
#include "buf.h"
#include "mem.h"
#include "rest_room.h"
#include "text.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DEPTH_MAX = 12, FAULTS_MAX = 3, CLOUDFLARE_BLOCK = 40333 };

static const struct {
	int code;
	enum discord_refusal refusal;
} codes[] = {
	{ 10003, DISCORD_UNKNOWN_CHANNEL },
	{ 10004, DISCORD_UNKNOWN_CHANNEL },
	{ 10008, DISCORD_UNKNOWN_MESSAGE },
	{ 10015, DISCORD_UNKNOWN_INTERACTION },
	{ 10062, DISCORD_UNKNOWN_INTERACTION },
	{ 20012, DISCORD_NO_ACCESS },
	{ 20016, DISCORD_WAIT },
	{ 20022, DISCORD_WAIT },
	{ 20028, DISCORD_WAIT },
	{ 20029, DISCORD_WAIT },
	{ 30046, DISCORD_OLD_EDITS },
	{ 40003, DISCORD_WAIT },
	{ 40005, DISCORD_TOO_LONG },
	{ 40060, DISCORD_ALREADY },
	{ 40062, DISCORD_WAIT },
	{ 40094, DISCORD_UNKNOWN_INTERACTION }, /* no more follow-ups with this token */
	{ 50001, DISCORD_NO_ACCESS },
	{ 50006, DISCORD_EMPTY },
	{ 50007, DISCORD_NO_DM },
	{ 50013, DISCORD_NO_ACCESS },
	{ 50027, DISCORD_UNKNOWN_INTERACTION },
	{ 50045, DISCORD_FILE },
	{ 50046, DISCORD_FILE },
	{ 50083, DISCORD_LOCKED },
	{ 50123, DISCORD_FILE },
	{ 50278, DISCORD_NO_DM },
	{ 110000, DISCORD_WAIT },
	{ 130000, DISCORD_WAIT },
	{ 160002, DISCORD_NO_REPLY },
	{ 160004, DISCORD_THREAD_EXISTS },
	{ 160005, DISCORD_LOCKED },
	{ 200000, DISCORD_BLOCKED },
	{ 240000, DISCORD_BLOCKED },
};

enum discord_refusal rest_refusal_of(int code)
{
	for (size_t i = 0; i < sizeof(codes) / sizeof(*codes); i++)
		if (codes[i].code == code)
			return codes[i].refusal;
	return DISCORD_OTHER;
}

/* ---- one line why --------------------------------------------------------------------------------------- */

static void hide(char **text, const char *secret)
{
	struct buf out = { 0 };
	const char *at = *text, *found;

	if (secret == NULL || strlen(secret) < 6 || strstr(at, secret) == NULL)
		return;
	for (; (found = strstr(at, secret)) != NULL; at = found + strlen(secret)) {
		buf_add(&out, at, (size_t)(found - at));
		buf_text(&out, "[token]");
	}
	buf_text(&out, at);
	free(*text);
	*text = buf_take(&out);
}

/* Tokens are taken out before it is cut, or half of one would stand at the end. */
static void explain(struct rest_reading *reading, const struct rest_asked *asked, const char *text)
{
	char *valid = text_repair(text, strlen(text)), *line = text_one_line(valid);
	size_t len;

	hide(&line, asked->bot_token);
	hide(&line, asked->path_token);
	len = text_fit(line, strlen(line), sizeof(reading->why) - 1);
	memcpy(reading->why, line, len);
	reading->why[len] = '\0';
	reading->answer.why = reading->why;
	free(valid);
	free(line);
}

/* ---- the nested list of faults ---------------------------------------------------------------------------- */

/* Where in the request something is wrong, from the outside to the inside. */
struct fault_walk {
	const char *path[DEPTH_MAX];
	size_t depth;
	unsigned told;
	struct buf text;
	enum discord_refusal refusal;
};

static bool within(const struct fault_walk *walk, const char *field)
{
	for (size_t i = 0; i < walk->depth; i++)
		if (strcmp(walk->path[i], field) == 0)
			return true;
	return false;
}

static enum discord_refusal fault_refusal(const struct fault_walk *walk, const char *code)
{
	if (within(walk, "message_reference"))
		return DISCORD_NO_REPLY;
	if (within(walk, "files") || within(walk, "attachments"))
		return DISCORD_FILE;
	if (!within(walk, "content"))
		return DISCORD_OTHER;
	if (strstr(code, "MAX_LENGTH") != NULL || strstr(code, "BAD_LENGTH") != NULL)
		return DISCORD_TOO_LONG;
	return strstr(code, "REQUIRED") != NULL ? DISCORD_EMPTY : DISCORD_OTHER;
}

static void take_fault(struct fault_walk *walk, const json_t *fault)
{
	const char *code = json_text(fault, "code"), *message = json_text(fault, "message");

	if (walk->refusal == DISCORD_OTHER)
		walk->refusal = fault_refusal(walk, code != NULL ? code : "");
	if (walk->told++ >= FAULTS_MAX)
		return;
	buf_text(&walk->text, "; ");
	for (size_t i = 0; i < walk->depth; i++)
		buf_format(&walk->text, "%s%s", i > 0 ? "." : "", walk->path[i]);
	buf_format(&walk->text, ": %s", message != NULL ? message : "");
	if (code != NULL)
		buf_format(&walk->text, " (%s)", code);
}

static void walk_faults(struct fault_walk *walk, const json_t *errors)
{
	const json_t *list = json_object_get(errors, "_errors");
	const char *field;
	json_t *inner, *fault;
	size_t i;

	json_array_foreach (list, i, fault) {
		take_fault(walk, fault);
	}
	json_object_foreach ((json_t *)(uintptr_t)errors, field, inner) {
		if (!json_is_object(inner) || walk->depth == DEPTH_MAX)
			continue;
		walk->path[walk->depth++] = field;
		walk_faults(walk, inner);
		walk->depth--;
	}
}

/* ---- waits ------------------------------------------------------------------------------------------------ */

static unsigned bounded(double ms)
{
	if (!(ms > 0))
		return 0;
	return ms >= REST_RETRY_MAX_MS ? REST_RETRY_MAX_MS : (unsigned)ceil(ms);
}

/* Float seconds in the body (pitfall 15), else the header's; 0 when neither says. */
static unsigned pause_of(const json_t *document, const struct http_answer *http)
{
	const json_t *seconds = json_object_get(document, "retry_after");

	if (json_is_number(seconds) && json_number_value(seconds) >= 0)
		return bounded(json_number_value(seconds) * 1000 + REST_MORE_MS);
	return http->retry_after_ms >= 0 ? bounded((double)http->retry_after_ms + REST_MORE_MS) : 0;
}

static void limited(struct rest_reading *reading, enum rest_scope scope, unsigned ms, unsigned unless_said)
{
	reading->scope = scope;
	reading->answer.how = DISCORD_LIMITED;
	reading->answer.retry_ms = ms > 0 ? ms : unless_said;
}

static enum rest_scope scope_of(const json_t *document, const struct http_answer *http)
{
	const char *scope = http_header(http, "x-ratelimit-scope"),
		   *global = http_header(http, "x-ratelimit-global");

	if (json_is_true(json_object_get(document, "global")) || (global && strcmp(global, "true") == 0) ||
	    (scope && strcmp(scope, "global") == 0))
		return REST_GLOBAL;
	return scope && strcmp(scope, "shared") == 0 ? REST_SHARED : REST_USER;
}

/* ---- answers ---------------------------------------------------------------------------------------------- */

static enum discord_refusal refusal_of(const struct rest_reading *reading, const struct rest_asked *asked,
				       enum discord_refusal by_fault)
{
	const struct discord_answer *answer = &reading->answer;
	enum discord_refusal refusal = rest_refusal_of(answer->code);

	if ((answer->status == 413 || answer->code == 40005) && asked->has_file)
		return DISCORD_FILE;
	if (refusal != DISCORD_OTHER)
		return refusal;
	if (answer->code == 50035)
		return by_fault;
	if (answer->status == 413)
		return DISCORD_TOO_LONG;
	if (asked->no_token && (answer->status == 401 || (answer->status == 404 && answer->code == 0)))
		return DISCORD_UNKNOWN_INTERACTION;
	return answer->status == 403 && answer->code == 0 ? DISCORD_NO_ACCESS : DISCORD_OTHER;
}

static void judge(struct rest_reading *reading, const struct http_answer *http,
		  const struct rest_asked *asked, enum discord_refusal by_fault)
{
	struct discord_answer *answer = &reading->answer;
	unsigned ms = pause_of(reading->document, http);

	answer->refusal = refusal_of(reading, asked, by_fault);
	if (http->status == 429) {
		limited(reading, scope_of(reading->document, http), ms, REST_RETRY_MS);
	} else if (answer->code == CLOUDFLARE_BLOCK) {
		limited(reading, REST_BLOCKED, ms, REST_BLOCKED_MS);
	} else if (http->status == 401 && !asked->no_token) {
		answer->how = DISCORD_AUTH;
	} else if (http->status == 408 || (http->status >= 500 && answer->refusal != DISCORD_WAIT)) {
		answer->how = DISCORD_MAYBE;
	} else {
		answer->how = DISCORD_REFUSED;
		answer->body = reading->document;
		if (answer->refusal == DISCORD_WAIT)
			answer->retry_ms = ms;
	}
	if (answer->how != DISCORD_REFUSED)
		answer->refusal = DISCORD_OTHER;
}

/* {"code":50035,"message":"...","errors":{...}} */
static void read_error(struct rest_reading *reading, const struct http_answer *http,
		       const struct rest_asked *asked)
{
	const char *message = json_text(reading->document, "message");
	int64_t code = json_int(reading->document, "code", 0);
	struct fault_walk walk = { 0 };

	reading->answer.code = code > 0 && code < INT32_MAX ? (int)code : 0;
	if (message != NULL && *message != '\0')
		buf_text(&walk.text, message);
	else
		buf_format(&walk.text, "HTTP %d", http->status);
	walk_faults(&walk, json_object_get(reading->document, "errors"));
	explain(reading, asked, buf_str(&walk.text));
	buf_free(&walk.text);
	judge(reading, http, asked, walk.refusal);
}

/* A page of Cloudflare, of a proxy, of an outage: only that it was turned away at the door says that nothing happened
 * (sheet 13.8). */
static void read_page(struct rest_reading *reading, const struct http_answer *http,
		      const struct rest_asked *asked)
{
	struct discord_answer *answer = &reading->answer;

	snprintf(reading->why, sizeof(reading->why), "HTTP %d without an answer of the API", http->status);
	answer->why = reading->why;
	answer->how = DISCORD_MAYBE;
	if (http->status == 429 || http->status == 403) {
		limited(reading, REST_BLOCKED, pause_of(NULL, http), REST_BLOCKED_MS);
	} else if (http->status == 413) {
		answer->how = DISCORD_REFUSED;
		answer->refusal = asked->has_file ? DISCORD_FILE : DISCORD_TOO_LONG;
	}
}

static bool succeeded(struct rest_reading *reading, const struct http_answer *http)
{
	if (http->status < 200 || http->status > 299)
		return false;
	if (http->status != 204 && reading->document == NULL)
		return false;
	reading->answer.how = DISCORD_OK;
	reading->answer.body = http->status == 204 ? NULL : reading->document;
	return true;
}

void rest_reading_begin(struct rest_reading *reading_out, const struct http_answer *http,
			const struct rest_asked *asked)
{
	*reading_out = (struct rest_reading){ 0 };
	if (http->how != HTTP_ANSWERED) {
		reading_out->answer.how = http->how == HTTP_NOT_SENT ? DISCORD_NOT_SENT : DISCORD_MAYBE;
		explain(reading_out, asked, http->err.text);
		return;
	}
	reading_out->answer.status = http->status;
	if (http->len > 0)
		reading_out->document = json_read(http->body, http->len, NULL);
	if (succeeded(reading_out, http))
		return;
	if (json_is_object(reading_out->document) && http->status >= 400)
		read_error(reading_out, http, asked);
	else
		read_page(reading_out, http, asked);
	reading_out->invalid = http->status == 401 || http->status == 403 ||
			       (http->status == 429 && reading_out->scope != REST_SHARED);
}

void rest_reading_finish(struct rest_reading *reading)
{
	json_decref(reading->document);
	reading->document = NULL;
}
