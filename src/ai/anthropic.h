/* The provider for Anthropic's Messages API: its pure parts. */
#ifndef USHER_ANTHROPIC_H
#define USHER_ANTHROPIC_H

#include "remote.h"

extern const struct llm_ops anthropic_ops;

/* Rows of a models[] entry beside REMOTE_SETTINGS. */
#define ANTHROPIC_SETTINGS                                                                                   \
	{                                                                                                    \
		"prompt_cache", SETTING_BOOL,                                                                \
			.fallback = "true",                                                                  \
			.help = "ask an anthropic server to keep what prompts begin with"                    \
	}

enum {
	ANTHROPIC_OUTPUT_TOKENS = 8192
}; /* the service insists on a limit: this when the settings name none */

/* ---- anthropic_encode.c ------------------------------------------------------------------------------------ */

/* The request up to its parameters; then those and the closing brace. cache: marks the beginnings that the service is to
 * keep, tools and system prompt, and of a conversation that goes on all that is sent. */
void anthropic_encode_start(struct buf *out, const char *model, const struct llm_request *request,
			    bool cache);
void anthropic_encode_params(struct buf *out, const struct remote_params *params, bool temperature);

/* ---- anthropic_decode.c: functions of the dialect ------------------------------------------------------------ */

bool anthropic_decode_event(struct reply *reply, const char *event, const char *data, size_t len,
			    struct err *err);
bool anthropic_decode_body(struct reply *reply, const char *body, size_t len, struct err *err);

/* The content blocks as they came, a JSON array. */
void anthropic_raw(const struct reply *reply, struct buf *out);

#endif
