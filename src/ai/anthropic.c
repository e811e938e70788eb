/* The provider for Anthropic's Messages API. */
#include "anthropic.h"
#include "mem.h"
#include <stdlib.h>
#include <string.h>

struct llm {
	struct remote remote;
	bool cache;	     /* the service is asked to keep beginnings of prompts */
	bool no_temperature; /* this model does not take one, remembered as long as the daemon runs */
};

static void ask(struct llm *llm, const struct llm_request *request, uint64_t ticket)
{
	struct remote_call *call = remote_call_new(&llm->remote, request, ticket);

	anthropic_encode_start(&call->request, llm->remote.model, request, llm->cache);
	anthropic_encode_params(&call->request, &call->params, !llm->no_temperature);
	remote_send(call);
}

static bool adapt(struct llm *llm, const struct remote_call *call, const struct reply_error *error)
{
	if (llm->cache && reply_blames(error, "cache_control")) { /* some gateways don't know it */
		llm->cache = false;
		return true;
	}
	if (llm->no_temperature || call->params.temperature < 0 || !reply_blames(error, "temperature"))
		return false;
	return llm->no_temperature = true;
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

static const struct dialect dialect = {
	.name = "anthropic",
	.event = anthropic_decode_event,
	.body = anthropic_decode_body,
	.raw = anthropic_raw,
	.adapt = adapt,
};

/* The version is the one that takes every model's parameters. */
static struct llm *create(const struct llm_host *host, const struct settings *settings, struct err *err)
{
	const char *key = settings_text(settings, "api_key");
	struct llm *llm = mem_zero(1, sizeof(*llm));

	if (!remote_init(&llm->remote, llm, &dialect, host, settings, "https://api.anthropic.com",
			 "/v1/messages", "/v1/models", err)) {
		free(llm);
		return NULL;
	}
	llm->cache = settings_bool(settings, "prompt_cache");
	if (key && *key)
		remote_header(&llm->remote, mem_format("x-api-key: %s", key));
	remote_header(&llm->remote, mem_text("anthropic-version: 2023-06-01"));
	return llm;
}

static const struct setting settings_rows[] = { REMOTE_SETTINGS, ANTHROPIC_SETTINGS, { 0 } };

const struct llm_ops anthropic_ops = { "anthropic", settings_rows, create, ask, cancel, check, destroy };
