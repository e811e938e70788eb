/* The provider itself: made from its settings, asks, cancels, and checks whether its server can be reached.
 */
#include "openai.h"
#include "log.h"
#include "mem.h"
#include "responses.h"
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct llm {
	struct remote remote;	 /* chat completions */
	struct remote responses; /* the other form of the same server */
	struct openai_quirks quirks;
	struct responses_quirks responses_quirks;
	bool by_responses, may_switch;
};

static void ask_responses(struct llm *llm, const struct llm_request *request, uint64_t ticket)
{
	struct remote_call *call = remote_call_new(&llm->responses, request, ticket);

	responses_encode_start(&call->request, llm->responses.model, request);
	responses_encode_params(&call->request, &call->params, &llm->responses_quirks);
	remote_send(call);
}

static void ask(struct llm *llm, const struct llm_request *request, uint64_t ticket)
{
	struct remote_call *call;

	if (llm->by_responses) {
		ask_responses(llm, request, ticket);
		return;
	}
	call = remote_call_new(&llm->remote, request, ticket);
	openai_encode_start(&call->request, llm->remote.model, request);
	openai_encode_params(&call->request, &call->params, &llm->quirks);
	remote_send(call);
}

static bool switches(struct llm *llm, const struct reply_error *error)
{
	if (!llm->may_switch || llm->by_responses || !responses_wanted(error))
		return false;
	log_info(llm->remote.host.log, "model %s is asked by the Responses API from now on",
		 llm->remote.model);
	return llm->by_responses = true;
}

static bool adapt(struct llm *llm, const struct remote_call *call, const struct reply_error *error)
{
	return switches(llm, error) || openai_adapt(&llm->quirks, error, &call->params);
}

static bool adapt_responses(struct llm *llm, const struct remote_call *call, const struct reply_error *error)
{
	return responses_adapt(&llm->responses_quirks, error, &call->params);
}

static void cancel(struct llm *llm, uint64_t ticket)
{
	remote_cancel(&llm->responses, ticket);
	remote_cancel(&llm->remote, ticket);
}

static void check(struct llm *llm, uint64_t ticket)
{
	remote_check(&llm->remote, ticket);
}

static bool is_official(const char *url)
{
	return strncasecmp(url, "https://api.openai.com/", 23) == 0;
}

static void destroy(struct llm *llm)
{
	if (llm == NULL)
		return;
	remote_finish(&llm->remote);
	remote_finish(&llm->responses);
	free(llm);
}

static const struct dialect openai_dialect = {
	.name = "openai",
	.event = openai_decode_event,
	.body = openai_decode_body,
	.raw = openai_raw,
	.adapt = adapt,
};

static const struct dialect responses_dialect = {
	.name = "openai",
	.event = responses_decode_event,
	.body = responses_decode_body,
	.raw = responses_raw,
	.adapt = adapt_responses,
};

/* People paste either address; both forms stand below one. */
static void set_url(struct remote *remote, const struct remote *chat)
{
	static const char chat_tail[] = "/chat/completions";

	free(remote->url);
	remote->url = mem_format("%.*s/responses", (int)(strlen(chat->url) - strlen(chat_tail)), chat->url);
}

static void set_key(struct remote *remote, const char *key)
{
	if (key && *key)
		remote_header(remote, mem_format("Authorization: Bearer %s", key));
}

static struct llm *create(const struct llm_host *host, const struct settings *settings, struct err *err)
{
	const char *key = settings_text(settings, "api_key");
	const char *field = settings_text(settings, "max_tokens_field"),
		   *api = settings_text(settings, "api");
	struct llm *llm = mem_zero(1, sizeof(*llm));

	if (!remote_init(&llm->remote, llm, &openai_dialect, host, settings, "https://api.openai.com/v1",
			 "/chat/completions", "/models", err)) {
		free(llm);
		return NULL;
	}
	if (!remote_init(&llm->responses, llm, &responses_dialect, host, settings,
			 "https://api.openai.com/v1", "/responses", "/models", err)) {
		destroy(llm);
		return NULL;
	}
	set_url(&llm->responses, &llm->remote);
	set_key(&llm->remote, key);
	set_key(&llm->responses, key);
	llm->by_responses = strcmp(api, "responses") == 0;
	llm->may_switch = strcmp(api, "auto") == 0;
	llm->quirks.completion_tokens = strcmp(field, "auto") == 0
						? is_official(llm->remote.url)
						: strcmp(field, "max_completion_tokens") == 0;
	return llm;
}

static const struct setting openai_settings[] = { REMOTE_SETTINGS, OPENAI_SETTINGS, { 0 } };

const struct llm_ops openai_ops = { "openai", openai_settings, create, ask, cancel, check, destroy };
