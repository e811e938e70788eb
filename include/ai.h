/* All the core knows of models and tools: ask, parts, steps to make durable, done, cancel. Loop thread only. */
#ifndef USHER_AI_H
#define USHER_AI_H

#include "err.h"
#include "tool.h"
#include <stddef.h>
#include <stdint.h>

struct ai;

enum { AI_COST_UNKNOWN = -1 };

enum ai_role { AI_USER, AI_ASSISTANT };

/* A call of an earlier turn whose result is known: both are told to the model, or neither. */
struct ai_past_call {
	unsigned round;	       /* of its turn: calls of one reply have the same */
	const char *id;	       /* made by us: nine letters and digits, unique in the conversation */
	const char *tool;      /* its name */
	const char *arguments; /* a JSON object */
	const char *result;    /* perhaps cut short */
};

/* One earlier message of the conversation. */
struct ai_message {
	enum ai_role role;
	const char *text;
	int64_t turn;			  /* the caller's number of its turn, for the record; 0: not told */
	const struct ai_past_call *calls; /* AI_ASSISTANT: what was done before it was said, in this order */
	size_t call_count;
};

/* One line of a turn's journal: what must be durable before the next thing happens. */
enum ai_step_kind {
	AI_STEP_REPLY, /* the model's complete reply that asks for tools; payload: {"text","tool_calls":[...],"raw"} */
	AI_STEP_INTENT, /* a tool is about to run; payload: its arguments, a JSON object */
	AI_STEP_RESULT, /* what it returned; payload: a JSON object */
};

struct ai_step {
	enum ai_step_kind kind;
	unsigned round;	     /* 1 for the first reply that asks for tools */
	const char *call_id; /* INTENT, RESULT: id of the call, unique in the turn; NULL for REPLY */
	const char *tool;    /* INTENT, RESULT: its name */
	bool failed;	     /* RESULT */
	const char *payload; /* JSON text */
	const char *class
		;     /* INTENT, RESULT: "read", "keyed", "once", "confirm"; NULL: no tool of ours. Static. */
	bool foreign; /* INTENT, RESULT: another server's tool */
};

/* One request to one model: a row of ai_agent_interactions. */
struct ai_attempt {
	const char *provider, *model;			    /* as in the settings, e.g. "openai", "gpt-..." */
	const char *input;				    /* the last thing said to it */
	const char *output;				    /* what it said, NULL when it failed */
	int64_t input_tokens, output_tokens, cached_tokens; /* -1 unknown */
	int64_t cost_micros; /* millionths of a US dollar, AI_COST_UNKNOWN when the price is not known */
	/* Of the interaction: NULL "chat", or "transcription", "summary"; "skipped": it was never sent, because a budget had no
	 * room for it, and another model was asked. */
	const char *type;
	int64_t latency_ms, first_token_ms; /* first_token_ms -1 when there was none */
	bool estimated;			    /* tokens are our estimate: the stream was cut */
	const char *request_id;		    /* the provider's, or NULL */
	const char *reservation;	    /* id of the money set aside for it (ai_reserve), or NULL */
	const char *error;		    /* NULL on success */
};

/* The next request to a model, before it is sent. */
struct ai_reserve {
	const char *id;		      /* of this request: a UUID, its attempt's reservation */
	const char *name;	      /* of the model in the settings */
	const char *provider, *model; /* as its attempt will say */
	int64_t micros; /* the most it can cost; AI_COST_UNKNOWN: its price is not known; 0: it is only put on record */
};

/* A call that the person who speaks must approve before it is made (tool.h, TOOL_ASK). code: eight letters and digits that
 * name it, the same after a crash. */
struct ai_approval {
	const char *code;
	const char *tool;
	const char *arguments; /* a JSON object */
};

/* A question. Everything is borrowed for the call. */
struct ai_ask {
	const char *model;		  /* a name of the settings' models; NULL: assistant.model */
	const char *system_prompt;	  /* or NULL */
	double temperature;		  /* < 0: the model's own default */
	long max_output_tokens;		  /* 0: the model's own default */
	const struct ai_message *history; /* oldest first, roles alternate, without the prompt */
	size_t history_count;
	const char *summary;  /* what was said before the history, summed up; or NULL */
	int64_t summary_id;   /* the caller's number of it, for the record */
	const char *language; /* that system_prompt asks for, for the record; or NULL */
	/* This is the question for such a summary: its requests are of the type "summary", the `local` model, which can
	 * only repeat, is never asked, and nothing is shown. */
	bool summarise;
	const char *prompt; /* what was said now */
	/* Paths of files that came with it, there as long as the question runs: a model that sees is shown the pictures
	 * among them. */
	const char *const *files;
	size_t file_count;
	const struct ai_step *journal; /* steps made durable before a crash, oldest first */
	size_t journal_count;
	const struct tool *const *tools;
	size_t tool_count;
	const struct tool_caller *caller;
	const struct ai_approval
		*approved; /* a call that was approved: it is made first, then the model goes on; or NULL */
	const char *key;   /* of this turn: tool keys and request ids are derived from it */
	bool reserve; /* a budget is in force: events->reserve is asked before each request that may cost something */
};

/* How a question ended. err->kind ERR_NONE: text is the answer. Otherwise err says why and code is a short word
 * for programs: "model_unavailable", "model_limited" (asked too often), "model_auth" (key or credit),
 * "model_refused", "empty_answer", "context_overflow", "too_many_rounds", "timeout", "journal_broken",
 * "budget" (ai_reserved said no). */
struct ai_result {
	struct err err;
	const char *code;
	const char *text;	/* Markdown, never empty on success */
	const char *tool_calls; /* JSON array of {name,arguments,result}; "[]" when none */
	/* What the answer was asked with (structured prompt): an object with model, system_prompt, how many messages of the
	 * history before this turn were sent and of which turns, language, summary, files, tool rounds and the names of
	 * the tools; never NULL from ai_start. */
	const char *request;
	const char *raw;	/* the last reply as it came; NULL: none did */
	const char *model;	/* that gave the answer, or NULL */
	bool cut;		/* the model stopped at its output limit or the stream broke off */
	size_t history_dropped; /* oldest messages left out to fit the window */
	bool history_full; /* with this answer the history is more than ai_history_tokens: the next turn loses some */
	const struct ai_attempt *attempts; /* not yet handed over by journal */
	size_t attempt_count;
	const struct ai_approval
		*approvals; /* calls that were not made, because they must be approved first */
	size_t approval_count;
};

/* What the AI room tells the core. owner and ticket are those of ai_start. */
struct ai_events {
	/* The answer shown so far grew. begins_again: drop what was shown before. */
	void (*part)(void *owner, uint64_t ticket, const char *text, size_t len, bool begins_again);
	/* Make these steps and attempts durable together, then call ai_journaled. Without steps: requests that came to nothing,
	 * before the next one. Never for ai_ask.summarise. */
	void (*journal)(void *owner, uint64_t ticket, const struct ai_step *steps, size_t step_count,
			const struct ai_attempt *attempts, size_t attempt_count);
	/* The end; nothing comes for this ticket afterwards. */
	void (*done)(void *owner, uint64_t ticket, const struct ai_result *result);
	/* Set this money aside, then call ai_reserved; only with ai_ask.reserve, and for each request of a summary. The
	 * request is not sent before. */
	void (*reserve)(void *owner, uint64_t ticket, const struct ai_reserve *ask);
};

/* Starts to answer. Exactly one done follows in a later round, unless cancelled. ticket: the caller's, unique. */
void ai_start(struct ai *ai, const struct ai_ask *ask, const struct ai_events *events, void *owner,
	      uint64_t ticket);

/* The journal of this ticket is committed: go on. Unknown tickets are ignored. */
void ai_journaled(struct ai *ai, uint64_t ticket);

/* The answer to events->reserve. ERR_NONE: the money is set aside, the request is sent. ERR_REFUSED: the next of the
 * models that stand in is tried, with a reservation of its own. Otherwise, or when there is none, the question ends with
 * code "budget" and this err. Unknown tickets are ignored. */
void ai_reserved(struct ai *ai, uint64_t ticket, const struct err *err);

/* Stops at once; no event follows. attempts made so far are lost to the record only if the daemon dies:
 * they are handed to `left` (may be NULL) before this returns. Unknown tickets are ignored. */
void ai_cancel(struct ai *ai, uint64_t ticket,
	       void (*left)(void *owner, const struct ai_attempt *attempts, size_t count), void *owner);

/* What fits of a conversation's past beside the question, in estimated tokens (tokens.h): assistant.history_tokens, or
 * else what the window of this model leaves. model: as in ai_ask. */
int64_t ai_history_tokens(const struct ai *ai, const char *model);

/* Whether there is a model that can be asked for a summary. */
bool ai_summarises(const struct ai *ai, const char *model);

/* ---- voice notes --------------------------------------------------------------------------------------------- */

/* What was heard in a sound file. Borrowed for the call. */
struct ai_heard {
	struct err err;			   /* ERR_NONE: text holds */
	const char *text;		   /* never blank on success */
	const char *language;		   /* as the service names it, or NULL */
	const struct ai_attempt *attempts; /* each request, the last one too */
	size_t attempt_count;
};
typedef void ai_heard_fn(void *owner, uint64_t ticket, const struct ai_heard *heard);

struct ai_hear_events {
	ai_heard_fn *heard; /* the end */
	/* Set this money aside, then call ai_hear_reserved: the request is not sent before. name is "speech". */
	void (*reserve)(void *owner, uint64_t ticket, const struct ai_reserve *ask);
};

/* Whether files of this kind ("audio/ogg") can be heard: the settings name a service for it. */
bool ai_hears(const struct ai *ai, const char *mime);

/* Puts what is said in this file into words. Exactly one answer in a later round, unless cancelled. path: stays until
 * then. ticket: the caller's, unique. */
void ai_hear(struct ai *ai, const char *path, const char *mime, const struct ai_hear_events *events,
	     void *owner, uint64_t ticket);

/* The answer to events->reserve; anything but ERR_NONE is why the note is not heard. Unknown tickets are ignored. */
void ai_hear_reserved(struct ai *ai, uint64_t ticket, const struct err *err);

/* Stops at once, as ai_cancel does; unknown tickets are ignored. */
void ai_hear_cancel(struct ai *ai, uint64_t ticket,
		    void (*left)(void *owner, const struct ai_attempt *attempts, size_t count), void *owner);

#endif
