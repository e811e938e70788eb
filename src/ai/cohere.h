/* The provider for Cohere's chat (v2): its pure parts. */
#ifndef USHER_COHERE_H
#define USHER_COHERE_H

#include "remote.h"

extern const struct llm_ops cohere_ops;

/* ---- cohere_encode.c ---------------------------------------------------------------------------------------- */

void cohere_encode_start(struct buf *out, const char *model, const struct llm_request *request);
void cohere_encode_params(struct buf *out, const struct remote_params *params);

/* ---- cohere_decode.c: functions of the dialect ---------------------------------------------------------------- */

bool cohere_decode_event(struct reply *reply, const char *event, const char *data, size_t len,
			 struct err *err);
bool cohere_decode_body(struct reply *reply, const char *body, size_t len, struct err *err);

/* The assistant message with its plan, which the service wants to see again. */
void cohere_raw(const struct reply *reply, struct buf *out);

#endif
