/* What the two halves of the OpenAI provider share: the provider and one call of its server. */
#ifndef USHER_OPENAI_INSIDE_H
#define USHER_OPENAI_INSIDE_H

#include "openai.h"
#include "sse.h"
#define HASH_FUNCTION HASH_FNV /* the default falls through cases without a mark that clang knows */
#include <uthash.h>

enum { OPENAI_CONNECT_MS = 10 * 1000 };

struct http_answer;

enum form { FORM_UNKNOWN, FORM_STREAM, FORM_BODY };

struct call {
	struct llm *llm;
	uint64_t ticket, http;
	UT_hash_handle hh;
	struct buf request;
	size_t params_at; /* where the parameters begin in request */
	struct openai_params params;
	unsigned adaptions;

	enum form form;
	struct sse sse;
	struct buf body;
	struct openai_reply reply;
	size_t shown;	/* bytes of reply.text passed on */
	struct err err; /* why reading stopped */
	uint64_t began_ms, progress_ms;
	int64_t first_token_ms;
	uint64_t ended_ms; /* when [DONE] came; 0: not yet */
};

struct llm {
	struct llm_host host;
	char *model, *chat_url, *models_url, *authorization, *ca_file;
	bool stream;
	unsigned first_byte_ms, idle_ms, total_ms;
	struct openai_quirks quirks;
	struct call *calls;
	struct loop_timer *closing; /* looks after calls that ended without their connection noticing */
};

/* Sends what request holds; the reply is told to the host when it ends, and the call is gone. */
void openai_call_send(struct call *call);
void openai_call_forget(struct call *call); /* frees; it no longer stands in llm->calls */

/* A timer's: gives the answers of calls whose server said all and keeps the connection open. */
void openai_close_ended(void *llm);

/* The sentence for an answer that is an error; status 0: within an answer of status 200. */
void openai_name_error(struct err *err, enum err_kind kind, int status, const struct openai_error *error,
		       const char *type);

#endif
