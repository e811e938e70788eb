/* The pipeline on a stage: the test says what the model says and what the tools give; what the caller is told
 * stands in a log. Everything runs under ticket 42. */
#ifndef TURN_STAGE_H
#define TURN_STAGE_H

#include "ai_room.h"
#include "buf.h"
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
// clang-format on

/* A model that says what the test says. */
struct llm {
	struct llm_host host;
	uint64_t ticket; /* of the running request; 0: none */
	unsigned asked, cancelled;
	struct buf seen; /* the last request, one line a message */
	size_t tools, messages;
	long max;
	char first[64]; /* the first message that is not the system's */
};

/* A tool whose results the test gives. */
struct box {
	unsigned calls;
	char key[2][80];
	char arguments[2000];
	tool_done_fn *done;
	void *owner;
	uint64_t tickets[8];
};

struct turn_stage {
	struct loop *loop;
	struct ai *ai;
	struct llm llm, spare; /* spare: with turn_setup_spare, the fall-back */
	struct settings *settings[2];
	struct box box[3];
	struct tool tool[3];
	const struct tool *tools[3];
	struct buf log; /* what the caller was told, one line each */
	size_t handed;	/* attempts seen */
	unsigned noted; /* how often attempts came without steps */
	unsigned reserved;
	bool holds; /* these are not answered at once: by the test */
	int64_t cost;
	bool estimated;
	unsigned ends;
};

extern const struct ai_events turn_events;

void turn_setup(struct turn_stage *w);
void turn_setup_spare(struct turn_stage *w); /* instead: two models, "main" and "spare" */
void turn_teardown(struct turn_stage *w);
struct ai_ask turn_question(struct turn_stage *w);
void turn_start(struct turn_stage *w, const struct ai_ask *ask);
void turn_begin(struct turn_stage *w); /* setup, and the question asked */

/* What the model does next. */
struct llm_reply turn_blank_reply(void);
void turn_give(struct turn_stage *w, const struct llm_reply *reply);
void turn_spare_say(struct turn_stage *w, const char *text);
void turn_say(struct turn_stage *w, const char *text, enum llm_stop stop);
void turn_want(struct turn_stage *w, const char *text, const struct llm_call *calls, size_t count);
void turn_break_down(struct turn_stage *w, enum llm_fault fault, unsigned retry_ms, const char *text);
void turn_part(struct turn_stage *w, const char *text);

/* The nth call of a tool ends. */
void turn_result(struct turn_stage *w, int tool, unsigned nth, const char *text, bool failed);

/* What the caller was told since the last look; a piece of the last request to the model. */
void turn_expect_log(struct turn_stage *w, const char *log);
void turn_expect_seen(struct turn_stage *w, const char *piece);

#endif
