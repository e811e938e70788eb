/* The OpenAI provider on a loop and an HTTP client that do what the test says, and what it told its host. */
#ifndef OPENAI_STAGE_H
#define OPENAI_STAGE_H

#include "http.h"
#include "openai.h"
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
// clang-format on

struct openai_stage {
	struct loop *loop;
	struct http *http;
	struct settings *settings;
	struct llm *llm;
	struct buf parts;
	bool ended, cancel_in_part;
	enum llm_fault fault;
	enum llm_stop stop;
	struct err err;
	unsigned retry_ms;
	struct buf text, calls, raw;
	char request_id[64];
	int64_t input, output, cached, cost, first_ms;
	int64_t skew;
	unsigned checked;
};

/* settings: name, value, ..., NULL; NULL: the least there may be. */
void openai_stage_open(struct openai_stage *w, const char *const *values);
void openai_stage_close(struct openai_stage *w);

/* Says hello to the model under ticket 9. */
void openai_stage_ask(struct openai_stage *w, double temperature, long max);

/* Makes room for the next reply. */
void openai_stage_forget(struct openai_stage *w);

#endif
