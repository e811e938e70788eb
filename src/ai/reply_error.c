/* Reads the errors of model servers, which resemble each other, and decides what each one means for us. */
#include "mem.h"
#include "reply.h"
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* ---- reading ------------------------------------------------------------------------------------------- */

static char *text_of(const json_t *value)
{
	if (json_is_string(value))
		return mem_text(json_string_value(value));
	if (json_is_integer(value))
		return mem_format("%lld", (long long)json_integer_value(value));
	if (json_is_array(value) || json_is_object(value))
		return json_write(value);
	return NULL;
}

static void keep(char **place, const json_t *value)
{
	char *text = *place ? NULL : text_of(value);

	if (text)
		*place = text;
}

/* A list of what is wrong with the request: the first is told. Its "input" is left out, it quotes the user.
 */
static void keep_detail(char **place, const json_t *detail)
{
	const json_t *first = json_array_get(detail, 0);
	const char *text = json_text(first, "msg");
	char *where;

	if (text == NULL) {
		keep(place, json_is_string(detail) ? detail : NULL);
	} else if (*place == NULL) {
		where = json_write(json_object_get(first, "loc"));
		*place = mem_format("%s (%s)", text, where);
		free(where);
	}
}

/* {"error":{...}}, {"error":"text"}, [{"error":...}], {"message":...}, {"detail":...}, {"object":"error",...}
 */
bool reply_error_take(struct reply_error *error, const json_t *root)
{
	const json_t *inner;

	if (json_is_array(root))
		root = json_array_get(root, 0);
	inner = json_object_get(root, "error");
	if (json_is_string(inner))
		keep(&error->message, inner);
	else if (!json_is_object(inner))
		inner = root;
	keep(&error->message, json_object_get(inner, "message"));
	keep_detail(&error->message, json_object_get(inner, "detail"));
	keep(&error->type, json_object_get(inner, "type"));
	keep(&error->type, json_object_get(inner, "status"));
	keep(&error->code, json_object_get(inner, "code"));
	keep(&error->code, json_object_get(json_object_get(inner, "details"), "error_code"));
	keep(&error->param, json_object_get(inner, "param"));
	return error->message || (json_is_object(json_object_get(root, "error")));
}

bool reply_error_read(struct reply_error *error, const char *body, size_t len)
{
	json_t *root = json_read(body, len, NULL);
	bool found = reply_error_take(error, root);

	json_decref(root);
	return found;
}

void reply_error_finish(struct reply_error *error)
{
	free(error->message);
	free(error->type);
	free(error->code);
	free(error->param);
	*error = (struct reply_error){ 0 };
}

/* ---- judging ------------------------------------------------------------------------------------------- */

static bool any_of(const char *text, const char *const *words)
{
	for (size_t i = 0; text && words[i]; i++)
		if (strcasestr(text, words[i]))
			return true;
	return false;
}

static const char *const no_credit[] = {
	"insufficient_quota", "credit_balance_exhausted", "spend_limit", "usage_limit_exceeded",
	"billing_hard_limit", "insufficient_balance",	  NULL,
};

/* OpenRouter's 403 for what somebody said: no fault of the key, which others go on with. */
static const char *const moderated[] = { "flagged", "moderation", NULL };

static const char *const rate_words[] = { "rate_limit", "tokens per minute", "TPM", NULL };

static const char *const overflow_words[] = {
	"context_length_exceeded",
	"maximum context length",
	"exceeds the context window",
	"prompt is too long",
	"exceed context limit",
	"too many tokens",
	"exceeds the maximum number of tokens allowed",
	"exceeds the available context size",
	"exceed_context_size_error",
	"maximum prompt length is",
	"reduce the length of the messages",
	"input is too long",
	"request_too_large",
	"exceeded model token limit",
	"ContextWindowExceeded",
	"exceeds model's maximum context length",
	NULL,
};

static bool is_overflow(const struct reply_error *error, int status, const char *body)
{
	if (status != 400 && status != 413 && status != 422)
		return false;
	if (any_of(error->code, rate_words) || any_of(error->type, rate_words) ||
	    any_of(error->code, (const char *const[]){ "string_above_max_length", NULL }))
		return false;
	return status == 413 || any_of(body, overflow_words);
}

/* Within a 200 there is only the error's own word for it. */
static int status_of(const struct reply_error *error)
{
	static const struct {
		const char *word;
		int status;
	} known[] = {
		{ "rate_limit", 429 },	    { "slow_down", 429 },      { "authentication", 401 },
		{ "invalid_api_key", 401 }, { "permission", 403 },     { "insufficient_quota", 429 },
		{ "not_found", 404 },	    { "context_length", 400 }, { "exceed_context", 400 },
		{ "invalid_request", 400 }, { "content_policy", 400 }, { "content_filter", 400 },
	};
	long number = error->code ? strtol(error->code, NULL, 10) : 0;

	if (number >= 400 && number < 600)
		return (int)number;
	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
		if ((error->code && strcasestr(error->code, known[i].word)) ||
		    (error->type && strcasestr(error->type, known[i].word)))
			return known[i].status;
	return 502;
}

static bool is_transient(int status)
{
	return status == 408 || status == 409 || status == 425 || status == 500 ||
	       (status >= 502 && status <= 504) || (status >= 520 && status <= 524) || status == 529;
}

enum llm_fault reply_fault(const struct reply_error *error, int status, const char *should_retry,
			   const char *body)
{
	if (status == 0)
		status = status_of(error);
	if (any_of(error->code, no_credit) || any_of(error->type, no_credit) || status == 402)
		return LLM_FAULT_AUTH;
	if (is_overflow(error, status, body ? body : error->message))
		return LLM_FAULT_OVERFLOW;
	if (should_retry && strcasecmp(should_retry, "false") == 0 && (status == 429 || is_transient(status)))
		return LLM_FAULT_REFUSED;
	if (status == 429)
		return LLM_FAULT_LIMITED;
	if (is_transient(status) || (should_retry && strcasecmp(should_retry, "true") == 0))
		return LLM_FAULT_TRANSIENT;
	if (status == 403 && any_of(error->message, moderated))
		return LLM_FAULT_REFUSED;
	if (status == 401 || status == 403 || status == 404)
		return LLM_FAULT_AUTH; /* the key, or a model that is not there: the operator must act */
	if (status == 400 && error->code && strcmp(error->code, "tool_use_failed") == 0)
		return LLM_FAULT_TRANSIENT; /* the model garbled its call: another try is another throw */
	return LLM_FAULT_REFUSED;
}

/* ---- waiting ------------------------------------------------------------------------------------------- */

int64_t reply_hint_ms(const char *text)
{
	const char *at = text ? strcasestr(text, "try again in ") : NULL;
	double total = 0;
	bool any = false;

	if (at == NULL)
		return -1;
	at += strlen("try again in ");
	for (;;) {
		char *end = NULL;
		double number = isdigit((unsigned char)*at) ? strtod(at, &end) : -1;

		if (end == NULL || number > 1e6)
			break;
		while (*end == ' ')
			end++;
		any = true;
		if (strncmp(end, "ms", 2) == 0) {
			total += number;
			at = end + 2;
		} else if (*end == 's') {
			total += number * 1000;
			at = end + 1;
		} else if (*end == 'm') {
			total += number * 60000;
			at = end + 1;
		} else if (*end == 'h') {
			total += number * 3600000;
			at = end + 1;
		} else {
			return -1;
		}
	}
	return any ? (int64_t)(total + 0.5) : -1;
}

/* ---- blame ---------------------------------------------------------------------------------------------- */

/* param says it in OpenAI's own errors; others only name the parameter in the sentence. */
bool reply_blames(const struct reply_error *error, const char *name)
{
	if (error->param && *error->param)
		return strcmp(error->param, name) == 0 || strncmp(error->param, name, strlen(name)) == 0;
	return error->message && strstr(error->message, name);
}
