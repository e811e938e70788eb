/* The one visible list of model providers, and the settings of a models[] entry that come with it. */
#include "ai_room.h"
#include "anthropic.h"
#include "cohere.h"
#include "local.h"
#include "ollama.h"
#include "openai.h"
#include <string.h>

static const struct llm_ops *const providers[] = { &local_ops,	&openai_ops, &anthropic_ops,
						   &cohere_ops, &ollama_ops, NULL };

const struct llm_ops *provider_find(const char *name)
{
	for (size_t i = 0; providers[i]; i++)
		if (strcmp(providers[i]->name, name) == 0)
			return providers[i];
	return NULL;
}

const struct setting ai_model_settings[] = {
	{ "name", SETTING_TEXT, .required = true, .help = "how other settings call this model" },
	{ "provider", SETTING_CHOICE, .choices = "local|openai|anthropic|cohere|ollama", .required = true,
	  .help = "openai: OpenAI and every compatible server; anthropic, cohere, ollama: their own; "
		  "local: built in, offline" },
	{ "model", SETTING_TEXT, .help = "the provider's name of the model" },
	{ "price_as", SETTING_TEXT, .help = "provider name in the price table; default: the provider" },
	{ "context_tokens", SETTING_INT, .min = 0, .max = 100000000,
	  .help = "size of the model's window; 0: not known, the server's refusal decides" },
	{ "max_output_tokens", SETTING_INT, .min = 0, .max = 10000000,
	  .help = "longest answer in tokens; 0: the server's default" },
	{ "temperature", SETTING_NUMBER, .min = 0, .max = 2, .help = "0 to 2; not sent unless given" },
	{ "vision", SETTING_BOOL, .fallback = "false",
	  .help = "it can be shown pictures that come with a message" },
	REMOTE_SETTINGS,
	OPENAI_SETTINGS,
	ANTHROPIC_SETTINGS,
	OLLAMA_SETTINGS,
	{ 0 },
};
