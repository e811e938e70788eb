/* The provider for Cohere's chat (v2). */
#include "cohere.h"
#include "mem.h"
#include <stdlib.h>
#include <string.h>

struct llm {
	struct remote remote;
};

static void ask(struct llm *llm, const struct llm_request *request, uint64_t ticket)
{
	struct remote_call *call = remote_call_new(&llm->remote, request, ticket);

	cohere_encode_start(&call->request, llm->remote.model, request);
	cohere_encode_params(&call->request, &call->params);
	remote_send(call);
}

static void cancel(struct llm *llm, uint64_t ticket)
{
	remote_cancel(&llm->remote, ticket);
}

static void check(struct llm *llm, uint64_t ticket)
{
	remote_check(&llm->remote, ticket);
}

static void destroy(struct llm *llm)
{
	if (llm == NULL)
		return;
	remote_finish(&llm->remote);
	free(llm);
}

/* 498: the text itself is refused; 499 and 501 are not worth another try. */
static enum llm_fault fault(const struct reply_error *error, int status, const char *should_retry,
			    const char *body)
{
	if (status == 498 || status == 499 || status == 501)
		return LLM_FAULT_REFUSED;
	return reply_fault(error, status, should_retry, body);
}

static const struct dialect dialect = {
	.name = "cohere",
	.event = cohere_decode_event,
	.body = cohere_decode_body,
	.raw = cohere_raw,
	.fault = fault,
};

static struct llm *create(const struct llm_host *host, const struct settings *settings, struct err *err)
{
	const char *key = settings_text(settings, "api_key");
	struct llm *llm = mem_zero(1, sizeof(*llm));

	if (!remote_init(&llm->remote, llm, &dialect, host, settings, "https://api.cohere.com", "/v2/chat",
			 "/v1/models", err)) {
		free(llm);
		return NULL;
	}
	if (key && *key)
		remote_header(&llm->remote, mem_format("Authorization: Bearer %s", key));
	return llm;
}

static const struct setting settings_rows[] = { REMOTE_SETTINGS, { 0 } };

const struct llm_ops cohere_ops = { "cohere", settings_rows, create, ask, cancel, check, destroy };
