/* The provider for Ollama's own chat. */
#include "ollama.h"
#include "log.h"
#include "mem.h"
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct llm {
	struct remote remote;
	struct ollama_options options;
	char *keep_alive;
	bool no_tools; /* this model takes none, remembered as long as the daemon runs */
};

static void ask(struct llm *llm, const struct llm_request *request, uint64_t ticket)
{
	struct remote_call *call = remote_call_new(&llm->remote, request, ticket);

	ollama_encode_start(&call->request, llm->remote.model, request);
	if (!llm->no_tools)
		ollama_encode_tools(&call->request, request);
	ollama_encode_params(&call->request, &call->params, &llm->options);
	remote_send(call);
}

/* A model that can't use tools can still answer. */
static bool adapt(struct llm *llm, const struct remote_call *call, const struct reply_error *error)
{
	(void)call;
	if (llm->no_tools || error->message == NULL ||
	    strcasestr(error->message, "does not support tools") == NULL)
		return false;
	llm->no_tools = true;
	log_warn(llm->remote.host.log, "model %s can't use tools: it is asked without them",
		 llm->remote.model);
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

static void destroy(struct llm *llm)
{
	if (llm == NULL)
		return;
	remote_finish(&llm->remote);
	free(llm->keep_alive);
	free(llm);
}

static const struct dialect dialect = {
	.name = "ollama",
	.lines = true,
	.first_byte_s = 300, /* the first question loads the model */
	.event = ollama_decode_line,
	.body = ollama_decode_body,
	.raw = ollama_raw,
	.adapt = adapt,
};

static struct llm *create(const struct llm_host *host, const struct settings *settings, struct err *err)
{
	const char *key = settings_text(settings, "api_key");
	struct llm *llm = mem_zero(1, sizeof(*llm));

	if (!remote_init(&llm->remote, llm, &dialect, host, settings, "http://localhost:11434", "/api/chat",
			 "/api/tags", err)) {
		free(llm);
		return NULL;
	}
	if (key && *key)
		remote_header(&llm->remote, mem_format("Authorization: Bearer %s", key));
	llm->keep_alive = mem_text(settings_text(settings, "keep_alive"));
	llm->options.keep_alive = llm->keep_alive;
	llm->options.context_tokens = (long)settings_int(settings, "context_tokens");
	if (llm->options.context_tokens == 0)
		llm->options.context_tokens = OLLAMA_CONTEXT_TOKENS;
	return llm;
}

static const struct setting settings_rows[] = { REMOTE_SETTINGS, OLLAMA_SETTINGS, { 0 } };

const struct llm_ops ollama_ops = { "ollama", settings_rows, create, ask, cancel, check, destroy };
