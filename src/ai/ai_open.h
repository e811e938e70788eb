/* Making the AI room: what src/app needs and nobody else. */
#ifndef USHER_AI_OPEN_H
#define USHER_AI_OPEN_H

#include "ai.h"
#include "llm.h"
#include "settings.h"

/* One line of the price table, in millionths of a US dollar for a million tokens; -1: not given. */
struct ai_price {
	const char *provider; /* "openai"; matches models[].price_as or the provider */
	const char *model;    /* exact name, or with a trailing "*" a prefix */
	int64_t input, cached, output;
	int64_t long_from; /* prompts of more tokens cost the following instead, all of them; 0: no such limit */
	int64_t long_input, long_cached, long_output;
	int64_t written, long_written; /* into the provider's cache; long_written -1: grows as input does */
};

struct ai_options {
	struct loop *loop;
	struct http *http;
	const struct log *log;
	const struct settings *const *models; /* the groups of settings `models`; none: one "local" */
	size_t model_count;
	const char *model;	     /* assistant.model: the default; NULL: the first */
	const char *const *fallback; /* assistant.fallback: names, in order; may be NULL */
	size_t fallback_count;
	const struct settings *speech; /* the group of settings `speech`; NULL: voice notes are files */
	const struct ai_price *prices; /* copied */
	size_t price_count;
	int64_t history_tokens; /* assistant.history_tokens; 0: by the model's window */
	unsigned rounds_max;	/* model, tools, model, ...: replies that ask for tools */
	unsigned calls_max;	/* tool calls of one turn, all replies together; 0: any number */
	unsigned attempts_max;	/* requests for one reply, retries included */
	unsigned turn_ms;	/* the whole question */
};

/* Every provider's settings are checked here by models[].provider. NULL and err on failure. */
struct ai *ai_create(const struct ai_options *options, struct err *err);
void ai_destroy(struct ai *ai); /* cancels what runs; takes NULL */

/* Is this model reachable with its key? For doctor. */
void ai_check(struct ai *ai, const char *model,
	      void (*checked)(void *owner, uint64_t ticket, const struct err *err, int64_t clock_skew_ms),
	      void *owner, uint64_t ticket);

/* Names for messages and status, in order of the settings; NULL past the end. */
const char *ai_model_name(const struct ai *ai, size_t index);

/* The table of one models[] entry: name, provider, model and every provider's own settings. */
extern const struct setting ai_model_settings[];

#endif
