/* The provider itself: made from its settings, asks, cancels, and checks whether its server can be reached.
 */
#include "openai.h"
#include "mem.h"
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct llm {
	struct remote remote;
	struct openai_quirks quirks;
};

static void ask(struct llm *llm, const struct llm_request *request, uint64_t ticket)
{
	struct remote_call *call = remote_call_new(&llm->remote, request, ticket);

	openai_encode_start(&call->request, llm->remote.model, request);
	call->params_at = call->request.len;
	openai_encode_params(&call->request, &call->params, &llm->quirks);
	remote_send(call);
}

static bool adapt(struct llm *llm, struct remote_call *call, const struct reply_error *error)
{
	if (!openai_adapt(&llm->quirks, error, &call->params))
		return false;
	buf_cut(&call->request, call->params_at);
	openai_encode_params(&call->request, &call->params, &llm->quirks);
	return true;
}

static void cancel(struct llm *llm, uint64_t ticket)
{
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
	free(llm);
}

const struct dialect openai_dialect = {
	.name = "openai",
	.event = openai_decode_event,
	.body = openai_decode_body,
	.raw = openai_raw,
	.adapt = adapt,
};

static struct llm *create(const struct llm_host *host, const struct settings *settings, struct err *err)
{
	const char *key = settings_text(settings, "api_key");
	const char *field = settings_text(settings, "max_tokens_field");
	struct llm *llm = mem_zero(1, sizeof(*llm));

	if (!remote_init(&llm->remote, llm, &openai_dialect, host, settings, "https://api.openai.com/v1",
			 "/chat/completions", "/models", err)) {
		free(llm);
		return NULL;
	}
	if (key && *key)
		remote_header(&llm->remote, mem_format("Authorization: Bearer %s", key));
	llm->quirks.completion_tokens = strcmp(field, "auto") == 0
						? is_official(llm->remote.url)
						: strcmp(field, "max_completion_tokens") == 0;
	return llm;
}

static const struct setting openai_settings[] = { REMOTE_SETTINGS, OPENAI_SETTINGS, { 0 } };

const struct llm_ops openai_ops = { "openai", openai_settings, create, ask, cancel, check, destroy };
