/* OpenAI's Responses API, the other form of provider "openai": its pure parts. */
#ifndef USHER_RESPONSES_H
#define USHER_RESPONSES_H

#include "remote.h"

/* What a model turned out not to take, remembered as long as the daemon runs. */
struct responses_quirks {
	bool no_temperature, no_include;
};

/* ---- encoding (responses_encode.c) ------------------------------------------------------------------------ */

/* The request up to its parameters; then those and the closing brace. Nothing is kept by the service (store is false):
 * what the model has thought and said goes back to it as items. */
void responses_encode_start(struct buf *out, const char *model, const struct llm_request *request);
void responses_encode_params(struct buf *out, const struct remote_params *params,
			     const struct responses_quirks *quirks);

/* The parameter a 400 complains about is dropped; false when nothing can be done (any more). */
bool responses_adapt(struct responses_quirks *quirks, const struct reply_error *error,
		     const struct remote_params *params);

/* Chat completions refused a request because this model wants it here. */
bool responses_wanted(const struct reply_error *error);

/* ---- decoding (responses_decode.c): functions of the dialect ------------------------------------------------- */

bool responses_decode_event(struct reply *reply, const char *event, const char *data, size_t len,
			    struct err *err);
bool responses_decode_body(struct reply *reply, const char *body, size_t len, struct err *err);

/* The output items as they came, a JSON array. */
void responses_raw(const struct reply *reply, struct buf *out);

#endif
