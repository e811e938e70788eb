/* The provider for OpenAI's chat completions and every server that speaks them: its settings and its pure
 * parts. */
#ifndef USHER_OPENAI_H
#define USHER_OPENAI_H

#include "buf.h"
#include "llm.h"

extern const struct llm_ops openai_ops;

/* Rows of a models[] entry; used by this provider's own table and by the one of all providers. */
#define OPENAI_SETTINGS                                                                                      \
	{ "base_url", SETTING_TEXT, .fallback = "https://api.openai.com/v1",                                 \
	  .help = "where /chat/completions is" },                                                            \
		{ "api_key", SETTING_SECRET,                                                                 \
		  .help = "sent as a bearer token; none for servers that need none" },                       \
		{ "max_tokens_field", SETTING_CHOICE, .fallback = "auto",                                    \
		  .choices = "auto|max_tokens|max_completion_tokens",                                        \
		  .help = "how the server calls the output limit; auto: by host" },                          \
		{ "stream", SETTING_BOOL, .fallback = "true", .help = "ask for the answer in pieces" },      \
		{ "ca_file", SETTING_TEXT, .help = "PEM file of a private authority" },                      \
		{ "first_byte_s", SETTING_INT, .fallback = "120",                                            \
		  .min = 1,	  .max = 3600, .help = "seconds until the server begins to answer" },        \
		{ "idle_s", SETTING_INT, .fallback = "120",                                                  \
		  .min = 1, .max = 3600, .help = "seconds of silence within an answer" },                    \
	{                                                                                                    \
		"total_s", SETTING_INT, .fallback = "600", .min = 1, .max = 86400,                           \
					.help = "seconds for a whole answer"                                 \
	}

enum {
	OPENAI_TEXT_MAX = 1024 * 1024,	   /* bytes of one answer; what is longer is cut */
	OPENAI_LINE_MAX = 1024 * 1024,	   /* bytes of one line of a stream */
	OPENAI_BODY_MAX = 4 * 1024 * 1024, /* bytes of an answer that does not come as a stream */
	OPENAI_ARGUMENTS_MAX = 256 * 1024, /* bytes of the arguments of all calls of a reply */
	OPENAI_CALLS_MAX = 128,
	OPENAI_TOOLS_MAX = 128, /* the service refuses more */
};

/* ---- encoding (openai_encode.c) ------------------------------------------------------------------------ */

/* What a server turned out not to take, remembered as long as the daemon runs. */
struct openai_quirks {
	bool no_stream_options, no_temperature, no_max_tokens;
	bool completion_tokens; /* the limit is called max_completion_tokens */
	bool renamed;		/* the other name was tried before */
};

struct openai_params {
	bool stream;
	double temperature;
	long max_output_tokens;
};

/* Appends the request up to its parameters; then those and the closing brace. Two steps, so that a request
 * can be repeated with other parameters: cut the text back to where the first step ended. */
void openai_encode_start(struct buf *out, const char *model, const struct llm_request *request);
void openai_encode_params(struct buf *out, const struct openai_params *params,
			  const struct openai_quirks *quirks);

/* ---- decoding (openai_decode.c) ------------------------------------------------------------------------ */

struct openai_call {
	char *id, *name;
	struct buf arguments;
	int64_t index; /* -1: none was given */
	char *extra;   /* JSON of extra_content, to be sent back; or NULL */
};

/* An error as the many servers write it; all may be NULL. */
struct openai_error {
	char *message, *type, *code, *param;
};

/* A reply while it comes in. Zero-initialise. */
struct openai_reply {
	struct buf text;	 /* what the user may see */
	struct buf reasoning;	 /* not shown; sent back with tool calls to servers that insist */
	char *reasoning_name;	 /* "reasoning_content" or "reasoning" */
	char *reasoning_details; /* JSON */
	struct buf held;	 /* the start of the answer, while it may still be a <think> mark */
	size_t content_bytes;	 /* of text, thoughts and blanks included: a sign of progress */
	bool thinking, started;
	struct openai_call *calls;
	size_t call_count, argument_bytes;
	bool refusal, finished, ended; /* finished: a finish_reason was seen; ended: [DONE] */
	bool too_long;		       /* a limit of ours was hit: the rest is not read */
	enum llm_stop stop;
	bool failed; /* the server told an error within the answer */
	struct openai_error error;
	int64_t input_tokens, output_tokens, cached_tokens, cost_micros; /* valid when has_usage */
	bool has_usage, has_cost;
	char *id;
};

/* One event of a stream. False: it can't be read, or it told an error (failed is set then). */
bool openai_decode_event(struct openai_reply *reply, const char *event, const char *data, size_t len,
			 struct err *err);

/* A whole answer in one piece, also when a stream was asked for. */
bool openai_decode_body(struct openai_reply *reply, const char *body, size_t len, struct err *err);

/* The tool calls, or pieces of some, that a message brings (openai_decode_calls.c); json: a json_t, an array
 * or NULL. */
void openai_decode_calls(struct openai_reply *reply, const void *json);

/* After the last piece: what was held back is text after all. */
void openai_decode_end(struct openai_reply *reply);

/* The assistant message as it came, to be sent back to the same server. */
void openai_raw(const struct openai_reply *reply, struct buf *out);

void openai_reply_finish(struct openai_reply *reply);

/* ---- the short way (openai_quick.c) -------------------------------------------------------------------- */

/* What an event says that holds nothing but a piece of text. Zero-initialise; content is the caller's to
 * free. */
struct openai_piece {
	struct buf content;
	const char *id; /* in the event's bytes; NULL: none */
	size_t id_len;
	unsigned members; /* those of the event that were seen, and so on */
	bool has_choices, has_delta, has_index, has_finish, has_logprobs, has_content, has_role, has_other;
};

/* True: this is all the event says. False: read it the long way, whatever piece holds by now. */
bool openai_quick(const char *data, size_t len, struct openai_piece *piece);

/* ---- errors (openai_error.c) --------------------------------------------------------------------------- */

struct http_answer;

/* Finds the error in a body of any known form. False: there is none. */
bool openai_error_read(struct openai_error *error, const char *body, size_t len);
bool openai_error_take(struct openai_error *error, const void *json); /* from a json_t */
void openai_error_finish(struct openai_error *error);

/* What to do about it. status 0: the error came within an answer with status 200. body: for its tell-tale
 * words. */
enum llm_fault openai_fault(const struct openai_error *error, int status, const char *should_retry,
			    const char *body);

/* "try again in 4.77s", "9m38.016s", "20ms" somewhere in a text; -1: none. */
int64_t openai_hint_ms(const char *text);

/* The parameter a 400 complains about is dropped or renamed; false when nothing can be done (any more). */
bool openai_adapt(struct openai_quirks *quirks, const struct openai_error *error,
		  const struct openai_params *params);

/* ---- text repair (openai_repair.c) --------------------------------------------------------------------- */

/* JSON text whose lone surrogate escapes, NUL escapes and invalid bytes became U+FFFD. The caller frees. */
char *openai_repair(const char *text, size_t len);

#endif
