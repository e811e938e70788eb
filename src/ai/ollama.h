/* The provider for Ollama's own chat: its pure parts. */
#ifndef USHER_OLLAMA_H
#define USHER_OLLAMA_H

#include "remote.h"

extern const struct llm_ops ollama_ops;

/* Rows of a models[] entry beside REMOTE_SETTINGS. */
#define OLLAMA_SETTINGS                                                                                      \
	{                                                                                                    \
		"keep_alive", SETTING_TEXT,                                                                  \
			.help = "how long ollama keeps the model loaded: \"5m\", \"-1\" for ever"            \
	}

/* The window that is asked for when context_tokens is not set: the server's own may be so small that it forgets the
 * system prompt without a word (sheet 6). */
enum { OLLAMA_CONTEXT_TOKENS = 16384 };

/* ---- ollama_encode.c ----------------------------------------------------------------------------------------- */

struct ollama_options {
	long context_tokens;
	const char *keep_alive; /* or NULL */
};

/* Up to the messages; then the tools, unless the model turned out to take none; then the rest. */
void ollama_encode_start(struct buf *out, const char *model, const struct llm_request *request);
void ollama_encode_tools(struct buf *out, const struct llm_request *request);
void ollama_encode_params(struct buf *out, const struct remote_params *params,
			  const struct ollama_options *options);

/* ---- ollama_decode.c: functions of the dialect ------------------------------------------------------------------ */

/* One line of a stream, or the whole answer: they have the same form. */
bool ollama_decode_line(struct reply *reply, const char *event, const char *data, size_t len,
			struct err *err);
bool ollama_decode_body(struct reply *reply, const char *body, size_t len, struct err *err);
void ollama_raw(const struct reply *reply, struct buf *out); /* nothing that would have to come back */

#endif
