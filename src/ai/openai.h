/* The provider for OpenAI's chat completions and every server that speaks them: its settings and its pure
 * parts. */
#ifndef USHER_OPENAI_H
#define USHER_OPENAI_H

#include "remote.h"

extern const struct llm_ops openai_ops;

/* Rows of a models[] entry beside REMOTE_SETTINGS. */
#define OPENAI_SETTINGS                                                                                      \
	{ "api", SETTING_CHOICE, .fallback = "auto", .choices = "auto|chat|responses",                       \
	  .help = "form of an openai server's requests; auto: chat until the model wants the other" },       \
	{                                                                                                    \
		"max_tokens_field", SETTING_CHOICE,                                                          \
			.fallback = "auto", .choices = "auto|max_tokens|max_completion_tokens",              \
			.help = "how an openai server calls the output limit; auto: by host"                 \
	}

enum {
	OPENAI_TOOLS_MAX = 128, /* the service refuses more */
};

/* ---- encoding (openai_encode.c) ------------------------------------------------------------------------ */

/* What a server turned out not to take, remembered as long as the daemon runs. */
struct openai_quirks {
	bool no_stream_options, no_temperature, no_max_tokens;
	bool completion_tokens; /* the limit is called max_completion_tokens */
	bool renamed;		/* the other name was tried before */
};

/* Appends the request up to its parameters; then those and the closing brace. Two steps, so that a request
 * can be repeated with other parameters: cut the text back to where the first step ended. */
void openai_encode_start(struct buf *out, const char *model, const struct llm_request *request);
void openai_encode_params(struct buf *out, const struct remote_params *params,
			  const struct openai_quirks *quirks);

/* The parameter a 400 complains about is dropped or renamed; false when nothing can be done (any more)
 * (openai_adapt.c). */
bool openai_adapt(struct openai_quirks *quirks, const struct reply_error *error,
		  const struct remote_params *params);

/* ---- decoding (openai_decode.c): functions of the dialect ----------------------------------------------- */

bool openai_decode_event(struct reply *reply, const char *event, const char *data, size_t len,
			 struct err *err);
bool openai_decode_body(struct reply *reply, const char *body, size_t len, struct err *err);

/* The tool calls, or pieces of some, that a message brings (openai_decode_calls.c); list: an array or NULL. */
void openai_decode_calls(struct reply *reply, const json_t *list);

void openai_raw(const struct reply *reply, struct buf *out);

/* ---- the short way (openai_quick.c) -------------------------------------------------------------------- */

/* What an event says that holds nothing but a piece of text. Zero-initialise; content is the caller's to
 * free. */
struct openai_piece {
	struct buf content;
	const char *id; /* in the event's bytes; NULL: none */
	size_t id_len;
	unsigned members; /* those of the event that were seen, and so on */
	bool has_choices, has_delta, has_index, has_finish, has_logprobs, has_content, has_role, has_other;
	bool stop; /* and that it ended as it should */
};

/* True: this is all the event says. False: read it the long way, whatever piece holds by now. */
bool openai_quick(const char *data, size_t len, struct openai_piece *piece);

#endif
