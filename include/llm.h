/* What a model provider offers the AI room: one request, parts of a reply, one end. Loop thread only. */
#ifndef USHER_LLM_H
#define USHER_LLM_H

#include "err.h"
#include "settings.h"
#include "tool.h"
#include <stddef.h>
#include <stdint.h>

struct loop;
struct http;
struct llm;
struct log;

enum llm_role { LLM_SYSTEM, LLM_USER, LLM_ASSISTANT, LLM_TOOL };

/* A tool the model asks for. arguments: JSON text as it came, perhaps not valid. */
struct llm_call {
	const char *id, *name, *arguments;
};

/* A picture that a person sent. */
struct llm_image {
	const char *mime;   /* "image/png": jpeg, png, gif or webp */
	const char *base64; /* its bytes (RFC 4648, section 4) */
};

struct llm_message {
	enum llm_role role;
	const char *text;	      /* LLM_TOOL: the result; may be NULL with calls */
	const struct llm_call *calls; /* LLM_ASSISTANT only */
	size_t call_count;
	const char *call_id; /* LLM_TOOL: which call this answers */
	const char *tool;    /* LLM_TOOL: its name */
	const char *raw;     /* LLM_ASSISTANT: this provider's own form, sent back as it came; or NULL */
	const struct llm_image *images; /* LLM_USER only */
	size_t image_count;
};

/* Borrowed for the call of ask. */
struct llm_request {
	const struct llm_message *messages;
	size_t message_count;
	const struct tool *const *tools;
	size_t tool_count;
	/* Instead of tools: those that were offered before and may not be called any more. Some services want to see what the
	 * calls in the messages were made from. */
	const struct tool *const *spent;
	size_t spent_count;
	double temperature;	/* < 0: not sent */
	long max_output_tokens; /* 0: not sent */
	const char *key;	/* conversation-stable key for the provider's prompt cache, or NULL */
};

enum llm_stop { LLM_STOP_END, LLM_STOP_TOOLS, LLM_STOP_LENGTH, LLM_STOP_REFUSED };

/* Why a request failed, beyond err: what the pipeline does next. */
enum llm_fault {
	LLM_FAULT_NONE,
	LLM_FAULT_TRANSIENT, /* network, 5xx, overload: retry with backoff */
	LLM_FAULT_LIMITED,   /* 429: retry after retry_ms */
	LLM_FAULT_OVERFLOW,  /* the prompt does not fit: trim and retry once */
	LLM_FAULT_AUTH, /* key refused, quota or credit exhausted, no such model: no retry, tell the operator */
	LLM_FAULT_REFUSED, /* the request itself is refused: no retry */
	LLM_FAULT_ANEW, /* it was sent in a way this model does not take, which is known now: ask at once, it is another */
};

/* Borrowed for the call of done. */
struct llm_reply {
	struct err err;
	enum llm_fault fault;
	unsigned retry_ms; /* the server's hint, 0 none */
	const char *text;  /* never NULL; what came before a fault too */
	const struct llm_call *calls;
	size_t call_count;
	enum llm_stop stop;
	int64_t input_tokens, output_tokens, cached_tokens; /* -1 unknown; input includes cached */
	int64_t written_tokens;	  /* of the input, put into the provider's cache; -1 unknown */
	int64_t reasoning_tokens; /* of the output, thoughts; -1 unknown */
	int64_t cost_micros;	  /* when the provider itself tells the cost; else -1 */
	const char *raw;	  /* assistant message to send back to this provider, or NULL */
	const char *request_id;	  /* or NULL */
	int64_t first_token_ms;	  /* -1 none */
	int64_t latency_ms;
};

/* Given to create; tells the AI room what happens. */
struct llm_host {
	struct loop *loop;
	struct http *http;
	const struct log *log;
	void *owner;
	void (*part)(void *owner, uint64_t ticket, const char *text, size_t len);
	void (*done)(void *owner, uint64_t ticket, const struct llm_reply *reply);
	void (*checked)(void *owner, uint64_t ticket, const struct err *err, int64_t clock_skew_ms);
};

struct llm_ops {
	const char *name;		/* models[].provider */
	const struct setting *settings; /* of one models[] entry, beside name, provider and model */
	struct llm *(*create)(const struct llm_host *host, const struct settings *model, struct err *err);
	/* Sends one request; any number of part, then exactly one done, in later rounds. ticket is unique. */
	void (*ask)(struct llm *llm, const struct llm_request *request, uint64_t ticket);
	/* No further event for this ticket. Unknown tickets are ignored. */
	void (*cancel)(struct llm *llm, uint64_t ticket);
	/* For doctor: can the model be reached with this key? Answer: host->checked; skew is the provider's clock
	 * minus ours, 0 when unknown. */
	void (*check)(struct llm *llm, uint64_t ticket);
	void (*destroy)(struct llm *llm); /* takes NULL; cancels what runs */
};

#endif
