/* One HTTP call to a model's server, the same for every provider: sent, its answer fed to the provider's decoder as it comes,
 * its end judged. Loop thread only. */
#ifndef USHER_REMOTE_H
#define USHER_REMOTE_H

#include "reply.h"
#include "sse.h"
#define HASH_FUNCTION HASH_FNV /* the default falls through cases without a mark that clang knows */
#include <uthash.h>

struct http_answer;
struct remote;

/* Rows of a models[] entry that every provider with a server has. base_url: the provider's own when it is not given. */
#define REMOTE_SETTINGS                                                                                      \
	{ "base_url", SETTING_TEXT, .help = "where the provider's server is, when not at its own address" }, \
		{ "api_key", SETTING_SECRET, .help = "the key; none for servers that need none" },           \
		{ "stream", SETTING_BOOL, .fallback = "true", .help = "ask for the answer in pieces" },      \
		{ "ca_file", SETTING_TEXT, .help = "PEM file of a private authority" },                      \
		{ "first_byte_s", SETTING_INT, .min = 1, .max = 3600,                                        \
		  .help = "seconds until the server begins to answer; default 120, ollama 300" },            \
		{ "idle_s", SETTING_INT, .fallback = "120",                                                  \
		  .min = 1, .max = 3600, .help = "seconds of silence within an answer" },                    \
	{                                                                                                    \
		"total_s", SETTING_INT, .fallback = "600", .min = 1, .max = 86400,                           \
					.help = "seconds for a whole answer"                                 \
	}

enum {
	REMOTE_LINE_MAX = 1024 * 1024,	   /* bytes of one line of a stream */
	REMOTE_BODY_MAX = 4 * 1024 * 1024, /* bytes of an answer that does not come as a stream */
	REMOTE_HEADERS_MAX = 6,
};

/* What a request asks for beside its messages; remembered, because it may have to be written again. */
struct remote_params {
	bool stream;
	double temperature;
	long max_output_tokens;
};

enum remote_form { REMOTE_UNKNOWN, REMOTE_STREAM, REMOTE_BODY };

struct remote_call {
	struct remote *remote;
	uint64_t ticket, http;
	UT_hash_handle hh;
	struct buf request;
	struct remote_params params;
	unsigned form_of; /* remote.changes when it was written */

	enum remote_form form;
	struct sse sse;
	struct buf line; /* with dialect.lines: the beginning of the next */
	struct buf body;
	struct reply reply;
	size_t shown;	/* bytes of reply.text passed on */
	struct err err; /* why reading stopped */
	uint64_t began_ms, progress_ms;
	int64_t first_token_ms;
	uint64_t ended_ms; /* when the mark of the end came; 0: not yet */
};

/* How a provider reads and writes. All but adapt and fault are pure. */
struct dialect {
	const char *name;
	bool lines;	       /* a stream is one JSON text a line (NDJSON), not server-sent events */
	unsigned first_byte_s; /* until its servers begin to answer, when the settings say nothing; 0: 120 */
	/* One event of a stream (lines: event is ""). False: it can't be read, or told an error (failed is set then). */
	bool (*event)(struct reply *reply, const char *event, const char *data, size_t len, struct err *err);
	/* A whole answer in one piece, also when a stream was asked for. */
	bool (*body)(struct reply *reply, const char *body, size_t len, struct err *err);
	/* The assistant message as it came, to be sent back to the same provider. */
	void (*raw)(const struct reply *reply, struct buf *out);
	/* What an error means; NULL: reply_fault. */
	enum llm_fault (*fault)(const struct reply_error *error, int status, const char *should_retry,
				const char *body);
	/* The request was refused, for a parameter perhaps: true when the provider writes its requests in another way from now
	 * on, without it. Each way is given up once. May be NULL. */
	bool (*adapt)(struct llm *llm, const struct remote_call *call, const struct reply_error *error);
};

/* The server of one model: a member of the provider's struct llm. */
struct remote {
	const struct dialect *dialect;
	struct llm *llm; /* whose it is */
	struct llm_host host;
	char *model, *url, *check_url, *ca_file;
	char *headers[REMOTE_HEADERS_MAX]; /* beside Content-Type and Accept */
	size_t header_count;
	bool stream;
	unsigned changes; /* how often adapt has changed the way its requests are written */
	unsigned first_byte_ms, idle_ms, total_ms;
	struct remote_call *calls;
	struct loop_timer *closing; /* looks after calls that ended without their connection noticing */
};

/* Reads REMOTE_SETTINGS and `model`. tail: the path of the question below base_url ("/chat/completions"), which people
 * paste with it; check_tail: what doctor GETs. NULL-safe to finish after a failure. */
bool remote_init(struct remote *remote, struct llm *llm, const struct dialect *dialect,
		 const struct llm_host *host, const struct settings *settings, const char *base_url,
		 const char *tail, const char *check_tail, struct err *err);
void remote_header(struct remote *remote, char *line); /* takes it over; NULL is left out */
void remote_finish(struct remote *remote);	       /* cancels what runs */

/* A new call: write its request, then send it. */
struct remote_call *remote_call_new(struct remote *remote, const struct llm_request *request,
				    uint64_t ticket);
void remote_send(struct remote_call *call);
void remote_cancel(struct remote *remote, uint64_t ticket);
void remote_check(struct remote *remote, uint64_t ticket); /* llm_ops.check */

#endif
