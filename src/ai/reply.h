/* A model's reply while it comes in, whatever its provider: text, tool calls, the bill, an error. Decoders fill it piece by
 * piece; remote.c judges its end. Pure. */
#ifndef USHER_REPLY_H
#define USHER_REPLY_H

#include "buf.h"
#include "json.h"
#include "llm.h"

enum {
	REPLY_TEXT_MAX = 1024 * 1024,	  /* bytes of one answer; what is longer is cut */
	REPLY_ARGUMENTS_MAX = 256 * 1024, /* bytes of the arguments of all calls of a reply */
	REPLY_CALLS_MAX = 128,
	REPLY_BLOCKS_MAX = 512,
};

struct reply_call {
	char *id, *name;
	struct buf arguments;
	int64_t index; /* -1: none was given */
	char *extra;   /* the provider's own, to be sent back; or NULL */
};

/* An error as the many servers write it; all may be NULL. */
struct reply_error {
	char *message, *type, *code, *param;
};

/* A block of a message, in order of its beginning. */
struct reply_block {
	int64_t index;
	char *type;
	struct buf text; /* of a call: nothing, it stands in calls under the same index */
	struct buf more; /* a signature */
};

/* Zero-initialise. */
struct reply {
	struct buf text;	 /* what the user may see */
	struct buf reasoning;	 /* not shown; sent back with tool calls to servers that insist */
	char *reasoning_name;	 /* what the server calls it, a literal's copy; or NULL */
	char *reasoning_details; /* JSON */
	struct buf held;	 /* the start of the answer, while it may still be a <think> mark */
	struct reply_block
		*blocks; /* for providers whose messages are made of them: sent back as they came */
	size_t block_count;
	size_t content_bytes; /* of text, thoughts and blanks included: a sign of progress */
	bool thinking, started;
	struct reply_call *calls;
	size_t call_count, argument_bytes;
	bool refusal, finished,
		ended; /* finished: the reason of the end was seen; ended: the mark of the end */
	bool too_long; /* a limit of ours was hit: the rest is not read */
	enum llm_stop stop;
	bool failed; /* the server told an error within the answer */
	struct reply_error error;
	int64_t input_tokens, output_tokens, cached_tokens, cost_micros; /* valid when has_usage, has_cost */
	int64_t written_tokens,
		reasoning_tokens; /* into the provider's cache; thought; -1 unknown, valid when has_usage */
	bool has_usage, has_cost;
	char *id;
};

/* ---- reply.c ------------------------------------------------------------------------------------------------ */

/* A piece of what the model says. A <think>...</think> at the beginning is taken out, in any split. */
void reply_say(struct reply *reply, const char *text, size_t len);
void reply_think(struct reply *reply, const char *text, size_t len); /* a piece of its reasoning */
void reply_said(struct reply *reply); /* after the last piece: what was held back is text after all */

/* A new call at the end of the list; NULL (too_long is set) when there are REPLY_CALLS_MAX. The pointer lives until the
 * next one is made. */
struct reply_call *reply_call_add(struct reply *reply, int64_t index);
struct reply_call *reply_call_at(struct reply *reply,
				 int64_t index); /* the latest of this index; NULL: none */
void reply_call_argue(struct reply *reply, struct reply_call *call, const char *text, size_t len);

/* The same for blocks. */
struct reply_block *reply_block_add(struct reply *reply, int64_t index, const char *type);
struct reply_block *reply_block_at(struct reply *reply, int64_t index);

void reply_finish(struct reply *reply);

/* JSON of a server, repaired when it is not valid as it came. NULL and err (when not NULL); the caller releases. */
json_t *reply_json(const char *data, size_t len, struct err *err);

/* JSON text whose lone surrogate escapes, NUL escapes and invalid bytes became U+FFFD (reply_repair.c). The caller frees. */
char *reply_repair(const char *text, size_t len);

size_t reply_blanks(const char *text, size_t len); /* how many blanks it begins with */

/* ---- reply_error.c -------------------------------------------------------------------------------------------- */

/* Finds the error in a body of any known form. False: there is none. */
bool reply_error_read(struct reply_error *error, const char *body, size_t len);
bool reply_error_take(struct reply_error *error, const json_t *root);
void reply_error_finish(struct reply_error *error);

/* What to do about it. status 0: the error came within an answer with status 200. body: for its tell-tale words. */
enum llm_fault reply_fault(const struct reply_error *error, int status, const char *should_retry,
			   const char *body);

/* "try again in 4.77s", "9m38.016s", "20ms" somewhere in a text; -1: none. */
int64_t reply_hint_ms(const char *text);

/* It is this parameter that the server complains about. */
bool reply_blames(const struct reply_error *error, const char *name);

#endif
