/* One turn, shared by the driver (turn.c) and its steps (turn_steps.c). */
#ifndef USHER_CORE_TURN_INSIDE_H
#define USHER_CORE_TURN_INSIDE_H

#include "ai.h"
#include "buf.h"
#include "clock.h"
#include "code.h"
#include "inside.h"
#include "log.h"
#include "message.h"
#include "store_turn.h"

struct arena;

/* A stranger is admitted before there is a turn (door.c); a turn begins with a person and a place. */
enum turn_state {
	TURN_COMMAND, /* instead of the next three: one of our own commands is carried out */
	TURN_RECALL,  /* what was said before */
	TURN_GATHER,  /* files and context, from the platform; left out when there is nothing to gather */
	TURN_THINK,   /* model and tools */
	TURN_ANSWER,  /* answer, reply and final state in one transaction (T4) */
	TURN_STATES,
};

/* A message of a running turn, found by its uuid. */
struct turn_message {
	const char *uuid;
	struct turn *turn;
	UT_hash_handle hh;
};

/* Steps and attempts that wait for their commit (T3). */
struct turn_journal {
	struct arena *arena;
	const struct ai_step *steps;
	const struct ai_attempt *attempts;
	size_t step_count, attempt_count;
	struct turn_journal *next;
};

/* What is needed until the model has been asked, and what of the end until the store has it. */
struct turn_question {
	struct arena *arena;
	const char *text;     /* what was said, bare */
	const char *language; /* it is written in, or NULL */
	const char *sender;   /* the platform's id of who said it */
	const char *prompt;   /* the same as the model is told it */
	struct tool_caller caller;
	const struct message_file *files;
	const size_t *file_messages; /* their messages, as places in turn->uuids */
	size_t file_count;
	char code[CODE_SIZE];		    /* of the commands "link", "approve" and "deny" */
	const struct ai_approval *approved; /* the call that this turn was approved to begin with, or NULL */
	const struct ai_step *journal;
	size_t journal_count;
	const struct store_recalled
		*recalled; /* lent while done_recall is on the stack; ours while TURN_GATHER */
};

struct turn_end {
	struct arena *arena; /* NULL while there is no end */
	enum message_state state;
	const char *reason, *text;
	const struct ai_result *result;
	bool plain;		  /* the second try: a notice and nothing else */
	bool formed;		  /* parts are what the plugin made of text */
	const char *const *parts; /* NULL: text as it is */
	size_t part_count;
};

struct turn {
	struct turns *turns;
	struct core *core;
	uint64_t serial;
	enum turn_state state;	    /* only turn.c assigns it */
	struct turn *prev, *next;   /* of the state's list, oldest first */
	UT_hash_handle hh;	    /* by serial */
	uint64_t began_ms, step_ms; /* loop time: of the turn, of its step */
	uint64_t retry_ms;	    /* loop time of the second try; 0: none is due */
	bool overdue;		    /* the store takes longer than the step's limit */
	int64_t started_ms;	    /* Unix milliseconds */
	int64_t id, conversation_id;
	struct installation *inst; /* held; NULL: not configured any more */
	struct arena *arena;	   /* of the strings below */
	const char *platform, *installation, *conversation_uuid, *reply_to;
	const char *const *uuids, *const *delivery_keys;
	size_t count;
	unsigned attempts, restarts; /* beginnings of the turn; of its answer in this one */
	struct turn_message *messages;
	struct turn_question question;
	struct turn_end end;
	unsigned flags; /* enum incoming_flags */
	struct gather *gather;
	const struct toolset *tools;	    /* from the question to the model until the end; or NULL */
	char *placeholder;		    /* what stands for the answer on the platform already, or NULL */
	bool placed_again;		    /* the store could not take that: told once more before the end */
	const struct ai_reserve *reserving; /* what the store is asked to set aside, or NULL */
	struct turn_past {
		bool counted;	      /* its past is summed up when it does not fit */
		bool full, by_tokens; /* the window is, by the number of its turns or by what they hold */
		bool falls_out;
		unsigned turns; /* of the window, as tokens */
		int64_t tokens;
		int64_t tell; /* the summary whose existence the answer tells; 0: none */
	} past;
	struct turn_links {
		struct links *known; /* hosts that its answer may link to; NULL: any */
		bool foreign;	     /* what others wrote came before the model */
		struct buf raw;	     /* then: of the growing answer, what the model said */
		size_t looked;	     /* bytes of that which were there when it was looked at */
	} links;
	const char *refused;	       /* what the person is told of the budget that said no, or NULL */
	struct buf shown;	       /* of the answer, so far */
	bool behind;		       /* earlier replies are on their way: it would stand above them */
	bool show_all;		       /* another plugin object has taken over: it has seen nothing of it */
	struct turn_journal *journals; /* the head is with the store */
	struct log log;
	char log_name[32];
};

/* The ticket that crosses a wait: serial and state. */
uint64_t turn_ticket(const struct turn *turn);

/* Whose ticket it is, if that turn still is in the step that asked; otherwise NULL. */
struct turn *turn_of(struct turns *turns, uint64_t ticket);

/* The turn of this serial, in whatever step; or NULL. */
struct turn *turn_find(struct turns *turns, uint64_t serial);

/* The step is done: begins this one. */
void turn_go(struct turn *turn, enum turn_state next);

/* Ends the turn with a notice for the speaker. code: a short word; result may be NULL. Goes to TURN_ANSWER.
 */
void turn_fail(struct turn *turn, const char *code, const struct ai_result *result);

/* The turn has reached its end in the store. Frees it. */
void turn_finish(struct turn *turn, const struct store_answered *answered);

/* The store refused the end for good: the row stays as it is. Frees the turn. */
void turn_drop(struct turn *turn, const struct err *err);

/* The store could not take it: the step's question is put again in a second. */
void turn_retry_later(struct turn *turn, const struct err *err);

/* Length that a growing answer restarts from: rises over restarts of the daemon too. */
unsigned turn_attempt(const struct turn *turn);

/* The turn's answer is this Markdown (copied); goes to TURN_ANSWER. result: NULL when no model was asked. */
void turn_answer(struct turn *turn, const char *text, const struct ai_result *result);

/* Shows these words (Markdown) in the place of the answer, until there are others or the answer itself. Before TURN_THINK. */
void turn_show(struct turn *turn, const char *words);

/* turn_steps.c, gather.c, command.c */
void start_command(struct turn *turn);
void start_recall(struct turn *turn);
void start_gather(struct turn *turn);
void late_gather(struct turn *turn);
void leave_gather(struct turn *turn); /* it is given up: nothing goes on for it */
void start_think(struct turn *turn);
void start_answer(struct turn *turn);
void again_think(struct turn *turn);
void late_think(struct turn *turn);  /* the limit of the step has passed */
void leave_think(struct turn *turn); /* the turn is given up while it thinks */
void end_think(struct turn *turn, const char *code, const char *why); /* it ends while it thinks */
void ask_placed(struct core *core, const char *uuid, const char *remote_id, const struct turn *turn);
void turn_tools_done(struct turn *turn);

/* notice.c: what the speaker is told, by code. Never NULL. */
const char *notice_text(const char *code);

#endif
