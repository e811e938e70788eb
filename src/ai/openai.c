/* The provider itself: made from its settings, asks, cancels, and checks whether its server can be reached.
 */
#include "clock.h"
#include "http.h"
#include "loop.h"
#include "mem.h"
#include "openai_inside.h"
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static void ask(struct llm *llm, const struct llm_request *request, uint64_t ticket)
{
	struct call *call = mem_zero(1, sizeof(*call));

	call->llm = llm;
	call->ticket = ticket;
	call->began_ms = loop_now_ms(llm->host.loop);
	call->params =
		(struct openai_params){ llm->stream, request->temperature, request->max_output_tokens };
	openai_encode_start(&call->request, llm->model, request);
	call->params_at = call->request.len;
	openai_encode_params(&call->request, &call->params, &llm->quirks);
	HASH_ADD(hh, llm->calls, ticket, sizeof(call->ticket), call);
	openai_call_send(call);
}

static void cancel(struct llm *llm, uint64_t ticket)
{
	struct call *call;

	HASH_FIND(hh, llm->calls, &ticket, sizeof(ticket), call);
	if (call == NULL)
		return;
	HASH_DEL(llm->calls, call);
	http_cancel(llm->host.http, call->http);
	openai_call_forget(call);
}

/* ---- doctor -------------------------------------------------------------------------------------------- */

static void on_checked(void *owner, uint64_t ticket, const struct http_answer *answer)
{
	struct llm *llm = owner;
	struct openai_error error = { 0 };
	struct err err = { 0 };
	struct call *call;
	int64_t skew = answer->date_ms > 0 ? answer->date_ms - clock_wall_ms() : 0;

	HASH_FIND(hh, llm->calls, &ticket, sizeof(ticket), call);
	if (call == NULL)
		return;
	HASH_DEL(llm->calls, call);
	openai_call_forget(call);
	if (answer->how != HTTP_ANSWERED) {
		err = answer->err;
		if (err.kind == ERR_NONE)
			err_set(&err, ERR_AGAIN, "%s could not be reached", llm->models_url);
	} else if (answer->status < 200 || answer->status > 299) {
		openai_error_read(&error, answer->body ? answer->body : "", answer->len);
		openai_name_error(&err, answer->status >= 500 ? ERR_AGAIN : ERR_REFUSED, answer->status,
				  &error, answer->type);
	}
	openai_error_finish(&error);
	llm->host.checked(llm->host.owner, ticket, &err, skew);
}

static bool ignore_data(void *owner, uint64_t ticket, const char *data, size_t len)
{
	(void)owner;
	(void)ticket;
	(void)data;
	(void)len;
	return true; /* the list of models may be long; only the status matters */
}

static void check(struct llm *llm, uint64_t ticket)
{
	const char *headers[] = { "Accept: application/json", llm->authorization, NULL };
	struct http_call http = {
		.method = "GET",
		.url = llm->models_url,
		.headers = headers,
		.connect_ms = OPENAI_CONNECT_MS,
		.total_ms = 30 * 1000,
		.answer_max = OPENAI_BODY_MAX,
		.ca_file = llm->ca_file,
	};
	struct call *call = mem_zero(1, sizeof(*call));

	call->llm = llm;
	call->ticket = ticket;
	HASH_ADD(hh, llm->calls, ticket, sizeof(call->ticket), call);
	call->http = http_start(llm->host.http, &http, ignore_data, on_checked, llm, ticket);
}

/* ---- making -------------------------------------------------------------------------------------------- */

static char *base_url(const char *text)
{
	static const char tail[] = "/chat/completions"; /* people paste the whole address */
	size_t len = strlen(text), tail_len = sizeof(tail) - 1;

	while (len > 0 && text[len - 1] == '/')
		len--;
	if (len > tail_len && strncmp(text + len - tail_len, tail, tail_len) == 0)
		len -= tail_len;
	return mem_text_n(text, len);
}

static bool is_official(const char *base)
{
	return strncasecmp(base, "https://api.openai.com/", 23) == 0 ||
	       strcasecmp(base, "https://api.openai.com") == 0;
}

static void read_settings(struct llm *llm, const struct settings *settings)
{
	const char *key = settings_text(settings, "api_key");
	const char *field = settings_text(settings, "max_tokens_field");
	char *base = base_url(settings_text(settings, "base_url"));

	llm->model = mem_text(settings_text(settings, "model"));
	llm->chat_url = mem_format("%s/chat/completions", base);
	llm->models_url = mem_format("%s/models", base);
	if (key && *key)
		llm->authorization = mem_format("Authorization: Bearer %s", key);
	llm->ca_file = mem_text(settings_text(settings, "ca_file"));
	llm->stream = settings_bool(settings, "stream");
	llm->first_byte_ms = (unsigned)settings_int(settings, "first_byte_s") * 1000;
	llm->idle_ms = (unsigned)settings_int(settings, "idle_s") * 1000;
	llm->total_ms = (unsigned)settings_int(settings, "total_s") * 1000;
	llm->quirks.completion_tokens =
		strcmp(field, "auto") == 0 ? is_official(base) : strcmp(field, "max_completion_tokens") == 0;
	free(base);
}

static bool is_web(const char *url)
{
	return strncasecmp(url, "http://", 7) == 0 || strncasecmp(url, "https://", 8) == 0;
}

static bool fit_for_header(const char *key)
{
	return key == NULL || strpbrk(key, "\r\n") == NULL;
}

static void destroy(struct llm *llm)
{
	if (llm == NULL)
		return;
	while (llm->calls)
		cancel(llm, llm->calls->ticket);
	loop_timer_destroy(llm->closing);
	free(llm->model);
	free(llm->chat_url);
	free(llm->models_url);
	free(llm->authorization);
	free(llm->ca_file);
	free(llm);
}

static struct llm *create(const struct llm_host *host, const struct settings *settings, struct err *err)
{
	struct llm *llm;

	if (settings_text(settings, "model") == NULL) {
		err_set(err, ERR_REFUSED, "%s: an openai model needs `model`, the server's name of it",
			settings_where(settings, NULL));
		return NULL;
	}
	if (!is_web(settings_text(settings, "base_url"))) {
		err_set(err, ERR_REFUSED, "%s: base_url must begin with http:// or https://",
			settings_where(settings, "base_url"));
		return NULL;
	}
	if (!fit_for_header(settings_text(settings, "api_key"))) {
		err_set(err, ERR_REFUSED, "%s: api_key must be one line",
			settings_where(settings, "api_key"));
		return NULL;
	}
	llm = mem_zero(1, sizeof(*llm));
	llm->host = *host;
	llm->closing = loop_timer_create(host->loop, openai_close_ended, llm);
	read_settings(llm, settings);
	return llm;
}

static const struct setting openai_settings[] = { OPENAI_SETTINGS, { 0 } };

const struct llm_ops openai_ops = { "openai", openai_settings, create, ask, cancel, check, destroy };
