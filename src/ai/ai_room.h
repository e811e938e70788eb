/* What the files of the AI room share: the models, the turns, and what a turn is made of. */
#ifndef USHER_AI_ROOM_H
#define USHER_AI_ROOM_H

#include "ai.h"
#include "ai_open.h"
#include "log.h"
#include "mem.h"
#include "price.h"
#include "tokens.h"
#define HASH_FUNCTION HASH_FNV /* the default falls through cases without a mark that clang knows */
#include <uthash.h>

struct buf;

enum {
	CALLS_MAX = 32, /* tool calls of one reply; further ones are refused */
	NAME_MAX_BYTES = 128,
	RESULT_MAX = 64 * 1024, /* bytes of a tool's result that are kept and shown to the model */
	PICTURES_MAX = 4,	/* of one message */
	PICTURE_BYTES_MAX = 5 * 1024 * 1024 / 4 * 3, /* services count its 5 MB in base64 */
	PICTURES_RUNNING_MAX = 128 * 1024 * 1024,    /* base64 of all requests that are on their way */
	RESULT_SHORT = 2048,			     /* the same when the prompt did not fit */
	RETRY_BASE_MS = 500,
	RETRY_CAP_MS = 30 * 1000,
	RETRY_HINT_MAX_MS = 60 * 1000, /* a server that asks for more patience is given up */
	TRIM_PERCENT =
		60, /* what is left of a prompt that did not fit: cutting in big steps keeps caches warm */
};

/* One models[] entry. */
struct model {
	char *name, *provider, *id;
	const struct llm_ops *ops;
	struct llm *llm;
	const struct ai_price *price;		/* NULL: not known */
	long context_tokens, max_output_tokens; /* 0: not known, not sent */
	double temperature;			/* < 0: not sent */
	bool vision;				/* it can be shown pictures */
	unsigned fails, cool_ms;		/* of late; the last pause */
	uint64_t fails_since_ms,
		cool_until_ms; /* loop time; it is not asked until then when another can be */
};

/* A tool call the model asked for. */
struct call {
	const char *id, *name, *arguments; /* as the model wrote them */
	const char *checked;		   /* the arguments as a JSON object; "{}" when they were not one */
	const struct tool *tool;	   /* NULL: none of that name, or not to be run */
	const char *result;		   /* NULL: not yet */
	bool failed;
	bool foreign;  /* what it returns is somebody else's words */
	bool plain;    /* arguments was a JSON object as it came */
	bool intended; /* its intent is durable */
	bool recorded; /* its result is durable */
	uint32_t step; /* of the ticket it runs under; 0: it does not run */
};

/* A reply that asked for tools, and what they returned. */
struct round {
	const char *text, *raw, *model;
	struct call *calls;
	size_t call_count;
	bool recorded; /* the reply is durable */
};

enum turn_state {
	TURN_READY,	/* goes on when the timer fires, perhaps after a pause */
	TURN_RESERVING, /* the money for a request is being set aside */
	TURN_ASKING,	/* a request is with the provider */
	TURN_NOTING,	/* what the requests so far have come to is being made durable */
	TURN_INTENDING, /* the reply and the intents are being made durable */
	TURN_CALLING,	/* tools run */
	TURN_RECORDING, /* results are being made durable */
};

struct turn {
	struct ai *ai;
	UT_hash_handle by_ticket, by_id;
	uint64_t ticket;   /* the caller's */
	uint32_t id, step; /* ours: a ticket given downwards is id and step */
	struct arena *arena;
	enum turn_state state;
	struct loop_timer *timer;
	uint64_t deadline_ms, wake_ms;
	uint64_t resume_ms; /* TURN_NOTING: when the next request is due */

	struct ai_ask ask;	      /* copies, in the arena */
	struct model *model, *wanted; /* that is asked; that should be */
	size_t place;		      /* of model among wanted and the fall-backs */
	long given_max;		      /* by the question; else each model's own */
	double given_temperature;
	const struct ai_events *events;
	void *owner;

	size_t history_from, results_max;
	bool trimmed;
	struct round *rounds;
	size_t round_count;
	const char *broken; /* the journal could not be read: why */

	unsigned tries; /* requests for the reply we want now */
	uint64_t asked_ms;
	int64_t first_part_ms, said_tokens; /* of the running request */
	size_t pictures, picture_bytes;	    /* with the last request; of the running one */
	const char *reservation;	    /* of the running request, or NULL */
	bool shown, fresh;		    /* something was shown; nothing yet of this request */
	struct ai_attempt *attempts;	    /* not yet handed over */
	size_t attempt_count;
	struct ai_approval *approvals; /* calls that wait for one; their strings are the arena's */
	size_t approval_count;
};

struct check;
struct speech;

struct ai {
	struct loop *loop;
	const struct log *log;
	struct prices prices;
	struct model *models;
	size_t model_count;
	struct model *model;	 /* the default */
	struct model **fallback; /* asked in this order when the one wanted can't answer */
	size_t fallback_count;
	unsigned rounds_max, calls_max, attempts_max, turn_ms;
	struct turn *by_ticket, *by_id;
	size_t picture_bytes; /* of all running requests */
	uint32_t last_id, last_check;
	struct check *checks;
	struct loop_timer *check_timer;
	struct speech *speech; /* NULL: nothing is heard */
	int64_t history_tokens;
};

/* registry.c */
const struct llm_ops *provider_find(const char *name);

/* ai.c */
struct llm_host ai_host(struct ai *ai, struct http *http); /* what a provider is given */
struct turn *ai_turn_claim(struct ai *ai, uint64_t ticket,
			   enum turn_state state); /* NULL: nobody waits for it */

/* pipeline.c */
void ai_turn_start(struct turn *turn);
void ai_turn_fire(void *turn); /* its timer */
void ai_turn_journaled(struct turn *turn);
void ai_turn_reserved(struct turn *turn, const struct err *err);
void ai_turn_part(struct turn *turn, const char *text, size_t len);
void ai_turn_reply(struct turn *turn, const struct llm_reply *reply);
void ai_turn_result(struct turn *turn, uint32_t step, const char *result, bool failed);
void ai_turn_stop(struct turn *turn);	 /* ends what runs below; no event */
void ai_turn_unlink(struct turn *turn);	 /* nothing finds it any more */
void ai_turn_destroy(struct turn *turn); /* after unlink */
uint64_t ai_turn_ticket(const struct turn *turn);

/* fallback.c */
void fallback_first(struct turn *turn);			/* sets turn->model by turn->wanted */
bool model_repeats(const struct model *model);		/* it is the `local` one, which can't sum up */
bool fallback_left(const struct turn *turn);		/* somebody else could be asked */
bool fallback_next(struct turn *turn);			/* false: there is nobody else */
void fallback_failed(struct turn *turn, bool for_good); /* for_good: until the operator does something */
void fallback_worked(struct turn *turn);

/* reserve.c: the most a request can cost. */
long reserve_answer_max(
	const struct turn *turn); /* tokens of the answer that are sent as its limit; 0: none */
int64_t reserve_most(const struct turn *turn,
		     const struct llm_request *request); /* 0: nothing is to be set aside */
void reserve_ask(struct turn *turn, int64_t most);

/* pictures.c */
void pictures_show(const struct turn *turn, struct arena *arena, struct llm_message *message); /* adds them */
void pictures_sent(struct turn *turn, const struct llm_request *request); /* they count until */
void pictures_done(struct turn *turn);

/* attempt.c: one row for each request. */
void attempt_add(struct turn *turn, const struct llm_reply *reply);
void attempt_add_stopped(struct turn *turn, const char *why); /* the running request, ended by us */
void attempt_add_unsent(struct turn *turn, const char *why); /* a budget refused it; another model is asked */

/* calls.c: judging what the model asks for. */
struct round *calls_add_round(struct turn *turn, const char *text, const char *raw, const char *model,
			      const struct llm_call *calls, size_t count);
void calls_begin_approved(struct turn *turn); /* the round that an approval begins the turn with */
void calls_ask_again(struct turn *turn, struct call *call); /* a crash left it unknown: the person decides */
void calls_cut_off(struct turn *turn, struct round *round); /* the reply ended at its limit: none may run */
void calls_set_result(struct turn *turn, struct call *call, const char *result, bool failed);
void calls_set_error(struct turn *turn, struct call *call, const char *text);
void calls_run(struct turn *turn, struct round *round);
char *calls_json(const struct turn *turn); /* [{name,arguments,result}]; the caller frees */

/* journal.c: a turn's steps as they are kept, in both directions. */
void journal_reply_payload(const struct round *round, struct buf *out);
bool journal_load(struct turn *turn, const struct ai_ask *ask, struct err *err);

/* prompt.c: what is sent. */
int64_t prompt_history_max(const struct ai *ai, const struct model *model); /* see ai_history_tokens */
bool prompt_full(const struct turn *turn, const char *answer);
int64_t prompt_tokens(const struct turn *turn);
bool prompt_trim(struct turn *turn, int64_t tokens); /* false: nothing could be left out */
void prompt_fit(struct turn *turn);		     /* trims by estimate when the window is known */
struct llm_message *prompt_build(struct turn *turn, struct arena *arena, size_t *count_out);
char *prompt_record(const struct turn *turn);	  /* JSON for ai_result.request; the caller frees */
const char *prompt_last(const struct turn *turn); /* the last thing said to the model */

#endif
